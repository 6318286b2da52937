#' Univariate statistics, also by category
#'
#' Means, standard deviations, ranges and counts of numeric variables, counts of categories, and statistics of numbers
#' in every combination of categories, in one pass over the data.
#'
#' **Terms.** A numeric variable gives a row of statistics; a factor gives counts of its levels; factors joined by `:`
#' give counts of combinations; a number joined with factors by `:` gives a row of statistics over all and a table of
#' statistics by combination. `~ .` takes every variable that is not text. `y ~ f` means `~ y:f`: the response is
#' crossed with the first term on the right.
#'
#' **Statistics.** The mean is sum(w x) / sum(w). The variance is sum((x - mean)^2) / (n - 1) without weights, divided
#' by sum(w) - 1 with frequency weights, and n / (n - 1) sum(w (x - mean)^2) / sum(w) with probability weights, n
#' counting rows. Rows of weight zero do not count. Sums and sums of squares are accumulated about a shift near the mean
#' and added up in numbers of 32 digits (below 100,000 rows value by value, else batch by batch), so a large mean costs
#' no digits, and the result is the same to the last bit for any number of threads. Empty categories have means NaN, and
#' counts and sums 0.
#'
#' @param formula a formula, usually one-sided; see [rxFormula].
#' @param data a data frame, a data source, or the name of a file.
#' @param byGroupOutFile NULL; or names of files, or [RxXdfData()] objects, that the tables by category are written to.
#'   One name for several tables gets numbers appended.
#' @param summaryStats which of `"Mean"`, `"StdDev"`, `"Min"`, `"Max"`, `"ValidObs"`, `"MissingObs"`, `"Sum"` and
#'   `"SumOfWeights"` to give.
#' @param byTerm whether rows with a missing value are left out term by term; FALSE uses only rows that are complete in
#'   all terms.
#' @param pweights,fweights name of the variable of probability weights, or of frequency weights (whole numbers).
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param overwrite whether existing files of `byGroupOutFile` may be replaced.
#' @param useSparseCube whether to keep only combinations of categories that occur while counting.
#' @param removeZeroCounts whether to leave categories without rows out of the tables.
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param rowsPerBlock rows of a block of the files that are written.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), and how long it took.
#' @param computeContext a compute context; only local ones are supported.
#' @param ... no further arguments; a warning names them.
#' @return An object of class `rxSummary`, a list:
#'   * `nobs.valid`, `nobs.missing`: rows used, and rows left out whole;
#'   * `sDataFrame`: a data frame with a row a term, columns `Name` and the statistics;
#'   * `categorical`: a list with a data frame a categorical term, counts (`Counts`) or statistics (`Category`, `Means`,
#'     `StdDev`, `Min`, `Max`, `ValidObs`), or with the data sources of `byGroupOutFile`;
#'   * `params`, `formula`, `call`;
#'   * `categorical.type`: `"none"`, `"counts"` or `"cube"`.
#' @references
#' Hida, Y., Li, X. S. and Bailey, D. H. (2001) Algorithms for quad-double precision floating point arithmetic. 15th
#' IEEE Symposium on Computer Arithmetic, 155-162.
#' @examples
#' rxSummary(~ mpg + hp:F(cyl), data = mtcars)
#'
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxSummary(arr_delay ~ origin, data = flights, rowSelection = month == 1)
#' @export
rxSummary <- function(formula, data, byGroupOutFile = NULL,
                      summaryStats = c("Mean", "StdDev", "Min", "Max", "ValidObs", "MissingObs"), byTerm = TRUE,
                      pweights = NULL, fweights = NULL, rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                      transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                      overwrite = FALSE, useSparseCube = rxGetOption("useSparseCube"), removeZeroCounts = useSparseCube,
                      blocksPerRead = rxGetOption("blocksPerRead"), rowsPerBlock = 100000,
                      reportProgress = rxGetOption("reportProgress"), verbose = 0,
                      computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  check_summary_arguments(summaryStats, byTerm, overwrite, useSparseCube, removeZeroCounts, rowsPerBlock)
  asked <- capture_transforms()
  design <- model_design(
    formula, data, asked, pweights, fweights, blocksPerRead,
    rows = if (byTerm) "All" else "Complete", dot_skips_text = TRUE, rearrange = summary_terms
  )
  terms <- lapply(design$terms, function(term) {
    list(
      numeric = unlist(term_index(design, term, "numeric")), categories = term_index(design, term, "category")
    )
  })
  if (!is.null(byGroupOutFile)) {
    tabulated <- vapply(design$terms, function(term) any(design$kinds[term$variables] == "category"), NA)
    files <- by_group_files(byGroupOutFile, sum(tabulated))
    sinks <- lapply(files, sink_spec, "none", overwrite, rxGetOption("xdfCompressionLevel"))
  }
  job <- job_options(reportProgress, "Rows summarized")
  found <- engine_call(rx_engine_summary, design$source, design$engine_variables, terms, useSparseCube, job)

  weighted <- !is.null(c(pweights, fweights))
  summary <- list(
    nobs.valid = as_counts(found$rows), nobs.missing = as_counts(found$dropped),
    sDataFrame = statistics_frame(design, found, shown_statistics(summaryStats, weighted)),
    categorical = category_frames(design, found, summaryStats, weighted, removeZeroCounts),
    params = list(
      data = data_lines(substitute(data), data), pweights = pweights, fweights = fweights,
      summaryStats = summaryStats, byTerm = byTerm, byGroupOutFile = byGroupOutFile,
      useSparseCube = useSparseCube, removeZeroCounts = removeZeroCounts, sumOfWeights = if (weighted) found$weight
    ),
    formula = small_formula(formula), call = small_call(match.call()), categorical.type = categorical_type(design)
  )
  if (!is.null(byGroupOutFile)) {
    summary$categorical <- Map(write_by_group, summary$categorical, files, sinks, rowsPerBlock)
  }
  if (verbose > 0) {
    report_compiled(design$source)
    print_time(started)
  }
  structure(summary, class = "rxSummary")
}

check_summary_arguments <- function(summaryStats, byTerm, overwrite, useSparseCube, removeZeroCounts, rowsPerBlock) {
  known <- c("Mean", "StdDev", "Min", "Max", "ValidObs", "MissingObs", "Sum", "SumOfWeights")
  check_argument(
    is_strings(summaryStats) && all(summaryStats %in% known) && length(summaryStats) > 0, "summaryStats",
    paste0("some of ", paste0('"', known, '"', collapse = ", "))
  )
  check_argument(is_flag(byTerm), "byTerm", "TRUE or FALSE")
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  check_argument(is_flag(useSparseCube), "useSparseCube", "TRUE or FALSE")
  check_argument(is_flag(removeZeroCounts), "removeZeroCounts", "TRUE or FALSE")
  check_argument(is_count(rowsPerBlock) && rowsPerBlock > 0, "rowsPerBlock", "a positive whole number")
}

#' Crosses a response with the first term, and makes one variable of several numbers in a term
#'
#' @noRd
summary_terms <- function(parsed, fields) {
  if (length(parsed$response) > 1) {
    rx_abort("argument", "rxSummary takes one response.")
  }
  if (length(parsed$terms) == 0) {
    rx_abort("argument", "The formula has no terms.", hint = "Write it as ~ x + f, or y ~ f.")
  }
  if (length(parsed$response) == 1) {
    first <- parsed$terms[[1]]
    label <- paste(c(parsed$variables[[parsed$response]]$text, first$label), collapse = ":")
    parsed$terms <- list(list(label = label, variables = c(parsed$response, first$variables)))
    parsed$response <- integer()
  }
  for (t in seq_along(parsed$terms)) {
    variables <- parsed$terms[[t]]$variables
    numeric <- variables[vapply(parsed$variables[variables], variable_kind, "", fields = fields) == "numeric"]
    if (length(numeric) > 1) {
      product <- product_variable(parsed$variables[numeric])
      parsed$variables <- c(parsed$variables, list(product))
      parsed$expressions[[product$column]] <- product$expression
      parsed$terms[[t]]$variables <- c(length(parsed$variables), setdiff(variables, numeric))
    }
  }
  used <- sort(unique(unlist(lapply(parsed$terms, function(term) term$variables))))
  parsed$terms <- lapply(parsed$terms, function(term) {
    list(label = term$label, variables = match(term$variables, used))
  })
  parsed$variables <- parsed$variables[used]
  parsed$expressions <- parsed$expressions[names(parsed$expressions) %in%
    vapply(parsed$variables, function(variable) variable$column, "")]
  parsed
}

#' Names of statistics as columns, with weights in place of counts where there are any
#'
#' @noRd
shown_statistics <- function(summaryStats, weighted) {
  order <- c("Mean", "StdDev", "Min", "Max", "Sum", "ValidObs", "MissingObs", "SumOfWeights")
  shown <- intersect(order, summaryStats)
  if (weighted) {
    shown <- unique(replace(shown, shown == "ValidObs", "SumOfWeights"))
    shown[shown == "MissingObs"] <- "MissingWeights"
  }
  shown
}

#' Columns of statistics
#'
#' @param statistics columns as the engine gives them
#' @param missing,missing_weight of the term
#' @noRd
statistics_columns <- function(statistics, shown, missing = NA, missing_weight = NA) {
  columns <- list(
    Mean = statistics$mean, StdDev = statistics$sd, Min = statistics$min, Max = statistics$max, Sum = statistics$sum,
    ValidObs = as_counts(statistics$n), MissingObs = as_counts(missing),
    SumOfWeights = statistics$weight, MissingWeights = missing_weight
  )
  columns[shown]
}

statistics_frame <- function(design, found, shown) {
  overall <- lapply(found$terms, function(term) term$overall)
  joined <- lapply(stats::setNames(nm = names(overall[[1]])), function(name) {
    unlist(lapply(overall, function(columns) columns[[name]]))
  })
  of_terms <- function(name) vapply(found$terms, function(term) term[[name]], 0)
  columns <- statistics_columns(joined, shown, of_terms("missing"), of_terms("missing_weight"))
  counted <- vapply(design$terms, function(term) all(design$kinds[term$variables] == "category"), NA)
  for (name in intersect(shown, c("Mean", "StdDev", "Min", "Max", "Sum"))) {
    columns[[name]][counted] <- NA_real_
  }
  names <- vapply(design$terms, function(term) term_name(design, term), "")
  structure(c(list(Name = names), columns), row.names = seq_along(names), class = "data.frame")
}

term_name <- function(design, term) {
  paste(vapply(design$variables[term$variables], function(variable) variable$label, ""), collapse = ":")
}

#' The tables of the categorical terms
#'
#' @noRd
category_frames <- function(design, found, summaryStats, weighted, remove_zero) {
  levels <- found$levels
  tables <- Map(function(term, result) {
    categories <- term_categories(design, term)
    if (length(categories) == 0) {
      return(NULL)
    }
    keep <- if (remove_zero) result$cells$n > 0 else rep(TRUE, length(result$cell))
    cells <- lapply(result$cells, function(column) column[keep])
    positions <- unlist(term_index(design, term, "category")) + 1
    labels <- vapply(categories, function(category) category$label, "")
    columns <- cell_levels(levels[positions], labels, result$cell[keep])
    numeric <- design$variables[term$variables[design$kinds[term$variables] == "numeric"]]
    if (length(numeric) == 0) {
      counts <- if (weighted) cells$weight else as_counts(cells$n)
      frame <- data.frame(columns, Counts = counts, check.names = FALSE)
    } else {
      texts <- vapply(categories, function(category) category$text, "")
      shown <- setdiff(shown_statistics(summaryStats, weighted), c("MissingObs", "MissingWeights"))
      statistics <- statistics_columns(cells, shown)
      names(statistics)[names(statistics) == "Mean"] <- "Means"
      frame <- data.frame(
        Category = category_text(numeric[[1]]$text, texts, columns), columns, statistics,
        check.names = FALSE
      )
      attr(frame, "variable") <- numeric[[1]]$label
    }
    attr(frame, "missing") <- as_counts(result$missing)
    frame
  }, design$terms, found$terms)
  unname(Filter(Negate(is.null), tables))
}

category_text <- function(variable, texts, columns) {
  if (length(columns[[1]]) == 0) {
    return(character())
  }
  parts <- Map(function(text, column) paste0(text, "=", column), texts, columns)
  paste0(variable, " for ", do.call(paste, c(unname(parts), sep = ", ")))
}

categorical_type <- function(design) {
  kinds <- lapply(design$terms, function(term) design$kinds[term$variables])
  categorical <- Filter(function(kinds) any(kinds == "category"), kinds)
  if (length(categorical) == 0) {
    "none"
  } else if (any(vapply(categorical, function(kinds) any(kinds == "numeric"), NA))) {
    "cube"
  } else {
    "counts"
  }
}

#' The files that tables by category are written to
#'
#' @param files names or RxXdfData objects; one name gives numbered files where there are several tables
#' @param count number of tables
#' @noRd
by_group_files <- function(files, count) {
  files <- if (is.character(files)) as.list(files) else if (is.list(files)) files else list(files)
  if (length(files) == 1 && is_string(files[[1]]) && count > 1) {
    files <- as.list(paste0(sub("[.]xdf$", "", files[[1]]), seq_len(count), ".xdf"))
  }
  if (length(files) != count) {
    rx_abort("argument", sprintf("`byGroupOutFile` names %d files, and there are %d tables.", length(files), count))
  }
  files
}

#' Writes a table by category to a file
#'
#' @return its data source
#' @noRd
write_by_group <- function(table, file, sink, rowsPerBlock) {
  variable <- attr(table, "variable")
  table$Category <- NULL
  statistics <- names(table) %in% c("Means", "StdDev", "Min", "Max", "Sum", "ValidObs", "SumOfWeights")
  names(table)[statistics] <- paste0(variable, "_", sub("^Means$", "Mean", names(table)[statistics]))
  import(table, sink, rowsPerRead = rowsPerBlock)
  written_source(file, sink)
}

#' @rdname rxSummary
#' @param x an object of class `rxSummary`.
#' @param header whether to print what was summarized.
#' @export
print.rxSummary <- function(x, header = TRUE, ...) {
  if (header) {
    print_header(x, "Summary Statistics")
    cat("Number of valid observations: ", format(x$nobs.valid), "\n", sep = "")
    if (!is.null(x$params$sumOfWeights)) {
      cat("Sum of weights of valid observations: ", format(x$params$sumOfWeights), "\n", sep = "")
    }
    if (x$nobs.missing > 0) {
      cat("Number of missing observations: ", format(x$nobs.missing), "\n", sep = "")
    }
  }
  # Terms of categories have no statistics (NA), which those of numbers without a value have (NaN).
  statistics <- x$sDataFrame[names(x$sDataFrame) %in% c("Mean", "StdDev", "Min", "Max", "Sum")]
  counted <- Reduce(`&`, lapply(statistics, function(column) is.na(column) & !is.nan(column)), TRUE)
  numeric <- if (length(statistics) > 0) !counted else rep(TRUE, nrow(x$sDataFrame))
  if (any(numeric)) {
    cat("\n")
    print(x$sDataFrame[numeric, , drop = FALSE], row.names = FALSE, ...)
  }
  for (table in x$categorical) {
    cat("\n")
    if (methods::is(table, "RxXdfData")) {
      print(table)
    } else if ("Category" %in% names(table)) {
      cat("Statistics by category (", nrow(table), " categories):\n\n", sep = "")
      print(table, row.names = FALSE, ...)
    } else {
      names <- setdiff(names(table), "Counts")
      cat("Category Counts for ", paste(names, collapse = ":"), "\n", sep = "")
      cat("Number of categories: ", nrow(table), "\n", sep = "")
      cat("Number of valid observations: ", format(sum(table$Counts)), "\n", sep = "")
      cat("Number of missing observations: ", format(attr(table, "missing")), "\n\n", sep = "")
      print(as.data.frame(table), row.names = FALSE, ...)
    }
  }
  invisible(x)
}

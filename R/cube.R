#' Cross tabulation in long form
#'
#' Counts of rows, and means or sums of numbers, in every combination of categories: a row a combination.
#' [rxCrossTabs()] gives the same numbers as two-way tables.
#'
#' **Formula.** `~ f1:f2:...` counts, `y ~ f1:f2:...` gives means or sums of the response, too, and `cbind(y1, y2) ~ f`
#' of several. Factors, text (its values are sorted) and logicals are categories; numbers become such by `F()`, see
#' [rxFormula].
#'
#' **Rows.** A row with a missing value in any of the variables does not count. With weights, `Counts` are sums of
#' weights, sums are sum(w y) and means sum(w y) / sum(w). A combination without rows has count and sum 0 and mean NaN.
#'
#' **Method.** Rows are counted as integers. Sums are added up in numbers of 32 digits, so the result is the same to the
#' last bit for any number of threads. A table has all its cells while it is small; a large one, or any with
#' `useSparseCube = TRUE`, only those that occur. What is listed is another matter: all combinations, unless
#' `removeZeroCounts` says otherwise. Tables of more than 2^31 - 1 combinations cannot be listed whole.
#'
#' @param formula a formula with factors joined by `:` on the right, and numbers, if any, on the left.
#' @param data a data frame, a data source, or the name of a file.
#' @param outFile NULL, or the name of a file or an [RxXdfData()] object that the table is written to.
#' @param pweights,fweights name of the variable of probability weights, or of frequency weights (whole numbers).
#' @param means whether to give means of the response; FALSE gives sums.
#' @param cube kept for RevoScaleR's scripts: there is one engine, and it is used either way.
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param overwrite whether an existing `outFile` may be replaced.
#' @param useSparseCube whether to keep only combinations that occur while counting.
#' @param removeZeroCounts whether to leave out combinations without rows.
#' @param returnDataFrame whether to return a data frame, not an object of class `rxCube`.
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param rowsPerBlock rows of a block of `outFile`.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), and how long it took.
#' @param computeContext a compute context; only local ones are supported.
#' @param ... no further arguments; a warning names them. Of `[` and `subset()`, what those of data frames take.
#' @return An object of class `rxCube`: a list of columns, the factors in the order of the formula (the first varies
#'   fastest), the responses, and `Counts`. It can be used where a list of columns can, as `data` of lattice's functions
#'   for example. With `returnDataFrame = TRUE` a data frame; with `outFile` a data source.
#' @seealso [rxCrossTabs()], [rxResultsDF()], [as.xtabs()], [rxChiSquaredTest()]
#' @references
#' Hida, Y., Li, X. S. and Bailey, D. H. (2001) Algorithms for quad-double precision floating point arithmetic. 15th
#' IEEE Symposium on Computer Arithmetic, 155-162.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' delays <- rxCube(arr_delay ~ origin:F(month), data = flights)
#' delays
#' subset(delays, arr_delay > 15)
#' lattice::xyplot(arr_delay ~ F_month, groups = origin, data = delays, type = "b")
#' @export
rxCube <- function(formula, data, outFile = NULL, pweights = NULL, fweights = NULL, means = TRUE, cube = TRUE,
                   rowSelection = NULL, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                   transformVars = NULL, transformPackages = NULL, transformEnvir = NULL, overwrite = FALSE,
                   useSparseCube = rxGetOption("useSparseCube"), removeZeroCounts = useSparseCube,
                   returnDataFrame = FALSE, blocksPerRead = rxGetOption("blocksPerRead"), rowsPerBlock = 100000,
                   reportProgress = rxGetOption("reportProgress"), verbose = 0,
                   computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  for (name in c("means", "cube", "overwrite", "useSparseCube", "removeZeroCounts", "returnDataFrame")) {
    check_argument(is_flag(get(name)), name, "TRUE or FALSE")
  }
  check_argument(is_count(rowsPerBlock) && rowsPerBlock > 0, "rowsPerBlock", "a positive whole number")
  asked <- capture_transforms()
  sink <- sink_spec(outFile, "none", overwrite, rxGetOption("xdfCompressionLevel"))
  check_argument(is.null(sink) || sink$type == "xdf", "outFile", "NULL, the name of an XDF file or an RxXdfData object")
  table <- cross_tabulate(
    formula, data, asked, pweights, fweights, useSparseCube, removeZeroCounts, blocksPerRead, reportProgress
  )
  if (verbose > 0) {
    report_compiled(table$source)
    print_time(started)
  }
  columns <- cube_columns(table, if (means) "means" else "sums")
  if (!is.null(sink)) {
    import(as_data_frame(columns), sink, rowsPerRead = rowsPerBlock)
    return(written_source(outFile, sink))
  }
  if (returnDataFrame) {
    return(as_data_frame(columns))
  }
  about <- list(
    call = small_call(match.call()), formula = small_formula(formula), depvars = table$responses,
    factors = names(table$levels), means = means,
    params = list(data = data_lines(substitute(data), data), pweights = pweights, fweights = fweights),
    whole = table$whole, nValidObs = table$nValidObs, nMissingObs = table$nMissingObs, sumOfWeights = table$weight
  )
  structure(columns, about = about, class = "rxCube")
}

#' Counts and sums by cell
#'
#' @param join whether several terms are joined to one, as rxCrossTabs() has it
#' @return a list: `levels` by factor; `cell`, numbers of the cells from 0; `counts`; `weights`, NULL without weights;
#'   `sums` and `means` by response; `whole`, whether a response is integer; `nValidObs`, `nMissingObs`, `weight`;
#'   `source`, what the engine read
#' @noRd
cross_tabulate <- function(formula, data, asked, pweights, fweights, sparse, remove_zero, blocksPerRead,
                           reportProgress, join = FALSE) {
  design <- model_design(
    formula, data, asked, pweights, fweights, blocksPerRead,
    rearrange = function(parsed, fields) cube_term(parsed, fields, join)
  )
  term <- design$terms[[1]]
  asked_table <- list(
    categories = term_index(design, term, "category"), responses = as.list(design$index[design$response]),
    all_cells = !remove_zero, sparse = sparse
  )
  job <- job_options(reportProgress, "Rows tabulated")
  found <- engine_call(rx_engine_crosstab, design$source, design$engine_variables, asked_table, job)
  factors <- term_categories(design, term)
  # The engine has a list by category, in the order of the design.
  levels <- found$levels[unlist(asked_table$categories) + 1]
  levels <- Map(function(levels, factor) if (isTRUE(factor$logical)) c("FALSE", "TRUE") else levels, levels, factors)
  responses <- vapply(design$variables[design$response], function(variable) variable$text, "")
  list(
    levels = stats::setNames(levels, vapply(factors, function(factor) factor$label, "")),
    cell = found$cell %||% (seq_len(found$size) - 1), counts = found$counts, weights = found$weights,
    sums = stats::setNames(found$sums, responses), means = stats::setNames(found$means, responses),
    responses = responses, nValidObs = found$rows, nMissingObs = found$dropped,
    weight = if (!is.null(found$weights)) sum(found$weights), source = design$source,
    whole = vapply(design$variables[design$response], function(variable) isTRUE(variable$whole), NA)
  )
}

#' The one term of a cross tabulation, all of whose variables are categories
#'
#' @noRd
cube_term <- function(parsed, fields, join) {
  if (length(parsed$terms) == 0) {
    rx_abort("argument", "The formula has no categories.", hint = "Write it as ~ f1:f2, or y ~ f1:f2.")
  }
  if (length(parsed$terms) > 1 && !join) {
    rx_abort("argument", "The formula has several terms.", hint = "Join the categories by `:`, as in y ~ f1:f2.")
  }
  together <- unique(unlist(lapply(parsed$terms, function(term) term$variables)))
  label <- paste(vapply(parsed$variables[together], function(variable) variable$text, ""), collapse = ":")
  parsed$terms <- list(list(label = label, variables = together))
  parsed$variables[together] <- lapply(parsed$variables[together], function(variable) {
    if (!is.null(variable$floor)) {
      return(variable)
    }
    if (identical(fields[[variable$column]]$kind, "logical")) {
      variable$floor <- list(low = 0, high = 1, exclude = TRUE)
      variable$logical <- TRUE
    } else if (variable_kind(variable, fields) == "numeric") {
      rx_abort("wrong_type", sprintf("'%s' is a number where a category is needed.", variable$text),
        hint = sprintf("Write F(%s) to make a category of each whole number.", variable$text), column = variable$column
      )
    }
    variable
  })
  parsed$variables[parsed$response] <- lapply(parsed$variables[parsed$response], function(variable) {
    variable$whole <- fields[[variable$column]]$kind %in% c("integer", "logical")
    variable
  })
  parsed
}

#' The columns of a cube
#'
#' @param statistic "means" or "sums"
#' @noRd
cube_columns <- function(table, statistic) {
  columns <- cell_levels(table$levels, names(table$levels), table$cell)
  c(columns, table[[statistic]], list(Counts = table$weights %||% table$counts))
}

#' A list of columns as a data frame, without a look at them
#'
#' @noRd
as_data_frame <- function(columns, row.names = NULL) {
  structure(columns, row.names = row.names %||% .set_row_names(length(columns[[1]])), class = "data.frame")
}

#' @rdname rxCube
#' @param x,object an object of class `rxCube`.
#' @param header whether to print what was tabulated.
#' @export
print.rxCube <- function(x, header = TRUE, ...) {
  about <- attr(x, "about")
  if (header) {
    print_header(about, "Cube")
    print_rows_used(about)
  }
  statistic <- if (about$means) "means" else "sums"
  shown <- if (length(about$depvars) > 0) paste(about$depvars, statistic, collapse = ", ") else "counts"
  cat("Statistic: ", shown, "\n\n", sep = "")
  print(as.data.frame(x), ...)
  invisible(x)
}

#' The header's lines on responses and rows
#'
#' @noRd
print_rows_used <- function(about) {
  if (length(about$depvars) > 0) {
    cat("Dependent variable(s): ", paste(about$depvars, collapse = ", "), "\n", sep = "")
  }
  cat("Number of valid observations: ", format(about$nValidObs), "\n", sep = "")
  if (!is.null(about$sumOfWeights)) {
    cat("Sum of weights of valid observations: ", format(about$sumOfWeights), "\n", sep = "")
  }
  cat("Number of missing observations: ", format(about$nMissingObs), "\n", sep = "")
}

#' @rdname rxCube
#' @export
summary.rxCube <- function(object, header = TRUE, ...) print.rxCube(object, header = header, ...)

#' @rdname rxCube
#' @param row.names names of the rows; NULL for numbers.
#' @param optional ignored, as for data frames.
#' @export
as.data.frame.rxCube <- function(x, row.names = NULL, optional = FALSE, ...) {
  as_data_frame(stats::setNames(lapply(seq_along(x), function(j) x[[j]]), names(x)), row.names)
}

#' @rdname rxCube
#' @export
subset.rxCube <- function(x, ...) {
  call <- as.call(c(quote(subset), list(as.data.frame(x)), as.list(substitute(list(...)))[-1]))
  eval(call, parent.frame())
}

#' @rdname rxCube
#' @export
`[.rxCube` <- function(x, ...) as.data.frame(x)[...]

#' @rdname rxCube
#' @export
dim.rxCube <- function(x) c(length(x[["Counts"]]), length(names(x)))

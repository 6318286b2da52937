#' Clusters by k-means
#'
#' Parts rows into clusters about means, by Lloyd's algorithm, on data of any size: one pass over the data an iteration.
#'
#' **Method.** Each pass assigns every row to the nearest centre (the first of several) and then moves the centres to
#' the means of their rows. The passes end when no row changes its cluster. From the same centres the clusters are those
#' of [stats::kmeans()] with `algorithm = "Lloyd"`. The result is the same to the last bit for any number of threads,
#' and whether the decoded rows fitted into memory between passes (`rxOptions(memoryLimitMB = )`) or were read again.
#'
#' **Starts.** Where no `centers` are given, a sample of `numStartRows` distinct rows is drawn in a pass of its own, and
#' centres are chosen among them one after the other, each with a probability proportional to its squared distance from
#' the nearest one chosen before (k-means++). `numStarts` such choices go on side by side in the same passes, and the
#' clusters with the smallest sum of squares are returned. What is drawn depends on [set.seed()] and on the values of
#' the rows, not on their order, the kind of data or the number of threads.
#'
#' **Empty clusters.** A centre that is not the nearest one of any row stays where it is, and may win rows again. If
#' clusters are empty at the end, a warning of class `rxscale_warning_empty` names them; they have size 0.
#'
#' **Rows** with a missing value have no cluster. An infinite value is an error. Variables count as they are: where
#' their units differ, scale them first (`~ I(x / 10) + y`, or `transforms`).
#'
#' **Where clusters go.** Of a data frame they are in the result. `outFile` is written for any data: with the column of
#' clusters and what `writeModelVars` and `extraVarsToWrite` ask for, of the rows selected; or, if it is the file that
#' is read, with all it has and the new column, which needs `overwrite = TRUE` only if the file has such a column. R
#' code that makes or selects rows meets the same random numbers in every pass.
#'
#' @inheritParams rxLinMod
#' @param formula a one-sided formula of numeric variables, `~ x + log(y)`; see [rxFormula]. Factors are refused; `N(f)`
#'   is the position of a factor's level.
#' @param data a data frame, a data source or the name of a file.
#' @param outFile where the clusters are written: NULL, the name of a file or a data source.
#' @param outColName the name of the column of clusters, made a valid one by [make.names()].
#' @param writeModelVars,extraVarsToWrite whether to write the variables of the formula, and further variables to write,
#'   if `outFile` is not the input.
#' @param overwrite whether to replace a file that exists, or a column of the input.
#' @param numClusters number of clusters.
#' @param centers a matrix or data frame with a row a cluster and a column a variable: where the centres start. Columns
#'   that are named as the variables are taken by name.
#' @param algorithm `"Lloyd"`, in letters of any case.
#' @param numStartRows number of distinct rows that starting centres are chosen from; 0 stands for 10 a cluster.
#' @param maxIterations passes at most; a warning of class `rxscale_warning_convergence` tells if they did not suffice.
#' @param numStarts number of starts, of which the best counts; 0 starts once, from the first complete rows.
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), how many iterations there were and how
#'   long it took.
#' @param xdfCompressionLevel see [rxOptions()].
#' @param ... `seed`, a whole number that decides which rows are drawn instead of [set.seed()]; `pweights` or
#'   `fweights`, the name of a variable of probability weights or of frequency weights. There are no further arguments;
#'   a warning names them.
#' @return An object of class `rxKmeans`: `centers`, the means with a row a cluster; `size`, numbers of rows, or sums of
#'   weights; `withinss`, sums of squared distances from the centres; `valid.obs`, `missing.obs`; `numIterations`;
#'   `tot.withinss`, `totss` and `betweenss`, the sum of `withinss`, the sum of squared distances from the mean of all
#'   rows, and their difference; `cluster`, of data frames, the cluster of each row selected, NA if it has a missing
#'   value; `params`, `formula`, `call`; `converged`; `design`, what predictions need.
#' @references Lloyd, S. P. (1982) Least squares quantization in PCM. *IEEE Transactions on Information Theory* 28.
#'
#'   Arthur, D. and Vassilvitskii, S. (2007) k-means++: the advantages of careful seeding. *Proceedings of the
#'   eighteenth ACM-SIAM symposium on discrete algorithms*.
#' @examples
#' set.seed(1)
#' found <- rxKmeans(~ Sepal.Length + Petal.Length, iris, numClusters = 3)
#' table(found$cluster, iris$Species)
#'
#' # Of a file, with the clusters in another one.
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' clusters <- tempfile(fileext = ".xdf")
#' rxKmeans(~ hour + distance,
#'   data = flights, numClusters = 4, outFile = clusters, extraVarsToWrite = "carrier", seed = 7
#' )
#' head(RxXdfData(clusters))
#' unlink(clusters)
#' @export
rxKmeans <- function(formula, data, outFile = NULL, outColName = ".rxCluster", writeModelVars = FALSE,
                     extraVarsToWrite = NULL, overwrite = FALSE, numClusters = NULL, centers = NULL,
                     algorithm = "Lloyd", numStartRows = 0, maxIterations = 1000, numStarts = 1, rowSelection = NULL,
                     transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                     transformPackages = NULL, transformEnvir = NULL, blocksPerRead = rxGetOption("blocksPerRead"),
                     reportProgress = rxGetOption("reportProgress"), verbose = 0,
                     computeContext = rxGetOption("computeContext"),
                     xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  started <- proc.time()[["elapsed"]]
  hidden <- c("seed", "pweights", "fweights")
  check_analysis_arguments(blocksPerRead, computeContext, ..., .hidden = hidden)
  given <- list(...)[hidden]
  check_argument(is_string(algorithm) && tolower(algorithm) == "lloyd", "algorithm", '"Lloyd"')
  check_argument(is_count(maxIterations) && maxIterations > 0, "maxIterations", "a positive whole number")
  extra <- written_variables(writeModelVars, extraVarsToWrite)
  asked <- capture_transforms()
  output <- cluster_output(data, outFile, outColName, overwrite, xdfCompressionLevel, asked$rowSelection)
  design <- model_design(
    formula, data, asked, given$pweights, given$fweights, blocksPerRead,
    rows = "Finite", rearrange = numeric_terms
  )
  options <- kmeans_options(design, numClusters, centers, numStartRows, numStarts, maxIterations, given$seed)
  kept <- kept_design(design, list(), asked)
  writing <- cluster_source(design, kept, data, output, asked, extra, blocksPerRead)

  random <- random_start(design$source)
  found <- engine_call(
    rx_engine_kmeans, replayed_source(design$source, random), design$engine_variables, options, numStarts == 0,
    job_options(reportProgress)
  )
  labels <- vapply(design$variables, function(variable) variable$label, "")
  model <- kmeans_model(found, labels)
  assign <- function(reading, sink) {
    reading$spec <- replayed_source(reading$spec, random)
    assign_rows(kept, found$assigned, reading, output$column, sink, reportProgress)
  }
  if (is.data.frame(data)) {
    model$cluster <- assign(list(spec = design$source), list(type = "frame"))$columns[[1]]
  }
  if (!is.null(output$sink)) {
    assign(writing, output$sink)
  }
  model$params <- list(
    data = data_lines(substitute(data), data), pweights = given$pweights, fweights = given$fweights,
    outFile = output$sink$path, outColName = output$column, numClusters = options$clusters,
    numStartRows = options$start_rows, maxIterations = maxIterations, numStarts = numStarts, algorithm = "Lloyd",
    sumOfWeights = if (length(c(given$pweights, given$fweights)) > 0) sum(found$weight)
  )
  model$formula <- small_formula(formula)
  model$call <- small_call(match.call())
  model$converged <- found$converged
  model$design <- kept
  warn_clusters(model)
  if (verbose > 0) {
    report_compiled(design$source)
    cat(sprintf("Number of iterations: %d\n", model$numIterations))
    print_time(started)
  }
  structure(model, class = "rxKmeans")
}

#' Which variables are written beside clusters
#'
#' @noRd
written_variables <- function(writeModelVars, extraVarsToWrite) {
  check_argument(is_flag(writeModelVars), "writeModelVars", "TRUE or FALSE")
  check_argument(is.null(extraVarsToWrite) || is_strings(extraVarsToWrite), "extraVarsToWrite", "names of columns")
  list(model = writeModelVars, others = extraVarsToWrite)
}

#' Where clusters go
#'
#' @return a list of the engine's `sink` (NULL for none), `in_place`, whether it is the input, and the name of the
#'   `column`
#' @noRd
cluster_output <- function(data, outFile, outColName, overwrite, xdfCompressionLevel, rowSelection = NULL) {
  check_argument(is_string(outColName) && nzchar(outColName), "outColName", "the name of a column")
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  to_database <- is_source(outFile, "RxOdbcData")
  column <- make.names(if (to_database) gsub(".", "_", outColName, fixed = TRUE) else outColName)
  if (is.null(outFile)) {
    return(list(sink = NULL, in_place = FALSE, column = column))
  }
  check_argument(is_string(outFile) || is_source(outFile), "outFile", "NULL, the name of a file or a data source")
  output <- prediction_output(data, outFile, "none", overwrite, xdfCompressionLevel, column, FALSE)
  if (output$in_place && !is.null(rowSelection)) {
    rx_abort("argument", "`rowSelection` would leave rows of the input without a cluster.",
      hint = "Name another file in `outFile`."
    )
  }
  path <- output$sink$path
  if (!is.null(path) && file.exists(path) && !output$sink$overwrite) {
    rx_abort("argument", sprintf("'%s' exists already.", path), hint = "Pass overwrite = TRUE to replace it.")
  }
  c(output, column = column)
}

#' Makes every term one numeric variable
#'
#' @noRd
numeric_terms <- function(parsed, fields) {
  if (length(parsed$response) > 0) {
    rx_abort("argument", "The formula has a response.", hint = "Write all variables on the right: ~ x + y.")
  }
  if (length(parsed$terms) == 0) {
    rx_abort("argument", "The formula has no terms.", hint = "Write it as ~ x + y.")
  }
  for (variable in parsed$variables) {
    if (variable_kind(variable, fields) == "category") {
      rx_abort("wrong_type", sprintf("'%s' is a category where numbers are needed.", variable$text),
        hint = if (is.null(variable$floor)) sprintf("N(%s) is the position of a factor's level.", variable$text),
        column = variable$column
      )
    }
  }
  variables <- lapply(parsed$terms, function(term) {
    factors <- parsed$variables[term$variables]
    if (length(factors) > 1) product_variable(factors) else factors[[1]]
  })
  parsed$variables <- variables
  parsed$terms <- lapply(seq_along(variables), function(i) list(label = variables[[i]]$text, variables = i))
  parsed$expressions <- expressions_of(variables)
  parsed
}

#' What the engine is asked for
#'
#' @noRd
kmeans_options <- function(design, numClusters, centers, numStartRows, numStarts, maxIterations, seed) {
  check_starts(numClusters, centers, numStartRows, numStarts, seed)
  if (!is.null(centers)) {
    centers <- starting_centers(centers, vapply(design$variables, function(variable) variable$label, ""))
    check_argument((numClusters %||% nrow(centers)) == nrow(centers), "numClusters", "the number of rows of `centers`")
  }
  clusters <- numClusters %||% nrow(centers)
  check_argument(numStartRows == 0 || numStartRows >= clusters, "numStartRows", "0 or no fewer than the clusters")
  draws <- is.null(centers) && numStarts > 0
  list(
    clusters = clusters, centres = if (!is.null(centers)) as.list(t(centers)), starts = max(numStarts, 1),
    start_rows = if (numStartRows == 0) 10 * clusters else numStartRows,
    seed = if (draws) seed_number(seed %||% sample.int(.Machine$integer.max, 1)) else 0, max_iterations = maxIterations
  )
}

#' Refuses starts that contradict each other
#'
#' @noRd
check_starts <- function(numClusters, centers, numStartRows, numStarts, seed) {
  check_argument(is_count(numStartRows), "numStartRows", "a whole number, 0 for 10 a cluster")
  check_argument(is_count(numStarts), "numStarts", "a whole number, 0 for the first rows")
  check_argument(is.null(seed) || is_whole(seed), "seed", "a whole number")
  check_argument(is.null(numClusters) || positive$ok(numClusters), "numClusters", positive$must)
  if (is.null(numClusters) && is.null(centers)) {
    rx_abort("argument", "`numClusters` or `centers` is needed.")
  }
  wants_draws <- numStartRows != 0 || !is.null(seed)
  if (!is.null(centers) && (wants_draws || numStarts != 1)) {
    rx_abort("argument", "`numStarts`, `numStartRows` and `seed` are for centres that are drawn.",
      hint = "Leave out `centers`."
    )
  }
  if (numStarts == 0 && wants_draws) {
    rx_abort("argument", "`numStartRows` and `seed` are for centres that are drawn; numStarts = 0 draws none.")
  }
}

#' A whole number as one from 0 to 2^32 - 1
#'
#' @noRd
seed_number <- function(seed) seed %% 2^32

#' Starting centres as a matrix whose columns are the variables
#'
#' @noRd
starting_centers <- function(centers, labels) {
  wanted <- sprintf("a matrix or data frame of numbers with %d columns, one a variable", length(labels))
  check_argument(is.matrix(centers) || is.data.frame(centers), "centers", wanted)
  centers <- as.matrix(centers)
  check_argument(is.numeric(centers) && ncol(centers) == length(labels) && nrow(centers) > 0, "centers", wanted)
  check_argument(all(is.finite(centers)), "centers", "finite")
  if (setequal(colnames(centers), labels)) centers[, labels, drop = FALSE] else centers
}

#' The source of clusters to be written, with the columns that go on beside them
#'
#' @return see prediction_source(); NULL if nothing is written
#' @noRd
cluster_source <- function(design, kept, data, output, asked, extra, blocksPerRead) {
  if (is.null(output$sink)) {
    return(NULL)
  }
  source <- as_source(data)
  spec <- source_spec(source)
  if (output$in_place) {
    return(prediction_source(kept, spec, source, FALSE, NULL, output$column, blocksPerRead))
  }
  fields <- source_info(source, spec)$fields
  chunk <- if (methods::is(source, "RxXdfData")) list(blocks = blocksPerRead) else chunk_size(source, NULL)
  passed <- setdiff(extra_columns(design$variables, extra, names(fields)), output$column)
  read <- design_source(design, spec, fields, asked, passed, chunk)
  list(spec = read$spec, passed = lapply(passed, function(name) list(column = name, name = name)))
}

#' Assigns rows of a source to clusters
#'
#' @param design see kept_design()
#' @param reading list of `spec`; `passed`, columns that go on, and `column`, the name of each variable's column if it
#'   is another one there
#' @return what the sink answers
#' @noRd
assign_rows <- function(design, centers, reading, name, sink, reportProgress) {
  columns <- reading$column %||% vapply(design$variables, function(variable) variable$column, "")
  numeric <- Map(function(variable, column) list(column = column, levels = variable$levels), design$variables, columns)
  assignment <- list(numeric = unname(numeric), centres = as.list(t(centers)))
  job <- job_options(reportProgress, "Rows assigned")
  engine_call(rx_engine_assign, reading$spec, assignment, reading$passed %||% list(), name, sink, job)
}

#' The components of a fit
#'
#' @param found what the engine answers
#' @noRd
kmeans_model <- function(found, labels) {
  within <- sum(found$withinss)
  clusters <- as.character(seq_along(found$size))
  list(
    centers = structure(found$centers, dimnames = list(clusters, labels)),
    size = if (identical(found$size, found$weight)) as_counts(found$size) else found$weight,
    withinss = found$withinss, valid.obs = as_counts(sum(found$size)), missing.obs = as_counts(found$missing),
    numIterations = found$iterations, tot.withinss = within, totss = within + found$between, betweenss = found$between
  )
}

#' Says where clusters are not what was asked for
#'
#' @noRd
warn_clusters <- function(model) {
  if (!model$converged) {
    iterations <- sprintf("The iterations did not converge in %d.", model$numIterations)
    rx_warn("convergence", paste(iterations, "Raise `maxIterations`, or give `centers`."))
  }
  empty <- which(model$size == 0)
  if (length(empty) > 0) {
    rx_warn("empty", sprintf(
      "Clusters without rows: %s. They keep the centres where they lost their last row.", first_names(empty)
    ), clusters = empty)
  }
}

#' @rdname rxKmeans
#' @param x an object of class `rxKmeans`.
#' @param header whether to print the call and what was read.
#' @export
print.rxKmeans <- function(x, header = TRUE, ...) {
  if (header) {
    cat("Call:\n", paste(deparse(x$call), collapse = "\n"), "\n\n", sep = "")
    cat(x$params$data, sep = "\n")
    if (!is.null(x$params$pweights)) cat("Probability weights: ", x$params$pweights, "\n", sep = "")
    if (!is.null(x$params$fweights)) cat("Frequency weights: ", x$params$fweights, "\n", sep = "")
    cat("Number of valid observations:", x$valid.obs, "\n")
    cat("Number of missing observations:", x$missing.obs, "\n")
    cat("Clustering algorithm:", x$params$algorithm, "\n\n")
  }
  sizes <- paste(x$size, collapse = ", ")
  cat("K-means clustering with ", nrow(x$centers), " clusters of sizes ", sizes, "\n", sep = "")
  cat("\nCluster means:\n")
  print(x$centers, ...)
  cat("\nWithin cluster sum of squares by cluster:\n")
  print(stats::setNames(x$withinss, rownames(x$centers)), ...)
  cat("\nAvailable components:\n")
  print(names(x))
  invisible(x)
}

#' @rdname rxPredict
#' @method rxPredict rxKmeans
#' @param outColName of clusters, the name of the column, as in [rxKmeans()].
#' @export
rxPredict.rxKmeans <- function(modelObject, data = NULL, outData = NULL, outColName = ".rxCluster",
                               writeModelVars = FALSE, extraVarsToWrite = NULL, overwrite = FALSE,
                               blocksPerRead = rxGetOption("blocksPerRead"),
                               reportProgress = rxGetOption("reportProgress"), verbose = 0,
                               xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  started <- proc.time()[["elapsed"]]
  check_data(data)
  warn_unknown(dot_names(...), names(formals(rxPredict.rxKmeans)))
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  extra <- written_variables(writeModelVars, extraVarsToWrite)
  output <- cluster_output(data, NULL, outColName, overwrite, xdfCompressionLevel)
  goes <- prediction_output(data, outData, "none", overwrite, xdfCompressionLevel, output$column, FALSE)
  reading <- prediction_source(
    modelObject$design, source_spec(as_source(data)), as_source(data), FALSE, if (!goes$in_place) extra, output$column,
    blocksPerRead
  )
  written <- assign_rows(
    modelObject$design, modelObject$centers, reading, output$column, goes$sink %||% list(type = "frame"), reportProgress
  )
  if (verbose > 0) {
    print_time(started)
  }
  predicted_result(written_rows(written, goes), outData, goes)
}

#' @rdname rxPredict
#' @export
predict.rxKmeans <- function(object, newdata, ...) {
  warn_unknown(dot_names(...), names(formals(predict.rxKmeans)))
  check_data(if (!missing(newdata)) newdata)
  source <- as_source(newdata)
  reading <- prediction_source(object$design, source_spec(source), source, FALSE, list(), ".rxCluster", 1)
  clusters <- assign_rows(object$design, object$centers, reading, ".rxCluster", list(type = "frame"), 0)$columns[[1]]
  if (is.data.frame(newdata)) stats::setNames(clusters, row.names(newdata)) else clusters
}

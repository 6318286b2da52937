#' Results of an analysis as a data frame
#'
#' Of a summary, its statistics or its first table by category; of a cube, its table with one of its statistics, a row a
#' combination; of two-way tables, the first of them, a column for each level of the second factor; of a regression with
#' `cube = TRUE`, the cells of the cube.
#'
#' @param object an object of class `rxSummary`, `rxCube`, `rxCrossTabs`, `rxLinMod`, `rxLogit` or `rxGlm`.
#' @param output `"counts"`, `"means"` or `"sums"`; of a summary also `"stats"` for the statistics of the terms.
#' @param element which table; only 1 is supported.
#' @param integerLevels whether the levels of the first column become integers: NULL for those that `F()` made, whose
#'   column is then named without `F_`.
#' @param integerCounts whether counts are integers.
#' @param useRowNames whether the names of the terms are row names, not a column `Name`.
#' @param ... no further arguments.
#' @return A data frame.
#' @examples
#' by_cylinders <- rxSummary(~ hp + mpg:F(cyl), data = mtcars)
#' rxResultsDF(by_cylinders)
#' rxResultsDF(by_cylinders, output = "means")
#'
#' rxResultsDF(rxCube(mpg ~ F(cyl):F(am), mtcars), output = "means")
#' rxResultsDF(rxCrossTabs(~ F(cyl):F(am), mtcars))
#' @export
rxResultsDF <- function(object, ...) UseMethod("rxResultsDF")

#' @rdname rxResultsDF
#' @export
rxResultsDF.default <- function(object, ...) {
  check_argument(FALSE, "object", "a result of rxSummary(), rxCube(), rxCrossTabs() or a regression")
}

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxSummary <- function(object, output = "stats", element = 1, integerLevels = NULL, integerCounts = TRUE,
                                  useRowNames = TRUE, ...) {
  check_results(output, c("stats", "counts", "means", "sums"), integerLevels, integerCounts, element)
  check_argument(is_flag(useRowNames), "useRowNames", "TRUE or FALSE")
  warn_unknown(dot_names(...), names(formals(rxResultsDF.rxSummary)))
  if (output == "stats") {
    frame <- object$sDataFrame
    if (useRowNames) {
      frame <- structure(frame[-1], row.names = make.unique(frame$Name))
    }
    return(frame)
  }
  table <- category_table(object)
  factors <- table[vapply(table, is.factor, NA)]
  values <- category_values(table, output)
  if (output == "counts" && integerCounts) {
    values <- as.integer(values)
  }
  name <- c(counts = "Counts", means = "Means", sums = "Sums")[[output]]
  with_integer_levels(data.frame(factors, stats::setNames(list(values), name), check.names = FALSE), integerLevels)
}

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxCube <- function(object, output = "counts", integerLevels = NULL, integerCounts = TRUE, ...) {
  check_results(output, c("counts", "means", "sums"), integerLevels, integerCounts)
  warn_unknown(dot_names(...), names(formals(rxResultsDF.rxCube)))
  about <- attr(object, "about")
  values <- cell_values(
    unclass(object)[about$depvars], object$Counts, if (about$means) "means" else "sums", output, integerCounts
  )
  with_integer_levels(as_data_frame(c(unclass(object)[about$factors], values)), integerLevels)
}

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxCrossTabs <- function(object, output = "counts", element = 1, integerLevels = NULL, integerCounts = TRUE,
                                    ...) {
  check_results(output, c("counts", "means", "sums"), integerLevels, integerCounts, element)
  warn_unknown(dot_names(...), names(formals(rxResultsDF.rxCrossTabs)))
  table <- as.list(object, output)[[1]]
  names <- dimnames(table)
  values <- if (length(dim(table)) < 2) {
    stats::setNames(list(as.vector(table)), c(counts = "Counts", means = "Means", sums = "Sums")[[output]])
  } else {
    stats::setNames(lapply(seq_len(ncol(table)), function(j) as.vector(table[, j])), names[[2]])
  }
  if (output == "counts" && integerCounts) {
    values <- lapply(values, as_counts)
  }
  rows <- stats::setNames(list(factor(names[[1]], levels = names[[1]])), names(names)[1])
  with_integer_levels(as_data_frame(c(rows, values)), integerLevels)
}

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxLinMod <- function(object, output = "counts", integerLevels = NULL, integerCounts = TRUE, ...) {
  check_results(output, c("counts", "means", "sums"), integerLevels, integerCounts)
  warn_unknown(dot_names(...), names(formals(rxResultsDF.rxLinMod)))
  cells <- object$countDF
  if (is.null(cells)) {
    rx_abort("argument", "The model has no cells.", hint = "Fit it with cube = TRUE and a factor as first term.")
  }
  means <- intersect(object$y.names, names(cells))
  values <- cell_values(as.list(cells[means]), cells$Counts, "means", output, integerCounts)
  with_integer_levels(as_data_frame(c(as.list(cells[vapply(cells, is.factor, NA)]), values)), integerLevels)
}

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxLogit <- rxResultsDF.rxLinMod

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxGlm <- rxResultsDF.rxLinMod

#' Counts, means or sums of cells
#'
#' @param values columns of the responses, which are `kept`, "means" or "sums"
#' @noRd
cell_values <- function(values, counts, kept, output, integerCounts) {
  if (output == "counts") {
    return(list(Counts = if (integerCounts) as_counts(counts) else counts))
  }
  if (length(values) == 0) {
    rx_abort("argument", sprintf("The table has no %s.", output),
      hint = "Give the formula a response, or a regression cubePredictions = TRUE."
    )
  }
  # A cell without rows has a mean that is none, and a sum that is zero.
  if (output == kept) {
    values
  } else if (output == "means") {
    lapply(values, function(sums) ifelse(counts > 0, sums / counts, NaN))
  } else {
    lapply(values, function(means) ifelse(counts > 0, means * counts, 0))
  }
}

check_results <- function(output, outputs, integerLevels, integerCounts, element = 1) {
  check_argument(is_string(output) && output %in% outputs, "output", paste0('"', outputs, '"', collapse = ", "))
  check_argument(is_flag(integerCounts), "integerCounts", "TRUE or FALSE")
  check_argument(is.null(integerLevels) || is_flag(integerLevels), "integerLevels", "TRUE, FALSE or NULL")
  if (!identical(as.numeric(element), 1)) {
    rx_abort("unsupported", "Only `element = 1` is supported.")
  }
}

#' The first table by category
#'
#' @noRd
category_table <- function(object) {
  if (length(object$categorical) == 0) {
    rx_abort("argument", "The summary has no table by category.", hint = "Use output = \"stats\".")
  }
  table <- object$categorical[[1]]
  if (methods::is(table, "RxXdfData")) rxImport(table) else table
}

category_values <- function(table, output) {
  wanted <- list(counts = c("Counts", "ValidObs", "SumOfWeights"), means = "Means", sums = "Sum")[[output]]
  found <- intersect(wanted, names(table))
  if (length(found) == 0) {
    rx_abort("argument", sprintf("The table by category has no %s.", output),
      hint = sprintf("It has: %s.", paste(names(table), collapse = ", "))
    )
  }
  table[[found[1]]]
}

with_integer_levels <- function(frame, integerLevels) {
  made <- startsWith(names(frame)[1], "F_")
  if (isTRUE(integerLevels) || (is.null(integerLevels) && made)) {
    frame[[1]] <- as.integer(as.character(frame[[1]]))
    names(frame)[1] <- sub("^F_", "", names(frame)[1])
  }
  frame
}

#' Results of an analysis as a data frame
#'
#' @param object an object of class `rxSummary`.
#' @param output `"stats"` for the statistics of the terms; `"counts"`, `"means"` or `"sums"` for the first table by
#'   category.
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
#' @export
rxResultsDF <- function(object, ...) UseMethod("rxResultsDF")

#' @rdname rxResultsDF
#' @export
rxResultsDF.rxSummary <- function(object, output = "stats", element = 1, integerLevels = NULL, integerCounts = TRUE,
                                  useRowNames = TRUE, ...) {
  outputs <- c("stats", "counts", "means", "sums")
  check_argument(is_string(output) && output %in% outputs, "output", paste0('"', outputs, '"', collapse = ", "))
  check_argument(is_flag(integerCounts), "integerCounts", "TRUE or FALSE")
  check_argument(is_flag(useRowNames), "useRowNames", "TRUE or FALSE")
  check_argument(is.null(integerLevels) || is_flag(integerLevels), "integerLevels", "TRUE, FALSE or NULL")
  warn_unknown(dot_names(...), names(formals(rxResultsDF.rxSummary)))
  if (!identical(as.numeric(element), 1)) {
    rx_abort("unsupported", "Only `element = 1` is supported.")
  }
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

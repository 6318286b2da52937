#' Quantiles
#'
#' Quantiles of a variable, exact whatever the number of rows. Missing values are left out.
#'
#' Values are counted one by one; where there are too many different ones, ranges of them are counted, and another pass
#' over the data looks into the ranges in which a quantile lies. Memory is bounded.
#'
#' With \eqn{W} the sum of weights (without weights the number of rows), the quantile of probability \eqn{p} of whole
#' numbers (integers, logicals and dates) is the smallest value whose cumulative weight reaches \eqn{pW}:
#' `quantile(type = 1)`. That of other numbers is interpolated on the cumulative weights of the rows:
#' `quantile(type = 4)`. A row with a frequency weight stands for as many rows. Of rows of the same value with
#' probability weights each counts with their mean weight.
#'
#' @param varName name of a variable: a number, logical, date or time.
#' @param data a data frame, a data source or the name of a file.
#' @param pweights,fweights name of a variable of probability weights, or of frequency weights.
#' @param probs probabilities.
#' @param names whether the result is named by the probabilities.
#' @param maxIntegerBins no effect: counts of whole numbers are exact whatever their range.
#' @param multiple a number: quantiles are those of the whole numbers nearest to `multiple` times the values, divided by
#'   `multiple`. NA leaves the values as they are.
#' @param numericBins whether to interpolate the distribution in bins of equal width instead of the values, which takes
#'   two passes whatever the data.
#' @param numNumericBreaks number of breaks between such bins, the least and greatest value among them.
#' @param blocksPerRead no effect: there are no transforms.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints how many rows were used.
#' @return A numeric vector, of class `Date` or `POSIXct` if the variable is; NA if there is no row.
#' @references Hyndman, R. J. and Fan, Y. (1996), Sample quantiles in statistical packages, *The American Statistician*
#'   50, 361-365.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxQuantile("arr_delay", flights, probs = c(0.1, 0.5, 0.9, 0.99))
#' rxQuantile("mpg", mtcars)
#' quantile(mtcars$mpg, type = 4)
#' @export
rxQuantile <- function(varName, data, pweights = NULL, fweights = NULL, probs = seq(0, 1, 0.25), names = TRUE,
                       maxIntegerBins = 500000, multiple = NA, numericBins = FALSE, numNumericBreaks = 1000,
                       blocksPerRead = rxGetOption("blocksPerRead"), reportProgress = rxGetOption("reportProgress"),
                       verbose = 0) {
  check_argument(is_name(varName), "varName", "the name of a variable")
  check_argument(is_flag(names), "names", "TRUE or FALSE")
  check_argument(positive$ok(blocksPerRead), "blocksPerRead", positive$must)
  check_probabilities(probs)
  check_quantile_bins(maxIntegerBins, multiple, numericBins, numNumericBreaks)
  design <- numbers_design(varName, data, parent.frame(), pweights, fweights, "has no quantiles")
  field <- source_fields(design$source)[[varName]]
  whole <- !is.na(multiple) || field$kind %in% c("logical", "int16", "integer", "int64", "Date")
  options <- list(
    probs = as.list(pmin(pmax(as.double(probs), 0), 1)), continuous = !whole,
    multiple = if (!is.na(multiple)) as.double(multiple), bins = if (numericBins) as.integer(numNumericBreaks) - 1L
  )
  found <- engine_call(rx_engine_quantile, design$source, design$engine_variables, options, job_options(reportProgress))
  if (verbose > 0) {
    cat(sprintf("%s rows used.\n", format(found$rows, big.mark = ",", scientific = FALSE)))
  }
  values <- found$values
  values[is.nan(values)] <- NA
  if (names) {
    names(values) <- paste0(formatC(100 * probs, format = "fg", width = 1, digits = 7), rep("%", length(probs)))
  }
  switch(field$kind,
    Date = .Date(values),
    POSIXct = .POSIXct(values, field$tz),
    values
  )
}

#' Checks probabilities as quantile() does
#'
#' @noRd
check_probabilities <- function(probs) {
  rounding <- 100 * .Machine$double.eps
  inside <- is.numeric(probs) && !anyNA(probs) && all(probs > -rounding & probs < 1 + rounding)
  check_argument(inside, "probs", "numbers from 0 to 1")
}

check_quantile_bins <- function(maxIntegerBins, multiple, numericBins, numNumericBreaks) {
  check_argument(positive$ok(maxIntegerBins), "maxIntegerBins", positive$must)
  scales <- length(multiple) == 1 && (is.na(multiple) || is_number(multiple) && multiple > 0)
  check_argument(scales, "multiple", "a positive number or NA")
  check_argument(is_flag(numericBins), "numericBins", "TRUE or FALSE")
  breaks <- between(2, 1e6)
  check_argument(breaks$ok(numNumericBreaks), "numNumericBreaks", breaks$must)
}

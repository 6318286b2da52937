#' Covariances and correlations of a fit
#'
#' `rxCovCoef()` and `rxCorCoef()` answer the covariance and correlation matrix of the coefficients, `rxCovData()` and
#' `rxCorData()` that of the model columns but the intercept. The fit must have been asked to keep them, with `covCoef =
#' TRUE` or `covData = TRUE`.
#'
#' Rows and columns of dropped coefficients are NA. Of several responses the covariance is that of the first one's
#' coefficients; those of another one are the same times the ratio of the residual variances.
#'
#' @param x an object of class `rxLinMod` or `rxLogit`, or for the coefficients `rxGlm`.
#' @return A matrix with the names of the coefficients.
#' @seealso [rxCovCor()] for covariances of columns without a model.
#' @aliases rxCovRegression
#' @examples
#' fit <- rxLinMod(mpg ~ wt + hp, mtcars, covCoef = TRUE, covData = TRUE)
#' rxCovCoef(fit)
#' rxCorCoef(fit)
#' all.equal(rxCorData(fit), cor(mtcars[c("wt", "hp")]))
#' @export
rxCovCoef <- function(x) kept_covariance(x, "covCoef")

#' @rdname rxCovCoef
#' @export
rxCorCoef <- function(x) correlation(kept_covariance(x, "covCoef"))

#' @rdname rxCovCoef
#' @export
rxCovData <- function(x) kept_covariance(x, "covData")

#' @rdname rxCovCoef
#' @export
rxCorData <- function(x) correlation(kept_covariance(x, "covData"))

kept_covariance <- function(x, argument) {
  known <- c("rxLinMod", "rxLogit", if (argument == "covCoef") "rxGlm")
  check_argument(inherits(x, known), "x", paste("a fitted model of class", paste(known, collapse = " or ")))
  if (is.null(x[[argument]])) {
    rx_abort("argument", sprintf("The model was fitted without `%s`.", argument),
      hint = sprintf("Fit it with %s = TRUE.", argument)
    )
  }
  if (argument == "covCoef" && x$df[2] == 0) {
    rx_abort("argument", "The model has no residual degrees of freedom, so its coefficients have no covariance.")
  }
  x[[argument]]
}

#' Correlations of a covariance matrix; NaN where there is no variance
#'
#' @noRd
correlation <- function(covariance) {
  sd <- sqrt(diag(covariance))
  correlation <- covariance / outer(sd, sd)
  known <- !is.na(diag(correlation))
  diag(correlation)[known] <- 1
  correlation
}

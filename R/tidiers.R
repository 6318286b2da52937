# Methods for the generics of package generics, which broom and others re-export; registered when it is loaded.

#' Tidy results of linear models
#'
#' Methods for `tidy()`, `glance()` and `augment()` of package generics, which broom re-exports. Names of columns are
#' those that broom uses for [lm()].
#'
#' @param x an object of class `rxLinMod`.
#' @param conf.int whether to add confidence intervals, `conf.low` and `conf.high`.
#' @param conf.level their level.
#' @param data,newdata a data frame, a data source or the name of a file, read into memory.
#' @param se_fit whether to add standard errors of the predictions; needs a fit with `covCoef = TRUE`.
#' @param interval `"none"`, `"confidence"` or `"prediction"`, which adds `.lower` and `.upper`.
#' @param ... no further arguments; a warning names them.
#' @return A data frame: of `tidy()` with a row a coefficient and response, of `glance()` with a row a response, of
#'   `augment()` the data with `.fitted`, and `.resid` where the response is there.
#' @examplesIf requireNamespace("generics", quietly = TRUE)
#' fit <- rxLinMod(mpg ~ wt + hp, data = mtcars, covCoef = TRUE)
#' generics::tidy(fit, conf.int = TRUE)
#' generics::glance(fit)
#' head(generics::augment(fit, mtcars, interval = "prediction"))
#' @name tidiers
NULL

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxLinMod <- function(x, conf.int = FALSE, conf.level = 0.95, ...) {
  check_argument(is_flag(conf.int), "conf.int", "TRUE or FALSE")
  warn_unknown(dot_names(...), names(formals(tidy.rxLinMod)))
  tidied <- data.frame(
    term = rep(rownames(x$coefficients), length(x$y.names)), estimate = c(x$coefficients),
    std.error = c(x$coef.std.error), statistic = c(x$coef.t.value), p.value = c(x$coef.p.value)
  )
  if (conf.int) {
    bounds <- confint.rxLinMod(x, level = conf.level)
    tidied$conf.low <- unname(bounds[, 1])
    tidied$conf.high <- unname(bounds[, 2])
  }
  if (length(x$y.names) > 1) {
    tidied <- cbind(response = rep(x$y.names, each = nrow(x$coefficients)), tidied)
  }
  tidied
}

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxLinMod <- function(x, ...) {
  warn_unknown(dot_names(...), names(formals(glance.rxLinMod)))
  several <- length(x$y.names) > 1
  likelihood <- if (!several) logLik.rxLinMod(x)
  glanced <- data.frame(
    r.squared = x$r.squared, adj.r.squared = x$adj.r.squared, sigma = x$sigma, statistic = x$fstatistics$value,
    p.value = x$f.pvalue, df = x$fstatistics$numdf,
    logLik = if (several) NA_real_ else as.numeric(likelihood),
    AIC = if (several) NA_real_ else stats::AIC(likelihood), BIC = if (several) NA_real_ else stats::BIC(likelihood),
    deviance = x$residual.squares, df.residual = x$df[2], nobs = nobs(x), row.names = NULL
  )
  if (several) cbind(response = x$y.names, glanced) else glanced
}

#' @rdname tidiers
#' @exportS3Method generics::augment
augment.rxLinMod <- function(x, data = NULL, newdata = NULL, se_fit = FALSE, conf.level = 0.95,
                             interval = c("none", "confidence", "prediction"), ...) {
  warn_unknown(dot_names(...), names(formals(augment.rxLinMod)))
  one_response(x, "augment()")
  source <- newdata %||% data
  check_predicted(x, source)
  rows <- if (is.data.frame(source)) source else read_rows(as_source(source))
  response <- x$design$variables[x$design$response]
  there <- all(inputs_of(response, x$design$code)$names %in% names(rows))
  augmented <- function(residuals) {
    wanted <- wanted_columns(x, se_fit, interval[1], residuals, list())
    wanted$name <- c(fit = ".fitted", residual = ".resid", std_error = ".se.fit", lower = ".lower", upper = ".upper")[
      wanted$value
    ]
    predict_rows(
      x, rows, wanted,
      extra = list(), confLevel = conf.level, prediction = interval[1] == "prediction"
    )
  }
  columns <- augmented(FALSE)
  if (there) {
    columns <- cbind(columns, suppressWarnings(augmented(TRUE)[".resid"]))
  }
  cbind(rows, columns)
}

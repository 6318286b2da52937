# Methods for the generics of package generics, which broom and others re-export; registered when it is loaded.

#' Tidy results
#'
#' Methods for `tidy()`, `glance()` and `augment()` of package generics, which broom re-exports. Names of columns are
#' those that broom uses for [lm()], [kmeans()] and tests.
#'
#' @param x an object of class `rxLinMod`, `rxLogit`, `rxGlm` or `rxKmeans`; for `tidy()` also of class `rxCube`,
#'   `rxCrossTabs`, `rxMultiTest` or `rxPairwiseCrossTabList`, for `glance()` also `rxCube` and `rxCrossTabs`.
#' @param conf.int whether to add confidence intervals, `conf.low` and `conf.high`.
#' @param conf.level their level.
#' @param data,newdata a data frame, a data source or the name of a file, read into memory.
#' @param type.predict whether `.fitted` is the linear predictor or the mean; residuals are those of the response.
#' @param se_fit whether to add standard errors of the predictions; needs a fit with `covCoef = TRUE`.
#' @param interval `"none"`, `"confidence"` or `"prediction"`, which adds `.lower` and `.upper`.
#' @param ... no further arguments; a warning names them.
#' @return A data frame: of `tidy()` with a row a coefficient and response, a combination of categories, a test, or a
#'   cluster; of `glance()` with a row a response, or the numbers of rows used and missing; of `augment()` the data with
#'   `.fitted`, and `.resid` where the response is there; of clusters with `.cluster`, a factor.
#' @examplesIf requireNamespace("generics", quietly = TRUE)
#' fit <- rxLinMod(mpg ~ wt + hp, data = mtcars, covCoef = TRUE)
#' generics::tidy(fit, conf.int = TRUE)
#' generics::glance(fit)
#' head(generics::augment(fit, mtcars, interval = "prediction"))
#'
#' tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, as.data.frame(UCBAdmissions))
#' generics::tidy(tables)
#' generics::tidy(rxChiSquaredTest(tables))
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
  prediction <- interval[1] == "prediction"
  augmented_rows(x, newdata %||% data, se_fit, interval[1], confLevel = conf.level, prediction = prediction)
}

#' The rows of data with predictions, and residuals where the response is there
#'
#' @param ... passed to predict_rows()
#' @noRd
augmented_rows <- function(x, source, se_fit, interval = "none", ...) {
  check_predicted(x, source)
  rows <- if (is.data.frame(source)) source else read_rows(as_source(source))
  response <- x$design$variables[x$design$response]
  there <- all(inputs_of(response, x$design$code)$names %in% names(rows))
  augmented <- function(residuals) {
    wanted <- wanted_columns(x, se_fit, interval, residuals, list())
    wanted$name <- c(fit = ".fitted", residual = ".resid", std_error = ".se.fit", lower = ".lower", upper = ".upper")[
      wanted$value
    ]
    predict_rows(x, rows, wanted, extra = list(), ...)
  }
  columns <- augmented(FALSE)
  if (there) {
    columns <- cbind(columns, suppressWarnings(augmented(TRUE)[".resid"]))
  }
  cbind(rows, columns)
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxLogit <- function(x, conf.int = FALSE, conf.level = 0.95, ...) {
  check_argument(is_flag(conf.int), "conf.int", "TRUE or FALSE")
  warn_unknown(dot_names(...), names(formals(tidy.rxLogit)))
  tidied <- data.frame(
    term = names(x$coefficients), estimate = unname(x$coefficients), std.error = unname(x$coef.std.error),
    statistic = unname(x$coef.t.value), p.value = unname(x$coef.p.value)
  )
  if (conf.int) {
    bounds <- confint.rxLogit(x, level = conf.level)
    tidied$conf.low <- unname(bounds[, 1])
    tidied$conf.high <- unname(bounds[, 2])
  }
  tidied
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxGlm <- tidy.rxLogit

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxLogit <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  likelihood <- stats::logLik(x)
  data.frame(
    null.deviance = x$null.deviance, df.null = x$df[2] + unname(x$fstatistics[["numdf"]]),
    logLik = as.numeric(likelihood), AIC = stats::AIC(likelihood), BIC = stats::BIC(likelihood), deviance = x$deviance,
    df.residual = x$df[2], nobs = nobs(x)
  )
}

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxGlm <- glance.rxLogit

#' @rdname tidiers
#' @exportS3Method generics::augment
augment.rxLogit <- function(x, data = NULL, newdata = NULL, type.predict = c("link", "response"), se_fit = FALSE, ...) {
  warn_unknown(dot_names(...), names(formals(augment.rxLogit)))
  one_of(type.predict[1], "type.predict", c("link", "response"))
  augmented_rows(x, newdata %||% data, se_fit, means = type.predict[1] == "response")
}

#' @rdname tidiers
#' @exportS3Method generics::augment
augment.rxGlm <- augment.rxLogit

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxKmeans <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  clusters <- factor(seq_along(x$size))
  data.frame(x$centers, size = x$size, withinss = x$withinss, cluster = clusters, row.names = NULL, check.names = FALSE)
}

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxKmeans <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  data.frame(
    totss = x$totss, tot.withinss = x$tot.withinss, betweenss = x$betweenss, iter = x$numIterations, nobs = x$valid.obs
  )
}

#' @rdname tidiers
#' @exportS3Method generics::augment
augment.rxKmeans <- function(x, data = NULL, newdata = NULL, ...) {
  warn_unknown(dot_names(...), names(formals(augment.rxKmeans)))
  source <- newdata %||% data
  check_data(source)
  rows <- if (is.data.frame(source)) source else read_rows(as_source(source))
  rows$.cluster <- factor(unname(predict.rxKmeans(x, rows)), seq_along(x$size))
  rows
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxCube <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  as.data.frame(x)
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxCrossTabs <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  as.data.frame(x)
}

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxCube <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  about <- attr(x, "about")
  data.frame(nobs = about$nValidObs, nmissing = about$nMissingObs, cells = length(x$Counts))
}

#' @rdname tidiers
#' @exportS3Method generics::glance
glance.rxCrossTabs <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  tables <- unclass(x)$counts
  data.frame(nobs = x$nValidObs, nmissing = x$nMissingObs, cells = sum(lengths(tables)), tables = length(tables))
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxMultiTest <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  frame <- tidy_tests(structure(x, class = "data.frame"))
  named <- is.character(attr(x, "row.names"))
  cbind(if (named) data.frame(table = row.names(x)), as_data_frame(frame), method = attr(x, "title"))
}

#' @rdname tidiers
#' @exportS3Method generics::tidy
tidy.rxPairwiseCrossTabList <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  frames <- lapply(seq_along(x), function(i) {
    compared <- as.list(x[[i]])[1:2]
    tests <- as_data_frame(c(compared, tidy_tests(as.list(x[[i]])[-(1:2)])))
    if (is.null(names(x))) tests else cbind(table = names(x)[i], tests)
  })
  do.call(rbind, frames)
}

#' Columns of tests under the names that broom has for them
#'
#' @noRd
tidy_tests <- function(columns) {
  ends <- grepl("% CI (Lower|Upper)$", names(columns))
  known <- c(Z = "statistic", `X-squared` = "statistic", df = "parameter", `p-value` = "p.value")
  names <- ifelse(names(columns) %in% names(known), known[names(columns)], "estimate")
  names[ends] <- ifelse(endsWith(names(columns)[ends], "Lower"), "conf.low", "conf.high")
  stats::setNames(as.list(columns), names)
}

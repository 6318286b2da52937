# What the generic functions of R answer for linear models. None of them reads data.

#' Methods for linear models
#'
#' The functions that work on [lm()] work on fits of [rxLinMod()] as far as they need no data.
#'
#' * `coef()` answers NA for dropped coefficients, `coef(summary())` the table with standard errors; of several
#'   responses a matrix, and a list of tables.
#' * `vcov()` needs a fit with `covCoef = TRUE` and one response; `confint()` needs neither.
#' * `nobs()` counts rows, or with frequency weights what they stand for. `logLik()`, `AIC()` and `BIC()` are those of
#'   [lm()] with `weights = pweights`, or on the repeated rows.
#' * `anova()` compares fits of one response on the same rows by their sums of squares; of one fit it answers the table
#'   without terms and with all of them.
#' * `terms()` and `formula()` have `.` replaced by what it stood for.
#' * `residuals()` and `fitted()` are errors that name [rxPredict()], since no data are kept.
#' * `plot()` draws the coefficients with their confidence intervals.
#'
#' @param object,x,formula an object of class `rxLinMod`.
#' @param parm names or numbers of coefficients; all if missing.
#' @param level the confidence level.
#' @param fit,scale,k see [extractAIC()].
#' @param y ignored.
#' @param intercept whether the intercept is drawn.
#' @param ... of `anova()` further fits; passed to [lattice::dotplot()] by `plot()`; else ignored.
#' @return What the functions return for an object of class `lm`; `plot()` the trellis object, invisibly.
#' @examples
#' fit <- rxLinMod(mpg ~ wt + F(cyl), data = mtcars, covCoef = TRUE)
#' confint(fit)
#' AIC(fit)
#' vcov(fit)
#' plot(fit)
#' @name linmod-methods
NULL

#' @rdname linmod-methods
#' @export
coef.rxLinMod <- function(object, ...) drop(object$coefficients)

#' @rdname linmod-methods
#' @export
coef.summary.rxLinMod <- function(object, ...) {
  if (length(object$coefficients) == 1) object$coefficients[[1]] else object$coefficients
}

#' @rdname linmod-methods
#' @export
vcov.rxLinMod <- function(object, ...) {
  one_response(object, "vcov()")
  rxCovCoef(object)
}

one_response <- function(object, what) {
  if (length(object$y.names) > 1) {
    rx_abort("unsupported", sprintf("%s takes fits of one response.", what), hint = "Fit the responses one by one.")
  }
}

#' @rdname linmod-methods
#' @export
confint.rxLinMod <- function(object, parm, level = 0.95, ...) {
  check_argument(is_number(level) && level > 0 && level < 1, "level", "a number between 0 and 1")
  ends <- c((1 - level) / 2, (1 + level) / 2)
  names <- rownames(object$coefficients)
  if (length(object$y.names) > 1) {
    names <- c(outer(names, object$y.names, function(name, y) paste0(y, ":", name)))
  }
  bounds <- c(object$coefficients) + c(object$coef.std.error) %o% stats::qt(ends, object$df[2])
  percent <- paste(format(100 * ends, trim = TRUE, scientific = FALSE, digits = 3), "%")
  dimnames(bounds) <- list(names, percent)
  if (missing(parm)) bounds else bounds[parm, , drop = FALSE]
}

#' @rdname linmod-methods
#' @importFrom stats nobs
#' @export
nobs.rxLinMod <- function(object, ...) as_counts(object$df[2] + object$rank)

#' @rdname linmod-methods
#' @export
df.residual.rxLinMod <- function(object, ...) object$df[2]

#' @rdname linmod-methods
#' @param test `"F"`, `"Chisq"` or `"none"`.
#' @export
anova.rxLinMod <- function(object, ..., test = "F") {
  one_response(object, "anova()")
  one_of(test, "test", c("F", "Chisq", "none"))
  f <- object$fstatistics
  explained <- f$value[[1]] * f$numdf[[1]] * object$residual.variance[[1]]
  compared_fits(
    list(object, ...), stats::deviance(object) + explained, test, function(fit) fit$residual.variance[[1]],
    "Analysis of Variance Table", c("Res.Df", "RSS", "Sum of Sq")
  )
}

#' A table of fits by their deviances; of one fit that without terms is the other
#'
#' @param dispersion a function of the largest fit
#' @param title,columns heading of the table, names of the columns of degrees of freedom, deviances and differences
#' @noRd
compared_fits <- function(fits, null_deviance, test, dispersion, title, columns) {
  object <- fits[[1]]
  same <- vapply(fits, function(fit) {
    identical(class(fit), class(object)) && identical(fit$y.names, object$y.names) && nobs(fit) == nobs(object)
  }, NA)
  check_argument(all(same), "...", "fits of the same class and response on the same rows")
  written <- function(fit) paste(deparse(stats::formula(fit), width.cutoff = 500), collapse = " ")
  df <- vapply(fits, function(fit) as.numeric(fit$df[2]), 0)
  deviance <- vapply(fits, stats::deviance, 0)
  largest <- fits[[which.min(df)]]
  if (length(fits) == 1) {
    df <- c(df + object$fstatistics[["numdf"]][[1]], df)
    deviance <- c(null_deviance, deviance)
    names <- c("NULL", "all terms")
    heading <- sprintf("%s\n\nModel: %s\n\n", title, written(object))
  } else {
    names <- seq_along(fits)
    models <- paste0("Model ", format(names), ": ", vapply(fits, written, ""), collapse = "\n")
    heading <- c(paste0(title, "\n"), models)
  }
  table <- data.frame(df, deviance, c(NA, -diff(df)), c(NA, -diff(deviance)), row.names = names)
  names(table) <- c(columns[1:2], "Df", columns[3])
  if (test != "none") {
    table <- stats::stat.anova(table, test, dispersion(largest), min(df), nobs(object))
  }
  structure(table, heading = heading, class = c("anova", "data.frame"))
}

#' @rdname linmod-methods
#' @export
deviance.rxLinMod <- function(object, ...) {
  if (length(object$y.names) == 1) object$deviance[[1]] else object$deviance
}

#' @rdname linmod-methods
#' @export
logLik.rxLinMod <- function(object, ...) {
  one_response(object, "logLik()")
  n <- nobs(object)
  log_weights <- object$sumLogWeights %||% 0
  value <- (log_weights - n * (log(2 * pi) + 1 - log(n) + log(object$residual.squares[[1]]))) / 2
  structure(value, nall = n, nobs = n, df = object$rank + 1, class = "logLik")
}

#' @rdname linmod-methods
#' @export
extractAIC.rxLinMod <- function(fit, scale = 0, k = 2, ...) {
  one_response(fit, "extractAIC()")
  n <- nobs(fit)
  rss <- fit$residual.squares[[1]]
  criterion <- if (scale > 0) rss / scale - n else n * log(rss / n)
  c(fit$rank, criterion + k * fit$rank)
}

#' @rdname linmod-methods
#' @export
terms.rxLinMod <- function(x, ...) design_terms(x$design)

#' The terms object of a design, whose expressions can be evaluated in new data by base R
#'
#' @noRd
design_terms <- function(design) {
  code <- lapply(design$variables, function(variable) {
    if (variable$text == variable$column && is.null(variable$expression)) {
      as.name(variable$column)
    } else {
      str2lang(variable$text)
    }
  })
  sums <- lapply(design$terms, function(term) Reduce(function(a, b) call(":", a, b), code[term$variables]))
  sums <- c(sums, lapply(code[design$offset], function(x) call("offset", x)))
  right <- if (length(sums) > 0) Reduce(function(a, b) call("+", a, b), sums) else 1
  responses <- code[design$response]
  left <- if (length(responses) > 1) as.call(c(as.name("cbind"), responses)) else responses[[1]]
  formula <- call("~", left, if (design$intercept) right else call("-", right, 1))
  stats::terms(stats::as.formula(formula, globalenv()), keep.order = TRUE)
}

#' @rdname linmod-methods
#' @export
formula.rxLinMod <- function(x, ...) {
  if ("." %in% all.vars(x$formula)) stats::formula(terms.rxLinMod(x)) else x$formula
}

#' @rdname linmod-methods
#' @export
residuals.rxLinMod <- function(object, ...) {
  rx_abort("argument", "Models keep no data, so they have no residuals.",
    hint = "Compute them with rxPredict(model, data, computeResiduals = TRUE)."
  )
}

#' @rdname linmod-methods
#' @export
fitted.rxLinMod <- function(object, ...) {
  rx_abort("argument", "Models keep no data, so they have no fitted values.",
    hint = "Compute them with rxPredict(model, data)."
  )
}

#' @rdname linmod-methods
#' @export
plot.rxLinMod <- function(x, y, level = 0.95, intercept = FALSE, ...) {
  check_argument(is_flag(intercept), "intercept", "TRUE or FALSE")
  bounds <- confint.rxLinMod(x, level = level)
  names <- rownames(x$coefficients)
  shown <- data.frame(
    term = factor(rep(names, length(x$y.names)), levels = rev(names)), estimate = c(x$coefficients),
    lower = bounds[, 1], upper = bounds[, 2], row.names = NULL,
    response = factor(rep(x$y.names, each = length(names)), levels = x$y.names)
  )
  shown <- shown[!is.na(shown$estimate) & (intercept | shown$term != "(Intercept)"), ]
  shown$term <- droplevels(shown$term)
  several <- length(x$y.names) > 1
  drawn <- list(
    x = if (several) term ~ estimate | response else term ~ estimate, data = shown,
    lower = shown$lower, upper = shown$upper, xlab = sprintf("Coefficient with %g%% confidence interval", 100 * level),
    scales = list(x = list(relation = if (several) "free" else "same")), prepanel = coefficient_limits,
    panel = coefficient_panel
  )
  figure <- do.call(lattice::dotplot, utils::modifyList(drawn, list(...)))
  print(figure)
  invisible(figure)
}

coefficient_limits <- function(x, lower, upper, subscripts, ...) {
  list(xlim = range(0, lower[subscripts], upper[subscripts], finite = TRUE))
}

#' Draws coefficients as points on their confidence intervals
#'
#' @noRd
coefficient_panel <- function(x, y, lower, upper, subscripts, ...) {
  lattice::panel.abline(v = 0, lty = 2)
  lattice::panel.segments(lower[subscripts], as.numeric(y), upper[subscripts], as.numeric(y), lwd = 2)
  lattice::panel.dotplot(x, y, ...)
}

# What the generic functions of R answer for generalized linear models. None of them reads data.

#' Methods for generalized linear models
#'
#' The functions that work on [glm()] work on fits of [rxLogit()] and [rxGlm()] as far as they need no data.
#'
#' * `coef()` answers NA for dropped coefficients, `coef(summary())` the table with standard errors.
#' * `vcov()` needs a fit with `covCoef = TRUE`. `confint()` answers Wald's intervals, as [confint.default()] does, by
#'   the distribution of the p-values.
#' * `nobs()` counts rows, or with frequency weights what they stand for. `logLik()`, `AIC()` and `BIC()` are those of
#'   [glm()], NA for families without a likelihood and for those that R's functions compute.
#' * `anova()` compares fits on the same rows by their deviances; of one fit it answers the table without terms and with
#'   all of them.
#' * `terms()` and `formula()` have `.` replaced by what it stood for.
#' * `residuals()` and `fitted()` are errors that name [rxPredict()], since no data are kept.
#'
#' @param object,x,formula an object of class `rxLogit` or `rxGlm`.
#' @param parm names or numbers of coefficients; all if missing.
#' @param level the confidence level.
#' @param fit,scale,k see [extractAIC()].
#' @param test `"Chisq"`, `"F"` or `"none"`; by default the chi-square test where the dispersion is known, else F.
#' @param ... of `anova()` further fits; else ignored.
#' @return What the functions return for an object of class `glm`.
#' @examples
#' fit <- rxLogit(am ~ wt + hp, data = mtcars, covCoef = TRUE)
#' confint(fit)
#' AIC(fit)
#' vcov(fit)
#' anova(rxLogit(am ~ wt, data = mtcars), fit)
#' @include linmod-methods.R
#' @name glm-methods
NULL

#' @rdname glm-methods
#' @export
coef.rxLogit <- function(object, ...) object$coefficients

#' @rdname glm-methods
#' @export
coef.rxGlm <- coef.rxLogit

#' @rdname glm-methods
#' @export
coef.summary.rxLogit <- function(object, ...) object$coefficients

#' @rdname glm-methods
#' @export
coef.summary.rxGlm <- coef.summary.rxLogit

#' @rdname glm-methods
#' @export
vcov.rxLogit <- function(object, ...) rxCovCoef(object)

#' @rdname glm-methods
#' @export
vcov.rxGlm <- vcov.rxLogit

#' @rdname glm-methods
#' @export
confint.rxLogit <- function(object, parm, level = 0.95, ...) {
  check_argument(is_number(level) && level > 0 && level < 1, "level", "a number between 0 and 1")
  ends <- c((1 - level) / 2, (1 + level) / 2)
  bounds <- object$coefficients + object$coef.std.error %o% quantile_of(object, ends)
  percent <- paste(format(100 * ends, trim = TRUE, scientific = FALSE, digits = 3), "%")
  dimnames(bounds) <- list(names(object$coefficients), percent)
  if (missing(parm)) bounds else bounds[parm, , drop = FALSE]
}

#' @rdname glm-methods
#' @export
confint.rxGlm <- confint.rxLogit

#' Quantiles of the distribution that a fit's tests go by
#'
#' @noRd
quantile_of <- function(model, p) if (has_fixed_dispersion(model)) stats::qnorm(p) else stats::qt(p, model$df[2])

has_fixed_dispersion <- function(model) {
  inherits(model, "rxLogit") || (inherits(model, "rxGlm") && fixed_dispersion(model$family))
}

#' @rdname glm-methods
#' @export
nobs.rxLogit <- function(object, ...) as_counts(object$df[2] + object$rank)

#' @rdname glm-methods
#' @export
nobs.rxGlm <- nobs.rxLogit

#' @rdname glm-methods
#' @export
df.residual.rxLogit <- function(object, ...) object$df[2]

#' @rdname glm-methods
#' @export
df.residual.rxGlm <- df.residual.rxLogit

#' @rdname glm-methods
#' @export
deviance.rxLogit <- function(object, ...) object$deviance

#' @rdname glm-methods
#' @export
deviance.rxGlm <- deviance.rxLogit

#' @rdname glm-methods
#' @export
logLik.rxLogit <- function(object, ...) {
  structure(object$logLik, nobs = nobs(object), df = object$rank + object$scale.parameters, class = "logLik")
}

#' @rdname glm-methods
#' @export
logLik.rxGlm <- function(object, ...) logLik.rxLogit(structure(object, class = "rxLogit"))

#' @rdname glm-methods
#' @export
extractAIC.rxLogit <- function(fit, scale = 0, k = 2, ...) {
  c(fit$rank, -2 * fit$logLik + 2 * fit$scale.parameters + k * fit$rank)
}

#' @rdname glm-methods
#' @export
extractAIC.rxGlm <- extractAIC.rxLogit

#' @rdname glm-methods
#' @importFrom stats family
#' @export
family.rxLogit <- function(object, ...) stats::binomial()

#' @rdname glm-methods
#' @export
family.rxGlm <- function(object, ...) object$family

#' @rdname glm-methods
#' @export
terms.rxLogit <- function(x, ...) design_terms(x$design)

#' @rdname glm-methods
#' @export
terms.rxGlm <- terms.rxLogit

#' @rdname glm-methods
#' @export
formula.rxLogit <- function(x, ...) {
  if ("." %in% all.vars(x$formula)) stats::formula(terms.rxLogit(x)) else x$formula
}

#' @rdname glm-methods
#' @export
formula.rxGlm <- formula.rxLogit

#' @rdname glm-methods
#' @export
residuals.rxLogit <- residuals.rxLinMod

#' @rdname glm-methods
#' @export
residuals.rxGlm <- residuals.rxLinMod

#' @rdname glm-methods
#' @export
fitted.rxLogit <- fitted.rxLinMod

#' @rdname glm-methods
#' @export
fitted.rxGlm <- fitted.rxLinMod

#' @rdname glm-methods
#' @export
anova.rxLogit <- function(object, ..., test = NULL) {
  if (!is.null(test)) one_of(test, "test", c("Chisq", "F", "none"))
  compared_fits(
    list(object, ...), object$null.deviance, test %||% if (has_fixed_dispersion(object)) "Chisq" else "F",
    function(fit) fit$dispersion, "Analysis of Deviance Table", c("Resid. Df", "Resid. Dev", "Deviance")
  )
}

#' @rdname glm-methods
#' @export
anova.rxGlm <- anova.rxLogit

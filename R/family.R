# Families of generalized linear models: what the engine computes itself, and R's functions for all others.

#' Tweedie's family
#'
#' A family for [rxGlm()] whose variance is a power of the mean: 0 is the normal distribution, 1 Poisson's, between 1
#' and 2 a Poisson number of gamma variables (sums with many zeros, such as insurance claims), 2 the gamma and 3 the
#' inverse Gaussian one. `tweedie()` of package statmod is accepted by [rxGlm()] as well.
#'
#' The deviance is 2 w (y (y^(1-p) - mu^(1-p)) / (1-p) - (y^(2-p) - mu^(2-p)) / (2-p)) or its limit. The distribution's
#' density has no closed form, so there is no likelihood and no AIC.
#'
#' @param var.power the power p of the variance.
#' @param link.power the power of the mean that the linear predictor is; 0 is the logarithm, 1 the mean itself.
#' @return An object of class `family` with `family`, `link`, `var.power` and `link.power`. It is only a description:
#'   functions like [glm()] cannot use it.
#' @references Jorgensen, B. (1987) Exponential dispersion models. Journal of the Royal Statistical Society B 49.
#' @examples
#' claims <- data.frame(cost = c(0, 12, 0, 3, 40, 0, 8, 22), age = c(20, 25, 30, 35, 40, 45, 50, 55))
#' summary(rxGlm(cost ~ age, claims, family = rxTweedie(var.power = 1.5, link.power = 0)))
#' @export
rxTweedie <- function(var.power = 0, link.power = 1 - var.power) {
  check_argument(is_number(var.power) && is.finite(var.power), "var.power", "a number")
  check_argument(is_number(link.power) && is.finite(link.power), "link.power", "a number")
  link <- if (link.power == 0) "log" else if (link.power == 1) "identity" else paste0("mu^", link.power)
  structure(
    list(family = "Tweedie", link = link, var.power = var.power, link.power = link.power),
    class = c("rxTweedie", "family")
  )
}

#' The family that an argument means: an object, a function that makes one, or the name of such a function
#'
#' @noRd
as_family <- function(family) {
  if (is.character(family) && length(family) == 1) {
    family <- get0(family, envir = globalenv(), mode = "function")
  }
  if (is.function(family)) {
    family <- family()
  }
  check_argument(inherits(family, "family"), "family", "a family, such as poisson() or rxTweedie(1.5)")
  family
}

#' A family as the engine takes it
#'
#' @param binary whether only 0 and 1 are responses
#' @return list of `spec` and `code`, R's functions if the engine does not know the family
#' @noRd
engine_family <- function(family, binary = FALSE) {
  link <- engine_link(family)
  kind <- engine_distribution(family)
  fixed <- fixed_dispersion(family)
  if (is.null(link) || is.null(kind)) {
    spec <- list(kind = "gaussian", link = "identity", binary = FALSE, fixed_dispersion = fixed)
    return(list(spec = spec, code = family_code(family)))
  }
  list(spec = list(kind = kind, link = link, binary = binary, fixed_dispersion = fixed), code = NULL)
}

#' Whether a family's dispersion is 1 and not estimated
#'
#' @noRd
fixed_dispersion <- function(family) family$family %in% c("binomial", "poisson")

#' Whether responses are shares of successes, so that a factor with two levels can be one
#'
#' @noRd
takes_two_levels <- function(family) family$family %in% c("binomial", "quasibinomial")

#' The link as the engine calls it; NULL if the engine does not know it
#'
#' @noRd
engine_link <- function(family) {
  if (inherits(family, "rxTweedie")) {
    return(switch(family$link,
      log = "log", identity = "identity", list(power = family$link.power)
    ))
  }
  names <- c(
    identity = "identity", log = "log", logit = "logit", probit = "probit", cauchit = "cauchit", cloglog = "cloglog",
    inverse = "inverse", `1/mu^2` = "inverse_square", sqrt = "sqrt"
  )
  same <- function(link) {
    identical(body(family$linkinv), body(link$linkinv)) && identical(body(family$linkfun), body(link$linkfun))
  }
  if (family$link %in% names(names) && same(stats::make.link(family$link))) {
    return(names[[family$link]])
  }
  power <- environment(family$linkinv)$lambda
  if (is_number(power) && same(stats::power(0.3))) list(power = power)
}

#' The distribution as the engine calls it; NULL if the engine does not know it
#'
#' @noRd
engine_distribution <- function(family) {
  if (inherits(family, "rxTweedie")) {
    return(list(tweedie = family$var.power))
  }
  if (family$family == "Tweedie") {
    # The object of package statmod has its power in its variance function only.
    power <- log2(family$variance(2))
    return(if (isTRUE(all.equal(family$variance(3), 3^power))) list(tweedie = power))
  }
  kinds <- c(
    gaussian = "gaussian", binomial = "binomial", quasibinomial = "binomial", poisson = "poisson",
    quasipoisson = "poisson", Gamma = "gamma", inverse.gaussian = "inverse_gaussian"
  )
  variances <- c(constant = "constant", `mu(1-mu)` = "binomial", mu = "mean", `mu^2` = "square", `mu^3` = "cube")
  if (family$family == "quasi" && isTRUE(family$varfun %in% names(variances))) {
    own <- do.call(stats::quasi, list(variance = family$varfun))
    kind <- list(quasi = variances[[family$varfun]])
  } else if (family$family %in% names(kinds)) {
    own <- getExportedValue("stats", family$family)()
    kind <- kinds[[family$family]]
  } else {
    return(NULL)
  }
  same <- identical(body(family$variance), body(own$variance)) &&
    identical(body(family$dev.resids), body(own$dev.resids))
  if (same) kind
}

#' R's functions of a family, as the engine calls them
#'
#' @noRd
family_code <- function(family) {
  allowed <- function(check, x) is.null(check) || isTRUE(check(x))
  deviance_at <- function(y, weights, mu) {
    deviance <- sum(family$dev.resids(y, mu, weights))
    if (is.na(deviance)) Inf else deviance
  }
  start <- function(y, weights) {
    # What glm.fit() has where it evaluates the expression.
    frame <- list2env(list(
      y = y, weights = weights, nobs = length(y), offset = numeric(length(y)), family = family, etastart = NULL,
      mustart = NULL, start = NULL
    ), parent = environment(family$linkfun))
    eval(family$initialize, frame)
    as.numeric(family$linkfun(frame$mustart))
  }
  list(
    evaluate = function(y, weights, eta) {
      own <- if (is.null(eta)) start(y, weights)
      eta <- if (is.null(eta)) own else eta
      valid <- allowed(family$valideta, eta)
      mu <- as.numeric(family$linkinv(eta))
      valid <- valid && allowed(family$validmu, mu)
      list(
        eta = own, mu = mu, slope = as.numeric(family$mu.eta(eta)), variance = as.numeric(family$variance(mu)),
        deviance = if (valid) deviance_at(y, weights, mu) else Inf
      )
    },
    null_deviance = function(y, weights, mean) deviance_at(y, weights, rep(mean, length(y)))
  )
}

#' How many parameters of a distribution beside the coefficients are estimated by its likelihood
#'
#' @noRd
scale_parameters <- function(family) sum(family$family %in% c("gaussian", "Gamma", "inverse.gaussian"))

# What generalized linear models are compared with.

# A few hundred rows with responses of every family, numbers, factors and weights.
glm_data <- function() {
  data <- as_lm_factors(small_data())
  rows <- seq_len(nrow(data))
  wave <- function(k) sin(k * rows)
  trend <- ifelse(is.na(data$x), 0, data$x) / 20 + (as.integer(data$b) - 2) / 4
  data$event <- as.integer(trend + wave(5.1) > 0.1)
  data$count <- as.integer(floor(exp(1 + trend + wave(2.3))))
  data$size <- exp(1 + trend / 4 + wave(4.7) / 3)
  data$share <- round(10 / (1 + exp(-trend - wave(3.7)))) / 10
  data$zeros <- ifelse(wave(6.1) > 0.5, 0, data$size)
  data$exposure <- 1 + abs(wave(1.1))
  data$event[11] <- NA
  data
}

# rxGlm() has the same coefficients as glm() where both drop the first level of a factor and keep main effects.
like_glm <- function(fun, formula, data, ...) fun(formula, data, dropFirst = TRUE, dropMain = FALSE, ...)

# glm() to the last digit.
exact_glm <- function(formula, family, data, weights = NULL) {
  fit <- bquote(stats::glm(formula, family, data, .(substitute(weights)), control = list(epsilon = 1e-15, maxit = 100)))
  suppressWarnings(eval(fit))
}

expect_equals_glm <- function(fit, model, tolerance = 1e-9) {
  expected <- summary(model)
  kept <- !fit$aliased
  found <- cbind(fit$coefficients, fit$coef.std.error, fit$coef.t.value)[kept, , drop = FALSE]
  expect_equal(unname(found), unname(expected$coefficients[, 1:3, drop = FALSE]), tolerance = tolerance)
  expect_equal(unname(fit$coef.p.value[kept]), unname(expected$coefficients[, 4]), tolerance = max(1e-6, tolerance))
  expect_true(all(is.na(fit$coefficients[!kept])) && all(is.na(fit$coef.std.error[!kept])))
  expect_equal(fit$deviance, stats::deviance(model), tolerance = tolerance)
  expect_equal(fit$null.deviance, model$null.deviance, tolerance = tolerance)
  expect_equal(fit$dispersion, expected$dispersion, tolerance = tolerance)
  expect_equal(fit$df[2:3], as.numeric(c(model$df.residual, model$rank)))
  expect_equal(as.numeric(logLik(fit)), as.numeric(stats::logLik(model)), tolerance = tolerance)
  expect_identical(fit$nMissingObs, length(model$na.action))
  expect_true(fit$converged)
}

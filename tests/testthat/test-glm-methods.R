test_that("generic functions answer as for glm()", {
  data <- glm_data()
  model <- stats::glm(count ~ x + z, stats::poisson(), data)
  fit <- rxGlm(count ~ x + z, data, family = stats::poisson(), covCoef = TRUE)
  expect_equal(coef(fit), stats::coef(model), tolerance = 1e-10)
  expect_equal(unname(coef(summary(fit))), unname(stats::coef(summary(model))), tolerance = 1e-8)
  expect_equal(vcov(fit), stats::vcov(model), tolerance = 1e-9)
  expect_equal(rxCorCoef(fit), stats::cov2cor(stats::vcov(model)), tolerance = 1e-9)
  expect_equal(confint(fit, level = 0.9), stats::confint.default(model, level = 0.9), tolerance = 1e-9)
  expect_equal(confint(fit, "x"), stats::confint.default(model, "x"), tolerance = 1e-9)
  expect_equal(nobs(fit), stats::nobs(model))
  expect_equal(stats::df.residual(fit), stats::df.residual(model))
  expect_equal(stats::AIC(fit), stats::AIC(model), tolerance = 1e-10)
  expect_equal(stats::BIC(fit), stats::BIC(model), tolerance = 1e-10)
  expect_equal(stats::extractAIC(fit, k = 3), stats::extractAIC(model, k = 3), tolerance = 1e-10)
  expect_identical(stats::family(fit)$family, "poisson")
  expect_identical(deparse(stats::formula(fit)), "count ~ x + z")
  expect_identical(attr(stats::terms(fit), "term.labels"), c("x", "z"))
  gamma <- stats::glm(size ~ x + z, stats::Gamma, data)
  free <- rxGlm(size ~ x + z, data, family = stats::Gamma)
  expect_equal(stats::extractAIC(free), stats::extractAIC(gamma), tolerance = 1e-10)
  bounds <- stats::coef(gamma) + summary(gamma)$coefficients[, 2] %o% stats::qt(c(0.025, 0.975), gamma$df.residual)
  expect_equal(confint(free), bounds, tolerance = 1e-9, ignore_attr = TRUE)
  for (ask in list(stats::residuals, stats::fitted)) {
    expect_error(ask(fit), "rxPredict", class = "rxscale_error_argument")
  }
  expect_error(vcov(free), "covCoef = TRUE", class = "rxscale_error_argument")
  expect_identical(stats::family(rxLogit(event ~ x, data))$family, "binomial")
})

test_that("anova() compares fits by their deviances", {
  data <- glm_data()
  small <- rxLogit(event ~ x, data)
  large <- rxLogit(event ~ x + b, data)
  expected <- stats::anova(
    stats::glm(event ~ x, stats::binomial(), data), stats::glm(event ~ x + b, stats::binomial(), data),
    test = "Chisq"
  )
  expect_equal(as.list(stats::anova(small, large)), as.list(expected), tolerance = 1e-8, ignore_attr = TRUE)
  free <- list(rxGlm(size ~ x, data, family = stats::Gamma), rxGlm(size ~ x + b, data, family = stats::Gamma))
  tested <- stats::anova(
    stats::glm(size ~ x, stats::Gamma, data), stats::glm(size ~ x + b, stats::Gamma, data),
    test = "F"
  )
  expect_equal(as.list(stats::anova(free[[1]], free[[2]])), as.list(tested), tolerance = 1e-7, ignore_attr = TRUE)
  expect_snapshot(stats::anova(large))
  expect_error(stats::anova(small, free[[1]]), class = "rxscale_error_argument")
  expect_error(stats::anova(small, large, test = "t"), class = "rxscale_error_argument")
})

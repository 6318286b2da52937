test_that("covariances and correlations of coefficients and data are those of lm() and cov()", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + z + y2, data, covCoef = TRUE, covData = TRUE)
  model <- stats::lm(y ~ x + z + y2, data)
  expect_equal(rxCovCoef(fit), stats::vcov(model), tolerance = 1e-10)
  expect_equal(rxCorCoef(fit), stats::cov2cor(stats::vcov(model)), tolerance = 1e-10)
  used <- stats::model.matrix(model)[, -1]
  expect_equal(rxCovData(fit), stats::cov(used), tolerance = 1e-12)
  expect_equal(rxCorData(fit), stats::cor(used), tolerance = 1e-12)
  factors <- rxLinMod(y ~ x + a, data, covCoef = TRUE)
  expect_identical(unname(diag(rxCorCoef(factors))), c(1, 1, 1, 1, NA))
})

test_that("what was not kept is an error that says how to keep it", {
  fit <- rxLinMod(mpg ~ wt, mtcars)
  expect_error(rxCovCoef(fit), "covCoef = TRUE", class = "rxscale_error_argument")
  expect_error(rxCorData(fit), "covData = TRUE", class = "rxscale_error_argument")
  expect_error(rxCovCoef(mtcars), class = "rxscale_error_argument")
  saturated <- rxLinMod(mpg ~ wt, mtcars[1:2, ], covCoef = TRUE)
  expect_error(rxCovCoef(saturated), "degrees of freedom", class = "rxscale_error_argument")
})

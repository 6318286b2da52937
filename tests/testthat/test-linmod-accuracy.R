# Designs that are hard on floating point, with answers known exactly: t is -2, ..., 2, and `wave` is orthogonal to all of
# its powers below the fourth, so that it is the vector of residuals whatever the coefficients are.

t <- -2:2
wave <- c(1, -4, 6, -4, 1)

# The relative error of the coefficients and standard errors.
expect_exact <- function(fit, coefficients, errors, tolerance = 1e-13) {
  kept <- !fit$aliased
  expect_equal(unname(coef(fit)[kept]), coefficients, tolerance = tolerance)
  expect_equal(unname(fit$coef.std.error[kept, 1]), errors, tolerance = tolerance)
}

test_that("a large offset costs no digit", {
  for (offset in c(0, 1e6, 1e12, 2^50)) {
    data <- data.frame(y = 3 + 2 * t + wave, x = offset + t)
    fit <- rxLinMod(y ~ x, data)
    sigma <- sqrt(sum(wave^2) / 3)
    expect_exact(fit, c(3 - 2 * offset, 2), sigma * sqrt(c(1 / 5 + offset^2 / 10, 1 / 10)))
    expect_equal(rxSummary(~x, data)$sDataFrame$StdDev, sqrt(2.5), tolerance = 1e-15)
    # The same in rows of a response.
    fit <- rxLinMod(y ~ x, data.frame(y = offset + data$y, x = t))
    expect_equal(fit$sigma[[1]], sigma, tolerance = 1e-13)
    expect_equal(fit$r.squared[[1]], 40 / 110, tolerance = 1e-13)
  }
})

test_that("nearly collinear columns are solved, not given up", {
  for (power in c(10, 20, 30)) {
    tiny <- 2^-power
    # x2 differs from x1 by tiny t^2.
    data <- data.frame(x1 = t, x2 = t + tiny * t^2)
    data$y <- 1 + 5 * data$x1 - 3 * data$x2 + wave
    expect_no_warning(fit <- rxLinMod(y ~ x1 + x2, data))
    sigma <- sqrt(sum(wave^2) / 2)
    curve <- sigma / sqrt(14) / tiny
    expect_exact(fit, c(1, 5, -3), c(
      sqrt(sigma^2 / 5 + curve^2 * (2 * tiny)^2), sqrt(sigma^2 / 10 + curve^2), curve
    ), tolerance = 1e-9)
    expect_gt(fit$condition.number, 2^(2 * power - 4))
  }
})

test_that("collinear columns are dropped and named", {
  rows <- seq_len(500)
  data <- data.frame(x = sin(rows), z = cos(3 * rows), y = rows %% 7)
  copies <- list(
    data$x / 3, 0.1 * data$x + 0.3 * data$z, 1e9 + data$x, data$x * 1e-200, rep(7.1, 500), rep(0, 500)
  )
  for (copy in copies) {
    data$copy <- copy
    expect_warning(fit <- rxLinMod(y ~ x + z + copy, data), "copy", class = "rxscale_warning_collinear")
    expect_true(is.na(coef(fit)[["copy"]]))
    expect_equal(coef(fit)[1:3], coef(rxLinMod(y ~ x + z, data)), tolerance = 1e-13)
  }
  data$copy <- data$x + 1e-9 * sin(rows^2)
  expect_no_warning(fit <- rxLinMod(y ~ x + copy, data))
  expected <- stats::lm(y ~ x + I(sin(rows^2)), data)
  expect_equal(fit$residual.squares[[1]], stats::deviance(expected), tolerance = 1e-9)
})

test_that("columns stored in 32 bits are collinear in 32 bits", {
  rows <- seq_len(500)
  data <- data.frame(x = sin(rows), y = rows %% 7)
  data$copy <- 1.1 * data$x
  file <- temp_file()
  rxImport(data, file, colClasses = c(x = "float32", copy = "float32"))
  expect_warning(fit <- rxLinMod(y ~ x + copy, file), class = "rxscale_warning_collinear")
  expect_equal(coef(fit)[[2]], stats::coef(stats::lm(y ~ x, data))[[2]], tolerance = 1e-5)
})

test_that("more columns than rows, constants and single rows say what they leave open", {
  data <- data.frame(y = c(1, 5, 2), a = 1:3, b = c(2, 1, 7), c = c(0, 0, 1), d = c(5, 4, 1))
  expect_warning(fit <- rxLinMod(y ~ a + b + c + d, data), "c, d", class = "rxscale_warning_collinear")
  expect_equal(unname(coef(fit)[1:3]), solve(cbind(1, data$a, data$b), data$y), tolerance = 1e-13)
  expect_equal(fit$df, c(5, 0, 3))
  expect_true(is.nan(fit$sigma) && all(is.nan(fit$coef.std.error[1:3, 1])) && fit$residual.squares == 0)
  expect_warning(one <- rxLinMod(y ~ a, data[2, ]), class = "rxscale_warning_collinear")
  expect_equal(coef(one), c("(Intercept)" = 5, a = NA))
  expect_equal(one$df, c(2, 0, 1))
  expect_equal(rxSummary(~y, data[2, ])$sDataFrame$Mean, 5)
  flat <- rxLinMod(y ~ a, data.frame(y = 4, a = 1:9))
  expect_equal(unname(coef(flat)), c(4, 0))
  expect_identical(flat$sigma[[1]], 0)
})

test_that("a perfect fit has no residuals", {
  for (scale in c(1, 1 / 3, 1e9)) {
    data <- data.frame(x = scale * 1:50, y = 5 - 2 * (scale * 1:50))
    fit <- rxLinMod(y ~ x, data)
    expect_exact(fit, c(5, -2), c(0, 0), tolerance = 1e-13 * max(1, scale))
  }
})

test_that("squares that no double holds do no harm", {
  y <- 3 + 2 * t + wave
  usual <- rxLinMod(y ~ t, data.frame(y, t))
  same <- function(x, expected) expect_equal(unname(x), unname(expected), tolerance = 1e-13)
  for (size in c(1e-300, 1e-170, 1e150, 1e300)) {
    of_x <- rxLinMod(y ~ x, data.frame(y, x = t * size))
    same(coef(of_x) * c(1, size), coef(usual))
    same(of_x$coef.std.error * c(1, size), usual$coef.std.error)
    of_y <- rxLinMod(z ~ t, data.frame(z = y * size, t))
    same(coef(of_y) / size, coef(usual))
    same(c(of_y$sigma / size, of_y$r.squared, of_y$coef.t.value), c(usual$sigma, usual$r.squared, usual$coef.t.value))
    same(rxSummary(~z, data.frame(z = y * size))$sDataFrame$StdDev / size, stats::sd(y))
    # What the first rows do not tell.
    late <- data.frame(x = c(numeric(3000), t * size), y = c(numeric(3000), y))
    early <- data.frame(x = c(numeric(3000), t), y = c(numeric(3000), y))
    same(coef(rxLinMod(y ~ x, late)) * c(1, size), coef(rxLinMod(y ~ x, early)))
    same(rxSummary(~x, late)$sDataFrame$StdDev / size, stats::sd(early$x))
  }
})

test_that("large problems that are ill-conditioned are read once more in double-double", {
  rows <- seq_len(300000)
  x <- rows %% 1000 + 0.5
  data <- data.frame(x = x, x2 = x^2, x3 = x^3, x4 = x^4, x5 = x^5, x6 = x^6, x7 = x^7, x8 = x^8, x9 = x^9, x10 = x^10)
  data$y <- (rows %% 7 - 3) + x
  expect_gt(nrow(data) * 11^2 / 2, 1.5e7)
  scaled <- stats::poly(x / 1000, 10)
  model <- stats::lm(data$y ~ scaled)
  expect_no_warning(fit <- rxLinMod(y ~ x + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10, data))
  expect_equal(fit$sigma[[1]], stats::sigma(model), tolerance = 1e-11)
  expect_identical(fit$rank, 11L)
  expect_equal(fit$coef.t.value[[11]], summary(model)$coefficients[11, 3], tolerance = 1e-4)
})

test_that("rows of weight zero do not exist", {
  data <- data.frame(y = c(3 + 2 * t + wave, 1e300), x = c(t, -1e300), w = c(1, 2, 1, 2, 1, 0))
  fit <- rxLinMod(y ~ x, data, pweights = "w")
  model <- stats::lm(y ~ x, data[1:5, ], weights = w)
  expect_equal(coef(fit), stats::coef(model), tolerance = 1e-13)
  expect_equal(fit$sigma[[1]], stats::sigma(model), tolerance = 1e-13)
  data$x[6] <- Inf
  expect_equal(coef(rxLinMod(y ~ x, data, pweights = "w")), stats::coef(model), tolerance = 1e-13)
  expect_error(rxLinMod(y ~ x, data), class = "rxscale_error_infinite")
})

# Cube regressions against lm() with a coefficient for every cell.

expect_cube <- function(fit, model, cells) {
  table <- summary(model)$coefficients
  kept <- !fit$aliased
  found <- cbind(fit$coefficients, fit$coef.std.error, fit$coef.t.value, fit$coef.p.value)[kept, , drop = FALSE]
  expect_equal(unname(found), unname(table), tolerance = 1e-10)
  expect_equal(fit$sigma[[1]], stats::sigma(model), tolerance = 1e-10)
  expect_equal(fit$df[2:3], c(model$df.residual, model$rank))
  # R-squared and F compare with the model of one mean.
  y <- model$model[[1]]
  total <- sum((y - mean(y))^2)
  expect_equal(fit$r.squared[[1]], 1 - stats::deviance(model) / total, tolerance = 1e-9)
  f <- (total - stats::deviance(model)) / (model$rank - 1) / stats::sigma(model)^2
  expect_equal(fit$fstatistics$value[[1]], f, tolerance = 1e-9)
  expect_equal(fit$fstatistics$numdf, model$rank - 1)
  expect_equal(fit$partitions, c(cells, length(fit$aliased) - cells))
}

test_that("every cell of the first term has a coefficient, as in lm() without an intercept", {
  data <- small_data()
  expect_cube(rxLinMod(y ~ a, data, cube = TRUE), stats::lm(y ~ a - 1, data), 3)
  expect_cube(
    rxLinMod(y ~ a + x + b, data, cube = TRUE, dropFirst = TRUE), stats::lm(y ~ a - 1 + x + b, data), 3
  )
  expect_cube(
    rxLinMod(y ~ a + x + a:x, data, cube = TRUE, dropMain = FALSE, dropFirst = TRUE),
    stats::lm(y ~ a - 1 + x + a:x, data), 3
  )
  data$ab <- interaction(data$a, data$b)
  expect_cube(rxLinMod(y ~ a:b + x, data, cube = TRUE), stats::lm(y ~ ab - 1 + x, data), 12)
  weighted <- rxLinMod(y ~ a + x, data, cube = TRUE, pweights = "weight")
  model <- summary(stats::lm(y ~ a - 1 + x, data, weights = weight, subset = weight > 0))
  expect_equal(unname(cbind(coef(weighted), weighted$coef.std.error)), unname(model$coefficients[, 1:2]), tolerance = 1e-12)
  expect_equal(weighted$sigma[[1]], model$sigma, tolerance = 1e-12)
  several <- rxLinMod(cbind(y, y2) ~ a + x, data, cube = TRUE)
  alone <- rxLinMod(y2 ~ a + x, data[!is.na(data$y), ], cube = TRUE)
  expect_equal(coef(several)[, "y2"], coef(alone), tolerance = 1e-12)
})

test_that("a first term that is no category gives an ordinary fit", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + a, data, cube = TRUE, covCoef = TRUE)
  expect_identical(coef(fit), coef(rxLinMod(y ~ x + a, data)))
  expect_null(fit$countDF)
})

test_that("countDF has the cells, their counts and the predicted means", {
  data <- small_data()
  complete <- data[stats::complete.cases(data[c("y", "a", "b", "x")]), ]
  fit <- rxLinMod(y ~ a, data, cube = TRUE)
  expect_identical(names(fit$countDF), c("a", "y", "Counts"))
  expect_identical(as.character(fit$countDF$a), levels(data$a))
  expect_equal(fit$countDF$y, unname(coef(fit)))
  expect_null(rxLinMod(y ~ a + x, data, cube = TRUE)$countDF$y)
  fit <- rxLinMod(y ~ a + x + b, data, cube = TRUE, cubePredictions = TRUE)
  expect_equal(fit$countDF$Counts, as.vector(table(complete$a)))
  model <- stats::lm(y ~ a + x + b, complete)
  at_means <- vapply(levels(data$a), function(level) {
    by_b <- stats::predict(model, data.frame(a = level, x = mean(complete$x), b = levels(data$b)))
    sum(by_b * prop.table(table(complete$b)))
  }, 0)
  expect_equal(fit$countDF$y, unname(at_means), tolerance = 1e-11)
  crossed <- rxLinMod(y ~ a + x:z + b:x, data, cube = TRUE, cubePredictions = TRUE)
  share <- prop.table(table(complete$b))
  b <- coef(crossed)[paste0("x for b=", levels(data$b))]
  expected <- coef(crossed)[1:3] + coef(crossed)[["x:z"]] * mean(complete$x) * mean(complete$z) +
    sum(b * share, na.rm = TRUE) * mean(complete$x)
  expect_equal(crossed$countDF$y, unname(expected), tolerance = 1e-11)
  weighted <- rxLinMod(y ~ a, data, cube = TRUE, fweights = "freq")
  expect_equal(weighted$countDF$Counts, as.vector(tapply(complete$freq, complete$a, sum)), tolerance = 0.1)
})

test_that("a cell without rows has no coefficient and counts in no degree of freedom", {
  data <- small_data()
  data$a <- factor(data$a, levels = c("q", "none", "p", "r"))
  fit <- rxLinMod(y ~ a + x, data, cube = TRUE)
  expect_identical(names(which(fit$aliased)), "a=none")
  expect_true(is.na(coef(fit)[["a=none"]]))
  expect_cube(fit, stats::lm(y ~ a - 1 + x, droplevels(data)), 4)
  expect_equal(fit$countDF$Counts[2], 0)
})

test_that("a cube of flights in a file equals that of a data frame, for any number of threads", {
  withr::defer(rxOptions(numCoresToUse = -1))
  fits <- lapply(c(1, 2, 8), function(threads) {
    rxOptions(numCoresToUse = threads)
    rxLinMod(arr_delay ~ origin + dep_delay + carrier, flights_xdf(), cube = TRUE, cubePredictions = TRUE)
  })
  parts <- c("coefficients", "coef.std.error", "countDF")
  expect_identical(fits[[2]][parts], fits[[1]][parts])
  expect_identical(fits[[3]][parts], fits[[1]][parts])
  model <- stats::lm(arr_delay ~ origin - 1 + dep_delay + stats::relevel(factor(carrier), "YV"), flights_frame())
  expect_equal(unname(coef(fits[[1]])[1:4]), unname(stats::coef(model)[1:4]), tolerance = 1e-9)
})

test_that("cubes print their counts", {
  data <- small_data()
  expect_snapshot({
    summary(rxLinMod(y ~ a + x + b, data, cube = TRUE))
    rxLinMod(y ~ a, data, cube = TRUE)
  })
})

test_that("a cube has no covariance matrices", {
  data <- small_data()
  expect_error(rxLinMod(y ~ a, data, cube = TRUE, covCoef = TRUE), class = "rxscale_error_argument")
  expect_error(rxLinMod(y ~ a, data, cube = TRUE, covData = TRUE), class = "rxscale_error_argument")
})

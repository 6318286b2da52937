test_that("base R predicts from a converted fit what it does from lm(), errors included", {
  data <- small_data()
  data$f <- factor(data$s)
  for (formula in list(
    y ~ x, y ~ a + x, y ~ a * b, y ~ x:a + b, log(z) ~ s + I(x^2) + ok, y ~ x + z - 1, y ~ a + x - 1, y ~ F(k) + N(b),
    y ~ F(k, 1, 3, exclude = FALSE) + pow(x, 2), y ~ F(f, 1, 2) + z
  )) {
    for (drop in c(TRUE, FALSE)) {
      fit <- suppressWarnings(rxLinMod(formula, data, covCoef = TRUE, dropFirst = drop))
      converted <- as.lm(fit)
      expect_s3_class(converted, "lm", exact = TRUE)
      expected <- rxPredict(fit, data, computeStdErrors = TRUE, checkFactorLevels = FALSE)
      found <- suppressWarnings(stats::predict(
        converted, data, se.fit = TRUE, scale = fit$sigma[[1]], df = fit$df[2], na.action = stats::na.pass
      ))
      expect_equal(unname(found$fit), expected[[1]], tolerance = 1e-10, info = deparse(formula))
      expect_equal(unname(found$se.fit), expected[[2]], tolerance = 1e-8, info = deparse(formula))
    }
  }
})

test_that("fits with the usual contrasts convert to full rank and have the coefficients of lm()", {
  data <- as_lm_factors(small_data())
  fit <- rxLinMod(y ~ a + b:x + s, data, dropFirst = TRUE, dropMain = FALSE, covCoef = TRUE)
  converted <- as.lm(fit)
  model <- stats::lm(y ~ a + b:x + s, data)
  expect_equal(unname(sort(stats::coef(converted))), unname(sort(stats::coef(model))), tolerance = 1e-10)
  expect_no_warning(expect_equal(stats::predict(converted, data), stats::predict(model, data), tolerance = 1e-10))
  # No residuals are kept, so no errors are made up.
  expect_true(all(is.na(suppressWarnings(stats::predict(converted, data, se.fit = TRUE))$se.fit)))
})

test_that("fits with transforms are refused", {
  fit <- rxLinMod(mpg ~ light, mtcars, transforms = list(light = -wt))
  expect_error(as.lm(fit), "transforms", class = "rxscale_error_unsupported")
})

test_that("other objects are refused", {
  expect_error(as.lm(3), class = "rxscale_error_argument", regexp = "rxLinMod")
  expect_error(as.glm(3), class = "rxscale_error_argument", regexp = "rxLogit")
})

test_that("objects of class glm predict as the fits do", {
  data <- glm_data()
  for (fit in list(
    rxLogit(event ~ x + a, data, covCoef = TRUE),
    rxGlm(count ~ log(z) + b, data, family = stats::poisson(), covCoef = TRUE),
    rxGlm(size ~ x * a, data, family = stats::Gamma("log"), covCoef = TRUE, dropMain = FALSE),
    rxGlm(count ~ a + offset(log(exposure)), data, family = stats::poisson(), covCoef = TRUE)
  )) {
    converted <- as.glm(fit)
    expect_s3_class(converted, c("glm", "lm"), exact = TRUE)
    for (type in c("link", "response")) {
      expect_equal(
        stats::predict(converted, data, type = type, se.fit = TRUE, dispersion = fit$dispersion)[1:2],
        predict(fit, data, type = type, se.fit = TRUE)[1:2],
        tolerance = 1e-8
      )
    }
    expect_equal(stats::AIC(converted), stats::AIC(fit))
    expect_equal(stats::deviance(converted), stats::deviance(fit))
  }
  expect_error(as.glm(rxGlm(size ~ x, data, family = rxTweedie(1.5))), class = "rxscale_error_unsupported")
  expect_error(as.glm(rxLogit(event ~ w, data, transforms = list(w = x + z))), class = "rxscale_error_unsupported")
})

test_that("clusters are an object of class kmeans", {
  data <- rbind(iris, NA)
  fit <- rxKmeans(~ Sepal.Length + Petal.Length, data, centers = iris[c(1, 60, 120), c(1, 3)])
  expected <- stats::kmeans(iris[c(1, 3)], iris[c(1, 60, 120), c(1, 3)], algorithm = "Lloyd")
  converted <- as.kmeans(fit)
  expect_s3_class(converted, "kmeans", exact = TRUE)
  expect_equal(stats::fitted(converted)[1:150, ], stats::fitted(expected), ignore_attr = TRUE)
  expect_true(all(is.na(stats::fitted(converted)[151, ])))
  expect_output(print(converted), "K-means clustering with 3 clusters of sizes")
  expect_setequal(names(converted), names(expected))
  made <- rxKmeans(~x, iris, numClusters = 2, transforms = list(x = Petal.Width * 2))
  expect_error(as.kmeans(made), class = "rxscale_error_unsupported")
  expect_error(as.kmeans(iris), class = "rxscale_error_argument")
})

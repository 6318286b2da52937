test_that("tidy(), glance() and augment() have the columns that broom makes of lm()", {
  skip_if_not_installed("generics")
  fit <- rxLinMod(mpg ~ wt + hp, mtcars, covCoef = TRUE)
  model <- stats::lm(mpg ~ wt + hp, mtcars)
  tidied <- generics::tidy(fit, conf.int = TRUE, conf.level = 0.9)
  expect_named(tidied, c("term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high"))
  expect_equal(as.matrix(tidied[2:7]), cbind(stats::coef(summary(model)), stats::confint(model, level = 0.9)),
    tolerance = 1e-10, ignore_attr = TRUE)
  glanced <- generics::glance(fit)
  expect_equal(glanced$AIC, stats::AIC(model), tolerance = 1e-12)
  expect_equal(glanced$BIC, stats::BIC(model), tolerance = 1e-12)
  expect_identical(glanced$nobs, 32L)
  augmented <- generics::augment(fit, mtcars, se_fit = TRUE, interval = "confidence")
  expect_named(augmented, c(names(mtcars), ".fitted", ".se.fit", ".lower", ".upper", ".resid"))
  expect_equal(augmented$.resid, unname(stats::residuals(model)), tolerance = 1e-10)
  expect_named(generics::augment(fit, newdata = mtcars[1:2, c("wt", "hp")]), c("wt", "hp", ".fitted"))
  several <- rxLinMod(cbind(mpg, qsec) ~ wt, mtcars)
  expect_identical(generics::tidy(several)$response, rep(c("mpg", "qsec"), each = 2))
  expect_identical(generics::glance(several)$response, c("mpg", "qsec"))
  expect_warning(generics::tidy(fit, conf.ints = TRUE), "conf.int")
})

test_that("clusters are tidy as broom has those of kmeans()", {
  skip_if_not_installed("generics")
  fit <- rxKmeans(~ wt + log(hp), mtcars, numClusters = 3, seed = 1)
  tidied <- generics::tidy(fit)
  expect_named(tidied, c("wt", "log(hp)", "size", "withinss", "cluster"))
  expect_identical(tidied$cluster, factor(1:3))
  expect_equal(sum(tidied$withinss), fit$tot.withinss)
  expect_named(generics::glance(fit), c("totss", "tot.withinss", "betweenss", "iter", "nobs"))
  expect_identical(generics::augment(fit, mtcars), cbind(mtcars, .cluster = factor(fit$cluster)))
  expect_identical(generics::augment(fit, newdata = mtcars[3, ])$.cluster, factor(fit$cluster[3], 1:3))
})

test_that("cross tabulations and their tests are tidy", {
  skip_if_not_installed("generics")
  admissions <- as.data.frame(UCBAdmissions)
  tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, admissions)
  cube <- rxCube(Freq ~ Gender:Admit:Dept, admissions, means = FALSE)
  tidied <- generics::tidy(tables)
  expect_equal(tidied[c("Gender", "Admit", "Dept", "Freq", "Counts")], generics::tidy(cube))
  expect_identical(generics::glance(tables), data.frame(nobs = 24L, nmissing = 0L, cells = 24L, tables = 6L))
  expect_identical(generics::glance(cube)$cells, 24L)
  removed <- generics::tidy(rxCrossTabs(mpg ~ F(cyl):F(am):F(gear), mtcars, removeZeroCounts = TRUE))
  expect_true(all(removed$Counts > 0) && sum(removed$Counts) == 32)
  expect_named(generics::tidy(rxChiSquaredTest(tables)), c("table", "statistic", "parameter", "p.value", "method"))
  expect_named(
    generics::tidy(rxFisherTest(tables)), c("table", "estimate", "conf.low", "conf.high", "p.value", "method")
  )
  pairs <- generics::tidy(rxPairwiseCrossTab(tables))
  expect_named(
    pairs, c("table", "Gender", "Admit", "estimate", "conf.low", "conf.high", "statistic", "p.value")
  )
  expect_identical(nrow(pairs), 6L)
})

test_that("generalized linear models are tidied as glm() is", {
  skip_if_not_installed("generics")
  data <- glm_data()
  fit <- rxGlm(size ~ x + z, data, family = stats::Gamma("log"), covCoef = TRUE)
  model <- stats::glm(size ~ x + z, stats::Gamma("log"), data)
  tidied <- generics::tidy(fit, conf.int = TRUE, conf.level = 0.9)
  expect_identical(names(tidied), c("term", "estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high"))
  expect_equal(tidied$estimate, unname(stats::coef(model)), tolerance = 1e-10)
  expect_equal(tidied$conf.low, unname(confint(fit, level = 0.9)[, 1]))
  glanced <- generics::glance(fit)
  expect_equal(
    unlist(glanced, use.names = FALSE),
    c(model$null.deviance, model$df.null, stats::logLik(model), stats::AIC(model), stats::BIC(model),
      stats::deviance(model), model$df.residual, stats::nobs(model)),
    tolerance = 1e-10
  )
  augmented <- generics::augment(fit, data, type.predict = "response", se_fit = TRUE)
  expected <- stats::predict(model, data, type = "response", se.fit = TRUE)
  expect_equal(augmented$.fitted, unname(expected$fit), tolerance = 1e-9)
  expect_equal(augmented$.se.fit, unname(expected$se.fit), tolerance = 1e-8)
  expect_equal(augmented$.resid, data$size - augmented$.fitted, tolerance = 1e-12)
  expect_identical(nrow(generics::augment(rxLogit(event ~ x, data), newdata = data["x"])), nrow(data))
})

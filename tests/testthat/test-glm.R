test_that("every family and link of glm() gives its fit", {
  data <- glm_data()
  families <- list(
    size = list(
      stats::gaussian(), stats::gaussian("log"), stats::gaussian("inverse"), stats::Gamma(),
      stats::Gamma("identity"), stats::Gamma("log"), stats::inverse.gaussian(), stats::inverse.gaussian("inverse"),
      stats::inverse.gaussian("identity"), stats::inverse.gaussian("log"),
      stats::quasi(link = "log", variance = "mu^2"),
      stats::quasi(link = "inverse", variance = "mu^3"), stats::quasi(link = stats::power(1 / 3))
    ),
    count = list(
      stats::poisson(), stats::poisson("sqrt"), stats::quasipoisson(), stats::quasi(link = "log", variance = "mu")
    ),
    event = list(
      stats::binomial(), stats::binomial("probit"), stats::binomial("cauchit"), stats::binomial("cloglog"),
      stats::quasibinomial()
    )
  )
  for (y in names(families)) {
    formula <- stats::reformulate(c("x", "a"), y)
    for (family in families[[y]]) {
      model <- stats::glm(formula, family, data)
      fit <- like_glm(rxGlm, formula, data, family = family)
      expect_equals_glm(fit, model)
      expect_identical(fit$iter, model$iter)
    }
  }
  # glm() does not halve steps that make the deviance larger.
  family <- stats::quasi(link = "logit", variance = "mu(1-mu)")
  halved <- like_glm(rxGlm, event ~ x + a, data, family = family, objectiveFunctionTolerance = 1e-14)
  expect_gt(sum(halved$path$halvings), 0)
  expect_equals_glm(halved, exact_glm(event ~ x + a, family, data), tolerance = 1e-7)
  # Steps out of the range of means are halved.
  start <- c(3, 0, 0, 0, 0)
  identity <- like_glm(rxGlm, count ~ x + a, data, family = stats::poisson("identity"), initialValues = start)
  model <- suppressWarnings(stats::glm(count ~ x + a, stats::poisson("identity"), data, start = c(3, 0, 0, 0)))
  expect_equal(unname(coef(identity)[!identity$aliased]), unname(stats::coef(model)), tolerance = 1e-6)
})

test_that("published fits come out as printed", {
  claims <- utils::read.csv(shared_data("claims.csv"), stringsAsFactors = TRUE)
  for (link in c("inverse", "log")) {
    model <- stats::glm(cost ~ age + car.age + type, stats::Gamma(link), claims, weights = number, subset = number > 0)
    fit <- like_glm(rxGlm, cost ~ age + car.age + type, claims, family = stats::Gamma(link), pweights = "number")
    expect_equals_glm(fit, model)
  }
  breslow <- utils::read.csv(shared_data("breslow.csv"), stringsAsFactors = TRUE)
  for (family in list(stats::poisson(), stats::quasipoisson())) {
    model <- stats::glm(sumY ~ Base4 + Trt, family, breslow)
    expect_equals_glm(like_glm(rxGlm, sumY ~ Base4 + Trt, breslow, family = family), model)
  }
})

test_that("fits of the flights equal glm() from every source", {
  flights <- as_lm_factors(flights_frame())
  formula <- air_time ~ origin + distance + carrier
  model <- stats::glm(formula, stats::Gamma("log"), flights)
  for (source in flights_sources()) {
    expect_equals_glm(like_glm(rxGlm, formula, source, family = stats::Gamma("log")), model, tolerance = 1e-8)
  }
})

test_that("offsets are those of glm(), by argument and in formulas", {
  data <- glm_data()
  data$log_exposure <- log(data$exposure)
  model <- stats::glm(count ~ a + offset(log(exposure)), stats::poisson(), data)
  for (fit in list(
    like_glm(rxGlm, count ~ a + offset(log(exposure)), data, family = stats::poisson()),
    like_glm(rxGlm, count ~ a, data, family = stats::poisson(), offset = "log_exposure")
  )) {
    expect_equals_glm(fit, model)
    expected <- unname(stats::predict(model, data, type = "response"))
    expect_equal(rxPredict(fit, data)[[1]], expected, tolerance = 1e-9)
  }
  both <- like_glm(rxGlm, count ~ a + offset(z / 10), data, family = stats::poisson(), offset = "log_exposure")
  expect_equals_glm(both, stats::glm(count ~ a + offset(z / 10), stats::poisson(), data, offset = log_exposure))
  without <- rxGlm(count ~ a - 1, data, family = stats::poisson(), offset = "log_exposure")
  expect_equals_glm(without, stats::glm(count ~ a - 1, stats::poisson(), data, offset = log_exposure))
  rate <- rxGlm(count ~ 1, data, family = stats::poisson(), offset = "log_exposure")
  expect_equal(exp(coef(rate)[[1]]), sum(data$count) / sum(data$exposure), tolerance = 1e-9)
  expect_error(rxGlm(count ~ a, data, offset = "nothing"), class = "rxscale_error_missing_column")
  expect_error(rxGlm(count ~ x, data, offset = "a"), "offset 'a' is not numeric", class = "rxscale_error_wrong_type")
  expect_error(rxLinMod(count ~ a + offset(z), data), class = "rxscale_error_unsupported")
})

test_that("weights are those of glm(), and of repeated rows", {
  data <- glm_data()
  positive <- data[data$weight > 0, ]
  for (case in list(
    list(size ~ x + a, stats::gaussian("log")), list(size ~ x + a, stats::Gamma()),
    list(size ~ x + a, stats::inverse.gaussian("log")), list(count ~ x + a, stats::quasipoisson()),
    list(share ~ x + a, stats::quasibinomial())
  )) {
    model <- suppressWarnings(stats::glm(case[[1]], case[[2]], positive, weights = weight))
    expect_equals_glm(like_glm(rxGlm, case[[1]], data, family = case[[2]], pweights = "weight"), model)
  }
  trials <- transform(data, n = 10)
  model <- stats::glm(share ~ x + a, stats::binomial(), trials, weights = n)
  expect_equals_glm(like_glm(rxGlm, share ~ x + a, trials, family = stats::binomial(), pweights = "n"), model)
  repeated <- data[rep(seq_len(nrow(data)), data$freq), ]
  for (family in list(stats::gaussian(), stats::Gamma("log"), stats::inverse.gaussian("log"), rxTweedie(1.5, 0))) {
    fits <- list(
      rxGlm(size ~ x + a, data, family = family, fweights = "freq", computeAIC = TRUE),
      rxGlm(size ~ x + a, repeated, family = family, computeAIC = TRUE)
    )
    same <- c("coefficients", "coef.std.error", "deviance", "dispersion", "df", "aic")
    expect_equal(fits[[1]][same], fits[[2]][same], tolerance = 1e-9)
  }
})

test_that("computeAIC adds what AIC() answers", {
  data <- glm_data()
  fit <- rxGlm(size ~ x, data, family = "Gamma", computeAIC = TRUE)
  expect_equal(fit$aic, stats::AIC(stats::glm(size ~ x, stats::Gamma, data)), tolerance = 1e-10)
  expect_null(rxGlm(size ~ x, data, family = stats::Gamma)$aic)
  expect_identical(rxGlm(count ~ x, data, family = stats::quasipoisson(), computeAIC = TRUE)$aic, NA_real_)
})

test_that("cubes have a coefficient a cell", {
  data <- glm_data()
  fit <- rxGlm(count ~ a + x, data, family = stats::poisson(), cube = TRUE)
  model <- stats::glm(count ~ a - 1 + x, stats::poisson(), data)
  expect_equal(unname(coef(fit)), unname(stats::coef(model)), tolerance = 1e-9)
  expect_identical(fit$countDF$Counts, as.vector(table(stats::model.frame(model)$a)))
})

test_that("responses that a family cannot have are errors that name them", {
  data <- glm_data()
  expect_snapshot(error = TRUE, {
    rxGlm(y ~ x, data, family = poisson())
    rxGlm(y ~ x, data, family = Gamma())
    rxGlm(y ~ x, data, family = binomial())
    rxGlm(a ~ x, data, family = poisson())
    rxGlm(y ~ x, data, family = gaussian("log"))
    rxGlm(y ~ x, data, family = "nonsense")
    rxGlm(count ~ x, data, initialValues = NULL)
  })
})

test_that("iterations that fail are an error, or the best solution so far", {
  data <- data.frame(y = c(1, 3, 2, 40, 50), x = c(1, 2, 3, 4, 5))
  family <- stats::poisson("identity")
  expect_error(rxGlm(y ~ x, data, family = family, initialValues = c(-100, 1)), class = "rxscale_error_value")
  expect_error(rxGlm(y ~ x, data, family = family, initialValues = c(-100, 1), returnAlways = TRUE),
    class = "rxscale_error_value")
})

test_that("many rows and levels, in double and in higher precision, give one answer", {
  n <- 40000
  rows <- seq_len(n)
  data <- data.frame(g = factor(rows %% 60), x = sin(rows), far = 1e6 + cos(3 * rows))
  data$y <- as.integer(exp(0.5 + data$x / 2 + sin(rows * 7) + (rows %% 60) / 60))
  fit <- like_glm(rxGlm, y ~ g + x + far, data, family = stats::poisson())
  model <- stats::glm(y ~ g + x + far, stats::poisson(), data)
  # R's own digits are few where a column is far from zero; the slopes are not concerned.
  kept <- setdiff(names(which(!fit$aliased)), "(Intercept)")
  expect_equal(unname(coef(fit)[kept]), unname(stats::coef(model)[-1]), tolerance = 1e-8)
  expect_equal(unname(fit$coef.std.error[kept]), unname(summary(model)$coefficients[-1, 2]), tolerance = 1e-8)
})

test_that("printing", {
  data <- glm_data()
  fit <- rxGlm(count ~ x + a, data, family = poisson())
  expect_snapshot({
    fit
    summary(fit)
    summary(rxGlm(size ~ x, data, family = rxTweedie(1.5, -0.5), pweights = "weight"))
  })
})

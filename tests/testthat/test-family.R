test_that("families are objects, functions or names", {
  expected <- coef(rxGlm(carb ~ wt, mtcars, family = stats::poisson()))
  expect_identical(coef(rxGlm(carb ~ wt, mtcars, family = stats::poisson)), expected)
  expect_identical(coef(rxGlm(carb ~ wt, mtcars, family = "poisson")), expected)
  expect_error(rxGlm(carb ~ wt, mtcars, family = 3), class = "rxscale_error_argument")
})

test_that("the engine knows R's families, and not those that only have their names", {
  known <- function(family) is.null(engine_family(family)$code)
  for (family in list(
    stats::gaussian(), stats::binomial("cauchit"), stats::poisson(), stats::Gamma(), stats::inverse.gaussian(),
    stats::quasi(link = "sqrt", variance = "mu"), stats::quasipoisson("identity"), rxTweedie(1.2)
  )) {
    expect_true(known(family))
  }
  expect_identical(engine_family(stats::quasi(link = stats::power(0.25)))$spec$link, list(power = 0.25))
  other <- stats::poisson()
  other$variance <- function(mu) mu + mu^2 / 3
  expect_false(known(other))
  linked <- stats::poisson()
  linked$linkinv <- function(eta) exp(2 * eta)
  expect_false(known(linked))
})

test_that("other families work through their R functions", {
  skip_if_not_installed("MASS")
  data <- glm_data()
  family <- MASS::negative.binomial(2)
  model <- stats::glm(count ~ x + a, family, data)
  fit <- like_glm(rxGlm, count ~ x + a, data, family = family)
  expect_equals_glm(fit, replace(model, "aic", NA), tolerance = 1e-9)
  expect_equal(predict(fit, data), stats::predict(model, data), tolerance = 1e-9)
  flights <- flights_frame()[1:60000, ]
  formula <- I(pmax(dep_delay, 0)) ~ hour + distance
  big <- rxGlm(formula, flights, family = family)
  expect_equals_glm(big, replace(stats::glm(formula, family, flights), "aic", NA), tolerance = 1e-8)
  withr::defer(rxOptions(numCoresToUse = -1))
  rxOptions(numCoresToUse = 1)
  expect_identical(coef(rxGlm(formula, flights, family = family)), coef(big))
})

test_that("a link of one's own works", {
  half_logit <- structure(list(
    linkfun = function(mu) 2 * log(mu / (1 - mu)), linkinv = function(eta) 1 / (1 + exp(-eta / 2)),
    mu.eta = function(eta) exp(-eta / 2) / (1 + exp(-eta / 2))^2 / 2, valideta = function(eta) TRUE, name = "half logit"
  ), class = "link-glm")
  data <- glm_data()
  fit <- rxGlm(event ~ x + z, data, family = stats::binomial(half_logit))
  expect_equals_glm(fit, replace(stats::glm(event ~ x + z, stats::binomial(half_logit), data), "aic", NA))
  expect_error(rxPredict(fit, data), 'type = "link"', class = "rxscale_error_unsupported")
  logit <- rxPredict(rxLogit(event ~ x + z, data), data, type = "link")[[1]]
  expect_equal(rxPredict(fit, data, type = "link")[[1]], 2 * logit, tolerance = 1e-7)
})

test_that("an error in a family's functions is told", {
  family <- stats::poisson()
  family$variance <- function(mu) stop("no variance today")
  expect_error(rxGlm(carb ~ wt, mtcars, family = family), "no variance today", class = "rxscale_error_transform")
  family$variance <- function(mu) "three"
  expect_error(suppressWarnings(rxGlm(carb ~ wt, mtcars, family = family)))
})

test_that("Tweedie's family has those that it generalizes as special cases", {
  data <- glm_data()
  pairs <- list(
    list(rxTweedie(0), stats::gaussian()), list(rxTweedie(1), stats::quasipoisson()),
    list(rxTweedie(2), stats::Gamma()), list(rxTweedie(2, 0), stats::Gamma("log")),
    list(rxTweedie(3), stats::inverse.gaussian()), list(rxTweedie(1, 0.5), stats::quasipoisson("sqrt"))
  )
  for (pair in pairs) {
    ours <- rxGlm(size ~ x + a, data, family = pair[[1]])
    theirs <- rxGlm(size ~ x + a, data, family = pair[[2]])
    expect_equal(coef(ours), coef(theirs), tolerance = 1e-8)
    expect_equal(ours$dispersion, theirs$dispersion, tolerance = 1e-7)
    expect_equal(ours$deviance, theirs$deviance, tolerance = 1e-9)
  }
  expect_identical(rxTweedie()$link, "identity")
  expect_snapshot(rxTweedie(1.5))
  expect_error(rxTweedie("a"), class = "rxscale_error_argument")
})

test_that("responses with zeros have a Tweedie fit, whose score is zero", {
  data <- glm_data()
  fit <- rxGlm(zeros ~ x + a, data, family = rxTweedie(1.5, 0), objectiveFunctionTolerance = 1e-14)
  mu <- rxPredict(fit, data)[[1]]
  used <- !is.na(mu)
  score <- stats::model.matrix(~ x + a, data[used, ]) * ((data$zeros - mu) / mu^0.5)[used]
  expect_lt(max(abs(colSums(score))), 1e-4)
  # Deviance by its definition, y = 0 apart.
  y <- data$zeros[used]
  m <- mu[used]
  theta <- ifelse(y > 0, (y^-0.5 - m^-0.5) / -0.5, 0)
  expect_equal(fit$deviance, 2 * sum(y * theta - (y^0.5 - m^0.5) / 0.5), tolerance = 1e-10)
  skip_if_not_installed("statmod")
  same <- rxGlm(zeros ~ x + a, data, family = statmod::tweedie(1.5, 0))
  expect_equal(coef(same), coef(fit), tolerance = 1e-6)
})

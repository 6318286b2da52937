fits_with_models <- function() {
  data <- as_lm_factors(small_data())
  repeated <- data[rep(seq_len(nrow(data)), data$freq), ]
  like <- function(...) rxLinMod(y ~ x + a + z:b, data, dropFirst = TRUE, dropMain = FALSE, covCoef = TRUE, ...)
  formula <- y ~ x + a + z:b
  list(
    plain = list(like(), stats::lm(formula, data)),
    weighted = list(like(pweights = "weight"), stats::lm(formula, data, weights = weight)),
    repeated = list(like(fweights = "freq"), stats::lm(formula, repeated))
  )
}

test_that("the generic functions of R answer as for lm()", {
  for (pair in fits_with_models()) {
    fit <- pair[[1]]
    model <- pair[[2]]
    kept <- !fit$aliased
    expect_equal(unname(vcov(fit)[kept, kept]), unname(stats::vcov(model)), tolerance = 1e-9)
    expect_true(all(is.na(vcov(fit)[!kept, ])))
    for (level in c(0.95, 0.5)) {
      expect_equal(unname(confint(fit, level = level)[kept, ]), unname(stats::confint(model, level = level)),
        tolerance = 1e-9)
      expect_identical(colnames(confint(fit, level = level)), colnames(stats::confint(model, level = level)))
    }
    expect_identical(rownames(confint(fit, "x")), "x")
    expect_equal(nobs(fit), stats::nobs(model))
    expect_equal(logLik(fit), stats::logLik(model), tolerance = 1e-12)
    expect_equal(stats::AIC(fit), stats::AIC(model), tolerance = 1e-12)
    expect_equal(stats::BIC(fit), stats::BIC(model), tolerance = 1e-12)
    expect_equal(deviance(fit), stats::deviance(model), tolerance = 1e-11)
    expect_equal(df.residual(fit), stats::df.residual(model))
    expect_equal(unname(coef(summary(fit))[kept, ]), unname(stats::coef(summary(model))), tolerance = 1e-9)
    expect_equal(formula(fit), stats::formula(model), ignore_attr = TRUE)
  }
  plain <- fits_with_models()$plain
  expect_equal(stats::extractAIC(plain[[1]]), stats::extractAIC(plain[[2]]), tolerance = 1e-12)
  expect_equal(stats::extractAIC(plain[[1]], scale = 30, k = 3), stats::extractAIC(plain[[2]], scale = 30, k = 3),
    tolerance = 1e-12)
})

test_that("terms and formula say what a dot stood for", {
  fit <- rxLinMod(mpg ~ ., mtcars[c("mpg", "wt", "hp")])
  expect_equal(formula(fit), mpg ~ wt + hp, ignore_attr = TRUE)
  expect_identical(attr(terms(fit), "term.labels"), c("wt", "hp"))
  expect_identical(environment(terms(fit)), globalenv())
  spaced <- stats::setNames(mtcars[c("mpg", "wt")], c("miles per gallon", "the weight"))
  fit <- rxLinMod(`miles per gallon` ~ `the weight`:F(`the weight`) - 1, spaced)
  expect_identical(attr(terms(fit), "intercept"), 0L)
  expect_identical(all.vars(terms(fit)), c("miles per gallon", "the weight"))
})

test_that("several responses have tables of their own", {
  data <- small_data()
  fit <- rxLinMod(cbind(y, y2) ~ x, data, covCoef = TRUE)
  complete <- stats::complete.cases(data[c("y", "y2", "x")])
  model <- stats::lm(cbind(y, y2) ~ x, data[complete, ])
  expect_equal(confint(fit), stats::confint(model), tolerance = 1e-10)
  expect_named(coef(summary(fit)), c("y", "y2"))
  expect_equal(deviance(fit), stats::deviance(model), tolerance = 1e-11)
  for (fun in list(vcov, logLik, as.lm)) {
    expect_error(fun(fit), "one response", class = "rxscale_error_unsupported")
  }
})

test_that("residuals and fitted values are refused with what to do", {
  fit <- rxLinMod(mpg ~ wt, mtcars)
  expect_error(residuals(fit), "computeResiduals", class = "rxscale_error_argument")
  expect_error(fitted(fit), "rxPredict", class = "rxscale_error_argument")
  expect_error(vcov(fit), "covCoef = TRUE", class = "rxscale_error_argument")
})

test_that("plot() draws every coefficient kept", {
  withr::local_pdf(NULL)
  fit <- rxLinMod(cbind(mpg, hp) ~ wt + F(cyl), mtcars)
  figure <- plot(fit, level = 0.9, main = "cars")
  expect_s3_class(figure, "trellis")
  expect_identical(dim(figure), 2L)
  expect_identical(figure$main, "cars")
  expect_length(figure$panel.args[[1]]$x, 3)
  expect_length(plot(fit, intercept = TRUE)$panel.args[[1]]$x, 4)
})

test_that("a fit of 30 coefficients on many rows is small, and keeps neither data nor environment", {
  data <- flights_frame()
  fit_here <- function() {
    noise <- stats::rnorm(1e6)
    half <- function(x) x / 2
    formula <- arr_delay ~ dep_delay + carrier + origin + I(distance / 1000) + log(hop) + F(hour, 5, 12)
    do.call(rxLinMod, list(
      formula, data, transforms = quote(list(hop = half(distance))), covCoef = TRUE, covData = TRUE
    ))
  }
  fit <- fit_here()
  expect_gt(nrow(fit$coefficients), 30)
  expect_lt(length(serialize(fit, NULL)), 1e5)
  expect_identical(environment(fit$formula), globalenv())
  expect_identical(fit$call$data, quote(data))
})

test_that("anova() compares fits by their sums of squares", {
  fits <- list(mpg ~ hp, mpg ~ hp + wt, mpg ~ hp + wt + F(gear))
  base <- list(mpg ~ hp, mpg ~ hp + wt, mpg ~ hp + wt + factor(gear))
  for (weights in list(NULL, "qsec")) {
    own <- lapply(fits, rxLinMod, data = mtcars, pweights = weights)
    others <- lapply(base, function(formula) {
      environment(formula) <- environment()
      w <- if (!is.null(weights)) mtcars[[weights]]
      stats::lm(formula, mtcars, weights = w)
    })
    expect_equal(
      as.list(do.call(stats::anova, own)), as.list(do.call(stats::anova, others)),
      tolerance = 1e-9, ignore_attr = TRUE
    )
    expect_equal(stats::anova(own[[2]])[["Pr(>F)"]][2], own[[2]]$f.pvalue[[1]], tolerance = 1e-9)
  }
  own <- lapply(fits[1:2], rxLinMod, data = mtcars)
  chisq <- stats::anova(stats::lm(base[[1]], mtcars), stats::lm(base[[2]], mtcars), test = "Chisq")
  expect_equal(
    stats::anova(own[[1]], own[[2]], test = "Chisq")[["Pr(>Chi)"]], chisq[["Pr(>Chi)"]],
    tolerance = 1e-9
  )
  expect_snapshot(stats::anova(own[[2]]))
  expect_snapshot(stats::anova(own[[1]], own[[2]]))
  several <- rxLinMod(cbind(mpg, hp) ~ wt, mtcars)
  expect_error(stats::anova(several), class = "rxscale_error_unsupported")
  expect_error(stats::anova(own[[1]], several), class = "rxscale_error_argument")
  expect_error(stats::anova(own[[1]], test = "t"), class = "rxscale_error_argument")
})

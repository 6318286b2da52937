# Real data with numbers and factors, rows with missing values left out.
flights_sample <- function() {
  flights <- as_lm_factors(flights_frame())
  used <- c("arr_delay", "dep_delay", "distance", "air_time", "hour", "origin", "carrier", "day")
  sample <- flights[seq(1, nrow(flights), by = 97), intersect(used, names(flights))]
  sample[stats::complete.cases(sample), ]
}

# The same path and model as step() from the same start.
expect_steps_like <- function(fit, model) {
  expect_identical(as.character(fit$anova$Step), as.character(model$anova$Step))
  columns <- c("Resid. Df", "Resid. Dev", names(model$anova)[6])
  expect_equal(as.list(fit$anova[columns]), as.list(model$anova[columns]), tolerance = 1e-9, ignore_attr = TRUE)
  expect_equal(abs(fit$anova$Df), abs(model$anova$Df))
  expect_setequal(attr(terms(fit), "term.labels"), attr(stats::terms(model), "term.labels"))
  expect_equal(fit$residual.squares[[1]], stats::deviance(model), tolerance = 1e-10)
  expect_equal(fit$rank, model$rank)
}

test_that("searches by AIC go the way of step(), whatever the scope", {
  data <- flights_sample()
  base <- arr_delay ~ dep_delay + distance
  upper <- ~ dep_delay + distance + air_time + hour + origin * carrier + I(distance^2)
  lower <- ~dep_delay
  start <- stats::lm(base, data)
  full <- stats::lm(stats::update(upper, arr_delay ~ .), data)
  none <- stats::lm(arr_delay ~ 1, data)
  search <- function(formula, ...) {
    suppressWarnings(rxLinMod(formula, data, variableSelection = rxStepControl(...)))
  }
  step <- function(...) suppressWarnings(stats::step(..., trace = 0))
  # The fit's formula is the largest model.
  all <- stats::formula(full)
  expect_steps_like(search(all), step(full))
  expect_steps_like(search(all, k = log(nrow(data))), step(full, k = log(nrow(data))))
  expect_steps_like(search(all, "stepwise", list(lower = lower)), step(full, list(lower = lower), direction = "both"))
  expect_steps_like(search(all, "forward"), step(none, all, direction = "forward"))
  # It is the smallest.
  expect_steps_like(search(base, scope = upper), step(start, list(lower = base, upper = upper)))
  from_base <- list(lower = base, upper = upper)
  expect_steps_like(search(base, "forward", upper), step(start, from_base, direction = "forward"))
  expect_steps_like(search(base, "backward", upper), step(full, list(lower = base), direction = "backward"))
  # Or between.
  both <- list(lower = lower, upper = upper)
  for (method in c("stepwise", "forward", "backward")) {
    direction <- c(stepwise = "both", forward = "forward", backward = "backward")[[method]]
    expect_steps_like(search(base, method, both), step(start, both, direction = direction))
  }
  expect_steps_like(search(base, scope = both, maxSteps = 1), step(start, both, steps = 1))
  expect_steps_like(search(base, scope = both, scale = 300), step(start, both, scale = 300))
  expect_identical(names(search(base, scope = both, scale = 300)$anova)[6], "Cp")
  # A response whose squares leave the range of doubles, and the variance with it.
  expected <- search(base, scope = both, scale = 300)
  data$arr_delay <- data$arr_delay * 2^-520
  tiny <- search(base, scope = both, scale = 300 * 2^-1040)
  expect_identical(tiny$anova$Step, expected$anova$Step)
  expect_equal(tiny$anova$Cp, expected$anova$Cp)
})

test_that("weights count as in step()", {
  data <- as_lm_factors(small_data())
  data <- data[stats::complete.cases(data), ]
  weighted <- rxLinMod(y ~ x + a * b + z + s, data, pweights = "weight", variableSelection = rxStepControl())
  expect_steps_like(weighted, stats::step(stats::lm(y ~ x + a * b + z + s, data, weights = weight), trace = 0))
  repeated <- data[rep(seq_len(nrow(data)), data$freq), ]
  frequent <- rxLinMod(y ~ x + a + b + z + s, data, fweights = "freq", variableSelection = rxStepControl())
  expect_steps_like(frequent, stats::step(stats::lm(y ~ x + a + b + z + s, repeated), trace = 0))
})

test_that("searches by significance add the best term and drop the worst", {
  data <- flights_sample()
  upper <- arr_delay ~ dep_delay + distance + air_time + hour + origin + carrier
  by_hand <- function(model, test, add, drop, forward, backward) {
    path <- character()
    repeat {
      p <- function(table) stats::setNames(table[-1, ncol(table)], rownames(table)[-1])
      if (backward && length(stats::coef(model)) > 1) {
        out <- p(stats::drop1(model, test = test))
        if (max(out) > drop) {
          path <- c(path, paste("-", names(which.max(out))))
          model <- stats::update(model, paste(". ~ . -", names(which.max(out))))
          next
        }
      }
      left <- setdiff(attr(stats::terms(upper), "term.labels"), attr(stats::terms(model), "term.labels"))
      if (!forward || length(left) == 0) break
      into <- p(stats::add1(model, upper, test = test))
      if (min(into) >= add) break
      path <- c(path, paste("+", names(which.min(into))))
      model <- stats::update(model, paste(". ~ . +", names(which.min(into))))
    }
    list(path = path, model = model)
  }
  none <- stats::lm(arr_delay ~ 1, data)
  full <- stats::lm(upper, data)
  search <- function(...) {
    rxLinMod(upper, data, variableSelection = rxStepControl(..., stepCriterion = "SigLevel"))
  }
  compare <- function(fit, expected) {
    expect_identical(as.character(fit$anova$Step)[-1], expected$path)
    expect_equal(fit$residual.squares[[1]], stats::deviance(expected$model), tolerance = 1e-10)
  }
  compare(search(), by_hand(full, "F", 0, 0.1, FALSE, TRUE))
  compare(search("forward"), by_hand(none, "F", 0.5, 1, TRUE, FALSE))
  compare(search("forward", maxSigLevelToAdd = 1e-8), by_hand(none, "F", 1e-8, 1, TRUE, FALSE))
  both <- by_hand(full, "F", 1e-6, 1e-5, TRUE, TRUE)
  compare(search("stepwise", minSigLevelToDrop = 1e-5, maxSigLevelToAdd = 1e-6), both)
  compare(search(minSigLevelToDrop = 1e-4, test = "Chisq"), by_hand(full, "Chisq", 0, 1e-4, FALSE, TRUE))
  fit <- search(minSigLevelToDrop = 1e-4)
  expect_gt(nrow(fit$anova), 1)
  dropped <- fit$anova[2, ]
  without <- stats::drop1(full, test = "F")[sub("- ", "", dropped$Step), ]
  expect_equal(dropped[["F value"]], without[["F value"]], tolerance = 1e-8)
  expect_equal(dropped[["Pr(>F)"]], without[["Pr(>F)"]], tolerance = 1e-8)
  chi <- search(minSigLevelToDrop = 1e-4, test = "Chisq")$anova[2, ]
  expect_equal(chi[["Pr(>Chi)"]], stats::drop1(full, test = "Chisq")[sub("- ", "", chi$Step), ncol(chi) - 2],
    tolerance = 1e-8)
  # Levels that contradict one another do not go round in circles.
  expect_lt(nrow(search("stepwise", maxSigLevelToAdd = 0.9, minSigLevelToDrop = 1e-6)$anova), 10)
})

test_that("a selected fit is that of its formula on the complete rows of the scope", {
  data <- small_data()
  control <- rxStepControl(scope = ~ . + a * b + z + F(k) + N(b), keepStepCoefs = TRUE)
  fit <- suppressWarnings(rxLinMod(y ~ x, data, variableSelection = control, covCoef = TRUE))
  complete <- data[stats::complete.cases(data[c("y", "x", "a", "b", "z", "k")]), ]
  again <- rxLinMod(fit$formula, complete, covCoef = TRUE)
  same <- setdiff(names(again), c("call", "params", "nMissingObs", "condition.number", "design"))
  expect_equal(fit[same], again[same], tolerance = 1e-10)
  expect_equal(rxPredict(fit, complete, computeStdErrors = TRUE), rxPredict(again, complete, computeStdErrors = TRUE),
    tolerance = 1e-10)
  expect_equal(fit$formulaBase, y ~ x, ignore_attr = TRUE)
  expect_identical(environment(fit$formula), globalenv())
  steps <- fit$stepCoefs
  expect_identical(colnames(steps), as.character(seq_len(nrow(fit$anova)) - 1))
  expect_equal(steps[names(coef(fit)), ncol(steps)], coef(fit))
  expect_true(all(steps[setdiff(rownames(steps), names(coef(fit))), ncol(steps)] == 0))
  expect_equal(steps[c("(Intercept)", "x"), "0"], coef(rxLinMod(y ~ x, complete)), tolerance = 1e-11)
  # Nothing may be left but the intercept.
  none <- rxLinMod(y ~ b, data, variableSelection = rxStepControl(k = 1e6))
  expect_equal(none$formula, y ~ 1, ignore_attr = TRUE)
  expect_equal(coef(none), mean(data$y, na.rm = TRUE), ignore_attr = TRUE)
  expect_equal(rxPredict(none, data.frame(u = 1:2))$y_Pred, rep(mean(data$y, na.rm = TRUE), 2))
})

# The same path and model as step() of a generalized linear model.
expect_glm_steps_like <- function(fit, model) {
  expect_identical(as.character(fit$anova$Step), as.character(model$anova$Step))
  columns <- c("Resid. Df", "Resid. Dev", names(model$anova)[6])
  expect_equal(as.list(fit$anova[columns]), as.list(model$anova[columns]), tolerance = 1e-8, ignore_attr = TRUE)
  expect_setequal(attr(terms(fit), "term.labels"), attr(stats::terms(model), "term.labels"))
  expect_equal(fit$deviance, stats::deviance(model), tolerance = 1e-10)
  expect_equal(fit$rank, model$rank)
}

test_that("searches among generalized linear models go the way of step()", {
  data <- flights_sample()
  data$late <- as.integer(data$arr_delay > 15)
  # Some probabilities are as good as 1.
  quietly <- suppressWarnings
  base <- late ~ dep_delay + distance
  upper <- ~ dep_delay + distance + air_time + hour + origin + I(distance^2)
  start <- quietly(stats::glm(base, stats::binomial(), data))
  step <- function(...) quietly(stats::step(..., trace = 0))
  search <- function(...) rxLogit(base, data, variableSelection = rxStepControl(...))
  both <- list(lower = ~1, upper = upper)
  stepwise <- search(scope = both, keepStepCoefs = TRUE)
  expect_glm_steps_like(stepwise, step(start, both))
  expect_gt(nrow(stepwise$anova), 2)
  expect_equal(stepwise$stepCoefs[names(coef(stepwise)), nrow(stepwise$anova)], coef(stepwise), tolerance = 1e-6)
  expect_glm_steps_like(search("forward", upper), step(start, list(lower = base, upper = upper), direction = "forward"))
  full <- quietly(stats::update(start, stats::update(upper, late ~ .)))
  backward <- step(full, list(lower = base), direction = "backward", k = 10)
  expect_glm_steps_like(search("backward", upper, k = 10), backward)
  # Counts with an offset and weights.
  counts <- as_lm_factors(small_data())
  counts <- counts[stats::complete.cases(counts), ]
  counts$n <- round(abs(counts$y) * 2)
  counts$t <- abs(counts$x) + 1
  formula <- n ~ z + a + b + s
  search <- rxStepControl()
  fit <- rxGlm(formula, counts, stats::poisson(), pweights = "weight", offset = "t", variableSelection = search)
  model <- quietly(stats::glm(stats::update(formula, . ~ . + offset(t)), stats::poisson(), counts, weights = weight))
  expect_glm_steps_like(fit, step(model))
  expect_match(deparse(formula(fit)), "offset(t)", fixed = TRUE)
  again <- rxGlm(fit$formula, counts, stats::poisson(), pweights = "weight")
  same <- c("coefficients", "coef.std.error", "deviance", "null.deviance", "logLik", "df", "iter")
  expect_identical(fit[same], again[same])
  # A family whose dispersion is estimated; its AIC is that of a likelihood.
  counts$positive <- counts$n + 1
  gamma <- stats::Gamma("log")
  fit <- rxGlm(positive ~ z + a + b + s, counts, gamma, variableSelection = rxStepControl())
  model <- step(stats::glm(positive ~ z + a + b + s, gamma, counts, epsilon = 1e-13))
  expect_identical(as.character(fit$anova$Step), as.character(model$anova$Step))
  expect_equal(fit$anova$AIC, model$anova$AIC, tolerance = 1e-8)
})

test_that("searches among generalized linear models by significance test as drop1() does", {
  data <- flights_sample()
  data$late <- as.integer(data$arr_delay > 15)
  formula <- late ~ dep_delay + distance + air_time + hour + origin
  search <- function(fitter, ..., level = 1e-3) {
    fitter(formula, data, variableSelection = rxStepControl(..., stepCriterion = "SigLevel", minSigLevelToDrop = level))
  }
  # Some probabilities are as good as 1.
  model <- suppressWarnings(stats::glm(formula, stats::binomial(), data))
  tests <- suppressWarnings(stats::drop1(model, test = "Chisq"))
  for (test in c("F", "Chisq")) {
    fit <- search(rxLogit, test = test)
    worst <- rownames(tests)[which.max(tests$`Pr(>Chi)`)]
    expect_identical(fit$anova$Step[2], paste("-", worst))
    expect_equal(fit$anova[[ncol(fit$anova)]][2], tests[worst, "Pr(>Chi)"], tolerance = 1e-6)
  }
  quasi <- function(...) rxGlm(..., family = stats::quasibinomial())
  dropped <- search(quasi)$anova[2, ]
  without <- suppressWarnings(stats::update(model, paste(". ~ .", dropped$Step), family = stats::quasibinomial()))
  full <- suppressWarnings(stats::update(model, family = stats::quasibinomial()))
  # The dispersion is Pearson's, as in anova(); drop1() takes the deviance.
  expected <- stats::anova(without, full, test = "F")
  expect_equal(dropped$`F value`, expected$F[2], tolerance = 1e-6)
  expect_identical(nrow(search(quasi, level = 1)$anova), 1L)
  expect_error(quasi(formula, data, variableSelection = rxStepControl()), class = "rxscale_error_argument")
  expect_s3_class(quasi(formula, data, variableSelection = rxStepControl(scale = 1)), "rxGlm")
  expect_error(
    rxGlm(formula, data, stats::binomial(), initialValues = numeric(7), variableSelection = rxStepControl()),
    class = "rxscale_error_argument"
  )
})

test_that("without refitting, models are judged by the largest one, and the one selected is fitted", {
  data <- flights_sample()
  data$late <- as.integer(data$arr_delay > 15)
  formula <- late ~ dep_delay + distance + air_time + hour + origin
  search <- function(refit) {
    rxLogit(formula, data, variableSelection = rxStepControl(refitEachStep = refit, keepStepCoefs = TRUE))
  }
  exact <- search(TRUE)
  quick <- search(FALSE)
  expect_equal(quick$anova$`Resid. Dev`[1], exact$anova$`Resid. Dev`[1], tolerance = 1e-8)
  expect_equal(quick$anova$`Resid. Dev`, exact$anova$`Resid. Dev`, tolerance = 0.01)
  expect_identical(quick$anova$Step, exact$anova$Step)
  direct <- rxLogit(quick$formula, data)
  expect_identical(coef(quick), coef(direct))
  expect_identical(quick$deviance, direct$deviance)
})

test_that("a search has the same bits for any number of threads, from files too", {
  withr::defer(rxOptions(numCoresToUse = -1))
  fits <- lapply(c(1, 2, 8), function(threads) {
    rxOptions(numCoresToUse = threads)
    rxLinMod(arr_delay ~ dep_delay, flights_xdf(),
      variableSelection = rxStepControl(scope = ~ dep_delay + origin + hour + carrier + distance))
  })
  expect_identical(fits[[2]], fits[[1]])
  expect_identical(fits[[3]], fits[[1]])
  expect_gt(nrow(fits[[1]]$anova), 3)
  # Rows that stay decoded, or that are read again.
  withr::defer(rxOptions(memoryLimitMB = NULL))
  fits <- lapply(c(2000, 2), function(limit) {
    rxOptions(memoryLimitMB = limit, numCoresToUse = -1)
    rxGlm(arr_delay ~ dep_delay + hour + distance, flights_xdf(), variableSelection = rxStepControl())
  })
  expect_identical(fits[[2]], fits[[1]])
})

test_that("rxStepControl has its defaults and checks its arguments", {
  expect_identical(rxStepControl()$method, "backward")
  expect_identical(rxStepControl(scope = ~x)$method, "stepwise")
  expect_identical(rxStepControl("forward", stepCriterion = "SigLevel")$maxSigLevelToAdd, 0.5)
  expect_identical(rxStepControl("backward", stepCriterion = "SigLevel")$minSigLevelToDrop, 0.1)
  stepwise <- rxStepControl("stepwise", stepCriterion = "SigLevel")
  expect_identical(c(stepwise$maxSigLevelToAdd, stepwise$minSigLevelToDrop), c(0.15, 0.15))
  expect_snapshot(error = TRUE, {
    rxStepControl("sideways")
    rxStepControl(scope = list(~x))
    rxStepControl(maxSigLevelToAdd = 0.1)
    rxStepControl(stepCriterion = "SigLevel", maxSigLevelToAdd = 2)
    rxStepControl(test = "t")
    rxLinMod(mpg ~ wt, mtcars, variableSelection = "stepwise")
    rxLinMod(mpg ~ wt, mtcars, variableSelection = rxStepControl(scope = list(lower = ~hp)))
    rxLinMod(mpg ~ wt, mtcars, variableSelection = rxStepControl(scope = list(lower = ~wt, upper = ~hp)))
    rxLinMod(mpg ~ wt, mtcars, variableSelection = rxStepControl(scope = ~ . + hp - 1))
    rxLinMod(cbind(mpg, hp) ~ wt, mtcars, variableSelection = rxStepControl())
    rxLinMod(mpg ~ wt, mtcars, variableSelection = rxStepControl(scope = ~ wt + hq))
    rxStepPlot(rxLinMod(mpg ~ wt, mtcars))
  })
  expect_warning(rxStepControl(scop = ~x, nonsense = 1), "nonsense")
})

test_that("rxStepPlot draws the paths and returns the coefficients that are not zero", {
  withr::local_pdf(NULL)
  control <- rxStepControl("forward", scope = ~ wt + hp + qsec + F(cyl), keepStepCoefs = TRUE)
  fit <- rxLinMod(mpg ~ wt, mtcars, variableSelection = control)
  drawn <- withVisible(rxStepPlot(fit))
  expect_false(drawn$visible)
  expect_identical(drawn$value, fit$stepCoefs[rownames(drawn$value), ])
  expect_false("F_cyl=5" %in% rownames(drawn$value))
  expect_identical(rxStepPlot(fit, plotStepBreaks = FALSE, omitZeroCoefs = FALSE, main = "path"), drawn$value)
})

test_that("a search prints its result and its path", {
  fit <- rxLinMod(mpg ~ wt + hp + qsec, mtcars, variableSelection = rxStepControl())
  expect_snapshot({
    print(fit)
    fit$anova
  })
})

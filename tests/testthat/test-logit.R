test_that("fits of every kind of term equal glm()", {
  data <- glm_data()
  for (formula in list(
    event ~ x, event ~ x + z + a, event ~ a * b, event ~ a + a:x, event ~ b + x:z, event ~ log(z) + I(x^2) + a,
    event ~ x - 1, event ~ a + x - 1, event ~ ok + s + x, event ~ a + b + x + a:b + a:x, event ~ offset(x / 20) + a,
    event ~ x + offset(z / 9) + offset(x / 40), event ~ offset(z) - 1 + b, event ~ 1
  )) {
    fit <- suppressWarnings(like_glm(rxLogit, formula, data))
    expect_equals_glm(fit, exact_glm(formula, stats::binomial(), data), tolerance = 1e-8)
  }
})

test_that("fits of the flights equal glm() from every source", {
  flights <- as_lm_factors(flights_frame())
  formula <- (arr_delay > 15) ~ origin + hour + I(distance / 1000) + carrier
  model <- exact_glm(formula, stats::binomial(), flights)
  for (source in flights_sources()) {
    expect_equals_glm(like_glm(rxLogit, formula, source), model, tolerance = 1e-8)
  }
  transformed <- like_glm(rxLogit, late ~ origin + speed, flights_xdf(),
    transforms = list(late = arr_delay > 15, speed = distance / air_time), rowSelection = month == 6
  )
  expect_equals_glm(transformed, exact_glm(
    I(arr_delay > 15) ~ origin + I(distance / air_time), stats::binomial(), flights[flights$month == 6, ]
  ), tolerance = 1e-8)
})

test_that("fits of published data equal glm()", {
  mortgages <- utils::read.csv(shared_data("mortDefaultSmall.csv.gz"))
  formula <- default ~ houseAge + creditScore + yearsEmploy + ccDebt + factor(year)
  model <- exact_glm(formula, stats::binomial(), mortgages)
  fit <- rxLogit(default ~ houseAge + creditScore + yearsEmploy + ccDebt + F(year), mortgages, dropFirst = TRUE)
  expect_equals_glm(fit, model, tolerance = 1e-8)
  # As printed in RevoScaleR's guides.
  first <- rxLogit(default ~ ccDebt + yearsEmploy, mortgages, rowSelection = year == 2000 & creditScore < 850)
  printed <- c(first$nValidObs, round(first$deviance, 4), round(first$condition.number, 4))
  expect_identical(printed, c(9982, 100.6036, 1.4455))
  kyphosis <- utils::read.csv(shared_data("kyphosis.csv"), stringsAsFactors = TRUE)
  spine <- rxLogit(Kyphosis ~ Age + Start + Number, kyphosis, covCoef = TRUE)
  expected <- exact_glm(Kyphosis ~ Age + Start + Number, stats::binomial(), kyphosis)
  expect_equals_glm(spine, expected, tolerance = 1e-8)
  expect_equal(vcov(spine), stats::vcov(expected), tolerance = 1e-7)
})

test_that("a response is logical, 0 and 1, a factor or text with two levels", {
  data <- glm_data()
  data$flag <- data$event == 1
  data$outcome <- factor(data$flag, c(FALSE, TRUE), c("no", "yes"))
  data$text <- as.character(data$outcome)
  expected <- rxLogit(event ~ x + a, data)
  csv <- temp_file(".csv")
  utils::write.csv(data, csv, row.names = FALSE)
  for (fit in list(
    rxLogit(flag ~ x + a, data), rxLogit(outcome ~ x + a, data), rxLogit(text ~ x + a, data),
    rxLogit(outcome ~ x + a, RxTextData(csv, rowsPerRead = 37, colInfo = list(a = list(levels = levels(data$a)))))
  )) {
    expect_equal(coef(fit), coef(expected), tolerance = 1e-12)
    expect_equal(fit$coef.std.error, expected$coef.std.error, tolerance = 1e-9)
  }
  expect_snapshot(error = TRUE, {
    rxLogit(count ~ x, data)
    rxLogit(b ~ x, data)
    rxLogit(cbind(event, flag) ~ x, data)
  })
  expect_error(rxLogit(count ~ x, data), class = "rxscale_error_value")
  expect_error(rxLogit(b ~ x, data), class = "rxscale_error_wrong_type")
})

test_that("weights are those of glm(), and of repeated rows", {
  data <- glm_data()
  weighted <- like_glm(rxLogit, event ~ x + a, data, pweights = "weight")
  expected <- exact_glm(event ~ x + a, stats::binomial(), data[data$weight > 0, ], weights = weight)
  kept <- !weighted$aliased
  errors <- unname(summary(expected)$coefficients[, 2])
  expect_equal(unname(weighted$coefficients[kept]), unname(stats::coef(expected)), tolerance = 1e-9)
  expect_equal(unname(weighted$coef.std.error[kept]), errors, tolerance = 1e-8)
  expect_equal(weighted$df[2], expected$df.residual)
  counted <- rxLogit(event ~ x + a, data, fweights = "freq")
  repeated <- rxLogit(event ~ x + a, data[rep(seq_len(nrow(data)), data$freq), ])
  same <- c("coefficients", "coef.std.error", "deviance", "null.deviance", "df", "logLik", "condition.number")
  expect_equal(counted[same], repeated[same], tolerance = 1e-10)
})

test_that("iterations start where they are told to and end at the same place", {
  data <- glm_data()
  expected <- rxLogit(event ~ x + a, data)
  for (start in list(NA, 0, 0.1, unname(ifelse(is.na(coef(expected)), 0, coef(expected))))) {
    fit <- rxLogit(event ~ x + a, data, initialValues = start)
    expect_equal(coef(fit), coef(expected), tolerance = 1e-9)
    expect_equal(fit$coef.std.error, expected$coef.std.error, tolerance = 1e-6)
  }
  expect_lt(fit$iter, expected$iter)
  # Levels that are found while the data are read.
  from_text <- rxLogit(event ~ s, data, initialValues = c(0.1, 0.1, 0, 0))
  expect_equal(coef(from_text), coef(rxLogit(event ~ s, data)), tolerance = 1e-9)
  expect_snapshot(error = TRUE, {
    rxLogit(event ~ x + a, data, initialValues = c(1, 2))
    rxLogit(event ~ x + a, data, initialValues = "zero")
    rxLogit(event ~ x + a, data, maxIterations = 0)
    rxLogit(event ~ x + a, data, coeffTolerance = -1)
    rxLogit(event ~ x + a, data, returnAlways = 1)
  })
  # A step from far away makes the deviance larger and is halved.
  far <- rxLogit(event ~ x, data, initialValues = c(-8, 0))
  expect_gt(sum(far$path$halvings), 0)
  expect_equal(coef(far), coef(rxLogit(event ~ x, data)), tolerance = 1e-9)
})

test_that("tolerances and the number of iterations end a fit", {
  data <- glm_data()
  expect_warning(early <- rxLogit(event ~ x, data, maxIterations = 1), class = "rxscale_warning_convergence")
  expect_false(early$converged)
  expect_identical(early$iter, 1L)
  by_coefficients <- rxLogit(event ~ x, data, coeffTolerance = 0.5, objectiveFunctionTolerance = 0)
  by_deviance <- rxLogit(event ~ x, data, coeffTolerance = 0, objectiveFunctionTolerance = 1e-12)
  expect_lt(by_coefficients$iter, by_deviance$iter)
  expect_warning(rxLogit(event ~ x, data, coeffTolerance = 0, objectiveFunctionTolerance = 0),
    class = "rxscale_warning_convergence")
})

test_that("separation is said, with the columns", {
  data <- data.frame(y = rep(0:1, each = 20), x = c(1:20, 21:40), z = sin(1:40), g = gl(2, 1, 40, c("p", "q")))
  warned <- expect_warning(fit <- rxLogit(y ~ x + z, data, maxIterations = 60), class = "rxscale_warning_separation")
  expect_true("x" %in% warned$columns && "x" %in% fit$separated.columns)
  data$y[data$g == "q"] <- 1
  data$y[c(3, 9, 27)] <- c(1, 1, 0)
  warned <- expect_warning(rxLogit(y ~ g + z, data), class = "rxscale_warning_separation")
  expect_identical(warned$columns, "g=p")
  expect_silent(rxLogit(y ~ z, data))
  expect_snapshot(invisible(rxLogit(y ~ g + z, data)))
})

test_that("cubes have a coefficient a cell, counts and predictions", {
  data <- glm_data()
  model <- exact_glm(event ~ a - 1 + x, stats::binomial(), data)
  fit <- rxLogit(event ~ a + x, data, cube = TRUE, cubePredictions = TRUE)
  expect_equal(unname(coef(fit)), unname(stats::coef(model)), tolerance = 1e-9)
  expect_equal(unname(fit$coef.std.error), unname(summary(model)$coefficients[, 2]), tolerance = 1e-7)
  used <- stats::model.frame(model)
  expect_identical(fit$countDF$Counts, as.vector(table(used$a)))
  at <- data.frame(a = levels(data$a), x = mean(used$x))
  expect_equal(fit$countDF$event, unname(stats::predict(model, at, type = "response")), tolerance = 1e-9)
  alone <- rxLogit(event ~ a:b, data, cube = TRUE)
  means <- tapply(data$event, list(data$a, data$b), mean, na.rm = TRUE)
  expect_equal(alone$countDF$event, c(means), tolerance = 1e-9)
  expect_identical(alone$partitions, c(12L, 0L))
  expect_equal(rxResultsDF(alone, "means")$event, c(means), tolerance = 1e-9)
  weighted <- rxLogit(event ~ a + x, data, cube = TRUE, pweights = "weight")
  complete <- stats::complete.cases(data[c("event", "a", "x")])
  expect_equal(weighted$countDF$Counts, c(tapply(data$weight[complete], data$a[complete], sum)), ignore_attr = TRUE)
})

test_that("the covariance of the data is that of the rows used", {
  data <- glm_data()
  for (start in list(NULL, NA)) {
    fit <- rxLogit(event ~ x + z, data, covData = TRUE, covCoef = TRUE, initialValues = start)
    used <- stats::na.omit(data[c("event", "x", "z")])
    expect_equal(rxCovData(fit), stats::cov(used[-1]), tolerance = 1e-11)
  }
  expect_error(rxLogit(event ~ x - 1, data, covData = TRUE), class = "rxscale_error_argument")
})

test_that("the result is the same whether rows are kept between passes or read again", {
  fits <- lapply(c(1024, 2), function(megabytes) {
    withr::defer(rxOptions(memoryLimitMB = NULL))
    rxOptions(memoryLimitMB = megabytes)
    lapply(flights_sources(), function(source) {
      fit <- rxLogit((arr_delay > 15) ~ origin + hour + carrier, source, pweights = "distance")
      fit[setdiff(names(fit), c("call", "params"))]
    })
  })
  expect_identical(fits[[1]], fits[[2]])
})

test_that("printing", {
  data <- glm_data()
  fit <- rxLogit(event ~ x + a, data, covCoef = TRUE)
  expect_snapshot({
    fit
    summary(fit)
    summary(rxLogit(event ~ a, data, cube = TRUE, pweights = "weight"))
  })
  lines <- utils::capture.output(rxLogit(event ~ x, data, verbose = 4))
  expect_match(lines, "Iteration 1: deviance", all = FALSE)
  expect_match(lines, "Number of iterations: ", all = FALSE)
  expect_match(lines, "(Intercept)", fixed = TRUE, all = FALSE)
})

test_that("misspelt and unknown arguments are named", {
  expect_warning(rxLogit(am ~ wt, mtcars, maxIterationz = 9), "Did you mean `maxIterations`?", fixed = TRUE)
  expect_warning(rxLogit(am ~ wt, mtcars, returnAlway = TRUE), "Did you mean `returnAlways`?", fixed = TRUE)
})

# Predictions with errors and both intervals are those of predict.lm().
expect_predicts_like_lm <- function(fit, model, data, tolerance = 1e-9) {
  for (interval in c("confidence", "prediction")) {
    found <- rxPredict(fit, data, computeStdErrors = TRUE, interval = interval, confLevel = 0.9)
    # R warns where columns were dropped; their coefficients count as zero here, too.
    expected <- suppressWarnings(
      stats::predict(model, data, se.fit = TRUE, interval = interval, level = 0.9, na.action = stats::na.pass)
    )
    expect_equal(unname(as.list(found)), unname(list(
      expected$fit[, 1], expected$se.fit, expected$fit[, 2], expected$fit[, 3]
    )), tolerance = tolerance, ignore_attr = TRUE)
  }
}

test_that("predictions, errors and intervals of every kind of term equal predict.lm()", {
  data <- as_lm_factors(small_data())
  for (formula in list(
    y ~ x, y ~ x + z, y ~ a, y ~ x + a + b, y ~ a * b, y ~ a:b - 1, y ~ x + a + a:x, y ~ x:z, y ~ log(z) + I(x^2) + a,
    y ~ ok + x, y ~ a + b + x + a:b + a:x + b:x + a:b:x, y ~ a:x:z, log(z) ~ x + a, y ~ x + z - 1, y ~ s + b + x
  )) {
    for (drop in c(TRUE, FALSE)) {
      fit <- suppressWarnings(rxLinMod(formula, data, dropFirst = drop, covCoef = TRUE))
      expect_predicts_like_lm(fit, stats::lm(formula, data), data)
    }
  }
  weighted <- rxLinMod(y ~ a + x, data, pweights = "weight", covCoef = TRUE)
  model <- stats::lm(y ~ a + x, data, weights = weight)
  expect_equal(predict(weighted, data, se.fit = TRUE)$se.fit, stats::predict(model, data, se.fit = TRUE)$se.fit)
})

test_that("predictions of the flights equal predict.lm() from every source and for any number of threads", {
  flights <- as_lm_factors(flights_frame())
  formula <- arr_delay ~ dep_delay + origin + carrier + I(distance / 1000) * origin + hour
  model <- stats::lm(formula, flights)
  fit <- rxLinMod(formula, flights_xdf(), covCoef = TRUE, dropFirst = TRUE, dropMain = FALSE)
  expected <- stats::predict(model, flights, se.fit = TRUE)
  named <- list(arr_delay_Pred = unname(expected$fit), arr_delay_StdErr = unname(expected$se.fit))
  withr::defer(rxOptions(numCoresToUse = -1))
  sources <- flights_sources()
  sources$xdf <- NULL
  for (source in sources) {
    bits <- lapply(c(1, 2, 8), function(threads) {
      rxOptions(numCoresToUse = threads)
      rxPredict(fit, source, computeStdErrors = TRUE)
    })
    expect_equal(as.list(bits[[1]]), named, tolerance = 1e-9)
    expect_identical(bits[[2]], bits[[1]])
    expect_identical(bits[[3]], bits[[1]])
  }
})

test_that("columns that nearly cancel keep their precision", {
  x <- 1e8 + seq(0, 1, length.out = 50)
  data <- data.frame(x = x, y = 3 + (x - 1e8) + sin(seq_along(x)))
  fit <- rxLinMod(y ~ x, data, covCoef = TRUE)
  centred <- data.frame(x = data$x - 1e8, y = data$y)
  expected <- stats::predict(stats::lm(y ~ x, centred), centred, se.fit = TRUE)
  found <- predict(fit, data, se.fit = TRUE)
  expect_equal(found$fit, expected$fit, tolerance = 1e-8)
  expect_equal(found$se.fit, expected$se.fit, tolerance = 1e-8)
})

test_that("residuals are response less prediction, and need the response", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + a, data)
  found <- rxPredict(fit, data, computeResiduals = TRUE)
  expect_named(found, c("y_Pred", "y_Resid"))
  expect_equal(found$y_Resid, data$y - found$y_Pred)
  gone <- is.na(data$y) | is.na(data$x) | is.na(data$a)
  expect_identical(is.na(found$y_Pred), gone)
  expect_equal(found$y_Resid[!gone], unname(stats::residuals(stats::lm(y ~ x + a, data))), tolerance = 1e-11)
  expect_identical(is.na(rxPredict(fit, data[c("x", "a")])$y_Pred), is.na(data$x) | is.na(data$a))
  expect_error(rxPredict(fit, data[c("x", "a")], computeResiduals = TRUE), class = "rxscale_error_missing_column")
  complete <- rxPredict(fit, data, removeMissings = TRUE, extraVarsToWrite = c("s", "k"))
  kept <- !is.na(data$x) & !is.na(data$a)
  expect_identical(complete$s, data$s[kept])
  expect_identical(complete$y_Pred, rxPredict(fit, data)$y_Pred[kept])
})

test_that("levels go by label, and those that the fit has not seen are named in one warning", {
  data <- small_data()
  data$k <- (seq_len(400) %/% 11L) %% 5L
  fit <- rxLinMod(y ~ a + s + F(k) + N(b), data)
  expect_equal(
    rxPredict(fit, data)$y_Pred,
    unname(stats::predict(stats::lm(y ~ a + s + factor(k) + as.numeric(b), data), data)),
    tolerance = 1e-10
  )
  expected <- rxPredict(fit, data)$y_Pred
  other <- data
  other$a <- factor(as.character(data$a), levels = c("zero", "r", "q", "p"))
  other$s <- factor(data$s)
  other$b <- factor(data$b, levels = rev(levels(data$b)))
  expect_no_warning(expect_identical(rxPredict(fit, other)$y_Pred, expected))
  text <- replace(other, "a", list(as.character(data$a)))
  expect_identical(rxPredict(fit, text)$y_Pred, expected)
  other$a[5] <- "zero"
  other$s <- replace(data$s, 6, "omega")
  other$k[7] <- 11L
  other$b <- factor(replace(as.character(data$b), 8, "x"))
  warned <- expect_warning(found <- rxPredict(fit, other), class = "rxscale_warning_unseen")
  expect_identical(warned$levels, c("a=zero", "s=omega", "F(k)=11", "N(b)=x"))
  expect_snapshot(cat(conditionMessage(warned)))
  expect_identical(found$y_Pred, replace(expected, 5:8, NA))
  expect_no_warning(expect_identical(rxPredict(fit, other, checkFactorLevels = FALSE), found))
  # A level without rows in the fit is no better than an unknown one.
  data$a <- factor(data$a, levels = c("q", "p", "r", "none"))
  empty <- rxLinMod(y ~ a + x, data)
  warned <- expect_warning(
    found <- rxPredict(empty, data.frame(a = factor(c("q", "none"), levels = levels(data$a)), x = 0)),
    class = "rxscale_warning_unseen"
  )
  expect_identical(warned$levels, "a=none")
  expect_identical(is.na(found$y_Pred), c(FALSE, TRUE))
  bounded <- rxLinMod(y ~ F(k, 1, 3), data)
  expect_no_warning(expect_identical(is.na(rxPredict(bounded, data)$y_Pred), !data$k %in% 1:3))
  shared <- rxLinMod(y ~ F(k, 1, 3, exclude = FALSE), data)
  expect_false(anyNA(rxPredict(shared, data)$y_Pred))
})

test_that("a column of another kind than in the fit is an error", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + a, data)
  expect_error(rxPredict(fit, replace(data, "x", list("1"))), class = "rxscale_error_wrong_type")
  expect_error(rxPredict(fit, replace(data, "a", list(1))), class = "rxscale_error_wrong_type")
  expect_error(rxPredict(fit, data["x"]), class = "rxscale_error_missing_column")
})

test_that("transforms and what they use are made again, wherever the prediction is", {
  data <- small_data()
  fitted_elsewhere <- function() {
    big <- stats::rnorm(1e5)
    halve <- function(x) x / two
    two <- 2
    limit <- 0.5
    helper <- function(x) halve(x) + limit
    rxLinMod(
      late ~ h + I(x * limit) + a, data,
      transforms = list(late = y + 1, h = helper(z), a = factor(a, levels = c("p", "q", "r"))), rowSelection = x > -5,
      transformFunc = function(chunk) {
        if (!.rxIsPrediction) chunk$y <- chunk$y * shift
        chunk$.rxRowSelection <- rep(TRUE, .rxNumRows)
        chunk$.rxRowSelection[1] <- FALSE
        chunk
      }, transformVars = c("y", "z"), transformObjects = list(shift = 2)
    )
  }
  fit <- fitted_elsewhere()
  expect_lt(length(serialize(fit, NULL)), 20000)
  fit <- unserialize(serialize(fit, NULL))
  made <- transform(data, late = 2 * y + 1, h = z / 2 + 0.5, half = x * 0.5, a = factor(a, levels = c("p", "q", "r")))
  model <- stats::lm(late ~ h + half + a, made, subset = x > -5)
  found <- rxPredict(fit, data[c("x", "z", "a")], extraVarsToWrite = c("a", "h"))
  expect_equal(found$late_Pred, unname(stats::predict(model, made)), tolerance = 1e-10)
  # The data's own column is written, not what the transforms make of it.
  expect_identical(levels(found$a), levels(data$a))
  expect_equal(found$h, made$h)
  expect_error(rxPredict(fit, data[c("x", "a")]), class = "rxscale_error")
  expect_equal(
    rxPredict(rxLinMod(y2 ~ x, data, transforms = list(x = x / 2)), data, writeModelVars = TRUE)[c("x", "y2")],
    data[c("x", "y2")]
  )
  shorter <- rxLinMod(y ~ x, data, transformFunc = function(chunk) lapply(chunk, `[`, chunk$x > 0))
  expect_error(rxPredict(shorter, data), "every row", class = "rxscale_error_transform")
})

test_that("results are added to the input file, whose columns stay as they are", {
  data <- all_kinds()
  path <- temp_file()
  rxImport(data, path, rowsPerRead = 2)
  rxSetInfo(path, "described")
  before <- rxGetVarInfo(path)
  fit <- rxLinMod(size ~ count, data, transforms = list(count = as.numeric(count) * 2), covCoef = TRUE)
  out <- rxPredict(fit, path, computeStdErrors = TRUE)
  expect_s4_class(out, "RxXdfData")
  expect_equal(rxImport(out)[names(data)], rxImport(path, varsToKeep = names(data)))
  expect_equal(rxImport(out)[c("size_Pred", "size_StdErr")], rxPredict(fit, data, computeStdErrors = TRUE))
  expect_identical(unclass(rxGetVarInfo(path))[names(data)], unclass(before)[names(data)])
  expect_identical(rxGetInfo(path, getBlockSizes = TRUE)$rowsPerBlock, c(2L, 2L, 2L))
  expect_identical(rxGetInfo(path)$fileDescription %||% rxGetInfo(path)$description, "described")
  expect_error(rxPredict(fit, path), "size_Pred", class = "rxscale_error_argument")
  rxPredict(fit, path, predVarNames = "other", outData = path)
  rxPredict(fit, path, overwrite = TRUE)
  expect_named(rxImport(path), c(names(data), "size_StdErr", "other", "size_Pred"))
  expect_error(rxPredict(fit, path, removeMissings = TRUE, predVarNames = "z"), class = "rxscale_error_argument")
  expect_error(rxPredict(fit, path, append = "rows", predVarNames = "z"), class = "rxscale_error_argument")
  expect_identical(setdiff(dir(dirname(path), basename(tools::file_path_sans_ext(path))), basename(path)), character())
})

test_that("results are added to a composite set", {
  path <- withr::local_tempfile()
  set <- RxXdfData(path, createCompositeSet = TRUE, blocksPerCompositeFile = 2)
  rxImport(mtcars, set, rowsPerRead = 5)
  fit <- rxLinMod(mpg ~ wt, mtcars)
  out <- rxPredict(fit, RxXdfData(path, blocksPerCompositeFile = 2))
  expect_equal(rxImport(out)$mpg_Pred, rxPredict(fit, mtcars)$mpg_Pred)
  expect_identical(rxGetInfo(path, getBlockSizes = TRUE)$rowsPerBlock, c(rep(5L, 6), 2L))
  expect_length(list.files(file.path(path, "data")), 4)
})

test_that("results are written to files of every type", {
  data <- small_data()
  fit <- rxLinMod(log(z) ~ x + F(k), data)
  alone <- rxPredict(fit, data)
  expect_named(alone, "log(z)_Pred")
  for (extension in c(".xdf", ".parquet", ".csv")) {
    path <- temp_file(extension)
    out <- rxPredict(fit, data, path, writeModelVars = TRUE, extraVarsToWrite = "s")
    read <- rxImport(out)
    expect_named(read, c("x", "k", "z", "log(z)", "s", "log(z)_Pred"), ignore.order = TRUE)
    expect_equal(read[["log(z)_Pred"]], alone[[1]], tolerance = if (extension == ".csv") 1e-6 else 1e-15)
    expect_error(rxPredict(fit, data, path), "exists already", class = "rxscale_error_argument")
    rxPredict(fit, data, path, overwrite = TRUE)
    expect_named(rxImport(path), "log(z)_Pred")
  }
  xdf <- temp_file()
  rxPredict(fit, data, xdf)
  rxPredict(fit, data, xdf, append = "rows")
  expect_identical(rxGetInfo(xdf)$numRows, 800L)
  beside <- rxPredict(fit, data, data["s"])
  expect_identical(beside, cbind(data["s"], alone))
  expect_error(rxPredict(fit, data, data[1:3, ]), class = "rxscale_error_argument")
  text <- temp_file(".csv")
  utils::write.csv(data, text, row.names = FALSE)
  expect_equal(rxPredict(fit, text), alone)
  expect_error(rxPredict(fit, text, text, overwrite = TRUE), class = "rxscale_error_unsupported")
})

test_that("several responses are predicted at once", {
  data <- small_data()
  fit <- rxLinMod(cbind(y, y2) ~ x + a, data, covCoef = TRUE)
  complete <- stats::complete.cases(data[c("y", "y2", "x", "a")])
  found <- rxPredict(fit, data, computeStdErrors = TRUE, interval = "prediction")
  expect_named(found, c(outer(c("_Pred", "_StdErr", "_Lower", "_Upper"), c("y", "y2"), function(x, y) paste0(y, x))))
  for (y in c("y", "y2")) {
    model <- stats::lm(stats::reformulate(c("x", "a"), y), data[complete, ])
    expected <- stats::predict(model, data, interval = "prediction", se.fit = TRUE)
    columns <- found[paste0(y, c("_Pred", "_Lower", "_Upper", "_StdErr"))]
    expect_equal(unname(as.list(columns)), unname(c(as.list(as.data.frame(expected$fit)), list(expected$se.fit))),
      tolerance = 1e-10, ignore_attr = TRUE)
  }
  expect_identical(dim(predict(fit, data)), c(400L, 2L))
  expect_error(predict(fit, data, se.fit = TRUE), class = "rxscale_error_unsupported")
})

test_that("predict() returns what predict.lm() does", {
  fit <- rxLinMod(mpg ~ wt + F(cyl), mtcars, covCoef = TRUE)
  model <- stats::lm(mpg ~ wt + factor(cyl), mtcars)
  new <- mtcars[3:7, ]
  expect_equal(predict(fit, new), stats::predict(model, new), tolerance = 1e-12)
  for (interval in c("none", "confidence", "prediction")) {
    expect_equal(
      predict(fit, new, se.fit = TRUE, interval = interval, level = 0.8),
      stats::predict(model, new, se.fit = TRUE, interval = interval, level = 0.8),
      tolerance = 1e-12
    )
  }
})

test_that("wrong arguments are told", {
  fit <- rxLinMod(mpg ~ wt, mtcars)
  expect_snapshot(error = TRUE, {
    rxPredict(fit)
    rxPredict(mtcars, mtcars)
    rxPredict(fit, mtcars, computeStdErrors = TRUE)
    rxPredict(fit, mtcars, interval = "both")
    rxPredict(fit, mtcars, confLevel = 2)
    rxPredict(fit, mtcars, predVarNames = c("a", "b"))
    rxPredict(fit, mtcars, predVarNames = "a", residVarNames = "a", computeResiduals = TRUE)
    rxPredict(fit, mtcars, extraVarsToWrite = "hq")
    rxPredict(fit, mtcars, outData = mtcars, removeMissings = TRUE)
  })
  expect_warning(rxPredict(fit, mtcars, predVarName = "p", confLevels = 1), "confLevels")
  expect_named(rxPredict(fit, mtcars, predNames = c("p", "r"), computeResiduals = TRUE), c("p", "r"))
})

test_that("what is no model is refused", {
  expect_error(rxPredict(3, mtcars), class = "rxscale_error_argument", regexp = "rxLinMod")
})

test_that("predictions of generalized linear models are those of predict.glm()", {
  data <- glm_data()
  cases <- list(
    list(event ~ x + a, stats::binomial()), list(size ~ log(z) + a:b, stats::Gamma()),
    list(count ~ x * b, stats::poisson()), list(size ~ x - 1, stats::gaussian("identity")),
    list(size ~ x + a, stats::inverse.gaussian()),
    list(event ~ x + offset(z / 10), stats::binomial("cloglog")),
    list(count ~ a + offset(log(exposure)), stats::quasipoisson())
  )
  for (case in cases) {
    model <- suppressWarnings(stats::glm(case[[1]], case[[2]], data))
    fit <- suppressWarnings(like_glm(rxGlm, case[[1]], data, family = case[[2]], covCoef = TRUE))
    for (type in c("response", "link")) {
      expected <- suppressWarnings(stats::predict(model, data, type = type, se.fit = TRUE))
      found <- unname(as.list(rxPredict(fit, data, type = type, computeStdErrors = TRUE)))
      expect_equal(found, unname(expected[1:2]), tolerance = 1e-8, ignore_attr = TRUE)
      expect_equal(predict(fit, data, type = type), expected$fit, tolerance = 1e-8)
    }
    expected <- suppressWarnings(stats::predict(model, data, se.fit = TRUE))
    expect_equal(predict(fit, data, se.fit = TRUE), expected, tolerance = 1e-8, ignore_attr = TRUE)
    used <- names(stats::fitted(model))
    residuals <- rxPredict(fit, data, computeResiduals = TRUE)[as.integer(used), 2]
    expect_equal(residuals, unname(stats::residuals(model, "response")), tolerance = 1e-7)
  }
})

test_that("intervals of generalized linear models are those of the link, transformed", {
  data <- glm_data()
  logit <- rxLogit(event ~ x + a, data, covCoef = TRUE)
  link <- predict(logit, data, se.fit = TRUE)
  found <- rxPredict(logit, data, interval = "confidence", confLevel = 0.9)
  z <- stats::qnorm(0.95)
  expect_equal(found$event_Lower, unname(stats::plogis(link$fit - z * link$se.fit)), tolerance = 1e-12)
  expect_equal(found$event_Upper, unname(stats::plogis(link$fit + z * link$se.fit)), tolerance = 1e-12)
  inverse <- rxGlm(size ~ x, data, family = stats::Gamma(), covCoef = TRUE)
  link <- predict(inverse, data, se.fit = TRUE)
  found <- rxPredict(inverse, data, interval = "confidence")
  t <- stats::qt(0.975, inverse$df[2])
  expect_equal(found$size_Lower, unname(1 / (link$fit + t * link$se.fit)), tolerance = 1e-12)
  expect_true(all(found$size_Lower < found$size_Pred & found$size_Pred < found$size_Upper, na.rm = TRUE))
  expect_error(rxPredict(logit, data, interval = "prediction"), class = "rxscale_error_unsupported")
  expect_error(rxPredict(rxLogit(event ~ x, data), data, computeStdErrors = TRUE), "covCoef = TRUE",
    class = "rxscale_error_argument")
})

test_that("scores of a logistic regression go into its file, unseen levels are told, and residuals are of 0 and 1", {
  data <- glm_data()
  data$outcome <- factor(ifelse(data$event == 1, "yes", "no"))
  fit <- rxLogit(outcome ~ x + s, data)
  file <- rxImport(data, temp_file(), rowsPerRead = 77)
  rxPredict(fit, file, computeResiduals = TRUE)
  scored <- rxImport(file)
  expect_equal(scored$outcome_Pred, rxPredict(fit, data)[[1]] * ifelse(is.na(data$outcome), NA, 1))
  expect_equal(scored$outcome_Resid, data$event - scored$outcome_Pred, tolerance = 1e-12)
  other <- rxPredict(fit, file, temp_file(), extraVarsToWrite = "count", writeModelVars = TRUE, type = "link",
    predVarNames = "score")
  expect_identical(names(rxImport(other)), c("x", "s", "outcome", "count", "score"))
  data$s <- replace(as.character(data$s), 9, "delta")
  told <- expect_warning(scores <- rxPredict(fit, data), class = "rxscale_warning_unseen")
  expect_identical(told$levels, "s=delta")
  expect_true(is.na(scores[9, 1]))
  expect_error(predict(fit), class = "rxscale_error_argument")
})

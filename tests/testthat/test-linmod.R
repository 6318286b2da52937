# lm() has the same coefficients where both drop the first level of a factor and keep main effects.
like_lm <- function(formula, data, ...) rxLinMod(formula, data, dropFirst = TRUE, dropMain = FALSE, ...)

expect_equals_lm <- function(fit, model, tolerance = 1e-10) {
  expected <- summary(model)
  kept <- !fit$aliased
  table <- cbind(fit$coefficients, fit$coef.std.error, fit$coef.t.value)[kept, , drop = FALSE]
  expect_equal(unname(table), unname(expected$coefficients[, 1:3, drop = FALSE]), tolerance = tolerance)
  expect_equal(fit$coef.p.value, 2 * stats::pt(-abs(fit$coef.t.value), model$df.residual), tolerance = 1e-13)
  expect_true(all(is.na(fit$coefficients[!kept])) && all(is.na(fit$coef.std.error[!kept])))
  expect_equal(fit$sigma[[1]], expected$sigma, tolerance = tolerance)
  expect_equal(fit$df[2:3], as.numeric(c(model$df.residual, model$rank)))
  expect_equal(fit$residual.squares[[1]], stats::deviance(model), tolerance = tolerance)
  expect_identical(fit$nMissingObs, length(model$na.action))
  if (attr(model$terms, "intercept") == 1) {
    expect_equal(fit$r.squared[[1]], expected$r.squared, tolerance = tolerance)
    expect_equal(fit$adj.r.squared[[1]], expected$adj.r.squared, tolerance = tolerance)
    f <- expected$fstatistic
    expect_equal(unlist(fit$fstatistics, use.names = FALSE), unname(f), tolerance = tolerance)
    expect_equal(fit$f.pvalue[[1]], stats::pf(f[[1]], f[[2]], f[[3]], lower.tail = FALSE), tolerance = 1e-7)
  }
}

test_that("fits of every kind of term equal lm()", {
  data <- as_lm_factors(small_data())
  for (formula in list(
    y ~ x, y ~ x + z, y ~ a, y ~ s, y ~ x + a + b, y ~ a * b, y ~ a:b - 1, y ~ x + a + a:x, y ~ x:z, y ~ b + x * z,
    y ~ log(z) + I(x^2) + a, y ~ a + a:x, y ~ ok + x, y ~ a + b + x + a:b + a:x + b:x + a:b:x, y ~ a:x:z,
    log(z) ~ x + a, y ~ b + x:b, I(y - x) ~ z + s:z
  )) {
    model <- stats::lm(formula, data)
    fit <- suppressWarnings(like_lm(formula, data))
    expect_equal(fit$rank, model$rank, info = deparse(formula))
    # In a:b alone lm() gives up cells in an order of its own.
    if (is_call_to(formula[[3]], ":")) {
      expect_equal(fit$sigma[[1]], stats::sigma(model), tolerance = 1e-10)
    } else {
      expect_equals_lm(fit, model)
    }
  }
})

test_that("fits of the flights equal lm()", {
  flights <- as_lm_factors(flights_frame())
  model <- stats::lm(arr_delay ~ dep_delay + origin + hour + carrier * I(distance / 1000), flights)
  for (source in flights_sources()) {
    # Three carriers fly a single route.
    expect_warning(
      fit <- like_lm(arr_delay ~ dep_delay + origin + hour + carrier * I(distance / 1000), source),
      "3 columns", class = "rxscale_warning_collinear"
    )
    expect_identical(names(fit$aliased)[fit$aliased & grepl(" for ", names(fit$aliased))],
      paste0("I(distance/1000) for carrier=", c("9E", "AS", "F9", "HA")))
    expect_s3_class(fit, "rxLinMod")
    expect_equals_lm(fit, model)
  }
  by_dest <- stats::lm(arr_delay ~ dep_delay + dest, flights, subset = month == 1)
  expect_equals_lm(like_lm(arr_delay ~ dep_delay + dest, flights_xdf(), rowSelection = month == 1), by_dest)
})

test_that("models without an intercept have its coefficients, and R-squared about the mean", {
  data <- small_data()
  for (formula in list(y ~ x - 1, y ~ 0 + a, y ~ a + x - 1, y ~ x + z + b - 1, y ~ a + b - 1)) {
    model <- stats::lm(formula, data)
    fit <- like_lm(formula, data)
    expect_equals_lm(fit, model)
    y <- model$model$y
    expect_equal(1 - fit$r.squared[[1]], stats::deviance(model) / sum((y - mean(y))^2), tolerance = 1e-13)
  }
})

test_that("the last level is the reference unless the first is asked for", {
  data <- small_data()
  last <- stats::lm(y ~ a + b + x, data, contrasts = list(a = "contr.SAS", b = "contr.SAS"))
  fit <- rxLinMod(y ~ a + b + x, data)
  expect_equals_lm(fit, last)
  expect_identical(names(which(fit$aliased)), c("a=r", "b=w"))
  expect_identical(names(which(rxLinMod(y ~ a + b + x, data, dropFirst = TRUE)$aliased)), c("a=q", "b=t"))
  full <- rxLinMod(y ~ a * x, data, dropMain = FALSE)
  expect_equals_lm(full, stats::lm(y ~ a * x, data, contrasts = list(a = "contr.SAS")))
})

test_that("dropMain gives up main effects before their interactions", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + a + a:x, data)
  expect_true(is.na(coef(fit)[["x"]]))
  expect_identical(names(which(fit$aliased)), c("x", "a=r"))
  slopes <- vapply(split(data, data$a), function(part) stats::coef(stats::lm(y ~ x, part))[["x"]], 0)
  expect_equal(unname(coef(fit)[c("x for a=q", "x for a=p", "x for a=r")]), unname(slopes), tolerance = 1e-11)
  kept <- rxLinMod(y ~ x + a + a:x, data, dropMain = FALSE)
  expect_identical(names(which(kept$aliased)), c("a=r", "x for a=r"))
  expect_equal(fit$residual.squares, kept$residual.squares, tolerance = 1e-12)
  cells <- rxLinMod(y ~ a * b, data)
  expect_identical(sum(!cells$aliased), 12L)
  expect_equal(cells$sigma[[1]], stats::sigma(stats::lm(y ~ a * b, data)), tolerance = 1e-11)
  withr::defer(rxOptions(dropMain = TRUE))
  rxOptions(dropMain = FALSE)
  expect_identical(rxLinMod(y ~ x + a + a:x, data)$aliased, kept$aliased)
})

test_that("an empty last level makes the first the reference; empty levels are dropped", {
  data <- small_data()
  data$a <- factor(data$a, levels = c("q", "p", "r", "none"))
  fit <- rxLinMod(y ~ a + x, data)
  expect_identical(names(which(fit$aliased)), c("a=q", "a=none"))
  expect_equals_lm(fit, stats::lm(y ~ a + x, data))
  data$a <- factor(data$a, levels = c("q", "none", "p", "r"))
  fit <- rxLinMod(y ~ a + x, data)
  expect_identical(names(which(fit$aliased)), c("a=none", "a=r"))
  reversed <- stats::lm(y ~ a + x, transform(data, a = factor(a, levels = c("r", "q", "p"))))
  expect_equal(unname(coef(fit)[c("(Intercept)", "a=q", "a=p", "x")]), unname(stats::coef(reversed)), tolerance = 1e-11)
  gaps <- rxLinMod(y ~ F(k, 0, 9) + x, data, dropFirst = TRUE)
  expect_equals_lm(gaps, stats::lm(y ~ factor(k) + x, data))
})

test_that("probability weights are those of lm()", {
  data <- small_data()
  data$weight[c(7, 8)] <- 0
  positive <- data[data$weight > 0, ]
  fit <- like_lm(y ~ x + a, data, pweights = "weight")
  model <- stats::lm(y ~ x + a, positive, weights = weight)
  expect_equals_lm(fit, model)
  expect_equal(fit$sumOfWeights, sum(model$weights))
  expect_identical(fit$nValidObs, length(model$residuals))
  data$weight[10] <- NA
  expect_equals_lm(
    like_lm(y ~ x + a, data[data$weight > 0, ], pweights = "weight"),
    stats::lm(y ~ x + a, data, weights = weight, subset = weight > 0 | is.na(weight))
  )
})

test_that("frequency weights are as good as repeated rows", {
  data <- small_data()
  repeated <- data[rep(seq_len(nrow(data)), data$freq), ]
  for (formula in list(y ~ x + a, y ~ a * b + log(z))) {
    weighted <- like_lm(formula, data, fweights = "freq", covCoef = TRUE, covData = TRUE)
    plain <- like_lm(formula, repeated, covCoef = TRUE, covData = TRUE)
    same <- setdiff(names(plain), c("params", "call", "formula", "nValidObs", "nMissingObs", "sumOfWeights"))
    expect_equal(weighted[same], plain[same], tolerance = 1e-11)
    expect_equal(weighted$sumOfWeights, plain$nValidObs)
  }
  doubled <- like_lm(y ~ x, transform(data, freq = 2 * freq), fweights = "freq")
  expect_equal(doubled$df[2], 2 * like_lm(y ~ x, data, fweights = "freq")$df[2] + 2)
})

test_that("a missing frequency weight makes a missing row", {
  data <- small_data()
  with_missing <- transform(data, freq = replace(freq, 5, NA))
  fit <- rxLinMod(y ~ x, with_missing, fweights = "freq")
  expect_equal(coef(fit), coef(rxLinMod(y ~ x, transform(data, freq = replace(freq, 5, 0L)), fweights = "freq")))
})

test_that("several responses share their rows", {
  data <- small_data()
  fit <- like_lm(cbind(y, y2, log(z)) ~ x + a, data, covCoef = TRUE)
  expect_identical(fit$y.names, c("y", "y2", "log(z)"))
  expect_identical(dim(fit$coefficients), c(5L, 3L))
  model <- stats::lm(cbind(y, y2, log(z)) ~ x + a, data)
  expect_equal(unname(fit$coefficients[!fit$aliased, ]), unname(stats::coef(model)), tolerance = 1e-11)
  for (i in 1:3) {
    one <- summary(model)[[i]]
    expect_equal(unname(fit$coef.std.error[!fit$aliased, i]), unname(one$coefficients[, 2]), tolerance = 1e-11)
    expect_equal(fit$r.squared[[i]], one$r.squared, tolerance = 1e-11)
    f <- unname(one$fstatistic)
    expect_equal(fit$f.pvalue[[i]], stats::pf(f[1], f[2], f[3], lower.tail = FALSE), tolerance = 1e-8)
  }
  expect_identical(dim(coef(fit)), c(5L, 3L))
})

test_that("covariances are those of vcov() and cov()", {
  data <- small_data()
  fit <- like_lm(y ~ x + a + log(z), data, covCoef = TRUE, covData = TRUE)
  model <- stats::lm(y ~ x + a + log(z), data)
  kept <- !fit$aliased
  expect_equal(unname(fit$covCoef[kept, kept]), unname(stats::vcov(model)), tolerance = 1e-10)
  expect_true(all(is.na(fit$covCoef[!kept, ])) && all(is.na(fit$covCoef[, !kept])))
  used <- model$model
  columns <- cbind(used$x, outer(as.character(used$a), levels(data$a), `==`) + 0, used[["log(z)"]])
  expect_equal(unname(fit$covData), stats::cov(columns), tolerance = 1e-11)
  expect_identical(rownames(fit$covData), names(fit$aliased)[-1])
  plain <- rxLinMod(y ~ x, data)
  expect_null(plain$covCoef)
  expect_null(plain$covData)
  weighted <- rxLinMod(y ~ x + z, data, pweights = "weight", covData = TRUE, covCoef = TRUE)
  rows <- stats::complete.cases(data[c("y", "x", "z")]) & data$weight > 0
  w <- data$weight[rows]
  used <- data[rows, c("x", "z")]
  centred <- scale(used, center = vapply(used, stats::weighted.mean, 0, w = w), scale = FALSE)
  expected <- crossprod(centred * sqrt(w)) / sum(w) * length(w) / (length(w) - 1)
  expect_equal(unname(weighted$covData), unname(expected), tolerance = 1e-11)
  expect_equal(weighted$covCoef, stats::vcov(stats::lm(y ~ x + z, data, weights = weight)), tolerance = 1e-10)
})

test_that("sums of squares and the condition number are those of the rows used", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + z, data)
  rows <- stats::complete.cases(data[c("y", "x", "z")])
  expect_equal(fit$total.squares[["y"]], sum(data$y[rows]^2), tolerance = 1e-13)
  expect_equal(fit$y.var[["y"]], sum((data$y[rows] - mean(data$y[rows]))^2), tolerance = 1e-13)
  correlation <- stats::cor(data[rows, c("x", "z")])
  expect_equal(fit$condition.number, norm(correlation, "1") * norm(solve(correlation), "1"), tolerance = 1e-12)
  expect_equal(rxLinMod(y ~ x, data)$condition.number, 1)
  expect_identical(fit$nValidObs, sum(rows))
})

test_that("coefficients are labelled in both styles", {
  data <- small_data()
  revo <- names(coef(rxLinMod(y ~ x + a + a:b + x:a + F(freq) + N(s) + log(z), data, transforms = list(
    s = factor(s, levels = c("gamma", "beta", "Alpha"))
  ))))
  expect_identical(revo[c(1:5, 9, 17)], c("(Intercept)", "x", "a=q", "a=p", "a=r", "a=q, b=u", "a=r, b=w"))
  expect_identical(revo[18:20], paste0("x for a=", c("q", "p", "r")))
  expect_identical(revo[21:26], c(paste0("F_freq=", 0:3), "N_s", "log(z)"))
  r <- names(coef(rxLinMod(y ~ x + a + a:b + x:a, data, coefLabelStyle = "R")))
  expect_identical(r[c(1:5, 6, 9)], c("(Intercept)", "x", "a1", "a2", "a3", "a1:b1", "a1:b2"))
  expect_identical(r[18:20], c("x:a1", "x:a2", "x:a3"))
})

test_that("text is a factor with sorted levels", {
  data <- small_data()
  fit <- rxLinMod(y ~ s, data)
  expect_identical(names(coef(fit))[-1], paste0("s=", c("Alpha", "beta", "gamma")))
  file <- temp_file(".csv")
  utils::write.csv(data, file, row.names = FALSE)
  expect_equal(coef(rxLinMod(y ~ s, RxTextData(file, rowsPerRead = 30))), coef(fit), tolerance = 1e-12)
})

test_that("transforms, row selections and transformFunc work on every source", {
  flights <- as_lm_factors(flights_frame())
  flights$speed <- flights$distance / flights$air_time * 60
  flights$season <- factor(ifelse(flights$month %in% 6:8, "summer", "year"))
  threshold <- 100
  model <- stats::lm(arr_delay ~ speed + season + origin, flights, subset = which(dep_delay > threshold))
  seasonal <- function(chunk) {
    chunk$season <- ifelse(chunk$month %in% 6:8, "summer", "year")
    chunk
  }
  for (source in flights_sources()) {
    fit <- like_lm(arr_delay ~ speed + season + origin, source,
      transforms = list(speed = distance / air_time * 60), rowSelection = dep_delay > threshold,
      transformFunc = seasonal, transformVars = "month"
    )
    expect_equals_lm(fit, model)
  }
})

test_that("levels made by transforms are joined over all chunks", {
  data <- data.frame(n = 1:2000, y = sin(1:2000))
  file <- temp_file(".csv")
  utils::write.csv(data, file, row.names = FALSE)
  data$f <- factor(letters[(data$n - 1) %/% 200 + 1])
  model <- stats::lm(y ~ f, data)
  xdf <- rxImport(data[1:2], temp_file(), rowsPerRead = 300)
  for (source in list(RxTextData(file, rowsPerRead = 300), xdf)) {
    text <- like_lm(y ~ f, source, transforms = list(f = letters[(n - 1) %/% 200 + 1]))
    expect_equals_lm(text, model)
    expect_identical(rownames(text$coefficients)[-1], paste0("f=", letters[1:10]))
    factors <- like_lm(y ~ f, source, transforms = list(f = factor(letters[(n - 1) %/% 200 + 1])))
    expect_equals_lm(factors, model)
  }
})

test_that("a perfect fit, a constant response and rows as many as coefficients are no errors", {
  exact <- rxLinMod(y ~ x, data.frame(x = 1:10, y = 3 + 2 * (1:10)))
  expect_equal(unname(coef(exact)), c(3, 2), tolerance = 1e-14)
  expect_equal(exact$r.squared[["y"]], 1)
  constant <- rxLinMod(y ~ x, data.frame(x = 1:10, y = 5))
  expect_equal(unname(coef(constant)), c(5, 0))
  saturated <- rxLinMod(y ~ x, data.frame(x = c(1, 2), y = c(1, 3)))
  expect_equal(unname(coef(saturated)), c(-1, 2), tolerance = 1e-14)
  expect_identical(saturated$df[2], 0)
  expect_true(is.nan(saturated$sigma) && all(is.na(saturated$coef.p.value)))
  expect_output(print(summary(saturated)), "on 0 degrees of freedom")
})

test_that("collinear columns are dropped with a warning that names them", {
  data <- small_data()
  data$x2 <- 2 * data$x - data$z
  warned <- expect_warning(fit <- rxLinMod(y ~ x + z + x2, data), class = "rxscale_warning_collinear")
  expect_s3_class(warned, "rxscale_warning")
  expect_identical(warned$columns, "x2")
  expect_true(is.na(coef(fit)[["x2"]]))
  expect_equal(coef(fit)[1:3], coef(rxLinMod(y ~ x + z, data)), tolerance = 1e-10)
  expect_warning(rxLinMod(y ~ x + one, transform(data, one = 7)), class = "rxscale_warning_collinear")
  expect_no_warning(rxLinMod(y ~ a + b + a:b, data))
  # Nearly collinear is not collinear.
  near <- transform(data, near = x + 1e-4 * z)
  expect_equal(sum(rxLinMod(y ~ x + near, near)$aliased), 0)
  many <- cbind(data["y"], data$x %o% stats::setNames(1:12, paste0("x", 1:12)))
  expect_snapshot(fit <- rxLinMod(y ~ ., many))
})

test_that("a fit keeps neither data nor the environment of its formula", {
  fit <- local({
    large <- numeric(1e6)
    rxLinMod(y ~ x, small_data())
  })
  expect_lt(length(serialize(fit, NULL)), 20000)
})

test_that("a model is no larger for many levels, and equals the group means", {
  many <- data.frame(f = factor(rep(1:1000, 30)), y = sin(1:30000))
  fit <- rxLinMod(y ~ f, many, dropFirst = TRUE)
  means <- vapply(split(many$y, many$f), mean, 0)
  expect_equal(unname(coef(fit)[-(1:2)]), unname(means[-1] - means[1]), tolerance = 1e-10)
})

test_that("models print as the reference's", {
  data <- small_data()
  fit <- rxLinMod(y ~ x + a + x:b, data)
  expect_snapshot({
    fit
    summary(fit)
    summary(rxLinMod(cbind(y, y2) ~ F(k), data, fweights = "freq", dropFirst = TRUE))
    print(rxLinMod(y ~ x, data, pweights = "weight"), digits = 3)
  })
  expect_identical(coef(fit), fit$coefficients[, 1])
  table <- summary(fit)$coefficients$y
  expect_identical(colnames(table), c("Estimate", "Std. Error", "t value", "Pr(>|t|)"))
})

test_that("coefficients of the flights are those of exact arithmetic", {
  # X'X and X'y of these columns are whole numbers; the normal equations were solved in rational arithmetic. lm() agrees
  # to 2e-9 only, since its reference level has 32 rows.
  exact <- c(
    "(Intercept)" = -1.4458149924355361,
    "carrier=UA" = -6.7798275841037725,
    "carrier=AA" = -5.9910422295673085,
    "carrier=B6" = -1.3447157571020474,
    "carrier=DL" = -5.4893830095465335,
    "carrier=EV" = -3.721906874569389,
    "carrier=MQ" = 1.4439763933061742,
    "carrier=US" = -0.5791931485096282,
    "carrier=WN" = -7.018052796824926,
    "carrier=VX" = -7.300379567785519,
    "carrier=FL" = 2.3330119700318894,
    "carrier=AS" = -13.119880868070968,
    "carrier=9E" = -7.549161721418571,
    "carrier=F9" = 3.6405189570078687,
    "carrier=HA" = -4.5778511373451165,
    "carrier=YV" = -2.8649096285194986,
    "dep_delay" = 1.0189375084670051,
    "origin=EWR" = 1.5304044339647833,
    "origin=LGA" = 1.0554879142635336,
    "distance" = -0.0011810010455465057
  )
  factors <- rxImport(flights_file(), temp_file(), colClasses = c(carrier = "factor", origin = "factor"))
  for (source in list(factors, rxImport(factors))) {
    fit <- rxLinMod(arr_delay ~ carrier + dep_delay + origin + distance, source)
    expect_lt(max(abs(coef(fit)[names(exact)] / exact - 1)), 1e-11)
  }
})

# How a list of transforms runs: the number of steps that compile, and the steps there are.
steps_of <- function(data, ..., caller = parent.frame()) {
  transform <- compose_transform(names(data), ..., caller = caller)
  compiled <- engine_call(rx_engine_compiled, frame_source(data, transform = transform))
  list(compiled = compiled$steps, all = length(transform$labels), why = compiled$why)
}

expect_compiles <- function(data, ..., caller = parent.frame()) {
  steps <- steps_of(data, ..., caller = caller)
  expect_identical(steps$compiled, as.numeric(steps$all))
}

test_that("compiled expressions have the values, types and levels that R gives them", {
  cases <- if (Sys.getenv("RXSCALE_SLOW_TESTS") == "") 300 else 5000
  compiled <- withr::with_seed(8402, {
    data <- awkward_data()
    types <- c("numeric", "integer", "logical", "text", "factor", "date", "time")
    vapply(seq_len(cases), function(case) {
      expression <- random_expression(types[case %% length(types) + 1], sample(1:4, 1))
      found <- suppressWarnings(compiled_column(data, expression, threads = case %% 3 + 1))
      if (!is.null(found)) {
        expect_same_column(found, suppressWarnings(evaluated_column(data, expression)), expression)
      }
      !is.null(found)
    }, NA)
  })
  expect_gt(mean(compiled), 0.8)
})

test_that("NA and NaN stay what they are", {
  x <- c(NA, NaN, 1, Inf)
  result <- transformed(data.frame(x), transforms = quote(list(
    plus = x + 1, power = x^2, zero = x^0, one = 1^x, root = sqrt(x), picked = ifelse(x > 0, x, 0), rest = x %% 2,
    text = ifelse(is.nan(x), "not a number", NA), least = pmin(x, 5), days = as.Date("2020-01-01") + x
  )))
  expect_identical(is.nan(result$plus), c(FALSE, TRUE, FALSE, FALSE))
  expect_identical(is.nan(result$power), c(FALSE, TRUE, FALSE, FALSE))
  expect_identical(result$zero, c(1, 1, 1, 1))
  expect_identical(result$one, c(1, 1, 1, 1))
  expect_identical(is.nan(result$root), c(FALSE, TRUE, FALSE, FALSE))
  expect_identical(result$picked, c(NA, NA, 1, Inf))
  expect_false(is.nan(result$rest[1]))
  expect_true(is.nan(result$rest[2]) && is.nan(result$rest[4]))
  expect_identical(result$text, c(NA, "not a number", NA, NA))
  expect_identical(result$least, c(NA, NaN, 1, 5))
  expect_identical(result$days, as.Date("2020-01-01") + x)
})

test_that("what overflows is missing, with one warning in R's words", {
  data <- data.frame(i = rep(c(.Machine$integer.max, 1L), 5000), x = c(-1, 3e9))
  warnings <- capture_warnings(
    result <- transformed(
      data, rows = 100, transforms = quote(list(sum = i + 1L, root = sqrt(x), whole = as.integer(x), twice = sum * 2L))
    )
  )
  expect_identical(result$sum, rep(c(NA, 2L), 5000))
  expect_identical(result$root, suppressWarnings(sqrt(data$x)))
  expect_identical(result$whole, rep(c(-1L, NA), 5000))
  expect_setequal(warnings, c(
    "NAs produced by integer overflow (in 'sum')", "NaNs produced (in 'root')",
    "NAs introduced by coercion to integer range (in 'whole')"
  ))
})

test_that("steps run compiled until one does not compile", {
  data <- data.frame(x = 1:4 + 0.5, s = c("a", "b", "a", NA))
  expect_compiles(data, quote(list(y = x + 1, z = y > 3, y = NULL)), rowSelection = quote(z & !is.na(s)))
  asked <- quote(list(y = x + 1, top = max(x), z = y * 2))
  steps <- steps_of(data, asked)
  expect_identical(steps$compiled, 1)
  result <- transformed(data, transforms = asked, rowSelection = quote(z > 5), rows = 4)
  expect_identical(result, data.frame(data, y = data$x + 1, top = 4.5, z = (data$x + 1) * 2)[2:4, ], ignore_attr = TRUE)
  expect_identical(steps_of(data, quote(list(y = x)), transformFunc = function(chunk) chunk)$compiled, 0)
})

test_that("what may differ from chunk to chunk is R's", {
  data <- data.frame(x = c(1, 2, 3, 4, 5), s = letters[1:5])
  total <- 1
  for (expression in expression(
    x - mean(x), cumsum(x), x[1], rev(x), runif(5), { x }, .rxNumRows + x, ifelse(TRUE, x, 0), length(x), s < "b",
    as.numeric(s), as.character(x), factor(s), x %% 0.3, floor(x > 1), is.na(s) + as.factor(s), cut(x, 3), x %in% x
  )) {
    expect_identical(steps_of(data, call("list", y = expression))$compiled, 0, info = deparse(expression))
  }
  expect_identical(steps_of(data, quote(list(y = x + total, z = .rxSet("total", 2))))$compiled, 0)
})

test_that("a function that hides base R's is called", {
  data <- data.frame(x = c(1, NA))
  sqrt <- function(x) x * 100
  expect_identical(transformed(data, transforms = quote(list(y = sqrt(x))))$y, c(100, NA))
  expect_identical(
    transformed(data, transforms = quote(list(y = abs(x))), transformObjects = list(abs = function(x) -5))$y, c(-5, -5)
  )
  expect_compiles(data, quote(list(y = base::sqrt(x))))
})

test_that("constants come from the call, the objects and the caller", {
  data <- data.frame(x = 1:6 + 0, s = c("a", "b", "c", "a", NA, "d"))
  limit <- 2
  kept <- c("a", NA)
  since <- as.Date("2013-06-30")
  asked <- quote(list(
    y = x > limit, z = s %in% kept, w = x * factor2, v = cut(x, seq(0, 6, by = 3)), u = since + x,
    t = factor(x, levels = 1:3, labels = c("one", "two", "three"))
  ))
  expect_compiles(data, asked, transformObjects = list(factor2 = 10))
  result <- transformed(data, transforms = asked, transformObjects = list(factor2 = 10))
  expect_identical(result$y, data$x > 2)
  expect_identical(result$z, data$s %in% kept)
  expect_identical(result$w, data$x * 10)
  expect_identical(result$v, cut(data$x, seq(0, 6, by = 3)))
  expect_identical(result$u, since + data$x)
  expect_identical(result$t, factor(data$x, levels = 1:3, labels = c("one", "two", "three")))
})

test_that("rows know their chunk", {
  data <- data.frame(x = seq_len(150000) + 0)
  asked <- quote(list(start = .rxStartRow, chunk = .rxChunkNum, test = .rxIsTestChunk))
  expect_compiles(data, asked)
  transform <- compose_transform("x", asked, rowSelection = quote(x > 70001))
  in_r <- transform
  in_r$steps <- NULL
  for (threads in c(1, 4)) {
    found <- through_engine(data, transform = c(transform, rows = 40000), threads = threads)
    expect_identical(found, through_engine(data, transform = c(in_r, rows = 40000)))
  }
})

test_that("flights give the same compiled and in R, from every source and with any threads", {
  asked <- quote(list(
    hours = air_time / 60, speed = distance / hours, gain = dep_delay - arr_delay, late = arr_delay > 15 & !is.na(gain),
    size = cut(distance, c(0, 500, 1500, 5000), labels = c("short", "middle", "long")), route = paste(origin, dest),
    day_of_year = as.Date("2013-01-01") + day, big = ifelse(carrier %in% c("AA", "UA", "DL"), carrier, "other"),
    month = factor(month, levels = 1:12, labels = month.abb), code = nchar(dest), origin = NULL
  ))
  chosen <- quote(speed > 300 | is.na(speed) & size == "long")
  names <- names(flights_frame())
  transform <- compose_transform(names, asked, rowSelection = chosen)
  in_r <- transform
  in_r$steps <- NULL
  expected <- through_engine(flights_frame(), transform = c(in_r, rows = 1e6))
  expect_identical(expected$speed, with(flights_frame(), distance / (air_time / 60))[
    with(flights_frame(), which(distance / (air_time / 60) > 300 | is.na(air_time) & distance > 1500))
  ])
  for (source in flights_sources()) {
    for (threads in c(1, 2, 8)) {
      spec <- source_spec(source, transform = transform)
      expect_identical(engine_call(rx_engine_compiled, spec)$steps, 13)
      read <- engine_call(rx_engine_import, spec, NULL, list(type = "frame"), one_job(threads))
      expect_identical(structure(read$columns, row.names = .set_row_names(read$rows), class = "data.frame"), expected)
    }
  }
})

test_that("dates, times with zones, and every other kind pass through and compute", {
  data <- all_kinds()
  attr(data$time, "tzone") <- "America/New_York"
  asked <- quote(list(
    later = day + 1L, hour_later = time + 3600, since = as.numeric(day - as.Date("2000-01-01")),
    before = day < "2013-06-01",
    good = grade >= "B", low = group == "low", flagged = ifelse(flag, count, size), same_day = day, same_time = time
  ))
  expect_compiles(data, asked, rowSelection = quote(!is.na(flag)))
  result <- transformed(data, transforms = asked, rowSelection = quote(!is.na(flag)))
  expected <- subset(within(data, {
    same_time <- time
    same_day <- day
    flagged <- ifelse(flag, count, size)
    low <- group == "low"
    good <- grade >= "B"
    before <- day < "2013-06-01"
    since <- as.numeric(day - as.Date("2000-01-01"))
    hour_later <- time + 3600
    later <- day + 1L
  }), !is.na(flag))
  expect_identical(result, expected[names(result)], ignore_attr = "row.names")
})

test_that("analyses compile transforms, selections and formulas", {
  out <- capture.output(fit <- rxLinMod(
    arr_delay ~ speed + log(distance), flights_xdf(), transforms = list(speed = distance / air_time),
    rowSelection = month < 3, verbose = 1
  ))
  expect_match(out, "^Compiled: speed, rowSelection, log\\(distance\\)$", all = FALSE)
  data <- subset(transform(flights_frame(), speed = distance / air_time), month < 3)
  expected <- unname(coef(lm(arr_delay ~ speed + log(distance), data)))
  expect_equal(unname(fit$coefficients[, 1]), expected, tolerance = 1e-9)
  out <- capture.output(rxSummary(
    ~late, flights_xdf(), transforms = list(late = arr_delay > 15, day = weekdays(as.Date("2013-01-01") + day)),
    verbose = 1
  ))
  expect_match(out, "Compiled: late", fixed = TRUE, all = FALSE)
  expect_match(out, "Run in R: day (weekdays())", fixed = TRUE, all = FALSE)
})

test_that("what keeps an expression from compiling is named", {
  half <- function(x) x / 2
  object <- factor("a")
  log <- function(x) x
  cases <- list(
    "half\\(\\)" = quote(half(mpg)), "cut\\(\\) without given breaks" = quote(cut(mpg, 3)),
    "'object' of class factor" = quote(ifelse(mpg > 20, object, 1)), "log\\(\\) that is not base R's" = quote(log(mpg)),
    "rev\\(\\)" = quote(1 + rev(mpg)), "[.]rxNumRows" = quote(mpg * .rxNumRows),
    "factor\\(\\) without given levels" = quote(factor(cyl)), "x %% y unless" = quote(mpg %% wt)
  )
  for (why in names(cases)) {
    step <- bquote(rxDataStep(mtcars, transforms = list(y = .(cases[[why]])), verbose = 1))
    expect_output(eval(step), sprintf("Run in R: y \\(.*%s.*\\)", why))
  }
})

test_that("names that are not there are answered with those that are", {
  error <- expect_error(
    rxImport(data.frame(speed = 1), transforms = list(y = sped + 1)), class = "rxscale_error_transform"
  )
  expect_match(conditionMessage(error), "Did you mean 'speed'? Visible are: speed.", fixed = TRUE)
})

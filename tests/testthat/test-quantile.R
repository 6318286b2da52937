# Equal to stats::quantile() of the type that the kind of number calls for, on every source.

probs <- c(0, 0.001, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.999, 1)

type_of <- function(x, type) stats::quantile(x, probs, na.rm = TRUE, type = type)

test_that("a name means a column", {
  expect_identical(rxQuantile(".", data.frame(a = 1:2, . = 3:4, check.names = FALSE), probs = 1), c(`100%` = 4))
  expect_error(rxQuantile(".", data.frame(a = 1:2)), class = "rxscale_error_missing_column")
})

test_that("whole numbers have quantiles of type 1 on every source", {
  frame <- flights_frame()
  for (source in flights_sources()) {
    for (name in c("arr_delay", "distance")) {
      expect_equal(rxQuantile(name, source, probs = probs), type_of(frame[[name]], 1), info = name)
    }
  }
})

test_that("other numbers have quantiles of type 4", {
  frame <- flights_frame()[c("distance", "air_time")]
  frame$speed <- frame$distance / frame$air_time * 60
  set.seed(1)
  frame$noise <- rnorm(nrow(frame), sd = 1e5)
  file <- temp_file()
  rxImport(frame, file, rowsPerRead = 10000)
  for (source in list(frame, file)) {
    expect_equal(rxQuantile("speed", source, probs = probs), type_of(frame$speed, 4))
    expect_equal(rxQuantile("noise", source, probs = probs), type_of(frame$noise, 4))
  }
  expect_equal(rxQuantile("mpg", mtcars), quantile(mtcars$mpg, type = 4))
  many <- seq(0, 1, length.out = 501)
  expect_equal(rxQuantile("noise", file, probs = many, names = FALSE), unname(quantile(frame$noise, many, type = 4)))
})

test_that("infinite values, both zeros and few rows are as in quantile()", {
  x <- c(Inf, -Inf, 0, -0, 5, NA, 2.5, NaN)
  expect_equal(rxQuantile("x", data.frame(x), probs = probs), type_of(x, 4))
  expect_equal(rxQuantile("x", data.frame(x = 3.5), probs = probs), type_of(3.5, 4))
  expect_equal(rxQuantile("x", data.frame(x = c(NA_real_, NA))), type_of(numeric(), 4)[c(1, 4, 6, 7, 10)])
  expect_equal(unname(rxQuantile("x", data.frame(x = c(TRUE, FALSE, TRUE)))), c(0, 0, 1, 1, 1))
  odd <- data.frame(`odd name` = 1:9, check.names = FALSE)
  expect_equal(rxQuantile("odd name", odd), type_of(1:9, 1)[c(1, 4, 6, 7, 10)])
})

test_that("frequencies stand for rows", {
  set.seed(2)
  data <- data.frame(x = round(rnorm(500), 2), i = sample(50, 500, TRUE), f = sample(0:4, 500, TRUE))
  rows <- data[rep(seq_len(500), data$f), ]
  expect_equal(rxQuantile("x", data, fweights = "f", probs = probs), type_of(rows$x, 4))
  expect_equal(rxQuantile("i", data, fweights = "f", probs = probs), type_of(rows$i, 1))
})

test_that("probability weights are shares of the whole", {
  set.seed(3)
  data <- data.frame(i = sample(1000, 5000, TRUE), x = rnorm(5000), w = runif(5000), one = 0.25)
  by_value <- tapply(data$w, data$i, sum)
  reached <- function(p) as.numeric(names(by_value))[which(cumsum(by_value) >= p * sum(by_value) * (1 - 1e-14))[1]]
  expect_equal(unname(rxQuantile("i", data, pweights = "w", probs = probs)), vapply(probs, reached, 0))
  # Rows of one weight are rows.
  expect_equal(rxQuantile("x", data, pweights = "one", probs = probs), type_of(data$x, 4))
  sorted <- data[order(data$x), ]
  line <- stats::approx(cumsum(sorted$w) / sum(sorted$w), sorted$x, probs[-1])$y
  line[is.na(line)] <- min(data$x)
  expect_equal(unname(rxQuantile("x", data, pweights = "w", probs = probs))[-1], line)
})

test_that("multiples and bins of equal width are what they say", {
  x <- flights_frame()$distance / 7
  data <- data.frame(x)
  expect_equal(rxQuantile("x", data, multiple = 10, probs = probs), type_of(round(x * 10), 1) / 10)
  bins <- cut(x, seq(min(x), max(x), length.out = 101), include.lowest = TRUE, right = FALSE)
  cumulated <- c(0, cumsum(tabulate(bins, 100))) / length(x)
  straight <- stats::approx(cumulated, seq(min(x), max(x), length.out = 101), probs, ties = "ordered")$y
  found <- rxQuantile("x", data, numericBins = TRUE, numNumericBreaks = 101, probs = probs)
  expect_lt(max(abs(found - straight)), diff(range(x)) / 100)
  expect_equal(found[["50%"]], straight[6])
})

test_that("dates and times keep their class", {
  data <- data.frame(day = as.Date("2013-01-01") + c(0:9, NA))
  expect_equal(rxQuantile("day", data), quantile(data$day, type = 1, na.rm = TRUE))
  time <- data.frame(t = as.POSIXct(c(0, 60, 90), origin = "1970-01-01", tz = "UTC"))
  expect_equal(rxQuantile("t", time, probs = 0.5, names = FALSE), as.POSIXct(30, origin = "1970-01-01", tz = "UTC"))
})

test_that("what has no quantiles is an error", {
  expect_error(rxQuantile("origin", flights_xdf()), class = "rxscale_error_wrong_type")
  expect_error(rxQuantile("arr_dealy", flights_xdf()), "arr_delay", class = "rxscale_error_missing_column")
  expect_error(rxQuantile(".", mtcars), class = "rxscale_error_missing_column")
  expect_error(rxQuantile("mpg", mtcars, probs = 1.5), "probs", class = "rxscale_error_argument")
  expect_error(rxQuantile("mpg", mtcars, "wt", "cyl"), "exclude", class = "rxscale_error_argument")
  expect_error(rxQuantile("mpg", mtcars, numericBins = NA), "numericBins", class = "rxscale_error_argument")
})

test_that("verbose tells the rows", {
  expect_output(rxQuantile("mpg", mtcars, verbose = 1), "32 rows used")
})

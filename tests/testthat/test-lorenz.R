# Curves are those of sorting and cumulating; the Gini coefficient that of its formula for sorted values.

# sum((2 i - n - 1) x_i) / (n sum(x)), x in ascending order.
gini_of <- function(x) {
  x <- sort(as.numeric(x))
  n <- length(x)
  sum((2 * seq_len(n) - n - 1) * x) / (n * sum(x))
}

test_that("equality has no area and one for all nearly all of it", {
  same <- rxLorenz("income", data = data.frame(income = rep(100, 10)), numBreaks = 100)
  expect_s3_class(same, c("rxLorenz", "data.frame"), exact = TRUE)
  expect_identical(same$cumVals, c(0, 100))
  expect_identical(same$percents, c(0, 100))
  expect_identical(rxGini(same), 0)
  one <- rxLorenz("income", data = data.frame(income = c(rep(0, 99), 100)), numBreaks = 100)
  expect_identical(one$cumVals, c(0, 0, 100))
  expect_identical(one$percents, c(0, 99, 100))
  expect_equal(rxGini(one), 0.99, tolerance = 1e-14)
  expect_identical(attr(one, "description"), "income")
})

test_that("curves are cumulated shares of sorted rows", {
  data <- flights_frame()[c("distance", "air_time", "hour")]
  file <- temp_file()
  rxImport(data, file, rowsPerRead = 20000)
  complete <- data[stats::complete.cases(data), ]
  by_hour <- function(x) as.vector(tapply(x, complete$hour, sum))
  for (source in list(data, file)) {
    own <- rxLorenz("distance", data = source)
    expect_equal(rxGini(own), gini_of(data$distance), tolerance = 1e-12)
    other <- rxLorenz("hour", "air_time", source)
    expect_equal(other$cumVals, c(0, 100 * cumsum(by_hour(complete$air_time)) / sum(complete$air_time)))
    expect_equal(other$percents, c(0, 100 * cumsum(by_hour(rep(1, nrow(complete)))) / nrow(complete)))
    weighted <- rxLorenz("hour", "distance", source, fweights = "air_time")
    products <- by_hour(complete$air_time * complete$distance)
    expect_equal(weighted$cumVals, c(0, 100 * cumsum(products) / sum(products)))
    expect_equal(weighted$percents, other$cumVals)
    expect_identical(rxLorenz("hour", "distance", source, pweights = "air_time"), weighted)
  }
  frequent <- data.frame(x = c(1, 5, 9), n = c(3, 1, 2))
  expect_equal(rxGini(rxLorenz("x", data = frequent, fweights = "n")), gini_of(rep(frequent$x, frequent$n)))
})

test_that("of many values there is a point for each share of the rows, on the curve", {
  set.seed(5)
  values <- stats::rlnorm(2e5)
  # More values than groups: they are grouped by their leading digits.
  curve <- rxLorenz("x", data = data.frame(x = values))
  expect_lte(nrow(curve), 1001L)
  expect_gte(nrow(curve), 900L)
  expect_equal(rxGini(curve), gini_of(values), tolerance = 1e-5)
  sorted <- sort(values)
  exact <- 100 * cumsum(sorted)[round(curve$percents[-1] * 2000)] / sum(values)
  expect_equal(curve$cumVals[-1], exact, tolerance = 1e-9)
  # Fewer values than groups, more than breaks.
  few <- rxLorenz("x", data = data.frame(x = values[1:50000]), numBreaks = 50)
  expect_identical(few$percents, 2 * (0:50))
  expect_equal(few$cumVals[-1], 100 * cumsum(sort(values[1:50000]))[1000 * 1:50] / sum(values[1:50000]))
  every <- rxLorenz("x", data = data.frame(x = values), numBreaks = 2e5)
  expect_equal(rxGini(every), gini_of(values), tolerance = 1e-12)
})

test_that("the curve is the same for any number of threads", {
  withr::defer(rxOptions(numCoresToUse = -1))
  set.seed(6)
  data <- data.frame(x = stats::rnorm(3e5), y = stats::runif(3e5), w = stats::runif(3e5))
  curves <- lapply(c(1, 2, 8), function(threads) {
    rxOptions(numCoresToUse = threads)
    rxLorenz("x", "y", data, pweights = "w")
  })
  expect_identical(curves[[2]], curves[[1]])
  expect_identical(curves[[3]], curves[[1]])
})

test_that("dates order and logicals count", {
  data <- data.frame(day = as.Date("2013-01-03") - c(0, 2, 1, NA), late = c(TRUE, FALSE, TRUE, TRUE))
  expect_output(found <- rxLorenz("day", "late", data, verbose = 1), "1 rows left out.", fixed = TRUE)
  expect_identical(found$cumVals, c(0, 0, 50, 100))
})

test_that("curves are drawn", {
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off())
  curve <- rxLorenz("mpg", data = mtcars)
  figure <- plot(curve, subtitle = "S", lineColor = "red", equalityStyle = "dashed", scales = list(tck = 0))
  expect_s3_class(figure, "trellis")
  expect_identical(c(figure$main, figure$sub, figure$ylab), c("Lorenz curve", "S", "Percent of the sum of mpg"))
  expect_identical(figure$panel.args.common$col, "red")
  plain <- plot(curve, title = "T", equalityGridLine = FALSE)
  expect_identical(plain$main, "T")
  expect_error(plot(curve, equalityGridLine = NA), class = "rxscale_error_argument")
})

test_that("what has no curve is an error that says why", {
  data <- data.frame(x = c(1, -3), y = c(0, 0), s = c("a", "b"), na = NA_real_, inf = c(1, Inf))
  caught <- function(...) tryCatch(rxLorenz(..., data = data), rxscale_error = function(e) e$kind)
  expect_identical(caught("x"), "value")
  expect_identical(caught("y"), "value")
  expect_identical(caught("inf"), "value")
  expect_identical(caught("na"), "no_rows")
  expect_identical(caught("s"), "wrong_type")
  expect_identical(caught("X"), "missing_column")
  expect_identical(caught("x", "Y"), "missing_column")
  expect_identical(caught("y", numBreaks = 0), "argument")
  expect_identical(caught("y", numBreaks = 1e9), "memory")
  expect_error(rxGini(data), class = "rxscale_error_argument")
  expect_snapshot(error = TRUE, {
    rxLorenz("x", data = data)
    rxLorenz("na", data = data)
    rxLorenz("s", data = data)
    rxLorenz("y", data = data, numBreaks = 0.5)
    rxGini(data)
  })
})

counts_of <- function(figure, panel = 1) figure$panel.args[[panel]]$y
drawn <- function(...) rxHistogram(..., print = FALSE)

test_that("counts are those of hist() with the bounds given, on every source", {
  delays <- flights_frame()$dep_delay
  breaks <- seq(-30, 120, by = 5)
  expected <- hist(delays[delays >= -30 & delays <= 120], breaks, right = FALSE, plot = FALSE)$counts
  for (source in flights_sources()) {
    figure <- drawn(~dep_delay, source, startVal = -30, endVal = 120, numBreaks = 31)
    expect_s3_class(figure, "trellis")
    expect_equal(counts_of(figure), expected)
    expect_equal(figure$panel.args[[1]]$x, breaks[-31])
  }
})

test_that("free bins of whole and other numbers hold all rows and agree with hist()", {
  flights <- flights_frame()
  data <- data.frame(
    whole = flights$distance, offset = 1e6 + flights$distance / 7, small = flights$air_time / 1e9,
    big = flights$dep_delay * 1e12, wide = exp(flights$arr_delay / 40)
  )
  for (name in names(data)) {
    figure <- drawn(stats::as.formula(paste("~", name)), data)
    left <- figure$panel.args[[1]]$x
    right <- figure$panel.args.common$right
    expect_true(max(counts_of(figure)) > 0 && length(left) <= 41)
    width <- diff(c(left[1], right[1]))
    breaks <- seq(min(left), max(right) + width / 2, by = width)
    expected <- hist(data[[name]], breaks, right = FALSE, plot = FALSE)$counts
    expect_equal(counts_of(figure), expected[expected > 0])
  }
})

test_that("the number of breaks and one bound are kept", {
  x <- flights_frame()$dep_delay
  figure <- drawn(~dep_delay, flights_xdf(), numBreaks = 12)
  expect_equal(sum(counts_of(figure)), sum(!is.na(x)))
  expect_lte(length(counts_of(figure)), 11)
  from <- drawn(~dep_delay, flights_xdf(), startVal = 0)
  expect_equal(sum(counts_of(from)), sum(x >= 0, na.rm = TRUE))
  expect_identical(min(from$panel.args[[1]]$x), 0)
  to <- drawn(~dep_delay, flights_xdf(), endVal = 0, numBreaks = 5)
  expect_equal(sum(counts_of(to)), sum(x <= 0, na.rm = TRUE))
  both <- drawn(~dep_delay, flights_xdf(), startVal = 0, endVal = 1)
  expect_equal(sum(counts_of(both)), sum(x >= 0 & x <= 1, na.rm = TRUE))
})

test_that("whole numbers of a small range have a bar each, and so has F()", {
  figure <- drawn(~month, flights_xdf())
  expect_equal(counts_of(figure), as.vector(table(flights_frame()$month)))
  expect_equal(figure$panel.args[[1]]$x, 1:12 - 0.5)
  expect_equal(counts_of(drawn(~ F(month), flights_xdf())), counts_of(figure))
})

test_that("factors and texts have a bar a level, in panels and with weights", {
  flights <- flights_frame()
  figure <- drawn(~ carrier | origin, flights_xdf(), histType = "Percent")
  shares <- 100 * prop.table(table(flights$carrier[flights$origin == "JFK"]))
  expect_equal(counts_of(figure, 2), as.vector(shares[shares > 0]))
  kept <- drawn(~carrier, flights_xdf(), levelsToKeep = c("UA", "AA"), pweights = "distance")
  expect_equal(counts_of(kept), as.vector(tapply(flights$distance, flights$carrier, sum)[c("AA", "UA")]))
  dropped <- drawn(~carrier, flights_xdf(), levelsToDrop = "UA")
  expect_length(counts_of(dropped), 15)
  two <- drawn(~ dep_delay | origin + F(month, 1, 2), flights_xdf(), rowSelection = carrier == "DL")
  expect_identical(dim(two), c(3L, 2L))
})

test_that("transforms run once, and outliers beyond the first rows are seen", {
  calls <- new.env()
  calls$rows <- 0
  data <- data.frame(x = c(stats::runif(2000), 5000))
  figure <- drawn(~y, data, transformFunc = function(rows) {
    if (.rxChunkNum > 0) calls$rows <- calls$rows + length(rows$x)
    rows$y <- rows$x * 2
    rows
  }, transformVars = "x", transformObjects = list(calls = calls))
  expect_equal(sum(counts_of(figure)), 2001)
  far <- drawn(~x, data.frame(x = c(stats::runif(2000), 5e9)))
  expect_equal(counts_of(far), c(2000, 1))
})

test_that("the look is as asked, in both spellings", {
  figure <- drawn(~cyl, mtcars, title = "T", xTitle = "X", yNumTicks = 3, xAxisMinMax = c(0, 10), fillColor = "red")
  expect_identical(figure$main, "T")
  expect_identical(figure$xlab, "X")
  expect_identical(figure$x.limits, c(0, 10))
  expect_identical(figure$y.scales$tick.number, 3)
  expect_identical(figure$panel.args.common$style$fillColor, "red")
  lattices <- drawn(~cyl, mtcars, main = "M", xlim = c(1, 9), layout = c(1, 1), sub = "S", ylab = "Y")
  expect_identical(list(lattices$main, lattices$sub, lattices$ylab), list("M", "S", "Y"))
  expect_identical(lattices$x.limits, c(1, 9))
  file <- temp_file(".pdf")
  grDevices::pdf(file)
  expect_invisible(shown <- rxHistogram(~ mpg | F(am), mtcars))
  grDevices::dev.off()
  expect_gt(file.size(file), 1000)
})

test_that("bad arguments are refused", {
  expect_error(drawn(mpg ~ cyl, mtcars), class = "rxscale_error_argument", regexp = "formula")
  expect_error(drawn(~ mpg + cyl, mtcars), class = "rxscale_error_argument", regexp = "one variable")
  expect_error(drawn(~mpg, mtcars, histType = "Density"), class = "rxscale_error_argument", regexp = "histType")
  expect_error(drawn(~mpg, mtcars, numBreaks = 1), class = "rxscale_error_argument", regexp = "numBreaks")
  expect_error(drawn(~mpg, mtcars, startVal = 9, endVal = 1), class = "rxscale_error_argument", regexp = "startVal")
  expect_error(drawn(~mpg, mtcars, levelsToKeep = "4"), class = "rxscale_error_argument", regexp = "factors")
  expect_error(drawn(~ F(cyl), mtcars, levelsToDrop = "9"), class = "rxscale_error_argument", regexp = "no level '9'")
  expect_error(drawn(~ mpg | F(hp), mtcars), class = "rxscale_error_argument", regexp = "panels")
  expect_error(drawn(~ mpg | hp, mtcars), class = "rxscale_error_wrong_type")
  expect_error(drawn(~nothing, mtcars), class = "rxscale_error_missing_column")
  expect_error(drawn(~mpg, mtcars, title = 1), class = "rxscale_error_argument", regexp = "title")
})

test_that("data without a value make an empty plot", {
  expect_s3_class(drawn(~x, data.frame(x = c(NA, 1.5))[1, , drop = FALSE]), "trellis")
  expect_s3_class(drawn(~f, data.frame(f = factor(character(), "a"))), "trellis")
})

test_that("data without a row make an empty plot", {
  expect_s3_class(drawn(~wt, mtcars[0, ]), "trellis")
  expect_s3_class(drawn(~ wt | F(am), mtcars[0, ]), "trellis")
})

drawn <- function(...) rxLinePlot(..., print = FALSE)

test_that("rows of small data are the points, in the order of x", {
  figure <- drawn(mpg ~ wt | F(am), mtcars, type = "p")
  expect_s3_class(figure, "trellis")
  manual <- mtcars[mtcars$am == 1, ]
  manual <- manual[order(manual$wt), ]
  expect_equal(figure$panel.args[[2]]$x, manual$wt)
  expect_equal(figure$panel.args[[2]]$y, manual$mpg)
  logs <- drawn(log(mpg) ~ wt, mtcars, rowSelection = cyl == 4, transforms = list(wt = wt * 2))
  expect_equal(sort(logs$panel.args[[1]]$y), sort(log(mtcars$mpg[mtcars$cyl == 4])))
  expect_equal(sort(logs$panel.args[[1]]$x), sort(mtcars$wt[mtcars$cyl == 4]) * 2)
})

test_that("several responses and groups have lines of their own", {
  several <- drawn(mpg + hp ~ wt, mtcars)
  expect_identical(levels(several$panel.args.common$groups), c("mpg", "hp"))
  figure <- drawn(mpg ~ wt, groups = am, data = transform(mtcars, am = factor(am, labels = c("automatic", "manual"))))
  expect_identical(levels(figure$panel.args.common$groups), c("automatic", "manual"))
  both <- drawn(mpg + hp ~ wt, groups = F(am), data = mtcars)
  expect_identical(levels(both$panel.args.common$groups), c("mpg, 0", "mpg, 1", "hp, 0", "hp, 1"))
})

test_that("large data are means in bins, made by the engine", {
  flights <- flights_frame()
  figure <- drawn(arr_delay ~ hour | origin, flights_xdf())
  used <- flights[flights$origin == "LGA" & !is.na(flights$arr_delay), ]
  expect_equal(figure$panel.args[[3]]$y, as.vector(tapply(used$arr_delay, used$hour, mean)))
  expect_equal(figure$panel.args[[3]]$x, sort(unique(used$hour)))
  fine <- drawn(arr_delay ~ log(distance), flights_xdf())
  expect_lte(length(fine$panel.args[[1]]$x), 1000)
  expect_gt(length(fine$panel.args[[1]]$x), 50)
  by_carrier <- drawn(arr_delay ~ carrier, flights_xdf(), type = "p")
  expect_equal(
    by_carrier$panel.args[[1]]$y, as.vector(tapply(flights$arr_delay, flights$carrier, mean, na.rm = TRUE))
  )
  expect_identical(
    drawn(arr_delay ~ hour, RxTextData(flights_file()))$panel.args[[1]],
    drawn(arr_delay ~ hour, flights_frame())$panel.args[[1]]
  )
})

test_that("the look is as asked", {
  figure <- drawn(mpg + hp ~ wt, mtcars,
    type = c("p", "smooth"), title = "T", lineColor = c("red", "blue"), lineStyle = "dashed", symbolStyle = "square",
    symbolSize = 2, xTitle = "Weight", legend = FALSE
  )
  expect_identical(figure$main, "T")
  expect_identical(figure$par.settings$superpose.line$col, c("red", "blue"))
  expect_identical(figure$par.settings$superpose.symbol$pch, c(0, 0))
  expect_null(figure$legend)
  expect_false(is.null(drawn(mpg + hp ~ wt, mtcars)$legend))
  expect_identical(drawn(mpg ~ wt, mtcars, main = "M", xlim = c(0, 9))$x.limits, c(0, 9))
  file <- temp_file(".pdf")
  grDevices::pdf(file)
  rxLinePlot(mpg ~ wt, mtcars, type = c("p", "r"), symbolStyle = 3)
  grDevices::dev.off()
  expect_gt(file.size(file), 1000)
})

test_that("bad arguments are refused", {
  expect_error(drawn(~wt, mtcars), class = "rxscale_error_argument", regexp = "formula")
  expect_error(drawn(mpg ~ wt, mtcars, type = "z"), class = "rxscale_error_argument", regexp = "type")
  expect_error(drawn(mpg ~ wt, mtcars, symbolStyle = "blob"), class = "rxscale_error_argument", regexp = "symbolStyle")
  expect_error(drawn(nothing ~ wt, mtcars), class = "rxscale_error_missing_column")
  expect_error(drawn(mpg ~ wt, mtcars, xNumTicks = "many"), class = "rxscale_error_argument", regexp = "xNumTicks")
})

test_that("data without a row make an empty plot", {
  expect_s3_class(drawn(mpg ~ wt, mtcars[0, ]), "trellis")
  expect_s3_class(drawn(mpg + hp ~ wt | F(am), mtcars[0, ]), "trellis")
})

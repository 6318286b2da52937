test_that("what a user gives in lattice's spelling goes before RevoScaleR's arguments, and these before our own", {
  style <- list(title = "t", xTitle = "x", xNumTicks = 3, yAxisMinMax = c(0, 1))
  made <- lattice_arguments(list(main = "own", ylab = "own"), style, list(xlab = "given"))
  expect_identical(
    made[c("main", "xlab", "ylab", "ylim")], list(main = "t", xlab = "given", ylab = "own", ylim = c(0, 1))
  )
  expect_identical(made$scales, list(x = list(tick.number = 3)))
  expect_identical(lattice_arguments(list(main = "own"), list(), list()), list(main = "own"))
})

test_that("bad styles are refused by name", {
  expect_null(check_style(list(title = NULL, xTitle = expression(x^2), xNumTicks = 4L, xAxisMinMax = c(0, 1))))
  bad <- list(title = 1, subtitle = NA, xNumTicks = 1.5, yNumTicks = "4", xAxisMinMax = 1, yAxisMinMax = c(0, NA))
  for (name in names(bad)) {
    expect_error(check_style(bad[name]), class = "rxscale_error_argument", regexp = name)
  }
})

test_that("symbols are base R's, by name or number", {
  expect_identical(symbols_of(c("circle", "dot")), c(1, 20))
  expect_identical(symbols_of(3:4), 3:4)
  expect_error(symbols_of("heart"), class = "rxscale_error_argument", regexp = "solid circle")
})

test_that("a plot is drawn if asked, and comes back invisibly", {
  withr::local_pdf(withr::local_tempfile())
  figure <- lattice::xyplot(mpg ~ wt, mtcars)
  expect_invisible(drawn_plot(figure, FALSE))
  expect_identical(drawn_plot(figure, TRUE), figure)
})

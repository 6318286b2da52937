test_that("as.xtabs() of tables and cubes is xtabs()", {
  data <- small_data()
  one <- stats::xtabs(y ~ a + b, data)
  expect_equal(without_call(as.xtabs(rxCrossTabs(y ~ a:b, data))), without_call(one))
  expect_equal(without_call(as.xtabs(rxCube(y ~ a:b, data, means = FALSE))), without_call(one))
  counts <- stats::xtabs(~ a + b, data)
  expect_identical(without_call(as.xtabs(rxCrossTabs(~ a:b, data))), without_call(counts))
  expect_identical(without_call(as.xtabs(rxCube(~ a:b, data))), without_call(counts))
  several <- stats::xtabs(cbind(y, z) ~ a + b + ok, data)
  expect_equal(without_call(as.xtabs(rxCrossTabs(cbind(y, z) ~ a:b:ok, data))), without_call(several))
  expect_equal(without_call(as.xtabs(rxCube(cbind(y, z) ~ a:b:ok, data, means = FALSE))), without_call(several))
  removed <- rxCrossTabs(y ~ a:b:F(k, 0, 7), data, removeZeroCounts = TRUE)
  expect_length(removed$sums, 6)
  expect_identical(
    without_call(as.xtabs(removed)), without_call(rxCrossTabs(y ~ a:b:F(k, 0, 7), data, returnXtabs = TRUE))
  )
})

test_that("marginals are sums, and means of all observations", {
  tables <- rxCrossTabs(mpg ~ F(am):F(gear), mtcars, means = TRUE, marginals = TRUE)
  sums <- attr(tables$sums[[1]], "marginals")
  expect_equal(sums, list(
    row = c(tapply(mtcars$mpg, mtcars$am, sum)), column = c(tapply(mtcars$mpg, mtcars$gear, sum)),
    grand = sum(mtcars$mpg)
  ), tolerance = 1e-14)
  expect_identical(attr(tables$counts[[1]], "marginals")$grand, 32L)
  means <- attr(tables$means[[1]], "marginals")
  expect_equal(unname(means$column), c(NaN, mean(mtcars$mpg[mtcars$gear == 4]), NaN))
  dropped <- rxMarginals(tables, output = "means", na.rm = TRUE)[[1]]
  expect_equal(dropped$row, c(tapply(mtcars$mpg, mtcars$am, mean)))
  expect_equal(dropped$grand, mean(mtcars$mpg))
  expect_identical(rxMarginals(tables)[[1]], sums)
  expect_identical(rxMarginals(rxCrossTabs(~ F(am):F(gear), mtcars))[[1]]$column, c(`3` = 15L, `4` = 12L, `5` = 5L))
  expect_identical(rxMarginals(rxCrossTabs(~ F(gear), mtcars))[[1]], list(row = NULL, column = NULL, grand = 32L))
})

test_that("means are there if asked for, and made by mean() and as.list()", {
  without <- rxCrossTabs(mpg ~ F(cyl):F(am), mtcars)
  expect_null(without$means)
  with <- rxCrossTabs(mpg ~ F(cyl):F(am), mtcars, means = TRUE)
  expect_equal(mean(without, marginals = FALSE), with$means)
  expect_identical(as.list(with, "counts"), with$counts)
  expect_identical(as.list(with), with$means)
  expect_identical(as.list(without), without$sums)
  expect_named(attr(mean(with)[[1]], "marginals"), c("row", "column", "grand"))
  expect_error(mean(rxCrossTabs(~ F(cyl), mtcars)), class = "rxscale_error_argument", regexp = "no response")
})

test_that("tables print with a header, marginals and shares", {
  admissions <- as.data.frame(UCBAdmissions)
  small <- admissions[admissions$Dept %in% c("A", "B"), ]
  small$Dept <- factor(small$Dept)
  expect_snapshot(rxCrossTabs(Freq ~ Gender:Admit:Dept, small))
  expect_snapshot(print(rxCrossTabs(mpg ~ F(cyl):F(am), mtcars, means = TRUE), marginals = TRUE, na.rm = TRUE))
  expect_snapshot(print(rxCrossTabs(mpg ~ F(cyl):F(am), mtcars), output = "counts", header = FALSE))
  expect_snapshot(summary(rxCrossTabs(Freq ~ Gender:Admit:Dept, small)))
  expect_snapshot(summary(rxCrossTabs(Freq ~ Gender:Admit:Dept, small), type = "chisquare"))
  expect_snapshot(summary(rxCrossTabs(mpg ~ F(am), mtcars, means = TRUE)))
  expect_snapshot(summary(rxCrossTabs(~ F(am), mtcars)))
})

test_that("bad arguments of methods are refused", {
  data <- small_data()
  tables <- rxCrossTabs(y ~ a:b, data)
  expect_error(print(tables, output = "mean"), class = "rxscale_error_argument", regexp = "output")
  expect_error(summary(tables, type = "chi"), class = "rxscale_error_argument", regexp = "type")
  expect_error(print(rxCrossTabs(~a, data), output = "sums"), class = "rxscale_error_argument", regexp = "no response")
  expect_error(rxMarginals(3), class = "rxscale_error_argument", regexp = "rxCrossTabs")
  expect_error(as.xtabs("a"), class = "rxscale_error_argument", regexp = "rxCube")
})

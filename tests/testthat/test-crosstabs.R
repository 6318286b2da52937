without_call <- function(x) structure(x, call = NULL)

test_that("tables are those of xtabs()", {
  flights <- as_lm_factors(flights_frame()[c("origin", "carrier", "month", "arr_delay")])
  for (source in flights_sources()[c("frame", "xdf")]) {
    counted <- rxCrossTabs(~ origin:carrier, source)
    expect_s3_class(counted, "rxCrossTabs")
    expect_null(counted$sums)
    expect_equal(counted$counts[[1]], table(flights[c("origin", "carrier")]))
  }
  summed <- rxCrossTabs(arr_delay ~ origin:carrier, flights_xdf(), returnXtabs = TRUE)
  expected <- stats::xtabs(arr_delay ~ origin + carrier, flights)
  expect_identical(without_call(summed), without_call(expected))
  three <- rxCrossTabs(arr_delay ~ origin:carrier:F(month), flights_xdf())
  expected <- stats::xtabs(arr_delay ~ origin + carrier + month, flights)
  expect_identical(unname(unclass(as.xtabs(three))), unname(unclass(expected)), ignore_attr = TRUE)
  expect_identical(names(three$sums)[1:2], c("arr_delay, F_month = 1", "arr_delay, F_month = 2"))
  expect_identical(attr(as.xtabs(three), "call"), three$call)
})

test_that("plus means interaction, and logicals and texts are categories", {
  data <- small_data()
  plus <- rxCrossTabs(y ~ a + s + ok, data)
  expect_identical(plus$sums, rxCrossTabs(y ~ a:s:ok, data)$sums)
  expect_identical(names(plus$sums), c("y, ok = FALSE", "y, ok = TRUE"))
  used <- data[data$ok & !is.na(data$y), ]
  expect_equal(
    unclass(plus$sums[["y, ok = TRUE"]]),
    with(used, tapply(y, list(a = a, s = factor(s, c("Alpha", "beta", "gamma"))), sum, default = 0))
  )
})

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

test_that("rows, columns and tables without rows are left out if asked", {
  tables <- rxCrossTabs(mpg ~ F(am):F(gear):F(cyl), mtcars, means = TRUE, removeZeroCounts = TRUE)
  expect_identical(names(tables$counts), c("mpg, F_cyl = 4", "mpg, F_cyl = 6", "mpg, F_cyl = 8"))
  expect_identical(colnames(tables$counts[[3]]), c("3", "5"))
  expect_true(is.nan(tables$means[[3]]["1", "3"]) && tables$sums[[3]]["1", "3"] == 0)
  expect_identical(tables$counts[[3]]["1", "3"], 0L)
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

test_that("the tests of independence are those of summary.table()", {
  admissions <- as.data.frame(UCBAdmissions)
  tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, admissions)
  for (dept in LETTERS[1:6]) {
    expected <- summary(stats::xtabs(Freq ~ Gender + Admit, admissions[admissions$Dept == dept, ]))
    found <- tables$chisquare[[paste("Freq, Dept =", dept)]]
    expect_equal(found[names(expected) != "call"], unclass(expected)[names(expected) != "call"])
  }
  flights <- flights_frame()
  expected <- summary(table(flights$origin, flights$carrier))
  expect_equal(rxCrossTabs(~ origin:carrier, flights_xdf())$chisquare[[1]]$statistic, expected$statistic)
  expect_true(is.nan(rxCrossTabs(~ F(cyl):F(am), mtcars)$chisquare[[1]]$p.value))
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

test_that("the shipped sample's table is that of the publication", {
  file <- shared_data("AirlineDemoSmall.csv.gz")
  cube <- rxCube(ArrDelay ~ DayOfWeek, RxTextData(file, missingValueString = "M", colClasses = c(DayOfWeek = "factor")))
  expect_identical(sum(cube$Counts), 582628L)
  expect_equal(sum(cube$ArrDelay * cube$Counts) / 582628, 11.31794, tolerance = 1e-6)
})

test_that("bad arguments are refused", {
  data <- small_data()
  expect_error(rxCrossTabs(y ~ a, data, marginals = "yes"), class = "rxscale_error_argument", regexp = "marginals")
  tables <- rxCrossTabs(y ~ a:b, data)
  expect_error(print(tables, output = "mean"), class = "rxscale_error_argument", regexp = "output")
  expect_error(summary(tables, type = "chi"), class = "rxscale_error_argument", regexp = "type")
  expect_error(print(rxCrossTabs(~a, data), output = "sums"), class = "rxscale_error_argument", regexp = "no response")
  expect_error(rxCrossTabs(y ~ x, data), class = "rxscale_error_wrong_type")
  expect_error(rxCrossTabs(~1, data), class = "rxscale_error_argument")
})

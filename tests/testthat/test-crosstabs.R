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

test_that("rows, columns and tables without rows are left out if asked", {
  tables <- rxCrossTabs(mpg ~ F(am):F(gear):F(cyl), mtcars, means = TRUE, removeZeroCounts = TRUE)
  expect_identical(names(tables$counts), c("mpg, F_cyl = 4", "mpg, F_cyl = 6", "mpg, F_cyl = 8"))
  expect_identical(colnames(tables$counts[[3]]), c("3", "5"))
  expect_true(is.nan(tables$means[[3]]["1", "3"]) && tables$sums[[3]]["1", "3"] == 0)
  expect_identical(tables$counts[[3]]["1", "3"], 0L)
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

test_that("the shipped sample's table is that of the publication", {
  file <- shared_data("AirlineDemoSmall.csv.gz")
  cube <- rxCube(ArrDelay ~ DayOfWeek, RxTextData(file, missingValueString = "M", colClasses = c(DayOfWeek = "factor")))
  expect_identical(sum(cube$Counts), 582628L)
  expect_equal(sum(cube$ArrDelay * cube$Counts) / 582628, 11.31794, tolerance = 1e-6)
})

test_that("bad arguments are refused", {
  data <- small_data()
  expect_error(rxCrossTabs(y ~ a, data, marginals = "yes"), class = "rxscale_error_argument", regexp = "marginals")
  expect_error(rxCrossTabs(y ~ x, data), class = "rxscale_error_wrong_type")
  expect_error(rxCrossTabs(~1, data), class = "rxscale_error_argument")
})

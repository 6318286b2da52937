admissions <- as.data.frame(UCBAdmissions)

test_that("chi-squared tests are those of chisq.test(), by stratum", {
  tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, admissions)
  tested <- rxChiSquaredTest(tables)
  expect_s3_class(tested, "rxMultiTest")
  expect_identical(row.names(tested), paste0("Dept==", LETTERS[1:6]))
  expect_named(tested, c("X-squared", "df", "p-value"))
  for (i in 1:6) {
    expected <- stats::chisq.test(UCBAdmissions[2:1, , i])
    expect_equal(tested[["X-squared"]][i], expected$statistic[[1]])
    expect_equal(tested[["p-value"]][i], expected$p.value)
  }
  plain <- rxChiSquaredTest(tables, correct = FALSE)
  expect_equal(plain[["X-squared"]], unname(vapply(tables$chisquare, function(test) test$statistic, 0)))
  expect_equal(rxChiSquaredTest(rxCube(Freq ~ Gender:Admit:Dept, admissions, means = FALSE)), tested)
  expect_equal(rxChiSquaredTest(as.xtabs(tables)), tested)
})

test_that("tables of the flights are tested as base R tests them", {
  flights <- flights_frame()
  tested <- rxChiSquaredTest(rxCrossTabs(~ origin:carrier, flights_xdf()))
  expected <- suppressWarnings(stats::chisq.test(table(flights$origin, flights$carrier)))
  expect_equal(tested[["X-squared"]], expected$statistic[[1]])
  some <- flights[flights$month == 2 & flights$day == 1, ]
  table <- rxCube(~ origin:(dep_delay > 0), flights_xdf(), rowSelection = month == 2 & day == 1)
  expect_equal(
    rxFisherTest(table)[["p-value"]], stats::fisher.test(table(some$origin, some$dep_delay > 0))$p.value
  )
})

test_that("Fisher's tests are those of fisher.test()", {
  tested <- rxFisherTest(rxCrossTabs(Freq ~ Gender:Admit:Dept, admissions))
  expected <- stats::fisher.test(UCBAdmissions[2:1, , 1])
  expected <- stats::fisher.test(t(UCBAdmissions[, , 1]))
  expect_equal(tested["Dept==A", "odds ratio"], expected$estimate[[1]])
  expect_equal(unlist(tested["Dept==A", 2:3], use.names = FALSE), c(expected$conf.int))
  expect_equal(tested["Dept==A", "p-value"], expected$p.value)
  set.seed(1)
  large <- rxCube(~ F(a):F(b), data.frame(a = sample(30, 5000, TRUE), b = sample(30, 5000, TRUE)))
  expect_error(rxFisherTest(large), class = "rxscale_error_argument", regexp = "simulate.p.value")
  expect_named(rxFisherTest(large, simulate.p.value = TRUE, B = 50), "p-value")
})

test_that("Kendall's correlation is that of cor(), in all three forms", {
  cars <- rxCrossTabs(~ F(cyl):F(gear), mtcars)
  tau <- rxKendallCor(cars, seed = 3)
  expect_equal(tau$taub, stats::cor(mtcars$cyl, mtcars$gear, method = "kendall"))
  expect_identical(tau, rxKendallCor(cars, seed = 3))
  expect_true(tau[["p-value"]] < 0.01)
  sign_pairs <- sum(outer(mtcars$cyl, mtcars$cyl, "-") * outer(mtcars$gear, mtcars$gear, "-") > 0) / 2 -
    sum(outer(mtcars$cyl, mtcars$cyl, "-") * outer(mtcars$gear, mtcars$gear, "-") < 0) / 2
  expect_equal(rxKendallCor(cars, type = "a", seed = 1)$taua, sign_pairs / choose(32, 2))
  # The five and three levels that F() makes count.
  expect_equal(rxKendallCor(cars, type = "c", seed = 1)$tauc, sign_pairs * 2 * 3 / (32^2 * 2))
  flights <- flights_frame()[1:3000, ]
  tau <- rxKendallCor(rxCube(~ F(hour):F(day), flights), seed = 2)
  expect_equal(tau$taub, stats::cor(flights$hour, flights$day, method = "kendall"))
})

test_that("p-values of Kendall's correlation are shares of tables with the same margins", {
  table <- as.table(matrix(c(6, 2, 3, 5), 2, dimnames = list(a = 1:2, b = 1:2)))
  p <- rxKendallCor(table, seed = 1)[["p-value"]]
  # In two by two tables that is Fisher's test.
  expect_equal(p, stats::fisher.test(table)$p.value, tolerance = 0.15)
  expect_equal(p * 1000, round(p * 1000))
  expect_true(is.na(rxKendallCor(table + 0.5)[["p-value"]]))
})

test_that("any tests make a table", {
  tests <- list(first = stats::t.test(mtcars$mpg), second = stats::t.test(mtcars$hp))
  several <- rxMultiTest(tests, title = "Two tests")
  expect_identical(row.names(several), c("first", "second"))
  expect_equal(several$t, c(tests$first$statistic[[1]], tests$second$statistic[[1]]))
  expect_identical(attr(several, "title"), "Two tests")
  expect_snapshot(several)
  expect_snapshot(rxChiSquaredTest(rxCrossTabs(Freq ~ Gender:Admit:Dept, admissions)))
  expect_snapshot(rxFisherTest(rxCrossTabs(Freq ~ Gender:Admit, admissions)))
})

test_that("what cannot be tested is refused", {
  expect_error(rxChiSquaredTest(rxCube(mpg ~ F(cyl):F(am), mtcars)), class = "rxscale_error_argument", regexp = "means")
  expect_error(rxChiSquaredTest(rxCube(~ F(cyl), mtcars)), class = "rxscale_error_argument", regexp = "two factors")
  expect_error(rxChiSquaredTest(mtcars), class = "rxscale_error_argument", regexp = "xtabs")
  negative <- rxCrossTabs(arr_delay ~ origin:carrier, flights_xdf())
  expect_error(rxChiSquaredTest(negative), class = "rxscale_error_argument", regexp = "negative")
  expect_error(rxKendallCor(rxCrossTabs(~ F(am):F(cyl), mtcars), type = "d"), class = "rxscale_error_argument")
  expect_error(rxMultiTest(list(1)), class = "rxscale_error_argument", regexp = "htest")
})

test_that("several responses and removed levels are tested under their names", {
  cars <- rxCrossTabs(cbind(mpg, hp) ~ F(am):F(vs), mtcars)
  expect_identical(row.names(rxChiSquaredTest(cars)), c("mpg", "hp"))
  tested <- suppressWarnings(rxChiSquaredTest(rxCrossTabs(~ F(am):F(vs):F(cyl), mtcars, rowSelection = cyl != 8)))
  expect_identical(row.names(tested), paste0("F_cyl==", 4:6))
  removed <- rxCrossTabs(~ F(am):F(vs):F(cyl), mtcars, rowSelection = cyl != 8, removeZeroCounts = TRUE)
  tested <- suppressWarnings(rxChiSquaredTest(removed))
  expect_identical(row.names(tested), paste0("F_cyl==", c(4, 6)))
})

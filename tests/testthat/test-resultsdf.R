test_that("statistics are named by their terms", {
  summary <- rxSummary(~ hp + mpg:F(cyl), data = mtcars)
  stats <- rxResultsDF(summary)
  expect_identical(row.names(stats), c("hp", "mpg:F_cyl"))
  expect_equal(stats["hp", "Mean"], mean(mtcars$hp))
  expect_identical(rxResultsDF(summary, useRowNames = FALSE), summary$sDataFrame)
})

test_that("tables by category have integers where F() made the levels", {
  summary <- rxSummary(~ mpg:F(cyl), data = mtcars, summaryStats = c("Mean", "Sum", "ValidObs"))
  means <- rxResultsDF(summary, output = "means")
  expect_identical(means$cyl, 4:8)
  expect_equal(means$Means[c(1, 3, 5)], as.vector(tapply(mtcars$mpg, mtcars$cyl, mean)))
  expect_equal(sum(rxResultsDF(summary, output = "sums")$Sums), sum(mtcars$mpg))
  counts <- rxResultsDF(summary, output = "counts", integerLevels = FALSE)
  expect_identical(levels(counts$F_cyl), as.character(4:8))
  expect_identical(counts$Counts, c(11L, 0L, 7L, 0L, 14L))
  plain <- rxResultsDF(rxSummary(~Species, data = iris), output = "counts")
  expect_identical(plain, data.frame(Species = factor(levels(iris$Species)), Counts = rep(50L, 3)))
})

test_that("what a summary does not have is an error", {
  summary <- rxSummary(~mpg, data = mtcars)
  expect_error(rxResultsDF(summary, output = "counts"), class = "rxscale_error_argument")
  expect_error(rxResultsDF(summary, output = "median"), class = "rxscale_error_argument")
  expect_error(rxResultsDF(summary, element = 2), class = "rxscale_error_unsupported")
})

test_that("cubes are data frames with one statistic", {
  cube <- rxCube(mpg ~ F(cyl):F(am), mtcars)
  counts <- rxResultsDF(cube)
  expect_named(counts, c("cyl", "F_am", "Counts"))
  expect_identical(counts$cyl[1:5], 4:8)
  expect_type(counts$Counts, "integer")
  expect_identical(names(rxResultsDF(cube, integerLevels = FALSE))[1], "F_cyl")
  expect_type(rxResultsDF(rxCube(~ F(cyl), mtcars, pweights = "wt"), integerCounts = FALSE)$Counts, "double")
  sums <- rxCube(mpg ~ F(cyl):F(am), mtcars, means = FALSE)
  expect_equal(rxResultsDF(cube, output = "sums"), rxResultsDF(sums, output = "sums"))
  expect_equal(rxResultsDF(cube, output = "means"), rxResultsDF(sums, output = "means"))
  expect_error(rxResultsDF(rxCube(~ F(cyl), mtcars), output = "means"), class = "rxscale_error_argument")
  expect_error(rxResultsDF(cube, output = "stats"), class = "rxscale_error_argument", regexp = "output")
})

test_that("the first two-way table is a data frame with a column a level", {
  tables <- rxCrossTabs(mpg ~ F(cyl):F(am), mtcars)
  expect_identical(rxResultsDF(tables), data.frame(
    cyl = 4:8, `0` = c(3L, 0L, 4L, 0L, 12L), `1` = c(8L, 0L, 3L, 0L, 2L), check.names = FALSE
  ))
  expect_equal(rxResultsDF(tables, output = "sums", integerLevels = FALSE)$`1`, unname(tables$sums[[1]][, "1"]))
  expect_named(rxResultsDF(rxCrossTabs(~ F(am), mtcars)), c("am", "Counts"))
  expect_error(rxResultsDF(tables, element = 2), class = "rxscale_error_unsupported")
})

test_that("cells of a cube regression are a data frame", {
  fit <- rxLinMod(mpg ~ F(cyl), mtcars, cube = TRUE)
  expect_identical(rxResultsDF(fit)$Counts, c(11L, 0L, 7L, 0L, 14L))
  expect_equal(rxResultsDF(fit, output = "sums")$mpg[c(1, 3, 5)], as.vector(tapply(mtcars$mpg, mtcars$cyl, sum)))
  expect_error(rxResultsDF(rxLinMod(mpg ~ wt, mtcars)), class = "rxscale_error_argument", regexp = "cube = TRUE")
})

test_that("other objects are refused", {
  expect_error(rxResultsDF(list()), class = "rxscale_error_argument", regexp = "rxSummary")
})

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

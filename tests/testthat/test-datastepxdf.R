test_that("it is rxDataStep(), from a block on", {
  file <- temp_file()
  cars <- data.frame(mtcars, car = rownames(mtcars))
  rxImport(cars, file, rowsPerRead = 10)
  step <- function(...) suppressMessages(rxDataStepXdf(file, NULL, ...))
  limit <- 15
  expect_equal(
    step(rowSelection = mpg > limit, transforms = list(k = mpg * 2), varsToKeep = "mpg"),
    rxDataStep(file, rowSelection = mpg > limit, transforms = list(k = mpg * 2), varsToKeep = "mpg")
  )
  rows <- function(...) step(...)$car
  expect_equal(rows(startBlock = 2), rownames(mtcars)[11:32])
  expect_equal(rows(startBlock = 2, numBlocks = 1), rownames(mtcars)[11:20])
  expect_equal(rows(startBlock = 3, numBlocks = 9), rownames(mtcars)[21:32])
  expect_equal(rows(numBlocks = 1), rownames(mtcars)[1:10])
  expect_equal(rows(startBlock = 2, startRow = 5, numRows = 2), rownames(mtcars)[5:6])
  expect_equal(names(step(inSourceArgs = list(varsToKeep = c("hp", "wt")))), c("hp", "wt"))
  out <- temp_file()
  suppressMessages(rxDataStepXdf(file, out, transforms = list(z = 1)))
  expect_equal(rxGetVarNames(out), c(names(cars), "z"))
  expect_error(suppressMessages(rxDataStepXdf(mtcars, NULL, startBlock = 2)), class = "rxscale_error_argument")
  expect_error(step(startBlock = 0), "startBlock", class = "rxscale_error_argument")
})

test_that("rows and columns of a file are read", {
  file <- temp_file()
  rxImport(mtcars, file, rowsPerRead = 10)
  expect_equal(rxReadXdf(file), mtcars, ignore_attr = "row.names")
  expect_equal(rxReadXdf(file, varsToKeep = "hp", startRow = 9, numRows = 3)$hp, mtcars$hp[9:11])
  expect_equal(rxReadXdf(file, varsToDrop = "hp", returnDataFrame = FALSE), as.list(mtcars[names(mtcars) != "hp"]))
  expect_warning(data <- rxReadXdf(file, maxRowsByCols = 22), "cut")
  expect_equal(nrow(data), 2)
})

test_that("a column becomes the row names, text becomes factors", {
  file <- temp_file()
  rxImport(data.frame(id = c("r1", "r2"), x = 1:2, y = c("b", "a")), file)
  data <- rxReadXdf(file, rowVarName = "id", stringsAsFactors = TRUE)
  expect_equal(data, data.frame(x = 1:2, y = factor(c("b", "a"), levels = c("b", "a")), row.names = c("r1", "r2")))
  expect_error(rxReadXdf(file, rowVarName = "idd"), class = "rxscale_error_missing_column")
})

test_that("rxXdfToDataFrame() transforms and selects", {
  file <- temp_file()
  rxImport(all_kinds(), file)
  both <- c("count", "size")
  data <- rxXdfToDataFrame(file, varsToKeep = both, rowSelection = count > 0, transforms = list(two = 2 * count))
  expected <- subset(all_kinds(), count > 0, both)
  expect_equal(data, transform(expected, two = 2 * count), ignore_attr = "row.names")
  complete <- rxXdfToDataFrame(file, varsToKeep = both, removeMissings = TRUE)
  expect_equal(complete, stats::na.omit(all_kinds()[both]), ignore_attr = TRUE)
})

test_that("only XDF is read", {
  expect_error(rxReadXdf(mtcars), class = "rxscale_error_argument")
  expect_error(rxXdfToDataFrame(RxTextData("a.csv")), class = "rxscale_error_argument")
})

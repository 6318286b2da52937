test_that("sources are made by name, and of others", {
  text <- RxTextData("a.csv", varsToKeep = c("x", "y"), rowsPerRead = 7, colClasses = c(x = "integer"))
  expect_equal(RxDataSource("RxXdfData", text, file = "b.xdf"), RxXdfData("b.xdf", varsToKeep = c("x", "y")))
  expect_equal(RxDataSource(dataSource = text), text)
  expect_equal(RxDataSource(dataSource = text, delimiter = ";")@delimiter, ";")
  sas <- RxDataSource("RxSasData", text, file = "c.sas7bdat")
  expect_equal(sas, RxSasData("c.sas7bdat", varsToKeep = c("x", "y"), rowsPerRead = 7, colClasses = c(x = "integer")))
  expect_equal(rxNewDataSource("RxParquetData", "a.parquet"), RxParquetData("a.parquet"))
  expect_equal(RxDataSource("RxXdfData", file = "b"), RxXdfData("b"))
})

test_that("a class that is none is an error", {
  expect_error(RxDataSource("RxOrcData"), "class", class = "rxscale_error_argument")
  expect_error(RxDataSource(dataSource = "a.csv"), "dataSource", class = "rxscale_error_argument")
  expect_error(RxDataSource(), class = "rxscale_error_argument")
  expect_error(rxNewDataSource("nothing"), "name", class = "rxscale_error_argument")
})

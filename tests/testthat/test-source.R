test_that("classes and slots are those that packages were built on", {
  x <- RxXdfData("a.xdf", varsToKeep = c("x", "y"), blocksPerRead = 2)
  expect_true(methods::is(x, "RxFileData") && methods::is(x, "RxDataSource"))
  expect_equal(x@file, "a.xdf")
  expect_equal(x@colNames, c("x", "y"))
  expect_equal(x@rowsOrBlocksPerRead, 2)
  expect_null(x@fileSystem)
  expect_null(x@createCompositeSet)
  expect_equal(x@blocksPerCompositeFile, 3)
  expect_true(methods::isClass("characterORNULL"))
})

test_that("a package can extend a source class", {
  methods::setClass("tbl_xdf_test", contains = "RxXdfData", slots = c(groups = "characterORNULL"), where = globalenv())
  withr::defer(methods::removeClass("tbl_xdf_test", where = globalenv()))
  file <- temp_file()
  rxImport(mtcars, file)
  x <- methods::new("tbl_xdf_test", RxXdfData(file), groups = "cyl")
  expect_equal(dim(x), dim(mtcars))
  expect_equal(nrow(head(x, 3)), 3)
  expect_equal(rxImport(x, rowsPerRead = 5)$mpg, mtcars$mpg)
})

test_that("a string is a source by its extension", {
  expect_s4_class(as_source("a"), "RxXdfData")
  expect_s4_class(as_source("a.xdf"), "RxXdfData")
  expect_s4_class(as_source("a.csv.gz"), "RxTextData")
  expect_s4_class(as_source("a.txt"), "RxTextData")
  expect_s4_class(as_source("a.parquet"), "RxParquetData")
  expect_s4_class(as_source(tempdir()), "RxTextData")
  expect_identical(as_source(mtcars), mtcars)
})

test_that("a spec is a plain list with an absolute path", {
  file <- temp_file()
  file.create(file)
  withr::local_dir(dirname(file))
  spec <- source_spec(tools::file_path_sans_ext(basename(file)), start_row = 3, num_rows = 10)
  expect_equal(spec, list(type = "xdf", path = normalizePath(file), start_row = 3, num_rows = 10))
  expect_equal(source_spec(mtcars), list(type = "frame", data = as.list(mtcars), rows = 32L))
})

test_that("impossible arguments are refused", {
  expect_snapshot(error = TRUE, source_spec(3))
  expect_snapshot(error = TRUE, RxXdfData("a", varsToKeep = "x", varsToDrop = "y"))
  expect_snapshot(error = TRUE, RxXdfData("a", fileSystem = "hdfs"))
  expect_snapshot(error = TRUE, RxParquetData("a", cache = TRUE))
  expect_error(RxXdfData(c("a", "b")), class = "rxscale_error_argument")
  expect_error(RxXdfData("a", blocksPerRead = 0), class = "rxscale_error_argument")
  expect_error(source_spec(mtcars, start_row = 0), class = "rxscale_error_argument")
})

test_that("sources print what is not at its default", {
  expect_snapshot(RxXdfData("data/flights.xdf"))
  expect_snapshot(RxTextData("flights.csv", delimiter = ";", varsToDrop = "year", rowsPerRead = 1000))
  expect_snapshot(str(RxXdfData("data/flights.xdf", varsToKeep = "carrier")))
})

test_that("sources behave like data frames", {
  data <- all_kinds()
  file <- temp_file()
  xdf <- rxImport(data, file)
  parquet <- rxImport(data, RxParquetData(temp_file(".parquet")))
  for (source in list(xdf, parquet)) {
    expect_equal(names(source), names(data))
    expect_equal(dim(source), c(6L, 8L))
    expect_equal(nrow(source), 6)
    expect_equal(length(source), 8)
    expect_equal(colnames(source), names(data))
    expect_equal(dimnames(source), list(NULL, names(data)))
    expect_equal(as.data.frame(source), data)
    expect_equal(head(source, 2), head(data, 2))
    expect_equal(head(source, -2), head(data, -2))
    expect_equal(tail(source, 2), tail(data, 2))
    expect_equal(row.names(tail(source, 2)), c("5", "6"))
    expect_equal(row.names(tail(source, 2, addrownums = FALSE)), c("1", "2"))
    expect_equal(tail(source, -5), tail(data, -5))
    expect_equal(nrow(head(source, 0)), 0)
    expect_equal(nrow(tail(source, 0)), 0)
    expect_equal(nrow(head(source, 100)), 6)
    expect_equal(nrow(tail(source, 100)), 6)
  }
})

test_that("kept and dropped columns are all that a source shows", {
  file <- temp_file()
  rxImport(mtcars, file)
  kept <- RxXdfData(file, varsToKeep = c("hp", "mpg"))
  expect_equal(names(kept), c("hp", "mpg"))
  expect_equal(dim(kept), c(32L, 2L))
  expect_equal(names(head(kept)), c("hp", "mpg"))
  expect_equal(length(RxXdfData(file, varsToDrop = "mpg")), 10)
  expect_snapshot(error = TRUE, names(RxXdfData(file, varsToKeep = "hpp")))
})

test_that("the rows of text are unknown until it is read", {
  file <- temp_file(".csv")
  utils::write.csv(mtcars, file, row.names = FALSE)
  text <- RxTextData(file)
  expect_equal(dim(text), c(NA, 11L))
  expect_equal(head(text, 3)$mpg, mtcars$mpg[1:3])
  expect_equal(tail(text, 2)$mpg, mtcars$mpg[31:32])
  expect_equal(row.names(tail(text, 2)), c("31", "32"))
})

test_that("names<- renames the columns of an XDF file, and of nothing else", {
  file <- temp_file()
  xdf <- rxImport(mtcars[1:3], file)
  names(xdf) <- c("a", "b", "c")
  expect_equal(names(RxXdfData(file)), c("a", "b", "c"))
  kept <- RxXdfData(file, varsToKeep = "b")
  names(kept) <- "beta"
  expect_equal(names(kept), "beta")
  expect_equal(names(RxXdfData(file)), c("a", "beta", "c"))
  text <- temp_file(".csv")
  utils::write.csv(mtcars, text)
  expect_error({
    text <- RxTextData(text)
    names(text) <- letters[1:12]
  }, class = "rxscale_error_unsupported")
})

test_that("every kind of column goes through every kind of file", {
  data <- all_kinds()
  expect_identical(rxImport(data), data)
  for (extension in c(".xdf", ".parquet")) {
    file <- temp_file(extension)
    rxImport(data, file)
    expect_equal(rxImport(file), data, info = extension)
  }
})

test_that("an import to a file returns its source, visibly", {
  file <- temp_file()
  imported <- withVisible(rxImport(mtcars, file))
  expect_true(imported$visible)
  expect_s4_class(imported$value, "RxXdfData")
  expect_equal(normalizePath(imported$value@file), normalizePath(file))
  target <- RxXdfData(file)
  expect_identical(rxImport(mtcars, target, overwrite = TRUE), target)
})

test_that("text is written and read again", {
  file <- temp_file(".csv")
  text <- rxImport(mtcars, RxTextData(file, writePrecision = 15))
  expect_s4_class(text, "RxTextData")
  expect_equal(rxImport(file)$wt, mtcars$wt)
})

test_that("columns are kept or dropped", {
  expect_equal(names(rxImport(mtcars, varsToKeep = c("hp", "mpg"))), c("hp", "mpg"))
  expect_equal(names(rxImport(mtcars, varsToDrop = names(mtcars)[-1])), "mpg")
  file <- temp_file()
  rxImport(mtcars, file)
  source <- RxXdfData(file, varsToDrop = "mpg")
  expect_equal(names(rxImport(source)), names(mtcars)[-1])
  expect_equal(names(rxImport(source, varsToKeep = "mpg")), "mpg")
  expect_snapshot(error = TRUE, rxImport(mtcars, varsToKeep = "mgp"))
  expect_error(rxImport(mtcars, varsToKeep = "mpg", varsToDrop = "hp"), class = "rxscale_error_argument")
})

test_that("transforms and row selection see columns that are not kept", {
  data <- rxImport(
    mtcars,
    varsToKeep = "mpg", rowSelection = hp > 100, transforms = list(ratio = wt / mpg, big = cyl == 8)
  )
  expected <- transform(mtcars[mtcars$hp > 100, ], ratio = wt / mpg, big = cyl == 8)[c("mpg", "ratio", "big")]
  expect_equal(data, expected, ignore_attr = "row.names")
})

test_that("transformFunc gets its columns, and can make and drop some", {
  data <- rxImport(
    mtcars,
    transformVars = c("mpg", "hp"), transformFunc = function(chunk) {
      chunk$kml <- chunk$mpg * 0.425
      chunk$hp <- NULL
      chunk
    }
  )
  expect_equal(data$kml, mtcars$mpg * 0.425)
  expect_null(data$hp)
})

test_that("rows are limited before they are selected", {
  expect_equal(rxImport(mtcars, numRows = 5)$mpg, mtcars$mpg[1:5])
  expect_equal(rxImport(mtcars, numRows = 5, rowSelection = cyl == 6)$mpg, mtcars$mpg[1:5][mtcars$cyl[1:5] == 6])
  expect_equal(nrow(rxImport(mtcars, numRows = 0)), 0)
})

test_that("rowsPerRead is the block size of the output and the chunk of transforms", {
  file <- temp_file()
  rxImport(mtcars, file, rowsPerRead = 10)
  expect_equal(rxGetInfo(file, getBlockSizes = TRUE)$rowsPerBlock, c(10, 10, 10, 2))
  sizes <- rxImport(mtcars, rowsPerRead = 10, transforms = list(size = rep(length(mpg), length(mpg))))$size
  expect_equal(sizes, rep(c(10, 2), c(30, 2)))
  sizes <- rxImport(RxXdfData(file, blocksPerRead = 3), transforms = list(size = rep(length(mpg), length(mpg))))$size
  expect_equal(sizes, rep(c(30, 2), c(30, 2)))
})

test_that("an existing file is replaced only if told so", {
  file <- temp_file()
  rxImport(mtcars, file)
  expect_error(rxImport(iris, file), class = "rxscale_error_argument")
  rxImport(iris, file, overwrite = TRUE)
  expect_equal(rxImport(file), iris)
})

test_that("rows are appended, as a string or a logical says", {
  file <- temp_file()
  rxImport(iris[1:50, ], file)
  rxImport(iris[51:100, ], file, append = "rows")
  rxImport(iris[101:150, ], file, append = TRUE)
  expect_equal(rxImport(file), iris)
  expect_equal(rxGetInfo(file)$numBlocks, 3)
  expect_error(rxImport(iris, file, append = "none"), class = "rxscale_error_argument")
  expect_error(rxImport(iris, file, append = FALSE), class = "rxscale_error_argument")
  expect_error(rxImport(iris, file, append = "cols"), class = "rxscale_error_argument")
})

test_that("rows to be appended may have their columns in another order, but need all of them and no other", {
  file <- temp_file()
  rxImport(iris[1:50, ], file)
  rxImport(iris[51:150, 5:1], file, append = "rows")
  expect_equal(rxImport(file), iris)
  before <- tools::md5sum(file)
  error <- expect_error(rxImport(iris[-2], file, append = "rows"), class = "rxscale_error_missing_column")
  expect_identical(error$column, "Sepal.Width")
  extra <- cbind(iris, extra = 1)
  error <- expect_error(rxImport(extra, file, append = "rows"), class = "rxscale_error_missing_column")
  expect_identical(error$column, "extra")
  other <- transform(iris, Sepal.Width = as.character(Sepal.Width))
  error <- expect_error(rxImport(other, file, append = "rows"), class = "rxscale_error_wrong_type")
  expect_identical(error$column, "Sepal.Width")
  expect_identical(tools::md5sum(file), before)
})

test_that("new levels extend those of the file", {
  file <- temp_file()
  rxImport(data.frame(x = factor(c("b", "a"), levels = c("b", "a"))), file)
  rxImport(data.frame(x = factor(c("c", "a"))), file, append = "rows")
  expect_equal(rxImport(file)$x, factor(c("b", "a", "c", "a"), levels = c("b", "a", "c")))
})

test_that("a data frame that is too large is cut with a warning", {
  expect_snapshot(data <- rxImport(mtcars, maxRowsByCols = 110))
  expect_equal(dim(data), c(10, 11))
  expect_silent(rxImport(mtcars, maxRowsByCols = 32 * 11))
  suppressWarnings(data <- rxImport(mtcars, maxRowsByCols = 24, transforms = list(x = 1), varsToKeep = "mpg"))
  expect_equal(dim(data), c(12, 2))
})

test_that("arguments of the source override it, and unknown ones are told", {
  file <- temp_file(".csv")
  writeLines(c("a;b", "1;x", "2;-"), file)
  expect_equal(
    rxImport(file, delimiter = ";", missingValueString = "-", firstRowIsColNames = TRUE, stringsAsFactors = TRUE),
    data.frame(a = 1:2, b = factor(c("x", NA)))
  )
  expect_equal(
    rxImport(RxTextData(file, delimiter = ",", firstRowIsColNames = TRUE), delimiter = ";")$a, 1:2
  )
  expect_snapshot(data <- rxImport(file, delimeter = ";", delimiter = ";"))
  expect_snapshot(data <- rxImport(mtcars, inata = 3))
})

test_that("what is no data and no type is refused", {
  expect_error(rxImport("a.csv", type = "texxt"), class = "rxscale_error_argument")
  expect_error(rxImport(3), class = "rxscale_error_argument")
  expect_error(rxImport(mtcars, 3), class = "rxscale_error_argument")
})

test_that("verbose says how many rows came", {
  expect_output(rxImport(mtcars, verbose = 1), "32 rows imported in [0-9.]+ seconds")
  expect_silent(rxImport(mtcars))
})

test_that("compression levels are those of the formats", {
  expect_equal(vapply(c(-1, 0, 1, 3, 4, 9), compression_name, ""), c("lz4", "none", "lz4", "lz4", "zstd", "zstd"))
  for (level in c(-1, 0, 9)) {
    file <- temp_file()
    rxImport(iris, file, xdfCompressionLevel = level)
    expect_equal(rxImport(file), iris)
    expect_equal(rxGetInfo(file)$compression, compression_name(level))
  }
  withr::defer(rxOptions(xdfCompressionLevel = 1))
  rxOptions(xdfCompressionLevel = 9)
  rxImport(iris, file, overwrite = TRUE)
  expect_equal(rxGetInfo(file)$compression, "zstd")
})

test_that("the flights that the package ships are imported", {
  file <- temp_file()
  flights <- rxImport(flights_file(), file, colClasses = c(carrier = "factor"))
  reference <- utils::read.csv(flights_file())
  expect_equal(dim(flights), dim(reference))
  data <- rxImport(flights)
  expect_equal(data$arr_delay, reference$arr_delay)
  expect_equal(data$carrier, factor(reference$carrier, levels = unique(reference$carrier)))
})

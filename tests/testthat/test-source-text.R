test_that("arguments become options of the parser", {
  file <- temp_file(".csv")
  file.create(file)
  spec <- source_spec(RxTextData(
    file,
    delimiter = ";", decimalPoint = ",", missingValueString = "-", quoteMark = "'", firstRowIsColNames = FALSE,
    rowsToSniff = 50, rowsToSkip = 2, stringsAsFactors = TRUE, defaultDecimalColType = "float32"
  ))
  expect_equal(spec, list(
    type = "text", path = normalizePath(file), missing_strings = list("-"), quote = "'", decimal_point = ",",
    rows_to_sniff = 50L, rows_to_skip = 2L, strings_as_factors = TRUE, decimal_type = "float32",
    missing_type = "numeric", delimiter = ";", first_row_is_col_names = FALSE
  ))
})

test_that("what does not work yet is refused, not ignored", {
  refused <- list(
    combineDelimiters = TRUE, thousandsSeparator = ",", readDateFormat = "%d.%m.%y", centuryCutoff = 50,
    readPOSIXctFormat = "%y", stripZeros = TRUE, isFixedFormat = TRUE, createFileSet = TRUE, rowsPerOutFile = 10,
    inputEncoding = "gb18030", writeFactorsAsIndexes = TRUE, fileSystem = "hdfs"
  )
  for (name in names(refused)) {
    expect_error(do.call(RxTextData, c("a.csv", refused[name])), class = "rxscale_error_unsupported", info = name)
  }
})

test_that("impossible values are refused", {
  impossible <- list(
    stringsAsFactors = NA, missingValueString = c("NA", "-"), rowsPerRead = 0, rowsToSniff = 0, rowsToSkip = -1,
    defaultDecimalColType = "integer", writePrecision = 23, colClasses = "factor", colInfo = list(a = "factor")
  )
  for (name in names(impossible)) {
    expect_error(do.call(RxTextData, c("a.csv", impossible[name])), class = "rxscale_error_argument", info = name)
  }
})

test_that("text is read as told", {
  file <- temp_file(".txt")
  writeLines(c("# a comment", "id;weight;kind;born", "1;2,5;x;2000-01-31", "2;-;y;-", "3;0,25;z;1999-12-31"), file)
  data <- rxImport(RxTextData(
    file,
    delimiter = ";", decimalPoint = ",", missingValueString = "-", rowsToSkip = 1, firstRowIsColNames = TRUE,
    colClasses = c(id = "character", born = "Date"), colInfo = list(kind = list(type = "factor", levels = c("y", "x")))
  ))
  expect_equal(data, data.frame(
    id = c("1", "2", "3"), weight = c(2.5, NA, 0.25), kind = factor(c("x", "y", NA), levels = c("y", "x")),
    born = as.Date(c("2000-01-31", NA, "1999-12-31"))
  ))
})

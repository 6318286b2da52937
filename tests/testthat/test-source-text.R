test_that("arguments become options of the parser", {
  file <- temp_file(".csv")
  file.create(file)
  spec <- source_spec(RxTextData(
    file,
    delimiter = ";:", decimalPoint = ",", missingValueString = c("-", ""), quoteMark = "'", firstRowIsColNames = FALSE,
    rowsToSniff = 50, rowsToSkip = 2, stringsAsFactors = TRUE, defaultDecimalColType = "float32",
    combineDelimiters = TRUE, thousandsSeparator = ".", readDateFormat = "%d.%m.%y", readPOSIXctFormat = "%y",
    centuryCutoff = 50, inputEncoding = "latin1", isFixedFormat = FALSE
  ))
  expect_equal(spec, list(
    type = "text", path = normalizePath(file), missing_strings = list("-", ""), combine_delimiters = TRUE, quote = "'",
    decimal_point = ",", date_format = "%d.%m.%y", time_format = "%y", century_cutoff = 50L, encoding = "latin1",
    rows_to_sniff = 50L, rows_to_skip = 2L, strings_as_factors = TRUE, decimal_type = "float32",
    missing_type = "numeric", delimiter = ";:", thousands_separator = ".", first_row_is_col_names = FALSE,
    fixed = FALSE
  ))
})

test_that("what does not work yet is refused, not ignored", {
  expect_error(RxTextData("a.csv", fileSystem = "hdfs"), class = "rxscale_error_unsupported")
  file <- temp_file(".csv")
  for (target in list(
    RxTextData(file, delimiter = ":;"), RxTextData(file, isFixedFormat = TRUE),
    RxTextData(file, inputEncoding = "latin1")
  )) {
    expect_error(rxImport(mtcars, target), class = "rxscale_error_unsupported")
  }
})

test_that("impossible values are refused", {
  impossible <- list(
    stringsAsFactors = NA, missingValueString = NA_character_, rowsPerRead = 0, rowsToSniff = 0, rowsToSkip = -1,
    defaultDecimalColType = "integer", writePrecision = 23, colClasses = "factor", colInfo = list(a = "factor"),
    combineDelimiters = NA, thousandsSeparator = 1, readDateFormat = NULL, readPOSIXctFormat = 3, centuryCutoff = 101,
    isFixedFormat = NA, inputEncoding = NULL, file = character(), stripZeros = NA, createFileSet = "yes",
    rowsPerOutFile = 0, writeFactorsAsIndexes = 1
  )
  for (name in names(impossible)) {
    arguments <- utils::modifyList(list(file = "a.csv"), impossible[name], keep.null = TRUE)
    expect_error(do.call(RxTextData, arguments), class = "rxscale_error_argument", info = name)
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

# Writes lines, in some encoding, and reads them.
read_lines <- function(lines, ..., encoding = "UTF-8", file = temp_file(".txt", env = parent.frame())) {
  connection <- file(file, "w", encoding = encoding)
  writeLines(lines, connection)
  close(connection)
  rxImport(RxTextData(file, ...))
}

test_that("quoted fields hold delimiters, newlines and quotes", {
  data <- data.frame(id = 1:4, text = c("a,b", "two\nlines", 'say "hi"', ""), stringsAsFactors = FALSE)
  file <- temp_file(".csv")
  utils::write.csv(data, file, row.names = FALSE)
  expect_equal(rxImport(file), data)
  expect_equal(read_lines(c("a;b", "'x;y';1"), quoteMark = "'")$a, "x;y")
  expect_equal(read_lines(c("a,b", '"x",1'), quoteMark = "")$a, '"x"')
})

test_that("delimiters follow in turn or count once in runs", {
  expect_equal(
    read_lines(c("day:hour,x", "1:2,a,b", "3:4,d"), delimiter = ":,"),
    data.frame(day = c(1L, 3L), hour = c(2L, 4L), x = c("a,b", "d"))
  )
  expect_equal(
    read_lines(c("a||b", "1|||2", "3|4"), delimiter = "|", combineDelimiters = TRUE),
    data.frame(a = c(1L, 3L), b = c(2L, 4L))
  )
  expect_equal(read_lines(c("a   b ", "  1 2", "3    4")), data.frame(a = c(1L, 3L), b = c(2L, 4L)))
})

test_that("several texts stand for missing values", {
  data <- read_lines(
    c("x,s,g", "-999,.,a", "1,-999,.", ".,,b"),
    missingValueString = c("-999", ".", ""), colClasses = c(s = "character", g = "factor")
  )
  expect_equal(data, data.frame(x = c(NA, 1L, NA), s = NA_character_, g = factor(c("a", NA, "b"))))
  expect_equal(read_lines(c("x,s", "1,", "2,a"), missingValueString = "")$s, c(NA, "a"))
})

test_that("numbers are grouped by thousands", {
  expect_equal(
    read_lines(
      c("a;b;c", "1.234,5;1.000;12", "-12.345.678,25;2;1.000.000"),
      decimalPoint = ",", thousandsSeparator = ".", colClasses = c(c = "numeric")
    ),
    data.frame(a = c(1234.5, -12345678.25), b = c(1000L, 2L), c = c(12, 1e6))
  )
  expect_equal(read_lines(c("a,b", "\"1,234\",5", "1,2"), thousandsSeparator = ",")$a, c(1234L, 1L))
  expect_error(read_lines("a", thousandsSeparator = "."), class = "rxscale_error_argument")
})

test_that("dates and times are read by format, as base R reads them", {
  days <- as.Date(c("1999-12-31", "2013-01-02", NA, "2020-02-29"))
  formats <- c("%d.%m.%Y", "%m/%d/%y", "%Y%m%d", "%d-%b-%Y", "%B %d, %Y")
  ours <- c("%d.%m.%Y", "%m/%d/%y", "%Y%m%d", "%d-%m-%Y", "%m %d, %Y")
  withr::local_locale(LC_TIME = "C")
  for (i in seq_along(formats)) {
    text <- c("day;x", paste0(ifelse(is.na(days), "NA", format(days, formats[i])), ";1"))
    data <- read_lines(
      text,
      delimiter = ";", colClasses = c(day = "Date"), readDateFormat = ours[i], centuryCutoff = 50
    )
    expect_equal(data$day, days, info = formats[i])
  }
  times <- as.POSIXct(c("1999-12-31 23:59:59", "2013-01-02 00:30:00", NA), tz = "GMT")
  formats <- c("%d.%m.%Y %H:%M:%S", "%m/%d/%y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%SZ")
  ours <- c("%d.%m.%Y %H:%M:%S", "%m/%d/%y %H:%M:%S %p", "%y[-][/]%m[-][/]%d [%H:%M[:%S]][%p]")
  for (i in seq_along(formats)) {
    text <- c("t;x", paste0(ifelse(is.na(times), "", format(times, formats[i])), ";1"))
    data <- read_lines(
      text,
      delimiter = ";", colClasses = c(t = "POSIXct"), readPOSIXctFormat = ours[i], centuryCutoff = 50
    )
    expect_equal(data$t, times, info = formats[i])
  }
  data <- read_lines(
    c("day,x", "5/6/07,1"),
    readDateFormat = "%d/%m/%y", colClasses = c(day = "Date"), centuryCutoff = 0
  )
  expect_equal(data$day, as.Date("1907-06-05"))
})

test_that("a date that does not fit is an error with the format", {
  file <- temp_file(".csv")
  writeLines(c("day,x", "31.12.2012,1", "31.02.2013,2"), file)
  source <- RxTextData(file, colClasses = c(day = "Date"), readDateFormat = "%d.%m.%Y")
  expect_snapshot(error = TRUE, rxImport(source), transform = function(lines) gsub("'/.*[.]csv'", "'<file>'", lines))
  expect_snapshot(error = TRUE, rxImport(RxTextData(file, readDateFormat = "%d.%q")))
})

test_that("text in other encodings becomes UTF-8", {
  lines <- c("name,x", "caf\u00e9,1", "\u00df,2")
  expect_equal(read_lines(lines, encoding = "latin1", inputEncoding = "latin1")$name, c("caf\u00e9", "\u00df"))
  expect_equal(read_lines(lines, encoding = "UTF-16LE", inputEncoding = "utf-16le")$name, c("caf\u00e9", "\u00df"))
  chinese <- c("name,x", "\u4e2d\u6587,1", "\u00e9,2")
  expect_equal(read_lines(chinese, encoding = "GB18030", inputEncoding = "gb18030")$name, c("\u4e2d\u6587", "\u00e9"))
  expect_equal(names(read_lines(c("\ufeffa,b", "1,2"))), c("a", "b"))
  error <- expect_error(read_lines(lines, encoding = "latin1"), class = "rxscale_error_value")
  expect_equal(error$row, 1)
  expect_equal(error$column, "name")
  expect_match(conditionMessage(error), "inputEncoding")
  expect_error(read_lines(lines, inputEncoding = "klingon"), class = "rxscale_error_argument")
})

test_that("colInfo describes columns by name or position", {
  data <- read_lines(
    c("3,b,0", "1,a,1", "2,c,1"),
    firstRowIsColNames = FALSE, colInfo = list(
      list(index = 1, newName = "id", type = "numeric", low = 0, high = 9, description = "the id"),
      list(index = 2, newName = "kind", levels = c("a", "b"), newLevels = c("first", "second")),
      V3 = list(type = "logical")
    )
  )
  expect_equal(data, data.frame(
    id = c(3, 1, 2), kind = factor(c("second", "first", NA), levels = c("first", "second")), V3 = c(FALSE, TRUE, TRUE)
  ))
  file <- temp_file(".csv")
  writeLines(c("3,b", "1,a"), file)
  source <- RxTextData(file, colInfo = list(list(index = 1, newName = "id", low = 0, high = 9, description = "the id")))
  found <- rxGetVarInfo(source)$id[c("description", "low", "high")]
  expect_equal(found, list(description = "the id", low = 0, high = 9))
  expect_equal(rxGetVarNames(source), c("id", "V2"))
  expect_equal(read_lines(c("s,x", "abcdef,1", "g,2"), colInfo = list(s = list(width = 3)))$s, c("abc", "g"))
  expect_equal(read_lines(c("u,x", "65535,1"), colClasses = c(u = "uint16"))$u, 65535L)
})

test_that("columns at fixed places are read", {
  file <- temp_file(".dat")
  writeLines(c("00117-20A  289 8", "00221-24B   NA12", "", "003\u00e9     "), file, useBytes = FALSE)
  info <- list(
    id = list(start = 1, width = 3), age = list(type = "factor", start = 4, width = 5),
    cost = list(type = "numeric", start = 10, width = 5, decimalPlaces = 1),
    n = list(type = "integer", start = 15, width = 2)
  )
  expected <- data.frame(
    id = c("001", "002", "003"), age = factor(c("17-20", "21-24", "\u00e9"), levels = c("17-20", "21-24", "\u00e9")),
    cost = c(28.9, NA, NA), n = c(8L, 12L, NA)
  )
  source <- RxTextData(file, colInfo = info)
  expect_equal(rxImport(source), expected)
  expect_equal(names(source), names(info))
  expect_equal(rxImport(file, type = "fixed", colInfo = info, varsToKeep = c("n", "id")), expected[c("n", "id")])
  error <- expect_error(
    rxImport(file, colInfo = list(id = list(type = "integer", start = 1, width = 4))), class = "rxscale_error_value"
  )
  expect_equal(list(error$row, error$column), list(3, "id"))
  expect_error(rxImport(file, colInfo = c(info, list(x = list(type = "integer")))), class = "rxscale_error_argument")
  expect_error(rxImport(file, type = "fixed"), class = "rxscale_error_argument")
})

test_that("a schema file describes text of fixed format", {
  folder <- withr::local_tempdir()
  writeLines(c("title", "17-20A  289", "21-24B   NA"), file.path(folder, "claims.dat"))
  schema <- file.path(folder, "claims.sts")
  writeLines(c("FILE claims.dat", "FIRST LINE 2", "VARIABLES", " age 1-5 (A)", " type 6 (A)", " cost 7-11"), schema)
  expect_equal(rxImport(schema), data.frame(age = c("17-20", "21-24"), type = c("A", "B"), cost = c(289, NA)))
  factors <- rxImport(schema, colInfo = list(type = list(type = "factor", newName = "kind")))
  expect_equal(factors$kind, factor(c("A", "B")))
})

# The flights as several files.
split_flights <- function(folder, files = 5) {
  lines <- readLines(flights_file(), n = 20001)
  part <- cut(seq_along(lines[-1]), files, labels = FALSE)
  paths <- file.path(folder, sprintf("part-%d.csv", seq_len(files) * 3))
  for (i in seq_len(files)) writeLines(c(lines[1], lines[-1][part == i]), paths[i])
  paths
}

test_that("a folder or several files are one source", {
  folder <- withr::local_tempdir()
  paths <- split_flights(folder)
  # R's own reader of them, one by one, in the order of their numbers.
  expected <- do.call(rbind, lapply(paths, utils::read.csv))
  for (source in list(RxTextData(folder), RxTextData(paths), paths, folder)) {
    expect_equal(rxImport(source)$arr_delay, expected$arr_delay)
  }
  data <- rxImport(RxTextData(folder, colClasses = c(carrier = "factor", dest = "factor")), temp_file())
  expect_equal(rxGetVarInfo(data)$dest$levels, unique(expected$dest))
  source <- RxTextData(paths, varsToKeep = c("carrier", "arr_delay"), stringsAsFactors = TRUE)
  expect_equal(names(source), c("carrier", "arr_delay"))
  expect_equal(tail(source, 3)$arr_delay, tail(expected$arr_delay, 3))
  expect_equal(rxGetInfo(source)$fileName, normalizePath(paths))
  expect_equal(rxGetVarInfo(source, computeInfo = TRUE)$carrier$levels, unique(expected$carrier))
  expect_equal(rxImport(source, numRows = 5000)$arr_delay, expected$arr_delay[1:5000])
  means <- rxSummary(arr_delay ~ carrier, data = source)$categorical[[1]]
  expect_equal(as.character(means$carrier), unique(expected$carrier))
  by_carrier <- tapply(expected$arr_delay, expected$carrier, mean, na.rm = TRUE)
  expect_equal(means$Means, as.vector(by_carrier[unique(expected$carrier)]))
})

test_that("files of a folder agree by name, whatever the order of their columns", {
  folder <- withr::local_tempdir()
  utils::write.csv(data.frame(a = 1:2, b = c("x", "y")), file.path(folder, "1.csv"), row.names = FALSE)
  utils::write.csv(data.frame(b = "z", a = 2.5), file.path(folder, "2.csv"), row.names = FALSE)
  expect_equal(rxImport(folder), data.frame(a = c(1, 2, 2.5), b = c("x", "y", "z")))
  writeLines(c("a,c", "1,2"), file.path(folder, "3.csv"))
  error <- expect_error(rxImport(folder), class = "rxscale_error_missing_column")
  expect_match(error$file, "3.csv")
  writeLines(c("a,b", "1,x", "oops,y"), file.path(folder, "3.csv"))
  error <- expect_error(rxImport(RxTextData(folder, colClasses = c(a = "numeric"))), class = "rxscale_error_value")
  expect_equal(error$row, 2)
  expect_match(error$file, "3.csv")
})

test_that("text is written as the target says", {
  data <- data.frame(x = c(1.5, NA, 2), s = c("a;b", "it's", NA), g = factor(c("u", "v", "u"), levels = c("v", "u")))
  written <- function(...) {
    file <- temp_file(".csv")
    rxImport(data, RxTextData(file, ...))
    readLines(file)
  }
  expect_equal(written(), c("x,s,g", "1.5,a;b,u", "NA,it's,v", "2.0,NA,u"))
  expect_equal(
    written(delimiter = ";", decimalPoint = ",", quoteMark = "'", missingValueString = "-", stripZeros = TRUE),
    c("x;s;g", "1,5;'a;b';u", "-;'it''s';v", "2;-;u")
  )
  expect_equal(
    written(firstRowIsColNames = FALSE, writeFactorsAsIndexes = TRUE, delimiter = "\t"),
    c("1.5\ta;b\t2", "NA\tit's\t1", "2.0\tNA\t2")
  )
  expect_error(written(decimalPoint = ","), class = "rxscale_error_argument")
  error <- expect_error(written(delimiter = ";", quoteMark = ""), class = "rxscale_error_value")
  expect_equal(error$column, "s")
})

test_that("what is written is what R reads, and reads back", {
  data <- all_kinds()
  for (extension in c(".csv", ".csv.gz")) {
    file <- temp_file(extension)
    text <- rxImport(data, RxTextData(file, writePrecision = 15))
    base <- utils::read.csv(file)
    expect_equal(base$size, data$size)
    expect_equal(base$name, data$name)
    back <- rxImport(text, colInfo = list(
      group = list(type = "factor", levels = levels(data$group)),
      grade = list(type = "ordered", levels = levels(data$grade)), day = list(type = "Date"),
      time = list(type = "POSIXct")
    ))
    expect_equal(back, data, ignore_attr = "tzone")
  }
  expect_equal(readBin(file, "raw", 2), as.raw(c(0x1f, 0x8b)))
})

test_that("large text is compressed by all threads to the same file", {
  file <- temp_file(".csv.gz")
  old <- rxOptions(numCoresToUse = 1)
  withr::defer(rxOptions(numCoresToUse = old$numCoresToUse))
  rxImport(flights_xdf(), RxTextData(file), varsToKeep = c("arr_delay", "carrier"))
  one <- unname(tools::md5sum(file))
  rxOptions(numCoresToUse = 8)
  rxImport(flights_xdf(), RxTextData(file), varsToKeep = c("arr_delay", "carrier"), overwrite = TRUE)
  expect_equal(unname(tools::md5sum(file)), one)
  expect_equal(rxImport(file)$arr_delay, flights_frame()$arr_delay)
})

test_that("a set of files is written to a folder", {
  folder <- withr::local_tempdir()
  target <- RxTextData(file.path(folder, "cars.csv.gz"), createFileSet = TRUE, rowsPerOutFile = 10)
  set <- rxImport(mtcars, target)
  expect_equal(basename(set@file), "cars")
  expect_setequal(list.files(set@file), sprintf("cars_%d.csv.gz", 1:4))
  expect_equal(nrow(utils::read.csv(file.path(set@file, "cars_4.csv.gz"))), 2)
  expect_equal(rxImport(set)$mpg, mtcars$mpg)
  expect_error(rxImport(mtcars, target), class = "rxscale_error_argument")
  rxImport(mtcars[1:3, ], target, overwrite = TRUE)
  expect_equal(rxImport(set)$mpg, mtcars$mpg[1:3])
  # A set makes a set, unless told otherwise.
  copy <- rxImport(set, RxTextData(file.path(folder, "copy.txt")))
  expect_equal(list.files(copy@file), "copy_1.txt")
  one <- rxImport(set, RxTextData(file.path(folder, "one.txt"), createFileSet = FALSE))
  expect_equal(basename(one@file), "one.txt")
  expect_setequal(list.files(folder), c("cars", "copy", "one.txt"))
})

test_that("damaged files are errors of their class", {
  file <- temp_file(".csv.gz")
  bytes <- readBin(flights_file(), "raw", 1e6)
  writeBin(bytes, file)
  error <- expect_error(rxImport(file), class = "rxscale_error_corrupt_file")
  expect_match(conditionMessage(error), "end too early")
  file <- temp_file(".csv")
  writeBin(c(charToRaw("a,b\n1,x\n2,"), as.raw(0), charToRaw("y\n")), file)
  expect_error(rxImport(file), class = "rxscale_error_corrupt_file")
  writeBin(c(charToRaw("a,b\n1,x\n2,caf"), as.raw(0xe9), charToRaw("\n")), file)
  expect_error(rxSummary(~b, file), class = "rxscale_error_value")
  expect_equal(rxSummary(~a, file)$nobs.valid, 2)
  writeBin(raw(), file)
  expect_error(rxImport(file), class = "rxscale_error_corrupt_file")
})

test_that("a line of 100 megabytes is read", {
  skip_on_cran()
  file <- temp_file(".csv")
  writeLines(c("a,b", "1,x", paste0("2,", strrep("y", 1e8)), "3,z"), file)
  expect_equal(nchar(rxImport(file)$b), c(1, 1e8, 1))
})

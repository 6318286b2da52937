test_that("text becomes an XDF file, as rxImport() makes it", {
  file <- temp_file()
  expect_message(made <- rxTextToXdf(
    flights_file(), file,
    rowSelection = month == 1, transforms = list(late = arr_delay > 15), numRows = 5000,
    colClasses = c(carrier = "factor")
  ), "rxImport|^$", all = FALSE)
  wanted <- rxImport(
    flights_file(),
    rowSelection = month == 1, transforms = list(late = arr_delay > 15), numRows = 5000,
    colClasses = c(carrier = "factor")
  )
  expect_s4_class(made, "RxXdfData")
  expect_equal(rxImport(made), wanted)
  expect_error(suppressMessages(rxTextToXdf(flights_file(), file)), "overwrite", class = "rxscale_error_argument")
})

test_that("arguments of text reach it", {
  text <- temp_file(".txt")
  writeLines(c("# a comment", "1|x", "2|none"), text)
  made <- suppressMessages(rxTextToXdf(
    text, temp_file(),
    rowsToSkip = 1, columnDelimiters = "|", autoDetectColNames = FALSE, missingValueString = "none",
    stringsAsFactors = TRUE
  ))
  read <- rxImport(made)
  expect_equal(unname(as.list(read)), list(1:2, factor(c("x", NA))))
  set <- suppressMessages(rxTextToXdf(
    text, temp_file(""),
    rowsToSkip = 1, columnDelimiters = "|", autoDetectColNames = FALSE, createCompositeSet = TRUE
  ))
  withr::defer(unlink(rxXdfFileName(set), recursive = TRUE))
  expect_equal(rxGetInfo(set)$numCompositeFiles, 1)
})

test_that("what is not supported is told", {
  expect_error(
    suppressMessages(rxTextToXdf("a.csv", "a", colInfo = list(x = list(type = "factor", levels = c("a", ".rxOther"))))),
    "rxFactors", class = "rxscale_error_unsupported"
  )
  expect_error(suppressMessages(rxTextToXdf("a.csv", "a", columnDelimiters = ",;")), class = "rxscale_error_argument")
})

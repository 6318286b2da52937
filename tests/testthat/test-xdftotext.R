test_that("text is that of write.table()", {
  data <- data.frame(x = c(1, 2.25, NA, 1 / 3), s = c("a", NA, "b c", ""), f = factor(c("u", "v", NA, "u")), i = 1:4)
  file <- temp_file()
  rxImport(data, file)
  check <- function(sep = ",", quote = TRUE, na = "NA", eol = "\n", col.names = TRUE) {
    ours <- temp_file(".txt")
    theirs <- temp_file(".txt")
    rxXdfToText(file, ours, sep = sep, quote = quote, na = na, eol = eol, col.names = col.names)
    utils::write.table(
      data, theirs,
      sep = sep, quote = quote, na = na, eol = eol, col.names = col.names, row.names = FALSE
    )
    written <- utils::read.table(theirs, sep = sep, quote = "\"", na.strings = na, header = col.names)
    expect_equal(utils::read.table(ours, sep = sep, quote = "\"", na.strings = na, header = col.names), written)
    expect_equal(readLines(ours)[-4], readLines(theirs)[-4])
  }
  check()
  check(sep = "\t", na = "?")
  check(quote = FALSE, sep = ";", col.names = FALSE)
  check(eol = "\r\n")
})

test_that("rows and columns are selected, and the source reads what was written", {
  file <- temp_file()
  rxImport(mtcars, file)
  text <- rxXdfToText(
    file, temp_file(".txt"),
    varsToKeep = c("mpg", "cyl"), rowSelection = mpg > 25, transforms = list(kml = mpg * 0.425), sep = "|", na = "none"
  )
  expect_s4_class(text, "RxTextData")
  wanted <- transform(mtcars[mtcars$mpg > 25, c("mpg", "cyl")], kml = mpg * 0.425)
  expect_equal(rxImport(text), wanted, ignore_attr = TRUE)
  expect_error(rxXdfToText(file, text@file), class = "rxscale_error_argument")
  expect_error(rxXdfToText(file, temp_file(), sep = "||"), "sep", class = "rxscale_error_argument")
  expect_warning(rxXdfToText(file, temp_file(".txt"), qoute = FALSE), "quote")
})

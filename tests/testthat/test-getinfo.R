test_that("information on a data frame prints", {
  expect_snapshot(rxGetInfo(all_kinds(), getVarInfo = TRUE, numRows = 2))
  expect_snapshot(rxGetInfo(mtcars, varsToKeep = c("mpg", "hp"), startRow = 31, numRows = 5))
})

test_that("information on an XDF file prints", {
  folder <- withr::local_tempdir()
  withr::local_dir(folder)
  rxImport(all_kinds(), "kinds.xdf", rowsPerRead = 4)
  rxSetInfo("kinds.xdf", "One column of every kind")
  hide <- function(lines) sub(normalizePath(folder), "<folder>", lines, fixed = TRUE)
  expect_snapshot(rxGetInfo("kinds.xdf", getVarInfo = TRUE, getBlockSizes = TRUE), transform = hide)
})

test_that("the parts are there under their names", {
  file <- temp_file()
  rxImport(mtcars, file, rowsPerRead = 20)
  info <- rxGetInfo(file, getVarInfo = TRUE, getBlockSizes = TRUE, numRows = 3, varsToDrop = "mpg")
  expect_s3_class(info, "rxGetInfo")
  expect_equal(basename(info$fileName), basename(file))
  expect_equal(info$numRows, 32)
  expect_equal(info$numVars, 10)
  expect_equal(info$numBlocks, 2)
  expect_equal(info$rowsPerBlock, c(20, 12))
  expect_equal(names(info$varInfo), names(mtcars)[-1])
  expect_equal(info$data, mtcars[1:3, -1], ignore_attr = "row.names")
  frame <- rxGetInfo(mtcars)
  expect_equal(frame$objName, "mtcars")
  expect_equal(frame$class, "data.frame")
  expect_null(frame$varInfo)
})

test_that("several data give a list", {
  info <- rxGetInfo(list(cars = mtcars, flowers = iris))
  expect_equal(names(info), c("cars", "flowers"))
  expect_equal(info$flowers$numRows, 150)
})

test_that("levels are left out if they are not wanted", {
  expect_null(rxGetInfo(iris, getVarInfo = TRUE, getValueLabels = FALSE)$varInfo$Species$levels)
  expect_length(rxGetInfo(iris, getVarInfo = TRUE)$varInfo$Species$levels, 3)
})

test_that("a description is kept in the file or the data frame", {
  file <- temp_file()
  rxImport(mtcars, file)
  expect_false(withVisible(rxSetInfo(file, "cars"))$visible)
  expect_equal(rxGetInfo(file)$description, "cars")
  described <- rxSetInfo(mtcars, "cars")
  expect_equal(attr(described, ".rxDescription"), "cars")
  expect_equal(rxGetInfo(described)$description, "cars")
  rxSetInfoXdf(file, "more cars")
  expect_equal(rxGetInfoXdf(file, getVarInfo = TRUE), rxGetInfo(file, getVarInfo = TRUE))
  expect_equal(rxGetInfoXdf(RxXdfData(file))$description, "more cars")
  expect_error(rxGetInfoXdf(mtcars), class = "rxscale_error_argument")
  text <- temp_file(".csv")
  utils::write.csv(mtcars, text)
  expect_error(rxSetInfo(text, "cars"), class = "rxscale_error_unsupported")
})

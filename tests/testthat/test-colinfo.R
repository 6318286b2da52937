test_that("colInfo wins over colClasses, and its elements may be named by a field", {
  options <- column_options(
    c(a = "integer", b = "factor"),
    list(a = list(type = "numeric", newName = "A"), list(name = "c", type = "string", description = "text"))
  )
  expect_equal(options, list(
    a = list(name = "a", new_name = "A", kind = "numeric"),
    c = list(name = "c", description = "text", kind = "character"),
    b = list(name = "b", kind = list(factor = list(ordered = FALSE)))
  ))
  expect_length(column_options(NULL, NULL), 0)
})

test_that("bounds are numbers and levels a list, as the engine wants them", {
  expect_equal(
    column_options(NULL, list(a = list(type = "ordered", levels = 1:2, low = 1L, high = 2L))),
    list(a = list(
      name = "a", levels = list("1", "2"), low = 1, high = 2, kind = list(factor = list(ordered = TRUE))
    ))
  )
})

test_that("a column may be told by its index, which a name overrides", {
  options <- column_options(NULL, list(list(index = 2, type = "integer"), x = list(index = 3, start = 1, width = 4)))
  expect_equal(unname(options), list(
    list(index = 2L, kind = "integer"), list(name = "x", start = 1L, width = 4L)
  ))
})

test_that("mistakes are told", {
  expect_snapshot(error = TRUE, RxTextData("a.csv", colClasses = c(x = "intger")))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colClasses = c(x = "factorIndex")))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colInfo = list(list(type = "integer"))))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colInfo = list(x = list(type = "integer", width = "3"))))
  expect_snapshot(x <- RxTextData("a.csv", colInfo = list(x = list(typ = "integer"))))
})

test_that("columns of other sources are converted", {
  data <- all_kinds()
  converted <- rxImport(
    data,
    stringsAsFactors = TRUE, colClasses = c(count = "numeric", group = "character"),
    colInfo = list(
      flag = list(type = "integer", newName = "set"),
      grade = list(type = "factor", levels = c("A", "B"), newLevels = c("top", "good"))
    )
  )
  expect_equal(names(converted), replace(names(data), 1, "set"))
  expect_equal(converted$set, as.integer(data$flag))
  expect_type(converted$count, "double")
  expect_equal(converted$name, factor(data$name, levels = c("b", "a", "c", "\u00e9t\u00e9")))
  expect_equal(converted$group, as.character(data$group))
  expect_equal(converted$grade, factor(as.character(data$grade), c("A", "B"), c("top", "good")))
  expect_equal(converted$day, data$day)
})

test_that("levels that show up in later chunks are joined", {
  data <- data.frame(x = rep(c("b", "a", "c"), each = 4))
  converted <- rxImport(data, stringsAsFactors = TRUE, rowsPerRead = 3)
  expect_equal(converted$x, factor(data$x, levels = c("b", "a", "c")))
})

test_that("a column that is not there is told", {
  expect_error(rxImport(mtcars, colClasses = c(mpgg = "integer")), class = "rxscale_error_missing_column")
  expect_error(rxImport(mtcars, colInfo = list(mpg = list(start = 1))), class = "rxscale_error_unsupported")
  expect_error(rxImport(mtcars, colInfo = list(mpg = list(low = 1))), "high", class = "rxscale_error_argument")
})

test_that("colInfo is made from data of any kind, and reads other data alike", {
  data <- all_kinds()[c("flag", "count", "size", "name", "group", "grade", "day", "time")]
  info <- rxCreateColInfo(data)
  expect_equal(vapply(info, function(column) column$type, ""), c(
    flag = "logical", count = "integer", size = "numeric", name = "character", group = "factor", grade = "ordered",
    day = "Date", time = "POSIXct"
  ))
  expect_equal(info$group, list(type = "factor", levels = c("low", "mid", "high")))
  file <- temp_file(".csv")
  rxImport(data, RxTextData(file, writePrecision = 15))
  expect_equal(rxImport(file, colInfo = info), data, ignore_attr = "tzone")
  text <- RxTextData(file, colClasses = c(name = "factor", size = "float32"))
  found <- rxCreateColInfo(text, includeLowHigh = TRUE)
  expect_equal(found$name, list(type = "factor", levels = c("b", "a", "c", "\u00e9t\u00e9")))
  expect_equal(found$count, list(type = "integer", low = -7, high = 9))
  expect_equal(found$size$type, "float32")
  expect_null(rxCreateColInfo(text, computeInfo = FALSE)$name$levels)
  expect_equal(rxCreateColInfo(rxGetVarInfo(data), varsToKeep = "group"), info["group"])
  expect_named(rxCreateColInfo(data, factorsOnly = TRUE, useFactorIndex = TRUE), c("group", "grade"))
  expect_equal(rxCreateColInfo(data, factorsOnly = TRUE, useFactorIndex = TRUE)$group$type, "factorIndex")
})

test_that("levels are sorted as numbers if they are such", {
  sorted <- function(levels) {
    rxCreateColInfo(data.frame(x = factor(levels, levels = levels)), sortLevels = TRUE)$x$levels
  }
  expect_equal(sorted(c("10", "9", "-1")), c("-1", "9", "10"))
  expect_equal(sorted(c("b", "a", "B", "10")), c("10", "B", "a", "b"))
})

test_that("bounds, descriptions and positions of levels are taken for columns that have types", {
  file <- temp_file()
  rxImport(mtcars, file, colInfo = list(
    mpg = list(low = 10, high = 40, description = "miles a gallon"),
    am = list(type = "factorIndex", levels = c("automatic", "manual"))
  ))
  info <- rxGetVarInfo(file)
  expect_equal(info$mpg[c("description", "low", "high")], list(description = "miles a gallon", low = 10, high = 40))
  expect_equal(info$am$levels, c("automatic", "manual"))
  expect_equal(as.integer(rxImport(file)$am) - 1, mtcars$am)
  error <- expect_error(rxImport(data.frame(s = "no day"), colClasses = c(s = "Date")), class = "rxscale_error_transform")
  expect_match(conditionMessage(error), "Column 's' cannot be converted")
})

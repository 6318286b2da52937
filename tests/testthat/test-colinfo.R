test_that("colInfo wins over colClasses, and its elements may be named by a field", {
  options <- column_options(
    c(a = "integer", b = "factor"),
    list(a = list(type = "numeric", newName = "A"), list(name = "c", type = "string", description = "text"))
  )
  expect_equal(options, list(
    a = list(kind = "numeric", new_name = "A"), b = list(kind = list(factor = list(ordered = FALSE))),
    c = list(description = "text", kind = "character")
  ))
  expect_null(column_options(NULL, NULL))
})

test_that("bounds are numbers and levels a list, as the engine wants them", {
  expect_equal(
    column_options(NULL, list(a = list(type = "ordered", levels = 1:2, low = 1L, high = 2L))),
    list(a = list(low = 1, high = 2, levels = list("1", "2"), kind = list(factor = list(ordered = TRUE))))
  )
})

test_that("mistakes are told", {
  expect_snapshot(error = TRUE, RxTextData("a.csv", colClasses = c(x = "intger")))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colClasses = c(x = "uint16")))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colInfo = list(list(type = "integer"))))
  expect_snapshot(error = TRUE, RxTextData("a.csv", colInfo = list(x = list(type = "integer", width = 3))))
  expect_snapshot(x <- RxTextData("a.csv", colInfo = list(x = list(typ = "integer"))))
})

test_that("columns of other sources are converted", {
  data <- all_kinds()
  converted <- rxImport(
    data,
    stringsAsFactors = TRUE, colClasses = c(count = "numeric", group = "character"),
    colInfo = list(flag = list(type = "integer", newName = "set"), grade = list(type = "factor", levels = c("A", "B")))
  )
  expect_equal(names(converted), replace(names(data), 1, "set"))
  expect_equal(converted$set, as.integer(data$flag))
  expect_type(converted$count, "double")
  expect_equal(converted$name, factor(data$name, levels = c("b", "a", "c", "\u00e9t\u00e9")))
  expect_equal(converted$group, as.character(data$group))
  expect_equal(converted$grade, factor(as.character(data$grade), levels = c("A", "B")))
  expect_equal(converted$day, data$day)
})

test_that("levels that show up in later chunks are joined", {
  data <- data.frame(x = rep(c("b", "a", "c"), each = 4))
  converted <- rxImport(data, stringsAsFactors = TRUE, rowsPerRead = 3)
  expect_equal(converted$x, factor(data$x, levels = c("b", "a", "c")))
})

test_that("a column that is not there is told", {
  expect_error(rxImport(mtcars, colClasses = c(mpgg = "integer")), class = "rxscale_error_missing_column")
  expect_error(rxImport(mtcars, colInfo = list(mpg = list(low = 1))), class = "rxscale_error_unsupported")
})

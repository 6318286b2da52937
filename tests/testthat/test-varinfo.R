test_that("columns are described in the words of RevoScaleR", {
  info <- rxGetVarInfo(all_kinds())
  expect_equal(info$count, list(varType = "integer", storage = "int32", low = -7, high = 9))
  expect_equal(info$group, list(varType = "factor", storage = "uint32", levels = c("low", "mid", "high")))
  expect_equal(info$name, list(varType = "character", storage = "string"))
  expect_equal(vapply(info, function(x) x$varType, ""), c(
    flag = "logical", count = "integer", size = "numeric", name = "character", group = "factor", grade = "ordered",
    day = "Date", time = "POSIXct"
  ))
})

test_that("descriptions print", {
  data <- all_kinds()
  data$many <- factor(1:6, levels = 1:20)
  expect_snapshot(rxGetVarInfo(rxSetVarInfo(list(size = list(description = "in metres")), data)))
})

test_that("columns can be left out, and their levels", {
  expect_equal(names(rxGetVarInfo(mtcars, varsToKeep = c("hp", "mpg"))), c("hp", "mpg"))
  expect_null(rxGetVarInfo(iris, getValueLabels = FALSE)$Species$levels)
  expect_snapshot(error = TRUE, rxGetVarInfo(mtcars, varsToKeep = "hpp"))
})

test_that("an XDF file knows its bounds, text is read for them", {
  file <- temp_file()
  rxImport(iris, file)
  info <- rxGetVarInfo(file)
  expect_equal(c(info$Sepal.Length$low, info$Sepal.Length$high), range(iris$Sepal.Length))
  text <- temp_file(".csv")
  utils::write.csv(iris, text, row.names = FALSE)
  source <- RxTextData(text, stringsAsFactors = TRUE)
  expect_null(rxGetVarInfo(source)$Sepal.Length$low)
  info <- rxGetVarInfo(source, computeInfo = TRUE)
  expect_equal(c(info$Sepal.Length$low, info$Sepal.Length$high), range(iris$Sepal.Length))
  expect_equal(info$Species$levels, levels(iris$Species))
})

test_that("names, descriptions, bounds and levels of a file are changed in place", {
  file <- temp_file()
  rxImport(iris, file)
  info <- rxGetVarInfo(file)
  info$Species$levels <- c("one", "two", "three")
  info$Sepal.Length$newName <- "sepal"
  info$Sepal.Length[c("low", "high", "description")] <- list(0, 10, "in cm")
  expect_false(withVisible(rxSetVarInfo(info, file))$visible)
  changed <- rxGetVarInfo(file)
  expect_equal(rxGetVarNames(file), replace(names(iris), 1, "sepal"))
  expect_equal(changed$sepal[c("low", "high", "description")], list(low = 0, high = 10, description = "in cm"))
  expect_equal(levels(rxImport(file)$Species), c("one", "two", "three"))
  expect_equal(rxImport(file)$sepal, iris$Sepal.Length)
})

test_that("columns may be named by position", {
  file <- temp_file()
  rxImport(iris, file)
  rxSetVarInfoXdf(list(list(position = 5, newName = "kind"), list(position = 1, description = "first")), file)
  expect_equal(rxGetVarNames(file)[5], "kind")
  expect_equal(rxGetVarInfo(file)[[1]]$description, "first")
  expect_equal(rxGetVarInfoXdf(file, varsToKeep = "kind"), rxGetVarInfo(file, varsToKeep = "kind"))
  expect_error(rxSetVarInfoXdf(list(list(position = 1, newName = "x")), iris), class = "rxscale_error_argument")
})

test_that("a data frame comes back changed", {
  changed <- rxSetVarInfo(list(Species = list(newName = "kind", levels = c("a", "b", "c"), description = "what")), iris)
  expect_equal(levels(changed$kind), c("a", "b", "c"))
  expect_equal(rxGetVarInfo(changed)$kind$description, "what")
  expect_equal(rxGetVarNames(changed)[5], "kind")
})

test_that("mistakes are told", {
  expect_snapshot(error = TRUE, rxSetVarInfo(list(Species = list(levels = c("a", "b"))), iris))
  expect_snapshot(error = TRUE, rxSetVarInfo(list(Specis = list(newName = "kind")), iris))
  expect_snapshot(error = TRUE, rxSetVarInfo(list(Species = list(newName = "Petal.Width")), iris))
  expect_snapshot(error = TRUE, rxSetVarInfo(list(list(newName = "kind")), iris))
  expect_snapshot(x <- rxSetVarInfo(list(Species = list(lable = "kind")), iris))
  expect_error(rxSetVarInfo(list(Species = list(valueInfoCodes = 1)), iris), class = "rxscale_error_unsupported")
  expect_error(rxSetVarInfo(list(Sepal.Length = list(levels = "a")), iris), class = "rxscale_error_wrong_type")
})

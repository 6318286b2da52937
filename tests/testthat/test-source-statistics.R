iris_file <- function(name) {
  skip_if_not_installed("haven")
  system.file("examples", name, package = "haven")
}

spss_file <- function(env = parent.frame()) {
  skip_if_not_installed("haven")
  data <- data.frame(x = c(1, 2, 9, NA), s = c("a", "b", "", "d"), car.age = c(4, 3, 2, 1))
  data$answer <- haven::labelled_spss(
    c(1, 2, 9, 8), c(refused = 9, low = 1, high = 2), na_values = c(9, 8), label = "Their answer"
  )
  data$plain <- haven::labelled(c(3, 1, 7, NA), c(three = 3, one = 1))
  data$day <- as.Date("2020-02-28") + 0:3
  data$at <- as.POSIXct("2020-01-01 10:00:00", tz = "UTC") + 0:3
  file <- temp_file(".sav", env)
  haven::write_sav(data, file)
  file
}

# Writes a file of SAS, which haven does no longer without a warning.
write_sas <- function(data, file) {
  withr::with_options(list(lifecycle_verbosity = "quiet"), suppressWarnings(haven::write_sas(data, file)))
}

test_that("files of SAS and SPSS are data of every analysis", {
  skip_if_not_installed("haven")
  data <- flights_frame()[seq(1, 336776, by = 50), ]
  data[] <- lapply(data, function(x) if (is.numeric(x)) as.double(x) else as.character(x))
  files <- c(temp_file(".sas7bdat"), temp_file(".sav"))
  write_sas(data, files[[1]])
  haven::write_sav(data, files[[2]])
  row.names(data) <- NULL
  expected <- analyses_of(data)
  expect_equal(analyses_of(RxSasData(files[[1]], rowsPerRead = 1000)), expected)
  expect_equal(analyses_of(RxSpssData(files[[2]], rowsPerRead = 1000)), expected)
})

test_that("a SAS file is data of analyses, chunk by chunk", {
  file <- iris_file("iris.sas7bdat")
  whole <- as.data.frame(haven::read_sas(file))
  sas <- RxSasData(file, rowsPerRead = 40, stringsAsFactors = TRUE)
  expect_equal(rxImport(sas, stringsAsFactors = FALSE), whole, ignore_attr = TRUE)
  fit <- rxLinMod(Sepal_Length ~ Petal_Width + Species, sas)
  expect_equal(
    rxPredict(fit, sas)$Sepal_Length_Pred,
    unname(fitted(lm(Sepal.Length ~ Petal.Width + Species, transform(iris, Species = whole$Species))))
  )
  expect_equal(rxQuantile("Petal_Width", file), quantile(whole$Petal_Width, type = 4))
  xdf <- rxImport(file, temp_file(), varsToKeep = c("Species", "Sepal_Width"))
  expect_equal(rxGetInfo(xdf)$numRows, 150)
  expect_equal(names(RxSasData(file, varsToDrop = "Species")), setdiff(names(whole), "Species"))
  expect_equal(dim(sas), c(NA, 5))
})

test_that("an SPSS file is data of analyses, its labels are levels", {
  file <- iris_file("iris.sav")
  spss <- RxSpssData(file, rowsPerRead = 70)
  expect_equal(rxGetVarInfo(spss)$Species$levels, levels(iris$Species))
  expect_equal(rxImport(file), stats::setNames(iris, gsub(".", "_", names(iris), fixed = TRUE)))
  cube <- rxCube(Sepal_Length ~ Species, file)
  expect_equal(cube$Sepal_Length, as.vector(tapply(iris$Sepal.Length, iris$Species, mean)))
})

test_that("labels, missing codes, descriptions and names are as documented", {
  file <- spss_file()
  read <- rxImport(file)
  expect_named(read, c("x", "s", "car_age", "answer", "plain", "day", "at"))
  expect_equal(levels(read$answer), c("low", "high", "refused"))
  expect_equal(as.vector(read$answer), c("low", "high", NA, NA))
  expect_equal(as.vector(read$plain), c("three", "one", NA, NA))
  expect_equal(read$day, as.Date("2020-02-28") + 0:3)
  expect_equal(as.numeric(read$at), as.numeric(as.POSIXct("2020-01-01 10:00:00", tz = "UTC") + 0:3))
  expect_equal(read$s, c("a", "b", "", "d"))
  expect_equal(rxGetVarInfo(file)$answer$description, "Their answer")
  values <- function(...) rxImport(RxSpssData(file, labelsAsLevels = FALSE, rowsPerRead = 1, ...))$answer
  expect_equal(values(), c(1, 2, NA, NA))
  expect_equal(values(mapMissingCodes = "first"), c(1, 2, NA, 8))
  expect_equal(values(mapMissingCodes = "none"), c(1, 2, 9, 8))
  kept <- rxImport(RxSpssData(file, mapMissingCodes = "none"))
  expect_equal(as.vector(kept$answer), c("low", "high", "refused", NA))
})

test_that("labels that are no levels are told", {
  file <- spss_file()
  info <- rxGetVarInfo(RxSpssData(file, labelsAsLevels = FALSE))$answer
  expect_equal(info[c("varType", "valueInfoCodes", "valueInfoLabels")], list(
    varType = "numeric", valueInfoCodes = c("1", "2", "9"), valueInfoLabels = c("low", "high", "refused")
  ))
  expect_null(rxGetVarInfo(RxSpssData(file, labelsAsLevels = FALSE), getValueLabels = FALSE)$answer$valueInfoCodes)
  expect_null(rxGetVarInfo(RxSpssData(file, labelsAsLevels = FALSE, labelsAsInfo = FALSE))$answer$valueInfoCodes)
})

test_that("colInfo, chunks and portable files work", {
  file <- spss_file()
  typed <- RxSpssData(file, colInfo = list(
    x = list(type = "integer", newName = "count"), s = list(type = "factor", levels = c("b", "a"))
  ), varsToKeep = c("count", "s"), rowsPerRead = 3)
  expect_equal(rxImport(typed), data.frame(count = c(1L, 2L, 9L, NA), s = factor(c("a", "b", NA, NA), c("b", "a"))))
  rxOpen(typed)
  expect_equal(vapply(1:3, function(i) NROW(rxReadNext(typed)), 0L), c(3L, 1L, 0L))
  rxClose(typed)
  text <- temp_file(".csv")
  rxDataStep(file, text, varsToKeep = c("car_age", "day"))
  expect_equal(readLines(text)[2], "4.0,2020-02-28")
})

test_that("empty text of SAS is missing, and so are its kinds of missing values", {
  skip_if_not_installed("haven")
  file <- temp_file(".sas7bdat")
  write_sas(data.frame(s = c("a", ""), x = c(1, NA)), file)
  read <- rxImport(file)
  expect_equal(read$s, c("a", NA))
  expect_equal(read$x, c(1, NA))
})

test_that("files that are none, or not there, are errors", {
  file <- temp_file(".sav")
  writeLines("no", file)
  expect_error(rxSummary(~x, file), "cannot be read", class = "rxscale_error_corrupt_file")
  expect_error(rxImport("nowhere.sas7bdat"), class = "rxscale_error_file")
  expect_error(rxImport("nowhere", type = "spss"), class = "rxscale_error_file")
  expect_error(RxSasData("x", mapMissingCodes = "first"), "mapMissingCodes", class = "rxscale_error_unsupported")
  expect_error(RxSpssData("x", mapMissingCodes = "some"), "mapMissingCodes", class = "rxscale_error_argument")
  expect_error(rxDataStep(iris, RxSpssData("x")), "cannot be written", class = "rxscale_error_unsupported")
  expect_error(rxOpen(RxSpssData("x"), "w"), class = "rxscale_error_argument")
  expect_error(RxSasData("x", varsToKeep = "a", varsToDrop = "b"), class = "rxscale_error_argument")
})

# Parts of data, as data frames and as files.

split_base <- function(env = parent.frame()) file.path(withr::local_tempdir(.local_envir = env), "part")

sizes <- function(parts) vapply(parts, nrow, 0L)

without_names <- function(data) `row.names<-`(data, NULL)

test_that("rows are cut into parts of nearly the same size", {
  data <- data.frame(x = 1:11)
  parts <- rxSplit(data, numOut = 4)
  expect_identical(sizes(parts), c(data.rows.1 = 2L, data.rows.2 = 3L, data.rows.3 = 3L, data.rows.4 = 3L))
  expect_identical(unlist(lapply(parts, `[[`, "x"), use.names = FALSE), 1:11)
  expect_identical(unname(sizes(rxSplit(data, numOut = 4, fill = "left"))), c(3L, 3L, 3L, 2L))
  expect_identical(unname(sizes(rxSplit(data.frame(x = 1:6), numOut = 4, fill = "center"))), c(1L, 2L, 2L, 1L))
  expect_identical(unname(sizes(rxSplit(data.frame(x = 1:2), numOut = 3))), c(0L, 1L, 1L))
})

test_that("each source is split to files, with selection and transforms", {
  flights <- flights_frame()
  for (source in flights_sources()) {
    parts <- rxSplit(
      source, split_base(), numOut = 3, rowSelection = late > 60, varsToKeep = c("origin", "distance"),
      transforms = list(late = arr_delay)
    )
    third <- rep(1:3, c(112258, 112259, 112259))
    late <- which(flights$arr_delay > 60)
    expected <- split(data.frame(flights[late, c("origin", "distance")], late = flights$arr_delay[late]), third[late])
    expect_equal(lapply(unname(parts), as.data.frame), lapply(unname(expected), without_names))
  }
})

test_that("text is read once, whatever the number of parts", {
  file <- temp_file(".csv")
  data <- data.frame(f = rep(c("b", "a", "c"), each = 100), x = seq_len(300))
  utils::write.csv(data, file, row.names = FALSE)
  source <- RxTextData(file, colClasses = c(f = "factor", x = "integer"), rowsPerRead = 70)
  before <- list.files(tempdir())
  parts <- rxSplit(source, "", numOut = 3, transforms = list(y = x * 2L))
  expect_setequal(list.files(tempdir()), before)
  data$f <- factor(data$f, c("b", "a", "c"))
  data$y <- data$x * 2L
  # One reading finds the levels of all parts.
  expect_equal(unname(parts), lapply(split(data, rep(1:3, each = 100)), without_names), ignore_attr = "names")
  some <- RxTextData(file, colClasses = c(f = "factor", x = "integer"), varsToKeep = "x")
  files <- rxSplit(some, split_base(), numOut = 2)
  expect_equal(lapply(unname(files), as.data.frame), list(data.frame(x = 1:150), data.frame(x = 151:300)))
})

test_that("blocks stay whole, and keep their sizes", {
  parts <- rxSplit(flights_xdf(), split_base(), numOut = 2, splitBy = "blocks")
  rows <- lapply(parts, function(part) rxGetInfo(part, getBlockSizes = TRUE)$rowsPerBlock)
  expect_identical(unname(rows), list(rep(50000L, 3), c(rep(50000L, 3), 36776L)))
  expect_match(names(parts), "^flights.*[.]blocks[.][12]$")
  expect_error(rxSplit(mtcars, numOut = 2, splitBy = "blocks"), "no blocks", class = "rxscale_error_argument")
})

test_that("a factor's levels have parts, also those without rows", {
  data <- iris
  data$Species <- factor(data$Species, c("virginica", "setosa", "none", "versicolor"))
  data$Species[3] <- NA
  expected <- lapply(split(data, data$Species), without_names)
  frames <- rxSplit(data, splitByFactor = "Species")
  expect_identical(names(frames), paste0("data.Species.", levels(data$Species)))
  expect_identical(unname(frames), unname(expected))
  base <- split_base()
  expect_invisible(files <- rxSplit(data, base, splitByFactor = "Species"))
  expect_identical(names(files), names(frames))
  expect_equal(lapply(unname(files), as.data.frame), unname(expected))
  expect_setequal(list.files(dirname(base)), sprintf("part.Species.%s.xdf", levels(data$Species)))
  # With names of the user's, and without the factor.
  files <- rxSplit(data, base, letters[1:4], splitByFactor = "Species", varsToDrop = "Species")
  expect_identical(basename(rxXdfFileName(files[[3]])), "partc.xdf")
  expect_identical(names(as.data.frame(files[[3]])), names(iris)[1:4])
  frames <- rxSplit(data, splitByFactor = "Species", varsToKeep = "Petal.Width", rowSelection = Petal.Width > 1)
  kept <- data[data$Petal.Width > 1, ]
  expect_equal(lapply(unname(frames), `[[`, "Petal.Width"), unname(split(kept$Petal.Width, kept$Species)))
})

test_that("factors of transforms, and columns that are none, split too", {
  base <- split_base()
  parts <- rxSplit(
    flights_xdf(), base, splitByFactor = "half", varsToKeep = "month",
    transforms = list(half = cut(month, c(0, 6, 12), labels = c("first", "second")))
  )
  expect_identical(basename(vapply(parts, rxXdfFileName, "", USE.NAMES = FALSE)), c(
    "part.half.first.xdf", "part.half.second.xdf"
  ))
  expect_identical(unname(sizes(parts)), as.integer(table(flights_frame()$month > 6)))
  parts <- rxSplit(flights_xdf(), base, splitByFactor = "origin", varsToKeep = "distance")
  expect_equal(
    lapply(unname(parts), function(part) as.data.frame(part)$distance),
    unname(split(flights_frame()$distance, flights_frame()$origin))
  )
  frames <- rxSplit(flights_xdf(), "", splitByFactor = "origin", varsToKeep = "distance")
  expect_identical(unname(lapply(frames, names)), rep(list("distance"), 3))
})

test_that("parts keep the ranges of the whole, or have their own", {
  low_high <- function(part) unlist(rxGetVarInfo(part)$month[c("low", "high")], use.names = FALSE)
  base <- split_base()
  for (by in list(list(numOut = 6), list(splitByFactor = "month"))) {
    split <- function(...) {
      do.call(rxSplit, c(list(flights_xdf(), base, varsToKeep = "month", overwrite = TRUE, ...), by))
    }
    expect_equal(low_high(split()[[1]]), c(1, 12))
    part <- split(updateLowHigh = TRUE)[[1]]
    expect_equal(low_high(part), range(as.data.frame(part)$month))
    expect_lt(diff(low_high(part)), 11)
  }
})

test_that("files are named by base and suffix, in folders that are made", {
  folder <- withr::local_tempdir()
  bases <- file.path(folder, c("one", "two"), "data")
  parts <- rxSplit(mtcars, bases)
  expect_identical(vapply(parts, rxXdfFileName, "", USE.NAMES = FALSE), normalizePath(paste0(bases, 1:2, ".xdf")))
  expect_error(rxSplit(mtcars, bases), "exists already", class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars, bases[[1]], c("1", "1")), "Two parts", class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars, bases, numOut = 3), "3 parts, but 2 names", class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars), "`numOut`", class = "rxscale_error_argument")
  expect_length(rxSplit(mtcars, bases[[1]], outFilesSuffixes = c("a", "b", "c")), 3)
  expect_length(rxSplit(mtcars, bases[[1]], numOutFiles = 2, overwrite = TRUE), 2)
  withr::local_dir(folder)
  file <- rxImport(mtcars, "cars.xdf")
  expect_named(rxSplitXdf(file, numOutFiles = 2), c("cars.rows.1", "cars.rows.2"))
  expect_setequal(list.files(folder, "^cars"), c("cars.xdf", "cars1.xdf", "cars2.xdf"))
  expect_named(rxSplit(file, splitByFactor = "am", varsToKeep = "mpg"), c("cars.am.0", "cars.am.1"))
  expect_length(rxSplit("cars.xdf", "", numOut = 2), 2)
})

test_that("what cannot be is refused, and leaves nothing", {
  base <- split_base()
  expect_error(rxSplit(mtcars, numOut = 0), class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars, splitBy = "columns", numOut = 2), class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars, numOut = 2, fill = "top"), class = "rxscale_error_argument")
  expect_error(rxSplit(mtcars, splitByFactor = "cil"), class = "rxscale_error_missing_column")
  expect_error(rxSplit(mtcars, base, splitByFactor = "cil"), class = "rxscale_error_missing_column")
  expect_error(
    rxSplit(mtcars, base, splitByFactor = "cyl", transformFunc = function(d) stop("no"), transformVars = "mpg"),
    class = "rxscale_error_transform"
  )
  expect_warning(rxSplit(mtcars, numOut = 2, numOutt = 3), "numOutt")
  expect_identical(list.files(dirname(base), all.files = TRUE, no.. = TRUE), character())
})

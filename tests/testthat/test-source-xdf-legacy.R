# Genuine files of RevoScaleR, and what is known of each from elsewhere.
genuine <- c(
  "mtcars", "mtcars_rowsel", "df_sql", "airportData", "admission", "New_Donor", "iris", "gpaData", "SABR", "airquality",
  "dataset2_rownames", "housing_5blocks", "ADS_2blocks", "ADSNew_float64", "mortgages_10blocks", "ADS"
)

# The bytes that a column was made of, as the files have them.
stored_bytes <- function(x, type) {
  switch(type,
    int32 = writeBin(x, raw(), endian = "little"),
    factor = writeBin(ifelse(is.na(x), -1L, as.integer(x) - 1L), raw(), endian = "little"),
    float32 = writeBin(x, raw(), size = 4, endian = "little"),
    float64 = writeBin(x, raw(), endian = "little"),
    string = unlist(lapply(x, function(text) {
      c(writeBin(c(1L, nchar(text, "bytes")), raw(), endian = "little"), charToRaw(text))
    }))
  )
}

sha256 <- function(bytes) {
  file <- withr::local_tempfile()
  writeBin(bytes, file)
  sub(" .*", "", system2("sha256sum", shQuote(file), stdout = TRUE))
}

expect_column <- function(x, expected) {
  numbers <- function(values) vapply(values, function(value) if (is.null(value)) NA_real_ else as.double(value), 0)
  type <- expected$type
  expect_identical(sha256(stored_bytes(x, type)), expected$raw_sha256)
  if (type == "string") {
    expect_type(x, "character")
    expect_equal(sum(!nzchar(x)), expected$empty)
    expect_equal(length(unique(x)), expected$distinct)
    expect_equal(sum(nchar(x, "bytes")), expected$total_bytes)
    expect_equal(utils::head(x, 5), unlist(expected$first5))
    return(invisible())
  }
  expect_equal(sum(is.na(x)), expected$na)
  if (type == "factor") {
    expect_s3_class(x, "factor")
    expect_equal(levels(x), as.character(unlist(expected$levels)))
    expect_equal(as.vector(table(x)), unlist(expected$level_counts))
    labels <- vapply(expected$last5, function(label) if (is.null(label)) NA_character_ else label, "")
    expect_equal(as.character(utils::tail(x, 5)), labels)
    x <- as.integer(x) - 1
  } else {
    expect_type(x, if (type == "int32") "integer" else "double")
    expect_identical(as.double(utils::head(x, 5)), numbers(expected$first5))
    expect_identical(as.double(utils::tail(x, 5)), numbers(expected$last5))
  }
  expect_equal(sum(!is.na(x)), expected$n_valid)
  expect_lte(abs(sum(as.double(x), na.rm = TRUE) - expected$sum), 1e-12 * sum(abs(x), na.rm = TRUE))
  expect_identical(as.double(range(x, na.rm = TRUE)), c(expected$min, expected$max) + 0)
}

test_that("genuine files are what is known of them", {
  skip_if_not_installed("jsonlite")
  skip_if(!nzchar(Sys.which("sha256sum")), "sha256sum is not here")
  missing <- character()
  for (name in genuine) {
    path <- tryCatch(legacy_file(paste0(name, ".xdf")), skip = function(condition) NULL)
    if (is.null(path)) {
      missing <- c(missing, name)
      next
    }
    expected <- jsonlite::read_json(legacy_file(paste0(name, ".EXPECTED.json")))
    info <- rxGetInfo(path, getVarInfo = TRUE, getBlockSizes = TRUE)
    expect_equal(info$rowsPerBlock, as.double(unlist(expected$block_rows)), label = name)
    expect_equal(info$compression, "zlib")
    named <- !is.null(expected$row_names_column)
    columns <- expected$columns
    names(columns) <- vapply(columns, function(column) column$name, "")
    data <- rxReadXdf(path)
    expect_equal(dim(data), c(expected$rows, expected$n_columns - named), label = name)
    if (named) {
      data$.rxRowNames <- row.names(data)
      expect_identical(columns[[expected$row_names_column + 1]]$name, ".rxRowNames")
    }
    expect_named(data, names(columns), ignore.order = named)
    storage <- c(int32 = "int32", factor = "uint32", float32 = "float32", float64 = "float64", string = "string")
    for (column in columns) {
      expect_column(data[[column$name]], column)
      described <- info$varInfo[[column$name]]
      if (column$name != ".rxRowNames") {
        expect_equal(described$storage, storage[[column$type]])
        if (!column$type %in% c("factor", "string")) {
          expect_identical(c(described$low, described$high), c(column$low, column$high) + 0)
        }
      }
    }
  }
  if (length(missing) > 0) {
    skip(paste("these may not be copied into the package:", paste(missing, collapse = ", ")))
  }
})

test_that("every function that reads takes such a file", {
  path <- legacy_file("mtcars.xdf")
  cars <- RxXdfData(path)
  expect_equal(rxReadXdf(path), mtcars)
  expect_equal(rxImport(path), mtcars)
  expect_equal(rxDataStep(cars), mtcars)
  expect_equal(as.data.frame(cars), mtcars)
  expect_identical(names(cars), names(mtcars))
  expect_equal(dim(cars), dim(mtcars))
  expect_equal(head(cars, 3), head(mtcars, 3))
  expect_equal(tail(cars, 3), tail(mtcars, 3))
  expect_equal(rxGetInfo(path, numRows = 2, startRow = 4)$data, mtcars[4:5, ])
  expect_equal(rxXdfToDataFrame(path, rowSelection = cyl == 8, varsToKeep = c("mpg", "hp")), {
    mtcars[mtcars$cyl == 8, c("mpg", "hp")]
  })
  made <- rxDataStep(path, transforms = list(kml = mpg * 0.425), varsToDrop = "wt", startRow = 3, numRows = 9)
  expect_equal(made, transform(mtcars[3:11, names(mtcars) != "wt"], kml = mpg * 0.425))
  expect_equal(rxReadXdf(RxXdfData(path, varsToKeep = "hp")), mtcars["hp"])
  expect_equal(coef(rxLinMod(mpg ~ wt + hp, cars)), coef(rxLinMod(mpg ~ wt + hp, mtcars)))
  expect_equal(rxSummary(~., cars)$sDataFrame, rxSummary(~., mtcars)$sDataFrame)
  rxOpen(cars)
  expect_equal(rxReadNext(cars), mtcars)
  expect_equal(nrow(rxReadNext(cars)), 0)
  rxClose(cars)
  fit <- rxLinMod(mpg ~ wt, cars)
  expect_equal(rxPredict(fit, cars, outData = tempfile(fileext = ".xdf"))@file |> rxImport(), {
    rxImport(rxPredict(fit, mtcars))
  }, ignore_attr = "row.names")
})

test_that("row names and descriptions go along into files of this package", {
  path <- legacy_file("mtcars.xdf")
  file <- temp_file()
  cars <- rxImport(path, file)
  expect_equal(rxReadXdf(file), mtcars)
  expect_identical(names(RxXdfData(file)), names(mtcars))
  expect_equal(rxGetInfo(file)$numVars, 11)
  rxSetVarInfo(list(mpg = list(newName = "miles")), file)
  rxDataStep(file, file, transforms = list(kml = miles * 0.425), overwrite = TRUE)
  expect_identical(row.names(rxReadXdf(file)), row.names(mtcars))
  expect_identical(names(rxReadXdf(file)), c("miles", names(mtcars)[-1], "kml"))
  # A function may change the number of rows.
  halved <- rxDataStep(path, transformFunc = function(chunk) lapply(chunk, function(x) x[1:16]))
  expect_identical(row.names(halved), as.character(1:16))
  text <- temp_file(".csv")
  expect_identical(names(rxImport(rxImport(path, text))), names(mtcars))
})

test_that("the same bits come with any number of threads", {
  path <- legacy_file("airportData.xdf")
  run <- function(threads) {
    old <- rxOptions(numCoresToUse = threads)
    on.exit(do.call(rxOptions, old))
    list(rxReadXdf(path), rxSummary(lat ~ state, path)[c("sDataFrame", "categorical")])
  }
  one <- run(1)
  expect_identical(run(2), one)
  expect_identical(run(8), one)
})

test_that("types that no known file has are read with one warning", {
  path <- test_path("fixtures", "legacy", "every-type.xdf")
  expect_warning(data <- rxReadXdf(path), "'logical' as logical.*a sample")
  warnings <- character()
  withCallingHandlers(
    info <- rxGetInfo(path, getVarInfo = TRUE, numRows = 2),
    warning = function(condition) {
      warnings <<- c(warnings, conditionMessage(condition))
      tryInvokeRestart("muffleWarning")
    }
  )
  expect_length(warnings, 1)
  expect_no_warning(known <- rxReadXdf(path, varsToKeep = c("int32", "float32", "float64", "factor", "string")))
  expect_identical(known, data[names(known)])
  rows <- seq_len(nrow(data)) - 1
  missing <- rows %% 7 == 3
  na <- function(x) replace(x, missing, NA)
  expect_identical(data$int32, na(as.integer(rows * 3 - 5)))
  expect_identical(data$float64, na(ifelse(rows %% 11 == 5, NaN, rows / 7)))
  expect_identical(data$factor, factor(na(c("low", "mid", "high")[rows %% 3 + 1]), c("low", "mid", "high")))
  expect_identical(data$string, replace(sprintf("text %d", rows %% 10), missing, ""))
  expect_identical(data$logical, na(rows %% 2 == 1))
  expect_identical(data$int8, na(as.integer(rows %% 100 - 50)))
  expect_identical(data$uint8, na(as.integer(rows %% 200)))
  expect_identical(data$int16, na(as.integer(rows %% 1000 - 500)))
  expect_identical(data$uint16, na(as.integer(rows * 60 %% 60000)))
  expect_identical(data$int64, na(rows * 2^30))
  expect_identical(data$uint64, na(rows * 7))
  expect_identical(is.na(data$date), missing)
  expect_identical(data$ordered, factor(na(c("S", "M", "L")[rows %% 3 + 1]), c("S", "M", "L"), ordered = TRUE))
  file <- temp_file()
  expect_warning(rxImport(path, file, colClasses = c(date = "Date")), "a sample")
  copy <- rxReadXdf(file)
  expect_identical(copy$date, na(as.Date("1970-01-01") + 15000 + rows))
  expect_identical(copy$ordered, data$ordered)
  hide <- function(lines) gsub(normalizePath(test_path()), "<folder>", lines, fixed = TRUE)
  expect_snapshot(print(rxGetInfo(normalizePath(path), getVarInfo = TRUE)), transform = hide)
})

test_that("one warning is enough for a loop over chunks", {
  source <- RxXdfData(test_path("fixtures", "legacy", "every-type.xdf"))
  expect_warning(rxOpen(source), "a sample")
  expect_no_warning(first <- rxReadNext(source))
  expect_no_warning(second <- rxReadNext(source))
  rxClose(source)
  expect_equal(c(nrow(first), nrow(second)), c(300, 120))
})

test_that("a column of an unknown class is an error that names it, if it is asked for", {
  path <- test_path("fixtures", "legacy", "unknown-column.xdf")
  error <- expect_error(rxReadXdf(path), class = "rxscale_error_wrong_type")
  expect_identical(error$column, "strange")
  expect_equal(rxReadXdf(path, varsToDrop = "strange")$int32, c(-5L, -2L, 1L, NA, 7L))
  expect_equal(rxSummary(~int32, path)$sDataFrame$ValidObs, 4)
  hide <- function(lines) gsub(normalizePath(test_path()), "<folder>", lines, fixed = TRUE)
  expect_snapshot(error = TRUE, rxReadXdf(normalizePath(path)), transform = hide)
})

test_that("who would change such a file is told that it is only read", {
  path <- legacy_copy("mtcars.xdf")
  before <- tools::md5sum(path)
  refused <- function(code) expect_error(code, "read and not written", class = "rxscale_error_unsupported")
  refused(rxImport(mtcars, path, append = "rows"))
  refused(rxDataStep(mtcars, path, append = "rows"))
  refused(rxDataStep(path, path, transforms = list(kml = mpg * 0.425), overwrite = TRUE))
  refused(rxDataStep(path, path, transforms = list(kml = mpg * 0.425), append = "cols"))
  refused(rxDataStep(data.frame(new = 1:32), path, append = "cols"))
  refused(rxSetVarInfo(list(mpg = list(newName = "miles")), path))
  refused(rxSetInfo(path, "Cars"))
  refused(rxPredict(rxLinMod(mpg ~ wt, path), path))
  refused(rxCompressXdf(path))
  source <- RxXdfData(path)
  refused(names(source) <- letters[1:11])
  expect_error(rxImport(iris, path), class = "rxscale_error_argument")
  expect_identical(tools::md5sum(path), before)
  expect_identical(list.files(dirname(path), all.files = TRUE, no.. = TRUE), "mtcars.xdf")
  hide <- function(lines) gsub(normalizePath(dirname(path)), "<folder>", lines, fixed = TRUE)
  expect_snapshot(error = TRUE, rxSetInfo(path, "Cars"), transform = hide)
  # Another file may take its place.
  rxImport(iris, path, overwrite = TRUE)
  expect_equal(rxReadXdf(path), iris)
  other <- legacy_copy("mtcars.xdf")
  rxImport(other, other, overwrite = TRUE)
  expect_equal(rxReadXdf(other), mtcars)
  expect_identical(rxGetInfo(other)$compression, "lz4")
})

test_that("what is no XDF file is called by its name", {
  workspace <- legacy_file("not_xdf_rdata.xdf")
  folder <- withr::local_tempdir()
  withr::local_dir(folder)
  file.copy(workspace, "workspace.xdf")
  writeLines("<html>", "page.xdf")
  writeLines("version https://git-lfs.github.com/spec/v1", "pointer.xdf")
  writeBin(raw(500), "zeros.xdf")
  file.create("empty.xdf")
  dir.create("folder.xdf")
  hide <- function(lines) gsub(normalizePath(folder), "<folder>", lines, fixed = TRUE)
  expect_snapshot(error = TRUE, transform = hide, {
    rxGetInfo("workspace.xdf")
    rxGetInfo("page.xdf")
    rxGetInfo("pointer.xdf")
    rxGetInfo("zeros.xdf")
    rxGetInfo("empty.xdf")
    rxGetInfo("nowhere.xdf")
  })
  expect_error(rxGetInfo(RxXdfData("folder.xdf")), class = "rxscale_error_file")
})

test_that("a damaged file is an error or what it was, and nothing worse", {
  path <- legacy_copy("mtcars_rowsel.xdf")
  good <- readBin(path, "raw", file.size(path))
  right <- rxReadXdf(path)
  withr::local_seed(1)
  for (i in 1:300) {
    bad <- good
    at <- sample(seq(5, length(good)), sample(3, 1))
    bad[at] <- xor(bad[at], as.raw(2^sample(0:7, length(at), replace = TRUE)))
    if (i %% 3 == 0) bad <- utils::head(bad, sample(length(good), 1))
    writeBin(bad, path)
    data <- withCallingHandlers(
      tryCatch(rxReadXdf(path), rxscale_error = function(error) {
        expect_true(error$kind %in% c("corrupt_file", "unsupported", "wrong_type", "missing_column"))
        NULL
      }),
      rxscale_warning = function(condition) tryInvokeRestart("muffleWarning"),
      warning = function(condition) tryInvokeRestart("muffleWarning")
    )
    # Values have checksums.
    if (!is.null(data) && all(at < 1500)) expect_identical(data, right)
  }
})

test_that("a small file cannot take much memory", {
  path <- legacy_file("airportData.xdf")
  old <- rxOptions(memoryLimitMB = 0.02)
  withr::defer(do.call(rxOptions, old))
  expect_error(rxGetInfo(path), class = "rxscale_error_memory")
  rxOptions(memoryLimitMB = 1.9)
  expect_error(rxReadXdf(path, varsToKeep = "nothing"), class = "rxscale_error_missing_column")
})

# What an analysis needs in memory does not depend on the number of rows.

# Peak memory in MB of a session that does no more than one analysis of a file.
peak_of <- function(file, call) {
  in_child(function(file, call) {
    rxscale::rxOptions(numCoresToUse = 2)
    eval(call, list(file = file), asNamespace("rxscale"))
    as.numeric(gsub("\\D", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
  }, list(file, call))
}

analyses <- list(
  summary = quote(rxSummary(~ arr_delay:origin:carrier + dest + F(distance), file)),
  fit = quote(rxLinMod(arr_delay ~ dep_delay + carrier * origin + F(hour), file)),
  transform = quote(rxLinMod(arr_delay ~ speed + carrier, file, transforms = list(speed = distance / air_time)))
)

# Files with the flights `times` times.
repeated_flights <- function(times, extension) {
  columns <- c("hour", "dep_delay", "arr_delay", "carrier", "origin", "dest", "air_time", "distance")
  file <- tempfile(fileext = extension)
  if (extension == ".xdf") {
    for (i in seq_len(times)) {
      append <- if (i == 1) "none" else "rows"
      rxImport(flights_frame(), file, varsToKeep = columns, append = append, rowsPerRead = 100000)
    }
  } else {
    lines <- readLines(flights_file())
    for (i in seq_len(times)) {
      connection <- file(file, if (i == 1) "w" else "a")
      writeLines(if (i == 1) lines else lines[-1], connection)
      close(connection)
    }
  }
  file
}

expect_flat <- function(extension, calls, few, many) {
  small <- repeated_flights(few, extension)
  large <- repeated_flights(many, extension)
  on.exit(unlink(c(small, large)))
  for (name in names(calls)) {
    grown <- peak_of(large, calls[[name]]) - peak_of(small, calls[[name]])
    # As numbers the additional rows of three columns would take this many MB.
    columns <- (many - few) * 336776 * 3 * 8 / 2^20
    expect_lt(grown, min(columns / 3, 60), label = paste(name, "of", extension, "grown by", round(grown), "MB"))
  }
}

test_that("peak memory does not grow with the rows of a file", {
  skip_on_cran()
  skip_if_not(file.exists("/proc/self/status"), "the peak is read from /proc")
  expect_flat(".xdf", analyses, 8, 24)
  expect_flat(".csv", analyses[c("summary", "fit")], 1, 6)
})

test_that("peak memory does not grow with many more rows", {
  skip_if(Sys.getenv("RXSCALE_SLOW_TESTS") == "", "RXSCALE_SLOW_TESTS is not set")
  skip_if_not(file.exists("/proc/self/status"), "the peak is read from /proc")
  expect_flat(".xdf", analyses, 12, 60)
  expect_flat(".csv", analyses, 6, 18)
})

test_that("peak memory does not grow with the rows of a table", {
  skip_on_cran()
  skip_if_not(file.exists("/proc/self/status"), "the peak is read from /proc")
  open <- local_sqlite()
  made <- "CREATE TABLE %s AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
    SELECT i, i * 0.37 AS x, i %% 1000 AS k, 'label' || (i %% 50) AS s FROM n"
  in_database(open, sprintf(made, "few", 1000000L), sprintf(made, "many", 4000000L))
  peak <- function(table) {
    source <- RxOdbcData(table, connection = open, rowsPerRead = 100000)
    peak_of(source, quote(rxSummary(x ~ s, file)))
  }
  grown <- peak("many") - peak("few")
  # The additional rows of these columns would take more than 80 MB.
  expect_lt(grown, 40, label = paste("a table's summary grown by", round(grown), "MB"))
})

test_that("files of 4 GB are sorted and merged within a limit of 500 MB", {
  skip_if(Sys.getenv("RXSCALE_SLOW_TESTS") == "", "RXSCALE_SLOW_TESTS is not set")
  skip_if_not(file.exists("/proc/self/status"), "the peak is read from /proc")
  folder <- withr::local_tempdir()
  make <- function(name, rows) {
    rxDataStep(
      outFile = file.path(folder, name), numRows = rows, xdfCompressionLevel = 0,
      transforms = list(
        key = (.rxRowNums * 48271) %% 2147483647, group = .rxRowNums %% 300L, a = .rxRowNums * 0.1,
        b = sqrt(.rxRowNums), c = .rxRowNums / 7, d = log(.rxRowNums), e = .rxRowNums %/% 9L
      )
    )
    file.path(folder, name)
  }
  file <- make("large.xdf", 9e7)
  expect_gt(file.size(file), 4e9)
  make("other.xdf", 9e6)
  rxImport(data.frame(group = 0:299, place = paste("place", 0:299)), file.path(folder, "small.xdf"))
  calls <- list(
    sort = quote(rxSort(file, file.path(dirname(file), "out.xdf"), sortByVars = c("group", "key"), overwrite = TRUE)),
    merge = quote(rxMerge(
      file, file.path(dirname(file), "other.xdf"), file.path(dirname(file), "out.xdf"),
      matchVars = c("group", "key"), type = "left", varsToKeep2 = "a", overwrite = TRUE
    )),
    lookup = quote(rxMerge(
      file, file.path(dirname(file), "small.xdf"), file.path(dirname(file), "out.xdf"),
      matchVars = "group", overwrite = TRUE
    ))
  )
  for (name in names(calls)) {
    peak <- peak_of(file, bquote({
      rxOptions(memoryLimitMB = 500)
      stopifnot(nrow(.(calls[[name]])) == 9e7)
    }))
    message(sprintf("%s: %.0f MB", name, peak))
    expect_lt(peak, 800, label = paste("peak of", name, "in MB"))
  }
})

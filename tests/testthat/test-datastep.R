# The flights with what R makes of them.
expected_flights <- function() {
  data <- transform(flights_frame(), speed = distance / air_time * 60, late = arr_delay > 15)
  data <- data[which(data$speed > 300), ]
  row.names(data) <- NULL
  data
}

flights_step <- function(outFile, ..., inData = flights_xdf()) {
  rxDataStep(
    inData, outFile,
    transforms = list(speed = distance / air_time * 60, late = arr_delay > 15), rowSelection = speed > 300, ...
  )
}

test_that("a step goes from every source to a data frame and to every kind of file", {
  expected <- expected_flights()
  for (source in flights_sources()) {
    expect_identical(flights_step(NULL, inData = source, maxRowsByCols = NULL), expected)
  }
  xdf <- flights_step(temp_file())
  expect_s4_class(xdf, "RxXdfData")
  expect_identical(as.data.frame(xdf), expected)
  parquet <- flights_step(RxParquetData(temp_file(".parquet")))
  expect_identical(as.data.frame(parquet), expected)
  text <- flights_step(RxTextData(temp_file(".csv"), writePrecision = 17))
  expect_equal(utils::read.csv(text@file), expected, tolerance = 1e-15)
  expect_invisible(flights_step(NULL, inData = utils::head(flights_frame())))
})

test_that("every kind of column survives", {
  data <- all_kinds()
  attr(data$time, "tzone") <- "America/New_York"
  file <- rxDataStep(data, temp_file(), transforms = list(later = time + 60, day = day + 1))
  expect_identical(as.data.frame(file), transform(data, later = time + 60, day = day + 1))
})

test_that("columns are kept and dropped, and used all the same", {
  result <- rxDataStep(flights_xdf(), varsToKeep = "carrier", rowSelection = distance > 4000)
  expect_identical(result, data.frame(carrier = with(flights_frame(), carrier[distance > 4000])))
  result <- rxDataStep(mtcars, varsToDrop = c("mpg", "cyl"), transforms = list(kml = mpg * 0.425, hp = NULL))
  expect_identical(names(result), c(setdiff(names(mtcars), c("mpg", "cyl", "hp")), "kml"))
  expect_identical(result$kml, mtcars$mpg * 0.425)
})

test_that("startRow and numRows count rows that are read", {
  frame <- flights_frame()
  result <- rxDataStep(flights_xdf(), startRow = 60001, numRows = 1000, rowSelection = month == frame$month[60500])
  expected <- frame[60001:61000, ]
  expect_identical(result, expected[expected$month == frame$month[60500], ], ignore_attr = "row.names")
  result <- rxDataStep(mtcars, startRow = 3, numRows = 2, transforms = list(first = .rxStartRow))
  expect_identical(result$mpg, mtcars$mpg[3:4])
  expect_identical(result$first, c(3, 3))
})

test_that("chunks are rowsPerRead rows or blocksPerRead blocks", {
  chunks <- function(...) {
    look <- function(chunk) list(chunk = .rxChunkNum, rows = .rxNumRows, start = .rxStartRow)
    rxDataStep(flights_xdf(), transformFunc = look, ...)
  }
  expect_identical(chunks()$rows, rep(c(50000L, 36776L), c(6, 1)))
  expect_identical(chunks(blocksPerRead = 3)$rows, c(150000L, 150000L, 36776L))
  expect_identical(chunks(rowsPerRead = 200000)$start, c(1, 200001))
  expect_identical(rxGetInfo(flights_step(temp_file(), rowsPerRead = 100000), getBlockSizes = TRUE)$rowsPerBlock[1:2],
    c(100000L, 100000L))
})

test_that("rows are appended", {
  file <- temp_file()
  written <- rxDataStep(mtcars, file, append = "rows")
  expect_s4_class(written, "RxXdfData")
  rxDataStep(mtcars, file, append = "rows", rowSelection = cyl == 4)
  expect_identical(as.data.frame(RxXdfData(file)), rbind(mtcars, mtcars[mtcars$cyl == 4, ]), ignore_attr = "row.names")
  expect_error(rxDataStep(file, file, append = "rows"), class = "rxscale_error_argument")
  expect_error(rxDataStep(mtcars, file), class = "rxscale_error_argument")
  rxDataStep(mtcars[1:3, ], file, overwrite = TRUE)
  expect_identical(nrow(RxXdfData(file)), 3L)
})

test_that("a file can be its own output, whole or not at all", {
  file <- temp_file()
  rxImport(flights_frame(), file, rowsPerRead = 50000)
  rxSetInfo(file, description = "the flights")
  expect_error(rxDataStep(file, file, transforms = list(x = 1)), class = "rxscale_error_argument", regexp = "overwrite")
  rxDataStep(file, file, transforms = list(gain = dep_delay - arr_delay), overwrite = TRUE)
  expected <- transform(flights_frame(), gain = dep_delay - arr_delay)
  expect_identical(as.data.frame(RxXdfData(file)), expected)
  info <- rxGetInfo(file, getBlockSizes = TRUE)
  expect_identical(info$description, "the flights")
  expect_identical(info$rowsPerBlock[1], 50000L)
  fails <- function(chunk) if (.rxChunkNum == 4) stop("bad luck") else chunk
  expect_error(rxDataStep(file, file, transformFunc = fails, overwrite = TRUE), class = "rxscale_error_transform")
  expect_identical(as.data.frame(RxXdfData(file)), expected)
  expect_length(dir(dirname(file), pattern = basename(file)), 1)
  wrong <- list(list(varsToKeep = "month"), list(varsToDrop = "month"), list(rowsPerRead = 10), list(numRows = 5))
  for (argument in wrong) {
    expect_error(
      do.call(rxDataStep, c(list(file, file, overwrite = TRUE), argument)),
      class = "rxscale_error_argument", regexp = names(argument)
    )
  }
})

test_that("columns are appended", {
  file <- temp_file()
  rxImport(flights_frame(), file, rowsPerRead = 50000)
  rows <- nrow(flights_frame())
  more <- data.frame(id = seq_len(rows), half = seq_len(rows) / 2)
  rxDataStep(more, file, append = "cols", transforms = list(group = factor(id %% 3L, levels = 0:2)))
  expected <- cbind(flights_frame(), more, group = factor(more$id %% 3, levels = 0:2))
  expect_identical(as.data.frame(RxXdfData(file)), expected)
  expect_identical(rxGetInfo(file)$numBlocks, 7L)
  expect_error(rxDataStep(more, file, append = "cols"), class = "rxscale_error_argument", regexp = "column 'id'")
  rxDataStep(more, file, append = "cols", transforms = list(id = id * 2), varsToDrop = "half", overwrite = TRUE)
  expected$id <- expected$id * 2
  expect_identical(as.data.frame(RxXdfData(file)), expected)
  expect_error(
    rxDataStep(more[-1, ], file, append = "cols", varsToKeep = "half", overwrite = TRUE),
    class = "rxscale_error_argument", regexp = "336775 rows, which are fewer"
  )
  rxDataStep(file, file, append = "cols", transforms = list(double = half * 2))
  expect_identical(as.data.frame(RxXdfData(file)), transform(expected, double = half * 2))
  expect_error(
    rxDataStep(file, file, append = "cols", transforms = list(half = 1)),
    class = "rxscale_error_argument", regexp = "half"
  )
  expect_error(rxDataStep(more, temp_file(".csv"), append = "cols"), class = "rxscale_error_unsupported")
  expect_error(rxDataStep(more, append = "cols"), class = "rxscale_error_argument", regexp = "outFile")
  fresh <- rxDataStep(more, temp_file(), append = "cols")
  expect_identical(as.data.frame(fresh), more)
})

test_that("rows are made of their numbers", {
  expect_identical(rxDataStep(numRows = 3), data.frame(.rxRowNums = 1:3))
  result <- rxDataStep(numRows = 5, rowsPerRead = 2, transforms = list(x = .rxRowNums^2, total = sum(.rxRowNums)))
  expect_identical(result, data.frame(x = (1:5)^2, total = c(3L, 3L, 7L, 7L, 5L)))
  file <- rxDataStep(
    outFile = temp_file(), numRows = 250000, rowsPerRead = 100000, transforms = list(x = .rxRowNums %% 7L)
  )
  expect_identical(as.data.frame(file)$x, seq_len(250000) %% 7L)
  expect_identical(rxGetInfo(file, getBlockSizes = TRUE)$rowsPerBlock, c(100000L, 100000L, 50000L))
  noise <- function(chunk) list(z = rep(2, .rxNumRows))
  expect_identical(rxDataStep(numRows = 4, transformFunc = noise)$z, rep(2, 4))
  expect_error(rxDataStep(), class = "rxscale_error_argument", regexp = "numRows")
})

test_that("objects that the code changes are returned, without a test chunk", {
  count <- function(chunk) {
    .rxModify("rows", length(chunk$distance))
    total <<- total + sum(chunk$distance)
    .rxSet("chunks", c(.rxGet("chunks"), .rxChunkNum))
    NULL
  }
  found <- rxDataStep(
    flights_xdf(), transformFunc = count, transformObjects = list(rows = 0, total = 0, chunks = integer()),
    returnTransformObjects = TRUE
  )
  frame <- flights_frame()
  expect_identical(found, list(rows = nrow(frame) + 0, total = sum(frame$distance) + 0, chunks = 1:7))
  expect_null(rxDataStep(mtcars, transformFunc = function(chunk) chunk, returnTransformObjects = TRUE))
})

test_that("missing values are removed before or after the transforms", {
  data <- data.frame(x = c(1, NA, 3, 4), s = c("a", "b", NA, "d"))
  expect_identical(rxDataStep(data, removeMissings = TRUE)$x, c(1, 4))
  on_read <- rxDataStep(data, removeMissingsOnRead = TRUE, transforms = list(y = ifelse(x > 1, NA, x)))
  expect_identical(on_read$y, c(1, NA))
  expect_identical(rxDataStep(data, removeMissings = TRUE, transforms = list(y = ifelse(x > 1, NA, x)))$y, 1)
  in_r <- rxDataStep(data, removeMissingsOnRead = TRUE, transforms = list(n = length(x)))
  expect_identical(in_r$n, c(2L, 2L))
})

test_that("row names go in and out", {
  file <- rxDataStep(mtcars, temp_file(), rowVarName = "car")
  expect_identical(rxGetVarNames(file), c(names(mtcars), "car"))
  expect_identical(rxDataStep(file, rowVarName = "car"), mtcars)
})

test_that("a data frame from a file is cut to maxRowsByCols with a warning", {
  expect_warning(result <- rxDataStep(flights_xdf(), maxRowsByCols = 1000), "first 100 rows by `maxRowsByCols = 1000`")
  expect_identical(result, utils::head(flights_frame(), 100))
  expect_warning(
    result <- rxDataStep(flights_xdf(), maxRowsByCols = 1100, transforms = list(m = max(distance))), "first 100 rows"
  )
  expect_identical(nrow(result), 100L)
  expect_silent(rxDataStep(flights_frame()[1:500, ], maxRowsByCols = 1000))
})

test_that("ranges are kept, or not", {
  with <- rxGetVarInfo(flights_step(temp_file()))$speed
  expect_identical(c(with$low, with$high), range(expected_flights()$speed))
  expect_null(rxGetVarInfo(flights_step(temp_file(), computeLowHigh = FALSE))$speed$low)
})

test_that("a composite set is changed in place and gets columns beside its own", {
  set <- RxXdfData(temp_file(""), createCompositeSet = TRUE, blocksPerCompositeFile = 2)
  rxDataStep(mtcars, set, rowsPerRead = 5)
  data <- as.data.frame(set)
  rxDataStep(set, set, transforms = list(kpl = mpg * 0.425), overwrite = TRUE)
  data$kpl <- data$mpg * 0.425
  expect_identical(as.data.frame(set), data)
  rxDataStep(set, set, transforms = list(two = rev(hp)[rank(-seq_along(hp))]), append = "cols")
  data$two <- data$hp
  expect_identical(as.data.frame(set), data)
  expect_error(rxDataStep(set, set, transforms = list(two = 1), append = "cols"), class = "rxscale_error_argument")
  rxDataStep(data.frame(three = 1:32), set, append = "cols")
  data$three <- 1:32
  expect_identical(as.data.frame(set), data)
  expect_identical(rxGetInfo(set)$numBlocks, 7L)
  expect_length(list.files(file.path(set@file, "data")), 4)
  expect_error(rxDataStep(data.frame(four = 1:31), set, append = "cols"), class = "rxscale_error_argument")
  rxDataStep(set, set, rowSelection = cyl == 4, overwrite = TRUE)
  expect_identical(as.data.frame(set), data[data$cyl == 4, ], ignore_attr = "row.names")
})

test_that("times keep their zones and are counted as R counts them, compiled or not", {
  data <- data.frame(n = c(0:30, NA))
  data$berlin <- as.POSIXct("2013-03-31 00:30:00", tz = "Europe/Berlin") + 900 * data$n
  data$kolkata <- as.POSIXct("2013-01-01", tz = "Asia/Kolkata") + 7 * 3600 * data$n
  data$plain <- as.POSIXct(1e9 + data$n, origin = "1970-01-01")
  attr(data$plain, "tzone") <- NULL
  limit <- as.POSIXct("2013-03-31 04:00:00", tz = "Europe/Berlin")
  wanted <- transform(data,
    later = berlin + 3600, wait = as.numeric(difftime(kolkata, berlin, units = "mins")), before = berlin < limit,
    hour = as.POSIXlt(berlin)$hour, day = format(kolkata, "%Y-%m-%d")
  )
  step <- function(inData, outFile = NULL) {
    rxDataStep(
      inData, outFile,
      transforms = list(
        later = berlin + 3600, wait = as.numeric(difftime(kolkata, berlin, units = "mins")), before = berlin < limit,
        hour = as.POSIXlt(berlin)$hour, day = format(kolkata, "%Y-%m-%d")
      )
    )
  }
  expect_identical(step(data), wanted)
  expect_identical(as.data.frame(step(data, temp_file())), wanted)
  parquet <- rxDataStep(data, RxParquetData(temp_file(".parquet")))
  expect_equal(step(parquet), wanted)
  expect_identical(rxDataStep(data, rowSelection = berlin < limit), data[which(data$berlin < limit), ])
})

test_that("the published figures of the airlines' delays come out of a data step", {
  airline <- rxImport(
    RxTextData(shared_data("AirlineDemoSmall.csv.gz"), missingValueString = "M"), temp_file(),
    colInfo = list(DayOfWeek = list(type = "factor", levels = c(
      "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
    ))), rowsPerRead = 200000
  )
  late <- rxDataStep(
    airline, temp_file(),
    transforms = list(
      Late = ArrDelay > 15, Hour = as.integer(CRSDepTime), Weekend = DayOfWeek %in% c("Saturday", "Sunday")
    ),
    rowSelection = !is.na(ArrDelay)
  )
  data <- utils::read.csv(shared_data("AirlineDemoSmall.csv.gz"), na.strings = "M")
  data <- data[!is.na(data$ArrDelay), ]
  made <- as.data.frame(late)
  expect_identical(nrow(made), 582628L)
  expect_identical(made$Late, data$ArrDelay > 15)
  expect_identical(made$Hour, as.integer(data$CRSDepTime))
  expect_identical(made$Weekend, data$DayOfWeek %in% c("Saturday", "Sunday"))
  expect_identical(as.character(made$DayOfWeek), data$DayOfWeek)
  expect_equal(round(mean(made$ArrDelay), 5), 11.31794)
  mortgages <- shared_data("mortDefaultSmall.csv.gz")
  expect_equal(
    rxDataStep(mortgages, rowSelection = default == 1, transforms = list(debt = ccDebt / 1000)),
    transform(subset(utils::read.csv(mortgages), default == 1), debt = ccDebt / 1000),
    ignore_attr = "row.names"
  )
})

test_that("ranges are those of the rows that are left", {
  bounds <- function(file, name = "distance") unlist(rxGetVarInfo(file)[[name]][c("low", "high")], use.names = FALSE)
  all <- range(flights_frame()$distance)
  near <- with(flights_frame(), range(distance[distance < 500]))
  for (target in list(temp_file(), RxParquetData(temp_file(".parquet")))) {
    step <- function(...) rxDataStep(flights_xdf(), target, ..., overwrite = TRUE)
    expect_equal(bounds(step(varsToKeep = "distance")), all)
    expect_equal(bounds(step(rowSelection = distance < 500)), near)
    expect_equal(bounds(step(numRows = 10)), range(flights_frame()$distance[1:10]))
  }
  file <- temp_file()
  expect_null(bounds(rxDataStep(flights_xdf(), file, rowSelection = distance < 500, computeLowHigh = FALSE)))
  # What a function says of its own columns stays.
  wide <- function(data) {
    data$own <- structure(data$distance, .rxSetLowHigh = c(0, 9999))
    data$.rxRowSelection <- data$distance < 500
    data
  }
  rxDataStep(flights_xdf(), file, transformFunc = wide, transformVars = "distance", overwrite = TRUE)
  expect_equal(bounds(file, "own"), c(0, 9999))
  expect_equal(bounds(file, "month"), with(flights_frame(), range(month[distance < 500])))
})

test_that("further arguments are those of the source, or unknown", {
  csv <- flights_file()
  expect_s3_class(
    rxDataStep(csv, colClasses = c(carrier = "factor"), numRows = 10, varsToKeep = "carrier")$carrier, "factor"
  )
  expect_s3_class(rxDataStep(flights_xdf(), numRows = 5, stringsAsFactors = TRUE)$carrier, "factor")
  out <- capture.output(rxDataStep(mtcars, transforms = list(x = mpg * 2, y = rev(x)), verbose = 1))
  expect_match(out, "^Compiled: x$", all = FALSE)
  expect_warning(rxDataStep(mtcars, colClases = 1), "Unknown argument `colClases`")
  expect_error(rxDataStep(mtcars, rowsPerRead = 0), class = "rxscale_error_argument")
  expect_error(rxDataStep(mtcars, overwrite = NA), class = "rxscale_error_argument")
})

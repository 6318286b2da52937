some_flights <- function() {
  data <- flights_frame()[1:20000, ]
  data[] <- lapply(data, function(x) if (is.factor(x)) as.character(x) else x)
  data
}

test_that("a table of SQLite is data of every analysis", {
  open <- local_sqlite()
  data <- some_flights()
  table <- RxOdbcData("flights", connection = open, rowsPerRead = 3000)
  written <- rxDataStep(data, table)
  expect_s4_class(written, "RxOdbcData")
  expect_equal(analyses_of(table), analyses_of(data))
  expect_equal(rxImport(table), data, ignore_attr = TRUE)
})

test_that("a table of PostgreSQL is data of every analysis", {
  open <- postgres()
  data <- some_flights()
  table <- RxOdbcData("flights", connection = open, rowsPerRead = 3000)
  rxDataStep(data, table, overwrite = TRUE)
  expect_equal(analyses_of(table), analyses_of(data))
  expect_equal(rxImport(table), data, ignore_attr = TRUE)
})

test_that("the same bits come with any number of threads", {
  open <- local_sqlite()
  rxDataStep(some_flights(), RxOdbcData("flights", connection = open))
  fit <- function(threads) {
    withr::defer(rxOptions(numCoresToUse = old))
    old <- rxOptions(numCoresToUse = threads)$numCoresToUse
    coef(rxLinMod(arr_delay ~ dep_delay + distance + carrier, RxOdbcData("flights", connection = open)))
  }
  expect_identical(fit(2), fit(1))
  expect_identical(fit(8), fit(1))
})

test_that("rows are sorted and predicted from table to table", {
  open <- local_sqlite()
  cars <- RxOdbcData("cars", connection = open)
  rxDataStep(mtcars, cars)
  rxSort(mtcars, RxOdbcData("sorted", connection = open), sortByVars = "hp")
  expect_equal(rxImport(RxOdbcData("sorted", connection = open))$hp, sort(mtcars$hp))
  expect_equal(rxSort(cars, sortByVars = "mpg")$mpg, sort(mtcars$mpg))
  fit <- rxLinMod(mpg ~ hp, cars)
  rxPredict(fit, cars, outData = RxOdbcData("predicted", connection = open))
  predicted <- rxImport(RxOdbcData("predicted", connection = open))
  expect_equal(predicted$mpg_Pred, unname(fitted(lm(mpg ~ hp, mtcars))))
})

test_that("PostgreSQL's types arrive as R's, NULL as missing", {
  open <- postgres()
  in_database(
    open, "DROP TABLE IF EXISTS kinds", "CREATE TABLE kinds (i integer, b bigint, n numeric(10, 2), x double precision,
      c char(5), t text, l boolean, d date, ts timestamptz)",
    "INSERT INTO kinds VALUES (1, 3000000000, 1.25, 0.1, 'ab', ' c ', true, '2020-02-29', '2020-01-01 10:00:00+02'),
      (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
  )
  read <- rxImport(RxOdbcData("kinds", connection = open))
  expect_identical(unlist(lapply(read, function(x) class(x)[1]), use.names = FALSE), c(
    "integer", "numeric", "numeric", "numeric", "character", "character", "logical", "Date", "POSIXct"
  ))
  expect_identical(read$i, c(1L, NA))
  expect_identical(read$b, c(3e9, NA))
  expect_identical(read$c, c("ab", NA))
  expect_identical(read$t, c("c", NA))
  expect_identical(read$d, as.Date(c("2020-02-29", NA)))
  expect_equal(as.numeric(read$ts[1]), as.numeric(as.POSIXct("2020-01-01 08:00:00", tz = "UTC")))
  expect_true(all(is.na(read[2, ])))
  expect_identical(rxImport(RxOdbcData("kinds", connection = open, trimSpace = FALSE))$t[1], " c ")
})

test_that("colClasses and colInfo say what SQLite's columns are", {
  open <- local_sqlite()
  data <- data.frame(
    day = as.Date("2020-01-01") + c(0, NA, 2), at = as.POSIXct("2020-01-01", tz = "UTC") + c(0.5, NA, 7),
    yes = c(TRUE, NA, FALSE), size = factor(c("S", "L", NA), c("S", "M", "L")), code = c(2, 0, 7)
  )
  rxDataStep(data, RxOdbcData("kinds", connection = open))
  kinds <- RxOdbcData(
    "kinds",
    connection = open, colClasses = c(day = "Date", at = "POSIXct", yes = "logical"),
    colInfo = list(
      size = list(type = "factor", levels = c("S", "M", "L")),
      code = list(type = "factorIndex", levels = c("zero", "one", "two"), newName = "word", description = "in words")
    )
  )
  read <- rxImport(kinds)
  expect_equal(read$day, data$day)
  expect_equal(as.numeric(read$at), as.numeric(data$at))
  expect_equal(read$yes, data$yes)
  expect_equal(read$size, data$size)
  expect_equal(as.vector(read$word), c("two", "zero", NA))
  info <- rxGetVarInfo(kinds)
  expect_equal(info$size$levels, c("S", "M", "L"))
  expect_equal(info$word$description, "in words")
  factors <- RxOdbcData(sqlQuery = "SELECT size FROM kinds WHERE code < 9", connection = open, stringsAsFactors = TRUE)
  expect_equal(levels(rxImport(factors)$size), c("S", "L"))
  expect_error(
    rxImport(kinds, colInfo = list(size = list(type = "Date"))), "size", class = "rxscale_error_value"
  )
  expect_error(
    rxImport(kinds, colInfo = list(code = list(type = "factorIndex"))), "levels", class = "rxscale_error_argument"
  )
  indexes <- RxOdbcData("kinds2", connection = open, writeFactorsAsIndexes = TRUE)
  rxDataStep(data["size"], indexes)
  expect_equal(rxImport(indexes)$size, c(0L, 2L, NA))
})

test_that("queries, views, schemas and connection objects work", {
  open <- postgres()
  rxDataStep(some_flights(), RxOdbcData("flights", connection = open), overwrite = TRUE)
  in_database(
    open, "CREATE SCHEMA IF NOT EXISTS other", "DROP VIEW IF EXISTS Afar",
    "CREATE VIEW Afar AS SELECT * FROM flights WHERE distance > 2000"
  )
  connection <- open()
  withr::defer(DBI::dbDisconnect(connection))
  far <- sum(some_flights()$distance > 2000)
  query <- RxOdbcData(sqlQuery = "SELECT dest FROM flights WHERE distance > 2000 ; ", connection = connection)
  expect_equal(nrow(as.data.frame(query)), far)
  expect_equal(nrow(rxImport(RxOdbcData("Afar", connection = connection))), far)
  rxDataStep(query, RxOdbcData("other.far", connection = open), overwrite = TRUE)
  expect_equal(rows_in(open, "other.far"), far)
  expect_equal(nrow(rxImport(RxOdbcData("other.far", connection = open))), far)
  expect_equal(nrow(tail(query, 3)), 3)
  expect_equal(dim(query), c(NA, 1))
  expect_equal(rxImport("SELECT count(*) AS n FROM flights", type = "odbc", connection = connection)$n, 20000)
  expect_equal(nrow(rxImport("other.far", type = "odbcFast", connection = connection, numRows = 2)), 2)
})

test_that("a transaction of the user's goes on", {
  open <- postgres()
  rxDataStep(data.frame(x = 1:3), RxOdbcData("small", connection = open), overwrite = TRUE)
  connection <- open()
  withr::defer(DBI::dbDisconnect(connection))
  DBI::dbGetQuery(connection, "BEGIN")
  DBI::dbGetQuery(connection, "INSERT INTO small VALUES (10)")
  expect_equal(rxImport(RxOdbcData("small", connection = connection))$x, c(1:3, 10L))
  DBI::dbGetQuery(connection, "ROLLBACK")
  expect_equal(rxImport(RxOdbcData("small", connection = connection))$x, 1:3)
})

test_that("chunks are read and written one by one", {
  open <- local_sqlite()
  to <- RxOdbcData("t", connection = open)
  expect_true(rxOpen(to, "w"))
  expect_true(rxWriteNext(mtcars[1:20, ], to))
  expect_true(rxWriteNext(mtcars[21:32, ], to))
  expect_true(rxClose(to, "w"))
  connection <- open()
  withr::defer(DBI::dbDisconnect(connection))
  from <- RxOdbcData("t", connection = connection, rowsPerRead = 15)
  expect_true(rxOpen(from))
  expect_false(rxOpen(from))
  expect_true(rxIsOpen(from))
  expect_error(rxSummary(~mpg, from), "in use", class = "rxscale_error_database")
  chunks <- list(rxReadNext(from), rxReadNext(from), rxReadNext(from), rxReadNext(from))
  expect_equal(vapply(chunks, NROW, 0L), c(15L, 15L, 2L, 0L))
  expect_equal(do.call(rbind, chunks), mtcars, ignore_attr = TRUE)
  expect_true(rxClose(from))
  expect_false(rxClose(from))
  expect_equal(unname(rxSummary(~mpg, from)$sDataFrame$Mean), mean(mtcars$mpg))
})

test_that("what is written is there as a whole or not at all", {
  for (open in c(local_sqlite(), postgres())) {
    table <- RxOdbcData("whole", connection = open)
    rxDataStep(mtcars, table, overwrite = TRUE)
    expect_error(rxDataStep(mtcars, table), "exists", class = "rxscale_error_argument")
    rxDataStep(mtcars[1:8, ], table, append = "rows")
    expect_equal(rows_in(open, "whole"), 40)
    fails <- function(...) {
      rxDataStep(
        mtcars, table, ...,
        rowsPerRead = 10,
        transforms = list(mpg = if (.rxChunkNum == 3) stop("boom") else mpg)
      )
    }
    expect_error(fails(overwrite = TRUE), "boom", class = "rxscale_error_transform")
    expect_error(fails(append = "rows"), "boom", class = "rxscale_error_transform")
    expect_equal(rows_in(open, "whole"), 40)
    expect_error(rxDataStep(data.frame(other = 1), table, append = "rows"), class = "rxscale_error_database")
    expect_equal(rows_in(open, "whole"), 40)
    rxDataStep(mtcars[0, ], table, overwrite = TRUE)
    expect_equal(rows_in(open, "whole"), 0)
    expect_equal(names(table), names(mtcars))
  }
  expect_length(passes$open, 0)
})

test_that("an ODBC connection string reaches databases through RODBC", {
  skip_if_not_installed("RODBC")
  drivers <- suppressWarnings(tryCatch(system2("odbcinst", c("-q", "-d"), stdout = TRUE), error = function(e) ""))
  skip_if_not("[SQLite3]" %in% drivers, "ODBC's driver of SQLite is installed")
  file <- temp_file(".sqlite")
  string <- sprintf("Driver=SQLite3;Database=%s", file)
  table <- RxOdbcData("cars", connectionString = string, rowsPerRead = 10)
  data <- data.frame(mpg = mtcars$mpg, cyl = as.integer(mtcars$cyl), name = c("NA", NA, row.names(mtcars)[-(1:2)]))
  rxDataStep(data, table)
  expect_equal(rxImport(table), data)
  expect_equal(rxSummary(mpg ~ F(cyl), table)$categorical, rxSummary(mpg ~ F(cyl), data)$categorical)
  rxDataStep(data, table, append = "rows")
  slow <- RxOdbcData(sqlQuery = "SELECT * FROM cars", connectionString = string, rowBuffering = FALSE)
  expect_equal(nrow(rxImport(slow)), 64)
  expect_error(rxImport(RxOdbcData("nope", connectionString = string)), "nope", class = "rxscale_error_database")
  expect_error(
    rxImport(RxOdbcData("t", connectionString = "Driver=NoSuchDriver")), "reached", class = "rxscale_error_database"
  )
})

test_that("errors of the database and of arguments are classed", {
  open <- local_sqlite()
  in_database(open, "CREATE TABLE t (x integer, b blob)", "INSERT INTO t VALUES (1, x'00ff')")
  table <- RxOdbcData("t", connection = open)
  expect_warning(expect_equal(names(table), "x"), "'b' holds no plain values", class = "rxscale_warning")
  expect_snapshot(error = TRUE, {
    rxSummary(~x, RxOdbcData("nope", connection = open))
    rxSummary(~x, RxOdbcData(sqlQuery = "SELEC x FROM t", connection = open))
    rxSummary(~y, RxOdbcData(sqlQuery = "SELECT x FROM t", connection = open))
    rxSummary(~x, RxOdbcData("t", connection = function() stop("no way")))
    RxOdbcData("t")
    RxOdbcData("t", sqlQuery = "SELECT 1", connection = open)
    RxOdbcData("t", connection = "here")
    RxOdbcData("t", connection = open, databaseName = "x")
    RxOdbcData("t", connection = open, dbmsName = "x")
    rxDataStep(mtcars, RxOdbcData(sqlQuery = "SELECT x FROM t", connection = open))
    rxDataStep(table, RxXdfData(tempfile(fileext = ".xdf")), transforms = list(z = nope))
  })
  expect_error(rxSummary(~x, RxOdbcData("nope", connection = open)), class = "rxscale_error_database")
  closed <- open()
  DBI::dbDisconnect(closed)
  expect_error(rxSummary(~x, RxOdbcData("t", connection = closed)), "closed", class = "rxscale_error_database")
  expect_warning(RxOdbcData("t", connection = open, tabel = 1), "table")
  expect_length(passes$open, 0)
})

test_that("an unreachable server is an error", {
  skip_if_not_installed("RPostgreSQL")
  open <- function() DBI::dbConnect(RPostgreSQL::PostgreSQL(), host = "/nowhere", dbname = "x")
  expect_error(rxSummary(~x, RxOdbcData("t", connection = open)), "reached", class = "rxscale_error_database")
})

test_that("a value that contradicts the first rows is told with its column", {
  open <- postgres()
  in_database(
    open, "DROP TABLE IF EXISTS late", "CREATE TABLE late (x uuid)",
    "INSERT INTO late SELECT NULL FROM generate_series(1, 200)"
  )
  late <- RxOdbcData(sqlQuery = "SELECT x, x AS y FROM late", connection = open)
  expect_equal(suppressWarnings(rxGetVarInfo(late))$x$varType, "character")
})

test_that("sources are printed without passwords", {
  expect_snapshot({
    RxOdbcData("t", connectionString = "Driver=X;UID=me;PWD=secret;", rowsPerRead = 10)
    RxOdbcData(sqlQuery = "SELECT 1", connection = function() NULL, colClasses = c(x = "integer"))
  })
})

test_that("verbose shows the query, which asks for the columns wanted only", {
  open <- local_sqlite()
  rxDataStep(mtcars, RxOdbcData("cars", connection = open))
  table <- RxOdbcData("cars", connection = open, verbose = 1)
  expect_output(rxSummary(~ mpg + hp, table), "SELECT `mpg`, `hp` FROM `cars`", fixed = TRUE)
})

test_that("factors that need codes beforehand work through a query's rows", {
  open <- local_sqlite()
  rxDataStep(mtcars, RxOdbcData("cars", connection = open))
  cars <- RxOdbcData("cars", connection = open, colInfo = list(cyl = list(type = "factor", levels = c(4, 6, 8))))
  expect_equal(rxSummary(~ N(cyl), cars)$sDataFrame$Mean, mean(match(mtcars$cyl, c(4, 6, 8)) - 1))
})

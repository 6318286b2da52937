test_that("text loses white space at its ends only", {
  expect_identical(trimmed(c(" a b ", "c", NA, "\td\n", "")), c("a b", "c", NA, "d", ""))
})

test_that("dates and times become the text that SQLite takes", {
  at <- as.POSIXct(c(0, NA, 86399), origin = "1970-01-01", tz = "America/New_York")
  expect_identical(as_sqlite(at), c("1970-01-01 00:00:00", NA, "1970-01-01 23:59:59"))
  expect_identical(as_sqlite(at[1] + 0.25), "1970-01-01 00:00:00.250000")
  expect_identical(as_sqlite(as.Date("2020-02-29")), "2020-02-29")
  expect_identical(as_sqlite(1:2), 1:2)
})

test_that("a table is found by its name, with or without its schema", {
  for (open in c(local_sqlite(), postgres())) {
    in_database(open, "DROP TABLE IF EXISTS \"Odd name\"", "CREATE TABLE \"Odd name\" (x integer)")
    database <- open_database(RxOdbcData("t", connection = open))
    quoted <- db_quote(database, "Odd name")
    expect_equal(db_table(database, "Odd name")[c("exists", "sql")], list(exists = TRUE, sql = quoted))
    schema <- if (methods::is(database$connection, "SQLiteConnection")) "main" else "public"
    in_schema <- db_table(database, paste0(schema, ".Odd name"))
    with_schema <- paste0(db_quote(database, schema), ".", quoted)
    expect_equal(in_schema[c("exists", "sql")], list(exists = TRUE, sql = with_schema))
    expect_equal(db_table(database, "no.such")[c("exists", "sql")], list(exists = FALSE, sql = "no.such"))
    expect_equal(db_table(database, "a.b.c")$name, "a.b.c")
    db_close(database)
  }
})

test_that("errors are those of the database, and rxscale's own stay what they are", {
  expect_error(answered(stop(" what ")), "refuses a statement: what", class = "rxscale_error_database")
  expect_error(answered(rx_abort("file", "gone")), "gone", class = "rxscale_error_file")
  expect_error(need_package("nosuchpackage", "this"), "nosuchpackage", class = "rxscale_error_unsupported")
})

# What rxWriteObject() and its like promise of a database.
expect_objects_kept <- function(open) {
  store <- RxOdbcData(table = "rx_objects", connection = open)
  fit <- rxLinMod(mpg ~ wt, mtcars)
  expect_error(rxReadObject(store, "fit"), "not in the database", class = "rxscale_error_argument")
  rxWriteObject(store, "fit", fit)
  expect_identical(rxReadObject(store, "fit"), fit)
  expect_error(rxWriteObject(store, "fit", 1), "already", class = "rxscale_error_argument")
  rxWriteObject(store, "fit", mtcars, overwrite = TRUE)
  expect_identical(rxReadObject(store, "fit"), mtcars)

  rxWriteObject(store, "it's \"odd\"", NULL, version = "v1", compress = "none")
  rxWriteObject(store, "it's \"odd\"", 1:3, version = "v2", compress = "xz")
  expect_identical(rxReadObject(store, "it's \"odd\"", version = "v2", decompress = "xz"), 1:3)
  expect_null(rxReadObject(store, "it's \"odd\"", version = "v1", decompress = "none"))
  expect_error(rxReadObject(store, "it's \"odd\""), "2 objects", class = "rxscale_error_argument")
  expect_error(rxReadObject(store, "neither"), "0 objects", class = "rxscale_error_argument")
  expect_identical(rxListKeys(store), data.frame(id = c("fit", "it's \"odd\"")))
  expect_identical(rxListKeys(store, "it's \"odd\""), data.frame(version = c("v1", "v2")))
  expect_identical(rxListKeys(store, version = "v2"), data.frame(id = "it's \"odd\""))

  bytes <- as.raw(0:255)
  rxWriteObject(store, "bytes", bytes, serialize = FALSE, compress = "none")
  expect_identical(rxReadObject(store, "bytes", deserialize = FALSE, decompress = "none"), bytes)
  of_query <- RxOdbcData(sqlQuery = "SELECT id, value FROM rx_objects WHERE id = 'bytes';", connection = open)
  expect_identical(rxReadObject(of_query, "no matter", deserialize = FALSE, decompress = "none"), bytes)
  expect_error(rxReadObject(store, "bytes"), class = "rxscale_error_corrupt_file")

  expect_true(rxDeleteObject(store, "it's \"odd\"", version = "v1"))
  expect_false(rxDeleteObject(store, "it's \"odd\"", version = "v1"))
  expect_identical(rxListKeys(store)$id, c("bytes", "fit", "it's \"odd\""))
  expect_true(rxDeleteObject(store, all = TRUE))
  expect_identical(nrow(rxListKeys(store)), 0L)
}

test_that("objects are kept in SQLite", {
  expect_objects_kept(local_sqlite())
})

test_that("objects are kept in PostgreSQL", {
  expect_objects_kept(postgres())
})

test_that("columns may have other names, and a table need not have versions", {
  open <- local_sqlite()
  in_database(open, "CREATE TABLE kept (what TEXT PRIMARY KEY, how BLOB)")
  store <- RxOdbcData(table = "kept", connection = open)
  rxWriteObject(store, "letters", letters, keyName = "what", valueName = "how")
  expect_identical(rxReadObject(store, "letters", keyName = "what", valueName = "how"), letters)
  expect_identical(rxListKeys(store, keyName = "what"), data.frame(what = "letters"))
  expect_error(rxReadObject(store, "letters"), class = "rxscale_error_database")
  expect_error(
    rxWriteObject(store, "a", 1, version = "v", keyName = "what", valueName = "how"),
    class = "rxscale_error_database"
  )
  # What failed is taken back.
  expect_identical(rows_in(open, "kept"), 1)
})

test_that("without a database there are bytes", {
  fit <- rxLinMod(mpg ~ wt, mtcars)
  bytes <- rxWriteObject(fit)
  expect_type(bytes, "raw")
  expect_identical(rxReadObject(bytes), fit)
  expect_identical(rxReadObject(rawSource = rxWriteObject(value = 1:9, compress = "bzip2"), decompress = "bzip2"), 1:9)
  expect_identical(rxReadObject(rxWriteObject(bytes, serialize = FALSE), deserialize = FALSE), bytes)
  expect_snapshot(error = TRUE, {
    rxReadObject(utils::head(bytes, 100))
    rxReadObject(as.raw(1:20), decompress = "none")
    rxReadObject(bytes, decompress = "zip")
    rxWriteObject("text", serialize = FALSE)
    rxWriteObject(RxOdbcData(sqlQuery = "SELECT 1", connectionString = "DSN=none"), "a", 1)
    rxListKeys(RxOdbcData(table = "objects", connectionString = "DSN=none"))
  })
})

test_that("what keeps no objects is refused", {
  for (call in list(quote(rxReadObject(NULL)), quote(rxListKeys(mtcars)), quote(rxDeleteObject(1, "key")))) {
    expect_error(eval(call), "`odbcSource` must be an RxOdbcData source", class = "rxscale_error_argument")
  }
})

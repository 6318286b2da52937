#' R objects in a table of a database
#'
#' `rxWriteObject()` keeps an R object in a table of a database under a key, and a version if that is wanted;
#' `rxReadObject()` reads it, `rxListKeys()` tells which there are, `rxDeleteObject()` removes it. Without a database,
#' `rxWriteObject()` makes a raw vector of the object, of which `rxReadObject()` makes the object again.
#'
#' The object is serialized, then compressed. The table has a column of keys, one of bytes, and, where versions are
#' used, one of versions; keys and versions are text. A table that is not there is made by `rxWriteObject()`. Without
#' a `version`, the key alone counts, whatever versions there are. Of a source with a query, `rxReadObject()` takes
#' the only row, and key and version say nothing.
#'
#' Bytes that are damaged are errors of class `rxscale_error_corrupt_file`. Objects may hold R code, so what others may
#' write to should not be read without thought.
#'
#' @param odbcDestination,odbcSource an [RxOdbcData()] source that names a table and has a DBI `connection`.
#' @param key the key, a string.
#' @param value the object.
#' @param version the version, a string, or NULL for objects without one.
#' @param keyName,valueName,versionName names of the table's columns.
#' @param serialize,deserialize whether the object is serialized. FALSE takes and returns raw vectors.
#' @param overwrite whether what has the same key and version is deleted first. It is an error if FALSE and there is
#'   such.
#' @param compress,decompress how bytes are compressed: `"gzip"`, `"bzip2"`, `"xz"`, `"none"`; see [memCompress()].
#' @param rawSource what `rxWriteObject()` returned without a database.
#' @param all whether all objects of the table are deleted, whatever their keys.
#' @param ... arguments of the method, which goes by the first of them.
#' @return `rxWriteObject()`: a raw vector without a database, else TRUE, invisibly. `rxReadObject()`: the object.
#'   `rxDeleteObject()`: whether there was something to delete, invisibly. `rxListKeys()`: a data frame of one column,
#'   the keys that there are (of `version`), or the versions of `key`.
#' @seealso [rxSerializeModel()]
#' @examples
#' rxReadObject(rxWriteObject(letters))
#'
#' if (requireNamespace("RSQLite", quietly = TRUE)) {
#'   connection <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
#'   models <- RxOdbcData(table = "models", connection = connection)
#'   rxWriteObject(models, "mileage", rxLinMod(mpg ~ wt, mtcars))
#'   rxListKeys(models)
#'   coef(rxReadObject(models, "mileage"))
#'   rxDeleteObject(models, "mileage")
#'   DBI::dbDisconnect(connection)
#' }
#' @export
rxWriteObject <- function(...) UseMethod("rxWriteObject")

#' @rdname rxWriteObject
#' @export
rxWriteObject.RxOdbcData <- function(odbcDestination, key, value, version = NULL, keyName = "id", valueName = "value",
                                     versionName = "version", serialize = TRUE, overwrite = FALSE, compress = "gzip",
                                     ...) {
  warn_unknown(dot_names(...), names(formals(rxWriteObject.RxOdbcData)))
  check_argument(is_string(key), "key", "a string")
  check_argument(is.null(version) || is_string(version), "version", "a string or NULL")
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  bytes <- object_bytes(value, serialize, compress)
  store <- open_objects(odbcDestination, keyName, valueName, versionName)
  on.exit(db_close(store$database))
  if (!db_table(store$database, store$table)$exists) {
    make_objects(store)
  }
  where <- store_where(store, key, version)
  there <- length(store_column(store, "value", where)) > 0
  if (there && !overwrite) {
    rx_abort("argument", sprintf("There is an object with the key '%s' already.", key), hint = "Pass overwrite = TRUE.")
  }
  values <- c(
    text_literal(store$database, key), bytes_literal(store$database, bytes),
    if (!is.null(version)) text_literal(store$database, version)
  )
  db_begin(store$database)
  done <- FALSE
  on.exit(if (!done) db_rollback(store$database), add = TRUE, after = FALSE)
  if (there) {
    db_execute(store$database, paste("DELETE FROM", store_name(store), where))
  }
  columns <- paste(db_quote(store$database, store$columns[seq_along(values)]), collapse = ", ")
  db_execute(store$database, sprintf(
    "INSERT INTO %s (%s) VALUES (%s)", store_name(store), columns, paste(values, collapse = ", ")
  ))
  db_commit(store$database)
  done <- TRUE
  invisible(TRUE)
}

#' @rdname rxWriteObject
#' @export
rxWriteObject.default <- function(value, serialize = TRUE, compress = "gzip", ...) {
  warn_unknown(dot_names(...), names(formals(rxWriteObject.default)))
  object_bytes(value, serialize, compress)
}

#' @rdname rxWriteObject
#' @export
rxReadObject <- function(...) UseMethod("rxReadObject")

#' @rdname rxWriteObject
#' @export
rxReadObject.RxOdbcData <- function(odbcSource, key, version = NULL, keyName = "id", versionName = "version",
                                    valueName = "value", deserialize = TRUE, decompress = "gzip", ...) {
  warn_unknown(dot_names(...), names(formals(rxReadObject.RxOdbcData)))
  store <- open_objects(odbcSource, keyName, valueName, versionName, query = TRUE)
  on.exit(db_close(store$database))
  if (is.null(store$table)) {
    found <- store_column(store, "value")
    what <- "the query's rows"
  } else {
    check_argument(is_string(key), "key", "a string")
    check_argument(is.null(version) || is_string(version), "version", "a string or NULL")
    found <- store_column(store, "value", store_where(store, key, version))
    what <- sprintf("key '%s'%s", key, if (is.null(version)) "" else sprintf(" and version '%s'", version))
  }
  if (length(found) != 1) {
    rx_abort("argument", sprintf("There are %d objects of %s, not one.", length(found), what),
      hint = "rxListKeys() tells which keys and versions there are."
    )
  }
  object_of(found[[1]], deserialize, decompress)
}

#' @rdname rxWriteObject
#' @export
rxReadObject.raw <- function(rawSource, deserialize = TRUE, decompress = "gzip", ...) {
  warn_unknown(dot_names(...), names(formals(rxReadObject.raw)))
  object_of(rawSource, deserialize, decompress)
}

#' @rdname rxWriteObject
#' @export
rxReadObject.default <- function(odbcSource, ...) no_objects("an RxOdbcData source or a raw vector")

#' @rdname rxWriteObject
#' @export
rxDeleteObject <- function(odbcSource, ...) UseMethod("rxDeleteObject")

#' @rdname rxWriteObject
#' @export
rxDeleteObject.RxOdbcData <- function(odbcSource, key, version = NULL, keyName = "id", valueName = "value",
                                      versionName = "version", all = FALSE, ...) {
  warn_unknown(dot_names(...), names(formals(rxDeleteObject.RxOdbcData)))
  check_argument(is_flag(all), "all", "TRUE or FALSE")
  store <- open_objects(odbcSource, keyName, valueName, versionName)
  on.exit(db_close(store$database))
  where <- ""
  if (!all) {
    check_argument(is_string(key), "key", "a string")
    check_argument(is.null(version) || is_string(version), "version", "a string or NULL")
    where <- store_where(store, key, version)
  }
  there <- length(store_column(store, "key", where)) > 0
  if (there) {
    db_execute(store$database, trimws(paste("DELETE FROM", store_name(store), where)))
  }
  invisible(there)
}

#' @rdname rxWriteObject
#' @export
rxDeleteObject.default <- function(odbcSource, ...) no_objects("an RxOdbcData source")

#' @rdname rxWriteObject
#' @export
rxListKeys <- function(odbcSource, ...) UseMethod("rxListKeys")

#' @rdname rxWriteObject
#' @export
rxListKeys.RxOdbcData <- function(odbcSource, key = NULL, version = NULL, keyName = "id", versionName = "version",
                                  ...) {
  warn_unknown(dot_names(...), names(formals(rxListKeys.RxOdbcData)))
  check_argument(is.null(key) || is_string(key), "key", "a string or NULL")
  check_argument(is.null(version) || is_string(version), "version", "a string or NULL")
  store <- open_objects(odbcSource, keyName, NULL, versionName)
  on.exit(db_close(store$database))
  wanted <- if (is.null(key)) "key" else "version"
  values <- as.character(unlist(store_column(store, wanted, store_where(store, key, version))))
  stats::setNames(data.frame(sort(unique(values), method = "radix")), store$columns[[wanted]])
}

#' @rdname rxWriteObject
#' @export
rxListKeys.default <- function(odbcSource, ...) no_objects("an RxOdbcData source")

#' Refuses what keeps no objects
#'
#' @noRd
no_objects <- function(must) check_argument(FALSE, "odbcSource", must)

#' The bytes of an object
#'
#' @noRd
object_bytes <- function(value, serialize, compress) {
  check_argument(is_flag(serialize), "serialize", "TRUE or FALSE")
  one_of(compress, "compress", c("gzip", "bzip2", "xz", "none"))
  check_argument(serialize || is.raw(value), "value", "a raw vector where `serialize` is FALSE")
  memCompress(if (serialize) serialize(value, NULL) else value, compress)
}

object_of <- function(bytes, deserialize, decompress) {
  check_argument(is_flag(deserialize), "deserialize", "TRUE or FALSE")
  one_of(decompress, "decompress", c("gzip", "bzip2", "xz", "none"))
  tryCatch(
    {
      # R's own asks for ever more memory where bytes are missing.
      plain <- if (decompress == "gzip") engine_call(rx_engine_inflate, bytes) else memDecompress(bytes, decompress)
      if (deserialize) unserialize(plain) else plain
    },
    error = function(condition) {
      rx_abort("corrupt_file", "The bytes are no object, or damaged.",
        hint = "Pass `decompress` and `deserialize` as the object was written."
      )
    }
  )
}

#' A table of objects, its database open
#'
#' @param query whether a query may take the place of the table
#' @noRd
open_objects <- function(source, keyName, valueName, versionName, query = FALSE) {
  columns <- c(key = keyName, value = valueName, version = versionName)
  check_argument(is_strings(columns) && all(nzchar(columns)), "keyName", "the name of a column, as the other names")
  if (is.null(source@table) && !query) {
    rx_abort("argument", "Objects are kept in a table, not in a query.", hint = "Name a `table`.")
  }
  if (is.null(source@connection)) {
    # RODBC garbles bytes beyond the first 256.
    rx_abort("unsupported", "Objects cannot be kept through an ODBC connection string.",
      hint = "Give the source a DBI `connection`, of package odbc for instance."
    )
  }
  list(database = open_database(source), table = source@table, query = source@sqlQuery, columns = columns)
}

make_objects <- function(store) {
  bytes <- switch(db_dialect(store$database), postgresql = "bytea", sqlserver = "varbinary(max)", "blob")
  text <- if (db_dialect(store$database) == "sqlserver") "nvarchar(450)" else "varchar(255)"
  columns <- paste(db_quote(store$database, store$columns), c(text, bytes, text), collapse = ", ")
  table <- if (grepl(".", store$table, fixed = TRUE)) store$table else db_quote(store$database, store$table)
  db_execute(store$database, sprintf("CREATE TABLE %s (%s)", table, columns))
}

store_name <- function(store) db_table(store$database, store$table)$sql

#' The values of a column, as a list; of bytes, raw vectors
#'
#' @param column "key", "value" or "version"
#' @noRd
store_column <- function(store, column, where = "") {
  query <- if (is.null(store$table)) {
    sub("[[:space:];]+$", "", store$query)
  } else {
    if (!db_table(store$database, store$table)$exists) {
      rx_abort("argument", sprintf("Table '%s' is not in the database.", store$table),
        hint = "rxWriteObject() makes it."
      )
    }
    trimws(paste("SELECT", db_quote(store$database, store$columns[[column]]), "FROM", store_name(store), where))
  }
  db_query(store$database, query)
  on.exit(db_end(store$database))
  # One chunk after the other, until there is none.
  found <- list()
  repeat {
    rows <- db_fetch(store$database, 1000)
    if (nrow(rows) == 0) break
    place <- if (is.null(store$table) && store$columns[["value"]] %in% names(rows)) store$columns[["value"]] else 1
    found <- c(found, as.list(rows[[place]]))
  }
  if (column == "value") lapply(found, as_bytes) else found
}

store_where <- function(store, key, version) {
  equal <- c(store_equal(store, "key", key), store_equal(store, "version", version))
  if (length(equal) > 0) paste("WHERE", paste(equal, collapse = " AND ")) else ""
}

store_equal <- function(store, column, value) {
  if (!is.null(value)) {
    paste(db_quote(store$database, store$columns[[column]]), "=", text_literal(store$database, value))
  }
}

text_literal <- function(database, text) as.character(DBI::dbQuoteString(database$connection, text))

bytes_literal <- function(database, bytes) {
  digits <- paste(format(bytes), collapse = "")
  switch(db_dialect(database),
    postgresql = sprintf("decode('%s', 'hex')", digits), sqlserver = paste0("0x", digits), sprintf("x'%s'", digits)
  )
}

#' Bytes as a database package returns them: a raw vector, or the digits of one
#'
#' @noRd
as_bytes <- function(x) {
  if (is.raw(x)) {
    return(x)
  }
  digits <- sub("^(\\\\x|0x)", "", as.character(x))
  if (!grepl("^([0-9A-Fa-f]{2})*$", digits)) {
    rx_abort("corrupt_file", "The column of values has no bytes.", hint = "Name it in `valueName`.")
  }
  starts <- seq_len(nchar(digits) / 2) * 2 - 1
  as.raw(strtoi(substring(digits, starts, starts + 1), 16L))
}

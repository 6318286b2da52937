# How databases are talked to, whichever package does it. A database is an environment with its `connection`, whether
# that is `owned` by the pass that opened it, and what the methods below keep there while a query runs. Classes: rx_dbi;
# rx_postgresql, DBI through package RPostgreSQL; rx_rodbc, package RODBC.

#' Connects with the database of a source
#'
#' @noRd
open_database <- function(source) {
  connection <- source@connection
  if (is.null(connection)) {
    return(odbc_database(source))
  }
  owned <- is.function(connection)
  if (owned) {
    connection <- answered(connection(), "cannot be reached")
    is_connection <- methods::is(connection, "DBIConnection")
    check_argument(is_connection, "connection", "a DBI connection or a function that returns one")
  } else {
    refuse_closed(connection)
  }
  kind <- if (methods::is(connection, "PostgreSQLConnection")) "rx_postgresql"
  new_database(connection, owned, c(kind, "rx_dbi"))
}

new_database <- function(connection, owned, class) {
  structure(list2env(list(connection = connection, owned = owned), parent = emptyenv()), class = class)
}

#' Refuses a connection that is closed or in use
#'
#' @noRd
refuse_closed <- function(connection) {
  # Not every package tells; what is closed fails later, then.
  if (isFALSE(tryCatch(DBI::dbIsValid(connection), error = function(condition) NA))) {
    rx_abort("database", "The connection to the database is closed.", hint = reopen_hint)
  }
  for (pass in passes$open) {
    if (identical(pass$connection, connection)) {
      rx_abort("database", "The connection to the database is in use by another pass.", hint = reopen_hint)
    }
  }
}

reopen_hint <- "Give a function as `connection`, which opens one for each pass."

#' Connects by an ODBC connection string
#'
#' @noRd
odbc_database <- function(source) {
  text <- paste(c(source@connectionString, sprintf("Database=%s", source@databaseName)), collapse = ";")
  need_package("RODBC", "ODBC")
  failed <- NULL
  connection <- withCallingHandlers(
    RODBC::odbcDriverConnect(text, believeNRows = FALSE, rows_at_time = if (source@rowBuffering) 100 else 1),
    warning = function(condition) {
      failed <<- failed %||% conditionMessage(condition)
      invokeRestart("muffleWarning")
    }
  )
  if (!inherits(connection, "RODBC")) {
    rx_abort("database", paste("The database cannot be reached:", failed))
  }
  new_database(connection, TRUE, "rx_rodbc")
}

need_package <- function(package, what) {
  if (!requireNamespace(package, quietly = TRUE)) {
    rx_abort("unsupported", sprintf("Package '%s' is not installed, which %s takes.", package, what),
      hint = sprintf("Run install.packages(\"%s\").", package)
    )
  }
}

#' What the database answers; its error becomes one of class rxscale_error_database
#'
#' @noRd
answered <- function(expr, what = "refuses a statement") {
  tryCatch(expr, error = function(condition) {
    if (inherits(condition, "rxscale_error")) stop(condition)
    rx_abort("database", sprintf("The database %s: %s", what, trimws(conditionMessage(condition))))
  })
}

#' Starts a query; db_fetch() gets its next rows, at the end none, and db_end() ends it
#'
#' @noRd
db_query <- function(database, query) UseMethod("db_query")
db_fetch <- function(database, rows) UseMethod("db_fetch")
db_end <- function(database) UseMethod("db_end")

#' Closes the connection if it is owned
#'
#' @noRd
db_close <- function(database) UseMethod("db_close")

#' Names as SQL writes them
#'
#' @noRd
db_quote <- function(database, names) UseMethod("db_quote")

#' A table: whether it `exists`; its `name`, as the database package takes it; and `sql`, as SQL does
#'
#' A name that is not found stays in SQL as it was written, which may be that of a view, or one in other letters.
#' @noRd
db_table <- function(database, table) UseMethod("db_table")

#' Whose SQL a database speaks where standards differ: "postgresql", "sqlserver" or "standard"
#'
#' @noRd
db_dialect <- function(database) {
  name <- class(database$connection)[1]
  if (grepl("postgres|^Pq", name, ignore.case = TRUE)) {
    "postgresql"
  } else if (grepl("SQL ?Server", name, ignore.case = TRUE)) {
    "sqlserver"
  } else {
    "standard"
  }
}

#' Executes a statement without rows
#'
#' @noRd
db_execute <- function(database, statement) UseMethod("db_execute")

#' Writes a transaction: db_begin(), db_append() of data frames, which makes the table, and db_commit() or db_rollback()
#'
#' @noRd
db_begin <- function(database) UseMethod("db_begin")
db_append <- function(database, name, data) UseMethod("db_append")
db_commit <- function(database) UseMethod("db_commit")
db_rollback <- function(database) UseMethod("db_rollback")

# DBI

db_query.rx_dbi <- function(database, query) {
  database$result <- answered(DBI::dbSendQuery(database$connection, query))
}

db_fetch.rx_dbi <- function(database, rows) answered(DBI::dbFetch(database$result, n = rows))

db_end.rx_dbi <- function(database) {
  if (!is.null(database$result)) DBI::dbClearResult(database$result)
  database$result <- NULL
}

db_close.rx_dbi <- function(database) if (database$owned) DBI::dbDisconnect(database$connection)

db_quote.rx_dbi <- function(database, names) as.character(DBI::dbQuoteIdentifier(database$connection, names))

db_table.rx_dbi <- function(database, table) {
  exists <- function(name) isTRUE(tryCatch(DBI::dbExistsTable(database$connection, name), error = function(e) FALSE))
  if (exists(table)) {
    return(list(exists = TRUE, name = table, sql = db_quote(database, table)))
  }
  parts <- strsplit(table, ".", fixed = TRUE)[[1]]
  if (length(parts) != 2) {
    return(list(exists = FALSE, name = table, sql = table))
  }
  name <- if (inherits(database, "rx_postgresql")) parts else DBI::Id(schema = parts[1], table = parts[2])
  found <- exists(name)
  list(exists = found, name = name, sql = if (found) paste(db_quote(database, parts), collapse = ".") else table)
}

db_execute.rx_dbi <- function(database, statement) {
  answered(DBI::dbClearResult(DBI::dbSendStatement(database$connection, statement)))
}

db_begin.rx_dbi <- function(database) answered(DBI::dbBegin(database$connection))

db_append.rx_dbi <- function(database, name, data) {
  if (methods::is(database$connection, "SQLiteConnection")) {
    data[] <- lapply(data, as_sqlite)
  }
  there <- answered(DBI::dbExistsTable(database$connection, name))
  written <- answered(
    DBI::dbWriteTable(database$connection, name, data, append = there, row.names = FALSE), "does not take the rows"
  )
  if (identical(written, FALSE)) {
    rx_abort("database", "The database does not take the rows.", hint = "Its columns may have other names or types.")
  }
}

#' Dates and times as the text that SQLite's own functions take
#'
#' @noRd
as_sqlite <- function(x) {
  if (inherits(x, "Date")) {
    format(x)
  } else if (inherits(x, "POSIXct")) {
    fraction <- any(as.numeric(x) %% 1 != 0, na.rm = TRUE)
    format(x, if (fraction) "%Y-%m-%d %H:%M:%OS6" else "%Y-%m-%d %H:%M:%S", tz = "UTC")
  } else {
    x
  }
}

db_commit.rx_dbi <- function(database) answered(DBI::dbCommit(database$connection))

db_rollback.rx_dbi <- function(database) DBI::dbRollback(database$connection)

# RPostgreSQL, which fetches all rows of a query at once: they come from a cursor instead

db_query.rx_postgresql <- function(database, query) {
  database$cursor <- sprintf("rxscale_%d", passes$last + 1)
  declare <- sprintf("DECLARE %s NO SCROLL CURSOR FOR %s", database$cursor, query)
  # It lives within a transaction, which the user may have begun.
  outside <- tryCatch(is.null(db_execute(database, declare)), error = function(condition) TRUE)
  if (outside) {
    db_execute(database, "BEGIN")
    database$began <- TRUE
    tryCatch(db_execute(database, declare), error = function(condition) {
      db_end(database)
      stop(condition)
    })
  }
}

db_fetch.rx_postgresql <- function(database, rows) {
  fetch <- sprintf("FETCH %s FROM %s", format(rows, scientific = FALSE), database$cursor)
  result <- answered(DBI::dbSendQuery(database$connection, fetch))
  on.exit(DBI::dbClearResult(result))
  answered(DBI::dbFetch(result, n = -1))
}

db_end.rx_postgresql <- function(database) {
  if (isTRUE(database$began)) {
    db_execute(database, "ROLLBACK")
  } else {
    db_execute(database, paste("CLOSE", database$cursor))
  }
}

db_execute.rx_postgresql <- function(database, statement) {
  answered(DBI::dbClearResult(DBI::dbSendQuery(database$connection, statement)))
}

db_begin.rx_postgresql <- function(database) db_execute(database, "BEGIN")
db_commit.rx_postgresql <- function(database) db_execute(database, "COMMIT")
db_rollback.rx_postgresql <- function(database) db_execute(database, "ROLLBACK")

# RODBC

db_query.rx_rodbc <- function(database, query) {
  if (RODBC::odbcQuery(database$connection, query) < 0) {
    rodbc_abort(database)
  }
}

rodbc_abort <- function(database) {
  said <- RODBC::odbcGetErrMsg(database$connection)
  rx_abort("database", paste("The database refuses a statement:", paste(said, collapse = " ")))
}

db_fetch.rx_rodbc <- function(database, rows) {
  # Types are the driver's; RODBC would guess those of text anew in each chunk.
  fetched <- RODBC::sqlGetResults(database$connection, as.is = TRUE, max = rows, na.strings = character())
  if (is.data.frame(fetched)) fetched else data.frame()
}

db_end.rx_rodbc <- function(database) {
  # Some drivers do not close a channel that has a statement, and listing tables is what frees that.
  RODBC::sqlTables(database$connection, tableName = "none")
}

db_close.rx_rodbc <- function(database) {
  db_end(database)
  RODBC::odbcClose(database$connection)
}

db_quote.rx_rodbc <- function(database, names) {
  quote <- attr(database$connection, "colQuote") %||% "\""
  paste0(quote[1], names, quote[length(quote)])
}

db_table.rx_rodbc <- function(database, table) {
  parts <- strsplit(table, ".", fixed = TRUE)[[1]]
  found <- RODBC::sqlTables(database$connection, tableName = parts[length(parts)])
  list(exists = is.data.frame(found) && nrow(found) > 0, name = table, sql = table)
}

db_execute.rx_rodbc <- function(database, statement) {
  # -2 tells that there are no rows.
  if (RODBC::odbcQuery(database$connection, statement) == -1) {
    rodbc_abort(database)
  }
}

db_begin.rx_rodbc <- function(database) RODBC::odbcSetAutoCommit(database$connection, FALSE)

db_append.rx_rodbc <- function(database, name, data) {
  there <- db_table(database, name)$exists
  data[] <- lapply(data, as_sqlite)
  answered(RODBC::sqlSave(database$connection, data, name, append = there, rownames = FALSE), "does not take the rows")
}

db_commit.rx_rodbc <- function(database) end_transaction(database$connection, TRUE)
db_rollback.rx_rodbc <- function(database) end_transaction(database$connection, FALSE)

end_transaction <- function(connection, commit) {
  if (RODBC::odbcEndTran(connection, commit) < 0) {
    rx_abort("database", "The database does not end the transaction.")
  }
  RODBC::odbcSetAutoCommit(connection, TRUE)
}

#' Where rows for a table go: what the engine takes
#'
#' @noRd
database_sink <- function(target, append, overwrite) {
  if (is.null(target@table)) {
    rx_abort("argument", "Rows cannot be written to a query.", hint = "Name a `table`.")
  }
  database <- open_database(target)
  on.exit(db_close(database))
  if (db_table(database, target@table)$exists && !append && !overwrite) {
    rx_abort("argument", sprintf("Table '%s' exists already.", target@table),
      hint = "Pass overwrite = TRUE to replace it, or append = \"rows\" to add rows."
    )
  }
  # Its transaction begins with the first rows.
  writer <- list2env(list(target = target, replace = overwrite && !append), parent = emptyenv())
  list(
    type = "foreign", write = function(columns) write_rows(writer, columns),
    finish = function() finish_writing(writer)
  )
}

#' Writes rows within the transaction of a writer, which it begins with the first ones
#'
#' @param columns a list of vectors
#' @noRd
write_rows <- function(writer, columns) {
  if (is.null(writer$number)) {
    start_writing(writer)
  }
  db_append(writer$database, writer$table$name, chunk_frame(lapply(columns, as_stored, writer$target)))
}

#' Begins the transaction of a writer. The end of its pass takes back what was not committed.
#'
#' @noRd
start_writing <- function(writer) {
  database <- writer$database <- open_database(writer$target)
  db_begin(database)
  writer$number <- start_pass(list(
    close = function() {
      if (is.null(writer$committed)) db_rollback(database)
      db_close(database)
    },
    connection = if (!database$owned) database$connection
  ))
  writer$table <- db_table(database, writer$target@table)
  if (writer$replace && writer$table$exists) {
    db_execute(database, paste("DROP TABLE", writer$table$sql))
  }
}

finish_writing <- function(writer) {
  db_commit(writer$database)
  writer$committed <- TRUE
  end_pass(writer$number)
}

#' A column as databases store it
#'
#' @noRd
as_stored <- function(x, target) {
  if (!is.factor(x)) {
    x
  } else if (target@writeFactorsAsIndexes) {
    as.integer(x) - 1L
  } else {
    as.character(x)
  }
}

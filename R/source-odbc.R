#' Database data source
#'
#' A table of a database, or the rows of a query. The database is reached through ODBC, or through any package that
#' speaks DBI, such as RSQLite, RPostgres, RMariaDB or duckdb. Rows are fetched `rowsPerRead` at a time, in the order in
#' which the database gives them; every pass over the data runs the query again.
#'
#' **Connections.** `connection` is a DBI connection, or a function without arguments that opens one. With a function
#' each pass has a connection of its own, which is closed in the end: that is what reading a table while another one is
#' written takes. It goes along to the processes of [rxExec()] if it needs no variable of the session. An open
#' connection serves one pass at a time.
#'
#' `connectionString` is one of ODBC and takes package RODBC, with which dates and times are text: `colClasses` makes
#' dates and times of them. For package odbc say `connection = function() DBI::dbConnect(odbc::odbc(), ...)`.
#'
#' Some drivers hold all rows of a query before they give the first one. RPostgreSQL does, so its rows come from a
#' cursor instead; ODBC's driver of PostgreSQL does unless the connection string says `UseDeclareFetch=1`.
#'
#' **Types** are those that the database package gives: integers, numbers, text, dates, times, logicals, 64-bit
#' integers. Columns of bytes are left out with a warning. The first rows tell the types; `colClasses` and `colInfo`
#' change them, as those of [rxImport()] do. `"factorIndex"` is a type of theirs for numbers that are positions, from 0,
#' in the `levels` of `colInfo`. SQLite has neither dates nor logicals: say `"Date"`, `"POSIXct"` or `"logical"`.
#'
#' **Writing.** [rxDataStep()], [rxImport()] and [rxWriteNext()] write to the table `table` within a transaction: it is
#' there as a whole or not at all. Factors are written as text. SQLite keeps dates and times as text in ISO 8601 form,
#' and lets nobody write a file that is read, unless its `journal_mode` is `WAL`.
#'
#' @param table name of a table, also in the form schema.table.
#' @param sqlQuery a SELECT statement. Give either this or `table`.
#' @param dbmsName not supported: anything but NULL is an error. The driver tells what the system is.
#' @param databaseName name of the database, added to `connectionString`.
#' @param useFastRead no effect: there is one way to read.
#' @param trimSpace whether to cut white space off both ends of text; NULL means TRUE.
#' @param connectionString the string that ODBC takes.
#' @param rowBuffering FALSE fetches one row at a time from ODBC, which some drivers need.
#' @param returnDataFrame whether chunks that are read one by one are data frames (else lists).
#' @param stringsAsFactors whether text becomes factors.
#' @param colClasses,colInfo types of columns, as in [rxImport()].
#' @param rowsPerRead rows that are fetched at once.
#' @param verbose 1 prints the queries that are sent.
#' @param writeFactorsAsIndexes whether factors are written as positions of their levels, from 0, instead of labels.
#' @param connection a DBI connection, or a function that opens one. (Not in RevoScaleR.)
#' @param ... other arguments are ignored with a warning.
#' @return A data source; see [RxDataSource-class]. Errors of the database are of class `rxscale_error_database`.
#' @seealso [source-methods]
#' @examplesIf requireNamespace("RSQLite", quietly = TRUE)
#' file <- tempfile(fileext = ".sqlite")
#' open <- function() DBI::dbConnect(RSQLite::SQLite(), file)
#' cars <- RxOdbcData("cars", connection = open)
#' rxDataStep(mtcars, cars)
#' rxSummary(mpg ~ F(cyl), cars)
#' strong <- RxOdbcData(sqlQuery = "SELECT * FROM cars WHERE hp > 200", connection = open)
#' head(strong)
#' unlink(file)
#' @export
RxOdbcData <- function(table = NULL, sqlQuery = NULL, dbmsName = NULL, databaseName = NULL, useFastRead = NULL,
                       trimSpace = NULL, connectionString = NULL, rowBuffering = TRUE, returnDataFrame = TRUE,
                       stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, rowsPerRead = 500000, verbose = 0,
                       writeFactorsAsIndexes = FALSE, connection = NULL, ...) {
  refuse_unsupported("dbmsName")
  warn_unknown(dot_names(...), names(formals(RxOdbcData)))
  check_table(table, sqlQuery)
  check_argument(is.null(trimSpace) || is_flag(trimSpace), "trimSpace", "TRUE, FALSE or NULL")
  check_argument(is_flag(rowBuffering), "rowBuffering", "TRUE or FALSE")
  check_argument(is_flag(returnDataFrame), "returnDataFrame", "TRUE or FALSE")
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  check_argument(positive$ok(rowsPerRead), "rowsPerRead", positive$must)
  check_argument(is_number(verbose), "verbose", "a number")
  check_argument(is_flag(writeFactorsAsIndexes), "writeFactorsAsIndexes", "TRUE or FALSE")
  check_connection(connection, connectionString, databaseName, rowBuffering)
  column_options(colClasses, colInfo)
  methods::new(
    "RxOdbcData",
    table = table, sqlQuery = sqlQuery, dbmsName = dbmsName, databaseName = databaseName, useFastRead = useFastRead,
    trimSpace = trimSpace, connectionString = connectionString, rowBuffering = rowBuffering,
    returnDataFrame = returnDataFrame, stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo,
    rowsOrBlocksPerRead = rowsPerRead, verbose = verbose, writeFactorsAsIndexes = writeFactorsAsIndexes,
    connection = connection
  )
}

check_table <- function(table, sqlQuery) {
  check_argument(is.null(table) || is_string(table), "table", "the name of a table")
  check_argument(is.null(sqlQuery) || is_string(sqlQuery), "sqlQuery", "a SELECT statement")
  check_argument(is.null(table) != is.null(sqlQuery), "table", "given, or else `sqlQuery`")
}

check_connection <- function(connection, connectionString, databaseName, rowBuffering) {
  check_argument(is.null(databaseName) || is_string(databaseName), "databaseName", "a string or NULL")
  check_argument(is.null(connectionString) || is_string(connectionString), "connectionString", "a string or NULL")
  check_argument(
    is.null(connection) || is.function(connection) || methods::is(connection, "DBIConnection"), "connection",
    "a DBI connection or a function that opens one"
  )
  if (is.null(connection) == is.null(connectionString)) {
    rx_abort("argument", "A database needs either a `connection` or a `connectionString`.")
  }
  if (is.null(connectionString) && (!is.null(databaseName) || !rowBuffering)) {
    rx_abort("argument", "`databaseName` and `rowBuffering` go with a `connectionString` only.")
  }
}

#' @rdname RxDataSource-class
#' @exportClass RxOdbcData
#' @include source-foreign.R
methods::setClass(
  "RxOdbcData",
  contains = c("RxDataSource", "RxForeignData"),
  representation = methods::representation(
    table = "characterORNULL", sqlQuery = "characterORNULL", dbmsName = "characterORNULL",
    databaseName = "characterORNULL", useFastRead = "logicalORNULL", trimSpace = "logicalORNULL",
    connectionString = "characterORNULL", rowBuffering = "logical", verbose = "numeric",
    writeFactorsAsIndexes = "logical", connection = "ANY"
  ),
  prototype = list(
    rowsOrBlocksPerRead = 500000, returnDataFrame = TRUE, stringsAsFactors = FALSE, rowBuffering = TRUE, verbose = 0,
    writeFactorsAsIndexes = FALSE, connection = NULL
  )
)

methods::setMethod("open_rows", "RxOdbcData", function(source, columns) {
  database <- open_database(source)
  query <- select_query(database, source, columns)
  if (source@verbose > 0) cat("Query: ", query, "\n", sep = "")
  tryCatch(db_query(database, query), error = function(condition) {
    db_close(database)
    stop(condition)
  })
  list(
    fetch = function(rows) db_fetch(database, rows),
    close = function() {
      db_end(database)
      db_close(database)
    },
    connection = if (!database$owned) database$connection
  )
})

#' The query for columns of a source
#'
#' @noRd
select_query <- function(database, source, columns) {
  if (!is.null(source@sqlQuery)) {
    return(sub("[[:space:];]+$", "", source@sqlQuery))
  }
  columns <- if (is.null(columns)) "*" else paste(db_quote(database, columns), collapse = ", ")
  paste("SELECT", columns, "FROM", db_table(database, source@table)$sql)
}

methods::setMethod("plain_rows", "RxOdbcData", function(source, rows) {
  rows <- as.list(rows)
  if (source@trimSpace %||% TRUE) {
    rows <- lapply(rows, function(x) if (is.character(x)) trimmed(x) else x)
  }
  rows
})

#' Text without white space at its ends; most text has none
#'
#' @noRd
trimmed <- function(x) {
  spaced <- grep("^[[:space:]]|[[:space:]]$", x)
  x[spaced] <- trimws(x[spaced], whitespace = "[[:space:]]")
  x
}

#' @rdname source-methods
#' @export
methods::setMethod("show", "RxOdbcData", function(object) {
  cat("RxOdbcData Source\n")
  cat(if (is.null(object@table)) "sqlQuery: " else "table: ", object@table, object@sqlQuery, "\n", sep = "")
  hidden <- gsub("\\b(pwd|password)=[^;]*", "\\1=***", object@connectionString, ignore.case = TRUE)
  object@connectionString <- if (length(hidden)) hidden
  shown <- c("connectionString", "databaseName", "colClasses", "colInfo", "rowsOrBlocksPerRead", "stringsAsFactors")
  show_slots(object, shown)
})

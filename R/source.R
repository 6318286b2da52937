#' Data source classes
#'
#' A data source says where data are and how to read them; nothing is read when it is made. Every function that takes
#' `data` takes a data source, a data frame, or a string that names a file.
#'
#' `RxDataSource` is the virtual base. [RxXdfData()] and [RxTextData()] make file sources (`RxFileData`) and so do
#' [RxParquetData()], [RxSasData()] and [RxSpssData()]. [RxOdbcData()] makes sources of databases. What the last three
#' make is read by R packages (`RxForeignData`). Slots are named as the arguments of those functions, but for two old
#' names that packages rely on: `colNames` holds `varsToKeep`, and `rowsOrBlocksPerRead` holds `rowsPerRead` or
#' `blocksPerRead`.
#'
#' @slot colNames columns that are kept, or NULL for all.
#' @slot varsToDrop columns that are left out, or NULL.
#' @slot rowsOrBlocksPerRead how many rows (of an XDF source: blocks) R code sees at once.
#' @slot returnDataFrame whether chunks are data frames (else lists).
#' @slot stringsAsFactors whether text becomes factors.
#' @slot file path of the file; text may have several.
#' @slot fileSystem the file system, NULL for the option's.
#' @name RxDataSource-class
#' @aliases RxFileData-class RxXdfData-class RxTextData-class RxParquetData-class RxForeignData-class RxOdbcData-class
#'   RxSasData-class RxSpssData-class characterORNULL-class
#' @seealso [source-methods] for what can be done with a source.
#' @keywords classes
NULL

#' @rdname RxDataSource-class
#' @exportClass characterORNULL
methods::setClassUnion("characterORNULL", c("character", "NULL"))
methods::setClassUnion("listORNULL", c("list", "NULL"))
methods::setClassUnion("logicalORNULL", c("logical", "NULL"))
methods::setClassUnion("numericORNULL", c("numeric", "NULL"))

#' @rdname RxDataSource-class
#' @exportClass RxDataSource
methods::setClass("RxDataSource", representation = methods::representation(
  "VIRTUAL",
  colNames = "characterORNULL", varsToDrop = "characterORNULL", rowsOrBlocksPerRead = "numeric",
  returnDataFrame = "logical", stringsAsFactors = "logical"
))

#' @rdname RxDataSource-class
#' @exportClass RxFileData
methods::setClass("RxFileData", contains = "RxDataSource", representation = methods::representation(
  "VIRTUAL",
  file = "character", fileSystem = "ANY"
))

#' A source object from what a user gave as data
#'
#' A string names a file, whose type is told by its extension: none and .xdf are XDF, .parquet and .pq Parquet,
#' .sas7bdat and .sd7 SAS, .sav and .por SPSS, anything else and folders are text, but for the folder of a composite or
#' partitioned set, which is XDF.
#' Several strings are text files.
#'
#' @param data a string, a data source, or a data frame, which is its own source
#' @param name what to call the argument in messages
#' @noRd
as_source <- function(data, name = "data") {
  if (is.data.frame(data) || methods::is(data, "RxDataSource")) {
    return(data)
  }
  if (is_strings(data) && length(data) > 1) {
    return(RxTextData(data))
  }
  check_argument(is_string(data), name, "a data frame, a data source or the name of a file")
  switch(file_type(data),
    xdf = RxXdfData(data),
    parquet = RxParquetData(data),
    sas = RxSasData(data),
    spss = RxSpssData(data),
    text = RxTextData(data)
  )
}

#' What the engine opens: a plain list
#'
#' @param data see as_source()
#' @param start_row,num_rows first row, from 1, and number of rows (-1 for all) to read
#' @param transform see compose_transform()
#' @return a list with `type`, what that type needs, and the optional parts `start_row`, `num_rows` and `transform`
#' @noRd
source_spec <- function(data, start_row = 1, num_rows = -1, transform = NULL) {
  check_argument(is_whole(start_row) && start_row >= 1, "startRow", "a whole number from 1")
  check_argument(is_whole(num_rows) && num_rows >= -1, "numRows", "a number of rows, or -1 for all")
  source <- as_source(data)
  spec <- if (is.data.frame(source)) frame_spec(source) else file_spec(source)
  if (start_row > 1) spec$start_row <- start_row
  if (num_rows >= 0) spec$num_rows <- num_rows
  spec$transform <- transform
  spec
}

frame_spec <- function(data) {
  list(type = "frame", data = as.list(data), rows = nrow(data))
}

#' The spec of a source object; a method for every class
#'
#' @noRd
methods::setGeneric("file_spec", function(source) standardGeneric("file_spec"))

#' Whether an object is a data source of a class; quick to say no to a data frame
#'
#' @noRd
is_source <- function(x, class = "RxDataSource") isS4(x) && methods::is(x, class)

#' Which columns of a source are visible: varsToKeep and varsToDrop of the source, then those of a call
#'
#' @param fields as `source_info(spec)$fields`
#' @noRd
source_columns <- function(source, names, keep = NULL, drop = NULL) {
  if (is_source(source)) {
    names <- kept_columns(names, source@colNames, source@varsToDrop)
  }
  kept_columns(names, keep, drop)
}

#' What the engine knows of a source without reading its rows
#'
#' @return the list of rx_engine_info(), `fields` named and only those that the source keeps
#' @noRd
source_info <- function(source, spec = source_spec(source)) {
  info <- engine_call(rx_engine_info, spec)
  names(info$fields) <- vapply(info$fields, function(field) field$name, "")
  info$fields <- info$fields[source_columns(source, names(info$fields))]
  for (name in names(info$fields)) {
    info$fields[[name]]$value_info <- spec$value_info[[name]]
  }
  info
}

file_type <- function(path) {
  extension <- tolower(tools::file_ext(path))
  if (dir.exists(path)) {
    if (is_composite_set(path) || is_partition_set(path)) "xdf" else "text"
  } else if (extension %in% c("", "xdf")) {
    "xdf"
  } else if (extension %in% c("parquet", "pq")) {
    "parquet"
  } else if (extension %in% c("sas7bdat", "sd7")) {
    "sas"
  } else if (extension %in% c("sav", "por")) {
    "spss"
  } else {
    "text"
  }
}

#' Sets the slots that all file sources have, with checks
#'
#' @noRd
new_file_source <- function(class, file, varsToKeep, varsToDrop, fileSystem, ..., several = FALSE) {
  named <- is_strings(file) && length(file) > 0 && all(nzchar(file))
  check_argument(named && (several || length(file) == 1), "file", "the name of a file")
  check_kept_dropped(varsToKeep, varsToDrop)
  if (!(is.null(fileSystem) || identical(fileSystem, "native"))) {
    rx_abort("unsupported", "No file system but \"native\" is supported yet.")
  }
  methods::new(
    class,
    file = file, colNames = varsToKeep, varsToDrop = varsToDrop, fileSystem = fileSystem, ...
  )
}

check_kept_dropped <- function(varsToKeep, varsToDrop) {
  check_argument(is.null(varsToKeep) || is_strings(varsToKeep), "varsToKeep", "a character vector or NULL")
  check_argument(is.null(varsToDrop) || is_strings(varsToDrop), "varsToDrop", "a character vector or NULL")
  if (length(varsToKeep) && length(varsToDrop)) {
    rx_abort("argument", "`varsToKeep` and `varsToDrop` exclude each other.", hint = "Give one of them.")
  }
}

#' Working with data sources
#'
#' Sources behave much like data frames: `names()`, `dim()` (so `nrow()`, `ncol()`), `length()`, `dimnames()`,
#' `colnames()`, `head()`, `tail()`, `summary()`, `as.data.frame()`, `print()` and `str()` work on all of them.
#'
#' * `dim()` of text, databases and files of SAS and SPSS gives NA rows: they are unknown until the data are read.
#' * `names<-` renames the columns in the file and works on XDF sources only.
#' * `head()` reads no further than it needs to; `tail()` of sources without a number of rows reads all of them.
#' * `summary()` is [rxSummary()] of all columns.
#' * `as.data.frame()` reads all rows into memory.
#'
#' @param x,object a data source.
#' @param value new names of all columns.
#' @param n number of rows.
#' @param addrownums whether rows without names get their numbers in the source as row names.
#' @param reportProgress see [rxOptions()].
#' @param row.names,optional ignored: row names are those that the source has, if any.
#' @param ... passed on to [rxSummary()], [as.data.frame()] or [str()]; else ignored.
#' @return What the functions return for a data frame.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' cars <- rxImport(mtcars, file)
#' dim(cars)
#' names(cars)
#' head(cars, 3)
#' tail(cars, 2)
#' unlink(file)
#' @name source-methods
NULL

#' @rdname source-methods
#' @export
methods::setMethod("names", "RxDataSource", function(x) names(source_info(x)$fields))

#' @rdname source-methods
#' @export
methods::setMethod("names<-", "RxDataSource", function(x, value) {
  old <- names(x)
  check_argument(is_strings(value) && length(value) == length(old), "value", "a name for every column")
  rxSetVarInfo(stats::setNames(lapply(value, function(name) list(newName = name)), old), x)
  renamed <- function(names) if (length(names)) ifelse(names %in% old, value[match(names, old)], names)
  x@colNames <- renamed(x@colNames)
  x
})

#' @rdname source-methods
#' @export
methods::setMethod("dim", "RxDataSource", function(x) {
  info <- source_info(x)
  as_counts(c(info$rows %||% NA_real_, length(info$fields)))
})

#' @rdname source-methods
#' @export
methods::setMethod("length", "RxDataSource", function(x) length(names(x)))

#' @rdname source-methods
#' @export
methods::setMethod("dimnames", "RxDataSource", function(x) list(NULL, names(x)))

#' @rdname source-methods
#' @export
methods::setMethod("show", "RxFileData", function(object) {
  cat(class(object), " Source\n", paste0("\"", object@file, "\"\n"), sep = "")
  show_slots(object, setdiff(methods::slotNames(object), c("file", "fileSystem")))
  cat("fileSystem: \n    fileSystemType: \"", object@fileSystem %||% rxGetOption("fileSystem"), "\"\n", sep = "")
})

#' Prints slots that have not their default
#'
#' @noRd
show_slots <- function(object, names) {
  default <- methods::new(class(object))
  for (name in names) {
    value <- methods::slot(object, name)
    if (!identical(value, methods::slot(default, name))) {
      cat(name, ": ", paste(deparse(value, width.cutoff = 500), collapse = ""), "\n", sep = "")
    }
  }
}

#' @rdname source-methods
#' @export
print.RxDataSource <- function(x, ...) {
  methods::show(x)
  invisible(x)
}

#' @rdname source-methods
#' @importFrom utils head
#' @export
head.RxDataSource <- function(x, n = 6L, reportProgress = 0L, ...) {
  check_argument(is_whole(n), "n", "a number of rows")
  if (n < 0) {
    n <- max(0, row_count(x) + n)
  }
  read_rows(x, 1, n, reportProgress)
}

#' @rdname source-methods
#' @importFrom utils tail
#' @export
tail.RxDataSource <- function(x, n = 6L, addrownums = TRUE, reportProgress = 0L, ...) {
  check_argument(is_whole(n), "n", "a number of rows")
  rows <- row_count(x)
  first <- if (n < 0) min(rows, -n) + 1 else max(0, rows - n) + 1
  last_rows <- read_rows(x, first, rows - first + 1, reportProgress)
  if (addrownums && nrow(last_rows) > 0 && .row_names_info(last_rows) < 0) {
    row.names(last_rows) <- as_counts(seq(first, length.out = nrow(last_rows)))
  }
  last_rows
}

#' @rdname source-methods
#' @export
summary.RxDataSource <- function(object, ...) rxSummary(~., data = object, ...)

#' @rdname source-methods
#' @export
as.data.frame.RxDataSource <- function(x, row.names = NULL, optional = FALSE, ...) read_rows(x)

#' @rdname source-methods
#' @importFrom utils str
#' @export
str.RxDataSource <- function(object, ...) {
  slots <- methods::slotNames(object)
  cat("Formal class '", class(object), "' [package \"rxscale\"] with ", length(slots), " slots\n", sep = "")
  for (name in slots) {
    cat("  ..@ ", formatC(name, flag = "-", width = max(nchar(slots))), ":", sep = "")
    utils::str(methods::slot(object, name), ...)
  }
  invisible(NULL)
}

#' Rows of a source as a data frame
#'
#' @noRd
read_rows <- function(source, start_row = 1, num_rows = -1, reportProgress = 0, columns = NULL) {
  reading <- reading_spec(source, start_row, num_rows, columns)
  import_frame(reading$spec, reading$columns, reportProgress = reportProgress)
}

#' What a source is read by as a data frame: its `spec` and `columns`, NULL for all
#'
#' @noRd
reading_spec <- function(source, start_row = 1, num_rows = -1, columns = NULL) {
  spec <- source_spec(source, start_row, num_rows)
  spec$row_names <- keeps_row_names(spec, NULL, NULL)
  if (is.null(columns) && is_source(source) && length(c(source@colNames, source@varsToDrop))) {
    columns <- names(source_info(source)$fields)
  }
  if (!is.null(columns)) {
    columns <- union(columns, intersect(row_names_column, names(column_kinds(spec))))
  }
  list(spec = spec, columns = columns)
}

#' Number of rows of a source, counted by reading it where nothing else tells
#'
#' @noRd
row_count <- function(source) {
  info <- source_info(source)
  if (!is.null(info$rows)) {
    return(info$rows)
  }
  engine_call(rx_engine_import, source_spec(source), names(info$fields)[1], list(type = "frame"), job_options(0))$rows
}

#' Counts as integers as long as they fit
#'
#' @noRd
as_counts <- function(x) if (all(is.na(x) | abs(x) <= .Machine$integer.max)) as.integer(x) else x

#' Import data
#'
#' Reads text, Parquet and XDF files, databases, files of SAS and SPSS, and data frames, transforms them if asked to,
#' and returns a data frame or writes a file, a block at a time: the data need not fit into memory.
#'
#' Within a chunk the order is: `transformFunc`, `transforms`, `rowSelection`.
#'
#' **Types of columns.** `colInfo` wins over `colClasses`, which wins over `stringsAsFactors`; what none of them names
#'   is
#' told by the data. Types are `"logical"`, `"integer"`, `"float32"`, `"numeric"`, `"character"`,
#' `"factor"`, `"ordered"`, `"int16"`, `"Date"` and `"POSIXct"`. Fields of a `colInfo` element are described in
#' [RxTextData()]. Levels of a factor that are not given are coded in the order in which they appear first.
#'
#' **Appending.** With `append = "rows"` the rows are added to an existing XDF file as new blocks; its factors are
#' extended by new levels, and columns whose type differs are an error.
#'
#' @param inData a data frame, a data source such as [RxTextData()], [RxXdfData()], [RxParquetData()], [RxOdbcData()],
#'   [RxSasData()] or [RxSpssData()], or the name of a file, or names of several text files that are read as one.
#' @param outFile NULL for a data frame; the name of a file to write (`.xdf`, also where there is no extension;
#'   `.parquet`; else text); or a data source.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other. Columns that
#'   transforms or the row selection use are read all the same.
#' @param rowSelection logical expression over columns and transformed columns: rows for which it is TRUE are kept, NA
#'   selects nothing. Also the name of a logical column in quotes, or an [expression()].
#' @param transforms `list(name = expression, ...)`: columns to make or change.
#' @param transformObjects named list of objects that the transforms can see.
#' @param transformFunc function that takes a list of columns of a chunk and returns such a list.
#' @param transformVars columns that `transformFunc` needs; NULL stands for all.
#' @param transformPackages packages that the transforms can see, besides those of the option of that name.
#' @param transformEnvir environment in which the transforms are evaluated.
#' @param append `"none"` or `"rows"`; FALSE and TRUE mean the same.
#' @param overwrite whether an existing file may be replaced.
#' @param numRows how many rows to read; -1 for all.
#' @param stringsAsFactors whether text columns become factors; NULL leaves it to the source.
#' @param colClasses named character vector of types.
#' @param colInfo list of lists of types and other facts about columns, named by column or with elements `name`.
#' @param rowsPerRead rows that transforms see at once and that are a block of the output.
#' @param type `"auto"` tells the type of a file by its extension; `"text"` and `"textFast"` say that it is text,
#'   `"fixed"` and `"fixedFast"` that it is text of fixed format, `"sas"` and `"spss"` that it is a file of these,
#'   whatever its name; `"odbc"` and `"odbcFast"` that `inData` is a query or the name of a table, whose `connection` or
#'   `connectionString` (see [RxOdbcData()]) is among the further arguments. Ignored for data sources.
#' @param maxRowsByCols limit on rows times columns of a returned data frame, which is cut with a warning; NULL for
#'   none.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), and how many rows were imported.
#' @param xdfCompressionLevel see [rxOptions()].
#' @param createCompositeSet,blocksPerCompositeFile whether a composite set of XDF files is written, and how many blocks
#'   each of them gets; see [RxXdfData()]. NULL leaves it to `outFile`.
#' @param ... arguments of the input source ([RxTextData()], [RxXdfData()], [RxOdbcData()] and so on), which override
#'   those of an existing one. Unknown ones are ignored with a warning.
#' @return A data frame, or the data source that was written.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' file <- tempfile(fileext = ".xdf")
#' late <- rxImport(
#'   flights, file,
#'   varsToKeep = c("carrier", "dep_delay", "arr_delay"), rowSelection = arr_delay > 60,
#'   transforms = list(made_up = dep_delay - arr_delay), numRows = 10000, colClasses = c(carrier = "factor")
#' )
#' rxGetInfo(late, getVarInfo = TRUE)
#' unlink(file)
#' @export
rxImport <- function(inData, outFile = NULL, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL,
                     transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                     transformPackages = NULL, transformEnvir = NULL, append = "none", overwrite = FALSE, numRows = -1,
                     stringsAsFactors = NULL, colClasses = NULL, colInfo = NULL, rowsPerRead = NULL, type = "auto",
                     maxRowsByCols = NULL, reportProgress = rxGetOption("reportProgress"), verbose = 0,
                     xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), createCompositeSet = NULL,
                     blocksPerCompositeFile = 3, ...) {
  source <- import_source(inData, type, rowsPerRead, ...)
  set <- list(createCompositeSet = createCompositeSet, blocksPerCompositeFile = blocksPerCompositeFile)
  set <- if (missing(blocksPerCompositeFile)) set["createCompositeSet"] else set
  sink <- sink_spec(outFile, append, overwrite, xdfCompressionLevel, set, source)
  transforms <- capture_transforms()
  conversions <- list(stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo)
  imported <- import(
    source, sink, transforms, conversions, varsToKeep, varsToDrop,
    rowsPerRead = rowsPerRead, numRows = numRows, maxRowsByCols = maxRowsByCols, reportProgress = reportProgress,
    verbose = verbose
  )
  if (is.null(outFile)) imported else written_source(outFile, sink)
}

#' Runs an import
#'
#' @param source a data frame or data source
#' @param sink see sink_spec(); NULL for a data frame
#' @param transforms arguments of compose_transform()
#' @param conversions stringsAsFactors, colClasses and colInfo, NULL where they are not given
#' @param keep,drop varsToKeep and varsToDrop, which override those of the source
#' @param beside see beside_spec()
#' @param also columns that are read besides those kept; a data frame has those that are not kept as attribute
#'   `hidden`, a split does not write them
#' @param emptyTextIsNA whether empty text of a file of Microsoft's format is missing
#' @return a data frame; or the number of rows and the path that were written; or, of a split, keys and rows of each
#'   file
#' @noRd
import <- function(source, sink = NULL, transforms = NULL, conversions = NULL, keep = NULL, drop = NULL,
                   rowsPerRead = NULL, startRow = 1, numRows = -1, maxRowsByCols = NULL, reportProgress = 0,
                   verbose = 0, beside = NULL, emptyTextIsNA = FALSE, also = NULL) {
  check_max_rows(maxRowsByCols)
  if (has_column_types(source)) {
    source <- overridden_source(source, conversions)
    conversions <- NULL
  }
  if (methods::is(source, "RxTextData")) verbose <- max(verbose, source@verbose)
  spec <- source_spec(source, startRow, numRows)
  spec$row_names <- keeps_row_names(spec, sink, transforms)
  spec$empty_is_missing <- if (emptyTextIsNA) TRUE
  kinds <- column_kinds(spec)
  convert <- do.call(column_converter, c(list(kinds), conversions), quote = TRUE)
  names <- convert$names %||% names(kinds)
  columns <- if (length(c(keep, drop))) {
    kept_columns(names, keep, drop)
  } else {
    names[match(source_columns(source, names(kinds)), names(kinds))]
  }
  if (isTRUE(spec$row_names)) {
    columns <- union(columns, setdiff(intersect(row_names_column, names), drop))
  }
  hidden <- setdiff(intersect(also, names), columns)
  columns <- c(columns, hidden)
  context <- list(data_names = names, columns = columns, file = spec$path %||% "")
  transform <- do.call(compose_transform, c(transforms, context), quote = TRUE)
  if (!is.null(convert)) {
    transform <- converting_transform(transform, convert, columns, kinds)
  }
  if (!is.null(transform)) {
    spec$transform <- c(transform, chunk_size(source, rowsPerRead))
    columns <- NULL
  }
  read <- if (is.null(beside)) spec else beside_spec(beside, spec, columns)
  started <- proc.time()[["elapsed"]]
  if (is.null(sink)) {
    result <- import_frame(read, columns, maxRowsByCols, reportProgress)
    attr(result, "hidden") <- if (length(hidden)) hidden
    rows <- nrow(result)
  } else {
    sink$hidden <- hidden
    sink <- described_sink(sink, source, spec, rowsPerRead, transforms, columns %||% names)
    result <- engine_call(rx_engine_import, read, if (is.null(beside)) columns, sink, job_options(reportProgress))
    rows <- sum(result$rows)
  }
  if (verbose > 0) {
    report_compiled(spec)
    print_rows(rows, "imported", started)
  }
  result
}

check_max_rows <- function(maxRowsByCols) {
  ok <- is.null(maxRowsByCols) || (is_number(maxRowsByCols) && maxRowsByCols > 0)
  check_argument(ok, "maxRowsByCols", "a positive number or NULL")
}

#' The sink with what it keeps of the source beside rows; text keeps nothing
#'
#' @param columns the names of all columns
#' @noRd
described_sink <- function(sink, source, spec, rowsPerRead, transforms, columns) {
  if (sink$type != "text") {
    sink$rows_per_block <- block_rows(source, rowsPerRead) %||% sink$rows_per_block
    sink$description <- sink$description %||% if (!isTRUE(sink$append)) source_description(source)
    sink$fresh_ranges <- sink$fresh_ranges %||% fresh_ranges(source, spec, transforms, columns)
  }
  sink
}

# The column that holds row names in an XDF file.
row_names_column <- ".rxRowNames"

#' Whether row names of an XDF file go along to a data frame or another one; NULL for no
#'
#' A transformFunc may change the number of rows, and is not made for another column of text.
#' @noRd
keeps_row_names <- function(spec, sink, transforms) {
  keeps <- is.null(sink) || sink$type %in% c("xdf", "split")
  if (identical(spec$type, "xdf") && keeps && is.null(transforms$transformFunc)) TRUE
}

#' Columns whose ranges are those of the rows that are left, not those that the source tells
#'
#' @param columns the names of all columns
#' @noRd
fresh_ranges <- function(source, spec, transforms, columns) {
  some_rows <- length(transforms$rowSelection) + length(transforms$transformFunc) > 0 ||
    isTRUE(transforms$removeMissings) || isTRUE(transforms$removeMissingsOnRead) ||
    length(c(spec$start_row, spec$num_rows)) > 0
  # There the ranges are what the user says that they are.
  if (some_rows && !has_column_types(source)) spec$transform$untouched %||% columns
}

#' The description of the data, which their copy keeps
#'
#' @noRd
source_description <- function(source) {
  if (is.data.frame(source)) {
    attr(source, ".rxDescription", exact = TRUE)
  } else if (!has_column_types(source)) {
    source_info(source)$description
  }
}

#' The spec of columns beside those of a file
#'
#' @param beside list of the file's `source`, and whether to `overwrite` its columns
#' @param spec the spec of the new columns
#' @param columns their names, or NULL for all of them
#' @noRd
beside_spec <- function(beside, spec, columns) {
  if (!is.null(columns)) {
    spec$transform <- list(fun = identity, vars = columns, untouched = columns, steps = list(list(keep = columns)))
  }
  left <- source_spec(beside$source)
  there <- intersect(names(source_fields(left)), names(source_fields(spec)))
  if (length(there) > 0 && !beside$overwrite) {
    rx_abort(
      "argument", sprintf("The file has a column '%s'.", there[1]), column = there[1],
      hint = "Pass overwrite = TRUE to replace it, or drop it with `varsToDrop`."
    )
  }
  list(left = left, right = spec)
}

#' Whether colClasses, colInfo and stringsAsFactors are arguments of the source itself
#'
#' @noRd
has_column_types <- function(source) is_source(source, "RxTextData") || is_source(source, "RxForeignData")

column_kinds <- function(spec) {
  fields <- engine_call(rx_engine_info, spec)$fields
  stats::setNames(vapply(fields, function(field) field$kind, ""), vapply(fields, function(field) field$name, ""))
}

#' The transform, or none, after a conversion of columns
#'
#' @noRd
converting_transform <- function(transform, convert, columns, kinds) {
  list(
    fun = function(chunk, ...) {
      chunk <- convert$fun(chunk)
      if (is.null(transform)) chunk else transform$fun(chunk, ...)
    },
    vars = names(kinds)[match(transform$vars %||% columns, convert$names)],
    untouched = setdiff(if (is.null(transform)) columns else transform$untouched, convert$touched)
  )
}

#' Reads into a data frame
#'
#' @param columns names of columns, or NULL for all
#' @noRd
import_frame <- function(spec, columns = NULL, maxRowsByCols = NULL, reportProgress = 0) {
  sink <- list(type = "frame", cells = maxRowsByCols)
  read <- engine_call(rx_engine_import, spec, columns, sink, job_options(reportProgress))
  read_frame(read, spec, maxRowsByCols)
}

#' The data frame of what the engine read
#'
#' @param read list(columns, rows)
#' @noRd
read_frame <- function(read, spec, maxRowsByCols = NULL) {
  data <- structure(read$columns, row.names = .set_row_names(read$rows), class = "data.frame")
  data <- limited_frame(data, maxRowsByCols)
  if (isTRUE(spec$row_names)) with_row_names(data) else data
}

#' The data frame with its column of row names, if it has one, as row names
#'
#' @noRd
with_row_names <- function(data) {
  names <- as.character(data[[row_names_column]])
  data[[row_names_column]] <- NULL
  if (anyDuplicated(names) || anyNA(names)) {
    warning("The row names are not unique and were left out.", call. = FALSE)
  } else if (length(names) > 0) {
    row.names(data) <- names
  }
  data
}

#' The data frame, cut to the limit with a warning
#'
#' @noRd
limited_frame <- function(data, maxRowsByCols) {
  if (is.null(maxRowsByCols) || length(data) == 0) {
    return(data)
  }
  limit <- floor(maxRowsByCols / length(setdiff(names(data), row_names_column)))
  if (nrow(data) <= limit) {
    return(data)
  }
  warning(
    sprintf("The data were cut to their first %s rows by `maxRowsByCols = %s`.", format(limit), format(maxRowsByCols)),
    "\nRaise it, or write to a file.",
    call. = FALSE
  )
  data[seq_len(limit), , drop = FALSE]
}

#' Rows or blocks that R code sees at once
#'
#' @noRd
chunk_size <- function(source, rowsPerRead) {
  if (!is.null(rowsPerRead)) {
    list(rows = rowsPerRead)
  } else if (is_source(source, "RxXdfData")) {
    list(blocks = source@rowsOrBlocksPerRead)
  } else if (is_source(source)) {
    list(rows = source@rowsOrBlocksPerRead)
  }
}

#' Rows of a block of the output; NULL leaves it to the engine
#'
#' @noRd
block_rows <- function(source, rowsPerRead) {
  if (is.null(rowsPerRead) && !methods::is(source, "RxXdfData")) chunk_size(source, NULL)$rows else rowsPerRead
}

#' Where an import goes: what the engine takes
#'
#' @param set arguments of RxXdfData() that say whether a composite set is written
#' @param source what is read
#' @return a list with `type`, `path` and what that type needs; NULL for a data frame
#' @noRd
sink_spec <- function(outFile, append, overwrite, xdfCompressionLevel, set = list(), source = NULL) {
  append <- appends_rows(append)
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  level <- option_rules$xdfCompressionLevel
  check_argument(level$ok(xdfCompressionLevel), "xdfCompressionLevel", level$must)
  set <- set[lengths(set) > 0]
  if (is.null(outFile)) {
    refuse_set(set)
    return(NULL)
  }
  is_set <- isTRUE(set$createCompositeSet) && is_string(outFile) && tolower(tools::file_ext(outFile)) %in% c("", "xdf")
  target <- if (is_set) RxXdfData(outFile) else as_source(outFile, "outFile")
  check_argument(is_source(target), "outFile", "NULL, the name of a file or a data source")
  if (is_source(target, "RxForeignData")) {
    refuse_set(set)
    return(foreign_sink(target, append, overwrite))
  }
  check_written_file(target, append)
  if (methods::is(target, "RxXdfData")) {
    place <- xdf_target(overridden_source(target, set))
    compression <- compression_name(xdfCompressionLevel)
    return(c(list(type = "xdf", overwrite = overwrite, append = append, compression = compression), place))
  }
  refuse_set(set)
  if (methods::is(target, "RxParquetData")) {
    list(type = "parquet", path = locate_output(target@file, ".parquet"), overwrite = overwrite)
  } else {
    text_sink(target, overwrite, source)
  }
}

#' Refuses what no file can be asked for
#'
#' @noRd
check_written_file <- function(target, append) {
  if (append && !methods::is(target, "RxXdfData")) {
    rx_abort("unsupported", "Rows can be appended to XDF files and tables of databases only.")
  }
  if (length(c(target@colNames, target@varsToDrop))) {
    rx_abort(
      "argument", "`varsToKeep` and `varsToDrop` of a source do not apply to writing.",
      hint = "Give them to the call instead."
    )
  }
}

#' Raises an error if a composite set is asked for where there can be none
#'
#' @noRd
refuse_set <- function(set) {
  if (isTRUE(set$createCompositeSet)) {
    rx_abort("argument", "A composite set is made of XDF files.", hint = "Name one, without extension, as `outFile`.")
  }
}

#' The sink that puts rows into an XDF file in place of those it has
#'
#' @noRd
replacing_sink <- function(source, xdfCompressionLevel) {
  spec <- source_spec(source)
  info <- engine_call(rx_engine_info, spec)
  refuse_legacy(info)
  source@colNames <- source@varsToDrop <- NULL
  sink <- sink_spec(source, "none", TRUE, xdfCompressionLevel)
  sink$path <- spec$path
  sink$blocks_per_file <- if (is_composite_set(spec$path)) source@blocksPerCompositeFile
  sink$description <- info$description
  sink$rows_per_block <- if (length(info$block_rows)) max(info$block_rows, 1)
  sink
}

#' Refuses to change a file of Microsoft's format
#'
#' @param info see source_info()
#' @noRd
refuse_legacy <- function(info) {
  if (isTRUE(info$legacy)) {
    rx_abort(
      "unsupported", sprintf("'%s' is a file of Microsoft's XDF format, which is read and not written.", info$file),
      hint = "rxscale writes an XDF format of its own: convert the file with rxImport() or rxConvertXdf() first.",
      file = info$file
    )
  }
}

same_file <- function(source, target) {
  both_files <- methods::is(source, "RxFileData") && methods::is(target, "RxFileData")
  if (!both_files || is_source(source, "RxForeignData") || is_source(target, "RxForeignData")) {
    return(FALSE)
  }
  written <- if (methods::is(target, "RxXdfData")) xdf_target(target)$path else locate_output(target@file, "")
  identical(normalizePath(source_spec(source)$path), normalizePath(written, mustWork = FALSE))
}

compression_name <- function(level) {
  if (level == 0) "none" else if (level < 4) "lz4" else "zstd"
}

#' The source that was written, as the user knows it
#'
#' @noRd
written_source <- function(outFile, sink) {
  if (is_string(outFile)) {
    return(as_source(sink$path))
  }
  if (!is.null(sink$set)) {
    outFile@file <- sink$path
  }
  outFile
}

#' The input of an import: arguments of the call override what the source says
#'
#' @param ... further arguments of the source, as the user gave them
#' @noRd
import_source <- function(inData, type, rowsPerRead, ...) {
  types <- c("auto", "text", "textFast", "fixed", "fixedFast", "sas", "spss", "odbc", "odbcFast")
  check_argument(is_string(type) && type %in% types, "type", paste0('"', types, '"', collapse = ", "))
  source <- switch(if (is.character(inData)) type else "auto",
    auto = as_source(inData, "inData"),
    sas = RxSasData(inData),
    spss = RxSpssData(inData),
    odbc = ,
    odbcFast = query_source(inData, ...),
    RxTextData(inData, isFixedFormat = if (startsWith(type, "fixed")) TRUE)
  )
  given <- list(..., rowsPerRead = rowsPerRead)
  known <- source_arguments(source)
  warn_unknown(setdiff(dot_names(...), known), union(known, names(formals(rxImport))))
  overridden_source(source, given[names(given) %in% known])
}

#' The source of a query, or of a table if it is one word, with the connection among the further arguments
#'
#' @noRd
query_source <- function(query, ...) {
  given <- list(...)
  given <- given[names(given) %in% c("connection", "connectionString", "databaseName", "rowBuffering")]
  what <- if (grepl("[[:space:]]", query)) "sqlQuery" else "table"
  do.call(RxOdbcData, c(stats::setNames(list(query), what), given))
}

#' Arguments of the function that makes such a source
#'
#' @noRd
source_arguments <- function(source) {
  maker <- if (!is.data.frame(source)) source_maker(source)
  if (is.null(maker)) character() else setdiff(names(formals(maker)), "...")
}

#' The function that makes such a source; NULL if there is none
#'
#' @noRd
source_maker <- function(source) {
  class <- Find(function(class) methods::is(source, class), source_makers)
  if (!is.null(class)) get(class, mode = "function")
}

# The functions that make sources, by the names of their classes.
source_makers <- c("RxXdfData", "RxTextData", "RxParquetData", "RxOdbcData", "RxSasData", "RxSpssData")

#' The source with some of its arguments replaced
#'
#' @param overrides named list; NULL elements leave the source alone
#' @noRd
overridden_source <- function(source, overrides) {
  overrides <- overrides[!vapply(overrides, is.null, NA)]
  if (length(overrides) == 0) {
    return(source)
  }
  values <- source_values(source, source_arguments(source))
  values[names(overrides)] <- overrides
  do.call(source_maker(source), values)
}

#' What a source has of some arguments, named by these
#'
#' @noRd
source_values <- function(source, arguments) {
  slots <- replace(arguments, arguments == "varsToKeep", "colNames")
  slots[arguments %in% c("rowsPerRead", "blocksPerRead")] <- "rowsOrBlocksPerRead"
  names(slots) <- arguments
  lapply(slots[slots %in% methods::slotNames(source)], function(slot) methods::slot(source, slot))
}

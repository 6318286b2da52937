#' Data steps
#'
#' Reads rows, makes and changes columns, selects rows and columns, and writes the result to a file or returns it, a
#' block at a time: the data need not fit into memory.
#'
#' Within a chunk the order is: `removeMissingsOnRead`, `transformFunc`, `transforms`, `rowSelection`, `removeMissings`;
#' [rxTransform] tells what the code sees and what of it runs compiled.
#'
#' **Output.** NULL returns a data frame. Files are written under another name and renamed when they are complete, so
#' the output may be the input: an XDF file that is its own output is replaced at once or not at all, keeps its
#' description, and needs `overwrite = TRUE`.
#'
#' * `append = "rows"` adds the rows to an existing XDF file as new blocks.
#' * `append = "cols"` puts the columns beside those of an existing XDF file of as many rows; a column of the same name
#'   is replaced with `overwrite = TRUE` only.
#'
#' **Rows without data.** With `inData = NULL` there are `numRows` rows in chunks of `rowsPerRead` (by default
#' 500,000), whose only column `.rxRowNums` holds their numbers; it is written if `varsToKeep` names it or if nothing
#' else is made.
#'
#' **Objects.** With `returnTransformObjects = TRUE` the result is the list of `transformObjects` as the code left them
#' with `.rxSet()`, `.rxModify()` or `<<-`. The code runs once on every chunk, in order, and its columns are ignored;
#' there is no test chunk.
#'
#' @param inData a data frame, a data source, the name of a file, or NULL to make rows of numbers.
#' @param outFile NULL for a data frame; the name of a file to write (`.xdf`, also where there is no extension;
#'   `.parquet`; else text); or a data source.
#' @param varsToKeep,varsToDrop,rowSelection,transforms,transformObjects as in [rxImport()].
#' @param transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param append `"none"`, `"rows"` or `"cols"`; FALSE and TRUE mean none and rows.
#' @param overwrite whether an existing file, or its columns, may be replaced.
#' @param rowVarName name of a column: of a data frame that is read it gets the row names, of one that is returned it
#'   becomes them.
#' @param removeMissingsOnRead,removeMissings whether to leave out rows in which a variable that is read is missing,
#'   before any transform, or one of the result, after all of them.
#' @param computeLowHigh whether the ranges of columns are kept with an XDF file.
#' @param maxRowsByCols limit on rows times columns of a data frame read from a file, which is cut with a warning; NULL
#'   for none.
#' @param rowsPerRead rows that the code sees at once and that are a block of the output; -1 goes by `blocksPerRead`.
#' @param startRow,numRows first row, and how many rows, to read; -1 for all.
#' @param returnTransformObjects whether to return the `transformObjects` instead of data.
#' @param blocksPerRead blocks of an XDF file that the code sees at once.
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param ... arguments of the input source, which override those of an existing one; `stringsAsFactors` of a data frame
#'   that is returned; and `verbose`: 1 prints which transforms ran compiled, and how many rows there are. Unknown ones
#'   are ignored with a warning.
#' @return A data frame, the data source that was written, or a list of objects; invisible.
#' @seealso [rxImport()], which also converts types; [rxTransform].
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' file <- tempfile(fileext = ".xdf")
#' rxDataStep(
#'   flights, file,
#'   transforms = list(speed = distance / air_time * 60, late = arr_delay > 15), rowSelection = !is.na(arr_delay)
#' )
#'
#' # In place, more columns.
#' rxDataStep(file, file, transforms = list(gain = dep_delay - arr_delay), overwrite = TRUE)
#' rxGetVarInfo(file)
#'
#' # A total over all chunks.
#' rxDataStep(
#'   file,
#'   transformObjects = list(total = 0), returnTransformObjects = TRUE,
#'   transformFunc = function(chunk) {
#'     .rxModify("total", sum(chunk$distance))
#'     NULL
#'   }
#' )$total
#' unlink(file)
#' @export
rxDataStep <- function(inData = NULL, outFile = NULL, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL,
                       transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                       transformPackages = NULL, transformEnvir = NULL, append = "none", overwrite = FALSE,
                       rowVarName = NULL, removeMissingsOnRead = FALSE, removeMissings = FALSE, computeLowHigh = TRUE,
                       maxRowsByCols = 3000000, rowsPerRead = -1, startRow = 1, numRows = -1,
                       returnTransformObjects = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                       reportProgress = rxGetOption("reportProgress"),
                       xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  flags <- list(
    removeMissingsOnRead = removeMissingsOnRead, removeMissings = removeMissings, computeLowHigh = computeLowHigh,
    returnTransformObjects = returnTransformObjects
  )
  check_step_arguments(flags, rowsPerRead, blocksPerRead, rowVarName)
  rows <- if (rowsPerRead > 0) rowsPerRead
  source <- step_source(inData, rows, numRows, rowVarName, blocksPerRead, ...)
  asked <- capture_transforms()
  invisible(data_step(
    source, outFile, asked, flags, append, overwrite, varsToKeep, varsToDrop, rows, startRow, numRows,
    maxRowsByCols, reportProgress, xdfCompressionLevel, rowVarName,
    verbose = dot(..., name = "verbose", default = 0),
    stringsAsFactors = dot(..., name = "stringsAsFactors", default = FALSE)
  ))
}

#' A data step, whose arguments are those of rxDataStep(), checked
#'
#' @param source see step_source()
#' @param asked arguments of compose_transform()
#' @param flags the arguments that are TRUE or FALSE
#' @param rows rows of a chunk, or NULL
#' @noRd
data_step <- function(source, outFile, asked, flags, append, overwrite, varsToKeep, varsToDrop, rows, startRow, numRows,
                      maxRowsByCols, reportProgress, xdfCompressionLevel, rowVarName = NULL, verbose = 0,
                      stringsAsFactors = FALSE) {
  if (flags$returnTransformObjects) {
    return(transformed_objects(source, asked, rows, startRow, numRows, reportProgress))
  }
  target <- step_target(source, outFile, append, overwrite, xdfCompressionLevel, asked)
  if (target$in_place) {
    check_in_place(varsToKeep, varsToDrop, rows, startRow, numRows)
  }
  if (identical(target$sink$type, "xdf")) {
    target$sink$no_ranges <- !flags$computeLowHigh
  }
  result <- import(
    source, target$sink, asked,
    keep = varsToKeep, drop = c(varsToDrop, unwanted_numbers(source, varsToKeep, asked)), rowsPerRead = rows,
    startRow = startRow, numRows = numRows, maxRowsByCols = if (!is.data.frame(source)) maxRowsByCols,
    reportProgress = reportProgress, verbose = verbose, beside = target$beside
  )
  if (!is.null(outFile)) {
    return(written_source(outFile, target$sink))
  }
  row_names <- if (isTRUE(rowVarName %in% names(result))) rowVarName
  finished_frame(result, row_names, stringsAsFactors)
}

check_step_arguments <- function(flags, rowsPerRead, blocksPerRead, rowVarName) {
  for (name in names(flags)) {
    check_argument(is_flag(flags[[name]]), name, "TRUE or FALSE")
  }
  chunk <- is_whole(rowsPerRead) && (rowsPerRead > 0 || rowsPerRead == -1)
  check_argument(chunk, "rowsPerRead", "a number of rows or -1")
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  check_argument(is.null(rowVarName) || is_string(rowVarName), "rowVarName", "the name of a column or NULL")
}

#' The numbers that a step without data starts from, where it makes something else of them
#'
#' @noRd
unwanted_numbers <- function(source, varsToKeep, asked) {
  makes <- length(asked$transforms) + length(asked$transformFunc) > 0
  if (methods::is(source, "RxRowNumbers") && makes && length(varsToKeep) == 0) ".rxRowNums"
}

#' The rows that a step without data starts from
#'
#' @noRd
methods::setClass("RxRowNumbers", contains = "RxDataSource", representation = methods::representation(rows = "numeric"))

methods::setMethod("file_spec", "RxRowNumbers", function(source) {
  list(type = "row_numbers", rows = source@rows, rows_per_block = source@rowsOrBlocksPerRead)
})

#' An argument in `...`
#'
#' @noRd
dot <- function(..., name, default) list(...)[[name]] %||% default

#' The input of a data step
#'
#' @param rows rows of a chunk, or NULL
#' @noRd
step_source <- function(inData, rows, numRows, rowVarName, blocksPerRead, ...) {
  if (is.null(inData)) {
    check_argument(is_whole(numRows) && numRows >= 0, "numRows", "a number of rows where there is no `inData`")
    warn_unknown(setdiff(dot_names(...), step_arguments), step_arguments)
    return(methods::new("RxRowNumbers", rows = numRows, rowsOrBlocksPerRead = rows %||% 500000))
  }
  source <- as_source(inData, "inData")
  known <- source_arguments(source)
  warn_unknown(setdiff(dot_names(...), c(known, step_arguments)), union(known, names(formals(rxDataStep))))
  given <- list(..., rowsPerRead = rows, blocksPerRead = blocksPerRead)
  source <- overridden_source(source, given[names(given) %in% setdiff(known, step_arguments)])
  if (is.data.frame(source) && !is.null(rowVarName)) {
    source[[rowVarName]] <- row.names(source)
  }
  source
}

# What a data step takes beyond its formal arguments.
step_arguments <- c("verbose", "stringsAsFactors")

#' Where a data step goes
#'
#' @param asked arguments of compose_transform()
#' @return list of `sink`, see sink_spec(); `in_place`, whether that is the input; `beside`, see beside_spec()
#' @noRd
step_target <- function(source, outFile, append, overwrite, xdfCompressionLevel, asked) {
  columns <- identical(append, "cols")
  target <- if (!is.null(outFile)) as_source(outFile, "outFile")
  in_place <- same_file(source, target)
  check_target(target, columns, in_place)
  if (in_place) {
    check_replacing(source, append, overwrite, asked)
  }
  beside <- columns && !in_place && file.exists(xdf_target(target)$path)
  list(
    sink = if (in_place || beside) {
      replacing_sink(target, xdfCompressionLevel)
    } else {
      sink_spec(outFile, if (columns) "none" else append, overwrite, xdfCompressionLevel, source = source)
    },
    in_place = in_place,
    beside = if (beside) list(source = RxXdfData(xdf_target(target)$path), overwrite = isTRUE(overwrite))
  )
}

check_target <- function(target, columns, in_place) {
  if (columns && is.null(target)) {
    rx_abort("argument", "`append = \"cols\"` needs an `outFile`.")
  }
  if ((columns || in_place) && !methods::is(target, "RxXdfData")) {
    what <- if (columns) "Columns can be appended to XDF files only." else "Only an XDF file can be its own output."
    rx_abort("unsupported", what, hint = "Name another file in `outFile`.")
  }
}

#' Refuses to replace the input, or columns of it, unless that is wanted
#'
#' @noRd
check_replacing <- function(source, append, overwrite, asked) {
  if (!identical(append, "cols") && appends_rows(append)) {
    rx_abort("argument", "Rows cannot be appended to the file that they are read from.")
  }
  if (isTRUE(overwrite)) {
    return(invisible())
  }
  made <- names(transforms_list(asked$transforms, asked$caller))
  if (!identical(append, "cols") || !is.null(asked$transformFunc) || !is.null(asked$rowSelection)) {
    rx_abort("argument", "The output is the input.", hint = "Pass overwrite = TRUE to replace it.")
  }
  for (name in intersect(made, names(source_info(source)$fields))) {
    rx_abort(
      "argument", sprintf("The file has a column '%s'.", name), column = name,
      hint = "Pass overwrite = TRUE to replace it."
    )
  }
}

check_in_place <- function(varsToKeep, varsToDrop, rowsPerRead, startRow, numRows) {
  given <- c(
    varsToKeep = length(varsToKeep) > 0, varsToDrop = length(varsToDrop) > 0, rowsPerRead = !is.null(rowsPerRead),
    startRow = !identical(as.numeric(startRow), 1), numRows = !identical(as.numeric(numRows), -1)
  )
  if (any(given)) {
    rx_abort("argument", sprintf("`%s` does not go with an output that is the input.", names(which(given))[1]),
      hint = "Name another file in `outFile`."
    )
  }
}

#' Runs the code on every chunk for the sake of its objects
#'
#' @return the transformObjects in the end
#' @noRd
transformed_objects <- function(source, asked, rows, startRow, numRows, reportProgress) {
  spec <- source_spec(source, startRow, numRows)
  context <- list(data_names = names(column_kinds(spec)), file = spec$path %||% "")
  transform <- do.call(compose_transform, c(asked, context), quote = TRUE)
  if (is.null(transform) || length(asked$transformObjects) == 0) {
    return(NULL)
  }
  nothing <- list(.rxDone = logical())
  fun <- function(chunk, start_row, chunk_num, is_test, from) {
    if (!is_test) {
      transform$fun(chunk, start_row, chunk_num, is_test, from)
    }
    nothing
  }
  spec$transform <- c(list(fun = fun, vars = transform$vars), chunk_size(source, rows))
  engine_call(rx_engine_import, spec, NULL, list(type = "frame"), job_options(reportProgress))
  mget(names(asked$transformObjects), envir = transform$objects)
}

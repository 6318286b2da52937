#' Sort rows
#'
#' Puts the rows of data into the order of one or several columns, and writes them to a file or returns them. Rows that
#' do not fit into memory are sorted in parts, which are kept in a temporary file and merged.
#'
#' Rows whose keys are equal keep their order. Numbers and times go by value, factors by the order of their levels,
#' text by its characters' codes as in the C locale; with `caseSensitive = FALSE` as if all letters were small. NaN
#' counts as missing.
#'
#' **Memory.** The engine takes about as much as `rxOptions(memoryLimitMB = )` allows, or `bufferLimit`, if that is
#' less. What is beyond goes to a temporary file in the folder of `outFile`, or else in that of [tempdir()], which
#' therefore must have room for the data once more. It has no name where the system allows that, so it never outlives
#' the process.
#' The result is the same for any limit and any number of threads.
#'
#' @param inData a data frame, a data source or the name of a file.
#' @param outFile NULL for a data frame; the name of a file to write (`.xdf`, also where there is no extension;
#'   `.parquet`; else text); or a data source. It may be the input if that is an XDF file.
#' @param sortByVars names of the columns to sort by, the first one first.
#' @param decreasing whether the largest values come first; one for each of `sortByVars`, or recycled.
#' @param type `"auto"` sorts in memory if the rows fit. `"mergeSort"` always uses the temporary file. `"varByVar"` is
#'   `"auto"` with the keys as the first columns of the result.
#' @param missingsLow whether missing values are smaller than all others, or else larger.
#' @param caseSensitive whether large and small letters differ in text that is sorted by.
#' @param removeDupKeys whether only the first row of every combination of keys is kept. Not with `"varByVar"`.
#' @param varsToKeep columns to keep. The keys are kept as well, and come first. NULL keeps all, in their order.
#' @param varsToDrop columns to leave out, unless they are keys or `varsToKeep` is given, which wins.
#' @param dupFreqVar name of a column to make, which counts the rows of every combination of keys, the one that is kept
#'   included. Needs `removeDupKeys`.
#' @param overwrite whether an existing file may be replaced.
#' @param maxRowsByCols limit on rows times columns of a data frame read from a file, which is cut with a warning; NULL
#'   for none.
#' @param bufferLimit limit of memory in megabytes, below that of [rxOptions()]; -1 for none.
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param verbose 1 prints how many rows were sorted, and how long it took.
#' @param inFile an [RxXdfData()] source or the name of an XDF file.
#' @param blocksPerRead no effect: the engine chooses.
#' @param ... nothing; unknown arguments are ignored with a warning.
#' @return A data frame, or the data source that was written.
#' @references Knuth, D. E. (1998). *The Art of Computer Programming*, volume 3: *Sorting and Searching*, 2nd edition,
#'   section 5.4. Addison-Wesley.
#' @seealso [rxDataStep()]
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' file <- tempfile(fileext = ".xdf")
#' rxImport(flights, file, varsToKeep = c("carrier", "origin", "dep_delay"), numRows = 10000)
#' worst <- rxSort(file, sortByVars = c("origin", "dep_delay"), decreasing = c(FALSE, TRUE))
#' head(worst)
#'
#' # The carriers of every airport, and how many flights they have.
#' rxSort(
#'   file,
#'   sortByVars = c("origin", "carrier"), removeDupKeys = TRUE, dupFreqVar = "flights", varsToDrop = "dep_delay"
#' )
#' unlink(file)
#' @export
rxSort <- function(inData, outFile = NULL, sortByVars, decreasing = FALSE, type = "auto", missingsLow = TRUE,
                   caseSensitive = FALSE, removeDupKeys = FALSE, varsToKeep = NULL, varsToDrop = NULL,
                   dupFreqVar = NULL, overwrite = FALSE, maxRowsByCols = 3000000, bufferLimit = -1,
                   reportProgress = rxGetOption("reportProgress"), verbose = 0,
                   xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  warn_unknown(dot_names(...), names(formals(rxSort)))
  source <- as_source(inData, "inData")
  keys <- sort_keys(sortByVars, decreasing)
  how <- sort_options(type, missingsLow, caseSensitive, removeDupKeys, dupFreqVar)
  check_max_rows(maxRowsByCols)
  sink <- sorted_sink(source, outFile, overwrite, xdfCompressionLevel)
  spec <- source_spec(source)
  spec$row_names <- keeps_row_names(spec, sink, NULL)
  columns <- sorted_columns(source, names(column_kinds(spec)), names(keys), type, varsToKeep, varsToDrop)
  started <- proc.time()[["elapsed"]]
  result <- sorted(
    source, spec, columns, keys, how, sink, if (!is.data.frame(source)) maxRowsByCols,
    sort_job(bufferLimit, reportProgress)
  )
  if (verbose > 0) {
    rows <- if (is.null(sink)) nrow(result) else result$rows
    print_rows(rows, "sorted", started)
  }
  if (is.null(sink)) result else written_source(outFile, sink)
}

#' @rdname rxSort
#' @export
rxSortXdf <- function(inFile, outFile, sortByVars, decreasing = FALSE, type = "auto", missingsLow = TRUE,
                      caseSensitive = FALSE, removeDupKeys = FALSE, varsToKeep = NULL, varsToDrop = NULL,
                      dupFreqVar = NULL, overwrite = FALSE, bufferLimit = -1,
                      reportProgress = rxGetOption("reportProgress"), verbose = 0,
                      xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), blocksPerRead = -1, ...) {
  warn_unknown(dot_names(...), names(formals(rxSortXdf)))
  xdf_source(outFile)
  rxSort(
    xdf_source(inFile), outFile, sortByVars,
    decreasing = decreasing, type = type, missingsLow = missingsLow, caseSensitive = caseSensitive,
    removeDupKeys = removeDupKeys, varsToKeep = varsToKeep, varsToDrop = varsToDrop, dupFreqVar = dupFreqVar,
    overwrite = overwrite, bufferLimit = bufferLimit, reportProgress = reportProgress, verbose = verbose,
    xdfCompressionLevel = xdfCompressionLevel
  )
}

#' Columns to sort by and whether they are decreasing, as a named list of what the engine takes
#'
#' @noRd
sort_keys <- function(sortByVars, decreasing) {
  named <- is_strings(sortByVars) && length(sortByVars) > 0 && !anyDuplicated(sortByVars)
  check_argument(named, "sortByVars", "different names of columns")
  ok <- is.logical(decreasing) && !anyNA(decreasing) && length(decreasing) %in% seq_along(sortByVars)
  check_argument(ok, "decreasing", "TRUE or FALSE for each of `sortByVars`")
  decreasing <- rep_len(decreasing, length(sortByVars))
  keys <- Map(function(column, decreasing) list(column = column, decreasing = decreasing), sortByVars, decreasing)
  stats::setNames(keys, sortByVars)
}

#' How the engine shall sort, but for the folder of its temporary file
#'
#' @noRd
sort_options <- function(type, missingsLow, caseSensitive, removeDupKeys, dupFreqVar) {
  types <- c("auto", "mergeSort", "varByVar")
  check_argument(is_string(type) && type %in% types, "type", paste0('"', types, '"', collapse = " or "))
  flags <- list(missingsLow = missingsLow, caseSensitive = caseSensitive, removeDupKeys = removeDupKeys)
  for (name in names(flags)) {
    check_argument(is_flag(flags[[name]]), name, "TRUE or FALSE")
  }
  check_argument(is.null(dupFreqVar) || (is_string(dupFreqVar) && nzchar(dupFreqVar)), "dupFreqVar", "a name or NULL")
  if (removeDupKeys && type == "varByVar") {
    rx_abort("argument", "`removeDupKeys` does not go with `type = \"varByVar\"`.", hint = "Use `type = \"auto\"`.")
  }
  if (!removeDupKeys && !is.null(dupFreqVar)) {
    rx_abort("argument", "`dupFreqVar` counts rows that are left out.", hint = "Pass removeDupKeys = TRUE.")
  }
  list(
    missing_low = missingsLow, ignore_case = !caseSensitive, always_spill = type == "mergeSort",
    distinct = removeDupKeys, count = dupFreqVar
  )
}

#' Where sorted rows go: a sink, or NULL for a data frame
#'
#' @noRd
sorted_sink <- function(source, outFile, overwrite, xdfCompressionLevel) {
  target <- if (!is.null(outFile)) as_source(outFile, "outFile")
  if (!same_file(source, target)) {
    return(sink_spec(outFile, "none", overwrite, xdfCompressionLevel, source = source))
  }
  check_target(target, columns = FALSE, in_place = TRUE)
  if (!isTRUE(overwrite)) {
    rx_abort("argument", "The output is the input.", hint = "Pass overwrite = TRUE to replace it.")
  }
  replacing_sink(target, xdfCompressionLevel)
}

#' The columns of sorted rows, in order
#'
#' @param names all columns there are
#' @noRd
sorted_columns <- function(source, names, keys, type, keep, drop) {
  known <- source_columns(source, names)
  for (wanted in setdiff(c(keys, keep, drop), known)) {
    missing_column(wanted, known)
  }
  columns <- if (length(keep)) union(keys, keep) else setdiff(known, setdiff(drop, keys))
  if (type == "varByVar") {
    columns <- union(keys, columns)
  }
  union(columns, setdiff(intersect(row_names_column, names), drop))
}

#' How the engine shall run a job that sorts
#'
#' @noRd
sort_job <- function(bufferLimit, reportProgress) {
  ok <- is_number(bufferLimit) && (bufferLimit > 0 || bufferLimit == -1)
  check_argument(ok, "bufferLimit", "a number of megabytes, or -1 for no limit")
  job <- job_options(reportProgress)
  if (bufferLimit > 0) {
    job$memory <- min(job$memory, bufferLimit)
  }
  job
}

#' Sorts rows
#'
#' @param spec see source_spec()
#' @param sink see sink_spec(); NULL for a data frame
#' @return a data frame; or the number of rows and the path that were written
#' @noRd
sorted <- function(source, spec, columns, keys, how, sink, maxRowsByCols, job) {
  how$folder <- if (is.null(sink$path)) tempdir() else dirname(sink$path)
  if (is.null(sink)) {
    sink <- list(type = "frame", cells = maxRowsByCols)
    read <- engine_call(rx_engine_sort, spec, columns, unname(keys), how, sink, job)
    return(read_frame(read, spec, maxRowsByCols))
  }
  if (sink$type != "text") {
    sink$rows_per_block <- sink$rows_per_block %||% block_rows(source, NULL)
    sink$description <- sink$description %||% source_description(source)
    sink$fresh_ranges <- if (how$distinct) columns
  }
  engine_call(rx_engine_sort, spec, columns, unname(keys), how, sink, job)
}

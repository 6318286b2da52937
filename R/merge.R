#' Merge data
#'
#' Puts rows of two inputs that have the same keys side by side (a join), or whole inputs beside or below each other,
#' and writes the result to a file or returns it. Neither input needs to fit into memory.
#'
#' * `"inner"`: rows of both inputs whose keys are equal, each with each.
#' * `"left"`, `"right"`, `"full"`: the same, and the rows of the first, the second or both inputs that go with none of
#'   the other, whose columns are missing there.
#' * `"oneToOne"`: the columns of all inputs, row by row; they must have as many rows.
#' * `"union"`: the rows of all inputs, one input after the other. They must have as many columns, of the same types;
#'   the names are those of the first.
#'
#' **Joins.** The result has the columns of the first input, then those of the second that are no keys, and is in the
#' order of the keys; rows of equal keys come in the order of the first input, then of the second. Factors are matched
#' by their labels, whatever their levels; the result has the levels of the first input, then further ones of the
#' second. A factor that is matched with text becomes text. Integers are matched with numbers. Missing keys are equal
#' to each other, as [merge()] has it, and NaN counts as missing. Text is compared letter by letter, as in the C
#' locale.
#'
#' **Memory.** Both inputs are sorted by their keys, in memory or beyond it as [rxSort()] does, and are then walked
#' along together. Where one of them is small, and rows of the other one that go with none are left out, its keys are
#' kept in a table, and such rows go as soon as they are read; the result is the same.
#'
#' @param inData1 a data frame, a data source or the name of a file; or a list of them, which are merged one after the
#'   other.
#' @param inData2 the second input; NULL if `inData1` is a list.
#' @param outFile NULL for a data frame; the name of a file to write (`.xdf`, also where there is no extension;
#'   `.parquet`; else text); or a data source.
#' @param matchVars names of the keys, as they are after `newVarNames1` and `newVarNames2`. Not for `"oneToOne"` and
#'   `"union"`.
#' @param type `"inner"`, `"left"`, `"right"`, `"full"`, `"oneToOne"` or `"union"`.
#' @param missingsLow whether missing keys are smaller than all others, or else larger.
#' @param autoSort whether the inputs are sorted first. If not, and if they are not in the order of the keys, that is an
#'   error.
#' @param duplicateVarExt two texts, which follow the names of columns that both inputs have, after a dot. NULL takes
#'   the names of the inputs, or `1` and `2` if these are equal.
#' @param varsToKeep1,varsToDrop1,varsToKeep2,varsToDrop2 columns of the inputs to keep, or to leave out; NULL is
#'   ignored. They exclude each other. Keys are always kept. Not for lists.
#' @param newVarNames1,newVarNames2 new names of columns of the inputs, as in `c(old = "new")`. Not for lists.
#' @param rowsPerOutputBlock rows of a block of an XDF file; -1 for the smaller of the inputs' mean numbers.
#' @param decreasing whether the largest keys come first.
#' @param overwrite whether an existing file may be replaced.
#' @param maxRowsByCols limit on rows times columns of a data frame, unless it is made of data frames alone; it is cut
#'   with a warning. NULL for none.
#' @param bufferLimit limit of memory in megabytes, below that of [rxOptions()]; -1 for none.
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param verbose 1 prints how many rows the result has, and how long it took.
#' @param inFile1,inFile2 [RxXdfData()] sources or names of XDF files. `rxMergeXdf()` never sorts them.
#' @param ... nothing; unknown arguments are ignored with a warning.
#' @return A data frame, or the data source that was written. `rxMergeXdf()`: TRUE.
#' @seealso [rxSort()], [rxDataStep()] with `append = "cols"` and `append = "rows"`
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' delays <- rxImport(flights, varsToKeep = c("carrier", "dest", "arr_delay"), numRows = 1000)
#' carriers <- data.frame(carrier = c("UA", "AA", "DL", "XX"), name = c("United", "American", "Delta", "Nobody"))
#' head(rxMerge(delays, carriers, matchVars = "carrier"))
#' nrow(rxMerge(delays, carriers, matchVars = "carrier", type = "full"))
#' @export
rxMerge <- function(inData1, inData2 = NULL, outFile = NULL, matchVars = NULL, type = "inner", missingsLow = TRUE,
                    autoSort = TRUE, duplicateVarExt = NULL, varsToKeep1 = NULL, varsToDrop1 = NULL,
                    newVarNames1 = NULL, varsToKeep2 = NULL, varsToDrop2 = NULL, newVarNames2 = NULL,
                    rowsPerOutputBlock = -1, decreasing = FALSE, overwrite = FALSE, maxRowsByCols = 3000000,
                    bufferLimit = -1, reportProgress = rxGetOption("reportProgress"), verbose = 0,
                    xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  warn_unknown(dot_names(...), names(formals(rxMerge)))
  how <- merge_options(type, matchVars, missingsLow, autoSort, decreasing, rowsPerOutputBlock)
  check_max_rows(maxRowsByCols)
  inputs <- merge_inputs(inData1, inData2, list(substitute(inData1), substitute(inData2)))
  changes <- list(
    list(keep = varsToKeep1, drop = varsToDrop1, new = newVarNames1),
    list(keep = varsToKeep2, drop = varsToDrop2, new = newVarNames2)
  )
  if (is.null(inData2) && length(unlist(changes)) > 0) {
    rx_abort("argument", "The columns of a list of inputs cannot be chosen or renamed.",
      hint = "Give the sources of the list `varsToKeep`, or name two inputs."
    )
  }
  extensions <- merge_extensions(duplicateVarExt, names(inputs))
  sink <- sink_spec(outFile, "none", overwrite, xdfCompressionLevel)
  job <- sort_job(bufferLimit, reportProgress)
  started <- proc.time()[["elapsed"]]
  if (!how$type %in% whole_merges) {
    # Inputs in the middle are files for a while.
    while (length(inputs) > 2) {
      middle <- tempfile("rxscale-", fileext = ".xdf")
      on.exit(unlink(middle), add = TRUE)
      merged(inputs[1:2], changes, extensions, how, sink_spec(middle, "none", FALSE, 1), NULL, job)
      inputs <- c(list(RxXdfData(middle)), inputs[-(1:2)])
      names(inputs)[[1]] <- "1"
    }
  }
  limit <- if (!all(vapply(inputs, is.data.frame, NA))) maxRowsByCols
  result <- merged(inputs, changes, extensions, how, sink, limit, job)
  if (verbose > 0) {
    rows <- if (is.null(sink)) nrow(result) else result$rows
    print_rows(rows, "merged", started)
  }
  if (is.null(sink)) result else written_source(outFile, sink)
}

#' @rdname rxMerge
#' @export
rxMergeXdf <- function(inFile1, inFile2, outFile, matchVars = NULL, type = "inner", missingsLow = TRUE,
                       duplicateVarExt = NULL, varsToKeep1 = NULL, varsToDrop1 = NULL, newVarNames1 = NULL,
                       varsToKeep2 = NULL, varsToDrop2 = NULL, newVarNames2 = NULL, rowsPerOutputBlock = -1,
                       decreasing = FALSE, overwrite = FALSE, bufferLimit = -1,
                       reportProgress = rxGetOption("reportProgress"), verbose = 0,
                       xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  warn_unknown(dot_names(...), names(formals(rxMergeXdf)))
  rxMerge(
    xdf_source(inFile1), xdf_source(inFile2), xdf_source(outFile),
    matchVars = matchVars, type = type, missingsLow = missingsLow, autoSort = FALSE,
    duplicateVarExt = duplicateVarExt, varsToKeep1 = varsToKeep1, varsToDrop1 = varsToDrop1,
    newVarNames1 = newVarNames1, varsToKeep2 = varsToKeep2, varsToDrop2 = varsToDrop2, newVarNames2 = newVarNames2,
    rowsPerOutputBlock = rowsPerOutputBlock, decreasing = decreasing, overwrite = overwrite,
    bufferLimit = bufferLimit, reportProgress = reportProgress, verbose = verbose,
    xdfCompressionLevel = xdfCompressionLevel
  )
  TRUE
}

# Merges that look at no keys.
whole_merges <- c("oneToOne", "union")

#' How the engine shall merge, but for the folder of its temporary file
#'
#' @noRd
merge_options <- function(type, matchVars, missingsLow, autoSort, decreasing, rowsPerOutputBlock) {
  types <- c("inner", "left", "right", "full", whole_merges)
  check_argument(is_string(type) && type %in% types, "type", paste0('"', types, '"', collapse = " or "))
  flags <- list(missingsLow = missingsLow, autoSort = autoSort, decreasing = decreasing)
  for (name in names(flags)) {
    check_argument(is_flag(flags[[name]]), name, "TRUE or FALSE")
  }
  rows <- is_whole(rowsPerOutputBlock) && (rowsPerOutputBlock > 0 || rowsPerOutputBlock == -1)
  check_argument(rows, "rowsPerOutputBlock", "a number of rows or -1")
  if (type %in% whole_merges) {
    check_argument(is.null(matchVars), "matchVars", sprintf('NULL for type "%s"', type))
  } else {
    named <- is_strings(matchVars) && length(matchVars) > 0 && !anyDuplicated(matchVars)
    check_argument(named, "matchVars", "different names of columns")
  }
  list(
    type = type, keys = as.character(matchVars), decreasing = decreasing, missing_low = missingsLow,
    sorted = !autoSort, rows_per_block = if (rowsPerOutputBlock > 0) rowsPerOutputBlock
  )
}

#' The inputs by name
#'
#' @param expressions what the user gave as inputs
#' @noRd
merge_inputs <- function(inData1, inData2, expressions) {
  several <- is.list(inData1) && !is.data.frame(inData1)
  if (several) {
    check_argument(is.null(inData2), "inData2", "NULL if `inData1` is a list")
    check_argument(length(inData1) > 1, "inData1", "a list of two inputs at least")
    sources <- lapply(inData1, as_source, "inData1")
    expressions <- rep(list(NULL), length(sources))
  } else {
    check_argument(!is.null(inData2), "inData2", "an input, since `inData1` is no list of them")
    sources <- list(as_source(inData1, "inData1"), as_source(inData2, "inData2"))
  }
  stats::setNames(sources, mapply(input_name, sources, expressions))
}

#' The name of an input: that of its file or variable, or an empty text
#'
#' @noRd
input_name <- function(source, expression) {
  if (methods::is(source, "RxFileData")) {
    tools::file_path_sans_ext(basename(source@file[[1]]))
  } else if (is.name(expression)) {
    as.character(expression)
  } else {
    ""
  }
}

#' What follows the names of columns that several inputs have, one for each input
#'
#' @noRd
merge_extensions <- function(duplicateVarExt, names) {
  ok <- is.null(duplicateVarExt) ||
    (is_strings(duplicateVarExt) && length(duplicateVarExt) == length(names) && !anyDuplicated(duplicateVarExt))
  check_argument(ok, "duplicateVarExt", "NULL or a different text for each input")
  if (!is.null(duplicateVarExt)) {
    duplicateVarExt
  } else if (anyDuplicated(names) || !all(nzchar(names))) {
    as.character(seq_along(names))
  } else {
    names
  }
}

#' Merges inputs, two of them unless that needs no keys
#'
#' @param changes for each input a list of `keep`, `drop` and `new` (names)
#' @param sink see sink_spec(); NULL for a data frame
#' @return a data frame; or the number of rows and the path that were written
#' @noRd
merged <- function(inputs, changes, extensions, how, sink, maxRowsByCols, job) {
  sides <- lapply(seq_along(inputs), function(i) {
    merge_side(inputs[[i]], if (i <= length(changes)) changes[[i]], how$keys, i)
  })
  sides <- distinct_names(sides, how, extensions)
  how$folder <- if (is.null(sink)) tempdir() else dirname(sink$path)
  if (is.null(sink)) {
    sink <- list(type = "frame", cells = maxRowsByCols)
    read <- engine_call(rx_engine_merge, sides, how, sink, job)
    return(read_frame(read, list(), maxRowsByCols))
  }
  if (sink$type != "text") {
    sink$rows_per_block <- how$rows_per_block %||% mean_block_rows(inputs)
    sink$fresh_ranges <- unlist(lapply(sides, function(side) side$names))
  }
  engine_call(rx_engine_merge, sides, how, sink, job)
}

#' What the engine takes of an input: its source, and columns with their names in the result
#'
#' @param change list of `keep`, `drop` and `new`; NULL for all columns as they are
#' @param number of the input, for messages
#' @noRd
merge_side <- function(source, change, keys, number) {
  spec <- source_spec(source)
  known <- source_columns(source, names(column_kinds(spec)))
  new <- change$new
  argument <- paste0("newVarNames", number)
  ok <- is.null(new) || (is_strings(new) && !is.null(names(new)) && !anyDuplicated(names(new)) && all(nzchar(new)))
  check_argument(ok, argument, "new names of columns, as in c(old = \"new\")")
  for (wanted in setdiff(names(new), known)) {
    missing_column(wanted, known)
  }
  renamed <- known
  renamed[match(names(new), known)] <- new
  check_argument(!anyDuplicated(renamed), argument, "names that no other column has")
  for (key in setdiff(keys, renamed)) {
    missing_column(key, renamed)
  }
  columns <- kept_columns(known, change$keep, change$drop)
  kept_keys <- known[renamed %in% keys]
  columns <- c(setdiff(kept_keys, columns), columns)
  if (length(change$keep) == 0) {
    columns <- known[known %in% columns]
  }
  list(source = spec, columns = columns, names = renamed[match(columns, known)])
}

#' Gives columns that several inputs have, and that are no keys, names of their own
#'
#' @noRd
distinct_names <- function(sides, how, extensions) {
  if (how$type == "union") {
    # Only the names of the first input are seen.
    return(sides)
  }
  others <- function(sides) unlist(lapply(sides, function(side) side$names[!side$names %in% how$keys]))
  twice <- others(sides)[duplicated(others(sides))]
  for (i in seq_along(sides)) {
    clash <- sides[[i]]$names %in% twice
    sides[[i]]$names[clash] <- paste(sides[[i]]$names[clash], extensions[[i]], sep = ".")
  }
  for (name in others(sides)[duplicated(others(sides))]) {
    rx_abort(
      "argument", sprintf("The result would have two columns '%s'.", name), column = name,
      hint = "Choose another `duplicateVarExt`, or rename or leave out one of them."
    )
  }
  sides
}

#' Rows of a block of the result: the smaller of the inputs' mean numbers, NULL where they have no blocks
#'
#' @noRd
mean_block_rows <- function(inputs) {
  means <- lapply(inputs, function(source) {
    sizes <- if (!is.data.frame(source)) source_info(source)$block_rows
    if (length(sizes)) max(1, ceiling(mean(sizes)))
  })
  means <- unlist(means)
  if (length(means)) min(means)
}

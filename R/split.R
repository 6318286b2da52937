#' Split data into parts
#'
#' Splits the rows of data into parts of equal size, or by the levels of a factor, and returns the parts as data frames
#' or writes them to XDF files.
#'
#' **By factor** the data are read once, whatever the number of levels, and all parts are written on the way. Each level
#' has a part, even if it has no rows; rows without a level are in none. A column that is no factor is split by its
#' values, sorted.
#'
#' **By rows or blocks** each of `k` parts gets the next `floor(n / k)` rows or blocks of the input, and `fill` says
#' which parts get one more. `rowSelection` and `removeMissings` leave rows out of the parts after that. Rows whose
#' number is not known beforehand, as those of text and databases, are read once and kept in a temporary file.
#'
#' **Files** are named by `outFilesBase`, with `outFileSuffixes` (1, 2, ... unless given) and `.xdf` appended; by factor
#' without suffixes, `<base>.<factor>.<level>.xdf`. Folders are made where there are none.
#'
#' @param inData a data frame, a data source or the name of a file.
#' @param inFile the same.
#' @param outFilesBase how the names of the files begin, one for all or one for each; NULL takes the name of the input
#'   file, and returns data frames where the input is a data frame; `""` always returns data frames.
#' @param outFileSuffixes how the names of the files go on, one for each.
#' @param numOut,numOutFiles number of parts; NULL takes the number of `outFilesBase` or `outFileSuffixes`, whichever is
#'   more than one. Not used with `splitByFactor`.
#' @param splitBy `"rows"` or `"blocks"` (of an XDF file).
#' @param splitByFactor name of a factor, which may be one that the transforms make; it wins over `splitBy`.
#' @param varsToKeep,varsToDrop,rowSelection,transforms as in [rxImport()].
#' @param transformObjects,transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param overwrite whether existing files may be replaced.
#' @param removeMissings whether rows with a missing value are left out.
#' @param rowsPerRead rows that transforms see at once and that are a block of the output; -1 leaves that to
#'   `blocksPerRead`, and to the blocks of the input.
#' @param blocksPerRead blocks of an XDF file that transforms see at once.
#' @param updateLowHigh whether the ranges of numbers (see [rxGetVarInfo()]) are those of each part's own rows; FALSE
#'   keeps those that the input has, so that `F()` means the same in all parts.
#' @param maxRowsByCols limit on rows times columns of what is returned as data frames, which is cut with a warning;
#'   NULL for none.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints how many rows were read.
#' @param xdfCompressionLevel see [rxOptions()].
#' @param ... `fill`: `"right"` (the default), `"left"` or `"center"`, the parts that get what is left over;
#'   `numOutFiles` and `outFilesSuffixes`, as old scripts name `numOut` and `outFileSuffixes`; arguments of the input
#'   source, which override those of an existing one. Unknown ones are ignored with a warning.
#' @return A list of data frames, or, invisibly, of [RxXdfData()] sources, named `<data>.<rows or blocks>.<number>` or
#'   `<data>.<factor>.<level>`.
#' @seealso [rxPartition()], for several keys and keys that are not known beforehand.
#' @examples
#' parts <- rxSplit(iris, splitByFactor = "Species")
#' names(parts)
#'
#' # Rows for training and testing, at random.
#' file <- rxImport(file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"), tempfile(fileext = ".xdf"))
#' set.seed(1)
#' sets <- rxSplit(
#'   file, tempfile("flights"), splitByFactor = "set", varsToKeep = c("arr_delay", "distance"),
#'   transforms = list(set = factor(sample(c("train", "test"), .rxNumRows, TRUE, c(0.8, 0.2)), c("train", "test")))
#' )
#' sapply(sets, nrow)
#' unlink(c(rxXdfFileName(file), sapply(sets, rxXdfFileName)))
#' @export
rxSplit <- function(inData, outFilesBase = NULL, outFileSuffixes = NULL, numOut = NULL, splitBy = "rows",
                    splitByFactor = NULL, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL, transforms = NULL,
                    transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                    transformEnvir = NULL, overwrite = FALSE, removeMissings = FALSE, rowsPerRead = -1,
                    blocksPerRead = 1, updateLowHigh = FALSE, maxRowsByCols = NULL,
                    reportProgress = rxGetOption("reportProgress"), verbose = 0,
                    xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  name <- deparse1(substitute(inData))
  asked <- capture_transforms()
  split_data(
    inData, name, asked, outFilesBase, outFileSuffixes, numOut, splitBy, splitByFactor,
    keep = varsToKeep, drop = varsToDrop, overwrite = overwrite, rowsPerRead = rowsPerRead,
    blocksPerRead = blocksPerRead, updateLowHigh = updateLowHigh, maxRowsByCols = maxRowsByCols,
    reportProgress = reportProgress, verbose = verbose, xdfCompressionLevel = xdfCompressionLevel, ...
  )
}

#' @rdname rxSplit
#' @export
rxSplitXdf <- function(inFile, outFilesBase = basename(rxXdfFileName(inFile)), outFileSuffixes = NULL,
                       numOutFiles = NULL, splitBy = "rows", splitByFactor = NULL, varsToKeep = NULL, varsToDrop = NULL,
                       rowSelection = NULL, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                       transformVars = NULL, transformPackages = NULL, transformEnvir = NULL, overwrite = FALSE,
                       removeMissings = FALSE, rowsPerRead = -1, blocksPerRead = 1, updateLowHigh = FALSE,
                       reportProgress = rxGetOption("reportProgress"), verbose = 0,
                       xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  asked <- capture_transforms()
  base <- sub("[.]xdf$", "", outFilesBase)
  split_data(
    xdf_source(inFile), "", asked, base, outFileSuffixes, numOutFiles, splitBy, splitByFactor,
    keep = varsToKeep, drop = varsToDrop, overwrite = overwrite, rowsPerRead = rowsPerRead,
    blocksPerRead = blocksPerRead, updateLowHigh = updateLowHigh, maxRowsByCols = NULL,
    reportProgress = reportProgress, verbose = verbose, xdfCompressionLevel = xdfCompressionLevel, ...
  )
}

#' Splits data; the arguments are those of rxSplit()
#'
#' @param name what the user calls a data frame
#' @param asked arguments of compose_transform()
#' @noRd
split_data <- function(inData, name, asked, base, suffixes, count, splitBy, splitByFactor, keep, drop, overwrite,
                       rowsPerRead, blocksPerRead, updateLowHigh, maxRowsByCols, reportProgress, verbose,
                       xdfCompressionLevel, fill = "right", numOutFiles = NULL, outFilesSuffixes = NULL, ...) {
  check_argument(is.null(base) || is_strings(base), "outFilesBase", "a character vector or NULL")
  check_argument(is_string(splitBy) && splitBy %in% c("rows", "blocks"), "splitBy", '"rows" or "blocks"')
  check_argument(is.null(splitByFactor) || is_string(splitByFactor), "splitByFactor", "the name of a factor or NULL")
  check_argument(is_string(fill) && fill %in% c("left", "center", "right"), "fill", '"left", "center" or "right"')
  flags <- list(overwrite = overwrite, removeMissings = asked$removeMissings, updateLowHigh = updateLowHigh)
  check_step_arguments(flags, rowsPerRead, blocksPerRead, NULL)
  level <- option_rules$xdfCompressionLevel
  check_argument(level$ok(xdfCompressionLevel), "xdfCompressionLevel", level$must)
  rows <- if (rowsPerRead > 0) rowsPerRead
  source <- step_source(inData, rows, -1, NULL, blocksPerRead, ...)
  frames <- identical(base, "") || (is.null(base) && is.data.frame(source))
  has_file <- is_source(source) && methods::.hasSlot(source, "file")
  short <- if (has_file) sub("[.][^.]*$", "", basename(source@file[[1]])) else name
  suffixes <- suffixes %||% outFilesSuffixes
  into <- list(
    base = base %||% locate_output(short, ""), suffixes = if (length(suffixes)) as.character(suffixes), short = short,
    overwrite = overwrite
  )
  job <- list(
    source = source, asked = asked, keep = keep, drop = drop, rowsPerRead = rows, reportProgress = reportProgress,
    verbose = verbose
  )
  sink <- if (!frames) {
    list(
      compression = compression_name(xdfCompressionLevel), rows_per_block = rows %||% largest_block(source),
      fresh_ranges = if (!updateLowHigh) character()
    )
  }
  if (is.null(splitByFactor)) {
    rows_known <- source_with_rows(source)
    on.exit(unlink(rows_known$file))
    job$source <- source <- rows_known$source
    parts <- row_parts(source, splitBy, part_count(count %||% numOutFiles, into), fill)
    split_by_rows(job, parts, sink, into, splitBy, maxRowsByCols)
  } else if (frames) {
    frames_by_factor(job, splitByFactor, short, maxRowsByCols)
  } else {
    files_by_factor(job, splitByFactor, sink, into, !updateLowHigh)
  }
}

#' A source whose number of rows is known without reading them: if need be a file with its rows, to be removed
#'
#' @noRd
source_with_rows <- function(source) {
  spec <- source_spec(source)
  info <- engine_call(rx_engine_info, spec)
  if (!is.null(info$rows)) {
    return(list(source = source, file = character()))
  }
  file <- tempfile("rxscale-", fileext = ".xdf")
  names <- vapply(info$fields, function(field) field$name, "")
  engine_call(rx_engine_import, spec, names, list(type = "xdf", path = file), job_options(0))
  list(source = RxXdfData(file, varsToKeep = source@colNames, varsToDrop = source@varsToDrop), file = file)
}

largest_block <- function(source) {
  blocks <- if (is_source(source, "RxXdfData")) source_info(source)$block_rows
  if (length(blocks) > 0) max(blocks, 1)
}

part_count <- function(count, into) {
  if (is.null(count)) {
    count <- max(length(into$base), length(into$suffixes))
    if (count < 2) {
      rx_abort("argument", "Nothing says how many parts there shall be.", hint = "Pass their number as `numOut`.")
    }
  }
  check_argument(is_count(count) && count > 0, "numOut", "a positive whole number or NULL")
  count
}

#' First rows and numbers of rows of the parts
#'
#' @noRd
row_parts <- function(source, splitBy, count, fill) {
  if (splitBy == "rows") {
    rows <- part_sizes(row_count(source), count, fill)
  } else {
    blocks <- source_info(source)$block_rows
    if (is.data.frame(source) || is.null(blocks)) {
      rx_abort("argument", "The data have no blocks to split by.", hint = 'Use splitBy = "rows".')
    }
    part <- rep(seq_len(count), part_sizes(length(blocks), count, fill))
    rows <- as.vector(rowsum(c(blocks, rep(0, count)), c(part, seq_len(count)), reorder = TRUE))
  }
  list(first = cumsum(c(1, rows))[seq_len(count)], rows = rows)
}

#' The sizes of the parts of n things; some have one more than others
#'
#' @noRd
part_sizes <- function(n, count, fill) {
  more <- n %% count
  first <- switch(fill,
    left = 0,
    center = (count - more) %/% 2,
    right = count - more
  )
  n %/% count + as.numeric(seq_len(count) > first & seq_len(count) <= first + more)
}

split_by_rows <- function(job, parts, sink, into, splitBy, maxRowsByCols) {
  numbers <- seq_along(parts$rows)
  names <- paste(into$short, splitBy, numbers, sep = ".")
  paths <- if (!is.null(sink)) part_paths(into, into$suffixes %||% numbers, length(numbers))
  results <- lapply(numbers, function(i) {
    place <- if (!is.null(sink)) c(list(type = "xdf", path = paths[[i]], overwrite = into$overwrite), sink)
    run_part(job, place, startRow = parts$first[[i]], numRows = parts$rows[[i]], maxRowsByCols = maxRowsByCols)
  })
  if (is.null(sink)) stats::setNames(results, names) else invisible(written_parts(paths, names))
}

#' Runs an import of a job's data
#'
#' @param job list of `source` and what else import() shall know: `asked`, `keep`, `drop`, `rowsPerRead`,
#'   `reportProgress`, `verbose`
#' @noRd
run_part <- function(job, sink = NULL, ...) {
  import(
    job$source, sink, job$asked,
    keep = job$keep, drop = job$drop, rowsPerRead = job$rowsPerRead, reportProgress = job$reportProgress %||% 0,
    verbose = job$verbose %||% 0, ...
  )
}

#' The paths of files, whose folders are made
#'
#' @noRd
part_paths <- function(into, suffixes, count) {
  sizes <- c(length(into$base), length(suffixes))
  if (any(!sizes %in% c(1, count))) {
    rx_abort(
      "argument", sprintf("There are %.0f parts, but %d names begin and %d go on.", count, sizes[[1]], sizes[[2]]),
      hint = "Give one of `outFilesBase` for all or one for each, and one of `outFileSuffixes` for each."
    )
  }
  paths <- vapply(paste0(into$base, suffixes, ".xdf"), locate_output, "", "", USE.NAMES = FALSE)
  if (anyDuplicated(paths)) {
    rx_abort("argument", sprintf("Two parts would have the name '%s'.", paths[anyDuplicated(paths)]))
  }
  exist <- paths[file.exists(paths)]
  if (length(exist) > 0 && !into$overwrite) {
    rx_abort(
      "argument", sprintf("'%s' exists already.", exist[[1]]), hint = "Pass overwrite = TRUE to replace it.",
      file = exist[[1]]
    )
  }
  for (folder in unique(dirname(paths))) dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  paths
}

written_parts <- function(paths, names) stats::setNames(lapply(paths, RxXdfData), names)

frames_by_factor <- function(job, key, short, maxRowsByCols) {
  data <- run_part(job, also = key, maxRowsByCols = maxRowsByCols)
  if (!key %in% names(data)) {
    missing_column(key, names(data))
  }
  by <- data[[key]]
  data[attr(data, "hidden")] <- NULL
  attr(data, "hidden") <- NULL
  parts <- split(data, if (is.factor(by)) by else factor(by, sorted_values(by)))
  stats::setNames(lapply(parts, `row.names<-`, NULL), part_names(short, key, names(parts)))
}

sorted_values <- function(x) sort(unique(x[!is.na(x)]), method = "radix")

part_names <- function(short, key, levels) if (length(levels)) paste(short, key, levels, sep = ".") else character()

files_by_factor <- function(job, key, sink, into, shared_ranges) {
  folder <- dirname(locate_output(into$base[[1]], ""))
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  # Beside the files, whose names are known when the levels are.
  new <- temporary_folder(file.path(folder, basename(into$base[[1]])))
  on.exit(unlink(new, recursive = TRUE))
  elements <- c(sink, list(without_missing = TRUE, shared_ranges = shared_ranges, durable = TRUE))
  table <- do.call(split_by_key, c(list(job, new, key), elements), quote = TRUE)
  levels <- if (is.factor(table[[key]])) levels(table[[key]]) else as.character(table[[key]])
  suffixes <- into$suffixes %||% if (length(into$base) == 1) paste0(".", key, ".", gsub("[/\\\\]", "_", levels)) else ""
  paths <- part_paths(into, suffixes, length(levels))
  written <- file.path(new, table[[partition_file]])
  place <- match(levels, as.character(table[[key]]))
  for (i in which(is.na(place))) {
    # Levels without rows: the columns of the others.
    empty <- if (length(written) > 0) list(source = RxXdfData(written[[1]])) else job
    run_part(empty, c(list(type = "xdf", path = paths[[i]], overwrite = TRUE), sink), numRows = 0)
  }
  for (i in which(!is.na(place))) move_file(written[[place[[i]]]], paths[[i]])
  invisible(written_parts(paths, part_names(into$short, key, levels)))
}

#' Gives a file another name, if need be on another file system
#'
#' @noRd
move_file <- function(from, to) {
  if (suppressWarnings(file.rename(from, to))) {
    return(invisible())
  }
  part <- paste0(to, ".part")
  if (!file.copy(from, part, overwrite = TRUE) || !file.rename(part, to)) {
    unlink(part)
    rx_abort("file", sprintf("Cannot write '%s'.", to), file = to)
  }
}

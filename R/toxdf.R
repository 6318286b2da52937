#' Write XDF files
#'
#' `rxCompressXdf()` writes XDF files again with another compression. `rxDataFrameToXdf()` and `rxImportToXdf()` are
#' older names for what [rxImport()] does.
#'
#' @param inFile an [RxXdfData()] source, names of XDF files or composite sets, or a folder whose XDF files are meant.
#' @param outFile where to write: an `RxXdfData` source or the name of an XDF file. `rxCompressXdf()` also takes as many
#'   names as there are files, a folder that exists, or NULL for the files themselves, each of which is replaced when
#'   its new form is on disk.
#' @param xdfCompressionLevel see [rxOptions()].
#' @param overwrite whether existing files may be replaced.
#' @param reportProgress see [rxOptions()].
#' @param data a data frame.
#' @param inSource,outSource where to read, and the `RxXdfData` source or the name of the XDF file to write.
#' @param rowVarName name of a column that takes the row names; NULL drops them.
#' @param computeLowHigh whether the ranges of columns are kept with the file.
#' @param varsToKeep,varsToDrop,rowSelection,transforms,append,numRows as in [rxImport()].
#' @param transformObjects,transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param maxRowsByCols no effect: files have no such limit.
#' @param verbose 1 prints how many rows were imported.
#' @param createCompositeSet,blocksPerCompositeFile as in [rxImport()].
#' @return `rxCompressXdf()`: a list with an `RxXdfData` source for each file, invisibly. The others: the `RxXdfData`
#'   source that was written.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxDataFrameToXdf(mtcars, file, rowVarName = "model", xdfCompressionLevel = 0)
#' rxCompressXdf(file, xdfCompressionLevel = 9)
#' rxGetInfo(file)
#' unlink(file)
#' @export
rxCompressXdf <- function(inFile, outFile = NULL, xdfCompressionLevel = 1, overwrite = FALSE,
                          reportProgress = rxGetOption("reportProgress")) {
  sources <- xdf_sources(inFile)
  targets <- if (is.null(outFile)) sources else compress_targets(sources, outFile)
  if (is.null(outFile)) {
    lapply(sources, function(source) refuse_legacy(source_info(source)))
  }
  written <- Map(function(source, target) {
    sink <- sink_spec(target, "none", overwrite || is.null(outFile), xdfCompressionLevel)
    sizes <- source_info(source)$block_rows
    import(source, sink, rowsPerRead = if (length(sizes)) max(sizes, 1), reportProgress = reportProgress)
    target
  }, sources, targets)
  invisible(unname(written))
}

#' @rdname rxCompressXdf
#' @export
rxDataFrameToXdf <- function(data, outFile, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL, append = "none",
                             overwrite = FALSE, computeLowHigh = TRUE,
                             xdfCompressionLevel = rxGetOption("xdfCompressionLevel")) {
  old_name("rxDataFrameToXdf", "rxDataStep")
  check_argument(is.data.frame(data), "data", "a data frame")
  check_argument(is.null(rowVarName) || is_string(rowVarName), "rowVarName", "a string or NULL")
  check_argument(is_flag(computeLowHigh), "computeLowHigh", "TRUE or FALSE")
  target <- xdf_source(outFile)
  if (!is.null(rowVarName)) {
    data <- cbind(stats::setNames(data.frame(row.names(data)), rowVarName), data)
  }
  sink <- sink_spec(target, append, overwrite, xdfCompressionLevel)
  sink$no_ranges <- !computeLowHigh
  import(data, sink, keep = varsToKeep, drop = varsToDrop)
  written_source(outFile, sink)
}

#' @rdname rxCompressXdf
#' @export
rxImportToXdf <- function(inSource, outSource, rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                          transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                          append = "none", overwrite = FALSE, numRows = -1, maxRowsByCols = NULL,
                          reportProgress = rxGetOption("reportProgress"), verbose = 0,
                          xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), createCompositeSet = NULL,
                          blocksPerCompositeFile = 3) {
  old_name("rxImportToXdf", "rxImport")
  target <- xdf_source(outSource)
  set <- list(createCompositeSet = createCompositeSet, blocksPerCompositeFile = blocksPerCompositeFile)
  set <- if (missing(blocksPerCompositeFile)) set["createCompositeSet"] else set
  sink <- sink_spec(target, append, overwrite, xdfCompressionLevel, set)
  transforms <- capture_transforms()
  import(
    as_source(inSource, "inSource"), sink, transforms,
    numRows = numRows, maxRowsByCols = maxRowsByCols, reportProgress = reportProgress, verbose = verbose
  )
  written_source(outSource, sink)
}

#' The XDF sources that a user names: files, sets, or all files of a folder
#'
#' @noRd
xdf_sources <- function(files) {
  if (methods::is(files, "RxXdfData")) {
    return(list(files))
  }
  check_argument(is_strings(files) && length(files) > 0, "inFile", "an RxXdfData source or names of XDF files")
  if (length(files) == 1 && dir.exists(files) && !is_composite_set(files)) {
    folder <- files
    files <- list.files(folder, "\\.xdf$", full.names = TRUE, ignore.case = TRUE)
    if (length(files) == 0) {
      rx_abort("file", sprintf("There is no .xdf file in the folder '%s'.", folder), file = folder)
    }
  }
  lapply(files, RxXdfData)
}

compress_targets <- function(sources, outFile) {
  if (is_string(outFile) && dir.exists(outFile) && !is_composite_set(outFile)) {
    names <- vapply(sources, function(source) basename(source@file), "")
    outFile <- file.path(outFile, names)
  }
  targets <- xdf_sources(outFile)
  check_argument(length(targets) == length(sources), "outFile", "a name for every file, or a folder")
  Map(function(source, target) {
    sets <- is_composite_set(locate_input(source@file, ".xdf"))
    overridden_source(target, if (sets) list(createCompositeSet = TRUE))
  }, sources, targets)
}

#' Data steps from file to file
#'
#' `rxDataStepXdf()` is the older name of [rxDataStep()], which can also begin at a block.
#'
#' @inheritParams rxDataStep
#' @param inFile,outFile input and output, as in [rxDataStep()].
#' @param startBlock,numBlocks first block of an XDF file, and how many, to read; -1 for all. They do not count where
#'   `startRow` or `numRows` are given.
#' @param inSourceArgs list of arguments of the input source.
#' @param checkVarsToKeep no effect: unknown names are always an error.
#' @param cppInterp no effect: transforms are compiled where they can be.
#' @return As [rxDataStep()].
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(mtcars, file, rowsPerRead = 10)
#' rxDataStepXdf(file, NULL, startBlock = 2, numBlocks = 1, transforms = list(kml = mpg * 0.425))
#' unlink(file)
#' @export
rxDataStepXdf <- function(inFile, outFile, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL, transforms = NULL,
                          transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                          transformPackages = NULL, transformEnvir = NULL, append = "none", overwrite = FALSE,
                          removeMissingsOnRead = FALSE, removeMissings = FALSE, computeLowHigh = TRUE,
                          maxRowsByCols = 3000000, rowsPerRead = -1, startRow = 1, numRows = -1, startBlock = 1,
                          numBlocks = -1, returnTransformObjects = FALSE, inSourceArgs = NULL,
                          blocksPerRead = rxGetOption("blocksPerRead"), reportProgress = rxGetOption("reportProgress"),
                          xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), checkVarsToKeep = TRUE,
                          cppInterp = NULL) {
  old_name("rxDataStepXdf", "rxDataStep")
  check_argument(is_whole(startBlock) && startBlock >= 1, "startBlock", "a whole number from 1")
  check_argument(is_whole(numBlocks) && numBlocks >= -1, "numBlocks", "a number of blocks, or -1 for all")
  check_argument(is.null(inSourceArgs) || is.list(inSourceArgs), "inSourceArgs", "a list or NULL")
  flags <- list(
    removeMissingsOnRead = removeMissingsOnRead, removeMissings = removeMissings, computeLowHigh = computeLowHigh,
    returnTransformObjects = returnTransformObjects
  )
  check_step_arguments(flags, rowsPerRead, blocksPerRead, NULL)
  rows <- if (rowsPerRead > 0) rowsPerRead
  source <- do.call(step_source, c(list(inFile, rows, numRows, NULL, blocksPerRead), inSourceArgs), quote = TRUE)
  if (startRow == 1 && numRows == -1 && (startBlock > 1 || numBlocks >= 0)) {
    wanted <- rows_of_blocks(source, startBlock, numBlocks)
    startRow <- wanted$first
    numRows <- wanted$count
  }
  asked <- capture_transforms()
  invisible(data_step(
    source, outFile, asked, flags, append, overwrite, varsToKeep, varsToDrop, rows, startRow, numRows,
    maxRowsByCols, reportProgress, xdfCompressionLevel
  ))
}

#' First row and number of rows of some blocks
#'
#' @noRd
rows_of_blocks <- function(source, start, count) {
  sizes <- source_info(source)$block_rows
  if (is.null(sizes)) {
    rx_abort("argument", "The data have no blocks.", hint = "Use `startRow` and `numRows`.")
  }
  wanted <- sizes[seq_along(sizes) >= start]
  wanted <- if (count >= 0) utils::head(wanted, count) else wanted
  list(first = sum(utils::head(sizes, start - 1)) + 1, count = sum(wanted))
}

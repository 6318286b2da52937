#' Import text to an XDF file
#'
#' `rxTextToXdf()` is the older name for what [rxImport()] does with text.
#'
#' @param inFile the name of a text file, or of a folder of them.
#' @param outFile an [RxXdfData()] source or the name of the XDF file to write.
#' @param rowSelection,transforms,append,overwrite,numRows as in [rxImport()].
#' @param transformObjects,transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param rowsToSkip,stringsAsFactors,colClasses,colInfo,missingValueString,rowsPerRead as in [RxTextData()].
#' @param columnDelimiters the character between columns; NULL finds out.
#' @param autoDetectColNames whether to find out if the first row has the names of the columns, where
#'   `firstRowIsColNames` does not say.
#' @param firstRowIsColNames whether the first row has the names of the columns, or NULL.
#' @param rowsToSniff,defaultReadBufferSize,defaultDecimalColType,defaultMissingColType as in [RxTextData()].
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param createCompositeSet,blocksPerCompositeFile as in [rxImport()].
#' @return The `RxXdfData` source that was written.
#' @examples
#' text <- tempfile(fileext = ".csv")
#' write.csv(iris, text, row.names = FALSE)
#' flowers <- rxTextToXdf(text, tempfile(fileext = ".xdf"), stringsAsFactors = TRUE)
#' rxGetVarInfo(flowers)
#' unlink(c(text, flowers@file))
#' @export
rxTextToXdf <- function(inFile, outFile, rowSelection = NULL, rowsToSkip = 0, transforms = NULL,
                        transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                        transformEnvir = NULL, append = "none", overwrite = FALSE, numRows = -1,
                        stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, missingValueString = "NA",
                        rowsPerRead = 500000, columnDelimiters = NULL, autoDetectColNames = TRUE,
                        firstRowIsColNames = NULL, rowsToSniff = 10000, defaultReadBufferSize = 10000,
                        defaultDecimalColType = rxGetOption("defaultDecimalColType"),
                        defaultMissingColType = rxGetOption("defaultMissingColType"),
                        reportProgress = rxGetOption("reportProgress"),
                        xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), createCompositeSet = FALSE,
                        blocksPerCompositeFile = 3) {
  old_name("rxTextToXdf", "rxImport")
  check_argument(is_flag(autoDetectColNames), "autoDetectColNames", "TRUE or FALSE")
  delimiter <- columnDelimiters
  check_argument(is.null(delimiter) || is_string(delimiter) && nchar(delimiter) == 1, "columnDelimiters", "a character")
  refuse_other_level(colInfo)
  source <- RxTextData(
    inFile,
    stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo,
    missingValueString = missingValueString, rowsPerRead = rowsPerRead, delimiter = delimiter,
    firstRowIsColNames = firstRowIsColNames %||% if (!autoDetectColNames) FALSE, rowsToSniff = rowsToSniff,
    rowsToSkip = rowsToSkip, defaultReadBufferSize = defaultReadBufferSize,
    defaultDecimalColType = defaultDecimalColType, defaultMissingColType = defaultMissingColType
  )
  check_argument(is_flag(createCompositeSet), "createCompositeSet", "TRUE or FALSE")
  set <- list(createCompositeSet = createCompositeSet, blocksPerCompositeFile = blocksPerCompositeFile)
  set <- if (createCompositeSet) set else list()
  sink <- sink_spec(xdf_source(outFile), append, overwrite, xdfCompressionLevel, set)
  transforms <- capture_transforms()
  import(source, sink, transforms, numRows = numRows, reportProgress = reportProgress)
  written_source(outFile, sink)
}

#' Refuses a level that would collect all values that have no other
#'
#' @noRd
refuse_other_level <- function(colInfo) {
  for (i in seq_along(colInfo)) {
    if (".rxOther" %in% colInfo[[i]]$levels) {
      rx_abort(
        "unsupported", "The level '.rxOther' does not collect values while text is read.",
        hint = "Use `otherLevel` of rxFactors().", column = names(colInfo)[i]
      )
    }
  }
}

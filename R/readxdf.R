#' Read an XDF file into a data frame
#'
#' `rxReadXdf()` reads rows; `rxXdfToDataFrame()` also transforms and selects them. Both are older names for what
#' [rxImport()] does.
#'
#' @param file an [RxXdfData()] source or the name of an XDF file.
#' @param varsToKeep,varsToDrop,rowSelection,transforms as in [rxImport()].
#' @param transformObjects,transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param rowVarName name of a column that becomes the row names.
#' @param startRow,numRows first row, and how many rows, to read; -1 for all.
#' @param returnDataFrame FALSE returns a list of columns.
#' @param stringsAsFactors whether text columns become factors.
#' @param removeMissings whether rows with a missing value are left out.
#' @param blocksPerRead blocks that transforms see at once.
#' @param maxRowsByCols limit on rows times columns of the result, which is cut with a warning; NULL for none.
#' @param reportProgress see [rxOptions()].
#' @param readByBlock,cppInterp no effect: the engine always reads block by block.
#' @return A data frame, or a list.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(mtcars, file)
#' rxReadXdf(file, varsToKeep = c("mpg", "hp"), startRow = 3, numRows = 2)
#' rxXdfToDataFrame(file, rowSelection = mpg > 30, transforms = list(kml = mpg * 0.425))
#' unlink(file)
#' @export
rxReadXdf <- function(file, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL, startRow = 1, numRows = -1,
                      returnDataFrame = TRUE, stringsAsFactors = FALSE, maxRowsByCols = NULL,
                      reportProgress = rxGetOption("reportProgress"), readByBlock = FALSE, cppInterp = NULL) {
  check_argument(is_flag(returnDataFrame), "returnDataFrame", "TRUE or FALSE")
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  data <- import(
    xdf_source(file),
    keep = varsToKeep, drop = varsToDrop, startRow = startRow, numRows = numRows, maxRowsByCols = maxRowsByCols,
    reportProgress = reportProgress
  )
  data <- finished_frame(data, rowVarName, stringsAsFactors)
  if (returnDataFrame) data else as.list(data)
}

#' @rdname rxReadXdf
#' @export
rxXdfToDataFrame <- function(file, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL, rowSelection = NULL,
                             transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                             transformPackages = NULL, transformEnvir = NULL, removeMissings = FALSE,
                             stringsAsFactors = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                             maxRowsByCols = 3000000, reportProgress = rxGetOption("reportProgress"),
                             cppInterp = NULL) {
  old_name("rxXdfToDataFrame", "rxDataStep")
  check_argument(is_flag(removeMissings), "removeMissings", "TRUE or FALSE")
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  source <- overridden_source(xdf_source(file), list(blocksPerRead = blocksPerRead))
  transforms <- capture_transforms()
  data <- import(
    source,
    transforms = transforms, keep = varsToKeep, drop = varsToDrop, maxRowsByCols = maxRowsByCols,
    reportProgress = reportProgress
  )
  finished_frame(data, rowVarName, stringsAsFactors)
}

xdf_source <- function(file) {
  source <- if (is_string(file)) RxXdfData(file) else file
  check_argument(methods::is(source, "RxXdfData"), "file", "the name of an XDF file or an RxXdfData source")
  source
}

finished_frame <- function(data, rowVarName, stringsAsFactors) {
  if (!is.null(rowVarName)) {
    kept_columns(names(data), rowVarName)
    row.names(data) <- data[[rowVarName]]
    data[[rowVarName]] <- NULL
  }
  if (stringsAsFactors) {
    text <- vapply(data, is.character, NA)
    data[text] <- lapply(data[text], function(x) factor(x, levels = unique(x[!is.na(x)])))
  }
  data
}

#' Write an XDF file as text
#'
#' `rxXdfToText()` writes the rows of an XDF file to delimited text, with the arguments of [write.table()].
#'
#' Numbers are written with up to 15 significant digits.
#'
#' @param inFile an [RxXdfData()] source or the name of an XDF file.
#' @param outFile the name of the file; one that ends with `.gz` is compressed.
#' @param varsToKeep,varsToDrop,rowSelection,transforms as in [rxImport()].
#' @param transformObjects,transformFunc,transformVars,transformPackages,transformEnvir as in [rxImport()].
#' @param overwrite whether an existing file may be replaced.
#' @param sep the character between fields.
#' @param quote whether text and factors are in double quotes.
#' @param na what stands for missing values.
#' @param eol what ends a row.
#' @param col.names whether the first row has the names of the columns.
#' @param blocksPerRead blocks that transforms see at once.
#' @param reportProgress see [rxOptions()].
#' @param ... other arguments are ignored with a warning.
#' @return An [RxTextData()] source of the file.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(iris, file)
#' text <- rxXdfToText(file, tempfile(fileext = ".txt"), sep = "\t", quote = FALSE, rowSelection = Petal.Width > 2.3)
#' head(text)
#' unlink(c(file, text@file))
#' @export
rxXdfToText <- function(inFile, outFile, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL, transforms = NULL,
                        transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                        transformEnvir = NULL, overwrite = FALSE, sep = ",", quote = TRUE, na = "NA", eol = "\n",
                        col.names = TRUE, blocksPerRead = rxGetOption("blocksPerRead"),
                        reportProgress = rxGetOption("reportProgress"), ...) {
  warn_unknown(dot_names(...), names(formals(rxXdfToText)))
  check_argument(is_string(outFile), "outFile", "the name of a file")
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  check_argument(is_string(sep) && nchar(sep) == 1, "sep", "a character")
  check_argument(is_flag(quote), "quote", "TRUE or FALSE")
  check_argument(is_string(na), "na", "a string")
  check_argument(is_string(eol), "eol", "a string")
  check_argument(is_flag(col.names), "col.names", "TRUE or FALSE")
  source <- overridden_source(xdf_source(inFile), list(blocksPerRead = blocksPerRead))
  sink <- list(
    type = "text", path = locate_output(outFile, ""), overwrite = overwrite, delimiter = sep,
    quote = if (quote) "text" else "never", na = na, eol = eol, header = col.names, digits = 15L
  )
  transforms <- capture_transforms()
  import(source, sink, transforms, keep = varsToKeep, drop = varsToDrop, reportProgress = reportProgress)
  RxTextData(
    sink$path,
    delimiter = sep, missingValueString = na, firstRowIsColNames = col.names, quoteMark = if (quote) "\"" else ""
  )
}

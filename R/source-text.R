#' Text data source
#'
#' A file of delimited text, plain or compressed by gzip. (Written text is always plain.)
#'
#' **Types.** The first `rowsToSniff` rows decide the type of each column that neither `colInfo` nor `colClasses` names:
#' logical, integer, numeric or character; dates and times have to be named. A later value that does not fit is an error
#' which names the row, the value, and the `colClasses` that mends it. Decimals become doubles, not float32 as in
#' RevoScaleR: `rxOptions(defaultDecimalColType = "float32")` brings that back.
#'
#' **colInfo** is a list with an element for every column that there is something to say of, named by the column, or
#' unnamed with the column in its field `name`. The other fields:
#'
#' * `type`: `"logical"`, `"integer"`, `"int16"`, `"float32"`, `"numeric"`, `"character"` (or `"string"`), `"factor"`,
#'   `"ordered"`, `"Date"` or `"POSIXct"`;
#' * `levels`: levels of a factor; other values become missing;
#' * `newName`: the column's name from here on;
#' * `description`: a text shown by [rxGetVarInfo()];
#' * `low`, `high`: bounds for `F()` in formulas.
#'
#' `newLevels`, `index`, `start`, `width` and `decimalPlaces` are not supported yet and refused.
#'
#' **Levels** of a factor that are not given are coded in the order in which they first appear in the file.
#'
#' There is one parser, which is fast and does all; so `useFastRead`, `quotedDelimiters` (always TRUE),
#' `checkVarsToKeep` (always TRUE) and `defaultReadBufferSize` (chosen by the engine) are accepted for the sake of old
#' scripts, but change nothing.
#'
#' @param file path of the file, searched as in [RxXdfData()].
#' @param stringsAsFactors whether text becomes factors.
#' @param colClasses named character vector of types; `colInfo` wins over it.
#' @param colInfo see Details.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other.
#' @param missingValueString the text that stands for a missing value.
#' @param rowsPerRead rows that transforms see at once, and the block size of outputs.
#' @param delimiter what separates fields; NULL senses it among comma, tab, semicolon and space.
#' @param quoteMark what encloses fields that hold delimiters.
#' @param decimalPoint what separates decimals.
#' @param firstRowIsColNames whether the first row holds names; NULL: if it is all text and the second has a number. On
#'   writing, NULL means TRUE.
#' @param rowsToSniff how many rows decide the types.
#' @param rowsToSkip how many leading rows to leave out.
#' @param returnDataFrame whether chunks that are read one by one are data frames (else lists).
#' @param defaultDecimalColType,defaultMissingColType what columns of decimals, and columns without any value in the
#'   rows sniffed, become; see [rxOptions()].
#' @param writePrecision significant digits of numbers that are written.
#' @param isFixedFormat,createFileSet fixed format and sets of files are not supported yet: TRUE is an error.
#' @param combineDelimiters,thousandsSeparator,centuryCutoff,stripZeros,rowsPerOutFile,inputEncoding not supported yet:
#'   anything but the default is an error.
#' @param readDateFormat,readPOSIXctFormat,writeFactorsAsIndexes
#'   not supported yet: anything but the default is an error. Dates are read as yyyy-mm-dd or yyyy/mm/dd.
#' @param quotedDelimiters,useFastRead,defaultReadBufferSize,checkVarsToKeep no effect; see Details.
#' @param verbose 1 prints how many rows were imported by [rxImport()].
#' @param fileSystem NULL or `"native"`.
#' @return A data source; see [RxDataSource-class].
#' @seealso [source-methods]
#' @examples
#' flights <- RxTextData(
#'   file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"),
#'   varsToKeep = c("carrier", "dep_delay", "distance"), colClasses = c(carrier = "factor")
#' )
#' flights
#' head(flights)
#' @export
RxTextData <- function(file, stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, varsToKeep = NULL,
                       varsToDrop = NULL, missingValueString = "NA", rowsPerRead = 500000, delimiter = NULL,
                       combineDelimiters = FALSE, quoteMark = "\"", decimalPoint = ".", thousandsSeparator = NULL,
                       readDateFormat = "[%y[-][/]%m[-][/]%d]",
                       readPOSIXctFormat = "%y[-][/]%m[-][/]%d [%H:%M[:%S]][%p]", centuryCutoff = 20,
                       firstRowIsColNames = NULL, rowsToSniff = 10000, rowsToSkip = 0, returnDataFrame = TRUE,
                       defaultReadBufferSize = 10000, defaultDecimalColType = rxGetOption("defaultDecimalColType"),
                       defaultMissingColType = rxGetOption("defaultMissingColType"), writePrecision = 7,
                       stripZeros = FALSE, quotedDelimiters = FALSE, isFixedFormat = NULL, useFastRead = NULL,
                       createFileSet = NULL, rowsPerOutFile = NULL, verbose = 0, checkVarsToKeep = FALSE,
                       fileSystem = NULL, inputEncoding = "utf-8", writeFactorsAsIndexes = FALSE) {
  refuse_unsupported(c(
    "combineDelimiters", "thousandsSeparator", "readDateFormat", "readPOSIXctFormat", "centuryCutoff", "stripZeros",
    "rowsPerOutFile", "inputEncoding", "writeFactorsAsIndexes",
    if (!isFALSE(isFixedFormat)) "isFixedFormat", if (!isFALSE(createFileSet)) "createFileSet"
  ))
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  check_argument(is_string(missingValueString), "missingValueString", "a string")
  check_argument(is_count(rowsPerRead) && rowsPerRead > 0, "rowsPerRead", "a positive whole number")
  check_argument(is.null(delimiter) || is_string(delimiter), "delimiter", "a character or NULL")
  check_argument(is_string(quoteMark), "quoteMark", "a character")
  check_argument(is_string(decimalPoint), "decimalPoint", "a character")
  header <- firstRowIsColNames
  check_argument(is.null(header) || is_flag(header), "firstRowIsColNames", "TRUE, FALSE or NULL")
  check_argument(is_count(rowsToSniff) && rowsToSniff > 0, "rowsToSniff", "a positive whole number")
  check_argument(is_count(rowsToSkip), "rowsToSkip", "a number of rows")
  check_argument(is_flag(returnDataFrame), "returnDataFrame", "TRUE or FALSE")
  decimal_types <- option_rules$defaultDecimalColType
  check_argument(decimal_types$ok(defaultDecimalColType), "defaultDecimalColType", decimal_types$must)
  missing_types <- option_rules$defaultMissingColType
  check_argument(missing_types$ok(defaultMissingColType), "defaultMissingColType", missing_types$must)
  digits <- option_rules$numDigits
  check_argument(digits$ok(writePrecision), "writePrecision", digits$must)
  column_options(colClasses, colInfo)
  new_file_source(
    "RxTextData", file, varsToKeep, varsToDrop, fileSystem,
    stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo,
    missingValueString = missingValueString, rowsOrBlocksPerRead = rowsPerRead, delimiter = delimiter,
    combineDelimiters = combineDelimiters, quoteMark = quoteMark, decimalPoint = decimalPoint,
    thousandsSeparator = thousandsSeparator, readDateFormat = readDateFormat, readPOSIXctFormat = readPOSIXctFormat,
    centuryCutoff = centuryCutoff, firstRowIsColNames = firstRowIsColNames, rowsToSniff = rowsToSniff,
    rowsToSkip = rowsToSkip, returnDataFrame = returnDataFrame, defaultReadBufferSize = defaultReadBufferSize,
    defaultDecimalColType = defaultDecimalColType, defaultMissingColType = defaultMissingColType,
    writePrecision = writePrecision, stripZeros = stripZeros, quotedDelimiters = quotedDelimiters,
    isFixedFormat = isFixedFormat, useFastRead = useFastRead, createFileSet = createFileSet,
    rowsPerOutFile = rowsPerOutFile, verbose = verbose, checkVarsToKeep = checkVarsToKeep,
    inputEncoding = inputEncoding, writeFactorsAsIndexes = writeFactorsAsIndexes
  )
}

#' @rdname RxDataSource-class
#' @exportClass RxTextData
#' @include source.R
methods::setClass(
  "RxTextData",
  contains = "RxFileData",
  representation = methods::representation(
    colClasses = "characterORNULL", colInfo = "listORNULL", missingValueString = "character",
    delimiter = "characterORNULL", combineDelimiters = "logical", quoteMark = "character", decimalPoint = "character",
    thousandsSeparator = "characterORNULL", readDateFormat = "character", readPOSIXctFormat = "character",
    centuryCutoff = "numeric", firstRowIsColNames = "logicalORNULL", rowsToSniff = "numeric", rowsToSkip = "numeric",
    defaultReadBufferSize = "numeric", defaultDecimalColType = "character", defaultMissingColType = "character",
    writePrecision = "numeric", stripZeros = "logical", quotedDelimiters = "logical", isFixedFormat = "logicalORNULL",
    useFastRead = "logicalORNULL", createFileSet = "logicalORNULL", rowsPerOutFile = "numericORNULL",
    verbose = "numeric", checkVarsToKeep = "logical", inputEncoding = "character", writeFactorsAsIndexes = "logical"
  ),
  prototype = list(
    rowsOrBlocksPerRead = 500000, returnDataFrame = TRUE, stringsAsFactors = FALSE, fileSystem = NULL,
    missingValueString = "NA", combineDelimiters = FALSE, quoteMark = "\"", decimalPoint = ".",
    readDateFormat = "[%y[-][/]%m[-][/]%d]", readPOSIXctFormat = "%y[-][/]%m[-][/]%d [%H:%M[:%S]][%p]",
    centuryCutoff = 20, rowsToSniff = 10000, rowsToSkip = 0, defaultReadBufferSize = 10000,
    defaultDecimalColType = "numeric", defaultMissingColType = "numeric", writePrecision = 7, stripZeros = FALSE,
    quotedDelimiters = FALSE, verbose = 0, checkVarsToKeep = FALSE, inputEncoding = "utf-8",
    writeFactorsAsIndexes = FALSE
  )
)

methods::setMethod("file_spec", "RxTextData", function(source) {
  spec <- list(
    type = "text", path = locate_input(source@file, ""), missing_strings = list(source@missingValueString),
    quote = source@quoteMark, decimal_point = source@decimalPoint,
    rows_to_sniff = as.integer(source@rowsToSniff), rows_to_skip = as.integer(source@rowsToSkip),
    strings_as_factors = source@stringsAsFactors, decimal_type = engine_kind(source@defaultDecimalColType),
    missing_type = engine_kind(source@defaultMissingColType)
  )
  # NULL leaves these to the engine.
  spec$delimiter <- source@delimiter
  spec$first_row_is_col_names <- source@firstRowIsColNames
  spec$columns <- column_options(source@colClasses, source@colInfo)
  spec
})

#' Text data source
#'
#' A file of delimited text or of fixed format, plain or compressed by gzip; or several files, or a folder of them, that
#' are read as one.
#'
#' **Types.** The first `rowsToSniff` rows decide the type of each column that neither `colInfo` nor `colClasses` names:
#' logical, integer, numeric or character; dates and times have to be named. A later value that does not fit is an error
#' which names the file, the row, the value, and the `colClasses` that mends it. Decimals become doubles, not float32 as
#' in RevoScaleR: `rxOptions(defaultDecimalColType = "float32")` brings that back.
#'
#' **colInfo** is a list with an element for every column that there is something to say of, named by the column, or
#' unnamed with the column in its field `name` or its position, from 1, as `index`. The other fields:
#'
#' * `type`: `"logical"`, `"integer"`, `"int16"`, `"uint16"` (kept as integer), `"float32"`, `"numeric"`, `"character"`
#'   (or `"string"`), `"factor"`, `"ordered"`, `"Date"` or `"POSIXct"`;
#' * `levels`: levels of a factor; other values become missing;
#' * `newLevels`: other labels for the `levels`, one for each;
#' * `newName`: the column's name from here on;
#' * `description`: a text shown by [rxGetVarInfo()];
#' * `low`, `high`: bounds for `F()` in formulas;
#' * `start`, `width`: where the column begins in each line, from 1, and how many characters it has: see Fixed format.
#'   In delimited text `width` alone makes text keep no more than so many characters;
#' * `decimalPlaces`: in fixed format, how many digits of a number that has no decimal point are decimals.
#'
#' **Levels** of a factor that are not given are coded in the order in which they first appear, row by row and file by
#' file.
#'
#' **Several files.** A folder stands for the files in it, in the order of their names (`x_2` before `x_10`) without
#' those that are empty or whose name begins with a dot or an underscore. All files must have the same columns: the same
#' names in any order if their first rows hold names, else as many. Each of them gives its share of `rowsToSniff`.
#'
#' **Fixed format** is told by `start` and `width`, which all elements of `colInfo` must have then; columns that are not
#' described are left out, and those without a `type` are text. Blanks around a value do not count, blank lines are left
#' out. Positions are those of characters, not of bytes. An `.sts` file describes text of fixed format, too:
#'
#' ```
#' FILE claims.dat
#' FIRST LINE 2
#' VARIABLES
#'   age 1-5 (A)
#'   cost 6-11
#'   x y z 12-20
#' ```
#'
#' where `(A)` marks text, `FIRST LINE` may be absent, and variables of one line share its columns evenly. `colInfo` can
#' say more of the variables.
#'
#' **Dates and times** are read as `readDateFormat` and `readPOSIXctFormat` say: `%d` day, `%m` month (a number, or an
#' English name or its first three letters), `%y` year (see `centuryCutoff`), `%Y` year as it stands, `%H` hour, `%M`
#' minute, `%S` second with or without decimals, `%n` milliseconds, `%N` decimals of a second, `%p` am or pm; `%c`
#' skips a character, `%5c` five, `%$c` the rest, `%w` a word; what is in `[ ]` may be absent; `%%`, `%[` and `%]`
#' stand for these characters, a blank for any number of blanks. Parts that the format lacks are the first ones: the
#' first of January, midnight. The default formats also read ISO 8601's, such as `2013-01-31T12:00:00Z`. Times are UTC.
#'
#' **Writing.** The text is UTF-8, and compressed by gzip if the name of the file ends with `.gz`. `delimiter` (one;
#' NULL is a comma), `quoteMark`, `decimalPoint`, `missingValueString`, `firstRowIsColNames` and the arguments that are
#' said below to be for writing apply. Text is quoted where it could be misread else. Dates and times are written as
#' ISO 8601 has them. A file, or a folder of files, appears whole or not at all.
#'
#' There is one parser, which is fast and does all; so `useFastRead`, `quotedDelimiters` (always TRUE),
#' `checkVarsToKeep` (always TRUE) and `defaultReadBufferSize` (chosen by the engine) are accepted for the sake of old
#' scripts, but change nothing.
#'
#' @param file path of the file or of a folder of files, or of an `.sts` file, searched as in [RxXdfData()]; or paths of
#'   several files.
#' @param stringsAsFactors whether text becomes factors.
#' @param colClasses named character vector of types; `colInfo` wins over it.
#' @param colInfo see Details.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other.
#' @param missingValueString the text, or texts, that stand for a missing value; the first one is written. Numbers,
#'   dates and logicals are missing where there is nothing, too.
#' @param rowsPerRead rows that transforms see at once, and the block size of outputs.
#' @param delimiter what separates fields; NULL senses it among comma, tab, semicolon and space. In a string of several
#'   characters each in turn follows a field.
#' @param combineDelimiters whether a run of delimiters counts once. One of spaces always does.
#' @param quoteMark what encloses fields that hold delimiters; an empty string if nothing does.
#' @param decimalPoint what separates decimals.
#' @param thousandsSeparator what separates groups of digits, such as `","` in 1,234,567.8; NULL for nothing.
#' @param readDateFormat,readPOSIXctFormat how dates and times are written; see Details.
#' @param centuryCutoff years below it that have two digits are of the 21st century, others of the 20th.
#' @param firstRowIsColNames whether the first row of every file holds names; NULL: if it is all text and the second has
#'   a number, or if it has a name that `colClasses` or `colInfo` has. On writing, NULL means TRUE.
#' @param rowsToSniff how many rows decide the types.
#' @param rowsToSkip how many leading lines of every file to leave out.
#' @param returnDataFrame whether chunks that are read one by one are data frames (else lists).
#' @param defaultDecimalColType,defaultMissingColType what columns of decimals, and columns without any value in the
#'   rows sniffed, become; see [rxOptions()].
#' @param writePrecision significant digits of numbers that are written.
#' @param isFixedFormat whether the text is of fixed format; NULL: if `colInfo` has `start` or `file` is an `.sts` file.
#' @param inputEncoding the encoding: `"utf-8"`, `"latin1"`, `"gb18030"`, `"utf-16"`, or another of the encoding
#'   standard's names. (Its `"latin1"` is Windows-1252.)
#' @param createFileSet,rowsPerOutFile whether a folder of files is written, and how many rows each of them has (NULL:
#'   `rowsPerRead`). The folder is called as the file would be, without extension. NULL makes one if the input is a
#'   folder or several files.
#' @param stripZeros whether whole numbers in numeric columns are written without decimals: 2, else 2.0, from which a
#'   reader can tell the type.
#' @param writeFactorsAsIndexes whether factors are written as codes, from 1, instead of labels.
#' @param quotedDelimiters,useFastRead,defaultReadBufferSize,checkVarsToKeep no effect; see Details.
#' @param verbose 1 prints how many rows were imported by [rxImport()].
#' @param fileSystem NULL or `"native"`.
#' @return A data source; see [RxDataSource-class].
#' @references WHATWG: Encoding Standard, <https://encoding.spec.whatwg.org>, for the names of encodings.
#' @seealso [source-methods]
#' @examples
#' flights <- RxTextData(
#'   file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"),
#'   varsToKeep = c("carrier", "dep_delay", "distance"), colClasses = c(carrier = "factor")
#' )
#' flights
#' head(flights)
#'
#' file <- tempfile(fileext = ".txt")
#' writeLines(c("31.12.2012;1.234,5", "1.1.2013;n/a"), file)
#' rxImport(RxTextData(
#'   file,
#'   delimiter = ";", decimalPoint = ",", thousandsSeparator = ".", missingValueString = "n/a",
#'   readDateFormat = "%d.%m.%Y",
#'   colInfo = list(list(index = 1, newName = "day", type = "Date"), list(index = 2, newName = "amount"))
#' ))
#' unlink(file)
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
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  check_argument(is_strings(missingValueString) && length(missingValueString), "missingValueString", "a string")
  check_argument(is_count(rowsPerRead) && rowsPerRead > 0, "rowsPerRead", "a positive whole number")
  check_argument(is.null(delimiter) || is_string(delimiter), "delimiter", "a string or NULL")
  check_argument(is_flag(combineDelimiters), "combineDelimiters", "TRUE or FALSE")
  check_argument(is_string(quoteMark), "quoteMark", "a character")
  check_argument(is_string(decimalPoint), "decimalPoint", "a character")
  thousands <- thousandsSeparator
  check_argument(is.null(thousands) || is_string(thousands), "thousandsSeparator", "a character or NULL")
  check_argument(is_string(readDateFormat), "readDateFormat", "a string")
  check_argument(is_string(readPOSIXctFormat), "readPOSIXctFormat", "a string")
  cutoff <- between(0, 100)
  check_argument(cutoff$ok(centuryCutoff), "centuryCutoff", cutoff$must)
  check_argument(is.null(isFixedFormat) || is_flag(isFixedFormat), "isFixedFormat", "TRUE, FALSE or NULL")
  check_argument(is_string(inputEncoding), "inputEncoding", "the name of an encoding")
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
  check_argument(is_flag(stripZeros), "stripZeros", "TRUE or FALSE")
  check_argument(is.null(createFileSet) || is_flag(createFileSet), "createFileSet", "TRUE, FALSE or NULL")
  rows <- rowsPerOutFile
  check_argument(is.null(rows) || positive$ok(rows), "rowsPerOutFile", "a positive whole number or NULL")
  check_argument(is_flag(writeFactorsAsIndexes), "writeFactorsAsIndexes", "TRUE or FALSE")
  refuse_factor_index(column_options(colClasses, colInfo))
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
    inputEncoding = inputEncoding, writeFactorsAsIndexes = writeFactorsAsIndexes, several = TRUE
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
    type = "text", path = located_text(source), missing_strings = as.list(source@missingValueString),
    combine_delimiters = source@combineDelimiters, quote = source@quoteMark, decimal_point = source@decimalPoint,
    date_format = source@readDateFormat, time_format = source@readPOSIXctFormat,
    century_cutoff = as.integer(source@centuryCutoff), encoding = source@inputEncoding,
    rows_to_sniff = as.integer(source@rowsToSniff), rows_to_skip = as.integer(source@rowsToSkip),
    strings_as_factors = source@stringsAsFactors, decimal_type = engine_kind(source@defaultDecimalColType),
    missing_type = engine_kind(source@defaultMissingColType)
  )
  # NULL leaves these to the engine.
  spec$delimiter <- source@delimiter
  spec$thousands_separator <- source@thousandsSeparator
  spec$first_row_is_col_names <- source@firstRowIsColNames
  spec$fixed <- source@isFixedFormat
  columns <- column_options(source@colClasses, source@colInfo)
  spec$columns <- if (length(columns)) unname(columns)
  spec
})

#' Absolute paths of the files of a text source
#'
#' @noRd
located_text <- function(source) vapply(source@file, locate_input, "", extension = "", USE.NAMES = FALSE)

#' Where text is written, and how: what the engine takes
#'
#' @param source the data source that is read
#' @noRd
text_sink <- function(target, overwrite, source = NULL) {
  check_argument(length(target@file) == 1, "outFile", "the name of one file")
  reads_only <- c(
    delimiter = !is.null(target@delimiter) && nchar(target@delimiter) != 1,
    isFixedFormat = isTRUE(target@isFixedFormat),
    inputEncoding = !tolower(target@inputEncoding) %in% c("utf-8", "utf8")
  )
  if (any(reads_only)) {
    rx_abort(
      "unsupported", sprintf("Text cannot be written with such a `%s`.", names(which(reads_only))[1]),
      hint = "Text that is written is UTF-8 with one delimiter."
    )
  }
  sink <- list(
    type = "text", path = locate_output(target@file, ""), overwrite = overwrite, delimiter = target@delimiter %||% ",",
    quote_mark = target@quoteMark, decimal_point = target@decimalPoint, na = target@missingValueString[1],
    header = target@firstRowIsColNames %||% TRUE, digits = as.integer(target@writePrecision),
    strip_zeros = target@stripZeros, factors_as_indexes = target@writeFactorsAsIndexes
  )
  if (target@createFileSet %||% is_file_set(source)) {
    name <- basename(sink$path)
    extension <- regmatches(name, regexpr("([.][^.]*)?([.]gz)?$", name, ignore.case = TRUE))
    sink$path <- substr(sink$path, 1, nchar(sink$path) - nchar(extension))
    rows <- target@rowsPerOutFile %||% target@rowsOrBlocksPerRead
    sink$set <- list(rows_per_file = rows, extension = if (nzchar(extension)) extension else ".csv")
  }
  sink
}

#' Whether a source is a folder or several files
#'
#' @noRd
is_file_set <- function(source) {
  methods::is(source, "RxFileData") && (length(source@file) > 1 || dir.exists(source@file))
}

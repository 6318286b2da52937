#' SAS and SPSS data sources
#'
#' Files of SAS (`.sas7bdat`, `.sd7`) and SPSS (`.sav`, `.por`), read by package haven in chunks of `rowsPerRead` rows:
#' they need not fit into memory. To reach a chunk haven skips the rows before it, so few large chunks are faster than
#' many small ones; import files that are read often to XDF.
#'
#' **Columns.** Numbers arrive as doubles, dates and times as such, and a dot in a name as an underscore. Labels of
#' variables become descriptions. Empty text of SAS is missing.
#'
#' **Labels of values.** With `labelsAsLevels` a variable that has some becomes a factor whose levels are the labels, in
#' the order of their values; values without a label become missing. Else the values are left, and [rxGetVarInfo()] of
#' the source tells values and labels as `valueInfoCodes` and `valueInfoLabels`, unless `labelsAsInfo` is FALSE.
#'
#' **Missing values.** SPSS lets users declare values as missing: `mapMissingCodes` tells whether all of these become
#' missing, the first one of each variable, or none, so that they stay values. SAS has several kinds of missing values,
#' all of which are missing.
#'
#' @param file path of the file, searched as in [RxXdfData()].
#' @param stringsAsFactors whether text becomes factors.
#' @param colClasses,colInfo types of columns, as in [rxImport()].
#' @param rowsPerRead rows that are read at once.
#' @param formatFile path of the catalog (`.sas7bcat`) that holds the labels of values.
#' @param labelsAsLevels whether labels of values become levels of a factor.
#' @param labelsAsInfo whether labels of values that do not become levels are told by [rxGetVarInfo()].
#' @param mapMissingCodes `"all"`, `"first"` or `"none"`; of SAS files only `"all"` is supported.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other.
#' @param checkVarsToKeep no effect: unknown names are always an error.
#' @return A data source; see [RxDataSource-class].
#' @seealso [source-methods]
#' @examplesIf requireNamespace("haven", quietly = TRUE)
#' iris_sas <- RxSasData(system.file("examples", "iris.sas7bdat", package = "haven"), stringsAsFactors = TRUE)
#' rxSummary(~., iris_sas)
#' rxGetVarInfo(RxSpssData(system.file("examples", "iris.sav", package = "haven")))
#' @export
RxSasData <- function(file, stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, rowsPerRead = 500000,
                      formatFile = NULL, labelsAsLevels = TRUE, labelsAsInfo = TRUE, mapMissingCodes = "all",
                      varsToKeep = NULL, varsToDrop = NULL, checkVarsToKeep = FALSE) {
  check_argument(is.null(formatFile) || is_string(formatFile), "formatFile", "the name of a file or NULL")
  check_statistics_arguments(stringsAsFactors, rowsPerRead, labelsAsLevels, labelsAsInfo, mapMissingCodes)
  refuse_unsupported("mapMissingCodes")
  column_options(colClasses, colInfo)
  new_file_source(
    "RxSasData", file, varsToKeep, varsToDrop, NULL,
    stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo, rowsOrBlocksPerRead = rowsPerRead,
    formatFile = formatFile, labelsAsLevels = labelsAsLevels, labelsAsInfo = labelsAsInfo,
    mapMissingCodes = mapMissingCodes, checkVarsToKeep = checkVarsToKeep
  )
}

#' @rdname RxSasData
#' @export
RxSpssData <- function(file, stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, rowsPerRead = 500000,
                       labelsAsLevels = TRUE, labelsAsInfo = TRUE, mapMissingCodes = "all", varsToKeep = NULL,
                       varsToDrop = NULL, checkVarsToKeep = FALSE) {
  check_statistics_arguments(stringsAsFactors, rowsPerRead, labelsAsLevels, labelsAsInfo, mapMissingCodes)
  column_options(colClasses, colInfo)
  new_file_source(
    "RxSpssData", file, varsToKeep, varsToDrop, NULL,
    stringsAsFactors = stringsAsFactors, colClasses = colClasses, colInfo = colInfo, rowsOrBlocksPerRead = rowsPerRead,
    labelsAsLevels = labelsAsLevels, labelsAsInfo = labelsAsInfo, mapMissingCodes = mapMissingCodes,
    checkVarsToKeep = checkVarsToKeep
  )
}

check_statistics_arguments <- function(stringsAsFactors, rowsPerRead, labelsAsLevels, labelsAsInfo, mapMissingCodes) {
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  check_argument(positive$ok(rowsPerRead), "rowsPerRead", positive$must)
  check_argument(is_flag(labelsAsLevels), "labelsAsLevels", "TRUE or FALSE")
  check_argument(is_flag(labelsAsInfo), "labelsAsInfo", "TRUE or FALSE")
  one_of(mapMissingCodes, "mapMissingCodes", c("all", "first", "none"))
}

# What both sources have.
methods::setClass(
  "RxStatisticsData",
  contains = c("RxFileData", "RxForeignData"),
  representation = methods::representation(
    "VIRTUAL",
    labelsAsLevels = "logical", labelsAsInfo = "logical", mapMissingCodes = "character", checkVarsToKeep = "logical"
  ),
  prototype = list(
    rowsOrBlocksPerRead = 500000, returnDataFrame = TRUE, stringsAsFactors = FALSE, fileSystem = NULL,
    labelsAsLevels = TRUE, labelsAsInfo = TRUE, mapMissingCodes = "all", checkVarsToKeep = FALSE
  )
)

#' @rdname RxDataSource-class
#' @exportClass RxSasData
#' @include source-foreign.R
methods::setClass(
  "RxSasData",
  contains = "RxStatisticsData", representation = methods::representation(formatFile = "characterORNULL")
)

#' @rdname RxDataSource-class
#' @exportClass RxSpssData
methods::setClass("RxSpssData", contains = "RxStatisticsData")

methods::setMethod("located_file", "RxSasData", function(source) locate_input(source@file, ".sas7bdat"))
methods::setMethod("located_file", "RxSpssData", function(source) locate_input(source@file, ".sav"))

methods::setMethod("open_rows", "RxStatisticsData", function(source, columns) {
  need_package("haven", "files of SAS and SPSS")
  path <- located_file(source)
  read <- haven_reader(source, path)
  done <- 0
  list(
    fetch = function(rows) {
      fetched <- tryCatch(
        do.call(read, c(list(path, skip = done, n_max = rows), list(col_select = columns)[!is.null(columns)])),
        error = function(condition) {
          rx_abort(
            "corrupt_file", sprintf("'%s' cannot be read: %s", path, conditionMessage(condition)), file = path
          )
        }
      )
      done <<- done + nrow(fetched)
      fetched
    },
    close = function() NULL
  )
})

#' The function of haven that reads the rows of a file
#'
#' @noRd
haven_reader <- function(source, path) {
  if (is_source(source, "RxSasData")) {
    catalog <- if (!is.null(source@formatFile)) locate_input(source@formatFile, ".sas7bcat")
    function(...) haven::read_sas(..., catalog_file = catalog)
  } else {
    read <- if (tolower(tools::file_ext(path)) == "por") haven::read_por else haven::read_sav
    function(...) read(..., user_na = source@mapMissingCodes != "all")
  }
}

methods::setMethod("plain_rows", "RxStatisticsData", function(source, rows) {
  empty_is_missing <- is_source(source, "RxSasData")
  plain <- lapply(rows, plain_statistics, source = source)
  if (empty_is_missing) {
    plain <- lapply(plain, function(x) if (is.character(x)) replace(x, !nzchar(x), NA) else x)
  }
  stats::setNames(plain, gsub(".", "_", names(rows), fixed = TRUE))
})

#' A column that haven read, without the attributes that only haven knows
#'
#' @noRd
plain_statistics <- function(x, source) {
  labels <- attr(x, "labels", exact = TRUE)
  description <- attr(x, "label", exact = TRUE)
  if (source@mapMissingCodes == "first") {
    x[x %in% attr(x, "na_values", exact = TRUE)[1]] <- NA
  }
  kept <- attributes(x)[c("class", "tzone")]
  plain <- as.vector(unclass(x))
  if (inherits(x, c("Date", "POSIXct"))) {
    attributes(plain) <- kept[lengths(kept) > 0]
  }
  if (length(labels) > 0) {
    # Kinds of missing values may have labels as well.
    labels <- sort(labels[!is.na(labels)])
    if (source@labelsAsLevels) {
      plain <- factor(plain, unname(labels), names(labels))
    } else if (source@labelsAsInfo) {
      attr(plain, "value_info") <- list(codes = as.character(labels), labels = names(labels))
    }
  }
  attr(plain, ".rxDescription") <- description
  plain
}

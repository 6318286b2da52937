#' Parquet data source
#'
#' A Parquet file on this machine.
#'
#' @param file path of the file, searched as in [RxXdfData()].
#' @param colInfo types and metadata of columns, as in [rxImport()]; not supported yet: anything but NULL is an error.
#' @param fileSystem `"native"`, the file system of this machine. (RevoScaleR's default is `"hdfs"`, where Parquet files
#'   could be read on a Spark cluster only.)
#' @param cache,writeFactorsAsIndexes not supported yet: anything but FALSE is an error.
#' @return A data source; see [RxDataSource-class].
#' @seealso [source-methods]
#' @examples
#' file <- tempfile(fileext = ".parquet")
#' rxImport(mtcars, RxParquetData(file))
#' head(RxParquetData(file))
#' unlink(file)
#' @export
RxParquetData <- function(file, colInfo = NULL, fileSystem = "native", cache = FALSE, writeFactorsAsIndexes = FALSE) {
  refuse_unsupported(c("colInfo", "cache", "writeFactorsAsIndexes"))
  new_file_source(
    "RxParquetData", file, NULL, NULL, fileSystem,
    colInfo = colInfo, cache = cache, writeFactorsAsIndexes = writeFactorsAsIndexes
  )
}

#' @rdname RxDataSource-class
#' @exportClass RxParquetData
#' @include source.R
methods::setClass(
  "RxParquetData",
  contains = "RxFileData",
  representation = methods::representation(
    colInfo = "listORNULL", cache = "logical", writeFactorsAsIndexes = "logical"
  ),
  prototype = list(
    rowsOrBlocksPerRead = 500000, returnDataFrame = TRUE, stringsAsFactors = FALSE, fileSystem = "native",
    cache = FALSE, writeFactorsAsIndexes = FALSE
  )
)

methods::setMethod("file_spec", "RxParquetData", function(source) {
  list(type = "parquet", path = locate_input(source@file, ".parquet"))
})

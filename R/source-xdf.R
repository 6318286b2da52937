#' XDF data source
#'
#' An XDF file holds the columns of a data set in blocks of rows. rxscale writes it as an Arrow IPC file, which other
#' tools can read as such. Files that RevoScaleR wrote are in another format, which is not supported yet: opening one is
#' an error.
#'
#' @param file path of the .xdf file; without an extension, .xdf is added. A relative path is searched in the working
#'   directory, then along the compute context's `dataPath` or the option of that name.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other.
#' @param returnDataFrame whether chunks that are read one by one are data frames (else lists).
#' @param stringsAsFactors no effect here: an XDF file knows which columns are factors.
#' @param blocksPerRead how many blocks transforms see at once.
#' @param fileSystem NULL or `"native"`.
#' @param createCompositeSet,createPartitionSet,blocksPerCompositeFile sets of files are not supported yet: anything but
#'   the default is an error.
#' @param x a path or an `RxXdfData` object.
#' @return `RxXdfData()` returns a data source (see [RxDataSource-class]), `rxXdfFileName()` the path of its file.
#' @seealso [source-methods]
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(mtcars, file)
#' cars <- RxXdfData(file, varsToKeep = c("mpg", "hp"))
#' head(cars)
#' unlink(file)
#' @export
RxXdfData <- function(file, varsToKeep = NULL, varsToDrop = NULL, returnDataFrame = TRUE, stringsAsFactors = FALSE,
                      blocksPerRead = rxGetOption("blocksPerRead"), fileSystem = NULL, createCompositeSet = NULL,
                      createPartitionSet = NULL, blocksPerCompositeFile = 3) {
  refuse_unsupported("createPartitionSet")
  if (!is.null(createCompositeSet) && !identical(createCompositeSet, FALSE)) {
    refuse_unsupported(c("createCompositeSet", "blocksPerCompositeFile"))
  }
  check_argument(is_flag(returnDataFrame), "returnDataFrame", "TRUE or FALSE")
  check_argument(is_flag(stringsAsFactors), "stringsAsFactors", "TRUE or FALSE")
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  new_file_source(
    "RxXdfData", file, varsToKeep, varsToDrop, fileSystem,
    rowsOrBlocksPerRead = blocksPerRead, returnDataFrame = returnDataFrame, stringsAsFactors = stringsAsFactors,
    createCompositeSet = createCompositeSet, createPartitionSet = createPartitionSet,
    blocksPerCompositeFile = blocksPerCompositeFile
  )
}

#' @rdname RxXdfData
#' @export
rxXdfFileName <- function(x) {
  if (methods::is(x, "RxXdfData")) {
    return(x@file)
  }
  check_argument(is_string(x), "x", "a path or an RxXdfData object")
  x
}

#' @rdname RxDataSource-class
#' @exportClass RxXdfData
#' @include source.R
methods::setClass(
  "RxXdfData",
  contains = "RxFileData",
  representation = methods::representation(
    createCompositeSet = "logicalORNULL", createPartitionSet = "logicalORNULL", blocksPerCompositeFile = "numeric"
  ),
  prototype = list(
    rowsOrBlocksPerRead = 1, returnDataFrame = TRUE, stringsAsFactors = FALSE, fileSystem = NULL,
    blocksPerCompositeFile = 3
  )
)

methods::setMethod("file_spec", "RxXdfData", function(source) {
  list(type = "xdf", path = locate_input(source@file, ".xdf"))
})

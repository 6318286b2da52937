#' XDF data source
#'
#' An XDF file holds the columns of a data set in blocks of rows. rxscale writes it as an Arrow IPC file, which other
#' tools can read as such. Files that RevoScaleR wrote are in another format, which is read wherever an XDF file is and
#' never written.
#'
#' **Files of RevoScaleR.** Their format was never published; it is known from files of version 4.2 (2016 to 2019), and
#' other versions are refused. Blocks are decoded by all threads, one after the other, and only the columns asked for.
#' Columns of types that no known file has (logicals, integers of other than 32 bits, ordered factors, dates, times) are
#' read as they seem to be, with a warning; dates and times appear as their numbers of days or seconds, of which
#' `colClasses` of [rxImport()] makes dates and times. A column that nothing explains is an error where it is asked for,
#' and the others can be read. No code of missing text is known: it is the empty text. What would change such a file
#' (appending, changing it in place, `rxSetVarInfo()`) is an error; [rxImport()] and [rxConvertXdf()] make files of
#' rxscale's format, and `overwrite = TRUE` may put one in its place. A damaged file is an error of class
#' `rxscale_error_corrupt_file`, but only the values have checksums, not the names of columns and levels.
#'
#' **Row names.** A column `.rxRowNames`, as RevoScaleR keeps the row names of data frames, is no variable: it becomes
#' the row names of data frames that are read, and goes along into XDF files that are written, unless a `transformFunc`
#' is used.
#'
#' **Composite sets.** A large table can be kept in several files: a folder `name` with the files `data/name_1.xdfd`,
#' `data/name_2.xdfd`, ... (each an Arrow IPC file as well) and `metadata/name.xdfm`, which says what the columns and
#' which files belong to the set. A set is written where `createCompositeSet = TRUE`, and where `file` names a set that
#' exists. All functions that take an XDF file take a set. A set that is replaced or appended to stays as it was until
#' all of the new rows are on disk.
#'
#' **Checksums.** Everything in a file has a checksum, which is verified when it is read: a damaged file is an error of
#' class `rxscale_error_corrupt_file`. Files by other writers of Arrow have none.
#'
#' @param file path of the .xdf file; without an extension, .xdf is added, unless that is the name of a composite set. A
#'   relative path is searched in the working directory, then along the compute context's `dataPath` or the option of
#'   that name.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out; NULL is ignored. They exclude each other.
#' @param returnDataFrame whether chunks that are read one by one are data frames (else lists).
#' @param stringsAsFactors no effect here: an XDF file knows which columns are factors.
#' @param blocksPerRead how many blocks transforms see at once.
#' @param fileSystem NULL or `"native"`.
#' @param createCompositeSet whether a composite set is written, in a folder of that name without the extension .xdf;
#'   NULL adds to or replaces a set where there is one.
#' @param blocksPerCompositeFile how many blocks each file of a set gets.
#' @param createPartitionSet TRUE for the folder of a partitioned set, which [rxPartition()] writes and
#'   [rxGetPartitions()] and [rxExecBy()] read.
#' @param x a path or an `RxXdfData` object.
#' @return `RxXdfData()` returns a data source (see [RxDataSource-class]), `rxXdfFileName()` the path of its file.
#' @seealso [source-methods]
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(mtcars, file)
#' cars <- RxXdfData(file, varsToKeep = c("mpg", "hp"))
#' head(cars)
#' set <- rxImport(cars, RxXdfData(tempfile(), createCompositeSet = TRUE, blocksPerCompositeFile = 1), rowsPerRead = 10)
#' rxGetInfo(set)
#' unlink(c(file, rxXdfFileName(set)), recursive = TRUE)
#' @export
RxXdfData <- function(file, varsToKeep = NULL, varsToDrop = NULL, returnDataFrame = TRUE, stringsAsFactors = FALSE,
                      blocksPerRead = rxGetOption("blocksPerRead"), fileSystem = NULL, createCompositeSet = NULL,
                      createPartitionSet = NULL, blocksPerCompositeFile = 3) {
  check_argument(
    is.null(createCompositeSet) || is_flag(createCompositeSet), "createCompositeSet", "TRUE, FALSE or NULL"
  )
  check_argument(
    is.null(createPartitionSet) || is_flag(createPartitionSet), "createPartitionSet", "TRUE, FALSE or NULL"
  )
  check_argument(
    is_count(blocksPerCompositeFile) && blocksPerCompositeFile > 0, "blocksPerCompositeFile", "a positive whole number"
  )
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
  if (isTRUE(source@createPartitionSet) || is_partition_set(source@file)) {
    refuse_partitions(source, "Read its partitions, rxGetPartitions()$DataSource, one by one.")
  }
  file <- if (isTRUE(source@createCompositeSet)) set_name(source@file) else source@file
  c(list(type = "xdf", path = locate_input(file, ".xdf")), memory = rxGetOption("memoryLimitMB"))
})

#' Where an XDF source is written: what the engine takes
#'
#' @return list(path), with `blocks_per_file` for a composite set
#' @noRd
xdf_target <- function(target) {
  if (isTRUE(target@createPartitionSet)) {
    refuse_partitions(target, "Write it with rxPartition().")
  }
  folder <- locate_output(set_name(target@file), "")
  exists <- !has_xdf_extension(target@file) && is_composite_set(folder)
  if (target@createCompositeSet %||% exists) {
    list(path = folder, blocks_per_file = target@blocksPerCompositeFile)
  } else {
    list(path = locate_output(target@file, ".xdf"))
  }
}

refuse_partitions <- function(source, hint) {
  rx_abort("unsupported", sprintf("'%s' is a partitioned set, not one table.", source@file), hint = hint)
}

#' The name of a set: that of its folder
#'
#' @noRd
set_name <- function(file) if (has_xdf_extension(file)) tools::file_path_sans_ext(file) else file

has_xdf_extension <- function(file) tolower(tools::file_ext(file)) == "xdf"

#' Whether folders are composite sets
#'
#' @noRd
is_composite_set <- function(path) {
  heads <- lapply(file.path(path, "metadata"), list.files, pattern = "\\.xdfm$")
  lengths(heads) > 0
}

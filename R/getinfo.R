#' Basic information about data
#'
#' Numbers of rows, columns and blocks, facts about the columns, and some rows.
#'
#' For an XDF file everything is in the file's own metadata. A text file is not read beyond the rows that tell its
#' types, unless `computeInfo = TRUE`: then the ranges and levels of its columns are found by reading it.
#'
#' @param data a data frame, a data source, the name of a file, or a list of those.
#' @param getVarInfo whether to describe the columns; see [rxGetVarInfo()].
#' @param getBlockSizes whether to give the rows of each block.
#' @param getValueLabels whether `varInfo` holds the levels of factors; NULL means TRUE.
#' @param varsToKeep,varsToDrop columns to describe, or to leave out.
#' @param startRow,numRows first row, and how many, to fetch as `data`; 0 fetches none.
#' @param computeInfo whether to read sources that hold no metadata.
#' @param allNodes no effect: there is one node.
#' @param verbose no effect: nothing is done beyond what the result shows.
#' @param description text that describes the data.
#' @param file an [RxXdfData()] source or the name of an XDF file.
#' @return `rxGetInfo()`: a list of class `rxGetInfo` with those that apply of `fileName`, `objName`, `class`, `length`,
#'   `description`, `numCompositeFiles`, `numRows`, `numVars`, `numBlocks`, `compression` (`"none"`, `"lz4"`, `"zstd"`
#'   and others), `varInfo`, `rowsPerBlock` and `data`; for a list of data, a list of those. `rxSetInfo()`: the data
#'   source, invisibly, after changing the file in place; or a new data frame.
#' @examples
#' rxGetInfo(mtcars, getVarInfo = TRUE, numRows = 3)
#' file <- tempfile(fileext = ".xdf")
#' rxImport(mtcars, file, rowsPerRead = 10)
#' rxSetInfo(file, "Cars of 1974")
#' rxGetInfo(file, getBlockSizes = TRUE)
#' unlink(file)
#' @export
rxGetInfo <- function(data, getVarInfo = FALSE, getBlockSizes = FALSE, getValueLabels = NULL, varsToKeep = NULL,
                      varsToDrop = NULL, startRow = 1, numRows = 0, computeInfo = FALSE, allNodes = TRUE,
                      verbose = 0) {
  if (is.list(data) && !is.data.frame(data)) {
    return(lapply(data, function(one) {
      rxGetInfo(
        one, getVarInfo, getBlockSizes, getValueLabels, varsToKeep, varsToDrop, startRow, numRows, computeInfo,
        allNodes, verbose
      )
    }))
  }
  check_argument(is_flag(getVarInfo), "getVarInfo", "TRUE or FALSE")
  check_argument(is_flag(getBlockSizes), "getBlockSizes", "TRUE or FALSE")
  check_argument(is.null(getValueLabels) || is_flag(getValueLabels), "getValueLabels", "TRUE, FALSE or NULL")
  check_argument(is_count(numRows), "numRows", "a number of rows")
  source <- as_source(data)
  info <- source_info(source)
  columns <- kept_columns(names(info$fields), varsToKeep, varsToDrop)
  result <- if (is.data.frame(source)) {
    list(objName = deparse1(substitute(data)), class = class(source), length = length(columns))
  } else {
    file <- if (methods::is(source, "RxTextData")) located_text(source) else info$file
    list(fileName = file, numCompositeFiles = info$files)
  }
  result$description <- info$description %||% attr(source, ".rxDescription", exact = TRUE)
  result$numRows <- if (!is.null(info$rows)) as_counts(info$rows)
  result$numVars <- length(columns)
  result$numBlocks <- if (!is.null(info$block_rows)) length(info$block_rows)
  result$compression <- info$compression
  if (getBlockSizes) {
    result$rowsPerBlock <- if (!is.null(info$block_rows)) as_counts(info$block_rows)
  }
  if (getVarInfo) {
    lapply(info$caution, engine_warning)
    result$varInfo <- var_info(source, info$fields[columns], getValueLabels %||% TRUE, computeInfo)
  }
  if (numRows > 0) {
    result$data <- read_rows(source, startRow, numRows, columns = columns)
    result$startRow <- startRow
  }
  structure(result, class = "rxGetInfo")
}

#' @rdname rxGetInfo
#' @export
rxSetInfo <- function(data, description = "") {
  check_argument(is_string(description), "description", "a string")
  if (is.data.frame(data)) {
    attr(data, ".rxDescription") <- description
    return(data)
  }
  source <- as_source(data)
  info <- engine_call(rx_engine_info, writable_spec(source))
  refuse_legacy(info)
  engine_call(rx_engine_set_metadata, info$file, plain_fields(info$fields), description)
  invisible(source)
}

#' @rdname rxGetInfo
#' @export
rxSetInfoXdf <- function(file, description = "") {
  old_name("rxSetInfoXdf", "rxSetInfo")
  rxSetInfo(xdf_source(file), description)
}

#' @rdname rxGetInfo
#' @export
rxGetInfoXdf <- function(file, getVarInfo = FALSE, getBlockSizes = FALSE, getValueLabels = NULL, varsToKeep = NULL,
                         varsToDrop = NULL, startRow = 1, numRows = 0, computeInfo = FALSE, verbose = 0) {
  old_name("rxGetInfoXdf", "rxGetInfo")
  rxGetInfo(
    xdf_source(file), getVarInfo, getBlockSizes, getValueLabels, varsToKeep, varsToDrop, startRow, numRows, computeInfo,
    verbose = verbose
  )
}

#' The spec of a source whose metadata can be changed in place
#'
#' @noRd
writable_spec <- function(source) {
  if (!methods::is(source, "RxXdfData")) {
    rx_abort(
      "unsupported", sprintf("The metadata of an %s source cannot be changed.", class(source)),
      hint = "Import it to XDF first, or use colInfo."
    )
  }
  utils::modifyList(source_spec(source), list(row_names = TRUE))
}

#' @export
print.rxGetInfo <- function(x, ...) {
  line <- function(label, value) if (!is.null(value)) cat(label, ": ", paste(value, collapse = " "), " \n", sep = "")
  number <- function(n) if (!is.null(n)) format(n)
  line("File name", x$fileName)
  line("Data frame", x$objName)
  line("Description", if (!is.null(x$description) && nzchar(x$description)) x$description)
  line("Number of composite data files", number(x$numCompositeFiles))
  line("Number of observations", number(x$numRows))
  line("Number of variables", number(x$numVars))
  line("Number of blocks", number(x$numBlocks))
  line("Compression type", x$compression)
  line("Rows per block", if (!is.null(x$rowsPerBlock)) vapply(x$rowsPerBlock, format, ""))
  if (!is.null(x$varInfo)) {
    cat("Variable information: \n")
    print(x$varInfo)
  }
  if (!is.null(x$data)) {
    rows <- if (nrow(x$data) == 1) "row" else "rows"
    cat("Data (", nrow(x$data), " ", rows, " starting with row ", format(x$startRow), "):\n", sep = "")
    print(x$data, ...)
  }
  invisible(x)
}

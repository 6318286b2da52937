#' Read and write a source chunk by chunk
#'
#' For algorithms of your own that go over data in a loop. `rxReadNext()` gives the chunks of a source one after the
#' other, from its beginning when it was opened; `rxWriteNext()` adds data frames to an XDF file or a table of a
#' database.
#'
#' A chunk is `blocksPerRead` blocks of an XDF source, and `rowsPerRead` rows of any other. The file stays open between
#' chunks, and what is decoded beyond a chunk is kept for the next one, so that nothing is read twice.
#'
#' What is open is known by its file, or by its table or query and its connection: a copy of a source is open, too.
#'
#' @param src a data source.
#' @param mode `"r"` to read, `"w"` to write.
#' @param from a data frame.
#' @param to an [RxXdfData()] or [RxOdbcData()] source that is open for writing.
#' @param ... `overwrite = TRUE` with the first data frame replaces an existing file.
#' @return `rxReadNext()`: a data frame, or a list if the source has `returnDataFrame = FALSE`; without rows and columns
#'   at the end. `rxIsOpen()`: whether it is open. The others: TRUE if they did what they say, else FALSE; invisible.
#' @seealso [rxDataStep()], which does the loop.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' cars <- RxXdfData(file)
#' rxOpen(cars, "w")
#' rxWriteNext(mtcars[1:20, ], cars)
#' rxWriteNext(mtcars[21:32, ], cars)
#' rxClose(cars, "w")
#'
#' rxOpen(cars)
#' total <- 0
#' while (nrow(chunk <- rxReadNext(cars)) > 0) {
#'   total <- total + sum(chunk$hp)
#' }
#' rxClose(cars)
#' total / nrow(cars)
#' unlink(file)
#' @export
rxOpen <- function(src, mode = "r") {
  key <- open_key(src, mode)
  if (!is.null(open_source(key))) {
    return(invisible(FALSE))
  }
  if (mode == "w") {
    writable <- is_source(src, "RxXdfData") || is_source(src, "RxOdbcData")
    check_argument(writable, "src", "an RxXdfData or RxOdbcData source, if it is written")
    set_open(key, list(written = FALSE))
  } else if (is_source(src, "RxForeignData")) {
    layout <- foreign_layout(src)
    columns <- source_columns(src, names(layout$sample))
    set_open(key, list(pass = start_pass(foreign_pass(src, layout, columns))))
  } else {
    info <- engine_call(rx_engine_info, source_spec(src))
    reading <- reading_spec(src)
    set_open(key, list(
      reader = engine_call(rx_engine_open_reader, reading$spec, reading$columns), spec = reading$spec,
      blocks = if (methods::is(src, "RxXdfData")) info$block_rows
    ))
  }
  invisible(TRUE)
}

#' @rdname rxOpen
#' @export
rxClose <- function(src, mode = "r") {
  key <- open_key(src, mode)
  place <- open_source(key)
  if (!is.null(place$pass)) end_pass(place$pass)
  set_open(key, NULL)
  invisible(!is.null(place))
}

#' @rdname rxOpen
#' @export
rxIsOpen <- function(src, mode = "r") !is.null(open_source(open_key(src, mode)))

#' @rdname rxOpen
#' @export
rxReadNext <- function(src) {
  key <- open_key(src, "r")
  place <- opened_source(key)
  rows <- src@rowsOrBlocksPerRead
  if (!is.null(place$pass)) {
    chunk <- fetch_rows(place$pass, rows)
    chunk <- if (is.null(chunk)) data.frame() else chunk_frame(chunk)
    return(if (src@returnDataFrame) chunk else as.list(chunk))
  }
  if (!is.null(place$blocks)) {
    taken <- utils::head(place$blocks, rows)
    place$blocks <- utils::tail(place$blocks, -rows)
    rows <- sum(taken)
  }
  read <- if (rows > 0) engine_call(rx_engine_read_next, place$reader, rows, job_options(0))
  set_open(key, place)
  chunk <- if (isTRUE(read$rows > 0)) read_frame(read, place$spec) else data.frame()
  if (src@returnDataFrame) chunk else as.list(chunk)
}

#' @rdname rxOpen
#' @export
rxWriteNext <- function(from, to, ...) {
  check_argument(is.data.frame(from), "from", "a data frame")
  key <- open_key(to, "w")
  place <- opened_source(key)
  warn_unknown(setdiff(dot_names(...), "overwrite"), "overwrite")
  if (place$written) {
    rxDataStep(from, to, append = "rows", reportProgress = 0)
  } else {
    rxDataStep(from, to, overwrite = dot(..., name = "overwrite", default = FALSE), reportProgress = 0)
  }
  set_open(key, list(written = TRUE))
  invisible(TRUE)
}

# The sources that are open: lists of a `key` and a `place`, where they stand.
opened <- new.env(parent = emptyenv())
opened$sources <- list()

#' Where an open source stands; NULL if it is not open
#'
#' @noRd
open_source <- function(key) Find(function(entry) identical(entry$key, key), opened$sources)$place

set_open <- function(key, place) {
  others <- Filter(function(entry) !identical(entry$key, key), opened$sources)
  opened$sources <- c(others, if (!is.null(place)) list(list(key = key, place = place)))
}

#' What an open source is known by
#'
#' @noRd
open_key <- function(src, mode) {
  check_argument(is_source(src), "src", "a data source")
  check_argument(is_string(mode) && mode %in% c("r", "w"), "mode", '"r" or "w"')
  if (is_source(src, "RxOdbcData")) {
    slots <- c("table", "sqlQuery", "connectionString", "databaseName", "connection")
    return(list(class(src), mode, lapply(slots, function(name) methods::slot(src, name))))
  }
  path <- if (mode == "w") {
    locate_output(src@file, ".xdf")
  } else if (is_source(src, "RxForeignData")) {
    located_file(src)
  } else {
    source_spec(src)$path
  }
  list(class(src), mode, normalizePath(path[1], mustWork = FALSE))
}

opened_source <- function(key) {
  place <- open_source(key)
  if (is.null(place)) {
    rx_abort("argument", "The source is not open.", hint = "Call rxOpen() first, and rxClose() in the end.")
  }
  place
}

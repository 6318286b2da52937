#' Read and write a source chunk by chunk
#'
#' For algorithms of your own that go over data in a loop. `rxReadNext()` gives the chunks of a source one after the
#' other, from its beginning when it was opened; `rxWriteNext()` adds data frames to an XDF file.
#'
#' A chunk is `blocksPerRead` blocks of an XDF source, and `rowsPerRead` rows of any other. The file stays open between
#' chunks, and what is decoded beyond a chunk is kept for the next one, so that nothing is read twice.
#'
#' What is open is known by its file: a copy of a source is open, too.
#'
#' @param src a data source of a file.
#' @param mode `"r"` to read, `"w"` to write.
#' @param from a data frame.
#' @param to an [RxXdfData()] source that is open for writing.
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
  if (!is.null(open_sources[[key]])) {
    return(invisible(FALSE))
  }
  if (mode == "r") {
    info <- engine_call(rx_engine_info, source_spec(src))
    reading <- reading_spec(src)
    open_sources[[key]] <- list(
      reader = engine_call(rx_engine_open_reader, reading$spec, reading$columns), spec = reading$spec,
      blocks = if (methods::is(src, "RxXdfData")) info$block_rows
    )
  } else {
    check_argument(methods::is(src, "RxXdfData"), "src", "an RxXdfData source, if it is written")
    open_sources[[key]] <- list(written = FALSE)
  }
  invisible(TRUE)
}

#' @rdname rxOpen
#' @export
rxClose <- function(src, mode = "r") {
  key <- open_key(src, mode)
  was_open <- !is.null(open_sources[[key]])
  rm(list = key[was_open], envir = open_sources)
  invisible(was_open)
}

#' @rdname rxOpen
#' @export
rxIsOpen <- function(src, mode = "r") !is.null(open_sources[[open_key(src, mode)]])

#' @rdname rxOpen
#' @export
rxReadNext <- function(src) {
  key <- open_key(src, "r")
  place <- opened_source(key)
  rows <- src@rowsOrBlocksPerRead
  if (!is.null(place$blocks)) {
    taken <- utils::head(place$blocks, rows)
    place$blocks <- utils::tail(place$blocks, -rows)
    rows <- sum(taken)
  }
  read <- if (rows > 0) engine_call(rx_engine_read_next, place$reader, rows, job_options(0))
  open_sources[[key]] <- place
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
  open_sources[[key]] <- list(written = TRUE)
  invisible(TRUE)
}

# The sources that are open and where they stand, by file and mode.
open_sources <- new.env(parent = emptyenv())

open_key <- function(src, mode) {
  check_argument(methods::is(src, "RxFileData"), "src", "a data source of a file")
  check_argument(is_string(mode) && mode %in% c("r", "w"), "mode", '"r" or "w"')
  path <- if (mode == "r") source_spec(src)$path else locate_output(src@file, ".xdf")
  paste(class(src), mode, normalizePath(path[1], mustWork = FALSE))
}

opened_source <- function(key) {
  place <- open_sources[[key]]
  if (is.null(place)) {
    rx_abort("argument", "The source is not open.", hint = "Call rxOpen() first, and rxClose() in the end.")
  }
  place
}

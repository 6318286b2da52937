# Sources whose rows R code reads: databases, and files of SAS and SPSS. The engine asks for their rows chunk by chunk,
# on the main thread; nothing is read as a whole.

#' @rdname RxDataSource-class
#' @exportClass RxForeignData
#' @include source.R
methods::setClass("RxForeignData", representation = methods::representation(
  "VIRTUAL",
  colClasses = "characterORNULL", colInfo = "listORNULL"
))

#' Starts to read rows; a method for every class
#'
#' @param columns names of columns, as the source itself has them, or NULL for all
#' @return a list of functions: `fetch(rows)`, which returns the next rows as a data frame, without rows at the end, and
#'   `close()`; and `connection`, if others must not use that meanwhile
#' @noRd
methods::setGeneric("open_rows", function(source, columns) standardGeneric("open_rows"))

#' Rows as plain vectors, before colInfo applies; a method for every class
#'
#' @param rows a data frame that open_rows() fetched
#' @return a list of vectors; descriptions are attributes `.rxDescription`
#' @noRd
methods::setGeneric("plain_rows", function(source, rows) standardGeneric("plain_rows"))

#' The file of a source, or NULL; a method for every class that has one
#'
#' @noRd
methods::setGeneric("located_file", function(source) standardGeneric("located_file"))
methods::setMethod("located_file", "RxForeignData", function(source) NULL)

# Rows that tell the columns' types.
sample_rows <- 100

methods::setMethod("file_spec", "RxForeignData", function(source) {
  layout <- foreign_layout(source)
  list(
    type = "foreign", path = located_file(source), rows = source@rowsOrBlocksPerRead, sample = layout$sample,
    agreed = as.list(layout$agreed), value_info = layout$value_info,
    open = function(columns) start_pass(foreign_pass(source, layout, columns)),
    fetch = fetch_rows, close = end_pass
  )
})

#' The columns of a source, as a sample of rows shows them
#'
#' @return a list: `sample`, a list of vectors; `names`, what the source itself calls each of these columns; `convert`,
#'   what colInfo and its like do; `agreed`, the factors whose levels are known; `value_info`, codes and their labels
#' @noRd
foreign_layout <- function(source) {
  pass <- open_rows(source, NULL)
  on.exit(pass$close())
  rows <- usable_rows(pass$fetch(sample_rows))
  plain <- plain_rows(source, rows)
  original <- stats::setNames(names(rows), names(plain))
  kinds <- vapply(plain, function(x) if (is.character(x)) "character" else "other", "")
  options <- column_options(source@colClasses, source@colInfo)
  convert <- column_converter(kinds, source@stringsAsFactors, source@colClasses, source@colInfo)
  sample <- if (is.null(convert)) plain else convert$fun(plain)
  with_levels <- vapply(names(plain), function(name) !is.null(options[[name]]$levels), NA)
  labelled <- vapply(plain, is.factor, NA)
  list(
    sample = sample, names = stats::setNames(unname(original), names(sample)), convert = convert,
    agreed = names(sample)[vapply(sample, is.factor, NA) & (with_levels | labelled)],
    value_info = stats::setNames(lapply(plain, attr, "value_info"), names(sample))
  )
}

#' Columns that are vectors of values; the others, such as bytes, are left out with a warning
#'
#' @noRd
usable_rows <- function(rows) {
  usable <- vapply(rows, is.atomic, NA)
  for (name in names(rows)[!usable]) {
    engine_warning(sprintf("Column '%s' holds no plain values and is left out.", name))
  }
  rows[usable]
}

#' A pass over columns: a list of `fetch(rows)`, which returns a list of vectors or NULL at the end, `close()` and
#' `connection`
#'
#' @param layout see foreign_layout()
#' @param columns names, as `layout$sample` has them
#' @noRd
foreign_pass <- function(source, layout, columns) {
  original <- layout$names[columns]
  pass <- open_rows(source, unique(unname(original)))
  list(
    fetch = function(rows) {
      chunk <- pass$fetch(rows)
      if (NROW(chunk) == 0) {
        return(NULL)
      }
      gone <- setdiff(original, names(chunk))
      for (name in gone) {
        rx_abort("missing_column", sprintf("Column '%s' is not in the data any more.", name), column = name)
      }
      chunk <- plain_rows(source, chunk[original])
      if (!is.null(layout$convert)) layout$convert$fun(chunk) else chunk
    },
    close = pass$close, connection = pass$connection
  )
}

# What is being read or written by R code for the engine, by number: lists with a function `close()`.
passes <- new.env(parent = emptyenv())
passes$last <- 0
passes$open <- list()

#' Takes a pass into the list of those that are open; its number
#'
#' @noRd
start_pass <- function(pass) {
  passes$last <- passes$last + 1
  passes$open[[as.character(passes$last)]] <- pass
  passes$last
}

#' The next rows of a pass as a list of vectors; NULL at the end
#'
#' @noRd
fetch_rows <- function(number, rows) {
  pass <- passes$open[[as.character(number)]]
  chunk <- if (!is.null(pass)) pass$fetch(rows)
  if (is.null(chunk)) {
    end_pass(number)
  }
  chunk
}

#' Ends a pass, unless it has ended
#'
#' @noRd
end_pass <- function(number) {
  pass <- passes$open[[as.character(number)]]
  passes$open[[as.character(number)]] <- NULL
  if (!is.null(pass)) pass$close()
  NULL
}

#' Ends the passes that were started after one: what an interrupted or failed job left open
#'
#' @noRd
end_passes_after <- function(number) {
  for (left in Filter(function(open) as.numeric(open) > number, names(passes$open))) {
    try(end_pass(left), silent = TRUE)
  }
}

#' Where rows for such a source go: what the engine takes
#'
#' @noRd
foreign_sink <- function(target, append, overwrite) {
  if (!is_source(target, "RxOdbcData")) {
    rx_abort("unsupported", sprintf("An %s source cannot be written to.", class(target)))
  }
  database_sink(target, append, overwrite)
}

#' Rows of a chunk as a user gets them
#'
#' @noRd
chunk_frame <- function(chunk) {
  structure(chunk, row.names = .set_row_names(length(chunk[[1]])), class = "data.frame")
}

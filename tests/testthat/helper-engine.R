# Calls of the engine on data frames, as the functions of the package make them.

frame_source <- function(data, ...) {
  list(type = "frame", data = as.list(data), rows = NROW(data[[1]]), ...)
}

one_job <- function(threads = 2) utils::modifyList(job_options(0), list(threads = threads))

# Copies a data frame (or a list of columns) through the engine.
through_engine <- function(data, columns = NULL, ..., threads = 2) {
  read <- engine_call(rx_engine_import, frame_source(data, ...), columns, list(type = "frame"), one_job(threads))
  structure(read$columns, row.names = .set_row_names(read$rows), class = "data.frame")
}

# Copies a data frame through the engine and the transforms asked for, `rows` rows a chunk.
transformed <- function(data, ..., rows = 3) {
  transform <- compose_transform(names(data), ..., caller = parent.frame())
  through_engine(data, transform = c(transform, rows = rows))
}

# Runs a function in an R process of its own.
in_child <- function(f, args = list()) {
  testthat::skip_if_not_installed("callr")
  callr::r(f, args = args, timeout = 60)
}

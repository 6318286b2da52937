# The one way to raise an error. Every error of the package, from R or from the engine, is a condition of class
# rxscale_error_<kind> with parent rxscale_error, and its fields say which column, file and row it concerns.

#' Raises a classed error
#'
#' @param kind the last part of its class: "argument", "missing_column", "wrong_type", "file", "corrupt_file",
#'   "database", "value", "no_rows", "one_level", "infinite", "memory", "transform", "task", "worker", "timeout", "job",
#'   "unsupported", "recursive", "interrupted" or "internal"
#' @param message what was wrong, as a sentence
#' @param hint what to do about it, as a sentence
#' @param column,file,row where it was wrong
#' @param call the user's call
#' @noRd
rx_abort <- function(kind, message, hint = NULL, column = NULL, file = NULL, row = NULL, call = user_call()) {
  stop(structure(
    class = c(paste0("rxscale_error_", kind), "rxscale_error", "error", "condition"),
    list(
      message = paste(c(message, hint), collapse = "\n"), call = call,
      kind = kind, hint = hint, column = column, file = file, row = row
    )
  ))
}

#' Raises a classed warning
#'
#' @param kind the last part of its class
#' @param ... fields that say what it concerns
#' @noRd
rx_warn <- function(kind, message, ...) {
  warning(structure(
    class = c(paste0("rxscale_warning_", kind), "rxscale_warning", "warning", "condition"),
    list(message = message, call = user_call(), ...)
  ))
}

#' The first ten of some names, as a message has them
#'
#' @noRd
first_names <- function(names) {
  paste0(paste(utils::head(names, 10), collapse = ", "), if (length(names) > 10) ", ...")
}

#' Says, once in a session, that a function is the old name of another one
#'
#' @noRd
old_name <- function(old, new) {
  if (!old %in% state$old_names) {
    state$old_names <- c(state$old_names, old)
    message(sprintf("%s() is an old name: %s() is the new one.", old, new))
  }
}

#' The call of the package's function that the user called
#'
#' @noRd
user_call <- function() {
  frame <- user_frame()
  if (!is.null(frame)) sys.call(frame)
}

#' The number of that call's frame
#'
#' @noRd
user_frame <- function() {
  # In a worker, frames before those of the task are none of the user's.
  frames <- setdiff(seq_len(sys.nframe()), seq_len(state$outer_frames %||% 0))
  Find(function(frame) identical(topenv(environment(sys.function(frame))), topenv()), frames)
}

#' Raises an interrupt, as if the user had pressed Ctrl-C in R code
#'
#' @noRd
rx_interrupt <- function() {
  signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  invokeRestart("abort")
}

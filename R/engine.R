# The one door to Rust: a call goes in with plain lists, and comes back with a result or a classed condition.

# Warnings of R code that the engine called; NULL while the engine is not running.
engine <- new.env(parent = emptyenv())
engine$warnings <- NULL

#' Calls a function of the engine
#'
#' @param fun one of the rx_engine_ functions
#' @param ... its arguments
#' @param call the user's call, for the condition
#' @return what the function returns as `ok`
#' @noRd
engine_call <- function(fun, ..., call = user_call()) {
  outer <- engine$warnings
  before <- passes$last
  on.exit({
    engine$warnings <- outer
    end_passes_after(before)
    if (isFALSE(state$keeps_threads) && is.null(outer)) rx_engine_end_threads()
  })
  engine$warnings <- list()
  result <- fun(...)
  for (condition in engine$warnings) {
    warning(condition)
  }
  lapply(result$warnings, engine_warning)
  err <- result$err
  if (is.null(err)) {
    result$ok
  } else if (err$kind == "interrupted") {
    rx_interrupt()
  } else {
    rx_abort(err$kind, err$message, err$hint, column = err$column, file = err$file, row = err$row, call = call)
  }
}

#' Raises a warning of the engine, once in each call of the user's
#'
#' One call may read a file several times, and each time the engine says the same.
#' @noRd
engine_warning <- function(words) {
  # The frame of the user's call remembers.
  frame <- sys.frame(user_frame())
  if (!words %in% frame$.rx_warned) {
    frame$.rx_warned <- c(frame$.rx_warned, words)
    warning(structure(
      class = c("rxscale_warning", "simpleWarning", "warning", "condition"), list(message = words, call = NULL)
    ))
  }
}

#' Runs R code for the engine, which no error may leave with a jump
#'
#' Warnings are kept until the engine is back, since the user's handlers cannot be reached from inside it.
#'
#' @return a list with `value`, `interrupt`, or `error` and, if it is one of rxscale's own, its `kind`
#' @noRd
guarded_call <- function(fun, ...) {
  keep <- function(condition) {
    engine$warnings <- c(engine$warnings, list(condition))
    tryInvokeRestart("muffleWarning")
  }
  tryCatch(
    list(value = withCallingHandlers(fun(...), warning = keep)),
    error = function(condition) {
      kind <- if (inherits(condition, "rxscale_error")) condition$kind
      list(error = conditionMessage(condition), kind = kind)
    },
    interrupt = function(condition) list(interrupt = TRUE)
  )
}

#' How the engine shall run a job
#'
#' @param reportProgress 0 none, 1 rows processed, 2 rows and timings, 3 rows and all timings
#' @param label what is done, for the progress line
#' @noRd
job_options <- function(reportProgress = rxGetOption("reportProgress"), label = "Rows processed") {
  cores <- rxGetOption("numCoresToUse")
  available <- available_cores()
  list(
    threads = if (cores < 1) available else min(cores, available),
    memory = rxGetOption("memoryLimitMB"),
    spool = tempfile("rxscale-", fileext = ".xdf"),
    report = if (interactive() && reportProgress > 0) progress_line(label, reportProgress > 1)
  )
}

#' A function that draws how far a job is
#'
#' @param timings whether to say how long it has taken
#' @noRd
progress_line <- function(label, timings) {
  format <- paste0("{cli::pb_spin} ", label, ": {cli::pb_current}", if (timings) " in {cli::pb_elapsed}")
  bar <- NULL
  # The bar belongs to the job, not to the call that makes it.
  frame <- new.env()
  function(rows, seconds, done) {
    if (is.null(bar)) {
      bar <<- cli::cli_progress_bar(format = format, total = NA, .auto_close = FALSE, .envir = frame)
    }
    cli::cli_progress_update(set = rows, id = bar, .envir = frame)
    if (done) {
      cli::cli_progress_done(id = bar, .envir = frame)
    }
  }
}

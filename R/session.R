#' Threads and other settings of the session
#'
#' @description
#' `rxSetEnableThreadPool()` says whether the threads that analyses run on are kept for the next analysis, as they are
#' from the start. Without, they end with every call, which takes a fraction of a millisecond to start them again.
#' Forking (`parallel::mclapply()`) works either way.
#'
#' `rxPrivacyControl()` and `rxIsExpressEdition()` are there for old scripts: rxscale sends nothing to anybody, and
#' there is one edition of it.
#'
#' @param enable TRUE or FALSE.
#' @param optIn whether to send data on how the package is used, which it never does: TRUE has no effect but a warning.
#' @return `rxGetEnableThreadPool()`: whether threads are kept; `rxSetEnableThreadPool()`: the same as before the call,
#'   invisibly. `rxPrivacyControl()` and `rxIsExpressEdition()`: FALSE.
#' @examples
#' old <- rxSetEnableThreadPool(FALSE)
#' rxGetEnableThreadPool()
#' rxSetEnableThreadPool(old)
#' @export
rxGetEnableThreadPool <- function() state$keeps_threads %||% TRUE

#' @rdname rxGetEnableThreadPool
#' @export
rxSetEnableThreadPool <- function(enable) {
  check_argument(is_flag(enable), "enable", "TRUE or FALSE")
  old <- rxGetEnableThreadPool()
  state$keeps_threads <- enable
  if (!enable) {
    rx_engine_end_threads()
  }
  invisible(old)
}

#' @rdname rxGetEnableThreadPool
#' @export
rxPrivacyControl <- function(optIn) {
  if (!missing(optIn)) {
    check_argument(is_flag(optIn), "optIn", "TRUE or FALSE")
    if (optIn) warning("Nothing is sent to anybody, whatever is set here.", call. = FALSE)
  }
  FALSE
}

#' @rdname rxGetEnableThreadPool
#' @export
rxIsExpressEdition <- function() FALSE

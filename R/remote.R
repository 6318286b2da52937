#' Where a function runs
#'
#' Functions that programs written for clusters ask where they are. No compute context here is distributed: analyses run
#' in this process, and the tasks of [rxExec()] in processes of this machine.
#'
#' @param computeContext a compute context, or the name of one; NULL for the one that is set.
#' @param data a data source, or NULL: whether data could be used where the compute context computes.
#' @param matchCallList,matchCall the call to run on a cluster.
#' @param ... parts of a path.
#' @return
#' * `rxRemoteGetId()`: in a task of `rxExec()` that runs in another process the number of that task, else -1.
#' * `rxIsDistributedContext()`: FALSE.
#' * `rxRemoteFilePath()`: the path, as [file.path()] makes it.
#' * `rxDistributeJob()`: none; it is an error of class `rxscale_error_unsupported`.
#' @examples
#' rxIsDistributedContext()
#' rxRemoteGetId()
#' old <- rxSetComputeContext("localpar")
#' unlist(rxExec(function(x) rxRemoteGetId(), rxElemArg(1:3)))
#' rxSetComputeContext(old)
#' @export
rxRemoteGetId <- function() state$task %||% -1L

#' @rdname rxRemoteGetId
#' @export
rxIsDistributedContext <- function(computeContext = NULL, data = NULL) {
  if (!is.null(computeContext)) {
    as_compute_context(computeContext)
  }
  if (!is.null(data)) {
    as_source(data)
  }
  FALSE
}

#' @rdname rxRemoteGetId
#' @export
rxRemoteFilePath <- function(..., computeContext) {
  if (!missing(computeContext)) {
    as_compute_context(computeContext)
  }
  file.path(...)
}

#' @rdname rxRemoteGetId
#' @export
rxDistributeJob <- function(matchCallList, matchCall) {
  rx_abort(
    "unsupported", "There is no distributed compute context to run the call in.",
    hint = "Run it here: ask rxIsDistributedContext() before."
  )
}

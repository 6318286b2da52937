#' Jobs that run in the background
#'
#' In a compute context with `wait = FALSE`, [rxExec()] returns a job at once, and its tasks run in worker processes
#' while this session goes on. These functions ask for jobs, wait for them, stop them, and fetch their results. A job
#' belongs to this session and ends with it.
#'
#' The last job is also found as `rxgLastPendingJob`.
#'
#' @param jobInfo,object a job.
#' @param consoleOutput whether to print what the tasks have printed, too; NULL means FALSE.
#' @param autoCleanup whether the job and its results are forgotten once they have been fetched; NULL means what
#'   `rxExec(autoCleanup = )` said, which is TRUE by default.
#' @param computeContext a compute context: only jobs started in one like it. By default, all jobs.
#' @param exactMatch see [rxCompareContexts()].
#' @param startTime,endTime only jobs that were started at this time or later, that ended at this time or earlier.
#' @param states only jobs with one of these states.
#' @param verbose whether to print the jobs, or what is cleaned up.
#' @param jobInfoList a job or a list of jobs.
#' @param force whether to clean up finished jobs whose results have not been fetched, too.
#' @return
#' * `rxGetJobStatus()`: `"running"`, `"finished"`, `"failed"` (workers could not be started or kept), `"canceled"`, or
#'   `"missing"` where the job has been cleaned up.
#' * `rxGetJobResults()`: what `rxExec()` returns when it waits; an error of class `rxscale_error_job` if it is not
#'   there (yet).
#' * `rxGetJobOutput()`: prints what the tasks have printed, the last 4 MB of it, and returns it invisibly.
#' * `rxWaitForJob()`: the job's status, invisibly, when it is not running any more.
#' * `rxCancelJob()`: whether the job was running. Its results are gone.
#' * `rxGetJobInfo()`: the job that an object is or has as its attribute or element `jobInfo`, else NULL.
#' * `rxGetJobs()`: a list of jobs of class `rxJobInfoList`, named by their ids.
#' * `rxCleanupJobs()`: the number of jobs that were cleaned up, invisibly.
#' @examples
#' old <- rxSetComputeContext(RxLocalParallel(wait = FALSE))
#' job <- rxExec(function(x) sum(rnorm(1e6, x)), rxElemArg(1:4))
#' rxGetJobStatus(job)
#' rxWaitForJob(job)
#' unlist(rxGetJobResults(job))
#' rxSetComputeContext(old)
#' @export
rxGetJobStatus <- function(jobInfo) job_state(jobInfo)$status

#' @rdname rxGetJobStatus
#' @export
rxGetJobResults <- function(jobInfo, consoleOutput = NULL, autoCleanup = NULL) {
  check_argument(is.null(consoleOutput) || is_flag(consoleOutput), "consoleOutput", "TRUE, FALSE or NULL")
  check_argument(is.null(autoCleanup) || is_flag(autoCleanup), "autoCleanup", "TRUE, FALSE or NULL")
  job <- checked_job(jobInfo)
  found <- job_state(job)
  if (found$status != "finished") {
    hint <- switch(found$status,
      running = "Wait for it with rxWaitForJob().",
      missing = "Results are there once, unless `autoCleanup` is FALSE.",
      found$error
    )
    rx_abort("job", sprintf("Job %s has no results: it is %s.", job$id, found$status), hint = hint)
  }
  if (isTRUE(consoleOutput)) {
    cat(engine_call(rx_engine_exec_output, job$number))
  }
  plan <- state$jobs[[job$id]]$plan
  collected <- new_collection(plan)
  answers <- engine_call(rx_engine_exec_answers, job$number)
  for (answer in answers$results) do.call(collected$answers, answer)
  for (answer in answers$failures) do.call(collected$lost, answer)
  if (autoCleanup %||% plan$cleanup) {
    forget_job(job)
  }
  collected$result()
}

#' @rdname rxGetJobStatus
#' @export
rxGetJobOutput <- function(jobInfo) {
  output <- engine_call(rx_engine_exec_output, checked_job(jobInfo)$number)
  cat(output)
  invisible(output)
}

#' @rdname rxGetJobStatus
#' @export
rxWaitForJob <- function(jobInfo) {
  job <- checked_job(jobInfo)
  pause <- 0.001
  while (identical(status <- rxGetJobStatus(job), "running")) {
    Sys.sleep(pause)
    pause <- min(0.1, 2 * pause)
  }
  invisible(status)
}

#' @rdname rxGetJobStatus
#' @export
rxCancelJob <- function(jobInfo, consoleOutput = NULL) {
  check_argument(is.null(consoleOutput) || is_flag(consoleOutput), "consoleOutput", "TRUE, FALSE or NULL")
  job <- checked_job(jobInfo)
  cancelled <- engine_call(rx_engine_exec_cancel, job$number)
  if (isTRUE(consoleOutput)) {
    cat(engine_call(rx_engine_exec_output, job$number))
  }
  cancelled
}

#' @rdname rxGetJobStatus
#' @export
rxGetJobInfo <- function(object) {
  if (inherits(object, "rxJobInfo")) {
    return(object)
  }
  found <- attr(object, "jobInfo", exact = TRUE) %||% if (is.list(object)) object[["jobInfo"]]
  if (inherits(found, "rxJobInfo")) found
}

#' @rdname rxGetJobStatus
#' @export
rxGetJobs <- function(computeContext, exactMatch = FALSE, startTime = NULL, endTime = NULL, states = NULL,
                      verbose = TRUE) {
  check_argument(is_flag(verbose), "verbose", "TRUE or FALSE")
  known <- c("undetermined", "finished", "failed", "canceled", "missing", "running", "queued", "none")
  check_argument(is.null(states) || all(states %in% known), "states", "a vector of states of jobs")
  jobs <- lapply(state$jobs, function(entry) entry$job)
  if (!missing(computeContext)) {
    context <- as_compute_context(computeContext)
    jobs <- Filter(function(job) rxCompareContexts(job$computeContext, context, exactMatch), jobs)
  }
  jobs <- Filter(function(job) was_between(job, startTime, endTime), jobs)
  if (!is.null(states)) {
    jobs <- Filter(function(job) rxGetJobStatus(job) %in% states, jobs)
  }
  jobs <- structure(jobs, names = as.character(names(jobs)), class = "rxJobInfoList")
  if (verbose) {
    print(jobs)
  }
  invisible(jobs)
}

was_between <- function(job, start, end) {
  (is.null(start) || job$startTime >= as.POSIXct(start)) &&
    (is.null(end) || isTRUE(job_state(job)$ended <= as.numeric(as.POSIXct(end))))
}

#' @rdname rxGetJobStatus
#' @export
rxCleanupJobs <- function(jobInfoList, force = FALSE, verbose = TRUE) {
  check_argument(is_flag(force), "force", "TRUE or FALSE")
  check_argument(is_flag(verbose), "verbose", "TRUE or FALSE")
  jobs <- if (inherits(jobInfoList, "rxJobInfo")) list(jobInfoList) else jobInfoList
  cleaned <- 0L
  for (job in lapply(jobs, checked_job)) {
    status <- rxGetJobStatus(job)
    if (status == "missing") {
      next
    }
    if (status == "finished" && !force) {
      warning(
        sprintf("Job %s has finished and keeps its results. Fetch them, or clean up with `force = TRUE`.", job$id),
        call. = FALSE
      )
      next
    }
    forget_job(job)
    cleaned <- cleaned + 1L
    if (verbose) {
      cat("Job ", job$id, " (", status, ") is cleaned up.\n", sep = "")
    }
  }
  invisible(cleaned)
}

#' The job that was started last
#'
#' The job that the last call in a compute context with `wait = FALSE` returned, or NULL.
#'
#' @format A job; see [rxGetJobStatus()].
#' @name rxgLastPendingJob
#' @export rxgLastPendingJob
NULL

#' Starts the tasks of a plan in the background
#'
#' @noRd
start_job <- function(spec, plan, context) {
  number <- engine_call(rx_engine_exec_start, spec, call = plan$call)
  id <- sprintf("rxJob_%d_%.0f", Sys.getpid(), number)
  job <- structure(list(
    id = id, number = number, tasks = plan$count, startTime = Sys.time(), computeContext = context
  ), class = "rxJobInfo")
  # What making the result takes.
  plan <- plan[intersect(c("count", "names", "continue", "cleanup", "call", "conclude"), names(plan))]
  state$jobs[[id]] <- list(job = job, plan = plan)
  state$last_job <- job
  job
}

checked_job <- function(job) {
  found <- rxGetJobInfo(job)
  check_argument(!is.null(found), "jobInfo", "a job, as rxExec() returns it where `wait` is FALSE")
  found
}

#' How a job is, as rx_engine_exec_state() tells it
#'
#' @noRd
job_state <- function(job) {
  job <- checked_job(job)
  # A job of another process has the number of another job here.
  known <- if (!is.null(state$jobs[[job$id]])) engine_call(rx_engine_exec_state, job$number)
  known %||% list(status = "missing")
}

forget_job <- function(job) {
  engine_call(rx_engine_exec_forget, job$number)
  state$jobs[[job$id]] <- NULL
  if (identical(state$last_job$id, job$id)) {
    state$last_job <- NULL
  }
}

#' @export
print.rxJobInfo <- function(x, ...) {
  cat(
    "Job ", x$id, ": ", rxGetJobStatus(x), "\n    ", x$tasks, " tasks, started ", format(x$startTime), "\n",
    sep = ""
  )
  invisible(x)
}

#' @export
print.rxJobInfoList <- function(x, ...) {
  if (length(x) == 0) cat("There are no jobs.\n")
  for (job in x) print(job)
  invisible(x)
}

# Both ways between rxExec() and package foreach.

#' foreach loops by rxExec
#'
#' Makes [rxExec()] the backend of package foreach: loops with `%dopar%` then run in worker processes, as rxExec's tasks
#' do.
#'
#' `registerDoRSR()` is the old name, of RevoScaleR's companion package doRSR.
#'
#' @param computeContext the compute context in which the loops run, or the name of one; one with `wait = FALSE` and
#'   `RxForeachDoPar` cannot be used.
#' @return NULL, invisibly.
#' @seealso [RxForeachDoPar()] for the other way: rxExec by a backend of foreach.
#' @examples
#' if (requireNamespace("foreach", quietly = TRUE)) {
#'   library(foreach)
#'   registerDoRx()
#'   print(foreach(x = 1:4, .combine = c) %dopar% x^2)
#'   registerDoSEQ()
#' }
#' @export
registerDoRx <- function(computeContext = RxLocalParallel()) {
  need_foreach()
  context <- as_compute_context(computeContext)
  waits <- !methods::is(context, "RxLocalParallel") || context@wait
  if (methods::is(context, "RxForeachDoPar") || !waits) {
    rx_abort("argument", "Loops of foreach need a compute context that waits and is not foreach's own.", hint =
      "Use RxLocalParallel() or RxLocalSeq().")
  }
  foreach::setDoPar(do_rx, context, do_rx_info)
}

#' @rdname registerDoRx
#' @export
registerDoRSR <- registerDoRx

do_rx_info <- function(data, item) {
  switch(item,
    workers = default_times(data),
    name = "doRx",
    version = utils::packageDescription("rxscale", fields = "Version")
  )
}

#' Runs a foreach loop; the arguments are those that foreach passes to a backend
#'
#' @noRd
do_rx <- function(obj, expr, envir, data) {
  loop <- iterators::iter(obj)
  accumulator <- foreach::makeAccum(loop)
  sets <- as.list(loop)
  values <- list()
  if (length(sets) > 0) {
    formals <- stats::setNames(rep(list(substitute()), length(obj$argnames)), obj$argnames)
    fun <- as.function(c(formals, expr), envir = envir)
    tasks <- exec_tasks(list(), sets, -1, FALSE, NULL, 1)
    objects <- mget(as.character(obj$export), envir = envir, inherits = TRUE)
    values <- suppressWarnings(run_tasks(data, c(tasks, list(
      fun = fun, objects = objects[setdiff(names(objects), obj$noexport)], label = "FUN", quote = TRUE,
      packages = obj$packages, cleanup = TRUE, continue = TRUE, caller = envir, call = sys.call()
    ))))
  }
  for (i in seq_along(values)) {
    accumulator(values[i], i)
  }
  wrong <- foreach::getErrorValue(loop)
  if (identical(obj$errorHandling, "stop") && !is.null(wrong)) {
    message <- sprintf("task %d failed - \"%s\"", foreach::getErrorIndex(loop), conditionMessage(wrong))
    rx_abort("task", message, call = NULL)
  }
  foreach::getResult(loop)
}

methods::setMethod("default_times", "RxForeachDoPar", function(context) {
  need_foreach()
  foreach::getDoParWorkers()
})

methods::setMethod("run_tasks", "RxForeachDoPar", function(context, plan) {
  need_foreach()
  check_argument(is.null(plan$foreach) || is.list(plan$foreach), "foreachOpts", "a list or NULL", plan$call)
  keep_random_state()
  plan <- portable_plan(plan)
  options <- share_of_options(context, job_options(0)$threads, max(1, foreach::getDoParWorkers()))
  size <- plan$chunk %||% 1
  chunks <- split(seq_len(plan$count), (seq_len(plan$count) - 1) %/% size)
  elems <- lapply(chunks, function(tasks) sliced(plan$elems, tasks))
  # What the expression below names; a backend sends it to each of its workers once, if it can.
  sent <- list2env(list(call = shared_part(plan, options), work = run_slice), parent = topenv())
  loop <- do.call(foreach::foreach, c(list(slice = elems, tasks = chunks, .errorhandling = "pass"), plan$foreach))
  answers <- do.call(foreach::`%dopar%`, list(loop, quote(work(call, slice, tasks))), envir = sent)
  collected <- new_collection(plan)
  for (i in seq_along(chunks)) {
    answer <- answers[[i]]
    if (inherits(answer, "error")) {
      # The backend could not run it at all.
      answer <- list(values = rep(list(answer), length(chunks[[i]])), failed = seq_along(chunks[[i]]))
    }
    collected$take(chunks[[i]], answer$values)
    for (j in answer$failed) collected$fail(chunks[[i]][j], answer$values[[j]])
  }
  collected$result()
})

#' Runs some tasks wherever a backend of foreach does
#'
#' @noRd
run_slice <- function(call, elems, tasks) {
  old <- current_options()
  outer_task <- state$task
  folder <- getwd()
  keep_random_state()
  on.exit({
    state$options <- old
    state$task <- outer_task
    setwd(folder)
  }, add = TRUE)
  state$options <- call$options
  if (dir.exists(call$folder)) setwd(call$folder)
  with_packages(call$packages)
  run <- task_runner(call, elems, call$env)
  values <- vector("list", length(tasks))
  failed <- integer()
  for (task in seq_along(tasks)) {
    state$task <- tasks[[task]]
    values[task] <- tryCatch(list(run(task)), error = function(condition) {
      failed <<- c(failed, task)
      list(small_condition(condition))
    })
  }
  list(values = values, failed = failed)
}

need_foreach <- function() {
  if (!requireNamespace("foreach", quietly = TRUE)) {
    rx_abort("unsupported", "This needs package foreach, which is not installed.", hint = "Install foreach.")
  }
}

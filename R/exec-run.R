# How the tasks of rxExec() are run in each compute context. A plan is the list that rxExec() makes.

#' Runs the tasks of a plan; the result of rxExec()
#'
#' @noRd
#' @include context.R
methods::setGeneric("run_tasks", function(context, plan) standardGeneric("run_tasks"))

#' How often rxExec() runs a function where nothing says it
#'
#' @noRd
methods::setGeneric("default_times", function(context) standardGeneric("default_times"))

methods::setMethod("default_times", "RxComputeContext", function(context) 1)

methods::setMethod("run_tasks", "RxLocalSeq", function(context, plan) {
  refuse_foreach_options(plan)
  with_packages(plan$packages)
  if (!is.null(plan$elems$seeds)) {
    keep_random_state()
  }
  if (isFALSE(plan$console)) {
    nowhere <- file(nullfile(), open = "w")
    sink(nowhere)
    on.exit({
      sink()
      close(nowhere)
    }, add = TRUE)
  }
  plan$fun <- with_objects(plan$fun, plan$objects)
  run <- task_runner(plan, plan$elems, plan$caller)
  collected <- new_collection(plan)
  for (task in seq_len(plan$count)) {
    value <- tryCatch(list(run(task)), error = identity)
    go_on <- if (inherits(value, "error")) collected$fail(task, value) else collected$take(task, value)
    if (!go_on) {
      break
    }
  }
  collected$result()
})

methods::setMethod("default_times", "RxLocalParallel", function(context) job_options(0)$threads)

methods::setMethod("run_tasks", "RxLocalParallel", function(context, plan) {
  refuse_foreach_options(plan)
  job <- job_options(label = "Tasks finished")
  workers <- min(job$threads, plan$count)
  plan <- portable_plan(plan)
  call <- shared_part(plan, share_of_options(context, job$threads, workers))
  # What is small travels with what all tasks share, so that no task needs a message of its own.
  together <- !context@wait || utils::object.size(plan$elems) <= 1e6
  call$elems <- if (together) plan$elems
  spec <- c(worker_command(), list(
    workers = workers, keep = job$threads, tasks = plan$count, common = exec_bytes(call, plan$call),
    arguments = !together, chunk = plan$chunk,
    # What has no elements is to run once on every worker.
    head_start = length(plan$elems$args) + length(plan$elems$sets) > 0, retries = context@taskRetries,
    timeout = if (context@executionTimeoutSeconds > 0) context@executionTimeoutSeconds
  ))
  if (!context@wait) {
    return(start_job(spec, plan, context))
  }
  collected <- new_collection(plan)
  trouble <- NULL
  events <- list(
    arguments = function(from, to) {
      tryCatch(exec_bytes(sliced(plan$elems, seq(from + 1, to)), plan$call), error = function(condition) {
        trouble <<- condition
        NULL
      })
    },
    results = collected$answers, failed = collected$lost,
    printed = if (isTRUE(plan$console)) function(text) cat(text)
  )
  if (plan$count > 0) {
    raise <- function(condition) stop(trouble %||% condition)
    tryCatch(engine_call(rx_engine_exec, spec, events, job, call = plan$call), rxscale_error = raise)
  }
  collected$result()
})

#' A plan whose functions can be sent to another process; with `env`, where its expressions are
#' evaluated
#'
#' @noRd
portable_plan <- function(plan) {
  luggage <- new_luggage()
  pack <- function(value) packed(value, plan$caller, luggage)
  # Objects that are named may be used where the code does not show it.
  plan$fun <- with_objects(pack(plan$fun), lapply(plan$objects, pack))
  plan$template <- lapply(plan$template, pack)
  for (kind in c("args", "sets")) {
    plan$elems[[kind]][] <- lapply(plan$elems[[kind]], pack)
  }
  plan$packages <- unique(c(luggage$packages, plan$packages))
  plan$env <- packed_environment(plan$caller, luggage)
  plan
}

#' What all tasks of a plan share, as it is sent to workers
#'
#' @noRd
shared_part <- function(plan, options) {
  parts <- c("fun", "template", "label", "positions", "quote", "packages", "env", "cleanup")
  c(plan[parts], list(options = options, folder = getwd()))
}

# The context of a worker. Making one takes as long as a small task.
local_context <- RxLocalSeq()

#' The options of a worker: those of this session, but for a share of the cores and work that stays in the worker
#'
#' @noRd
share_of_options <- function(context, cores, workers) {
  options <- current_options()
  options$numCoresToUse <- max(1, cores %/% max(1, workers))
  folders <- list(context@dataPath, context@outDataPath)
  plain <- is.null(unlist(folders))
  options$computeContext <- if (plain) local_context else RxLocalSeq(local_context, folders[[1]], folders[[2]])
  options$reportProgress <- 0
  options
}

#' How a worker process is started
#'
#' It has the libraries of this session, the one that rxscale comes from first, and a temporary folder inside of this
#' session's, which goes when the session ends.
#'
#' @noRd
worker_command <- function() {
  # Making it takes as long as a small task.
  places <- c(tempdir(), .libPaths())
  if (!identical(state$command$places, places)) {
    state$command <- list(places = places, made = new_worker_command())
  }
  state$command$made
}

new_worker_command <- function() {
  folder <- file.path(tempdir(), "rxscale-workers")
  dir.create(folder, showWarnings = FALSE)
  libraries <- unique(c(dirname(getNamespaceInfo("rxscale", "path")), .libPaths()))
  env <- c(
    R_LIBS = paste(libraries, collapse = .Platform$path.sep), TMPDIR = folder,
    # R CMD check sets it for its own scripts.
    R_TESTS = ""
  )
  list(
    program = file.path(R.home("bin"), "R"), args = c("--no-echo", "--vanilla", "-e", "rxscale:::exec_worker()"),
    env_names = names(env), env_values = unname(env)
  )
}

#' Bytes of what goes to another process
#'
#' A connection cannot go there. Other things that live outside of R's memory arrive as nothing, which some packages can
#' do with: a warning says so.
#'
#' @noRd
exec_bytes <- function(x, call = user_call()) {
  outside <- FALSE
  look <- function(reference) {
    what <- if (typeof(reference) == "externalptr") rx_engine_pointer(reference)
    if (identical(what, "connection")) {
      stop("an open connection belongs to this process")
    }
    outside <<- outside || identical(what, "something")
    NULL
  }
  bytes <- tryCatch(
    serialize(x, NULL, xdr = FALSE, refhook = look),
    error = function(condition) {
      rx_abort(
        "argument",
        sprintf("The function or its arguments cannot be sent to a worker: %s.", conditionMessage(condition)),
        hint = "Let the function make in the worker what cannot be sent.", call = call
      )
    }
  )
  if (outside) {
    warning(
      "The function or its arguments hold an external pointer, which arrives in the workers as a pointer to nothing.",
      call. = FALSE
    )
  }
  bytes
}

refuse_foreach_options <- function(plan) {
  if (!is.null(plan$foreach)) {
    rx_abort(
      "argument", "`foreachOpts` has no meaning in this compute context.", hint = "Use it with RxForeachDoPar.",
      call = plan$call
    )
  }
}

#' Collects the answers of tasks
#'
#' @return a list of functions. `take(tasks, values)`, `fail(task, condition)`, `answers(from, to, body)` with the bytes
#'   of a worker, and `lost(...)`, arguments of `failed` of rx_engine_exec(), say whether to go on; `result()` is the
#'   result of rxExec().
#' @noRd
new_collection <- function(plan) {
  values <- vector("list", plan$count)
  failed <- integer()
  take <- function(tasks, results) {
    values[tasks] <<- results
    TRUE
  }
  fail <- function(task, condition) {
    values[[task]] <<- condition
    failed <<- c(failed, task)
    plan$continue
  }
  answers <- function(from, to, body) {
    tasks <- (from + 1):to
    answer <- tryCatch(unserialize(body), error = function(condition) {
      list(values = rep(list(condition), length(tasks)), failed = seq_along(tasks))
    })
    for (condition in answer$warnings) {
      warning(condition)
    }
    take(tasks, answer$values)
    failed <<- c(failed, tasks[answer$failed])
    plan$continue || length(answer$failed) == 0
  }
  lost <- function(task, kind, how, output, number) fail(task + 1, lost_task(kind, how, output, number, plan$call))
  list(take = take, fail = fail, answers = answers, lost = lost, result = function() {
    names(values) <- plan$names
    if (length(failed) > 0) tell_failures(values, sort(failed), plan)
    if (is.null(plan$conclude)) values else plan$conclude(values, failed)
  })
}

#' The condition of a task whose worker died or was stopped
#'
#' @noRd
lost_task <- function(kind, how, output, number, call) {
  message <- if (kind == "timeout") {
    sprintf("The task took longer than %g seconds and was stopped.", number)
  } else {
    tried <- if (number > 1) sprintf(" It was tried %d times.", as.integer(number)) else ""
    said <- if (nzchar(output)) paste0("\nThe worker said:\n", output) else ""
    sprintf("The worker process %s while it ran the task.%s%s", how, tried, said)
  }
  tryCatch(rx_abort(kind, message, call = call), error = identity)
}

#' Warns of failed tasks, or raises the error of the first one
#'
#' @noRd
tell_failures <- function(values, failed, plan) {
  first <- values[[failed[1]]]
  message <- sprintf("Task %s failed: %s", plan$names[failed[1]], conditionMessage(first))
  if (!plan$continue) {
    rx_abort("task", message, call = plan$call)
  }
  if (length(failed) > 1) {
    message <- sprintf("%d of %d tasks failed. %s", length(failed), plan$count, message)
  }
  warning(simpleWarning(message, plan$call))
}

#' Attaches packages until the calling function ends
#'
#' @noRd
with_packages <- function(packages, frame = parent.frame()) {
  for (package in packages) {
    name <- paste0("package:", package)
    if (!name %in% search()) {
      attach_package(package)
      do.call(on.exit, list(call("detach", name, character.only = TRUE), add = TRUE), envir = frame)
    }
  }
}

attach_package <- function(package) {
  suppressPackageStartupMessages(library(package, character.only = TRUE, warn.conflicts = FALSE))
}

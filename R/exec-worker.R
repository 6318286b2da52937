# What runs in a worker process of rxExec(), and in every process that runs one of its tasks.

#' The loop of a worker process: takes calls and chunks of their tasks until there will be none any more
#'
#' @noRd
exec_worker <- function() {
  attach_package("rxscale")
  engine_call(rx_worker_open)
  Sys.unsetenv("RXSCALE_WORKER")
  call <- NULL
  while (!is.null(work <- engine_call(rx_worker_receive))) {
    if (!work$call) {
      run_chunk(call, work)
    } else if (length(work$body) > 0) {
      # After a short call nothing has said that it is over.
      end_call(call)
      call <- tryCatch(begun_call(work$body), error = identity)
    } else {
      end_call(call)
      call <- NULL
    }
  }
  quit("no")
}

#' Takes in what all tasks of a call share
#'
#' @noRd
begun_call <- function(body) {
  call <- unserialize(body)
  call$size <- length(body)
  state$options <- call$options
  setwd(call$folder)
  for (package in call$packages) {
    attach_package(package)
  }
  call
}

#' Forgets a call and what its tasks have left
#'
#' @noRd
end_call <- function(call) {
  if (is.list(call) && isTRUE(call$cleanup)) {
    left <- ls(globalenv(), all.names = TRUE)
    if (!all(left == ".Random.seed")) {
      rm(list = setdiff(left, ".Random.seed"), envir = globalenv())
    }
    if (call$size > 1e7) {
      rm(call)
      gc()
    }
  }
}

#' Runs the tasks of a chunk that nobody takes away, and sends their results
#'
#' @param call as begun_call() has it, or the condition that it raised
#' @param work as rx_worker_receive() has it
#' @noRd
run_chunk <- function(call, work) {
  elems <- if (length(work$body) > 0) unserialize(work$body) else call$elems
  first <- if (length(work$body) > 0) work$from else 0
  run <- if (inherits(call, "condition")) function(task) stop(call) else task_runner(call, elems, call$env)
  from <- work$from
  repeat {
    values <- list()
    failed <- integer()
    warned <- list()
    count <- 0L
    take <- function() {
      # This one's, and that of `run`.
      state$outer_frames <- sys.nframe() + 1
      while ((task <- rx_worker_next()) >= 0L) {
        count <<- count + 1L
        state$task <- task + 1L
        values[count] <<- list(run(task - first + 1))
      }
      TRUE
    }
    remember <- function(condition) {
      if (length(warned) < 20) warned <<- c(warned, list(small_condition(condition)))
      tryInvokeRestart("muffleWarning")
    }
    fail <- function(condition) {
      values[count] <<- list(small_condition(condition))
      failed <<- c(failed, count)
      FALSE
    }
    finished <- FALSE
    while (!finished) {
      finished <- tryCatch(withCallingHandlers(take(), warning = remember), error = fail)
    }
    body <- answer_bytes(values, failed, warned)
    more <- engine_call(rx_worker_results, from, from + count, body)
    from <- from + count
    if (!more) {
      break
    }
  }
  while (sink.number() > 0) sink()
}

#' The bytes of some results; a result that has none becomes its error
#'
#' @noRd
answer_bytes <- function(values, failed, warned) {
  bytes <- function() serialize(list(values = values, failed = failed, warnings = warned), NULL, xdr = FALSE)
  tryCatch(bytes(), error = function(condition) {
    for (i in seq_along(values)) {
      wrong <- tryCatch({
        serialize(values[[i]], NULL, xdr = FALSE)
        NULL
      }, error = identity)
      if (!is.null(wrong)) {
        values[i] <<- list(small_condition(wrong))
        failed <<- union(failed, i)
      }
    }
    bytes()
  })
}

#' A function that runs a task by its number, from 1
#'
#' @param call list with `fun`, its `label`, `template`, `positions` and `quote`
#' @param elems what differs between tasks
#' @param env where arguments that are expressions are evaluated
#' @noRd
task_runner <- function(call, elems, env) {
  env <- new.env(parent = env)
  label <- call$label
  # The call of a task names the function instead of holding its code.
  assign(label, call$fun, envir = env)
  template <- call$template
  positions <- call$positions
  args <- elems$args
  sets <- elems$sets
  seeds <- elems$seeds
  quote <- call$quote
  if (length(positions) == 1 && is.null(sets) && is.null(seeds)) {
    values <- args[[1]]
    return(function(task) {
      arguments <- template
      arguments[positions] <- list(values[[task]])
      do.call(label, arguments, quote, env)
    })
  }
  function(task) {
    arguments <- template
    for (i in seq_along(positions)) {
      arguments[positions[[i]]] <- list(args[[i]][[task]])
    }
    if (!is.null(sets)) {
      arguments <- c(sets[[task]], arguments)
    }
    if (!is.null(seeds)) {
      set_random_state(seeds[[task]])
    }
    do.call(label, arguments, quote, env)
  }
}

#' What differs between some of the tasks
#'
#' @noRd
sliced <- function(elems, tasks) {
  list(args = lapply(elems$args, `[`, tasks), sets = elems$sets[tasks], seeds = elems$seeds[tasks])
}

#' A condition whose call does not hold the data that do.call() put into it
#'
#' @noRd
small_condition <- function(condition) {
  call <- conditionCall(condition)
  if (is.call(call)) {
    for (i in seq_along(call)[-1]) {
      # Not the empty argument, as of x[1, ].
      if (!identical(call[[i]], substitute())) {
        value <- call[[i]]
        small <- is.language(value) || is.null(value) || (is.atomic(value) && length(value) <= 10)
        if (!small) call[[i]] <- quote(...)
      }
    }
    if (is.function(call[[1]])) call[[1]] <- quote(FUN)
    condition$call <- call
  }
  condition
}

#' Run a function many times, in parallel
#'
#' Runs a function once for each of several sets of arguments, where the compute context says: one after the other in
#' this process ([RxLocalSeq()], the default), shared among worker processes ([RxLocalParallel()]), or by a foreach
#' backend ([RxForeachDoPar()]).
#'
#' **Tasks.** An argument wrapped in `rxElemArg()` gives each task one of its elements; all other arguments in `...` are
#' the same for all tasks. `elemArgs` is a list with the arguments of each task. If several of these are given they have
#' the same length, the number of tasks; an `elemArgs` of one element, and `timesToRun`, repeat the same call. If
#' nothing says how many tasks there are, the function runs once, with `RxLocalParallel` once for each of
#' `rxGetOption("numCoresToUse")`, with `RxForeachDoPar` once a worker of the backend.
#'
#' **Workers** are R processes that are started when first needed and kept until the session ends. Tasks are shared
#' among them as they become idle. What the function needs travels with it: variables that it uses, found in its code,
#' and the packages attached here in which it uses something. What code cannot tell, such as `get("x")`, is named in
#' `execObjects`. The function sees the working directory and the [rxOptions()] of this session. A worker uses its share
#' of the cores, and an `rxExec()` in a task runs in the worker.
#'
#' **Faults.** A task that fails leaves its error in the result and the others go on; one warning says so. If a worker
#' process dies, another one takes its place, and the task that it died in is tried once more before it fails with an
#' error of class `rxscale_error_worker`, which quotes the end of what the worker printed as errors. Tasks that it had
#' finished within the last 50 ms may run again. Ctrl-C stops all tasks.
#'
#' **Random numbers.** With `RNGseed` (or `RNGkind`) every task has a stream of its own, by L'Ecuyer's generator, so the
#' numbers are the same in every context and for any number of workers. Task 1 has the stream that
#' `RNGkind("L'Ecuyer-CMRG"); set.seed(RNGseed)` starts, each further task what [parallel::nextRNGStream()] makes of
#' that before. The generator of this session is not touched. Without them tasks in workers draw numbers that nobody can
#' reproduce.
#'
#' @param FUN a function, or the name of one.
#' @param ... its arguments. Those in `rxElemArg()` give each task one element.
#' @param elemArgs a list with an element for each task: a list of arguments, or a single argument. They come before
#'   those in `...`. Its names are those of the result.
#' @param elemType `"nodes"` or `"cores"`: no difference, since there is one node.
#' @param oncePerElem TRUE runs the function once on each node, that is once; the result has the node's name.
#' @param timesToRun how many tasks there are; -1 leaves that to the other arguments.
#' @param packagesToLoad packages that are attached while the tasks run.
#' @param execObjects names of objects, or an environment of objects, that the function sees besides its own.
#' @param taskChunkSize how many tasks a worker gets at once; NULL adapts to them.
#' @param quote passed on to [do.call()]: whether arguments that are expressions are kept from being evaluated.
#' @param consoleOutput whether what the tasks print is shown. NULL shows it with `RxLocalSeq` and keeps it for
#'   [rxGetJobOutput()] in background jobs.
#' @param autoCleanup whether objects that tasks leave in the global environment of a worker are removed after the call,
#'   and the results of a background job after [rxGetJobResults()]; NULL means TRUE.
#' @param continueOnFailure whether the other tasks go on when one fails; FALSE raises an error of class
#'   `rxscale_error_task`.
#' @param RNGseed NULL, an integer, or `"auto"`, which takes one from this session's generator.
#' @param RNGkind NULL, `"auto"` or `"L'Ecuyer-CMRG"`. The generators of RevoScaleR's library (`"MT2203"`, ...) stand
#'   for the same, with a warning.
#' @param foreachOpts with `RxForeachDoPar`: a list of further arguments for [foreach::foreach()].
#' @param x a list or a vector.
#' @return A list of results in the order of the tasks, named by `elemArgs` or `rxElem1`, `rxElem2`, ...; of a context
#'   with `wait = FALSE` a job (see [rxGetJobStatus()]). `rxElemArg()` returns a wrapped `x`.
#' @seealso [rxGetJobStatus()] for background jobs, [registerDoRx()] for loops of foreach; `vignette("parallel")`.
#' @examples
#' old <- rxSetComputeContext(RxLocalParallel())
#' rxExec(function(n, mean) summary(rnorm(n, mean)), n = 100, mean = rxElemArg(1:4), RNGseed = 17)
#'
#' # One model a carrier.
#' flights <- rxImport(file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"))
#' models <- rxExec(
#'   rxLinMod, arr_delay ~ dep_delay,
#'   data = rxElemArg(split(flights, flights$carrier)[c("UA", "B6")]), reportProgress = 0
#' )
#' sapply(models, coef)
#' rxSetComputeContext(old)
#' @export
rxExec <- function(FUN, ..., elemArgs, elemType = "nodes", oncePerElem = FALSE, timesToRun = -1L, packagesToLoad = NULL,
                   execObjects = NULL, taskChunkSize = NULL, quote = FALSE, consoleOutput = NULL, autoCleanup = NULL,
                   continueOnFailure = TRUE, RNGseed = NULL, RNGkind = NULL, foreachOpts = NULL) {
  check_argument(is_string(elemType) && elemType %in% c("nodes", "cores"), "elemType", '"nodes" or "cores"')
  check_argument(is_flag(oncePerElem), "oncePerElem", "TRUE or FALSE")
  check_argument(is.null(packagesToLoad) || is_strings(packagesToLoad), "packagesToLoad", "a character vector or NULL")
  chunk_ok <- is.null(taskChunkSize) || (is_count(taskChunkSize) && taskChunkSize > 0)
  check_argument(chunk_ok, "taskChunkSize", "a positive whole number or NULL")
  check_argument(is_flag(quote), "quote", "TRUE or FALSE")
  check_argument(is.null(consoleOutput) || is_flag(consoleOutput), "consoleOutput", "TRUE, FALSE or NULL")
  check_argument(is.null(autoCleanup) || is_flag(autoCleanup), "autoCleanup", "TRUE, FALSE or NULL")
  check_argument(is_flag(continueOnFailure), "continueOnFailure", "TRUE or FALSE")
  for (package in packagesToLoad) {
    if (!nzchar(system.file(package = package))) {
      rx_abort("argument", sprintf("There is no package '%s' to load.", package))
    }
  }
  context <- rxGetComputeContext()
  caller <- parent.frame()
  label <- substitute(FUN)
  fun <- if (is.function(FUN)) FUN else named_function(FUN, caller)
  tasks <- exec_tasks(
    list(...), if (!missing(elemArgs)) elemArgs, timesToRun, oncePerElem, taskChunkSize, default_times(context)
  )
  tasks$elems$seeds <- exec_streams(RNGseed, RNGkind, tasks$count)
  plan <- c(tasks, list(
    fun = fun, objects = exec_objects(execObjects, caller), label = if (is.name(label)) as.character(label) else "FUN",
    quote = quote, packages = packagesToLoad, chunk = taskChunkSize, console = consoleOutput,
    cleanup = autoCleanup %||% TRUE, continue = continueOnFailure, caller = caller, foreach = foreachOpts,
    call = sys.call()
  ))
  run_tasks(context, plan)
}

#' @rdname rxExec
#' @export
rxElemArg <- function(x) {
  check_argument((is.vector(x) || is.list(x) || is.atomic(x)) && !is.null(x), "x", "a list or a vector")
  structure(list(elements = x), class = "rxElemArg")
}

#' What differs between tasks, and what does not
#'
#' @return a list: `count` of tasks, their `names`, the arguments that all share as `template`, and `elems`: `args`, a
#'   list of vectors whose elements go to the `positions` of the template, and `sets`, a list of lists of arguments
#' @noRd
exec_tasks <- function(args, sets, times, once, chunk, default) {
  elem <- vapply(args, inherits, NA, "rxElemArg")
  vectors <- lapply(unname(args[elem]), function(arg) arg$elements)
  template <- args
  template[elem] <- list(NULL)
  names <- names(sets)
  sets <- argument_sets(sets)
  lengths <- c(lengths(vectors), if (length(sets) > 1) length(sets))
  count <- task_count(lengths, times, once, if (length(sets) == 1) 1 else default)
  if (once && !is.null(chunk)) {
    rx_abort("argument", "`taskChunkSize` and `oncePerElem` exclude each other.", hint = "Give one of them.")
  }
  if (length(sets) == 1 && count > 1) {
    sets <- rep(sets, count)
    names <- NULL
  }
  numbered <- if (count > 0) paste0("rxElem", seq_len(count)) else character()
  names <- if (once) rx_node_name() else names %||% numbered
  list(
    count = count, names = names, template = template, positions = unname(which(elem)),
    elems = list(args = vectors, sets = sets)
  )
}

#' elemArgs as a list of lists of arguments
#'
#' @noRd
argument_sets <- function(sets) {
  if (is.null(sets)) {
    return(NULL)
  }
  check_argument(is.vector(sets) && length(sets) > 0, "elemArgs", "a list with the arguments of each task")
  lapply(unname(sets), function(set) if (is.list(set) && !is.object(set)) set else list(set))
}

#' The number of tasks
#'
#' @param lengths those of all that is distributed
#' @param default where nothing says it
#' @noRd
task_count <- function(lengths, times, once, default) {
  check_argument(is_whole(times) && (times == -1 || times >= 0), "timesToRun", "a number of times, or -1")
  if (any(lengths != lengths[1])) {
    rx_abort(
      "argument", sprintf("What is distributed has different lengths: %s.", paste(lengths, collapse = ", ")),
      hint = "Give all of rxElemArg() and elemArgs one element for each task."
    )
  }
  count <- if (length(lengths)) lengths[[1]] else if (times >= 0) times else if (once) 1 else default
  if (times >= 0 && times != count) {
    rx_abort(
      "argument", sprintf("`timesToRun` is %.0f, but what is distributed has %.0f elements.", times, count),
      hint = "Leave out `timesToRun`."
    )
  }
  if (once && count != 1) {
    rx_abort(
      "argument", sprintf("With `oncePerElem` there is one task a node, that is one, not %.0f.", count),
      hint = "Leave out `oncePerElem`."
    )
  }
  as.integer(count)
}

#' The name of this machine as that of an element: upper case, without a domain
#'
#' @noRd
rx_node_name <- function() gsub("-", "_", toupper(sub("[.].*", "", Sys.info()[["nodename"]])))

named_function <- function(name, caller, argument = "FUN") {
  check_argument(is_string(name), argument, "a function or the name of one")
  fun <- get0(name, envir = caller, mode = "function")
  if (is.null(fun)) {
    rx_abort("argument", sprintf("There is no function '%s'.", name))
  }
  fun
}

#' The objects of `execObjects`, as a named list
#'
#' @noRd
exec_objects <- function(objects, caller) {
  if (is.environment(objects)) {
    return(as.list(objects, all.names = TRUE))
  }
  must <- "names of objects, an environment or NULL"
  check_argument(is.null(objects) || is_strings(objects), "execObjects", must)
  for (name in objects) {
    if (!exists(name, envir = caller)) {
      rx_abort("argument", sprintf("`execObjects` names '%s', but there is no such object.", name))
    }
  }
  mget(as.character(objects), envir = caller, inherits = TRUE)
}

#' A function that sees some objects before its own
#'
#' @noRd
with_objects <- function(fun, objects) {
  if (length(objects) > 0 && !is.primitive(fun)) {
    environment(fun) <- list2env(objects, parent = environment(fun))
  }
  fun
}

# Generators of RevoScaleR's library.
mkl_kinds <- c("MT2203", "MCG31", "R250", "MRG32K3A", "MCG59", "MT19937", "SFMT19937", "SOBOL", "NIEDERR")

#' A stream of random numbers for each task, as values of .Random.seed; NULL where none are asked for
#'
#' @noRd
exec_streams <- function(seed, kind, count) {
  if (is.null(seed) && is.null(kind)) {
    return(NULL)
  }
  check_streams(seed, kind)
  if (!is.numeric(seed)) {
    seed <- sample.int(.Machine$integer.max, 1)
  }
  keep_random_state()
  RNGkind("L'Ecuyer-CMRG", "default", "default")
  set.seed(seed)
  stream <- random_state()
  streams <- vector("list", count)
  for (task in seq_len(count)) {
    streams[[task]] <- stream
    stream <- parallel::nextRNGStream(stream)
  }
  streams
}

check_streams <- function(seed, kind) {
  must <- "an integer, \"auto\" or NULL"
  check_argument(is.null(seed) || identical(seed, "auto") || is_seed(seed), "RNGseed", must)
  must <- "\"auto\", \"L'Ecuyer-CMRG\" or NULL"
  check_argument(is.null(kind) || (is_string(kind) && kind %in% c("auto", "L'Ecuyer-CMRG", mkl_kinds)), "RNGkind", must)
  if (!is.null(kind) && kind %in% mkl_kinds) {
    warning(sprintf("There is no generator '%s' here: streams are those of L'Ecuyer-CMRG.", kind), call. = FALSE)
  }
}

#' Brings this session's random numbers back where they were when the calling function ends
#'
#' @noRd
keep_random_state <- function(frame = parent.frame()) {
  kinds <- RNGkind()
  before <- random_state()
  restore <- function() {
    suppressWarnings(do.call(RNGkind, as.list(kinds)))
    if (is.null(before)) {
      rm(list = ".Random.seed", envir = globalenv())
    } else {
      set_random_state(before)
    }
  }
  do.call(on.exit, list(as.call(list(restore)), add = TRUE), envir = frame)
}

set_random_state <- function(state) assign(".Random.seed", state, envir = globalenv())

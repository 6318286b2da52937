#' Compute contexts: where the work runs
#'
#' Analyses run in this process on all cores (`rxGetOption("numCoresToUse")`), whatever the compute context. The context
#' decides where [rxExec()] runs its tasks:
#'
#' | context | name | tasks run |
#' |---|---|---|
#' | `RxLocalSeq` (the default) | `"local"` | one after the other in this process |
#' | `RxLocalParallel` | `"localpar"` | shared among worker processes, as many as there are cores to use |
#' | `RxForeachDoPar` | `"dopar"` | by the backend registered with package foreach |
#'
#' `wait`, `executionTimeoutSeconds` and `taskRetries` of `RxLocalParallel` are not in RevoScaleR.
#'
#' @param object a compute context whose fields the other arguments replace.
#' @param dataPath,outDataPath folders where data files with relative names are searched and written; NULL leaves that
#'   to the options of those names.
#' @param wait FALSE runs the tasks in the background: `rxExec()` returns a job at once (see [rxGetJobStatus()]).
#' @param executionTimeoutSeconds how long a task may take before it is stopped and fails with an error of class
#'   `rxscale_error_timeout`; 0 for no limit.
#' @param taskRetries how often a task is tried again whose worker process died.
#' @param computeContext a compute context, or the name of one, in any case: `"RxLocalParallel"` or `"localpar"`.
#' @param context1,context2 compute contexts or names of them.
#' @param exactMatch whether all fields must agree, not only the kind of context.
#' @param ... fields to replace in `computeContext`.
#' @return The constructors, `RxComputeContext()` and `rxGetComputeContext()` return a compute context;
#'   `rxSetComputeContext()` the previous one, invisibly; `rxCompareContexts()` TRUE or FALSE.
#' @seealso [RxHadoopMR()] for contexts of platforms that are gone.
#' @examples
#' old <- rxSetComputeContext("localpar", dataPath = tempdir())
#' rxGetComputeContext()
#' rxSetComputeContext(old)
#' rxCompareContexts("local", RxLocalSeq())
#' @export
RxLocalSeq <- function(object, dataPath = NULL, outDataPath = NULL) {
  new_context("RxLocalSeq", environment())
}

#' @rdname RxLocalSeq
#' @export
RxLocalParallel <- function(object, dataPath = NULL, outDataPath = NULL, wait = TRUE, executionTimeoutSeconds = 0,
                            taskRetries = 1) {
  check_argument(is_flag(wait), "wait", "TRUE or FALSE")
  positive <- is_number(executionTimeoutSeconds) && executionTimeoutSeconds >= 0
  check_argument(positive, "executionTimeoutSeconds", "a number of seconds, or 0")
  check_argument(is_count(taskRetries), "taskRetries", "a number of times")
  new_context("RxLocalParallel", environment())
}

#' @rdname RxLocalSeq
#' @export
RxForeachDoPar <- function(object, dataPath = NULL, outDataPath = NULL) {
  new_context("RxForeachDoPar", environment())
}

#' @rdname RxLocalSeq
#' @export
RxComputeContext <- function(computeContext, ...) changed_context(as_compute_context(computeContext), ...)

#' @rdname RxLocalSeq
#' @export
rxSetComputeContext <- function(computeContext, ...) {
  context <- changed_context(as_compute_context(computeContext), ...)
  old <- rxOptions(computeContext = context)
  invisible(old$computeContext)
}

#' @rdname RxLocalSeq
#' @export
rxGetComputeContext <- function() rxGetOption("computeContext")

#' @rdname RxLocalSeq
#' @export
rxCompareContexts <- function(context1, context2, exactMatch = FALSE) {
  check_argument(is_flag(exactMatch), "exactMatch", "TRUE or FALSE")
  context1 <- as_compute_context(context1, "context1")
  context2 <- as_compute_context(context2, "context2")
  if (exactMatch) identical(context1, context2) else identical(class(context1), class(context2))
}

#' Makes a context of a constructor's arguments, or changes the one that it was given
#'
#' @param given the constructor's frame
#' @noRd
new_context <- function(class, given) {
  old <- !eval(quote(missing(object)), given)
  context <- if (old) given$object else methods::new(class)
  check_argument(methods::is(context, class), "object", sprintf("an %s compute context", class))
  for (field in c("dataPath", "outDataPath")) {
    folders <- given[[field]]
    check_argument(is.null(folders) || is_strings(folders), field, "a character vector of folders or NULL")
  }
  for (field in methods::slotNames(class)) {
    if (!old || !eval(call("missing", as.name(field)), given)) {
      methods::slot(context, field) <- given[[field]]
    }
  }
  context
}

#' The context with other fields
#'
#' @noRd
changed_context <- function(context, ...) {
  if (...length() == 0) {
    return(context)
  }
  constructor <- get(class(context), envir = topenv())
  unknown <- setdiff(dot_names(...), names(formals(constructor))[-1])
  if (length(unknown) > 0) {
    near <- nearest_name(unknown[1], names(formals(constructor))[-1])
    hint <- if (!is.null(near)) {
      sprintf("Did you mean `%s`?", near)
    } else if (unknown[1] == "wait") {
      "RxLocalParallel has: it runs tasks in the background."
    }
    rx_abort("argument", sprintf("%s has no field `%s`.", class(context), unknown[1]), hint = hint)
  }
  constructor(context, ...)
}

context_names <- c(
  RxLocalSeq = "local", RxLocalParallel = "localpar", RxForeachDoPar = "dopar", RxSpark = "spark",
  RxHadoopMR = "hadoopmr", RxInSqlServer = "sqlserver", RxInTeradata = "teradata"
)

#' A compute context from its name or itself
#'
#' @noRd
as_compute_context <- function(x, name = "computeContext") {
  if (methods::is(x, "RxComputeContext")) {
    return(x)
  }
  check_argument(is_string(x), name, "a compute context or the name of one")
  known <- c(names(context_names), context_names)
  at <- match(tolower(x), tolower(known))
  if (is.na(at)) {
    near <- nearest_name(x, known)
    rx_abort(
      "argument", sprintf("There is no compute context '%s'.", x),
      hint = if (!is.null(near)) sprintf("Did you mean '%s'?", near)
    )
  }
  class <- rep(names(context_names), 2)[at]
  switch(class,
    RxLocalSeq = RxLocalSeq(),
    RxLocalParallel = RxLocalParallel(),
    RxForeachDoPar = RxForeachDoPar(),
    RxSpark = rx_abort(
      "unsupported", "The compute context 'RxSpark' is not supported yet.",
      hint = "Use RxLocalSeq or RxLocalParallel, which work on all cores of this machine."
    ),
    retired_context(class)
  )
}

#' Compute context classes
#'
#' @slot dataPath,outDataPath folders where data files are searched and written, or NULL
#' @slot wait whether calls wait for their tasks
#' @slot executionTimeoutSeconds seconds that a task may take, or 0
#' @slot taskRetries how often a task is tried again whose worker died
#' @name RxComputeContext-class
#' @aliases RxLocalSeq-class RxLocalParallel-class RxForeachDoPar-class
#' @keywords internal
#' @include source.R
NULL

#' @rdname RxComputeContext-class
#' @exportClass RxComputeContext
methods::setClass("RxComputeContext", representation = methods::representation(
  "VIRTUAL",
  dataPath = "characterORNULL", outDataPath = "characterORNULL"
))

#' @rdname RxComputeContext-class
#' @exportClass RxLocalSeq
methods::setClass("RxLocalSeq", contains = "RxComputeContext")

#' @rdname RxComputeContext-class
#' @exportClass RxLocalParallel
methods::setClass("RxLocalParallel", contains = "RxComputeContext", representation = methods::representation(
  wait = "logical", executionTimeoutSeconds = "numeric", taskRetries = "numeric"
))

#' @rdname RxComputeContext-class
#' @exportClass RxForeachDoPar
methods::setClass("RxForeachDoPar", contains = "RxComputeContext")

#' @rdname RxComputeContext-class
#' @param object a compute context.
#' @importFrom methods show
#' @export
methods::setMethod("show", "RxComputeContext", function(object) {
  cat(class(object), "Compute Context\n")
  for (name in methods::slotNames(object)) {
    value <- methods::slot(object, name)
    if (is.character(value)) value <- paste0('"', value, '"', collapse = " ")
    if (!is.null(value)) cat("    ", name, ": ", value, "\n", sep = "")
  }
})

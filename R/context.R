#' Compute contexts: where the work runs
#'
#' Analyses run in this process on all cores (`rxGetOption("numCoresToUse")`): the compute context `RxLocalSeq`. It is
#' the only one supported so far; asking for another is an error.
#'
#' @param object a compute context whose fields the other arguments replace.
#' @param dataPath,outDataPath folders where data files with relative names are searched and written; NULL leaves that
#'   to the options of those names.
#' @param computeContext a compute context, or the name of one: `"RxLocalSeq"` or `"local"`.
#' @param ... fields to replace in `computeContext`.
#' @return `RxLocalSeq()` and `rxGetComputeContext()` return a compute context; `rxSetComputeContext()` returns the
#'   previous one, invisibly.
#' @examples
#' rxSetComputeContext("local", dataPath = tempdir())
#' rxGetComputeContext()
#' rxSetComputeContext(RxLocalSeq())
#' @export
RxLocalSeq <- function(object, dataPath = NULL, outDataPath = NULL) {
  context <- if (missing(object)) methods::new("RxLocalSeq") else object
  check_argument(methods::is(context, "RxLocalSeq"), "object", "an RxLocalSeq compute context")
  folders <- "a character vector of folders or NULL"
  check_argument(is.null(dataPath) || is_strings(dataPath), "dataPath", folders)
  check_argument(is.null(outDataPath) || is_strings(outDataPath), "outDataPath", folders)
  if (!missing(dataPath) || missing(object)) context@dataPath <- dataPath
  if (!missing(outDataPath) || missing(object)) context@outDataPath <- outDataPath
  context
}

#' @rdname RxLocalSeq
#' @export
rxSetComputeContext <- function(computeContext, ...) {
  context <- as_compute_context(computeContext)
  old <- rxOptions(computeContext = RxLocalSeq(context, ...))
  invisible(old$computeContext)
}

#' @rdname RxLocalSeq
#' @export
rxGetComputeContext <- function() rxGetOption("computeContext")

context_names <- c(
  RxLocalSeq = "local", RxLocalParallel = "localpar", RxForeachDoPar = "dopar", RxSpark = "spark",
  RxHadoopMR = "hadoopmr", RxInSqlServer = "sqlserver"
)

#' A compute context from its name or itself
#'
#' @noRd
as_compute_context <- function(x) {
  if (methods::is(x, "RxLocalSeq")) {
    return(x)
  }
  check_argument(is_string(x), "computeContext", "a compute context or the name of one")
  known <- c(names(context_names), context_names)
  at <- match(tolower(x), tolower(known))
  if (is.na(at)) {
    near <- nearest_name(x, known)
    rx_abort(
      "argument", sprintf("There is no compute context '%s'.", x),
      hint = if (!is.null(near)) sprintf("Did you mean '%s'?", near)
    )
  }
  if (!(known[at] %in% c("RxLocalSeq", "local"))) {
    rx_abort(
      "unsupported", sprintf("The compute context '%s' is not supported yet.", x),
      hint = "Use RxLocalSeq, which works on all cores of this machine."
    )
  }
  RxLocalSeq()
}

#' Compute context classes
#'
#' @slot dataPath,outDataPath folders where data files are searched and written, or NULL
#' @name RxComputeContext-class
#' @aliases RxLocalSeq-class
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
#' @param object a compute context.
#' @importFrom methods show
#' @export
methods::setMethod("show", "RxComputeContext", function(object) {
  cat(class(object), "Compute Context\n")
  for (name in methods::slotNames(object)) {
    value <- methods::slot(object, name)
    if (!is.null(value)) cat("    ", name, ": ", paste0('"', value, '"', collapse = " "), "\n", sep = "")
  }
})

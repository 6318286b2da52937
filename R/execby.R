#' Run a function on each group of rows
#'
#' Partitions data by the values of some columns and runs a function on each partition, where the compute context says:
#' one after the other, in worker processes, or by a foreach backend, as [rxExec()] does with its tasks.
#'
#' The data are split in one pass by the engine, whatever source they come from, into temporary XDF files that are
#' removed when `rxExecBy()` returns. Rows without a value in a key are a group, too, whose key is NA. A set that
#' [rxPartition()] has written, and the data frame that [rxGetPartitions()] returns, are used as they are.
#'
#' @param inData a data frame, a data source or the name of a file; or a partitioned set.
#' @param keys names of the columns whose values tell the groups apart.
#' @param func a function, or the name of one. Its first argument gets the key values of a group, a list named by `keys`
#'   (those of factors as text); its second one the group's rows, an [RxXdfData()] source.
#' @param funcParams a named list of further arguments of `func`. If `func` has an argument `params`, and none of these
#'   is named so, that argument gets the list instead.
#' @param filterFunc a function that takes a data frame with a row a group, the columns `keys` and `DataSource`, and
#'   returns those rows of it that `func` shall run on, or a logical vector that tells them.
#' @param computeContext a compute context, or the name of one.
#' @param ... arguments of the input source, which override those of an existing one. Unknown ones are ignored with a
#'   warning.
#' @return A list with an element for each group, in the order of the keys: a list of `keys`, `result`, what `func`
#'   returned, and `status`, `"OK"`. Where `func` failed, `result` is NULL, `status` is `"Error"`, and a fourth element
#'   `error` is the condition; the other groups go on, and one warning tells. In a context with `wait = FALSE` a job,
#'   whose result ([rxGetJobResults()]) is that list.
#' @seealso [rxExec()]; [rxPartition()], for data whose groups are used more than once.
#' @examples
#' flights <- rxImport(file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"))
#' delay_by_distance <- function(keys, data, variable) {
#'   model <- rxLinMod(as.formula(paste(variable, "~ distance")), data, reportProgress = 0)
#'   coef(model)[["distance"]]
#' }
#' slopes <- rxExecBy(flights, "origin", delay_by_distance, funcParams = list(variable = "arr_delay"))
#' sapply(slopes, function(group) group$keys$origin)
#' sapply(slopes, function(group) group$result)
#' @export
rxExecBy <- function(inData, keys, func, funcParams = NULL, filterFunc = NULL,
                     computeContext = rxGetOption("computeContext"), ...) {
  check_keys(keys, "keys")
  check_argument(is.null(funcParams) || is.list(funcParams), "funcParams", "a named list or NULL")
  check_argument(is.null(filterFunc) || is.function(filterFunc), "filterFunc", "a function or NULL")
  context <- as_compute_context(computeContext)
  caller <- parent.frame()
  label <- substitute(func)
  fun <- if (is.function(func)) func else named_function(func, caller, "func")
  folder <- tempfile("rxscale-groups-")
  waits <- !methods::is(context, "RxLocalParallel") || context@wait
  if (waits) {
    on.exit(unlink(folder, recursive = TRUE))
  }
  groups <- filtered_groups(data_groups(inData, keys, folder, ...), filterFunc)
  values <- lapply(seq_len(nrow(groups)), function(i) lapply(groups[i, keys, drop = FALSE], key_value))
  arguments <- c(list(rxElemArg(values), rxElemArg(groups$DataSource)), group_parameters(fun, funcParams))
  tasks <- exec_tasks(arguments, NULL, -1, FALSE, NULL, 0)
  tasks$names <- vapply(values, group_name, "")
  run_tasks(context, c(tasks, list(
    fun = fun, label = if (is.name(label)) as.character(label) else "FUN", quote = TRUE, cleanup = TRUE,
    continue = TRUE, caller = caller, call = sys.call(), conclude = function(results, failed) {
      if (!waits) unlink(folder, recursive = TRUE)
      group_results(values, results, failed)
    }
  )))
}

#' The groups of data: a data frame of keys with their sources
#'
#' @param folder where to write them
#' @noRd
data_groups <- function(data, keys, folder, ...) {
  groups <- if (is.data.frame(data) && is.list(data[["DataSource"]])) {
    data
  } else {
    source <- import_source(data, "auto", NULL, ...)
    if (is_source(source, "RxXdfData") && (isTRUE(source@createPartitionSet) || is_partition_set(source@file))) {
      rxGetPartitions(source)
    }
  }
  if (is.null(groups)) {
    table <- split_by_key(list(source = source), folder, keys)
    return(with_sources(table[keys], file.path(folder, table[[partition_file]])))
  }
  known <- setdiff(names(groups), "DataSource")
  if (!setequal(known, keys)) {
    rx_abort(
      "argument", sprintf("The data are partitioned by %s.", paste0("'", known, "'", collapse = ", ")),
      hint = "Name these columns as `keys`."
    )
  }
  groups
}

filtered_groups <- function(groups, filterFunc) {
  if (is.null(filterFunc)) {
    return(groups)
  }
  chosen <- filterFunc(groups)
  if (is.logical(chosen) && length(chosen) == nrow(groups)) {
    chosen <- groups[which(chosen), , drop = FALSE]
  }
  ok <- is.data.frame(chosen) && all(names(groups) %in% names(chosen)) && is.list(chosen$DataSource)
  if (!ok) {
    rx_abort(
      "argument", "`filterFunc` must return rows of the data frame that it is given, or a logical for each of them."
    )
  }
  chosen
}

#' A key's value as functions get it
#'
#' @noRd
key_value <- function(value) if (is.factor(value)) as.character(value) else value

group_name <- function(value) paste0(names(value), "=", vapply(value, format, ""), collapse = ", ")

#' The arguments that `func` gets besides keys and data
#'
#' @noRd
group_parameters <- function(fun, parameters) {
  if ("params" %in% names(formals(args(fun))) && !"params" %in% names(parameters)) {
    return(list(params = parameters))
  }
  ok <- length(parameters) == 0 || (!is.null(names(parameters)) && all(nzchar(names(parameters))))
  check_argument(ok, "funcParams", "a list of which all elements have names")
  parameters
}

group_results <- function(values, results, failed) {
  lapply(seq_along(values), function(i) {
    if (i %in% failed) {
      list(keys = values[[i]], result = NULL, status = "Error", error = small_condition(results[[i]]))
    } else {
      list(keys = values[[i]], result = results[[i]], status = "OK")
    }
  })
}

# Checks of arguments. Every one answers with a condition of class rxscale_error_argument that names the argument.

#' Raises an argument error unless a condition holds
#'
#' @noRd
check_argument <- function(ok, name, must, call = user_call()) {
  if (!isTRUE(ok)) {
    rx_abort("argument", sprintf("`%s` must be %s.", name, must), call = call)
  }
}

is_flag <- function(x) is.logical(x) && length(x) == 1 && !is.na(x)
is_string <- function(x) is.character(x) && length(x) == 1 && !is.na(x)
is_name <- function(x) is_string(x) && nzchar(x)
is_strings <- function(x) is.character(x) && !anyNA(x)
is_number <- function(x) is.numeric(x) && length(x) == 1 && !is.na(x)
is_whole <- function(x) is_number(x) && x == trunc(x)
is_count <- function(x) is_whole(x) && x >= 0

#' Refuses arguments of the calling function that do not work yet, unless they have their default
#'
#' @param names names of formal arguments of the caller
#' @noRd
refuse_unsupported <- function(names) {
  caller <- parent.frame()
  defaults <- formals(sys.function(-1))[names]
  for (name in names) {
    if (!identical(get(name, envir = caller), eval(defaults[[name]], caller))) {
      message <- sprintf("`%s` is not supported yet.", name)
      rx_abort("unsupported", message, hint = "Leave it at its default.")
    }
  }
}

#' Warns of arguments in `...` that nobody takes, naming the nearest one that there is
#'
#' @param unknown names that were given
#' @param known names that are taken
#' @param what what the names are, for the message
#' @noRd
warn_unknown <- function(unknown, known, what = "argument") {
  for (name in unknown) {
    near <- nearest_name(name, known)
    did_you_mean <- if (is.null(near)) "" else sprintf(" Did you mean `%s`?", near)
    said <- if (nzchar(name)) {
      sprintf("Unknown %s `%s` is ignored.", what, name)
    } else {
      sprintf("An unnamed %s is ignored.", what)
    }
    warning(said, did_you_mean, call. = FALSE)
  }
}

#' The candidate nearest to a misspelt name, or NULL where more than a third of the letters differ
#'
#' @noRd
nearest_name <- function(name, candidates) {
  if (length(candidates) == 0 || !nzchar(name)) {
    return(NULL)
  }
  distance <- drop(utils::adist(name, candidates, ignore.case = TRUE))
  near <- distance <= ceiling(pmax(nchar(name), nchar(candidates)) / 3)
  if (any(near)) candidates[near][which.min(distance[near])]
}

#' Checks what all analyses take
#'
#' @param ... what the user gave beyond the named arguments
#' @param .hidden names that may be among them
#' @noRd
check_analysis_arguments <- function(blocksPerRead, computeContext, ..., .hidden = character()) {
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  as_compute_context(computeContext)
  warn_unknown(setdiff(dot_names(...), .hidden), c(names(formals(sys.function(-1))), .hidden))
}

#' Answers TRUE for appending rows: `append` is "none" or "rows", or FALSE or TRUE as in old scripts
#'
#' @noRd
appends_rows <- function(append) {
  if (is_flag(append)) {
    return(append)
  }
  check_argument(is_string(append) && append %in% c("none", "rows"), "append", '"none" or "rows"')
  append == "rows"
}

#' The columns that varsToKeep or varsToDrop leave
#'
#' @param names all columns there are
#' @noRd
kept_columns <- function(names, keep = NULL, drop = NULL) {
  keep <- if (length(keep) && !identical(keep, "")) keep
  drop <- if (length(drop) && !identical(drop, "")) drop
  if (!is.null(keep) && !is.null(drop)) {
    rx_abort("argument", "`varsToKeep` and `varsToDrop` exclude each other.", hint = "Give one of them.")
  }
  for (wanted in setdiff(c(keep, drop), names)) {
    missing_column(wanted, names)
  }
  if (!is.null(keep)) unique(keep) else setdiff(names, drop)
}

#' Raises the error of a column that is not there, with the nearest name
#'
#' @param candidates names that may have been meant
#' @noRd
missing_column <- function(wanted, candidates) {
  near <- nearest_name(wanted, candidates)
  hint <- if (wanted %in% candidates) {
    "The transforms removed it."
  } else if (!is.null(near)) {
    sprintf("Did you mean '%s'?", near)
  } else if (length(candidates) > 0) {
    sprintf("The columns are: %s.", paste(utils::head(candidates, 20), collapse = ", "))
  }
  rx_abort("missing_column", sprintf("Column '%s' is not in the data.", wanted), hint = hint, column = wanted)
}

#' The names in `...`, empty strings where there are none
#'
#' @noRd
dot_names <- function(...) {
  if (...length() == 0) character() else names(list(...)) %||% rep("", ...length())
}

`%||%` <- function(x, y) if (is.null(x)) y else x

#' Refuses what is none of some texts
#'
#' @noRd
one_of <- function(value, name, choices) {
  quoted <- dQuote(choices, FALSE)
  listed <- paste(paste(utils::head(quoted, -1), collapse = ", "), "or", utils::tail(quoted, 1))
  check_argument(is_string(value) && value %in% choices, name, listed)
}

# What users say of columns: colClasses, colInfo and stringsAsFactors. Text sources hand it to the engine's parser; the
# columns of other sources have types already and are converted chunk by chunk.

#' What colClasses and colInfo say, as the engine takes it: a named list with an element per column
#'
#' @noRd
column_options <- function(colClasses, colInfo) {
  check_argument(
    is.null(colClasses) || (is_strings(colClasses) && has_names(colClasses)), "colClasses",
    "a character vector of types named by column"
  )
  options <- lapply(as.list(colClasses), function(type) list(kind = engine_kind(type)))
  colInfo <- named_col_info(colInfo)
  for (name in names(colInfo)) {
    said <- column_option(name, colInfo[[name]])
    options[[name]][names(said)] <- said
  }
  if (length(options)) options
}

#' The column's options from its element of colInfo
#'
#' @noRd
column_option <- function(name, info) {
  known <- c("type", "newName", "description", "levels", "low", "high")
  later <- c("newLevels", "start", "width", "decimalPlaces", "index")
  for (field in intersect(names(info), later)) {
    rx_abort(
      "unsupported", sprintf("colInfo field `%s` (column '%s') is not supported yet.", field, name),
      column = name
    )
  }
  warn_unknown(setdiff(names(info), c("name", known)), known, sprintf("colInfo field of column '%s'", name))
  option <- list(new_name = info$newName, description = info$description, low = info$low, high = info$high)
  option <- lapply(option[lengths(option) > 0], function(x) if (is.numeric(x)) as.double(x) else x)
  option$levels <- if (!is.null(info$levels)) as.list(as.character(info$levels))
  option$kind <- if (!is.null(info$type)) engine_kind(info$type)
  option
}

#' colInfo with every element named by its column
#'
#' @noRd
named_col_info <- function(colInfo) {
  check_argument(is.null(colInfo) || is.list(colInfo), "colInfo", "a list of lists named by column")
  for (at in seq_along(colInfo)) {
    check_argument(is.list(colInfo[[at]]), "colInfo", "a list of lists named by column")
    name <- names(colInfo)[at]
    if (is.null(name) || is.na(name) || !nzchar(name)) {
      name <- colInfo[[at]]$name
      if (is.null(name)) {
        rx_abort(
          "unsupported", sprintf("Element %d of `colInfo` names no column.", at),
          hint = "Name it, or give it a field `name`; `index` is not supported yet."
        )
      }
      names(colInfo)[at] <- name
    }
  }
  colInfo
}

has_names <- function(x) !is.null(names(x)) && all(nzchar(names(x)))

#' A type that a user names, as the engine spells it
#'
#' @noRd
engine_kind <- function(type) {
  check_argument(is_string(type), "type", "the name of a type")
  kind <- engine_kinds[[type]]
  if (is.null(kind)) {
    near <- nearest_name(type, names(engine_kinds))
    rx_abort(
      "argument", sprintf("There is no column type '%s'.", type),
      hint = if (is.null(near)) {
        sprintf("Types are: %s.", paste(names(engine_kinds), collapse = ", "))
      } else {
        sprintf("Did you mean '%s'?", near)
      }
    )
  }
  if (identical(kind, "unsupported")) {
    rx_abort("unsupported", sprintf("The column type '%s' is not supported yet.", type))
  }
  kind
}

engine_kinds <- list(
  logical = "logical", integer = "integer", int16 = "int16", int64 = "int64", float32 = "float32",
  numeric = "numeric", character = "character", string = "character", Date = "date",
  factor = list(factor = list(ordered = FALSE)), ordered = list(factor = list(ordered = TRUE)),
  POSIXct = list(date_time = list(tz = "GMT")), uint16 = "unsupported", factorIndex = "unsupported"
)

#' How the columns of a chunk are converted, or NULL where there is nothing to convert
#'
#' @param kinds the columns' kinds, named by column
#' @return list(fun, names, touched): the function, all columns' names afterwards, and the names it converts
#' @noRd
column_converter <- function(kinds, stringsAsFactors = NULL, colClasses = NULL, colInfo = NULL) {
  options <- column_options(colClasses, colInfo)
  for (name in names(options)) {
    kept_columns(names(kinds), name)
    refused <- intersect(names(options[[name]]), c("description", "low", "high"))
    if (length(refused)) {
      rx_abort(
        "unsupported", sprintf("colInfo field `%s` (column '%s') works on text only.", refused[1], name),
        hint = "Use rxSetVarInfo() on the imported file.", column = name
      )
    }
  }
  if (isTRUE(stringsAsFactors)) {
    text <- setdiff(names(kinds)[kinds == "character"], names(options))
    options[text] <- list(list(kind = engine_kind("factor")))
  }
  if (length(options) == 0) {
    return(NULL)
  }
  new_name <- function(name) options[[name]]$new_name %||% name
  list(
    fun = function(chunk) {
      for (name in intersect(names(chunk), names(options))) {
        chunk[[name]] <- converted_column(chunk[[name]], options[[name]])
      }
      stats::setNames(chunk, vapply(names(chunk), new_name, ""))
    },
    names = vapply(names(kinds), new_name, "", USE.NAMES = FALSE),
    touched = unique(c(names(options), vapply(names(options), new_name, "")))
  )
}

#' @param option an element of column_options()
#' @noRd
converted_column <- function(x, option) {
  kind <- option$kind %||% if (!is.null(option$levels)) engine_kind("factor")
  if (is.list(kind) && !is.null(kind$factor)) {
    levels <- option$levels %||% if (is.factor(x)) levels(x) else unique(x[!is.na(x)])
    return(factor(x, levels = as.character(unlist(levels)), ordered = kind$factor$ordered))
  }
  if (is.factor(x) && !is.null(kind)) {
    x <- as.character(x)
  }
  if (is.list(kind)) {
    return(as.POSIXct(x, tz = "GMT"))
  }
  switch(kind %||% "same",
    same = x,
    logical = as.logical(x),
    int16 = ,
    integer = as.integer(x),
    date = as.Date(x),
    character = as.character(x),
    as.double(x)
  )
}

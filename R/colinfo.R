# What users say of columns: colClasses, colInfo and stringsAsFactors. Text sources hand it to the engine's parser; the
# columns of other sources have types already and are converted chunk by chunk.

#' Make colInfo from data
#'
#' Describes the columns of data as the argument `colInfo` of [RxTextData()] and [rxImport()] takes them, so that other
#' data are read with the same types and levels.
#'
#' @param data a data source, the name of a file, a data frame, or what [rxGetVarInfo()] returns.
#' @param includeLowHigh whether to give the bounds of numbers.
#' @param factorsOnly whether to describe factors only.
#' @param varsToKeep columns to describe; NULL for all.
#' @param sortLevels whether levels are sorted: as numbers if all are whole numbers, else as text in the C locale.
#' @param computeInfo whether to find levels and bounds by reading data that hold none.
#' @param useFactorIndex whether factors get the type `"factorIndex"`, which databases know.
#' @return A list named by column of lists with those that apply of `type`, `description`, `levels`, `low` and `high`.
#' @examples
#' info <- rxCreateColInfo(iris)
#' info$Species
#' file <- tempfile(fileext = ".csv")
#' write.csv(iris[101:150, ], file, row.names = FALSE)
#' levels(rxImport(file, colInfo = info)$Species)
#' unlink(file)
#' @export
rxCreateColInfo <- function(data, includeLowHigh = FALSE, factorsOnly = FALSE, varsToKeep = NULL, sortLevels = FALSE,
                            computeInfo = TRUE, useFactorIndex = FALSE) {
  check_argument(is_flag(includeLowHigh), "includeLowHigh", "TRUE or FALSE")
  check_argument(is_flag(factorsOnly), "factorsOnly", "TRUE or FALSE")
  check_argument(is_flag(sortLevels), "sortLevels", "TRUE or FALSE")
  check_argument(is_flag(useFactorIndex), "useFactorIndex", "TRUE or FALSE")
  info <- if (inherits(data, "rxVarInfo")) {
    unclass(data)[kept_columns(names(data), varsToKeep)]
  } else {
    unclass(rxGetVarInfo(data, varsToKeep = varsToKeep, computeInfo = computeInfo))
  }
  if (factorsOnly) {
    info <- Filter(function(column) column$varType %in% c("factor", "ordered"), info)
  }
  lapply(info, function(column) {
    is_factor <- column$varType %in% c("factor", "ordered")
    described <- list(
      type = if (is_factor && useFactorIndex) "factorIndex" else column_type(column), description = column$description,
      levels = if (length(column$levels)) (if (sortLevels) sorted_levels(column$levels) else column$levels),
      low = if (includeLowHigh) column$low, high = if (includeLowHigh) column$high
    )
    described[lengths(described) > 0]
  })
}

#' The type in colInfo of a column that rxGetVarInfo() describes
#'
#' @noRd
column_type <- function(column) {
  if (column$storage %in% c("float32", "int16")) column$storage else column$varType
}

sorted_levels <- function(levels) {
  is_whole <- all(grepl("^[-+]?[0-9]+$", levels))
  if (is_whole) levels[order(as.numeric(levels))] else sort(levels, method = "radix")
}

#' What colClasses and colInfo say, as the engine takes it: a list with an element per column, named by the column
#' unless that is told by its index only
#'
#' @noRd
column_options <- function(colClasses, colInfo) {
  check_argument(
    is.null(colClasses) || (is_strings(colClasses) && has_names(colClasses)), "colClasses",
    "a character vector of types named by column"
  )
  check_argument(is.null(colInfo) || is.list(colInfo), "colInfo", "a list of lists named by column")
  options <- lapply(seq_along(colInfo), function(at) column_option(names(colInfo)[at], colInfo[[at]], at))
  names(options) <- vapply(options, function(option) option$name %||% "", "")
  for (name in names(colClasses)) {
    kind <- engine_kind(colClasses[[name]])
    if (!name %in% names(options)) {
      options[[name]] <- list(name = name, kind = kind)
    } else if (is.null(options[[name]]$kind)) {
      options[[name]]$kind <- kind
    }
  }
  options
}

#' The column's options from its element of colInfo
#'
#' @param name name of the element, or NULL
#' @param at its position
#' @noRd
column_option <- function(name, info, at) {
  check_argument(is.list(info), "colInfo", "a list of lists named by column")
  name <- element_name(name) %||% info$name
  shown <- name %||% info$index
  if (is.null(shown)) {
    rx_abort(
      "argument", sprintf("Element %d of `colInfo` names no column.", at),
      hint = "Name it, or give it a field `name`, or `index` for the column's position."
    )
  }
  unknown <- setdiff(names(info), c("name", "type", names(col_info_fields)))
  warn_unknown(unknown, c("type", names(col_info_fields)), sprintf("colInfo field of column '%s'", shown))
  option <- if (is.null(name)) list() else list(name = name)
  for (field in intersect(names(col_info_fields), names(info))) {
    rule <- col_info_fields[[field]]
    if (!is.null(info[[field]])) {
      check_argument(rule$ok(info[[field]]), sprintf("%s` of column `%s", field, shown), rule$must)
      option[[rule$engine]] <- rule$as(info[[field]])
    }
  }
  option$kind <- if (!is.null(info$type)) engine_kind(info$type)
  # An index says nothing where there is a name.
  if (!is.null(name)) option$index <- NULL
  option
}

element_name <- function(name) if (length(name) && !is.na(name) && nzchar(name)) name

col_info_field <- function(engine, must, ok, as = identity) list(engine = engine, must = must, ok = ok, as = as)

# What colInfo can say of a column besides its type: the engine's name for it, and what it may be.
col_info_fields <- list(
  newName = col_info_field("new_name", "a string", function(x) is_string(x)),
  description = col_info_field("description", "a string", function(x) is_string(x)),
  levels = col_info_field("levels", "a vector of labels", function(x) !anyNA(x), function(x) as.list(as.character(x))),
  newLevels = col_info_field(
    "new_levels", "a vector of labels", function(x) !anyNA(x), function(x) as.list(as.character(x))
  ),
  low = col_info_field("low", "a number", function(x) is_number(x), as.double),
  high = col_info_field("high", "a number", function(x) is_number(x), as.double),
  start = col_info_field("start", "a position from 1", function(x) is_count(x), as.integer),
  width = col_info_field("width", "a number of characters", function(x) is_count(x), as.integer),
  decimalPlaces = col_info_field("decimal_places", "a number of digits", function(x) is_count(x), as.integer),
  index = col_info_field("index", "a position from 1", function(x) is_count(x), as.integer)
)

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
  kind
}

engine_kinds <- list(
  logical = "logical", integer = "integer", int16 = "int16", int64 = "int64", float32 = "float32",
  numeric = "numeric", character = "character", string = "character", Date = "date",
  factor = list(factor = list(ordered = FALSE)), ordered = list(factor = list(ordered = TRUE)),
  POSIXct = list(date_time = list(tz = "GMT")),
  # There is no smaller type that holds them all.
  uint16 = "integer", factorIndex = "factor_index"
)

#' How the columns of a chunk are converted, or NULL where there is nothing to convert
#'
#' @param kinds the columns' kinds, named by column
#' @return list(fun, names, touched): the function, all columns' names afterwards, and the names it converts
#' @noRd
column_converter <- function(kinds, stringsAsFactors = NULL, colClasses = NULL, colInfo = NULL) {
  options <- column_options(colClasses, colInfo)
  for (option in options) {
    refuse_text_only(option)
    check_complete(option)
    kept_columns(names(kinds), option$name)
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
        chunk[[name]] <- described_column(chunk[[name]], options[[name]])
      }
      stats::setNames(chunk, vapply(names(chunk), new_name, ""))
    },
    names = vapply(names(kinds), new_name, "", USE.NAMES = FALSE),
    touched = unique(c(names(options), vapply(names(options), new_name, "")))
  )
}

#' Refuses what colInfo can say of text only
#'
#' @param option an element of column_options()
#' @noRd
refuse_text_only <- function(option) {
  of_engine <- vapply(col_info_fields, function(rule) rule$engine, "")
  text_only <- c("start", "width", "decimalPlaces", "index")
  refused <- text_only[of_engine[text_only] %in% names(option)]
  if (length(refused)) {
    rx_abort(
      "unsupported",
      sprintf("colInfo field `%s` (column '%s') works on text only.", refused[1], option$name %||% option$index),
      column = option$name
    )
  }
}

#' Checks that what belongs together is there
#'
#' @param option an element of column_options()
#' @noRd
check_complete <- function(option) {
  if (is.null(option$low) != is.null(option$high)) {
    rx_abort("argument", sprintf("Column '%s' needs both `low` and `high`.", option$name), column = option$name)
  }
  if (identical(option$kind, "factor_index") && length(option$levels) == 0) {
    rx_abort(
      "argument", sprintf("Column '%s' of type factorIndex needs `levels`.", option$name), column = option$name
    )
  }
  if (!is.null(option$new_levels) && length(option$new_levels) != length(option$levels)) {
    rx_abort(
      "argument", sprintf("Column '%s' needs as many `newLevels` as `levels`.", option$name), column = option$name
    )
  }
}

#' A column as colInfo wants it, with what else it says of the column
#'
#' @param option an element of column_options()
#' @noRd
described_column <- function(x, option) {
  description <- option$description %||% attr(x, ".rxDescription", exact = TRUE)
  name <- option$name
  converted <- tryCatch(converted_column(x, option), error = function(condition) {
    if (inherits(condition, "rxscale_error")) stop(condition)
    rx_abort(
      "value", sprintf("Column '%s' cannot be converted: %s.", name, conditionMessage(condition)), column = name
    )
  })
  attr(converted, ".rxDescription") <- description
  attr(converted, ".rxSetLowHigh") <- c(option$low, option$high)
  converted
}

#' @param option an element of column_options()
#' @noRd
converted_column <- function(x, option) {
  kind <- option$kind %||% if (!is.null(option$levels)) engine_kind("factor")
  if (is.list(kind) && !is.null(kind$factor)) {
    levels <- as.character(unlist(option$levels %||% if (is.factor(x)) levels(x) else unique(x[!is.na(x)])))
    labels <- as.character(unlist(option$new_levels %||% levels))
    return(factor(x, levels = levels, labels = labels, ordered = kind$factor$ordered))
  }
  if (identical(kind, "factor_index")) {
    return(indexed_factor(x, option))
  }
  if (is.factor(x) && !is.null(kind)) {
    x <- as.character(x)
  }
  if (is.list(kind)) {
    return(as.POSIXct(x, tz = "GMT", origin = "1970-01-01"))
  }
  switch(kind %||% "same",
    same = x,
    logical = as.logical(x),
    int16 = ,
    integer = as.integer(x),
    date = as.Date(x, origin = "1970-01-01"),
    character = as.character(x),
    as.double(x)
  )
}

#' The factor whose levels have these positions, from 0
#'
#' @noRd
indexed_factor <- function(x, option) {
  levels <- as.character(unlist(option$new_levels %||% option$levels))
  codes <- as.integer(x) + 1L
  codes[codes < 1L | codes > length(levels)] <- NA
  structure(codes, levels = levels, class = "factor")
}

#' Refuses a type that text cannot have
#'
#' @param options see column_options()
#' @noRd
refuse_factor_index <- function(options) {
  for (option in Filter(function(option) identical(option$kind, "factor_index"), options)) {
    rx_abort("unsupported", "The column type 'factorIndex' is not supported in text.", column = option$name)
  }
}

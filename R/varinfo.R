#' Information about columns
#'
#' `rxGetVarInfo()` describes columns, `rxSetVarInfo()` changes their names, descriptions, levels and bounds, and
#' `rxGetVarNames()` gives their names.
#'
#' `low` and `high` are the bounds that `F()` and histograms use. They are not guaranteed to be the least and greatest
#' value. They come from a file's metadata; those of a data frame are computed; those of text or Parquet with
#' `computeInfo = TRUE` only.
#'
#' @param data a data frame, a data source or the name of a file.
#' @param file an `RxXdfData` source or the name of an XDF file.
#' @param getValueLabels whether to give the levels of factors.
#' @param varsToKeep,varsToDrop columns to describe, or to leave out.
#' @param computeInfo whether to find levels and bounds by reading a source that holds none.
#' @param allNodes no effect: there is one node.
#' @param varInfo a list with an element for every column to change, named by the column, or unnamed with the column's
#'   number as `position`. Fields: `newName`, `description`, `low`, `high`, `levels` (new labels of all levels, in their
#'   order) and `tzone` (of a POSIXct column). Other fields of `rxGetVarInfo()` are left alone, so a changed result of
#'   it can be given back.
#' @return `rxGetVarInfo()`: a list named by column of lists with those that apply of `description`, `varType`,
#'   `storage`, `low`, `high`, `levels`, `tzone`, `valueInfoCodes` and `valueInfoLabels` (of [RxSasData()] and
#'   [RxSpssData()] sources). `rxGetVarNames()`: a character vector. `rxSetVarInfo()`: the data
#'   source, invisibly, after changing the file in place; or a new data frame, to which `low` and `high` mean nothing.
#' @examples
#' file <- tempfile(fileext = ".xdf")
#' rxImport(iris, file)
#' rxGetVarInfo(file)
#' rxSetVarInfo(list(Sepal.Length = list(newName = "sepal", description = "in cm")), file)
#' rxGetVarNames(file)
#' unlink(file)
#' @export
rxGetVarInfo <- function(data, getValueLabels = TRUE, varsToKeep = NULL, varsToDrop = NULL, computeInfo = FALSE,
                         allNodes = TRUE) {
  check_argument(is_flag(getValueLabels), "getValueLabels", "TRUE or FALSE")
  check_argument(is_flag(computeInfo), "computeInfo", "TRUE or FALSE")
  source <- as_source(data)
  info <- source_info(source)
  columns <- kept_columns(names(info$fields), varsToKeep, varsToDrop)
  lapply(info$caution, engine_warning)
  var_info(source, info$fields[columns], getValueLabels, computeInfo)
}

#' @rdname rxGetVarInfo
#' @export
rxGetVarNames <- function(data) {
  source <- as_source(data)
  names(source)
}

#' @rdname rxGetVarInfo
#' @export
rxSetVarInfo <- function(varInfo, data) {
  check_argument(is.list(varInfo), "varInfo", "a list of lists named by column")
  source <- as_source(data)
  if (is.data.frame(source)) {
    return(set_frame_info(source, var_changes(varInfo, names(source))))
  }
  info <- engine_call(rx_engine_info, writable_spec(source))
  refuse_legacy(info)
  changes <- var_changes(varInfo, vapply(info$fields, function(field) field$name, ""))
  fields <- info$fields
  for (change in changes) {
    fields[[change$at]] <- changed_field(fields[[change$at]], change)
  }
  check_new_names(vapply(fields, function(field) field$name, ""))
  engine_call(rx_engine_set_metadata, info$file, plain_fields(fields), info$description)
  invisible(source)
}

#' @rdname rxGetVarInfo
#' @export
rxSetVarInfoXdf <- function(varInfo, file) {
  old_name("rxSetVarInfoXdf", "rxSetVarInfo")
  rxSetVarInfo(varInfo, xdf_source(file))
}

#' @rdname rxGetVarInfo
#' @export
rxGetVarInfoXdf <- function(file, getValueLabels = TRUE, varsToKeep = NULL, varsToDrop = NULL, computeInfo = FALSE) {
  old_name("rxGetVarInfoXdf", "rxGetVarInfo")
  rxGetVarInfo(xdf_source(file), getValueLabels, varsToKeep, varsToDrop, computeInfo)
}

#' Describes columns, reading the data if it must
#'
#' @param fields the named fields of source_info()
#' @noRd
var_info <- function(source, fields, getValueLabels, computeInfo) {
  is_frame <- is.data.frame(source)
  if ((is_frame || (computeInfo && !methods::is(source, "RxXdfData"))) && length(fields)) {
    fields <- scanned_fields(source, fields)
  }
  info <- lapply(fields, described_field, getValueLabels = getValueLabels)
  structure(info, class = c("rxVarInfo", "list"))
}

#' The fields with levels and bounds as a pass over the data finds them
#'
#' @noRd
scanned_fields <- function(source, fields) {
  scanned <- engine_call(rx_engine_scan_info, source_spec(source), names(fields), job_options(0))
  for (found in scanned) {
    for (part in c("levels", "low", "high")) {
      fields[[found$name]][[part]] <- fields[[found$name]][[part]] %||% found[[part]]
    }
  }
  fields
}

#' A field in the words of RevoScaleR
#'
#' @noRd
described_field <- function(field, getValueLabels) {
  is_factor <- field$kind %in% c("factor", "ordered")
  described <- list(
    description = field$description,
    varType = switch(field$kind, int16 = "integer", int64 = "numeric", float32 = "numeric", field$kind),
    storage = storage_names[[field$kind]],
    low = if (!is_factor) field$low, high = if (!is_factor) field$high,
    levels = if (is_factor && getValueLabels) as.character(unlist(field$levels)),
    tzone = field$tz,
    valueInfoCodes = if (getValueLabels) field$value_info$codes,
    valueInfoLabels = if (getValueLabels) field$value_info$labels
  )
  described[!vapply(described, is.null, NA)]
}

storage_names <- c(
  logical = "uchar", int16 = "int16", integer = "int32", int64 = "int64", float32 = "float32", numeric = "float64",
  character = "string", factor = "uint32", ordered = "uint32", Date = "float64", POSIXct = "float64"
)

#' What varInfo changes: a list of its elements, each with the column's position as `at`
#'
#' @noRd
var_changes <- function(varInfo, columns) {
  known <- c("position", "newName", "description", "low", "high", "levels", "tzone")
  described <- c("varType", "storage")
  lapply(seq_along(varInfo), function(i) {
    change <- varInfo[[i]]
    check_argument(is.list(change), "varInfo", "a list of lists named by column")
    unsupported <- intersect(names(change), c("valueInfoCodes", "valueInfoLabels"))
    if (length(unsupported)) {
      rx_abort("unsupported", sprintf("Field `%s` of `varInfo` is not supported yet.", unsupported[1]))
    }
    warn_unknown(setdiff(names(change), c(known, described)), known, "field of `varInfo`")
    name <- names(varInfo)[i]
    if (is.null(name) || !nzchar(name)) {
      position <- change$position
      check_argument(
        is_whole(position) && position >= 1 && position <= length(columns), "position",
        sprintf("a number from 1 to %d in every unnamed element", length(columns))
      )
      change$at <- position
    } else {
      kept_columns(columns, name)
      change$at <- match(name, columns)
    }
    check_argument(is.null(change$newName) || is_string(change$newName), "newName", "a string")
    check_argument(is.null(change$description) || is_string(change$description), "description", "a string")
    check_argument(is.null(change$low) || is_number(change$low), "low", "a number")
    check_argument(is.null(change$high) || is_number(change$high), "high", "a number")
    change
  })
}

check_new_names <- function(names) {
  twice <- names[duplicated(names)]
  if (length(twice)) {
    rx_abort("argument", sprintf("Two columns would be named '%s'.", twice[1]), column = twice[1])
  }
}

changed_field <- function(field, change) {
  if (!is.null(change$levels)) {
    check_relabel(field$name, unlist(field$levels), change$levels)
    field$levels <- as.character(change$levels)
  }
  if (!is.null(change$tzone)) {
    if (field$kind != "POSIXct") {
      rx_abort("wrong_type", sprintf("Column '%s' has no time zone.", field$name), column = field$name)
    }
    field$tz <- change$tzone
  }
  field$description <- change$description %||% field$description
  field$low <- if (is.null(change$low)) field$low else as.double(change$low)
  field$high <- if (is.null(change$high)) field$high else as.double(change$high)
  field$name <- change$newName %||% field$name
  field
}

#' Fields as the engine takes them: it reads lists, not character vectors
#'
#' @noRd
plain_fields <- function(fields) {
  lapply(fields, function(field) replace(field, "levels", list(if (!is.null(field$levels)) as.list(field$levels))))
}

check_relabel <- function(name, old, new) {
  if (is.null(old)) {
    rx_abort("wrong_type", sprintf("Column '%s' is no factor.", name), column = name)
  }
  if (length(old) != length(new) || anyNA(new) || anyDuplicated(new)) {
    rx_abort(
      "argument", sprintf("`levels` of column '%s' must be %d different labels.", name, length(old)),
      hint = "They replace the old labels one by one.", column = name
    )
  }
}

set_frame_info <- function(data, changes) {
  for (change in changes) {
    if (!is.null(change$levels)) {
      check_relabel(names(data)[change$at], levels(data[[change$at]]), change$levels)
      levels(data[[change$at]]) <- as.character(change$levels)
    }
    if (!is.null(change$description)) {
      attr(data[[change$at]], ".rxDescription") <- change$description
    }
    if (!is.null(change$tzone)) {
      attr(data[[change$at]], "tzone") <- change$tzone
    }
    names(data)[change$at] <- change$newName %||% names(data)[change$at]
  }
  check_new_names(names(data))
  data
}

#' @export
print.rxVarInfo <- function(x, ...) {
  for (i in seq_along(x)) {
    cat(format_var(i, names(x)[i], x[[i]]), sep = "\n")
  }
  invisible(x)
}

#' The lines that describe a column
#'
#' @noRd
format_var <- function(i, name, info) {
  head <- paste(c(sprintf("Var %d: %s", i, name), info$description), collapse = ", ")
  if (!is.null(info$levels)) {
    return(c(head, format_levels(info$levels)))
  }
  storage <- if (info$storage %in% c("float32", "int16", "int64")) paste("Storage:", info$storage)
  range <- if (!is.null(info$low) && !is.null(info$high)) {
    sprintf("Low/High: (%s, %s)", format_bound(info$low, info), format_bound(info$high, info))
  }
  paste(c(head, paste("Type:", info$varType), storage, range), collapse = ", ")
}

format_levels <- function(levels) {
  shown <- if (length(levels) > 10) c(utils::head(levels, 5), "...", utils::tail(levels, 5)) else levels
  sprintf("       %d factor levels: %s", length(levels), paste(shown, collapse = " "))
}

format_bound <- function(x, info) {
  switch(info$varType,
    integer = ,
    logical = sprintf("%.0f", x),
    Date = format(as.Date(x, origin = "1970-01-01")),
    POSIXct = format(as.POSIXct(x, origin = "1970-01-01", tz = info$tzone %||% "")),
    sprintf("%.4f", x)
  )
}

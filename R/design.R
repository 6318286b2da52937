# From a formula and data to what the engine needs: a source, and variables by name. Levels are the engine's to find.

#' The source and variables of an analysis
#'
#' @param formula see rxFormula
#' @param data a data frame, data source or file name
#' @param asked arguments of compose_transform(), as the user gave them
#' @param pweights,fweights names of weight variables
#' @param rows "All", "Complete" (no missing value in any variable) or "Finite" (and no infinite one)
#' @param dot_skips_text whether `.` leaves text columns out
#' @param rearrange a function of the parsed formula and the columns' fields that changes the formula
#' @param offsets whether the formula may have terms offset()
#' @param two_levels whether a category may be the response
#' @return the parsed formula with `source`, the spec of the source; `data_names`, the data's columns;
#'   `engine_variables`, what the engine takes; `kinds`, "numeric" or "category" by variable; and `index`, the position
#'   of each variable among those of its kind (from 0)
#' @noRd
model_design <- function(formula, data, asked, pweights = NULL, fweights = NULL, blocksPerRead = 1, rows = "Complete",
                         dot_skips_text = FALSE, rearrange = NULL, offsets = FALSE, two_levels = FALSE) {
  weight <- weight_variable(pweights, fweights)
  source <- as_source(data)
  spec <- source_spec(source)
  fields <- source_info(source, spec)$fields
  made <- names(transforms_list(asked$transforms, asked$caller))
  text <- names(Filter(function(field) field$kind == "character", fields))
  chunk <- if (is_source(source, "RxXdfData")) list(blocks = blocksPerRead) else chunk_size(source, NULL)
  parsed <- parse_formula(formula, union(names(fields), made), if (dot_skips_text) text, offsets)
  data_names <- names(fields)
  read <- design_source(parsed, spec, fields, asked, weight$column, chunk)
  if (!is.null(rearrange)) {
    variables <- parsed$variables
    parsed <- rearrange(parsed, read$fields)
    if (!identical(parsed$variables, variables)) {
      read <- design_source(parsed, spec, fields, asked, weight$column, chunk)
    }
  }
  fields <- read$fields
  kinds <- vapply(parsed$variables, variable_kind, "", fields = fields)
  check_numbers(parsed, kinds, fields, c(if (!two_levels) parsed$response, parsed$offset))
  of_kind <- function(kind) parsed$variables[kinds == kind]
  # The levels that N() counts.
  parsed$variables <- lapply(parsed$variables, function(variable) {
    if (isTRUE(variable$codes)) variable$levels <- fields[[variable$column]]$levels
    variable$numbers <- !fields[[variable$column]]$kind %in% c("factor", "ordered", "character")
    variable
  })
  parsed$source <- read$spec
  parsed$data_names <- data_names
  parsed$kinds <- kinds
  parsed$index <- places_within(kinds)
  parsed$engine_variables <- list(
    numeric = lapply(of_kind("numeric"), function(v) list(column = v$column, codes = isTRUE(v$codes))),
    categories = lapply(of_kind("category"), function(v) list(column = v$column, name = v$text, f = v$floor)),
    weight = weight, rows = rows
  )
  parsed
}

#' The design of columns that must be numbers, in the order of their names
#'
#' @param names of different columns; none of them means more than itself, as `.` would on the right of a formula
#' @param what_not what other columns are not, or have not
#' @noRd
numbers_design <- function(names, data, caller, pweights = NULL, fweights = NULL, what_not = "is no number") {
  formula <- stats::as.formula(call("~", as.call(lapply(c("cbind", names), as.name)), 1))
  design <- model_design(formula, data, list(caller = caller), pweights, fweights, two_levels = TRUE)
  for (variable in design$variables[design$kinds != "numeric"]) {
    rx_abort("wrong_type", sprintf("Column '%s' %s.", variable$column, what_not), column = variable$column)
  }
  design
}

#' Refuses categories where numbers are needed
#'
#' @param positions of the variables that must be numbers
#' @noRd
check_numbers <- function(parsed, kinds, fields, positions) {
  wrong <- positions[kinds[positions] == "category"]
  if (length(wrong) > 0) {
    variable <- parsed$variables[[wrong[1]]]
    what <- if (wrong[1] %in% parsed$response) "response" else "offset"
    rx_abort("wrong_type", sprintf("The %s '%s' is not numeric.", what, variable$text),
      hint = if (fields[[variable$column]]$kind != "character") {
        sprintf("Write N(%s) for its levels' codes.", variable$text)
      },
      column = variable$column
    )
  }
}

#' Place of each variable among those of its kind, counted from 0
#'
#' @noRd
places_within <- function(kinds) {
  places <- integer(length(kinds))
  for (kind in unique(kinds)) {
    places[kinds == kind] <- seq_len(sum(kinds == kind)) - 1L
  }
  places
}

#' The source of a formula's variables: the data's, through whatever R code makes some of them
#'
#' @param fields what is known of the data's columns
#' @param others further columns that are wanted
#' @param chunk how many rows R code gets at once
#' @return list of `spec` and `fields`
#' @noRd
design_source <- function(parsed, spec, fields, asked, others, chunk) {
  needed <- unique(c(vapply(parsed$variables, function(variable) variable$column, ""), others))
  known <- c(names(fields), names(transforms_list(asked$transforms, asked$caller)))
  check_present <- function(names) {
    for (wanted in setdiff(needed, names)) {
      missing_column(wanted, known)
    }
  }
  if (is.null(asked$transformFunc)) {
    check_present(c(known, names(parsed$expressions)))
  }
  transform <- do.call(compose_transform, c(
    list(data_names = names(fields), formula_expressions = parsed$expressions, keep = needed), asked,
    list(file = spec$path %||% "")
  ), quote = TRUE)
  if (!is.null(transform)) {
    spec$transform <- c(transform, chunk)
    if (!all(needed %in% intersect(transform$untouched, names(fields)))) {
      fields <- source_fields(spec)
    }
  }
  check_present(names(fields))
  list(spec = spec, fields = fields)
}

#' What the engine knows of a source's columns, those that R code makes included
#'
#' @noRd
source_fields <- function(spec) {
  fields <- engine_call(rx_engine_info, spec)$fields
  stats::setNames(fields, vapply(fields, function(field) field$name, ""))
}

#' Whether a variable is "numeric" or a "category"
#'
#' @noRd
variable_kind <- function(variable, fields) {
  kind <- fields[[variable$column]]$kind
  categorical <- kind %in% c("factor", "ordered", "character")
  if (kind == "unsupported") {
    rx_abort("wrong_type", sprintf("Column '%s' has a type that cannot be analysed.", variable$column),
      column = variable$column
    )
  }
  if (isTRUE(variable$codes) && !kind %in% c("factor", "ordered")) {
    rx_abort("wrong_type", sprintf("%s takes a factor; '%s' is %s.", variable$text, variable$column, kind),
      hint = if (kind == "character") "Make it a factor with given levels in transforms.", column = variable$column
    )
  }
  if (!is.null(variable$floor) || (categorical && !isTRUE(variable$codes))) "category" else "numeric"
}

weight_variable <- function(pweights, fweights) {
  if (!is.null(pweights) && !is.null(fweights)) {
    rx_abort("argument", "`pweights` and `fweights` exclude each other.", hint = "Give one of them.")
  }
  name <- pweights %||% fweights
  if (is.null(name)) {
    return(NULL)
  }
  check_argument(is_string(name), if (is.null(pweights)) "fweights" else "pweights", "the name of a variable")
  list(column = name, kind = if (is.null(pweights)) "frequency" else "probability")
}

#' Positions of a term's variables of one kind, as the engine counts them
#'
#' @noRd
term_index <- function(design, term, kind) {
  wanted <- term$variables[design$kinds[term$variables] == kind]
  as.list(design$index[wanted])
}

#' The variables of a term that are categories
#'
#' @noRd
term_categories <- function(design, term) design$variables[term$variables[design$kinds[term$variables] == "category"]]

#' The combinations of levels that cells stand for, as factors; the first varies fastest
#'
#' @param levels list of the levels of each category
#' @param labels names of the columns
#' @param cell positions of cells, from 0
#' @noRd
cell_levels <- function(levels, labels, cell) {
  columns <- list()
  stride <- 1
  count <- prod(lengths(levels))
  all_cells <- length(cell) == count && identical(as.numeric(cell), seq_len(count) - 1)
  for (i in seq_along(levels)) {
    code <- if (all_cells) {
      rep_len(rep(seq_along(levels[[i]]), each = stride), count)
    } else {
      as.integer((cell %/% stride) %% length(levels[[i]]) + 1)
    }
    columns[[labels[i]]] <- structure(code, levels = levels[[i]], class = "factor")
    stride <- stride * length(levels[[i]])
  }
  columns
}

#' The first lines of a printed analysis
#'
#' @param title what the results are, if that is to be said
#' @noRd
print_header <- function(x, title = NULL, formula = x$formula) {
  cat("Call:\n", paste(deparse(x$call), collapse = "\n"), "\n\n", sep = "")
  if (!is.null(title)) {
    cat(title, " Results for: ", paste(deparse(formula, width.cutoff = 500), collapse = " "), "\n", sep = "")
  }
  cat(x$params$data, sep = "\n")
  if (!is.null(x$params$pweights)) cat("Probability weights: ", x$params$pweights, "\n", sep = "")
  if (!is.null(x$params$fweights)) cat("Frequency weights: ", x$params$fweights, "\n", sep = "")
}

#' What `verbose` tells of the time since a job started
#'
#' @param done what was done with the rows, a participle
#' @noRd
print_rows <- function(rows, done, started) {
  seconds <- proc.time()[["elapsed"]] - started
  cat(sprintf("%s rows %s in %.3f seconds.\n", format(rows, big.mark = ",", scientific = FALSE), done, seconds))
}

print_time <- function(started) {
  cat(sprintf("Computation time: %.3f seconds.\n", proc.time()[["elapsed"]] - started))
}

#' Lines that say which data an analysis was made of
#'
#' @param expression what the user wrote for `data`
#' @noRd
data_lines <- function(expression, data) {
  written <- paste(deparse(expression, width.cutoff = 500, nlines = 1), collapse = " ")
  if (is.data.frame(data)) {
    paste("Data:", if (nchar(written) > 60) "data frame" else written)
  } else if (is.character(data)) {
    paste("File name:", data)
  } else {
    place <- if (is_source(data, "RxFileData")) {
      paste("File name:", data@file)
    } else if (is_source(data, "RxOdbcData")) {
      paste(if (is.null(data@table)) "Query:" else "Table:", data@table %||% data@sqlQuery)
    }
    c(sprintf("Data: %s (%s Data Source)", written, class(data)), place)
  }
}

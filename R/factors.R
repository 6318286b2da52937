#' Make and change factors
#'
#' Makes factors of columns, or changes the levels of factors: their order, their names, which of them share one.
#'
#' `factorInfo` names the factors:
#'
#' * a character vector: columns that become factors, or are sorted with `sortLevels = TRUE`;
#' * NULL with `sortLevels = TRUE`: all factors of the data;
#' * a named list with an element for each factor, itself a list of the fields below. The element's name is that of the
#'   column; with the field `varName` it is that of a new column.
#'
#' | field | meaning |
#' |---|---|
#' | `varName` | the column that the new one is made of |
#' | `levels` | the values to keep as levels, compared as text; all others go to `otherLevel` or become missing |
#' | `newLevels` | see below |
#' | `indexMap` | for each old level the position in `newLevels` that it gets |
#' | `otherLevel` | the level of all values that have no other |
#' | `sortLevels` | whether levels are sorted as text, in the C locale: "1", "20", "3" |
#' | `description` | describes the column |
#'
#' `newLevels` without names puts these levels first, which may include some that do not occur. With names, or as a
#' list, each element names a new level and gives the old ones that become it: `c(early = "a", late = "b")`,
#' `list(early = c("a", "b"), late = "c")`. Old levels that it does not mention follow in their order, or go to
#' `otherLevel`.
#'
#' Values of columns that are no factors are levels in the order of their first appearance; doubles are taken as text of
#' at most 6 significant digits. Levels that the data do not tell are found by a pass over them.
#'
#' @param inData a data frame, a data source or the name of a file.
#' @param factorInfo which factors to make, and how; see Details.
#' @param sortLevels,otherLevel what holds for factors whose own fields do not say anything else.
#' @param outFile NULL for a data frame; a file name or data source; may be the input with `overwrite = TRUE`.
#' @param varsToKeep,varsToDrop columns to keep, or to leave out.
#' @param overwrite whether an existing file may be replaced.
#' @param maxRowsByCols limit on rows times columns of a returned data frame, which is cut with a warning; NULL for
#'   none.
#' @param blocksPerRead blocks of an XDF file that R sees at once, where it must.
#' @param verbose 1 prints what ran compiled, and how many rows there are.
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param ... arguments of the input source, which override those of an existing one.
#' @return A data frame; or the data source that was written, invisibly.
#' @seealso [rxSetVarInfo()], which renames all levels in place.
#' @examples
#' data <- data.frame(size = c("small", "large", "medium", "large"), code = c(10, 9, 10, 8))
#' rxFactors(data, c("size", "code"), sortLevels = TRUE)
#' rxFactors(data, list(
#'   size = list(newLevels = c("small", "medium", "large")),
#'   group = list(varName = "code", newLevels = list(few = c("8", "9")), otherLevel = "many")
#' ))
#' @export
rxFactors <- function(inData, factorInfo, sortLevels = FALSE, otherLevel = NULL, outFile = NULL, varsToKeep = NULL,
                      varsToDrop = NULL, overwrite = FALSE, maxRowsByCols = NULL,
                      blocksPerRead = rxGetOption("blocksPerRead"), reportProgress = rxGetOption("reportProgress"),
                      verbose = 0, xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  check_argument(is_flag(sortLevels), "sortLevels", "TRUE or FALSE")
  check_argument(is.null(otherLevel) || is_string(otherLevel), "otherLevel", "a string or NULL")
  check_argument(positive$ok(blocksPerRead), "blocksPerRead", positive$must)
  source <- as_source(inData, "inData")
  known <- source_arguments(source)
  warn_unknown(setdiff(dot_names(...), known), union(known, names(formals(rxFactors))))
  given <- list(..., blocksPerRead = blocksPerRead)
  source <- overridden_source(source, given[names(given) %in% known])
  fields <- source_info(source)$fields
  recipes <- factor_recipes(factorInfo, fields, list(sortLevels = sortLevels, otherLevel = otherLevel))
  old <- present_levels(source, fields, unique(vapply(recipes, function(recipe) recipe$varName, "")), reportProgress)
  asked <- list(
    transforms = as.call(c(quote(list), lapply(recipes, function(recipe) {
      factor_expression(recipe, fields[[recipe$varName]], old[[recipe$varName]])
    }))),
    transformObjects = list(.rxAsText = as_level_text), caller = parent.frame()
  )
  target <- step_target(source, outFile, "none", overwrite, xdfCompressionLevel, asked)
  if (target$in_place) {
    check_in_place(varsToKeep, varsToDrop, NULL, 1, -1)
  }
  result <- import(
    source, target$sink, asked,
    keep = varsToKeep, drop = varsToDrop, maxRowsByCols = maxRowsByCols, reportProgress = reportProgress,
    verbose = verbose
  )
  written <- if (is.null(outFile)) result else written_source(outFile, target$sink)
  descriptions <- factor_descriptions(recipes, fields)
  if (length(descriptions) > 0 && (is.data.frame(written) || is_source(written, "RxXdfData"))) {
    written <- rxSetVarInfo(descriptions, written)
  }
  if (is.null(outFile)) written else invisible(written)
}

#' What to do with each factor
#'
#' @param fields of source_info()
#' @param defaults fields that all factors have
#' @return a list named by factor of lists of the fields that rxFactors() describes
#' @noRd
factor_recipes <- function(factorInfo, fields, defaults) {
  if (is.null(factorInfo) && defaults$sortLevels) {
    factorInfo <- names(Filter(function(field) field$kind %in% c("factor", "ordered"), fields))
  }
  if (is_strings(factorInfo)) {
    factorInfo <- stats::setNames(rep(list(list()), length(factorInfo)), factorInfo)
  }
  check_argument(
    is.list(factorInfo) && has_names(factorInfo) && length(factorInfo) > 0, "factorInfo",
    "a character vector, a named list of lists, or with `sortLevels = TRUE` NULL"
  )
  lapply(stats::setNames(nm = names(factorInfo)), function(name) {
    recipe <- factorInfo[[name]]
    check_recipe(name, recipe)
    recipe$varName <- recipe$varName %||% name
    kept_columns(names(fields), recipe$varName)
    utils::modifyList(defaults[lengths(defaults) > 0], recipe)
  })
}

recipe_fields <- c("levels", "otherLevel", "sortLevels", "varName", "newLevels", "description", "indexMap")

check_recipe <- function(name, recipe) {
  says <- function(field) sprintf("%s` of factor `%s", field, name)
  check_argument(is.list(recipe), "factorInfo", "a named list of lists")
  warn_unknown(setdiff(names(recipe), recipe_fields), recipe_fields, sprintf("field of factor '%s'", name))
  for (field in intersect(c("otherLevel", "varName", "description"), names(recipe))) {
    check_argument(is.null(recipe[[field]]) || is_string(recipe[[field]]), says(field), "a string")
  }
  check_argument(is_flag(recipe$sortLevels %||% FALSE), says("sortLevels"), "TRUE or FALSE")
  check_argument(!anyNA(recipe$levels) && !anyDuplicated(recipe$levels), says("levels"), "different values")
  if (!is.null(recipe$indexMap)) {
    positions <- is.numeric(recipe$indexMap) && all(recipe$indexMap %in% seq_along(recipe$newLevels))
    check_argument(positions, says("indexMap"), "positions in `newLevels`")
  }
}

#' The levels that columns have, those of numbers and texts in the order of first appearance
#'
#' @return a list named by column
#' @noRd
present_levels <- function(source, fields, names, reportProgress) {
  known <- lapply(fields[names], function(field) if (field$kind %in% c("factor", "ordered")) field$levels)
  unknown <- names[lengths(known) == 0]
  if (length(unknown) == 0) {
    return(known)
  }
  spec <- source_spec(source)
  if (!all(vapply(fields[unknown], function(field) field$kind, "") %in% c("factor", "ordered", "character"))) {
    spec$transform <- c(
      list(fun = function(chunk, ...) lapply(chunk, as_level_factor), vars = unknown), chunk_size(source, NULL)
    )
  }
  scanned <- engine_call(rx_engine_scan_info, spec, unknown, job_options(reportProgress))
  for (found in scanned) {
    known[[found$name]] <- as.character(found$levels)
  }
  known
}

as_level_factor <- function(x) {
  text <- as_level_text(x)
  if (is.factor(text)) text else factor(text, unique(text[!is.na(text)]))
}

#' Values as the text that levels are compared with
#'
#' @noRd
as_level_text <- function(x) {
  if (is.factor(x) || is.character(x)) {
    x
  } else if (is.double(x) && !is.object(x)) {
    ifelse(is.na(x), NA_character_, sprintf("%.6g", x))
  } else {
    as.character(x)
  }
}

#' The expression that makes a factor, which the engine compiles if it can
#'
#' @param field what is known of the column
#' @param old its levels
#' @noRd
factor_expression <- function(recipe, field, old) {
  new <- new_levels(recipe, old)
  x <- as.name(recipe$varName)
  if (!field$kind %in% c("factor", "ordered", "character")) {
    x <- as.call(list(as.name(".rxAsText"), x))
  }
  mapped <- !is.na(new$of)
  renamed <- call("factor", x, levels = old[mapped], labels = new$of[mapped])
  call("factor", renamed, levels = new$levels, ordered = field$kind == "ordered")
}

#' The levels of a factor
#'
#' @param old those of the column
#' @return a list: `levels`, all of them in order; `of`, that of each old level, NA for none
#' @noRd
new_levels <- function(recipe, old) {
  kept <- if (is.null(recipe$levels)) old else as_level_text(recipe$levels)
  other <- recipe$otherLevel %||% NA_character_
  of <- ifelse(old %in% kept, old, other)
  levels <- kept
  if (!is.null(recipe$indexMap)) {
    check_argument(length(recipe$indexMap) == length(old), "indexMap", sprintf("%d positions", length(old)))
    of <- as.character(recipe$newLevels)[recipe$indexMap]
    levels <- as.character(recipe$newLevels)
  } else if (!is.null(recipe$newLevels)) {
    groups <- level_groups(recipe$newLevels)
    members <- unlist(groups, use.names = FALSE)
    place <- match(of, members)
    of <- ifelse(is.na(place), if (is.na(other)) of else other, rep(names(groups), lengths(groups))[place])
    levels <- c(names(groups), if (is.na(other)) setdiff(kept, members))
  }
  levels <- unique(setdiff(levels, other))
  if (isTRUE(recipe$sortLevels)) {
    levels <- sort(levels, method = "radix")
  }
  list(levels = c(levels, if (other %in% of) other), of = of)
}

#' newLevels as a list of old levels, named by the new ones
#'
#' @noRd
level_groups <- function(newLevels) {
  groups <- lapply(newLevels, as_level_text)
  names <- names(groups) %||% rep("", length(groups))
  check_argument(all(nzchar(names) | lengths(groups) == 1), "newLevels", "named where several levels become one")
  names[!nzchar(names)] <- unlist(groups[!nzchar(names)])
  twice <- unlist(groups)[duplicated(unlist(groups))]
  if (length(twice)) {
    rx_abort("argument", sprintf("Level '%s' occurs twice in `newLevels`.", twice[1]))
  }
  stats::setNames(groups, names)
}

#' The descriptions of the factors, as rxSetVarInfo() takes them
#'
#' @noRd
factor_descriptions <- function(recipes, fields) {
  described <- lapply(recipes, function(recipe) {
    list(description = recipe$description %||% fields[[recipe$varName]]$description)
  })
  Filter(function(info) !is.null(info$description), described)
}

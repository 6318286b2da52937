# What can be done with cross tabulations.

#' @rdname rxCrossTabs
#' @param x,object an object of class `rxCrossTabs`.
#' @param output `"sums"`, `"counts"` or `"means"`; by default means if they were asked for, else sums, else counts.
#' @param header whether to print what was tabulated.
#' @export
print.rxCrossTabs <- function(x, output, header = TRUE, marginals = FALSE, na.rm = FALSE, ...) {
  output <- shown_output(x, if (!missing(output)) output)
  check_argument(is_flag(marginals), "marginals", "TRUE or FALSE")
  tables <- as.list.rxCrossTabs(x, output, marginals, na.rm)
  if (header) {
    print_crosstabs_header(x, output)
  }
  for (name in names(tables)) {
    cat("\n", name, " (", output, "):\n", sep = "")
    table <- if (marginals) beside_marginals(tables[[name]]) else tables[[name]]
    attr(table, "marginals") <- NULL
    print(table, na.print = "NaN", ...)
  }
  invisible(x)
}

print_crosstabs_header <- function(x, output) {
  print_header(x, "Cross Tabulation")
  print_rows_used(c(x[c("depvars", "nValidObs", "nMissingObs")], x$params["sumOfWeights"]))
  cat("Statistic: ", output, "\n", sep = "")
}

#' The statistic that is meant
#'
#' @noRd
shown_output <- function(x, output) {
  x <- unclass(x)
  if (is.null(output)) {
    return(if (!is.null(x$means)) "means" else if (!is.null(x$sums)) "sums" else "counts")
  }
  known <- c("sums", "counts", "means")
  check_argument(is_string(output) && output %in% known, "output", '"sums", "counts" or "means"')
  if (output != "counts" && is.null(x$sums)) {
    rx_abort("argument", sprintf("The table has no %s: its formula has no response.", output))
  }
  output
}

#' The tables of one statistic; means are made of sums where they were not kept
#'
#' @noRd
tables_of <- function(x, output) {
  x <- unclass(x)
  if (output == "means" && is.null(x$means)) {
    return(Map(function(sums, counts) {
      means <- sums / counts
      means[counts == 0] <- NaN
      means
    }, x$sums, x$counts))
  }
  x[[output]]
}

#' A table with its marginals as a further row and column
#'
#' @noRd
beside_marginals <- function(table) {
  marginals <- attr(table, "marginals")
  if (length(dim(table)) < 2) {
    return(structure(c(table, Total = marginals$grand), dim = length(table) + 1,
      dimnames = stats::setNames(list(c(dimnames(table)[[1]], "Total")), names(dimnames(table))), class = "table"
    ))
  }
  whole <- rbind(cbind(unclass(table), marginals$row), c(marginals$column, marginals$grand))
  names <- lapply(dimnames(table), c, "Total")
  structure(whole, dimnames = names, class = "table")
}

#' @rdname rxCrossTabs
#' @param type `"%"` or `"percentages"` for shares of rows, columns and totals, or `"chisquare"` for the tests.
#' @export
summary.rxCrossTabs <- function(object, output, type = "%", na.rm = FALSE, ...) {
  known <- c("%", "percentages", "chisquare")
  check_argument(is_string(type) && type %in% known, "type", '"%", "percentages" or "chisquare"')
  output <- shown_output(object, if (!missing(output)) output)
  tables <- as.list.rxCrossTabs(object, output, TRUE, na.rm)
  shown <- if (type == "chisquare") {
    unclass(object)$chisquare
  } else {
    lapply(tables, if (output == "means") beside_marginals else percentages)
  }
  structure(list(object = object, output = output, type = type, tables = shown), class = "summary.rxCrossTabs")
}

#' @rdname rxCrossTabs
#' @export
print.summary.rxCrossTabs <- function(x, header = TRUE, ...) {
  if (header) {
    print_crosstabs_header(x$object, x$output)
  }
  for (name in names(x$tables)) {
    if (name != names(x$tables)[1]) cat("\n", strrep(":", 40), "\n", sep = "")
    if (x$type == "chisquare") {
      cat("\nTest of independence for ", name, ":\n", sep = "")
      test <- x$tables[[name]]
      if (is.null(test$statistic)) {
        cat("One factor has no such test.\n")
      } else {
        cat(
          "X-squared = ", format(test$statistic), ", df = ", test$parameter, ", p-value = ",
          format.pval(test$p.value), "\n",
          sep = ""
        )
        if (!test$approx.ok) cat("Chi-squared approximation may be incorrect\n")
      }
    } else {
      cat("\n", name, " (", x$output, "):\n", sep = "")
      if (inherits(x$tables[[name]], "table")) {
        print(x$tables[[name]], na.print = "NaN", ...)
      } else {
        print(x$tables[[name]], na.print = "", right = TRUE, quote = FALSE, ...)
      }
    }
  }
  invisible(x)
}

#' A table with the shares of every cell in its row, its column and the total
#'
#' @return a matrix of text
#' @noRd
percentages <- function(table) {
  marginals <- attr(table, "marginals")
  if (length(dim(table)) < 2) {
    table <- array(table, c(length(table), 1), c(dimnames(table), list(" ")))
    marginals <- list(row = rowSums(table), column = colSums(table), grand = sum(table))
  }
  share <- function(x, of) sprintf("%.2f", 100 * x / of)
  values <- unclass(table)
  lines <- lapply(seq_len(nrow(values)), function(i) {
    x <- values[i, ]
    rbind(
      c(format(x), format(marginals$row[[i]])),
      c(share(x, marginals$row[[i]]), ""), c(share(x, marginals$column), ""),
      c(share(x, marginals$grand), share(marginals$row[[i]], marginals$grand))
    )
  })
  names <- unlist(lapply(rownames(values), function(label) c(label, "  Row%", "  Col%", "  Tot%")))
  blank <- rep("", ncol(values))
  totals <- rbind(
    c(format(marginals$column), ""), c(share(marginals$column, marginals$grand), ""),
    c(blank, format(marginals$grand))
  )
  structure(rbind(do.call(rbind, lines), totals), dimnames = stats::setNames(
    list(c(names, "Col Total", "  Tot%", "Grand Total"), c(colnames(values), "Row Total")), names(dimnames(table))
  ))
}

#' @rdname rxCrossTabs
#' @export
as.list.rxCrossTabs <- function(x, output, marginals = FALSE, na.rm = FALSE, ...) {
  output <- shown_output(x, if (!missing(output)) output)
  if (marginals) with_marginals(x, output, na.rm) else tables_of(x, output)
}

#' @rdname rxCrossTabs
#' @param row.names names of the rows; NULL for numbers.
#' @param optional ignored, as for data frames.
#' @export
as.data.frame.rxCrossTabs <- function(x, row.names = NULL, optional = FALSE, ...) {
  levels <- x$params$levels
  counts <- cells_of(x, "counts")[[1]]
  columns <- cell_levels(levels, names(levels), seq_along(counts) - 1)
  depvars <- x$depvars
  if (length(depvars) > 0) {
    columns[depvars] <- cells_of(x, "sums")
    columns[paste0(depvars, "_mean")] <- cells_of(x, "means")
  }
  frame <- c(columns, list(Counts = counts))
  if (x$params$removeZeroCounts) {
    frame <- lapply(frame, function(column) column[counts > 0])
  }
  as_data_frame(frame, row.names)
}

#' One statistic of all cells, zero-count ones included: a vector a response
#'
#' @noRd
cells_of <- function(x, output) {
  of_response <- ceiling(seq_along(tables_of(x, output)) / nrow(x$params$strata))
  unname(lapply(split(unname(tables_of(x, output)), of_response), function(tables) {
    as.vector(joined_tables(tables, x$params$levels, x$params$strata, if (output == "means") NaN))
  }))
}

#' Two-way tables as one array
#'
#' @param empty what a cell holds that is in no table; NULL for zero
#' @noRd
joined_tables <- function(tables, levels, strata, empty = NULL) {
  whole <- whole_array(levels, tables[[1]][0])
  if (!is.null(empty)) {
    whole[] <- empty
  }
  for (i in seq_along(tables)) {
    at <- Map(match, dimnames(tables[[i]]), levels[seq_along(dim(tables[[i]]))])
    at <- c(at, as.list(strata[i, ]))
    whole <- do.call(`[<-`, c(list(whole), unname(at), list(value = tables[[i]])))
  }
  whole
}

#' @rdname rxCrossTabs
#' @export
mean.rxCrossTabs <- function(x, marginals = TRUE, na.rm = FALSE, ...) {
  as.list.rxCrossTabs(x, "means", marginals, na.rm)
}

#' The tables of one statistic with their marginals as an attribute
#'
#' @noRd
with_marginals <- function(x, output, na.rm) {
  check_argument(is_flag(na.rm), "na.rm", "TRUE or FALSE")
  tables <- tables_of(x, output)
  if (is.null(tables)) {
    return(NULL)
  }
  x <- unclass(x)
  if (output != "means") {
    return(lapply(tables, function(table) structure(table, marginals = marginals_of(table, sum))))
  }
  Map(function(means, sums, counts) {
    sums[is.na(means)] <- NA
    counts[is.na(means)] <- NA
    add <- function(x) sum(x, na.rm = na.rm)
    divided <- Map(`/`, marginals_of(sums, add), marginals_of(counts, add))
    structure(means, marginals = lapply(divided, function(x) replace(x, is.na(x), NaN)))
  }, tables, x$sums, x$counts)
}

marginals_of <- function(table, add) {
  table <- unclass(table)
  if (length(dim(table)) < 2) {
    return(list(row = NULL, column = NULL, grand = add(table)))
  }
  list(row = apply(table, 1, add), column = apply(table, 2, add), grand = add(table))
}

#' Marginals of cross tabulations
#'
#' @param x an object of class `rxCrossTabs`.
#' @param output `"means"` for marginal means, see [rxCrossTabs()]; else marginal sums, of `"sums"` (of counts without a
#'   response) or `"counts"`.
#' @param ... `na.rm`, whether empty cells are left out of marginal means.
#' @return A list, with for every table a list of `row`, `column` and `grand`. One-way tables have `grand` only.
#' @examples
#' tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, data = as.data.frame(UCBAdmissions))
#' rxMarginals(tables)[["Freq, Dept = A"]]
#' @export
rxMarginals <- function(x, ...) UseMethod("rxMarginals")

#' @rdname rxMarginals
#' @export
rxMarginals.default <- function(x, ...) {
  check_argument(FALSE, "x", "an object of class rxCrossTabs")
}

#' @rdname rxMarginals
#' @export
rxMarginals.rxCrossTabs <- function(x, output = "sums", ...) {
  dots <- list(...)
  warn_unknown(setdiff(dot_names(...), "na.rm"), c("output", "na.rm"))
  if (identical(output, "sums") && is.null(unclass(x)$sums)) {
    output <- "counts"
  }
  tables <- as.list.rxCrossTabs(x, output, TRUE, dots$na.rm %||% FALSE)
  lapply(tables, attr, "marginals")
}

#' Cross tabulations as objects of class xtabs
#'
#' @param x an object of class `rxCrossTabs` or `rxCube`. Of a cube with a response, one made with `means = FALSE`, so
#'   that the result holds sums.
#' @param ... no further arguments.
#' @return An array of class `xtabs`, with the call that made `x` as attribute `call`: what [xtabs()] makes of the same
#'   data. Several responses make a last dimension. Combinations that were removed have zeros.
#' @examples
#' tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, data = as.data.frame(UCBAdmissions))
#' as.xtabs(tables)
#' summary(as.xtabs(tables))
#' @export
as.xtabs <- function(x, ...) UseMethod("as.xtabs")

#' @rdname as.xtabs
#' @export
as.xtabs.default <- function(x, ...) {
  check_argument(FALSE, "x", "an object of class rxCrossTabs or rxCube")
}

#' @rdname as.xtabs
#' @export
as.xtabs.rxCrossTabs <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  tables <- as.list.rxCrossTabs(x)
  levels <- x$params$levels
  of_response <- ceiling(seq_along(tables) / nrow(x$params$strata))
  values <- lapply(split(unname(tables), of_response), joined_tables, levels, x$params$strata)
  as_xtabs(values, levels, x$depvars, x$call)
}

#' @rdname as.xtabs
#' @export
as.xtabs.rxCube <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  about <- attr(x, "about")
  columns <- unclass(x)
  levels <- lapply(columns[about$factors], levels)
  at <- do.call(cbind, lapply(unname(columns[about$factors]), as.integer))
  wanted <- if (length(about$depvars) > 0) about$depvars else "Counts"
  values <- Map(function(column, whole) {
    column <- if (whole && !about$means) as_counts(column) else column
    replace(whole_array(levels, column[0]), at, column)
  }, columns[wanted], c(about$whole, FALSE)[seq_along(wanted)])
  as_xtabs(values, levels, about$depvars, about$call)
}

#' An array of zeros for all combinations of levels
#'
#' @param like an empty vector of the type wanted
#' @noRd
whole_array <- function(levels, like) {
  cells <- prod(lengths(levels))
  if (cells > .Machine$integer.max) {
    rx_abort("memory", sprintf("The table has %.0f cells, more than an array of R shall have.", cells))
  }
  array(vector(typeof(like), cells), unname(lengths(levels)), levels)
}

as_xtabs <- function(values, levels, depvars, call) {
  if (length(values) == 1) {
    whole <- values[[1]]
  } else {
    whole <- array(unlist(values), c(unname(lengths(levels)), length(values)), c(levels, list(depvars)))
  }
  structure(whole, class = c("xtabs", "table"), call = call)
}

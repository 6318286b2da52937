#' Cross tabulation as two-way tables
#'
#' Counts of rows, and sums and means of numbers, in every combination of categories, as two-way tables: the first
#' factor makes the rows, the second the columns, and every combination of the others has a table of its own. [rxCube()]
#' gives the same numbers in long form, and says how they are computed.
#'
#' **Formula.** As of [rxCube()]; `+` between categories means `:`.
#'
#' **Marginals** of counts and sums are sums. The marginal mean of a row or column is the mean of all its observations:
#' the sum of its sums over the sum of its counts. If one of its cells is empty, it is NaN, and with `na.rm = TRUE` the
#' mean of the others.
#'
#' **Chi-square.** For each table of sums, or of counts without a response, Pearson's test of independence:
#' sum((x - E)^2 / E), without a correction for continuity, as `summary(xtabs())` has it. [rxChiSquaredTest()] corrects
#' 2 x 2 tables.
#'
#' @param formula,data,pweights,fweights see [rxCube()].
#' @param means whether to keep means as well, which are then what is printed.
#' @param marginals whether every table gets an attribute `"marginals"`, see [rxMarginals()].
#' @param cube kept for RevoScaleR's scripts: there is one engine, and it is used either way.
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param useSparseCube whether to keep only combinations that occur while counting.
#' @param removeZeroCounts whether to leave out tables without rows in the data, and rows and columns of tables.
#' @param returnXtabs whether to return an object of class `xtabs`, which is what [xtabs()] makes of the same data but
#'   for its attribute `call`; with `means = TRUE`, of means.
#' @param na.rm whether empty cells are left out of marginal means.
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), and how long it took.
#' @param computeContext a compute context; only local ones are supported.
#' @param ... no further arguments; a warning names them.
#' @return An object of class `rxCrossTabs`, a list:
#'   * `sums`, `counts`, `means`: lists of two-way tables, named `<y>, <f3> = <level>`; NULL what there is not;
#'   * `chisquare`: a list of tests, as [summary.table()] makes them;
#'   * `call`, `formula`, `depvars`, `params`, `nValidObs`, `nMissingObs`.
#' @seealso [rxMarginals()], [rxChiSquaredTest()], [rxPairwiseCrossTab()], [as.xtabs()]
#' @references Agresti, A. (2007) An Introduction to Categorical Data Analysis. Wiley.
#' @examples
#' admissions <- as.data.frame(UCBAdmissions)
#' tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, data = admissions)
#' tables$sums[["Freq, Dept = A"]]
#' summary(tables, type = "chisquare")
#'
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxCrossTabs(arr_delay ~ origin:F(month, 1, 12), data = flights, means = TRUE)
#' @export
rxCrossTabs <- function(formula, data, pweights = NULL, fweights = NULL, means = FALSE, marginals = FALSE, cube = FALSE,
                        rowSelection = NULL, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                        transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                        useSparseCube = rxGetOption("useSparseCube"), removeZeroCounts = useSparseCube,
                        returnXtabs = FALSE, na.rm = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                        reportProgress = rxGetOption("reportProgress"), verbose = 0,
                        computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  flags <- c("means", "marginals", "cube", "useSparseCube", "removeZeroCounts", "returnXtabs", "na.rm")
  for (name in flags) {
    check_argument(is_flag(get(name)), name, "TRUE or FALSE")
  }
  asked <- capture_transforms()
  table <- cross_tabulate(
    formula, data, asked, pweights, fweights, useSparseCube, removeZeroCounts, blocksPerRead, reportProgress,
    join = TRUE
  )
  parts <- table_parts(table, removeZeroCounts)
  several <- length(table$responses) > 0
  tables <- list(
    sums = if (several) two_way_tables(table, parts, "sums"), counts = two_way_tables(table, parts, "counts"),
    means = if (several && means) two_way_tables(table, parts, "means")
  )
  crosstabs <- structure(c(tables, list(
    call = small_call(match.call()), chisquare = lapply(if (several) tables$sums else tables$counts, independence),
    formula = small_formula(formula), depvars = table$responses,
    params = list(
      data = data_lines(substitute(data), data), pweights = pweights, fweights = fweights, levels = table$levels,
      strata = parts$strata, sumOfWeights = table$weight, removeZeroCounts = removeZeroCounts
    ),
    nValidObs = table$nValidObs, nMissingObs = table$nMissingObs
  )), class = "rxCrossTabs")
  if (verbose > 0) {
    report_compiled(table$source)
    print_time(started)
  }
  if (returnXtabs) {
    return(as.xtabs(crosstabs))
  }
  if (marginals) {
    for (output in c("sums", "counts", "means")) {
      crosstabs[output] <- list(with_marginals(crosstabs, output, na.rm))
    }
  }
  crosstabs
}

# More tables than this nobody looks at, and rxCube() lists as many combinations as there are.
most_tables <- 10000

#' Which cells belong to which table
#'
#' @return a list: `strata`, a matrix with the positions of the further factors' levels, a row a table; `cells`, a list
#'   of the positions of each table's cells among the table's; `labels`, NULL where there is one table
#' @noRd
table_parts <- function(table, remove_zero) {
  size <- prod(lengths(table$levels[seq_len(min(2, length(table$levels)))]))
  further <- table$levels[-(1:2)]
  stratum <- if (size > 0) table$cell %/% size else numeric()
  numbers <- if (remove_zero) unique(stratum) else seq_len(prod(lengths(further))) - 1
  if (length(numbers) > most_tables) {
    rx_abort("memory", sprintf("The factors make %.0f two-way tables.", length(numbers)),
      hint = "Use rxCube(), which lists all combinations in one table."
    )
  }
  cells <- if (length(numbers) == 1) list(seq_along(stratum)) else split(seq_along(stratum), factor(stratum, numbers))
  columns <- cell_levels(further, names(further), numbers)
  list(
    strata = matrix(as.integer(unlist(lapply(columns, as.integer))), length(numbers), length(further)),
    cells = unname(cells), remove_zero = remove_zero,
    labels = if (length(further) > 0) {
      do.call(paste, c(unname(Map(paste, names(further), columns, sep = " = ")), sep = ", "))
    }
  )
}

#' Two-way tables of one statistic, for all responses
#'
#' @param statistic "counts", "sums" or "means"
#' @noRd
two_way_tables <- function(table, parts, statistic) {
  responses <- table$responses
  columns <- if (statistic == "counts") {
    rep(list(table$weights %||% table$counts), max(1, length(responses)))
  } else {
    Map(function(column, whole) if (whole && statistic == "sums") as_counts(column) else column,
      table[[statistic]], table$whole)
  }
  tables <- lapply(columns, function(values) {
    lapply(parts$cells, two_way_table,
      values = values, table = table, remove_zero = parts$remove_zero,
      empty = if (statistic == "means") NaN else vector(typeof(values), 1)
    )
  })
  labels <- lapply(if (length(responses) > 0) responses else list(NULL), function(y) {
    if (is.null(c(y, parts$labels))) "Counts" else paste(c(y, if (!is.null(parts$labels)) ""), collapse = ", ")
  })
  names <- unlist(lapply(labels, function(y) if (is.null(parts$labels)) y else paste0(y, parts$labels)))
  stats::setNames(unlist(tables, recursive = FALSE), names)
}

#' One two-way table
#'
#' @param at positions of its cells among the table's
#' @param empty what a cell holds that no row is in
#' @noRd
two_way_table <- function(at, values, table, remove_zero, empty) {
  levels <- table$levels[seq_len(min(2, length(table$levels)))]
  sizes <- lengths(levels)
  if (!remove_zero) {
    return(structure(values[at], dim = unname(sizes), dimnames = levels, class = "table"))
  }
  position <- cell_levels(levels, names(levels), table$cell[at] %% prod(sizes))
  used <- lapply(position, function(column) sort(unique(as.integer(column))))
  filled <- array(empty, unname(lengths(used)), Map(function(levels, used) levels[used], levels, used))
  filled[do.call(cbind, Map(match, lapply(position, as.integer), used))] <- values[at]
  structure(filled, class = "table")
}

#' Pearson's test of independence, as summary.table() has it
#'
#' @noRd
independence <- function(table) {
  n <- sum(table)
  if (length(dim(table)) < 2) {
    return(structure(list(n.vars = 1L, n.cases = n), class = "summary.table"))
  }
  expected <- outer(rowSums(table), colSums(table)) / n
  statistic <- sum((unclass(table) - expected)^2 / expected)
  parameter <- prod(dim(table) - 1)
  structure(list(
    n.vars = 2L, n.cases = n, statistic = statistic, parameter = parameter,
    approx.ok = isTRUE(all(expected >= 5)),
    p.value = stats::pchisq(statistic, parameter, lower.tail = FALSE), call = NULL
  ), class = "summary.table")
}

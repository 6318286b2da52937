#' Tests of two-way tables
#'
#' A test of every two-way table of a cross tabulation, as one table with a row a test: there is one for each
#' combination of the third and further factors. They are made of sums if the formula had a response (as `Freq ~ a:b` of
#' a table that is a data frame), of counts else. The data are not read again.
#'
#' * `rxChiSquaredTest()`: Pearson's test of independence, by [stats::chisq.test()]: 2 x 2 tables have Yates' correction
#'   for continuity (`correct = FALSE` for none).
#' * `rxFisherTest()`: Fisher's exact test, by [stats::fisher.test()]: of 2 x 2 tables the conditional estimate of the
#'   odds ratio and its confidence interval. Large tables need `workspace = ` or `simulate.p.value = TRUE`.
#' * `rxKendallCor()`: Kendall's rank correlation. With C and D the pairs of rows in the same and in the opposite order,
#'   tau-a is (C - D) / (n (n - 1) / 2), tau-b divides by the geometric mean of the pairs that are not tied in either
#'   factor, tau-c by n^2 (m - 1) / (2 m), m being the lesser number of levels. The p-value is the share of 1,000 random
#'   tables with the same margins whose |C - D| is as large, so it is a multiple of 0.001, and varies unless `seed` is
#'   given. Tables that are not of whole numbers have none.
#' * `rxMultiTest()` makes such a table of any list of tests.
#'
#' @param x an object of class `rxCrossTabs`, `rxCube` (without response, or with `means = FALSE`) or `xtabs`; of
#'   `print()`, one of class `rxMultiTest`.
#' @param type `"a"`, `"b"` or `"c"`.
#' @param seed NULL, or what to give to [set.seed()] before tables are drawn.
#' @param tests a list of tests, objects of class `htest`.
#' @param title the title; NULL for the tests' method.
#' @param ... further arguments of the test named above; of `print()`, those of `print()` for matrices.
#' @return An object of class `rxMultiTest`, a data frame with a row a test, named like `Dept==A`, and the columns of
#'   the test: estimates, `95% CI Lower` and `95% CI Upper`, statistics, `df`, and `p-value`.
#' @references
#' Agresti, A. (2007) An Introduction to Categorical Data Analysis. Wiley. Kendall, M. G. (1938) A new measure of rank
#' correlation. Biometrika 30, 81-93. Patefield, W. M. (1981) Algorithm AS 159: an efficient method of generating random
#' r x c tables. Applied Statistics 30, 91-97.
#' @examples
#' tables <- rxCrossTabs(Freq ~ Gender:Admit:Dept, data = as.data.frame(UCBAdmissions))
#' rxChiSquaredTest(tables)
#' rxFisherTest(tables)
#' rxKendallCor(rxCube(~ F(cyl):F(gear), mtcars), seed = 1)
#' @export
rxChiSquaredTest <- function(x, ...) {
  tables <- tested_tables(x)
  tests <- lapply(tables, function(table) if (sum(table) > 0) stats::chisq.test(table, ...) else empty_test())
  names <- names(dimnames(tables[[1]])) %||% c("rows", "columns")
  rxMultiTest(tests, sprintf("Chi-squared test of independence between %s and %s", names[1], names[2]))
}

#' The test of a table without rows
#'
#' @noRd
empty_test <- function() {
  structure(
    list(statistic = c(`X-squared` = NaN), parameter = c(df = NA), p.value = NaN, method = "No test"),
    class = "htest"
  )
}

#' @rdname rxChiSquaredTest
#' @export
rxFisherTest <- function(x, ...) {
  tests <- lapply(tested_tables(x), function(table) {
    tryCatch(stats::fisher.test(table, ...), error = function(condition) {
      large <- grepl("FEXACT|workspace|LDSTP|LDKEY", conditionMessage(condition))
      rx_abort("argument", sprintf("Fisher's test failed: %s.", sub("[.\n ]+$", "", conditionMessage(condition))),
        hint = if (large) "The table is large: pass a larger workspace, or simulate.p.value = TRUE."
      )
    })
  })
  rxMultiTest(tests)
}

#' @rdname rxChiSquaredTest
#' @export
rxKendallCor <- function(x, type = "b", seed = NULL, ...) {
  check_argument(is_string(type) && type %in% c("a", "b", "c"), "type", '"a", "b" or "c"')
  check_argument(is.null(seed) || is_whole(seed), "seed", "NULL or a whole number")
  warn_unknown(dot_names(...), names(formals(rxKendallCor)))
  if (!is.null(seed)) {
    set.seed(seed)
  }
  rxMultiTest(lapply(tested_tables(x), kendall_test, type = type))
}

#' @rdname rxChiSquaredTest
#' @export
rxMultiTest <- function(tests, title = NULL) {
  is_test <- is.list(tests) && length(tests) > 0 && all(vapply(tests, inherits, NA, "htest"))
  check_argument(is_test, "tests", "a list of tests, objects of class htest")
  check_argument(is.null(title) || is_string(title), "title", "NULL or a text")
  rows <- lapply(unname(tests), test_columns)
  columns <- unique(unlist(lapply(rows, names)))
  columns <- c(setdiff(columns, "p-value"), intersect(columns, "p-value"))
  values <- lapply(stats::setNames(nm = columns), function(name) {
    vapply(rows, function(row) if (is.null(row[[name]])) NA_real_ else as.numeric(row[[name]]), 0)
  })
  structure(as_data_frame(values, names(tests)), class = c("rxMultiTest", "data.frame"),
    title = title %||% trimws(tests[[1]]$method), alternative = tests[[1]]$alternative,
    null.value = tests[[1]]$null.value
  )
}

#' What is shown of a test
#'
#' @noRd
test_columns <- function(test) {
  level <- attr(test$conf.int, "conf.level")
  ends <- if (!is.null(test$conf.int)) {
    ends <- sprintf("%s%% CI %s", format(100 * (level %||% 0.95)), c("Lower", "Upper"))
    stats::setNames(as.list(test$conf.int), ends)
  }
  c(as.list(test$estimate), ends, as.list(test$statistic), as.list(test$parameter), list(`p-value` = test$p.value))
}

#' @rdname rxChiSquaredTest
#' @export
print.rxMultiTest <- function(x, ...) {
  cat(attr(x, "title"), "\n", sep = "")
  table <- data.matrix(structure(x, class = "data.frame"))
  rownames(table) <- if (is.character(attr(x, "row.names"))) row.names(x) else rep("", nrow(table))
  print(table, ...)
  if (!is.null(attr(x, "alternative"))) cat("HA: ", attr(x, "alternative"), "\n", sep = "")
  null <- attr(x, "null.value")
  if (!is.null(null)) cat("H0: ", names(null), " = ", null, "\n", sep = "")
  invisible(x)
}

#' Two-way tables of a cross tabulation, by the levels of the further factors
#'
#' @return a list, whose names are NULL where there is one table, else like "Dept==A"
#' @noRd
tested_tables <- function(x) {
  tables <- if (inherits(x, "rxCrossTabs")) {
    strata_of_tables(x)
  } else if (inherits(x, "rxCube")) {
    about <- attr(x, "about")
    if (about$means && length(about$depvars) > 0) {
      rx_abort("argument", "The cube holds means, of which there is no test.", hint = "Make it with means = FALSE.")
    }
    strata_of_array(as.xtabs(x))
  } else {
    check_argument(is.array(x), "x", "an object of class rxCrossTabs, rxCube or xtabs")
    strata_of_array(x)
  }
  check_two_factors(tables)
  tables <- lapply(tables, function(table) structure(unclass(table), marginals = NULL))
  if (any(vapply(tables, function(table) any(table < 0, na.rm = TRUE), NA))) {
    rx_abort("argument", "The table has negative sums, of which there is no test.")
  }
  tables
}

strata_of_tables <- function(x) {
  further <- x$params$levels[-(1:2)]
  strata <- stratum_names(Map(function(levels, k) levels[x$params$strata[, k]], further, seq_along(further)))
  depvars <- x$depvars
  if (length(depvars) > 1) {
    strata <- if (is.null(strata)) depvars else paste(rep(depvars, each = length(strata)), strata, sep = ", ")
  }
  x <- unclass(x)
  stats::setNames(x$sums %||% x$counts, strata)
}

strata_of_array <- function(array) {
  check_two_factors(list(array))
  further <- dimnames(array)[-(1:2)]
  count <- prod(dim(array)[-(1:2)])
  cells <- matrix(seq_along(array), ncol = count)
  tables <- lapply(seq_len(count), function(k) {
    array(unclass(array)[cells[, k]], dim(array)[1:2], dimnames(array)[1:2])
  })
  stats::setNames(tables, stratum_names(cell_levels(further, names(further), seq_len(count) - 1)))
}

#' Names like "Dept==A" of combinations of levels, NULL where there are none
#'
#' @noRd
stratum_names <- function(strata) {
  if (length(strata) > 0) do.call(paste, c(unname(Map(paste0, names(strata), "==", strata)), sep = ", "))
}

check_two_factors <- function(tables) {
  if (length(tables) == 0 || length(dim(tables[[1]])) < 2) {
    rx_abort("argument", "A test of association needs a table of two factors at least.")
  }
}

# Random tables that a p-value of rxKendallCor() counts.
kendall_tables <- 1000

kendall_test <- function(table, type) {
  n <- sum(table)
  rows <- rowSums(table)
  columns <- colSums(table)
  pairs <- function(x) sum(x * (x - 1)) / 2
  score <- concordance(table)
  smaller <- min(dim(table))
  scale <- switch(type,
    a = pairs(n), b = sqrt((pairs(n) - pairs(rows)) * (pairs(n) - pairs(columns))),
    c = n^2 * (smaller - 1) / (2 * smaller)
  )
  p <- NA_real_
  if (all(table == round(table)) && n >= 2 && n <= .Machine$integer.max && scale > 0) {
    # What lies on the edge counts, whatever the rounding.
    bound <- abs(score) * (1 - 1e-12)
    as_large <- vapply(seq_len(kendall_tables), function(i) {
      abs(concordance(stats::r2dtable(1, rows, columns)[[1]])) >= bound
    }, NA)
    p <- mean(as_large)
  }
  structure(list(
    estimate = stats::setNames(score / scale, paste0("tau", type)), p.value = p, alternative = "two.sided",
    method = sprintf("Kendall's rank correlation, tau-%s", type), null.value = c(tau = 0), data.name = "table"
  ), class = "htest")
}

#' Pairs of rows in the same order less those in the opposite order
#'
#' @noRd
concordance <- function(table) {
  # Of all cells below and to the right of each.
  below <- apply(table, 2, function(x) rev(cumsum(rev(x))) - x)
  dim(below) <- dim(table)
  totals <- rowSums(below)
  left <- t(apply(below, 1, cumsum))
  dim(left) <- dim(table)
  sum(table * (totals - left)) - sum(table * (left - below))
}

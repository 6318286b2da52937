#' Risk ratios, odds ratios, and tests of all pairs of groups
#'
#' `rxRiskRatio()` and `rxOddsRatio()` take a 2 x 2 table. With rows (a, b) and (c, d) the odds ratio is (a / b) / (c /
#' d), with standard error of its logarithm sqrt(1/a + 1/b + 1/c + 1/d). The risk ratio is the share of the second
#' column in the second row over that in the first, (d / (c + d)) / (b / (a + b)), with sqrt(1/d - 1/(c + d) + 1/b -
#' 1/(a + b)). Confidence intervals are Wald's on the scale of the logarithm, and p-values those of log(ratio) /
#' standard error. As in RevoScaleR, the statistic `Z` that is shown is the logarithm of the ratio itself. A table with
#' an empty cell may have a ratio of 0 or infinity and no p-value.
#'
#' `rxPairwiseCrossTab()` applies such a function to 2 x 2 tables made of every two-way table of a cross tabulation.
#' With `pooled = TRUE` every group of rows is compared with all others together, and so is every column; where there
#' are two only, the second is compared with the first. With FALSE every pair of rows is compared on every pair of
#' columns.
#'
#' @param tbl a table of two rows and two columns.
#' @param conf.level the level of the confidence interval.
#' @param alternative `"two.sided"`, `"less"` or `"greater"`: what the ratio is if it is not 1.
#' @param x an object of class `rxCrossTabs`, `rxCube` (without response, or with `means = FALSE`) or `xtabs`; of
#'   `print()`, what `rxPairwiseCrossTab()` returned.
#' @param pooled whether groups are compared with the pool of all others; FALSE for all pairs.
#' @param FUN a function of a 2 x 2 table that returns an object of class `htest`.
#' @param digits,scientific,p.value.digits how to format numbers; see [format()].
#' @param ... further arguments of `FUN`.
#' @return `rxRiskRatio()` and `rxOddsRatio()`: an object of class `htest`. `rxPairwiseCrossTab()`: an object of class
#'   `rxPairwiseCrossTabList`, with for every two-way table an element of class `rxPairwiseCrossTabTable`, a data frame
#'   with a row a comparison.
#' @references Agresti, A. (2007) An Introduction to Categorical Data Analysis. Wiley.
#' @examples
#' admissions <- as.data.frame(UCBAdmissions)
#' table <- rxCrossTabs(Freq ~ Gender:Admit, data = admissions)
#' rxRiskRatio(table$sums[[1]])
#' rxOddsRatio(table$sums[[1]])
#' rxPairwiseCrossTab(rxCrossTabs(Freq ~ Dept:Admit, data = admissions))
#' @export
rxPairwiseCrossTab <- function(x, pooled = TRUE, FUN = rxRiskRatio, ...) {
  check_argument(is_flag(pooled), "pooled", "TRUE or FALSE")
  check_argument(is.function(FUN), "FUN", "a function of a 2 x 2 table")
  tables <- lapply(tested_tables(x), function(table) pairwise_table(table, pooled, FUN, ...))
  structure(tables, class = "rxPairwiseCrossTabList")
}

#' @rdname rxPairwiseCrossTab
#' @export
rxRiskRatio <- function(tbl, conf.level = 0.95, alternative = "two.sided") {
  check_two_by_two(tbl, conf.level, alternative)
  name <- deparse1(substitute(tbl))
  tbl <- unclass(tbl)
  total <- rowSums(tbl)
  risk <- tbl[, 2] / total
  estimate <- paste(c("riskRatio", rownames(tbl)[2]), collapse = ".")
  ratio_test(
    risk[[2]] / risk[[1]], sum(1 / tbl[, 2] - 1 / total), estimate, "Risk ratio", c(`risk ratio` = 1), conf.level,
    alternative, name
  )
}

#' @rdname rxPairwiseCrossTab
#' @export
rxOddsRatio <- function(tbl, conf.level = 0.95, alternative = "two.sided") {
  check_two_by_two(tbl, conf.level, alternative)
  name <- deparse1(substitute(tbl))
  tbl <- unclass(tbl)
  ratio <- (tbl[1, 1] / tbl[1, 2]) / (tbl[2, 1] / tbl[2, 2])
  ratio_test(
    ratio, sum(1 / tbl), "oddsRatio", "Odds ratio", c(`odds ratio` = 1), conf.level, alternative, name
  )
}

check_two_by_two <- function(tbl, conf.level, alternative) {
  ok <- is.numeric(tbl) && identical(as.numeric(dim(tbl)), c(2, 2)) && all(is.finite(tbl) & tbl >= 0)
  check_argument(ok, "tbl", "a table of two rows and two columns without negative numbers")
  check_argument(is_number(conf.level) && conf.level > 0 && conf.level < 1, "conf.level", "a number between 0 and 1")
  known <- c("two.sided", "less", "greater")
  check_argument(is_string(alternative) && alternative %in% known, "alternative", '"two.sided", "less" or "greater"')
}

#' The test of a ratio, on the scale of its logarithm
#'
#' @param variance of the logarithm
#' @param name of the estimate
#' @noRd
ratio_test <- function(ratio, variance, name, method, null, conf.level, alternative, data_name) {
  effect <- log(ratio)
  error <- sqrt(variance)
  z <- if (is.finite(error)) effect / error else NaN
  q <- stats::qnorm(if (alternative == "two.sided") (1 + conf.level) / 2 else conf.level)
  ends <- exp(effect + c(-1, 1) * q * error)
  ends <- switch(alternative, two.sided = ends, less = c(0, ends[2]), greater = c(ends[1], Inf))
  p <- switch(alternative,
    two.sided = 2 * stats::pnorm(-abs(z)), less = stats::pnorm(z), greater = stats::pnorm(z, lower.tail = FALSE)
  )
  structure(list(
    statistic = c(Z = effect), p.value = p, conf.int = structure(ends, conf.level = conf.level),
    estimate = stats::setNames(ratio, name), null.value = null, alternative = alternative, method = method,
    data.name = data_name
  ), class = "htest")
}

#' All comparisons of one two-way table
#'
#' @noRd
pairwise_table <- function(table, pooled, FUN, ...) {
  if (min(dim(table)) < 2) {
    rx_abort("argument", "A comparison needs two rows and two columns at least.")
  }
  sides <- lapply(1:2, function(side) {
    comparisons(dimnames(table)[[side]] %||% as.character(seq_len(dim(table)[side])), pooled)
  })
  tests <- list()
  for (rows in sides[[1]]) {
    for (columns in sides[[2]]) {
      # First the group compared with, then the group.
      small <- rbind(
        colSums(table[rows$base, , drop = FALSE]), colSums(table[rows$group, , drop = FALSE])
      )
      small <- cbind(
        rowSums(small[, columns$base, drop = FALSE]), rowSums(small[, columns$group, drop = FALSE])
      )
      dimnames(small) <- list(rows$labels, columns$labels)
      test <- FUN(small, ...)
      check_argument(inherits(test, "htest"), "FUN", "a function that returns an object of class htest")
      tests <- c(tests, list(list(rows = rows$text, columns = columns$text, test = test)))
    }
  }
  shown <- structure(rxMultiTest(lapply(tests, function(test) {
    names(test$test$estimate) <- sub("[.].*", "", names(test$test$estimate))
    test$test
  })), class = "data.frame")
  compared <- list(
    vapply(tests, function(test) test$rows, ""), vapply(tests, function(test) test$columns, "")
  )
  names(compared) <- names(dimnames(table)) %||% c("rows", "columns")
  frame <- as_data_frame(c(compared, unclass(shown)[names(shown)]))
  structure(frame, class = c("rxPairwiseCrossTabTable", "data.frame"), method = attr(shown, "title"))
}

#' What is compared with what, on one side of a table
#'
#' @return a list of lists: positions of `group` and `base`, their `labels` (of the base first) and a `text`
#' @noRd
comparisons <- function(names, pooled) {
  count <- length(names)
  one <- function(group, base, of_base) {
    list(
      group = group, base = base, labels = c(of_base, names[group]), text = paste(names[group], "vs.", of_base)
    )
  }
  if (count == 2) {
    return(list(one(2, 1, names[1])))
  }
  if (pooled) {
    return(lapply(seq_len(count), function(group) one(group, setdiff(seq_len(count), group), "others")))
  }
  pairs <- utils::combn(count, 2)
  lapply(seq_len(ncol(pairs)), function(k) one(pairs[2, k], pairs[1, k], names[pairs[1, k]]))
}

#' @rdname rxPairwiseCrossTab
#' @export
print.rxPairwiseCrossTabList <- function(x, ...) {
  for (i in seq_along(x)) {
    if (i > 1) cat("\n")
    if (!is.null(names(x))) cat(names(x)[i], "\n", sep = "")
    print(x[[i]], ...)
  }
  invisible(x)
}

#' @rdname rxPairwiseCrossTab
#' @export
print.rxPairwiseCrossTabTable <- function(x, digits = 3, scientific = FALSE, p.value.digits = 3, ...) {
  shown <- structure(x, class = "data.frame")
  cat(attr(x, "method"), "\n", sep = "")
  is_p <- names(shown) == "p-value"
  numbers <- vapply(shown, is.numeric, NA)
  shown[numbers & !is_p] <- lapply(shown[numbers & !is_p], format, digits = digits, scientific = scientific)
  smallest <- 10^-p.value.digits
  shown[is_p] <- lapply(shown[is_p], function(p) {
    known <- !is.na(p)
    text <- formatC(p, digits = p.value.digits, format = "f")
    ifelse(known & p < smallest, paste0("<", formatC(smallest, digits = p.value.digits, format = "f")), text)
  })
  print(shown, row.names = FALSE, ...)
  invisible(x)
}

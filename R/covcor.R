#' Covariances, correlations and cross products
#'
#' Covariance or correlation matrices of numbers, factors and their interactions, or the matrix of sums of squares and
#' cross products, in one pass over the data. `rxCov()`, `rxCor()` and `rxSSCP()` answer the matrix alone.
#'
#' **Columns.** A number gives a column, a factor one for each of its levels, an interaction one for each combination
#' (see [rxFormula]); nothing stands for the intercept. Rows with a missing value in any variable are left out. An
#' infinite value is an error.
#'
#' **Definitions.** With W the sum of the weights (without weights, the number n of rows), m the weighted means and
#' S = sum(w (x - m)(x - m)'), the covariance is S / (n - 1) without weights, S / (W - 1) with frequency weights, and
#' n / (n - 1) S / W with probability weights. Correlations of a column without variance are missing but for its own;
#' a warning of class `rxscale_warning_constant` names it. The matrix of cross products is that of X'WX, where X has a
#' column of ones in front of the others: its first row has W and the sums of the columns.
#'
#' **Accuracy.** Products are summed relative to numbers near the means, so a large mean costs no digits. Small problems
#' (up to a million rows, and rows times columns squared below 3e7) are summed in numbers of 32 digits. Larger ones are
#' summed again where that is needed: about better means, or in numbers of 32 digits. The result is the same to the last
#' bit for any number of threads.
#'
#' **Columns that are dropped.** With `keepAll = FALSE` columns are left out whose variance is at most `varTol`, then
#' those that are linear combinations of other ones: of a factor's levels the last, and what comes later in the formula.
#' With `keepAll = TRUE` all columns stay, and `varTol` has nothing to say.
#'
#' @inheritParams rxSummary
#' @param formula a formula without a response; see [rxFormula].
#' @param keepAll whether to keep columns that are constant or linear combinations of others.
#' @param varTol the largest variance of a column that counts as constant.
#' @param type which matrix: `"Cov"`, `"Cor"` or `"SSCP"`, in letters of any case.
#' @return `rxCovCor()`: an object of class `rxCovCor`, a list with `CovCor`, the matrix; `StdDevs`, the standard
#'   deviations of its columns (`numeric(0)` for `"SSCP"`); `Means`; `valid.obs` and `missing.obs`, numbers of rows;
#'   `SumOfWeights` (NA without weights); `DroppedVars` and `DroppedVarIndexes`, names and positions of columns left
#'   out; `params`, `call` and `formula`. The others: the matrix.
#' @references
#' Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983) Algorithms for computing the sample variance: analysis and
#' recommendations. The American Statistician 37, 242-247.
#' @examples
#' rxCovCor(~ mpg + wt + hp, data = mtcars, type = "Cor")
#' all.equal(rxCov(~ mpg + wt, mtcars), cov(mtcars[c("mpg", "wt")]))
#'
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxCor(~ arr_delay + dep_delay + log(distance) + origin, flights)
#' princomp(covmat = rxCor(~ arr_delay + dep_delay + air_time, flights))
#' @export
rxCovCor <- function(formula, data, pweights = NULL, fweights = NULL, rowSelection = NULL, transforms = NULL,
                     transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                     transformEnvir = NULL, keepAll = TRUE, varTol = 1e-12, type = "Cov",
                     blocksPerRead = rxGetOption("blocksPerRead"), reportProgress = rxGetOption("reportProgress"),
                     verbose = 0, computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  check_argument(is_flag(keepAll), "keepAll", "TRUE or FALSE")
  check_argument(is_number(varTol) && varTol >= 0, "varTol", "a number, zero or more")
  type <- matrix_type(type)
  design <- model_design(formula, data, capture_transforms(), pweights, fweights, blocksPerRead, rows = "Finite")
  check_covariance(design)
  terms <- lapply(design$terms, function(term) {
    list(numeric = term_index(design, term, "numeric"), categories = term_index(design, term, "category"))
  })
  options <- list(terms = terms, raw = type == "SSCP", keep_all = keepAll, tolerance = varTol)
  job <- job_options(reportProgress, "Rows multiplied")
  found <- engine_call(rx_engine_covariance, design$source, design$engine_variables, options, job)

  design$intercept <- FALSE
  labels <- coefficient_labels(design, found$levels, rxGetOption("coefLabelStyle"))
  kept <- which(!found$dropped)
  named <- function(x) stats::setNames(x, labels)[kept]
  matrix <- switch(type, SSCP = cross_products(found), COV = covariances(found), COR = correlations(found, labels))
  names <- c(if (type == "SSCP") "(Intercept)", labels)
  dimnames(matrix) <- list(names, names)
  in_matrix <- if (type == "SSCP") c(1, kept + 1) else kept
  result <- list(
    CovCor = matrix[in_matrix, in_matrix, drop = FALSE],
    StdDevs = if (type == "SSCP") numeric() else named(sqrt(found$squares / found$divisor) / found$scales),
    Means = named(found$means), valid.obs = as_counts(found$rows), missing.obs = as_counts(found$missing),
    SumOfWeights = if (is.null(design$engine_variables$weight)) NA else found$weight,
    DroppedVars = labels[found$dropped], DroppedVarIndexes = which(found$dropped),
    params = list(
      data = data_lines(substitute(data), data), pweights = pweights, fweights = fweights, keepAll = keepAll,
      varTol = varTol, type = type
    ),
    call = small_call(match.call()), formula = small_formula(formula)
  )
  if (verbose > 0) {
    report_compiled(design$source)
    print_time(started)
  }
  structure(result, class = "rxCovCor")
}

#' @rdname rxCovCor
#' @export
rxCov <- function(formula, data, pweights = NULL, fweights = NULL, rowSelection = NULL, transforms = NULL,
                  transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                  transformEnvir = NULL, keepAll = TRUE, varTol = 1e-12, blocksPerRead = rxGetOption("blocksPerRead"),
                  reportProgress = rxGetOption("reportProgress"), verbose = 0,
                  computeContext = rxGetOption("computeContext"), ...) {
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  only_matrix(match.call(), "Cov", parent.frame())
}

#' @rdname rxCovCor
#' @export
rxCor <- function(formula, data, pweights = NULL, fweights = NULL, rowSelection = NULL, transforms = NULL,
                  transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                  transformEnvir = NULL, keepAll = TRUE, varTol = 1e-12, blocksPerRead = rxGetOption("blocksPerRead"),
                  reportProgress = rxGetOption("reportProgress"), verbose = 0,
                  computeContext = rxGetOption("computeContext"), ...) {
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  only_matrix(match.call(), "Cor", parent.frame())
}

#' @rdname rxCovCor
#' @export
rxSSCP <- function(formula, data, pweights = NULL, fweights = NULL, rowSelection = NULL, transforms = NULL,
                   transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                   transformEnvir = NULL, keepAll = TRUE, varTol = 1e-12, blocksPerRead = rxGetOption("blocksPerRead"),
                   reportProgress = rxGetOption("reportProgress"), verbose = 0,
                   computeContext = rxGetOption("computeContext"), ...) {
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  only_matrix(match.call(), "SSCP", parent.frame())
}

#' The matrix of rxCovCor() with the arguments of another function's call, as far as there are such
#'
#' @noRd
only_matrix <- function(call, type, env) {
  call <- call[names(call) %in% c("", names(formals(rxCovCor)))]
  call[[1]] <- rxCovCor
  call$type <- type
  eval(call, env)$CovCor
}

matrix_type <- function(type) {
  known <- c("SSCP", "COV", "COR")
  check_argument(is_string(type) && toupper(type) %in% known, "type", '"SSCP", "Cov" or "Cor"')
  toupper(type)
}

check_covariance <- function(design) {
  if (length(design$response) > 0) {
    rx_abort("argument", "The formula has a response.", hint = "Write it as ~ x + y.")
  }
  if (length(design$terms) == 0) {
    rx_abort("argument", "The formula has no terms.", hint = "Write it as ~ x + y.")
  }
}

# Powers of two keep squares within the range of doubles until the end.

cross_products <- function(found) {
  scales <- c(1, found$scales)
  found$products / outer(scales, scales)
}

covariances <- function(found) {
  covariance <- found$products / found$divisor / outer(found$scales, found$scales)
  if (found$divisor > 0) covariance else replace(covariance, TRUE, NA)
}

correlations <- function(found, labels) {
  if (found$divisor <= 0) {
    return(replace(found$products, TRUE, NA))
  }
  sd <- sqrt(found$squares)
  constant <- found$squares == 0
  correlation <- found$products / outer(sd, sd)
  correlation[] <- pmax(pmin(correlation, 1), -1)
  correlation[constant, ] <- NA
  correlation[, constant] <- NA
  diag(correlation) <- 1
  warn_constant(labels[constant & !found$dropped])
  correlation
}

warn_constant <- function(labels) {
  if (length(labels) > 0) {
    message <- sprintf(
      "%d column%s no variance, hence no correlation: %s.", length(labels),
      if (length(labels) == 1) " has" else "s have", first_names(labels)
    )
    rx_warn("constant", message, columns = labels)
  }
}

#' @rdname rxCovCor
#' @param x an object of class `rxCovCor`.
#' @param header whether to print what the matrix was made of.
#' @export
print.rxCovCor <- function(x, header = TRUE, ...) {
  if (header) {
    print_header(x)
    cat("Number of valid observations: ", format(x$valid.obs), "\n", sep = "")
    if (!is.na(x$SumOfWeights)) {
      cat("Sum of weights of valid observations: ", format(x$SumOfWeights), "\n", sep = "")
    }
    cat("Number of missing observations: ", format(x$missing.obs), "\n", sep = "")
    cat("Statistic: ", x$params$type, "\n\n", sep = "")
  }
  print(x$CovCor, ...)
  invisible(x)
}

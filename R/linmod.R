#' Linear models
#'
#' Least squares on data of any size, in one pass: factors are never expanded to columns, so the work per row does not
#' grow with the number of levels.
#'
#' **Method.** Cross products of all model columns are accumulated about a pilot mean and centred, S = X'WX - W xbar
#' xbar'; with S scaled to unit diagonal, b = S^-1 s, b0 = ybar - xbar'b, sigma^2 = RSS / df, Var b = sigma^2 S^-1 and
#' Var b0 = sigma^2 (1/W + xbar' S^-1 xbar). The result is the same to the last bit for any number of threads.
#'
#' **Levels.** All levels of a factor have a coefficient; those that are linear combinations of others are dropped (NA
#' in `coef()`, `Dropped` in print). That is the last level of every factor, or the first with `dropFirst = TRUE`, or
#' if the last level has no rows or more columns turn out to be redundant. With `dropMain = TRUE` main effects whose
#' variables stand in an interaction are given up before the interaction's columns are. `dropFirst = TRUE, dropMain =
#' FALSE` gives the coefficients of [lm()] with treatment contrasts; `dropMain = FALSE` alone those with [contr.SAS()].
#' A column counts as redundant if less than 1e-26 of its variation is its own (1e-13 if it is stored in 32 bits, 1e-11
#' in sums of doubles); columns that no reference level explains are named in a warning of class
#' `rxscale_warning_collinear`.
#'
#' **Precision.** Small problems, up to 1.5e7 rows times squared columns / 2, are accumulated and solved in numbers of
#' 32 digits. Larger ones are accumulated in double, and once more in 32 digits if the condition number exceeds 1e6 or
#' columns seem collinear. Variables are scaled by powers of two where their squares would leave the range of doubles.
#' The results are those of exact arithmetic on the values as doubles hold them, to 13 digits and more, unless columns
#' are so near to collinear that the values themselves do not determine that many.
#'
#' **Cubes.** With `cube = TRUE` the columns of the other terms are centred within the cells (the partitioned inverse):
#' S = sum over cells of X'WX - W_j xbar_j xbar_j', b = S^-1 s, a_j = ybar_j - xbar_j'b and Var a_j = sigma^2 (1/W_j +
#' xbar_j' S^-1 xbar_j). A cell without rows has no coefficient (NA).
#'
#' **Weights.** Probability weights are used as they are, residual degrees of freedom count rows: as `lm(weights = )`.
#' With frequency weights a row stands for so many.
#'
#' R-squared and the F test compare with the model that has an intercept only, also where the model has none.
#'
#' @param formula a formula with one response, or several in `cbind()`; see [rxFormula].
#' @param data a data frame, a data source, or the name of a file.
#' @param pweights,fweights name of the variable of probability weights, or of frequency weights (whole numbers).
#' @param cube whether the cells of the first term, if that is a factor or an interaction of factors, take the place of
#'   the intercept: every cell that has rows gets a coefficient. Other first terms give an ordinary fit.
#' @param cubePredictions whether `countDF` of a cube shall have the means that are predicted for its cells with all
#'   other numeric variables at their means and all other factors at the shares of their levels. Without other terms
#'   they are the coefficients and always there.
#' @param variableSelection a list made by [rxStepControl()], to search for a model by steps; an empty list for none.
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param dropFirst whether the first level of a factor is the reference, not the last.
#' @param dropMain whether redundant main effects are given up before their interactions.
#' @param covCoef whether to keep the covariance matrix of the coefficients, `covCoef`.
#' @param covData whether to keep the covariance matrix of the model columns, `covData`; needs an intercept.
#' @param coefLabelStyle `"Revo"`: `fac=Level`, `a=x, b=y`, `x for fac=Level`; `"R"`: R's names, with numbers for
#'   levels.
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), and how long it took.
#' @param computeContext a compute context; only local ones are supported.
#' @param ... no further arguments; a warning names them.
#' @return An object of class `rxLinMod`. With P coefficients and N responses: `coefficients`, `coef.std.error`,
#'   `coef.t.value`, `coef.p.value` (P x N); `covCoef`, `covData` if asked for; `residual.squares`, `total.squares`
#'   (sum of y^2), `y.var` (centred sum of squares), `sigma`, `residual.variance`, `r.squared`, `adj.r.squared`,
#'   `f.pvalue` and `deviance` (one a response); `fstatistics` (`value`, `numdf`, `dendf`); `condition.number` (1-norm,
#'   of the correlation matrix of the columns kept, at least 1); `rank`; `aliased`; `df` (P, residual, rank);
#'   of cubes, `countDF` (the cells' levels, predicted means, `Counts`) and `partitions` (numbers of columns);
#'   `y.names`; `means` and `y.means`, of the columns and responses; `fitted.columns`, whether there were rows of a
#'   column's levels; `params`, `formula`, `call`, `nValidObs`, `nMissingObs`; `design`, what predictions need. No data,
#'   fitted values or residuals are kept: see [rxPredict()].
#' @references Searle, S. R. (1971) Linear Models. Wiley.
#' @examples
#' fit <- rxLinMod(mpg ~ hp + wt + F(cyl), data = mtcars)
#' summary(fit)
#' coef(fit)
#'
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxLinMod(arr_delay ~ carrier + dep_delay, data = flights)
#' @export
rxLinMod <- function(formula, data, pweights = NULL, fweights = NULL, cube = FALSE, cubePredictions = FALSE,
                     variableSelection = list(), rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                     transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                     dropFirst = FALSE, dropMain = rxGetOption("dropMain"), covCoef = FALSE, covData = FALSE,
                     coefLabelStyle = rxGetOption("coefLabelStyle"), blocksPerRead = rxGetOption("blocksPerRead"),
                     reportProgress = rxGetOption("reportProgress"), verbose = 0,
                     computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ...)
  for (name in c("cube", "cubePredictions", "dropFirst", "dropMain", "covCoef", "covData")) {
    check_argument(is_flag(get(name)), name, "TRUE or FALSE")
  }
  check_argument(is_string(coefLabelStyle) && coefLabelStyle %in% c("Revo", "R"), "coefLabelStyle", '"Revo" or "R"')
  asked <- capture_transforms()
  selection <- check_selection(variableSelection, cube)
  whole <- full_formula(formula, selection)
  design <- model_design(whole, data, asked, pweights, fweights, blocksPerRead, rows = "Finite")
  check_regression(design)
  cube <- check_cube(cube, design, covCoef, covData)
  design$intercept <- design$intercept && !cube
  if (covData && !design$intercept) {
    rx_abort("argument", "`covData` needs a model with an intercept.")
  }
  terms <- lapply(design$terms, function(term) {
    list(numeric = term_index(design, term, "numeric"), categories = term_index(design, term, "category"))
  })
  asked_model <- list(
    intercept = design$intercept, terms = terms, responses = as.list(design$index[design$response]),
    drop_first = dropFirst, drop_main = dropMain, cube = cube, at_means = cube && cubePredictions,
    covariance = covCoef, centred_products = covData
  )
  job <- job_options(reportProgress, "Rows fitted")
  engine <- function(entry, ...) engine_call(entry, design$source, design$engine_variables, asked_model, ..., job)
  if (is.null(selection)) {
    fit <- engine(rx_engine_linmod)
  } else {
    search <- function(search) engine(rx_engine_stepwise, search)
    found <- select_terms(design, formula, selection, asked, fweights, coefLabelStyle, search)
    fit <- found$fit
    design <- found$design
  }

  labels <- coefficient_labels(design, fit$levels, coefLabelStyle)
  warn_collinear(labels[fit$collinear])
  model <- linear_model(fit, labels, design, fweights, covCoef, covData, cube)
  if (cube) {
    model$partitions <- c(length(fit$cell_weights), length(labels) - length(fit$cell_weights))
    model$countDF <- cube_counts(fit, model, design, cubePredictions)
  }
  model$params <- list(
    data = data_lines(substitute(data), data), pweights = pweights, fweights = fweights, dropFirst = dropFirst,
    dropMain = dropMain, coefLabelStyle = coefLabelStyle
  )
  model$formula <- small_formula(formula)
  model$call <- small_call(match.call())
  model$design <- kept_design(design, fit$levels, asked)
  if (!is.null(selection)) {
    model$formula <- stats::formula(design_terms(model$design))
    model[c("formulaBase", "anova", "stepCoefs")] <- found[c("formulaBase", "anova", "stepCoefs")]
  }
  if (verbose > 0) {
    report_compiled(design$source)
    print_time(started)
  }
  structure(model, class = "rxLinMod")
}

#' Refuses formulas that are no regression
#'
#' @param empty whether a model may have nothing but an intercept
#' @noRd
check_regression <- function(design, empty = FALSE) {
  if (length(design$response) == 0) {
    rx_abort("argument", "The formula has no response.", hint = "Write it as y ~ x.")
  }
  if (length(design$terms) == 0 && !(empty && design$intercept)) {
    rx_abort("argument", "The formula has no term but the intercept.", hint = "Use rxSummary for means.")
  }
}

warn_collinear <- function(labels) {
  if (length(labels) > 0) {
    message <- sprintf(
      "%d column%s a linear combination of others and dropped: %s.", length(labels),
      if (length(labels) == 1) " is" else "s are each", first_names(labels)
    )
    rx_warn("collinear", message, columns = labels)
  }
}

#' Names of all coefficients
#'
#' @param levels list of the levels of each category
#' @noRd
coefficient_labels <- function(design, levels, style) {
  of_term <- function(term) {
    variables <- design$variables[term$variables]
    kinds <- design$kinds[term$variables]
    label <- function(variable) variable$label
    numbers <- paste(vapply(variables[kinds == "numeric"], label, ""), collapse = ":")
    if (all(kinds == "numeric")) {
      return(numbers)
    }
    own <- levels[design$index[term$variables[kinds == "category"]] + 1]
    cells <- cell_levels(own, make.unique(rep("f", length(own))), seq_len(prod(lengths(own))) - 1)
    names <- vapply(variables[kinds == "category"], label, "")
    if (style == "Revo") {
      cells <- do.call(paste, c(unname(Map(paste, names, cells, sep = "=")), sep = ", "))
      return(if (nzchar(numbers)) paste(numbers, "for", cells) else cells)
    }
    parts <- list()
    parts[kinds == "category"] <- Map(paste0, names, lapply(cells, as.integer))
    parts[kinds == "numeric"] <- vapply(variables[kinds == "numeric"], label, "")
    do.call(paste, c(parts, sep = ":"))
  }
  c(if (design$intercept) "(Intercept)", unlist(lapply(design$terms, of_term)))
}

#' The components of a fitted model
#'
#' @param fit what the engine returned
#' @noRd
linear_model <- function(fit, labels, design, fweights, covCoef, covData, cube) {
  responses <- vapply(design$variables[design$response], function(variable) variable$text, "")
  n <- if (is.null(fweights)) fit$rows else fit$weight
  rank <- sum(!fit$aliased)
  df <- n - rank
  named <- function(x) matrix(x, length(labels), length(responses), dimnames = list(labels, responses))
  by_response <- function(x) stats::setNames(x, responses)
  coefficients <- named(fit$coefficients)
  coefficients[fit$aliased, ] <- NA
  # Powers of two keep squares within the range of doubles until the end.
  unscaled <- function(squares) squares / fit$response_scales / fit$response_scales
  variance <- if (df > 0) fit$residual_squares / df else rep(NaN, length(responses))
  error <- named(sqrt(outer(fit$variance, variance)) * outer(fit$column_scales, fit$response_scales, "/"))
  error[fit$aliased, ] <- NA
  t <- coefficients / error
  numdf <- rank - (design$intercept || cube)
  f <- fit$explained_squares / numdf / variance
  list(
    coefficients = coefficients,
    covCoef = if (covCoef) covariance_matrix(fit, labels, variance[1]),
    covData = if (covData) data_covariance(fit, labels, fweights),
    residual.squares = by_response(unscaled(fit$residual_squares)),
    condition.number = fit$condition, rank = rank, aliased = stats::setNames(fit$aliased, labels),
    means = stats::setNames(fit$means, labels), y.means = by_response(fit$response_means),
    fitted.columns = stats::setNames(fit$fitted, labels),
    coef.std.error = error, coef.t.value = t,
    coef.p.value = if (df > 0) 2 * stats::pt(-abs(t), df) else t * NaN,
    total.squares = by_response(unscaled(fit$total_squares)), y.var = by_response(unscaled(fit$centred_squares)),
    sigma = by_response(sqrt(variance) / fit$response_scales), residual.variance = by_response(unscaled(variance)),
    r.squared = by_response(fit$explained_squares / fit$centred_squares),
    f.pvalue = by_response(if (df > 0) stats::pf(f, numdf, df, lower.tail = FALSE) else f * NaN),
    df = c(length(labels), df, rank), y.names = responses,
    fstatistics = list(value = by_response(f), numdf = numdf, dendf = df),
    adj.r.squared = by_response(1 - fit$residual_squares / fit$centred_squares * (n - 1) / df),
    nValidObs = as_counts(fit$rows), nMissingObs = as_counts(fit$missing),
    sumOfWeights = if (!is.null(design$engine_variables$weight)) fit$weight,
    sumLogWeights = if (!is.null(design$engine_variables$weight) && is.null(fweights)) fit$log_weight,
    deviance = by_response(unscaled(fit$residual_squares))
  )
}

#' The covariance of the coefficients; of several responses that of the first, scaled by each one's variance elsewhere
#'
#' @noRd
covariance_matrix <- function(fit, labels, variance) {
  scaled <- fit$covariance * variance * outer(fit$column_scales, fit$column_scales) / fit$response_scales[1]^2
  scaled[fit$aliased, ] <- NA
  scaled[, fit$aliased] <- NA
  dimnames(scaled) <- list(labels, labels)
  scaled
}

#' Whether a cube is asked for and the first term is one of categories only
#'
#' @noRd
check_cube <- function(cube, design, covCoef, covData) {
  cube <- cube && all(design$kinds[design$terms[[1]]$variables] == "category")
  check_argument(!(cube && covCoef), "covCoef", "FALSE where `cube` is TRUE")
  check_argument(!(cube && covData), "covData", "FALSE where `cube` is TRUE")
  cube
}

#' The cells of a cube: their levels, predicted means of the responses, and counts
#'
#' @param predictions whether to predict where there are other terms
#' @param mean_of the inverse of the link
#' @noRd
cube_counts <- function(fit, model, design, predictions, mean_of = identity) {
  cells <- seq_along(fit$cell_weights)
  term <- design$terms[[1]]
  categories <- unlist(term_index(design, term, "category")) + 1
  labels <- vapply(term_categories(design, term), function(category) category$label, "")
  columns <- cell_levels(fit$levels[categories], labels, cells - 1)
  if (predictions || length(design$terms) == 1) {
    others <- model$coefficients[-cells, , drop = FALSE]
    others[is.na(others)] <- 0
    means <- model$coefficients[cells, , drop = FALSE]
    if (nrow(others) > 0) {
      means <- means + rep(drop(fit$at_means[-cells] %*% others), each = length(cells))
    }
    columns[model$y.names] <- lapply(seq_along(model$y.names), function(y) mean_of(unname(means[, y])))
  }
  counts <- if (is.null(design$engine_variables$weight)) as_counts(fit$cell_weights) else fit$cell_weights
  data.frame(columns, Counts = counts, check.names = FALSE)
}

#' The covariance of the model columns but the intercept, as rxCov() has it
#'
#' @noRd
data_covariance <- function(fit, labels, fweights) {
  weighted <- fit$weight != fit$rows
  divisor <- if (!is.null(fweights) || !weighted) fit$weight - 1 else fit$weight * (fit$rows - 1) / fit$rows
  structure(fit$centred_products / divisor, dimnames = list(labels[-1], labels[-1]))
}

#' @rdname rxLinMod
#' @param x,object an object of class `rxLinMod`.
#' @param digits significant digits to print.
#' @export
print.rxLinMod <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x)
  cat("\nCoefficients:\n")
  shown <- x$coefficients
  text <- format(shown, digits = digits)
  text[is.na(shown)] <- "Dropped"
  print(text, quote = FALSE, right = TRUE)
  invisible(x)
}

print_model_header <- function(x, title = if (is.null(x$countDF)) "Linear Regression" else "Cube Linear Regression") {
  print_header(x, title)
  cat("Dependent variable(s): ", paste(x$y.names, collapse = ", "), "\n", sep = "")
  dropped <- sum(x$aliased)
  cat("Total independent variables: ", length(x$aliased), sep = "")
  cat(if (dropped > 0) sprintf(" (Including number dropped: %d)", dropped), "\n", sep = "")
  cat("Number of valid observations: ", format(x$nValidObs), "\n", sep = "")
  if (!is.null(x$sumOfWeights)) {
    cat("Sum of weights of valid observations: ", format(x$sumOfWeights), "\n", sep = "")
  }
  cat("Number of missing observations: ", format(x$nMissingObs), "\n", sep = "")
}

#' @rdname rxLinMod
#' @export
summary.rxLinMod <- function(object, ...) {
  tables <- lapply(seq_along(object$y.names), function(y) {
    cbind(
      Estimate = object$coefficients[, y], "Std. Error" = object$coef.std.error[, y],
      "t value" = object$coef.t.value[, y], "Pr(>|t|)" = object$coef.p.value[, y]
    )
  })
  object$coefficients <- stats::setNames(tables, object$y.names)
  structure(object, class = "summary.rxLinMod")
}

#' @rdname rxLinMod
#' @export
print.summary.rxLinMod <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x)
  dropped <- sum(x$aliased)
  for (y in x$y.names) {
    cat("\nCoefficients", if (length(x$y.names) > 1) paste0(" for ", y), ":", sep = "")
    if (dropped > 0) cat(" (", dropped, " not defined because of singularities)", sep = "")
    cat("\n")
    table <- utils::capture.output(
      stats::printCoefmat(x$coefficients[[y]], digits = digits, na.print = "Dropped", ...)
    )
    cat(beside(table, x$countDF$Counts), sep = "\n")
    sigma <- format(signif(x$sigma[[y]], digits))
    cat("\nResidual standard error: ", sigma, " on ", x$df[2], " degrees of freedom\n", sep = "")
    cat("Multiple R-squared: ", formatC(x$r.squared[[y]], digits = digits), sep = "")
    cat(if (!is.null(x$countDF)) " (as if intercept included)", "\n", sep = "")
    cat("Adjusted R-squared: ", formatC(x$adj.r.squared[[y]], digits = digits), "\n", sep = "")
    cat(
      "F-statistic: ", formatC(x$fstatistics$value[[y]], digits = digits), " on ", x$fstatistics$numdf, " and ",
      x$fstatistics$dendf, " DF,  p-value: ", format.pval(x$f.pvalue[[y]], digits = digits), "\n",
      sep = ""
    )
  }
  cat("Condition number:", format(x$condition.number, digits = digits), "\n")
  invisible(x)
}

#' The lines of a coefficient table with the counts of the first rows, if there are any, beside them
#'
#' @noRd
beside <- function(lines, counts) {
  if (is.null(counts)) {
    return(lines)
  }
  rows <- seq_along(counts) + 1
  column <- character(length(lines))
  column[c(1, rows)] <- paste("|", format(c("Counts", counts), justify = "right"))
  trimws(paste(format(lines), column), "right")
}

# Stepwise selection of terms: how to search, what the engine is told, and what becomes of a fit.

#' Stepwise selection of terms
#'
#' `rxStepControl()` makes the `variableSelection` of [rxLinMod()], [rxLogit()] and [rxGlm()]: a search for a model
#' among the terms of formulas, by steps that add or drop one term. `rxStepPlot()` draws the coefficients along the way.
#'
#' For linear models the data are read once: cross products of all terms in the scope are accumulated, and every model
#' of the search is solved from them. Generalized linear models are fitted one by one, each from the coefficients of the
#' one before, to rows that stay decoded in memory where they fit. With `refitEachStep = FALSE` only the model with all
#' terms is fitted, and others are judged by its cross products: by the linear model of its working responses (Lawless
#' and Singhal 1978), whose sum of squares changes nearly as the deviance would. The model selected is then fitted. Rows
#' with a missing value in any variable of the scope are left out of all models.
#'
#' **Scope.** The formula of the fit is the base model. A `.` in a formula of the scope stands for its terms.
#'
#' | `scope` | terms that stay | terms that may be there |
#' |---|---|---|
#' | NULL | the intercept | those of the base model |
#' | `list(lower = )` | those of `lower` | those of the base model |
#' | a formula, or `list(upper = )` | those of the base model | those of `upper` |
#' | `list(lower = , upper = )` | those of `lower` | those of `upper` |
#'
#' A search starts at the base model; forward from the smallest model where the base model is the largest, and backward
#' from the largest where it is the smallest. Terms that stand in an interaction are added before it and dropped after
#' it. A term that explains nothing, being a combination of others, goes first.
#'
#' **Criterion.** With `"AIC"` a step is taken that lowers n log(RSS / n) + k p most (with `scale`, RSS / scale - n +
#' k p: Mallows' Cp), as [step()] does; of generalized linear models -2 logLik + k p, or deviance / scale - n + k p.
#' With `"SigLevel"` the term with the largest p-value goes if that is above `minSigLevelToDrop`; if none goes, the one
#' with the smallest p-value comes if that is below `maxSigLevelToAdd`.
#'
#' @param method `"stepwise"`, `"backward"` or `"forward"`. Without a scope the default is backward.
#' @param scope a formula or a list of formulas, see Details.
#' @param maxSteps how many steps to take at most.
#' @param stepCriterion `"AIC"` or `"SigLevel"`.
#' @param maxSigLevelToAdd,minSigLevelToDrop significance levels, for `"SigLevel"` only. By default terms are added
#'   below 0.5 by the forward method and below 0.15 by the stepwise one, and dropped above 0.1 by the backward method
#'   and above 0.15 by the stepwise one.
#' @param refitEachStep whether to fit each model of a search, TRUE by default for generalized linear models. It makes
#'   no difference to linear ones, whose cross products hold all that another pass over the data would find.
#' @param keepStepCoefs whether the fit keeps the coefficients of all steps, as `stepCoefs`: zero where a coefficient is
#'   not in the model, NA where it is dropped.
#' @param scale the variance of the errors, or the dispersion, for AIC and the chi-square test; 0 estimates it.
#' @param k the penalty of AIC for a coefficient.
#' @param test `"F"` or `"Chisq"`: the test that `"SigLevel"` goes by (F if NULL), and that `anova` shows. Where the
#'   dispersion is known both are the same.
#' @param ... of `rxStepControl()` no further arguments; a warning names them. Of `rxStepPlot()` passed to [matplot()].
#' @return `rxStepControl()` returns a list. A fit has, besides `formula` of the model selected, `formulaBase`, `anova`,
#'   a data frame with a row a step, and `stepCoefs` if asked for. `rxStepPlot()` returns the coefficients that are not
#'   zero, invisibly.
#' @references Venables, W. N. and Ripley, B. D. (2002) Modern Applied Statistics with S, section 6.8. Springer.
#'
#'   Lawless, J. F. and Singhal, K. (1978) Efficient screening of nonnormal regression models. Biometrics 34, 318-327.
#' @examples
#' search <- rxStepControl(scope = ~ wt + hp + qsec + F(cyl), keepStepCoefs = TRUE)
#' fit <- rxLinMod(mpg ~ wt, data = mtcars, variableSelection = search)
#' fit$anova
#' formula(fit)
#' rxStepPlot(fit)
#' @export
rxStepControl <- function(method = "stepwise", scope = NULL, maxSteps = 1000, stepCriterion = "AIC",
                          maxSigLevelToAdd = NULL, minSigLevelToDrop = NULL, refitEachStep = NULL,
                          keepStepCoefs = FALSE, scale = 0, k = 2, test = NULL, ...) {
  warn_unknown(dot_names(...), names(formals(rxStepControl)))
  if (missing(method) && is.null(scope)) {
    method <- "backward"
  }
  one_of(method, "method", c("stepwise", "backward", "forward"))
  one_of(stepCriterion, "stepCriterion", c("AIC", "SigLevel"))
  if (!is.null(test)) one_of(test, "test", c("F", "Chisq"))
  check_argument(is_count(maxSteps), "maxSteps", "a number of steps")
  check_argument(is.null(refitEachStep) || is_flag(refitEachStep), "refitEachStep", "TRUE, FALSE or NULL")
  check_argument(is_flag(keepStepCoefs), "keepStepCoefs", "TRUE or FALSE")
  check_argument(is_number(scale) && scale >= 0, "scale", "a number from 0")
  check_argument(is_number(k), "k", "a number")
  tests <- stepCriterion == "SigLevel"
  check_level(maxSigLevelToAdd, "maxSigLevelToAdd", tests)
  check_level(minSigLevelToDrop, "minSigLevelToDrop", tests)
  list(
    method = method, scope = step_scope(scope), maxSteps = maxSteps, stepCriterion = stepCriterion,
    maxSigLevelToAdd = maxSigLevelToAdd %||% if (tests) c(forward = 0.5, stepwise = 0.15, backward = 0.15)[[method]],
    minSigLevelToDrop = minSigLevelToDrop %||% if (tests) c(forward = 0.15, stepwise = 0.15, backward = 0.1)[[method]],
    refitEachStep = refitEachStep, keepStepCoefs = keepStepCoefs, scale = scale, k = k, test = test
  )
}

check_level <- function(level, name, tests) {
  check_argument(is.null(level) || (is_number(level) && level >= 0 && level <= 1), name, "a number from 0 to 1")
  check_argument(is.null(level) || tests, name, 'NULL unless stepCriterion = "SigLevel"')
}

#' A scope as a list of `lower` and `upper`, both or either
#'
#' @noRd
step_scope <- function(scope) {
  if (inherits(scope, "formula")) {
    scope <- list(upper = scope)
  }
  formulas <- is.list(scope) && all(vapply(scope, inherits, NA, "formula"))
  named <- length(names(scope)) == length(scope) && all(names(scope) %in% c("lower", "upper"))
  check_argument(is.null(scope) || (formulas && named), "scope", "a formula or a list of formulas `lower` and `upper`")
  lapply(scope, small_formula)
}

#' The variableSelection of a fit, checked
#'
#' @noRd
check_selection <- function(selection, cube) {
  if (length(selection) == 0) {
    return(NULL)
  }
  if (!isFALSE(cube)) {
    rx_abort("argument", "`variableSelection` and `cube` exclude each other.", hint = "Leave cube = FALSE.")
  }
  options <- names(formals(rxStepControl))
  known <- is.list(selection) && length(names(selection)) > 0 && all(names(selection) %in% options)
  check_argument(known, "variableSelection", "made by rxStepControl(), or an empty list")
  do.call(rxStepControl, selection[!vapply(selection, is.null, NA)])
}

#' The formula with the terms of all models of a search
#'
#' @noRd
full_formula <- function(formula, selection) {
  add <- function(formula, scope) {
    formula[[3]] <- call("+", call("(", formula[[3]]), call("(", scope[[length(scope)]]))
    formula
  }
  Reduce(add, scope_formulas(formula, selection), formula)
}

#' The formulas of a scope, where `.` is replaced by the terms of the base model
#'
#' @noRd
scope_formulas <- function(formula, selection) {
  base <- formula[[length(formula)]]
  lapply(selection$scope, function(scope) {
    right <- do.call(substitute, list(scope[[length(scope)]], list(. = call("(", base))))
    stats::as.formula(call("~", formula[[2]], right), environment(formula))
  })
}

#' The search, as the engine takes it
#'
#' @param design that of full_formula()
#' @param formula the base model
#' @param names what `.` may stand for
#' @noRd
step_search <- function(design, formula, selection, names, fweights) {
  scope <- lapply(scope_formulas(formula, selection), terms_among, design = design, names = names)
  base <- terms_among(formula, design, names)
  if (parse_formula(formula, names, offsets = TRUE)$intercept != design$intercept) {
    rx_abort("argument", "The formulas of the scope must not remove the intercept of the base model.")
  }
  lower <- scope$lower %||% if (is.null(scope$upper)) integer() else base
  upper <- if (is.null(scope$upper)) base else if (is.null(scope$lower)) union(base, scope$upper) else scope$upper
  outside <- c(setdiff(lower, base), setdiff(base, upper))
  if (length(outside) > 0) {
    label <- design$terms[[outside[1]]]$label
    rx_abort("argument", sprintf("The formula lies outside of the scope: see its term '%s'.", label),
      hint = "The base model must have all terms of `lower`, and `upper` all those of the base model."
    )
  }
  start <- switch(selection$method,
    forward = if (is.null(scope$upper)) lower else base,
    backward = if (is.null(scope$lower) && !is.null(scope$upper)) upper else base,
    stepwise = base
  )
  criterion <- if (selection$stepCriterion == "AIC") {
    "aic"
  } else {
    list(sig_level = list(
      add = selection$maxSigLevelToAdd, drop = selection$minSigLevelToDrop,
      chi_square = identical(selection$test, "Chisq")
    ))
  }
  list(
    start = as.list(start - 1), lower = as.list(lower - 1), upper = as.list(upper - 1),
    forward = selection$method != "backward", backward = selection$method != "forward", criterion = criterion,
    k = selection$k, max_steps = selection$maxSteps, scale = selection$scale, weights_count = !is.null(fweights),
    keep = selection$keepStepCoefs
  )
}

#' The positions of a formula's terms among those of a design that has them all
#'
#' @noRd
terms_among <- function(formula, design, names) {
  keys <- function(parsed) {
    text <- vapply(parsed$variables, function(variable) variable$text, "")
    vapply(parsed$terms, function(term) paste(sort(text[term$variables]), collapse = ":"), "")
  }
  match(keys(parse_formula(formula, names, offsets = TRUE)), keys(design))
}

#' The design of some of the terms
#'
#' @param terms their positions, in the order wanted
#' @noRd
selected_design <- function(design, terms) {
  chosen <- design$terms[terms]
  used <- c(sort(unique(c(unlist(lapply(chosen, function(term) term$variables)), design$offset))), design$response)
  design$terms <- lapply(chosen, function(term) replace(term, "variables", list(match(term$variables, used))))
  design$variables <- design$variables[used]
  design$kinds <- design$kinds[used]
  design$index <- design$index[used]
  design$response <- match(design$response, used)
  design$offset <- match(design$offset, used)
  design$expressions <- expressions_of(design$variables)
  design
}

#' Fits the model that a search finds
#'
#' @param design that of full_formula()
#' @param run a function of the search that calls the engine
#' @param linear a function of what the engine returned as the model that gives its linear part
#' @param family of a generalized linear model
#' @return list of `fit`, what the engine returned; `design` of the terms selected; and what a search adds to a model
#' @noRd
select_terms <- function(design, formula, selection, asked, fweights, style, run, linear = identity, family = NULL) {
  one_response(list(y.names = design$response), "variableSelection")
  names <- union(design$data_names, names(transforms_list(asked$transforms, asked$caller)))
  found <- run(step_search(design, formula, selection, names, fweights))
  fit <- linear(found$model)
  path <- found$path
  selected <- selected_design(design, path[[length(path)]]$terms)
  written <- function(terms) stats::formula(design_terms(selected_design(design, terms)))
  results <- list(
    fit = found$model, design = selected, formulaBase = small_formula(formula),
    anova = step_anova(
      design, path, if (is.null(fweights)) fit$rows else fit$weight, selection, family,
      first = written(path[[1]]$terms), last = stats::formula(design_terms(selected))
    )
  )
  if (selection$keepStepCoefs) {
    labels <- function(design) coefficient_labels(design, fit$levels, style)
    results$stepCoefs <- step_coefficients(design, path, labels)
  }
  results
}

#' The coefficients of all models of a search: zero where they are not in it, NA where they are dropped
#'
#' @param labels a function of a design that names its coefficients
#' @noRd
step_coefficients <- function(design, path, labels) {
  all <- labels(design)
  coefficients <- matrix(0, length(all), length(path), dimnames = list(all, seq_along(path) - 1))
  for (i in seq_along(path)) {
    values <- path[[i]]$coefficients
    coefficients[labels(selected_design(design, path[[i]]$terms)), i] <- replace(values, is.nan(values), NA)
  }
  coefficients
}

#' The table of a search, as step() makes it, with tests where one was asked for
#'
#' @noRd
step_anova <- function(design, path, n, selection, family, first, last) {
  changes <- vapply(path[-1], function(stage) {
    paste(if (stage$change > 0) "+" else "-", design$terms[[abs(stage$change)]]$label)
  }, "")
  of_stages <- function(name) vapply(path, function(stage) stage[[name]], 0)
  deviance <- of_stages("deviance")
  rank <- of_stages("rank")
  scale <- selection$scale
  df <- c(NA, -diff(rank))
  table <- data.frame(Step = c("", changes), Df = df, Deviance = c(NA, abs(diff(deviance))), `Resid. Df` = n - rank,
    `Resid. Dev` = deviance, AIC = of_stages("aic"), check.names = FALSE)
  if (scale > 0) {
    names(table)[6] <- "Cp"
  }
  test <- selection$test %||% if (selection$stepCriterion == "SigLevel") "F"
  # Of each step, the larger of both models.
  larger <- seq_along(path)[-1] - (diff(rank) < 0)
  of_larger <- function(values) c(NA, values[larger])
  dispersion <- of_larger(of_stages("dispersion"))
  if (identical(test, "F")) {
    known <- !is.null(family) && (scale > 0 || fixed_dispersion(family))
    left <- if (known) Inf else of_larger(n - rank)
    table$`F value` <- table$Deviance / abs(df) / dispersion
    table$`Pr(>F)` <- stats::pf(table$`F value`, abs(df), left, lower.tail = FALSE)
  } else if (identical(test, "Chisq")) {
    statistic <- if (!is.null(family)) {
      table$Deviance / dispersion
    } else if (scale > 0) {
      table$Deviance / scale
    } else {
      n * log1p(table$Deviance / of_larger(deviance))
    }
    table$`Pr(>Chi)` <- stats::pchisq(statistic, abs(df), lower.tail = FALSE)
  }
  heading <- c(
    "Stepwise Model Path \nAnalysis of Deviance Table", "\nInitial Model:", deparse(first), "\nFinal Model:",
    deparse(last), "\n"
  )
  structure(table, heading = heading)
}

#' @rdname rxStepControl
#' @param x a fit with `stepCoefs`.
#' @param plotStepBreaks whether to draw a vertical line at every step.
#' @param omitZeroCoefs whether to leave out coefficients that are zero in all steps.
#' @param eps what counts as zero.
#' @param main,xlab,ylab,type,pch see [matplot()].
#' @export
rxStepPlot <- function(x, plotStepBreaks = TRUE, omitZeroCoefs = TRUE, eps = .Machine$double.eps,
                       main = deparse(substitute(x)), xlab = "Step", ylab = "Stepwise Coefficients", type = "b",
                       pch = "*", ...) {
  check_argument(is_flag(plotStepBreaks), "plotStepBreaks", "TRUE or FALSE")
  check_argument(is_flag(omitZeroCoefs), "omitZeroCoefs", "TRUE or FALSE")
  check_argument(is_number(eps), "eps", "a number")
  coefficients <- if (is.list(x)) x$stepCoefs
  if (is.null(coefficients)) {
    rx_abort("argument", "The model has no coefficients of steps.",
      hint = "Fit it with variableSelection = rxStepControl(keepStepCoefs = TRUE)."
    )
  }
  force(main)
  nonzero <- rowSums(abs(coefficients) > eps, na.rm = TRUE) > 0
  drawn <- if (omitZeroCoefs) coefficients[nonzero, , drop = FALSE] else coefficients
  steps <- as.numeric(colnames(drawn))
  graphics::matplot(steps, t(drawn), main = main, xlab = xlab, ylab = ylab, type = type, pch = pch, ...)
  if (plotStepBreaks) {
    graphics::abline(v = steps, lty = 3, col = "grey")
  }
  invisible(coefficients[nonzero, , drop = FALSE])
}

#' Generalized linear models
#'
#' All families and links of [glm()] and Tweedie's, on data of any size: iteratively reweighted least squares, one pass
#' over the data an iteration; factors are never expanded to columns.
#'
#' **Method.** With eta = offset + x'b, mu its inverse link, mu' the slope of that and V the variance function, each
#' iteration solves the linear model of the working response eta - offset + (y - mu) / mu' with weights w mu'^2 /
#' V(mu), as [rxLinMod()] solves its own, in numbers of 32 digits where the problem is small or ill-conditioned. A step
#' after which the deviance is larger, or a mean impossible, is halved. The iterations end when the deviance changes by
#' no more than `objectiveFunctionTolerance` (relative to the deviance + 0.1), or no coefficient by more than
#' `coeffTolerance` times the largest one. As with [glm()], standard errors and dispersion are those of the weights of
#' the last iteration, so that both functions agree. The result is the same to the last bit for any number of threads,
#' and whether the decoded rows fitted into memory between passes (`rxOptions(memoryLimitMB = )`) or were read again.
#'
#' **Families.** `binomial` and `quasibinomial` (links logit, probit, cauchit, log, cloglog; the response is logical, a
#' share, or a factor or text with two levels), `poisson` and `quasipoisson` (log, identity, sqrt), `gaussian`
#' (identity, log, inverse), `Gamma` (inverse, identity, log), `inverse.gaussian` (1/mu^2, inverse, identity, log),
#' `quasi` with any of its variances and links, [power()] links, and [rxTweedie()] are computed by the engine on all
#' cores. Any other family object, `MASS::negative.binomial()` for example, or a link of one's own, works through its R
#' functions, which are called on one core and take most of the time.
#'
#' The dispersion is 1 for `binomial` and `poisson`, whose p-values are those of the normal distribution; else it is
#' Pearson's chi-square over the residual degrees of freedom, and p-values are those of t.
#'
#' **Separation.** Where the likelihood has no maximum, coefficients grow without end. The iterations stop when the
#' deviance has settled, and a warning of class `rxscale_warning_separation` names the columns.
#'
#' **Levels, cubes and weights** are those of [rxLinMod()]; degrees of freedom count rows, or with frequency weights
#' what they stand for. Probability weights are those of `glm(weights = )`; in the likelihood of shares of successes
#' they are not rounded.
#'
#' @inheritParams rxLogit
#' @param family a family object, a function that makes one, or its name.
#' @param offset name of a variable that is added to the linear predictor; terms `offset(x)` of the formula are, too.
#' @param computeAIC whether the result shall have `aic`. [AIC()] works in any case.
#' @param initialValues where the iterations start: NA, at the means that the family starts with; a number, with all
#'   coefficients at it; or one number for each coefficient of a fit, the dropped ones included.
#' @return An object of class `rxGlm` with the components of [rxLogit()] but `covData`, and with `family`, and `aic` if
#'   asked for.
#' @references McCullagh, P. and Nelder, J. A. (1989) Generalized Linear Models. Chapman and Hall.
#' @examples
#' fit <- rxGlm(carb ~ wt + F(cyl), data = mtcars, family = poisson())
#' summary(fit)
#' AIC(fit)
#'
#' rxGlm(mpg ~ wt, data = mtcars, family = Gamma(link = "log"), computeAIC = TRUE)$aic
#' @importFrom stats gaussian
#' @export
rxGlm <- function(formula, data, family = gaussian(), pweights = NULL, fweights = NULL, offset = NULL, cube = FALSE,
                  variableSelection = list(), rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                  transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                  dropFirst = FALSE, dropMain = rxGetOption("dropMain"), covCoef = FALSE, computeAIC = FALSE,
                  initialValues = NA, coefLabelStyle = rxGetOption("coefLabelStyle"),
                  blocksPerRead = rxGetOption("blocksPerRead"), maxIterations = 25, coeffTolerance = 1e-06,
                  objectiveFunctionTolerance = 1e-08, reportProgress = rxGetOption("reportProgress"), verbose = 0,
                  computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ..., .hidden = "returnAlways")
  check_argument(is_flag(computeAIC), "computeAIC", "TRUE or FALSE")
  check_argument(is.null(offset) || is_string(offset), "offset", "the name of a variable")
  settings <- list(
    family = as_family(family), binary = FALSE, pweights = pweights, fweights = fweights, offset = offset, cube = cube,
    cubePredictions = FALSE, variableSelection = variableSelection, dropFirst = dropFirst, dropMain = dropMain,
    covCoef = covCoef, covData = FALSE, starts = glm_starts(initialValues), coefLabelStyle = coefLabelStyle,
    blocksPerRead = blocksPerRead, maxIterations = maxIterations, coeffTolerance = coeffTolerance,
    objectiveFunctionTolerance = objectiveFunctionTolerance, reportProgress = reportProgress, verbose = verbose,
    returnAlways = hidden_flag("returnAlways", ...)
  )
  model <- generalized_model(formula, data, capture_transforms(), settings)
  if (computeAIC) {
    model$aic <- stats::AIC(logLik.rxGlm(model))
  }
  model$family <- settings$family
  model$params$data <- data_lines(substitute(data), data)
  model$call <- small_call(match.call())
  report_fit(model, verbose, started)
  structure(model, class = "rxGlm")
}

#' A TRUE or FALSE among the arguments in `...`
#'
#' @noRd
hidden_flag <- function(name, ...) {
  value <- list(...)[[name]] %||% FALSE
  check_argument(is_flag(value), name, "TRUE or FALSE")
  value
}

#' Where iterations start, as the engine takes it
#'
#' @noRd
glm_starts <- function(values) {
  check_argument(
    (is.numeric(values) && length(values) > 0 && !anyNA(values) && all(is.finite(values))) ||
      (length(values) == 1 && is.na(values)),
    "initialValues", "NA, a number, or a number for each coefficient"
  )
  if (anyNA(values)) {
    list("family")
  } else if (length(values) == 1) {
    list(list(same = values))
  } else {
    list(list(coefficients = as.numeric(values)))
  }
}

#' Fits a generalized linear model
#'
#' @param asked see capture_transforms()
#' @param settings the other arguments of rxGlm() and rxLogit(), checked or not
#' @return the components of the fit but `call` and the names of the data
#' @noRd
generalized_model <- function(formula, data, asked, settings) {
  check_settings(settings)
  selection <- check_selection(settings$variableSelection, settings$cube)
  base <- with_offset(formula, settings$offset)
  design <- model_design(
    full_formula(base, selection), data, asked, settings$pweights, settings$fweights, settings$blocksPerRead,
    rows = "Finite", offsets = TRUE, two_levels = takes_two_levels(settings$family)
  )
  check_regression(design, empty = TRUE)
  one_response(list(y.names = design$response), "A generalized linear model")
  cube <- length(design$terms) > 0 && check_cube(settings$cube, design, settings$covCoef, settings$covData)
  settings$cube <- cube
  design$intercept <- design$intercept && !cube
  if (settings$covData && !design$intercept) {
    rx_abort("argument", "`covData` needs a model with an intercept.")
  }
  family <- engine_family(settings$family, settings$binary)
  job <- job_options(settings$reportProgress, "Rows fitted")
  engine <- function(entry, ...) {
    plan <- engine_plan(design, family$spec, settings)
    engine_call(entry, design$source, design$engine_variables, plan, family$code, ..., job)
  }
  if (is.null(selection)) {
    fit <- engine(rx_engine_glm)
  } else {
    if (!identical(settings$starts[[1]], "family") && is.null(settings$starts[[1]]$same)) {
      rx_abort("argument", "A number for each coefficient has no meaning for `initialValues` with `variableSelection`.",
        hint = "Leave `initialValues` at its default, or give one number."
      )
    }
    search <- function(search) engine(rx_engine_glm_stepwise, search, selection$refitEachStep %||% TRUE)
    found <- select_terms(design, base, selection, asked, settings$fweights, settings$coefLabelStyle, search,
      linear = function(fit) c(fit$linear[c("levels", "rows")], fit["weight"]), family = settings$family
    )
    fit <- found$fit
    design <- found$design
  }
  model <- described_model(fit, design, settings)
  model$formula <- small_formula(formula)
  model$design <- kept_design(design, fit$linear$levels, asked)
  if (!is.null(selection)) {
    model$formula <- stats::formula(design_terms(model$design))
    model[c("formulaBase", "anova", "stepCoefs")] <- found[c("formulaBase", "anova", "stepCoefs")]
  }
  if (settings$verbose > 0) {
    report_compiled(design$source)
  }
  model
}

check_settings <- function(settings) {
  for (name in c("cube", "cubePredictions", "dropFirst", "dropMain", "covCoef", "covData")) {
    check_argument(is_flag(settings[[name]]), name, "TRUE or FALSE")
  }
  style <- settings$coefLabelStyle
  check_argument(is_string(style) && style %in% c("Revo", "R"), "coefLabelStyle", '"Revo" or "R"')
  check_argument(is_count(settings$maxIterations) && settings$maxIterations > 0, "maxIterations", "a number from 1")
  for (name in c("coeffTolerance", "objectiveFunctionTolerance")) {
    check_argument(is_number(settings[[name]]) && settings[[name]] >= 0, name, "a number from 0")
  }
  check_argument(is_number(settings$verbose), "verbose", "a number from 0 to 4")
}

#' The formula with the variable of the argument `offset`
#'
#' @noRd
with_offset <- function(formula, offset) {
  if (!is.null(offset)) {
    check_argument(inherits(formula, "formula"), "formula", "a formula")
    formula[[length(formula)]] <- call("+", formula[[length(formula)]], call("offset", as.name(offset)))
  }
  formula
}

#' What the engine is to fit
#'
#' @param family see engine_family()
#' @noRd
engine_plan <- function(design, family, settings) {
  response <- design$index[design$response]
  category <- design$kinds[design$response] == "category"
  list(
    formula = list(
      intercept = design$intercept, responses = list(), drop_first = settings$dropFirst,
      drop_main = settings$dropMain, cube = settings$cube, at_means = settings$cube && settings$cubePredictions,
      covariance = settings$covCoef, centred_products = settings$covData,
      terms = lapply(design$terms, function(term) {
        list(numeric = term_index(design, term, "numeric"), categories = term_index(design, term, "category"))
      })
    ),
    response = if (category) list(category = response) else list(numeric = response),
    offsets = as.list(design$index[design$offset]), family = family, starts = settings$starts,
    most_iterations = settings$maxIterations, coefficient_tolerance = settings$coeffTolerance,
    deviance_tolerance = settings$objectiveFunctionTolerance, sharp = settings$binary, best = settings$returnAlways,
    keep = settings$verbose >= 4, plain = settings$cube || settings$covData, counted = !is.null(settings$fweights)
  )
}

#' The components of a fitted model
#'
#' @param fit what the engine returned
#' @noRd
described_model <- function(fit, design, settings) {
  linear <- fit$linear
  family <- settings$family
  labels <- coefficient_labels(design, linear$levels, settings$coefLabelStyle)
  warn_collinear(labels[linear$collinear])
  warn_iterations(fit, labels)
  n <- if (is.null(settings$fweights)) linear$rows else fit$weight
  rank <- sum(!linear$aliased)
  df <- n - rank
  fixed <- fixed_dispersion(family)
  dispersion <- if (fixed) 1 else if (df > 0) fit$pearson / df else NaN
  named <- function(x) stats::setNames(x, labels)
  tests <- coefficient_tests(fit, dispersion, if (fixed) Inf else df)
  numdf <- rank - (design$intercept || settings$cube)
  f <- (fit$null_deviance - fit$deviance) / numdf / dispersion
  model <- c(lapply(tests, named), list(
    covCoef = if (settings$covCoef) covariance_matrix(linear, labels, dispersion),
    covData = if (settings$covData) plain_covariance(fit, labels, settings$fweights),
    condition.number = linear$condition, rank = rank, aliased = named(linear$aliased),
    total.squares = fit$total_squares, f.pvalue = upper_f(f, numdf, if (fixed) Inf else df),
    df = c(length(labels), df, rank),
    y.names = vapply(design$variables[design$response], function(variable) variable$text, ""),
    fstatistics = c(value = f, numdf = numdf, dendf = df),
    params = settings[c(
      "pweights", "fweights", "offset", "dropFirst", "dropMain", "coefLabelStyle", "maxIterations", "coeffTolerance",
      "objectiveFunctionTolerance"
    )],
    nValidObs = as_counts(linear$rows), nMissingObs = as_counts(linear$missing),
    sumOfWeights = if (!is.null(design$engine_variables$weight)) fit$weight,
    deviance = fit$deviance, null.deviance = fit$null_deviance, dispersion = dispersion, iter = fit$iterations,
    converged = fit$converged, separated.columns = labels[fit$separated], path = fit$path,
    logLik = if (is.nan(fit$log_likelihood)) NA_real_ else fit$log_likelihood,
    scale.parameters = scale_parameters(family),
    means = named(linear$means), predictor.mean = fit$predictor_mean, working.weight = linear$weight,
    fitted.columns = named(linear$fitted)
  ))
  if (settings$cube) c(model, cube_parts(fit, model, design, settings)) else model
}

#' Coefficients, their standard errors, test statistics and p-values
#'
#' @param df degrees of freedom of t; Inf for the normal distribution
#' @noRd
coefficient_tests <- function(fit, dispersion, df) {
  linear <- fit$linear
  coefficients <- replace(fit$coefficients, linear$aliased, NA)
  # Powers of two keep squares within the range of doubles until the end.
  error <- sqrt(linear$variance * dispersion) * linear$column_scales / linear$response_scales
  error[linear$aliased] <- NA
  t <- coefficients / error
  list(
    coefficients = coefficients, coef.std.error = error, coef.t.value = t,
    coef.p.value = if (df > 0) 2 * stats::pt(-abs(t), df) else t * NaN
  )
}

upper_f <- function(f, numdf, df) if (numdf > 0 && df > 0) stats::pf(f, numdf, df, lower.tail = FALSE) else NaN

plain_covariance <- function(fit, labels, fweights) {
  products <- list(centred_products = fit$plain$centred_products, weight = fit$weight, rows = fit$linear$rows)
  data_covariance(products, labels, fweights)
}

#' What a fit has that is a cube
#'
#' @noRd
cube_parts <- function(fit, model, design, settings) {
  cells <- fit$plain[c("cell_weights", "at_means")]
  family <- settings$family
  shown <- list(coefficients = as.matrix(model$coefficients), y.names = model$y.names)
  list(
    partitions = c(length(cells$cell_weights), length(model$coefficients) - length(cells$cell_weights)),
    countDF = cube_counts(c(cells, fit$linear["levels"]), shown, design, settings$cubePredictions,
      mean_of = if (inherits(family, "rxTweedie")) tweedie_mean(family) else family$linkinv
    )
  )
}

tweedie_mean <- function(family) {
  power <- family$link.power
  if (power == 0) exp else function(eta) eta^(1 / power)
}

#' Says where the iterations did not end well
#'
#' @noRd
warn_iterations <- function(fit, labels) {
  if (!fit$converged) {
    rx_warn("convergence", paste(
      sprintf("The iterations did not converge in %d.", fit$iterations),
      "Raise `maxIterations`, or give `initialValues` near the solution."
    ))
  }
  columns <- labels[fit$separated]
  if (length(columns) > 0) {
    rx_warn("separation", paste0(
      "The likelihood has no maximum: some combination of columns tells the responses apart. ",
      "These coefficients grow without end: ", first_names(columns), "."
    ), columns = columns)
  }
}

#' What `verbose` asks to be printed
#'
#' @noRd
report_fit <- function(model, verbose, started) {
  if (verbose < 1) {
    return(invisible())
  }
  path <- model$path
  halved <- path$halvings > 0
  for (i in which(rep(verbose >= 2, length(halved)) & (verbose >= 3 | !halved))) {
    steps <- if (halved[i]) sprintf(", step halved %d times", path$halvings[i]) else ""
    cat(sprintf("Iteration %d: deviance %s%s\n", path$iteration[i], format(path$deviance[i], digits = 10), steps))
    if (length(path$coefficients[[i]]) > 0) {
      print(stats::setNames(path$coefficients[[i]], names(model$coefficients)))
    }
  }
  cat(sprintf("Number of iterations: %d\n", model$iter))
  print_time(started)
}

#' @rdname rxGlm
#' @param x,object an object of class `rxGlm`.
#' @param digits significant digits to print.
#' @export
print.rxGlm <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x, "Generalized Linear Model")
  cat("Family-link: ", family_name(x$family), "\n\n", sep = "")
  cat("Residual deviance: ", format(x$deviance, digits = 6), " (on ", x$df[2], " degrees of freedom)\n", sep = "")
  print_coefficients(x, digits)
}

family_name <- function(family) paste(family$family, family$link, sep = "-")

#' @rdname rxLogit
#' @param x,object an object of class `rxLogit`.
#' @param digits significant digits to print.
#' @export
print.rxLogit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x, "Logistic Regression")
  print_coefficients(x, digits)
}

print_coefficients <- function(x, digits) {
  cat("\nCoefficients:\n")
  text <- matrix(format(x$coefficients, digits = digits), dimnames = list(names(x$coefficients), x$y.names))
  text[is.na(x$coefficients)] <- "Dropped"
  print(text, quote = FALSE, right = TRUE)
  invisible(x)
}

#' @rdname rxGlm
#' @export
summary.rxGlm <- function(object, ...) {
  letter <- if (fixed_dispersion(object$family)) "z" else "t"
  structure(summarized(object, letter), class = "summary.rxGlm")
}

#' @rdname rxLogit
#' @export
summary.rxLogit <- function(object, ...) structure(summarized(object, "z"), class = "summary.rxLogit")

#' A fit with its coefficients as a table
#'
#' @noRd
summarized <- function(object, letter) {
  object$coefficients <- cbind(
    object$coefficients, object$coef.std.error, object$coef.t.value, object$coef.p.value
  )
  names <- c("Estimate", "Std. Error", paste(letter, "value"), sprintf("Pr(>|%s|)", letter))
  colnames(object$coefficients) <- names
  unclass(object)
}

#' @rdname rxGlm
#' @export
print.summary.rxGlm <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x, "Generalized Linear Model")
  cat("Family-link: ", family_name(x$family), "\n\n", sep = "")
  cat("Residual deviance: ", format(x$deviance, digits = 6), " (on ", x$df[2], " degrees of freedom)\n", sep = "")
  print_table(x, digits, ...)
  cat("(Dispersion parameter for ", x$family$family, " family taken to be ", format(x$dispersion, digits = 6), ")\n\n",
    sep = "")
  print_iterations(x, digits)
}

#' @rdname rxLogit
#' @export
print.summary.rxLogit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  print_model_header(x, "Logistic Regression")
  cat("-2*LogLikelihood: ", format(x$deviance, digits = 8), " (Residual deviance on ", x$df[2],
    " degrees of freedom)\n", sep = "")
  print_table(x, digits, ...)
  print_iterations(x, digits)
}

print_table <- function(x, digits, ...) {
  dropped <- sum(x$aliased)
  cat("\nCoefficients:")
  if (dropped > 0) cat(" (", dropped, " not defined because of singularities)", sep = "")
  cat("\n")
  table <- utils::capture.output(stats::printCoefmat(x$coefficients, digits = digits, na.print = "Dropped", ...))
  cat(beside(table, x$countDF$Counts), sep = "\n")
  cat("\n")
}

print_iterations <- function(x, digits) {
  cat("Condition number of final variance-covariance matrix:", format(x$condition.number, digits = digits), "\n")
  cat("Number of iterations:", x$iter, "\n")
  invisible(x)
}

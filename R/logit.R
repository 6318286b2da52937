#' Logistic regression
#'
#' The probability of an event as a function of numbers and factors, on data of any size: iteratively reweighted least
#' squares, one pass over the data an iteration; factors are never expanded to columns.
#'
#' **Method.** With p = 1 / (1 + exp(-x'b)) each iteration solves the linear model of the working response x'b + (y -
#' p) / (p (1 - p)) with weights w p (1 - p), as [rxLinMod()] solves its own, in numbers of 32 digits where the problem
#' is small or ill-conditioned. A step after which the deviance is larger is halved. The iterations end when the
#' deviance changes by no more than `objectiveFunctionTolerance` (relative to the deviance + 0.1), or no coefficient by
#' more than `coeffTolerance` times the largest one; then one more iteration makes standard errors those of the
#' solution. (Those of [glm()] are of the step before its last one: they agree to nine digits with `glm.control(epsilon
#' = 1e-15)`.) The result is the same to the last bit for any number of threads, and whether the decoded rows fitted
#' into memory between passes (`rxOptions(memoryLimitMB = )`) or were read again.
#'
#' **Response.** A logical variable, numbers 0 and 1, or a factor or text with two levels, the second of which is the
#' event.
#'
#' **Separation.** Where a combination of columns tells the events from the others, the likelihood has no maximum and
#' coefficients grow without end. The iterations stop when the deviance has settled, and a warning of class
#' `rxscale_warning_separation` names the columns.
#'
#' **Levels, cubes and weights** are those of [rxLinMod()]; degrees of freedom count rows, or with frequency weights
#' what they stand for.
#'
#' @inheritParams rxLinMod
#' @param formula a formula with one response; see [rxFormula]. Terms `offset(x)` are added to the linear predictor.
#' @param cubePredictions whether `countDF` of a cube shall have the probabilities that are predicted for its cells with
#'   all other numeric variables at their means and all other factors at the shares of their levels. Without other terms
#'   they are always there.
#' @param variableSelection a list made by [rxStepControl()], to search for a model by steps; an empty list for none.
#' @param initialValues where the iterations start: NULL, at the coefficients that a linear regression of the response
#'   tells of by discriminant analysis; NA, at probabilities of 3/4 and 1/4; a number, with all coefficients at it; or
#'   one number for each coefficient of a fit, the dropped ones included. If NULL leads nowhere, NA is tried, and vice
#'   versa.
#' @param maxIterations iterations at most.
#' @param coeffTolerance,objectiveFunctionTolerance when the iterations end, see Details; 0 switches a criterion off.
#' @param gradientTolerance has no effect; it is there for old scripts, as in RevoScaleR.
#' @param verbose 1 prints which transforms ran compiled (see [rxTransform]), how many iterations there were and how
#'   long it took; 2 also the deviance of each iteration; 3 also halved steps; 4 also the coefficients.
#' @param ... `returnAlways = TRUE` asks for the best coefficients found where the iterations fail, instead of an error.
#'   There are no further arguments; a warning names them.
#' @return An object of class `rxLogit`, with P coefficients: `coefficients`, `coef.std.error`, `coef.t.value` (z
#'   values), `coef.p.value` (of the normal distribution); `covCoef`, `covData` if asked for; `condition.number` (of
#'   the weighted columns, see [rxLinMod()]); `rank`; `aliased`; `df` (P, residual, rank); `total.squares`;
#'   `fstatistics`, the reduction of the deviance by the model for each degree of freedom and these numbers;
#'   `f.pvalue`; `y.names`; `deviance`, `null.deviance`, `dispersion` (1); `iter`, `converged`; `separated.columns`; of
#'   cubes, `countDF` and `partitions`; `params`, `formula`, `call`, `nValidObs`, `nMissingObs`; `design`, what
#'   predictions need. No data, fitted values or residuals are kept: see [rxPredict()].
#' @references Haggstrom, G. W. (1983) Logistic regression and discriminant analysis by ordinary least squares. Journal
#'   of Business and Economic Statistics 1.
#'
#'   McCullagh, P. and Nelder, J. A. (1989) Generalized Linear Models. Chapman and Hall.
#'
#'   Albert, A. and Anderson, J. A. (1984) On the existence of maximum likelihood estimates in logistic regression
#'   models. Biometrika 71.
#' @examples
#' fit <- rxLogit(am ~ wt, data = mtcars)
#' summary(fit)
#' rxPredict(fit, mtcars[1:3, ])
#'
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxLogit((arr_delay > 15) ~ origin + dep_delay, data = flights)
#' @export
rxLogit <- function(formula, data, pweights = NULL, fweights = NULL, cube = FALSE, cubePredictions = FALSE,
                    variableSelection = list(), rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                    transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                    dropFirst = FALSE, dropMain = rxGetOption("dropMain"), covCoef = FALSE, covData = FALSE,
                    initialValues = NULL, coefLabelStyle = rxGetOption("coefLabelStyle"),
                    blocksPerRead = rxGetOption("blocksPerRead"), maxIterations = 25, coeffTolerance = 1e-06,
                    gradientTolerance = 1e-06, objectiveFunctionTolerance = 1e-08,
                    reportProgress = rxGetOption("reportProgress"), verbose = 0,
                    computeContext = rxGetOption("computeContext"), ...) {
  started <- proc.time()[["elapsed"]]
  check_analysis_arguments(blocksPerRead, computeContext, ..., .hidden = "returnAlways")
  check_argument(is_number(gradientTolerance), "gradientTolerance", "a number")
  settings <- list(
    family = stats::binomial(), binary = TRUE, pweights = pweights, fweights = fweights, offset = NULL, cube = cube,
    cubePredictions = cubePredictions, variableSelection = variableSelection, dropFirst = dropFirst,
    dropMain = dropMain, covCoef = covCoef, covData = covData, starts = logit_starts(initialValues),
    coefLabelStyle = coefLabelStyle, blocksPerRead = blocksPerRead, maxIterations = maxIterations,
    coeffTolerance = coeffTolerance, objectiveFunctionTolerance = objectiveFunctionTolerance,
    reportProgress = reportProgress, verbose = verbose, returnAlways = hidden_flag("returnAlways", ...)
  )
  model <- generalized_model(formula, data, capture_transforms(), settings)
  model$params$data <- data_lines(substitute(data), data)
  model$call <- small_call(match.call())
  report_fit(model, verbose, started)
  structure(model, class = "rxLogit")
}

#' Where a logistic regression starts, and where it starts if that leads nowhere
#'
#' @noRd
logit_starts <- function(values) {
  # All coefficients zero lead to a linear regression.
  linear <- list(same = 0)
  if (is.null(values)) {
    return(list(linear, "family"))
  }
  starts <- glm_starts(values)
  if (identical(starts, list("family"))) list("family", linear) else starts
}

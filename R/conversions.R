# Fits as the objects that R's own functions make, for those who take only such.

#' Fits as objects of classes lm and glm
#'
#' The result can be given to what takes an object of class `lm` or `glm` and needs coefficients and terms only: base
#' R's [predict()], and exporters to other formats. It holds no data, hence no residuals; where base R needs their
#' variance, give it: `predict(as.lm(fit), newdata, se.fit = TRUE, scale = sigma, df = df)`, or `predict(as.glm(fit),
#' newdata, se.fit = TRUE, dispersion = fit$dispersion)`. Standard errors need a fit with `covCoef = TRUE`.
#'
#' Factors are coded by indicator columns without the reference level, or of all levels where main effects were dropped
#' for their interactions or levels had no rows; then `predict()` warns that the fit is rank-deficient. `F()` and `N()`
#' and powers are written so that base R can evaluate them.
#'
#' @param x an object of class `rxLinMod` with one response, for `as.glm()` of class `rxLogit` or `rxGlm`; fitted
#'   without `transforms` and `transformFunc`, and not as a cube.
#' @param ... no further arguments.
#' @return An object of class `lm` with `coefficients`, `rank`, `qr`, `df.residual`, `contrasts`, `xlevels`, `terms` and
#'   `call`; `residuals` are NA. An object of class `glm` has `family`, `deviance`, `null.deviance`, `df.null`, `aic`,
#'   `iter` and `converged`, too.
#' @examples
#' fit <- rxLinMod(mpg ~ wt + F(am), data = mtcars, covCoef = TRUE)
#' converted <- as.lm(fit)
#' predict(converted, mtcars[1:3, ], se.fit = TRUE, scale = fit$sigma, df = fit$df[2])
#' @export
as.lm <- function(x, ...) UseMethod("as.lm")

#' @rdname as.lm
#' @export
as.lm.default <- function(x, ...) {
  check_argument(FALSE, "x", "an object of class rxLinMod")
}

#' @rdname as.lm
#' @export
as.lm.rxLinMod <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  one_response(x, "as.lm()")
  structure(base_model(x, x$residual.variance[[1]]), class = "lm")
}

#' @rdname as.lm
#' @examples
#'
#' fit <- rxLogit(am ~ wt, data = mtcars, covCoef = TRUE)
#' predict(as.glm(fit), mtcars[1:3, ], type = "response", se.fit = TRUE, dispersion = 1)
#' @export
as.glm <- function(x, ...) UseMethod("as.glm")

#' @rdname as.lm
#' @export
as.glm.default <- function(x, ...) {
  check_argument(FALSE, "x", "an object of class rxLogit or rxGlm")
}

#' @rdname as.lm
#' @export
as.glm.rxLogit <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  family <- stats::family(x)
  if (inherits(family, "rxTweedie")) {
    rx_abort("unsupported", "A model of rxTweedie() cannot be converted: it has no functions for R.",
      hint = "Fit it with tweedie() of package statmod."
    )
  }
  model <- base_model(x, x$dispersion)
  structure(c(model, list(
    family = family, deviance = x$deviance, null.deviance = x$null.deviance,
    df.null = x$df[2] + x$fstatistics[["numdf"]], aic = stats::extractAIC(x)[2], iter = x$iter,
    converged = x$converged, formula = stats::formula(x)
  )), class = c("glm", "lm"))
}

#' @rdname as.lm
#' @export
as.glm.rxGlm <- as.glm.rxLogit

#' Clusters as an object of class kmeans
#'
#' For what takes an object that [stats::kmeans()] made: its `print()`, and of clusters of a data frame [fitted()],
#' whose rows with a missing value are missing.
#'
#' @param x an object of class `rxKmeans`, fitted without `transforms` and `transformFunc`.
#' @param ... no further arguments.
#' @return An object of class `kmeans`; `cluster` is missing from it unless the clusters are those of a data frame.
#' @examples
#' found <- rxKmeans(~ Sepal.Length + Petal.Length, iris, numClusters = 3, seed = 1)
#' head(fitted(as.kmeans(found)))
#' @export
as.kmeans <- function(x, ...) UseMethod("as.kmeans")

#' @rdname as.kmeans
#' @export
as.kmeans.default <- function(x, ...) {
  check_argument(FALSE, "x", "an object of class rxKmeans")
}

#' @rdname as.kmeans
#' @export
as.kmeans.rxKmeans <- function(x, ...) {
  warn_unknown(dot_names(...), "x")
  refuse_transformed(x$design)
  shared <- c("cluster", "centers", "totss", "withinss", "tot.withinss", "betweenss", "size")
  structure(
    c(unclass(x)[intersect(shared, names(x))], list(iter = x$numIterations, ifault = if (x$converged) 0L else 2L)),
    class = "kmeans"
  )
}

#' The components of a fit that base R needs to predict
#'
#' @param variance that the covariance of the coefficients has as a factor
#' @noRd
base_model <- function(x, variance) {
  refuse_transformed(x$design)
  terms <- base_terms(x$design)
  categories <- Filter(
    function(variable) variable$kind == "category", x$design$variables[-x$design$response]
  )
  names(categories) <- vapply(categories, function(variable) variable$text, "")
  coding <- base_coding(x, stats::delete.response(terms), categories)
  chosen <- coding$columns
  coefficients <- stats::setNames(as.matrix(x$coefficients)[chosen, 1], coding$names)
  kept <- which(!is.na(coefficients))
  pivot <- c(kept, which(is.na(coefficients)))
  list(
    coefficients = coefficients, residuals = NA_real_, rank = x$rank, assign = coding$assign,
    qr = structure(
      list(qr = base_factor(x, chosen, kept, variance), rank = x$rank, pivot = unname(pivot), tol = 1e-7),
      class = "qr"
    ),
    df.residual = x$df[2], contrasts = coding$contrasts,
    xlevels = lapply(categories, function(variable) variable$levels), call = x$call, terms = terms
  )
}

#' Refuses a fit whose variables base R cannot make
#'
#' @noRd
refuse_transformed <- function(design) {
  if (!is.null(design$code$transformFunc) || length(design$code$transforms) > 1) {
    rx_abort("unsupported", "A model fitted with transforms cannot be converted.",
      hint = "Make the columns first, with rxImport() for example, and fit the model on them."
    )
  }
}

#' Terms that base R can evaluate in new data
#'
#' @noRd
base_terms <- function(design) {
  terms <- design_terms(design)
  response <- design$variables[[design$response]]
  attr(terms, "predvars") <- as.call(c(
    as.name("list"), list(base_code(variable_code(response))), unname(lapply(base_predictors(design), base_variable))
  ))
  terms
}

#' The variables of the right-hand side in the order that base R's terms have them: offsets last
#'
#' @noRd
base_predictors <- function(design) {
  text <- function(variable) variable$text
  predictors <- design$variables[-c(design$response, design$offset)]
  offsets <- design$variables[design$offset]
  names(predictors) <- vapply(predictors, text, "")
  names(offsets) <- sprintf("offset(%s)", vapply(offsets, text, ""))
  c(predictors, offsets)
}

variable_code <- function(variable) variable$expression %||% as.name(variable$column)

#' How base R computes a variable
#'
#' @noRd
base_variable <- function(variable) {
  code <- base_code(variable_code(variable))
  if (isTRUE(variable$codes)) {
    return(bquote(match(as.character(.(code)), .(variable$levels)) - 1))
  }
  if (variable$kind == "numeric") {
    return(bquote(as.numeric(.(code))))
  }
  labels <- if (variable$numbers) bquote(as.character(floor(.(code)))) else bquote(as.character(.(code)))
  if (isFALSE(variable$floor$exclude)) {
    other <- utils::tail(variable$levels, 1)
    labels <- bquote(ifelse(is.na(.(code)) | .(labels) %in% .(variable$levels), .(labels), .(other)))
  }
  bquote(factor(.(labels), levels = .(variable$levels)))
}

#' Formula code without pow(), which only rxscale knows
#'
#' @noRd
base_code <- function(code) {
  if (is_call_to(code, "pow")) {
    code <- call("^", code[[2]], code[[3]])
  }
  if (is.call(code)) {
    code[-1] <- lapply(as.list(code)[-1], base_code)
  }
  code
}

#' Contrasts under which base R makes the columns that the fit kept, or all
#'
#' @return list of `contrasts`, `names`, `assign` and `columns`, which of the fit's columns they are
#' @noRd
base_coding <- function(x, terms, categories) {
  frame <- lapply(base_predictors(x$design), function(variable) {
    if (variable$kind == "category") factor(character(), levels = variable$levels) else numeric()
  })
  frame <- structure(frame, class = "data.frame", row.names = integer(), terms = terms)
  coded <- function(choose) {
    contrasts <- lapply(categories, function(variable) {
      levels <- variable$levels
      indicators <- diag(length(levels))
      dimnames(indicators) <- list(levels, levels)
      indicators[, choose(seq_along(levels)), drop = FALSE]
    })
    columns <- stats::model.matrix(terms, frame, contrasts.arg = if (length(contrasts) > 0) contrasts)
    list(contrasts = contrasts, names = colnames(columns), assign = attr(columns, "assign"))
  }
  all <- coded(identity)
  for (choose in list(function(i) i[-length(i)], function(i) i[-1])) {
    some <- coded(choose)
    some$columns <- match(some$names, all$names)
    if (setequal(some$columns, which(!x$aliased))) {
      return(some)
    }
  }
  c(all, list(columns = seq_along(all$names)))
}

#' The triangular factor of the cross products of the columns kept; missing without a covariance
#'
#' @noRd
base_factor <- function(x, chosen, kept, variance) {
  if (is.null(x$covCoef) || x$df[2] == 0) {
    return(matrix(NA_real_, length(kept), length(chosen)))
  }
  columns <- chosen[kept]
  unscaled <- x$covCoef[columns, columns, drop = FALSE] / variance
  scale <- sqrt(diag(unscaled))
  factor <- chol(solve(unscaled / outer(scale, scale))) / rep(scale, each = length(scale))
  cbind(factor, matrix(0, length(kept), length(chosen) - length(kept)))
}

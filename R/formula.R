# Formulas: which variables they name, and how terms are made of them. The rules are on the help page rxFormula.

#' Formulas
#'
#' How rxscale's analyses read formulas. Terms are joined by `+`, interactions by `:`, and `a * b` is `a + b + a:b`.
#' Terms keep the order in which they are written. `.` stands for all variables of the data that are not in the
#' response; [rxSummary()] leaves text columns out of it.
#'
#' Factors and text columns are categories (levels of text are sorted); everything else is numeric, logicals as 0 and 1.
#' A term with categories has one column for every combination of their levels, the first varying fastest; a numeric
#' variable among them gives each combination a column with its values.
#'
#' * `F(x, low, high, exclude = TRUE)` makes a category of a number: one level for each integer from `low` to `high`;
#'   value v belongs to level n when n <= v < n + 1. The bounds default to those that [rxGetVarInfo()] shows, or to the
#'   data's. Values outside are missing, or with `exclude = FALSE` share the level `.rxOther`. Of a factor, `low` and
#'   `high` are positions of levels.
#' * `N(x)` makes a number of a factor: the position of the level, from zero.
#' * Arithmetic is computed as it is written: `log(x)`, `x^2`, `I(x^2)`, `pow(x, 2)`, `(y > 0)`. Infinite results are
#'   missing.
#'   Every expression must give one column: `poly()` and its like are refused.
#' * `cbind(y1, y2)` names several responses.
#'
#' @param x a variable, or an arithmetic expression of variables.
#' @param low,high first and last integer that gets a level.
#' @param exclude whether values outside the bounds are missing.
#' @name rxFormula
#' @examples
#' rxSummary(~ mpg:F(cyl) + log(hp), data = mtcars)
NULL

#' Reads a formula
#'
#' @param names columns that the formula may name, for `.`
#' @param skip columns that `.` leaves out
#' @param offsets whether there may be terms offset()
#' @return a list: `variables` (see formula_variable()); `terms`, each a list of its `label` and the positions of its
#'   `variables`; `response` and `offset`, positions of the response variables and the offsets; `intercept`;
#'   `expressions`, what must be computed
#' @noRd
parse_formula <- function(formula, names, skip = character(), offsets = FALSE) {
  check_argument(inherits(formula, "formula"), "formula", "a formula")
  response <- if (length(formula) == 3) formula[[2]]
  responses <- if (is_call_to(response, "cbind")) as.list(response)[-1] else if (!is.null(response)) list(response)
  dots <- setdiff(names, c(skip, unlist(lapply(responses, all.vars))))
  # Names that R code could not write stay whole.
  data <- stats::setNames(rep(list(logical()), length(dots)), dots)
  data <- structure(data, row.names = integer(), class = "data.frame")
  right <- formula
  right[[2]] <- powers_as_written(formula[[length(formula)]])
  parsed <- stats::terms(structure(right[1:2], class = "formula"), keep.order = TRUE, data = data)
  offset <- attr(parsed, "offset")
  if (length(offset) > 0 && !offsets) {
    rx_abort("unsupported", "offset() is not supported in this formula.")
  }
  code <- as.list(attr(parsed, "variables"))[-1]
  code[offset] <- lapply(code[offset], function(call) call[[2]])
  variables <- lapply(code, formula_variable, env = environment(formula))
  factors <- attr(parsed, "factors")
  labels <- attr(parsed, "term.labels")
  terms <- lapply(seq_along(labels), function(j) list(label = labels[j], variables = which(factors[, j] > 0)))
  responses <- lapply(responses, formula_variable, env = environment(formula))
  all <- c(variables, responses)
  computed <- Filter(function(variable) !is.null(variable$expression), all)
  list(
    variables = all, terms = lapply(terms, function(term) replace(term, "variables", list(unname(term$variables)))),
    response = length(variables) + seq_along(responses), offset = offset, intercept = attr(parsed, "intercept") == 1,
    expressions = stats::setNames(
      lapply(computed, function(variable) variable$expression), vapply(computed, function(variable) variable$column, "")
    )
  )
}

#' Makes arithmetic of the power of a variable, which R's formulas read as the variable; `(a + b)^2` stays a crossing
#'
#' @noRd
powers_as_written <- function(x) {
  # Sums may be longer than R's stack is deep.
  added <- list()
  while (is_call_to(x, "+") && length(x) == 3) {
    added <- c(added, x[[3]])
    x <- x[[2]]
  }
  if (length(added) > 0) {
    return(Reduce(function(sum, term) call("+", sum, term), lapply(c(x, rev(added)), powers_as_written)))
  }
  crosses <- function(x) is.call(x) && as.character(x[[1]])[1] %in% c("+", "-", "*", ":", "/", "(", "%in%", "^")
  if (is_call_to(x, "^") && !crosses(x[[2]])) {
    return(call("I", x))
  }
  if (crosses(x)) {
    x[-1] <- lapply(as.list(x)[-1], powers_as_written)
  }
  x
}

#' One variable of a formula
#'
#' @param env where bounds of F() are evaluated
#' @return a list: `column` to read; `label` in results and `text` as it was written; `expression` that computes the
#'   column, if it must be computed; `floor`, the arguments of F(); `codes`, whether N() is meant
#' @noRd
formula_variable <- function(expression, env) {
  text <- paste(deparse(expression, width.cutoff = 500), collapse = " ")
  if (is.name(expression)) {
    return(list(column = as.character(expression), label = as.character(expression), text = text))
  }
  if (is_call_to(expression, "F")) {
    return(floored_variable(expression, text, env))
  }
  if (is_call_to(expression, "N")) {
    check_argument(length(expression) == 2, text, "N() of one variable")
    inner <- formula_variable(expression[[2]], env)
    return(c(inner[c("column", "expression")], list(label = paste0("N_", inner$column), text = text, codes = TRUE)))
  }
  bare <- length(expression) == 2 && (is_call_to(expression, "I") || is_call_to(expression, "("))
  list(column = text, label = text, text = text, expression = if (bare) expression[[2]] else expression)
}

#' F() in a formula
#'
#' @noRd
floored_variable <- function(expression, text, env) {
  given <- tryCatch(
    as.list(match.call(function(x, low, high, exclude) NULL, expression))[-1],
    error = function(condition) rx_abort("argument", sprintf("%s: %s.", text, conditionMessage(condition)))
  )
  check_argument("x" %in% names(given), text, "F() of a variable")
  bounds <- Filter(Negate(is.null), lapply(given[names(given) != "x"], function(bound) {
    tryCatch(eval(bound, env), error = function(condition) {
      rx_abort("argument", sprintf("The bounds of %s must be numbers: %s.", text, conditionMessage(condition)))
    })
  }))
  for (bound in intersect(c("low", "high"), names(bounds))) {
    check_argument(is_whole(bounds[[bound]]), bound, sprintf("a whole number in %s", text))
  }
  exclude <- bounds$exclude %||% TRUE
  check_argument(is_flag(exclude), "exclude", sprintf("TRUE or FALSE in %s", text))
  check_argument(isTRUE(bounds$low <= bounds$high) || length(bounds$low) * length(bounds$high) == 0, "low",
    sprintf("no greater than `high` in %s", text))
  inner <- formula_variable(given$x, env)
  suffix <- if (length(bounds) > 0) paste0("_", c(bounds$low, bounds$high, if (exclude) "T" else "F"), collapse = "")
  inner$label <- paste0("F_", inner$column, suffix)
  inner$text <- text
  inner$floor <- list(low = bounds$low, high = bounds$high, exclude = exclude)
  inner
}

#' The product of some numbers as one variable
#'
#' @param variables see formula_variable()
#' @noRd
product_variable <- function(variables) {
  factors <- lapply(variables, function(v) {
    value <- v$expression %||% as.name(v$column)
    if (isTRUE(v$codes)) bquote(as.integer(.(value)) - 1L) else value
  })
  text <- paste(vapply(variables, function(v) v$text, ""), collapse = ":")
  list(column = text, label = text, text = text, expression = Reduce(function(a, b) call("*", a, b), factors))
}

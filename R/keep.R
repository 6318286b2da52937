# What a fitted model keeps: no data, and of the environments in which a call was written only what the call uses.

#' What predictions need of a design
#'
#' @param levels list of the levels of each category
#' @param asked arguments of compose_transform(), as the user gave them
#' @return `variables` with their `kind` and `levels`, `terms`, `response`, `intercept`, and `code`, arguments of
#'   compose_transform() that make the variables
#' @noRd
kept_design <- function(design, levels, asked) {
  category <- design$kinds == "category"
  variables <- Map(
    function(variable, kind) {
      variable$kind <- kind
      variable
    }, design$variables, design$kinds
  )
  variables[category] <- Map(
    function(variable, index) {
      variable$levels <- levels[[index + 1]]
      variable
    }, variables[category], design$index[category]
  )
  list(
    variables = variables, terms = design$terms, response = design$response, offset = design$offset,
    intercept = design$intercept,
    code = kept_code(design$expressions, asked, design$data_names)
  )
}

#' The transforms of a fit and what they see, without the environments in which they were written
#'
#' @param expressions those of the formula
#' @param columns names of columns, which hide objects of the same name
#' @noRd
kept_code <- function(expressions, asked, columns) {
  transforms <- lapply(transforms_list(asked$transforms, asked$caller), without_source)
  objects <- list()
  if (length(transforms) + length(expressions) > 0) {
    code <- as.function(list(as.call(c(as.name("{"), unname(transforms), unname(expressions)))))
    closure <- if (is.function(asked$transformFunc)) environment(asked$transformFunc)
    frames <- Filter(Negate(is.null), list(asked$transformEnvir, closure, asked$caller))
    objects <- used_objects(code, frames, hidden = c(columns, names(transforms)))
  }
  objects[names(asked$transformObjects)] <- lapply(asked$transformObjects, small_function)
  list(
    transforms = as.call(c(as.name("list"), transforms)), transformFunc = small_function(asked$transformFunc),
    transformObjects = objects, transformVars = asked$transformVars, transformPackages = asked$transformPackages
  )
}

#' Copies of the objects outside of packages that a function uses
#'
#' @param frames environments in which they are looked for, with those around them
#' @param hidden names that are something else to the function
#' @param made see small_function()
#' @return a named list
#' @noRd
used_objects <- function(fun, frames, hidden = character(), made = list()) {
  objects <- list()
  for (name in setdiff(codetools::findGlobals(fun), hidden)) {
    frame <- Find(Negate(is.null), lapply(frames, holding_frame, name = name))
    if (!is.null(frame)) {
      objects[[name]] <- small_function(get(name, envir = frame), made)
    }
  }
  objects
}

#' The environment that holds an object, from one outwards to the global one
#'
#' @noRd
holding_frame <- function(env, name) {
  while (!of_package(env)) {
    if (exists(name, envir = env, inherits = FALSE)) {
      return(env)
    }
    if (identical(env, globalenv())) {
      return(NULL)
    }
    env <- parent.env(env)
  }
}

of_package <- function(env) isNamespace(env) || identical(env, baseenv()) || identical(env, emptyenv())

#' A function in an environment with nothing but what it uses; anything else as it is
#'
#' @param made functions that are being copied: pairs `from`, `to`
#' @noRd
small_function <- function(fun, made = list()) {
  if (!is.function(fun) || is.primitive(fun) || of_package(environment(fun))) {
    return(fun)
  }
  for (pair in made) {
    if (identical(pair$from, fun)) {
      return(pair$to)
    }
  }
  copy <- utils::removeSource(fun)
  environment(copy) <- new.env(parent = globalenv())
  made <- c(made, list(list(from = fun, to = copy)))
  list2env(used_objects(fun, list(environment(fun)), made = made), environment(copy))
  copy
}

#' Code without the text that it was parsed from, which functions in it carry
#'
#' @noRd
without_source <- function(code) if (is.call(code)) utils::removeSource(code) else code

#' The formula without the environment in which it was written, which may hold the data
#'
#' @noRd
small_formula <- function(formula) {
  environment(formula) <- globalenv()
  formula
}

#' The call without the objects that do.call() puts into it
#'
#' @noRd
small_call <- function(call) {
  for (name in names(call)[-1]) {
    call[[name]] <- small_argument(call[[name]], name)
  }
  call
}

small_argument <- function(value, name) {
  small <- is.null(value) || is.language(value) || (is.atomic(value) && length(value) <= 100)
  if (!small) as.name(name) else if (inherits(value, "formula")) small_formula(value) else without_source(value)
}

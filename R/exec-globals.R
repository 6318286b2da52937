# What functions need where they are sent: the objects outside of packages that their code uses.

#' What is gathered for another process
#'
#' Functions are copied into copies of the environments that they were written in, which hold what they use and nothing
#' else. Functions that share an environment do so in the copy. Instead of the global environment there is one whose
#' parent is the global environment of the process that they are sent to.
#'
#' @return an environment with `globals`, what stands for the global environment; `copies` of environments, pairs `from`
#'   and `to`; and `packages` attached here in which something was found
#' @noRd
new_luggage <- function() {
  luggage <- new.env(parent = emptyenv())
  luggage$globals <- new.env(parent = globalenv())
  luggage$copies <- list()
  luggage$packages <- character()
  luggage
}

#' A value as it can be sent, with what it uses in the luggage
#'
#' @param value a function, an expression, or a list of such; anything else stays as it is
#' @param env where an expression is evaluated
#' @noRd
packed <- function(value, env, luggage) {
  if (is.atomic(value)) {
    # Most arguments are.
    value
  } else if (is.function(value)) {
    packed_function(value, luggage)
  } else if (is.language(value) && !inherits(value, "formula")) {
    for (name in all.names(value, unique = TRUE)) pack_object(name, env, luggage)
    value
  } else if (is.list(value) && !is.object(value)) {
    code <- vapply(value, function(x) is.function(x) || is.language(x), NA)
    value[code] <- lapply(value[code], packed, env, luggage)
    value
  } else {
    value
  }
}

packed_function <- function(fun, luggage) {
  written <- environment(fun)
  if (is.primitive(fun) || of_package(written)) {
    return(fun)
  }
  for (name in function_globals(fun)) pack_object(name, written, luggage)
  if (!is.null(attr(fun, "srcref"))) fun <- utils::removeSource(fun)
  environment(fun) <- packed_environment(written, luggage)
  fun
}

#' The copy of an environment, at first without objects
#'
#' @noRd
packed_environment <- function(env, luggage) {
  if (of_package(env)) {
    return(env)
  }
  if (identical(env, globalenv())) {
    return(luggage$globals)
  }
  for (copy in luggage$copies) {
    if (identical(copy$from, env)) {
      return(copy$to)
    }
  }
  to <- new.env(parent = packed_environment(parent.env(env), luggage))
  luggage$copies <- c(luggage$copies, list(list(from = env, to = to)))
  to
}

#' Puts an object into the copy of the environment that holds it, if none of a package does
#'
#' @param env where it is looked for, with the environments around it
#' @noRd
pack_object <- function(name, env, luggage) {
  frame <- if (!startsWith(name, "..")) holding_frame(env, name)
  if (is.null(frame)) {
    package <- attached_package(name)
    if (!is.null(package)) luggage$packages <- union(luggage$packages, package)
    return()
  }
  to <- packed_environment(frame, luggage)
  if (!exists(name, envir = to, inherits = FALSE)) {
    # First, since the object may use itself. An argument that was not given stays so.
    assign(name, NULL, envir = to)
    tryCatch(assign(name, packed(get(name, envir = frame), frame, luggage), envir = to), error = identity)
  }
}

#' The names that a function uses
#'
#' Finding them takes longer than a small task; of the functions looked through last they are remembered.
#'
#' @noRd
function_globals <- function(fun) {
  code <- list(formals(fun), body(fun))
  for (known in state$globals) {
    if (identical(known$code, code)) {
      return(known$names)
    }
  }
  names <- codetools::findGlobals(fun)
  state$globals <- utils::head(c(list(list(code = code, names = names)), state$globals), 8)
  names
}

# What every worker has attached.
always_attached <- c(
  ".GlobalEnv", "Autoloads", paste0("package:", c("stats", "graphics", "grDevices", "utils", "datasets", "methods"))
)

#' The package attached here that a name is found in, unless every worker has it
#'
#' @noRd
attached_package <- function(name) {
  if (exists(name, envir = baseenv(), inherits = FALSE)) {
    return(NULL)
  }
  for (place in setdiff(search(), c(always_attached, "package:base"))) {
    if (startsWith(place, "package:") && exists(name, where = place, inherits = FALSE)) {
      return(sub("package:", "", place))
    }
  }
}

# Which of the user's expressions the engine runs itself. R passes them on as trees of plain lists; the engine decides
# by the types of the columns (src/rust/crates/rx-data/src/expr), and runs compiled what comes before the first one
# that it, or this file, refuses.

#' What the engine takes of steps
#'
#' @param steps see function_steps() and those that follow it
#' @param expressions all expressions of the steps
#' @param names columns that are read
#' @param env where the expressions are evaluated
#' @return a list of lists, one a step; NULL where an expression may change what others see
#' @noRd
compiled_steps <- function(steps, expressions, names, env) {
  changing <- c("<<-", "assign", "delayedAssign", ".rxSet", ".rxModify", ".rxTransformEnvir")
  if (any(changing %in% unlist(lapply(expressions, all.names)))) {
    return(NULL)
  }
  compiled <- list()
  for (step in steps) {
    if (step$kind == "assign" && is.null(step$expression)) {
      names <- setdiff(names, step$name)
      step$kind <- "remove"
    }
    compiled[[length(compiled) + 1]] <- stats::setNames(list(switch(step$kind,
      assign = list(
        name = step$name, expr = expression_tree(step$expression, names, env), finite = step$finite
      ),
      select = list(expr = if (!is.null(step$expression)) expression_tree(step$expression, names, env)),
      remove = step$name,
      keep = step$names,
      hide = step$names
    )), step$kind)
    names <- union(names, if (step$kind == "assign") step$name)
  }
  # A step without content is named, not listed.
  lapply(compiled, function(step) if (is.null(step[[1]])) names(step) else step)
}

#' An expression as the engine takes it, or why it must run in R
#'
#' @noRd
expression_tree <- function(expression, names, env) {
  tryCatch(
    tree(expression, names, env),
    rx_not_compiled = function(condition) list(foreign = conditionMessage(condition))
  )
}

#' Refuses to compile an expression
#'
#' @param why what keeps it from that, in a few words
#' @noRd
not_compiled <- function(why) {
  stop(structure(class = c("rx_not_compiled", "error", "condition"), list(message = why, call = NULL)))
}

#' Functions that the engine knows, with the arguments that it takes, in its order
#'
#' @noRd
compiled_functions <- local({
  one <- c(
    "!", "is.na", "is.nan", "is.finite", "is.infinite", "sqrt", "exp", "log2", "log10", "log1p", "expm1", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "abs", "floor", "ceiling", "trunc", "sign",
    "as.numeric", "as.double", "as.integer", "as.logical", "as.character", "as.factor", "as.Date", "nchar"
  )
  two <- c(
    "+", "-", "*", "/", "^", "%%", "%/%", "==", "!=", "<", "<=", ">", ">=", "&", "|", "xor", "%in%"
  )
  c(
    stats::setNames(rep(list("x"), length(one)), one), stats::setNames(rep(list(c("x", "y")), length(two)), two),
    list(
      ifelse = c("test", "yes", "no"), match = c("x", "table"), log = c("x", "base"), atan2 = c("y", "x"),
      round = c("x", "digits"), difftime = c("time1", "time2", "units"), substr = c("x", "start", "stop"),
      startsWith = c("x", "prefix"), endsWith = c("x", "suffix")
    )
  )
})

#' Functions whose value depends on nothing but their arguments, so that it can be computed beforehand
#'
#' @noRd
constant_functions <- c(
  "(", "c", ":", "seq", "seq_len", "rep", "rev", "sort", "unique", "paste", "paste0", "sprintf", "as.Date",
  "as.POSIXct", "ISOdate", "ISOdatetime", "as.character", "min", "max", "sum", "mean", "length", "toupper", "tolower",
  "signif", "pow", "setdiff", "union"
)

#' The tree of an expression
#'
#' @noRd
tree <- function(expression, names, env) {
  if (is.name(expression)) {
    return(name_tree(as.character(expression), names, env))
  }
  if (!is.call(expression)) {
    return(constant_tree(expression))
  }
  fun <- called_function(expression[[1]], env)
  expression[[1]] <- as.name(fun)
  if (!any(all.vars(expression) %in% c(names, chunk_variables))) {
    value <- constant_value(expression, env)
    if (!is.null(value)) {
      return(constant_tree(value))
    }
  }
  special <- special_trees[[fun]]
  if (!is.null(special)) {
    return(special(expression, names, env))
  }
  formals <- compiled_functions[[fun]]
  given <- matched_arguments(expression, formals %||% not_compiled(paste0(fun, "()")))
  call_tree(fun, lapply(formals, function(formal) given[[formal]]), names, env)
}

# What is not the same in every chunk.
chunk_variables <- c(".rxStartRow", ".rxChunkNum", ".rxNumRows", ".rxIsTestChunk", ".rxRowNums")

name_tree <- function(name, names, env) {
  if (name %in% names) {
    list(column = name)
  } else if (name %in% chunk_variables) {
    switch(name,
      .rxStartRow = list(row = "start_row"),
      .rxChunkNum = list(row = "chunk_num"),
      .rxIsTestChunk = constant_tree(FALSE),
      not_compiled(name)
    )
  } else {
    constant_tree(get0(name, envir = env), sprintf("'%s'", name))
  }
}

#' A value of R's as the engine takes it
#'
#' @param what what the user calls it
#' @noRd
constant_tree <- function(value, what = "a constant") {
  refuse <- function() not_compiled(sprintf("%s of class %s", what, class(value)[1]))
  others <- setdiff(names(attributes(value)), "names")
  if (inherits(value, "Date") && identical(others, "class")) {
    list(constant = list(date = as.numeric(value)))
  } else if (inherits(value, "POSIXct") && all(others %in% c("class", "tzone"))) {
    list(constant = list(time = as.numeric(value)))
  } else if (!is.atomic(value) || is.null(value) || length(others) > 0) {
    refuse()
  } else {
    values <- unname(value)
    list(constant = switch(typeof(value),
      logical = list(logical = values),
      integer = list(integer = values),
      double = list(double = values),
      character = list(text = lapply(values, function(text) if (!is.na(text)) text)),
      refuse()
    ))
  }
}

#' The name of the function that a call calls, if it is base R's own
#'
#' @noRd
called_function <- function(fun, env) {
  if (is.call(fun) && is_call_to(fun, "::") && identical(fun[[2]], quote(base))) {
    return(as.character(fun[[3]]))
  }
  if (!is.name(fun)) {
    not_compiled(paste0(deparse(fun, nlines = 1)[1], "()"))
  }
  name <- as.character(fun)
  found <- get0(name, envir = env, mode = "function")
  own <- if (name == "pow") pow else get0(name, envir = baseenv(), mode = "function")
  if (is.null(own) || !identical(found, own)) {
    not_compiled(paste0(name, if (is.null(own)) "()" else "() that is not base R's"))
  }
  name
}

#' The value of an expression that no column is part of; NULL if it is not certain to be the same for every chunk
#'
#' @noRd
constant_value <- function(expression, env) {
  known <- c(constant_functions, names(compiled_functions))
  pure <- function(x) {
    !is.call(x) ||
      (called_function(x[[1]], env) %in% known && all(vapply(as.list(x)[-1], pure, NA)))
  }
  nothing <- function(condition) NULL
  tryCatch(if (pure(expression)) eval(expression, env), error = nothing, warning = nothing)
}

#' The arguments of a call by formal argument
#'
#' @noRd
matched_arguments <- function(call, formals) {
  takes <- as.function(c(stats::setNames(rep(list(NULL), length(formals)), formals), list(NULL)))
  tryCatch(as.list(match.call(takes, call))[-1], error = function(condition) {
    not_compiled(sprintf("arguments of %s()", as.character(call[[1]])))
  })
}

#' @param arguments unevaluated; NULL where there is none
#' @noRd
call_tree <- function(fun, arguments, names, env) {
  args <- lapply(unname(arguments), function(argument) if (!is.null(argument)) tree(argument, names, env))
  list(call = list(fun = fun, args = args))
}

#' Arguments that must be constants, evaluated
#'
#' @noRd
constant_arguments <- function(fun, arguments, names, env) {
  refuse <- function() not_compiled(paste0(fun, "() by other than constants"))
  lapply(arguments, function(argument) {
    if (any(all.vars(argument) %in% c(names, chunk_variables))) {
      refuse()
    }
    if (is.call(argument)) constant_value(argument, env) %||% refuse() else eval(argument, env)
  })
}

# Functions whose arguments need more than their order: from the call, the names of columns and the environment.

first_tree <- function(call, names, env) tree(call[[2]], names, env)

power_tree <- function(call, names, env) {
  given <- matched_arguments(call, c("x", "exponent"))
  call_tree("^", given[c("x", "exponent")], names, env)
}

grepl_tree <- function(call, names, env) {
  given <- matched_arguments(call, c("pattern", "x", "ignore.case", "perl", "fixed", "useBytes"))
  if (!setequal(names(given), c("pattern", "x", "fixed")) || !isTRUE(given$fixed)) {
    not_compiled("grepl() without fixed = TRUE")
  }
  call_tree("grepl", given[c("x", "pattern")], names, env)
}

cut_tree <- function(call, names, env) {
  refuse <- function(condition) not_compiled("cut() without given breaks")
  given <- matched_arguments(call, c("x", "breaks", "labels", "include.lowest", "right", "dig.lab", "ordered_result"))
  options <- constant_arguments("cut", given[names(given) != "x"], names, env)
  # Some given breaks: a number of intervals depends on all rows.
  if (!is.numeric(options$breaks) || length(options$breaks) < 2 || is.null(given$x)) {
    refuse()
  }
  none <- tryCatch(do.call(cut, c(list(numeric()), options)), error = refuse)
  list(cut = list(
    x = tree(given$x, names, env), breaks = sort(as.numeric(options$breaks)), levels = levels(none),
    right = isTRUE(options$right %||% TRUE), include_lowest = isTRUE(options$include.lowest),
    ordered = is.ordered(none)
  ))
}

factor_tree <- function(call, names, env) {
  refuse <- function(condition) not_compiled("factor() without given levels")
  given <- matched_arguments(call, c("x", "levels", "labels", "exclude", "ordered"))
  options <- constant_arguments("factor", given[names(given) != "x"], names, env)
  values <- options$levels
  if (is.null(given$x) || is.null(values) || !is.null(given$exclude) || is.object(values)) {
    refuse()
  }
  levels <- tryCatch(do.call(factor, c(list(values), options)), error = refuse)
  known <- !is.na(values)
  list(factor = list(
    x = tree(given$x, names, env), values = as.character(values)[known], codes = as.integer(levels)[known],
    levels = levels(levels), ordered = if (!is.null(options$ordered)) is.ordered(levels)
  ))
}

ordered_tree <- function(call, names, env) {
  call$ordered <- TRUE
  factor_tree(call, names, env)
}

parallel_tree <- function(call, names, env) {
  if (!is.null(names(call))) {
    not_compiled(sprintf("%s() with named arguments", as.character(call[[1]])))
  }
  call_tree(as.character(call[[1]]), as.list(call)[-1], names, env)
}

paste_tree <- function(call, names, env) {
  given <- as.list(call)[-1]
  named <- if (is.null(names(given))) rep("", length(given)) else names(given)
  apart <- is_call_to(call, "paste")
  if (!all(named %in% c("", if (apart) "sep"))) {
    not_compiled(sprintf("%s() with such arguments", as.character(call[[1]])))
  }
  call_tree("paste", c(list(given$sep %||% if (apart) " " else ""), given[named == ""]), names, env)
}

special_trees <- list(
  "(" = first_tree, I = first_tree, pow = power_tree, pmin = parallel_tree, pmax = parallel_tree, paste = paste_tree,
  paste0 = paste_tree, grepl = grepl_tree, cut = cut_tree, factor = factor_tree, ordered = ordered_tree
)

#' Says which expressions run compiled
#'
#' @param spec see source_spec()
#' @noRd
report_compiled <- function(spec) {
  transform <- spec$transform
  if (is.null(transform)) {
    return(invisible())
  }
  answer <- engine_call(rx_engine_compiled, spec)
  compiled <- seq_along(transform$labels) <= answer$steps
  said <- function(what, labels, why = "") {
    labels <- unlist(labels)
    if (length(labels) > 0) {
      cat(what, ": ", paste(labels, collapse = ", "), why, "\n", sep = "")
    }
  }
  said("Compiled", transform$labels[compiled])
  said("Run in R", transform$labels[!compiled], sprintf(" (%s)", answer$why))
}

# Transforms: R code of the user's that runs on every chunk of the data. The rules are on the help page rxTransform.

#' Transforms: R code that runs on the data
#'
#' The functions that read data take R code that makes or changes columns and selects rows on the way. It runs on a
#' chunk of rows at a time, so the data need not fit into memory.
#'
#' **Order.** On every chunk: `transformFunc`, then `transforms`, each of which sees those before it, then
#' `rowSelection`, then what a formula computes (`log(x)`), then the removal of missing values where a function offers
#' that. A row selection may therefore use columns that the transforms make.
#'
#' **Chunks.** A chunk is `rowsPerRead` rows where a function or a source has that argument (500,000 by default), and
#' else `blocksPerRead` blocks of an XDF file. Results that depend on the chunk, such as `x - mean(x)`, depend on its
#' size. Before the first chunk the code runs on its first rows, at most 100, to learn which columns it makes: the test
#' chunk.
#'
#' * `transforms = list(a = x / 60, b = a > 2)` makes columns. A result of length one is repeated, NULL removes a
#'   column. An [expression()] of such a call works, too.
#' * `rowSelection = b & !is.na(y)` keeps the rows for which it is TRUE; NA selects nothing. The name of a logical
#'   column in quotes and an [expression()] work, too.
#' * `transformFunc = function(data) ...` takes a list of columns and returns such a list, of all columns that go on;
#'   or NULL, to drop the whole chunk. It gets the columns of `transformVars`, or all that are read. A logical element
#'   `.rxRowSelection` selects rows (but not when predictions are made).
#'
#' **What the code sees.** First the columns; then `transformObjects`; then `transformEnvir`, or else what
#' `transformFunc` sees where it was written; then the variables of the caller; and what is found in none of these, in
#' `transformPackages` and the packages of the option of that name. Besides:
#'
#' | name | meaning |
#' |---|---|
#' | `.rxStartRow` | number of the chunk's first row |
#' | `.rxChunkNum` | number of the chunk from 1; 0 for the test chunk |
#' | `.rxNumRows` | rows of the chunk as it was read |
#' | `.rxIsTestChunk` | whether this is the test chunk |
#' | `.rxReadFileName` | path of the file that is read, `""` for a data frame |
#' | `.rxIsPrediction` | whether predictions are made |
#' | `.rxTransformEnvir` | the environment that holds the `transformObjects` |
#' | `.rxGet(name)`, `.rxSet(name, value)` | read and change one of the `transformObjects`, from chunk to chunk |
#' | `.rxModify(name, ..., FUN = "+")` | sets the object to `FUN(object, ...)` |
#'
#' **Compiled expressions.** Expressions that consist of columns, constants and the functions below are compiled and run
#' in the engine on all threads, several times as fast as in R, with R's own results. They run so one after the other,
#' up to the first one that does not compile; from there on, and where there is a `transformFunc`, everything runs in
#' this R process, one chunk after the other. `verbose = 1` tells which ones did. It makes no other difference but for:
#'
#' * Variables and `transformObjects` in compiled expressions are read once, when the function is called, and a warning
#'   comes once instead of once a chunk. An expression that mentions `.rxSet`, `.rxModify`, `assign` or `<<-` keeps all
#'   others from being compiled.
#' * The type of `ifelse()` is the common one of both answers, also in a chunk in which only one of them occurs.
#' * Where R warns of a complete loss of accuracy in `%%` or `%/%`, results differ.
#'
#' What compiles: `+ - * / ^` and `pow()`; `%%` and `%/%` of integers, or by a whole constant of at most 2048; `== !=`;
#' `< <= > >=` of anything but text; `& | ! xor()`; `is.na()`, `is.nan()`, `is.finite()`, `is.infinite()`; `ifelse()`;
#' `pmin()`, `pmax()` without `na.rm`; `%in%` and `match()` in constants; `abs()`, `sqrt()`, `exp()`, `log()`, `log2()`,
#' `log10()`, `log1p()`, `expm1()`, trigonometric and hyperbolic functions, `atan2()`; `floor()`, `ceiling()`,
#' `trunc()`, `sign()` and `round()` of doubles; `cut()` at given breaks; `factor()` with given levels; `as.numeric()`,
#' `as.integer()`, `as.logical()`, `as.character()`, but not of text to numbers nor of doubles to text; `as.factor()`
#' and `as.Date()` of what is nearly one; dates and times plus or minus numbers, dates minus dates, `difftime()` in
#' given units; `nchar()`, `substr()`, `startsWith()`, `endsWith()`, `grepl(fixed = TRUE)`, `paste()` and `paste0()`;
#' `.rxStartRow`, `.rxChunkNum` and `.rxIsTestChunk`. What contains no column is computed beforehand. A function of the
#' same name that hides base R's is never compiled.
#'
#' @param transforms,rowSelection,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   above.
#' @name rxTransform
#' @aliases transforms rowSelection transformFunc
#' @seealso [rxFormula] for what formulas compute.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxSummary(
#'   ~ speed, flights,
#'   transforms = list(hours = air_time / 60, speed = distance / hours), rowSelection = speed > limit,
#'   transformObjects = list(limit = 500)
#' )
#'
#' # A function that numbers the rows.
#' number_rows <- function(data) {
#'   data$row <- seq(.rxStartRow, length.out = .rxNumRows)
#'   data
#' }
#' rxImport(mtcars, transformFunc = number_rows, varsToKeep = "mpg", numRows = 3)
NULL

#' The transform arguments of the function that calls this, as compose_transform() takes them
#'
#' `transforms` and `rowSelection` stay unevaluated, so this must be called by the function that the user called:
#'
#'     asked <- capture_transforms()
#'     ...
#'     transform <- do.call(compose_transform, c(asked, data_names = list(names), keep = list(wanted)), quote = TRUE)
#'
#' @noRd
capture_transforms <- function(frame = parent.frame()) {
  formals <- names(formals(sys.function(sys.parent())))
  evaluated <- intersect(
    c(
      "transformObjects", "transformFunc", "transformVars", "transformPackages", "transformEnvir", "removeMissings",
      "removeMissingsOnRead"
    ),
    formals
  )
  unevaluated <- intersect(c("transforms", "rowSelection"), formals)
  asked <- c(
    mget(evaluated, envir = frame),
    sapply(unevaluated, function(name) do.call(substitute, list(as.name(name), frame)), simplify = FALSE)
  )
  asked$caller <- parent.frame(2)
  asked
}

#' One function out of everything that a user asks to be done with the rows
#'
#' @param data_names columns of the data
#' @param transforms,rowSelection unevaluated
#' @param formula_expressions named list of expressions, evaluated last; their infinite results become missing
#' @param removeMissings whether to drop rows with a missing value in any variable kept
#' @param keep variables needed downstream, or NULL for all
#' @param columns columns of the data that are passed on along with all new variables, or NULL for all; others are read
#'   if they are used
#' @param caller where the user called
#' @param file path of the data, for .rxReadFileName
#' @param prediction whether predictions are made, for .rxIsPrediction
#' @param call the user's call
#' @param removeMissingsOnRead whether to drop rows with a missing value in any variable read, before all else
#' @return NULL if there is nothing to do, else list(fun, vars, untouched, steps, labels, objects): `fun(chunk,
#'   start_row, chunk_num, is_test, from)` makes a list of vectors out of a list of vectors, doing the steps from `from`
#'   on; `steps` are those that the engine may do itself, and `labels` what the user calls them; `objects` is the
#'   environment of the transformObjects
#' @noRd
compose_transform <- function(data_names, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                              transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                              rowSelection = NULL, formula_expressions = list(), removeMissings = FALSE,
                              removeMissingsOnRead = FALSE, keep = NULL, columns = NULL, caller = parent.frame(),
                              file = "", prediction = FALSE, call = user_call()) {
  check_transform_arguments(transformObjects, transformFunc, transformVars, transformEnvir, data_names, call)
  transforms <- transforms_list(transforms, caller, call)
  selection <- selection_expression(rowSelection, data_names, caller)
  expressions <- c(transforms, if (!is.null(selection)) list(selection), formula_expressions)
  if (length(expressions) + length(transformFunc) + removeMissings + removeMissingsOnRead == 0) {
    return(NULL)
  }
  used <- unlist(lapply(expressions, all.vars))
  wanted <- if (is.null(keep)) columns %||% data_names else intersect(data_names, keep)
  read <- columns_read(wanted, c(used, transformVars), data_names)
  passed <- if (!is.null(transformFunc)) transformVars %||% read

  env <- transform_environment(
    expressions, transformObjects, transformFunc, transformPackages, transformEnvir, caller, call
  )
  env$.rxReadFileName <- file
  env$.rxIsPrediction <- prediction
  env$.rxDataNames <- data_names
  last <- last_step(keep, hidden = setdiff(read, c(wanted, names(transforms))), names(formula_expressions))
  steps <- c(
    if (removeMissingsOnRead) list(complete_step()),
    function_steps(transformFunc, passed, read, env),
    assign_steps(transforms, env),
    selection_steps(selection, transformFunc, env),
    assign_steps(formula_expressions, env, finite = TRUE),
    list(last),
    if (removeMissings) list(complete_step())
  )
  list(
    fun = steps_function(steps, env), vars = read,
    untouched = setdiff(read, c(passed, names(transforms), names(formula_expressions))),
    steps = compiled_steps(steps, expressions, read, env), labels = lapply(steps, function(step) step$label),
    objects = env$.rxTransformEnvir
  )
}

#' The columns to read
#'
#' @noRd
columns_read <- function(wanted, used, data_names) {
  read <- union(wanted, intersect(data_names, used))
  # A chunk without any column would not tell its number of rows.
  if (length(read) == 0) utils::head(data_names, 1) else read
}

#' What the engine calls on a chunk: does the steps from `from` on
#'
#' @noRd
steps_function <- function(steps, env) {
  function(chunk, start_row, chunk_num, is_test, from) {
    env$.rxStartRow <- start_row
    env$.rxChunkNum <- chunk_num
    env$.rxNumRows <- length(chunk[[1]])
    env$.rxIsTestChunk <- is_test
    run_steps(steps[seq(from, length(steps))], chunk)
  }
}

#' Takes a chunk through everything that is to be done with it
#'
#' @param steps functions of the chunk, see function_steps() and those that follow it
#' @return the chunk; NULL if the transformFunc wants none of its rows
#' @noRd
run_steps <- function(steps, chunk) {
  for (step in steps) {
    chunk <- step$run(chunk)
    if (is.null(chunk)) {
      return(NULL)
    }
  }
  chunk
}

# A step is a list of `run`, what R does with a chunk; `kind` and what the engine needs to do the same, see
# compiled_steps(); and `label`, what the user calls it.

function_steps <- function(fun, passed, read, env) {
  if (is.null(fun)) {
    return(NULL)
  }
  fun <- within_environment(fun, env)
  list(list(kind = "opaque", label = "transformFunc", run = function(chunk) apply_function(fun, chunk, passed, read)))
}

assign_steps <- function(expressions, env, finite = FALSE) {
  lapply(seq_along(expressions), function(i) {
    list(
      kind = "assign", name = names(expressions)[i], expression = expressions[[i]], finite = finite,
      label = names(expressions)[i],
      run = function(chunk) apply_expressions(expressions[i], chunk, env, if (finite) without_infinite else identity)
    )
  })
}

#' The selection of rows, by an expression or by what a transformFunc left
#'
#' @noRd
selection_steps <- function(selection, fun, env) {
  if (is.null(selection) && is.null(fun)) {
    return(NULL)
  }
  list(list(
    kind = "select", expression = selection, label = if (!is.null(selection)) "rowSelection",
    run = function(chunk) {
      rows <- if (!is.null(selection)) {
        evaluate(selection, chunk, env)
      } else if (!env$.rxIsPrediction) {
        chunk$.rxRowSelection
      }
      chunk$.rxRowSelection <- NULL
      select_rows(chunk, rows)
    }
  ))
}

#' What is left in the end
#'
#' @param keep,hidden the columns to keep, or else those to remove
#' @param computed columns that a formula computes
#' @noRd
last_step <- function(keep, hidden, computed) {
  if (is.null(keep)) hide_step(hidden) else keep_step(c(keep, computed))
}

keep_step <- function(names) {
  list(kind = "keep", names = names, run = function(chunk) chunk[intersect(names, names(chunk))])
}

hide_step <- function(names) {
  list(kind = "hide", names = names, run = function(chunk) chunk[setdiff(names(chunk), names)])
}

complete_step <- function() {
  list(kind = "complete", run = function(chunk) {
    select_rows(chunk, Reduce(`&`, lapply(chunk, Negate(is.na)), TRUE))
  })
}

check_transform_arguments <- function(objects, fun, vars, envir, data_names, call) {
  check_argument(
    is.null(objects) || is.list(objects) && length(names(objects)) == length(objects),
    "transformObjects", "a named list", call
  )
  check_argument(is.null(fun) || is.function(fun), "transformFunc", "a function", call)
  check_argument(is.null(vars) || is_strings(vars), "transformVars", "a character vector", call)
  check_argument(is.null(envir) || is.environment(envir), "transformEnvir", "an environment", call)
  for (name in setdiff(vars, data_names)) {
    rx_abort("missing_column", sprintf("Variable '%s' of `transformVars` is not in the data.", name),
      hint = visible_hint(name, data_names), column = name, call = call
    )
  }
}

#' `transforms` as a named list of expressions
#'
#' @param transforms unevaluated: list(name = expr, ...), or something whose value is such a call or expression
#' @noRd
transforms_list <- function(transforms, caller, call = user_call()) {
  if (!is.null(transforms) && !is_call_to(transforms, "list")) {
    transforms <- tryCatch(eval(transforms, caller), error = function(condition) condition)
    if (is.expression(transforms) && length(transforms) == 1) {
      transforms <- transforms[[1]]
    }
  }
  if (is.null(transforms)) {
    return(list())
  }
  transforms_given <- is_call_to(transforms, "list") || is.expression(transforms)
  expressions <- if (is_call_to(transforms, "list")) as.list(transforms)[-1] else as.list(transforms)
  check_argument(
    transforms_given && length(names(expressions)) == length(expressions) && all(nzchar(names(expressions))),
    "transforms", "a call list(name = expression, ...), or one wrapped in expression()", call
  )
  expressions
}

#' `rowSelection` as one expression
#'
#' @param selection unevaluated: a logical expression, the name of a logical variable, or an expression object
#' @noRd
selection_expression <- function(selection, data_names, caller) {
  outside <- is.name(selection) && !as.character(selection) %in% data_names
  if (outside || is_call_to(selection, "expression")) {
    value <- tryCatch(eval(selection, caller), error = function(condition) NULL)
    if (is.expression(value)) {
      selection <- value[[1]]
    } else if (is.language(value) || is_string(value)) {
      selection <- value
    }
  }
  if (is_string(selection)) as.name(selection) else selection
}

is_call_to <- function(x, name) is.call(x) && identical(x[[1]], as.name(name))

#' Where the user's code is evaluated: what rxscale provides, then transformObjects
#'
#' @noRd
transform_environment <- function(expressions, objects, fun, packages, envir, caller, call) {
  # A primitive has no environment, and that of NULL would be this one.
  top <- envir %||% (if (is.function(fun)) environment(fun)) %||% caller
  objects_env <- list2env(as.list(objects), envir %||% new.env(parent = top))
  env <- new.env(parent = objects_env)
  env$.rxTransformEnvir <- objects_env
  env$.rxGet <- function(objName) get(objName, envir = objects_env)
  env$.rxSet <- function(objName, objValue) {
    assign(objName, objValue, envir = objects_env)
    invisible(objValue)
  }
  env$.rxModify <- function(objName, ..., FUN = "+") {
    env$.rxSet(objName, match.fun(FUN)(env$.rxGet(objName), ...))
  }
  packages <- transform_packages(packages, call)
  # Names that lead nowhere from here are looked up where the user may have meant them.
  named <- unique(unlist(c(lapply(expressions, all.names), if (is.function(fun)) all.names(body(fun)))))
  for (name in Filter(function(name) !exists(name, envir = env), named)) {
    exporting <- Filter(function(package) name %in% getNamespaceExports(package), packages)
    frames <- Filter(function(frame) exists(name, envir = frame), c(environment(fun), caller))
    if (length(exporting) > 0) {
      assign(name, getExportedValue(exporting[1], name), envir = env)
    } else if (length(frames) > 0) {
      assign(name, get(name, envir = frames[[1]]), envir = env)
    } else if (name == "pow") {
      env$pow <- pow
    }
  }
  env
}

#' The function with an environment in place of its own, which that one leads to
#'
#' @noRd
within_environment <- function(fun, env) {
  if (is.function(fun) && !is.primitive(fun)) {
    environment(fun) <- env
  }
  fun
}

#' The packages that transforms see, all of them loaded
#'
#' @noRd
transform_packages <- function(packages, call) {
  packages <- setdiff(c(rxGetOption("transformPackages"), packages), "RevoScaleR")
  for (package in packages) {
    if (!requireNamespace(package, quietly = TRUE)) {
      rx_abort("argument", sprintf("Package '%s' of `transformPackages` is not installed.", package), call = call)
    }
  }
  packages
}

#' x to the power of exponent, as formulas may write it
#'
#' @noRd
pow <- function(x, exponent) x^exponent

#' Runs transformFunc on the variables it gets
#'
#' @return all variables of the chunk; NULL if the function wants none of its rows
#' @noRd
apply_function <- function(fun, chunk, passed, read) {
  result <- tryCatch(fun(chunk[passed]), error = function(condition) {
    not_passed <- Filter(function(name) mentions(condition, name), setdiff(read, passed))
    hint <- if (length(not_passed) > 0) sprintf("Add '%s' to `transformVars`.", not_passed[1])
    stop(paste(c(conditionMessage(condition), hint), collapse = "\n"), call. = FALSE)
  })
  if (is.null(result)) {
    return(NULL)
  }
  if (!is.list(result) || length(names(result)) != length(result)) {
    stop("transformFunc must return a named list of vectors, or NULL.", call. = FALSE)
  }
  recycled(c(chunk[setdiff(names(chunk), passed)], Filter(Negate(is.null), as.list(result))))
}

#' Assigns the results of expressions, each of which sees those before it
#'
#' @param finish a function applied to each result
#' @noRd
apply_expressions <- function(expressions, chunk, env, finish = identity) {
  for (i in seq_along(expressions)) {
    chunk[[names(expressions)[i]]] <- finish(evaluate(expressions[[i]], chunk, env))
    chunk <- recycled(chunk)
  }
  chunk
}

#' Scalars are repeated as often as the others have values
#'
#' @noRd
recycled <- function(chunk) {
  lengths <- lengths(chunk)
  rows <- unique(lengths[lengths != 1])
  if (length(rows) == 1) {
    chunk[lengths == 1] <- lapply(chunk[lengths == 1], rep_len, length.out = rows)
  }
  chunk
}

#' Evaluates an expression; a name that is not found is answered with those that are
#'
#' @noRd
evaluate <- function(expression, chunk, env) {
  frame <- list2env(chunk, parent = env)
  tryCatch(eval(expression, frame), error = function(condition) {
    unknown <- Filter(function(name) !exists(name, envir = frame) && mentions(condition, name), all.names(expression))
    hint <- if (length(unknown) > 0) {
      visible_hint(unknown[1], c(names(chunk), ls(env$.rxTransformEnvir), env$.rxDataNames))
    }
    stop(paste(c(conditionMessage(condition), hint), collapse = "\n"), call. = FALSE)
  })
}

mentions <- function(condition, name) {
  grepl(paste0("\\b\\Q", name, "\\E\\b"), conditionMessage(condition), perl = TRUE)
}

#' What can be seen in place of a name that cannot, the nearest first
#'
#' @noRd
visible_hint <- function(name, visible) {
  near <- nearest_name(name, visible)
  listed <- unique(c(near, visible))
  more <- if (length(listed) > 20) ", ..." else ""
  paste0(
    if (!is.null(near)) sprintf("Did you mean '%s'? ", near),
    sprintf("Visible are: %s%s.", paste(utils::head(listed, 20), collapse = ", "), more)
  )
}

#' The rows for which a selection is TRUE; missing selects nothing
#'
#' @param rows logical, or NULL for all rows
#' @noRd
select_rows <- function(chunk, rows) {
  if (is.null(rows)) {
    return(chunk)
  }
  if (!is.logical(rows)) {
    stop("rowSelection must be logical, not ", class(rows)[1], ".", call. = FALSE)
  }
  count <- length(chunk[[1]])
  if (!length(rows) %in% c(1, count)) {
    stop("rowSelection has ", length(rows), " values where the data have ", count, " rows.", call. = FALSE)
  }
  rows <- rep_len(rows & !is.na(rows), count)
  if (all(rows)) chunk else lapply(chunk, selected, rows)
}

#' Some values of a vector, with what the user says of all of them
#'
#' @noRd
selected <- function(x, rows) {
  some <- x[rows]
  for (name in c(".rxSetLowHigh", ".rxDescription")) {
    attr(some, name) <- attr(x, name, exact = TRUE)
  }
  some
}

#' Makes infinite values missing, such as log(0)
#'
#' @noRd
without_infinite <- function(x) {
  if (is.double(x)) {
    x[is.infinite(x)] <- NA
  }
  x
}

#' The state of R's random numbers before the passes over a source that runs R code; NULL for others
#'
#' @noRd
random_start <- function(spec) {
  if (is.null(spec$transform)) {
    return(NULL)
  }
  if (is.null(random_state())) {
    set.seed(NULL)
  }
  random_state()
}

#' A source whose R code meets the same random numbers in every pass
#'
#' @param start see random_start()
#' @noRd
replayed_source <- function(spec, start) {
  fun <- spec$transform$fun
  if (!is.null(fun) && !is.null(start)) {
    spec$transform$fun <- function(chunk, start_row, chunk_num, is_test, from) {
      if (chunk_num == 1) set_random_state(start)
      fun(chunk, start_row, chunk_num, is_test, from)
    }
  }
  spec
}

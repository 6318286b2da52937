#' Predictions
#'
#' What a fitted model says of new rows, or of those it was fitted on: predictions, their standard errors, confidence
#' and prediction intervals, residuals. Models keep no data, so `data` is always needed.
#'
#' **Where the results go.**
#'
#' | `data` | `outData` | result |
#' |---|---|---|
#' | data frame, text, Parquet | NULL | a data frame of the computed columns |
#' | data frame | a data frame of as many rows | that data frame with the columns added |
#' | XDF file | NULL, or the same file | the columns are added to the file, which is replaced at once or not at all |
#' | any | another file | the file is written |
#'
#' Columns that are already in an XDF file are replaced with `overwrite = TRUE` only, and so is another file that
#' exists.
#'
#' **Variables.** The variables of the formula are made from `data` as they were for the fit: by its `transforms` and
#' `transformFunc` (in which `.rxIsPrediction` is TRUE), which see the objects that they saw then, and by the arithmetic
#' of the formula. Only the transforms that a prediction needs are run. The fit's row selection does not apply, and
#' neither does `.rxRowSelection`. The response need not be in the data unless residuals are wanted.
#'
#' **Levels** go by their labels, whatever their order or whether the column is a factor or text; so do the positions
#' that `N()` stands for. A row with a level that the fit has not seen has no prediction; one warning of class
#' `rxscale_warning_unseen` names these levels. A row with a missing value has none either. Coefficients that were
#' dropped count as zero.
#'
#' **Errors.** With x the row's model columns and V the covariance of the coefficients, the standard error of a
#' prediction is sqrt(x'Vx); both are taken about the means of the numeric columns, where nothing cancels. The
#' half-width of an interval is that times the quantile of t; an interval for predictions adds the residual variance
#' under the root. They are those of [predict.lm()].
#'
#' **Generalized linear models.** Offsets are added, and predictions are means, or with `type = "link"` linear
#' predictors. Standard errors of means are those of the linear predictors times the slope of the inverse link, as
#' those of [predict.glm()]; intervals are those of the linear predictors transformed, by the quantile of the normal
#' distribution where the dispersion is known and of t elsewhere. Residuals are the response less the mean; a response
#' with two levels counts as 0 and 1. Fits with a link of one's own have linear predictors only.
#'
#' **Clusters.** Of an object of class `rxKmeans` the result is one column, the number of the nearest centre.
#'
#' @param modelObject a fitted model: an object of class `rxLinMod`, `rxLogit`, `rxGlm` or `rxKmeans`.
#' @param data a data frame, a data source, or the name of a file.
#' @param outData where the results go, see below: NULL, a data frame, a data source, or the name of a file.
#' @param computeStdErrors whether to compute standard errors of the predictions; the model must have been fitted with
#'   `covCoef = TRUE`.
#' @param interval `"none"`, `"confidence"` (of the mean) or `"prediction"` (of a new observation, of linear models
#'   only); needs `covCoef = TRUE`, too.
#' @param confLevel the level of the intervals.
#' @param computeResiduals whether to compute residuals. Where the response is missing all results are.
#' @param type `"response"` or `"link"`: means or linear predictors, which are the same for a linear model.
#' @param writeModelVars whether the variables of the model are written as well, those that are computed included;
#'   ignored if the results are added to the input.
#' @param extraVarsToWrite names of further columns to write, of the data or made by the transforms; ignored if the
#'   results are added to the input.
#' @param removeMissings whether rows without a result are left out.
#' @param append `"rows"` adds rows to an existing XDF file `outData`.
#' @param overwrite whether columns of the input, or another file, may be replaced.
#' @param checkFactorLevels whether to warn of levels that the fit has not seen.
#' @param predVarNames,residVarNames,stdErrorsVarNames names of the computed columns, one a response; by default
#'   `<y>_Pred`, `<y>_Resid` and `<y>_StdErr`.
#' @param intervalVarNames names of the lower and upper ends, two a response; by default `<y>_Lower` and `<y>_Upper`.
#' @param predNames old name for `predVarNames`; a second element is `residVarNames`.
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param reportProgress,xdfCompressionLevel see [rxOptions()].
#' @param verbose 1 prints how long it took.
#' @param ... no further arguments; a warning names them.
#' @return A data frame, or the data source that was written.
#' @examples
#' fit <- rxLinMod(mpg ~ wt + F(cyl), data = mtcars, covCoef = TRUE)
#' rxPredict(fit, mtcars[1:3, ], computeStdErrors = TRUE, interval = "confidence", extraVarsToWrite = "wt")
#'
#' # Residuals of a file are added to it.
#' file <- tempfile(fileext = ".xdf")
#' cars <- rxImport(mtcars, file)
#' rxPredict(fit, cars, computeResiduals = TRUE)
#' head(cars, 3)
#' unlink(file)
#' @export
rxPredict <- function(modelObject, data = NULL, ...) UseMethod("rxPredict")

#' @rdname rxPredict
#' @export
rxPredict.default <- function(modelObject, data = NULL, outData = NULL, computeStdErrors = FALSE, interval = "none",
                              confLevel = 0.95, computeResiduals = FALSE, type = c("response", "link"),
                              writeModelVars = FALSE, extraVarsToWrite = NULL, removeMissings = FALSE,
                              append = c("none", "rows"), overwrite = FALSE, checkFactorLevels = TRUE,
                              predVarNames = NULL, residVarNames = NULL, intervalVarNames = NULL,
                              stdErrorsVarNames = NULL, predNames = NULL, blocksPerRead = rxGetOption("blocksPerRead"),
                              reportProgress = rxGetOption("reportProgress"), verbose = 0,
                              xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) {
  started <- proc.time()[["elapsed"]]
  check_predicted(modelObject, data)
  for (name in c("computeStdErrors", "computeResiduals", "writeModelVars", "removeMissings", "checkFactorLevels")) {
    check_argument(is_flag(get(name)), name, "TRUE or FALSE")
  }
  check_argument(is.null(extraVarsToWrite) || is_strings(extraVarsToWrite), "extraVarsToWrite", "names of columns")
  check_argument(is_string(type[1]) && type[1] %in% c("response", "link"), "type", '"response" or "link"')
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  warn_unknown(dot_names(...), names(formals(rxPredict.default)))
  append <- if (missing(append)) "none" else append
  names <- list(
    fit = predVarNames %||% predNames[1], residual = residVarNames %||% predNames[2][length(predNames) > 1],
    std_error = stdErrorsVarNames, ends = intervalVarNames
  )
  wanted <- wanted_columns(modelObject, computeStdErrors, interval, computeResiduals, names)
  means <- type[1] == "response"
  output <- prediction_output(data, outData, append, overwrite, xdfCompressionLevel, wanted$name, removeMissings)
  extra <- if (!output$in_place) list(model = writeModelVars, others = extraVarsToWrite)
  predicted <- predict_rows(
    modelObject, data, wanted, output, extra,
    confLevel = confLevel, prediction = identical(interval, "prediction"), means = means,
    removeMissings = removeMissings, checkFactorLevels = checkFactorLevels, blocksPerRead = blocksPerRead,
    reportProgress = reportProgress
  )
  if (verbose > 0) {
    print_time(started)
  }
  predicted_result(predicted, outData, output)
}

#' What a prediction returns: the source that was written, or a data frame
#'
#' @param predicted what predict_rows() answers
#' @param output see prediction_output()
#' @noRd
predicted_result <- function(predicted, outData, output) {
  if (!is.null(output$sink)) {
    return(if (output$in_place) as_source(output$sink$path) else written_source(outData, output$sink))
  }
  if (is.data.frame(outData)) {
    outData[names(predicted)] <- predicted
    return(outData)
  }
  predicted
}

#' Refuses what cannot be predicted
#'
#' @noRd
check_predicted <- function(model, data) {
  known <- inherits(model, c("rxLinMod", "rxLogit", "rxGlm"))
  check_argument(known, "modelObject", "a fitted model of class rxLinMod, rxLogit, rxGlm or rxKmeans")
  check_data(data)
}

#' Refuses a prediction of nothing
#'
#' @noRd
check_data <- function(data) {
  if (is.null(data)) {
    rx_abort("argument", "`data` is needed: models keep none.", hint = "Give the data that the model was fitted on.")
  }
}

#' The columns to compute
#'
#' @param names list of the names of `fit`, `residual`, `std_error` (NULL for the default) and `ends`, lower and upper
#' @return a data frame with `response` (from 1), `value` (as the engine calls it) and `name`
#' @noRd
wanted_columns <- function(model, errors, interval, residuals, names) {
  known <- is_string(interval) && interval %in% c("none", "confidence", "prediction")
  check_argument(known, "interval", '"none", "confidence" or "prediction"')
  if (interval == "prediction" && !inherits(model, "rxLinMod")) {
    rx_abort("unsupported", "Intervals for new observations are of linear models only.",
      hint = 'Ask for interval = "confidence".'
    )
  }
  values <- c("fit", if (residuals) "residual", if (errors) "std_error", if (interval != "none") c("lower", "upper"))
  responses <- length(model$y.names)
  lower <- seq_along(names$ends) %% 2 == 1
  given <- c(names[c("fit", "residual", "std_error")], list(lower = names$ends[lower], upper = names$ends[!lower]))
  arguments <- c(
    fit = "predVarNames", residual = "residVarNames", std_error = "stdErrorsVarNames", lower = "intervalVarNames",
    upper = "intervalVarNames"
  )
  suffixes <- c(fit = "_Pred", residual = "_Resid", std_error = "_StdErr", lower = "_Lower", upper = "_Upper")
  named <- lapply(values, function(value) {
    name <- given[[value]] %||% paste0(model$y.names, suffixes[[value]])
    must <- if (value %in% c("lower", "upper")) "the names of two columns a response" else "a column name a response"
    check_argument(is_strings(name) && length(name) == responses, arguments[[value]], must)
    data.frame(response = seq_len(responses), value = value, name = name)
  })
  wanted <- do.call(rbind, named)
  wanted <- wanted[order(wanted$response), ]
  repeated <- wanted$name[duplicated(wanted$name)]
  if (length(repeated) > 0) {
    rx_abort("argument", sprintf("Two computed columns would have the name '%s'.", repeated[1]))
  }
  wanted
}

#' Where predictions go
#'
#' @param computed names of the computed columns
#' @return a list of the engine's `sink` (NULL for a data frame) and `in_place`, whether it is the input
#' @noRd
prediction_output <- function(data, outData, append, overwrite, xdfCompressionLevel, computed, removeMissings) {
  source <- as_source(data)
  if (is.data.frame(outData)) {
    rows <- if (is.data.frame(data)) nrow(data) else -1
    check_argument(nrow(outData) == rows, "outData", "a data frame of as many rows as a data frame `data`, or a file")
    if (removeMissings) {
      rx_abort("argument", "`removeMissings` would leave fewer rows than `outData` has.")
    }
    outData <- NULL
  }
  to_input <- methods::is(source, "RxXdfData") && is.null(outData)
  if (!to_input && (is.null(outData) || !same_file(source, as_source(outData, "outData")))) {
    sink <- sink_spec(outData, append, overwrite, xdfCompressionLevel, source = source)
    return(list(sink = sink, in_place = FALSE))
  }
  if (!methods::is(source, "RxXdfData")) {
    rx_abort("unsupported", "Columns can be added to XDF files only.", hint = "Name another file in `outData`.")
  }
  if (appends_rows(append)) {
    rx_abort("argument", "Predictions cannot be appended as rows to the data that they are made of.")
  }
  if (removeMissings) {
    rx_abort("argument", "`removeMissings` would remove rows of the input.", hint = "Name another file in `outData`.")
  }
  list(sink = in_place_sink(source, overwrite, xdfCompressionLevel, computed), in_place = TRUE)
}

#' The sink that puts computed columns into an XDF file, which it replaces
#'
#' @noRd
in_place_sink <- function(source, overwrite, xdfCompressionLevel, computed) {
  there <- intersect(computed, names(source_fields(source_spec(source))))
  if (length(there) > 0 && !isTRUE(overwrite)) {
    rx_abort(
      "argument", sprintf("The input has a column '%s'.", there[1]), column = there[1],
      hint = "Pass overwrite = TRUE to replace it, or another name in `predVarNames` and the like."
    )
  }
  replacing_sink(source, xdfCompressionLevel)
}

#' Predicts the rows of a source
#'
#' @param wanted see wanted_columns()
#' @param output see prediction_output()
#' @param extra list of `model`, whether the model's variables are written, and `others`, further columns; NULL if the
#'   results are added to all columns of the data
#' @param means whether means are predicted, not linear predictors
#' @return a data frame, or what the engine says of the file
#' @noRd
predict_rows <- function(model, data, wanted, output = list(), extra = NULL, confLevel = 0.95, prediction = FALSE,
                         means = TRUE, removeMissings = FALSE, checkFactorLevels = TRUE, blocksPerRead = 1,
                         reportProgress = 0) {
  check_argument(is_number(confLevel) && confLevel >= 0 && confLevel <= 1, "confLevel", "a number from 0 to 1")
  source <- as_source(data)
  spec <- source_spec(source)
  residuals <- "residual" %in% wanted$value
  read <- prediction_source(model$design, spec, source, residuals, extra, wanted$name, blocksPerRead)
  errors <- any(wanted$value != "fit" & wanted$value != "residual")
  model_plan <- engine_model(model, read, wanted, errors, confLevel, prediction)
  model_plan$plan <- c(model_plan$plan, list(remove_missings = removeMissings), mean_plan(model, means, residuals))
  result <- engine_call(
    rx_engine_predict, read$spec, model_plan$plan, model_plan$covariance, read$passed, wanted$name,
    output$sink %||% list(type = "frame"), job_options(reportProgress, "Rows predicted")
  )
  if (checkFactorLevels) {
    warn_unseen(model, model_plan$plan, result)
  }
  written_rows(result$written, output)
}

#' What a sink answers; a data frame, if that was the sink
#'
#' @param output see prediction_output()
#' @noRd
written_rows <- function(written, output) {
  if (!is.null(output$sink)) {
    return(written)
  }
  structure(written$columns, row.names = .set_row_names(written$rows), class = "data.frame")
}

#' The source of a model's variables in new data, with the columns that go on beside them
#'
#' @param residuals whether the response is needed
#' @param computed names that computed columns take
#' @return list of `spec`; `passed`, columns that go on, and their names there; `column`, the name of each variable's
#'   column
#' @noRd
prediction_source <- function(design, spec, source, residuals, extra, computed, blocksPerRead) {
  fields <- source_fields(spec)
  every <- names(fields)
  if (!is.null(extra)) {
    fields <- fields[source_columns(source, every)]
  }
  responses <- if (residuals) {
    design$response
  } else if (isTRUE(extra$model)) {
    Filter(function(i) all(inputs_of(design$variables[i], design$code)$names %in% names(fields)), design$response)
  }
  variables <- design$variables[c(setdiff(seq_along(design$variables), design$response), responses)]
  parsed <- list(variables = variables, expressions = expressions_of(variables))
  passed <- if (is.null(extra)) setdiff(every, computed) else extra_columns(variables, extra, names(fields))
  asked <- design$code
  asked$transforms <- inputs_of(variables, asked, passed)$transforms
  asked$transformVars <- if (!is.null(asked$transformVars)) intersect(asked$transformVars, names(fields))
  asked <- c(asked, list(caller = globalenv(), prediction = TRUE))
  chunk <- if (methods::is(source, "RxXdfData")) list(blocks = blocksPerRead) else chunk_size(source, NULL)
  read <- design_source(parsed, spec, fields, asked, passed, chunk)
  check_kinds(variables, read$fields)
  column <- vapply(design$variables, function(variable) variable$column, "")
  from <- passed
  unchanged <- intersect(passed, names(fields))
  if (!is.null(asked$transformFunc) || any(unchanged %in% names(asked$transforms))) {
    read$spec$transform <- beside_transform(read$spec$transform, unchanged)
    column <- made_name(column)
    from[!passed %in% unchanged] <- made_name(from[!passed %in% unchanged])
  }
  passed <- Map(function(column, name) list(column = column, name = name), from, passed)
  list(spec = read$spec, passed = unname(passed), column = column)
}

expressions_of <- function(variables) {
  computed <- Filter(function(variable) !is.null(variable$expression), variables)
  names <- vapply(computed, function(variable) variable$column, "")
  stats::setNames(lapply(computed, function(variable) variable$expression), names)
}

#' What some variables are made of
#'
#' @param others names of further columns that are wanted
#' @return list of `transforms`, those that are needed as compose_transform() takes them, and `names`, of columns
#' @noRd
inputs_of <- function(variables, code, others = character()) {
  needed <- c(vapply(variables, function(v) if (is.null(v$expression)) v$column else "", ""), others)
  needed <- setdiff(c(needed, unlist(lapply(expressions_of(variables), all.vars))), c("", names(code$transformObjects)))
  transforms <- as.list(code$transforms)[-1]
  keep <- logical(length(transforms))
  for (i in rev(seq_along(transforms))) {
    keep[i] <- names(transforms)[i] %in% needed
    if (keep[i]) {
      inputs <- setdiff(all.vars(transforms[[i]]), names(code$transformObjects))
      needed <- c(setdiff(needed, names(transforms)[i]), inputs)
    }
  }
  list(transforms = if (any(keep)) as.call(c(as.name("list"), transforms[keep])), names = unique(needed))
}

#' The columns to write beside the computed ones
#'
#' @param names columns of the data
#' @noRd
extra_columns <- function(variables, extra, names) {
  of_model <- lapply(variables, function(v) c(intersect(all.vars(v$expression), names), v$column))
  unique(c(if (isTRUE(extra$model)) unlist(of_model), extra$others))
}

#' Refuses columns that are not of the kind that they were of in the fit
#'
#' @noRd
check_kinds <- function(variables, fields) {
  for (variable in variables) {
    kind <- fields[[variable$column]]$kind
    numbers <- !kind %in% c("factor", "ordered", "character")
    if (kind == "unsupported" || numbers != variable$numbers) {
      was <- if (variable$numbers) "numeric" else "a factor or text"
      rx_abort("wrong_type", sprintf("Column '%s' is %s; in the fit it was %s.", variable$column, kind, was),
        column = variable$column
      )
    }
    if (isTRUE(variable$codes) && is.null(variable$levels)) {
      rx_abort("unsupported", sprintf("The levels of %s were not known before the fit.", variable$text),
        hint = "Fit the model on an XDF file, or give the levels in colInfo.", column = variable$column
      )
    }
  }
}

made_name <- function(name) paste0(".rxMade.", name)

#' A transform that leaves columns of the data as they are, beside what it makes of them under other names
#'
#' @noRd
beside_transform <- function(transform, columns) {
  fun <- function(chunk, ...) {
    made <- transform$fun(chunk[transform$vars], ...)
    if (is.null(made) || any(lengths(made) != length(chunk[[1]]))) {
      stop("The model's transformFunc changes the number of rows; predictions need every row.", call. = FALSE)
    }
    c(chunk[columns], stats::setNames(made, made_name(names(made))))
  }
  transform$steps <- NULL
  replace(transform, c("fun", "vars", "untouched"), list(fun, union(transform$vars, columns), columns))
}

#' The model as the engine takes it
#'
#' @param read see prediction_source()
#' @param errors whether the covariance of the coefficients is needed
#' @return list of `plan` and `covariance`
#' @noRd
engine_model <- function(model, read, wanted, errors, confLevel, prediction) {
  design <- model$design
  residuals <- "residual" %in% wanted$value
  kinds <- vapply(design$variables, function(variable) variable$kind, "")
  # A response with two levels is the position of the level.
  kinds[design$response] <- if (residuals) "numeric" else "none"
  index <- places_within(kinds)
  centred <- centred_model(model, errors)
  responses <- lapply(seq_along(model$y.names), function(r) {
    list(
      observed = if (residuals) index[design$response[r]], coefficients = centred$coefficients[, r],
      scale = if (r == 1) 1 else model$sigma[[r]] / model$sigma[[1]],
      noise = if (prediction) model$residual.variance[[r]] else 0
    )
  })
  plan <- list(
    numeric = lapply(which(kinds == "numeric"), function(i) {
      list(column = read$column[i], levels = design$variables[[i]]$levels)
    }),
    categories = lapply(which(kinds == "category"), function(i) engine_category(design$variables[[i]], read$column[i])),
    intercept = design$intercept,
    terms = lapply(design$terms, function(term) {
      of_kind <- function(kind) as.list(index[term$variables[kinds[term$variables] == kind]])
      list(numeric = of_kind("numeric"), categories = of_kind("category"))
    }),
    offsets = as.list(index[design$offset]), centres = centred$centres, fitted = unname(model$fitted.columns),
    responses = responses,
    wanted = Map(function(response, value) list(response = response - 1, value = value), wanted$response, wanted$value),
    quantile = if (errors) quantile_of(model, (1 + confLevel) / 2) else 0
  )
  list(plan = plan, covariance = centred$covariance)
}

#' What the engine is told of a generalized linear model's means
#'
#' @param means whether they are predicted
#' @param residuals whether they are subtracted from the response
#' @noRd
mean_plan <- function(model, means, residuals) {
  if (inherits(model, "rxLinMod")) {
    return(NULL)
  }
  link <- engine_link(stats::family(model))
  if (is.null(link) && (means || residuals)) {
    rx_abort("unsupported", "The engine does not know the link of this fit.", hint = 'Predict with type = "link".')
  }
  list(link = link, means = means)
}

engine_category <- function(variable, column) {
  floored <- !is.null(variable$floor) && variable$numbers
  list(
    column = column, name = variable$text, levels = variable$levels,
    low = if (floored) as.numeric(variable$levels[1]), other = isFALSE(variable$floor$exclude)
  )
}

#' Coefficients and their covariance about the means of the numeric columns
#'
#' With c the centres, the intercept is that at c: its variance is sigma^2 / W + d'Vd and its covariance with the
#' others -Vd, where d are the means less c and V is the covariance of the others. Of a generalized linear model, means
#' and W are those of the working weights.
#'
#' @noRd
centred_model <- function(model, errors) {
  if (errors && (is.null(model$covCoef) || model$df[2] == 0)) {
    rx_abort("argument", "The model has no covariance of its coefficients, which standard errors need.",
      hint = if (is.null(model$covCoef)) "Fit it with covCoef = TRUE." else "It has no residual degrees of freedom."
    )
  }
  design <- model$design
  b <- unname(as.matrix(model$coefficients))
  b[is.na(b)] <- 0
  v <- if (errors) unname(replace(model$covCoef, is.na(model$covCoef), 0))
  centres <- numeric(nrow(b))
  if (design$intercept) {
    others <- -1
    means <- unname(replace(model$means, model$aliased, 0))
    numeric_term <- unlist(lapply(design$terms, function(term) {
      levels <- lapply(design$variables[term$variables], function(v) if (v$kind == "category") v$levels)
      levels <- Filter(Negate(is.null), levels)
      rep(length(levels) == 0, prod(lengths(levels)))
    }))
    centres[others] <- ifelse(numeric_term, means[others], 0)
    d <- (means - centres)[others]
    b[1, ] <- (model$y.means %||% model$predictor.mean) - drop(d %*% b[others, , drop = FALSE])
    if (errors) {
      slope <- drop(v[others, others, drop = FALSE] %*% d)
      weight <- model$working.weight %||% model$sumOfWeights %||% model$nValidObs
      v[1, 1] <- (model$residual.variance %||% model$dispersion)[[1]] / weight + sum(d * slope)
      v[1, others] <- v[others, 1] <- -slope
    }
  }
  list(coefficients = b, centres = centres, covariance = v)
}

#' One warning of all levels that the fit has not seen
#'
#' @noRd
warn_unseen <- function(model, plan, result) {
  coded <- Filter(function(variable) length(variable$levels) > 0, plan$numeric)
  variables <- vapply(plan$categories, function(variable) variable$name, "")
  variables <- c(variables, sprintf("N(%s)", vapply(coded, function(variable) variable$column, "")))
  # Whoever gave the bounds of F() knows what lies outside.
  predictors <- model$design$variables[-model$design$response]
  bounded <- vapply(Filter(function(v) v$kind == "category", predictors), function(variable) {
    sum(lengths(variable$floor[c("low", "high")])) > variable$numbers
  }, NA)
  result$unseen[which(bounded)] <- list(character())
  label <- function(name, labels) if (length(labels) > 0) paste0(name, "=", labels)
  unseen <- unlist(Map(label, variables, result$unseen), use.names = FALSE)
  unseen <- c(unseen, names(model$aliased)[result$empty])
  if (length(unseen) > 0) {
    message <- sprintf("Levels that the fit has not seen have no prediction: %s.", first_names(unseen))
    rx_warn("unseen", message, levels = unseen)
  }
}

#' @rdname rxPredict
#' @param object a fitted model.
#' @param newdata as `data`.
#' @param se.fit,level as `computeStdErrors` and `confLevel`.
#' @return `predict()` never writes: it returns a vector, or a matrix with columns `fit`, `lwr` and `upr`, and with
#'   `se.fit` a list of that and of `se.fit`, `df` and `residual.scale`, as [predict.lm()] does; of several responses a
#'   matrix. Of generalized linear models it returns what [predict.glm()] does, linear predictors by default.
#' @export
predict.rxLinMod <- function(object, newdata, se.fit = FALSE, interval = c("none", "confidence", "prediction"),
                             level = 0.95, ...) {
  check_predicted(object, if (!missing(newdata)) newdata)
  check_argument(is_flag(se.fit), "se.fit", "TRUE or FALSE")
  warn_unknown(dot_names(...), names(formals(predict.rxLinMod)))
  interval <- interval[1]
  several <- length(object$y.names) > 1
  if (several && (se.fit || interval != "none")) {
    rx_abort("unsupported", "Errors of several responses are not returned by predict().", hint = "Use rxPredict().")
  }
  wanted <- wanted_columns(object, se.fit, interval, FALSE, list())
  columns <- predict_rows(
    object, newdata, wanted,
    extra = list(), confLevel = level, prediction = interval == "prediction", reportProgress = 0
  )
  columns <- stats::setNames(columns, if (several) object$y.names else wanted$value)
  rows <- if (is.data.frame(newdata)) row.names(newdata)
  named <- function(x) if (is.null(rows)) x else stats::setNames(x, rows)
  fit <- if (several) {
    structure(as.matrix(columns), dimnames = list(rows, object$y.names))
  } else if (interval == "none") {
    named(columns$fit)
  } else {
    ends <- cbind(fit = columns$fit, lwr = columns$lower, upr = columns$upper)
    structure(ends, dimnames = list(rows, colnames(ends)))
  }
  if (!se.fit) {
    return(fit)
  }
  list(fit = fit, se.fit = named(columns$std_error), df = object$df[2], residual.scale = object$sigma[[1]])
}

#' @rdname rxPredict
#' @export
predict.rxLogit <- function(object, newdata, type = c("link", "response"), se.fit = FALSE, ...) {
  check_predicted(object, if (!missing(newdata)) newdata)
  one_of(type[1], "type", c("link", "response"))
  check_argument(is_flag(se.fit), "se.fit", "TRUE or FALSE")
  warn_unknown(dot_names(...), names(formals(predict.rxLogit)))
  wanted <- wanted_columns(object, se.fit, "none", FALSE, list())
  columns <- predict_rows(object, newdata, wanted, extra = list(), means = type[1] == "response")
  rows <- if (is.data.frame(newdata)) row.names(newdata)
  columns <- lapply(columns, function(x) if (is.null(rows)) x else stats::setNames(x, rows))
  if (!se.fit) {
    return(columns[[1]])
  }
  list(fit = columns[[1]], se.fit = columns[[2]], residual.scale = sqrt(object$dispersion))
}

#' @rdname rxPredict
#' @export
predict.rxGlm <- predict.rxLogit

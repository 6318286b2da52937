#' Models as bytes
#'
#' `rxSerializeModel()` makes of a fitted model a raw vector, which a file or a database can keep;
#' `rxUnserializeModel()` makes the model of it again, in this version of the package or a later one. It predicts and
#' prints as before.
#'
#' The bytes say which version of the package wrote them, and have a checksum. Bytes that are damaged, cut off or made
#' by something else are errors of class `rxscale_error_corrupt_file`; those that a later version wrote in a form that
#' this one does not know, of class `rxscale_error_unsupported`. Models hold R code if transforms were given to them,
#' so bytes from a source that is not trusted should not be read.
#'
#' @param model a fitted model, such as [rxLinMod()] returns.
#' @param metadata a raw vector to be kept with the model, or NULL.
#' @param realtimeScoringOnly must be FALSE: there is no scoring engine apart from R.
#' @param serializedModel what `rxSerializeModel()` returned.
#' @param ... no further arguments; a warning names them.
#' @return `rxSerializeModel()`: a raw vector. `rxUnserializeModel()`: the model; if there are metadata, a list of
#'   `model` and `metadata`.
#' @seealso [rxWriteObject()], which keeps objects in a table of a database.
#' @examples
#' bytes <- rxSerializeModel(rxLinMod(mpg ~ wt, mtcars))
#' rxPredict(rxUnserializeModel(bytes), mtcars[1:3, ])
#' @export
rxSerializeModel <- function(model, metadata = NULL, realtimeScoringOnly = FALSE, ...) {
  refuse_unsupported("realtimeScoringOnly")
  warn_unknown(dot_names(...), names(formals(rxSerializeModel)))
  is_model <- is.list(model) && is.object(model) && any(startsWith(class(model), "rx"))
  check_argument(is_model, "model", "a fitted model of this package")
  check_argument(is.null(metadata) || is.raw(metadata), "metadata", "a raw vector or NULL")
  version <- as.character(utils::packageVersion("rxscale"))
  content <- list(version = version, model = model, metadata = metadata)
  # Its checksum is that of zlib.
  c(model_mark, as.raw(model_format), memCompress(serialize(content, NULL, version = 3), "gzip"))
}

#' @rdname rxSerializeModel
#' @export
rxUnserializeModel <- function(serializedModel, ...) {
  warn_unknown(dot_names(...), names(formals(rxUnserializeModel)))
  check_argument(is.raw(serializedModel), "serializedModel", "a raw vector")
  start <- length(model_mark)
  if (!identical(utils::head(serializedModel, start), model_mark) || serializedModel[start + 1] %in% as.raw(0)) {
    rx_abort("corrupt_file", "The bytes are no model of this package.",
      hint = "Pass what rxSerializeModel() returned, whole."
    )
  }
  format <- as.integer(serializedModel[start + 1])
  if (isTRUE(format > model_format)) {
    rx_abort("unsupported", sprintf("The model was written in form %d; this version knows %d.", format, model_format),
      hint = "Read it with the version of rxscale that wrote it, or a later one."
    )
  }
  content <- unserialize(engine_call(rx_engine_inflate, serializedModel[-seq_len(start + 1)]))
  if (is.null(content$metadata)) content$model else content[c("model", "metadata")]
}

# What the bytes of a model begin with, and the form of the rest. A change of what models consist of that older models
# do not show by themselves takes the next number.
model_mark <- charToRaw("rxscale model\n")
model_format <- 1L

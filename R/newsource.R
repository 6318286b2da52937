#' Make a data source of a class
#'
#' `RxDataSource()` makes a data source of a class that is given by name, or a copy of another source;
#' `rxNewDataSource()` calls the function that makes such sources.
#'
#' @param class,name name of a class: `"RxXdfData"`, `"RxTextData"`, `"RxParquetData"`, `"RxOdbcData"`, `"RxSasData"` or
#'   `"RxSpssData"`; for `class` also NULL, which stands for that of `dataSource`.
#' @param dataSource a data source. The new one takes what it says, as far as sources of the class know it.
#' @param ... arguments of the function of that name, which override those of `dataSource`.
#' @return A data source; see [RxDataSource-class].
#' @examples
#' text <- RxTextData("flights.csv", varsToKeep = c("carrier", "distance"))
#' RxDataSource("RxXdfData", text, file = "flights.xdf")
#' RxDataSource(dataSource = text, delimiter = ";")
#' rxNewDataSource("RxXdfData", file = "flights.xdf")
#' @export
RxDataSource <- function(class = NULL, dataSource = NULL, ...) {
  check_argument(is.null(dataSource) || is_source(dataSource), "dataSource", "a data source or NULL")
  name <- class %||% Find(function(class) is_source(dataSource, class), source_makers)
  one_of(name, "class", source_makers)
  maker <- get(name, mode = "function")
  arguments <- setdiff(names(formals(maker)), "...")
  # Of XDF files chunks are counted in blocks, of all others in rows.
  same_chunks <- (name == "RxXdfData") == is_source(dataSource, "RxXdfData")
  copied <- setdiff(arguments, if (!same_chunks) c("rowsPerRead", "blocksPerRead"))
  values <- if (!is.null(dataSource)) source_values(dataSource, copied)
  given <- list(...)
  values[names(given)] <- given
  do.call(maker, as.list(values))
}

#' @rdname RxDataSource
#' @export
rxNewDataSource <- function(name, ...) {
  one_of(name, "name", source_makers)
  do.call(name, list(...))
}

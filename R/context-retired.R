#' Compute contexts of retired platforms
#'
#' The platforms on which these compute contexts ran their work are gone: Hadoop MapReduce, in-database R of Teradata
#' and Microsoft's HPC Server have no successor, and SQL Server's needs Microsoft's own library. Each of these functions
#' is an error that says what to use instead.
#'
#' @param ... arguments of old scripts.
#' @return None: they are errors of class `rxscale_error_unsupported`.
#' @seealso [RxLocalParallel()]
#' @examples
#' try(RxHadoopMR())
#' @export
RxHadoopMR <- function(...) retired_context("RxHadoopMR")

#' @rdname RxHadoopMR
#' @export
RxInSqlServer <- function(...) retired_context("RxInSqlServer")

#' @rdname RxHadoopMR
#' @export
RxInTeradata <- function(...) retired_context("RxInTeradata")

#' @rdname RxHadoopMR
#' @export
RxHpcServer <- function(...) retired_context("RxHpcServer")

retired_context <- function(class) {
  platform <- switch(class,
    RxHadoopMR = "Hadoop MapReduce",
    RxInSqlServer = "SQL Server's R service",
    RxInTeradata = "Teradata's R service",
    RxHpcServer = "Microsoft HPC Server"
  )
  hint <- switch(class,
    RxHadoopMR = "Copy the data here, as Parquet, say, and use RxLocalSeq or RxLocalParallel.",
    RxHpcServer = "Use RxLocalParallel, which works on all cores of this machine.",
    "Export the table to a Parquet or text file and use RxLocalSeq or RxLocalParallel."
  )
  rx_abort("unsupported", sprintf("The compute context %s is retired, as is %s.", class, platform), hint = hint)
}

#' Lorenz curves
#'
#' How unequally a sum is shared among the rows: the percentage of the sum that those rows have whose values are lowest,
#' by the percentage that they are of all rows. One pass over the data, without sorting them.
#'
#' Rows are grouped by the value of `orderVarName`, and the shares are cumulated along the groups; there is a group for
#' each value up to 65,536 different ones (or `numBreaks`, if that is more). Of more values those are grouped that agree
#' in their leading binary digits, as many as leave no more than that number of groups. Which these are follows from the
#' values alone, so the result is the same for any number of threads. Up to `numBreaks` groups have a point each; of
#' more groups the first that reaches each of `numBreaks` equal shares of the rows has one. The points are exact; so is
#' the straight line between them where there are no more different values than `numBreaks`.
#'
#' Rows with a missing value in any of the variables are left out. Values may be negative, but their sum must be
#' positive.
#'
#' `rxGini()` is the Gini coefficient, by the trapezoidal rule: the area between the curve and the diagonal, which is
#' equality, over that below the diagonal. It lies from 0 (all rows have the same) to 1 if no value is negative and
#' `orderVarName` is `valueVarName`.
#'
#' @param orderVarName name of the variable that orders the rows: a number, logical, date or time.
#' @param valueVarName name of the variable whose values are cumulated.
#' @param data a data frame, a data source or the name of a file.
#' @param numBreaks number of points of the curve at most, its origin apart.
#' @param pweights,fweights name of a variable of probability weights, or of frequency weights.
#' @param blocksPerRead no effect: there are no transforms.
#' @param reportProgress see [rxOptions()].
#' @param verbose 1 prints how many rows were left out for missing values.
#' @return `rxLorenz()` returns a data frame of class `rxLorenz` with columns `cumVals`, the percentages of the sum, and
#'   `percents`, those of the rows (of their weight), both from 0 to 100; its attribute `description` is the name of
#'   what is cumulated. `rxGini()` returns a number. `plot()` draws a lattice plot and returns it invisibly.
#' @references Lorenz, M. O. (1905) Methods of measuring the concentration of wealth. *Publications of the American
#'   Statistical Association* 9.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' lorenz <- rxLorenz("distance", data = flights)
#' head(lorenz)
#' rxGini(lorenz)
#' plot(lorenz, title = "Who flies how far")
#' @export
rxLorenz <- function(orderVarName, valueVarName = orderVarName, data, numBreaks = 1000, pweights = NULL,
                     fweights = NULL, blocksPerRead = 1, reportProgress = 1, verbose = 0) {
  check_argument(is_name(orderVarName), "orderVarName", "the name of a variable")
  check_argument(is_name(valueVarName), "valueVarName", "the name of a variable")
  breaks <- between(1, 1e9)
  check_argument(breaks$ok(numBreaks), "numBreaks", breaks$must)
  check_argument(positive$ok(blocksPerRead), "blocksPerRead", positive$must)
  design <- numbers_design(unique(c(orderVarName, valueVarName)), data, parent.frame(), pweights, fweights)
  found <- engine_call(
    rx_engine_lorenz, design$source, design$engine_variables, as.integer(numBreaks), job_options(reportProgress)
  )
  if (verbose > 0) {
    cat(sprintf("%s rows left out.\n", format(found$missing, big.mark = ",", scientific = FALSE)))
  }
  structure(
    data.frame(cumVals = found$values, percents = found$weights),
    class = c("rxLorenz", "data.frame"), description = valueVarName
  )
}

#' @rdname rxLorenz
#' @export
rxGini <- function(x) UseMethod("rxGini")

#' @export
rxGini.default <- function(x) {
  check_argument(FALSE, "x", "an object of class rxLorenz")
}

#' @rdname rxLorenz
#' @export
rxGini.rxLorenz <- function(x) {
  1 - 2 * trapezoids(x$percents / 100, x$cumVals / 100)
}

#' The area below a line through points
#'
#' @noRd
trapezoids <- function(x, y) {
  sum(diff(x) * (utils::head(y, -1) + y[-1]) / 2)
}

#' @rdname rxLorenz
#' @param x an object of class `rxLorenz`.
#' @param title,subtitle,xTitle,yTitle texts; NULL for those that the variable suggests.
#' @param lineColor,lineStyle,lineWidth of the curve; a NULL colour is lattice's.
#' @param equalityGridLine whether to draw the diagonal.
#' @param equalityColor,equalityStyle,equalityWidth of the diagonal; NULL for those of lattice's reference lines.
#' @param ... further arguments of [lattice::xyplot()], in lattice's own spelling; they have the last word.
#' @export
plot.rxLorenz <- function(x, title = NULL, subtitle = NULL, xTitle = NULL, yTitle = NULL, lineColor = NULL,
                          lineStyle = "solid", lineWidth = 2, equalityGridLine = TRUE, equalityColor = "grey75",
                          equalityStyle = NULL, equalityWidth = 2, ...) {
  check_argument(is_flag(equalityGridLine), "equalityGridLine", "TRUE or FALSE")
  what <- attr(x, "description")
  style <- list(
    title = title %||% "Lorenz curve", subtitle = subtitle, xTitle = xTitle %||% "Percent of rows",
    yTitle = yTitle %||% paste(c("Percent of the sum", if (!is.null(what)) paste("of", what)), collapse = " ")
  )
  check_style(style)
  line <- list(col = lineColor, lty = lineStyle, lwd = lineWidth)
  own <- list(
    x = cumVals ~ percents, data = structure(x, class = "data.frame"), type = "l", aspect = 1,
    xlim = c(-2, 102), ylim = c(min(x$cumVals, 0) - 2, 102),
    panel = function(...) {
      if (equalityGridLine) {
        usual <- lattice::trellis.par.get("reference.line")
        lattice::panel.abline(
          0, 1,
          col = equalityColor %||% usual$col, lty = equalityStyle %||% usual$lty, lwd = equalityWidth %||% usual$lwd
        )
      }
      lattice::panel.xyplot(...)
    }
  )
  drawn_plot(do.call(lattice::xyplot, lattice_arguments(c(own, line[lengths(line) > 0]), style, list(...))), TRUE)
}

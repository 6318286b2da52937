#' ROC curves
#'
#' How well predicted probabilities tell events from the other rows: for thresholds from 0 to 1, the share of the events
#' whose prediction reaches the threshold (sensitivity), and the share of the others whose prediction does not
#' (specificity). One pass over the data, whatever the number of predictions.
#'
#' A row counts as predicted to be an event if its prediction is no less than the threshold. Rows with a missing value
#' in any of the variables are left out. Counts are whole numbers, so the result is the same for any number of threads.
#'
#' `rxAuc()` is the area under the curve, by the trapezoidal rule through the points and both corners. With a threshold
#' at every prediction (`numBreaks = NULL`) it is the probability that the prediction of an event exceeds that of
#' another row, ties counting half: Wilcoxon's statistic over the number of pairs.
#'
#' @param actualVarName name of the variable that is 1 for events and 0 for other rows, or a logical one.
#' @param predVarNames names of one or more predictions, numbers from 0 to 1.
#' @param data a data frame, a data source or the name of a file.
#' @param numBreaks number of equal steps between the thresholds, which are `0, 1 / numBreaks, ..., 1`; NULL has a
#'   threshold at every different prediction, as far as memory allows.
#' @param removeDups whether to leave out, of thresholds that follow each other with the same sensitivity and
#'   specificity, all but the lowest.
#' @param blocksPerRead no effect: there are no transforms.
#' @param reportProgress see [rxOptions()].
#' @return `rxRoc()` returns a data frame of class `rxRoc` with columns `threshold`, `predVarName` (a factor),
#'   `sensitivity` and `specificity`. `rxAuc()` returns the area; of several predictions a vector named by them.
#'   `rxRocCurve()` and `plot()` draw a lattice plot and return it invisibly.
#' @references Fawcett, T. (2006) An introduction to ROC analysis. *Pattern Recognition Letters* 27.
#'
#'   Hanley, J. A. and McNeil, B. J. (1982) The meaning and use of the area under a receiver operating characteristic
#'   curve. *Radiology* 143.
#' @examples
#' fit <- rxLogit(am ~ wt, data = mtcars)
#' cars <- rxPredict(fit, mtcars, mtcars["am"])
#' roc <- rxRoc("am", "am_Pred", cars)
#' head(roc)
#' rxAuc(roc)
#' rxRocCurve("am", "am_Pred", cars)
#' @export
rxRoc <- function(actualVarName, predVarNames, data, numBreaks = 100, removeDups = TRUE, blocksPerRead = 1,
                  reportProgress = 0) {
  check_argument(is_name(actualVarName), "actualVarName", "the name of a variable")
  check_argument(
    is_strings(predVarNames) && length(predVarNames) > 0 && all(nzchar(predVarNames)) &&
      !anyDuplicated(c(actualVarName, predVarNames)),
    "predVarNames", "names of different variables, and not that of `actualVarName`"
  )
  steps <- between(1, 1e9)
  check_argument(is.null(numBreaks) || steps$ok(numBreaks), "numBreaks", paste("NULL or", steps$must))
  check_argument(is_flag(removeDups), "removeDups", "TRUE or FALSE")
  check_argument(positive$ok(blocksPerRead), "blocksPerRead", positive$must)
  design <- numbers_design(c(actualVarName, predVarNames), data, parent.frame())
  found <- engine_call(rx_engine_roc, design$source, design$engine_variables, numBreaks, job_options(reportProgress))
  points <- Map(function(curve, name) roc_points(curve, name, removeDups), found$curves, predVarNames)
  roc <- do.call(rbind, points)
  roc$predVarName <- factor(roc$predVarName, sort(predVarNames, method = "radix"))
  structure(roc, class = c("rxRoc", "data.frame"), actualVarName = actualVarName)
}

#' Sensitivity and specificity at thresholds
#'
#' @param curve numbers of others and of events whose score reaches a threshold but not the next
#' @noRd
roc_points <- function(curve, name, removeDups) {
  sensitivity <- rev(cumsum(rev(curve$events))) / sum(curve$events)
  below <- cumsum(curve$others) - curve$others
  points <- data.frame(
    threshold = curve$thresholds, predVarName = name, sensitivity = sensitivity,
    specificity = below / sum(curve$others)
  )
  # What starts above 0 reaches 0, too.
  if (points$threshold[1] > 0) {
    points <- rbind(data.frame(threshold = 0, predVarName = name, sensitivity = 1, specificity = 0), points)
  }
  same <- removeDups & c(FALSE, diff(points$sensitivity) == 0 & diff(points$specificity) == 0)
  points <- points[!same, ]
  row.names(points) <- NULL
  points
}

#' @rdname rxRoc
#' @param x an object of class `rxRoc`.
#' @param var a name of a prediction, or its position in alphabetical order; NULL stands for all.
#' @export
as.data.frame.rxRoc <- function(x, ..., var = NULL) {
  frame <- structure(x, class = "data.frame", actualVarName = NULL)
  if (is.null(var)) {
    return(frame)
  }
  names <- levels(frame$predVarName)
  chosen <- if (is_string(var)) match(var, names) else var
  known <- is_count(chosen) && chosen %in% seq_along(names)
  check_argument(known, "var", paste("NULL, a number up to", length(names), "or the name of a prediction"))
  frame <- frame[frame$predVarName == names[chosen], ]
  row.names(frame) <- NULL
  frame
}

#' @rdname rxRoc
#' @export
rxAuc <- function(x) UseMethod("rxAuc")

#' @export
rxAuc.default <- function(x) {
  check_argument(FALSE, "x", "an object of class rxRoc")
}

#' @rdname rxRoc
#' @export
rxAuc.rxRoc <- function(x) {
  areas <- areas_below(as.data.frame.rxRoc(x))
  if (length(areas) > 1) areas else unname(areas)
}

#' The areas below curves, named by their predictions
#'
#' @noRd
areas_below <- function(frame) {
  vapply(split(frame, frame$predVarName, drop = TRUE), function(points) {
    # From the corner where nothing is predicted to be an event to the one where everything is.
    right <- c(0, 1 - rev(points$specificity), 1)
    up <- c(0, rev(points$sensitivity), 1)
    trapezoids(right, up)
  }, 0)
}

#' @rdname rxRoc
#' @param computeAuc whether to write the area under the curve below the plot, or of several predictions beside their
#'   names.
#' @param title,subtitle,xTitle,yTitle texts; NULL for those that the variables suggest.
#' @param legend whether to tell the predictions apart in a legend; NULL if there are several.
#' @param chanceGridLine whether to draw the line that random predictions are near.
#' @param ... further arguments of [lattice::xyplot()].
#' @export
rxRocCurve <- function(actualVarName, predVarNames, data, numBreaks = 100, blocksPerRead = 1, reportProgress = 0,
                       computeAuc = TRUE, title = NULL, subtitle = NULL, xTitle = NULL, yTitle = NULL, legend = NULL,
                       chanceGridLine = TRUE, ...) {
  roc <- rxRoc(
    actualVarName, predVarNames, data, numBreaks,
    blocksPerRead = blocksPerRead, reportProgress = reportProgress
  )
  plot.rxRoc(roc, computeAuc, title, subtitle, xTitle, yTitle, legend, chanceGridLine, ...)
}

#' @rdname rxRoc
#' @export
plot.rxRoc <- function(x, computeAuc = TRUE, title = NULL, subtitle, xTitle = NULL, yTitle = NULL, legend = NULL,
                       chanceGridLine = TRUE, ...) {
  check_argument(is_flag(computeAuc), "computeAuc", "TRUE or FALSE")
  check_argument(is.null(legend) || is_flag(legend), "legend", "NULL, TRUE or FALSE")
  check_argument(is_flag(chanceGridLine), "chanceGridLine", "TRUE or FALSE")
  frame <- droplevels(as.data.frame.rxRoc(x))
  areas <- areas_below(frame)
  several <- length(areas) > 1
  if (computeAuc && several) {
    levels(frame$predVarName) <- sprintf("%s (AUC = %.3f)", names(areas), areas)
  }
  style <- list(
    title = title %||% sprintf("ROC curve for '%s'", attr(x, "actualVarName")),
    subtitle = (if (!missing(subtitle)) subtitle) %||% if (computeAuc && !several) sprintf("AUC = %.3f", areas),
    xTitle = xTitle %||% "False positive rate (1 - specificity)",
    yTitle = yTitle %||% "True positive rate (sensitivity)"
  )
  check_style(style)
  own <- list(
    x = sensitivity ~ 1 - specificity, data = frame, groups = frame$predVarName, type = "l", lwd = 2,
    aspect = 1, xlim = c(-0.02, 1.02), ylim = c(-0.02, 1.02),
    panel = function(...) {
      if (chanceGridLine) lattice::panel.abline(0, 1, col = "grey75", lwd = 2)
      lattice::panel.xyplot(...)
    }
  )
  if (legend %||% several) {
    own$auto.key <- list(lines = TRUE, points = FALSE, space = "bottom")
  }
  drawn_plot(do.call(lattice::xyplot, lattice_arguments(own, style, list(...))), TRUE)
}

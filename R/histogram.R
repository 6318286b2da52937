#' Histograms
#'
#' A histogram of a number, or a bar chart of a factor, in a panel for every combination of further factors. The engine
#' counts, in one pass over any source; no row of the data comes to R.
#'
#' **Bins.** Bins are closed on the left; the last one also on the right if `endVal` is given. With `startVal`, `endVal`
#' and `numBreaks` they are what these say. Else values are counted on a grid that is about a thousand times finer than
#' the range (whole numbers one by one), and bins are made of its cells when the range is known: with `numBreaks`, so
#' many as it says and as narrow as they can be; without, about 20 whose width is 1, 2 or 5 times a power of ten. The
#' range is guessed from what an XDF file says of it, or from the first thousand rows; only if the data turn out to be
#' 10,000 times wider, they are read again.
#'
#' A number written as `F(x)` has a bar for every whole number. A value belongs to its bin although rounding may put it
#' a ten-millionth of a bin's width below.
#'
#' @param formula a formula `~ x | g1 + g2`: what to count, and the factors that make panels. `x` may be an expression.
#' @param data a data frame, a data source, or the name of a file.
#' @param pweights,fweights name of the variable of probability weights, or of frequency weights (whole numbers).
#' @param numBreaks number of ends of bins, one more than there are bins; NULL for a choice by the data.
#' @param startVal,endVal first and last end; values outside are left out.
#' @param levelsToDrop,levelsToKeep levels of a factor `x` that are left out, or alone shown.
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param histType `"Counts"`, or `"Percent"` of the rows of a panel.
#' @param title,subtitle,xTitle,yTitle texts.
#' @param xNumTicks,yNumTicks about how many ticks the axes have.
#' @param xAxisMinMax,yAxisMinMax ends of the axes.
#' @param fillColor,lineColor,lineStyle,lineWidth of the bars and their outlines.
#' @param plotAreaColor,gridColor,gridLineWidth,gridLineStyle of the background.
#' @param maxNumPanels more panels than this are an error; NULL for no limit.
#' @param reportProgress see [rxOptions()].
#' @param print whether to draw the plot.
#' @param ... arguments of [lattice::xyplot()] or [lattice::barchart()] in lattice's own spelling, as `main`, `layout`
#'   or `scales`; they have the last word.
#' @return An object of class `trellis`, invisibly.
#' @seealso [rxCube()], which counts; [rxLinePlot()]
#' @references Sarkar, D. (2008) Lattice: Multivariate Data Visualization with R. Springer.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxHistogram(~ dep_delay | origin, data = flights, startVal = -30, endVal = 120, numBreaks = 31)
#' rxHistogram(~carrier, data = flights, histType = "Percent")
#' @export
rxHistogram <- function(formula, data, pweights = NULL, fweights = NULL, numBreaks = NULL, startVal = NULL,
                        endVal = NULL, levelsToDrop = NULL, levelsToKeep = NULL, rowSelection = NULL, transforms = NULL,
                        transformObjects = NULL, transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                        transformEnvir = NULL, blocksPerRead = rxGetOption("blocksPerRead"), histType = "Counts",
                        title = NULL, subtitle = NULL, xTitle = NULL, yTitle = NULL, xNumTicks = NULL,
                        yNumTicks = NULL, xAxisMinMax = NULL, yAxisMinMax = NULL, fillColor = "cyan",
                        lineColor = "black", lineStyle = "solid", lineWidth = 1, plotAreaColor = "gray90",
                        gridColor = "white", gridLineWidth = 1, gridLineStyle = "solid", maxNumPanels = 100,
                        reportProgress = rxGetOption("reportProgress"), print = TRUE, ...) {
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  check_bins(numBreaks, startVal, endVal)
  check_argument(is_string(histType) && histType %in% c("Counts", "Percent"), "histType", '"Counts" or "Percent"')
  check_argument(is.null(maxNumPanels) || is_count(maxNumPanels), "maxNumPanels", "NULL or a whole number")
  check_argument(is_flag(print), "print", "TRUE or FALSE")
  if (length(levelsToDrop) > 0 && length(levelsToKeep) > 0) {
    rx_abort("argument", "`levelsToDrop` and `levelsToKeep` exclude each other.", hint = "Give one of them.")
  }
  style <- mget(c(
    "title", "subtitle", "xTitle", "yTitle", "xNumTicks", "yNumTicks", "xAxisMinMax", "yAxisMinMax", "fillColor",
    "lineColor", "lineStyle", "lineWidth", "plotAreaColor", "gridColor", "gridLineWidth", "gridLineStyle"
  ))
  check_style(style)
  asked <- capture_transforms()
  parts <- plot_formula(formula, FALSE)
  bins <- binned(
    parts$x, parts$groups, list(), parts$env, data, asked, pweights, fweights, blocksPerRead, reportProgress,
    start = startVal, end = endVal, count = if (!is.null(numBreaks)) numBreaks - 1
  )
  if (is.null(bins$breaks)) {
    bins$cells <- kept_levels(bins$cells, levelsToDrop, levelsToKeep)
  } else if (length(c(levelsToDrop, levelsToKeep)) > 0) {
    rx_abort("argument", "`levelsToDrop` and `levelsToKeep` are for factors.", hint = "Use startVal and endVal.")
  }
  check_panels(bins$cells, maxNumPanels)
  drawn_plot(histogram_figure(bins, histType, style, list(...)), print)
}

check_bins <- function(numBreaks, startVal, endVal) {
  check_argument(is.null(numBreaks) || (is_whole(numBreaks) && numBreaks >= 2), "numBreaks", "a whole number from 2 on")
  check_argument(is.null(startVal) || (is_number(startVal) && is.finite(startVal)), "startVal", "a number")
  check_argument(is.null(endVal) || (is_number(endVal) && is.finite(endVal)), "endVal", "a number")
  if (!is.null(startVal) && !is.null(endVal)) {
    check_argument(startVal < endVal, "startVal", "less than `endVal`")
  }
}

kept_levels <- function(cells, drop, keep) {
  all <- levels(cells$bin)
  unknown <- setdiff(c(drop, keep), all)
  if (length(unknown) > 0) {
    rx_abort("argument", sprintf("There is no level '%s' to drop or keep.", unknown[1]),
      hint = sprintf("The levels are: %s.", paste(utils::head(all, 20), collapse = ", "))
    )
  }
  shown <- if (length(keep) > 0) all[all %in% keep] else setdiff(all, drop)
  cells <- cells[cells$bin %in% shown, ]
  cells$bin <- factor(cells$bin, levels = shown)
  cells
}

check_panels <- function(cells, maxNumPanels) {
  groups <- setdiff(names(cells), c("bin", "n", grep("^y[0-9]+$", names(cells), value = TRUE)))
  panels <- prod(vapply(cells[groups], nlevels, 0L))
  if (!is.null(maxNumPanels) && panels > maxNumPanels) {
    rx_abort("argument", sprintf("The plot would have %.0f panels, more than `maxNumPanels`.", panels),
      hint = "Use factors with fewer levels, or raise maxNumPanels."
    )
  }
}

#' The lattice plot of counted bins
#'
#' @noRd
histogram_figure <- function(bins, type, style, given) {
  cells <- bins$cells
  groups <- setdiff(names(cells), c("bin", "n"))
  cells <- folded(cells, c("bin", groups))
  if (type == "Percent") {
    panel <- if (length(groups) > 0) interaction(cells[groups]) else rep(1, nrow(cells))
    cells$n <- 100 * cells$n / stats::ave(cells$n, panel, FUN = sum)
  }
  if (is.factor(cells$bin)) {
    left <- as.integer(cells$bin) - 0.4
    cells$right <- left + 0.8
    own <- list(scales = list(x = list(at = seq_along(levels(cells$bin)), labels = levels(cells$bin))))
    xlim <- c(0.4, nlevels(cells$bin) + 0.6)
  } else {
    # A bar of one whole number stands over it.
    breaks <- bins$breaks - if (bins$whole) 0.5 else 0
    left <- breaks[cells$bin]
    cells$right <- breaks[cells$bin + 1]
    own <- list()
    xlim <- grDevices::extendrange(breaks, f = 0.02)
  }
  cells$left <- left
  own <- c(own, list(
    x = lattice_formula("n", "left", groups, cells), data = cells, right = cells$right, xlim = xlim,
    ylim = c(0, 1.05 * max(cells$n, 1e-9)), xlab = bins$title, ylab = type, style = style, panel = panel_bars
  ))
  do.call(lattice::xyplot, lattice_arguments(own, style, given))
}

panel_bars <- function(x, y, right, subscripts, style, lwd = style$lineWidth, ...) {
  panel_background(style)
  lattice::panel.rect(x, 0, right[subscripts], y,
    col = style$fillColor, border = style$lineColor, lty = style$lineStyle, lwd = lwd
  )
}

#' Line plots
#'
#' Lines, points or smooths of one or several numbers against another one, in a panel for every combination of further
#' factors.
#'
#' Of data of up to 10,000 rows every row is a point. Of more rows the engine makes, in one pass over any source, means
#' of both variables in about 500 bins of `x` (means by level, if `x` is a factor), and these are the points: no row of
#' the data comes to R.
#'
#' @param formula a formula `y1 + y2 ~ x | g1 + g2`: the numbers on the y axis, the one on the x axis, and factors that
#'   make panels.
#' @param data a data frame, a data source, or the name of a file.
#' @param rowSelection,transforms,transformObjects,transformFunc,transformVars,transformPackages,transformEnvir see
#'   [rxTransform].
#' @param blocksPerRead blocks of an XDF file that R code sees at once.
#' @param type one or several of `"l"` (lines), `"p"` (points), `"b"` (both), `"s"` (steps), `"smooth"` and `"r"` (a
#'   regression line).
#' @param title,subtitle,xTitle,yTitle texts.
#' @param xNumTicks,yNumTicks about how many ticks the axes have.
#' @param legend whether there is a legend where there are several lines.
#' @param lineColor,lineStyle,lineWidth of the lines, one or one a line; NULL for lattice's colours.
#' @param symbolColor,symbolStyle,symbolSize of the points; `symbolStyle` a number (`pch`) or a name: `"circle"`,
#'   `"square"`, `"triangle"`, `"diamond"`, the same with `"solid "` before, `"plus"`, `"cross"`, `"star"` or `"dot"`.
#' @param plotAreaColor,gridColor,gridLineWidth,gridLineStyle of the background.
#' @param reportProgress see [rxOptions()].
#' @param print whether to draw the plot.
#' @param ... `groups`, a factor whose levels have lines of their own; and arguments of [lattice::xyplot()] in lattice's
#'   own spelling, as `main`, `layout` or `scales`, which have the last word.
#' @return An object of class `trellis`, invisibly.
#' @references Sarkar, D. (2008) Lattice: Multivariate Data Visualization with R. Springer.
#' @examples
#' flights <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
#' rxLinePlot(arr_delay + dep_delay ~ hour | origin, data = flights, type = "b")
#'
#' by_month <- rxResultsDF(rxCube(arr_delay ~ F(month, 1, 12):origin, data = flights), output = "means")
#' rxLinePlot(arr_delay ~ month_1_12_T, groups = origin, data = by_month)
#' @export
rxLinePlot <- function(formula, data, rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                       transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                       blocksPerRead = rxGetOption("blocksPerRead"), type = c("l"), title = NULL, subtitle = NULL,
                       xTitle = NULL, yTitle = NULL, xNumTicks = 10, yNumTicks = 10, legend = TRUE, lineColor = NULL,
                       lineStyle = "solid", lineWidth = 2, symbolColor = NULL, symbolStyle = "solid circle",
                       symbolSize = NULL, plotAreaColor = "gray90", gridColor = "white", gridLineWidth = 1,
                       gridLineStyle = "solid", reportProgress = rxGetOption("reportProgress"), print = TRUE, ...) {
  check_argument(is_count(blocksPerRead) && blocksPerRead > 0, "blocksPerRead", "a positive whole number")
  known <- c("l", "p", "b", "s", "smooth", "r")
  check_argument(
    is_strings(type) && length(type) > 0 && all(type %in% known), "type", paste0('"', known, '"', collapse = ", ")
  )
  check_argument(is_flag(legend), "legend", "TRUE or FALSE")
  check_argument(is_flag(print), "print", "TRUE or FALSE")
  style <- mget(c(
    "title", "subtitle", "xTitle", "yTitle", "xNumTicks", "yNumTicks", "lineColor", "lineStyle", "lineWidth",
    "symbolColor", "symbolSize", "plotAreaColor", "gridColor", "gridLineWidth", "gridLineStyle"
  ))
  check_style(style)
  style$symbol <- symbols_of(symbolStyle)
  asked <- capture_transforms()
  parts <- plot_formula(formula, TRUE)
  given <- as.list(substitute(list(...)))[-1]
  lines <- given$groups
  given <- lapply(given[names(given) != "groups"], eval, parent.frame())
  groups <- c(parts$groups, if (!is.null(lines)) list(lines))
  points <- if (few_rows(data)) {
    rows_of(parts, groups, data, asked, blocksPerRead)
  } else {
    means_of(parts, groups, data, asked, blocksPerRead, reportProgress)
  }
  figure <- line_figure(points, parts, lines, type, legend, style, given)
  drawn_plot(figure, print)
}

# So many rows are plotted one by one.
most_points <- 10000

few_rows <- function(data) {
  source <- as_source(data)
  rows <- source_info(source)$rows
  if (is.null(rows) || is.na(rows)) {
    rows <- nrow(import(source, numRows = most_points + 1))
  }
  rows <= most_points
}

#' The rows themselves: columns x, the groups, and y1, y2, ...
#'
#' @noRd
rows_of <- function(parts, groups, data, asked, blocksPerRead) {
  sum <- Reduce(function(a, b) call("+", a, b), c(list(parts$x), groups))
  left <- as.call(c(as.name("cbind"), parts$ys))
  formula <- structure(call("~", left, sum), class = "formula", .Environment = parts$env)
  design <- model_design(formula, data, asked, blocksPerRead = blocksPerRead)
  columns <- vapply(design$variables, function(variable) variable$column, "")
  read <- engine_call(
    rx_engine_import, design$source, as.list(unique(columns)), list(type = "frame"), job_options(0)
  )$columns
  rows <- read[columns]
  names <- vapply(design$variables, function(variable) variable$label, "")
  predictors <- seq_along(rows)[-design$response]
  names[predictors[1]] <- "x"
  names[design$response] <- sprintf("y%d", seq_along(parts$ys))
  rows <- lapply(stats::setNames(rows, names), function(column) if (is.character(column)) factor(column) else column)
  rows[names[predictors[-1]]] <- lapply(rows[names[predictors[-1]]], as.factor)
  list(points = as_data_frame(rows), title = design$variables[[predictors[1]]]$label)
}

#' Means in bins of x
#'
#' @noRd
means_of <- function(parts, groups, data, asked, blocksPerRead, reportProgress) {
  number <- function(ys) {
    binned(parts$x, groups, ys, parts$env, data, asked,
      blocksPerRead = blocksPerRead, reportProgress = reportProgress, about = 500
    )
  }
  design <- model_design(
    structure(call("~", parts$x), class = "formula", .Environment = parts$env), data, asked,
    blocksPerRead = blocksPerRead
  )
  of_factor <- any(design$kinds == "category")
  bins <- number(c(parts$ys, if (!of_factor) list(parts$x)))
  names <- sprintf("y%d", seq_along(parts$ys))
  own <- c("bin", "n", grep("^y[0-9]+$", names(bins$cells), value = TRUE))
  cells <- folded(bins$cells, c("bin", setdiff(names(bins$cells), own)))
  cells[names] <- lapply(cells[names], function(sums) sums / cells$n)
  cells$x <- if (of_factor) cells$bin else cells[[sprintf("y%d", length(names) + 1)]] / cells$n
  list(points = cells[c("x", setdiff(names(cells), c(own, "x")), names)], title = bins$title)
}

#' The lattice plot of points
#'
#' @noRd
line_figure <- function(points, parts, lines, type, legend, style, given) {
  frame <- points$points
  texts <- vapply(parts$ys, deparse1, "")
  count <- length(texts)
  long <- do.call(rbind, lapply(seq_len(count), function(k) {
    part <- frame[setdiff(names(frame), sprintf("y%d", seq_len(count)))]
    part$y <- frame[[sprintf("y%d", k)]]
    part$series <- rep(texts[k], nrow(part))
    part
  }))
  factors <- setdiff(names(long), c("x", "y", "series"))
  panels <- if (is.null(lines)) factors else utils::head(factors, -1)
  series <- factor(long$series, texts)
  if (!is.null(lines)) {
    own <- long[[utils::tail(factors, 1)]]
    series <- if (count > 1) interaction(series, own, sep = ", ", lex.order = TRUE) else own
  }
  long$series <- series
  long <- long[order(as.integer(series), long$x), ]
  groups <- nlevels(series)
  many <- function(value) if (!is.null(value)) rep_len(value, groups)
  line <- list(col = many(style$lineColor), lty = many(style$lineStyle), lwd = many(style$lineWidth))
  symbol <- list(
    col = many(style$symbolColor %||% style$lineColor), pch = many(style$symbol), cex = many(style$symbolSize)
  )
  settings <- list(superpose.line = line[lengths(line) > 0], superpose.symbol = symbol[lengths(symbol) > 0])
  own <- list(
    x = lattice_formula("y", "x", panels, long), data = long, groups = long$series,
    type = type, xlab = points$title, ylab = paste(texts, collapse = ", "), par.settings = settings,
    panel = function(...) {
      panel_background(style)
      lattice::panel.xyplot(...)
    }
  )
  if (legend && groups > 1) {
    marks <- list(lines = any(type != "p"), points = any(type %in% c("p", "b")))
    own$auto.key <- c(marks, list(space = "top", columns = min(groups, 4)))
  }
  do.call(lattice::xyplot, lattice_arguments(own, style, given))
}

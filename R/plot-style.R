# How plots look: RevoScaleR's arguments as lattice takes them.

#' Arguments of a lattice function
#'
#' @param own those that the function makes
#' @param style a list of title, subtitle, xTitle, yTitle, xNumTicks, yNumTicks, xAxisMinMax, yAxisMinMax
#' @param given further arguments of the user, in lattice's spelling
#' @noRd
lattice_arguments <- function(own, style, given) {
  ticks <- function(n) if (!is.null(n)) list(tick.number = n)
  named <- list(
    main = style$title, sub = style$subtitle, xlab = style$xTitle, ylab = style$yTitle, xlim = style$xAxisMinMax,
    ylim = style$yAxisMinMax, scales = list(x = ticks(style$xNumTicks), y = ticks(style$yNumTicks))
  )
  named$scales <- named$scales[lengths(named$scales) > 0]
  named <- named[lengths(named) > 0]
  utils::modifyList(utils::modifyList(own, named), given)
}

#' The formula of a lattice function: `y ~ x | panel1 * panel2`
#'
#' Without a row in `data` there are no panels in it: lattice draws an empty plot, but no empty plot of panels.
#'
#' @param y,x,panels names of columns of `data`
#' @noRd
lattice_formula <- function(y, x, panels, data) {
  right <- as.name(x)
  if (length(panels) > 0 && nrow(data) > 0) {
    right <- call("|", right, Reduce(function(a, b) call("*", a, b), lapply(panels, as.name)))
  }
  stats::as.formula(call("~", as.name(y), right), env = baseenv())
}

#' What lies behind the data: the colour of the area, and lines at the axes' ticks
#'
#' @noRd
panel_background <- function(style) {
  limits <- lattice::current.panel.limits()
  lattice::panel.fill(col = style$plotAreaColor)
  at <- function(limit) if (is.numeric(limit)) pretty(limit)
  lattice::panel.abline(
    h = at(limits$ylim), v = at(limits$xlim), col = style$gridColor, lwd = style$gridLineWidth,
    lty = style$gridLineStyle
  )
}

check_style <- function(style) {
  for (name in intersect(c("title", "subtitle", "xTitle", "yTitle"), names(style))) {
    text <- style[[name]]
    check_argument(is.null(text) || is_strings(text) || is.expression(text), name, "NULL or a text")
  }
  for (name in intersect(c("xNumTicks", "yNumTicks"), names(style))) {
    check_argument(is.null(style[[name]]) || is_count(style[[name]]), name, "NULL or a whole number")
  }
  for (name in intersect(c("xAxisMinMax", "yAxisMinMax"), names(style))) {
    ends <- style[[name]]
    two <- is.numeric(ends) && length(ends) == 2 && !anyNA(ends)
    check_argument(is.null(ends) || two, name, "NULL or two numbers")
  }
}

#' Draws a plot if asked, and returns it
#'
#' @noRd
drawn_plot <- function(figure, print) {
  if (print) {
    print(figure)
  }
  invisible(figure)
}

# Symbols by name, as base R's `pch`.
symbol_codes <- c(
  circle = 1, "solid circle" = 19, square = 0, "solid square" = 15, triangle = 2, "solid triangle" = 17, diamond = 5,
  "solid diamond" = 18, plus = 3, cross = 4, star = 8, dot = 20
)

symbols_of <- function(style) {
  if (is.character(style)) {
    known <- style %in% names(symbol_codes)
    check_argument(
      all(known), "symbolStyle", paste("numbers, or some of", paste0('"', names(symbol_codes), '"', collapse = ", "))
    )
    return(unname(symbol_codes[style]))
  }
  check_argument(is.numeric(style), "symbolStyle", "names or numbers of symbols")
  style
}

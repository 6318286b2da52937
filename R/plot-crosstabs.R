#' Bar charts of cross tabulations
#'
#' A two-way table as bars: a group of bars for every level of the first factor, a bar for every level of the second,
#' and a panel for every combination of the others, or for every response.
#'
#' @param x an object of class `rxCrossTabs` or `rxCube`.
#' @param output `"counts"`, `"sums"` or `"means"`; by default what is printed.
#' @param ... arguments of [lattice::barchart()], which have the last word.
#' @return An object of class `trellis`, invisibly.
#' @examples
#' plot(rxCrossTabs(Freq ~ Gender:Admit:Dept, data = as.data.frame(UCBAdmissions)))
#' plot(rxCube(mpg ~ F(cyl):F(am), mtcars), stack = FALSE, main = "Miles a gallon")
#' @export
plot.rxCrossTabs <- function(x, output, ...) {
  output <- shown_output(x, if (!missing(output)) output)
  frame <- as.data.frame(x)
  depvars <- x$depvars
  values <- if (output == "counts" || length(depvars) == 0) {
    "Counts"
  } else {
    paste0(depvars, if (output == "means") "_mean")
  }
  drawn_plot(bars_figure(frame, names(x$params$levels), values, output, list(...)), TRUE)
}

#' @rdname plot.rxCrossTabs
#' @export
plot.rxCube <- function(x, output, ...) {
  about <- attr(x, "about")
  kept <- if (length(about$depvars) == 0) "counts" else if (about$means) "means" else "sums"
  output <- if (missing(output)) kept else output
  check_argument(is_string(output) && output %in% c("counts", kept), "output", sprintf('"counts" or "%s"', kept))
  values <- if (output == "counts") "Counts" else about$depvars
  drawn_plot(bars_figure(as.data.frame(x), about$factors, values, output, list(...)), TRUE)
}

#' @param values columns to show
#' @noRd
bars_figure <- function(frame, factors, values, output, given) {
  long <- do.call(rbind, lapply(values, function(value) {
    part <- frame[factors]
    part$value <- frame[[value]]
    part$response <- rep(value, nrow(part))
    part
  }))
  long$response <- factor(long$response, values)
  panels <- c(factors[-(1:2)], if (length(values) > 1) "response")
  own <- list(
    x = lattice_formula("value", factors[1], panels, long), data = long, origin = 0, xlab = factors[1],
    ylab = if (length(values) == 1 && output != "counts") paste(values, output) else output
  )
  if (length(factors) > 1) {
    own <- c(own, list(
      groups = long[[factors[2]]],
      auto.key = list(space = "right", title = factors[2], cex.title = 1, points = FALSE, rectangles = TRUE)
    ))
  }
  do.call(lattice::barchart, utils::modifyList(own, given))
}

# Tables by bins of a number, which plots are made of. Bins are cells of a cross tabulation, so the engine counts them
# in the one pass that it makes; how wide they shall be in the end is decided when their range is known.

# The grid is this much finer than the first rows' range; bins of a plot are made of whole cells of it.
grid_cells <- 1000

#' Counts and sums by bins of a number or levels of a factor, and by further factors
#'
#' @param x,groups,ys expressions of the formula: what is binned, list of factors, list of responses
#' @param env the formula's environment
#' @param start,end,count bounds of the bins and their number, NULL where they are free
#' @param about number of bins to aim at where it is free
#' @return a list: `breaks` (NULL for a factor); `cells`, a data frame of `bin` (a factor for a factor, else a
#'   position), the `groups`, counts or weights `n` and sums of the responses `y1`, `y2`, ...; `whole`, whether the bins
#'   are those of single whole numbers; `title` of x
#' @noRd
binned <- function(x, groups, ys, env, data, asked, pweights = NULL, fweights = NULL, blocksPerRead = 1,
                   reportProgress = 0, start = NULL, end = NULL, count = NULL, about = 20) {
  as_formula <- function(right, left = NULL) {
    formula <- if (is.null(left)) call("~", right) else call("~", left, right)
    structure(formula, class = "formula", .Environment = env)
  }
  tabulated <- function(first) {
    right <- Reduce(function(a, b) call(":", a, b), groups, first)
    left <- if (length(ys) > 0) as.call(c(as.name("cbind"), unname(ys)))
    cross_tabulate(as_formula(right, left), data, asked, pweights, fweights, FALSE, TRUE, blocksPerRead, reportProgress)
  }
  design <- model_design(as_formula(x), data, asked, blocksPerRead = blocksPerRead)
  variable <- design$variables[[1]]
  if (length(design$variables) > 1) {
    rx_abort("argument", "A plot has one variable on its x axis.", hint = "Write the formula as ~ x | g1 + g2.")
  }
  if (design$kinds == "category") {
    table <- tabulated(x)
    return(list(breaks = NULL, cells = bin_cells(table, NULL), whole = TRUE, title = variable$label))
  }
  grid <- bin_grid(design, data, start, end, count)
  on_grid <- function(grid) {
    if (grid$whole) {
      return(tabulated(call("F", x)))
    }
    position <- bquote((.(x) - .(grid$origin)) / .(grid$width) + .(grid$fuzz))
    # The last bin ends with the bound itself.
    tabulated(call("F", if (is.null(end)) position else bquote(ifelse(.(x) > .(end), NA, .(position)))))
  }
  table <- tryCatch(on_grid(grid), rxscale_error_argument = function(condition) {
    # The first rows did not tell of the range of the others.
    if (!grepl("would have", conditionMessage(condition), fixed = TRUE)) stop(condition)
    range <- engine_call(rx_engine_scan_info, design$source, variable$column, job_options(reportProgress))[[1]]
    grid <<- grid_of(c(range$low, range$high), start, end)
    on_grid(grid)
  })
  cells <- bin_cells(table, grid)
  breaks <- bin_breaks(cells$bin, grid, start, end, count, about)
  cells$bin <- breaks$bin(cells$bin)
  cells <- cells[!is.na(cells$bin), ]
  list(
    breaks = breaks$breaks, cells = cells, whole = grid$whole && isTRUE(breaks$units * grid$width == 1),
    title = variable$label
  )
}

#' The cells of a table as a data frame, the first factor as `bin`
#'
#' @noRd
bin_cells <- function(table, grid) {
  columns <- cell_levels(table$levels, names(table$levels), table$cell)
  bin <- if (is.null(grid)) columns[[1]] else as.numeric(levels(columns[[1]]))[columns[[1]]]
  sums <- stats::setNames(table$sums, sprintf("y%d", seq_along(table$sums)))
  as_data_frame(c(list(bin = bin), columns[-1], list(n = table$weights %||% table$counts), sums))
}

#' The grid that values are counted on: multiples of `width` from `origin`, less what rounding may cost, `fuzz`
#'
#' @noRd
bin_grid <- function(design, data, start, end, count) {
  variable <- design$variables[[1]]
  if (!is.null(start) && !is.null(end) && !is.null(count)) {
    return(list(width = (end - start) / count, origin = start, fuzz = 1e-7, whole = FALSE))
  }
  field <- source_fields(design$source)[[variable$column]]
  whole <- is_whole(start %||% 0) && is_whole(end %||% 0)
  if (whole && field$kind %in% c("integer", "logical")) {
    return(list(width = 1, origin = 0, whole = TRUE))
  }
  range <- c(field$low, field$high)
  grid_of(if (length(range) == 2) range else first_range(design$source, variable$column), start, end)
}

#' The range of a column's first rows
#'
#' @noRd
first_range <- function(source, column) {
  source$num_rows <- 1000
  values <- engine_call(rx_engine_import, source, column, list(type = "frame"), job_options(0))$columns[[1]]
  values <- values[is.finite(values)]
  if (length(values) > 0) range(values) else c(0, 0)
}

grid_of <- function(range, start, end) {
  range <- range(range, start, end)
  span <- max(diff(range), abs(range) * 1e-9, .Machine$double.xmin * 1e10)
  width <- if (!is.null(start) && !is.null(end)) (end - start) / grid_cells else 10^floor(log10(span / grid_cells))
  list(width = width, origin = start %||% end %||% 0, fuzz = 1e-4, whole = FALSE)
}

#' The bins of a plot: so many cells of the grid each
#'
#' @param cells positions on the grid that have rows
#' @return list of `breaks`, `units` (cells of the grid a bin) and `bin`, a function from positions to numbers of bins,
#'   from 1; NA for those outside
#' @noRd
bin_breaks <- function(cells, grid, start, end, count, about) {
  unit <- function(x) if (!is.null(x)) round((x - grid$origin) / grid$width)
  first <- unit(start) %||% min(cells, Inf)
  first <- if (is.finite(first)) first else 0
  last <- unit(end) %||% max(cells + 1, first + 1)
  bounded <- !is.null(start) && !is.null(end)
  nice <- is.null(count)
  units <- if (nice) nice_units((last - first) / about) else max(1, ceiling((last - first) / count))
  if (nice && is.null(start)) {
    first <- floor(first / units) * units
  }
  count <- count %||% max(1, ceiling((last - first) / units))
  if (bounded) {
    units <- (last - first) / count
  } else if (!nice && !is.null(end)) {
    first <- last - units * count
  }
  closed <- !is.null(end)
  list(
    breaks = grid$origin + (first + (0:count) * units) * grid$width, units = units,
    bin = function(cell) {
      bin <- floor((cell - first) / units + 1e-9) + 1
      # What lies on the last bound belongs to the last bin.
      bin[closed & cell == first + count * units] <- count
      ifelse(bin >= 1 & bin <= count, bin, NA)
    }
  )
}

#' The number of the form 1, 2 or 5 times a power of ten that is at least `x`, and 1 at least
#'
#' @noRd
nice_units <- function(x) {
  power <- 10^floor(log10(max(x, 1)))
  max(1, (c(1, 2, 5, 10) * power)[c(1, 2, 5, 10) * power >= x * (1 - 1e-9)][1])
}

#' Rows and sums of the same bin and groups, added up
#'
#' @param names columns that tell them apart
#' @noRd
folded <- function(cells, names) {
  if (nrow(cells) == 0) {
    return(cells)
  }
  # A number a combination.
  key <- Reduce(function(key, column) key * (max(as.integer(column)) + 1) + as.integer(column), cells[names], 0)
  kept <- !duplicated(key)
  sums <- rowsum(as.matrix(cells[setdiff(names(cells), names)]), match(key, key[kept]))
  result <- cells[kept, ]
  result[colnames(sums)] <- as.data.frame(sums)
  result
}

#' The parts of a plot's formula
#'
#' @return list of `ys`, `x`, `groups` (lists of expressions but for `x`) and `env`
#' @noRd
plot_formula <- function(formula, response) {
  check_argument(inherits(formula, "formula"), "formula", "a formula")
  two_sided <- length(formula) == 3
  check_argument(two_sided == response, "formula", if (response) "of the form y ~ x | g" else "of the form ~ x | g")
  right <- formula[[length(formula)]]
  conditioned <- is_call_to(right, "|")
  pieces <- function(x, by) {
    if (is.call(x) && length(x) == 3 && as.character(x[[1]])[1] %in% by) {
      c(pieces(x[[2]], by), pieces(x[[3]], by))
    } else {
      list(x)
    }
  }
  list(
    ys = if (response) pieces(formula[[2]], "+"), x = if (conditioned) right[[2]] else right,
    groups = if (conditioned) pieces(right[[3]], c("+", "*", ":")), env = environment(formula)
  )
}

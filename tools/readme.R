# Runs the R code of README.md and writes what it prints under it, in lines that start with "#>".
# With --check changes nothing and fails if the README shows anything else.

#' The lines of the README with the output of its code
#'
#' Blocks of code run in order, in one environment and in a folder of their own that is shown as /data.
#'
#' @param lines lines of the README
readme_with_output <- function(lines) {
  folder <- tempfile("readme-")
  dir.create(folder)
  folder <- normalizePath(folder)
  here <- setwd(folder)
  old <- options(width = 88, useFancyQuotes = "UTF-8", digits = 7)
  on.exit({
    setwd(here)
    options(old)
    unlink(folder, recursive = TRUE)
  })
  env <- new.env(parent = globalenv())
  fences <- cumsum(startsWith(lines, "```"))
  is_r <- fences %in% fences[lines == "```r"] & lines != "```r"
  is_output <- is_r & startsWith(lines, "#>")
  kept <- lines[!is_output]
  is_r <- is_r[!is_output]
  written <- character()
  pending <- character()
  for (i in seq_along(kept)) {
    written <- c(written, kept[i])
    if (!is_r[i]) next
    pending <- c(pending, kept[i])
    code <- tryCatch(parse(text = pending, keep.source = FALSE), error = function(condition) NULL)
    if (is.null(code)) next
    pending <- character()
    printed <- gsub(folder, "/data", unlist(lapply(code, printed_by, env = env)), fixed = TRUE)
    written <- c(written, sub(" +$", "", paste("#>", printed, recycle0 = TRUE)))
  }
  written
}

#' What R shows of an expression: its value, if that is visible, or its error
printed_by <- function(expression, env) {
  output <- utils::capture.output(failed <- try(silent = TRUE, {
    result <- withVisible(eval(expression, env))
    if (result$visible) print(result$value)
  }))
  c(output, if (inherits(failed, "try-error")) strsplit(failed, "\n")[[1]])
}

if (sys.nframe() == 0) {
  library(rxscale)
  readme <- readLines("README.md", encoding = "UTF-8")
  fresh <- readme_with_output(readme)
  if (!identical(commandArgs(trailingOnly = TRUE), "--check")) {
    writeLines(fresh, "README.md", useBytes = TRUE)
  } else if (!identical(fresh, readme)) {
    print(setdiff(fresh, readme))
    stop("README.md shows output that its code does not give: run Rscript tools/readme.R.")
  }
}

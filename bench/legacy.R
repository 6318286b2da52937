# Reading Microsoft's XDF files, beside zlib's own inflate on the same bytes and one core:
#   Rscript bench/legacy.R [rows, 5 million] [folder for the file]
# The goal is 0.8 of zlib's rate. zlib is called by Python, and does nothing but inflate; the file is in the system's
# cache. Python with numpy and pyarrow makes the file.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) arguments[[1]] else "5e6"
folder <- if (length(arguments) > 1) arguments[[2]] else file.path(tempdir(), "bench")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
file <- file.path(folder, sprintf("legacy-%.0f.xdf", as.numeric(rows)))
if (!file.exists(file)) {
  status <- system2("python3", c("bench/legacy.py", rows, file), env = "LD_LIBRARY_PATH=")
  stopifnot("The file is made by Python with numpy and pyarrow." = status == 0)
}

# The columns of the file: position, bytes of a value, whether it is text.
columns <- list(
  ArrDelay = c(0, 4, 0), DepDelay = c(1, 4, 0), CRSDepTime = c(2, 8, 0), Distance = c(3, 4, 0), DayOfWeek = c(4, 4, 0),
  Carrier = c(5, 4, 0), Origin = c(6, 1, 1), Dest = c(7, 4, 0), Month = c(8, 4, 0), Late = c(9, 4, 0)
)
zlib <- function(names) {
  wanted <- vapply(columns[names], function(x) sprintf("%d: (%d, %d)", x[1], x[2], x[3]), "")
  code <- sprintf("legacy.inflate('%s', {%s})", file, paste(wanted, collapse = ", "))
  python_case(code, c("import sys", "sys.path.insert(0, 'bench')", "import legacy"))
}
setup <- function(cores) {
  sprintf("library(rxscale); rxOptions(numCoresToUse = %d); file <- RxXdfData('%s')", cores, file)
}
vars <- function(names) sprintf("c(%s)", paste0("'", names, "'", collapse = ", "))

numbers <- c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month", "Late")
coded <- c(numbers, "DayOfWeek", "Carrier", "Dest")
for (names in list(numbers, coded, c("Origin", "Late"))) {
  # A step that selects no row decodes all and does nothing with it.
  nothing <- sprintf("rxDataStep(file, varsToKeep = %s, rowSelection = Late > 1)", vars(names))
  cases <- list(
    "decoding, one core" = r_case(nothing, setup(1)),
    "decoding, all cores" = r_case(nothing, setup(-1)),
    "rxReadXdf, one core" = r_case(sprintf("rxReadXdf(file, varsToKeep = %s)", vars(names)), setup(1)),
    "rxSummary, one core" = r_case(sprintf("rxSummary(~ %s, file)", paste(names, collapse = " + ")), setup(1)),
    "zlib's inflate, one core" = zlib(names)
  )
  compare(sprintf("%s: %s", basename(file), paste(names, collapse = ", ")), cases)
}

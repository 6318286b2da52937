# Summaries and linear models against their peers, on the table of generate.py:
#   python3 bench/generate.py 5e6 flights.csv --parquet flights.parquet
#   Rscript bench/analyses.R flights.parquet
# Best of three, and the memory that a call takes above what the process had before it. A peer that is not installed is
# printed as missing. Needs Linux, which tells the peak memory of a process.

library(rxscale)

file <- commandArgs(trailingOnly = TRUE)[[1]]
flights <- rxImport(RxParquetData(file))
texts <- names(Filter(is.character, flights))
flights[texts] <- lapply(flights[texts], factor)
numbers <- as.data.frame(lapply(flights[c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month")], as.numeric))

memory <- function(what) {
  line <- grep(paste0("^", what), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

report <- function(task, who, seconds, megabytes) {
  cat(sprintf("%-34s %-22s %9.4f s %7.0f MB\n", task, who, seconds, megabytes))
}

missing_peer <- function(task, who) cat(sprintf("%-34s %-22s   missing\n", task, who))

measured <- function(task, who, call, needs = NULL, times = 3) {
  if (!is.null(needs) && !requireNamespace(needs, quietly = TRUE)) {
    return(invisible(missing_peer(task, who)))
  }
  gc(full = TRUE)
  # Starts the peak again from what the process has now.
  try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
  before <- memory("VmRSS")
  seconds <- vapply(seq_len(times), function(i) system.time(call())[["elapsed"]], 0)
  report(task, who, min(seconds), memory("VmHWM") - before)
  invisible(min(seconds))
}

with_threads <- function(threads, call) {
  function() {
    rxOptions(numCoresToUse = threads)
    on.exit(rxOptions(numCoresToUse = -1))
    call()
  }
}

each_column <- function(f) vapply(numbers, f, 0, na.rm = TRUE)

cores <- parallel::detectCores()
cat(sprintf("%s rows, %d cores\n", format(nrow(flights), big.mark = ","), cores))

task <- "summary of 5 columns"
summarize <- function() rxSummary(~ ArrDelay + DepDelay + CRSDepTime + Distance + Month, numbers)
measured(task, "rxscale", summarize)
measured(task, "rxscale, 1 thread", with_threads(1, summarize))
measured(task, "collapse", needs = "collapse", call = function() {
  for (f in list(collapse::fmean, collapse::fsd, collapse::fmin, collapse::fmax, collapse::fnobs)) {
    f(numbers, nthreads = cores)
  }
})
measured(task, "data.table", needs = "data.table", call = function() {
  data.table::setDTthreads(cores)
  table <- data.table::as.data.table(numbers)
  statistics <- function(x) lapply(list(mean, stats::sd, min, max), function(f) f(x, na.rm = TRUE))
  table[, lapply(.SD, statistics)]
})
measured(task, "base R", function() {
  for (f in list(mean, stats::sd, min, max)) each_column(f)
})

formulas <- list(
  "4 terms, 10 columns" = ArrDelay ~ DayOfWeek + CRSDepTime + Distance + DepDelay,
  "6 terms, 628 columns" = ArrDelay ~ Origin + Dest + Carrier + DayOfWeek + CRSDepTime + Distance
)
for (task in names(formulas)) {
  fit <- function() rxLinMod(formulas[[task]], flights)
  measured(task, "rxscale", fit)
  measured(task, "rxscale, 1 thread", with_threads(1, fit))
}
measured("4 terms, 10 columns", "lm", function() stats::lm(formulas[[1]], flights), times = 1)
measured("4 terms, 10 columns", "collapse, flm", needs = "collapse", call = function() {
  columns <- stats::model.frame(formulas[[1]], flights)
  collapse::flm(columns$ArrDelay, stats::model.matrix(formulas[[1]], columns), method = "chol")
})
# Dense columns, 628 of them, do not fit into memory: lm() has no part in the large model.
missing_peer("6 terms, 628 columns", "lm (needs 25 GB)")

levels <- 1000
rows <- 1e5
wide <- data.frame(y = stats::rnorm(rows), f = gl(levels, rows / levels), g = factor(sample(levels, rows, TRUE)))
measured("2,000 columns, 100,000 rows", "rxscale", function() rxLinMod(y ~ f + g, wide))

few <- flights[1:100, ]
many_times <- function(f) function() for (i in 1:100) f()
for (small in list(
  list("100 rows, a hundred summaries", function() rxSummary(~ ArrDelay + DepDelay, few)),
  list("100 rows, a hundred models", function() rxLinMod(ArrDelay ~ DepDelay + Distance, few))
)) {
  measured(small[[1]], "rxscale", many_times(small[[2]]))
}

peers <- file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "analyses.py")
# The libraries that R puts first are not those that Python was built with.
invisible(system2("python3", c(peers, file), env = "LD_LIBRARY_PATH="))

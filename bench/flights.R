# Time and memory of an import, a summary and a model of the flights, copied as often as the first argument says:
#   Rscript bench/flights.R 10
# Needs Linux, which tells the peak memory of a process.

library(rxscale)

copies <- as.integer(commandArgs(trailingOnly = TRUE)[[1]])
packed <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
csv <- tempfile(fileext = ".csv")
xdf <- tempfile(fileext = ".xdf")
copy <- "{ gzip -dc %1$s | head -n 1; for i in $(seq %2$d); do gzip -dc %1$s | tail -n +2; done; } > %3$s"
stopifnot(system(sprintf(copy, packed, copies, csv)) == 0)

peak <- function() {
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
measured <- function(what, expr) {
  seconds <- system.time(value <- expr)[["elapsed"]]
  cat(sprintf("%-10s %8.2f s, peak memory of the process so far %4.0f MB\n", what, seconds, peak()))
  value
}

threads <- rxGetOption("numCoresToUse")
cat(sprintf("%-10s %8.0f MB, %d threads, R itself %.0f MB\n", "csv", file.size(csv) / 1e6, threads, peak()))
flights <- measured("rxImport", rxImport(csv, xdf, colClasses = c(carrier = "factor", origin = "factor")))
summary <- measured("rxSummary", rxSummary(~ dep_delay + arr_delay + distance + arr_delay:origin, flights))
model <- measured("rxLinMod", rxLinMod(arr_delay ~ dep_delay + distance + carrier + origin, flights))
cat(sprintf("%-10s %8s\n", "rows", format(nrow(flights), big.mark = ",")))
unlink(c(csv, xdf))

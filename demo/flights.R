# The flights that left New York City in 2013: import, summary and linear model, each with its time.

library(rxscale)

timed <- function(what, expr) {
  seconds <- system.time(value <- expr)[["elapsed"]]
  cat(sprintf("\n--- %s: %.2f seconds\n\n", what, seconds))
  value
}

csv <- file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")
xdf <- tempfile("flights-", fileext = ".xdf")

flights <- timed(
  "rxImport of flights.csv.gz to XDF",
  rxImport(csv, xdf, colClasses = c(carrier = "factor", origin = "factor"), reportProgress = 0)
)
print(rxGetInfo(flights, getVarInfo = TRUE))

print(timed(
  "rxSummary of the delays, by airport",
  rxSummary(~ dep_delay + arr_delay + distance + arr_delay:origin, data = flights, reportProgress = 0)
))

model <- timed(
  "rxLinMod of the arrival delay",
  rxLinMod(arr_delay ~ dep_delay + distance + carrier + origin, data = flights, reportProgress = 0)
)
print(summary(model))

unlink(xdf)

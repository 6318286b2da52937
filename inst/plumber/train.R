# Imports the flights, fits the model that the service scores with, and writes both into the folder FLIGHTS_FOLDER.

library(rxscale)

folder <- Sys.getenv("FLIGHTS_FOLDER", ".")
flights <- rxImport(
  file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"), file.path(folder, "flights.xdf"),
  colClasses = c(carrier = "factor", origin = "factor", dest = "factor"), overwrite = TRUE, reportProgress = 0
)
model <- rxLinMod(arr_delay ~ dep_delay + distance + carrier + origin, data = flights, reportProgress = 0)
saveRDS(model, file.path(folder, "model.rds"))

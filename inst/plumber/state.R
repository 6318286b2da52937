# What the service needs to answer, from the files that train.R wrote.

folder <- Sys.getenv("FLIGHTS_FOLDER", ".")
model <- readRDS(file.path(folder, "model.rds"))

# The routes flown, each with its distance.
flights <- rxscale::RxXdfData(file.path(folder, "flights.xdf"))
routes <- rxscale::rxSummary(~ distance:origin:dest, flights, reportProgress = 0)$categorical[[1]]

# The delay at arrival to expect of a flight, in minutes.
expected_delay <- function(carrier, origin, dest, dep_delay) {
  b <- coef(model)
  b[is.na(b)] <- 0 # the levels that the others are compared with
  distance <- routes$Means[routes$origin == origin & routes$dest == dest][1]
  delay <- b["(Intercept)"] + b["dep_delay"] * dep_delay + b["distance"] * distance +
    b[paste0("carrier=", carrier)] + b[paste0("origin=", origin)]
  if (is.na(delay)) {
    stop("There is no such flight.")
  }
  unname(delay)
}

# Data that many tests read.

flights_file <- function() file.path(rxGetOption("sampleDataDir"), "flights.csv.gz")

# A small data frame with a column of every kind and missing values.
all_kinds <- function() {
  data.frame(
    flag = c(TRUE, NA, FALSE, TRUE, FALSE, TRUE),
    count = c(3L, 1L, NA, -7L, 5L, 9L),
    size = c(1.5, NA, -2.25, 1e10, 0, 1 / 3),
    name = c("b", "a", NA, "b", "c", "\u00e9t\u00e9"),
    group = factor(c("low", "high", "low", NA, "high", "low"), levels = c("low", "mid", "high")),
    grade = factor(c("B", "A", "C", "A", NA, "B"), levels = c("C", "B", "A"), ordered = TRUE),
    day = as.Date(c("2013-01-01", "2013-12-31", NA, "1969-07-20", "2000-02-29", "2024-02-29")),
    time = as.POSIXct(c(0, 1e9, NA, -1, 1.5e9, 1.25), origin = "1970-01-01", tz = "UTC"),
    stringsAsFactors = FALSE
  )
}

# A file name that is removed when the calling test ends.
temp_file <- function(extension = ".xdf", env = parent.frame()) {
  withr::local_tempfile(fileext = extension, .local_envir = env)
}

# A file of the folder `shared` beside the package, whose licence does not allow a copy in it.
shared_data <- function(name) {
  folders <- Reduce(function(folder, i) dirname(folder), 1:6, normalizePath(test_path()), accumulate = TRUE)
  found <- Filter(file.exists, file.path(folders, "shared", "data", name))
  if (length(found) == 0) {
    skip("the sample data beside the project are not here")
  }
  found[[1]]
}

# A table without the call that made it.
without_call <- function(x) structure(x, call = NULL)

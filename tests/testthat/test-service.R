skip_on_cran()
for (package in c("plumber", "httpuv", "jsonlite", "callr")) {
  skip_if_not_installed(package)
}

test_that("a web service keeps its state over 200 calls that each wipe the workspace", {
  folder <- local_service_folder()
  flights <- na.omit(rxXdfToDataFrame(file.path(folder, "flights.xdf"), maxRowsByCols = 1e7, reportProgress = 0))
  reference <- lm(arr_delay ~ dep_delay + distance + carrier + origin, flights)
  flights <- flights[seq(1, nrow(flights), length.out = 20), ]
  expected <- unname(predict(reference, flights))

  ask <- local_service("plumber.R")
  path <- with(flights, sprintf(
    "score?carrier=%s&origin=%s&dest=%s&dep_delay=%s", carrier, origin, dest, dep_delay
  ))
  ask_in_turn <- function(calls) vapply(rep_len(path, calls), function(path) ask(path)$arr_delay, 0, USE.NAMES = FALSE)

  fresh <- ask("info")
  expect_length(fresh$name, 0)
  expect_equal(ask_in_turn(40), rep_len(expected, 40), tolerance = 1e-3)
  early <- ask("info")
  expect_equal(ask_in_turn(160), rep_len(expected, 160), tolerance = 1e-3)
  late <- ask("info")

  expect_identical(late$process, fresh$process)
  expect_identical(late$name, "flights")
  expect_identical(late$hits, 199L)
  expect_identical(late$seconds, early$seconds)
  expect_identical(late$search, append(fresh$search, "rxInitOnce:flights", 1))
  expect_identical(setdiff(late$workspace, ".Random.seed"), character())
  expect_lt(late$megabytes - early$megabytes, 0.5)

  # A call that fails leaves the state as it is; a new model file is a new version of it.
  expect_error(suppressWarnings(ask("score?carrier=none&origin=JFK&dest=LAX")))
  expect_identical(ask("info")$hits, 200L)
  model <- readRDS(file.path(folder, "model.rds"))
  model$coefficients["(Intercept)", ] <- model$coefficients["(Intercept)", ] + 100
  saveRDS(model, file.path(folder, "model.rds"))
  expect_equal(ask_in_turn(1), expected[1] + 100, tolerance = 1e-3)
  expect_identical(ask("info")$search, late$search)
})

test_that("the service without rxInitOnce() gives the same answers", {
  local_service_folder()
  path <- "score?carrier=UA&origin=EWR&dest=SFO&dep_delay=30"
  expect_identical(local_service("without.R")(path), local_service("plumber.R")(path))
})

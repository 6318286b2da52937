# The same bits for any number of threads, in whatever order blocks finish, in a forked child, and for every estimator.

analyses <- list(
  summary = function(file) rxSummary(~ arr_delay:origin:carrier + dest + log(distance), file),
  sparse = function(file) rxSummary(~ arr_delay:dest:carrier, file, useSparseCube = TRUE),
  weighted = function(file) rxSummary(arr_delay ~ F(hour), file, pweights = "distance"),
  table = function(file) rxCrossTabs(cbind(arr_delay, log(distance)) ~ dest:carrier:origin, file, means = TRUE),
  cube = function(file) rxCube(log(air_time) ~ dest:carrier:F(hour), file, pweights = "distance", useSparseCube = TRUE),
  fit = function(file) rxLinMod(arr_delay ~ dep_delay + dest + carrier:origin + F(hour), file, covCoef = TRUE),
  weighted_fit = function(file) rxLinMod(cbind(arr_delay, dep_delay) ~ distance * origin, file, pweights = "air_time"),
  covariances = function(file) rxCovCor(~ arr_delay + dep_delay + dest + air_time:origin, file, pweights = "distance"),
  cross_products = function(file) rxSSCP(~ arr_delay + log(distance) + carrier:origin, file),
  logit = function(file) rxLogit((arr_delay > 15) ~ dep_delay + carrier + F(hour), file, covCoef = TRUE),
  gamma = function(file) {
    rxGlm(air_time ~ distance + origin + dest, file, family = stats::Gamma("log"), pweights = "distance")
  },
  clusters = function(file) rxKmeans(~ dep_delay + distance + hour, file, numClusters = 6, numStarts = 3, seed = 1),
  quantiles = function(file) rxQuantile("arr_delay", file, pweights = "air_time", probs = 0:50 / 50),
  shares = function(file) rxLorenz("dep_delay", "distance", file, pweights = "air_time"),
  transformed = function(file) {
    rxLinMod(arr_delay ~ speed + late, file, transforms = list(
      speed = distance / air_time, late = ifelse(dep_delay > 60, "late", "in time")
    ))
  }
)

# Many blocks, of uneven sizes.
many_blocks <- function() {
  if (is.null(flights$many_blocks)) {
    file <- tempfile("flights", fileext = ".xdf")
    rxImport(flights_frame()[1:150001, ], file, rowsPerRead = 777)
    rxImport(flights_frame()[-(1:150001), ], file, append = "rows", rowsPerRead = 5003)
    flights$many_blocks <- file
  }
  flights$many_blocks
}

results <- function(threads) {
  withr::local_envvar(`_R_CHECK_LIMIT_CORES_` = NA)
  before <- list(rxGetOption("numCoresToUse"), available_cores())
  on.exit({
    rxOptions(numCoresToUse = before[[1]])
    state$cores <- before[[2]]
  })
  # As if the machine had so many.
  state$cores <- threads
  rxOptions(numCoresToUse = threads)
  lapply(analyses, function(analysis) {
    result <- unclass(suppressWarnings(analysis(many_blocks())))
    result[setdiff(names(result), c("call", "formula", "params"))]
  })
}

test_that("1, 2 and 8 threads give the same bits", {
  one <- results(1)
  for (threads in c(2, 8)) {
    expect_identical(results(threads), one)
  }
})

test_that("blocks may finish in any order", {
  skip_if_not(rx_engine_has_test_hooks(), "this is no test build")
  expected <- results(2)
  for (seed in 1:4) {
    withr::with_envvar(c(RXSCALE_TEST_SHUFFLE = seed), expect_identical(results(3), expected))
  }
})

test_that("a fit may run in a forked child, before and after one in its parent", {
  skip_on_os("windows")
  fits <- in_child(function() {
    fit <- function(i) unname(rxscale:::coef.rxLinMod(rxscale::rxLinMod(mpg ~ hp + wt, mtcars[-i, ])))
    first <- fit(1)
    forked <- parallel::mclapply(1:4, fit, mc.cores = 2)
    list(first, forked, lapply(1:4, fit))
  })
  expect_identical(fits[[2]], fits[[3]])
  expect_identical(fits[[1]], fits[[2]][[1]])
  expect_equal(fits[[1]], unname(stats::coef(stats::lm(mpg ~ hp + wt, mtcars[-1, ]))))
})

test_that("options are set, read, and brought back", {
  old <- rxOptions(numCoresToUse = 1, dataPath = c("a", "b"))
  expect_equal(rxGetOption("numCoresToUse"), 1)
  expect_equal(rxGetOption("dataPath"), c("a", "b"))
  expect_equal(rxOptions(), replace(old, c("numCoresToUse", "dataPath"), list(1, c("a", "b"))))
  do.call(rxOptions, old)
  expect_equal(rxOptions(), old)
})

test_that("rxOptions() shows the options, and hides them when it sets some", {
  expect_true(withVisible(rxOptions())$visible)
  expect_false(withVisible(do.call(rxOptions, rxOptions()))$visible)
})

test_that("initialize resets all options", {
  old <- rxOptions()
  withr::defer(do.call(rxOptions, old))
  rxOptions(blocksPerRead = 7, coefLabelStyle = "R", useDoSMP = 1)
  rxOptions(TRUE, blocksPerRead = 3)
  expect_equal(rxGetOption("blocksPerRead"), 3)
  expect_equal(rxGetOption("coefLabelStyle"), "Revo")
  expect_null(rxGetOption("useDoSMP"))
})

test_that("an unknown option is NULL, or the default asked for", {
  expect_null(rxGetOption("nonsense"))
  expect_equal(rxGetOption("nonsense", 5), 5)
  expect_equal(rxGetOption("dropMain", 5), TRUE)
})

test_that("the machine's cores are the default, two under R CMD check", {
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "TRUE")
  expect_lte(available_cores(), 2)
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "")
  expect_gte(available_cores(), 1)
})

test_that("scripts are quiet and the sample data are there", {
  expect_equal(default_options()$reportProgress, if (interactive()) 2 else 0)
  expect_true(dir.exists(rxGetOption("sampleDataDir")))
})

test_that("wrong values and unknown names are told", {
  expect_snapshot(error = TRUE, rxOptions(numCoresToUse = "four"))
  expect_snapshot(error = TRUE, rxOptions(coefLabelStyle = "S"))
  expect_snapshot(error = TRUE, rxOptions(fileSystem = "hdfs"))
  expect_snapshot(rxOptions(blokPerRead = 2))
  expect_error(rxOptions(xdfCompressionLevel = 10), class = "rxscale_error_argument")
  expect_error(rxOptions(memoryLimitMB = -1), class = "rxscale_error_argument")
  expect_error(rxGetOption(1), class = "rxscale_error_argument")
})

test_that("a failing call changes no option", {
  old <- rxOptions()
  expect_error(rxOptions(dropMain = FALSE, numCoresToUse = 0.5))
  expect_equal(rxOptions(), old)
})

test_that("files are found in the working directory, then along the path", {
  here <- withr::local_tempdir()
  there <- withr::local_tempdir()
  withr::local_dir(here)
  file.create(file.path(here, "a.xdf"), file.path(there, c("a.xdf", "b.xdf")))
  expect_equal(rxLocateFile("a", there), normalizePath(file.path(here, "a.xdf")))
  expect_equal(rxLocateFile("b", there), normalizePath(file.path(there, "b.xdf")))
  old <- rxOptions(dataPath = c(".", there))
  withr::defer(do.call(rxOptions, old))
  expect_equal(rxLocateFile("b.xdf"), normalizePath(file.path(there, "b.xdf")))
  rxSetComputeContext(RxLocalSeq(dataPath = here))
  expect_error(rxLocateFile("b.xdf"), class = "rxscale_error_file")
})

test_that("output goes to the first folder of the path that exists", {
  there <- withr::local_tempdir()
  expect_equal(
    rxLocateFile("new", c("/nowhere/at/all", there), isOutFile = TRUE),
    file.path(normalizePath(there), "new.xdf")
  )
  expect_equal(dirname(rxLocateFile("new", isOutFile = TRUE)), normalizePath("."))
})

test_that("a missing file is answered with the nearest name", {
  withr::local_dir(withr::local_tempdir())
  file.create("flights.xdf")
  expect_snapshot(error = TRUE, rxLocateFile("flihgts"))
  expect_snapshot(error = TRUE, rxLocateFile("weather"))
  expect_snapshot(error = TRUE, rxLocateFile("/nowhere/at/all/weather.xdf"))
})

test_that("rxFindFileInPath() gives the first folder, or NULL", {
  a <- withr::local_tempdir()
  b <- withr::local_tempdir()
  file.create(file.path(b, "x.csv"))
  expect_equal(rxFindFileInPath(c(a, b), "x.csv"), b)
  expect_equal(rxFindFileInPath(paste(a, b, sep = .Platform$path.sep), "x.csv"), b)
  expect_null(rxFindFileInPath(a, "x.csv"))
  expect_equal(rxFindFileInPath(RxLocalSeq(dataPath = b), "x.csv"), b)
})

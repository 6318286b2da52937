# Settings of the session.

threads <- function() {
  skip_if_not(dir.exists("/proc/self/task"), "no /proc here")
  names <- lapply(list.files("/proc/self/task", full.names = TRUE), function(task) {
    tryCatch(suppressWarnings(readLines(file.path(task, "comm"))), error = function(e) NULL)
  })
  sum(grepl("^rxscale-[0-9]", unlist(names)))
}

test_that("threads are kept, or end with every call", {
  rxSummary(~mpg, mtcars)
  expect_true(rxGetEnableThreadPool())
  expect_gt(threads(), 0)
  expect_invisible(old <- rxSetEnableThreadPool(FALSE))
  expect_true(old)
  expect_identical(threads(), 0L)
  found <- rxSummary(~mpg, mtcars, transformFunc = function(d) {
    # A call inside of a call must leave the threads of the outer one alone.
    rxSummary(~hp, mtcars)
    d
  }, transformVars = "mpg")
  expect_equal(found$sDataFrame$Mean, mean(mtcars$mpg))
  expect_identical(threads(), 0L)
  expect_false(rxSetEnableThreadPool(TRUE))
  rxSummary(~mpg, mtcars)
  expect_gt(threads(), 0)
  expect_error(rxSetEnableThreadPool(1), class = "rxscale_error_argument")
})

test_that("nothing is sent, and there is one edition", {
  expect_false(rxPrivacyControl())
  expect_warning(expect_false(rxPrivacyControl(TRUE)), "Nothing is sent")
  expect_false(rxIsExpressEdition())
})

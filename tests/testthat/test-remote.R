# What programs for clusters ask.

test_that("a task knows its number, this session has none", {
  skip_on_os("windows")
  skip_if_not_installed("foreach")
  ids <- function() unlist(rxExec(function(x) rxRemoteGetId(), rxElemArg(1:5)), use.names = FALSE)
  expect_identical(ids(), rep(-1L, 5))
  local_workers()
  expect_identical(ids(), 1:5)
  foreach::registerDoSEQ()
  local_context_of(RxForeachDoPar())
  expect_identical(ids(), 1:5)
  expect_identical(rxRemoteGetId(), -1L)
})

test_that("no compute context is distributed", {
  for (context in list(NULL, "localpar", RxForeachDoPar())) expect_false(rxIsDistributedContext(context, mtcars))
  expect_error(rxIsDistributedContext("cloud"), class = "rxscale_error_argument")
  expect_error(rxIsDistributedContext(data = 1), class = "rxscale_error_argument")
  expect_error(rxDistributeJob(list(), quote(f())), class = "rxscale_error_unsupported")
  expect_identical(rxRemoteFilePath("a", "b.xdf", computeContext = "local"), "a/b.xdf")
})

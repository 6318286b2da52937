test_that("loops of foreach run in workers", {
  skip_on_os("windows")
  skip_if_not_installed("foreach")
  `%dopar%` <- foreach::`%dopar%`
  foreach <- foreach::foreach
  registerDoRx()
  withr::defer(foreach::registerDoSEQ())
  expect_identical(foreach::getDoParName(), "doRx")
  expect_identical(foreach::getDoParWorkers(), job_options(0)$threads)
  offset <- 100
  expect_identical(foreach(i = 1:3, .combine = c) %dopar% (i + offset), c(101, 102, 103))
  expect_identical(
    foreach(a = 1:2, b = c("u", "v"), .combine = rbind) %dopar% data.frame(a, b),
    data.frame(a = 1:2, b = c("u", "v"))
  )
  expect_false(Sys.getpid() %in% unlist(foreach(i = 1:2) %dopar% Sys.getpid()))
  named <- function(x) get("by_name")
  by_name <- 7
  expect_identical(foreach(i = 1, .export = "by_name") %dopar% get("by_name"), list(7))
  expect_identical(foreach(i = 1, .packages = "tools") %dopar% file_ext("a.txt"), list("txt"))
  fails <- function() foreach(i = 1:3) %dopar% if (i == 2) stop("oops")
  expect_error(fails(), 'task 2 failed - "oops"', class = "rxscale_error_task")
  expect_identical(foreach(i = 1:3, .errorhandling = "remove") %dopar% if (i == 2) stop("oops") else i, list(1L, 3L))
  passed <- foreach(i = 1:2, .errorhandling = "pass") %dopar% if (i == 2) stop("oops") else i
  expect_s3_class(passed[[2]], "error")
  nothing <- foreach(i = integer()) %dopar% i
  expect_identical(nothing, list())
  registerDoRSR(RxLocalSeq())
  expect_identical(unlist(foreach(i = 1:2) %dopar% Sys.getpid()), rep(Sys.getpid(), 2))
  expect_error(registerDoRx(RxForeachDoPar()), class = "rxscale_error_argument")
  expect_error(registerDoRx(RxLocalParallel(wait = FALSE)), class = "rxscale_error_argument")
})

test_that("rxExec runs by a backend of foreach", {
  skip_on_os("windows")
  skip_on_cran()
  skip_if_not_installed("doParallel")
  cluster <- parallel::makeCluster(2)
  withr::defer({
    foreach::registerDoSEQ()
    parallel::stopCluster(cluster)
  })
  parallel::clusterCall(cluster, .libPaths, .libPaths())
  doParallel::registerDoParallel(cluster)
  local_context_of("dopar")
  offset <- 5
  expect_length(rxExec(function() 1), 2)
  expect_identical(unlist(rxExec(function(x) x + offset, rxElemArg(1:5)), use.names = FALSE), 5 + 1:5)
  draw <- function() rxExec(function() runif(2), timesToRun = 4, RNGseed = 8)
  found <- draw()
  local_context_of("local")
  expect_identical(draw(), found)
  rxSetComputeContext("dopar")
  expect_warning(result <- rxExec(function(x) if (x == 2) stop("no") else x, rxElemArg(1:3), taskChunkSize = 2), "no")
  expect_identical(result[c(1, 3)], list(rxElem1 = 1L, rxElem3 = 3L))
  expect_output(rxExec(function(x) x, 1, foreachOpts = list(.verbose = TRUE)), "task|export|variable")
  expect_error(rxExec(function(x) x, 1, foreachOpts = 3), class = "rxscale_error_argument")
})

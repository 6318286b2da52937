# What happens when tasks, workers or sessions fail. All of it is done for real.

fails_at_2 <- function(x) if (x == 2) stop("no two, please") else x

test_that("a failing task leaves its error, and the others go on", {
  for (context in list(RxLocalSeq(), RxLocalParallel())) {
    skip_on_os("windows")
    local_context_of(context)
    expect_warning(result <- rxExec(fails_at_2, rxElemArg(1:4)), "Task rxElem2 failed: no two, please")
    expect_identical(result[c(1, 3, 4)], list(rxElem1 = 1L, rxElem3 = 3L, rxElem4 = 4L))
    expect_s3_class(result$rxElem2, "error")
    expect_identical(conditionMessage(result$rxElem2), "no two, please")
    expect_warning(rxExec(function(x) stop("all"), rxElemArg(1:3)), "3 of 3 tasks failed")
    expect_error(rxExec(fails_at_2, rxElemArg(1:4), continueOnFailure = FALSE), class = "rxscale_error_task")
  }
  expect_snapshot(error = TRUE, rxExec(fails_at_2, rxElemArg(1:4), continueOnFailure = FALSE))
})

test_that("warnings of tasks reach the user, and large data in calls do not", {
  local_workers()
  expect_warning(rxExec(function(x) warning("watch out"), 1, timesToRun = 1), "watch out")
  failed <- suppressWarnings(rxExec(function(x, y) stop("big"), 1, numeric(1e6)))
  expect_lt(object.size(failed), 5000)
})

test_that("a worker killed in a task is replaced, and its task tried again", {
  local_workers()
  mark <- withr::local_tempfile()
  once <- function(x) {
    if (x == 3 && !file.exists(mark)) {
      file.create(mark)
      tools::pskill(Sys.getpid(), tools::SIGKILL)
      Sys.sleep(10)
    }
    x^2
  }
  expect_identical(unname(unlist(rxExec(once, rxElemArg(1:20)))), (1:20)^2)
  always <- function(x) {
    if (x == 3) {
      message("the end is near")
      tools::pskill(Sys.getpid(), tools::SIGKILL)
      Sys.sleep(10)
    }
    x
  }
  expect_warning(result <- rxExec(always, rxElemArg(1:5)), "killed by signal 9")
  expect_s3_class(result[[3]], "rxscale_error_worker")
  expect_match(conditionMessage(result[[3]]), "tried 2 times")
  expect_match(conditionMessage(result[[3]]), "the end is near")
  expect_identical(unlist(result[-3], use.names = FALSE), c(1L, 2L, 4L, 5L))
  rxSetComputeContext(RxLocalParallel(taskRetries = 0))
  expect_warning(result <- rxExec(always, 3))
  expect_no_match(conditionMessage(result[[1]]), "tried")
})

test_that("a task that calls quit() fails, and says how", {
  local_workers(taskRetries = 0)
  expect_warning(result <- rxExec(function(x) if (x == 2) quit(status = 7) else x, rxElemArg(1:3)), "exit status 7")
  expect_identical(result[-2], list(rxElem1 = 1L, rxElem3 = 3L))
})

test_that("a million printed lines mix with nothing", {
  local_workers()
  loud <- function(x) {
    if (x == 1) writeLines(sprintf("line %d", seq_len(1e6)))
    message("and an error")
    system("echo from a program")
    x
  }
  expect_silent(result <- rxExec(loud, rxElemArg(1:2)))
  expect_identical(result, list(rxElem1 = 1L, rxElem2 = 2L))
})

test_that("a result of 500 MB passes", {
  skip_if_not(nzchar(Sys.getenv("RXSCALE_SLOW_TESTS")), "RXSCALE_SLOW_TESTS is not set")
  local_workers()
  result <- rxExec(function(x) rep(x, 500e6 / 8), rxElemArg(c(1.5, 2.5)))
  expect_true(all(result[[2]] == 2.5) && length(result[[1]]) == 500e6 / 8)
})

test_that("a result and arguments of some megabytes pass, each as often as it must", {
  local_workers()
  big <- as.numeric(seq_len(2e6))
  result <- rxExec(function(x, add) rev(x) + add, rxElemArg(list(big, -big, big / 2)), add = big)
  expect_identical(result, list(rxElem1 = rev(big) + big, rxElem2 = rev(-big) + big, rxElem3 = rev(big / 2) + big))
})

test_that("arguments that cannot be sent are told", {
  local_workers()
  connection <- textConnection("a line")
  withr::defer(close(connection))
  expect_snapshot(error = TRUE, rxExec(function(x) readLines(x), connection))
  expect_error(rxExec(function(i) readLines(connection), 1), class = "rxscale_error_argument")
  deep <- NULL
  for (i in 1:200000) deep <- list(deep)
  expect_error(rxExec(function(x) 1, deep), "cannot be sent", class = "rxscale_error_argument")
  elements <- list(numeric(1e6), connection)
  expect_error(rxExec(length, rxElemArg(elements)), "open connection", class = "rxscale_error_argument")
  # A pointer that some other package may know how to do without.
  symbol <- get("wrap__rx_engine_version", envir = asNamespace("rxscale"))$address
  expect_warning(rxExec(function(x) typeof(x), list(symbol)), "external pointer")
})

test_that("10,000 tiny tasks are all done, in order", {
  local_workers()
  result <- rxExec(function(x) x + 1L, rxElemArg(1:10000))
  expect_identical(unlist(result, use.names = FALSE), 2:10001)
  expect_identical(names(result)[10000], "rxElem10000")
})

test_that("a task that takes too long is stopped", {
  local_workers(executionTimeoutSeconds = 0.3)
  hangs <- function(x) if (x == 2) repeat NULL else x
  expect_warning(result <- rxExec(hangs, rxElemArg(1:4)), "longer than 0.3 seconds")
  expect_s3_class(result[[2]], "rxscale_error_timeout")
  expect_identical(unlist(result[-2], use.names = FALSE), c(1L, 3L, 4L))
})

test_that("rxExec in a task runs there, also by workers of the worker", {
  local_workers()
  inner <- function(x) unlist(rxExec(function(y) y * 10, rxElemArg(1:3))) + x
  expect_identical(unname(rxExec(inner, rxElemArg(1:2))[[2]]), c(12, 22, 32))
  deeper <- function(x) {
    rxSetComputeContext("localpar")
    unlist(rxExec(function(y) Sys.getpid(), rxElemArg(1:2)))
  }
  workers <- unlist(rxExec(deeper, rxElemArg(1:2)))
  expect_false(Sys.getpid() %in% workers)
})

test_that("the same workers serve all calls, and no process is left when the session ends", {
  local_workers()
  pids <- function() sort(unique(unlist(rxExec(function(x) {
    Sys.sleep(0.1)
    Sys.getpid()
  }, rxElemArg(1:4)))))
  first <- pids()
  expect_identical(pids(), first)
  expect_identical(unique(descendants()$state == "Z"), FALSE)
  # One session ends by itself, the other one is killed while a task runs that has started a program.
  skip_on_cran()
  skip_if_not_installed("callr")
  start <- function(session, wait) {
    session$call(function(wait) {
      library(rxscale)
      rxSetComputeContext("localpar")
      rxExec(function(wait) if (wait) system("sleep 100") else 1, rep(wait, 2)[1], timesToRun = 2)
    }, list(wait))
  }
  ended <- callr::r_session$new()
  start(ended, FALSE)
  ended$poll_process(20000)
  workers <- descendants(ended$get_pid())$pid
  expect_gte(length(workers), 1)
  ended$close()
  expect_true(eventually(!any(vapply(workers, lives, NA))))
  killed <- callr::r_session$new()
  start(killed, TRUE)
  expect_true(eventually(nrow(descendants(killed$get_pid())) >= 4))
  workers <- descendants(killed$get_pid())$pid
  tools::pskill(killed$get_pid(), tools::SIGKILL)
  expect_true(eventually(!any(vapply(workers, lives, NA))))
})

test_that("a forked child has workers of its own", {
  local_workers()
  pids <- function(...) {
    unique(unlist(rxExec(function(x) {
      Sys.sleep(0.1)
      Sys.getpid()
    }, rxElemArg(1:2))))
  }
  before <- pids()
  forked <- parallel::mclapply(1:2, pids)
  expect_false(any(unlist(forked) %in% before))
  expect_true(eventually(!any(vapply(unlist(forked), lives, NA))))
  expect_setequal(pids(), before)
})

test_that("Ctrl-C stops all tasks within half a second, and the session goes on", {
  skip_on_os("windows")
  skip_on_cran()
  skip_if_not_installed("callr")
  session <- callr::r_session$new()
  withr::defer(session$close())
  session$run(function() {
    library(rxscale)
    rxSetComputeContext("localpar")
    rxExec(identity, rxElemArg(1:2))
  })
  session$call(function() {
    outcome <- tryCatch(rxExec(function(x) Sys.sleep(100), rxElemArg(1:10)), interrupt = function(c) "interrupted")
    list(outcome, unlist(rxExec(function(x) x^2, rxElemArg(1:3)), use.names = FALSE))
  })
  # Both workers are in their tasks.
  Sys.sleep(0.5)
  sleeping <- descendants(session$get_pid())$pid
  start <- proc.time()[["elapsed"]]
  session$interrupt()
  expect_true(eventually(!any(vapply(sleeping, lives, NA))))
  expect_lt(proc.time()[["elapsed"]] - start, 1)
  expect_identical(session$poll_process(10000), "ready")
  expect_identical(session$read()$result, list("interrupted", c(1, 4, 9)))
})

test_that("the error of a task names the function that the task called", {
  local_workers()
  # As a user would write it, outside of the package.
  summarise <- function(f) rxSummary(f, mtcars)
  environment(summarise) <- globalenv()
  expect_warning(result <- rxExec(summarise, rxElemArg(list(~mgp, ~mpg))))
  expect_s3_class(result[[1]], "rxscale_error_missing_column")
  expect_identical(conditionCall(result[[1]])[[1]], quote(rxSummary))
})

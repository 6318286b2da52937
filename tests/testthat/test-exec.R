# Tasks and their arguments, and results that do not depend on where they run.

plus <- function(x, y = 0, z = 0) x + 10 * y + 100 * z

test_that("every context gives the same results", {
  skip_on_os("windows")
  skip_if_not_installed("foreach")
  add <- 1000
  closure <- local({
    base <- 5
    function(x) plus(x) + base + add
  })
  calls <- list(
    one = function() rxExec(plus, rxElemArg(1:5)),
    several = function() rxExec(plus, z = rxElemArg(c(a = 3, b = 4)), rxElemArg(list(1, 2)), 7),
    sets = function() rxExec(plus, elemArgs = list(first = list(1, z = 2), second = list(3)), y = 4),
    single = function() rxExec(plus, elemArgs = 1:3),
    repeated = function() rxExec(plus, elemArgs = list(list(2, 3)), timesToRun = 3),
    times = function() rxExec(function() "same", timesToRun = 4),
    chunks = function() rxExec(plus, rxElemArg(1:7), taskChunkSize = 3),
    closure = function() rxExec(closure, rxElemArg(1:3)),
    named = function() rxExec("plus", rxElemArg(1:2)),
    primitive = function() rxExec(sum, rxElemArg(1:2), 5),
    package = function() rxExec(stats::median, rxElemArg(list(1:3, 5:9))),
    null = function() rxExec(function(x) NULL, rxElemArg(1:2)),
    frames = function() rxExec(function(d) ncol(d), rxElemArg(list(mtcars, iris))),
    none = function() rxExec(plus, rxElemArg(list())),
    factors = function() rxExec(function(f) levels(f), rxElemArg(factor(c("u", "v")))),
    random = function() rxExec(function(n) c(runif(1), rnorm(n), sample(100, 1)), rxElemArg(1:6), RNGseed = 11),
    model = function() {
      lapply(rxExec(rxLinMod, rxElemArg(list(mpg ~ hp, mpg ~ wt)), data = mtcars), function(m) list(coef(m), m$call))
    }
  )
  local_context_of(RxLocalSeq())
  expected <- lapply(calls, function(call) call())
  expect_identical(unlist(expected$one), c(rxElem1 = 1, rxElem2 = 2, rxElem3 = 3, rxElem4 = 4, rxElem5 = 5))
  expect_identical(expected$several, list(rxElem1 = 371, rxElem2 = 472))
  expect_identical(expected$sets, list(first = 241, second = 43))
  expect_identical(expected$closure$rxElem2, 1007)
  expect_equal(unname(expected$model$rxElem2[[1]]), unname(coef(lm(mpg ~ wt, mtcars))))
  expect_identical(expected$model$rxElem1[[2]][[1]], quote(rxLinMod))
  local_context_of(RxLocalParallel())
  expect_identical(lapply(calls, function(call) call()), expected)
  foreach::registerDoSEQ()
  local_context_of(RxForeachDoPar())
  expect_identical(lapply(calls, function(call) call()), expected)
})

test_that("streams of random numbers are L'Ecuyer's, for any number of workers, and this session's go on", {
  skip_on_os("windows")
  draw <- function() rxExec(function() runif(3), timesToRun = 5, RNGseed = 99)
  set.seed(1)
  before <- .Random.seed
  local_context_of(RxLocalSeq())
  found <- draw()
  expect_identical(.Random.seed, before)
  withr::with_preserve_seed({
    RNGkind("L'Ecuyer-CMRG")
    set.seed(99)
    for (task in 1:5) {
      stream <- .Random.seed
      expect_identical(found[[task]], runif(3))
      assign(".Random.seed", parallel::nextRNGStream(stream), envir = globalenv())
    }
  })
  RNGkind("default")
  set.seed(1)
  local_workers()
  old <- rxOptions(numCoresToUse = 1)
  withr::defer(do.call(rxOptions, old))
  expect_identical(draw(), found)
  rxOptions(numCoresToUse = -1)
  expect_identical(draw(), found)
  expect_identical(.Random.seed, before)

  auto <- function() rxExec(function() runif(1), timesToRun = 3, RNGseed = "auto")
  set.seed(5)
  first <- auto()
  expect_false(anyDuplicated(unlist(first)) > 0)
  set.seed(5)
  expect_identical(auto(), first)
  expect_false(identical(rxExec(runif, 1, timesToRun = 2, RNGkind = "auto")$rxElem1, first$rxElem1))
  expect_warning(rxExec(runif, 1, RNGkind = "MT2203"), "L'Ecuyer-CMRG")
  expect_error(rxExec(runif, 1, RNGseed = 1.5), class = "rxscale_error_argument")
  expect_error(rxExec(runif, 1, RNGkind = "Wichmann"), class = "rxscale_error_argument")
})

test_that("tasks run as often as the context says where nothing else does", {
  expect_length(rxExec(function() 1), 1)
  local_workers()
  old <- rxOptions(numCoresToUse = 2)
  withr::defer(do.call(rxOptions, old))
  expect_length(rxExec(function() 1), min(2, available_cores()))
  expect_named(rxExec(function() 1, oncePerElem = TRUE), rx_node_name())
})

test_that("expressions are arguments as they are, or evaluated, as do.call() has it", {
  limit <- 100
  count <- function(...) nrow(rxImport(mtcars, ..., reportProgress = 0))
  hp <- function(e) eval(substitute(e), mtcars)
  for (context in list(RxLocalSeq(), RxLocalParallel())) {
    skip_on_os("windows")
    local_context_of(context)
    chosen <- rxExec(rxDataStep, mtcars, rowSelection = rxElemArg(expression(hp > 100, hp > limit, cyl == 4)))
    expect_equal(unname(vapply(chosen, nrow, 0L)), c(sum(mtcars$hp > 100), sum(mtcars$hp > 100), sum(mtcars$cyl == 4)))
    expect_identical(rxExec(function(x) class(x), quote(1 + 2))[[1]], "numeric")
    expect_identical(rxExec(function(x) class(x), quote(1 + 2), quote = TRUE)[[1]], "call")
  }
})

test_that("objects and packages are there where they are asked for", {
  hidden <- 3
  by_name <- function(x) x + get("hidden_object")
  environment(by_name) <- globalenv()
  hidden_object <- 40
  objects <- list2env(list(hidden_object = 50), parent = emptyenv())
  attached <- function(x) "package:tools" %in% search()
  for (context in list(RxLocalSeq(), RxLocalParallel())) {
    skip_on_os("windows")
    local_context_of(context)
    expect_identical(rxExec(by_name, 2, execObjects = "hidden_object")[[1]], 42)
    expect_identical(rxExec(by_name, 2, execObjects = objects)[[1]], 52)
    expect_identical(rxExec(attached, 1, packagesToLoad = "tools")[[1]], TRUE)
    expect_error(rxExec(by_name, 2, execObjects = "no_such_object"), class = "rxscale_error_argument")
  }
  expect_false("package:tools" %in% search())
  expect_false(exists("hidden_object", envir = globalenv()))
  expect_error(rxExec(attached, 1, packagesToLoad = "nopackage"), class = "rxscale_error")
})

test_that("what tasks print can be shown or hidden", {
  loud <- function(x) {
    cat("task", x, "\n")
    x
  }
  expect_output(rxExec(loud, rxElemArg(1:2)), "task 1 \ntask 2 ")
  expect_silent(rxExec(loud, rxElemArg(1:2), consoleOutput = FALSE))
  local_workers()
  expect_silent(rxExec(loud, rxElemArg(1:2)))
  expect_output(rxExec(loud, 1, consoleOutput = TRUE), "task 1 ")
})

test_that("wrong arguments are told", {
  expect_snapshot(error = TRUE, rxExec(3))
  expect_snapshot(error = TRUE, rxExec("no_such_function"))
  expect_snapshot(error = TRUE, rxExec(plus, rxElemArg(1:2), y = rxElemArg(1:3)))
  expect_snapshot(error = TRUE, rxExec(plus, rxElemArg(1:2), timesToRun = 3))
  expect_snapshot(error = TRUE, rxExec(plus, rxElemArg(1:2), oncePerElem = TRUE))
  expect_snapshot(error = TRUE, rxExec(plus, 1, oncePerElem = TRUE, taskChunkSize = 2))
  expect_snapshot(error = TRUE, rxExec(plus, 1, foreachOpts = list(.verbose = TRUE)))
  expect_error(rxExec(plus, 1, taskChunkSize = 0), class = "rxscale_error_argument")
  expect_error(rxExec(plus, 1, elemType = "tapes"), class = "rxscale_error_argument")
  expect_error(rxExec(plus, 1, execObjects = 3), class = "rxscale_error_argument")
  expect_error(rxExec(plus, 1, autoCleanup = "yes"), class = "rxscale_error_argument")
  expect_error(rxElemArg(NULL), class = "rxscale_error_argument")
})

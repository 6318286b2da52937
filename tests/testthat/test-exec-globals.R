# What travels with a function: what it uses, all of it and nothing else.

scale_by <- function(x) x * factor_of_scale
factor_of_scale <- 3

test_that("functions find what they use, however deep, in the worker", {
  local_workers()
  offset <- 100
  recursive <- function(n) if (n == 0) offset else 1 + recursive(n - 1)
  expect_identical(rxExec(recursive, 3)[[1]], 103)
  expect_identical(rxExec(function(x) helper(x), 2, execObjects = list2env(list(helper = function(x) x + 5)))[[1]], 7)
  outer_function <- function(x) vapply(x, scale_by, 0)
  expect_identical(rxExec(outer_function, 1:2)[[1]], c(3, 6))
  expect_identical(rxExec(function(f, x) f(x), scale_by, 2)[[1]], 6)
  expect_identical(rxExec(function(l) l$f(2), list(f = scale_by))[[1]], 6)
  expect_identical(unlist(rxExec(function(f) f(2), rxElemArg(list(scale_by, recursive))), use.names = FALSE), c(6, 102))
})

test_that("functions that share an environment share it there, too", {
  local_workers()
  count <- 0
  up <- function() count <<- count + 1
  now <- function() count
  twice <- function(x) {
    up()
    up()
    now()
  }
  expect_identical(rxExec(twice, 1, timesToRun = 1)[[1]], 2)
  expect_identical(count, 0)
})

# A function as it is sent, and all that goes with it.
sent <- function(fun, env = parent.frame()) {
  luggage <- new_luggage()
  list(fun = packed(fun, env, luggage), luggage = luggage)
}

test_that("what a function does not use stays here", {
  large <- numeric(1e6)
  small <- sent(function(x) x + 1)
  expect_lt(length(exec_bytes(small$fun)), 2000)
  expect_length(ls(small$luggage$globals), 0)
  expect_gt(length(exec_bytes(sent(function(x) large)$fun)), 8e6)
})

test_that("packages attached here are attached there if something of them is used", {
  local_workers()
  skip_if("package:tools" %in% search())
  withr::local_package("tools")
  expect_identical(rxExec(function(x) toTitleCase(x), "two words")[[1]], "Two Words")
  expect_identical(sent(function(x) file_ext(lattice::xyplot(x)))$luggage$packages, "tools")
})

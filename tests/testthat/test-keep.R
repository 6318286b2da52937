test_that("a kept function has what it uses and nothing else", {
  make <- function() {
    big <- rnorm(1e5)
    factor <- 2
    twice <- function(x) x * factor
    function(x) twice(x) + 1
  }
  fun <- make()
  kept <- small_function(fun)
  expect_identical(kept(1:3), fun(1:3))
  expect_identical(ls(environment(kept)), "twice")
  expect_identical(ls(environment(environment(kept)$twice)), "factor")
  expect_identical(parent.env(environment(kept)), globalenv())
  expect_lt(length(serialize(kept, NULL)), 5000)
})

test_that("functions of packages, primitives and other values stay as they are", {
  for (value in list(stats::median, sum, 1:3, "text", NULL)) {
    expect_identical(small_function(value), value)
  }
})

test_that("functions that call themselves or each other are copied once", {
  factorial_of <- function(n) if (n < 2) 1 else n * factorial_of(n - 1)
  expect_identical(small_function(factorial_of)(5), 120)
  even <- function(n) n == 0 || odd(n - 1)
  odd <- function(n) n != 0 && even(n - 1)
  expect_true(small_function(even)(10))
})

test_that("objects are looked for where the code was written, and columns hide them", {
  limit <- 5
  hidden <- 1
  outer <- list2env(list(limit = 7), parent = globalenv())
  code <- function() x > limit & hidden
  expect_identical(used_objects(code, list(environment()), hidden = "hidden"), list(limit = 5))
  expect_identical(used_objects(code, list(outer, environment()), hidden = "hidden"), list(limit = 7))
  expect_length(used_objects(function() absent_everywhere, list(environment())), 0)
})

test_that("calls keep names in place of large values", {
  data <- data.frame(x = 1:1000)
  call <- do.call(rxLinMod, list(mpg ~ wt, data = mtcars))$call
  expect_identical(call$data, as.name("data"))
  small <- small_call(as.call(list(as.name("f"), a = 1:3, b = data, c = 1:1000, d = quote(x + y))))
  expect_identical(as.list(small)[-1], list(a = 1:3, b = as.name("b"), c = as.name("c"), d = quote(x + y)))
})

test_that("a formula loses the environment that may hold the data", {
  formula <- local({
    big <- rnorm(1e5)
    y ~ x
  })
  expect_identical(environment(small_formula(formula)), globalenv())
  expect_identical(deparse(small_formula(formula)), "y ~ x")
})

test_that("a model is small and predicts in another place", {
  fit <- local({
    big <- rnorm(1e6)
    shift <- 3
    rxLinMod(mpg ~ heavy, mtcars, transforms = list(heavy = wt + shift))
  })
  expect_lt(length(serialize(fit, NULL)), 50000)
  again <- unserialize(serialize(fit, NULL))
  expect_equal(rxPredict(again, mtcars)$mpg_Pred, unname(fitted(lm(mpg ~ I(wt + 3), mtcars))), tolerance = 1e-12)
})

test_that("tables and summaries keep neither the data nor where they were made", {
  made <- local({
    big <- rnorm(1e6)
    cars <- cbind(mtcars[rep(1:32, 1000), ], big[1:32000])
    list(
      rxSummary(mpg ~ F(cyl), cars), rxCrossTabs(mpg ~ F(cyl):F(gear), cars), rxCube(mpg ~ F(cyl), cars),
      do.call(rxSummary, list(mpg ~ F(cyl), data = cars)), do.call(rxCrossTabs, list(~ F(cyl):F(gear), data = cars)),
      do.call(rxCube, list(mpg ~ F(cyl), data = cars))
    )
  })
  expect_lt(max(lengths(lapply(made, serialize, NULL))), 50000)
})

read_formula <- function(formula, names = c("y", "x", "z", "a", "b", "s"), ...) parse_formula(formula, names, ...)
labels_of <- function(formula, ...) vapply(read_formula(formula, ...)$terms, function(term) term$label, "")
variables_of <- function(formula) read_formula(formula)$variables

test_that("terms keep their order and interactions expand", {
  expect_identical(labels_of(~ a:b + x + a), c("a:b", "x", "a"))
  expect_identical(labels_of(~ a * b), c("a", "b", "a:b"))
  expect_identical(labels_of(~ x + a * b - a), c("x", "b", "a:b"))
  expect_identical(labels_of(~ a * b * x), c("a", "b", "a:b", "x", "a:x", "b:x", "a:b:x"))
  expect_true(read_formula(y ~ x)$intercept)
  expect_false(read_formula(y ~ x - 1)$intercept)
  expect_false(read_formula(y ~ 0 + x)$intercept)
})

test_that("a dot is all variables but the response and those that are skipped", {
  expect_identical(labels_of(~.), c("y", "x", "z", "a", "b", "s"))
  expect_identical(labels_of(y ~ .), c("x", "z", "a", "b", "s"))
  expect_identical(labels_of(~ . - a, skip = "s"), c("y", "x", "z", "b"))
  expect_identical(labels_of(log(y) ~ .), c("x", "z", "a", "b", "s"))
  expect_identical(labels_of(cbind(y, x) ~ .), c("z", "a", "b", "s"))
  odd <- read_formula(~., names = c("two words", "1st", "a.b"))
  expect_identical(vapply(odd$variables, function(v) v$column, ""), c("two words", "1st", "a.b"))
})

test_that("responses are variables of their own", {
  parsed <- read_formula(cbind(y, log(z)) ~ x)
  expect_identical(vapply(parsed$variables[parsed$response], function(v) v$column, ""), c("y", "log(z)"))
  expect_identical(parsed$expressions, list("log(z)" = quote(log(z))))
  expect_length(read_formula(~x)$response, 0)
})

test_that("expressions are columns named as they are written", {
  parsed <- read_formula(y ~ log(x) + I(x^2) + (z > 0) + pow(x, 2))
  expect_identical(
    parsed$expressions,
    list("log(x)" = quote(log(x)), "I(x^2)" = quote(x^2), "z > 0" = quote(z > 0), "pow(x, 2)" = quote(pow(x, 2)))
  )
})

test_that("a power is arithmetic, of a sum in parentheses a crossing", {
  expect_identical(labels_of(y ~ x^2 + x), c("I(x^2)", "x"))
  expect_setequal(labels_of(~ (a + b)^2), c("a", "b", "a:b"))
  expect_identical(labels_of(~ a:z^2), "a:I(z^2)")
  expect_identical(labels_of(~ log(x)^2), "I(log(x)^2)")
  data <- small_data()
  fit <- rxLinMod(y ~ x + x^2, data)
  expect_equal(unname(coef(fit)), unname(stats::coef(stats::lm(y ~ x + I(x^2), data))), tolerance = 1e-11)
})

test_that("F() and N() are read with their bounds and labels", {
  label <- function(formula) variables_of(formula)[[1]]$label
  expect_identical(label(~ F(x)), "F_x")
  expect_identical(label(~ F(x, 1, 9)), "F_x_1_9_T")
  expect_identical(label(~ F(x, low = 0, high = 5, exclude = FALSE)), "F_x_0_5_F")
  expect_identical(variables_of(~ F(x, -1, 9))[[1]]$floor, list(low = -1, high = 9, exclude = TRUE))
  expect_identical(variables_of(~ F(log(x)))[[1]]$expression, quote(log(x)))
  expect_identical(label(~ N(a)), "N_a")
  expect_true(variables_of(~ N(a))[[1]]$codes)
  expect_error(read_formula(~ F(x, "a", 3)), class = "rxscale_error_argument", regexp = "`low` must be a whole number")
  expect_error(read_formula(~ F(x, 5, 3)), class = "rxscale_error_argument", regexp = "`low` must be no greater")
  expect_error(read_formula(~ F(x, nowhere)), class = "rxscale_error_argument", regexp = "'nowhere' not found")
  low <- 2
  expect_identical(label(~ F(x, low, low + 1)), "F_x_2_3_T")
  expect_error(read_formula(~ F(x, lower = 3)), class = "rxscale_error_argument", regexp = "unused argument")
  expect_error(read_formula(~ F()), class = "rxscale_error_argument")
  expect_error(read_formula(~ N()), class = "rxscale_error_argument")
  expect_error(read_formula(~ F(x, exclude = NA)), class = "rxscale_error_argument", regexp = "`exclude`")
})

test_that("what is no formula of one column a variable is refused", {
  expect_error(read_formula("y ~ x"), class = "rxscale_error_argument", regexp = "`formula`")
  expect_error(read_formula(y ~ x + offset(z)), class = "rxscale_error_unsupported", regexp = "offset")
  error <- expect_error(rxLinMod(y ~ poly(z, 2), small_data()), class = "rxscale_error_transform")
  expect_identical(error$column, "poly(z, 2)")
})

test_that("long expressions stay one name", {
  long <- y ~ ifelse(x > 1.23456789 & z < 9.87654321, x * 1.23456789 + z * 9.87654321, x / 1.23456789 - z / 9.87654321)
  fit <- rxLinMod(long, small_data())
  expect_identical(dim(fit$coefficients), c(2L, 1L))
})

test_that("sums may be longer than R's stack is deep", {
  columns <- as.data.frame(matrix(1, 2, 2000))
  formula <- stats::reformulate(c(names(columns), "V1^2"))
  variables <- parse_formula(formula, names(columns))$variables
  expect_length(variables, 2001)
  expect_identical(variables[[2001]]$label, "I(V1^2)")
  expect_identical(powers_as_written(quote(+a + b^2 - (c + d^2))), quote(+a + I(b^2) - (c + I(d^2))))
})

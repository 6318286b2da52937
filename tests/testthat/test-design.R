test_that("cells count from the first category", {
  cells <- cell_levels(list(c("a", "b"), c("x", "y", "z")), c("f", "g"), 0:5)
  expect_identical(as.character(cells$f), rep(c("a", "b"), 3))
  expect_identical(as.character(cells$g), rep(c("x", "y", "z"), each = 2))
  expect_identical(levels(cells$g), c("x", "y", "z"))
})

test_that("a design names columns, kinds and positions", {
  data <- data.frame(y = 1, x = 2, f = factor("a"), w = 1)
  design <- model_design(y ~ x + f:x, data, list(caller = environment()), pweights = "w")
  expect_identical(design$kinds, c("numeric", "category", "numeric"))
  expect_identical(design$index, c(0L, 0L, 1L))
  expect_identical(design$engine_variables$weight, list(column = "w", kind = "probability"))
  expect_identical(term_index(design, design$terms[[2]], "category"), list(0L))
  expect_null(design$source$transform)
})

test_that("only one kind of weight can be given", {
  expect_error(weight_variable("a", "b"), class = "rxscale_error_argument")
  expect_null(weight_variable(NULL, NULL))
})

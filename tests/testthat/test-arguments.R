test_that("a misspelt name is answered with the nearest one, if any is near", {
  expect_identical(nearest_name("arr_dely", c("dep_delay", "arr_delay")), "arr_delay")
  expect_null(nearest_name("carrier", c("x", "y")))
  expect_null(nearest_name("x", character()))
})

test_that("append is a word or a flag", {
  expect_false(appends_rows("none"))
  expect_true(appends_rows("rows"))
  expect_true(appends_rows(TRUE))
  expect_error(appends_rows("cols"), class = "rxscale_error_argument")
})

test_that("columns are kept or dropped, never both", {
  expect_identical(kept_columns(c("a", "b", "c"), keep = c("c", "a")), c("c", "a"))
  expect_identical(kept_columns(c("a", "b", "c"), drop = "b"), c("a", "c"))
  expect_error(kept_columns("a", keep = "a", drop = "a"), class = "rxscale_error_argument")
  error <- expect_error(kept_columns("carrier", keep = "carier"), class = "rxscale_error_missing_column")
  expect_identical(error$column, "carier")
  expect_identical(error$hint, "Did you mean 'carrier'?")
})

test_that("an argument that nobody takes is named in a warning", {
  expect_warning(rxSummary(~mpg, mtcars, pweightsb = 1), "Unknown argument `pweightsb` is ignored. Did you mean `pweights`?",
    fixed = TRUE
  )
})

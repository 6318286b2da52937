test_that("an error carries its class, its place and what to do", {
  error <- expect_error(
    rx_abort("value", "Value 'x' is not a number.", "Say colClasses = c(a = \"character\").", "a", "data.csv", 7),
    class = "rxscale_error_value"
  )
  expect_s3_class(error, c("rxscale_error_value", "rxscale_error", "error", "condition"), exact = TRUE)
  expect_identical(error[c("column", "file", "row")], list(column = "a", file = "data.csv", row = 7))
})

test_that("messages read well", {
  expect_snapshot(error = TRUE, {
    rx_abort("argument", "`x` must be a number.", call = quote(f(x = "a")))
    rx_abort("file", "Cannot open 'x.csv'.", "Check its name.", call = quote(f("x.csv")))
    engine_call(rx_engine_import, frame_source(data.frame(arr_delay = 1)), "arr_dely", list(type = "frame"), one_job())
  })
})

test_that("an old name says the new one once", {
  withr::defer(state$old_names <- old)
  old <- state$old_names
  state$old_names <- NULL
  expect_message(rxGetVarInfoXdf(flights_xdf()), "rxGetVarInfoXdf() is an old name: rxGetVarInfo() is", fixed = TRUE)
  expect_silent(rxGetVarInfoXdf(flights_xdf()))
  expect_message(rxGetInfoXdf(flights_xdf()), "rxGetInfo()", fixed = TRUE)
})

test_that("messages name the first ten of many", {
  expect_identical(first_names("a"), "a")
  expect_identical(first_names(1:10), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")
  expect_identical(first_names(1:11), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...")
})

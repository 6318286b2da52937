test_that("Parquet keeps types, levels and missing values", {
  data <- data.frame(
    i = c(1L, NA), x = c(0.5, NaN), f = factor(c("b", "a"), levels = c("b", "a")), s = c("t", NA),
    d = as.Date(c("2013-01-01", NA)), l = c(TRUE, NA)
  )
  source <- RxParquetData(tempfile(fileext = ".parquet"))
  on.exit(unlink(source@file))
  expect_identical(rxImport(rxImport(data, source)), data)
  expect_identical(dim(source), c(2L, 6L))
})

# A source that hands over a data frame, and counts its passes.
methods::setClass("HandedFrame", contains = c("RxDataSource", "RxForeignData"), where = environment(), representation(
  data = "list", seen = "environment"
))
methods::setMethod("open_rows", "HandedFrame", where = environment(), function(source, columns) {
  source@seen$open <- source@seen$open + 1
  data <- as.data.frame(source@data)
  at <- 0
  list(
    fetch = function(rows) {
      taken <- data[at + seq_len(max(0, min(rows, nrow(data) - at))), , drop = FALSE]
      taken <- taken[intersect(columns %||% names(data), names(data))]
      at <<- at + nrow(taken)
      source@seen$rows <- max(source@seen$rows, nrow(taken))
      if (!is.null(source@seen$fail) && at > source@seen$fail) stop("lost")
      taken
    },
    close = function() source@seen$open <- source@seen$open - 1
  )
})
methods::setMethod("plain_rows", "HandedFrame", where = environment(), function(source, rows) as.list(rows))

handed <- function(data, rows = 1000, ...) {
  seen <- list2env(list(open = 0, rows = 0))
  methods::new(
    "HandedFrame",
    data = as.list(data), seen = seen, rowsOrBlocksPerRead = rows, returnDataFrame = TRUE, stringsAsFactors = FALSE, ...
  )
}

test_that("rows are fetched in chunks, and only those wanted", {
  data <- data.frame(x = rnorm(5500), g = rep(c("b", "a", "c", "d"), 1375))
  source <- handed(data)
  expect_equal(rxImport(source), data)
  expect_equal(source@seen$rows, 1000)
  few <- handed(data)
  expect_equal(head(few, 20), data[1:20, ])
  expect_lte(few@seen$rows, 100)
  expect_equal(rxImport(few, numRows = 3), data[1:3, ])
  expect_equal(rxDataStep(few, startRow = 2990, numRows = 20), data[2990:3009, ], ignore_attr = TRUE)
  expect_equal(few@seen$open, 0)
})

test_that("labels that come late are levels like the others", {
  data <- data.frame(g = c(rep("b", 3000), "a", NA, "c"), y = seq_len(3003))
  source <- handed(data, colClasses = c(g = "factor"))
  expect_equal(levels(rxImport(source)$g), c("b", "a", "c"))
  expect_equal(rxGetVarInfo(source)$g$levels, character())
  expect_equal(rxGetVarInfo(source, computeInfo = TRUE)$g$levels, c("b", "a", "c"))
  expect_equal(as.vector(rxSummary(y ~ g, source)$categorical[[1]]$ValidObs), c(3000, 1, 1))
  # Codes are needed before all labels are known; rows are not kept.
  expect_error(rxSummary(~ N(g), source), "colInfo", class = "rxscale_error_unsupported")
  named <- handed(data, colInfo = list(g = list(type = "factor", levels = c("a", "b"), low = 1, high = 2)))
  expect_equal(rxGetVarInfo(named)$g$levels, c("a", "b"))
})

test_that("colInfo's bounds are those of F()", {
  source <- handed(data.frame(x = c(1, 2, 9)), colInfo = list(x = list(low = 1, high = 3, description = "some")))
  expect_equal(rxGetVarInfo(source)$x[c("description", "low", "high")], list(description = "some", low = 1, high = 3))
  expect_equal(as.vector(rxCube(~ F(x), source)$Counts), c(1, 1, 0))
  expect_error(names(handed(data.frame(x = 1), colInfo = list(x = list(low = 1)))), class = "rxscale_error_argument")
})

test_that("a failure while rows are fetched ends the pass", {
  source <- handed(data.frame(x = rnorm(5000)))
  source@seen$fail <- 2500
  expect_error(rxSummary(~x, source), "lost")
  expect_error(rxImport(source), "lost")
  expect_error(rxQuantile("x", source), "lost")
  expect_equal(source@seen$open, 0)
  expect_length(passes$open, 0)
})

test_that("columns that change their type are told", {
  mixed <- handed(data.frame(x = 1:2000))
  layout <- foreign_layout(mixed)
  mixed@data <- list(x = as.character(1:2000))
  spec <- source_spec(mixed)
  spec$sample <- layout$sample
  expect_error(
    engine_call(rx_engine_import, spec, NULL, list(type = "frame"), job_options(0)),
    "Column 'x' was integer in the first rows and is character in later ones",
    class = "rxscale_error_value"
  )
  mixed@data <- list(y = 1)
  expect_error(foreign_pass(mixed, layout, "x")$fetch(1), class = "rxscale_error_missing_column")
})

test_that("sources beside and inside each other have passes of their own", {
  source <- handed(data.frame(x = c(1, 2, 4)), rows = 1)
  nested <- rxDataStep(source, transformFunc = function(data) {
    data$mean <- rep(rxSummary(~x, source, reportProgress = 0)$sDataFrame$Mean, length(data$x))
    data
  }, transformObjects = list(source = source))
  expect_equal(nested$mean, rep(7 / 3, 3))
  file <- temp_file()
  rxImport(data.frame(a = 1:3), file)
  beside <- rxDataStep(source, file, append = "cols")
  expect_equal(rxImport(beside), data.frame(a = 1:3, x = c(1, 2, 4)))
  expect_equal(source@seen$open, 0)
})

test_that("an interrupt ends the pass", {
  source <- handed(data.frame(x = rnorm(5000)))
  interrupted <- tryCatch(
    rxDataStep(source, transformFunc = function(data) {
      press <- structure(class = c("interrupt", "condition"), list(message = "", call = NULL))
      if (!.rxIsTestChunk) signalCondition(press)
      data
    }),
    interrupt = function(condition) "interrupted"
  )
  expect_equal(interrupted, "interrupted")
  expect_equal(source@seen$open, 0)
  expect_length(passes$open, 0)
})

test_that("columns of other than values are left out with a warning", {
  data <- data.frame(x = 1:3)
  data$l <- list(1, 2, 3)
  expect_warning(kept <- usable_rows(data), "'l' holds no plain values", class = "rxscale_warning")
  expect_named(kept, "x")
})

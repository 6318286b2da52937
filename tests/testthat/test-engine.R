every_type <- function() {
  data.frame(
    integer = c(1L, NA, 3L, -4L, 5L),
    double = c(1.5, NA, NaN, Inf, -1),
    logical = c(TRUE, NA, FALSE, TRUE, TRUE),
    character = c("b", NA, "a", "b", "\u00e9"),
    factor = factor(c("x", "y", NA, "x", "\u00e4"), levels = c("y", "\u00e4", "x", "unused")),
    ordered = factor(c("lo", "hi", "lo", NA, "hi"), levels = c("lo", "hi"), ordered = TRUE),
    date = as.Date("2020-02-28") + c(0:3, NA),
    integer_date = structure(18000L + 0:4, class = "Date"),
    time = as.POSIXct("2020-01-01", tz = "America/New_York") + c(0.5, 1:3, NA),
    local_time = as.POSIXct("2020-01-01") + 0:4
  )
}

test_that("every type passes the boundary both ways", {
  data <- every_type()
  expect_identical(through_engine(data), data)
  expect_equal(through_engine(data[0, ]), data[0, ], ignore_attr = "row.names")
  many <- data[rep(seq_len(nrow(data)), length.out = 200000), ]
  row.names(many) <- NULL
  for (threads in c(1, 4)) {
    expect_identical(through_engine(many, threads = threads), many)
  }
})

test_that("NA and NaN are told apart", {
  expect_identical(is.nan(through_engine(every_type())$double), c(FALSE, FALSE, TRUE, FALSE, FALSE))
})

test_that("64-bit integers become numbers if those can hold them", {
  # Low and high words of integers.
  bits <- function(...) structure(readBin(writeBin(c(...), raw()), "double", ...length() / 2), class = "integer64")
  expect_identical(through_engine(list(x = bits(7L, 0L, -1L, -1L, 0L, NA_integer_)))$x, c(7, -1, NA))
  error <- expect_error(through_engine(list(x = bits(0L, 1073741824L))), class = "rxscale_error_value")
  expect_identical(error[c("column", "row")], list(column = "x", row = 1))
})

test_that("text of other encodings arrives as UTF-8", {
  latin <- "caf\xe9"
  Encoding(latin) <- "latin1"
  read <- through_engine(data.frame(x = c(latin, "caf\u00e9", "tea"), f = factor(c(latin, "tea", "tea"))))
  expect_identical(read$x, c("caf\u00e9", "caf\u00e9", "tea"))
  expect_identical(levels(read$f), c("caf\u00e9", "tea"))
  expect_identical(Encoding(read$x[1]), "UTF-8")
})

test_that("only the columns asked for are touched", {
  data <- list(x = 1:3, list = list(1, 2, 3), matrix = matrix(1:6, 3), complex = 1i * 1:3, raw = as.raw(1:3))
  expect_identical(through_engine(data, "x")$x, 1:3)
  for (name in setdiff(names(data), "x")) {
    error <- expect_error(through_engine(data, name), class = "rxscale_error_wrong_type")
    expect_identical(error$column, name)
  }
  kinds <- vapply(engine_call(rx_engine_info, frame_source(data))$fields, function(field) field$kind, "")
  expect_identical(kinds, c("integer", rep("unsupported", 4)))
})

test_that("compact vectors stay compact", {
  compact <- function(x) any(grepl("compact", utils::capture.output(.Internal(inspect(x)))))
  data <- list(i = 1:100000, d = seq(1, 100000))
  skip_if_not(compact(data$i), "this R has no compact sequences")
  read <- through_engine(data)
  expect_true(compact(data$i) && compact(data$d))
  expect_identical(read$i, data$i + 0L)
  expect_identical(through_engine(list(s = as.character(1:3)))$s, c("1", "2", "3"))
})

test_that("vectors are viewed in place", {
  skip_if_not(file.exists("/proc/self/status"))
  grown <- in_child(function() {
    peak <- function() as.numeric(gsub("\\D", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
    package <- asNamespace("rxscale")
    source <- list(type = "frame", data = list(x = numeric(4e7) + 1), rows = 4e7)
    before <- peak()
    package$engine_call(package$rx_engine_scan_info, source, "x", package$job_options(0))
    peak() - before
  })
  expect_lt(grown, 100)
})

test_that("bad columns and specs are answered", {
  expect_error(through_engine(list(x = 1:3, x = 1:3)), class = "rxscale_error_argument", regexp = "occurs twice")
  expect_error(through_engine(list(x = 1:3, 4:6)), class = "rxscale_error_argument", regexp = "no name")
  expect_error(through_engine(list(x = 1:3, y = 1:2)), class = "rxscale_error_argument", regexp = "2 values")
  error <- expect_error(through_engine(data.frame(carrier = 1), "carier"), class = "rxscale_error_missing_column")
  expect_identical(error$hint, "Did you mean 'carrier'?")
  expect_error(engine_call(rx_engine_info, list()), class = "rxscale_error_argument")
  expect_error(engine_call(rx_engine_info, NULL), class = "rxscale_error_argument")
})

test_that("rows are counted from the first one wanted", {
  data <- data.frame(x = 1:10, f = factor(letters[1:10]))
  expect_identical(through_engine(data, start_row = 3, num_rows = 2), data.frame(x = 3:4, f = data$f[3:4]))
  expect_identical(nrow(through_engine(data, start_row = 20)), 0L)
})

test_that("information needs no pass, levels and bounds one", {
  data <- every_type()
  info <- engine_call(rx_engine_info, frame_source(data))
  expect_identical(info$rows, 5)
  expect_identical(info$fields[[5]]$levels, levels(data$factor))
  expect_null(info$fields[[4]]$levels)
  expect_identical(info$fields[[9]]$tz, "America/New_York")
  found <- engine_call(rx_engine_scan_info, frame_source(data), c("character", "integer", "factor"), one_job())
  expect_identical(found[[1]]$levels, c("b", "a", "\u00e9"))
  expect_identical(found[[2]][c("low", "high")], list(low = -4, high = 5))
  expect_identical(found[[3]]$levels, levels(data$factor))
})

long_job <- function() {
  package <- asNamespace("rxscale")
  data <- stats::setNames(rep(list(numeric(1.5e7)), 500), paste0("x", 1:500))
  source <- list(type = "frame", data = data, rows = 1.5e7)
  one_thread <- utils::modifyList(package$job_options(0), list(threads = 1))
  outcome <- tryCatch(
    {
      package$engine_call(package$rx_engine_scan_info, source, names(data), one_thread)
      "finished"
    },
    interrupt = function(condition) "interrupted"
  )
  after <- package$engine_call(package$rx_engine_import, list(type = "frame", data = list(x = 1:3), rows = 3), NULL,
    list(type = "frame"), package$job_options(0))
  list(outcome = outcome, after = after$columns$x)
}

test_that("Ctrl-C comes back within half a second and leaves a usable session", {
  skip_on_os("windows")
  skip_if_not_installed("callr")
  session <- callr::r_session$new()
  on.exit(session$close())
  session$call(long_job)
  Sys.sleep(2)
  expect_identical(session$poll_process(0), "timeout")
  pressed <- proc.time()[["elapsed"]]
  session$interrupt()
  expect_identical(session$poll_process(10000), "ready")
  seconds <- proc.time()[["elapsed"]] - pressed
  expect_identical(session$read()$result, list(outcome = "interrupted", after = 1:3))
  expect_lt(seconds, 0.5)
})

test_that("a forked child works", {
  skip_on_os("windows")
  results <- in_child(function() {
    package <- asNamespace("rxscale")
    low <- function(i) {
      source <- list(type = "frame", data = list(x = seq(i, 200000)), rows = 200000 - i + 1)
      package$engine_call(package$rx_engine_scan_info, source, "x", package$job_options(0))[[1]]$low
    }
    low(1)
    c(parallel::mclapply(1:4, low, mc.cores = 2), low(5))
  })
  expect_identical(results, list(1, 2, 3, 4, 5))
})

test_that("the library can be unloaded while its threads live", {
  expect_true(in_child(function() {
    package <- asNamespace("rxscale")
    package$engine_call(package$rx_engine_scan_info, list(type = "frame", data = list(x = 1:3), rows = 3), "x",
      package$job_options(0))
    unloadNamespace("rxscale")
    !"rxscale" %in% names(getLoadedDLLs())
  }))
})

test_that("a panic becomes an internal error, and blocks may come in any order", {
  skip_if_not(rx_engine_has_test_hooks(), "this is no test build")
  withr::with_envvar(c(RXSCALE_TEST_PANIC = "1"), {
    error <- expect_error(through_engine(data.frame(x = 1)), class = "rxscale_error_internal")
  })
  expect_match(conditionMessage(error), "a panic on purpose")
  data <- data.frame(x = seq_len(1e6) + 0L)
  for (seed in 1:3) {
    withr::with_envvar(c(RXSCALE_TEST_SHUFFLE = seed), expect_identical(through_engine(data), data))
  }
})

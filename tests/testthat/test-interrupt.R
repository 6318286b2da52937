# Ctrl-C during an analysis and an import: an interrupt condition within half a second, nothing left behind, a session
# that goes on. What the engine does by itself is in test-engine.R.

# Presses Ctrl-C while a call runs, again and again, in a session of its own, which has `wide`, large data, and `out`, the
# name of a file. If there is one afterwards, it has one of the numbers of rows in `rows`. A busy machine may be late once.
interrupted <- function(call, rows = quote(nrow(wide))) {
  skip_on_os("windows")
  skip_on_cran()
  skip_if_not_installed("callr")
  session <- callr::r_session$new()
  on.exit(session$close())
  # Some seconds of work: columns of the flights many times over.
  session$run(function(flights) {
    library(rxscale)
    data <- rxImport(flights)
    wide <- data[rep(seq_len(nrow(data)), 3), ]
    for (i in 1:60) wide[[paste0("x", i)]] <- wide$distance + wide$hour * i
    wide$level <- factor(seq_len(nrow(wide)) %% 300)
    assign("wide", wide, globalenv())
    assign("out", tempfile(fileext = ".xdf"), globalenv())
    assign("before", list.files(tempdir()), globalenv())
  }, list(flights_file()))
  seconds <- pressed(session, call, rows)
  if (seconds >= 0.5) seconds <- pressed(session, call, rows)
  expect_lt(seconds, 0.5)
}

# The seconds until the session was back.
pressed <- function(session, call, rows) {
  session$call(function(call, rows) {
    outcome <- tryCatch({
      for (i in 1:1000) {
        unlink(out)
        eval(call, globalenv())
      }
      "finished"
    }, interrupt = function(condition) "interrupted")
    left <- setdiff(list.files(tempdir(), all.files = TRUE), c(before, ".", "..", basename(out)))
    whole <- !file.exists(out) || nrow(RxXdfData(out)) %in% eval(rows, globalenv())
    list(outcome = outcome, left = left, whole = whole, after = unname(coef(rxLinMod(mpg ~ hp, mtcars))))
  }, list(call, rows))
  Sys.sleep(1)
  expect_identical(session$poll_process(0), "timeout")
  start <- proc.time()[["elapsed"]]
  session$interrupt()
  expect_identical(session$poll_process(10000), "ready")
  seconds <- proc.time()[["elapsed"]] - start
  result <- session$read()$result
  expect_identical(result$outcome, "interrupted")
  expect_identical(result$left, character())
  expect_true(result$whole)
  expect_equal(result$after, unname(stats::coef(stats::lm(mpg ~ hp, mtcars))))
  seconds
}

test_that("Ctrl-C stops a fit", {
  interrupted(quote(rxLinMod(reformulate(paste0("(", paste0("x", 1:30, collapse = "+"), ")^2"), "arr_delay"), wide)))
})

test_that("Ctrl-C stops a fit whose transforms run in R, and their copy of the data goes", {
  interrupted(quote(rxLinMod(arr_delay ~ text + x1, wide, transforms = list(
    text = vapply(dest, function(code) paste0(code, "-"), "")
  ))))
})

test_that("Ctrl-C stops an append, and the file is as it was or has all rows", {
  interrupted(quote({
    rxImport(wide[1:10, ], out, xdfCompressionLevel = 9)
    rxImport(wide, out, append = "rows", xdfCompressionLevel = 9)
  }), rows = quote(10 + c(0, nrow(wide))))
})

test_that("Ctrl-C stops an import, and no half-written file stays", {
  interrupted(quote(rxImport(wide, out, xdfCompressionLevel = 9, rowsPerRead = 20000)))
})

test_that("Ctrl-C stops a sort and a merge, and neither file nor temporary file stays", {
  interrupted(quote(rxSort(wide, out, sortByVars = c("dest", "x1"), type = "mergeSort")))
  kept <- c("dest", "carrier", "level", "x1")
  interrupted(bquote(rxSort(wide, sortByVars = c("dest", "x1"), varsToKeep = .(kept), maxRowsByCols = NULL)))
  interrupted(quote({
    airports <- data.frame(dest = unique(wide$dest), place = "somewhere")
    rxMerge(wide, airports, out, matchVars = "dest", bufferLimit = 50)
  }))
})

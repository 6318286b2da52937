data <- data.frame(
  x = c(1, 2, NA, 4, 5, 6, 7, 8), i = 1:8, f = factor(rep(c("a", "b"), 4), levels = c("b", "a")),
  s = c("u", "v", "w", "u", "v", "w", "u", "v"), wanted = rep(c(TRUE, NA, FALSE, TRUE), 2)
)

test_that("nothing to do is NULL", {
  expect_null(compose_transform(names(data)))
})

test_that("later transforms see earlier ones, NULL removes, scalars are recycled", {
  result <- transformed(data, transforms = quote(list(y = x * 2, z = y + 1, y = NULL, one = 1L, text = paste(s, f))))
  expect_identical(names(result), c(names(data), "z", "one", "text"))
  expect_identical(result$z, data$x * 2 + 1)
  expect_identical(result$one, rep(1L, 8))
  expect_identical(result$text, paste(data$s, data$f))
  expect_identical(result[names(data)], data)
})

test_that("transforms come in all the forms", {
  asked <- expression(list(y = x + 1))
  expect_identical(transformed(data, transforms = quote(asked))$y, data$x + 1)
  expect_identical(transformed(data, transforms = quote(expression(list(y = x + 1))))$y, data$x + 1)
  expect_error(transformed(data, transforms = quote(x + 1)), class = "rxscale_error_argument")
})

test_that("rowSelection takes the rows that are TRUE, in all forms", {
  expect_identical(transformed(data, rowSelection = quote(x > 3))$i, 4:8)
  expect_identical(transformed(data, rowSelection = "wanted")$i, c(1L, 4L, 5L, 8L))
  expect_identical(transformed(data, rowSelection = quote(wanted))$i, c(1L, 4L, 5L, 8L))
  asked <- expression(x > y)
  selected <- transformed(data, transforms = quote(list(y = 5)), rowSelection = quote(asked))
  expect_identical(selected$i, 6:8)
  expect_identical(selected$f, data$f[6:8])
  expect_identical(nrow(transformed(data, rowSelection = quote(i > 100))), 0L)
  expect_error(
    transformed(data, rowSelection = quote(i)),
    class = "rxscale_error_transform", regexp = "must be logical"
  )
})

test_that("transformFunc runs first, then transforms, then the selection", {
  add <- function(chunk) {
    chunk$y <- chunk$x * 10
    chunk
  }
  result <- transformed(data, transformFunc = add, transforms = quote(list(z = y + 1)), rowSelection = quote(z > 50))
  expect_identical(result$z, c(51, 61, 71, 81))
  drop <- function(chunk) if (.rxChunkNum == 2) NULL else chunk["i"]
  expect_identical(transformed(data, transformFunc = drop), data.frame(i = c(1:3, 7:8)))
  select <- function(chunk) c(chunk, list(.rxRowSelection = chunk$i %% 2 == 0))
  expect_identical(transformed(data, transformFunc = select)$i, c(2L, 4L, 6L, 8L))
  expect_identical(transformed(data, transformFunc = select, rowSelection = quote(i > 6))$i, 7:8)
  expect_identical(transformed(data, transformFunc = function(chunk) list(n = length(chunk$i)))$n, c(3L, 3L, 2L))
})

test_that("transformVars says what transformFunc gets", {
  seen <- NULL
  look <- function(chunk) {
    seen <<- names(chunk)
    chunk
  }
  result <- transformed(data, transformFunc = look, transformVars = c("s", "x"))
  expect_identical(seen, c("s", "x"))
  expect_setequal(names(result), names(data))
  transform <- compose_transform(names(data), transformFunc = look, transformVars = "s", keep = c("f", "x"))
  expect_setequal(transform$vars, c("f", "x", "s"))
  expect_setequal(transform$untouched, c("f", "x"))
  expect_error(
    compose_transform(names(data), transformFunc = look, transformVars = "wantd"),
    class = "rxscale_error_missing_column", regexp = "Did you mean 'wanted'"
  )
  forgotten <- function(chunk) list(y = x)
  expect_error(
    transformed(data, transformFunc = forgotten, transformVars = "i"),
    class = "rxscale_error_transform", regexp = "Add 'x' to `transformVars`"
  )
})

test_that("the code sees the chunk, objects, environment, packages and the caller's variables in this order", {
  threshold <- 2
  expect_identical(transformed(data, rowSelection = quote(i > threshold))$i, 3:8)
  expect_identical(
    transformed(data, rowSelection = quote(i > threshold), transformObjects = list(threshold = 6))$i, 7:8
  )
  expect_identical(transformed(data, rowSelection = quote(i > i0), transformObjects = list(i0 = 6, i = 100))$i, 7:8)
  bare <- list2env(list(threshold = 7), parent = baseenv())
  expect_identical(transformed(data, rowSelection = quote(i > threshold), transformEnvir = bare)$i, 8L)
  expect_identical(transformed(data, transforms = quote(list(y = head(i, 99))), transformEnvir = bare)$y, 1:8)
  expect_identical(
    transformed(data, transforms = quote(list(y = file_ext(s))), transformPackages = "tools")$y, rep("", 8)
  )
  expect_error(
    compose_transform("x", quote(list(y = x)), transformPackages = "noSuchPackage"), class = "rxscale_error_argument"
  )
  maker <- function(offset) function(chunk) list(y = chunk$i + offset)
  expect_identical(transformed(data, transformFunc = maker(10))$y, 1:8 + 10)
})

test_that("the row variables and shared objects of the reference work", {
  result <- transformed(data, transforms = quote(list(
    start = .rxStartRow, chunk = .rxChunkNum, rows = .rxNumRows, test = .rxIsTestChunk, predicting = .rxIsPrediction
  )))
  expect_identical(result$start, rep(c(1, 4, 7), c(3, 3, 2)))
  expect_identical(result$chunk, rep(1:3, c(3, 3, 2)))
  expect_identical(result$rows, rep(c(3L, 3L, 2L), c(3, 3, 2)))
  expect_false(any(result$test) || any(result$predicting))
  totals <- new.env()
  count <- function(chunk) {
    if (!.rxIsTestChunk) {
      .rxModify("rows", length(chunk$i))
      total <<- total + sum(chunk$i)
      .rxSet("last", .rxGet("rows"))
    }
    chunk
  }
  transformed(data, transformFunc = count, transformObjects = list(rows = 0, total = 0), transformEnvir = totals)
  expect_identical(mget(c("rows", "total", "last"), envir = totals), list(rows = 8, total = 36, last = 8))
})

test_that("expressions of the formula come last, without infinite values", {
  transform <- compose_transform(
    names(data), quote(list(y = i - 1)),
    formula_expressions = list("log(y)" = quote(log(y)), "pow(x, 2)" = quote(pow(x, 2))), keep = "s",
    rowSelection = quote(i < 4)
  )
  result <- through_engine(data, transform = transform)
  expect_identical(names(result), c("s", "log(y)", "pow(x, 2)"))
  expect_identical(result[["log(y)"]], c(NA, log(1:2)))
  expect_identical(result[["pow(x, 2)"]], c(1, 4, NA))
})

test_that("rows with missing values are removed at the end", {
  expect_identical(transformed(data, removeMissings = TRUE, keep = c("x", "i"))$i, c(1:2, 4:8))
})

test_that("errors tell the chunk, the message and the names in sight", {
  error <- expect_error(transformed(data, transforms = quote(list(y = wantd + 1))), class = "rxscale_error_transform")
  expect_snapshot(cat(conditionMessage(error)))
  late <- function(chunk) if (.rxChunkNum == 2) stop("bad luck") else chunk
  expect_error(transformed(data, transformFunc = late), "in chunk 2 (from row 4): bad luck", fixed = TRUE)
  uneven <- function(chunk) list(a = 1:3, b = 1:2)
  error <- expect_error(transformed(data, transformFunc = uneven), class = "rxscale_error_transform")
  expect_identical(error$column, "b")
  restless <- function(chunk) if (.rxChunkNum == 2) list(y = "text") else list(y = 1)
  error <- expect_error(transformed(data, transformFunc = restless), class = "rxscale_error_transform")
  expect_match(conditionMessage(error), "was numeric in the first rows and is character in chunk 2")
})

test_that("integers widen and missing values fit", {
  chunked <- function(chunk) list(y = if (.rxIsTestChunk) 0 else switch(.rxChunkNum, 1.5, NA, 2L))
  expect_identical(transformed(data, transformFunc = chunked)$y, c(1.5, NA, 2))
})

test_that("levels of later chunks are joined by label", {
  result <- transformed(data, transforms = quote(list(g = factor(s), k = s)))
  expect_identical(as.character(result$g), data$s)
  expect_identical(levels(result$g), c("u", "v", "w"))
  expect_identical(result$k, data$s)
})

test_that("warnings reach the user's handlers, messages the console", {
  warned <- character()
  result <- withCallingHandlers(
    transformed(data, transforms = quote(list(n = as.integer(s)))),
    warning = function(condition) {
      warned <<- c(warned, conditionMessage(condition))
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(result$n, rep(NA_integer_, 8))
  expect_length(warned, 4)
})

test_that("a transform may call the engine itself", {
  nested <- function(chunk) {
    chunk$total <- sum(through_engine(list(i = chunk$i))$i)
    chunk
  }
  environment(nested) <- environment()
  expect_identical(transformed(data, transformFunc = nested)$total, rep(c(6L, 15L, 15L), c(3, 3, 2)))
})

test_that("chunks follow rows and threads change nothing", {
  many <- data.frame(x = seq_len(300000) + 0.5, f = factor(seq_len(300000) %% 7))
  transform <- compose_transform(names(many), quote(list(y = x * 2, c = .rxChunkNum)), rowSelection = quote(x > 100))
  expected <- many[many$x > 100, ]
  row.names(expected) <- NULL
  for (threads in c(1, 3)) {
    result <- through_engine(many, transform = c(transform, rows = 70000), threads = threads)
    expect_identical(result[c("x", "f")], expected)
    expect_identical(unique(result$c), 1:5)
  }
})

test_that("an analysis captures its arguments in three lines", {
  analysis <- function(data, rowSelection = NULL, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                       transformVars = NULL, transformPackages = NULL, transformEnvir = NULL) {
    asked <- capture_transforms()
    do.call(compose_transform, c(asked, data_names = list(names(data))), quote = TRUE)
  }
  user <- function() {
    limit <- 6
    analysis(data, rowSelection = y > limit, transforms = list(y = i * 1))
  }
  expect_identical(through_engine(data, transform = user())$y, c(7, 8))
  expect_null(analysis(data))
})

test_that("Ctrl-C during a transform stops the job", {
  skip_on_os("windows")
  skip_if_not_installed("callr")
  session <- callr::r_session$new()
  on.exit(session$close())
  session$call(function() {
    package <- asNamespace("rxscale")
    slow <- function(chunk, start_row, chunk_num, is_test, from) {
      if (!is_test) Sys.sleep(20)
      chunk
    }
    source <- list(type = "frame", data = list(x = 1:10), rows = 10, transform = list(fun = slow))
    tryCatch(
      package$engine_call(package$rx_engine_import, source, NULL, list(type = "frame"), package$job_options(0)),
      interrupt = function(condition) "interrupted"
    )
  })
  Sys.sleep(2)
  session$interrupt()
  expect_identical(session$poll_process(5000), "ready")
  expect_identical(session$read()$result, "interrupted")
})

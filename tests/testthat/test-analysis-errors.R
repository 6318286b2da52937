# What an analysis says when it cannot do what it is asked for: a class to catch, fields to read, a message that helps.

data <- small_data()
caught <- function(expr) tryCatch(expr, rxscale_error = identity)
both <- function(...) list(caught(rxSummary(...)), caught(rxLinMod(...)))

expect_fields <- function(condition, kind, ...) {
  expect_s3_class(condition, c(paste0("rxscale_error_", kind), "rxscale_error", "error", "condition"), exact = TRUE)
  expect_identical(condition$kind, kind)
  fields <- list(...)
  for (field in names(fields)) {
    expect_identical(condition[[field]], fields[[field]])
  }
}

test_that("a column that is not there is named, with the nearest that is", {
  for (error in c(
    both(y ~ zz, data), both(y ~ zz, data, transforms = list(other = x)), both(y ~ zz, data, rowSelection = x > 0)
  )) {
    expect_fields(error, "missing_column", column = "zz")
    expect_match(conditionMessage(error), "Did you mean 'z'?", fixed = TRUE)
  }
  for (error in c(both(y ~ x, data, pweights = "wieght"), both(y ~ x, data, fweights = "wieght"))) {
    expect_fields(error, "missing_column", column = "wieght")
    expect_match(conditionMessage(error), "Did you mean 'weight'?", fixed = TRUE)
  }
  for (error in both(y ~ x, data, transformFunc = identity, transformVars = "wieght")) {
    expect_fields(error, "missing_column", column = "wieght")
  }
  for (error in c(
    both(y ~ log(wieght), data), both(y ~ x, data, transforms = list(new = wieght + 1)),
    both(y ~ x, data, rowSelection = wieght > 1)
  )) {
    expect_fields(error, "transform")
    expect_match(conditionMessage(error), "Did you mean 'weight'?", fixed = TRUE)
  }
  expect_fields(caught(rxLinMod(y ~ x, data, transforms = list(x = NULL))), "missing_column", column = "x")
  without <- list(function(chunk) chunk["y"], function(chunk) list(y = chunk$y, x = chunk$absent))
  for (fun in without) {
    expect_fields(caught(rxLinMod(y ~ x, data, transformFunc = fun)), "missing_column", column = "x")
  }
  expect_snapshot(error = TRUE, {
    rxLinMod(y ~ zz, data)
    rxLinMod(y ~ nothing_like_it, data[1:3])
    rxSummary(~y, data, pweights = "wieght")
    rxSummary(~y, data, rowSelection = wieght > 1)
    rxLinMod(y ~ x, data, transforms = list(x = NULL))
  })
})

test_that("a column of the wrong type is named", {
  expect_fields(caught(rxLinMod(s ~ x, data)), "wrong_type", column = "s")
  expect_fields(caught(rxLinMod(a ~ x, data)), "wrong_type", column = "a")
  expect_fields(caught(rxLinMod(cbind(y, s) ~ x, data)), "wrong_type", column = "s")
  for (error in c(both(y ~ x, data, pweights = "s"), both(y ~ x, data, fweights = "a"))) {
    expect_fields(error, "wrong_type", column = if (grepl("'s'", conditionMessage(error))) "s" else "a")
  }
  for (error in c(both(y ~ N(s), data), both(y ~ N(x), data))) {
    expect_fields(error, "wrong_type", column = if (grepl("N(s)", conditionMessage(error), fixed = TRUE)) "s" else "x")
  }
  data$list <- as.list(data$x)
  for (error in both(y ~ list, data)) {
    expect_fields(error, "wrong_type", column = "list")
  }
  expect_fields(caught(rxLinMod(y ~ log(s), data)), "transform")
  expect_snapshot(error = TRUE, {
    rxLinMod(a ~ x, data)
    rxLinMod(s ~ x, data)
    rxSummary(~x, data, pweights = "s")
    rxSummary(~ N(s), data)
    rxSummary(~list, data)
  })
})

test_that("files that are absent or damaged are named", {
  file <- temp_file()
  rxImport(data, file)
  whole <- readBin(file, "raw", file.size(file))
  compressed <- temp_file(".csv.gz")
  connection <- gzfile(compressed, "w")
  utils::write.csv(data[rep(1:400, 20), ], connection, row.names = FALSE)
  close(connection)
  gz <- readBin(compressed, "raw", file.size(compressed))
  parquet <- temp_file(".parquet")
  rxImport(data, RxParquetData(parquet))
  columns <- readBin(parquet, "raw", file.size(parquet))
  cut <- function(bytes, extension, share) {
    to <- tempfile(fileext = extension)
    writeBin(utils::head(bytes, as.integer(length(bytes) * share)), to)
    to
  }
  for (damaged in c(
    cut(whole, ".xdf", 0.7), cut(whole, ".xdf", 0.01), cut(gz, ".csv.gz", 0.7), cut(columns, ".parquet", 0.7)
  )) {
    source <- if (grepl("parquet$", damaged)) RxParquetData(damaged) else damaged
    for (error in both(y ~ x, source)) {
      expect_fields(error, "corrupt_file")
      expect_identical(normalizePath(error$file), normalizePath(damaged), info = damaged)
    }
    unlink(damaged)
  }
  # Compressed columns carry a checksum.
  rxImport(data.frame(y = rep(1:100, 500), x = rep(1:50, 1000)), file, overwrite = TRUE)
  flipped <- readBin(file, "raw", file.size(file))
  at <- length(flipped) %/% 4 + 1:40
  flipped[at] <- xor(flipped[at], as.raw(0x55))
  broken <- cut(flipped, ".xdf", 1)
  for (error in both(y ~ x, broken)) {
    expect_fields(error, "corrupt_file")
  }
  unlink(broken)
  for (error in both(y ~ x, "no/such/file.xdf")) {
    expect_fields(error, "file")
    expect_match(error$file, "file.xdf", fixed = TRUE)
  }
  expect_snapshot(error = TRUE, rxLinMod(y ~ x, "no/such/file.xdf"))
})

test_that("data without a usable row are told apart", {
  expect_fields(caught(rxLinMod(y ~ x, transform(data, x = NA_real_))), "no_rows")
  expect_fields(caught(rxLinMod(y ~ x, data[0, ])), "no_rows")
  expect_fields(caught(rxLinMod(y ~ x, data, rowSelection = x > 1e6)), "no_rows")
  expect_fields(caught(rxLinMod(y ~ x, transform(data, weight = 0), pweights = "weight")), "no_rows")
  expect_snapshot(error = TRUE, {
    rxLinMod(y ~ x, transform(data, x = NA_real_))
    rxLinMod(y ~ x, data[0, ])
    rxLinMod(y ~ x, data, rowSelection = x > 1e6)
    rxLinMod(y ~ x, transform(data, weight = 0), pweights = "weight")
  })
})

test_that("a factor with one level cannot be fitted", {
  data$one <- factor("only")
  data$text <- "only"
  expect_fields(caught(rxLinMod(y ~ x + one, data)), "one_level", column = "one")
  expect_fields(caught(rxLinMod(y ~ x + text, data)), "one_level", column = "text")
  expect_snapshot(error = TRUE, rxLinMod(y ~ x + one, data))
  expect_identical(rxSummary(~one, data)$categorical[[1]]$Counts, 400L)
})

test_that("infinite values cannot be fitted", {
  data$x[7] <- Inf
  expect_fields(caught(rxLinMod(y ~ x, data)), "infinite", column = "x")
  expect_fields(caught(rxLinMod(x ~ y, data)), "infinite", column = "x")
  expect_fields(caught(rxLinMod(y ~ x:a, data)), "infinite", column = "x")
  # Written as an expression an infinite value is missing.
  incomplete <- sum(!stats::complete.cases(data[c("x", "y")]))
  expect_identical(rxLinMod(y ~ I(x), data)$nMissingObs, incomplete + 1L)
  expect_snapshot(error = TRUE, rxLinMod(y ~ x, data))
})

test_that("weights that are none are refused", {
  for (bad in list(list(-1, "negative"), list(Inf, "infinite"), list(0.5, "fractional"))) {
    data$bad <- replace(rep(1, 400), 300, bad[[1]])
    for (error in both(y ~ x, data, fweights = "bad")) {
      expect_fields(error, "value", column = "bad")
      expect_match(conditionMessage(error), bad[[2]])
    }
  }
  for (bad in c(-1, Inf)) {
    data$bad <- replace(rep(1, 400), 300, bad)
    for (error in both(y ~ x, data, pweights = "bad")) {
      expect_fields(error, "value", column = "bad")
    }
  }
  for (error in both(y ~ x, data, pweights = "weight", fweights = "freq")) {
    expect_fields(error, "argument")
  }
  data$bad <- replace(rep(1, 400), 300, -1)
  expect_snapshot(error = TRUE, {
    rxLinMod(y ~ x, data, pweights = "bad")
    rxLinMod(y ~ x, transform(data, half = 0.5), fweights = "half")
    rxLinMod(y ~ x, data, fweights = "freq", pweights = "weight")
    rxLinMod(y ~ x, data, pweights = data$weight)
  })
})

test_that("an analysis too large for the memory limit says so", {
  withr::defer(rxOptions(memoryLimitMB = before))
  before <- rxGetOption("memoryLimitMB")
  rxOptions(memoryLimitMB = 16)
  large <- data.frame(y = 1:2000 + 0, f = factor(1:2000), g = factor(2000:1))
  expect_fields(caught(rxLinMod(y ~ f + g, large)), "memory")
  expect_fields(caught(rxSummary(y ~ f:g, large)), "memory")
  expect_identical(nrow(rxSummary(y ~ f:g, large, useSparseCube = TRUE)$categorical[[1]]), 2000L)
})

test_that("unknown arguments are ignored with a warning that names them", {
  expect_warning(rxLinMod(y ~ x, data, covCoeff = TRUE), "`covCoeff` is ignored. Did you mean `covCoef`?", fixed = TRUE)
  expect_warning(rxSummary(~y, data, sumaryStats = "Mean"), "Did you mean `summaryStats`?", fixed = TRUE)
})

test_that("what does not work yet is refused", {
  expect_fields(caught(rxLinMod(y ~ x + offset(z), data)), "unsupported")
  expect_snapshot(error = TRUE, rxLinMod(y ~ x + offset(z), data))
})

test_that("arguments are checked by name", {
  for (error in list(
    caught(rxLinMod(y ~ x, data, dropFirst = NA)), caught(rxLinMod(y ~ x, data, covCoef = "yes")),
    caught(rxLinMod(y ~ x, data, coefLabelStyle = "SAS")), caught(rxLinMod(y ~ x, data, blocksPerRead = 0)),
    caught(rxLinMod(~x, data)), caught(rxLinMod(y ~ 1, data)), caught(rxLinMod(y ~ x - 1, data, covData = TRUE)),
    caught(rxSummary(~y, data, byTerm = "no")), caught(rxSummary(~y, data, rowsPerBlock = -1)),
    caught(rxSummary(~1, data)), caught(rxSummary(y ~ 1, data)), caught(rxSummary(~y, list(1))),
    caught(rxSummary(~y, data, computeContext = "cluster")), caught(rxSummary("y", data)),
    caught(rxSummary(~y, data, transforms = y + 1)), caught(rxSummary(~ F(k, 3, 1), data)),
    caught(rxLinMod(y ~ F(x, 1, 1e9), data))
  )) {
    expect_fields(error, "argument")
  }
  expect_snapshot(error = TRUE, {
    rxLinMod(~x, data)
    rxLinMod(y ~ 1, data)
    rxSummary(~y, list(1))
    rxSummary(~y, data, transforms = y + 1)
    rxLinMod(y ~ x, data, coefLabelStyle = "SAS")
  })
})

test_that("an error of the user's code tells where", {
  late <- function(chunk) if (.rxChunkNum == 2) stop("bad luck") else chunk
  xdf <- rxImport(data, temp_file(), rowsPerRead = 150)
  for (error in both(y ~ x, xdf, transformFunc = late)) {
    expect_fields(error, "transform")
    expect_match(conditionMessage(error), "in chunk 2 (from row 151): bad luck", fixed = TRUE)
  }
  expect_length(list.files(tempdir(), "^rxscale-.*xdf$"), 0)
})

test_that("conditions carry the user's call", {
  error <- caught(rxLinMod(y ~ zz, data))
  expect_identical(conditionCall(error), quote(rxLinMod(y ~ zz, data)))
  error <- caught(rxLinMod(y ~ x, data, pweights = "s"))
  expect_identical(conditionCall(error), quote(rxLinMod(y ~ x, data, pweights = "s")))
})

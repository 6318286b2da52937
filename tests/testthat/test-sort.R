# Sorting: against order() of base R on the flights and on every kind of column, in memory and by runs on disk.

# Rows in the order of keys as base R has them.
in_order <- function(data, keys, decreasing = FALSE, na.last = FALSE) {
  columns <- lapply(unname(as.list(data)[keys]), function(x) if (is.character(x)) x else as.numeric(x))
  data <- data[do.call(order, c(columns, list(
    decreasing = rep_len(decreasing, length(keys)), na.last = na.last, method = "radix"
  ))), , drop = FALSE]
  row.names(data) <- NULL
  data
}

# The same for directions that differ: ranks of values, which can be negated.
mixed_order <- function(data, key, decreasing, low) {
  ranks <- Map(function(x, down) {
    x <- if (is.character(x)) x else as.numeric(x)
    rank <- match(x, sort(unique(x), method = "radix"))
    rank[is.na(x)] <- if (low) 0L else .Machine$integer.max
    if (down) -rank else rank
  }, data[key], rep_len(decreasing, length(key)))
  data <- data[do.call(order, c(unname(ranks), list(method = "radix"))), ]
  row.names(data) <- NULL
  data
}

# Rows of every kind, many of them with equal keys; text of more than a few letters, too.
many_kinds <- function(rows = 5000) {
  set.seed(1)
  data <- all_kinds()[sample(6, rows, replace = TRUE), ]
  row.names(data) <- NULL
  data$place <- paste("a long beginning", c("B", "a", "b", "A", "\u00e9", NA)[sample(6, rows, replace = TRUE)])
  data$place[sample(rows, 50)] <- NA
  data$wide <- sample(rows) / 7
  data$id <- seq_len(rows)
  data
}

test_that("the flights are in the order that base R puts them in, from every source", {
  expected <- in_order(flights_frame(), c("origin", "dep_delay"))
  for (source in flights_sources()) {
    expect_identical(rxSort(source, sortByVars = c("origin", "dep_delay"), maxRowsByCols = NULL), expected)
  }
  expected <- in_order(flights_frame(), c("carrier", "distance", "hour"), c(TRUE, FALSE, TRUE), na.last = TRUE)
  sorted <- rxSort(
    flights_xdf(), temp_file(),
    sortByVars = c("carrier", "distance", "hour"), decreasing = c(TRUE, FALSE, TRUE)
  )
  expect_s4_class(sorted, "RxXdfData")
  expect_identical(as.data.frame(sorted), expected)
})

test_that("every kind of column is sorted by and moved, in memory and on disk", {
  data <- many_kinds()
  file <- rxImport(data, temp_file(), rowsPerRead = 700)
  keys <- list(
    "flag", "count", "size", "name", "group", "grade", "day", "time", "place", "wide", c("flag", "group", "size"),
    c("place", "count"), c("time", "wide", "name"), c("name", "place", "day")
  )
  for (key in keys) {
    for (low in c(TRUE, FALSE)) {
      for (decreasing in list(FALSE, TRUE, c(TRUE, FALSE)[seq_len(min(2, length(key)))])) {
        expected <- in_order(data, key, decreasing, na.last = low == rep_len(decreasing, length(key))[1])
        if (length(unique(rep_len(decreasing, length(key)))) > 1) {
          # Base R has one place for missing values, whatever the direction.
          expected <- mixed_order(data, key, decreasing, low)
        }
        sort <- function(...) {
          rxSort(..., sortByVars = key, decreasing = decreasing, missingsLow = low, caseSensitive = TRUE)
        }
        expect_identical(sort(data), expected)
        expect_identical(sort(file), expected)
        expect_identical(sort(file, type = "mergeSort"), expected)
        expect_identical(sort(data, bufferLimit = 0.1), expected)
      }
    }
  }
})

test_that("many rows of every kind are moved, in memory and on disk, and R knows of their strings", {
  data <- many_kinds(100000)
  expected <- in_order(data, c("group", "wide"))
  for (limit in c(-1, 5)) {
    sorted <- rxSort(data, sortByVars = c("group", "wide"), bufferLimit = limit)
    gc()
    expect_identical(sorted, expected)
  }
})

test_that("case is ignored unless it shall not be, and factors go by their levels", {
  data <- data.frame(x = c("b", "A", "a", "B", NA, "\u00c9a", "\u00e9b", "z"), i = 1:8)
  expect_identical(rxSort(data, sortByVars = "x")$i, c(5L, 2L, 3L, 1L, 4L, 8L, 6L, 7L))
  expect_identical(rxSort(data, sortByVars = "x", caseSensitive = TRUE)$i, c(5L, 2L, 4L, 3L, 1L, 8L, 6L, 7L))
  long <- transform(data, x = paste0("the same beginning ", x))
  expect_identical(rxSort(long, sortByVars = "x")$i, c(2L, 3L, 1L, 4L, 5L, 8L, 6L, 7L))
  levels <- data.frame(f = factor(c("a", "B", "c", "b"), levels = c("c", "b", "B", "a")), i = 1:4)
  expect_identical(rxSort(levels, sortByVars = "f")$i, c(3L, 4L, 2L, 1L))
  expect_identical(rxSort(rxImport(levels, temp_file()), sortByVars = "f"), levels[c(3, 4, 2, 1), ], ignore_attr = TRUE)
})

test_that("levels of text that are found while reading are in order of first appearance", {
  file <- temp_file(".csv")
  labels <- c("zz", "m", "a", "k")[(seq_len(60000) * 7) %/% 30000 %% 4 + 1]
  utils::write.csv(data.frame(f = labels, i = seq_along(labels)), file, row.names = FALSE)
  source <- RxTextData(file, colClasses = c(f = "factor"), rowsPerRead = 1000)
  data <- data.frame(f = factor(labels, levels = unique(labels)), i = seq_along(labels))
  for (limit in c(-1, 0.1)) {
    expect_identical(rxSort(source, sortByVars = "f", bufferLimit = limit), in_order(data, "f"))
  }
})

test_that("special numbers have their places", {
  data <- data.frame(x = c(-0, NaN, Inf, NA, 0, -Inf, 5e-324, -1), i = 1:8)
  expect_identical(rxSort(data, sortByVars = "x")$i, c(2L, 4L, 6L, 8L, 1L, 5L, 7L, 3L))
  expect_identical(rxSort(data, sortByVars = "x", decreasing = TRUE)$i, c(3L, 7L, 1L, 5L, 8L, 6L, 2L, 4L))
  expect_identical(rxSort(data, sortByVars = "x", missingsLow = FALSE)$i, c(6L, 8L, 1L, 5L, 7L, 3L, 2L, 4L))
  expect_identical(rxSort(data[0, ], sortByVars = "x"), data[0, ])
  small <- rxImport(data, temp_file(), colInfo = list(x = list(type = "float32")))
  expect_identical(rxGetVarInfo(small)$x$varType, "numeric")
})

test_that("duplicates go and are counted", {
  flights <- flights_frame()
  keys <- c("carrier", "origin")
  sorted <- in_order(flights, keys)
  first <- sorted[!duplicated(sorted[keys]), ]
  row.names(first) <- NULL
  counts <- as.integer(table(flights$origin, flights$carrier))
  counts <- counts[counts > 0]
  for (limit in c(-1, 1)) {
    sort <- function(...) rxSort(flights_xdf(), ..., sortByVars = keys, removeDupKeys = TRUE, bufferLimit = limit)
    expect_identical(sort(), first)
    expect_identical(sort(dupFreqVar = "n"), cbind(first, n = counts))
    file <- sort(temp_file(), dupFreqVar = "n", varsToKeep = "hour")
    expect_identical(as.data.frame(file), cbind(first[c(keys, "hour")], n = counts))
    expect_identical(rxGetVarInfo(file)$hour$high, max(as.numeric(first$hour)))
  }
  case <- data.frame(x = c("b", "A", "B", "a"), i = 1:4)
  expect_identical(rxSort(case, sortByVars = "x", removeDupKeys = TRUE)$i, c(2L, 1L))
  ranges <- rxGetVarInfo(rxSort(flights_xdf(), temp_file(), sortByVars = "hour"))
  expect_identical(ranges, rxGetVarInfo(flights_xdf()))
})

test_that("columns are kept and dropped, keys are always kept", {
  names_of <- function(...) names(rxSort(mtcars, sortByVars = c("hp", "cyl"), ...))
  expect_identical(names_of(), names(mtcars))
  expect_identical(names_of(type = "varByVar"), union(c("hp", "cyl"), names(mtcars)))
  expect_identical(names_of(varsToKeep = c("mpg", "hp")), c("hp", "cyl", "mpg"))
  expect_identical(names_of(varsToDrop = c("mpg", "hp")), setdiff(names(mtcars), "mpg"))
  expect_identical(names_of(varsToKeep = "mpg", varsToDrop = "mpg"), c("hp", "cyl", "mpg"))
  file <- rxImport(mtcars, temp_file())
  source <- RxXdfData(file@file, varsToKeep = c("mpg", "hp"))
  expect_identical(rxSort(source, sortByVars = "mpg"), in_order(mtcars[c("mpg", "hp")], "mpg"))
  expect_error(rxSort(source, sortByVars = "cyl"), class = "rxscale_error_missing_column")
})

test_that("a file can be its own output, and others keep what is known of them", {
  file <- temp_file()
  rxImport(mtcars, file, rowsPerRead = 10)
  rxSetInfo(file, "the cars")
  expect_error(rxSort(file, file, sortByVars = "mpg"), class = "rxscale_error_argument", regexp = "overwrite")
  rxSort(file, file, sortByVars = "mpg", overwrite = TRUE)
  expect_identical(as.data.frame(RxXdfData(file)), in_order(mtcars, "mpg"))
  expect_identical(rxGetInfo(file)$description, "the cars")
  expect_identical(rxGetInfo(file)$numBlocks, 4L)
  other <- rxSort(file, temp_file(), sortByVars = "hp", type = "mergeSort")
  expect_identical(rxGetInfo(other)$description, "the cars")
  expect_error(rxSort(file, other, sortByVars = "hp"), class = "rxscale_error_argument", regexp = "exists")
  text <- rxSort(file, RxTextData(temp_file(".csv")), sortByVars = "hp")
  expect_identical(utils::read.csv(text@file)$hp, sort(mtcars$hp))
  set <- rxSort(file, RxXdfData(tempfile(), createCompositeSet = TRUE), sortByVars = "hp")
  expect_identical(as.data.frame(set)$hp, sort(mtcars$hp))
  unlink(rxXdfFileName(set), recursive = TRUE)
})

test_that("row names of a file stay with their rows", {
  file <- RxXdfData(test_path("fixtures", "legacy", "mtcars.xdf"))
  data <- rxImport(file)
  expect_gt(.row_names_info(data), 0)
  expect_identical(rxSort(file, sortByVars = "mpg"), data[order(data$mpg), ])
  expect_identical(as.data.frame(rxSort(file, temp_file(), sortByVars = "mpg")), data[order(data$mpg), ])
})

test_that("results that are too large are cut, but never those of data frames", {
  expect_warning(result <- rxSort(flights_xdf(), sortByVars = "distance", maxRowsByCols = 1000), "first 100 rows")
  expect_identical(result, utils::head(in_order(flights_frame(), "distance"), 100))
  expect_identical(nrow(rxSort(mtcars, sortByVars = "mpg", maxRowsByCols = 11)), 32L)
})

test_that("1, 2 and 8 threads and any limit give the same rows", {
  file <- rxImport(flights_frame()[1:100000, ], temp_file(), rowsPerRead = 3001)
  expected <- in_order(flights_frame()[1:100000, ], c("dest", "arr_delay"))
  before <- list(rxGetOption("numCoresToUse"), available_cores())
  on.exit({
    rxOptions(numCoresToUse = before[[1]])
    state$cores <- before[[2]]
  })
  withr::local_envvar(`_R_CHECK_LIMIT_CORES_` = NA)
  for (threads in c(1, 2, 8)) {
    state$cores <- threads
    rxOptions(numCoresToUse = threads)
    for (limit in c(-1, 0.2, 2)) {
      sort <- function() {
        rxSort(file, sortByVars = c("dest", "arr_delay"), bufferLimit = limit, maxRowsByCols = NULL)
      }
      expect_identical(sort(), expected)
      if (rx_engine_has_test_hooks()) {
        withr::with_envvar(c(RXSCALE_TEST_SHUFFLE = threads), expect_identical(sort(), expected))
      }
    }
  }
})

test_that("hundreds of runs are merged, and nothing of them stays", {
  folder <- withr::local_tempdir()
  set.seed(2)
  data <- data.frame(key = sample(50000, 3e5, replace = TRUE), text = paste("row", seq_len(3e5)))
  file <- rxImport(data, file.path(folder, "in.xdf"), rowsPerRead = 1000)
  before <- list.files(tempdir(), all.files = TRUE)
  # Some 1,000 rows a run, eight runs at once.
  out <- rxSort(file, file.path(folder, "out.xdf"), sortByVars = "key", bufferLimit = 0.05)
  expect_identical(as.data.frame(out), in_order(data, "key"))
  expect_setequal(list.files(folder, all.files = TRUE, no.. = TRUE), c("in.xdf", "out.xdf"))
  expect_setequal(list.files(tempdir(), all.files = TRUE), before)
})

test_that("the old name sorts files", {
  file <- rxImport(mtcars, temp_file())
  out <- rxSortXdf(file, temp_file(), sortByVars = "mpg", decreasing = TRUE, blocksPerRead = 1)
  expect_identical(as.data.frame(out), in_order(mtcars, "mpg", TRUE))
  expect_error(rxSortXdf(mtcars, temp_file(), sortByVars = "mpg"), class = "rxscale_error_argument")
})

test_that("wrong arguments are told", {
  expect_warning(rxSort(mtcars, sortByVars = "mpg", decrasing = TRUE), "Did you mean `decreasing`")
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpgg"))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = character()))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = c("mpg", "mpg")))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", decreasing = c(TRUE, FALSE)))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", type = "quick"))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", missingsLow = NA))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", type = "varByVar", removeDupKeys = TRUE))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", dupFreqVar = "n"))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", removeDupKeys = TRUE, dupFreqVar = "hp"))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", bufferLimit = 0))
  expect_snapshot(error = TRUE, rxSort(mtcars, sortByVars = "mpg", maxRowsByCols = -1))
})

test_that("verbose tells the rows", {
  expect_output(rxSort(mtcars, sortByVars = "mpg", verbose = 1), "^32 rows sorted in")
})

test_that("a code without a level does not become another level", {
  rows <- 1e5
  data <- data.frame(key = rev(seq_len(rows)), f = structure(rep(c(1L, 257L), rows / 2), levels = "a", class = "factor"))
  set.seed(3)
  sorted <- rxSort(data[sample(rows), ], sortByVars = "key")
  expect_identical(as.character(sorted$f), ifelse(sorted$key %% 2 == 0, "a", NA))
})

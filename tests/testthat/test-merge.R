# Merging: against merge() of base R, in memory and by runs on disk, with keys of every type.

# Rows in an order that all columns decide, so that results of others can be compared.
canonical <- function(data) {
  keys <- lapply(unname(as.list(data)), function(x) if (is.factor(x)) as.character(x) else x)
  data <- data[do.call(order, c(keys, list(method = "radix"))), , drop = FALSE]
  row.names(data) <- NULL
  data
}

# What merge() makes of it, with the columns in the order that rxMerge() has.
by_merge <- function(x, y, by, type, suffixes = c(".x", ".y")) {
  expected <- merge(
    x, y,
    by = by, all.x = type %in% c("left", "full"), all.y = type %in% c("right", "full"), suffixes = suffixes
  )
  both <- setdiff(intersect(names(x), names(y)), by)
  renamed <- function(names, suffix) ifelse(names %in% both, paste0(names, suffix), names)
  expected[c(renamed(names(x), suffixes[1]), setdiff(renamed(names(y), suffixes[2]), by))]
}

joins <- c("inner", "left", "right", "full")

# Two tables with keys of every type, some of them missing and many of them twice.
keyed <- function() {
  set.seed(3)
  values <- function(i) {
    data.frame(
      count = i, size = i / 4, flag = i %% 2L == 0L, name = c("b", "a", "\u00e9", "a long text 1", "a long text 2")[i],
      group = factor(c("p", "q", "r", "s", "t")[i]), day = as.Date("2013-01-01") + i,
      time = as.POSIXct("2013-01-01", tz = "UTC") + i * 60, stringsAsFactors = FALSE
    )
  }
  x <- values(sample(c(1:4, NA), 60, replace = TRUE))
  y <- values(sample(c(2:5, NA), 40, replace = TRUE))
  x$x <- seq_len(60)
  y$y <- seq_len(40)
  list(x = x, y = y)
}

test_that("all joins are those of merge(), by keys of every type", {
  tables <- keyed()
  files <- lapply(tables, function(data) rxImport(data, tempfile(fileext = ".xdf"), rowsPerRead = 7))
  withr::defer(unlink(vapply(files, rxXdfFileName, "")))
  keys <- list("count", "size", "name", "group", "day", "time", c("flag", "count"), c("name", "day"))
  for (key in keys) {
    x <- tables$x[c(key, "x")]
    y <- tables$y[c(key, "y")]
    for (type in joins) {
      joined <- rxMerge(x, y, matchVars = key, type = type)
      expected <- by_merge(x, y, key, type)
      if (is.factor(joined$group)) {
        expect_identical(levels(joined$group), union(levels(x$group), levels(y$group)))
        expected$group <- factor(expected$group, levels(joined$group))
      }
      expect_equal(canonical(joined), canonical(expected))
      # In the order of the keys, then of the rows.
      places <- do.call(order, c(
        lapply(unname(as.list(joined[key])), function(k) if (is.character(k)) k else as.numeric(k)),
        list(joined$x, joined$y, na.last = FALSE, method = "radix")
      ))
      expect_identical(places, seq_along(places))
      for (limit in c(-1, 0.01)) {
        of_files <- rxMerge(
          files$x, files$y,
          matchVars = key, type = type, bufferLimit = limit,
          varsToKeep1 = c(key, "x"), varsToKeep2 = c(key, "y")
        )
        expect_identical(of_files, joined)
      }
    }
  }
})

test_that("the flights are merged with tables of carriers and airports", {
  carriers <- data.frame(carrier = c("UA", "AA", "DL", "B6", "ZZ"), firm = c("United", "American", "Delta", "Jet", "No"))
  airports <- data.frame(code = unique(flights_frame()$dest)[-(1:3)])
  airports$place <- paste("the airport of", airports$code)
  for (type in joins) {
    joined <- rxMerge(flights_xdf(), carriers, temp_file(), matchVars = "carrier", type = type)
    expected <- by_merge(transform(flights_frame(), row = seq_along(month)), carriers, "carrier", type)
    expected <- expected[order(expected$carrier, expected$row, method = "radix"), ]
    expected$row <- NULL
    row.names(expected) <- NULL
    expect_identical(as.data.frame(joined), expected)
  }
  joined <- rxMerge(
    flights_frame(), airports,
    matchVars = "dest", newVarNames2 = c(code = "dest"), varsToKeep1 = "distance", missingsLow = FALSE
  )
  expected <- merge(flights_frame()["dest"], airports, by.x = "dest", by.y = "code")
  expect_identical(nrow(joined), nrow(expected))
  expect_identical(joined[c("dest", "place")], canonical(expected))
})

test_that("a small input finds its rows in a large one, whichever comes first", {
  set.seed(6)
  large <- data.frame(
    name = sample(c("a", "b", "a long text", "another long text", NA), 4000, replace = TRUE),
    group = factor(sample(c("p", "q", "r", NA), 4000, replace = TRUE), levels = c("r", "q", "p")),
    day = as.Date("2013-01-01") + sample(3, 4000, replace = TRUE), x = seq_len(4000)
  )
  small <- unique(data.frame(
    name = sample(c("b", "a long text", "c", NA), 40, replace = TRUE),
    group = factor(sample(c("p", "q", "s", NA), 40, replace = TRUE), levels = c("s", "q", "p")),
    day = as.Date("2013-01-01") + sample(2:4, 40, replace = TRUE), y = seq_len(40)
  ))
  # With so many rows that match nothing it is not small.
  padded <- rbind(small, data.frame(name = "none", group = "s", day = as.Date("1999-12-31"), y = seq_len(4000)))
  file <- rxImport(large, temp_file(), rowsPerRead = 300)
  text <- RxTextData(temp_file(".csv"), colInfo = list(
    name = list(type = "character"), day = list(type = "Date"), x = list(type = "integer"),
    group = list(type = "factor", levels = levels(large$group))
  ))
  rxDataStep(large, text, overwrite = TRUE)
  for (key in list("name", "group", "day", c("name", "group"), c("day", "name", "group"))) {
    y <- small[c(key, "y")]
    expected <- rxMerge(large, padded[c(key, "y")], matchVars = key)
    for (x in list(large, file, text)) {
      expect_identical(rxMerge(x, y, matchVars = key), expected)
      expect_identical(rxMerge(x, y, matchVars = key, bufferLimit = 0.05), expected)
    }
    right <- rxMerge(large, y, matchVars = key, type = "right")
    left <- rxMerge(y, large, matchVars = key, type = "left")[names(right)]
    if (is.factor(left$group)) {
      left$group <- factor(left$group, levels(right$group))
    }
    expect_equal(canonical(right), canonical(left))
    swapped <- rxMerge(y, file, matchVars = key)
    expect_identical(swapped, rxMerge(padded[c(key, "y")], file, matchVars = key))
    expect_identical(canonical(swapped[c("x", "y")]), canonical(expected[c("x", "y")]))
  }
})

test_that("keys of different types are matched by their values", {
  numbers <- data.frame(k = c(3, 1, NA, 2.5), x = 1:4)
  integers <- data.frame(k = c(1L, 3L, NA, 7L), y = 1:4)
  joined <- rxMerge(numbers, integers, matchVars = "k", type = "full")
  expect_equal(canonical(joined), canonical(merge(numbers, integers, all = TRUE)))
  expect_type(joined$k, "double")
  factors <- data.frame(k = factor(c("b", "a", NA, "c"), levels = c("c", "b", "a")), x = 1:4)
  texts <- data.frame(k = c("a", "b", "d", NA), y = 1:4)
  joined <- rxMerge(factors, texts, matchVars = "k", type = "full")
  expect_identical(joined$k, c(NA, "a", "b", "c", "d"))
  expect_identical(joined$x, c(3L, 2L, 1L, 4L, NA))
  expect_identical(joined$y, c(4L, 1L, 2L, NA, 3L))
  expect_identical(rxMerge(texts, factors, matchVars = "k")$k, c(NA, "a", "b"))
  other <- data.frame(k = factor(c("z", "c", "b")), z = 1:3)
  joined <- rxMerge(factors, other, matchVars = "k", type = "full")
  expect_identical(joined$k, factor(c(NA, "c", "b", "a", "z"), levels = c("c", "b", "a", "z")))
  expect_identical(joined$z, c(NA, 2L, 3L, NA, 1L))
  expect_error(
    rxMerge(numbers, texts, matchVars = "k"),
    class = "rxscale_error_wrong_type", regexp = "numeric in the first input and character in the second"
  )
})

test_that("many rows are joined, whether or not they have partners", {
  set.seed(7)
  side <- function(name) {
    ids <- sample(200000, 100000)
    side <- data.frame(id = ids, group = factor(letters[ids %% 7 + 1]), text = c("b", "a", NA)[ids %% 3 + 1], x = ids / 7)
    names(side)[-1] <- paste0(name, names(side)[-1])
    side
  }
  x <- side("x.")
  y <- side("y.")
  for (type in joins) {
    expected <- by_merge(x, y, "id", type)
    expected <- expected[order(expected$id), ]
    row.names(expected) <- NULL
    expect_identical(rxMerge(x, y, matchVars = "id", type = type), expected)
    expect_identical(rxMerge(x, y, matchVars = "id", type = type, bufferLimit = 2), expected)
  }
})

test_that("the order of the keys is as asked for", {
  x <- data.frame(k = c("b", NA, "B", "a"), x = 1:4)
  y <- data.frame(k = c("a", "b", NA), y = 1:3)
  order_of <- function(...) rxMerge(x, y, matchVars = "k", type = "left", ...)$x
  expect_identical(order_of(), c(2L, 3L, 4L, 1L))
  expect_identical(order_of(missingsLow = FALSE), c(3L, 4L, 1L, 2L))
  expect_identical(order_of(decreasing = TRUE), c(1L, 4L, 3L, 2L))
  expect_identical(order_of(decreasing = TRUE, missingsLow = FALSE), c(2L, 1L, 4L, 3L))
})

test_that("sorted inputs need not be sorted, and others are refused", {
  sorted <- function(data) data[order(data$k), ]
  set.seed(4)
  x <- data.frame(k = sample(3000, 5000, replace = TRUE), x = 1:5000)
  y <- data.frame(k = sample(3000, 4000, replace = TRUE), y = 1:4000)
  expected <- rxMerge(sorted(x), sorted(y), matchVars = "k")
  expect_identical(rxMerge(sorted(x), sorted(y), matchVars = "k", autoSort = FALSE), expected)
  expect_error(rxMerge(x, sorted(y), matchVars = "k", autoSort = FALSE), "first input are not in the order")
  error <- expect_error(
    rxMerge(sorted(x), rbind(sorted(y), y[1:2, ]), matchVars = "k", autoSort = FALSE),
    class = "rxscale_error_argument", regexp = "second input"
  )
  expect_identical(error$row, 4001)
  files <- list(temp_file(), temp_file())
  rxImport(sorted(x), files[[1]], rowsPerRead = 500)
  rxImport(sorted(y), files[[2]], rowsPerRead = 500)
  out <- temp_file()
  expect_true(rxMergeXdf(files[[1]], files[[2]], out, matchVars = "k", bufferLimit = 0.01))
  expect_identical(as.data.frame(RxXdfData(out)), expected)
  rxImport(x, files[[1]], rowsPerRead = 500, overwrite = TRUE)
  expect_error(
    rxMergeXdf(files[[1]], files[[2]], out, matchVars = "k", overwrite = TRUE, bufferLimit = 0.01),
    class = "rxscale_error_argument", regexp = "first input are not in the order"
  )
})

test_that("columns are chosen, renamed, and told apart", {
  first <- data.frame(id = 1:3, v = 4:6, w = 7:9)
  second <- data.frame(key = 3:1, v = 1:3, u = 11:13)
  names_of <- function(...) names(rxMerge(first, second, ..., matchVars = "id", newVarNames2 = c(key = "id")))
  expect_identical(names_of(), c("id", "v.first", "w", "v.second", "u"))
  expect_identical(names_of(duplicateVarExt = c("One", "Two")), c("id", "v.One", "w", "v.Two", "u"))
  expect_identical(names_of(varsToDrop1 = "v"), c("id", "w", "v", "u"))
  expect_identical(names_of(varsToKeep1 = "w", varsToKeep2 = "u"), c("id", "w", "u"))
  expect_identical(names_of(newVarNames1 = c(v = "value")), c("id", "value", "w", "v", "u"))
  expect_identical(names(rxMerge(first, first, matchVars = "id")), c("id", "v.1", "w.1", "v.2", "w.2"))
  files <- c(file.path(withr::local_tempdir(), c("a.xdf", "b.xdf")))
  rxImport(first, files[1])
  rxImport(first, files[2])
  expect_identical(names(rxMerge(files[1], files[2], matchVars = c("id", "w"))), c("id", "v.a", "w", "v.b"))
  expect_error(
    rxMerge(transform(first, v.a = 1), first, matchVars = "id", duplicateVarExt = c("a", "b")),
    class = "rxscale_error_argument", regexp = "two columns 'v.a'"
  )
})

test_that("columns are put side by side, rows below each other", {
  x <- data.frame(a = 1:3, b = c("x", NA, "z"), f = factor(c("p", "q", "p")))
  y <- data.frame(a = 4:6, c = c("u", "v", NA), g = factor(c("r", "p", NA)))
  expect_identical(
    rxMerge(x, y, type = "oneToOne"), cbind(data.frame(a.x = 1:3), x[-1], data.frame(a.y = 4:6), y[-1])
  )
  stacked <- rxMerge(x, y, type = "union")
  expect_identical(stacked$f, factor(c("p", "q", "p", "r", "p", NA), levels = c("p", "q", "r")))
  expect_identical(stacked[c("a", "b")], data.frame(a = 1:6, b = c(x$b, y$c)))
  files <- lapply(list(x, y), function(data) rxImport(data, tempfile(fileext = ".xdf"), rowsPerRead = 2))
  withr::defer(unlink(vapply(files, rxXdfFileName, "")))
  expect_identical(rxMerge(files[[1]], files[[2]], type = "union"), stacked)
  expect_identical(rxMerge(c(files, files[1]), type = "union"), rxMerge(stacked, x, type = "union"))
  expect_identical(dim(rxMerge(c(files, files[1]), type = "oneToOne")), c(3L, 9L))
  expect_error(
    rxMerge(x, y[1:2, ], type = "oneToOne"), class = "rxscale_error_argument", regexp = "3 and 2 rows"
  )
  expect_error(rxMerge(x, y[1:2], type = "union"), class = "rxscale_error_argument", regexp = "3 columns")
  expect_error(rxMerge(x, y[c(2, 1, 3)], type = "union"), class = "rxscale_error_wrong_type", regexp = "integer")
  whole <- rxMerge(flights_xdf(), flights_xdf(), temp_file(), type = "union", rowsPerOutputBlock = 100000)
  expect_identical(as.data.frame(whole)$dest, rep(flights_frame()$dest, 2))
  expect_identical(rxGetInfo(whole)$numBlocks, 7L)
})

test_that("a list of inputs is merged one after the other", {
  parts <- list(
    data.frame(k = c(3, 1, 2), a = 1:3), data.frame(k = c(2, 3, 4), b = 4:6), data.frame(k = c(3, 5, 2), c = 7:9)
  )
  files <- lapply(parts, function(data) rxImport(data, tempfile(fileext = ".xdf")))
  withr::defer(unlink(vapply(files, rxXdfFileName, "")))
  before <- list.files(tempdir())
  for (type in joins) {
    expected <- by_merge(by_merge(parts[[1]], parts[[2]], "k", type), parts[[3]], "k", type)
    expect_equal(canonical(rxMerge(files, matchVars = "k", type = type)), canonical(expected))
  }
  expect_setequal(list.files(tempdir()), before)
  expect_error(rxMerge(files, matchVars = "k", varsToKeep1 = "a"), class = "rxscale_error_argument")
})

test_that("blocks of the result are as large as those of the inputs", {
  first <- rxImport(data.frame(k = 1:1000), temp_file(), rowsPerRead = 100)
  second <- rxImport(data.frame(k = 1:1000, x = 1), temp_file(), rowsPerRead = 250)
  blocks <- function(...) {
    rxGetInfo(rxMerge(first, second, temp_file(), matchVars = "k", ...), getBlockSizes = TRUE)$rowsPerBlock
  }
  expect_identical(blocks(), rep(100L, 10))
  expect_identical(blocks(rowsPerOutputBlock = 400), c(400L, 400L, 200L))
})

test_that("large groups of equal keys, one side of nothing, and results that are too large", {
  x <- data.frame(k = rep(1:2, c(3, 700)), x = 1:703)
  y <- data.frame(k = rep(2:3, c(800, 2)), y = 1:802)
  joined <- rxMerge(x, y, matchVars = "k", bufferLimit = 0.01)
  expect_identical(joined, data.frame(k = 2L, x = rep(4:703, each = 800), y = rep(1:800, 700)))
  expect_identical(rxMerge(x, y[0, ], matchVars = "k"), data.frame(k = integer(), x = integer(), y = integer()))
  expect_identical(rxMerge(x[0, ], y, matchVars = "k", type = "right")$y, y$y)
  file <- rxImport(x, temp_file())
  expect_warning(cut <- rxMerge(file, y, matchVars = "k", maxRowsByCols = 3000), "first 1000 rows")
  expect_identical(cut, joined[1:1000, ])
})

test_that("1, 2 and 8 threads and any limit give the same rows", {
  set.seed(5)
  x <- rxImport(data.frame(k = sample(5000, 60000, TRUE), x = 1:60000), temp_file(), rowsPerRead = 1009)
  y <- rxImport(data.frame(k = sample(9000, 20000, TRUE), y = runif(20000)), temp_file(), rowsPerRead = 777)
  expected <- NULL
  before <- list(rxGetOption("numCoresToUse"), available_cores())
  on.exit({
    rxOptions(numCoresToUse = before[[1]])
    state$cores <- before[[2]]
  })
  withr::local_envvar(`_R_CHECK_LIMIT_CORES_` = NA)
  for (threads in c(1, 2, 8)) {
    state$cores <- threads
    rxOptions(numCoresToUse = threads)
    for (limit in c(-1, 0.1, 1)) {
      joined <- rxMerge(x, y, matchVars = "k", type = "full", bufferLimit = limit, maxRowsByCols = NULL)
      expected <- expected %||% joined
      expect_identical(joined, expected)
    }
  }
})

test_that("wrong arguments are told", {
  x <- data.frame(k = 1:2, x = 1:2)
  expect_warning(rxMerge(x, x, matchVars = "k", sortBy = 1), "Unknown argument `sortBy`")
  expect_snapshot(error = TRUE, rxMerge(x, x))
  expect_snapshot(error = TRUE, rxMerge(x, matchVars = "k"))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "kk"))
  expect_snapshot(error = TRUE, rxMerge(x, x, type = "outer"))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", type = "union"))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", newVarNames1 = "z"))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", newVarNames1 = c(y = "z")))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", newVarNames1 = c(x = "k")))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", duplicateVarExt = "a"))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", decreasing = c(TRUE, FALSE)))
  expect_snapshot(error = TRUE, rxMerge(x, x, matchVars = "k", rowsPerOutputBlock = 0))
  expect_snapshot(error = TRUE, rxMerge(list(x), matchVars = "k"))
  expect_output(rxMerge(x, x, matchVars = "k", verbose = 1), "^2 rows merged in")
})

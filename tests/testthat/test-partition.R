# Partitioned sets: every row in the partition of its keys, in order.

partition_set <- function(env = parent.frame()) {
  RxXdfData(withr::local_tempfile(.local_envir = env), createPartitionSet = TRUE)
}

# The rows of each partition as data frames.
partition_frames <- function(partitions) lapply(partitions$DataSource, as.data.frame)

# The same by base R, in the order of the partitions.
expected_frames <- function(data, partitions, keys) {
  lapply(seq_len(nrow(partitions)), function(i) {
    same <- lapply(keys, function(key) {
      value <- partitions[[key]][[i]]
      if (is.na(value)) is.na(data[[key]]) else !is.na(data[[key]]) & data[[key]] == value
    })
    rows <- data[Reduce(`&`, same), , drop = FALSE]
    row.names(rows) <- NULL
    rows
  })
}

test_that("each source is partitioned by keys of each type, missing ones too", {
  data <- all_kinds()
  data <- data[rep(seq_len(nrow(data)), 50), ]
  row.names(data) <- NULL
  data$row <- seq_len(nrow(data))
  for (keys in list("flag", "count", "size", "name", "group", "grade", "day", "time", c("group", "flag"))) {
    partitions <- rxPartition(data, partition_set(), keys)
    expect_identical(names(partitions), c(keys, "DataSource"))
    expect_identical(nrow(partitions), nrow(unique(data[keys])))
    expect_identical(lapply(partitions[keys], class), lapply(data[keys], class))
    sorted <- do.call(order, c(unname(as.list(partitions[keys])), method = "radix"))
    expect_identical(sorted, seq_len(nrow(partitions)))
    expect_equal(partition_frames(partitions), expected_frames(data, partitions, keys))
  }
})

test_that("every source gives the same partitions, whatever the number of threads", {
  flights <- flights_frame()
  expected <- NULL
  for (source in c(flights_sources(), flights_sources()["xdf"])) {
    old <- rxOptions(numCoresToUse = if (is.null(expected)) 1 else 2)
    partitions <- rxPartition(source, partition_set(), c("origin", "month"))
    do.call(rxOptions, old)
    frames <- partition_frames(partitions)
    expected <- expected %||% expected_frames(flights, partitions, c("origin", "month"))
    expect_identical(nrow(partitions), 36L)
    expect_equal(frames, expected)
  }
})

test_that("old files of Microsoft's format can be partitioned, with their row names", {
  partitions <- rxPartition(legacy_file("mtcars.xdf"), partition_set(), c("am", "gear"))
  frames <- partition_frames(partitions)
  expect_identical(nrow(partitions), 4L)
  for (i in 1:4) {
    expected <- mtcars[mtcars$am == partitions$am[[i]] & mtcars$gear == partitions$gear[[i]], ]
    expect_equal(frames[[i]], expected)
  }
})

test_that("many keys take many files and little memory", {
  keys <- sprintf("key %d", (seq_len(60000) * 7919) %% 3000)
  data <- data.frame(key = keys, x = seq_along(keys), stringsAsFactors = FALSE)
  old <- rxOptions(memoryLimitMB = 2)
  withr::defer(do.call(rxOptions, old))
  partitions <- rxPartition(data, partition_set(), "key")
  expect_identical(nrow(partitions), 3000L)
  frames <- partition_frames(partitions[c(1, 1500, 3000), ])
  expect_equal(frames, expected_frames(data, partitions[c(1, 1500, 3000), ], "key"))
  expect_identical(sum(vapply(partitions$DataSource, nrow, 0L)), 60000L)
})

test_that("rows are appended to the partitions that there are, and new ones come", {
  set <- partition_set()
  first <- data.frame(k = c("a", NA, "b", "a"), f = factor(c("u", "v", "u", NA)), x = 1:4, stringsAsFactors = FALSE)
  second <- data.frame(k = c("c", "a", NA), f = factor(c("v", "w", "u")), x = 5:7, stringsAsFactors = FALSE)
  rxPartition(first, set, "k")
  before <- rxGetPartitions(set)
  expect_identical(before$k, c("a", "b", NA))
  after <- rxPartition(second, set, "k")
  expect_identical(after$k, c("a", "b", "c", NA))
  expect_identical(lapply(partition_frames(after), `[[`, "x"), list(c(1L, 4L, 6L), 3L, 5L, c(2L, 7L)))
  expect_identical(as.character(as.data.frame(after$DataSource[[1]])$f), c("u", NA, "w"))
  # Files that no partition has any more are gone.
  files <- list.files(rxXdfFileName(set))
  expect_setequal(files, c(paste0(basename(rxXdfFileName(set)), ".xdfp"), basename(vapply(
    after$DataSource, rxXdfFileName, ""
  ))))
  expect_identical(list.files(dirname(rxXdfFileName(set)), "rxtmp", all.files = TRUE), character())
  rxPartition(second, set, "k", append = "none", overwrite = TRUE)
  expect_identical(rxGetPartitions(rxXdfFileName(set))$k, c("a", "c", NA))
})

test_that("a partition without rows to append to keeps its bytes, and numbers match to the last bit", {
  set <- partition_set()
  x <- c(0.1, 1 / 3, 1e300, -0.0)
  rxPartition(data.frame(x = x, y = 1:4), set, "x")
  partitions <- rxPartition(data.frame(x = c(1 / 3, 0), y = 5:6), set, "x")
  expect_identical(partitions$x, c(0, 0.1, 1 / 3, 1e300))
  expect_identical(lapply(partition_frames(partitions), `[[`, "y"), list(c(4L, 6L), 1L, c(2L, 5L), 3L))
})

test_that("what cannot be is refused", {
  set <- partition_set()
  plain <- withr::local_tempdir()
  file.create(file.path(plain, "letter.txt"))
  rxPartition(mtcars, set, "cyl")
  expect_error(rxPartition(mtcars, "x.xdf", "cyl"), class = "rxscale_error_argument")
  expect_error(rxPartition(mtcars, RxXdfData("x.xdf"), "cyl"), class = "rxscale_error_argument")
  expect_error(rxPartition(mtcars, set, character()), class = "rxscale_error_argument")
  expect_error(rxPartition(mtcars, set, "cyl", append = "none"), "overwrite = TRUE", class = "rxscale_error_argument")
  expect_error(rxPartition(mtcars, set, "gear"), "'cyl'", class = "rxscale_error_argument")
  expect_error(rxPartition(mtcars, partition_set(), "cil"), "Did you mean", class = "rxscale_error_missing_column")
  changed <- transform(mtcars, cyl = as.character(cyl))
  expect_error(rxPartition(changed, set, "cyl"), class = "rxscale_error_wrong_type")
  elsewhere <- RxXdfData(plain, createPartitionSet = TRUE)
  expect_error(rxPartition(mtcars, elsewhere, "cyl"), "other things", class = "rxscale_error_argument")
  expect_error(rxGetPartitions(plain), "no partitioned set", class = "rxscale_error_argument")
  expect_error(rxGetPartitions(mtcars), class = "rxscale_error_argument")
  expect_error(rxGetInfo(set), "rxGetPartitions", class = "rxscale_error_unsupported")
  expect_error(rxSummary(~mpg, rxXdfFileName(set)), "partitioned set", class = "rxscale_error_unsupported")
  expect_error(rxImport(mtcars, set), "rxPartition", class = "rxscale_error_unsupported")
  # Nothing of the attempts is left.
  expect_identical(rxGetPartitions(set)$cyl, c(4, 6, 8))
  expect_length(list.files(rxXdfFileName(set)), 4)
})

test_that("one at a time changes a set", {
  set <- partition_set()
  folder <- rxXdfFileName(set)
  rxPartition(mtcars, set, "cyl")
  lock <- engine_call(rx_engine_lock_folder, folder)
  expect_error(rxPartition(mtcars, set, "cyl"), "changed by another process", class = "rxscale_error_file")
  again <- function() rxPartition(mtcars, set, "cyl", append = "none", overwrite = TRUE)
  error <- expect_error(again(), class = "rxscale_error_file")
  expect_identical(error$file, folder)
  rx_engine_unlock(lock)
  expect_identical(nrow(rxGetPartitions(set)), 3L)
  rxPartition(mtcars, set, "cyl")
  expect_identical(sum(vapply(rxGetPartitions(set)$DataSource, nrow, 0L)), 64L)
  # A set that is being made, by somebody who has its folder only.
  other <- partition_set()
  dir.create(rxXdfFileName(other))
  lock <- engine_call(rx_engine_lock_folder, rxXdfFileName(other))
  expect_error(rxPartition(mtcars, other, "cyl"), class = "rxscale_error_file")
  rx_engine_unlock(lock)
  # What fails leaves no folder, and no lock.
  unlink(rxXdfFileName(other), recursive = TRUE)
  expect_error(rxPartition(mtcars, other, "cil"), class = "rxscale_error_missing_column")
  expect_false(file.exists(rxXdfFileName(other)))
  rxPartition(mtcars, other, "cyl")
  expect_identical(nrow(rxGetPartitions(other)), 3L)
  expect_null(engine_call(rx_engine_lock_folder, tempfile()))
})

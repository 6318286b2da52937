# Faults that happen to files: damage, a full disk, processes that die while they write.

# Runs R code in a process of its own and kills it as soon as it makes the file `signal`.
killed <- function(fun, args) {
  skip_on_os("windows")
  skip_on_cran()
  skip_if_not_installed("callr")
  signal <- withr::local_tempfile()
  process <- callr::r_bg(fun, c(args, signal = signal), supervise = TRUE)
  deadline <- Sys.time() + 60
  while (!file.exists(signal) && process$is_alive() && Sys.time() < deadline) Sys.sleep(0.02)
  expect_true(file.exists(signal))
  process$kill()
  process$wait()
}

# A file of the flights in blocks, and its name in a folder of its own.
flights_copy <- function(name, ..., env = parent.frame()) {
  folder <- withr::local_tempdir(.local_envir = env)
  path <- file.path(folder, name)
  rxImport(flights_frame(), RxXdfData(path, ...), varsToKeep = c("hour", "carrier"), rowsPerRead = 50000)
  path
}

# Writes to a file, and stops for good after some chunks.
write_until_killed <- function(from, to, append, overwrite, set, signal) {
  library(rxscale)
  chunks <- 0
  rxImport(
    from, RxXdfData(to, createCompositeSet = set, blocksPerCompositeFile = 1),
    transformFunc = function(chunk) {
      chunks <<- chunks + 1
      if (chunks == 5) {
        file.create(signal)
        Sys.sleep(600)
      }
      chunk
    }, append = append, overwrite = overwrite
  )
}

files_of <- function(folder) list.files(folder, all.files = TRUE, no.. = TRUE, recursive = TRUE)

test_that("kill -9 in an import leaves the old file, and the next one removes what was left", {
  path <- flights_copy("old.xdf")
  before <- tools::md5sum(path)
  killed(write_until_killed, list(
    from = rxXdfFileName(flights_xdf()), to = path, append = "none", overwrite = TRUE, set = FALSE
  ))
  expect_length(files_of(dirname(path)), 2)
  expect_identical(tools::md5sum(path), before)
  expect_equal(nrow(rxImport(path)), nrow(flights_frame()))
  rxImport(mtcars, path, overwrite = TRUE)
  expect_identical(files_of(dirname(path)), "old.xdf")
})

test_that("kill -9 in an append leaves the rows that were there, and the next one cuts off the rest", {
  path <- flights_copy("old.xdf")
  size <- file.size(path)
  rows <- nrow(flights_frame())
  killed(write_until_killed, list(from = path, to = path, append = "rows", overwrite = FALSE, set = FALSE))
  expect_gt(file.size(path), size)
  expect_equal(dim(RxXdfData(path)), c(rows, 2))
  expect_equal(rxImport(path)$hour, flights_frame()$hour)
  rxImport(data.frame(hour = 1:3, carrier = c("new", NA, "UA")), path, append = "rows")
  expect_identical(files_of(dirname(path)), "old.xdf")
  data <- rxImport(path)
  expect_equal(data$hour, c(flights_frame()$hour, 1:3))
  expect_equal(data$carrier, c(flights_frame()$carrier, "new", NA, "UA"))
})

test_that("kill -9 while a composite set is written leaves the old set", {
  path <- flights_copy("old", createCompositeSet = TRUE, blocksPerCompositeFile = 1)
  files <- files_of(path)
  for (append in c("none", "rows")) {
    killed(write_until_killed, list(from = path, to = path, append = append, overwrite = TRUE, set = TRUE))
    expect_gt(length(files_of(path)), length(files))
    expect_equal(rxImport(path)$hour, flights_frame()$hour)
  }
  rxImport(data.frame(hour = 1:3, carrier = c("new", NA, "UA")), path, append = "rows")
  expect_length(setdiff(files_of(path), files), 1)
  expect_equal(rxImport(path)$hour, c(flights_frame()$hour, 1:3))
})

test_that("a full disk is an error, and the old file stays", {
  skip_on_os("windows")
  skip_on_cran()
  path <- flights_copy("old.xdf")
  before <- tools::md5sum(path)
  script <- withr::local_tempfile(fileext = ".R")
  writeLines(deparse(bquote({
    library(rxscale)
    data <- RxXdfData(.(rxXdfFileName(flights_xdf())))
    attempt <- function(...) tryCatch(rxImport(data, ...), rxscale_error_file = function(e) writeLines(e$message))
    attempt(.(path), overwrite = TRUE)
    attempt(.(path), append = "rows", varsToKeep = c("hour", "carrier"), rowSelection = hour > 0)
    attempt(RxParquetData(.(file.path(dirname(path), "new.parquet"))))
    attempt(.(file.path(dirname(path), "new.csv")))
    attempt(RxXdfData(.(file.path(dirname(path), "new")), createCompositeSet = TRUE, blocksPerCompositeFile = 10))
    cat("alive\n")
  })), script)
  # No file may be larger than this: what a full disk is to who writes.
  limit <- ceiling(file.size(path) / 512) + 100
  command <- sprintf("trap '' XFSZ; ulimit -f %d; exec %s %s", limit, file.path(R.home("bin"), "Rscript"), script)
  output <- withr::with_envvar(
    c(R_LIBS = paste(.libPaths(), collapse = .Platform$path.sep)),
    system2("sh", c("-c", shQuote(command)), stdout = TRUE, stderr = TRUE)
  )
  expect_length(grep("^Cannot (write|append to) '.*'", output), 5)
  expect_true("alive" %in% output)
  expect_identical(files_of(dirname(path)), "old.xdf")
  expect_identical(tools::md5sum(path), before)
})

# Sorts or merges a file to another one again and again.
sort_for_ever <- function(from, to) {
  library(rxscale)
  repeat rxSort(from, to, sortByVars = c("carrier", "distance"), type = "mergeSort", overwrite = TRUE)
}

merge_for_ever <- function(from, to) {
  library(rxscale)
  carriers <- data.frame(carrier = unique(rxImport(from, varsToKeep = "carrier")$carrier), n = 1L)
  repeat rxMerge(from, carriers, to, matchVars = "carrier", bufferLimit = 4, overwrite = TRUE)
}

# Whether a process has a temporary file of sorted rows open, which has no name.
is_spilling <- function(process, path) {
  open <- Sys.readlink(list.files(file.path("/proc", process$get_pid(), "fd"), full.names = TRUE))
  any(startsWith(open, dirname(path)) & grepl(" \\(deleted\\)$", open), na.rm = TRUE)
}

is_writing <- function(process, path) {
  length(list.files(dirname(path), sprintf("^[.]%s[.]rxtmp-", basename(path)), all.files = TRUE)) > 0
}

test_that("kill -9 in a sort or a merge leaves a whole file, and nothing that the next one does not remove", {
  skip_on_cran()
  skip_if_not_installed("callr")
  skip_if_not(dir.exists("/proc/self/fd"), "open files are told by /proc")
  path <- file.path(withr::local_tempdir(), "old.xdf")
  for (fun in list(sort_for_ever, merge_for_ever)) {
    for (moment in list(is_spilling, is_writing)) {
      rxImport(flights_frame(), path, overwrite = TRUE)
      process <- callr::r_bg(fun, list(rxXdfFileName(flights_xdf()), path), supervise = TRUE)
      deadline <- Sys.time() + 60
      while (!moment(process, path) && process$is_alive() && Sys.time() < deadline) Sys.sleep(0.001)
      expect_true(process$is_alive() && Sys.time() < deadline)
      process$kill()
      process$wait()
      # Of the rows in the temporary file nothing is left, at most half of an output.
      expect_false(any(grepl("rxscale-sort", files_of(dirname(path)))))
      expect_identical(sort(rxImport(path)$distance), sort(flights_frame()$distance))
      rxSort(mtcars, path, sortByVars = "mpg", overwrite = TRUE)
      expect_identical(files_of(dirname(path)), "old.xdf")
    }
  }
})

test_that("a disk that is full is an error of all that write, and the old file stays", {
  skip_on_cran()
  folder <- normalizePath(withr::local_tempdir())
  mounted <- suppressWarnings(tryCatch(
    system2("mount", c("-t", "tmpfs", "-o", "size=2m", "tmpfs", folder), stdout = FALSE, stderr = FALSE),
    error = function(e) 1L
  ))
  skip_if_not(identical(mounted, 0L), "a small disk cannot be mounted, which needs Linux and its root")
  withr::defer(system2("umount", folder))
  path <- file.path(folder, "old.xdf")
  rxImport(mtcars, path)
  before <- tools::md5sum(path)
  attempts <- list(
    function(to) rxImport(flights_xdf(), to, overwrite = TRUE),
    function(to) rxSort(flights_xdf(), to, sortByVars = "distance", overwrite = TRUE),
    function(to) rxSort(flights_xdf(), to, sortByVars = "distance", type = "mergeSort", overwrite = TRUE),
    function(to) rxMerge(flights_xdf(), flights_xdf(), to, type = "union", overwrite = TRUE),
    function(to) {
      other <- data.frame(dest = unique(flights_frame()$dest))
      rxMerge(flights_xdf(), other, to, matchVars = "dest", bufferLimit = 1, overwrite = TRUE)
    }
  )
  for (attempt in attempts) {
    expect_error(attempt(path), class = "rxscale_error_file", regexp = "No space left")
    expect_identical(files_of(folder), "old.xdf")
    expect_identical(tools::md5sum(path), before)
  }
  # Nothing holds the room that was taken.
  expect_identical(nrow(rxSort(path, path, sortByVars = "mpg", type = "mergeSort", overwrite = TRUE)), 32L)
})

test_that("a flipped bit is an error that names the file, whatever it is in", {
  for (name in c("x.xdf", "x.parquet")) {
    for (level in if (name == "x.xdf") c(0, 1, 9) else 1) {
      path <- file.path(withr::local_tempdir(), name)
      rxImport(small_data(), path, xdfCompressionLevel = level)
      good <- readBin(path, "raw", file.size(path))
      right <- rxImport(path)
      for (at in round(seq(1, length(good), length.out = 30))) {
        writeBin(replace(good, at, xor(good[at], as.raw(0x40))), path)
        found <- tryCatch(rxImport(path), rxscale_error_corrupt_file = function(error) {
          expect_equal(basename(error$file), name)
          right
        })
        expect_identical(found, right)
      }
    }
  }
  expect_snapshot(
    error = TRUE,
    {
      writeBin(replace(good, 200, xor(good[200], as.raw(1))), path)
      rxImport(path)
    },
    transform = function(lines) sub(dirname(path), "<folder>", lines, fixed = TRUE)
  )
})

test_that("two processes cannot append to one file at a time, and a dead one is in nobody's way", {
  skip_on_os("windows")
  skip_on_cran()
  skip_if_not_installed("callr")
  path <- flights_copy("old.xdf")
  signal <- withr::local_tempfile()
  process <- callr::r_bg(write_until_killed, list(
    from = path, to = path, append = "rows", overwrite = FALSE, set = FALSE, signal = signal
  ), supervise = TRUE)
  while (!file.exists(signal) && process$is_alive()) Sys.sleep(0.02)
  more <- data.frame(hour = 1:3, carrier = "new")
  expect_snapshot(
    error = TRUE, rxImport(more, path, append = "rows"),
    transform = function(lines) sub(normalizePath(dirname(path)), "<folder>", lines, fixed = TRUE)
  )
  expect_error(rxSetInfo(path, "new"), class = "rxscale_error_file")
  expect_equal(nrow(RxXdfData(path)), nrow(flights_frame()))
  process$kill()
  process$wait()
  rxImport(more, path, append = "rows")
  expect_equal(nrow(RxXdfData(path)), nrow(flights_frame()) + 3)
})

# Functions on groups of rows.

count_rows <- function(keys, data) c(nrow(rxImport(data, reportProgress = 0)), is(data, "RxXdfData"))

statuses <- function(groups) vapply(groups, `[[`, "", "status")

test_that("every source and every context gives the same groups", {
  skip_on_os("windows")
  flights <- flights_frame()
  mean_delay <- function(keys, data) {
    list(names(keys), rxSummary(~arr_delay, data, reportProgress = 0)$sDataFrame$Mean)
  }
  wanted <- aggregate(flights$arr_delay, flights[c("month", "origin")], mean, na.rm = TRUE)
  contexts <- list(RxLocalSeq(), RxLocalParallel())
  if (requireNamespace("foreach", quietly = TRUE)) {
    foreach::registerDoSEQ()
    contexts <- c(contexts, RxForeachDoPar())
  }
  first <- NULL
  for (context in contexts) {
    for (source in if (is.null(first)) flights_sources() else flights_sources()["xdf"]) {
      groups <- rxExecBy(source, c("origin", "month"), mean_delay, computeContext = context)
      first <- first %||% groups
      expect_identical(groups, first)
    }
  }
  expect_length(first, 36)
  expect_true(all(statuses(first) == "OK"))
  expect_identical(first[[2]]$keys, list(origin = "EWR", month = 2L))
  expect_identical(vapply(first, function(g) g$keys$month, 0L), wanted$month)
  expect_equal(vapply(first, function(g) g$result[[2]], 0), wanted$x)
})

test_that("keys of every type and missing ones are groups, and factors come as text", {
  data <- all_kinds()
  for (key in names(data)) {
    groups <- rxExecBy(data, key, count_rows)
    values <- if (is.factor(data[[key]])) as.character(data[[key]]) else data[[key]]
    keys <- lapply(groups, function(group) group$keys[[key]])
    expect_identical(length(keys), length(unique(values)))
    expect_identical(lapply(keys, class), rep(list(class(values)), length(keys)))
    expect_true(is.na(keys[[length(keys)]]))
    counts <- vapply(groups, function(group) group$result[[1]], 0)
    expected <- vapply(keys, function(k) sum(if (is.na(k)) is.na(values) else !is.na(values) & values == k), 0L)
    expect_equal(counts, expected)
    expect_true(all(vapply(groups, function(group) group$result[[2]] == 1, NA)))
  }
})

test_that("an error of one group does not lose the others", {
  skip_on_os("windows")
  picky <- function(keys, data) if (keys$cyl == 6) stop("six!") else keys$cyl
  for (context in list(RxLocalSeq(), RxLocalParallel())) {
    expect_warning(groups <- rxExecBy(mtcars, "cyl", picky, computeContext = context), "cyl=6 failed: six!")
    expect_identical(statuses(groups), c("OK", "Error", "OK"))
    expect_identical(names(groups[[1]]), c("keys", "result", "status"))
    expect_null(groups[[2]]$result)
    expect_identical(conditionMessage(groups[[2]]$error), "six!")
    expect_identical(groups[[3]]$result, 8)
  }
})

test_that("functions get parameters by name, or all of them as `params`", {
  by_name <- function(keys, data, a, b = 0) a + b
  as_list <- function(keys, data, params) params$a
  both <- function(keys, data, params, a) c(params, a)
  plain <- function(keys, data, params) is.null(params)
  results <- function(...) unlist(lapply(rxExecBy(mtcars, "am", ...), `[[`, "result"))
  expect_identical(results(by_name, funcParams = list(a = 1)), c(1, 1))
  expect_identical(results("by_name", funcParams = list(b = 1, a = 2)), c(3, 3))
  expect_identical(results(as_list, funcParams = list(a = "x")), c("x", "x"))
  expect_identical(results(both, funcParams = list(a = 1, params = 2)), c(2, 1, 2, 1))
  expect_identical(results(plain), c(TRUE, TRUE))
  expect_error(rxExecBy(mtcars, "am", by_name, funcParams = list(1)), class = "rxscale_error_argument")
})

test_that("groups can be chosen", {
  few <- function(partitions) partitions[partitions$carb > 3 & partitions$am == 1, ]
  groups <- rxExecBy(mtcars, c("am", "carb"), count_rows, filterFunc = few)
  expect_identical(lapply(groups, `[[`, "keys"), lapply(c(4, 6, 8), function(carb) list(am = 1, carb = carb)))
  groups <- rxExecBy(mtcars, "am", count_rows, filterFunc = function(partitions) partitions$am == 0)
  expect_equal(groups[[1]]$result[[1]], 19)
  expect_identical(rxExecBy(mtcars, "am", count_rows, filterFunc = function(partitions) partitions[0, ]), list())
  wrong <- function(partitions) "am"
  expect_error(rxExecBy(mtcars, "am", count_rows, filterFunc = wrong), class = "rxscale_error_argument")
})

test_that("partitions that there are, are used", {
  set <- RxXdfData(withr::local_tempfile(), createPartitionSet = TRUE)
  partitions <- rxPartition(mtcars, set, c("am", "gear"))
  where <- function(keys, data) rxXdfFileName(data)
  for (source in list(set, rxXdfFileName(set), partitions)) {
    groups <- rxExecBy(source, c("gear", "am"), where)
    expect_identical(lapply(groups, `[[`, "result"), lapply(partitions$DataSource, rxXdfFileName))
    expect_identical(names(groups[[1]]$keys), c("gear", "am"))
  }
  expect_true(all(file.exists(vapply(partitions$DataSource, rxXdfFileName, ""))))
  expect_error(rxExecBy(set, "am", where), "'am', 'gear'", class = "rxscale_error_argument")
})

test_that("temporary files go, also those of background jobs", {
  skip_on_os("windows")
  where <- function(keys, data) rxXdfFileName(data)
  groups <- rxExecBy(mtcars, "am", where)
  expect_false(any(file.exists(groups[[1]]$result)))
  job <- rxExecBy(mtcars, "am", where, computeContext = RxLocalParallel(wait = FALSE))
  expect_identical(rxWaitForJob(job), "finished")
  groups <- rxGetJobResults(job)
  expect_identical(statuses(groups), c("OK", "OK"))
  expect_false(any(file.exists(groups[[1]]$result)))
  expect_length(list.files(tempdir(), "^rxscale-groups"), 0)
})

test_that("what cannot be is refused", {
  expect_error(rxExecBy(mtcars, "cil", count_rows), "Did you mean", class = "rxscale_error_missing_column")
  expect_error(rxExecBy(mtcars, character(), count_rows), class = "rxscale_error_argument")
  expect_error(rxExecBy(mtcars, "cyl", "no_such_function"), class = "rxscale_error_argument")
  expect_error(rxExecBy(mtcars, "cyl", 1), "`func`", class = "rxscale_error_argument")
  expect_warning(rxExecBy(mtcars, "cyl", count_rows, rowsPerRaed = 3), "rowsPerRaed")
  expect_identical(rxExecBy(mtcars[0, ], "cyl", count_rows), list())
})

# Clusters are those of stats::kmeans(algorithm = "Lloyd") from the same centres, on every source.

# The components that stats::kmeans() and rxKmeans() share.
shared <- c("cluster", "centers", "size", "withinss", "tot.withinss", "totss", "betweenss")

expect_equals_kmeans <- function(found, expected, components = shared, tolerance = 1e-11) {
  for (name in components) {
    expect_equal(unname(found[[name]]), unname(expected[[name]]), tolerance = tolerance, info = name)
  }
  expect_identical(found$numIterations, expected$iter)
}

lloyd <- function(x, centers) stats::kmeans(x, as.matrix(centers), iter.max = 1000, algorithm = "Lloyd")

# Complete rows of the flights, with numbers of very different sizes.
flight_numbers <- function() {
  numbers <- flights_frame()[c("hour", "distance", "dep_delay", "arr_delay")]
  numbers[stats::complete.cases(numbers), ]
}

test_that("clusters of the flights are those of kmeans() on every source", {
  complete <- flight_numbers()
  start <- complete[c(1, 5000, 70000, 200000, 300000), ]
  expected <- lloyd(complete, start)
  frame <- rxKmeans(~ hour + distance + dep_delay + arr_delay, flights_frame(), centers = start)
  kept <- stats::complete.cases(flights_frame()[names(complete)])
  expect_identical(frame$cluster[kept], unname(expected$cluster))
  expect_true(all(is.na(frame$cluster[!kept])))
  expect_identical(c(frame$valid.obs, frame$missing.obs), c(sum(kept), sum(!kept)))
  for (source in flights_sources()) {
    found <- rxKmeans(~ hour + distance + dep_delay + arr_delay, source, centers = start)
    expect_equals_kmeans(found, expected, setdiff(shared, "cluster"))
    expect_null(if (!is.data.frame(source)) found$cluster)
  }
})

test_that("clusters of credit card holders are those of kmeans()", {
  cards <- utils::read.csv(gzfile(shared_data("ccdata_scaled.csv.gz")))
  cards$Clusterno <- NULL
  for (seed in 1:3) {
    set.seed(seed)
    start <- cards[sample(nrow(cards), 7), ]
    found <- rxKmeans(stats::reformulate(names(cards)), cards, centers = start)
    expect_equals_kmeans(found, lloyd(cards, start))
  }
})

test_that("data far from zero, and of small whole numbers, have the clusters of kmeans()", {
  set.seed(4)
  far <- data.frame(x = 1e9 + c(rnorm(500), rnorm(500, 4)), y = -1e7 + rnorm(1000) / 100)
  expect_equals_kmeans(rxKmeans(~ x + y, far, centers = far[c(1, 2, 3), ]), lloyd(far, far[c(1, 2, 3), ]))
  # Two close groups in a wide range: products of the coordinates would not tell them apart.
  close <- data.frame(x = c(rep(0, 50), 1e6 + rnorm(50) * 1e-4, 1e6 + 1e-2 + rnorm(50) * 1e-4))
  start <- data.frame(x = c(0, 1e6, 1e6 + 1e-2))
  # kmeans() takes sums of squares about centres that were rounded.
  expect_equals_kmeans(rxKmeans(~x, close, centers = start), lloyd(close, start), tolerance = 1e-9)
  # Many rows are as near to one centre as to another.
  grid <- expand.grid(x = 1:20, y = 1:20)
  start <- data.frame(x = c(5, 15, 5, 15), y = c(5, 5, 15, 15))
  expect_equals_kmeans(rxKmeans(~ x + y, grid, centers = start), lloyd(grid, start))
})

test_that("one variable, one cluster and as many clusters as rows work", {
  one <- rxKmeans(~mpg, mtcars, numClusters = 1)
  expect_equal(c(one$centers, one$totss, one$betweenss), c(mean(mtcars$mpg), 31 * var(mtcars$mpg), 0))
  all <- rxKmeans(~ mpg + wt, mtcars[1:6, ], numClusters = 6)
  expect_equal(all$tot.withinss, 0)
  expect_setequal(all$cluster, 1:6)
})

test_that("starts are drawn by set.seed(), whatever the source and its order", {
  drawn <- function(data, ..., seed = 1) {
    set.seed(seed)
    rxKmeans(~ hour + distance, data, numClusters = 4, ...)[shared]
  }
  frame <- flights_frame()
  expected <- drawn(frame)
  expect_identical(drawn(flights_xdf())$centers, expected$centers)
  expect_equal(drawn(frame[rev(seq_len(nrow(frame))), ])$centers, expected$centers)
  expect_false(identical(drawn(frame, seed = 2)$centers, expected$centers))
  before <- stats::runif(1)
  set.seed(5)
  by_seed <- function(seed) rxKmeans(~ hour + distance, frame, numClusters = 4, seed = seed)$centers
  state <- .Random.seed
  expect_identical(by_seed(3), by_seed(3))
  expect_identical(.Random.seed, state)
  expect_false(identical(by_seed(3), by_seed(4)))
})

test_that("the best of several starts counts", {
  set.seed(11)
  groups <- expand.grid(x = 1:5 * 10, y = 1:5 * 10)[rep(1:25, each = 20), ] + rnorm(1000)
  sums <- vapply(1:20, function(seed) rxKmeans(~ x + y, groups, numClusters = 25, seed = seed)$tot.withinss, 0)
  best <- rxKmeans(~ x + y, groups, numClusters = 25, numStarts = 30, numStartRows = 500, seed = 1)
  expect_lte(best$tot.withinss, min(sums))
  # No start has worse clusters than each row's own group.
  expect_lt(best$tot.withinss, 1.3 * sum(apply(groups, 2, function(x) tapply(x, rep(1:25, each = 20), var) * 19)))
})

test_that("numStarts = 0 starts from the first complete rows", {
  complete <- flight_numbers()
  found <- rxKmeans(~ hour + distance + dep_delay + arr_delay, flights_xdf(), numClusters = 6, numStarts = 0)
  expect_equal(unname(found$centers), unname(lloyd(complete, complete[1:6, ])$centers), tolerance = 1e-11)
})

test_that("weights count as rows, or as shares", {
  set.seed(6)
  data <- data.frame(x = rnorm(300), y = rnorm(300), f = sample(0:3, 300, TRUE))
  data$p <- data$f / 8
  start <- data[data$f > 0, ][1:3, 1:2]
  repeated <- lloyd(data[rep(1:300, data$f), 1:2], start)
  found <- rxKmeans(~ x + y, data, centers = start, fweights = "f")
  expect_equals_kmeans(found, repeated, setdiff(shared, "cluster"))
  expect_identical(found$valid.obs, sum(data$f > 0))
  shares <- rxKmeans(~ x + y, data, centers = start, pweights = "p")
  expect_equal(shares$centers, found$centers)
  expect_equal(shares$withinss * 8, found$withinss)
  expect_equal(shares$size * 8, as.numeric(found$size))
  expect_error(rxKmeans(~ x + y, data, numClusters = 2, pweights = "p", fweights = "f"),
    class = "rxscale_error_argument")
})

test_that("formulas, transforms and selections make the variables", {
  start <- matrix(c(1, 3, 2, 4), 2)
  made <- data.frame(a = log(mtcars$hp), b = mtcars$wt / 2, c = mtcars$wt * mtcars$cyl)
  found <- rxKmeans(~ log(hp) + half, mtcars, centers = start, transforms = list(half = wt / 2))
  expect_equals_kmeans(found, lloyd(made[1:2], start))
  expect_identical(colnames(found$centers), c("log(hp)", "half"))
  by_function <- rxKmeans(~ log(hp) + half, mtcars, centers = start, transformFunc = function(d) {
    d$half <- d$wt / 2
    d
  }, transformVars = c("wt", "hp"))
  expect_identical(by_function$cluster, found$cluster)
  product <- rxKmeans(~ wt:cyl, mtcars, centers = matrix(c(8, 30)))
  expect_equals_kmeans(product, lloyd(made["c"], matrix(c(8, 30))))
  coded <- rxKmeans(~ N(Species) + Sepal.Length, iris, centers = matrix(c(0, 1, 5, 6), 2))
  expect_equals_kmeans(coded, lloyd(cbind(as.integer(iris$Species) - 1, iris$Sepal.Length), matrix(c(0, 1, 5, 6), 2)))
  selected <- rxKmeans(~ hp + wt, mtcars, numClusters = 2, rowSelection = cyl > 4, seed = 1)
  expect_length(selected$cluster, sum(mtcars$cyl > 4))
  named <- matrix(c(2, 4, 100, 200), 2, dimnames = list(NULL, c("wt", "hp")))
  expect_identical(
    rxKmeans(~ hp + wt, mtcars, centers = named)$centers,
    rxKmeans(~ hp + wt, mtcars, centers = as.data.frame(named[, 2:1]))$centers
  )
})

test_that("random selections are the same in every pass", {
  withr::defer(rxOptions(memoryLimitMB = NULL))
  file <- flights_xdf()
  result <- function(megabytes) {
    rxOptions(memoryLimitMB = megabytes)
    out <- temp_file()
    set.seed(8)
    found <- rxKmeans(~ hour + distance, file,
      numClusters = 3, outFile = out, rowSelection = stats::runif(.rxNumRows) < 0.1)
    list(found$size, as.vector(table(rxReadXdf(out)$.rxCluster)), stats::runif(1))
  }
  first <- result(NULL)
  expect_identical(first[[1]], first[[2]])
  expect_lt(abs(sum(first[[1]]) / nrow(file) - 0.1), 0.01)
  expect_identical(result(NULL), first)
  # Too little to keep rows between passes.
  expect_identical(result(1)[1:2], first[1:2])
})

test_that("the result is the same whether rows were kept or read again", {
  withr::defer(rxOptions(memoryLimitMB = NULL))
  expected <- rxKmeans(~ hour + distance + air_time, flights_xdf(), numClusters = 5, seed = 3)
  for (megabytes in c(1, 4, 64)) {
    rxOptions(memoryLimitMB = megabytes)
    found <- rxKmeans(~ hour + distance + air_time, flights_xdf(), numClusters = 5, seed = 3)
    expect_identical(found[c("centers", "withinss")], expected[c("centers", "withinss")])
  }
})

test_that("clusters go to another file, with what is asked for", {
  file <- temp_file()
  found <- rxKmeans(~ log(hp) + wt, mtcars,
    numClusters = 3, outFile = file, writeModelVars = TRUE, extraVarsToWrite = "cyl", rowSelection = cyl > 4, seed = 1)
  written <- rxReadXdf(file)
  expect_named(written, c("hp", "log(hp)", "wt", "cyl", ".rxCluster"))
  expect_identical(written$.rxCluster, found$cluster)
  expect_type(written$.rxCluster, "integer")
  expect_identical(written$cyl, mtcars$cyl[mtcars$cyl > 4])
  again <- function(...) rxKmeans(~wt, mtcars, numClusters = 2, outFile = file, outColName = "the cluster", ...)
  expect_error(again(), class = "rxscale_error_argument")
  expect_named({
    again(overwrite = TRUE)
    rxReadXdf(file)
  }, "the.cluster")
  parquet <- RxParquetData(temp_file(".parquet"))
  rxKmeans(~wt, mtcars, numClusters = 2, outFile = parquet, extraVarsToWrite = "hp")
  expect_named(rxImport(parquet), c("hp", ".rxCluster"))
})

test_that("clusters go into the input", {
  file <- temp_file()
  rxImport(rbind(iris, NA), file, rowsPerRead = 40)
  fit <- function(...) {
    rxKmeans(~ Sepal.Length + Petal.Length, file, numClusters = 3, outFile = file, transforms = list(
      Sepal.Length = Sepal.Length * 10
    ), seed = 2, ...)
  }
  found <- fit()
  data <- rxReadXdf(file)
  expect_named(data, c(names(iris), ".rxCluster"))
  expect_identical(data[1:150, names(iris)], iris)
  expect_equal(tabulate(data$.rxCluster), found$size)
  expect_identical(data$.rxCluster[151], NA_integer_)
  expect_error(fit(), class = "rxscale_error_argument")
  expect_no_error(fit(overwrite = TRUE))
  expect_error(fit(rowSelection = Species == "setosa", overwrite = TRUE), class = "rxscale_error_argument")
})

test_that("clusters go to a table of a database under a name that it takes", {
  skip_if_not_installed("RSQLite")
  connection <- DBI::dbConnect(RSQLite::SQLite(), ":memory:")
  on.exit(DBI::dbDisconnect(connection))
  table <- RxOdbcData("clusters", connection = connection)
  found <- rxKmeans(~ wt + hp, mtcars, numClusters = 2, outFile = table, extraVarsToWrite = "mpg", seed = 1)
  expect_identical(as.list(DBI::dbReadTable(connection, "clusters")), list(mpg = mtcars$mpg, X_rxCluster = found$cluster))
})

test_that("new rows go to the nearest cluster", {
  fit <- rxKmeans(~ log(hp) + twice, mtcars, numClusters = 3, transforms = list(twice = 2 * wt), seed = 1)
  expect_identical(unname(predict(fit, mtcars)), fit$cluster)
  expect_named(predict(fit, mtcars[3:1, ]), row.names(mtcars)[3:1])
  expect_identical(predict(fit, data.frame(hp = c(0, NA, 110), wt = 2.62))[1:2], c(`1` = NA_integer_, `2` = NA))
  expect_identical(rxPredict(fit, mtcars)$.rxCluster, fit$cluster)
  expect_named(rxPredict(fit, mtcars, extraVarsToWrite = "mpg", outColName = "group"), c("mpg", "group"))
  file <- temp_file()
  rxImport(mtcars, file)
  in_place <- rxPredict(fit, file)
  expect_identical(rxReadXdf(in_place)$.rxCluster, fit$cluster)
  out <- rxPredict(fit, file, temp_file(), writeModelVars = TRUE)
  expect_named(rxReadXdf(out), c("hp", "log(hp)", "twice", ".rxCluster"))
  expect_identical(rxPredict(fit, mtcars, mtcars["mpg"])$.rxCluster, fit$cluster)
  expect_error(predict(fit), class = "rxscale_error_argument")
  expect_error(rxPredict(fit, mtcars["wt"]), class = "rxscale_error")
})

test_that("positions of levels are those of the fit", {
  fit <- rxKmeans(~ N(Species) + Petal.Width, iris, numClusters = 3, seed = 1)
  turned <- iris
  turned$Species <- factor(iris$Species, rev(levels(iris$Species)))
  expect_identical(predict(fit, turned), predict(fit, iris))
})

test_that("empty clusters and too few passes are said", {
  far <- data.frame(wt = c(2, 4, 1000))
  expect_warning(found <- rxKmeans(~wt, mtcars, centers = far), class = "rxscale_warning_empty")
  expect_identical(found$size[3], 0L)
  expect_identical(c(found$withinss[3], found$centers[3]), c(0, 1000))
  expect_false(3 %in% found$cluster)
  start <- flight_numbers()[c(1, 5000, 70000), ]
  formula <- ~ hour + distance + dep_delay + arr_delay
  expect_warning(
    early <- rxKmeans(formula, flight_numbers(), centers = start, maxIterations = 2),
    class = "rxscale_warning_convergence"
  )
  expected <- suppressWarnings(stats::kmeans(flight_numbers(), start, iter.max = 2, algorithm = "Lloyd"))
  expect_identical(early$cluster, unname(expected$cluster))
  expect_equal(early$tot.withinss, expected$tot.withinss, tolerance = 1e-11)
  expect_equal(unname(early$centers), unname(expected$centers), tolerance = 1e-11)
  expect_identical(early$numIterations, 2L)
  expect_snapshot({
    . <- rxKmeans(~wt, mtcars, centers = far)
    . <- rxKmeans(~ wt + hp, mtcars, numClusters = 5, maxIterations = 1, seed = 1)
  })
})

test_that("what has no clusters is an error that says why", {
  data <- data.frame(x = c(1, 2, 2, NA), i = c(1, Inf, 3, 4), f = factor(c("a", "b", "a", "b")), s = letters[1:4])
  caught <- function(...) tryCatch(rxKmeans(...), rxscale_error = function(e) e$kind)
  expect_identical(caught(~x, data[4, ], numClusters = 1), "no_rows")
  expect_identical(caught(~x, data[0, ], numClusters = 1), "no_rows")
  expect_identical(caught(~x, data, numClusters = 3), "value")
  expect_identical(caught(~x, data, numClusters = 4, numStarts = 0), "value")
  expect_identical(caught(~x, data, numClusters = 3, numStarts = 0), "value")
  expect_identical(caught(~x, data, centers = matrix(c(1, 2, 3, 4))), "value")
  expect_identical(caught(~x, data, centers = matrix(c(1, 1))), "value")
  expect_identical(caught(~i, data, numClusters = 2), "infinite")
  expect_identical(caught(~f, data, numClusters = 2), "wrong_type")
  expect_identical(caught(~s, data, numClusters = 2), "wrong_type")
  expect_identical(caught(~ F(x), data, numClusters = 2), "wrong_type")
  expect_identical(caught(~zz, data, numClusters = 2), "missing_column")
  expect_identical(caught(x ~ i, data, numClusters = 2), "argument")
  expect_identical(caught(~1, data, numClusters = 2), "argument")
  expect_identical(caught(~x, data), "argument")
  expect_identical(caught(~x, data, numClusters = 2, algorithm = "Hartigan-Wong"), "argument")
  expect_identical(caught(~x, data, numClusters = 2, centers = matrix(1:3)), "argument")
  expect_identical(caught(~x, data, centers = 2), "argument")
  expect_identical(caught(~x, data, centers = matrix(1:4, 2)), "argument")
  expect_identical(caught(~x, data, centers = matrix(1:2), numStarts = 5), "argument")
  expect_identical(caught(~x, data, numClusters = 2, numStartRows = 1), "argument")
  expect_identical(caught(~x, data, numClusters = 2, maxIterations = 0), "argument")
  expect_identical(caught(~x, data, numClusters = 2, seed = 0.5), "argument")
  expect_identical(caught(~x, data, numClusters = 2, numStartRows = 1e9), "memory")
  expect_no_error(rxKmeans(~x, data, numClusters = 2, algorithm = "lloyd"))
  expect_warning(rxKmeans(~x, data, numClusters = 2, sed = 1), "`seed`")
  expect_snapshot(error = TRUE, {
    rxKmeans(~x, data, numClusters = 3)
    rxKmeans(~x, data, numClusters = 3, numStarts = 0)
    rxKmeans(~f, data, numClusters = 2)
    rxKmeans(~i, data, numClusters = 2)
    rxKmeans(x ~ i, data, numClusters = 2)
    rxKmeans(~x, data[4, ], numClusters = 2)
    rxKmeans(~x, data)
  })
})

test_that("clusters are printed as RevoScaleR prints them", {
  expect_snapshot({
    rxKmeans(~ wt + hp, mtcars, numClusters = 2, seed = 1)
    print(rxKmeans(~wt, mtcars, numClusters = 2, fweights = "gear", seed = 1), header = FALSE)
    . <- rxKmeans(~ wt + half, mtcars, numClusters = 2, seed = 1, verbose = 1, transforms = list(half = hp / 2))
  }, transform = function(lines) sub("[0-9.]+ seconds", "... seconds", lines))
})

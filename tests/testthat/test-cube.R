# What table(), xtabs() and aggregate() make of the same rows.
long_form <- function(data, by, y = NULL, fun = sum, empty = 0) {
  by <- lapply(by, function(x) if (is.factor(x)) x else factor(x, sort(unique(x), method = "radix")))
  list(counts = as.vector(table(by)), values = if (!is.null(y)) {
    values <- as.vector(tapply(y, by, fun))
    replace(values, is.na(values), empty)
  })
}

test_that("counts, sums and means are those of base R on every source", {
  flights <- flights_frame()
  flights <- flights[!is.na(flights$arr_delay), ]
  expected <- long_form(flights, flights[c("origin", "carrier", "month")], flights$arr_delay)
  for (source in flights_sources()) {
    cube <- rxCube(arr_delay ~ origin:carrier:F(month), source, means = FALSE)
    expect_s3_class(cube, "rxCube")
    expect_identical(names(cube), c("origin", "carrier", "F_month", "arr_delay", "Counts"))
    expect_identical(cube$Counts, expected$counts)
    expect_identical(cube$arr_delay, as.double(expected$values))
    expect_identical(levels(cube$origin), c("EWR", "JFK", "LGA"))
    expect_identical(as.character(cube$origin[1:4]), c("EWR", "JFK", "LGA", "EWR"))
  }
  means <- rxCube(arr_delay ~ origin:carrier:F(month), flights_xdf())
  expect_equal(means$arr_delay, expected$values / expected$counts, tolerance = 1e-14)
  expect_true(all(is.nan(means$arr_delay[means$Counts == 0])) && any(means$Counts == 0))
})

test_that("characters, logicals and expressions are categories", {
  data <- small_data()
  cube <- rxCube(~ s:ok:F(k, 1, 4):(y > 0), data)
  data$big <- data$y > 0
  used <- data[!is.na(data$s) & !is.na(data$y) & data$k %in% 1:4, ]
  expect_identical(cube$Counts, long_form(used, used[c("s", "ok", "k", "big")])$counts)
  expect_identical(levels(cube$s), c("Alpha", "beta", "gamma"))
  expect_identical(levels(cube$ok), c("FALSE", "TRUE"))
  expect_identical(names(cube), c("s", "ok", "F_k_1_4_T", "y > 0", "Counts"))
  expect_identical(levels(rxCube(~ F(ok), data)$F_ok), c("0", "1"))
})

test_that("several responses have a column each, of rows complete in all", {
  data <- small_data()
  cube <- rxCube(cbind(y, log(z)) ~ a:b, data, rowSelection = x > 0)
  used <- data[!is.na(data$y) & !is.na(data$a) & !is.na(data$x) & data$x > 0, ]
  for (y in c("y", "log(z)")) {
    values <- if (y == "y") used$y else log(used$z)
    expect_equal(cube[[y]], long_form(used, used[c("a", "b")], values, mean, NaN)$values, tolerance = 1e-14)
  }
  expect_identical(cube$Counts, as.vector(table(used[c("a", "b")])))
})

test_that("weights of both kinds take the place of counts", {
  data <- small_data()
  used <- data[!is.na(data$y) & !is.na(data$a), ]
  for (name in c("weight", "freq")) {
    w <- used[[name]]
    kind <- if (name == "freq") list(fweights = name) else list(pweights = name)
    weighted <- function(...) do.call(rxCube, c(list(y ~ a, data), kind, list(...)))
    total <- as.vector(tapply(w, used$a, sum))
    expect_equal(weighted()$Counts, total, tolerance = 1e-14)
    expect_equal(weighted()$y, as.vector(tapply(w * used$y, used$a, sum)) / total, tolerance = 1e-13)
    expect_equal(weighted(means = FALSE)$y, as.vector(tapply(w * used$y, used$a, sum)), tolerance = 1e-13)
  }
  repeated <- used[rep(seq_len(nrow(used)), used$freq), ]
  plain <- rxCube(y ~ a:b, repeated)
  weighted <- rxCube(y ~ a:b, used, fweights = "freq")
  expect_equal(weighted$Counts, as.double(plain$Counts))
  expect_equal(weighted$y, plain$y, tolerance = 1e-13)
})

test_that("combinations without rows are listed, or not", {
  all <- rxCube(arr_delay ~ dest:carrier, flights_xdf(), returnDataFrame = TRUE)
  expect_identical(class(all), "data.frame")
  expect_identical(nrow(all), nlevels(all$dest) * nlevels(all$carrier))
  some <- rxCube(arr_delay ~ dest:carrier, flights_xdf(), removeZeroCounts = TRUE, returnDataFrame = TRUE)
  kept <- all[all$Counts > 0, ]
  row.names(kept) <- NULL
  expect_identical(some, kept)
  expect_identical(rxCube(arr_delay ~ dest:carrier, flights_xdf(), useSparseCube = TRUE, returnDataFrame = TRUE), some)
  sparse <- rxCube(
    arr_delay ~ dest:carrier, flights_xdf(), useSparseCube = TRUE, removeZeroCounts = FALSE, returnDataFrame = TRUE
  )
  expect_identical(sparse, all)
})

test_that("a cube far larger than memory is counted sparsely, and refused if it is to be listed", {
  set.seed(3)
  codes <- lapply(1:5, function(i) sample.int(300, 20000, replace = TRUE))
  data <- data.frame(lapply(codes, function(code) factor(code, levels = 1:300)))
  names(data) <- letters[1:5]
  data$y <- stats::rnorm(20000)
  cube <- rxCube(y ~ a:b:c:d:e, data, useSparseCube = TRUE)
  expected <- stats::aggregate(y ~ a + b + c + d + e, data, length)
  expect_identical(cube$Counts, expected$y[do.call(order, rev(expected[1:5]))])
  expect_error(rxCube(y ~ a:b:c:d:e, data), class = "rxscale_error_memory", regexp = "2430000000000 cells")
  expect_error(
    rxCrossTabs(y ~ a:b:c:d:e, data, useSparseCube = TRUE),
    class = "rxscale_error_memory", regexp = "rxCube"
  )
  # Too large for a table of all cells in memory, but not for the result.
  three <- rxCube(~ a:b:c, data, removeZeroCounts = TRUE)
  expect_identical(sum(three$Counts), 20000L)
})

test_that("transforms see the data as in all analyses", {
  cube <- rxCube(gain ~ late:origin, flights_xdf(),
    transforms = list(gain = dep_delay - arr_delay, late = factor(dep_delay > 15, c(FALSE, TRUE), c("no", "yes"))),
    rowSelection = month == 6
  )
  june <- flights_frame()
  june <- june[june$month == 6 & !is.na(june$arr_delay) & !is.na(june$dep_delay), ]
  late <- factor(june$dep_delay > 15, c(FALSE, TRUE), c("no", "yes"))
  expected <- tapply(june$dep_delay - june$arr_delay, list(late, june$origin), mean)
  expect_equal(cube$gain, as.vector(expected), tolerance = 1e-13)
})

test_that("the table goes to a file", {
  file <- temp_file()
  written <- rxCube(arr_delay ~ origin:F(month), flights_xdf(), outFile = file)
  expect_s4_class(written, "RxXdfData")
  expect_equal(rxImport(written), rxCube(arr_delay ~ origin:F(month), flights_xdf(), returnDataFrame = TRUE))
  expect_error(rxCube(~origin, flights_xdf(), outFile = file), class = "rxscale_error_argument", regexp = "exists")
  rxCube(~origin, flights_xdf(), outFile = RxXdfData(file), overwrite = TRUE)
  expect_identical(rxGetVarNames(file), c("origin", "Counts"))
  expect_error(rxCube(~origin, flights_xdf(), outFile = "x.csv"), class = "rxscale_error_argument", regexp = "outFile")
})

test_that("a cube is used as a data frame is", {
  cube <- rxCube(mpg ~ F(cyl):F(am), mtcars)
  frame <- as.data.frame(cube)
  expect_identical(frame, rxCube(mpg ~ F(cyl):F(am), mtcars, returnDataFrame = TRUE))
  expect_identical(cube[2:3, "mpg"], frame[2:3, "mpg"])
  bound <- 20
  expect_identical(subset(cube, mpg > bound, select = c(F_cyl, mpg)), subset(frame, mpg > bound, select = c(F_cyl, mpg)))
  expect_identical(dim(cube), dim(frame))
  expect_identical(head(cube, 3), head(frame, 3))
  expect_identical(row.names(as.data.frame(cube, row.names = letters[1:10])), letters[1:10])
  expect_s3_class(lattice::xyplot(mpg ~ F_cyl, groups = F_am, data = cube), "trellis")
})

test_that("cubes print what they are of", {
  expect_snapshot(rxCube(cbind(mpg, hp) ~ F(cyl):F(am), mtcars))
  expect_snapshot(summary(rxCube(~ F(cyl), mtcars, pweights = "wt")))
  expect_snapshot(print(rxCube(mpg ~ F(cyl), mtcars, means = FALSE), header = FALSE))
})

test_that("what cannot be tabulated is refused", {
  data <- small_data()
  expect_error(rxCube(y ~ a + b, data), class = "rxscale_error_argument", regexp = "a:b|f1:f2")
  expect_error(rxCube(y ~ 1, data), class = "rxscale_error_argument", regexp = "no categories")
  expect_error(rxCube(y ~ a:x, data), class = "rxscale_error_wrong_type", regexp = "F\\(x\\)")
  expect_error(rxCube(a ~ b, data), class = "rxscale_error_wrong_type")
  expect_error(rxCube(y ~ nothing, data), class = "rxscale_error_missing_column")
  expect_error(rxCube(y ~ a, data, means = NA), class = "rxscale_error_argument", regexp = "means")
  expect_error(rxCube(y ~ a, data, pweights = "weight", fweights = "freq"), class = "rxscale_error_argument")
  data$weight[9] <- -1
  expect_error(rxCube(y ~ a, data, pweights = "weight"), class = "rxscale_error_value", regexp = "negative")
  expect_warning(rxCube(y ~ a, data, mean = TRUE, meens = 1), "means")
})

test_that("data without a row, or without a complete one, have empty tables", {
  none <- rxCube(y ~ a:b, small_data()[0, ])
  expect_identical(none$Counts, rep(0L, 12))
  expect_true(all(is.nan(none$y)))
  missing <- transform(small_data(), y = NA_real_)
  cube <- rxCube(y ~ a:s, missing, means = FALSE)
  expect_identical(sum(cube$Counts), 0L)
  expect_identical(cube$y, rep(0, length(cube$Counts)))
  expect_length(rxCube(y ~ a:s, missing, removeZeroCounts = TRUE)$Counts, 0)
})

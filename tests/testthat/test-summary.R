shown <- c("Mean", "StdDev", "Min", "Max", "ValidObs", "MissingObs")
all_statistics <- c(shown, "Sum", "SumOfWeights")

expect_row <- function(summary, row, expected, columns = intersect(names(summary$sDataFrame), names(expected))) {
  expect_equal(as.list(summary$sDataFrame[row, columns]), expected[columns], tolerance = 1e-12)
}

test_that("numbers have the statistics of base R on every source", {
  flights <- flights_frame()
  for (source in flights_sources()) {
    summary <- rxSummary(~ arr_delay + distance + hour, source, summaryStats = all_statistics)
    expect_s3_class(summary, "rxSummary")
    expect_identical(summary$sDataFrame$Name, c("arr_delay", "distance", "hour"))
    expect_identical(
      names(summary$sDataFrame),
      c("Name", "Mean", "StdDev", "Min", "Max", "Sum", "ValidObs", "MissingObs", "SumOfWeights")
    )
    for (i in 1:3) {
      expect_row(summary, i, statistics_of(flights[[summary$sDataFrame$Name[i]]]))
    }
    expect_identical(summary$nobs.valid, 336776L)
    expect_identical(summary$categorical.type, "none")
  }
})

test_that("every type of source gives the same summary", {
  summaries <- lapply(flights_sources(), function(source) {
    rxSummary(~ arr_delay:carrier + dest + log(distance):origin, source)[c("sDataFrame", "categorical")]
  })
  for (summary in summaries[-1]) {
    expect_equal(summary, summaries[[1]], tolerance = 1e-13)
  }
})

test_that("counts are those of table()", {
  flights <- flights_frame()
  summary <- rxSummary(~ carrier + carrier:origin + F(month), flights_xdf())
  expect_identical(summary$categorical.type, "counts")
  carrier <- summary$categorical[[1]]
  expected <- as.data.frame(table(carrier = flights$carrier), responseName = "Counts")
  expect_equal(carrier, expected, ignore_attr = "missing")
  both <- as.data.frame(table(flights[c("carrier", "origin")]), responseName = "Counts")
  expect_equal(summary$categorical[[2]], both, ignore_attr = "missing")
  expect_identical(names(summary$categorical[[3]]), c("F_month", "Counts"))
  expect_equal(summary$categorical[[3]]$Counts, as.vector(table(flights$month)))
  expect_true(all(is.na(summary$sDataFrame[shown[1:4]])))
  expect_identical(summary$sDataFrame$ValidObs, rep(336776L, 3))
})

test_that("statistics by group are those of base R in every group", {
  flights <- flights_frame()
  summary <- rxSummary(~ arr_delay:origin:carrier, flights_xdf(), summaryStats = all_statistics)
  expect_identical(summary$categorical.type, "cube")
  table <- summary$categorical[[1]]
  expect_identical(
    names(table),
    c("Category", "origin", "carrier", "Means", "StdDev", "Min", "Max", "Sum", "ValidObs", "SumOfWeights")
  )
  expect_identical(nrow(table), 3L * 16L)
  expect_identical(as.character(table$origin[1:4]), c("EWR", "JFK", "LGA", "EWR"))
  expect_identical(table$Category[5], "arr_delay for origin=JFK, carrier=AA")
  groups <- split(flights$arr_delay, paste(flights$origin, flights$carrier))
  for (row in seq_len(nrow(table))) {
    group <- groups[[paste(table$origin[row], table$carrier[row])]]
    if (sum(!is.na(group)) > 1) {
      expected <- statistics_of(group)[c("Mean", "StdDev", "Min", "Max", "Sum", "ValidObs", "SumOfWeights")]
      expect_equal(unname(as.list(table[row, -(1:3)])), unname(expected), tolerance = 1e-12)
    } else {
      expect_identical(table$ValidObs[row], sum(!is.na(group)))
      expect_true(is.nan(table$StdDev[row]))
    }
  }
  empty <- table[table$ValidObs == 0, ]
  expect_true(nrow(empty) > 0 && all(is.nan(empty$Means)) && all(empty$Sum == 0))
})

test_that("a response is crossed with the first term only", {
  data <- small_data()
  crossed <- rxSummary(y ~ a + b, data)
  expect_identical(crossed$sDataFrame$Name, "y:a")
  expect_equal(crossed$categorical, rxSummary(~ y:a, data)$categorical)
  expect_equal(rxSummary(y ~ a:b, data)$categorical, rxSummary(~ y:a:b, data)$categorical)
  expect_error(rxSummary(cbind(y, x) ~ a, data), class = "rxscale_error_argument", regexp = "one response")
})

test_that("weights of both kinds follow the formulas of the help page", {
  data <- small_data()
  data$weight[5] <- NA
  data$freq[6] <- NA
  for (kind in c("frequency", "probability")) {
    name <- if (kind == "frequency") "freq" else "weight"
    summary <- rxSummary(~ y + y:a + a, data,
      summaryStats = all_statistics, pweights = if (kind == "probability") name,
      fweights = if (kind == "frequency") name
    )
    expect_true(all(c("SumOfWeights", "MissingWeights") %in% names(summary$sDataFrame)))
    expect_false(any(c("ValidObs", "MissingObs") %in% names(summary$sDataFrame)))
    expect_row(summary, 1, statistics_of(data$y, data[[name]], kind))
    for (level in levels(data$a)) {
      here <- which(data$a == level)
      expected <- statistics_of(data$y[here], data[[name]][here], kind)
      row <- summary$categorical[[1]][summary$categorical[[1]]$a == level, ]
      expect_equal(
        unname(as.list(row[c("Means", "StdDev", "Min", "Max", "Sum", "SumOfWeights")])),
        unname(expected[c("Mean", "StdDev", "Min", "Max", "Sum", "SumOfWeights")]), tolerance = 1e-12
      )
      counted <- summary$categorical[[2]]$Counts[summary$categorical[[2]]$a == level]
      expect_equal(counted, sum(data[[name]][here], na.rm = TRUE), tolerance = 1e-12)
    }
  }
})

test_that("frequency weights are as good as repeated rows", {
  data <- small_data()
  repeated <- data[rep(seq_len(nrow(data)), data$freq), ]
  weighted <- rxSummary(~ y:a + z, data, fweights = "freq")
  plain <- rxSummary(~ y:a + z, repeated)
  shared <- c("Mean", "StdDev", "Min", "Max")
  expect_equal(weighted$sDataFrame[shared], plain$sDataFrame[shared])
  expect_equal(weighted$sDataFrame$SumOfWeights, plain$sDataFrame$ValidObs)
  expect_equal(weighted$categorical[[1]][1:6], plain$categorical[[1]][1:6], ignore_attr = TRUE)
})

test_that("F() makes a level of each integer within its bounds", {
  data <- data.frame(v = c(-0.5, 0, 0.9, 1, 2.999, 3, 7, NA), x = 1:8)
  table <- rxSummary(~ F(v, 0, 3), data)$categorical[[1]]
  expect_identical(as.character(table$F_v_0_3_T), c("0", "1", "2", "3"))
  expect_identical(table$Counts, c(2L, 1L, 1L, 1L))
  expect_identical(attr(table, "missing"), 3L)
  other <- rxSummary(~ F(v, 0, 3, exclude = FALSE), data)$categorical[[1]]
  expect_identical(as.character(other[[1]]), c("0", "1", "2", "3", ".rxOther"))
  expect_identical(other$Counts, c(2L, 1L, 1L, 1L, 2L))
  expect_identical(attr(other, "missing"), 1L)
  unbounded <- rxSummary(~ F(v), data)$categorical[[1]]
  expect_identical(as.character(unbounded$F_v), as.character(-1:7))
  expect_identical(unbounded$Counts, c(1L, 2L, 1L, 1L, 1L, 0L, 0L, 0L, 1L))
  expect_identical(rxSummary(~ F(v), data, removeZeroCounts = TRUE)$categorical[[1]]$Counts, c(1L, 2L, 1L, 1L, 1L, 1L))
  means <- rxSummary(~ x:F(v, 0, 3), data)$categorical[[1]]
  expect_identical(means$Category[1], "x for F(v, 0, 3)=0")
  expect_equal(means$Means, c(2.5, 4, 5, 6))
  partial <- rxSummary(~ F(v, 1), data)$categorical[[1]]
  expect_identical(sum(partial$Counts), 4L)
})

test_that("F() of a factor takes positions of levels, of a logical zero and one", {
  data <- small_data()
  table <- rxSummary(~ F(b, 2, 3), data)$categorical[[1]]
  expect_identical(as.character(table[[1]]), levels(data$b)[2:3])
  expect_identical(table$Counts, as.vector(base::table(data$b))[2:3])
  expect_identical(as.character(rxSummary(~ F(ok), data)$categorical[[1]]$F_ok), c("0", "1"))
})

test_that("N() counts the levels of a factor from zero", {
  data <- small_data()
  summary <- rxSummary(~ N(b) + N(a):b, data)
  expect_identical(summary$sDataFrame$Name, c("N_b", "N_a:b"))
  expect_row(summary, 1, statistics_of(as.integer(data$b) - 1))
  expect_row(summary, 2, statistics_of(as.integer(data$a) - 1))
})

test_that("what transforms and expressions make is a category if it is text or a factor", {
  data <- small_data()
  expected <- rxSummary(~ y:a + z:s, data)
  made <- rxSummary(~ y:g + z:t, data, transforms = list(g = factor(a), t = as.character(s)))
  expect_equal(lapply(made$categorical, `[[`, "Means"), lapply(expected$categorical, `[[`, "Means"))
  copy <- function(chunk) c(chunk, list(g = chunk$a))
  by_function <- rxSummary(y ~ g, data, transformFunc = copy, transformVars = "a")
  expect_equal(by_function$categorical[[1]]$Means, expected$categorical[[1]]$Means)
  signs <- rxSummary(y ~ ifelse(x > 0, "up", "down"), data)$categorical[[1]]
  expect_identical(as.character(signs[[2]]), c("down", "up"))
  expect_equal(signs$Means[2], mean(data$y[which(data$x > 0)], na.rm = TRUE))
  codes <- rxSummary(y ~ N(a), data)
  expect_row(codes, 1, statistics_of(data$y * (as.integer(data$a) - 1)))
})

test_that("byTerm = FALSE uses complete rows only", {
  data <- small_data()
  complete <- stats::complete.cases(data[c("y", "x", "a")])
  summary <- rxSummary(~ y + x:a + a, data, byTerm = FALSE)
  expect_identical(summary$nobs.valid, sum(complete))
  expect_identical(summary$nobs.missing, sum(!complete))
  expect_row(summary, 1, statistics_of(data$y[complete]))
  expect_row(summary, 2, statistics_of(data$x[complete]))
  expect_identical(summary$categorical[[2]]$Counts, as.vector(table(data$a[complete])))
  byterm <- rxSummary(~ y + x:a, data)
  expect_row(byterm, 2, statistics_of(ifelse(is.na(data$a), NA, data$x)))
})

test_that("a dot takes every variable that is not text", {
  data <- small_data()
  summary <- rxSummary(~., data)
  expect_identical(summary$sDataFrame$Name, setdiff(names(data), "s"))
  expect_identical(rxSummary(~ . - y, data)$sDataFrame$Name, setdiff(names(data), c("s", "y")))
  expect_row(summary, which(summary$sDataFrame$Name == "ok"), statistics_of(as.numeric(data$ok)))
})

test_that("the statistics asked for are given, in their order", {
  summary <- rxSummary(~ y + y:a, small_data(), summaryStats = c("Sum", "Max", "Mean"))
  expect_identical(names(summary$sDataFrame), c("Name", "Mean", "Max", "Sum"))
  expect_identical(names(summary$categorical[[1]]), c("Category", "a", "Means", "Max", "Sum"))
  expect_identical(names(rxSummary(~y, small_data(), summaryStats = "ValidObs")$sDataFrame), c("Name", "ValidObs"))
  expect_error(rxSummary(~y, small_data(), summaryStats = "Median"), "summaryStats", class = "rxscale_error_argument")
})

test_that("a sparse cube holds the combinations that occur", {
  data <- small_data()
  data$sparse <- factor(data$k * 3L, levels = 0:17)
  dense <- rxSummary(~ y:sparse:b + sparse:b, data)
  sparse <- rxSummary(~ y:sparse:b + sparse:b, data, useSparseCube = TRUE)
  for (i in 1:2) {
    occurs <- if (i == 1) dense$categorical[[i]]$ValidObs > 0 else dense$categorical[[i]]$Counts > 0
    expect_lt(sum(occurs), length(occurs))
    expect_equal(sparse$categorical[[i]], dense$categorical[[i]][occurs, ], ignore_attr = c("row.names", "missing"))
    removed <- rxSummary(~ y:sparse:b + sparse:b, data, removeZeroCounts = TRUE)
    expect_equal(removed$categorical[[i]], sparse$categorical[[i]])
  }
  expect_equal(sparse$sDataFrame, dense$sDataFrame)
})

test_that("a sparse cube of very many combinations needs memory for those that occur", {
  data <- data.frame(x = 1:1000, f = factor(1:1000), g = factor(1000:1), h = factor((1:1000 * 7) %% 1000))
  table <- rxSummary(~ x:f:g:h, data, useSparseCube = TRUE)$categorical[[1]]
  expect_identical(nrow(table), 1000L)
  expect_equal(table$Means, as.numeric(as.character(table$f)))
})

test_that("numbers joined by a colon are multiplied, expressions are computed", {
  data <- small_data()
  summary <- rxSummary(~ x:z + log(z) + I(x^2) + pow(z, 3) + (x > 0) + x:z:a + sqrt(z):z, data)
  expect_identical(
    summary$sDataFrame$Name,
    c("x:z", "log(z)", "I(x^2)", "pow(z, 3)", "x > 0", "x:z:a", "z:sqrt(z)")
  )
  expected <- list(data$x * data$z, log(data$z), data$x^2, data$z^3, as.numeric(data$x > 0))
  for (i in seq_along(expected)) {
    expect_row(summary, i, statistics_of(expected[[i]]))
  }
  expect_equal(summary$categorical[[1]]$Means, as.vector(tapply(data$x * data$z, data$a, mean, na.rm = TRUE)))
  expect_row(summary, 7, statistics_of(data$z^1.5))
})

test_that("infinite results of expressions are missing", {
  data <- data.frame(x = c(0, 1, exp(1), NA))
  expect_identical(rxSummary(~ log(x), data)$sDataFrame[c("Mean", "ValidObs", "MissingObs")], data.frame(
    Mean = 0.5, ValidObs = 2L, MissingObs = 2L
  ))
})

test_that("transforms and row selections run on every source", {
  flights <- flights_frame()
  limit <- 600
  late <- flights[flights$distance > limit & flights$month == 2, ]
  late$speed <- late$distance / late$air_time * 60
  expected <- statistics_of(late$speed)
  speed <- function(chunk) {
    far <- chunk$month == 2 & chunk$distance > 600
    list(speed = chunk$distance / chunk$air_time * 60, .rxRowSelection = far)
  }
  for (source in flights_sources()) {
    summary <- rxSummary(~ speed + speed:origin + double, source,
      transforms = list(speed = distance / air_time * 60, double = 2 * speed),
      rowSelection = distance > limit & month == 2
    )
    expect_row(summary, 1, expected)
    expect_equal(
      summary$categorical[[1]]$Means, as.vector(tapply(late$speed, late$origin, mean, na.rm = TRUE)), tolerance = 1e-12
    )
    by_function <- rxSummary(~speed, source,
      transformFunc = speed, transformVars = c("distance", "air_time", "month")
    )
    expect_row(by_function, 1, expected)
  }
})

test_that("a transformFunc runs once a chunk, and levels are joined over all chunks", {
  file <- temp_file(".csv")
  utils::write.csv(data.frame(n = 1:1000), file, row.names = FALSE)
  xdf <- rxImport(data.frame(n = 1:1000), temp_file(), rowsPerRead = 150)
  for (source in list(RxTextData(file, rowsPerRead = 150), xdf)) {
    seen <- new.env()
    seen$rows <- integer()
    seen$tests <- 0
    letters_of <- function(chunk) {
      if (.rxIsTestChunk) {
        seen$tests <- seen$tests + 1
      } else {
        seen$rows <- c(seen$rows, length(chunk$n))
      }
      chunk$text <- letters[(chunk$n - 1) %/% 100 + 1]
      chunk$factor <- factor(LETTERS[26 - (chunk$n - 1) %/% 100])
      chunk
    }
    summary <- rxSummary(~ text + factor, source, transformFunc = letters_of, transformObjects = list(seen = seen))
    expect_identical(sum(seen$rows), 1000L)
    expect_identical(length(seen$rows), 7L)
    expect_lte(seen$tests, 3)
    expect_identical(as.character(summary$categorical[[1]]$text), letters[1:10])
    expect_identical(summary$categorical[[1]]$Counts, rep(100L, 10))
    expect_setequal(as.character(summary$categorical[[2]]$factor), LETTERS[17:26])
    expect_identical(summary$categorical[[2]]$Counts, rep(100L, 10))
  }
})

test_that("blocksPerRead joins blocks for R code", {
  xdf <- rxImport(data.frame(n = 1:1000), temp_file(), rowsPerRead = 150)
  seen <- new.env()
  seen$rows <- integer()
  count <- function(chunk) {
    if (!.rxIsTestChunk) seen$rows <- c(seen$rows, .rxNumRows)
    chunk
  }
  rxSummary(~n, xdf, transformFunc = count, blocksPerRead = 3)
  expect_identical(seen$rows, c(450L, 450L, 100L))
})

test_that("names that R code could not write are names like others", {
  data <- data.frame(
    y = sin(1:20), "two words" = cos(1:20), "1st" = rep(c("a", "b"), 10), F = 1:20, check.names = FALSE
  )
  summary <- rxSummary(~ `two words` + y:`1st` + F(F, 1, 2), data, rowSelection = `two words` > -2)
  expect_identical(summary$sDataFrame$Name, c("two words", "y:1st", "F_F_1_2_T"))
  expect_identical(names(summary$categorical[[1]])[2], "1st")
  expect_identical(rxSummary(~., data)$sDataFrame$Name, c("y", "two words", "F"))
  expect_identical(names(coef(rxLinMod(y ~ ., data)))[2:4], c("two words", "1st=a", "1st=b"))
})

test_that("dates, times and logicals are numbers, ordered factors are factors", {
  data <- all_kinds()
  summary <- rxSummary(~ day + time + flag + grade, data)
  expect_row(summary, 1, statistics_of(as.numeric(data$day)))
  expect_row(summary, 2, statistics_of(as.numeric(data$time)))
  expect_row(summary, 3, statistics_of(as.numeric(data$flag)))
  expect_identical(summary$categorical[[1]]$Counts, as.vector(table(data$grade)))
})

test_that("tables by group go to files", {
  data <- small_data()
  file <- temp_file()
  summary <- rxSummary(~ y:a:b, data, byGroupOutFile = file)
  expect_s4_class(summary$categorical[[1]], "RxXdfData")
  written <- rxImport(file)
  expect_identical(names(written), c("a", "b", "y_Mean", "y_StdDev", "y_Min", "y_Max", "y_ValidObs"))
  kept <- rxSummary(~ y:a:b, data)$categorical[[1]]
  expect_equal(written$y_Mean, kept$Means)
  expect_equal(written$a, kept$a)
  expect_error(rxSummary(~ y:a:b, data, byGroupOutFile = file), class = "rxscale_error_argument")
  expect_no_error(rxSummary(~ y:a:b, data, byGroupOutFile = RxXdfData(file), overwrite = TRUE))
  stem <- tempfile()
  several <- rxSummary(~ y:a + y:b, data, byGroupOutFile = paste0(stem, ".xdf"))
  expect_true(all(file.exists(paste0(stem, 1:2, ".xdf"))))
  expect_equal(rxImport(several$categorical[[2]])$y_Mean, rxSummary(~ y:b, data)$categorical[[1]]$Means)
  expect_error(
    rxSummary(~ y:a, data, byGroupOutFile = c(file, stem)), "2 files, and there are 1 tables",
    class = "rxscale_error_argument"
  )
  expect_error(rxSummary(~y, data, byGroupOutFile = file), class = "rxscale_error_argument", regexp = "0 tables")
  unlink(paste0(stem, 1:2, ".xdf"))
})

test_that("a large mean costs no digits", {
  data <- data.frame(x = 1e12 + rep(c(-1, 0, 1), 10000), f = gl(2, 15000))
  summary <- rxSummary(~ x:f, data)
  expect_identical(summary$sDataFrame$Mean, 1e12)
  expect_equal(summary$sDataFrame$StdDev, sqrt(20000 / 29999), tolerance = 1e-14)
  expect_equal(summary$categorical[[1]]$StdDev, rep(sqrt(10000 / 14999), 2), tolerance = 1e-14)
})

test_that("no rows and nothing but missing values give empty statistics", {
  none <- rxSummary(~ y + y:a, small_data(), rowSelection = x > 1e6)
  expect_identical(none$nobs.valid, 0L)
  expect_true(is.nan(none$sDataFrame$Mean[1]))
  expect_identical(none$categorical[[1]]$ValidObs, c(0L, 0L, 0L))
  missing <- rxSummary(~y, data.frame(y = c(NA_real_, NA)))
  expect_identical(missing$sDataFrame[c("ValidObs", "MissingObs")], data.frame(ValidObs = 0L, MissingObs = 2L))
  empty <- rxSummary(~ x + f, data.frame(x = numeric(), f = factor(character(), levels = c("a", "b"))))
  expect_identical(empty$categorical[[1]]$Counts, c(0L, 0L))
})

test_that("infinite values are values of a summary", {
  summary <- rxSummary(~x, data.frame(x = c(1, Inf, 2)))
  expect_identical(summary$sDataFrame$Max, Inf)
  expect_identical(summary$sDataFrame$ValidObs, 3L)
})

test_that("summaries print as the reference's", {
  data <- small_data()
  expect_snapshot({
    rxSummary(~ y + a + x:b, data)
    rxSummary(~ a:b, data, fweights = "freq", removeZeroCounts = TRUE)
    rxSummary(~y, data, byTerm = FALSE, summaryStats = c("Mean", "ValidObs"))
    print(rxSummary(y ~ F(k, 0, 2, exclude = FALSE), data, pweights = "weight"), header = FALSE)
  })
})

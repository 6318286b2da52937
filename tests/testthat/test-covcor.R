test_that("covariances and correlations are those of cov() and cor()", {
  data <- small_data()
  formula <- ~ x + z + y + k + ok + log(z)
  used <- stats::model.matrix(formula, data)[, -1]
  found <- rxCovCor(formula, data)
  expect_equal(unname(found$CovCor), unname(stats::cov(used)), tolerance = 1e-14)
  expect_identical(colnames(found$CovCor), c("x", "z", "y", "k", "ok", "log(z)"))
  expect_equal(unname(found$StdDevs), unname(apply(used, 2, stats::sd)), tolerance = 1e-14)
  expect_equal(unname(found$Means), unname(colMeans(used)), tolerance = 1e-14)
  expect_identical(c(found$valid.obs, found$missing.obs), c(nrow(used), 400L - nrow(used)))
  expect_identical(found$SumOfWeights, NA)
  expect_equal(unname(rxCor(formula, data)), unname(stats::cor(used)), tolerance = 1e-14)
  expect_identical(rxCov(formula, data), found$CovCor)
  expect_identical(rxCovCor(formula, data, type = "cOR")$CovCor, rxCor(formula, data))
})

test_that("the flights are as base R has them, from every kind of source", {
  formula <- ~ arr_delay + dep_delay + distance + air_time + hour
  used <- stats::na.omit(flights_frame()[c("arr_delay", "dep_delay", "distance", "air_time", "hour")])
  for (source in flights_sources()) {
    expect_equal(rxCov(formula, source), stats::cov(used), tolerance = 1e-13)
    expect_equal(rxCor(formula, source), stats::cor(used), tolerance = 1e-13)
  }
})

test_that("factors have a column for each level, interactions one for each combination", {
  data <- small_data()
  found <- rxCov(~ a + s + x:a + x:z + a:b, data)
  used <- stats::model.frame(~ a + s + x + z + b, as_lm_factors(data))
  level <- function(f) 1 * outer(as.character(f), levels(f), "==")
  cells <- level(interaction(used$a, used$b))
  by_hand <- cbind(level(used$a), level(used$s), used$x * level(used$a), used$x * used$z, cells)
  expect_equal(unname(found), stats::cov(by_hand), tolerance = 1e-13)
  expect_identical(colnames(found)[c(1, 4, 7, 10, 11)], c("a=q", "s=Alpha", "x for a=q", "x:z", "a=q, b=t"))
  expect_identical(colnames(rxCov(~ F(k) + N(a), data))[c(1, 7)], c("F_k=0", "N_a"))
})

test_that("cross products have a column of ones in front", {
  data <- small_data()
  used <- stats::model.matrix(~ x + z + k, data)
  found <- rxCovCor(~ x + z + k, data, type = "sscp")
  expect_equal(unname(found$CovCor), unname(crossprod(used)), tolerance = 1e-14)
  expect_identical(rownames(found$CovCor), c("(Intercept)", "x", "z", "k"))
  expect_identical(found$StdDevs, numeric())
  expect_identical(rxSSCP(~ x + z + k, data), found$CovCor)
  # Sums of whole numbers are exact, and levels exclude each other.
  expect_identical(rxSSCP(~ k + a, data)[2, 2], sum(data$k[!is.na(data$a)]^2))
  expect_identical(rxSSCP(~a, data)["a=q", "a=p"], 0)
})

test_that("weights count as the help page says", {
  data <- small_data()
  columns <- c("x", "z", "y")
  complete <- stats::complete.cases(data[columns])
  weighted <- function(w, divisor) {
    used <- as.matrix(data[columns])[complete & w > 0, ]
    w <- w[complete & w > 0]
    means <- colSums(used * w) / sum(w)
    centred <- sweep(used, 2, means)
    list(cov = crossprod(centred, centred * w) / divisor(w), sscp = crossprod(cbind(1, used), cbind(1, used) * w))
  }
  rows <- function(w) (length(w) - 1) / length(w) * sum(w)
  expect_equal(rxCov(~ x + z + y, data, pweights = "weight"), weighted(data$weight, rows)$cov, tolerance = 1e-13)
  repeats <- weighted(data$freq, function(w) sum(w) - 1)
  expect_equal(rxCov(~ x + z + y, data, fweights = "freq"), repeats$cov, tolerance = 1e-13)
  repeated <- data[rep(seq_len(nrow(data)), data$freq), columns]
  expect_equal(rxCor(~ x + z + y, data, fweights = "freq"), stats::cor(stats::na.omit(repeated)), tolerance = 1e-13)
  expect_equal(unname(rxSSCP(~ x + z + y, data, fweights = "freq")), unname(repeats$sscp), tolerance = 1e-13)
  found <- rxCovCor(~ x + z + y, data, fweights = "freq")
  expect_identical(found$SumOfWeights, sum(data$freq[complete]) + 0)
  expect_error(rxCov(~x, data, pweights = "weight", fweights = "freq"), class = "rxscale_error_argument")
})

test_that("rows are selected, and transforms are seen in all forms", {
  data <- small_data()
  limit <- 2
  found <- rxCov(~ double + z, data, transforms = list(double = 2 * x), rowSelection = z > limit)
  used <- stats::na.omit(data.frame(double = 2 * data$x, z = data$z)[data$z > limit, ])
  expect_equal(found, stats::cov(used), tolerance = 1e-14)
  in_function <- function(low) rxCor(~ x + z, data, rowSelection = z > low)
  expect_equal(in_function(3), stats::cor(data[data$z > 3, c("x", "z")], use = "complete.obs"), tolerance = 1e-14)
  halved <- rxCov(~ half + z, data, transformFunc = function(d) c(d, list(half = d$x / 2)), transformVars = "x")
  expect_equal(unname(halved), unname(stats::cov(cbind(data$x / 2, data$z), use = "complete.obs")), tolerance = 1e-14)
})

test_that("columns that tell nothing new are dropped where that is asked for", {
  data <- transform(small_data(), one = 0.1, sum = x + z, tiny = z * 1e-9)
  found <- rxCovCor(~ one + x + z + sum + a + x:a + tiny, data, keepAll = FALSE)
  expect_identical(found$DroppedVars, c("one", "sum", "a=r", "x for a=r", "tiny"))
  expect_identical(found$DroppedVarIndexes, c(1L, 4L, 7L, 10L, 11L))
  kept <- c("x", "z", "a=q", "a=p", "x for a=q", "x for a=p")
  all <- rxCovCor(~ one + x + z + sum + a + x:a + tiny, data)
  expect_identical(all$DroppedVars, character())
  expect_identical(found$CovCor, all$CovCor[kept, kept])
  expect_identical(found$Means, all$Means[kept])
  expect_identical(rxCovCor(~ z + tiny, data, keepAll = FALSE, varTol = 0)$DroppedVars, "tiny")
  expect_identical(rxCovCor(~ z + tiny, data, keepAll = FALSE, varTol = 1e3)$DroppedVars, c("z", "tiny"))
  expect_identical(rownames(rxSSCP(~ one + x + sum + z, data, keepAll = FALSE)), c("(Intercept)", "x", "sum"))
})

test_that("columns without variance have no correlation", {
  data <- data.frame(x = c(1, 2, 4), one = 0.1)
  expect_warning(found <- rxCor(~ x + one, data), class = "rxscale_warning_constant")
  expect_identical(found, suppressWarnings(stats::cor(data)))
  expect_identical(rxCov(~ x + one, data)[, "one"], c(x = 0, one = 0))
  expect_silent(rxCor(~ x + one, data, keepAll = FALSE))
})

test_that("one row has no covariance, and no row is an error", {
  data <- data.frame(x = c(1, NA), y = c(3, 4))
  expect_identical(rxCov(~ x + y, data), stats::cov(data[1, ]))
  expect_true(all(is.na(rxCor(~ x + y, data))))
  expect_identical(unname(rxSSCP(~x, data)), matrix(1, 2, 2))
  expect_error(rxCov(~ x + y, data[2, ]), class = "rxscale_error_no_rows")
  expect_error(rxCov(~y, data, rowSelection = y > 9), class = "rxscale_error_no_rows")
  expect_error(rxCov(~ x + y, data.frame(x = c(1, Inf), y = 1:2)), class = "rxscale_error_infinite")
})

test_that("large means, large and small numbers cost no digits", {
  # Whole numbers about a large mean have exact covariances.
  step <- c(-2, -1, 0, 1, 2, 3, 4)
  data <- data.frame(a = 1e15 + step, b = rev(step)^2, c = 1e200 * step, d = 1e-200 * (step + 5))
  exact <- stats::cov(cbind(a = step, b = rev(step)^2))
  expect_identical(rxCov(~ a + b, data), exact)
  plain <- stats::cor(cbind(a = step, b = rev(step)^2, c = step, d = step))
  expect_equal(rxCor(~ a + b + c + d, data), plain, tolerance = 1e-15)
  expect_equal(unname(rxCovCor(~ c + d, data)$StdDevs / c(1e200, 1e-200)), rep(stats::sd(step), 2), tolerance = 1e-15)
  expect_identical(rxCov(~c, data)[[1]], Inf)
})

test_that("correlations of nearly collinear columns are those of exact arithmetic", {
  # Worked out in rational numbers.
  longley <- utils::read.csv(test_path("nist", "linear_Longley.csv"))
  found <- rxCor(~ x1 + x2 + x5 + x6, longley)
  exact <- c(
    0.99158917802478197, 0.97916343297749808, 0.99114919006720514, 0.99109006945847766, 0.99527348376478475,
    0.99395284623292546
  )
  expect_equal(found[lower.tri(found)], exact, tolerance = 2e-16)
  filip <- utils::read.csv(test_path("nist", "linear_Filip.csv"))
  found <- rxCor(~ x + x^2 + x^9 + x^10, filip)
  exact <- c(
    -0.99125003773217102, 0.7819032878127431, -0.75832780313013792, -0.85106570012330496, 0.82992506956291656,
    -0.99899259083561598
  )
  expect_equal(found[lower.tri(found)], exact, tolerance = 1e-15)
})

test_that("principal components of the irises are as published", {
  found <- rxCov(~ Sepal.Length + Sepal.Width + Petal.Length + Petal.Width, as.data.frame(lapply(iris[1:4], log)))
  components <- stats::princomp(covmat = found, cor = TRUE)
  expect_equal(unname(components$sdev), c(1.7124583, 0.9523797, 0.36470294, 0.1656840), tolerance = 1e-6)
})

test_that("the sample data beside the project agree with base R", {
  mortgages <- utils::read.csv(gzfile(shared_data("mortDefaultSmall.csv.gz")))
  numbers <- c("creditScore", "houseAge", "yearsEmploy", "ccDebt", "default")
  found <- rxCovCor(stats::reformulate(numbers), mortgages)
  expect_equal(found$CovCor, stats::cov(mortgages[numbers]), tolerance = 1e-13)
  cards <- utils::read.csv(gzfile(shared_data("ccdata_scaled.csv.gz")))
  expect_equal(rxCor(~., cards), stats::cor(cards, use = "complete.obs"), tolerance = 1e-12)
})

test_that("many columns give the same bits for any number of threads", {
  wide <- as.data.frame(matrix(sin(seq_len(6000 * 130)^1.1), 6000))
  file <- rxImport(wide, temp_file(), rowsPerRead = 300)
  with_threads <- function(threads) {
    rxOptions(numCoresToUse = threads)
    on.exit(rxOptions(numCoresToUse = -1))
    rxCov(~., file)
  }
  one <- with_threads(1)
  expect_identical(with_threads(2), one)
  expect_identical(with_threads(8), one)
  expect_equal(one, stats::cov(wide), tolerance = 1e-12)
})

test_that("arguments that make no sense are refused", {
  expect_snapshot(error = TRUE, {
    rxCovCor(mpg ~ wt, mtcars)
    rxCov(~1, mtcars)
    rxCovCor(~ mpg + wt, mtcars, type = "Spearman")
    rxCov(~ mpg + wt, mtcars, varTol = -1)
    rxCor(~ mpg + weight, mtcars)
    rxCor(~ mpg + wt, mtcars, keepAll = "yes")
  })
  expect_warning(rxCor(~ mpg + wt, mtcars, type = "Cov"), "type")
})

test_that("matrices are printed with what they were made of", {
  expect_snapshot({
    rxCovCor(~ mpg + wt + hp, mtcars)
    rxCovCor(~ mpg + wt, mtcars, pweights = "cyl", type = "Cor")
    print(rxCovCor(~ mpg + F(gear), mtcars, type = "SSCP"), header = FALSE)
  })
})

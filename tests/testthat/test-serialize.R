test_that("a model comes back as it was, with its metadata", {
  data <- small_data()
  fits <- list(
    rxLinMod(y ~ x + a + log(z), data, covCoef = TRUE), rxLogit(ok ~ x, data), rxGlm(z ~ x, data, family = Gamma()),
    rxCovCor(~ x + z, data)
  )
  for (fit in fits) {
    bytes <- rxSerializeModel(fit)
    expect_type(bytes, "raw")
    expect_identical(rxUnserializeModel(bytes), fit)
  }
  both <- rxUnserializeModel(rxSerializeModel(fits[[1]], metadata = charToRaw("made on Monday")))
  expect_identical(both, list(model = fits[[1]], metadata = charToRaw("made on Monday")))
})

test_that("models predict in a session that knows nothing of the one that fitted them", {
  fit <- (function() {
    half <- 0.5
    rxLinMod(y ~ scaled + a, small_data(), transforms = list(scaled = x * half))
  })()
  expected <- rxPredict(fit, small_data())
  file <- temp_file(".rxm")
  writeBin(rxSerializeModel(fit), file)
  rm(fit)
  again <- rxUnserializeModel(readBin(file, "raw", file.size(file)))
  expect_identical(rxPredict(again, small_data()), expected)
})

test_that("models that earlier versions wrote are read, printed and predict", {
  files <- list.files(test_path("fixtures", "models"), "[.]rxm$", full.names = TRUE)
  expect_gte(length(files), 6)
  for (file in files) {
    content <- rxUnserializeModel(readBin(file, "raw", file.size(file)))
    expect_identical(rawToChar(content$metadata), sub("-.*", "", basename(file)))
    expect_output(print(content$model), "Call:")
    if (inherits(content$model, "rxCovCor")) {
      expect_equal(content$model$CovCor, rxCor(~ x + z + a, small_data()), tolerance = 1e-12)
    } else {
      if (!inherits(content$model, "rxKmeans")) expect_output(print(summary(content$model)), "Coefficients")
      expected <- utils::read.csv(sub("rxm$", "csv", file))
      expect_equal(rxPredict(content$model, small_data()[1:20, ]), expected, tolerance = 1e-12)
    }
  }
})

test_that("every damaged byte is found", {
  bytes <- rxSerializeModel(rxLinMod(mpg ~ wt, mtcars))
  fails <- function(bytes) {
    tryCatch(
      {
        rxUnserializeModel(bytes)
        "nothing"
      },
      rxscale_error_corrupt_file = function(condition) "class", rxscale_error_unsupported = function(condition) "class"
    )
  }
  places <- unique(c(1:40, seq(41, length(bytes), length.out = 200), length(bytes) - 0:5))
  flipped <- vapply(places, function(at) fails(replace(bytes, at, xor(bytes[at], as.raw(16)))), "")
  expect_identical(unique(flipped), "class")
  cut <- vapply(c(0, 5, 14, 15, 16, 100, length(bytes) - 1), function(n) fails(utils::head(bytes, n)), "")
  expect_identical(unique(cut), "class")
})

test_that("what is no model is refused", {
  bytes <- rxSerializeModel(rxLinMod(mpg ~ wt, mtcars))
  later <- replace(bytes, 15, as.raw(9))
  expect_snapshot(error = TRUE, {
    rxSerializeModel(mtcars)
    rxSerializeModel(rxLinMod(mpg ~ wt, mtcars), metadata = "text")
    rxSerializeModel(rxLinMod(mpg ~ wt, mtcars), realtimeScoringOnly = TRUE)
    rxUnserializeModel("bytes")
    rxUnserializeModel(serialize(mtcars, NULL))
    rxUnserializeModel(head(bytes, -10))
    rxUnserializeModel(later)
  })
})

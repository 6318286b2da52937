# The shipped flights, imported once, and what base R says of them.

flights <- new.env()

# The flights as a data frame; carrier, origin and dest are text.
flights_frame <- function() {
  if (is.null(flights$frame)) {
    flights$frame <- rxImport(flights_file())
  }
  flights$frame
}

# The flights in an XDF file of many blocks, which lasts as long as the session.
flights_xdf <- function() {
  if (is.null(flights$xdf)) {
    flights$xdf <- rxImport(flights_frame(), tempfile("flights", fileext = ".xdf"), rowsPerRead = 50000)
  }
  flights$xdf
}

# One source of every type with the same flights.
flights_sources <- function() {
  if (is.null(flights$parquet)) {
    flights$parquet <- rxImport(flights_frame(), RxParquetData(tempfile("flights", fileext = ".parquet")))
  }
  list(frame = flights_frame(), xdf = flights_xdf(), text = RxTextData(flights_file()), parquet = flights$parquet)
}

# The statistics of x by base R, weighted as the help page of rxSummary says.
statistics_of <- function(x, w = rep(1, length(x)), kind = "none") {
  valid <- !is.na(x) & !is.na(w) & w > 0
  missing <- (is.na(x) | is.na(w)) & (is.na(w) | w > 0)
  y <- x[valid]
  v <- w[valid]
  n <- length(y)
  total <- sum(v)
  mean <- sum(v * y) / total
  mean <- mean + sum(v * (y - mean)) / total
  squares <- sum(v * (y - mean)^2)
  variance <- switch(kind,
    none = squares / (n - 1), frequency = squares / (total - 1), probability = n / (n - 1) * squares / total
  )
  list(
    Mean = mean, StdDev = sqrt(variance), Min = min(y), Max = max(y), Sum = sum(v * y), ValidObs = n,
    MissingObs = sum(missing), SumOfWeights = total, MissingWeights = sum(w[missing], na.rm = TRUE)
  )
}

# A few hundred rows with numbers, factors, text and weights of both kinds, some of them missing.
small_data <- function() {
  rows <- seq_len(400)
  wave <- function(k) sin(k * rows) * 10
  data <- data.frame(
    y = wave(1.3) + rows / 50, y2 = wave(2.7)^2, x = wave(0.7), z = abs(wave(3.1)) + 0.1,
    a = factor(c("p", "q", "r")[rows %% 3 + 1], levels = c("q", "p", "r")),
    b = factor(c("u", "v", "w", "t")[(rows %/% 5) %% 4 + 1]),
    s = c("beta", "Alpha", "gamma")[(rows %/% 7) %% 3 + 1], k = rows %% 6L, ok = rows %% 4 == 0,
    freq = rows %% 4L, weight = abs(wave(1.9)) / 5, stringsAsFactors = FALSE
  )
  data$y[c(3, 90)] <- NA
  data$x[c(3, 200)] <- NA
  data$a[c(17, 200)] <- NA
  data$s[c(40, 41)] <- NA
  data
}

# Text as factors in the order of the C locale, as the engine has it.
as_lm_factors <- function(data) {
  text <- vapply(data, is.character, NA)
  data[text] <- lapply(data[text], function(x) factor(x, levels = sort(unique(x), method = "radix")))
  data
}

# Summaries and linear models of tables in memory, against others on the same machine:
#   Rscript bench/analyses.R [rows, 5 million] [folder for the files]
# Peers that are not installed are printed as missing: collapse, data.table, fixest (R), duckdb, h2o, polars (Python),
# and the bare loop without cargo.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)
cores <- parallel::detectCores()

columns <- c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month")
table_in_r <- c(
  "library(rxscale)",
  sprintf("flights <- rxImport(RxParquetData('%s'))", files$parquet),
  "texts <- names(Filter(is.character, flights))",
  "flights[texts] <- lapply(flights[texts], factor)"
)
numbers_in_r <- c(
  table_in_r,
  sprintf("numbers <- as.data.frame(lapply(flights[c('%s')], as.numeric))", paste(columns, collapse = "', '"))
)
one_thread <- "rxOptions(numCoresToUse = 1)"

summarize <- "rxSummary(~ ArrDelay + DepDelay + CRSDepTime + Distance + Month, numbers)"
listed <- paste0("'", columns, "'", collapse = ", ")
statistics <- paste0(rep(c("avg", "stddev", "min", "max", "count"), length(columns)), "(", rep(columns, each = 5), ")")
compare("summary of five numeric columns", list(
  "rxSummary" = r_case(summarize, numbers_in_r),
  "rxSummary, one thread" = r_case(summarize, c(numbers_in_r, one_thread)),
  "collapse" = r_case(
    sprintf("for (f in list(fmean, fsd, fmin, fmax, fnobs)) f(numbers, nthreads = %d)", cores),
    c(numbers_in_r, "library(collapse)")
  ),
  "data.table" = r_case(
    "table[, lapply(.SD, function(x) lapply(list(mean, sd, min, max), function(f) f(x, na.rm = TRUE)))]",
    c(numbers_in_r, "library(data.table)", "table <- as.data.table(numbers)", sprintf("setDTthreads(%d)", cores))
  ),
  "polars" = python_case(
    "table.select(asked)",
    c(
      "import polars as pl",
      sprintf("table = pl.read_parquet('%s', columns = [%s]).cast(pl.Float64)", files$parquet, listed),
      sprintf("c = pl.col([%s])", listed), "asked = [c.mean().name.suffix('1'), c.std().name.suffix('2'),",
      "         c.min().name.suffix('3'), c.max().name.suffix('4'), c.count().name.suffix('5')]"
    )
  ),
  "duckdb" = python_case(
    sprintf("duckdb.sql('select %s from numbers').fetchall()", paste(statistics, collapse = ", ")),
    c("import duckdb", sprintf(
      "duckdb.sql(\"create table numbers as select %s from '%s'\")",
      paste0(columns, "::double as ", columns, collapse = ", "), files$parquet
    ))
  ),
  "base R" = r_case("for (f in list(mean, sd, min, max)) vapply(numbers, f, 0, na.rm = TRUE)", numbers_in_r)
))

h2o_fit <- function(variables) {
  python_case(
    sprintf("fit([%s])", paste0("'", variables, "'", collapse = ", ")),
    c(
      "import h2o", "from h2o.estimators import H2OGeneralizedLinearEstimator", "h2o.init(max_mem_size = '8g')",
      sprintf("table = h2o.import_file('%s')", files$parquet),
      "for text in ('DayOfWeek', 'Carrier', 'Origin', 'Dest'): table[text] = table[text].asfactor()",
      "def fit(x):",
      "    model = H2OGeneralizedLinearEstimator(family = 'gaussian', lambda_ = 0, compute_p_values = True)",
      "    model.train(x = x, y = 'ArrDelay', training_frame = table)"
    )
  )
}
small <- "ArrDelay ~ DayOfWeek + CRSDepTime + Distance + DepDelay"
fit_small <- sprintf("rxLinMod(%s, flights)", small)
compare("model of 10 columns", list(
  "rxLinMod" = r_case(fit_small, table_in_r),
  "rxLinMod, one thread" = r_case(fit_small, c(table_in_r, one_thread)),
  "lm" = r_case(sprintf("lm(%s, flights)", small), table_in_r),
  "collapse, flm" = r_case(
    paste(
      "{ used <- model.frame(asked, flights);",
      "collapse::flm(used$ArrDelay, model.matrix(asked, used), method = 'chol') }"
    ),
    c(table_in_r, sprintf("asked <- %s", small), "stopifnot(requireNamespace('collapse'))")
  ),
  "fixest" = r_case(sprintf("fixest::feols(%s, flights)", small), table_in_r),
  "h2o, without its Java heap" = h2o_fit(c("DayOfWeek", "CRSDepTime", "Distance", "DepDelay"))
))

large <- "ArrDelay ~ Origin + Dest + Carrier + DayOfWeek + CRSDepTime + Distance"
fit_large <- sprintf("rxLinMod(%s, flights)", large)
bare <- function(threads) {
  # Adds up the same tables over decoded columns without missing values, and does nothing else.
  what <- c("run", "--release", "--quiet", "-p", "rx-stats", "--example", "bare")
  list(command = "cargo", arguments = c(what, "--manifest-path", "src/rust/Cargo.toml", "--", rows, threads))
}
compare("model of 628 columns", list(
  "rxLinMod" = r_case(fit_large, table_in_r),
  "bare loop" = bare(cores),
  "rxLinMod, one thread" = r_case(fit_large, c(table_in_r, one_thread)),
  "bare loop, one thread" = bare(1),
  "fixest" = r_case(sprintf("fixest::feols(%s, flights)", large), table_in_r),
  "h2o, without its Java heap" = h2o_fit(c("Origin", "Dest", "Carrier", "DayOfWeek", "CRSDepTime", "Distance"))
))
cat("  lm                           missing: its model matrix takes 25 GB\n")

# The same rows over and over: what a call takes above the table itself must not depend on their number.
times_rows <- function(code, millions) {
  copied <- sprintf("flights <- flights[rep(seq_len(nrow(flights)), length.out = %de6), ]", millions)
  r_case(code, c(table_in_r, copied, "invisible(gc())"), above = TRUE)
}
for (step in c(summarize = sub("numbers", "flights", summarize), model = fit_large)) {
  compare(
    paste("1, 5 and 40 million rows, memory above the table:", step),
    stats::setNames(lapply(c(1, 5, 40), function(n) times_rows(step, n)), paste(c(1, 5, 40), "million rows"))
  )
}

compare("model of 2,000 columns, 100,000 rows", list("rxLinMod" = r_case(
  "rxLinMod(y ~ f + g, wide)",
  c(
    "library(rxscale)", "n <- 1e5",
    "wide <- data.frame(y = rnorm(n), f = gl(1000, n / 1000), g = factor(sample(1000, n, TRUE)))"
  )
)))

few <- c(table_in_r, "few <- flights[1:100, ]")
compare("100 rows, a thousand times", list(
  "rxSummary" = r_case("for (k in 1:1000) rxSummary(~ ArrDelay + DepDelay, few)", few),
  "rxLinMod" = r_case("for (k in 1:1000) rxLinMod(ArrDelay ~ DepDelay + Distance, few)", few),
  "lm" = r_case("for (k in 1:1000) lm(ArrDelay ~ DepDelay + Distance, few)", few)
))

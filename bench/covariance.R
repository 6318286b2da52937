# Correlations and covariances of a table in memory and in files, against others on the same machine:
#   Rscript bench/covariance.R [rows, 5 million] [folder for the files]
# Five columns of all rows, then 500 columns of a 25th of the rows. Peers that are not installed are printed as missing:
# duckdb, polars and numpy (Python), and the core's peak without cargo. See compare.R for how it measures.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- as.numeric(c(arguments, "5e6")[1])
files <- bench_table(rows, c(arguments[-1], file.path(tempdir(), "bench"))[1])

columns <- c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month")
listed <- paste0("'", columns, "'", collapse = ", ")
formula <- paste("~", paste(columns, collapse = " + "))
one_thread <- "rxOptions(numCoresToUse = 1)"

# All pairs in one query; rows with a missing value are left out of all of them.
pairs <- utils::combn(columns, 2, simplify = FALSE)
sql <- function(from) {
  sprintf(
    "select %s from %s where ArrDelay is not null",
    paste(vapply(pairs, function(pair) sprintf("corr(%s, %s)", pair[1], pair[2]), ""), collapse = ", "), from
  )
}
polars <- sprintf(
  ".drop_nulls('ArrDelay').select([%s])",
  paste(vapply(pairs, function(pair) {
    sprintf("pl.corr('%s', '%s').alias('%s')", pair[1], pair[2], paste(pair, collapse = "_"))
  }, ""), collapse = ", ")
)
import_columns <- sprintf(
  "d <- rxscale::rxImport(rxscale::RxParquetData('%s'), varsToKeep = c(%s))", files$parquet, listed
)
compare(sprintf("correlations of 5 columns, %.0f rows, from memory", rows), list(
  "rxCor" = r_case(sprintf("rxCor(%s, d)", formula), c("library(rxscale)", import_columns)),
  "rxCor, one thread" = r_case(sprintf("rxCor(%s, d)", formula), c("library(rxscale)", import_columns, one_thread)),
  "duckdb" = python_case(
    sprintf("con.sql(\"%s\").fetchall()", sql("d")),
    c(
      "import duckdb", "con = duckdb.connect()",
      sprintf("con.sql(\"create table d as select %s from '%s'\")", paste(columns, collapse = ", "), files$parquet)
    )
  ),
  "polars" = python_case(
    sprintf("d%s", polars),
    c("import polars as pl", sprintf("d = pl.read_parquet('%s', columns = [%s])", files$parquet, listed))
  ),
  "cor" = r_case("cor(d, use = 'complete.obs')", import_columns)
))
for (kind in c("csv", "parquet")) {
  source <- sprintf(if (kind == "csv") "RxTextData('%s')" else "RxParquetData('%s')", files[[kind]])
  compare(paste("correlations of 5 columns from", kind), list(
    "rxCor" = r_case(sprintf("rxCor(%s, %s, reportProgress = 0)", formula, source)),
    "duckdb" = python_case(
      sprintf("con.sql(\"%s\").fetchall()", sql(sprintf("'%s'", files[[kind]]))),
      c("import duckdb", "con = duckdb.connect()")
    ),
    "polars" = python_case(
      sprintf("pl.scan_%s('%s')%s.collect()", kind, files[[kind]], polars), "import polars as pl"
    )
  ))
}

# Billions of operations a second: p^2 a row, as the matrix is symmetric.
wide <- 500
many <- ceiling(rows / 25)
few <- ceiling(many / 10)
table_in_r <- sprintf("set.seed(1); d <- as.data.frame(matrix(rnorm(%.0f), ncol = %d))", many * wide, wide)
part_in_r <- sprintf("set.seed(1); m <- matrix(rnorm(%.0f), ncol = %d)", few * wide, wide)
in_numpy <- c("import numpy", sprintf("m = numpy.random.default_rng(1).normal(size = (%d, %.0f))", wide, many))
cases <- list(
  "rxCovCor" = r_case("rxCovCor(~., d)", c("library(rxscale)", table_in_r)),
  "rxCovCor, one thread" = r_case("rxCovCor(~., d)", c("library(rxscale)", table_in_r, one_thread)),
  "numpy, all threads" = python_case("numpy.cov(m)", in_numpy),
  "numpy, one thread" = python_case(
    "numpy.cov(m)", c("import os", "os.environ['OPENBLAS_NUM_THREADS'] = '1'", in_numpy)
  ),
  "dgemm of R's BLAS, a tenth" = r_case("t(m) %*% m", part_in_r),
  "cov, a tenth of the rows" = r_case("cov(m)", part_in_r),
  "peak of a core" = list(command = "cargo", arguments = c(
    "run", "--release", "--quiet", "--manifest-path", "src/rust/Cargo.toml", "-p", "rx-stats", "--example",
    "bare_peak", "--", format(many * wide^2 / 2, scientific = FALSE)
  ))
)
measured <- compare(sprintf("covariances of %d columns, %.0f rows", wide, many), cases)
# dgemm does not know that the result is symmetric.
of_rows <- ifelse(grepl("tenth", names(cases)), few, many)
operations <- of_rows * wide^2 * ifelse(grepl("dgemm", names(cases)), 2, 1)
cat(sprintf("  %-28s %8.1f GFLOP/s\n", names(cases), operations / measured[1, ] / 1e9), sep = "")

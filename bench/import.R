# Reading text, against others on the same machine:
#   Rscript bench/import.R [rows, 5 million] [folder for the files]
# Peers that are not installed are printed as missing: data.table (R), duckdb and polars (Python).

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)

numbers <- c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month")
rx <- sprintf("library(rxscale); csv <- RxTextData('%s', stringsAsFactors = TRUE)", files$csv)
duckdb <- "import duckdb"
polars <- "import polars as pl"
moments <- "count({x}), avg({x}), stddev({x}), min({x}), max({x})"
duck_summary <- function(reader, file) {
  columns <- vapply(numbers, function(x) gsub("{x}", x, moments, fixed = TRUE), "")
  sprintf("duckdb.sql(\"select %s from %s('%s')\").fetchall()", paste(columns, collapse = ", "), reader, file)
}
pl_summary <- function(reader, file) {
  listed <- paste0("'", numbers, "'", collapse = ", ")
  sprintf(paste(
    "(lambda t: t.select(pl.col(%1$s).count().name.suffix('_n'), pl.col(%1$s).mean().name.suffix('_mean'),",
    "pl.col(%1$s).std().name.suffix('_sd'), pl.col(%1$s).min().name.suffix('_min'),",
    "pl.col(%1$s).max().name.suffix('_max')).collect())(pl.%2$s('%3$s'))"
  ), listed, reader, file)
}

duck_load <- sprintf("db.execute(\"create table t as select * from read_csv('%s')\")", files$csv)
compare("csv to a new file or table", list(
  "rxImport to XDF" = r_case("rxImport(csv, xdf)", c(rx, "xdf <- tempfile(fileext = '.xdf')"), "unlink(xdf)"),
  "duckdb to its database" = python_case(
    duck_load, c(duckdb, "import tempfile, os", "db = duckdb.connect(os.path.join(tempfile.mkdtemp(), 'bench.db'))"),
    "db.execute('drop table if exists t')"
  ),
  "duckdb in memory" = python_case(
    duck_load, c(duckdb, "db = duckdb.connect()"), "db.execute('drop table if exists t')"
  ),
  "polars to Parquet" = python_case(
    sprintf("pl.scan_csv('%s').sink_parquet(out)", files$csv),
    c(polars, "import tempfile, os", "out = os.path.join(tempfile.mkdtemp(), 'bench.parquet')"),
    "os.path.exists(out) and os.remove(out)"
  )
))
compare("csv to a data frame", list(
  "rxImport" = r_case("rxImport(csv)", rx),
  "data.table::fread" = r_case(
    sprintf("fread('%s', stringsAsFactors = TRUE, showProgress = FALSE)", files$csv), "library(data.table)"
  ),
  "polars" = python_case(sprintf("pl.read_csv('%s')", files$csv), polars)
))
compare("summary of five columns of the csv", list(
  "rxSummary" = r_case(sprintf("rxSummary(~ %s, csv)", paste(numbers, collapse = " + ")), rx),
  "duckdb" = python_case(duck_summary("read_csv", files$csv), duckdb),
  "polars" = python_case(pl_summary("scan_csv", files$csv), polars)
))
compare("summary of five columns of the Parquet file", list(
  "rxSummary" = r_case(
    sprintf("rxSummary(~ %s, parquet)", paste(numbers, collapse = " + ")),
    sprintf("library(rxscale); parquet <- RxParquetData('%s')", files$parquet)
  ),
  "duckdb" = python_case(duck_summary("read_parquet", files$parquet), duckdb),
  "polars" = python_case(pl_summary("scan_parquet", files$parquet), polars)
))
compare("model of 628 columns straight from the csv", list(
  "rxLinMod" = r_case(
    "rxLinMod(ArrDelay ~ Origin + Dest + Carrier + DayOfWeek + CRSDepTime + Distance, csv)", rx
  )
))

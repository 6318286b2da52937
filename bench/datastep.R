# Data steps, against others on the same machine: six columns made, or a hundredth of the rows selected, in memory and
# from files to files:
#   Rscript bench/datastep.R [rows, 5 million] [folder for the files]
# "through R" are the same expressions, the first of them within a function of the user's, which does not compile; from
# there on all run in R, in the same chunks. Peers that are not installed are printed as missing.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)

made <- "list(Gain = %s(DepDelay - ArrDelay), Hour = floor(CRSDepTime), Km = Distance * 1.609344,
  Speedy = Km / (1 + abs(Gain)), VeryLate = ifelse(is.na(ArrDelay), FALSE, ArrDelay > 60),
  Band = cut(Distance, c(0, 500, 1500, 5000)))"
chosen <- "ArrDelay > 60 & Origin %in% c('A000', 'A001', 'A002') & Month <= 6"
rx <- c(
  "library(rxscale); rxOptions(reportProgress = 0); as_is <- function(x) x",
  sprintf("csv <- RxTextData('%s'); parquet <- RxParquetData('%s')", files$csv, files$parquet),
  "to_csv <- RxTextData(tempfile(fileext = '.csv')); to_parquet <- RxParquetData(tempfile(fileext = '.parquet'))",
  "to_xdf <- RxXdfData(tempfile(fileext = '.xdf'))"
)
rx_frame <- c(rx, "frame <- rxImport(parquet)")
rx_xdf <- c(rx, "xdf <- rxImport(parquet, tempfile(fileext = '.xdf'))")
step <- function(from, to, setup, through = "", also = "") {
  code <- "rxDataStep(%s, %s, transforms = %s, overwrite = TRUE, maxRowsByCols = NULL%s)"
  r_case(sprintf(code, from, to, sprintf(made, through), also), setup)
}
select <- function(from, to, setup) {
  code <- "rxDataStep(%s, %s, rowSelection = %s, overwrite = TRUE, maxRowsByCols = NULL)"
  r_case(sprintf(code, from, to, chosen), setup)
}

dt_made <- "list(Gain = DepDelay - ArrDelay, Hour = floor(CRSDepTime), Km = Distance * 1.609344,
  Speedy = Distance * 1.609344 / (1 + abs(DepDelay - ArrDelay)),
  VeryLate = fifelse(is.na(ArrDelay), FALSE, ArrDelay > 60), Band = cut(Distance, c(0, 500, 1500, 5000)))"
dt_frame <- c("library(rxscale); library(data.table)", sprintf("table <- rxImport(RxParquetData('%s'))", files$parquet),
  "setDT(table)")

polars <- c(
  "import polars as pl, tempfile, os, warnings", "warnings.simplefilter('ignore')", "col = pl.col",
  "made = [(col('DepDelay') - col('ArrDelay')).alias('Gain'), col('CRSDepTime').floor().alias('Hour'),",
  "    (col('Distance') * 1.609344).alias('Km'),",
  "    (col('Distance') * 1.609344 / (1 + (col('DepDelay') - col('ArrDelay')).abs())).alias('Speedy'),",
  "    (col('ArrDelay') > 60).fill_null(False).alias('VeryLate'),",
  "    col('Distance').cut([500, 1500], labels=['(0,500]', '(500,1500]', '(1500,5000]']).alias('Band')]",
  "chosen = (col('ArrDelay') > 60) & col('Origin').is_in(['A000', 'A001', 'A002']) & (col('Month') <= 6)",
  "out = os.path.join(tempfile.mkdtemp(), 'out')",
  sprintf("csv, parquet = '%s', '%s'", files$csv, files$parquet)
)
polars_frame <- c(polars, "table = pl.read_parquet(parquet)")

duckdb <- c(
  "import duckdb, tempfile, os", "db = duckdb.connect()",
  "made = '''DepDelay - ArrDelay as Gain, floor(CRSDepTime) as Hour, Distance * 1.609344::double as Km,",
  "    Distance * 1.609344::double / (1 + abs(DepDelay - ArrDelay)) as Speedy,",
  "    coalesce(ArrDelay > 60, false) as VeryLate, case when Distance <= 500 then '(0,500]'",
  "    when Distance <= 1500 then '(500,1500]' else '(1500,5000]' end as Band'''",
  "chosen = \"ArrDelay > 60 and Origin in ('A000', 'A001', 'A002') and Month <= 6\"",
  "out = os.path.join(tempfile.mkdtemp(), 'out')",
  sprintf("csv, parquet = '%s', '%s'", files$csv, files$parquet)
)
duckdb_table <- c(duckdb, "db.execute(f\"create table t as from '{parquet}'\")")
duckdb_copy <- function(what, format) sprintf("db.execute(f\"copy (%s) to '{out}' (format %s)\")", what, format)

compare("six columns, data frame to data frame", list(
  "rxDataStep, compiled" = step("frame", "NULL", rx_frame, also = ", varsToDrop = names(frame)"),
  "rxDataStep, through R" = step("frame", "NULL", rx_frame, "as_is", ", varsToDrop = names(frame)"),
  "data.table" = r_case(sprintf("table[, %s]", dt_made), dt_frame),
  "polars" = python_case("table.select(made)", polars_frame),
  "duckdb" = python_case("db.execute(f'create or replace table o as select {made} from t')", duckdb_table)
))
compare("selection, data frame to data frame", list(
  "rxDataStep" = select("frame", "NULL", rx_frame),
  "R" = r_case(sprintf("frame[which(with(frame, %s)), ]", chosen), rx_frame),
  "data.table" = r_case(sprintf("table[%s]", chosen), dt_frame),
  "polars" = python_case("table.filter(chosen)", polars_frame),
  "duckdb" = python_case("db.execute(f'create or replace table o as from t where {chosen}')", duckdb_table)
))
compare("six columns, XDF to XDF", list(
  "rxDataStep, compiled" = step("xdf", "to_xdf", rx_xdf),
  "rxDataStep, through R" = step("xdf", "to_xdf", rx_xdf, "as_is")
))
compare("six columns, Parquet to Parquet", list(
  "rxDataStep, compiled" = step("parquet", "to_parquet", rx),
  "rxDataStep, through R" = step("parquet", "to_parquet", rx, "as_is"),
  "polars" = python_case("pl.scan_parquet(parquet).with_columns(made).sink_parquet(out)", polars),
  "duckdb" = python_case(duckdb_copy("select *, {made} from '{parquet}'", "parquet"), duckdb)
))
compare("six columns, csv to csv", list(
  "rxDataStep, compiled" = step("csv", "to_csv", rx),
  "rxDataStep, through R" = step("csv", "to_csv", rx, "as_is"),
  "data.table" = r_case(
    sprintf("{ table <- fread('%s'); fwrite(cbind(table, table[, %s]), out) }", files$csv, dt_made),
    c("library(data.table)", "out <- tempfile()")
  ),
  "polars" = python_case("pl.scan_csv(csv).with_columns(made).sink_csv(out)", polars),
  "duckdb" = python_case(duckdb_copy("select *, {made} from read_csv('{csv}')", "csv"), duckdb)
))
compare("selection, XDF to XDF", list("rxDataStep" = select("xdf", "to_xdf", rx_xdf)))
compare("selection, Parquet to Parquet", list(
  "rxDataStep" = select("parquet", "to_parquet", rx),
  "polars" = python_case("pl.scan_parquet(parquet).filter(chosen).sink_parquet(out)", polars),
  "duckdb" = python_case(duckdb_copy("from '{parquet}' where {chosen}", "parquet"), duckdb)
))
compare("selection, csv to csv", list(
  "rxDataStep" = select("csv", "to_csv", rx),
  "polars" = python_case("pl.scan_csv(csv).filter(chosen).sink_csv(out)", polars),
  "duckdb" = python_case(duckdb_copy("from read_csv('{csv}') where {chosen}", "csv"), duckdb)
))

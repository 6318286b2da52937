# Cross tabulations against their peers, from memory and straight from files:
#   Rscript bench/crosstabs.R 5e6 [folder for the files]
# Counts, sums and means of ArrDelay by Carrier x DayOfWeek x Month (1,428 cells) and by Origin x Dest (90,000 cells).
# See compare.R for how it measures. Peers in memory hold factors or categories, as rxscale's data frame does.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- as.numeric(c(arguments, "5e6")[1])
files <- bench_table(rows, c(arguments[-1], file.path(tempdir(), "bench"))[1])

frame <- tempfile(fileext = ".rds")
rxscale::rxOptions(reportProgress = 0)
flights <- rxscale::rxImport(rxscale::RxParquetData(files$parquet))
texts <- names(Filter(is.character, flights))
flights[texts] <- lapply(flights[texts], factor)
saveRDS(flights, frame, compress = FALSE)
rm(flights)

in_r <- function(code, library) {
  r_case(code, c(sprintf("library(%s)", library), sprintf("d <- readRDS('%s')", frame)))
}
with_python <- function(code, ...) python_case(code, c(...))

tables <- list(
  list(name = "Carrier x DayOfWeek x Month", by = c("Carrier", "DayOfWeek", "Month"),
    cells = "Carrier:DayOfWeek:F(Month, 1, 12)"),
  list(name = "Origin x Dest", by = c("Origin", "Dest"), cells = "Origin:Dest")
)
for (table in tables) {
  keys <- paste(table$by, collapse = ", ")
  quoted <- paste0("'", table$by, "'", collapse = ", ")
  formula <- sprintf("rxCube(ArrDelay ~ %s, %%s, reportProgress = 0)", table$cells)
  polars <- sprintf(
    ".filter(pl.col('ArrDelay').is_not_null()).group_by([%s]).agg([pl.len().alias('n'), pl.col('ArrDelay').mean()])",
    quoted
  )
  sql <- sprintf(
    "select %1$s, count(*), avg(ArrDelay) from %%s where ArrDelay is not null group by %1$s", keys
  )
  duckdb <- function(from) sprintf("con.sql(\"%s\").fetchall()", sprintf(sql, from))
  compare(paste(table$name, "from memory"), list(
    rxscale = in_r(sprintf(formula, "d"), "rxscale"),
    `rxscale, one thread` = in_r(sprintf(formula, "d"), "rxscale); rxOptions(numCoresToUse = 1"),
    data.table = r_case(
      sprintf("d[!is.na(ArrDelay), .(.N, mean(ArrDelay)), by = .(%s)]", keys),
      c("library(data.table)", sprintf("d <- as.data.table(readRDS('%s'))", frame))
    ),
    collapse = in_r(
      sprintf(paste(
        "{ g <- GRP(d, c(%s), sort = FALSE)", "list(fmean(d$ArrDelay, g), fnobs(d$ArrDelay, g)) }",
        sep = "; "
      ), quoted), "collapse"
    ),
    duckdb = with_python(
      duckdb("d"), "import duckdb", "con = duckdb.connect()",
      sprintf("con.sql(\"create table d as select * from '%s'\")", files$parquet)
    ),
    polars = with_python(
      sprintf("d%s", polars), "import polars as pl", sprintf("d = pl.read_parquet('%s')", files$parquet),
      sprintf("d = d.with_columns(pl.col([c for c in [%s] if d[c].dtype == pl.String]).cast(pl.Categorical))", quoted)
    )
  ))
  for (kind in c("csv", "parquet")) {
    source <- sprintf(if (kind == "csv") "RxTextData('%s')" else "RxParquetData('%s')", files[[kind]])
    compare(paste(table$name, "from", kind), list(
      rxscale = r_case(sprintf(formula, source)),
      duckdb = with_python(duckdb(sprintf("'%s'", files[[kind]])), "import duckdb", "con = duckdb.connect()"),
      polars = with_python(
        sprintf("pl.scan_%s('%s')%s.collect()", kind, files[[kind]], polars), "import polars as pl"
      ),
      `data.table, read with fread` = if (kind == "csv") r_case(
        sprintf("fread('%s')[!is.na(ArrDelay), .(.N, mean(ArrDelay)), by = .(%s)]", files[[kind]], keys),
        "library(data.table)"
      )
    )[c(TRUE, TRUE, TRUE, kind == "csv")])
  }
}

# Five factors of 300 levels: 2.4e12 cells, of which those that occur are kept.
many <- tempfile(fileext = ".rds")
set.seed(1)
saveRDS(lapply(stats::setNames(nm = letters[1:5]), function(name) {
  factor(sample.int(300, rows, replace = TRUE), levels = 1:300)
}), many, compress = FALSE)
compare("five factors of 300 levels, sparsely", list(
  rxscale = r_case(
    "rxCube(~ a:b:c:d:e, d, useSparseCube = TRUE, reportProgress = 0)",
    c("library(rxscale)", sprintf("d <- as.data.frame(readRDS('%s'))", many))
  ),
  data.table = r_case(
    "d[, .N, by = .(a, b, c, d, e)]",
    c("library(data.table)", sprintf("d <- as.data.table(readRDS('%s'))", many))
  )
))
unlink(c(frame, many))

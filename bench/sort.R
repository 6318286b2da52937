# Sorting and merging, against others on the same machine, in memory, from files to files, and beyond a limit of memory:
#   Rscript bench/sort.R [rows, 5 million] [folder for the files]
# Sorted is by an airport and a delay; merged are the flights with a table of airports, and with one row for each of
# their (airport, airport, month). Peers that are not installed are printed as missing: data.table (R), duckdb and polars
# (Python). All results are in the order of the keys, as rxMerge's is, unless the line says otherwise.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)
# Megabytes that everybody may take where data are larger than memory.
limit <- 100

keys <- c("Origin", "Dest", "Month")
rx <- c(
  "library(rxscale); rxOptions(reportProgress = 0)", sprintf("parquet <- RxParquetData('%s')", files$parquet),
  "out <- RxXdfData(tempfile(fileext = '.xdf'))",
  "airports <- data.frame(Origin = sprintf('A%03d', 0:299), Place = paste('the airport of', 0:299))",
  sprintf("keys <- c('%s')", paste(keys, collapse = "', '"))
)
rx_frame <- c(rx, "flights <- rxImport(parquet)")
rx_xdf <- c(rx, "flights <- rxImport(parquet, tempfile(fileext = '.xdf'))")
routes <- c(
  "routes <- rxSort(flights, sortByVars = keys, varsToKeep = keys, removeDupKeys = TRUE, dupFreqVar = 'Flights',",
  "  maxRowsByCols = NULL)"
)
sort_to <- function(to, also = "") {
  code <- "rxSort(flights, %s, sortByVars = c('Origin', 'ArrDelay'), overwrite = TRUE, maxRowsByCols = NULL%s)"
  sprintf(code, to, also)
}
merge_to <- function(other, by, to, also = "") {
  code <- "rxMerge(flights, %s, %s, matchVars = %s, overwrite = TRUE, maxRowsByCols = NULL%s)"
  sprintf(code, other, to, by, also)
}
limited <- sprintf(", bufferLimit = %d", limit)

dt <- c(rx_frame, routes, "library(data.table)", "flights <- as.data.table(flights)", "setDT(airports); setDT(routes)")

polars <- c(
  "import polars as pl, tempfile, os", sprintf("parquet = '%s'", files$parquet),
  "out = os.path.join(tempfile.mkdtemp(), 'out')",
  "airports = pl.DataFrame({'Origin': [f'A{i:03d}' for i in range(300)],",
  "                         'Place': [f'the airport of {i}' for i in range(300)]})",
  sprintf("keys = ['%s']", paste(keys, collapse = "', '"))
)
polars_frame <- c(
  polars, "flights = pl.read_parquet(parquet)", "routes = flights.group_by(keys).agg(pl.len().alias('Flights'))"
)
polars_scan <- c(
  polars, "flights = pl.scan_parquet(parquet)", "routes = flights.group_by(keys).agg(pl.len().alias('Flights'))"
)

duckdb <- c(
  "import duckdb, tempfile, os", "db = duckdb.connect()", "out = os.path.join(tempfile.mkdtemp(), 'out')",
  sprintf("parquet = '%s'", files$parquet),
  "db.execute(\"create table airports as select 'A' || lpad(i::varchar, 3, '0') as Origin, \"",
  "           \"'the airport of ' || i as Place from range(300) t(i)\")",
  sprintf("keys = '%s'", paste(keys, collapse = ", "))
)
duckdb_routes <- "db.execute(f'create table routes as select {keys}, count(*) as Flights from flights group by all')"
duckdb_table <- c(duckdb, "db.execute(f\"create table flights as from '{parquet}'\")", duckdb_routes)
duckdb_view <- c(duckdb, "db.execute(f\"create view flights as from '{parquet}'\")", duckdb_routes)
duckdb_limited <- c(
  duckdb_view, sprintf("db.execute(\"set memory_limit = '%dMB'\")", limit),
  "db.execute(f\"set temp_directory = '{os.path.dirname(out)}'\")"
)
duck_sorted <- "from flights order by Origin, ArrDelay nulls first"
duck_joined <- "from flights join %s using (%s) order by %s"
duck_make <- function(query) sprintf("db.execute(f'create or replace table o as %s')", query)
duck_copy <- function(query) sprintf("db.execute(f\"copy (%s) to '{out}' (format parquet)\")", query)
duck_airports <- sprintf(duck_joined, "airports", "Origin", "Origin")
duck_airports_any <- "from flights join airports using (Origin)"
duck_routes <- sprintf(duck_joined, "routes", "{keys}", "{keys}")

pl_sort <- "flights.sort(['Origin', 'ArrDelay'], maintain_order = True)"
pl_airports <- "flights.join(airports, on = 'Origin').sort('Origin', maintain_order = True)"
pl_routes <- "flights.join(routes, on = keys).sort(keys, maintain_order = True)"

compare("sorted by two keys, data frame to data frame", list(
  "rxSort" = r_case(sort_to("NULL"), rx_frame),
  "data.table" = r_case("flights[order(Origin, ArrDelay)]", dt),
  "polars" = python_case(pl_sort, polars_frame),
  "duckdb" = python_case(duck_make(duck_sorted), duckdb_table)
))
compare("merged with airports, data frame to data frame", list(
  "rxMerge" = r_case(merge_to("airports", "'Origin'", "NULL"), rx_frame),
  "data.table" = r_case("merge(flights, airports, by = 'Origin')", dt),
  "polars" = python_case(pl_airports, polars_frame),
  "polars, in any order" = python_case("flights.join(airports, on = 'Origin')", polars_frame),
  "duckdb" = python_case(duck_make(duck_airports), duckdb_table),
  "duckdb, in any order" = python_case(duck_make(duck_airports_any), duckdb_table)
))
compare("merged with routes by three keys, data frame to data frame", list(
  "rxMerge" = r_case(merge_to("routes", "keys", "NULL"), c(rx_frame, routes)),
  "data.table" = r_case("merge(flights, routes, by = keys)", dt),
  "polars" = python_case(pl_routes, polars_frame),
  "duckdb" = python_case(duck_make(duck_routes), duckdb_table)
))
compare("sorted by two keys, file to file", list(
  "rxSort, XDF" = r_case(sort_to("out"), rx_xdf),
  "polars, Parquet" = python_case(sprintf("%s.sink_parquet(out)", pl_sort), polars_scan),
  "duckdb, Parquet" = python_case(duck_copy(duck_sorted), duckdb_view)
))
compare("merged with routes by three keys, file to file", list(
  "rxMerge, XDF" = r_case(merge_to("routes", "keys", "out"), c(rx_xdf, routes)),
  "polars, Parquet" = python_case(sprintf("%s.sink_parquet(out)", pl_routes), polars_scan),
  "duckdb, Parquet" = python_case(duck_copy(duck_routes), duckdb_view)
))
compare(sprintf("sorted by two keys, file to file within %d MB", limit), list(
  "rxSort, XDF" = r_case(sort_to("out", limited), rx_xdf),
  "duckdb, Parquet" = python_case(duck_copy(duck_sorted), duckdb_limited)
))
compare(sprintf("merged with routes by three keys, file to file within %d MB", limit), list(
  "rxMerge, XDF" = r_case(merge_to("routes", "keys", "out", limited), c(rx_xdf, routes)),
  "duckdb, Parquet" = python_case(duck_copy(duck_routes), duckdb_limited)
))

# Files between rxscale and pyarrow, polars and duckdb. The fixtures are theirs, written by tools/fixtures.py.

fixture <- function(name) test_path("fixtures", name)

as_time <- function(seconds, tz) as.POSIXct(seconds, origin = "1970-01-01", tz = tz)

# The data of a fixture, without columns that no variable can hold.
read_fixture <- function(name) {
  rxImport(fixture_source(name), varsToDrop = if (startsWith(name, "pyarrow")) c("list", "struct", "bytes"))
}

fixture_source <- function(name) {
  if (grepl("arrow$", name)) RxXdfData(fixture(name)) else RxParquetData(fixture(name))
}

test_that("what pyarrow writes is read", {
  for (name in c("pyarrow-none.arrow", "pyarrow-lz4.arrow", "pyarrow-zstd.arrow", "pyarrow.parquet")) {
    data <- read_fixture(name)
    numbers <- c(
      "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "halffloat", "float", "double"
    )
    for (column in numbers) expect_equal(data[[column]], c(1, NA, 3), info = paste(name, column))
    expect_identical(data$whole, 1:3)
    expect_identical(data$long, c(2^53, NA, -2^53))
    expect_identical(data$bool, c(TRUE, NA, FALSE))
    expect_identical(data$nan, c(NaN, NA, -Inf))
    expect_identical(data$text, c("a", NA, "\u00fc"))
    expect_identical(data$large_text, c("a", NA, ""))
    expect_identical(data$view, c("a text of more than twelve bytes", NA, "\u00fc"))
    expect_identical(data$decimal, c(1.25, NA, -3.5))
    expect_identical(data$long_decimal, c(1e30, NA, -0.1))
    expect_identical(data$day, as.Date(c("1970-01-02", NA, "1969-12-31")))
    expect_identical(data$factor, factor(c("y", NA, "x"), levels = c("x", "y")), info = name)
    expect_identical(as.character(data$ordered), c("high", NA, "low"))
    expect_true(is.ordered(data$ordered))
    expect_identical(data$last, 7:9)
    seconds <- c(s = 1000, ms = 1, us = 1e-3, ns = 1e-6)
    for (unit in names(seconds)) {
      expect_identical(data[[paste0("utc_", unit)]], as_time(c(1, NA, -1) * seconds[[unit]], "UTC"), info = name)
    }
    expect_identical(data$vienna, as_time(c(1, NA, -1), "Europe/Vienna"))
    expect_identical(data$wall, as_time(c(1, NA, -1), "UTC"))
  }
})

test_that("what polars writes is read", {
  for (name in c("polars.arrow", "polars.parquet")) {
    data <- read_fixture(name)
    expect_identical(data$i, c(1, NA, 3))
    expect_identical(data$x, c(1.5, NA, NaN))
    expect_identical(data$s, c("a", NA, "a text of more than twelve bytes"))
    expect_identical(data$b, c(TRUE, NA, FALSE))
    expect_identical(data$d, as.Date(c("1970-01-02", NA, "1969-12-31")))
    expect_identical(as.character(data$c), c("u", NA, "v"))
    expect_identical(as.character(data$e), c("u", NA, "v"))
    expect_true(is.factor(data$c) && is.factor(data$e))
    expect_identical(data$t, as_time(c(1, NA, -1), "Europe/Vienna"))
  }
})

test_that("what duckdb writes is read", {
  data <- read_fixture("duckdb.parquet")
  expect_identical(data$i, c(1, NA, 3))
  expect_identical(data$x, c(1.5, NA, NaN))
  expect_identical(data$s, c("a", NA, "a text of more than twelve bytes"))
  expect_identical(data$b, c(TRUE, NA, FALSE))
  expect_identical(data$d, as.Date(c("1970-01-02", NA, "1969-12-31")))
  expect_identical(data$t, as_time(c(1, NA, -1), "UTC"))
  expect_identical(data$n, c(1.25, NA, -3.5))
})

test_that("columns that no variable can hold are named, and the others can be read", {
  for (name in c("pyarrow-lz4.arrow", "pyarrow.parquet")) {
    source <- fixture_source(name)
    for (column in c("list", "struct", "bytes")) {
      error <- expect_error(rxImport(source, varsToKeep = column), class = "rxscale_error_wrong_type")
      expect_identical(error$column, column)
      expect_match(conditionMessage(error), sprintf("varsToDrop = \"%s\"", column), fixed = TRUE)
    }
    expect_identical(rxImport(source, varsToKeep = c("last", "whole")), data.frame(last = 7:9, whole = 1:3))
  }
})

test_that("page checksums of others are verified", {
  good <- readBin(fixture("pyarrow.parquet"), "raw", file.size(fixture("pyarrow.parquet")))
  at <- grepRaw("a text of more than twelve bytes", good)
  path <- temp_file(".parquet")
  writeBin(replace(good, at, as.raw(0x41)), path)
  expect_error(rxImport(path, varsToKeep = "view"), class = "rxscale_error_corrupt_file")
})

test_that("what is written here is read by pyarrow, polars and duckdb", {
  folder <- withr::local_tempdir()
  text <- file.path(folder, "numbers.csv")
  writeLines(c("big,small,single", "9007199254740993,-5,0.1", "NA,NA,NA", "-3,7,2.5"), text)
  rxImport(text, file.path(folder, "numbers.xdf"), colClasses = c(big = "int64", small = "int16", single = "float32"))
  rxImport(file.path(folder, "numbers.xdf"), file.path(folder, "numbers.parquet"))
  data <- all_kinds()
  data$vienna <- as.POSIXct(c(0, 1e9, NA, -1, 1.5e9, 1.25), origin = "1970-01-01", tz = "Europe/Vienna")
  for (level in c(0, 1, 9)) {
    rxImport(data, file.path(folder, sprintf("kinds-%d.xdf", level)), xdfCompressionLevel = level, rowsPerRead = 4)
  }
  rxImport(data[1:3, ], file.path(folder, "grown.xdf"))
  rxImport(data[4:6, ], file.path(folder, "grown.xdf"), append = "rows")
  rxImport(data, file.path(folder, "set"), createCompositeSet = TRUE)
  rxImport(data, file.path(folder, "kinds.parquet"))
  script <- '
import datetime, json, glob, duckdb, polars as pl, pyarrow as pa, pyarrow.ipc as ipc, pyarrow.parquet as pq
utc = datetime.timezone.utc
def plain(x):
    if isinstance(x, datetime.datetime):
        return round((x - datetime.datetime(1970, 1, 1, tzinfo=utc)) / datetime.timedelta(microseconds=1)) / 1e6
    return x.isoformat() if isinstance(x, datetime.date) else x
found = {}
for path in glob.glob("*.xdf") + glob.glob("set/data/*") + glob.glob("*.parquet"):
    parquet = path.endswith("parquet")
    arrow = table = pq.read_table(path) if parquet else ipc.open_file(path).read_all()
    table.validate(full=True)
    found[path + " pyarrow"] = table.to_pydict()
    frame = pl.read_parquet(path) if parquet else pl.read_ipc(path)
    found[path + " polars"] = frame.to_dict(as_series=False)
    found[path + " duckdb"] = pa.table(duckdb.sql(f"select * from \'{path}\'" if parquet else "select * from arrow")).to_pydict()
    assert not "grade" in table.column_names or table.schema.field("grade").type.ordered
print(json.dumps({k: {n: [plain(x) for x in v] for n, v in t.items()} for k, t in found.items()}))
'
  found <- python(script, folder, c("pyarrow", "polars", "duckdb"))
  found <- jsonlite::fromJSON(found[length(found)], bigint_as_char = TRUE)
  expect_length(found, 3 * 8)
  for (name in names(found)) {
    read <- found[[name]]
    if (startsWith(name, "numbers")) {
      expect_identical(as.character(read$big), c("9007199254740993", NA, "-3"), info = name)
      expect_identical(read$small, c(-5L, NA, 7L), info = name)
      expect_equal(read$single, c(0.1, NA, 2.5), tolerance = 1e-7, info = name)
    } else {
      for (column in setdiff(names(data), c("time", "vienna", "day"))) {
        wanted <- if (is.factor(data[[column]])) as.character(data[[column]]) else data[[column]]
        expect_equal(read[[column]], wanted, info = paste(name, column))
      }
      expect_identical(read$day, as.character(data$day), info = name)
      expect_equal(read$time, as.numeric(data$time), info = name)
      expect_equal(read$vienna, as.numeric(data$vienna), info = name)
    }
  }
})

"""Writes tests/testthat/fixtures: small Arrow and Parquet files by pyarrow, polars and duckdb.

Run in the root of the package with these modules installed: python3 tools/fixtures.py
"""

import datetime
import decimal
import pathlib

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

folder = pathlib.Path("tests/testthat/fixtures")
folder.mkdir(exist_ok=True)

# Numbers of every width, each with a null.
columns = {
    str(kind): pa.array([1, None, 3], kind)
    for kind in [
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
        pa.float16(), pa.float32(), pa.float64(),
    ]
}
columns |= {
    "whole": pa.array([1, 2, 3], pa.int32()),
    "long": pa.array([2**53, None, -(2**53)], pa.int64()),
    "bool": pa.array([True, None, False]),
    "nan": pa.array([float("nan"), None, float("-inf")]),
    "text": pa.array(["a", None, "\u00fc"]),
    "large_text": pa.array(["a", None, ""], pa.large_string()),
    "view": pa.array(["a text of more than twelve bytes", None, "\u00fc"], pa.string_view()),
    "decimal": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.50")], pa.decimal128(10, 2)),
    "long_decimal": pa.array([decimal.Decimal("1e30"), None, decimal.Decimal("-0.1")], pa.decimal256(50, 5)),
    "day": pa.array([datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)]),
    "factor": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array(["x", "y"])),
    "ordered": pa.DictionaryArray.from_arrays(
        pa.array([2, None, 0], pa.int32()), pa.array(["low", "mid", "high"]), ordered=True
    ),
    "list": pa.array([[1], None, [2, 3]]),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": 2, "b": "y"}]),
    "bytes": pa.array([b"x", None, b"y"]),
    "last": pa.array([7, 8, 9], pa.int32()),
}
for unit in ["s", "ms", "us", "ns"]:
    columns["utc_" + unit] = pa.array([1_000, None, -1_000], pa.timestamp(unit, "UTC"))
columns["vienna"] = pa.array([1_000_000, None, -1_000_000], pa.timestamp("us", "Europe/Vienna"))
columns["wall"] = pa.array([1_000_000, None, -1_000_000], pa.timestamp("us"))
table = pa.table(columns)
for codec in [None, "lz4", "zstd"]:
    with ipc.new_file(folder / f"pyarrow-{codec or 'none'}.arrow", table.schema, options=ipc.IpcWriteOptions(compression=codec)) as f:
        f.write_table(table)
pq.write_table(table, folder / "pyarrow.parquet", write_page_checksum=True)

frame = pl.DataFrame({
    "i": [1, None, 3], "x": [1.5, None, float("nan")], "s": ["a", None, "a text of more than twelve bytes"],
    "b": [True, None, False], "d": [datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)],
    "c": pl.Series(["u", None, "v"], dtype=pl.Categorical), "e": pl.Series(["u", None, "v"], dtype=pl.Enum(["v", "u"])),
    "t": pl.Series([1_000_000, None, -1_000_000], dtype=pl.Datetime("us", "Europe/Vienna")),
})
frame.write_ipc(folder / "polars.arrow", compression="zstd")
frame.write_parquet(folder / "polars.parquet", compression="zstd")

duckdb.sql(f"""
    copy (
        select * from (values
            (1::bigint, 1.5::double, 'a', true, date '1970-01-02', 'u'::varchar, timestamptz '1970-01-01 00:00:01+00', 1.25::decimal(9, 2)),
            (null, null, null, null, null, null, null, null),
            (3, 'nan', 'a text of more than twelve bytes', false, '1969-12-31', 'v', '1969-12-31 23:59:59+00', -3.5)
        ) as t(i, x, s, b, d, c, t, n)
    ) to '{folder}/duckdb.parquet' (format parquet, compression zstd)
""")

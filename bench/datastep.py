#!/usr/bin/env python3
"""The steps of datastep.R in duckdb and polars, which that script calls: datastep.py CSV PARQUET THREADS."""
import os
import sys
import tempfile
import time
import warnings

csv, parquet, threads = sys.argv[1:4]
os.environ["POLARS_MAX_THREADS"] = threads
out = tempfile.mktemp()


def measured(what, who, work):
    best = min(timed(work) for _ in range(3))
    print(f"{what:<34} {who:<28} {best:7.2f} s", flush=True)


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


try:
    import polars as pl

    warnings.simplefilter("ignore")  # cut() has another name in some versions
    col = pl.col
    made = [
        (col("DepDelay") - col("ArrDelay")).alias("Gain"),
        col("CRSDepTime").floor().alias("Hour"),
        (col("Distance") * 1.609344).alias("Km"),
        (col("Distance") * 1.609344 / (1 + (col("DepDelay") - col("ArrDelay")).abs())).alias("Speedy"),
        (col("ArrDelay") > 60).fill_null(False).alias("VeryLate"),
        col("Distance").cut([500, 1500], labels=["(0,500]", "(500,1500]", "(1500,5000]"]).alias("Band"),
    ]
    chosen = (col("ArrDelay") > 60) & col("Origin").is_in(["A000", "A001", "A002"]) & (col("Month") <= 6)
    who = f"polars {pl.__version__}"
    frame = pl.read_parquet(parquet)
    measured("six columns, in memory", who, lambda: frame.select(made))
    measured("selection, in memory", who, lambda: frame.filter(chosen))
    del frame
    read = pl.scan_parquet(parquet)
    measured("six columns, Parquet to Parquet", who, lambda: read.with_columns(made).sink_parquet(out))
    measured("selection, Parquet to Parquet", who, lambda: read.filter(chosen).sink_parquet(out))
    text = pl.scan_csv(csv)
    measured("six columns, CSV to CSV", who, lambda: text.with_columns(made).sink_csv(out))
except ImportError:
    print("polars: not installed")

try:
    import duckdb

    con = duckdb.connect()
    con.execute(f"set threads = {threads}")
    con.execute("set preserve_insertion_order = true")
    made = """DepDelay - ArrDelay as Gain, floor(CRSDepTime) as Hour, Distance * 1.609344::double as Km,
        Distance * 1.609344::double / (1 + abs(DepDelay - ArrDelay)) as Speedy,
        coalesce(ArrDelay > 60, false) as VeryLate, case when Distance <= 500 then '(0,500]'
        when Distance <= 1500 then '(500,1500]' else '(1500,5000]' end as Band"""
    chosen = "ArrDelay > 60 and Origin in ('A000', 'A001', 'A002') and Month <= 6"
    who = f"duckdb {duckdb.__version__}"
    con.execute(f"create table t as from '{parquet}'")
    measured("six columns, in memory", who, lambda: con.execute(f"create or replace table o as select {made} from t"))
    measured("selection, in memory", who, lambda: con.execute(f"create or replace table o as from t where {chosen}"))
    for what, text in [("six columns", f"select *, {made} from"), ("selection", None)]:
        query = f"{text} '{parquet}'" if text else f"from '{parquet}' where {chosen}"
        measured(f"{what}, Parquet to Parquet", who, lambda: con.execute(f"copy ({query}) to '{out}' (format parquet)"))
    query = f"select *, {made} from read_csv('{csv}')"
    measured("six columns, CSV to CSV", who, lambda: con.execute(f"copy ({query}) to '{out}' (format csv)"))
except ImportError:
    print("duckdb: not installed")

if os.path.exists(out):
    os.remove(out)

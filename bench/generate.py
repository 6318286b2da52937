#!/usr/bin/env python3
"""Makes the table that the benchmarks read, shaped like the flights of an airline.

    generate.py ROWS OUT.csv [--parquet OUT.parquet] [--seed N]

Columns: ArrDelay (integer, 3 % missing), DepDelay, CRSDepTime (double), Distance, DayOfWeek (7 levels), Carrier (17),
Origin and Dest (300 each), Month (1 to 12), Late (0 or 1). Airports follow Zipf's law and delays are skewed and depend
on the factors, so that counts are as uneven as in real flights.
"""

import argparse

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

CHUNK = 1_000_000
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
CARRIERS = ["AA", "AS", "B6", "CO", "DL", "EV", "F9", "FL", "HA", "MQ", "NW", "OO", "UA", "US", "WN", "XE", "YV"]
AIRPORTS = [f"A{i:03d}" for i in range(300)]


def tables(rows, seed):
    """Yields the table in chunks."""
    rng = np.random.default_rng(seed)
    of_origin, of_carrier, of_day = rng.normal(0, 4, 300), rng.normal(0, 3, 17), rng.normal(0, 2, 7)
    zipf = 1 / np.arange(1, 301) ** 0.8
    zipf /= zipf.sum()
    for start in range(0, rows, CHUNK):
        n = min(rows - start, CHUNK)
        origin, dest = rng.choice(300, n, p=zipf), rng.choice(300, n, p=zipf)
        carrier, day, month = rng.integers(0, 17, n), rng.integers(0, 7, n), rng.integers(1, 13, n)
        time = np.round(rng.uniform(0, 24, n), 4)
        distance = rng.integers(80, 2800, n)
        departure = np.round(rng.exponential(20, n) - 10 + 0.6 * time).astype(np.int32)
        arrival = 0.9 * departure + of_origin[origin] + of_carrier[carrier] + of_day[day] - 0.001 * distance
        arrival = np.round(arrival + rng.normal(0, 12, n)).astype(np.int32)
        missing = rng.random(n) < 0.03
        yield pa.table({
            "ArrDelay": pa.array(arrival, mask=missing),
            "DepDelay": departure,
            "CRSDepTime": time,
            "Distance": distance.astype(np.int32),
            "DayOfWeek": pa.array(np.array(DAYS)[day]),
            "Carrier": pa.array(np.array(CARRIERS)[carrier]),
            "Origin": pa.array(np.array(AIRPORTS)[origin]),
            "Dest": pa.array(np.array(AIRPORTS)[dest]),
            "Month": month.astype(np.int32),
            "Late": pa.array((arrival > 15).astype(np.int32), mask=missing),
        })


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("rows", type=float)
    arguments.add_argument("out")
    arguments.add_argument("--parquet")
    arguments.add_argument("--seed", type=int, default=20261121)
    asked = arguments.parse_args()
    text = parquet = None
    for table in tables(int(asked.rows), asked.seed):
        text = text or pa.csv.CSVWriter(asked.out, table.schema)
        text.write_table(table)
        if asked.parquet:
            parquet = parquet or pa.parquet.ParquetWriter(asked.parquet, table.schema)
            parquet.write_table(table)
    for writer in filter(None, (text, parquet)):
        writer.close()


if __name__ == "__main__":
    main()

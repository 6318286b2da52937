#!/usr/bin/env python3
"""Writes the table of generate.py as a file of Microsoft's XDF format, as RevoScaleR would have: zlib's fastest level,
blocks of 500,000 rows, text as strings or factors.

    legacy.py ROWS OUT.xdf

It follows what src/rust/crates/rx-data/src/xdf_legacy/mod.rs says of the format.
"""

import struct
import sys
import zlib

import generate
import numpy as np

BLOCK = 500_000
TEXT = ["Origin"]


def string(text):
    return struct.pack("<Ii", 1, len(text)) + text.encode()


def header(code, tag, bits, n, m, attributes=0):
    return (b"\xf4\xf3\xf2\xf1" + struct.pack("<fIQQQ", 2, code, 65536, n, m)
            + struct.pack("<IQfI", tag, bits, 1, attributes))


def entry(name):
    return struct.pack("<If", 1, 1) + string(name) + string("") + struct.pack("<I", 1)


def table(code, n, m, values):
    tag, bits, unset = (15, 0x400300, 2**63 - 1) if code == 2 else (16, 0x420300, 2**64 - 1)
    return (entry("") + header(code, tag, bits, n, m) + struct.pack("<fQQi", 1, unset, unset, 0)
            + np.array(values, "<u8").tobytes())


def members(count):
    return header(6, 3, 0, 1, count) + struct.pack("<fQI", 1.1, 3, 0)


def describe(name, column):
    """The column's object, without values."""
    if column["kind"] == "text":
        return entry(name) + header(5, 8, 0x400100, 0, 1)
    code, tag, bits, form = {"i": (0, 11, 0x400300, "<i"), "f": (1, 12, 0x420300, "<I"), "d": (4, 18, 0x400600, "<d")}[
        column["kind"][0]]
    bounds = b"".join(struct.pack(form, v) for v in (column["low"], column["high"]))
    labels = b""
    if code == 1:
        labels = members(1) + entry("Labels") + header(5, 8, 0x400100, len(column["labels"]), 1)
        labels += b"".join(map(string, column["labels"]))
    range_ = struct.pack("<f", 1) + bounds + bytes(4)
    return entry(name) + header(code, tag, bits, 0, 1, int(code == 1)) + labels + range_


def encode(name, values, columns):
    """A block's bytes before they are compressed, and what the column is."""
    known = columns.setdefault(name, {})
    if name in TEXT:
        known["kind"] = "text"
        return b"".join(map(string, values.to_pylist()))
    if str(values.type) == "string":
        labels = known.setdefault("labels", sorted(set(values.to_pylist())))
        known["kind"], known["low"], known["high"] = "factor", 0, len(labels) - 1
        return np.searchsorted(labels, values.to_numpy(zero_copy_only=False)).astype("<u4").tobytes()
    known["kind"] = "double" if str(values.type) == "double" else "integer"
    valid = values.drop_null().to_numpy()
    known["low"] = min(known.get("low", valid.min()), valid.min())
    known["high"] = max(known.get("high", valid.max()), valid.max())
    return values.fill_null(-2**31).to_numpy().astype("<f8" if known["kind"] == "double" else "<i4").tobytes()


def main():
    rows, out = int(float(sys.argv[1])), sys.argv[2]
    columns, block_rows, offsets, sizes = {}, [], [], []
    with open(out, "wb") as file:
        file.write(b"\xf4\xd3\xd2\xd1" + bytes(256))
        for chunk in generate.tables(rows, 20261121):
            for start in range(0, chunk.num_rows, BLOCK):
                block = chunk.slice(start, BLOCK)
                block_rows.append(block.num_rows)
                for name in block.column_names:
                    plain = encode(name, block[name].combine_chunks(), columns)
                    stored = zlib.compress(plain, 1)
                    if columns[name]["kind"] == "text":
                        stored += struct.pack("<Q", len(plain))
                    offsets.append(file.tell())
                    sizes.append(len(stored))
                    file.write(stored)
        place, count, blocks = file.tell(), len(columns), len(block_rows)
        file.write(struct.pack("<fqq", 3.1, -1, -1))
        file.write(table(21, 1, blocks, block_rows))
        file.write(table(2, count, blocks, offsets) + table(21, count, blocks, sizes))
        file.write(table(2, 0, 1, []) + table(21, 0, 1, []) + entry("") + members(count))
        file.writelines(describe(name, column) for name, column in columns.items())
        file.write(struct.pack("<I", 1) + struct.pack("<fQQQQQQ", 4.2, 1, place, count, rows, 65536, 60))
        file.write(b"\xf4\xd3\xd2\xd1" * 2)


def inflate(path, wanted):
    """Inflates some columns with zlib's own code and nothing else. Returns the bytes that come out."""
    with open(path, "rb") as file:
        data = file.read()
    metadata, count = struct.unpack_from("<QQ", data, len(data) - 48)
    at = metadata + 20
    tables = []
    for _ in range(3):
        n, m = struct.unpack_from("<QQ", data, at + 28 + 20)
        at += 28 + 56 + 24
        tables.append(np.frombuffer(data, "<u8", n * m, at))
        at += 8 * n * m
    rows, offsets, sizes = tables
    total = 0
    for block in range(len(rows)):
        for column, (width, text) in wanted.items():
            place, size = int(offsets[block * count + column]), int(sizes[block * count + column])
            stream = memoryview(data)[place:place + size - 8 * text]
            length = struct.unpack_from("<Q", data, place + size - 8)[0] if text else int(rows[block]) * width
            total += len(zlib.decompress(stream, bufsize=length))
    return total


if __name__ == "__main__":
    main()

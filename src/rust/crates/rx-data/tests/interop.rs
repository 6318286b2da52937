//! Files of rxscale in the hands of pyarrow, polars and duckdb, and theirs in ours. Without them the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use arrow::array::Array;
use rx_data::column::{NA_F64, NA_I32, is_na_f32, is_na_f64};
use rx_data::sink::{ParquetOptions, ParquetSink, Sink, XdfOptions, XdfSink};
use rx_data::source::{Frame, ParquetSource, XdfSource};
use rx_data::xdf::{Compression, update_metadata};
use rx_data::{Column, ErrorKind, Field, Kind, Schema, Source};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const ROWS: usize = 100_000;

/// Runs a script in an empty folder of its own; None if Python or a package is missing.
fn python(name: &str, prepare: impl FnOnce(&Path), script: &str) -> Option<PathBuf> {
    let found = Command::new("python3").args(["-c", "import pyarrow, polars, duckdb, pandas"]).output();
    if !found.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: python3 with pyarrow, polars, pandas and duckdb is not here");
        return None;
    }
    let dir = std::env::temp_dir().join(format!("rx-data-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    prepare(&dir);
    let output = Command::new("python3").args(["-c", script]).current_dir(&dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(dir)
}

fn table(rows: usize) -> Frame {
    let missing = |i: usize| i % 7 == 3;
    let f64s = |f: &dyn Fn(usize) -> f64| -> Column {
        Column::F64((0..rows).map(|i| if missing(i) { NA_F64 } else { f(i) }).collect())
    };
    let codes = |k: usize| (0..rows).map(|i| if missing(i) { NA_I32 } else { (k - i % k) as i32 }).collect();
    let labels = |k: usize| Arc::new((1..=k).map(|i| format!("L{i}")).collect::<Vec<_>>());
    let text = (0..rows).map(|i| (!missing(i)).then(|| format!("é{}", i % 50)));
    let columns = vec![
        (
            Field::new("i", Kind::Integer),
            Column::I32((0..rows).map(|i| if missing(i) { NA_I32 } else { i as i32 }).collect()),
        ),
        (Field::new("x", Kind::Numeric), f64s(&|i| i as f64 / 4.0)),
        (
            Field::new("l", Kind::Logical),
            Column::I32((0..rows).map(|i| if missing(i) { NA_I32 } else { (i % 2) as i32 }).collect()),
        ),
        (Field::new("s", Kind::Character), Column::Str(text.collect())),
        (Field::new("f", Kind::Factor { ordered: false }), Column::Dict { codes: codes(300), labels: labels(300) }),
        (Field::new("o", Kind::Factor { ordered: true }), Column::Dict { codes: codes(5), labels: labels(5) }),
        (Field::new("d", Kind::Date), f64s(&|i| (i % 20_000) as f64)),
        (Field::new("t", Kind::DateTime { tz: Some("Europe/Vienna".to_string()) }), f64s(&|i| 1.4e9 + i as f64 / 2.0)),
    ];
    let (fields, columns) = columns.into_iter().unzip();
    Frame::new(Schema::new(fields), columns, rows).unwrap()
}

fn copy<S: Sink>(source: &dyn Source, sink: S) {
    let all: Vec<usize> = (0..source.schema().fields.len()).collect();
    let scan = source.scan(&all).unwrap();
    while let Some(block) = scan.next().unwrap() {
        sink.write(sink.encode(sink.admit(block).unwrap()).unwrap()).unwrap();
    }
    sink.finish().unwrap();
}

/// What the scripts compare with.
const EXPECTED: &str = r#"
import datetime, pyarrow as pa
def expected(rows, f="L"):
    keep = [i % 7 != 3 for i in range(rows)]
    def column(value): return [value(i) if k else None for i, k in enumerate(keep)]
    epoch = datetime.datetime(2014, 5, 13, 16, 53, 20, tzinfo=datetime.timezone.utc)
    return {
        "i": column(lambda i: i), "x": column(lambda i: i / 4), "l": column(lambda i: i % 2 == 1),
        "s": column(lambda i: f"é{i % 50}"), "f": column(lambda i: f"{f}{300 - i % 300}"),
        "o": column(lambda i: f"L{5 - i % 5}"),
        "d": column(lambda i: datetime.date(1970, 1, 1) + datetime.timedelta(days=i % 20000)),
        "t": column(lambda i: epoch + datetime.timedelta(seconds=i / 2)),
    }
def check(found, wanted):
    for name, values in wanted.items():
        assert found[name] == values, (name, found[name][:9], values[:9])
"#;

#[test]
fn others_read_what_we_write() {
    let prepare = |dir: &Path| {
        for (name, compression) in [("none", Compression::None), ("lz4", Compression::Lz4), ("zstd", Compression::Zstd)]
        {
            let path = dir.join(format!("{name}.xdf"));
            let options = XdfOptions { path, compression, rows_per_block: Some(30_000), ..Default::default() };
            let table = table(ROWS);
            copy(&table, XdfSink::create(table.schema().clone(), options).unwrap());
        }
        let path = dir.join("grown.xdf");
        for _ in 0..2 {
            let options = XdfOptions { path: path.clone(), append_rows: true, ..Default::default() };
            copy(&table(1000), XdfSink::create(table(0).schema().clone(), options).unwrap());
        }
        update_metadata(&path, |m| {
            m.schema.fields[4].levels = Some(Arc::new((1..=300).map(|i| format!("M{i}")).collect()));
            Ok(())
        })
        .unwrap();
        let table = table(ROWS);
        let options = XdfOptions { path: dir.join("empty.xdf"), ..Default::default() };
        copy(&self::table(0), XdfSink::create(table.schema().clone(), options).unwrap());
        let options = ParquetOptions { path: dir.join("x.parquet"), ..Default::default() };
        copy(&table, ParquetSink::create(table.schema().clone(), options).unwrap());
    };
    let script = r#"
import polars as pl, pyarrow.ipc as ipc, pyarrow.parquet as pq, duckdb, pandas as pd
wanted = expected(100000)
for name in ["none", "lz4", "zstd"]:
    table = arrow_table = ipc.open_file(name + ".xdf").read_all()
    table.validate(full=True)
    check(table.to_pydict(), wanted)
    assert all(table[c].null_count == len(range(3, 100000, 7)) for c in table.column_names)
    assert table["f"].chunk(0).dictionary.to_pylist() == [f"L{i}" for i in range(1, 301)]
    assert table.schema.field("o").type.ordered and not table.schema.field("f").type.ordered
    assert table.schema.field("t").type == pa.timestamp("us", "Europe/Vienna")
    assert table.to_pandas()["o"].cat.categories.tolist() == ["L1", "L2", "L3", "L4", "L5"]
    frame = pl.read_ipc(name + ".xdf")
    check({c: frame[c].to_list() for c in frame.columns}, wanted)
    assert frame["x"].null_count() == table["x"].null_count
    assert duckdb.connect().execute("select sum(x) from arrow_table").fetchone()[0] == sum(v for v in wanted["x"] if v is not None)
frame = pl.scan_ipc("none.xdf").select("o", "x").collect()
check({c: frame[c].to_list() for c in frame.columns}, {c: wanted[c] for c in ["o", "x"]})
grown = ipc.open_file("grown.xdf").read_all()
grown.validate(full=True)
wanted = {k: v + v for k, v in expected(1000, "M").items()}
check(grown.to_pydict(), wanted)
frame = pl.read_ipc("grown.xdf")
check({c: frame[c].to_list() for c in frame.columns}, wanted)
assert ipc.open_file("empty.xdf").read_all().num_rows == 0
assert pl.read_ipc("empty.xdf").shape == (0, 8)
table = pq.read_table("x.parquet")
check(table.to_pydict(), expected(100000))
assert table.schema.field("o").type.ordered
frame = pl.read_parquet("x.parquet")
check({c: frame[c].to_list() for c in frame.columns}, expected(100000))
assert duckdb.connect().execute("select count(*), count(x), count(distinct f) from 'x.parquet'").fetchone() == (100000, 100000 - len(range(3, 100000, 7)), 300)
assert pd.read_parquet("x.parquet")["f"].cat.categories.size == 300
"#;
    if let Some(dir) = python("ours", prepare, &format!("{EXPECTED}{script}")) {
        std::fs::remove_dir_all(dir).unwrap();
    }
}

/// The values of one column as text; `NA` where they are missing.
fn values(source: &dyn Source, name: &str) -> Vec<String> {
    let mut all = Vec::new();
    let scan = source.scan(&[source.schema().index_of(name).unwrap()]).unwrap();
    while let Some(block) = scan.next().unwrap() {
        all.extend((0..block.rows).map(|i| {
            let value = match &block.columns[0] {
                Column::I32(v) => (v[i] != NA_I32).then(|| v[i].to_string()),
                Column::I64(v) => (v[i] != i64::MIN).then(|| v[i].to_string()),
                Column::F32(v) => (!is_na_f32(v[i])).then(|| v[i].to_string()),
                Column::F64(v) => (!is_na_f64(v[i])).then(|| v[i].to_string()),
                Column::Str(v) => v.is_valid(i).then(|| v.value(i).to_string()),
                Column::Dict { codes, labels } => (codes[i] != NA_I32).then(|| labels[codes[i] as usize - 1].clone()),
            };
            value.unwrap_or_else(|| "NA".to_string())
        }));
    }
    all
}

#[test]
fn we_read_what_others_write() {
    let script = r#"
import datetime, decimal, pyarrow as pa, pyarrow.ipc as ipc, pyarrow.feather as feather, polars as pl, pandas as pd
import pyarrow.parquet as pq
numbers = {f"{t}": pa.array([1, None, 3], t) for t in
    [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float32(), pa.float64()]}
others = {
    "bool": pa.array([True, None, False]), "null": pa.nulls(3), "half": pa.array([1, None, 3], pa.float16()),
    "large": pa.array(["a", None, "ü"], pa.large_string()), "view": pa.array(["a long text beyond twelve", None, "ü"], pa.string_view()),
    "list": pa.array([[1], None, [2, 3]]), "bytes": pa.array([b"x", None, b"y"]),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": 2, "b": "y"}]),
    "date32": pa.array([datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)], pa.date32()),
    "date64": pa.array([datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)], pa.date64()),
    "decimal": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3.50")], pa.decimal128(10, 2)),
    "dict": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array(["x", "y"])),
    "view2": pa.array(["z", None, "another text beyond twelve"], pa.string_view()),
    "last": pa.array([7, 8, 9], pa.int32()),
}
for unit in ["s", "ms", "us", "ns"]:
    others["time_" + unit] = pa.array([10, None, -10], pa.timestamp(unit, "UTC"))
table = pa.table({**numbers, **others})
for codec in [None, "lz4", "zstd"]:
    with ipc.new_file(f"types-{codec}.arrow", table.schema, options=ipc.IpcWriteOptions(compression=codec)) as f:
        f.write_table(table)
        f.write_table(table.slice(1))
plain = table.drop_columns(["null"])
pq.write_table(plain, "types.parquet")
feather.write_feather(pd.DataFrame({"c": pd.Categorical(["b", "a", None, "b"], categories=["b", "a"], ordered=True)}), "pandas.feather")
pd.DataFrame({"c": pd.Categorical(["b", "a", None, "b"], categories=["b", "a"], ordered=True), "s": ["p", None, "q", "p"]}).to_parquet("pandas.parquet")
schema = pa.schema([("c", pa.dictionary(pa.int32(), pa.string()))])
with ipc.new_file("delta.arrow", schema, options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as f:
    for labels in [["a"], ["a", "b"], ["a", "b", "c"]]:
        codes = pa.array([len(labels) - 1, 0, None], pa.int32())
        f.write_batch(pa.record_batch([pa.DictionaryArray.from_arrays(codes, pa.array(labels))], schema=schema))
df = pl.DataFrame({"c": ["u", None, "v", "u"], "n": [1.5, None, float("nan"), 2.0]}).with_columns(pl.col("c").cast(pl.Categorical), pl.col("c").cast(pl.Enum(["v", "u"])).alias("e"), pl.col("c").alias("s"))
for codec in ["uncompressed", "lz4", "zstd"]:
    df.write_ipc(f"polars-{codec}.arrow", compression=codec)
df.write_parquet("polars.parquet")
"#;
    let Some(dir) = python("theirs", |_| (), script) else { return };
    for name in ["types-None.arrow", "types-lz4.arrow", "types-zstd.arrow", "types.parquet"] {
        let path = dir.join(name);
        let source: Box<dyn Source> = match name {
            "types.parquet" => Box::new(ParquetSource::open(&path).unwrap()),
            _ => Box::new(XdfSource::open(&path).unwrap()),
        };
        let twice = name != "types.parquet";
        if twice {
            assert_eq!(source.block_rows().unwrap(), [3, 2]);
        }
        let check = |column: &str, wanted: [&str; 3]| {
            let mut wanted = wanted.to_vec();
            if twice {
                wanted.extend_from_within(1..);
            }
            assert_eq!(values(&*source, column), wanted, "{name} {column}");
        };
        for number in
            ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double", "half"]
        {
            check(number, ["1", "NA", "3"]);
        }
        check("bool", ["1", "NA", "0"]);
        if twice {
            check("null", ["NA", "NA", "NA"]);
        }
        check("large", ["a", "NA", "ü"]);
        check("view", ["a long text beyond twelve", "NA", "ü"]);
        check("view2", ["z", "NA", "another text beyond twelve"]);
        check("date32", ["1", "NA", "-1"]);
        check("date64", ["1", "NA", "-1"]);
        check("decimal", ["1.25", "NA", "-3.5"]);
        check("dict", ["y", "NA", "x"]);
        check("last", ["7", "8", "9"]);
        check("time_s", ["10", "NA", "-10"]);
        check("time_ms", ["0.01", "NA", "-0.01"]);
        check("time_us", ["0.00001", "NA", "-0.00001"]);
        check("time_ns", ["0.00000001", "NA", "-0.00000001"]);
        for column in ["list", "bytes", "struct"] {
            let scan = source.scan(&[source.schema().index_of(column).unwrap()]);
            let error = scan.and_then(|s| s.next().map(drop)).unwrap_err();
            assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::WrongType, Some(column)), "{name}");
        }
    }
    let ordered = Kind::Factor { ordered: true };
    let feather = XdfSource::open(&dir.join("pandas.feather")).unwrap();
    assert_eq!(values(&feather, "c"), ["b", "a", "NA", "b"]);
    assert_eq!(feather.schema().fields[0].kind, ordered);
    assert_eq!(**feather.schema().fields[0].levels.as_ref().unwrap(), ["b", "a"]);
    let parquet = ParquetSource::open(&dir.join("pandas.parquet")).unwrap();
    assert_eq!((values(&parquet, "c"), &parquet.schema().fields[0].kind), (values(&feather, "c"), &ordered));
    assert_eq!(values(&parquet, "s"), ["p", "NA", "q", "p"]);
    let delta = XdfSource::open(&dir.join("delta.arrow")).unwrap();
    assert_eq!(values(&delta, "c"), ["a", "a", "NA", "b", "a", "NA", "c", "a", "NA"]);
    assert_eq!(**delta.schema().fields[0].levels.as_ref().unwrap(), ["a", "b", "c"]);
    for name in ["polars-uncompressed.arrow", "polars-lz4.arrow", "polars-zstd.arrow", "polars.parquet"] {
        let path = dir.join(name);
        let source: Box<dyn Source> = match name {
            "polars.parquet" => Box::new(ParquetSource::open(&path).unwrap()),
            _ => Box::new(XdfSource::open(&path).unwrap()),
        };
        for column in ["c", "e", "s"] {
            assert_eq!(values(&*source, column), ["u", "NA", "v", "u"], "{name} {column}");
        }
        assert_eq!(values(&*source, "n"), ["1.5", "NA", "NaN", "2"], "{name}");
        assert_eq!(source.schema().fields[0].kind, Kind::Factor { ordered: false }, "{name}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}

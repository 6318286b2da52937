//! What several tests of this crate need.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::column::{NA_F32, NA_F64, NA_I32, NA_I64, is_na_f32, is_na_f64};
use crate::sink::Sink;
use crate::source::Frame;
use crate::{Column, Field, Kind, Schema, Source};
use arrow::array::Array;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that goes when the test ends.
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new empty folder.
    pub fn new() -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("rx-data-test-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A table with a column of every kind, each with missing values, NaN among the doubles, and a second factor whose levels
/// come with the blocks.
pub fn every_kind(rows: usize) -> Frame {
    let missing = |i: usize| i % 7 == 3;
    let i32s = |f: &dyn Fn(usize) -> i32| (0..rows).map(|i| if missing(i) { NA_I32 } else { f(i) }).collect();
    let f64s = |f: &dyn Fn(usize) -> f64| (0..rows).map(|i| if missing(i) { NA_F64 } else { f(i) }).collect();
    let labels = |n: usize| Arc::new((1..=n).map(|i| format!("level {i}")).collect::<Vec<_>>());
    let text = (0..rows).map(|i| (!missing(i)).then(|| format!("text {}", i % 100)));
    let columns = vec![
        (Field::new("logical", Kind::Logical), Column::I32(i32s(&|i| (i % 2) as i32))),
        (Field::new("int16", Kind::Int16), Column::I32(i32s(&|i| i as i32 % 1000 - 500))),
        (Field::new("integer", Kind::Integer), Column::I32(i32s(&|i| i as i32 * 7 - 5))),
        (
            Field::new("int64", Kind::Int64),
            Column::I64((0..rows).map(|i| if missing(i) { NA_I64 } else { (1 << 60) + i as i64 }).collect()),
        ),
        (
            Field::new("float32", Kind::Float32),
            Column::F32((0..rows).map(|i| if missing(i) { NA_F32 } else { i as f32 / 3.0 }).collect()),
        ),
        (
            Field::new("numeric", Kind::Numeric),
            Column::F64(f64s(&|i| if i % 11 == 5 { f64::NAN } else { i as f64 / 7.0 })),
        ),
        (Field::new("character", Kind::Character), Column::Str(text.collect())),
        (
            Field::new("factor", Kind::Factor { ordered: false }).with_levels(labels(5)),
            Column::Dict { codes: i32s(&|i| 5 - (i % 5) as i32), labels: labels(5) },
        ),
        (
            Field::new("ordered", Kind::Factor { ordered: true }),
            Column::Dict { codes: i32s(&|i| 1 + (i % 3) as i32), labels: labels(3) },
        ),
        (Field::new("date", Kind::Date), Column::F64(f64s(&|i| i as f64 - 10.0))),
        (Field::new("time", Kind::DateTime { tz: None }), Column::F64(f64s(&|i| 1.4e9 + i as f64 / 4.0))),
        (
            Field::new("local", Kind::DateTime { tz: Some("America/New_York".to_string()) }),
            Column::F64(f64s(&|i| i as f64 * 1e4)),
        ),
        (Field::new("nothing", Kind::Numeric), Column::F64(vec![NA_F64; rows].into())),
    ];
    let (fields, columns) = columns.into_iter().unzip();
    Frame::new(Schema::new(fields), columns, rows).unwrap()
}

/// Runs all blocks of a source through a sink.
pub fn copy<S: Sink>(source: &dyn Source, sink: S) -> crate::Result<S::Output> {
    feed(source, &sink)?;
    sink.finish()
}

/// The same without the end.
pub fn feed<S: Sink>(source: &dyn Source, sink: &S) -> crate::Result<()> {
    let all: Vec<usize> = (0..source.schema().fields.len()).collect();
    let scan = source.scan(&all)?;
    while let Some(block) = scan.next()? {
        sink.write(sink.encode(sink.admit(block)?)?)?;
    }
    Ok(())
}

/// The values of some columns as text that tells all of them apart, a NaN from a missing value too.
pub fn values(source: &dyn Source, columns: &[usize]) -> crate::Result<Vec<Vec<String>>> {
    let mut all = vec![Vec::new(); columns.len()];
    let scan = source.scan(columns)?;
    while let Some(block) = scan.next()? {
        for (column, all) in block.columns.iter().zip(&mut all) {
            assert_eq!(column.len(), block.rows);
            all.extend((0..block.rows).map(|i| value(column, i)));
        }
    }
    Ok(all)
}

fn value(column: &Column, i: usize) -> String {
    let value = match column {
        Column::I32(v) => (v[i] != NA_I32).then(|| v[i].to_string()),
        Column::I64(v) => (v[i] != NA_I64).then(|| v[i].to_string()),
        Column::F32(v) => (!is_na_f32(v[i])).then(|| format!("{:?}", v[i])),
        Column::F64(v) => (!is_na_f64(v[i])).then(|| format!("{:?}", v[i])),
        Column::Str(v) => v.is_valid(i).then(|| v.value(i).to_string()),
        Column::Dict { codes, labels } => (codes[i] != NA_I32).then(|| labels[codes[i] as usize - 1].clone()),
    };
    value.unwrap_or_else(|| "missing".to_string())
}

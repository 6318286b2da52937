//! What is written is what is read, whatever happens in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::column::NA_F64;
use crate::sink::{Sink, XdfOptions, XdfSink};
use crate::source::{Frame, Source, XdfSource};
use crate::testing::{TempDir, copy, every_kind, feed, values};
use crate::{Column, ErrorKind, Field, Kind, Result, Schema};
use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::ipc::writer::FileWriter;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

fn options(path: &Path) -> XdfOptions {
    XdfOptions { path: path.to_path_buf(), ..Default::default() }
}

fn write(source: &dyn Source, options: XdfOptions) -> Result<u64> {
    copy(source, XdfSink::create(source.schema().clone(), options)?)
}

fn all(source: &dyn Source) -> Vec<Vec<String>> {
    values(source, &(0..source.schema().fields.len()).collect::<Vec<_>>()).unwrap()
}

fn numbers(name: &str, values: Vec<f64>) -> Frame {
    let rows = values.len();
    Frame::new(Schema::new(vec![Field::new(name, Kind::Numeric)]), vec![Column::F64(values.into())], rows).unwrap()
}

fn factor(labels: &[&str], codes: Vec<i32>) -> Frame {
    let labels = Arc::new(labels.iter().map(|s| s.to_string()).collect::<Vec<_>>());
    let rows = codes.len();
    let schema = Schema::new(vec![Field::new("f", Kind::Factor { ordered: false })]);
    Frame::new(schema, vec![Column::Dict { codes: codes.into(), labels }], rows).unwrap()
}

#[test]
fn every_kind_returns_with_any_compression_and_any_block_size() {
    let dir = TempDir::new();
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        for (rows, block, rows_per_block) in
            [(0, 10, None), (1, 10, None), (100_000, 65_536, Some(40_000)), (1000, 7, Some(300))]
        {
            let path = dir.join("x.xdf");
            let table = every_kind(rows).with_block_rows(block);
            let description = Some("All kinds".to_string());
            let how = XdfOptions { overwrite: true, compression, rows_per_block, description, ..options(&path) };
            assert_eq!(write(&table, how).unwrap(), rows as u64);
            let file = XdfSource::open(&path).unwrap();
            assert_eq!(all(&file), all(&table));
            assert_eq!((file.rows(), file.description()), (Some(rows as u64), "All kinds"));
            let name = format!("{compression:?}").to_lowercase();
            assert_eq!(file.about().compression, (rows > 0).then_some(name));
            let kinds = |s: &Schema| s.fields.iter().map(|f| (f.name.clone(), f.kind.clone())).collect::<Vec<_>>();
            assert_eq!(kinds(file.schema()), kinds(table.schema()));
            let labels = file.schema().fields[7].levels.clone().unwrap();
            assert_eq!(labels.len(), 5);
            let block_rows = file.block_rows().unwrap();
            let full = rows_per_block.unwrap_or(500_000);
            assert_eq!(block_rows.len() as u64, (rows as u64).div_ceil(full));
            assert!(block_rows.iter().rev().skip(1).all(|&n| n == full));
        }
    }
    assert_eq!(dir.names(), ["x.xdf"]);
}

#[test]
fn ranges_are_those_of_the_values_unless_they_are_given() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let table = numbers("x", vec![2.5, NA_F64, f64::INFINITY, -1.0, f64::NAN]);
    write(&table, options(&path)).unwrap();
    let field = XdfSource::open(&path).unwrap().schema().fields[0].clone();
    assert_eq!((field.low, field.high), (Some(-1.0), Some(2.5)));

    let mut schema = table.schema().clone();
    (schema.fields[0].low, schema.fields[0].high) = (Some(0.0), Some(10.0));
    let sink = XdfSink::create(schema, XdfOptions { overwrite: true, ..options(&path) }).unwrap();
    copy(&table, sink).unwrap();
    let field = XdfSource::open(&path).unwrap().schema().fields[0].clone();
    assert_eq!((field.low, field.high), (Some(0.0), Some(10.0)));
}

#[test]
fn small_blocks_become_few_batches() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    write(&every_kind(50_000).with_block_rows(100), options(&path)).unwrap();
    let file = XdfSource::open(&path).unwrap();
    assert!(file.footer().batches.len() <= 4);
    assert_eq!(file.block_rows().unwrap(), [50_000]);
}

#[test]
fn columns_come_in_the_order_asked_for() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let table = every_kind(70_000);
    write(&table, options(&path)).unwrap();
    let file = XdfSource::open(&path).unwrap();
    for columns in [vec![8, 2, 0], vec![12], vec![6, 5, 6], vec![]] {
        assert_eq!(values(&file, &columns).unwrap(), values(&table, &columns).unwrap());
    }
    // No column at all still counts rows.
    let scan = file.scan(&[]).unwrap();
    let mut rows = 0;
    while let Some(block) = scan.next().unwrap() {
        rows += block.rows;
    }
    assert_eq!(rows, 70_000);
}

#[test]
fn doubles_behind_dates_and_times_return_to_the_last_bit() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let fine = vec![0.1 + 0.2, 1_700_000_000.123_456_7, f64::NAN, NA_F64, f64::INFINITY, 1e300, -12.25];
    let rows = fine.len();
    for kind in [Kind::Date, Kind::DateTime { tz: None }] {
        for compression in [Compression::None, Compression::Lz4] {
            let schema = Schema::new(vec![Field::new("a", Kind::Integer), Field::new("t", kind.clone())]);
            let columns = vec![Column::I32(vec![1; rows].into()), Column::F64(fine.clone().into())];
            let table = Frame::new(schema, columns, rows).unwrap();
            write(&table, XdfOptions { overwrite: true, compression, ..options(&path) }).unwrap();
            assert_eq!(all(&XdfSource::open(&path).unwrap()), all(&table));
        }
    }
}

#[test]
fn levels_keep_the_order_of_first_appearance() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let sink = XdfSink::create(factor(&[], vec![]).schema().clone(), options(&path)).unwrap();
    feed(&factor(&["b", "a"], vec![2, 1]), &sink).unwrap();
    feed(&factor(&["c", "a"], vec![1, 2]), &sink).unwrap();
    assert_eq!(sink.finish().unwrap(), 4);
    let file = XdfSource::open(&path).unwrap();
    assert_eq!(**file.schema().fields[0].levels.as_ref().unwrap(), ["b", "a", "c"]);
    assert_eq!(all(&file), [["a", "b", "c", "a"]]);
}

#[test]
fn appended_rows_add_blocks_levels_and_range() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let how = || XdfOptions { append_rows: true, rows_per_block: Some(3), ..options(&path) };
    for (labels, codes) in [(["a", "b"], vec![1, 2, 1, 2]), (["c", "b"], vec![1, 2]), (["b", "d"], vec![1])] {
        write(&factor(&labels, codes), how()).unwrap();
    }
    let file = XdfSource::open(&path).unwrap();
    assert_eq!(all(&file), [["a", "b", "a", "b", "c", "b", "b"]]);
    assert_eq!(**file.schema().fields[0].levels.as_ref().unwrap(), ["a", "b", "c", "d"]);
    assert_eq!(file.block_rows().unwrap(), [3, 1, 2, 1]);
    assert_eq!(dir.names(), ["x.xdf"]);

    let path = dir.join("y.xdf");
    let how = || XdfOptions { append_rows: true, ..options(&path) };
    write(&numbers("x", vec![1.0, 2.0]), how()).unwrap();
    let integers = Schema::new(vec![Field::new("x", Kind::Integer)]);
    write(&Frame::new(integers, vec![Column::I32(vec![5].into())], 1).unwrap(), how()).unwrap();
    let file = XdfSource::open(&path).unwrap();
    assert_eq!(all(&file), [["1.0", "2.0", "5.0"]]);
    assert_eq!((file.schema().fields[0].low, file.schema().fields[0].high), (Some(1.0), Some(5.0)));
}

#[test]
fn rows_that_do_not_fit_are_not_appended() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    write(&numbers("x", vec![1.0]), options(&path)).unwrap();
    let before = fs::read(&path).unwrap();
    let how = || XdfOptions { append_rows: true, ..options(&path) };
    let error = write(&numbers("y", vec![1.0]), how()).unwrap_err();
    assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::MissingColumn, Some("y")));
    let text = Schema::new(vec![Field::new("x", Kind::Character)]);
    let error = write(&Frame::new(text, vec![Column::Str(vec!["a"].into())], 1).unwrap(), how()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongType);
    assert_eq!(error.message, "Column 'x' is numeric in the file but character in the rows to be appended.");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_sink_that_does_not_finish_leaves_the_old_file() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    write(&every_kind(50_000), options(&path)).unwrap();
    let before = fs::read(&path).unwrap();
    for how in [XdfOptions { overwrite: true, ..options(&path) }, XdfOptions { append_rows: true, ..options(&path) }] {
        let sink = XdfSink::create(every_kind(0).schema().clone(), how).unwrap();
        feed(&every_kind(50_000), &sink).unwrap();
        // While it is written, others read the file as it was.
        assert_eq!(XdfSource::open(&path).unwrap().rows(), Some(50_000));
        drop(sink);
        assert!(fs::read(&path).unwrap() == before);
        assert_eq!(dir.names(), ["x.xdf"]);
    }
    assert_eq!(write(&every_kind(1), options(&path)).unwrap_err().kind, ErrorKind::Argument);
}

#[test]
fn a_torn_append_is_cut_off_wherever_it_tore() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let journal = dir.join("x.xdf.journal");
    let table = every_kind(2000);
    write(&table, options(&path)).unwrap();
    let before = fs::read(&path).unwrap();
    let sink = XdfSink::create(table.schema().clone(), XdfOptions { append_rows: true, ..options(&path) }).unwrap();
    feed(&table, &sink).unwrap();
    let journaled = fs::read(&journal).unwrap();
    sink.finish().unwrap();
    let after = fs::read(&path).unwrap();
    for cut in (before.len()..=after.len()).step_by(997).chain([before.len() + 1, after.len() - 1, after.len()]) {
        fs::write(&path, &after[..cut]).unwrap();
        fs::write(&journal, &journaled).unwrap();
        // Seen as it was, and as whole as it was.
        assert_eq!(all(&XdfSource::open(&path).unwrap()), all(&table));
        write(&table, XdfOptions { append_rows: true, ..options(&path) }).unwrap();
        assert_eq!(XdfSource::open(&path).unwrap().rows(), Some(4000));
        assert_eq!(dir.names(), ["x.xdf"]);
    }
}

#[test]
fn metadata_change_without_the_rows() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let table = every_kind(1000);
    write(&table, options(&path)).unwrap();
    let before = fs::read(&path).unwrap();
    update_metadata(&path, |m| {
        m.description = "New".to_string();
        m.schema.fields[2].name = "renamed".to_string();
        m.schema.fields[2].low = Some(-1e6);
        m.schema.fields[2].description = Some("A number".to_string());
        m.schema.fields[7].levels = Some(Arc::new("abcde".chars().map(|c| c.to_string()).collect()));
        Ok(())
    })
    .unwrap();
    assert!(fs::read(&path).unwrap().starts_with(&before));
    let file = XdfSource::open(&path).unwrap();
    assert_eq!(file.description(), "New");
    let field = &file.schema().fields[2];
    assert_eq!(
        (field.name.as_str(), field.low, field.description.as_deref()),
        ("renamed", Some(-1e6), Some("A number"))
    );
    let relabelled: Vec<String> =
        values(&table, &[7]).unwrap()[0].iter().map(|v| v.replace("level 1", "a").replace("level 5", "e")).collect();
    let found = &values(&file, &[7]).unwrap()[0];
    assert_eq!((&found[0], &found[4], &found[3]), (&relabelled[0], &relabelled[4], &relabelled[3]));
    assert_eq!(values(&file, &[8]).unwrap(), values(&table, &[8]).unwrap());
    // Rows appended later go on from there.
    drop(file);
    let error = write(&table, XdfOptions { append_rows: true, ..options(&path) }).unwrap_err();
    assert_eq!(error.column.as_deref(), Some("integer"));

    let refuse = |change: fn(&mut Metadata)| {
        let change = |m: &mut Metadata| {
            change(m);
            Ok(())
        };
        update_metadata(&path, change).unwrap_err().kind
    };
    assert_eq!(refuse(|m| m.schema.fields[0].kind = Kind::Numeric), ErrorKind::Argument);
    assert_eq!(refuse(|m| m.schema.fields[0].name = "date".to_string()), ErrorKind::Argument);
    assert_eq!(refuse(|m| m.schema.fields[7].levels = None), ErrorKind::Argument);
    assert_eq!(refuse(|m| drop(m.schema.fields.pop())), ErrorKind::Argument);
    assert_eq!(dir.names(), ["x.xdf"]);
}

/// Opens a file and reads all of it: what it says of itself and its values.
fn try_read(path: &Path) -> Result<(Schema, String, Vec<Vec<String>>)> {
    let file = XdfSource::open(path)?;
    let all = (0..file.schema().fields.len()).collect::<Vec<_>>();
    Ok((file.schema().clone(), file.description().to_string(), values(&file, &all)?))
}

#[test]
fn no_flipped_bit_changes_a_value_or_does_worse() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let mut table = every_kind(40);
    // A time that microseconds do not hold, and bounds of one's own.
    let mut schema = table.schema().clone();
    (schema.fields[5].low, schema.fields[5].high) = (Some(-5.0), Some(50.0));
    schema.fields[5].description = Some("a number".to_string());
    let all = (0..schema.fields.len()).collect::<Vec<_>>();
    let mut columns = table.scan(&all).unwrap().next().unwrap().unwrap().columns;
    columns[10] = Column::F64((0..40).map(|i| f64::from(i) / 3e7).collect());
    table = Frame::new(schema, columns, 40).unwrap();
    for compression in [Compression::Lz4, Compression::Zstd, Compression::None] {
        let description = Some("All kinds".to_string());
        write(&table, XdfOptions { overwrite: true, compression, description, ..options(&path) }).unwrap();
        let good = fs::read(&path).unwrap();
        let right = try_read(&path).unwrap();
        for (i, &byte) in good.iter().enumerate() {
            overwrite_byte(&path, i, byte ^ if i % 2 == 0 { 0x10 } else { 0xFF });
            match try_read(&path) {
                Ok(found) => assert_eq!(found, right, "byte {i} of {}", good.len()),
                Err(error) => assert_eq!(error.kind, ErrorKind::CorruptFile, "byte {i}: {error:?}"),
            }
            overwrite_byte(&path, i, byte);
        }
        for cut in (0..good.len()).rev().step_by(7) {
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();
            assert_eq!(try_read(&path).unwrap_err().kind, ErrorKind::CorruptFile, "cut at {cut}");
        }
    }
}

fn overwrite_byte(path: &Path, position: usize, byte: u8) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(position as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

#[test]
fn damage_to_values_is_found_however_they_are_stored() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let table = numbers("x", (0..20_000).map(|i| f64::from(i) / 7.0).collect());
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        write(&table, XdfOptions { overwrite: true, compression, ..options(&path) }).unwrap();
        let good = fs::read(&path).unwrap();
        let place = XdfSource::open(&path).unwrap().footer().batches[0];
        let body = (place.offset + place.metadata) as usize;
        for i in (body..body + place.body as usize - 64).step_by(101) {
            overwrite_byte(&path, i, good[i] ^ 0x10);
            assert_eq!(try_read(&path).unwrap_err().kind, ErrorKind::CorruptFile, "byte {i}");
            overwrite_byte(&path, i, good[i]);
        }
    }
}

#[test]
fn a_huge_batch_of_another_writer_is_cut_to_blocks() {
    let dir = TempDir::new();
    let path = dir.join("x.arrow");
    let rows = 3 * MAX_BATCH_ROWS + 5;
    let numbers: Int32Array = (0..rows as i32).map(|i| (i % 7 != 3).then_some(i)).collect();
    let text: StringArray = (0..rows).map(|i| (i % 5 != 3).then(|| format!("text {i}"))).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(numbers) as ArrayRef, true),
        ("t", Arc::new(text) as ArrayRef, true),
    ]);
    let batch = batch.unwrap();
    let mut writer = FileWriter::try_new(fs::File::create(&path).unwrap(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch.slice(0, 10)).unwrap();
    writer.finish().unwrap();

    let file = XdfSource::open(&path).unwrap();
    assert_eq!(file.rows(), Some(rows as u64 + 10));
    let scan = file.scan(&[1, 0]).unwrap();
    let mut sizes = Vec::new();
    while let Some(block) = scan.next().unwrap() {
        assert_eq!(block.index, sizes.len());
        sizes.push(block.rows);
    }
    assert_eq!(sizes, [MAX_BATCH_ROWS, MAX_BATCH_ROWS, MAX_BATCH_ROWS, 5, 10]);
    let found = values(&file, &[0, 1]).unwrap();
    for i in (0..rows).step_by(97).chain([rows - 1]) {
        let number = if i % 7 == 3 { "missing".to_string() } else { i.to_string() };
        let text = if i % 5 == 3 { "missing".to_string() } else { format!("text {i}") };
        assert_eq!((&found[0][i], &found[1][i]), (&number, &text));
    }
    assert_eq!(found[1][rows + 2], "text 2");
}

#[test]
fn foreign_files_are_named() {
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        XdfSource::open(&path).err().unwrap()
    };
    assert!(open(b"").message.contains("empty"));
    assert!(open(b"a,b\n1,2\n").message.contains("not an XDF"));
    assert_eq!(open(b"\xF4\xD3\xD2\xD1 and more of it").kind, ErrorKind::Unsupported);
    assert_eq!(open(b"ARROW1\0\0").kind, ErrorKind::CorruptFile);
    assert_eq!(XdfSource::open(&dir.join("y.xdf")).err().unwrap().kind, ErrorKind::File);
}

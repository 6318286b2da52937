#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::writer::{Legacy, LegacyColumn, every_type, string, zlib};
use crate::source::{LegacyOptions, LegacyXdfSource, RowRange};
use crate::testing::{TempDir, values};
use crate::{Error, ErrorKind, Kind, Result, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const MEMORY: u64 = 1 << 26;

fn open_with(path: &Path, memory: u64) -> (Result<LegacyXdfSource>, Arc<Mutex<Vec<String>>>) {
    let warnings = Arc::<Mutex<Vec<String>>>::default();
    let heard = warnings.clone();
    let on_warning = Box::new(move |words| heard.lock().unwrap().push(words));
    (LegacyXdfSource::open(path, LegacyOptions { memory, empty_is_missing: false, on_warning }), warnings)
}

fn open(path: &Path) -> Result<LegacyXdfSource> {
    open_with(path, MEMORY).0
}

/// All that a file says and holds, in words.
fn read(path: &Path) -> Result<String> {
    let file = open(path)?;
    let all: Vec<usize> = (0..file.schema().fields.len()).collect();
    let values = values(&file, &all)?;
    Ok(format!("{:?} {:?} {:?} {values:?}", file.schema(), file.block_rows(), file.about()))
}

struct Written {
    dir: TempDir,
}

impl Written {
    fn new(bytes: &[u8]) -> Self {
        let dir = TempDir::new();
        fs::write(dir.join("x.xdf"), bytes).unwrap();
        Written { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.join("x.xdf")
    }

    fn error(bytes: &[u8]) -> Error {
        read(&Written::new(bytes).path()).unwrap_err()
    }
}

#[test]
fn every_type_is_read() {
    let file = Written::new(&every_type(&[40_000, 0, 7, 70_000], true).bytes());
    let (source, warnings) = open_with(&file.path(), MEMORY);
    let source = source.unwrap();
    assert_eq!((source.rows(), source.block_rows()), (Some(110_007), Some(vec![40_000, 0, 7, 70_000])));
    assert_eq!(source.about().compression.as_deref(), Some("zlib"));
    assert_eq!(source.about().description.as_deref(), Some("Every type"));
    let kinds: Vec<&str> = source.schema().fields.iter().map(|field| field.kind.name()).collect();
    let known = ["integer", "float32", "numeric", "factor", "character"];
    let inferred = ["logical", "int16", "int16", "int16", "integer", "int64", "int64", "numeric", "ordered"];
    assert_eq!(kinds, [&known[..], &inferred[..]].concat());
    assert_eq!(source.schema().fields[0].low.zip(source.schema().fields[0].high), Some((-5.0, 2000.0)));
    let all: Vec<usize> = (0..kinds.len()).collect();
    let found = values(&source, &all).unwrap();
    assert_eq!(warnings.lock().unwrap().len(), 1);
    assert!(warnings.lock().unwrap()[0].contains("'logical' as logical, 'int8' as int16"), "{warnings:?}");
    for i in 0..110_007usize {
        let row: Vec<&str> = found.iter().map(|column| column[i].as_str()).collect();
        if i % 7 == 3 {
            assert!(row.iter().enumerate().all(|(j, value)| *value == if j == 4 { "" } else { "missing" } || j == 12));
            continue;
        }
        let double = if i % 11 == 5 { f64::NAN } else { i as f64 / 7.0 };
        let expected = [
            (i as i32 * 3 - 5).to_string(),
            format!("{:?}", i as f32 / 3.0),
            format!("{double:?}"),
            ["low", "mid", "high"][i % 3].to_string(),
            format!("text {}", i % 10),
            (i % 2).to_string(),
            (i as i32 % 100 - 50).to_string(),
            (i % 200).to_string(),
            (i as i32 % 1000 - 500).to_string(),
            (i * 60 % 60000).to_string(),
            (i << 30).to_string(),
            (i * 7).to_string(),
            format!("{:?}", 15000.0 + i as f64),
            ["S", "M", "L"][i % 3].to_string(),
        ];
        assert_eq!(row, expected, "row {i}");
    }
    // Columns in another order, one of them twice, and from a row on.
    let some = values(&source, &[4, 0, 4]).unwrap();
    assert_eq!(some, [found[4].clone(), found[0].clone(), found[4].clone()]);
    for row in [0, 1, 32_768, 40_000, 40_008, 90_000, 110_006, 110_007, u64::MAX] {
        let (scan, skipped) = source.scan_rows(&[0], row..u64::MAX).unwrap();
        assert!(skipped <= row && row.min(110_007) - skipped < 32_768);
        let mut rows = 0;
        while let Some(block) = scan.next().unwrap() {
            rows += block.rows as u64;
        }
        assert_eq!(rows, 110_007 - skipped);
        let some = RowRange::new(Arc::new(open(&file.path()).unwrap()), row, Some(20));
        let (first, end) = (row.min(110_007) as usize, row.saturating_add(20).min(110_007) as usize);
        assert_eq!(values(&some, &[0]).unwrap()[0], found[0][first..end]);
    }
    // Known types alone are no reason for a warning.
    let (source, warnings) = open_with(&file.path(), MEMORY);
    values(&source.unwrap(), &[0, 1, 2, 3, 4]).unwrap();
    assert!(warnings.lock().unwrap().is_empty());
}

#[test]
fn many_threads_read_the_same() {
    let file = Written::new(&every_type(&[100_000, 50, 90_000], true).bytes());
    let source = open(&file.path()).unwrap();
    let columns = [4, 0, 3, 2];
    let one = values(&source, &columns).unwrap();
    let scan = source.scan(&columns).unwrap();
    let blocks = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(block) = scan.next().unwrap() {
                    blocks.lock().unwrap().push(block);
                }
            });
        }
    });
    let mut blocks = blocks.into_inner().unwrap();
    blocks.sort_by_key(|block| block.index);
    assert!(blocks.iter().enumerate().all(|(i, block)| block.index == i));
    let fields = columns.iter().map(|&j| source.schema().fields[j].clone()).collect();
    let whole = crate::Block::concat(0, &blocks).unwrap();
    let whole = crate::source::Frame::new(crate::Schema::new(fields), whole.columns, whole.rows).unwrap();
    assert_eq!(values(&whole, &[0, 1, 2, 3]).unwrap(), one);
}

#[test]
fn places_of_blocks_may_be_in_any_order_and_have_gaps() {
    let plain = every_type(&[300, 20, 5], false);
    let expected = read(&Written::new(&plain.bytes()).path()).unwrap();
    for (gap, column_by_column) in [(0, false), (0, true), (1000, true)] {
        let other = Legacy { gap, column_by_column, ..plain.clone() };
        let found = read(&Written::new(&other.bytes()).path()).unwrap();
        assert_eq!(found, expected);
    }
    for level in [0, 1, 6, 9] {
        let mut other = plain.clone();
        other.columns.iter_mut().step_by(2).for_each(|column| column.level = Some(level));
        assert_eq!(read(&Written::new(&other.bytes()).path()).unwrap(), expected);
    }
}

#[test]
fn uncompressed_blocks_are_read_with_one_warning() {
    let plain = every_type(&[300, 20, 5], false);
    let expected = values(&open(&Written::new(&plain.bytes()).path()).unwrap(), &[0, 1, 2, 3, 4]).unwrap();
    let mut other = Legacy { compression: 0, ..plain };
    other.columns.iter_mut().for_each(|column| column.level = None);
    // Text without its length behind it.
    other.columns[4].stored = vec![(1, other.columns[4].blocks[1].clone())];
    let file = Written::new(&other.bytes());
    let (source, warnings) = open_with(&file.path(), MEMORY);
    let source = source.unwrap();
    assert_eq!(source.about().compression.as_deref(), Some("none"));
    assert_eq!(values(&source, &[0, 1, 2, 3, 4]).unwrap(), expected);
    assert_eq!(warnings.lock().unwrap().len(), 1);
}

#[test]
fn an_unknown_column_leaves_the_others_readable() {
    let strange = |bits, range: usize, blocks: usize| {
        let mut column = LegacyColumn::new("strange", 40, 40, bits, vec![vec![1; 50]; blocks]);
        column.range = (vec![7; range], vec![8; range]);
        column
    };
    for at in [0, 2, 5] {
        // Neither text nor numbers; numbers of three bytes; floating numbers of one byte.
        for column in [strange(0, 4, 2), strange(0x0040_0300, 3, 2), strange(0x0040_0600, 1, 2)] {
            let mut other = every_type(&[30, 20], false);
            other.columns.insert(at, column);
            let file = Written::new(&other.bytes());
            let source = open(&file.path()).unwrap();
            let good: Vec<usize> = (0..6).filter(|&j| j != at).collect();
            let expected = open(&Written::new(&every_type(&[30, 20], false).bytes()).path()).unwrap();
            assert_eq!(values(&source, &good).unwrap(), values(&expected, &[0, 1, 2, 3, 4]).unwrap());
            let error = values(&source, &[at]).unwrap_err();
            assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::WrongType, Some("strange")), "{error}");
        }
    }
    // Factors whose labels are not there or hold zero bytes, and a column that is a list.
    let good = LegacyColumn::factor("f", &["a", "b"], &[&[0, 1]]);
    let without = LegacyColumn { labels: None, ..good.clone() };
    let zero = LegacyColumn { labels: Some(vec![b"a\0".to_vec(), b"b".to_vec()]), ..good.clone() };
    for column in [without, zero] {
        let file = Written::new(&Legacy::new(vec![column, good.clone()], &[2]).bytes());
        let source = open(&file.path()).unwrap();
        assert_eq!(source.schema().fields[1].name, "f.1");
        assert_eq!(values(&source, &[1]).unwrap(), [["a", "b"]]);
        assert_eq!(values(&source, &[0]).unwrap_err().kind, ErrorKind::WrongType);
    }
}

#[test]
fn names_labels_and_text_are_as_good_as_they_can_be() {
    let mut columns = vec![
        LegacyColumn::factor("x", &["b", "a", "b", ""], &[&[0, 1, 2, 3, u32::MAX]]),
        LegacyColumn::text("x", &[&[b"\xe9t\xe9", b"", "\u{e9}".as_bytes(), b"plain", b"\x80"]]),
        LegacyColumn::text("rows", &[&[b"1", b"2", b"3", b"4", b"5"]]),
        LegacyColumn::factor("x.1", &["only"], &[&[0; 5]]),
    ];
    columns[1].description = b"caf\xe9".to_vec();
    let file = Written::new(&Legacy { row_names: 2, ..Legacy::new(columns, &[5]) }.bytes());
    let source = open(&file.path()).unwrap();
    let names: Vec<&str> = source.schema().fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["x", "x.2", ".rxRowNames", "x.1"]);
    assert_eq!(source.schema().fields[1].description.as_deref(), Some("caf\u{e9}"));
    assert_eq!(source.schema().fields[0].levels.as_ref().unwrap().as_slice(), ["b", "a", ""]);
    let found = values(&source, &[0, 1]).unwrap();
    assert_eq!(found[0], ["b", "a", "b", "", "missing"]);
    assert_eq!(found[1], ["\u{e9}t\u{e9}", "", "\u{e9}", "plain", "\u{20ac}"]);
    let options = LegacyOptions { memory: MEMORY, empty_is_missing: true, on_warning: Box::new(|_| ()) };
    let source = LegacyXdfSource::open(&file.path(), options).unwrap();
    assert_eq!(values(&source, &[1]).unwrap()[0][1], "missing");
}

#[test]
fn an_empty_file_has_its_columns() {
    for block_rows in [&[][..], &[0], &[0, 0]] {
        let mut empty = every_type(block_rows, true);
        // Nothing is stored of nothing.
        empty.columns[0].stored = (0..block_rows.len()).map(|b| (b, Vec::new())).collect();
        let file = Written::new(&empty.bytes());
        let source = open(&file.path()).unwrap();
        assert_eq!((source.rows(), source.schema().fields.len()), (Some(0), 14));
        assert_eq!(values(&source, &[0, 5]).unwrap(), vec![Vec::<String>::new(); 2]);
    }
    let nothing = Written::new(&Legacy::new(Vec::new(), &[]).bytes());
    assert_eq!(open(&nothing.path()).unwrap().schema().fields.len(), 0);
}

/// A file that is small enough to be damaged everywhere, with all that the metadata can have.
fn small() -> Vec<u8> {
    let mut file = every_type(&[12, 5], true);
    file.columns.push(LegacyColumn::text("names", &[&[b"n".as_slice(); 12], &[b"m".as_slice(); 5]]));
    file.row_names = 14;
    file.bytes()
}

#[test]
fn cut_anywhere_it_is_an_error() {
    let good = small();
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    for cut in (0..400).chain((400..good.len()).step_by(3)) {
        fs::write(&path, &good[..cut]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind, ErrorKind::CorruptFile, "cut at {cut}");
    }
    fs::write(&path, [&good[..], b"\0"].concat()).unwrap();
    assert_eq!(read(&path).unwrap_err().kind, ErrorKind::CorruptFile);
    // Text mode.
    let text: Vec<u8> = good.iter().flat_map(|&b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] }).collect();
    assert_ne!(text, good);
    fs::write(&path, text).unwrap();
    assert_eq!(read(&path).unwrap_err().kind, ErrorKind::CorruptFile);
}

#[test]
fn flipped_bytes_never_harm() {
    let good = small();
    let metadata = usize::try_from(u64::from_le_bytes(good[good.len() - 48..][..8].try_into().unwrap())).unwrap();
    let dir = TempDir::new();
    let path = dir.join("x.xdf");
    fs::write(&path, &good).unwrap();
    let right = read(&path).unwrap();
    // A fixed generator of numbers (SplitMix64).
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % below as u64) as usize
    };
    let allowed = [ErrorKind::CorruptFile, ErrorKind::WrongType, ErrorKind::Unsupported, ErrorKind::Memory];
    let check = |bad: &[u8], data_only: bool| {
        fs::write(&path, bad).unwrap();
        match read(&path) {
            // Data have checksums, and nobody reads gaps.
            Ok(found) if data_only => assert_eq!(found, right),
            Ok(_) => {}
            Err(error) => assert!(allowed.contains(&error.kind), "{error:?}"),
        }
    };
    for i in (4..0x104).step_by(20).chain(0x104..good.len()) {
        let mut bad = good.clone();
        bad[i] ^= 1 << random(8);
        check(&bad, i < metadata);
    }
    for _ in 0..1000 {
        let mut bad = good.clone();
        for _ in 0..=random(4) {
            let at = metadata + random(good.len() - metadata);
            let width = 1 << random(4);
            let odd = [0, 1, u64::MAX, 1 << 31, (1 << 31) - 1, 1 << 63, (1 << 63) - 1, 0x104, random(1 << 20) as u64];
            let value = odd[random(odd.len())].to_le_bytes();
            bad.iter_mut().skip(at).zip(value).take(width).for_each(|(byte, new)| *byte = new);
        }
        check(&bad, false);
    }
}

#[test]
fn absurd_tables_are_refused() {
    let good = every_type(&[30, 20], false);
    let corrupt = |other: &Legacy| {
        let error = Written::error(&other.bytes());
        assert_eq!(error.kind, ErrorKind::CorruptFile, "{error:?}");
        error.message
    };
    let end = good.bytes().len() as i64;
    let size = good.columns[0].stored(1).len() as u64;
    for (offset, size) in
        [(-1, size), (0, size), (0x103, size), (end, size), (i64::MAX, size), (0x104, u64::MAX), (0x104, 1 << 40)]
    {
        let places = vec![(1, 0, offset, size)];
        assert!(corrupt(&Legacy { places, ..good.clone() }).contains("outside"), "{offset} {size}");
    }
    // The same block twice, and one inside of another.
    let first = good.columns[0].stored(0).len() as u64;
    for place in [(1, 0, 0x104 + 5, first), (1, 0, 0x104 + 7, 1)] {
        assert!(corrupt(&Legacy { places: vec![place], ..good.clone() }).contains("overlap"));
    }
    for rows in [0, 49, 51, 1 << 32, 1 << 63, u64::MAX] {
        assert!(corrupt(&Legacy { footer_rows: Some(rows), ..good.clone() }).contains("rows"));
    }
    // Rows that no block can hold: a bomb, and sums that overflow.
    for block_rows in [[1 << 40, 20], [u64::MAX, 51], [1 << 63, 1 << 63]] {
        let footer_rows = Some(block_rows.iter().fold(0u64, |sum, &n| sum.wrapping_add(n)));
        corrupt(&Legacy { block_rows: block_rows.to_vec(), footer_rows, ..good.clone() });
    }
    assert!(corrupt(&Legacy { block_rows: vec![29, 21], ..good.clone() }).contains("block 1 of column"));
    for row_names in [-2, 0, 5, i64::MAX, i64::MIN] {
        assert!(corrupt(&Legacy { row_names, ..good.clone() }).contains("row names"));
    }
    for version in [4.1, 3.0, f32::NAN, f32::INFINITY, -4.2] {
        let error = Written::error(&Legacy { version, ..good.clone() }.bytes());
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error:?}");
    }
    let mut named = good.clone();
    for name in [Vec::new(), vec![b'x'; 10_001], b"a\0b".to_vec()] {
        named.columns[2].name = name;
        assert!(corrupt(&named).contains("name"));
    }
}

#[test]
fn damaged_blocks_are_refused() {
    let text = |texts: &[&[u8]]| {
        let mut bytes = Vec::new();
        texts.iter().for_each(|text| string(&mut bytes, text));
        bytes
    };
    let with_length = |stream: Vec<u8>, length: u64| [stream, length.to_le_bytes().to_vec()].concat();
    let numbers = every_type(&[12], false).columns[0].blocks[0].clone();
    let strings = text(&[b"abc".as_slice(); 12]);
    let mut wrong_sum = zlib(&numbers, 1);
    *wrong_sum.last_mut().unwrap() ^= 1;
    let mut dictionary = zlib(&numbers, 1);
    dictionary[1] = 0x20 + 0x1F - (0x7820u16 % 31) as u8;
    let long = |kind: u32, length: i32| {
        let mut bytes = strings.clone();
        bytes[..4].copy_from_slice(&kind.to_le_bytes());
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        with_length(zlib(&bytes, 1), bytes.len() as u64)
    };
    let length = strings.len() as u64;
    let damage = [
        (0, vec![]),
        (0, vec![0x78, 0x01]),
        (0, numbers[1..].to_vec()),
        (0, wrong_sum),
        (0, dictionary),
        (0, [zlib(&numbers, 1), vec![0]].concat()),
        (0, zlib(&numbers, 1)[..20].to_vec()),
        (0, zlib(&numbers[4..], 1)),
        (0, zlib(&[&numbers[..], &[0; 4]].concat(), 1)),
        // A bomb: much more than the rows need.
        (0, zlib(&vec![0; 30_000], 9)),
        (3, zlib(&[3u32.to_le_bytes(); 12].concat(), 1)),
        (4, zlib(&strings, 1)),
        (4, with_length(zlib(&strings, 1), 0)),
        (4, with_length(zlib(&strings, 1), length - 1)),
        (4, with_length(zlib(&strings, 1), length + 1)),
        (4, with_length(zlib(&strings, 1), u64::MAX)),
        (4, with_length(zlib(&strings, 1), 1 << 40)),
        (4, with_length(zlib(&strings[11..], 1), length - 11)),
        (4, with_length(zlib(&vec![0; 1 << 20], 9), 1 << 20)),
        (4, long(1, -1)),
        (4, long(1, i32::MAX)),
        (4, long(1, 4)),
        (4, long(1, 2)),
        (4, long(0, 3)),
        (4, long(2, 3)),
    ];
    for (i, (column, stored)) in damage.into_iter().enumerate() {
        let mut file = every_type(&[12], false);
        file.columns[column].stored = vec![(0, stored)];
        let error = Written::error(&file.bytes());
        assert_eq!(error.kind, ErrorKind::CorruptFile, "{i}: {error:?}");
        // The other columns stay readable, unless there is too little for the rows of any.
        let source = open(&Written::new(&file.bytes()).path());
        if let Ok(source) = source {
            assert_eq!(error.column.as_deref(), Some(source.schema().fields[column].name.as_str()));
            values(&source, &[1, 2]).unwrap();
        }
    }
    let mut beyond = LegacyColumn::numbers(
        "big",
        (21, 16, 0x0042_0300),
        &[&[(1u64 << 63).to_le_bytes()]],
        (0u64.to_le_bytes(), 1u64.to_le_bytes()),
    );
    assert_eq!(Written::error(&Legacy::new(vec![beyond.clone()], &[1]).bytes()).kind, ErrorKind::CorruptFile);
    beyond.blocks = vec![u64::MAX.to_le_bytes().to_vec()];
    assert!(read(&Written::new(&Legacy::new(vec![beyond], &[1]).bytes()).path()).is_ok());
}

#[test]
fn memory_has_a_limit() {
    let file = Written::new(&every_type(&[60_000], false).bytes());
    let (source, _) = open_with(&file.path(), 300_000);
    let source = source.unwrap();
    assert!(values(&source, &[0]).is_ok());
    let error = values(&source, &[0, 1]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Memory);
    assert!(error.message.contains("60000 rows"), "{error}");
    assert_eq!(open_with(&file.path(), 1000).0.err().unwrap().kind, ErrorKind::Memory);
}

#[test]
fn attributes_nested_without_end_are_refused() {
    // The attributes of a factor, nested in each other.
    let mut file = every_type(&[5], false);
    let labels = file.columns[3].labels.clone();
    file.columns[3].labels = Some(Vec::new());
    let plain = file.bytes();
    file.columns[3].labels = labels;
    let mark = [0xF4, 0xF3, 0xF2, 0xF1];
    let mut marks = plain.windows(4).enumerate().filter(|(_, w)| *w == mark).map(|(i, _)| i);
    let list = marks.rfind(|&i| plain[i + 8] == 6).unwrap();
    let mut header = plain[list..list + 56].to_vec();
    header[52] = 1;
    let (head, tail) = plain.split_at(list);
    let nested = [head, &header.repeat(100_000), tail].concat();
    assert_eq!(Written::error(&nested).kind, ErrorKind::CorruptFile);
}

#[test]
fn ranges_that_were_never_computed_are_none() {
    let column = |low: f64, high: f64| {
        LegacyColumn::numbers("x", (4, 18, 0x0040_0600), &[&[[0; 8]]], (low.to_le_bytes(), high.to_le_bytes()))
    };
    for (low, high) in [(f64::NAN, 1.0), (2.0, 1.0), (f64::MAX, f64::MAX)] {
        let file = Written::new(&Legacy::new(vec![column(low, high)], &[1]).bytes());
        assert_eq!(open(&file.path()).unwrap().schema().fields[0].low, None);
    }
    let unset = i32::MAX.to_le_bytes();
    let column = LegacyColumn::numbers("x", (0, 11, 0x0040_0300), &[&[[0; 4]]], (unset, unset));
    let file = Written::new(&Legacy::new(vec![column], &[1]).bytes());
    let source = open(&file.path()).unwrap();
    assert_eq!((source.schema().fields[0].low, &source.schema().fields[0].kind), (None, &Kind::Integer));
}

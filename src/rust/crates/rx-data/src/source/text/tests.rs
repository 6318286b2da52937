//! Whole files: the same rows for every size of a block and any number of threads, and errors in their places.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod columns;
mod faults;
mod files;

use super::*;
use crate::block::Block;
use crate::column::{Column, NA_I32, is_na_f64};
use crate::testing::TempDir;
use arrow::array::Array;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Sizes of a block: far shorter than a row, shorter than a file, longer.
const SIZES: [usize; 7] = [1, 7, 64, 100, 997, 20_000, 1 << 20];

struct File {
    dir: TempDir,
}

impl File {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let dir = TempDir::new();
        std::fs::write(dir.join("x.csv"), content).unwrap();
        File { dir }
    }

    fn compressed(content: &[u8]) -> Self {
        // Two members, as when gzip files are appended to each other.
        let mut bytes = Vec::new();
        for part in [&content[..content.len() / 3], &content[content.len() / 3..]] {
            let mut encoder = GzEncoder::new(&mut bytes, Compression::fast());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap();
        }
        File::new(bytes)
    }

    fn options(&self) -> TextOptions {
        TextOptions::new(self.dir.join("x.csv"))
    }

    fn open(&self) -> TextSource {
        TextSource::open(&self.options()).unwrap()
    }
}

/// A column of some type.
fn typed(name: &str, kind: Kind) -> ColumnOptions {
    ColumnOptions { kind: Some(kind), ..ColumnOptions::of(name) }
}

/// All blocks of some columns, in order, read by several threads.
fn blocks(source: &TextSource, columns: &[usize], threads: usize) -> Result<Vec<Block>> {
    let scan = source.scan(columns)?;
    let (found, failed) = (Mutex::new(Vec::new()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    match scan.next() {
                        Ok(Some(block)) => found.lock().unwrap().push(block),
                        Ok(None) => return,
                        Err(error) => {
                            *failed.lock().unwrap() = Some(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap() {
        return Err(error);
    }
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|block| block.index);
    assert!(found.iter().enumerate().all(|(i, block)| block.index == i));
    Ok(found)
}

fn all_rows(source: &TextSource, threads: usize) -> Result<Vec<Vec<String>>> {
    let columns: Vec<_> = (0..source.schema().fields.len()).collect();
    let blocks = blocks(source, &columns, threads)?;
    Ok(blocks.iter().flat_map(|b| (0..b.rows).map(|i| b.columns.iter().map(|c| shown(c, i)).collect())).collect())
}

/// A value to compare by.
fn shown(column: &Column, row: usize) -> String {
    match column {
        Column::I32(v) if v[row] == NA_I32 => "missing".into(),
        Column::I32(v) => v[row].to_string(),
        Column::I64(v) => v[row].to_string(),
        Column::F32(v) => v[row].to_string(),
        Column::F64(v) if is_na_f64(v[row]) => "missing".into(),
        Column::F64(v) => v[row].to_string(),
        Column::Str(v) if v.is_null(row) => "missing".into(),
        Column::Str(v) => v.value(row).into(),
        Column::Dict { codes, .. } if codes[row] == NA_I32 => "missing".into(),
        Column::Dict { codes, labels } => labels[codes[row] as usize - 1].clone(),
    }
}

/// A sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A file of an integer, a number and two texts, and what it says. `nasty` texts hold what makes cutting hard.
fn generate(rows: usize, seed: u64, newline: &str, nasty: &[&str]) -> (String, Vec<Vec<String>>) {
    let mut random = Random(seed);
    let (mut text, mut expected) = (format!("i,d,s,f{newline}"), Vec::new());
    for _ in 0..rows {
        let i = if random.below(10) == 0 { None } else { Some(random.below(5_000_000_000) as i64 - 2_000_000_000) };
        let i = i.map(|i| i.clamp(-2_147_483_647, 2_147_483_647));
        let d = random.below(1 << 31) as f64 / 1_000.0;
        let s = nasty[random.below(nasty.len() as u64) as usize];
        let f = ["ab", "a much longer label", "", "NA"][random.below(4) as usize];
        let field = |s: &str| match s {
            _ if s.starts_with('!') => s[1..].to_string(),
            _ if s.contains(['"', ',', '\n']) => format!("\"{}\"", s.replace('"', "\"\"")),
            _ => s.to_string(),
        };
        let i_text = i.map_or(String::new(), |i| i.to_string());
        text += &format!("{i_text},{d},{},{f}{newline}", field(s));
        let or_missing =
            |s: &str| if s == "NA" { "missing".to_string() } else { s.trim_start_matches('!').to_string() };
        let i = i.map_or("missing".into(), |i| i.to_string());
        expected.push(vec![i, d.to_string(), or_missing(s), or_missing(f)]);
    }
    (text, expected)
}

fn check_all_sizes(content: &str, expected: &[Vec<String>]) {
    for file in [File::new(content), File::compressed(content.as_bytes())] {
        for size in SIZES {
            let mut options = file.options();
            let kinds = [("f", Kind::Factor { ordered: false }), ("i", Kind::Integer), ("s", Kind::Character)];
            options.columns = kinds.map(|(name, kind)| typed(name, kind)).into();
            let source = TextSource::open(&options).unwrap().with_range_bytes(size);
            for threads in [1, 3] {
                let rows = all_rows(&source, threads).unwrap();
                assert!(rows == expected, "blocks of {size} bytes, {threads} threads");
            }
        }
    }
}

#[test]
fn any_block_size_gives_the_same_rows() {
    for newline in ["\n", "\r\n"] {
        let (text, expected) = generate(400, 1, newline, &["plain", "", "NA", "x y"]);
        check_all_sizes(&text, &expected);
        check_all_sizes(text.trim_end(), &expected);
        check_all_sizes(&(text + newline + newline), &expected);
    }
}

#[test]
fn quoted_newlines_and_delimiters_span_blocks() {
    let long = "a,b\n\"c\"\n".repeat(30);
    let nasty = ["a\nb", "\"", "\n\n\n", "say \"hi\",\nor not", "plain", long.as_str()];
    let (text, expected) = generate(400, 2, "\n", &nasty);
    check_all_sizes(&text, &expected);
}

#[test]
fn stray_quotes_mislead_the_guess_but_not_the_rows() {
    // What begins with ! is written as it stands.
    let nasty = ["!5\" pipe", "plain", "a\nb", "!\"x\"y", "line\nline\nline"];
    for seed in 0..5 {
        let (text, expected) = generate(400, seed, "\n", &nasty);
        check_all_sizes(&text, &expected);
    }
    let (text, expected) = generate(2_000, 9, "\n", &["plain"]);
    let stray = text.replacen("plain", "5\" pipe", 1);
    let mut expected = expected;
    expected[0][2] = "5\" pipe".into();
    check_all_sizes(&stray, &expected);
}

#[test]
fn only_the_columns_asked_for_come_and_in_their_order() {
    let file = File::new("a,b,c\n1,x,2.5\n3,y,4.5\n");
    let source = file.open();
    let found = blocks(&source, &[2, 0, 2], 1).unwrap();
    assert_eq!(found[0].columns.iter().map(|c| shown(c, 1)).collect::<Vec<_>>(), ["4.5", "3", "4.5"]);
    let counted = blocks(&source, &[], 1).unwrap();
    assert_eq!((counted[0].rows, counted[0].columns.len()), (2, 0));
    // A wrong value in a column that nobody asked for is nobody's business; a wrong number of fields is.
    let file = File::new("a,b\n1,2\n3,x\n");
    let mut options = file.options();
    options.rows_to_sniff = 1;
    let source = TextSource::open(&options).unwrap();
    assert_eq!(blocks(&source, &[0], 1).unwrap()[0].rows, 2);
    assert_eq!(blocks(&source, &[1], 1).unwrap_err().row, Some(2));
}

#[test]
fn a_contradicting_value_is_an_error_in_its_place() {
    let mut lines: Vec<String> = (0..30_000).map(|i| format!("{i},t{}", i % 7)).collect();
    lines[20_000] = "12.5,t".into();
    lines[25_000] = "oops,t".into();
    let file = File::new(format!("the id,t\n{}\n", lines.join("\n")));
    for size in [1_000, 1 << 20] {
        for threads in [1, 3] {
            let error = all_rows(&file.open().with_range_bytes(size), threads).unwrap_err();
            assert_eq!(
                (error.kind, error.row, error.column.as_deref()),
                (ErrorKind::Value, Some(20_001), Some("the id"))
            );
            assert!(error.message.ends_with("column 'the id': '12.5' is not an integer of 32 bits."), "{error}");
            assert!(error.hint.unwrap().starts_with("Pass colClasses = c(`the id` = \"numeric\")"));
            assert!(error.file.unwrap().ends_with("x.csv"));
        }
    }
}

#[test]
fn rows_with_a_wrong_number_of_fields_are_told() {
    let fault = |content: &str| {
        let errors = SIZES.map(|size| all_rows(&File::new(content).open().with_range_bytes(size), 2).unwrap_err());
        for error in &errors {
            assert_eq!((error.kind, error.row), (errors[0].kind, errors[0].row));
        }
        let message = &errors[0].message;
        (errors[0].row.unwrap(), message[message.find("' ").unwrap() + 2..].to_string())
    };
    assert_eq!(fault("a,b\n1,2\n3\n4,5\n"), (2, "has 1 field where 2 are expected.".into()));
    assert_eq!(fault("a,b\n1,2\n3,4,5\n"), (2, "has 3 fields where 2 are expected.".into()));
    // One field too few shifts a text into a column of numbers: the missing field is what to tell.
    assert_eq!(fault("a,b,c\n1,2,x\n3,y\n"), (2, "has 2 fields where 3 are expected.".into()));
    // A file cut off in the middle of a row.
    assert_eq!(fault("a,b,c\n1,2,3\n4,5"), (2, "has 2 fields where 3 are expected.".into()));
    assert_eq!(fault("a,b\n1,x\n2,\"y\n3,z\n"), (2, "has a quoted field that is not closed.".into()));
}

#[test]
fn text_that_is_not_utf8_or_has_nul_is_told() {
    let mut content = b"a,b\n".to_vec();
    for i in 0..70_000 {
        content.extend_from_slice(format!("{i},text\n").as_bytes());
    }
    for (bad, what) in [(&b"caf\xe9"[..], "not UTF-8"), (b"nu\0l", "NUL byte")] {
        let content = [&content[..], b"7,", bad, b"\n"].concat();
        let file = File::new(content);
        let error = all_rows(&file.open().with_range_bytes(10_000), 2).unwrap_err();
        assert_eq!((error.kind, error.row, error.column.as_deref()), (ErrorKind::Value, Some(70_001), Some("b")));
        assert!(error.message.contains(what));
        assert_eq!(blocks(&file.open(), &[0], 1).unwrap().iter().map(|b| b.rows).sum::<usize>(), 70_001);
    }
}

#[test]
fn a_very_long_line_takes_linear_time() {
    let long = "x".repeat(30 << 20);
    let file = File::new(format!("a,b\n1,s\n2,\"{long}\n{long}\"\n3,{long}\n4,s\n"));
    let source = file.open().with_range_bytes(1 << 16);
    let rows = all_rows(&source, 2).unwrap();
    assert_eq!(rows.iter().map(|r| r[1].len()).collect::<Vec<_>>(), [1, 2 * long.len() + 1, long.len(), 1]);
}

#[test]
fn columns_are_as_said() {
    let file = File::new(
        "day,x,g,when,l\n2013-01-02,1,b,2013-01-02 03:04,1\n,2,c,NA,0\n2013/02/03,3,a,2013-01-02 00:00:30,NA\n",
    );
    let options: TextOptions = serde_json::from_value(serde_json::json!({
        "path": file.options().paths,
        "columns": [
            {"name": "day", "kind": "date"},
            {"index": 2, "kind": "float32", "low": 0.0, "high": 9.0, "description": "the x", "new_name": "ex"},
            {"name": "g", "levels": ["a", "b"]},
            {"name": "when", "kind": {"date_time": {"tz": null}}},
            {"name": "l", "kind": "logical"}
        ]
    }))
    .unwrap();
    let source = TextSource::open(&options).unwrap();
    let fields = &source.schema().fields;
    assert_eq!(fields[1].name, "ex");
    assert_eq!(
        (fields[1].low, fields[1].high, fields[1].description.as_deref()),
        (Some(0.0), Some(9.0), Some("the x"))
    );
    assert_eq!(fields[2].levels, Some(Arc::new(vec!["a".to_string(), "b".to_string()])));
    assert_eq!(fields[3].kind, Kind::DateTime { tz: Some("GMT".into()) });
    let expected = [
        ["15707", "1", "b", "1357095840", "1"],
        ["missing", "2", "missing", "missing", "0"],
        ["15739", "3", "a", "1357084830", "missing"],
    ];
    assert_eq!(all_rows(&source, 1).unwrap(), expected);
}

#[test]
fn factors_are_coded_by_first_appearance() {
    let file = File::new("g,x\nb,1\nNA,2\na,3\n,4\nb,5\n");
    let mut options = file.options();
    options.strings_as_factors = true;
    let source = TextSource::open(&options).unwrap();
    assert_eq!(source.schema().fields[0].kind, Kind::Factor { ordered: false });
    match &blocks(&source, &[0], 1).unwrap()[0].columns[0] {
        Column::Dict { codes, labels } => {
            assert_eq!(codes.to_vec(), [1, NA_I32, 2, 3, 1]);
            assert_eq!(**labels, ["b", "a", ""]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrongly_asked_for_is_told() {
    let file = File::new("month,day\n1,2\n");
    let open = |change: fn(&mut TextOptions)| {
        let mut options = file.options();
        change(&mut options);
        TextSource::open(&options).err().unwrap()
    };
    let error = open(|o| o.columns.push(ColumnOptions::of("mnth")));
    assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::MissingColumn, Some("Did you mean 'month'?")));
    let error = open(|o| o.columns.push(ColumnOptions { index: Some(3), ..Default::default() }));
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::MissingColumn, "There is no column 3: the text has 2.")
    );
    let renamed = ColumnOptions { new_name: Some("month".into()), ..ColumnOptions::of("day") };
    let mut options = file.options();
    options.columns.push(renamed);
    assert_eq!(TextSource::open(&options).err().unwrap().kind, ErrorKind::Argument);
    options.columns.push(ColumnOptions { index: Some(2), ..Default::default() });
    assert!(TextSource::open(&options).err().unwrap().message.ends_with("described twice."));
    let error = open(|o| o.paths[0].set_file_name("y.csv"));
    assert_eq!(error.kind, ErrorKind::File);
    assert!(error.hint.unwrap().contains("x.csv'?"));
}

#[test]
fn a_header_alone_has_no_rows() {
    for content in ["a,b\n", "a,b"] {
        let source = File::new(content);
        let source = source.open();
        assert_eq!(source.schema().fields[1].name, "b");
        assert_eq!(all_rows(&source, 2).unwrap().len(), 0);
    }
}

#[test]
fn the_flights_are_all_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../inst/extdata/flights.csv.gz");
    let source = TextSource::open(&TextOptions { strings_as_factors: true, ..TextOptions::new(path) }).unwrap();
    let wanted = source.schema().indices_of(&["arr_delay", "distance", "carrier"]).unwrap();
    let found = blocks(&source, &wanted, 2).unwrap();
    let sum = |j: usize| {
        let values = found.iter().flat_map(|block| match &block.columns[j] {
            Column::I32(v) => v.to_vec(),
            other => panic!("{other:?}"),
        });
        let present: Vec<_> = values.filter(|&x| x != NA_I32).map(i64::from).collect();
        (present.len(), present.iter().sum::<i64>())
    };
    // As the source's own table has them.
    assert_eq!(sum(0), (327_346, 2_257_174));
    assert_eq!(sum(1), (336_776, 350_217_607));
    match &found[0].columns[2] {
        Column::Dict { labels, .. } => assert_eq!(labels[..4], ["UA", "AA", "B6", "DL"]),
        other => panic!("{other:?}"),
    }
}

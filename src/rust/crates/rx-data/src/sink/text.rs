//! Writes delimited text.

use super::atomic::AtomicFile;
use super::{Sink, format};
use crate::block::Block;
use crate::column::{Column, NA_I32, NA_I64, is_na_f32, is_na_f64};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Kind, Schema};
use arrow::array::Array;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Mutex;

/// How to write a text file. What is left out takes its default; what is not known is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextSinkOptions {
    /// The file.
    pub path: PathBuf,
    /// Whether an existing file may be replaced.
    pub overwrite: bool,
    /// What separates fields.
    pub delimiter: String,
    /// Which fields are quoted.
    pub quote: Quote,
    /// What stands for a missing value.
    pub na: String,
    /// What ends a row.
    pub eol: String,
    /// Whether the first row holds the names.
    pub header: bool,
    /// Significant digits of numbers; None: as many as are needed to read back the same number.
    pub digits: Option<u8>,
}

impl Default for TextSinkOptions {
    fn default() -> Self {
        TextSinkOptions {
            path: PathBuf::new(),
            overwrite: false,
            delimiter: ",".into(),
            quote: Quote::Needed,
            na: "NA".into(),
            eol: "\n".into(),
            header: true,
            digits: None,
        }
    }
}

/// Which fields are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// Text that could be misread without.
    Needed,
    /// All text.
    Text,
    /// None; text that would need it is an error.
    Never,
}

/// A text file being written.
pub struct TextSink {
    options: TextSinkOptions,
    schema: Schema,
    file: Mutex<AtomicFile>,
    rows: Mutex<u64>,
    /// Memory to encode into.
    buffers: Mutex<Vec<Vec<u8>>>,
}

/// Rows as text.
pub struct EncodedText {
    bytes: Vec<u8>,
    rows: usize,
}

impl TextSink {
    /// Starts a file with columns of this schema.
    pub fn create(options: TextSinkOptions, schema: Schema) -> Result<Self> {
        if options.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
            let message = format!("'{}': compressed text cannot be written.", options.path.display());
            let error = Error::new(ErrorKind::Unsupported, message).file(&options.path);
            return Err(error.hint("Write a file without .gz, and compress it afterwards."));
        }
        if options.delimiter.is_empty() || options.eol.is_empty() || options.delimiter.contains(['"', '\n', '\r']) {
            let message = "The delimiter must be some text without quotes and newlines, and so must be the row's end.";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let mut file = AtomicFile::create(&options.path, options.overwrite)?;
        if options.header {
            let mut header = Vec::new();
            for (j, field) in schema.fields.iter().enumerate() {
                if j > 0 {
                    header.extend_from_slice(options.delimiter.as_bytes());
                }
                put_text(&mut header, &options, &field.name, &field.name)?;
            }
            header.extend_from_slice(options.eol.as_bytes());
            file.append(&header)?;
        }
        Ok(TextSink { options, schema, file: Mutex::new(file), rows: Mutex::new(0), buffers: Mutex::default() })
    }
}

impl Sink for TextSink {
    type Admitted = Block;
    type Encoded = EncodedText;
    /// The number of rows.
    type Output = u64;

    fn admit(&self, block: Block) -> Result<Block> {
        Ok(block)
    }

    fn encode(&self, block: Block) -> Result<EncodedText> {
        let mut bytes = self.buffers.lock().map_err(|_| poisoned())?.pop().unwrap_or_default();
        for row in 0..block.rows {
            for (j, (field, column)) in self.schema.fields.iter().zip(&block.columns).enumerate() {
                if j > 0 {
                    bytes.extend_from_slice(self.options.delimiter.as_bytes());
                }
                put_value(&mut bytes, &self.options, &field.name, &field.kind, column, row)?;
            }
            bytes.extend_from_slice(self.options.eol.as_bytes());
        }
        Ok(EncodedText { bytes, rows: block.rows })
    }

    fn write(&self, mut block: EncodedText) -> Result<()> {
        self.file.lock().map_err(|_| poisoned())?.append(&block.bytes)?;
        *self.rows.lock().map_err(|_| poisoned())? += block.rows as u64;
        block.bytes.clear();
        self.buffers.lock().map_err(|_| poisoned())?.push(block.bytes);
        Ok(())
    }

    fn finish(self) -> Result<u64> {
        self.file.into_inner().map_err(|_| poisoned())?.commit()?;
        self.rows.into_inner().map_err(|_| poisoned())
    }
}

fn put_value(
    out: &mut Vec<u8>,
    options: &TextSinkOptions,
    name: &str,
    kind: &Kind,
    column: &Column,
    row: usize,
) -> Result<()> {
    let missing = match column {
        Column::I32(v) => v[row] == NA_I32,
        Column::I64(v) => v[row] == NA_I64,
        Column::F32(v) => is_na_f32(v[row]),
        Column::F64(v) => is_na_f64(v[row]),
        Column::Str(v) => v.is_null(row),
        Column::Dict { codes, .. } => codes[row] == NA_I32,
    };
    if missing {
        out.extend_from_slice(options.na.as_bytes());
        return Ok(());
    }
    match column {
        Column::I32(v) if *kind == Kind::Logical => out.extend_from_slice(if v[row] == 0 { b"FALSE" } else { b"TRUE" }),
        Column::I32(v) if *kind == Kind::Date => format::date(out, f64::from(v[row])),
        Column::I32(v) => format::integer(out, i64::from(v[row])),
        Column::I64(v) => format::integer(out, v[row]),
        Column::F32(v) => format::float32(out, v[row], options.digits),
        Column::F64(v) => match kind {
            Kind::Date => format::date(out, v[row]),
            Kind::DateTime { .. } => format::date_time(out, v[row]),
            _ => format::number(out, v[row], options.digits),
        },
        Column::Str(v) => put_text(out, options, name, v.value(row))?,
        Column::Dict { codes, labels } => {
            let label = labels.get(codes[row] as usize - 1);
            let label = label.ok_or_else(|| Error::internal(format!("column '{name}' has a code without a label")))?;
            put_text(out, options, name, label)?;
        }
    }
    Ok(())
}

/// Appends text, quoted where it must be.
fn put_text(out: &mut Vec<u8>, options: &TextSinkOptions, column: &str, text: &str) -> Result<()> {
    let breaks = text.contains(['"', '\n', '\r']) || text.contains(&options.delimiter);
    let quoted = match options.quote {
        Quote::Text => true,
        // An empty field would be misread as missing, and so would text that looks as if it were.
        Quote::Needed => {
            breaks || text.is_empty() || text == options.na || text.starts_with(' ') || text.ends_with(' ')
        }
        Quote::Never if breaks => {
            let shown: String = text.chars().take(60).collect();
            let message = format!("Column '{column}' has text that must be quoted: '{}'.", shown.escape_debug());
            let error = Error::new(ErrorKind::Value, message).column(column).file(&options.path);
            return Err(error.hint("Pass quote = TRUE."));
        }
        Quote::Never => false,
    };
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    out.push(b'"');
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
    Ok(())
}

fn poisoned() -> Error {
    Error::internal("a text sink was poisoned")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::column::{NA_F32, NA_F64};
    use crate::schema::Field;
    use crate::source::{ColumnOptions, Source, TextOptions, TextSource};
    use crate::testing::TempDir;
    use arrow::array::StringArray;
    use std::sync::Arc;

    fn table() -> (Schema, Block) {
        let kinds = [
            ("l", Kind::Logical),
            ("i", Kind::Integer),
            ("w", Kind::Int64),
            ("f", Kind::Float32),
            ("d", Kind::Numeric),
            ("day", Kind::Date),
            ("when", Kind::DateTime { tz: Some("GMT".into()) }),
            ("a, b", Kind::Character),
            ("g", Kind::Factor { ordered: false }),
        ];
        let columns = vec![
            Column::I32(vec![1, 0, NA_I32].into()),
            Column::I32(vec![-7, NA_I32, 0].into()),
            Column::I64(vec![1 << 40, NA_I64, -1].into()),
            Column::F32(vec![0.1, NA_F32, 2.0].into()),
            Column::F64(vec![1.0 / 3.0, f64::NAN, NA_F64].into()),
            Column::F64(vec![15_706.0, NA_F64, 0.0].into()),
            Column::F64(vec![1_357_095_840.5, NA_F64, 0.0].into()),
            Column::Str(StringArray::from(vec![Some("say \"hi\",\nor"), None, Some("")])),
            Column::Dict { codes: vec![2, NA_I32, 1].into(), labels: Arc::new(vec!["x y".into(), "é".into()]) },
        ];
        let schema = Schema::new(kinds.into_iter().map(|(name, kind)| Field::new(name, kind)).collect());
        (schema, Block { index: 0, rows: 3, columns })
    }

    fn written(change: impl Fn(&mut TextSinkOptions)) -> Result<String> {
        let (schema, block) = table();
        let dir = TempDir::new();
        let mut options = TextSinkOptions { path: dir.join("x.csv"), ..Default::default() };
        change(&mut options);
        let sink = TextSink::create(options, schema)?;
        let encoded = sink.encode(sink.admit(block)?)?;
        sink.write(encoded)?;
        assert!(!dir.join("x.csv").exists());
        assert_eq!(sink.finish()?, 3);
        assert_eq!(dir.names(), ["x.csv"]);
        Ok(std::fs::read_to_string(dir.join("x.csv")).unwrap())
    }

    #[test]
    fn every_kind_is_written() {
        assert_eq!(
            written(|_| {}).unwrap(),
            "l,i,w,f,d,day,when,\"a, b\",g\n\
             TRUE,-7,1099511627776,0.1,0.3333333333333333,2013-01-01,2013-01-02 03:04:00.5,\"say \"\"hi\"\",\nor\",é\n\
             FALSE,NA,NA,NA,NaN,NA,NA,NA,NA\n\
             NA,0,-1,2,NA,1970-01-01,1970-01-01 00:00:00,\"\",x y\n"
        );
    }

    #[test]
    fn the_options_are_honoured() {
        let text = written(|o| {
            (o.delimiter, o.na, o.eol, o.header) = ("\t".into(), "".into(), "\r\n".into(), false);
            (o.quote, o.digits) = (Quote::Text, Some(3));
        });
        assert_eq!(text.unwrap().split("\r\n").nth(1).unwrap(), "FALSE\t\t\t\tNaN\t\t\t\t",);
        let error = written(|o| o.quote = Quote::Never).unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Value, Some("a, b")));
        assert_eq!(written(|o| o.delimiter = "\"".into()).unwrap_err().kind, ErrorKind::Argument);
        assert_eq!(written(|o| o.path.set_file_name("x.csv.gz")).unwrap_err().kind, ErrorKind::Unsupported);
    }

    #[test]
    fn what_is_written_reads_back() {
        let (schema, block) = table();
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        let sink =
            TextSink::create(TextSinkOptions { path: path.clone(), ..Default::default() }, schema.clone()).unwrap();
        sink.write(sink.encode(block.clone()).unwrap()).unwrap();
        sink.finish().unwrap();
        let mut options = TextOptions::new(&path);
        let typed = |f: &Field| ColumnOptions { kind: Some(f.kind.clone()), ..ColumnOptions::of(&f.name) };
        options.columns = schema.fields.iter().map(typed).collect();
        let source = TextSource::open(&options).unwrap();
        assert_eq!(source.schema(), &schema);
        let back = source.scan(&(0..schema.fields.len()).collect::<Vec<_>>()).unwrap().next().unwrap().unwrap();
        let again = TextSinkOptions { path: path.clone(), overwrite: true, ..Default::default() };
        let before = std::fs::read(&path).unwrap();
        let sink = TextSink::create(again, schema).unwrap();
        sink.write(sink.encode(back).unwrap()).unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_job_that_fails_leaves_nothing() {
        let (schema, block) = table();
        let dir = TempDir::new();
        let sink = TextSink::create(TextSinkOptions { path: dir.join("x.csv"), ..Default::default() }, schema).unwrap();
        sink.write(sink.encode(block).unwrap()).unwrap();
        drop(sink);
        assert!(dir.names().is_empty());
    }
}

//! Writes delimited text, plain or compressed by gzip, to a file or a set of files.

use super::Sink;
use super::atomic::AtomicFile;
use super::folder::AtomicFolder;
use super::gather::{Gather, Piece};
use super::style::Style;
use crate::block::Block;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Mutex;

/// How to write text. What is left out takes its default; what is not known is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextSinkOptions {
    /// The file, which is compressed if its name ends with `.gz`; or the folder of a set.
    pub path: PathBuf,
    /// Whether what exists may be replaced.
    pub overwrite: bool,
    /// What separates fields.
    pub delimiter: String,
    /// Which fields are quoted.
    pub quote: Quote,
    /// By which ASCII character.
    pub quote_mark: String,
    /// What stands for a missing value.
    pub na: String,
    /// What ends a row.
    pub eol: String,
    /// Whether the first row holds the names.
    pub header: bool,
    /// Significant digits of numbers; None: as many as are needed to read back the same number.
    pub digits: Option<u8>,
    /// What separates the decimals of a number, one ASCII character.
    pub decimal_point: String,
    /// Whether whole numbers in columns of decimals are written without any.
    pub strip_zeros: bool,
    /// Whether factors are written as codes, from 1.
    pub factors_as_indexes: bool,
    /// The files of a set; None: there is one file.
    pub set: Option<FileSet>,
}

/// Files in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSet {
    /// How many rows each file has; the last one may have less.
    pub rows_per_file: u64,
    /// What the names end with, with its dot; they begin with the folder's name.
    pub extension: String,
}

impl Default for TextSinkOptions {
    fn default() -> Self {
        TextSinkOptions {
            path: PathBuf::new(),
            overwrite: false,
            delimiter: ",".into(),
            quote: Quote::Needed,
            quote_mark: "\"".into(),
            na: "NA".into(),
            eol: "\n".into(),
            header: true,
            digits: None,
            decimal_point: ".".into(),
            strip_zeros: true,
            factors_as_indexes: false,
            set: None,
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

/// Text being written.
pub struct TextSink {
    style: Style,
    schema: Schema,
    /// Cuts rows into files and agrees on the codes of factors.
    gather: Mutex<Gather>,
    /// The first row of every file.
    header: Vec<u8>,
    output: Mutex<Output>,
    rows: Mutex<u64>,
    /// Memory to encode into.
    buffers: Mutex<Vec<Vec<u8>>>,
}

/// Where text goes.
enum Output {
    File(AtomicFile),
    Set(AtomicFolder),
}

/// Rows as text.
pub struct EncodedText {
    /// What goes into one file each, and whether that begins with it.
    parts: Vec<(Vec<u8>, bool)>,
    rows: usize,
}

impl TextSink {
    /// Starts a file, or a set of them, with columns of this schema.
    pub fn create(options: TextSinkOptions, schema: Schema) -> Result<Self> {
        let style = Style::new(options)?;
        let options = &style.options;
        let header = if options.header { style.header(&schema)? } else { Vec::new() };
        let (output, rows_per_file) = match &options.set {
            Some(FileSet { rows_per_file: 0, .. }) => {
                let error = Error::new(ErrorKind::Argument, "A file cannot have 0 rows.");
                return Err(error.hint("Pass a positive number of rows per file."));
            }
            Some(set) => {
                let folder = AtomicFolder::create(&options.path, &set.extension, options.overwrite)?;
                (Output::Set(folder), set.rows_per_file)
            }
            None => {
                let mut file = AtomicFile::create(&options.path, options.overwrite)?;
                file.append(&header)?;
                (Output::File(file), u64::MAX)
            }
        };
        Ok(TextSink {
            gather: Mutex::new(Gather::new(&schema, 1..=usize::MAX, rows_per_file)),
            style,
            schema,
            header,
            output: Mutex::new(output),
            rows: Mutex::new(0),
            buffers: Mutex::default(),
        })
    }
}

impl Sink for TextSink {
    type Admitted = Vec<Piece>;
    type Encoded = EncodedText;
    /// The number of rows.
    type Output = u64;

    fn admit(&self, block: Block) -> Result<Vec<Piece>> {
        Ok(self.gather.lock().map_err(|_| poisoned())?.admit(block, &self.schema))
    }

    fn encode(&self, pieces: Vec<Piece>) -> Result<EncodedText> {
        let mut encoded = EncodedText { parts: Vec::new(), rows: 0 };
        for piece in pieces {
            let mut bytes = self.buffers.lock().map_err(|_| poisoned())?.pop().unwrap_or_default();
            for part in &piece.parts {
                self.style.put_rows(&mut bytes, &self.schema, part)?;
            }
            encoded.rows += piece.rows();
            encoded.parts.push((self.style.compressed(bytes)?, piece.starts_block));
        }
        Ok(encoded)
    }

    fn write(&self, encoded: EncodedText) -> Result<()> {
        let mut output = self.output.lock().map_err(|_| poisoned())?;
        for (mut bytes, starts_file) in encoded.parts {
            match &mut *output {
                Output::File(file) => file.append(&bytes)?,
                Output::Set(folder) => {
                    if starts_file {
                        folder.next_file()?;
                        folder.append(&self.header)?;
                    }
                    folder.append(&bytes)?;
                }
            }
            bytes.clear();
            self.buffers.lock().map_err(|_| poisoned())?.push(bytes);
        }
        *self.rows.lock().map_err(|_| poisoned())? += encoded.rows as u64;
        Ok(())
    }

    fn finish(self) -> Result<u64> {
        match self.output.into_inner().map_err(|_| poisoned())? {
            Output::File(file) => file.commit()?,
            Output::Set(mut folder) => {
                if folder.files() == 0 {
                    folder.next_file()?;
                    folder.append(&self.header)?;
                }
                folder.commit()?;
            }
        }
        self.rows.into_inner().map_err(|_| poisoned())
    }
}

fn poisoned() -> Error {
    Error::internal("a text sink was poisoned")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::Column;
    use crate::column::{NA_F32, NA_F64, NA_I32, NA_I64};
    use crate::schema::{Field, Kind};
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
        assert_eq!(written(|o| o.decimal_point = ",".into()).unwrap_err().kind, ErrorKind::Argument);
        assert_eq!(written(|o| o.quote_mark = "«".into()).unwrap_err().kind, ErrorKind::Argument);
        let text = written(|o| {
            (o.delimiter, o.decimal_point, o.quote_mark) = (";".into(), ",".into(), "'".into());
            (o.strip_zeros, o.digits) = (false, Some(3));
        });
        assert_eq!(
            text.unwrap().split_once('\n').unwrap().1,
            "TRUE;-7;1099511627776;0,1;0,333;2013-01-01;2013-01-02 03:04:00.5;'say \"hi\",\nor';é\n\
             FALSE;NA;NA;NA;NaN;NA;NA;NA;NA\n\
             NA;0;-1;2,0;NA;1970-01-01;1970-01-01 00:00:00;'';x y\n"
        );
    }

    /// Writes the table twice, in blocks whose factors have other codes.
    fn write_blocks(options: TextSinkOptions) -> Result<()> {
        let (schema, block) = table();
        let sink = TextSink::create(options, schema)?;
        let mut other = block.clone();
        other.columns[8] =
            Column::Dict { codes: vec![1, NA_I32, 2].into(), labels: Arc::new(vec!["é".into(), "new".into()]) };
        for block in [block, other] {
            sink.write(sink.encode(sink.admit(block)?)?)?;
        }
        assert_eq!(sink.finish()?, 6);
        Ok(())
    }

    #[test]
    fn factors_may_be_written_as_codes_that_blocks_agree_on() {
        let dir = TempDir::new();
        let options = TextSinkOptions { path: dir.join("x.csv"), factors_as_indexes: true, ..Default::default() };
        write_blocks(options).unwrap();
        let text = std::fs::read_to_string(dir.join("x.csv")).unwrap();
        let last: Vec<_> =
            text.replace(",\n", "").lines().skip(1).map(|l| l.rsplit(',').next().unwrap().to_string()).collect();
        assert_eq!(last, ["2", "NA", "1", "2", "NA", "3"]);
    }

    #[test]
    fn compressed_text_is_that_of_the_plain_file() {
        let dir = TempDir::new();
        let write = |name: &str| {
            write_blocks(TextSinkOptions { path: dir.join(name), ..Default::default() }).unwrap();
            std::fs::read(dir.join(name)).unwrap()
        };
        let (plain, compressed) = (write("x.csv"), write("x.csv.GZ"));
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&compressed[..]), &mut text).unwrap();
        assert_eq!(text, plain);
    }

    #[test]
    fn a_set_has_files_of_so_many_rows() {
        let dir = TempDir::new();
        let write = |extension: &str| {
            let set = Some(FileSet { rows_per_file: 4, extension: extension.into() });
            write_blocks(TextSinkOptions { path: dir.join("out"), set, overwrite: true, ..Default::default() })
                .unwrap();
            let mut names: Vec<_> =
                std::fs::read_dir(dir.join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            let source = TextSource::open(&TextOptions::new(dir.join("out"))).unwrap();
            let scan = source.scan(&[0]).unwrap();
            let rows: Vec<_> = std::iter::from_fn(|| scan.next().unwrap()).map(|block| block.rows).collect();
            (names, rows)
        };
        assert_eq!(write(".csv"), (vec!["out_1.csv".into(), "out_2.csv".into()], vec![4, 2]));
        assert_eq!(write(".csv.gz"), (vec!["out_1.csv.gz".into(), "out_2.csv.gz".into()], vec![4, 2]));
        let set = Some(FileSet { rows_per_file: 4, extension: ".csv".into() });
        let options = TextSinkOptions { path: dir.join("none"), set, ..Default::default() };
        TextSink::create(options, table().0).unwrap().finish().unwrap();
        assert!(std::fs::read_to_string(dir.join("none/none_1.csv")).unwrap().starts_with("l,i,w"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let (schema, block) = table();
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        let sink =
            TextSink::create(TextSinkOptions { path: path.clone(), ..Default::default() }, schema.clone()).unwrap();
        sink.write(sink.encode(sink.admit(block.clone()).unwrap()).unwrap()).unwrap();
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
        sink.write(sink.encode(sink.admit(back).unwrap()).unwrap()).unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_job_that_fails_leaves_nothing() {
        let (schema, block) = table();
        let dir = TempDir::new();
        let sink = TextSink::create(TextSinkOptions { path: dir.join("x.csv"), ..Default::default() }, schema).unwrap();
        sink.write(sink.encode(sink.admit(block).unwrap()).unwrap()).unwrap();
        drop(sink);
        assert!(dir.names().is_empty());
    }
}

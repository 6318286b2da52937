//! How rows become text.

use super::format;
use super::gather::Part;
use super::text::{Quote, TextSinkOptions};
use crate::column::{Column, NA_I32, NA_I64, is_na_f32, is_na_f64};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Labels, Schema};
use arrow::array::{Array, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// What a [`TextSinkOptions`] asks for.
pub(super) struct Style {
    pub(super) options: TextSinkOptions,
    /// None: nothing is quoted.
    quote: Option<u8>,
    decimal: u8,
    compress: bool,
}

impl Style {
    pub(super) fn new(options: TextSinkOptions) -> Result<Self> {
        let wrong = |message: &str| Err(Error::new(ErrorKind::Argument, message));
        let quote = match options.quote_mark.as_bytes() {
            [] => None,
            [quote] if quote.is_ascii() && !quote.is_ascii_control() => Some(*quote),
            _ => return wrong("The quote mark must be one ASCII character, or none."),
        };
        let [decimal] = *options.decimal_point.as_bytes() else {
            return wrong("The decimal point must be one ASCII character.");
        };
        let (delimiter, eol) = (&options.delimiter, &options.eol);
        let quotes = quote.is_some_and(|quote| delimiter.as_bytes().contains(&quote));
        if delimiter.is_empty() || eol.is_empty() || quotes || delimiter.contains(['\n', '\r']) {
            return wrong("The delimiter must be some text without quotes and newlines, and so must be the row's end.");
        }
        if delimiter.as_bytes().contains(&decimal) || quote == Some(decimal) || !decimal.is_ascii_punctuation() {
            return wrong("The decimal point must be a mark that is neither the delimiter nor the quote mark.");
        }
        let name = options.set.as_ref().map_or(options.path.to_string_lossy(), |set| (&*set.extension).into());
        let compress = name.to_ascii_lowercase().ends_with(".gz");
        Ok(Style { quote, decimal, compress, options })
    }

    /// The row of names.
    pub(super) fn header(&self, schema: &Schema) -> Result<Vec<u8>> {
        let mut header = Vec::new();
        for (j, field) in schema.fields.iter().enumerate() {
            if j > 0 {
                header.extend_from_slice(self.options.delimiter.as_bytes());
            }
            self.put_text(&mut header, &field.name, &field.name)?;
        }
        header.extend_from_slice(self.options.eol.as_bytes());
        self.compressed(header)
    }

    /// Appends rows.
    pub(super) fn put_rows(&self, out: &mut Vec<u8>, schema: &Schema, part: &Part) -> Result<()> {
        let as_index = |kind: &Kind| self.options.factors_as_indexes && matches!(kind, Kind::Factor { .. });
        let columns = schema.fields.iter().enumerate().map(|(j, field)| {
            if as_index(&field.kind) { part.recoded(j, &field.kind) } else { part.column(j).clone() }
        });
        let columns: Vec<Column> = columns.collect();
        let cells = columns.iter().zip(&schema.fields).map(|(column, field)| self.cells(column, field));
        let cells: Vec<Cells> = cells.collect();
        for row in 0..part.rows() {
            for (j, (cells, field)) in cells.iter().zip(&schema.fields).enumerate() {
                if j > 0 {
                    put_mark(out, &self.options.delimiter);
                }
                self.put_value(out, &field.name, cells, row)?;
            }
            put_mark(out, &self.options.eol);
        }
        Ok(())
    }

    /// What a column's values are written from.
    fn cells<'a>(&self, column: &'a Column, field: &Field) -> Cells<'a> {
        match (column, &field.kind) {
            (Column::I32(v), Kind::Logical) => Cells::Logical(v),
            (Column::I32(v), Kind::Date) => Cells::WholeDay(v),
            (Column::I32(v), _) => Cells::Integer(v),
            (Column::I64(v), _) => Cells::Long(v),
            (Column::F32(v), _) => Cells::Float(v),
            (Column::F64(v), Kind::Date) => Cells::Day(v),
            (Column::F64(v), Kind::DateTime { .. }) => Cells::Time(v),
            (Column::F64(v), _) => Cells::Number(v),
            (Column::Str(v), _) => Cells::Text(v),
            (Column::Dict { codes, labels }, _) if labels.len() <= codes.len() => {
                let (mut written, mut ends) =
                    (self.options.na.clone().into_bytes(), Vec::with_capacity(labels.len() + 1));
                ends.push(written.len());
                for label in labels.iter() {
                    if self.put_text(&mut written, &field.name, label).is_err() {
                        // It may be one that does not occur.
                        return Cells::Labels(codes, labels);
                    }
                    ends.push(written.len());
                }
                Cells::Written { codes, written, ends }
            }
            (Column::Dict { codes, labels }, _) => Cells::Labels(codes, labels),
        }
    }

    fn put_value(&self, out: &mut Vec<u8>, name: &str, cells: &Cells, row: usize) -> Result<()> {
        let digits = self.options.digits;
        let start = out.len();
        let stray = || Error::internal(format!("column '{name}' has a code without a label"));
        match cells {
            Cells::Logical(v) if v[row] != NA_I32 => {
                out.extend_from_slice(if v[row] == 0 { b"FALSE" } else { b"TRUE" });
            }
            Cells::WholeDay(v) if v[row] != NA_I32 => format::date(out, f64::from(v[row])),
            Cells::Integer(v) if v[row] != NA_I32 => format::integer(out, i64::from(v[row])),
            Cells::Long(v) if v[row] != NA_I64 => format::integer(out, v[row]),
            Cells::Float(v) if !is_na_f32(v[row]) => {
                format::float32(out, v[row], digits);
                self.adapt_number(out, start);
            }
            Cells::Number(v) if !is_na_f64(v[row]) => {
                format::number(out, v[row], digits);
                self.adapt_number(out, start);
            }
            Cells::Day(v) if !is_na_f64(v[row]) => format::date(out, v[row]),
            Cells::Time(v) if !is_na_f64(v[row]) => format::date_time(out, v[row]),
            Cells::Text(v) if v.is_valid(row) => self.put_text(out, name, v.value(row))?,
            Cells::Labels(codes, labels) if codes[row] != NA_I32 => {
                let label = labels.get((codes[row] as usize).wrapping_sub(1)).ok_or_else(stray)?;
                self.put_text(out, name, label)?;
            }
            Cells::Written { codes, written, ends } => {
                // What stands for a missing value comes before the labels.
                let code = if codes[row] == NA_I32 { 0 } else { codes[row] as usize };
                let start = if code == 0 { 0 } else { ends[code.min(ends.len()) - 1] };
                out.extend_from_slice(&written[start..*ends.get(code).ok_or_else(stray)?]);
            }
            _ => out.extend_from_slice(self.options.na.as_bytes()),
        }
        Ok(())
    }

    /// Gives the number from `start` on the decimal point that is wanted, and a zero behind it if it has no decimals.
    fn adapt_number(&self, out: &mut Vec<u8>, start: usize) {
        if self.options.strip_zeros && self.decimal == b'.' {
            return;
        }
        if !self.options.strip_zeros && out[start..].iter().all(|b| b.is_ascii_digit() || *b == b'-') {
            out.extend_from_slice(b".0");
        }
        if self.decimal != b'.'
            && let Some(point) = out[start..].iter().position(|&b| b == b'.')
        {
            out[start + point] = self.decimal;
        }
    }

    fn quotes(&self, text: &str) -> bool {
        self.quote.is_some_and(|quote| text.as_bytes().contains(&quote))
    }

    /// Appends text, quoted where it must be.
    fn put_text(&self, out: &mut Vec<u8>, column: &str, text: &str) -> Result<()> {
        let TextSinkOptions { delimiter, na, path, .. } = &self.options;
        let first = delimiter.as_bytes()[0];
        let special = |b: u8| b == first || b == b'\n' || b == b'\r' || self.quote == Some(b);
        let breaks = text.bytes().any(special)
            && (text.contains(['\n', '\r']) || self.quotes(text) || text.contains(delimiter.as_str()));
        let quote = match (self.options.quote, self.quote) {
            (Quote::Text, quote @ Some(_)) => quote,
            // An empty field would be misread as missing, and so would text that looks as if it were.
            (Quote::Needed, quote @ Some(_))
                if breaks || text == na || matches!(text.as_bytes(), [] | [b' ', ..] | [.., b' ']) =>
            {
                quote
            }
            (Quote::Never, _) | (_, None) if breaks => {
                let shown: String = text.chars().take(60).collect();
                let message = format!("Column '{column}' has text that must be quoted: '{}'.", shown.escape_debug());
                let error = Error::new(ErrorKind::Value, message).column(column).file(path);
                return Err(error.hint("Allow a quote mark."));
            }
            _ => None,
        };
        let Some(quote) = quote else {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        };
        out.push(quote);
        for (i, part) in text.as_bytes().split(|&b| b == quote).enumerate() {
            if i > 0 {
                out.extend_from_slice(&[quote, quote]);
            }
            out.extend_from_slice(part);
        }
        out.push(quote);
        Ok(())
    }

    /// The bytes of a file: where it is compressed, a member of their own, as gzip files may have many.
    pub(super) fn compressed(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        if !self.compress || bytes.is_empty() {
            return Ok(bytes);
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
        let done = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        done.map_err(|e| Error::io(&self.options.path, "write", &e))
    }
}

/// The values of a column on their way to text.
enum Cells<'a> {
    Logical(&'a [i32]),
    WholeDay(&'a [i32]),
    Integer(&'a [i32]),
    Long(&'a [i64]),
    Float(&'a [f32]),
    Number(&'a [f64]),
    Day(&'a [f64]),
    Time(&'a [f64]),
    Text(&'a StringArray),
    Labels(&'a [i32], &'a Labels),
    /// Fewer labels than rows, written once each, one behind the other.
    Written {
        codes: &'a [i32],
        written: Vec<u8>,
        ends: Vec<usize>,
    },
}

/// Appends what stands between values or rows, mostly one byte.
fn put_mark(out: &mut Vec<u8>, mark: &str) {
    match mark.as_bytes() {
        &[byte] => out.push(byte),
        bytes => out.extend_from_slice(bytes),
    }
}

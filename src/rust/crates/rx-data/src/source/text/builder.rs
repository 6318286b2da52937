//! Columns that grow field by field.

use super::options::TextOptions;
use super::parse;
use super::rewrite::Rewritten;
use super::spans::Span;
use super::split::Dialect;
use super::times::TimeFormat;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64};
use crate::dictionary::Dictionary;
use crate::error;
use crate::schema::{Field, Kind, Labels};
use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

/// What every field of a file is read by.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub dialect: Dialect,
    /// Texts that stand for a missing value.
    missing: Vec<Vec<u8>>,
    /// Whether one of these looks like a number, so that numbers must be compared before they are parsed.
    missing_number: bool,
    /// What groups the digits of numbers.
    pub thousands: Option<u8>,
    pub dates: TimeFormat,
    pub times: TimeFormat,
}

impl Rules {
    pub fn new(dialect: Dialect, options: &TextOptions) -> error::Result<Self> {
        let missing: Vec<_> = options.missing_strings.iter().map(|m| m.as_bytes().to_vec()).collect();
        let missing_number = missing.iter().any(|m| parse::number(parse::trim(m), dialect.decimal).is_some());
        let thousands = options.thousands_byte()?;
        Ok(Rules { dialect, missing, missing_number, thousands, dates: options.dates()?, times: options.times()? })
    }

    /// The same for another dialect.
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// Whether a text stands for a missing value.
    pub fn is_missing(&self, content: &[u8]) -> bool {
        // Most differ in their first byte: that is found without a call.
        self.missing.iter().any(|m| m.first() == content.first() && m == content)
    }
}

/// A field that cannot be a value of its column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// Among the fields taken at once.
    pub row: usize,
    pub value: Vec<u8>,
}

/// What is wrong with the text of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadText {
    /// Not UTF-8.
    Encoding,
    /// It has a NUL.
    Nul,
}

/// The values of one column so far.
#[derive(Debug)]
pub(super) enum Builder {
    Logical(Vec<i32>),
    /// With the bounds of the type.
    Integer(Vec<i32>, i32),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Numeric(Vec<f64>),
    Date(Vec<f64>),
    DateTime(Vec<f64>),
    Character(Strings),
    /// With the labels that are agreed, if they are.
    Factor(Vec<i32>, Dictionary, Option<Labels>),
    /// Another one, whose fields are changed first.
    Rewritten(Box<Rewritten>),
}

/// Strings one after the other.
#[derive(Debug)]
pub(super) struct Strings {
    /// The strings, and room to copy the next one as a whole chunk.
    bytes: Vec<u8>,
    used: usize,
    /// Where each string begins, and the last one ends.
    offsets: Vec<i32>,
    valid: Vec<bool>,
}

impl Builder {
    /// A builder for values of a field.
    pub fn new(field: &Field, rules: &Rules) -> Self {
        match field.kind {
            Kind::Logical => Builder::Logical(Vec::new()),
            Kind::Int16 => Builder::Integer(Vec::new(), i32::from(i16::MAX)),
            Kind::Integer => Builder::Integer(Vec::new(), i32::MAX),
            Kind::Int64 => Builder::Int64(Vec::new()),
            Kind::Float32 => Builder::Float32(Vec::new()),
            Kind::Numeric => Builder::Numeric(Vec::new()),
            Kind::Date => Builder::Date(Vec::new()),
            Kind::DateTime { .. } => Builder::DateTime(Vec::new()),
            Kind::Character => Builder::Character(Strings::default()),
            Kind::Factor { .. } => {
                let dictionary = match &field.levels {
                    Some(levels) => Dictionary::closed(levels),
                    None => Dictionary::open(&rules.missing),
                };
                Builder::Factor(Vec::new(), dictionary, field.levels.clone())
            }
        }
    }

    /// Makes room for so many rows.
    pub fn reserve(&mut self, rows: usize) {
        match self {
            Builder::Logical(v) | Builder::Integer(v, _) | Builder::Factor(v, ..) => v.reserve(rows),
            Builder::Int64(v) => v.reserve(rows),
            Builder::Float32(v) => v.reserve(rows),
            Builder::Numeric(v) | Builder::Date(v) | Builder::DateTime(v) => v.reserve(rows),
            Builder::Character(v) => {
                v.offsets.reserve(rows);
                v.valid.reserve(rows);
            }
            Builder::Rewritten(v) => v.builder.reserve(rows),
        }
    }

    /// Takes fields of `text` whose contents lie in `spans`. The first that cannot be a value of the column is an error.
    pub fn extend(&mut self, rules: &Rules, text: &[u8], spans: &[Span]) -> Result<(), Contradiction> {
        let decimal = rules.dialect.decimal;
        let mut row = 0;
        loop {
            let rest = &spans[row..];
            // As long as nothing is out of the ordinary, in a loop of its own for each type.
            row += match self {
                Builder::Integer(v, limit) if !rules.missing_number => extend_while(v, rest, |span| {
                    parse::plain_integer(text, span.range()).filter(|x| (-*limit..=*limit).contains(x))
                }),
                Builder::Numeric(v) if !rules.missing_number => {
                    extend_while(v, rest, |span| parse::plain_number(text, span.range(), decimal))
                }
                Builder::Character(v) => v.extend(rules, text, rest),
                // An open dictionary knows what stands for missing.
                Builder::Factor(v, dictionary, None) => extend_while(v, rest, |span| {
                    let (start, stop) = span.range();
                    (!span.is_doubled()).then(|| dictionary.code(&text[start..stop]))
                }),
                _ => 0,
            };
            let Some(&span) = spans.get(row) else { return Ok(()) };
            let content = rules.dialect.content(text, span);
            if !self.push(rules, &content) {
                return Err(Contradiction { row, value: content.into_owned() });
            }
            row += 1;
        }
    }

    /// Takes a field's content; false if it contradicts the column's type.
    pub fn push(&mut self, rules: &Rules, content: &[u8]) -> bool {
        match self {
            Builder::Rewritten(v) => return v.push(rules, content),
            Builder::Character(v) => v.push(content, !rules.is_missing(content)),
            // An open dictionary knows what stands for missing.
            Builder::Factor(v, dictionary, None) => v.push(dictionary.code(content)),
            Builder::Factor(v, dictionary, Some(_)) => {
                v.push(if rules.is_missing(content) { NA_I32 } else { dictionary.code(content) });
            }
            _ => {
                let trimmed = parse::trim(content);
                if trimmed.is_empty() || rules.is_missing(content) || rules.is_missing(trimmed) {
                    self.push_missing();
                } else {
                    return self.push_value(rules, trimmed);
                }
            }
        }
        true
    }

    fn push_value(&mut self, rules: &Rules, content: &[u8]) -> bool {
        let decimal = rules.dialect.decimal;
        match self {
            Builder::Logical(v) => append(v, parse::logical(content).or_else(|| zero_or_one(content)).map(i32::from)),
            Builder::Integer(v, limit) => {
                let limit = i64::from(*limit);
                append(v, parse::integer(content).filter(|x| (-limit..=limit).contains(x)).map(|x| x as i32))
            }
            Builder::Int64(v) => append(v, parse::integer(content).filter(|&x| x != NA_I64)),
            Builder::Float32(v) => append(v, parse::float32(content, decimal)),
            Builder::Numeric(v) => append(v, parse::number(content, decimal)),
            Builder::Date(v) => append(v, rules.dates.date(content)),
            Builder::DateTime(v) => append(v, rules.times.date_time(content)),
            Builder::Character(_) | Builder::Factor(..) | Builder::Rewritten(_) => true,
        }
    }

    /// Takes a missing value.
    pub fn push_missing(&mut self) {
        match self {
            Builder::Logical(v) | Builder::Integer(v, _) | Builder::Factor(v, ..) => v.push(NA_I32),
            Builder::Int64(v) => v.push(NA_I64),
            Builder::Float32(v) => v.push(NA_F32),
            Builder::Numeric(v) | Builder::Date(v) | Builder::DateTime(v) => v.push(NA_F64),
            Builder::Character(v) => v.push(b"", false),
            Builder::Rewritten(v) => v.builder.push_missing(),
        }
    }

    /// The column. The error has the row, counted from 0.
    pub fn finish(self) -> Result<Column, (usize, BadText)> {
        Ok(match self {
            Builder::Rewritten(v) => return v.builder.finish(),
            Builder::Logical(v) | Builder::Integer(v, _) => Column::I32(v.into()),
            Builder::Int64(v) => Column::I64(v.into()),
            Builder::Float32(v) => Column::F32(v.into()),
            Builder::Numeric(v) | Builder::Date(v) | Builder::DateTime(v) => Column::F64(v.into()),
            Builder::Character(v) => Column::Str(v.finish()?),
            Builder::Factor(v, _, Some(labels)) => Column::Dict { codes: v.into(), labels },
            Builder::Factor(v, dictionary, None) => {
                let mut labels = Vec::new();
                for (code, label) in (1..).zip(dictionary.labels()) {
                    let row = || v.iter().position(|&c| c == code).unwrap_or(0);
                    labels.push(check_text(label).map_err(|bad| (row(), bad))?.to_string());
                }
                Column::Dict { codes: v.into(), labels: Arc::new(labels) }
            }
        })
    }
}

/// Adds values as long as there are any; tells how many.
#[inline]
fn extend_while<T>(values: &mut Vec<T>, spans: &[Span], mut value: impl FnMut(Span) -> Option<T>) -> usize {
    let before = values.len();
    values.extend(spans.iter().map_while(|&span| value(span)));
    values.len() - before
}

/// Adds a value, if there is one.
fn append<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let there = value.is_some();
    values.extend(value);
    there
}

/// Numbers as logicals, for columns that are declared so.
fn zero_or_one(content: &[u8]) -> Option<bool> {
    match content {
        b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

fn check_text(bytes: &[u8]) -> Result<&str, BadText> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadText::Encoding)?;
    if text.as_bytes().contains(&0) { Err(BadText::Nul) } else { Ok(text) }
}

/// Strings up to this length are copied as chunks of it: a copy of a known length takes no call.
const CHUNK: usize = 16;

impl Default for Strings {
    fn default() -> Self {
        Strings { bytes: Vec::new(), used: 0, offsets: vec![0], valid: Vec::new() }
    }
}

impl Strings {
    /// Takes fields as long as they are as they stand; tells how many.
    fn extend(&mut self, rules: &Rules, text: &[u8], spans: &[Span]) -> usize {
        let before = self.valid.len();
        for span in spans.iter().take_while(|span| !span.is_doubled()) {
            let (start, stop) = span.range();
            let valid = !rules.is_missing(&text[start..stop]);
            match (text.get(start..start + CHUNK), self.bytes.get_mut(self.used..self.used + CHUNK)) {
                (Some(from), Some(to)) if valid && stop - start <= CHUNK => {
                    to.copy_from_slice(from);
                    self.used += stop - start;
                    self.end(true);
                }
                _ => self.push(&text[start..stop], valid),
            }
        }
        self.valid.len() - before
    }

    fn push(&mut self, content: &[u8], valid: bool) {
        if valid {
            let used = self.used + content.len();
            if self.bytes.len() < used + CHUNK {
                self.bytes.resize(2 * (used + CHUNK), 0);
            }
            self.bytes[self.used..used].copy_from_slice(content);
            self.used = used;
        }
        self.end(valid);
    }

    #[inline]
    fn end(&mut self, valid: bool) {
        // A block's text is far below 2 GiB: records longer than that are refused before.
        self.offsets.push(self.used as i32);
        self.valid.push(valid);
    }

    fn finish(self) -> Result<StringArray, (usize, BadText)> {
        let Strings { mut bytes, used, offsets, valid } = self;
        bytes.truncate(used);
        let first_bad = |bytes: &[u8], offsets: &[i32]| {
            let check = |(row, ends): (usize, &[i32])| {
                check_text(&bytes[ends[0] as usize..ends[1] as usize]).err().map(|bad| (row, bad))
            };
            offsets.windows(2).enumerate().find_map(check)
        };
        if bytes.contains(&0) {
            return Err(first_bad(&bytes, &offsets).unwrap_or((0, BadText::Nul)));
        }
        let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
        let (bytes, offsets) = (Buffer::from(bytes), ScalarBuffer::from(offsets));
        // Arrow checks the encoding, much faster than string by string.
        StringArray::try_new(OffsetBuffer::new(offsets.clone()), bytes.clone(), nulls)
            .map_err(|_| first_bad(&bytes, &offsets).unwrap_or((0, BadText::Encoding)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::layout::Layout;
    use super::super::spans::Spans;
    use super::*;
    use arrow::array::Array;

    const CSV: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), combine: false, decimal: b'.' };

    fn rules(missing: &[&str]) -> Rules {
        let missing_strings = missing.iter().map(|m| m.to_string()).collect();
        Rules::new(CSV, &TextOptions { missing_strings, ..TextOptions::default() }).unwrap()
    }

    fn build(kind: Kind, missing: &[&str], fields: &[&str]) -> Result<Column, Vec<u8>> {
        let rules = rules(missing);
        let mut builder = Builder::new(&Field::new("x", kind), &rules);
        take(&mut builder, &rules, fields.join("\n").as_bytes()).map_err(|wrong| wrong.value)?;
        Ok(builder.finish().unwrap())
    }

    /// Shows a builder a file of one column whose last line has no end.
    fn take(builder: &mut Builder, rules: &Rules, text: &[u8]) -> Result<(), Contradiction> {
        let text = [text, b"\n"].concat();
        let (mut spans, mut at) = (Spans::new(&[true]), 0);
        loop {
            // Blank lines are no records, so here each line is taken by itself.
            let line = text[at..].iter().position(|&b| b == b'\n').map_or(text.len(), |i| at + i + 1);
            if line == text.len() && at == line {
                return Ok(());
            }
            if text[at] == b'\n' {
                builder.extend(rules, &text, &[Span::default()])?;
            } else {
                spans.fill(&Layout::Delimited, &rules.dialect, &text[..line], at);
                builder.extend(rules, &text, spans.of(0))?;
            }
            at = line;
        }
    }

    fn i32s(column: Column) -> Vec<i32> {
        match column {
            Column::I32(v) => v.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn integers_stay_in_their_type() {
        let column = build(Kind::Integer, &["NA"], &["1", "\"2\"", "", "NA", " -3 ", "2147483647"]).unwrap();
        assert_eq!(i32s(column), [1, 2, NA_I32, NA_I32, -3, i32::MAX]);
        for bad in ["2147483648", "-2147483648", "1.0", "x", "1e3", "12 3"] {
            assert_eq!(build(Kind::Integer, &[], &["1", bad]).unwrap_err(), bad.as_bytes());
        }
        assert_eq!(i32s(build(Kind::Int16, &[], &["32767", "-32767"]).unwrap()), [32_767, -32_767]);
        assert_eq!(build(Kind::Int16, &[], &["32768"]).unwrap_err(), b"32768");
        match build(Kind::Int64, &["."], &["-9223372036854775807", "."]).unwrap() {
            Column::I64(v) => assert_eq!(v.to_vec(), [-i64::MAX, NA_I64]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_string_may_look_like_a_number() {
        assert_eq!(i32s(build(Kind::Integer, &["-999"], &["-999", "5", "\"-999\""]).unwrap()), [NA_I32, 5, NA_I32]);
    }

    #[test]
    fn missing_is_told_from_nan() {
        match build(Kind::Numeric, &["NA"], &["NaN", "NA", "", "Inf", "0.1"]).unwrap() {
            Column::F64(v) => {
                assert!(v[0].is_nan() && !crate::column::is_na_f64(v[0]));
                assert!(crate::column::is_na_f64(v[1]) && crate::column::is_na_f64(v[2]));
                assert_eq!(v[3..], [f64::INFINITY, 0.1]);
            }
            other => panic!("{other:?}"),
        }
        match build(Kind::Float32, &["NA"], &["0.1", "NA"]).unwrap() {
            Column::F32(v) => assert!(v[0] == 0.1f32 && crate::column::is_na_f32(v[1])),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_keeps_empty_strings() {
        match build(Kind::Character, &["NA"], &["é", "", "NA", "\"a\"\"b\""]).unwrap() {
            Column::Str(v) => {
                assert_eq!((v.value(0), v.value(1), v.value(3)), ("é", "", "a\"b"));
                assert!(v.is_valid(1) && v.is_null(2));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bad_text_is_found_in_its_row() {
        for kind in [Kind::Character, Kind::Factor { ordered: false }] {
            for (bytes, bad) in [(&b"a\xff\n"[..], BadText::Encoding), (b"a\0\n", BadText::Nul)] {
                let rules = rules(&[]);
                let mut builder = Builder::new(&Field::new("x", kind.clone()), &rules);
                take(&mut builder, &rules, &[b"a\nb\n", &bytes[..2]].concat()).unwrap();
                assert_eq!(builder.finish().unwrap_err(), (2, bad));
            }
        }
    }
}

//! What a user can say about a text file.

use super::encoding::encoding;
use super::times::{Century, DATE, DATE_TIME, TimeFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Kind, Labels};
use encoding_rs::Encoding;
use serde::Deserialize;
use std::collections::HashSet;
use std::path::PathBuf;

/// How to read text files. What is left out takes its default; what is not known is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// The files, plain or compressed by gzip; a folder stands for the files in it, a schema (`.sts`) for the file of
    /// fixed format that it describes.
    #[serde(rename = "path")]
    pub paths: Vec<PathBuf>,
    /// What separates fields: ASCII characters, of which each in turn follows a field. None: one that is sensed among
    /// comma, tab, semicolon and space.
    pub delimiter: Option<String>,
    /// Whether a run of delimiters counts once. (One of spaces always does.)
    pub combine_delimiters: bool,
    /// What encloses fields that hold delimiters or newlines, one ASCII character; None or empty: nothing does.
    pub quote: Option<String>,
    /// Whether the first row holds names; None: if it is all text and the second has a number, or if it has a name that
    /// `columns` has.
    pub first_row_is_col_names: Option<bool>,
    /// Texts that stand for a missing value.
    pub missing_strings: Vec<String>,
    /// How many rows decide the types.
    pub rows_to_sniff: usize,
    /// How many lines of every file to leave out before anything else.
    pub rows_to_skip: usize,
    /// What separates the decimals of a number, one ASCII character.
    pub decimal_point: String,
    /// What groups the digits of a number by thousands, one ASCII character.
    pub thousands_separator: Option<String>,
    /// How dates are written; see [`super::times`].
    pub date_format: String,
    /// How times are written.
    pub time_format: String,
    /// Years below this are of the 21st century, other years below 100 of the 20th.
    pub century_cutoff: i64,
    /// The name of the encoding.
    pub encoding: String,
    /// Whether text becomes a factor.
    pub strings_as_factors: bool,
    /// The type of columns with decimals: [`Kind::Numeric`] or [`Kind::Float32`].
    pub decimal_type: Kind,
    /// The type of columns that are all missing in the rows sniffed.
    pub missing_type: Kind,
    /// Whether columns begin at fixed places; None: if the options of columns say where.
    pub fixed: Option<bool>,
    /// What is said of single columns.
    pub columns: Vec<ColumnOptions>,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            paths: Vec::new(),
            delimiter: None,
            combine_delimiters: false,
            quote: Some("\"".into()),
            first_row_is_col_names: None,
            missing_strings: vec!["NA".into()],
            rows_to_sniff: 10_000,
            rows_to_skip: 0,
            decimal_point: ".".into(),
            thousands_separator: None,
            date_format: DATE.into(),
            time_format: DATE_TIME.into(),
            century_cutoff: 20,
            encoding: "utf-8".into(),
            strings_as_factors: false,
            decimal_type: Kind::Numeric,
            missing_type: Kind::Numeric,
            fixed: None,
            columns: Vec::new(),
        }
    }
}

/// What is said of one column; what is left out is sniffed.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnOptions {
    /// Its name in the file.
    pub name: Option<String>,
    /// Or its position, from 1.
    pub index: Option<usize>,
    /// Its type.
    pub kind: Option<Kind>,
    /// The levels of a factor; other values become missing.
    pub levels: Option<Labels>,
    /// Other labels for the levels.
    pub new_levels: Option<Labels>,
    /// Its name from here on.
    pub new_name: Option<String>,
    /// The user's description.
    pub description: Option<String>,
    /// Lower bound, as `F()` uses it.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
    /// Where it begins in a line of fixed format: characters, from 1.
    pub start: Option<usize>,
    /// How many characters it has; in delimited text: how many characters of a text are kept.
    pub width: Option<usize>,
    /// How many of the digits of a number without a decimal point are decimals, in fixed format.
    pub decimal_places: Option<u32>,
}

impl TextOptions {
    /// The options of a file, all at their defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        TextOptions { paths: vec![path.into()], ..TextOptions::default() }
    }

    /// The delimiters that follow the fields in turn, where they are given.
    pub(super) fn delimiter_bytes(&self) -> Result<Option<&[u8]>> {
        let Some(delimiters) = &self.delimiter else { return Ok(None) };
        let bytes = delimiters.as_bytes();
        if bytes.is_empty() || !bytes.iter().all(|&b| is_mark(b)) {
            return Err(not_ascii("delimiter", delimiters));
        }
        Ok(Some(bytes))
    }

    /// The quote character, where fields can be quoted.
    pub(super) fn quote_byte(&self) -> Result<Option<u8>> {
        self.quote.as_deref().filter(|q| !q.is_empty()).map(|q| single_byte("quoteMark", q)).transpose()
    }

    /// The decimal point.
    pub(super) fn decimal_byte(&self) -> Result<u8> {
        single_byte("decimalPoint", &self.decimal_point)
    }

    /// What groups digits.
    pub(super) fn thousands_byte(&self) -> Result<Option<u8>> {
        let given = self.thousands_separator.as_deref().filter(|t| !t.is_empty());
        given.map(|t| single_byte("thousandsSeparator", t)).transpose()
    }

    /// How dates are written.
    pub(super) fn dates(&self) -> Result<TimeFormat> {
        TimeFormat::new("readDateFormat", &self.date_format, Century(self.century_cutoff))
    }

    /// How times are written.
    pub(super) fn times(&self) -> Result<TimeFormat> {
        TimeFormat::new("readPOSIXctFormat", &self.time_format, Century(self.century_cutoff))
    }

    /// The encoding, unless it is UTF-8.
    pub(super) fn encoding(&self) -> Result<Option<&'static Encoding>> {
        encoding(&self.encoding)
    }

    /// Whether columns begin at fixed places.
    pub(super) fn is_fixed(&self) -> bool {
        self.fixed.unwrap_or_else(|| self.columns.iter().any(|column| column.start.is_some()))
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<()> {
        let (delimiters, quote, decimal) = (self.delimiter_bytes()?, self.quote_byte()?, self.decimal_byte()?);
        let thousands = self.thousands_byte()?;
        let delimiters = delimiters.unwrap_or_default();
        if quote.is_some_and(|q| delimiters.contains(&q) || q == decimal) || delimiters.contains(&decimal) {
            let message = "The delimiter, the quote mark and the decimal point must differ.";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        if thousands.is_some_and(|t| t == decimal || Some(t) == quote || t.is_ascii_digit()) {
            let message = "The thousands separator must differ from the decimal point, the quote mark and digits.";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        if !matches!(self.decimal_type, Kind::Numeric | Kind::Float32) {
            let message = format!("Columns with decimals cannot be of type {}.", self.decimal_type.name());
            return Err(Error::new(ErrorKind::Argument, message).hint("Use \"numeric\" or \"float32\"."));
        }
        let mut seen = HashSet::new();
        for column in &self.columns {
            column.check(self.is_fixed())?;
            if !seen.insert((&column.name, column.index)) {
                let message = format!("{} is described twice.", column.shown());
                return Err(Error::new(ErrorKind::Argument, message).hint("Describe it once in colInfo."));
            }
        }
        if self.is_fixed() && self.columns.is_empty() {
            let message = "Text of fixed format needs a description of its columns.";
            let hint = "Give every column's start and width in colInfo, or pass the name of an .sts file.";
            return Err(Error::new(ErrorKind::Argument, message).hint(hint));
        }
        Ok(())
    }
}

impl ColumnOptions {
    /// What is said of a column by its name.
    pub fn of(name: &str) -> Self {
        ColumnOptions { name: Some(name.into()), ..Default::default() }
    }

    /// The column in messages.
    pub(super) fn shown(&self) -> String {
        match (&self.name, self.index) {
            (Some(name), _) => format!("Column '{name}'"),
            (None, Some(index)) => format!("Column {index}"),
            (None, None) => "A column".into(),
        }
    }

    fn check(&self, fixed: bool) -> Result<()> {
        let wrong = |what: &str| {
            let error = Error::new(ErrorKind::Argument, format!("{} {what}.", self.shown()));
            Err(match &self.name {
                Some(name) => error.column(name),
                None => error,
            })
        };
        if self.name.is_none() && self.index.is_none() {
            return wrong("has neither name nor index");
        }
        if self.levels.is_some() && !matches!(self.kind, None | Some(Kind::Factor { .. })) {
            let told = wrong("is given levels, but is no factor");
            return told.map_err(|e| e.hint("Use type = \"factor\" or \"ordered\"."));
        }
        for (levels, named) in [(&self.levels, "level"), (&self.new_levels, "new level")] {
            let mut seen = HashSet::new();
            if let Some(twice) = levels.iter().flat_map(|l| l.iter()).find(|l| !seen.insert(l.as_str())) {
                return wrong(&format!("is given the {named} '{twice}' twice"));
            }
        }
        let counts = (self.levels.as_ref().map(|l| l.len()), self.new_levels.as_ref().map(|l| l.len()));
        match counts {
            (None, Some(_)) => return wrong("is given newLevels without levels"),
            (Some(old), Some(new)) if old != new => {
                return wrong(&format!("is given {new} newLevels for {old} levels"));
            }
            _ => {}
        }
        match (self.start, self.width) {
            (_, Some(0)) => return wrong("has no width"),
            (Some(0), _) => return wrong("starts at 0, but the first character of a line is 1"),
            (Some(_), None) => return wrong("has a start, but no width"),
            (None, _) if fixed => {
                let told = wrong("has no start and width, as all columns of fixed format must");
                return told.map_err(|e| e.hint("Give them in colInfo."));
            }
            (Some(_), _) if !fixed => return wrong("has a start, which delimited text cannot have"),
            (_, Some(_)) if !fixed && !matches!(self.kind, None | Some(Kind::Character | Kind::Factor { .. })) => {
                return wrong("has a width, which in delimited text is for text only");
            }
            _ => {}
        }
        let number = matches!(self.kind, None | Some(Kind::Numeric | Kind::Float32));
        if self.decimal_places.is_some() && !(fixed && number) {
            return wrong("has decimalPlaces, which numeric columns of fixed format can have");
        }
        match (&self.kind, &self.name) {
            (Some(Kind::DateTime { tz: Some(tz) }), _) if !matches!(tz.as_str(), "UTC" | "GMT") => {
                let message = format!("{}: times in text are read as UTC only, not as '{tz}'.", self.shown());
                Err(Error::new(ErrorKind::Unsupported, message))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a byte can give a file its structure.
fn is_mark(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0)
}

fn single_byte(argument: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if is_mark(*byte) => Ok(*byte),
        _ => Err(not_ascii(argument, text)),
    }
}

fn not_ascii(argument: &str, text: &str) -> Error {
    let many = if argument == "delimiter" { "ASCII characters" } else { "one ASCII character" };
    Error::new(ErrorKind::Unsupported, format!("{argument} must be {many}, not '{}'.", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_partial_list_is_enough_and_an_unknown_option_is_refused() {
        let options: TextOptions = serde_json::from_str(
            r#"{"path": ["x.csv"], "columns": [{"name": "a", "kind": {"factor": {"ordered": false}}, "levels": ["u"]}]}"#,
        )
        .unwrap();
        assert_eq!(options.missing_strings, ["NA"]);
        assert_eq!(options.columns[0].levels.as_ref().unwrap().len(), 1);
        assert!(options.check().is_ok());
        let error =
            serde_json::from_str::<TextOptions>(r#"{"path": ["x.csv"], "thousand_separator": ","}"#).unwrap_err();
        assert!(error.to_string().contains("thousand_separator"));
    }

    #[test]
    fn impossible_values_are_refused() {
        let check = |change: fn(&mut TextOptions)| {
            let mut options = TextOptions::new("x.csv");
            change(&mut options);
            options.check().unwrap_err().kind
        };
        assert_eq!(check(|o| o.delimiter = Some("·".into())), ErrorKind::Unsupported);
        assert_eq!(check(|o| o.delimiter = Some("".into())), ErrorKind::Unsupported);
        assert_eq!(check(|o| o.quote = Some("«".into())), ErrorKind::Unsupported);
        assert_eq!(check(|o| (o.delimiter, o.decimal_point) = (Some(",".into()), ",".into())), ErrorKind::Argument);
        assert_eq!(check(|o| o.decimal_type = Kind::Integer), ErrorKind::Argument);
        assert_eq!(check(|o| o.thousands_separator = Some(".".into())), ErrorKind::Argument);
        assert_eq!(check(|o| o.fixed = Some(true)), ErrorKind::Argument);
    }

    #[test]
    fn columns_are_checked() {
        let labels = |labels: &[&str]| Some(std::sync::Arc::new(labels.iter().map(|l| l.to_string()).collect()));
        let x = || ColumnOptions::of("x");
        let fault = |column: ColumnOptions| {
            let error = TextOptions { columns: vec![column], ..TextOptions::new("x.csv") }.check().unwrap_err();
            assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Argument, Some("x")), "{error}");
            error.message
        };
        fault(ColumnOptions { kind: Some(Kind::Integer), levels: labels(&["a"]), ..x() });
        assert!(fault(ColumnOptions { levels: labels(&["a", "b", "a"]), ..x() }).ends_with("the level 'a' twice."));
        assert!(fault(ColumnOptions { new_levels: labels(&["a"]), ..x() }).ends_with("newLevels without levels."));
        let two_for_one = ColumnOptions { levels: labels(&["a"]), new_levels: labels(&["a", "b"]), ..x() };
        assert!(fault(two_for_one).ends_with("2 newLevels for 1 levels."));
        assert!(fault(ColumnOptions { start: Some(1), ..x() }).ends_with("a start, but no width."));
        assert!(fault(ColumnOptions { start: Some(0), width: Some(1), ..x() }).contains("starts at 0"));
        assert!(fault(ColumnOptions { width: Some(2), kind: Some(Kind::Date), ..x() }).contains("for text only"));
        assert!(fault(ColumnOptions { decimal_places: Some(2), ..x() }).contains("decimalPlaces"));
        let fixed = ColumnOptions { start: Some(1), width: Some(2), ..x() };
        let mixed = vec![fixed.clone(), ColumnOptions::of("y")];
        let error = TextOptions { columns: mixed, ..TextOptions::new("x.dat") }.check().unwrap_err();
        assert!(error.message.contains("no start and width"));
        let twice = TextOptions { columns: vec![fixed.clone(), fixed], ..TextOptions::new("x.dat") };
        assert!(twice.check().unwrap_err().message.ends_with("described twice."));
    }
}

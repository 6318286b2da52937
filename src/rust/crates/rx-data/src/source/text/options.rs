//! What a user can say about a text file.

use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Kind, Labels};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to read a text file. What is left out takes its default; what is not known is refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOptions {
    /// The file, plain or compressed by gzip.
    pub path: PathBuf,
    /// What separates fields, one ASCII character; None: sensed among comma, tab, semicolon and space.
    pub delimiter: Option<String>,
    /// What encloses fields that hold delimiters or newlines, one ASCII character; None or empty: nothing does.
    pub quote: Option<String>,
    /// Whether the first row holds names; None: if it is all text and the second has a number.
    pub first_row_is_col_names: Option<bool>,
    /// Texts that stand for a missing value.
    pub missing_strings: Vec<String>,
    /// How many rows decide the types.
    pub rows_to_sniff: usize,
    /// How many lines to leave out before anything else.
    pub rows_to_skip: usize,
    /// What separates the decimals of a number, one ASCII character.
    pub decimal_point: String,
    /// Whether text becomes a factor.
    pub strings_as_factors: bool,
    /// The type of columns with decimals: [`Kind::Numeric`] or [`Kind::Float32`].
    pub decimal_type: Kind,
    /// The type of columns that are all missing in the rows sniffed.
    pub missing_type: Kind,
    /// What is said of single columns, by their name in the file.
    pub columns: BTreeMap<String, ColumnOptions>,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            path: PathBuf::new(),
            delimiter: None,
            quote: Some("\"".into()),
            first_row_is_col_names: None,
            missing_strings: vec!["NA".into()],
            rows_to_sniff: 10_000,
            rows_to_skip: 0,
            decimal_point: ".".into(),
            strings_as_factors: false,
            decimal_type: Kind::Numeric,
            missing_type: Kind::Numeric,
            columns: BTreeMap::new(),
        }
    }
}

/// What is said of one column; what is left out is sniffed.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnOptions {
    /// Its type.
    pub kind: Option<Kind>,
    /// The levels of a factor; other values become missing.
    pub levels: Option<Labels>,
    /// Its name from here on.
    pub new_name: Option<String>,
    /// The user's description.
    pub description: Option<String>,
    /// Lower bound, as `F()` uses it.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
}

impl TextOptions {
    /// The options of a file, all at their defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        TextOptions { path: path.into(), ..TextOptions::default() }
    }

    /// The delimiter, where one is given.
    pub(super) fn delimiter_byte(&self) -> Result<Option<u8>> {
        self.delimiter.as_deref().map(|d| single_byte("delimiter", d)).transpose()
    }

    /// The quote character, where fields can be quoted.
    pub(super) fn quote_byte(&self) -> Result<Option<u8>> {
        self.quote.as_deref().filter(|q| !q.is_empty()).map(|q| single_byte("quoteMark", q)).transpose()
    }

    /// The decimal point.
    pub(super) fn decimal_byte(&self) -> Result<u8> {
        single_byte("decimalPoint", &self.decimal_point)
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<()> {
        let (delimiter, quote, decimal) = (self.delimiter_byte()?, self.quote_byte()?, self.decimal_byte()?);
        if quote.is_some() && quote == delimiter || delimiter == Some(decimal) || quote == Some(decimal) {
            let message = "The delimiter, the quote mark and the decimal point must differ.";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        if !matches!(self.decimal_type, Kind::Numeric | Kind::Float32) {
            let message = format!("Columns with decimals cannot be of type {}.", self.decimal_type.name());
            return Err(Error::new(ErrorKind::Argument, message).hint("Use \"numeric\" or \"float32\"."));
        }
        self.columns.iter().try_for_each(|(name, column)| column.check(name))
    }
}

impl ColumnOptions {
    fn check(&self, name: &str) -> Result<()> {
        let wrong = |kind, message: String| Error::new(kind, message).column(name);
        if self.levels.is_some() && !matches!(self.kind, None | Some(Kind::Factor { .. })) {
            let message = format!("Column '{name}' is given levels, but is no factor.");
            return Err(wrong(ErrorKind::Argument, message).hint("Use type = \"factor\" or \"ordered\"."));
        }
        if let Some(levels) = &self.levels {
            let mut seen = std::collections::HashSet::new();
            if let Some(twice) = levels.iter().find(|l| !seen.insert(l.as_str())) {
                return Err(wrong(ErrorKind::Argument, format!("Column '{name}' is given the level '{twice}' twice.")));
            }
        }
        match &self.kind {
            Some(Kind::DateTime { tz: Some(tz) }) if !matches!(tz.as_str(), "UTC" | "GMT") => {
                let message = format!("Column '{name}': times in text are read as UTC only, not as '{tz}'.");
                Err(wrong(ErrorKind::Unsupported, message))
            }
            _ => Ok(()),
        }
    }
}

fn single_byte(argument: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => {
            let message = format!("{argument} must be one ASCII character, not '{}'.", text.escape_debug());
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_partial_list_is_enough_and_an_unknown_option_is_refused() {
        let options: TextOptions = serde_json::from_str(
            r#"{"path": "x.csv", "columns": {"a": {"kind": {"factor": {"ordered": false}}, "levels": ["u", "v"]}}}"#,
        )
        .unwrap();
        assert_eq!(options.missing_strings, ["NA"]);
        assert_eq!(options.columns["a"].levels.as_ref().unwrap().len(), 2);
        assert!(options.check().is_ok());
        let error =
            serde_json::from_str::<TextOptions>(r#"{"path": "x.csv", "thousands_separator": ","}"#).unwrap_err();
        assert!(error.to_string().contains("thousands_separator"));
    }

    #[test]
    fn impossible_values_are_refused() {
        let check = |change: fn(&mut TextOptions)| {
            let mut options = TextOptions::new("x.csv");
            change(&mut options);
            options.check().unwrap_err().kind
        };
        assert_eq!(check(|o| o.delimiter = Some(";,".into())), ErrorKind::Unsupported);
        assert_eq!(check(|o| o.quote = Some("«".into())), ErrorKind::Unsupported);
        assert_eq!(check(|o| (o.delimiter, o.decimal_point) = (Some(",".into()), ",".into())), ErrorKind::Argument);
        assert_eq!(check(|o| o.decimal_type = Kind::Integer), ErrorKind::Argument);
        assert_eq!(
            check(|o| {
                let levels = Some(std::sync::Arc::new(vec!["a".to_string()]));
                let column = ColumnOptions { kind: Some(Kind::Integer), levels, ..Default::default() };
                o.columns.insert("x".into(), column);
            }),
            ErrorKind::Argument
        );
    }
}

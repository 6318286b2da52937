//! What can be wrong with the rows of a text file.

use super::builder::BadText;
use super::file::TextFile;
use super::layout::Layout;
use super::parse;
use super::times::{DATE, DATE_TIME};
use crate::error::{Error, ErrorKind};
use crate::schema::Kind;

/// How much of a wrong value is shown.
const SHOWN: usize = 60;

/// Something wrong in a row of a block.
#[derive(Debug)]
pub(super) struct Fault {
    /// Counted from 0 in the block.
    pub row: usize,
    pub what: What,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum What {
    /// A record has too few or too many fields.
    Fields { found: usize },
    /// A value is not of its column's type.
    Contradicts { column: usize, value: Vec<u8> },
    /// Text that R cannot hold.
    Text { column: usize, bad: BadText },
    /// A quoted field goes on until the end of the file.
    Unclosed,
    /// A record goes on and on.
    TooLong,
}

impl What {
    /// The fault of a row.
    pub fn in_row(self, row: usize) -> Fault {
        Fault { row, what: self }
    }
}

impl Fault {
    /// The error that a user sees; `before` rows came before the block.
    pub fn into_error(self, file: &TextFile, before: u64) -> Error {
        let row = before + self.row as u64 + 1;
        let place = format!("Row {row} of '{}'", file.path.display());
        let value_error = |message: String| Error::new(ErrorKind::Value, message).file(&file.path).row(row);
        let in_column = |column: usize, what: &str| {
            let name = &file.fields[column].name;
            value_error(format!("{place}, column '{name}': {what}.")).column(name)
        };
        match self.what {
            What::Fields { found } => {
                let expected = file.fields.len();
                let fields = if found == 1 { "field" } else { "fields" };
                value_error(format!("{place} has {found} {fields} where {expected} are expected."))
                    .hint("Mend the row, or check the delimiter and quoteMark.")
            }
            What::Contradicts { column, value } => {
                let (kind, name) = (&file.fields[column].kind, &file.fields[column].name);
                let better = match kind {
                    Kind::Logical | Kind::Int16 | Kind::Integer | Kind::Int64
                        if parse::number(parse::trim(&value), file.rules.dialect.decimal).is_some() =>
                    {
                        "numeric"
                    }
                    _ => "character",
                };
                let cure = match (kind, &file.layout) {
                    (Kind::Date, _) => "readDateFormat as the dates are written".into(),
                    (Kind::DateTime { .. }, _) => "readPOSIXctFormat as the times are written".into(),
                    (_, Layout::Fixed(_)) => {
                        format!("type = \"{better}\" in colInfo, or its start and width if they are wrong")
                    }
                    _ => format!("colClasses = c({} = \"{better}\")", quoted_name(name)),
                };
                in_column(column, &format!("'{}' is not {}", shown(&value), described(kind, file)))
                    .hint(format!("Pass {cure}, or missingValueString if this text stands for a missing value."))
            }
            What::Text { column, bad: BadText::Encoding } => {
                let encoding = file.encoding.map_or("UTF-8", |encoding| encoding.name());
                in_column(column, &format!("the text is not {encoding}"))
                    .hint("Pass the inputEncoding that it has, for example \"latin1\".")
            }
            What::Text { column, bad: BadText::Nul } => {
                in_column(column, "the text has a NUL byte").hint("The file may be damaged: write it again.")
            }
            What::Unclosed => value_error(format!("{place} has a quoted field that is not closed."))
                .hint("Close the field, or pass quoteMark = \"\" if quotes have no meaning in this file."),
            What::TooLong => value_error(format!("{place} does not end within 256 MiB."))
                .hint("The file may be damaged, or a quoted field not closed."),
        }
    }
}

/// A kind with its article.
fn described(kind: &Kind, file: &TextFile) -> String {
    let fixed = match kind {
        Kind::Logical => "TRUE or FALSE",
        Kind::Int16 => "an integer of 16 bits",
        Kind::Integer => "an integer of 32 bits",
        Kind::Int64 => "an integer of 64 bits",
        Kind::Float32 | Kind::Numeric => "a number",
        Kind::Date if file.rules.dates.text() == DATE => "a date such as 2013-01-31",
        Kind::Date => return format!("a date like {}", file.rules.dates.text()),
        Kind::DateTime { .. } if file.rules.times.text() == DATE_TIME => "a time such as 2013-01-31 12:00:00",
        Kind::DateTime { .. } => return format!("a time like {}", file.rules.times.text()),
        Kind::Character | Kind::Factor { .. } => "text",
    };
    fixed.into()
}

/// The beginning of a value, as text.
fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

/// A name as R code needs it.
fn quoted_name(name: &str) -> String {
    let syntactic = name.starts_with(|c: char| c.is_alphabetic())
        && name.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_');
    if syntactic { name.to_string() } else { format!("`{name}`") }
}

//! What is known of columns without reading them.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The labels of a categorical column, in level order.
pub type Labels = Arc<Vec<String>>;

/// The type of a column as a user knows it. How its values are stored is the [`crate::Column`]'s business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// TRUE, FALSE and missing, stored as 1 and 0.
    Logical,
    /// Integers that a file stores in 16 bits.
    Int16,
    /// 32-bit integers.
    Integer,
    /// 64-bit integers.
    Int64,
    /// Numbers that a file stores in 32 bits.
    Float32,
    /// Doubles.
    Numeric,
    /// Text.
    Character,
    /// A factor; `ordered` as in R.
    Factor {
        /// Whether the levels have an order.
        ordered: bool,
    },
    /// Days since 1970-01-01.
    Date,
    /// Seconds since 1970-01-01 UTC, shown in a time zone.
    DateTime {
        /// The time zone to show; none is the session's own.
        tz: Option<String>,
    },
}

impl Kind {
    /// Whether values of this kind are numbers to an analysis.
    pub fn is_numeric(&self) -> bool {
        !matches!(self, Kind::Character | Kind::Factor { .. })
    }

    /// The name of the type in messages, `colClasses` and `rxGetVarInfo`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Logical => "logical",
            Kind::Int16 => "int16",
            Kind::Integer => "integer",
            Kind::Int64 => "int64",
            Kind::Float32 => "float32",
            Kind::Numeric => "numeric",
            Kind::Character => "character",
            Kind::Factor { ordered: false } => "factor",
            Kind::Factor { ordered: true } => "ordered",
            Kind::Date => "Date",
            Kind::DateTime { .. } => "POSIXct",
        }
    }
}

/// One column's name, type and metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// The levels of a factor, where they are agreed before reading. None: blocks bring labels of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Labels>,
    /// Lower bound, as `F()` and histograms use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// The user's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Field {
    /// A field without metadata.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Field { name: name.into(), kind, levels: None, low: None, high: None, description: None }
    }

    /// The same with agreed levels.
    pub fn with_levels(mut self, levels: Labels) -> Self {
        self.levels = Some(levels);
        self
    }
}

/// The columns of a source, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// One entry a column.
    pub fields: Vec<Field>,
}

impl Schema {
    /// A schema of these fields.
    pub fn new(fields: Vec<Field>) -> Self {
        Schema { fields }
    }

    /// The column's position, or an error that names the nearest column there is.
    pub fn index_of(&self, name: &str) -> Result<usize> {
        self.fields.iter().position(|f| f.name == name).ok_or_else(|| self.missing(name))
    }

    /// The positions of several columns.
    pub fn indices_of<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<usize>> {
        names.iter().map(|n| self.index_of(n.as_ref())).collect()
    }

    /// The positions of the columns named, or of all.
    pub fn positions<S: AsRef<str>>(&self, names: Option<&[S]>) -> Result<Vec<usize>> {
        names.map_or_else(|| Ok((0..self.fields.len()).collect()), |names| self.indices_of(names))
    }

    fn missing(&self, name: &str) -> Error {
        let error = Error::new(ErrorKind::MissingColumn, format!("Column '{name}' is not in the data.")).column(name);
        match nearest(name, self.fields.iter().map(|f| f.name.as_str())) {
            Some(near) => error.hint(format!("Did you mean '{near}'?")),
            None => error.hint(match self.fields.len() {
                0 => "The data have no columns.".to_string(),
                n => {
                    let shown: Vec<_> = self.fields.iter().take(20).map(|f| f.name.as_str()).collect();
                    let more = if n > 20 { ", ..." } else { "" };
                    format!("The columns are: {}{more}.", shown.join(", "))
                }
            }),
        }
    }
}

/// The candidate that is nearest to a misspelt name, if any is near: at most a third of the letters differ.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    candidates
        .map(|c| (edit_distance(&wanted, &c.to_lowercase().chars().collect::<Vec<_>>()), c))
        .filter(|(d, c)| *d <= wanted.len().max(c.chars().count()).div_ceil(3))
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Levenshtein's distance (Wagner and Fischer 1974), one row of the table at a time.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_misspelt_column_is_answered_with_the_nearest_name() {
        let schema = Schema::new(vec![Field::new("dep_delay", Kind::Integer), Field::new("arr_delay", Kind::Integer)]);
        let error = schema.index_of("arr_dely").unwrap_err();
        assert_eq!(error.kind, ErrorKind::MissingColumn);
        assert_eq!(error.hint.as_deref(), Some("Did you mean 'arr_delay'?"));
        assert_eq!(schema.index_of("dep_delay").unwrap(), 0);
    }

    #[test]
    fn nothing_near_lists_the_columns() {
        let schema = Schema::new(vec![Field::new("x", Kind::Integer)]);
        assert_eq!(schema.index_of("carrier").unwrap_err().hint.as_deref(), Some("The columns are: x."));
    }
}

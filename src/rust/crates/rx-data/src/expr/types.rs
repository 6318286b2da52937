//! Types of expressions. They are R's, known before any row is read.

use crate::schema::{Field, Kind, Labels};

/// The type of an expression's values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    /// TRUE, FALSE, NA; held as integers.
    Logical,
    /// Integers.
    Integer,
    /// Doubles.
    Double,
    /// Texts.
    Text,
    /// A factor; held as text.
    Factor {
        /// None: blocks bring labels of their own.
        levels: Option<Labels>,
        /// Whether it is ordered.
        ordered: bool,
    },
    /// Days since 1970-01-01, as doubles.
    Date,
    /// Seconds since 1970-01-01 UTC, as doubles.
    Time {
        /// The time zone to show.
        tz: Option<String>,
    },
    /// Time between two points (`difftime`) in units of the expression's, as doubles.
    Span,
}

impl Type {
    /// The type that R gives to a column.
    pub fn of(field: &Field) -> Type {
        match &field.kind {
            Kind::Logical => Type::Logical,
            Kind::Int16 | Kind::Integer => Type::Integer,
            Kind::Int64 | Kind::Float32 | Kind::Numeric => Type::Double,
            Kind::Character => Type::Text,
            Kind::Factor { ordered } => Type::Factor { levels: field.levels.clone(), ordered: *ordered },
            Kind::Date => Type::Date,
            Kind::DateTime { tz } => Type::Time { tz: tz.clone() },
        }
    }

    /// A column of this type.
    pub fn field(&self, name: &str) -> Field {
        let kind = match self {
            Type::Logical => Kind::Logical,
            Type::Integer => Kind::Integer,
            Type::Double | Type::Span => Kind::Numeric,
            Type::Text => Kind::Character,
            Type::Factor { ordered, .. } => Kind::Factor { ordered: *ordered },
            Type::Date => Kind::Date,
            Type::Time { tz } => Kind::DateTime { tz: tz.clone() },
        };
        let mut field = Field::new(name, kind);
        if let Type::Factor { levels, .. } = self {
            field.levels = levels.clone();
        }
        field
    }

    /// Whether R calculates with it as it is.
    pub fn is_number(&self) -> bool {
        matches!(self, Type::Logical | Type::Integer | Type::Double)
    }

    /// Whether its values are held as integers.
    pub fn is_whole(&self) -> bool {
        matches!(self, Type::Logical | Type::Integer)
    }

    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Type::Logical => "logical",
            Type::Integer => "integer",
            Type::Double => "numeric",
            Type::Text => "character",
            Type::Factor { .. } => "factor",
            Type::Date => "Date",
            Type::Time { .. } => "POSIXct",
            Type::Span => "difftime",
        }
    }
}

//! What R passes on of the code that a user wrote.

use serde::{Deserialize, Serialize};

/// One thing to be done with the rows; steps are done in order, each on what those before it made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Makes or changes a column.
    Assign {
        /// The column.
        name: String,
        /// Its values.
        expr: Expr,
        /// Whether infinite values become missing, as in formulas.
        #[serde(default)]
        finite: bool,
    },
    /// Removes a column.
    Remove(String),
    /// Keeps the rows for which this is TRUE; missing selects nothing. Without an expression a function of the user's tells.
    Select {
        /// A logical expression.
        expr: Option<Expr>,
    },
    /// Keeps the rows without any missing value.
    Complete,
    /// Keeps these columns, in this order, as far as there are such.
    Keep(Vec<String>),
    /// Removes these columns.
    Hide(Vec<String>),
    /// Code that only R can run.
    Opaque,
}

/// An expression of R.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A column by name.
    Column(String),
    /// What is known of a row's place.
    Row(Place),
    /// Values from R's memory; one of them is recycled, several are a set or a table.
    Constant(Constant),
    /// A function of base R and its arguments in the order of its formal ones; none where there is a default.
    Call {
        /// Its name in R.
        fun: String,
        /// The arguments.
        args: Vec<Option<Expr>>,
    },
    /// `cut()` with given breaks.
    Cut {
        /// The numbers to cut.
        x: Box<Expr>,
        /// The breaks, sorted.
        breaks: Vec<f64>,
        /// The labels; none for codes (`labels = FALSE`).
        levels: Option<Vec<String>>,
        /// Whether intervals contain their right end and not the left one.
        right: bool,
        /// Whether the outermost break belongs to its interval.
        include_lowest: bool,
        /// Whether the factor is ordered.
        ordered: bool,
    },
    /// What R alone can tell, and why.
    Foreign(String),
    /// `factor()` with given levels.
    Factor {
        /// The values.
        x: Box<Expr>,
        /// The values that have a level, as text.
        values: Vec<String>,
        /// The level of each of them, from 1.
        codes: Vec<i32>,
        /// The labels.
        levels: Vec<String>,
        /// Whether it is ordered; none means as `x`.
        ordered: Option<bool>,
    },
}

/// A row's place among all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `.rxStartRow`: number of the first row of its chunk.
    StartRow,
    /// `.rxChunkNum`: number of its chunk.
    ChunkNum,
}

/// Values from R's memory; none is missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    /// TRUE and FALSE.
    Logical(Vec<Option<bool>>),
    /// Integers.
    Integer(Vec<Option<i32>>),
    /// Doubles.
    Double(Vec<Option<f64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<f64>>),
    /// Seconds since 1970-01-01 UTC.
    Time(Vec<Option<f64>>),
}

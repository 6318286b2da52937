//! The variables of a model, and which columns they come from.

use crate::levels::Finding;
use rx_data::Labels;
use serde::{Deserialize, Serialize};

/// A numeric variable of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Numeric {
    /// Position among the columns of the scan.
    pub column: usize,
    /// The variable's name, for messages.
    pub name: String,
    /// What its values can be.
    pub precision: Precision,
}

/// What the values of a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// Whole numbers of 32 bits, so that sums are exact.
    Whole,
    /// Numbers with the precision of 32 bits only.
    Single,
    /// Doubles.
    Double,
}

/// A categorical variable of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Category {
    /// Position among the columns of the scan.
    pub column: usize,
    /// The variable's name, for messages.
    pub name: String,
    /// The levels, in the order of their codes; empty until they are found.
    pub levels: Labels,
    /// How values become levels.
    pub coding: Coding,
}

impl Category {
    /// How many positions a state has for its levels.
    pub fn size(&self) -> usize {
        match self.coding {
            Coding::Found { room, .. } => room as usize,
            _ => self.levels.len(),
        }
    }
}

/// How the values of a column become levels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Coding {
    /// By label. A label that is not among the levels is missing, or has the position given here.
    Label(Option<u32>),
    /// `F(x)`: the level of value v is floor(v) - low. A value outside is missing, or has the position given here.
    Integer {
        /// Value of the first level.
        low: f64,
        /// Number of levels between low and high.
        count: u32,
        /// Position of all other values.
        outside: Option<u32>,
    },
    /// By a code of the pass that finds the levels, see [`crate::levels`].
    Found {
        /// What the levels will be.
        finding: Finding,
        /// How many codes there are at most, as far as is known.
        room: u32,
    },
}

/// The two kinds of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightKind {
    /// Probability weights, used as they are.
    Probability,
    /// Frequency weights: a row that stands for so many.
    Frequency,
}

/// The weight variable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weight {
    /// The variable.
    pub variable: Numeric,
    /// Its kind.
    pub kind: WeightKind,
}

/// Which rows an estimator sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rows {
    /// All, missing values included.
    All,
    /// Only rows without a missing value in any variable.
    Complete,
    /// The same, and an infinite value is an error.
    Finite,
}

/// The variables of a model and where they come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Design {
    /// Columns of the source to scan, by position in its schema.
    pub columns: Vec<usize>,
    /// Numeric variables.
    pub numeric: Vec<Numeric>,
    /// Categorical variables.
    pub categories: Vec<Category>,
    /// Weights. A row whose weight is missing is a missing row; one whose weight is zero does not exist.
    pub weight: Option<Weight>,
    /// Which rows count.
    pub rows: Rows,
}

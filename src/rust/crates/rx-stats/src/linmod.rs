//! Least squares from cross products (`rxLinMod`).
//!
//! With an intercept everything is solved about the means: `b = S^-1 s` with S the centred cross products of the columns
//! scaled to unit diagonal, `b0 = ybar - xbar'b`, `Var b0 = sigma^2 (1/W + xbar' S^-1 xbar)`. All levels of a factor have a
//! column; which of them are linear combinations of others is decided at the end, in an order that gives up the
//! reference levels first.

use crate::cells::Classification;
use crate::crossprod::{CellSet, CrossProducts, Product, State};
use crate::design::{Coding, Design};
use crate::estimator::{Estimator, ModelBatch};
use crate::levels::Moves;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

#[cfg(feature = "solve")]
mod finish;
#[cfg(feature = "solve")]
mod keep;
#[cfg(feature = "solve")]
pub use finish::LinearModel;
#[cfg(feature = "solve")]
pub(crate) use finish::no_rows;

/// Rows times columns squared, halved, up to which a model is always accumulated and solved in double-double.
const SMALL: f64 = 1.5e7;

/// How many levels a factor is taken to have before they are found.
const UNKNOWN_LEVELS: f64 = 16.0;

/// A term of the right-hand side: the product of its numeric variables in each cell of its categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Numeric variables, by position in the design.
    pub numeric: Vec<usize>,
    /// Categories, by position in the design.
    pub categories: Vec<usize>,
}

/// What is to be fitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Formula {
    /// Whether there is an intercept.
    pub intercept: bool,
    /// The terms, in the order of the coefficients.
    pub terms: Vec<Term>,
    /// The responses, by position among the design's numeric variables.
    pub responses: Vec<usize>,
    /// Whether the first level of a factor is the reference, not the last.
    pub drop_first: bool,
    /// Whether redundant main effects are given up before their interactions.
    pub drop_main: bool,
    /// Whether the cells of the first term take the place of the intercept.
    #[serde(default)]
    pub cube: bool,
    /// Whether a cube's other columns are wanted at the means of their variables.
    #[serde(default)]
    pub at_means: bool,
    /// Whether the covariance matrix of the coefficients is wanted.
    pub covariance: bool,
    /// Whether the centred cross products of the columns are wanted.
    pub centred_products: bool,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinMod {
    pub(crate) products: CrossProducts,
    formula: Formula,
    /// The responses among the values of the first cell set.
    responses: Vec<usize>,
    /// How many of these are model columns.
    width: usize,
    /// The memory for matrices in bytes.
    limit: u64,
    /// Which columns are given up, where that is decided before.
    #[serde(default)]
    aliased: Option<Vec<bool>>,
}

impl LinMod {
    /// A linear model over a design; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, formula: Formula, limit: u64) -> Result<Self> {
        let mut sets = vec![CellSet { classes: Classification::new(design, &[])?, values: vec![vec![]] }];
        for term in &formula.terms {
            let set = set_of(&mut sets, design, &term.categories)?;
            value_of(&mut sets[set], &term.numeric);
        }
        let width = sets[0].values.len();
        if formula.at_means {
            for variable in formula.terms.iter().flat_map(|t| &t.numeric) {
                value_of(&mut sets[0], &vec![*variable]);
            }
            for &category in formula.terms.iter().skip(1).flat_map(|t| &t.categories) {
                let set = set_of(&mut sets, design, &[category])?;
                value_of(&mut sets[set], &vec![]);
            }
        }
        let responses = formula.responses.iter().map(|&y| value_of(&mut sets[0], &vec![y])).collect();
        let model = LinMod {
            products: CrossProducts::new(design, sets, formula.intercept || formula.cube, limit)?,
            formula,
            responses,
            width,
            limit,
            aliased: None,
        };
        model.check(design)?;
        Ok(model)
    }

    /// Refuses factors that explain nothing and models whose matrices would not fit, as far as the levels are known.
    fn check(&self, design: &Design) -> Result<()> {
        let categories = self.formula.terms.iter().flat_map(|t| &t.categories).map(|&c| &design.categories[c]);
        let (unknown, known): (Vec<_>, Vec<_>) = categories.partition(|c| matches!(c.coding, Coding::Found { .. }));
        for category in known {
            if category.levels.len() < 2 {
                let what = match category.levels.first() {
                    Some(level) => format!("Factor '{}' has a single level ('{level}').", category.name),
                    None => format!("Factor '{}' has no levels.", category.name),
                };
                return Err(Error::new(ErrorKind::OneLevel, what)
                    .column(&category.name)
                    .hint("A factor needs two levels or more; leave it out of the formula."));
            }
        }
        if unknown.is_empty() { check_columns(&self.products.sets, self.width, self.limit) } else { Ok(()) }
    }
}

#[cfg(feature = "solve")]
impl LinMod {
    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.formula.terms
    }

    /// The model of some of the terms, by position, which a state of this one tells of as well.
    pub fn restricted(&self, terms: &[usize]) -> LinMod {
        let terms = terms.iter().map(|&t| self.formula.terms[t].clone()).collect();
        LinMod { formula: Formula { terms, ..self.formula.clone() }, aliased: None, ..self.clone() }
    }
}

impl LinMod {
    /// The same model of other cross products.
    #[cfg(feature = "solve")]
    pub(crate) fn with(&self, products: CrossProducts) -> Self {
        LinMod { products, ..self.clone() }
    }

    /// Takes in a batch whose weights have no logarithms of interest.
    pub(crate) fn accumulate(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        self.products.accumulate(state, batch)
    }

    /// Whether so many rows make a problem that is small enough to be solved in double-double.
    pub(crate) fn is_small(&self, rows: u64, columns: f64) -> bool {
        rows as f64 * columns * columns / 2.0 <= SMALL
    }

    /// Starts in double-double if the number of rows is known and so small that no other precision will do in the end.
    pub fn expecting(mut self, rows: Option<u64>, design: &Design) -> Result<Self> {
        let levels = |&category: &usize| {
            let category = &design.categories[category];
            if matches!(category.coding, Coding::Found { .. }) { UNKNOWN_LEVELS } else { category.levels.len() as f64 }
        };
        let columns = |term: &Term| term.categories.iter().map(levels).product::<f64>();
        let columns = self.formula.terms.iter().map(columns).sum::<f64>() + 1.0;
        if rows.is_some_and(|rows| self.is_small(rows, columns)) {
            self.products = self.products.extended()?;
        }
        Ok(self)
    }
}

/// Refuses models whose matrices would not fit: the solution holds about five of columns by columns.
fn check_columns(sets: &[CellSet], numeric: usize, limit: u64) -> Result<()> {
    let cells = sets[1..].iter().map(|s| s.classes.cells().saturating_mul(s.values.len() as u64));
    let columns = cells.fold(numeric as u64, u64::saturating_add);
    let bytes = columns.saturating_mul(columns).saturating_mul(5 * 8);
    if bytes <= limit {
        return Ok(());
    }
    let what = format!("A model of {columns} columns needs {} MB; the limit is {} MB.", bytes >> 20, limit >> 20);
    Err(Error::new(ErrorKind::Memory, what)
        .hint("Use factors with fewer levels, fewer interactions, or raise rxOptions(memoryLimitMB)."))
}

/// The position of the cell set of some categories, added if it is new.
fn set_of(sets: &mut Vec<CellSet>, design: &Design, categories: &[usize]) -> Result<usize> {
    if let Some(set) = sets.iter().position(|s| s.classes.categories == categories) {
        return Ok(set);
    }
    sets.push(CellSet { classes: Classification::new(design, categories)?, values: vec![] });
    Ok(sets.len() - 1)
}

/// The position of a value in a cell set, added if it is new.
fn value_of(set: &mut CellSet, product: &Product) -> usize {
    set.values.iter().position(|v| v == product).unwrap_or_else(|| {
        set.values.push(product.clone());
        set.values.len() - 1
    })
}

impl Estimator for LinMod {
    type State = State;
    const HAS_EXACT: bool = CrossProducts::HAS_EXACT;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        self.products.pilot(first)
    }

    fn init(&self) -> State {
        self.products.init()
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        self.products.update(state, batch)
    }

    fn swap_exact(&self, state: &mut State, other: &mut State) {
        self.products.swap_exact(state, other);
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        self.products.merge(state, other)
    }

    fn state_bytes(&self) -> usize {
        self.products.state_bytes()
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        let model = LinMod { products: self.products.relevel(design)?, ..self.clone() };
        model.check(design)?;
        Ok(model)
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        self.products.carry(state, &to.products, moves)
    }
}

#[cfg(all(test, feature = "solve"))]
mod tests;

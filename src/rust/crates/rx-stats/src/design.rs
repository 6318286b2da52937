//! From a block's columns to the variables of a model.
//!
//! Batches of at most [`BATCH_ROWS`] rows stay in the first level of cache while they are decoded, filtered to complete
//! rows and accumulated. Doubles without a missing value are passed on as they lie in memory.

use crate::estimator::{ModelBatch, NO_LEVEL};
use crate::levels::{Finding, FoundCodes};
use rx_data::column::{NA_I32, NA_I64};
use rx_data::{Block, Column, Error, ErrorKind, Labels, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of a batch.
pub const BATCH_ROWS: usize = 2048;

/// A numeric variable of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Numeric {
    /// Position among the columns of the scan.
    pub column: usize,
    /// The variable's name, for messages.
    pub name: String,
    /// Whether its values have the precision of 32 bits only.
    pub single: bool,
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

/// Working memory of one thread for one design.
#[derive(Debug)]
pub struct Decoder<'d> {
    design: &'d Design,
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    weight: Vec<f64>,
    dropped: Vec<bool>,
    keep: Vec<usize>,
    level_of: Vec<HashMap<&'d str, u32>>,
    /// Last dictionary seen of each category, with the level of each of its labels.
    tables: Vec<Option<(Labels, Arc<Vec<u32>>)>>,
}

impl<'d> Decoder<'d> {
    /// Working memory for a design.
    pub fn new(design: &'d Design) -> Self {
        let level_of = design.categories.iter().map(|c| match c.coding {
            Coding::Label(_) => c.levels.iter().enumerate().map(|(i, l)| (l.as_str(), i as u32)).collect(),
            Coding::Integer { .. } | Coding::Found { .. } => HashMap::new(),
        });
        Decoder {
            design,
            numeric: vec![Vec::with_capacity(BATCH_ROWS); design.numeric.len()],
            codes: vec![Vec::with_capacity(BATCH_ROWS); design.categories.len()],
            weight: Vec::with_capacity(BATCH_ROWS),
            dropped: Vec::with_capacity(BATCH_ROWS),
            keep: Vec::with_capacity(BATCH_ROWS),
            level_of: level_of.collect(),
            tables: vec![None; design.categories.len()],
        }
    }

    /// The design.
    pub fn design(&self) -> &'d Design {
        self.design
    }

    /// The level of each label of a dictionary, as category `j` has it.
    pub(crate) fn levels_of(&mut self, j: usize, other: Option<u32>, labels: &Labels) -> Arc<Vec<u32>> {
        if let Some((_, table)) = self.tables[j].as_ref().filter(|(seen, _)| Arc::ptr_eq(seen, labels)) {
            return table.clone();
        }
        let level = |l: &String| self.level_of[j].get(l.as_str()).copied().or(other).unwrap_or(NO_LEVEL);
        let table = Arc::new(labels.iter().map(level).collect::<Vec<_>>());
        self.tables[j] = Some((labels.clone(), table.clone()));
        table
    }

    /// Decodes a block batch by batch. Codes that the design does not know were found before.
    pub fn each_batch(
        &mut self,
        block: &Block,
        found: &FoundCodes,
        mut f: impl FnMut(&ModelBatch) -> Result<()>,
    ) -> Result<()> {
        let mut offset = 0;
        while offset < block.rows {
            let rows = BATCH_ROWS.min(block.rows - offset);
            self.batch(block, found, offset, rows, &mut f)?;
            offset += rows;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        block: &Block,
        found: &FoundCodes,
        offset: usize,
        rows: usize,
        f: &mut impl FnMut(&ModelBatch) -> Result<()>,
    ) -> Result<()> {
        let design = self.design;
        self.dropped.clear();
        self.dropped.resize(rows, false);
        // Doubles stay where they are; everything else is decoded into the working memory.
        let mut in_place: Vec<Option<&[f64]>> = Vec::with_capacity(design.numeric.len());
        for (j, variable) in design.numeric.iter().enumerate() {
            let values = match &block.columns[variable.column] {
                Column::F64(v) => {
                    in_place.push(Some(&v[offset..offset + rows]));
                    &v[offset..offset + rows]
                }
                other => {
                    decode_numeric(other, offset, rows, &variable.name, &mut self.numeric[j])?;
                    in_place.push(None);
                    &self.numeric[j][..]
                }
            };
            if design.rows != Rows::All {
                mark_missing(values, &mut self.dropped);
            }
        }
        for j in 0..design.categories.len() {
            self.decode_category(j, block, found.of(j), offset, rows)?;
            if design.rows != Rows::All {
                for (bad, &code) in self.dropped.iter_mut().zip(&self.codes[j]) {
                    *bad |= code == NO_LEVEL;
                }
            }
        }
        let mut zero_weights = 0;
        if let Some(weight) = &design.weight {
            let name = &weight.variable.name;
            decode_numeric(&block.columns[weight.variable.column], offset, rows, name, &mut self.weight)?;
            check_weights(&self.weight, weight.kind, name)?;
            for (bad, &w) in self.dropped.iter_mut().zip(&self.weight) {
                zero_weights += u64::from(w == 0.0);
                *bad |= w.is_nan() || w == 0.0;
            }
        }
        let bad = self.dropped.iter().filter(|&&b| b).count();
        if bad > 0 {
            self.compact(&in_place);
        }
        let kept = rows - bad;
        let numeric: Vec<&[f64]> = in_place
            .iter()
            .zip(&self.numeric)
            .map(|(direct, decoded)| match direct {
                Some(values) if bad == 0 => values,
                _ => &decoded[..kept],
            })
            .collect();
        if design.rows == Rows::Finite {
            for (values, variable) in numeric.iter().zip(&design.numeric) {
                check_finite(values, &variable.name)?;
            }
        }
        let codes: Vec<&[u32]> = self.codes.iter().map(|c| &c[..kept]).collect();
        f(&ModelBatch {
            rows: kept,
            dropped: bad as u64 - zero_weights,
            numeric: &numeric,
            codes: &codes,
            weight: design.weight.is_some().then(|| &self.weight[..kept]),
        })
    }

    /// Moves the rows that stay to the front of the working memory.
    fn compact(&mut self, in_place: &[Option<&[f64]>]) {
        // Every row is written, and the next one over it if it is dropped: there is no branch to predict.
        self.keep.resize(self.dropped.len(), 0);
        let mut kept = 0;
        for (row, &bad) in self.dropped.iter().enumerate() {
            self.keep[kept] = row;
            kept += usize::from(!bad);
        }
        self.keep.truncate(kept);
        for (direct, decoded) in in_place.iter().zip(&mut self.numeric) {
            match direct {
                Some(values) => {
                    decoded.clear();
                    decoded.extend(self.keep.iter().map(|&i| values[i]));
                }
                None => gather(decoded, &self.keep),
            }
        }
        for codes in &mut self.codes {
            gather(codes, &self.keep);
        }
        if self.design.weight.is_some() {
            gather(&mut self.weight, &self.keep);
        }
    }

    fn decode_category(
        &mut self,
        j: usize,
        block: &Block,
        found: Option<&[u32]>,
        offset: usize,
        rows: usize,
    ) -> Result<()> {
        let category = &self.design.categories[j];
        let column = &block.columns[category.column];
        let table = match (&category.coding, column) {
            (Coding::Label(other), Column::Dict { labels, .. }) => self.levels_of(j, *other, labels),
            _ => Arc::default(),
        };
        let out = &mut self.codes[j];
        out.clear();
        match (&category.coding, column) {
            (Coding::Label(_), Column::Dict { codes, .. }) => {
                let codes = &codes[offset..offset + rows];
                // A missing code wraps around to a position no table has.
                let position = |c: i32| (c as u32).wrapping_sub(1);
                if table.iter().zip(0..).all(|(&level, position)| level == position) {
                    let count = table.len() as u32;
                    let level = |p: u32| if p < count { p } else { NO_LEVEL };
                    out.extend(codes.iter().map(|&c| level(position(c))));
                } else {
                    let level = |p: u32| table.get(p as usize).copied().unwrap_or(NO_LEVEL);
                    out.extend(codes.iter().map(|&c| level(position(c))));
                }
            }
            (Coding::Label(other), Column::Str(text)) => {
                let level = |s: &str| self.level_of[j].get(s).copied().or(*other).unwrap_or(NO_LEVEL);
                out.extend(
                    (offset..offset + rows)
                        .map(|i| if arrow::array::Array::is_null(text, i) { NO_LEVEL } else { level(text.value(i)) }),
                );
            }
            (Coding::Label(_), _) => return Err(not_a_category(&category.name)),
            (Coding::Found { .. }, _) => match found {
                Some(codes) => out.extend_from_slice(&codes[offset..offset + rows]),
                None => return Err(Error::internal(format!("the levels of '{}' were not found", category.name))),
            },
            (Coding::Integer { low, count, outside }, _) => {
                let values = &mut Vec::with_capacity(rows);
                decode_numeric(column, offset, rows, &category.name, values)?;
                out.extend(values.iter().map(|&x| {
                    let position = x.floor() - low;
                    if x.is_nan() {
                        NO_LEVEL
                    } else if position >= 0.0 && position < f64::from(*count) {
                        position as u32
                    } else {
                        outside.unwrap_or(NO_LEVEL)
                    }
                }));
            }
        }
        Ok(())
    }
}

fn gather<T: Copy>(values: &mut Vec<T>, keep: &[usize]) {
    for (to, &from) in keep.iter().enumerate() {
        values[to] = values[from];
    }
    values.truncate(keep.len());
}

fn mark_missing(values: &[f64], dropped: &mut [bool]) {
    for (bad, x) in dropped.iter_mut().zip(values) {
        *bad |= x.is_nan();
    }
}

/// Doubles of a column; missing becomes NaN. A category gives its code counted from zero, as `N()` wants it.
pub(crate) fn decode_numeric(
    column: &Column,
    offset: usize,
    rows: usize,
    name: &str,
    out: &mut Vec<f64>,
) -> Result<()> {
    out.clear();
    let range = offset..offset + rows;
    match column {
        Column::F64(v) => out.extend_from_slice(&v[range]),
        Column::F32(v) => out.extend(v[range].iter().map(|&x| f64::from(x))),
        Column::I32(v) => out.extend(v[range].iter().map(|&x| if x == NA_I32 { f64::NAN } else { f64::from(x) })),
        Column::I64(v) => out.extend(v[range].iter().map(|&x| if x == NA_I64 { f64::NAN } else { x as f64 })),
        Column::Dict { codes, .. } => {
            out.extend(codes[range].iter().map(|&x| if x == NA_I32 { f64::NAN } else { f64::from(x) - 1.0 }))
        }
        Column::Str(_) => return Err(not_numeric(name)),
    }
    Ok(())
}

fn check_weights(weights: &[f64], kind: WeightKind, name: &str) -> Result<()> {
    let wrong = |what: &str, value: f64| {
        Err(Error::new(ErrorKind::Value, format!("Weight variable '{name}' has the {what} value {value}."))
            .column(name))
    };
    for &w in weights {
        if w < 0.0 {
            return wrong("negative", w);
        }
        if w.is_infinite() {
            return wrong("infinite", w);
        }
        if kind == WeightKind::Frequency && !w.is_nan() && w.fract() != 0.0 {
            return wrong("fractional", w)
                .map_err(|e: Error| e.hint("Frequency weights are whole numbers; pass others as pweights."));
        }
    }
    Ok(())
}

fn check_finite(values: &[f64], name: &str) -> Result<()> {
    // The sum of x * 0 is NaN if any x is infinite, and the loop has no branches.
    if values.iter().map(|x| x * 0.0).sum::<f64>() == 0.0 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Infinite, format!("Variable '{name}' has infinite values."))
        .column(name)
        .hint("Select finite rows with rowSelection, or make them missing with transforms."))
}

fn not_numeric(name: &str) -> Error {
    Error::new(ErrorKind::WrongType, format!("Variable '{name}' is text where numbers are needed."))
        .column(name)
        .hint("Read it with another type (colClasses) or convert it with transforms.")
}

pub(crate) fn not_a_category(name: &str) -> Error {
    Error::new(ErrorKind::WrongType, format!("Variable '{name}' is numeric where a factor is needed."))
        .column(name)
        .hint(format!("Write F({name}) to make a category of each whole number."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn design(rows: Rows) -> Design {
        let levels = Arc::new(vec!["a".to_string(), "b".to_string()]);
        Design {
            columns: vec![0, 1],
            numeric: vec![Numeric { column: 0, name: "x".into(), single: false }],
            categories: vec![Category { column: 1, name: "f".into(), levels, coding: Coding::Label(None) }],
            weight: None,
            rows,
        }
    }

    fn block(x: Vec<f64>, codes: Vec<i32>, labels: &[&str]) -> Block {
        let labels = Arc::new(labels.iter().map(|s| s.to_string()).collect());
        Block {
            index: 0,
            rows: x.len(),
            columns: vec![Column::F64(x.into()), Column::Dict { codes: codes.into(), labels }],
        }
    }

    #[test]
    fn only_complete_rows_reach_the_estimator() {
        let d = design(Rows::Complete);
        let mut seen = vec![];
        let b = block(vec![1.0, f64::NAN, 3.0, 4.0], vec![2, 1, NA_I32, 1], &["b", "a"]);
        Decoder::new(&d)
            .each_batch(&b, &FoundCodes::default(), |batch| {
                seen.push((batch.numeric[0].to_vec(), batch.codes[0].to_vec(), batch.dropped));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, vec![(vec![1.0, 4.0], vec![0, 1], 2)]);
    }

    #[test]
    fn infinite_values_are_named() {
        let d = design(Rows::Finite);
        let b = block(vec![1.0, f64::INFINITY], vec![1, 1], &["a"]);
        let error = Decoder::new(&d).each_batch(&b, &FoundCodes::default(), |_| Ok(())).unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Infinite, Some("x")));
    }

    #[test]
    fn weights_are_checked_and_a_missing_one_is_a_missing_row() {
        assert!(check_weights(&[1.0, f64::NAN, 0.0], WeightKind::Frequency, "w").is_ok());
        assert!(check_weights(&[0.5], WeightKind::Probability, "w").is_ok());
        for (weight, kind) in [(-1.0, WeightKind::Probability), (0.5, WeightKind::Frequency)] {
            assert_eq!(check_weights(&[weight], kind, "w").unwrap_err().kind, ErrorKind::Value);
        }
    }

    #[test]
    fn f_floors_and_leaves_out_what_is_outside() {
        let mut d = design(Rows::All);
        d.categories[0].column = 0;
        d.categories[0].coding = Coding::Integer { low: 20.0, count: 2, outside: None };
        let b = block(vec![20.0, 21.9, 22.0, -1.0, f64::NAN], vec![1; 5], &["a"]);
        Decoder::new(&d)
            .each_batch(&b, &FoundCodes::default(), |batch| {
                assert_eq!(batch.codes[0], &[0, 1, NO_LEVEL, NO_LEVEL, NO_LEVEL]);
                Ok(())
            })
            .unwrap();
    }
}

//! From a block's columns to batches of the rows that count.
//!
//! Batches of at most [`BATCH_ROWS`] rows stay in the first level of cache while they are decoded and accumulated. One
//! sweep over a column's raw values tells whether there is anything special among them; only then its rows are looked
//! at one by one. A second sweep decodes the rows that stay. Doubles of which all stay are passed on where they lie.

use crate::design::{Coding, Design, Numeric, Rows, WeightKind};
use crate::estimator::{ModelBatch, NO_LEVEL};
use crate::levels::FoundCodes;
use rx_data::column::{NA_I32, NA_I64};
use rx_data::{Block, Column, Error, ErrorKind, Labels, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a batch.
pub const BATCH_ROWS: usize = 2048;

/// Working memory of one thread for one design.
#[derive(Debug)]
pub struct Decoder<'d> {
    design: &'d Design,
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    weight: Vec<f64>,
    dropped: Vec<bool>,
    /// Stretches of rows that stay.
    keep: Vec<Range<usize>>,
    level_of: Vec<HashMap<&'d str, u32>>,
    /// Last dictionary seen of each category.
    tables: Vec<Option<Table>>,
}

/// A dictionary, and the level of each of its labels.
#[derive(Debug, Clone)]
struct Table {
    labels: Labels,
    levels: Arc<Vec<u32>>,
    /// Whether the labels are the levels.
    same: bool,
}

/// The numbers of a batch, before rows are dropped.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    Doubles(&'a [f64]),
    Integers(&'a [i32]),
    /// In the working memory.
    Decoded,
}

/// The levels of a batch, before rows are dropped.
#[derive(Clone, Copy)]
enum Levels<'a> {
    /// Levels counted from 1, up to a last one. All else is missing.
    FromOne(&'a [i32], u32),
    /// In the working memory.
    Decoded,
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
            keep: Vec::new(),
            level_of: level_of.collect(),
            tables: vec![None; design.categories.len()],
        }
    }

    /// The design.
    pub fn design(&self) -> &'d Design {
        self.design
    }

    /// The level of each label of a dictionary, as category `j` has it; none if the labels are the first levels in order.
    pub(crate) fn levels_of(&mut self, j: usize, other: Option<u32>, labels: &Labels) -> Option<Arc<Vec<u32>>> {
        let table = self.table(j, other, labels);
        (!table.same).then_some(table.levels)
    }

    fn table(&mut self, j: usize, other: Option<u32>, labels: &Labels) -> Table {
        if let Some(table) = self.tables[j].as_ref().filter(|table| Arc::ptr_eq(&table.labels, labels)) {
            return table.clone();
        }
        let level = |l: &String| self.level_of[j].get(l.as_str()).copied().or(other).unwrap_or(NO_LEVEL);
        let levels: Vec<u32> = labels.iter().map(level).collect();
        let same = levels.iter().zip(0..).all(|(&level, position)| level == position);
        let table = Table { labels: labels.clone(), levels: Arc::new(levels), same };
        self.tables[j] = Some(table.clone());
        table
    }

    /// Decodes a block batch by batch. Codes that the design does not know were found before.
    pub fn each_batch(
        &mut self,
        block: &Block,
        found: &FoundCodes,
        mut f: impl FnMut(&ModelBatch) -> Result<()>,
    ) -> Result<()> {
        for start in (0..block.rows).step_by(BATCH_ROWS) {
            block.columns.iter().for_each(|column| fetch_ahead(column, start + BATCH_ROWS));
            self.batch(block, found, start..block.rows.min(start + BATCH_ROWS), &mut f)?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        block: &Block,
        found: &FoundCodes,
        rows: Range<usize>,
        f: &mut impl FnMut(&ModelBatch) -> Result<()>,
    ) -> Result<()> {
        let design = self.design;
        self.dropped.clear();
        self.dropped.resize(rows.len(), false);
        let mut numbers = Vec::with_capacity(design.numeric.len());
        let mut infinite = Vec::new();
        for (j, variable) in design.numeric.iter().enumerate() {
            let raw = self.numbers(j, &block.columns[variable.column], rows.clone(), variable)?;
            if design.rows != Rows::All {
                let drop = &mut self.dropped;
                let all_numbers = match raw {
                    Numbers::Doubles(values) => drop_missing(drop, values, |x| x.abs() <= f64::MAX, f64::is_nan),
                    Numbers::Integers(values) => drop_missing(drop, values, |x| x != NA_I32, |x| x == NA_I32),
                    Numbers::Decoded => drop_missing(drop, &self.numeric[j], |x| x.abs() <= f64::MAX, f64::is_nan),
                };
                if !all_numbers {
                    infinite.push(j);
                }
            }
            numbers.push(raw);
        }
        let mut levels = Vec::with_capacity(design.categories.len());
        for j in 0..design.categories.len() {
            let raw = self.levels(j, block, found.of(j), rows.clone())?;
            if design.rows != Rows::All {
                let drop = &mut self.dropped;
                match raw {
                    Levels::FromOne(codes, last) => drop_missing(
                        drop,
                        codes,
                        |code| (code as u32).wrapping_sub(1) < last,
                        |code| (code as u32).wrapping_sub(1) >= last,
                    ),
                    Levels::Decoded => {
                        drop_missing(drop, &self.codes[j], |level| level != NO_LEVEL, |level| level == NO_LEVEL)
                    }
                };
            }
            levels.push(raw);
        }
        let mut zero_weights = 0;
        if let Some(weight) = &design.weight {
            let name = &weight.variable.name;
            decode_numeric(&block.columns[weight.variable.column], rows.clone(), name, &mut self.weight)?;
            check_weights(&self.weight, weight.kind, name)?;
            for (bad, &w) in self.dropped.iter_mut().zip(&self.weight) {
                zero_weights += u64::from(w == 0.0);
                *bad |= w.is_nan() || w == 0.0;
            }
        }
        let bad = self.dropped.iter().map(|&bad| u64::from(bad)).sum::<u64>();
        if bad > 0 {
            self.choose();
        }
        let keep = (bad > 0).then_some(&self.keep[..]);
        for (raw, decoded) in numbers.iter().zip(&mut self.numeric) {
            match (raw, keep) {
                (Numbers::Doubles(_), None) => {}
                (Numbers::Doubles(values), keep) => take(values, keep, decoded, |x| x),
                (Numbers::Integers(values), keep) => take(values, keep, decoded, double),
                (Numbers::Decoded, keep) => gather(decoded, keep),
            }
        }
        for (raw, decoded) in levels.iter().zip(&mut self.codes) {
            match *raw {
                // Rows without a level were dropped.
                Levels::FromOne(codes, _) if design.rows != Rows::All => {
                    take(codes, keep, decoded, |code| (code as u32).wrapping_sub(1));
                }
                Levels::FromOne(codes, last) => take(codes, keep, decoded, |code| {
                    let level = (code as u32).wrapping_sub(1);
                    if level < last { level } else { NO_LEVEL }
                }),
                Levels::Decoded => gather(decoded, keep),
            }
        }
        gather(&mut self.weight, keep.filter(|_| design.weight.is_some()));
        let numeric: Vec<&[f64]> = numbers
            .iter()
            .zip(&self.numeric)
            .map(|(raw, decoded)| match raw {
                Numbers::Doubles(values) if bad == 0 => values,
                _ => &decoded[..],
            })
            .collect();
        if design.rows == Rows::Finite {
            infinite.iter().try_for_each(|&j| check_finite(numeric[j], &design.numeric[j].name))?;
        }
        let codes: Vec<&[u32]> = self.codes.iter().map(|codes| &codes[..]).collect();
        f(&ModelBatch {
            rows: rows.len() - bad as usize,
            dropped: bad - zero_weights,
            numeric: &numeric,
            codes: &codes,
            weight: design.weight.is_some().then_some(&self.weight[..]),
        })
    }

    /// Lists the rows that stay.
    fn choose(&mut self) {
        self.keep.clear();
        let mut start = 0;
        for (group, first) in self.dropped.chunks(8).zip((0..).step_by(8)) {
            // Most groups have no such row; a loop without an early end is vectorised.
            if group.iter().fold(false, |any, &bad| any | bad) {
                for (_, row) in group.iter().zip(first..).filter(|(bad, _)| **bad) {
                    self.keep.push(start..row);
                    start = row + 1;
                }
            }
        }
        self.keep.push(start..self.dropped.len());
        self.keep.retain(|rows| !rows.is_empty());
    }

    fn numbers<'b>(
        &mut self,
        j: usize,
        column: &'b Column,
        rows: Range<usize>,
        variable: &Numeric,
    ) -> Result<Numbers<'b>> {
        Ok(match column {
            Column::F64(values) => Numbers::Doubles(&values[rows]),
            Column::I32(values) => Numbers::Integers(&values[rows]),
            other => {
                decode_numeric(other, rows, &variable.name, &mut self.numeric[j])?;
                Numbers::Decoded
            }
        })
    }

    fn levels<'b>(
        &mut self,
        j: usize,
        block: &'b Block,
        found: Option<&[u32]>,
        rows: Range<usize>,
    ) -> Result<Levels<'b>> {
        let category = &self.design.categories[j];
        let column = &block.columns[category.column];
        match (&category.coding, column) {
            (Coding::Label(other), Column::Dict { codes, labels }) => {
                let Table { levels, same, .. } = self.table(j, *other, labels);
                let codes = &codes[rows];
                if same {
                    return Ok(Levels::FromOne(codes, levels.len() as u32));
                }
                // A missing code wraps around to a position no table has.
                let level = |c: i32| levels.get((c as u32).wrapping_sub(1) as usize).copied().unwrap_or(NO_LEVEL);
                take(codes, None, &mut self.codes[j], level);
            }
            (Coding::Label(other), Column::Str(text)) => {
                let level = |s: &str| self.level_of[j].get(s).copied().or(*other).unwrap_or(NO_LEVEL);
                let is_null = |i: usize| arrow::array::Array::is_null(text, i);
                let out = &mut self.codes[j];
                out.clear();
                out.extend(rows.map(|i| if is_null(i) { NO_LEVEL } else { level(text.value(i)) }));
            }
            (Coding::Label(_), _) => return Err(not_a_category(&category.name)),
            (Coding::Found { .. }, _) => match found {
                Some(codes) => take(&codes[rows], None, &mut self.codes[j], |code| code),
                None => return Err(Error::internal(format!("the levels of '{}' were not found", category.name))),
            },
            (Coding::Integer { low, count, outside }, _) => {
                let values = &mut Vec::with_capacity(rows.len());
                decode_numeric(column, rows, &category.name, values)?;
                take(values, None, &mut self.codes[j], |x| {
                    let position = x.floor() - low;
                    if x.is_nan() {
                        NO_LEVEL
                    } else if position >= 0.0 && position < f64::from(*count) {
                        position as u32
                    } else {
                        outside.unwrap_or(NO_LEVEL)
                    }
                });
            }
        }
        Ok(Levels::Decoded)
    }
}

/// Asks for the next batch's values while this one is computed: a sweep over many columns in turns is too much for what
/// processors foresee.
fn fetch_ahead(column: &Column, start: usize) {
    match column {
        Column::F64(values) => fetch(values, start..start + BATCH_ROWS),
        Column::I32(values) => fetch(values, start..start + BATCH_ROWS),
        Column::Dict { codes, .. } => fetch(codes, start..start + BATCH_ROWS),
        Column::F32(_) | Column::I64(_) | Column::Str(_) => {}
    }
}

/// Asks for the values of some rows, as far as there are any.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn fetch<T>(values: &[T], rows: Range<usize>) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    for row in (rows.start..values.len().min(rows.end)).step_by(64 / size_of::<T>()) {
        // SAFETY: every x86-64 has the instruction, and the address is a value's.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(values[row..].as_ptr().cast()) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fetch<T>(_: &[T], _: Range<usize>) {}

/// Marks the rows with a missing value; tells whether every value is plain, which all of most batches are.
fn drop_missing<T: Copy>(
    dropped: &mut [bool],
    values: &[T],
    is_plain: impl Fn(T) -> bool,
    is_missing: impl Fn(T) -> bool,
) -> bool {
    // No early end: a loop without one is vectorised.
    let plain = values.iter().fold(true, |plain, &x| plain & is_plain(x));
    if !plain {
        dropped.iter_mut().zip(values).for_each(|(bad, &x)| *bad |= is_missing(x));
    }
    plain
}

/// Decodes all values, or those that stay.
fn take<T: Copy, U: Copy + Default>(
    values: &[T],
    keep: Option<&[Range<usize>]>,
    out: &mut Vec<U>,
    decode: impl Fn(T) -> U,
) {
    let Some(keep) = keep else {
        out.clear();
        out.extend(values.iter().map(|&x| decode(x)));
        return;
    };
    // Stretches are short, so whole groups are decoded; what lies behind a stretch's end is overwritten by the next one.
    const GROUP: usize = 8;
    out.resize(values.len() + GROUP, U::default());
    let mut kept = 0;
    for rows in keep {
        let mut from = rows.start;
        while from < rows.end {
            match (values[from..].first_chunk::<GROUP>(), out[kept..].first_chunk_mut::<GROUP>()) {
                (Some(group), Some(to)) => *to = group.map(&decode),
                _ => out[kept..].iter_mut().zip(&values[from..rows.end]).for_each(|(to, &x)| *to = decode(x)),
            }
            let count = GROUP.min(rows.end - from);
            (from, kept) = (from + count, kept + count);
        }
    }
    out.truncate(kept);
}

/// Moves the values that stay to the front.
fn gather<T: Copy>(values: &mut Vec<T>, keep: Option<&[Range<usize>]>) {
    if let Some(keep) = keep {
        let mut kept = 0;
        for rows in keep {
            values.copy_within(rows.clone(), kept);
            kept += rows.len();
        }
        values.truncate(kept);
    }
}

fn double(x: i32) -> f64 {
    if x == NA_I32 { f64::NAN } else { f64::from(x) }
}

/// Doubles of a column; missing becomes NaN. A category gives its code counted from zero, as `N()` wants it.
pub(crate) fn decode_numeric(column: &Column, rows: Range<usize>, name: &str, out: &mut Vec<f64>) -> Result<()> {
    match column {
        Column::F64(v) => take(&v[rows], None, out, |x| x),
        Column::F32(v) => take(&v[rows], None, out, f64::from),
        Column::I32(v) => take(&v[rows], None, out, double),
        Column::I64(v) => take(&v[rows], None, out, |x| if x == NA_I64 { f64::NAN } else { x as f64 }),
        Column::Dict { codes, .. } => take(&codes[rows], None, out, |x| double(x) - 1.0),
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
    if !values.iter().any(|x| x.is_infinite()) {
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
    use crate::design::{Category, Precision};

    fn design(rows: Rows) -> Design {
        let levels = Arc::new(vec!["a".to_string(), "b".to_string()]);
        Design {
            columns: vec![0, 1],
            numeric: vec![Numeric { column: 0, name: "x".into(), precision: Precision::Double }],
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

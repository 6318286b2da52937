//! Statistics of the cells of a cross classification: counts, weights and moments.
//!
//! Moments are kept as a sum about a fixed shift and a centred sum of squares. A row is added by the update of Youngs and
//! Cramer (1971), two sets are merged by that of Chan, Golub and LeVeque (1979); neither forms a raw sum of squares.

use crate::estimator::NO_LEVEL;
use crate::levels::Moves;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Number of rows and sum of weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Rows.
    pub n: u64,
    /// Sum of weights; the number of rows where there are none.
    pub w: f64,
}

/// Count, sum, centred sum of squares and range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Rows.
    pub n: u64,
    /// Sum of weights.
    pub w: f64,
    /// Sum of w (x - shift); the shift is the estimator's.
    pub sum: f64,
    /// Sum of w (x - mean)^2.
    pub squares: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Moments { n: 0, w: 0.0, sum: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

/// What a cell keeps.
pub trait Cell: Clone + Default {
    /// Adds the rows of another cell.
    fn merge(&mut self, other: &Self);
    /// Number of rows.
    fn rows(&self) -> u64;
}

impl Count {
    /// Adds a row.
    pub fn add(&mut self, w: f64) {
        self.n += 1;
        self.w += w;
    }
}

impl Cell for Count {
    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.w += other.w;
    }

    fn rows(&self) -> u64 {
        self.n
    }
}

impl Moments {
    /// Adds a row of value `shift + d`; `x` is the value itself.
    pub fn add(&mut self, x: f64, d: f64, w: f64) {
        let old = self.w;
        self.n += 1;
        self.w += w;
        if old > 0.0 {
            let t = old * d - self.sum;
            self.squares += t * t * (w / (old * self.w));
        }
        self.sum += w * d;
        self.min = if x < self.min { x } else { self.min };
        self.max = if x > self.max { x } else { self.max };
    }

    /// Adds a batch of unweighted values, NaN left out: one sweep for the sum and range, one for the squares about the
    /// batch's own mean, both while the batch is in the first level of cache.
    pub fn add_batch(&mut self, values: &[f64], shift: f64) {
        const LANES: usize = 8;
        let (mut n, mut sum) = ([0.0; LANES], [0.0; LANES]);
        let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut sweep = |values: &[f64]| {
            for (k, &x) in values.iter().enumerate() {
                let seen = !x.is_nan();
                n[k] += if seen { 1.0 } else { 0.0 };
                sum[k] += if seen { x - shift } else { 0.0 };
                min[k] = if x < min[k] { x } else { min[k] };
                max[k] = if x > max[k] { x } else { max[k] };
            }
        };
        let chunks = values.chunks_exact(LANES);
        let rest = chunks.remainder();
        chunks.for_each(&mut sweep);
        sweep(rest);
        let (n, sum) = (n.iter().sum::<f64>(), sum.iter().sum::<f64>());
        if n == 0.0 {
            return;
        }
        let centre = sum / n;
        let mut squares = [0.0; LANES];
        let mut sweep = |values: &[f64]| {
            for (k, &x) in values.iter().enumerate() {
                let d = if x.is_nan() { 0.0 } else { (x - shift) - centre };
                squares[k] += d * d;
            }
        };
        let chunks = values.chunks_exact(LANES);
        chunks.for_each(&mut sweep);
        sweep(rest);
        self.merge(&Moments {
            n: n as u64,
            w: n,
            sum,
            squares: squares.iter().sum(),
            min: min.iter().copied().fold(f64::INFINITY, f64::min),
            max: max.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        });
    }
}

impl Cell for Moments {
    fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let w = self.w + other.w;
        if self.w > 0.0 && other.w > 0.0 {
            let delta = other.sum / other.w - self.sum / self.w;
            self.squares += other.squares + delta * delta * (self.w * (other.w / w));
        }
        self.n += other.n;
        self.w = w;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn rows(&self) -> u64 {
        self.n
    }
}

/// The cells of a cross classification: all of them in a table, or only those that occur.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cells<C> {
    /// One entry a cell.
    Dense(Vec<C>),
    /// Entries by cell number.
    Sparse(BTreeMap<u64, C>),
}

impl<C: Cell> Cells<C> {
    /// Empty cells.
    pub fn new(count: u64, sparse: bool) -> Self {
        if sparse { Cells::Sparse(BTreeMap::new()) } else { Cells::Dense(vec![C::default(); count as usize]) }
    }

    /// The cell of a number.
    pub fn at(&mut self, cell: u64) -> &mut C {
        match self {
            Cells::Dense(cells) => &mut cells[cell as usize],
            Cells::Sparse(cells) => cells.entry(cell).or_default(),
        }
    }

    /// Adds the rows of other cells of the same classification.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Cells::Dense(cells) => {
                for (i, cell) in cells.iter().enumerate().filter(|(_, c)| c.rows() > 0) {
                    self.at(i as u64).merge(cell);
                }
            }
            Cells::Sparse(cells) => {
                for (&i, cell) in cells {
                    self.at(i).merge(cell);
                }
            }
        }
    }

    /// The same cells under other numbers, `count` in all; those that have none are empty.
    pub fn carry(self, count: u64, number: impl Fn(u64) -> Option<u64>) -> Self {
        let mut carried = Cells::new(count, matches!(self, Cells::Sparse(_)));
        for (old, cell) in self.into_pairs().into_iter().filter(|(_, cell)| cell.rows() > 0) {
            if let Some(new) = number(old) {
                *carried.at(new) = cell;
            }
        }
        carried
    }

    /// All cells there are, by number.
    pub fn into_pairs(self) -> Vec<(u64, C)> {
        match self {
            Cells::Dense(cells) => cells.into_iter().enumerate().map(|(i, c)| (i as u64, c)).collect(),
            Cells::Sparse(cells) => cells.into_iter().collect(),
        }
    }
}

/// An interaction of categories: the first varies fastest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Positions of the categories in the design.
    pub categories: Vec<usize>,
    /// Their numbers of levels.
    pub levels: Vec<u64>,
}

impl Classification {
    /// The classification by some of a design's categories.
    pub fn new(design: &crate::Design, categories: &[usize]) -> Result<Self> {
        let levels: Vec<u64> = categories.iter().map(|&c| design.categories[c].size() as u64).collect();
        levels.iter().try_fold(1u64, |n, &k| n.checked_mul(k)).ok_or_else(|| {
            Error::new(ErrorKind::Memory, "The categories have more combinations than can be numbered.")
        })?;
        Ok(Classification { categories: categories.to_vec(), levels })
    }

    /// Number of cells.
    pub fn cells(&self) -> u64 {
        self.levels.iter().product()
    }

    /// The cell of one row; none if a category is missing.
    pub fn cell(&self, codes: &[&[u32]], row: usize) -> Option<u64> {
        let mut cell = 0;
        let mut stride = 1;
        for (&category, &levels) in self.categories.iter().zip(&self.levels) {
            let code = codes[category][row];
            if code == NO_LEVEL {
                return None;
            }
            cell += stride * u64::from(code);
            stride *= levels;
        }
        Some(cell)
    }

    /// The new numbers of all cells with the levels of another classification; none where a level is gone.
    pub fn carry<'a>(&'a self, to: &'a Self, moves: &'a Moves) -> impl Fn(u64) -> Option<u64> + 'a {
        move |cell| {
            let (mut new, mut stride) = (0, 1);
            for ((level, &category), &count) in self.split(cell).into_iter().zip(&self.categories).zip(&to.levels) {
                let level = match moves.get(category).and_then(Option::as_ref) {
                    Some(levels) => u64::from(*levels.get(level as usize).filter(|&&l| l != NO_LEVEL)?),
                    None => level,
                };
                new += stride * level;
                stride *= count;
            }
            Some(new)
        }
    }

    /// The levels of a cell.
    pub fn split(&self, mut cell: u64) -> Vec<u64> {
        self.levels
            .iter()
            .map(|&k| {
                let level = cell % k;
                cell /= k;
                level
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|x| (x - mean).powi(2)).sum())
    }

    #[test]
    fn rows_batches_and_merges_agree_with_two_passes() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + ((i * 7919) % 1013) as f64 / 8.0).collect();
        let (mean, squares) = naive(&values);
        let shift = 1e9;
        let mut by_row = Moments::default();
        values.iter().for_each(|&x| by_row.add(x, x - shift, 1.0));
        let (mut a, mut b) = (Moments::default(), Moments::default());
        a.add_batch(&values[..333], shift);
        b.add_batch(&values[333..], shift);
        a.merge(&b);
        for m in [by_row, a] {
            assert_eq!((m.n, m.min, m.max), (1000, 1e9, 1e9 + 126.5));
            assert!((shift + m.sum / m.w - mean).abs() <= 1e-15 * mean);
            assert!((m.squares / squares - 1.0).abs() < 1e-13, "{} {squares}", m.squares);
        }
    }

    #[test]
    fn a_batch_of_missing_values_changes_nothing() {
        let mut m = Moments::default();
        m.add_batch(&[f64::NAN; 17], 3.0);
        assert_eq!(m, Moments::default());
    }

    #[test]
    fn cells_count_from_the_first_category() {
        let c = Classification { categories: vec![1, 0], levels: vec![3, 2] };
        let codes: [&[u32]; 2] = [&[1, NO_LEVEL], &[2, 0]];
        assert_eq!(c.cell(&codes, 0), Some(5));
        assert_eq!(c.cell(&codes, 1), None);
        assert_eq!(c.split(5), vec![2, 1]);
    }
}

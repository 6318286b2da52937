//! Statistics of the cells of a cross classification: counts, weights and moments.
//!
//! Moments are sums about a fixed shift near the mean, in double-double: 32 digits hold the sum of squares about any other
//! mean, too, and sets are merged by adding them.

use crate::dd::{Dd, Number, Split, TwoProduct, quick_two_sum, two_sum};
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

/// Count, sums about a shift and range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Rows.
    pub n: u64,
    /// Sum of weights.
    pub w: f64,
    /// Sum of w (x - shift); the shift is the estimator's.
    pub sum: Dd,
    /// Sum of w (x - shift)^2.
    pub squares: Dd,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Moments { n: 0, w: 0.0, sum: Dd::default(), squares: Dd::default(), min: f64::INFINITY, max: f64::NEG_INFINITY }
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
    /// Adds a row of weight `w`.
    #[inline]
    pub fn add(&mut self, x: f64, shift: f64, w: f64) {
        let (d, low) = two_sum(x, -shift);
        let (wd, lost) = Split::two_product(w, d);
        let (square, error) = Split::two_product(wd, d);
        self.n += 1;
        self.w += w;
        self.sum = joined(self.sum, wd, lost + w * low);
        self.squares = joined(self.squares, square, error + d * (lost + 2.0 * w * low));
        self.min = if x < self.min { x } else { self.min };
        self.max = if x > self.max { x } else { self.max };
    }

    /// Adds a batch of unweighted values, NaN left out: one sweep for the sum and range, one for the squares about the
    /// batch's own mean, both while the batch is in the first level of cache. Sums are doubles until the batch is added.
    pub fn add_batch(&mut self, values: &[f64], shift: f64) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has what the function is compiled for.
            return self.merge(&unsafe { wide_sweep(values, shift) });
        }
        self.merge(&sweep(values, shift));
    }

    /// The same with every digit.
    pub fn add_batch_exactly(&mut self, values: &[f64], shift: f64) {
        values.iter().filter(|x| !x.is_nan()).for_each(|&x| self.add(x, shift, 1.0));
    }

    /// The mean, and the sum of w (x - mean)^2.
    pub fn centred(&self, shift: f64) -> (f64, f64) {
        let (w, sum) = (Dd::from(self.w), self.sum);
        let squares = (self.squares - sum * sum / w).value();
        ((sum / w + shift.into()).value(), if squares < 0.0 { 0.0 } else { squares })
    }
}

/// Adds a number and what it lacks.
#[inline(always)]
pub(crate) fn joined(to: Dd, x: f64, low: f64) -> Dd {
    let (sum, lost) = two_sum(to.hi, x);
    if !sum.is_finite() {
        return sum.into();
    }
    let (hi, lo) = quick_two_sum(sum, to.lo + (lost + low));
    Dd { hi, lo }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_sweep(values: &[f64], shift: f64) -> Moments {
    sweep(values, shift)
}

/// The moments of a batch in double: the same operations on every machine, only so many at a time.
#[inline(always)]
fn sweep(values: &[f64], shift: f64) -> Moments {
    const LANES: usize = 8;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut last = [f64::NAN; LANES];
    last[..rest.len()].copy_from_slice(rest);
    let (mut n, mut sum) = ([0.0; LANES], [0.0; LANES]);
    let (mut min, mut max) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    for chunk in chunks.iter().chain([&last]) {
        for k in 0..LANES {
            let x = chunk[k];
            let seen = !x.is_nan();
            n[k] += if seen { 1.0 } else { 0.0 };
            sum[k] += if seen { x - shift } else { 0.0 };
            min[k] = if x < min[k] { x } else { min[k] };
            max[k] = if x > max[k] { x } else { max[k] };
        }
    }
    let (n, sum) = (n.iter().sum::<f64>(), sum.iter().sum::<f64>());
    if n == 0.0 {
        return Moments::default();
    }
    let centre = if sum.is_finite() { sum / n } else { 0.0 };
    let mut squares = [0.0; LANES];
    for chunk in chunks.iter().chain([&last]) {
        for k in 0..LANES {
            let x = chunk[k];
            let d = if x.is_nan() { 0.0 } else { (x - shift) - centre };
            squares[k] += d * d;
        }
    }
    // From the batch's mean to the shift.
    let moved = Dd::product(2.0 * centre, sum) - Dd::product(centre, centre) * n.into();
    Moments {
        n: n as u64,
        w: n,
        sum: sum.into(),
        squares: Dd::from(squares.iter().sum::<f64>()) + moved,
        min: min.iter().copied().fold(f64::INFINITY, f64::min),
        max: max.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

impl Cell for Moments {
    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.w += other.w;
        self.sum = self.sum + other.sum;
        self.squares = self.squares + other.squares;
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

    /// All cells there are.
    pub fn each(&self) -> Box<dyn Iterator<Item = &C> + '_> {
        match self {
            Cells::Dense(cells) => Box::new(cells.iter()),
            Cells::Sparse(cells) => Box::new(cells.values()),
        }
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
        for (shift, tolerance) in [(1e9, 1e-14), (0.0, 1e-14), (1e12, 1e-11)] {
            let mut by_row = Moments::default();
            values.iter().for_each(|&x| by_row.add(x, shift, 1.0));
            let (mut a, mut b) = (Moments::default(), Moments::default());
            a.add_batch(&values[..333], shift);
            b.add_batch_exactly(&values[333..], shift);
            a.merge(&b);
            for m in [by_row, a] {
                assert_eq!((m.n, m.min, m.max), (1000, 1e9, 1e9 + 126.5));
                let found = m.centred(shift);
                assert!((found.0 - mean).abs() <= 1e-15 * mean);
                assert!((found.1 / squares - 1.0).abs() < tolerance, "{found:?} {squares}");
            }
        }
    }

    #[test]
    fn infinite_values_have_an_infinite_mean() {
        for values in [[1.0, f64::INFINITY], [f64::INFINITY, 2.0]] {
            let (mut by_row, mut batch) = (Moments::default(), Moments::default());
            values.iter().for_each(|&x| by_row.add(x, 0.5, 1.0));
            batch.add_batch(&values, 0.5);
            for m in [by_row, batch] {
                let (mean, squares) = m.centred(0.5);
                assert!(mean == f64::INFINITY && squares.is_nan(), "{m:?}");
            }
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

//! What a batch adds: values in quads, and the cell of every row.

use super::{CellSet, CrossProducts};
use crate::cells::Classification;
use crate::dd::{Dd, without_tiny};
use crate::estimator::ModelBatch;
use std::borrow::Cow;

/// Values by quads: quad q, row r, lane l is at `(q * rows + r) * 4 + l`.
#[derive(Debug, Default)]
pub(super) struct Quads {
    high: Vec<f64>,
    /// What doubles cannot hold of a shifted or weighted value; empty where sums are doubles.
    low: Vec<f64>,
}

impl Quads {
    /// A quad's values, and what they lack.
    pub(super) fn quad(&self, q: usize, rows: usize) -> [&[[f64; 4]]; 2] {
        [&self.high, &self.low]
            .map(|values| values.get(q * rows * 4..(q + 1) * rows * 4).unwrap_or_default().as_chunks().0)
    }
}

/// What a batch adds.
pub(super) struct Terms<'a> {
    pub(super) left: Quads,
    /// The same times the weights, if there are any.
    pub(super) right: Option<Quads>,
    /// By other cell set, the cell of every row.
    pub(super) cells: Vec<Cow<'a, [u32]>>,
    /// By other cell set and value; none where the only value is 1.
    pub(super) values: Vec<Vec<Cow<'a, [f64]>>>,
    pub(super) weights: Option<&'a [f64]>,
}

impl CrossProducts {
    /// The values of the first cell set, relative to their shifts.
    fn quads_of(&self, batch: &ModelBatch) -> Quads {
        let rows = batch.rows;
        let size = self.quads() * rows * 4;
        let mut quads = Quads { high: vec![0.0; size], low: vec![0.0; if self.extended { size } else { 0 }] };
        for (j, product) in self.sets[0].values.iter().enumerate() {
            let (shift, lane, quad) = (self.shifts[j], j % 4, (j / 4) * rows * 4..(j / 4 + 1) * rows * 4);
            let high = quads.high[quad.clone()].as_chunks_mut::<4>().0;
            if product.is_empty() {
                high.iter_mut().for_each(|to| to[lane] = 1.0 - shift);
                continue;
            }
            let column = self.product(batch, product);
            high.iter_mut().zip(&*column).for_each(|(to, x)| to[lane] = x - shift);
            if self.extended {
                let low = quads.low[quad].as_chunks_mut::<4>().0;
                low.iter_mut().zip(&*column).for_each(|(to, &x)| to[lane] = Dd::sum(x, -shift).lo);
            }
        }
        quads
    }

    /// A column's values, scaled.
    pub(super) fn product<'a>(&self, batch: &ModelBatch<'a>, product: &[usize]) -> Cow<'a, [f64]> {
        let mut factors = product.iter().map(|&variable| batch.numeric[variable]);
        let mut column = factors.next().map_or_else(|| Cow::Owned(vec![1.0; batch.rows]), Cow::Borrowed);
        for factor in factors {
            column.to_mut().iter_mut().zip(factor).for_each(|(to, x)| *to *= x);
        }
        for exponent in product.iter().map(|&variable| self.exponents[variable]).filter(|&e| e != 0) {
            column.to_mut().iter_mut().for_each(|x| *x *= 2f64.powi(exponent));
        }
        if self.extended {
            column.to_mut().iter_mut().for_each(|x| *x = without_tiny(*x));
        }
        column
    }

    /// What a batch adds, decoded once for all tables.
    pub(super) fn terms<'a>(&self, batch: &ModelBatch<'a>) -> Terms<'a> {
        let left = self.quads_of(batch);
        let right = batch.weight.map(|weights| weigh(&left, weights));
        let values = |set: &CellSet| match Self::is_plain(set) {
            true => Vec::new(),
            false => set.values.iter().map(|product| self.product(batch, product)).collect(),
        };
        Terms {
            left,
            right,
            cells: self.others().iter().map(|s| cells_of(&s.classes, batch)).collect(),
            values: self.others().iter().map(values).collect(),
            weights: batch.weight,
        }
    }
}

/// Values times weights.
fn weigh(quads: &Quads, weights: &[f64]) -> Quads {
    let high = quads.high.as_chunks::<4>().0.iter().zip(weights.iter().cycle());
    let mut weighed = Quads { high: high.flat_map(|(v, w)| v.map(|x| x * w)).collect(), low: Vec::new() };
    if !quads.low.is_empty() {
        let rows = quads.high.iter().zip(&quads.low).enumerate();
        let low = rows.map(|(i, (&high, low))| {
            let w = weights[i / 4 % weights.len()];
            Dd::product(high, w).lo + low * w
        });
        weighed.low = low.collect();
    }
    weighed
}

/// The cell of every row. All rows are complete.
fn cells_of<'a>(classes: &Classification, batch: &ModelBatch<'a>) -> Cow<'a, [u32]> {
    let mut codes = classes.categories.iter().map(|&category| batch.codes[category]);
    let (Some(first), others) = (codes.next(), codes) else { return Cow::Owned(vec![0; batch.rows]) };
    let mut cells = Cow::Borrowed(first);
    let mut stride = 1;
    for (codes, &before) in others.zip(&classes.levels) {
        stride *= before as u32;
        for (cell, &code) in cells.to_mut().iter_mut().zip(codes) {
            *cell += stride * code;
        }
    }
    cells
}

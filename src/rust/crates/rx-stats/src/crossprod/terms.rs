//! What a batch adds: values in quads, and the cell of every row.

use super::{CellSet, CrossProducts, Quad};
use crate::cells::Classification;
use crate::dd::{Dd, without_tiny};
use crate::decode::BATCH_ROWS;
use crate::elementary::wide;
use crate::estimator::ModelBatch;
use std::borrow::Cow;

const LANES: [usize; 4] = [0, 1, 2, 3];

/// Values by quads: quad q of row r is at `q * rows + r`.
#[derive(Debug, Default)]
pub(super) struct Quads {
    high: Vec<[f64; 4]>,
    /// What doubles cannot hold of a shifted or weighted value; empty where sums are doubles.
    low: Vec<[f64; 4]>,
}

impl Quads {
    /// A quad's values, and what they lack.
    pub(super) fn quad(&self, q: usize, rows: usize) -> Quad<'_> {
        [&self.high, &self.low].map(|values| values.get(q * rows..(q + 1) * rows).unwrap_or_default())
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
        let (rows, values) = (batch.rows, &self.sets[0].values);
        let nothing = vec![0.0; rows];
        let mut quads = Quads::default();
        for (products, shifts) in values.chunks(4).zip(self.shifts.chunks(4)) {
            let columns: Vec<_> = products.iter().map(|product| self.product(batch, product)).collect();
            let column = |lane: usize| columns.get(lane).map_or(&nothing[..], |column| &column[..rows]);
            let shift = |lane: usize| shifts.get(lane).copied().unwrap_or(0.0);
            let ([a, b, c, d], [e, f, g, h]) = (LANES.map(column), LANES.map(shift));
            let values = || a.iter().zip(b).zip(c.iter().zip(d)).map(|((&a, &b), (&c, &d))| [a, b, c, d]);
            quads.high.extend(values().map(|[a, b, c, d]| [a - e, b - f, c - g, d - h]));
            if self.extended {
                let low = |x, shift: f64| Dd::sum(x, -shift).lo;
                quads.low.extend(values().map(|[a, b, c, d]| [low(a, e), low(b, f), low(c, g), low(d, h)]));
            }
        }
        quads
    }

    /// A column's values, scaled.
    pub(super) fn product<'a>(&self, batch: &ModelBatch<'a>, product: &[usize]) -> Cow<'a, [f64]> {
        let mut factors = product.iter().map(|&variable| batch.numeric[variable]);
        let mut column = factors.next().map_or_else(|| ones(batch.rows), Cow::Borrowed);
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
        // Where nothing else is summed, the square of many columns does without.
        let left = if self.is_wide() && self.others().is_empty() { Quads::default() } else { self.quads_of(batch) };
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
    #[inline(always)]
    fn kernel(values: &[[f64; 4]], weights: &[f64], to: &mut Vec<[f64; 4]>) {
        to.extend(values.iter().zip(weights).map(|(v, w)| v.map(|x| x * w)));
    }
    fn extend(values: &[[f64; 4]], weights: &[f64], to: &mut Vec<[f64; 4]>) {
        wide!(kernel(values: &[[f64; 4]], weights: &[f64], to: &mut Vec<[f64; 4]>))
    }
    let mut high = Vec::with_capacity(quads.high.len());
    quads.high.chunks(weights.len().max(1)).for_each(|quad| extend(quad, weights, &mut high));
    let rows = quads.high.iter().zip(&quads.low).zip(weights.iter().cycle());
    let low = rows.map(|((high, low), &w)| LANES.map(|lane| Dd::product(high[lane], w).lo + low[lane] * w)).collect();
    Quads { high, low }
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

fn ones(rows: usize) -> Cow<'static, [f64]> {
    static ONES: [f64; BATCH_ROWS] = [1.0; BATCH_ROWS];
    ONES.get(..rows).map_or_else(|| Cow::Owned(vec![1.0; rows]), Cow::Borrowed)
}

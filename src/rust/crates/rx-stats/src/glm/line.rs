//! The linear predictor: what coefficients make of the rows of a batch, without forming the columns.

use crate::design::Design;
use crate::elementary::wide;
use crate::estimator::ModelBatch;
use crate::linmod::Term;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;

/// Where the columns of the terms are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Layout {
    intercept: bool,
    terms: Vec<Placed>,
    /// How many columns there are.
    pub size: usize,
}

/// A term, its first column and its cells.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Placed {
    term: Term,
    first: usize,
    /// Cells from one level of each category to the next.
    strides: Vec<usize>,
    cells: usize,
}

impl Layout {
    /// The columns of terms: the intercept first, then the cells of each, the first category varying fastest.
    pub fn new(design: &Design, intercept: bool, terms: &[Term]) -> Self {
        let mut size = usize::from(intercept);
        let placed = |term: &Term| {
            let (mut strides, mut cells) = (Vec::new(), 1usize);
            for &category in &term.categories {
                strides.push(cells);
                cells = cells.saturating_mul(design.categories[category].size());
            }
            let first = size;
            size = size.saturating_add(cells);
            Placed { term: term.clone(), first, strides, cells }
        };
        let terms = terms.iter().map(placed).collect();
        Layout { intercept, terms, size }
    }

    /// The columns of the terms.
    pub fn places(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.terms.iter().map(|t| t.first..t.first + t.cells)
    }

    /// Which columns are numbers in all rows: those of terms without categories.
    pub fn is_number(&self) -> Vec<bool> {
        let mut numbers = vec![false; self.size];
        self.terms.iter().filter(|t| t.term.categories.is_empty()).for_each(|t| numbers[t.first] = true);
        numbers
    }
}

/// Coefficients, about centres so that nothing large cancels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// One a column; zero where it is aliased.
    pub coefficients: Vec<f64>,
    /// The value where all columns are at their centres; without an intercept zero.
    pub base: f64,
    /// What the columns are relative to; the intercept's is none.
    pub centres: Vec<f64>,
}

impl Line {
    /// Coefficients as they stand.
    pub fn plain(coefficients: Vec<f64>, layout: &Layout) -> Self {
        let base = coefficients.first().copied().filter(|_| layout.intercept).unwrap_or(0.0);
        Line { centres: vec![0.0; coefficients.len()], coefficients, base }
    }

    /// The value at some point of the columns.
    pub fn at(&self, layout: &Layout, point: &[f64]) -> f64 {
        let columns = self.coefficients.iter().zip(point.iter().zip(&self.centres));
        let change = columns.skip(usize::from(layout.intercept)).map(|(b, (x, centre))| b * (x - centre)).sum::<f64>();
        self.base + change
    }

    /// The line half way to another one; from zero if there is none.
    pub fn half_way(&self, from: Option<&Line>, layout: &Layout) -> Line {
        let other = |j: usize| from.map_or(0.0, |line| line.coefficients[j]);
        Line {
            coefficients: (0..self.coefficients.len()).map(|j| 0.5 * (self.coefficients[j] + other(j))).collect(),
            base: 0.5 * (self.base + from.map_or(0.0, |line| line.at(layout, &self.centres))),
            centres: self.centres.clone(),
        }
    }

    /// Adds the values in the rows of a batch.
    pub fn add_to(&self, layout: &Layout, batch: &ModelBatch, eta: &mut [f64]) {
        if layout.intercept {
            eta.iter_mut().for_each(|eta| *eta += self.base);
        }
        for placed in &layout.terms {
            let coefficients = &self.coefficients[placed.first..placed.first + placed.cells];
            let values = product(&placed.term.numeric, batch);
            let mut codes = placed.term.categories.iter().map(|&category| batch.codes[category]);
            let (Some(first), others) = (codes.next(), codes) else {
                let (b, centre) = (coefficients[0], self.centres[placed.first]);
                if let Some(values) = values {
                    add_column(eta, &values, b, centre);
                }
                continue;
            };
            let mut cells = Cow::Borrowed(first);
            for (codes, stride) in others.zip(&placed.strides[1..]) {
                cells.to_mut().iter_mut().zip(codes).for_each(|(cell, code)| *cell += *stride as u32 * code);
            }
            match values {
                None => eta.iter_mut().zip(&*cells).for_each(|(eta, &cell)| *eta += coefficients[cell as usize]),
                Some(values) => {
                    for ((eta, &cell), x) in eta.iter_mut().zip(&*cells).zip(&*values) {
                        *eta += coefficients[cell as usize] * x;
                    }
                }
            }
        }
    }
}

/// Adds a multiple of a column's distances from its centre.
fn add_column(eta: &mut [f64], values: &[f64], b: f64, centre: f64) {
    #[inline(always)]
    fn kernel(eta: &mut [f64], values: &[f64], b: f64, centre: f64) {
        eta.iter_mut().zip(values).for_each(|(eta, x)| *eta += b * (x - centre));
    }
    wide!(kernel(eta: &mut [f64], values: &[f64], b: f64, centre: f64))
}

/// The product of some numeric variables; none if there are none.
fn product<'a>(numeric: &[usize], batch: &ModelBatch<'a>) -> Option<Cow<'a, [f64]>> {
    let mut factors = numeric.iter().map(|&variable| batch.numeric[variable]);
    let mut values = Cow::Borrowed(factors.next()?);
    for factor in factors {
        values.to_mut().iter_mut().zip(factor).for_each(|(to, x)| *to *= x);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Rows;
    use crate::laws;

    fn term(numeric: &[usize], categories: &[usize]) -> Term {
        Term { numeric: numeric.to_vec(), categories: categories.to_vec() }
    }

    #[test]
    fn a_line_is_the_sum_over_its_terms() {
        let design = laws::design(2, &[3, 2], false, Rows::Finite);
        let terms = [term(&[0], &[]), term(&[0, 1], &[]), term(&[], &[1, 0]), term(&[1], &[0])];
        let layout = Layout::new(&design, true, &terms);
        assert_eq!(layout.size, 1 + 1 + 1 + 6 + 3);
        assert_eq!(layout.is_number().iter().filter(|&&number| number).count(), 2);
        let b: Vec<f64> = (0..layout.size).map(|j| (j * j + 1) as f64 / 7.0).collect();
        let plain = Line::plain(b.clone(), &layout);
        let centres: Vec<f64> =
            layout.is_number().iter().enumerate().map(|(j, &n)| if n { 3.0 + j as f64 } else { 0.0 }).collect();
        let centred = Line { base: plain.at(&layout, &centres), centres, coefficients: b.clone() };
        laws::batches(2, &[3, 2], false)[0].with(|batch| {
            let mut eta = [vec![0.5; batch.rows], vec![0.5; batch.rows], vec![0.5; batch.rows]];
            plain.add_to(&layout, batch, &mut eta[0]);
            centred.add_to(&layout, batch, &mut eta[1]);
            plain.half_way(Some(&centred), &layout).add_to(&layout, batch, &mut eta[2]);
            for i in 0..batch.rows {
                let (x, z) = (batch.numeric[0][i], batch.numeric[1][i]);
                let (f, g) = (batch.codes[0][i] as usize, batch.codes[1][i] as usize);
                let exact = 0.5 + b[0] + b[1] * x + b[2] * x * z + b[3 + g + 2 * f] + b[9 + f] * z;
                assert!(eta.iter().all(|eta| (eta[i] / exact - 1.0).abs() < 1e-12), "{eta:?} {exact}");
            }
        });
        let half = plain.half_way(None, &layout);
        assert_eq!((half.base, half.coefficients[4]), (b[0] / 2.0, b[4] / 2.0));
    }
}

//! The master's part of covariances: from sums about shifts to products about the means, or about zero.

use super::{Covariance, FEW};
use crate::crossprod::{CrossProducts, ONE, Place, State, Totals};
use crate::dd::{Dd, Number};
use crate::design::WeightKind;
use crate::estimator::{Finish, GoOn, Step};
use crate::linmod::{LinMod, no_rows};
use crate::solve::{filled, mirror};
use ndarray::Array2;
use rx_data::Result;

/// Share of a column's squares about its shift that its variation must be for sums of doubles to do.
const ENOUGH: f64 = 1e-4;

/// The matrix and what it takes to read it.
#[derive(Debug, Clone)]
pub struct CovarianceModel {
    /// Rows used.
    pub n: u64,
    /// Rows with a missing value.
    pub missing: u64,
    /// Sum of weights.
    pub sum_weights: f64,
    /// What products about the means are divided by for covariances.
    pub divisor: f64,
    /// Means of the columns.
    pub means: Vec<f64>,
    /// Sums of squares of the columns about their means, of scaled values.
    pub squares: Vec<f64>,
    /// What columns were multiplied by, a power of two: 1 unless their squares are too large or small for doubles.
    pub scales: Vec<f64>,
    /// Products of scaled columns about their means; or about zero, with the column of ones before them.
    pub products: Array2<f64>,
    /// Columns that were not to be kept.
    pub dropped: Vec<bool>,
}

/// Sums of an unfolded state, whatever their precision.
struct Products<'a> {
    model: &'a LinMod,
    totals: &'a Totals,
    /// The columns, that of ones first.
    places: Vec<Place>,
    /// Their sums, relative to their shifts.
    sums: Vec<Dd>,
}

impl<'a> Products<'a> {
    fn new(model: &'a LinMod, totals: &'a Totals) -> Self {
        let mut products = Products { model, totals, places: model.places(), sums: Vec::new() };
        products.sums = products.places.iter().map(|&place| products.get(ONE, place)).collect();
        products
    }

    fn get(&self, a: Place, b: Place) -> Dd {
        match self.totals {
            Totals::Double(sums) => self.model.products.get(sums, a, b).into(),
            Totals::Extended(sums) => self.model.products.get(sums, a, b),
        }
    }

    fn about_shifts(&self, i: usize, j: usize) -> Dd {
        self.get(self.places[i], self.places[j])
    }

    fn shift(&self, j: usize) -> Dd {
        self.model.shift(self.places[j]).into()
    }

    fn about_means(&self, i: usize, j: usize) -> Dd {
        self.about_shifts(i, j) - self.sums[i] * self.sums[j] / self.sums[0]
    }

    fn about_zero(&self, i: usize, j: usize) -> Dd {
        let (a, b) = (self.shift(i), self.shift(j));
        self.about_shifts(i, j) + (a * self.sums[j] + b * (self.sums[i] + a * self.sums[0]))
    }

    /// What rounding may leave of the variation of a column that has none.
    fn noise(&self, j: usize) -> f64 {
        let share = if matches!(self.totals, Totals::Double(_)) { 1e-12 } else { 1e-28 };
        share * self.about_shifts(j, j).value()
    }

    /// Whether doubles hold enough digits of a column's variation.
    fn is_certain(&self, j: usize) -> bool {
        let own = self.about_means(j, j).value();
        let place = self.places[j];
        // Sums of ones are exact.
        self.model.products.sets[place.set].values[place.value].is_empty()
            || own >= ENOUGH * self.about_shifts(j, j).value()
            || own <= self.noise(j)
    }
}

impl Finish for Covariance {
    type Model = CovarianceModel;
    const SHARES: bool = true;

    fn finish(self, state: State, go_on: GoOn) -> Result<Step<Self, CovarianceModel>> {
        if state.n == 0 {
            return Err(no_rows(state.dropped, "compute with"));
        }
        let state = self.model.products.unfolded(state);
        if let Some(products) = self.model.products.rescaled(&state)? {
            return Ok(Step::Again(self.with(products)));
        }
        let products = Products::new(&self.model, &state.totals);
        let columns = products.places.len();
        if let Totals::Double(sums) = &state.totals {
            let centred = || self.model.products.clone().centred(sums);
            let is_certain = (1..columns).all(|j| products.is_certain(j));
            if !is_certain && !self.recentred {
                return Ok(Step::Again(Covariance { recentred: true, ..self.with(centred()) }));
            }
            if (!is_certain || (state.n <= FEW && self.model.is_small(state.n, columns as f64)))
                && let Ok(extended) = centred().extended()
            {
                return Ok(Step::Again(self.with(extended)));
            }
        }
        let weight = products.sums[0].value();
        let divisor = match self.weights {
            None | Some(WeightKind::Frequency) => weight - 1.0,
            Some(WeightKind::Probability) => weight * ((state.n - 1) as f64 / state.n as f64),
        };
        let scales: Vec<f64> = products.places[1..].iter().map(|&place| self.model.products.scale(place)).collect();
        let own = |j: usize| products.about_means(j, j).value();
        let squares: Vec<f64> = (1..columns).map(|j| if own(j) > products.noise(j) { own(j) } else { 0.0 }).collect();
        let mut dropped = vec![false; columns];
        if !self.keep_all {
            let variance = |(own, scale): (&f64, &f64)| own / scale / scale / divisor;
            for (dropped, variance) in dropped[1..].iter_mut().zip(squares.iter().zip(&scales).map(variance)) {
                *dropped = variance <= self.tolerance;
            }
            let (redundant, is_certain) = self.model.redundant(&state, &dropped, go_on)?;
            if let (false, Totals::Double(sums)) = (is_certain, &state.totals)
                && let Ok(extended) = self.model.products.clone().centred(sums).extended()
            {
                return Ok(Step::Again(self.with(extended)));
            }
            dropped.iter_mut().zip(redundant).for_each(|(dropped, redundant)| *dropped |= redundant);
        }
        let entry = |i: usize, j: usize| match self.raw {
            true => products.about_zero(i, j).value(),
            false if squares[i] == 0.0 || squares[j] == 0.0 => 0.0,
            false => products.about_means(i + 1, j + 1).value(),
        };
        let size = if self.raw { columns } else { columns - 1 };
        let mut matrix = filled((size, size), go_on, |i, j| if i <= j { entry(i, j) } else { 0.0 })?;
        mirror(&mut matrix);
        let mean = |j: usize| (products.sums[j] / products.sums[0] + products.shift(j)).value() / scales[j - 1];
        Ok(Step::Done(CovarianceModel {
            n: state.n,
            missing: state.dropped,
            sum_weights: weight,
            divisor,
            means: (1..columns).map(mean).collect(),
            squares,
            products: matrix,
            dropped: dropped.split_off(1),
            scales,
        }))
    }
}

impl Covariance {
    fn with(&self, products: CrossProducts) -> Self {
        Covariance { model: self.model.with(products), ..self.clone() }
    }
}

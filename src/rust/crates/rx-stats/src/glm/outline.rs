//! What a search among models compares: of a fit, or of a model of fewer terms as the cross products of a fit tell it.
//!
//! The latter is the linear model of the fit's working responses (Lawless and Singhal 1978, Efficient screening of
//! nonnormal regression models, Biometrics 34): its sum of squares is larger than that of all terms by nearly as much as
//! the deviance would be.

use super::{GlmModel, Layout, Plan};
use crate::design::Design;
use crate::estimator::GoOn;
use crate::linmod::{Formula, LinearModel, Term};
use crate::step::{Fit, Search};
use crate::tails;
use rx_data::{Error, Result};

/// What matters of a model in a search.
#[derive(Debug, Clone)]
pub struct Outline {
    coefficients: Vec<f64>,
    rank: usize,
    deviance: f64,
    dispersion: f64,
    /// Whether that is 1 whatever the data.
    fixed: bool,
    log_likelihood: f64,
    scale_parameters: usize,
    /// Rows, or what they stand for.
    rows: f64,
}

impl Outline {
    /// That of a fit.
    pub fn of(model: &GlmModel, plan: &Plan) -> Self {
        let rows = if plan.counted { model.sum_weights } else { model.linear.n as f64 };
        let rank = model.linear.rank();
        let fixed = plan.family.fixed_dispersion;
        Outline {
            coefficients: model.coefficients.clone(),
            rank,
            deviance: model.deviance,
            dispersion: if fixed { 1.0 } else { model.pearson / (rows - rank as f64) },
            fixed,
            log_likelihood: model.log_likelihood,
            scale_parameters: plan.family.scale_parameters(),
            rows,
        }
    }

    /// That of a model of some terms, by position, as the cross products of the one with all terms tell it.
    pub fn within(model: &GlmModel, plan: &Plan, terms: &[usize], go_on: GoOn) -> Result<Self> {
        let (working, state) =
            model.products.as_ref().ok_or_else(|| Error::internal("a fit without cross products"))?;
        let squares = |linear: &LinearModel| linear.deviance();
        let linear = working.restricted(terms).answer(state, go_on)?;
        let more = squares(&linear) - squares(&model.linear);
        let all = Outline::of(model, plan);
        let rank = linear.rank();
        let pearson = model.pearson + more;
        let rest = all.log_likelihood - plan.family.log_likelihood(model.deviance, all.rows, model.sum_weights, 0.0);
        let deviance = model.deviance + more;
        Ok(Outline {
            coefficients: linear.coefficients(),
            rank,
            deviance,
            dispersion: if all.fixed { 1.0 } else { pearson / (all.rows - rank as f64) },
            log_likelihood: plan.family.log_likelihood(deviance, all.rows, model.sum_weights, 0.0) + rest,
            ..all
        })
    }
}

impl Outline {
    /// Coefficients of another model that are these where the models, this one of the terms `from`, have a term in common,
    /// and zero elsewhere.
    pub fn moved(&self, from: &[Term], to: &Formula, design: &Design) -> Vec<f64> {
        let [old, new] = [from, &to.terms].map(|terms| Layout::new(design, to.intercept, terms));
        let mut moved = vec![0.0; new.size];
        let first = usize::from(to.intercept);
        moved[..first].copy_from_slice(&self.coefficients[..first]);
        for (term, columns) in to.terms.iter().zip(new.places()) {
            let same = from.iter().zip(old.places()).find(|(other, _)| *other == term);
            same.into_iter().for_each(|(_, old)| moved[columns.clone()].copy_from_slice(&self.coefficients[old]));
        }
        moved.iter_mut().filter(|b| b.is_nan()).for_each(|b| *b = 0.0);
        moved
    }
}

impl Fit for Outline {
    fn rank(&self) -> usize {
        self.rank
    }

    fn deviance(&self) -> f64 {
        self.deviance
    }

    fn dispersion(&self, search: &Search) -> f64 {
        if search.scale > 0.0 { search.scale } else { self.dispersion }
    }

    fn aic(&self, search: &Search) -> f64 {
        if search.scale > 0.0 {
            return search.cp(self.deviance / search.scale, self.rows, self.rank);
        }
        -2.0 * self.log_likelihood + 2.0 * self.scale_parameters as f64 + search.k * self.rank as f64
    }

    fn p_value(&self, smaller: &Self, search: &Search, chi_square: bool) -> f64 {
        let df = self.rank as f64 - smaller.rank as f64;
        let ratio = (smaller.deviance - self.deviance).max(0.0) / self.dispersion(search);
        // F of a known dispersion has a chi-square above and nothing to estimate below.
        if chi_square || self.fixed || search.scale > 0.0 {
            return tails::chi_square(ratio, df);
        }
        tails::f(ratio / df, df, self.rows - self.rank as f64)
    }

    fn coefficients(&self) -> Vec<f64> {
        self.coefficients.clone()
    }
}

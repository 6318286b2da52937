//! Stepwise selection of the terms of a model (`variableSelection`).
//!
//! Of linear models one pass accumulates the cross products of all terms that any model of the search may have; every
//! model is solved from them. Generalized ones are fitted one by one, or judged by the cross products of the largest one
//! ([`crate::glm::Outline`]). The search is that of R's `step()` for Akaike's criterion, and the classical one by significance levels
//! otherwise: drop the least significant term while it may go, else add the most significant one that may come.

use crate::design::Design;
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::levels::Moves;
use crate::linmod::{LinMod, LinearModel, Term};
use crate::tails;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What a step must gain of Akaike's criterion, as in R's `step()`.
const LEAST_GAIN: f64 = 1e-7;

/// How to search. Terms are positions among those of the formula.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Search {
    /// The terms of the first model.
    pub start: Vec<usize>,
    /// Terms that stay.
    pub lower: Vec<usize>,
    /// Terms that may be added.
    pub upper: Vec<usize>,
    /// Whether terms are added.
    pub forward: bool,
    /// Whether terms are dropped.
    pub backward: bool,
    /// What decides.
    pub criterion: Criterion,
    /// Akaike's penalty for each coefficient.
    pub k: f64,
    /// Steps at most.
    pub max_steps: usize,
    /// The variance of the errors; zero stands for each model's estimate.
    pub scale: f64,
    /// Whether rows are counted by their weights, as frequency weights ask for.
    pub weights_count: bool,
    /// Whether to keep the coefficients of every model.
    pub keep: bool,
}

/// What decides on a step.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Akaike's with a penalty for each coefficient; Mallows' Cp where the scale is given.
    Aic,
    /// A test of the term.
    SigLevel {
        /// A term comes if its p-value is below.
        add: f64,
        /// A term goes if its p-value is above.
        drop: f64,
        /// Whether the test is the likelihood ratio's, not F.
        chi_square: bool,
    },
}

/// A model of the path.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The term that was added or dropped to come here; none for the first model.
    pub change: Option<Change>,
    /// The terms of the model.
    pub terms: Vec<usize>,
    /// The deviance; of a linear model the sum of squared residuals.
    pub deviance: f64,
    /// The variance of the errors, or the dispersion.
    pub dispersion: f64,
    /// Akaike's criterion, or Mallows' Cp; NaN where there is no likelihood.
    pub aic: f64,
    /// Number of coefficients that are not aliased.
    pub rank: usize,
    /// The coefficients, the intercept first, where they are kept; NaN where aliased.
    pub coefficients: Vec<f64>,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A term comes.
    Add(usize),
    /// A term goes.
    Drop(usize),
}

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Selected<M> {
    /// The models of the path.
    pub path: Vec<Stage>,
    /// The last one.
    pub model: M,
}

/// What a search asks of a model.
pub trait Fit {
    /// Number of coefficients that are not aliased.
    fn rank(&self) -> usize;
    /// The deviance; of a linear model the sum of squared residuals.
    fn deviance(&self) -> f64;
    /// The variance of the errors, or the dispersion.
    fn dispersion(&self, search: &Search) -> f64;
    /// Akaike's criterion, or Mallows' Cp where the scale is given; NaN where there is no likelihood.
    fn aic(&self, search: &Search) -> f64;
    /// The p-value of what the model has more than a smaller one; NaN if it cannot be tested.
    fn p_value(&self, smaller: &Self, search: &Search, chi_square: bool) -> f64;
    /// The coefficients, the intercept first; NaN where aliased.
    fn coefficients(&self) -> Vec<f64>;
}

/// Fits a model of some terms; a model that differs from it by one term is given with its terms, if there is one.
pub type Fitter<'a, M> = &'a mut dyn FnMut(&[usize], Option<(&[usize], &M)>) -> Result<M>;

/// The estimator: that of the model with all terms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stepwise {
    full: LinMod,
    search: Search,
}

impl Stepwise {
    /// A search among the terms of a model with one response.
    pub fn new(full: LinMod, search: Search) -> Self {
        Stepwise { full, search }
    }
}

impl Estimator for Stepwise {
    type State = <LinMod as Estimator>::State;
    const HAS_EXACT: bool = LinMod::HAS_EXACT;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        self.full.pilot(first)
    }

    fn init(&self) -> Self::State {
        self.full.init()
    }

    fn update(&self, state: &mut Self::State, batch: &ModelBatch) -> Result<()> {
        self.full.update(state, batch)
    }

    fn swap_exact(&self, state: &mut Self::State, other: &mut Self::State) {
        self.full.swap_exact(state, other);
    }

    fn merge(&self, state: &mut Self::State, other: Self::State) -> Result<()> {
        self.full.merge(state, other)
    }

    fn state_bytes(&self) -> usize {
        self.full.state_bytes()
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        Ok(Stepwise { full: self.full.relevel(design)?, search: self.search.clone() })
    }

    fn carry(&self, state: Self::State, to: &Self, moves: &Moves) -> Result<Self::State> {
        self.full.carry(state, &to.full, moves)
    }
}

impl Finish for Stepwise {
    type Model = Selected<LinearModel>;
    const SHARES: bool = true;

    fn finish(self, state: Self::State, go_on: GoOn) -> Result<Step<Self, Self::Model>> {
        // The full model tells whether the cross products are precise enough for any.
        let state = self.full.unfolded(state)?;
        if let Step::Again(full) = self.full.clone().judge(&state, go_on)? {
            return Ok(Step::Again(Stepwise { full, ..self }));
        }
        let mut fit =
            |terms: &[usize], _: Option<(&[usize], &LinearModel)>| self.full.restricted(terms).answer(&state, go_on);
        Ok(Step::Done(self.search.run(self.full.terms(), &mut fit)?))
    }
}

/// A model that a step may lead to.
struct Candidate<M> {
    change: Change,
    terms: Vec<usize>,
    model: M,
}

impl Search {
    /// Searches among the models of some of these terms.
    pub fn run<M: Fit>(&self, all: &[Term], fit: Fitter<M>) -> Result<Selected<M>> {
        let mut terms = self.start.clone();
        let mut model = fit(&terms, None)?;
        if matches!(self.criterion, Criterion::Aic) && model.aic(self).is_nan() {
            let what = "There is no AIC of this family, which has no likelihood.";
            return Err(
                Error::new(ErrorKind::Argument, what).hint("Use stepCriterion = \"SigLevel\", or give `scale`.")
            );
        }
        let mut path = vec![self.stage(None, &terms, &model)];
        for _ in 0..self.max_steps {
            let Some(next) = self.next(all, &terms, &model, fit)? else { break };
            // With a level to drop below that to add the same models would come again and again.
            let same = |stage: &Stage| {
                stage.terms.len() == next.terms.len() && next.terms.iter().all(|t| stage.terms.contains(t))
            };
            if path.iter().any(same) {
                break;
            }
            (terms, model) = (next.terms, next.model);
            path.push(self.stage(Some(next.change), &terms, &model));
        }
        Ok(Selected { path, model })
    }

    fn stage<M: Fit>(&self, change: Option<Change>, terms: &[usize], model: &M) -> Stage {
        Stage {
            change,
            terms: terms.to_vec(),
            deviance: model.deviance(),
            dispersion: model.dispersion(self),
            aic: model.aic(self),
            rank: model.rank(),
            coefficients: if self.keep { model.coefficients() } else { Vec::new() },
        }
    }

    /// The best step from a model, if any is worth it.
    fn next<M: Fit>(&self, all: &[Term], terms: &[usize], model: &M, fit: Fitter<M>) -> Result<Option<Candidate<M>>> {
        let mut candidate = |change: Change| {
            let mut changed = terms.to_vec();
            match change {
                Change::Add(term) => changed.push(term),
                Change::Drop(term) => changed.retain(|&t| t != term),
            }
            let model = fit(&changed, Some((terms, model)))?;
            Ok(Candidate { change, terms: changed, model })
        };
        let drops: Vec<Candidate<M>> = if self.backward {
            // A term that stands in a larger one must stay as long as that does.
            let free =
                |&&term: &&usize| !self.lower.contains(&term) && !terms.iter().any(|&t| within(&all[term], &all[t]));
            terms.iter().filter(free).map(|&t| candidate(Change::Drop(t))).collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        // What explains nothing goes first.
        if let Some(last) = drops.iter().rposition(|c| c.model.rank() == model.rank()) {
            return Ok(drops.into_iter().nth(last));
        }
        let drop = match self.criterion {
            Criterion::SigLevel { drop, chi_square, .. } => {
                let p = |c: &Candidate<M>| model.p_value(&c.model, self, chi_square);
                let worst = first_best(drops, |c| -p(c)).filter(|c| p(c) > drop);
                if worst.is_some() {
                    return Ok(worst);
                }
                Vec::new()
            }
            Criterion::Aic => drops,
        };
        let adds: Vec<Candidate<M>> = if self.forward {
            let absent: Vec<usize> = self.upper.iter().copied().filter(|t| !terms.contains(t)).collect();
            // A term comes after all those that stand in it.
            let ready = |&&term: &&usize| !absent.iter().any(|&t| within(&all[t], &all[term]));
            absent.iter().filter(ready).map(|&t| candidate(Change::Add(t))).collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let adds = adds.into_iter().filter(|c| c.model.rank() > model.rank());
        Ok(match self.criterion {
            Criterion::SigLevel { add, chi_square, .. } => {
                let p = |c: &Candidate<M>| c.model.p_value(model, self, chi_square);
                first_best(adds, p).filter(|c| p(c) < add)
            }
            Criterion::Aic => {
                let now = model.aic(self);
                first_best(drop.into_iter().chain(adds), |c| c.model.aic(self))
                    .filter(|c| c.model.aic(self) < now - LEAST_GAIN)
            }
        })
    }

    /// Mallows' Cp of a deviance over the scale.
    pub fn cp(&self, scaled: f64, rows: f64, rank: usize) -> f64 {
        scaled - rows + self.k * rank as f64
    }
}

impl LinearModel {
    /// Number of rows.
    fn count(&self, search: &Search) -> f64 {
        if search.weights_count { self.sum_weights } else { self.n as f64 }
    }

    /// A sum of squares, whose response may have been multiplied, over the scale.
    fn in_scales(&self, squares: f64, search: &Search) -> f64 {
        let by = self.response_scales[0];
        squares / by / search.scale / by
    }
}

impl Fit for LinearModel {
    fn rank(&self) -> usize {
        self.aliased.iter().filter(|&&aliased| !aliased).count()
    }

    fn deviance(&self) -> f64 {
        self.residual_squares[0] / self.response_scales[0] / self.response_scales[0]
    }

    fn dispersion(&self, search: &Search) -> f64 {
        self.deviance() / (self.count(search) - self.rank() as f64)
    }

    /// `n log(RSS / n) + k p`, or `RSS / scale - n + k p`.
    fn aic(&self, search: &Search) -> f64 {
        let (n, rss) = (self.count(search), self.residual_squares[0]);
        if search.scale > 0.0 {
            return search.cp(self.in_scales(rss, search), n, self.rank());
        }
        let scale = self.response_scales[0].ln();
        n * ((rss / n).ln() - 2.0 * scale) + search.k * self.rank() as f64
    }

    fn p_value(&self, smaller: &Self, search: &Search, chi_square: bool) -> f64 {
        let n = self.count(search);
        let df = self.rank() as f64 - smaller.rank() as f64;
        let (rss, more) = (self.residual_squares[0], smaller.residual_squares[0]);
        let explained = (more - rss).max(0.0);
        if chi_square {
            let scaled = search.scale > 0.0;
            let ratio = if scaled { self.in_scales(explained, search) } else { n * (more / rss).ln() };
            return tails::chi_square(ratio.max(0.0), df);
        }
        let left = n - self.rank() as f64;
        tails::f(explained / df / (rss / left), df, left)
    }

    fn coefficients(&self) -> Vec<f64> {
        self.coefficients.column(0).to_vec()
    }
}

/// Whether a term is part of a larger one.
fn within(small: &Term, large: &Term) -> bool {
    small != large
        && small.numeric.iter().all(|v| large.numeric.contains(v))
        && small.categories.iter().all(|v| large.categories.contains(v))
}

/// The first candidate with the smallest value that is a number.
fn first_best<M>(
    candidates: impl IntoIterator<Item = Candidate<M>>,
    value: impl Fn(&Candidate<M>) -> f64,
) -> Option<Candidate<M>> {
    let finite = candidates.into_iter().filter(|c| !value(c).is_nan());
    finite.min_by(|a, b| value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::design::Rows;
    use crate::laws::{self, Batch};
    use crate::linmod::Formula;

    /// A fifth variable by the first two, whose product is the last term, and by nothing else.
    fn stepwise(change: impl FnOnce(&mut Search)) -> Stepwise {
        let design = laws::design(5, &[], false, Rows::Finite);
        let term = |numeric: &[usize]| Term { numeric: numeric.to_vec(), categories: vec![] };
        let terms = vec![term(&[0]), term(&[1]), term(&[2]), term(&[3]), term(&[0, 1])];
        let responses = vec![4];
        let formula = Formula {
            terms,
            intercept: true,
            responses,
            drop_first: false,
            drop_main: false,
            cube: false,
            at_means: false,
            covariance: false,
            centred_products: false,
        };
        let mut search = Search {
            start: vec![],
            lower: vec![],
            upper: (0..5).collect(),
            forward: true,
            backward: true,
            criterion: Criterion::Aic,
            k: 2.0,
            max_steps: 100,
            scale: 0.0,
            weights_count: false,
            keep: true,
        };
        change(&mut search);
        Stepwise::new(LinMod::new(&design, formula, 1 << 30).unwrap(), search)
    }

    fn run(mut stepwise: Stepwise, batches: &[Batch]) -> Selected<LinearModel> {
        batches[0].with(|b| stepwise.pilot(b)).unwrap();
        loop {
            let mut state = stepwise.init();
            batches.iter().for_each(|b| b.with(|b| stepwise.update(&mut state, b)).unwrap());
            match stepwise.finish(state, &|| Ok(())).unwrap() {
                Step::Done(selected) => return selected,
                Step::Again(next) => stepwise = next,
            }
        }
    }

    fn changes(selected: &Selected<LinearModel>) -> Vec<Change> {
        selected.path.iter().filter_map(|stage| stage.change).collect()
    }

    #[test]
    fn the_laws_hold() {
        let design = laws::design(5, &[], false, Rows::Finite);
        laws::check(&design, &stepwise(|_| ()), &laws::batches(5, &[], false)).unwrap();
    }

    #[test]
    fn an_interaction_comes_last_and_goes_first() {
        let batches = laws::batches(5, &[], false);
        // Without a penalty everything comes.
        let all = changes(&run(stepwise(|s| s.k = -1e9), &batches));
        assert_eq!(all.len(), 5);
        let place = |t: usize| all.iter().position(|&c| c == Change::Add(t)).unwrap();
        assert!(place(4) > place(0) && place(4) > place(1));
        // With a large one everything goes but what must stay.
        let none = run(stepwise(|s| (s.start, s.lower, s.k) = ((0..5).collect(), vec![3], 1e9)), &batches);
        let gone = changes(&none);
        let place = |t: usize| gone.iter().position(|&c| c == Change::Drop(t)).unwrap();
        assert!(gone.len() == 4 && place(4) < place(0) && place(4) < place(1));
        assert_eq!(none.path.last().unwrap().terms, [3]);
    }

    #[test]
    fn every_step_lowers_the_criterion_and_the_model_is_the_last_of_the_path() {
        let batches = laws::batches(5, &[], false);
        let estimator = stepwise(|s| s.start = vec![2, 3]);
        let search = estimator.search.clone();
        let selected = run(estimator, &batches);
        let n = selected.model.n as f64;
        let aic: Vec<f64> = selected.path.iter().map(|s| n * (s.deviance / n).ln() + 2.0 * s.rank as f64).collect();
        assert!(aic.windows(2).all(|pair| pair[1] < pair[0]));
        let last = selected.path.last().unwrap();
        assert_eq!(last.coefficients, selected.model.coefficients.column(0).to_vec());
        assert_eq!(last.deviance, selected.model.residual_squares[0]);
        assert!((selected.model.aic(&search) - aic[aic.len() - 1]).abs() < 1e-9);
        // Backward from there nothing is gained.
        let terms = last.terms.clone();
        let again = run(stepwise(|s| (s.start, s.forward) = (terms.clone(), false)), &batches);
        assert_eq!(again.path[0].terms, again.path.last().unwrap().terms);
    }

    #[test]
    fn levels_that_contradict_each_other_end_the_search() {
        let batches = laws::batches(5, &[], false);
        let criterion = Criterion::SigLevel { add: 1.0, drop: 0.0, chi_square: false };
        let selected = run(stepwise(|s| (s.criterion, s.max_steps) = (criterion, usize::MAX)), &batches);
        assert!(selected.path.len() < 4);
    }
}

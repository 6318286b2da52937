//! The master's part: the next coefficients, and when they are good enough.
//!
//! As R's `glm()` has it, a fit consists of the last coefficients, the deviance and residuals there, and the weights
//! and the covariance of the place before, from which they were solved. Where a plan is sharp, the last pass, which
//! tells that the coefficients have settled, is solved as well, and one more if that changes the weights. A step after
//! which the deviance is larger, or a mean impossible, is halved.

use super::{At, Glm, Iteration, Last, Line, Null, Plain, Stage, State};
use crate::crossprod;
use crate::dd::{Dd, Number};
use crate::estimator::{Finish, GoOn, Step};
use crate::linmod::{LinMod, LinearModel};
use rx_data::{Error, ErrorKind, Result};

/// How often a step is halved.
const MOST_HALVINGS: usize = 30;
/// A change of the linear predictor that no weight shows in its first nine digits.
const SHARP: f64 = 1e-9;
/// A change of the linear predictor that is none where coefficients have settled.
const STILL_MOVING: f64 = 0.1;

/// A fitted model.
#[derive(Debug, Clone)]
pub struct GlmModel {
    /// The linear model of the last working responses and weights.
    pub linear: LinearModel,
    /// Coefficients; NaN where aliased.
    pub coefficients: Vec<f64>,
    /// The linear predictor without offsets at the means of the columns.
    pub predictor_mean: f64,
    /// Deviance.
    pub deviance: f64,
    /// Deviance of the model without terms; NaN where that takes a fit of its own.
    pub null_deviance: f64,
    /// Sum of squared Pearson residuals.
    pub pearson: f64,
    /// The logarithm of the likelihood; NaN where there is none.
    pub log_likelihood: f64,
    /// Sum of prior weights.
    pub sum_weights: f64,
    /// Sum of weighted squares of the response.
    pub total_squares: f64,
    /// How often coefficients were solved for.
    pub iterations: usize,
    /// Whether the iterations ended by themselves.
    pub converged: bool,
    /// Columns whose coefficients grow without end.
    pub separated: Vec<usize>,
    /// The iterations.
    pub path: Vec<Iteration>,
    /// Statistics of the columns under the prior weights, where they are wanted.
    pub plain: Option<Plain>,
    /// The cross products at the solution, where they are wanted.
    pub products: Option<(LinMod, crossprod::State)>,
}

impl Finish for Glm {
    type Model = GlmModel;
    const SHARES: bool = true;

    fn finish(mut self, mut state: State, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        if self.stage == Stage::Residuals {
            self.progress.tally.pearson = state.sums.pearson;
            return self.conclude(go_on);
        }
        state.working = self.working.unfolded(state.working)?;
        self.take_tally(&state);
        if self.stage == Stage::Plain { self.begin(&state, go_on) } else { self.iterate(state, go_on) }
    }
}

impl Glm {
    fn take_tally(&mut self, state: &State) {
        let tally = &mut self.progress.tally;
        match self.null {
            Null::Later => {
                (tally.weight, tally.response) = (state.sums.weight, state.sums.response);
                let [weight, response] = [tally.weight, tally.response[0]].map(Number::value);
                self.null = if !(self.plan.formula.intercept || self.plan.formula.cube) {
                    Null::Offsets
                } else if self.plan.offsets.is_empty() {
                    match self.plan.family.known_null_deviance(weight, response) {
                        Some(deviance) => {
                            tally.null_deviance = deviance.into();
                            Null::Done
                        }
                        None => Null::Mean(response / weight),
                    }
                } else {
                    tally.null_deviance = Dd::from(f64::NAN);
                    Null::Offsets
                };
            }
            Null::Mean(_) | Null::Offsets if self.stage == Stage::Iterate => {
                // With an intercept and offsets only the likelihood is of use.
                if !tally.null_deviance.value().is_nan() {
                    tally.null_deviance = state.sums.null_deviance;
                }
                tally.likelihood = state.sums.likelihood;
                self.null = Null::Done;
            }
            _ => {}
        }
    }

    /// After the regression that only looks at the columns.
    fn begin(mut self, state: &State, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        let linear = match self.working.clone().judge(&state.working, go_on)? {
            Step::Again(working) => return Ok(Step::Again(Glm { working, ..self })),
            Step::Done(linear) => linear,
        };
        self.progress.plain = Some(Plain {
            centred_products: linear.centred_products.iter().copied().collect(),
            cell_weights: linear.cell_weights,
            at_means: linear.at_means,
        });
        self.stage = Stage::Iterate;
        self.start()?;
        Ok(Step::Again(self))
    }

    fn iterate(mut self, state: State, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        let deviance = match state.sums.deviance.value() {
            x if x.is_nan() => f64::INFINITY,
            x => x,
        };
        self.record(deviance);
        if self.is_worse(deviance) {
            return self.halve(go_on);
        }
        self.progress.halvings = 0;
        self.progress.converged = self.has_settled(deviance);
        if self.progress.converged || self.progress.iteration == self.plan.most_iterations {
            if !self.progress.converged && self.start()? {
                return Ok(Step::Again(self.restarted()));
            }
            self.progress.separated = self.separated(&state, go_on)?;
            self.progress.tally.deviance = Dd::from(deviance);
            if !(self.progress.converged && self.plan.sharp) {
                return self.weigh_residuals(go_on);
            }
        }
        let linear = match self.working.clone().judge(&state.working, go_on)? {
            Step::Again(working) => {
                self.progress.path.pop();
                return Ok(Step::Again(Glm { working, ..self }));
            }
            Step::Done(linear) => linear,
        };
        if self.progress.centres.is_none() {
            let means = linear.means.iter().zip(self.layout.is_number());
            let centres = means.map(|(&mean, number)| if number && mean.is_finite() { mean } else { 0.0 }).collect();
            self.progress.centres = Some(centres);
            self.progress.spreads = self.working.spreads(&state.working);
            // Later weights may nearly vanish on some level, which makes no other columns redundant.
            self.progress.collinear = linear.collinear.clone();
            self.working = self.working.deciding(&linear);
        }
        let discriminant = self.discriminant(&linear);
        self.progress.rough = discriminant.is_some();
        let line = discriminant.unwrap_or_else(|| self.line(&linear));
        let at = std::mem::replace(&mut self.at, At::Line(line));
        self.progress.last = Some(Last { at, deviance, state: state.working });
        self.progress.iteration += 1;
        if self.progress.converged && self.is_sharp() {
            return self.weigh_residuals(go_on);
        }
        self.progress.polished = self.progress.converged;
        Ok(Step::Again(self))
    }

    /// Whether the weights of the last pass are those of the coefficients that it led to, or will not come nearer to
    /// them.
    fn is_sharp(&self) -> bool {
        let (Some(Last { at: At::Line(before), .. }), At::Line(now)) = (&self.progress.last, &self.at) else {
            return false;
        };
        let columns = now.coefficients.iter().zip(&before.coefficients).zip(&self.progress.spreads);
        let still = columns.fold(true, |still, ((now, before), spread)| still && (now - before).abs() * spread < SHARP);
        let over = self.progress.polished || self.progress.iteration >= self.plan.most_iterations;
        still || over || !self.progress.separated.is_empty()
    }

    /// What the linear regression of responses 0 and 1, which coefficients of zero lead to, tells of a logistic one: the
    /// slopes over the residual variance, as in discriminant analysis (Haggstrom 1983, Journal of Business and Economic
    /// Statistics 1). That is much nearer to the solution than the regression itself where events are rare.
    fn discriminant(&self, linear: &LinearModel) -> Option<Line> {
        let tally = &self.progress.tally;
        let at_zero = matches!(self.at, At::Zero) && self.plan.offsets.is_empty();
        let applies = at_zero && self.plan.family.binary && self.plan.formula.intercept;
        let mean = (tally.response[0] / tally.weight).value();
        // Working responses are four times as large, their weights a quarter.
        let scale = linear.response_scales[0];
        let variance = linear.residual_squares[0] / scale / scale / 4.0 / tally.weight.value();
        if !(applies && mean > 0.0 && mean < 1.0 && variance > 1e-6) {
            return None;
        }
        let mut line = self.line(linear);
        let centres = std::mem::replace(&mut line.centres, numbers(&linear.means));
        line.coefficients.iter_mut().for_each(|b| *b /= 4.0 * variance);
        line.base = (mean / (1.0 - mean)).ln() + (mean - 0.5) / variance + 0.5 * (1.0 / mean - 1.0 / (1.0 - mean));
        line.coefficients[0] = line.at(&self.layout, &vec![0.0; centres.len()]);
        Some(Line { base: line.at(&self.layout, &centres), centres, ..line })
    }

    fn record(&mut self, deviance: f64) {
        let coefficients = match &self.at {
            At::Line(line) if self.plan.keep => line.coefficients.clone(),
            _ => Vec::new(),
        };
        let (iteration, halvings) = (self.progress.iteration, self.progress.halvings);
        self.progress.path.push(Iteration { iteration, halvings, deviance, coefficients });
    }

    /// Whether there is no sense in going on from here.
    fn is_worse(&self, deviance: f64) -> bool {
        match &self.progress.last {
            // Starting means are nearly the responses themselves.
            None | Some(Last { at: At::Family, .. }) => !deviance.is_finite(),
            // A deviance that has settled trembles.
            Some(last) => deviance > last.deviance && change(deviance, last.deviance) > 1e-8,
        }
    }

    /// Goes half way back.
    fn halve(mut self, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        if let (Some(last), At::Line(line)) = (&self.progress.last, &self.at) {
            let from = match &last.at {
                At::Line(from) => Some(Some(from)),
                At::Zero => Some(None),
                At::Family => None,
            };
            if let Some(from) = from.filter(|_| self.progress.halvings < MOST_HALVINGS) {
                self.at = At::Line(line.half_way(from, &self.layout));
                self.progress.halvings += 1;
                return Ok(Step::Again(self));
            }
        }
        if self.start()? {
            return Ok(Step::Again(self.restarted()));
        }
        match self.progress.last.take() {
            // The place before is the best there is; the cross products there are those of its own weights.
            Some(last) if self.plan.best && !matches!(last.at, At::Family) => {
                self.at = last.at.clone();
                self.progress.tally.deviance = Dd::from(last.deviance);
                self.progress.last = Some(last);
                self.weigh_residuals(go_on)
            }
            last => Err(diverged(last.is_some())),
        }
    }

    /// The same from the start.
    fn restarted(mut self) -> Self {
        (self.progress.iteration, self.progress.halvings, self.progress.last) = (0, 0, None);
        self.progress.rough = false;
        self
    }

    fn has_settled(&self, deviance: f64) -> bool {
        let Some(last) = self.progress.last.as_ref().filter(|_| !self.progress.rough) else { return false };
        let tolerance = self.plan.deviance_tolerance;
        if tolerance > 0.0 && change(deviance, last.deviance) <= tolerance {
            return true;
        }
        let (At::Line(line), tolerance) = (&self.at, self.plan.coefficient_tolerance) else { return false };
        let before = |j: usize| match &last.at {
            At::Line(before) => before.coefficients[j],
            At::Zero => 0.0,
            At::Family => f64::INFINITY,
        };
        let largest = |of: &dyn Fn(usize) -> f64| (0..line.coefficients.len()).map(of).fold(0.0, f64::max);
        let step = largest(&|j| (line.coefficients[j] - before(j)).abs());
        tolerance > 0.0 && step <= tolerance * largest(&|j| line.coefficients[j].abs())
    }

    /// The coefficients of a linear model of working responses, about the model's centres.
    fn line(&self, linear: &LinearModel) -> Line {
        let coefficients = numbers(&linear.coefficients.column(0).to_vec());
        let centres = self.progress.centres.clone().unwrap_or_else(|| vec![0.0; coefficients.len()]);
        let base = if self.plan.formula.intercept {
            let (base, means) = (linear.response_means[0], numbers(&linear.means));
            Line { base, centres: means, coefficients: coefficients.clone() }.at(&self.layout, &centres)
        } else {
            0.0
        };
        Line { coefficients, base, centres }
    }

    /// Columns whose coefficients would go on by as much as they just did, though the deviance has settled: their
    /// likelihood has no maximum (Albert and Anderson 1984, Biometrika 71).
    fn separated(&self, state: &State, go_on: GoOn) -> Result<Vec<usize>> {
        let (Some(Last { at: At::Line(before), .. }), At::Line(now)) = (&self.progress.last, &self.at) else {
            return Ok(Vec::new());
        };
        let moved = |j: usize| (now.coefficients[j] - before.coefficients[j]) * self.progress.spreads[j];
        let size = now.coefficients.len();
        if (0..size).all(|j| moved(j).abs() < STILL_MOVING) {
            return Ok(Vec::new());
        }
        let linear = self.working.answer(&state.working, go_on)?;
        let next = |j: usize| (linear.coefficients[[j, 0]] - now.coefficients[j]) * self.progress.spreads[j];
        let moving = |&j: &usize| {
            let (now, next) = (moved(j), next(j));
            now.abs() >= STILL_MOVING && next / now > 0.5
        };
        Ok((0..size).filter(moving).collect())
    }

    /// Goes over the rows once more where the dispersion is estimated and the deviance does not tell it.
    fn weigh_residuals(mut self, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        if self.plan.family.needs_residuals() {
            self.stage = Stage::Residuals;
            return Ok(Step::Again(self));
        }
        self.progress.tally.pearson = self.progress.tally.deviance;
        self.conclude(go_on)
    }

    fn conclude(mut self, go_on: GoOn) -> Result<Step<Self, GlmModel>> {
        let Some(last) = self.progress.last.take() else {
            return Err(Error::internal("a model ends before its first iteration"));
        };
        let mut linear = match self.working.clone().judge(&last.state, go_on)? {
            // The weights have made the columns nearly collinear: once more from there, in higher precision.
            Step::Again(working) => {
                self.progress.iteration -= 1;
                let iteration = self.progress.iteration;
                self.progress.path.retain(|step| step.iteration < iteration);
                self.stage = Stage::Iterate;
                return Ok(Step::Again(Glm { working, at: last.at, ..self }));
            }
            Step::Done(linear) => linear,
        };
        let line = match self.at {
            At::Line(line) => line,
            At::Zero | At::Family => self.line(&linear),
        };
        let mut coefficients = line.coefficients.clone();
        coefficients.iter_mut().zip(&linear.aliased).filter(|(_, aliased)| **aliased).for_each(|(b, _)| *b = f64::NAN);
        let means = numbers(&linear.means);
        let progress = self.progress;
        linear.collinear = progress.collinear;
        let tally = &progress.tally;
        let [deviance, weight, rest] = [tally.deviance, tally.weight, tally.likelihood].map(Number::value);
        let rows = if self.plan.counted { weight } else { linear.n as f64 };
        Ok(Step::Done(GlmModel {
            coefficients,
            predictor_mean: line.at(&self.layout, &means),
            deviance,
            null_deviance: tally.null_deviance.value(),
            pearson: tally.pearson.value(),
            log_likelihood: self.plan.family.log_likelihood(deviance, rows, weight, rest),
            sum_weights: weight,
            total_squares: tally.response[1].value(),
            iterations: progress.iteration,
            converged: progress.converged,
            separated: progress.separated,
            path: progress.path,
            plain: progress.plain,
            products: self.plan.products.then_some((self.working, last.state)),
            linear,
        }))
    }
}

/// Values with zeros for undefined ones.
fn numbers(values: &[f64]) -> Vec<f64> {
    values.iter().map(|&x| if x.is_nan() { 0.0 } else { x }).collect()
}

/// A change relative to the deviance, as R's `glm()` has it.
fn change(now: f64, before: f64) -> f64 {
    (now - before).abs() / (now.abs() + 0.1)
}

fn diverged(started: bool) -> Error {
    let what = match started {
        true => "The iterations diverge: a step makes the deviance larger, however small it is.",
        false => "The iterations cannot start: some mean is impossible there.",
    };
    Error::new(ErrorKind::Value, what)
        .hint("Give `initialValues` near the solution, or another link that allows all linear predictors.")
}

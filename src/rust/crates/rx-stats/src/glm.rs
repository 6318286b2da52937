//! Generalized linear models by iteratively reweighted least squares (`rxLogit`, `rxGlm`).
//!
//! With eta = offset + X b, mu the inverse link of it, mu' its slope and V the variance function, a pass accumulates the
//! cross products of a linear model with working responses and weights,
//! `z = eta - offset + (y - mu) / mu'`, `w = prior mu'^2 / V(mu)`,
//! whose solution is the next b (McCullagh and Nelder 1989, Generalized Linear Models, 2.5). The deviance at b is known
//! when the pass that starts at b is done, so the last pass of all only tells that the one before was enough.

mod binary;
mod family;
#[cfg(feature = "solve")]
mod finish;
mod line;
mod link;
#[cfg(feature = "solve")]
mod outline;

use crate::dd::Dd;
use crate::design::{Coding, Design, Numeric, Precision, Weight, WeightKind};
use crate::estimator::{Estimator, ModelBatch};
use crate::levels::Moves;
use crate::linmod::{Formula, LinMod};
use crate::{crossprod, elementary};
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub use family::{Evaluated, Family, FamilyCode, Kind, Outside, Variance};
#[cfg(feature = "solve")]
pub use finish::GlmModel;
pub use line::{Layout, Line};
pub use link::Link;
#[cfg(feature = "solve")]
pub use outline::Outline;

/// What is to be fitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The terms; the response is given apart.
    pub formula: Formula,
    /// The response.
    pub response: Response,
    /// Numeric variables that are added to the linear predictor.
    pub offsets: Vec<usize>,
    /// The family.
    pub family: Family,
    /// Where to start; the next one is tried if that leads nowhere.
    pub starts: Vec<Start>,
    /// Iterations at most.
    pub most_iterations: usize,
    /// The iterations end if no coefficient changes by more than this share of the largest one; zero: never for that.
    pub coefficient_tolerance: f64,
    /// They end if the deviance changes by no more than this share; zero: never for that.
    pub deviance_tolerance: f64,
    /// Whether the covariance at the solution is wanted, not that of the step before.
    pub sharp: bool,
    /// Whether the best coefficients found are wanted where iterations fail.
    pub best: bool,
    /// Whether to keep the coefficients of all iterations.
    pub keep: bool,
    /// Whether statistics of the columns under the prior weights are wanted: cells, covariances, means.
    pub plain: bool,
    /// Whether prior weights count rows.
    pub counted: bool,
    /// Whether the cross products at the solution are wanted, to judge models of fewer terms by.
    #[serde(default)]
    pub products: bool,
}

/// The response, by position in the design.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// A number.
    Numeric(usize),
    /// A category with two levels: 0 and 1.
    Category(usize),
}

/// Where iterations start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the family's own means.
    Family,
    /// With all coefficients the same.
    Same(f64),
    /// With these coefficients, one a column.
    Coefficients(Vec<f64>),
}

/// Where a pass evaluates the model.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum At {
    /// At the family's own means.
    Family,
    /// With all coefficients zero.
    Zero,
    /// On a line.
    Line(Line),
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Linear regression of the response: columns and levels as they are.
    Plain,
    /// The next coefficients.
    Iterate,
    /// The residuals, with the weights that the last coefficients were solved with.
    Residuals,
}

/// What the deviance without terms is computed of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Null {
    /// The mean is not known yet.
    Later,
    /// All rows have one mean: this pass finds it.
    Mean(f64),
    /// There is no intercept, so the offsets are all there is.
    Offsets,
    /// It is known, or takes a fit of its own.
    Done,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Glm {
    working: LinMod,
    plan: Plan,
    layout: Layout,
    name: String,
    limit: u64,
    stage: Stage,
    at: At,
    null: Null,
    progress: Progress,
}

/// What the passes so far have told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// How often coefficients were solved for.
    iteration: usize,
    /// How often the last step was halved.
    halvings: usize,
    /// Where the coefficients were before the last step, and the pass that it was solved from.
    last: Option<Last>,
    /// Statistics under the prior weights.
    plain: Option<Plain>,
    /// Weights, responses, likelihood.
    tally: Sums,
    /// What the model's columns are relative to, once there are means.
    centres: Option<Vec<f64>>,
    /// How far each column's values are apart.
    spreads: Vec<f64>,
    /// Columns that no choice of a reference level explains.
    collinear: Vec<usize>,
    /// The iterations.
    path: Vec<Iteration>,
    /// Columns whose coefficients grow without end.
    separated: Vec<usize>,
    /// Whether the last step was not that of the method.
    rough: bool,
    /// Whether a pass was made to know the weights better.
    polished: bool,
    converged: bool,
}

/// A place that iterations have left.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Last {
    at: At,
    deviance: f64,
    /// The cross products there.
    state: crossprod::State,
}

/// An iteration, for those who watch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Iteration {
    /// How often coefficients had been solved for.
    pub iteration: usize,
    /// How often the step was halved.
    pub halvings: usize,
    /// The deviance; infinite where some mean is impossible.
    pub deviance: f64,
    /// The coefficients, where they are kept and there are any.
    pub coefficients: Vec<f64>,
}

/// Statistics of the columns under the prior weights.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Plain {
    /// Centred cross products of all columns but the intercept, row by row.
    pub centred_products: Vec<f64>,
    /// Sums of weights in the cells of a cube.
    pub cell_weights: Vec<f64>,
    /// Of a cube: the columns' values where all variables but those of the cube are at their means.
    pub at_means: Vec<f64>,
}

/// Sums of one pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    working: crossprod::State,
    sums: Sums,
}

/// Sums over rows, beside the cross products.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Sums {
    /// Prior weights.
    weight: Dd,
    /// Weighted responses and their squares.
    response: [Dd; 2],
    deviance: Dd,
    null_deviance: Dd,
    /// What likelihoods have beside the deviance.
    likelihood: Dd,
    /// Squared Pearson residuals.
    pearson: Dd,
}

/// What rows have beside the columns of the model.
struct Rows<'a> {
    y: Cow<'a, [f64]>,
    prior: Cow<'a, [f64]>,
    offset: Option<Cow<'a, [f64]>>,
}

impl Rows<'_> {
    fn offset(&self) -> Option<&[f64]> {
        self.offset.as_deref()
    }
}

/// Working responses, offsets included, and weights.
struct Working {
    response: Vec<f64>,
    weights: Vec<f64>,
    /// The sum of the rows' deviances; not finite where a mean is impossible.
    deviance: f64,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        let sum = |to: &mut Dd, from: Dd| *to = *to + from;
        sum(&mut self.weight, other.weight);
        sum(&mut self.response[0], other.response[0]);
        sum(&mut self.response[1], other.response[1]);
        sum(&mut self.deviance, other.deviance);
        sum(&mut self.null_deviance, other.null_deviance);
        sum(&mut self.likelihood, other.likelihood);
        sum(&mut self.pearson, other.pearson);
    }
}

impl Glm {
    /// A model over a design of which so many rows are expected; `limit` is the memory for states and kept columns in
    /// bytes.
    pub fn new(design: &Design, mut plan: Plan, rows: Option<u64>, limit: u64) -> Result<Self> {
        let unknown = design.categories.iter().any(|category| matches!(category.coding, Coding::Found { .. }));
        let given =
            |start: &Start| matches!(start, Start::Coefficients(_)) || matches!(start, Start::Same(b) if *b != 0.0);
        let early = matches!(plan.response, Response::Category(_)) || plan.starts.iter().any(given);
        let stage = if plan.plain || (unknown && early) { Stage::Plain } else { Stage::Iterate };
        plan.formula.responses = vec![design.numeric.len()];
        let wide = working(design);
        let working = LinMod::new(&wide, plan.formula.clone(), limit)?.expecting(rows, &wide)?;
        let name = match plan.response {
            Response::Numeric(variable) => design.numeric[variable].name.clone(),
            Response::Category(category) => design.categories[category].name.clone(),
        };
        let mut glm = Glm {
            working,
            layout: Layout::new(design, plan.formula.intercept, &plan.formula.terms),
            plan,
            name,
            limit,
            stage,
            at: At::Zero,
            null: Null::Later,
            progress: Progress::default(),
        };
        glm.check_levels(design)?;
        if stage == Stage::Iterate {
            glm.start()?;
        }
        Ok(glm)
    }

    /// Takes the next place to start at; tells whether there was one.
    fn start(&mut self) -> Result<bool> {
        if self.plan.starts.is_empty() {
            return Ok(false);
        }
        let size = self.layout.size;
        self.at = match self.plan.starts.remove(0) {
            Start::Family => At::Family,
            Start::Same(0.0) => At::Zero,
            Start::Same(b) => At::Line(Line::plain(vec![b; size], &self.layout)),
            Start::Coefficients(b) if b.len() == size => At::Line(Line::plain(b, &self.layout)),
            Start::Coefficients(b) => {
                let what = format!("There are {} initial values for {size} coefficients.", b.len());
                return Err(Error::new(ErrorKind::Argument, what)
                    .hint("Give one number, or one for every coefficient of a fit, the dropped ones included."));
            }
        };
        Ok(true)
    }

    /// Refuses a category with other than two levels as a response.
    fn check_levels(&self, design: &Design) -> Result<()> {
        let Response::Category(category) = self.plan.response else { return Ok(()) };
        let category = &design.categories[category];
        let count = category.levels.len();
        if count == 2 || matches!(category.coding, Coding::Found { .. }) {
            return Ok(());
        }
        let what = format!("The response '{}' has {count} level{}.", category.name, if count == 1 { "" } else { "s" });
        Err(Error::new(ErrorKind::WrongType, what)
            .column(&category.name)
            .hint("A factor as response must have two levels; the second one is the event."))
    }

    fn response<'a>(&self, batch: &ModelBatch<'a>) -> Cow<'a, [f64]> {
        match self.plan.response {
            Response::Numeric(variable) => Cow::Borrowed(batch.numeric[variable]),
            Response::Category(category) => batch.codes[category].iter().map(|&code| f64::from(code)).collect(),
        }
    }

    /// The offsets of a batch's rows; none if there are none.
    fn offset<'a>(&self, batch: &ModelBatch<'a>) -> Option<Cow<'a, [f64]>> {
        let mut offsets = self.plan.offsets.iter().map(|&variable| batch.numeric[variable]);
        let mut sum = Cow::Borrowed(offsets.next()?);
        for offset in offsets {
            sum.to_mut().iter_mut().zip(offset).for_each(|(sum, x)| *sum += x);
        }
        Some(sum)
    }

    /// The linear predictor somewhere; none at the family's own means.
    fn predictor(&self, at: &At, batch: &ModelBatch, offset: Option<&[f64]>) -> Option<Vec<f64>> {
        let start = || offset.map_or_else(|| vec![0.0; batch.rows], <[f64]>::to_vec);
        match at {
            At::Family => None,
            At::Zero => Some(start()),
            At::Line(line) => {
                let mut eta = start();
                line.add_to(&self.layout, batch, &mut eta);
                Some(eta)
            }
        }
    }

    /// The family's functions somewhere.
    fn evaluate(&self, at: &At, batch: &ModelBatch, rows: &Rows) -> Result<Evaluated> {
        let mut evaluated = Evaluated::default();
        let eta = self.predictor(at, batch, rows.offset());
        self.plan.family.evaluate(&rows.y, &rows.prior, eta, &mut evaluated)?;
        Ok(evaluated)
    }

    /// Working responses and weights somewhere.
    fn work(&self, at: &At, batch: &ModelBatch, rows: &Rows) -> Result<Working> {
        let mut weights = vec![0.0; batch.rows];
        if self.plan.family.is_logistic()
            && let Some(mut eta) = self.predictor(at, batch, rows.offset())
        {
            let deviance = binary::work(&rows.y, batch.weight, &mut eta, &mut weights);
            return Ok(Working { response: eta, weights, deviance });
        }
        let mut now = self.evaluate(at, batch, rows)?;
        weigh(&rows.y, &rows.prior, &mut now, &mut weights);
        Ok(Working { response: now.eta, weights, deviance: now.deviance })
    }

    /// What the rows of a batch have beside the columns of the model.
    fn rows<'a>(&self, batch: &ModelBatch<'a>) -> Rows<'a> {
        Rows {
            y: self.response(batch),
            prior: batch.weight.map_or_else(|| Cow::Owned(vec![1.0; batch.rows]), Cow::Borrowed),
            offset: self.offset(batch),
        }
    }

    /// Shows the working response and weights of a batch to `f`, and adds up what there is beside.
    fn with_working<R>(
        &self,
        batch: &ModelBatch,
        sums: &mut Sums,
        f: impl FnOnce(&ModelBatch) -> Result<R>,
    ) -> Result<R> {
        let rows = self.rows(batch);
        let Rows { y, prior, .. } = &rows;
        let family = &self.plan.family;
        if matches!(self.null, Null::Later) {
            family.check(y, &self.name)?;
            let sum = |of: fn(f64, f64) -> f64| Dd::from(prior.iter().zip(&**y).map(|(&w, &y)| of(w, y)).sum::<f64>());
            sums.weight = sum(|w, _| w);
            sums.response = [sum(|w, y| w * y), sum(|w, y| w * y * y)];
        }
        if self.stage == Stage::Plain {
            return self.with_response(batch, y, prior, f);
        }
        match self.null {
            Null::Mean(mean) => sums.null_deviance = family.null_deviance(y, prior, mean)?.into(),
            Null::Offsets => sums.null_deviance = self.work(&At::Zero, batch, &rows)?.deviance.into(),
            Null::Later | Null::Done => {}
        }
        if matches!(self.null, Null::Mean(_) | Null::Offsets) {
            sums.likelihood = family.likelihood_rest(y, prior, self.plan.counted).into();
        }
        let mut now = self.work(&self.at, batch, &rows)?;
        sums.deviance = now.deviance.into();
        if let Some(offset) = &rows.offset {
            now.response.iter_mut().zip(&**offset).for_each(|(z, offset)| *z -= offset);
        }
        self.with_response(batch, &now.response, &now.weights, f)
    }

    fn with_response<R>(
        &self,
        batch: &ModelBatch,
        response: &[f64],
        weights: &[f64],
        f: impl FnOnce(&ModelBatch) -> Result<R>,
    ) -> Result<R> {
        let numeric: Vec<&[f64]> = batch.numeric.iter().copied().chain([response]).collect();
        f(&ModelBatch { numeric: &numeric, weight: Some(weights), ..*batch })
    }

    /// Adds up squared residuals with the weights of the pass before.
    fn add_residuals(&self, batch: &ModelBatch, sums: &mut Sums) -> Result<()> {
        let Some(last) = &self.progress.last else { return Ok(()) };
        let rows = self.rows(batch);
        let weights = self.work(&last.at, batch, &rows)?.weights;
        let now = self.evaluate(&self.at, batch, &rows)?;
        let residual = |i: usize| (rows.y[i] - now.mu[i]) / now.slope[i];
        sums.pearson = Dd::from((0..batch.rows).map(|i| weights[i] * residual(i) * residual(i)).sum::<f64>());
        Ok(())
    }
}

/// Makes working responses of linear predictors, and the weights of them. A row whose mean does not move has none.
fn weigh(y: &[f64], prior: &[f64], now: &mut Evaluated, weights: &mut [f64]) {
    #[inline(always)]
    fn kernel(y: &[f64], prior: &[f64], now: &mut Evaluated, weights: &mut [f64]) {
        let rows = now.eta.iter_mut().zip(&now.mu).zip(now.slope.iter().zip(&now.variance));
        for ((((eta, mu), (slope, variance)), weight), (y, prior)) in rows.zip(weights).zip(y.iter().zip(prior)) {
            let moves = *slope != 0.0;
            let response = *eta + (y - mu) / slope;
            let of_row = prior * slope * slope / variance;
            *eta = if moves { response } else { 0.0 };
            *weight = if moves { of_row } else { 0.0 };
        }
    }
    elementary::wide!(kernel(y: &[f64], prior: &[f64], now: &mut Evaluated, weights: &mut [f64]))
}

/// The design of the working responses: another variable, and weights.
fn working(design: &Design) -> Design {
    let variable = Numeric { column: usize::MAX, name: "the working response".into(), precision: Precision::Double };
    let weight = Weight { variable: variable.clone(), kind: WeightKind::Probability };
    let mut wide = design.clone();
    wide.numeric.push(variable);
    wide.weight = Some(weight);
    wide
}

impl Estimator for Glm {
    type State = State;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        let mut working = self.working.clone();
        self.with_working(first, &mut Sums::default(), |batch| working.pilot(batch))?;
        self.working = working;
        Ok(())
    }

    fn init(&self) -> State {
        State { working: self.working.init(), sums: Sums::default() }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        let mut sums = Sums::default();
        if self.stage == Stage::Residuals {
            self.add_residuals(batch, &mut sums)?;
            state.sums.add(&sums);
            return Ok(());
        }
        self.with_working(batch, &mut sums, |batch| self.working.accumulate(&mut state.working, batch))?;
        state.sums.add(&sums);
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.sums.add(&other.sums);
        self.working.merge(&mut state.working, other.working)
    }

    fn state_bytes(&self) -> usize {
        self.working.state_bytes()
    }

    fn kept_bytes(&self) -> u64 {
        self.limit.saturating_sub(8 * self.state_bytes() as u64)
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        let formula = &self.plan.formula;
        let glm = Glm {
            working: self.working.relevel(&working(design))?,
            layout: Layout::new(design, formula.intercept, &formula.terms),
            ..self.clone()
        };
        glm.check_levels(design)?;
        Ok(glm)
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        Ok(State { working: self.working.carry(state.working, &to.working, moves)?, sums: state.sums })
    }
}

#[cfg(all(test, feature = "solve"))]
mod tests;

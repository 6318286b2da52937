//! Univariate statistics, also by category (`rxSummary`).

use crate::cells::{Cell, Cells, Classification, Count, Moments};
use crate::crossprod::LARGEST;
use crate::dd::{Dd, Number};
use crate::design::{Design, WeightKind};
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::levels::Moves;
use rx_data::Result;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Rows whose sums are exact throughout.
const SMALL: u64 = 100_000;

/// One term of a summary formula.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Term {
    /// The numeric variable, by position in the design; none counts categories.
    pub numeric: Option<usize>,
    /// The categories, by position in the design.
    pub categories: Vec<usize>,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    terms: Vec<(Option<usize>, Classification)>,
    /// Of each numeric variable: near its mean, whole, so that sums of whole numbers stay exact.
    shifts: Vec<f64>,
    /// Of each numeric variable: the exponent of the power of two that it is multiplied by.
    exponents: Vec<i32>,
    /// Whether every sum has 32 digits from the first row on.
    exact: bool,
    sparse: bool,
    weights: Option<WeightKind>,
    /// The memory for all states in bytes.
    limit: u64,
}

/// Statistics of one term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermState {
    valid: Moments,
    missing: Count,
    cells: TermCells,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum TermCells {
    None,
    Counts(Cells<Count>),
    Moments(Cells<Moments>),
}

/// Accumulators of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    used: Count,
    dropped: u64,
    terms: Vec<TermState>,
}

/// Finished statistics; what there is none of is NaN.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Rows.
    pub n: u64,
    /// Sum of weights.
    pub w: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Sum.
    pub sum: f64,
}

/// The summary of one term.
#[derive(Debug, Clone)]
pub struct TermSummary {
    /// Over all valid rows of the term.
    pub overall: Statistics,
    /// Rows missing in the term, and their weights.
    pub missing: Count,
    /// By cell: number of the cell and its statistics (of a term without a numeric variable, counts only).
    pub cells: Vec<(u64, Statistics)>,
}

/// The result.
#[derive(Debug, Clone)]
pub struct SummaryModel {
    /// Rows used and their weights.
    pub used: Count,
    /// Rows dropped whole.
    pub dropped: u64,
    /// One entry a term.
    pub terms: Vec<TermSummary>,
}

impl Summary {
    /// A summary of some terms over a design; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, terms: &[Term], sparse: bool, limit: u64) -> Result<Self> {
        let terms = terms
            .iter()
            .map(|t| Ok((t.numeric, Classification::new(design, &t.categories)?)))
            .collect::<Result<Vec<_>>>()?;
        let weights = design.weight.as_ref().map(|w| w.kind);
        let (shifts, exponents) = (vec![0.0; design.numeric.len()], vec![0; design.numeric.len()]);
        Summary { terms, shifts, exponents, exact: false, sparse, weights, limit }.within_limit()
    }

    /// Keeps every digit if the number of rows is known and so small that it costs nothing.
    pub fn expecting(self, rows: Option<u64>) -> Self {
        Summary { exact: rows.is_some_and(|rows| rows <= SMALL), ..self }
    }

    fn within_limit(self) -> Result<Self> {
        self.check_memory(self.limit, "The categories", "Use fewer categories, useSparseCube = TRUE, or raise")?;
        Ok(self)
    }
}

impl Estimator for Summary {
    type State = State;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        for ((shift, exponent), values) in self.shifts.iter_mut().zip(&mut self.exponents).zip(first.numeric) {
            *exponent = pilot_exponent(values);
            *shift = pilot_shift(&scaled(values, *exponent));
        }
        Ok(())
    }

    fn init(&self) -> State {
        let terms = self.terms.iter().map(|(numeric, classes)| TermState {
            valid: Moments::default(),
            missing: Count::default(),
            cells: match (numeric, classes.categories.is_empty()) {
                (_, true) => TermCells::None,
                (None, _) => TermCells::Counts(Cells::new(classes.cells(), self.sparse)),
                (Some(_), _) => TermCells::Moments(Cells::new(classes.cells(), self.sparse)),
            },
        });
        State { used: Count::default(), dropped: 0, terms: terms.collect() }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.dropped += batch.dropped;
        state.used.n += batch.rows as u64;
        state.used.w += batch.weight.map_or(batch.rows as f64, |w| w.iter().sum());
        let scaled: Vec<Cow<[f64]>> = batch.numeric.iter().zip(&self.exponents).map(|(v, &e)| scaled(v, e)).collect();
        for ((numeric, classes), term) in self.terms.iter().zip(&mut state.terms) {
            let values = numeric.map(|j| (&*scaled[j], self.shifts[j]));
            match (values, &mut term.cells) {
                (Some((values, shift)), TermCells::None) if batch.weight.is_none() => {
                    let before = term.valid.n;
                    match self.exact {
                        true => term.valid.add_batch_exactly(values, shift),
                        false => term.valid.add_batch(values, shift),
                    }
                    let missing = batch.rows as u64 - (term.valid.n - before);
                    term.missing.n += missing;
                    term.missing.w += missing as f64;
                }
                (values, cells) => {
                    let (values, shift) = values.unwrap_or((&[], 0.0));
                    for row in 0..batch.rows {
                        let w = batch.weight.map_or(1.0, |w| w[row]);
                        let x = values.get(row).copied().unwrap_or(0.0);
                        match classes.cell(batch.codes, row).filter(|_| !x.is_nan()) {
                            None => term.missing.add(w),
                            // What there are cells for is added up in the end.
                            Some(cell) => match cells {
                                TermCells::None => term.valid.add(x, shift, w),
                                TermCells::Counts(cells) => cells.at(cell).add(w),
                                TermCells::Moments(cells) => cells.at(cell).add(x, shift, w),
                            },
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.used.merge(&other.used);
        state.dropped += other.dropped;
        for (to, from) in state.terms.iter_mut().zip(&other.terms) {
            to.valid.merge(&from.valid);
            to.missing.merge(&from.missing);
            match (&mut to.cells, &from.cells) {
                (TermCells::Counts(to), TermCells::Counts(from)) => to.merge(from),
                (TermCells::Moments(to), TermCells::Moments(from)) => to.merge(from),
                _ => {}
            }
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        let cell = |numeric: &Option<usize>| numeric.map_or(size_of::<Count>(), |_| size_of::<Moments>());
        let dense = |(numeric, classes): &(Option<usize>, Classification)| match classes.categories.is_empty() {
            true => 0,
            false if self.sparse => 0,
            false => usize::try_from(classes.cells()).unwrap_or(usize::MAX).saturating_mul(cell(numeric)),
        };
        self.terms.iter().map(dense).fold(200 * self.terms.len(), usize::saturating_add)
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        let mut summary = self.clone();
        for (_, classes) in &mut summary.terms {
            *classes = Classification::new(design, &classes.categories)?;
        }
        summary.within_limit()
    }

    fn carry(&self, mut state: State, to: &Self, moves: &Moves) -> Result<State> {
        for ((term, (_, from)), (_, to)) in state.terms.iter_mut().zip(&self.terms).zip(&to.terms) {
            let number = from.carry(to, moves);
            term.cells = match std::mem::replace(&mut term.cells, TermCells::None) {
                TermCells::None => TermCells::None,
                TermCells::Counts(cells) => TermCells::Counts(cells.carry(to.cells(), number)),
                TermCells::Moments(cells) => TermCells::Moments(cells.carry(to.cells(), number)),
            };
        }
        Ok(state)
    }
}

impl Finish for Summary {
    type Model = SummaryModel;

    fn finish(self, state: State, _: GoOn) -> Result<Step<Self, SummaryModel>> {
        if let Some(next) = self.rescaled(&state) {
            return Ok(Step::Again(next));
        }
        let terms = state.terms.into_iter().zip(&self.terms).map(|(term, (numeric, _))| {
            let mut overall = term.valid;
            let cells: Vec<(u64, Moments)> = match term.cells {
                TermCells::None => Vec::new(),
                TermCells::Counts(cells) => {
                    let moments = |c: Count| Moments { n: c.n, w: c.w, ..Moments::default() };
                    cells.into_pairs().into_iter().map(|(i, c)| (i, moments(c))).collect()
                }
                TermCells::Moments(cells) => cells.into_pairs(),
            };
            cells.iter().for_each(|(_, cell)| overall.merge(cell));
            TermSummary {
                overall: self.statistics(&overall, *numeric),
                missing: term.missing,
                cells: cells.iter().map(|(i, cell)| (*i, self.statistics(cell, *numeric))).collect(),
            }
        });
        Ok(Step::Done(SummaryModel { used: state.used, dropped: state.dropped, terms: terms.collect() }))
    }
}

impl Summary {
    /// The same with other powers of two, where squares of some variable left the range of doubles though it did not.
    fn rescaled(&self, state: &State) -> Option<Self> {
        let mut summary = self.clone();
        for (term, &(numeric, _)) in state.terms.iter().zip(&self.terms) {
            let Some(variable) = numeric else { continue };
            let shift = self.shifts[variable];
            // The largest sum of squares, and the largest deviation from the shift.
            let larger = |(squares, deviation): (f64, f64), m: &Moments| {
                let own = (m.max - shift).max(shift - m.min);
                let own_squares = if m.squares.hi.is_nan() { f64::INFINITY } else { m.squares.hi };
                (squares.max(own_squares), deviation.max(own))
            };
            let start = larger((0.0, 0.0), &term.valid);
            let (squares, deviation) = match &term.cells {
                TermCells::Moments(cells) => cells.each().fold(start, larger),
                _ => start,
            };
            let step = match squares {
                _ if !deviation.is_finite() => 0,
                x if x > LARGEST => -480,
                x if x < 1.0 / LARGEST && deviation > 0.0 => 480,
                _ => 0,
            };
            summary.exponents[variable] = (self.exponents[variable] + step).clamp(-600, 600);
        }
        for (variable, shift) in summary.shifts.iter_mut().enumerate() {
            *shift *= 2f64.powi(summary.exponents[variable] - self.exponents[variable]);
        }
        (summary.exponents != self.exponents).then_some(summary)
    }

    fn statistics(&self, m: &Moments, numeric: Option<usize>) -> Statistics {
        let n = m.n as f64;
        let (shift, scale) = numeric.map_or((f64::NAN, 1.0), |j| (self.shifts[j], 2f64.powi(self.exponents[j])));
        let (mean, squares) = m.centred(shift);
        let variance = match self.weights {
            _ if m.n == 0 => f64::NAN,
            None => squares / (n - 1.0),
            Some(WeightKind::Frequency) => squares / (m.w - 1.0),
            Some(WeightKind::Probability) => n / (n - 1.0) * (squares / m.w),
        };
        let or_nan = |x: f64| if m.n == 0 || shift.is_nan() { f64::NAN } else { x / scale };
        let sum = m.sum + Dd::product(shift, m.w);
        Statistics {
            n: m.n,
            w: m.w,
            mean: or_nan(mean),
            sd: or_nan(variance.sqrt()),
            min: or_nan(m.min),
            max: or_nan(m.max),
            sum: if m.n == 0 { 0.0 } else { sum.value() / scale },
        }
    }
}

/// Values times a power of two.
fn scaled(values: &[f64], exponent: i32) -> Cow<'_, [f64]> {
    match exponent {
        0 => Cow::Borrowed(values),
        _ => values.iter().map(|x| x * 2f64.powi(exponent)).collect(),
    }
}

/// The exponent of a power of two that brings the values' size near to 1; zero where squares do well without.
pub(crate) fn pilot_exponent(values: &[f64]) -> i32 {
    let largest = values.iter().filter(|x| x.is_finite()).fold(0.0f64, |largest, x| largest.max(x.abs()));
    let exponent = if largest > 0.0 { -largest.log2().floor() as i32 } else { 0 };
    if exponent.abs() < 100 { 0 } else { exponent.clamp(-600, 600) }
}

/// A number near the mean of what is finite, with so few digits that subtracting it from a value is exact: whole if the
/// values are, so that sums of whole numbers stay whole.
pub(crate) fn pilot_shift(values: &[f64]) -> f64 {
    let (n, sum) = values.iter().filter(|x| x.is_finite()).fold((0.0, 0.0), |(n, s), x| (n + 1.0, s + x));
    let whole = values.iter().all(|x| !x.is_finite() || x.fract() == 0.0);
    rounded_shift(sum / n, whole)
}

/// A mean with so few digits that subtracting it from a value is exact.
pub(crate) fn rounded_shift(mean: f64, whole: bool) -> f64 {
    let shift = if whole { mean.round() } else { f64::from(mean as f32) };
    if shift.is_finite() { shift } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::design::Rows;
    use crate::laws::{self, Batch};

    fn example(weighted: bool, sparse: bool) -> (Design, Summary, Vec<Batch>) {
        let design = laws::design(1, &[3, 2], weighted, Rows::All);
        let term = |numeric, categories: &[usize]| Term { numeric, categories: categories.to_vec() };
        let terms = [term(Some(0), &[]), term(None, &[0]), term(Some(0), &[0, 1])];
        let summary = Summary::new(&design, &terms, sparse, u64::MAX).unwrap();
        (design, summary, laws::batches(1, &[3, 2], weighted))
    }

    #[test]
    fn the_laws_hold() {
        for (weighted, sparse) in [(false, false), (true, false), (false, true), (true, true)] {
            let (design, summary, batches) = example(weighted, sparse);
            laws::check(&design, &summary, &batches).unwrap();
        }
    }

    #[test]
    fn statistics_are_those_of_the_definitions() {
        let (_, mut summary, _) = example(false, false);
        let (x, f, g) = ([1.0, 2.0, f64::NAN, 7.0], [0, 0, 1, NO], [0, 0, 1, 1]);
        const NO: u32 = crate::estimator::NO_LEVEL;
        let batch = ModelBatch { rows: 4, dropped: 0, numeric: &[&x], codes: &[&f, &g], weight: None };
        summary.pilot(&batch).unwrap();
        let mut state = summary.init();
        summary.update(&mut state, &batch).unwrap();
        let Step::Done(model) = summary.finish(state, &|| Ok(())).unwrap() else { panic!("one pass is enough") };
        let overall = &model.terms[0].overall;
        assert_eq!((overall.n, overall.min, overall.max, overall.sum), (3, 1.0, 7.0, 10.0));
        assert!((overall.sd - (31.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(model.terms[0].missing.n, 1);
        assert_eq!(model.terms[1].cells.iter().map(|(_, c)| c.n).collect::<Vec<_>>(), vec![2, 1, 0]);
        assert_eq!(model.terms[2].overall.n, 2);
        assert_eq!(model.terms[2].cells[0].1.mean, 1.5);
        assert!(model.terms[2].cells[1].1.mean.is_nan() && model.terms[2].cells[1].1.sum == 0.0);
    }
}

//! Exact quantiles, in as many passes as it takes (`rxQuantile`).
//!
//! A value is known by its key: a 64-bit integer, in the order of the numbers. Up to [`DISTINCT`] different values are
//! counted one by one. If there are more, ranges of keys are counted in bins, each with its least and greatest key, and
//! the next pass looks into those bins only in which a quantile lies. Memory is bounded, whatever the data.
//!
//! With W the sum of weights and t = p W, the quantile of whole numbers is the least x whose cumulative weight reaches t
//! (type 1 of Hyndman and Fan 1996). That of continuous ones is on the line from the last row before t to the first one
//! that reaches it (type 4); a row of a frequency weight is as many rows of weight 1.

use crate::cells::{Cell, Count};
use crate::design::{Design, WeightKind};
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::keys::{KeyTable, key, number};
use rx_data::{Error, Result};
use serde::{Deserialize, Serialize};

/// Values that a state counts one by one.
const DISTINCT: usize = 1 << 16;
/// Bins of a state.
const BINS: usize = 1 << 16;
/// What R allows for rounding in n p.
const FUZZ: f64 = 4.0 * f64::EPSILON;

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// Probabilities from 0 to 1.
    pub probs: Vec<f64>,
    /// Whether values between two rows are quantiles.
    pub continuous: bool,
    /// A number that values are multiplied by and then rounded, so that they are whole.
    pub multiple: Option<f64>,
    /// So many bins of equal width instead of the values themselves.
    pub bins: Option<u32>,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quantile {
    options: Options,
    /// Whether every row, or each of those that a frequency stands for, weighs 1.
    unit: bool,
    /// Values that a state counts one by one.
    distinct: usize,
    pass: Pass,
}

/// What a pass looks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Pass {
    /// The values that quantiles lie at.
    Search(Search),
    /// How many values are in each bin of a range.
    Equal { low: f64, high: f64, bins: u32 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Search {
    /// Disjoint and ascending.
    ranges: Vec<Range>,
    bins_per_range: usize,
    /// One a probability; none before the sum of weights is known.
    goals: Vec<Goal>,
}

/// Keys in which a quantile lies.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Range {
    low: u64,
    high: u64,
    /// Keys of a bin.
    width: u64,
    /// Weight of all that is lower.
    below: f64,
    /// The greatest key that is lower.
    before: Option<u64>,
}

/// A quantile on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Goal {
    /// The cumulative weight to reach, and the range where that happens.
    Within(f64, usize),
    Found(f64),
}

/// What a pass has counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum State {
    /// By value.
    Values(KeyTable<Count>),
    /// By bin, range by range.
    Bins(Vec<Bin>),
    /// By bin of equal width.
    Equal(Vec<Count>),
}

/// Rows of a bin.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bin {
    rows: Count,
    /// The least and the greatest key.
    low: u64,
    high: u64,
}

impl Bin {
    const EMPTY: Bin = Bin { rows: Count { n: 0, w: 0.0 }, low: u64::MAX, high: 0 };

    fn of(key: u64, rows: Count) -> Bin {
        Bin { rows, low: key, high: key }
    }

    fn merge(&mut self, other: &Bin) {
        self.rows.merge(&other.rows);
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

/// The result.
#[derive(Debug, Clone)]
pub struct Quantiles {
    /// Rows used.
    pub rows: u64,
    /// One a probability; NaN if there is no row.
    pub values: Vec<f64>,
}

impl Quantile {
    /// Quantiles of the design's first numeric variable; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, options: Options, limit: u64) -> Result<Self> {
        let everything = Range { low: 0, high: u64::MAX, width: 0, below: 0.0, before: None };
        let quantile = Quantile {
            options,
            unit: design.weight.as_ref().is_none_or(|weight| weight.kind == WeightKind::Frequency),
            distinct: DISTINCT,
            pass: Pass::Search(Search::of(vec![everything], Vec::new())),
        };
        quantile.check_memory(limit, "Quantiles", "Raise")?;
        Ok(quantile)
    }

    /// Counts rows of a key.
    fn add(&self, search: &Search, state: &mut State, key: u64, rows: Count) {
        let Some(bin) = search.bin(key) else { return };
        match state {
            State::Bins(bins) => bins[bin].merge(&Bin::of(key, rows)),
            State::Values(values) => {
                values.entry(key).or_default().merge(&rows);
                if values.len() > self.distinct {
                    *state = State::Bins(search.binned(std::mem::take(values)));
                }
            }
            State::Equal(_) => {}
        }
    }

    /// The weights to reach, given the sum of all.
    fn goals(&self, total: f64) -> Vec<Goal> {
        let goal = |p: &f64| {
            let t = p * total;
            let whole = (t + FUZZ).floor();
            Goal::Within(if self.unit && (t - whole).abs() < FUZZ { whole } else { t }, 0)
        };
        self.options.probs.iter().map(goal).collect()
    }

    /// The quantile at a weight, which is reached by rows of one value above those of weight `below`, the greatest of
    /// which is `before`.
    fn value(&self, t: f64, reached: &Bin, below: f64, before: Option<u64>) -> f64 {
        let upper = number(reached.low);
        let row = if self.unit { 1.0 } else { reached.rows.w / reached.rows.n as f64 };
        let part = ((t - below) / row).clamp(0.0, 1.0);
        match before.map(number) {
            Some(lower) if self.options.continuous && part < 1.0 => (1.0 - part) * lower + part * upper,
            _ => upper,
        }
    }

    /// Follows the goals into the bins that they lie in: goals, and the ranges to search next.
    fn followed(&self, search: &Search, bins: &[Vec<Bin>], tolerance: f64) -> (Vec<Goal>, Vec<Range>) {
        let mut ranges: Vec<Range> = Vec::new();
        let mut follow = |goal: &Goal| {
            let &Goal::Within(t, at) = goal else { return goal.clone() };
            let Range { mut below, mut before, .. } = search.ranges[at];
            let mut reached = &Bin::EMPTY;
            for (i, bin) in bins[at].iter().enumerate() {
                reached = bin;
                if below + bin.rows.w >= t - tolerance || i + 1 == bins[at].len() {
                    break;
                }
                (below, before) = (below + bin.rows.w, Some(bin.high));
            }
            if reached.low >= reached.high {
                return Goal::Found(self.value(t, reached, below, before));
            }
            let position = ranges.iter().position(|range| range.low == reached.low).unwrap_or_else(|| {
                ranges.push(Range { low: reached.low, high: reached.high, width: 0, below, before });
                ranges.len() - 1
            });
            Goal::Within(t, position)
        };
        (search.goals.iter().map(&mut follow).collect(), ranges)
    }

    fn done(&self, rows: u64, values: Vec<f64>) -> Step<Self, Quantiles> {
        let scale = self.options.multiple.unwrap_or(1.0);
        Step::Done(Quantiles { rows, values: values.into_iter().map(|x| x / scale).collect() })
    }

    /// What follows a search that has counted the bins, which are not all empty.
    fn searched(&self, mut search: Search, bins: &[Vec<Bin>]) -> Step<Self, Quantiles> {
        let all = || bins.iter().flatten();
        let total: f64 = all().map(|bin| bin.rows.w).sum();
        let rows = all().map(|bin| bin.rows.n).sum();
        let again = |pass| Step::Again(Quantile { pass, ..self.clone() });
        if let (Some(bins), Some(first), Some(last)) = (self.options.bins, all().next(), all().last()) {
            let (low, high) = (number(first.low), number(last.high));
            return match (high - low).is_finite() && high > low {
                true => again(Pass::Equal { low, high, bins }),
                false => self.done(rows, vec![low; self.options.probs.len()]),
            };
        }
        let first_pass = search.goals.is_empty();
        if first_pass {
            search.goals = self.goals(total);
        }
        let tolerance = if self.unit { 0.0 } else { FUZZ * (total + search.ranges[0].below) };
        let (goals, mut ranges) = self.followed(&search, bins, tolerance);
        if ranges.is_empty() {
            let found = goals.iter().map(|goal| if let Goal::Found(x) = goal { *x } else { f64::NAN });
            return self.done(rows, found.collect());
        }
        // In ascending order, as the bins of a state are.
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        order.sort_by_key(|&i| ranges[i].low);
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| rank[old] = new);
        ranges.sort_by_key(|range| range.low);
        let moved = |goal| if let Goal::Within(t, at) = goal { Goal::Within(t, rank[at]) } else { goal };
        again(Pass::Search(Search::of(ranges, goals.into_iter().map(moved).collect())))
    }

    /// The quantiles on the cumulative distribution that is straight within each bin.
    fn interpolated(&self, low: f64, high: f64, bins: &[Count]) -> Step<Self, Quantiles> {
        let total: f64 = bins.iter().map(|bin| bin.w).sum();
        let width = (high - low) / bins.len() as f64;
        let value = |p: &f64| {
            let (t, mut below) = (p * total, 0.0);
            for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.w > 0.0) {
                if below + bin.w >= t {
                    return low + (i as f64 + (t - below) / bin.w) * width;
                }
                below += bin.w;
            }
            high
        };
        self.done(bins.iter().map(|bin| bin.n).sum(), self.options.probs.iter().map(value).collect())
    }
}

impl Search {
    fn of(mut ranges: Vec<Range>, goals: Vec<Goal>) -> Search {
        let bins_per_range = (BINS / ranges.len().max(1)).max(2);
        ranges.iter_mut().for_each(|range| range.width = (range.high - range.low) / bins_per_range as u64 + 1);
        Search { ranges, bins_per_range, goals }
    }

    /// The bin of a key; none if no quantile is near.
    fn bin(&self, key: u64) -> Option<usize> {
        let at = self.ranges.partition_point(|range| range.high < key);
        let range = self.ranges.get(at).filter(|range| range.low <= key)?;
        Some(at * self.bins_per_range + ((key - range.low) / range.width) as usize)
    }

    fn binned(&self, values: KeyTable<Count>) -> Vec<Bin> {
        let mut bins = vec![Bin::EMPTY; self.ranges.len() * self.bins_per_range];
        // In order, so that sums of weights do not depend on the table's.
        for (key, rows) in values.sorted() {
            if let Some(bin) = self.bin(key) {
                bins[bin].merge(&Bin::of(key, rows));
            }
        }
        bins
    }

    /// The bins with rows of each range, in order; a value that was counted for itself is a bin.
    fn sorted(&self, state: State) -> Vec<Vec<Bin>> {
        let mut sorted = vec![Vec::new(); self.ranges.len()];
        match state {
            State::Values(values) => {
                for (key, rows) in values.sorted() {
                    sorted[self.ranges.partition_point(|range| range.high < key)].push(Bin::of(key, rows));
                }
            }
            State::Bins(bins) => {
                for (range, bins) in bins.chunks(self.bins_per_range).enumerate() {
                    sorted[range].extend(bins.iter().filter(|bin| bin.rows.n > 0));
                }
            }
            State::Equal(_) => {}
        }
        sorted
    }
}

impl Estimator for Quantile {
    type State = State;

    fn pilot(&mut self, _: &ModelBatch) -> Result<()> {
        Ok(())
    }

    fn init(&self) -> State {
        match self.pass {
            Pass::Search(_) => State::Values(KeyTable::default()),
            Pass::Equal { bins, .. } => State::Equal(vec![Count::default(); bins as usize]),
        }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        for (row, &x) in batch.numeric[0].iter().enumerate().filter(|(_, x)| !x.is_nan()) {
            let x = self.options.multiple.map_or(x, |multiple| (x * multiple).round());
            let rows = Count { n: 1, w: batch.weight.map_or(1.0, |weights| weights[row]) };
            match (&self.pass, &mut *state) {
                (Pass::Search(search), state) => self.add(search, state, key(x), rows),
                (&Pass::Equal { low, high, bins }, State::Equal(counts)) => {
                    let bin = ((x - low) / (high - low) * f64::from(bins)) as usize;
                    counts[bin.min(bins as usize - 1)].merge(&rows);
                }
                _ => return Err(Error::internal("a state of another pass")),
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        match (&self.pass, &mut *state, other) {
            (Pass::Search(search), state, State::Values(values)) => {
                values.sorted().into_iter().for_each(|(key, rows)| self.add(search, state, key, rows));
            }
            (Pass::Search(search), state, State::Bins(other)) => {
                if let State::Values(values) = state {
                    *state = State::Bins(search.binned(std::mem::take(values)));
                }
                if let State::Bins(bins) = state {
                    bins.iter_mut().zip(&other).for_each(|(to, from)| to.merge(from));
                }
            }
            (_, State::Equal(to), State::Equal(from)) => to.iter_mut().zip(&from).for_each(|(to, from)| to.merge(from)),
            _ => return Err(Error::internal("states of two passes")),
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        // A table of values is at least half full before it becomes bins.
        let equal = self.options.bins.unwrap_or(0) as usize * size_of::<Count>();
        equal.max(2 * self.distinct * size_of::<(u64, Count)>() + BINS * size_of::<Bin>())
    }
}

impl Finish for Quantile {
    type Model = Quantiles;

    fn finish(self, state: State, _: GoOn) -> Result<Step<Self, Quantiles>> {
        match (self.pass.clone(), state) {
            (Pass::Equal { low, high, .. }, State::Equal(bins)) => Ok(self.interpolated(low, high, &bins)),
            (Pass::Search(search), state) => {
                let bins = search.sorted(state);
                match bins.iter().all(Vec::is_empty) {
                    true => Ok(self.done(0, vec![f64::NAN; self.options.probs.len()])),
                    false => Ok(self.searched(search, &bins)),
                }
            }
            _ => Err(Error::internal("a state of another pass")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::design::Rows;
    use crate::laws;

    fn options(probs: &[f64], continuous: bool) -> Options {
        Options { probs: probs.to_vec(), continuous, multiple: None, bins: None }
    }

    fn estimator(options: Options, weighted: bool, distinct: usize) -> (Design, Quantile) {
        let design = laws::design(1, &[], weighted, Rows::Complete);
        let quantile = Quantile::new(&design, options, u64::MAX).unwrap();
        (design, Quantile { distinct, ..quantile })
    }

    /// Runs all passes over rows in two states.
    fn quantiles(mut quantile: Quantile, x: &[f64], weight: Option<&[f64]>) -> (Vec<f64>, usize) {
        let half = x.len() / 2;
        for passes in 1.. {
            let mut state = quantile.init();
            for rows in [half..x.len(), 0..half] {
                let mut part = quantile.init();
                let weight = weight.map(|w| &w[rows.clone()]);
                let batch = ModelBatch { rows: rows.len(), dropped: 0, numeric: &[&x[rows]], codes: &[], weight };
                quantile.update(&mut part, &batch).unwrap();
                quantile.merge(&mut state, part).unwrap();
            }
            match quantile.finish(state, &|| Ok(())).unwrap() {
                Step::Done(model) => return (model.values, passes),
                Step::Again(next) => quantile = next,
            }
        }
        panic!("there is a pass that ends it")
    }

    #[test]
    fn the_laws_hold() {
        for (weighted, distinct) in [(false, 1000), (true, 1000), (false, 10), (true, 10)] {
            let (design, quantile) = estimator(options(&[0.25, 0.5], true), weighted, distinct);
            laws::check(&design, &quantile, &laws::batches(1, &[], weighted)).unwrap();
            let equal = Quantile { pass: Pass::Equal { low: 0.0, high: 130.0, bins: 7 }, ..quantile };
            laws::check(&design, &equal, &laws::batches(1, &[], weighted)).unwrap();
        }
    }

    #[test]
    fn quantiles_are_those_of_their_types() {
        // quantile(c(2, 3, 5, 7, 11), c(0, .1, .3, .5, .9, 1), type = 1), and type = 4.
        let (x, probs) = ([7.0, 2.0, 11.0, 3.0, 5.0], [0.0, 0.1, 0.3, 0.5, 0.9, 1.0]);
        let of = |continuous| quantiles(estimator(options(&probs, continuous), false, 1000).1, &x, None);
        assert_eq!(of(false), (vec![2.0, 2.0, 3.0, 5.0, 11.0, 11.0], 1));
        assert_eq!(of(true).0, [2.0, 2.0, 2.5, 4.0, 9.0, 11.0]);
    }

    #[test]
    fn many_values_are_found_in_further_passes() {
        let x: Vec<f64> = (0..20_000).map(|i| ((i * 7919) % 20_000) as f64 / 7.0 - 300.0).collect();
        let mut sorted = x.clone();
        sorted.sort_by(f64::total_cmp);
        let probs: Vec<f64> = (0..=40).map(|i| f64::from(i) / 40.0).collect();
        for continuous in [false, true] {
            let (found, passes) = quantiles(estimator(options(&probs, continuous), false, 100).1, &x, None);
            assert!(passes > 1);
            let wanted: Vec<f64> = probs.iter().map(|p| sorted[((p * 20_000.0) as usize).max(1) - 1]).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn frequencies_are_rows_and_probabilities_are_shares() {
        let (x, f) = ([5.0, 1.0, 9.0], [2.0, 3.0, 1.0]);
        let probs = [0.0, 0.5, 3.5 / 6.0, 0.8, 0.95];
        let (_, weighted) = estimator(options(&probs, true), true, 1000);
        // As of the rows 1 1 1 5 5 9.
        let frequencies = Quantile { unit: true, ..weighted.clone() };
        let expected = [1.0, 1.0, 3.0, 5.0, 7.8];
        let near = |found: &[f64], wanted: &[f64]| found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&quantiles(frequencies, &x, Some(&f)).0, &expected));
        // The distribution is straight from (3, 1) to (5, 5).
        let (found, _) = quantiles(weighted.clone(), &x, Some(&f));
        assert!(near(&found[..4], &[1.0, 1.0, 2.0, 4.6]), "{found:?}");
        let halves: Vec<f64> = f.iter().map(|w| w / 8.0).collect();
        assert!(near(&quantiles(weighted, &x, Some(&halves)).0, &found));
    }

    #[test]
    fn bins_of_equal_width_are_interpolated() {
        let x: Vec<f64> = (0..=1000).map(f64::from).collect();
        let with_bins = Options { bins: Some(10), ..options(&[0.0, 0.25, 1.0], true) };
        let (found, passes) = quantiles(estimator(with_bins, false, 100).1, &x, None);
        assert_eq!((passes, found[0], found[2]), (2, 0.0, 1000.0));
        assert!((found[1] - 250.25).abs() < 1e-9);
    }

    #[test]
    fn no_rows_have_no_quantile() {
        let (found, _) = quantiles(estimator(options(&[0.5], true), false, 10).1, &[], None);
        assert!(found[0].is_nan());
    }
}

//! Clusters by Lloyd's algorithm (`rxKmeans`).
//!
//! A pass assigns every row to the nearest centre and adds it to that cluster's sums; `finish` moves the centres to the
//! means of their clusters. The iterations end when no centre has moved in any bit, which is when no row has changed its
//! cluster: sums are about numbers that stay the same for all passes, so equal clusters have equal sums. Sums of a batch
//! are doubles, those of batches double-doubles.
//!
//! A cluster that loses all its rows keeps its centre, and may win rows again. Several starts go on in the same passes.
//! Reference: Lloyd, S. P. (1982) Least squares quantization in PCM, IEEE Transactions on Information Theory 28.

pub mod assign;
mod nearest;
mod sample;
mod sums;

use crate::dd::{Dd, Number};
use crate::decode::{BATCH_ROWS, Decoder};
use crate::design::Design;
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::levels::FoundCodes;
use crate::summary::pilot_shift;
use nearest::Nearest;
use rx_data::{Block, Column, Error, ErrorKind, Result};
use sample::{Sample, choose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use sums::{HEAD, Sums};

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// Number of clusters.
    pub clusters: usize,
    /// Centres to start from, one after the other; if there are none, rows are drawn.
    pub centres: Option<Vec<f64>>,
    /// How often to draw centres and start; the best result counts.
    pub starts: usize,
    /// Distinct rows that starting centres are chosen from.
    pub start_rows: usize,
    /// What decides which rows are drawn.
    pub seed: u32,
    /// Passes at most of each start.
    pub max_iterations: usize,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KMeans {
    options: Options,
    columns: usize,
    /// What sums of each column are about.
    shifts: Vec<f64>,
    /// The centres that each start that goes on has come to; none before the first rows are drawn.
    runs: Vec<Vec<f64>>,
    passes: usize,
    best: Option<Clusters>,
    /// Whether decoded columns are kept for later passes.
    kept: bool,
    /// The memory for states and kept columns in bytes.
    limit: u64,
}

/// Accumulators of a pass.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    rows: u64,
    dropped: u64,
    sample: Sample,
    /// Of each start cluster after cluster, as [`Sums`] has them.
    sums: Vec<Vec<Dd>>,
}

/// The result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clusters {
    /// Means of the clusters, one after the other.
    pub centres: Vec<f64>,
    /// The centres that the rows were assigned to: the same, unless the iterations did not converge.
    pub assigned: Vec<f64>,
    /// Rows of each cluster.
    pub rows: Vec<f64>,
    /// Their weights.
    pub weights: Vec<f64>,
    /// Sums of squared distances from the means.
    pub within: Vec<f64>,
    /// Sum of squared distances of the means from the mean of all rows, by weight.
    pub between: f64,
    /// Rows left out for missing values.
    pub missing: u64,
    /// Passes that it took.
    pub iterations: usize,
    /// Whether they ended by themselves.
    pub converged: bool,
}

impl Clusters {
    fn total_within(&self) -> f64 {
        self.within.iter().sum()
    }
}

impl KMeans {
    /// Clusters of the rows of a design without categories. `kept` says whether to keep decoded columns for later passes,
    /// and `limit` is the memory for them and for states in bytes.
    pub fn new(design: &Design, options: Options, kept: bool, limit: u64) -> Result<Self> {
        let columns = design.numeric.len();
        let mut runs = Vec::new();
        if let Some(values) = &options.centres {
            let distinct: BTreeSet<Vec<u64>> =
                values.chunks(columns).map(|c| c.iter().map(|x| (x + 0.0).to_bits()).collect()).collect();
            if distinct.len() < options.clusters {
                let what = format!("Of the {} starting centres {} are distinct.", options.clusters, distinct.len());
                return Err(
                    Error::new(ErrorKind::Value, what).hint("Give other `centers`, or draw them: numStarts = 1.")
                );
            }
            runs.push(values.clone());
        }
        let shifts = vec![0.0; columns];
        let kmeans = KMeans { options, columns, shifts, runs, passes: 0, best: None, kept, limit };
        kmeans.check_memory(limit, "The clusters", "Use fewer clusters, starts or start rows, or raise")?;
        Ok(kmeans)
    }

    /// How many numbers the sums of a cluster are.
    fn stride(&self) -> usize {
        Sums::stride(self.columns)
    }

    /// Starts from rows that were drawn.
    fn drawn(mut self, sample: Sample) -> Result<Self> {
        let rows = sample.into_rows();
        let clusters = self.options.clusters;
        if rows.len() < clusters {
            let what = format!("There are {} distinct rows for {clusters} clusters.", rows.len());
            return Err(Error::new(ErrorKind::Value, what).hint("Ask for fewer clusters."));
        }
        let seed = |start: usize| (u64::from(self.options.seed) << 32) + start as u64;
        self.runs = (0..self.options.starts).map(|start| choose(&rows, clusters, seed(start))).collect();
        Ok(self)
    }

    /// Takes in a batch, for which the centres of the first start were found.
    fn add(&self, state: &mut State, batch: &ModelBatch, mut found: Nearest) {
        state.dropped += batch.dropped;
        state.rows += batch.rows as u64;
        for (start, (centres, total)) in self.runs.iter().zip(&mut state.sums).enumerate() {
            if start > 0 {
                found.find(centres, batch.numeric, 0..batch.rows);
            }
            let mut sums = Sums::new(self.columns, self.options.clusters);
            sums.add(batch, &self.shifts, &found);
            let sums = total.iter_mut().zip(sums.values()).filter(|(_, sum)| **sum != 0.0);
            sums.for_each(|(to, &sum)| *to = *to + Dd::from(sum));
        }
    }

    /// Takes in rows where they lie, nobody having looked at them before; tells whether it did. A value that is missing or
    /// infinite shows in the distances.
    fn add_in_place(&self, state: &mut State, columns: &[&[f64]], rows: Range<usize>) -> bool {
        let Some(first) = self.runs.first() else { return false };
        let mut found = Nearest::default();
        found.find(first, columns, rows.clone());
        // No early end: a loop without one is vectorised.
        let all_numbers = found.distances.iter().fold(true, |finite, x| finite & x.is_finite());
        if all_numbers {
            let numeric: Vec<&[f64]> = columns.iter().map(|values| &values[rows.clone()]).collect();
            let batch = ModelBatch { rows: rows.len(), dropped: 0, numeric: &numeric, codes: &[], weight: None };
            self.add(state, &batch, found);
        }
        all_numbers
    }

    /// Moves the centres of a start to the means of their clusters.
    fn moved(&self, centres: &[f64], sums: &[Dd], missing: u64) -> Clusters {
        let parts = sums.chunks(self.stride()).zip(centres.chunks(self.columns));
        let mut moved = Clusters {
            centres: Vec::new(),
            assigned: centres.to_vec(),
            rows: Vec::new(),
            weights: Vec::new(),
            within: Vec::new(),
            between: 0.0,
            missing,
            iterations: self.passes,
            converged: false,
        };
        let total = sums.chunks(self.stride()).fold(vec![Dd::default(); self.stride()], |total, cluster| {
            total.iter().zip(cluster).map(|(&x, &y)| x + y).collect()
        });
        for (sums, old) in parts {
            let weight = sums[1];
            let (mut gained, mut between) = (0.0, 0.0);
            for c in 0..self.columns {
                if weight.value() <= 0.0 {
                    moved.centres.push(old[c]);
                    continue;
                }
                // Centres have fewer digits than their distances, which are taken before rounding.
                let mean = sums[HEAD + c] / weight;
                let centre = Dd::from(self.shifts[c]) + mean;
                gained += square((centre - Dd::from(old[c])).value());
                between += square((mean - total[HEAD + c] / total[1]).value());
                moved.centres.push(centre.value());
            }
            // What overflowed must not become zero.
            let within = sums[2].value() - weight.value() * gained;
            moved.within.push(if within < 0.0 { 0.0 } else { within });
            moved.between += weight.value() * between;
            moved.rows.push(sums[0].value());
            moved.weights.push(weight.value());
        }
        moved.converged = moved.centres.iter().zip(centres).all(|(new, old)| new.to_bits() == old.to_bits());
        moved
    }
}

/// The columns of a block, if they are doubles without weights.
fn doubles<'a>(design: &Design, block: &'a Block) -> Option<Vec<&'a [f64]>> {
    let values = design.numeric.iter().map(|variable| match &block.columns[variable.column] {
        Column::F64(values) => Some(&values[..]),
        _ => None,
    });
    if design.weight.is_none() { values.collect() } else { None }
}

fn square(x: f64) -> f64 {
    x * x
}

impl Estimator for KMeans {
    type State = State;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        self.shifts = first.numeric.iter().map(|values| pilot_shift(values)).collect();
        Ok(())
    }

    fn init(&self) -> State {
        let sums = vec![vec![Dd::default(); self.options.clusters * self.stride()]; self.runs.len()];
        State { rows: 0, dropped: 0, sample: Sample::default(), sums }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        let mut found = Nearest::default();
        match self.runs.first() {
            Some(first) => found.find(first, batch.numeric, 0..batch.rows),
            None => state.sample.add(batch.numeric, u64::from(self.options.seed), self.options.start_rows),
        }
        self.add(state, batch, found);
        Ok(())
    }

    fn update_block(
        &self,
        state: &mut State,
        block: &Block,
        _: &FoundCodes,
        decoder: &mut Decoder,
        go_on: GoOn,
    ) -> Result<()> {
        let mut start = 0;
        if let Some(columns) = doubles(decoder.design(), block) {
            while start < block.rows {
                go_on()?;
                let rows = start..block.rows.min(start + BATCH_ROWS);
                if !self.add_in_place(state, &columns, rows.clone()) {
                    break;
                }
                start = rows.end;
            }
        }
        let rest = block.slice(start, block.rows - start);
        decoder.each_batch(&rest, &FoundCodes::default(), |batch| {
            go_on()?;
            self.update(state, batch)
        })
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.dropped += other.dropped;
        state.rows += other.rows;
        state.sample.merge(other.sample, self.options.start_rows);
        for (to, from) in state.sums.iter_mut().flatten().zip(other.sums.into_iter().flatten()) {
            *to = *to + from;
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        let sums = self.options.starts * self.options.clusters * self.stride() * size_of::<Dd>();
        let row = (self.columns + 8) * size_of::<u64>();
        sums.max(if self.options.centres.is_none() { self.options.start_rows.saturating_mul(row) } else { 0 })
    }

    fn kept_bytes(&self) -> u64 {
        if self.kept { self.limit.saturating_sub(8 * self.state_bytes() as u64) } else { 0 }
    }
}

impl Finish for KMeans {
    type Model = Clusters;

    fn finish(mut self, state: State, _: GoOn) -> Result<Step<Self, Clusters>> {
        if state.rows == 0 {
            return Err(Error::new(ErrorKind::NoRows, "No rows are left for the clusters.")
                .hint("Check the variables with rxSummary, and rowSelection."));
        }
        if state.rows < self.options.clusters as u64 {
            let what = format!("There are {} rows for {} clusters.", state.rows, self.options.clusters);
            return Err(Error::new(ErrorKind::Value, what).hint("Ask for fewer clusters."));
        }
        if self.runs.is_empty() {
            return self.drawn(state.sample).map(Step::Again);
        }
        self.passes += 1;
        let mut going = Vec::new();
        for (centres, sums) in self.runs.iter().zip(&state.sums) {
            let moved = self.moved(centres, sums, state.dropped);
            if !moved.total_within().is_finite() {
                return Err(Error::new(ErrorKind::Value, "Squares of distances leave the range of doubles.")
                    .hint("Divide the variables by a large number in `transforms`."));
            }
            if !moved.converged && self.passes < self.options.max_iterations {
                going.push(moved.centres);
            } else if self.best.as_ref().is_none_or(|best| moved.total_within() < best.total_within()) {
                self.best = Some(moved);
            }
        }
        match self.best.take() {
            Some(best) if going.is_empty() => Ok(Step::Done(best)),
            best => Ok(Step::Again(KMeans { runs: going, best, ..self })),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::design::Rows;
    use crate::laws;

    fn options(clusters: usize, centres: Option<Vec<f64>>) -> Options {
        Options { clusters, centres, starts: 1, start_rows: 10 * clusters, seed: 1, max_iterations: 100 }
    }

    fn estimator(columns: usize, weighted: bool, options: Options) -> Result<KMeans> {
        KMeans::new(&laws::design(columns, &[], weighted, Rows::Finite), options, true, u64::MAX)
    }

    /// All passes over rows in two states.
    fn fit(mut kmeans: KMeans, columns: &[Vec<f64>], weight: Option<&[f64]>) -> Result<Clusters> {
        let rows = columns[0].len();
        for pass in 0..1000 {
            let mut state = kmeans.init();
            for rows in [0..rows / 2, rows / 2..rows] {
                let numeric: Vec<&[f64]> = columns.iter().map(|values| &values[rows.clone()]).collect();
                let weight = weight.map(|weight| &weight[rows.clone()]);
                let batch = ModelBatch { rows: rows.len(), dropped: 1, numeric: &numeric, codes: &[], weight };
                if pass == 0 && rows.start == 0 {
                    kmeans.pilot(&batch)?;
                }
                let mut part = kmeans.init();
                kmeans.update(&mut part, &batch)?;
                kmeans.merge(&mut state, part)?;
            }
            match kmeans.finish(state, &|| Ok(()))? {
                Step::Done(clusters) => return Ok(clusters),
                Step::Again(next) => kmeans = next,
            }
        }
        panic!("there is a pass that ends it")
    }

    /// Three groups on a line, and noise.
    fn groups(rows: usize, offset: f64) -> Vec<Vec<f64>> {
        let wave = |i: usize, k: f64| (i as f64 * k).sin();
        let x = (0..rows).map(|i| offset + (i % 3) as f64 * 10.0 + wave(i, 1.7)).collect();
        vec![x, (0..rows).map(|i| offset + wave(i, 2.9)).collect()]
    }

    #[test]
    fn the_laws_hold() {
        for weighted in [false, true] {
            let design = laws::design(2, &[], weighted, Rows::Finite);
            let batches = laws::batches(2, &[], weighted);
            for centres in [None, Some(vec![10.0, 10.0, 50.0, 60.0, 90.0, 20.0])] {
                let kmeans = KMeans::new(&design, options(3, centres), true, u64::MAX).unwrap();
                laws::check(&design, &kmeans, &batches).unwrap();
            }
        }
    }

    #[test]
    fn blocks_of_doubles_are_taken_in_as_their_batches() {
        let rows = 3 * BATCH_ROWS + 5;
        let design = laws::design(2, &[], false, Rows::Finite);
        let centres = [vec![1.0, 1.0, 12.0, 1.0, 20.0, 1.0], vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0]];
        let kmeans = estimator(2, false, options(3, Some(centres[0].clone()))).unwrap();
        let drawing = estimator(2, false, options(3, None)).unwrap();
        for missing in [None, Some(BATCH_ROWS + 7)] {
            let mut data = groups(rows, 5.0);
            missing.into_iter().for_each(|row| data[1][row] = f64::NAN);
            let columns = data.into_iter().map(|values| Column::F64(values.into())).collect();
            let block = Block { index: 0, rows, columns };
            for kmeans in [&KMeans { runs: centres.to_vec(), ..kmeans.clone() }, &drawing] {
                let (mut whole, mut batches) = (kmeans.init(), kmeans.init());
                let mut decoder = Decoder::new(&design);
                kmeans.update_block(&mut whole, &block, &FoundCodes::default(), &mut decoder, &|| Ok(())).unwrap();
                decoder.each_batch(&block, &FoundCodes::default(), |b| kmeans.update(&mut batches, b)).unwrap();
                assert_eq!((whole.rows + whole.dropped, whole.dropped), (rows as u64, u64::from(missing.is_some())));
                assert_eq!(format!("{whole:?}"), format!("{batches:?}"));
            }
        }
    }

    #[test]
    fn groups_are_found_from_any_start_and_far_from_zero() {
        for offset in [0.0, 1e9] {
            for seed in 0..10 {
                let asked = Options { seed, starts: 2, ..options(3, None) };
                let found = fit(estimator(2, false, asked).unwrap(), &groups(300, offset), None).unwrap();
                assert_eq!(found.rows, [100.0; 3]);
                let mut at: Vec<i64> = found.centres.chunks(2).map(|c| (c[0] - offset).round() as i64).collect();
                at.sort_unstable();
                assert_eq!((at, found.converged), (vec![0, 10, 20], true));
            }
        }
    }

    #[test]
    fn sums_of_squares_add_up_to_those_about_the_mean() {
        let data = groups(99, 5.0);
        for max_iterations in [1, 100] {
            let asked = Options { max_iterations, ..options(2, Some(vec![5.0, 5.0, 6.0, 5.0])) };
            let found = fit(estimator(2, false, asked).unwrap(), &data, None).unwrap();
            let square = |values: &Vec<f64>| {
                let mean = values.iter().sum::<f64>() / 99.0;
                values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>()
            };
            let total: f64 = data.iter().map(square).sum();
            assert!((found.total_within() + found.between - total).abs() < 1e-10 * total);
            assert_eq!((found.converged, found.missing), (max_iterations > 1, 2));
        }
    }

    #[test]
    fn weights_are_as_many_rows() {
        let data = groups(60, 0.0);
        let weight: Vec<f64> = (0..60).map(|i| f64::from(i % 4 + 1)).collect();
        let repeated: Vec<Vec<f64>> =
            data.iter().map(|x| x.iter().zip(&weight).flat_map(|(&x, &w)| vec![x; w as usize]).collect()).collect();
        let start = || options(2, Some(vec![0.0, 0.0, 1.0, 0.0]));
        let found = fit(estimator(2, true, start()).unwrap(), &data, Some(&weight)).unwrap();
        let wanted = fit(estimator(2, false, start()).unwrap(), &repeated, None).unwrap();
        let near = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-12 * x.abs().max(1.0));
        assert!(near(&found.centres, &wanted.centres) && near(&found.within, &wanted.within));
        assert_eq!((found.weights, found.rows.iter().sum::<f64>()), (wanted.rows, 60.0));
    }

    #[test]
    fn an_empty_cluster_keeps_its_centre() {
        let asked = options(3, Some(vec![0.0, 0.0, 15.0, 0.0, 1e6, 0.0]));
        let found = fit(estimator(2, false, asked).unwrap(), &groups(90, 0.0), None).unwrap();
        assert_eq!((found.rows[2], found.within[2], found.centres[4]), (0.0, 0.0, 1e6));
        assert!(found.converged);
    }

    #[test]
    fn what_has_no_clusters_is_said() {
        let kind = |columns: &[Vec<f64>], centres: Option<Vec<f64>>| {
            estimator(2, false, options(2, centres)).and_then(|kmeans| fit(kmeans, columns, None)).unwrap_err().kind
        };
        let start = || Some(vec![0.0, 0.0, 1.0, 1.0]);
        assert_eq!(kind(&groups(0, 0.0), start()), ErrorKind::NoRows);
        assert_eq!(kind(&groups(1, 0.0), start()), ErrorKind::Value);
        assert_eq!(kind(&groups(3, 0.0), Some(vec![1.0, 0.0, 1.0, -0.0])), ErrorKind::Value);
        assert_eq!(kind(&[vec![4.0; 50], vec![5.0; 50]], None), ErrorKind::Value);
        assert_eq!(kind(&[vec![1e200, -1e200, 0.0], vec![0.0; 3]], start()), ErrorKind::Value);
        let many = Options { start_rows: 1 << 40, ..options(2, None) };
        let limited = KMeans::new(&laws::design(2, &[], false, Rows::Finite), many, true, 1 << 30);
        assert_eq!(limited.unwrap_err().kind, ErrorKind::Memory);
    }
}

//! How well scores tell events from the others (`rxRoc`).
//!
//! Rows are counted by the interval of thresholds that their score lies in, events and others apart; with thresholds at
//! every score, by score. Counts are whole numbers, so the result is exact in any order of the rows.

use crate::design::Design;
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::keys::{KeyTable, key, number};
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Roc {
    /// Names of the event variable and of the scores.
    names: Vec<String>,
    /// Thresholds are so many equal steps from 0 to 1; none for one at every score.
    steps: Option<u32>,
    /// The memory for all states in bytes.
    limit: u64,
}

/// Others and events.
type Rows = [u64; 2];

/// What a pass has counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    dropped: u64,
    /// Of each score by threshold: its number, or the key of the score.
    counts: Vec<Counts>,
}

/// Rows by the last threshold that their score reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Counts {
    Steps(Vec<Rows>),
    Scores(KeyTable<Rows>),
}

/// The rows of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// In ascending order.
    pub thresholds: Vec<f64>,
    /// Rows without the event whose score reaches a threshold but not the next.
    pub others: Vec<f64>,
    /// Such rows with the event.
    pub events: Vec<f64>,
}

/// The result.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// Rows left out for missing values.
    pub missing: u64,
    /// One a score.
    pub curves: Vec<Curve>,
}

impl Roc {
    /// The first variable of the design is the event, the others are scores; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, steps: Option<u32>, limit: u64) -> Result<Self> {
        let names = design.numeric.iter().map(|variable| variable.name.clone()).collect();
        let roc = Roc { names, steps, limit };
        roc.check_memory(limit, "The counts", "Ask for fewer `numBreaks`, or raise")?;
        Ok(roc)
    }

    fn scores(&self) -> usize {
        self.names.len() - 1
    }

    fn wrong(&self, variable: usize, must: &str, value: f64) -> Error {
        let name = &self.names[variable];
        // In all digits a small number would be long.
        let value = if value != 0.0 && value.abs() < 1e-5 { format!("{value:e}") } else { value.to_string() };
        Error::new(ErrorKind::Value, format!("Variable '{name}' has the value {value}; {must}.")).column(name)
    }

    fn check_room(&self, counts: &KeyTable<Rows>) -> Result<()> {
        if KeyTable::<Rows>::bytes(counts.len()) as u64 * self.scores() as u64 <= self.limit / 8 {
            return Ok(());
        }
        let what = format!("There are more than {} different scores.", counts.len() - 1);
        Err(Error::new(ErrorKind::Memory, what).hint("Give `numBreaks`, or raise rxOptions(memoryLimitMB)."))
    }
}

/// The last of the thresholds 0, 1/n, 2/n, ..., 1 that a score reaches.
fn last_threshold(score: f64, steps: u32) -> usize {
    let n = f64::from(steps);
    let mut at = (score * n).floor();
    // The product is rounded, so it may be one off.
    while at < n && (at + 1.0) / n <= score {
        at += 1.0;
    }
    while at / n > score {
        at -= 1.0;
    }
    at as usize
}

impl Estimator for Roc {
    type State = State;
    const HAS_EXACT: bool = true;

    fn pilot(&mut self, _: &ModelBatch) -> Result<()> {
        Ok(())
    }

    fn init(&self) -> State {
        let empty = match self.steps {
            Some(steps) => Counts::Steps(vec![[0; 2]; steps as usize + 1]),
            None => Counts::Scores(KeyTable::default()),
        };
        State { dropped: 0, counts: vec![empty; self.scores()] }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.dropped += batch.dropped;
        let events = batch.numeric[0];
        if let Some(&value) = events.iter().find(|&&x| x != 0.0 && x != 1.0) {
            return Err(self.wrong(0, "it must be 0 or 1", value));
        }
        for (j, counts) in state.counts.iter_mut().enumerate() {
            let scores = batch.numeric[j + 1];
            if let Some(&value) = scores.iter().find(|x| !(0.0..=1.0).contains(*x)) {
                return Err(self.wrong(j + 1, "scores are from 0 to 1", value));
            }
            let rows = scores.iter().zip(events).map(|(&score, &event)| (score, usize::from(event == 1.0)));
            match (counts, self.steps) {
                (Counts::Steps(counts), Some(steps)) => {
                    rows.for_each(|(score, event)| counts[last_threshold(score, steps)][event] += 1);
                }
                (Counts::Scores(counts), _) => {
                    rows.for_each(|(score, event)| counts.entry(key(score)).or_default()[event] += 1);
                    self.check_room(counts)?;
                }
                (Counts::Steps(_), None) => return Err(Error::internal("a state of other thresholds")),
            }
        }
        Ok(())
    }

    fn swap_exact(&self, state: &mut State, other: &mut State) {
        std::mem::swap(state, other);
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.dropped += other.dropped;
        let add = |to: &mut Rows, from: Rows| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        for (to, from) in state.counts.iter_mut().zip(other.counts) {
            match (to, from) {
                (Counts::Steps(to), Counts::Steps(from)) => {
                    to.iter_mut().zip(from).for_each(|(to, from)| add(to, from))
                }
                (Counts::Scores(to), Counts::Scores(from)) => {
                    from.sorted().into_iter().for_each(|(score, rows)| add(to.entry(score).or_default(), rows));
                    self.check_room(to)?;
                }
                _ => return Err(Error::internal("a state of other thresholds")),
            }
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        // Scores are as many as there is room for; see check_room().
        let entries = self.steps.map_or(1 << 10, |steps| steps as usize + 1);
        self.scores().saturating_mul(entries).saturating_mul(size_of::<Rows>())
    }
}

impl Finish for Roc {
    type Model = Curves;

    fn finish(self, state: State, _: GoOn) -> Result<Step<Self, Curves>> {
        let step = |at: usize| at as f64 / f64::from(self.steps.unwrap_or(1));
        let curve = |counts: Counts| {
            let rows: Vec<(f64, Rows)> = match counts {
                Counts::Steps(counts) => counts.into_iter().enumerate().map(|(at, rows)| (step(at), rows)).collect(),
                Counts::Scores(counts) => counts.sorted().into_iter().map(|(key, rows)| (number(key), rows)).collect(),
            };
            let of = |which: usize| rows.iter().map(|(_, rows)| rows[which] as f64).collect::<Vec<f64>>();
            Curve { thresholds: rows.iter().map(|row| row.0).collect(), others: of(0), events: of(1) }
        };
        let curves: Vec<Curve> = state.counts.into_iter().map(curve).collect();
        let total = |values: &[f64]| values.iter().sum::<f64>();
        if let Some(curve) = curves.first() {
            let (others, events) = (total(&curve.others), total(&curve.events));
            if others + events == 0.0 {
                return Err(Error::new(ErrorKind::NoRows, "No rows are left for the curve.")
                    .hint("Rows with a missing value in any of the variables are left out."));
            }
            if others * events == 0.0 {
                let what = format!("Variable '{}' is {} in all rows.", self.names[0], u8::from(others == 0.0));
                return Err(Error::new(ErrorKind::OneLevel, what).column(&self.names[0]));
            }
        }
        Ok(Step::Done(Curves { missing: state.dropped, curves }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::design;
    use crate::laws;

    fn estimator(scores: usize, steps: Option<u32>) -> Roc {
        Roc::new(&laws::design(1 + scores, &[], false, design::Rows::Complete), steps, 1 << 30).unwrap()
    }

    fn counted(roc: &Roc, columns: &[&[f64]]) -> Result<Curves> {
        let mut state = roc.init();
        let batch = ModelBatch { rows: columns[0].len(), dropped: 2, numeric: columns, codes: &[], weight: None };
        roc.update(&mut state, &batch)?;
        match roc.clone().finish(state, &|| Ok(()))? {
            Step::Done(curves) => Ok(curves),
            Step::Again(_) => Err(Error::internal("one pass suffices")),
        }
    }

    const EVENTS: [f64; 6] = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    const SCORES: [f64; 6] = [0.0, 1.0, 0.29, 0.29, 0.995, 0.2];

    #[test]
    fn states_merge() {
        for steps in [Some(10), None] {
            let roc = estimator(1, steps);
            let whole = counted(&roc, &[&EVENTS, &SCORES]).unwrap();
            let mut state = roc.init();
            for rows in [0..2, 2..2, 2..6] {
                let (mut part, columns) = (roc.init(), [&EVENTS[rows.clone()], &SCORES[rows.clone()]]);
                let batch = ModelBatch { rows: rows.len(), dropped: 1, numeric: &columns, codes: &[], weight: None };
                roc.update(&mut part, &batch).unwrap();
                roc.merge(&mut state, part).unwrap();
            }
            let Step::Done(merged) = roc.finish(state, &|| Ok(())).unwrap() else { unreachable!() };
            assert_eq!((merged.curves, merged.missing), (whole.curves, 3));
        }
    }

    #[test]
    fn a_score_reaches_the_threshold_that_it_equals() {
        for steps in [1, 7, 100, 1000, 12_345] {
            for at in 0..=steps {
                let score = f64::from(at) / f64::from(steps);
                assert_eq!(last_threshold(score, steps), at as usize);
                if at > 0 {
                    assert_eq!(last_threshold(score.next_down(), steps), at as usize - 1);
                }
            }
        }
    }

    #[test]
    fn rows_are_counted_by_threshold_or_by_score() {
        let found = counted(&estimator(1, Some(100)), &[&EVENTS, &SCORES]).unwrap();
        let curve = &found.curves[0];
        assert_eq!((curve.thresholds.len(), curve.thresholds[29]), (101, 0.29));
        assert_eq!((curve.others[29], curve.events[29], curve.events[99], curve.events[100]), (1.0, 1.0, 1.0, 1.0));
        let exact = counted(&estimator(2, None), &[&EVENTS, &SCORES, &EVENTS]).unwrap();
        assert_eq!(exact.curves[0].thresholds, [0.0, 0.2, 0.29, 0.995, 1.0]);
        assert_eq!(exact.curves[1].events, [0.0, 3.0]);
        assert_eq!(exact.missing, 2);
    }

    #[test]
    fn what_is_no_event_or_score_is_named() {
        let kind = |events: &[f64], scores: &[f64]| {
            let error = counted(&estimator(1, Some(10)), &[events, scores]).unwrap_err();
            (error.kind, error.column)
        };
        assert_eq!(kind(&[0.0, 2.0], &[0.0, 1.0]), (ErrorKind::Value, Some("x0".into())));
        assert_eq!(kind(&[0.0, 1.0], &[0.0, 1.1]), (ErrorKind::Value, Some("x1".into())));
        assert_eq!(kind(&[1.0, 1.0], &[0.0, 0.1]), (ErrorKind::OneLevel, Some("x0".into())));
        assert_eq!(kind(&[], &[]), (ErrorKind::NoRows, None));
        let roc = Roc { limit: 100, ..estimator(1, None) };
        assert_eq!(counted(&roc, &[&EVENTS, &SCORES]).unwrap_err().kind, ErrorKind::Memory);
    }
}

//! How unequally a sum is shared (`rxLorenz`).
//!
//! Rows are grouped by the number that orders them: a group a number, as long as there are few enough, else numbers whose
//! keys have the same leading bits. How many bits follows from the numbers alone, so the groups are the same in any order
//! of the rows. Along the groups the weights and the weighted values are cumulated (Lorenz 1905, Methods of measuring the
//! concentration of wealth).

use crate::design::Design;
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::keys::{KeyTable, key};
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// Groups of a state, unless more breaks are asked for.
const GROUPS: usize = 1 << 16;

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lorenz {
    /// Name of the variable whose values are cumulated.
    value: String,
    /// Points of the curve at most, its origin apart.
    breaks: u32,
    /// Groups of a state at most.
    groups: usize,
}

/// What a pass has found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    dropped: u64,
    /// Low bits of keys that do not tell groups apart.
    shift: u32,
    groups: KeyTable<Group>,
}

/// Sums of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Group {
    weight: f64,
    value: f64,
}

impl Group {
    fn add(&mut self, other: &Group) {
        self.weight += other.weight;
        self.value += other.value;
    }
}

/// The result: points from (0, 0) to (100, 100).
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Rows left out for missing values.
    pub missing: u64,
    /// Percent of the weight of all rows.
    pub weights: Vec<f64>,
    /// Percent of the sum of values that these rows have.
    pub values: Vec<f64>,
}

impl State {
    /// Adds to the group of a key that is shifted already.
    fn add(&mut self, at: u64, group: &Group, most: usize) {
        self.groups.entry(at).or_default().add(group);
        if self.groups.len() > most {
            self.coarsen(most);
        }
    }

    /// Leaves away as few further bits as make the groups few enough.
    fn coarsen(&mut self, most: usize) {
        let groups = std::mem::take(&mut self.groups).sorted();
        let many = |more: u32| 1 + groups.windows(2).filter(|pair| pair[0].0 >> more != pair[1].0 >> more).count();
        let more = (0..64 - self.shift).find(|&more| many(more) <= most).unwrap_or(0);
        self.shift += more;
        for (key, group) in groups {
            self.groups.entry(key >> more).or_default().add(&group);
        }
    }
}

impl Lorenz {
    /// The first numeric variable of the design orders, the last one is cumulated; `limit` is the memory for all states in
    /// bytes.
    pub fn new(design: &Design, breaks: u32, limit: u64) -> Result<Self> {
        let value = design.numeric.last().ok_or_else(|| Error::internal("a design without a number"))?.name.clone();
        let lorenz = Lorenz { value, breaks, groups: GROUPS.max(breaks as usize) };
        lorenz.check_memory(limit, "The sums", "Ask for fewer `numBreaks`, or raise")?;
        Ok(lorenz)
    }
}

impl Estimator for Lorenz {
    type State = State;

    fn pilot(&mut self, _: &ModelBatch) -> Result<()> {
        Ok(())
    }

    fn init(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.dropped += batch.dropped;
        let (orders, values) = (batch.numeric[0], batch.numeric[batch.numeric.len() - 1]);
        for (row, (&order, &value)) in orders.iter().zip(values).enumerate() {
            let weight = batch.weight.map_or(1.0, |weights| weights[row]);
            state.add(key(order) >> state.shift, &Group { weight, value: weight * value }, self.groups);
        }
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        let dropped = state.dropped + other.dropped;
        let (mut coarse, fine) = match state.shift >= other.shift {
            true => (std::mem::take(state), other),
            false => (other, std::mem::take(state)),
        };
        coarse.dropped = dropped;
        for (key, group) in fine.groups.sorted() {
            // In every step, since groups may become coarser meanwhile.
            coarse.add(key >> (coarse.shift - fine.shift), &group, self.groups);
        }
        *state = coarse;
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        KeyTable::<Group>::bytes(self.groups)
    }
}

impl Finish for Lorenz {
    type Model = Curve;

    fn finish(self, state: State, _: GoOn) -> Result<Step<Self, Curve>> {
        let groups = state.groups.sorted();
        let mut total = Group::default();
        groups.iter().for_each(|(_, group)| total.add(group));
        if total.weight == 0.0 {
            return Err(Error::new(ErrorKind::NoRows, "No rows are left for the curve.")
                .hint("Rows with a missing value or without weight are left out."));
        }
        if !(total.value > 0.0 && total.value.is_finite()) {
            let what = format!("Values of '{}' add up to {}, of which there are no shares.", self.value, total.value);
            return Err(Error::new(ErrorKind::Value, what).column(&self.value));
        }
        let mut curve = Curve { missing: state.dropped, weights: vec![0.0], values: vec![0.0] };
        let (breaks, every) = (f64::from(self.breaks), groups.len() <= self.breaks as usize);
        let (mut sum, mut reached) = (Group::default(), 0.0);
        for (at, (_, group)) in groups.iter().enumerate().filter(|(_, (_, group))| group.weight > 0.0) {
            sum.add(group);
            // Of many groups the first one that reaches each share of the weight.
            let share = (sum.weight * breaks / total.weight).floor();
            if every || share > reached || at + 1 == groups.len() {
                curve.weights.push(100.0 * sum.weight / total.weight);
                curve.values.push(100.0 * sum.value / total.value);
                reached = share;
            }
        }
        Ok(Step::Done(curve))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::design::Rows;
    use crate::laws;

    fn estimator(weighted: bool, breaks: u32, groups: usize) -> (Design, Lorenz) {
        let design = laws::design(2, &[], weighted, Rows::Complete);
        let lorenz = Lorenz::new(&design, breaks, u64::MAX).unwrap();
        (design, Lorenz { groups, ..lorenz })
    }

    fn state(lorenz: &Lorenz, order: &[f64], value: &[f64], weight: Option<&[f64]>) -> State {
        let mut state = lorenz.init();
        let columns = [order, value];
        let batch = ModelBatch { rows: order.len(), dropped: 1, numeric: &columns, codes: &[], weight };
        lorenz.update(&mut state, &batch).unwrap();
        state
    }

    fn curve(lorenz: &Lorenz, state: State) -> Result<Curve> {
        match lorenz.clone().finish(state, &|| Ok(()))? {
            Step::Done(curve) => Ok(curve),
            Step::Again(_) => Err(Error::internal("one pass suffices")),
        }
    }

    #[test]
    fn the_laws_hold() {
        for (weighted, groups) in [(false, 1000), (true, 1000), (false, 10), (true, 10)] {
            let (design, lorenz) = estimator(weighted, 5, groups);
            laws::check(&design, &lorenz, &laws::batches(2, &[], weighted)).unwrap();
        }
    }

    #[test]
    fn points_are_shares_of_rows_and_values() {
        let (_, lorenz) = estimator(true, 100, 1000);
        let (order, value, weight) = ([3.0, 1.0, 2.0, 1.0], [10.0, 4.0, 2.0, 0.0], [1.0, 1.0, 2.0, 4.0]);
        let found = curve(&lorenz, state(&lorenz, &order, &value, Some(&weight))).unwrap();
        assert_eq!((found.weights, found.missing), (vec![0.0, 62.5, 87.5, 100.0], 1));
        let expected = [0.0, 400.0 / 18.0, 800.0 / 18.0, 100.0];
        assert!(found.values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn many_numbers_have_points_at_the_breaks() {
        let order: Vec<f64> = (0..1000).map(f64::from).collect();
        let (_, lorenz) = estimator(false, 10, 1000);
        let found = curve(&lorenz, state(&lorenz, &order, &vec![1.0; 1000], None)).unwrap();
        assert_eq!(found.weights, (0..=10).map(|i| f64::from(10 * i)).collect::<Vec<f64>>());
        assert_eq!(found.values, found.weights);
    }

    #[test]
    fn groups_are_the_same_in_any_order() {
        let (_, lorenz) = estimator(false, 100, 32);
        let order: Vec<f64> = (0..3000).map(|i| f64::from((i * 7919) % 3000) - 100.0).collect();
        let mut reverse = order.clone();
        reverse.reverse();
        let one = state(&lorenz, &order, &order, None);
        let mut parts = lorenz.init();
        for rows in reverse.chunks(37) {
            lorenz.merge(&mut parts, state(&lorenz, rows, rows, None)).unwrap();
        }
        assert_eq!((one.shift, one.groups.len()), (parts.shift, parts.groups.len()));
        assert!(one.shift > 0 && one.groups.len() <= 32);
        // Whole numbers: sums are exact.
        assert_eq!(one.groups, parts.groups);
        assert_eq!((one.dropped, parts.dropped), (1, 3000_u64.div_ceil(37)));
    }

    #[test]
    fn what_has_no_shares_is_an_error() {
        let (_, lorenz) = estimator(false, 10, 100);
        let kind = |x: &[f64]| curve(&lorenz, state(&lorenz, x, x, None)).unwrap_err().kind;
        assert_eq!(kind(&[]), ErrorKind::NoRows);
        assert_eq!(kind(&[0.0, 0.0]), ErrorKind::Value);
        assert_eq!(kind(&[1.0, -2.0]), ErrorKind::Value);
        assert_eq!(kind(&[1.0, f64::INFINITY]), ErrorKind::Value);
        let design = laws::design(2, &[], false, Rows::Complete);
        assert_eq!(Lorenz::new(&design, 10, 1000).unwrap_err().kind, ErrorKind::Memory);
    }
}

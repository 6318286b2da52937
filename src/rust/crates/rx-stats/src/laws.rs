//! What every estimator must do, as one generic test.
//!
//! 1. One state fed with all batches equals many states merged.
//! 2. Merging is associative, to rounding.
//! 3. The empty state is the identity of merging.
//! 4. A state that was written and read again is the same.
//! 5. A batch without a row, and one where all values are missing, work.
//! 6. `finish` gives the same for a clone.
//! 7. A state carried to other levels is the state of batches whose codes are renamed.
//! 8. What is exact may be summed apart from the rest, by other batches.

use crate::design::{Category, Coding, Design, Numeric, Precision, Rows, Weight, WeightKind};
use crate::estimator::{Estimator, Finish, ModelBatch, NO_LEVEL};
use crate::levels::Moves;
use ciborium::Value;
use rx_data::Labels;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::sync::Arc;

/// A batch that owns its values.
#[derive(Debug, Clone)]
pub struct Batch {
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    weight: Option<Vec<f64>>,
}

impl Batch {
    /// Shows the batch to an estimator.
    pub fn with<R>(&self, f: impl FnOnce(&ModelBatch) -> R) -> R {
        let numeric: Vec<&[f64]> = self.numeric.iter().map(Vec::as_slice).collect();
        let codes: Vec<&[u32]> = self.codes.iter().map(Vec::as_slice).collect();
        let rows = self.numeric.first().map(Vec::len).or(self.codes.first().map(Vec::len)).unwrap_or(0);
        f(&ModelBatch { rows, dropped: 1, numeric: &numeric, codes: &codes, weight: self.weight.as_deref() })
    }
}

impl Batch {
    /// Rows of given numbers and codes.
    pub fn of(numeric: Vec<Vec<f64>>, codes: Vec<Vec<u32>>) -> Batch {
        Batch { numeric, codes, weight: None }
    }

    /// The same rows with whole numbers.
    #[cfg(test)]
    pub fn rounded(&self) -> Batch {
        let round = |values: &Vec<f64>| values.iter().map(|x| x.round()).collect();
        Batch { numeric: self.numeric.iter().map(round).collect(), ..self.clone() }
    }

    fn renamed(&self, moves: &Moves) -> Batch {
        let rename = |(codes, moves): (&Vec<u32>, &Option<Vec<u32>>)| {
            codes.iter().map(|&c| moves.as_ref().map_or(c, |m| m[c as usize])).collect()
        };
        Batch { codes: self.codes.iter().zip(moves).map(rename).collect(), ..self.clone() }
    }
}

/// Batches of made-up rows: so many numeric variables, categories with so many levels, all levels present in the first
/// batch, the last level of each absent from the second.
pub fn batches(numeric: usize, levels: &[u32], weighted: bool) -> Vec<Batch> {
    let mut seed = 88_172_645_463_325_252u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed >> 33
    };
    (0..6)
        .map(|b| {
            let rows = 40 + 7 * b;
            Batch {
                numeric: (0..numeric)
                    .map(|j| (0..rows).map(|_| (next() % 1000) as f64 / 8.0 + j as f64).collect())
                    .collect(),
                codes: levels
                    .iter()
                    .map(|&k| (0..rows).map(|_| next() as u32 % (k - u32::from(b == 1))).collect())
                    .collect(),
                weight: weighted.then(|| (0..rows).map(|_| (next() % 5 + 1) as f64 / 2.0).collect()),
            }
        })
        .collect()
}

/// The design of such batches: numeric variables x0, x1, ..., categories f0, f1, ... and a weight.
pub fn design(numeric: usize, levels: &[u32], weighted: bool, rows: Rows) -> Design {
    let variable = |j: usize| Numeric { column: j, name: format!("x{j}"), precision: Precision::Double };
    let category = |(j, &k): (usize, &u32)| Category {
        column: numeric + j,
        name: format!("f{j}"),
        levels: labels(k),
        coding: Coding::Label(None),
    };
    let weight = Weight { variable: variable(numeric + levels.len()), kind: WeightKind::Probability };
    Design {
        columns: vec![],
        numeric: (0..numeric).map(variable).collect(),
        categories: levels.iter().enumerate().map(category).collect(),
        weight: weighted.then_some(weight),
        rows,
    }
}

fn labels(count: u32) -> Labels {
    Arc::new((0..count).map(|l| l.to_string()).collect())
}

/// Checks all laws; the error names the one that fails. An estimator whose design keeps incomplete rows away sees an
/// all-missing block as a batch without rows.
pub fn check<E>(design: &Design, estimator: &E, batches: &[Batch]) -> Result<(), String>
where
    E: Finish,
    E::Model: Debug,
{
    let mut estimator = estimator.clone();
    let fail = |law: &'static str| move |e: rx_data::Error| format!("{law}: {e}");
    batches[0].with(|b| estimator.pilot(b)).map_err(fail("pilot"))?;
    let estimator = copy(&estimator);
    let of = |batches: &[Batch]| -> Result<E::State, String> {
        let mut state = estimator.init();
        for batch in batches {
            batch.with(|b| estimator.update(&mut state, b)).map_err(fail("update"))?;
        }
        Ok(state)
    };
    let merged = |a: &E::State, b: &E::State| -> Result<E::State, String> {
        let mut a = a.clone();
        estimator.merge(&mut a, b.clone()).map_err(fail("merge"))?;
        Ok(a)
    };
    let [a, b, c] = [of(&batches[..1])?, of(&batches[1..3])?, of(&batches[3..])?];
    let all = of(batches)?;

    // A merged state may be stored in another form than a fresh one, so states are compared after a merge.
    let same = |law: &str, x: &E::State, y: &E::State| {
        let empty = estimator.init();
        compare(law, &merged(&empty, x)?, &merged(&empty, y)?)
    };
    same("one block equals many", &all, &merged(&merged(&a, &b)?, &c)?)?;
    same("merge is associative", &merged(&merged(&a, &b)?, &c)?, &merged(&a, &merged(&b, &c)?)?)?;
    same("the empty state is the identity", &a, &merged(&a, &estimator.init())?)?;
    same("the empty state is the identity", &a, &merged(&estimator.init(), &a)?)?;
    same("a written state is the same", &merged(&a, &b)?, &merged(&copy(&a), &copy(&b))?)?;

    let (mut lanes, mut own) = ([(); 2].map(|()| estimator.init()), estimator.init());
    for (i, batch) in batches.iter().enumerate() {
        let lane = &mut lanes[i % 2];
        estimator.swap_exact(lane, &mut own);
        batch.with(|b| estimator.update(lane, b)).map_err(fail("update"))?;
        estimator.swap_exact(lane, &mut own);
    }
    let [even, odd] = lanes;
    same("what is exact is summed apart", &all, &merged(&merged(&even, &odd)?, &own)?)?;

    let hollow = |rows: usize| Batch {
        numeric: batches[0].numeric.iter().map(|_| vec![f64::NAN; rows]).collect(),
        codes: batches[0].codes.iter().map(|_| vec![NO_LEVEL; rows]).collect(),
        weight: batches[0].weight.as_ref().map(|_| vec![1.0; rows]),
    };
    of(&[hollow(0)])?;
    of(&[hollow(if design.rows == Rows::All { 5 } else { 0 }), hollow(0)])?;

    let finished = |state: &E::State| match estimator.clone().finish(state.clone(), &|| Ok(())) {
        Ok(step) => describe(step),
        Err(error) => Err(format!("finish: {error}")),
    };
    let once = finished(&all)?;
    if once != finished(&all.clone())? {
        return Err("finish is repeatable: a clone gives another model".into());
    }

    // The levels in reverse, with a new one in front and two behind.
    let law = "a carried state has its new levels";
    let (mut roomier, mut moves) = (design.clone(), Moves::new());
    for category in &mut roomier.categories {
        let count = category.levels.len() as u32;
        category.levels = labels(count + 3);
        moves.push(Some((0..count).map(|level| count - level).collect()));
    }
    let renamed: Vec<Batch> = batches.iter().map(|b| b.renamed(&moves)).collect();
    let to = estimator.relevel(&roomier).map_err(fail(law))?;
    let mut direct = to.init();
    for batch in &renamed {
        batch.with(|b| to.update(&mut direct, b)).map_err(fail(law))?;
    }
    for state in [&all, &merged(&a, &merged(&b, &c)?)?] {
        let carried = estimator.carry(state.clone(), &to, &moves).map_err(fail(law))?;
        let whole = |state: &E::State| {
            let mut total = to.init();
            to.merge(&mut total, state.clone()).map_err(fail(law)).map(|()| total)
        };
        compare(law, &whole(&carried)?, &whole(&direct)?)?;
    }
    Ok(())
}

fn describe<E: Estimator, M: Debug>(step: crate::Step<E, M>) -> Result<String, String> {
    match step {
        crate::Step::Done(model) => Ok(format!("{model:?}")),
        crate::Step::Again(next) => Ok(format!("{:?}", value(&next)?)),
    }
}

fn value<T: Serialize>(x: &T) -> Result<Value, String> {
    Value::serialized(x).map_err(|e| e.to_string())
}

#[allow(clippy::unwrap_used)]
fn copy<T: Serialize + DeserializeOwned>(x: &T) -> T {
    let mut bytes = Vec::new();
    ciborium::into_writer(x, &mut bytes).unwrap();
    ciborium::from_reader(&bytes[..]).unwrap()
}

fn compare<T: Serialize>(law: &str, a: &T, b: &T) -> Result<(), String> {
    let (a, b) = (value(a)?, value(b)?);
    if near(&a, &b) { Ok(()) } else { Err(format!("{law}: {a:?} is not {b:?}")) }
}

/// Equal but for rounding in floating point.
fn near(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(x), Value::Float(y)) => {
            x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-3)
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| near(x, y)),
        (Value::Map(x), Value::Map(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| near(&x.0, &y.0) && near(&x.1, &y.1))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    //! Each law is failed by an estimator that is broken in one way.
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Step;
    use crate::estimator::GoOn;
    use rx_data::Result;
    use serde::Deserialize;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    enum Fault {
        None,
        ForgetsOther,
        TakesOnlyFreshStates,
        CountsEmptyStates,
        LeavesOutAField,
        NoMissing,
        Fickle,
        ForgetsLevels,
        CopiesExact,
    }

    /// A mean of the first variable and the rows of each level, with a fault.
    #[derive(Clone, Serialize, Deserialize)]
    struct Mean(Fault, usize);

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct State {
        n: f64,
        sum: f64,
        rows: Vec<u32>,
        #[serde(skip)]
        merges: u32,
        #[serde(skip)]
        unwritten: bool,
    }

    static CALLS: AtomicU64 = AtomicU64::new(0);

    impl Estimator for Mean {
        type State = State;

        fn pilot(&mut self, _: &ModelBatch) -> Result<()> {
            Ok(())
        }

        fn init(&self) -> State {
            State { rows: vec![0; self.1], ..State::default() }
        }

        fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
            state.unwritten = true;
            for x in batch.numeric[0] {
                if x.is_nan() && self.0 == Fault::NoMissing {
                    return Err(rx_data::Error::internal("a missing value"));
                }
                state.n += f64::from(!x.is_nan());
                state.sum += if x.is_nan() { 0.0 } else { *x };
            }
            batch.codes[0].iter().filter(|&&code| code != NO_LEVEL).for_each(|&code| state.rows[code as usize] += 1);
            Ok(())
        }

        fn swap_exact(&self, state: &mut State, other: &mut State) {
            if self.0 == Fault::CopiesExact {
                state.rows.clone_from(&other.rows);
            } else {
                std::mem::swap(&mut state.rows, &mut other.rows);
            }
        }

        fn merge(&self, state: &mut State, other: State) -> Result<()> {
            let lost = match self.0 {
                Fault::ForgetsOther => state.n > 0.0,
                Fault::TakesOnlyFreshStates => state.n > 0.0 && other.merges > 0,
                Fault::LeavesOutAField => !other.unwritten,
                _ => false,
            };
            if self.0 == Fault::CountsEmptyStates && other.n == 0.0 {
                state.n += 1.0;
            }
            if !lost {
                state.n += other.n;
                state.sum += other.sum;
                state.rows.iter_mut().zip(&other.rows).for_each(|(to, from)| *to += from);
            }
            state.merges += 1;
            state.unwritten |= other.unwritten;
            Ok(())
        }

        fn state_bytes(&self) -> usize {
            size_of::<State>()
        }

        fn relevel(&self, design: &Design) -> Result<Self> {
            Ok(Mean(self.0, design.categories[0].size()))
        }

        fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
            let mut rows = vec![0; to.1];
            for (level, &n) in state.rows.iter().enumerate() {
                let kept = moves.first().and_then(Option::as_ref).filter(|_| self.0 != Fault::ForgetsLevels);
                rows[kept.map_or(level, |m| m[level] as usize)] = n;
            }
            Ok(State { rows, ..state })
        }
    }

    impl Finish for Mean {
        type Model = f64;

        fn finish(self, state: State, _: GoOn) -> Result<Step<Self, f64>> {
            let call = if self.0 == Fault::Fickle { CALLS.fetch_add(1, Ordering::Relaxed) as f64 } else { 0.0 };
            Ok(Step::Done(state.sum / state.n + call))
        }
    }

    #[test]
    fn each_fault_fails_its_law() {
        let (design, batches) = (design(1, &[2], false, Rows::All), batches(1, &[2], false));
        let verdict = |fault| check(&design, &Mean(fault, 2), &batches);
        assert_eq!(verdict(Fault::None), Ok(()));
        for (fault, law) in [
            (Fault::ForgetsOther, "one block equals many"),
            (Fault::TakesOnlyFreshStates, "merge is associative"),
            (Fault::CountsEmptyStates, "the empty state is the identity"),
            (Fault::LeavesOutAField, "a written state is the same"),
            (Fault::NoMissing, "update"),
            (Fault::Fickle, "finish is repeatable"),
            (Fault::ForgetsLevels, "a carried state has its new levels"),
            (Fault::CopiesExact, "what is exact is summed apart"),
        ] {
            let error = verdict(fault).unwrap_err();
            assert!(error.starts_with(law), "{fault:?} failed '{error}'");
        }
    }
}

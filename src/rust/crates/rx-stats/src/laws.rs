//! What every estimator must do, as one generic test.
//!
//! 1. One state fed with all batches equals many states merged.
//! 2. Merging is associative, to rounding.
//! 3. The empty state is the identity of merging.
//! 4. A state that was written and read again is the same.
//! 5. A batch without a row, and one where all values are missing, work.
//! 6. `finish` gives the same for a clone.

use crate::design::Rows;
use crate::estimator::{Estimator, Finish, ModelBatch, NO_LEVEL};
use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

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

/// Checks all laws; the error names the one that fails. An estimator whose design keeps incomplete rows away sees an
/// all-missing block as a batch without rows.
pub fn check<E>(estimator: &E, batches: &[Batch], rows: Rows) -> Result<(), String>
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

    let hollow = |rows: usize| Batch {
        numeric: batches[0].numeric.iter().map(|_| vec![f64::NAN; rows]).collect(),
        codes: batches[0].codes.iter().map(|_| vec![NO_LEVEL; rows]).collect(),
        weight: batches[0].weight.as_ref().map(|_| vec![1.0; rows]),
    };
    of(&[hollow(0)])?;
    of(&[hollow(if rows == Rows::All { 5 } else { 0 }), hollow(0)])?;

    let finished = |state: &E::State| match estimator.clone().finish(state.clone(), &|| Ok(())) {
        Ok(step) => describe(step),
        Err(error) => Err(format!("finish: {error}")),
    };
    let once = finished(&all)?;
    if once != finished(&all.clone())? {
        return Err("finish is repeatable: a clone gives another model".into());
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
    }

    /// A mean of the first variable, with a fault.
    #[derive(Clone, Serialize, Deserialize)]
    struct Mean(Fault);

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct State {
        n: f64,
        sum: f64,
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
            State::default()
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
            Ok(())
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
            }
            state.merges += 1;
            state.unwritten |= other.unwritten;
            Ok(())
        }

        fn state_bytes(&self) -> usize {
            size_of::<State>()
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
        let batches = batches(1, &[2], false);
        let verdict = |fault| check(&Mean(fault), &batches, Rows::All);
        assert_eq!(verdict(Fault::None), Ok(()));
        for (fault, law) in [
            (Fault::ForgetsOther, "one block equals many"),
            (Fault::TakesOnlyFreshStates, "merge is associative"),
            (Fault::CountsEmptyStates, "the empty state is the identity"),
            (Fault::LeavesOutAField, "a written state is the same"),
            (Fault::NoMissing, "update"),
            (Fault::Fickle, "finish is repeatable"),
        ] {
            let error = verdict(fault).unwrap_err();
            assert!(error.starts_with(law), "{fault:?} failed '{error}'");
        }
    }
}

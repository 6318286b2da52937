//! `rxRoc`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::roc::Roc;

/// Rows by threshold, of the scores that follow the event among the variables: list(missing, curves), each of these
/// list(thresholds, others, events). `steps` is NULL for a threshold at every score.
#[extendr]
fn rx_engine_roc(source: Robj, variables: Robj, steps: Robj, job: Robj) -> Robj {
    respond(|| roc(&source, &variables, &steps, &job))
}

fn roc(source: &Robj, variables: &Robj, steps: &Robj, job: &Robj) -> Result<Robj> {
    let steps: Option<u32> = spec::parse(steps, "steps")?;
    let (found, _) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = Roc::new(&prepared.design, steps, memory)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    let curves = found
        .curves
        .into_iter()
        .map(|curve| list!(thresholds = curve.thresholds, others = curve.others, events = curve.events));
    Ok(list!(missing = found.missing as f64, curves = List::from_values(curves.collect::<Vec<_>>())).into())
}

extendr_module! {
    mod roc;
    fn rx_engine_roc;
}

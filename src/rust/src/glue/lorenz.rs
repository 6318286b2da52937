//! `rxLorenz`.

use super::analysis;
use crate::error::respond;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::lorenz::Lorenz;

/// A Lorenz curve: list(missing, weights, values). The first variable orders the rows, the last one is cumulated.
#[extendr]
fn rx_engine_lorenz(source: Robj, variables: Robj, breaks: i32, job: Robj) -> Robj {
    respond(|| lorenz(&source, &variables, breaks, &job))
}

fn lorenz(source: &Robj, variables: &Robj, breaks: i32, job: &Robj) -> Result<Robj> {
    let (found, _) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = Lorenz::new(&prepared.design, breaks.unsigned_abs(), memory)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    Ok(list!(missing = found.missing as f64, weights = found.weights, values = found.values).into())
}

extendr_module! {
    mod lorenz;
    fn rx_engine_lorenz;
}

//! `rxCovCor`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::covariance::{Covariance, Options};

/// Products of model columns about their means or about zero, the means, and what covariances are divided by.
#[extendr]
fn rx_engine_covariance(source: Robj, variables: Robj, options: Robj, job: Robj) -> Robj {
    respond(|| covariance(&source, &variables, &options, &job))
}

fn covariance(source: &Robj, variables: &Robj, options: &Robj, job: &Robj) -> Result<Robj> {
    let options: Options = spec::parse(options, "options")?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = Covariance::new(&prepared.design, options, memory)?;
        let estimator = estimator.expecting(prepared.source.rows(), &prepared.design)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    let size = model.products.nrows();
    Ok(list!(
        levels = analysis::levels(&levels)?,
        rows = model.n as f64,
        missing = model.missing as f64,
        weight = model.sum_weights,
        divisor = model.divisor,
        means = model.means,
        squares = model.squares,
        scales = model.scales,
        products = RMatrix::new_matrix(size, size, |i, j| model.products[[i, j]]),
        dropped = model.dropped
    )
    .into())
}

extendr_module! {
    mod covariance;
    fn rx_engine_covariance;
}

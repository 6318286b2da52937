//! `rxQuantile`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::quantile::{Options, Quantile};

/// Quantiles of a variable: list(rows, values).
#[extendr]
fn rx_engine_quantile(source: Robj, variables: Robj, options: Robj, job: Robj) -> Robj {
    respond(|| quantile(&source, &variables, &options, &job))
}

fn quantile(source: &Robj, variables: &Robj, options: &Robj, job: &Robj) -> Result<Robj> {
    let options: Options = spec::parse(options, "options")?;
    let (model, _) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = Quantile::new(&prepared.design, options, memory)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    Ok(list!(rows = model.rows as f64, values = model.values).into())
}

extendr_module! {
    mod quantile;
    fn rx_engine_quantile;
}

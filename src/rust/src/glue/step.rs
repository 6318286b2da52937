//! `variableSelection` of `rxLinMod`.

use super::{analysis, linmod};
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::linmod::{Formula, LinMod};
use rx_stats::step::{Change, Search, Stage, Stepwise};

/// A linear model of some of a formula's terms: list(model, path), the model as rx_engine_linmod has it.
#[extendr]
fn rx_engine_stepwise(source: Robj, variables: Robj, formula: Robj, search: Robj, job: Robj) -> Robj {
    respond(|| stepwise(&source, &variables, &formula, &search, &job))
}

fn stepwise(source: &Robj, variables: &Robj, formula: &Robj, search: &Robj, job: &Robj) -> Result<Robj> {
    let formula: Formula = spec::parse(formula, "formula")?;
    let search: Search = spec::parse(search, "search")?;
    let (selected, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let full = LinMod::new(&prepared.design, formula, memory)?;
        let full = full.expecting(prepared.source.rows(), &prepared.design)?;
        let estimator = Stepwise::new(full, search);
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    let model = linmod::described(selected.model, &levels)?;
    Ok(list!(model = model, path = path(selected.path)).into())
}

/// The models of a search, for R.
pub fn path(path: Vec<Stage>) -> List {
    List::from_values(path.into_iter().map(|stage| {
        let change = match stage.change {
            None => 0,
            Some(Change::Add(term)) => term as i32 + 1,
            Some(Change::Drop(term)) => -(term as i32 + 1),
        };
        list!(
            change = change,
            terms = stage.terms.iter().map(|&t| t as i32 + 1).collect::<Vec<_>>(),
            deviance = stage.deviance,
            dispersion = stage.dispersion,
            aic = stage.aic,
            rank = stage.rank as f64,
            coefficients = stage.coefficients
        )
    }))
}

extendr_module! {
    mod step;
    fn rx_engine_stepwise;
}

//! `rxSummary`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::summary::{Statistics, Summary, SummaryModel, Term};

/// Statistics of terms: list(levels, used, dropped, terms).
#[extendr]
fn rx_engine_summary(source: Robj, variables: Robj, terms: Robj, sparse: bool, job: Robj) -> Robj {
    respond(|| summary(&source, &variables, &terms, sparse, &job))
}

fn summary(source: &Robj, variables: &Robj, terms: &Robj, sparse: bool, job: &Robj) -> Result<Robj> {
    let terms: Vec<Term> = spec::parse(terms, "terms")?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = Summary::new(&prepared.design, &terms, sparse, memory)?.expecting(prepared.source.rows());
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    let SummaryModel { used, dropped, terms } = model;
    let terms = terms.iter().map(|term| {
        let cells: Vec<f64> = term.cells.iter().map(|(cell, _)| *cell as f64).collect();
        list!(
            overall = statistics(std::slice::from_ref(&term.overall)),
            missing = term.missing.n as f64,
            missing_weight = term.missing.w,
            cell = cells,
            cells = statistics(&term.cells.iter().map(|(_, s)| s.clone()).collect::<Vec<_>>())
        )
    });
    Ok(list!(
        levels = analysis::levels(&levels)?,
        rows = used.n as f64,
        weight = used.w,
        dropped = dropped as f64,
        terms = List::from_values(terms.collect::<Vec<_>>())
    )
    .into())
}

/// A list of columns, one row a cell.
fn statistics(cells: &[Statistics]) -> List {
    let column = |value: fn(&Statistics) -> f64| cells.iter().map(value).collect::<Vec<f64>>();
    list!(
        n = column(|s| s.n as f64),
        weight = column(|s| s.w),
        mean = column(|s| s.mean),
        sd = column(|s| s.sd),
        min = column(|s| s.min),
        max = column(|s| s.max),
        sum = column(|s| s.sum)
    )
}

extendr_module! {
    mod summary;
    fn rx_engine_summary;
}

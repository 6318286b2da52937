//! `rxCrossTabs` and `rxCube`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;
use rx_stats::crosstab::{CrossTab, Table};

/// A table by cell: list(levels, rows, dropped, size, cell, counts, weights, sums, means).
#[extendr]
fn rx_engine_crosstab(source: Robj, variables: Robj, table: Robj, job: Robj) -> Robj {
    respond(|| crosstab(&source, &variables, &table, &job))
}

fn crosstab(source: &Robj, variables: &Robj, table: &Robj, job: &Robj) -> Result<Robj> {
    let table: Table = spec::parse(table, "table")?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = CrossTab::new(&prepared.design, table, memory)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    let size = model.counts.len() as f64;
    let cells = model.cells.map(|cells| cells.into_iter().map(|cell| cell as f64).collect::<Vec<_>>());
    Ok(list!(
        levels = analysis::levels(&levels)?,
        rows = counts(&[model.rows]),
        dropped = counts(&[model.dropped]),
        size = size,
        cell = cells.map_or_else(|| ().into(), Robj::from),
        counts = counts(&model.counts),
        weights = model.weights.map_or_else(|| ().into(), Robj::from),
        sums = List::from_values(model.sums),
        means = List::from_values(model.means)
    )
    .into())
}

/// Counts as R's integers; as doubles if one is too large.
fn counts(counts: &[u64]) -> Robj {
    let whole: Option<Vec<i32>> = counts.iter().map(|&n| i32::try_from(n).ok()).collect();
    whole.map_or_else(|| counts.iter().map(|&n| n as f64).collect::<Vec<_>>().into(), Robj::from)
}

extendr_module! {
    mod crosstab;
    fn rx_engine_crosstab;
}

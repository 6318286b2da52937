//! Rows from a source to a file or a data frame.

use super::source::open;
use crate::error::{malformed, respond};
use crate::job::{self, Job};
use crate::{result, spec};
use extendr_api::prelude::*;
use rx_data::sink::FrameSink;
use rx_data::{Identity, Result, Schema};

/// Copies columns of a source (all if NULL) to a sink: list(columns, rows) for a data frame, list(rows, path) else.
#[extendr]
fn rx_engine_import(source: Robj, columns: Robj, sink: Robj, job: Robj) -> Robj {
    respond(|| import(&source, &columns, &sink, &job))
}

fn import(source: &Robj, columns: &Robj, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let wanted: Option<Vec<String>> = if columns.is_null() { None } else { Some(spec::parse(columns, "columns")?) };
    let source = open(source, wanted.as_deref())?;
    let positions = match &wanted {
        Some(names) => source.schema().indices_of(names)?,
        None => (0..source.schema().fields.len()).collect(),
    };
    let schema = Schema::new(positions.iter().map(|&i| source.schema().fields[i].clone()).collect());
    let kind: String = spec::parse(&spec::need(sink, "type")?, "type")?;
    match kind.as_str() {
        "frame" => {
            let table = job::run(&job, |control, pool, _| {
                rx_run::map(pool, control, &*source, &positions, &Identity, FrameSink::new(schema))
            })?;
            let columns = result::columns(&table, Some(&job.pool()?))?;
            Ok(list!(columns = columns, rows = table.rows as f64).into())
        }
        other => Err(malformed("type", format!("there is no sink of type '{other}'"))),
    }
}

extendr_module! {
    mod import;
    fn rx_engine_import;
}

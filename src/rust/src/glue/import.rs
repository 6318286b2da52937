//! Rows from a source to a file or a data frame.

use super::sink;
use super::source::open;
use crate::error::respond;
use crate::job::Job;
use crate::spec;
use extendr_api::prelude::*;
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
    sink::write(&job, &*source, &positions, &Identity, schema, sink)
}

extendr_module! {
    mod import;
    fn rx_engine_import;
}

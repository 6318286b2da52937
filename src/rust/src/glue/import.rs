//! Rows from a source to a file or a data frame.

use super::sink;
use super::source::open;
use crate::error::respond;
use crate::job::Job;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::Result;

/// Copies columns of a source (all if NULL) to a sink, not much more than `cells` values if the sink has that element:
/// list(columns, rows) for a data frame, list(keys, rows) for a split, list(rows, path) else.
#[extendr]
fn rx_engine_import(source: Robj, columns: Robj, sink: Robj, job: Robj) -> Robj {
    respond(|| import(&source, &columns, &sink, &job))
}

fn import(source: &Robj, columns: &Robj, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let wanted: Option<Vec<String>> = if columns.is_null() { None } else { Some(spec::parse(columns, "columns")?) };
    let source = open(source, wanted.as_deref(), Some(&job))?.source;
    let positions = source.schema().positions(wanted.as_deref())?;
    let legacy = source.about().legacy;
    sink::copy(&job, source, &positions, legacy, sink)
}

extendr_module! {
    mod import;
    fn rx_engine_import;
}

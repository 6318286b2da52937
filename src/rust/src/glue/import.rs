//! Rows from a source to a file or a data frame.

use super::sink;
use super::source::open;
use crate::error::respond;
use crate::job::Job;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::source::RowRange;
use rx_data::xdf_legacy::ROW_NAMES;
use rx_data::{Identity, Result, Schema};
use std::sync::Arc;

/// Copies columns of a source (all if NULL) to a sink, not much more than `cells` values if the sink has that element:
/// list(columns, rows) for a data frame, list(rows, path) else.
#[extendr]
fn rx_engine_import(source: Robj, columns: Robj, sink: Robj, job: Robj) -> Robj {
    respond(|| import(&source, &columns, &sink, &job))
}

fn import(source: &Robj, columns: &Robj, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let wanted: Option<Vec<String>> = if columns.is_null() { None } else { Some(spec::parse(columns, "columns")?) };
    let mut source = open(source, wanted.as_deref(), Some(&job))?.source;
    let positions = source.schema().positions(wanted.as_deref())?;
    let variables = positions.iter().filter(|&&i| source.schema().fields[i].name != ROW_NAMES).count();
    if let (Some(cells), true) = (spec::maybe::<f64>(sink, "cells")?, variables > 0) {
        // One row more tells whether there are too many.
        source = Arc::new(RowRange::new(source, 0, Some((cells / variables as f64) as u64 + 1)));
    }
    let mut schema = Schema::new(positions.iter().map(|&i| source.schema().fields[i].clone()).collect());
    if source.about().legacy {
        // Ranges have no checksum there; those of the values are found anew.
        schema.fields.iter_mut().for_each(|field| (field.low, field.high) = (None, None));
    }
    let fresh: Vec<String> = spec::maybe(sink, "fresh_ranges")?.unwrap_or_default();
    for field in schema.fields.iter_mut().filter(|field| fresh.contains(&field.name)) {
        (field.low, field.high) = (None, None);
    }
    sink::write(&job, &*source, &positions, &Identity, true, schema, sink)
}

extendr_module! {
    mod import;
    fn rx_engine_import;
}

//! Rows from a source to a file or a data frame.

use super::source::{open, path};
use crate::error::{malformed, respond};
use crate::job::{self, Job};
use crate::{result, spec};
use extendr_api::prelude::*;
use rx_data::sink::{FrameSink, ParquetOptions, ParquetSink, Sink, TextSink, XdfOptions, XdfSink};
use rx_data::{Identity, Result, Schema, Source};

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
    let rows = match kind.as_str() {
        "frame" => {
            let table = run(&job, &*source, &positions, FrameSink::new(schema))?;
            let columns = result::columns(&table, Some(&job.pool()?))?;
            return Ok(list!(columns = columns, rows = table.rows as f64).into());
        }
        "xdf" => run(&job, &*source, &positions, XdfSink::create(schema, xdf_options(sink)?)?)?,
        "parquet" => run(&job, &*source, &positions, ParquetSink::create(schema, parquet_options(sink)?)?)?,
        "text" => {
            let options = spec::parse_without(sink, &["type", "append", "rows_per_block", "description"], "sink")?;
            run(&job, &*source, &positions, TextSink::create(options, schema)?)?
        }
        other => return Err(malformed("type", format!("there is no sink of type '{other}'"))),
    };
    Ok(list!(rows = rows as f64, path = path(sink)?.display().to_string()).into())
}

fn run<S: Sink<Output: Send>>(job: &Job, source: &dyn Source, columns: &[usize], sink: S) -> Result<S::Output> {
    job::run(job, |control, pool, _| rx_run::map(pool, control, source, columns, &Identity, sink))
}

fn xdf_options(sink: &Robj) -> Result<XdfOptions> {
    Ok(XdfOptions {
        path: path(sink)?,
        overwrite: spec::maybe(sink, "overwrite")?.unwrap_or(false),
        append_rows: spec::maybe(sink, "append")?.unwrap_or(false),
        compression: spec::maybe(sink, "compression")?.unwrap_or_default(),
        rows_per_block: spec::maybe::<f64>(sink, "rows_per_block")?.map(|rows| rows as u64),
        description: spec::maybe(sink, "description")?,
    })
}

fn parquet_options(sink: &Robj) -> Result<ParquetOptions> {
    Ok(ParquetOptions {
        path: path(sink)?,
        overwrite: spec::maybe(sink, "overwrite")?.unwrap_or(false),
        rows_per_block: spec::maybe::<f64>(sink, "rows_per_block")?.map(|rows| rows as u64),
        description: spec::maybe(sink, "description")?,
    })
}

extendr_module! {
    mod import;
    fn rx_engine_import;
}

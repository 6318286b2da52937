//! Sink specs, as `sink_spec()` of R/import.R makes them: where rows go.

use super::source::path;
use crate::error::malformed;
use crate::foreign::ForeignSink;
use crate::job::{self, Job};
use crate::result::{self, Vectors};
use crate::spec;
use crate::transform::Function;
use extendr_api::prelude::*;
use rx_data::groups::Grouped;
use rx_data::sink::{
    FrameSink, ParquetOptions, ParquetSink, Sink, SplitOptions, SplitSink, TextSink, XdfOptions, XdfSink,
};
use rx_data::source::RowRange;
use rx_data::xdf_legacy::ROW_NAMES;
use rx_data::{Block, BlockMap, Identity, Labels, Result, Schema, Source};
use std::sync::Arc;

/// Copies columns of a source to a sink, as [`write`] does; not much more than `cells` values if the sink has that
/// element. `legacy` tells that their ranges come from a file of Microsoft's format.
pub fn copy(job: &Job, source: Arc<dyn Source>, positions: &[usize], legacy: bool, sink: &Robj) -> Result<Robj> {
    copy_into(job, source, positions, legacy, sink, None)
}

/// Copies as [`copy`] does, into vectors that may be there already; others are made if they do not fit.
pub fn copy_into(
    job: &Job,
    mut source: Arc<dyn Source>,
    positions: &[usize],
    legacy: bool,
    sink: &Robj,
    vectors: Option<Vectors>,
) -> Result<Robj> {
    let variables = positions.iter().filter(|&&i| source.schema().fields[i].name != ROW_NAMES).count();
    if let (Some(cells), true) = (spec::maybe::<f64>(sink, "cells")?, variables > 0) {
        // One row more tells whether there are too many.
        source = Arc::new(RowRange::new(source, 0, Some((cells / variables as f64) as u64 + 1)));
    }
    let mut schema = Schema::new(positions.iter().map(|&i| source.schema().fields[i].clone()).collect());
    if legacy {
        // Ranges have no checksum there; those of the values are found anew.
        schema.fields.iter_mut().for_each(|field| (field.low, field.high) = (None, None));
    }
    let fresh: Vec<String> = spec::maybe(sink, "fresh_ranges")?.unwrap_or_default();
    for field in schema.fields.iter_mut().filter(|field| fresh.contains(&field.name)) {
        (field.low, field.high) = (None, None);
    }
    if is_frame(sink)? {
        let (rows, labels) = known(&*source, positions);
        let vectors = match vectors.filter(|vectors| vectors.fit(rows, &labels)) {
            Some(vectors) => vectors,
            None => Vectors::new(&schema, rows, &labels)?,
        };
        return frame(job, &*source, positions, &Identity, schema, vectors);
    }
    write(job, &*source, positions, &Identity, true, schema, sink)
}

/// The vectors of a data frame that will have all rows of a source, some columns of it; none for other sinks.
pub fn vectors(source: &dyn Source, positions: &[usize], sink: &Robj) -> Result<Option<Vectors>> {
    let cut = spec::maybe::<f64>(sink, "cells")?.is_some();
    if cut || !is_frame(sink)? {
        return Ok(None);
    }
    let schema = Schema::new(positions.iter().map(|&j| source.schema().fields[j].clone()).collect());
    let (rows, labels) = known(source, positions);
    Vectors::new(&schema, rows, &labels).map(Some)
}

/// The number of a source's rows, and the labels of some columns, if they are known.
fn known(source: &dyn Source, positions: &[usize]) -> (Option<usize>, Vec<Option<Labels>>) {
    let rows = source.rows().and_then(|rows| usize::try_from(rows).ok());
    (rows, positions.iter().map(|&j| source.labels(j)).collect())
}

fn is_frame(sink: &Robj) -> Result<bool> {
    Ok(spec::parse::<String>(&spec::need(sink, "type")?, "type")? == "frame")
}

/// Sends columns of a source through a map, which makes rows of the schema, into a sink: list(columns, rows) for a data
/// frame, list(keys, rows) with a row a file for a split, list(rows, path) else. `all_rows` tells that the map leaves
/// none out.
pub fn write(
    job: &Job,
    source: &dyn Source,
    columns: &[usize],
    map: &dyn BlockMap,
    all_rows: bool,
    schema: Schema,
    sink: &Robj,
) -> Result<Robj> {
    let kind: String = spec::parse(&spec::need(sink, "type")?, "type")?;
    let rows = match kind.as_str() {
        "frame" => {
            let rows = source.rows().filter(|_| all_rows).and_then(|rows| usize::try_from(rows).ok());
            let vectors = Vectors::new(&schema, rows, &[])?;
            return frame(job, source, columns, map, schema, vectors);
        }
        "split" => {
            let options = split_options(sink, &schema, job)?;
            let map = Then(map, Grouped::new(options.keys.clone()));
            let files = run(job, source, columns, &map, SplitSink::create(schema, options)?)?;
            let rows: Vec<f64> = files.rows.iter().map(|&rows| rows as f64).collect();
            return Ok(list!(keys = result::columns(&files.keys, None)?, rows = rows).into());
        }
        "xdf" => run(job, source, columns, map, XdfSink::create(schema, xdf_options(sink)?)?)?,
        "parquet" => run(job, source, columns, map, ParquetSink::create(schema, parquet_options(sink)?)?)?,
        "text" => {
            let options = spec::parse_without(sink, &["type", "append", "rows_per_block", "description"], "sink")?;
            run(job, source, columns, map, TextSink::create(options, schema)?)?
        }
        "foreign" => {
            let function = |name| Function::new(&spec::need(sink, name)?);
            let (write, finish) = (function("write")?, function("finish")?);
            let chunk_rows = spec::maybe(sink, "rows_per_block")?;
            let rows = job::run(job, |control, pool, main| {
                let sink = ForeignSink::new(schema, write, finish, chunk_rows, main.clone());
                rx_run::map(pool, control, source, columns, map, sink)
            })?;
            return Ok(list!(rows = rows as f64).into());
        }
        other => return Err(malformed("type", format!("there is no sink of type '{other}'"))),
    };
    Ok(list!(rows = rows as f64, path = path(sink)?.display().to_string()).into())
}

/// Sends columns of a source through a map into a data frame, some of whose vectors may be there already.
fn frame(
    job: &Job,
    source: &dyn Source,
    columns: &[usize],
    map: &dyn BlockMap,
    schema: Schema,
    mut vectors: Vectors,
) -> Result<Robj> {
    let table = run(job, source, columns, map, FrameSink::within(schema, vectors.rooms()))?;
    let columns = vectors.complete(&table, Some(&job.pool()?))?;
    Ok(list!(columns = columns, rows = table.rows as f64).into())
}

fn run<S: Sink<Output: Send>>(
    job: &Job,
    source: &dyn Source,
    columns: &[usize],
    map: &dyn BlockMap,
    sink: S,
) -> Result<S::Output> {
    job::run(job, |control, pool, _| rx_run::map(pool, control, source, columns, map, sink))
}

fn xdf_options(sink: &Robj) -> Result<XdfOptions> {
    Ok(XdfOptions {
        path: path(sink)?,
        overwrite: spec::maybe(sink, "overwrite")?.unwrap_or(false),
        append_rows: spec::maybe(sink, "append")?.unwrap_or(false),
        compression: spec::maybe(sink, "compression")?.unwrap_or_default(),
        rows_per_block: spec::maybe::<f64>(sink, "rows_per_block")?.map(|rows| rows as u64),
        description: spec::maybe(sink, "description")?,
        blocks_per_file: spec::maybe::<f64>(sink, "blocks_per_file")?.map(|blocks| blocks as u64),
        no_ranges: spec::maybe(sink, "no_ranges")?.unwrap_or(false),
    })
}

/// One map after another.
struct Then<'a>(&'a dyn BlockMap, Grouped);

impl BlockMap for Then<'_> {
    fn map(&self, block: Block) -> Result<Option<Block>> {
        self.0.map(block)?.map_or(Ok(None), |block| self.1.map(block))
    }
}

fn split_options(sink: &Robj, schema: &Schema, job: &Job) -> Result<SplitOptions> {
    let names: Vec<String> = spec::parse(&spec::need(sink, "keys")?, "keys")?;
    let hidden: Vec<String> = spec::maybe(sink, "hidden")?.unwrap_or_default();
    let flag = |name| Ok(spec::maybe(sink, name)?.unwrap_or(false));
    Ok(SplitOptions {
        folder: path(sink)?,
        keys: schema.indices_of(&names)?,
        columns: (0..schema.fields.len()).filter(|&j| !hidden.contains(&schema.fields[j].name)).collect(),
        compression: spec::maybe(sink, "compression")?.unwrap_or_default(),
        rows_per_block: spec::maybe::<f64>(sink, "rows_per_block")?.map(|rows| rows as u64),
        description: spec::maybe(sink, "description")?.unwrap_or_default(),
        without_missing: flag("without_missing")?,
        shared_ranges: flag("shared_ranges")?,
        durable: flag("durable")?,
        chunk_bytes: job.share_of_memory(4),
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

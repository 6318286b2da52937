//! Source specs, as `source_spec()` of R/source.R makes them.

use crate::error::{malformed, on_warning};
use crate::foreign::ForeignSource;
use crate::job::Job;
use crate::spec;
use crate::transform::{ChunkSize, Function, Transform, Transformed};
use crate::view::Columns;
use extendr_api::prelude::*;
use rx_data::expr::{Compiled, Refused, Step};
use rx_data::source::{
    Beside, CompositeSource, LegacyOptions, LegacyXdfSource, ParquetSource, Picked, RowNumbers, RowRange, TextOptions,
    TextSource, XdfSource,
};
use rx_data::xdf_legacy::{ROW_NAMES, is_legacy};
use rx_data::{Result, Source};
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a chunk of R code where nobody says another number.
const CHUNK_ROWS: usize = 500_000;
/// What the spec of any source may have.
const COMMON: [&str; 4] = ["type", "start_row", "num_rows", "transform"];

/// A source, ready to be scanned by a job.
pub struct Opened {
    /// Where the rows come from.
    pub source: Arc<dyn Source>,
    /// Whether R code makes some of them, which must run once on every chunk.
    pub runs_r_code: bool,
}

/// Opens a source, or two beside each other. Of a data frame only the columns named are viewed and known, if any are
/// named; the R code of a transform runs on a sample. The threads of a job help with text. For the main thread only.
pub fn open(source: &Robj, columns: Option<&[String]>, job: Option<&Job>) -> Result<Opened> {
    if let Some(left) = spec::get(source, "left") {
        let (left, right) = (open(&left, None, job)?, open(&spec::need(source, "right")?, None, job)?);
        let runs_r_code = left.runs_r_code || right.runs_r_code;
        return Ok(Opened { source: Arc::new(Beside::new(left.source, right.source)), runs_r_code });
    }
    let transform = spec::get(source, "transform");
    let vars: Option<Vec<String>> = match &transform {
        Some(transform) => spec::maybe(transform, "vars")?,
        None => columns.map(<[String]>::to_vec),
    };
    let mut opened = open_plain(source, vars.as_deref(), job)?;
    let start_row = spec::maybe::<f64>(source, "start_row")?.unwrap_or(1.0).max(1.0) as u64;
    let num_rows = spec::maybe::<f64>(source, "num_rows")?.map(|rows| rows.max(0.0) as u64);
    if start_row > 1 || num_rows.is_some() {
        opened = Arc::new(RowRange::new(opened, start_row - 1, num_rows));
    }
    let Some(spec) = transform else { return Ok(Opened { source: opened, runs_r_code: false }) };
    let chunk = chunk_size(&spec)?;
    let steps: Vec<Step> = spec::maybe(&spec, "steps")?.unwrap_or_default();
    let mut transform = Transform {
        fun: Function::new(&spec::need(&spec, "fun")?)?,
        first_step: 0,
        vars,
        untouched: spec::maybe(&spec, "untouched")?.unwrap_or_default(),
        chunk,
        first_row: start_row,
    };
    if !steps.is_empty() {
        let columns = opened.schema().positions(transform.vars.as_deref())?;
        let chunks = chunk.chunk_rows(&*opened);
        let (compiled, refused) = Compiled::new(opened.clone(), &columns, &steps, start_row, chunks, on_warning());
        match refused {
            None => return Ok(Opened { source: Arc::new(compiled), runs_r_code: false }),
            Some(Refused { step: 0, .. }) => {}
            Some(Refused { step, .. }) => {
                opened = Arc::new(compiled);
                (transform.first_step, transform.vars) = (step, None);
            }
        }
    }
    Ok(Opened { source: Arc::new(Transformed::new(opened, transform)?), runs_r_code: true })
}

/// How many of a transform's steps compile, and why the next one does not.
pub fn compiled_steps(source: &Robj) -> Result<(usize, Option<String>)> {
    let transform = spec::need(source, "transform")?;
    let vars: Option<Vec<String>> = spec::maybe(&transform, "vars")?;
    let steps: Vec<Step> = spec::maybe(&transform, "steps")?.unwrap_or_default();
    let opened = open_plain(source, vars.as_deref(), None)?;
    let columns = opened.schema().positions(vars.as_deref())?;
    let (_, refused) = Compiled::new(opened, &columns, &steps, 1, Vec::new(), on_warning());
    Ok(refused.map_or((steps.len(), None), |refused| (refused.step, Some(refused.why))))
}

/// Whether a source is a data frame as it stands.
pub fn is_plain_frame(source: &Robj) -> bool {
    spec::get(source, "transform").is_none() && spec::get(source, "data").is_some()
}

fn open_plain(source: &Robj, columns: Option<&[String]>, job: Option<&Job>) -> Result<Arc<dyn Source>> {
    let kind: String = spec::parse(&spec::need(source, "type")?, "type")?;
    match kind.as_str() {
        "frame" => {
            let rows: f64 = spec::parse(&spec::need(source, "rows")?, "rows")?;
            Ok(Arc::new(Columns::new(&spec::need(source, "data")?)?.frame(columns, rows as usize, job)?))
        }
        "xdf" => open_xdf(source),
        "parquet" => Ok(Arc::new(ParquetSource::open(&path(source)?)?)),
        "text" => {
            let options: TextOptions = spec::parse_without(source, &COMMON, "source")?;
            Ok(Arc::new(TextSource::open(&options)?))
        }
        "foreign" => {
            let start_row: f64 = spec::maybe(source, "start_row")?.unwrap_or(1.0);
            let last = spec::maybe::<f64>(source, "num_rows")?.map(|rows| start_row - 1.0 + rows);
            Ok(Arc::new(ForeignSource::new(source, last)?))
        }
        "row_numbers" => {
            let count = |name| -> Result<u64> { Ok(spec::parse::<f64>(&spec::need(source, name)?, name)? as u64) };
            Ok(Arc::new(RowNumbers::new(".rxRowNums", count("rows")?, count("rows_per_block")?)))
        }
        other => Err(malformed("type", format!("there is no source of type '{other}'"))),
    }
}

/// Opens an XDF file of either format, or a set. Row names are no variable, so their column is hidden unless the spec asks
/// for it.
fn open_xdf(source: &Robj) -> Result<Arc<dyn Source>> {
    let path = path(source)?;
    let opened: Arc<dyn Source> = if path.is_dir() {
        Arc::new(CompositeSource::open(&path)?)
    } else if is_legacy(&path) {
        let megabytes: Option<f64> = spec::maybe(source, "memory")?;
        let memory = megabytes.map_or_else(rx_run::default_memory, |mb| (mb * 1_048_576.0) as u64);
        let empty_is_missing = spec::maybe(source, "empty_is_missing")?.unwrap_or(false);
        let options = LegacyOptions { memory, empty_is_missing, on_warning: on_warning() };
        Arc::new(LegacyXdfSource::open(&path, options)?)
    } else {
        Arc::new(XdfSource::open(&path)?)
    };
    let names = opened.schema().fields.iter().position(|f| f.name == ROW_NAMES);
    Ok(match names {
        Some(names) if !spec::maybe(source, "row_names")?.unwrap_or(false) => Arc::new(Picked::without(opened, names)),
        _ => opened,
    })
}

/// The path of a file.
pub fn path(spec: &Robj) -> Result<PathBuf> {
    Ok(PathBuf::from(spec::parse::<String>(&spec::need(spec, "path")?, "path")?))
}

fn chunk_size(transform: &Robj) -> Result<ChunkSize> {
    let count = |name| Ok(spec::maybe::<f64>(transform, name)?.map(|n| n.max(1.0) as usize));
    Ok(match (count("rows")?, count("blocks")?) {
        (Some(rows), _) => ChunkSize::Rows(rows),
        (None, Some(blocks)) => ChunkSize::Blocks { blocks, rows: CHUNK_ROWS },
        (None, None) => ChunkSize::Rows(CHUNK_ROWS),
    })
}

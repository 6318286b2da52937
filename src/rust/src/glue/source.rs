//! Source specs, as `source_spec()` of R/source.R makes them.

use crate::error::malformed;
use crate::spec;
use crate::transform::{ChunkSize, Function, Transform, Transformed};
use crate::view::Columns;
use extendr_api::prelude::*;
use rx_data::source::{CompositeSource, ParquetSource, RowRange, TextOptions, TextSource, XdfSource};
use rx_data::{Result, Source};
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a chunk of R code where nobody says another number.
const CHUNK_ROWS: usize = 500_000;
/// What the spec of any source may have.
const COMMON: [&str; 4] = ["type", "start_row", "num_rows", "transform"];

/// Opens a source. Of a data frame only the columns named are viewed and known, if any are named; the R code of a
/// transform runs on a sample. For the main thread only.
pub fn open(source: &Robj, columns: Option<&[String]>) -> Result<Arc<dyn Source>> {
    let transform = spec::get(source, "transform");
    let vars: Option<Vec<String>> = match &transform {
        Some(transform) => spec::maybe(transform, "vars")?,
        None => columns.map(<[String]>::to_vec),
    };
    let mut opened = open_plain(source, vars.as_deref())?;
    let start_row = spec::maybe::<f64>(source, "start_row")?.unwrap_or(1.0).max(1.0) as u64;
    let num_rows = spec::maybe::<f64>(source, "num_rows")?.map(|rows| rows.max(0.0) as u64);
    if start_row > 1 || num_rows.is_some() {
        opened = Arc::new(RowRange::new(opened, start_row - 1, num_rows));
    }
    match transform {
        None => Ok(opened),
        Some(transform) => {
            let transform = Transform {
                fun: Function::new(&spec::need(&transform, "fun")?)?,
                vars,
                untouched: spec::maybe(&transform, "untouched")?.unwrap_or_default(),
                chunk: chunk_size(&transform)?,
                first_row: start_row,
            };
            Ok(Arc::new(Transformed::new(opened, transform)?))
        }
    }
}

/// Whether a source is a data frame as it stands.
pub fn is_plain_frame(source: &Robj) -> bool {
    spec::get(source, "transform").is_none() && spec::get(source, "data").is_some()
}

fn open_plain(source: &Robj, columns: Option<&[String]>) -> Result<Arc<dyn Source>> {
    let kind: String = spec::parse(&spec::need(source, "type")?, "type")?;
    match kind.as_str() {
        "frame" => {
            let rows: f64 = spec::parse(&spec::need(source, "rows")?, "rows")?;
            Ok(Arc::new(Columns::new(&spec::need(source, "data")?)?.frame(columns, rows as usize)?))
        }
        "xdf" => match path(source)? {
            folder if folder.is_dir() => Ok(Arc::new(CompositeSource::open(&folder)?)),
            file => Ok(Arc::new(XdfSource::open(&file)?)),
        },
        "parquet" => Ok(Arc::new(ParquetSource::open(&path(source)?)?)),
        "text" => {
            let options: TextOptions = spec::parse_without(source, &COMMON, "source")?;
            Ok(Arc::new(TextSource::open(&options)?))
        }
        other => Err(malformed("type", format!("there is no source of type '{other}'"))),
    }
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

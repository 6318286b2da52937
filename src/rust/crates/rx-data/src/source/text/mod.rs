//! Delimited text: comma-separated values and their like, plain or compressed by gzip.
//!
//! [`options`] says what a user may ask for, [`sniff`] finds out the rest from the first rows. A [`scan`] takes
//! ranges of bytes from the [`input`], cuts them into fields ([`split`]) and these into values ([`parse`]), which
//! [`builder`]s collect.

mod buffer;
mod builder;
mod dictionary;
mod fault;
mod input;
mod options;
mod parse;
mod relay;
mod scan;
mod sniff;
mod split;

pub use options::{ColumnOptions, TextOptions};

use super::{Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Schema};
use builder::Rules;
use scan::TextScan;
use sniff::sniff;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Rows of a block, as far as rows are alike.
const BLOCK_ROWS: usize = 65_536;
/// The least and the most bytes of a block.
const RANGE_BYTES: (usize, usize) = (1 << 20, 4 << 20);

/// A delimited text file.
pub struct TextSource {
    path: PathBuf,
    schema: Schema,
    /// The columns' names in the file, which options and messages go by.
    names: Vec<String>,
    rules: Rules,
    /// Where the first row of data begins.
    start: u64,
    /// The mean length of the rows sniffed.
    row_bytes: usize,
    /// How many bytes a block is made of.
    range_bytes: usize,
}

impl TextSource {
    /// Opens a file and decides on its columns by the first rows.
    pub fn open(options: &TextOptions) -> Result<Self> {
        options.check()?;
        let sniffed = sniff(options)?;
        let in_file = Schema::new(sniffed.names.iter().map(|name| Field::new(name, Kind::Character)).collect());
        for name in options.columns.keys() {
            in_file.index_of(name).map_err(|e| e.file(&options.path))?;
        }
        let mut schema = Schema::default();
        for (name, shape) in sniffed.names.iter().zip(&sniffed.shapes) {
            let said = options.columns.get(name).cloned().unwrap_or_default();
            let kind = match (said.kind, &said.levels) {
                // Times without a zone are read as UTC, and shown so.
                (Some(Kind::DateTime { tz: None }), _) => Kind::DateTime { tz: Some("GMT".into()) },
                (Some(kind), _) => kind,
                (None, Some(_)) => Kind::Factor { ordered: false },
                (None, None) => shape.kind(options),
            };
            schema.fields.push(Field {
                name: said.new_name.unwrap_or_else(|| name.clone()),
                kind,
                levels: said.levels,
                low: said.low,
                high: said.high,
                description: said.description,
            });
        }
        let mut seen = HashSet::new();
        if let Some(twice) = schema.fields.iter().find(|f| !seen.insert(f.name.as_str())) {
            let message = format!("Two columns would be named '{}'.", twice.name);
            return Err(Error::new(ErrorKind::Argument, message).column(&twice.name).hint("Pass another newName."));
        }
        Ok(TextSource {
            path: options.path.clone(),
            schema,
            names: sniffed.names,
            rules: sniffed.rules,
            start: sniffed.start,
            row_bytes: sniffed.row_bytes,
            range_bytes: sniffed.row_bytes.saturating_mul(BLOCK_ROWS).clamp(RANGE_BYTES.0, RANGE_BYTES.1),
        })
    }

    /// The same with blocks of another size, for tests.
    pub fn with_range_bytes(mut self, bytes: usize) -> Self {
        self.range_bytes = bytes.max(1);
        self
    }
}

impl Source for TextSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(Box::new(TextScan::new(self, Some(columns.to_vec()))?))
    }
}

#[cfg(test)]
mod tests;

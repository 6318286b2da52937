//! A table in memory: R's own vectors, viewed in place, or any other columns.

use super::{Scan, Source, Tickets};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{Labels, Schema};
use std::ops::Range;

/// Rows of a block: small enough for many lanes, large enough that handing it out, and fetching the lane's sums into the
/// cache, costs nothing.
const BLOCK_ROWS: usize = 131_072;

/// Whole columns in memory.
#[derive(Debug, Clone)]
pub struct Frame {
    schema: Schema,
    columns: Vec<Column>,
    rows: usize,
    block_rows: usize,
}

impl Frame {
    /// A frame of columns that all have `rows` rows.
    pub fn new(schema: Schema, columns: Vec<Column>, rows: usize) -> Result<Self> {
        if schema.fields.len() != columns.len() || columns.iter().any(|c| c.len() != rows) {
            return Err(Error::internal("columns of a frame do not fit together"));
        }
        Ok(Frame { schema, columns, rows, block_rows: BLOCK_ROWS })
    }

    /// The same with another block size, for tests.
    pub fn with_block_rows(mut self, rows: usize) -> Self {
        self.block_rows = rows.max(1);
        self
    }
}

impl Source for Frame {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows as u64)
    }

    fn in_memory(&self) -> bool {
        true
    }

    fn labels(&self, column: usize) -> Option<Labels> {
        match &self.columns[column] {
            Column::Dict { labels, .. } => Some(labels.clone()),
            _ => None,
        }
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(self.scan_rows(columns, 0..u64::MAX)?.0)
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        let columns = columns.to_vec();
        let bound = |row: u64| usize::try_from(row).map_or(self.rows, |row| row.min(self.rows));
        let (start, end) = (bound(rows.start), bound(rows.end));
        let scan = Tickets::new(end.saturating_sub(start).div_ceil(self.block_rows), move |index| {
            let offset = start + index * self.block_rows;
            let rows = self.block_rows.min(end - offset);
            Ok(Block { index, rows, columns: columns.iter().map(|&j| self.columns[j].slice(offset, rows)).collect() })
        });
        Ok((Box::new(scan), start as u64))
    }
}

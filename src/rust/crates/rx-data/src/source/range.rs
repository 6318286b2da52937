//! Some rows of another source: `startRow` and `numRows`.

use super::{Places, Scan, Source};
use crate::block::Block;
use crate::error::Result;
use crate::schema::Schema;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Rows `range` of a source. Blocks that are known to have none of them are not read.
pub struct RowRange {
    inner: Arc<dyn Source>,
    range: Range<u64>,
}

impl RowRange {
    /// Rows `start` (from 0) and on, `count` at most.
    pub fn new(inner: Arc<dyn Source>, start: u64, count: Option<u64>) -> Self {
        RowRange { inner, range: start..count.map_or(u64::MAX, |n| start.saturating_add(n)) }
    }
}

impl Source for RowRange {
    fn schema(&self) -> &Schema {
        self.inner.schema()
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows().map(|n| self.range.end.min(n).saturating_sub(self.range.start))
    }

    fn in_memory(&self) -> bool {
        self.inner.in_memory()
    }

    fn in_turn(&self) -> bool {
        self.inner.in_turn()
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let (inner, skipped) = self.inner.scan_rows(columns, self.range.clone())?;
        let places = Places::new(self.range.clone(), skipped, self.in_turn());
        Ok(Box::new(RangeScan { inner, range: self.range.clone(), places }))
    }
}

struct RangeScan<'a> {
    inner: Box<dyn Scan + 'a>,
    range: Range<u64>,
    places: Places,
}

impl Scan for RangeScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let part = |(block, first): (Block, u64)| {
            let from = self.range.start.saturating_sub(first) as usize;
            let to = usize::try_from(self.range.end - first).map_or(block.rows, |to| to.min(block.rows));
            if (from, to) == (0, block.rows) { block } else { block.slice(from, to - from) }
        };
        Ok(self.places.next(&*self.inner)?.map(part))
    }
}

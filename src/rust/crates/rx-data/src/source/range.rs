//! Some rows of another source: `startRow` and `numRows`.

use super::{Scan, Source};
use crate::block::Block;
use crate::error::{Error, Result};
use crate::schema::Schema;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Rows `range` of a source. Blocks are taken one after the other, since a row's number is known only in order; nothing
/// is read beyond the last row wanted.
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

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let (inner, skipped) = self.inner.scan_from(columns, self.range.start)?;
        let place = Place { next_row: skipped, next_index: 0 };
        Ok(Box::new(RangeScan { inner, range: self.range.clone(), place: Mutex::new(place) }))
    }
}

struct Place {
    next_row: u64,
    next_index: usize,
}

struct RangeScan<'a> {
    inner: Box<dyn Scan + 'a>,
    range: Range<u64>,
    place: Mutex<Place>,
}

impl Scan for RangeScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let mut place = self.place.lock().map_err(|_| Error::internal("a scan was poisoned"))?;
        while place.next_row < self.range.end {
            let Some(block) = self.inner.next()? else { return Ok(None) };
            let first = place.next_row;
            place.next_row += block.rows as u64;
            let from = self.range.start.clamp(first, place.next_row);
            let to = self.range.end.clamp(from, place.next_row);
            if to > from {
                let mut part = block.slice((from - first) as usize, (to - from) as usize);
                part.index = place.next_index;
                place.next_index += 1;
                return Ok(Some(part));
            }
        }
        Ok(None)
    }
}

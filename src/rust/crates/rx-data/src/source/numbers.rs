//! Rows that are made of nothing but their numbers.

use super::{Scan, Source, Tickets};
use crate::block::Block;
use crate::column::Column;
use crate::error::Result;
use crate::schema::{Field, Kind, Schema};

/// Rows of a block handed out at once.
const BLOCK_ROWS: u64 = 65_536;

/// One column with the numbers of the rows, from 1: integers as long as they fit.
pub struct RowNumbers {
    schema: Schema,
    rows: u64,
    rows_per_block: u64,
}

impl RowNumbers {
    /// So many rows in logical blocks of so many.
    pub fn new(name: &str, rows: u64, rows_per_block: u64) -> Self {
        let kind = if i32::try_from(rows).is_ok() { Kind::Integer } else { Kind::Numeric };
        RowNumbers { schema: Schema::new(vec![Field::new(name, kind)]), rows, rows_per_block: rows_per_block.max(1) }
    }
}

impl Source for RowNumbers {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        let whole = self.rows / self.rows_per_block;
        let rest = self.rows % self.rows_per_block;
        let rest = (rest > 0).then_some(rest);
        Some((0..whole).map(|_| self.rows_per_block).chain(rest).collect())
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let columns = columns.len();
        let blocks = self.rows.div_ceil(BLOCK_ROWS) as usize;
        Ok(Box::new(Tickets::new(blocks, move |index| {
            let first = index as u64 * BLOCK_ROWS;
            let rows = BLOCK_ROWS.min(self.rows - first);
            let numbers = first + 1..=first + rows;
            let column = match self.schema.fields[0].kind {
                Kind::Integer => Column::I32(numbers.map(|i| i as i32).collect()),
                _ => Column::F64(numbers.map(|i| i as f64).collect()),
            };
            Ok(Block { index, rows: rows as usize, columns: vec![column; columns] })
        })))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_numbered_from_one() {
        let source = RowNumbers::new("row", 70_000, 30_000);
        assert_eq!(source.block_rows(), Some(vec![30_000, 30_000, 10_000]));
        let scan = source.scan(&[0]).unwrap();
        let (first, last) = (scan.next().unwrap().unwrap(), scan.next().unwrap().unwrap());
        assert!(matches!(&first.columns[0], Column::I32(v) if v[0] == 1 && v.len() == 65_536));
        assert!(matches!(&last.columns[0], Column::I32(v) if v[v.len() - 1] == 70_000));
        assert!(scan.next().unwrap().is_none());
    }
}

//! Rows that are known by their places, and their columns.

use super::records::Records;
use crate::block::Block;
use crate::column::Column;
use crate::error::Result;
use arrow::array::Array;
use arrow::buffer::Buffer;
use std::ops::Deref;
use std::sync::Arc;

/// The place of a row that is not there: all its values are missing.
pub const NOWHERE: u64 = u64::MAX;

/// Rows that are sorted: a block, and the same rows as records where they are to be fetched one by one.
pub struct Part {
    block: Block,
    pub(super) records: Option<Records>,
}

impl Deref for Part {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.block
    }
}

impl From<Block> for Part {
    fn from(block: Block) -> Part {
        Part { block, records: None }
    }
}

impl Part {
    /// The same rows, as records as well.
    pub(super) fn with_records(&self, records: Records) -> Part {
        Part { block: self.block.clone(), records: Some(records) }
    }
}

/// Rows in order, not gathered yet.
#[derive(Default)]
pub struct Piece {
    /// Where the rows are.
    pub parts: Arc<[Arc<Part>]>,
    /// The place of each row, as in [`super::Item`].
    pub ids: Vec<u64>,
    /// The head of each row.
    pub heads: Vec<u64>,
    /// How many rows of its key each row stands for, where that is wanted.
    pub counts: Vec<u64>,
    /// What is to be read soon: a thread that has nothing to plan should do it.
    pub(super) ahead: Vec<super::merge::Ahead>,
}

impl Piece {
    /// Reads what will be needed next. A failure comes up again when it is needed.
    pub fn read_ahead(&mut self) {
        self.ahead.drain(..).for_each(|ahead| ahead.read());
    }

    /// The same without rows: only what is to be read soon.
    pub(crate) fn split_ahead(&mut self) -> Piece {
        Piece { ahead: std::mem::take(&mut self.ahead), ..Piece::default() }
    }

    /// A row's block, and where it is in there.
    pub fn row(&self, i: usize) -> (&Block, usize) {
        let id = self.ids[i];
        (&self.parts[(id >> 32) as usize], id as u32 as usize)
    }
}

/// Gives out rows in order, piece by piece.
pub trait Cursor: Send {
    /// The next rows, so many at most; none at the end.
    fn next(&mut self, rows: usize) -> Result<Option<Piece>>;
}

/// Bytes of memory that a block's values take.
pub fn row_bytes(block: &Block) -> u64 {
    let bytes = |column: &Column| match column {
        Column::I32(v) => v.len() * 4,
        Column::I64(v) => v.len() * 8,
        Column::F32(v) => v.len() * 4,
        Column::F64(v) => v.len() * 8,
        Column::Dict { codes, .. } => codes.len() * 4,
        Column::Str(v) => {
            let offsets = v.value_offsets();
            (offsets[offsets.len() - 1] - offsets[0]) as usize + v.len() * 4
        }
    };
    block.columns.iter().map(|column| bytes(column) as u64).sum()
}

/// Copies values that keep a larger piece of memory alive, as those of a file do that were stored without compression.
pub fn detach(block: &mut Block) {
    fn is_part(buffer: &Buffer) -> bool {
        buffer.capacity() > buffer.len() + buffer.len() / 4
    }
    for column in &mut block.columns {
        match column {
            Column::I32(v) | Column::Dict { codes: v, .. } if is_part(v.inner()) => *v = v.to_vec().into(),
            Column::I64(v) if is_part(v.inner()) => *v = v.to_vec().into(),
            Column::F32(v) if is_part(v.inner()) => *v = v.to_vec().into(),
            Column::F64(v) if is_part(v.inner()) => *v = v.to_vec().into(),
            Column::Str(v) if is_part(v.values()) || is_part(v.offsets().inner().inner()) => {
                *v = v.iter().collect();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::source::Frame;
    use crate::testing::every_kind;
    use crate::{Source, testing};

    #[test]
    fn parts_of_larger_memory_are_copied() {
        let table = every_kind(1000).with_block_rows(100);
        let all: Vec<usize> = (0..table.schema().fields.len()).collect();
        let mut block = table.scan(&all).unwrap().next().unwrap().unwrap();
        let before = block.clone();
        detach(&mut block);
        let frame = |block: Block| Frame::new(table.schema().clone(), block.columns, block.rows).unwrap();
        for (j, (old, new)) in before.columns.iter().zip(&block.columns).enumerate() {
            if let (Column::F64(old), Column::F64(new)) = (old, new) {
                assert_ne!(old.inner().data_ptr(), new.inner().data_ptr(), "column {j}");
                assert!(new.inner().capacity() <= 1000);
            }
        }
        let expected = testing::values(&frame(before), &all).unwrap();
        assert_eq!(testing::values(&frame(block), &all).unwrap(), expected);
    }
}

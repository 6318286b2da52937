//! What a source decodes at once.

use crate::column::Column;
use crate::error::Result;

/// Some rows of the columns that a scan asked for, in the order asked for.
#[derive(Debug, Clone)]
pub struct Block {
    /// Position in the scan: 0, 1, 2, ... without gaps.
    pub index: usize,
    /// Number of rows (columns may be none at all).
    pub rows: usize,
    /// One entry a column asked for.
    pub columns: Vec<Column>,
}

impl Block {
    /// Rows `offset .. offset + rows`, sharing memory.
    pub fn slice(&self, offset: usize, rows: usize) -> Block {
        let columns = self.columns.iter().map(|c| c.slice(offset, rows)).collect();
        Block { index: self.index, rows, columns }
    }

    /// Several blocks of the same columns as one.
    pub fn concat(index: usize, parts: &[Block]) -> Result<Block> {
        let columns = (0..parts.first().map_or(0, |p| p.columns.len()))
            .map(|j| Column::concat(&parts.iter().map(|p| p.columns[j].clone()).collect::<Vec<_>>()))
            .collect::<Result<Vec<_>>>()?;
        Ok(Block { index, rows: parts.iter().map(|p| p.rows).sum(), columns })
    }
}

/// Turns rows into rows: the contract of every job that writes as much as it reads.
pub trait BlockMap: Send + Sync {
    /// The block's successor; None drops all its rows. The index stays.
    fn map(&self, block: Block) -> Result<Option<Block>>;
}

/// The map that changes nothing: a plain copy from a source to a sink.
pub struct Identity;

impl BlockMap for Identity {
    fn map(&self, block: Block) -> Result<Option<Block>> {
        Ok(Some(block))
    }
}

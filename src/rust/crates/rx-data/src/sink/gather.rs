//! Cuts the blocks that come into the pieces that a file is made of.

use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, ErrorKind, Result};
use crate::interner::{Interner, Recode};
use crate::schema::{Kind, Schema};
use std::ops::RangeInclusive;

/// What is decided in block order: the codes of new levels, and which rows go together.
pub(super) struct Gather {
    /// One a column; used by factors.
    interners: Vec<Interner>,
    /// Rows that were admitted but wait for others.
    waiting: Vec<Part>,
    waiting_rows: usize,
    cutter: Cutter,
}

/// Says how many rows go into the next piece.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    /// How many rows a piece may have; fewer wait for more, unless a logical block ends.
    piece_rows: RangeInclusive<usize>,
    rows_per_block: u64,
    /// Rows in the logical block so far.
    block_rows: u64,
}

impl Cutter {
    pub(super) fn new(piece_rows: RangeInclusive<usize>, rows_per_block: u64) -> Self {
        Cutter { piece_rows, rows_per_block, block_rows: 0 }
    }

    /// The rows of the next piece, and whether it starts a logical block; None if those that wait shall wait for more,
    /// which they must not if they are `all`.
    pub(super) fn next(&mut self, waiting: usize, all: bool) -> Option<(usize, bool)> {
        let room = self.rows_per_block - self.block_rows;
        let available = waiting.min(usize::try_from(room).unwrap_or(usize::MAX));
        let most = *self.piece_rows.end();
        // Pieces of about the same size leave no rest, which would have to be joined with the rows of the next block.
        let even = available.div_ceil(available.div_ceil(most).max(1));
        let rows = if even < *self.piece_rows.start() { available.min(most) } else { even };
        if rows == 0 || !(all || rows >= *self.piece_rows.start() || rows as u64 == room) {
            return None;
        }
        let starts_block = self.block_rows == 0;
        self.block_rows = (self.block_rows + rows as u64) % self.rows_per_block;
        Some((rows, starts_block))
    }
}

/// Rows that are stored together: a record batch, or a row group.
pub struct Piece {
    /// The rows, in order.
    pub(super) parts: Vec<Part>,
    /// Whether a logical block begins here.
    pub(super) starts_block: bool,
    /// How many labels of each column were known when it was complete.
    pub(super) levels: Vec<usize>,
}

/// Some rows of one incoming block.
pub(super) struct Part {
    block: Block,
    /// How to translate the codes of each column.
    recodes: Vec<Recode>,
}

impl Gather {
    /// For columns whose known levels keep their codes.
    pub(super) fn new(schema: &Schema, piece_rows: RangeInclusive<usize>, rows_per_block: u64) -> Self {
        let interners = known_levels(schema);
        let cutter = Cutter::new(piece_rows, rows_per_block);
        Gather { interners, waiting: Vec::new(), waiting_rows: 0, cutter }
    }

    /// Takes in a block, and gives out the pieces that are complete.
    pub(super) fn admit(&mut self, block: Block, schema: &Schema) -> Vec<Piece> {
        let part = Part::new(block, schema, &mut self.interners);
        self.waiting_rows += part.rows();
        self.waiting.push(part);
        self.cut(false)
    }

    /// The rows that still wait.
    pub(super) fn rest(&mut self) -> Vec<Piece> {
        self.cut(true)
    }

    /// So many first labels of each column, in the order of their codes.
    pub(super) fn labels(&self, counts: &[usize]) -> Vec<Vec<String>> {
        self.interners.iter().zip(counts).map(|(interner, &n)| interner.labels()[..n].to_vec()).collect()
    }

    /// The labels of each column, in the order of their codes.
    pub(super) fn into_levels(self) -> Vec<Vec<String>> {
        self.interners.into_iter().map(Interner::into_labels).collect()
    }

    fn cut(&mut self, all: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some((rows, starts_block)) = self.cutter.next(self.waiting_rows, all) {
            let levels = self.interners.iter().map(|interner| interner.labels().len()).collect();
            pieces.push(Piece { parts: self.take(rows), starts_block, levels });
        }
        pieces
    }

    /// The first rows of those waiting.
    fn take(&mut self, rows: usize) -> Vec<Part> {
        self.waiting_rows -= rows;
        let mut missing = rows;
        let whole = self.waiting.iter().take_while(|part| {
            let fits = part.block.rows <= missing;
            missing -= if fits { part.block.rows } else { 0 };
            fits
        });
        let mut taken: Vec<Part> = {
            let n = whole.count();
            self.waiting.drain(..n).collect()
        };
        if missing > 0
            && let Some(first) = self.waiting.first_mut()
        {
            taken.push(Part { block: first.block.slice(0, missing), recodes: first.recodes.clone() });
            first.block = first.block.slice(missing, first.block.rows - missing);
        }
        taken
    }
}

impl Piece {
    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.parts.iter().map(Part::rows).sum()
    }
}

/// One interner a column, which knows the levels that the schema does.
pub(super) fn known_levels(schema: &Schema) -> Vec<Interner> {
    let interner = |f: &crate::Field| f.levels.as_ref().map_or_else(Interner::default, |l| Interner::with_labels(l));
    schema.fields.iter().map(interner).collect()
}

impl Part {
    /// A block whose new levels get the next codes.
    pub(super) fn new(block: Block, schema: &Schema, interners: &mut [Interner]) -> Self {
        let columns = block.columns.iter().zip(&schema.fields).zip(interners);
        let recodes = columns.map(|((column, field), interner)| match (column, &field.kind) {
            (Column::Dict { labels, .. }, Kind::Factor { .. }) => interner.table(labels),
            _ => Recode::Same,
        });
        let recodes = recodes.collect();
        Part { block, recodes }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.block.rows
    }

    /// The values of a column as they came.
    pub(super) fn column(&self, j: usize) -> &Column {
        &self.block.columns[j]
    }

    /// The values of a column; those of a factor as codes that all parts agree on.
    pub(super) fn recoded(&self, j: usize, kind: &Kind) -> Column {
        match (self.column(j), kind, &self.recodes[j]) {
            (Column::Dict { codes, .. }, Kind::Factor { .. }, Recode::Same) => Column::I32(codes.clone()),
            (Column::Dict { codes, .. }, Kind::Factor { .. }, recode) => {
                Column::I32(codes.iter().map(|&c| recode.code(c)).collect())
            }
            (column, ..) => column.clone(),
        }
    }
}

/// A block of no rows would never end.
pub(super) fn check_rows_per_block(rows: Option<u64>) -> Result<()> {
    match rows {
        Some(0) => Err(Error::new(ErrorKind::Argument, "A block cannot have 0 rows.")
            .hint("Pass a positive number of rows per block.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::Source;
    use crate::testing::every_kind;

    /// The rows of each piece, and whether it starts a block.
    fn cuts(block_rows: usize, pieces: RangeInclusive<usize>, rows_per_block: u64) -> Vec<(usize, bool)> {
        let table = every_kind(1000).with_block_rows(block_rows);
        let mut gather = Gather::new(table.schema(), pieces, rows_per_block);
        let scan = table.scan(&(0..table.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        let mut all = Vec::new();
        while let Some(block) = scan.next().unwrap() {
            all.extend(gather.admit(block, table.schema()));
        }
        all.extend(gather.rest());
        all.iter().map(|p| (p.rows(), p.starts_block)).collect()
    }

    #[test]
    fn no_piece_crosses_the_end_of_a_logical_block() {
        assert_eq!(
            cuts(300, 200..=200, 450),
            [(200, true), (200, false), (50, false), (200, true), (200, false), (50, false), (100, true)]
        );
        assert_eq!(cuts(7, 400..=400, 400), [(400, true), (400, true), (200, true)]);
        assert_eq!(cuts(1000, 1..=5000, 1000), [(1000, true)]);
    }

    #[test]
    fn small_blocks_wait_for_more() {
        let pieces = cuts(10, 100..=200, 5000);
        assert_eq!(pieces.len(), 10);
        assert!(pieces.iter().all(|&(rows, _)| rows == 100));
    }
}

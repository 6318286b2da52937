//! Sorted rows as a source.

use super::distinct::DistinctCursor;
use super::items::Item;
use super::key::Keys;
use super::merge::{Merge, Reading};
use super::pack::Packing;
use super::piece::{Cursor, Piece, gather};
use super::spill::{Chunk, Run, Spill, spilled};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Schema};
use crate::source::{Scan, Source};
use std::sync::{Arc, Mutex};

/// Where sorted rows are.
pub enum Rows {
    /// In memory, and their order.
    Memory {
        /// The blocks as they were read.
        parts: Arc<[Arc<Block>]>,
        /// Sorted.
        items: Vec<Item>,
    },
    /// In a file, as sorted runs.
    Runs {
        /// The file.
        spill: Arc<Spill>,
        /// Rows of equal keys come in the order of the runs.
        runs: Vec<Arc<Run>>,
    },
}

/// Whether only the first row of every key is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distinct {
    /// All rows.
    No,
    /// The first ones.
    Yes,
    /// The first ones, and how many there are, in a column of this name behind the others.
    Counted(String),
}

/// Rows in the order of their keys. Any number of scans may be made.
pub struct Ordered {
    schema: Arc<Schema>,
    /// Those of the rows, without the count.
    stored: Arc<Schema>,
    keys: Arc<Keys>,
    packing: Arc<Packing>,
    rows: Rows,
    distinct: Distinct,
    piece_rows: usize,
}

impl Ordered {
    /// Rows that are sorted by these keys, `piece_rows` of them a block.
    pub fn new(
        schema: Schema,
        keys: Keys,
        packing: Packing,
        rows: Rows,
        distinct: Distinct,
        piece_rows: usize,
    ) -> Result<Self> {
        let stored = Arc::new(schema.clone());
        let mut schema = schema;
        if let Distinct::Counted(name) = &distinct {
            if schema.fields.iter().any(|field| field.name == *name) {
                let message = format!("The data have a column '{name}' already.");
                return Err(Error::new(ErrorKind::Argument, message).column(name).hint("Choose another `dupFreqVar`."));
            }
            schema.fields.push(Field::new(name, Kind::Integer));
        }
        let (keys, packing, schema) = (Arc::new(keys), Arc::new(packing), Arc::new(schema));
        Ok(Ordered { schema, stored, keys, packing, rows, distinct, piece_rows: piece_rows.max(1) })
    }

    /// The columns that the rows are sorted by.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// How their heads are made.
    pub fn packing(&self) -> &Arc<Packing> {
        &self.packing
    }

    /// Rows of a block, at most.
    pub fn piece_rows(&self) -> usize {
        self.piece_rows
    }

    /// The rows in order, from the first one on.
    pub fn cursor(&self) -> Box<dyn Cursor + '_> {
        let all: Box<dyn Cursor + '_> = match &self.rows {
            Rows::Memory { parts, items } => Box::new(InMemory { parts: parts.clone(), items }),
            Rows::Runs { spill, runs } => Box::new(Merge::new(
                Reading {
                    spill: spill.clone(),
                    schema: self.stored.clone(),
                    keys: self.keys.clone(),
                    packing: self.packing.clone(),
                },
                runs,
            )),
        };
        match self.distinct {
            Distinct::No => all,
            _ => Box::new(DistinctCursor::new(all, &self.keys, &self.packing)),
        }
    }

    /// The values of column `j` of a piece.
    pub fn column(&self, piece: &Piece, j: usize) -> Result<Column> {
        match self.stored.fields.get(j) {
            Some(field) => gather(field, &piece.parts, j, &piece.ids),
            None => {
                let counts = piece.counts.iter().map(|&count| {
                    i32::try_from(count).map_err(|_| {
                        let message = format!("{count} rows have the same key, which is more than an integer counts.");
                        Error::new(ErrorKind::Value, message).hint("Leave out `dupFreqVar`.")
                    })
                });
                Ok(Column::I32(counts.collect::<Result<Vec<_>>>()?.into()))
            }
        }
    }

    /// Writes a piece to a file of runs.
    pub fn spill(&self, piece: &Piece, spill: &Spill) -> Result<Chunk> {
        let columns = (0..self.stored.fields.len())
            .map(|j| Ok(spilled(&self.stored.fields[j], self.column(piece, j)?)))
            .collect::<Result<Vec<_>>>()?;
        spill.write(piece.ids.len(), &columns)
    }
}

/// Rows whose order is known.
struct InMemory<'a> {
    parts: Arc<[Arc<Block>]>,
    items: &'a [Item],
}

impl Cursor for InMemory<'_> {
    fn next(&mut self, rows: usize) -> Result<Option<Piece>> {
        let (taken, rest) = self.items.split_at(rows.min(self.items.len()));
        self.items = rest;
        let ids = taken.iter().map(|item| item.id).collect();
        let heads = taken.iter().map(|item| item.head).collect();
        Ok((!taken.is_empty()).then(|| Piece { parts: self.parts.clone(), ids, heads, ..Piece::default() }))
    }
}

impl Source for Ordered {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        match (&self.distinct, &self.rows) {
            (Distinct::No, Rows::Memory { items, .. }) => Some(items.len() as u64),
            (Distinct::No, Rows::Runs { runs, .. }) => Some(runs.iter().map(|run| run.rows()).sum()),
            _ => None,
        }
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let place = Mutex::new((self.cursor(), 0));
        Ok(Box::new(OrderedScan { ordered: self, columns: columns.to_vec(), place }))
    }
}

struct OrderedScan<'a> {
    ordered: &'a Ordered,
    columns: Vec<usize>,
    /// The rows that are left, and the number of their first block.
    place: Mutex<(Box<dyn Cursor + 'a>, usize)>,
}

impl Scan for OrderedScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let (mut piece, index) = {
            let mut place = self.place.lock().map_err(|_| Error::internal("sorted rows were poisoned"))?;
            let Some(piece) = place.0.next(self.ordered.piece_rows)? else { return Ok(None) };
            place.1 += 1;
            (piece, place.1 - 1)
        };
        piece.read_ahead();
        let columns = self.columns.iter().map(|&j| self.ordered.column(&piece, j)).collect::<Result<_>>()?;
        Ok(Some(Block { index, rows: piece.ids.len(), columns }))
    }
}

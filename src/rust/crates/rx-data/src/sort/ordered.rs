//! Sorted rows as a source.

use super::distinct::DistinctCursor;
use super::gather::{gather, shared_labels};
use super::items::Items;
use super::key::Keys;
use super::merge::{Merge, Reading};
use super::pack::Packing;
use super::piece::{Cursor, Part, Piece};
use super::spill::{Chunk, Run, Spill, spilled};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Labels, Schema};
use crate::source::{Scan, Source};
use std::sync::{Arc, Mutex};

/// Where sorted rows are.
pub enum Rows {
    /// In memory, and their order.
    Memory {
        /// The blocks as they were read.
        parts: Arc<[Arc<Part>]>,
        /// Sorted.
        items: Items,
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
            Rows::Memory { parts, items } => Box::new(InMemory { parts: parts.clone(), items, next: 0 }),
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

    /// The values of some columns of a piece.
    fn columns(&self, piece: &Piece, wanted: &[usize]) -> Result<Vec<Column>> {
        let fields = &self.stored.fields;
        let stored: Vec<usize> = wanted.iter().copied().filter(|&j| j < fields.len()).collect();
        let mut columns = gather(fields, &piece.parts, &stored, &piece.ids)?;
        for i in (0..wanted.len()).filter(|&i| wanted[i] >= fields.len()) {
            columns.insert(i, counted(piece)?);
        }
        Ok(columns)
    }

    /// Writes a piece to a file of runs.
    pub fn spill(&self, piece: &Piece, spill: &Spill) -> Result<Chunk> {
        let fields = &self.stored.fields;
        let columns = self.columns(piece, &(0..fields.len()).collect::<Vec<_>>())?;
        let columns: Vec<Column> = fields.iter().zip(columns).map(|(field, column)| spilled(field, column)).collect();
        spill.write(piece.ids.len(), &columns)
    }
}

/// How many rows each row of a piece stands for.
fn counted(piece: &Piece) -> Result<Column> {
    let counts = piece.counts.iter().map(|&count| {
        i32::try_from(count).map_err(|_| {
            let message = format!("{count} rows have the same key, which is more than an integer counts.");
            Error::new(ErrorKind::Value, message).hint("Leave out `dupFreqVar`.")
        })
    });
    Ok(Column::I32(counts.collect::<Result<Vec<_>>>()?.into()))
}

/// Rows whose order is known.
struct InMemory<'a> {
    parts: Arc<[Arc<Part>]>,
    items: &'a Items,
    /// The first item that is left.
    next: usize,
}

impl Cursor for InMemory<'_> {
    fn next(&mut self, rows: usize) -> Result<Option<Piece>> {
        let taken = self.next..self.items.len().min(self.next.saturating_add(rows));
        self.next = taken.end;
        let none = taken.is_empty();
        let (heads, ids) = taken.map(|i| self.items.get(i)).unzip();
        Ok((!none).then(|| Piece { parts: self.parts.clone(), ids, heads, ..Piece::default() }))
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

    fn labels(&self, column: usize) -> Option<Labels> {
        match &self.rows {
            Rows::Memory { parts, .. } => shared_labels(parts.iter().map(|part| part.columns.get(column))).cloned(),
            Rows::Runs { .. } => None,
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
        let columns = self.ordered.columns(&piece, &self.columns)?;
        Ok(Some(Block { index, rows: piece.ids.len(), columns }))
    }
}

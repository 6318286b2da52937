//! Collects blocks for a data frame.

use super::Sink;
use super::gather::known_levels;
use crate::block::Block;
use crate::column::{Column, NA_F64, NA_I32, NA_I64, is_na_f32};
use crate::error::{Error, ErrorKind, Result};
use crate::interner::{Interner, Recode};
use crate::schema::{Field, Labels, Schema};
use std::sync::{Arc, Mutex};

/// Largest integer that a double holds together with all smaller ones.
const EXACT: u64 = 1 << 53;

/// Memory of the caller's for the values of a column, as R has them.
pub enum Room<'a> {
    /// Integers, logicals, codes.
    Integers(&'a mut [i32]),
    /// Numbers, dates, times.
    Doubles(&'a mut [f64]),
    /// Text by its labels, each of which is a word.
    Words(&'a mut [usize], &'a Words),
}

/// What the caller has for labels in place of their codes, as the addresses of strings.
pub struct Words {
    /// The labels that all blocks must have.
    pub labels: Labels,
    /// One a label.
    pub words: Vec<usize>,
    /// That of a missing value.
    pub missing: usize,
}

impl Words {
    /// Puts the words of codes into their places.
    pub fn put(&self, codes: &[i32], to: &mut [usize]) {
        for (place, &code) in to.iter_mut().zip(codes) {
            // The missing code becomes a position that no label has.
            *place = self.words.get((code as usize).wrapping_sub(1)).copied().unwrap_or(self.missing);
        }
    }
}

impl<'a> Room<'a> {
    /// Takes the room of the next rows, if there are as many.
    pub fn take(&mut self, rows: usize) -> Option<Room<'a>> {
        match self {
            Room::Integers(rest) => rest.split_off_mut(..rows).map(Room::Integers),
            Room::Doubles(rest) => rest.split_off_mut(..rows).map(Room::Doubles),
            Room::Words(rest, words) => rest.split_off_mut(..rows).map(|rows| Room::Words(rows, words)),
        }
    }

    /// For how many rows there is room.
    fn rows(&self) -> usize {
        match self {
            Room::Integers(rest) => rest.len(),
            Room::Doubles(rest) => rest.len(),
            Room::Words(rest, _) => rest.len(),
        }
    }

    /// Fills it with the values of a column, of which so many rows come before.
    pub fn fill(self, column: &Column, field: &Field, first_row: usize) -> Result<()> {
        let name = &field.name;
        if self.rows() != column.len() {
            return Err(Error::internal(format!("column '{name}' has not the rows that there is room for")));
        }
        match (self, column) {
            (Room::Integers(to), Column::I32(from) | Column::Dict { codes: from, .. }) => to.copy_from_slice(from),
            (Room::Words(to, words), Column::Dict { codes, labels }) if Arc::ptr_eq(labels, &words.labels) => {
                words.put(codes, to);
            }
            (Room::Doubles(to), Column::F64(from)) => to.copy_from_slice(from),
            (Room::Doubles(to), Column::I32(from)) => {
                widen(from, to, |x| if x == NA_I32 { NA_F64 } else { f64::from(x) });
            }
            (Room::Doubles(to), Column::F32(from)) => {
                widen(from, to, |x| if is_na_f32(x) { NA_F64 } else { f64::from(x) });
            }
            (Room::Doubles(to), Column::I64(from)) => {
                if let Some(i) = from.iter().position(|&x| x != NA_I64 && x.unsigned_abs() > EXACT) {
                    let what = "holds a 64-bit integer beyond 2^53, which a number of R cannot hold exactly.";
                    return Err(Error::new(ErrorKind::Value, format!("Column '{name}' {what}"))
                        .hint("Write the result to a file instead of a data frame.")
                        .row((first_row + i) as u64 + 1)
                        .column(name));
                }
                widen(from, to, |x| if x == NA_I64 { NA_F64 } else { x as f64 });
            }
            _ => return Err(Error::internal(format!("column '{name}' does not hold values of its type")).column(name)),
        }
        Ok(())
    }
}

fn widen<T: Copy>(from: &[T], to: &mut [f64], f: impl Fn(T) -> f64) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = f(from);
    }
}

/// The blocks of a finished [`FrameSink`]: columns in parts, categories in one common coding.
pub struct FrameTable {
    /// The columns, factor levels filled in.
    pub schema: Schema,
    /// The parts of each column, in row order. Categorical parts carry the common labels. A column for which there was
    /// room has none.
    pub columns: Vec<Vec<Column>>,
    /// Number of rows.
    pub rows: usize,
}

/// Keeps blocks in memory until the end, but for columns that have a room of their own: they are filled by the threads
/// that make the blocks.
pub struct FrameSink<'a> {
    schema: Schema,
    place: Mutex<Place<'a>>,
    parts: Mutex<Vec<Block>>,
}

struct Place<'a> {
    /// One a column; used by the categorical ones.
    interners: Vec<Interner>,
    /// What is left of each column's room.
    rooms: Vec<Option<Room<'a>>>,
    /// Rows admitted.
    rows: usize,
}

/// A block, how to translate its codes, and where its values go.
pub struct Admitted<'a> {
    block: Block,
    recodes: Vec<Option<Recode>>,
    rooms: Vec<Option<Room<'a>>>,
    first_row: usize,
}

impl<'a> FrameSink<'a> {
    /// A sink for blocks of these columns.
    pub fn new(schema: Schema) -> Self {
        let rooms = schema.fields.iter().map(|_| None).collect();
        FrameSink::within(schema, rooms)
    }

    /// The same where some columns have a room for exactly the rows that will come.
    pub fn within(schema: Schema, rooms: Vec<Option<Room<'a>>>) -> Self {
        let interners = known_levels(&schema);
        FrameSink { place: Mutex::new(Place { interners, rooms, rows: 0 }), schema, parts: Mutex::default() }
    }
}

impl<'a> Sink for FrameSink<'a> {
    type Admitted = Admitted<'a>;
    type Encoded = Block;
    type Output = FrameTable;

    fn admit(&self, block: Block) -> Result<Admitted<'a>> {
        let mut place = self.place.lock().map_err(|_| poisoned())?;
        let Place { interners, rooms, rows } = &mut *place;
        let recodes = block.columns.iter().zip(interners).zip(&*rooms).map(|((column, interner), room)| match column {
            Column::Dict { labels, .. } if !matches!(room, Some(Room::Words(..))) => Some(interner.table(labels)),
            _ => None,
        });
        let recodes = recodes.collect();
        let rooms = rooms.iter_mut().map(|room| match room {
            None => Ok(None),
            Some(room) => room.take(block.rows).map(Some).ok_or_else(uneven),
        });
        let rooms = rooms.collect::<Result<_>>()?;
        let first_row = *rows;
        *rows += block.rows;
        Ok(Admitted { block, recodes, rooms, first_row })
    }

    fn encode(&self, admitted: Admitted<'a>) -> Result<Block> {
        let Admitted { mut block, recodes, rooms, first_row } = admitted;
        let columns = block.columns.iter_mut().zip(&recodes).zip(rooms).zip(&self.schema.fields);
        for (((column, recode), room), field) in columns {
            if let (Column::Dict { codes, .. }, Some(recode @ Recode::Table(_))) = (&mut *column, recode) {
                *codes = codes.iter().map(|&c| recode.code(c)).collect::<Vec<_>>().into();
            }
            if let Some(room) = room {
                room.fill(column, field, first_row)?;
                *column = column.slice(0, 0);
            }
        }
        Ok(block)
    }

    fn write(&self, block: Block) -> Result<()> {
        self.parts.lock().map_err(|_| poisoned())?.push(block);
        Ok(())
    }

    fn finish(self) -> Result<FrameTable> {
        let (mut schema, place) = (self.schema, self.place.into_inner().map_err(|_| poisoned())?);
        if place.rooms.iter().flatten().any(|room| room.rows() > 0) {
            return Err(uneven());
        }
        let parts = self.parts.into_inner().map_err(|_| poisoned())?;
        let labels: Vec<_> = place.interners.into_iter().map(|i| Arc::new(i.into_labels())).collect();
        let mut columns: Vec<Vec<Column>> = vec![Vec::with_capacity(parts.len()); schema.fields.len()];
        for block in parts {
            for (j, column) in block.columns.into_iter().enumerate().filter(|&(j, _)| place.rooms[j].is_none()) {
                columns[j].push(match column {
                    Column::Dict { codes, .. } => Column::Dict { codes, labels: labels[j].clone() },
                    other => other,
                });
            }
        }
        for (field, labels) in schema.fields.iter_mut().zip(labels) {
            if matches!(field.kind, crate::Kind::Factor { .. }) {
                field.levels = Some(labels);
            }
        }
        Ok(FrameTable { schema, columns, rows: place.rows })
    }
}

fn uneven() -> Error {
    Error::internal("a source has not the number of rows that it told")
}

fn poisoned() -> Error {
    Error::internal("a data frame sink was poisoned")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::schema::Kind;

    fn block(rows: std::ops::Range<i32>, labels: &[&str]) -> Block {
        let labels = Arc::new(labels.iter().map(|l| l.to_string()).collect());
        let wide = Column::I64(rows.clone().map(i64::from).collect());
        let columns = vec![wide, Column::Dict { codes: rows.clone().map(|i| i % 2 + 1).collect(), labels }];
        Block { index: 0, rows: rows.len(), columns }
    }

    fn schema() -> Schema {
        let kinds = [("wide", Kind::Int64), ("f", Kind::Factor { ordered: false })];
        Schema::new(kinds.into_iter().map(|(name, kind)| Field::new(name, kind)).collect())
    }

    fn feed(sink: FrameSink) -> Result<FrameTable> {
        let first = sink.admit(block(0..3, &["b", "a"]))?;
        let second = sink.admit(block(3..5, &["a", "b"]))?;
        // Any order will do.
        let second = sink.encode(second)?;
        sink.write(sink.encode(first)?)?;
        sink.write(second)?;
        sink.finish()
    }

    #[test]
    fn rooms_are_filled_where_rows_belong() {
        let (mut wide, mut codes) = ([0.0; 5], [0; 5]);
        let rooms = vec![Some(Room::Doubles(&mut wide)), Some(Room::Integers(&mut codes))];
        let table = feed(FrameSink::within(schema(), rooms)).unwrap();
        assert_eq!((table.rows, table.columns.iter().map(Vec::len).sum::<usize>()), (5, 0));
        assert_eq!((wide, codes), ([0.0, 1.0, 2.0, 3.0, 4.0], [1, 2, 1, 1, 2]));
        assert_eq!(**table.schema.fields[1].levels.as_ref().unwrap(), ["b", "a"]);
        for rows in [4, 6] {
            let mut wrong = vec![0; rows];
            let rooms = vec![None, Some(Room::Integers(&mut wrong))];
            assert_eq!(feed(FrameSink::within(schema(), rooms)).err().unwrap().kind, ErrorKind::Internal);
        }
    }

    #[test]
    fn words_stand_for_labels() {
        let coded = block(0..3, &["b", "a"]);
        let Column::Dict { labels, .. } = &coded.columns[1] else { unreachable!() };
        let words = Words { labels: labels.clone(), words: vec![70, 80], missing: 90 };
        let schema = Schema::new(vec![Field::new("wide", Kind::Int64), Field::new("text", Kind::Character)]);
        let filled = |block: Block| {
            let mut texts = [0; 3];
            let sink = FrameSink::within(schema.clone(), vec![None, Some(Room::Words(&mut texts, &words))]);
            sink.encode(sink.admit(block)?)?;
            drop(sink);
            Ok(texts)
        };
        assert_eq!(filled(coded.clone()).unwrap(), [70, 80, 70]);
        // The same labels by chance are not enough.
        let error: Error = filled(block(0..3, &["b", "a"])).unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Internal, Some("text")));
        let mut texts = [0; 2];
        words.put(&[2, NA_I32], &mut texts);
        assert_eq!(texts, [80, 90]);
    }

    #[test]
    fn what_a_double_cannot_hold_is_told_with_its_row() {
        let large = Column::I64(vec![1, NA_I64, (1 << 53) + 1].into());
        let mut to = [0.0; 3];
        let error = Room::Doubles(&mut to).fill(&large, &schema().fields[0], 10).unwrap_err();
        assert_eq!((error.kind, error.row, error.column.as_deref()), (ErrorKind::Value, Some(13), Some("wide")));
    }
}

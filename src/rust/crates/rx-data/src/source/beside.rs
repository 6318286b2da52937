//! The columns of two sources side by side.

use super::{Scan, Source};
use crate::block::Block;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Two sources of as many rows: the columns of the first one, then those of the second one. A column of the second one
/// takes the place of one of the same name. Blocks are put together one after the other, since a row's number is known
/// only in order.
pub struct Beside {
    left: Arc<dyn Source>,
    right: Arc<dyn Source>,
    schema: Schema,
    /// Where each column comes from: whether from the right, and its position there.
    places: Vec<(bool, usize)>,
}

impl Beside {
    /// The columns of both.
    pub fn new(left: Arc<dyn Source>, right: Arc<dyn Source>) -> Self {
        let mut schema = left.schema().clone();
        let mut places: Vec<(bool, usize)> = (0..schema.fields.len()).map(|j| (false, j)).collect();
        for (j, field) in right.schema().fields.iter().enumerate() {
            match schema.fields.iter().position(|f| f.name == field.name) {
                Some(known) => (schema.fields[known], places[known]) = (field.clone(), (true, j)),
                None => {
                    schema.fields.push(field.clone());
                    places.push((true, j));
                }
            }
        }
        Beside { left, right, schema, places }
    }
}

impl Source for Beside {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        self.left.rows()
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        self.left.block_rows()
    }

    fn file(&self) -> Option<&Path> {
        self.left.file()
    }

    fn in_turn(&self) -> bool {
        self.left.in_turn() || self.right.in_turn()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let side = |right: bool| -> Vec<usize> {
            columns.iter().map(|&j| self.places[j]).filter(|place| place.0 == right).map(|place| place.1).collect()
        };
        Ok(Box::new(BesideScan {
            left: self.left.scan(&side(false))?,
            right: self.right.scan(&side(true))?,
            sides: columns.iter().map(|&j| self.places[j].0).collect(),
            place: Mutex::new(Place { index: 0, rows: 0, waiting: VecDeque::new() }),
        }))
    }
}

struct BesideScan<'a> {
    left: Box<dyn Scan + 'a>,
    right: Box<dyn Scan + 'a>,
    /// Whether each column is one of the right.
    sides: Vec<bool>,
    place: Mutex<Place>,
}

struct Place {
    /// Blocks handed out.
    index: usize,
    /// Their rows.
    rows: u64,
    /// Rows of the right that wait for those of the left.
    waiting: VecDeque<Block>,
}

impl Scan for BesideScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let mut place = self.place.lock().map_err(|_| Error::internal("a scan was poisoned"))?;
        let Some(left) = self.left.next()? else {
            let more = place.waiting.iter().any(|b| b.rows > 0) || next_filled(&*self.right)?.is_some();
            return if more { Err(uneven(place.rows, true)) } else { Ok(None) };
        };
        let mut parts = Vec::new();
        let mut missing = left.rows;
        while missing > 0 {
            let block = match place.waiting.pop_front() {
                Some(block) => block,
                None => match next_filled(&*self.right)? {
                    Some(block) => block,
                    None => return Err(uneven(place.rows + (left.rows - missing) as u64, false)),
                },
            };
            let taken = block.rows.min(missing);
            if taken < block.rows {
                place.waiting.push_front(block.slice(taken, block.rows - taken));
            }
            parts.push(block.slice(0, taken));
            missing -= taken;
        }
        place.rows += left.rows as u64;
        place.index += 1;
        let mut right = Block::concat(0, &parts)?.columns.into_iter();
        let (rows, mut left) = (left.rows, left.columns.into_iter());
        let columns = self.sides.iter().filter_map(|&is_right| if is_right { right.next() } else { left.next() });
        Ok(Some(Block { index: place.index - 1, rows, columns: columns.collect() }))
    }
}

fn uneven(rows: u64, more: bool) -> Error {
    let message = if more {
        format!("The new columns have more rows than the file, which has {rows}.")
    } else {
        format!("The new columns have {rows} rows, which are fewer than the file has.")
    };
    Error::new(ErrorKind::Argument, message).hint("Columns can only be put beside as many rows.")
}

/// The next block that has rows.
fn next_filled(scan: &dyn Scan) -> Result<Option<Block>> {
    loop {
        match scan.next()? {
            Some(block) if block.rows == 0 => {}
            other => return Ok(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::source::{Frame, RowNumbers};
    use crate::testing::{every_kind, values};
    use crate::{Column, Field, Kind};

    #[test]
    fn columns_stand_beside_the_rows_they_belong_to() {
        let table = every_kind(1000).with_block_rows(300);
        let all: Vec<usize> = (0..table.schema().fields.len()).collect();
        let expected = values(&table, &all).unwrap();
        let numbers = RowNumbers::new("integer", 1000, 10);
        let both = Beside::new(Arc::new(table), Arc::new(numbers));
        assert_eq!(both.schema().fields.len(), all.len());
        let found = values(&both, &[0, 2, 5]).unwrap();
        assert_eq!((&found[0], &found[2]), (&expected[0], &expected[5]));
        assert_eq!(found[1][999], "1000");
    }

    #[test]
    fn the_number_of_rows_must_be_the_same() {
        let schema = Schema::new(vec![Field::new("x", Kind::Integer)]);
        let frame = || Arc::new(Frame::new(schema.clone(), vec![Column::I32(vec![1, 2, 3].into())], 3).unwrap());
        for rows in [2, 4] {
            let both = Beside::new(frame(), Arc::new(RowNumbers::new("row", rows, 10)));
            assert_eq!(values(&both, &[0, 1]).unwrap_err().kind, ErrorKind::Argument);
        }
    }
}

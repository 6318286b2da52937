//! Rows that are known by their places, and their columns.

use crate::block::Block;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Labels};
use arrow::array::{Array, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use std::sync::Arc;

/// The place of a row that is not there: all its values are missing.
pub const NOWHERE: u64 = u64::MAX;

/// Rows in order, not gathered yet.
#[derive(Default)]
pub struct Piece {
    /// Where the rows are.
    pub parts: Arc<[Arc<Block>]>,
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

/// The values of column `j` of the rows at some places.
pub fn gather(field: &Field, parts: &[Arc<Block>], j: usize, ids: &[u64]) -> Result<Column> {
    let columns: Vec<&Column> = parts.iter().map(|part| &part.columns[j]).collect();
    let mixed = || Error::internal(format!("column '{}' changes its storage", field.name)).column(&field.name);
    macro_rules! pick {
        ($missing:expr, $($pattern:pat => $values:expr),+) => {{
            let slices = columns.iter().map(|column| match column {
                $($pattern => Ok(&$values[..]),)+
                _ => Err(mixed()),
            });
            pick(&slices.collect::<Result<Vec<_>>>()?, ids, $missing)
        }};
    }
    Ok(match (&field.kind, columns.first()) {
        (Kind::Character, _) => match shared_labels(&columns) {
            Some(labels) => {
                let labels = labels.clone();
                Column::Dict { codes: pick!(NA_I32, Column::Dict { codes, .. } => codes).into(), labels }
            }
            None => Column::Str(texts(&columns, ids).ok_or_else(|| too_long(field))?),
        },
        (Kind::Factor { .. }, _) => Column::Dict {
            codes: pick!(NA_I32, Column::Dict { codes, .. } => codes, Column::I32(codes) => codes).into(),
            labels: field.levels.clone().unwrap_or_default(),
        },
        (_, Some(Column::I32(_))) => Column::I32(pick!(NA_I32, Column::I32(v) => v).into()),
        (_, Some(Column::I64(_))) => Column::I64(pick!(NA_I64, Column::I64(v) => v).into()),
        (_, Some(Column::F32(_))) => Column::F32(pick!(NA_F32, Column::F32(v) => v).into()),
        (_, Some(Column::F64(_))) => Column::F64(pick!(NA_F64, Column::F64(v) => v).into()),
        // No part at all: the rows are nowhere.
        (Kind::Logical | Kind::Int16 | Kind::Integer, None) => Column::I32(vec![NA_I32; ids.len()].into()),
        (Kind::Int64, None) => Column::I64(vec![NA_I64; ids.len()].into()),
        (Kind::Float32, None) => Column::F32(vec![NA_F32; ids.len()].into()),
        (_, None) => Column::F64(vec![NA_F64; ids.len()].into()),
        _ => return Err(mixed()),
    })
}

fn pick<T: Copy>(parts: &[&[T]], ids: &[u64], missing: T) -> Vec<T> {
    let value = |&id: &u64| if id == NOWHERE { missing } else { parts[(id >> 32) as usize][id as u32 as usize] };
    ids.iter().map(value).collect()
}

/// The dictionary that all columns share, if they do.
fn shared_labels<'a>(columns: &[&'a Column]) -> Option<&'a Labels> {
    let mut labels = columns.iter().map(|column| match column {
        Column::Dict { labels, .. } => Some(labels),
        _ => None,
    });
    let first = labels.next()??;
    labels.all(|labels| labels.is_some_and(|labels| Arc::ptr_eq(labels, first))).then_some(first)
}

/// The texts of some places; none if they are too long for one column.
fn texts(columns: &[&Column], ids: &[u64]) -> Option<StringArray> {
    let text = |id: u64| {
        if id == NOWHERE {
            return None;
        }
        let row = id as u32 as usize;
        match columns[(id >> 32) as usize] {
            Column::Str(v) => v.is_valid(row).then(|| v.value(row)),
            Column::Dict { codes, labels } => (codes[row] != NA_I32).then(|| labels[codes[row] as usize - 1].as_str()),
            _ => None,
        }
    };
    let mut offsets = Vec::with_capacity(ids.len() + 1);
    let mut end = 0_i32;
    offsets.push(0);
    for &id in ids {
        end = end.checked_add(i32::try_from(text(id).map_or(0, str::len)).ok()?)?;
        offsets.push(end);
    }
    let mut bytes = Vec::with_capacity(end as usize);
    let mut valid = Vec::with_capacity(ids.len());
    for &id in ids {
        let text = text(id);
        valid.push(text.is_some());
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    Some(StringArray::new(OffsetBuffer::new(offsets.into()), Buffer::from(bytes), nulls))
}

fn too_long(field: &Field) -> Error {
    let message = format!("Column '{}' has texts that are too long to be moved together.", field.name);
    Error::new(ErrorKind::Value, message).column(&field.name)
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
    use crate::{Schema, Source, testing};

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

    #[test]
    fn rows_of_every_kind_are_gathered() {
        let table = every_kind(40).with_block_rows(16);
        let scan = table.scan(&(0..table.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        let mut parts = Vec::new();
        while let Some(block) = scan.next().unwrap() {
            parts.push(Arc::new(block));
        }
        let ids = [(2, 7), (0, 0), (1, 15), (0, 3), (2, 0)].map(|(part, row): (u64, u64)| part << 32 | row);
        let all = testing::values(&table, &(0..table.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        for (j, field) in table.schema().fields.iter().enumerate() {
            let column = gather(field, &parts, j, &[&ids[..], &[NOWHERE]].concat()).unwrap();
            let frame = Frame::new(Schema::new(vec![field.clone()]), vec![column], 6).unwrap();
            let expected: Vec<&str> = [39, 0, 31, 3, 32].iter().map(|&i| all[j][i].as_str()).collect();
            // Factors without agreed levels have none here.
            if !(matches!(field.kind, Kind::Factor { .. }) && field.levels.is_none()) {
                assert_eq!(testing::values(&frame, &[0]).unwrap()[0], [&expected[..], &["missing"]].concat());
            }
        }
    }
}

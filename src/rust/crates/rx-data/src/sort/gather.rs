//! The columns of rows that are known by their places.

use super::piece::{NOWHERE, Part};
use super::records;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Labels};
use arrow::array::{Array, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use std::sync::Arc;

/// The values of the wanted columns of the rows at some places; the fields are those of all columns of the parts.
pub fn gather(fields: &[Field], parts: &[Arc<Part>], wanted: &[usize], ids: &[u64]) -> Result<Vec<Column>> {
    let columns = wanted.iter().zip(records::read(parts, wanted, ids));
    columns.map(|(&j, read)| read.map_or_else(|| column(&fields[j], parts, j, ids), Ok)).collect()
}

/// The values of column `j`.
fn column(field: &Field, parts: &[Arc<Part>], j: usize, ids: &[u64]) -> Result<Column> {
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
        (Kind::Character, _) => match shared_labels(columns.iter().copied().map(Some)) {
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

/// The dictionary that all columns share, if they are there and do.
pub(super) fn shared_labels<'a>(columns: impl IntoIterator<Item = Option<&'a Column>>) -> Option<&'a Labels> {
    let mut labels = columns.into_iter().map(|column| match column {
        Some(Column::Dict { labels, .. }) => Some(labels),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::source::Frame;
    use crate::testing::every_kind;
    use crate::{Schema, Source, testing};

    #[test]
    fn rows_of_every_kind_are_gathered() {
        let table = every_kind(40).with_block_rows(16);
        let scan = table.scan(&(0..table.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        let mut parts = Vec::new();
        while let Some(block) = scan.next().unwrap() {
            parts.push(Arc::new(Part::from(block)));
        }
        let ids = [(2, 7), (0, 0), (1, 15), (0, 3), (2, 0)].map(|(part, row): (u64, u64)| part << 32 | row);
        let all = testing::values(&table, &(0..table.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        for (j, field) in table.schema().fields.iter().enumerate() {
            let column = column(field, &parts, j, &[&ids[..], &[NOWHERE]].concat()).unwrap();
            let frame = Frame::new(Schema::new(vec![field.clone()]), vec![column], 6).unwrap();
            let expected: Vec<&str> = [39, 0, 31, 3, 32].iter().map(|&i| all[j][i].as_str()).collect();
            // Factors without agreed levels have none here.
            if !(matches!(field.kind, Kind::Factor { .. }) && field.levels.is_none()) {
                assert_eq!(testing::values(&frame, &[0]).unwrap()[0], [&expected[..], &["missing"]].concat());
            }
        }
    }
}

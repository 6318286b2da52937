//! Rows with the values of each side by side: a row in any place is fetched from memory at once, not column by column.

use super::gather::shared_labels;
use super::piece::{NOWHERE, Part};
use crate::block::Block;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64};
use crate::schema::{Field, Kind, Labels};
use rayon::prelude::*;
use std::sync::Arc;

/// Records are made and read by so many: they stay in a core's cache.
const BATCH: usize = 1 << 10;
/// Fewer rows are in the cache anyway.
const LEAST_ROWS: usize = 1 << 16;

/// The rows of a block.
pub(super) struct Records {
    layout: Arc<Layout>,
    bytes: Vec<u8>,
}

/// What a record is made of.
struct Layout {
    /// One a column; none for text, which has no fixed length.
    places: Vec<Option<Place>>,
    /// The length of a record.
    bytes: usize,
    /// The record of a row that is not there.
    missing: Vec<u8>,
}

/// Where the values of a column are in a record, and what they are.
struct Place {
    from: usize,
    values: Values,
}

enum Values {
    I32,
    I64,
    F32,
    F64,
    /// Codes below 2^8, a missing one as 0; the like for the others.
    Codes8(Labels),
    Codes16(Labels),
    Codes32(Labels),
}

impl Values {
    /// Those of column `j` of all parts, if they are alike.
    fn of(field: &Field, parts: &[Arc<Part>], j: usize) -> Option<Values> {
        let codes = |labels: Labels| match labels.len() {
            0..0x100 => Values::Codes8(labels),
            0x100..0x1_0000 => Values::Codes16(labels),
            _ => Values::Codes32(labels),
        };
        let columns: Vec<&Column> = parts.iter().map(|part| &part.columns[j]).collect();
        let values = match (&field.kind, columns.first()?) {
            (Kind::Character, _) => return shared_labels(columns.iter().copied().map(Some)).cloned().map(codes),
            (Kind::Factor { .. }, Column::Dict { .. }) => codes(field.levels.clone()?),
            (Kind::Factor { .. }, _) => return None,
            (_, Column::I32(_)) => Values::I32,
            (_, Column::I64(_)) => Values::I64,
            (_, Column::F32(_)) => Values::F32,
            (_, Column::F64(_)) => Values::F64,
            _ => return None,
        };
        let alike = |column: &&Column| std::mem::discriminant(*column) == std::mem::discriminant(columns[0]);
        columns.iter().all(alike).then_some(values)
    }

    fn bytes(&self) -> usize {
        match self {
            Values::I64 | Values::F64 => 8,
            Values::I32 | Values::F32 | Values::Codes32(_) => 4,
            Values::Codes16(_) => 2,
            Values::Codes8(_) => 1,
        }
    }

    /// One value, which is missing.
    fn missing(&self) -> Column {
        match self {
            Values::I32 => Column::I32(vec![NA_I32].into()),
            Values::I64 => Column::I64(vec![NA_I64].into()),
            Values::F32 => Column::F32(vec![NA_F32].into()),
            Values::F64 => Column::F64(vec![NA_F64].into()),
            Values::Codes8(labels) | Values::Codes16(labels) | Values::Codes32(labels) => {
                Column::Dict { codes: vec![NA_I32].into(), labels: labels.clone() }
            }
        }
    }
}

impl Layout {
    /// For parts whose columns are of these fields; none if records would gain nothing.
    fn new(fields: &[Field], parts: &[Arc<Part>]) -> Option<Layout> {
        let mut bytes = 0;
        let places = fields.iter().enumerate().map(|(j, field)| {
            let values = Values::of(field, parts, j)?;
            bytes += values.bytes();
            Some(Place { from: bytes - values.bytes(), values })
        });
        let places: Vec<Option<Place>> = places.collect();
        let mut layout = Layout { places, bytes, missing: vec![0; bytes] };
        let mut missing = vec![0; bytes];
        for place in layout.places.iter().flatten() {
            place.put(&place.values.missing(), 0..1, &mut missing, bytes);
        }
        layout.missing = missing;
        (layout.places.iter().flatten().count() > 1).then_some(layout)
    }
}

impl Place {
    /// Puts some values of a column into their records.
    fn put(&self, column: &Column, rows: std::ops::Range<usize>, records: &mut [u8], bytes: usize) {
        macro_rules! put {
            ($values:expr, $stored:expr) => {
                for (record, &value) in records.chunks_exact_mut(bytes).zip(&$values[rows]) {
                    if let Some(place) = record[self.from..].first_chunk_mut() {
                        *place = $stored(value).to_ne_bytes();
                    }
                }
            };
        }
        // The missing code is negative.
        match (&self.values, column) {
            (Values::Codes8(_), Column::Dict { codes, .. }) => put!(codes, |code: i32| code.max(0) as u8),
            (Values::Codes16(_), Column::Dict { codes, .. }) => put!(codes, |code: i32| code.max(0) as u16),
            (_, Column::I32(v) | Column::Dict { codes: v, .. }) => put!(v, |value: i32| value),
            (_, Column::I64(v)) => put!(v, |value: i64| value),
            (_, Column::F32(v)) => put!(v, |value: f32| value),
            (_, Column::F64(v)) => put!(v, |value: f64| value),
            (_, Column::Str(_)) => {}
        }
    }
}

impl Records {
    fn new(block: &Block, layout: &Arc<Layout>) -> Records {
        let mut bytes = vec![0; block.rows * layout.bytes];
        for (i, batch) in bytes.chunks_mut(BATCH * layout.bytes).enumerate() {
            let rows = i * BATCH..i * BATCH + batch.len() / layout.bytes;
            for (place, column) in layout.places.iter().zip(&block.columns) {
                if let Some(place) = place {
                    place.put(column, rows.clone(), batch, layout.bytes);
                }
            }
        }
        Records { layout: layout.clone(), bytes }
    }
}

/// Makes records of all parts, on all threads, if they take no more than so many bytes.
pub fn with_records(fields: &[Field], parts: Arc<[Arc<Part>]>, room: u64) -> Arc<[Arc<Part>]> {
    let rows: usize = parts.iter().map(|part| part.rows).sum();
    let layout = Layout::new(fields, &parts).filter(|layout| (rows * layout.bytes) as u64 <= room);
    match layout.filter(|_| rows >= LEAST_ROWS).map(Arc::new) {
        None => parts,
        Some(layout) => {
            let with = |part: &Arc<Part>| Arc::new(part.with_records(Records::new(part, &layout)));
            parts.par_iter().map(with).collect::<Vec<_>>().into()
        }
    }
}

/// The wanted columns of the rows at some places; none for those that are not in the records, which may be all.
pub(super) fn read(parts: &[Arc<Part>], wanted: &[usize], ids: &[u64]) -> Vec<Option<Column>> {
    let records: Option<Vec<&Records>> = parts.iter().map(|part| part.records.as_ref()).collect();
    let Some((records, first)) = records.as_ref().and_then(|records| Some((records, *records.first()?))) else {
        return wanted.iter().map(|_| None).collect();
    };
    let layout = &*first.layout;
    let mut columns: Vec<Option<Reading>> =
        wanted.iter().map(|&j| layout.places[j].as_ref().map(|place| Reading::new(place, ids.len()))).collect();
    let mut batch = vec![0; BATCH.min(ids.len()) * layout.bytes];
    for ids in ids.chunks(BATCH) {
        let batch = &mut batch[..ids.len() * layout.bytes];
        for (to, &id) in batch.chunks_exact_mut(layout.bytes).zip(ids) {
            to.copy_from_slice(match id {
                NOWHERE => &layout.missing,
                _ => &records[(id >> 32) as usize].bytes[id as u32 as usize * layout.bytes..][..layout.bytes],
            });
        }
        columns.iter_mut().flatten().for_each(|column| column.read(batch, layout.bytes));
    }
    columns.into_iter().map(|column| column.map(Reading::into_column)).collect()
}

/// A column while it is read.
struct Reading<'a> {
    place: &'a Place,
    found: Found,
}

enum Found {
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl<'a> Reading<'a> {
    fn new(place: &'a Place, rows: usize) -> Self {
        let found = match place.values {
            Values::I64 => Found::I64(Vec::with_capacity(rows)),
            Values::F32 => Found::F32(Vec::with_capacity(rows)),
            Values::F64 => Found::F64(Vec::with_capacity(rows)),
            _ => Found::I32(Vec::with_capacity(rows)),
        };
        Reading { place, found }
    }

    /// Takes the values of some records.
    fn read(&mut self, records: &[u8], bytes: usize) {
        let from = self.place.from;
        macro_rules! read {
            ($to:expr, $stored:ty, $value:expr) => {
                $to.extend(records.chunks_exact(bytes).map(|record| {
                    let bytes = record[from..].first_chunk().copied().unwrap_or_default();
                    $value(<$stored>::from_ne_bytes(bytes))
                }))
            };
        }
        let code = |code: i32| if code == 0 { NA_I32 } else { code };
        match (&mut self.found, &self.place.values) {
            (Found::I32(to), Values::Codes8(_)) => read!(to, u8, |x| code(i32::from(x))),
            (Found::I32(to), Values::Codes16(_)) => read!(to, u16, |x| code(i32::from(x))),
            (Found::I32(to), _) => read!(to, i32, |x| x),
            (Found::I64(to), _) => read!(to, i64, |x| x),
            (Found::F32(to), _) => read!(to, f32, |x| x),
            (Found::F64(to), _) => read!(to, f64, |x| x),
        }
    }

    fn into_column(self) -> Column {
        match (self.found, &self.place.values) {
            (Found::I32(codes), Values::Codes8(labels) | Values::Codes16(labels) | Values::Codes32(labels)) => {
                Column::Dict { codes: codes.into(), labels: labels.clone() }
            }
            (Found::I32(values), _) => Column::I32(values.into()),
            (Found::I64(values), _) => Column::I64(values.into()),
            (Found::F32(values), _) => Column::F32(values.into()),
            (Found::F64(values), _) => Column::F64(values.into()),
        }
    }
}

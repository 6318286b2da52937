//! Rows with the values of each side by side: a row in any place is fetched from memory at once, not column by column.

use super::gather::shared_labels;
use super::items::Items;
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
/// Rows so near to each other are fetched together by columns, too.
const NEAR: u64 = 16;
/// A record is asked for so many rows before it is needed.
const AHEAD: usize = 16;

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
        // The missing code is negative; one that no label has becomes missing, too.
        match (&self.values, column) {
            (Values::Codes8(_), Column::Dict { codes, .. }) => put!(codes, |code: i32| u8::try_from(code).unwrap_or(0)),
            (Values::Codes16(_), Column::Dict { codes, .. }) => {
                put!(codes, |code: i32| u16::try_from(code).unwrap_or(0))
            }
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

/// Makes records of all rows of some parts, on all threads, if that pays for these items, and if they take no more than
/// so many bytes.
pub fn with_records(fields: &[Field], parts: Arc<[Arc<Part>]>, items: &Items, room: u64) -> Arc<[Arc<Part>]> {
    let rows: usize = parts.iter().map(|part| part.rows).sum();
    // Rows that are left out would become records in vain.
    let pays = items.len() >= LEAST_ROWS && items.len() >= rows / 4 && are_scattered(items);
    let layout = if pays { Layout::new(fields, &parts) } else { None };
    match layout.filter(|layout| (rows * layout.bytes) as u64 <= room).map(Arc::new) {
        None => parts,
        Some(layout) => {
            let with = |part: &Arc<Part>| Arc::new(part.with_records(Records::new(part, &layout)));
            parts.par_iter().map(with).collect::<Vec<_>>().into()
        }
    }
}

/// Whether most of some neighbours are far from each other.
fn are_scattered(items: &Items) -> bool {
    let id = |i: usize| items.get(i).1;
    let far: Vec<bool> = (1..items.len()).step_by(997).map(|i| id(i).wrapping_sub(id(i - 1)) > NEAR).collect();
    2 * far.iter().filter(|&&far| far).count() > far.len()
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
    let record = |id: u64| match id {
        NOWHERE => &layout.missing,
        _ => &records[(id >> 32) as usize].bytes[id as u32 as usize * layout.bytes..][..layout.bytes],
    };
    let mut ahead = ids.iter().skip(AHEAD);
    let mut batch = vec![0; BATCH.min(ids.len()) * layout.bytes];
    for ids in ids.chunks(BATCH) {
        let batch = &mut batch[..ids.len() * layout.bytes];
        for (to, &id) in batch.chunks_exact_mut(layout.bytes).zip(ids) {
            ahead.next().into_iter().for_each(|&id| prefetch(record(id)));
            to.copy_from_slice(record(id));
        }
        columns.iter_mut().flatten().for_each(|column| column.read(batch, layout.bytes));
    }
    columns.into_iter().map(|column| column.map(Reading::into_column)).collect()
}

/// Asks the processor for bytes that are needed soon.
fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for byte in [bytes.first(), bytes.last()].into_iter().flatten() {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it is on every x86-64, and reads nothing that could be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::gather::gather;
    use super::*;
    use crate::Source;
    use crate::testing::every_kind;

    /// All rows of a table as parts.
    fn parts_of(source: &dyn Source) -> Arc<[Arc<Part>]> {
        let scan = source.scan(&(0..source.schema().fields.len()).collect::<Vec<_>>()).unwrap();
        std::iter::from_fn(|| scan.next().unwrap()).map(|block| Arc::new(Part::from(block))).collect()
    }

    fn recorded(fields: &[Field], parts: &Arc<[Arc<Part>]>) -> Vec<Arc<Part>> {
        let layout = Arc::new(Layout::new(fields, parts).unwrap());
        parts.iter().map(|part| Arc::new(part.with_records(Records::new(part, &layout)))).collect()
    }

    /// Codes of so many labels, the last ones first, and a missing one.
    fn coded(labels: usize) -> Column {
        let codes = (0..300).map(|i| if i == 7 { NA_I32 } else { (labels - i % labels) as i32 });
        Column::Dict { codes: codes.collect(), labels: Arc::new((0..labels).map(|i| i.to_string()).collect()) }
    }

    #[test]
    fn records_hold_what_columns_hold() {
        let table = every_kind(3000).with_block_rows(1300);
        let (fields, parts) = (&table.schema().fields, parts_of(&table));
        let all: Vec<usize> = (0..fields.len()).collect();
        let id = |i: u64| (i / 1300) << 32 | (i % 1300);
        let mut ids: Vec<u64> = (0..3000).map(|i| id(i * 7919 % 3000)).collect();
        ids[1234] = NOWHERE;
        let with = recorded(fields, &parts);
        let found = read(&with, &all, &ids);
        assert!(found.iter().flatten().count() > 5);
        let expected = gather(fields, &parts, &all, &ids).unwrap();
        assert_eq!(format!("{:?}", gather(fields, &with, &all, &ids).unwrap()), format!("{expected:?}"));
        // Some columns, in any order.
        let some = [all.len() - 1, 2, 0];
        let expected = gather(fields, &parts, &some, &ids).unwrap();
        assert_eq!(format!("{:?}", gather(fields, &with, &some, &ids).unwrap()), format!("{expected:?}"));
    }

    #[test]
    fn codes_take_the_bytes_that_they_need() {
        let fields = ["a", "b"].map(|name| Field::new(name, Kind::Character));
        for (labels, bytes) in [(255, 2), (256, 4), (65_535, 4), (65_536, 8)] {
            let block = Block { index: 0, rows: 300, columns: vec![coded(labels); 2] };
            let parts: Arc<[Arc<Part>]> = [Arc::new(Part::from(block))].into();
            assert_eq!(Layout::new(&fields, &parts).unwrap().bytes, bytes, "{labels} labels");
            let ids: Vec<u64> = (0..300).rev().chain([NOWHERE]).collect();
            let found = gather(&fields, &recorded(&fields, &parts), &[1], &ids).unwrap();
            let expected = gather(&fields, &parts, &[1], &ids).unwrap();
            let codes = |columns: &[Column]| match &columns[0] {
                Column::Dict { codes, .. } => codes.to_vec(),
                _ => unreachable!(),
            };
            assert_eq!(codes(&found), codes(&expected), "{labels} labels");
        }
    }

    #[test]
    fn records_are_made_where_they_pay() {
        use super::super::{Key, Keys, Packing, Profile, Sorts};
        let key = Key {
            column: 0,
            sorts: Sorts::Integers,
            decreasing: false,
            missing_low: true,
            ignore_case: false,
            table: None,
        };
        let fields = ["key", "x", "present"].map(|name| Field::new(name, Kind::Integer));
        let records = |rows: i32, key_of: fn(i32) -> i32, present: Option<usize>, room: u64| {
            let sometimes = |i: i32| if i % 5 == 0 { i } else { NA_I32 };
            let columns =
                vec![(0..rows).map(key_of).collect(), (0..rows).collect(), (0..rows).map(sometimes).collect()];
            let block =
                Block { index: 0, rows: rows as usize, columns: columns.into_iter().map(Column::I32).collect() };
            let parts: Arc<[Arc<Part>]> = [Arc::new(Part::from(block))].into();
            let keys = Keys(vec![key.clone()]);
            let packing = Packing::new(&Profile::of(&parts[0], &keys).unwrap());
            let mut items = Items::new(&parts, &keys, &packing, present).unwrap();
            items.sort(&|| false);
            with_records(&fields, parts, &items, room).iter().all(|part| part.records.is_some())
        };
        let (rows, scattered, bytes) = (1 << 17, (|i| i % 1009 * 617 % 1009) as fn(i32) -> i32, 12 << 17);
        assert!(records(rows, scattered, None, bytes));
        assert!(!records(rows, scattered, None, bytes - 1));
        assert!(!records(1000, scattered, None, bytes));
        assert!(!records(rows, |i| i / 3, None, bytes));
        assert!(!records(1 << 19, scattered, Some(2), u64::MAX));
    }
}

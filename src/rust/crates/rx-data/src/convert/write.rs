//! Columns to Arrow arrays: the missing codes become nulls.

use super::read::units;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64, is_na_f32, is_na_f64};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind};
use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

/// A column as a file stores it.
pub struct Stored {
    /// The values; the keys alone, counted from 0, for a factor.
    pub array: ArrayRef,
    /// The very doubles of a date or time, where the array cannot hold them: parts of a day, of a microsecond, NaN.
    pub exact: Option<ScalarBuffer<f64>>,
}

impl From<ArrayRef> for Stored {
    fn from(array: ArrayRef) -> Self {
        Stored { array, exact: None }
    }
}

/// The array that stores a column of this field. Numbers of 32 and 64 bits are not copied: what stands under their nulls
/// is the missing code. Values may be of a narrower type than the field's.
pub fn array_from_column(column: &Column, field: &Field) -> Result<Stored> {
    let stored: ArrayRef = match (&field.kind, column) {
        (Kind::Logical, Column::I32(v)) => {
            let bits = BooleanBuffer::collect_bool(v.len(), |i| v[i] != 0);
            Arc::new(BooleanArray::new(bits, nulls(v, |&x| x == NA_I32)))
        }
        (Kind::Int16, Column::I32(v)) => Arc::new(Int16Array::new(int16(v, field)?, nulls(v, |&x| x == NA_I32))),
        (Kind::Integer, Column::I32(v)) => Arc::new(Int32Array::new(v.clone(), nulls(v, |&x| x == NA_I32))),
        (Kind::Int64, Column::I64(v)) => Arc::new(Int64Array::new(v.clone(), nulls(v, |&x| x == NA_I64))),
        (Kind::Int64, Column::I32(v)) => {
            let wide = v.iter().map(|&x| if x == NA_I32 { NA_I64 } else { i64::from(x) }).collect();
            Arc::new(Int64Array::new(wide, nulls(v, |&x| x == NA_I32)))
        }
        (Kind::Float32, Column::F32(v)) => Arc::new(Float32Array::new(v.clone(), nulls(v, |&x| is_na_f32(x)))),
        (Kind::Float32, Column::F64(v)) => {
            let narrow = v.iter().map(|&x| if is_na_f64(x) { NA_F32 } else { x as f32 }).collect();
            Arc::new(Float32Array::new(narrow, nulls(v, |&x| is_na_f64(x))))
        }
        (Kind::Numeric, _) => {
            let values = doubles(column).ok_or_else(|| misfit(field))?;
            let nulls = nulls(&values, |&x| is_na_f64(x));
            Arc::new(Float64Array::new(values, nulls))
        }
        (Kind::Date, _) => return doubles(column).map(dates).ok_or_else(|| misfit(field)),
        (Kind::DateTime { tz }, _) => {
            let tz = tz.as_deref().unwrap_or("UTC");
            return doubles(column).map(|values| times(values, tz)).ok_or_else(|| misfit(field));
        }
        (Kind::Character, Column::Str(v)) => Arc::new(compact(v)),
        (Kind::Character, Column::Dict { .. }) => return array_from_column(&column.clone().spelled_out(), field),
        (Kind::Factor { .. }, Column::Dict { codes, .. } | Column::I32(codes)) => {
            // Some readers look at keys under nulls: these must be keys too.
            let keys = codes.iter().map(|&c| if c == NA_I32 { 0 } else { c - 1 }).collect();
            Arc::new(Int32Array::new(keys, nulls(codes, |&c| c == NA_I32)))
        }
        _ => return Err(misfit(field)),
    };
    Ok(stored.into())
}

fn misfit(field: &Field) -> Error {
    let message = format!("Column '{}' has values that do not fit its type {}.", field.name, field.kind.name());
    Error::new(ErrorKind::WrongType, message).column(&field.name)
}

/// The smallest and the largest value that is neither missing nor infinite. None: there is none, or none has a range.
pub fn range(column: &Column) -> Option<(f64, f64)> {
    fn fold<T: Copy>(values: &[T], number: impl Fn(T) -> f64) -> Option<(f64, f64)> {
        const LANES: usize = 8;
        let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut sweep = |values: &[T]| {
            for (k, &value) in values.iter().enumerate() {
                // NaN fails every comparison, and so drops out.
                let x = number(value);
                low[k] = if x < low[k] && x > f64::NEG_INFINITY { x } else { low[k] };
                high[k] = if x > high[k] && x < f64::INFINITY { x } else { high[k] };
            }
        };
        let (lanes, rest) = values.as_chunks::<LANES>();
        lanes.iter().for_each(|lane| sweep(lane));
        sweep(rest);
        let (low, high) =
            (low.into_iter().fold(f64::INFINITY, f64::min), high.into_iter().fold(f64::NEG_INFINITY, f64::max));
        (low <= high).then_some((low, high))
    }
    match column {
        Column::I32(v) => {
            // One less makes the missing code the largest number, so that it is never the smallest.
            let low = v.iter().fold(i32::MAX, |low, &x| low.min(x.wrapping_sub(1))).wrapping_add(1);
            let high = v.iter().fold(NA_I32, |high, &x| high.max(x));
            (high != NA_I32).then(|| (f64::from(low), f64::from(high)))
        }
        Column::I64(v) => fold(v, |x| if x == NA_I64 { f64::NAN } else { x as f64 }),
        Column::F32(v) => fold(v, f64::from),
        Column::F64(v) => fold(v, |x| x),
        Column::Str(_) | Column::Dict { .. } => None,
    }
}

/// The range of two columns together.
pub fn union(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// The bitmap of valid values; none if no value is missing.
fn nulls<T>(values: &[T], missing: impl Fn(&T) -> bool) -> Option<NullBuffer> {
    // No early end: a loop without one is vectorised.
    if !values.iter().fold(false, |any, x| any | missing(x)) {
        return None;
    }
    Some(NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |i| !missing(&values[i]))))
}

fn int16(values: &[i32], field: &Field) -> Result<ScalarBuffer<i16>> {
    let narrow = |&x: &i32| match i16::try_from(x) {
        Ok(narrow) => Ok(narrow),
        Err(_) if x == NA_I32 => Ok(0),
        Err(_) => {
            let message = format!("Column '{}' holds {x}, which is beyond 16-bit integers.", field.name);
            Err(Error::new(ErrorKind::Value, message).column(&field.name).hint("Make its type \"integer\"."))
        }
    };
    Ok(values.iter().map(narrow).collect::<Result<Vec<i16>>>()?.into())
}

/// Numbers as doubles, if that loses nothing.
fn doubles(column: &Column) -> Option<ScalarBuffer<f64>> {
    match column {
        Column::F64(v) => Some(v.clone()),
        Column::F32(v) => Some(v.iter().map(|&x| if is_na_f32(x) { NA_F64 } else { f64::from(x) }).collect()),
        Column::I32(v) => Some(v.iter().map(|&x| if x == NA_I32 { NA_F64 } else { f64::from(x) }).collect()),
        _ => None,
    }
}

/// Whole days; what is not finite becomes null there.
fn dates(values: ScalarBuffer<f64>) -> Stored {
    let day = |x: f64| {
        let day = x.floor();
        (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&day).then_some(day as i32)
    };
    let array = values.iter().map(|&x| day(x)).collect::<Date32Array>();
    let exact = values.iter().any(|&x| !is_na_f64(x) && day(x).map(f64::from) != Some(x));
    Stored { array: Arc::new(array), exact: exact.then_some(values) }
}

/// Microseconds, the nearest ones; what is not finite becomes null there.
fn times(values: ScalarBuffer<f64>, tz: &str) -> Stored {
    let microseconds = |x: f64| {
        let us = (x * 1e6).round();
        (us.abs() < 9.2e18).then_some(us as i64)
    };
    let array = values.iter().map(|&x| microseconds(x)).collect::<TimestampMicrosecondArray>().with_timezone(tz);
    let exact = values.iter().any(|&x| !is_na_f64(x) && microseconds(x).map(|us| units(us, 1_000_000)) != Some(x));
    Stored { array: Arc::new(array), exact: exact.then_some(values) }
}

/// The strings without the rest of the memory that they may be a slice of.
fn compact(strings: &StringArray) -> StringArray {
    let offsets = strings.value_offsets();
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    if first == 0 && last as usize == strings.value_data().len() && strings.nulls().is_none() {
        return strings.clone();
    }
    let moved = OffsetBuffer::new(offsets.iter().map(|o| o - first).collect());
    let bytes = strings.values().slice_with_length(first as usize, (last - first) as usize);
    let nulls = strings.nulls().map(|n| NullBuffer::new(n.iter().collect()));
    StringArray::new(moved, bytes, nulls)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::convert::{Nulls, column_from_array};

    fn store(column: &Column, kind: Kind) -> Stored {
        array_from_column(column, &Field::new("x", kind)).unwrap()
    }

    #[test]
    fn numbers_are_not_copied_and_keep_the_code_under_nulls() {
        let values: ScalarBuffer<f64> = vec![1.0, NA_F64, f64::NAN].into();
        let stored = store(&Column::F64(values.clone()), Kind::Numeric);
        assert_eq!((stored.array.null_count(), stored.array.is_null(1)), (1, true));
        let Column::F64(back) = column_from_array(&stored.array, Nulls::Coded, "x").unwrap() else { panic!() };
        assert_eq!(back.as_ptr(), values.as_ptr());
    }

    #[test]
    fn times_beyond_microseconds_are_kept_apart() {
        let plain = store(&Column::F64(vec![1_357_034_400.123_456, NA_F64, -0.5].into()), Kind::DateTime { tz: None });
        assert!(plain.exact.is_none());
        assert_eq!(plain.array.null_count(), 1);
        let fine = store(&Column::F64(vec![0.1 + 0.2, f64::NAN].into()), Kind::DateTime { tz: None });
        assert_eq!(fine.exact.unwrap()[0], 0.1 + 0.2);
        assert!(store(&Column::F64(vec![15_000.0, -1.0].into()), Kind::Date).exact.is_none());
        assert!(store(&Column::F64(vec![15_000.25].into()), Kind::Date).exact.is_some());
        assert!(store(&Column::F64(vec![f64::INFINITY].into()), Kind::Date).exact.is_some());
    }

    #[test]
    fn ranges_leave_out_missing_and_infinite_values() {
        assert_eq!(range(&Column::F64(vec![NA_F64, 2.0, f64::INFINITY, -1.0, f64::NAN].into())), Some((-1.0, 2.0)));
        assert_eq!(range(&Column::I32(vec![NA_I32, 3, 5].into())), Some((3.0, 5.0)));
        assert_eq!(range(&Column::F32(vec![NA_F32].into())), None);
        assert_eq!(range(&Column::F64(vec![f64::NEG_INFINITY, f64::INFINITY].into())), None);
        assert_eq!(range(&Column::F64(vec![f64::NEG_INFINITY, 3.0].into())), Some((3.0, 3.0)));
    }

    #[test]
    fn sixteen_bits_are_checked() {
        let error = array_from_column(&Column::I32(vec![40_000].into()), &Field::new("x", Kind::Int16));
        assert_eq!(error.err().unwrap().kind, ErrorKind::Value);
    }

    #[test]
    fn slices_of_strings_are_cut_out() {
        let all = StringArray::from(vec![Some("abc"), None, Some("de"), Some("f")]);
        let stored = store(&Column::Str(all.slice(1, 2)), Kind::Character);
        let strings = stored.array.as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!((strings.value_data(), strings.is_null(0), strings.value(1)), (&b"de"[..], true, "de"));
    }
}

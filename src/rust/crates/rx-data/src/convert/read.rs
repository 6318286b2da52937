//! Arrow arrays to columns: nulls become the codes of [`crate::column`].

use super::fields::is_text;
use crate::column::{Column, NA_F32, NA_F64, NA_I32, NA_I64};
use crate::error::{Error, ErrorKind, Result};
use crate::interner::Interner;
use crate::schema::Labels;
use arrow::array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Decimal256Type, TimeUnit};
use std::fmt::Display;
use std::sync::Arc;

/// What stands under the nulls of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Anything: the missing code must be written there.
    Unknown,
    /// The missing code already, as rxscale writes 32- and 64-bit numbers.
    Coded,
}

/// The values of an array as a column. `name` is for messages.
///
/// Integers that equal a missing code without being null become missing, since no R vector can tell them apart.
pub fn column_from_array(array: &dyn Array, nulls: Nulls, name: &str) -> Result<Column> {
    let i32s = |values: Vec<i32>| Ok(Column::I32(values.into()));
    let i64s = |values: Vec<i64>| Ok(Column::I64(values.into()));
    let f64s = |values: Vec<f64>| Ok(Column::F64(values.into()));
    Ok(match array.data_type() {
        DataType::Null => Column::I32(vec![NA_I32; array.len()].into()),
        DataType::Boolean => {
            let bits = array.as_boolean();
            let values = (0..bits.len()).map(|i| if bits.is_null(i) { NA_I32 } else { i32::from(bits.value(i)) });
            Column::I32(values.collect())
        }
        DataType::Int8 => i32s(map(array.as_primitive::<Int8Type>(), NA_I32, i32::from))?,
        DataType::Int16 => i32s(map(array.as_primitive::<Int16Type>(), NA_I32, i32::from))?,
        DataType::UInt8 => i32s(map(array.as_primitive::<UInt8Type>(), NA_I32, i32::from))?,
        DataType::UInt16 => i32s(map(array.as_primitive::<UInt16Type>(), NA_I32, i32::from))?,
        DataType::Int32 => Column::I32(same(array.as_primitive::<Int32Type>(), NA_I32, nulls)),
        DataType::UInt32 => i64s(map(array.as_primitive::<UInt32Type>(), NA_I64, i64::from))?,
        DataType::Int64 => Column::I64(same(array.as_primitive::<Int64Type>(), NA_I64, nulls)),
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            if let Some(row) = (0..values.len()).find(|&i| values.is_valid(i) && values.value(i) > i64::MAX as u64) {
                let value = values.value(row);
                let message = format!("Column '{name}' holds {value}, which is beyond 64-bit integers.");
                let hint = "Store the column as double, or leave it out with varsToDrop.";
                return Err(Error::new(ErrorKind::Value, message).column(name).hint(hint));
            }
            i64s(map(values, NA_I64, |v| v as i64))?
        }
        DataType::Float16 => Column::F32(map(array.as_primitive::<Float16Type>(), NA_F32, |v| v.to_f32()).into()),
        DataType::Float32 => Column::F32(same(array.as_primitive::<Float32Type>(), NA_F32, nulls)),
        DataType::Float64 => Column::F64(same(array.as_primitive::<Float64Type>(), NA_F64, nulls)),
        DataType::Decimal32(_, scale) => f64s(decimals(array.as_primitive::<Decimal32Type>(), *scale))?,
        DataType::Decimal64(_, scale) => f64s(decimals(array.as_primitive::<Decimal64Type>(), *scale))?,
        DataType::Decimal128(_, scale) => f64s(decimals(array.as_primitive::<Decimal128Type>(), *scale))?,
        DataType::Decimal256(_, scale) => f64s(decimals(array.as_primitive::<Decimal256Type>(), *scale))?,
        DataType::Date32 => f64s(map(array.as_primitive::<Date32Type>(), NA_F64, f64::from))?,
        DataType::Date64 => f64s(map(array.as_primitive::<Date64Type>(), NA_F64, |ms| units(ms, 86_400_000)))?,
        DataType::Timestamp(unit, _) => f64s(match unit {
            TimeUnit::Second => map(array.as_primitive::<TimestampSecondType>(), NA_F64, |s| s as f64),
            TimeUnit::Millisecond => {
                map(array.as_primitive::<TimestampMillisecondType>(), NA_F64, |ms| units(ms, 1_000))
            }
            TimeUnit::Microsecond => {
                map(array.as_primitive::<TimestampMicrosecondType>(), NA_F64, |us| units(us, 1_000_000))
            }
            TimeUnit::Nanosecond => {
                map(array.as_primitive::<TimestampNanosecondType>(), NA_F64, |ns| units(ns, 1_000_000_000))
            }
        })?,
        DataType::Utf8 => Column::Str(array.as_string::<i32>().clone()),
        text if is_text(text) => Column::Str(strings(array)?),
        DataType::Dictionary(_, values) if is_text(values) => {
            let encoded = array.as_any_dictionary();
            let dictionary = Dictionary::new(&[encoded.values().clone()])?;
            Column::Dict { codes: dictionary.codes(encoded.keys(), name)?, labels: dictionary.labels }
        }
        other => return Err(cannot_hold(other, name)),
    })
}

/// The error about a type that no column can hold.
pub(crate) fn cannot_hold(data_type: &DataType, name: &str) -> Error {
    Error::new(ErrorKind::WrongType, format!("Column '{name}' has the type {data_type}, which no variable can hold."))
        .column(name)
        .hint(format!("Leave it out: varsToDrop = \"{name}\"."))
}

/// Values in units of 1/n as a double, rounded once.
pub(super) fn units(value: i64, n: i64) -> f64 {
    if value.unsigned_abs() < 1 << 53 {
        value as f64 / n as f64
    } else {
        value.div_euclid(n) as f64 + value.rem_euclid(n) as f64 / n as f64
    }
}

/// The values of an array that is stored as the column stores it: taken as they are wherever that is possible.
fn same<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, na: T::Native, nulls: Nulls) -> ScalarBuffer<T::Native> {
    if array.null_count() == 0 || nulls == Nulls::Coded { array.values().clone() } else { map(array, na, |v| v).into() }
}

/// All values through `f`, `na` for nulls.
fn map<T: ArrowPrimitiveType, N: Copy>(array: &PrimitiveArray<T>, na: N, f: impl Fn(T::Native) -> N) -> Vec<N> {
    let values = array.values().iter();
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => values.map(|&v| f(v)).collect(),
        Some(nulls) => values.zip(nulls.iter()).map(|(&v, valid)| if valid { f(v) } else { na }).collect(),
    }
}

/// Decimals as doubles: exact values divided once, longer ones read as text, so that all are rounded once.
fn decimals<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, scale: i8) -> Vec<f64>
where
    T::Native: Display + DecimalValue,
{
    map(array, NA_F64, |v| match v.small() {
        Some(small) if (0..=22).contains(&scale) => small as f64 / 10f64.powi(i32::from(scale)),
        _ => format!("{v}e{}", -i32::from(scale)).parse().unwrap_or(NA_F64),
    })
}

/// The integer behind a decimal.
trait DecimalValue {
    /// The value, if a double holds it exactly.
    fn small(&self) -> Option<i64>;
}

macro_rules! decimal_value {
    ($($native:ty),*) => {$(
        impl DecimalValue for $native {
            fn small(&self) -> Option<i64> {
                i64::try_from(*self).ok().filter(|v| v.unsigned_abs() <= 1 << 53)
            }
        }
    )*};
}
decimal_value!(i32, i64, i128);

impl DecimalValue for arrow::datatypes::i256 {
    fn small(&self) -> Option<i64> {
        self.to_i128().and_then(|v| v.small())
    }
}

/// Text of any layout as plain strings.
fn strings(array: &dyn Array) -> Result<StringArray> {
    let plain = arrow::compute::cast(array, &DataType::Utf8);
    let plain = plain.map_err(|e| Error::new(ErrorKind::Unsupported, format!("Text cannot be read: {e}.")))?;
    Ok(plain.as_string::<i32>().clone())
}

/// The labels behind dictionary-encoded text, each one once, and the code of each entry.
#[derive(Debug, Clone)]
pub struct Dictionary {
    /// The labels, in order of the dictionary.
    pub labels: Labels,
    entries: usize,
    /// The code of each entry; None: entry i has code i + 1.
    codes: Option<Vec<i32>>,
}

impl Dictionary {
    /// A dictionary given in parts, one after the other (as delta dictionaries come). Labels may repeat or be null.
    pub fn new(parts: &[ArrayRef]) -> Result<Self> {
        let mut interner = Interner::default();
        let mut codes = Vec::new();
        for part in parts {
            let labels = strings(part)?;
            codes.extend(labels.iter().map(|l| l.map_or(NA_I32, |l| interner.code(l))));
        }
        let identical = codes.iter().enumerate().all(|(i, &code)| code == i as i32 + 1);
        let entries = codes.len();
        Ok(Dictionary { labels: Arc::new(interner.into_labels()), entries, codes: (!identical).then_some(codes) })
    }

    /// The codes, counted from 1, that belong to an array of keys. `name` is for messages.
    pub fn codes(&self, keys: &dyn Array, name: &str) -> Result<ScalarBuffer<i32>> {
        match keys.data_type() {
            DataType::Int8 => self.translate(keys.as_primitive::<Int8Type>(), name),
            DataType::Int16 => self.translate(keys.as_primitive::<Int16Type>(), name),
            DataType::Int32 => self.translate(keys.as_primitive::<Int32Type>(), name),
            DataType::Int64 => self.translate(keys.as_primitive::<Int64Type>(), name),
            DataType::UInt8 => self.translate(keys.as_primitive::<UInt8Type>(), name),
            DataType::UInt16 => self.translate(keys.as_primitive::<UInt16Type>(), name),
            DataType::UInt32 => self.translate(keys.as_primitive::<UInt32Type>(), name),
            DataType::UInt64 => self.translate(keys.as_primitive::<UInt64Type>(), name),
            other => Err(cannot_hold(other, name)),
        }
    }

    fn translate<T: ArrowPrimitiveType>(&self, keys: &PrimitiveArray<T>, name: &str) -> Result<ScalarBuffer<i32>>
    where
        T::Native: TryInto<u32>,
    {
        // A key beyond the dictionary, or a negative one, becomes 0, which is no code.
        let entries = self.entries as u32;
        let code = |key: T::Native| match key.try_into() {
            Ok(key) if key < entries => self.codes.as_ref().map_or(key as i32 + 1, |codes| codes[key as usize]),
            _ => 0,
        };
        let codes = map(keys, NA_I32, code);
        if codes.contains(&0) {
            let message = format!("Column '{name}' refers to a level that its dictionary does not have.");
            return Err(Error::new(ErrorKind::CorruptFile, message).column(name));
        }
        Ok(codes.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use arrow::array::{
        BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Float64Array, Int32Array, StringViewArray,
        TimestampNanosecondArray, UInt64Array,
    };

    fn read(array: &dyn Array) -> Column {
        column_from_array(array, Nulls::Unknown, "x").unwrap()
    }

    #[test]
    fn numbers_without_nulls_are_not_copied() {
        let array = Int32Array::from(vec![1, 2, 3]);
        let Column::I32(values) = read(&array) else { panic!("not i32") };
        assert_eq!(values.as_ptr(), array.values().as_ptr());
    }

    #[test]
    fn nulls_become_codes_and_nan_stays_nan() {
        let Column::F64(values) = read(&Float64Array::from(vec![Some(f64::NAN), None, Some(1.0)])) else { panic!() };
        assert!(values[0].is_nan() && !crate::column::is_na_f64(values[0]) && crate::column::is_na_f64(values[1]));
        let Column::I32(values) = read(&BooleanArray::from(vec![Some(true), None, Some(false)])) else { panic!() };
        assert_eq!(&values[..], &[1, NA_I32, 0]);
    }

    #[test]
    fn decimals_are_rounded_once() {
        let array = Decimal128Array::from(vec![Some(12_345), None, Some(10i128.pow(30) + 1)]);
        let array = array.with_precision_and_scale(38, 2).unwrap();
        let Column::F64(values) = read(&array) else { panic!() };
        assert_eq!((values[0], values[2]), (123.45, 1e28));
        assert!(crate::column::is_na_f64(values[1]));
    }

    #[test]
    fn times_of_any_unit_are_seconds() {
        let array = TimestampNanosecondArray::from(vec![1_357_034_400_123_456_789, -1]);
        let Column::F64(values) = read(&array) else { panic!() };
        assert_eq!(values[0], 1_357_034_400.123_456_8);
        assert_eq!(values[1], -1e-9);
    }

    #[test]
    fn too_large_an_integer_is_an_error() {
        let error = column_from_array(&UInt64Array::from(vec![u64::MAX]), Nulls::Unknown, "id").unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Value, Some("id")));
    }

    #[test]
    fn what_no_column_can_hold_is_named() {
        let error = column_from_array(&BinaryArray::from(vec![b"x".as_ref()]), Nulls::Unknown, "blob").unwrap_err();
        assert_eq!(error.kind, ErrorKind::WrongType);
        assert_eq!(error.hint.as_deref(), Some("Leave it out: varsToDrop = \"blob\"."));
    }

    #[test]
    fn dictionaries_may_repeat_labels_and_hold_nulls() {
        let values = StringViewArray::from(vec![Some("b"), None, Some("a"), Some("b")]);
        let keys = Int32Array::from(vec![Some(3), Some(1), None, Some(2), Some(0)]);
        let Column::Dict { codes, labels } = read(&DictionaryArray::new(keys, Arc::new(values))) else { panic!() };
        assert_eq!(&codes[..], &[1, NA_I32, NA_I32, 2, 1]);
        assert_eq!(*labels, ["b", "a"]);
        let dictionary = Dictionary::new(&[Arc::new(StringArray::from(vec!["a"]))]).unwrap();
        assert_eq!(dictionary.codes(&Int32Array::from(vec![1]), "x").unwrap_err().kind, ErrorKind::CorruptFile);
        assert_eq!(dictionary.codes(&Int32Array::from(vec![-1]), "x").unwrap_err().kind, ErrorKind::CorruptFile);
    }
}

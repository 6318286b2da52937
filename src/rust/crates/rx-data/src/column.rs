//! Decoded values. Missing values are coded as R codes them, in place; there are no validity masks.
//!
//! So a vector in R's memory can be viewed without a copy, kernels need no second stream of bits, and a block that
//! rxscale wrote itself needs no translation when it is read again (its values under a null already hold the code).

use crate::error::{Error, Result};
use crate::schema::Labels;
use arrow::array::{Array, StringArray, StringBuilder};
use arrow::buffer::ScalarBuffer;
use std::sync::Arc;

/// R's `NA_integer_`, also the missing code of logicals and factor codes.
pub const NA_I32: i32 = i32::MIN;
/// The missing code of 64-bit integers (as in package bit64).
pub const NA_I64: i64 = i64::MIN;
/// R's `NA_real_`: a NaN whose lower word is 1954.
pub const NA_F64: f64 = f64::from_bits(0x7FF0_0000_0000_07A2);
/// The missing code of 32-bit floats: a quiet NaN with the same mark.
pub const NA_F32: f32 = f32::from_bits(0x7FC0_07A2);

/// Whether a double is R's `NA_real_` (and not any other NaN).
pub fn is_na_f64(x: f64) -> bool {
    x.is_nan() && x.to_bits() as u32 == 1954
}

/// Whether a 32-bit float is missing (and not any other NaN).
pub fn is_na_f32(x: f32) -> bool {
    x.is_nan() && x.to_bits() & 0xFFFF == 0x07A2
}

/// The values of one column of a block. Cloning and slicing share memory.
#[derive(Debug, Clone)]
pub enum Column {
    /// Integers and logicals; missing is [`NA_I32`].
    I32(ScalarBuffer<i32>),
    /// Missing is [`NA_I64`].
    I64(ScalarBuffer<i64>),
    /// Missing is [`NA_F32`].
    F32(ScalarBuffer<f32>),
    /// Numbers, dates, times; missing is [`NA_F64`].
    F64(ScalarBuffer<f64>),
    /// Text as it stands; missing is null.
    Str(StringArray),
    /// Factors, and text that is stored by label: codes count from 1 into `labels`; missing is [`NA_I32`].
    Dict {
        /// One code a row.
        codes: ScalarBuffer<i32>,
        /// The labels that the codes point to.
        labels: Labels,
    },
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::I32(v) => v.len(),
            Column::I64(v) => v.len(),
            Column::F32(v) => v.len(),
            Column::F64(v) => v.len(),
            Column::Str(v) => v.len(),
            Column::Dict { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows `offset .. offset + len`, sharing memory.
    pub fn slice(&self, offset: usize, len: usize) -> Column {
        match self {
            Column::I32(v) => Column::I32(v.slice(offset, len)),
            Column::I64(v) => Column::I64(v.slice(offset, len)),
            Column::F32(v) => Column::F32(v.slice(offset, len)),
            Column::F64(v) => Column::F64(v.slice(offset, len)),
            Column::Str(v) => Column::Str(v.slice(offset, len)),
            Column::Dict { codes, labels } => Column::Dict { codes: codes.slice(offset, len), labels: labels.clone() },
        }
    }

    /// Text by itself where it was by label.
    pub fn spelled_out(self) -> Column {
        let Column::Dict { codes, labels } = self else { return self };
        let mut texts = StringBuilder::with_capacity(codes.len(), 0);
        for &code in codes.iter() {
            texts.append_option(labels.get((code as usize).wrapping_sub(1)));
        }
        Column::Str(texts.finish())
    }

    /// Some of the rows, by position.
    pub fn gather(&self, rows: &[usize]) -> Column {
        match self {
            Column::I32(v) => Column::I32(rows.iter().map(|&i| v[i]).collect()),
            Column::I64(v) => Column::I64(rows.iter().map(|&i| v[i]).collect()),
            Column::F32(v) => Column::F32(rows.iter().map(|&i| v[i]).collect()),
            Column::F64(v) => Column::F64(rows.iter().map(|&i| v[i]).collect()),
            Column::Str(v) => Column::Str(rows.iter().map(|&i| v.is_valid(i).then(|| v.value(i))).collect()),
            Column::Dict { codes, labels } => {
                Column::Dict { codes: rows.iter().map(|&i| codes[i]).collect(), labels: labels.clone() }
            }
        }
    }

    /// The rows of several columns one after the other. All must be of one variant, or text; dictionaries are joined by
    /// label in order of appearance.
    pub fn concat(parts: &[Column]) -> Result<Column> {
        macro_rules! join {
            ($variant:ident) => {{
                let mut all = Vec::with_capacity(parts.iter().map(Column::len).sum());
                for part in parts {
                    match part {
                        Column::$variant(v) => all.extend_from_slice(v),
                        other => return Err(mixed(other)),
                    }
                }
                Ok(Column::$variant(all.into()))
            }};
        }
        match parts {
            [] => Err(Error::internal("a column cannot be made of no parts")),
            [one] => Ok(one.clone()),
            // Text may be by label in one part and by itself in another.
            _ if parts.iter().any(|part| matches!(part, Column::Str(_)))
                && parts.iter().any(|part| matches!(part, Column::Dict { .. })) =>
            {
                Column::concat(&parts.iter().cloned().map(Column::spelled_out).collect::<Vec<_>>())
            }
            [Column::I32(_), ..] => join!(I32),
            [Column::I64(_), ..] => join!(I64),
            [Column::F32(_), ..] => join!(F32),
            [Column::F64(_), ..] => join!(F64),
            [Column::Str(_), ..] => {
                let strings = parts.iter().map(|p| match p {
                    Column::Str(v) => Ok(v as &dyn Array),
                    other => Err(mixed(other)),
                });
                let joined = arrow::compute::concat(&strings.collect::<Result<Vec<_>>>()?)
                    .map_err(|e| Error::internal(e.to_string()))?;
                let strings = joined.as_any().downcast_ref::<StringArray>();
                strings.cloned().map(Column::Str).ok_or_else(|| Error::internal("strings became something else"))
            }
            [Column::Dict { .. }, ..] => {
                let mut interner = crate::interner::Interner::default();
                let mut all = Vec::with_capacity(parts.iter().map(Column::len).sum());
                for part in parts {
                    match part {
                        Column::Dict { codes, labels } => {
                            let table = interner.table(labels);
                            all.extend(codes.iter().map(|&c| table.code(c)));
                        }
                        other => return Err(mixed(other)),
                    }
                }
                Ok(Column::Dict { codes: all.into(), labels: Arc::new(interner.into_labels()) })
            }
        }
    }
}

fn mixed(column: &Column) -> Error {
    let name = match column {
        Column::I32(_) => "i32",
        Column::I64(_) => "i64",
        Column::F32(_) => "f32",
        Column::F64(_) => "f64",
        Column::Str(_) => "text",
        Column::Dict { .. } => "categories",
    };
    Error::internal(format!("a column changes its storage to {name} between blocks"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn na_is_told_from_nan() {
        assert!(is_na_f64(NA_F64) && !is_na_f64(f64::NAN) && !is_na_f64(1954.0));
        assert!(is_na_f32(NA_F32) && !is_na_f32(f32::NAN));
        // A widened and quieted NA keeps the mark.
        assert!(is_na_f64(f64::from_bits(NA_F64.to_bits() | 0x0008_0000_0000_0000)));
    }

    #[test]
    fn dictionaries_join_by_label() {
        let dict = |codes: Vec<i32>, labels: &[&str]| Column::Dict {
            codes: codes.into(),
            labels: Arc::new(labels.iter().map(|s| s.to_string()).collect()),
        };
        let joined = Column::concat(&[dict(vec![1, NA_I32], &["a"]), dict(vec![1, 2], &["b", "a"])]).unwrap();
        match joined {
            Column::Dict { codes, labels } => {
                assert_eq!(&codes[..], &[1, NA_I32, 2, 1]);
                assert_eq!(*labels, vec!["a".to_string(), "b".to_string()]);
            }
            _ => unreachable!(),
        }
    }
}

//! Values of a batch of rows. One value stands for all rows.

use crate::column::{Column, NA_F64, NA_I32, NA_I64, is_na_f32};
use crate::error::{Error, ErrorKind, Result};
use crate::interner::Interner;
use crate::schema::Labels;
use arrow::array::{Array, StringArray};
use arrow::buffer::ScalarBuffer;
use std::sync::{Arc, Mutex, PoisonError};

/// Values, one a row or one for all rows. Missing ones are coded as in columns.
#[derive(Debug, Clone)]
pub(super) enum Vector {
    /// Integers and logicals.
    Int(ScalarBuffer<i32>),
    /// Doubles, dates, times.
    Dbl(ScalarBuffer<f64>),
    /// Texts and factors.
    Text(Texts),
}

/// Texts by code, or as they stand.
#[derive(Debug, Clone)]
pub(super) enum Texts {
    /// Codes from 1 into labels.
    Coded { codes: ScalarBuffer<i32>, labels: Labels },
    /// Missing is null.
    Plain(StringArray),
}

impl Vector {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Vector::Int(v) => v.len(),
            Vector::Dbl(v) => v.len(),
            Vector::Text(v) => v.len(),
        }
    }

    /// Its integers.
    pub fn ints(&self) -> Result<&[i32]> {
        match self {
            Vector::Int(v) => Ok(v),
            _ => Err(wrong("integers")),
        }
    }

    /// Its doubles.
    pub fn doubles(&self) -> Result<&[f64]> {
        match self {
            Vector::Dbl(v) => Ok(v),
            _ => Err(wrong("doubles")),
        }
    }

    /// Its texts.
    pub fn texts(&self) -> Result<&Texts> {
        match self {
            Vector::Text(v) => Ok(v),
            _ => Err(wrong("texts")),
        }
    }

    /// The rows at these positions; one value for all rows stays that.
    pub fn take(&self, rows: &[u32]) -> Vector {
        if self.len() == 1 {
            return self.clone();
        }
        match self {
            Vector::Int(v) => Vector::Int(rows.iter().map(|&i| v[i as usize]).collect()),
            Vector::Dbl(v) => Vector::Dbl(rows.iter().map(|&i| v[i as usize]).collect()),
            Vector::Text(Texts::Coded { codes, labels }) => Vector::Text(Texts::Coded {
                codes: rows.iter().map(|&i| codes[i as usize]).collect(),
                labels: labels.clone(),
            }),
            Vector::Text(Texts::Plain(v)) => Vector::Text(Texts::Plain(take_texts(v, rows))),
        }
    }

    /// The values of a column as R would see them: `whole` as integers, others as doubles.
    pub fn of_column(column: &Column, whole: bool, name: &str) -> Result<Vector> {
        let int = |x: i32| if x == NA_I32 { NA_F64 } else { f64::from(x) };
        Ok(match column {
            Column::I32(v) if whole => Vector::Int(v.clone()),
            Column::I32(v) => Vector::Dbl(v.iter().map(|&x| int(x)).collect()),
            Column::F64(v) => Vector::Dbl(v.clone()),
            Column::F32(v) => Vector::Dbl(v.iter().map(|&x| if is_na_f32(x) { NA_F64 } else { x.into() }).collect()),
            Column::I64(v) => {
                if v.iter().any(|&x| x != NA_I64 && x.unsigned_abs() > 1 << 53) {
                    let what = "holds a 64-bit integer beyond 2^53, which a number of R cannot hold exactly.";
                    return Err(Error::new(ErrorKind::Value, format!("Column '{name}' {what}")).column(name));
                }
                Vector::Dbl(v.iter().map(|&x| if x == NA_I64 { NA_F64 } else { x as f64 }).collect())
            }
            Column::Str(v) => Vector::Text(Texts::Plain(v.clone())),
            Column::Dict { codes, labels } => {
                Vector::Text(Texts::Coded { codes: codes.clone(), labels: labels.clone() })
            }
        })
    }
}

impl From<Vec<i32>> for Vector {
    fn from(values: Vec<i32>) -> Self {
        Vector::Int(values.into())
    }
}

impl From<Vec<f64>> for Vector {
    fn from(values: Vec<f64>) -> Self {
        Vector::Dbl(values.into())
    }
}

impl From<Texts> for Vector {
    fn from(texts: Texts) -> Self {
        Vector::Text(texts)
    }
}

impl Texts {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Texts::Coded { codes, .. } => codes.len(),
            Texts::Plain(v) => v.len(),
        }
    }

    /// A value; none if it is missing.
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Texts::Coded { codes, labels } => label(labels, codes[row]),
            Texts::Plain(v) => v.is_valid(row).then(|| v.value(row)),
        }
    }

    /// A function of every value, asked once a label where there are fewer labels than rows.
    pub fn map<T: Copy>(&self, f: impl Fn(Option<&str>) -> T) -> Vec<T> {
        match self {
            Texts::Coded { codes, labels } if labels.len() <= codes.len() => {
                let (missing, table) = (f(None), labels.iter().map(|l| f(Some(l))).collect::<Vec<_>>());
                codes.iter().map(|&c| table.get((c as usize).wrapping_sub(1)).copied().unwrap_or(missing)).collect()
            }
            _ => (0..self.len()).map(|i| f(self.get(i))).collect(),
        }
    }

    /// Texts made of every value, by the same rule.
    pub fn map_text(&self, f: impl Fn(&str) -> String) -> Texts {
        let mut interner = Interner::default();
        let codes = match self {
            Texts::Coded { codes, labels } if labels.len() <= codes.len() => {
                let table: Vec<i32> = labels.iter().map(|l| interner.code(&f(l))).collect();
                codes.iter().map(|&c| table.get((c as usize).wrapping_sub(1)).copied().unwrap_or(NA_I32)).collect()
            }
            _ => (0..self.len()).map(|i| self.get(i).map_or(NA_I32, |t| interner.code(&f(t)))).collect(),
        };
        Texts::Coded { codes, labels: Arc::new(interner.into_labels()) }
    }

    /// The codes in a dictionary that grows.
    pub fn codes_in(&self, interner: &mut Interner) -> ScalarBuffer<i32> {
        match self {
            Texts::Coded { codes, labels } if labels.len() <= codes.len() => {
                let table = interner.table(labels);
                codes.iter().map(|&c| table.code(c)).collect()
            }
            _ => (0..self.len()).map(|i| self.get(i).map_or(NA_I32, |t| interner.code(t))).collect(),
        }
    }
}

/// What a function gives for every label of the dictionary that it last met: blocks often share one.
#[derive(Default)]
pub(super) struct LastLabels(Mutex<Option<(Labels, Arc<Vec<i32>>)>>);

impl LastLabels {
    /// [`Texts::map`] with a function that gives integers, asked once a dictionary.
    pub fn map(&self, texts: &Texts, f: impl Fn(Option<&str>) -> i32) -> Vec<i32> {
        let Texts::Coded { codes, labels } = texts else { return texts.map(f) };
        let known = {
            let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, labels)).map(|(_, table)| table.clone())
        };
        let table = match known {
            Some(table) => table,
            None if labels.len() > LARGE_DICTIONARY => return texts.map(f),
            None => {
                let table = Arc::new(labels.iter().map(|label| f(Some(label))).collect::<Vec<_>>());
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((labels.clone(), table.clone()));
                table
            }
        };
        let missing = f(None);
        codes.iter().map(|&c| table.get((c as usize).wrapping_sub(1)).copied().unwrap_or(missing)).collect()
    }
}

/// More labels than this are looked up row by row.
const LARGE_DICTIONARY: usize = 65_536;

fn label(labels: &Labels, code: i32) -> Option<&str> {
    // A missing code is out of range.
    labels.get((code as usize).wrapping_sub(1)).map(String::as_str)
}

/// Texts at some positions.
pub(super) fn take_texts(texts: &StringArray, rows: &[u32]) -> StringArray {
    rows.iter().map(|&i| texts.is_valid(i as usize).then(|| texts.value(i as usize))).collect()
}

fn wrong(wanted: &str) -> Error {
    Error::internal(format!("an expression found something else where it needs {wanted}"))
}

/// The common number of rows of values, where one stands for all.
pub(super) fn common_len(args: &[Vector]) -> usize {
    args.iter().map(Vector::len).find(|&n| n != 1).unwrap_or(1)
}

/// A function of two values a row, where one of them may stand for all rows.
pub(super) fn zip<A: Copy, B: Copy, C>(a: &[A], b: &[B], f: impl Fn(A, B) -> C) -> Vec<C> {
    match (a, b) {
        (&[a], b) => b.iter().map(|&b| f(a, b)).collect(),
        (a, &[b]) => a.iter().map(|&a| f(a, b)).collect(),
        (a, b) => a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect(),
    }
}

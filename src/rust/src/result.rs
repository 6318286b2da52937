//! R's vectors out of columns. For the main thread only, but for the copying of large numeric columns.

use crate::interrupt::contained;
use extendr_api::prelude::*;
use libR_sys::{
    INTEGER, LOGICAL, R_NaString, R_xlen_t, REAL, Rf_allocVector, Rf_install, Rf_mkCharLenCE, Rf_setAttrib,
    SET_STRING_ELT, SET_VECTOR_ELT, SEXP, SEXPTYPE, cetype_t,
};
use rx_data::column::{NA_F64, NA_I32, NA_I64, is_na_f32};
use rx_data::sink::FrameTable;
use rx_data::{Column, Error, ErrorKind, Field, Kind, Labels, Result};
use rx_run::Pool;
use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// From so many values on, copying is worth waking the other threads.
const PARALLEL_VALUES: usize = 500_000;
/// Largest integer that a double holds together with all smaller ones.
const EXACT: i64 = 1 << 53;

/// The columns of a table as a named list of R's vectors, with the attributes that make them factors, dates and times.
/// Large ones are filled by the threads of a pool.
pub fn columns(table: &FrameTable, pool: Option<&Pool>) -> Result<Robj> {
    if i32::try_from(table.rows).is_err() {
        let message = format!("The result has {} rows; a data frame holds at most {}.", table.rows, i32::MAX);
        return Err(Error::new(ErrorKind::Memory, message).hint("Write it to a file, or select rows or columns."));
    }
    let fields = &table.schema.fields;
    let list = allocate(SEXPTYPE::VECSXP, fields.len())?;
    let mut copies = Vec::new();
    for (j, (field, parts)) in fields.iter().zip(&table.columns).enumerate() {
        let vector = allocate(storage(&field.kind, parts), table.rows)?;
        // SAFETY: the list is a fresh one of this length; from here on it protects the vector.
        unsafe { SET_VECTOR_ELT(list.get(), j as R_xlen_t, vector.get()) };
        match field.kind {
            Kind::Character => fill_strings(&vector, parts)?,
            _ => plan(&vector, j, parts, &mut copies),
        }
        set_attributes(&vector, field)?;
    }
    copy_all(&copies, pool.filter(|_| table.rows * fields.len() >= PARALLEL_VALUES)).map_err(|(column, wrong)| {
        let name = &fields[column].name;
        match wrong {
            Wrong::TooLarge { row } => Error::new(
                ErrorKind::Value,
                format!("Column '{name}' holds a 64-bit integer beyond 2^53, which a number of R cannot hold exactly."),
            )
            .hint("Write the result to a file instead of a data frame.")
            .row(row as u64 + 1),
            Wrong::Storage => Error::internal(format!("column '{name}' does not hold values of its type")),
        }
        .column(name)
    })?;
    set_attribute(&list, "names", &strings(&fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>())?)?;
    Ok(list)
}

/// A character vector.
pub fn strings<S: AsRef<str>>(texts: &[S]) -> Result<Robj> {
    let vector = allocate(SEXPTYPE::STRSXP, texts.len())?;
    for (i, text) in texts.iter().enumerate() {
        let string = string(text.as_ref())?;
        // SAFETY: the vector is a fresh one of this length.
        unsafe { SET_STRING_ELT(vector.get(), i as R_xlen_t, string) };
    }
    Ok(vector)
}

/// The type of vector that holds a column.
fn storage(kind: &Kind, parts: &[Column]) -> SEXPTYPE {
    let integers = !parts.is_empty() && parts.iter().all(|part| matches!(part, Column::I32(_)));
    match kind {
        Kind::Logical => SEXPTYPE::LGLSXP,
        Kind::Int16 | Kind::Integer | Kind::Factor { .. } => SEXPTYPE::INTSXP,
        Kind::Date | Kind::DateTime { .. } if integers => SEXPTYPE::INTSXP,
        Kind::Date | Kind::DateTime { .. } | Kind::Int64 | Kind::Float32 | Kind::Numeric => SEXPTYPE::REALSXP,
        Kind::Character => SEXPTYPE::STRSXP,
    }
}

fn allocate(kind: SEXPTYPE, len: usize) -> Result<Robj> {
    let mut vector = std::ptr::null_mut();
    // SAFETY: a jump for want of memory is caught; nothing is allocated before the owner protects the vector.
    if contained(|| vector = unsafe { Rf_allocVector(kind, len as R_xlen_t) }) {
        Ok(unsafe { Robj::from_sexp(vector) })
    } else {
        let message = format!("R cannot allocate a vector of {len} values.");
        Err(Error::new(ErrorKind::Memory, message).hint("Select rows or columns, or write the result to a file."))
    }
}

/// A string of R; the caller protects it.
fn string(text: &str) -> Result<SEXP> {
    let mut string = std::ptr::null_mut();
    let length = i32::try_from(text.len()).ok().filter(|_| !text.as_bytes().contains(&0));
    // SAFETY: the text has no zero byte; a jump for want of memory is caught.
    if let Some(length) = length
        && contained(|| string = unsafe { Rf_mkCharLenCE(text.as_ptr().cast(), length, cetype_t::CE_UTF8) })
    {
        Ok(string)
    } else {
        Err(Error::new(ErrorKind::Value, "A text holds a zero byte or is too long, which R cannot hold."))
    }
}

fn set_attributes(vector: &Robj, field: &Field) -> Result<()> {
    match &field.kind {
        Kind::Factor { ordered } => {
            let labels = field.levels.as_deref().map_or(&[][..], Vec::as_slice);
            set_attribute(vector, "levels", &strings(labels)?)?;
            set_attribute(vector, "class", &strings(if *ordered { &["ordered", "factor"] } else { &["factor"][..] })?)
        }
        Kind::Date => set_attribute(vector, "class", &strings(&["Date"])?),
        Kind::DateTime { tz } => {
            set_attribute(vector, "class", &strings(&["POSIXct", "POSIXt"])?)?;
            tz.as_ref().map_or(Ok(()), |tz| set_attribute(vector, "tzone", &strings(&[tz])?))
        }
        _ => Ok(()),
    }
}

fn set_attribute(vector: &Robj, name: &str, value: &Robj) -> Result<()> {
    let name = CString::new(name).map_err(|e| Error::internal(e.to_string()))?;
    // SAFETY: vector and value are protected by their owners; a jump is caught.
    let (vector, value, name) = unsafe { (vector.get(), value.get(), name.as_ptr()) };
    let done = contained(|| unsafe {
        Rf_setAttrib(vector, Rf_install(name), value);
    });
    if done { Ok(()) } else { Err(Error::new(ErrorKind::Memory, "R cannot allocate an attribute.")) }
}

fn fill_strings(vector: &Robj, parts: &[Column]) -> Result<()> {
    // SAFETY: the vector has a row for each of the parts' and protects what is put into it.
    let x = unsafe { vector.get() };
    let mut row: R_xlen_t = 0;
    // Each label becomes a string once, when it is first met; the vector protects it from then on.
    let mut dictionary: Option<&Labels> = None;
    let mut made: Vec<Option<SEXP>> = Vec::new();
    for part in parts {
        match part {
            Column::Dict { codes, labels } => {
                if !dictionary.is_some_and(|known| Arc::ptr_eq(known, labels)) {
                    dictionary = Some(labels);
                    made = vec![None; labels.len()];
                }
                for &code in codes.iter() {
                    let position = (code as usize).wrapping_sub(1);
                    let text = match labels.get(position).filter(|_| code != NA_I32) {
                        None => unsafe { R_NaString },
                        Some(label) => match made[position] {
                            Some(text) => text,
                            None => *made[position].insert(string(label)?),
                        },
                    };
                    unsafe { SET_STRING_ELT(x, row, text) };
                    row += 1;
                }
            }
            Column::Str(texts) => {
                for text in texts.iter() {
                    let text = text.map_or_else(|| Ok(unsafe { R_NaString }), string)?;
                    unsafe { SET_STRING_ELT(x, row, text) };
                    row += 1;
                }
            }
            _ => return Err(Error::internal("a character column does not hold text")),
        }
    }
    Ok(())
}

/// A part of a column and where it goes.
struct Copy<'a> {
    column: usize,
    row: usize,
    part: &'a Column,
    to: Target,
}

/// The place of a part in a fresh vector of R.
enum Target {
    Integers(*mut i32),
    Doubles(*mut f64),
}

// SAFETY: the places of different parts do not overlap, and nobody else knows the vectors yet.
unsafe impl Sync for Target {}

/// Why a part cannot be copied.
enum Wrong {
    TooLarge { row: usize },
    Storage,
}

fn plan<'a>(vector: &Robj, column: usize, parts: &'a [Column], copies: &mut Vec<Copy<'a>>) {
    let mut row = 0;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        // SAFETY: the vector is a fresh one of its type, long enough for all parts.
        let to = unsafe {
            let x = vector.get();
            match vector.rtype() {
                Rtype::Logicals => Target::Integers(LOGICAL(x).add(row)),
                Rtype::Integers => Target::Integers(INTEGER(x).add(row)),
                _ => Target::Doubles(REAL(x).add(row)),
            }
        };
        copies.push(Copy { column, row, part, to });
        row += part.len();
    }
}

/// Fills all places; the error is that of the first part that has one.
fn copy_all(copies: &[Copy], pool: Option<&Pool>) -> std::result::Result<(), (usize, Wrong)> {
    let Some(pool) = pool else {
        return copies.iter().try_for_each(|copy| copy.run().map_err(|wrong| (copy.column, wrong)));
    };
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, Wrong)>> = Mutex::new(None);
    pool.broadcast(|| {
        while let Some((i, copy)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, copies.get(i)?))) {
            if let Err(wrong) = copy.run() {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(earlier, _)| i < *earlier) {
                    *failed = Some((i, wrong));
                }
            }
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(i, wrong)| Err((copies[i].column, wrong)))
}

impl Copy<'_> {
    fn run(&self) -> std::result::Result<(), Wrong> {
        let len = self.part.len();
        match (&self.to, self.part) {
            // SAFETY: the place has room for the part.
            (Target::Integers(to), Column::I32(from) | Column::Dict { codes: from, .. }) => unsafe {
                std::ptr::copy_nonoverlapping(from.as_ptr(), *to, len);
            },
            (Target::Doubles(to), Column::F64(from)) => unsafe {
                std::ptr::copy_nonoverlapping(from.as_ptr(), *to, len);
            },
            (Target::Doubles(to), from) => {
                let to = unsafe { std::slice::from_raw_parts_mut(*to, len) };
                match from {
                    Column::I32(from) => widen(from, to, |x| if x == NA_I32 { NA_F64 } else { f64::from(x) }),
                    Column::F32(from) => widen(from, to, |x| if is_na_f32(x) { NA_F64 } else { f64::from(x) }),
                    Column::I64(from) => {
                        let too_large = |&x: &i64| x != NA_I64 && x.unsigned_abs() > EXACT as u64;
                        if let Some(i) = from.iter().position(too_large) {
                            return Err(Wrong::TooLarge { row: self.row + i });
                        }
                        widen(from, to, |x| if x == NA_I64 { NA_F64 } else { x as f64 });
                    }
                    _ => return Err(Wrong::Storage),
                }
            }
            _ => return Err(Wrong::Storage),
        }
        Ok(())
    }
}

fn widen<T: std::marker::Copy>(from: &[T], to: &mut [f64], f: impl Fn(T) -> f64) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = f(from);
    }
}

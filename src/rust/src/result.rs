//! R's vectors out of columns. For the main thread only, but for the copying of large columns.

use crate::interrupt::attempt;
use crate::strings::{self, LabelStrings};
use extendr_api::prelude::*;
use libR_sys::{
    INTEGER, LOGICAL, R_xlen_t, RAW, REAL, Rf_allocVector, Rf_install, Rf_setAttrib, SET_VECTOR_ELT, SEXPTYPE,
};
use rx_data::sink::{FrameTable, Room};
use rx_data::{Column, Error, ErrorKind, Field, Kind, Labels, Result, Schema};
use rx_run::Pool;
use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

/// From so many values on, copying is worth waking the other threads.
const PARALLEL_VALUES: usize = 500_000;

/// The columns of a table as a named list of R's vectors, with the attributes that make them factors, dates and times.
/// Large ones are filled by the threads of a pool.
pub fn columns(table: &FrameTable, pool: Option<&Pool>) -> Result<Robj> {
    Vectors::new(&table.schema, None, &[])?.complete(table, pool)
}

/// A data frame's vectors on their way to R.
pub struct Vectors {
    /// Protects the vectors.
    list: Robj,
    /// The vectors that were made before their values.
    early: Vec<Option<Early>>,
}

/// A vector whose values come later, and the strings that they will be.
struct Early {
    vector: Robj,
    strings: Option<LabelStrings>,
}

impl Early {
    fn room(&mut self) -> Room<'_> {
        match &self.strings {
            Some(strings) => Room::Words(strings::memory(&mut self.vector), &strings.words),
            None => room(&mut self.vector),
        }
    }
}

impl Vectors {
    /// Vectors for columns of so many rows, if their number is known; those of text whose labels are not known are left
    /// for later, and so are those of dates and times, which may be integers or doubles.
    pub fn new(schema: &Schema, rows: Option<usize>, labels: &[Option<Labels>]) -> Result<Vectors> {
        let list = allocate(SEXPTYPE::VECSXP, schema.fields.len())?;
        let rows = rows.filter(|&rows| rows > 0 && i32::try_from(rows).is_ok());
        let early = schema.fields.iter().enumerate().map(|(j, field)| {
            let Some(rows) = rows else { return Ok(None) };
            let strings = match (&field.kind, labels.get(j)) {
                (Kind::Date | Kind::DateTime { .. }, _) => return Ok(None),
                (Kind::Character, Some(Some(labels))) => match LabelStrings::new(labels, rows)? {
                    None => return Ok(None),
                    strings => strings,
                },
                (Kind::Character, _) => return Ok(None),
                _ => None,
            };
            let vector = allocate(storage(&field.kind, &[]), rows)?;
            // SAFETY: the list is a fresh one of this length; from here on it protects the vector.
            unsafe { SET_VECTOR_ELT(list.get(), j as R_xlen_t, vector.get()) };
            Ok(Some(Early { vector, strings }))
        });
        Ok(Vectors { early: early.collect::<Result<_>>()?, list })
    }

    /// Whether the vectors that there are have so many rows, and those of text these labels.
    pub fn fit(&self, rows: Option<usize>, labels: &[Option<Labels>]) -> bool {
        self.early.iter().zip(labels).all(|(early, labels)| {
            let Some(Early { vector, strings }) = early else { return true };
            let same = |strings: &LabelStrings| labels.as_ref().is_some_and(|labels| strings.are_of(labels));
            Some(vector.len()) == rows && strings.as_ref().is_none_or(same)
        })
    }

    /// The memory of the vectors that there are.
    pub fn rooms(&mut self) -> Vec<Option<Room<'_>>> {
        self.early.iter_mut().map(|early| early.as_mut().map(Early::room)).collect()
    }

    /// Makes the vectors that are not there yet, and tells R what all of them are.
    pub fn complete(mut self, table: &FrameTable, pool: Option<&Pool>) -> Result<Robj> {
        if i32::try_from(table.rows).is_err() {
            let message = format!("The result has {} rows; a data frame holds at most {}.", table.rows, i32::MAX);
            return Err(Error::new(ErrorKind::Memory, message).hint("Write it to a file, or select rows or columns."));
        }
        let fields = &table.schema.fields;
        let pool = pool.filter(|_| table.rows * fields.len() >= PARALLEL_VALUES);
        let mut late = Vec::with_capacity(fields.len());
        for (j, (field, parts)) in fields.iter().zip(&table.columns).enumerate() {
            let vector = match self.early[j].take() {
                Some(Early { vector, strings }) => {
                    strings.iter().for_each(|strings| strings.tell(&vector, 0));
                    vector
                }
                None => {
                    let vector = allocate(storage(&field.kind, parts), table.rows)?;
                    // SAFETY: as above.
                    unsafe { SET_VECTOR_ELT(self.list.get(), j as R_xlen_t, vector.get()) };
                    match field.kind {
                        Kind::Character => strings::fill(&vector, parts, pool)?,
                        _ => late.push((j, vector.clone())),
                    }
                    vector
                }
            };
            set_attributes(&vector, field)?;
        }
        let mut copies = Vec::new();
        for (j, vector) in &mut late {
            let (mut rest, mut row) = (room(vector), 0);
            for part in table.columns[*j].iter().filter(|part| !part.is_empty()) {
                let to = rest.take(part.len()).ok_or_else(|| Error::internal("a data frame has too few rows"))?;
                copies.push(Copy { field: &fields[*j], row, part, to });
                row += part.len();
            }
        }
        copy_all(copies, pool)?;
        let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
        set_attribute(&self.list, "names", &strings::strings(&names)?)?;
        Ok(self.list)
    }
}

/// The memory of a fresh vector, which nobody else knows yet.
fn room(vector: &mut Robj) -> Room<'_> {
    let rows = vector.len();
    if rows == 0 {
        // The pointer of an empty vector points nowhere.
        return Room::Integers(&mut []);
    }
    // SAFETY: the vector is of its type and length, and stays protected as long as it is borrowed.
    unsafe {
        let x = vector.get();
        match vector.rtype() {
            Rtype::Logicals => Room::Integers(std::slice::from_raw_parts_mut(LOGICAL(x), rows)),
            Rtype::Integers => Room::Integers(std::slice::from_raw_parts_mut(INTEGER(x), rows)),
            _ => Room::Doubles(std::slice::from_raw_parts_mut(REAL(x), rows)),
        }
    }
}

/// A raw vector.
pub fn raw(bytes: &[u8]) -> Result<Robj> {
    raw_filled(bytes.len(), |place| {
        place.copy_from_slice(bytes);
        Ok(())
    })
}

/// A raw vector of this length, whose bytes a function fills in.
pub fn raw_filled(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Robj> {
    let vector = allocate(SEXPTYPE::RAWSXP, len)?;
    if len > 0 {
        // SAFETY: a fresh vector of this length, which nobody else knows yet.
        fill(unsafe { std::slice::from_raw_parts_mut(RAW(vector.get()), len) })?;
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

/// A fresh vector.
pub fn allocate(kind: SEXPTYPE, len: usize) -> Result<Robj> {
    let mut vector = std::ptr::null_mut();
    // SAFETY: a jump for want of memory is caught; nothing is allocated before the owner protects the vector.
    let refused = || {
        let message = format!("R cannot allocate a vector of {len} values.");
        Error::new(ErrorKind::Memory, message).hint("Select rows or columns, or write the result to a file.")
    };
    attempt(|| vector = unsafe { Rf_allocVector(kind, len as R_xlen_t) }, refused)?;
    Ok(unsafe { Robj::from_sexp(vector) })
}

fn set_attributes(vector: &Robj, field: &Field) -> Result<()> {
    match &field.kind {
        Kind::Factor { ordered } => {
            let labels = field.levels.as_deref().map_or(&[][..], Vec::as_slice);
            set_attribute(vector, "levels", &strings::strings(labels)?)?;
            set_attribute(
                vector,
                "class",
                &strings::strings(if *ordered { &["ordered", "factor"] } else { &["factor"][..] })?,
            )
        }
        Kind::Date => set_attribute(vector, "class", &strings::strings(&["Date"])?),
        Kind::DateTime { tz } => {
            set_attribute(vector, "class", &strings::strings(&["POSIXct", "POSIXt"])?)?;
            tz.as_ref().map_or(Ok(()), |tz| set_attribute(vector, "tzone", &strings::strings(&[tz])?))
        }
        _ => Ok(()),
    }
}

fn set_attribute(vector: &Robj, name: &str, value: &Robj) -> Result<()> {
    let name = CString::new(name).map_err(|e| Error::internal(e.to_string()))?;
    // SAFETY: vector and value are protected by their owners; a jump is caught.
    let (vector, value, name) = unsafe { (vector.get(), value.get(), name.as_ptr()) };
    let set = || unsafe {
        Rf_setAttrib(vector, Rf_install(name), value);
    };
    attempt(set, || Error::new(ErrorKind::Memory, "R cannot allocate an attribute."))
}

/// A part of a column and where it goes.
struct Copy<'a> {
    field: &'a Field,
    row: usize,
    part: &'a Column,
    to: Room<'a>,
}

/// Fills all places; the error is that of the first part that has one.
fn copy_all(copies: Vec<Copy>, pool: Option<&Pool>) -> Result<()> {
    let run = |copy: Copy| copy.to.fill(copy.part, copy.field, copy.row);
    let Some(pool) = pool else { return copies.into_iter().try_for_each(run) };
    let queue = Mutex::new(copies.into_iter().enumerate());
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    pool.broadcast(|| {
        while let Some((i, copy)) = next() {
            if let Err(error) = run(copy) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(earlier, _)| i < *earlier) {
                    *failed = Some((i, error));
                }
            }
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, error)| Err(error))
}

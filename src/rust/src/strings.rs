//! Text as R's strings. For the main thread only, but for the copying of strings that there are.

use crate::interrupt::contained;
use crate::result::allocate;
use crate::view::{addresses, each};
use extendr_api::prelude::*;
use libR_sys::{
    R_NaString, R_xlen_t, Rf_mkCharLenCE, SET_STRING_ELT, SEXP, SEXPTYPE, STRING_ELT, STRING_PTR_RO, cetype_t,
};
use rx_data::{Column, Error, ErrorKind, Labels, Result};
use rx_run::Pool;
use std::sync::Arc;

/// Labels become strings all at once if there are so many rows for each.
const ROWS_PER_LABEL: usize = 4;

/// A character vector.
pub fn strings<S: AsRef<str>>(texts: &[S]) -> Result<Robj> {
    let vector = allocate(SEXPTYPE::STRSXP, texts.len())?;
    for (i, text) in texts.iter().enumerate() {
        set(&vector, i, string(text.as_ref())?);
    }
    Ok(vector)
}

/// Fills a character vector, which has a row for each of the parts'. The threads of a pool help where text is by label.
pub fn fill(vector: &Robj, parts: &[Column], pool: Option<&Pool>) -> Result<()> {
    let (mut row, mut rest) = (0, parts);
    while let Some(first) = rest.first() {
        let same = |part: &Column| match (first, part) {
            (Column::Dict { labels, .. }, Column::Dict { labels: others, .. }) => Arc::ptr_eq(labels, others),
            _ => false,
        };
        let alike = rest.iter().take_while(|&part| same(part)).count().max(1);
        let (run, others) = rest.split_at(alike);
        let rows: usize = run.iter().map(Column::len).sum();
        match first {
            _ if rows == 0 => {}
            Column::Dict { labels, .. } if labels.len() * ROWS_PER_LABEL <= rows => {
                copy_labels(vector, row, run, labels, pool)?;
            }
            Column::Dict { labels, .. } => make_labels(vector, row, run, labels)?,
            Column::Str(texts) => {
                for (i, text) in texts.iter().enumerate() {
                    set(vector, row + i, text.map_or_else(|| Ok(missing()), string)?);
                }
            }
            _ => return Err(Error::internal("a character column does not hold text")),
        }
        row += rows;
        rest = others;
    }
    Ok(())
}

/// Fills the rows from one on with labels, of which each becomes a string when it is first met.
fn make_labels(vector: &Robj, first_row: usize, parts: &[Column], labels: &Labels) -> Result<()> {
    let mut made: Vec<Option<SEXP>> = vec![None; labels.len()];
    let mut row = first_row;
    for part in parts {
        let Column::Dict { codes, .. } = part else { continue };
        for &code in codes {
            // The missing code becomes a position that no label has.
            let position = (code as usize).wrapping_sub(1);
            let text = match labels.get(position) {
                None => missing(),
                Some(label) => match made[position] {
                    Some(text) => text,
                    None => *made[position].insert(string(label)?),
                },
            };
            set(vector, row, text);
            row += 1;
        }
    }
    Ok(())
}

/// Fills the rows from one on with labels, all of which become strings first.
///
/// Then only their addresses are copied, which R need not know of: nothing is allocated meanwhile. In the end each of
/// them is set once by R's own function, which tells the collector what the vector holds.
fn copy_labels(
    vector: &Robj,
    first_row: usize,
    parts: &[Column],
    labels: &[String],
    pool: Option<&Pool>,
) -> Result<()> {
    let made = strings(labels)?;
    // SAFETY: both are protected character vectors, and nobody else knows the one that is filled, which has rows.
    let (addresses, memory) = unsafe {
        let memory = STRING_PTR_RO(vector.get()).cast_mut().cast::<usize>();
        (addresses(made.get(), labels.len())?, std::slice::from_raw_parts_mut(memory, vector.len()))
    };
    let mut rest = &mut memory[first_row..];
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        let Column::Dict { codes, .. } = part else { continue };
        let (room, others) = rest.split_at_mut(codes.len());
        pieces.push((codes, room));
        rest = others;
    }
    let none = missing() as usize;
    each(pool, &mut pieces, |(codes, room)| {
        for (place, &code) in room.iter_mut().zip(codes.iter()) {
            *place = addresses.get((code as usize).wrapping_sub(1)).copied().unwrap_or(none);
        }
    });
    // SAFETY: the row is there.
    let first = unsafe { STRING_ELT(vector.get(), first_row as R_xlen_t) };
    addresses.iter().for_each(|&address| set(vector, first_row, address as SEXP));
    set(vector, first_row, first);
    Ok(())
}

fn set(vector: &Robj, row: usize, string: SEXP) {
    // SAFETY: R checks the type and the row.
    unsafe { SET_STRING_ELT(vector.get(), row as R_xlen_t, string) };
}

fn missing() -> SEXP {
    // SAFETY: it is there as long as R is.
    unsafe { R_NaString }
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

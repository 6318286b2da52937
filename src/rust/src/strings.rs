//! Text as R's strings. For the main thread only, but for the copying of strings that there are.

use crate::interrupt::attempt;
use crate::result::allocate;
use crate::view::{addresses, each};
use extendr_api::prelude::*;
use libR_sys::{
    R_NaString, R_xlen_t, Rf_mkCharLenCE, SET_STRING_ELT, SEXP, SEXPTYPE, STRING_ELT, STRING_PTR_RO, cetype_t,
};
use rx_data::sink::Words;
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
            Column::Dict { labels, .. } => match LabelStrings::new(labels, rows)? {
                Some(strings) => copy_labels(vector, row, run, &strings, pool),
                None => make_labels(vector, row, run, labels)?,
            },
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

/// Labels as strings, whose addresses are put into a vector: of these R need not know, as nothing is allocated meanwhile
/// or the strings are held here.
pub struct LabelStrings {
    /// Protects the strings.
    made: Robj,
    /// Their addresses.
    pub words: Words,
}

impl LabelStrings {
    /// Makes the strings of labels, if there are many rows for each.
    pub fn new(labels: &Labels, rows: usize) -> Result<Option<LabelStrings>> {
        if labels.len() * ROWS_PER_LABEL > rows {
            return Ok(None);
        }
        let made = strings(labels)?;
        // SAFETY: a protected character vector.
        let words = unsafe { addresses(made.get(), labels.len())? }.to_vec();
        Ok(Some(LabelStrings { made, words: Words { labels: labels.clone(), words, missing: missing() as usize } }))
    }

    /// Whether they are those of these labels, not only of the same ones by chance.
    pub fn are_of(&self, labels: &Labels) -> bool {
        Arc::ptr_eq(&self.words.labels, labels)
    }

    /// Sets each string once by R's own function in a vector that has rows, which tells the collector what it holds.
    pub fn tell(&self, vector: &Robj, row: usize) {
        // SAFETY: the row is there.
        let first = unsafe { STRING_ELT(vector.get(), row as R_xlen_t) };
        (0..self.made.len() as R_xlen_t).for_each(|i| set(vector, row, unsafe { STRING_ELT(self.made.get(), i) }));
        set(vector, row, first);
    }
}

/// The addresses in a fresh character vector with rows, which nobody else knows.
pub fn memory(vector: &mut Robj) -> &mut [usize] {
    // SAFETY: the vector is of its type and length, and stays protected as long as it is borrowed.
    unsafe {
        let memory = STRING_PTR_RO(vector.get()).cast_mut().cast::<usize>();
        std::slice::from_raw_parts_mut(memory, vector.len())
    }
}

/// Fills the rows from one on with labels that are strings, on the threads of a pool.
fn copy_labels(vector: &Robj, first_row: usize, parts: &[Column], strings: &LabelStrings, pool: Option<&Pool>) {
    let mut filled = vector.clone();
    let mut rest = &mut memory(&mut filled)[first_row..];
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        let Column::Dict { codes, .. } = part else { continue };
        let (room, others) = rest.split_at_mut(codes.len());
        pieces.push((codes, room));
        rest = others;
    }
    let words = &strings.words;
    each(pool, &mut pieces, |(codes, room)| words.put(codes, room));
    strings.tell(vector, first_row);
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
    let Some(length) = length else {
        return Err(Error::new(ErrorKind::Value, "A text holds a zero byte or is too long, which R cannot hold."));
    };
    // SAFETY: the text has no zero byte; a jump for want of memory is caught.
    let make = || string = unsafe { Rf_mkCharLenCE(text.as_ptr().cast(), length, cetype_t::CE_UTF8) };
    attempt(make, || Error::new(ErrorKind::Memory, "R cannot allocate a text."))?;
    Ok(string)
}

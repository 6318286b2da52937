//! R's vectors as columns, without a copy. For the main thread only.
//!
//! Numbers, logicals, factor codes, dates and times are viewed where they lie. Text is the exception: a worker may not
//! follow a pointer into R's strings, so the main thread gives each distinct string a code.

use crate::interrupt::attempt;
use crate::job::Job;
use crate::spec;
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;
use extendr_api::prelude::*;
use libR_sys::{
    ALTREP, DATAPTR_OR_NULL, INTEGER_GET_REGION, LOGICAL_GET_REGION, R_CHAR, R_NaString, R_xlen_t, REAL_GET_REGION,
    SEXP, SEXPTYPE, STRING_ELT, STRING_PTR_RO, TYPEOF, XLENGTH,
};
use rx_data::column::NA_I32;
use rx_data::interner::Interner;
use rx_data::source::Frame;
use rx_data::{Column, Error, ErrorKind, Field, Kind, Labels, Result, Schema};
use rx_run::Pool;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

// A SEXP only passes through.
#[allow(improper_ctypes)]
unsafe extern "C" {
    // Not bound by extendr-ffi, or not with all encodings.
    fn Rf_getCharCE(x: SEXP) -> c_int;
    fn Rf_translateCharUTF8(x: SEXP) -> *const c_char;
    fn vmaxget() -> *mut c_void;
    fn vmaxset(mark: *const c_void);
}

/// How many strings are remembered besides all, as a power of two: their table stays near the processor.
const RECENT_BITS: u32 = 10;
/// Strings that a thread takes at once.
const PIECE_ROWS: usize = 131_072;

/// R's code of strings that are bytes without an encoding.
const CE_BYTES: c_int = 3;

/// A list of columns, as a data frame is one.
pub struct Columns {
    names: Vec<String>,
    vectors: Vec<Robj>,
}

impl Columns {
    /// Takes a named list; its columns are not touched.
    pub fn new(list: &Robj) -> Result<Columns> {
        let vectors = List::try_from(list)
            .map_err(|_| Error::new(ErrorKind::WrongType, "The data are not a list of columns."))?
            .values()
            .collect::<Vec<Robj>>();
        let names = list.get_attrib("names").map_or_else(|| vec![String::new(); vectors.len()], |names| labels(&names));
        let mut seen = HashSet::new();
        for (i, name) in names.iter().enumerate() {
            let wrong = if name.is_empty() {
                Error::new(ErrorKind::Argument, format!("Column {} of the data has no name.", i + 1))
            } else if !seen.insert(name) {
                Error::new(ErrorKind::Argument, format!("Column name '{name}' occurs twice in the data.")).column(name)
            } else {
                continue;
            };
            return Err(wrong.hint("Give every column a name of its own; see make.unique()."));
        }
        Ok(Columns { names, vectors })
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows of the first column; 0 if there is none.
    pub fn rows(&self) -> usize {
        // SAFETY: the vector is protected by its owner.
        self.vectors.first().map_or(0, |v| unsafe { XLENGTH(v.get()) } as usize)
    }

    /// What is known of each column without reading it, or why it cannot be used.
    pub fn fields(&self) -> Vec<Result<Field>> {
        self.names.iter().zip(&self.vectors).map(|(name, vector)| field(name, vector)).collect()
    }

    /// Views some columns, or all. No other one is touched. The threads of a job help with text.
    pub fn view(&self, wanted: Option<&[String]>, job: Option<&Job>) -> Result<(Schema, Vec<Column>)> {
        let positions = match wanted {
            None => (0..self.names.len()).collect(),
            Some(wanted) => {
                // The kinds do not matter for finding names.
                Schema::new(self.names.iter().map(|n| Field::new(n, Kind::Logical)).collect()).indices_of(wanted)?
            }
        };
        let mut schema = Schema::default();
        let mut columns = Vec::with_capacity(positions.len());
        for i in positions {
            let mut field = field(&self.names[i], &self.vectors[i])?;
            columns.push(column(&mut field, &self.vectors[i], job)?);
            schema.fields.push(field);
        }
        Ok((schema, columns))
    }

    /// Views some columns, or all, as a source of so many rows.
    pub fn frame(&self, wanted: Option<&[String]>, rows: usize, job: Option<&Job>) -> Result<Frame> {
        let (schema, columns) = self.view(wanted, job)?;
        for (field, column) in schema.fields.iter().zip(&columns) {
            if column.len() != rows {
                let found = column.len();
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!("Column '{}' has {found} values where the data have {rows} rows.", field.name),
                )
                .column(&field.name));
            }
        }
        Frame::new(schema, columns, rows)
    }
}

/// The type of a vector, from its attributes alone. Text has no levels yet.
fn field(name: &str, vector: &Robj) -> Result<Field> {
    let tz = || vector.get_attrib("tzone").map(|tz| labels(&tz)).and_then(|tz| tz.into_iter().next());
    let unusable = |what: &str, hint: &str| {
        let message = format!("Column '{name}' is {what}, which the engine cannot read.");
        Err(Error::new(ErrorKind::WrongType, message).column(name).hint(hint))
    };
    if vector.get_attrib("dim").is_some_and(|dim| dim.len() > 1) {
        return unusable("a matrix", "Make each of its columns a column of the data.");
    }
    // SAFETY: the vector is protected by its owner.
    let kind = match unsafe { TYPEOF(vector.get()) } {
        SEXPTYPE::LGLSXP => Kind::Logical,
        SEXPTYPE::INTSXP | SEXPTYPE::REALSXP if vector.inherits("POSIXct") => {
            Kind::DateTime { tz: tz().filter(|tz| !tz.is_empty()) }
        }
        SEXPTYPE::INTSXP | SEXPTYPE::REALSXP if vector.inherits("Date") => Kind::Date,
        SEXPTYPE::INTSXP if vector.inherits("factor") => Kind::Factor { ordered: vector.inherits("ordered") },
        SEXPTYPE::INTSXP => Kind::Integer,
        SEXPTYPE::REALSXP if vector.inherits("integer64") => Kind::Int64,
        SEXPTYPE::REALSXP => Kind::Numeric,
        SEXPTYPE::STRSXP => Kind::Character,
        SEXPTYPE::VECSXP if vector.inherits("POSIXlt") => {
            return unusable("of class POSIXlt", "Convert it with as.POSIXct().");
        }
        SEXPTYPE::VECSXP => return unusable("a list", "Give the data a column of atomic values instead."),
        SEXPTYPE::CPLXSXP => return unusable("complex", "Use its real and imaginary parts, Re() and Im()."),
        SEXPTYPE::RAWSXP => return unusable("of type raw", "Convert it with as.integer()."),
        _ => return unusable("not a vector", "Give the data a column of atomic values instead."),
    };
    let mut field = Field::new(name, kind);
    if let Kind::Factor { .. } = field.kind {
        field.levels = Some(Arc::new(vector.get_attrib("levels").map_or_else(Vec::new, |levels| labels(&levels))));
    }
    field.description = vector.get_attrib(".rxDescription").and_then(|text| labels(&text).into_iter().next());
    if let Some([low, high]) = vector.get_attrib(".rxSetLowHigh").and_then(|b| spec::parse::<[f64; 2]>(&b, "b").ok()) {
        (field.low, field.high) = (Some(low), Some(high));
    }
    Ok(field)
}

/// The values of a vector; text gets its levels in order of first appearance.
fn column(field: &mut Field, vector: &Robj, job: Option<&Job>) -> Result<Column> {
    // SAFETY: the vector is protected by its owner, and its type decides how it is viewed.
    unsafe {
        let x = vector.get();
        Ok(match (&field.kind, TYPEOF(x)) {
            (Kind::Factor { .. }, _) => {
                Column::Dict { codes: values(x, INTEGER_GET_REGION)?, labels: field.levels.clone().unwrap_or_default() }
            }
            (Kind::Character, _) => {
                let (codes, labels) = codes(x, job)?;
                field.levels = Some(labels.clone());
                Column::Dict { codes, labels }
            }
            (Kind::Int64, _) => Column::I64(values(x, int64_region)?),
            (_, SEXPTYPE::LGLSXP) => Column::I32(values(x, LOGICAL_GET_REGION)?),
            (_, SEXPTYPE::INTSXP) => Column::I32(values(x, INTEGER_GET_REGION)?),
            _ => Column::F64(values(x, REAL_GET_REGION)?),
        })
    }
}

type Region<T> = unsafe extern "C" fn(SEXP, R_xlen_t, R_xlen_t, *mut T) -> R_xlen_t;

/// Package bit64 keeps 64-bit integers in the bits of doubles.
unsafe extern "C" fn int64_region(x: SEXP, from: R_xlen_t, n: R_xlen_t, out: *mut i64) -> R_xlen_t {
    unsafe { REAL_GET_REGION(x, from, n, out.cast()) }
}

/// The values of a vector where they lie, or in a buffer of ours if R holds them in a compact form such as 1:n: asking
/// for a pointer would expand that for good.
///
/// SAFETY: `x` must be protected and of the type that `region` reads, and `T` its storage. The buffer must not be used
/// after the engine function called by R has returned. That holds because the list that holds `x` is an argument of
/// that function, and [`crate::job::run`] returns only when the job's thread has ended.
unsafe fn values<T: ArrowNativeType>(x: SEXP, region: Region<T>) -> Result<ScalarBuffer<T>> {
    unsafe {
        let len = XLENGTH(x) as usize;
        let data = NonNull::new(DATAPTR_OR_NULL(x).cast::<u8>().cast_mut());
        match data {
            // The pointer of an empty vector points nowhere.
            _ if len == 0 => Ok(Vec::new().into()),
            Some(data) if data.cast::<T>().is_aligned() => {
                let buffer = Buffer::from_custom_allocation(data, len * size_of::<T>(), Arc::new(()));
                Ok(ScalarBuffer::new(buffer, 0, len))
            }
            _ => {
                let mut copy: Vec<T> = vec![T::default(); len];
                let out = copy.as_mut_ptr();
                let values = || {
                    region(x, 0, len as R_xlen_t, out);
                };
                let what = "R could not compute the values of a compact vector.";
                attempt(values, || Error::new(ErrorKind::Value, what))?;
                Ok(copy.into())
            }
        }
    }
}

/// Codes of strings in order of first appearance, and what they mean. R keeps one copy of each string, so its address
/// tells whether it is new. Threads number the addresses of a piece each, and the main thread looks what stands there.
///
/// SAFETY: `x` must be a protected character vector.
unsafe fn codes(x: SEXP, job: Option<&Job>) -> Result<(ScalarBuffer<i32>, Labels)> {
    let len = unsafe { XLENGTH(x) } as usize;
    let strings = unsafe { addresses(x, len)? };
    let mut codes = vec![0; len];
    let mut pieces: Vec<Piece> = (strings.chunks(PIECE_ROWS).zip(codes.chunks_mut(PIECE_ROWS)))
        .map(|(strings, codes)| Piece { strings, codes, distinct: Vec::new() })
        .collect();
    let pool = job.filter(|_| pieces.len() > 1).map(Job::pool).transpose()?;
    each(pool.as_ref(), &mut pieces, Piece::number);
    let (mut interner, mut known) = (Interner::default(), AddressMap::default());
    for piece in &mut pieces {
        for address in &mut piece.distinct {
            // SAFETY: it is the address of a string of the vector.
            let code = || unsafe { text(*address as SEXP) }.map_or(NA_I32, |label| interner.code(&label));
            *address = *known.entry(*address).or_insert_with(code) as usize;
        }
    }
    each(pool.as_ref(), &mut pieces, Piece::renumber);
    Ok((codes.into(), Arc::new(interner.into_labels())))
}

type AddressMap = HashMap<usize, i32, BuildHasherDefault<AddressHasher>>;

/// Some strings of a vector and their codes.
struct Piece<'a> {
    /// Where the strings are.
    strings: &'a [usize],
    codes: &'a mut [i32],
    /// The addresses that occur, in order of first appearance; in the end their codes.
    distinct: Vec<usize>,
}

impl Piece<'_> {
    /// Numbers the addresses. Nothing of R is touched.
    fn number(&mut self) {
        let mut known = AddressMap::default();
        // The last address of each place of a small table: mostly the one that comes next there, too.
        let mut recent = vec![(0, 0); 1 << RECENT_BITS];
        for (code, &address) in self.codes.iter_mut().zip(self.strings) {
            let last = &mut recent[(spread(address) >> (64 - RECENT_BITS)) as usize];
            if address != last.0 {
                let number = *known.entry(address).or_insert_with(|| {
                    self.distinct.push(address);
                    self.distinct.len() as i32 - 1
                });
                *last = (address, number);
            }
            *code = last.1;
        }
    }

    fn renumber(&mut self) {
        for code in self.codes.iter_mut() {
            *code = self.distinct[*code as usize] as i32;
        }
    }
}

/// Does something with every piece, on the threads of a pool if there is one.
pub fn each<T: Send>(pool: Option<&Pool>, pieces: &mut [T], work: impl Fn(&mut T) + Sync) {
    let Some(pool) = pool else { return pieces.iter_mut().for_each(work) };
    let queue = Mutex::new(pieces.iter_mut());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    pool.broadcast(|| {
        while let Some(piece) = next() {
            work(piece);
        }
    });
}

/// The addresses of the strings of a character vector.
///
/// SAFETY: `x` must be a protected character vector of this length, and stay so.
pub unsafe fn addresses<'a>(x: SEXP, len: usize) -> Result<&'a [usize]> {
    unsafe {
        if len == 0 {
            return Ok(&[]);
        }
        // Strings that R makes when first asked for, as of as.character(1:n), are asked for all at once.
        let mut data = std::ptr::null();
        if ALTREP(x) == 0 {
            data = STRING_PTR_RO(x);
        } else {
            let what = "R could not compute the values of a character vector.";
            attempt(|| data = STRING_PTR_RO(x), || Error::new(ErrorKind::Value, what))?;
        }
        Ok(std::slice::from_raw_parts(data.cast(), len))
    }
}

/// All strings of a character vector in UTF-8, a missing one as "NA".
pub fn labels(vector: &Robj) -> Vec<String> {
    // SAFETY: the vector is protected by its owner.
    unsafe {
        let x = vector.get();
        if TYPEOF(x) != SEXPTYPE::STRSXP {
            return Vec::new();
        }
        (0..XLENGTH(x)).map(|i| text(STRING_ELT(x, i)).unwrap_or_else(|| "NA".into())).collect()
    }
}

/// A string in UTF-8; none if it is missing.
///
/// SAFETY: `string` must be a protected CHARSXP.
unsafe fn text(string: SEXP) -> Option<String> {
    unsafe {
        if string == R_NaString {
            return None;
        }
        let mark = vmaxget();
        let bytes = if Rf_getCharCE(string) == CE_BYTES { R_CHAR(string) } else { Rf_translateCharUTF8(string) };
        let text = CStr::from_ptr(bytes).to_string_lossy().into_owned();
        vmaxset(mark);
        Some(text)
    }
}

/// Spreads addresses, whose low bits are all zero (Fibonacci hashing, Knuth 1973).
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(usize::from(byte)));
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = spread(self.0 as usize ^ address).rotate_left(26);
    }
}

fn spread(address: usize) -> u64 {
    (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

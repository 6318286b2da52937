//! Microsoft's own XDF files, as RevoScaleR wrote them: read, never written.
//!
//! ```text
//! mark | 256 zeros | column blocks ... | metadata | footer, which ends with the mark twice
//! ```
//!
//! - The **footer** ([`footer`]) has the place of the metadata and the numbers of rows and columns.
//! - The **metadata** ([`metadata`]) is a tree of objects ([`object`]): tables of the blocks' rows, offsets and sizes, and
//!   one object a column, which says its type, range and levels but holds no values.
//! - A **block** ([`block`]) is the values of some rows of one column: a zlib stream, of text with its length behind it.
//!
//! No description of the format was ever published; it was worked out from files. All of these have version 4.2, so any
//! other is refused. Types that none of them has are told by the parts of the format that follow a pattern
//! ([`element`]): such columns are read, with a warning; what no pattern explains is an error of that column alone.
//!
//! Nothing in a file is believed: every read is inside of what is there, every count is compared with the bytes that it
//! takes before memory is reserved for it, and blocks that overlap are refused. Only blocks have checksums (zlib's own).

mod block;
mod cursor;
mod element;
mod footer;
mod metadata;
mod object;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod writer;

pub(crate) use block::Decoder;
pub use metadata::ROW_NAMES;
pub(crate) use metadata::{Column, Content, Metadata};

use crate::error::{Error, ErrorKind, Result};
use crate::source::read_at;
use std::borrow::Cow;
use std::fs::File;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

/// First four bytes of a file, and its last four.
pub const MARK: [u8; 4] = [0xF4, 0xD3, 0xD2, 0xD1];
/// Where the first block may be.
const DATA: u64 = 0x104;
/// What deflate can compress to one byte at most, rounded up; a length beyond that is not believed.
const MAX_RATIO: u64 = 1032;

/// Whether a file begins as Microsoft's do. One that cannot be opened does not.
pub fn is_legacy(path: &Path) -> bool {
    let mut start = [0; MARK.len()];
    File::open(path).and_then(|file| read_at(&file, 0, &mut start)).is_ok() && start == MARK
}

/// The error of who would write to a file of Microsoft's format.
pub(crate) fn read_only(path: &Path) -> Error {
    let message = format!("'{}' is a file of Microsoft's XDF format, which is read and not written.", path.display());
    let hint = "rxscale writes an XDF format of its own: convert the file with rxImport() or rxConvertXdf(), and change the new one.";
    Error::new(ErrorKind::Unsupported, message).file(path).hint(hint)
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault(Cow<'static, str>);

/// Result of reading a part of a file.
pub(crate) type Parsed<T> = std::result::Result<T, Fault>;

impl Fault {
    /// What is wrong, to follow "cannot be read:".
    pub(crate) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Fault(what.into())
    }

    /// The error of a file.
    pub(crate) fn of(self, path: &Path) -> Error {
        Error::corrupt(path, self.0)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes at a place of a file that should have them.
pub(crate) fn read_all_at(file: &File, path: &Path, offset: u64, bytes: &mut [u8]) -> Result<()> {
    read_at(file, offset, bytes).map_err(|e| match e.kind() {
        IoErrorKind::UnexpectedEof => Fault::new("it became shorter while it was read").of(path),
        _ => Error::io(path, "read", &e),
    })
}

/// The longest content that a zlib stream of so many bytes can have.
fn most_inflated(stored: u64) -> u64 {
    stored.saturating_mul(MAX_RATIO).saturating_add(64)
}

/// Text as a file has it: UTF-8, or else the code page of Western Windows.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes)
        .map_or_else(|_| encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0, Cow::Borrowed)
}

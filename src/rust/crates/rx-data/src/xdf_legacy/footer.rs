//! The last bytes of a file.

use super::cursor::Cursor;
use super::{DATA, Fault, MARK, Parsed, read_all_at};
use crate::error::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::fs::File;
use std::path::Path;

/// Bytes of the footer.
const LENGTH: u64 = 60;
/// The version of files that is known.
const VERSION: f32 = 4.2;

/// What the footer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footer {
    /// First byte of the metadata, and the end of all blocks.
    pub metadata: u64,
    /// First byte of the footer, and the end of the metadata.
    pub end: u64,
    /// Number of columns, with that of row names.
    pub columns: u64,
    /// Number of rows of all blocks.
    pub rows: u64,
}

impl Footer {
    /// Reads the footer of a file that begins with the mark.
    pub(super) fn read(file: &File, path: &Path) -> Result<Footer> {
        let length = file.metadata().map_err(|e| Error::io(path, "read", &e))?.len();
        let corrupt = |what: &'static str| Fault::new(what).of(path);
        let Some(end) = length.checked_sub(LENGTH).filter(|&end| end >= DATA) else {
            return Err(corrupt("it ends too early"));
        };
        let mut bytes = [0; LENGTH as usize];
        read_all_at(file, path, end, &mut bytes)?;
        if !bytes.ends_with(&[MARK, MARK].concat()) {
            return Err(corrupt("it was cut off, or something stands behind its end"));
        }
        let version = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        // NaN is another version, too.
        if !matches!((version - VERSION).abs().partial_cmp(&0.05), Some(Ordering::Less)) {
            let message = format!("'{}' has version {version} of Microsoft's XDF format.", path.display());
            let hint = format!("Only version {VERSION} is known. A sample of such a file would help to read it.");
            return Err(Error::new(ErrorKind::Unsupported, message).file(path).hint(hint));
        }
        let footer = Footer::parse(&bytes, end).map_err(|fault| fault.of(path))?;
        if footer.metadata < DATA || footer.metadata > end {
            return Err(corrupt("its footer points outside of it"));
        }
        Ok(footer)
    }

    fn parse(bytes: &[u8], end: u64) -> Parsed<Footer> {
        let mut cursor = Cursor::new(bytes).ahead(12)?;
        let (metadata, columns, rows) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
        let length = cursor.ahead(8)?.u64()?;
        if length != LENGTH {
            return Err(Fault::new("its footer is not as long as it says"));
        }
        Ok(Footer { metadata, end, columns, rows })
    }
}

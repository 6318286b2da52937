//! Reading a section of a file value by value.

use super::{Fault, Parsed};

/// Versions are stored as 32-bit floats.
const VERSION_TOLERANCE: f32 = 0.01;

/// A place in a section. Every read is checked against what is left of it.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of a section.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The same section from a place so many bytes further on.
    pub(super) fn ahead(&self, bytes: usize) -> Parsed<Cursor<'a>> {
        let mut other = self.clone();
        other.take(bytes)?;
        Ok(other)
    }

    /// The next bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(bytes).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| Fault::new("its metadata ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The next N bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Fault::new("its metadata ends too early"))
    }

    /// An unsigned 32-bit integer.
    pub(super) fn u32(&mut self) -> Parsed<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A signed 32-bit integer.
    pub(super) fn i32(&mut self) -> Parsed<i32> {
        self.array().map(i32::from_le_bytes)
    }

    /// An unsigned 64-bit integer.
    pub(super) fn u64(&mut self) -> Parsed<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A signed 64-bit integer.
    pub(super) fn i64(&mut self) -> Parsed<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A version, which must be the one that is known.
    pub(super) fn version(&mut self, of: &str, known: f32) -> Parsed<()> {
        let found = f32::from_le_bytes(self.array()?);
        if (found - known).abs() < VERSION_TOLERANCE {
            return Ok(());
        }
        Err(Fault::new(format!("{of} has version {found}, and only {known:.1} is known")))
    }

    /// A mark of presence.
    pub(super) fn flag(&mut self, of: &str) -> Parsed<bool> {
        match self.u32()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Fault::new(format!("{of} is neither there nor absent, but {other}"))),
        }
    }

    /// A string: its kind, which is always 1, its length, its bytes.
    pub(super) fn string(&mut self) -> Parsed<&'a [u8]> {
        let kind = self.u32()?;
        if kind != 1 {
            return Err(Fault::new(format!("a string is of kind {kind}, and only 1 is known")));
        }
        let length = self.i32()?;
        let length = usize::try_from(length).ok().filter(|&n| n <= self.left());
        self.take(length.ok_or_else(|| Fault::new("a string of its metadata is longer than the rest of them"))?)
    }
}

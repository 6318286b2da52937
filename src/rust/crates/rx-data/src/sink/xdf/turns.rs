//! One of many files that are written in turns.

use crate::error::{Error, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// A new file that is open only while bytes are added to it, so that there may be more of its kind than a process may
/// have open. Whoever has it made sees to its folder.
pub(super) struct TurnsFile {
    path: PathBuf,
    /// What is not in the file yet.
    pending: Vec<u8>,
    /// Bytes so far, those pending included.
    position: u64,
    /// Whether it must last when it is complete.
    durable: bool,
}

impl TurnsFile {
    /// A file of this name, which nobody has yet.
    pub(super) fn new(path: PathBuf, durable: bool) -> Self {
        TurnsFile { path, pending: Vec::new(), position: 0, durable }
    }

    /// Number of bytes so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Adds bytes, which stay in memory until [`TurnsFile::flush`].
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is pending.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.write(false)
    }

    /// Writes the rest, and makes the file last if it must.
    pub(super) fn commit(mut self) -> Result<()> {
        self.write(self.durable)
    }

    fn write(&mut self, sync: bool) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let written = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(&pending)?;
            if sync { file.sync_all() } else { Ok(()) }
        };
        written().map_err(|e| Error::io(&self.path, "write", &e))
    }
}

//! Appending to a file in place, so that a crash at any moment loses nothing of what was there.
//!
//! Nothing before the old end of the file is ever changed; new batches and a new footer go behind the old footer. Before
//! the first byte is written, a journal next to the file notes the old length; after the last byte is on disk, the
//! journal goes. So whoever finds a journal knows that the file ends, in truth, at the old length.
//!
//! Who appends holds the file's lock. Readers need none.

use super::{Message, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{is_same_file, lock};
use crate::source::{open_file, read_at};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How much of the end of a file its journal repeats, to recognise the file by.
const TAIL: u64 = 4096;
/// Bytes before the tail: the old length.
const LENGTH: usize = 8;

/// The journal of a file, whichever link it is called by.
fn journal_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()));
    name.push(".journal");
    PathBuf::from(name)
}

/// Where the file ends: its length, or the length before an append that did not finish.
pub(crate) fn end_of(file: &File, path: &Path) -> Result<u64> {
    let journal_of = journal_of(path);
    let journal = || fs::read(&journal_of).ok();
    // The length counts only if no append begins or ends while it is looked up.
    let (length, journal) = loop {
        let before = journal();
        let length = file.metadata().map_err(|e| Error::io(path, "read", &e))?.len();
        if before == journal() {
            break (length, before);
        }
    };
    let Some(journal) = journal else { return Ok(length) };
    // A journal that was not written to its end preceded no change, and one with another tail is of another file that
    // had this name.
    let Some((old, tail)) = journal.split_first_chunk::<LENGTH>() else { return Ok(length) };
    let old = u64::from_le_bytes(*old);
    if old > length || tail.len() as u64 != old.min(TAIL) {
        return Ok(length);
    }
    let mut found = vec![0; tail.len()];
    read_at(file, old - tail.len() as u64, &mut found).map_err(|e| Error::io(path, "read", &e))?;
    Ok(if found == tail { old } else { length })
}

/// Removes the journal of a file that has been replaced. It is no harm if that fails: it would not be believed.
pub(crate) fn discard_journal(path: &Path) {
    let _ = fs::remove_file(journal_of(path));
}

/// A file that grows at its end; [`InPlace::commit`] makes the growth last. Dropped without that, the file is cut back.
#[derive(Debug)]
pub(crate) struct InPlace {
    path: PathBuf,
    file: File,
    old_length: u64,
    position: u64,
    committed: bool,
}

impl InPlace {
    /// Opens a file to append to it, and locks it. An append that did not finish is cut off first.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        drop(open_file(path)?);
        let path = fs::canonicalize(path).map_err(|e| Error::io(path, "open", &e))?;
        let failed = |e: io::Error| Error::io(&path, "append to", &e);
        let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        lock(&file, &path)?;
        if !is_same_file(&file, &path) {
            return Err(replaced(&path));
        }
        let old_length = end_of(&file, &path)?;
        if file.metadata().map_err(failed)?.len() != old_length {
            file.set_len(old_length).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        let mut journal = old_length.to_le_bytes().to_vec();
        journal.resize(LENGTH + old_length.min(TAIL) as usize, 0);
        read_at(&file, old_length.saturating_sub(TAIL), &mut journal[LENGTH..]).map_err(failed)?;
        let written =
            File::create(journal_of(&path)).and_then(|mut f| f.write_all(&journal).and_then(|()| f.sync_all()));
        written.map_err(failed)?;
        sync_folder(&path);
        file.seek(SeekFrom::Start(old_length)).map_err(failed)?;
        Ok(InPlace { path, file, old_length, position: old_length, committed: false })
    }

    /// Writes all bytes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        // Counted first: a write that fails may have written a part.
        self.position += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|e| Error::io(&self.path, "append to", &e))
    }

    /// Writes a message at the end, and tells where it is.
    pub(crate) fn message(&mut self, message: &Message) -> Result<Place> {
        message.write_to(self.position, |bytes| self.append(bytes))
    }

    /// Makes what was written durable and part of the file.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.file.sync_all().map_err(|e| Error::io(&self.path, "append to", &e))?;
        if !is_same_file(&self.file, &self.path) {
            return Err(replaced(&self.path));
        }
        fs::remove_file(journal_of(&self.path)).map_err(|e| Error::io(&self.path, "append to", &e))?;
        self.committed = true;
        sync_folder(&self.path);
        Ok(())
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        let unchanged = self.position == self.old_length;
        let whole = unchanged || self.file.set_len(self.old_length).and_then(|()| self.file.sync_all()).is_ok();
        // The journal stays unless the file is whole again; that of a file that took its name is not ours.
        if whole && is_same_file(&self.file, &self.path) {
            let _ = fs::remove_file(journal_of(&self.path));
        }
    }
}

fn replaced(path: &Path) -> Error {
    let message = format!("'{}' was replaced while it was being appended to.", path.display());
    Error::new(ErrorKind::File, message).file(path).hint("Append again, if the new file shall have the rows too.")
}

/// Makes the names in a file's folder durable, where the system can.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    fn end(path: &Path) -> u64 {
        end_of(&open_file(path).unwrap(), path).unwrap()
    }

    /// Leaves a file as a process does that dies: its handle is closed, nothing else is done.
    fn die(mut file: InPlace) {
        file.committed = true;
    }

    #[test]
    #[cfg(unix)]
    fn a_second_append_has_to_wait_for_the_first() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        let first = InPlace::open(&path).unwrap();
        let error = InPlace::open(&path).unwrap_err();
        assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::File, Some("Try again when that is done.")));
        first.commit().unwrap();
        InPlace::open(&path).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn an_append_to_a_file_that_is_replaced_fails_and_leaves_the_new_one_alone() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        let mut file = InPlace::open(&path).unwrap();
        file.append(b"more").unwrap();
        fs::write(dir.join("y"), "new").unwrap();
        fs::rename(dir.join("y"), &path).unwrap();
        assert_eq!(file.commit().unwrap_err().kind, ErrorKind::File);
        assert_eq!((fs::read(&path).unwrap(), end(&path)), (b"new".to_vec(), 3));
    }

    #[test]
    fn an_append_counts_when_it_is_committed() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        let mut file = InPlace::open(&path).unwrap();
        file.append(b"new").unwrap();
        assert_eq!((file.position, end(&path)), (6, 3));
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"oldnew");
        assert_eq!(dir.names(), ["x.xdf"]);
    }

    #[test]
    fn dropped_it_cuts_the_file_back() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        InPlace::open(&path).unwrap().append(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(dir.names(), ["x.xdf"]);
    }

    #[test]
    fn a_torn_append_is_not_seen_and_the_next_one_cuts_it_off() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        let mut file = InPlace::open(&path).unwrap();
        file.append(b"to").unwrap();
        die(file);
        assert_eq!(end(&path), 3);
        let mut file = InPlace::open(&path).unwrap();
        assert_eq!(file.position, 3);
        file.append(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"oldnew");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_leads_to_the_journal_too() {
        let dir = TempDir::new();
        let (path, link) = (dir.join("x.xdf"), dir.join("link.xdf"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut file = InPlace::open(&link).unwrap();
        file.append(b"new").unwrap();
        assert_eq!((end(&path), end(&link)), (3, 3));
        file.commit().unwrap();
        assert_eq!((end(&path), dir.names().len()), (6, 2));
    }

    #[test]
    fn journals_that_are_torn_or_of_another_file_are_ignored() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        fs::write(&path, "old").unwrap();
        die(InPlace::open(&path).unwrap());
        fs::write(&path, "replaced").unwrap();
        assert_eq!(end(&path), 8);
        let journal = dir.join("x.xdf.journal");
        let whole = fs::read(&journal).unwrap();
        fs::write(&path, "oldnew").unwrap();
        for cut in 0..whole.len() {
            fs::write(&journal, &whole[..cut]).unwrap();
            assert_eq!(end(&path), 6);
        }
        fs::write(&journal, &whole).unwrap();
        assert_eq!(end(&path), 3);
    }
}

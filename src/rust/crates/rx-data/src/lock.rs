//! Locks on open files and folders, so that two processes do not change one thing at the same time.

use crate::error::{Error, ErrorKind, Result};
use std::fs::File;
use std::path::Path;

/// Takes the lock of a file or folder that is open; an error if somebody else has it. It is released when the handle is
/// closed, by the system if the process dies, so no lock can be stale.
pub(crate) fn lock(file: &File, path: &Path) -> Result<()> {
    if try_lock(file) {
        return Ok(());
    }
    let message = format!("'{}' is being changed by another process or job.", path.display());
    Err(Error::new(ErrorKind::File, message).file(path).hint("Try again when that is done."))
}

/// The lock of a folder, held until this is dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Takes the lock of a folder; none if there is no such folder, or the system does not open folders.
pub fn lock_folder(folder: &Path) -> Result<Option<FolderLock>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    lock(&file, folder)?;
    Ok(Some(FolderLock { _file: file }))
}

#[cfg(unix)]
fn try_lock(file: &File) -> bool {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open as long as the file is borrowed.
    let taken = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0;
    // Some file systems have no locks.
    taken || std::io::Error::last_os_error().kind() != std::io::ErrorKind::WouldBlock
}

#[cfg(not(unix))]
fn try_lock(_: &File) -> bool {
    true
}

/// Whether a path still leads to the file that is open.
pub(crate) fn is_same_file(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        file.metadata().map(id).ok() == std::fs::metadata(path).map(id).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn one_at_a_time_has_the_lock() {
        let dir = TempDir::new();
        let (first, second) = (File::open(dir.path()).unwrap(), File::open(dir.path()).unwrap());
        lock(&first, dir.path()).unwrap();
        assert_eq!(lock(&second, dir.path()).unwrap_err().kind, ErrorKind::File);
        drop(first);
        lock(&second, dir.path()).unwrap();
        assert!(lock_folder(dir.path()).is_err());
        drop(second);
        let held = lock_folder(dir.path()).unwrap();
        assert!(held.is_some() && lock_folder(dir.path()).is_err());
        assert!(lock_folder(&dir.join("none")).unwrap().is_none());
    }

    #[test]
    fn a_file_that_took_the_name_is_another() {
        let dir = TempDir::new();
        let path = dir.join("x");
        std::fs::write(&path, "old").unwrap();
        let file = File::open(&path).unwrap();
        assert!(is_same_file(&file, &path));
        std::fs::write(dir.join("y"), "new").unwrap();
        std::fs::rename(dir.join("y"), &path).unwrap();
        assert!(!is_same_file(&file, &path));
    }
}

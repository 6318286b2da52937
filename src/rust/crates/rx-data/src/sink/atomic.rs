//! Files that appear whole or not at all.

use crate::error::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Between a target's name and the process id in the name of its temporary file.
const MARK: &str = ".rxtmp-";

/// A file written next to its target under a temporary name; [`AtomicFile::commit`] gives it the target's name. Dropped
/// without that, it leaves nothing behind.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    temp: PathBuf,
    /// None once committed.
    file: Option<File>,
    overwrite: bool,
    written: u64,
    /// What of it the system was asked to bring to the disk.
    started: u64,
}

/// Bytes after which the system is asked to start writing, so that little is left to wait for at the end.
const START: u64 = 16 << 20;

impl AtomicFile {
    /// Starts a file that shall become `path`. What processes that died left of the same target is removed.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self> {
        // Through a symbolic link the file behind it is replaced, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let existing = fs::metadata(&target).ok();
        if let Some(existing) = &existing {
            check_replaceable(path, existing, overwrite)?;
        }
        let name = target.file_name().ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("'{}' names no file.", path.display())).file(path)
        })?;
        let folder = folder_of(&target);
        if !folder.is_dir() {
            let message = format!("Cannot create '{}': there is no folder '{}'.", path.display(), folder.display());
            return Err(Error::new(ErrorKind::File, message).file(path).hint("Create the folder first."));
        }
        remove_leftovers(folder, name);

        let temp = folder.join(temp_name(name));
        // Read access too: some formats read back what they wrote.
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&temp);
        let file = file.map_err(|e| Error::io(path, "create", &e))?;
        let atomic = AtomicFile { target, temp, file: Some(file), overwrite, written: 0, started: 0 };
        if let Some(existing) = existing {
            // Whoever could not read the old file shall not read the new one.
            fs::set_permissions(&atomic.temp, existing.permissions()).map_err(|e| Error::io(path, "create", &e))?;
        }
        Ok(atomic)
    }

    /// The name that a temporary file of any process shall get; None: it is not the name of one.
    pub(crate) fn target_name(name: &str) -> Option<&str> {
        let (target, end) = name.strip_prefix('.')?.rsplit_once(MARK)?;
        owner(end.as_bytes()).map(|_| target)
    }

    /// The file's name once committed.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Number of bytes written so far.
    pub fn position(&self) -> u64 {
        self.written
    }

    /// Writes all bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|e| Error::io(&self.target, "write", &e))?;
        if self.written - self.started >= START {
            if let Some(file) = &self.file {
                start_writing(file, self.started, self.written);
            }
            self.started = self.written;
        }
        Ok(())
    }

    /// Cuts off what stands behind a position, and returns it.
    pub(crate) fn cut(&mut self, position: u64) -> Result<Vec<u8>> {
        let Some(file) = &mut self.file else { return Err(Error::internal("a file was cut after its end")) };
        let mut behind = Vec::new();
        let cut = file
            .seek(SeekFrom::Start(position))
            .and_then(|_| file.read_to_end(&mut behind))
            .and_then(|_| file.set_len(position))
            .and_then(|()| file.seek(SeekFrom::Start(position)));
        self.written = cut.map_err(|e| Error::io(&self.target, "write", &e))?;
        Ok(behind)
    }

    /// Makes the content durable, then gives it the target's name.
    pub fn commit(mut self) -> Result<()> {
        let file = self.file.take().ok_or_else(|| Error::internal("a file was committed twice"))?;
        let committed = self.publish(file);
        if committed.is_err() {
            let _ = fs::remove_file(&self.temp);
        }
        committed
    }

    fn publish(&self, file: File) -> Result<()> {
        file.sync_all().map_err(|e| Error::io(&self.target, "write", &e))?;
        drop(file);
        // Another process may have made the target in the meantime.
        if let Ok(existing) = fs::metadata(&self.target) {
            check_replaceable(&self.target, &existing, self.overwrite)?;
        }
        fs::rename(&self.temp, &self.target).map_err(|e| Error::io(&self.target, "write", &e))?;
        // The folder too, or a power cut could undo the renaming. Not every system can.
        let _ = File::open(folder_of(&self.target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Err(io::Error::other("the file is closed")) };
        let n = file.write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.temp);
        }
    }
}

/// Asks the system to bring a part of a file to the disk, without waiting. Whatever comes of it, the end waits for all.
#[cfg(target_os = "linux")]
fn start_writing(file: &File, from: u64, to: u64) {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is that of an open file; no memory is passed.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from as i64, (to - from) as i64, libc::SYNC_FILE_RANGE_WRITE) };
}

#[cfg(not(target_os = "linux"))]
fn start_writing(_: &File, _: u64, _: u64) {}

fn check_replaceable(path: &Path, existing: &fs::Metadata, overwrite: bool) -> Result<()> {
    let wrong = |what: &str| Error::new(ErrorKind::Argument, format!("'{}' {what}.", path.display())).file(path);
    if existing.is_dir() {
        Err(wrong("is a folder").hint("Name a file in it."))
    } else if !existing.is_file() {
        Err(wrong("is not a plain file").hint("Name a plain file."))
    } else if !overwrite {
        Err(wrong("exists already").hint("Pass overwrite = TRUE to replace it."))
    } else {
        Ok(())
    }
}

/// The folder of a file, or of a folder.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn prefix_of(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(MARK);
    prefix
}

/// A temporary name for what shall have this name.
pub(crate) fn temp_name(name: &OsStr) -> OsString {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut temp_name = prefix_of(name);
    temp_name.push(format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    temp_name
}

/// Removes the temporary files and folders of a target whose processes are no more. It is no harm if that fails.
pub(crate) fn remove_leftovers(folder: &Path, name: &OsStr) {
    let prefix = prefix_of(name);
    let prefix = prefix.as_encoded_bytes();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.as_encoded_bytes().strip_prefix(prefix).and_then(owner);
        if owner.is_some_and(|pid| !is_alive(pid)) {
            let _ = fs::remove_file(entry.path()).or_else(|_| fs::remove_dir_all(entry.path()));
        }
    }
}

/// The process id in the end `<pid>-<n>` of a temporary file's name.
fn owner(end: &[u8]) -> Option<u32> {
    let (pid, n) = std::str::from_utf8(end).ok()?.split_once('-')?;
    n.parse::<u64>().ok()?;
    pid.parse().ok()
}

/// Whether a process lives. Where that cannot be known it is taken to live, so that its file is left alone.
fn is_alive(pid: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn the_target_appears_on_commit_only() {
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        let mut file = AtomicFile::create(&path, false).unwrap();
        file.append(b"a,b\n").unwrap();
        assert_eq!(file.position(), 4);
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a,b\n");
        assert_eq!(dir.names(), ["x.csv"]);
    }

    #[test]
    fn dropped_it_leaves_nothing_and_the_old_file_stays() {
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path, true).unwrap();
        file.append(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(dir.names(), ["x.csv"]);
    }

    #[test]
    fn an_existing_file_is_replaced_only_on_request() {
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        fs::write(&path, "old").unwrap();
        let error = AtomicFile::create(&path, false).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Argument);
        assert_eq!(error.hint.as_deref(), Some("Pass overwrite = TRUE to replace it."));

        // One that appears while the file is written is respected as well.
        let late = dir.join("y.csv");
        let file = AtomicFile::create(&late, false).unwrap();
        fs::write(&late, "other").unwrap();
        assert_eq!(file.commit().unwrap_err().kind, ErrorKind::Argument);
        assert_eq!(dir.names(), ["x.csv", "y.csv"]);

        AtomicFile::create(&path, true).unwrap().commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(AtomicFile::create(&dir.join("no/x"), true).unwrap_err().kind, ErrorKind::File);
        assert_eq!(AtomicFile::create(dir.path(), true).unwrap_err().kind, ErrorKind::Argument);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn leftovers_of_dead_processes_go_and_others_stay() {
        let dir = TempDir::new();
        let path = dir.join("x.csv");
        let mine = format!(".x.csv{MARK}{}-7000", std::process::id());
        // Process ids end at 2^22 on Linux.
        for name in [".x.csv.rxtmp-4294967295-0", ".y.csv.rxtmp-4294967295-0", ".x.csv.rxtmp-notes", mine.as_str()] {
            fs::write(dir.join(name), "").unwrap();
        }
        drop(AtomicFile::create(&path, false).unwrap());
        assert_eq!(dir.names(), [mine.as_str(), ".x.csv.rxtmp-notes", ".y.csv.rxtmp-4294967295-0"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link() {
        let dir = TempDir::new();
        let (real, link) = (dir.join("real"), dir.join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = AtomicFile::create(&link, true).unwrap();
        file.append(b"new").unwrap();
        file.commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}

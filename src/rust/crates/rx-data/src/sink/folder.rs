//! Folders that appear whole or not at all.

use super::atomic::{folder_of, remove_leftovers, temp_name};
use crate::error::{Error, ErrorKind, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A folder of numbered files that is written next to its target under a temporary name; [`AtomicFolder::commit`] gives
/// it the target's name. Dropped without that, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct AtomicFolder {
    target: PathBuf,
    temp: PathBuf,
    /// What follows the number in the files' names.
    extension: String,
    /// The file that is written.
    file: Option<File>,
    files: usize,
    overwrite: bool,
}

impl AtomicFolder {
    /// Starts a folder that shall become `path`, with files of some extension.
    pub fn create(path: &Path, extension: &str, overwrite: bool) -> Result<Self> {
        let folder = AtomicFolder {
            target: path.to_path_buf(),
            temp: temporary(path)?,
            extension: extension.to_string(),
            file: None,
            files: 0,
            overwrite,
        };
        folder.check_replaceable()?;
        fs::create_dir(&folder.temp).map_err(|e| Error::io(path, "create", &e))?;
        Ok(folder)
    }

    /// Starts the next file.
    pub fn next_file(&mut self) -> Result<()> {
        self.close_file()?;
        self.files += 1;
        let path = self.temp.join(format!("{}_{}{}", self.stem(), self.files, self.extension));
        let file = File::options().write(true).create_new(true).open(path);
        self.file = Some(file.map_err(|e| Error::io(&self.target, "create", &e))?);
        Ok(())
    }

    /// How many files there are so far.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Writes all bytes at the end of the file that was started last.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().ok_or_else(|| Error::internal("a folder has no file to write to"))?;
        file.write_all(bytes).map_err(|e| Error::io(&self.target, "write", &e))
    }

    /// Makes the content durable, then gives it the target's name.
    pub fn commit(mut self) -> Result<()> {
        self.close_file()?;
        // Another process may have made the target in the meantime.
        self.check_replaceable()?;
        let failed = |e| Error::io(&self.target, "write", &e);
        let parent = folder_of(&self.target);
        let old = parent.join(temp_name(self.target.file_name().unwrap_or_default()));
        let replaces = self.target.exists();
        if replaces {
            fs::rename(&self.target, &old).map_err(failed)?;
        }
        if let Err(e) = fs::rename(&self.temp, &self.target) {
            if replaces {
                let _ = fs::rename(&old, &self.target);
            }
            return Err(failed(e));
        }
        if replaces {
            let _ = fs::remove_dir_all(&old);
        }
        // The folder too, or a power cut could undo the renaming. Not every system can.
        let _ = File::open(parent).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn stem(&self) -> String {
        self.target.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn close_file(&mut self) -> Result<()> {
        match self.file.take() {
            Some(file) => file.sync_all().map_err(|e| Error::io(&self.target, "write", &e)),
            None => Ok(()),
        }
    }

    /// Only a folder that holds such files and nothing else is replaced.
    fn check_replaceable(&self) -> Result<()> {
        let path = &self.target;
        let wrong = |what: &str| Error::new(ErrorKind::Argument, format!("'{}' {what}.", path.display())).file(path);
        let Ok(existing) = fs::metadata(path) else { return Ok(()) };
        if !existing.is_dir() {
            return Err(wrong("is a file, not a folder").hint("Name another folder."));
        }
        if !self.overwrite {
            return Err(wrong("exists already").hint("Pass overwrite = TRUE to replace it."));
        }
        let stem = format!("{}_", self.stem());
        for entry in fs::read_dir(path).map_err(|e| Error::io(path, "read", &e))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let rest = name.strip_prefix(&stem).unwrap_or_default();
            let number = rest.split('.').next().unwrap_or_default();
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) || entry.path().is_dir() {
                let message = format!("holds '{name}', which no set of files has");
                return Err(wrong(&message).hint("Name another folder, or remove this one yourself."));
            }
        }
        Ok(())
    }
}

/// A folder of any files that appears whole or not at all, and replaces nothing.
#[derive(Debug)]
pub(super) struct NewFolder {
    target: PathBuf,
    temp: PathBuf,
}

impl NewFolder {
    /// Starts a folder that shall become `path`.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = NewFolder { target: path.to_path_buf(), temp: temporary(path)? };
        folder.check_absent()?;
        fs::create_dir(&folder.temp).map_err(|e| Error::io(path, "create", &e))?;
        Ok(folder)
    }

    /// Where a file of it is, as long as it is not committed.
    pub fn file(&self, name: &str) -> PathBuf {
        self.temp.join(name)
    }

    /// Gives it its name.
    pub fn commit(self) -> Result<()> {
        self.check_absent()?;
        fs::rename(&self.temp, &self.target).map_err(|e| Error::io(&self.target, "create", &e))
    }

    fn check_absent(&self) -> Result<()> {
        if self.target.exists() {
            let error = Error::new(ErrorKind::Argument, format!("'{}' exists already.", self.target.display()));
            return Err(error.file(&self.target).hint("Name another folder."));
        }
        Ok(())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temp);
    }
}

/// The temporary name of what shall become the folder `path`. What processes that died left of it is removed.
fn temporary(path: &Path) -> Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::new(ErrorKind::Argument, format!("'{}' names no folder.", path.display())).file(path))?;
    let parent = folder_of(path);
    if !parent.is_dir() {
        let message = format!("Cannot create '{}': there is no folder '{}'.", path.display(), parent.display());
        return Err(Error::new(ErrorKind::File, message).file(path).hint("Create the folder first."));
    }
    remove_leftovers(parent, name);
    Ok(parent.join(temp_name(name)))
}

impl Drop for AtomicFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temp);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    fn write(path: &Path, overwrite: bool, files: usize) -> Result<()> {
        let mut folder = AtomicFolder::create(path, ".csv", overwrite)?;
        for i in 0..files {
            folder.next_file()?;
            folder.append(i.to_string().as_bytes())?;
        }
        folder.commit()
    }

    #[test]
    fn the_target_appears_on_commit_only() {
        let dir = TempDir::new();
        let path = dir.join("out");
        let mut folder = AtomicFolder::create(&path, ".csv", false).unwrap();
        folder.next_file().unwrap();
        folder.append(b"0").unwrap();
        assert!(!path.exists());
        drop(folder);
        assert!(dir.names().is_empty());
        write(&path, false, 2).unwrap();
        assert_eq!(fs::read(path.join("out_2.csv")).unwrap(), b"1");
        assert_eq!(dir.names(), ["out"]);
    }

    #[test]
    fn only_sets_are_replaced_and_on_request() {
        let dir = TempDir::new();
        let path = dir.join("out");
        write(&path, false, 3).unwrap();
        assert_eq!(write(&path, false, 1).unwrap_err().hint.unwrap(), "Pass overwrite = TRUE to replace it.");
        write(&path, true, 1).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::write(path.join("letters.doc"), "precious").unwrap();
        let error = write(&path, true, 1).unwrap_err();
        assert!(error.kind == ErrorKind::Argument && error.message.contains("letters.doc"));
        assert!(path.join("letters.doc").exists());
        assert_eq!(write(&path.join("letters.doc"), true, 1).unwrap_err().kind, ErrorKind::Argument);
        assert_eq!(write(&dir.join("no/out"), true, 1).unwrap_err().kind, ErrorKind::File);
        assert_eq!(dir.names(), ["out"]);
    }
}

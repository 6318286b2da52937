//! Composite sets: a folder of XDF files that are one table.
//!
//! ```text
//! flights/data/flights_1.xdfd ...     XDF files, each a table of its own to other readers
//! flights/metadata/flights.xdfm       the head: an XDF file without rows that lists them
//! ```
//!
//! The head alone says what belongs to the set, and it is replaced at once: a set that is overwritten or appended to is
//! the old one until its new head has its name. Data files are never changed and never share a name with files of the
//! set before them. The columns' names, levels and descriptions are those of the head; codes mean the levels there.
//!
//! Who changes a set holds the lock of its folder.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of a set.
pub(crate) const DATA: &str = "data";
pub(crate) const METADATA: &str = "metadata";
/// The extensions of its files.
const DATA_EXTENSION: &str = "xdfd";
const HEAD_EXTENSION: &str = "xdfm";

/// A data file, as the head knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetFile {
    /// Its name in the folder of data.
    pub name: String,
    /// Its logical blocks, each with the rows of its record batches.
    pub blocks: Vec<Vec<u64>>,
    /// The checksum of its footer, by which it is known.
    pub seal: u64,
}

/// The head of a set; None: the folder is no set.
pub fn head_of(folder: &Path) -> Option<PathBuf> {
    let metadata = folder.join(METADATA);
    let named = metadata.join(format!("{}.{HEAD_EXTENSION}", name_of(folder)));
    if named.is_file() {
        return Some(named);
    }
    // A folder that was renamed keeps its files.
    let entries = fs::read_dir(metadata).ok()?.flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension() == Some(OsStr::new(HEAD_EXTENSION))).min()
}

/// The name of a set, which its files begin with.
fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where the head of a new set goes.
pub(crate) fn new_head(folder: &Path) -> PathBuf {
    folder.join(METADATA).join(format!("{}.{HEAD_EXTENSION}", name_of(folder)))
}

/// The name of the i-th data file.
pub(crate) fn data_name(folder: &Path, i: usize) -> String {
    format!("{}_{i}.{DATA_EXTENSION}", name_of(folder))
}

/// Makes the folders of a set, which may be there already; what else is there is no set.
pub(crate) fn make_folders(folder: &Path) -> Result<()> {
    let foreign = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    if folder.is_file() || foreign.into_iter().any(|name| name != DATA && name != METADATA) {
        let message = format!("'{}' exists and is no composite set.", folder.display());
        let error = Error::new(ErrorKind::Argument, message).file(folder);
        return Err(error.hint("Name a folder that does not exist yet, or remove this one."));
    }
    for part in [DATA, METADATA] {
        fs::create_dir_all(folder.join(part)).map_err(|e| Error::io(folder, "create", &e))?;
    }
    Ok(())
}

/// Removes data files that no head lists: those of a set before, or of a process that died. It is no harm if that fails.
pub(crate) fn remove_unlisted(folder: &Path, listed: &[SetFile]) {
    for entry in fs::read_dir(folder.join(DATA)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_data_name(&name) && !listed.iter().any(|file| file.name == name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a name is that of a data file, `<name>_<i>.xdfd`, or of a temporary one.
fn is_data_name(name: &str) -> bool {
    let temporary = crate::sink::AtomicFile::target_name(name);
    let stem = temporary.unwrap_or(name).strip_suffix(DATA_EXTENSION).and_then(|stem| stem.strip_suffix('.'));
    stem.and_then(|stem| stem.rsplit_once('_')).is_some_and(|(_, i)| i.parse::<usize>().is_ok())
}

/// Removes the folders of a set that was not finished, as far as they are empty.
pub(crate) fn remove_empty(folder: &Path) {
    for part in [folder.join(DATA), folder.join(METADATA), folder.to_path_buf()] {
        let _ = fs::remove_dir(part);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn only_data_files_are_taken_for_such() {
        for name in ["a_1.xdfd", "a_b_12.xdfd", ".a_1.xdfd.rxtmp-77-0"] {
            assert!(is_data_name(name), "{name}");
        }
        for name in ["a.xdfd", "a_x.xdfd", "a_1.xdf", "notes.txt", ".a.csv.rxtmp-77-0", "xdfd"] {
            assert!(!is_data_name(name), "{name}");
        }
    }

    #[test]
    fn a_folder_of_other_things_is_no_place_for_a_set() {
        let dir = TempDir::new();
        assert_eq!(head_of(dir.path()), None);
        make_folders(dir.path()).unwrap();
        make_folders(dir.path()).unwrap();
        remove_empty(&dir.join("data"));
        fs::write(dir.join("x.csv"), "").unwrap();
        assert_eq!(make_folders(dir.path()).unwrap_err().kind, ErrorKind::Argument);
        assert_eq!(make_folders(&dir.join("x.csv")).unwrap_err().kind, ErrorKind::Argument);
    }
}

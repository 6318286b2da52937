//! Opening files and reading at positions.

use crate::error::{Error, ErrorKind, Result};
use crate::schema::nearest;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Opens a plain file for reading; an error about a missing one names the nearest file there is.
pub fn open_file(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => not_found(path),
        _ => Error::io(path, "open", &e),
    })?;
    let metadata = file.metadata().map_err(|e| Error::io(path, "open", &e))?;
    if metadata.is_dir() {
        let message = format!("Cannot open '{}': it is a folder.", path.display());
        return Err(Error::new(ErrorKind::File, message).file(path).hint("Name a file in it."));
    }
    Ok(file)
}

fn not_found(path: &Path) -> Error {
    let error = Error::new(ErrorKind::File, format!("There is no file '{}'.", path.display())).file(path);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else {
        return error.hint(format!("There is no folder '{}' either.", folder.display()));
    };
    let names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    let wanted = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("Did you mean '{}'?", folder.join(near).display())),
        None => error.hint("Check the path and the working directory."),
    }
}

/// Fills a buffer from a position, leaving the file's own position out of it: any thread may call it at any time.
pub(crate) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < buffer.len() {
            match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], offset + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}

/// Writes a buffer at a position, as [`read_at`] reads.
pub(crate) fn write_at(file: &File, offset: u64, buffer: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, buffer, offset);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < buffer.len() {
            match std::os::windows::fs::FileExt::seek_write(file, &buffer[done..], offset + done as u64)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn a_missing_file_is_answered_with_the_nearest_name() {
        let dir = TempDir::new();
        fs::write(dir.join("flights.xdf"), "").unwrap();
        let error = open_file(&dir.join("flight.xdf")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::File);
        assert!(error.hint.unwrap().contains("flights.xdf'?"));
        assert!(open_file(&dir.join("no/x.xdf")).unwrap_err().hint.unwrap().contains("no folder"));
        assert!(open_file(dir.path()).unwrap_err().message.contains("folder"));
    }

    #[test]
    fn reads_need_no_file_position() {
        let dir = TempDir::new();
        fs::write(dir.join("x"), "0123456789").unwrap();
        let file = open_file(&dir.join("x")).unwrap();
        let mut two = [0; 2];
        read_at(&file, 7, &mut two).unwrap();
        assert_eq!(&two, b"78");
        assert!(read_at(&file, 9, &mut two).is_err());
    }
}

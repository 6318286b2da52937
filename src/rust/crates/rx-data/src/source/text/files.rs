//! Which files a user means.

use crate::error::{Error, ErrorKind, Result};
use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

/// The files, in order; folders stand for the files in them.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(in_folder(path)?);
        } else {
            all.push(path.clone());
        }
    }
    if all.is_empty() {
        return Err(Error::new(ErrorKind::Argument, "No text file is named.").hint("Name one."));
    }
    Ok(all)
}

/// The files of a folder by name, numbers in names as numbers. What begins with a dot or an underscore is no data, by
/// convention, and what is empty has none.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::io(folder, "read", &e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = fs::metadata(entry.path()).map_err(failed)?;
        if metadata.is_file() && metadata.len() > 0 && !name.starts_with(['.', '_']) {
            names.push((name, entry.path()));
        }
    }
    if names.is_empty() {
        let message = format!("There is no text file in the folder '{}'.", folder.display());
        return Err(Error::new(ErrorKind::File, message).file(folder).hint("Files that are empty do not count."));
    }
    names.sort_by(|(a, _), (b, _)| natural(a, b));
    Ok(names.into_iter().map(|(_, path)| path).collect())
}

/// Compares names by their letters and, where both have digits, by the numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(&p), Some(&q)) = (x.first(), y.first()) {
        let order = if p.is_ascii_digit() && q.is_ascii_digit() {
            let (n, m) = (leading_number(&mut x), leading_number(&mut y));
            n.len().cmp(&m.len()).then(n.cmp(m))
        } else {
            (x, y) = (&x[1..], &y[1..]);
            p.cmp(&q)
        };
        if order.is_ne() {
            return order;
        }
    }
    x.len().cmp(&y.len()).then(a.cmp(b))
}

/// Takes the digits that a text begins with, without leading zeros.
fn leading_number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&b| b == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn a_folder_stands_for_its_files_in_order() {
        let dir = TempDir::new();
        for name in ["part-10.csv", "part-9.csv", "a.csv", "_SUCCESS", ".part-1.crc", "part-009.csv"] {
            fs::write(dir.join(name), "x\n1\n").unwrap();
        }
        fs::write(dir.join("empty.csv"), "").unwrap();
        fs::create_dir(dir.join("sub")).unwrap();
        let found = files(&[dir.path().into(), "other.csv".into()]).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.csv", "part-009.csv", "part-9.csv", "part-10.csv", "other.csv"]);
        assert_eq!(files(&[dir.join("sub")]).unwrap_err().kind, ErrorKind::File);
        assert_eq!(files(&[]).unwrap_err().kind, ErrorKind::Argument);
    }
}

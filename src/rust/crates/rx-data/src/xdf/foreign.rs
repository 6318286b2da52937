//! What files are that have an XDF's name and are none.

use crate::error::Error;
use crate::source::read_at;
use std::fs::File;
use std::path::Path;

/// How much of a file is looked at.
const START: usize = 64;

/// First bytes, what begins with them, and what to do then.
const KNOWN: [(&[u8], &str, &str); 8] = [
    (b"\x1F\x8B", "it is compressed by gzip, perhaps a workspace of R", "Try load() or readRDS()."),
    (b"RDX", "it is a workspace of R", "Try load()."),
    (b"PAR1", "it is a Parquet file", "Use RxParquetData()."),
    (b"PK\x03\x04", "it is a zip archive", "Unpack it first."),
    (b"version https://git-lfs", "it is a pointer to a file that Git LFS keeps", "Get the file with `git lfs pull`."),
    (b"XDF:", "it is a recording of signals in another format of this name", ELSEWHERE),
    (b"<XDF", "it is a definition of TunerPro", ELSEWHERE),
    (b"<", "it is a page of HTML or XML, perhaps the error of a failed download", "Download the file again."),
];
const ELSEWHERE: &str = "That format is not one of data tables.";

/// The error of a file that is not Arrow's.
pub(super) fn not_xdf(file: &File, end: u64, path: &Path) -> Error {
    let mut start = vec![0; START.min(end as usize)];
    if let Err(e) = read_at(file, 0, &mut start) {
        return Error::io(path, "read", &e);
    }
    if start.iter().all(|&byte| byte == 0) {
        return Error::corrupt(path, "it begins with zeros").hint("It was perhaps not downloaded to its end.");
    }
    let text = start.trim_ascii_start();
    match KNOWN.iter().find(|known| start.starts_with(known.0) || text.starts_with(known.0)) {
        Some((_, what, hint)) => Error::corrupt(path, format!("it is no XDF file; {what}")).hint(*hint),
        None => Error::corrupt(path, "it is not an XDF (Arrow) file")
            .hint("Name its format by the extension or the source."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use crate::source::XdfSource;
    use crate::testing::TempDir;
    use std::fs;

    #[test]
    fn a_file_of_another_format_is_called_so() {
        let dir = TempDir::new();
        let path = dir.join("x.xdf");
        for (content, said) in [
            (&b"\x1F\x8B\x08"[..], "gzip"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            (b"\n <!DOCTYPE html>", "HTML"),
            (b"<XDFFORMAT>", "TunerPro"),
            (b"\0\0\0\0\0\0", "zeros"),
            (b"a,b\n1,2\n", "not an XDF"),
            (b"x", "not an XDF"),
        ] {
            fs::write(&path, content).unwrap();
            let error = XdfSource::open(&path).err().unwrap();
            assert!(error.message.contains(said) && error.hint.is_some(), "{error:?}");
        }
    }
}

//! Parquet files whose every byte is checked.
//!
//! Parquet has checksums for the content of pages only. Files of rxscale have them for all there is: before the footer,
//! where no other reader looks, stand the checksums of the file's segments and a seal of the footer.
//!
//! ```text
//! PAR1 | pages ... | checksum of each segment | checksum of these, their number | seal | footer | its length | PAR1
//! ```

use crate::checksum::{Running, SEAL, Sealed, check_seal, checksum, seal};
use crate::error::{Error, Result};
use crate::sink::AtomicFile;
use crate::source::read_at;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that have one checksum.
const SEGMENT: usize = 1 << 20;
/// After the footer: its length and the magic.
const TRAILER: u64 = 8;
/// Between the segments' checksums and the seal: their checksum and their number.
const COUNTED: u64 = 16;
/// How much is read at once where Parquet reads a stream.
const READ_BYTES: usize = 64 << 10;

/// A Parquet file that is being written.
pub(crate) struct SealedWriter {
    file: AtomicFile,
    /// The checksum of the segment that is being filled, and how far it is.
    running: Running,
    filled: usize,
    sums: Vec<u64>,
}

impl SealedWriter {
    /// Writes to a fresh file.
    pub(crate) fn new(file: AtomicFile) -> Self {
        SealedWriter { file, running: Running::default(), filled: 0, sums: Vec::new() }
    }

    /// Seals a file that has been written to its end, and gives it its name.
    pub(crate) fn commit(self) -> Result<()> {
        let SealedWriter { mut file, mut sums, .. } = self;
        let incomplete = || Error::internal("a Parquet file has no footer");
        let end = file.position().checked_sub(TRAILER).ok_or_else(incomplete)?;
        let trailer = file.cut(end)?;
        let length = trailer.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let content = end.checked_sub(u64::from(length)).ok_or_else(incomplete)?;
        // The segment in which the footer began was not at its end.
        sums.truncate((content / SEGMENT as u64) as usize);
        let whole = (sums.len() * SEGMENT) as u64;
        let mut footer = file.cut(whole)?;
        let rest: Vec<u8> = footer.drain(..(content - whole) as usize).collect();
        if !rest.is_empty() {
            sums.push(checksum(&rest));
        }
        footer.extend_from_slice(&trailer);
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        for part in [
            &rest[..],
            &bytes,
            &checksum(&bytes).to_le_bytes(),
            &(sums.len() as u64).to_le_bytes(),
            &seal(&footer),
            &footer,
        ] {
            file.append(part)?;
        }
        file.commit()
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(&bytes[..bytes.len().min(SEGMENT - self.filled)])?;
        self.running.write(&bytes[..n]);
        self.filled += n;
        if self.filled == SEGMENT {
            self.sums.push(self.running.take());
            self.filled = 0;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A Parquet file that many threads read at once; std's own clones would share one position.
#[derive(Clone)]
pub(crate) struct SealedFile {
    file: Arc<File>,
    length: u64,
    /// None in the files of others.
    segments: Option<Arc<Segments>>,
}

struct Segments {
    sums: Vec<u64>,
    /// Where the last one ends.
    end: u64,
    /// Those that have been found intact.
    checked: Vec<AtomicBool>,
}

impl SealedFile {
    /// Looks for a seal, and checks the footer if there is one.
    pub(crate) fn open(file: File, path: &Path) -> Result<Self> {
        let length = file.metadata().map_err(|e| Error::io(path, "read", &e))?.len();
        let segments = segments(&file, length, path)?.map(Arc::new);
        Ok(SealedFile { file: Arc::new(file), length, segments })
    }

    /// Fills a buffer from a position inside of the file.
    fn read(&self, start: u64, buffer: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, start, buffer)?;
        let Some(segments) = &self.segments else { return Ok(()) };
        let end = (start + buffer.len() as u64).min(segments.end);
        let size = SEGMENT as u64;
        for i in (start / size) as usize..end.div_ceil(size) as usize {
            if !segments.checked[i].load(Ordering::Relaxed) {
                let from = i as u64 * size;
                let to = (from + size).min(segments.end);
                let known = buffer.get(from.wrapping_sub(start) as usize..to.saturating_sub(start) as usize);
                let intact = match known.filter(|_| from >= start) {
                    Some(bytes) => checksum(bytes) == segments.sums[i],
                    None => {
                        let mut bytes = vec![0; (to - from) as usize];
                        read_at(&self.file, from, &mut bytes)?;
                        checksum(&bytes) == segments.sums[i]
                    }
                };
                if !intact {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "its content is damaged"));
                }
                segments.checked[i].store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// The checksums of a file that has a seal. What is no Parquet file has none.
fn segments(file: &File, length: u64, path: &Path) -> Result<Option<Segments>> {
    let read = |from: u64, bytes: u64| {
        let mut buffer = vec![0; bytes as usize];
        read_at(file, from, &mut buffer).map(|()| buffer).map_err(|e| Error::io(path, "read", &e))
    };
    let damaged = || Error::corrupt(path, "its footer is damaged");
    let Some(end) = length.checked_sub(TRAILER) else { return Ok(None) };
    let footer = read(end, TRAILER)?.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    let Some(start) = end.checked_sub(footer + SEAL as u64 + COUNTED) else { return Ok(None) };
    let tail = read(start, length - start)?;
    let (counted, rest) = tail.split_at(COUNTED as usize);
    let (before, sealed) = rest.split_at(SEAL);
    match check_seal(before, sealed) {
        Sealed::No => return Ok(None),
        Sealed::Broken => return Err(damaged()),
        Sealed::Intact => {}
    }
    let (sum, count) = counted.split_at(8);
    let count = count.try_into().map_or(u64::MAX, u64::from_le_bytes);
    let content = count.checked_mul(8).and_then(|bytes| start.checked_sub(bytes)).ok_or_else(damaged)?;
    let bytes = read(content, start - content)?;
    if sum != checksum(&bytes).to_le_bytes() || content.div_ceil(SEGMENT as u64) != count {
        return Err(damaged());
    }
    let sums = bytes.chunks_exact(8).map(|sum| sum.try_into().map_or(0, u64::from_le_bytes)).collect::<Vec<_>>();
    let checked = sums.iter().map(|_| AtomicBool::new(false)).collect();
    Ok(Some(Segments { sums, end: content, checked }))
}

impl Length for SealedFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for SealedFile {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> std::result::Result<Self::T, ParquetError> {
        Ok(BufReader::with_capacity(READ_BYTES, From { file: self.clone(), position: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> std::result::Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("it points outside of the file".to_string()));
        }
        let mut bytes = vec![0; length];
        self.read(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// A file from some position on.
pub(crate) struct From {
    file: SealedFile,
    position: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.file.length.saturating_sub(self.position);
        let n = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        self.file.read(self.position, &mut buffer[..n])?;
        self.position += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::source::open_file;
    use crate::testing::TempDir;
    use std::fs;

    #[test]
    fn every_segment_is_checked_wherever_reading_begins() {
        let dir = TempDir::new();
        let path = dir.join("x");
        for content in [0, 5, SEGMENT - 1, SEGMENT, 2 * SEGMENT + 77] {
            let mut writer = SealedWriter::new(AtomicFile::create(&path, true).unwrap());
            let bytes: Vec<u8> = (0..content).map(|i| ((i * 31) >> 5) as u8).collect();
            for piece in [&bytes[..], b"footer", &6u32.to_le_bytes(), b"PAR1"] {
                writer.write_all(piece).unwrap();
            }
            writer.commit().unwrap();
            let good = fs::read(&path).unwrap();
            assert!(good.starts_with(&bytes) && good.ends_with(b"footer\x06\0\0\0PAR1"));
            let open = || SealedFile::open(open_file(&path).unwrap(), &path);
            for start in [0, 1.min(content), content / 2, content.saturating_sub(1), content] {
                assert_eq!(open().unwrap().get_bytes(start as u64, content - start).unwrap(), bytes[start..]);
            }
            for at in [0, content / 2, content.saturating_sub(1)].into_iter().filter(|&at| at < content) {
                let mut bad = good.clone();
                bad[at] ^= 4;
                fs::write(&path, &bad).unwrap();
                assert!(open().unwrap().get_bytes(at as u64, 1).is_err());
                assert!(open().unwrap().get_read(at as u64).unwrap().read(&mut [0; 3]).is_err());
            }
            for at in content..good.len() - 18 {
                let mut bad = good.clone();
                bad[at] ^= 4;
                fs::write(&path, &bad).unwrap();
                // A damaged mark hides the seal; all else is found.
                assert!(open().is_err() || open().unwrap().segments.is_none(), "{at}");
            }
        }
    }
}

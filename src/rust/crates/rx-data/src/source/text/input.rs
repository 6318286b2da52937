//! The bytes of a text file, range by range.

use super::buffer::Buffer;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::nearest;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Hands out the ranges of a file in increasing order, to any number of threads.
pub(super) enum Input {
    /// Ranges are read wherever they are.
    Plain { file: File, next: AtomicUsize, start: u64, len: u64 },
    /// Ranges come one after the other.
    Stream(Mutex<Stream>),
}

/// A compressed file on its way.
pub(super) struct Stream {
    reader: Box<dyn Read + Send>,
    next: usize,
    /// A byte read ahead, to know whether there is more.
    ahead: Option<u8>,
    ended: bool,
}

/// One range handed out.
pub(super) struct Range {
    pub index: usize,
    /// Whether the file ends with it.
    pub last: bool,
}

impl Input {
    /// The bytes of a file after the first `start`.
    pub fn open(path: &Path, start: u64) -> Result<Self> {
        let (file, len, compressed) = open(path)?;
        if !compressed {
            return Ok(Input::Plain { file, next: AtomicUsize::new(0), start, len: len.saturating_sub(start) });
        }
        let mut reader: Box<dyn Read + Send> = Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)));
        io::copy(&mut (&mut reader).take(start), &mut io::sink()).map_err(|e| read_error(path, &e))?;
        let mut stream = Stream { reader, next: 0, ahead: None, ended: false };
        stream.look_ahead().map_err(|e| read_error(path, &e))?;
        Ok(Input::Stream(Mutex::new(stream)))
    }

    /// Reads the next range; None at the end. An empty file has one empty range. The last line gets the newline that
    /// it may lack.
    pub fn read(&self, path: &Path, range_bytes: usize, buffer: &mut Buffer) -> Result<Option<Range>> {
        let range = match self {
            Input::Plain { file, next, start, len } => {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let offset = index as u64 * range_bytes as u64;
                if offset >= *len && index > 0 {
                    return Ok(None);
                }
                let n = (*len - offset).min(range_bytes as u64);
                buffer.fill(range_bytes, |bytes| {
                    let read = read_exact_at(file, &mut bytes[..n as usize], start + offset);
                    read.map(|()| n as usize).map_err(|e| match e.kind() {
                        io::ErrorKind::UnexpectedEof => shrunk(path),
                        _ => read_error(path, &e),
                    })
                })?;
                Range { index, last: offset + n >= *len }
            }
            Input::Stream(stream) => {
                let mut stream = stream.lock().map_err(|_| Error::internal("a compressed file was poisoned"))?;
                if stream.ended {
                    return Ok(None);
                }
                buffer.fill(range_bytes, |bytes| stream.fill(bytes)).map_err(|e| read_error(path, &e))?;
                let index = stream.next;
                stream.next += 1;
                stream.ended = stream.ahead.is_none();
                Range { index, last: stream.ended }
            }
        };
        if range.last {
            buffer.end_line();
        }
        Ok(Some(range))
    }
}

impl Stream {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(first) = self.ahead.take() else { return Ok(0) };
        buffer[0] = first;
        let n = 1 + read_full(&mut self.reader, &mut buffer[1..])?;
        if n == buffer.len() {
            self.look_ahead()?;
        }
        Ok(n)
    }

    fn look_ahead(&mut self) -> io::Result<()> {
        let mut byte = [0];
        self.ahead = (read_full(&mut self.reader, &mut byte)? == 1).then_some(byte[0]);
        Ok(())
    }
}

/// The content of a file from the beginning on, decompressed.
pub(super) fn reader(path: &Path) -> Result<Box<dyn Read>> {
    let (file, _, compressed) = open(path)?;
    Ok(if compressed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) })
}

/// Reads until the buffer is full or the input ends.
pub(super) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match reader.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// What went wrong in reading: damaged compressed data, or the system.
pub(super) fn read_error(path: &Path, cause: &io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::corrupt(path, "its compressed data end too early").hint("Copy or download the file again.")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::corrupt(path, format!("its compressed data are damaged ({cause})"))
                .hint("Copy or download the file again.")
        }
        _ => Error::io(path, "read", cause),
    }
}

/// The file, its length and whether it is compressed.
fn open(path: &Path) -> Result<(File, u64, bool)> {
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => not_found(path),
        _ => Error::io(path, "open", &e),
    })?;
    let metadata = file.metadata().map_err(|e| Error::io(path, "open", &e))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "not a plain file" };
        let error = Error::new(ErrorKind::Unsupported, format!("'{}' is {what}.", path.display())).file(path);
        return Err(error.hint("Name one text file."));
    }
    let mut magic = [0; 2];
    let compressed = metadata.len() >= 2 && read_exact_at(&file, &mut magic, 0).is_ok() && magic == GZIP;
    // On Windows a positioned read moves the file's own position.
    #[cfg(windows)]
    io::Seek::rewind(&mut &file).map_err(|e| Error::io(path, "open", &e))?;
    Ok((file, metadata.len(), compressed))
}

fn not_found(path: &Path) -> Error {
    let error = Error::new(ErrorKind::File, format!("There is no file '{}'.", path.display())).file(path);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return error.hint(format!("There is no folder '{}' either.", folder.display()));
    };
    let names: Vec<_> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("Did you mean '{near}'?")),
        None => error,
    }
}

fn shrunk(path: &Path) -> Error {
    let message = format!("'{}' has become shorter while it was read.", path.display());
    Error::new(ErrorKind::File, message).file(path)
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

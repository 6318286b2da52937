//! The bytes of a text file, range by range.

use super::buffer::Buffer;
use super::encoding::Decoded;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{open_file, read_at};
use encoding_rs::Encoding;
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

/// A file on its way that is compressed or in another encoding.
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
    /// The text of a file, in UTF-8, after its first `start` bytes.
    pub fn open(path: &Path, encoding: Option<&'static Encoding>, start: u64) -> Result<Self> {
        let opened = open(path)?;
        if !opened.compressed && encoding.is_none() {
            let Opened { file, len, .. } = opened;
            check_start(path, start, len)?;
            return Ok(Input::Plain { file, next: AtomicUsize::new(0), start, len: len.saturating_sub(start) });
        }
        let mut reader = opened.reader(encoding);
        let skipped = io::copy(&mut (&mut reader).take(start), &mut io::sink()).map_err(|e| read_error(path, &e))?;
        check_start(path, start, skipped)?;
        let mut stream = Stream { reader, next: 0, ahead: None, ended: false };
        stream.look_ahead().map_err(|e| read_error(path, &e))?;
        Ok(Input::Stream(Mutex::new(stream)))
    }

    /// How many ranges there are, once all are handed out.
    pub fn ranges(&self, range_bytes: usize) -> Result<usize> {
        match self {
            Input::Plain { len, .. } => Ok(len.div_ceil(range_bytes as u64).max(1) as usize),
            Input::Stream(stream) => Ok(stream.lock().map_err(|_| poisoned())?.next),
        }
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
                    let read = read_at(file, start + offset, &mut bytes[..n as usize]);
                    read.map(|()| n as usize).map_err(|e| match e.kind() {
                        io::ErrorKind::UnexpectedEof => shrunk(path),
                        _ => read_error(path, &e),
                    })
                })?;
                Range { index, last: offset + n >= *len }
            }
            Input::Stream(stream) => {
                let mut stream = stream.lock().map_err(|_| poisoned())?;
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

/// The text of a file from the beginning on, decompressed and in UTF-8.
pub(super) fn reader(path: &Path, encoding: Option<&'static Encoding>) -> Result<Box<dyn Read + Send>> {
    Ok(open(path)?.reader(encoding))
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

/// What went wrong in reading: damaged compressed data, a file that shrinks, or the system.
pub(super) fn read_error(path: &Path, cause: &io::Error) -> Error {
    match cause.kind() {
        _ if cause.get_ref().is_some_and(|e| e.is::<Shrunk>()) => shrunk(path),
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

/// A file that was opened.
struct Opened {
    file: File,
    len: u64,
    compressed: bool,
}

impl Opened {
    fn reader(self, encoding: Option<&'static Encoding>) -> Box<dyn Read + Send> {
        let Opened { file, len, compressed } = self;
        let plain: Box<dyn Read + Send> = if compressed {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file)))
        } else {
            Box::new(Whole { file, left: len })
        };
        match encoding {
            Some(encoding) => Box::new(Decoded::new(plain, encoding)),
            None => plain,
        }
    }
}

/// A file has fewer bytes than it had.
#[derive(Debug)]
struct Shrunk;

impl std::fmt::Display for Shrunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the file has become shorter")
    }
}

impl std::error::Error for Shrunk {}

/// All bytes that a file had when it was opened.
struct Whole {
    file: File,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = (&self.file).take(self.left).read(buffer)?;
        self.left -= n as u64;
        if n == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other(Shrunk));
        }
        Ok(n)
    }
}

fn open(path: &Path) -> Result<Opened> {
    let file = open_file(path)?;
    let metadata = file.metadata().map_err(|e| Error::io(path, "open", &e))?;
    if !metadata.is_file() {
        let message = format!("'{}' is not a plain file.", path.display());
        return Err(Error::new(ErrorKind::Unsupported, message).file(path).hint("Name a text file."));
    }
    let mut magic = [0; 2];
    let compressed = metadata.len() >= 2 && read_at(&file, 0, &mut magic).is_ok() && magic == GZIP;
    // On Windows a positioned read moves the file's own position.
    #[cfg(windows)]
    io::Seek::rewind(&mut &file).map_err(|e| Error::io(path, "open", &e))?;
    Ok(Opened { file, len: metadata.len(), compressed })
}

fn poisoned() -> Error {
    Error::internal("a text file was poisoned")
}

/// Whether the first row of data can begin at `start` of so many bytes. The newline of a header may be missing.
fn check_start(path: &Path, start: u64, len: u64) -> Result<()> {
    if start > len + 1 { Err(shrunk(path)) } else { Ok(()) }
}

fn shrunk(path: &Path) -> Error {
    let message = format!("'{}' has become shorter while it was read.", path.display());
    Error::new(ErrorKind::File, message).file(path)
}

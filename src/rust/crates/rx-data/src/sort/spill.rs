//! Sorted rows in a temporary file.

use crate::block::Block;
use crate::checksum::checksum;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{Field, Kind, Schema};
use crate::sink::{remove_leftovers, temp_name};
use crate::source::{read_at, write_at};
use crate::xdf::{Compression, Pool, compress, decompress};
use arrow::array::{Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::ipc::CompressionType;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the names of temporary files are made of.
const NAME: &str = "rxscale-sort";
/// Buffers begin at multiples of this.
const ALIGNMENT: usize = 8;

/// A temporary file. It has no name where the system allows that, so it goes with the process however that ends;
/// elsewhere the next one that writes to the folder removes what a dead process left.
pub struct Spill {
    file: File,
    name: TempName,
    end: AtomicU64,
    pool: Arc<Pool>,
}

/// Removes the name after the file is closed.
struct TempName(PathBuf);

impl Drop for TempName {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Rows in order, in chunks.
#[derive(Debug, Default)]
pub struct Run {
    /// Where they are.
    pub chunks: Vec<Chunk>,
}

/// Some rows of a file.
#[derive(Debug)]
pub struct Chunk {
    offset: u64,
    bytes: usize,
    checksum: u64,
    rows: usize,
    columns: Vec<StoredColumn>,
}

/// The storage of a column's values, and the lengths of its buffers in the file.
#[derive(Debug)]
struct StoredColumn {
    storage: Storage,
    lengths: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Storage {
    I32,
    I64,
    F32,
    F64,
    Codes,
    /// Offsets, bytes, and which rows have a value.
    Text,
}

impl Run {
    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.rows as u64).sum()
    }
}

impl Spill {
    /// A file in a folder.
    pub fn create(folder: &Path) -> Result<Spill> {
        let name = OsStr::new(NAME);
        remove_leftovers(folder, name);
        let path = folder.join(temp_name(name));
        let named = || {
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
            #[cfg(unix)]
            fs::remove_file(&path)?;
            Ok(file)
        };
        let file = nameless(folder).map_or_else(named, Ok).map_err(|e| Error::io(&path, "create", &e))?;
        let name = TempName(path);
        Ok(Spill { file, name, end: AtomicU64::new(0), pool: Arc::default() })
    }

    /// Number of bytes written.
    pub fn bytes(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Writes rows; any thread may at any time.
    pub fn write(&self, rows: usize, columns: &[Column]) -> Result<Chunk> {
        let mut body = Vec::new();
        let stored = columns.iter().map(|column| store(column, &mut body)).collect::<Result<_>>()?;
        let offset = self.end.fetch_add(body.len() as u64, Ordering::Relaxed);
        write_at(&self.file, offset, &body).map_err(|e| {
            Error::io(&self.name.0, "write", &e)
                .hint("Rows beyond the limit of memory are kept there; rxOptions(memoryLimitMB = ) raises it.")
        })?;
        Ok(Chunk { offset, bytes: body.len(), checksum: checksum(&body), rows, columns: stored })
    }

    /// Reads rows again.
    pub fn read(&self, chunk: &Chunk, schema: &Schema) -> Result<Block> {
        let mut body = self.pool.take(chunk.bytes);
        read_at(&self.file, chunk.offset, body.bytes_mut()).map_err(|e| Error::io(&self.name.0, "read", &e))?;
        let damaged = |what: String| Error::corrupt(&self.name.0, what);
        if checksum(body.bytes_mut()) != chunk.checksum {
            return Err(damaged("a temporary file was changed".to_string()));
        }
        let body = Buffer::from(body);
        let mut from = 0;
        let mut next = |length: usize| {
            let stored = body.slice_with_length(from, length);
            from += length.next_multiple_of(ALIGNMENT);
            match length {
                0 => Ok(Buffer::default()),
                _ => decompress(CompressionType::LZ4_FRAME, &stored, &self.pool).map_err(damaged),
            }
        };
        let columns = chunk.columns.iter().zip(&schema.fields).map(|(stored, field)| {
            let buffers = stored.lengths.iter().map(|&length| next(length)).collect::<Result<Vec<_>>>()?;
            restore(stored.storage, chunk.rows, buffers, field)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Block { index: 0, rows: chunk.rows, columns })
    }
}

/// Appends a column's buffers to a body.
fn store(column: &Column, body: &mut Vec<u8>) -> Result<StoredColumn> {
    let mut lengths = Vec::new();
    let mut push = |bytes: &[u8]| -> Result<()> {
        let start = body.len();
        compress(Compression::Lz4, bytes, body).map_err(Error::internal)?;
        lengths.push(body.len() - start);
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
        Ok(())
    };
    let storage = match column {
        Column::I32(v) => push(v.inner()).map(|()| Storage::I32)?,
        Column::I64(v) => push(v.inner()).map(|()| Storage::I64)?,
        Column::F32(v) => push(v.inner()).map(|()| Storage::F32)?,
        Column::F64(v) => push(v.inner()).map(|()| Storage::F64)?,
        Column::Dict { codes, .. } => push(codes.inner()).map(|()| Storage::Codes)?,
        Column::Str(v) => {
            push(v.offsets().inner().inner())?;
            push(v.values())?;
            push(&v.nulls().map_or_else(Vec::new, |nulls| nulls.iter().map(u8::from).collect::<Vec<_>>()))?;
            Storage::Text
        }
    };
    Ok(StoredColumn { storage, lengths })
}

fn restore(storage: Storage, rows: usize, buffers: Vec<Buffer>, field: &Field) -> Result<Column> {
    let mut buffers = buffers.into_iter();
    let mut next = || buffers.next().ok_or_else(|| Error::internal("a temporary file lacks a buffer"));
    Ok(match storage {
        Storage::I32 => Column::I32(ScalarBuffer::new(next()?, 0, rows)),
        Storage::I64 => Column::I64(ScalarBuffer::new(next()?, 0, rows)),
        Storage::F32 => Column::F32(ScalarBuffer::new(next()?, 0, rows)),
        Storage::F64 => Column::F64(ScalarBuffer::new(next()?, 0, rows)),
        Storage::Codes => Column::Dict {
            codes: ScalarBuffer::new(next()?, 0, rows),
            labels: field.levels.clone().unwrap_or_default(),
        },
        Storage::Text => {
            let offsets = OffsetBuffer::new(ScalarBuffer::new(next()?, 0, rows + 1));
            let (bytes, valid) = (next()?, next()?);
            let nulls =
                (!valid.is_empty()).then(|| NullBuffer::new(BooleanBuffer::collect_bool(rows, |i| valid[i] != 0)));
            let texts = StringArray::try_new(offsets, bytes, nulls);
            Column::Str(texts.map_err(|e| Error::internal(e.to_string()))?)
        }
    })
}

/// A column as it is spilled: text by itself, unless its labels are those that the field will have.
pub(super) fn spilled(field: &Field, column: Column) -> Column {
    match (&field.kind, &field.levels, column) {
        (Kind::Character, Some(levels), Column::Dict { codes, labels }) if Arc::ptr_eq(levels, &labels) => {
            Column::Dict { codes, labels }
        }
        (Kind::Character, _, column) => column.spelled_out(),
        (_, _, column) => column,
    }
}

/// A file that never has a name, so that a process may die at any moment; not all file systems have such.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(folder).ok()
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::Source;
    use crate::source::Frame;
    use crate::testing::{TempDir, every_kind, values};

    #[test]
    fn rows_come_back_and_no_name_stays() {
        let dir = TempDir::new();
        fs::write(dir.join(".rxscale-sort.rxtmp-4294967295-0"), "left by a dead process").unwrap();
        let spill = Spill::create(dir.path()).unwrap();
        #[cfg(target_os = "linux")]
        assert!(dir.names().is_empty());
        let table = every_kind(3000).with_block_rows(1100);
        // A factor whose levels come with the blocks needs a schema that knows them.
        let all: Vec<usize> = (0..table.schema().fields.len()).filter(|&j| j != 8).collect();
        let schema = Schema::new(all.iter().map(|&j| table.schema().fields[j].clone()).collect());
        let scan = table.scan(&all).unwrap();
        let mut chunks = Vec::new();
        while let Some(block) = scan.next().unwrap() {
            let columns = block.columns.into_iter().zip(&schema.fields).map(|(column, field)| spilled(field, column));
            chunks.push(spill.write(block.rows, &columns.collect::<Vec<_>>()).unwrap());
        }
        let expected = values(&table, &all).unwrap();
        let mut first = 0;
        for chunk in &chunks {
            let block = spill.read(chunk, &schema).unwrap();
            let frame = Frame::new(schema.clone(), block.columns, block.rows).unwrap();
            let back = values(&frame, &(0..all.len()).collect::<Vec<_>>()).unwrap();
            for (back, expected) in back.iter().zip(&expected) {
                assert_eq!(back[..], expected[first..first + block.rows]);
            }
            first += block.rows;
        }
        assert_eq!(Run { chunks }.rows(), 3000);
        assert!(spill.bytes() > 0);
        drop(spill);
        assert!(dir.names().is_empty());
    }

    #[test]
    fn what_was_changed_behind_our_back_is_told() {
        let dir = TempDir::new();
        let spill = Spill::create(dir.path()).unwrap();
        let chunk = spill.write(3, &[Column::I32(vec![1, 2, 3].into())]).unwrap();
        write_at(&spill.file, 9, b"?").unwrap();
        let schema = Schema::new(vec![Field::new("x", Kind::Integer)]);
        assert_eq!(spill.read(&chunk, &schema).unwrap_err().kind, crate::ErrorKind::CorruptFile);
    }
}

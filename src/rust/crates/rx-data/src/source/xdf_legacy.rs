//! Microsoft's own XDF files.

mod scan;

use self::scan::LegacyScan;
use super::{About, Scan, Source, open_file};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::OnWarning;
use crate::schema::Schema;
use crate::xdf_legacy::{Column, Content, Decoder, Metadata, read_all_at};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How to read a file.
pub struct LegacyOptions {
    /// Bytes that the columns asked for of one block may take.
    pub memory: u64,
    /// Whether an empty text is a missing one: no code of missing text is known.
    pub empty_is_missing: bool,
    /// Hears that what is read is stored as in no known file.
    pub on_warning: OnWarning,
}

/// A file of Microsoft's format. A block of the file is decoded as a whole and handed out in pieces.
pub struct LegacyXdfSource {
    path: PathBuf,
    file: File,
    schema: Schema,
    metadata: Metadata,
    decoder: Decoder,
    on_warning: OnWarning,
    warned: AtomicBool,
}

impl LegacyXdfSource {
    /// Opens a file and reads what it says of its columns and blocks.
    pub fn open(path: &Path, options: LegacyOptions) -> Result<Self> {
        let LegacyOptions { memory, empty_is_missing, on_warning } = options;
        let file = open_file(path)?;
        let metadata = Metadata::read(&file, path, memory)?;
        let schema = Schema::new(metadata.columns.iter().map(|column| column.field.clone()).collect());
        let decoder = Decoder { pool: Arc::default(), memory, empty_is_missing };
        let (path, warned) = (path.to_path_buf(), AtomicBool::new(false));
        Ok(LegacyXdfSource { path, file, schema, metadata, decoder, on_warning, warned })
    }

    /// The columns whose types were told by a pattern, in words.
    fn caution(&self) -> Option<String> {
        let inferred = self.metadata.columns.iter().filter(|column| column.inferred);
        let inferred: Vec<String> =
            inferred.map(|column| format!("'{}' as {}", column.field.name, column.field.kind.name())).collect();
        let what =
            "has columns of types that no known file of Microsoft's format has. They are read as they seem to be";
        let times = "where dates and times are numbers of days and seconds";
        (!inferred.is_empty()).then(|| self.unverified(&format!("{what} ({times}): {}", inferred.join(", "))))
    }

    /// A warning of what could not be tried with any known file.
    fn unverified(&self, what: &str) -> String {
        let file = self.path.display();
        format!(
            "'{file}' {what}.\nCompare some values, and help to make sure by giving the authors of rxscale a sample."
        )
    }

    /// Gives the first warning of this source; one is enough.
    fn warn(&self, words: String) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            (self.on_warning)(words);
        }
    }

    /// The values of a column in a block.
    fn read(&self, block: usize, column: usize) -> Result<crate::Column> {
        let described = &self.metadata.columns[column];
        let rows = self.metadata.block_rows[block];
        let place = self.metadata.place(block, column).ok_or_else(|| Error::internal("a block has no place"))?;
        let longest = self.decoded_bytes(described, rows).saturating_mul(2).saturating_add(1024);
        if place.size > self.decoder.memory.min(if described.is_text() { u64::MAX } else { longest }) {
            return Err(self.damaged(block, column, "it takes more bytes than its rows or the limit of memory allow"));
        }
        let mut stored = self.decoder.pool.take(place.size as usize);
        read_all_at(&self.file, &self.path, place.offset, stored.bytes_mut())?;
        let decoded = self.decoder.decode(described, stored.as_ref(), rows as usize);
        let (values, plain) = decoded.map_err(|fault| self.damaged(block, column, &fault.to_string()))?;
        if plain {
            self.warn(self.unverified("has blocks that are not compressed, as in no known file of Microsoft's format"));
        }
        Ok(values)
    }

    fn damaged(&self, block: usize, column: usize, what: &str) -> Error {
        let name = &self.schema.fields[column].name;
        Error::corrupt(&self.path, format!("block {} of column '{name}' is damaged: {what}", block + 1)).column(name)
    }

    /// Bytes that the values of a column take, but for the letters of text.
    fn decoded_bytes(&self, column: &Column, rows: u64) -> u64 {
        let width = match &column.content {
            Content::Numbers(element) => element.decoded_width(),
            Content::Codes(_) | Content::Text | Content::Unreadable(_) => 4,
        };
        rows.saturating_mul(width as u64)
    }

    /// Refuses columns that cannot be read and blocks that memory does not hold, and warns of columns that may be
    /// misread.
    fn check(&self, columns: &[usize]) -> Result<()> {
        let wanted = columns.iter().map(|&j| &self.metadata.columns[j]);
        for column in wanted.clone() {
            if let Content::Unreadable(why) = &column.content {
                let (name, file) = (&column.field.name, self.path.display());
                let message = format!("Column '{name}' of '{file}' cannot be read: {why}.");
                let hint =
                    format!("Leave it out: varsToDrop = \"{name}\". A sample of such a file would help to read it.");
                return Err(Error::new(ErrorKind::WrongType, message).column(name).file(&self.path).hint(hint));
            }
        }
        let rows = self.metadata.block_rows.iter().copied().max().unwrap_or(0);
        let bytes = wanted.clone().fold(0u64, |sum, column| sum.saturating_add(self.decoded_bytes(column, rows)));
        if bytes > self.decoder.memory {
            let (file, megabytes) = (self.path.display(), bytes >> 20);
            let message = format!("A block of '{file}' has {rows} rows, which take {megabytes} MB.");
            let hint = "Read fewer columns, or raise the limit with rxOptions(memoryLimitMB = ).";
            return Err(Error::new(ErrorKind::Memory, message).file(&self.path).hint(hint));
        }
        if wanted.clone().any(|column| column.inferred)
            && let Some(caution) = self.caution()
        {
            self.warn(caution);
        }
        Ok(())
    }
}

impl Source for LegacyXdfSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.metadata.block_rows.iter().sum())
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        Some(self.metadata.block_rows.clone())
    }

    fn about(&self) -> About {
        let description = Some(self.metadata.description.clone()).filter(|text| !text.is_empty());
        let compression = Some(self.metadata.compression.clone());
        About { description, compression, files: None, legacy: true, caution: self.caution() }
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(self.scan_rows(columns, 0..u64::MAX)?.0)
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        self.check(columns)?;
        let (scan, skipped) = LegacyScan::new(self, columns, &rows);
        Ok((Box::new(scan), skipped))
    }
}

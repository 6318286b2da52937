//! XDF and other Arrow IPC files.

use super::{About, Scan, Source, Tickets, open_file, pieces_within};
use crate::block::Block;
use crate::convert::{Dictionary, Nulls};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::xdf::{BLOCK_ROWS, Footer, MAX_BATCH_ROWS, Pool, Reader, Slot, Want, end_of};
use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// An Arrow IPC file: one of rxscale (`.xdf`) or of others (`.arrow`, `.feather` version 2). A block is a record batch,
/// or a piece of a large one.
///
/// Only the columns asked for are read, by positioned reads that need no lock. An append that did not finish, or has not
/// yet, is not seen.
pub struct XdfSource {
    path: PathBuf,
    file: File,
    footer: Footer,
    slots: Vec<Slot>,
    schema: Schema,
    dictionaries: HashMap<i64, Dictionary>,
    /// Rows of each record batch.
    batch_rows: Vec<u64>,
    /// How the first of them is compressed.
    compression: Option<&'static str>,
    pool: Arc<Pool>,
}

impl XdfSource {
    /// Opens a file and reads its footer and dictionaries.
    pub fn open(path: &Path) -> Result<Self> {
        let file = XdfSource::open_any(path)?;
        if file.footer.info.as_ref().is_some_and(|info| info.files.is_some()) {
            let message = format!("'{}' holds no rows: it lists the files of a composite set.", path.display());
            return Err(Error::new(ErrorKind::File, message).file(path).hint("Name the folder of the set."));
        }
        Ok(file)
    }

    /// The same, also for the head of a composite set.
    pub(crate) fn open_any(path: &Path) -> Result<Self> {
        let file = open_file(path)?;
        let end = end_of(&file, path)?;
        let footer = Footer::read(&file, end, path)?;
        let pool = Arc::default();
        let reader = Reader { file: &file, path, pool: &pool, nulls: nulls_of(&footer) };
        let dictionaries = read_dictionaries(&reader, &footer)?;
        let batch_rows = match &footer.info {
            Some(info) => info.blocks.concat(),
            None => footer.batches.iter().map(|&place| reader.rows(place)).collect::<Result<_>>()?,
        };
        let compression = footer.batches.first().map(|&place| reader.compression(place)).transpose()?;
        let mut schema = footer.schema.clone();
        for (field, id) in schema.fields.iter_mut().zip(&footer.dictionary_ids) {
            field.levels = id.and_then(|id| dictionaries.get(&id)).map(|d| d.labels.clone());
        }
        let slots = Slot::all(&footer.arrow);
        let path = path.to_path_buf();
        Ok(XdfSource { path, slots, schema, dictionaries, batch_rows, compression, pool, file, footer })
    }

    /// The user's description of the file.
    pub fn description(&self) -> &str {
        self.footer.info.as_ref().map_or("", |info| &info.description)
    }

    /// Whether rxscale wrote the file, so that rows can be appended and metadata changed.
    pub fn is_own(&self) -> bool {
        self.footer.info.is_some()
    }

    /// The footer, for those who write behind it.
    pub(crate) fn footer(&self) -> &Footer {
        &self.footer
    }

    /// How the columns at these positions are read.
    fn wants(&self, columns: &[usize]) -> Result<Vec<Want<'_>>> {
        let want = |&index: &usize| -> Result<Want<'_>> {
            let name = self.schema.fields[index].name.as_str();
            let dictionary = match self.footer.dictionary_ids[index] {
                None => None,
                Some(id) => Some(self.dictionaries.get(&id).ok_or_else(|| {
                    let message = format!("Column '{name}' has categories that are not text.");
                    let hint = format!("Leave it out: varsToDrop = \"{name}\".");
                    Error::new(ErrorKind::WrongType, message).column(name).file(&self.path).hint(hint)
                })?),
            };
            Ok(Want { index, name, slot: &self.slots[index], dictionary })
        };
        columns.iter().map(want).collect()
    }

    /// Some columns of a record batch.
    pub(super) fn batch(&self, index: usize, columns: &[usize]) -> Result<Block> {
        self.read(index, &self.wants(columns)?)
    }

    fn read(&self, index: usize, wanted: &[Want<'_>]) -> Result<Block> {
        let reader = Reader { file: &self.file, path: &self.path, pool: &self.pool, nulls: nulls_of(&self.footer) };
        let (rows, columns) = reader.columns(self.footer.batches[index], wanted)?;
        if rows as u64 != self.batch_rows[index] {
            return Err(Error::corrupt(&self.path, "a block has another number of rows than the footer says"));
        }
        Ok(Block { index, rows, columns })
    }
}

impl Source for XdfSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.batch_rows.iter().sum())
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        Some(match &self.footer.info {
            Some(info) => info.blocks.iter().map(|batches| batches.iter().sum()).collect(),
            None => pieces(&self.batch_rows, BLOCK_ROWS).map(|piece| piece.rows).collect(),
        })
    }

    fn about(&self) -> About {
        let description = Some(self.description().to_string()).filter(|text| !text.is_empty());
        About { description, compression: self.compression.map(str::to_string), ..About::default() }
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(self.scan_rows(columns, 0..u64::MAX)?.0)
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        let wanted = self.wants(columns)?;
        if self.batch_rows.iter().all(|&rows| rows <= MAX_BATCH_ROWS as u64) {
            let (batches, skipped) = pieces_within(self.batch_rows.iter().copied(), &rows);
            let read = move |index| Ok(Block { index, ..self.read(batches.start + index, &wanted)? });
            return Ok((Box::new(Tickets::new(batches.len(), read)), skipped));
        }
        // Batches of others may be as large as the file. One is decoded once, and handed out in pieces.
        let pieces: Vec<BatchPiece> = pieces(&self.batch_rows, MAX_BATCH_ROWS as u64).collect();
        // Each batch once it is decoded, and how many of its rows are still to be handed out.
        let decoded: Vec<_> = self.batch_rows.iter().map(|&rows| Mutex::new((None, rows))).collect();
        let count = pieces.len();
        let read = move |index: usize| {
            let BatchPiece { batch, offset, rows } = pieces[index];
            let mut decoded = decoded[batch].lock().map_err(|_| Error::internal("a batch was poisoned"))?;
            let (block, left) = &mut *decoded;
            let whole = match block.take() {
                Some(whole) => whole,
                None => self.read(batch, &wanted)?,
            };
            let piece = Block { index, ..whole.slice(offset as usize, rows as usize) };
            *left -= rows;
            *block = (*left > 0).then_some(whole);
            Ok(piece)
        };
        Ok((Box::new(Tickets::new(count, read)), 0))
    }
}

/// Some rows of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BatchPiece {
    batch: usize,
    offset: u64,
    rows: u64,
}

/// Batches cut to pieces of so many rows at most.
fn pieces(batch_rows: &[u64], most: u64) -> impl Iterator<Item = BatchPiece> {
    batch_rows.iter().enumerate().flat_map(move |(batch, &all)| {
        (0..all).step_by(most as usize).map(move |offset| BatchPiece { batch, offset, rows: most.min(all - offset) })
    })
}

fn nulls_of(footer: &Footer) -> Nulls {
    if footer.info.is_some() { Nulls::Coded } else { Nulls::Unknown }
}

/// The dictionaries of text, by id. Delta dictionaries continue the ones before them.
fn read_dictionaries(reader: &Reader<'_>, footer: &Footer) -> Result<HashMap<i64, Dictionary>> {
    let fields = footer.arrow.fields().iter().zip(&footer.dictionary_ids);
    let types: HashMap<i64, DataType> = fields
        .filter_map(|(field, &id)| match field.data_type() {
            DataType::Dictionary(_, values) if crate::convert::is_text(values) => Some((id?, (**values).clone())),
            _ => None,
        })
        .collect();
    let mut parts: HashMap<i64, Vec<ArrayRef>> = types.keys().map(|&id| (id, Vec::new())).collect();
    for &place in &footer.dictionaries {
        let (id, delta, values) = reader.dictionary(place, |id| types.get(&id).cloned())?;
        let (Some(values), Some(known)) = (values, parts.get_mut(&id)) else { continue };
        if !delta && !known.is_empty() {
            return Err(Error::corrupt(reader.path, "it has two dictionaries for one column"));
        }
        known.push(values);
    }
    parts.into_iter().map(|(id, parts)| Ok((id, Dictionary::new(&parts)?))).collect()
}

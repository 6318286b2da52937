//! Writes XDF files and composite sets of them.

mod file;
mod set;
mod split;
mod turns;

pub use self::split::{SplitOptions, SplitSink, SplitTable};

use self::file::FileWriter;
use self::set::SetWriter;
use super::gather::{Gather, Piece, check_rows_per_block};
use super::{AtomicFile, Sink};
use crate::block::Block;
use crate::column::Column;
use crate::convert::{array_from_column, range, union};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Kind, Schema};
use crate::source::{Source, XdfSource};
use crate::xdf::{self, BLOCK_ROWS, Compression, FileInfo, InPlace, MAX_BATCH_ROWS, Message};
use crate::xdf_legacy;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// Fewer rows than this wait for more, so that small blocks do not become small record batches.
const MIN_BATCH_ROWS: usize = 16_384;

/// How to write an XDF file.
#[derive(Debug, Clone, Default)]
pub struct XdfOptions {
    /// The file.
    pub path: PathBuf,
    /// Whether a file of that name may be replaced.
    pub overwrite: bool,
    /// Add the rows to the file of that name, which must have the same columns; if there is none it is made.
    pub append_rows: bool,
    /// How to compress.
    pub compression: Compression,
    /// Rows of a logical block; None: 500,000.
    pub rows_per_block: Option<u64>,
    /// The user's description; None keeps that of a file appended to.
    pub description: Option<String>,
    /// Blocks of each file of a composite set, whose folder `path` is then; None: one file.
    pub blocks_per_file: Option<u64>,
    /// Leave the ranges of columns as the schema has them.
    pub no_ranges: bool,
}

/// Writes blocks to an XDF file or a composite set.
///
/// Levels get their codes in order of first appearance, after those that the schema (or the file appended to) knows. The
/// range of a column is that of the values written, unless the schema has one already.
pub struct XdfSink {
    schema: Schema,
    /// Where each column of the file is in the blocks, if they are not in the same order.
    order: Option<Vec<usize>>,
    compression: Compression,
    no_ranges: bool,
    gather: Mutex<Gather>,
    output: Mutex<Output>,
}

/// The lowest and the highest value of each column that has values.
type Ranges = Vec<Option<(f64, f64)>>;

/// A record batch ready to be written.
pub struct EncodedPiece {
    message: Message,
    starts_block: bool,
    /// How many levels of each column it may hold.
    levels: Vec<usize>,
    ranges: Ranges,
}

/// What grows.
enum Store {
    File(FileWriter),
    Set(Box<SetWriter>),
}

struct Output {
    store: Store,
    /// Whether there are rows already, so that ranges given are theirs.
    appends: bool,
    /// Of the values written, by column.
    ranges: Ranges,
    /// Rows written by this sink.
    rows: u64,
}

impl XdfSink {
    /// Starts a file for blocks of these columns.
    pub fn create(schema: Schema, options: XdfOptions) -> Result<Self> {
        check_rows_per_block(options.rows_per_block)?;
        match options.blocks_per_file {
            Some(0) => Err(Error::new(ErrorKind::Argument, "A file of a set cannot have 0 blocks.")
                .hint("Pass a positive number as blocksPerCompositeFile.")),
            Some(blocks) => XdfSink::set(schema, blocks, options),
            None if options.append_rows && options.path.exists() => XdfSink::append(schema, options),
            None => {
                let info = FileInfo::new(options.description.clone().unwrap_or_default());
                let file = FileWriter::new(AtomicFile::create(&options.path, options.overwrite)?, &schema, info)?;
                Ok(XdfSink::new(schema, None, Store::File(file), false, &options))
            }
        }
    }

    fn append(schema: Schema, options: XdfOptions) -> Result<Self> {
        let path = &options.path;
        if xdf_legacy::is_legacy(path) {
            return Err(xdf_legacy::read_only(path));
        }
        // Locked first: what the footer says then stays true.
        let file = InPlace::open(path)?;
        let source = XdfSource::open(path)?;
        let (info, order) = appended(&source, &schema, &options).map_err(|e| e.file(path))?;
        let file = FileWriter::append(file, source.footer().batches.clone(), info);
        Ok(XdfSink::new(source.schema().clone(), order, Store::File(file), true, &options))
    }

    fn set(schema: Schema, blocks_per_file: u64, options: XdfOptions) -> Result<Self> {
        let (folder, how) = (&options.path, options.compression);
        let (lock, head) = SetWriter::open(folder, options.append_rows, options.overwrite)?;
        let (schema, info, order) = match &head {
            None => (schema, FileInfo::new(options.description.clone().unwrap_or_default()), None),
            Some(head) => {
                let (info, order) = appended(head, &schema, &options).map_err(|e| e.file(folder))?;
                (head.schema().clone(), info, order)
            }
        };
        let set = SetWriter::new(folder, lock, blocks_per_file, how, schema.clone(), info);
        Ok(XdfSink::new(schema, order, Store::Set(Box::new(set)), head.is_some(), &options))
    }

    fn new(schema: Schema, order: Option<Vec<usize>>, store: Store, appends: bool, options: &XdfOptions) -> Self {
        let rows_per_block = options.rows_per_block.unwrap_or(BLOCK_ROWS);
        let gather = Gather::new(&schema, MIN_BATCH_ROWS..=MAX_BATCH_ROWS, rows_per_block);
        let ranges = vec![None; schema.fields.len()];
        XdfSink {
            order,
            compression: options.compression,
            no_ranges: options.no_ranges,
            gather: Mutex::new(gather),
            output: Mutex::new(Output { store, appends, ranges, rows: 0 }),
            schema,
        }
    }

    fn encode_piece(&self, piece: Piece) -> Result<EncodedPiece> {
        let parts = |j: usize, kind: &Kind| piece.parts.iter().map(|p| p.recoded(j, kind)).collect();
        let (message, ranges) = encode_rows(&self.schema, piece.rows(), parts, self.compression, !self.no_ranges)?;
        Ok(EncodedPiece { message, starts_block: piece.starts_block, levels: piece.levels, ranges })
    }
}

/// A record batch of the columns that are given in parts, and their ranges if they are wanted.
fn encode_rows(
    schema: &Schema,
    rows: usize,
    parts: impl Fn(usize, &Kind) -> Vec<Column>,
    compression: Compression,
    wants_ranges: bool,
) -> Result<(Message, Ranges)> {
    let mut stored = Vec::with_capacity(schema.fields.len());
    let mut ranges = Vec::with_capacity(schema.fields.len());
    for (j, field) in schema.fields.iter().enumerate() {
        let column = Column::concat(&parts(j, &field.kind))?;
        ranges.push(if wants_ranges && field.kind.is_numeric() { range(&column) } else { None });
        stored.push(array_from_column(&column, field)?);
    }
    Ok((xdf::encode_batch(rows, &stored, compression)?, ranges))
}

impl Sink for XdfSink {
    type Admitted = Vec<Piece>;
    type Encoded = Vec<EncodedPiece>;
    /// Number of rows written.
    type Output = u64;

    fn admit(&self, mut block: Block) -> Result<Vec<Piece>> {
        if block.columns.len() != self.schema.fields.len() {
            return Err(Error::internal("a block does not have the columns of its sink"));
        }
        if let Some(order) = &self.order {
            block.columns = order.iter().map(|&j| block.columns[j].clone()).collect();
        }
        Ok(lock(&self.gather)?.admit(block, &self.schema))
    }

    fn encode(&self, pieces: Vec<Piece>) -> Result<Vec<EncodedPiece>> {
        pieces.into_iter().map(|piece| self.encode_piece(piece)).collect()
    }

    fn write(&self, pieces: Vec<EncodedPiece>) -> Result<()> {
        let mut output = lock(&self.output)?;
        pieces.into_iter().try_for_each(|piece| output.write(piece, |levels| Ok(lock(&self.gather)?.labels(levels))))
    }

    fn finish(self) -> Result<u64> {
        let rest = lock(&self.gather)?.rest();
        let rest = self.encode(rest)?;
        self.write(rest)?;
        let levels = self.gather.into_inner().map_err(|_| poisoned())?.into_levels();
        let output = self.output.into_inner().map_err(|_| poisoned())?;
        output.finish(self.schema, levels, self.compression)
    }
}

impl Output {
    /// Writes a piece; `labels` gives the first labels of each column.
    fn write(&mut self, piece: EncodedPiece, labels: impl Fn(&[usize]) -> Result<Vec<Vec<String>>>) -> Result<()> {
        match &mut self.store {
            Store::File(file) => file.write(&piece)?,
            Store::Set(set) => set.write(&piece, labels)?,
        }
        self.rows += piece.message.rows;
        for (known, new) in self.ranges.iter_mut().zip(piece.ranges) {
            *known = union(*known, new);
        }
        Ok(())
    }

    fn finish(self, mut schema: Schema, levels: Vec<Vec<String>>, compression: Compression) -> Result<u64> {
        for (field, range) in schema.fields.iter_mut().zip(self.ranges) {
            let given = field.low.zip(field.high);
            if let Some((low, high)) = if self.appends { union(given, range) } else { given.or(range) } {
                (field.low, field.high) = (Some(low), Some(high));
            }
        }
        match self.store {
            Store::File(file) => file.finish(&schema, levels, compression).map(drop)?,
            Store::Set(set) => set.finish(&schema, levels)?,
        }
        Ok(self.rows)
    }
}

/// What a file says of itself with rows appended, and the order of these rows' columns.
fn appended(source: &XdfSource, schema: &Schema, options: &XdfOptions) -> Result<(FileInfo, Option<Vec<usize>>)> {
    let mut info = source.footer().info.clone().ok_or_else(|| xdf::not_own(&options.path))?;
    if let Some(description) = &options.description {
        info.description.clone_from(description);
    }
    let order = fit(source.schema(), schema)?;
    let in_order = order.iter().enumerate().all(|(i, &j)| i == j);
    Ok((info, (!in_order).then_some(order)))
}

/// Where each column of the file is among the new ones, if they fit: the same names, and types that lose nothing.
fn fit(known: &Schema, new: &Schema) -> Result<Vec<usize>> {
    if let Some(extra) = new.fields.iter().find(|f| !known.fields.iter().any(|k| k.name == f.name)) {
        let message = format!("Column '{}' is not in the file that the rows shall be appended to.", extra.name);
        let hint = format!("Leave it out: varsToDrop = \"{}\".", extra.name);
        return Err(Error::new(ErrorKind::MissingColumn, message).column(&extra.name).hint(hint));
    }
    let place = |field: &crate::Field| {
        let j = new.fields.iter().position(|f| f.name == field.name).ok_or_else(|| {
            let message = format!("Column '{}' of the file is not in the rows to be appended.", field.name);
            let error = Error::new(ErrorKind::MissingColumn, message).column(&field.name);
            error.hint("Rows to be appended need all columns of the file.")
        })?;
        let (wanted, given) = (&field.kind, &new.fields[j].kind);
        if holds(wanted, given) {
            return Ok(j);
        }
        let (wanted, given) = (wanted.name(), given.name());
        let message =
            format!("Column '{}' is {wanted} in the file but {given} in the rows to be appended.", field.name);
        let hint = format!("Pass colClasses = c({} = \"{wanted}\") when reading them.", field.name);
        Err(Error::new(ErrorKind::WrongType, message).column(&field.name).hint(hint))
    };
    known.fields.iter().map(place).collect()
}

/// Whether a column of one kind can hold all values of another.
fn holds(wide: &Kind, narrow: &Kind) -> bool {
    use Kind::{Character, DateTime, Factor, Float32, Int16, Int64, Integer, Logical, Numeric};
    match (wide, narrow) {
        (Factor { .. }, Factor { .. }) | (DateTime { .. }, DateTime { .. }) => true,
        (Integer, Int16 | Logical) | (Int64, Int16 | Integer | Logical) => true,
        (Numeric, Int16 | Integer | Logical | Float32) => true,
        (Character, Factor { .. }) => true,
        (wide, narrow) => wide == narrow,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex.lock().map_err(|_| poisoned())
}

fn poisoned() -> Error {
    Error::internal("an XDF sink was poisoned")
}

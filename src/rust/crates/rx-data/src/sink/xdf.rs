//! Writes XDF files.

use super::{AtomicFile, Sink};
use crate::block::Block;
use crate::column::Column;
use crate::convert::{array_from_column, range, schema_to_arrow};
use crate::error::{Error, ErrorKind, Result};
use crate::interner::{Interner, Recode};
use crate::schema::{Kind, Schema};
use crate::source::{Source, XdfSource};
use crate::xdf::{self, Compression, FileInfo, Footer, InPlace, MAX_BATCH_ROWS, Message, Place};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// Rows of a logical block where nobody says otherwise.
const BLOCK_ROWS: u64 = 500_000;
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
}

/// Writes blocks to an XDF file.
///
/// Levels get their codes in order of first appearance, after those that the schema (or the file appended to) knows. The
/// range of a column is that of the values written, unless the schema has one already.
pub struct XdfSink {
    schema: Schema,
    /// Where each column of the file is in the blocks, if they are not in the same order.
    order: Option<Vec<usize>>,
    compression: Compression,
    rows_per_block: u64,
    admission: Mutex<Admission>,
    output: Mutex<Output>,
}

/// What is decided in block order.
struct Admission {
    /// One a column; used by factors.
    interners: Vec<Interner>,
    /// Rows that were admitted but wait for others.
    waiting: Vec<Part>,
    waiting_rows: usize,
    /// Rows in the logical block so far, those waiting not counted.
    block_rows: u64,
}

/// Some rows of one incoming block.
struct Part {
    block: Block,
    /// How to translate the codes of each column.
    recodes: Vec<Recode>,
}

/// The rows of one record batch.
pub struct Piece {
    parts: Vec<Part>,
    starts_block: bool,
}

/// A record batch ready to be written.
pub struct EncodedPiece {
    message: Message,
    starts_block: bool,
    ranges: Vec<Option<(f64, f64)>>,
}

/// The file that grows.
enum Target {
    New(AtomicFile),
    Old(InPlace),
}

struct Output {
    target: Target,
    batches: Vec<Place>,
    info: FileInfo,
    /// Of the values written, by column.
    ranges: Vec<Option<(f64, f64)>>,
    /// Rows written by this sink.
    rows: u64,
}

impl XdfSink {
    /// Starts a file for blocks of these columns.
    pub fn create(schema: Schema, options: XdfOptions) -> Result<Self> {
        if options.rows_per_block == Some(0) {
            let error = Error::new(ErrorKind::Argument, "A block cannot have 0 rows.");
            return Err(error.hint("Pass a positive number of rows per block."));
        }
        if options.append_rows && options.path.exists() {
            XdfSink::append(schema, options)
        } else {
            XdfSink::new_file(schema, options)
        }
    }

    fn new_file(schema: Schema, options: XdfOptions) -> Result<Self> {
        let mut target = Target::New(AtomicFile::create(&options.path, options.overwrite)?);
        target.append(xdf::MAGIC)?;
        target.append(&xdf::encode_schema(&schema_to_arrow(&schema)))?;
        let description = options.description.clone().unwrap_or_default();
        let info = FileInfo { version: xdf::FORMAT_VERSION, description, blocks: Vec::new() };
        Ok(XdfSink::new(schema, None, target, Vec::new(), info, &options))
    }

    fn append(schema: Schema, options: XdfOptions) -> Result<Self> {
        let path = &options.path;
        let source = XdfSource::open(path)?;
        let Some(mut info) = source.footer().info.clone() else { return Err(xdf::not_own(path)) };
        let order = fit(source.schema(), &schema).map_err(|e| e.file(path))?;
        let in_order = order.iter().enumerate().all(|(i, &j)| i == j);
        if let Some(description) = &options.description {
            info.description.clone_from(description);
        }
        let known = source.schema().clone();
        let batches = source.footer().batches.clone();
        drop(source);
        let target = Target::Old(InPlace::open(path)?);
        Ok(XdfSink::new(known, (!in_order).then_some(order), target, batches, info, &options))
    }

    fn new(
        schema: Schema,
        order: Option<Vec<usize>>,
        target: Target,
        batches: Vec<Place>,
        info: FileInfo,
        options: &XdfOptions,
    ) -> Self {
        let seed = |labels: &crate::Labels| Interner::with_labels(labels);
        let interners = schema.fields.iter().map(|f| f.levels.as_ref().map_or_else(Interner::default, seed)).collect();
        let ranges = vec![None; schema.fields.len()];
        XdfSink {
            order,
            compression: options.compression,
            rows_per_block: options.rows_per_block.unwrap_or(BLOCK_ROWS),
            admission: Mutex::new(Admission { interners, waiting: Vec::new(), waiting_rows: 0, block_rows: 0 }),
            output: Mutex::new(Output { target, batches, info, ranges, rows: 0 }),
            schema,
        }
    }

    fn encode_piece(&self, piece: Piece) -> Result<EncodedPiece> {
        let rows = piece.parts.iter().map(|p| p.block.rows).sum();
        let mut stored = Vec::with_capacity(self.schema.fields.len());
        let mut ranges = Vec::with_capacity(self.schema.fields.len());
        for (j, field) in self.schema.fields.iter().enumerate() {
            let parts: Vec<Column> = piece.parts.iter().map(|p| p.recoded(j, &field.kind)).collect();
            let column = Column::concat(&parts)?;
            ranges.push(if field.kind.is_numeric() { range(&column) } else { None });
            stored.push(array_from_column(&column, field)?);
        }
        let message = xdf::encode_batch(rows, &stored, self.compression)?;
        Ok(EncodedPiece { message, starts_block: piece.starts_block, ranges })
    }
}

impl Part {
    /// The values of a column; those of a factor as codes of the file's dictionary.
    fn recoded(&self, j: usize, kind: &Kind) -> Column {
        match (&self.block.columns[j], kind, &self.recodes[j]) {
            (Column::Dict { codes, .. }, Kind::Factor { .. }, Recode::Same) => Column::I32(codes.clone()),
            (Column::Dict { codes, .. }, Kind::Factor { .. }, recode) => {
                Column::I32(codes.iter().map(|&c| recode.code(c)).collect())
            }
            (column, ..) => column.clone(),
        }
    }
}

impl Admission {
    /// Takes record batches off the waiting rows, as long as they are enough (or `all` must go).
    fn cut(&mut self, rows_per_block: u64, all: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        loop {
            let room = rows_per_block - self.block_rows;
            let rows = self.waiting_rows.min(MAX_BATCH_ROWS).min(usize::try_from(room).unwrap_or(usize::MAX));
            if rows == 0 || !(all || rows >= MIN_BATCH_ROWS || rows as u64 == room) {
                return pieces;
            }
            pieces.push(Piece { parts: self.take(rows), starts_block: self.block_rows == 0 });
            self.block_rows = (self.block_rows + rows as u64) % rows_per_block;
        }
    }

    /// The first rows of those waiting.
    fn take(&mut self, rows: usize) -> Vec<Part> {
        self.waiting_rows -= rows;
        let (mut taken, mut missing) = (Vec::new(), rows);
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        for part in waiting.by_ref() {
            let n = part.block.rows;
            if n > missing {
                let rest = Part { block: part.block.slice(missing, n - missing), recodes: part.recodes.clone() };
                if missing > 0 {
                    taken.push(Part { block: part.block.slice(0, missing), recodes: part.recodes });
                }
                self.waiting.push(rest);
                break;
            }
            missing -= n;
            taken.push(part);
        }
        self.waiting.extend(waiting);
        taken
    }
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
        let mut admission = lock(&self.admission)?;
        let factors = block.columns.iter().zip(&self.schema.fields).zip(&mut admission.interners);
        let recodes = factors.map(|((column, field), interner)| match (column, &field.kind) {
            (Column::Dict { labels, .. }, Kind::Factor { .. }) => interner.table(labels),
            _ => Recode::Same,
        });
        let recodes = recodes.collect();
        admission.waiting_rows += block.rows;
        admission.waiting.push(Part { block, recodes });
        Ok(admission.cut(self.rows_per_block, false))
    }

    fn encode(&self, pieces: Vec<Piece>) -> Result<Vec<EncodedPiece>> {
        pieces.into_iter().map(|piece| self.encode_piece(piece)).collect()
    }

    fn write(&self, pieces: Vec<EncodedPiece>) -> Result<()> {
        let mut output = lock(&self.output)?;
        pieces.into_iter().try_for_each(|piece| output.write(piece))
    }

    fn finish(self) -> Result<u64> {
        let rest = lock(&self.admission)?.cut(self.rows_per_block, true);
        let rest = self.encode(rest)?;
        self.write(rest)?;
        let interners = self.admission.into_inner().map_err(|_| poisoned())?.interners;
        let output = self.output.into_inner().map_err(|_| poisoned())?;
        output.finish(self.schema, interners, self.compression)
    }
}

impl Output {
    fn write(&mut self, piece: EncodedPiece) -> Result<()> {
        let rows = piece.message.rows;
        self.batches.push(self.target.message(&piece.message)?);
        match self.info.blocks.last_mut() {
            Some(block) if !piece.starts_block => block.push(rows),
            _ => self.info.blocks.push(vec![rows]),
        }
        self.rows += rows;
        for (known, new) in self.ranges.iter_mut().zip(piece.ranges) {
            *known = union(*known, new);
        }
        Ok(())
    }

    fn finish(mut self, mut schema: Schema, interners: Vec<Interner>, compression: Compression) -> Result<u64> {
        let appended = matches!(self.target, Target::Old(_));
        for (field, range) in schema.fields.iter_mut().zip(self.ranges) {
            let given = field.low.zip(field.high);
            if let Some((low, high)) = if appended { union(given, range) } else { given.or(range) } {
                (field.low, field.high) = (Some(low), Some(high));
            }
        }
        let mut dictionaries = Vec::new();
        for (field, interner) in schema.fields.iter().zip(interners) {
            if let Kind::Factor { .. } = field.kind {
                let dictionary = xdf::encode_dictionary(dictionaries.len() as i64, interner.labels(), compression)?;
                dictionaries.push(self.target.message(&dictionary)?);
            }
        }
        self.target.append(&Footer::encode(&schema_to_arrow(&schema), &self.batches, &dictionaries, &self.info)?)?;
        match self.target {
            Target::New(file) => file.commit()?,
            Target::Old(file) => file.commit()?,
        }
        Ok(self.rows)
    }
}

impl Target {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Target::New(file) => file.append(bytes),
            Target::Old(file) => file.append(bytes),
        }
    }

    fn message(&mut self, message: &Message) -> Result<Place> {
        match self {
            Target::New(file) => message.write_to(file.position(), |bytes| file.append(bytes)),
            Target::Old(file) => file.message(message),
        }
    }
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

fn union(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex.lock().map_err(|_| poisoned())
}

fn poisoned() -> Error {
    Error::internal("an XDF sink was poisoned")
}

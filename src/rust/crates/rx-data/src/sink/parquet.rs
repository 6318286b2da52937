//! Writes Parquet files.

use super::gather::{Gather, Part, Piece, check_rows_per_block};
use super::{AtomicFile, Sink};
use crate::block::Block;
use crate::column::Column;
use crate::convert::{array_from_column, range, schema_to_arrow, union};
use crate::error::{Error, Result};
use crate::schema::{Field, Kind, Schema};
use crate::sealed::SealedWriter;
use arrow::array::{ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::datatypes::{Int32Type, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema};
use parquet::basic;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Rows of a row group where nobody says otherwise.
const GROUP_ROWS: u64 = 1_000_000;
/// The key of [`ParquetInfo`] in a file's metadata.
pub(crate) const INFO_KEY: &str = "rxscale";

/// What Parquet and Arrow have no place for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ParquetInfo {
    /// The user's description.
    #[serde(default)]
    pub description: String,
    /// The levels of each factor, in order.
    #[serde(default)]
    pub levels: BTreeMap<String, Vec<String>>,
}

/// How to write a Parquet file.
#[derive(Debug, Clone, Default)]
pub struct ParquetOptions {
    /// The file.
    pub path: PathBuf,
    /// Whether a file of that name may be replaced.
    pub overwrite: bool,
    /// Rows of a row group; None: 1,000,000.
    pub rows_per_block: Option<u64>,
    /// The user's description.
    pub description: Option<String>,
}

/// Writes blocks to a Parquet file, a row group for each logical block. Times are kept to the microsecond and dates to the
/// day, as Parquet has them; all else returns as it was, levels and their order too.
pub struct ParquetSink {
    path: PathBuf,
    schema: Schema,
    arrow: SchemaRef,
    description: String,
    factory: ArrowRowGroupWriterFactory,
    gather: Mutex<(Gather, usize)>,
    output: Mutex<Output>,
}

struct Output {
    file: SerializedFileWriter<SealedWriter>,
    ranges: Vec<Option<(f64, f64)>>,
    rows: u64,
}

/// A row group with its number.
pub struct Numbered(usize, Piece);

/// A row group ready to be written.
pub struct EncodedGroup {
    columns: Vec<ArrowColumnChunk>,
    ranges: Vec<Option<(f64, f64)>>,
    rows: u64,
}

impl ParquetSink {
    /// Starts a file for blocks of these columns.
    pub fn create(schema: Schema, options: ParquetOptions) -> Result<Self> {
        check_rows_per_block(options.rows_per_block)?;
        let path = options.path;
        let arrow = Arc::new(schema_to_arrow(&schema));
        let failed = |e| failed(&path, &e);
        let columns = ArrowSchemaConverter::new().convert(&arrow).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(basic::Compression::SNAPPY)
            .set_created_by(format!("rxscale {}", env!("CARGO_PKG_VERSION")));
        let file = SealedWriter::new(AtomicFile::create(&path, options.overwrite)?);
        let file = SerializedFileWriter::new(file, columns.root_schema_ptr(), Arc::new(properties.build()));
        let file = file.map_err(failed)?;
        let group_rows = options.rows_per_block.unwrap_or(GROUP_ROWS);
        let whole = usize::try_from(group_rows).unwrap_or(usize::MAX);
        Ok(ParquetSink {
            factory: ArrowRowGroupWriterFactory::new(&file, arrow.clone()),
            gather: Mutex::new((Gather::new(&schema, whole..=whole, group_rows), 0)),
            output: Mutex::new(Output { file, ranges: vec![None; schema.fields.len()], rows: 0 }),
            description: options.description.unwrap_or_default(),
            arrow,
            schema,
            path,
        })
    }

    fn encode_group(&self, Numbered(index, piece): Numbered) -> Result<EncodedGroup> {
        let failed = |e| failed(&self.path, &e);
        let writers = self.factory.create_column_writers(index).map_err(failed)?;
        let (mut columns, mut ranges) = (Vec::with_capacity(writers.len()), Vec::with_capacity(writers.len()));
        // No kind of column has more than one leaf: there is one writer a column.
        for (j, mut writer) in writers.into_iter().enumerate() {
            let field = &self.schema.fields[j];
            let mut known = None;
            for part in &piece.parts {
                if field.kind.is_numeric() {
                    known = union(known, range(part.column(j)));
                }
                for leaf in compute_leaves(self.arrow.field(j), &array(part, j, field)?).map_err(failed)? {
                    writer.write(&leaf).map_err(failed)?;
                }
            }
            columns.push(writer.close().map_err(failed)?);
            ranges.push(known);
        }
        Ok(EncodedGroup { columns, ranges, rows: piece.rows() as u64 })
    }
}

impl Sink for ParquetSink {
    type Admitted = Vec<Numbered>;
    type Encoded = Vec<EncodedGroup>;
    /// Number of rows written.
    type Output = u64;

    fn admit(&self, block: Block) -> Result<Vec<Numbered>> {
        if block.columns.len() != self.schema.fields.len() {
            return Err(Error::internal("a block does not have the columns of its sink"));
        }
        let mut gather = self.gather.lock().map_err(|_| poisoned())?;
        let pieces = gather.0.admit(block, &self.schema);
        Ok(number(pieces, &mut gather.1))
    }

    fn encode(&self, pieces: Vec<Numbered>) -> Result<Vec<EncodedGroup>> {
        pieces.into_iter().map(|piece| self.encode_group(piece)).collect()
    }

    fn write(&self, groups: Vec<EncodedGroup>) -> Result<()> {
        let mut output = self.output.lock().map_err(|_| poisoned())?;
        for group in groups {
            output.rows += group.rows;
            for (known, new) in output.ranges.iter_mut().zip(group.ranges) {
                *known = union(*known, new);
            }
            let append = || -> std::result::Result<(), ParquetError> {
                let mut writer = output.file.next_row_group()?;
                group.columns.into_iter().try_for_each(|column| column.append_to_row_group(&mut writer))?;
                writer.close().map(drop)
            };
            append().map_err(|e| failed(&self.path, &e))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<u64> {
        let rest = {
            let mut gather = self.gather.lock().map_err(|_| poisoned())?;
            let pieces = gather.0.rest();
            number(pieces, &mut gather.1)
        };
        let rest = self.encode(rest)?;
        self.write(rest)?;
        let levels = self.gather.into_inner().map_err(|_| poisoned())?.0.into_levels();
        let mut output = self.output.into_inner().map_err(|_| poisoned())?;
        let mut schema = self.schema;
        let mut info = ParquetInfo { description: self.description, ..Default::default() };
        for ((field, range), levels) in schema.fields.iter_mut().zip(output.ranges).zip(levels) {
            if let Some((low, high)) = field.low.zip(field.high).or(range) {
                (field.low, field.high) = (Some(low), Some(high));
            }
            if let Kind::Factor { .. } = field.kind {
                info.levels.insert(field.name.clone(), levels);
            }
        }
        let json = serde_json::to_string(&info).map_err(|e| Error::internal(e.to_string()))?;
        let arrow = encode_arrow_schema(&schema_to_arrow(&schema));
        output.file.append_key_value_metadata(KeyValue::new(ARROW_SCHEMA_META_KEY.to_string(), arrow));
        output.file.append_key_value_metadata(KeyValue::new(INFO_KEY.to_string(), json));
        output.file.into_inner().map_err(|e| failed(&self.path, &e))?.commit()?;
        Ok(output.rows)
    }
}

fn number(pieces: Vec<Piece>, next: &mut usize) -> Vec<Numbered> {
    let numbered = pieces.into_iter().enumerate().map(|(i, piece)| Numbered(*next + i, piece)).collect::<Vec<_>>();
    *next += numbered.len();
    numbered
}

/// A column's array; a factor with the labels that its block brought, since Parquet joins labels itself.
fn array(part: &Part, j: usize, field: &Field) -> Result<ArrayRef> {
    let keys = array_from_column(part.column(j), field)?.array;
    match (part.column(j), &field.kind) {
        (Column::Dict { labels, .. }, Kind::Factor { .. }) => {
            let labels = Arc::new(StringArray::from_iter_values(labels.iter()));
            let array = DictionaryArray::try_new(keys.as_primitive::<Int32Type>().clone(), labels);
            Ok(Arc::new(array.map_err(|e| Error::internal(e.to_string()).column(&field.name))?))
        }
        _ => Ok(keys),
    }
}

fn failed(path: &Path, cause: &ParquetError) -> Error {
    Error::io(path, "write", &std::io::Error::other(cause.to_string()))
}

fn poisoned() -> Error {
    Error::internal("a Parquet sink was poisoned")
}

//! Parquet files.

use super::{About, Scan, Source, open_file, pieces_within};
use crate::block::Block;
use crate::column::{Column, NA_I32};
use crate::convert::{Dictionary, Nulls, column_from_array, schema_from_arrow};
use crate::error::{Error, Result};
use crate::interner::Interner;
use crate::schema::{Labels, Schema};
use crate::sealed::SealedFile;
use crate::sink::{PARQUET_INFO_KEY, ParquetInfo};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{self, DataType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelector,
};
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Rows of a block: row groups are much larger than what should be decoded at once.
const BLOCK_ROWS: usize = 65_536;
/// No more readers share a row group than this, as each of them decompresses all of its pages.
const MOST_READERS: usize = 8;

/// A Parquet file. A block is some rows of one row group; the logical blocks are the row groups.
///
/// Text is text, unless the file's Arrow schema says that it was categories.
pub struct ParquetSource {
    path: PathBuf,
    file: SealedFile,
    metadata: ArrowReaderMetadata,
    schema: Schema,
    /// The levels that are agreed for each column, with their codes.
    levels: Vec<Option<(Labels, Interner)>>,
    description: String,
    group_rows: Vec<u64>,
    blocks: Vec<RowsOfGroup>,
}

struct RowsOfGroup {
    group: usize,
    offset: usize,
    rows: usize,
}

impl ParquetSource {
    /// Opens a file and reads its metadata.
    pub fn open(path: &Path) -> Result<Self> {
        let file = SealedFile::open(open_file(path)?, path)?;
        let metadata = guarded(path, || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()))?;
        let mut schema = schema_from_arrow(metadata.schema());
        let known = metadata.metadata().file_metadata().key_value_metadata();
        let json =
            known.iter().copied().flatten().find(|kv| kv.key == PARQUET_INFO_KEY).and_then(|kv| kv.value.as_deref());
        let mut info: ParquetInfo = match json {
            Some(json) => serde_json::from_str(json).map_err(|_| Error::corrupt(path, "its metadata is damaged"))?,
            None => ParquetInfo::default(),
        };
        let mut levels = Vec::with_capacity(schema.fields.len());
        for field in &mut schema.fields {
            field.levels = info.levels.remove(&field.name).map(Arc::new);
            levels.push(field.levels.clone().map(|l| (l.clone(), Interner::with_labels(&l))));
        }
        let mut group_rows = Vec::new();
        let mut blocks = Vec::new();
        for (group, of_group) in metadata.metadata().row_groups().iter().enumerate() {
            let rows = usize::try_from(of_group.num_rows());
            let rows = rows.ok().filter(|&n| n <= i64::MAX as usize / BLOCK_ROWS);
            let rows = rows.ok_or_else(|| Error::corrupt(path, "a row group has an impossible number of rows"))?;
            group_rows.push(rows as u64);
            let starts = (0..rows).step_by(BLOCK_ROWS);
            blocks.extend(starts.map(|offset| RowsOfGroup { group, offset, rows: BLOCK_ROWS.min(rows - offset) }));
        }
        let metadata = with_text_by_code(metadata);
        let path = path.to_path_buf();
        Ok(ParquetSource { path, file, metadata, schema, levels, description: info.description, group_rows, blocks })
    }

    /// The user's description of the file.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// A reader of every `stride`-th block of a row group, from one on.
    fn reader(&self, index: usize, stride: usize, columns: &[usize]) -> Result<ParquetRecordBatchReader> {
        let group = self.blocks[index].group;
        let mut selection = vec![RowSelector::skip(self.blocks[index].offset)];
        for (i, block) in self.blocks.iter().enumerate().skip(index).take_while(|(_, block)| block.group == group) {
            let wanted = (i - index).is_multiple_of(stride);
            selection.push(if wanted { RowSelector::select(block.rows) } else { RowSelector::skip(block.rows) });
        }
        guarded(&self.path, || {
            let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_row_selection(selection.into())
                .with_batch_size(BLOCK_ROWS)
                .build()
        })
    }
}

impl Source for ParquetSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        Some(self.group_rows.iter().sum())
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        Some(self.group_rows.clone())
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn about(&self) -> About {
        let first = self.metadata.metadata().row_groups().first().and_then(|group| group.columns().first());
        let compression = first.map(|column| match column.compression() {
            Compression::UNCOMPRESSED => "none".to_string(),
            Compression::LZ4_RAW => "lz4".to_string(),
            other => other.to_string().chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_lowercase(),
        });
        let description = Some(self.description.clone()).filter(|text| !text.is_empty());
        About { description, compression, ..About::default() }
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(self.scan_rows(columns, 0..u64::MAX)?.0)
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        let (blocks, skipped) = pieces_within(self.blocks.iter().map(|block| block.rows as u64), &rows);
        Ok((Box::new(self.scan_blocks(columns, blocks)), skipped))
    }
}

impl ParquetSource {
    /// Some blocks.
    fn scan_blocks(&self, columns: &[usize], blocks: Range<usize>) -> ParquetScan<'_> {
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        // The readers of a row group take its blocks in turns, so that each page is decoded once a reader.
        let readers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS);
        ParquetScan {
            source: self,
            columns: columns.to_vec(),
            sorted,
            next: AtomicUsize::new(blocks.start),
            blocks,
            readers: (0..readers).map(|_| Mutex::default()).collect(),
        }
    }
}

struct ParquetScan<'a> {
    source: &'a ParquetSource,
    columns: Vec<usize>,
    /// The columns that are read, each one once.
    sorted: Vec<usize>,
    blocks: Range<usize>,
    next: AtomicUsize,
    /// Block i is read by reader i modulo their number.
    readers: Vec<Mutex<Option<Reader>>>,
}

/// A reader of some blocks of a row group, in order.
struct Reader {
    batches: ParquetRecordBatchReader,
    /// The block that comes next.
    next: usize,
    /// What the dictionary of each column read meant last time.
    dictionaries: Vec<Option<(ArrayRef, Dictionary)>>,
}

impl ParquetScan<'_> {
    fn read(&self, index: usize) -> Result<Block> {
        let ParquetSource { path, blocks, .. } = self.source;
        let rows = blocks[index].rows;
        if self.sorted.is_empty() {
            return Ok(Block { index: index - self.blocks.start, rows, columns: Vec::new() });
        }
        let stride = self.readers.len();
        let mut place = self.readers[index % stride].lock().map_err(|_| Error::internal("a reader was poisoned"))?;
        let mut reader = match place.take().filter(|reader| reader.next == index) {
            Some(reader) => reader,
            None => Reader {
                batches: self.source.reader(index, stride, &self.sorted)?,
                next: index,
                dictionaries: vec![None; self.sorted.len()],
            },
        };
        let batch = guarded(path, || {
            let batch = reader.batches.next().transpose()?.filter(|batch| batch.num_rows() == rows);
            batch.ok_or_else(|| ParquetError::General("a row group is too short".into()))
        })?;
        let columns = self.columns.iter().map(|&j| self.column(j, &batch, &mut reader.dictionaries));
        let columns = columns.collect::<Result<_>>()?;
        reader.next += stride;
        if blocks.get(reader.next).is_some_and(|next| next.group == blocks[index].group) {
            *place = Some(reader);
        }
        Ok(Block { index: index - self.blocks.start, rows, columns })
    }

    fn column(
        &self,
        j: usize,
        batch: &RecordBatch,
        dictionaries: &mut [Option<(ArrayRef, Dictionary)>],
    ) -> Result<Column> {
        let ParquetSource { path, schema, levels, .. } = self.source;
        let lost = || Error::corrupt(path, "a column is not in its row group");
        let k = self.sorted.binary_search(&j).map_err(|_| lost())?;
        let (array, name) = (batch.columns().get(k).ok_or_else(lost)?, &schema.fields[j].name);
        let column = match array.data_type() {
            DataType::Dictionary(_, values) if **values == DataType::Utf8 => {
                let encoded = array.as_any_dictionary();
                let known = dictionaries[k].take().filter(|(values, _)| Arc::ptr_eq(values, encoded.values()));
                let (values, dictionary) = match known {
                    Some(known) => known,
                    None => (encoded.values().clone(), Dictionary::new(&[encoded.values().clone()])?),
                };
                let codes = dictionary.codes(encoded.keys(), name).map_err(|e| e.file(path))?;
                let labels = dictionary.labels.clone();
                dictionaries[k] = Some((values, dictionary));
                Column::Dict { codes, labels }
            }
            _ => column_from_array(array, Nulls::Unknown, name).map_err(|e| e.file(path))?,
        };
        Ok(match &levels[j] {
            Some((labels, codes)) => with_levels(column, labels, codes),
            None => column,
        })
    }
}

impl Scan for ParquetScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index < self.blocks.end { self.read(index).map(Some) } else { Ok(None) }
    }
}

/// Asks for codes and labels of text whose pages hold just that, instead of a copy of the label for every row.
fn with_text_by_code(metadata: ArrowReaderMetadata) -> ArrowReaderMetadata {
    let coded = |chunk: &ColumnChunkMetaData| {
        let only = |encoding| chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(encoding));
        chunk.dictionary_page_offset().is_some() && (only(Encoding::PLAIN_DICTIONARY) || only(Encoding::RLE_DICTIONARY))
    };
    let groups = metadata.metadata().row_groups();
    let mut changed = false;
    let fields = metadata.schema().fields().iter().enumerate().map(|(j, field)| {
        let mut chunks = groups.iter().map(|group| {
            let mut leaves = group.columns().iter().enumerate();
            leaves.find(|&(leaf, _)| group.schema_descr().get_column_root_idx(leaf) == j).map(|(_, chunk)| chunk)
        });
        if *field.data_type() != DataType::Utf8 || !chunks.all(|chunk| chunk.is_some_and(coded)) {
            return field.clone();
        }
        changed = true;
        let by_code = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Arc::new(field.as_ref().clone().with_data_type(by_code))
    });
    let schema = datatypes::Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata.schema().metadata().clone());
    if !changed {
        return metadata;
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    // A file whose other columns are too special for that is read as it stands.
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).unwrap_or(metadata)
}

/// Codes in the agreed levels, where these have all labels.
fn with_levels(column: Column, levels: &Labels, known: &Interner) -> Column {
    let Column::Dict { codes, labels } = column else { return column };
    match labels.iter().map(|l| known.get(l)).collect::<Option<Vec<i32>>>() {
        Some(table) => {
            let translate = |&c: &i32| if c == NA_I32 { NA_I32 } else { table[c as usize - 1] };
            Column::Dict { codes: codes.iter().map(translate).collect(), labels: levels.clone() }
        }
        None => Column::Dict { codes, labels },
    }
}

/// Runs the decoder, which may panic on damaged files instead of giving an error.
fn guarded<T>(path: &Path, decode: impl FnOnce() -> std::result::Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Err(ParquetError::General(what) | ParquetError::EOF(what))) => Err(Error::corrupt(path, what)),
        Ok(Err(ParquetError::External(cause))) => Err(Error::corrupt(path, cause)),
        Ok(decoded) => decoded.map_err(|e| Error::corrupt(path, e)),
        Err(_) => Err(Error::corrupt(path, "it is damaged")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::ErrorKind;
    use crate::sink::{ParquetOptions, ParquetSink};
    use crate::testing::{TempDir, copy, every_kind, feed, values};
    use std::fs;

    fn options(path: &Path) -> ParquetOptions {
        ParquetOptions { path: path.to_path_buf(), overwrite: true, ..Default::default() }
    }

    fn write(rows: usize, options: ParquetOptions) -> u64 {
        let table = every_kind(rows);
        copy(&table, ParquetSink::create(table.schema().clone(), options).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_returns() {
        let dir = TempDir::new();
        let path = dir.join("x.parquet");
        for (rows, rows_per_block) in [(0, None), (1, None), (200_000, None), (150_000, Some(40_000))] {
            let description = Some("All kinds".to_string());
            assert_eq!(write(rows, ParquetOptions { rows_per_block, description, ..options(&path) }), rows as u64);
            let (table, file) = (every_kind(rows), ParquetSource::open(&path).unwrap());
            let all: Vec<usize> = (0..table.schema().fields.len()).collect();
            assert_eq!(values(&file, &all).unwrap(), values(&table, &all).unwrap());
            assert_eq!(values(&file, &[8, 2, 8]).unwrap(), values(&table, &[8, 2, 8]).unwrap());
            assert_eq!((file.rows(), file.description()), (Some(rows as u64), "All kinds"));
            let group = rows_per_block.unwrap_or(1_000_000);
            assert_eq!(file.block_rows().unwrap().len() as u64, (rows as u64).div_ceil(group));
            let kinds = |s: &Schema| s.fields.iter().map(|f| (f.name.clone(), f.kind.clone())).collect::<Vec<_>>();
            assert_eq!(kinds(file.schema()), kinds(table.schema()));
            assert_eq!(file.schema().fields[7].levels, table.schema().fields[7].levels);
            if rows > 1 {
                assert_eq!(file.schema().fields[0].high, Some(1.0));
            }
        }
        assert_eq!(dir.names(), ["x.parquet"]);
    }

    #[test]
    fn a_sink_that_does_not_finish_leaves_the_old_file() {
        let dir = TempDir::new();
        let path = dir.join("x.parquet");
        fs::write(&path, "old").unwrap();
        let table = every_kind(1000);
        let how = ParquetOptions { rows_per_block: Some(100), ..options(&path) };
        let sink = ParquetSink::create(table.schema().clone(), how).unwrap();
        feed(&table, &sink).unwrap();
        drop(sink);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(dir.names(), ["x.parquet"]);
    }

    /// What a file says of itself and its values.
    fn read(path: &Path) -> Result<(Schema, String, Vec<Vec<String>>)> {
        let file = ParquetSource::open(path)?;
        let all = (0..file.schema().fields.len()).collect::<Vec<_>>();
        Ok((file.schema().clone(), file.description().to_string(), values(&file, &all)?))
    }

    #[test]
    fn no_flipped_bit_changes_a_value_or_does_worse() {
        let dir = TempDir::new();
        let path = dir.join("x.parquet");
        write(40, ParquetOptions { description: Some("All kinds".to_string()), ..options(&path) });
        let good = fs::read(&path).unwrap();
        let right = read(&path).unwrap();
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 0x81;
            fs::write(&path, &bad).unwrap();
            match read(&path) {
                Ok(found) => assert_eq!(found, right, "byte {i} of {}", good.len()),
                Err(error) => assert_eq!(error.kind, ErrorKind::CorruptFile, "byte {i}: {error:?}"),
            }
        }
        for cut in (0..good.len()).step_by(37) {
            fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(read(&path).unwrap_err().kind, ErrorKind::CorruptFile, "cut at {cut}");
        }
        assert_eq!(ParquetSource::open(&dir.join("y.parquet")).err().unwrap().kind, ErrorKind::File);
    }
}

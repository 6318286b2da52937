//! Many XDF files by key, in one pass.

use super::file::{FileWriter, Target};
use super::turns::TurnsFile;
use super::{EncodedPiece, MIN_BATCH_ROWS, Ranges, encode_rows, lock, poisoned};
use crate::block::Block;
use crate::column::Column;
use crate::convert::union;
use crate::error::{Error, Result};
use crate::groups::{BlockGroups, Groups};
use crate::interner::Interner;
use crate::schema::{Kind, Schema};
use crate::sink::folder::NewFolder;
use crate::sink::gather::{Cutter, Part, check_rows_per_block, known_levels};
use crate::sink::{FrameSink, FrameTable, Sink};
use crate::xdf::{BLOCK_ROWS, Compression, FileInfo, MAX_BATCH_ROWS};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How to split rows by key.
#[derive(Debug, Clone, Default)]
pub struct SplitOptions {
    /// The folder to make, which gets the files `1.xdf`, `2.xdf`, ..., one a key in order of first appearance.
    pub folder: PathBuf,
    /// Positions of the keys in the blocks.
    pub keys: Vec<usize>,
    /// Positions of the columns that are written.
    pub columns: Vec<usize>,
    /// How to compress.
    pub compression: Compression,
    /// Rows of a logical block; None: 500,000.
    pub rows_per_block: Option<u64>,
    /// What all files say of themselves.
    pub description: String,
    /// Whether rows without a value in a key are left out.
    pub without_missing: bool,
    /// Whether all files have the ranges of all rows, which are those of the schema where it has them; else each file
    /// has those of its own rows.
    pub shared_ranges: bool,
    /// Whether the files must last, as those that are gone at the end of the session need not.
    pub durable: bool,
    /// Bytes of rows that wait to be written together.
    pub chunk_bytes: usize,
}

/// The files that were written.
pub struct SplitTable {
    /// The keys, a row a file.
    pub keys: FrameTable,
    /// Rows of each file.
    pub rows: Vec<u64>,
}

/// Writes the rows of each key to a file of its own.
///
/// Rows wait until there are about as many for each key as a record batch takes, or as many altogether as memory
/// allows. Then all of them are encoded, by one of the threads, and every file grows in its turn. So memory does not
/// depend on the number of keys, and no more than one file is open at a time. All files have the same levels.
pub struct SplitSink {
    /// What is written.
    schema: Schema,
    folder: NewFolder,
    options: SplitOptions,
    admission: Mutex<Admission>,
    files: Mutex<Vec<Growing>>,
    /// The keys of each file.
    keys: FrameSink<'static>,
}

/// What is decided in order.
struct Admission {
    groups: Groups,
    /// One a column that is written.
    interners: Vec<Interner>,
    cutters: Vec<Cutter>,
    waiting: Chunk,
    waiting_bytes: usize,
    /// Rows that wait, by group.
    waiting_rows: Vec<usize>,
    waiting_total: usize,
}

/// Rows that are written together.
#[derive(Default)]
pub struct Chunk {
    parts: Vec<(Part, BlockGroups)>,
    /// What each file gets: its number, and rows of a record batch with whether it starts a logical block.
    pieces: Vec<(usize, Vec<(usize, bool)>)>,
}

/// A file that grows.
struct Growing {
    file: FileWriter,
    ranges: Ranges,
    rows: u64,
}

impl SplitSink {
    /// Starts to split blocks of these columns, to which [`crate::groups::Grouped`] adds one.
    pub fn create(schema: Schema, options: SplitOptions) -> Result<Self> {
        check_rows_per_block(options.rows_per_block)?;
        let keys = options.keys.iter().map(|&key| schema.fields[key].clone()).collect();
        let written = Schema::new(options.columns.iter().map(|&j| schema.fields[j].clone()).collect());
        let admission = Admission {
            groups: Groups::new(options.keys.clone(), options.without_missing),
            interners: known_levels(&written),
            cutters: Vec::new(),
            waiting: Chunk::default(),
            waiting_bytes: 0,
            waiting_rows: Vec::new(),
            waiting_total: 0,
        };
        Ok(SplitSink {
            folder: NewFolder::create(&options.folder)?,
            schema: written,
            options,
            admission: Mutex::new(admission),
            files: Mutex::default(),
            keys: FrameSink::new(Schema::new(keys)),
        })
    }

    /// Keeps the keys of groups that no block before had.
    fn keep_keys(&self, block: &Block, rows: &[usize]) -> Result<()> {
        let columns = self.options.keys.iter().map(|&key| block.columns[key].gather(rows)).collect();
        let keys = Block { index: block.index, rows: rows.len(), columns };
        self.keys.write(self.keys.encode(self.keys.admit(keys)?)?)
    }

    /// The rows of a block, those of each group together; and where each group's are.
    fn sorted(&self, part: &Part, groups: &BlockGroups) -> (Vec<Column>, Vec<(usize, usize)>) {
        let mut starts = Vec::with_capacity(groups.rows.len());
        let mut total = 0;
        for &rows in &groups.rows {
            starts.push((total, rows));
            total += rows;
        }
        let mut next: Vec<usize> = starts.iter().map(|&(start, _)| start).collect();
        let mut order = vec![0; total];
        for (row, &group) in groups.of_rows.iter().enumerate() {
            order[next[group as usize]] = row;
            next[group as usize] += 1;
        }
        let fields = self.schema.fields.iter().enumerate();
        let columns = fields.map(|(j, field)| part.recoded(j, &field.kind).gather(&order)).collect();
        (columns, starts)
    }
}

impl Admission {
    /// The rows that wait, if they shall wait no longer.
    fn chunk(&mut self, limit: usize, rest: bool) -> Option<Chunk> {
        let enough = self.waiting_total >= MIN_BATCH_ROWS * self.groups.len().max(4) || self.waiting_bytes >= limit;
        if !(enough || rest) || self.waiting.parts.is_empty() {
            return None;
        }
        let mut chunk = std::mem::take(&mut self.waiting);
        for (group, (rows, cutter)) in self.waiting_rows.iter_mut().zip(&mut self.cutters).enumerate() {
            let mut cuts = Vec::new();
            while let Some(cut) = cutter.next(*rows, true) {
                *rows -= cut.0;
                cuts.push(cut);
            }
            if !cuts.is_empty() {
                chunk.pieces.push((group, cuts));
            }
        }
        (self.waiting_bytes, self.waiting_total) = (0, 0);
        Some(chunk)
    }
}

impl Sink for SplitSink {
    type Admitted = Chunk;
    type Encoded = Vec<(usize, EncodedPiece)>;
    type Output = SplitTable;

    fn admit(&self, block: Block) -> Result<Chunk> {
        let mut admission = lock(&self.admission)?;
        let groups = admission.groups.admit(&block)?;
        self.keep_keys(&block, &groups.new)?;
        let (count, rows_per_block) = (admission.groups.len(), self.options.rows_per_block.unwrap_or(BLOCK_ROWS));
        admission.cutters.resize(count, Cutter::new(MIN_BATCH_ROWS..=MAX_BATCH_ROWS, rows_per_block));
        admission.waiting_rows.resize(count, 0);
        for (number, rows) in groups.numbers.iter().zip(&groups.rows) {
            if let Some(number) = number {
                admission.waiting_rows[*number as usize] += rows;
                admission.waiting_total += rows;
            }
        }
        let columns = self.options.columns.iter().map(|&j| block.columns[j].clone()).collect();
        let block = Block { columns, ..block };
        admission.waiting_bytes += block.columns.iter().map(bytes).sum::<usize>() + 4 * block.rows;
        let part = Part::new(block, &self.schema, &mut admission.interners);
        admission.waiting.parts.push((part, groups));
        Ok(admission.chunk(self.options.chunk_bytes, false).unwrap_or_default())
    }

    fn encode(&self, chunk: Chunk) -> Result<Vec<(usize, EncodedPiece)>> {
        // The runs of each file, in the order of the blocks.
        let mut runs: Vec<(u32, usize, usize, usize)> = Vec::new();
        let mut sorted = Vec::with_capacity(chunk.parts.len());
        for (i, (part, groups)) in chunk.parts.into_iter().enumerate() {
            let (columns, starts) = self.sorted(&part, &groups);
            let of_block = groups.numbers.iter().zip(starts);
            runs.extend(of_block.filter_map(|(number, (start, rows))| Some(((*number)?, i, start, rows))));
            sorted.push(columns);
        }
        runs.sort_unstable();
        let mut encoded = Vec::new();
        let mut runs = runs.into_iter().peekable();
        for (group, cuts) in chunk.pieces {
            for (rows, starts_block) in cuts {
                let mut taken = Vec::new();
                let mut missing = rows;
                while missing > 0 {
                    let Some(run) = runs.peek_mut().filter(|run| run.0 as usize == group) else {
                        return Err(Error::internal("a file of a split has fewer rows than were counted"));
                    };
                    let n = run.3.min(missing);
                    taken.push((run.1, run.2, n));
                    (run.2, run.3) = (run.2 + n, run.3 - n);
                    missing -= n;
                    if run.3 == 0 {
                        runs.next();
                    }
                }
                let parts =
                    |j: usize, _: &Kind| taken.iter().map(|&(i, start, n)| sorted[i][j].slice(start, n)).collect();
                let (message, ranges) = encode_rows(&self.schema, rows, parts, self.options.compression, true)?;
                encoded.push((group, EncodedPiece { message, starts_block, levels: Vec::new(), ranges }));
            }
        }
        Ok(encoded)
    }

    fn write(&self, pieces: Vec<(usize, EncodedPiece)>) -> Result<()> {
        let mut files = lock(&self.files)?;
        for (group, piece) in pieces {
            while files.len() <= group {
                let path = self.folder.file(&format!("{}.xdf", files.len() + 1));
                let target = Target::Turns(TurnsFile::new(path, self.options.durable));
                let info = FileInfo::new(self.options.description.clone());
                let file = FileWriter::start(target, &self.schema, info)?;
                files.push(Growing { file, ranges: vec![None; self.schema.fields.len()], rows: 0 });
            }
            let growing = &mut files[group];
            growing.file.write(&piece)?;
            growing.rows += piece.message.rows;
            for (known, new) in growing.ranges.iter_mut().zip(piece.ranges) {
                *known = union(*known, new);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<SplitTable> {
        let rest = lock(&self.admission)?.chunk(0, true);
        if let Some(rest) = rest {
            self.write(self.encode(rest)?)?;
        }
        let admission = self.admission.into_inner().map_err(|_| poisoned())?;
        let levels: Vec<Vec<String>> = admission.interners.into_iter().map(Interner::into_labels).collect();
        let files = self.files.into_inner().map_err(|_| poisoned())?;
        let mut all = vec![None; self.schema.fields.len()];
        for growing in &files {
            all.iter_mut().zip(&growing.ranges).for_each(|(all, own)| *all = union(*all, *own));
        }
        let mut schema = self.schema;
        for (field, levels) in schema.fields.iter_mut().zip(&levels) {
            if matches!(field.kind, Kind::Factor { .. }) {
                field.levels = Some(Arc::new(levels.clone()));
            }
        }
        let mut rows = Vec::with_capacity(files.len());
        for Growing { file, ranges, rows: own } in files {
            let mut described = schema.clone();
            for (field, (own, all)) in described.fields.iter_mut().zip(ranges.into_iter().zip(&all)) {
                let given = field.low.zip(field.high);
                let range = if self.options.shared_ranges { given.or(*all) } else { own };
                (field.low, field.high) = range.unzip();
            }
            file.finish(&described, levels.clone(), self.options.compression)?;
            rows.push(own);
        }
        self.folder.commit()?;
        Ok(SplitTable { keys: self.keys.finish()?, rows })
    }
}

/// Memory of a column's values.
fn bytes(column: &Column) -> usize {
    match column {
        Column::I32(v) => 4 * v.len(),
        Column::F32(v) => 4 * v.len(),
        Column::I64(v) => 8 * v.len(),
        Column::F64(v) => 8 * v.len(),
        Column::Str(v) => v.value_data().len() + 8 * v.value_offsets().len(),
        Column::Dict { codes, .. } => 4 * codes.len(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::block::BlockMap;
    use crate::groups::Grouped;
    use crate::source::{Source, XdfSource};
    use crate::testing::{TempDir, every_kind, values};

    /// Splits all columns of a table by some of them.
    fn split(table: &dyn Source, options: SplitOptions) -> Result<SplitTable> {
        let all: Vec<usize> = (0..table.schema().fields.len()).collect();
        let (map, scan) = (Grouped::new(options.keys.clone()), table.scan(&all)?);
        let sink = SplitSink::create(table.schema().clone(), options)?;
        while let Some(block) = scan.next()? {
            let Some(block) = map.map(block)? else { continue };
            sink.write(sink.encode(sink.admit(block)?)?)?;
        }
        sink.finish()
    }

    fn options(dir: &TempDir, keys: &[usize]) -> SplitOptions {
        SplitOptions {
            folder: dir.join("parts"),
            keys: keys.to_vec(),
            columns: (0..13).collect(),
            chunk_bytes: 1 << 20,
            ..Default::default()
        }
    }

    #[test]
    fn every_row_is_in_the_file_of_its_key_in_order() {
        let table = every_kind(5000).with_block_rows(300);
        let all: Vec<usize> = (0..13).collect();
        let expected = values(&table, &all).unwrap();
        // Integers of 7 values, text of 101 and a factor; and waiting rows that are written at once.
        for (keys, chunk_bytes) in [(vec![8, 0], 1 << 20), (vec![6], 1 << 12), (vec![7, 9], 1)] {
            let dir = TempDir::new();
            let found = split(&table, SplitOptions { chunk_bytes, ..options(&dir, &keys) }).unwrap();
            assert_eq!(found.rows.iter().sum::<u64>(), 5000);
            let key_of = |columns: &[Vec<String>], row: usize| -> Vec<String> {
                keys.iter().map(|&key| columns[key][row].clone()).collect()
            };
            let mut seen = Vec::new();
            for row in 0..5000 {
                let key = key_of(&expected, row);
                if !seen.contains(&key) {
                    seen.push(key);
                }
            }
            assert_eq!((found.keys.rows, found.rows.len()), (seen.len(), seen.len()));
            for (i, key) in seen.iter().enumerate() {
                let file = XdfSource::open(&dir.join("parts").join(format!("{}.xdf", i + 1))).unwrap();
                let rows: Vec<usize> = (0..5000).filter(|&row| key_of(&expected, row) == *key).collect();
                let wanted: Vec<Vec<String>> =
                    all.iter().map(|&j| rows.iter().map(|&row| expected[j][row].clone()).collect()).collect();
                assert_eq!(values(&file, &all).unwrap(), wanted);
                assert_eq!(file.rows(), Some(found.rows[i]));
                assert_eq!(file.schema().fields[8].levels.as_ref().unwrap().len(), 3);
            }
        }
    }

    #[test]
    fn ranges_are_a_files_own_or_those_of_all_rows() {
        let table = every_kind(700);
        for shared_ranges in [false, true] {
            let dir = TempDir::new();
            split(&table, SplitOptions { shared_ranges, ..options(&dir, &[8]) }).unwrap();
            let file = XdfSource::open(&dir.join("parts/2.xdf")).unwrap();
            let field = &file.schema().fields[2];
            assert_eq!(field.low, Some(if shared_ranges { -5.0 } else { 2.0 }));
        }
    }

    #[test]
    fn blocks_end_after_so_many_rows_and_missing_keys_can_be_left_out() {
        let table = every_kind(700).with_block_rows(100);
        let dir = TempDir::new();
        let how = SplitOptions { rows_per_block: Some(90), without_missing: true, ..options(&dir, &[8]) };
        let found = split(&table, how).unwrap();
        assert_eq!((found.rows.len(), found.rows.iter().sum::<u64>()), (3, 600));
        let file = XdfSource::open(&dir.join("parts/1.xdf")).unwrap();
        let blocks = file.block_rows().unwrap();
        assert_eq!((blocks[0], blocks[1], blocks.iter().sum::<u64>()), (90, 90, found.rows[0]));
    }

    #[test]
    fn keys_need_not_be_written() {
        let table = every_kind(100);
        let dir = TempDir::new();
        split(&table, SplitOptions { columns: vec![5, 2], ..options(&dir, &[8]) }).unwrap();
        let file = XdfSource::open(&dir.join("parts/1.xdf")).unwrap();
        let names: Vec<&str> = file.schema().fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["numeric", "integer"]);
    }

    #[test]
    fn a_split_that_fails_leaves_nothing() {
        let dir = TempDir::new();
        let table = every_kind(300);
        let sink = SplitSink::create(table.schema().clone(), options(&dir, &[8])).unwrap();
        assert_eq!(dir.names().len(), 1);
        drop(sink);
        assert!(dir.names().is_empty());
        split(&table, options(&dir, &[8])).unwrap();
        let error = split(&table, options(&dir, &[8])).err().unwrap();
        assert_eq!(error.kind, crate::ErrorKind::Argument);
        assert_eq!(dir.names(), ["parts"]);
    }
}

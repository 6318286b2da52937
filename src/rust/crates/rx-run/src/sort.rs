//! Sorting on the threads of this process, in memory or beyond it; see [`rx_data::sort`] for how.
//!
//! All threads read until the limit of memory is reached, sort what is there and write it as a run, again and again; or
//! never, if all rows fit. Runs that are too many to be merged at once are merged to longer ones before.

use crate::control::Control;
use crate::local::work;
use crate::pool::Pool;
use rayon::prelude::*;
use rx_data::interner::Interner;
use rx_data::join::{Ranks, by_rank, with_ranks};
use rx_data::sort::{
    Distinct, Harmony, ITEM_BYTES, Items, Keys, Ordered, Packing, Part, Profile, Rows, Run, Spill, detach, gather,
    row_bytes, with_records,
};
use rx_data::xdf::MAX_BATCH_ROWS;
use rx_data::{Block, Column, Error, ErrorKind, Labels, Result, Scan, Schema, Source};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a run at least, whatever the limit of memory is.
const LEAST_ROWS: u64 = 1000;

/// How to sort.
#[derive(Clone)]
pub struct Sorting {
    /// The columns wanted, as positions in the source's schema.
    pub columns: Vec<usize>,
    /// What to sort by; their columns are positions among those wanted.
    pub keys: Keys,
    /// Levels of factors, by position among the columns wanted, which have the first codes.
    pub levels: Vec<(usize, Labels)>,
    /// Bytes of memory that may be used.
    pub memory: u64,
    /// Where rows beyond that are kept.
    pub folder: PathBuf,
    /// Keep all rows there, even if they fit into memory.
    pub always_spill: bool,
    /// The name, in messages, of an input whose rows must be in order already.
    pub in_order: Option<&'static str>,
    /// A column of integers; rows that have none there are left out.
    pub present: Option<usize>,
}

/// The rows of a source in the order of some keys.
pub fn sort(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    sorting: &Sorting,
    distinct: Distinct,
) -> Result<Ordered> {
    let collected = collect(pool, control, source, sorting, true)?;
    let packing = Packing::new(&collected.profile);
    collected.order(pool, control, packing, distinct)
}

/// Rows that were read, in memory or as runs.
pub struct Collected {
    schema: Schema,
    keys: Keys,
    rows: Kept,
    sizes: Sizes,
    /// Bytes that rows in memory leave.
    room: u64,
    present: Option<usize>,
    /// What is known of the keys' words.
    pub profile: Profile,
}

enum Kept {
    Memory(Vec<Arc<Part>>),
    Runs(Arc<Spill>, Vec<Arc<Run>>),
}

/// How much is done at once.
#[derive(Clone, Copy)]
struct Sizes {
    /// Rows of a chunk of a run.
    chunk_rows: usize,
    /// Rows of a block of the result.
    piece_rows: usize,
    /// Runs that are merged at once, at most.
    fan_in: usize,
}

impl Sizes {
    fn new(memory: u64, bytes: u64, rows: u64) -> Sizes {
        let row = (bytes / rows.max(1)).max(1);
        let chunk = (memory / 256).clamp(32 << 10, 1 << 20);
        Sizes {
            chunk_rows: (chunk / row).clamp(16, MAX_BATCH_ROWS as u64) as usize,
            piece_rows: (memory / 64 / row).clamp(256, MAX_BATCH_ROWS as u64) as usize,
            // Of each there are two chunks in memory.
            fan_in: (memory / 4 / chunk).clamp(2, 512) as usize,
        }
    }
}

/// Reads rows. Text whose labels are all in memory may be compared by rank; the words of its keys then mean nothing to
/// other rows.
pub fn collect(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    sorting: &Sorting,
    by_rank: bool,
) -> Result<Collected> {
    let mut schema = Schema::new(sorting.columns.iter().map(|&j| source.schema().fields[j].clone()).collect());
    for (column, first) in &sorting.levels {
        let mut levels = Interner::with_labels(first);
        let field = &mut schema.fields[*column];
        field.levels.iter().flat_map(|own| own.iter()).for_each(|label| {
            levels.code(label);
        });
        field.levels = Some(Arc::new(levels.into_labels()));
    }
    let mut keys = sorting.keys.clone();
    // The rest is for what is on its way, and for what buffers hold besides their values.
    let limit = sorting.memory / 2;
    let scan = source.scan(&sorting.columns)?;
    let mut harmony = Harmony::new(&schema, source.in_memory(), sorting.memory);
    let mut profile = Profile::new(&keys);
    let mut runs: Vec<Arc<Run>> = Vec::new();
    let (mut spill, mut sizes) = (None, None);
    let mut order = sorting.in_order.map(InOrder::new);
    loop {
        let load = Load::new(&*scan, &harmony, limit, source.in_memory());
        work(pool, control, || load.next(), || (), |(), _, block: Block| load.admit(block))?;
        let ended = load.ended.load(Ordering::Relaxed);
        let (bytes, rows) = (load.bytes.load(Ordering::Relaxed), load.rows.load(Ordering::Relaxed));
        let sizes = *sizes.get_or_insert_with(|| Sizes::new(sorting.memory, bytes, rows));
        let mut blocks = load.into_blocks();
        pool.run(|| harmony.admit(&mut blocks));
        let blocks: Vec<Arc<Part>> = blocks.into_iter().map(|block| Arc::new(block.into())).collect();
        let fits = ended && runs.is_empty() && !sorting.always_spill;
        if fits && by_rank {
            pool.run(|| rank(&mut keys, &blocks));
        }
        let of_these = pool.run(|| profile_of(&blocks, &keys))?;
        profile = profile.and(&of_these);
        if let Some(order) = &mut order {
            pool.run(|| order.check(&blocks, &keys, &Packing::new(&of_these)))?;
        }
        if fits {
            let schema = harmony.finish(schema);
            let room = limit.saturating_sub(if source.in_memory() { 0 } else { bytes } + rows * ITEM_BYTES);
            let rows = Kept::Memory(blocks);
            return Ok(Collected { schema, keys, rows, sizes, room, present: sorting.present, profile });
        }
        if rows > 0 {
            let spill = match &spill {
                Some(spill) => spill,
                None => spill.insert(Arc::new(Spill::create(&sorting.folder)?)),
            };
            let schema = harmony.labelled(schema.clone());
            let packing = Packing::new(&of_these);
            let (parts, items) = sorted(pool, control, blocks, &keys, &packing, sorting.present)?;
            let rows = Rows::Memory { parts, items };
            let ordered = Ordered::new(schema, keys.clone(), packing, rows, Distinct::No, sizes.chunk_rows)?;
            runs.push(Arc::new(write_run(pool, control, &ordered, spill, sizes.chunk_rows)?));
        }
        if ended {
            let schema = harmony.finish(schema);
            let rows = match spill {
                Some(spill) => Kept::Runs(spill, runs),
                None => Kept::Memory(Vec::new()),
            };
            return Ok(Collected { schema, keys, rows, sizes, room: 0, present: sorting.present, profile });
        }
    }
}

impl Collected {
    /// The number of rows, if they are in memory.
    pub fn rows_in_memory(&self) -> Option<u64> {
        match &self.rows {
            Kept::Memory(blocks) => Some(blocks.iter().map(|block| block.rows as u64).sum()),
            Kept::Runs(..) => None,
        }
    }

    /// Gives the keys of rows in memory ranks, by which the rows are sorted from here on.
    pub fn ranked(self, pool: &Pool, control: &Control) -> Result<(Collected, Ranks)> {
        let Collected { schema, keys, rows: Kept::Memory(blocks), sizes, room, profile, .. } = self else {
            return Err(Error::internal("rows beyond memory have no ranks"));
        };
        let packing = Packing::new(&profile);
        let (parts, items) = sorted(pool, control, blocks, &keys, &packing, None)?;
        let row = |id: u64| (&**parts[(id >> 32) as usize], id as u32 as usize);
        let mut ranks: Vec<Vec<i32>> = parts.iter().map(|part| vec![0; part.rows]).collect();
        // The first row of each rank.
        let mut firsts: Vec<u64> = Vec::new();
        let mut before: Option<(u64, u64)> = None;
        for (head, id) in (0..items.len()).map(|i| items.get(i)) {
            let same = before.replace((head, id)).filter(|(known, _)| *known == head);
            if same.is_none_or(|(_, before)| !packing.exact && keys.compare(row(before), row(id)).is_ne()) {
                firsts.push(id);
            }
            ranks[(id >> 32) as usize][id as u32 as usize] = firsts.len() as i32;
        }
        let columns: Vec<usize> = keys.0.iter().map(|key| key.column).collect();
        let found = Ranks::new(&keys, &gather(&schema.fields, &parts, &columns, &firsts)?)?;
        let with_rank = |(part, ranks): (&Arc<Part>, Vec<i32>)| {
            let mut block = Block::clone(part);
            block.columns.push(Column::I32(ranks.into()));
            Arc::new(Part::from(block))
        };
        let blocks: Vec<Arc<Part>> = parts.iter().zip(ranks).map(with_rank).collect();
        let (keys, schema) = (by_rank(schema.fields.len()), with_ranks(schema));
        let profile = pool.run(|| profile_of(&blocks, &keys))?;
        Ok((Collected { schema, keys, rows: Kept::Memory(blocks), sizes, room, present: None, profile }, found))
    }

    /// All levels of a factor.
    pub fn levels(&self, column: usize) -> Option<Labels> {
        self.schema.fields[column].levels.clone()
    }

    /// Puts the rows in order; the packing must be made for them, and may be for others as well.
    pub fn order(self, pool: &Pool, control: &Control, packing: Packing, distinct: Distinct) -> Result<Ordered> {
        let Collected { schema, keys, rows, sizes, room, present, .. } = self;
        let rows = match rows {
            Kept::Memory(blocks) => {
                let (mut parts, items) = sorted(pool, control, blocks, &keys, &packing, present)?;
                if distinct == Distinct::No {
                    parts = pool.run(|| with_records(&schema.fields, parts, &items, room));
                }
                Rows::Memory { parts, items }
            }
            Kept::Runs(spill, mut runs) => {
                while runs.len() > sizes.fan_in {
                    let mut longer = Vec::new();
                    for group in runs.chunks(sizes.fan_in) {
                        let rows = Rows::Runs { spill: spill.clone(), runs: group.to_vec() };
                        let (schema, keys, packing) = (schema.clone(), keys.clone(), packing.clone());
                        let ordered = Ordered::new(schema, keys, packing, rows, Distinct::No, sizes.chunk_rows)?;
                        longer.push(Arc::new(write_run(pool, control, &ordered, &spill, sizes.chunk_rows)?));
                    }
                    runs = longer;
                }
                Rows::Runs { spill, runs }
            }
        };
        Ordered::new(schema, keys, packing, rows, distinct, sizes.piece_rows)
    }
}

/// Sees to it that rows are in order as they come.
struct InOrder {
    input: &'static str,
    last: Option<Arc<Part>>,
    rows: u64,
}

impl InOrder {
    fn new(input: &'static str) -> Self {
        InOrder { input, last: None, rows: 0 }
    }

    fn check(&mut self, blocks: &[Arc<Part>], keys: &Keys, packing: &Packing) -> Result<()> {
        let wrong = blocks.par_iter().map(|block| {
            let heads = packing.heads(block, keys)?;
            Ok((1..block.rows).find(|&i| match heads[i - 1].cmp(&heads[i]) {
                std::cmp::Ordering::Equal if !packing.exact => keys.compare((block, i - 1), (block, i)).is_gt(),
                order => order.is_gt(),
            }))
        });
        let wrong: Vec<Option<usize>> = wrong.collect::<Result<_>>()?;
        for (block, wrong) in blocks.iter().zip(wrong).filter(|(block, _)| block.rows > 0) {
            let joint = self.last.as_ref().filter(|last| keys.compare((last, last.rows - 1), (block, 0)).is_gt());
            if let Some(row) = joint.map(|_| 0).or(wrong) {
                let row = self.rows + row as u64 + 1;
                let message = format!("The rows of the {} input are not in the order of the keys.", self.input);
                let hint = "Pass autoSort = TRUE, or sort them with rxSort(caseSensitive = TRUE).";
                return Err(Error::new(ErrorKind::Argument, message).row(row).hint(hint));
            }
            self.rows += block.rows as u64;
            self.last = Some(block.clone());
        }
        Ok(())
    }
}

/// Blocks as they are read, until there is no room for more.
struct Load<'a> {
    scan: &'a dyn Scan,
    harmony: &'a Harmony,
    limit: u64,
    /// Whether blocks take no memory.
    in_memory: bool,
    bytes: AtomicU64,
    rows: AtomicU64,
    ended: AtomicBool,
    blocks: Mutex<Vec<Block>>,
}

impl<'a> Load<'a> {
    fn new(scan: &'a dyn Scan, harmony: &'a Harmony, limit: u64, in_memory: bool) -> Self {
        let (bytes, rows, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Load { scan, harmony, limit, in_memory, bytes, rows, ended, blocks: Mutex::default() }
    }

    fn is_full(&self) -> bool {
        let rows = self.rows.load(Ordering::Relaxed);
        let bytes = if self.in_memory { 0 } else { self.bytes.load(Ordering::Relaxed) };
        // Of each item there are two while they are sorted.
        rows >= LEAST_ROWS && bytes + rows * 2 * ITEM_BYTES >= self.limit
    }

    fn admit(&self, mut block: Block) -> Result<()> {
        self.harmony.code(&mut block);
        if !self.in_memory {
            detach(&mut block);
        }
        self.bytes.fetch_add(row_bytes(&block), Ordering::Relaxed);
        self.rows.fetch_add(block.rows as u64, Ordering::Relaxed);
        self.blocks.lock().map_err(|_| Error::internal("rows to be sorted were poisoned"))?.push(block);
        Ok(())
    }

    /// The blocks in order.
    fn into_blocks(self) -> Vec<Block> {
        let mut blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        blocks.sort_unstable_by_key(|block| block.index);
        blocks
    }
}

impl Scan for Load<'_> {
    fn next(&self) -> Result<Option<Block>> {
        if self.is_full() {
            return Ok(None);
        }
        let block = self.scan.next()?;
        if block.is_none() {
            self.ended.store(true, Ordering::Relaxed);
        }
        Ok(block)
    }
}

/// Ranks the labels of text that all blocks share.
fn rank(keys: &mut Keys, blocks: &[Arc<Part>]) {
    for key in &mut keys.0 {
        let labels = |block: &'_ Arc<Part>| match &block.columns[key.column] {
            Column::Dict { labels, .. } if key.sorts == rx_data::sort::Sorts::Text => Some(labels.clone()),
            _ => None,
        };
        let Some(first) = blocks.first().and_then(labels) else { continue };
        if blocks.iter().all(|block| labels(block).is_some_and(|labels| Arc::ptr_eq(&labels, &first))) {
            key.rank(&first);
        }
    }
}

fn profile_of(blocks: &[Arc<Part>], keys: &Keys) -> Result<Profile> {
    let profiles = blocks.par_iter().map(|block| Profile::of(block, keys));
    profiles.try_reduce(|| Profile::new(keys), |a, b| Ok(a.and(&b)))
}

type Sorted = (Arc<[Arc<Part>]>, Items);

/// The order of the rows of some blocks; only of those that have a value in the column `present`, if there is one.
fn sorted(
    pool: &Pool,
    control: &Control,
    blocks: Vec<Arc<Part>>,
    keys: &Keys,
    packing: &Packing,
    present: Option<usize>,
) -> Result<Sorted> {
    let stopped = || control.check().is_err();
    let items = pool.run(|| {
        let mut items = Items::new(&blocks, keys, packing, present)?;
        items.sort(&stopped);
        if !packing.exact {
            items.settle(&blocks, keys, &stopped);
        }
        control.check()?;
        Ok(items)
    })?;
    Ok((blocks.into(), items))
}

/// Writes rows as one run.
fn write_run(pool: &Pool, control: &Control, rows: &Ordered, spill: &Spill, chunk_rows: usize) -> Result<Run> {
    let place = Mutex::new((rows.cursor(), 0));
    let written = Mutex::new(Vec::new());
    let failed = AtomicBool::new(false);
    let poisoned = || Error::internal("a run was poisoned");
    let write = || -> Result<()> {
        while !failed.load(Ordering::Relaxed) {
            control.check()?;
            let (mut piece, index) = {
                let mut place = place.lock().map_err(|_| poisoned())?;
                let Some(piece) = place.0.next(chunk_rows)? else { break };
                place.1 += 1;
                (piece, place.1)
            };
            piece.read_ahead();
            let chunk = rows.spill(&piece, spill)?;
            written.lock().map_err(|_| poisoned())?.push((index, chunk));
        }
        Ok(())
    };
    let outcomes = pool.broadcast(|| {
        let outcome = write();
        failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
        outcome
    });
    outcomes.into_iter().collect::<Result<()>>()?;
    let mut written = written.into_inner().map_err(|_| poisoned())?;
    written.sort_unstable_by_key(|(index, _)| *index);
    Ok(Run { chunks: written.into_iter().map(|(_, chunk)| chunk).collect() })
}

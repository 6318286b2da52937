//! A pass over the blocks of a file. Blocks may be large, and a file may have one only, so the threads that ask for rows
//! decode a block together, column by column; who finds nothing left to decode of a block goes on with the next ones.

use super::LegacyXdfSource;
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::source::{Scan, pieces_within};
use crate::xdf::MAX_BATCH_ROWS;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

/// Rows of a piece.
const PIECE: u64 = MAX_BATCH_ROWS as u64;

/// Decoded blocks that nobody has asked for yet take this part of the memory at most.
const AHEAD_SHARE: u64 = 4;

/// A pass over some columns, from a piece on.
pub(super) struct LegacyScan<'a> {
    source: &'a LegacyXdfSource,
    /// The columns to decode, each once.
    wanted: Vec<usize>,
    /// Where each column asked for is among them.
    order: Vec<usize>,
    /// The number of the first piece of each block, and of all pieces.
    starts: Vec<u64>,
    /// Those of this pass.
    pieces: Range<u64>,
    next: AtomicU64,
    /// How many blocks may be decoded before their turn.
    ahead: usize,
    blocks: Mutex<BTreeMap<usize, InFlight>>,
    decoded: Condvar,
}

/// A block that is being decoded or handed out.
struct InFlight {
    /// The first column that no thread has taken.
    next: usize,
    /// Columns that are not decoded yet.
    missing: usize,
    columns: Vec<Option<Column>>,
    failed: Option<Error>,
    /// Pieces that are still to be handed out.
    pieces: u64,
}

impl<'a> LegacyScan<'a> {
    /// A pass over the pieces that have some rows; and the number of rows before those.
    pub(super) fn new(source: &'a LegacyXdfSource, columns: &[usize], wanted_rows: &Range<u64>) -> (Self, u64) {
        let mut wanted = columns.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let order = columns.iter().map(|j| wanted.partition_point(|k| k < j)).collect();
        let block_rows = &source.metadata.block_rows;
        let mut starts = vec![0];
        starts.extend(block_rows.iter().scan(0, |end, rows| {
            *end += rows.div_ceil(PIECE);
            Some(*end)
        }));
        let sizes =
            block_rows.iter().flat_map(|&rows| (0..rows).step_by(PIECE as usize).map(move |at| PIECE.min(rows - at)));
        let (pieces, skipped) = pieces_within(sizes, wanted_rows);
        let rows = block_rows.iter().copied().max().unwrap_or(0);
        let bytes = wanted.iter().map(|&j| source.decoded_bytes(&source.metadata.columns[j], rows)).sum::<u64>().max(1);
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let ahead = (source.decoder.memory / AHEAD_SHARE / bytes).min(threads.saturating_sub(1)) as usize;
        let scan = LegacyScan {
            source,
            wanted,
            order,
            starts,
            pieces: pieces.start as u64..pieces.end as u64,
            next: AtomicU64::new(0),
            ahead,
            blocks: Mutex::default(),
            decoded: Condvar::new(),
        };
        (scan, skipped)
    }

    fn lock(&self) -> Result<MutexGuard<'_, BTreeMap<usize, InFlight>>> {
        self.blocks.lock().map_err(|_| poisoned())
    }

    /// The state of a block; one that is not in flight yet begins.
    fn block<'b>(&self, blocks: &'b mut BTreeMap<usize, InFlight>, block: usize) -> &'b mut InFlight {
        let columns = self.wanted.len();
        blocks.entry(block).or_insert_with(|| InFlight {
            next: 0,
            missing: columns,
            columns: vec![None; columns],
            failed: None,
            pieces: self.starts[block + 1].min(self.pieces.end) - self.starts[block].max(self.pieces.start),
        })
    }

    /// A column to decode of this block or one soon after it.
    fn task(&self, blocks: &mut BTreeMap<usize, InFlight>, block: usize) -> Option<(usize, usize)> {
        let last = block.saturating_add(self.ahead).min(self.starts.len() - 2);
        let has_rows = |&b: &usize| self.starts[b] < self.starts[b + 1].min(self.pieces.end);
        (block..=last).filter(has_rows).find_map(|b| {
            let found = self.block(blocks, b);
            (found.next < self.wanted.len()).then(|| {
                found.next += 1;
                (b, found.next - 1)
            })
        })
    }

    /// Rows of a block once it is decoded, which the calling thread helps with.
    fn rows_of(&self, block: usize, index: usize, offset: u64, rows: u64) -> Result<Block> {
        let mut blocks = self.lock()?;
        loop {
            let found = self.block(&mut blocks, block);
            if let Some(error) = &found.failed {
                return Err(error.clone());
            }
            if found.missing == 0 {
                let piece = |&k: &usize| found.columns[k].as_ref().map(|c| c.slice(offset as usize, rows as usize));
                let columns = self.order.iter().map(piece).collect::<Option<Vec<_>>>();
                found.pieces -= 1;
                if found.pieces == 0 {
                    blocks.remove(&block);
                }
                let columns = columns.ok_or_else(|| Error::internal("a block is not decoded"))?;
                return Ok(Block { index, rows: rows as usize, columns });
            }
            blocks = match self.task(&mut blocks, block) {
                None => self.decoded.wait(blocks).map_err(|_| poisoned())?,
                Some((b, k)) => {
                    drop(blocks);
                    let values = self.source.read(b, self.wanted[k]);
                    let mut blocks = self.lock()?;
                    let found = self.block(&mut blocks, b);
                    match values {
                        Ok(values) => {
                            found.columns[k] = Some(values);
                            found.missing -= 1;
                        }
                        Err(error) => found.failed = Some(error),
                    }
                    self.decoded.notify_all();
                    blocks
                }
            };
        }
    }
}

impl Scan for LegacyScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let piece = self.pieces.start.saturating_add(index);
        if piece >= self.pieces.end {
            return Ok(None);
        }
        let block = self.starts.partition_point(|&start| start <= piece) - 1;
        let offset = (piece - self.starts[block]) * PIECE;
        let rows = PIECE.min(self.source.metadata.block_rows[block] - offset);
        self.rows_of(block, index as usize, offset, rows).map(Some)
    }
}

fn poisoned() -> Error {
    Error::internal("a scan was poisoned")
}

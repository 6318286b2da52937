//! One pass over a transformed source: many threads decode, one chunk at a time goes through R.

use super::{Call, Transform, Transformed, joined};
use crate::job::Main;
use rx_data::{Block, Error, ErrorKind, Result, Scan};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Rows of a block handed on.
const BLOCK_ROWS: usize = 65_536;

/// Whoever asks for a block does what is next to do: hands out a block that is ready, takes a complete chunk to the
/// main thread, or decodes a block of the source. So the next chunk is decoded while R works on the last one.
pub struct TransformScan<'a> {
    source: &'a Transformed,
    inner: Box<dyn Scan + 'a>,
    columns: Vec<usize>,
    main: Main,
    /// Rows of the chunks, in order; the last number is that of all that follow.
    chunk_rows: Vec<usize>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Decoded blocks that wait for earlier ones.
    early: BTreeMap<usize, Block>,
    /// Index of the block that comes next.
    next: usize,
    /// Blocks in order, for the next chunks.
    queue: VecDeque<Block>,
    /// Rows of all those blocks.
    rows: usize,
    /// Threads that are decoding.
    decoding: usize,
    /// The source has no further block.
    input_over: bool,
    /// A chunk is in R's hands.
    in_r: bool,
    /// Chunks that went to R.
    chunk: usize,
    /// Number of the next chunk's first row.
    row: u64,
    /// What is left of the last result.
    ready: Option<Block>,
    /// Blocks handed out.
    block: usize,
    /// Nothing more is to come: the end, or a failure.
    over: bool,
}

impl<'a> TransformScan<'a> {
    /// Starts a pass.
    pub fn new(source: &'a Transformed, columns: &[usize], main: Main) -> Result<Self> {
        let state = State {
            early: BTreeMap::new(),
            next: 0,
            queue: VecDeque::new(),
            rows: 0,
            decoding: 0,
            input_over: false,
            in_r: false,
            chunk: 0,
            row: source.transform.first_row,
            ready: None,
            block: 0,
            over: false,
        };
        Ok(TransformScan {
            inner: source.inner.scan(&source.inputs)?,
            columns: columns.to_vec(),
            main,
            chunk_rows: source.transform.chunk.chunk_rows(&*source.inner),
            state: Mutex::new(state),
            changed: Condvar::new(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` without the lock. If it fails, or panics, the pass is over for all threads.
    fn unlocked<'s, T>(
        &'s self,
        state: MutexGuard<'s, State>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<(T, MutexGuard<'s, State>)> {
        struct OverUnlessDone<'s, 'a>(&'s TransformScan<'a>, bool);
        impl Drop for OverUnlessDone<'_, '_> {
            fn drop(&mut self) {
                if !self.1 {
                    self.0.lock().over = true;
                }
                self.0.changed.notify_all();
            }
        }
        drop(state);
        let mut guard = OverUnlessDone(self, false);
        let result = work()?;
        guard.1 = true;
        drop(guard);
        Ok((result, self.lock()))
    }
}

/// The error of a column that is not in a chunk what it was in the first rows.
fn changed(name: &str, what: &str, number: usize) -> Error {
    Error::new(ErrorKind::Transform, format!("The transform's column '{name}' {what} in chunk {number}."))
        .column(name)
        .hint("Return the same columns of the same types for every chunk; as.numeric() and the like fix a type.")
}

impl Scan for TransformScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let mut state = self.lock();
        loop {
            let wanted = self.chunk_rows.get(state.chunk).or(self.chunk_rows.last()).copied().unwrap_or(usize::MAX);
            let at_end = state.input_over && state.decoding == 0;
            let queued: usize = state.queue.iter().map(|block| block.rows).sum();
            if state.over {
                return Ok(None);
            } else if let Some(block) = state.hand_out(&self.columns) {
                return Ok(Some(block));
            } else if !state.in_r && (queued >= wanted || at_end && queued > 0) {
                state.in_r = true;
                let (call, blocks) = state.take_chunk(wanted, self.source);
                let (result, now) = self.unlocked(state, || {
                    let (number, table) = (call.number, joined(&self.source.input_schema, blocks)?);
                    let answer = self.main.call(move || call.evaluate(table))?;
                    let changed = |name: &str, what: String| changed(name, &what, number);
                    answer.map(|answer| answer.conform(&self.source.schema, changed)).transpose()
                })?;
                state = now;
                state.in_r = false;
                state.ready = result;
            } else if at_end && !state.in_r {
                state.over = true;
            } else if !state.input_over && state.rows < wanted {
                state.decoding += 1;
                let (block, now) = self.unlocked(state, || self.inner.next())?;
                state = now;
                state.decoding -= 1;
                match block {
                    Some(block) => state.accept(block),
                    None => state.input_over = true,
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            self.changed.notify_all();
        }
    }
}

impl State {
    /// The next block of the last result, if any is left.
    fn hand_out(&mut self, columns: &[usize]) -> Option<Block> {
        let ready = self.ready.take().filter(|block| block.rows > 0)?;
        let rows = ready.rows.min(BLOCK_ROWS);
        let columns = columns.iter().map(|&j| ready.columns[j].slice(0, rows)).collect();
        self.ready = Some(ready.slice(rows, ready.rows - rows));
        self.block += 1;
        Some(Block { index: self.block - 1, rows, columns })
    }

    /// Takes in a decoded block.
    fn accept(&mut self, block: Block) {
        self.rows += block.rows;
        self.early.insert(block.index, block);
        while let Some(block) = self.early.remove(&self.next) {
            self.queue.push_back(block);
            self.next += 1;
        }
    }

    /// Takes a chunk out of the queue, and how R code is to be called on it.
    fn take_chunk(&mut self, wanted: usize, source: &Transformed) -> (Call, Vec<Block>) {
        let mut blocks = Vec::new();
        let mut rows = 0;
        while rows < wanted
            && let Some(block) = self.queue.pop_front()
        {
            let taken = block.rows.min(wanted - rows);
            if taken < block.rows {
                self.queue.push_front(block.slice(taken, block.rows - taken));
            }
            blocks.push(block.slice(0, taken));
            rows += taken;
        }
        self.rows -= rows;
        self.chunk += 1;
        let Transform { fun, first_step, .. } = source.transform;
        let call = Call { fun, first_step, start_row: self.row, number: self.chunk };
        self.row += rows as u64;
        (call, blocks)
    }
}

//! A sink whose rows R code takes, chunk by chunk and in order.

use crate::job::Main;
use crate::result;
use crate::transform::{Function, joined};
use extendr_api::prelude::*;
use rx_data::sink::Sink;
use rx_data::{Block, Result, Schema};
use std::sync::{Mutex, PoisonError};

/// Rows of a chunk where nobody says another number.
const CHUNK_ROWS: usize = 100_000;

/// What `database_sink()` of R/database.R describes: `write(columns)` takes rows as a list of columns, `finish()`
/// commits what was written. Without that nothing of it stays.
pub struct ForeignSink {
    schema: Schema,
    main: Main,
    write: Function,
    finish: Function,
    chunk_rows: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Blocks for the next chunk.
    queue: Vec<Block>,
    /// Rows of these.
    queued: usize,
    /// Rows in all.
    rows: u64,
    /// Chunks that went to R.
    chunks: usize,
}

impl ForeignSink {
    /// A sink for blocks of these columns, with R's two functions and the rows of a chunk.
    pub fn new(schema: Schema, write: Function, finish: Function, chunk_rows: Option<f64>, main: Main) -> Self {
        let chunk_rows = chunk_rows.map_or(CHUNK_ROWS, |rows| rows.max(1.0) as usize);
        ForeignSink { schema, main, write, finish, chunk_rows, state: Mutex::default() }
    }

    /// Hands the queued blocks to R.
    fn flush(&self, state: &mut State) -> Result<()> {
        let table = joined(&self.schema, std::mem::take(&mut state.queue))?;
        (state.queued, state.chunks) = (0, state.chunks + 1);
        let write = self.write;
        self.main.call(move || {
            let columns = result::columns(&table, None)?;
            // SAFETY: the list is protected by its owner.
            write.call(&[unsafe { columns.get() }]).map(|_| ())
        })
    }
}

impl Sink for ForeignSink {
    type Admitted = Block;
    type Encoded = Block;
    type Output = u64;

    fn admit(&self, block: Block) -> Result<Block> {
        Ok(block)
    }

    fn encode(&self, block: Block) -> Result<Block> {
        Ok(block)
    }

    fn write(&self, block: Block) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.queued += block.rows;
        state.rows += block.rows as u64;
        state.queue.push(block);
        if state.queued >= self.chunk_rows { self.flush(&mut state) } else { Ok(()) }
    }

    fn finish(self) -> Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A table without rows has columns, too.
        if state.queued > 0 || state.chunks == 0 {
            self.flush(&mut state)?;
        }
        let finish = self.finish;
        self.main.call(move || finish.call(&[]).map(|_| ()))?;
        Ok(state.rows)
    }
}

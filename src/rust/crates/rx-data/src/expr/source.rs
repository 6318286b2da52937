//! A source whose rows go through compiled steps, on the threads that read it.

use super::ast::Step;
use super::program::{Program, Refused};
use super::run::{Chunks, Plan};
use crate::block::Block;
use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::source::{Scan, Source};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Hears what R would have warned of, in R's words.
pub type OnWarning = Box<dyn Fn(String) + Send + Sync>;

/// The rows that compiled steps make of a source's.
pub struct Compiled {
    inner: Arc<dyn Source>,
    program: Program,
    schema: Schema,
    chunks: Chunks,
    on_warning: OnWarning,
}

impl Compiled {
    /// Compiles steps over some columns of a source until one of them does not compile, which is told.
    ///
    /// `first_row` is the number of the source's first row, `chunk_rows` how many rows R code would get at once (the last
    /// number is that of all chunks that follow).
    pub fn new(
        inner: Arc<dyn Source>,
        columns: &[usize],
        steps: &[Step],
        first_row: u64,
        chunk_rows: Vec<usize>,
        on_warning: OnWarning,
    ) -> (Compiled, Option<Refused>) {
        let (program, refused) = Program::compile(steps, inner.schema(), columns);
        let schema = program.schema();
        (Compiled { inner, program, schema, chunks: Chunks { first_row, rows: chunk_rows }, on_warning }, refused)
    }
}

impl Source for Compiled {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        if self.program.filters() { None } else { self.inner.rows() }
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        if self.program.filters() { None } else { self.inner.block_rows() }
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let plan = Plan::new(&self.program, columns);
        let inner = self.inner.scan(&plan.inputs)?;
        let places = plan.needs_place.then(Places::default);
        Ok(Box::new(CompiledScan { source: self, plan, inner, places }))
    }
}

struct CompiledScan<'a> {
    source: &'a Compiled,
    plan: Plan<'a>,
    inner: Box<dyn Scan + 'a>,
    /// Where blocks start, if the program asks.
    places: Option<Places>,
}

impl Scan for CompiledScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let (block, row) = match &self.places {
            None => (self.inner.next()?, 0),
            Some(places) => places.next(&*self.inner)?,
        };
        block.map(|block| self.plan.run(&block, row, &self.source.chunks)).transpose()
    }
}

impl Drop for CompiledScan<'_> {
    fn drop(&mut self) {
        self.plan.warnings().into_iter().for_each(&self.source.on_warning);
    }
}

/// Tells how many rows come before a block. The earlier blocks are being decoded at the same time, so this waits for
/// them.
#[derive(Default)]
struct Places {
    state: Mutex<Rows>,
    changed: Condvar,
}

#[derive(Default)]
struct Rows {
    /// Blocks whose start is known.
    blocks: usize,
    /// Their rows.
    rows: u64,
    /// Rows of later blocks.
    early: BTreeMap<usize, u64>,
    /// Starts of blocks whose threads have not asked yet.
    starts: BTreeMap<usize, u64>,
    /// A block could not be read, so others wait in vain.
    failed: bool,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next block, and the rows before it.
    fn next(&self, scan: &dyn Scan) -> Result<(Option<Block>, u64)> {
        let mut guard = FailedUnlessRead(self, false);
        let Some(block) = scan.next()? else {
            guard.1 = true;
            return Ok((None, 0));
        };
        guard.1 = true;
        drop(guard);
        let mut state = self.lock();
        state.early.insert(block.index, block.rows as u64);
        state.advance();
        self.changed.notify_all();
        loop {
            if let Some(start) = state.starts.remove(&block.index) {
                return Ok((Some(block), start));
            }
            if state.failed {
                // Whoever failed reports it.
                return Err(Error::interrupted());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Rows {
    fn advance(&mut self) {
        while let Some(rows) = self.early.remove(&self.blocks) {
            self.starts.insert(self.blocks, self.rows);
            self.blocks += 1;
            self.rows += rows;
        }
    }
}

/// Frees those who wait if a block cannot be read, by an error or a panic.
struct FailedUnlessRead<'a>(&'a Places, bool);

impl Drop for FailedUnlessRead<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.lock().failed = true;
            self.0.changed.notify_all();
        }
    }
}

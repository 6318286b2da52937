//! A source whose rows go through compiled steps, on the threads that read it.

use super::ast::Step;
use super::program::{Program, Refused};
use super::run::{Chunks, Plan};
use crate::block::Block;
use crate::error::Result;
use crate::schema::Schema;
use crate::source::{Places, Scan, Source};
use std::path::Path;
use std::sync::Arc;

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

    fn in_turn(&self) -> bool {
        self.inner.in_turn()
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let plan = Plan::new(&self.program, columns);
        let inner = self.inner.scan(&plan.inputs)?;
        let places = plan.needs_place.then(|| Places::new(0..u64::MAX, 0, self.in_turn()));
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
        let placed = match &self.places {
            None => self.inner.next()?.map(|block| (block, 0)),
            Some(places) => places.next(&*self.inner)?,
        };
        placed.map(|(block, row)| self.plan.run(&block, row, &self.source.chunks)).transpose()
    }
}

impl Drop for CompiledScan<'_> {
    fn drop(&mut self) {
        self.plan.warnings().into_iter().for_each(&self.source.on_warning);
    }
}

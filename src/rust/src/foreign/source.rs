//! A source whose rows R code hands over, chunk by chunk and in order.

use crate::job::Main;
use crate::spec;
use crate::transform::{Answer, Function};
use extendr_api::prelude::*;
use libR_sys::SEXP;
use rx_data::{Block, Error, ErrorKind, Result, Scan, Schema, Source};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Rows of a block handed on.
const BLOCK_ROWS: usize = 65_536;
/// Rows that are fetched outside a job, where only a sample is wanted.
const SAMPLE_ROWS: usize = 1_000;

/// What `foreign_spec()` of R/source-foreign.R describes: columns as a sample of rows shows them, and three functions.
/// `open(columns)` starts a pass and returns its number, `fetch(number, rows)` returns the next rows as a list of
/// columns, or NULL at the end, and `close(number)` ends the pass.
pub struct ForeignSource {
    schema: Schema,
    path: Option<PathBuf>,
    /// Rows fetched at once.
    rows: usize,
    open: Function,
    fetch: Function,
    close: Function,
    main_thread: ThreadId,
}

impl ForeignSource {
    /// Reads the spec. Nothing is read beyond row `last`. For the main thread only.
    pub fn new(source: &Robj, last: Option<f64>) -> Result<Self> {
        let mut fields = Answer::new(&spec::need(source, "sample")?)?.fields;
        let agreed: Vec<String> = spec::maybe(source, "agreed")?.unwrap_or_default();
        for field in fields.iter_mut().filter(|field| !agreed.contains(&field.name)) {
            // Other rows may have other levels.
            field.levels = None;
        }
        let rows: f64 = spec::parse(&spec::need(source, "rows")?, "rows")?;
        let function = |name| Function::new(&spec::need(source, name)?);
        Ok(ForeignSource {
            schema: Schema::new(fields),
            path: spec::maybe::<String>(source, "path")?.map(PathBuf::from),
            rows: rows.min(last.unwrap_or(f64::INFINITY)).max(1.0) as usize,
            open: function("open")?,
            fetch: function("fetch")?,
            close: function("close")?,
            main_thread: thread::current().id(),
        })
    }
}

impl Source for ForeignSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn in_turn(&self) -> bool {
        true
    }

    fn file(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let main_thread = self.main_thread;
        // The main thread scans outside a job, and needs no line to itself.
        let main = if thread::current().id() == main_thread { None } else { Some(Main::of_this_job()?) };
        let line = Line { main, main_thread };
        let schema = Schema::new(columns.iter().map(|&j| self.schema.fields[j].clone()).collect());
        let names: Vec<String> = schema.fields.iter().map(|field| field.name.clone()).collect();
        let open = self.open;
        let pass = line.run(move || spec::parse(&call(open, &[names.into()])?, "open"))?;
        Ok(Box::new(ForeignScan { source: self, schema, line, pass, state: Mutex::default() }))
    }
}

/// Calls an R function. For the main thread only.
fn call(function: Function, arguments: &[Robj]) -> Result<Robj> {
    // SAFETY: the arguments are protected by their owners.
    let raw: Vec<SEXP> = arguments.iter().map(|argument| unsafe { argument.get() }).collect();
    function.call(&raw)
}

/// The way to the main thread.
struct Line {
    /// The job's line; none outside a job.
    main: Option<Main>,
    main_thread: ThreadId,
}

impl Line {
    fn run<R: Send + 'static>(&self, f: impl FnOnce() -> Result<R> + Send + 'static) -> Result<R> {
        match &self.main {
            _ if thread::current().id() == self.main_thread => f(),
            Some(main) => main.call(f),
            None => Err(Error::internal("a pass of the main thread was handed to another one")),
        }
    }

    /// Rows to fetch where so many are wanted at once.
    fn rows(&self, wanted: usize) -> usize {
        if self.main.is_none() { wanted.min(SAMPLE_ROWS) } else { wanted }
    }
}

/// One pass. Whoever asks for a block waits while another one fetches a chunk.
struct ForeignScan<'a> {
    source: &'a ForeignSource,
    schema: Schema,
    line: Line,
    /// R's number of the pass.
    pass: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is left of the last chunk.
    ready: Option<Block>,
    /// Blocks handed out.
    blocks: usize,
    /// The end, or a failure.
    over: bool,
}

impl ForeignScan<'_> {
    /// The next chunk; none at the end.
    fn fetch(&self) -> Result<Option<Block>> {
        let (fetch, schema) = (self.source.fetch, self.schema.clone());
        let (pass, rows) = (self.pass, self.line.rows(self.source.rows) as f64);
        self.line.run(move || {
            let chunk = call(fetch, &[pass.into(), rows.into()])?;
            if chunk.is_null() { Ok(None) } else { Answer::new(&chunk)?.conform(&schema, changed).map(Some) }
        })
    }
}

/// The error of a column that is not what it was in the first rows.
fn changed(name: &str, what: String) -> Error {
    Error::new(ErrorKind::Value, format!("Column '{name}' {what} in later ones."))
        .column(name)
        .hint(format!("Name its type: colClasses = c({name} = ...)."))
}

impl Scan for ForeignScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.over {
            if let Some(ready) = state.ready.take().filter(|block| block.rows > 0) {
                let rows = ready.rows.min(BLOCK_ROWS);
                state.ready = Some(ready.slice(rows, ready.rows - rows));
                state.blocks += 1;
                return Ok(Some(Block { index: state.blocks - 1, ..ready.slice(0, rows) }));
            }
            state.over = true;
            state.ready = self.fetch()?;
            state.over = state.ready.is_none();
        }
        Ok(None)
    }
}

impl Drop for ForeignScan<'_> {
    fn drop(&mut self) {
        let (close, pass) = (self.source.close, self.pass);
        // A pass that cannot be ended now is ended when the engine function has returned.
        let _ = self.line.run(move || call(close, &[pass.into()]).map(|_| ()));
    }
}

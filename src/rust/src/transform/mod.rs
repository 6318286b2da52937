//! A source whose rows go through R code, chunk by chunk and in order, on the main thread.

mod answer;
mod scan;

use crate::job::Main;
use crate::{callback, result};
pub use answer::Answer;
use extendr_api::prelude::*;
use libR_sys::SEXP;
use rx_data::sink::{FrameSink, FrameTable, Sink};
use rx_data::{Block, Error, ErrorKind, Kind, Result, Scan, Schema, Source};
use scan::TransformScan;
use std::path::Path;
use std::sync::Arc;

/// Rows of the sample that tells the columns before the first chunk.
const SAMPLE_ROWS: usize = 100;

/// What R code does with a source.
pub struct Transform {
    /// `function(chunk, start_row, chunk_num, is_test, from)`.
    pub fun: Function,
    /// The first step that is left to the function, from 0.
    pub first_step: usize,
    /// The columns it reads; none means all.
    pub vars: Option<Vec<String>>,
    /// The columns it can only filter.
    pub untouched: Vec<String>,
    /// How many rows it gets at once.
    pub chunk: ChunkSize,
    /// Number of the source's first row in its file.
    pub first_row: u64,
}

/// Rows that R code gets at once.
#[derive(Debug, Clone, Copy)]
pub enum ChunkSize {
    /// So many rows.
    Rows(usize),
    /// So many logical blocks of the source, or `rows` rows where it has none.
    Blocks { blocks: usize, rows: usize },
}

impl ChunkSize {
    /// Rows of the chunks of a source, in order; the last number is that of all that follow.
    pub fn chunk_rows(self, source: &dyn Source) -> Vec<usize> {
        match self {
            ChunkSize::Rows(rows) => vec![rows.max(1)],
            ChunkSize::Blocks { blocks, rows } => match source.block_rows() {
                Some(sizes) if !sizes.is_empty() => {
                    sizes.chunks(blocks.max(1)).map(|sizes| sizes.iter().sum::<u64>().max(1) as usize).collect()
                }
                _ => vec![rows.max(1)],
            },
        }
    }
}

/// A function of R, usable on the main thread only.
#[derive(Clone, Copy)]
pub struct Function(SEXP);

// SAFETY: other threads only carry it. It is part of an argument of the engine function that R called, which protects
// it until that function returns; by then the job that carries it has ended.
unsafe impl Send for Function {}
unsafe impl Sync for Function {}

impl Function {
    /// Takes a function that is part of the engine function's arguments.
    pub fn new(function: &Robj) -> Result<Function> {
        if function.is_function() {
            // SAFETY: see above.
            Ok(Function(unsafe { function.get() }))
        } else {
            Err(Error::new(ErrorKind::Argument, "A transform is not a function."))
        }
    }

    /// Calls it; see [`callback::call`].
    pub fn call(self, arguments: &[SEXP]) -> Result<Robj> {
        callback::call(self.0, arguments)
    }
}

/// The rows that R code makes of a source's.
pub struct Transformed {
    inner: Arc<dyn Source>,
    /// The columns that the code reads, by position.
    inputs: Vec<usize>,
    input_schema: Schema,
    schema: Schema,
    transform: Transform,
}

impl Transformed {
    /// Runs the code on a sample to learn its columns. For the main thread only.
    pub fn new(inner: Arc<dyn Source>, transform: Transform) -> Result<Transformed> {
        let inputs = inner.schema().positions(transform.vars.as_deref())?;
        let input_schema = Schema::new(inputs.iter().map(|&i| inner.schema().fields[i].clone()).collect());
        let first = inner.scan(&inputs)?.next()?;
        let sample = joined(&input_schema, first.map(|block| block.slice(0, block.rows.min(SAMPLE_ROWS))))?;
        let call =
            Call { fun: transform.fun, first_step: transform.first_step, start_row: transform.first_row, number: 0 };
        let answer = call.evaluate(sample)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Transform,
                "The transform returned NULL for the first rows, so its columns are not known.",
            )
            .hint("Return columns of length zero where no row is wanted.")
        })?;
        let fields = answer.fields.into_iter().map(|mut field| {
            let before = input_schema.fields.iter().find(|f| f.name == field.name && f.kind == field.kind);
            // The labels of text are those that occur, and rows may be left out.
            let kept = transform.untouched.contains(&field.name) && field.kind != Kind::Character;
            match before.filter(|_| kept) {
                Some(before) => before.clone(),
                None => {
                    // Other chunks may have other levels.
                    field.levels = None;
                    field
                }
            }
        });
        let schema = Schema::new(fields.collect());
        Ok(Transformed { inner, inputs, input_schema, schema, transform })
    }
}

impl Source for Transformed {
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
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(Box::new(TransformScan::new(self, columns, Main::of_this_job()?)?))
    }
}

/// Blocks as one table, which is what R code gets.
pub fn joined(schema: &Schema, blocks: impl IntoIterator<Item = Block>) -> Result<FrameTable> {
    let sink = FrameSink::new(schema.clone());
    for block in blocks {
        sink.write(sink.encode(sink.admit(block)?)?)?;
    }
    sink.finish()
}

/// One call of the R code.
struct Call {
    fun: Function,
    first_step: usize,
    start_row: u64,
    /// From 1; 0 is the sample.
    number: usize,
}

impl Call {
    /// For the main thread only.
    fn evaluate(&self, table: FrameTable) -> Result<Option<Answer>> {
        let chunk = result::columns(&table, None)?;
        let (start_row, number) = (Robj::from(self.start_row as f64), Robj::from(self.number as i32));
        let (is_test, from) = (Robj::from(self.number == 0), Robj::from(self.first_step as i32 + 1));
        // SAFETY: the arguments are protected by their owners, the function by the engine function's argument.
        let arguments = unsafe { [chunk.get(), start_row.get(), number.get(), is_test.get(), from.get()] };
        let answer = self.fun.call(&arguments).map_err(|error| self.locate(error))?;
        if answer.is_null() { Ok(None) } else { Answer::new(&answer).map(Some).map_err(|error| self.locate(error)) }
    }

    /// Tells in which chunk an error happened.
    fn locate(&self, mut error: Error) -> Error {
        if error.kind == ErrorKind::Interrupted {
            return error;
        }
        let place = match self.number {
            0 => "on the first rows (the test chunk)".to_string(),
            n => format!("in chunk {n} (from row {})", self.start_row),
        };
        error.kind = ErrorKind::Transform;
        error.message = format!("The transform failed {place}: {}", error.message);
        error
    }
}

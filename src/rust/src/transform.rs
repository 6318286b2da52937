//! A source whose rows go through R code, chunk by chunk and in order, on the main thread.

use crate::job::Main;
use crate::view::Columns;
use crate::{callback, result};
use extendr_api::prelude::*;
use libR_sys::SEXP;
use rx_data::column::{NA_F64, NA_I32};
use rx_data::sink::{FrameSink, FrameTable, Sink};
use rx_data::{Block, Column, Error, ErrorKind, Field, Kind, Result, Scan, Schema, Source};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of the sample that tells the columns before the first chunk.
const SAMPLE_ROWS: usize = 100;
/// Rows of a block handed on.
const BLOCK_ROWS: usize = 65_536;

/// What R code does with a source.
pub struct Transform {
    /// `function(chunk, start_row, chunk_num, is_test)`.
    pub fun: Function,
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
        let inputs = match &transform.vars {
            Some(vars) => inner.schema().indices_of(vars)?,
            None => (0..inner.schema().fields.len()).collect(),
        };
        let input_schema = Schema::new(inputs.iter().map(|&i| inner.schema().fields[i].clone()).collect());
        let mut sample = Chunk::new(&input_schema);
        if let Some(block) = inner.scan(&inputs)?.next()? {
            sample.add(block.slice(0, block.rows.min(SAMPLE_ROWS)))?;
        }
        let call = Call { fun: transform.fun, start_row: transform.first_row, number: 0 };
        let answer = call.evaluate(sample.finish()?)?.ok_or_else(|| {
            Error::new(
                ErrorKind::Transform,
                "The transform returned NULL for the first rows, so its columns are not known.",
            )
            .hint("Return columns of length zero where no row is wanted.")
        })?;
        let fields = answer.fields.into_iter().map(|mut field| {
            let before = input_schema.fields.iter().find(|f| f.name == field.name && f.kind == field.kind);
            match before.filter(|_| transform.untouched.contains(&field.name)) {
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

    /// Rows of the chunks, in order; the last number is that of all that follow.
    fn chunk_rows(&self) -> Vec<usize> {
        match self.transform.chunk {
            ChunkSize::Rows(rows) => vec![rows.max(1)],
            ChunkSize::Blocks { blocks, rows } => match self.inner.block_rows() {
                Some(sizes) if !sizes.is_empty() => {
                    sizes.chunks(blocks.max(1)).map(|sizes| sizes.iter().sum::<u64>().max(1) as usize).collect()
                }
                _ => vec![rows.max(1)],
            },
        }
    }
}

impl Source for Transformed {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let progress = Progress {
            inner: self.inner.scan(&self.inputs)?,
            chunk_rows: self.chunk_rows(),
            rest: None,
            chunk: 0,
            row: self.transform.first_row,
            ready: None,
            block: 0,
            over: false,
        };
        Ok(Box::new(TransformScan {
            source: self,
            columns: columns.to_vec(),
            main: Main::of_this_job()?,
            progress: Mutex::new(progress),
        }))
    }
}

struct TransformScan<'a> {
    source: &'a Transformed,
    columns: Vec<usize>,
    main: Main,
    progress: Mutex<Progress<'a>>,
}

struct Progress<'a> {
    inner: Box<dyn Scan + 'a>,
    chunk_rows: Vec<usize>,
    /// Rows of a block that belong to the next chunk.
    rest: Option<Block>,
    /// Chunks read so far.
    chunk: usize,
    /// Number of the next row.
    row: u64,
    /// What is left of the last chunk's result.
    ready: Option<Block>,
    /// Blocks handed on so far.
    block: usize,
    /// The source is at its end, or something failed.
    over: bool,
}

impl Scan for TransformScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        while progress.ready.as_ref().is_none_or(|block| block.rows == 0) {
            if progress.over {
                return Ok(None);
            }
            progress.over = true;
            let Some((call, table)) = progress.read(&self.source.input_schema, self.source.transform.fun)? else {
                return Ok(None);
            };
            let number = call.number;
            if let Some(answer) = self.main.call(move || call.evaluate(table))? {
                progress.ready = Some(answer.conform(&self.source.schema, number)?);
            }
            progress.over = false;
        }
        let Some(ready) = progress.ready.take() else { return Ok(None) };
        let rows = ready.rows.min(BLOCK_ROWS);
        let columns = self.columns.iter().map(|&j| ready.columns[j].slice(0, rows)).collect();
        progress.ready = Some(ready.slice(rows, ready.rows - rows));
        progress.block += 1;
        Ok(Some(Block { index: progress.block - 1, rows, columns }))
    }
}

impl Progress<'_> {
    /// Reads the next chunk, and how R code is to be called on it.
    fn read(&mut self, schema: &Schema, fun: Function) -> Result<Option<(Call, FrameTable)>> {
        let wanted = self.chunk_rows.get(self.chunk).or(self.chunk_rows.last()).copied().unwrap_or(usize::MAX);
        let mut chunk = Chunk::new(schema);
        while chunk.rows < wanted {
            let Some(block) = self.rest.take().map_or_else(|| self.inner.next(), |rest| Ok(Some(rest)))? else { break };
            let room = wanted - chunk.rows;
            if block.rows > room {
                self.rest = Some(block.slice(room, block.rows - room));
                chunk.add(block.slice(0, room))?;
            } else {
                chunk.add(block)?;
            }
        }
        if chunk.rows == 0 {
            return Ok(None);
        }
        let call = Call { fun, start_row: self.row, number: self.chunk + 1 };
        self.row += chunk.rows as u64;
        self.chunk += 1;
        Ok(Some((call, chunk.finish()?)))
    }
}

/// Blocks that R code gets together.
struct Chunk {
    sink: FrameSink,
    rows: usize,
}

impl Chunk {
    fn new(schema: &Schema) -> Chunk {
        Chunk { sink: FrameSink::new(schema.clone()), rows: 0 }
    }

    fn add(&mut self, block: Block) -> Result<()> {
        self.rows += block.rows;
        let admitted = self.sink.admit(block)?;
        self.sink.write(self.sink.encode(admitted)?)
    }

    fn finish(self) -> Result<FrameTable> {
        self.sink.finish()
    }
}

/// One call of the R code.
struct Call {
    fun: Function,
    start_row: u64,
    /// From 1; 0 is the sample.
    number: usize,
}

impl Call {
    /// For the main thread only.
    fn evaluate(&self, table: FrameTable) -> Result<Option<Answer>> {
        let chunk = result::columns(&table, None)?;
        let (start_row, number) = (Robj::from(self.start_row as f64), Robj::from(self.number as i32));
        let is_test = Robj::from(self.number == 0);
        // SAFETY: the arguments are protected by their owners, the function by the engine function's argument.
        let arguments = unsafe { [chunk.get(), start_row.get(), number.get(), is_test.get()] };
        let answer = callback::call(self.fun.0, &arguments).map_err(|error| self.locate(error))?;
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

/// What R code made of a chunk, in memory of ours.
struct Answer {
    fields: Vec<Field>,
    block: Block,
}

impl Answer {
    fn new(list: &Robj) -> Result<Answer> {
        let columns = Columns::new(list)?;
        let rows = columns.rows();
        let (schema, views) = columns.view(None)?;
        for (field, column) in schema.fields.iter().zip(&views) {
            if column.len() != rows {
                let (first, name, found) = (&schema.fields[0].name, &field.name, column.len());
                return Err(Error::new(
                    ErrorKind::Transform,
                    format!("column '{name}' has {found} values where '{first}' has {rows}."),
                )
                .column(name)
                .hint("All columns must have one length."));
            }
        }
        let columns = views.iter().map(owned).collect();
        Ok(Answer { fields: schema.fields, block: Block { index: 0, rows, columns } })
    }

    /// The columns in the order and storage of the schema.
    fn conform(mut self, schema: &Schema, number: usize) -> Result<Block> {
        let changed = |name: &str, what: String| {
            Error::new(ErrorKind::Transform, format!("The transform's column '{name}' {what} in chunk {number}."))
                .column(name)
                .hint(
                    "Return the same columns of the same types for every chunk; as.numeric() and the like fix a type.",
                )
        };
        if let Some(new) = self.fields.iter().find(|f| schema.fields.iter().all(|known| known.name != f.name)) {
            return Err(changed(&new.name, "is new".into()));
        }
        let columns = schema.fields.iter().map(|field| {
            let position = self.fields.iter().position(|f| f.name == field.name);
            let position = position.ok_or_else(|| changed(&field.name, "is not there".into()))?;
            let found = &self.fields[position].kind;
            let column = std::mem::replace(&mut self.block.columns[position], Column::I32(Vec::new().into()));
            fit(column, found, &field.kind).ok_or_else(|| {
                changed(&field.name, format!("was {} in the first rows and is {}", field.kind.name(), found.name()))
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Block { index: 0, rows: self.block.rows, columns })
    }
}

/// A column of one type as one of another, if nothing is lost: integers as numbers, and missing values as anything.
fn fit(column: Column, found: &Kind, wanted: &Kind) -> Option<Column> {
    let rows = column.len();
    let fits = match (found, wanted) {
        (Kind::DateTime { .. }, Kind::DateTime { .. }) => true,
        _ => found == wanted,
    };
    if fits {
        return Some(match (column, wanted) {
            // Dates may be integers in one chunk and doubles in another.
            (Column::I32(v), Kind::Date | Kind::DateTime { .. }) => widened(&v),
            (column, _) => column,
        });
    }
    match (column, found, wanted) {
        (Column::I32(v), Kind::Integer, Kind::Numeric) => Some(widened(&v)),
        (Column::I32(v), Kind::Logical, _) if v.iter().all(|&x| x == NA_I32) => Some(match wanted {
            Kind::Logical | Kind::Int16 | Kind::Integer => Column::I32(v),
            Kind::Character | Kind::Factor { .. } => Column::Dict { codes: v, labels: Arc::default() },
            Kind::Float32 | Kind::Numeric | Kind::Date | Kind::DateTime { .. } => widened(&v),
            Kind::Int64 => Column::I64(vec![rx_data::column::NA_I64; rows].into()),
        }),
        _ => None,
    }
}

fn widened(values: &[i32]) -> Column {
    Column::F64(values.iter().map(|&x| if x == NA_I32 { NA_F64 } else { f64::from(x) }).collect::<Vec<_>>().into())
}

/// A copy in memory of ours: R may free a result as soon as it is read.
fn owned(column: &Column) -> Column {
    match column {
        Column::I32(v) => Column::I32(v.to_vec().into()),
        Column::I64(v) => Column::I64(v.to_vec().into()),
        Column::F32(v) => Column::F32(v.to_vec().into()),
        Column::F64(v) => Column::F64(v.to_vec().into()),
        Column::Str(v) => Column::Str(v.clone()),
        Column::Dict { codes, labels } => Column::Dict { codes: codes.to_vec().into(), labels: labels.clone() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn integers_fit_numbers_and_missing_values_fit_anything() {
        let integers = || Column::I32(vec![1, NA_I32].into());
        assert!(matches!(fit(integers(), &Kind::Integer, &Kind::Numeric), Some(Column::F64(v)) if v[0] == 1.0));
        assert!(fit(integers(), &Kind::Integer, &Kind::Character).is_none());
        assert!(fit(integers(), &Kind::Logical, &Kind::Numeric).is_none());
        let missing = Column::I32(vec![NA_I32; 2].into());
        assert!(matches!(fit(missing, &Kind::Logical, &Kind::Character), Some(Column::Dict { .. })));
        assert!(fit(Column::F64(vec![1.0].into()), &Kind::Numeric, &Kind::Integer).is_none());
    }
}

//! A source that stays open, for `rxReadNext`.

use super::source::open;
use crate::error::{malformed, respond};
use crate::job::{self, Job};
use crate::result;
use crate::transform::joined;
use extendr_api::prelude::*;
use rx_data::sink::FrameTable;
use rx_data::{Block, Error, Result, Scan, Schema, Source};
use rx_run::{Control, Pool};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A pass over a source that goes on with every call.
struct Reader {
    /// Borrows from the source. Fields are dropped in their order, so the source outlives it.
    scan: Box<dyn Scan>,
    _source: Arc<dyn Source>,
    schema: Schema,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Decoded blocks that wait for earlier ones.
    early: BTreeMap<usize, Block>,
    /// Index of the block that comes next.
    next: usize,
    /// Blocks in order.
    queue: VecDeque<Block>,
    /// Rows of these.
    rows: usize,
    /// There is no further block.
    over: bool,
    /// Why there is no further one, if that is not the end.
    failed: Option<Error>,
}

impl Reader {
    fn new(source: Arc<dyn Source>, columns: &[usize]) -> Result<Reader> {
        let scan = source.scan(columns)?;
        // SAFETY: the scan borrows from what the Arc owns, which neither moves nor goes before the scan does.
        let scan = unsafe { std::mem::transmute::<Box<dyn Scan + '_>, Box<dyn Scan + 'static>>(scan) };
        let schema = Schema::new(columns.iter().map(|&j| source.schema().fields[j].clone()).collect());
        Ok(Reader { scan, _source: source, schema, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next rows, so many at most. What the threads decode beyond them is kept for the next call.
    fn next(&self, rows: usize, pool: &Pool, control: &Control) -> Result<FrameTable> {
        let results = pool.broadcast(|| {
            while self.lock().wants(rows) {
                control.check()?;
                let block = self.scan.next();
                self.lock().take_in(block);
            }
            Ok(())
        });
        results.into_iter().collect::<Result<()>>()?;
        joined(&self.schema, self.lock().take(rows)?)
    }
}

impl State {
    fn wants(&self, rows: usize) -> bool {
        !self.over && self.failed.is_none() && self.rows < rows
    }

    fn take_in(&mut self, block: Result<Option<Block>>) {
        match block {
            Ok(Some(block)) => drop(self.early.insert(block.index, block)),
            Ok(None) => self.over = true,
            Err(error) => self.failed = Some(error),
        }
        while let Some(block) = self.early.remove(&self.next) {
            self.next += 1;
            self.rows += block.rows;
            self.queue.push_back(block);
        }
    }

    /// The next rows in order. If they cannot be read, this and every later call fails.
    fn take(&mut self, rows: usize) -> Result<Vec<Block>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let (mut taken, mut missing) = (Vec::new(), rows);
        while missing > 0
            && let Some(block) = self.queue.pop_front()
        {
            let some = block.rows.min(missing);
            if some < block.rows {
                self.queue.push_front(block.slice(some, block.rows - some));
            }
            taken.push(block.slice(0, some));
            missing -= some;
        }
        self.rows -= rows - missing;
        Ok(taken)
    }
}

/// Opens columns of a source (all if NULL) for rx_engine_read_next.
#[extendr]
fn rx_engine_open_reader(source: Robj, columns: Robj) -> Robj {
    respond(|| {
        let wanted: Option<Vec<String>> =
            if columns.is_null() { None } else { Some(crate::spec::parse(&columns, "columns")?) };
        let source = open(&source, wanted.as_deref(), None)?.source;
        let positions = source.schema().positions(wanted.as_deref())?;
        Ok(ExternalPtr::new(Reader::new(source, &positions)?))
    })
}

/// The next rows of an open source, so many at most: list(columns, rows).
#[extendr]
fn rx_engine_read_next(reader: Robj, rows: f64, job: Robj) -> Robj {
    respond(|| {
        let job = Job::from_r(&job)?;
        let reader: &ExternalPtr<Reader> = (&reader).try_into().map_err(|_| malformed("reader", "it is none"))?;
        let reader = reader.try_addr().map_err(|_| Error::internal("a reader is of another session"))?;
        let table = job::run(&job, |control, pool, _| reader.next(rows as usize, pool, control))?;
        let columns = result::columns(&table, Some(&job.pool()?))?;
        Ok(list!(columns = columns, rows = table.rows as f64))
    })
}

extendr_module! {
    mod reader;
    fn rx_engine_open_reader;
    fn rx_engine_read_next;
}

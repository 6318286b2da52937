//! Both drivers on the threads of this process.
//!
//! **Reduce.** Block i belongs to lane i mod L. A lane takes its blocks in order and lanes are merged in lane order, so
//! the sums are the same to the last bit for any number of threads. L depends on the size of the state only.
//!
//! **Map.** Every block passes two ordered gates, `admit` and `write`; decoding, mapping and encoding run between them
//! on all threads. At most one block a thread is in flight.

use crate::control::Control;
use crate::kept::{Keeper, KeptBatch, KeptBlock, KeptRows, Unpacked};
use crate::pool::Pool;
use rx_data::sink::Sink;
use rx_data::{Block, BlockMap, Error, ErrorKind, Result, Scan, Source};
use rx_stats::decode::Decoder;
use rx_stats::levels::{Finder, FoundCodes, Moves};
use rx_stats::{Design, Estimator, Finish, Step};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Number of lanes for a state of so many bytes: all lanes together stay near 16 MB where they can.
pub fn lane_count(state_bytes: usize) -> usize {
    (16_000_000 / state_bytes.max(1)).clamp(8, 64)
}

/// Runs an estimator over a source, pass after pass, until it is done.
pub fn reduce<E: Finish>(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    design: &mut Design,
    estimator: E,
) -> Result<E::Model> {
    Passes::new(pool, control, source, design).reduce(estimator)
}

/// The passes of one estimator or several over a source. The first pass gives the design the levels that it does not
/// know, and keeps the decoded rows if its estimator asks for it and they fit; else each pass reads the source.
pub struct Passes<'a> {
    pool: &'a Pool,
    control: &'a Control,
    source: &'a dyn Source,
    design: &'a mut Design,
    rows: Option<KeptRows>,
}

impl<'a> Passes<'a> {
    /// Passes over a source.
    pub fn new(pool: &'a Pool, control: &'a Control, source: &'a dyn Source, design: &'a mut Design) -> Self {
        Passes { pool, control, source, design, rows: None }
    }

    /// The design; with its levels after the first estimator.
    pub fn design(&self) -> &Design {
        self.design
    }

    /// Runs an estimator until it is done.
    pub fn reduce<E: Finish>(&mut self, mut estimator: E) -> Result<E::Model> {
        let mut state = self.first(&mut estimator)?;
        loop {
            let finish = || estimator.finish(state, &|| self.control.check());
            match if E::SHARES { self.pool.run(finish)? } else { finish()? } {
                Step::Done(model) => return Ok(model),
                Step::Again(next) => estimator = next,
            }
            state = match &self.rows {
                Some(rows) => pass_over(self.pool, self.control, rows, &estimator)?,
                None => {
                    let scan = self.source.scan(&self.design.columns)?;
                    let (input, finder) = (Input::new(&*scan), Finder::new(self.design));
                    pass(self.pool, self.control, &input, self.design, &estimator, &finder, &Keeper::new(0))?.0
                }
            };
        }
    }

    /// The pass that shows an estimator its first batch.
    fn first<E: Finish>(&mut self, estimator: &mut E) -> Result<E::State> {
        if let Some(rows) = &self.rows {
            let first = rows.first();
            first.map_or(Ok(()), |batch| batch.with(&mut Unpacked::default(), |batch| estimator.pilot(batch)))?;
            return pass_over(self.pool, self.control, rows, estimator);
        }
        let keeper = Keeper::new(estimator.kept_bytes());
        let (state, moves) = first_pass(self.pool, self.control, self.source, self.design, estimator, &keeper)?;
        self.rows = keeper.into_rows(&moves);
        Ok(state)
    }
}

/// The values of the first rows that an estimator over the design would see, row by row; fewer if there are no more.
pub fn first_rows(control: &Control, source: &dyn Source, design: &Design, count: usize) -> Result<Vec<Vec<f64>>> {
    let scan = source.scan(&design.columns)?;
    let (mut decoder, mut rows) = (Decoder::new(design), Vec::new());
    while rows.len() < count {
        let Some(block) = scan.next()? else { break };
        decoder.each_batch(&block, &FoundCodes::default(), |batch| {
            control.check()?;
            let wanted = batch.rows.min(count - rows.len());
            rows.extend((0..wanted).map(|row| batch.numeric.iter().map(|values| values[row]).collect::<Vec<f64>>()));
            Ok(())
        })?;
    }
    Ok(rows)
}

/// The pass that shows the estimator its first batch and finds the levels; also tells where these went.
fn first_pass<E: Estimator>(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    design: &mut Design,
    estimator: &mut E,
    keeper: &Keeper,
) -> Result<(E::State, Moves)> {
    let scan = source.scan(&design.columns)?;
    let first = scan.next()?;
    let finder = Finder::new(design);
    if let Some(block) = &first {
        let head = block.slice(0, block.rows.min(rx_stats::decode::BATCH_ROWS));
        let found = finder.codes(design, &head)?;
        Decoder::new(design).each_batch(&head, &found, |batch| estimator.pilot(batch))?;
    }
    let input = Input { scan: &*scan, first: Mutex::new(first) };
    let (total, last) = pass(pool, control, &input, design, estimator, &finder, keeper)?;
    if finder.is_idle() {
        return Ok((total, Moves::new()));
    }
    let moves = finder.settle(design)?;
    *estimator = last.relevel(design)?;
    Ok((last.carry(total, estimator, &moves)?, moves))
}

/// One pass over blocks, which are decoded; the state is that of the estimator returned, which has room for the levels
/// found.
fn pass<E: Estimator>(
    pool: &Pool,
    control: &Control,
    input: &Input,
    design: &Design,
    estimator: &E,
    finder: &Finder,
    keeper: &Keeper,
) -> Result<(E::State, Arc<E>)> {
    // The size of states whose levels are still to be found is not known, so there are as few lanes as for large ones.
    let lanes = Lanes::new(if finder.is_idle() { estimator.state_bytes() } else { usize::MAX });
    let room = Room { design, finder, estimator: Mutex::new(Arc::new(estimator.clone())) };
    let go_on = || control.check();
    work(
        pool,
        control,
        || input.next(),
        || (Decoder::new(design), lanes.worker()),
        |(decoder, worker), work, block: Block| {
            let found = finder.codes(design, &block)?;
            lanes.update(block.index, work, worker, &|| room.estimator(), |estimator, state| {
                if !keeper.goes_on() {
                    return estimator.update_block(state, &block, &found, decoder, &go_on);
                }
                let mut batches = Vec::new();
                decoder.each_batch(&block, &found, |batch| {
                    go_on()?;
                    batches.push(KeptBatch::new(batch));
                    estimator.update(state, batch)
                })?;
                keeper.keep(block.index, KeptBlock { rows: block.rows, batches });
                Ok(())
            })
        },
    )?;
    let last = room.estimator()?;
    Ok((lanes.merged(&last)?, last))
}

/// One pass over rows that were kept.
fn pass_over<E: Estimator>(pool: &Pool, control: &Control, rows: &KeptRows, estimator: &E) -> Result<E::State> {
    let lanes = Lanes::new(estimator.state_bytes());
    let shared = Arc::new(estimator.clone());
    let scan = rows.scan();
    work(
        pool,
        control,
        || Ok(scan.next()),
        || (Unpacked::default(), lanes.worker()),
        |(room, worker), work, (index, block): (usize, &KeptBlock)| {
            lanes.update(index, work, worker, &|| Ok(shared.clone()), |estimator, state| {
                block.batches.iter().try_for_each(|batch| {
                    control.check()?;
                    batch.with(room, |batch| estimator.update(state, batch))
                })
            })
        },
    )?;
    lanes.merged(&shared)
}

/// The estimator with room for the levels found so far, while a pass finds them.
struct Room<'a, E> {
    design: &'a Design,
    finder: &'a Finder,
    estimator: Mutex<Arc<E>>,
}

impl<E: Estimator> Room<'_, E> {
    /// It has room for all codes that were given before the call.
    fn estimator(&self) -> Result<Arc<E>> {
        let mut current = lock(&self.estimator);
        if let Some(roomier) = self.finder.make_room(self.design) {
            *current = Arc::new(current.relevel(&roomier)?);
        }
        Ok(current.clone())
    }
}

/// A state, with the estimator whose levels it has.
type Kept<E> = (Arc<E>, <E as Estimator>::State);

/// A lane's state as an estimator with more room has it; a new one if the lane has none.
fn carried<E: Estimator>(state: Option<Kept<E>>, to: &Arc<E>) -> Result<E::State> {
    match state {
        None => Ok(to.init()),
        Some((from, state)) if Arc::ptr_eq(&from, to) => Ok(state),
        Some((from, state)) => from.carry(state, to, &Moves::new()),
    }
}

/// Sends every block of a source through a map into a sink.
pub fn map<S: Sink>(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    columns: &[usize],
    map: &dyn BlockMap,
    sink: S,
) -> Result<S::Output> {
    let scan = source.scan(columns)?;
    let (admission, writing) = (Turns::default(), Turns::default());
    work(
        pool,
        control,
        || scan.next(),
        || (),
        |(), work, block: Block| {
            let index = block.index;
            let mapped = map.map(block)?;
            let admitted = admission.take(index, work, || mapped.map(|b| sink.admit(b)).transpose())?;
            let encoded = admitted.map(|b| sink.encode(b)).transpose()?;
            writing.take(index, work, || encoded.map_or(Ok(()), |b| sink.write(b)))
        },
    )?;
    control.check()?;
    // A table that is read cannot be written for good in some databases.
    drop(scan);
    sink.finish()
}

/// What threads take one by one.
pub(crate) trait Piece {
    /// Its position.
    fn index(&self) -> usize;
    /// Rows of the source in it.
    fn rows(&self) -> usize;
}

impl Piece for Block {
    fn index(&self) -> usize {
        self.index
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

impl Piece for (usize, &KeptBlock) {
    fn index(&self) -> usize {
        self.0
    }

    fn rows(&self) -> usize {
        self.1.rows
    }
}

/// The blocks of a pass: the one that the pilot saw, then the others.
struct Input<'a> {
    scan: &'a dyn Scan,
    first: Mutex<Option<Block>>,
}

impl<'a> Input<'a> {
    /// The blocks of a scan.
    fn new(scan: &'a dyn Scan) -> Self {
        Input { scan, first: Mutex::new(None) }
    }

    fn next(&self) -> Result<Option<Block>> {
        let first = lock(&self.first).take();
        if first.is_some() { Ok(first) } else { self.scan.next() }
    }
}

/// What the threads of one pass share: whether to go on, and the error to report.
pub(crate) struct Work<'a> {
    control: &'a Control,
    /// The error of the earliest block, so that the report does not depend on the threads.
    failed: Mutex<Option<(usize, Error)>>,
}

impl Work<'_> {
    fn go_on(&self) -> bool {
        lock(&self.failed).is_none() && self.control.check().is_ok()
    }

    /// Who gave up waiting because of a failure has none of his own to report.
    fn fail(&self, block: usize, error: Error) {
        let mut failed = lock(&self.failed);
        let gave_up = error.kind == ErrorKind::Interrupted;
        if failed.as_ref().is_none_or(|(earlier, _)| !gave_up && block < *earlier) {
            *failed = Some((block, error));
        }
    }
}

/// Runs `step` on every piece over all threads, each with a context of its own; the first failing one's error is the
/// result. A panic is a defect and becomes an internal error.
pub(crate) fn work<C, P: Piece>(
    pool: &Pool,
    control: &Control,
    next: impl Fn() -> Result<Option<P>> + Sync,
    context: impl Fn() -> C + Sync,
    step: impl Fn(&mut C, &Work, P) -> Result<()> + Sync,
) -> Result<()> {
    let work = Work { control, failed: Mutex::new(None) };
    pool.broadcast(|| {
        let mut context = context();
        while work.go_on() {
            let mut index = usize::MAX;
            let done = catch_unwind(AssertUnwindSafe(|| match next()? {
                None => Ok(false),
                Some(piece) => {
                    index = piece.index();
                    let rows = piece.rows();
                    control.delay(index);
                    step(&mut context, &work, piece)?;
                    control.add_rows(rows);
                    Ok(true)
                }
            }));
            match done {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => break,
                Ok(Err(error)) => work.fail(index, error),
                Err(panic) => work.fail(index, panicked(&*panic)),
            }
        }
    });
    control.check()?;
    into_inner(work.failed).map_or(Ok(()), |(_, error)| Err(error))
}

/// The error that a caught panic becomes.
pub fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string()).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("rxscale failed inside: {}", text.unwrap_or_else(|| "unknown panic".into())))
        .hint("This is a defect of rxscale; please report it with the call that led to it.")
}

/// Lets blocks through one at a time in the order of their indices.
#[derive(Default)]
struct Turns {
    next: Mutex<usize>,
    changed: Condvar,
}

impl Turns {
    /// Waits until all earlier indices are through, then runs `f`. If `f` fails nobody comes after it, and whoever waits
    /// gives up as soon as the failure is on record.
    fn take<R>(&self, index: usize, work: &Work, f: impl FnOnce() -> Result<R>) -> Result<R> {
        let mut next = lock(&self.next);
        while *next != index {
            if !work.go_on() {
                return Err(Error::interrupted());
            }
            next = self.changed.wait_timeout(next, Duration::from_millis(20)).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(next);
        let result = f()?;
        *lock(&self.next) += 1;
        self.changed.notify_all();
        Ok(result)
    }
}

/// The states of a pass.
struct Lanes<E: Estimator> {
    lanes: Vec<Lane<E>>,
    /// The exact parts that threads have left.
    exact: Mutex<Vec<Kept<E>>>,
}

/// A state and the order of its blocks.
struct Lane<E: Estimator> {
    turns: Turns,
    state: Mutex<Option<Kept<E>>>,
}

/// What a thread has for itself in a pass.
struct Worker<'a, E: Estimator> {
    /// The exact part of all states that it works on.
    own: Option<Kept<E>>,
    /// Where that is left when the thread is done.
    exact: &'a Mutex<Vec<Kept<E>>>,
}

impl<E: Estimator> Drop for Worker<'_, E> {
    fn drop(&mut self) {
        lock(self.exact).extend(self.own.take());
    }
}

impl<E: Estimator> Lanes<E> {
    fn new(state_bytes: usize) -> Self {
        let lane = |_| Lane { turns: Turns::default(), state: Mutex::new(None) };
        Lanes { lanes: (0..lane_count(state_bytes)).map(lane).collect(), exact: Mutex::default() }
    }

    fn worker(&self) -> Worker<'_, E> {
        Worker { own: None, exact: &self.exact }
    }

    /// Takes a block into its lane when it is its turn.
    fn update(
        &self,
        index: usize,
        work: &Work,
        worker: &mut Worker<E>,
        estimator: &dyn Fn() -> Result<Arc<E>>,
        update: impl FnOnce(&E, &mut E::State) -> Result<()>,
    ) -> Result<()> {
        let lane = &self.lanes[index % self.lanes.len()];
        lane.turns.take(index / self.lanes.len(), work, || {
            let estimator = estimator()?;
            let mut place = lock(&lane.state);
            let mut state = carried(place.take(), &estimator)?;
            let mut exact = if E::HAS_EXACT { Some(carried(worker.own.take(), &estimator)?) } else { None };
            exact.iter_mut().for_each(|exact| estimator.swap_exact(&mut state, exact));
            update(&estimator, &mut state)?;
            exact.iter_mut().for_each(|exact| estimator.swap_exact(&mut state, exact));
            worker.own = exact.map(|exact| (estimator.clone(), exact));
            *place = Some((estimator, state));
            Ok(())
        })
    }

    /// All states together, as the last estimator has them.
    fn merged(self, last: &Arc<E>) -> Result<E::State> {
        let mut total = last.init();
        let lanes = self.lanes.into_iter().filter_map(|lane| into_inner(lane.state));
        for kept in lanes.chain(into_inner(self.exact)) {
            last.merge(&mut total, carried(Some(kept), last)?)?;
        }
        Ok(total)
    }
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A panic while a lock is held is recorded as the job's error, so the lock's own poison adds nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

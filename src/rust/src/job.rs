//! Runs a job on threads of its own while the main thread stays R's: it listens for Ctrl-C, calls R functions for the
//! job, and reports progress.

use crate::interrupt::interrupted;
use crate::{callback, spec};
use extendr_api::prelude::*;
use libR_sys::SEXP;
use rx_data::{Error, Result};
use rx_run::local::panicked;
use rx_run::{Control, Pool};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often the main thread looks for an interrupt.
const POLL: Duration = Duration::from_millis(100);

/// How to run: the list that `job_options()` of R/engine.R makes.
pub struct Job {
    threads: usize,
    /// Bytes that the engine may use for states.
    pub memory: u64,
    /// Where rows made by R code may be kept while the job runs.
    pub spool: PathBuf,
    /// Draws progress: `function(rows, seconds, done)`, protected by the list.
    report: Option<Robj>,
}

impl Job {
    /// Reads the list.
    pub fn from_r(job: &Robj) -> Result<Job> {
        let threads: f64 = spec::parse(&spec::need(job, "threads")?, "threads")?;
        let megabytes: Option<f64> = spec::maybe(job, "memory")?;
        let spool: String = spec::parse(&spec::need(job, "spool")?, "spool")?;
        Ok(Job {
            threads: threads.max(1.0) as usize,
            memory: megabytes.map_or_else(rx_run::default_memory, |mb| (mb * 1_048_576.0) as u64),
            spool: spool.into(),
            report: spec::get(job, "report"),
        })
    }

    /// Bytes for what every thread has, and one more, if all of it may take the `part`-th of the memory.
    pub fn share_of_memory(&self, part: u64) -> usize {
        usize::try_from(self.memory / part / (self.threads as u64 + 1)).unwrap_or(usize::MAX)
    }

    /// The session's pool; a job inside a job has one of its own, since the threads of the other may all be waiting.
    pub fn pool(&self) -> Result<Pool> {
        if DEPTH.get() == 0 { Pool::session(self.threads) } else { Pool::new(self.threads) }
    }
}

/// What the job asks of the main thread.
enum Request {
    /// Run this.
    Call(Box<dyn FnOnce() + Send>),
    /// Nothing any more: the job is done.
    Done,
}

thread_local! {
    /// Jobs that the main thread is running: a transform may start another one.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The job's line to the main thread; set on the job's own thread.
    static MAIN: RefCell<Option<Main>> = const { RefCell::new(None) };
}

/// A job's line to the main thread.
#[derive(Clone)]
pub struct Main {
    requests: Sender<Request>,
}

impl Main {
    /// The line of the job that runs on this thread.
    pub fn of_this_job() -> Result<Main> {
        let main = MAIN.with(|main| main.borrow().clone());
        main.ok_or_else(|| Error::internal("a source with a transform was scanned outside a job"))
    }

    /// Runs a function on the main thread, where alone R may be called, and waits for its result.
    pub fn call<R: Send + 'static>(&self, f: impl FnOnce() -> Result<R> + Send + 'static) -> Result<R> {
        let (answer, result) = mpsc::channel();
        let call = Request::Call(Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(&*panic)));
            // Whoever asked may have given up.
            let _ = answer.send(result);
        }));
        self.requests.send(call).map_err(|_| Error::interrupted())?;
        // An interrupted job's requests are dropped unanswered.
        result.recv().unwrap_or_else(|_| Err(Error::interrupted()))
    }
}

/// Runs a job. Returns when its thread has ended, whatever happened, so a job may read R's memory in place.
///
/// A panic in the job is a defect and becomes an error of kind internal.
pub fn run<T: Send>(job: &Job, work: impl FnOnce(&Control, &Pool, &Main) -> Result<T> + Send) -> Result<T> {
    run_beside(job, || Ok(()), work).map(|((), result)| result)
}

/// The same; at first the main thread does something that is short, and asks the job for nothing.
pub fn run_beside<B, T: Send>(
    job: &Job,
    beside: impl FnOnce() -> Result<B>,
    work: impl FnOnce(&Control, &Pool, &Main) -> Result<T> + Send,
) -> Result<(B, T)> {
    let pool = job.pool()?;
    let _level = Level::enter();
    let control = hooks::control();
    let (sender, requests) = mpsc::channel();
    let main = Main { requests: sender };
    std::thread::scope(|scope| {
        let (control, pool) = (&control, &pool);
        let on_thread = move || {
            MAIN.set(Some(main.clone()));
            let result = catch_unwind(AssertUnwindSafe(|| {
                hooks::panic_if_asked();
                work(control, pool, &main)
            }));
            MAIN.set(None);
            // The main thread is gone only after this one.
            let _ = main.requests.send(Request::Done);
            result.unwrap_or_else(|panic| Err(panicked(&*panic)))
        };
        let thread = std::thread::Builder::new()
            .name("rxscale-job".into())
            .spawn_scoped(scope, on_thread)
            .map_err(|e| Error::internal(format!("a thread cannot be started: {e}")))?;
        let done = catch_unwind(AssertUnwindSafe(beside)).unwrap_or_else(|panic| Err(panicked(&*panic)));
        if done.is_err() {
            control.cancel();
        }
        serve(job, control, &requests);
        let result = thread.join().unwrap_or_else(|panic| Err(panicked(&*panic)));
        let done = done?;
        control.check().and(result).map(|result| (done, result))
    })
}

/// The main thread's part of a job.
fn serve(job: &Job, control: &Control, requests: &Receiver<Request>) {
    let mut watch = Watch::new(job, control);
    loop {
        match requests.recv_timeout(POLL) {
            Ok(Request::Call(f)) if control.check().is_ok() => f(),
            Ok(Request::Call(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Request::Done) | Err(RecvTimeoutError::Disconnected) => break,
        }
        watch.look();
    }
    watch.report(true);
}

/// What the main thread does beside a job: it listens for Ctrl-C and draws progress. For the main thread only.
pub struct Watch<'a> {
    job: &'a Job,
    control: &'a Control,
    start: Instant,
    looked: Instant,
}

impl<'a> Watch<'a> {
    /// Starts to watch.
    pub fn new(job: &'a Job, control: &'a Control) -> Self {
        let now = Instant::now();
        Watch { job, control, start: now, looked: now }
    }

    /// Looks, if it is time to; to be called often.
    pub fn look(&mut self) {
        if self.looked.elapsed() >= POLL && self.control.check().is_ok() {
            if interrupted() {
                self.control.cancel();
            }
            self.report(false);
            self.looked = Instant::now();
        }
    }

    /// Draws progress, for the last time if the job is done.
    pub fn report(&self, done: bool) {
        if let Some(report) = &self.job.report {
            let (rows, seconds) = (self.control.rows() as f64, self.start.elapsed().as_secs_f64());
            let arguments = [Robj::from(rows), Robj::from(seconds), Robj::from(done)];
            // SAFETY: the arguments are protected by their owners.
            let raw: Vec<SEXP> = arguments.iter().map(|argument| unsafe { argument.get() }).collect();
            // Progress that cannot be drawn stops nothing.
            let _ = callback::call(unsafe { report.get() }, &raw);
        }
    }
}

/// A job among those that run inside each other.
struct Level;

impl Level {
    fn enter() -> Level {
        DEPTH.set(DEPTH.get() + 1);
        Level
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Test builds listen to environment variables.
#[cfg(feature = "test-hooks")]
mod hooks {
    use rx_run::Control;

    pub fn control() -> Control {
        let seed = std::env::var("RXSCALE_TEST_SHUFFLE").ok().and_then(|seed| seed.parse().ok());
        seed.map_or_else(Control::new, Control::shuffled)
    }

    pub fn panic_if_asked() {
        if std::env::var_os("RXSCALE_TEST_PANIC").is_some() {
            #[allow(clippy::panic)]
            {
                panic!("a panic on purpose");
            }
        }
    }
}

#[cfg(not(feature = "test-hooks"))]
mod hooks {
    pub fn control() -> rx_run::Control {
        rx_run::Control::new()
    }

    pub fn panic_if_asked() {}
}

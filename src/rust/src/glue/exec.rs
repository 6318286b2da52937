//! Tasks of `rxExec()`, run by worker processes: now, or in the background.

use crate::error::{malformed, or_null, respond};
use crate::job::{Job, Watch};
use crate::transform::Function;
use crate::{result, spec};
use extendr_api::prelude::*;
use libR_sys::{R_ExternalPtrAddr, R_ExternalPtrTag, R_NilValue, Rf_install, SEXP};
use rx_data::{Error, ErrorKind, Result};
use rx_run::Control;
use rx_run::local::panicked;
use rx_run::procs::{self, Client, Command, Failure, Plan};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of what the tasks of a background job print that are kept.
const CONSOLE: usize = 4 << 20;

/// Runs tasks by worker processes. `events` has functions: `arguments(from, to)`, a raw vector; `results(from, to,
/// body)` and `failed(task, kind, how, output, number)`, whether to go on; `printed(text)`, or NULL.
#[extendr]
fn rx_engine_exec(plan: Robj, events: Robj, job: Robj) -> Robj {
    respond(|| {
        let (plan, job) = (read_plan(&plan)?, Job::from_r(&job)?);
        let function = |name| Function::new(&spec::need(&events, name)?);
        let control = Control::new();
        let mut client = Foreground {
            arguments: function("arguments")?,
            results: function("results")?,
            failed: function("failed")?,
            printed: spec::get(&events, "printed").map(|f| Function::new(&f)).transpose()?,
            stopped: false,
            watch: Watch::new(&job, &control),
        };
        let outcome = procs::run(&plan, &control, &mut client);
        client.watch.report(true);
        outcome
    })
}

/// Starts a job in the background; its number.
#[extendr]
fn rx_engine_exec_start(plan: Robj) -> Robj {
    respond(|| {
        let plan = read_plan(&plan)?;
        let mut jobs = jobs();
        let number = jobs.1.keys().last().map_or(1, |last| last + 1).max(jobs.0);
        jobs.0 = number + 1;
        jobs.1.insert(number, BackgroundJob::start(plan)?);
        Ok(f64::from(number))
    })
}

/// How a background job is: list(status, started, ended, error); NULL if there is no such job any more.
#[extendr]
fn rx_engine_exec_state(number: f64) -> Robj {
    respond(|| -> Result<Robj> {
        let jobs = jobs();
        let Some(job) = jobs.1.get(&(number as u32)) else { return Ok(().into()) };
        let record = locked(&job.record);
        let (status, error) = match &record.end {
            None => ("running", None),
            Some((_, Ok(()))) => ("finished", None),
            Some((_, Err(error))) if error.kind == ErrorKind::Interrupted => ("canceled", None),
            Some((_, Err(error))) => ("failed", Some(error)),
        };
        let text = |error: &Error| match &error.hint {
            Some(hint) => format!("{}\n{hint}", error.message),
            None => error.message.clone(),
        };
        Ok(list!(
            status = status,
            started = job.started,
            ended = or_null(record.end.as_ref().map(|(time, _)| *time)),
            error = or_null(error.map(text))
        )
        .into())
    })
}

/// What the tasks of a background job have answered: list(results, failures), lists of the arguments that the functions
/// of rx_engine_exec have.
#[extendr]
fn rx_engine_exec_answers(number: f64) -> Robj {
    respond(|| -> Result<Robj> {
        let jobs = jobs();
        let job = jobs.1.get(&(number as u32)).ok_or_else(|| Error::internal("there is no such job"))?;
        let record = locked(&job.record);
        let results = record.results.iter().map(|(from, to, bytes)| -> Result<Robj> {
            Ok(list!(*from as f64, *to as f64, result::raw(bytes)?).into())
        });
        let results = List::from_values(results.collect::<Result<Vec<Robj>>>()?);
        let failures = record.failures.iter().map(|(task, failure)| List::from_values(described(*task, failure)));
        let failures = List::from_values(failures.collect::<Vec<_>>());
        Ok(list!(results = results, failures = failures).into())
    })
}

/// The last few megabytes of what the tasks of a background job have printed.
#[extendr]
fn rx_engine_exec_output(number: f64) -> Robj {
    respond(|| {
        let jobs = jobs();
        let record = jobs.1.get(&(number as u32)).map(|job| locked(&job.record));
        let bytes: Vec<u8> = record.map_or_else(Vec::new, |record| record.console.iter().copied().collect());
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// Stops a background job; whether it was running.
#[extendr]
fn rx_engine_exec_cancel(number: f64) -> Robj {
    respond(|| {
        let mut jobs = jobs();
        let Some(job) = jobs.1.get_mut(&(number as u32)) else { return Ok(false) };
        let running = locked(&job.record).end.is_none();
        job.stop();
        Ok(running)
    })
}

/// Forgets a background job and its results.
#[extendr]
fn rx_engine_exec_forget(number: f64) -> Robj {
    respond(|| {
        jobs().1.remove(&(number as u32));
        Ok(())
    })
}

/// What an external pointer points to, which would be lost in another process: "nothing", "connection" or "something".
#[extendr]
fn rx_engine_pointer(x: Robj) -> &'static str {
    if x.rtype() != Rtype::ExternalPtr {
        return "nothing";
    }
    // SAFETY: the address of a pointer is only compared. Packages mark their objects with pointers to NULL.
    unsafe {
        let address: SEXP = R_ExternalPtrAddr(x.get()).cast();
        if address.is_null() || address == R_NilValue {
            "nothing"
        } else if R_ExternalPtrTag(x.get()) == Rf_install(c"connection".as_ptr()) {
            "connection"
        } else {
            "something"
        }
    }
}

fn read_plan(plan: &Robj) -> Result<Plan> {
    let text = |name| -> Result<String> { spec::parse(&spec::need(plan, name)?, name) };
    let texts = |name| -> Result<Vec<String>> { spec::parse(&spec::need(plan, name)?, name) };
    let count = |name| -> Result<usize> { Ok(spec::parse::<f64>(&spec::need(plan, name)?, name)? as usize) };
    let common = spec::need(plan, "common")?;
    let common = common.as_raw_slice().ok_or_else(|| malformed("common", "it is not raw"))?.to_vec();
    let seconds: Option<f64> = spec::maybe(plan, "timeout")?;
    let env = texts("env_names")?.into_iter().zip(texts("env_values")?).map(|(n, v)| (n.into(), v.into()));
    Ok(Plan {
        command: Command {
            program: text("program")?.into(),
            args: texts("args")?.into_iter().map(Into::into).collect(),
            env: env.collect(),
        },
        workers: count("workers")?,
        keep: count("keep")?,
        tasks: count("tasks")?,
        common: Arc::new(common),
        arguments: spec::parse(&spec::need(plan, "arguments")?, "arguments")?,
        chunk: spec::maybe::<f64>(plan, "chunk")?.map(|tasks| tasks.max(1.0) as usize),
        head_start: spec::parse(&spec::need(plan, "head_start")?, "head_start")?,
        timeout: seconds
            .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(u64::from(u32::MAX)))),
        retries: count("retries")? as u32,
    })
}

/// The arguments of the function `failed`.
fn described(task: usize, failure: &Failure) -> [Robj; 5] {
    match failure {
        Failure::Died { how, times, stderr } => [
            (task as f64).into(),
            "worker".into(),
            how.as_str().into(),
            stderr.as_str().into(),
            f64::from(*times).into(),
        ],
        Failure::TimedOut(limit) => {
            [(task as f64).into(), "timeout".into(), "".into(), "".into(), limit.as_secs_f64().into()]
        }
    }
}

/// A call that R waits for. Its supervisor runs on the main thread, since all that it does is to wait for workers and
/// to call R: handing both to and fro between threads takes longer than small tasks do.
struct Foreground<'a> {
    arguments: Function,
    results: Function,
    failed: Function,
    printed: Option<Function>,
    stopped: bool,
    watch: Watch<'a>,
}

impl Foreground<'_> {
    /// Calls a function that says whether to go on.
    fn tell(&mut self, function: Function, arguments: &[Robj]) -> Result<()> {
        let go_on = called(function, arguments)?.as_bool().unwrap_or(true);
        self.stopped |= !go_on;
        Ok(())
    }
}

fn called(function: Function, arguments: &[Robj]) -> Result<Robj> {
    // SAFETY: the arguments are protected by their owners.
    let raw: Vec<SEXP> = arguments.iter().map(|argument| unsafe { argument.get() }).collect();
    function.call(&raw)
}

impl Client for Foreground<'_> {
    fn arguments(&mut self, from: usize, to: usize) -> Result<Vec<u8>> {
        let body = called(self.arguments, &[(from as f64).into(), (to as f64).into()])?;
        body.as_raw_slice().map(<[u8]>::to_vec).ok_or_else(|| malformed("arguments", "they are not raw"))
    }

    fn results(&mut self, from: usize, to: usize, bytes: Vec<u8>) -> Result<()> {
        let body = result::raw(&bytes)?;
        drop(bytes);
        self.tell(self.results, &[(from as f64).into(), (to as f64).into(), body])
    }

    fn failed(&mut self, task: usize, failure: Failure) -> Result<()> {
        self.tell(self.failed, &described(task, &failure))
    }

    fn printed(&mut self, bytes: &[u8]) {
        if let Some(function) = self.printed {
            // What cannot be shown stops nothing.
            let _ = called(function, &[String::from_utf8_lossy(bytes).into_owned().into()]);
        }
    }

    fn goes_on(&mut self) -> bool {
        self.watch.look();
        !self.stopped
    }
}

/// What a background job has to show.
#[derive(Default)]
struct Record {
    results: Vec<(usize, usize, Vec<u8>)>,
    failures: Vec<(usize, Failure)>,
    console: VecDeque<u8>,
    /// When and how it ended.
    end: Option<(f64, Result<()>)>,
}

/// A call that nobody waits for. It is stopped when this is dropped.
struct BackgroundJob {
    control: Arc<Control>,
    record: Arc<Mutex<Record>>,
    started: f64,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundJob {
    fn start(plan: Plan) -> Result<BackgroundJob> {
        let control = Arc::new(Control::new());
        let record = Arc::new(Mutex::new(Record::default()));
        let (its_control, its_record) = (control.clone(), record.clone());
        let work = move || {
            let mut client = Background { record: its_record.clone() };
            let run = AssertUnwindSafe(|| procs::run(&plan, &its_control, &mut client));
            let outcome = catch_unwind(run).unwrap_or_else(|panic| Err(panicked(&*panic)));
            locked(&its_record).end = Some((now(), outcome));
        };
        let thread = std::thread::Builder::new()
            .name("rxscale-background".into())
            .spawn(work)
            .map_err(|e| Error::internal(format!("a thread cannot be started: {e}")))?;
        Ok(BackgroundJob { control, record, started: now(), thread: Some(thread) })
    }

    fn stop(&mut self) {
        self.control.cancel();
        if let Some(thread) = self.thread.take() {
            // It ends within a tick of the supervisor; a panic has been recorded.
            let _ = thread.join();
        }
    }
}

impl Drop for BackgroundJob {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Keeps what happens for whoever asks.
struct Background {
    record: Arc<Mutex<Record>>,
}

impl Client for Background {
    fn arguments(&mut self, _: usize, _: usize) -> Result<Vec<u8>> {
        Err(Error::internal("a background job has no arguments of its own"))
    }

    fn results(&mut self, from: usize, to: usize, bytes: Vec<u8>) -> Result<()> {
        locked(&self.record).results.push((from, to, bytes));
        Ok(())
    }

    fn failed(&mut self, task: usize, failure: Failure) -> Result<()> {
        locked(&self.record).failures.push((task, failure));
        Ok(())
    }

    fn printed(&mut self, bytes: &[u8]) {
        let console = &mut locked(&self.record).console;
        console.extend(bytes);
        console.drain(..console.len().saturating_sub(CONSOLE));
    }

    fn goes_on(&mut self) -> bool {
        true
    }
}

/// The next number, the background jobs of this process, and the process.
type Jobs = (u32, BTreeMap<u32, BackgroundJob>, u32);

static JOBS: Mutex<Jobs> = Mutex::new((1, BTreeMap::new(), 0));

fn jobs() -> MutexGuard<'static, Jobs> {
    let mut jobs = locked(&JOBS);
    // The threads of the jobs do not exist in a forked child.
    if jobs.2 != std::process::id() {
        std::mem::forget(std::mem::take(&mut jobs.1));
        jobs.2 = std::process::id();
    }
    jobs
}

/// Stops all jobs and ends all workers.
pub fn shutdown() {
    jobs().1.clear();
    procs::shutdown();
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

extendr_module! {
    mod exec;
    fn rx_engine_exec;
    fn rx_engine_exec_start;
    fn rx_engine_exec_state;
    fn rx_engine_exec_answers;
    fn rx_engine_exec_output;
    fn rx_engine_exec_cancel;
    fn rx_engine_exec_forget;
    fn rx_engine_pointer;
}

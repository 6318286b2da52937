//! Shares the tasks of a call among workers and answers for each of them.

use super::idle::{bring_back, take};
use super::process::{Process, ending};
use super::seat::{Chunk, Reading, Seat};
use super::sigpipe::Sigpipe;
use super::{Client, Failure, FrameKind, Header, Plan};
use crate::Control;
use rx_data::{Error, ErrorKind, Result};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How often a supervisor looks whether it shall stop, and whether all workers live.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks for tasks to take away from a busy worker while another one is idle.
const STEAL_TICK: Duration = Duration::from_millis(2);
/// How often it takes what a worker prints that prints a lot: each line would wake it.
const TALK_TICK: Duration = Duration::from_millis(10);
/// Taking tasks away pays if they would take longer than this.
const STEAL_WORTH: Duration = Duration::from_millis(1);
/// After a call that took less, workers are not woken to forget it: little can be left of it, and another may come soon.
const BRIEF: Duration = Duration::from_millis(20);
/// So many tasks for each worker are few.
const FEW: usize = 4;
/// How long a worker is alone with all of a few tasks.
const HEAD_START: Duration = Duration::from_micros(200);
/// Arguments that are sent at once, unless a single task has more.
const CHUNK_BYTES: f64 = 8e6;
/// So many workers in a row may end before they have begun a task.
const FALSE_STARTS: u32 = 5;

/// Runs all tasks. Returns when each has been answered for, or sooner if the client does not go on.
pub fn run(plan: &Plan, control: &Control, client: &mut dyn Client) -> Result<()> {
    if plan.tasks >= u32::MAX as usize {
        return Err(Error::new(ErrorKind::Argument, format!("{} tasks are too many.", plan.tasks)));
    }
    // A worker that dies while it is written to must not raise a signal here.
    let _blocked = Sigpipe::block();
    let mut supervisor = Supervisor {
        plan,
        control,
        client,
        seats: Vec::new(),
        todo: VecDeque::from([(0, plan.tasks)]),
        missing: plan.tasks,
        attempts: HashMap::new(),
        bytes_a_task: None,
        false_starts: 0,
    };
    let began = Instant::now();
    let outcome = supervisor.run();
    let brief = began.elapsed() < BRIEF;
    for seat in supervisor.seats {
        // Those that are busy end here.
        if let Some(process) = seat.released(!brief) {
            bring_back(&plan.command, process, plan.keep);
        }
    }
    outcome
}

struct Supervisor<'a> {
    plan: &'a Plan,
    control: &'a Control,
    client: &'a mut dyn Client,
    seats: Vec<Seat>,
    /// Tasks that no worker has.
    todo: VecDeque<(usize, usize)>,
    /// How many tasks have no answer yet.
    missing: usize,
    /// How often a worker died in a task.
    attempts: HashMap<usize, u32>,
    /// Bytes of the arguments of a task, once known.
    bytes_a_task: Option<f64>,
    /// Workers in a row that ended before they had begun a task.
    false_starts: u32,
}

impl Supervisor<'_> {
    fn run(&mut self) -> Result<()> {
        for _ in 0..self.plan.workers.clamp(1, self.plan.tasks.max(1)) {
            if self.missing > 0 {
                self.seats.push(Seat::new(take(&self.plan.command)?));
            }
        }
        let mut looked = Instant::now();
        while self.missing > 0 && self.client.goes_on() {
            self.control.check()?;
            let waits = self.assign()?;
            self.wait(waits);
            for i in (0..self.seats.len()).rev() {
                self.seats[i].write();
                if !self.serve(i)? {
                    self.bury(i, None)?;
                }
            }
            self.watch()?;
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                for i in (0..self.seats.len()).rev() {
                    if self.seats[i].process.has_ended() {
                        self.bury(i, None)?;
                    }
                }
            }
        }
        self.control.check()
    }

    /// Gives tasks to idle workers; whether one stays idle while another has tasks that nobody has begun.
    fn assign(&mut self) -> Result<bool> {
        let mut waits = false;
        for i in 0..self.seats.len() {
            if !self.seats[i].is_idle() {
                continue;
            }
            let tasks = match self.next() {
                Some(tasks) => Some(tasks),
                None if self.plan.chunk.is_none() => self.taken_away(&mut waits),
                None => None,
            };
            if let Some((from, to)) = tasks {
                let arguments = if self.plan.arguments { self.client.arguments(from, to)? } else { Vec::new() };
                if self.plan.arguments {
                    self.bytes_a_task = Some(arguments.len() as f64 / (to - from) as f64);
                }
                self.seats[i].give(from, to, &self.plan.common, arguments);
            }
        }
        Ok(waits)
    }

    /// The next tasks that no worker has.
    fn next(&mut self) -> Option<(usize, usize)> {
        let left: usize = self.todo.iter().map(|&(from, to)| to - from).sum();
        let (from, to) = self.todo.pop_front()?;
        let most = match (self.plan.chunk, self.plan.arguments, self.bytes_a_task) {
            (Some(chunk), ..) => chunk,
            (None, false, _) if self.has_head_start() => left,
            (None, true, None) => 1,
            (None, true, Some(bytes)) => self.fair_share(left).min((CHUNK_BYTES / bytes.max(1.0)) as usize),
            (None, false, _) => self.fair_share(left),
        };
        let middle = from + (to - from).min(most.max(1));
        if middle < to {
            self.todo.push_front((middle, to));
        }
        Some((from, middle))
    }

    /// Whether one worker is given all tasks, which others may take from it.
    fn has_head_start(&self) -> bool {
        self.plan.head_start && self.plan.chunk.is_none() && self.plan.tasks <= FEW * self.seats.len()
    }

    /// Guided self-scheduling (Polychronopoulos and Kuck 1987), half as bold.
    fn fair_share(&self, left: usize) -> usize {
        left.div_ceil(2 * self.seats.len().max(1))
    }

    /// Tasks of a busy worker that nobody has begun and that are worth it.
    fn taken_away(&self, waits: &mut bool) -> Option<(usize, usize)> {
        let mut best: Option<(usize, &Seat)> = None;
        for seat in &self.seats {
            let Some(chunk) = &seat.chunk else { continue };
            let (next, end) = seat.span().get();
            let rest = end.saturating_sub(next);
            if rest == 0 {
                continue;
            }
            *waits = true;
            let begun = (next - chunk.first).max(1) as u32;
            let elapsed = chunk.began.elapsed();
            let worth = elapsed / begun * rest as u32 > STEAL_WORTH || (self.has_head_start() && elapsed >= HEAD_START);
            if worth && best.is_none_or(|(most, _)| rest > most) {
                best = Some((rest, seat));
            }
        }
        best?.1.span().halve()
    }

    /// Waits until something has happened.
    fn wait(&self, idle_wait: bool) {
        let mut fds = Vec::new();
        self.seats.iter().for_each(|seat| seat.polled(&mut fds));
        let tick = match self.plan.timeout {
            _ if idle_wait && self.has_head_start() => HEAD_START,
            _ if idle_wait => STEAL_TICK,
            _ if self.seats.iter().any(|seat| seat.talks) => TALK_TICK,
            Some(timeout) => (timeout / 10).clamp(Duration::from_millis(5), TICK),
            None => TICK,
        };
        poll(&mut fds, tick);
    }

    /// Takes what a worker has to say; false if it has ended.
    fn serve(&mut self, i: usize) -> Result<bool> {
        loop {
            let client = &mut *self.client;
            self.seats[i].printed(|bytes| client.printed(bytes));
            match self.seats[i].read()? {
                Reading::Frame(header, body) => self.take_frame(i, header, body)?,
                Reading::Later => return Ok(true),
                Reading::Ended => return Ok(false),
            }
        }
    }

    fn take_frame(&mut self, i: usize, header: Header, body: Vec<u8>) -> Result<()> {
        let seat = &mut self.seats[i];
        match (header.kind, &mut seat.chunk) {
            (FrameKind::Ready, _) => seat.process.ready = true,
            (FrameKind::Data, Some(chunk)) if header.from == chunk.done && header.to > header.from => {
                chunk.done = header.to;
                self.missing -= header.to - header.from;
                self.false_starts = 0;
                self.control.add_rows(header.to - header.from);
                self.client.results(header.from, header.to, body)?;
            }
            (FrameKind::Done, Some(chunk)) if chunk.done == header.to => seat.chunk = None,
            _ => return Err(Error::internal(format!("a worker sent an unexpected frame: {header:?}"))),
        }
        Ok(())
    }

    /// Stops the tasks that have taken too long.
    fn watch(&mut self) -> Result<()> {
        let Some(timeout) = self.plan.timeout else { return Ok(()) };
        for i in (0..self.seats.len()).rev() {
            let seat = &mut self.seats[i];
            let (next, _) = seat.span().get();
            let Some(chunk) = &mut seat.chunk else { continue };
            if chunk.seen.0 != next {
                chunk.seen = (next, Instant::now());
            } else if next > chunk.done && chunk.seen.1.elapsed() >= timeout {
                self.bury(i, Some(timeout))?;
            }
        }
        Ok(())
    }

    /// Ends a worker for good, answers for the task that it died in or lets it be tried again, and puts another worker
    /// in its place.
    fn bury(&mut self, i: usize, timeout: Option<Duration>) -> Result<()> {
        let status = self.seats[i].process.end();
        // What it sent before.
        self.serve(i)?;
        let seat = self.seats.swap_remove(i);
        if !seat.process.ready {
            let message = format!("A worker process {} before it was ready.", ending(status));
            return Err(worker_error(message, &seat.stderr()));
        }
        let (next, end) = seat.span().get();
        if let Some(Chunk { first, done, .. }) = seat.chunk {
            if next == first {
                self.false_starts += 1;
            }
            if self.false_starts >= FALSE_STARTS {
                let message = format!("{FALSE_STARTS} worker processes in a row {} before a task.", ending(status));
                return Err(worker_error(message, &seat.stderr()));
            }
            // Of the tasks whose results were not sent yet, the last one begun is the one it died in.
            let task = done.max(next.saturating_sub(1));
            for tasks in [(task + 1, end), (done, task)] {
                if tasks.0 < tasks.1 {
                    self.todo.push_front(tasks);
                }
            }
            if task < end {
                self.answer_for(task, timeout, ending(status), seat.stderr())?;
            }
        }
        if !self.todo.is_empty() {
            self.seats.push(Seat::new(Process::start(&self.plan.command)?));
        }
        Ok(())
    }

    /// Lets a task be tried again, or says that it failed.
    fn answer_for(&mut self, task: usize, timeout: Option<Duration>, how: String, stderr: String) -> Result<()> {
        let times = self.attempts.entry(task).or_insert(0);
        *times += 1;
        let failure = match timeout {
            Some(timeout) => Failure::TimedOut(timeout),
            None if *times <= self.plan.retries => {
                self.todo.push_front((task, task + 1));
                return Ok(());
            }
            None => Failure::Died { how, times: *times, stderr },
        };
        self.missing -= 1;
        self.client.failed(task, failure)
    }
}

/// Waits for one of some descriptors, which are open. A failing poll is a wait cut short.
#[cfg(target_os = "linux")]
fn poll(fds: &mut [libc::pollfd], tick: Duration) {
    let timeout = libc::timespec { tv_sec: tick.as_secs() as _, tv_nsec: tick.subsec_nanos() as _ };
    // SAFETY: both pointers are those of values that live as long as the call.
    unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, &timeout, std::ptr::null()) };
}

/// The same in whole milliseconds.
#[cfg(not(target_os = "linux"))]
fn poll(fds: &mut [libc::pollfd], tick: Duration) {
    let timeout = tick.as_millis().max(1) as i32;
    // SAFETY: the pointer is that of a slice that lives as long as the call.
    unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout) };
}

fn worker_error(message: String, stderr: &str) -> Error {
    let error = Error::new(ErrorKind::Worker, message);
    if stderr.is_empty() { error } else { error.hint(format!("It said:\n{stderr}")) }
}

//! One worker process: how it starts, and how it ends.

use super::worker::DESCRIPTORS;
use super::{Command, Span};
use rx_data::{Error, Result};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

/// Bytes that a pipe holds, where the system lets us choose: much passes in few steps.
const PIPE_BYTES: i32 = 1 << 20;

/// A worker process and our ends of its pipes. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) tasks: PipeWriter,
    pub(super) results: PipeReader,
    /// What it prints.
    pub(super) out: PipeReader,
    /// What it prints as an error.
    pub(super) err: PipeReader,
    pub(super) span: Span,
    /// Whether it has told that it is there.
    pub(super) ready: bool,
}

impl Process {
    /// Starts a worker.
    pub(super) fn start(command: &Command) -> Result<Process> {
        let command = command.clone();
        on_starter(move || start_here(&command))?
    }

    /// Whether it has ended; its number stays taken.
    pub(super) fn has_ended(&self) -> bool {
        // SAFETY: an all-zero siginfo is one, and the number is that of a child not yet waited for.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let asked = libc::waitid(libc::P_PID, self.child.id(), &raw mut info, how);
            asked != 0 || info.si_signo != 0
        }
    }

    /// Kills the process, if it still runs, and all that it has started; says how it ended.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        // SAFETY: the process leads its group, whose number is taken until it has been waited for.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        self.child.wait().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// How a process ended, to follow "the worker".
pub(super) fn ending(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => format!("ended with exit status {code}"),
        Some((None, Some(signal))) => format!("was killed by signal {signal}"),
        _ => "ended".into(),
    }
}

fn start_here(command: &Command) -> Result<Process> {
    let failed = |e: io::Error| {
        let program = command.program.display();
        Error::new(rx_data::ErrorKind::Worker, format!("The worker process '{program}' cannot be started: {e}."))
    };
    let (child_tasks, tasks) = io::pipe().map_err(failed)?;
    let (results, child_results) = io::pipe().map_err(failed)?;
    let (out, child_out) = io::pipe().map_err(failed)?;
    let (err, child_err) = io::pipe().map_err(failed)?;
    let (span, shared) = Span::create()?;
    let kept = [child_tasks.as_raw_fd(), child_results.as_raw_fd(), shared.as_raw_fd()];
    for fd in [tasks.as_raw_fd(), results.as_raw_fd(), out.as_raw_fd(), err.as_raw_fd()] {
        never_wait(fd).map_err(failed)?;
        widen(fd);
    }
    let mut process = std::process::Command::new(&command.program);
    process
        .args(&command.args)
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .env(DESCRIPTORS, kept.map(|fd| fd.to_string()).join(","))
        .stdin(Stdio::null())
        .stdout(child_out)
        .stderr(child_err)
        .process_group(0);
    let parent = std::process::id();
    // SAFETY: only calls that a forked child may make.
    unsafe { process.pre_exec(move || in_child(kept, parent)) };
    let child = process.spawn().map_err(failed)?;
    Ok(Process { child, tasks, results, out, err, span, ready: false })
}

/// In the child, before the program: the pipes stay open, and the system will tell when the parent has ended.
fn in_child(kept: [RawFd; 3], parent: u32) -> io::Result<()> {
    for fd in kept {
        // SAFETY: a plain system call.
        if unsafe { libc::fcntl(fd, libc::F_SETFD, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    #[cfg(target_os = "linux")]
    // SAFETY: plain system calls.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
    }
    // SAFETY: a plain system call.
    if unsafe { libc::getppid() } as u32 != parent {
        // The parent was faster.
        return Err(io::Error::from(io::ErrorKind::BrokenPipe));
    }
    Ok(())
}

fn never_wait(fd: RawFd) -> io::Result<()> {
    // SAFETY: plain system calls on a descriptor of ours.
    let set = unsafe { libc::fcntl(fd, libc::F_SETFL, libc::fcntl(fd, libc::F_GETFL) | libc::O_NONBLOCK) };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A pipe of the default size works, too.
fn widen(fd: RawFd) {
    #[cfg(target_os = "linux")]
    // SAFETY: a plain system call on a descriptor of ours.
    unsafe {
        libc::fcntl(fd, libc::F_SETPIPE_SZ, PIPE_BYTES);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (fd, PIPE_BYTES);
}

type Work = Box<dyn FnOnce() + Send>;

/// The thread that starts all workers. On Linux a child is told of the end of the thread that started it, so that
/// thread must last as long as the session.
struct Starter {
    work: Sender<Work>,
    thread: JoinHandle<()>,
    process: u32,
}

static STARTER: Mutex<Option<Starter>> = Mutex::new(None);

fn on_starter<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let gone = || Error::internal("the thread that starts workers has ended");
    let (answer, result) = mpsc::channel();
    let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    // A forked child does not have the thread.
    if starter.as_ref().is_some_and(|starter| starter.process != std::process::id()) {
        std::mem::forget(starter.take());
    }
    if starter.is_none() {
        let (work, todo) = mpsc::channel::<Work>();
        let thread = std::thread::Builder::new()
            .name("rxscale-starter".into())
            .spawn(move || todo.iter().for_each(|work| work()))
            .map_err(|e| Error::internal(format!("a thread cannot be started: {e}")))?;
        *starter = Some(Starter { work, thread, process: std::process::id() });
    }
    let work: Work = Box::new(move || {
        // Whoever asked waits below.
        let _ = answer.send(f());
    });
    starter.as_ref().ok_or_else(gone)?.work.send(work).map_err(|_| gone())?;
    drop(starter);
    result.recv().map_err(|_| gone())
}

/// Ends the thread that starts workers.
pub(super) fn end_starter() {
    match STARTER.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(Starter { work, thread, process }) if process == std::process::id() => {
            drop(work);
            let _ = thread.join();
        }
        other => std::mem::forget(other),
    }
}

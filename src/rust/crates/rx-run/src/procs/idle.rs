//! The workers that have nothing to do: whoever needs some takes them, and brings them back.

use super::Command;
use super::process::{Process, end_starter};
use rx_data::Result;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Idle {
    process: u32,
    command: Command,
    workers: Vec<Process>,
}

static IDLE: Mutex<Option<Idle>> = Mutex::new(None);

/// The idle workers. Those of a process that has forked this one are not ours to use, nor to end.
fn idle() -> MutexGuard<'static, Option<Idle>> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.as_ref().is_some_and(|idle| idle.process != std::process::id()) {
        std::mem::forget(idle.take());
    }
    idle
}

/// A worker started by this command: an idle one that lives, or a new one.
pub(super) fn take(command: &Command) -> Result<Process> {
    let mut idle = idle();
    if idle.as_ref().is_some_and(|idle| idle.command != *command) {
        // Workers of another library or folder are of no use any more.
        *idle = None;
    }
    while let Some(worker) = idle.as_mut().and_then(|idle| idle.workers.pop()) {
        if !worker.has_ended() {
            return Ok(worker);
        }
    }
    drop(idle);
    Process::start(command)
}

/// Keeps a worker for the next call, unless there are `most` already.
pub(super) fn bring_back(command: &Command, worker: Process, most: usize) {
    let mut idle = idle();
    let empty = || Idle { process: std::process::id(), command: command.clone(), workers: Vec::new() };
    let idle = idle.get_or_insert_with(empty);
    if idle.command == *command && idle.workers.len() < most {
        idle.workers.push(worker);
    }
}

/// Ends all idle workers and the thread that started them; to be called before the library is unloaded.
pub fn shutdown() {
    *idle() = None;
    end_starter();
}

//! What a call of workers is made of.

use rx_data::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a worker is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables of its environment, besides ours.
    pub env: Vec<(OsString, OsString)>,
}

/// A call: what to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How workers are started.
    pub command: Command,
    /// How many workers, at most.
    pub workers: usize,
    /// How many idle workers are kept when the call is over.
    pub keep: usize,
    /// How many tasks.
    pub tasks: usize,
    /// What all tasks share.
    pub common: Arc<Vec<u8>>,
    /// Whether tasks have arguments of their own, which [`Client::arguments`] tells.
    pub arguments: bool,
    /// Tasks that a worker is given at once; None leaves that to the supervisor.
    pub chunk: Option<usize>,
    /// Whether a few tasks may all go to one worker first, others taking from it what it has not begun after a moment:
    /// waking a worker takes longer than a short task.
    pub head_start: bool,
    /// How long a task may take.
    pub timeout: Option<Duration>,
    /// How often a task is tried again whose worker died.
    pub retries: u32,
}

/// Why a task has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Its worker died each time it was tried.
    Died {
        /// How, to follow "the worker".
        how: String,
        /// How often it was tried.
        times: u32,
        /// The end of what the worker printed as errors.
        stderr: String,
    },
    /// It took longer than this, and was stopped.
    TimedOut(Duration),
}

/// Whoever called: has the arguments, and takes the results.
pub trait Client {
    /// The arguments of tasks `from .. to`.
    fn arguments(&mut self, from: usize, to: usize) -> Result<Vec<u8>>;
    /// The results of tasks `from .. to`, in any order of chunks.
    fn results(&mut self, from: usize, to: usize, bytes: Vec<u8>) -> Result<()>;
    /// A task without a result.
    fn failed(&mut self, task: usize, failure: Failure) -> Result<()>;
    /// What a task printed.
    fn printed(&mut self, bytes: &[u8]);
    /// Whether to go on; asked ten times a second at least, unless the client itself takes longer.
    fn goes_on(&mut self) -> bool;
}

//! Worker processes: a pool of them that is kept for the session, and a supervisor that shares tasks among them.
//!
//! What a worker runs and what bytes mean is the caller's business: a [`Command`] starts a worker, which calls
//! [`worker::Port`] for its end of the pipes. Between both go frames: a header of four numbers (kind, two positions,
//! length) and a body.
//!
//! ```text
//! supervisor ─► CALL  what all tasks of a call share; once a worker and call       ─► worker
//!                     (an empty one: the call is over)
//!            ─► CHUNK from, to: these tasks, and the arguments that are theirs alone
//! supervisor ◄─ READY the worker has started                                       ◄─ worker
//!            ◄─ DATA  from, to: results of these tasks
//!            ◄─ DONE  the chunk is finished
//! ```
//!
//! Frames have pipes of their own, so whatever a task prints never mixes with them. A worker claims the tasks of its
//! chunk one by one in a word of memory that it shares with the supervisor ([`Span`]). The supervisor thereby knows
//! which task runs, for how long it has done so, and which one a dead worker died in; and it takes tasks that nobody
//! has begun away from a busy worker when another one is idle. Chunks may therefore be large and results may be sent
//! together: a task costs no message.

#[cfg(unix)]
mod idle;
mod plan;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod seat;
#[cfg(unix)]
mod sigpipe;
#[cfg(unix)]
mod span;
#[cfg(unix)]
mod supervise;
#[cfg(not(unix))]
mod unsupported;
#[cfg(unix)]
pub mod worker;

#[cfg(all(test, unix))]
mod tests;

pub use plan::{Client, Command, Failure, Plan};
#[cfg(not(unix))]
pub use unsupported::{run, shutdown, worker};
#[cfg(unix)]
pub use {idle::shutdown, supervise::run};

#[cfg(unix)]
use span::Span;

/// What a frame is.
#[repr(u64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// What all tasks of a call share.
    Call = 1,
    /// Tasks to do.
    Chunk = 2,
    /// The worker has started.
    Ready = 3,
    /// Results.
    Data = 4,
    /// The chunk is finished.
    Done = 5,
}

/// Bytes of a header.
#[cfg(unix)]
const HEADER: usize = 32;

/// What stands before a body.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    kind: FrameKind,
    from: usize,
    to: usize,
    len: usize,
}

#[cfg(unix)]
impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let words = [self.kind as u64, self.from as u64, self.to as u64, self.len as u64];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// None if no frame begins so.
    fn from_bytes(bytes: &[u8; HEADER]) -> Option<Header> {
        let mut words = [0; 4];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(from.try_into().ok()?);
        }
        let kinds = [FrameKind::Call, FrameKind::Chunk, FrameKind::Ready, FrameKind::Data, FrameKind::Done];
        let kind = kinds.into_iter().find(|&kind| kind as u64 == words[0])?;
        let number = |word| usize::try_from(word).ok();
        Some(Header { kind, from: number(words[1])?, to: number(words[2])?, len: number(words[3])? })
    }
}

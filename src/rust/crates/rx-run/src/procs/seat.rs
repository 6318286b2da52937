//! What the supervisor knows of one worker, and the bytes that go to and fro. Nothing here waits.

use super::process::Process;
use super::span::Span;
use super::{FrameKind, HEADER, Header};
use rx_data::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a body that are read before other workers have their turn.
const TURN: usize = 4 << 20;
/// Bytes of what a worker printed that are taken at once: few, since the place for them is made whenever one looks.
const PRINTED: usize = 8 << 10;
/// Bytes of what a worker printed as errors that are remembered.
const TAIL: usize = 8 << 10;

/// The tasks that a worker has been given.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The first of them.
    pub(super) first: usize,
    /// Those before this one have their results.
    pub(super) done: usize,
    /// When it was given.
    pub(super) began: Instant,
    /// The first task that was not begun when one was last begun, and when that was seen.
    pub(super) seen: (usize, Instant),
}

/// Bytes to be sent, and how many of them have been.
struct Outgoing {
    bytes: Arc<Vec<u8>>,
    sent: usize,
}

/// One worker during a call.
pub(super) struct Seat {
    pub(super) process: Process,
    /// Whether it has what all tasks of the call share.
    pub(super) called: bool,
    pub(super) chunk: Option<Chunk>,
    outgoing: VecDeque<Outgoing>,
    header: [u8; HEADER],
    filled: usize,
    body: Option<(Header, Vec<u8>)>,
    /// Whether it can still print, and print errors.
    console: [bool; 2],
    /// Whether it printed something when we last looked.
    pub(super) talks: bool,
    stderr: VecDeque<u8>,
}

impl Seat {
    pub(super) fn new(process: Process) -> Seat {
        Seat {
            process,
            called: false,
            chunk: None,
            outgoing: VecDeque::new(),
            header: [0; HEADER],
            filled: 0,
            body: None,
            console: [true; 2],
            talks: false,
            stderr: VecDeque::new(),
        }
    }

    /// Whether it could take a chunk.
    pub(super) fn is_idle(&self) -> bool {
        self.process.ready && self.chunk.is_none()
    }

    /// The worker, if it can serve another call; an empty CALL lets it forget this one at once, not when the next begins.
    pub(super) fn released(mut self, forgets: bool) -> Option<Process> {
        if self.called && forgets {
            self.push(FrameKind::Call, 0, 0, Arc::default());
            self.write();
        }
        let clean = self.chunk.is_none() && self.outgoing.is_empty() && self.filled == 0 && self.body.is_none();
        clean.then_some(self.process)
    }

    /// The worker's share of the tasks that nobody has begun.
    pub(super) fn span(&self) -> &Span {
        &self.process.span
    }

    /// Gives it tasks.
    pub(super) fn give(&mut self, from: usize, to: usize, common: &Arc<Vec<u8>>, arguments: Vec<u8>) {
        if !self.called {
            self.push(FrameKind::Call, 0, 0, common.clone());
            self.called = true;
        }
        self.span().set(from, to);
        self.push(FrameKind::Chunk, from, to, Arc::new(arguments));
        let now = Instant::now();
        self.stderr.clear();
        self.chunk = Some(Chunk { first: from, done: from, began: now, seen: (from, now) });
        self.write();
    }

    fn push(&mut self, kind: FrameKind, from: usize, to: usize, body: Arc<Vec<u8>>) {
        let header = Header { kind, from, to, len: body.len() }.to_bytes().to_vec();
        let bodies = Some(body).filter(|body| !body.is_empty());
        self.outgoing.extend([Arc::new(header)].into_iter().chain(bodies).map(|bytes| Outgoing { bytes, sent: 0 }));
    }

    /// Sends what the pipe takes, all at once, since each write may wake the worker. One that does not read any more is
    /// found dead elsewhere.
    pub(super) fn write(&mut self) {
        while !self.outgoing.is_empty() {
            let slices: Vec<IoSlice> =
                self.outgoing.iter().map(|out| IoSlice::new(out.bytes.get(out.sent..).unwrap_or_default())).collect();
            match self.process.tasks.write_vectored(&slices) {
                Ok(n) => self.advance(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.outgoing.clear(),
            }
        }
    }

    /// Forgets bytes that have been sent.
    fn advance(&mut self, mut sent: usize) {
        while let Some(front) = self.outgoing.front_mut() {
            let part = sent.min(front.bytes.len() - front.sent);
            front.sent += part;
            sent -= part;
            if front.sent < front.bytes.len() {
                return;
            }
            self.outgoing.pop_front();
        }
    }

    /// What to wait for; of what the worker prints only if there was nothing when we last looked.
    pub(super) fn polled(&self, into: &mut Vec<libc::pollfd>) {
        let mut add = |fd: RawFd, events| into.push(libc::pollfd { fd, events, revents: 0 });
        add(self.process.results.as_raw_fd(), libc::POLLIN);
        let streams = [self.process.out.as_raw_fd(), self.process.err.as_raw_fd()];
        for (fd, open) in streams.into_iter().zip(self.console) {
            if open && !self.talks {
                add(fd, libc::POLLIN);
            }
        }
        if !self.outgoing.is_empty() {
            add(self.process.tasks.as_raw_fd(), libc::POLLOUT);
        }
    }

    /// Reads one frame, or as much of it as there is.
    pub(super) fn read(&mut self) -> Result<Reading> {
        if self.body.is_none() {
            while self.filled < HEADER {
                match self.process.results.read(&mut self.header[self.filled..]) {
                    Ok(0) => return Ok(Reading::Ended),
                    Ok(n) => self.filled += n,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Reading::Later),
                    Err(_) => return Ok(Reading::Ended),
                }
            }
            let header = Header::from_bytes(&self.header);
            let header = header.ok_or_else(|| Error::internal("a worker sent something that is no frame"))?;
            let mut body = Vec::new();
            body.try_reserve_exact(header.len).map_err(|_| {
                let message = format!("There is no memory for a result of {} bytes.", header.len);
                Error::new(ErrorKind::Memory, message).hint("Let the tasks write large results to files.")
            })?;
            self.body = Some((header, body));
        }
        let Some((header, body)) = &mut self.body else { return Ok(Reading::Later) };
        let missing = header.len - body.len();
        let turn = missing.min(TURN);
        let whole = match (&mut self.process.results).take(turn as u64).read_to_end(body) {
            Ok(n) if n < turn => return Ok(Reading::Ended),
            Ok(n) => n == missing,
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                header.len == body.len()
            }
            Err(_) => return Ok(Reading::Ended),
        };
        if let Some(chunk) = &mut self.chunk {
            // A result that is on its way counts as life.
            chunk.seen.1 = Instant::now();
        }
        if !whole {
            return Ok(Reading::Later);
        }
        self.filled = 0;
        Ok(self.body.take().map_or(Reading::Later, |(header, body)| Reading::Frame(header, body)))
    }

    /// Takes what the worker has printed; errors go before the rest.
    pub(super) fn printed(&mut self, mut take: impl FnMut(&[u8])) {
        let mut buffer = [0; PRINTED];
        self.talks = false;
        for stream in [1, 0] {
            while self.console[stream] {
                let read = match stream {
                    0 => self.process.out.read(&mut buffer),
                    _ => self.process.err.read(&mut buffer),
                };
                match read {
                    Ok(0) => self.console[stream] = false,
                    Ok(n) => {
                        self.talks = true;
                        take(&buffer[..n]);
                        if stream == 1 {
                            self.stderr.extend(&buffer[..n]);
                            self.stderr.drain(..self.stderr.len().saturating_sub(TAIL));
                        }
                        if n < buffer.len() {
                            break;
                        }
                    }
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        }
    }

    /// The end of what it printed as errors since it was given its tasks.
    pub(super) fn stderr(&self) -> String {
        let (a, b) = self.stderr.as_slices();
        String::from_utf8_lossy(&[a, b].concat()).trim_end().to_owned()
    }
}

/// What [`Seat::read`] found.
pub(super) enum Reading {
    /// A frame.
    Frame(Header, Vec<u8>),
    /// Not all of a frame is there yet.
    Later,
    /// There will be none any more.
    Ended,
}

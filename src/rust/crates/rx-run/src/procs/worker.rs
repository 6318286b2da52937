//! The worker's end of the pipes.

use super::sigpipe::Sigpipe;
use super::{FrameKind, HEADER, Header, Span};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Results are sent together if they come within this time.
const TOGETHER: Duration = Duration::from_millis(50);
/// Bytes of results that are copied to be sent with their headers.
const AT_ONCE: usize = 1 << 16;
/// The environment variable that tells a worker its file descriptors.
pub(super) const DESCRIPTORS: &str = "RXSCALE_WORKER";

/// Where a worker gets tasks and leaves results.
pub struct Port {
    tasks: BufReader<File>,
    results: File,
    span: Span,
    /// Since when results wait to be sent; None if there are none.
    waiting: Option<Instant>,
}

/// A frame whose body is still to be read.
pub struct Incoming<'a> {
    header: Header,
    body: &'a mut BufReader<File>,
}

impl Incoming<'_> {
    /// What it is, the first task, the one after the last, and the bytes of the body.
    pub fn header(&self) -> (FrameKind, usize, usize, usize) {
        (self.header.kind, self.header.from, self.header.to, self.header.len)
    }

    /// Reads the body into a place of its length.
    pub fn read(self, body: &mut [u8]) -> io::Result<()> {
        self.body.read_exact(body)
    }
}

impl Port {
    /// Takes the descriptors that the supervisor left, and tells it that the worker is there. To be called once, on the
    /// main thread.
    ///
    /// From here on the worker and what it has started end when the supervisor's process does.
    pub fn open() -> io::Result<Port> {
        let text = std::env::var(DESCRIPTORS).map_err(|e| io::Error::new(ErrorKind::NotFound, e))?;
        let numbers: Vec<i32> = text.split(',').filter_map(|number| number.parse().ok()).collect();
        let &[tasks, results, span] = &numbers[..] else {
            return Err(io::Error::new(ErrorKind::InvalidData, "three file descriptors are needed"));
        };
        let take = |fd: i32| {
            // Programs that a task starts shall not keep the pipes open.
            // SAFETY: the descriptor is ours, left by the supervisor.
            unsafe {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                File::from_raw_fd(fd)
            }
        };
        let mut port = Port {
            tasks: BufReader::new(take(tasks)),
            results: take(results),
            span: Span::map(&take(span))?,
            waiting: None,
        };
        end_with_supervisor();
        port.send(&Header { kind: FrameKind::Ready, from: 0, to: 0, len: 0 }.to_bytes(), &[], &[])?;
        Ok(port)
    }

    /// Waits for the next frame; None when there will be no more.
    pub fn receive(&mut self) -> io::Result<Option<Incoming<'_>>> {
        let mut header = [0; HEADER];
        match self.tasks.read_exact(&mut header) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let header = Header::from_bytes(&header);
        let header = header.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no frame begins so"))?;
        Ok(Some(Incoming { header, body: &mut self.tasks }))
    }

    /// The next task of the chunk to run; None if there is none, or if it is time to send results first.
    pub fn claim(&mut self) -> Option<usize> {
        if self.waiting.is_some_and(|since| since.elapsed() >= TOGETHER) {
            return None;
        }
        let task = self.span.claim()?;
        self.waiting.get_or_insert_with(Instant::now);
        Some(task)
    }

    /// Sends the results of tasks `from .. to`; whether the chunk has more.
    pub fn results(&mut self, from: usize, to: usize, body: &[u8]) -> io::Result<bool> {
        self.waiting = None;
        let (next, end) = self.span.get();
        let data = Header { kind: FrameKind::Data, from, to, len: body.len() }.to_bytes();
        // Nothing, if all tasks had been taken away before the first one.
        let (data, body) = if from < to { (&data[..], body) } else { (&[][..], &[][..]) };
        if next < end {
            self.send(data, body, &[])?;
            return Ok(true);
        }
        self.send(data, body, &Header { kind: FrameKind::Done, from: 0, to: end, len: 0 }.to_bytes())?;
        Ok(false)
    }

    /// Sends bytes, small ones at once: each step may wake the supervisor.
    fn send(&mut self, before: &[u8], body: &[u8], after: &[u8]) -> io::Result<()> {
        let _blocked = Sigpipe::block();
        let sent = if body.len() <= AT_ONCE {
            self.results.write_all(&[before, body, after].concat())
        } else {
            [before, body, after].into_iter().try_for_each(|bytes| self.results.write_all(bytes))
        };
        if sent.is_err() {
            // Nobody will ever read a result.
            end_group();
        }
        sent
    }
}

/// The process that handles SIGTERM for its group.
static WORKER: AtomicI32 = AtomicI32::new(0);

/// Sees to it that SIGTERM, which the system sends when the supervisor's process has ended, ends the whole group.
fn end_with_supervisor() {
    extern "C" fn terminated(_: i32) {
        // SAFETY: all of these may be called in a handler. A forked child of a task has inherited it and is none of
        // ours.
        unsafe {
            if libc::getpid() == WORKER.load(Ordering::Relaxed) {
                end_group();
            } else {
                libc::signal(libc::SIGTERM, libc::SIG_DFL);
                libc::raise(libc::SIGTERM);
            }
        }
    }
    // SAFETY: the handler is a function of the right type.
    unsafe {
        WORKER.store(libc::getpid(), Ordering::Relaxed);
        libc::signal(libc::SIGTERM, terminated as *const () as libc::sighandler_t);
    }
}

/// Kills this process and all that it has started, but only if it leads its group: a worker always does.
fn end_group() {
    // SAFETY: plain system calls.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(1);
    }
}

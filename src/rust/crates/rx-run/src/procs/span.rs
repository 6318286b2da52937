//! The tasks of a chunk that nobody has begun, in memory that two processes share.

use rx_data::{Error, ErrorKind, Result};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are mapped: any page holds the word.
const LEN: usize = 4096;

/// Tasks `next .. end`, packed into one word: the worker takes the first, the supervisor takes away the last.
#[derive(Debug)]
pub(super) struct Span {
    word: *const AtomicU64,
}

// SAFETY: the word is only touched atomically, and the page stays mapped as long as the span lives.
unsafe impl Send for Span {}

impl Span {
    /// A new word and the file by which another process can share it.
    pub(super) fn create() -> Result<(Span, File)> {
        let failed =
            |e: io::Error| Error::new(ErrorKind::Worker, format!("Memory cannot be shared with a worker: {e}."));
        let file = shared_file().map_err(failed)?;
        file.set_len(LEN as u64).map_err(failed)?;
        Ok((Span::map(&file).map_err(failed)?, file))
    }

    /// The word in a file made by [`Span::create`].
    pub(super) fn map(file: &File) -> io::Result<Span> {
        let (access, fd) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
        // SAFETY: a fresh mapping of an open file.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), LEN, access, libc::MAP_SHARED, fd, 0) };
        if page == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Span { word: page.cast() }) }
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: mapped, aligned to a page, and zero at first.
        unsafe { &*self.word }
    }

    /// Tasks nobody has begun: the first, and the one after the last.
    pub(super) fn get(&self) -> (usize, usize) {
        unpacked(self.word().load(Ordering::SeqCst))
    }

    /// Sets both; only while nobody else changes them.
    pub(super) fn set(&self, next: usize, end: usize) {
        self.word().store(packed(next, end), Ordering::SeqCst);
    }

    /// Begins the first task.
    pub(super) fn claim(&self) -> Option<usize> {
        self.update(|next, end| (next < end).then_some((next + 1, end))).map(|(next, _)| next)
    }

    /// Takes away the last half of the tasks nobody has begun.
    pub(super) fn halve(&self) -> Option<(usize, usize)> {
        let half = |next, end: usize| end - usize::div_ceil(end - next, 2);
        self.update(|next, end| (next < end).then(|| (next, half(next, end)))).map(|(next, end)| (half(next, end), end))
    }

    /// Changes the word if `f` says so; what it was before.
    fn update(&self, f: impl Fn(usize, usize) -> Option<(usize, usize)>) -> Option<(usize, usize)> {
        let change = |word| {
            let (next, end) = unpacked(word);
            f(next, end).map(|(next, end)| packed(next, end))
        };
        self.word().fetch_update(Ordering::SeqCst, Ordering::SeqCst, change).ok().map(unpacked)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length.
        unsafe { libc::munmap(self.word.cast_mut().cast(), LEN) };
    }
}

/// A file without a name. On a disk the system would now and then let a process wait that changes its memory.
#[cfg(target_os = "linux")]
fn shared_file() -> io::Result<File> {
    // SAFETY: a plain system call; the descriptor is a fresh one.
    unsafe {
        let fd = libc::memfd_create(c"rxscale".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(std::os::fd::FromRawFd::from_raw_fd(fd)) }
    }
}

/// A file that has lost its name at once.
#[cfg(not(target_os = "linux"))]
fn shared_file() -> io::Result<File> {
    use std::sync::atomic::AtomicU32;
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("rxscale-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// There are fewer tasks than 2^32: the supervisor sees to that.
fn packed(next: usize, end: usize) -> u64 {
    (next as u64) << 32 | end as u64
}

fn unpacked(word: u64) -> (usize, usize) {
    ((word >> 32) as usize, (word & 0xFFFF_FFFF) as usize)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_task_is_begun_or_taken_away_once() {
        let (span, file) = Span::create().unwrap();
        let other = Span::map(&file).unwrap();
        span.set(3, 10);
        assert_eq!(other.get(), (3, 10));
        assert_eq!((other.claim(), other.claim()), (Some(3), Some(4)));
        assert_eq!(span.halve(), Some((7, 10)));
        assert_eq!((other.claim(), other.claim(), other.claim()), (Some(5), Some(6), None));
        assert_eq!(span.halve(), None);
        span.set(1, 2);
        assert_eq!(span.halve(), Some((1, 2)));
        assert_eq!(other.claim(), None);
    }
}

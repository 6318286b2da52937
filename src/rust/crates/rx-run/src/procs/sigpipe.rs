//! Writing to a process that may have died.

/// Keeps SIGPIPE, whose handler may be the host's, from this thread as long as it lives; writes fail instead.
pub(super) struct Sigpipe {
    before: libc::sigset_t,
}

impl Sigpipe {
    /// Blocks the signal.
    pub(super) fn block() -> Sigpipe {
        // SAFETY: signal sets of this frame.
        unsafe {
            let mut before = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, &Sigpipe::set(), &raw mut before);
            Sigpipe { before }
        }
    }

    fn set() -> libc::sigset_t {
        // SAFETY: an all-zero set is one.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGPIPE);
            set
        }
    }
}

impl Drop for Sigpipe {
    fn drop(&mut self) {
        // SAFETY: signal sets of this frame. A signal that has come is taken before it is let through again.
        unsafe {
            let mut pending = std::mem::zeroed();
            libc::sigpending(&raw mut pending);
            if libc::sigismember(&raw const pending, libc::SIGPIPE) == 1 {
                let mut signal = 0;
                libc::sigwait(&Sigpipe::set(), &raw mut signal);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

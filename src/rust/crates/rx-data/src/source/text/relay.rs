//! Handing something from one range of a file to the next, whichever threads read them.

use crate::error::{Error, Result};
use std::sync::{Condvar, Mutex, MutexGuard};

/// A baton: range 0 gets the first value, and every range passes one on to its successor. Ranges are taken up in
/// increasing order, so the one waited for is always at work; if it fails, all who wait get its error.
pub(super) struct Relay<T> {
    state: Mutex<State<T>>,
    passed: Condvar,
}

struct State<T> {
    /// Whose turn it is.
    turn: usize,
    /// None while the range whose turn it is has the baton.
    baton: Option<T>,
    failed: Option<Error>,
}

impl<T> Relay<T> {
    /// A relay whose first range gets `first`.
    pub fn new(first: T) -> Self {
        let state = State { turn: 0, baton: Some(first), failed: None };
        Relay { state: Mutex::new(state), passed: Condvar::new() }
    }

    /// Waits for what the predecessor of range `index` passes on.
    pub fn take(&self, index: usize) -> Result<T> {
        let mut state = self.lock();
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.turn == index
                && let Some(baton) = state.baton.take()
            {
                return Ok(baton);
            }
            state = self.passed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// Passes something on from range `index` to its successor.
    pub fn pass(&self, index: usize, baton: T) {
        let mut state = self.lock();
        state.turn = index + 1;
        state.baton = Some(baton);
        self.passed.notify_all();
    }

    /// Ends the relay. The first error counts.
    pub fn fail(&self, error: &Error) {
        self.lock().failed.get_or_insert_with(|| error.clone());
        self.passed.notify_all();
    }

    /// The error that ended the relay.
    pub fn failure(&self) -> Option<Error> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code that can panic runs under the lock.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn batons_arrive_in_order_and_an_error_frees_all_who_wait() {
        let (relay, ticket) = (Relay::new(0usize), AtomicUsize::new(0));
        let failures = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let index = ticket.fetch_add(1, Ordering::Relaxed);
                        match relay.take(index) {
                            Ok(sum) if index < 1_000 => {
                                assert_eq!(sum, index * (index.max(1) - 1) / 2);
                                relay.pass(index, sum + index);
                            }
                            Ok(_) => relay.fail(&Error::interrupted()),
                            Err(error) => {
                                assert_eq!(error, Error::interrupted());
                                failures.fetch_add(1, Ordering::Relaxed);
                                return;
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(failures.into_inner(), 4);
    }
}

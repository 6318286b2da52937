//! One pool of threads for the session.

use rx_data::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The threads that jobs run on.
#[derive(Clone)]
pub struct Pool {
    threads: Arc<rayon::ThreadPool>,
    handles: Arc<Mutex<Vec<JoinHandle<()>>>>,
    process: u32,
}

/// The session's pool.
static SESSION: Mutex<Option<Pool>> = Mutex::new(None);

impl Pool {
    /// A pool of its own, for tests and workers.
    pub fn new(threads: usize) -> Result<Pool> {
        let handles = Arc::new(Mutex::new(Vec::new()));
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .spawn_handler(|thread| {
                let name = format!("rxscale-{}", thread.index());
                let handle = std::thread::Builder::new().name(name).spawn(|| thread.run())?;
                handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                Ok(())
            })
            .build()
            .map_err(|e| Error::internal(format!("threads cannot be started: {e}")))?;
        Ok(Pool { threads: Arc::new(threads), handles, process: std::process::id() })
    }

    /// The session's pool with so many threads; made when first asked for, and again when the number changes.
    pub fn session(threads: usize) -> Result<Pool> {
        let mut session = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
        // The threads of the pool do not exist in a forked child, so it must neither use nor join them.
        if session.as_ref().is_some_and(|p| p.process != std::process::id()) {
            std::mem::forget(session.take());
        }
        match &*session {
            Some(pool) if pool.len() == threads.max(1) => Ok(pool.clone()),
            _ => {
                let pool = Pool::new(threads)?;
                *session = Some(pool.clone());
                Ok(pool)
            }
        }
    }

    /// Ends the session's threads and waits for them; to be called before the library is unloaded.
    pub fn shutdown() {
        let mut session = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
        match session.take() {
            Some(pool) if pool.process == std::process::id() => {
                let Pool { threads, handles, .. } = pool;
                drop(threads);
                for handle in handles.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                    // A worker that panicked has told so already, and is gone.
                    let _ = handle.join();
                }
            }
            other => std::mem::forget(other),
        }
    }

    /// Number of threads.
    pub fn len(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Never: a pool has a thread at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Runs work on one of the threads; it may share it with the others.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.install(work)
    }

    /// Runs the same work on every thread and waits for all of them.
    pub fn broadcast<R: Send>(&self, work: impl Fn() -> R + Sync) -> Vec<R> {
        self.threads.broadcast(|_| work())
    }
}

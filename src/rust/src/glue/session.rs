//! The engine itself.

use crate::error::respond;
use extendr_api::prelude::*;
use rx_data::lock::{FolderLock, lock_folder};
use rx_run::Pool;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The version of the engine, which is that of the package.
#[extendr]
fn rx_engine_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Whether this is a test build, which environment variables can make panic or shuffle its blocks.
#[extendr]
fn rx_engine_has_test_hooks() -> bool {
    cfg!(feature = "test-hooks")
}

/// Ends the engine's worker processes and threads; called before the library is unloaded.
#[extendr]
fn rx_engine_shutdown() {
    super::exec::shutdown();
    Pool::shutdown();
}

/// Ends the threads that analyses run on; the next one starts them again.
#[extendr]
fn rx_engine_end_threads() {
    Pool::shutdown();
}

/// Takes the lock of a folder, which ends with rx_engine_unlock; NULL if there is no such folder.
#[extendr]
fn rx_engine_lock_folder(path: &str) -> Robj {
    respond(|| {
        Ok(match lock_folder(Path::new(path))? {
            Some(lock) => Robj::from(ExternalPtr::new(Mutex::new(Some(lock)))),
            None => Robj::from(()),
        })
    })
}

/// Ends a lock.
#[extendr]
fn rx_engine_unlock(lock: Robj) {
    let lock: std::result::Result<&ExternalPtr<Mutex<Option<FolderLock>>>, _> = (&lock).try_into();
    if let Some(lock) = lock.ok().and_then(|lock| lock.try_addr().ok()) {
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

extendr_module! {
    mod session;
    fn rx_engine_version;
    fn rx_engine_has_test_hooks;
    fn rx_engine_shutdown;
    fn rx_engine_end_threads;
    fn rx_engine_lock_folder;
    fn rx_engine_unlock;
}

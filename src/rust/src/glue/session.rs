//! The engine itself.

use extendr_api::prelude::*;
use rx_run::Pool;

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

extendr_module! {
    mod session;
    fn rx_engine_version;
    fn rx_engine_has_test_hooks;
    fn rx_engine_shutdown;
    fn rx_engine_end_threads;
}

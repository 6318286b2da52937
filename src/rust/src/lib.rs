//! Glue between R and the engine.

// extendr's macros generate public functions without documentation.
#![allow(missing_docs)]

use extendr_api::prelude::*;

/// The version of the engine, which is that of the package.
#[extendr]
fn rx_engine_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

extendr_module! {
    mod rxscale;
    fn rx_engine_version;
}

//! One `#[extendr]` function per entry: parse the arguments, run one engine function as a job, convert the result.

pub mod import;
pub mod info;
pub mod session;
pub mod source;

//! Rows that only R code can reach, such as those of databases: it hands them over, or takes them, on the main thread.

mod sink;
mod source;

pub use sink::ForeignSink;
pub use source::ForeignSource;

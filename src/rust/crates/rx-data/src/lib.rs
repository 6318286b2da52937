//! Blocks, schemas, sources and sinks: everything rxscale knows about data, and nothing it knows about statistics.
//!
//! A [`source::Source`] decodes [`block::Block`]s of [`column::Column`]s described by a [`schema::Schema`]; a
//! [`sink::Sink`] writes them. Missing values are coded as R codes them, so a vector of R's own memory and a decoded
//! block are the same thing to whoever reads them.

pub mod block;
mod checksum;
pub mod column;
pub mod convert;
mod dictionary;
pub mod error;
pub mod expr;
pub mod groups;
pub mod inflate;
pub mod interner;
pub mod join;
pub mod lock;
pub mod schema;
mod sealed;
pub mod sink;
pub mod sort;
pub mod source;
#[cfg(test)]
mod testing;
pub mod xdf;
pub mod xdf_legacy;

pub use block::{Block, BlockMap, Identity};
pub use column::Column;
pub use error::{Error, ErrorKind, Result};
pub use schema::{Field, Kind, Labels, Schema};
pub use source::{Scan, Source};

//! Where blocks go.

mod atomic;
mod folder;
mod format;
mod frame;
mod gather;
mod parquet;
mod style;
mod text;
mod xdf;

pub use atomic::AtomicFile;
pub(crate) use atomic::{remove_leftovers, temp_name};
pub use frame::{FrameSink, FrameTable, Room, Words};
pub use parquet::{ParquetOptions, ParquetSink};
pub use text::{EncodedText, FileSet, Quote, TextSink, TextSinkOptions};
pub use xdf::{SplitOptions, SplitSink, SplitTable, XdfOptions, XdfSink};

pub(crate) use parquet::{INFO_KEY as PARQUET_INFO_KEY, ParquetInfo};

use crate::block::Block;
use crate::error::Result;

/// Takes the blocks of a map job, in order, and commits them at once or not at all.
///
/// A block goes through three steps. [`Sink::admit`] and [`Sink::write`] run in block order, one block at a time, and
/// must be cheap; [`Sink::encode`] runs on any thread in any order. If a job fails or is interrupted the sink is dropped
/// without [`Sink::finish`] and must leave nothing behind.
pub trait Sink: Send + Sync {
    /// A block with what was decided for it in order (codes of new labels, position).
    type Admitted: Send;
    /// A block ready to be written.
    type Encoded: Send;
    /// What the finished sink is.
    type Output;

    /// In order: agree on levels, assign positions.
    fn admit(&self, block: Block) -> Result<Self::Admitted>;
    /// In any order: the expensive part.
    fn encode(&self, block: Self::Admitted) -> Result<Self::Encoded>;
    /// In order: append.
    fn write(&self, block: Self::Encoded) -> Result<()>;
    /// Commit.
    fn finish(self) -> Result<Self::Output>;
}

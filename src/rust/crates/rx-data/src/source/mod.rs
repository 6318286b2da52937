//! Where blocks come from.

mod beside;
mod composite;
mod frame;
mod numbers;
mod open;
mod parquet;
mod picked;
mod range;
mod stack;
mod text;
mod xdf;
mod xdf_legacy;

pub use beside::Beside;
pub use composite::CompositeSource;
pub use frame::Frame;
pub use numbers::RowNumbers;
pub use open::open_file;
pub use parquet::ParquetSource;
pub use picked::Picked;
pub use range::RowRange;
pub use stack::Stack;
pub use text::{ColumnOptions, TextOptions, TextSource};
pub use xdf::XdfSource;
pub use xdf_legacy::{LegacyOptions, LegacyXdfSource};

pub(crate) use open::{read_at, write_at};

use crate::block::Block;
use crate::error::Result;
use crate::schema::Schema;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Something that can be read block by block, any number of times.
pub trait Source: Send + Sync {
    /// The columns.
    fn schema(&self) -> &Schema;
    /// The number of rows, where it is known without reading.
    fn rows(&self) -> Option<u64>;
    /// The logical blocks that the user sees, in rows, where the source has such.
    fn block_rows(&self) -> Option<Vec<u64>> {
        None
    }
    /// Whether the values are in memory already, so that holding blocks of them takes none.
    fn in_memory(&self) -> bool {
        false
    }
    /// The file that the rows come from.
    fn file(&self) -> Option<&Path> {
        None
    }
    /// What the file says of itself.
    fn about(&self) -> About {
        About::default()
    }
    /// Starts a pass over some columns (positions in the schema, in the order wanted).
    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>>;
    /// Starts a pass at a row (from 0) or before it, without reading what can be skipped; and tells how many rows were.
    fn scan_from(&self, columns: &[usize], _row: u64) -> Result<(Box<dyn Scan + '_>, u64)> {
        Ok((self.scan(columns)?, 0))
    }
}

/// What a file says of itself beyond its columns and rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The user's description.
    pub description: Option<String>,
    /// How the values are compressed: "none", "lz4", "zstd", "snappy", ...
    pub compression: Option<String>,
    /// Number of files, of a composite set.
    pub files: Option<usize>,
    /// Whether the file is one of Microsoft's format, which is not written.
    pub legacy: bool,
    /// What the user should know before believing the columns' types.
    pub caution: Option<String>,
}

/// One pass over a source. Many threads may call [`Scan::next`] at once: decoding is parallel.
pub trait Scan: Send + Sync {
    /// The next block nobody has taken yet, or None at the end. Indices start at 0 and have no gaps; they are handed
    /// out in increasing order, though a later one may be decoded sooner.
    fn next(&self) -> Result<Option<Block>>;
}

/// The scan of a source whose blocks can be read in any order.
pub struct Tickets<F> {
    next: AtomicUsize,
    blocks: usize,
    read: F,
}

impl<F: Fn(usize) -> Result<Block> + Send + Sync> Tickets<F> {
    /// A scan of `blocks` blocks; `read(i)` decodes block i.
    pub fn new(blocks: usize, read: F) -> Self {
        Tickets { next: AtomicUsize::new(0), blocks, read }
    }
}

impl<F: Fn(usize) -> Result<Block> + Send + Sync> Scan for Tickets<F> {
    fn next(&self) -> Result<Option<Block>> {
        let i = self.next.fetch_add(1, Ordering::Relaxed);
        if i < self.blocks { (self.read)(i).map(Some) } else { Ok(None) }
    }
}

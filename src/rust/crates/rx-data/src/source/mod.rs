//! Where blocks come from.

mod beside;
mod composite;
mod frame;
mod numbers;
mod open;
mod parquet;
mod picked;
mod places;
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
pub(crate) use places::Places;

use crate::block::Block;
use crate::error::Result;
use crate::schema::{Labels, Schema};
use std::ops::Range;
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
    /// The labels of a column, if all blocks have its values by code, and these are the labels of every one.
    fn labels(&self, _column: usize) -> Option<Labels> {
        None
    }
    /// Whether a block must not be asked for before those before it are wanted: making rows may have effects.
    fn in_turn(&self) -> bool {
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
    /// Starts a pass that shows some rows (from 0) at least, without reading what can be left out; and tells how many
    /// rows before them it leaves out.
    fn scan_rows(&self, columns: &[usize], _rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
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

/// Which of some pieces, given by their numbers of rows, have rows of a range; and how many rows come before those.
fn pieces_within(sizes: impl IntoIterator<Item = u64>, rows: &Range<u64>) -> (Range<usize>, u64) {
    let (mut first, mut skipped, mut end, mut before) = (0, 0, 0, 0);
    for (i, size) in sizes.into_iter().enumerate() {
        if before + size <= rows.start {
            (first, skipped) = (i + 1, before + size);
        }
        if before < rows.end {
            end = i + 1;
        }
        before += size;
    }
    (first..end.max(first), skipped)
}

impl<F: Fn(usize) -> Result<Block> + Send + Sync> Scan for Tickets<F> {
    fn next(&self) -> Result<Option<Block>> {
        let i = self.next.fetch_add(1, Ordering::Relaxed);
        if i < self.blocks { (self.read)(i).map(Some) } else { Ok(None) }
    }
}

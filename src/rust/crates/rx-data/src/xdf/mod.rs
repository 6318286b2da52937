//! The XDF file: an Arrow IPC file that pyarrow, polars and others read, and a little more.
//!
//! ```text
//! ARROW1 | schema | record batch ... | dictionary ... | end mark | seal | footer | its length | ARROW1
//! ```
//!
//! - A **logical block** (what `rowsPerRead` made and `rxGetInfo` counts) is stored as record batches of at most
//!   [`MAX_BATCH_ROWS`] rows, none of which crosses its end. The footer's metadata key `rxscale` says which belong to it.
//! - **Dictionaries** come last, when all levels are known, and whole. Their place is in the footer.
//! - Names, descriptions and ranges of columns stand in the **footer's** schema; the schema at the start of the file is
//!   as it was when writing began.
//! - **Missing values** are nulls, and the values under the nulls of 32- and 64-bit numbers are the missing codes, so they
//!   are read back without a look at the bitmap. NaN is a value.
//! - **Dates** are whole days and **times** microseconds. A batch whose doubles do not fit into these carries the doubles
//!   too, where only rxscale looks for them (`rxscale.exact` in the batch's metadata).
//! - **Checksums**: every buffer's is in the metadata of its message, every message's in the footer, the footer's in the
//!   seal before it ([`crate::checksum`]). What is read is checked.
//! - **Appending** and **changing metadata** write behind the old footer, guarded by a [`journal`]; what was written is
//!   never moved.

mod batch;
mod codec;
mod footer;
mod foreign;
mod journal;
mod metadata;
pub(crate) mod set;
#[cfg(test)]
mod tests;

pub use codec::Compression;
pub use metadata::{Metadata, update_metadata};
pub use set::head_of;

pub(crate) use batch::{Message, Reader, Slot, Want, encode_batch, encode_dictionary};
pub(crate) use codec::{Pool, Pooled, compress, decompress};
pub(crate) use footer::{FileInfo, Footer, MAGIC, Place, encode_schema};
pub(crate) use journal::{InPlace, discard_journal, end_of};
pub(crate) use metadata::not_own;

/// Rows of a logical block where nobody says otherwise.
pub(crate) const BLOCK_ROWS: u64 = 500_000;

/// Rows of a record batch at most: decoded columns of this size stay in a core's cache.
pub const MAX_BATCH_ROWS: usize = 32_768;

//! Rows in the order of keys, in memory or beyond it.
//!
//! ```text
//! blocks ─► words ─► heads ─► items ─► sorted items ─► pieces ─► blocks
//!                                 └─► runs on disk ─► merge ─┘
//! ```
//!
//! - A key's value becomes a **word** of 64 bits whose order is that of the values, missing ones, `decreasing` and case
//!   included ([`Key`]). Text longer than seven bytes is the exception: words that agree leave its order open.
//! - The bits in which the words of any two rows differ, all keys one after the other, are the row's **head**, another 64
//!   bits ([`Packing`]). Where these are too few, rows with equal heads are compared key by key.
//! - An **item** is a head and where its row is. Items are sorted ([`Items`]), rows are not: they are gathered once, when
//!   the order is known ([`Piece`]); from **records** in memory, which have the values of a row side by side.
//! - Rows beyond the limit of memory go to a temporary file as sorted **runs** ([`Spill`]), which are merged
//!   ([`merge`]). What is planned in order is only which row comes next; rows are read, gathered and written by all threads.
//!
//! Equal keys keep the order of their rows, so the result is one and the same for any number of threads and any limit.

mod distinct;
mod gather;
mod harmony;
mod items;
mod key;
mod merge;
mod ordered;
mod pack;
mod piece;
mod records;
mod spill;

pub use gather::gather;
pub use harmony::Harmony;
pub use items::{ITEM_BYTES, Items};
pub use key::{Key, Keys, LabelWords, Sorts};
pub use ordered::{Distinct, Ordered, Rows};
pub use pack::{Packing, Profile};
pub use piece::{Cursor, NOWHERE, Part, Piece, detach, row_bytes};
pub use records::with_records;
pub use spill::{Run, Spill};

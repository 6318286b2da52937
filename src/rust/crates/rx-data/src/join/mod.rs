//! Rows of two sources that have the same keys, side by side.
//!
//! Both sides are sorted by their keys ([`crate::sort`]), their heads are made in one way, and then they are walked along
//! together ([`pairs`]): what is planned in order is only which rows go together, and the columns are gathered by all
//! threads. So either side may be larger than memory, and the result is in the order of the keys. Rows of equal keys go
//! together each with each, those of the first side outermost. Missing keys are equal to each other, as in R's `merge()`.

mod keys;
mod pairs;
mod ranked;
mod ranks;
mod source;

pub use keys::{Match, matches};
pub use ranked::{Ranked, by_rank, with_ranks};
pub use ranks::Ranks;
pub use source::{Joined, Outer};

//! The contract of every analysis that reduces data to a model.
//!
//! ```text
//! blocks ─► batches ─► update ─► update ─► ...  ─► merge ─► finish: Done(model) | Again(next estimator)
//! ```
//!
//! Accumulators of one pass live in the state; what persists between passes lives in the estimator. A state keeps
//! mergeable statistics (counts, means, centred sums), never finalized values.

use crate::decode::Decoder;
use crate::design::Design;
use crate::levels::{FoundCodes, Moves};
use rx_data::{Block, Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Missing category in [`ModelBatch::codes`].
pub const NO_LEVEL: u32 = u32::MAX;

/// At most [`crate::decode::BATCH_ROWS`] decoded rows of a block.
#[derive(Debug, Clone, Copy)]
pub struct ModelBatch<'a> {
    /// Number of rows.
    pub rows: usize,
    /// Rows of the block that were dropped for missing values while this batch was made.
    pub dropped: u64,
    /// One slice a numeric variable of the design; NaN is missing.
    pub numeric: &'a [&'a [f64]],
    /// One slice a category of the design: level positions from 0, [`NO_LEVEL`] is missing.
    pub codes: &'a [&'a [u32]],
    /// Weights, where the design has any.
    pub weight: Option<&'a [f64]>,
}

/// Reduces blocks to a state. Runs next to the data: on a thread, or in a worker process.
pub trait Estimator: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// What one lane accumulates in one pass.
    type State: Clone + Serialize + DeserializeOwned + Send;
    /// Whether some of a state is exact in any order of rows, such as counts.
    const HAS_EXACT: bool = false;

    /// Sees the first batch once, before the lanes start: shifts, ranges.
    fn pilot(&mut self, first: &ModelBatch) -> Result<()>;
    /// The identity of [`Estimator::merge`].
    fn init(&self) -> Self::State;
    /// Takes in a batch.
    fn update(&self, state: &mut Self::State, batch: &ModelBatch) -> Result<()>;
    /// Takes in a block, batch by batch, and asks `go_on` before each. An estimator that can do without decoded batches
    /// may read the columns itself.
    fn update_block(
        &self,
        state: &mut Self::State,
        block: &Block,
        found: &FoundCodes,
        decoder: &mut Decoder,
        go_on: GoOn,
    ) -> Result<()> {
        decoder.each_batch(block, found, |batch| {
            go_on()?;
            self.update(state, batch)
        })
    }
    /// Exchanges what is exact in any order of rows. A thread keeps one such part for all the blocks that it takes in,
    /// whatever their lanes, so that there is one table a thread and not one a lane.
    fn swap_exact(&self, _: &mut Self::State, _: &mut Self::State) {}
    /// Takes in another state; associative to rounding.
    fn merge(&self, state: &mut Self::State, other: Self::State) -> Result<()>;
    /// Declared bound of a state's size: decides how many lanes there are.
    fn state_bytes(&self) -> usize;
    /// Refuses to start where `limit` bytes do not hold eight states. `what` needs them, in the plural.
    fn check_memory(&self, limit: u64, what: &str, hint: &str) -> Result<()> {
        let bytes = (self.state_bytes() as u64).saturating_mul(8);
        if bytes <= limit {
            return Ok(());
        }
        let message = format!("{what} need {} MB; the limit is {} MB.", bytes >> 20, limit >> 20);
        Err(Error::new(ErrorKind::Memory, message).hint(format!("{hint} rxOptions(memoryLimitMB).")))
    }
    /// Bytes of decoded columns that may be kept for later passes: none where one or two passes are the rule.
    fn kept_bytes(&self) -> u64 {
        0
    }
    /// The same estimator, pilot included, over the same variables with other numbers of levels. Only what has categories
    /// needs one of its own; so for [`Estimator::carry`].
    fn relevel(&self, _: &Design) -> Result<Self> {
        Ok(self.clone())
    }
    /// Moves the sums of a state to the levels that `to` has. What comes from no row has no level and is empty.
    fn carry(&self, state: Self::State, _: &Self, _: &Moves) -> Result<Self::State> {
        Ok(state)
    }
}

/// Runs once on the master after each pass. The only place that may call LAPACK.
pub trait Finish: Estimator {
    /// The result.
    type Model: Send;
    /// Whether `finish` shares its work with the other threads of the pool, which costs some microseconds.
    const SHARES: bool = false;
    /// Turns the merged state into a model, or asks for another pass. Long work asks `go_on` now and then and stops with
    /// its error.
    fn finish(self, state: Self::State, go_on: GoOn) -> Result<Step<Self, Self::Model>>;
}

/// Tells whether to go on: an error if the job was cancelled.
pub type GoOn<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// What follows a pass.
#[derive(Debug)]
pub enum Step<E, M> {
    /// The result.
    Done(M),
    /// Another pass with this estimator.
    Again(E),
}

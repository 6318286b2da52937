//! The drivers of rxscale: [`local::reduce`] runs an estimator, [`local::map`] runs rows to rows, both over all cores
//! with the same answer for any number of threads, and both stop within a batch when told to.

pub mod control;
pub mod join;
mod kept;
pub mod levels;
pub mod local;
pub mod memory;
pub mod pool;
pub mod prepare;
pub mod procs;
pub mod sort;

pub use control::Control;
pub use local::{Passes, first_rows, map, reduce};
pub use memory::default_memory;
pub use pool::Pool;
pub use prepare::{Prepared, prepare};

//! The estimators of rxscale: one file an algorithm, one contract ([`estimator`]), one test of its laws ([`laws`]).

pub mod design;
pub mod estimator;

pub use design::Design;
pub use estimator::{Estimator, Finish, ModelBatch, Step};

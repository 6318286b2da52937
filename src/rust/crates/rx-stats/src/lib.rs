//! The estimators of rxscale: one file an algorithm, one contract ([`estimator`]), one test of its laws ([`laws`]).

pub mod cells;
pub mod covariance;
pub mod crossprod;
pub mod crosstab;
pub mod dd;
pub mod decode;
pub mod design;
pub mod elementary;
pub mod estimator;
pub mod glm;
pub mod keys;
pub mod kmeans;
#[cfg(test)]
pub mod laws;
pub mod levels;
pub mod linmod;
pub mod lorenz;
pub mod predict;
pub mod quantile;
pub mod roc;
#[cfg(feature = "solve")]
pub mod solve;
#[cfg(feature = "solve")]
pub mod step;
pub mod summary;
pub mod tails;

pub use design::Design;
pub use estimator::{Estimator, Finish, ModelBatch, Step};

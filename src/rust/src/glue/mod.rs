//! One `#[extendr]` function per entry: parse the arguments, run one engine function as a job, convert the result.

pub mod analysis;
pub mod covariance;
pub mod crosstab;
pub mod exec;
pub mod glm;
pub mod import;
pub mod inflate;
pub mod info;
pub mod kmeans;
pub mod linmod;
pub mod lorenz;
pub mod merge;
pub mod predict;
pub mod quantile;
pub mod reader;
pub mod roc;
pub mod session;
pub mod sink;
pub mod sort;
pub mod source;
pub mod step;
pub mod summary;
pub mod worker;

//! Glue between R and the engine.

// extendr's macros generate public functions without documentation.
#![allow(missing_docs)]

mod callback;
mod error;
mod foreign;
mod glue;
mod interrupt;
mod job;
mod plain;
mod result;
mod spec;
mod strings;
mod transform;
mod view;

use extendr_api::prelude::*;
use glue::{
    covariance, crosstab, exec, glm, import, inflate, info, kmeans, linmod, lorenz, merge, predict, quantile, reader,
    roc, session, sort, step, summary, worker,
};

extendr_module! {
    mod rxscale;
    use session;
    use info;
    use import;
    use reader;
    use sort;
    use merge;
    use summary;
    use crosstab;
    use covariance;
    use linmod;
    use step;
    use glm;
    use predict;
    use kmeans;
    use quantile;
    use inflate;
    use roc;
    use lorenz;
    use exec;
    use worker;
}

//! What all analyses share: a source and the variables of a formula become a design, an estimator runs over it.

use super::source::{Opened, open};
use crate::job::{self, Job};
use crate::{spec, strings};
use extendr_api::prelude::*;
use rx_data::{Labels, Result};
use rx_run::prepare::{Prepared, Variables, prepare};
use rx_run::{Control, Pool};

/// Opens the source, makes a design, and runs an analysis as a job; its last argument is the memory limit in bytes.
/// Returns its result and the levels of the categories.
pub fn run<T: Send>(
    source: &Robj,
    variables: &Robj,
    job: &Robj,
    analyse: impl FnOnce(&Pool, &Control, &mut Prepared, u64) -> Result<T> + Send,
) -> Result<(T, Vec<Labels>)> {
    let job = Job::from_r(job)?;
    let variables: Variables = spec::parse(variables, "variables")?;
    let Opened { source, runs_r_code } = open(source, Some(&columns_of(&variables)), Some(&job))?;
    let (spool, memory) = (runs_r_code.then(|| job.spool.clone()), job.memory);
    job::run(&job, |control, pool, _| {
        let mut prepared = prepare(pool, control, source, &variables, spool.as_deref())?;
        let result = analyse(pool, control, &mut prepared, memory)?;
        Ok((result, prepared.design.categories.iter().map(|c| c.levels.clone()).collect()))
    })
}

fn columns_of(variables: &Variables) -> Vec<String> {
    let numeric = variables.numeric.iter().map(|v| &v.column);
    let categories = variables.categories.iter().map(|v| &v.column);
    let mut names: Vec<String> =
        numeric.chain(categories).chain(variables.weight.iter().map(|w| &w.column)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The levels of all categories, as a list of character vectors.
pub fn levels(levels: &[Labels]) -> Result<Robj> {
    Ok(List::from_values(levels.iter().map(|l| strings::strings(l)).collect::<Result<Vec<Robj>>>()?).into())
}

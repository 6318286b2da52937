//! Rows of several sources as one table.

use super::sink;
use super::source::open;
use crate::error::{malformed, respond};
use crate::job::{self, Job};
use crate::spec;
use extendr_api::prelude::*;
use rx_data::join::Outer;
use rx_data::source::{Beside, Picked, Stack};
use rx_data::{Error, ErrorKind, Result, Source};
use rx_run::join::Joining;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// How to merge: the list that `merge_options()` of R/merge.R makes.
#[derive(Deserialize)]
struct How {
    r#type: String,
    keys: Vec<String>,
    decreasing: bool,
    missing_low: bool,
    sorted: bool,
    folder: PathBuf,
}

/// Merges sources, each a list(source, columns, names), to a sink: what rx_engine_import answers.
#[extendr]
fn rx_engine_merge(inputs: Robj, how: Robj, sink: Robj, job: Robj) -> Robj {
    respond(|| merge(&inputs, &how, &sink, &job))
}

fn merge(inputs: &Robj, how: &Robj, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let how: How = spec::parse(how, "how")?;
    let inputs = List::try_from(inputs).map_err(|cause| malformed("inputs", cause))?;
    let inputs = inputs.values().map(|input| picked(&input, &job)).collect::<Result<Vec<_>>>()?;
    let legacy = inputs.iter().any(|input| input.about().legacy);
    let merged: Arc<dyn Source> = match how.r#type.as_str() {
        "union" => Arc::new(Stack::new(inputs.into_iter().map(|input| Arc::new(input) as Arc<dyn Source>).collect())?),
        "oneToOne" => {
            check_rows(&inputs)?;
            let mut inputs = inputs.into_iter().map(|input| Arc::new(input) as Arc<dyn Source>);
            let first = inputs.next().ok_or_else(|| malformed("inputs", "there are none"))?;
            inputs.fold(first, |left, right| Arc::new(Beside::new(left, right)))
        }
        kind => {
            let joining = Joining {
                keys: how.keys,
                decreasing: how.decreasing,
                missing_low: how.missing_low,
                outer: Outer { first: matches!(kind, "left" | "full"), second: matches!(kind, "right" | "full") },
                sorted: how.sorted,
                memory: job.memory,
                folder: how.folder,
            };
            let sides = <[Picked; 2]>::try_from(inputs).map_err(|_| malformed("inputs", "there are not two"))?;
            Arc::new(job::run(&job, |control, pool, _| rx_run::join::join(pool, control, sides, &joining))?)
        }
    };
    let all: Vec<usize> = (0..merged.schema().fields.len()).collect();
    sink::copy(&job, merged, &all, legacy, sink)
}

/// Refuses inputs that are known to have different numbers of rows; others are found out when they are read.
fn check_rows(inputs: &[Picked]) -> Result<()> {
    let rows: Vec<u64> = inputs.iter().filter_map(|input| input.rows()).collect();
    match rows.windows(2).find(|rows| rows[0] != rows[1]) {
        None => Ok(()),
        Some(rows) => {
            let message = format!("Two of the inputs have {} and {} rows.", rows[0], rows[1]);
            let hint = "Only as many rows can be put side by side; join them by `matchVars` instead.";
            Err(Error::new(ErrorKind::Argument, message).hint(hint))
        }
    }
}

/// Columns of a source under new names.
fn picked(input: &Robj, job: &Job) -> Result<Picked> {
    let columns: Vec<String> = spec::parse(&spec::need(input, "columns")?, "columns")?;
    let names: Vec<String> = spec::parse(&spec::need(input, "names")?, "names")?;
    let source = open(&spec::need(input, "source")?, Some(&columns), Some(job))?.source;
    let positions = source.schema().indices_of(&columns)?;
    Ok(Picked::new(source, positions, &names))
}

extendr_module! {
    mod merge;
    fn rx_engine_merge;
}

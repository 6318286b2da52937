//! Rows in the order of keys.

use super::sink;
use super::source::open;
use crate::error::respond;
use crate::job::{self, Job};
use crate::spec;
use extendr_api::prelude::*;
use rx_data::sort::{Distinct, Key, Keys, Sorts};
use rx_data::{Result, Schema, Source};
use rx_run::sort::Sorting;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// A column to sort by.
#[derive(Deserialize)]
struct SortedBy {
    column: String,
    decreasing: bool,
}

/// How to sort: the list that `sort_options()` of R/sort.R makes.
#[derive(Deserialize)]
pub struct How {
    missing_low: bool,
    ignore_case: bool,
    always_spill: bool,
    folder: PathBuf,
    distinct: bool,
    count: Option<String>,
}

/// Copies columns of a source to a sink in the order of keys: what rx_engine_import answers.
#[extendr]
fn rx_engine_sort(source: Robj, columns: Robj, keys: Robj, how: Robj, sink: Robj, job: Robj) -> Robj {
    respond(|| sort(&source, &columns, &keys, &how, &sink, &job))
}

fn sort(source: &Robj, columns: &Robj, keys: &Robj, how: &Robj, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let wanted: Vec<String> = spec::parse(columns, "columns")?;
    let keys: Vec<SortedBy> = spec::parse(keys, "keys")?;
    let how: How = spec::parse(how, "how")?;
    let source = open(source, Some(&wanted), Some(&job))?.source;
    let columns = source.schema().indices_of(&wanted)?;
    let schema = Schema::new(columns.iter().map(|&j| source.schema().fields[j].clone()).collect());
    let key = |by: &SortedBy| -> Result<Key> {
        let column = schema.index_of(&by.column)?;
        Ok(Key {
            column,
            sorts: Sorts::of(&schema.fields[column].kind),
            decreasing: by.decreasing,
            missing_low: how.missing_low,
            ignore_case: how.ignore_case,
            table: None,
        })
    };
    let keys = Keys(keys.iter().map(key).collect::<Result<_>>()?);
    let sorting = Sorting {
        columns,
        keys,
        memory: job.memory,
        folder: how.folder,
        always_spill: how.always_spill,
        levels: Vec::new(),
        in_order: None,
        present: None,
    };
    let distinct = match (how.distinct, how.count) {
        (false, _) => Distinct::No,
        (true, None) => Distinct::Yes,
        (true, Some(name)) => Distinct::Counted(name),
    };
    let all_rows = distinct == Distinct::No;
    // R itself fills vectors of text at first, which takes a while.
    let vectors = || if all_rows { sink::vectors(&*source, &sorting.columns, sink) } else { Ok(None) };
    let (vectors, ordered) = job::run_beside(&job, vectors, |control, pool, _| {
        rx_run::sort::sort(pool, control, &*source, &sorting, distinct)
    })?;
    let all: Vec<usize> = (0..ordered.schema().fields.len()).collect();
    sink::copy_into(&job, Arc::new(ordered), &all, source.about().legacy, sink, vectors)
}

extendr_module! {
    mod sort;
    fn rx_engine_sort;
}

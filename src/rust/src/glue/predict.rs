//! `rxPredict`.

use super::sink;
use super::source::open;
use crate::error::{malformed, respond};
use crate::job::Job;
use crate::{spec, strings};
use extendr_api::prelude::*;
use rx_data::{Field, Kind, Result, Schema};
use rx_stats::predict::{Predict, Predictor};
use serde::Deserialize;

/// A column that goes on, and its name there.
#[derive(Deserialize)]
pub struct Passed {
    /// The column.
    pub column: String,
    /// Its new name.
    pub name: String,
}

impl Passed {
    /// The fields of such columns, whose positions are given.
    pub fn fields(passed: Vec<Passed>, schema: &Schema, positions: &[usize]) -> Vec<Field> {
        let named = passed.into_iter().zip(positions);
        named.map(|(passed, &position)| Field { name: passed.name, ..schema.fields[position].clone() }).collect()
    }
}

/// Predictions beside columns of a source, to a sink: list(written, unseen, empty).
#[extendr]
fn rx_engine_predict(
    source: Robj,
    model: Robj,
    covariance: Robj,
    passed: Robj,
    names: Robj,
    sink: Robj,
    job: Robj,
) -> Robj {
    respond(|| predict(&source, &model, &covariance, &passed, &names, &sink, &job))
}

fn predict(
    source: &Robj,
    model: &Robj,
    covariance: &Robj,
    passed: &Robj,
    names: &Robj,
    sink: &Robj,
    job: &Robj,
) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let mut predictor: Predictor = spec::parse(model, "model")?;
    if !covariance.is_null() {
        // Symmetric, so the same by row and by column.
        let values = covariance.as_real_slice().ok_or_else(|| malformed("covariance", "it is no matrix of numbers"))?;
        predictor.covariance = values.to_vec();
    }
    let passed: Vec<Passed> = spec::parse(passed, "passed")?;
    let names: Vec<String> = spec::parse(names, "names")?;
    let columns: Vec<String> = passed.iter().map(|p| p.column.clone()).collect();
    let source = open(source, Some(&predictor.columns(&columns)), Some(&job))?.source;
    let all_rows = !predictor.remove_missings;
    let map = Predict::new(predictor, source.schema(), &columns)?;
    let mut fields = Passed::fields(passed, source.schema(), map.columns());
    fields.extend(names.into_iter().map(|name| Field::new(name, Kind::Numeric)));
    let written = sink::write(&job, &*source, map.columns(), &map, all_rows, Schema::new(fields), sink)?;
    let unseen = map.into_unseen();
    let labels = unseen.labels.iter().map(|l| strings::strings(&l.iter().collect::<Vec<_>>()));
    Ok(list!(
        written = written,
        unseen = List::from_values(labels.collect::<Result<Vec<Robj>>>()?),
        empty = unseen.columns.into_iter().map(|j| j as i32 + 1).collect::<Vec<_>>()
    )
    .into())
}

extendr_module! {
    mod predict;
    fn rx_engine_predict;
}

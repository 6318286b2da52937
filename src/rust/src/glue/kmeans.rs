//! `rxKmeans`.

use super::predict::Passed;
use super::source::{is_plain_frame, open};
use super::{analysis, sink};
use crate::error::respond;
use crate::job::Job;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::{Field, Kind, Result, Schema};
use rx_stats::kmeans::assign::{Assign, Assignment};
use rx_stats::kmeans::{KMeans, Options};

/// Clusters: list(centers, assigned, size, weight, withinss, between, missing, iterations, converged); matrices with a row a
/// cluster. `first` starts from the first rows.
#[extendr]
fn rx_engine_kmeans(source: Robj, variables: Robj, options: Robj, first: bool, job: Robj) -> Robj {
    respond(|| kmeans(&source, &variables, &options, first, &job))
}

fn kmeans(source: &Robj, variables: &Robj, options: &Robj, first: bool, job: &Robj) -> Result<Robj> {
    let mut options: Options = spec::parse(options, "options")?;
    // Vectors of R are in memory as they are.
    let kept = !is_plain_frame(source);
    let (found, _) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let (source, design) = (&*prepared.source, &mut prepared.design);
        if first {
            options.centres = Some(rx_run::first_rows(control, source, design, options.clusters)?.concat());
        }
        let estimator = KMeans::new(design, options, kept, memory)?;
        rx_run::reduce(pool, control, source, design, estimator)
    })?;
    let clusters = found.rows.len();
    let matrix = |values: &[f64]| {
        let columns = values.len() / clusters;
        RMatrix::new_matrix(clusters, columns, |i, j| values[i * columns + j])
    };
    Ok(list!(
        centers = matrix(&found.centres),
        assigned = matrix(&found.assigned),
        size = found.rows,
        weight = found.weights,
        withinss = found.within,
        between = found.between,
        missing = found.missing as f64,
        iterations = found.iterations as i32,
        converged = found.converged
    )
    .into())
}

/// The cluster of each row, named `name`, beside columns of a source, to a sink: what the sink answers.
#[extendr]
fn rx_engine_assign(source: Robj, assignment: Robj, passed: Robj, name: &str, sink: Robj, job: Robj) -> Robj {
    respond(|| assign(&source, &assignment, &passed, name, &sink, &job))
}

fn assign(source: &Robj, assignment: &Robj, passed: &Robj, name: &str, sink: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let assignment: Assignment = spec::parse(assignment, "assignment")?;
    let passed: Vec<Passed> = spec::parse(passed, "passed")?;
    let columns: Vec<String> = passed.iter().map(|p| p.column.clone()).collect();
    let source = open(source, Some(&assignment.columns(&columns)), Some(&job))?.source;
    let map = Assign::new(assignment, source.schema(), &columns)?;
    let mut fields = Passed::fields(passed, source.schema(), map.columns());
    fields.push(Field::new(name, Kind::Integer));
    sink::write(&job, &*source, map.columns(), &map, true, Schema::new(fields), sink)
}

extendr_module! {
    mod kmeans;
    fn rx_engine_kmeans;
    fn rx_engine_assign;
}

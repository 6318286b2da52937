//! `rxLinMod`.

use super::analysis;
use crate::error::respond;
use crate::spec;
use extendr_api::prelude::*;
use rx_data::{Labels, Result};
use rx_stats::linmod::{Formula, LinMod, LinearModel};
use std::ops::Index;

/// A linear model: its levels, sums of squares and coefficients; matrices by column.
#[extendr]
fn rx_engine_linmod(source: Robj, variables: Robj, formula: Robj, job: Robj) -> Robj {
    respond(|| linmod(&source, &variables, &formula, &job))
}

fn linmod(source: &Robj, variables: &Robj, formula: &Robj, job: &Robj) -> Result<Robj> {
    let formula: Formula = spec::parse(formula, "formula")?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let estimator = LinMod::new(&prepared.design, formula, memory)?;
        let estimator = estimator.expecting(prepared.source.rows(), &prepared.design)?;
        rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
    })?;
    described(model, &levels)
}

/// A fitted model, for R.
pub fn described(model: LinearModel, levels: &[Labels]) -> Result<Robj> {
    let size = model.aliased.len();
    let responses = model.coefficients.ncols();
    Ok(list!(
        levels = analysis::levels(levels)?,
        rows = model.n as f64,
        missing = model.missing as f64,
        weight = model.sum_weights,
        log_weight = model.log_weight,
        coefficients = RMatrix::new_matrix(size, responses, |i, j| model.coefficients[[i, j]]),
        variance = model.unscaled_variance,
        covariance = square(&model.unscaled_covariance, model.unscaled_covariance.nrows()),
        column_scales = model.column_scales,
        response_scales = model.response_scales,
        aliased = model.aliased,
        fitted = model.fitted,
        collinear = model.collinear.iter().map(|&j| j as i32 + 1).collect::<Vec<_>>(),
        condition = model.condition,
        residual_squares = model.residual_squares,
        explained_squares = model.explained_squares,
        centred_squares = model.centred_squares,
        total_squares = model.total_squares,
        means = model.means,
        response_means = model.response_means,
        centred_products = square(&model.centred_products, model.centred_products.nrows()),
        cell_weights = model.cell_weights,
        at_means = model.at_means
    )
    .into())
}

fn square(a: &impl Index<[usize; 2], Output = f64>, size: usize) -> RMatrix<f64> {
    RMatrix::new_matrix(size, size, |i, j| a[[i, j]])
}

extendr_module! {
    mod linmod;
    fn rx_engine_linmod;
}

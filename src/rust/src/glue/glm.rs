//! `rxLogit` and `rxGlm`.

use super::{analysis, linmod};
use crate::error::respond;
use crate::job::Main;
use crate::spec;
use crate::transform::Function;
use extendr_api::prelude::*;
use rx_data::{Error, ErrorKind, Labels, Result};
use rx_stats::glm::{Evaluated, FamilyCode, Glm, GlmModel, Kind, Outside, Plan, Start};
use std::sync::Arc;

/// A generalized linear model: list(linear, ...), the linear model as rx_engine_linmod has it. `code` has functions of a
/// family that the engine does not know: `evaluate(y, weights, eta)` and `null_deviance(y, weights, mean)`.
#[extendr]
fn rx_engine_glm(source: Robj, variables: Robj, plan: Robj, code: Robj, job: Robj) -> Robj {
    respond(|| glm(&source, &variables, &plan, &code, &job))
}

fn glm(source: &Robj, variables: &Robj, plan: &Robj, code: &Robj, job: &Robj) -> Result<Robj> {
    let mut plan: Plan = spec::parse(plan, "plan")?;
    let code = RCode::new(code)?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        if let Some(code) = code {
            plan.family.kind = Kind::Outside(Outside(Arc::new(OnMain { code, main: Main::of_this_job()? })));
        }
        let rows = prepared.source.rows();
        let mut fit = |plan: Plan| {
            let estimator = Glm::new(&prepared.design, plan, rows, memory)?;
            rx_run::reduce(pool, control, &*prepared.source, &mut prepared.design, estimator)
        };
        let mut model = fit(plan.clone())?;
        // With offsets the model without terms has a solution of its own.
        if model.null_deviance.is_nan() && !plan.offsets.is_empty() {
            plan.formula.terms.clear();
            (plan.formula.intercept, plan.formula.cube, plan.plain) = (true, false, false);
            plan.starts = vec![Start::Family, Start::Same(0.0)];
            model.null_deviance = fit(plan)?.deviance;
        }
        Ok(model)
    })?;
    described(model, &levels)
}

fn described(model: GlmModel, levels: &[Labels]) -> Result<Robj> {
    let plain: Robj = model.plain.map_or_else(
        || ().into(),
        |plain| {
            let size = plain.centred_products.len().isqrt();
            let centred_products = RMatrix::new_matrix(size, size, |i, j| plain.centred_products[i * size + j]);
            list!(centred_products = centred_products, cell_weights = plain.cell_weights, at_means = plain.at_means)
                .into()
        },
    );
    let path = list!(
        iteration = model.path.iter().map(|step| step.iteration as i32).collect::<Vec<_>>(),
        halvings = model.path.iter().map(|step| step.halvings as i32).collect::<Vec<_>>(),
        deviance = model.path.iter().map(|step| step.deviance).collect::<Vec<_>>(),
        coefficients = List::from_values(model.path.into_iter().map(|step| step.coefficients))
    );
    Ok(list!(
        linear = linmod::described(model.linear, levels)?,
        coefficients = model.coefficients,
        predictor_mean = model.predictor_mean,
        deviance = model.deviance,
        null_deviance = model.null_deviance,
        pearson = model.pearson,
        likelihood = model.likelihood,
        weight = model.sum_weights,
        total_squares = model.total_squares,
        iterations = model.iterations as i32,
        converged = model.converged,
        separated = model.separated.iter().map(|&j| j as i32 + 1).collect::<Vec<_>>(),
        path = path,
        plain = plain
    )
    .into())
}

/// R's functions of a family.
#[derive(Clone, Copy)]
struct RCode {
    evaluate: Function,
    null_deviance: Function,
}

impl RCode {
    /// The functions, if there are any.
    fn new(code: &Robj) -> Result<Option<RCode>> {
        if code.is_null() {
            return Ok(None);
        }
        let function = |name| Function::new(&spec::need(code, name)?);
        Ok(Some(RCode { evaluate: function("evaluate")?, null_deviance: function("null_deviance")? }))
    }
}

/// R's functions, called on the main thread from any other.
struct OnMain {
    code: RCode,
    main: Main,
}

impl FamilyCode for OnMain {
    fn evaluate(&self, y: &[f64], weights: &[f64], eta: Option<&[f64]>) -> Result<Evaluated> {
        let (fun, rows) = (self.code.evaluate, y.len());
        let (y, weights, eta) = (y.to_vec(), weights.to_vec(), eta.map(<[f64]>::to_vec));
        self.main.call(move || {
            let eta = eta.map_or_else(|| ().into(), Robj::from);
            let answer = call(fun, [y.into(), weights.into(), eta])?;
            let numbers = |name| -> Result<Vec<f64>> {
                let element = spec::need(&answer, name)?;
                let values = element.as_real_slice().filter(|values| values.len() == rows);
                values.map(<[f64]>::to_vec).ok_or_else(|| not_numbers(name))
            };
            let deviance = spec::parse(&spec::need(&answer, "deviance")?, "deviance")?;
            let eta = if spec::get(&answer, "eta").is_some() { numbers("eta")? } else { Vec::new() };
            Ok(Evaluated {
                eta,
                mu: numbers("mu")?,
                slope: numbers("slope")?,
                variance: numbers("variance")?,
                deviance,
            })
        })
    }

    fn null_deviance(&self, y: &[f64], weights: &[f64], mean: f64) -> Result<f64> {
        let fun = self.code.null_deviance;
        let (y, weights) = (y.to_vec(), weights.to_vec());
        self.main.call(move || spec::parse(&call(fun, [y.into(), weights.into(), mean.into()])?, "null_deviance"))
    }
}

/// Calls a function of the family. For the main thread only.
fn call(fun: Function, arguments: [Robj; 3]) -> Result<Robj> {
    // SAFETY: the arguments are protected by their owners.
    let raw = unsafe { arguments.each_ref().map(|argument| argument.get()) };
    fun.call(&raw).map_err(|mut error| {
        error.message = format!("The family's functions failed: {}", error.message);
        error
    })
}

fn not_numbers(name: &str) -> Error {
    let what = format!("The family's functions give no number a row for '{name}'.");
    Error::new(ErrorKind::Transform, what)
}

extendr_module! {
    mod glm;
    fn rx_engine_glm;
}

//! `rxLogit` and `rxGlm`.

use super::{analysis, linmod, step};
use crate::error::respond;
use crate::job::Main;
use crate::spec;
use crate::transform::Function;
use extendr_api::prelude::*;
use rx_data::{Error, ErrorKind, Labels, Result};
use rx_run::Passes;
use rx_stats::glm::{Evaluated, FamilyCode, Glm, GlmModel, Kind, Outline, Outside, Plan, Start};
use rx_stats::linmod::Formula;
use rx_stats::step::Search;
use std::sync::Arc;

/// A generalized linear model: list(linear, ...), the linear model as rx_engine_linmod has it. `code` has functions of a
/// family that the engine does not know: `evaluate(y, weights, eta)` and `null_deviance(y, weights, mean)`.
#[extendr]
fn rx_engine_glm(source: Robj, variables: Robj, plan: Robj, code: Robj, job: Robj) -> Robj {
    respond(|| glm(&source, &variables, &plan, &code, &job))
}

fn glm(source: &Robj, variables: &Robj, plan: &Robj, code: &Robj, job: &Robj) -> Result<Robj> {
    let plan: Plan = spec::parse(plan, "plan")?;
    let code = RCode::new(code)?;
    let (model, levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let plan = with_code(plan, code)?;
        let rows = prepared.source.rows();
        let mut passes = Passes::new(pool, control, &*prepared.source, &mut prepared.design);
        fit(&mut passes, plan, rows, memory)
    })?;
    described(model, &levels)
}

/// A generalized linear model of some of a formula's terms: list(model, path), the model as rx_engine_glm has it. With
/// `refit` all models of the search are fitted, else those after the one with all terms are judged by it.
#[extendr]
fn rx_engine_glm_stepwise(
    source: Robj,
    variables: Robj,
    plan: Robj,
    code: Robj,
    search: Robj,
    refit: bool,
    job: Robj,
) -> Robj {
    respond(|| stepwise(&source, &variables, &plan, &code, &search, refit, &job))
}

fn stepwise(
    source: &Robj,
    variables: &Robj,
    plan: &Robj,
    code: &Robj,
    search: &Robj,
    refit: bool,
    job: &Robj,
) -> Result<Robj> {
    let plan: Plan = spec::parse(plan, "plan")?;
    let search: Search = spec::parse(search, "search")?;
    let code = RCode::new(code)?;
    let ((path, model), levels) = analysis::run(source, variables, job, |pool, control, prepared, memory| {
        let plan = with_code(plan, code)?;
        let rows = prepared.source.rows();
        let mut passes = Passes::new(pool, control, &*prepared.source, &mut prepared.design);
        // Nothing but coefficients and deviances counts in a search.
        let formula = Formula { covariance: false, centred_products: false, ..plan.formula.clone() };
        let brief = Plan { formula, keep: false, plain: false, sharp: false, ..plan.clone() };
        let all = &plan.formula.terms;
        let of_terms = |plan: &Plan, terms: &[usize]| {
            let chosen = terms.iter().map(|&t| all[t].clone()).collect();
            Plan { formula: Formula { terms: chosen, ..plan.formula.clone() }, ..plan.clone() }
        };
        let path = if refit {
            let mut outline = |terms: &[usize], near: Option<(&[usize], &Outline)>| {
                let mut plan = of_terms(&brief, terms);
                if let Some((others, near)) = near {
                    let others = of_terms(&brief, others).formula.terms;
                    let b = near.moved(&others, &plan.formula, passes.design());
                    plan.starts.insert(0, Start::Coefficients(b));
                }
                let estimator = Glm::new(passes.design(), plan.clone(), rows, memory)?;
                Ok(Outline::of(&passes.reduce(estimator)?, &plan))
            };
            search.run(all, &mut outline)?.path
        } else {
            let plan = Plan { products: true, ..brief };
            let largest = passes.reduce(Glm::new(passes.design(), plan.clone(), rows, memory)?)?;
            let mut outline = |terms: &[usize], _: Option<(&[usize], &Outline)>| {
                Outline::within(&largest, &plan, terms, &|| control.check())
            };
            search.run(all, &mut outline)?.path
        };
        let last = path.last().map_or(&search.start, |stage| &stage.terms);
        let model = fit(&mut passes, of_terms(&plan, last), rows, memory)?;
        Ok((path, model))
    })?;
    Ok(list!(model = described(model, &levels)?, path = step::path(path)).into())
}

/// The plan, with functions of a family that the engine does not know.
fn with_code(mut plan: Plan, code: Option<RCode>) -> Result<Plan> {
    if let Some(code) = code {
        plan.family.kind = Kind::Outside(Outside(Arc::new(OnMain { code, main: Main::of_this_job()? })));
    }
    Ok(plan)
}

/// Fits a plan.
fn fit(passes: &mut Passes, mut plan: Plan, rows: Option<u64>, memory: u64) -> Result<GlmModel> {
    let mut model = passes.reduce(Glm::new(passes.design(), plan.clone(), rows, memory)?)?;
    // With offsets the model without terms has a solution of its own.
    if model.null_deviance.is_nan() && !plan.offsets.is_empty() {
        plan.formula.terms.clear();
        (plan.formula.intercept, plan.formula.cube, plan.plain) = (true, false, false);
        plan.starts = vec![Start::Family, Start::Same(0.0)];
        model.null_deviance = passes.reduce(Glm::new(passes.design(), plan, rows, memory)?)?.deviance;
    }
    Ok(model)
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
        log_likelihood = model.log_likelihood,
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
    fn rx_engine_glm_stepwise;
}

#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::design::Rows;
use crate::estimator::{Finish, Step};
use crate::laws::{self, Batch};
use crate::linmod::Term;
use crate::step::{Criterion, Fit, Search};

fn plan(kind: Kind, link: Link, terms: &[(&[usize], &[usize])]) -> Plan {
    Plan {
        formula: Formula {
            intercept: true,
            terms: terms.iter().map(|(n, c)| Term { numeric: n.to_vec(), categories: c.to_vec() }).collect(),
            responses: vec![],
            drop_first: false,
            drop_main: false,
            cube: false,
            at_means: false,
            covariance: true,
            centred_products: false,
        },
        response: Response::Numeric(0),
        offsets: vec![],
        family: Family { kind, link, binary: false, fixed_dispersion: false },
        starts: vec![Start::Family],
        most_iterations: 25,
        coefficient_tolerance: 0.0,
        deviance_tolerance: 1e-13,
        sharp: false,
        best: false,
        keep: true,
        plain: false,
        counted: false,
        products: false,
    }
}

fn fit(mut glm: Glm, batches: &[Batch]) -> GlmModel {
    batches[0].with(|b| glm.pilot(b)).unwrap();
    loop {
        let mut state = glm.init();
        batches.iter().for_each(|b| b.with(|b| glm.update(&mut state, b)).unwrap());
        match glm.finish(state, &|| Ok(())).unwrap() {
            Step::Done(model) => return model,
            Step::Again(next) => glm = next,
        }
    }
}

#[test]
fn the_laws_hold() {
    for weighted in [false, true] {
        let design = laws::design(3, &[3, 2], weighted, Rows::Finite);
        let batches = laws::batches(3, &[3, 2], weighted);
        for kind in [Kind::Poisson, Kind::Gaussian, Kind::Tweedie(1.5)] {
            let plan = plan(kind, Link::Log, &[(&[1], &[]), (&[], &[0]), (&[2], &[1])]);
            let glm = Glm::new(&design, plan, None, 1 << 30).unwrap();
            laws::check(&design, &glm, &batches).unwrap();
        }
    }
}

/// At the solution the score is zero: residuals are orthogonal to the columns, weighted by the slope over the variance.
#[test]
fn the_score_is_zero_at_the_solution() {
    let design = laws::design(3, &[3], true, Rows::Finite);
    let batches = laws::batches(3, &[3], true);
    let families: [(Kind, Link); 5] = [
        (Kind::Poisson, Link::Log),
        (Kind::Poisson, Link::Sqrt),
        (Kind::Quasi(Variance::Square), Link::Log),
        (Kind::Gaussian, Link::Identity),
        (Kind::Tweedie(1.3), Link::Log),
    ];
    for (kind, link) in families {
        let plan = plan(kind, link, &[(&[1], &[]), (&[], &[0])]);
        let glm = Glm::new(&design, plan, None, 1 << 30).unwrap();
        let family = glm.plan.family.clone();
        let model = fit(glm, &batches);
        assert!(model.converged && model.separated.is_empty());
        let b = &model.coefficients;
        let mut score = [0.0; 2];
        let mut size = [0.0; 2];
        for batch in &batches {
            batch.with(|batch| {
                let (y, x, code) = (batch.numeric[0], batch.numeric[1], batch.codes[0]);
                let level = |i: usize| if b[2 + code[i] as usize].is_nan() { 0.0 } else { b[2 + code[i] as usize] };
                let eta: Vec<f64> = (0..batch.rows).map(|i| b[0] + b[1] * x[i] + level(i)).collect();
                let mut now = Evaluated::default();
                family.evaluate(y, batch.weight.unwrap(), Some(eta), &mut now).unwrap();
                for i in 0..batch.rows {
                    let pull = batch.weight.unwrap()[i] * (y[i] - now.mu[i]) * now.slope[i] / now.variance[i];
                    score[0] += pull;
                    score[1] += pull * x[i];
                    size[0] += pull.abs();
                    size[1] += (pull * x[i]).abs();
                }
            });
        }
        assert!(score.iter().zip(&size).all(|(s, size)| s.abs() < 1e-8 * size), "{link:?} {score:?} {size:?}");
        assert!(
            model.deviance < model.null_deviance && model.path.iter().skip(2).all(|step| step.deviance.is_finite())
        );
    }
}

#[test]
fn starts_with_a_coefficient_too_few_are_refused() {
    let design = laws::design(2, &[], false, Rows::Finite);
    let plan =
        Plan { starts: vec![Start::Coefficients(vec![1.0])], ..plan(Kind::Gaussian, Link::Identity, &[(&[1], &[])]) };
    assert_eq!(Glm::new(&design, plan, None, 1 << 30).unwrap_err().kind, ErrorKind::Argument);
}

#[test]
fn a_response_of_three_levels_is_refused() {
    let design = laws::design(1, &[3], false, Rows::Finite);
    let plan = Plan { response: Response::Category(0), ..plan(Kind::Binomial, Link::Logit, &[(&[0], &[])]) };
    assert_eq!(Glm::new(&design, plan, None, 1 << 30).unwrap_err().kind, ErrorKind::WrongType);
}

#[test]
fn responses_are_checked() {
    let family = |kind| Family { kind, link: Link::Log, binary: false, fixed_dispersion: false };
    assert!(family(Kind::Poisson).check(&[0.0, 2.5], "y").is_ok());
    for (kind, y) in [(Kind::Poisson, -1.0), (Kind::Gamma, 0.0), (Kind::Binomial, 1.5), (Kind::Tweedie(2.0), 0.0)] {
        let error = family(kind).check(&[1.0, y], "y").unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::Value, Some("y")));
    }
}

#[test]
fn models_of_fewer_terms_are_judged_nearly_as_if_they_were_fitted() {
    let design = laws::design(3, &[3, 2], false, Rows::Finite);
    let batches = laws::batches(3, &[3, 2], false);
    let terms: [(&[usize], &[usize]); 3] = [(&[1], &[]), (&[], &[0]), (&[2], &[])];
    let plan_of =
        |terms: &[(&[usize], &[usize])]| Plan { products: true, ..plan(Kind::Gaussian, Link::Identity, terms) };
    let run = |plan: &Plan| fit(Glm::new(&design, plan.clone(), None, 1 << 30).unwrap(), &batches);
    let all = plan_of(&terms);
    let largest = run(&all);
    let search = Search {
        start: vec![],
        lower: vec![],
        upper: vec![],
        forward: true,
        backward: true,
        criterion: Criterion::Aic,
        k: 2.0,
        max_steps: 1,
        scale: 0.0,
        weights_count: false,
        keep: false,
    };
    for chosen in [&[0usize, 1, 2][..], &[2, 0], &[1], &[]] {
        let part = plan_of(&chosen.iter().map(|&t| terms[t]).collect::<Vec<_>>());
        let fitted = Outline::of(&run(&part), &part);
        // Of least squares nothing is approximate.
        let judged = Outline::within(&largest, &all, chosen, &|| Ok(())).unwrap();
        assert!((fitted.deviance() / judged.deviance() - 1.0).abs() < 1e-9);
        assert!((fitted.aic(&search) - judged.aic(&search)).abs() < 1e-6);
        assert!((fitted.dispersion(&search) / judged.dispersion(&search) - 1.0).abs() < 1e-9);
        assert_eq!(fitted.rank(), judged.rank());
        let pairs = fitted.coefficients().into_iter().zip(judged.coefficients());
        assert!(pairs.into_iter().all(|(a, b)| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-9));
        let moved = judged.moved(&part.formula.terms, &all.formula, &design);
        let back = Outline::of(&largest, &all).moved(&all.formula.terms, &part.formula, &design);
        assert_eq!((moved.len(), back.len()), (largest.coefficients.len(), judged.coefficients().len()));
        assert_eq!(moved[0], judged.coefficients()[0]);
    }
}

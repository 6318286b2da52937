#![allow(clippy::unwrap_used, clippy::panic)]
use super::finish::LinearModel;
use super::*;
use crate::design::Rows;
use crate::estimator::{Finish, Step};
use crate::laws;

/// Three numeric variables (the third is the response) and some categories.
fn design(weighted: bool, levels: &[u32]) -> Design {
    laws::design(3, levels, weighted, Rows::Finite)
}

fn term(numeric: &[usize], categories: &[usize]) -> Term {
    Term { numeric: numeric.to_vec(), categories: categories.to_vec() }
}

fn formula(terms: Vec<Term>) -> Formula {
    Formula {
        intercept: true,
        terms,
        responses: vec![2],
        drop_first: false,
        drop_main: false,
        cube: false,
        at_means: false,
        covariance: true,
        centred_products: true,
    }
}

fn fit(model: &LinMod, batches: &[laws::Batch]) -> LinearModel {
    let mut model = model.clone();
    batches[0].with(|b| model.pilot(b)).unwrap();
    loop {
        let mut state = model.init();
        batches.iter().for_each(|b| b.with(|b| model.update(&mut state, b)).unwrap());
        match model.finish(state, &|| Ok(())).unwrap() {
            Step::Done(fitted) => return fitted,
            Step::Again(next) => model = next,
        }
    }
}

/// Normal equations over expanded columns, by Gauss and Jordan: the slow way.
fn slow(batches: &[laws::Batch], column: impl Fn(&ModelBatch, usize) -> Vec<f64>) -> Vec<f64> {
    let mut a: Vec<Vec<f64>> = Vec::new();
    for batch in batches {
        batch.with(|b| {
            for row in 0..b.rows {
                let mut x = column(b, row);
                x.push(b.numeric[2][row]);
                let w = b.weight.map_or(1.0, |w| w[row]);
                a.resize(x.len() - 1, vec![0.0; x.len()]);
                for i in 0..a.len() {
                    for j in 0..x.len() {
                        a[i][j] += w * x[i] * x[j];
                    }
                }
            }
        });
    }
    for i in 0..a.len() {
        let pivot = a[i][i];
        a[i].iter_mut().for_each(|x| *x /= pivot);
        for other in (0..a.len()).filter(|&o| o != i) {
            let (factor, row) = (a[other][i], a[i].clone());
            a[other].iter_mut().zip(&row).for_each(|(x, y)| *x -= factor * y);
        }
    }
    a.iter().map(|row| row[row.len() - 1]).collect()
}

#[test]
fn the_laws_hold() {
    for weighted in [false, true] {
        let design = design(weighted, &[3, 2]);
        let terms = vec![term(&[0], &[]), term(&[], &[0]), term(&[], &[1]), term(&[], &[0, 1]), term(&[1], &[0])];
        let model = LinMod::new(&design, formula(terms), u64::MAX).unwrap();
        laws::check(&design, &model, &laws::batches(3, &[3, 2], weighted)).unwrap();
    }
}

#[test]
fn coefficients_solve_the_normal_equations() {
    for weighted in [false, true] {
        let model = LinMod::new(
            &design(weighted, &[3, 2]),
            formula(vec![term(&[0], &[]), term(&[], &[0]), term(&[1], &[1]), term(&[0, 1], &[])]),
            u64::MAX,
        );
        let batches = laws::batches(3, &[3, 2], weighted);
        let fitted = fit(&model.unwrap(), &batches);
        let expected = slow(&batches, |b, r| {
            let (x, z, f, g) = (b.numeric[0][r], b.numeric[1][r], b.codes[0][r], b.codes[1][r]);
            let is = |c: u32, k: u32| f64::from(c == k);
            vec![1.0, x, is(f, 0), is(f, 1), z * is(g, 0), z * is(g, 1), x * z]
        });
        let kept: Vec<f64> = fitted.coefficients.column(0).iter().copied().filter(|b| !b.is_nan()).collect();
        assert_eq!(fitted.aliased, [false, false, false, false, true, false, false, false]);
        for (a, b) in kept.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{kept:?} {expected:?}");
        }
        assert!(fitted.collinear.is_empty() && fitted.condition >= 1.0);
    }
}

#[test]
fn interactions_give_up_reference_cells_or_main_effects() {
    let batches = laws::batches(3, &[3, 2], false);
    let terms = vec![term(&[], &[0]), term(&[], &[1]), term(&[], &[0, 1])];
    let keep_main = fit(&LinMod::new(&design(false, &[3, 2]), formula(terms.clone()), u64::MAX).unwrap(), &batches);
    let aliased = |m: &LinearModel| m.aliased.iter().map(|&a| u8::from(a)).collect::<Vec<_>>();
    assert_eq!(aliased(&keep_main), [0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 1]);
    let drop_main = Formula { drop_main: true, ..formula(terms.clone()) };
    let drop_main = fit(&LinMod::new(&design(false, &[3, 2]), drop_main, u64::MAX).unwrap(), &batches);
    assert_eq!(aliased(&drop_main), [0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1]);
    let drop_first = Formula { drop_first: true, ..formula(terms) };
    let drop_first = fit(&LinMod::new(&design(false, &[3, 2]), drop_first, u64::MAX).unwrap(), &batches);
    assert_eq!(aliased(&drop_first), [0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0]);
    for other in [&drop_main, &drop_first] {
        assert!((other.residual_squares[0] / keep_main.residual_squares[0] - 1.0).abs() < 1e-12);
    }
}

#[test]
fn an_empty_last_level_turns_to_the_first() {
    // Four levels declared, three occur.
    let batches = laws::batches(3, &[3, 2], false);
    let fitted =
        fit(&LinMod::new(&design(false, &[4, 2]), formula(vec![term(&[], &[0])]), u64::MAX).unwrap(), &batches);
    assert_eq!(fitted.aliased, [false, true, false, false, true]);
}

#[test]
fn a_copied_column_is_dropped_and_named() {
    let batches = laws::batches(3, &[2], false);
    let terms = vec![term(&[0], &[]), term(&[1], &[]), term(&[2], &[])];
    let mut f = formula(terms);
    f.responses = vec![1];
    let fitted = fit(&LinMod::new(&design(false, &[2]), f, u64::MAX).unwrap(), &batches);
    // The response among the columns fits exactly; the others get nothing.
    assert!(fitted.collinear.is_empty() && fitted.residual_squares[0] < 1e-12 * fitted.centred_squares[0]);
    let mut f = formula(vec![term(&[0], &[]), term(&[0], &[])]);
    f.responses = vec![1];
    let fitted = fit(&LinMod::new(&design(false, &[2]), f, u64::MAX).unwrap(), &batches);
    assert_eq!(fitted.collinear, [2]);
}

#[test]
fn no_rows_and_single_levels_are_errors() {
    let model = LinMod::new(&design(false, &[2]), formula(vec![term(&[], &[0])]), u64::MAX).unwrap();
    assert_eq!(model.clone().finish(model.init(), &|| Ok(())).unwrap_err().kind, ErrorKind::NoRows);
    let error = LinMod::new(&design(false, &[1]), formula(vec![term(&[], &[0])]), u64::MAX).unwrap_err();
    assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::OneLevel, Some("f0")));
    let error = LinMod::new(&design(false, &[1000, 1000]), formula(vec![term(&[], &[0, 1])]), 1 << 20).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Memory);
}

#[test]
fn a_cancelled_solution_stops() {
    let model = LinMod::new(&design(false, &[3, 2]), formula(vec![term(&[], &[0])]), u64::MAX).unwrap();
    let mut state = model.init();
    laws::batches(3, &[3, 2], false)[0].with(|b| model.update(&mut state, b)).unwrap();
    let error = model.finish(state, &|| Err(Error::interrupted())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::dd::{Dd, Number};
use crate::design::Rows;
use crate::estimator::{Finish, Step};
use crate::laws::{self, Batch};

fn term(numeric: &[usize], categories: &[usize]) -> Term {
    Term { numeric: numeric.to_vec(), categories: categories.to_vec() }
}

fn options(terms: Vec<Term>) -> Options {
    Options { terms, raw: false, keep_all: true, tolerance: 1e-12 }
}

/// Two numbers, two categories, their interaction and a product.
fn terms() -> Vec<Term> {
    vec![term(&[0], &[]), term(&[], &[0]), term(&[0, 1], &[]), term(&[1], &[1]), term(&[], &[0, 1])]
}

fn answer(covariance: &Covariance, batches: &[Batch]) -> (CovarianceModel, usize) {
    let mut covariance = covariance.clone();
    batches[0].with(|b| covariance.pilot(b)).unwrap();
    for pass in 1.. {
        let mut state = covariance.init();
        batches.iter().for_each(|b| b.with(|b| covariance.update(&mut state, b)).unwrap());
        match covariance.finish(state, &|| Ok(())).unwrap() {
            Step::Done(model) => return (model, pass),
            Step::Again(next) => covariance = next,
        }
    }
    panic!("no pass was the last")
}

/// Sums of products about the means and the sum of weights, of expanded columns, in double-double: the slow way.
fn slow(batches: &[Batch], columns: impl Fn(&ModelBatch, usize) -> Vec<f64>) -> Vec<Vec<f64>> {
    let mut rows: Vec<(f64, Vec<f64>)> = Vec::new();
    for batch in batches {
        batch.with(|b| rows.extend((0..b.rows).map(|row| (b.weight.map_or(1.0, |w| w[row]), columns(b, row)))));
    }
    let size = rows[0].1.len();
    let total: Dd = rows.iter().map(|(w, _)| Dd::from(*w)).sum();
    let mean = |j: usize| rows.iter().map(|(w, x)| Dd::product(*w, x[j])).sum::<Dd>() / total;
    let means: Vec<Dd> = (0..size).map(mean).collect();
    let entry = |i: usize, j: usize| {
        let about = |x: &[f64], j: usize| Dd::from(x[j]) - means[j];
        rows.iter().map(|(w, x)| Dd::from(*w) * about(x, i) * about(x, j)).sum::<Dd>().value()
    };
    (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect()
}

#[test]
fn the_laws_hold() {
    for weighted in [false, true] {
        let design = laws::design(2, &[3, 2], weighted, Rows::Finite);
        for (raw, keep_all, rows) in [(false, true, None), (true, true, Some(40)), (false, false, None)] {
            let options = Options { raw, keep_all, ..options(terms()) };
            let covariance = Covariance::new(&design, options, u64::MAX).unwrap().expecting(rows, &design).unwrap();
            laws::check(&design, &covariance, &laws::batches(2, &[3, 2], weighted)).unwrap();
        }
    }
}

#[test]
fn products_are_those_of_expanded_columns() {
    for weighted in [false, true] {
        let design = laws::design(2, &[3, 2], weighted, Rows::Finite);
        let batches = laws::batches(2, &[3, 2], weighted);
        let (model, _) = answer(&Covariance::new(&design, options(terms()), u64::MAX).unwrap(), &batches);
        let slow = slow(&batches, |b, row| {
            let (x, y) = (b.numeric[0][row], b.numeric[1][row]);
            let is = |category: usize, level: u32| f64::from(u8::from(b.codes[category][row] == level));
            let mut columns = vec![x, is(0, 0), is(0, 1), is(0, 2), x * y, y * is(1, 0), y * is(1, 1)];
            columns.extend((0..2).flat_map(|v| (0..3).map(move |u| (u, v))).map(|(u, v)| is(0, u) * is(1, v)));
            columns
        });
        assert_eq!(model.products.nrows(), slow.len());
        for ((i, j), x) in model.products.indexed_iter() {
            let size = (slow[i][i] * slow[j][j]).sqrt();
            assert!((x - slow[i][j]).abs() <= 1e-14 * size, "{i} {j}: {x} {}", slow[i][j]);
        }
    }
}

#[test]
fn products_about_zero_have_a_column_of_ones() {
    let design = laws::design(2, &[], true, Rows::Finite);
    let batches = laws::batches(2, &[], true);
    let options = Options { raw: true, ..options(vec![term(&[0], &[]), term(&[1], &[])]) };
    let (model, _) = answer(&Covariance::new(&design, options, u64::MAX).unwrap(), &batches);
    let mut sums = [[0.0; 3]; 3];
    for batch in &batches {
        batch.with(|b| {
            for row in 0..b.rows {
                let x = [1.0, b.numeric[0][row], b.numeric[1][row]];
                (0..9).for_each(|k| sums[k / 3][k % 3] += b.weight.unwrap()[row] * x[k / 3] * x[k % 3]);
            }
        });
    }
    assert!(model.products.indexed_iter().all(|((i, j), x)| (x / sums[i][j] - 1.0).abs() < 1e-13));
}

#[test]
fn redundant_and_constant_columns_are_told() {
    let design = laws::design(2, &[3], false, Rows::Finite);
    let constant = Batch::of(vec![vec![0.1; 9], (0..9).map(f64::from).collect()], vec![[0, 1, 2].repeat(3)]);
    let terms = vec![term(&[0], &[]), term(&[], &[0]), term(&[1], &[]), term(&[1], &[0])];
    let options = Options { keep_all: false, ..options(terms) };
    let covariance = Covariance::new(&design, options, u64::MAX).unwrap();
    let (model, _) = answer(&covariance, std::slice::from_ref(&constant));
    assert_eq!(model.squares[0], 0.0);
    // The constant, and the last level of both terms.
    assert_eq!(model.dropped, [true, false, false, true, false, false, false, true]);
}

#[test]
fn large_means_and_bad_pilots_cost_no_digits() {
    // So many columns that the rows are not few.
    let design = laws::design(40, &[], false, Rows::Finite);
    let noise = |seed: u64, i: u64| ((i * 2_654_435_761 + seed) % 1_000_003) as f64 / 1e6;
    let rows = |rows: std::ops::Range<u64>, mean: f64| {
        let column = |j: u64| rows.clone().map(|i| mean + noise(j, i)).collect();
        Batch::of((0..40).map(column).collect(), vec![])
    };
    let rest: Vec<Batch> = (0..10).map(|b| rows(2000 * b..2000 * (b + 1), 1e9 + 0.3)).collect();
    let terms = (0..40).map(|j| term(&[j], &[])).collect();
    let covariance = Covariance::new(&design, options(terms), u64::MAX).unwrap();
    // The second time with a first row far from the others.
    for (batches, passes) in [(rest.clone(), 1), (std::iter::once(rows(0..1, 1e6)).chain(rest).collect(), 2)] {
        let (model, pass) = answer(&covariance, &batches);
        let slow = slow(&batches, |b, row| vec![b.numeric[0][row], b.numeric[1][row]]);
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            let (x, size) = (model.products[[i, j]], (slow[i][i] * slow[j][j]).sqrt());
            assert!((x - slow[i][j]).abs() <= 1e-12 * size, "{i} {j}: {x} {}", slow[i][j]);
        }
        assert_eq!(pass, passes);
    }
}

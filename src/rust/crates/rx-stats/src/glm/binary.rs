//! Responses 0 and 1 under the logit: working responses, weights and the deviance in one sweep, with one exponential and
//! one division a row.

use super::link::LEAST;
use crate::elementary;

const LANES: usize = 8;
/// Rows whose factors, of 2 at most, are multiplied before their logarithm is taken.
const STRETCH: usize = 4096;

/// What a logit makes of a row.
struct Row {
    /// p (1 - p).
    weight: f64,
    /// eta + (y - p) / (p (1 - p)).
    response: f64,
    /// Half of the deviance, but log(1 + odds).
    against: f64,
    /// The odds of the less probable response.
    odds: f64,
}

#[inline(always)]
fn row(y: f64, eta: f64) -> Row {
    let size = eta.abs();
    let odds = elementary::exp(-size);
    let odds = if odds < LEAST { LEAST } else { odds };
    let both = 1.0 + odds;
    let inverse = 1.0 / (odds * both);
    let share = odds * inverse;
    let expected = (y == 1.0) == (eta >= 0.0);
    // 1 over the probability of the response.
    let distance = if expected { both } else { both * both * inverse };
    Row {
        weight: odds * share * share,
        response: eta + if y == 1.0 { distance } else { -distance },
        against: if expected { 0.0 } else { size },
        odds,
    }
}

/// Puts working responses in the place of logits, and weights, times the prior ones if there are any, into `weights`.
/// Tells the deviance, which is exact where the probabilities are near to 1.
pub fn work(y: &[f64], prior: Option<&[f64]>, eta: &mut [f64], weights: &mut [f64]) -> f64 {
    let stretches = eta.chunks_mut(STRETCH).zip(weights.chunks_mut(STRETCH)).zip(y.chunks(STRETCH));
    let mut deviance = 0.0;
    for (i, ((eta, weights), y)) in stretches.enumerate() {
        deviance += match prior {
            None => plain(y, eta, weights),
            Some(prior) => weighted(y, &prior[i * STRETCH..][..y.len()], eta, weights),
        };
    }
    2.0 * deviance
}

/// Rows that count once. The logarithm of (1 + odds) is taken of the product over rows, less 1 so that small odds remain.
fn plain(y: &[f64], eta: &mut [f64], weights: &mut [f64]) -> f64 {
    #[inline(always)]
    fn kernel(y: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [[f64; LANES]; 2]) {
        let [against, product] = sums;
        let mut add = |k: usize, y: f64, eta: &mut f64, weight: &mut f64| {
            let row = row(y, *eta);
            (*eta, *weight) = (row.response, row.weight);
            against[k] += row.against;
            product[k] += row.odds * (1.0 + product[k]);
        };
        let (y, y_rest) = y.as_chunks::<LANES>();
        let (eta, eta_rest) = eta.as_chunks_mut::<LANES>();
        let (weights, weights_rest) = weights.as_chunks_mut::<LANES>();
        for ((y, eta), weights) in y.iter().zip(eta).zip(weights) {
            for k in 0..LANES {
                add(k, y[k], &mut eta[k], &mut weights[k]);
            }
        }
        for (k, ((&y, eta), weight)) in y_rest.iter().zip(eta_rest).zip(weights_rest).enumerate() {
            add(k, y, eta, weight);
        }
    }
    fn run(y: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [[f64; LANES]; 2]) {
        elementary::wide!(kernel(y: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [[f64; LANES]; 2]))
    }
    let mut sums = [[0.0; LANES]; 2];
    run(y, eta, weights, &mut sums);
    let log = |&product: &f64| if product < 1.0 { elementary::ln_1p(product) } else { elementary::ln(1.0 + product) };
    sums[0].iter().sum::<f64>() + sums[1].iter().map(log).sum::<f64>()
}

/// Rows with weights.
fn weighted(y: &[f64], prior: &[f64], eta: &mut [f64], weights: &mut [f64]) -> f64 {
    #[inline(always)]
    fn kernel(y: &[f64], prior: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [f64; LANES]) {
        let mut add = |k: usize, y: f64, prior: f64, eta: &mut f64, weight: &mut f64| {
            let row = row(y, *eta);
            (*eta, *weight) = (row.response, prior * row.weight);
            sums[k] += prior * (row.against + elementary::ln_1p(row.odds));
        };
        let ((y, y_rest), (prior, prior_rest)) = (y.as_chunks::<LANES>(), prior.as_chunks::<LANES>());
        let (eta, eta_rest) = eta.as_chunks_mut::<LANES>();
        let (weights, weights_rest) = weights.as_chunks_mut::<LANES>();
        for (((y, prior), eta), weights) in y.iter().zip(prior).zip(eta).zip(weights) {
            for k in 0..LANES {
                add(k, y[k], prior[k], &mut eta[k], &mut weights[k]);
            }
        }
        let rest = y_rest.iter().zip(prior_rest).zip(eta_rest.iter_mut().zip(weights_rest));
        for (k, ((&y, &prior), (eta, weight))) in rest.enumerate() {
            add(k, y, prior, eta, weight);
        }
    }
    fn run(y: &[f64], prior: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [f64; LANES]) {
        elementary::wide!(
            kernel(y: &[f64], prior: &[f64], eta: &mut [f64], weights: &mut [f64], sums: &mut [f64; LANES])
        )
    }
    let mut sums = [0.0; LANES];
    run(y, prior, eta, weights, &mut sums);
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits from -40 to 40, with responses that alternate.
    fn rows(count: usize) -> (Vec<f64>, Vec<f64>) {
        let eta = (0..count).map(|i| (i as f64 / count as f64 - 0.5) * 80.0).collect();
        (eta, (0..count).map(|i| f64::from(u8::from(i % 3 == 0))).collect())
    }

    #[test]
    fn a_row_is_what_the_formulas_say() {
        let (eta, y) = rows(997);
        let (mut response, mut weights) = (eta.clone(), vec![0.0; eta.len()]);
        let deviance = work(&y, None, &mut response, &mut weights);
        let mut exact = 0.0;
        for i in 0..eta.len() {
            let odds = (-eta[i].abs()).exp().max(LEAST);
            let (p, q) = if eta[i] < 0.0 {
                (odds / (1.0 + odds), 1.0 / (1.0 + odds))
            } else {
                (1.0 / (1.0 + odds), odds / (1.0 + odds))
            };
            let distance = if y[i] == 1.0 { 1.0 / p } else { -1.0 / q };
            assert!((weights[i] / (p * q) - 1.0).abs() < 1e-14, "{i}");
            assert!((response[i] - eta[i] - distance).abs() <= 1e-14 * distance.abs() + 1e-14, "{i}");
            let wrong = (y[i] == 1.0) != (eta[i] >= 0.0);
            exact += 2.0 * (if wrong { eta[i].abs() } else { 0.0 } + odds.ln_1p());
        }
        assert!((deviance / exact - 1.0).abs() < 1e-14, "{deviance} {exact}");
    }

    #[test]
    fn weights_of_one_change_nothing_and_two_count_twice() {
        let (eta, y) = rows(3 * STRETCH + 5);
        let run = |prior: Option<&[f64]>| {
            let (mut response, mut weights) = (eta.clone(), vec![0.0; eta.len()]);
            let deviance = work(&y, prior, &mut response, &mut weights);
            (deviance, response, weights)
        };
        let (deviance, response, weights) = run(None);
        let (once, same_response, same_weights) = run(Some(&vec![1.0; eta.len()]));
        assert!((once / deviance - 1.0).abs() < 1e-14);
        assert!(response == same_response && weights == same_weights);
        let (twice, ..) = run(Some(&vec![2.0; eta.len()]));
        assert_eq!(twice, 2.0 * once);
    }

    #[test]
    fn small_odds_are_not_lost_and_undefined_logits_are_told() {
        let deviance = |eta: f64| work(&[1.0; 4], None, &mut [eta; 4], &mut [0.0; 4]);
        assert!((deviance(30.0) / (8.0 * (-30.0f64).exp()) - 1.0).abs() < 1e-12);
        assert!(deviance(f64::NAN).is_nan());
        assert!(deviance(f64::NEG_INFINITY).is_infinite());
    }
}

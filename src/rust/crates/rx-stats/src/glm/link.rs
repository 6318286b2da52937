//! Link functions: the mean as a function of the linear predictor. Means and slopes are bounded as R's `make.link()`
//! bounds them.

use crate::elementary::{self, normal, normal_density, normal_quantile};
use serde::{Deserialize, Serialize};

/// A link function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// eta = mu.
    Identity,
    /// eta = log(mu).
    Log,
    /// eta = log(mu / (1 - mu)).
    Logit,
    /// The normal quantile.
    Probit,
    /// The Cauchy quantile.
    Cauchit,
    /// eta = log(-log(1 - mu)).
    Cloglog,
    /// eta = 1 / mu.
    Inverse,
    /// eta = 1 / mu^2.
    InverseSquare,
    /// eta = sqrt(mu).
    Sqrt,
    /// eta = mu^power.
    Power(f64),
}

/// The least mean and slope where both must be positive.
pub(super) const LEAST: f64 = f64::EPSILON;

impl Link {
    /// The linear predictor of a mean.
    pub fn predictor(self, mu: f64) -> f64 {
        match self {
            Link::Identity => mu,
            Link::Log => elementary::ln(mu),
            Link::Logit => elementary::ln(mu / (1.0 - mu)),
            Link::Probit => normal_quantile(mu),
            Link::Cauchit => (std::f64::consts::PI * (mu - 0.5)).tan(),
            Link::Cloglog => elementary::ln(-(-mu).ln_1p()),
            Link::Inverse => 1.0 / mu,
            Link::InverseSquare => 1.0 / (mu * mu),
            Link::Sqrt => mu.sqrt(),
            Link::Power(power) => mu.powf(power),
        }
    }

    /// Whether a mean can have this linear predictor.
    pub fn allows(self, eta: f64) -> bool {
        match self {
            Link::Inverse => eta.is_finite() && eta != 0.0,
            Link::InverseSquare | Link::Sqrt | Link::Power(_) => eta.is_finite() && eta > 0.0,
            _ => !eta.is_nan(),
        }
    }

    /// Whether means fall where the linear predictor grows.
    pub fn falls(self) -> bool {
        matches!(self, Link::Inverse | Link::InverseSquare) || matches!(self, Link::Power(power) if power < 0.0)
    }

    /// Means of linear predictors, and the slopes d mu / d eta where they are wanted.
    pub fn means(self, eta: &[f64], mu: &mut Vec<f64>, slope: Option<&mut Vec<f64>>) {
        mu.clear();
        match self {
            Link::Identity => mu.extend_from_slice(eta),
            Link::Log => {
                mu.extend_from_slice(eta);
                elementary::exp_all(mu);
                mu.iter_mut().for_each(|x| *x = if *x < LEAST { LEAST } else { *x });
            }
            Link::Logit => {
                mu.resize(eta.len(), 0.0);
                logistic(eta, mu);
            }
            Link::Probit => {
                let bound = -normal_quantile(LEAST);
                mu.extend(eta.iter().map(|x| normal(x.clamp(-bound, bound))));
            }
            Link::Cauchit => {
                let bound = 1.0 / (std::f64::consts::PI * LEAST).tan();
                let cauchy = |x: f64| if x < -1.0 { (-1.0 / x).atan() } else { x.atan() + std::f64::consts::FRAC_PI_2 };
                mu.extend(eta.iter().map(|x| cauchy(x.clamp(-bound, bound)) / std::f64::consts::PI));
            }
            Link::Cloglog => {
                mu.extend(eta.iter().map(|&x| (-(-elementary::exp(x)).exp_m1()).clamp(LEAST, 1.0 - LEAST)));
            }
            Link::Inverse => mu.extend(eta.iter().map(|x| 1.0 / x)),
            Link::InverseSquare => mu.extend(eta.iter().map(|x| 1.0 / x.sqrt())),
            Link::Sqrt => mu.extend(eta.iter().map(|x| x * x)),
            Link::Power(power) if power < 0.0 => mu.extend(eta.iter().map(|x| x.powf(1.0 / power))),
            Link::Power(power) => mu.extend(eta.iter().map(|x| at_least(x.powf(1.0 / power)))),
        }
        let Some(slope) = slope else { return };
        slope.clear();
        match self {
            Link::Identity => slope.resize(eta.len(), 1.0),
            Link::Log => slope.extend_from_slice(mu),
            Link::Logit => slope.extend(mu.iter().map(|p| p * (1.0 - p))),
            Link::Probit => slope.extend(eta.iter().map(|&x| at_least(normal_density(x)))),
            Link::Cauchit => {
                slope.extend(eta.iter().map(|x| at_least(1.0 / (std::f64::consts::PI * (1.0 + x * x)))));
            }
            Link::Cloglog => slope.extend(eta.iter().map(|&x| {
                let rate = elementary::exp(if x > 700.0 { 700.0 } else { x });
                at_least(rate * elementary::exp(-rate))
            })),
            Link::Inverse => slope.extend(mu.iter().map(|m| -m * m)),
            Link::InverseSquare => slope.extend(mu.iter().map(|m| -0.5 * m * m * m)),
            Link::Sqrt => slope.extend(eta.iter().map(|x| 2.0 * x)),
            Link::Power(power) if power < 0.0 => {
                slope.extend(eta.iter().map(|x| x.powf(1.0 / power - 1.0) / power));
            }
            Link::Power(power) => {
                slope.extend(eta.iter().map(|x| at_least(x.powf(1.0 / power - 1.0) / power)));
            }
        }
    }
}

/// A number or the least there may be; undefined stays undefined.
fn at_least(x: f64) -> f64 {
    if x < LEAST { LEAST } else { x }
}

/// 1 / (1 + exp(-eta)), no nearer to 0 and 1 than numbers beside 1 are to each other.
fn logistic(eta: &[f64], mu: &mut [f64]) {
    #[inline(always)]
    fn kernel(eta: &[f64], mu: &mut [f64]) {
        for (&eta, mu) in eta.iter().zip(mu) {
            let small = elementary::exp(-eta.abs());
            let small = if small < LEAST { LEAST } else { small };
            let large = 1.0 / (1.0 + small);
            *mu = if eta < 0.0 { small * large } else { large };
        }
    }
    elementary::wide!(kernel(eta: &[f64], mu: &mut [f64]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKS: [Link; 11] = [
        Link::Identity,
        Link::Log,
        Link::Logit,
        Link::Probit,
        Link::Cauchit,
        Link::Cloglog,
        Link::Inverse,
        Link::InverseSquare,
        Link::Sqrt,
        Link::Power(0.3),
        Link::Power(-0.5),
    ];

    #[test]
    fn means_invert_the_link_and_slopes_are_its_derivatives() {
        for link in LINKS {
            for mean in [0.03, 0.4, 0.5, 0.83, 0.999] {
                let eta = link.predictor(mean);
                assert!(link.allows(eta));
                let (mut mu, mut slope) = (vec![], vec![]);
                let step = 1e-6 * eta.abs().max(1e-3);
                link.means(&[eta, eta - step, eta + step], &mut mu, Some(&mut slope));
                assert!((mu[0] / mean - 1.0).abs() < 1e-14, "{link:?} {mean} {}", mu[0]);
                let numeric = (mu[2] - mu[1]) / (2.0 * step);
                assert!((slope[0] / numeric - 1.0).abs() < 1e-6, "{link:?} {mean}: {} {numeric}", slope[0]);
            }
        }
    }

    #[test]
    fn means_stay_within_their_bounds() {
        for link in [Link::Logit, Link::Probit, Link::Cauchit, Link::Cloglog] {
            let (mut mu, mut slope) = (vec![], vec![]);
            link.means(&[-1e18, -800.0, 800.0, 1e18, f64::NAN], &mut mu, Some(&mut slope));
            assert!(mu[..4].iter().all(|&p| p > 0.0 && p < 1.0), "{link:?} {mu:?}");
            assert!(slope[..4].iter().all(|&s| s > 0.0) && mu[4].is_nan(), "{link:?} {slope:?}");
        }
        assert!(!Link::Inverse.allows(0.0) && !Link::Sqrt.allows(-1.0) && !Link::Log.allows(f64::NAN));
    }
}

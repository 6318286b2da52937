//! Families: the variance as a function of the mean, the deviance, and where iterations start.

use super::link::Link;
use crate::elementary;
use crate::tails::ln_gamma;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A family and its link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Family {
    /// The distribution.
    pub kind: Kind,
    /// The link.
    pub link: Link,
    /// Whether only 0 and 1 are responses.
    pub binary: bool,
    /// Whether the dispersion is 1.
    pub fixed_dispersion: bool,
}

/// A distribution, or what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Normal.
    Gaussian,
    /// Shares of successes.
    Binomial,
    /// Counts.
    Poisson,
    /// Gamma.
    Gamma,
    /// Inverse Gaussian.
    InverseGaussian,
    /// A variance function and no distribution.
    Quasi(Variance),
    /// Tweedie's, of a power of the variance function.
    Tweedie(f64),
    /// Code from outside computes it.
    #[serde(skip)]
    Outside(Outside),
}

/// A variance function.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// 1.
    Constant,
    /// mu (1 - mu).
    Binomial,
    /// mu.
    Mean,
    /// mu^2.
    Square,
    /// mu^3.
    Cube,
    /// mu^power.
    Power(f64),
}

/// A family that code from outside computes.
#[derive(Clone)]
pub struct Outside(pub Arc<dyn FamilyCode>);

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Outside")
    }
}

/// Computes a family for a batch of rows.
pub trait FamilyCode: Send + Sync {
    /// The family at linear predictors, or where iterations start if there are none.
    fn evaluate(&self, y: &[f64], weights: &[f64], eta: Option<&[f64]>) -> Result<Evaluated>;
    /// The deviances of rows whose mean is the same.
    fn null_deviance(&self, y: &[f64], weights: &[f64], mean: f64) -> Result<f64>;
}

/// A family's functions in the rows of a batch.
#[derive(Debug, Clone, Default)]
pub struct Evaluated {
    /// Linear predictors, where iterations start.
    pub eta: Vec<f64>,
    /// Means.
    pub mu: Vec<f64>,
    /// Slopes d mu / d eta.
    pub slope: Vec<f64>,
    /// Variances.
    pub variance: Vec<f64>,
    /// The sum of the rows' deviances; not finite where a mean is impossible.
    pub deviance: f64,
}

impl Family {
    /// The family's functions at linear predictors, or where iterations start if there are none.
    pub fn evaluate(&self, y: &[f64], weights: &[f64], eta: Option<Vec<f64>>, out: &mut Evaluated) -> Result<()> {
        if let Kind::Outside(outside) = &self.kind {
            *out = outside.0.evaluate(y, weights, eta.as_deref())?;
            if let Some(eta) = eta {
                out.eta = eta;
            }
            return Ok(());
        }
        out.eta = match eta {
            Some(eta) => eta,
            None => y.iter().zip(weights).map(|(&y, &w)| self.link.predictor(self.kind.start(y, w))).collect(),
        };
        self.link.means(&out.eta, &mut out.mu, Some(&mut out.slope));
        let variance = self.kind.variance();
        variance.of(&out.mu, &mut out.variance);
        let allowed = out.eta.iter().zip(&out.mu).all(|(&eta, &mu)| self.link.allows(eta) && variance.allows(mu));
        out.deviance = if allowed { variance.deviance(y, weights, &out.mu) } else { f64::INFINITY };
        Ok(())
    }

    /// The deviance of rows whose means are the same.
    pub fn null_deviance(&self, y: &[f64], weights: &[f64], mean: f64) -> Result<f64> {
        match &self.kind {
            Kind::Outside(outside) => outside.0.null_deviance(y, weights, mean),
            kind => Ok(kind.variance().deviance(y, weights, &vec![mean; y.len()])),
        }
    }

    /// Whether this is logistic regression of responses 0 and 1.
    pub fn is_logistic(&self) -> bool {
        self.binary && self.link == Link::Logit
    }

    /// The deviance of all rows where their means are the same, if their weights and weighted responses tell it.
    pub fn known_null_deviance(&self, weight: f64, response: f64) -> Option<f64> {
        let part = |count: f64| if count > 0.0 { count * elementary::ln(count / weight) } else { 0.0 };
        self.binary.then(|| -2.0 * (part(response) + part(weight - response)))
    }

    /// Whether the dispersion is estimated, and the deviance is not what it is estimated by.
    pub fn needs_residuals(&self) -> bool {
        let least_squares = matches!(self.kind, Kind::Gaussian | Kind::Quasi(Variance::Constant));
        !(self.fixed_dispersion || (least_squares && self.link == Link::Identity))
    }

    /// Refuses values that the response cannot have.
    pub fn check(&self, y: &[f64], name: &str) -> Result<()> {
        let (allowed, must): (fn(f64) -> bool, &str) = match self.kind {
            _ if self.binary => (|y| y == 0.0 || y == 1.0, "0 or 1"),
            Kind::Binomial => (|y| (0.0..=1.0).contains(&y), "between 0 and 1"),
            Kind::Poisson => (|y| y >= 0.0, "0 or more"),
            Kind::Gamma | Kind::InverseGaussian => (|y| y > 0.0, "positive"),
            Kind::Tweedie(power) if power >= 2.0 => (|y| y > 0.0, "positive"),
            Kind::Tweedie(power) if power > 0.0 => (|y| y >= 0.0, "0 or more"),
            _ => return Ok(()),
        };
        let Some(wrong) = y.iter().find(|y| !allowed(**y)) else { return Ok(()) };
        let what = format!("The response '{name}' has the value {wrong}; it must be {must}.");
        Err(Error::new(ErrorKind::Value, what).column(name))
    }

    /// The logarithm of the likelihood at a deviance, of so many rows with a sum of weights and [`Self::likelihood_rest`];
    /// NaN where there is none.
    pub fn log_likelihood(&self, deviance: f64, rows: f64, weight: f64, rest: f64) -> f64 {
        let normal = |count: f64| count * (elementary::ln(2.0 * std::f64::consts::PI * deviance / count) + 1.0);
        match self.kind {
            Kind::Binomial | Kind::Poisson if self.fixed_dispersion => rest - deviance / 2.0,
            Kind::Gaussian => (rest - normal(rows)) / 2.0,
            Kind::Gamma => {
                let shape = weight / deviance;
                let each = shape * elementary::ln(shape) - ln_gamma(shape);
                weight * each - shape * (deviance / 2.0 + weight) - rest
            }
            Kind::InverseGaussian => -(normal(weight) + 3.0 * rest) / 2.0,
            _ => f64::NAN,
        }
    }

    /// How many parameters of the distribution beside the coefficients the likelihood estimates.
    pub fn scale_parameters(&self) -> usize {
        usize::from(matches!(self.kind, Kind::Gaussian | Kind::Gamma | Kind::InverseGaussian))
    }

    /// The sum over rows of what the logarithm of the likelihood has beside the deviance and functions of the
    /// dispersion.
    pub fn likelihood_rest(&self, y: &[f64], weights: &[f64], counted: bool) -> f64 {
        let of = |f: fn(f64, f64) -> f64| y.iter().zip(weights).map(|(&y, &w)| f(y, w)).sum();
        match self.kind {
            Kind::Binomial if counted => of(|y, w| w * successes(y, 1.0)),
            Kind::Binomial => of(successes),
            Kind::Poisson => of(|y, w| w * (if y > 0.0 { y * elementary::ln(y) } else { 0.0 } - y - ln_gamma(y + 1.0))),
            Kind::Gamma | Kind::InverseGaussian => of(|y, w| w * elementary::ln(y)),
            Kind::Gaussian if !counted => of(|_, w| elementary::ln(w)),
            _ => 0.0,
        }
    }
}

/// The logarithm of the probability of a share of successes in so many trials, where it is as probable as can be.
fn successes(y: f64, trials: f64) -> f64 {
    let part = |y: f64| if y > 0.0 { trials * y * elementary::ln(y) - ln_gamma(trials * y + 1.0) } else { 0.0 };
    if y == 0.0 || y == 1.0 { 0.0 } else { ln_gamma(trials + 1.0) + part(y) + part(1.0 - y) }
}

impl Kind {
    fn variance(&self) -> Variance {
        match *self {
            Kind::Gaussian | Kind::Outside(_) => Variance::Constant,
            Kind::Binomial => Variance::Binomial,
            Kind::Poisson => Variance::Mean,
            Kind::Gamma => Variance::Square,
            Kind::InverseGaussian => Variance::Cube,
            Kind::Quasi(variance) => variance,
            Kind::Tweedie(power) => Variance::Power(power),
        }
    }

    /// The mean that iterations start at, as R's families have it.
    fn start(&self, y: f64, weight: f64) -> f64 {
        let not_zero = if y == 0.0 { 0.1 } else { y };
        match self {
            Kind::Binomial => (weight * y + 0.5) / (weight + 1.0),
            Kind::Poisson => y + 0.1,
            Kind::Quasi(Variance::Binomial) => y.clamp(0.001, 0.999),
            Kind::Quasi(Variance::Mean | Variance::Square | Variance::Cube) => not_zero,
            Kind::Tweedie(power) if *power != 0.0 => not_zero,
            _ => y,
        }
    }
}

impl Variance {
    fn of(self, mu: &[f64], out: &mut Vec<f64>) {
        out.clear();
        match self {
            Variance::Constant => out.resize(mu.len(), 1.0),
            Variance::Binomial => out.extend(mu.iter().map(|m| m * (1.0 - m))),
            Variance::Mean => out.extend_from_slice(mu),
            Variance::Square => out.extend(mu.iter().map(|m| m * m)),
            Variance::Cube => out.extend(mu.iter().map(|m| m * m * m)),
            Variance::Power(power) => out.extend(mu.iter().map(|m| m.powf(power))),
        }
    }

    fn allows(self, mu: f64) -> bool {
        match self {
            Variance::Constant => mu.is_finite(),
            Variance::Binomial => mu > 0.0 && mu < 1.0,
            Variance::Power(0.0) => mu.is_finite(),
            _ => mu > 0.0 && mu < f64::INFINITY,
        }
    }

    /// The sum of deviances.
    fn deviance(self, y: &[f64], weights: &[f64], mu: &[f64]) -> f64 {
        // y log(y / mu), whose limit at y = 0 is 0.
        let logs = |y: &dyn Fn(usize) -> f64, mu: &dyn Fn(usize) -> f64| {
            let ratio = |i: usize| if y(i) > 0.0 { y(i) / mu(i) } else { 1.0 };
            let mut logs: Vec<f64> = (0..weights.len()).map(ratio).collect();
            elementary::ln_all(&mut logs);
            logs
        };
        let sum = |of: &dyn Fn(usize) -> f64| weights.iter().enumerate().map(|(i, w)| w * of(i)).sum::<f64>();
        match self {
            Variance::Constant => sum(&|i| (y[i] - mu[i]) * (y[i] - mu[i])),
            Variance::Binomial => {
                let successes = logs(&|i| y[i], &|i| mu[i]);
                let failures = logs(&|i| 1.0 - y[i], &|i| 1.0 - mu[i]);
                2.0 * sum(&|i| y[i] * successes[i] + (1.0 - y[i]) * failures[i])
            }
            Variance::Mean => {
                let logs = logs(&|i| y[i], &|i| mu[i]);
                2.0 * sum(&|i| y[i] * logs[i] - (y[i] - mu[i]))
            }
            Variance::Square => {
                // As R has it, the logarithm of a response of zero is left out.
                let logs = logs(&|i| if y[i] == 0.0 { 1.0 } else { y[i] }, &|i| mu[i]);
                2.0 * sum(&|i| ((y[i] - mu[i]) / mu[i] - logs[i]).max(0.0))
            }
            Variance::Cube => sum(&|i| (y[i] - mu[i]) * (y[i] - mu[i]) / (y[i] * mu[i] * mu[i])),
            Variance::Power(1.0) => Variance::Mean.deviance(y, weights, mu),
            Variance::Power(2.0) => Variance::Square.deviance(y, weights, mu),
            // Jorgensen (1987) Exponential dispersion models, Journal of the Royal Statistical Society B 49.
            Variance::Power(p) => {
                let part = |x: f64, mu: f64, power: f64| (x.powf(power) - mu.powf(power)) / power;
                let positive = |y: f64| if y == 0.0 { 1.0 } else { y };
                let whole = |y: f64| if y == 0.0 && p < 2.0 { 0.0 } else { positive(y) };
                2.0 * sum(&|i| y[i] * part(positive(y[i]), mu[i], 1.0 - p) - part(whole(y[i]), mu[i], 2.0 - p))
            }
        }
    }
}

//! Covariances, correlations and cross products of model columns (`rxCovCor`).
//!
//! With W the sum of the weights and m the means, S = X'WX - W mm' is summed up as that of a linear model without a
//! response: X'WX relative to shifts near the means, so that S is no small difference of large numbers. Covariances are
//! S / (n - 1); with frequency weights S / (W - 1), with probability weights S n / (W (n - 1)).

use crate::crossprod::State;
use crate::design::{Design, WeightKind};
use crate::estimator::{Estimator, ModelBatch};
use crate::levels::Moves;
use crate::linmod::{Formula, LinMod, Term};
use rx_data::Result;
use serde::{Deserialize, Serialize};

#[cfg(feature = "solve")]
mod finish;
#[cfg(feature = "solve")]
pub use finish::CovarianceModel;

/// Rows of which the sums may be double-doubles from the first row on.
const FEW: u64 = 1_000_000;

/// What is to be computed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// The terms, in the order of the columns.
    pub terms: Vec<Term>,
    /// Whether products are wanted about zero, with a column of ones in front, not about the means.
    pub raw: bool,
    /// Whether columns that are constant or linear combinations of others stay.
    pub keep_all: bool,
    /// The largest variance of a column that counts as constant.
    pub tolerance: f64,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Covariance {
    /// A model with the columns and no response.
    model: LinMod,
    raw: bool,
    keep_all: bool,
    tolerance: f64,
    weights: Option<WeightKind>,
    /// Whether shifts are the means of an earlier pass.
    recentred: bool,
}

impl Covariance {
    /// Products of some terms' columns over a design; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, options: Options, limit: u64) -> Result<Self> {
        let Options { terms, raw, keep_all, tolerance } = options;
        let formula = Formula {
            intercept: true,
            terms,
            responses: Vec::new(),
            drop_first: false,
            drop_main: false,
            cube: false,
            at_means: false,
            covariance: false,
            centred_products: false,
        };
        Ok(Covariance {
            model: LinMod::new(design, formula, limit)?,
            raw,
            keep_all,
            tolerance,
            weights: design.weight.as_ref().map(|weight| weight.kind),
            recentred: false,
        })
    }

    /// Starts in double-double if the number of rows is known and so small that it costs next to nothing.
    pub fn expecting(self, rows: Option<u64>, design: &Design) -> Result<Self> {
        Ok(Covariance { model: self.model.expecting(rows.filter(|&rows| rows <= FEW), design)?, ..self })
    }
}

impl Estimator for Covariance {
    type State = State;
    const HAS_EXACT: bool = LinMod::HAS_EXACT;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        self.model.pilot(first)
    }

    fn init(&self) -> State {
        self.model.init()
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        self.model.accumulate(state, batch)
    }

    fn swap_exact(&self, state: &mut State, other: &mut State) {
        self.model.swap_exact(state, other);
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        self.model.merge(state, other)
    }

    fn state_bytes(&self) -> usize {
        self.model.state_bytes()
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        Ok(Covariance { model: self.model.relevel(design)?, ..self.clone() })
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        self.model.carry(state, &to.model, moves)
    }
}

#[cfg(all(test, feature = "solve"))]
mod tests;

//! The master's part of a linear model: which columns are kept, and the solution.

use super::{LinMod, Term};
use crate::crossprod::{Place, State};
use crate::estimator::{Finish, GoOn, Step};
use crate::solve::{COLLINEAR, Factor, factor_in_order, norm_1};
use ndarray::{Array1, Array2};
use rx_data::{Error, ErrorKind, Result};

/// A fitted model.
#[derive(Debug, Clone)]
pub struct LinearModel {
    /// Rows used.
    pub n: u64,
    /// Rows with a missing value.
    pub missing: u64,
    /// Sum of weights.
    pub sum_weights: f64,
    /// Sum of the weights' logarithms.
    pub log_weight: f64,
    /// Coefficients, a column a response; NaN where aliased.
    pub coefficients: Array2<f64>,
    /// (X'WX)^-1 of the coefficients; NaN where aliased.
    pub unscaled_covariance: Array2<f64>,
    /// Which columns are linear combinations of others.
    pub aliased: Vec<bool>,
    /// Which columns have rows with their cell.
    pub fitted: Vec<bool>,
    /// Aliased columns that no choice of a reference level explains.
    pub collinear: Vec<usize>,
    /// 1-norm condition number of the correlation matrix of the kept columns but the intercept.
    pub condition: f64,
    /// Sums of squared residuals, one a response.
    pub residual_squares: Vec<f64>,
    /// Centred sums of squares of the responses.
    pub centred_squares: Vec<f64>,
    /// Raw sums of squares of the responses.
    pub total_squares: Vec<f64>,
    /// Means of the columns; zero without an intercept.
    pub means: Vec<f64>,
    /// Means of the responses.
    pub response_means: Vec<f64>,
    /// Centred cross products of all columns but the intercept.
    pub centred_products: Array2<f64>,
}

/// A model column: its term (none is the intercept) and place.
#[derive(Debug, Clone, Copy)]
struct ModelColumn {
    term: Option<usize>,
    place: Place,
}

impl Term {
    /// Whether this is a single variable that also stands in a larger term.
    fn is_main_effect_of(&self, others: &[Term]) -> bool {
        let within = |larger: &Term| {
            self.numeric.iter().all(|v| larger.numeric.contains(v))
                && self.categories.iter().all(|v| larger.categories.contains(v))
        };
        self.size() == 1 && others.iter().any(|t| t.size() > 1 && within(t))
    }

    fn size(&self) -> usize {
        self.numeric.len() + self.categories.len()
    }
}

impl LinMod {
    /// All columns: the intercept, then the terms, the cells of each with the first category varying fastest.
    fn columns(&self) -> Vec<ModelColumn> {
        let intercept = ModelColumn { term: None, place: Place { set: 0, value: 0, cell: 0 } };
        let mut columns: Vec<_> = self.formula.intercept.then_some(intercept).into_iter().collect();
        let sets = &self.products.sets;
        for (t, term) in self.formula.terms.iter().enumerate() {
            for (set, cells) in sets.iter().enumerate().filter(|(_, s)| s.classes.categories == term.categories) {
                if let Some(value) = cells.values.iter().position(|v| *v == term.numeric) {
                    let place = |cell| Place { set, value, cell };
                    columns.extend(
                        (0..cells.classes.cells() as usize).map(|c| ModelColumn { term: Some(t), place: place(c) }),
                    );
                }
            }
        }
        columns
    }

    /// Whether a column's cell has the reference level of some category.
    fn is_reference(&self, column: &ModelColumn, drop_first: bool) -> bool {
        let classes = &self.products.sets[column.place.set].classes;
        let levels = classes.split(column.place.cell as u64);
        levels.iter().zip(&classes.levels).any(|(&level, &count)| level == if drop_first { 0 } else { count - 1 })
    }

    /// The order in which columns are accepted, as positions in `columns`: redundant main effects last if they are to be
    /// given up first, and within a term the cells with a reference level after those without.
    fn acceptance(&self, columns: &[ModelColumn], drop_first: bool) -> Vec<usize> {
        let key = |column: &ModelColumn| {
            let term = column.term.unwrap_or(0);
            let given_up = self.gives_up(column);
            let classes = &self.products.sets[column.place.set].classes;
            let cell = classes.split(column.place.cell as u64);
            let rank = |(level, count): (u64, &u64)| if drop_first { (level + count - 1) % count } else { level };
            let cell: Vec<u64> = cell.into_iter().zip(&classes.levels).map(rank).rev().collect();
            (given_up, term, cell)
        };
        let mut order: Vec<usize> = (0..columns.len()).filter(|&j| columns[j].term.is_some()).collect();
        order.sort_by_cached_key(|&j| key(&columns[j]));
        order
    }

    fn gives_up(&self, column: &ModelColumn) -> bool {
        let terms = &self.formula.terms;
        self.formula.drop_main && column.term.is_some_and(|t| terms[t].is_main_effect_of(terms))
    }
}

/// Cross products of the model's columns and responses, about the means where there is an intercept.
struct Normal {
    /// Sum of weights.
    w: f64,
    /// Means of the columns about their shifts; zero without an intercept.
    means: Array1<f64>,
    /// Columns by columns.
    xx: Array2<f64>,
    /// Columns by responses.
    xy: Array2<f64>,
}

impl LinMod {
    fn normal(&self, state: &State, columns: &[ModelColumn], go_on: GoOn) -> Result<Normal> {
        let get = |a: Place, b: Place| self.products.get(state, a, b);
        let one = Place { set: 0, value: 0, cell: 0 };
        let w = get(one, one);
        let p = columns.len();
        let sums: Vec<f64> = columns.iter().map(|c| get(one, c.place)).collect();
        let mean = |j: usize| if self.formula.intercept { sums[j] / w } else { 0.0 };
        let mut xx = Array2::zeros((p, p));
        for i in 0..p {
            go_on()?;
            for j in i..p {
                let sum = get(columns[i].place, columns[j].place) - sums[i] * mean(j);
                xx[[i, j]] = sum;
                xx[[j, i]] = sum;
            }
        }
        let response = |k: usize| Place { set: 0, value: self.responses[k], cell: 0 };
        let xy = Array2::from_shape_fn((p, self.responses.len()), |(j, k)| {
            get(columns[j].place, response(k)) - get(one, response(k)) * mean(j)
        });
        Ok(Normal { w, means: (0..p).map(mean).collect(), xx, xy })
    }

    /// Whether a column is not all zero for want of rows in its cell.
    fn has_rows(&self, state: &State, column: &ModelColumn) -> bool {
        column.place.set == 0 || self.products.get(state, column.place, column.place) != 0.0
    }

    /// The shift that a column's entries are relative to.
    fn shift(&self, place: Place) -> f64 {
        if place.set == 0 { self.products.shifts[place.value] } else { 0.0 }
    }
}

/// The kept columns and the inverse of their cross products.
struct Kept {
    /// Positions among the model's columns.
    columns: Vec<usize>,
    inverse: Array2<f64>,
    condition: f64,
}

fn keep(
    normal: &Normal,
    state: &State,
    model: &LinMod,
    columns: &[ModelColumn],
    order: &[usize],
    go_on: GoOn,
) -> Result<Kept> {
    // A column whose variation about its mean is only rounding is constant.
    let scale: Vec<f64> = order
        .iter()
        .map(|&j| {
            let raw = model.products.get(state, columns[j].place, columns[j].place);
            let own = normal.xx[[j, j]];
            if own > COLLINEAR * raw { own.sqrt() } else { 0.0 }
        })
        .collect();
    let scaled = |i: usize, j: usize| match scale[i] * scale[j] {
        0.0 => 0.0,
        _ if i == j => 1.0,
        product => normal.xx[[order[i], order[j]]] / product,
    };
    let correlation = Array2::from_shape_fn((order.len(), order.len()), |(i, j)| scaled(i, j));
    let factor: Factor = factor_in_order(correlation, go_on)?;
    let mut inverse = factor.inverse(go_on)?;
    let k = factor.kept.len();
    let block = Array2::from_shape_fn((k, k), |(i, j)| scaled(factor.kept[i], factor.kept[j]));
    let condition = if k == 0 { 1.0 } else { norm_1(&block) * norm_1(&inverse) };
    for ((i, j), x) in inverse.indexed_iter_mut() {
        *x /= scale[factor.kept[i]] * scale[factor.kept[j]];
    }
    Ok(Kept { columns: factor.kept.iter().map(|&i| order[i]).collect(), inverse, condition })
}

impl Finish for LinMod {
    type Model = LinearModel;

    fn finish(self, state: State, go_on: GoOn) -> Result<Step<Self, LinearModel>> {
        Ok(Step::Done(self.answer(&state, go_on)?))
    }
}

impl LinMod {
    /// The model that a state tells of.
    pub fn answer(&self, state: &State, go_on: GoOn) -> Result<LinearModel> {
        if state.n == 0 {
            let what = match state.dropped {
                0 => "There are no rows to fit a model to.".to_string(),
                d => format!("No row is complete: all {d} have a missing value in some variable of the model."),
            };
            return Err(
                Error::new(ErrorKind::NoRows, what).hint("Check the variables with rxSummary, and rowSelection.")
            );
        }
        let columns = self.columns();
        let normal = self.normal(state, &columns, go_on)?;

        // Reference levels first; if that does not explain all that is redundant, the other end of the factors. Cells
        // without rows explain themselves, and if the last level is such a cell another one is redundant.
        let unexplained = |kept: &Kept, drop_first: bool| -> Vec<usize> {
            let explained = |j: usize| {
                columns[j].term.is_none()
                    || kept.columns.contains(&j)
                    || !self.has_rows(state, &columns[j])
                    || self.is_reference(&columns[j], drop_first)
                    || self.gives_up(&columns[j])
            };
            (0..columns.len()).filter(|&j| !explained(j)).collect()
        };
        let attempt = |drop_first: bool| {
            let order = self.acceptance(&columns, drop_first);
            let kept = keep(&normal, state, self, &columns, &order, go_on)?;
            let collinear = unexplained(&kept, drop_first);
            Ok::<_, Error>((kept, collinear))
        };
        let (mut kept, mut collinear) = attempt(self.formula.drop_first)?;
        let has_factors = columns.iter().any(|c| c.place.set > 0);
        if !collinear.is_empty() && !self.formula.drop_first && has_factors {
            (kept, collinear) = attempt(true)?;
        }
        Ok(self.model(state, &columns, normal, kept, collinear))
    }
}

impl LinMod {
    fn model(
        &self,
        state: &State,
        columns: &[ModelColumn],
        normal: Normal,
        kept: Kept,
        collinear: Vec<usize>,
    ) -> LinearModel {
        let (p, k, responses) = (columns.len(), kept.columns.len(), self.responses.len());
        let xy = Array2::from_shape_fn((k, responses), |(i, r)| normal.xy[[kept.columns[i], r]]);
        let b = kept.inverse.dot(&xy);
        let mut coefficients = Array2::from_elem((p, responses), f64::NAN);
        let mut covariance = Array2::from_elem((p, p), f64::NAN);
        for (i, &row) in kept.columns.iter().enumerate() {
            for r in 0..responses {
                coefficients[[row, r]] = b[[i, r]];
            }
            for (j, &column) in kept.columns.iter().enumerate() {
                covariance[[row, column]] = kept.inverse[[i, j]];
            }
        }
        let one = Place { set: 0, value: 0, cell: 0 };
        let response = |r: usize| Place { set: 0, value: self.responses[r], cell: 0 };
        let response_mean = |r: usize| self.products.get(state, one, response(r)) / normal.w;
        let response_means: Vec<f64> = (0..responses).map(|r| response_mean(r) + self.shift(response(r))).collect();
        let mut means = vec![0.0; p];
        if self.formula.intercept {
            for (mean, (about_shift, column)) in means.iter_mut().zip(normal.means.iter().zip(columns)) {
                *mean = about_shift + self.shift(column.place);
            }
            let means: Array1<f64> = kept.columns.iter().map(|&j| means[j]).collect();
            for r in 0..responses {
                coefficients[[0, r]] = response_means[r] - means.dot(&b.column(r));
            }
            let slope = kept.inverse.dot(&means);
            covariance[[0, 0]] = 1.0 / normal.w + means.dot(&slope);
            for (i, &j) in kept.columns.iter().enumerate() {
                covariance[[0, j]] = -slope[i];
                covariance[[j, 0]] = -slope[i];
            }
        }
        let mut squares = (Vec::new(), Vec::new(), Vec::new());
        for r in 0..responses {
            let about_shift = self.products.get(state, response(r), response(r));
            let (mean, shift) = (response_mean(r), self.shift(response(r)));
            let centred = (about_shift - normal.w * mean * mean).max(0.0);
            let total = centred + normal.w * (mean + shift) * (mean + shift);
            let explained = b.column(r).dot(&xy.column(r));
            let unexplained = if self.formula.intercept { centred } else { about_shift } - explained;
            squares.0.push(unexplained.max(0.0));
            squares.1.push(centred);
            squares.2.push(total);
        }
        let aliased = (0..p).map(|j| columns[j].term.is_some() && !kept.columns.contains(&j)).collect();
        let first = usize::from(self.formula.intercept);
        LinearModel {
            n: state.n,
            missing: state.dropped,
            sum_weights: normal.w,
            log_weight: state.log_weight,
            coefficients,
            unscaled_covariance: covariance,
            aliased,
            fitted: columns.iter().map(|column| self.has_rows(state, column)).collect(),
            collinear,
            condition: kept.condition,
            residual_squares: squares.0,
            centred_squares: squares.1,
            total_squares: squares.2,
            means,
            response_means,
            centred_products: normal.xx.slice(ndarray::s![first.., first..]).to_owned(),
        }
    }
}

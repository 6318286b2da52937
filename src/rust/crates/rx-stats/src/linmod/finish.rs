//! The master's part of a linear model: which columns are kept, and the solution.
//!
//! With groups g (the whole data where there is an intercept, the cells of the first term in a cube, none otherwise),
//! their weights n_g and the means z_g of the other columns in them, S = X'WX - sum n_g z_g z_g' and s alike:
//! `b = S^-1 s`, `a_g = ybar_g - z_g'b`, `Cov(a_g, a_h) = sigma^2 (1/n_g if g = h, + z_g' S^-1 z_h)`.

use super::keep::{Kept, keep, leading_cells};
use super::{LinMod, Term};
use crate::crossprod::{ONE, Place, State, Sums, Totals};
use crate::dd::{Dd, Number};
use crate::estimator::{Finish, GoOn, Step};
use crate::solve::{Solve, each_strip, filled};
use ndarray::{Array2, ArrayView1};
use rx_data::{Error, ErrorKind, Result};

/// Condition number above which double is not enough.
const ILL_CONDITIONED: f64 = 1e6;

/// The error of an analysis that has no row for its purpose.
pub(crate) fn no_rows(dropped: u64, purpose: &str) -> Error {
    let what = match dropped {
        0 => format!("There are no rows to {purpose}."),
        d => format!("No row is complete: all {d} have a missing value in some variable of the model."),
    };
    Error::new(ErrorKind::NoRows, what).hint("Check the variables with rxSummary, and rowSelection.")
}

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
    /// The diagonal of (X'WX)^-1, of scaled columns; NaN where aliased.
    pub unscaled_variance: Vec<f64>,
    /// (X'WX)^-1, of scaled columns; NaN where aliased. Empty for a cube, and where it is not wanted.
    pub unscaled_covariance: Array2<f64>,
    /// What columns were multiplied by, a power of two: 1 unless their squares are too large or small for doubles.
    pub column_scales: Vec<f64>,
    /// The same of the responses, whose sums of squares are of scaled values.
    pub response_scales: Vec<f64>,
    /// Which columns are linear combinations of others.
    pub aliased: Vec<bool>,
    /// Which columns have rows in their cell.
    pub fitted: Vec<bool>,
    /// Aliased columns that no choice of a reference level explains.
    pub collinear: Vec<usize>,
    /// 1-norm condition number of the correlation matrix of the kept columns but the intercept.
    pub condition: f64,
    /// Sums of squared residuals, one a response.
    pub residual_squares: Vec<f64>,
    /// What of the centred sums of squares is explained.
    pub explained_squares: Vec<f64>,
    /// Centred sums of squares of the responses.
    pub centred_squares: Vec<f64>,
    /// Raw sums of squares of the responses.
    pub total_squares: Vec<f64>,
    /// Means of the columns; zero without an intercept.
    pub means: Vec<f64>,
    /// Means of the responses.
    pub response_means: Vec<f64>,
    /// Centred cross products of all columns but the intercept; empty for a cube, and where they are not wanted.
    pub centred_products: Array2<f64>,
    /// Sums of weights in the cells of a cube.
    pub cell_weights: Vec<f64>,
    /// Of a cube: the columns' values where all variables but those of the cube are at their means.
    pub at_means: Vec<f64>,
}

/// A model column: its term (none is the intercept) and place.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModelColumn {
    term: Option<usize>,
    pub(super) place: Place,
    /// Whether it stands for a group and is solved for last.
    group: bool,
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
        let intercept = ModelColumn { term: None, place: ONE, group: true };
        let mut columns: Vec<_> = self.formula.intercept.then_some(intercept).into_iter().collect();
        let sets = &self.products.sets;
        for (t, term) in self.formula.terms.iter().enumerate() {
            for (set, cells) in sets.iter().enumerate().filter(|(_, s)| s.classes.categories == term.categories) {
                if let Some(value) = cells.values.iter().position(|v| *v == term.numeric) {
                    let place = |cell| Place { set, value, cell };
                    let group = self.formula.cube && t == 0;
                    columns.extend((0..cells.classes.cells() as usize).map(|c| ModelColumn {
                        term: Some(t),
                        place: place(c),
                        group,
                    }));
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
        let mut order: Vec<usize> = (0..columns.len()).filter(|&j| !columns[j].group).collect();
        order.sort_by_cached_key(|&j| key(&columns[j]));
        order
    }

    fn gives_up(&self, column: &ModelColumn) -> bool {
        let terms = &self.formula.terms;
        self.formula.drop_main && column.term.is_some_and(|t| terms[t].is_main_effect_of(terms))
    }
}

/// Cross products of the model's columns and responses about the means of the groups.
pub(super) struct Normal<T> {
    /// Sum of weights.
    w: T,
    /// Positions of the columns that stand for groups with rows.
    groups: Vec<usize>,
    /// Sums of weights of these groups.
    sizes: Vec<T>,
    /// Groups by columns: the columns' means, shifts included.
    means: Array2<T>,
    /// Groups by responses.
    response_means: Array2<T>,
    /// Columns by columns; the upper triangle.
    pub(super) xx: Array2<T>,
    /// Columns by responses.
    pub(super) xy: Array2<T>,
    /// Sums of squares of the columns, shifts included.
    pub(super) raw: Vec<f64>,
}

impl LinMod {
    fn normal<T: Solve>(&self, sums: &Sums<T>, columns: &[ModelColumn], go_on: GoOn) -> Result<Normal<T>> {
        let get = |a: Place, b: Place| self.products.get(sums, a, b);
        let p = columns.len();
        let groups: Vec<usize> = (0..p).filter(|&j| columns[j].group && self.has_rows(sums, &columns[j])).collect();
        let places: Vec<Place> = groups.iter().map(|&g| columns[g].place).collect();
        let sizes: Vec<T> = places.iter().map(|&g| get(g, g)).collect();
        let sum = |of: &dyn Fn(usize) -> Place, count: usize| {
            Array2::from_shape_fn((groups.len(), count), |(g, j)| get(places[g], of(j)))
        };
        let (place, response) = (|j: usize| columns[j].place, |k: usize| self.response(k));
        let (x, y) = (sum(&place, p), sum(&response, self.responses.len()));
        let shifted = |sums: &Array2<T>, of: &dyn Fn(usize) -> Place| {
            Array2::from_shape_fn(sums.dim(), |(g, j)| sums[[g, j]] / sizes[g] + self.shift(of(j)).into())
        };
        let about_shift = Array2::from_shape_fn(x.dim(), |(g, j)| x[[g, j]] / sizes[g]);
        let centre = |i: usize, sums: &Array2<T>, j: usize, raw: T| {
            (0..groups.len()).fold(raw, |left, g| left - about_shift[[g, i]] * sums[[g, j]])
        };
        let mut xx = Array2::from_elem((p, p), T::default());
        each_strip(&mut xx.view_mut(), go_on, |start, mut rows| {
            for (i, mut row) in (start..).zip(rows.rows_mut()) {
                // What belongs to a group has no variation in it.
                for j in (i..p).filter(|&j| !columns[i].group && !columns[j].group) {
                    row[j] = centre(i, &x, j, get(columns[i].place, columns[j].place));
                }
            }
        })?;
        let xy = Array2::from_shape_fn((p, self.responses.len()), |(j, k)| match columns[j].group {
            true => T::default(),
            false => centre(j, &y, k, get(columns[j].place, response(k))),
        });
        let w = get(ONE, ONE);
        let raw = columns.iter().map(|c| self.raw(sums, c.place).value()).collect();
        let (means, response_means) = (shifted(&x, &place), shifted(&y, &response));
        Ok(Normal { w, groups, sizes, means, response_means, xx, xy, raw })
    }

    /// The sum of a column's squares, its shift included.
    fn raw<T: Solve>(&self, sums: &Sums<T>, place: Place) -> T {
        let shift = T::from(self.shift(place));
        let [ones, sum, squares] =
            [(ONE, ONE), (ONE, place), (place, place)].map(|(a, b)| self.products.get(sums, a, b));
        squares + shift * (sum + sum + shift * ones)
    }

    /// The mean of a column as it was before scaling.
    fn mean<T: Solve>(&self, sums: &Sums<T>, place: Place) -> f64 {
        let about_shift = self.products.get(sums, ONE, place) / self.products.get(sums, ONE, ONE);
        (about_shift + self.shift(place).into()).value() / self.products.scale(place)
    }

    /// A column's value with all its variables at their means; the mean of a level is its share of the rows.
    fn at_means<T: Solve>(&self, sums: &Sums<T>, column: &ModelColumn) -> f64 {
        let sets = &self.products.sets;
        let mean_of = |categories: &[usize], values: &[usize], cell: usize| {
            let place =
                |set: usize| Some(Place { set, value: sets[set].values.iter().position(|v| v == values)?, cell });
            let set = sets.iter().position(|s| s.classes.categories == categories);
            set.and_then(place).map_or(f64::NAN, |place| self.mean(sums, place))
        };
        let cells = &sets[column.place.set];
        let numeric = cells.values[column.place.value].iter().map(|&variable| mean_of(&[], &[variable], 0));
        let levels = cells.classes.split(column.place.cell as u64);
        let shares = cells.classes.categories.iter().zip(levels).map(|(&c, level)| mean_of(&[c], &[], level as usize));
        if column.group { 0.0 } else { numeric.chain(shares).product() }
    }

    fn response(&self, k: usize) -> Place {
        Place { set: 0, value: self.responses[k], cell: 0 }
    }

    /// Whether a column is not all zero for want of rows in its cell.
    pub(super) fn has_rows<T: Solve>(&self, sums: &Sums<T>, column: &ModelColumn) -> bool {
        column.place.set == 0 || self.products.get(sums, column.place, column.place) != T::default()
    }

    /// The shift that a column's entries are relative to.
    pub(crate) fn shift(&self, place: Place) -> f64 {
        if place.set == 0 { self.products.shifts[place.value] } else { 0.0 }
    }
}

/// Sums of squares of a response.
struct Squares {
    residual: f64,
    explained: f64,
    centred: f64,
    total: f64,
}

/// The sum of products, four of them at a time.
fn dot<T: Number>(means: &[T], column: ArrayView1<T>) -> T {
    let mut sums = [T::default(); 4];
    for (i, (&mean, &x)) in means.iter().zip(column).enumerate() {
        sums[i % 4] = sums[i % 4] + mean * x;
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

impl Finish for LinMod {
    type Model = LinearModel;
    const SHARES: bool = true;

    fn finish(self, state: State, go_on: GoOn) -> Result<Step<Self, LinearModel>> {
        let state = self.unfolded(state)?;
        self.judge(&state, go_on)
    }
}

impl LinMod {
    /// The model of an unfolded state, or the pass that it takes to be certain of it.
    pub fn judge(self, state: &State, go_on: GoOn) -> Result<Step<Self, LinearModel>> {
        if let Some(products) = self.products.rescaled(state)? {
            return Ok(Step::Again(LinMod { products, ..self }));
        }
        let model = self.answer(state, go_on)?;
        // A state in double tells whether it was enough; where memory does not allow more it has to do.
        if let Totals::Double(sums) = &state.totals
            && (self.is_small(state.n, self.columns().len() as f64) || !model.is_certain())
            && let Ok(products) = self.products.clone().centred(sums).extended()
        {
            return Ok(Step::Again(LinMod { products, ..self }));
        }
        Ok(Step::Done(model))
    }

    /// A state with the sums that models are made of; an error if it has no rows.
    pub fn unfolded(&self, state: State) -> Result<State> {
        if state.n > 0 { Ok(self.products.unfolded(state)) } else { Err(no_rows(state.dropped, "fit a model to")) }
    }

    /// The same with the columns given up that a model of the same rows gave up, whatever the weights make of the others.
    pub(crate) fn deciding(self, model: &LinearModel) -> Self {
        LinMod { aliased: Some(model.aliased.clone()), ..self }
    }

    /// How far a column's values are apart in an unfolded state: their standard deviation, for a level's column 1.
    pub(crate) fn spreads(&self, state: &State) -> Vec<f64> {
        match &state.totals {
            Totals::Double(sums) => self.spreads_in(sums),
            Totals::Extended(sums) => self.spreads_in(&sums.rounded()),
        }
    }

    fn spreads_in(&self, sums: &Sums<f64>) -> Vec<f64> {
        let get = |a: Place, b: Place| self.products.get(sums, a, b);
        let of = |column: ModelColumn| {
            let place = column.place;
            if self.products.sets[place.set].values[place.value].is_empty() {
                return f64::from(u8::from(place != ONE));
            }
            let mean = if place.set == 0 { get(ONE, place) / get(ONE, ONE) } else { 0.0 };
            (get(place, place) / get(ONE, ONE) - mean * mean).max(0.0).sqrt() / self.products.scale(place)
        };
        self.columns().into_iter().map(of).collect()
    }

    /// The model that an unfolded state tells of.
    pub fn answer(&self, state: &State, go_on: GoOn) -> Result<LinearModel> {
        let columns = self.columns();
        match &state.totals {
            Totals::Double(sums) => self.solve(state, sums, &columns, go_on),
            Totals::Extended(sums) if self.is_small(state.n, columns.len() as f64) => {
                self.solve::<Dd>(state, sums, &columns, go_on)
            }
            Totals::Extended(sums) => {
                let model = self.solve(state, &sums.rounded(), &columns, go_on)?;
                if model.is_certain() { Ok(model) } else { self.solve::<Dd>(state, sums, &columns, go_on) }
            }
        }
    }
}

impl LinearModel {
    /// Whether double was enough.
    fn is_certain(&self) -> bool {
        self.condition < ILL_CONDITIONED && self.collinear.is_empty()
    }
}

impl LinMod {
    fn solve<T: Solve>(
        &self,
        state: &State,
        sums: &Sums<T>,
        columns: &[ModelColumn],
        go_on: GoOn,
    ) -> Result<LinearModel> {
        let normal = self.normal(sums, columns, go_on)?;
        if let Some(aliased) = &self.aliased {
            let order = self.acceptance(columns, self.formula.drop_first);
            // Cells that come first give up their last one by themselves.
            let leading = leading_cells(self, columns, &order);
            let reference = order[..leading].iter().rev().find(|&&j| self.has_rows(sums, &columns[j]));
            let own = if reference.is_some_and(|&j| aliased[j]) { leading } else { 0 };
            let order: Vec<usize> =
                order.into_iter().enumerate().filter(|&(at, j)| at < own || !aliased[j]).map(|(_, j)| j).collect();
            let kept = keep(&normal, self, sums, columns, &order, go_on)?;
            let collinear = order.into_iter().filter(|j| !aliased[*j] && !kept.columns.contains(j)).collect();
            return self.model(state, sums, columns, normal, Kept { collinear, ..kept }, go_on);
        }
        // Reference levels first; if that does not explain all that is redundant, the other end of the factors.
        let attempt = |drop_first: bool| self.attempt(sums, &normal, &vec![false; columns.len()], drop_first, go_on);
        let mut kept = attempt(self.formula.drop_first)?;
        let has_factors = columns.iter().any(|c| !c.group && c.place.set > 0);
        if !kept.collinear.is_empty() && !self.formula.drop_first && has_factors {
            kept = attempt(true)?;
        }
        self.model(state, sums, columns, normal, kept, go_on)
    }

    /// Which columns are kept, but for some that are none, and those that are redundant though neither a reference level
    /// nor what was to be given up explains it. Cells without rows explain themselves, and if the last level is such a
    /// cell another one is redundant.
    fn attempt<T: Solve>(
        &self,
        sums: &Sums<T>,
        normal: &Normal<T>,
        left_out: &[bool],
        drop_first: bool,
        go_on: GoOn,
    ) -> Result<Kept<T>> {
        let columns = self.columns();
        let mut order = self.acceptance(&columns, drop_first);
        order.retain(|&j| !left_out[j]);
        let kept = keep(normal, self, sums, &columns, &order, go_on)?;
        let mut is_kept = left_out.to_vec();
        kept.columns.iter().for_each(|&j| is_kept[j] = true);
        let explained = |j: usize| {
            columns[j].group
                || is_kept[j]
                || !self.has_rows(sums, &columns[j])
                || self.is_reference(&columns[j], drop_first)
                || self.gives_up(&columns[j])
        };
        Ok(Kept { collinear: (0..columns.len()).filter(|&j| !explained(j)).collect(), ..kept })
    }

    /// The places of all columns.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.columns().into_iter().map(|column| column.place).collect()
    }

    /// Which columns of an unfolded state are linear combinations of others, but for some that are left out; and whether
    /// that is certain.
    pub(crate) fn redundant(&self, state: &State, left_out: &[bool], go_on: GoOn) -> Result<(Vec<bool>, bool)> {
        match &state.totals {
            Totals::Double(sums) => self.redundant_in(sums, left_out, go_on),
            Totals::Extended(sums) => self.redundant_in(sums, left_out, go_on).map(|(redundant, _)| (redundant, true)),
        }
    }

    fn redundant_in<T: Solve>(&self, sums: &Sums<T>, left_out: &[bool], go_on: GoOn) -> Result<(Vec<bool>, bool)> {
        let columns = self.columns();
        let normal = self.normal(sums, &columns, go_on)?;
        let kept = self.attempt(sums, &normal, left_out, self.formula.drop_first, go_on)?;
        let mut redundant: Vec<bool> =
            columns.iter().zip(left_out).map(|(c, left_out)| !c.group && !left_out).collect();
        kept.columns.iter().for_each(|&j| redundant[j] = false);
        Ok((redundant, kept.condition < ILL_CONDITIONED && kept.collinear.is_empty()))
    }

    fn squares<T: Solve>(
        &self,
        sums: &Sums<T>,
        columns: &[ModelColumn],
        normal: &Normal<T>,
        kept: &Kept<T>,
        r: usize,
    ) -> Squares {
        let response = self.response(r);
        let [sum, about_shift] = [ONE, response].map(|a| self.products.get(sums, a, response));
        let centred = about_shift - sum * sum / normal.w;
        let total = self.raw(sums, response);
        // About the means of the groups, which is where the columns start from.
        let about_group = |left: T, (&g, &size): (&usize, &T)| {
            let sum = self.products.get(sums, columns[g].place, response);
            left - sum * sum / size
        };
        let within = match normal.groups.is_empty() {
            true => total,
            false => normal.groups.iter().zip(&normal.sizes).fold(about_shift, about_group),
        };
        let residual = (within - kept.explained[r]).value();
        // So little is what rounding leaves of a perfect fit.
        let noise = 4.0 * T::EPSILON * (kept.columns.len() + 1) as f64 * within.value();
        Squares {
            residual: if residual > noise { residual } else { 0.0 },
            explained: (centred - within + kept.explained[r]).value(),
            centred: centred.value().max(0.0),
            total: total.value(),
        }
    }

    fn model<T: Solve>(
        &self,
        state: &State,
        sums: &Sums<T>,
        columns: &[ModelColumn],
        normal: Normal<T>,
        kept: Kept<T>,
        go_on: GoOn,
    ) -> Result<LinearModel> {
        let (p, responses) = (columns.len(), self.responses.len());
        let column_scales: Vec<f64> = columns.iter().map(|c| self.products.scale(c.place)).collect();
        let response_scales: Vec<f64> = (0..responses).map(|r| self.products.scale(self.response(r))).collect();
        let mut coefficients = Array2::from_elem((p, responses), f64::NAN);
        let mut variance = vec![f64::NAN; p];
        let size = if self.formula.covariance { p } else { 0 };
        let mut covariance = Array2::from_elem((size, size), f64::NAN);
        for (i, &row) in kept.columns.iter().enumerate() {
            for r in 0..responses {
                coefficients[[row, r]] = kept.b[[i, r]].value();
            }
            variance[row] = kept.inverse[[i, i]].value();
            for (j, &column) in kept.columns.iter().enumerate().filter(|_| size > 0) {
                covariance[[row, column]] = kept.inverse[[i, j]].value();
            }
        }
        for (g, &group) in normal.groups.iter().enumerate() {
            let means: Vec<T> = kept.columns.iter().map(|&j| normal.means[[g, j]]).collect();
            for r in 0..responses {
                let a = normal.response_means[[g, r]] - dot(&means, kept.b.column(r));
                coefficients[[group, r]] = a.value();
            }
            let slope = filled((means.len(), 1), go_on, |i, _| dot(&means, kept.inverse.row(i)))?;
            let slope = slope.column(0);
            variance[group] = (T::from(1.0) / normal.sizes[g] + dot(&means, slope)).value();
            if size > 0 {
                covariance[[group, group]] = variance[group];
                for (i, &j) in kept.columns.iter().enumerate() {
                    covariance[[group, j]] = -slope[i].value();
                    covariance[[j, group]] = -slope[i].value();
                }
            }
        }
        for (j, r) in (0..p).flat_map(|j| (0..responses).map(move |r| (j, r))) {
            coefficients[[j, r]] *= column_scales[j] / response_scales[r];
        }
        let squares: Vec<Squares> = (0..responses).map(|r| self.squares(sums, columns, &normal, &kept, r)).collect();
        let squares = |of: fn(&Squares) -> f64| squares.iter().map(of).collect();
        let mut aliased = vec![true; p];
        kept.columns.iter().chain(&normal.groups).for_each(|&j| aliased[j] = false);
        let first = usize::from(self.formula.intercept);
        let size = if self.formula.centred_products { p - first } else { 0 };
        let centred_products = Array2::from_shape_fn((size, size), |(i, j)| {
            let (a, b) = (i.min(j) + first, i.max(j) + first);
            normal.xx[[a, b]].value() / column_scales[a] / column_scales[b]
        });
        let mean = |place: Place| self.mean(sums, place);
        Ok(LinearModel {
            n: state.n,
            missing: state.dropped,
            sum_weights: normal.w.value(),
            log_weight: state.log_weight,
            coefficients,
            unscaled_variance: variance,
            unscaled_covariance: covariance,
            aliased,
            fitted: columns.iter().map(|column| self.has_rows(sums, column)).collect(),
            collinear: kept.collinear,
            condition: kept.condition,
            residual_squares: squares(|s| s.residual),
            explained_squares: squares(|s| s.explained),
            centred_squares: squares(|s| s.centred),
            total_squares: squares(|s| s.total),
            means: match self.formula.intercept {
                true => columns.iter().map(|c| mean(c.place)).collect(),
                false => vec![0.0; p],
            },
            response_means: (0..responses).map(|r| mean(self.response(r))).collect(),
            centred_products,
            cell_weights: match self.formula.cube {
                true => columns
                    .iter()
                    .filter(|c| c.group)
                    .map(|c| self.products.get(sums, c.place, c.place).value())
                    .collect(),
                false => Vec::new(),
            },
            at_means: match self.formula.at_means {
                true => columns.iter().map(|c| self.at_means(sums, c)).collect(),
                false => Vec::new(),
            },
            column_scales,
            response_scales,
        })
    }
}

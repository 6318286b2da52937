//! What a fitted linear predictor says of new rows (`rxPredict`).
//!
//! The fit is `b0 + sum_j b_j x_j` with the numeric columns about the centres that the model was solved about, and its
//! variance is `x'Vx` with V the covariance of the coefficients about the same centres: nothing large cancels. A row
//! touches one cell of each term, so a prediction costs the number of terms and its variance the square of that,
//! whatever the number of levels. Means of a generalized linear model are the inverse link of that, their standard errors
//! those of the linear predictor times its slope, and their intervals those of the linear predictor transformed.

use crate::decode::Decoder;
use crate::design::{Category, Coding, Design, Numeric, Precision, Rows};
use crate::estimator::{ModelBatch, NO_LEVEL};
use crate::glm::Link;
use crate::levels::FoundCodes;
use crate::linmod::Term;
use rx_data::column::{NA_F64, NA_I32};
use rx_data::{Block, BlockMap, Column, Error, Result, Schema};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Unseen levels kept by name for each category; the first in alphabetical order, so the same for any number of threads.
const NAMED_LEVELS: usize = 100;

/// A fitted linear predictor, and what is wanted of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Predictor {
    /// Numeric variables.
    pub numeric: Vec<NumericVariable>,
    /// Categories with the levels of the fit.
    pub categories: Vec<CategoryVariable>,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// The terms, in the order of the coefficients.
    pub terms: Vec<Term>,
    /// What the values of each model column are relative to; zero for a term with categories.
    pub centres: Vec<f64>,
    /// Whether the fit had rows with the column's cell.
    pub fitted: Vec<bool>,
    /// The responses.
    pub responses: Vec<Response>,
    /// Numeric variables that are added to the prediction.
    #[serde(default)]
    pub offsets: Vec<usize>,
    /// The link whose means are observed, if that is not the identity.
    #[serde(default)]
    pub link: Option<Link>,
    /// Whether means are wanted, not linear predictors.
    #[serde(default)]
    pub means: bool,
    /// The columns wanted.
    pub wanted: Vec<Wanted>,
    /// Covariance of the coefficients of a response whose scale is 1, row by row; empty if no errors are wanted.
    #[serde(skip)]
    pub covariance: Vec<f64>,
    /// Half of an interval's width in standard errors.
    pub quantile: f64,
    /// Whether rows without a result are left out.
    pub remove_missings: bool,
}

/// A numeric variable.
#[derive(Debug, Clone, Deserialize)]
pub struct NumericVariable {
    /// The column.
    pub column: String,
    /// The levels of the fit, if the value is the position of a factor's level (`N()`).
    pub levels: Option<Vec<String>>,
}

/// A category.
#[derive(Debug, Clone, Deserialize)]
pub struct CategoryVariable {
    /// The column.
    pub column: String,
    /// The variable's name in messages.
    pub name: String,
    /// The levels of the fit.
    pub levels: Vec<String>,
    /// The value of the first level, if levels are whole numbers (`F()`).
    pub low: Option<f64>,
    /// Whether the last level takes all values that have no other.
    pub other: bool,
}

/// A response.
#[derive(Debug, Clone, Deserialize)]
pub struct Response {
    /// The observed values among the numeric variables, where residuals are wanted.
    pub observed: Option<usize>,
    /// Its coefficients, zero where there is none.
    pub coefficients: Vec<f64>,
    /// Its residual standard error over that of the covariance given.
    pub scale: f64,
    /// Variance of a new observation about its mean, if intervals are for observations; else zero.
    pub noise: f64,
}

/// A column to compute.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Wanted {
    /// The response.
    pub response: usize,
    /// What of it.
    pub value: Value,
}

/// What can be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The prediction.
    Fit,
    /// Observed less predicted.
    Residual,
    /// Standard error of the prediction.
    StdError,
    /// Lower end of the interval.
    Lower,
    /// Upper end of the interval.
    Upper,
}

/// What the rows had that the fit did not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unseen {
    /// Labels without a level, for each category and then for each numeric variable; at most [`NAMED_LEVELS`] of each.
    pub labels: Vec<BTreeSet<String>>,
    /// Model columns that had no rows.
    pub columns: BTreeSet<usize>,
}

/// Appends predictions to some columns of a source.
pub struct Predict {
    predictor: Predictor,
    design: Design,
    /// Design positions of the categories that stand for numeric variables (`N()`).
    coded: Vec<Option<usize>>,
    /// Columns of the scan that go on.
    passed: Vec<usize>,
    /// First model column of each term.
    starts: Vec<usize>,
    unseen: Mutex<Unseen>,
}

impl Predictor {
    /// The columns of a source that are read, with others that go on.
    pub fn columns(&self, passed: &[String]) -> Vec<String> {
        let numeric = self.numeric.iter().map(|v| &v.column);
        let all: BTreeSet<&String> = numeric.chain(self.categories.iter().map(|c| &c.column)).chain(passed).collect();
        all.into_iter().cloned().collect()
    }
}

impl Predict {
    /// A map over a source whose columns named `passed` go on, before the computed ones.
    pub fn new(predictor: Predictor, schema: &Schema, passed: &[String]) -> Result<Self> {
        let mut columns = schema.indices_of(passed)?;
        let passed = (0..columns.len()).collect();
        let mut position = |name: &str| -> Result<usize> {
            let index = schema.index_of(name)?;
            Ok(columns.iter().position(|&c| c == index).unwrap_or_else(|| {
                columns.push(index);
                columns.len() - 1
            }))
        };
        let mut categories = Vec::new();
        for category in &predictor.categories {
            let other = |count: usize| category.other.then(|| count as u32 - 1);
            let count = category.levels.len();
            let coding = match category.low {
                None => Coding::Label(other(count)),
                Some(low) => {
                    Coding::Integer { low, count: (count - usize::from(category.other)) as u32, outside: other(count) }
                }
            };
            let (column, name) = (position(&category.column)?, category.name.clone());
            categories.push(Category { column, name, levels: Arc::new(category.levels.clone()), coding });
        }
        let mut numeric = Vec::new();
        let mut coded = Vec::new();
        for variable in &predictor.numeric {
            let (column, name) = (position(&variable.column)?, variable.column.clone());
            coded.push(variable.levels.as_ref().map(|levels| {
                let (levels, coding) = (Arc::new(levels.clone()), Coding::Label(None));
                categories.push(Category { column, name: name.clone(), levels, coding });
                categories.len() - 1
            }));
            numeric.push(Numeric { column, name, precision: Precision::Double });
        }
        let levels = |&c: &usize| predictor.categories[c].levels.len();
        let mut starts = Vec::new();
        let mut next = usize::from(predictor.intercept);
        for term in &predictor.terms {
            starts.push(next);
            next += term.categories.iter().map(levels).product::<usize>();
        }
        let sizes = [predictor.centres.len(), predictor.fitted.len()];
        let covariance = predictor.covariance.len();
        if sizes != [next; 2]
            || predictor.responses.iter().any(|r| r.coefficients.len() != next)
            || (covariance != 0 && covariance != next * next)
        {
            return Err(Error::internal("a model's coefficients do not fit its terms"));
        }
        let unseen = Unseen { labels: vec![BTreeSet::new(); categories.len()], columns: BTreeSet::new() };
        let design = Design { columns, numeric, categories, weight: None, rows: Rows::All };
        Ok(Predict { predictor, design, coded, passed, starts, unseen: Mutex::new(unseen) })
    }

    /// The columns of the source to scan.
    pub fn columns(&self) -> &[usize] {
        &self.design.columns
    }

    /// What the rows had that the fit did not.
    pub fn into_unseen(self) -> Unseen {
        self.unseen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each term's model column and value in every row: NaN where it has none.
    fn entries(&self, batch: &ModelBatch, unseen: &mut Unseen) -> Vec<Entries> {
        let predictor = &self.predictor;
        let numbers = |v: usize, values: &mut [f64]| match self.coded[v] {
            Some(category) => values.iter_mut().zip(batch.codes[category]).for_each(|(x, &code)| {
                *x *= if code == NO_LEVEL { f64::NAN } else { f64::from(code) };
            }),
            None => values.iter_mut().zip(batch.numeric[v]).for_each(|(x, &y)| *x *= y),
        };
        let mut all = Vec::with_capacity(predictor.terms.len());
        for (term, &start) in predictor.terms.iter().zip(&self.starts) {
            let mut values = vec![1.0; batch.rows];
            for &v in &term.numeric {
                numbers(v, &mut values);
            }
            let mut columns = vec![start as u32; batch.rows];
            let mut stride = 1;
            for &c in &term.categories {
                for ((column, value), &code) in columns.iter_mut().zip(&mut values).zip(batch.codes[c]) {
                    if code == NO_LEVEL {
                        *value = f64::NAN;
                    } else {
                        *column += stride * code;
                    }
                }
                stride *= predictor.categories[c].levels.len() as u32;
            }
            for (&column, value) in columns.iter().zip(&mut values) {
                let column = column as usize;
                if !predictor.fitted[column] && *value != 0.0 {
                    if !value.is_nan() {
                        unseen.columns.insert(column);
                    }
                    *value = f64::NAN;
                }
                *value -= predictor.centres[column];
            }
            all.push(Entries { columns, values });
        }
        all
    }

    /// The variance of each row's prediction, for a response whose scale is 1.
    fn variances(&self, entries: &[Entries], rows: usize) -> Vec<f64> {
        let size = self.predictor.centres.len();
        let covariance = |i: u32, j: u32| self.predictor.covariance[i as usize * size + j as usize];
        let intercept = if self.predictor.intercept { 1.0 } else { 0.0 };
        let mut variances = vec![if self.predictor.intercept { covariance(0, 0) } else { 0.0 }; rows];
        for (t, a) in entries.iter().enumerate() {
            for (i, variance) in variances.iter_mut().enumerate() {
                let mut sum = if intercept > 0.0 { 2.0 * covariance(0, a.columns[i]) } else { 0.0 };
                for b in &entries[..t] {
                    sum += 2.0 * b.values[i] * covariance(b.columns[i], a.columns[i]);
                }
                *variance += a.values[i] * (sum + a.values[i] * covariance(a.columns[i], a.columns[i]));
            }
        }
        variances
    }

    fn predict(&self, batch: &ModelBatch, unseen: &mut Unseen, computed: &mut [Vec<f64>]) {
        let predictor = &self.predictor;
        let entries = self.entries(batch, unseen);
        let fits = predictor.responses.iter().map(|response| {
            let b = &response.coefficients;
            let mut fit = vec![if predictor.intercept { b[0] } else { 0.0 }; batch.rows];
            for term in &entries {
                for ((fit, &column), &x) in fit.iter_mut().zip(&term.columns).zip(&term.values) {
                    *fit += b[column as usize] * x;
                }
            }
            for &offset in &predictor.offsets {
                fit.iter_mut().zip(batch.numeric[offset]).for_each(|(fit, x)| *fit += x);
            }
            fit
        });
        let fits: Vec<Vec<f64>> = fits.collect();
        let variances = if predictor.covariance.is_empty() { vec![] } else { self.variances(&entries, batch.rows) };
        for (wanted, out) in predictor.wanted.iter().zip(computed) {
            let (response, fit) = (&predictor.responses[wanted.response], &fits[wanted.response]);
            let observed = response.observed.map(|v| self.observed(v, batch));
            let variance = |i: usize| variances[i].max(0.0) * response.scale * response.scale;
            let half = |i: usize| predictor.quantile * (variance(i) + response.noise).sqrt();
            let along = |of: &dyn Fn(usize) -> f64| (0..batch.rows).map(of).collect::<Vec<f64>>();
            let values = match wanted.value {
                Value::Fit => predictor.as_wanted(fit),
                Value::Residual => {
                    let means = predictor.mean(fit);
                    along(&|i| observed.as_ref().map_or(f64::NAN, |y| y[i] - means[i]))
                }
                Value::StdError => {
                    let slopes = predictor.slopes(fit);
                    along(&|i| if fit[i].is_nan() { f64::NAN } else { variance(i).sqrt() * slopes[i] })
                }
                Value::Lower | Value::Upper => {
                    // A link that falls turns the ends around.
                    let up =
                        (wanted.value == Value::Upper) != (predictor.means && predictor.link.is_some_and(Link::falls));
                    predictor.as_wanted(&along(&|i| if up { fit[i] + half(i) } else { fit[i] - half(i) }))
                }
            };
            // Without a response there is no residual, and then nothing at all.
            let missing = |i: usize, x: f64| x.is_nan() || observed.as_ref().is_some_and(|y| y[i].is_nan());
            out.extend(values.into_iter().enumerate().map(|(i, x)| if missing(i, x) { NA_F64 } else { x }));
        }
    }

    /// The values of a response: numbers, or the positions of levels.
    fn observed<'a>(&self, variable: usize, batch: &ModelBatch<'a>) -> Cow<'a, [f64]> {
        let position = |&code: &u32| if code == NO_LEVEL { f64::NAN } else { f64::from(code) };
        match self.coded[variable] {
            Some(category) => batch.codes[category].iter().map(position).collect(),
            None => Cow::Borrowed(batch.numeric[variable]),
        }
    }
}

impl Predictor {
    /// The means that linear predictors stand for.
    fn mean<'a>(&self, eta: &'a [f64]) -> Cow<'a, [f64]> {
        let Some(link) = self.link else { return Cow::Borrowed(eta) };
        let mut mu = Vec::new();
        link.means(eta, &mut mu, None);
        mu.iter_mut().zip(eta).for_each(|(mu, &eta)| *mu = if link.allows(eta) { *mu } else { f64::NAN });
        Cow::Owned(mu)
    }

    /// Linear predictors as they are wanted.
    fn as_wanted(&self, eta: &[f64]) -> Vec<f64> {
        if self.means { self.mean(eta).into_owned() } else { eta.to_vec() }
    }

    /// By how much what is wanted changes with the linear predictor.
    fn slopes(&self, eta: &[f64]) -> Vec<f64> {
        let Some(link) = self.link.filter(|_| self.means) else { return vec![1.0; eta.len()] };
        let (mut mu, mut slopes) = (Vec::new(), Vec::new());
        link.means(eta, &mut mu, Some(&mut slopes));
        slopes.iter().map(|slope| slope.abs()).collect()
    }
}

/// A term in the rows of a batch.
struct Entries {
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl BlockMap for Predict {
    fn map(&self, block: Block) -> Result<Option<Block>> {
        let mut unseen = Unseen { labels: vec![BTreeSet::new(); self.design.categories.len()], ..Unseen::default() };
        let mut computed = vec![Vec::with_capacity(block.rows); self.predictor.wanted.len()];
        let mut offset = 0;
        Decoder::new(&self.design).each_batch(&block, &FoundCodes::default(), |batch| {
            for (j, category) in self.design.categories.iter().enumerate() {
                let lost = batch.codes[j].iter().enumerate().filter(|&(_, &code)| code == NO_LEVEL);
                let column = &block.columns[category.column];
                for label in lost.filter_map(|(i, _)| label(column, offset + i)) {
                    remember(&mut unseen.labels[j], label);
                }
            }
            self.predict(batch, &mut unseen, &mut computed);
            offset += batch.rows;
            Ok(())
        })?;
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner).merge(unseen);
        let mut columns: Vec<Column> = self.passed.iter().map(|&j| block.columns[j].clone()).collect();
        let mut rows = block.rows;
        if self.predictor.remove_missings {
            let keep: Vec<usize> = (0..rows).filter(|&i| computed.iter().all(|c| !c[i].is_nan())).collect();
            if keep.len() < rows {
                rows = keep.len();
                columns = columns.iter().map(|column| column.gather(&keep)).collect();
                computed = computed.iter().map(|c| keep.iter().map(|&i| c[i]).collect()).collect();
            }
        }
        columns.extend(computed.into_iter().map(|values| Column::F64(values.into())));
        Ok(Some(Block { index: block.index, rows, columns }))
    }
}

impl Unseen {
    fn merge(&mut self, other: Unseen) {
        for (mine, labels) in self.labels.iter_mut().zip(other.labels) {
            labels.into_iter().for_each(|label| remember(mine, label));
        }
        self.columns.extend(other.columns);
    }
}

fn remember(labels: &mut BTreeSet<String>, label: String) {
    labels.insert(label);
    if labels.len() > NAMED_LEVELS {
        labels.pop_last();
    }
}

/// A value as the label of a level; none if it is missing.
fn label(column: &Column, row: usize) -> Option<String> {
    let whole = |x: f64| (!x.is_nan()).then(|| format!("{}", x.floor()));
    match column {
        Column::Dict { codes, labels } => labels.get((codes[row] as usize).wrapping_sub(1)).cloned(),
        Column::Str(text) => arrow::array::Array::is_valid(text, row).then(|| text.value(row).to_string()),
        Column::I32(v) => (v[row] != NA_I32).then(|| v[row].to_string()),
        Column::I64(v) => (v[row] != rx_data::column::NA_I64).then(|| v[row].to_string()),
        Column::F32(v) => whole(f64::from(v[row])),
        Column::F64(v) => whole(v[row]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::decode::BATCH_ROWS;
    use rx_data::{Field, Kind};

    fn strings(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|l| l.to_string()).collect()
    }

    /// y = 1 + 2 (x - 10) + (0, 5, dropped) of f in p, q, r; nobody had r.
    fn predictor(wanted: &[Value]) -> Predictor {
        Predictor {
            numeric: ["x", "y"].map(|name| NumericVariable { column: name.into(), levels: None }).into(),
            categories: vec![CategoryVariable {
                column: "f".into(),
                name: "f".into(),
                levels: strings(&["p", "q", "r"]),
                low: None,
                other: false,
            }],
            intercept: true,
            terms: vec![Term { numeric: vec![0], categories: vec![] }, Term { numeric: vec![], categories: vec![0] }],
            centres: vec![0.0, 10.0, 0.0, 0.0, 0.0],
            fitted: vec![true, true, true, true, false],
            responses: vec![Response {
                observed: wanted.contains(&Value::Residual).then_some(1),
                coefficients: vec![1.0, 2.0, 0.0, 5.0, 0.0],
                scale: 2.0,
                noise: 0.0,
            }],
            offsets: vec![],
            link: None,
            means: false,
            wanted: wanted.iter().map(|&value| Wanted { response: 0, value }).collect(),
            covariance: vec![],
            quantile: 2.0,
            remove_missings: false,
        }
    }

    fn schema() -> Schema {
        let factor = Kind::Factor { ordered: false };
        Schema::new(vec![Field::new("f", factor), Field::new("x", Kind::Numeric), Field::new("y", Kind::Numeric)])
    }

    fn block(predict: &Predict, codes: Vec<i32>, x: Vec<f64>) -> Block {
        let labels = Arc::new(strings(&["s", "q", "p", "r"]));
        let y = vec![f64::NAN; x.len()];
        let all = [Column::Dict { codes: codes.into(), labels }, Column::F64(x.clone().into()), Column::F64(y.into())];
        Block { index: 0, rows: x.len(), columns: predict.columns().iter().map(|&j| all[j].clone()).collect() }
    }

    fn numbers(column: &Column) -> Vec<f64> {
        match column {
            Column::F64(v) => v.to_vec(),
            _ => vec![],
        }
    }

    #[test]
    fn levels_go_by_label_and_what_the_fit_did_not_see_is_missing_and_named() {
        let predict = Predict::new(predictor(&[Value::Fit]), &schema(), &strings(&["y"])).unwrap();
        let rows = block(&predict, vec![3, 2, 1, 4, NA_I32, 2], vec![10.0, 11.0, 10.0, 10.0, 10.0, f64::NAN]);
        let out = predict.map(rows).unwrap().unwrap();
        assert_eq!(out.columns.len(), 2);
        let fit = numbers(&out.columns[1]);
        assert_eq!(fit[..2], [1.0, 8.0]);
        assert!(fit[2..].iter().all(|&x| rx_data::column::is_na_f64(x)));
        let unseen = predict.into_unseen();
        assert_eq!(unseen.labels[0], BTreeSet::from(["s".to_string()]));
        assert_eq!(unseen.columns, BTreeSet::from([4]));
    }

    #[test]
    fn errors_are_the_quadratic_form_of_the_covariance() {
        let mut wanted = predictor(&[Value::StdError, Value::Lower, Value::Upper]);
        // Of b0, the slope and q: a symmetric matrix with every product of its own size.
        let v = [[4.0, 0.1, 0.2], [0.1, 9.0, 0.3], [0.2, 0.3, 16.0]];
        let place = [0, 1, 3];
        wanted.covariance = vec![0.0; 25];
        for (i, row) in v.iter().enumerate() {
            for (j, x) in row.iter().enumerate() {
                wanted.covariance[place[i] * 5 + place[j]] = *x;
            }
        }
        wanted.responses[0].noise = 1.0;
        let predict = Predict::new(wanted, &schema(), &[]).unwrap();
        let out = predict.map(block(&predict, vec![2, 3, 1], vec![13.0, 10.0, 10.0])).unwrap().unwrap();
        let d = [1.0, 3.0, 1.0];
        let variance: f64 = (0..3).flat_map(|i| (0..3).map(move |j| d[i] * d[j] * v[i][j])).sum();
        let error = numbers(&out.columns[0]);
        assert!((error[0] - 2.0 * variance.sqrt()).abs() < 1e-14);
        assert_eq!(error[1], 4.0);
        assert!(error[2].is_nan());
        let half = 2.0 * (4.0 * variance + 1.0f64).sqrt();
        assert!((numbers(&out.columns[1])[0] - (12.0 - half)).abs() < 1e-13);
        assert!((numbers(&out.columns[2])[0] - (12.0 + half)).abs() < 1e-13);
    }

    #[test]
    fn means_are_the_inverse_link_and_intervals_are_transformed() {
        let mut plan = predictor(&[Value::Fit, Value::StdError, Value::Lower, Value::Upper, Value::Residual]);
        (plan.link, plan.means, plan.offsets) = (Some(Link::Inverse), true, vec![0]);
        plan.covariance = vec![0.0; 25];
        plan.covariance[0] = 0.25;
        let predict = Predict::new(plan, &schema(), &[]).unwrap();
        // The linear predictor is 1 + 2 (x - 10) + x = 11; its standard error 2 * 0.5.
        let mut rows = block(&predict, vec![3], vec![10.0]);
        let y = predict.columns().iter().position(|&j| j == 2).unwrap();
        rows.columns[y] = Column::F64(vec![3.0].into());
        let out = predict.map(rows).unwrap().unwrap();
        let found: Vec<f64> = out.columns.iter().map(|c| numbers(c)[0]).collect();
        let expected = [1.0 / 11.0, 1.0 / 121.0, 1.0 / 13.0, 1.0 / 9.0, 3.0 - 1.0 / 11.0];
        assert!(found.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-15), "{found:?}");
    }

    #[test]
    fn a_missing_response_leaves_nothing_where_residuals_are_wanted() {
        let mut wanted = predictor(&[Value::Fit, Value::Residual]);
        let predict = Predict::new(wanted.clone(), &schema(), &[]).unwrap();
        let out = predict.map(block(&predict, vec![3], vec![10.0])).unwrap().unwrap();
        assert!(out.columns.iter().all(|c| numbers(c)[0].is_nan()));
        wanted.remove_missings = true;
        let predict = Predict::new(wanted, &schema(), &strings(&["f"])).unwrap();
        let out = predict.map(block(&predict, vec![3], vec![10.0])).unwrap().unwrap();
        assert!(out.rows == 0 && out.columns.iter().all(Column::is_empty));
    }

    #[test]
    fn positions_of_levels_are_those_of_the_fit() {
        let mut plan = predictor(&[Value::Fit]);
        plan.numeric[0] = NumericVariable { column: "f".into(), levels: Some(strings(&["q", "r", "p"])) };
        plan.categories.clear();
        plan.terms.truncate(1);
        (plan.centres, plan.fitted) = (vec![0.0; 2], vec![true; 2]);
        plan.responses[0].coefficients.truncate(2);
        let predict = Predict::new(plan, &schema(), &[]).unwrap();
        let out = predict.map(block(&predict, vec![2, 3, 4, 1], vec![0.0; 4])).unwrap().unwrap();
        assert_eq!(numbers(&out.columns[0])[..3], [1.0, 5.0, 3.0]);
        assert_eq!(predict.into_unseen().labels[0], BTreeSet::from(["s".to_string()]));
    }

    #[test]
    fn batches_of_a_long_block_follow_one_another() {
        let predict = Predict::new(predictor(&[Value::Fit]), &schema(), &[]).unwrap();
        let rows = 2 * BATCH_ROWS + 7;
        let x: Vec<f64> = (0..rows).map(|i| i as f64).collect();
        let mut codes = vec![3; rows];
        codes[rows - 1] = 1;
        let fit = numbers(&predict.map(block(&predict, codes, x)).unwrap().unwrap().columns[0]);
        assert!(fit[..rows - 1].iter().enumerate().all(|(i, &y)| y == 1.0 + 2.0 * (i as f64 - 10.0)));
        assert!(fit[rows - 1].is_nan() && !predict.into_unseen().labels[0].is_empty());
    }
}

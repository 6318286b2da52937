//! From the variables that a formula names to a design: columns are found, levels agreed.

use crate::control::Control;
use crate::levels::{self, Found};
use crate::local;
use crate::pool::Pool;
use rx_data::sink::{XdfOptions, XdfSink};
use rx_data::source::XdfSource;
use rx_data::{Error, ErrorKind, Field, Identity, Kind, Labels, Result, Schema, Source};
use rx_stats::Design;
use rx_stats::design::{Category, Coding, Numeric, Rows, Weight, WeightKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The variables of an analysis, by name.
#[derive(Debug, Clone, Deserialize)]
pub struct Variables {
    /// Numeric variables.
    pub numeric: Vec<NumericVariable>,
    /// Categories.
    pub categories: Vec<CategoryVariable>,
    /// Weights.
    pub weight: Option<WeightVariable>,
    /// Which rows the estimator sees.
    pub rows: Rows,
}

/// A numeric variable.
#[derive(Debug, Clone, Deserialize)]
pub struct NumericVariable {
    /// The column.
    pub column: String,
    /// Whether it is the level codes of a factor, counted from zero (`N()`).
    #[serde(default)]
    pub codes: bool,
}

/// A category.
#[derive(Debug, Clone, Deserialize)]
pub struct CategoryVariable {
    /// The column.
    pub column: String,
    /// The variable's name in messages.
    pub name: String,
    /// Bounds and rule of `F()`; of a factor the bounds are positions of levels, from 1.
    pub f: Option<FloorRule>,
}

/// The arguments of `F()`.
#[derive(Debug, Clone, Deserialize)]
pub struct FloorRule {
    /// First value that gets a level.
    pub low: Option<f64>,
    /// Last value that gets a level.
    pub high: Option<f64>,
    /// Whether values outside are missing; else they share one more level.
    pub exclude: bool,
}

/// A weight variable.
#[derive(Debug, Clone, Deserialize)]
pub struct WeightVariable {
    /// The column.
    pub column: String,
    /// Its kind.
    pub kind: WeightKind,
}

/// The label of the level that `F(exclude = FALSE)` gives to all values outside its bounds.
pub const OTHER: &str = ".rxOther";

/// More levels than this in one `F()` are taken for a mistake.
const MOST_LEVELS: f64 = 10_000_000.0;

/// A source and the design of an analysis on it.
pub struct Prepared {
    /// Where the rows come from: the source given, or its spooled copy.
    pub source: Arc<dyn Source>,
    /// The design.
    pub design: Design,
    /// Removes the spooled copy.
    _spool: Option<Spool>,
}

/// Finds the columns of the variables and agrees on the levels of categories.
///
/// Levels that the source does not know are found by a pass of their own. Where reading runs R code (`spool` is a path)
/// that pass keeps the columns in a file, so that the code runs once a chunk whatever follows.
pub fn prepare(
    pool: &Pool,
    control: &Control,
    source: Arc<dyn Source>,
    variables: &Variables,
    spool: Option<&Path>,
) -> Result<Prepared> {
    let mut columns: Vec<usize> = Vec::new();
    let mut position = |schema: &Schema, name: &str| -> Result<usize> {
        let index = schema.index_of(name)?;
        Ok(columns.iter().position(|&c| c == index).unwrap_or_else(|| {
            columns.push(index);
            columns.len() - 1
        }))
    };
    let schema = source.schema();
    let numeric = variables.numeric.iter().map(|v| {
        check_numeric(&schema.fields[schema.index_of(&v.column)?], v.codes)?;
        Ok(Numeric { column: position(schema, &v.column)?, name: v.column.clone() })
    });
    let numeric = numeric.collect::<Result<Vec<_>>>()?;
    let categories: Vec<usize> =
        variables.categories.iter().map(|v| position(schema, &v.column)).collect::<Result<_>>()?;
    let weight = variables.weight.as_ref().map(|w| {
        let variable = Numeric { column: position(schema, &w.column)?, name: w.column.clone() };
        check_numeric(&schema.fields[schema.index_of(&w.column)?], false)?;
        Ok::<_, Error>(Weight { variable, kind: w.kind })
    });
    let weight = weight.transpose()?;

    let mut columns = columns.clone();
    let (mut source, mut spooled) = (source.clone(), None);
    let uncoded = |schema: &Schema, columns: &[usize]| {
        let coded = variables
            .numeric
            .iter()
            .zip(&numeric)
            .filter(|(v, _)| v.codes)
            .map(|(_, n)| &schema.fields[columns[n.column]]);
        coded.filter(|field| field.levels.is_none()).map(unagreed).next()
    };
    let incomplete =
        !unknown(schema, &columns, variables, &categories).is_empty() || uncoded(schema, &columns).is_some();
    if let Some(path) = spool.filter(|_| incomplete) {
        let spool = Spool::write(pool, control, &*source, &columns, path)?;
        source = Arc::new(XdfSource::open(&spool.path)?);
        columns = (0..columns.len()).collect();
        spooled = Some(spool);
    }
    if let Some(error) = uncoded(source.schema(), &columns) {
        return Err(error);
    }
    let unknown = unknown(source.schema(), &columns, variables, &categories);
    let found = find(pool, control, &*source, &columns, &unknown)?;
    let schema = source.schema();
    let categories = variables.categories.iter().zip(categories).map(|(variable, position)| {
        let found = unknown.iter().position(|&u| u == position).map(|i| &found[i]);
        let (levels, coding) = levels_of(&schema.fields[columns[position]], variable, found)?;
        Ok(Category { column: position, name: variable.name.clone(), levels, coding })
    });
    let categories = categories.collect::<Result<Vec<_>>>()?;
    let design = Design { columns, numeric, categories, weight, rows: variables.rows };
    Ok(Prepared { source, design, _spool: spooled })
}

/// The categories' columns (positions among `columns`) whose levels or bounds nobody knows.
fn unknown(schema: &Schema, columns: &[usize], variables: &Variables, categories: &[usize]) -> Vec<usize> {
    let known =
        |&(variable, &position): &(&CategoryVariable, &usize)| is_known(&schema.fields[columns[position]], variable);
    variables.categories.iter().zip(categories).filter(|pair| !known(pair)).map(|(_, &position)| position).collect()
}

/// One pass over the columns (positions among `columns`) whose levels or bounds nobody knows.
fn find(
    pool: &Pool,
    control: &Control,
    source: &dyn Source,
    columns: &[usize],
    unknown: &[usize],
) -> Result<Vec<Found>> {
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    levels::agree(pool, control, source, &unknown.iter().map(|&u| columns[u]).collect::<Vec<_>>())
}

fn check_numeric(field: &Field, codes: bool) -> Result<()> {
    if field.kind.is_numeric() || (codes && matches!(field.kind, Kind::Factor { .. })) {
        return Ok(());
    }
    let what = format!("Column '{}' is {} where numbers are needed.", field.name, field.kind.name());
    Err(Error::new(ErrorKind::WrongType, what)
        .column(&field.name)
        .hint("Read it with another type (colClasses), convert it with transforms, or use it as a factor."))
}

fn unagreed(field: &Field) -> Error {
    let what = format!("The levels of '{}' are not known before the data are read, so N() has no codes.", field.name);
    Error::new(ErrorKind::Unsupported, what)
        .column(&field.name)
        .hint("Give its levels in colInfo, or import the data to an XDF file first.")
}

/// Whether the levels follow from the metadata.
fn is_known(field: &Field, variable: &CategoryVariable) -> bool {
    match &variable.f {
        Some(rule) if field.kind.is_numeric() => {
            (rule.low.is_some() && rule.high.is_some()) || bounds(field).is_some() || field.kind == Kind::Logical
        }
        _ => field.levels.is_some(),
    }
}

fn bounds(field: &Field) -> Option<(f64, f64)> {
    field.low.zip(field.high)
}

fn levels_of(field: &Field, variable: &CategoryVariable, found: Option<&Found>) -> Result<(Labels, Coding)> {
    if !field.kind.is_numeric() {
        let mut labels: Vec<String> = match (&field.levels, found) {
            (Some(levels), _) => levels.to_vec(),
            (None, Some(found)) => found.labels.clone(),
            (None, None) => return Err(Error::internal(format!("the levels of '{}' were not found", field.name))),
        };
        if field.kind == Kind::Character {
            labels.sort_unstable();
        }
        let Some(rule) = &variable.f else { return Ok((Arc::new(labels), Coding::Label(None))) };
        let at = |bound: Option<f64>, or: usize| bound.map_or(or, |b| b.clamp(0.0, labels.len() as f64) as usize);
        let (low, high) = (at(rule.low, 1).max(1), at(rule.high, labels.len()));
        let mut labels = labels.get(low - 1..high).unwrap_or_default().to_vec();
        let other = with_other(&mut labels, rule.exclude);
        return Ok((Arc::new(labels), Coding::Label(other)));
    }
    let Some(rule) = &variable.f else {
        let what = format!("Column '{}' is {} where a factor is needed.", field.name, field.kind.name());
        return Err(Error::new(ErrorKind::WrongType, what)
            .column(&field.name)
            .hint(format!("Write F({}) to make a category of each whole number.", field.name)));
    };
    let known =
        if field.kind == Kind::Logical { Some((0.0, 1.0)) } else { bounds(field).or(found.and_then(|f| f.range)) };
    let low = rule.low.or(known.map(|k| k.0)).map(f64::floor);
    let high = rule.high.or(known.map(|k| k.1)).map(f64::floor);
    // Without a number there is no level.
    let (low, high) = low.zip(high).unwrap_or((0.0, -1.0));
    let count = high - low + 1.0;
    if count > MOST_LEVELS {
        let what = format!("{} would have {count} levels, from {low} to {high}.", variable.name);
        return Err(Error::new(ErrorKind::Argument, what)
            .column(&field.name)
            .hint("Give F() bounds: F(x, low, high)."));
    }
    let mut labels: Vec<String> = (0..count.max(0.0) as u32).map(|i| format!("{}", low + f64::from(i))).collect();
    let outside = with_other(&mut labels, rule.exclude);
    Ok((Arc::new(labels), Coding::Integer { low, count: count.max(0.0) as u32, outside }))
}

fn with_other(labels: &mut Vec<String>, exclude: bool) -> Option<u32> {
    (!exclude).then(|| {
        labels.push(OTHER.to_string());
        labels.len() as u32 - 1
    })
}

/// A copy of some columns in a temporary file.
struct Spool {
    path: PathBuf,
}

impl Spool {
    fn write(pool: &Pool, control: &Control, source: &dyn Source, columns: &[usize], path: &Path) -> Result<Spool> {
        let fields = columns.iter().map(|&c| source.schema().fields[c].clone()).collect();
        let options = XdfOptions { path: path.to_path_buf(), overwrite: true, ..XdfOptions::default() };
        let spool = Spool { path: path.to_path_buf() };
        local::map(pool, control, source, columns, &Identity, XdfSink::create(Schema::new(fields), options)?)?;
        Ok(spool)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A file that cannot be removed lies in R's temporary folder, which goes with the session.
        let _ = std::fs::remove_file(&self.path);
    }
}

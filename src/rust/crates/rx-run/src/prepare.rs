//! From the variables that a formula names to a design.

use crate::control::Control;
use crate::local;
use crate::pool::Pool;
use rx_data::sink::{XdfOptions, XdfSink};
use rx_data::source::XdfSource;
use rx_data::{Error, ErrorKind, Field, Identity, Kind, Result, Schema, Source};
use rx_stats::Design;
use rx_stats::design::{Category, Coding, Numeric, Precision, Rows, Weight, WeightKind};
use rx_stats::levels::{Finding, Floor, OTHER};
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

/// A source and the design of an analysis on it.
pub struct Prepared {
    /// Where the rows come from: the source given, or its spooled copy.
    pub source: Arc<dyn Source>,
    /// The design.
    pub design: Design,
    /// Removes the spooled copy.
    _spool: Option<Spool>,
}

/// Finds the columns of the variables, and the levels of categories as far as the source knows them; the others are
/// found while the data are read.
///
/// Codes of levels that are needed as numbers must be known before. Where reading runs R code (`spool` is a path) a file
/// is made of the rows first, which knows all levels, and the code runs once a chunk whatever follows.
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
        let field = &schema.fields[schema.index_of(&v.column)?];
        check_numeric(field, v.codes)?;
        let precision = match field.kind {
            Kind::Float32 => Precision::Single,
            Kind::Integer | Kind::Int16 | Kind::Logical => Precision::Whole,
            _ => Precision::Double,
        };
        Ok(Numeric { column: position(schema, &v.column)?, name: v.column.clone(), precision })
    });
    let numeric = numeric.collect::<Result<Vec<_>>>()?;
    let categories: Vec<usize> =
        variables.categories.iter().map(|v| position(schema, &v.column)).collect::<Result<_>>()?;
    let weight = variables.weight.as_ref().map(|w| {
        let variable =
            Numeric { column: position(schema, &w.column)?, name: w.column.clone(), precision: Precision::Double };
        check_numeric(&schema.fields[schema.index_of(&w.column)?], false)?;
        Ok::<_, Error>(Weight { variable, kind: w.kind })
    });
    let weight = weight.transpose()?;

    let needs_levels = |schema: &Schema, columns: &[usize]| {
        let codes = variables.numeric.iter().zip(&numeric).filter(|(v, _)| v.codes).map(|(_, n)| (n.column, "N()"));
        let bounds = variables.categories.iter().zip(&categories).filter(|(v, _)| v.f.is_some());
        let all = codes.chain(bounds.map(|(_, &c)| (c, "F()")));
        let unknown = |field: &Field| !field.kind.is_numeric() && field.levels.is_none();
        all.map(|(column, function)| (&schema.fields[columns[column]], function))
            .find(|(field, _)| unknown(field))
            .map(|(field, function)| unagreed(field, function))
    };
    let (mut source, mut spooled) = (source.clone(), None);
    if let Some(error) = needs_levels(schema, &columns) {
        let Some(path) = spool else { return Err(error) };
        let spool = Spool::write(pool, control, &*source, &columns, path)?;
        source = Arc::new(XdfSource::open(&spool.path)?);
        columns = (0..columns.len()).collect();
        spooled = Some(spool);
    }
    let schema = source.schema();
    let categories = variables.categories.iter().zip(categories);
    let categories =
        categories.map(|(variable, position)| category(&schema.fields[columns[position]], variable, position));
    let categories = categories.collect::<Result<Vec<_>>>()?;
    let design = Design { columns, numeric, categories, weight, rows: variables.rows };
    Ok(Prepared { source, design, _spool: spooled })
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

fn unagreed(field: &Field, function: &str) -> Error {
    let what =
        format!("The levels of '{}' are not known before the data are read, so {function} has no codes.", field.name);
    Error::new(ErrorKind::Unsupported, what)
        .column(&field.name)
        .hint("Give its levels in colInfo, or import the data to an XDF file first.")
}

/// A category, whose column is at `position` of the scan.
fn category(field: &Field, variable: &CategoryVariable, position: usize) -> Result<Category> {
    let coded = |levels: Vec<String>, coding| Category {
        column: position,
        name: variable.name.clone(),
        levels: Arc::new(levels),
        coding,
    };
    let found = |finding| Ok(coded(Vec::new(), Coding::Found { finding, room: 0 }));
    if !field.kind.is_numeric() {
        let Some(levels) = &field.levels else {
            return found(if field.kind == Kind::Character { Finding::Sorted } else { Finding::Appearance });
        };
        let mut labels = levels.to_vec();
        if field.kind == Kind::Character {
            labels.sort_unstable();
        }
        let Some(rule) = &variable.f else { return Ok(coded(labels, Coding::Label(None))) };
        let at = |bound: Option<f64>, or: usize| bound.map_or(or, |b| b.clamp(0.0, labels.len() as f64) as usize);
        let (low, high) = (at(rule.low, 1).max(1), at(rule.high, labels.len()));
        let mut labels = labels.get(low - 1..high).unwrap_or_default().to_vec();
        let other = (!rule.exclude).then_some(labels.len() as u32);
        labels.extend(other.map(|_| OTHER.to_string()));
        return Ok(coded(labels, Coding::Label(other)));
    }
    let Some(rule) = &variable.f else {
        let what = format!("Column '{}' is {} where a factor is needed.", field.name, field.kind.name());
        return Err(Error::new(ErrorKind::WrongType, what)
            .column(&field.name)
            .hint(format!("Write F({}) to make a category of each whole number.", field.name)));
    };
    let known = if field.kind == Kind::Logical { Some((0.0, 1.0)) } else { field.low.zip(field.high) };
    let (low, high) = (rule.low.or(known.map(|k| k.0)), rule.high.or(known.map(|k| k.1)));
    match low.zip(high) {
        Some(bounds) => {
            let floor = Floor::new(&coded(Vec::new(), Coding::Label(None)), bounds, rule.exclude)?;
            Ok(coded(floor.labels(), floor.coding()))
        }
        None => found(Finding::Floor { low, high, exclude: rule.exclude }),
    }
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

//! Text: comma-separated values and their like, and columns at fixed places, plain or compressed by gzip.
//!
//! [`options`] says what a user may ask for, [`sniff`] finds out the rest from the first rows. A [`pass`] goes through
//! the [`files`], one [`scan`] each. That takes ranges of bytes from the [`input`], cuts them into fields ([`split`];
//! [`layout`] where it is not one delimiter that does) and these into values ([`parse`], [`times`]), which [`builder`]s
//! collect.

mod buffer;
mod builder;
mod encoding;
mod fault;
mod file;
mod files;
mod input;
mod layout;
mod options;
mod parse;
mod pass;
mod relay;
mod rewrite;
mod scan;
mod schema_file;
mod sniff;
mod spans;
mod split;
mod times;

pub use options::{ColumnOptions, TextOptions};

use super::{Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind, Labels, Schema};
use file::TextFile;
use files::files;
use pass::Pass;
use rewrite::Rewrite;
use schema_file::described;
use sniff::{Shape, Sniffed, sniff};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Rows of a block, as far as rows are alike.
const BLOCK_ROWS: usize = 65_536;
/// The least and the most bytes of a block.
const RANGE_BYTES: (usize, usize) = (1 << 20, 4 << 20);

/// Text files that are read as one.
pub struct TextSource {
    /// The first path that the user named.
    path: PathBuf,
    schema: Schema,
    files: Vec<TextFile>,
    /// What the levels of each column are called from here on.
    new_levels: Vec<Option<Labels>>,
}

impl TextSource {
    /// Opens files and decides on their columns by the first rows, to which each file gives its share.
    pub fn open(options: &TextOptions) -> Result<Self> {
        let options = &*described(options)?;
        options.check()?;
        let path = options.paths.first().cloned().unwrap_or_default();
        let mut paths = files(&options.paths)?.into_iter();
        let first_path = paths.next().unwrap_or_default();
        let mut options = options.clone();
        options.rows_to_sniff = options.rows_to_sniff.div_ceil(1 + paths.len());
        let first = sniff(&first_path, &options)?;
        // The other files are like the first one.
        options.delimiter = String::from_utf8(first.delimiters.clone()).ok().filter(|d| !d.is_empty());
        options.first_row_is_col_names = Some(first.has_header);
        let names = first.names.clone();
        let mut shapes = first.shapes.clone();
        let mut sniffed = vec![((0..names.len()).collect::<Vec<_>>(), first_path.clone(), first)];
        for path in paths {
            let found = sniff(&path, &options)?;
            let places = agree(&first_path, &names, &path, &found)?;
            for (shape, &place) in shapes.iter_mut().zip(&places) {
                *shape = shape.join(found.shapes[place]);
            }
            sniffed.push((places, path, found));
        }

        let said = said_of(&options, &names).map_err(|e| e.file(&first_path))?;
        let columns: Vec<_> =
            names.iter().zip(&shapes).zip(&said).map(|((n, &s), c)| field(n, s, c, &options)).collect();
        let schema = Schema::new(columns.iter().zip(&said).map(|(column, said)| renamed(column, said)).collect());
        let mut seen = HashSet::new();
        if let Some(twice) = schema.fields.iter().find(|f| !seen.insert(f.name.as_str())) {
            let message = format!("Two columns would be named '{}'.", twice.name);
            return Err(Error::new(ErrorKind::Argument, message).column(&twice.name).hint("Pass another newName."));
        }
        let encoding = options.encoding()?;
        let rewrites = |field: &Field, said: &ColumnOptions, found: &Sniffed| {
            let width = if options.is_fixed() { None } else { said.width };
            Rewrite::all(&field.kind, width, said.decimal_places, &found.rules)
        };
        let files = sniffed.into_iter().map(|(places, path, found)| {
            let with_rewrites = |(f, c): (&Field, &ColumnOptions)| (f.clone(), rewrites(f, c, &found));
            let columns: Vec<_> = columns.iter().zip(&said).map(with_rewrites).collect();
            TextFile::new(path, found, &columns, places, encoding)
        });
        let files = files.collect();
        Ok(TextSource { path, schema, files, new_levels: said.into_iter().map(|said| said.new_levels).collect() })
    }

    /// The same with blocks of another size, for tests.
    pub fn with_range_bytes(mut self, bytes: usize) -> Self {
        for file in &mut self.files {
            file.range_bytes = bytes.max(1);
        }
        self
    }
}

/// Where the columns of the first file stand in another one: by name where files have names.
fn agree(first: &Path, names: &[String], path: &Path, found: &Sniffed) -> Result<Vec<usize>> {
    let differ = |message: String, name: &str| {
        let hint = "Files that are read together must have the same columns.";
        Err(Error::new(ErrorKind::MissingColumn, message).column(name).file(path).hint(hint))
    };
    let (here, there) = (path.display(), first.display());
    if !found.has_header {
        let (found, wanted) = (found.names.len(), names.len());
        if found != wanted {
            return differ(format!("'{here}' has {found} columns, '{there}' has {wanted}."), "");
        }
        return Ok((0..wanted).collect());
    }
    if let Some(extra) = found.names.iter().find(|name| !names.contains(name)) {
        return differ(format!("Column '{extra}' of '{here}' is not in '{there}'."), extra);
    }
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        match found.names.iter().position(|n| n == name) {
            Some(place) => places.push(place),
            None => return differ(format!("Column '{name}' of '{there}' is not in '{here}'."), name),
        }
    }
    Ok(places)
}

/// What the options say of each column.
fn said_of(options: &TextOptions, names: &[String]) -> Result<Vec<ColumnOptions>> {
    let in_file = Schema::new(names.iter().map(|name| Field::new(name, Kind::Character)).collect());
    let mut all: Vec<Option<ColumnOptions>> = vec![None; names.len()];
    for said in &options.columns {
        let place = match (&said.name, said.index) {
            (Some(name), _) => in_file.index_of(name)?,
            (None, index) => index.unwrap_or(0).wrapping_sub(1),
        };
        match all.get_mut(place) {
            Some(place @ None) => *place = Some(said.clone()),
            Some(_) => {
                let message = format!("{} is described twice.", said.shown());
                return Err(Error::new(ErrorKind::Argument, message).hint("Describe it once in colInfo."));
            }
            None => {
                let message = format!("There is no column {}: the text has {}.", place.wrapping_add(1), names.len());
                return Err(Error::new(ErrorKind::MissingColumn, message).hint("An index counts from 1."));
            }
        }
    }
    Ok(all.into_iter().map(Option::unwrap_or_default).collect())
}

/// A column as it is in the file.
fn field(name: &str, shape: Shape, said: &ColumnOptions, options: &TextOptions) -> Field {
    let kind = match (&said.kind, &said.levels) {
        // Times without a zone are read as UTC, and shown so.
        (Some(Kind::DateTime { tz: None }), _) => Kind::DateTime { tz: Some("GMT".into()) },
        (Some(kind), _) => kind.clone(),
        (None, Some(_)) => Kind::Factor { ordered: false },
        (None, None) if said.decimal_places.is_some() => Kind::Numeric,
        (None, None) => shape.kind(options),
    };
    let (low, high, description) = (said.low, said.high, said.description.clone());
    Field { name: name.to_string(), kind, levels: said.levels.clone(), low, high, description }
}

/// A column as it is called from here on.
fn renamed(field: &Field, said: &ColumnOptions) -> Field {
    Field {
        name: said.new_name.clone().unwrap_or_else(|| field.name.clone()),
        levels: said.new_levels.clone().or_else(|| field.levels.clone()),
        ..field.clone()
    }
}

impl Source for TextSource {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(Box::new(Pass::new(self, columns)))
    }
}

#[cfg(test)]
mod tests;

//! Schema files (`.sts`), which describe text of fixed format.
//!
//! ```text
//! FILE claims.dat
//! FIRST LINE 2
//! VARIABLES
//!   name 1-8 (A)
//!   cost 9-14
//!   x1-x3 15-20
//! ```
//!
//! A variable has its columns in the file, from 1; `(A)` marks text, other variables are numeric. Several variables
//! share their columns evenly.

use super::options::{ColumnOptions, TextOptions};
use crate::error::{Error, Result};
use crate::schema::Kind;
use std::borrow::Cow;
use std::fs;
use std::path::Path;

/// The options of the text that a schema file describes, or the same if they name none. What they say of columns is
/// added to what the schema says.
pub(super) fn described(options: &TextOptions) -> Result<Cow<'_, TextOptions>> {
    let [path] = &options.paths[..] else { return Ok(Cow::Borrowed(options)) };
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sts")) {
        return Ok(Cow::Borrowed(options));
    }
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, "read", &e))?;
    let mut described = read(path, &text, options)?;
    for said in &options.columns {
        let name = said.name.as_deref().unwrap_or_default();
        let Some(column) = described.columns.iter_mut().find(|column| column.name.as_deref() == Some(name)) else {
            return Err(Error::new(
                crate::ErrorKind::MissingColumn,
                format!("Column '{name}' is not in '{}'.", path.display()),
            )
            .column(name)
            .file(path));
        };
        let place = (said.start.or(column.start), said.width.or(column.width));
        let kind = said.kind.clone().or(column.kind.take().filter(|_| said.levels.is_none()));
        *column = said.clone();
        (column.start, column.width) = place;
        column.kind = kind;
    }
    Ok(Cow::Owned(described))
}

/// Reads a schema.
fn read(path: &Path, text: &str, options: &TextOptions) -> Result<TextOptions> {
    let wrong = |what: String| Error::corrupt(path, what).hint("See ?RxTextData for what a schema file holds.");
    let mut described = TextOptions { columns: Vec::new(), paths: Vec::new(), fixed: Some(true), ..options.clone() };
    let mut variables = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{FEFF}').trim();
        let after = |section: &str| {
            let head = line.get(..section.len())?;
            let rest = &line[section.len()..];
            let whole = rest.is_empty() || rest.starts_with(char::is_whitespace);
            (head.eq_ignore_ascii_case(section) && whole).then(|| rest.trim())
        };
        if line.is_empty() {
        } else if variables {
            let columns = variable(line).ok_or_else(|| {
                wrong(format!("line {} is no variable with its columns: '{}'", number + 1, line.escape_debug()))
            })?;
            described.columns.extend(columns);
        } else if after("VARIABLES").is_some() {
            variables = true;
        } else if let Some(first) = after("FIRST LINE") {
            let first: usize = first
                .parse()
                .ok()
                .filter(|&n| n > 0)
                .ok_or_else(|| wrong(format!("line {} gives no number of a line", number + 1)))?;
            described.rows_to_skip = first - 1;
        } else if let Some(name) = after("FILE") {
            let name = name.trim_matches(['"', '\'']);
            described.paths = vec![path.parent().unwrap_or(Path::new(".")).join(name)];
        } else {
            return Err(wrong(format!("line {} belongs to no section: '{}'", number + 1, line.escape_debug())));
        }
    }
    if described.paths.is_empty() || described.columns.is_empty() {
        return Err(wrong("it must have the sections FILE and VARIABLES".into()));
    }
    Ok(described)
}

/// The columns that a line describes.
fn variable(line: &str) -> Option<Vec<ColumnOptions>> {
    let upper = line.to_ascii_uppercase();
    let (line, kind) = match upper.strip_suffix("(A)") {
        Some(rest) => (&line[..rest.len()], Kind::Character),
        None => (line, Kind::Numeric),
    };
    let mut words: Vec<&str> = line.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    let place = words.pop()?;
    let (first, last) = place.split_once('-').unwrap_or((place, place));
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    let names: Vec<String> = words.into_iter().flat_map(names).collect();
    let width = (last + 1).checked_sub(first)?;
    if first == 0 || width == 0 || names.is_empty() || width % names.len() != 0 {
        return None;
    }
    let width = width / names.len();
    let column = |(i, name): (usize, String)| ColumnOptions {
        name: Some(name),
        kind: Some(kind.clone()),
        start: Some(first + i * width),
        width: Some(width),
        ..Default::default()
    };
    Some(names.into_iter().enumerate().map(column).collect())
}

/// The names that `x1-x3` stands for, or a name alone.
fn names(word: &str) -> Vec<String> {
    let numbered = |name: &str| {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
        name[stem.len()..].parse::<u32>().ok().map(|n| (stem, n))
    };
    let range = word.split_once('-').and_then(|(a, b)| Some((numbered(a)?, numbered(b)?)));
    match range {
        Some(((stem, from), (other, to))) if stem == other && (from..from + 10_000).contains(&to) => {
            (from..=to).map(|n| format!("{stem}{n}")).collect()
        }
        _ => vec![word.to_string()],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::error::ErrorKind;
    use crate::testing::TempDir;

    fn schema(text: &str, columns: Vec<ColumnOptions>) -> Result<TextOptions> {
        let dir = TempDir::new();
        fs::write(dir.join("x.STS"), text).unwrap();
        let options = TextOptions { columns, ..TextOptions::new(dir.join("x.STS")) };
        described(&options).map(|options| options.into_owned())
    }

    #[test]
    fn a_schema_says_where_columns_are() {
        let found =
            schema("file  \"my data.dat\"\r\nfirst line 3\r\n\nVARIABLES\n id 1-3(a)\n\tx, y 4-9\nq1-q3 10-12", vec![]);
        let found = found.unwrap();
        assert!(found.paths[0].ends_with("my data.dat") && found.rows_to_skip == 2 && found.is_fixed());
        let columns: Vec<_> = found.columns.iter().map(|c| (c.name.as_deref().unwrap(), c.start, c.width)).collect();
        let expected = [("id", 1, 3), ("x", 4, 3), ("y", 7, 3), ("q1", 10, 1), ("q2", 11, 1), ("q3", 12, 1)];
        assert_eq!(columns, expected.map(|(name, start, width)| (name, Some(start), Some(width))));
        assert_eq!(found.columns[0].kind, Some(Kind::Character));
        assert_eq!(found.columns[1].kind, Some(Kind::Numeric));
    }

    #[test]
    fn options_are_added_to_it() {
        let text = "FILE x.dat\nVARIABLES\nid 1-3 (A)\nx 4";
        let kind = Some(Kind::Factor { ordered: false });
        let found = schema(text, vec![ColumnOptions { kind: kind.clone(), ..ColumnOptions::of("id") }]).unwrap();
        assert_eq!((&found.columns[0].kind, found.columns[0].width), (&kind, Some(3)));
        let error = schema(text, vec![ColumnOptions::of("y")]).unwrap_err();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::MissingColumn, Some("y")));
    }

    #[test]
    fn what_is_no_schema_is_told() {
        for text in [
            "",
            "FILE x.dat",
            "VARIABLES\nx 1",
            "FILE x\nVARIABLES\nx",
            "FILE x\nVARIABLES\nx 3-1",
            "what\n",
            "FILE x\nFIRST LINE a\nVARIABLES\nx 1",
            "FILE x\nVARIABLES\nx y 1-3",
        ] {
            assert_eq!(schema(text, vec![]).unwrap_err().kind, ErrorKind::CorruptFile, "{text}");
        }
    }
}

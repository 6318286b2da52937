//! Changing what a file says of its columns, without touching its rows.

use super::set::head_of;
use super::{Compression, Footer, InPlace, encode_dictionary};
use crate::convert::schema_to_arrow;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock_folder;
use crate::schema::{Field, Kind, Schema};
use crate::source::{Source, XdfSource};
use std::collections::HashSet;
use std::mem::discriminant;
use std::path::Path;

/// What can be changed: names, descriptions, ranges, labels of levels, time zones, whether a factor is ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The columns, levels filled in.
    pub schema: Schema,
    /// The user's description of the file.
    pub description: String,
}

/// Replaces the metadata of a file, or of a composite set by its folder, by what `change` makes of it. A new footer, and
/// the dictionaries whose labels changed, are appended; a crash leaves the file as it was or as it shall be.
pub fn update_metadata(path: &Path, change: impl FnOnce(&mut Metadata) -> Result<()>) -> Result<()> {
    if let Some(head) = head_of(path) {
        let _lock = lock_folder(path)?;
        return update_file(&head, change);
    }
    drop(XdfSource::open(path)?);
    update_file(path, change)
}

fn update_file(path: &Path, change: impl FnOnce(&mut Metadata) -> Result<()>) -> Result<()> {
    // Locked first: what the footer says then stays true.
    let mut file = InPlace::open(path)?;
    let source = XdfSource::open_any(path)?;
    let footer = source.footer();
    let Some(info) = &footer.info else { return Err(not_own(path)) };
    let old = Metadata { schema: source.schema().clone(), description: info.description.clone() };
    let mut new = old.clone();
    change(&mut new)?;
    check(&old.schema, &new.schema).map_err(|e| e.file(path))?;
    if new == old {
        return Ok(());
    }
    let mut dictionaries = Vec::new();
    let mut relabelled = Vec::new();
    // Dictionaries stand in the file in the order of the columns.
    let places = footer.dictionary_ids.iter().zip(old.schema.fields.iter().zip(&new.schema.fields));
    let mut known = footer.dictionaries.iter();
    for (id, (before, after)) in places {
        if let (Some(id), Some(&place)) = (id, id.and_then(|_| known.next())) {
            if before.levels != after.levels {
                let labels = after.levels.as_ref().map_or(&[][..], |l| l);
                relabelled.push((dictionaries.len(), encode_dictionary(*id, labels, Compression::Lz4)?));
            }
            dictionaries.push(place);
        }
    }
    let mut info = info.clone();
    info.description = new.description;
    for (i, message) in relabelled {
        dictionaries[i] = file.message(&message)?;
    }
    file.append(&Footer::encode(&schema_to_arrow(&new.schema), &footer.batches, &dictionaries, &info)?.0)?;
    file.commit()
}

/// Only files of rxscale hold what appending needs to know.
pub(crate) fn not_own(path: &Path) -> Error {
    let message = format!("'{}' was not written by rxscale, so it cannot be changed in place.", path.display());
    Error::new(ErrorKind::Unsupported, message).file(path).hint("Import it into a new .xdf file first.")
}

fn check(old: &Schema, new: &Schema) -> Result<()> {
    let wrong = |field: &Field, what: &str| {
        Error::new(ErrorKind::Argument, format!("Column '{}' {what}.", field.name)).column(&field.name)
    };
    if old.fields.len() != new.fields.len() {
        return Err(Error::new(ErrorKind::Argument, "Metadata cannot add or drop columns."));
    }
    let mut names = HashSet::new();
    for (before, after) in old.fields.iter().zip(&new.fields) {
        if !names.insert(&after.name) {
            return Err(wrong(after, "would be there twice").hint("Give each column a name of its own."));
        }
        if discriminant(&before.kind) != discriminant(&after.kind) {
            return Err(wrong(before, "keeps its type: metadata cannot change it").hint("Use rxDataStep for that."));
        }
        if let Kind::Factor { .. } = after.kind {
            let count = |f: &Field| f.levels.as_ref().map_or(0, |l| l.len());
            if count(before) != count(after) {
                let what = format!("has {} levels, not {}", count(before), count(after));
                return Err(wrong(after, &what).hint("Levels can only be relabelled; use rxFactors to change them."));
            }
            let labels = after.levels.iter().flat_map(|l| l.iter()).collect::<HashSet<_>>();
            if labels.len() != count(after) {
                return Err(wrong(after, "would have a level twice").hint("Use rxFactors to join levels."));
            }
        }
    }
    Ok(())
}

//! What is known of a source, without reading it or by one pass.

use super::source::{compiled_steps, is_plain_frame, open};
use crate::error::{malformed, or_null, respond};
use crate::job::{self, Job};
use crate::view::Columns;
use crate::{spec, strings};
use extendr_api::prelude::*;
use rx_data::xdf::update_metadata;
use rx_data::{Field, Kind, Result};
use rx_run::levels::agree;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// The columns, rows and blocks of a source, without reading rows.
#[extendr]
fn rx_engine_info(source: Robj) -> Robj {
    respond(|| info(&source))
}

fn info(source: &Robj) -> Result<Robj> {
    // A data frame's columns are described without being viewed; those that the engine cannot read are listed too.
    let (opened, fields) = if is_plain_frame(source) {
        let columns = Columns::new(&spec::need(source, "data")?)?;
        let fields = columns.fields().into_iter().zip(columns.names()).map(|(field, name)| match field {
            Ok(field) => described(&field),
            Err(_) => Ok(list!(name = name, kind = "unsupported").into()),
        });
        (open(source, Some(&[]), None)?.source, fields.collect::<Result<Vec<Robj>>>()?)
    } else {
        let opened = open(source, None, None)?.source;
        let fields = opened.schema().fields.iter().map(described).collect::<Result<Vec<Robj>>>()?;
        (opened, fields)
    };
    let about = opened.about();
    let block_rows = opened.block_rows().map(|rows| rows.into_iter().map(|n| n as f64).collect::<Vec<_>>());
    Ok(list!(
        fields = List::from_values(fields),
        rows = or_null(opened.rows().map(|rows| rows as f64)),
        block_rows = or_null(block_rows),
        file = or_null(opened.file().map(|file| file.display().to_string())),
        description = or_null(about.description),
        compression = or_null(about.compression),
        files = or_null(about.files.map(|files| files as f64)),
        legacy = about.legacy,
        caution = or_null(about.caution)
    )
    .into())
}

/// How many steps of a source's transform run compiled, and why the next one does not.
#[extendr]
fn rx_engine_compiled(source: Robj) -> Robj {
    respond(|| {
        let (steps, why) = compiled_steps(&source)?;
        Ok(list!(steps = steps as f64, why = or_null(why)))
    })
}

fn described(field: &Field) -> Result<Robj> {
    let (ordered, tz) = match &field.kind {
        Kind::Factor { ordered } => (Some(*ordered), None),
        Kind::DateTime { tz } => (None, tz.as_deref()),
        _ => (None, None),
    };
    let levels = field.levels.as_ref().map(|levels| strings::strings(levels)).transpose()?;
    Ok(list!(
        name = field.name.as_str(),
        kind = field.kind.name(),
        ordered = or_null(ordered),
        tz = or_null(tz),
        levels = or_null(levels),
        low = or_null(field.low),
        high = or_null(field.high),
        description = or_null(field.description.as_deref())
    )
    .into())
}

/// The levels of categories and the bounds of numbers in some columns, by one pass.
#[extendr]
fn rx_engine_scan_info(source: Robj, columns: Robj, job: Robj) -> Robj {
    respond(|| scan_info(&source, &columns, &job))
}

fn scan_info(source: &Robj, columns: &Robj, job: &Robj) -> Result<Robj> {
    let job = Job::from_r(job)?;
    let names: Vec<String> = spec::parse(columns, "columns")?;
    let source = open(source, Some(&names), None)?.source;
    let positions = source.schema().indices_of(&names)?;
    let found = job::run(&job, |control, pool, _| agree(pool, control, &*source, &positions))?;
    let infos = positions.iter().zip(found).map(|(&position, found)| {
        let field = &source.schema().fields[position];
        let levels = match &field.levels {
            _ if field.kind.is_numeric() => None,
            Some(agreed) => Some(strings::strings(agreed)?),
            None => Some(strings::strings(&found.labels)?),
        };
        Ok(list!(
            name = field.name.as_str(),
            levels = or_null(levels),
            low = or_null(found.range.map(|(low, _)| low)),
            high = or_null(found.range.map(|(_, high)| high))
        )
        .into())
    });
    Ok(List::from_values(infos.collect::<Result<Vec<Robj>>>()?).into())
}

/// Replaces the columns' metadata (as rx_engine_info tells it) and the description of an XDF file or set.
#[extendr]
fn rx_engine_set_metadata(path: Robj, fields: Robj, description: Robj) -> Robj {
    respond(|| set_metadata(&path, &fields, &description))
}

fn set_metadata(path: &Robj, fields: &Robj, description: &Robj) -> Result<Robj> {
    let path: String = spec::parse(path, "path")?;
    let fields: Vec<NewField> = spec::parse(fields, "fields")?;
    let description: Option<String> = spec::parse(description, "description")?;
    update_metadata(Path::new(&path), |metadata| {
        if fields.len() != metadata.schema.fields.len() {
            return Err(malformed("fields", "it does not describe every column of the file"));
        }
        for (field, new) in metadata.schema.fields.iter_mut().zip(fields) {
            new.replace(field);
        }
        metadata.description = description.unwrap_or_default();
        Ok(())
    })?;
    Ok(().into())
}

/// A field as R knows it.
#[derive(Deserialize)]
struct NewField {
    name: String,
    ordered: Option<bool>,
    tz: Option<String>,
    levels: Option<Vec<String>>,
    low: Option<f64>,
    high: Option<f64>,
    description: Option<String>,
}

impl NewField {
    fn replace(self, field: &mut Field) {
        match &mut field.kind {
            Kind::Factor { ordered } => {
                *ordered = self.ordered.unwrap_or(*ordered);
                field.levels = self.levels.map(Arc::new).or(field.levels.take());
            }
            Kind::DateTime { tz } => *tz = self.tz,
            _ => {}
        }
        field.name = self.name;
        (field.low, field.high, field.description) = (self.low, self.high, self.description);
    }
}

extendr_module! {
    mod info;
    fn rx_engine_compiled;
    fn rx_engine_info;
    fn rx_engine_scan_info;
    fn rx_engine_set_metadata;
}

//! What R code made of a chunk.

use crate::view::Columns;
use extendr_api::prelude::*;
use rx_data::column::{NA_F64, NA_I32, NA_I64};
use rx_data::{Block, Column, Error, ErrorKind, Field, Kind, Result, Schema};
use std::sync::Arc;

/// The columns that R code returned, in memory of ours.
pub struct Answer {
    /// The columns' types.
    pub fields: Vec<Field>,
    block: Block,
}

impl Answer {
    /// Copies a list of vectors. For the main thread only.
    pub fn new(list: &Robj) -> Result<Answer> {
        let columns = Columns::new(list)?;
        let rows = columns.rows();
        let (schema, views) = columns.view(None, None)?;
        for (field, column) in schema.fields.iter().zip(&views) {
            if column.len() != rows {
                let (first, name, found) = (&schema.fields[0].name, &field.name, column.len());
                return Err(Error::new(
                    ErrorKind::Transform,
                    format!("column '{name}' has {found} values where '{first}' has {rows}."),
                )
                .column(name)
                .hint("All columns must have one length."));
            }
        }
        let columns = views.iter().map(owned).collect();
        Ok(Answer { fields: schema.fields, block: Block { index: 0, rows, columns } })
    }

    /// The columns in the order and storage of the schema. If they do not fit, `changed` makes the error of a column's
    /// name and what is wrong with it.
    pub fn conform(mut self, schema: &Schema, changed: impl Fn(&str, String) -> Error) -> Result<Block> {
        if let Some(new) = self.fields.iter().find(|f| schema.fields.iter().all(|known| known.name != f.name)) {
            return Err(changed(&new.name, "is new".into()));
        }
        let columns = schema.fields.iter().map(|field| {
            let position = self.fields.iter().position(|f| f.name == field.name);
            let position = position.ok_or_else(|| changed(&field.name, "is not there".into()))?;
            let found = &self.fields[position].kind;
            let column = std::mem::replace(&mut self.block.columns[position], Column::I32(Vec::new().into()));
            fit(column, found, &field.kind).ok_or_else(|| {
                changed(&field.name, format!("was {} in the first rows and is {}", field.kind.name(), found.name()))
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Block { index: 0, rows: self.block.rows, columns })
    }
}

/// A column of one type as one of another, if nothing is lost: integers as numbers, and missing values as anything.
fn fit(column: Column, found: &Kind, wanted: &Kind) -> Option<Column> {
    let rows = column.len();
    let fits = match (found, wanted) {
        (Kind::DateTime { .. }, Kind::DateTime { .. }) => true,
        _ => found == wanted,
    };
    if fits {
        return Some(match (column, wanted) {
            // Dates may be integers in one chunk and doubles in another.
            (Column::I32(v), Kind::Date | Kind::DateTime { .. }) => widened(&v),
            (column, _) => column,
        });
    }
    match (column, found, wanted) {
        (Column::I32(v), Kind::Integer, Kind::Numeric) => Some(widened(&v)),
        (Column::I32(v), Kind::Logical, _) if v.iter().all(|&x| x == NA_I32) => Some(match wanted {
            Kind::Logical | Kind::Int16 | Kind::Integer => Column::I32(v),
            Kind::Character | Kind::Factor { .. } => Column::Dict { codes: v, labels: Arc::default() },
            Kind::Float32 | Kind::Numeric | Kind::Date | Kind::DateTime { .. } => widened(&v),
            Kind::Int64 => Column::I64(vec![NA_I64; rows].into()),
        }),
        _ => None,
    }
}

fn widened(values: &[i32]) -> Column {
    Column::F64(values.iter().map(|&x| if x == NA_I32 { NA_F64 } else { f64::from(x) }).collect::<Vec<_>>().into())
}

/// A copy in memory of ours: R may free a result as soon as it is read.
fn owned(column: &Column) -> Column {
    match column {
        Column::I32(v) => Column::I32(v.to_vec().into()),
        Column::I64(v) => Column::I64(v.to_vec().into()),
        Column::F32(v) => Column::F32(v.to_vec().into()),
        Column::F64(v) => Column::F64(v.to_vec().into()),
        Column::Str(v) => Column::Str(v.clone()),
        Column::Dict { codes, labels } => Column::Dict { codes: codes.to_vec().into(), labels: labels.clone() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn integers_fit_numbers_and_missing_values_fit_anything() {
        let integers = || Column::I32(vec![1, NA_I32].into());
        assert!(matches!(fit(integers(), &Kind::Integer, &Kind::Numeric), Some(Column::F64(v)) if v[0] == 1.0));
        assert!(fit(integers(), &Kind::Integer, &Kind::Character).is_none());
        assert!(fit(integers(), &Kind::Logical, &Kind::Numeric).is_none());
        let missing = Column::I32(vec![NA_I32; 2].into());
        assert!(matches!(fit(missing, &Kind::Logical, &Kind::Character), Some(Column::Dict { .. })));
        assert!(fit(Column::F64(vec![1.0].into()), &Kind::Numeric, &Kind::Integer).is_none());
    }
}

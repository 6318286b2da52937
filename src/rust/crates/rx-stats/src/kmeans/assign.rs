//! The cluster of each row, beside columns of a source.

use super::nearest::Nearest;
use crate::decode::Decoder;
use crate::design::{Category, Coding, Design, Numeric, Precision, Rows};
use crate::estimator::{ModelBatch, NO_LEVEL};
use crate::levels::FoundCodes;
use crate::predict::NumericVariable;
use rx_data::column::NA_I32;
use rx_data::{Block, BlockMap, Column, Error, Result, Schema};
use serde::Deserialize;
use std::sync::Arc;

/// What tells the cluster of a row.
#[derive(Debug, Clone, Deserialize)]
pub struct Assignment {
    /// The variables.
    pub numeric: Vec<NumericVariable>,
    /// The centres, one after the other.
    pub centres: Vec<f64>,
}

impl Assignment {
    /// The columns of a source that are read, with others that go on.
    pub fn columns(&self, passed: &[String]) -> Vec<String> {
        self.numeric.iter().map(|v| &v.column).chain(passed).cloned().collect()
    }
}

/// Appends the number of the nearest centre, from 1, to some columns of a source; missing where a value is.
pub struct Assign {
    design: Design,
    /// The categories that stand for numeric variables (`N()`).
    coded: Vec<Option<usize>>,
    /// One after the other.
    centres: Vec<f64>,
    /// Columns of the scan that go on.
    passed: usize,
}

impl Assign {
    /// A map over a source whose columns named `passed` go on, before the computed one.
    pub fn new(assignment: Assignment, schema: &Schema, passed: &[String]) -> Result<Self> {
        let width = assignment.numeric.len();
        if width == 0 || assignment.centres.is_empty() || !assignment.centres.len().is_multiple_of(width) {
            return Err(Error::internal("the centres of clusters do not fit their variables"));
        }
        let mut columns = schema.indices_of(passed)?;
        let passed = columns.len();
        let (mut numeric, mut categories, mut coded) = (Vec::new(), Vec::new(), Vec::new());
        for variable in &assignment.numeric {
            let index = schema.index_of(&variable.column)?;
            let column = columns.iter().position(|&c| c == index).unwrap_or_else(|| {
                columns.push(index);
                columns.len() - 1
            });
            let name = variable.column.clone();
            coded.push(variable.levels.as_ref().map(|levels| {
                let (levels, coding) = (Arc::new(levels.clone()), Coding::Label(None));
                categories.push(Category { column, name: name.clone(), levels, coding });
                categories.len() - 1
            }));
            numeric.push(Numeric { column, name, precision: Precision::Double });
        }
        let design = Design { columns, numeric, categories, weight: None, rows: Rows::All };
        Ok(Assign { design, coded, centres: assignment.centres, passed })
    }

    /// The columns of the source to scan.
    pub fn columns(&self) -> &[usize] {
        &self.design.columns
    }

    fn assign(&self, batch: &ModelBatch, found: &mut Nearest, clusters: &mut Vec<i32>) {
        let position = |&code: &u32| if code == NO_LEVEL { f64::NAN } else { f64::from(code) };
        let positions: Vec<Vec<f64>> = batch.codes.iter().map(|c| c.iter().map(position).collect()).collect();
        let values = self.coded.iter().zip(batch.numeric);
        let values: Vec<&[f64]> = values.map(|(coded, &x)| coded.map_or(x, |category| &positions[category])).collect();
        found.find(&self.centres, &values, 0..batch.rows);
        let near = found.positions.iter().zip(&found.distances);
        clusters.extend(near.map(|(&j, d)| if d.is_finite() { j as i32 + 1 } else { NA_I32 }));
    }
}

impl BlockMap for Assign {
    fn map(&self, block: Block) -> Result<Option<Block>> {
        let (mut found, mut clusters) = (Nearest::default(), Vec::with_capacity(block.rows));
        Decoder::new(&self.design).each_batch(&block, &FoundCodes::default(), |batch| {
            self.assign(batch, &mut found, &mut clusters);
            Ok(())
        })?;
        let mut columns = block.columns[..self.passed].to_vec();
        columns.push(Column::I32(clusters.into()));
        Ok(Some(Block { index: block.index, rows: block.rows, columns }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rx_data::{Field, Kind};

    #[test]
    fn rows_get_the_number_of_the_nearest_centre_beside_what_goes_on() {
        let factor = Kind::Factor { ordered: false };
        let schema =
            Schema::new(vec![Field::new("i", Kind::Integer), Field::new("f", factor), Field::new("x", Kind::Numeric)]);
        let levels = |labels: &[&str]| labels.iter().map(|l| l.to_string()).collect::<Vec<_>>();
        let numeric = vec![
            NumericVariable { column: "x".into(), levels: None },
            NumericVariable { column: "f".into(), levels: Some(levels(&["a", "b"])) },
        ];
        let assignment = Assignment { numeric, centres: vec![0.0, 0.0, 0.0, 1.0, 9.0, 0.0] };
        assert_eq!(assignment.columns(&levels(&["i"])), ["x", "f", "i"]);
        let assign = Assign::new(assignment, &schema, &levels(&["i"])).unwrap();
        assert_eq!(assign.columns(), [0, 2, 1]);
        let codes = Column::Dict { codes: vec![2, 1, 2, NA_I32, 3].into(), labels: Arc::new(levels(&["b", "a", "c"])) };
        let x = Column::F64(vec![0.0, 1.0, 8.0, 0.0, 0.0].into());
        let block =
            Block { index: 3, rows: 5, columns: vec![Column::I32((1..=5).collect::<Vec<_>>().into()), x, codes] };
        let out = assign.map(block).unwrap().unwrap();
        let numbers = |column: &Column| match column {
            Column::I32(values) => values.to_vec(),
            _ => vec![],
        };
        assert_eq!((out.index, out.rows, numbers(&out.columns[0])), (3, 5, vec![1, 2, 3, 4, 5]));
        assert_eq!(numbers(&out.columns[1]), [1, 2, 3, NA_I32, NA_I32]);
    }
}

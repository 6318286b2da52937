//! Collects blocks for a data frame.

use super::Sink;
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::interner::{Interner, Recode};
use crate::schema::Schema;
use std::sync::{Arc, Mutex};

/// The blocks of a finished [`FrameSink`]: columns in parts, categories in one common coding.
pub struct FrameTable {
    /// The columns, factor levels filled in.
    pub schema: Schema,
    /// The parts of each column, in row order. Categorical parts carry the common labels.
    pub columns: Vec<Vec<Column>>,
    /// Number of rows.
    pub rows: usize,
}

/// Keeps blocks in memory until the end.
pub struct FrameSink {
    schema: Schema,
    /// One interner a column; used by the categorical ones.
    interners: Mutex<Vec<Interner>>,
    parts: Mutex<Vec<Block>>,
}

impl FrameSink {
    /// A sink for blocks of these columns.
    pub fn new(schema: Schema) -> Self {
        let seeds = schema
            .fields
            .iter()
            .map(|f| f.levels.as_ref().map_or_else(Interner::default, |l| Interner::with_labels(l)));
        FrameSink { interners: Mutex::new(seeds.collect()), schema, parts: Mutex::new(Vec::new()) }
    }
}

impl Sink for FrameSink {
    type Admitted = (Block, Vec<Option<Recode>>);
    type Encoded = Block;
    type Output = FrameTable;

    fn admit(&self, block: Block) -> Result<Self::Admitted> {
        let mut interners = self.interners.lock().map_err(|_| poisoned())?;
        let recodes = block.columns.iter().zip(interners.iter_mut()).map(|(column, interner)| match column {
            Column::Dict { labels, .. } => Some(interner.table(labels)),
            _ => None,
        });
        let recodes = recodes.collect();
        Ok((block, recodes))
    }

    fn encode(&self, (mut block, recodes): Self::Admitted) -> Result<Block> {
        for (column, recode) in block.columns.iter_mut().zip(&recodes) {
            if let (Column::Dict { codes, .. }, Some(recode @ Recode::Table(_))) = (&mut *column, recode) {
                *codes = codes.iter().map(|&c| recode.code(c)).collect::<Vec<_>>().into();
            }
        }
        Ok(block)
    }

    fn write(&self, block: Block) -> Result<()> {
        self.parts.lock().map_err(|_| poisoned())?.push(block);
        Ok(())
    }

    fn finish(self) -> Result<FrameTable> {
        let (mut schema, interners) = (self.schema, self.interners.into_inner().map_err(|_| poisoned())?);
        let parts = self.parts.into_inner().map_err(|_| poisoned())?;
        let labels: Vec<_> = interners.into_iter().map(|i| Arc::new(i.into_labels())).collect();
        let rows = parts.iter().map(|b| b.rows).sum();
        let mut columns: Vec<Vec<Column>> = vec![Vec::with_capacity(parts.len()); schema.fields.len()];
        for block in parts {
            for (j, column) in block.columns.into_iter().enumerate() {
                columns[j].push(match column {
                    Column::Dict { codes, .. } => Column::Dict { codes, labels: labels[j].clone() },
                    other => other,
                });
            }
        }
        for (field, labels) in schema.fields.iter_mut().zip(labels) {
            if matches!(field.kind, crate::Kind::Factor { .. }) {
                field.levels = Some(labels);
            }
        }
        Ok(FrameTable { schema, columns, rows })
    }
}

fn poisoned() -> Error {
    Error::internal("a data frame sink was poisoned")
}

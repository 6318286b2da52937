//! A large side of a join, whose rows know the ranks of their keys.

use super::ranks::Ranks;
use crate::block::Block;
use crate::column::{Column, NA_I32};
use crate::error::Result;
use crate::schema::{Field, Kind, Schema};
use crate::sort::{Key, Keys, Sorts};
use crate::source::{Scan, Source};

/// The column that ranks are in, behind all others.
const RANK: &str = ".rxRank";

/// A source with the ranks of the keys of another one, which are missing where that has not a row's key. Rows without a
/// rank are left out, unless they are in memory already.
pub struct Ranked<'a> {
    inner: &'a dyn Source,
    keys: &'a Keys,
    ranks: Ranks,
    schema: Schema,
}

/// A schema with ranks.
pub fn with_ranks(mut schema: Schema) -> Schema {
    schema.fields.push(Field::new(RANK, Kind::Integer));
    schema
}

/// Sorting by ranks in a column.
pub fn by_rank(column: usize) -> Keys {
    let sorts = Sorts::Integers;
    Keys(vec![Key { column, sorts, decreasing: false, missing_low: true, ignore_case: false, table: None }])
}

impl<'a> Ranked<'a> {
    /// For a source with these keys.
    pub fn new(inner: &'a dyn Source, keys: &'a Keys, ranks: Ranks) -> Self {
        Ranked { inner, keys, ranks, schema: with_ranks(inner.schema().clone()) }
    }
}

impl Source for Ranked<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn in_memory(&self) -> bool {
        self.inner.in_memory()
    }

    fn in_turn(&self) -> bool {
        self.inner.in_turn()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let all: Vec<usize> = (0..self.schema.fields.len() - 1).collect();
        Ok(Box::new(RankedScan { source: self, inner: self.inner.scan(&all)?, columns: columns.to_vec() }))
    }
}

struct RankedScan<'a> {
    source: &'a Ranked<'a>,
    inner: Box<dyn Scan + 'a>,
    columns: Vec<usize>,
}

impl Scan for RankedScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let Some(mut block) = self.inner.next()? else { return Ok(None) };
        let ranks = self.source.ranks.of(&block, self.source.keys)?;
        block.columns.push(Column::I32(ranks.clone().into()));
        let mut columns: Vec<Column> = self.columns.iter().map(|&j| block.columns[j].clone()).collect();
        if !self.source.inner.in_memory() && ranks.contains(&NA_I32) {
            let rows: Vec<usize> = (0..block.rows).filter(|&i| ranks[i] != NA_I32).collect();
            columns.iter_mut().for_each(|column| *column = column.gather(&rows));
            block.rows = rows.len();
        }
        Ok(Some(Block { columns, ..block }))
    }
}

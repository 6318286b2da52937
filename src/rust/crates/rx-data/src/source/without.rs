//! Another source but for one of its columns: row names are no variable.

use super::{About, Scan, Source};
use crate::error::Result;
use crate::schema::Schema;
use std::path::Path;
use std::sync::Arc;

/// All columns of a source but one.
pub struct Without {
    inner: Arc<dyn Source>,
    schema: Schema,
    hidden: usize,
}

impl Without {
    /// Hides the column at a position.
    pub fn new(inner: Arc<dyn Source>, hidden: usize) -> Self {
        let mut schema = inner.schema().clone();
        if hidden < schema.fields.len() {
            schema.fields.remove(hidden);
        }
        Without { inner, schema, hidden }
    }

    fn inner_columns(&self, columns: &[usize]) -> Vec<usize> {
        columns.iter().map(|&j| j + usize::from(j >= self.hidden)).collect()
    }
}

impl Source for Without {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        self.inner.block_rows()
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn about(&self) -> About {
        self.inner.about()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        self.inner.scan(&self.inner_columns(columns))
    }

    fn scan_from(&self, columns: &[usize], row: u64) -> Result<(Box<dyn Scan + '_>, u64)> {
        self.inner.scan_from(&self.inner_columns(columns), row)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::{every_kind, values};

    #[test]
    fn the_other_columns_stay() {
        let table = Arc::new(every_kind(50));
        let all = table.schema().fields.len();
        for hidden in [0, 6, all - 1] {
            let shown: Vec<usize> = (0..all).filter(|&j| j != hidden).collect();
            let rest = Without::new(table.clone(), hidden);
            assert_eq!(rest.schema().fields.len(), all - 1);
            let found = values(&rest, &(0..all - 1).collect::<Vec<_>>()).unwrap();
            assert_eq!(found, values(&*table, &shown).unwrap());
        }
    }
}

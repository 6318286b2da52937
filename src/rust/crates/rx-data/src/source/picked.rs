//! Some columns of another source, under other names.

use super::{About, Scan, Source};
use crate::error::Result;
use crate::schema::{Kind, Schema};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Columns of a source in an order of their own. A factor may be taken for text.
pub struct Picked {
    inner: Arc<dyn Source>,
    columns: Vec<usize>,
    schema: Schema,
}

impl Picked {
    /// The columns at these positions, with these names.
    pub fn new(inner: Arc<dyn Source>, columns: Vec<usize>, names: &[String]) -> Self {
        let field =
            |(&j, name): (&usize, &String)| crate::Field { name: name.clone(), ..inner.schema().fields[j].clone() };
        let schema = Schema::new(columns.iter().zip(names).map(field).collect());
        Picked { inner, columns, schema }
    }

    /// All columns but one: row names are no variable.
    pub fn without(inner: Arc<dyn Source>, hidden: usize) -> Self {
        let fields = inner.schema().fields.iter().enumerate().filter(|(j, _)| *j != hidden);
        let (columns, names): (Vec<usize>, Vec<String>) = fields.map(|(j, field)| (j, field.name.clone())).unzip();
        Picked::new(inner, columns, &names)
    }

    /// Takes the factor at this position for text.
    pub fn as_text(&mut self, column: usize) {
        let field = &mut self.schema.fields[column];
        (field.kind, field.levels) = (Kind::Character, None);
    }
}

impl Source for Picked {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        self.inner.rows()
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        self.inner.block_rows()
    }

    fn in_memory(&self) -> bool {
        self.inner.in_memory()
    }

    fn in_turn(&self) -> bool {
        self.inner.in_turn()
    }

    fn file(&self) -> Option<&Path> {
        self.inner.file()
    }

    fn about(&self) -> About {
        self.inner.about()
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        self.inner.scan(&columns.iter().map(|&j| self.columns[j]).collect::<Vec<_>>())
    }

    fn scan_rows(&self, columns: &[usize], rows: Range<u64>) -> Result<(Box<dyn Scan + '_>, u64)> {
        self.inner.scan_rows(&columns.iter().map(|&j| self.columns[j]).collect::<Vec<_>>(), rows)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::{every_kind, values};

    #[test]
    fn one_column_is_left_out() {
        let table = Arc::new(every_kind(50));
        let all = table.schema().fields.len();
        for hidden in [0, 6, all - 1] {
            let shown: Vec<usize> = (0..all).filter(|&j| j != hidden).collect();
            let rest = Picked::without(table.clone(), hidden);
            let found = values(&rest, &(0..all - 1).collect::<Vec<_>>()).unwrap();
            assert_eq!(found, values(&*table, &shown).unwrap());
        }
    }

    #[test]
    fn columns_have_new_names_and_places() {
        let table = Arc::new(every_kind(50));
        let mut picked = Picked::new(table.clone(), vec![7, 2], &["a".to_string(), "b".to_string()]);
        picked.as_text(0);
        assert_eq!(picked.schema().fields[0].kind, Kind::Character);
        assert_eq!(picked.schema().index_of("b").unwrap(), 1);
        assert_eq!(values(&picked, &[1, 0]).unwrap(), values(&*table, &[2, 7]).unwrap());
        assert!(picked.in_memory() && picked.rows() == Some(50));
    }
}

//! The labels and ranges of columns, as `rxGetVarInfo` tells them when the source does not know them.

use crate::control::Control;
use crate::local;
use crate::pool::Pool;
use rx_data::column::{NA_I32, NA_I64};
use rx_data::interner::Interner;
use rx_data::sink::Sink;
use rx_data::{Block, BlockMap, Column, Error, Result, Source};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a pass found out about one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The labels in row order of first appearance; empty for numbers.
    pub labels: Vec<String>,
    /// Smallest and largest number; none for text, or where all are missing.
    pub range: Option<Range>,
}

/// Reads some columns once and tells their labels and ranges. The same for any number of threads.
pub fn agree(pool: &Pool, control: &Control, source: &dyn Source, columns: &[usize]) -> Result<Vec<Found>> {
    local::map(pool, control, source, columns, &OwnDictionary, Agreement::new(columns.len()))
}

/// Gives every text column of a block a dictionary of its own, in row order of first appearance.
struct OwnDictionary;

impl BlockMap for OwnDictionary {
    fn map(&self, mut block: Block) -> Result<Option<Block>> {
        for column in &mut block.columns {
            let labels = match column {
                Column::Str(text) => {
                    let mut seen: HashMap<&str, ()> = HashMap::new();
                    let mut labels = Vec::new();
                    for label in text.iter().flatten() {
                        if seen.insert(label, ()).is_none() {
                            labels.push(label.to_string());
                        }
                    }
                    labels
                }
                Column::Dict { codes, labels } => {
                    let mut seen = vec![false; labels.len()];
                    let mut used = Vec::new();
                    for &code in codes.iter().filter(|&&c| c != NA_I32) {
                        if let (Some(seen), Some(label)) =
                            (seen.get_mut(code as usize - 1), labels.get(code as usize - 1))
                            && !std::mem::replace(seen, true)
                        {
                            used.push(label.clone());
                        }
                    }
                    used
                }
                _ => continue,
            };
            *column = Column::Dict { codes: Vec::new().into(), labels: Arc::new(labels) };
        }
        Ok(Some(block))
    }
}

/// Smallest and largest number of a column.
pub type Range = (f64, f64);

/// Joins the dictionaries in block order.
struct Agreement {
    found: Mutex<Vec<(Interner, Option<Range>)>>,
}

impl Agreement {
    fn new(columns: usize) -> Self {
        Agreement { found: Mutex::new(vec![(Interner::default(), None); columns]) }
    }
}

impl Sink for Agreement {
    type Admitted = Block;
    type Encoded = Vec<Option<Range>>;
    type Output = Vec<Found>;

    fn admit(&self, block: Block) -> Result<Block> {
        let mut found = self.found.lock().map_err(|_| Error::internal("levels were poisoned"))?;
        for (column, (interner, _)) in block.columns.iter().zip(found.iter_mut()) {
            if let Column::Dict { labels, .. } = column {
                interner.table(labels);
            }
        }
        Ok(block)
    }

    fn encode(&self, block: Block) -> Result<Self::Encoded> {
        Ok(block.columns.iter().map(range).collect())
    }

    fn write(&self, ranges: Self::Encoded) -> Result<()> {
        let mut found = self.found.lock().map_err(|_| Error::internal("levels were poisoned"))?;
        for (new, (_, known)) in ranges.into_iter().zip(found.iter_mut()) {
            *known = match (*known, new) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                (a, b) => a.or(b),
            };
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Found>> {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(found.into_iter().map(|(interner, range)| Found { labels: interner.into_labels(), range }).collect())
    }
}

/// Smallest and largest finite number of a column.
fn range(column: &Column) -> Option<Range> {
    fn of(values: impl Iterator<Item = f64>) -> Option<Range> {
        let (low, high) = values
            .filter(|x| x.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        (low <= high).then_some((low, high))
    }
    match column {
        Column::I32(v) => of(v.iter().filter(|&&x| x != NA_I32).map(|&x| f64::from(x))),
        Column::I64(v) => of(v.iter().filter(|&&x| x != NA_I64).map(|&x| x as f64)),
        Column::F32(v) => of(v.iter().map(|&x| f64::from(x))),
        Column::F64(v) => of(v.iter().copied()),
        Column::Str(_) | Column::Dict { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rx_data::source::Frame;
    use rx_data::{Field, Kind, Schema};

    #[test]
    fn labels_come_in_row_order_of_first_appearance() {
        let text: Vec<String> = (0..500).map(|i| format!("l{}", (i * i + 7) % 53)).collect();
        let mut expected: Vec<String> = Vec::new();
        for label in &text {
            if !expected.contains(label) {
                expected.push(label.clone());
            }
        }
        let schema = Schema::new(vec![Field::new("s", Kind::Character), Field::new("x", Kind::Integer)]);
        let strings = arrow::array::StringArray::from_iter_values(&text);
        let numbers = Column::I32((0..500).map(|i| if i == 3 { NA_I32 } else { i - 9 }).collect::<Vec<_>>().into());
        let frame = Frame::new(schema, vec![Column::Str(strings), numbers], 500).unwrap().with_block_rows(7);
        for seed in 0..3 {
            let found = agree(&Pool::new(3).unwrap(), &Control::shuffled(seed), &frame, &[0, 1]).unwrap();
            assert_eq!(found[0], Found { labels: expected.clone(), range: None });
            assert_eq!(found[1].range, Some((-9.0, 490.0)));
        }
    }
}

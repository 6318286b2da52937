//! The rows of several sources, one after the other.

use super::{Scan, Source};
use crate::block::Block;
use crate::error::{Error, ErrorKind, Result};
use crate::interner::Interner;
use crate::schema::{Field, Kind, Schema};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Sources of as many columns of the same types. Names and descriptions are those of the first one, levels those of all.
pub struct Stack {
    sources: Vec<Arc<dyn Source>>,
    schema: Schema,
}

impl Stack {
    /// The rows of all sources.
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Result<Self> {
        let Some(first) = sources.first() else { return Err(Error::internal("there is nothing to stack")) };
        let mut schema = first.schema().clone();
        for source in &sources[1..] {
            let (wanted, given) = (schema.fields.len(), source.schema().fields.len());
            if wanted != given {
                let message = format!("The first input has {wanted} columns and another one {given}.");
                return Err(
                    Error::new(ErrorKind::Argument, message).hint("Rows can be joined of as many columns only.")
                );
            }
            for (field, other) in schema.fields.iter_mut().zip(&source.schema().fields) {
                join(field, other)?;
            }
        }
        Ok(Stack { sources, schema })
    }
}

/// Makes a field fit the values of another one, too.
fn join(field: &mut Field, other: &Field) -> Result<()> {
    match (&field.kind, &other.kind) {
        (Kind::Factor { .. }, Kind::Factor { .. }) => {
            // Levels that are not known on both sides come with the blocks.
            field.levels = field.levels.as_ref().zip(other.levels.as_ref()).map(|(known, new)| {
                let mut interner = Interner::with_labels(known);
                interner.table(new);
                Arc::new(interner.into_labels())
            });
        }
        (Kind::DateTime { .. }, Kind::DateTime { .. }) => {}
        (known, new) if known == new => {}
        (known, new) => {
            let (known, new) = (known.name(), new.name());
            let message = format!(
                "Column '{}' is {known} in the first input, and '{}', which is in its place in another one, is {new}.",
                field.name, other.name
            );
            let hint = "Keep columns of the same types in the same order, or convert them with rxDataStep().";
            return Err(Error::new(ErrorKind::WrongType, message).column(&field.name).hint(hint));
        }
    }
    let wider = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| a.zip(b).map(|(a, b)| pick(a, b));
    (field.low, field.high) = (wider(field.low, other.low, f64::min), wider(field.high, other.high, f64::max));
    Ok(())
}

impl Source for Stack {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        self.sources.iter().map(|source| source.rows()).sum()
    }

    fn block_rows(&self) -> Option<Vec<u64>> {
        let blocks: Option<Vec<_>> = self.sources.iter().map(|source| source.block_rows()).collect();
        blocks.map(|blocks| blocks.concat())
    }

    fn in_turn(&self) -> bool {
        self.sources.iter().any(|source| source.in_turn())
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let scans = self.sources.iter().map(|source| source.scan(columns)).collect::<Result<Vec<_>>>()?;
        Ok(Box::new(StackScan { scans, place: Mutex::default(), changed: Condvar::new() }))
    }
}

struct StackScan<'a> {
    scans: Vec<Box<dyn Scan + 'a>>,
    place: Mutex<Place>,
    changed: Condvar,
}

#[derive(Default)]
struct Place {
    /// The source that is read.
    source: usize,
    /// Blocks of the sources before it.
    before: usize,
    /// Blocks of all sources so far.
    blocks: usize,
    /// Threads that are reading.
    reading: usize,
    /// Whether the source that is read has no more.
    ended: bool,
}

impl StackScan<'_> {
    fn lock(&self) -> Result<MutexGuard<'_, Place>> {
        self.place.lock().map_err(|_| Error::internal("a scan was poisoned"))
    }
}

impl Scan for StackScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        loop {
            let mut place = self.lock()?;
            // How many blocks a source has is known when all that were handed out are there.
            while place.ended && place.reading > 0 {
                place = self.changed.wait(place).map_err(|_| Error::internal("a scan was poisoned"))?;
            }
            if place.ended {
                (place.source, place.before, place.ended) = (place.source + 1, place.blocks, false);
            }
            let (source, before) = (place.source, place.before);
            let Some(scan) = self.scans.get(source) else { return Ok(None) };
            place.reading += 1;
            drop(place);
            let read = scan.next();
            let mut place = self.lock()?;
            place.reading -= 1;
            place.ended |= matches!(read, Ok(None));
            if let Ok(Some(block)) = &read {
                place.blocks = place.blocks.max(before + block.index + 1);
            }
            drop(place);
            self.changed.notify_all();
            if let Some(block) = read? {
                return Ok(Some(Block { index: before + block.index, ..block }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::Column;
    use crate::source::Frame;
    use crate::testing::{every_kind, values};

    #[test]
    fn rows_follow_each_other_for_any_number_of_threads() {
        let tables = [every_kind(1000).with_block_rows(7), every_kind(0), every_kind(500).with_block_rows(90)];
        let stack = Stack::new(tables.iter().map(|t| Arc::new(t.clone()) as Arc<dyn Source>).collect()).unwrap();
        assert_eq!(stack.rows(), Some(1500));
        let expected: Vec<String> = tables.iter().flat_map(|table| values(table, &[2]).unwrap().remove(0)).collect();
        assert_eq!(values(&stack, &[2]).unwrap()[0], expected);
        let scan = stack.scan(&[2]).unwrap();
        let found = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(block) = scan.next().unwrap() {
                        found.lock().unwrap().push(block);
                    }
                });
            }
        });
        let mut blocks = found.into_inner().unwrap();
        blocks.sort_by_key(|block| block.index);
        assert!(blocks.iter().enumerate().all(|(i, block)| block.index == i));
        let parts: Vec<Column> = blocks.into_iter().map(|block| block.columns[0].clone()).collect();
        let schema = Schema::new(vec![stack.schema().fields[2].clone()]);
        let joined = Frame::new(schema, vec![Column::concat(&parts).unwrap()], 1500).unwrap();
        assert_eq!(values(&joined, &[0]).unwrap()[0], expected);
    }

    #[test]
    fn other_types_are_refused() {
        let table = |kind| {
            let schema = Schema::new(vec![Field::new("x", kind)]);
            Arc::new(Frame::new(schema, vec![Column::I32(vec![1].into())], 1).unwrap()) as Arc<dyn Source>
        };
        let error = Stack::new(vec![table(Kind::Integer), table(Kind::Logical)]).err().unwrap();
        assert_eq!((error.kind, error.column.as_deref()), (ErrorKind::WrongType, Some("x")));
        let two: Arc<dyn Source> = Arc::new(every_kind(3));
        assert_eq!(Stack::new(vec![table(Kind::Integer), two]).err().unwrap().kind, ErrorKind::Argument);
    }
}

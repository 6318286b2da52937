//! Where blocks stand among the rows of their source, while many threads decode them.

use super::Scan;
use crate::block::Block;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands out the blocks of a scan that have rows of a range, each with the number of rows before it. Those are known
/// when all earlier blocks are decoded, which happens at the same time, so whoever has a block waits for them.
///
/// Blocks behind the range may be decoded for nothing, one a thread at most; what is wrong with them does not matter.
pub(crate) struct Places {
    range: Range<u64>,
    /// How many blocks may be decoded at once.
    readers: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Blocks whose places are known.
    blocks: usize,
    /// Rows before the next one.
    rows: u64,
    /// How many of the blocks end before the range.
    skipped: usize,
    /// Rows of blocks that came before their turn.
    early: BTreeMap<usize, u64>,
    /// Places of blocks whose threads have not asked for them yet.
    starts: BTreeMap<usize, u64>,
    /// Threads that are decoding.
    reading: usize,
    /// A block could not be decoded: later ones have no place.
    failed: bool,
}

impl Places {
    /// For a scan that begins at row `first`. With `in_turn`, a block is asked for when all before it are there, so
    /// none behind the range ever is.
    pub(crate) fn new(range: Range<u64>, first: u64, in_turn: bool) -> Self {
        let state = Mutex::new(State { rows: first, ..State::default() });
        Places { range, readers: if in_turn { 1 } else { usize::MAX }, state, changed: Condvar::new() }
    }

    /// The next block, numbered from the first one in the range on, and the rows before it; none behind the range.
    pub(crate) fn next(&self, scan: &dyn Scan) -> Result<Option<(Block, u64)>> {
        loop {
            let Some(block) = self.read(scan)? else { return Ok(None) };
            let (mut state, rows) = (self.lock(), block.rows as u64);
            let start = loop {
                if let Some(start) = state.starts.remove(&block.index) {
                    break start;
                }
                if state.rows >= self.range.end {
                    return Ok(None);
                }
                if state.failed && state.reading == 0 {
                    // Whoever failed reports it.
                    return Err(Error::interrupted());
                }
                state = self.wait(state);
            };
            if start >= self.range.end {
                return Ok(None);
            }
            if start + rows > self.range.start {
                return Ok(Some((Block { index: block.index - state.skipped, ..block }, start)));
            }
        }
    }

    /// Decodes a block, unless all rows of the range are there.
    fn read(&self, scan: &dyn Scan) -> Result<Option<Block>> {
        let mut state = self.lock();
        while state.reading >= self.readers {
            state = self.wait(state);
        }
        if state.failed {
            drop(state);
            return self.matters(Error::interrupted());
        }
        if state.rows >= self.range.end {
            return Ok(None);
        }
        state.reading += 1;
        drop(state);
        let mut reading = Reading { places: self, done: false };
        let read = scan.next();
        reading.done = read.is_ok();
        let mut state = self.lock();
        if let Ok(Some(block)) = &read {
            state.admit(block, &self.range);
        }
        drop(state);
        drop(reading);
        read.or_else(|error| self.matters(error))
    }

    /// An error after one of a block, unless the range ends before that: all earlier blocks are in the hands of others.
    fn matters(&self, error: Error) -> Result<Option<Block>> {
        let mut state = self.lock();
        while state.reading > 0 && state.rows < self.range.end {
            state = self.wait(state);
        }
        if state.rows < self.range.end { Err(error) } else { Ok(None) }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, block: &Block, range: &Range<u64>) {
        self.early.insert(block.index, block.rows as u64);
        while let Some(rows) = self.early.remove(&self.blocks) {
            self.starts.insert(self.blocks, self.rows);
            self.blocks += 1;
            self.rows += rows;
            self.skipped += usize::from(self.rows <= range.start);
        }
    }
}

/// A thread that is decoding. It leaves by an error, or a panic, unless it is done.
struct Reading<'a> {
    places: &'a Places,
    done: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        state.reading -= 1;
        state.failed |= !self.done;
        drop(state);
        self.places.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::column::Column;
    use crate::error::ErrorKind;
    use crate::schema::{Field, Kind, Schema};
    use crate::source::{RowRange, Source, Tickets};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Numbered rows in blocks of uneven sizes, of which some cannot be read, and the later ones are sooner there.
    struct Uneven {
        schema: Schema,
        sizes: Vec<usize>,
        bad: Option<usize>,
        in_turn: bool,
        asked: AtomicUsize,
    }

    impl Uneven {
        fn new(bad: Option<usize>, in_turn: bool) -> Self {
            let sizes = (0..60).map(|i| [0, 5, 0, 31, 100][i % 5]).collect();
            let schema = Schema::new(vec![Field::new("row", Kind::Integer)]);
            Uneven { schema, sizes, bad, in_turn, asked: AtomicUsize::new(0) }
        }
    }

    impl Source for Uneven {
        fn schema(&self) -> &Schema {
            &self.schema
        }

        fn rows(&self) -> Option<u64> {
            None
        }

        fn in_turn(&self) -> bool {
            self.in_turn
        }

        fn file(&self) -> Option<&Path> {
            None
        }

        fn scan(&self, _: &[usize]) -> Result<Box<dyn Scan + '_>> {
            Ok(Box::new(Tickets::new(self.sizes.len(), |index| {
                self.asked.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(400 * (3 - index as u64 % 4)));
                if self.bad == Some(index) {
                    return Err(Error::new(ErrorKind::CorruptFile, "broken"));
                }
                let (first, rows) = (self.sizes[..index].iter().sum::<usize>(), self.sizes[index]);
                let column = Column::I32((first..first + rows).map(|i| i as i32).collect());
                Ok(Block { index, rows, columns: vec![column] })
            })))
        }
    }

    /// The rows of a range, by several threads; their error, unless it is that of one that gave up.
    fn rows_of(range: &RowRange, threads: usize) -> Result<Vec<i32>> {
        let scan = range.scan(&[0])?;
        let (blocks, errors) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        match scan.next() {
                            Ok(Some(block)) => blocks.lock().unwrap().push(block),
                            Ok(None) => break,
                            Err(error) => {
                                errors.lock().unwrap().push(error);
                                break;
                            }
                        }
                    }
                });
            }
        });
        let errors = errors.into_inner().unwrap();
        let mine = errors.iter().find(|error| error.kind != ErrorKind::Interrupted).or(errors.first());
        if let Some(error) = mine {
            return Err(error.clone());
        }
        let mut blocks = blocks.into_inner().unwrap();
        blocks.sort_by_key(|block| block.index);
        assert!(blocks.iter().enumerate().all(|(i, block)| block.index == i));
        Ok(blocks
            .iter()
            .flat_map(|block| match &block.columns[0] {
                Column::I32(rows) => rows.to_vec(),
                _ => vec![],
            })
            .collect())
    }

    const ROWS: u64 = 12 * 136;

    #[test]
    fn a_range_is_the_same_for_any_number_of_threads() {
        for (start, count) in [(0, None), (0, Some(0)), (0, Some(1)), (5, Some(31)), (100, Some(500)), (36, Some(ROWS))]
        {
            let end = count.map_or(ROWS, |count| ROWS.min(start + count)) as i32;
            for threads in [1, 2, 8] {
                let range = RowRange::new(Arc::new(Uneven::new(None, false)), start, count);
                assert_eq!(rows_of(&range, threads).unwrap(), (start as i32..end).collect::<Vec<_>>());
            }
        }
        let beyond = RowRange::new(Arc::new(Uneven::new(None, false)), ROWS, Some(3));
        assert!(rows_of(&beyond, 4).unwrap().is_empty());
    }

    #[test]
    fn errors_behind_the_range_do_not_matter() {
        // Block 13 begins with row 277.
        for threads in [1, 2, 8] {
            for (count, fails) in [(100, false), (277, false), (278, true), (ROWS, true)] {
                let range = RowRange::new(Arc::new(Uneven::new(Some(13), false)), 0, Some(count));
                match rows_of(&range, threads) {
                    Ok(rows) => assert!(!fails && rows.len() as u64 == count, "{count} rows"),
                    Err(error) => assert!(fails && error.kind == ErrorKind::CorruptFile, "{count} rows: {error:?}"),
                }
            }
        }
    }

    #[test]
    fn sources_that_are_asked_in_turn_are_asked_for_no_more_than_is_wanted() {
        for threads in [1, 8] {
            let source = Arc::new(Uneven::new(None, true));
            let range = RowRange::new(source.clone(), 10, Some(30));
            assert_eq!(rows_of(&range, threads).unwrap(), (10..40).collect::<Vec<_>>());
            // Rows 36 to 135 are those of block 4.
            assert_eq!(source.asked.load(Ordering::Relaxed), 5);
        }
    }
}

//! A pass over all files of a source, one after the other. While some threads still parse the end of one file, others
//! begin with the next.

use super::TextSource;
use super::scan::TextScan;
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::source::Scan;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A pass over some columns.
pub(super) struct Pass<'a> {
    source: &'a TextSource,
    columns: Vec<usize>,
    state: Mutex<State<'a>>,
    /// A thread has left a file.
    left: Condvar,
}

struct State<'a> {
    /// The file that blocks are taken from.
    file: usize,
    /// How many blocks the files before have.
    before: usize,
    scan: Option<Arc<TextScan<'a>>>,
    /// How many threads are in each file.
    inside: BTreeMap<usize, usize>,
    /// What went wrong first, by the order of files.
    failed: Option<(usize, Error)>,
}

/// A thread's stay in a file.
struct Stay<'p, 'a> {
    pass: &'p Pass<'a>,
    file: usize,
    before: usize,
    scan: Arc<TextScan<'a>>,
}

impl<'a> Pass<'a> {
    /// A pass over columns of the source.
    pub fn new(source: &'a TextSource, columns: &[usize]) -> Self {
        let state = State { file: 0, before: 0, scan: None, inside: BTreeMap::new(), failed: None };
        Pass { source, columns: columns.to_vec(), state: Mutex::new(state), left: Condvar::new() }
    }

    /// Goes to the file that blocks are taken from; None after the last one.
    fn enter(&self) -> Result<Option<Stay<'_, 'a>>> {
        let mut state = self.lock();
        if let Some((_, error)) = &state.failed {
            return Err(error.clone());
        }
        let index = state.file;
        let Some(file) = self.source.files.get(index) else { return Ok(None) };
        let scan = match &state.scan {
            Some(scan) => scan.clone(),
            None => {
                let columns = self.columns.iter().map(|&j| file.places[j]).collect();
                let scan = TextScan::new(file, Some(columns));
                let scan = scan.inspect_err(|error| state.failed = Some((index, error.clone())))?;
                state.scan.insert(Arc::new(scan)).clone()
            }
        };
        *state.inside.entry(index).or_default() += 1;
        Ok(Some(Stay { pass: self, file: index, before: state.before, scan }))
    }

    /// Turns to the next file, unless another thread did.
    fn turn(&self, stay: &Stay) -> Result<()> {
        let mut state = self.lock();
        if state.file == stay.file {
            state.before += stay.scan.blocks()?;
            state.file += 1;
            state.scan = None;
        }
        Ok(())
    }

    /// Waits for those who are in earlier files, since what goes wrong there comes first.
    fn fail(&self, stay: Stay, error: Error) -> Error {
        let file = stay.file;
        let mut state = self.lock();
        if state.failed.as_ref().is_none_or(|(first, _)| file < *first) {
            state.failed = Some((file, error.clone()));
        }
        drop(state);
        drop(stay);
        state = self.lock();
        while state.inside.range(..file).next().is_some() {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failed.as_ref().map_or(error, |(_, first)| first.clone())
    }

    /// Gives levels their new labels.
    fn relabel(&self, block: &mut Block) {
        for (column, &j) in block.columns.iter_mut().zip(&self.columns) {
            if let (Column::Dict { labels, .. }, Some(new)) = (column, &self.source.new_levels[j]) {
                *labels = new.clone();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        // What a thread that panics leaves behind is consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stay<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.pass.lock();
        if let Some(threads) = state.inside.get_mut(&self.file) {
            *threads -= 1;
            if *threads == 0 {
                state.inside.remove(&self.file);
            }
        }
        self.pass.left.notify_all();
    }
}

impl Scan for Pass<'_> {
    fn next(&self) -> Result<Option<Block>> {
        while let Some(stay) = self.enter()? {
            match stay.scan.next() {
                Ok(Some(mut block)) => {
                    block.index += stay.before;
                    self.relabel(&mut block);
                    return Ok(Some(block));
                }
                Ok(None) => self.turn(&stay)?,
                Err(error) => return Err(self.fail(stay, error)),
            }
        }
        Ok(None)
    }
}

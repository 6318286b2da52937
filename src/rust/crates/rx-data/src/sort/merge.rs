//! Merging of sorted runs: a tree of losers (Knuth 1998, 5.4.1) tells which run has the next row.

use super::key::Keys;
use super::pack::Packing;
use super::piece::{Cursor, Part, Piece};
use super::spill::{Run, Spill};
use crate::block::Block;
use crate::error::{Error, Result};
use crate::schema::Schema;
use std::cmp::Ordering;
use std::sync::{Arc, Mutex};

/// How to read runs.
#[derive(Clone)]
pub(super) struct Reading {
    pub spill: Arc<Spill>,
    pub schema: Arc<Schema>,
    pub keys: Arc<Keys>,
    pub packing: Arc<Packing>,
}

/// A chunk in memory, with the heads of its rows.
struct Loaded {
    block: Arc<Part>,
    heads: Vec<u64>,
}

impl Reading {
    fn read(&self, run: &Run, chunk: usize) -> Result<Loaded> {
        let block = self.spill.read(&run.chunks[chunk], &self.schema)?;
        let heads = self.packing.heads(&block, &self.keys)?;
        Ok(Loaded { block: Arc::new(block.into()), heads })
    }
}

/// A chunk read ahead, and its number: whoever was slow may have read one that nobody needs any more.
type Place = Arc<Mutex<Option<(usize, Loaded)>>>;

/// A chunk that will be needed.
pub(super) struct Ahead {
    reading: Reading,
    run: Arc<Run>,
    chunk: usize,
    place: Place,
}

impl Ahead {
    pub(super) fn read(self) {
        if let Ok(mut place) = self.place.lock()
            && place.as_ref().is_none_or(|(chunk, _)| *chunk < self.chunk)
        {
            *place = self.reading.read(&self.run, self.chunk).ok().map(|loaded| (self.chunk, loaded));
        }
    }
}

/// A run while it is merged.
struct Reader {
    run: Arc<Run>,
    /// The chunk that comes after the loaded one.
    next_chunk: usize,
    loaded: Option<Loaded>,
    /// The next row of the loaded chunk.
    row: usize,
    /// Where the next chunk is read ahead.
    place: Place,
    /// The number of the loaded chunk among the parts of the piece that is made, once it is one.
    part: Option<usize>,
}

/// The rows of several runs in order. Rows of equal keys come in the order of the runs.
pub(super) struct Merge {
    reading: Reading,
    readers: Vec<Reader>,
    /// The head of each run's next row; none at its end.
    heads: Vec<Option<u64>>,
    /// The losers of the tree's matches; the first one is the winner of all.
    tree: Vec<usize>,
    started: bool,
}

impl Merge {
    pub(super) fn new(reading: Reading, runs: &[Arc<Run>]) -> Self {
        let reader = |run: &Arc<Run>| Reader {
            run: run.clone(),
            next_chunk: 0,
            loaded: None,
            row: 0,
            place: Arc::default(),
            part: None,
        };
        let readers = runs.iter().map(reader).collect::<Vec<_>>();
        let heads = vec![None; readers.len()];
        Merge { reading, readers, heads, tree: Vec::new(), started: false }
    }

    /// Makes the next chunk of a run the loaded one, if there is any.
    fn load(&mut self, r: usize, ahead: &mut Vec<Ahead>) -> Result<()> {
        let reader = &mut self.readers[r];
        (reader.loaded, reader.row, reader.part, self.heads[r]) = (None, 0, None, None);
        while reader.next_chunk < reader.run.chunks.len() {
            let chunk = reader.next_chunk;
            reader.next_chunk += 1;
            let read = reader.place.lock().map_err(|_| Error::internal("a run was poisoned"))?.take();
            let loaded = match read {
                Some((read, loaded)) if read == chunk => loaded,
                _ => self.reading.read(&reader.run, chunk)?,
            };
            if loaded.heads.is_empty() {
                continue;
            }
            self.heads[r] = Some(loaded.heads[0]);
            reader.loaded = Some(loaded);
            if reader.next_chunk < reader.run.chunks.len() {
                let (run, place) = (reader.run.clone(), reader.place.clone());
                ahead.push(Ahead { reading: self.reading.clone(), run, chunk: reader.next_chunk, place });
            }
            break;
        }
        Ok(())
    }

    /// Whether run `a` has the next row rather than run `b`.
    fn precedes(&self, a: usize, b: usize) -> bool {
        match (self.heads[a], self.heads[b]) {
            (Some(x), Some(y)) => match x.cmp(&y) {
                Ordering::Equal if !self.reading.packing.exact => match (self.row(a), self.row(b)) {
                    (Some(x), Some(y)) => self.reading.keys.compare(x, y).then(a.cmp(&b)).is_lt(),
                    _ => a < b,
                },
                order => order.then(a.cmp(&b)).is_lt(),
            },
            (x, _) => x.is_some(),
        }
    }

    fn row(&self, r: usize) -> Option<(&Block, usize)> {
        self.readers[r].loaded.as_ref().map(|loaded| (&**loaded.block, self.readers[r].row))
    }

    /// Plays all matches.
    fn start(&mut self, ahead: &mut Vec<Ahead>) -> Result<()> {
        self.started = true;
        let n = self.readers.len();
        for r in 0..n {
            self.load(r, ahead)?;
        }
        // The leaves are n, ..., 2 n - 1; the parent of node i is i / 2.
        let mut winners: Vec<usize> = vec![0; n].into_iter().chain(0..n).collect();
        self.tree = vec![0; n];
        for node in (1..n).rev() {
            let (a, b) = (winners[2 * node], winners[2 * node + 1]);
            (winners[node], self.tree[node]) = if self.precedes(a, b) { (a, b) } else { (b, a) };
        }
        self.tree[0] = winners[1];
        Ok(())
    }

    /// Plays the matches of a run whose next row is another one.
    fn replay(&mut self, r: usize) {
        let (mut winner, mut node) = (r, (r + self.readers.len()) / 2);
        while node > 0 {
            let loser = self.tree[node];
            if self.precedes(loser, winner) {
                self.tree[node] = std::mem::replace(&mut winner, loser);
            }
            node /= 2;
        }
        self.tree[0] = winner;
    }
}

impl Cursor for Merge {
    fn next(&mut self, rows: usize) -> Result<Option<Piece>> {
        let mut piece = Piece::default();
        if self.readers.is_empty() {
            return Ok(None);
        }
        if !self.started {
            self.start(&mut piece.ahead)?;
        }
        let mut parts = Vec::new();
        self.readers.iter_mut().for_each(|reader| reader.part = None);
        while piece.ids.len() < rows {
            let winner = self.tree[0];
            let reader = &mut self.readers[winner];
            let (Some(loaded), Some(head)) = (&reader.loaded, self.heads[winner]) else { break };
            let part = *reader.part.get_or_insert_with(|| {
                parts.push(loaded.block.clone());
                parts.len() - 1
            });
            piece.ids.push((part as u64) << 32 | reader.row as u64);
            piece.heads.push(head);
            reader.row += 1;
            match loaded.heads.get(reader.row) {
                Some(&head) => self.heads[winner] = Some(head),
                None => self.load(winner, &mut piece.ahead)?,
            }
            self.replay(winner);
        }
        piece.parts = parts.into();
        Ok((!piece.ids.is_empty()).then_some(piece))
    }
}

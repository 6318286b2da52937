//! The first row of every key.

use super::key::Keys;
use super::pack::Packing;
use super::piece::{Cursor, Part, Piece};
use crate::error::Result;
use std::sync::Arc;

/// Leaves out rows whose key is that of the row before, and counts them.
pub(super) struct DistinctCursor<'a> {
    inner: Box<dyn Cursor + 'a>,
    keys: &'a Keys,
    packing: &'a Packing,
    /// The row whose duplicates are being counted.
    open: Option<Open>,
}

struct Open {
    block: Arc<Part>,
    row: usize,
    head: u64,
    count: u64,
}

impl<'a> DistinctCursor<'a> {
    pub(super) fn new(inner: Box<dyn Cursor + 'a>, keys: &'a Keys, packing: &'a Packing) -> Self {
        DistinctCursor { inner, keys, packing, open: None }
    }
}

impl Cursor for DistinctCursor<'_> {
    fn next(&mut self, rows: usize) -> Result<Option<Piece>> {
        loop {
            let Some(inner) = self.inner.next(rows)? else {
                let Some(open) = self.open.take() else { return Ok(None) };
                return Ok(Some(Piece {
                    parts: [open.block].into(),
                    ids: vec![open.row as u64],
                    heads: vec![open.head],
                    counts: vec![open.count],
                    ..Piece::default()
                }));
            };
            let mut parts = inner.parts.to_vec();
            let mut piece = Piece::default();
            // The number of the open row's block, unless that is one of an earlier piece.
            let mut open_part = None;
            for (i, (&id, &head)) in inner.ids.iter().zip(&inner.heads).enumerate() {
                let (_, row) = inner.row(i);
                let block = &inner.parts[(id >> 32) as usize];
                if let Some(open) = &mut self.open {
                    let same = open.head == head
                        && (self.packing.exact || self.keys.compare((&open.block, open.row), (block, row)).is_eq());
                    if same {
                        open.count += 1;
                        continue;
                    }
                }
                if let Some(before) = self.open.replace(Open { block: block.clone(), row, head, count: 1 }) {
                    let part = open_part.unwrap_or_else(|| {
                        parts.push(before.block);
                        parts.len() - 1
                    });
                    piece.ids.push((part as u64) << 32 | before.row as u64);
                    piece.heads.push(before.head);
                    piece.counts.push(before.count);
                }
                open_part = Some((id >> 32) as usize);
            }
            piece.parts = parts.into();
            piece.ahead = inner.ahead;
            if !piece.ids.is_empty() {
                return Ok(Some(piece));
            }
            piece.read_ahead();
        }
    }
}

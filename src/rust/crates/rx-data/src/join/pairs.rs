//! Which rows of two sorted sides go together.

use crate::block::Block;
use crate::error::Result;
use crate::sort::{Cursor, Keys, NOWHERE, Packing, Part, Piece};
use std::cmp::Ordering;
use std::sync::Arc;

/// Pairs of rows, not gathered yet.
#[derive(Default)]
pub(super) struct Pairs {
    pub sides: [Rows; 2],
    /// Pieces whose chunks should be read ahead.
    pub ahead: Vec<Piece>,
}

/// The rows of one side; [`NOWHERE`] where it has none.
#[derive(Default)]
pub(super) struct Rows {
    pub parts: Vec<Arc<Part>>,
    pub ids: Vec<u64>,
}

/// What is compared: keys of either side have their own columns.
pub(super) struct Order<'a> {
    pub keys: [&'a Keys; 2],
    pub packing: &'a Packing,
}

/// One side while it is walked along.
struct Side<'a> {
    cursor: Box<dyn Cursor + 'a>,
    piece: Piece,
    next: usize,
    /// The number of each of the piece's parts among those of the pairs that are made.
    numbers: Vec<Option<u32>>,
    ended: bool,
}

impl<'a> Side<'a> {
    fn new(cursor: Box<dyn Cursor + 'a>) -> Self {
        Side { cursor, piece: Piece::default(), next: 0, numbers: Vec::new(), ended: false }
    }

    /// Sees to it that there is a next row, unless it is the end.
    fn fill(&mut self, rows: usize, ahead: &mut Vec<Piece>) -> Result<()> {
        while !self.ended && self.next == self.piece.ids.len() {
            match self.cursor.next(rows)? {
                None => self.ended = true,
                Some(mut piece) => {
                    ahead.push(piece.split_ahead());
                    self.numbers.clear();
                    self.numbers.resize(piece.parts.len(), None);
                    (self.piece, self.next) = (piece, 0);
                }
            }
        }
        Ok(())
    }

    fn head(&self) -> u64 {
        self.piece.heads[self.next]
    }

    fn row(&self) -> (&Block, usize) {
        self.piece.row(self.next)
    }

    /// The next row's place among the pairs that are made.
    fn place(&mut self, rows: &mut Rows) -> u64 {
        let id = self.piece.ids[self.next];
        let part = (id >> 32) as usize;
        let number = *self.numbers[part].get_or_insert_with(|| {
            rows.parts.push(self.piece.parts[part].clone());
            rows.parts.len() as u32 - 1
        });
        u64::from(number) << 32 | (id & u64::from(u32::MAX))
    }
}

/// The rows of the second side that have the key of the first side's next row.
#[derive(Default)]
struct Group {
    parts: Vec<Arc<Part>>,
    ids: Vec<u64>,
    head: u64,
    /// The number of each part among those of the pairs that are made.
    numbers: Vec<Option<u32>>,
    /// The row to be paired with the first side's next row.
    next: usize,
}

/// Walks along two sides.
pub(super) struct Walk<'a> {
    sides: [Side<'a>; 2],
    group: Option<Group>,
    /// Whether rows of either side are wanted that go with none.
    alone: [bool; 2],
}

impl<'a> Walk<'a> {
    pub(super) fn new(cursors: [Box<dyn Cursor + 'a>; 2], alone: [bool; 2]) -> Self {
        Walk { sides: cursors.map(Side::new), group: None, alone }
    }

    /// The next pairs, so many at most; none at the end.
    pub(super) fn next(&mut self, order: &Order, rows: usize) -> Result<Option<Pairs>> {
        let mut pairs = Pairs::default();
        self.sides.iter_mut().for_each(|side| side.numbers.fill(None));
        if let Some(group) = &mut self.group {
            group.numbers.fill(None);
        }
        while pairs.sides[0].ids.len() < rows {
            for side in &mut self.sides {
                side.fill(rows, &mut pairs.ahead)?;
            }
            if self.group.is_some() {
                self.pair(order, rows, &mut pairs);
                continue;
            }
            let [first, second] = &mut self.sides;
            let order_of_both = match (first.ended, second.ended) {
                (true, true) => break,
                (false, true) => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, false) => first.head().cmp(&second.head()).then_with(|| {
                    if order.packing.exact { Ordering::Equal } else { order.compare(first.row(), second.row()) }
                }),
            };
            match order_of_both {
                Ordering::Equal => self.group = Some(self.gather_group(order, rows, &mut pairs)?),
                Ordering::Less => {
                    if self.alone[0] {
                        let id = first.place(&mut pairs.sides[0]);
                        pairs.push(id, NOWHERE);
                    }
                    first.next += 1;
                }
                Ordering::Greater => {
                    if self.alone[1] {
                        let id = second.place(&mut pairs.sides[1]);
                        pairs.push(NOWHERE, id);
                    }
                    second.next += 1;
                }
            }
        }
        Ok((!pairs.sides[0].ids.is_empty()).then_some(pairs))
    }

    /// Takes all rows of the second side that have the key of its next row.
    fn gather_group(&mut self, order: &Order, rows: usize, pairs: &mut Pairs) -> Result<Group> {
        let side = &mut self.sides[1];
        let mut group = Group { head: side.head(), ..Group::default() };
        // The number of each part of the piece among those of the group.
        let mut numbers: Vec<Option<usize>> = vec![None; side.piece.parts.len()];
        let mut first: Option<(Arc<Part>, usize)> = None;
        loop {
            if side.next == side.piece.ids.len() {
                side.fill(rows, &mut pairs.ahead)?;
                numbers = vec![None; side.piece.parts.len()];
            }
            if side.ended || side.head() != group.head {
                return Ok(group);
            }
            let id = side.piece.ids[side.next];
            let (part, row) = ((id >> 32) as usize, id as u32 as usize);
            match &first {
                _ if order.packing.exact => {}
                None => first = Some((side.piece.parts[part].clone(), row)),
                Some((block, known)) => {
                    if order.keys[1].compare((block, *known), side.row()).is_ne() {
                        return Ok(group);
                    }
                }
            }
            let number = *numbers[part].get_or_insert_with(|| {
                group.parts.push(side.piece.parts[part].clone());
                group.numbers.push(None);
                group.parts.len() - 1
            });
            group.ids.push((number as u64) << 32 | row as u64);
            side.next += 1;
        }
    }

    /// Pairs the first side's rows with those of the group, as long as they have its key and there is room.
    fn pair(&mut self, order: &Order, rows: usize, pairs: &mut Pairs) {
        let side = &mut self.sides[0];
        let Some(group) = &mut self.group else { return };
        while !side.ended && side.next < side.piece.ids.len() {
            let same = side.head() == group.head
                && (order.packing.exact || {
                    let id = group.ids[0];
                    order.compare(side.row(), (&group.parts[(id >> 32) as usize], id as u32 as usize)).is_eq()
                });
            if !same {
                self.group = None;
                return;
            }
            let place = side.place(&mut pairs.sides[0]);
            while group.next < group.ids.len() {
                if pairs.sides[0].ids.len() == rows {
                    return;
                }
                let id = group.ids[group.next];
                let part = (id >> 32) as usize;
                let number = *group.numbers[part].get_or_insert_with(|| {
                    pairs.sides[1].parts.push(group.parts[part].clone());
                    pairs.sides[1].parts.len() as u32 - 1
                });
                pairs.push(place, u64::from(number) << 32 | (id & u64::from(u32::MAX)));
                group.next += 1;
            }
            group.next = 0;
            side.next += 1;
            if pairs.sides[0].ids.len() == rows {
                return;
            }
        }
        if side.ended {
            self.group = None;
        }
    }
}

impl Pairs {
    fn push(&mut self, first: u64, second: u64) {
        self.sides[0].ids.push(first);
        self.sides[1].ids.push(second);
    }
}

impl Order<'_> {
    /// The order of a row of the first side and one of the second.
    fn compare(&self, a: (&Block, usize), b: (&Block, usize)) -> Ordering {
        self.keys[0].compare_with(a, self.keys[1], b)
    }
}

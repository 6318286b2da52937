//! The pairs of two sorted sides as a source.

use super::keys::{Match, cast, either};
use super::pairs::{Order, Pairs, Walk};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{Field, Kind, Schema};
use crate::sort::{NOWHERE, Ordered, gather};
use crate::source::{Scan, Source};
use crate::xdf::MAX_BATCH_ROWS;
use std::sync::Mutex;

/// Of which sides rows are wanted that go with none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outer {
    /// Those of the first side (`left`, `full`).
    pub first: bool,
    /// Those of the second side (`right`, `full`).
    pub second: bool,
}

/// Two sides that are sorted by the same keys, row by row. The columns are those of the first side in their order, then
/// those of the second one that are no keys. Any number of scans may be made.
pub struct Joined {
    sides: [Ordered; 2],
    outer: Outer,
    columns: Vec<From>,
    schema: Schema,
}

/// Where a column comes from.
enum From {
    /// Both sides.
    Key(Match),
    /// A side, and the position there.
    Side(usize, usize),
}

impl Joined {
    /// The rows of both sides. The first one's factors among the keys must have the first codes of those of the second.
    /// So many columns at the end of both sides are not shown.
    pub fn new(sides: [Ordered; 2], matches: &[Match], outer: Outer, hidden: usize) -> Self {
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        let shown = |side: &'_ Ordered| side.schema().fields.len() - hidden;
        for (j, field) in sides[0].schema().fields.iter().enumerate().take(shown(&sides[0])) {
            match matches.iter().find(|key| key.columns[0] == j) {
                None => {
                    columns.push(From::Side(0, j));
                    fields.push(field.clone());
                }
                Some(key) => {
                    columns.push(From::Key(key.clone()));
                    fields.push(key_field(field, &sides[1].schema().fields[key.columns[1]], &key.kind));
                }
            }
        }
        for (j, field) in sides[1].schema().fields.iter().enumerate().take(shown(&sides[1])) {
            if !matches.iter().any(|key| key.columns[1] == j) {
                columns.push(From::Side(1, j));
                fields.push(field.clone());
            }
        }
        Joined { sides, outer, columns, schema: Schema::new(fields) }
    }

    /// Some columns of pairs.
    fn columns(&self, pairs: &Pairs, wanted: &[usize]) -> Result<Vec<Column>> {
        let missing: Vec<bool> = pairs.sides[0].ids.iter().map(|&id| id == NOWHERE).collect();
        let some_missing = missing.contains(&true);
        // Whether the keys of a side are shown.
        let keys = [!some_missing || missing.contains(&false), some_missing];
        let position = |side: usize, j: usize| match &self.columns[j] {
            From::Side(from, j) => (*from == side).then_some(*j),
            From::Key(key) => keys[side].then_some(key.columns[side]),
        };
        let values = |side: usize| {
            let rows = &pairs.sides[side];
            let positions: Vec<usize> = wanted.iter().filter_map(|&j| position(side, j)).collect();
            gather(&self.sides[side].schema().fields, &rows.parts, &positions, &rows.ids).map(Vec::into_iter)
        };
        let mut values = [values(0)?, values(1)?];
        let mut next = |side: usize| values[side].next().ok_or_else(|| Error::internal("a joined column is not there"));
        let column = |&j: &usize| match &self.columns[j] {
            From::Side(side, _) => next(*side),
            From::Key(key) => {
                let mut side = |side: usize| cast(next(side)?, &key.kind);
                let column = match keys {
                    [true, false] => side(0)?,
                    [false, _] => side(1)?,
                    [true, true] => either(side(0)?, side(1)?, &key.kind, &missing)?,
                };
                Ok(match (column, &self.schema.fields[j].levels) {
                    (Column::Dict { codes, .. }, Some(labels)) if matches!(key.kind, Kind::Factor { .. }) => {
                        Column::Dict { codes, labels: labels.clone() }
                    }
                    (column, _) => column,
                })
            }
        };
        wanted.iter().map(column).collect()
    }
}

/// The field of a key: that of the first side, but for what both must hold.
fn key_field(first: &Field, second: &Field, kind: &Kind) -> Field {
    let levels = if matches!(kind, Kind::Factor { .. }) { second.levels.clone() } else { None };
    let wider = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| a.zip(b).map(|(a, b)| pick(a, b));
    Field {
        kind: kind.clone(),
        levels,
        low: wider(first.low, second.low, f64::min),
        high: wider(first.high, second.high, f64::max),
        ..first.clone()
    }
}

impl Source for Joined {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        let cursors = [self.sides[0].cursor(), self.sides[1].cursor()];
        let walk = Walk::new(cursors, [self.outer.first, self.outer.second]);
        Ok(Box::new(JoinScan { joined: self, columns: columns.to_vec(), place: Mutex::new((walk, 0)) }))
    }
}

struct JoinScan<'a> {
    joined: &'a Joined,
    columns: Vec<usize>,
    /// The pairs that are left, and the number of their first block.
    place: Mutex<(Walk<'a>, usize)>,
}

impl Scan for JoinScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let [first, second] = &self.joined.sides;
        let rows = first.piece_rows().min(second.piece_rows()).min(MAX_BATCH_ROWS);
        let order = Order { keys: [first.keys(), second.keys()], packing: first.packing() };
        let (mut pairs, index) = {
            let mut place = self.place.lock().map_err(|_| Error::internal("joined rows were poisoned"))?;
            let Some(pairs) = place.0.next(&order, rows)? else { return Ok(None) };
            place.1 += 1;
            (pairs, place.1 - 1)
        };
        pairs.ahead.iter_mut().for_each(|piece| piece.read_ahead());
        let columns = self.joined.columns(&pairs, &self.columns)?;
        Ok(Some(Block { index, rows: pairs.sides[0].ids.len(), columns }))
    }
}

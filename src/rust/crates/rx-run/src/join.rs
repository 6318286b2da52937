//! Joining of two sources by keys, in memory or beyond it; see [`rx_data::join`] for how.

use crate::control::Control;
use crate::pool::Pool;
use crate::sort::{Collected, Sorting, collect};
use rx_data::join::{Joined, Match, Outer, Ranked, by_rank, matches};
use rx_data::sort::{Distinct, Key, Keys, Packing};
use rx_data::source::Picked;
use rx_data::{Error, Kind, Labels, Result, Source};
use std::path::PathBuf;

/// A side is small if the other one has so many times its rows: the keys of more are sorted sooner than found.
const SMALL: u64 = 16;

/// How to join.
pub struct Joining {
    /// The names of the keys, which both sides have.
    pub keys: Vec<String>,
    /// Whether the largest keys come first.
    pub decreasing: bool,
    /// Whether missing keys are smaller than all others, or else larger.
    pub missing_low: bool,
    /// Which rows are wanted that go with none.
    pub outer: Outer,
    /// Whether both sides must be in the order of the keys already.
    pub sorted: bool,
    /// Bytes of memory that may be used.
    pub memory: u64,
    /// Where rows beyond that are kept.
    pub folder: PathBuf,
}

/// The rows of both sides that have the same keys.
pub fn join(pool: &Pool, control: &Control, mut sides: [Picked; 2], joining: &Joining) -> Result<Joined> {
    let matches = matches(sides[0].schema(), sides[1].schema(), &joining.keys)?;
    for key in &matches {
        for side in (0..2).filter(|&side| key.as_text[side]) {
            sides[side].as_text(key.columns[side]);
        }
    }
    let sorting = [0, 1].map(|side| sorting_of(&sides[side], side, &matches, joining));
    let join = Join { pool, control, sides, sorting, matches, joining };
    let read = if join.second_is_first() { join.read([1, 0])? } else { None };
    match read {
        Some(joined) => Ok(joined),
        None => join.read([0, 1])?.ok_or_else(|| Error::internal("the levels of a side are not its own")),
    }
}

struct Join<'a> {
    pool: &'a Pool,
    control: &'a Control,
    sides: [Picked; 2],
    sorting: [Sorting; 2],
    matches: Vec<Match>,
    joining: &'a Joining,
}

impl Join<'_> {
    /// The keys that are factors.
    fn factors(&self) -> impl Iterator<Item = &Match> {
        self.matches.iter().filter(|key| matches!(key.kind, Kind::Factor { .. }))
    }

    /// The levels that the factors of the first side say they have.
    fn levels_of_first(&self) -> Vec<Option<Labels>> {
        self.factors().map(|key| self.sides[0].schema().fields[key.columns[0]].levels.clone()).collect()
    }

    /// Whether the second side should be read before the first one, whose levels are known: it may be small.
    fn second_is_first(&self) -> bool {
        let rows = [0, 1].map(|side| self.sides[side].rows());
        let smaller = rows[0].is_none_or(|first| rows[1].is_none_or(|second| second < first));
        !self.joining.sorted && smaller && rows != [None; 2] && self.levels_of_first().iter().all(Option::is_some)
    }

    /// Whether a side that was read is small, and rows of the other one that have no partner on it are left out.
    fn is_small(&self, side: usize, collected: &Collected) -> bool {
        let Joining { outer, sorted, .. } = self.joining;
        let needs_others = [outer.second, outer.first][side];
        let others = self.sides[1 - side].rows();
        let few = |rows: u64| others.is_none_or(|others| rows.saturating_mul(SMALL) <= others);
        !sorted && !needs_others && collected.rows_in_memory().is_some_and(few)
    }

    /// Reads both sides, one after the other, and joins them: by ranks if the one that is read first is small. None: the
    /// levels of the first side are others than it says, and it was not read first.
    fn read(&self, [near, far]: [usize; 2]) -> Result<Option<Joined>> {
        let mut levels = self.levels_of_first();
        let near_side = collect(self.pool, self.control, &self.sides[near], &self.sorting(near, &levels), false)?;
        if near == 0 {
            levels = self.factors().map(|key| near_side.levels(key.columns[0])).collect();
        }
        let mut sorting = self.sorting(far, &levels);
        let (near_side, far_side, hidden) = if self.is_small(near, &near_side) {
            let (near_side, ranks) = near_side.ranked(self.pool, self.control)?;
            let keys = &self.sorting[far].keys;
            let source = Ranked::new(&self.sides[far], keys, ranks);
            let rank = source.schema().fields.len() - 1;
            sorting.columns.push(rank);
            (sorting.keys, sorting.present) = (by_rank(rank), Some(rank));
            (near_side, collect(self.pool, self.control, &source, &sorting, false)?, 1)
        } else {
            (near_side, collect(self.pool, self.control, &self.sides[far], &sorting, false)?, 0)
        };
        if near == 0 {
            return self.joined([near_side, far_side], hidden).map(Some);
        }
        let found = self.factors().map(|key| far_side.levels(key.columns[0]));
        if found.eq(levels) { self.joined([far_side, near_side], hidden).map(Some) } else { Ok(None) }
    }

    /// How to sort a side. The codes of factors mean the same on both: those of the first one come first.
    fn sorting(&self, side: usize, levels_of_first: &[Option<Labels>]) -> Sorting {
        let mut sorting = self.sorting[side].clone();
        if side == 1 {
            let levels = self.factors().zip(levels_of_first);
            sorting.levels = levels.filter_map(|(key, levels)| Some((key.columns[1], levels.clone()?))).collect();
        }
        sorting
    }

    /// Both sides in one order, of whose columns so many at the end are not shown.
    fn joined(&self, [first, second]: [Collected; 2], hidden: usize) -> Result<Joined> {
        let packing = Packing::new(&first.profile.clone().and(&second.profile));
        let first = first.order(self.pool, self.control, packing.clone(), Distinct::No)?;
        let second = second.order(self.pool, self.control, packing, Distinct::No)?;
        Ok(Joined::new([first, second], &self.matches, self.joining.outer, hidden))
    }
}

fn sorting_of(source: &Picked, side: usize, matches: &[Match], joining: &Joining) -> Sorting {
    let key = |key: &Match| Key {
        column: key.columns[side],
        sorts: key.sorts,
        decreasing: joining.decreasing,
        missing_low: joining.missing_low,
        ignore_case: false,
        table: None,
    };
    Sorting {
        columns: (0..source.schema().fields.len()).collect(),
        keys: Keys(matches.iter().map(key).collect()),
        levels: Vec::new(),
        // Both sides may be in memory at the same time.
        memory: joining.memory / 2,
        folder: joining.folder.clone(),
        always_spill: false,
        in_order: joining.sorted.then_some(["first", "second"][side]),
        present: None,
    }
}

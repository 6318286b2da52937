//! Joining of two sources by keys, in memory or beyond it; see [`rx_data::join`] for how.

use crate::control::Control;
use crate::pool::Pool;
use crate::sort::{Sorting, collect};
use rx_data::join::{Joined, Match, Outer, matches};
use rx_data::sort::{Distinct, Key, Keys, Packing};
use rx_data::source::Picked;
use rx_data::{Kind, Result, Source};
use std::path::PathBuf;

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
    let [first, second] = sides;
    let mut sorting = sorting_of(&first, 0, &matches, joining);
    let first = collect(pool, control, &first, &sorting, false)?;
    sorting = sorting_of(&second, 1, &matches, joining);
    // The codes of factors mean the same on both sides.
    for key in matches.iter().filter(|key| matches!(key.kind, Kind::Factor { .. })) {
        if let Some(levels) = first.levels(key.columns[0]) {
            sorting.levels.push((key.columns[1], levels));
        }
    }
    let second = collect(pool, control, &second, &sorting, false)?;
    let packing = Packing::new(&first.profile.clone().and(&second.profile));
    let first = first.order(pool, control, packing.clone(), Distinct::No)?;
    let second = second.order(pool, control, packing, Distinct::No)?;
    Ok(Joined::new([first, second], &matches, joining.outer))
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
    }
}

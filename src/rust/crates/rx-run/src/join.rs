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
pub fn join(pool: &Pool, control: &Control, sides: [Picked; 2], joining: &Joining) -> Result<Joined> {
    Join::new(pool, control, sides, joining)?.run()
}

struct Join<'a> {
    pool: &'a Pool,
    control: &'a Control,
    sides: [Picked; 2],
    sorting: [Sorting; 2],
    matches: Vec<Match>,
    joining: &'a Joining,
    /// See [`SMALL`].
    small: u64,
}

impl<'a> Join<'a> {
    fn new(pool: &'a Pool, control: &'a Control, mut sides: [Picked; 2], joining: &'a Joining) -> Result<Join<'a>> {
        let matches = matches(sides[0].schema(), sides[1].schema(), &joining.keys)?;
        for key in &matches {
            for side in (0..2).filter(|&side| key.as_text[side]) {
                sides[side].as_text(key.columns[side]);
            }
        }
        let sorting = [0, 1].map(|side| sorting_of(&sides[side], side, &matches, joining));
        Ok(Join { pool, control, sides, sorting, matches, joining, small: SMALL })
    }

    fn run(&self) -> Result<Joined> {
        let read = if self.second_is_first() { self.read([1, 0])? } else { None };
        match read {
            Some(joined) => Ok(joined),
            None => self.read([0, 1])?.ok_or_else(|| Error::internal("the levels of a side are not its own")),
        }
    }

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
        let few = |rows: u64| others.is_none_or(|others| rows.saturating_mul(self.small) <= others);
        !sorted && !needs_others && collected.rows_in_memory().is_some_and(few)
    }

    /// Reads both sides, one after the other, and joins them: by ranks if the one that is read first is small. None:
    /// the levels of the first side are others than it says, and it was not read first.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rx_data::column::{NA_F64, NA_I32};
    use rx_data::sink::{FrameSink, FrameTable};
    use rx_data::source::Frame;
    use rx_data::{Column, Field, Identity, Schema};
    use std::sync::Arc;

    /// Numbers at random from 0 on.
    struct Noise(u64);

    impl Noise {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % n as u64) as usize
        }
    }

    fn labels(texts: &[&str]) -> Labels {
        Arc::new(texts.iter().map(|text| text.to_string()).collect())
    }

    /// Keys of all storages, a value of each in common, and the numbers of the rows.
    fn table(noise: &mut Noise, rows: usize, factors: &[&str], by_label: bool) -> Frame {
        const TEXTS: [&str; 6] = ["", "a", "b", "one that is long", "one that is longer", "\u{e9}"];
        let kinds = [
            ("text", Kind::Character),
            ("factor", Kind::Factor { ordered: false }),
            ("integer", Kind::Integer),
            ("number", Kind::Numeric),
            ("day", Kind::Date),
            ("row", Kind::Integer),
        ];
        let mut draw = |n: usize| (0..rows).map(|_| noise.below(n)).collect::<Vec<usize>>();
        let code = |v: &usize, n: usize| if *v == n { NA_I32 } else { *v as i32 + 1 };
        let text = draw(TEXTS.len() + 1);
        let doubles =
            |v: Vec<usize>| Column::F64(v.iter().map(|&v| if v == 4 { NA_F64 } else { v as f64 / 2.0 }).collect());
        let columns = vec![
            match by_label {
                true => {
                    Column::Dict { codes: text.iter().map(|v| code(v, TEXTS.len())).collect(), labels: labels(&TEXTS) }
                }
                false => Column::Str(text.iter().map(|&v| TEXTS.get(v).copied()).collect()),
            },
            Column::Dict {
                codes: draw(factors.len() + 1).iter().map(|v| code(v, factors.len())).collect(),
                labels: labels(factors),
            },
            Column::I32(draw(6).iter().map(|v| code(v, 5)).collect()),
            doubles(draw(5)),
            doubles(draw(5)),
            Column::I32((0..rows as i32).collect()),
        ];
        let mut schema = Schema::new(kinds.map(|(name, kind)| Field::new(name, kind)).into());
        schema.fields[1].levels = Some(labels(factors));
        Frame::new(schema, columns, rows).unwrap().with_block_rows(rows.div_ceil(5))
    }

    fn picked(table: &Frame) -> Picked {
        let names: Vec<String> = table.schema().fields.iter().map(|field| field.name.clone()).collect();
        Picked::new(Arc::new(table.clone()), (0..names.len()).collect(), &names)
    }

    /// The rows as text.
    fn shown(pool: &Pool, joined: &Joined) -> Vec<String> {
        let all: Vec<usize> = (0..joined.schema().fields.len()).collect();
        let sink = FrameSink::new(joined.schema().clone());
        let table: FrameTable = crate::map(pool, &Control::new(), joined, &all, &Identity, sink).unwrap();
        let columns: Vec<Column> = (table.columns.iter())
            .map(|parts| if parts.is_empty() { Column::I32(Vec::new().into()) } else { Column::concat(parts).unwrap() })
            .map(Column::spelled_out)
            .collect();
        let value = |column: &Column, i: usize| format!("{:?}", column.slice(i, 1));
        let rows = (0..table.rows).map(|i| columns.iter().map(|column| value(column, i)).collect::<Vec<_>>().join("|"));
        [format!("{:?}", joined.schema())].into_iter().chain(rows).collect()
    }

    #[test]
    fn rows_found_by_rank_are_those_of_a_walk() {
        let (pool, mut noise) = (Pool::new(3).unwrap(), Noise(7));
        let mut ranked = 0;
        for round in 0..60 {
            let sizes = [[300, 20], [20, 300], [200, 0], [0, 3], [400, 1]][noise.below(5)];
            let levels: [&[&str]; 2] = [&["x", "y", "z"], &["z", "w", "x"]];
            let tables = [0, 1].map(|side| table(&mut noise, sizes[side], levels[side], (round + side) % 2 == 0));
            let mut keys: Vec<String> =
                ["text", "factor", "integer", "number", "day"].into_iter().map(String::from).collect();
            while keys.len() > 1 + round % 3 {
                keys.remove(noise.below(keys.len()));
            }
            let outer = [(false, false), (true, false), (false, true), (true, true)][noise.below(4)];
            let joining = Joining {
                keys,
                decreasing: noise.below(2) == 0,
                missing_low: noise.below(2) == 0,
                outer: Outer { first: outer.0, second: outer.1 },
                sorted: false,
                memory: [1 << 30, 1 << 12][noise.below(2)],
                folder: std::env::temp_dir(),
            };
            let control = Control::new();
            let results = [1, u64::MAX].map(|small| {
                let mut join = Join::new(&pool, &control, [picked(&tables[0]), picked(&tables[1])], &joining).unwrap();
                join.small = small;
                ranked += usize::from(
                    small == 1
                        && [0, 1].iter().any(|&side| {
                            let collected =
                                collect(&pool, &control, &join.sides[side], &join.sorting[side], false).unwrap();
                            join.is_small(side, &collected)
                        }),
                );
                shown(&pool, &join.run().unwrap())
            });
            assert_eq!(results[0], results[1], "round {round}");
        }
        assert!(ranked > 15, "{ranked}");
    }
}

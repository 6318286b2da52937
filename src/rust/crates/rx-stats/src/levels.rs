//! Levels that are found while the data are read.
//!
//! The threads of a pass share a [`Finder`]. Whoever takes a block asks it for the codes of the categories whose levels
//! nobody knows ([`Coding::Found`]); a value that is new gets the next code. Which one that is depends on the threads, so
//! states are kept by these codes only while the pass runs. Then [`Finder::settle`] puts the levels into an order that
//! depends on the data alone, and [`crate::Estimator::carry`] moves the sums to it. A sum by level is the same whatever
//! its code was, hence so are all results.

use crate::design::{Category, Coding, Design};
use crate::estimator::NO_LEVEL;
use rx_data::{Block, Column, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More levels than this are taken for a mistake.
pub const MOST_LEVELS: f64 = 10_000_000.0;

/// The label of the level that `F(exclude = FALSE)` gives to all values outside its bounds.
pub const OTHER: &str = ".rxOther";

/// What the levels of a category will be, once all values are seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    /// The labels that some row has, sorted by their bytes.
    Sorted,
    /// All labels of the blocks' dictionaries: the first one's in its order, then those that the next one adds, and so on.
    Appearance,
    /// `F(x)`: the whole numbers from the smallest floor(x) to the largest, as far as they are within bounds.
    Floor {
        /// First value that gets a level.
        low: Option<f64>,
        /// Last value that gets a level.
        high: Option<f64>,
        /// Whether values outside are missing; else they share one more level.
        exclude: bool,
    },
}

/// A block's codes by category: none where the design knows the levels.
#[derive(Debug, Default)]
pub struct FoundCodes(Vec<Option<Vec<u32>>>);

impl FoundCodes {
    /// The codes of a category.
    pub fn of(&self, category: usize) -> Option<&[u32]> {
        self.0.get(category)?.as_deref()
    }
}

/// By category, the new position of each old level ([`NO_LEVEL`]: there is none). None, and no entry: levels stay.
pub type Moves = Vec<Option<Vec<u32>>>;

/// What the threads of a pass found so far. One entry a category of the design.
pub struct Finder {
    categories: Vec<Option<Mutex<Values>>>,
    /// Whether there is more room than [`Finder::make_room`] last told.
    grew: AtomicBool,
}

/// Values and their codes.
struct Values {
    seen: Seen,
    /// Positions that states have: a few more than there are values, so that states rarely grow.
    room: u32,
}

enum Seen {
    Labels {
        codes: HashMap<String, u32>,
        /// Block where each was first, and its place there.
        first: Vec<(usize, usize)>,
    },
    /// By the bits of a whole number. With `other`, code 0 is all that is out of bounds.
    Numbers { codes: HashMap<u64, u32>, range: Option<(f64, f64)>, other: bool },
}

impl Finder {
    /// Nothing found yet.
    pub fn new(design: &Design) -> Self {
        let values = |category: &Category| {
            let seen = match &category.coding {
                Coding::Found { finding: Finding::Floor { exclude, .. }, .. } => {
                    Seen::Numbers { codes: HashMap::new(), range: None, other: !exclude }
                }
                Coding::Found { .. } => Seen::Labels { codes: HashMap::new(), first: Vec::new() },
                Coding::Label(_) | Coding::Integer { .. } => return None,
            };
            Some(Mutex::new(Values { seen, room: 0 }))
        };
        Finder { categories: design.categories.iter().map(values).collect(), grew: AtomicBool::new(false) }
    }

    /// Whether the design knows all levels.
    pub fn is_idle(&self) -> bool {
        self.categories.iter().all(Option::is_none)
    }

    /// The codes of a block's values, of which the new ones are taken in.
    pub fn codes(&self, design: &Design, block: &Block) -> Result<FoundCodes> {
        let of = |(category, values): (&Category, &Option<Mutex<Values>>)| {
            let Some(values) = values else { return Ok(None) };
            let column = &block.columns[category.column];
            match &category.coding {
                Coding::Found { finding: Finding::Floor { low, high, .. }, .. } => {
                    self.number_codes(category, (*low, *high), column, block.rows, values).map(Some)
                }
                _ => self.label_codes(category, column, block.index, values).map(Some),
            }
        };
        Ok(FoundCodes(design.categories.iter().zip(&self.categories).map(of).collect::<Result<_>>()?))
    }

    /// The design with room for all levels found so far; none if that is no more than at the last call.
    pub fn make_room(&self, design: &Design) -> Option<Design> {
        if !self.grew.swap(false, Ordering::AcqRel) {
            return None;
        }
        let mut design = design.clone();
        for (category, values) in design.categories.iter_mut().zip(&self.categories) {
            if let (Coding::Found { room, .. }, Some(values)) = (&mut category.coding, values) {
                *room = lock(values).room;
            }
        }
        Some(design)
    }

    /// Gives the design the levels in their own order; tells where each code went.
    pub fn settle(self, design: &mut Design) -> Result<Moves> {
        let settle = |(category, values): (&mut Category, Option<Mutex<Values>>)| {
            let Some(values) = values else { return Ok(None) };
            let values = values.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut moves = vec![NO_LEVEL; values.room as usize];
            match values.seen {
                Seen::Labels { codes, first } => {
                    let mut labels: Vec<(String, u32)> = codes.into_iter().collect();
                    if is_factor(category) {
                        labels.sort_unstable_by_key(|(_, code)| first[*code as usize]);
                    } else {
                        labels.sort_unstable();
                    }
                    for (level, (_, code)) in labels.iter().enumerate() {
                        moves[*code as usize] = level as u32;
                    }
                    category.levels = Arc::new(labels.into_iter().map(|(label, _)| label).collect());
                    category.coding = Coding::Label(None);
                }
                Seen::Numbers { codes, range, other } => {
                    let Coding::Found { finding: Finding::Floor { low, high, exclude }, .. } = category.coding.clone()
                    else {
                        return Err(Error::internal("numbers were found for a category of labels"));
                    };
                    // Without a number there is no level.
                    let low = low.or(range.map(|r| r.0)).zip(high.or(range.map(|r| r.1)));
                    let floor = Floor::new(category, low.unwrap_or((0.0, -1.0)), exclude)?;
                    for (bits, code) in codes {
                        moves[code as usize] = (f64::from_bits(bits) - floor.low) as u32;
                    }
                    if let (Some(code), Some(outside)) = (moves.first_mut().filter(|_| other), floor.outside()) {
                        *code = outside;
                    }
                    (category.levels, category.coding) = (Arc::new(floor.labels()), floor.coding());
                }
            }
            Ok(Some(moves))
        };
        design.categories.iter_mut().zip(self.categories).map(settle).collect()
    }
}

/// The levels of `F(x)` with both bounds.
pub struct Floor {
    low: f64,
    count: u32,
    exclude: bool,
}

impl Floor {
    /// Whole numbers from one bound to the other.
    pub fn new(category: &Category, (low, high): (f64, f64), exclude: bool) -> Result<Self> {
        let (low, high) = (low.floor(), high.floor());
        check_range(category, (low, high))?;
        Ok(Floor { low, count: (high - low + 1.0).max(0.0) as u32, exclude })
    }

    /// The labels of the levels.
    pub fn labels(&self) -> Vec<String> {
        let numbers = (0..self.count).map(|i| format!("{}", self.low + f64::from(i)));
        numbers.chain((!self.exclude).then(|| OTHER.to_string())).collect()
    }

    /// How values become levels.
    pub fn coding(&self) -> Coding {
        Coding::Integer { low: self.low, count: self.count, outside: self.outside() }
    }

    fn outside(&self) -> Option<u32> {
        (!self.exclude).then_some(self.count)
    }
}

fn is_factor(category: &Category) -> bool {
    matches!(category.coding, Coding::Found { finding: Finding::Appearance, .. })
}

fn check_labels(category: &Category, count: usize) -> Result<()> {
    if count as f64 <= MOST_LEVELS {
        return Ok(());
    }
    let what = format!("'{}' has more than {MOST_LEVELS} different values.", category.name);
    Err(Error::new(ErrorKind::Argument, what).column(&category.name).hint("Such a column is no category."))
}

fn check_range(category: &Category, (low, high): (f64, f64)) -> Result<()> {
    let count = high - low + 1.0;
    if count <= MOST_LEVELS {
        return Ok(());
    }
    let what = format!("{} would have {count} levels, from {low} to {high}.", category.name);
    Err(Error::new(ErrorKind::Argument, what).column(&category.name).hint("Give F() bounds: F(x, low, high)."))
}

impl Finder {
    /// Codes of labels: each that a block has is looked up once.
    fn label_codes(
        &self,
        category: &Category,
        column: &Column,
        block: usize,
        values: &Mutex<Values>,
    ) -> Result<Vec<u32>> {
        match column {
            Column::Dict { codes, labels } => {
                let position = |code: i32| (code as usize).wrapping_sub(1);
                let mut new_code = vec![NO_LEVEL; labels.len()];
                let mut used: Vec<usize> = Vec::new();
                if is_factor(category) {
                    used.extend(0..labels.len());
                } else {
                    for &code in codes {
                        if let Some(new) = new_code.get_mut(position(code)).filter(|new| **new == NO_LEVEL) {
                            *new = 0;
                            used.push(position(code));
                        }
                    }
                }
                let found = self.take_in(category, values, block, used.iter().map(|&at| (labels[at].as_str(), at)))?;
                used.iter().zip(found).for_each(|(&at, code)| new_code[at] = code);
                // A missing code wraps around to a position no table has.
                Ok(codes.iter().map(|&c| new_code.get(position(c)).copied().unwrap_or(NO_LEVEL)).collect())
            }
            Column::Str(text) => {
                let mut local: HashMap<&str, u32> = HashMap::new();
                let mut used: Vec<(&str, usize)> = Vec::new();
                let mut codes: Vec<u32> = text
                    .iter()
                    .enumerate()
                    .map(|(row, label)| {
                        let Some(label) = label else { return NO_LEVEL };
                        *local.entry(label).or_insert_with(|| {
                            used.push((label, row));
                            used.len() as u32 - 1
                        })
                    })
                    .collect();
                let found = self.take_in(category, values, block, used.iter().copied())?;
                codes.iter_mut().filter(|c| **c != NO_LEVEL).for_each(|c| *c = found[*c as usize]);
                Ok(codes)
            }
            _ => Err(crate::decode::not_a_category(&category.name)),
        }
    }

    /// The codes of some labels and their places in the block.
    fn take_in<'a>(
        &self,
        category: &Category,
        values: &Mutex<Values>,
        block: usize,
        labels: impl Iterator<Item = (&'a str, usize)>,
    ) -> Result<Vec<u32>> {
        let mut values = lock(values);
        let Seen::Labels { codes, first } = &mut values.seen else {
            return Err(Error::internal("labels were found for a category of numbers"));
        };
        let found = labels
            .map(|(label, row)| match codes.get(label) {
                Some(&code) => {
                    let first = &mut first[code as usize];
                    *first = (*first).min((block, row));
                    code
                }
                None => {
                    first.push((block, row));
                    codes.insert(label.to_string(), first.len() as u32 - 1);
                    first.len() as u32 - 1
                }
            })
            .collect();
        let count = first.len();
        check_labels(category, count)?;
        self.count(&mut values, count);
        Ok(found)
    }

    /// Codes of whole numbers. Those of a block are mostly near to each other and looked up in a table.
    fn number_codes(
        &self,
        category: &Category,
        (low, high): (Option<f64>, Option<f64>),
        column: &Column,
        rows: usize,
        values: &Mutex<Values>,
    ) -> Result<Vec<u32>> {
        let mut numbers = Vec::with_capacity(rows);
        crate::decode::decode_numeric(column, 0..rows, &category.name, &mut numbers)?;
        let (low, high) = (low.map_or(f64::NEG_INFINITY, f64::floor), high.map_or(f64::INFINITY, f64::floor));
        numbers.iter_mut().for_each(|x| *x = x.floor() + 0.0);
        let within = |x: f64| x >= low && x <= high && x.is_finite();
        let range = numbers
            .iter()
            .copied()
            .filter(|&x| within(x))
            .fold(None, |range: Option<(f64, f64)>, x| Some(range.map_or((x, x), |(a, b)| (a.min(x), b.max(x)))));

        let (base, last) = range.unwrap_or((0.0, -1.0));
        check_range(category, (base, last))?;
        let mut table = vec![NO_LEVEL; (last - base + 1.0) as usize];
        let at = |x: f64| within(x).then_some((x - base) as usize);
        numbers.iter().filter_map(|&x| at(x)).for_each(|i| table[i] = 0);

        let mut values = lock(values);
        let Seen::Numbers { codes, range: known, other } = &mut values.seen else {
            return Err(Error::internal("numbers were found for a category of labels"));
        };
        *known = match (*known, range) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        known.map_or(Ok(()), |range| check_range(category, range))?;
        let first_code = u32::from(*other);
        for (i, code) in table.iter_mut().enumerate().filter(|(_, code)| **code != NO_LEVEL) {
            let next = first_code + codes.len() as u32;
            *code = *codes.entry((base + i as f64).to_bits()).or_insert(next);
        }
        let (count, outside) = (codes.len() + first_code as usize, if *other { 0 } else { NO_LEVEL });
        self.count(&mut values, count);
        drop(values);
        Ok(numbers
            .iter()
            .map(|&x| match at(x) {
                Some(i) => table[i],
                None if x.is_nan() => NO_LEVEL,
                None => outside,
            })
            .collect())
    }

    /// Makes room for more values.
    fn count(&self, values: &mut Values, count: usize) {
        if count > values.room as usize {
            values.room = (count + count / 4 + 8) as u32;
            self.grew.store(true, Ordering::Release);
        }
    }
}

/// The values are whole between any two calls that could panic.
fn lock(values: &Mutex<Values>) -> MutexGuard<'_, Values> {
    values.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::design::Rows;
    use rx_data::column::NA_I32;

    fn design(finding: Finding) -> Design {
        let coding = Coding::Found { finding, room: 0 };
        let category = Category { column: 0, name: "f".into(), levels: Arc::default(), coding };
        Design { columns: vec![0], numeric: vec![], categories: vec![category], weight: None, rows: Rows::All }
    }

    fn dict(index: usize, codes: &[i32], labels: &[&str]) -> Block {
        let labels = Arc::new(labels.iter().map(|s| s.to_string()).collect());
        Block { index, rows: codes.len(), columns: vec![Column::Dict { codes: codes.to_vec().into(), labels }] }
    }

    /// The levels found in some blocks, and the level of every row.
    fn find(finding: Finding, blocks: &[Block]) -> (Vec<String>, Vec<Vec<Option<u32>>>) {
        let mut design = design(finding);
        let finder = Finder::new(&design);
        let codes: Vec<FoundCodes> = blocks.iter().map(|b| finder.codes(&design, b).unwrap()).collect();
        let moves = finder.settle(&mut design).unwrap().remove(0).unwrap();
        let level = |&code: &u32| moves.get(code as usize).copied();
        let levels = codes.iter().map(|c| c.of(0).unwrap().iter().map(level).collect()).collect();
        (design.categories[0].levels.to_vec(), levels)
    }

    #[test]
    fn labels_of_factors_come_in_the_order_of_their_dictionaries_whichever_block_is_first() {
        let blocks = [dict(1, &[1, 2, 2], &["c", "a", "d"]), dict(0, &[2, NA_I32, 1], &["c", "b"])];
        let (levels, rows) = find(Finding::Appearance, &blocks);
        assert_eq!(levels, ["c", "b", "a", "d"]);
        assert_eq!(rows, [[Some(0), Some(2), Some(2)], [Some(1), None, Some(0)]]);
    }

    #[test]
    fn labels_of_text_are_sorted_and_one_that_no_row_has_is_no_level() {
        assert_eq!(find(Finding::Sorted, &[dict(0, &[3, 1], &["c", "b", "a"])]).0, ["a", "c"]);
        let text = arrow::array::StringArray::from(vec![Some("x"), None, Some("a"), Some("x")]);
        let block = Block { index: 0, rows: 4, columns: vec![Column::Str(text)] };
        let (levels, rows) = find(Finding::Sorted, &[block]);
        assert_eq!((levels, rows), (vec!["a".into(), "x".into()], vec![vec![Some(1), None, Some(0), Some(1)]]));
    }

    #[test]
    fn whole_numbers_get_all_levels_between_the_smallest_and_the_largest() {
        let numbers =
            |index: usize, x: &[f64]| Block { index, rows: x.len(), columns: vec![Column::F64(x.to_vec().into())] };
        let blocks = [numbers(0, &[2.5, f64::NAN, -0.0]), numbers(1, &[-1.0, f64::INFINITY, 2.0])];
        let floor = |low, high, exclude| Finding::Floor { low, high, exclude };
        let (levels, rows) = find(floor(None, None, true), &blocks);
        assert_eq!(levels, ["-1", "0", "1", "2"]);
        assert_eq!(rows, [[Some(3), None, Some(1)], [Some(0), None, Some(3)]]);
        let (levels, rows) = find(floor(Some(0.0), None, false), &blocks);
        assert_eq!(levels, ["0", "1", "2", OTHER]);
        assert_eq!(rows, [[Some(2), None, Some(0)], [Some(3), Some(3), Some(2)]]);
        assert_eq!(find(floor(None, None, true), &[numbers(0, &[f64::NAN])]).0, [""; 0]);
    }

    #[test]
    fn too_many_levels_are_refused() {
        let design = design(Finding::Floor { low: None, high: None, exclude: true });
        let block = Block { index: 0, rows: 2, columns: vec![Column::F64(vec![0.0, 1e9].into())] };
        let error = Finder::new(&design).codes(&design, &block).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Argument);
        assert!(error.message.contains("from 0 to 1000000000"));
    }
}

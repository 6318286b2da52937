//! Rows by key: which rows have the same values in some columns.
//!
//! It takes two steps. [`Grouped`] numbers the groups of one block, on any thread; [`Groups`] gives them numbers that
//! hold for all blocks, in block order, and looks at one row a group only.

use crate::block::{Block, BlockMap};
use crate::column::{Column, NA_I32, is_na_f32, is_na_f64};
use crate::error::{Error, Result};
use crate::interner::{Interner, Recode};
use arrow::array::Array;
use std::collections::HashMap;
use std::hash::Hash;

/// Tables of this size are looked up by position instead of by hash.
const DIRECT: usize = 1 << 16;

/// Adds a column to every block: the group of each row, numbered from 0 in order of first appearance in the block.
pub struct Grouped {
    /// Positions of the keys in the block.
    keys: Vec<usize>,
}

impl Grouped {
    /// By the columns at these positions.
    pub fn new(keys: Vec<usize>) -> Self {
        Grouped { keys }
    }
}

impl BlockMap for Grouped {
    fn map(&self, mut block: Block) -> Result<Option<Block>> {
        let mut all = Numbers { ids: vec![0; block.rows], count: block.rows.min(1) };
        for &key in &self.keys {
            let one = numbers(&block.columns[key]);
            all = if all.count <= 1 { one } else { all.and(&one) };
        }
        block.columns.push(Column::I32(all.ids.into_iter().map(|id| id as i32).collect()));
        Ok(Some(block))
    }
}

/// Equal values have equal numbers, which count from 0 in order of first appearance.
struct Numbers {
    ids: Vec<u32>,
    count: usize,
}

impl Numbers {
    /// The numbers of pairs.
    fn and(&self, other: &Numbers) -> Numbers {
        let pairs = self.ids.iter().zip(&other.ids);
        match self.count.checked_mul(other.count) {
            Some(size) if size <= DIRECT => {
                by_position(pairs.map(|(&a, &b)| a as usize * other.count + b as usize), size)
            }
            _ => by_hash(pairs),
        }
    }
}

/// The numbers of a column's values.
fn numbers(column: &Column) -> Numbers {
    match column {
        Column::Dict { codes, labels } if labels.len() < DIRECT => {
            by_position(codes.iter().map(|&code| if code == NA_I32 { 0 } else { code as usize }), labels.len() + 1)
        }
        Column::Dict { codes, .. } => by_hash(codes.iter()),
        Column::Str(texts) => by_hash(texts.iter()),
        other => by_hash((0..other.len()).map(|i| bits(other, i))),
    }
}

fn by_position(values: impl Iterator<Item = usize>, size: usize) -> Numbers {
    let mut known = vec![u32::MAX; size];
    let mut count = 0;
    let ids = values.map(|value| {
        if known[value] == u32::MAX {
            known[value] = count as u32;
            count += 1;
        }
        known[value]
    });
    let ids = ids.collect();
    Numbers { ids, count }
}

fn by_hash<T: Hash + Eq + Copy>(values: impl Iterator<Item = T>) -> Numbers {
    let mut known: HashMap<T, u32> = HashMap::new();
    // Rows of a group often stand together.
    let mut last = None;
    let ids = values.map(|value| match last {
        Some((before, id)) if before == value => id,
        _ => {
            let next = known.len() as u32;
            let id = *known.entry(value).or_insert(next);
            last = Some((value, id));
            id
        }
    });
    let ids = ids.collect();
    Numbers { ids, count: known.len() }
}

/// A number as bits that are equal for equal values: of zeros, of missing values and of other NaN there is one each.
fn bits(column: &Column, i: usize) -> u64 {
    let double = |x: f64| if x == 0.0 { 0 } else { x.to_bits() };
    match column {
        Column::I32(v) => v[i] as u32 as u64,
        Column::I64(v) => v[i] as u64,
        Column::F32(v) if is_na_f32(v[i]) => crate::column::NA_F64.to_bits(),
        Column::F32(v) if v[i].is_nan() => f64::NAN.to_bits(),
        Column::F32(v) => double(f64::from(v[i])),
        Column::F64(v) if is_na_f64(v[i]) => crate::column::NA_F64.to_bits(),
        Column::F64(v) if v[i].is_nan() => f64::NAN.to_bits(),
        Column::F64(v) => double(v[i]),
        Column::Str(_) | Column::Dict { .. } => 0,
    }
}

/// Whether a value is missing.
fn is_missing(column: &Column, i: usize) -> bool {
    match column {
        Column::I32(v) => v[i] == NA_I32,
        Column::I64(v) => v[i] == crate::column::NA_I64,
        Column::F32(v) => v[i].is_nan(),
        Column::F64(v) => v[i].is_nan(),
        Column::Str(v) => v.is_null(i),
        Column::Dict { codes, .. } => codes[i] == NA_I32,
    }
}

/// The groups of all blocks so far, numbered in order of their first appearance.
pub struct Groups {
    /// Positions of the keys in the blocks.
    keys: Vec<usize>,
    /// One a key: the codes of texts.
    texts: Vec<Interner>,
    numbers: HashMap<Box<[u64]>, u32>,
    /// Whether rows without a value in one of the keys belong to no group.
    without_missing: bool,
}

/// The groups of one block.
pub struct BlockGroups {
    /// The number of each of the block's groups among those of all blocks; None where it is no group.
    pub numbers: Vec<Option<u32>>,
    /// Rows of each of them.
    pub rows: Vec<usize>,
    /// The group of each row among those of the block.
    pub of_rows: Vec<u32>,
    /// The first rows of groups that no block before had, in the order of their numbers.
    pub new: Vec<usize>,
}

impl Groups {
    /// No groups yet.
    pub fn new(keys: Vec<usize>, without_missing: bool) -> Self {
        let texts = keys.iter().map(|_| Interner::default()).collect();
        Groups { keys, texts, numbers: HashMap::new(), without_missing }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Numbers the groups of the next block, whose last column [`Grouped`] has made.
    pub fn admit(&mut self, block: &Block) -> Result<BlockGroups> {
        let Some(Column::I32(ids)) = block.columns.last() else {
            return Err(Error::internal("a block does not tell its groups"));
        };
        let (mut firsts, mut rows) = (Vec::new(), Vec::new());
        for (i, &id) in ids.iter().enumerate() {
            if id as usize == rows.len() {
                firsts.push(i);
                rows.push(0);
            }
            rows[id as usize] += 1;
        }
        let recodes: Vec<Recode> = (self.keys.iter().zip(&mut self.texts))
            .map(|(&key, interner)| match &block.columns[key] {
                Column::Dict { labels, .. } => interner.table(labels),
                _ => Recode::Same,
            })
            .collect();
        let mut new = Vec::new();
        let mut numbers = Vec::with_capacity(firsts.len());
        for first in firsts {
            if self.without_missing && self.keys.iter().any(|&key| is_missing(&block.columns[key], first)) {
                numbers.push(None);
                continue;
            }
            let mut value = Vec::with_capacity(self.keys.len());
            for ((&key, recode), interner) in self.keys.iter().zip(&recodes).zip(&mut self.texts) {
                value.push(match &block.columns[key] {
                    Column::Dict { codes, .. } => recode.code(codes[first]) as u32 as u64,
                    Column::Str(texts) if texts.is_null(first) => NA_I32 as u32 as u64,
                    Column::Str(texts) => interner.code(texts.value(first)) as u64,
                    other => bits(other, first),
                });
            }
            let next = u32::try_from(self.numbers.len()).map_err(|_| Error::internal("there are too many groups"))?;
            let number = *self.numbers.entry(value.into_boxed_slice()).or_insert(next);
            if number == next {
                new.push(first);
            }
            numbers.push(Some(number));
        }
        Ok(BlockGroups { numbers, rows, of_rows: ids.iter().map(|&id| id as u32).collect(), new })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::column::NA_F64;
    use std::sync::Arc;

    fn grouped(columns: Vec<Column>, keys: &[usize]) -> Block {
        let block = Block { index: 0, rows: columns[0].len(), columns };
        Grouped::new(keys.to_vec()).map(block).unwrap().unwrap()
    }

    fn of_rows(block: &Block, groups: &mut Groups) -> Vec<Option<u32>> {
        let found = groups.admit(block).unwrap();
        found.of_rows.iter().map(|&id| found.numbers[id as usize]).collect()
    }

    #[test]
    fn equal_values_are_one_group_however_they_are_stored() {
        let labels = |texts: &[&str]| Arc::new(texts.iter().map(|t| t.to_string()).collect::<Vec<_>>());
        let one = Column::Dict { codes: vec![2, 1, 2, NA_I32].into(), labels: labels(&["a", "b"]) };
        let two = Column::Str(vec![Some("c"), Some("a"), None, Some("b")].into());
        let mut groups = Groups::new(vec![0], false);
        assert_eq!(of_rows(&grouped(vec![one], &[0]), &mut groups), [Some(0), Some(1), Some(0), Some(2)]);
        assert_eq!(of_rows(&grouped(vec![two], &[0]), &mut groups), [Some(3), Some(1), Some(2), Some(0)]);
        assert_eq!(groups.len(), 4);
    }

    #[test]
    fn zeros_and_missing_values_are_one_group_each() {
        let quiet_na = f64::from_bits(NA_F64.to_bits() | 0x0008_0000_0000_0000);
        let x = Column::F64(vec![0.0, -0.0, NA_F64, quiet_na, f64::NAN, -f64::NAN, 1.5].into());
        let mut groups = Groups::new(vec![0], false);
        let block = grouped(vec![x], &[0]);
        assert_eq!(of_rows(&block, &mut groups), [0, 0, 1, 1, 2, 2, 3].map(Some));
        let mut groups = Groups::new(vec![0], true);
        assert_eq!(of_rows(&block, &mut groups), [Some(0), Some(0), None, None, None, None, Some(1)]);
    }

    #[test]
    fn several_keys_are_pairs() {
        let a = Column::I32(vec![1, 1, 2, 2, NA_I32, 1].into());
        let b = Column::I64(vec![7, 8, 7, 7, 7, 7].into());
        let mut groups = Groups::new(vec![0, 1], false);
        let found = groups.admit(&grouped(vec![a, b], &[0, 1])).unwrap();
        assert_eq!(found.of_rows, [0, 1, 2, 2, 3, 0]);
        assert_eq!((found.new, found.rows), (vec![0, 1, 2, 4], vec![2, 1, 2, 1]));
        // More pairs than a table holds.
        let many: Vec<i32> = (0..1000).collect();
        let block = grouped(vec![Column::I32(many.clone().into()), Column::I32(many.into())], &[0, 1]);
        assert_eq!(Groups::new(vec![0, 1], false).admit(&block).unwrap().new.len(), 1000);
        let none = grouped(vec![Column::I32(Vec::new().into())], &[0]);
        assert!(Groups::new(vec![0], false).admit(&none).unwrap().numbers.is_empty());
    }
}

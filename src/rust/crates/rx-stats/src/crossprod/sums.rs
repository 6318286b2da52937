//! What is summed: squares, rows and tables of products by cell.

use crate::dd::Number;
use serde::{Deserialize, Serialize};

/// Sums of products by cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sums<T> {
    /// First cell set with itself: a full square of quads.
    pub(super) square: Vec<T>,
    /// First cell set with each other one: by cell, by value, a row of quads.
    pub(super) across: Vec<Vec<T>>,
    /// Each other cell set with itself: by cell, a square of values. Empty where `across` says it all.
    pub(super) within: Vec<Vec<T>>,
    /// Pairs of different other cell sets.
    pub(super) between: Vec<Table<T>>,
    /// Rows that the narrow counts among these have.
    pub(super) counted: u64,
}

/// Products of two cell sets: by cell of the first, cell of the second, value of the first, value of the second.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Table<T> {
    /// Counts of rows while there are few; empty while there are none.
    Counts(Vec<u32>),
    /// Counts of any number of rows.
    Total(Vec<u64>),
    /// Sums.
    Sums(Vec<T>),
}

/// Moves the rows of a table, each of `len` entries, to their new places. Cells without rows are zero before and after.
pub(super) fn carry_rows<T: Copy>(old: &[T], new: &mut [T], len: usize, number: impl Fn(u64) -> Option<u64>) {
    for (cell, row) in old.chunks_exact(len.max(1)).enumerate() {
        if let Some(at) = number(cell as u64) {
            new[at as usize * len..][..len].copy_from_slice(row);
        }
    }
}

impl<T: Number> Sums<T> {
    /// Adds other sums.
    pub(super) fn merge(&mut self, other: Self) {
        let add = |to: &mut [T], from: &[T]| to.iter_mut().zip(from).for_each(|(to, from)| *to = *to + *from);
        add(&mut self.square, &other.square);
        self.across.iter_mut().zip(&other.across).for_each(|(to, from)| add(to, from));
        self.within.iter_mut().zip(&other.within).for_each(|(to, from)| add(to, from));
        for (to, from) in self.between.iter_mut().zip(other.between) {
            match (&mut *to, from) {
                (Table::Sums(to), Table::Sums(from)) => add(to, &from),
                (to, from) => *to = Table::Total(std::mem::replace(to, Table::Sums(vec![])).plus(from)),
            }
        }
        self.counted = 0;
    }

    /// Makes room for more rows in all counts of rows.
    pub(super) fn make_room(&mut self, rows: usize, len: impl Fn(usize) -> usize) {
        self.counted += rows as u64;
        for (pair, table) in self.between.iter_mut().enumerate() {
            match table {
                Table::Counts(counts) if self.counted > u64::from(u32::MAX) => {
                    *table = Table::Total(counts.iter().map(|&n| u64::from(n)).collect());
                }
                Table::Counts(counts) if counts.is_empty() => *counts = vec![0; len(pair)],
                Table::Total(counts) if counts.is_empty() => *counts = vec![0; len(pair)],
                _ => {}
            }
        }
    }

    /// Exchanges the counts of rows with those of other sums.
    pub(super) fn swap_counts(&mut self, other: &mut Self) {
        for (one, other) in self.between.iter_mut().zip(&mut other.between) {
            if !matches!(one, Table::Sums(_)) {
                std::mem::swap(one, other);
            }
        }
        std::mem::swap(&mut self.counted, &mut other.counted);
    }

    /// The sums as doubles.
    pub fn rounded(&self) -> Sums<f64> {
        let round = |values: &Vec<T>| values.iter().map(|x| x.value()).collect::<Vec<f64>>();
        Sums {
            square: round(&self.square),
            across: self.across.iter().map(round).collect(),
            within: self.within.iter().map(round).collect(),
            between: self
                .between
                .iter()
                .map(|table| match table {
                    Table::Counts(v) => Table::Counts(v.clone()),
                    Table::Total(v) => Table::Total(v.clone()),
                    Table::Sums(v) => Table::Sums(round(v)),
                })
                .collect(),
            counted: self.counted,
        }
    }
}

impl<T> Table<T> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Table::Counts(v) => v.len(),
            Table::Total(v) => v.len(),
            Table::Sums(v) => v.len(),
        }
    }

    /// Counts of two states together.
    fn plus(self, other: Table<T>) -> Vec<u64> {
        let wide = |table: Table<T>| match table {
            Table::Counts(v) => v.into_iter().map(u64::from).collect(),
            Table::Total(v) => v,
            Table::Sums(_) => Vec::new(),
        };
        let mut total: Vec<u64> = wide(self);
        total.resize(total.len().max(other.len()), 0);
        match &other {
            Table::Counts(v) => total.iter_mut().zip(v).for_each(|(to, &from)| *to += u64::from(from)),
            Table::Total(v) => total.iter_mut().zip(v).for_each(|(to, &from)| *to += from),
            Table::Sums(_) => {}
        }
        total
    }
}

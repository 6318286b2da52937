//! The ranks of the keys of a small side, to be found by the rows of a large one.

use crate::block::Block;
use crate::column::{Column, NA_I32};
use crate::dictionary::Dictionary;
use crate::error::{Error, Result};
use crate::schema::Labels;
use crate::sort::Keys;
use arrow::array::Array;
use std::sync::{Arc, Mutex, PoisonError};

/// A table has a place for every number between its lowest and its highest one if these are so few ...
const DENSE: u64 = 1 << 16;
/// ... or so many times as many as are in it.
const SPARSEST: u64 = 8;

/// The ranks of keys, from 1.
///
/// The values of each key are numbered, then pairs of such numbers, and so on. Numbers are given in the order of the
/// ranks, so those of all keys together are the ranks.
pub struct Ranks {
    values: Vec<Values>,
    /// The numbers of pairs: of what the keys before have together, and of the values of the next key.
    pairs: Vec<(Numbers, u64)>,
}

/// The numbers of a key's values; zero is none.
enum Values {
    /// Of words, see [`crate::sort::Key`].
    Words(Numbers),
    /// Of text and of labels.
    Text(Texts),
}

struct Texts {
    codes: Dictionary,
    /// The number of each code.
    numbers: Vec<i32>,
    missing: i32,
    /// Those of the labels seen last.
    translated: Mutex<Option<Translated>>,
}

/// Labels, and the number of each.
type Translated = (Labels, Arc<Vec<i32>>);

impl Ranks {
    /// For keys with these values, each combination once, in the order of their ranks; a column a key.
    pub fn new(keys: &Keys, values: &[Column]) -> Result<Self> {
        let (mut ranks, mut all) = (Ranks { values: Vec::new(), pairs: Vec::new() }, Vec::new());
        for (key, column) in keys.0.iter().zip(values) {
            let (found, numbers) = match column {
                Column::Str(_) | Column::Dict { .. } => {
                    let (texts, numbers) = Texts::new(column);
                    (Values::Text(texts), numbers)
                }
                _ => {
                    let mut words = vec![0; column.len()];
                    key.words(column, |i, word| words[i] = word)?;
                    let (found, numbers) = Numbers::new(&words);
                    (Values::Words(found), numbers)
                }
            };
            all = if ranks.values.is_empty() { numbers } else { ranks.pair(&all, &numbers) };
            ranks.values.push(found);
        }
        Ok(ranks)
    }

    /// Numbers pairs of numbers.
    fn pair(&mut self, first: &[i32], second: &[i32]) -> Vec<i32> {
        let width = second.iter().copied().max().unwrap_or(0) as u64 + 1;
        let pairs: Vec<u64> = first.iter().zip(second).map(|(&a, &b)| a as u64 * width + b as u64).collect();
        let (found, numbers) = Numbers::new(&pairs);
        self.pairs.push((found, width));
        numbers
    }

    /// The rank of each row of a block, whose keys are where `keys` says; missing if there is none.
    pub fn of(&self, block: &Block, keys: &Keys) -> Result<Vec<i32>> {
        let mut ranks = vec![1; block.rows];
        for (k, (key, values)) in keys.0.iter().zip(&self.values).enumerate() {
            let pairs = k.checked_sub(1).map(|k| &self.pairs[k]);
            let put = |rank: &mut i32, number: i32| {
                *rank = match pairs {
                    _ if *rank == 0 || number == 0 => 0,
                    None => number,
                    Some((pairs, width)) => pairs.get(*rank as u64 * width + number as u64),
                };
            };
            match (values, &block.columns[key.column]) {
                (Values::Words(numbers), column) => {
                    key.words(column, |i, word| put(&mut ranks[i], numbers.get(word)))?;
                }
                (Values::Text(texts), Column::Dict { codes, labels }) => {
                    let numbers = texts.translate(labels);
                    let number = |code: i32| if code == NA_I32 { texts.missing } else { numbers[code as usize - 1] };
                    ranks.iter_mut().zip(codes).for_each(|(rank, &code)| put(rank, number(code)));
                }
                (Values::Text(texts), Column::Str(v)) => {
                    let number = |i| if v.is_valid(i) { texts.get(v.value(i)) } else { texts.missing };
                    ranks.iter_mut().enumerate().for_each(|(i, rank)| put(rank, number(i)));
                }
                _ => return Err(Error::internal("a key does not hold values of its type")),
            }
        }
        ranks.iter_mut().filter(|rank| **rank == 0).for_each(|rank| *rank = NA_I32);
        Ok(ranks)
    }
}

impl Texts {
    fn new(column: &Column) -> (Texts, Vec<i32>) {
        let mut texts =
            Texts { codes: Dictionary::open(&[]), numbers: Vec::new(), missing: 0, translated: Mutex::default() };
        let mut given = 0;
        let mut next = || {
            given += 1;
            given
        };
        let mut number = |text: Option<&str>| match text {
            None if texts.missing == 0 => {
                texts.missing = next();
                texts.missing
            }
            None => texts.missing,
            Some(text) => {
                let code = texts.codes.code(text.as_bytes()) as usize;
                if code > texts.numbers.len() {
                    texts.numbers.push(next());
                }
                texts.numbers[code - 1]
            }
        };
        let numbers = match column {
            Column::Str(v) => v.iter().map(&mut number).collect(),
            Column::Dict { codes, labels } => {
                // The missing code becomes a position that no label has.
                let label = |&code: &i32| labels.get((code as usize).wrapping_sub(1)).map(String::as_str);
                codes.iter().map(|code| number(label(code))).collect()
            }
            _ => Vec::new(),
        };
        (texts, numbers)
    }

    fn get(&self, text: &str) -> i32 {
        self.codes.get(text.as_bytes()).map_or(0, |code| self.numbers[code as usize - 1])
    }

    /// The number of each label.
    fn translate(&self, labels: &Labels) -> Arc<Vec<i32>> {
        let mut translated = self.translated.lock().unwrap_or_else(PoisonError::into_inner);
        match &*translated {
            Some((known, numbers)) if Arc::ptr_eq(known, labels) => numbers.clone(),
            _ => {
                let numbers = Arc::new(labels.iter().map(|label| self.get(label)).collect::<Vec<_>>());
                *translated = Some((labels.clone(), numbers.clone()));
                numbers
            }
        }
    }
}

/// Integers by number, in order of first appearance from 1.
enum Numbers {
    /// One after the other, from the lowest one on.
    Dense { lowest: u64, numbers: Vec<i32> },
    /// In places told by a hash. Their number is a power of two; number zero is free.
    Sparse(Vec<(u64, i32)>),
}

impl Numbers {
    /// Gives numbers, and tells those of all.
    fn new(keys: &[u64]) -> (Numbers, Vec<i32>) {
        let lowest = keys.iter().copied().min().unwrap_or(0);
        let span = keys.iter().copied().max().unwrap_or(0) - lowest;
        let mut found = if span < DENSE.max(keys.len() as u64 * SPARSEST) {
            Numbers::Dense { lowest, numbers: vec![0; span as usize + 1] }
        } else {
            Numbers::Sparse(vec![(0, 0); (keys.len() * 2).next_power_of_two()])
        };
        let mut given = 0;
        let numbers = keys.iter().map(|&key| {
            let place = found.place(key);
            if *place == 0 {
                given += 1;
                *place = given;
            }
            *place
        });
        let numbers = numbers.collect();
        (found, numbers)
    }

    /// The place of the number of an integer that is in the table, or about to be.
    fn place(&mut self, key: u64) -> &mut i32 {
        match self {
            Numbers::Dense { lowest, numbers } => &mut numbers[(key - *lowest) as usize],
            Numbers::Sparse(places) => {
                let at = slot(places, key);
                places[at].0 = key;
                &mut places[at].1
            }
        }
    }

    /// The number of an integer; zero if it has none.
    fn get(&self, key: u64) -> i32 {
        match self {
            Numbers::Dense { lowest, numbers } => {
                let place = usize::try_from(key.wrapping_sub(*lowest)).unwrap_or(usize::MAX);
                numbers.get(place).copied().unwrap_or(0)
            }
            Numbers::Sparse(places) => places[slot(places, key)].1,
        }
    }
}

/// Where an integer is, or would be.
fn slot(places: &[(u64, i32)], key: u64) -> usize {
    // The upper bits of a product depend on all bits (Fibonacci hashing).
    let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (places.len() - 1);
    while places[at].1 != 0 && places[at].0 != key {
        at = (at + 1) & (places.len() - 1);
    }
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::sort::{Key, Sorts};
    use arrow::array::StringArray;

    fn keys(sorts: &[Sorts]) -> Keys {
        let key = |(column, &sorts): (usize, &Sorts)| Key {
            column,
            sorts,
            decreasing: false,
            missing_low: true,
            ignore_case: false,
            table: None,
        };
        Keys(sorts.iter().enumerate().map(key).collect())
    }

    fn block(columns: Vec<Column>) -> Block {
        Block { index: 0, rows: columns[0].len(), columns }
    }

    fn dict(codes: &[i32], labels: &[&str]) -> Column {
        Column::Dict { codes: codes.to_vec().into(), labels: Arc::new(labels.iter().map(|l| l.to_string()).collect()) }
    }

    #[test]
    fn rows_find_the_ranks_of_their_keys() {
        let keys = keys(&[Sorts::Text, Sorts::Integers, Sorts::Doubles]);
        let texts = StringArray::from(vec![None, Some("a"), Some("a"), Some("b, which is long")]);
        let values = vec![
            Column::Str(texts),
            Column::I32(vec![1, 5, NA_I32, 5].into()),
            Column::F64(vec![0.5, -0.0, f64::NAN, 1e300].into()),
        ];
        let ranks = Ranks::new(&keys, &values).unwrap();
        assert_eq!(ranks.of(&block(values.clone()), &keys).unwrap(), [1, 2, 3, 4]);
        let rows = block(vec![
            dict(&[3, 2, NA_I32, 1, 3, 3], &["c", "b, which is long", "a"]),
            Column::I32(vec![5, 5, 1, 5, NA_I32, 5].into()),
            Column::F64(vec![0.0, 1e300, 0.5, 0.0, crate::column::NA_F64, 1.0].into()),
        ]);
        assert_eq!(ranks.of(&rows, &keys).unwrap(), [2, 4, 1, NA_I32, 3, NA_I32]);
        assert_eq!(
            Ranks::new(&keys, &block(values).slice(0, 0).columns).unwrap().of(&rows, &keys).unwrap(),
            [NA_I32; 6]
        );
    }

    #[test]
    fn numbers_are_found_in_dense_and_in_sparse_tables() {
        for step in [1, 3, 1 << 40] {
            let values: Vec<u64> = (0..5000).map(|i| (i * 7919 % 5000) * step + 17).collect();
            let (numbers, given) = Numbers::new(&values);
            assert_eq!(given, (1..=5000).collect::<Vec<_>>());
            assert_eq!(matches!(numbers, Numbers::Dense { .. }), step < 1 << 40);
            assert!(values.iter().zip(1..).all(|(&value, number)| numbers.get(value) == number));
            for none in [0, 16, 5000 * step + 17, u64::MAX] {
                assert_eq!(numbers.get(none), 0);
            }
        }
        assert_eq!(Numbers::new(&[0, u64::MAX, 0]).1, [1, 2, 1]);
    }
}

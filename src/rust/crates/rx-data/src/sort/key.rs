//! Values as words whose order is that of the values.

use crate::block::Block;
use crate::column::{Column, NA_I32, NA_I64};
use crate::error::{Error, Result};
use crate::schema::{Kind, Labels};
use arrow::array::Array;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::sync::Arc;

/// Bytes of a text that a word has room for; the rest of it is the number of bytes, up to one more.
const PREFIX: usize = 7;
/// The length, in a word, of text that has more bytes than the word.
const LONG: u64 = PREFIX as u64 + 2;
const SIGN: u64 = 1 << 63;

/// How the values of a key are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorts {
    /// As 32-bit integers: logicals, integers, the codes of factors.
    Integers,
    /// As 64-bit integers.
    Longs,
    /// As doubles; NaN counts as missing.
    Doubles,
    /// As text, byte by byte of UTF-8.
    Text,
}

impl Sorts {
    /// How columns of this kind are compared.
    pub fn of(kind: &Kind) -> Sorts {
        match kind {
            Kind::Logical | Kind::Int16 | Kind::Integer | Kind::Factor { .. } => Sorts::Integers,
            Kind::Int64 => Sorts::Longs,
            Kind::Float32 | Kind::Numeric | Kind::Date | Kind::DateTime { .. } => Sorts::Doubles,
            Kind::Character => Sorts::Text,
        }
    }
}

/// A column to sort by.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its position among the columns of the rows.
    pub column: usize,
    /// How its values are compared.
    pub sorts: Sorts,
    /// Whether the largest comes first.
    pub decreasing: bool,
    /// Whether missing values are smaller than all others, or else larger.
    pub missing_low: bool,
    /// Whether text is compared as if it were in lower case.
    pub ignore_case: bool,
    /// The words of labels that all blocks share.
    pub table: Option<LabelWords>,
}

/// The ranks of the labels of a dictionary.
#[derive(Debug, Clone)]
pub struct LabelWords {
    labels: Labels,
    words: Arc<Vec<u64>>,
}

/// Columns to sort by, the first one first.
#[derive(Debug, Clone, Default)]
pub struct Keys(pub Vec<Key>);

impl Keys {
    /// The order of two rows.
    pub fn compare(&self, a: (&Block, usize), b: (&Block, usize)) -> Ordering {
        self.compare_with(a, self, b)
    }

    /// The order of a row and one that has its keys elsewhere.
    pub fn compare_with(&self, a: (&Block, usize), others: &Keys, b: (&Block, usize)) -> Ordering {
        let mut orders = self.0.iter().zip(&others.0).map(|(key, other)| key.compare(a, other.column, b));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl Key {
    /// Ranks labels, so that the words of text are never open.
    pub fn rank(&mut self, labels: &Labels) {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.par_sort_unstable_by(|&a, &b| self.compare_text(&labels[a], &labels[b]));
        let (mut words, mut rank) = (vec![0; labels.len()], 0);
        for (i, &label) in order.iter().enumerate() {
            let same = i > 0 && self.compare_text(&labels[order[i - 1]], &labels[label]).is_eq();
            rank += u64::from(!same);
            words[label] = rank;
        }
        self.table = Some(LabelWords { labels: labels.clone(), words: Arc::new(words) });
    }

    /// Calls `put` with each row's word. True: some words leave the order open.
    pub fn words(&self, column: &Column, mut put: impl FnMut(usize, u64)) -> Result<bool> {
        let flip = if self.decreasing { u64::MAX } else { 0 };
        let low = self.missing_low;
        let mut open = false;
        macro_rules! each {
            ($values:expr, $word:expr) => {
                $values.iter().enumerate().for_each(|(i, &x)| put(i, $word(x) ^ flip))
            };
        }
        match (self.sorts, column) {
            (Sorts::Integers, Column::I32(v) | Column::Dict { codes: v, .. }) => each!(v, |x| integer(x, low)),
            (Sorts::Longs, Column::I64(v)) => each!(v, |x| long(x, low)),
            (Sorts::Longs, Column::I32(v)) => each!(v, |x| long(widened(x), low)),
            (Sorts::Doubles, Column::F64(v)) => each!(v, |x| double(x, low)),
            (Sorts::Doubles, Column::F32(v)) => each!(v, |x: f32| double(f64::from(x), low)),
            (Sorts::Doubles, Column::I32(v)) => each!(v, |x| double(integer_as_double(x), low)),
            (Sorts::Doubles, Column::I64(v)) => each!(v, |x| double(long_as_double(x), low)),
            (Sorts::Text, Column::Str(v)) => {
                for i in 0..v.len() {
                    let word = self.text(v.is_valid(i).then(|| v.value(i)));
                    open |= is_open(word);
                    put(i, word ^ flip);
                }
            }
            (Sorts::Text, Column::Dict { codes, labels }) => match &self.table {
                Some(table) if Arc::ptr_eq(&table.labels, labels) => {
                    let words = &table.words;
                    let missing = if low { 0 } else { words.len() as u64 + 1 };
                    each!(codes, |c| if c == NA_I32 { missing } else { words[c as usize - 1] });
                }
                _ if labels.len() <= codes.len() => {
                    let words: Vec<u64> = labels.iter().map(|label| self.text(Some(label))).collect();
                    open = words.iter().any(|&word| is_open(word));
                    let missing = self.text(None);
                    each!(codes, |c| if c == NA_I32 { missing } else { words[c as usize - 1] });
                }
                _ => {
                    for (i, &code) in codes.iter().enumerate() {
                        let word = self.text((code != NA_I32).then(|| labels[code as usize - 1].as_str()));
                        open |= is_open(word);
                        put(i, word ^ flip);
                    }
                }
            },
            _ => return Err(Error::internal("a key does not hold values of its type")),
        }
        Ok(open)
    }

    /// The word of a text.
    fn text(&self, text: Option<&str>) -> u64 {
        let Some(text) = text else { return if self.missing_low { 0 } else { u64::MAX } };
        let mut bytes = [0; PREFIX + 1];
        let length = if self.ignore_case && !text.is_ascii() {
            let lower = lower(text).take(PREFIX + 1).collect::<String>();
            let length = lower.len();
            bytes[..length.min(PREFIX)].copy_from_slice(&lower.as_bytes()[..length.min(PREFIX)]);
            length
        } else {
            let n = text.len().min(PREFIX);
            bytes[..n].copy_from_slice(&text.as_bytes()[..n]);
            if self.ignore_case {
                bytes.make_ascii_lowercase();
            }
            text.len()
        };
        // The last byte is still zero.
        u64::from_be_bytes(bytes) | (length.min(PREFIX + 1) as u64 + 1)
    }

    /// Compares a row with one that has the key in another column.
    fn compare(&self, a: (&Block, usize), column: usize, b: (&Block, usize)) -> Ordering {
        let ((x, i), (y, j)) = ((&a.0.columns[self.column], a.1), (&b.0.columns[column], b.1));
        let order = match (self.sorts, &self.table) {
            (Sorts::Text, None) => match (text_at(x, i), text_at(y, j)) {
                (Some(x), Some(y)) => self.compare_text(x, y),
                // None comes before Some.
                (x, y) if self.missing_low => x.is_some().cmp(&y.is_some()),
                (x, y) => y.is_some().cmp(&x.is_some()),
            },
            _ => {
                let word = |column: &Column, row| {
                    let mut found = 0;
                    // A word of the wrong type was refused before any row was compared.
                    let _ = self.words(&column.slice(row, 1), |_, word| found = word);
                    found
                };
                // The words have the direction in them already.
                return word(x, i).cmp(&word(y, j));
            }
        };
        if self.decreasing { order.reverse() } else { order }
    }

    fn compare_text(&self, a: &str, b: &str) -> Ordering {
        // The order of UTF-8's bytes is that of characters.
        if self.ignore_case { lower(a).cmp(lower(b)) } else { a.cmp(b) }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The text in a row; none if it is missing.
fn text_at(column: &Column, row: usize) -> Option<&str> {
    match column {
        Column::Str(v) => v.is_valid(row).then(|| v.value(row)),
        Column::Dict { codes, labels } => (codes[row] != NA_I32).then(|| labels[codes[row] as usize - 1].as_str()),
        _ => None,
    }
}

fn is_open(word: u64) -> bool {
    word & 0xFF == LONG
}

fn integer(x: i32, missing_low: bool) -> u64 {
    // The missing code is the smallest integer.
    if x == NA_I32 && !missing_low { 1 << 32 } else { u64::from(x as u32 ^ (1 << 31)) }
}

fn long(x: i64, missing_low: bool) -> u64 {
    let word = x as u64 ^ SIGN;
    if missing_low { word } else { word.wrapping_sub(1) }
}

fn double(x: f64, missing_low: bool) -> u64 {
    // Zero has two signs and one place.
    let bits = (x + 0.0).to_bits();
    let word = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    match (x.is_nan(), missing_low) {
        (false, _) => word,
        (true, true) => 0,
        (true, false) => u64::MAX,
    }
}

fn widened(x: i32) -> i64 {
    if x == NA_I32 { NA_I64 } else { i64::from(x) }
}

fn integer_as_double(x: i32) -> f64 {
    if x == NA_I32 { f64::NAN } else { f64::from(x) }
}

fn long_as_double(x: i64) -> f64 {
    if x == NA_I64 { f64::NAN } else { x as f64 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::column::NA_F64;
    use arrow::array::StringArray;

    fn key(sorts: Sorts) -> Key {
        Key { column: 0, sorts, decreasing: false, missing_low: true, ignore_case: false, table: None }
    }

    fn words(key: &Key, column: &Column) -> Vec<u64> {
        let mut words = vec![0; column.len()];
        key.words(column, |i, word| words[i] = word).unwrap();
        words
    }

    /// The values, each smaller than the next, have words in that order, and compare so.
    fn expect_increasing(key: Key, column: Column) {
        let last = column.len() - 1;
        let block = Block { index: 0, rows: column.len(), columns: vec![column] };
        for decreasing in [false, true] {
            let key = Key { decreasing, ..key.clone() };
            let mut words = words(&key, &block.columns[0]);
            if decreasing {
                words.reverse();
            }
            assert!(words.is_sorted_by(|a, b| a < b), "{words:x?}");
            for i in 0..last {
                let order = key.compare((&block, i), 0, (&block, i + 1));
                assert_eq!(order, if decreasing { Ordering::Greater } else { Ordering::Less });
                assert!(key.compare((&block, i), 0, (&block, i)).is_eq());
            }
        }
    }

    #[test]
    fn words_have_the_order_of_their_values() {
        let low = |sorts| key(sorts);
        let high = |sorts| Key { missing_low: false, ..key(sorts) };
        expect_increasing(low(Sorts::Integers), Column::I32(vec![NA_I32, i32::MIN + 1, -1, 0, 1, i32::MAX].into()));
        expect_increasing(high(Sorts::Integers), Column::I32(vec![i32::MIN + 1, -1, 0, 1, i32::MAX, NA_I32].into()));
        let longs = [i64::MIN + 1, -(1 << 60), -1, 0, 1 << 60, i64::MAX];
        expect_increasing(low(Sorts::Longs), Column::I64([&[NA_I64], &longs[..]].concat().into()));
        expect_increasing(high(Sorts::Longs), Column::I64([&longs[..], &[NA_I64]].concat().into()));
        expect_increasing(high(Sorts::Longs), Column::I32(vec![-5, 5, NA_I32].into()));
        let doubles = [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, f64::INFINITY];
        expect_increasing(low(Sorts::Doubles), Column::F64([&[NA_F64], &doubles[..]].concat().into()));
        expect_increasing(high(Sorts::Doubles), Column::F64([&doubles[..], &[f64::NAN]].concat().into()));
        expect_increasing(low(Sorts::Doubles), Column::I32(vec![NA_I32, -5, 5].into()));
        expect_increasing(high(Sorts::Doubles), Column::I64(vec![-5, 5, NA_I64].into()));
        expect_increasing(low(Sorts::Doubles), Column::F32(vec![f32::NAN, -0.5, 0.5].into()));
        let texts = ["", "\0", "A", "a", "a\0", "ab", "abcdefg", "é"].map(Some);
        expect_increasing(low(Sorts::Text), Column::Str(StringArray::from([&[None], &texts[..]].concat())));
        expect_increasing(high(Sorts::Text), Column::Str(StringArray::from([&texts[..], &[None]].concat())));
        let dict = |codes: Vec<i32>| Column::Dict {
            codes: codes.into(),
            labels: Arc::new(["b", "a", "c"].map(str::to_string).to_vec()),
        };
        expect_increasing(low(Sorts::Text), dict(vec![NA_I32, 2, 1, 3]));
        expect_increasing(high(Sorts::Text), dict(vec![2, NA_I32]));
        expect_increasing(low(Sorts::Integers), dict(vec![NA_I32, 1, 2, 3]));
        assert_eq!(words(&key(Sorts::Doubles), &Column::F64(vec![-0.0, 0.0].into())), [SIGN; 2]);
    }

    #[test]
    fn what_a_word_leaves_open_is_compared() {
        let texts = Column::Str(StringArray::from(vec!["abcdefgX", "abcdefgXY", "abcdefgY", "abcdefh"]));
        let key = key(Sorts::Text);
        let words = words(&key, &texts);
        assert!(words[0] == words[1] && words[1] == words[2] && words[2] < words[3]);
        assert!(key.words(&texts, |_, _| ()).unwrap());
        let block = Block { index: 0, rows: 4, columns: vec![texts] };
        let keys = Keys(vec![key]);
        assert!((0..3).all(|i| keys.compare((&block, i), (&block, i + 1)).is_lt()));
    }

    #[test]
    fn case_may_be_ignored() {
        let same = Column::Str(StringArray::from(vec!["Straße", "STRASSE", "Éa", "éA", "Carrier A", "carrier a"]));
        let key = Key { ignore_case: true, ..key(Sorts::Text) };
        let words = words(&key, &same);
        assert!(words[0] != words[1] && words[2] == words[3] && words[4] == words[5]);
        let block = Block { index: 0, rows: 6, columns: vec![same] };
        assert!(key.compare((&block, 4), 0, (&block, 5)).is_eq() && key.compare((&block, 2), 0, (&block, 3)).is_eq());
        let mut ranked = key;
        let labels: Labels = Arc::new(["b", "a", "A", "B"].map(str::to_string).to_vec());
        ranked.rank(&labels);
        let dict = Column::Dict { codes: vec![1, 2, 3, 4, NA_I32].into(), labels };
        let mut found = vec![0; 5];
        assert!(!ranked.words(&dict, |i, word| found[i] = word).unwrap());
        assert_eq!(found, [2, 1, 1, 2, 0]);
    }
}

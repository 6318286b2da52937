//! The bits in which keys differ, as one number a row.

use super::key::Keys;
use crate::block::Block;
use crate::error::Result;

/// What is known of the words of some rows.
#[derive(Debug, Clone)]
pub struct Profile(Vec<KeyProfile>);

#[derive(Debug, Clone, Copy)]
struct KeyProfile {
    /// Bits that some word has.
    any: u64,
    /// Bits that all words have.
    all: u64,
    /// Whether some words leave the order open.
    open: bool,
}

impl Profile {
    /// Of no rows.
    pub fn new(keys: &Keys) -> Self {
        Profile(vec![KeyProfile { any: 0, all: u64::MAX, open: false }; keys.0.len()])
    }

    /// Of the rows of a block.
    pub fn of(block: &Block, keys: &Keys) -> Result<Self> {
        let mut profile = Profile::new(keys);
        for (key, known) in keys.0.iter().zip(&mut profile.0) {
            let (mut any, mut all) = (0, u64::MAX);
            known.open = key.words(&block.columns[key.column], |_, word| {
                any |= word;
                all &= word;
            })?;
            (known.any, known.all) = (any, all);
        }
        Ok(profile)
    }

    /// Of these rows and those.
    pub fn and(mut self, other: &Profile) -> Self {
        for (known, other) in self.0.iter_mut().zip(&other.0) {
            known.any |= other.any;
            known.all &= other.all;
            known.open |= other.open;
        }
        self
    }
}

/// How words become heads.
#[derive(Debug, Clone)]
pub struct Packing {
    /// What of each key goes into the head; keys at the end may be missing.
    parts: Vec<Part>,
    /// Bits of a head, counted from the lowest.
    pub bits: u32,
    /// Whether rows of equal heads have equal keys.
    pub exact: bool,
}

/// The bits of one key.
#[derive(Debug, Clone)]
struct Part {
    /// Where each stretch of bits begins, and its mask once it is there; the highest first.
    stretches: Vec<(u32, u64, u32)>,
    /// How far the bits are moved to their place.
    shift: u32,
}

impl Part {
    fn of(&self, word: u64) -> u64 {
        self.stretches.iter().fold(0, |bits, &(from, mask, length)| bits << length | (word >> from & mask))
    }
}

impl Packing {
    /// For rows of this profile.
    pub fn new(profile: &Profile) -> Self {
        let (mut taken, mut used, mut exact) = (Vec::new(), 0, true);
        for key in &profile.0 {
            let mut bits = key.any & !key.all;
            let room = 64 - used;
            exact = bits.count_ones() <= room;
            while bits.count_ones() > room {
                bits &= bits - 1;
            }
            used += bits.count_ones();
            taken.push((stretches(bits), used));
            exact &= !key.open;
            // What comes after an open key decides nothing before it is settled.
            if !exact {
                break;
            }
        }
        let parts = taken.into_iter().map(|(stretches, end)| Part { stretches, shift: used - end }).collect();
        Packing { parts, bits: used, exact }
    }

    /// The heads of a block's rows.
    pub fn heads(&self, block: &Block, keys: &Keys) -> Result<Vec<u64>> {
        let mut heads = vec![0; block.rows];
        let mut put = |i: usize, share: u64| heads[i] |= share;
        for (part, key) in self.parts.iter().zip(&keys.0) {
            if part.stretches.is_empty() {
                continue;
            }
            let shift = part.shift;
            match part.stretches[..] {
                [(from, mask, _)] => {
                    key.words(&block.columns[key.column], |i, word| put(i, (word >> from & mask) << shift))?
                }
                _ => key.words(&block.columns[key.column], |i, word| put(i, part.of(word) << shift))?,
            };
        }
        Ok(heads)
    }
}

/// The stretches of bits that are set, the highest first.
fn stretches(mut bits: u64) -> Vec<(u32, u64, u32)> {
    let mut found = Vec::new();
    while bits != 0 {
        let top = 64 - bits.leading_zeros();
        let length = (bits << (64 - top)).leading_ones();
        let from = top - length;
        let mask = if length == 64 { u64::MAX } else { (1 << length) - 1 };
        found.push((from, mask, length));
        bits &= !(mask << from);
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::key::{Key, Sorts};
    use super::*;
    use crate::Column;
    use arrow::array::StringArray;

    fn key(column: usize, sorts: Sorts) -> Key {
        Key { column, sorts, decreasing: column % 2 == 1, missing_low: true, ignore_case: false, table: None }
    }

    fn expect_order(columns: Vec<Column>, sorts: &[Sorts], exact: bool) -> Packing {
        let block = Block { index: 0, rows: columns[0].len(), columns };
        let keys = Keys(sorts.iter().enumerate().map(|(j, &sorts)| key(j, sorts)).collect());
        let packing = Packing::new(&Profile::of(&block, &keys).unwrap());
        let heads = packing.heads(&block, &keys).unwrap();
        assert_eq!(packing.exact, exact);
        assert!(packing.bits == 64 || heads.iter().all(|head| head >> packing.bits == 0));
        for i in 0..block.rows {
            for j in 0..block.rows {
                let order = keys.compare((&block, i), (&block, j));
                assert!(heads[i].cmp(&heads[j]) == order || (!exact && heads[i] == heads[j]), "rows {i} and {j}");
            }
        }
        packing
    }

    #[test]
    fn heads_have_the_order_of_the_keys() {
        let texts: Vec<String> = (0..60).map(|i| format!("A{:03}", i * 37 % 300)).collect();
        let few = Column::I32((0..60).map(|i| i * 7 % 5).collect());
        let packing = expect_order(
            vec![Column::Str(StringArray::from(texts)), few.clone()],
            &[Sorts::Text, Sorts::Integers],
            true,
        );
        assert_eq!(packing.bits, 10 + 3);
        let doubles = |f: f64| Column::F64((0..60).map(|i| (f64::from(i) * f).sin()).collect());
        expect_order(vec![doubles(1.1), few.clone()], &[Sorts::Doubles, Sorts::Integers], false);
        let one = Column::I32(vec![3; 60].into());
        assert_eq!(expect_order(vec![one, few], &[Sorts::Integers; 2], true).bits, 3);
    }

    #[test]
    fn long_text_ends_a_head() {
        let texts: Vec<String> = (0..40).map(|i| format!("the same beginning {}", i * 37 % 11)).collect();
        let few = Column::I32((0..40).map(|i| i * 7 % 5).collect());
        let packing =
            expect_order(vec![Column::Str(StringArray::from(texts)), few], &[Sorts::Text, Sorts::Integers], false);
        assert_eq!(packing.bits, 0);
    }

    #[test]
    fn all_64_bits_may_differ() {
        let ends = Column::I64(vec![i64::MIN, i64::MAX, 0, -1].into());
        assert_eq!(expect_order(vec![ends], &[Sorts::Longs], true).bits, 64);
        assert_eq!(stretches(u64::MAX), [(0, u64::MAX, 64)]);
        assert_eq!(stretches(0b1011_0000), [(7, 1, 1), (4, 3, 2)]);
    }
}

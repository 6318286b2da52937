//! Numbers as integers of the same order, and tables by them.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Deref, DerefMut};

/// A number as an integer of the same order; both zeros are one.
pub fn key(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number of a key.
pub fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Values by key; stored in the order of the keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, V)>", into = "Vec<(u64, V)>")]
#[serde(bound(serialize = "V: Clone + Serialize", deserialize = "V: Deserialize<'de>"))]
pub struct KeyTable<V>(HashMap<u64, V, BuildHasherDefault<KeyHasher>>);

impl<V> KeyTable<V> {
    /// What a table must grow to at most to hold so many values: it doubles when it is seven eighths full.
    pub const fn bytes(values: usize) -> usize {
        2 * values * size_of::<(u64, V)>()
    }

    /// All that is in the table, in the order of the keys.
    pub fn sorted(self) -> Vec<(u64, V)> {
        let mut pairs: Vec<_> = self.0.into_iter().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs
    }
}

impl<V> Default for KeyTable<V> {
    fn default() -> Self {
        KeyTable(HashMap::default())
    }
}

impl<V> Deref for KeyTable<V> {
    type Target = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V> DerefMut for KeyTable<V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<V> From<Vec<(u64, V)>> for KeyTable<V> {
    fn from(pairs: Vec<(u64, V)>) -> Self {
        KeyTable(pairs.into_iter().collect())
    }
}

impl<V> From<KeyTable<V>> for Vec<(u64, V)> {
    fn from(table: KeyTable<V>) -> Self {
        table.sorted()
    }
}

/// Spreads keys, whose low bits are mostly zero (Fibonacci hashing, Knuth 1973).
#[derive(Default, Clone)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, key: u64) {
        let spread = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ (spread >> 32);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_have_the_order_of_numbers() {
        let numbers = [f64::NEG_INFINITY, -1e300, -1.0, -1e-320, 0.0, 1e-320, 1.0, 2.5, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(numbers.iter().all(|&x| number(key(x)) == x));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn tables_are_stored_in_order() {
        let bytes = |value: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            value(&mut bytes);
            bytes
        };
        let table = KeyTable::from(vec![(9, 'i'), (2, 'b'), (5, 'e')]);
        let stored = bytes(&|to| ciborium::into_writer(&table, to).unwrap());
        let pairs = [(2, 'b'), (5, 'e'), (9, 'i')];
        assert_eq!(stored, bytes(&|to| ciborium::into_writer(&pairs, to).unwrap()));
        assert_eq!(ciborium::from_reader::<KeyTable<char>, _>(&stored[..]).unwrap(), table);
    }
}

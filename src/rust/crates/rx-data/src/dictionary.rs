//! Texts to codes, fast enough for every field of a file.

use crate::column::NA_I32;

/// The codes of labels: in order of first appearance, or agreed before.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    /// Positions in `entries` plus one, by hash; zero is free. The length is a power of two.
    slots: Vec<u32>,
    entries: Vec<Entry>,
    /// All labels one after the other.
    text: Vec<u8>,
    /// The number of codes given.
    codes: i32,
    /// Whether an unknown label gets the next code; otherwise it is missing.
    open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    start: usize,
    end: usize,
    code: i32,
}

/// The mark in a key of labels that are too long to be their own key.
const LONG: u64 = 0x80 << 56;

impl Dictionary {
    /// Labels get codes 1, 2, ... as they appear; the strings that stand for missing values get none.
    pub fn open(missing: &[Vec<u8>]) -> Self {
        let mut dictionary =
            Dictionary { slots: vec![0; 64], entries: Vec::new(), text: Vec::new(), codes: 0, open: true };
        for label in missing {
            dictionary.insert(key_of(label), label, NA_I32);
        }
        dictionary
    }

    /// Only these labels have codes, 1, 2, ...; all others are missing.
    pub fn closed(labels: &[String]) -> Self {
        let mut dictionary = Dictionary::open(&[]);
        for label in labels {
            dictionary.code(label.as_bytes());
        }
        dictionary.open = false;
        dictionary
    }

    /// The code of a label, which is a new one if need be.
    #[inline]
    pub fn code(&mut self, label: &[u8]) -> i32 {
        match self.get(label) {
            Some(code) => code,
            None if !self.open => NA_I32,
            None => {
                self.codes += 1;
                self.insert(key_of(label), label, self.codes);
                self.codes
            }
        }
    }

    /// The code of a label that is known.
    #[inline]
    pub fn get(&self, label: &[u8]) -> Option<i32> {
        let key = key_of(label);
        let mut slot = self.slot_of(key);
        while self.slots[slot] != 0 {
            let entry = self.entries[self.slots[slot] as usize - 1];
            if entry.key == key && (key & LONG == 0 || &self.text[entry.start..entry.end] == label) {
                return Some(entry.code);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// The labels in the order of their codes.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter(|e| e.code != NA_I32).map(|e| &self.text[e.start..e.end])
    }

    fn insert(&mut self, key: u64, label: &[u8], code: i32) {
        let start = self.text.len();
        self.text.extend_from_slice(label);
        self.entries.push(Entry { key, start, end: self.text.len(), code });
        if self.entries.len() * 2 > self.slots.len() {
            self.slots = vec![0; self.slots.len() * 2];
            for i in 0..self.entries.len() {
                self.place(i);
            }
        } else {
            self.place(self.entries.len() - 1);
        }
    }

    fn place(&mut self, entry: usize) {
        let mut slot = self.slot_of(self.entries[entry].key);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = entry as u32 + 1;
    }

    #[inline]
    fn slot_of(&self, key: u64) -> usize {
        // The upper bits of a product depend on all bits of the key (Fibonacci hashing).
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (self.slots.len() - 1)
    }
}

/// A label of up to seven bytes with its length is its own key; a longer one gets a hash with a mark.
#[inline]
fn key_of(label: &[u8]) -> u64 {
    let n = label.len();
    let half = |at: usize| u64::from(u32::from_le_bytes([label[at], label[at + 1], label[at + 2], label[at + 3]]));
    let length = (n as u64) << 56;
    match n {
        0 => 0,
        1..=3 => {
            let byte = |at: usize| u64::from(label[at]) << (8 * at);
            byte(0) | byte(n / 2) | byte(n - 1) | length
        }
        4..=7 => half(0) | half(n - 4) << (8 * (n - 4)) | length,
        _ => {
            let words = label.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            });
            let hash = words.fold(n as u64, |hash, word| {
                let product = u128::from(hash ^ word) * 0x9E37_79B9_7F4A_7C15;
                (product ^ (product >> 64)) as u64
            });
            hash | LONG
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_first_appearance() {
        let mut dictionary = Dictionary::open(&[b"NA".to_vec()]);
        let labels: Vec<String> = (0..5_000).map(|i| "x".repeat(i % 12) + &(i / 12).to_string()).collect();
        let mut expected: Vec<&str> = Vec::new();
        for label in labels.iter().chain(&labels) {
            let code = expected.iter().position(|e| e == label).unwrap_or_else(|| {
                expected.push(label);
                expected.len() - 1
            });
            assert_eq!(dictionary.code(label.as_bytes()), code as i32 + 1);
        }
        assert_eq!(dictionary.code(b"NA"), NA_I32);
        assert!(dictionary.labels().eq(expected.iter().map(|e| e.as_bytes())));
    }

    #[test]
    fn agreed_levels_stay_alone() {
        let mut dictionary = Dictionary::closed(&["b".to_string(), "a".to_string()]);
        assert_eq!([&b"a"[..], b"b", b"c", b""].map(|l| dictionary.code(l)), [2, 1, NA_I32, NA_I32]);
    }

    #[test]
    fn short_labels_have_keys_of_their_own() {
        let labels: [&[u8]; 10] = [b"", b"\0", b"\0\0", b"a", b"ab", b"ba", b"aba", b"abab", b"abababa", b"ababab\0"];
        for (i, a) in labels.iter().enumerate() {
            for b in &labels[i + 1..] {
                assert_ne!(key_of(a), key_of(b));
            }
        }
    }
}

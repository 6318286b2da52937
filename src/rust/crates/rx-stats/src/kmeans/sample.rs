//! Starting centres from the data.
//!
//! The sample are the distinct rows whose hashes are smallest. It depends on the seed and on what the rows are, not on
//! where they are or who reads them. Centres are chosen among them by the squares of their distances from those chosen
//! before: Arthur, D. and Vassilvitskii, S. (2007) k-means++: the advantages of careful seeding, Proceedings of the
//! eighteenth ACM-SIAM symposium on discrete algorithms.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The bits of a row, after its hash.
type Row = (u64, Vec<u64>);

/// The distinct rows with the smallest hashes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sample(BTreeSet<Row>);

impl Sample {
    /// Takes in the rows of a batch; keeps so many.
    pub fn add(&mut self, columns: &[&[f64]], seed: u64, room: usize) {
        // Both zeros are one number.
        let bits = |x: f64| (x + 0.0).to_bits();
        let mut hashes = vec![seed; columns[0].len()];
        for values in columns {
            hashes.iter_mut().zip(*values).for_each(|(hash, &x)| *hash = spread(*hash ^ bits(x)));
        }
        let mut last = self.last(room);
        for (row, &hash) in hashes.iter().enumerate() {
            if hash <= last {
                self.0.insert((hash, columns.iter().map(|values| bits(values[row])).collect()));
                last = self.cut(room);
            }
        }
    }

    /// Takes in another sample.
    pub fn merge(&mut self, other: Sample, room: usize) {
        self.0.extend(other.0);
        self.cut(room);
    }

    /// The greatest hash that there is room for.
    fn last(&self, room: usize) -> u64 {
        self.0.last().filter(|_| self.0.len() >= room).map_or(u64::MAX, |row| row.0)
    }

    fn cut(&mut self, room: usize) -> u64 {
        while self.0.len() > room {
            self.0.pop_last();
        }
        self.last(room)
    }

    /// The rows, in an order that only the seed decides.
    pub fn into_rows(self) -> Vec<Vec<f64>> {
        self.0.into_iter().map(|(_, bits)| bits.into_iter().map(f64::from_bits).collect()).collect()
    }
}

/// Chooses so many of the rows, which are distinct and no fewer; one after the other.
pub fn choose(rows: &[Vec<f64>], count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (spread(state) >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut chosen = Vec::new();
    let mut left = vec![f64::INFINITY; rows.len()];
    let mut next = (random() * rows.len() as f64) as usize;
    for _ in 0..count {
        chosen.extend(&rows[next]);
        for (left, row) in left.iter_mut().zip(rows) {
            *left = left.min(row.iter().zip(&rows[next]).map(|(x, y)| (x - y) * (x - y)).sum());
        }
        left[next] = 0.0;
        let mut target = random() * left.iter().sum::<f64>();
        let more = |(_, distance): &(usize, &f64)| **distance > 0.0;
        for (row, &distance) in left.iter().enumerate().filter(more) {
            next = row;
            target -= distance;
            // Of infinite distances the first one decides.
            if target < 0.0 || target.is_nan() {
                break;
            }
        }
    }
    chosen
}

/// Spreads a number over all bits (the finalizer of splitmix64; Steele, Lea and Flood 2014).
fn spread(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(values: &[f64], seed: u64, room: usize) -> Vec<f64> {
        let mut sample = Sample::default();
        sample.add(&[values], seed, room);
        sample.into_rows().concat()
    }

    #[test]
    fn a_sample_has_distinct_rows_in_no_order_of_the_data() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 500)).collect();
        let found = sampled(&values, 1, 50);
        let distinct: BTreeSet<u64> = found.iter().map(|x| x.to_bits()).collect();
        assert_eq!((found.len(), distinct.len()), (50, 50));
        let mean = found.iter().sum::<f64>() / 50.0;
        assert!((mean - 250.0).abs() < 80.0, "{mean}");
        let backwards: Vec<f64> = values.iter().rev().copied().collect();
        assert_eq!(sampled(&backwards, 1, 50), found);
        assert_ne!(sampled(&values, 2, 50), found);
        assert_eq!(sampled(&[0.0, -0.0, 3.0], 1, 50).len(), 2);
    }

    #[test]
    fn chosen_rows_are_distinct_and_far_from_each_other() {
        let rows: Vec<Vec<f64>> = (0..300).map(|i| vec![f64::from(i % 3) * 1e6 + f64::from(i) / 1e3]).collect();
        for seed in 0..20 {
            let mut groups: Vec<u64> = choose(&rows, 3, seed).iter().map(|x| (x / 1e6) as u64).collect();
            groups.sort_unstable();
            assert_eq!(groups, [0, 1, 2]);
            let all: BTreeSet<u64> = choose(&rows[..10], 10, seed).iter().map(|x| x.to_bits()).collect();
            assert_eq!(all.len(), 10);
        }
    }

    #[test]
    fn distances_that_overflow_choose_distinct_rows_still() {
        let rows = [vec![1e200], vec![-1e200], vec![0.0]];
        let all: BTreeSet<u64> = choose(&rows, 3, 5).iter().map(|x| x.to_bits()).collect();
        assert_eq!(all.len(), 3);
    }
}

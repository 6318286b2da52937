//! Which centre is nearest to each row of a batch.
//!
//! A squared distance is the sum of squared differences, in the order of the columns. Of the shorter product form
//! |x|^2 - 2 x'c + |c|^2 nothing is left where the data are far from zero, or where two centres are much closer to each
//! other than the data are wide; differences keep all their digits, and are those that `stats::kmeans()` sees. A group
//! of rows meets one centre after the other; its sums, and the best of them so far, stay in registers.

use crate::decode::{BATCH_ROWS, fetch};
use crate::elementary::wide;
use std::ops::Range;

/// The nearest centres of a batch, and working memory.
#[derive(Debug, Default)]
pub struct Nearest {
    /// Positions of centres; as wide as distances, so that the same masks choose both.
    pub positions: Vec<u64>,
    /// Squares of distances.
    pub distances: Vec<f64>,
    /// A group of rows, column by column.
    tile: Vec<f64>,
}

impl Nearest {
    /// Finds the nearest of some centres, one after the other, for some rows of columns: the first of several, and the
    /// square of its distance; no centre is near if that is infinite.
    pub fn find(&mut self, centres: &[f64], columns: &[&[f64]], rows: Range<usize>) {
        find(self, centres, columns, rows);
    }
}

fn find(found: &mut Nearest, centres: &[f64], columns: &[&[f64]], rows: Range<usize>) {
    #[cfg(all(target_arch = "x86_64", avx512))]
    {
        #[target_feature(enable = "avx512f")]
        fn widest(found: &mut Nearest, centres: &[f64], columns: &[&[f64]], rows: Range<usize>) {
            search::<32>(found, centres, columns, rows);
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has what the function is compiled for.
            return unsafe { widest(found, centres, columns, rows) };
        }
    }
    wide!(search::<16>(found: &mut Nearest, centres: &[f64], columns: &[&[f64]], rows: Range<usize>))
}

#[inline(always)]
fn search<const GROUP: usize>(found: &mut Nearest, centres: &[f64], columns: &[&[f64]], rows: Range<usize>) {
    let width = columns.len();
    let room = rows.len().next_multiple_of(GROUP);
    found.positions.resize(room, 0);
    found.distances.resize(room, 0.0);
    found.tile.resize(width * GROUP, 0.0);
    let tile = found.tile.as_chunks_mut::<GROUP>().0;
    let (positions, distances) = (found.positions.as_chunks_mut().0, found.distances.as_chunks_mut().0);
    for group in 0..room / GROUP {
        for c in 0..width {
            let start = rows.start + group * GROUP;
            // Asked for all at once, the next batch's values would keep this one's waiting.
            fetch(columns[c], start + BATCH_ROWS..start + BATCH_ROWS + GROUP);
            let values = &columns[c][start..rows.end];
            match values.first_chunk() {
                Some(values) => tile[c] = *values,
                None => tile[c][..values.len()].copy_from_slice(values),
            }
        }
        let (mut least, mut at) = ([f64::INFINITY; GROUP], [0; GROUP]);
        for j in 0..centres.len() / width {
            let squares = squares(tile, &centres[j * width..][..width]);
            for r in 0..GROUP {
                let nearer = squares[r] < least[r];
                at[r] = if nearer { j as u64 } else { at[r] };
                least[r] = if nearer { squares[r] } else { least[r] };
            }
        }
        (positions[group], distances[group]) = (at, least);
    }
    found.positions.truncate(rows.len());
    found.distances.truncate(rows.len());
}

/// The squares of the distances of some rows from a centre.
#[inline(always)]
fn squares<const GROUP: usize>(tile: &[[f64; GROUP]], centre: &[f64]) -> [f64; GROUP] {
    let mut sums = [0.0; GROUP];
    for c in 0..tile.len() {
        for r in 0..GROUP {
            let difference = tile[c][r] - centre[c];
            sums[r] += difference * difference;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_centre_is_that_of_a_plain_loop() {
        let mut seed = 7u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f64 / 1024.0
        };
        for (rows, columns, count) in [(1, 1, 1), (7, 2, 3), (8, 5, 10), (37, 3, 4), (100, 11, 17), (64, 4, 2)] {
            let data: Vec<Vec<f64>> = (0..columns).map(|_| (0..rows).map(|_| next()).collect()).collect();
            let centres: Vec<f64> = (0..count * columns).map(|_| next()).collect();
            let slices: Vec<&[f64]> = data.iter().map(Vec::as_slice).collect();
            let (mut found, mut plain) = (Nearest::default(), Nearest::default());
            found.find(&centres, &slices, 0..rows);
            search::<1>(&mut plain, &centres, &slices, 0..rows);
            assert_eq!((&found.positions, &found.distances), (&plain.positions, &plain.distances));
            for row in 0..rows {
                let (mut least, mut at) = (f64::INFINITY, 0);
                for (j, centre) in centres.chunks(columns).enumerate() {
                    let square = |(c, x): (&f64, &Vec<f64>)| (x[row] - c) * (x[row] - c);
                    let distance = centre.iter().zip(&data).map(square).fold(0.0, |sum, x| sum + x);
                    if distance < least {
                        (least, at) = (distance, j);
                    }
                }
                assert_eq!((found.distances[row].to_bits(), found.positions[row]), (least.to_bits(), at as u64));
            }
        }
    }

    #[test]
    fn of_equal_distances_the_first_centre_wins() {
        let mut found = Nearest::default();
        found.find(&[2.0, 0.0, 2.0, -1.0], &[&[9.0, 1.0, 2.0, -0.5, 9.0]], 1..4);
        assert_eq!(found.positions, [0, 0, 1]);
        assert_eq!(found.distances, [1.0, 0.0, 0.25]);
    }

    #[test]
    fn nothing_is_near_an_infinite_or_undefined_row() {
        let mut found = Nearest::default();
        found.find(&[1.0, 2.0], &[&[f64::INFINITY, f64::NAN, 1e200]], 0..3);
        assert!(found.distances.iter().all(|d| d.is_infinite()));
    }
}

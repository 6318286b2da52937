//! Which centre is nearest to each row of a batch.
//!
//! A squared distance is the sum of squared differences, in the order of the columns. Of the shorter product form
//! |x|^2 - 2 x'c + |c|^2 nothing is left where the data are far from zero, or where two centres are much closer to each
//! other than the data are wide; differences keep all their digits, and are those that `stats::kmeans()` sees. Eight
//! rows and four centres at a time stay in registers.

use crate::elementary::wide;
use serde::{Deserialize, Serialize};

/// Rows whose sums stay in registers.
const GROUP: usize = 8;
/// Such groups at a time.
const GROUPS: usize = 8;
/// Rows at a time.
const ROWS: usize = GROUP * GROUPS;
/// Centres at a time.
const BLOCK: usize = 4;

/// Centres as they are compared with rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Centres {
    columns: usize,
    /// Four centres after the other, column by column; the places behind the last one are infinitely far.
    blocks: Vec<[f64; BLOCK]>,
}

impl Centres {
    /// Some centres, one after the other.
    pub fn new(values: &[f64], columns: usize) -> Self {
        let count = values.len() / columns;
        let place = |j: usize, c: usize| if j < count { values[j * columns + c] } else { f64::INFINITY };
        let block = |i: usize| std::array::from_fn(|q| place(i / columns * BLOCK + q, i % columns));
        Centres { columns, blocks: (0..count.div_ceil(BLOCK) * columns).map(block).collect() }
    }

    /// The position of each row's nearest centre, the first of several, and the square of its distance; no centre is near
    /// if that is infinite.
    pub fn nearest(&self, columns: &[&[f64]], found: &mut Nearest) {
        let rows = columns[0].len();
        found.positions.resize(rows, 0);
        found.distances.resize(rows, 0.0);
        found.tile.resize(self.columns, [[0.0; GROUP]; GROUPS]);
        search(&self.blocks, columns, found);
    }
}

/// The nearest centres of a batch, and working memory.
#[derive(Debug, Default)]
pub struct Nearest {
    /// Positions of centres.
    pub positions: Vec<u32>,
    /// Squares of distances.
    pub distances: Vec<f64>,
    /// Some rows, column by column.
    tile: Vec<[[f64; GROUP]; GROUPS]>,
    /// Their distances from some centres.
    squares: [[[f64; GROUP]; GROUPS]; BLOCK],
}

fn search(blocks: &[[f64; BLOCK]], columns: &[&[f64]], found: &mut Nearest) {
    #[inline(always)]
    fn kernel(blocks: &[[f64; BLOCK]], columns: &[&[f64]], found: &mut Nearest) {
        let Nearest { positions, distances, tile, squares } = found;
        let mut start = 0;
        for (positions, distances) in positions.chunks_mut(ROWS).zip(distances.chunks_mut(ROWS)) {
            for (to, values) in tile.iter_mut().zip(columns) {
                let values = &values[start..][..positions.len()];
                to.as_flattened_mut()[..values.len()].copy_from_slice(values);
            }
            let (mut least, mut at) = ([f64::INFINITY; ROWS], [0.0; ROWS]);
            let mut first = 0.0;
            for block in blocks.chunks_exact(tile.len()) {
                for group in 0..GROUPS {
                    let mut sums = [[0.0; GROUP]; BLOCK];
                    for (x, centres) in tile.iter().zip(block) {
                        let x = &x[group];
                        for q in 0..BLOCK {
                            for r in 0..GROUP {
                                let difference = x[r] - centres[q];
                                sums[q][r] += difference * difference;
                            }
                        }
                    }
                    for q in 0..BLOCK {
                        squares[q][group] = sums[q];
                    }
                }
                // A loop of its own, over more rows than are unrolled, which compilers turn into blends.
                for squares in squares.iter() {
                    for ((least, at), &square) in least.iter_mut().zip(&mut at).zip(squares.as_flattened()) {
                        let nearer = square < *least;
                        *least = if nearer { square } else { *least };
                        *at = if nearer { first } else { *at };
                    }
                    first += 1.0;
                }
            }
            distances.copy_from_slice(&least[..distances.len()]);
            positions.iter_mut().zip(at).for_each(|(to, at)| *to = at as u32);
            start += ROWS;
        }
    }
    wide!(kernel(blocks: &[[f64; BLOCK]], columns: &[&[f64]], found: &mut Nearest))
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
        for (rows, columns, count) in [(1, 1, 1), (7, 2, 3), (8, 5, 10), (37, 3, 4), (100, 11, 17)] {
            let data: Vec<Vec<f64>> = (0..columns).map(|_| (0..rows).map(|_| next()).collect()).collect();
            let centres: Vec<f64> = (0..count * columns).map(|_| next()).collect();
            let slices: Vec<&[f64]> = data.iter().map(Vec::as_slice).collect();
            let mut found = Nearest::default();
            Centres::new(&centres, columns).nearest(&slices, &mut found);
            for row in 0..rows {
                let (mut least, mut at) = (f64::INFINITY, 0);
                for (j, centre) in centres.chunks(columns).enumerate() {
                    let square = |(c, x): (&f64, &Vec<f64>)| (x[row] - c) * (x[row] - c);
                    let distance = centre.iter().zip(&data).map(square).fold(0.0, |sum, x| sum + x);
                    if distance < least {
                        (least, at) = (distance, j);
                    }
                }
                assert_eq!((found.distances[row].to_bits(), found.positions[row]), (least.to_bits(), at as u32));
            }
        }
    }

    #[test]
    fn of_equal_distances_the_first_centre_wins() {
        let mut found = Nearest::default();
        Centres::new(&[2.0, 0.0, 2.0, -1.0], 1).nearest(&[&[1.0, 2.0, -0.5]], &mut found);
        assert_eq!(found.positions, [0, 0, 1]);
        assert_eq!(found.distances, [1.0, 0.0, 0.25]);
    }

    #[test]
    fn nothing_is_near_an_infinite_or_undefined_row() {
        let mut found = Nearest::default();
        Centres::new(&[1.0, 2.0], 1).nearest(&[&[f64::INFINITY, f64::NAN, 1e200]], &mut found);
        assert!(found.distances.iter().all(|d| d.is_infinite()));
    }
}

//! The sums of the rows of each cluster over a batch.
//!
//! What a row adds stands in one stretch of memory, four numbers after the other, so that adding it to its cluster takes
//! few instructions whatever its columns; the columns are brought there some rows at a time.

use super::nearest::Nearest;
use crate::elementary::wide;
use crate::estimator::ModelBatch;
use std::ops::Range;

/// Numbers of a cluster before the sums of its columns: rows, weights, squared distances.
pub const HEAD: usize = 3;
/// Numbers that are added at a time.
const QUAD: usize = 4;
/// Rows that are brought together at a time.
const ROWS: usize = 64;

/// The sums of some clusters, one after the other.
#[derive(Debug)]
pub struct Sums {
    /// Stretches of four numbers of a cluster.
    quads: usize,
    clusters: Vec<[f64; QUAD]>,
    rows: Vec<[f64; QUAD]>,
}

impl Sums {
    /// How many numbers a cluster takes: those before its columns, its columns, and zeros.
    pub fn stride(columns: usize) -> usize {
        (HEAD + columns).next_multiple_of(QUAD)
    }

    /// No rows yet.
    pub fn new(columns: usize, clusters: usize) -> Self {
        let quads = Sums::stride(columns) / QUAD;
        Sums { quads, clusters: vec![[0.0; QUAD]; quads * clusters], rows: vec![[0.0; QUAD]; quads * ROWS] }
    }

    /// Adds the rows of a batch, whose columns are taken about the shifts.
    pub fn add(&mut self, batch: &ModelBatch, shifts: &[f64], found: &Nearest) {
        let all = 0..batch.rows;
        for start in all.step_by(ROWS) {
            let rows = start..batch.rows.min(start + ROWS);
            self.bring(batch, shifts, &found.distances, rows.clone());
            add_rows(&mut self.clusters, &self.rows, self.quads, &found.positions[rows]);
        }
    }

    fn bring(&mut self, batch: &ModelBatch, shifts: &[f64], distances: &[f64], rows: Range<usize>) {
        let stride = self.quads * QUAD;
        let places = self.rows.as_flattened_mut();
        put(places, stride, 2, &distances[rows.clone()], 0.0);
        for ((at, values), &shift) in (HEAD..).zip(batch.numeric).zip(shifts) {
            put(places, stride, at, &values[rows.clone()], shift);
        }
        for i in 0..rows.len() {
            (places[i * stride], places[i * stride + 1]) = (1.0, 1.0);
        }
        if let Some(weight) = batch.weight {
            for (i, w) in weight[rows].iter().enumerate() {
                places[i * stride + 1..(i + 1) * stride].iter_mut().for_each(|x| *x *= w);
            }
        }
    }

    /// The numbers of all clusters.
    pub fn values(&self) -> &[f64] {
        self.clusters.as_flattened()
    }
}

/// Puts a column about its shift where the rows have it.
fn put(places: &mut [f64], stride: usize, at: usize, values: &[f64], shift: f64) {
    let mut place = at;
    for x in values {
        places[place] = x - shift;
        place += stride;
    }
}

fn add_rows(clusters: &mut [[f64; QUAD]], rows: &[[f64; QUAD]], quads: usize, positions: &[u32]) {
    #[inline(always)]
    fn kernel(clusters: &mut [[f64; QUAD]], rows: &[[f64; QUAD]], quads: usize, positions: &[u32]) {
        for (row, &j) in rows.chunks_exact(quads).zip(positions) {
            let first = j as usize * quads;
            for (sum, x) in clusters[first..first + quads].iter_mut().zip(row) {
                for i in 0..QUAD {
                    sum[i] += x[i];
                }
            }
        }
    }
    wide!(kernel(clusters: &mut [[f64; QUAD]], rows: &[[f64; QUAD]], quads: usize, positions: &[u32]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::BATCH_ROWS;

    #[test]
    fn rows_are_added_to_their_clusters() {
        let rows = BATCH_ROWS - 7;
        let x: Vec<f64> = (0..rows).map(|i| 10.0 + i as f64).collect();
        let weights: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
        let mut found = Nearest::default();
        found.positions = (0..rows as u32).map(|i| i % 4).collect();
        found.distances = vec![2.0; rows];
        for (columns, weight) in [(1, None), (2, Some(&weights)), (9, None)] {
            let numeric = vec![&x[..]; columns];
            let batch = ModelBatch { rows, dropped: 0, numeric: &numeric, codes: &[], weight: weight.map(|w| &w[..]) };
            let mut sums = Sums::new(columns, 4);
            sums.add(&batch, &vec![10.0; columns], &found);
            for (j, cluster) in sums.values().chunks(Sums::stride(columns)).enumerate() {
                let own = || (j..rows).step_by(4).map(|i| (i as f64, weight.map_or(1.0, |w| w[i])));
                let mut wanted = vec![0.0; Sums::stride(columns)];
                (wanted[0], wanted[1]) = (own().count() as f64, own().map(|(_, w)| w).sum());
                wanted[2] = 2.0 * wanted[1];
                wanted[HEAD..HEAD + columns].fill(own().map(|(i, w)| i * w).sum());
                assert_eq!(cluster, wanted);
            }
        }
    }
}

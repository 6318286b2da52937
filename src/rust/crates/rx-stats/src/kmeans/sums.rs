//! The sums of the rows of each cluster over a batch.
//!
//! Four numbers of a cluster are one stretch of memory and summed at a time: a row is read where it lies, and adding it to
//! its cluster takes few instructions.

use super::nearest::Nearest;
use crate::decode::BATCH_ROWS;
use crate::elementary::wide;
use crate::estimator::ModelBatch;

/// Numbers of a cluster before the sums of its columns: rows, weights, squared distances.
pub const HEAD: usize = 3;
/// Numbers that are added at a time.
const QUAD: usize = 4;
/// The weights where there are none.
static ONES: [f64; BATCH_ROWS] = [1.0; BATCH_ROWS];

/// The sums of some clusters, one after the other.
#[derive(Debug)]
pub struct Sums {
    /// Stretches of four numbers of a cluster.
    quads: usize,
    clusters: Vec<[f64; QUAD]>,
}

/// Values and their shift.
type Column<'a> = (&'a [f64], f64);

impl Sums {
    /// How many numbers a cluster takes: those before its columns, its columns, and zeros.
    pub fn stride(columns: usize) -> usize {
        (HEAD + columns).next_multiple_of(QUAD)
    }

    /// No rows yet.
    pub fn new(columns: usize, clusters: usize) -> Self {
        let quads = Sums::stride(columns) / QUAD;
        Sums { quads, clusters: vec![[0.0; QUAD]; quads * clusters] }
    }

    /// Adds the rows of a batch, whose columns are taken about the shifts.
    pub fn add(&mut self, batch: &ModelBatch, shifts: &[f64], found: &Nearest) {
        let ones = &ONES[..batch.rows];
        let weights = batch.weight.unwrap_or(ones);
        let column = |c: usize| batch.numeric.get(c).map_or((ones, 1.0), |values| (*values, shifts[c]));
        add_head(self, found, weights, column(0));
        for quad in 1..self.quads {
            let first = quad * QUAD - HEAD;
            add_quad(self, quad, found, weights, [0, 1, 2, 3].map(|i| column(first + i)));
        }
    }

    /// The numbers of all clusters.
    pub fn values(&self) -> &[f64] {
        self.clusters.as_flattened()
    }
}

/// Adds what comes before the columns, and the first of them.
fn add_head(to: &mut Sums, found: &Nearest, weights: &[f64], column: Column) {
    #[inline(always)]
    fn kernel(to: &mut Sums, found: &Nearest, weights: &[f64], (values, shift): Column) {
        let rows = found.positions.len();
        let (distances, weights, values) = (&found.distances[..rows], &weights[..rows], &values[..rows]);
        for r in 0..rows {
            let w = weights[r];
            let row = [1.0, w, distances[r] * w, (values[r] - shift) * w];
            let sums = &mut to.clusters[found.positions[r] as usize * to.quads];
            for i in 0..QUAD {
                sums[i] += row[i];
            }
        }
    }
    wide!(kernel(to: &mut Sums, found: &Nearest, weights: &[f64], column: Column))
}

/// Adds four columns.
fn add_quad(to: &mut Sums, quad: usize, found: &Nearest, weights: &[f64], columns: [Column; QUAD]) {
    #[inline(always)]
    fn kernel(to: &mut Sums, quad: usize, found: &Nearest, weights: &[f64], columns: [Column; QUAD]) {
        let rows = found.positions.len();
        let weights = &weights[..rows];
        let [(a, p), (b, q), (c, s), (d, t)] = columns;
        let (a, b, c, d) = (&a[..rows], &b[..rows], &c[..rows], &d[..rows]);
        let shifts = [p, q, s, t];
        for r in 0..rows {
            let row = [a[r], b[r], c[r], d[r]];
            let sums = &mut to.clusters[found.positions[r] as usize * to.quads + quad];
            for i in 0..QUAD {
                sums[i] += (row[i] - shifts[i]) * weights[r];
            }
        }
    }
    wide!(kernel(to: &mut Sums, quad: usize, found: &Nearest, weights: &[f64], columns: [Column; QUAD]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_added_to_their_clusters() {
        let rows = BATCH_ROWS - 7;
        let x: Vec<f64> = (0..rows).map(|i| 10.0 + i as f64).collect();
        let weights: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
        let mut found = Nearest::default();
        found.positions = (0..rows as u64).map(|i| i % 4).collect();
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

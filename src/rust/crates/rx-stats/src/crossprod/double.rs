//! The inner loops in double. Plain operations only: all machines give the same bits, some more of them at a time.

use super::{Accumulate, Across, Quad};
use crate::elementary::wide;
use std::array::from_fn;
use std::borrow::Cow;

/// By lane of the right quad, up to so many, the products with the left one, summed over rows in so many parts that
/// additions do not wait for each other. Loops by index over whole quads are what the compiler makes the best code of.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
fn square_of<const LANES: usize, const PARTS: usize>(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; LANES] {
    let mut sums = [[[0.0f64; 4]; LANES]; PARTS];
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<PARTS>(), right.as_chunks::<PARTS>());
    for (x, y) in left.iter().zip(right) {
        for part in 0..PARTS {
            for lane in 0..LANES {
                for i in 0..4 {
                    sums[part][lane][i] += x[part][i] * y[part][lane];
                }
            }
        }
    }
    for (x, y) in left_rest.iter().zip(right_rest) {
        for lane in 0..LANES {
            for i in 0..4 {
                sums[0][lane][i] += x[i] * y[lane];
            }
        }
    }
    let mut total = sums[0];
    for part in &sums[1..] {
        for lane in 0..LANES {
            for i in 0..4 {
                total[lane][i] += part[lane][i];
            }
        }
    }
    total
}

// A function each: the compiler makes less of them where they share one.

fn square_of_one(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 1] {
    wide!(square_of::<1, 4>(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 1])
}

fn square_of_two(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 2] {
    wide!(square_of::<2, 4>(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 2])
}

fn square_of_four(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 4] {
    wide!(square_of::<4, 2>(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 4])
}

/// Adds one or two quads to the rows of the cells of up to four tables. Several at once read the quads once, and
/// additions to different places do not wait for each other.
fn add_plain_across(to: &mut [Across<f64>], width: usize, quads: &[Quad]) {
    #[inline(always)]
    fn kernel(to: &mut [Across<f64>], width: usize, quads: &[Quad]) {
        match quads {
            [[quad, _]] => add_to_tables(to, width, [quad]),
            [[first, _], [second, _]] => add_to_tables(to, width, [first, second]),
            _ => {}
        }
    }
    wide!(kernel(to: &mut [Across<f64>], width: usize, quads: &[Quad]))
}

#[inline(always)]
fn add_to_tables<const Q: usize>(to: &mut [Across<f64>], width: usize, quads: [&[[f64; 4]]; Q]) {
    match to {
        [a, b, c, d] => add_quads([a, b, c, d], width, quads),
        [a, b, c] => add_quads([a, b, c], width, quads),
        [a, b] => add_quads([a, b], width, quads),
        [a] => add_quads([a], width, quads),
        _ => {}
    }
}

#[inline(always)]
fn add_quads<const N: usize, const Q: usize>(to: [&mut Across<f64>; N], width: usize, quads: [&[[f64; 4]]; Q]) {
    let rows = quads[0].len();
    let quads = quads.map(|quad| &quad[..rows]);
    let mut tables = to.map(|to| (&to.cells[..rows], &mut *to.table));
    for row in 0..rows {
        for (cells, table) in &mut tables {
            let (to, _) = table[cells[row] as usize * width..][..4 * Q].as_chunks_mut::<4>();
            for (to, quad) in to.iter_mut().zip(&quads) {
                *to = from_fn(|lane| to[lane] + quad[row][lane]);
            }
        }
    }
}

/// Adds a quad times each value of a cell set, at the place of quad `q`.
fn add_products_across(to: &mut Across<f64>, width: usize, q: usize, quad: &[[f64; 4]]) {
    for (v, column) in to.values.iter().enumerate() {
        for ((x, &cell), &value) in quad.iter().zip(to.cells).zip(&**column) {
            let at = (cell as usize * to.values.len() + v) * width + 4 * q;
            to.table[at..at + 4].iter_mut().zip(x).for_each(|(to, x)| *to += value * x);
        }
    }
}

impl Accumulate for f64 {
    fn add_square(to: &mut [f64], width: usize, [left, _]: Quad, [right, _]: Quad, lanes: usize) {
        let mut add = |sums: &[[f64; 4]]| {
            for (i, to) in to.chunks_mut(width).take(4).enumerate() {
                to.iter_mut().zip(sums).for_each(|(to, sums)| *to += sums[i]);
            }
        };
        match lanes {
            1 => add(&square_of_one(left, right)),
            2 => add(&square_of_two(left, right)),
            _ => add(&square_of_four(left, right)),
        }
    }

    fn add_across(to: &mut [Across<f64>], width: usize, quads: &[Quad]) {
        for to in to.chunk_by_mut(|one, next| one.values.is_empty() && next.values.is_empty()) {
            match to {
                [one] if !one.values.is_empty() => {
                    quads.iter().enumerate().for_each(|(q, [quad, _])| add_products_across(one, width, q, quad));
                }
                plain => plain.chunks_mut(4).for_each(|plain| add_plain_across(plain, width, quads)),
            }
        }
    }

    fn add_within(table: &mut [f64], cells: &[u32], values: &[Cow<[f64]>], weights: Option<&[f64]>) {
        let k = values.len();
        for (row, &cell) in cells.iter().enumerate() {
            let w = weights.map_or(1.0, |w| w[row]);
            let square = &mut table[cell as usize * k * k..][..k * k];
            for (i, a) in values.iter().enumerate() {
                for (j, b) in values.iter().enumerate() {
                    square[i * k + j] += w * a[row] * b[row];
                }
            }
        }
    }

    fn add_between(
        table: &mut [f64],
        stride: usize,
        cells: [&[u32]; 2],
        values: [&[Cow<[f64]>]; 2],
        weights: Option<&[f64]>,
    ) {
        let [first, second] = values.map(|v| v.len().max(1));
        for (row, (&i, &j)) in cells[0].iter().zip(cells[1]).enumerate() {
            let w = weights.map_or(1.0, |w| w[row]);
            let cell = (i as usize * stride + j as usize) * first * second;
            for a in 0..first {
                let left = w * values[0].get(a).map_or(1.0, |v| v[row]);
                for b in 0..second {
                    table[cell + a * second + b] += left * values[1].get(b).map_or(1.0, |v| v[row]);
                }
            }
        }
    }
}

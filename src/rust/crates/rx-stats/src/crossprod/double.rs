//! The inner loops in double. Plain operations only: all machines give the same bits, some more of them at a time.

use super::{Accumulate, Across};
use std::borrow::Cow;

#[inline(always)]
fn square_of(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 4] {
    let mut sums = [[0.0f64; 4]; 4];
    for (x, y) in left.iter().zip(right) {
        for i in 0..4 {
            for j in 0..4 {
                sums[i][j] += x[i] * y[j];
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_square_of(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 4] {
    square_of(left, right)
}

/// The products of two quads, summed over rows.
fn fastest_square_of(left: &[[f64; 4]], right: &[[f64; 4]]) -> [[f64; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { wide_square_of(left, right) };
    }
    square_of(left, right)
}

/// Adds a quad to the rows of the cells of up to four tables. Several at once read the quad once, and additions to
/// different tables do not wait for each other.
#[inline(always)]
fn add_plain_across(to: &mut [Across<f64>], width: usize, quad: &[[f64; 4]]) {
    match to {
        [a, b, c, d] => add_quads([a, b, c, d], width, quad),
        [a, b, c] => add_quads([a, b, c], width, quad),
        [a, b] => add_quads([a, b], width, quad),
        [a] => add_quads([a], width, quad),
        _ => {}
    }
}

#[inline(always)]
fn add_quads<const N: usize>(to: [&mut Across<f64>; N], width: usize, quad: &[[f64; 4]]) {
    let mut tables = to.map(|to| (&to.cells[..quad.len()], &mut *to.table));
    for (row, x) in quad.iter().enumerate() {
        for (cells, table) in &mut tables {
            let at = cells[row] as usize * width;
            let to = &mut table[at..at + 4];
            for l in 0..4 {
                to[l] += x[l];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_add_plain_across(to: &mut [Across<f64>], width: usize, quad: &[[f64; 4]]) {
    add_plain_across(to, width, quad);
}

fn fastest_add_plain_across(to: &mut [Across<f64>], width: usize, quad: &[[f64; 4]]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { wide_add_plain_across(to, width, quad) };
    }
    add_plain_across(to, width, quad);
}

/// Adds a quad times each value of a cell set.
fn add_products_across(to: &mut Across<f64>, width: usize, quad: &[[f64; 4]]) {
    for (v, column) in to.values.iter().enumerate() {
        for ((x, &cell), &value) in quad.iter().zip(to.cells).zip(&**column) {
            let at = (cell as usize * to.values.len() + v) * width;
            to.table[at..at + 4].iter_mut().zip(x).for_each(|(to, x)| *to += value * x);
        }
    }
}

impl Accumulate for f64 {
    fn add_square(square: &mut [f64], width: usize, [left, _]: [&[[f64; 4]]; 2], [right, _]: [&[[f64; 4]]; 2]) {
        let sums = fastest_square_of(left, right);
        for (to, sums) in square.chunks_mut(width).zip(&sums) {
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
        }
    }

    fn add_across(to: &mut [Across<f64>], width: usize, [quad, _]: [&[[f64; 4]]; 2]) {
        for to in to.chunk_by_mut(|one, next| one.values.is_empty() && next.values.is_empty()) {
            match to {
                [one] if !one.values.is_empty() => add_products_across(one, width, quad),
                plain => plain.chunks_mut(4).for_each(|plain| fastest_add_plain_across(plain, width, quad)),
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

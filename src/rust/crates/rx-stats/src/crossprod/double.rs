//! The inner loops in double. Plain operations only: all machines give the same bits, some more of them at a time.

use super::Accumulate;
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

impl Accumulate for f64 {
    fn add_square(square: &mut [f64], width: usize, [left, _]: [&[[f64; 4]]; 2], [right, _]: [&[[f64; 4]]; 2]) {
        let sums = fastest_square_of(left, right);
        for (to, sums) in square.chunks_mut(width).zip(&sums) {
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
        }
    }

    fn add_across(table: &mut [f64], width: usize, [quad, _]: [&[[f64; 4]]; 2], cells: &[u32], values: &[Cow<[f64]>]) {
        let mut add = |row: usize, x: &[f64; 4], value: f64| {
            if let Some(to) = table[row * width..].first_chunk_mut::<4>() {
                for l in 0..4 {
                    to[l] += value * x[l];
                }
            }
        };
        if values.is_empty() {
            for (x, &cell) in quad.iter().zip(cells) {
                add(cell as usize, x, 1.0);
            }
        }
        for (v, column) in values.iter().enumerate() {
            for ((x, &cell), &value) in quad.iter().zip(cells).zip(&**column) {
                add(cell as usize * values.len() + v, x, value);
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

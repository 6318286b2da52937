//! The square of many columns in double: blocks of rows that stay in the second level of cache, tiles of sums that stay
//! in registers. Plain operations only: all machines give the same bits, some more of them at a time.

use std::borrow::Cow;
use std::ops::Range;

/// Quads of columns from which on this pays.
pub(super) const QUADS: usize = 4;
/// Columns of a panel.
const SIDE: usize = 8;
/// Rows of a block.
const ROWS: usize = 192;

/// Rows of a panel's values.
type Panel = [[f64; SIDE]];

/// Adds the products of all columns, less their shifts, to the upper triangle of a square.
pub(super) fn add(
    square: &mut [f64],
    width: usize,
    columns: &[Cow<[f64]>],
    shifts: &[f64],
    weights: Option<&[f64]>,
    rows: usize,
) {
    let mut left = vec![[0.0; SIDE]; columns.len().div_ceil(SIDE) * ROWS];
    let mut right = if weights.is_some() { left.clone() } else { Vec::new() };
    for start in (0..rows).step_by(ROWS) {
        let block = start..rows.min(start + ROWS);
        let count = block.len();
        pack(&mut left, columns, shifts, block.clone());
        if let Some(weights) = weights {
            let times = weights[block].iter().cycle();
            right.iter_mut().zip(&left).zip(times).for_each(|((to, x), w)| *to = x.map(|x| x * w));
        }
        let right = if weights.is_some() { &right } else { &left };
        let panels = columns.len().div_ceil(SIDE);
        for (a, x) in left.chunks_exact(count).take(panels).enumerate() {
            for (b, y) in right.chunks_exact(count).take(panels).enumerate().skip(a) {
                add_fastest_tile(&mut square[SIDE * (a * width + b)..], width, width - SIDE * b, x, y);
            }
        }
    }
}

/// Panels of a block, one after the other.
fn pack(panels: &mut Panel, columns: &[Cow<[f64]>], shifts: &[f64], block: Range<usize>) {
    let places = panels.chunks_exact_mut(block.len());
    for (panel, (columns, shifts)) in places.zip(columns.chunks(SIDE).zip(shifts.chunks(SIDE))) {
        for (at, (column, shift)) in columns.iter().zip(shifts).enumerate() {
            panel.iter_mut().zip(&column[block.clone()]).for_each(|(row, x)| row[at] = x - shift);
        }
    }
}

/// Products of some columns of a panel with those of another one, summed over rows.
#[inline(always)]
fn tile<const COLUMNS: usize>(left: &Panel, from: usize, right: &Panel) -> [[f64; SIDE]; COLUMNS] {
    let mut sums = [[0.0; SIDE]; COLUMNS];
    for (x, y) in left.iter().zip(right) {
        for i in 0..COLUMNS {
            for j in 0..SIDE {
                sums[i][j] += x[from + i] * y[j];
            }
        }
    }
    sums
}

/// Adds the products of two panels to a square, so many columns at a time as there are registers for.
#[inline(always)]
fn add_tile<const COLUMNS: usize>(square: &mut [f64], width: usize, columns: usize, left: &Panel, right: &Panel) {
    for from in (0..SIDE).step_by(COLUMNS) {
        let sums = tile::<COLUMNS>(left, from, right);
        for (i, sums) in (from..).zip(&sums) {
            // The last panel may be half empty.
            let Some(row) = square.get_mut(i * width..) else { return };
            row.iter_mut().take(columns).zip(sums).for_each(|(to, sum)| *to += sum);
        }
    }
}

#[cfg(all(target_arch = "x86_64", avx512))]
#[target_feature(enable = "avx512f")]
fn add_tile_512(square: &mut [f64], width: usize, columns: usize, left: &Panel, right: &Panel) {
    add_tile::<8>(square, width, columns, left, right);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_tile_256(square: &mut [f64], width: usize, columns: usize, left: &Panel, right: &Panel) {
    add_tile::<4>(square, width, columns, left, right);
}

fn add_fastest_tile(square: &mut [f64], width: usize, columns: usize, left: &Panel, right: &Panel) {
    #[cfg(all(target_arch = "x86_64", avx512))]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { add_tile_512(square, width, columns, left, right) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { add_tile_256(square, width, columns, left, right) };
    }
    add_tile::<2>(square, width, columns, left, right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_all_machines_have_the_same_bits() {
        let value = |i: usize| ((i * 7919) % 1000) as f64 / 7.0 - 60.0;
        let [x, y] = [0, 1].map(|k| (0..ROWS).map(|r| std::array::from_fn(|j| value(r * 16 + 8 * k + j))).collect());
        let (x, y): (Vec<[f64; SIDE]>, Vec<[f64; SIDE]>) = (x, y);
        let [mut plain, mut wider, mut fastest] = [(); 3].map(|()| vec![1.0; 12 * 12]);
        add_tile::<2>(&mut plain, 12, 12, &x, &y);
        add_tile::<4>(&mut wider, 12, 12, &x, &y);
        add_fastest_tile(&mut fastest, 12, 12, &x, &y);
        assert_eq!((&plain, &plain), (&wider, &fastest));
    }

    #[test]
    fn products_of_any_number_of_rows_and_columns() {
        for (rows, count, weighted) in [(ROWS * 2 + 5, 20, false), (3, 9, true), (ROWS, 16, true), (0, 17, false)] {
            let column = |j: usize| (0..rows).map(|r| ((r * 31 + j * 17) % 101) as f64).collect::<Vec<_>>();
            let columns: Vec<Cow<[f64]>> = (0..count).map(|j| column(j).into()).collect();
            let shifts: Vec<f64> = (0..count).map(|j| j as f64).collect();
            let weights: Vec<f64> = (0..rows).map(|r| (r % 4) as f64).collect();
            let width = count.div_ceil(4) * 4;
            let mut square = vec![0.0; width * width];
            add(&mut square, width, &columns, &shifts, weighted.then_some(&weights), rows);
            for (i, j) in (0..count).flat_map(|i| (i..count).map(move |j| (i, j))) {
                let about = |j: usize, r: usize| columns[j][r] - shifts[j];
                let of_row = |r: usize| about(i, r) * about(j, r) * if weighted { weights[r] } else { 1.0 };
                // Whole numbers, so sums are exact in any order.
                assert_eq!(square[i * width + j], (0..rows).map(of_row).sum::<f64>(), "{rows} {i} {j}");
            }
        }
    }
}

//! The inner loops in double-double.

use super::{Accumulate, Across, Quad};
use crate::dd::{Dd, TwoProduct, on_this_machine, quick_two_sum, two_sum};
use std::borrow::Cow;

/// Rows whose errors are added up in double, before they join the sum.
const STRETCH: usize = 128;

impl Accumulate for Dd {
    fn add_square(square: &mut [Dd], width: usize, left: Quad, right: Quad, _lanes: usize) {
        on_this_machine!(add_square(square: &mut [Dd], width: usize, left: Quad, right: Quad));
    }

    fn add_across(to: &mut [Across<Dd>], width: usize, quads: &[Quad]) {
        on_this_machine!(add_across(to: &mut [Across<Dd>], width: usize, quads: &[Quad]));
    }

    fn add_within(table: &mut [Dd], cells: &[u32], values: &[Cow<[f64]>], weights: Option<&[f64]>) {
        on_this_machine!(add_within(
            table: &mut [Dd], cells: &[u32], values: &[Cow<[f64]>], weights: Option<&[f64]>
        ));
    }

    fn add_between(
        table: &mut [Dd],
        stride: usize,
        cells: [&[u32]; 2],
        values: [&[Cow<[f64]>]; 2],
        weights: Option<&[f64]>,
    ) {
        on_this_machine!(add_between(
            table: &mut [Dd], stride: usize, cells: [&[u32]; 2], values: [&[Cow<[f64]>]; 2], weights: Option<&[f64]>
        ));
    }
}

#[inline(always)]
fn add_square<P: TwoProduct>(square: &mut [Dd], width: usize, left: Quad, right: Quad) {
    let stretches = left[0].chunks(STRETCH).zip(left[1].chunks(STRETCH));
    for ((x, x_low), (y, y_low)) in stretches.zip(right[0].chunks(STRETCH).zip(right[1].chunks(STRETCH))) {
        let mut sums = [[0.0f64; 4]; 4];
        let mut errors = [[0.0f64; 4]; 4];
        for ((x, x_low), (y, y_low)) in x.iter().zip(x_low).zip(y.iter().zip(y_low)) {
            for i in 0..4 {
                for j in 0..4 {
                    let (product, error) = P::two_product(x[i], y[j]);
                    let (sum, lost) = two_sum(sums[i][j], product);
                    sums[i][j] = sum;
                    errors[i][j] += (lost + error) + (x[i] * y_low[j] + x_low[i] * y[j]);
                }
            }
        }
        for (to, (sums, errors)) in square.chunks_mut(width).zip(sums.iter().zip(&errors)) {
            for (to, (&sum, &error)) in to.iter_mut().zip(sums.iter().zip(errors)) {
                *to = *to + Dd::sum(sum, error);
            }
        }
    }
}

/// Adds a product and its error.
#[inline(always)]
fn add(to: &mut Dd, (product, error): (f64, f64)) {
    let (sum, lost) = two_sum(to.hi, product);
    let (hi, lo) = quick_two_sum(sum, to.lo + (lost + error));
    *to = Dd { hi, lo };
}

/// The product of three numbers.
#[inline(always)]
fn product_of_three<P: TwoProduct>(a: f64, b: f64, c: f64) -> (f64, f64) {
    let (first, lost) = P::two_product(a, b);
    let (product, error) = P::two_product(first, c);
    (product, error + lost * c)
}

#[inline(always)]
fn add_across<P: TwoProduct>(to: &mut [Across<Dd>], width: usize, quads: &[Quad]) {
    for Across { table, cells, values } in to {
        let per_cell = values.len().max(1);
        for ((q, [high, low]), v) in quads.iter().enumerate().flat_map(|quad| (0..per_cell).map(move |v| (quad, v))) {
            for (row, ((x, x_low), &cell)) in high.iter().zip(*low).zip(*cells).enumerate() {
                let value = values.get(v).map_or(1.0, |column| column[row]);
                let to = &mut table[(cell as usize * per_cell + v) * width + 4 * q..][..4];
                for l in 0..4 {
                    let (product, error) = P::two_product(value, x[l]);
                    add(&mut to[l], (product, error + value * x_low[l]));
                }
            }
        }
    }
}

#[inline(always)]
fn add_within<P: TwoProduct>(table: &mut [Dd], cells: &[u32], values: &[Cow<[f64]>], weights: Option<&[f64]>) {
    let k = values.len();
    for (row, &cell) in cells.iter().enumerate() {
        let w = weights.map_or(1.0, |w| w[row]);
        let square = &mut table[cell as usize * k * k..][..k * k];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                add(&mut square[i * k + j], product_of_three::<P>(w, a[row], b[row]));
            }
        }
    }
}

#[inline(always)]
fn add_between<P: TwoProduct>(
    table: &mut [Dd],
    stride: usize,
    cells: [&[u32]; 2],
    values: [&[Cow<[f64]>]; 2],
    weights: Option<&[f64]>,
) {
    let [first, second] = [values[0].len().max(1), values[1].len().max(1)];
    for (row, (&i, &j)) in cells[0].iter().zip(cells[1]).enumerate() {
        let w = weights.map_or(1.0, |w| w[row]);
        let cell = (i as usize * stride + j as usize) * first * second;
        for a in 0..first {
            let left = values[0].get(a).map_or(1.0, |v| v[row]);
            for b in 0..second {
                let right = values[1].get(b).map_or(1.0, |v| v[row]);
                add(&mut table[cell + a * second + b], product_of_three::<P>(w, left, right));
            }
        }
    }
}

//! Solving in double-double, by multiples of rows.

use super::{Solve, contiguous};
use crate::dd::{self, Dd};
use crate::estimator::GoOn;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rx_data::Result;

impl Solve for Dd {
    const COLLINEAR: f64 = 1e-26;
    const CONSTANT: f64 = 1e-30;

    fn subtract_multiple(to: &mut [Dd], factor: Dd, from: &[Dd]) {
        dd::subtract_multiple(to, factor, from);
    }

    fn subtract_product(a: ArrayView2<Dd>, b: ArrayView2<Dd>, mut c: ArrayViewMut2<Dd>) {
        for (factors, mut to) in a.columns().into_iter().zip(c.rows_mut()) {
            for (&factor, from) in factors.iter().zip(b.rows()) {
                if let (Some(to), Some(from)) = (to.as_slice_mut(), from.as_slice()) {
                    dd::subtract_multiple(to, factor, from);
                }
            }
        }
    }

    /// Solves U V = 1 for V from the last row up, then U X = V' for the lower half of the symmetric X.
    fn inverse_of_square(upper: &Array2<Dd>, go_on: GoOn) -> Result<Array2<Dd>> {
        let n = upper.nrows();
        let mut v = Array2::from_shape_fn((n, n), |(i, j)| Dd::from(f64::from(u8::from(i == j))));
        solve_up(upper, &mut v, |row| row..n, go_on)?;
        let mut x = Array2::from_shape_fn((n, n), |(i, j)| v[[j, i]]);
        solve_up(upper, &mut x, |row| 0..row + 1, go_on)?;
        Ok(Array2::from_shape_fn((n, n), |(i, j)| x[[i.max(j), i.min(j)]]))
    }
}

/// Solves U X = B in place for the columns of each row that are wanted; those of a row must be wanted of later ones.
fn solve_up(
    upper: &Array2<Dd>,
    x: &mut Array2<Dd>,
    wanted: impl Fn(usize) -> std::ops::Range<usize>,
    go_on: GoOn,
) -> Result<()> {
    for i in (0..upper.nrows()).rev() {
        go_on()?;
        let (mut above, below) = x.view_mut().split_at(Axis(0), i + 1);
        let mut row = above.row_mut(i);
        let row = contiguous(row.as_slice_mut())?;
        for (l, later) in below.rows().into_iter().enumerate() {
            // Entries of a later row before its wanted ones are zero.
            let from = wanted(i).start.max(wanted(i + 1 + l).start);
            let range = from..wanted(i).end.min(wanted(i + 1 + l).end);
            dd::subtract_multiple(
                &mut row[range.clone()],
                upper[[i, i + 1 + l]],
                &contiguous(later.as_slice())?[range],
            );
        }
        row[wanted(i)].iter_mut().for_each(|x| *x = *x / upper[[i, i]]);
    }
    Ok(())
}

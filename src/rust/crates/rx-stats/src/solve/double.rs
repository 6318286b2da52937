//! Solving in double, by matrix products.

use super::{PANEL, Solve, each_strip, mirror};
use crate::estimator::GoOn;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use ndarray_linalg::{Diag, SolveTriangular, UPLO};
use rx_data::{Error, Result};

/// Triangles up to this size are inverted by LAPACK; larger ones by matrix products.
const LEAF: usize = 32;

impl Solve for f64 {
    const COLLINEAR: f64 = 1e-11;
    const CONSTANT: f64 = 1e-11;

    fn subtract_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has what the function is compiled for.
            return unsafe { wide_subtract_multiple(to, factor, from) };
        }
        subtract_multiple(to, factor, from);
    }

    fn subtract_product(a: ArrayView2<f64>, b: ArrayView2<f64>, mut c: ArrayViewMut2<f64>) {
        general_mat_mul(-1.0, &a.t(), &b, 1.0, &mut c);
    }

    /// With V the inverse of U, V V'.
    fn inverse_of_square(upper: &Array2<f64>, go_on: GoOn) -> Result<Array2<f64>> {
        let mut v = Array2::zeros(upper.dim());
        invert_upper(upper.view(), v.view_mut(), go_on)?;
        let mut inverse = Array2::zeros(v.dim());
        each_strip(&mut inverse.view_mut(), go_on, |start, mut to| {
            let rows = v.slice(s![start..start + to.nrows(), ..]);
            for left in (start..v.ncols()).step_by(PANEL) {
                // Rows of V begin on the diagonal.
                let columns = left..v.ncols().min(left + PANEL);
                let (rows, across) = (rows.slice(s![.., left..]), v.slice(s![columns.clone(), left..]));
                general_mat_mul(1.0, &rows, &across.t(), 0.0, &mut to.slice_mut(s![.., columns]));
            }
        })?;
        mirror(&mut inverse);
        Ok(inverse)
    }
}

#[inline(always)]
fn subtract_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to -= factor * from);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_subtract_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    subtract_multiple(to, factor, from);
}

/// The inverse of an upper triangle, by halves: that of (A B; 0 C) is (A^-1, -A^-1 B C^-1; 0, C^-1). `v` is zero before.
fn invert_upper(u: ArrayView2<f64>, mut v: ArrayViewMut2<f64>, go_on: GoOn) -> Result<()> {
    let n = u.nrows();
    if n == 0 {
        return Ok(());
    }
    if n <= LEAF {
        let inverse = u.to_owned().solve_triangular(UPLO::Upper, Diag::NonUnit, &Array2::eye(n));
        v.assign(&inverse.map_err(|e| Error::internal(format!("a triangular system cannot be solved: {e}")))?);
        return Ok(());
    }
    let half = n / 2;
    let (mut a, mut b, mut c) = v.multi_slice_mut((s![..half, ..half], s![..half, half..], s![half.., half..]));
    let mut first = || invert_upper(u.slice(s![..half, ..half]), a.view_mut(), go_on);
    let mut second = || invert_upper(u.slice(s![half.., half..]), c.view_mut(), go_on);
    if n > 2 * PANEL {
        let (first, second) = rayon::join(first, second);
        first.and(second)?;
    } else {
        first().and_then(|()| second())?;
    }
    let mut product = Array2::zeros((half, n - half));
    each_strip(&mut product.view_mut(), go_on, |start, mut to| {
        let rows = a.slice(s![start..start + to.nrows(), start..]);
        general_mat_mul(1.0, &rows, &u.slice(s![start..half, half..]), 0.0, &mut to);
    })?;
    each_strip(&mut b, go_on, |start, mut to| {
        let rows = product.slice(s![start..start + to.nrows(), ..]);
        for left in (0..c.ncols()).step_by(PANEL) {
            let columns = left..c.ncols().min(left + PANEL);
            let (rows, below) = (rows.slice(s![.., ..columns.end]), c.slice(s![..columns.end, columns.clone()]));
            general_mat_mul(-1.0, &rows, &below, 0.0, &mut to.slice_mut(s![.., columns]));
        }
    })
}

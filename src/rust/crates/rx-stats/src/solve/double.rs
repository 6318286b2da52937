//! Solving in double, by matrix products.

use super::{PANEL, Solve};
use crate::estimator::GoOn;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use ndarray_linalg::{Diag, SolveTriangular, UPLO};
use rx_data::{Error, Result};

impl Solve for f64 {
    const COLLINEAR: f64 = 1e-11;
    const CONSTANT: f64 = 1e-11;

    fn subtract_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to -= factor * from);
    }

    fn subtract_product(a: ArrayView2<f64>, b: ArrayView2<f64>, mut c: ArrayViewMut2<f64>) {
        general_mat_mul(-1.0, &a.t(), &b, 1.0, &mut c);
    }

    /// With V the inverse of U, V V'.
    fn inverse_of_square(upper: &Array2<f64>, go_on: GoOn) -> Result<Array2<f64>> {
        let v = invert_upper(upper.view(), go_on)?;
        let mut inverse = Array2::zeros(v.dim());
        for start in (0..v.nrows()).step_by(PANEL) {
            go_on()?;
            // Rows of V begin on the diagonal, and what is left of the diagonal follows by symmetry.
            let end = (start + PANEL).min(v.nrows());
            let rows = v.slice(s![start..end, start..]).dot(&v.slice(s![start.., start..]).t());
            inverse.slice_mut(s![start.., start..end]).assign(&rows.t());
            inverse.slice_mut(s![start..end, start..]).assign(&rows);
        }
        Ok(inverse)
    }
}

/// The inverse of an upper triangle, by halves: that of (A B; 0 C) is (A^-1, -A^-1 B C^-1; 0, C^-1).
fn invert_upper(u: ArrayView2<f64>, go_on: GoOn) -> Result<Array2<f64>> {
    let n = u.nrows();
    if n == 0 {
        return Ok(Array2::zeros((0, 0)));
    }
    if n <= PANEL {
        return u
            .to_owned()
            .solve_triangular(UPLO::Upper, Diag::NonUnit, &Array2::eye(n))
            .map_err(|e| Error::internal(format!("a triangular system cannot be solved: {e}")));
    }
    let half = n / 2;
    let a = invert_upper(u.slice(s![..half, ..half]), go_on)?;
    let c = invert_upper(u.slice(s![half.., half..]), go_on)?;
    let corner = product(product(a.view(), u.slice(s![..half, half..]), go_on)?.view(), c.view(), go_on)?;
    let mut inverse = Array2::zeros((n, n));
    inverse.slice_mut(s![..half, ..half]).assign(&a);
    inverse.slice_mut(s![half.., half..]).assign(&c);
    inverse.slice_mut(s![..half, half..]).assign(&-corner);
    Ok(inverse)
}

/// A matrix product, some rows at a time so that it can be stopped.
fn product(a: ArrayView2<f64>, b: ArrayView2<f64>, go_on: GoOn) -> Result<Array2<f64>> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    for start in (0..a.nrows()).step_by(PANEL) {
        go_on()?;
        let end = (start + PANEL).min(a.nrows());
        general_mat_mul(1.0, &a.slice(s![start..end, ..]), &b, 0.0, &mut c.slice_mut(s![start..end, ..]));
    }
    Ok(c)
}

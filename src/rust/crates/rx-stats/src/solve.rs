//! Linear algebra on the master: the only user of LAPACK.

use crate::estimator::GoOn;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};
use ndarray_linalg::{Diag, SolveTriangular, UPLO};
use rx_data::{Error, Result};

/// Columns factored together; the rest of the work is matrix products.
const PANEL: usize = 96;

/// Share of a column's variation that must be its own; less is rounding. Cross products hold about 1e-15.
pub const COLLINEAR: f64 = 1e-11;

/// A Cholesky factor of the columns that are not linear combinations of earlier ones.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Positions of the columns kept, in the order given.
    pub kept: Vec<usize>,
    /// Upper triangle U with U'U = the kept block.
    pub upper: Array2<f64>,
}

/// Cholesky factorisation of a positive semidefinite matrix with unit diagonal, column by column in the order they
/// stand: a column whose remaining pivot is under [`COLLINEAR`] is left out. A zero column (diagonal 0) is left out too.
/// Blocked by panels (Golub and Van Loan, Matrix Computations, 4.2).
pub fn factor_in_order(mut a: Array2<f64>, go_on: GoOn) -> Result<Factor> {
    let p = a.nrows();
    let mut kept = Vec::with_capacity(p);
    for start in (0..p).step_by(PANEL) {
        go_on()?;
        let end = (start + PANEL).min(p);
        for j in start..end {
            for l in start..j {
                let factor = a[[l, j]];
                if factor != 0.0 {
                    let (above, mut below) = a.view_mut().split_at(ndarray::Axis(0), j);
                    below.slice_mut(s![0, j..]).scaled_add(-factor, &above.slice(s![l, j..]));
                }
            }
            let pivot = a[[j, j]];
            if pivot > COLLINEAR {
                kept.push(j);
                let root = pivot.sqrt();
                a.slice_mut(s![j, j..]).mapv_inplace(|x| x / root);
            } else {
                a.slice_mut(s![j, j..]).fill(0.0);
            }
        }
        let (panel, mut rest) = a.view_mut().split_at(ndarray::Axis(0), end);
        let panel = panel.slice(s![start.., end..]);
        general_mat_mul(-1.0, &panel.t(), &panel, 1.0, &mut rest.slice_mut(s![.., end..]));
    }
    let k = kept.len();
    let upper = Array2::from_shape_fn((k, k), |(i, j)| if i <= j { a[[kept[i], kept[j]]] } else { 0.0 });
    Ok(Factor { kept, upper })
}

impl Factor {
    /// The inverse of the kept block: with V the inverse of U, V V'.
    pub fn inverse(&self, go_on: GoOn) -> Result<Array2<f64>> {
        let v = invert_upper(self.upper.view(), go_on)?;
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

/// Largest column sum of absolute values.
pub fn norm_1(a: &Array2<f64>) -> f64 {
    a.columns().into_iter().map(|c| c.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Correlation-like matrix of made-up columns; some are sums of others.
    fn gram(columns: usize, dependent: &[usize]) -> Array2<f64> {
        let rows = 3 * columns;
        let mut seed = 88_172_645_463_325_252u64;
        let mut x = Array2::from_shape_simple_fn((rows, columns), || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 40) as f64 / 16_777_216.0 - 0.5
        });
        for &j in dependent {
            let sum = &x.column(0) + &x.column(j - 1);
            x.column_mut(j).assign(&sum);
        }
        let g = x.t().dot(&x);
        let scale: Vec<f64> = g.diag().iter().map(|d| d.sqrt()).collect();
        Array2::from_shape_fn(g.dim(), |(i, j)| g[[i, j]] / scale[i] / scale[j])
    }

    #[test]
    fn dependent_columns_are_left_out_in_any_panel() {
        let g = gram(250, &[5, 100, 249]);
        let factor = factor_in_order(g.clone(), &|| Ok(())).unwrap();
        assert_eq!(factor.kept, (0..250).filter(|j| ![5, 100, 249].contains(j)).collect::<Vec<_>>());
        let block = Array2::from_shape_fn((247, 247), |(i, j)| g[[factor.kept[i], factor.kept[j]]]);
        let identity = block.dot(&factor.inverse(&|| Ok(())).unwrap());
        let off = (&identity - &Array2::<f64>::eye(247)).iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(off < 1e-9, "{off}");
    }

    #[test]
    fn no_column_at_all() {
        let factor = factor_in_order(Array2::zeros((1, 1)), &|| Ok(())).unwrap();
        assert!(factor.kept.is_empty() && factor.inverse(&|| Ok(())).unwrap().is_empty());
    }
}

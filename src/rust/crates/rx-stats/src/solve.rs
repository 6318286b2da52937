//! Linear algebra on the master, in double or double-double: the only user of LAPACK.

mod double;
mod extended;

use crate::dd::Number;
use crate::estimator::GoOn;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;
use rx_data::{Error, Result};

/// Columns factored together; the rest of the work is matrix products, so many rows at a time.
const PANEL: usize = 96;
/// Rows of a panel solved one by one; what they take from the panel's later rows is a matrix product, too.
const GROUP: usize = 24;

/// What solving needs of a kind of number.
pub trait Solve: Number {
    /// Share of a column's variation that must be its own; less is what rounding leaves of a linear combination.
    const COLLINEAR: f64;
    /// Share of a column's raw sum of squares that its variation must be: its values are doubles in any case.
    const CONSTANT: f64;

    /// `to -= factor * from`.
    fn subtract_multiple(to: &mut [Self], factor: Self, from: &[Self]);
    /// `c -= a'b`.
    fn subtract_product(a: ArrayView2<Self>, b: ArrayView2<Self>, c: ArrayViewMut2<Self>);
    /// The inverse of U'U, U an upper triangle.
    fn inverse_of_square(upper: &Array2<Self>, go_on: GoOn) -> Result<Array2<Self>>;
}

/// A Cholesky factor of the columns that are not linear combinations of earlier ones.
#[derive(Debug, Clone)]
pub struct Factor<T> {
    /// Positions of the columns kept, in the order given.
    pub kept: Vec<usize>,
    /// Upper triangle U with U'U = the kept block.
    pub upper: Array2<T>,
    /// U'^-1 of the right-hand sides.
    pub right: Array2<T>,
}

/// Cholesky factorisation of a positive semidefinite matrix, column by column in the order they stand: a column whose
/// remaining pivot is not above its entry of `least` is left out. Right of the matrix stand right-hand sides, which are
/// taken along. Only the upper triangle is read. Blocked by panels (Golub and Van Loan, Matrix Computations, 4.2).
pub fn factor_in_order<T: Solve>(mut a: Array2<T>, least: &[f64], go_on: GoOn) -> Result<Factor<T>> {
    let (p, width) = a.dim();
    let mut kept = Vec::with_capacity(p);
    for start in (0..p).step_by(PANEL) {
        go_on()?;
        let end = (start + PANEL).min(p);
        let (mut panel, mut rest) = a.multi_slice_mut((s![start..end, ..], s![end.., ..]));
        // The square on the diagonal decides what is kept; it is copied to lie together.
        let mut square = panel.slice(s![.., start..end]).to_owned();
        let mut roots = vec![None; end - start];
        for j in 0..end - start {
            let (above, mut below) = square.view_mut().split_at(Axis(0), j);
            let row = &mut contiguous(below.row_mut(0).into_slice())?[j..];
            for (earlier, _) in above.rows().into_iter().zip(&roots).filter(|(_, root)| root.is_some()) {
                let earlier = &contiguous(earlier.to_slice())?[j..];
                T::subtract_multiple(row, earlier[0], earlier);
            }
            if row[0].value() > least[start + j] {
                kept.push(start + j);
                let root = row[0].sqrt();
                roots[j] = Some(root);
                row.iter_mut().for_each(|x| *x = *x / root);
            } else {
                row.fill(T::default());
            }
        }
        panel.slice_mut(s![.., start..end]).assign(&square);
        // Columns right of it, some at a time.
        let right = panel.slice_mut(s![.., end..]);
        each_strip(&mut right.reversed_axes(), go_on, |_, columns| {
            let mut columns = columns.reversed_axes();
            let mut own = columns.to_owned();
            for first in (0..roots.len()).step_by(GROUP) {
                let next = roots.len().min(first + GROUP);
                for j in first..next {
                    let (above, mut below) = own.view_mut().split_at(Axis(0), j);
                    let mut row = below.row_mut(0);
                    for l in (first..j).filter(|&l| roots[l].is_some()) {
                        if let (Some(row), Some(earlier)) = (row.as_slice_mut(), above.row(l).to_slice()) {
                            T::subtract_multiple(row, square[[l, j]], earlier);
                        }
                    }
                    row.iter_mut().for_each(|x| *x = roots[j].map_or(T::default(), |root| *x / root));
                }
                let (group, later) = own.multi_slice_mut((s![first..next, ..], s![next.., ..]));
                T::subtract_product(square.slice(s![first..next, next..]), group.view(), later);
            }
            columns.assign(&own);
        })?;
        each_strip(&mut rest, go_on, |row, mut to| {
            let strip = end + row;
            let rows = strip..strip + to.nrows();
            let to = to.slice_mut(s![.., strip..]);
            T::subtract_product(panel.slice(s![.., rows]), panel.slice(s![.., strip..]), to);
        })?;
    }
    let k = kept.len();
    let mut upper = Array2::from_elem((k, k), T::default());
    for (i, mut to) in upper.rows_mut().into_iter().enumerate() {
        let from = a.row(kept[i]);
        to.iter_mut().zip(&kept).skip(i).for_each(|(to, &j)| *to = from[j]);
    }
    let right = Array2::from_shape_fn((k, width - p), |(i, r)| a[[kept[i], p + r]]);
    Ok(Factor { kept, upper, right })
}

impl<T: Solve> Factor<T> {
    /// The solutions of the kept block, a column a right-hand side.
    pub fn solution(&self) -> Array2<T> {
        let mut x = self.right.clone();
        for r in 0..x.ncols() {
            for i in (0..x.nrows()).rev() {
                let known = (i + 1..x.nrows()).fold(x[[i, r]], |sum, j| sum - self.upper[[i, j]] * x[[j, r]]);
                x[[i, r]] = known / self.upper[[i, i]];
            }
        }
        x
    }

    /// The inverse of the kept block.
    pub fn inverse(&self, go_on: GoOn) -> Result<Array2<T>> {
        T::inverse_of_square(&self.upper, go_on)
    }
}

fn contiguous<S>(slice: Option<S>) -> Result<S> {
    slice.ok_or_else(|| Error::internal("a matrix does not lie in memory row by row"))
}

/// Calls `f` with strips of a matrix's rows and the number of their first, on all threads of the pool. Which rows make a
/// strip does not depend on the threads.
pub fn each_strip<T: Send>(
    a: &mut ArrayViewMut2<T>,
    go_on: GoOn,
    f: impl Fn(usize, ArrayViewMut2<T>) + Sync,
) -> Result<()> {
    let one = |(i, strip): (usize, ArrayViewMut2<T>)| {
        go_on()?;
        f(i * PANEL, strip);
        Ok(())
    };
    let strips: Vec<_> = a.axis_chunks_iter_mut(Axis(0), PANEL).enumerate().collect();
    match strips.len() {
        0 | 1 => strips.into_iter().try_for_each(one),
        _ => strips.into_par_iter().with_max_len(1).try_for_each(one),
    }
}

/// Copies the upper triangle to the lower one, by squares that fit into the first level of cache.
pub fn mirror<T: Copy>(a: &mut Array2<T>) {
    const SIDE: usize = 32;
    let n = a.nrows();
    for (top, left) in (0..n).step_by(SIDE).flat_map(|top| (top..n).step_by(SIDE).map(move |left| (top, left))) {
        for j in left..n.min(left + SIDE) {
            for i in top..j.min(top + SIDE) {
                a[[j, i]] = a[[i, j]];
            }
        }
    }
}

/// A matrix whose rows all threads of the pool fill in.
pub fn filled<T: Solve>(
    dim: (usize, usize),
    go_on: GoOn,
    entry: impl Fn(usize, usize) -> T + Sync,
) -> Result<Array2<T>> {
    let mut matrix = Array2::from_elem(dim, T::default());
    each_strip(&mut matrix.view_mut(), go_on, |start, mut rows| {
        for (i, mut row) in (start..).zip(rows.rows_mut()) {
            row.iter_mut().enumerate().for_each(|(j, to)| *to = entry(i, j));
        }
    })?;
    Ok(matrix)
}

/// Largest column sum of absolute values of a symmetric matrix, of which the upper triangle is asked for, after both its
/// rows and its columns are multiplied by `scale`.
pub fn norm_1(scale: &[f64], entry: impl Fn(usize, usize) -> f64) -> f64 {
    let mut sums = vec![0.0; scale.len()];
    for i in 0..scale.len() {
        let mut sum = entry(i, i).abs() * scale[i];
        for j in i + 1..scale.len() {
            let x = entry(i, j).abs();
            sum += x * scale[j];
            sums[j] += x * scale[i];
        }
        sums[i] += sum;
    }
    sums.iter().zip(scale).map(|(sum, scale)| sum * scale).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dd::Dd;

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

    /// Factors, inverts and solves for the sum of all kept columns, whose solution is ones.
    fn solves<T: Solve>(size: usize, dependent: &[usize]) {
        let g = gram(size, dependent);
        let kept: Vec<usize> = (0..size).filter(|j| !dependent.contains(j)).collect();
        let sum = |i: usize| kept.iter().map(|&j| g[[i, j]]).sum::<f64>();
        let wide = Array2::from_shape_fn((size, size + 1), |(i, j)| if j < size { g[[i, j]] } else { sum(i) }.into());
        let factor = factor_in_order::<T>(wide, &vec![1e-11; size], &|| Ok(())).unwrap();
        assert_eq!(factor.kept, kept);
        let inverse = factor.inverse(&|| Ok(())).unwrap().mapv(T::value);
        let block = Array2::from_shape_fn((kept.len(), kept.len()), |(i, j)| g[[kept[i], kept[j]]]);
        let off = (&block.dot(&inverse) - &Array2::<f64>::eye(kept.len())).iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(off < 1e-9, "{off}");
        assert!(factor.solution().iter().all(|x| (x.value() - 1.0).abs() < 1e-9));
    }

    #[test]
    fn dependent_columns_are_left_out_in_any_panel() {
        solves::<f64>(250, &[5, 100, 249]);
        solves::<Dd>(250, &[5, 100, 249]);
    }

    #[test]
    fn no_column_at_all() {
        let factor = factor_in_order(Array2::<f64>::zeros((1, 2)), &[0.0], &|| Ok(())).unwrap();
        assert!(factor.kept.is_empty() && factor.inverse(&|| Ok(())).unwrap().is_empty());
        assert_eq!(factor.solution().dim(), (0, 1));
    }

    #[test]
    fn double_double_solves_what_double_cannot() {
        // Hilbert's matrix of order 14 has condition 1e19; the entries of its inverse are whole numbers.
        let n = 14;
        let entry = |(i, j): (usize, usize)| match j {
            j if j < n => Dd::from(1.0) / Dd::from((i + j + 1) as f64),
            _ => (0..n).map(|j| Dd::from(1.0) / Dd::from((i + j + 1) as f64)).sum(),
        };
        let factor = factor_in_order(Array2::from_shape_fn((n, n + 1), entry), &[1e-26; 14], &|| Ok(())).unwrap();
        assert_eq!(factor.kept.len(), n);
        assert!(factor.solution().iter().all(|x| (x.value() - 1.0).abs() < 1e-12));
        let corner = factor.inverse(&|| Ok(())).unwrap()[[0, 0]].value();
        assert!((corner / 196.0 - 1.0).abs() < 1e-12, "{corner}");
    }
}

//! Which columns of a linear model are kept, and what they are solved for.
//!
//! The cells of the first term, where it is nothing but a factor, need no factorisation: with D their weights, C = their
//! sums of the other columns about the means of all rows, and Q = D^-1 C, the rest is solved for with S = X'WX - C'Q. Of
//! the coefficients relative to the last cell r, with rows d_g = q_g - q_r: `b_g = ybar_g - ybar_r - d_g'b`,
//! `Cov(b_g, b_h) = sigma^2 (1/n_g if g = h, + 1/n_r + d_g' S^-1 d_h)`, `Cov(b_g, b) = -sigma^2 d_g' S^-1`. So the
//! largest factor costs next to nothing where it comes first.

use super::LinMod;
use super::finish::{ModelColumn, Normal};
use crate::crossprod::Sums;
use crate::estimator::GoOn;
use crate::solve::{Factor, Solve, each_strip, factor_in_order, filled, mirror, norm_1};
use ndarray::{Array2, ArrayViewMut1, Axis, s};
use rx_data::Result;

/// The kept columns, their coefficients and the inverse of their cross products.
pub(super) struct Kept<T> {
    /// Positions among the model's columns.
    pub(super) columns: Vec<usize>,
    /// Kept columns by responses.
    pub(super) b: Array2<T>,
    pub(super) inverse: Array2<T>,
    /// Sums of squares that the kept columns explain, one a response.
    pub(super) explained: Vec<T>,
    pub(super) condition: f64,
    /// Columns that are aliased for no reason of factors.
    pub(super) collinear: Vec<usize>,
}

/// Decides on the columns one after the other, in the order given.
pub(super) fn keep<T: Solve>(
    normal: &Normal<T>,
    model: &LinMod,
    sums: &Sums<T>,
    columns: &[ModelColumn],
    order: &[usize],
    go_on: GoOn,
) -> Result<Kept<T>> {
    let leading = leading_cells(model, columns, order);
    let (cells, rest) = order.split_at(leading);
    let cells: Vec<usize> = cells.iter().copied().filter(|&j| model.has_rows(sums, &columns[j])).collect();
    let levels = &cells[..cells.len().saturating_sub(1)];
    // A column whose variation about its mean is only rounding is constant. Scaling by powers of two is exact.
    let own = |j: usize| normal.xx[[j, j]].value();
    let (mut least, mut scale) = (Vec::new(), Vec::new());
    for &j in rest {
        let single = model.products.is_single(columns[j].place);
        let (collinear, constant) = match single {
            _ if model.aliased.is_some() => (0.0, 0.0),
            true => (T::COLLINEAR.max(1e-13), T::CONSTANT.max(1e-15)),
            false => (T::COLLINEAR, T::CONSTANT),
        };
        let size = if own(j) > 0.0 { power_of_two(1.0 / own(j).sqrt()) } else { 0.0 };
        least.push((collinear * own(j)).max(constant * normal.raw[j]) * size * size);
        scale.push(size);
    }
    let (p, responses) = (rest.len(), normal.xy.ncols());
    let product = |a: usize, b: usize| normal.xx[[a.min(b), a.max(b)]];
    // The scaled column, or response, at a position of the system.
    let with = |j: usize, at: usize| match at.checked_sub(p) {
        None => product(j, rest[at]) * scale[at].into(),
        Some(response) => normal.xy[[j, response]],
    };
    let centred = filled((cells.len(), p + responses), go_on, |g, at| with(cells[g], at))?;
    let sizes: Vec<T> = cells.iter().map(|&j| model.products.get(sums, columns[j].place, columns[j].place)).collect();
    let means = filled(centred.dim(), go_on, |g, at| centred[[g, at]] / sizes[g])?;
    let mut system = Array2::from_elem((p, p + responses), T::default());
    each_strip(&mut system.view_mut(), go_on, |start, mut rows| {
        for (i, mut row) in (start..).zip(rows.rows_mut()) {
            (i..p + responses).for_each(|at| row[at] = with(rest[i], at) * scale[i].into());
        }
        let strip = start..start + rows.nrows();
        let rows = rows.slice_mut(s![.., start..]);
        T::subtract_product(centred.slice(s![.., strip]), means.slice(s![.., start..]), rows);
    })?;
    let factor: Factor<T> = factor_in_order(system, &least, go_on)?;
    // By kept column, the difference of each level from the reference.
    let difference = |at: usize, g: usize| means[[g, at]] - means[[levels.len(), at]];
    let differences = filled((factor.kept.len(), levels.len()), go_on, |i, g| difference(factor.kept[i], g))?;
    let inverse = inverse(&factor, &differences, &sizes, &scale, go_on)?;
    let solution = factor.solution();
    let of_level = |g: usize, r: usize| {
        let known =
            differences.column(g).iter().zip(solution.column(r)).fold(T::default(), |sum, (&d, &b)| sum + d * b);
        difference(p + r, g) - known
    };
    let b = Array2::from_shape_fn((inverse.nrows(), responses), |(i, r)| match i.checked_sub(levels.len()) {
        None => of_level(i, r),
        Some(i) => solution[[i, r]] * scale[factor.kept[i]].into(),
    });
    let explained = |r: usize| {
        let by_cells = centred.column(p + r).into_iter().zip(means.column(p + r));
        let by_cells = by_cells.fold(T::default(), |sum, (&x, &mean)| sum + x * mean);
        factor.right.column(r).iter().fold(by_cells, |sum, &x| sum + x * x)
    };
    let kept: Vec<usize> = levels.iter().copied().chain(factor.kept.iter().map(|&i| rest[i])).collect();
    let condition = condition(&kept, product, &inverse);
    let explained = (0..responses).map(explained).collect();
    Ok(Kept { columns: kept, b, inverse, explained, condition, collinear: Vec::new() })
}

/// How many of the first columns are all cells of a factor, so that they add up to the intercept.
pub(super) fn leading_cells(model: &LinMod, columns: &[ModelColumn], order: &[usize]) -> usize {
    let Some(first) = order.first().map(|&j| columns[j].place) else { return 0 };
    let set = &model.products.sets[first.set];
    let is_of_first = |j: &&usize| columns[**j].place.set == first.set && columns[**j].place.value == first.value;
    let leading = order.iter().take_while(is_of_first).count();
    let is_factor = first.set > 0 && set.values[first.value].is_empty() && leading as u64 == set.classes.cells();
    if is_factor && model.formula.intercept && !model.formula.cube { leading } else { 0 }
}

/// The inverse of the cross products of the levels but the reference, and of the columns kept by a factorisation.
///
/// `differences` and the factor are those of columns times `scale`; `sizes` are the weights of the cells.
fn inverse<T: Solve>(
    factor: &Factor<T>,
    differences: &Array2<T>,
    sizes: &[T],
    scale: &[f64],
    go_on: GoOn,
) -> Result<Array2<T>> {
    let (kept, levels) = differences.dim();
    let solved = factor.inverse(go_on)?;
    let scale: Vec<T> = factor.kept.iter().map(|&i| scale[i].into()).collect();
    let mut inverse = Array2::from_elem((levels + kept, levels + kept), T::default());
    let (top, mut bottom) = inverse.view_mut().split_at(Axis(0), levels);
    let (mut own, mut across) = top.split_at(Axis(1), levels);
    each_strip(&mut across, go_on, |start, to| {
        T::subtract_product(differences.slice(s![.., start..start + to.nrows()]), solved.view(), to);
    })?;
    each_strip(&mut own, go_on, |start, mut to| {
        let one = T::from(1.0);
        for (g, mut row) in (start..).zip(to.rows_mut()) {
            row.fill(one / sizes[levels]);
            row[g] = row[g] + one / sizes[g];
        }
        let across = across.slice(s![start..start + to.nrows(), ..]);
        T::subtract_product(across.t(), differences.slice(s![.., start..]), to.slice_mut(s![.., start..]));
    })?;
    let times_scale = |mut row: ArrayViewMut1<T>, factor: T| {
        row.iter_mut().zip(&scale).for_each(|(x, &of_column)| *x = *x * factor * of_column);
    };
    across.rows_mut().into_iter().for_each(|row| times_scale(row, T::from(1.0)));
    bottom.slice_mut(s![.., levels..]).assign(&solved);
    for (row, &factor) in bottom.slice_mut(s![.., levels..]).rows_mut().into_iter().zip(&scale) {
        times_scale(row, factor);
    }
    mirror(&mut inverse);
    Ok(inverse)
}

/// The 1-norm condition number of the correlations of columns, given their cross products and the inverse of these.
fn condition<T: Solve>(columns: &[usize], product: impl Fn(usize, usize) -> T + Sync, inverse: &Array2<T>) -> f64 {
    if columns.is_empty() {
        return 1.0;
    }
    let size: Vec<f64> = columns.iter().map(|&j| product(j, j).value().sqrt()).collect();
    let inverse_size: Vec<f64> = size.iter().map(|size| 1.0 / size).collect();
    let block = |i: usize, j: usize| product(columns[i], columns[j]).value();
    let (block, inverse) =
        rayon::join(|| norm_1(&inverse_size, block), || norm_1(&size, |i, j| inverse[[i, j]].value()));
    block * inverse
}

/// The power of two next to a positive number, within what a double holds with room for a square.
fn power_of_two(x: f64) -> f64 {
    2f64.powi(x.log2().round().clamp(-500.0, 500.0) as i32)
}

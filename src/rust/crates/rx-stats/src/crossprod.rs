//! Weighted cross products of model columns, without ever forming the columns (regressions, covariances).
//!
//! A model column is a product of numeric variables, possibly confined to one cell of an interaction of categories. All
//! columns over the same categories form a [`CellSet`]; in it a row touches one cell only. So the cross product of two
//! cell sets is a table by pairs of cells, and a row costs (columns it touches)^2 additions whatever the number of
//! levels. The first cell set has no categories and a single cell; it holds the intercept, the numeric columns and the
//! responses. Its columns are kept relative to a pilot's mean, so that sums of squares lose no digits to a large mean.

use crate::cells::Classification;
use crate::design::Design;
use crate::estimator::{Estimator, ModelBatch};
use crate::levels::Moves;
use crate::summary::pilot_shift;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// A product of numeric variables (positions in the design); the empty product is 1.
pub type Product = Vec<usize>;

/// Columns over the same categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellSet {
    /// The categories.
    pub classes: Classification,
    /// The numeric factors of its columns: each gives one column a cell.
    pub values: Vec<Product>,
}

/// Where a column's entries are: cell set, value and cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position of the cell set.
    pub set: usize,
    /// Position among its values.
    pub value: usize,
    /// The cell.
    pub cell: usize,
}

/// Accumulates cross products of columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrossProducts {
    /// The cell sets; the first is without categories and starts with the empty product.
    pub sets: Vec<CellSet>,
    /// Subtracted from the values of the first cell set.
    pub shifts: Vec<f64>,
    /// Whether a pilot may choose shifts: a model without intercept cannot undo them.
    shifting: bool,
    weighted: bool,
    /// The memory for all states in bytes.
    limit: u64,
}

/// Sums over rows of products of columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// Rows.
    pub n: u64,
    /// Rows dropped for missing values.
    pub dropped: u64,
    /// Sum of log(w) over the rows, for likelihoods with weights.
    pub log_weight: f64,
    /// First cell set with itself: a full square of quads.
    square: Vec<f64>,
    /// First cell set with each other one: by cell, by value, a row of quads.
    across: Vec<Vec<f64>>,
    /// Each other cell set with itself: by cell, a square of values. Empty where `across` says it all.
    within: Vec<Vec<f64>>,
    /// Pairs of different other cell sets.
    between: Vec<Table>,
}

/// Products of two cell sets: by cell of the first, cell of the second, value of the first, value of the second.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Table {
    /// Counts of rows while a lane runs.
    Counts(Vec<u32>),
    /// Counts of rows after a merge.
    Total(Vec<u64>),
    /// Sums.
    Sums(Vec<f64>),
}

impl CrossProducts {
    /// Cross products of all columns of some cell sets; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, sets: Vec<CellSet>, shifting: bool, limit: u64) -> Result<Self> {
        let shifts = vec![0.0; sets[0].values.len()];
        CrossProducts { sets, shifts, shifting, weighted: design.weight.is_some(), limit }.within_limit()
    }

    fn within_limit(self) -> Result<Self> {
        let bytes = self.state_bytes().saturating_mul(8) as u64;
        if bytes <= self.limit {
            return Ok(self);
        }
        let what = format!("The model's tables need {} MB; the limit is {} MB.", bytes >> 20, self.limit >> 20);
        Err(Error::new(ErrorKind::Memory, what)
            .hint("Use factors with fewer levels, fewer interactions, or raise rxOptions(memoryLimitMB)."))
    }

    /// Values of the first cell set, rounded up to whole quads.
    fn quads(&self) -> usize {
        self.sets[0].values.len().div_ceil(4)
    }

    fn others(&self) -> &[CellSet] {
        &self.sets[1..]
    }

    /// Whether a cell set's own products are all in its first row with the first cell set.
    fn is_plain(set: &CellSet) -> bool {
        set.values.len() == 1 && set.values[0].is_empty()
    }

    /// Pairs of different cell sets, in the order of [`State::between`].
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let others = self.others().len();
        (0..others).flat_map(move |a| (a + 1..others).map(move |b| (a, b)))
    }

    fn table_len(&self, a: usize, b: usize) -> usize {
        let [a, b] = [&self.others()[a], &self.others()[b]];
        let cells = (a.classes.cells() as usize).saturating_mul(b.classes.cells() as usize);
        cells.saturating_mul(a.values.len() * b.values.len())
    }

    fn counts_only(&self, a: usize, b: usize) -> bool {
        !self.weighted && Self::is_plain(&self.others()[a]) && Self::is_plain(&self.others()[b])
    }

    /// The sum over rows of the product of two columns; those of the first cell set relative to their shifts.
    pub fn get(&self, state: &State, a: Place, b: Place) -> f64 {
        let (a, b) = if a.set <= b.set { (a, b) } else { (b, a) };
        let width = 4 * self.quads();
        match (a.set, b.set) {
            (0, 0) => {
                let (low, high) = if a.value <= b.value { (a.value, b.value) } else { (b.value, a.value) };
                state.square[low * width + high]
            }
            (0, s) => state.across[s - 1][(b.cell * self.sets[s].values.len() + b.value) * width + a.value],
            (s, t) if s == t => {
                let values = self.sets[s].values.len();
                if a.cell != b.cell {
                    0.0
                } else if Self::is_plain(&self.sets[s]) {
                    state.across[s - 1][b.cell * width]
                } else {
                    state.within[s - 1][(a.cell * values + a.value) * values + b.value]
                }
            }
            (s, t) => {
                let pair = self.pairs().position(|p| p == (s - 1, t - 1)).unwrap_or(0);
                let (first, second) = (&self.sets[s], &self.sets[t]);
                let cell = a.cell * second.classes.cells() as usize + b.cell;
                let at = (cell * first.values.len() + a.value) * second.values.len() + b.value;
                match &state.between[pair] {
                    Table::Counts(v) => f64::from(v[at]),
                    Table::Total(v) => v[at] as f64,
                    Table::Sums(v) => v[at],
                }
            }
        }
    }

    /// Values of the first cell set by quads: quad q, row r, lane l is at `(q * rows + r) * 4 + l`.
    fn numeric_quads(&self, batch: &ModelBatch) -> Vec<f64> {
        let rows = batch.rows;
        let mut quads = vec![0.0; self.quads() * rows * 4];
        let mut column = Vec::with_capacity(rows);
        for (j, product) in self.sets[0].values.iter().enumerate() {
            self.product(batch, product, &mut column);
            let shift = self.shifts[j];
            let (quad, _) = quads[(j / 4) * rows * 4..][..rows * 4].as_chunks_mut::<4>();
            for (to, x) in quad.iter_mut().zip(&column) {
                to[j % 4] = x - shift;
            }
        }
        quads
    }

    fn product(&self, batch: &ModelBatch, product: &[usize], out: &mut Vec<f64>) {
        out.clear();
        out.resize(batch.rows, 1.0);
        for &variable in product {
            for (to, x) in out.iter_mut().zip(batch.numeric[variable]) {
                *to *= x;
            }
        }
    }
}

impl Estimator for CrossProducts {
    type State = State;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        if self.shifting {
            let mut column = Vec::new();
            for j in 1..self.shifts.len() {
                self.product(first, &self.sets[0].values[j], &mut column);
                self.shifts[j] = pilot_shift(&column);
            }
        }
        Ok(())
    }

    fn init(&self) -> State {
        let width = 4 * self.quads();
        let cells = |s: &CellSet| s.classes.cells() as usize;
        State {
            n: 0,
            dropped: 0,
            log_weight: 0.0,
            square: vec![0.0; width * width],
            across: self.others().iter().map(|s| vec![0.0; cells(s) * s.values.len() * width]).collect(),
            within: self
                .others()
                .iter()
                .map(|s| vec![0.0; if Self::is_plain(s) { 0 } else { cells(s) * s.values.len() * s.values.len() }])
                .collect(),
            between: self
                .pairs()
                .map(|(a, b)| match self.counts_only(a, b) {
                    true => Table::Counts(vec![0; self.table_len(a, b)]),
                    false => Table::Sums(vec![0.0; self.table_len(a, b)]),
                })
                .collect(),
        }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        let rows = batch.rows;
        state.n += rows as u64;
        state.dropped += batch.dropped;
        let quads = self.numeric_quads(batch);
        let weighted: Vec<f64> = match batch.weight {
            Some(weights) => {
                state.log_weight += weights.iter().map(|w| w.ln()).sum::<f64>();
                let quads = quads.chunks(4 * rows.max(1));
                quads
                    .flat_map(|quad| quad.as_chunks::<4>().0.iter().zip(weights).flat_map(|(v, w)| v.map(|x| x * w)))
                    .collect()
            }
            None => Vec::new(),
        };
        let right: &[f64] = if self.weighted { &weighted } else { &quads };
        self.add_square(&mut state.square, &quads, right, rows);

        let others = self.others();
        let cells: Vec<Vec<usize>> = others.iter().map(|s| cells_of(&s.classes, batch)).collect();
        let values: Vec<Vec<Vec<f64>>> = others
            .iter()
            .map(|set| {
                let column = |product: &Product| {
                    let mut out = Vec::new();
                    self.product(batch, product, &mut out);
                    out
                };
                if Self::is_plain(set) { Vec::new() } else { set.values.iter().map(column).collect() }
            })
            .collect();
        for (s, set) in others.iter().enumerate() {
            let width = 4 * self.quads();
            for q in 0..self.quads() {
                let quad = &right[q * rows * 4..][..rows * 4];
                add_across(&mut state.across[s], quad, &cells[s], &values[s], set.values.len(), width, q * 4);
            }
            if !Self::is_plain(set) {
                add_within(&mut state.within[s], &cells[s], &values[s], batch.weight);
            }
        }
        for ((a, b), table) in self.pairs().zip(&mut state.between) {
            let stride = others[b].classes.cells() as usize;
            match table {
                Table::Counts(counts) => {
                    for (&i, &j) in cells[a].iter().zip(&cells[b]) {
                        counts[i * stride + j] += 1;
                    }
                }
                Table::Total(_) => return Err(Error::internal("a merged state was updated")),
                Table::Sums(sums) => {
                    add_between(sums, stride, [&cells[a], &cells[b]], [&values[a], &values[b]], batch.weight)
                }
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.n += other.n;
        state.dropped += other.dropped;
        state.log_weight += other.log_weight;
        add(&mut state.square, &other.square);
        state.across.iter_mut().zip(&other.across).for_each(|(to, from)| add(to, from));
        state.within.iter_mut().zip(&other.within).for_each(|(to, from)| add(to, from));
        for (to, from) in state.between.iter_mut().zip(other.between) {
            match (&mut *to, from) {
                (Table::Sums(to), Table::Sums(from)) => add(to, &from),
                (to, from) => *to = Table::Total(std::mem::replace(to, Table::Sums(vec![])).plus(from)),
            }
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        let width = 4 * self.quads();
        let set = |s: &CellSet| {
            let cells = usize::try_from(s.classes.cells()).unwrap_or(usize::MAX);
            cells.saturating_mul(s.values.len() * (width + s.values.len()) * 8)
        };
        let between =
            self.pairs().map(|(a, b)| self.table_len(a, b).saturating_mul(if self.counts_only(a, b) { 4 } else { 8 }));
        self.others().iter().map(set).chain(between).fold(width * width * 8, usize::saturating_add)
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        let mut products = self.clone();
        for set in &mut products.sets {
            set.classes = Classification::new(design, &set.classes.categories)?;
        }
        products.within_limit()
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        let width = 4 * self.quads();
        let empty = to.init();
        let tables = |old: Vec<Vec<f64>>, new: Vec<Vec<f64>>, cell_len: &dyn Fn(&CellSet) -> usize| {
            let sets = self.others().iter().zip(to.others()).zip(old.into_iter().zip(new));
            sets.map(|((from, to), (old, mut new))| {
                let number = from.classes.carry(&to.classes, moves);
                carry_rows(&old, &mut new, cell_len(from), number);
                new
            })
            .collect()
        };
        let across = tables(state.across, empty.across, &|s| s.values.len() * width);
        let within = tables(state.within, empty.within, &|s| s.values.len() * s.values.len());
        let pairs = self.pairs().zip(state.between.into_iter().zip(empty.between));
        let between = pairs.map(|((a, b), (old, new))| {
            let (from, to) = ([&self.others()[a], &self.others()[b]], [&to.others()[a], &to.others()[b]]);
            let first = from[0].classes.carry(&to[0].classes, moves);
            let second: Vec<Option<u64>> =
                (0..from[1].classes.cells()).map(from[1].classes.carry(&to[1].classes, moves)).collect();
            let (old_stride, new_stride) = (from[1].classes.cells(), to[1].classes.cells());
            let number = |cell: u64| {
                let column = second[(cell % old_stride) as usize]?;
                Some(first(cell / old_stride)? * new_stride + column)
            };
            let cell_len = from[0].values.len() * from[1].values.len();
            match (old, new) {
                (Table::Counts(old), Table::Counts(mut new)) => {
                    carry_rows(&old, &mut new, cell_len, number);
                    Ok(Table::Counts(new))
                }
                (Table::Total(old), new) => {
                    let mut new = vec![0; new.len()];
                    carry_rows(&old, &mut new, cell_len, number);
                    Ok(Table::Total(new))
                }
                (Table::Sums(old), Table::Sums(mut new)) => {
                    carry_rows(&old, &mut new, cell_len, number);
                    Ok(Table::Sums(new))
                }
                _ => Err(Error::internal("a table changed its kind")),
            }
        });
        Ok(State { across, within, between: between.collect::<Result<_>>()?, ..state })
    }
}

/// Moves the rows of a table, each of `len` entries, to their new places. Cells without rows are zero before and after.
fn carry_rows<T: Copy>(old: &[T], new: &mut [T], len: usize, number: impl Fn(u64) -> Option<u64>) {
    for (cell, row) in old.chunks_exact(len.max(1)).enumerate() {
        if let Some(at) = number(cell as u64) {
            new[at as usize * len..][..len].copy_from_slice(row);
        }
    }
}

impl CrossProducts {
    /// Upper quads of the first cell set's square, 4 x 4 accumulators at a time.
    fn add_square(&self, square: &mut [f64], left: &[f64], right: &[f64], rows: usize) {
        let width = 4 * self.quads();
        for a in 0..self.quads() {
            let (left, _) = left[a * rows * 4..][..rows * 4].as_chunks::<4>();
            for b in a..self.quads() {
                let (right, _) = right[b * rows * 4..][..rows * 4].as_chunks::<4>();
                let mut sums = [[0.0f64; 4]; 4];
                for (x, y) in left.iter().zip(right) {
                    for i in 0..4 {
                        for j in 0..4 {
                            sums[i][j] += x[i] * y[j];
                        }
                    }
                }
                for (i, row) in sums.iter().enumerate() {
                    for (j, sum) in row.iter().enumerate() {
                        square[(4 * a + i) * width + 4 * b + j] += sum;
                    }
                }
            }
        }
    }
}

impl Table {
    fn len(&self) -> usize {
        match self {
            Table::Counts(v) => v.len(),
            Table::Total(v) => v.len(),
            Table::Sums(v) => v.len(),
        }
    }

    /// Counts of two states together.
    fn plus(self, other: Table) -> Vec<u64> {
        let wide = |table: Table| match table {
            Table::Counts(v) => v.into_iter().map(u64::from).collect(),
            Table::Total(v) => v,
            Table::Sums(_) => Vec::new(),
        };
        let mut total: Vec<u64> = wide(self);
        match &other {
            Table::Counts(v) => total.iter_mut().zip(v).for_each(|(to, &from)| *to += u64::from(from)),
            Table::Total(v) => total.iter_mut().zip(v).for_each(|(to, &from)| *to += from),
            Table::Sums(_) => {}
        }
        total
    }
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// The cell of every row. All rows are complete.
fn cells_of(classes: &Classification, batch: &ModelBatch) -> Vec<usize> {
    let mut cells = vec![0usize; batch.rows];
    let mut stride = 1;
    for (&category, &levels) in classes.categories.iter().zip(&classes.levels) {
        for (cell, &code) in cells.iter_mut().zip(batch.codes[category]) {
            *cell += stride * code as usize;
        }
        stride *= levels as usize;
    }
    cells
}

/// Adds a quad of the first cell set to the rows of the cells. No values: the only one is 1.
fn add_across(
    table: &mut [f64],
    quad: &[f64],
    cells: &[usize],
    values: &[Vec<f64>],
    per_cell: usize,
    width: usize,
    at: usize,
) {
    let (quad, _) = quad.as_chunks::<4>();
    let mut add = |row: usize, x: &[f64; 4], value: f64| {
        if let Some(to) = table[row * width + at..].first_chunk_mut::<4>() {
            for l in 0..4 {
                to[l] += value * x[l];
            }
        }
    };
    if values.is_empty() {
        quad.iter().zip(cells).for_each(|(x, &cell)| add(cell, x, 1.0));
    }
    for (v, column) in values.iter().enumerate() {
        quad.iter().zip(cells).zip(column).for_each(|((x, &cell), &value)| add(cell * per_cell + v, x, value));
    }
}

fn add_within(table: &mut [f64], cells: &[usize], values: &[Vec<f64>], weights: Option<&[f64]>) {
    let k = values.len();
    for (row, &cell) in cells.iter().enumerate() {
        let w = weights.map_or(1.0, |w| w[row]);
        let square = &mut table[cell * k * k..][..k * k];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                square[i * k + j] += w * a[row] * b[row];
            }
        }
    }
}

/// Adds products of two cell sets; no values means the only one is 1.
fn add_between(
    table: &mut [f64],
    stride: usize,
    cells: [&Vec<usize>; 2],
    values: [&Vec<Vec<f64>>; 2],
    weights: Option<&[f64]>,
) {
    let [first, second] = [values[0].len().max(1), values[1].len().max(1)];
    for (row, (&i, &j)) in cells[0].iter().zip(cells[1]).enumerate() {
        let w = weights.map_or(1.0, |w| w[row]);
        let cell = (i * stride + j) * first * second;
        for a in 0..first {
            let left = w * values[0].get(a).map_or(1.0, |v| v[row]);
            for b in 0..second {
                table[cell + a * second + b] += left * values[1].get(b).map_or(1.0, |v| v[row]);
            }
        }
    }
}

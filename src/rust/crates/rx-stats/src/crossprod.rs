//! Weighted cross products of model columns, without ever forming the columns (regressions, covariances).
//!
//! A model column is a product of numeric variables, possibly confined to one cell of an interaction of categories. All
//! columns over the same categories form a [`CellSet`]; in it a row touches one cell only. So the cross product of two
//! cell sets is a table by pairs of cells, and a row costs (columns it touches)^2 additions whatever the number of
//! levels. The first cell set has no categories and a single cell; it holds the intercept, the numeric columns and the
//! responses. Its columns are kept relative to a pilot's mean, so that sums of squares lose no digits to a large mean.
//!
//! Sums are doubles, or double-doubles of the exact differences where every digit counts. Variables whose squares would
//! leave the range of doubles are multiplied by a power of two.

mod counts;
mod double;
mod extended;
mod hosts;
mod sums;
mod terms;
mod wide;

use crate::cells::Classification;
use crate::dd::{Dd, Number};
use crate::design::{Design, Precision};
use crate::estimator::{Estimator, ModelBatch};
use crate::levels::Moves;
use crate::summary::{pilot_exponent, pilot_shift, rounded_shift};
use counts::Counts;
use rx_data::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use sums::{Table, carry_rows};
use terms::Terms;

pub use sums::Sums;

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
    /// The cell sets that rows are added to, from whose sums those of all sets follow; the first is the same.
    hosts: Vec<CellSet>,
    /// Subtracted from the (scaled) values of the first cell set.
    pub shifts: Vec<f64>,
    /// Exponents of the powers of two that the numeric variables are multiplied by.
    exponents: Vec<i32>,
    /// Which numeric variables have the precision of 32 bits only.
    singles: Vec<bool>,
    /// How often they were changed after the pilot.
    changes: usize,
    /// Whether sums are double-doubles.
    extended: bool,
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
    /// The sums.
    pub totals: Totals,
}

/// Sums of one precision or the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Totals {
    /// Sums in double.
    Double(Sums<f64>),
    /// Sums in double-double.
    Extended(Sums<Dd>),
}

/// Four columns' values by row, and what they lack; see [`terms::Quads`].
type Quad<'a> = [&'a [[f64; 4]]; 2];

/// The table of the first cell set with another one, and what a batch adds to it.
struct Across<'a, T> {
    /// From the quad on.
    table: &'a mut [T],
    cells: &'a [u32],
    values: &'a [Cow<'a, [f64]>],
}

/// The inner loops, for one kind of number.
trait Accumulate: Number {
    /// Adds the products of two quads: to 4 x 4 entries of a square. So many lanes of the right one are used.
    fn add_square(square: &mut [Self], width: usize, left: Quad, right: Quad, lanes: usize);
    /// Adds one or two quads of the first cell set, times the values of other ones (none: 1), to the rows of their
    /// cells.
    fn add_across(to: &mut [Across<Self>], width: usize, quads: &[Quad]);
    /// Adds products of the values of one cell set.
    fn add_within(table: &mut [Self], cells: &[u32], values: &[Cow<[f64]>], weights: Option<&[f64]>);
    /// Adds products of the values (none: 1) of two cell sets.
    fn add_between(
        table: &mut [Self],
        stride: usize,
        cells: [&[u32]; 2],
        values: [&[Cow<[f64]>]; 2],
        weights: Option<&[f64]>,
    );
}

/// The column of ones.
pub const ONE: Place = Place { set: 0, value: 0, cell: 0 };

/// The largest sum of squares that can be computed with: splitting a number needs some room above it.
pub(crate) const LARGEST: f64 = 1e290;

/// The largest exponent that scaling may use.
const MOST: i32 = 600;

impl CrossProducts {
    /// Cross products of all columns of some cell sets; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, sets: Vec<CellSet>, shifting: bool, limit: u64) -> Result<Self> {
        let products = CrossProducts {
            shifts: vec![0.0; sets[0].values.len()],
            exponents: vec![0; design.numeric.len()],
            singles: design.numeric.iter().map(|variable| variable.precision == Precision::Single).collect(),
            changes: 0,
            extended: false,
            hosts: hosts::of(&sets),
            sets,
            shifting,
            weighted: design.weight.is_some(),
            limit,
        };
        products.within_limit()
    }

    /// The same in double-double.
    pub fn extended(self) -> Result<Self> {
        CrossProducts { extended: true, ..self }.within_limit()
    }

    /// The same about the means of all rows, where they are others than the pilot's.
    pub fn centred<T: Number>(mut self, sums: &Sums<T>) -> Self {
        let n = self.get(sums, ONE, ONE).value();
        for value in (1..self.shifts.len()).filter(|_| self.shifting) {
            let mean = self.shifts[value] + self.get(sums, ONE, Place { value, ..ONE }).value() / n;
            self.shifts[value] = rounded_shift(mean, self.shifts[value].fract() == 0.0);
        }
        self
    }

    /// The same with other powers of two, where squares of some variable left the range of doubles.
    pub fn rescaled(&self, state: &State) -> Result<Option<Self>> {
        match &state.totals {
            Totals::Double(sums) => self.rescaled_for(sums),
            Totals::Extended(sums) => self.rescaled_for(sums),
        }
    }

    fn rescaled_for<T: Number>(&self, sums: &Sums<T>) -> Result<Option<Self>> {
        let mut products = self.clone();
        for (set, cells) in self.sets.iter().enumerate() {
            for (value, product) in cells.values.iter().enumerate().filter(|(_, product)| !product.is_empty()) {
                let places = || (0..cells.classes.cells() as usize).map(move |cell| Place { set, value, cell });
                let square = |place: Place| self.get(sums, place, place).value();
                let largest =
                    places().map(square).fold(0.0, |a, b| if b.is_finite() { f64::max(a, b) } else { f64::INFINITY });
                // A product with another column tells values of no size from zeros.
                let others = (0..self.sets[0].values.len()).map(|value| Place { value, ..ONE });
                let is_zero =
                    || places().all(|place| others.clone().all(|other| self.get(sums, other, place) == T::default()));
                let step = match largest {
                    x if x > LARGEST => -480,
                    x if x < 1.0 / LARGEST && !is_zero() => 480,
                    _ => continue,
                };
                for &variable in product {
                    let exponent = (self.exponents[variable] + step / product.len() as i32).clamp(-MOST, MOST);
                    if exponent == self.exponents[variable] || self.changes > 4 {
                        return Err(out_of_range());
                    }
                    products.exponents[variable] = exponent;
                }
            }
        }
        for (j, product) in self.sets[0].values.iter().enumerate() {
            products.shifts[j] *= products.scale_of(product) / self.scale_of(product);
        }
        products.changes += 1;
        Ok((products.exponents != self.exponents).then_some(products))
    }

    /// What the entries of a column were multiplied by.
    pub fn scale(&self, place: Place) -> f64 {
        self.scale_of(&self.sets[place.set].values[place.value])
    }

    fn scale_of(&self, product: &Product) -> f64 {
        2f64.powi(product.iter().map(|&variable| self.exponents[variable]).sum())
    }

    /// Whether a column has the precision of 32 bits only.
    pub fn is_single(&self, place: Place) -> bool {
        self.sets[place.set].values[place.value].iter().any(|&variable| self.singles[variable])
    }

    fn within_limit(self) -> Result<Self> {
        let countable = self.hosts.iter().all(|set| set.classes.cells() <= u64::from(u32::MAX));
        let limit = if countable { self.limit } else { 0 };
        self.check_memory(limit, "The model's tables", "Use factors with fewer levels, fewer interactions, or raise")?;
        Ok(self)
    }

    /// Takes in a batch whose weights have no logarithms of interest.
    pub fn accumulate(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.n += batch.rows as u64;
        state.dropped += batch.dropped;
        let terms = self.terms(batch);
        match &mut state.totals {
            Totals::Double(sums) if self.is_wide() => {
                let columns: Vec<_> = self.sets[0].values.iter().map(|product| self.product(batch, product)).collect();
                let width = 4 * self.quads();
                wide::add(&mut sums.square, width, &columns, &self.shifts, batch.weight, batch.rows);
                self.add_tables(sums, &terms, batch.rows);
            }
            Totals::Double(sums) => self.add(sums, &terms, batch.rows),
            Totals::Extended(sums) => self.add(sums, &terms, batch.rows),
        }
        Ok(())
    }

    /// Values of the first cell set, rounded up to whole quads.
    fn quads(&self) -> usize {
        self.sets[0].values.len().div_ceil(4)
    }

    /// Whether the square has so many columns that it is summed by blocks.
    fn is_wide(&self) -> bool {
        !self.extended && self.quads() >= wide::QUADS
    }

    /// The cell sets with categories that rows are added to.
    fn others(&self) -> &[CellSet] {
        &self.hosts[1..]
    }

    /// Whether a cell set's own products are all in its first row with the first cell set.
    fn is_plain(set: &CellSet) -> bool {
        set.values.len() == 1 && set.values[0].is_empty()
    }

    /// Pairs of different cell sets with categories, in the order of [`Sums::between`].
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        pairs(self.others().len())
    }

    fn table_len(&self, a: usize, b: usize) -> usize {
        let [a, b] = [&self.others()[a], &self.others()[b]];
        let cells = (a.classes.cells() as usize).saturating_mul(b.classes.cells() as usize);
        cells.saturating_mul(a.values.len() * b.values.len())
    }

    fn counts_only(&self, a: usize, b: usize) -> bool {
        !self.weighted && Self::is_plain(&self.others()[a]) && Self::is_plain(&self.others()[b])
    }

    /// The sum over rows of the product of two columns; those of the first cell set relative to their shifts. The sums
    /// are those of a state that was [`Self::unfolded`].
    pub fn get<T: Number>(&self, sums: &Sums<T>, a: Place, b: Place) -> T {
        let (a, b) = if a.set <= b.set { (a, b) } else { (b, a) };
        let width = 4 * self.quads();
        match (a.set, b.set) {
            (0, 0) => {
                let (low, high) = if a.value <= b.value { (a.value, b.value) } else { (b.value, a.value) };
                sums.square[low * width + high]
            }
            (0, s) => sums.across[s - 1][(b.cell * self.sets[s].values.len() + b.value) * width + a.value],
            (s, t) if s == t => {
                let values = self.sets[s].values.len();
                if a.cell != b.cell {
                    T::default()
                } else if Self::is_plain(&self.sets[s]) {
                    sums.across[s - 1][b.cell * width]
                } else {
                    sums.within[s - 1][(a.cell * values + a.value) * values + b.value]
                }
            }
            (s, t) => {
                let pair = pair(s - 1, t - 1, self.sets.len() - 1);
                let (first, second) = (&self.sets[s], &self.sets[t]);
                let cell = a.cell * second.classes.cells() as usize + b.cell;
                let at = (cell * first.values.len() + a.value) * second.values.len() + b.value;
                match &sums.between[pair] {
                    Table::Counts(v) => f64::from(v.get(at).copied().unwrap_or(0)).into(),
                    Table::Total(v) => (v.get(at).copied().unwrap_or(0) as f64).into(),
                    Table::Sums(v) => v[at],
                }
            }
        }
    }

    fn add<T: Accumulate>(&self, sums: &mut Sums<T>, terms: &Terms, rows: usize) {
        let width = 4 * self.quads();
        let right = terms.right.as_ref().unwrap_or(&terms.left);
        for (a, b) in (0..self.quads()).flat_map(|a| (a..self.quads()).map(move |b| (a, b))) {
            let square = &mut sums.square[4 * (a * width + b)..];
            let lanes = self.sets[0].values.len() - 4 * b;
            T::add_square(square, width, terms.left.quad(a, rows), right.quad(b, rows), lanes);
        }
        self.add_tables(sums, terms, rows);
    }

    /// Adds to all tables but the square.
    fn add_tables<T: Accumulate>(&self, sums: &mut Sums<T>, terms: &Terms, rows: usize) {
        let (width, others) = (4 * self.quads(), self.others());
        if others.is_empty() {
            return;
        }
        let right = terms.right.as_ref().unwrap_or(&terms.left);
        for q in (0..self.quads()).step_by(2) {
            let quads: Vec<Quad> = (q..self.quads().min(q + 2)).map(|q| right.quad(q, rows)).collect();
            let tables = sums.across.iter_mut().zip(terms.cells.iter().zip(&terms.values));
            let mut tables: Vec<_> = tables
                .map(|(table, (cells, values))| Across {
                    table: table.get_mut(4 * q..).unwrap_or_default(),
                    cells,
                    values,
                })
                .collect();
            T::add_across(&mut tables, width, &quads);
        }
        for (s, _) in others.iter().enumerate().filter(|(_, set)| !Self::is_plain(set)) {
            T::add_within(&mut sums.within[s], &terms.cells[s], &terms.values[s], terms.weights);
        }
        sums.make_room(rows, |pair| self.pairs().nth(pair).map_or(0, |(a, b)| self.table_len(a, b)));
        let mut counts: Vec<Counts> = Vec::new();
        for ((a, b), table) in self.pairs().zip(&mut sums.between) {
            let stride = others[b].classes.cells() as usize;
            match table {
                Table::Counts(table) => counts.push(Counts { left: a, right: &terms.cells[b], stride, table }),
                Table::Total(table) => {
                    for (&i, &j) in terms.cells[a].iter().zip(&*terms.cells[b]) {
                        table[i as usize * stride + j as usize] += 1;
                    }
                }
                Table::Sums(sums) => {
                    let cells = [&terms.cells[a][..], &terms.cells[b][..]];
                    T::add_between(sums, stride, cells, [&terms.values[a], &terms.values[b]], terms.weights)
                }
            }
        }
        for group in counts.chunk_by_mut(|one, next| one.left == next.left) {
            counts::add(&terms.cells[group[0].left], group);
        }
    }

    fn empty<T: Number>(&self) -> Sums<T> {
        let (width, zero) = (4 * self.quads(), T::default());
        let cells = |s: &CellSet| s.classes.cells() as usize;
        let within = |s: &CellSet| if Self::is_plain(s) { 0 } else { cells(s) * s.values.len() * s.values.len() };
        Sums {
            square: vec![zero; width * width],
            across: self.others().iter().map(|s| vec![zero; cells(s) * s.values.len() * width]).collect(),
            within: self.others().iter().map(|s| vec![zero; within(s)]).collect(),
            between: self
                .pairs()
                .map(|(a, b)| match self.counts_only(a, b) {
                    true => Table::Counts(Vec::new()),
                    false => Table::Sums(vec![zero; self.table_len(a, b)]),
                })
                .collect(),
            counted: 0,
        }
    }

    fn carry_sums<T: Number>(&self, sums: Sums<T>, to: &Self, moves: &Moves) -> Result<Sums<T>> {
        let width = 4 * self.quads();
        let empty = to.empty::<T>();
        let tables = |old: Vec<Vec<T>>, new: Vec<Vec<T>>, cell_len: &dyn Fn(&CellSet) -> usize| {
            let sets = self.others().iter().zip(to.others()).zip(old.into_iter().zip(new));
            sets.map(|((from, to), (old, mut new))| {
                let number = from.classes.carry(&to.classes, moves);
                carry_rows(&old, &mut new, cell_len(from), number);
                new
            })
            .collect()
        };
        let across = tables(sums.across, empty.across, &|s| s.values.len() * width);
        let within = tables(sums.within, empty.within, &|s| s.values.len() * s.values.len());
        let pairs = self.pairs().zip(sums.between.into_iter().zip(empty.between));
        let between = pairs.map(|((a, b), (old, new))| {
            let len = to.table_len(a, b);
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
                (Table::Counts(old), _) => {
                    let mut new = vec![0; if old.is_empty() { 0 } else { len }];
                    carry_rows(&old, &mut new, cell_len, number);
                    Ok(Table::Counts(new))
                }
                (Table::Total(old), _) => {
                    let mut new = vec![0; len];
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
        Ok(Sums {
            square: sums.square,
            across,
            within,
            between: between.collect::<Result<_>>()?,
            counted: sums.counted,
        })
    }
}

impl Estimator for CrossProducts {
    type State = State;
    const HAS_EXACT: bool = true;

    fn pilot(&mut self, first: &ModelBatch) -> Result<()> {
        for (exponent, values) in self.exponents.iter_mut().zip(first.numeric) {
            *exponent = pilot_exponent(values);
        }
        if self.shifting {
            for j in 1..self.shifts.len() {
                self.shifts[j] = pilot_shift(&self.product(first, &self.sets[0].values[j]));
            }
        }
        Ok(())
    }

    fn init(&self) -> State {
        let totals = if self.extended { Totals::Extended(self.empty()) } else { Totals::Double(self.empty()) };
        State { n: 0, dropped: 0, log_weight: 0.0, totals }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.log_weight += batch.weight.map_or(0.0, |weights| weights.iter().map(|w| w.ln()).sum::<f64>());
        self.accumulate(state, batch)
    }

    fn swap_exact(&self, state: &mut State, other: &mut State) {
        match (&mut state.totals, &mut other.totals) {
            (Totals::Double(one), Totals::Double(other)) => one.swap_counts(other),
            (Totals::Extended(one), Totals::Extended(other)) => one.swap_counts(other),
            _ => {}
        }
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.n += other.n;
        state.dropped += other.dropped;
        state.log_weight += other.log_weight;
        match (&mut state.totals, other.totals) {
            (Totals::Double(to), Totals::Double(from)) => to.merge(from),
            (Totals::Extended(to), Totals::Extended(from)) => to.merge(from),
            _ => return Err(Error::internal("sums of different precision were merged")),
        }
        Ok(())
    }

    fn state_bytes(&self) -> usize {
        let (width, size) = (4 * self.quads(), if self.extended { 16 } else { 8 });
        let set = |s: &CellSet| {
            let cells = usize::try_from(s.classes.cells()).unwrap_or(usize::MAX);
            cells.saturating_mul(s.values.len() * (width + s.values.len()) * size)
        };
        let entry = |a: usize, b: usize| if self.counts_only(a, b) { 4 } else { size };
        let between = self.pairs().map(|(a, b)| self.table_len(a, b).saturating_mul(entry(a, b)));
        self.others().iter().map(set).chain(between).fold(width * width * size, usize::saturating_add)
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        let mut products = self.clone();
        for set in products.sets.iter_mut().chain(&mut products.hosts) {
            set.classes = Classification::new(design, &set.classes.categories)?;
        }
        products.within_limit()
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        let totals = match state.totals {
            Totals::Double(sums) => Totals::Double(self.carry_sums(sums, to, moves)?),
            Totals::Extended(sums) => Totals::Extended(self.carry_sums(sums, to, moves)?),
        };
        Ok(State { totals, ..state })
    }
}

/// Pairs of different ones among so many.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (a + 1..count).map(move |b| (a, b)))
}

/// The position of a pair among [`pairs`].
fn pair(a: usize, b: usize, count: usize) -> usize {
    a * (2 * count - a - 1) / 2 + b - a - 1
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::Value, "The squares of some variable or weight are too large or too small for numbers.")
        .hint("Divide it by a constant with transforms.")
}

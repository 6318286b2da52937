//! Cross tabulation (`rxCrossTabs`, `rxCube`): rows, weights and sums of responses by cell.
//!
//! Rows are counted as integers and sums kept in double-double, so neither depends on the order of rows by more than the
//! last bit. The table has all cells while it is small, else only those that occur.

mod direct;
mod tallies;

use crate::cells::Classification;
use crate::dd::{Dd, Number};
use crate::decode::Decoder;
use crate::design::{Design, Precision};
use crate::estimator::{Estimator, Finish, GoOn, ModelBatch, Step};
use crate::levels::{FoundCodes, Moves};
use rx_data::{Block, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tallies::Tallies;

/// A table of more bytes keeps only the cells that occur: eight lanes of it would take longer to clear and merge than
/// looking cells up.
const DENSE_BYTES: u64 = 32 << 20;
/// Cells that R's vectors are asked to hold.
const MOST_CELLS: u64 = i32::MAX as u64;

/// What is tabulated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    /// The categories, by position in the design; the first varies fastest.
    pub categories: Vec<usize>,
    /// The numeric variables that are summed, by position in the design.
    pub responses: Vec<usize>,
    /// Whether the result has the cells without rows, too.
    pub all_cells: bool,
    /// Whether to keep only cells that occur while counting, however small the table.
    pub sparse: bool,
}

/// The estimator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrossTab {
    table: Table,
    classes: Classification,
    weighted: bool,
    /// Whether all sums are of whole numbers.
    whole: bool,
    sparse: bool,
    /// The memory for all states in bytes.
    limit: u64,
}

/// Accumulators of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    dropped: u64,
    tallies: Tallies,
}

/// The result. Columns have one entry a cell, in the order of the cells' numbers.
#[derive(Debug, Clone)]
pub struct CrossTabModel {
    /// Rows used.
    pub rows: u64,
    /// Rows dropped.
    pub dropped: u64,
    /// Numbers of the cells; none if they are all there.
    pub cells: Option<Vec<u64>>,
    /// Rows.
    pub counts: Vec<u64>,
    /// Sums of weights, where there are any.
    pub weights: Option<Vec<f64>>,
    /// Sums of weight times value, by response.
    pub sums: Vec<Vec<f64>>,
    /// Means, by response; NaN in empty cells.
    pub means: Vec<Vec<f64>>,
}

impl CrossTab {
    /// A table over a design that keeps incomplete rows away; `limit` is the memory for all states in bytes.
    pub fn new(design: &Design, table: Table, limit: u64) -> Result<Self> {
        let classes = Classification::new(design, &table.categories)?;
        let weighted = design.weight.is_some();
        let is_whole = |&j: &usize| design.numeric[j].precision == Precision::Whole;
        let whole = !weighted && table.responses.iter().all(is_whole);
        let mut tab = CrossTab { table, classes, weighted, whole, sparse: false, limit };
        if tab.table.all_cells && tab.classes.cells() > MOST_CELLS {
            return Err(tab.too_large());
        }
        let dense = tab.classes.cells().saturating_mul(tab.cell_bytes());
        tab.sparse = tab.table.sparse || dense > DENSE_BYTES || dense.saturating_mul(8) > tab.limit;
        if tab.table.all_cells && dense > tab.limit {
            return Err(tab.too_large());
        }
        Ok(tab)
    }

    /// Sums of a cell: the weight, if there is one, and the responses.
    fn width(&self) -> usize {
        usize::from(self.weighted) + self.table.responses.len()
    }

    fn cell_bytes(&self) -> u64 {
        (size_of::<i64>() + if self.whole { size_of::<i64>() } else { size_of::<Dd>() } * self.width()) as u64
    }

    fn too_large(&self) -> Error {
        let what = format!("The table has {} cells, too many to list those without rows.", self.classes.cells());
        Error::new(ErrorKind::Memory, what).hint("Use fewer categories, or useSparseCube = TRUE.")
    }

    /// Refuses a state that has outgrown its share of the memory.
    fn within_limit(&self, tallies: &Tallies) -> Result<()> {
        let bytes = tallies.bytes().saturating_mul(2);
        if bytes <= self.limit {
            return Ok(());
        }
        let what = format!("The cells that occur need more than {} MB.", self.limit >> 20);
        Err(Error::new(ErrorKind::Memory, what).hint("Use fewer categories, or raise rxOptions(memoryLimitMB)."))
    }
}

impl Estimator for CrossTab {
    type State = State;
    const HAS_EXACT: bool = true;

    fn pilot(&mut self, _: &ModelBatch) -> Result<()> {
        Ok(())
    }

    fn init(&self) -> State {
        State { dropped: 0, tallies: Tallies::new(self.classes.cells(), self.sparse, self.width(), self.whole) }
    }

    fn update(&self, state: &mut State, batch: &ModelBatch) -> Result<()> {
        state.dropped += batch.dropped;
        let mut cells = vec![0u64; batch.rows];
        let mut stride = 1;
        for (&category, &levels) in self.classes.categories.iter().zip(&self.classes.levels) {
            for (cell, &code) in cells.iter_mut().zip(batch.codes[category]) {
                *cell += stride * u64::from(code);
            }
            stride *= levels;
        }
        let responses: Vec<&[f64]> = self.table.responses.iter().map(|&j| batch.numeric[j]).collect();
        let places: Vec<u32> = cells.iter().map(|&cell| state.tallies.place(cell)).collect();
        state.tallies.add(&places, batch.weight, &responses)?;
        self.within_limit(&state.tallies)
    }

    fn update_block(
        &self,
        state: &mut State,
        block: &Block,
        found: &FoundCodes,
        decoder: &mut Decoder,
        go_on: GoOn,
    ) -> Result<()> {
        match direct::Plan::new(self, block, found, decoder) {
            Some(plan) => plan.run(state, go_on),
            None => decoder.each_batch(block, found, |batch| {
                go_on()?;
                self.update(state, batch)
            }),
        }
    }

    fn swap_exact(&self, state: &mut State, other: &mut State) {
        state.tallies.swap_exact(&mut other.tallies);
    }

    fn merge(&self, state: &mut State, other: State) -> Result<()> {
        state.dropped += other.dropped;
        state.tallies.merge(other.tallies);
        self.within_limit(&state.tallies)
    }

    fn state_bytes(&self) -> usize {
        match self.sparse {
            true => usize::MAX,
            false => self.classes.cells().saturating_mul(self.cell_bytes()) as usize,
        }
    }

    fn relevel(&self, design: &Design) -> Result<Self> {
        CrossTab::new(design, self.table.clone(), self.limit)
    }

    fn carry(&self, state: State, to: &Self, moves: &Moves) -> Result<State> {
        let mut carried = to.init();
        carried.dropped = state.dropped;
        carried.tallies.take(&state.tallies, self.classes.carry(&to.classes, moves));
        Ok(carried)
    }
}

impl Finish for CrossTab {
    type Model = CrossTabModel;

    fn finish(self, state: State, _: GoOn) -> Result<Step<Self, CrossTabModel>> {
        let tallies = state.tallies;
        let order = tallies.occupied();
        let cells = (!self.table.all_cells).then(|| order.iter().map(|&(cell, _)| cell).collect());
        let size = if self.table.all_cells { self.classes.cells() as usize } else { order.len() };
        let position = |i: usize, cell: u64| if self.table.all_cells { cell as usize } else { i };
        let mut model = CrossTabModel {
            rows: 0,
            dropped: state.dropped,
            cells,
            counts: vec![0; size],
            weights: self.weighted.then(|| vec![0.0; size]),
            sums: vec![vec![0.0; size]; self.table.responses.len()],
            means: vec![vec![f64::NAN; size]; self.table.responses.len()],
        };
        for (i, &(cell, place)) in order.iter().enumerate() {
            let at = position(i, cell);
            let (rows, mut sums) = tallies.of(place);
            model.rows += rows;
            model.counts[at] = rows;
            let mut weight = Dd::from(rows as f64);
            if let (Some(weights), Some(sum)) = (&mut model.weights, if self.weighted { sums.next() } else { None }) {
                weights[at] = sum.value();
                weight = sum;
            }
            for (r, sum) in sums.enumerate() {
                model.sums[r][at] = sum.value();
                // Where doubles hold both, their quotient is rounded once, too.
                let exact = sum.lo == 0.0 && weight.lo == 0.0;
                model.means[r][at] = if exact { sum.hi / weight.hi } else { (sum / weight).value() };
            }
        }
        Ok(Step::Done(model))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::design::Rows;
    use crate::laws;

    fn table(all_cells: bool, sparse: bool) -> Table {
        Table { categories: vec![0, 1], responses: vec![0, 1], all_cells, sparse }
    }

    fn tabulated(weighted: bool, all_cells: bool, sparse: bool) -> CrossTabModel {
        let design = laws::design(2, &[3, 2], weighted, Rows::Complete);
        let tab = CrossTab::new(&design, table(all_cells, sparse), u64::MAX).unwrap();
        let mut state = tab.init();
        for batch in laws::batches(2, &[3, 2], weighted) {
            batch.with(|b| tab.update(&mut state, b)).unwrap();
        }
        match tab.finish(state, &|| Ok(())).unwrap() {
            Step::Done(model) => model,
            Step::Again(_) => panic!("one pass is enough"),
        }
    }

    #[test]
    fn the_laws_hold() {
        for (weighted, sparse) in [(false, false), (true, false), (false, true), (true, true)] {
            let design = laws::design(2, &[3, 2], weighted, Rows::Complete);
            let tab = CrossTab::new(&design, table(true, sparse), u64::MAX).unwrap();
            laws::check(&design, &tab, &laws::batches(2, &[3, 2], weighted)).unwrap();
        }
    }

    #[test]
    fn the_laws_hold_for_sums_of_whole_numbers() {
        for sparse in [false, true] {
            let mut design = laws::design(2, &[3, 2], false, Rows::Complete);
            design.numeric.iter_mut().for_each(|variable| variable.precision = Precision::Whole);
            let tab = CrossTab::new(&design, table(true, sparse), u64::MAX).unwrap();
            assert!(tab.whole);
            let batches: Vec<_> = laws::batches(2, &[3, 2], false).iter().map(laws::Batch::rounded).collect();
            laws::check(&design, &tab, &batches).unwrap();
        }
    }

    #[test]
    fn cells_have_their_rows_sums_and_means() {
        let model = tabulated(false, true, false);
        let (mut counts, mut sums) = ([0u64; 6], [0.0; 6]);
        for batch in laws::batches(2, &[3, 2], false) {
            batch.with(|b| {
                for row in 0..b.rows {
                    let cell = (b.codes[0][row] + 3 * b.codes[1][row]) as usize;
                    counts[cell] += 1;
                    sums[cell] += b.numeric[1][row];
                }
            });
        }
        assert_eq!(model.counts, counts);
        assert_eq!(model.sums[1], sums);
        assert_eq!(model.means[1][4], sums[4] / counts[4] as f64);
        assert_eq!((model.rows, model.dropped), (counts.iter().sum(), 6));
    }

    #[test]
    fn a_table_of_the_cells_that_occur_has_the_same_numbers() {
        for weighted in [false, true] {
            let (dense, sparse) = (tabulated(weighted, true, false), tabulated(weighted, false, true));
            assert_eq!(sparse.cells, Some((0..6).collect()));
            assert_eq!((dense.counts, dense.weights), (sparse.counts, sparse.weights));
            assert_eq!((dense.sums, dense.means), (sparse.sums, sparse.means));
        }
    }

    #[test]
    fn tables_too_large_to_list_are_refused_and_kept_sparsely_if_asked() {
        let design = laws::design(2, &[70_000, 70_000], false, Rows::Complete);
        let error = CrossTab::new(&design, table(true, false), u64::MAX).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Memory);
        assert!(error.message.contains("4900000000 cells"), "{}", error.message);
        assert!(CrossTab::new(&design, table(false, false), u64::MAX).unwrap().sparse);
    }

    #[test]
    fn a_sparse_state_that_outgrows_the_memory_is_refused() {
        let design = laws::design(2, &[3, 2], false, Rows::Complete);
        let tab = CrossTab::new(&design, table(false, true), 64).unwrap();
        let batches = laws::batches(2, &[3, 2], false);
        let error = batches[0].with(|b| tab.update(&mut tab.init(), b)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Memory);
    }
}

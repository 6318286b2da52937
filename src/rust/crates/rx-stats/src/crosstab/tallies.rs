//! Rows and sums by cell: of all cells of a table, or of those that occur.

use crate::cells::joined;
use crate::dd::{Dd, Split, TwoProduct};
use rx_data::{Error, Result};
use serde::{Deserialize, Serialize};

/// As many whole numbers of 32 bits can be added up in 64 bits.
const MOST_PENDING: u64 = u32::MAX as u64;

/// Rows and sums by place. A full table has a place a cell and one more, for rows that count nowhere.
///
/// Whole numbers are added up as such, next to the rows of their cell; all else in double-double. Tables are made when
/// they are first written to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tallies {
    /// The cells that occur, if not all have a place.
    index: Option<Index>,
    places: usize,
    /// So many sums a place.
    width: usize,
    /// Whether they are of whole numbers.
    whole: bool,
    /// By place: rows and, of whole numbers, sums.
    exact: Vec<i64>,
    /// Rows whose whole numbers are there.
    pending: u64,
    /// By place: sums, or those of whole numbers that `exact` has no room for.
    sums: Vec<Dd>,
}

impl Tallies {
    /// Empty cells, with `width` sums each.
    pub fn new(cells: u64, sparse: bool, width: usize, whole: bool) -> Self {
        let places = if sparse { 0 } else { cells as usize + 1 };
        let index = sparse.then(Index::default);
        Tallies { index, places, width, whole, exact: Vec::new(), pending: 0, sums: Vec::new() }
    }

    /// The place of a cell; a new one gets one.
    pub fn place(&mut self, cell: u64) -> u32 {
        let Some(index) = &mut self.index else { return cell as u32 };
        let place = index.place(cell);
        self.places = self.places.max(place as usize + 1);
        place
    }

    /// The place of all rows that count nowhere.
    pub fn nowhere(&self) -> u32 {
        self.places as u32 - 1
    }

    /// Rows that were put nowhere; there are none afterwards.
    pub fn take_from_nowhere(&mut self) -> u64 {
        let at = self.places - 1;
        let rows = self.rows(at);
        let (exact, sums) = (at * self.stride(), at * self.width);
        self.exact.iter_mut().skip(exact).for_each(|x| *x = 0);
        self.sums.iter_mut().skip(sums).for_each(|x| *x = Dd::default());
        self.pending -= if self.whole { rows } else { 0 };
        rows
    }

    /// Entries of `exact` a place.
    fn stride(&self) -> usize {
        1 + if self.whole { self.width } else { 0 }
    }

    fn rows(&self, place: usize) -> u64 {
        self.exact.get(place * self.stride()).map_or(0, |&rows| rows as u64)
    }

    /// The k-th sum of a place.
    fn sum(&self, place: usize, k: usize) -> Dd {
        let sum = self.sums.get(place * self.width + k).copied().unwrap_or_default();
        let exact = if self.whole { self.exact.get(place * self.stride() + 1 + k) } else { None };
        exact.map_or(sum, |&exact| sum + Dd::from(exact))
    }

    /// Makes the tables for so many more rows.
    fn make_room(&mut self, rows: u64) {
        if self.whole && self.pending + rows > MOST_PENDING {
            self.sums = (0..self.places * self.width).map(|i| self.sum(i / self.width, i % self.width)).collect();
            let stride = self.stride();
            self.exact.chunks_mut(stride).for_each(|cell| cell[1..].fill(0));
            self.pending = 0;
        }
        self.pending += if self.whole { rows } else { 0 };
        self.exact.resize(self.places * self.stride(), 0);
        if !self.whole || !self.sums.is_empty() {
            self.sums.resize(self.places * self.width, Dd::default());
        }
    }

    /// Adds rows at their places, with weights and responses.
    pub fn add(&mut self, places: &[u32], weight: Option<&[f64]>, responses: &[&[f64]]) -> Result<()> {
        if self.whole {
            let whole = |x: &f64| Some(*x as i32).filter(|&whole| f64::from(whole) == *x);
            let responses = responses.iter().map(|values| values.iter().map(whole).collect::<Option<Vec<i32>>>());
            let responses: Option<Vec<_>> = responses.collect();
            let responses = responses.ok_or_else(|| Error::internal("a column of whole numbers has others"))?;
            self.add_whole(places, &responses.iter().map(Vec::as_slice).collect::<Vec<_>>());
            return Ok(());
        }
        self.make_room(places.len() as u64);
        match (weight, responses) {
            (None, [values]) => {
                for (&place, &x) in places.iter().zip(*values) {
                    self.exact[place as usize] += 1;
                    let sum = &mut self.sums[place as usize];
                    *sum = joined(*sum, x, 0.0);
                }
            }
            _ => {
                for (row, &place) in places.iter().enumerate() {
                    let place = place as usize;
                    self.exact[place] += 1;
                    let mut sums = self.sums[place * self.width..(place + 1) * self.width].iter_mut();
                    if let (Some(weight), Some(sum)) = (weight, if weight.is_some() { sums.next() } else { None }) {
                        *sum = joined(*sum, weight[row], 0.0);
                    }
                    for (sum, values) in sums.zip(responses) {
                        let (x, low) = weight.map_or((values[row], 0.0), |w| Split::two_product(w[row], values[row]));
                        *sum = joined(*sum, x, low);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds rows at their places, with whole numbers.
    pub fn add_whole(&mut self, places: &[u32], responses: &[&[i32]]) {
        self.make_room(places.len() as u64);
        match responses {
            [] => places.iter().for_each(|&place| self.exact[place as usize] += 1),
            [values] => {
                let cells = self.exact.as_chunks_mut::<2>().0;
                for (&place, &x) in places.iter().zip(*values) {
                    let [rows, sum] = &mut cells[place as usize];
                    *rows += 1;
                    *sum += i64::from(x);
                }
            }
            _ => {
                let stride = self.stride();
                for (row, &place) in places.iter().enumerate() {
                    let cell = &mut self.exact[place as usize * stride..][..stride];
                    cell[0] += 1;
                    cell[1..].iter_mut().zip(responses).for_each(|(sum, values)| *sum += i64::from(values[row]));
                }
            }
        }
    }

    /// Exchanges what is exact with another state of the same full table.
    pub fn swap_exact(&mut self, other: &mut Tallies) {
        if self.index.is_none() {
            std::mem::swap(&mut self.exact, &mut other.exact);
            std::mem::swap(&mut self.pending, &mut other.pending);
        }
    }

    /// Adds the rows of another state of the same table.
    pub fn merge(&mut self, other: Tallies) {
        if self.exact.is_empty() && self.sums.is_empty() {
            *self = other;
        } else {
            self.take(&other, Some);
        }
    }

    /// Adds the rows of another state, whose cells have other numbers; those that have none are empty.
    pub fn take(&mut self, other: &Tallies, number: impl Fn(u64) -> Option<u64>) {
        let stride = self.stride();
        let is_empty = |place: usize| {
            let sums = other.sums.get(place * self.width..(place + 1) * self.width);
            other.rows(place) == 0 && sums.is_none_or(|sums| sums.iter().all(|&sum| sum == Dd::default()))
        };
        let places: Vec<(usize, u64)> = (0..other.places)
            .filter(|&place| !is_empty(place))
            .filter_map(|place| Some((place, number(other.cell(place))?)))
            .collect();
        let to: Vec<usize> = places.iter().map(|&(_, cell)| self.place(cell) as usize).collect();
        self.make_room(other.pending);
        if !other.sums.is_empty() {
            self.sums.resize(self.places * self.width, Dd::default());
        }
        for (&(from, _), to) in places.iter().zip(to) {
            let exact = other.exact.get(from * stride..(from + 1) * stride).unwrap_or_default();
            self.exact[to * stride..].iter_mut().zip(exact).for_each(|(to, &x)| *to += x);
            let sums = other.sums.get(from * self.width..(from + 1) * self.width).unwrap_or_default();
            self.sums.iter_mut().skip(to * self.width).zip(sums).for_each(|(to, &x)| *to = *to + x);
        }
    }

    fn cell(&self, place: usize) -> u64 {
        self.index.as_ref().map_or(place as u64, |index| index.cells[place])
    }

    /// Cells with rows, by number, and their places.
    pub fn occupied(&self) -> Vec<(u64, usize)> {
        let places = (0..self.places).filter(|&place| self.rows(place) > 0);
        let mut occupied: Vec<(u64, usize)> = places.map(|place| (self.cell(place), place)).collect();
        if self.index.is_some() {
            occupied.sort_unstable();
        }
        occupied
    }

    /// Rows and sums of a place.
    pub fn of(&self, place: usize) -> (u64, impl Iterator<Item = Dd>) {
        (self.rows(place), (0..self.width).map(move |k| self.sum(place, k)))
    }

    /// Size in memory.
    pub fn bytes(&self) -> u64 {
        let index = self.index.as_ref().map_or(0, |index| index.cells.capacity() * 8 + index.table.len() * 4);
        (self.exact.capacity() * 8 + self.sums.capacity() * size_of::<Dd>() + index) as u64
    }
}

/// Which cells there are, in order of appearance; found by linear probing (Knuth 1973).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<u64>", into = "Vec<u64>")]
struct Index {
    cells: Vec<u64>,
    /// Places of cells by hash, at least a third of them free; the length is a power of two.
    table: Vec<u32>,
}

/// An entry of the table that is free.
const FREE: u32 = u32::MAX;

impl Index {
    fn place(&mut self, cell: u64) -> u32 {
        if self.cells.len() * 3 >= self.table.len() * 2 {
            self.grow();
        }
        let at = self.entry(cell);
        if self.table[at] == FREE {
            self.table[at] = self.cells.len() as u32;
            self.cells.push(cell);
        }
        self.table[at]
    }

    /// The entry of a cell, or the free one where it belongs.
    fn entry(&self, cell: u64) -> usize {
        let last = self.table.len() - 1;
        // Fibonacci hashing spreads the numbers of neighbours.
        let mut at = (cell.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & last;
        while self.table[at] != FREE && self.cells[self.table[at] as usize] != cell {
            at = (at + 1) & last;
        }
        at
    }

    fn grow(&mut self) {
        self.table = vec![FREE; (self.table.len() * 2).max(64)];
        for place in 0..self.cells.len() {
            let at = self.entry(self.cells[place]);
            self.table[at] = place as u32;
        }
    }
}

impl From<Vec<u64>> for Index {
    fn from(cells: Vec<u64>) -> Self {
        let mut index = Index::default();
        cells.into_iter().for_each(|cell| {
            index.place(cell);
        });
        index
    }
}

impl From<Index> for Vec<u64> {
    fn from(index: Index) -> Self {
        index.cells
    }
}

impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_cell_has_one_place() {
        let mut index = Index::default();
        let cells: Vec<u64> = (0..5000u64).map(|i| i.wrapping_mul(i) * 1_000_003 % 2401).collect();
        let places: Vec<u32> = cells.iter().map(|&cell| index.place(cell)).collect();
        for (cell, place) in cells.iter().zip(places) {
            assert_eq!(index.cells[place as usize], *cell);
            assert_eq!(index.place(*cell), place);
        }
        let copy = Index::from(Vec::from(index.clone()));
        assert_eq!(copy, index);
    }

    #[test]
    fn rows_may_be_put_nowhere() {
        for whole in [false, true] {
            let mut tallies = Tallies::new(3, false, 1, whole);
            let nowhere = tallies.nowhere();
            tallies.add(&[0, nowhere, 2, nowhere], None, &[&[1.0, 7.0, 3.0, 5.0]]).unwrap();
            assert_eq!(tallies.take_from_nowhere(), 2);
            assert_eq!(tallies.occupied(), vec![(0, 0), (2, 2)]);
            let mut other = Tallies::new(3, true, 1, whole);
            other.take(&tallies, Some);
            assert_eq!(other.occupied(), vec![(0, 0), (2, 1)]);
            assert_eq!(other.of(1).1.collect::<Vec<_>>(), [Dd::from(3.0)]);
        }
    }

    #[test]
    fn whole_numbers_are_added_up_beyond_64_bits() {
        let mut tallies = Tallies::new(1, false, 1, true);
        let most = i64::from(i32::MAX);
        for _ in 0..3 {
            tallies.add_whole(&[0; 3], &[&[i32::MAX; 3]]);
            // As if there had been so many rows.
            tallies.exact[1] += (MOST_PENDING as i64 - 3) * most;
            tallies.pending += MOST_PENDING - 3;
        }
        let mut twice = tallies.clone();
        twice.merge(tallies);
        let sum = twice.of(0).1.next().unwrap();
        let exact = i128::from(MOST_PENDING) * 6 * i128::from(most);
        assert_eq!(sum.hi as i128 + sum.lo as i128, exact);
    }

    #[test]
    fn fractions_are_no_whole_numbers() {
        assert!(Tallies::new(1, false, 1, true).add(&[0], None, &[&[0.5]]).is_err());
    }
}

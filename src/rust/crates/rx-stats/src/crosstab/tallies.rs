//! Rows and sums by cell: of all cells of a table, or of those that occur.

use crate::cells::joined;
use crate::dd::{Dd, Split, TwoProduct};
use serde::{Deserialize, Serialize};

/// Rows and sums by place. A full table has a place a cell and one more, for rows that count nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tallies {
    /// The cells that occur, if not all have a place.
    index: Option<Index>,
    rows: Vec<u64>,
    /// So many a place.
    sums: Vec<Dd>,
    width: usize,
}

impl Tallies {
    /// Empty cells, with `width` sums each.
    pub fn new(cells: u64, sparse: bool, width: usize) -> Self {
        let places = if sparse { 0 } else { cells as usize + 1 };
        Tallies {
            index: sparse.then(Index::default),
            rows: vec![0; places],
            sums: vec![Dd::default(); places * width],
            width,
        }
    }

    /// The place of a cell; a new one gets one.
    pub fn place(&mut self, cell: u64) -> u32 {
        let Some(index) = &mut self.index else { return cell as u32 };
        let place = index.place(cell);
        if place as usize == self.rows.len() {
            self.rows.push(0);
            self.sums.resize(self.sums.len() + self.width, Dd::default());
        }
        place
    }

    /// The place of all rows that count nowhere.
    pub fn nowhere(&self) -> u32 {
        self.rows.len() as u32 - 1
    }

    /// Rows that were put nowhere; there are none afterwards.
    pub fn take_from_nowhere(&mut self) -> u64 {
        let at = self.rows.len() - 1;
        self.sums[at * self.width..].fill(Dd::default());
        std::mem::take(&mut self.rows[at])
    }

    /// Adds rows at their places, with weights and responses.
    pub fn add(&mut self, places: &[u32], weight: Option<&[f64]>, responses: &[&[f64]]) {
        match (weight, responses) {
            (None, []) => places.iter().for_each(|&place| self.rows[place as usize] += 1),
            (None, [values]) => {
                for (&place, &x) in places.iter().zip(*values) {
                    self.rows[place as usize] += 1;
                    let sum = &mut self.sums[place as usize];
                    *sum = joined(*sum, x, 0.0);
                }
            }
            _ => {
                for (row, &place) in places.iter().enumerate() {
                    let place = place as usize;
                    self.rows[place] += 1;
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
    }

    /// Adds the rows of another state of the same table.
    pub fn merge(&mut self, other: &Tallies) {
        self.take(other, Some);
    }

    /// Adds the rows of another state, whose cells have other numbers; those that have none are empty.
    pub fn take(&mut self, other: &Tallies, number: impl Fn(u64) -> Option<u64>) {
        for (place, &rows) in other.rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let Some(cell) = number(other.cell(place)) else { continue };
            let to = self.place(cell) as usize;
            self.rows[to] += rows;
            for k in 0..self.width {
                let sum = &mut self.sums[to * self.width + k];
                *sum = *sum + other.sums[place * self.width + k];
            }
        }
    }

    fn cell(&self, place: usize) -> u64 {
        self.index.as_ref().map_or(place as u64, |index| index.cells[place])
    }

    /// Cells with rows, by number, and their places.
    pub fn occupied(&self) -> Vec<(u64, usize)> {
        let places = self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0);
        let mut occupied: Vec<(u64, usize)> = places.map(|(place, _)| (self.cell(place), place)).collect();
        if self.index.is_some() {
            occupied.sort_unstable();
        }
        occupied
    }

    /// Rows and sums of a place.
    pub fn of(&self, place: usize) -> (u64, &[Dd]) {
        (self.rows[place], &self.sums[place * self.width..(place + 1) * self.width])
    }

    /// Size in memory.
    pub fn bytes(&self) -> u64 {
        let index = self.index.as_ref().map_or(0, |index| index.cells.capacity() * 8 + index.table.len() * 4);
        (self.rows.capacity() * 8 + self.sums.capacity() * size_of::<Dd>() + index) as u64
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
        let mut tallies = Tallies::new(3, false, 1);
        let nowhere = tallies.nowhere();
        tallies.add(&[0, nowhere, 2, nowhere], None, &[&[1.0, f64::NAN, 3.0, 5.0]]);
        assert_eq!(tallies.take_from_nowhere(), 2);
        assert_eq!(tallies.occupied(), vec![(0, 0), (2, 2)]);
        let mut other = Tallies::new(3, true, 1);
        other.merge(&tallies);
        assert_eq!(other.occupied(), vec![(0, 0), (2, 1)]);
    }
}

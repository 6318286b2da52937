//! The short way from a block's columns to a small table without weights: no row is compacted, since incomplete ones have
//! a place of their own.

use super::{CrossTab, State};
use crate::decode::{BATCH_ROWS, Decoder, decode_numeric};
use crate::design::{Coding, Numeric};
use crate::estimator::GoOn;
use crate::levels::FoundCodes;
use rx_data::column::NA_I32;
use rx_data::{Block, Column, Result};

/// More than all cells of a table together; so many of them that even their sum fits.
const MISSING: u32 = 1 << 24;
/// Categories whose offsets may be added up.
const MOST_CATEGORIES: usize = 64;

/// How to tabulate one block.
pub struct Plan<'a> {
    rows: usize,
    categories: Vec<Offsets<'a>>,
    responses: Vec<(&'a Numeric, &'a Column)>,
    /// The same, if their sums are those of whole numbers.
    whole: Option<Vec<&'a [i32]>>,
}

/// Where a category's levels lie in the table.
enum Offsets<'a> {
    /// By code; the first and the last entry are those of codes out of range.
    Table { codes: &'a [i32], offsets: Vec<u32> },
    /// Codes from one, those of the levels in order.
    FromOne { codes: &'a [i32], levels: u32, stride: u32 },
    /// Codes from zero.
    Codes { codes: &'a [u32], levels: u32, stride: u32 },
    /// Whole numbers.
    Whole { values: &'a [i32], low: i32, levels: u32, outside: u32, stride: u32 },
    /// Numbers, by their floors.
    Floor { values: &'a [f64], low: f64, levels: u32, outside: u32, stride: u32 },
}

impl<'a> Plan<'a> {
    /// None if the short way is not for this table or these columns.
    pub fn new<'d: 'a>(
        tab: &CrossTab,
        block: &'a Block,
        found: &'a FoundCodes,
        decoder: &mut Decoder<'d>,
    ) -> Option<Self> {
        if tab.sparse || tab.weighted || tab.classes.categories.len() > MOST_CATEGORIES {
            return None;
        }
        let design = decoder.design();
        let mut stride = 1u32;
        let mut categories = Vec::new();
        for (&j, &levels) in tab.classes.categories.iter().zip(&tab.classes.levels) {
            let category = &design.categories[j];
            let levels = u32::try_from(levels).ok()?;
            let offset = |level: u32| if level < levels { level * stride } else { MISSING };
            categories.push(match (&category.coding, &block.columns[category.column]) {
                (Coding::Found { .. }, _) => Offsets::Codes { codes: found.of(j)?, levels, stride },
                (Coding::Label(other), Column::Dict { codes, labels }) => match decoder.levels_of(j, *other, labels) {
                    None => Offsets::FromOne { codes, levels: labels.len() as u32, stride },
                    Some(of_labels) => {
                        let within = of_labels.iter().map(|&level| offset(level));
                        let offsets = [MISSING].into_iter().chain(within).chain([MISSING]).collect();
                        Offsets::Table { codes, offsets }
                    }
                },
                (Coding::Integer { low, count, outside }, Column::I32(values)) => {
                    let low = Some(*low as i32).filter(|&l| f64::from(l) == *low)?;
                    let outside = outside.map_or(MISSING, offset);
                    Offsets::Whole { values, low, levels: *count, outside, stride }
                }
                (Coding::Integer { low, count, outside }, Column::F64(values)) => {
                    let outside = outside.map_or(MISSING, offset);
                    Offsets::Floor { values, low: *low, levels: *count, outside, stride }
                }
                _ => return None,
            });
            stride *= levels;
        }
        let responses = tab.table.responses.iter().map(|&j| {
            let variable = &design.numeric[j];
            (variable, &block.columns[variable.column])
        });
        let responses: Vec<_> = responses.collect();
        let whole = responses.iter().map(|(_, column)| match column {
            Column::I32(values) => Some(&values[..]),
            _ => None,
        });
        let whole = if tab.whole { Some(whole.collect::<Option<_>>()?) } else { None };
        Some(Plan { rows: block.rows, categories, responses, whole })
    }

    /// Tabulates the block.
    pub fn run(&self, state: &mut State, go_on: GoOn) -> Result<()> {
        let nowhere = state.tallies.nowhere();
        let mut places = Vec::with_capacity(BATCH_ROWS);
        let mut decoded: Vec<Vec<f64>> = vec![Vec::new(); self.responses.len()];
        for start in (0..self.rows).step_by(BATCH_ROWS) {
            go_on()?;
            let rows = start..self.rows.min(start + BATCH_ROWS);
            places.clear();
            places.resize(rows.len(), 0);
            self.find_places(start, &mut places);
            if let Some(whole) = &self.whole {
                let responses: Vec<&[i32]> = whole.iter().map(|values| &values[rows.clone()]).collect();
                responses.iter().for_each(|values| put_away(&mut places, values, |x| x == NA_I32));
                places.iter_mut().for_each(|place| *place = (*place).min(nowhere));
                state.tallies.add_whole(&places, &responses);
                continue;
            }
            let mut responses: Vec<&[f64]> = Vec::with_capacity(self.responses.len());
            for ((variable, column), decoded) in self.responses.iter().zip(&mut decoded) {
                let values = match column {
                    Column::F64(values) => &values[rows.clone()],
                    other => {
                        decode_numeric(other, rows.clone(), &variable.name, decoded)?;
                        &decoded[..]
                    }
                };
                put_away(&mut places, values, f64::is_nan);
                responses.push(values);
            }
            places.iter_mut().for_each(|place| *place = (*place).min(nowhere));
            state.tallies.add(&places, None, &responses)?;
        }
        state.dropped += state.tallies.take_from_nowhere();
        Ok(())
    }

    /// Adds up the offsets of the levels of rows from `start` on.
    fn find_places(&self, start: usize, places: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has what the function is compiled for.
            return self.categories.iter().for_each(|category| unsafe { category.wide_add(start, places) });
        }
        self.categories.iter().for_each(|category| category.add(start, places));
    }
}

/// Takes rows with a missing value out of the table.
fn put_away<T: Copy>(places: &mut [u32], values: &[T], is_missing: impl Fn(T) -> bool) {
    places.iter_mut().zip(values).for_each(|(place, &x)| *place = if is_missing(x) { MISSING } else { *place });
}

impl Offsets<'_> {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide_add(&self, offset: usize, places: &mut [u32]) {
        self.add(offset, places);
    }

    /// Adds the offsets of the levels of some rows.
    #[inline(always)]
    fn add(&self, offset: usize, places: &mut [u32]) {
        let range = offset..offset + places.len();
        match self {
            Offsets::Table { codes, offsets } => {
                let last = offsets.len() - 1;
                for (place, &code) in places.iter_mut().zip(&codes[range]) {
                    *place += offsets[(code as u32 as usize).min(last)];
                }
            }
            &Offsets::FromOne { codes, levels, stride } => {
                for (place, &code) in places.iter_mut().zip(&codes[range]) {
                    let level = (code as u32).wrapping_sub(1);
                    *place += if level < levels { level.wrapping_mul(stride) } else { MISSING };
                }
            }
            &Offsets::Codes { codes, levels, stride } => {
                for (place, &code) in places.iter_mut().zip(&codes[range]) {
                    *place += if code < levels { code.wrapping_mul(stride) } else { MISSING };
                }
            }
            &Offsets::Whole { values, low, levels, outside, stride } => {
                for (place, &x) in places.iter_mut().zip(&values[range]) {
                    let level = x.wrapping_sub(low) as u32;
                    let within = if level < levels { level.wrapping_mul(stride) } else { outside };
                    *place += if x == NA_I32 { MISSING } else { within };
                }
            }
            &Offsets::Floor { values, low, levels, outside, stride } => {
                for (place, &x) in places.iter_mut().zip(&values[range]) {
                    // The floor, without a call; what this loses of large numbers is out of all bounds.
                    let whole = x as i64 as f64;
                    let level = if whole > x { whole - 1.0 } else { whole } - low;
                    let known = level >= 0.0 && level < f64::from(levels);
                    let within = if known { (level as u32).wrapping_mul(stride) } else { outside };
                    *place += if x.is_nan() { MISSING } else { within };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::crosstab::{CrossTabModel, Table};
    use crate::design::{Category, Design, Precision, Rows};
    use crate::{Estimator, Finish, Step};
    use std::sync::Arc;

    const ROWS: usize = 5000;

    fn design(f: Coding, g: Coding) -> Design {
        let labels = |count: u32| Arc::new((0..count).map(|l| format!("l{l}")).collect::<Vec<_>>());
        let numeric = |column, precision| Numeric { column, name: format!("x{column}"), precision };
        let category = |column, coding, count| Category { column, name: "f".into(), levels: labels(count), coding };
        Design {
            columns: vec![0, 1, 2, 3],
            numeric: vec![numeric(2, Precision::Double), numeric(3, Precision::Whole)],
            categories: vec![category(0, f, 3), category(1, g, 4)],
            weight: None,
            rows: Rows::Complete,
        }
    }

    /// Labels in another order than the levels', one unknown, and values of every kind missing.
    fn block(g: Column) -> Block {
        let labels = Arc::new(["l2", "other", "l0", "l1"].map(String::from).to_vec());
        let codes: Vec<i32> = (0..ROWS as i32).map(|i| if i % 11 == 0 { NA_I32 } else { i % 4 + 1 }).collect();
        let x: Vec<f64> = (0..ROWS).map(|i| if i % 13 == 0 { f64::NAN } else { i as f64 / 8.0 }).collect();
        let y: Vec<i32> = (0..ROWS as i32).map(|i| if i % 17 == 0 { NA_I32 } else { i }).collect();
        let columns =
            vec![Column::Dict { codes: codes.into(), labels }, g, Column::F64(x.into()), Column::I32(y.into())];
        Block { index: 0, rows: ROWS, columns }
    }

    fn tabulated(design: &Design, block: &Block, responses: &[usize], short: bool) -> CrossTabModel {
        let numeric = responses.iter().map(|&response| design.numeric[response].clone()).collect();
        let design = &Design { numeric, ..design.clone() };
        let responses = (0..responses.len()).collect();
        let table = Table { categories: vec![0, 1], responses, all_cells: true, sparse: false };
        let tab = CrossTab::new(design, table, u64::MAX).unwrap();
        let (found, mut decoder) = (FoundCodes::default(), Decoder::new(design));
        let mut state = tab.init();
        if short {
            Plan::new(&tab, block, &found, &mut decoder).unwrap().run(&mut state, &|| Ok(())).unwrap();
        } else {
            decoder.each_batch(block, &found, |batch| tab.update(&mut state, batch)).unwrap();
        }
        match tab.finish(state, &|| Ok(())).unwrap() {
            Step::Done(model) => model,
            Step::Again(_) => panic!("one pass is enough"),
        }
    }

    #[test]
    fn the_short_way_and_the_long_way_give_the_same_bits() {
        let whole: Vec<i32> = (0..ROWS as i32).map(|i| if i % 7 == 0 { NA_I32 } else { i % 9 - 3 }).collect();
        let real: Vec<f64> = whole.iter().map(|&x| if x == NA_I32 { f64::NAN } else { f64::from(x) + 0.75 }).collect();
        for low in [-2.0, 0.0, 2.0] {
            for outside in [None, Some(3)] {
                for column in [Column::I32(whole.clone().into()), Column::F64(real.clone().into())] {
                    let coding = Coding::Integer { low, count: 3, outside };
                    let design = design(Coding::Label(None), coding);
                    let block = block(column);
                    for responses in [&[0, 1][..], &[1], &[1, 1], &[]] {
                        let [short, long] = [true, false].map(|short| tabulated(&design, &block, responses, short));
                        assert_eq!(format!("{short:?}"), format!("{long:?}"));
                        assert!(short.rows > 500 && short.dropped > 500);
                    }
                }
            }
        }
    }
}

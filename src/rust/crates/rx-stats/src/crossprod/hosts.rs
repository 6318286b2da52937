//! Cell sets that others are summed in.
//!
//! A row costs an addition for every cell set and for every two of them. So a set without values of its own, whose
//! categories another one has as well, is not summed: its sums are those of the other's cells, added up at the end.

use super::sums::{Sums, Table};
use super::{CellSet, CrossProducts, State, Totals, pair, pairs};
use crate::dd::Number;

/// The cell sets that rows have to be added to.
pub(super) fn of(sets: &[CellSet]) -> Vec<CellSet> {
    let contains = |host: &CellSet, set: &CellSet| {
        set.classes.categories.iter().all(|category| host.classes.categories.contains(category))
    };
    let is_hosted = |s: usize| {
        let hosts = |h: usize| {
            let (host, set) = (&sets[h], &sets[s]);
            h != s && CrossProducts::is_plain(host) && contains(host, set) && (h < s || !contains(set, host))
        };
        CrossProducts::is_plain(&sets[s]) && (1..sets.len()).any(hosts)
    };
    (0..sets.len()).filter(|&s| s == 0 || !is_hosted(s)).map(|s| sets[s].clone()).collect()
}

impl CrossProducts {
    /// The sums of all cell sets, out of those of their hosts.
    pub fn unfolded(&self, state: State) -> State {
        if self.hosts.len() == self.sets.len() {
            return state;
        }
        let totals = match state.totals {
            Totals::Double(sums) => Totals::Double(self.unfold(sums)),
            Totals::Extended(sums) => Totals::Extended(self.unfold(sums)),
        };
        State { totals, ..state }
    }

    fn unfold<T: Number>(&self, sums: Sums<T>) -> Sums<T> {
        let width = 4 * self.quads();
        let (sets, hosts) = (&self.sets[1..], &self.hosts[1..]);
        let host_of: Vec<(usize, Vec<usize>)> = sets.iter().map(|set| host_of(set, hosts)).collect();
        let across = sets.iter().zip(&host_of).map(|(set, (host, cells))| {
            let len = set.values.len() * width;
            let mut table = vec![T::default(); set.classes.cells() as usize * len];
            for (row, &cell) in sums.across[*host].chunks_exact(len).zip(cells) {
                table[cell * len..][..len].iter_mut().zip(row).for_each(|(to, &x)| *to = *to + x);
            }
            table
        });
        let within = host_of.iter().map(|(host, _)| sums.within[*host].clone());
        let between = pairs(sets.len()).map(|(s, t)| {
            let ((first, rows), (second, columns)) = (&host_of[s], &host_of[t]);
            let stride = sets[t].classes.cells() as usize;
            let values = [sets[s].values.len(), sets[t].values.len()];
            let size = sets[s].classes.cells() as usize * stride * values[0] * values[1];
            if first == second {
                // Both are plain, and so is their host: the first of its sums is that of ones.
                let mut table = vec![T::default(); size];
                for ((row, &i), &j) in sums.across[*first].chunks_exact(width).zip(rows).zip(columns) {
                    table[i * stride + j] = table[i * stride + j] + row[0];
                }
                return Table::Sums(table);
            }
            let from = &sums.between[pair(*first.min(second), *first.max(second), hosts.len())];
            // Cells and values of both, in the order of the hosts' table and with their distances in the set's.
            let row =
                Side { cells: rows, cell_step: stride * values[0] * values[1], values: values[0], step: values[1] };
            let column = Side { cells: columns, cell_step: values[0] * values[1], values: values[1], step: 1 };
            let sides = if first < second { [row, column] } else { [column, row] };
            match from {
                Table::Counts(counts) => Table::Total(regrouped(counts, size, &sides, |to, n| to + u64::from(n))),
                Table::Total(counts) => Table::Total(regrouped(counts, size, &sides, |to, n| to + n)),
                Table::Sums(products) => Table::Sums(regrouped(products, size, &sides, |to, x| to + x)),
            }
        });
        Sums {
            across: across.collect(),
            within: within.collect(),
            between: between.collect(),
            square: sums.square,
            counted: 0,
        }
    }
}

/// One of the two cell sets of a table.
struct Side<'a> {
    /// By cell of the host, the cell of the set.
    cells: &'a [usize],
    /// Entries from one cell of the set to the next.
    cell_step: usize,
    /// How many values each cell has.
    values: usize,
    /// Entries from one value to the next.
    step: usize,
}

/// The entries of a table of two hosts, added up in that of the sets.
fn regrouped<A: Copy, B: Copy + Default>(
    from: &[A],
    size: usize,
    [first, second]: &[Side; 2],
    add: impl Fn(B, A) -> B,
) -> Vec<B> {
    let mut table = vec![B::default(); size];
    let mut entries = from.iter();
    for &row in first.cells {
        for &column in second.cells {
            let cell = row * first.cell_step + column * second.cell_step;
            for (u, v) in (0..first.values).flat_map(|u| (0..second.values).map(move |v| (u, v))) {
                if let Some(&entry) = entries.next() {
                    let to = &mut table[cell + u * first.step + v * second.step];
                    *to = add(*to, entry);
                }
            }
        }
    }
    table
}

/// The host of a cell set, and the set's cell that each of the host's cells belongs to.
fn host_of(set: &CellSet, hosts: &[CellSet]) -> (usize, Vec<usize>) {
    let categories = &set.classes.categories;
    let is_host = |host: &CellSet| match CrossProducts::is_plain(set) && CrossProducts::is_plain(host) {
        true => categories.iter().all(|category| host.classes.categories.contains(category)),
        false => host == set,
    };
    let found = hosts.iter().position(is_host).unwrap_or(0);
    let classes = &hosts[found].classes;
    let mut strides = vec![0; classes.categories.len()];
    let mut stride = 1;
    for (category, &levels) in categories.iter().zip(&set.classes.levels) {
        if let Some(place) = classes.categories.iter().position(|c| c == category) {
            strides[place] += stride;
        }
        stride *= levels as usize;
    }
    let cell =
        |cell: u64| classes.split(cell).iter().zip(&strides).map(|(&level, stride)| level as usize * stride).sum();
    (found, (0..classes.cells()).map(cell).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::cells::Classification;
    use crate::crossprod::Place;
    use crate::design::Rows;
    use crate::estimator::Estimator;
    use crate::laws;

    /// Main effects within an interaction, one outside of it, and a set with a value of its own.
    fn products(weighted: bool) -> CrossProducts {
        let design = laws::design(2, &[3, 2, 4], weighted, Rows::Finite);
        let set = |categories: &[usize], values: &[&[usize]]| CellSet {
            classes: Classification::new(&design, categories).unwrap(),
            values: values.iter().map(|v| v.to_vec()).collect(),
        };
        let one: &[usize] = &[];
        let sets = vec![
            set(&[], &[one, &[0]]),
            set(&[1], &[one]),
            set(&[0], &[one]),
            set(&[2], &[one, &[1]]),
            set(&[0, 1], &[one]),
        ];
        CrossProducts::new(&design, sets, true, u64::MAX).unwrap()
    }

    #[test]
    fn main_effects_are_summed_in_their_interaction() {
        let hosts = products(false).hosts;
        assert_eq!(hosts.iter().map(|h| &h.classes.categories[..]).collect::<Vec<_>>(), [&[][..], &[2], &[0, 1]]);
    }

    #[test]
    fn sums_are_those_without_hosts() {
        for weighted in [false, true] {
            let hosted = products(weighted);
            let alone = CrossProducts { hosts: hosted.sets.clone(), ..hosted.clone() };
            let sums = |products: &CrossProducts| {
                let mut states = [products.init(), products.init()];
                for (i, batch) in laws::batches(2, &[3, 2, 4], weighted).iter().enumerate() {
                    batch.with(|batch| products.update(&mut states[i % 2], batch)).unwrap();
                }
                let [mut state, other] = states;
                products.merge(&mut state, other).unwrap();
                match products.unfolded(state).totals {
                    Totals::Double(sums) => sums,
                    Totals::Extended(_) => panic!("sums are doubles"),
                }
            };
            let (through, direct) = (sums(&hosted), sums(&alone));
            let places: Vec<Place> = (0..5)
                .flat_map(|set| (0..hosted.sets[set].values.len()).map(move |value| (set, value)))
                .flat_map(|(set, value)| {
                    (0..hosted.sets[set].classes.cells() as usize).map(move |cell| Place { set, value, cell })
                })
                .collect();
            for (&a, &b) in places.iter().flat_map(|a| places.iter().map(move |b| (a, b))) {
                let (x, y) = (hosted.get(&through, a, b), alone.get(&direct, a, b));
                assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0), "{a:?} {b:?}: {x} {y}");
            }
        }
    }
}

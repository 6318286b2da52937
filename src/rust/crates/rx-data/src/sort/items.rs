//! Sorting of heads by all threads.

use super::key::Keys;
use super::pack::Packing;
use super::piece::Part;
use crate::column::{Column, NA_I32};
use crate::error::Result;
use rayon::prelude::*;
use std::sync::Arc;

/// From so many items on they are parted before they are sorted.
const PARTED: usize = 1 << 16;
/// Items of a bucket, where heads are spread evenly: they stay in a core's cache.
const BUCKET: usize = 1 << 11;
/// Buckets at most, as a power of two: more places to write to are too many for the processor.
const MOST_BITS: u32 = 11;
/// Bytes that an item takes at most.
pub const ITEM_BYTES: u64 = size_of::<u128>() as u64;

/// Rows to be sorted: of each its head, and where it is. Together they are one number, as short as the rows allow, by
/// which rows of equal heads keep their order.
pub struct Items {
    words: Words,
    shape: Shape,
}

/// The numbers.
enum Words {
    Narrow(Vec<u64>),
    Wide(Vec<u128>),
}

/// What the bits of an item mean: the head is above the part's number, and that above the row's.
#[derive(Clone, Copy)]
struct Shape {
    /// Bits of the heads, see [`Packing`].
    head: u32,
    /// Bits of the parts' numbers and of the rows.
    place: u32,
    row: u32,
}

/// A head and a place as one number.
trait Word: Copy + Ord + Default + Send + Sync {
    fn new(head: u64, part: usize, row: usize, shape: Shape) -> Self;
    fn head(self, shape: Shape) -> u64;
    /// The place as in [`super::Piece`].
    fn id(self, shape: Shape) -> u64;
}

macro_rules! word {
    ($type:ty) => {
        impl Word for $type {
            fn new(head: u64, part: usize, row: usize, shape: Shape) -> Self {
                Self::from(head) << shape.place | Self::from((part as u64) << shape.row | row as u64)
            }

            fn head(self, shape: Shape) -> u64 {
                (self >> shape.place) as u64
            }

            fn id(self, shape: Shape) -> u64 {
                let place = self & ((1 << shape.place) - 1);
                ((place >> shape.row) as u64) << 32 | (place & ((1 << shape.row) - 1)) as u64
            }
        }
    };
}
word!(u64);
word!(u128);

/// Does the same with numbers of either length.
macro_rules! each {
    ($items:expr, |$words:ident| $work:expr) => {
        match $items {
            Words::Narrow($words) => $work,
            Words::Wide($words) => $work,
        }
    };
}

impl Items {
    /// The rows of some parts, in their order; only those that have a value in the column `present`, if there is one.
    pub fn new(parts: &[Arc<Part>], keys: &Keys, packing: &Packing, present: Option<usize>) -> Result<Items> {
        let most_rows = parts.iter().map(|part| part.rows).max().unwrap_or(0);
        let (row, head) = (bits(most_rows), packing.bits);
        let shape = Shape { head, place: bits(parts.len()) + row, row };
        let rows = parts.par_iter().map(|part| is_wanted(part, present).filter(|&wanted| wanted).count());
        let rows: Vec<usize> = rows.collect();
        let all = rows.iter().sum();
        let mut words =
            if head + shape.place < u64::BITS { Words::Narrow(vec![0; all]) } else { Words::Wide(vec![0; all]) };
        each!(&mut words, |words| fill(words, &rows, shape, |part| {
            let heads = packing.heads(&parts[part], keys)?;
            let wanted = is_wanted(&parts[part], present);
            Ok(heads.into_iter().enumerate().zip(wanted).filter_map(|(row, wanted)| wanted.then_some(row)))
        }))?;
        Ok(Items { words, shape })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        each!(&self.words, |words| words.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The head of an item, and its place as in [`super::Piece`].
    pub fn get(&self, i: usize) -> (u64, u64) {
        each!(&self.words, |words| (words[i].head(self.shape), words[i].id(self.shape)))
    }

    /// Sorts them by their heads. Work is dropped as soon as `stopped`.
    pub fn sort(&mut self, stopped: &(impl Fn() -> bool + Sync)) {
        each!(&mut self.words, |words| sort(words, self.shape.head, self.shape, stopped));
    }

    /// Settles the order of items with equal heads by comparing their rows.
    pub fn settle(&mut self, parts: &[Arc<Part>], keys: &Keys, stopped: &(impl Fn() -> bool + Sync)) {
        each!(&mut self.words, |words| settle(words, self.shape, parts, keys, stopped));
    }
}

/// Bits that numbers below this one need.
fn bits(numbers: usize) -> u32 {
    usize::BITS - numbers.saturating_sub(1).leading_zeros()
}

/// Whether each row of a part is wanted.
fn is_wanted(part: &Part, present: Option<usize>) -> impl Iterator<Item = bool> {
    let values = match present.map(|j| &part.columns[j]) {
        Some(Column::I32(values)) => Some(values.clone()),
        _ => None,
    };
    (0..part.rows).map(move |row| values.as_ref().is_none_or(|values| values[row] != NA_I32))
}

/// Makes the items of all parts, each of which has so many rows. A function tells which ones, and their heads.
fn fill<W: Word, R: Iterator<Item = (usize, u64)>>(
    words: &mut [W],
    rows: &[usize],
    shape: Shape,
    heads: impl Fn(usize) -> Result<R> + Sync,
) -> Result<()> {
    let mut rest = words;
    let mut rooms = Vec::with_capacity(rows.len());
    for &rows in rows {
        let (room, others) = rest.split_at_mut(rows);
        rooms.push(room);
        rest = others;
    }
    rooms.into_par_iter().enumerate().try_for_each(|(part, room)| {
        room.iter_mut().zip(heads(part)?).for_each(|(word, (row, head))| *word = W::new(head, part, row, shape));
        Ok(())
    })
}

/// Sorts items by so many lowest bits of their heads; the others are equal.
///
/// They are parted by their highest bits, all threads together, until the buckets are small (MSD radix sort); these
/// are left to the standard library's sort.
fn sort<W: Word>(items: &mut [W], bits: u32, shape: Shape, stopped: &(impl Fn() -> bool + Sync)) {
    if stopped() || bits == 0 {
        return;
    }
    if items.len() < PARTED {
        items.sort_unstable();
        return;
    }
    let wanted = (items.len() / BUCKET).ilog2().clamp(1, MOST_BITS);
    let rest = bits.saturating_sub(wanted);
    let mut parted = vec![W::default(); items.len()];
    let bucket = |item: &W| (item.head(shape) >> rest & ((1 << wanted) - 1)) as usize;
    let sizes = part(items, &mut parted, bucket, 1 << wanted);
    let mut buckets = Vec::with_capacity(sizes.len());
    let (mut from, mut to) = (&mut parted[..], &mut items[..]);
    for size in sizes.into_iter().filter(|&size| size > 0) {
        let (first, second);
        (first, from) = from.split_at_mut(size);
        (second, to) = to.split_at_mut(size);
        buckets.push((first, second));
    }
    // Large buckets often are neighbours, so each is a task of its own.
    buckets.into_par_iter().with_max_len(1).for_each(|(from, to)| {
        to.copy_from_slice(from);
        sort(to, rest, shape, stopped);
    });
}

/// Copies items to where their buckets are, in their order; the result is the buckets' sizes.
fn part<W: Word>(items: &[W], to: &mut [W], bucket: impl Fn(&W) -> usize + Sync, buckets: usize) -> Vec<usize> {
    let chunk = items.len().div_ceil(rayon::current_num_threads() * 4).max(PARTED / 4);
    let counts: Vec<Vec<usize>> = items
        .par_chunks(chunk)
        .map(|chunk| {
            let mut counts = vec![0; buckets];
            chunk.iter().for_each(|item| counts[bucket(item)] += 1);
            counts
        })
        .collect();
    // Each chunk's room in each bucket.
    let mut rooms: Vec<Vec<std::slice::IterMut<W>>> = counts.iter().map(|_| Vec::with_capacity(buckets)).collect();
    let mut rest = to;
    for bucket in 0..buckets {
        for (rooms, counts) in rooms.iter_mut().zip(&counts) {
            let (room, others) = rest.split_at_mut(counts[bucket]);
            rooms.push(room.iter_mut());
            rest = others;
        }
    }
    items.par_chunks(chunk).zip(rooms).for_each(|(chunk, mut rooms)| {
        for item in chunk {
            if let Some(place) = rooms[bucket(item)].next() {
                *place = *item;
            }
        }
    });
    (0..buckets).map(|bucket| counts.iter().map(|counts| counts[bucket]).sum()).collect()
}

fn settle<W: Word>(
    items: &mut [W],
    shape: Shape,
    parts: &[Arc<Part>],
    keys: &Keys,
    stopped: &(impl Fn() -> bool + Sync),
) {
    let row = |item: &W| {
        let id = item.id(shape);
        (&**parts[(id >> 32) as usize], id as u32 as usize)
    };
    items.par_chunk_by_mut(|a, b| a.head(shape) == b.head(shape)).filter(|ties| ties.len() > 1).for_each(|ties| {
        if !stopped() {
            ties.par_sort_unstable_by(|a, b| keys.compare(row(a), row(b)).then(a.cmp(b)));
        }
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn noise(i: u64) -> u64 {
        (i ^ 0x55).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }

    fn expect_sorted<W: Word>(n: u64, shape: Shape, head: fn(u64) -> u64) {
        let mut items: Vec<W> = (0..n).map(|i| W::new(head(i), (i >> 8) as usize, i as usize & 0xFF, shape)).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|item| item.head(shape));
        sort(&mut items, shape.head, shape, &|| false);
        assert!(items == expected, "{n} items of {} bits", shape.head);
    }

    #[test]
    fn items_are_sorted_whatever_their_heads() {
        type Head = fn(u64) -> u64;
        let shapes: [(u32, Head); 6] = [
            (64, noise),
            (3, |i| noise(i) >> 61),
            (0, |_| 0),
            (40, |i| if i % 1000 == 0 { noise(i) >> 24 } else { i % 7 }),
            (20, |i| i),
            (17, |i| 100_000 - i % 100_000),
        ];
        for n in [0, 1, 1000, 300_000] {
            for (bits, head) in shapes {
                let shape = Shape { head: bits, place: 20, row: 8 };
                expect_sorted::<u128>(n, shape, head);
                if bits <= 40 {
                    expect_sorted::<u64>(n, shape, head);
                }
            }
        }
    }

    #[test]
    fn an_item_is_its_head_and_its_place() {
        let wide = Shape { head: 64, place: 64, row: 32 };
        let item = u128::new(u64::MAX - 1, u32::MAX as usize, 7, wide);
        assert_eq!((item.head(wide), item.id(wide)), (u64::MAX - 1, u64::from(u32::MAX) << 32 | 7));
        let narrow = Shape { head: 40, place: 23, row: 17 };
        let item = u64::new((1 << 40) - 3, 63, (1 << 17) - 1, narrow);
        assert_eq!((item.head(narrow), item.id(narrow)), ((1 << 40) - 3, 63 << 32 | ((1 << 17) - 1)));
        // One row needs no bits to tell where it is.
        let alone = Shape { head: 63, place: bits(1), row: bits(1) };
        assert_eq!((u64::new(5, 0, 0, alone).head(alone), u64::new(5, 0, 0, alone).id(alone)), (5, 0));
        assert_eq!([0, 1, 2, 3, 4, 5].map(bits), [0, 0, 1, 2, 2, 3]);
    }
}

//! Sorting of heads by all threads.

use super::key::Keys;
use crate::block::Block;
use rayon::prelude::*;
use std::sync::Arc;

/// A row's head, and where the row is: the number of its part in the upper half, the row in the lower one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// See [`super::Packing`].
    pub head: u64,
    /// Rows that come first have smaller ones, so equal heads keep their order.
    pub id: u64,
}

/// From so many items on they are parted before they are sorted.
const PARTED: usize = 1 << 16;
/// Items of a bucket, where heads are spread evenly: they stay in a core's cache.
const BUCKET: usize = 1 << 11;
/// Buckets at most, as a power of two: more places to write to are too many for the processor.
const MOST_BITS: u32 = 11;

/// Sorts items whose heads have so many bits. Work is dropped as soon as `stopped`.
///
/// They are parted by their highest bits, all threads together, until the buckets are small (MSD radix sort); these
/// are left to the standard library's sort.
pub fn sort(items: &mut [Item], bits: u32, stopped: &(impl Fn() -> bool + Sync)) {
    if stopped() || bits == 0 {
        return;
    }
    if items.len() < PARTED {
        items.sort_unstable();
        return;
    }
    let wanted = (items.len() / BUCKET).ilog2().clamp(1, MOST_BITS);
    let rest = bits.saturating_sub(wanted);
    let mut parted = vec![Item::default(); items.len()];
    let sizes = part(items, &mut parted, |item| (item.head >> rest & ((1 << wanted) - 1)) as usize, 1 << wanted);
    let mut buckets = Vec::with_capacity(sizes.len());
    let (mut from, mut to) = (&mut parted[..], &mut items[..]);
    for size in sizes.into_iter().filter(|&size| size > 0) {
        let (first, second);
        (first, from) = from.split_at_mut(size);
        (second, to) = to.split_at_mut(size);
        buckets.push((first, second));
    }
    buckets.into_par_iter().for_each(|(from, to)| {
        to.copy_from_slice(from);
        sort(to, rest, stopped);
    });
}

/// Copies items to where their buckets are, in their order; the result is the buckets' sizes.
fn part(items: &[Item], to: &mut [Item], bucket: impl Fn(&Item) -> usize + Sync, buckets: usize) -> Vec<usize> {
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
    let mut rooms: Vec<Vec<std::slice::IterMut<Item>>> = counts.iter().map(|_| Vec::with_capacity(buckets)).collect();
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

/// Settles the order of items with equal heads by comparing their rows.
pub fn settle(items: &mut [Item], parts: &[Arc<Block>], keys: &Keys, stopped: &(impl Fn() -> bool + Sync)) {
    let row = |item: &Item| (&*parts[(item.id >> 32) as usize], item.id as u32 as usize);
    items.par_chunk_by_mut(|a, b| a.head == b.head).filter(|ties| ties.len() > 1).for_each(|ties| {
        if !stopped() {
            ties.par_sort_unstable_by(|a, b| keys.compare(row(a), row(b)).then(a.id.cmp(&b.id)));
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
                let mut items: Vec<Item> = (0..n).map(|id| Item { head: head(id), id }).collect();
                let mut expected = items.clone();
                expected.sort_by_key(|item| item.head);
                sort(&mut items, bits, &|| false);
                assert!(items == expected, "{n} items of {bits} bits");
            }
        }
    }
}

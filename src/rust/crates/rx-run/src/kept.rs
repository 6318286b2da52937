//! Decoded rows kept between passes, so that a source is read once where memory allows.
//!
//! The first pass of an estimator that asks for it ([`rx_stats::Estimator::kept_bytes`]) keeps every batch, each column
//! in the narrowest type that holds its values exactly. Later passes show the same batches again: the same rows, cut in
//! the same places, so the result has the same bits whether they were kept or read again.

use rx_stats::ModelBatch;
use rx_stats::estimator::NO_LEVEL;
use rx_stats::levels::Moves;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Takes in the batches of a pass until they are too many.
pub struct Keeper {
    limit: u64,
    bytes: AtomicU64,
    over: AtomicBool,
    blocks: Mutex<BTreeMap<usize, KeptBlock>>,
}

impl Keeper {
    /// Keeps so many bytes at most.
    pub fn new(limit: u64) -> Self {
        Keeper { limit, bytes: AtomicU64::new(0), over: AtomicBool::new(limit == 0), blocks: Mutex::default() }
    }

    /// Whether there is room yet.
    pub fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Takes in a block.
    pub fn keep(&self, index: usize, block: KeptBlock) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = block.batches.iter().map(KeptBatch::bytes).sum::<u64>();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit {
            self.over.store(true, Ordering::Relaxed);
            blocks.clear();
        } else if self.goes_on() {
            blocks.insert(index, block);
        }
    }

    /// The rows of the pass, their levels where they have moved to; none if they were too many.
    pub fn into_rows(self, moves: &Moves) -> Option<KeptRows> {
        if !self.goes_on() {
            return None;
        }
        let blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut blocks: Vec<KeptBlock> = blocks.into_values().collect();
        for batch in blocks.iter_mut().flat_map(|block| &mut block.batches) {
            for (codes, moves) in batch.codes.iter_mut().zip(moves) {
                if let Some(moves) = moves {
                    let old = codes.to_vec(&mut Vec::new()).to_vec();
                    let moved = |code: u32| moves.get(code as usize).copied().unwrap_or(NO_LEVEL);
                    *codes = Codes::new(&old.into_iter().map(moved).collect::<Vec<_>>());
                }
            }
        }
        Some(KeptRows { blocks })
    }
}

/// The decoded rows of a source.
pub struct KeptRows {
    blocks: Vec<KeptBlock>,
}

impl KeptRows {
    /// The first batch.
    pub fn first(&self) -> Option<&KeptBatch> {
        self.blocks.iter().flat_map(|block| &block.batches).next()
    }

    /// Starts a pass.
    pub fn scan(&self) -> KeptScan<'_> {
        KeptScan { blocks: &self.blocks, next: AtomicUsize::new(0) }
    }
}

/// One pass over kept rows; any thread may ask for the next block.
pub struct KeptScan<'a> {
    blocks: &'a [KeptBlock],
    next: AtomicUsize,
}

impl<'a> KeptScan<'a> {
    /// The next block and its position.
    pub fn next(&self) -> Option<(usize, &'a KeptBlock)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.blocks.get(index).map(|block| (index, block))
    }
}

/// The batches of a block.
pub struct KeptBlock {
    /// Rows of the block that was read, incomplete ones included.
    pub rows: usize,
    /// What was made of them.
    pub batches: Vec<KeptBatch>,
}

/// A decoded batch.
pub struct KeptBatch {
    rows: usize,
    dropped: u64,
    numeric: Vec<Numbers>,
    codes: Vec<Codes>,
    weight: Option<Numbers>,
}

/// Working memory of one thread.
#[derive(Default)]
pub struct Unpacked {
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    weight: Vec<f64>,
}

impl KeptBatch {
    /// A copy of a batch.
    pub fn new(batch: &ModelBatch) -> Self {
        KeptBatch {
            rows: batch.rows,
            dropped: batch.dropped,
            numeric: batch.numeric.iter().map(|values| Numbers::new(values)).collect(),
            codes: batch.codes.iter().map(|codes| Codes::new(codes)).collect(),
            weight: batch.weight.map(Numbers::new),
        }
    }

    /// Shows the batch as it was.
    pub fn with<R>(&self, room: &mut Unpacked, f: impl FnOnce(&ModelBatch) -> R) -> R {
        room.numeric.resize_with(self.numeric.len(), Vec::new);
        room.codes.resize_with(self.codes.len(), Vec::new);
        let numeric: Vec<&[f64]> =
            self.numeric.iter().zip(&mut room.numeric).map(|(values, room)| values.to_vec(room)).collect();
        let codes: Vec<&[u32]> =
            self.codes.iter().zip(&mut room.codes).map(|(codes, room)| codes.to_vec(room)).collect();
        let weight = self.weight.as_ref().map(|weights| weights.to_vec(&mut room.weight));
        f(&ModelBatch { rows: self.rows, dropped: self.dropped, numeric: &numeric, codes: &codes, weight })
    }

    fn bytes(&self) -> u64 {
        let numbers = self.numeric.iter().chain(&self.weight).map(Numbers::bytes);
        let all = numbers.chain(self.codes.iter().map(Codes::bytes)).map(|bytes| bytes + 32).sum::<usize>();
        all as u64 + 128
    }
}

/// Numbers in the narrowest type that has their bits.
enum Numbers {
    I8(Box<[i8]>),
    I16(Box<[i16]>),
    I32(Box<[i32]>),
    F32(Box<[f32]>),
    F64(Box<[f64]>),
}

impl Numbers {
    fn new(values: &[f64]) -> Self {
        let same = |x: f64, y: f64| x.to_bits() == y.to_bits();
        if values.iter().all(|&x| same(f64::from(x as i32), x)) {
            let (low, high) = values.iter().fold((0.0f64, 0.0f64), |(low, high), &x| (low.min(x), high.max(x)));
            if low >= f64::from(i8::MIN) && high <= f64::from(i8::MAX) {
                return Numbers::I8(values.iter().map(|&x| x as i8).collect());
            }
            if low >= f64::from(i16::MIN) && high <= f64::from(i16::MAX) {
                return Numbers::I16(values.iter().map(|&x| x as i16).collect());
            }
            return Numbers::I32(values.iter().map(|&x| x as i32).collect());
        }
        match values.iter().all(|&x| same(f64::from(x as f32), x)) {
            true => Numbers::F32(values.iter().map(|&x| x as f32).collect()),
            false => Numbers::F64(values.into()),
        }
    }

    fn to_vec<'a>(&'a self, room: &'a mut Vec<f64>) -> &'a [f64] {
        room.clear();
        match self {
            Numbers::I8(values) => room.extend(values.iter().map(|&x| f64::from(x))),
            Numbers::I16(values) => room.extend(values.iter().map(|&x| f64::from(x))),
            Numbers::I32(values) => room.extend(values.iter().map(|&x| f64::from(x))),
            Numbers::F32(values) => room.extend(values.iter().map(|&x| f64::from(x))),
            Numbers::F64(values) => return values,
        }
        room
    }

    fn bytes(&self) -> usize {
        match self {
            Numbers::I8(values) => values.len(),
            Numbers::I16(values) => 2 * values.len(),
            Numbers::I32(values) => 4 * values.len(),
            Numbers::F32(values) => 4 * values.len(),
            Numbers::F64(values) => 8 * values.len(),
        }
    }
}

/// Codes of levels in the narrowest type; its largest number is [`NO_LEVEL`].
enum Codes {
    U8(Box<[u8]>),
    U16(Box<[u16]>),
    U32(Box<[u32]>),
}

impl Codes {
    fn new(codes: &[u32]) -> Self {
        match codes.iter().filter(|&&code| code != NO_LEVEL).max() {
            Some(&last) if last >= u32::from(u16::MAX) => Codes::U32(codes.into()),
            Some(&last) if last >= u32::from(u8::MAX) => Codes::U16(codes.iter().map(|&code| code as u16).collect()),
            _ => Codes::U8(codes.iter().map(|&code| code as u8).collect()),
        }
    }

    fn to_vec<'a>(&'a self, room: &'a mut Vec<u32>) -> &'a [u32] {
        room.clear();
        match self {
            Codes::U8(codes) => {
                room.extend(codes.iter().map(|&code| if code == u8::MAX { NO_LEVEL } else { u32::from(code) }));
            }
            Codes::U16(codes) => {
                room.extend(codes.iter().map(|&code| if code == u16::MAX { NO_LEVEL } else { u32::from(code) }));
            }
            Codes::U32(codes) => return codes,
        }
        room
    }

    fn bytes(&self) -> usize {
        match self {
            Codes::U8(codes) => codes.len(),
            Codes::U16(codes) => 2 * codes.len(),
            Codes::U32(codes) => 4 * codes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_comes_back_bit_for_bit() {
        let numbers: [&[f64]; 6] = [
            &[1.0, -128.0, 127.0],
            &[1.0, 300.0, -32768.0],
            &[1e9, -2147483648.0, 0.0],
            &[0.5, -0.0, 3e9],
            &[0.1, f64::NAN, f64::INFINITY],
            &[f64::from_bits(0x7FF0_0000_0000_07A2), -0.0, 2147483648.0],
        ];
        let codes: [&[u32]; 3] = [&[0, 254, NO_LEVEL], &[255, NO_LEVEL, 65534], &[65535, 0, NO_LEVEL]];
        let weight: &[f64] = &[1.0, 2.0, 0.25];
        let batch = ModelBatch { rows: 3, dropped: 7, numeric: &numbers, codes: &codes, weight: Some(weight) };
        let kept = KeptBatch::new(&batch);
        let bytes: Vec<usize> = kept.numeric.iter().map(Numbers::bytes).collect();
        assert_eq!(bytes, [3, 6, 12, 12, 24, 24]);
        assert_eq!(kept.codes.iter().map(Codes::bytes).collect::<Vec<_>>(), [3, 6, 12]);
        kept.with(&mut Unpacked::default(), |again| {
            assert_eq!((again.rows, again.dropped, again.codes), (3, 7, &codes[..]));
            assert_eq!(again.weight, Some(weight));
            for (x, y) in numbers.iter().zip(again.numeric) {
                assert!(x.iter().zip(*y).all(|(x, y)| x.to_bits() == y.to_bits()), "{x:?} {y:?}");
            }
        });
    }

    #[test]
    fn too_many_rows_are_not_kept_and_codes_go_where_levels_went() {
        let codes: [&[u32]; 1] = [&[0, 1, 2, 1]];
        let batch = ModelBatch { rows: 4, dropped: 0, numeric: &[], codes: &codes, weight: None };
        let block = || KeptBlock { rows: 4, batches: vec![KeptBatch::new(&batch)] };
        let small = Keeper::new(200);
        small.keep(0, block());
        assert!(small.goes_on());
        small.keep(1, block());
        assert!(!small.goes_on() && small.into_rows(&vec![None]).is_none());
        let roomy = Keeper::new(1 << 20);
        roomy.keep(1, block());
        roomy.keep(0, block());
        let rows = roomy.into_rows(&vec![Some(vec![300, 1, NO_LEVEL])]);
        let scan = rows.as_ref().map(KeptRows::scan);
        let first = scan.as_ref().and_then(KeptScan::next).map(|(index, block)| {
            block.batches[0].with(&mut Unpacked::default(), |batch| (index, batch.codes[0].to_vec()))
        });
        assert_eq!(first, Some((0, vec![300, 1, NO_LEVEL, 1])));
    }
}

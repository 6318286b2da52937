//! Where the fields of many records lie, found 64 bytes at a time.
//!
//! A record is cut into its fields first, and then all values of a column are parsed one after the other: a loop that
//! does one thing has no surprises for the processor. What a field is, [`super::split`] defines; here is the same for
//! fields without surprises, and that definition for the others.

use super::layout::Layout;
use super::split::{Dialect, End, Field, word_at, zero_bytes};

/// Spans that fit into the first levels of cache.
const SPANS: usize = 8_192;
/// The mark of a span whose content has doubled quotes.
const DOUBLED: u32 = 1 << 31;

/// The content of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    stop: u32,
}

impl Span {
    /// The content of a field of `text`, which is far below 2 GiB: records longer than that are refused before.
    fn of(field: &Field, text: &[u8]) -> Self {
        let start = field.raw.as_ptr() as usize - text.as_ptr() as usize;
        let mark = if field.doubled.is_some() { DOUBLED } else { 0 };
        Span { start: start as u32, stop: (start + field.raw.len()) as u32 | mark }
    }

    /// Where the content begins and ends.
    #[inline]
    pub fn range(self) -> (usize, usize) {
        (self.start as usize, (self.stop & !DOUBLED) as usize)
    }

    /// Whether quotes in it stand twice.
    #[inline]
    pub fn is_doubled(self) -> bool {
        self.stop & DOUBLED != 0
    }
}

/// The fields of some records, by column.
pub(super) struct Spans {
    spans: Vec<Span>,
    /// Where the spans of each field of a record begin; those of fields that nobody wants overwrite each other's.
    slots: Vec<usize>,
    /// Records in `spans`.
    rows: usize,
    most_rows: usize,
}

/// Why there are no more records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is no room for more.
    Full,
    /// The text has no other complete record.
    Text,
    /// The next record has more or fewer fields.
    Fields,
}

impl Spans {
    /// Room for records, each of as many fields as `wanted` has entries.
    pub fn new(wanted: &[bool]) -> Self {
        let columns = wanted.iter().filter(|&&w| w).count();
        // No power of two: the columns would all compete for the same places in the cache.
        let most_rows = (SPANS / (columns + 1)).clamp(15, 999) | 1;
        let mut next = 0;
        let slots = wanted.iter().map(|&wanted| {
            let slot = if wanted { next } else { columns };
            next += usize::from(wanted);
            slot * most_rows
        });
        Spans { slots: slots.collect(), spans: vec![Span::default(); (columns + 1) * most_rows], rows: 0, most_rows }
    }

    /// The contents of a wanted field.
    pub fn of(&self, field: usize) -> &[Span] {
        &self.spans[self.slots[field]..][..self.rows]
    }

    /// How many records there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes the records from `at` on, and tells where the first one that was not taken begins.
    pub fn fill(&mut self, layout: &Layout, dialect: &Dialect, text: &[u8], mut at: usize) -> (usize, Stop) {
        self.rows = 0;
        let is_plain = matches!(layout, Layout::Delimited) && !dialect.combine;
        let mut ends = Ends::new(dialect, text);
        while self.rows < self.most_rows {
            at = dialect.record_start(text, at);
            let taken =
                if is_plain { self.take(dialect, &mut ends, at) } else { self.take_any(layout, dialect, text, at) };
            match taken {
                Ok(next) => at = next,
                Err(stop) => return (at, stop),
            }
            self.rows += 1;
        }
        (at, Stop::Full)
    }

    /// Takes the record that begins at `at`.
    #[inline]
    fn take(&mut self, dialect: &Dialect, ends: &mut Ends, mut at: usize) -> Result<usize, Stop> {
        let (text, start, last) = (ends.text, at, self.slots.len() - 1);
        for (j, slot) in self.slots.iter().enumerate() {
            let quoted = dialect.quote.is_some() && text.get(at).copied() == dialect.quote;
            let (span, end, next) = if quoted && let Some(field) = short_quoted(dialect, text, at) {
                field
            } else if quoted {
                let field = dialect.field(text, at).ok_or(Stop::Text)?;
                (Span::of(&field, text), field.end, field.next)
            } else {
                let stop = ends.next(at).ok_or(Stop::Text)?;
                let is_record = text[stop] == b'\n';
                let carriage = is_record && stop > at && text[stop - 1] == b'\r';
                let span = Span { start: at as u32, stop: (stop - usize::from(carriage)) as u32 };
                (span, if is_record { End::Record } else { End::Field }, stop + 1)
            };
            if (end == End::Record) != (j == last) {
                // A record that the text ends in is not yet known to be wrong.
                let is_complete = dialect.record(text, start, &mut Vec::new()).is_some();
                return Err(if is_complete { Stop::Fields } else { Stop::Text });
            }
            self.spans[slot + self.rows] = span;
            at = next;
        }
        Ok(at)
    }

    /// The same for any layout.
    fn take_any(&mut self, layout: &Layout, dialect: &Dialect, text: &[u8], at: usize) -> Result<usize, Stop> {
        let mut record = Vec::with_capacity(self.slots.len());
        let next = layout.record(dialect, text, at, &mut record).ok_or(Stop::Text)?;
        if record.len() != self.slots.len() {
            return Err(Stop::Fields);
        }
        for (slot, field) in self.slots.iter().zip(&record) {
            self.spans[slot + self.rows] = Span::of(field, text);
        }
        Ok(next)
    }
}

/// The field after a quote, if the closing one is among the next eight bytes and the field ends with it.
#[inline]
fn short_quoted(dialect: &Dialect, text: &[u8], at: usize) -> Option<(Span, End, usize)> {
    let quotes = zero_bytes(word_at(text, at + 1)? ^ (0x0101_0101_0101_0101 * u64::from(dialect.quote?)));
    let close = at + 1 + quotes.trailing_zeros() as usize / 8;
    let end = match *text.get(close + 1).filter(|_| quotes != 0)? {
        b'\n' => End::Record,
        byte if byte == dialect.delimiter => End::Field,
        _ => return None,
    };
    Some((Span { start: at as u32 + 1, stop: close as u32 }, end, close + 2))
}

/// The places where a field may end, in increasing order.
struct Ends<'a> {
    text: &'a [u8],
    delimiter: u8,
    /// The ends among the 64 bytes from `base` on that are not passed yet.
    bits: u64,
    base: usize,
}

impl<'a> Ends<'a> {
    fn new(dialect: &Dialect, text: &'a [u8]) -> Self {
        Ends { text, delimiter: dialect.delimiter, bits: ends_in(text, dialect.delimiter), base: 0 }
    }

    /// The first one from `at` on.
    #[inline]
    fn next(&mut self, at: usize) -> Option<usize> {
        match at.wrapping_sub(self.base) {
            passed @ 0..64 => self.bits &= !0 << passed,
            _ => (self.base, self.bits) = (at, ends_in(self.text.get(at..)?, self.delimiter)),
        }
        while self.bits == 0 {
            self.base += 64;
            self.bits = ends_in(self.text.get(self.base..)?, self.delimiter);
        }
        Some(self.base + self.bits.trailing_zeros() as usize)
    }
}

/// The places of delimiters and newlines among the first 64 bytes.
#[inline]
fn ends_in(text: &[u8], delimiter: u8) -> u64 {
    match text.first_chunk() {
        Some(block) => ends_in_block(block, delimiter),
        None => {
            let mut block = [0; 64];
            block[..text.len()].copy_from_slice(text);
            ends_in_block(&block, delimiter)
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn ends_in_block(block: &[u8; 64], delimiter: u8) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};

    #[inline]
    #[target_feature(enable = "sse2")]
    fn sse2(block: &[u8; 64], delimiter: u8) -> u64 {
        let (delimiters, newlines) = (_mm_set1_epi8(delimiter as i8), _mm_set1_epi8(b'\n' as i8));
        let (words, _) = block.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<2>();
        pairs.iter().rev().fold(0, |bits, &[low, high]| {
            let bytes = _mm_set_epi64x(i64::from_le_bytes(high), i64::from_le_bytes(low));
            let ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, newlines));
            bits << 16 | u64::from(_mm_movemask_epi8(ends) as u16)
        })
    }

    // SAFETY: SSE2 is part of x86-64.
    unsafe { sse2(block, delimiter) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn ends_in_block(block: &[u8; 64], delimiter: u8) -> u64 {
    let bit = |(i, &byte): (usize, &u8)| u64::from(byte == delimiter || byte == b'\n') << i;
    block.iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const CSV: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), combine: false, decimal: b'.' };

    /// The fields of all complete records, by record, and why there are no more.
    fn fields(dialect: Dialect, text: &str, wanted: &[bool]) -> (Vec<Vec<String>>, Stop) {
        let (mut spans, mut at, mut records) = (Spans::new(wanted), 0, Vec::new());
        loop {
            let (next, stop) = spans.fill(&Layout::Delimited, &dialect, text.as_bytes(), at);
            for row in 0..spans.rows() {
                let wanted = (0..wanted.len()).filter(|&j| wanted[j]);
                let content = |j: usize| dialect.content(text.as_bytes(), spans.of(j)[row]).into_owned();
                records.push(wanted.map(|j| String::from_utf8(content(j)).unwrap()).collect());
            }
            if stop != Stop::Full {
                return (records, stop);
            }
            at = next;
        }
    }

    /// Text of all kinds of fields, at all places of the 64 bytes.
    fn sample(records: usize) -> String {
        let kinds = ["", "1", "-12.5", "\"a,b\"", "\"x\"\"y\"", "\"p\nq\"", "5\" pipe", "\"a\"b", " z ", "a\rb"];
        let long = "y".repeat(150);
        (0..records)
            .map(|i| {
                let field = |j: usize| {
                    if (i + j).is_multiple_of(41) { long.as_str() } else { kinds[(i * 7 + j * 3 + i / 10) % 10] }
                };
                format!("{},{},{}{}", field(0), field(1), field(2), ["\n", "\r\n", "\n\n"][i % 3])
            })
            .collect()
    }

    #[test]
    fn fields_are_those_of_the_definition() {
        let text = sample(5_000);
        let (mut at, mut record, mut expected) = (0, Vec::new(), Vec::new());
        while let Some(next) = CSV.record(text.as_bytes(), at, &mut record) {
            expected
                .push(record.iter().map(|f| String::from_utf8(f.content().into_owned()).unwrap()).collect::<Vec<_>>());
            at = next;
        }
        let (found, stop) = fields(CSV, &text, &[true; 3]);
        assert_eq!((found.len(), stop), (5_000, Stop::Text));
        assert!(found == expected);
        let (found, _) = fields(CSV, &text, &[false, true, false]);
        assert!(found.iter().map(|r| &r[0]).eq(expected.iter().map(|r| &r[1])));
    }

    #[test]
    fn an_unfinished_record_is_left_and_a_wrong_one_is_told() {
        assert_eq!(fields(CSV, "a,b\nc,d", &[true; 2]), (vec![vec!["a".into(), "b".into()]], Stop::Text));
        assert_eq!(fields(CSV, "a,b,c\n", &[true; 2]).1, Stop::Fields);
        assert_eq!(fields(CSV, "a\n", &[true; 2]).1, Stop::Fields);
        assert_eq!(fields(CSV, "a,b,\"c", &[true; 2]).1, Stop::Text);
        let spaces = Dialect { delimiter: b' ', combine: true, ..CSV };
        assert_eq!(fields(spaces, "  a  b \n a\n", &[true; 2]), (vec![vec!["a".into(), "b".into()]], Stop::Fields));
    }

    #[test]
    fn ends_agree_with_a_plain_loop() {
        let text: Vec<u8> = (0..1_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for from in 0..text.len() {
            let block = &text[from..];
            let expected = (0..64).filter(|&i| block.get(i).is_some_and(|&b| b == b'\n' || b == 0xA7));
            assert_eq!(ends_in(block, 0xA7), expected.fold(0, |bits, i| bits | 1 << i));
        }
    }
}

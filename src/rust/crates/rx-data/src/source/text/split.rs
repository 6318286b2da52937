//! Where fields and records end.

use super::spans::Span;
use std::borrow::Cow;

/// The characters that give a text file its structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Separates fields.
    pub delimiter: u8,
    /// Encloses fields; a doubled one stands for itself.
    pub quote: Option<u8>,
    /// Whether a run of delimiters counts once (as spaces do, which at a record's ends count for nothing).
    pub combine: bool,
    /// Separates the decimals of a number.
    pub decimal: u8,
}

/// What a field's end was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Another field follows.
    Field,
    /// The record ends as well.
    Record,
}

/// One field, and where the text goes on after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub raw: &'a [u8],
    /// The quote if the content has doubled ones.
    pub doubled: Option<u8>,
    pub end: End,
    pub next: usize,
}

impl<'a> Field<'a> {
    /// A field that is what it says.
    pub fn plain(raw: &'a [u8], end: End, next: usize) -> Self {
        Field { raw, doubled: None, end, next }
    }

    /// What the field says, without quotes.
    pub fn content(&self) -> Cow<'a, [u8]> {
        self.doubled.map_or(Cow::Borrowed(self.raw), |quote| Cow::Owned(undoubled(self.raw, quote)))
    }
}

/// A text in which two quotes mean one.
fn undoubled(mut rest: &[u8], quote: u8) -> Vec<u8> {
    let mut content = Vec::with_capacity(rest.len());
    while let Some(at) = find(rest, 0, quote) {
        content.extend_from_slice(&rest[..=at]);
        rest = &rest[(at + 2).min(rest.len())..];
    }
    content.extend_from_slice(rest);
    content
}

impl Dialect {
    /// What a field says whose content lies in a span.
    #[inline]
    pub fn content<'a>(&self, text: &'a [u8], span: Span) -> Cow<'a, [u8]> {
        let (start, stop) = span.range();
        match self.quote.filter(|_| span.is_doubled()) {
            Some(quote) => Cow::Owned(undoubled(&text[start..stop], quote)),
            None => Cow::Borrowed(&text[start..stop]),
        }
    }

    /// Where the first record that begins at `at` or after blank lines begins; the text's length if there is none.
    pub fn record_start(&self, text: &[u8], mut at: usize) -> usize {
        loop {
            let line = at;
            while self.delimiter == b' ' && text.get(at) == Some(&b' ') {
                at += 1;
            }
            match text.get(at) {
                Some(b'\n') => at += 1,
                Some(b'\r') if text.get(at + 1) == Some(&b'\n') => at += 2,
                // Blanks at the end of what is read so far may still become part of a record.
                None => return if at == line { at } else { line },
                Some(_) => return at,
            }
        }
    }

    /// Puts the fields of the first record from `at` on into `record`, and tells where it ends. None: there is no
    /// complete one.
    pub fn record<'a>(&self, text: &'a [u8], at: usize, record: &mut Vec<Field<'a>>) -> Option<usize> {
        record.clear();
        let mut at = self.record_start(text, at);
        loop {
            let field = self.field(text, at)?;
            at = field.next;
            record.push(field);
            if field.end == End::Record {
                return Some(at);
            }
        }
    }

    /// The field that begins at `at`; None if the text ends before it does.
    #[inline]
    pub fn field<'a>(&self, text: &'a [u8], at: usize) -> Option<Field<'a>> {
        if self.quote.is_some() && text.get(at).copied() == self.quote {
            return self.quoted_field(text, at);
        }
        self.plain_field(text, at, at)
    }

    /// The field from `start`, whose end is looked for from `from` on.
    #[inline]
    fn plain_field<'a>(&self, text: &'a [u8], start: usize, from: usize) -> Option<Field<'a>> {
        let at = find_either(text, from, self.delimiter, b'\n')?;
        let (end, next) = self.end_at(text, at)?;
        let stop = if text[at] == b'\n' && at > start && text[at - 1] == b'\r' { at - 1 } else { at };
        Some(Field { raw: &text[start..stop], doubled: None, end, next })
    }

    fn quoted_field<'a>(&self, text: &'a [u8], start: usize) -> Option<Field<'a>> {
        let quote = self.quote?;
        let (mut at, mut doubled) = (start + 1, None);
        loop {
            at = find(text, at, quote)?;
            if *text.get(at + 1)? != quote {
                break;
            }
            doubled = Some(quote);
            at += 2;
        }
        let mut after = at + 1;
        while text.get(after) == Some(&b' ') && self.delimiter != b' ' {
            after += 1;
        }
        match self.end_at(text, after) {
            Some((end, next)) => Some(Field { raw: &text[start + 1..at], doubled, end, next }),
            // Something follows the closing quote: the field was not meant as quoted, and is taken as it stands.
            None => self.plain_field(text, start, at + 1),
        }
    }

    /// Whether a field ends at `at`, how, and where the text goes on. None: it does not (or the text ends).
    #[inline]
    pub fn end_at(&self, text: &[u8], at: usize) -> Option<(End, usize)> {
        let byte = *text.get(at)?;
        if byte == self.delimiter {
            return if self.combine { self.end_of_run(text, at) } else { Some((End::Field, at + 1)) };
        }
        match byte {
            b'\n' => Some((End::Record, at + 1)),
            b'\r' if text.get(at + 1) == Some(&b'\n') => Some((End::Record, at + 2)),
            _ => None,
        }
    }

    /// After a run of delimiters that counts once; one of spaces counts for nothing at the end of a record.
    fn end_of_run(&self, text: &[u8], mut at: usize) -> Option<(End, usize)> {
        while *text.get(at)? == self.delimiter {
            at += 1;
        }
        match text[at] {
            _ if self.delimiter != b' ' => Some((End::Field, at)),
            b'\n' => Some((End::Record, at + 1)),
            b'\r' if *text.get(at + 1)? == b'\n' => Some((End::Record, at + 2)),
            _ => Some((End::Field, at)),
        }
    }

    /// The end of the last record in `text`, seen from behind by counting quotes. `odd` tells whether the number of
    /// quotes from the record's beginning to the end of `text` is odd. It is a guess: a quote inside of an unquoted
    /// field misleads it.
    pub fn guess_last_end(&self, text: &[u8], odd: bool) -> Option<usize> {
        let mut inside = odd;
        for (at, &byte) in text.iter().enumerate().rev() {
            if Some(byte) == self.quote {
                inside = !inside;
            } else if byte == b'\n' && !inside {
                return Some(at + 1);
            }
        }
        None
    }

    /// Whether the number of quotes is odd.
    pub fn odd_quotes(&self, text: &[u8]) -> bool {
        self.quote.is_some_and(|quote| text.iter().fold(0, |odd, &b| odd ^ u8::from(b == quote)) == 1)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte of `word` that is zero; bits above the lowest one may be wrong.
#[inline]
pub(super) fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

#[inline]
pub(super) fn word_at(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// The first place of a byte.
#[inline]
pub(super) fn find(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    find_either(text, from, byte, byte)
}

/// The first place of one of two bytes, eight at a time.
#[inline]
fn find_either(text: &[u8], mut at: usize, a: u8, b: u8) -> Option<usize> {
    let (all_a, all_b) = (ONES * u64::from(a), ONES * u64::from(b));
    while let Some(word) = word_at(text, at) {
        let found = zero_bytes(word ^ all_a) | zero_bytes(word ^ all_b);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    text.get(at..)?.iter().position(|&c| c == a || c == b).map(|i| at + i)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const CSV: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), combine: false, decimal: b'.' };

    /// Records of fields; what is unfinished at the end is left out.
    fn split(dialect: Dialect, text: &str) -> Vec<Vec<String>> {
        let (mut at, mut record, mut records) = (0, Vec::new(), Vec::new());
        while let Some(next) = dialect.record(text.as_bytes(), at, &mut record) {
            records.push(record.iter().map(|f| String::from_utf8(f.content().into_owned()).unwrap()).collect());
            at = next;
        }
        records
    }

    #[test]
    fn quotes_newlines_and_blank_lines() {
        assert_eq!(split(CSV, "a,b\r\n\r\n1,\n\n,2\n"), [["a", "b"], ["1", ""], ["", "2"]]);
        assert_eq!(split(CSV, "\"x,\"\"y\"\"\nz\",\"\"\n"), [["x,\"y\"\nz", ""]]);
        assert_eq!(split(CSV, "\"\"\"\",\"a\" \n"), [["\"", "a"]]);
        // A quote inside of a field means itself, and so does one that is not followed by the field's end.
        assert_eq!(split(CSV, "5\" pipe,\"a\"b\n"), [["5\" pipe", "\"a\"b"]]);
        assert_eq!(split(CSV, "a,b\nc,\"d"), [["a", "b"]]);
        assert_eq!(split(CSV, "a\rb,c\n"), [["a\rb", "c"]]);
        assert_eq!(split(Dialect { quote: None, ..CSV }, "\"a,b\"\n"), [["\"a", "b\""]]);
    }

    #[test]
    fn spaces_count_once() {
        let spaces = Dialect { delimiter: b' ', combine: true, ..CSV };
        assert_eq!(split(spaces, "  a   b  \n \nc \"d e\"\n"), [["a", "b"], ["c", "d e"]]);
    }

    #[test]
    fn runs_of_other_delimiters_count_once_where_told() {
        let runs = Dialect { combine: true, ..CSV };
        assert_eq!(split(runs, "a,,,b,c\n,,a,\"b\",,\n"), [vec!["a", "b", "c"], vec!["", "a", "b", ""]]);
        assert_eq!(split(CSV, "a,,b\n"), [["a", "", "b"]]);
    }

    #[test]
    fn finding_agrees_with_a_plain_loop() {
        let text: Vec<u8> = (0..200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for from in 0..text.len() {
            for byte in [0u8, 1, 127, 128, 129, 255, text[(from * 7) % 200]] {
                let expected = text[from..].iter().position(|&c| c == byte || c == b'\n').map(|i| from + i);
                assert_eq!(find_either(&text, from, byte, b'\n'), expected);
            }
        }
    }

    #[test]
    fn the_last_record_end_is_seen_from_behind() {
        let guess = |text: &str, before: &str| {
            let odd = CSV.odd_quotes(text.as_bytes()) ^ CSV.odd_quotes(before.as_bytes());
            CSV.guess_last_end(text.as_bytes(), odd)
        };
        assert_eq!(guess("a,b\nc,\"x\ny", ""), Some(4));
        assert_eq!(guess("x\ny\",1\n2", "\""), Some(7));
        assert_eq!(guess("x\ny", "\""), None);
    }
}

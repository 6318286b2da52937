//! A pass over one text file: ranges of bytes become blocks of rows, on many threads at once.
//!
//! A range rarely ends where a record does, and where records end depends on all quotes before. So each range hands on,
//! by a [`Relay`], the beginning of a record that it could not finish. It does so twice. Right after reading, it guesses
//! by counting quotes, which costs next to nothing and lets its successor begin. After parsing it knows, and confirms or
//! corrects: a quote in the middle of an unquoted field misleads the guess, and then the successor parses again.

use super::buffer::Buffer;
use super::builder::{Builder, Contradiction};
use super::fault::{Fault, What};
use super::file::TextFile;
use super::input::{Input, Range};
use super::relay::Relay;
use super::spans::{Spans, Stop};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::source::Scan;
use std::sync::{Mutex, PoisonError};

/// A record longer than this is taken for damage.
pub(super) const MAX_RECORD: usize = 256 << 20;

/// A pass over some columns.
pub(super) struct TextScan<'a> {
    file: &'a TextFile,
    /// For each column wanted its place in the file; None only counts rows, whatever their fields.
    columns: Option<Vec<usize>>,
    input: Input,
    /// The beginning of a record that a range could not finish, as guessed.
    guessed: Relay<Guess>,
    /// The same as it really is.
    known: Relay<Known>,
    /// Buffers to read into.
    buffers: Mutex<Vec<Buffer>>,
}

/// The beginning of a record that a range could not finish, as it guesses.
#[derive(Default)]
struct Guess {
    bytes: Vec<u8>,
    /// Whether the number of its quotes is odd.
    odd: bool,
}

/// What a range knows of the guess that it passed on.
enum Known {
    /// It was right.
    AsGuessed,
    /// This is the beginning of the unfinished record.
    Rest(Rest),
}

/// The beginning of a record that a wrong guess missed.
struct Rest {
    bytes: Vec<u8>,
    /// Parsing is tried again only when there is twice this much, so a long record takes linear time.
    tried: usize,
}

/// Rows parsed from some text.
struct Parsed {
    rows: usize,
    columns: Vec<Column>,
    /// How much of the text they were.
    consumed: usize,
}

impl<'a> TextScan<'a> {
    /// A pass over columns by their place in the file.
    pub fn new(file: &'a TextFile, columns: Option<Vec<usize>>) -> Result<Self> {
        Ok(TextScan {
            file,
            columns,
            input: Input::open(&file.path, file.encoding, file.start)?,
            guessed: Relay::new(Guess::default()),
            known: Relay::new(Known::AsGuessed),
            buffers: Mutex::new(Vec::new()),
        })
    }

    /// Reads the next range and turns it into a block.
    fn next_block(&self) -> Result<Option<Block>> {
        let pooled = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = pooled.unwrap_or_else(|| Buffer::new(self.file.range_bytes));
        let Some(range) = self.input.read(&self.file.path, self.file.range_bytes, &mut buffer)? else {
            return Ok(None);
        };
        let Parsed { rows, columns, .. } = self.parse_range(&range, &mut buffer)?;
        if !buffer.has_grown() {
            self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
        Ok(Some(Block { index: range.index, rows, columns }))
    }

    fn parse_range(&self, range: &Range, buffer: &mut Buffer) -> Result<Parsed> {
        let dialect = &self.file.rules.dialect;
        // Before waiting, so that all ranges in flight do it at once.
        let own_odd = dialect.odd_quotes(buffer.own());
        let Guess { bytes: mut head, odd } = self.guessed.take(range.index)?;
        let odd = odd ^ own_odd;
        let cut = self.guess_cut(range, head.len(), buffer.own(), odd);
        let guess = match cut {
            Some(cut) => {
                let bytes = buffer.own()[cut..].to_vec();
                self.guessed.pass(range.index, Guess { odd: dialect.odd_quotes(&bytes), bytes });
                buffer.prepend(&head);
                let whole = &buffer.whole()[..head.len() + cut];
                Some(self.parse(whole).map(|parsed| (parsed.consumed == whole.len(), parsed)))
            }
            None => {
                head.extend_from_slice(buffer.own());
                if head.len() > MAX_RECORD {
                    return Err(self.locate(range.index, What::TooLong.in_row(0)));
                }
                self.guessed.pass(range.index, Guess { bytes: head, odd });
                None
            }
        };
        match (self.known.take(range.index)?, guess) {
            (Known::AsGuessed, None) => {
                self.known.pass(range.index, Known::AsGuessed);
                self.parse(&[]).map_err(|fault| self.locate(range.index, fault))
            }
            (Known::AsGuessed, Some(parsed)) => {
                let (complete, parsed) = parsed.map_err(|fault| self.locate(range.index, fault))?;
                let rest = (!complete).then(|| buffer.whole()[parsed.consumed..].to_vec());
                self.hand_on(range, parsed, rest)
            }
            (Known::Rest(rest), _) => self.parse_again(range, buffer, rest, cut),
        }
    }

    /// Parses a range whose true beginning was not the guessed one.
    fn parse_again(&self, range: &Range, buffer: &mut Buffer, rest: Rest, cut: Option<usize>) -> Result<Parsed> {
        let Rest { mut bytes, tried } = rest;
        if !range.last && bytes.len() + buffer.own().len() < 2 * tried {
            bytes.extend_from_slice(buffer.own());
            if bytes.len() > MAX_RECORD {
                return Err(self.locate(range.index, What::TooLong.in_row(0)));
            }
            self.known.pass(range.index, Known::Rest(Rest { bytes, tried }));
            return self.parse(&[]).map_err(|fault| self.locate(range.index, fault));
        }
        buffer.prepend(&bytes);
        let parsed = self.parse(buffer.whole()).map_err(|fault| self.locate(range.index, fault))?;
        let as_guessed = cut.is_some_and(|cut| parsed.consumed == bytes.len() + cut);
        let rest = (!as_guessed).then(|| buffer.whole()[parsed.consumed..].to_vec());
        self.hand_on(range, parsed, rest)
    }

    /// Where the last record of a range ends, as far as can be told without parsing. `head` bytes of it came before;
    /// `odd` tells of all quotes in both.
    fn guess_cut(&self, range: &Range, head: usize, own: &[u8], odd: bool) -> Option<usize> {
        if range.last {
            return Some(own.len());
        }
        // Where no record ended for a whole range, a stray quote is more likely than a field that long.
        let give_up = || head >= self.file.range_bytes;
        let guess = self.file.rules.dialect.guess_last_end(own, odd);
        guess.or_else(|| own.iter().rposition(|&b| b == b'\n').filter(|_| give_up()).map(|at| at + 1))
    }

    /// Passes on what is left unless it is what was guessed. After the last range nothing may be left.
    fn hand_on(&self, range: &Range, parsed: Parsed, rest: Option<Vec<u8>>) -> Result<Parsed> {
        let known = match rest {
            None => Known::AsGuessed,
            Some(bytes) if range.last && !bytes.is_empty() => {
                return Err(self.locate(range.index, What::Unclosed.in_row(parsed.rows)));
            }
            Some(bytes) if bytes.len() > MAX_RECORD => {
                return Err(self.locate(range.index, What::TooLong.in_row(parsed.rows)));
            }
            Some(bytes) => Known::Rest(Rest { tried: bytes.len(), bytes }),
        };
        self.known.pass(range.index, known);
        Ok(parsed)
    }

    /// Parses all complete records of a text that begins with one.
    fn parse(&self, text: &[u8]) -> std::result::Result<Parsed, Fault> {
        let (file, rules) = (self.file, &self.file.rules);
        let Some(wanted) = &self.columns else { return Ok(self.count(text)) };
        let mut builders: Vec<_> = wanted.iter().map(|&j| file.builder(j)).collect();
        let expected = text.len() / file.row_bytes.max(1);
        builders.iter_mut().for_each(|builder| builder.reserve(expected));
        let mut is_wanted = vec![false; file.fields.len()];
        wanted.iter().for_each(|&j| is_wanted[j] = true);
        let mut spans = Spans::new(&is_wanted);
        let (mut rows, mut at) = (0, 0);
        loop {
            let (next, stop) = spans.fill(&file.layout, &rules.dialect, text, at);
            // Of several faults the first is told: by row, then by column.
            let faults = builders.iter_mut().zip(wanted).filter_map(|(builder, &column)| {
                let Contradiction { row, value } = builder.extend(rules, text, spans.of(column)).err()?;
                Some((row, column, value))
            });
            if let Some((row, column, value)) = faults.min() {
                return Err(What::Contradicts { column, value }.in_row(rows + row));
            }
            (rows, at) = (rows + spans.rows(), next);
            match stop {
                Stop::Full => {}
                Stop::Text => break,
                Stop::Fields => {
                    let mut record = Vec::new();
                    file.layout.record(&rules.dialect, text, at, &mut record);
                    return Err(What::Fields { found: record.len() }.in_row(rows));
                }
            }
        }
        let finish = |(builder, &column): (Builder, &usize)| {
            builder.finish().map_err(|(row, bad)| What::Text { column, bad }.in_row(row))
        };
        let columns = builders.into_iter().zip(wanted).map(finish).collect::<std::result::Result<_, _>>()?;
        Ok(Parsed { rows, columns, consumed: at })
    }

    /// Counts the complete records of a text.
    fn count(&self, text: &[u8]) -> Parsed {
        let TextFile { layout, rules, .. } = self.file;
        let dialect = &rules.dialect;
        let (mut rows, mut consumed, mut record) = (0, 0, Vec::new());
        while let Some(next) = layout.record(dialect, text, consumed, &mut record) {
            (rows, consumed) = (rows + 1, next);
        }
        Parsed { rows, columns: Vec::new(), consumed: dialect.record_start(text, consumed) }
    }

    /// The error that a user sees: finds out how many rows came before the block.
    fn locate(&self, index: usize, fault: Fault) -> Error {
        let before = TextScan::new(self.file, None).and_then(|counting| {
            let mut rows = 0;
            for _ in 0..index {
                rows += counting.next_block()?.map_or(0, |block| block.rows as u64);
            }
            Ok(rows)
        });
        before.map_or_else(|error| error, |before| fault.into_error(self.file, before))
    }

    /// How many blocks there are, once all are taken.
    pub fn blocks(&self) -> Result<usize> {
        self.input.ranges(self.file.range_bytes)
    }

    /// Ends the scan for all threads.
    fn fail(&self, error: &Error) {
        self.guessed.fail(error);
        self.known.fail(error);
    }
}

impl Scan for TextScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        if let Some(error) = self.known.failure() {
            return Err(error);
        }
        let guard = Panicking(self);
        let block = self.next_block();
        drop(guard);
        if let Err(error) = &block {
            self.fail(error);
        }
        block
    }
}

/// Frees the threads that wait for one that panics.
struct Panicking<'a, 'b>(&'a TextScan<'b>);

impl Drop for Panicking<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&Error::internal("a thread that read a text file panicked"));
        }
    }
}

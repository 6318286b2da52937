//! How a record is made of fields.

use super::builder::Rules;
use super::rewrite::end_of;
use super::split::{Dialect, End, Field, find};

/// How the fields of a record are told from each other.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// By one delimiter.
    Delimited,
    /// By several, of which each in turn follows a field.
    InTurn(Vec<Rules>),
    /// By their places in a line.
    Fixed(Vec<Span>),
}

/// The characters `start` up to `end` of a line, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Layout {
    /// Puts the fields of the first record from `at` on into `record`, and tells where it ends. None: there is no
    /// complete one.
    pub fn record<'a>(
        &self,
        dialect: &Dialect,
        text: &'a [u8],
        at: usize,
        record: &mut Vec<Field<'a>>,
    ) -> Option<usize> {
        match self {
            Layout::Delimited => dialect.record(text, at, record),
            Layout::InTurn(rules) => {
                record.clear();
                let mut at = dialect.record_start(text, at);
                for rules in rules.iter().cycle() {
                    let field = rules.dialect.field(text, at)?;
                    at = field.next;
                    record.push(field);
                    if field.end == End::Record {
                        break;
                    }
                }
                Some(at)
            }
            Layout::Fixed(spans) => {
                record.clear();
                let (line, next) = line(text, dialect.record_start(text, at))?;
                let field = |(j, span): (usize, &Span)| {
                    let end = if j + 1 == spans.len() { End::Record } else { End::Field };
                    Field::plain(span.of(line), end, next)
                };
                record.extend(spans.iter().enumerate().map(field));
                Some(next)
            }
        }
    }
}

impl Span {
    /// What stands there in a line, without the blanks around it.
    pub fn of<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        let start = end_of(line, self.start);
        let rest = &line[start..];
        rest[..end_of(rest, self.end - self.start)].trim_ascii()
    }
}

/// The line that begins at `at`, and where the next one does; None if it does not end.
pub(super) fn line(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let end = find(text, at, b'\n')?;
    let line = &text[at..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::options::TextOptions;
    use super::*;

    fn records(layout: &Layout, text: &str) -> Vec<Vec<String>> {
        let dialect = Dialect { delimiter: b',', quote: Some(b'"'), combine: false, decimal: b'.' };
        let (mut at, mut record, mut records) = (0, Vec::new(), Vec::new());
        while let Some(next) = layout.record(&dialect, text.as_bytes(), at, &mut record) {
            records.push(record.iter().map(|f| String::from_utf8(f.content().into_owned()).unwrap()).collect());
            at = next;
        }
        records
    }

    #[test]
    fn delimiters_follow_in_turn() {
        let rules = |delimiter| {
            let dialect = Dialect { delimiter, quote: Some(b'"'), combine: false, decimal: b'.' };
            Rules::new(dialect, &TextOptions::default()).unwrap()
        };
        let layout = Layout::InTurn(vec![rules(b';'), rules(b':')]);
        assert_eq!(
            records(&layout, "a:b;c;d:e;f\n\n\"1;2\";3:4\n5"),
            [vec!["a:b", "c;d", "e", "f"], vec!["1;2", "3", "4"]]
        );
    }

    #[test]
    fn places_are_those_of_characters() {
        let layout = Layout::Fixed(vec![Span { start: 0, end: 3 }, Span { start: 4, end: 6 }]);
        assert_eq!(records(&layout, "ab cde f\r\n\néé  12\nx\n no end"), [["ab", "de"], ["éé", "12"], ["x", ""]]);
    }
}

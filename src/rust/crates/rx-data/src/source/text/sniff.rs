//! What the first rows tell of a file: its delimiter, names and types.

use super::builder::Rules;
use super::input;
use super::layout::{Layout, Span};
use super::options::TextOptions;
use super::parse;
use super::rewrite::ungrouped;
use super::scan::MAX_RECORD;
use super::split::{Dialect, Field};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Kind;
use std::path::Path;

/// How much is read at first; twice as much each time that is not enough.
const FIRST_READ: usize = 256 << 10;
/// Rows beyond this many bytes are not sniffed.
const MAX_SAMPLE: usize = 16 << 20;
/// How many rows decide the delimiter.
const DELIMITER_ROWS: usize = 100;
/// The delimiters looked for; the first one that fits is taken.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b' '];

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What was found.
pub(super) struct Sniffed {
    pub rules: Rules,
    pub layout: Layout,
    /// The delimiters, in turn.
    pub delimiters: Vec<u8>,
    /// Whether the names were in the file.
    pub has_header: bool,
    /// The names in the file, made unique.
    pub names: Vec<String>,
    /// What the values of each column look like.
    pub shapes: Vec<Shape>,
    /// Where the first row of data begins.
    pub start: u64,
    /// The mean length of a row.
    pub row_bytes: usize,
}

/// What the values of a column look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// All are missing.
    Missing,
    Logical,
    /// Integers of 32 bits.
    Integer,
    /// Longer integers too.
    LongInteger,
    /// Numbers with decimals or exponents too.
    Decimal,
    /// Anything else.
    Text,
}

impl Shape {
    fn of(content: &[u8], rules: &Rules) -> Shape {
        let plain = rules.thousands.and_then(|t| ungrouped(parse::trim(content), t, rules.dialect.decimal));
        let trimmed = plain.as_deref().unwrap_or(parse::trim(content));
        if trimmed.is_empty() || rules.is_missing(content) || rules.is_missing(trimmed) {
            Shape::Missing
        } else if parse::integer(trimmed).is_some_and(|x| x.unsigned_abs() <= i32::MAX as u64) {
            Shape::Integer
        } else if parse::is_integer(trimmed) {
            Shape::LongInteger
        } else if parse::number(trimmed, rules.dialect.decimal).is_some() {
            Shape::Decimal
        } else if parse::logical(trimmed).is_some() {
            Shape::Logical
        } else {
            Shape::Text
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Shape::Integer | Shape::LongInteger | Shape::Decimal)
    }

    /// The shape of values of both shapes.
    pub fn join(self, other: Shape) -> Shape {
        let mixed = self.min(other) == Shape::Logical && self != other;
        if mixed { Shape::Text } else { self.max(other) }
    }

    /// The type of a column of this shape.
    pub fn kind(self, options: &TextOptions) -> Kind {
        match self {
            Shape::Missing => options.missing_type.clone(),
            Shape::Logical => Kind::Logical,
            Shape::Integer => Kind::Integer,
            Shape::LongInteger => Kind::Numeric,
            Shape::Decimal => options.decimal_type.clone(),
            Shape::Text if options.strings_as_factors => Kind::Factor { ordered: false },
            Shape::Text => Kind::Character,
        }
    }
}

/// Reads as many rows as the options say, and looks at them.
pub(super) fn sniff(path: &Path, options: &TextOptions) -> Result<Sniffed> {
    let mut reader = input::reader(path, options.encoding()?)?;
    let (mut sample, mut ended) = (Vec::new(), false);
    loop {
        read_more(path, &mut *reader, &mut sample, &mut ended)?;
        let Some(start) = skip(&sample, options.rows_to_skip) else {
            if ended {
                return Err(Error::corrupt(path, format!("it has no more than {} lines", options.rows_to_skip))
                    .hint("Pass a smaller rowsToSkip."));
            }
            continue;
        };
        let mut looked = Look::new(path, &sample[start..], options)?;
        looked.at_rows(options.rows_to_sniff);
        if ended || looked.rows >= options.rows_to_sniff || (looked.rows > 0 && sample.len() >= MAX_SAMPLE) {
            return looked.finish(path, start);
        }
        if sample.len() > MAX_RECORD {
            return Err(Error::corrupt(path, "its first line or quoted field does not end within 256 MiB")
                .hint("If quotes have no meaning in this file, pass quoteMark = \"\"."));
        }
    }
}

/// Doubles the sample. At the end of the file it gets the newline that may be missing.
fn read_more(path: &Path, reader: &mut dyn std::io::Read, sample: &mut Vec<u8>, ended: &mut bool) -> Result<()> {
    let before = sample.len();
    let size = FIRST_READ.max(2 * before);
    sample.resize(size, 0);
    let n = input::read_full(reader, &mut sample[before..]).map_err(|e| input::read_error(path, &e))?;
    sample.truncate(before + n);
    *ended = sample.len() < size;
    if sample.starts_with(b"\xFF\xFE") || sample.starts_with(b"\xFE\xFF") {
        let message = format!("'{}' is encoded as UTF-16.", path.display());
        return Err(Error::new(ErrorKind::Unsupported, message).file(path).hint("Pass inputEncoding = \"utf-16\"."));
    }
    if sample[before..].contains(&0) {
        return Err(Error::corrupt(path, "it contains NUL bytes, so it is not a text file"));
    }
    if sample.is_empty() {
        return Err(Error::corrupt(path, "it is empty"));
    }
    if *ended && sample.last() != Some(&b'\n') {
        sample.push(b'\n');
    }
    Ok(())
}

/// Where the text begins after the mark of UTF-8 and some lines; None if it ends before.
fn skip(sample: &[u8], lines: usize) -> Option<usize> {
    let mut start = if sample.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    for _ in 0..lines {
        start += sample[start..].iter().position(|&b| b == b'\n')? + 1;
    }
    Some(start)
}

/// A look at the complete records of a sample.
struct Look<'a> {
    text: &'a [u8],
    rules: Rules,
    layout: Layout,
    delimiters: Vec<u8>,
    /// The fields of the first record, if they are names; those of fixed format are told by the options.
    header: Option<Vec<String>>,
    has_header: bool,
    /// Where the data begin and the rows looked at end.
    start: usize,
    end: usize,
    shapes: Vec<Shape>,
    rows: usize,
}

impl<'a> Look<'a> {
    /// Decides on the delimiter and on the header.
    fn new(path: &Path, text: &'a [u8], options: &TextOptions) -> Result<Self> {
        let decimal = options.decimal_byte()?;
        if options.is_fixed() {
            let dialect = Dialect { delimiter: b'\n', quote: None, combine: false, decimal };
            return Self::at_fixed(text, Rules::new(dialect, options)?, options);
        }
        let quote = options.quote_byte()?;
        let dialect = |delimiter: u8| {
            let combine = options.combine_delimiters || delimiter == b' ';
            Dialect { delimiter, quote, combine, decimal }
        };
        let delimiters = match options.delimiter_bytes()? {
            Some(delimiters) => delimiters.to_vec(),
            None => vec![sense_delimiter(text, dialect)],
        };
        let rules = Rules::new(dialect(delimiters[0]), options)?;
        let in_turn = |&delimiter: &u8| rules.clone().with_dialect(dialect(delimiter));
        let layout = match delimiters.len() {
            1 => Layout::Delimited,
            _ => Layout::InTurn(delimiters.iter().map(in_turn).collect()),
        };

        let (mut first, mut second) = (Vec::new(), Vec::new());
        let after_first = layout.record(&rules.dialect, text, 0, &mut first);
        let has_second = after_first.is_some_and(|at| layout.record(&rules.dialect, text, at, &mut second).is_some());
        let shape = |field: &Field| Shape::of(&field.content(), &rules);
        let looks_so = || {
            let is_text = |f: &Field| matches!(shape(f), Shape::Text | Shape::Missing | Shape::Logical);
            let over_number = !has_second || second.iter().any(|f| shape(f).is_number());
            let mut said = options.columns.iter().filter_map(|column| column.name.as_deref());
            let is_known = said.any(|name| first.iter().any(|f| parse::trim(&f.content()) == name.as_bytes()));
            is_known || (over_number && first.iter().all(is_text))
        };
        let has_header = after_first.is_some() && options.first_row_is_col_names.unwrap_or_else(looks_so);
        let columns = first.len();
        let header = has_header.then(|| {
            let name = |f: &Field| String::from_utf8(parse::trim(&f.content()).to_vec());
            first.iter().map(name).collect::<std::result::Result<Vec<_>, _>>()
        });
        let header = header.transpose().map_err(|_| {
            Error::corrupt(path, format!("its column names are not {}", options.encoding.to_uppercase()))
                .hint("Pass its inputEncoding, for example \"latin1\".")
        })?;
        let start = if has_header { after_first.unwrap_or(0) } else { 0 };
        let shapes = vec![Shape::Missing; columns];
        Ok(Look { text, rules, layout, delimiters, header, has_header, start, end: start, shapes, rows: 0 })
    }

    /// Takes the columns of fixed format from the options.
    fn at_fixed(text: &'a [u8], rules: Rules, options: &TextOptions) -> Result<Self> {
        let span = |column: &super::ColumnOptions| {
            let start = column.start.unwrap_or(1).saturating_sub(1);
            Span { start, end: start.saturating_add(column.width.unwrap_or(1)) }
        };
        let names = options.columns.iter().enumerate().map(|(j, c)| c.name.clone().unwrap_or(format!("V{}", j + 1)));
        Ok(Look {
            text,
            rules,
            layout: Layout::Fixed(options.columns.iter().map(span).collect()),
            delimiters: Vec::new(),
            header: Some(names.collect()),
            has_header: false,
            start: 0,
            end: 0,
            // Text, unless the options say more.
            shapes: vec![Shape::Text; options.columns.len()],
            rows: 0,
        })
    }

    /// Looks at the values of complete records, so many at most.
    fn at_rows(&mut self, most: usize) {
        let mut record = Vec::new();
        while self.rows < most.max(1)
            && let Some(next) = self.layout.record(&self.rules.dialect, self.text, self.end, &mut record)
        {
            for (shape, field) in self.shapes.iter_mut().zip(&record) {
                if *shape != Shape::Text {
                    *shape = shape.join(Shape::of(&field.content(), &self.rules));
                }
            }
            self.end = next;
            self.rows += 1;
        }
    }

    fn finish(self, path: &Path, offset: usize) -> Result<Sniffed> {
        if self.shapes.is_empty() {
            let blank = self.rules.dialect.record_start(self.text, 0) == self.text.len();
            let what = if blank { "it has no rows" } else { "the first quoted field is not closed" };
            return Err(Error::corrupt(path, what));
        }
        let names = match self.header {
            Some(header) => unique(header),
            None => (1..=self.shapes.len()).map(|j| format!("V{j}")).collect(),
        };
        Ok(Sniffed {
            rules: self.rules,
            layout: self.layout,
            delimiters: self.delimiters,
            has_header: self.has_header,
            names,
            shapes: self.shapes,
            start: (offset + self.start) as u64,
            row_bytes: (self.end - self.start) / self.rows.max(1),
        })
    }
}

/// The delimiter by which most of the first records have as many fields as the very first, and more than one.
fn sense_delimiter(text: &[u8], dialect: impl Fn(u8) -> Dialect) -> u8 {
    let mut best = (0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let dialect = dialect(delimiter);
        if delimiter == dialect.decimal {
            continue;
        }
        let (mut record, mut at, mut first, mut agreeing) = (Vec::new(), 0, None, 0);
        for _ in 0..DELIMITER_ROWS {
            let Some(next) = dialect.record(text, at, &mut record) else { break };
            at = next;
            agreeing += usize::from(record.len() > 1 && record.len() == *first.get_or_insert(record.len()));
        }
        if agreeing > best.0 {
            best = (agreeing, delimiter);
        }
    }
    best.1
}

/// Names for columns: V and a number for an empty one, a number behind one that was there before.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken: std::collections::HashSet<String> = names.iter().cloned().collect();
    let mut seen = std::collections::HashSet::new();
    let mut name_of = |(j, name): (usize, String)| {
        let name = if name.is_empty() { format!("V{}", j + 1) } else { name };
        if seen.insert(name.clone()) {
            return name;
        }
        let fresh = (1..).map(|k| format!("{name}.{k}")).find(|candidate| taken.insert(candidate.clone()));
        fresh.unwrap_or(name)
    };
    names.into_iter().enumerate().map(&mut name_of).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::TempDir;
    use Shape::*;

    fn sniffed(content: &str, change: impl Fn(&mut TextOptions)) -> Result<Sniffed> {
        let dir = TempDir::new();
        std::fs::write(dir.join("x.csv"), content).unwrap();
        let mut options = TextOptions::new(dir.join("x.csv"));
        change(&mut options);
        sniff(&options.paths[0], &options)
    }

    #[test]
    fn delimiters_are_sensed() {
        let delimiter = |content: &str| sniffed(content, |_| {}).unwrap().rules.dialect.delimiter;
        assert_eq!(delimiter("a,b\n1,2\n"), b',');
        assert_eq!(delimiter("a\tb c\n1\t2, 3\n"), b'\t');
        assert_eq!(delimiter("a;b\n1,5;2\n"), b';');
        assert_eq!(delimiter("a b\n 1  2\n"), b' ');
        assert_eq!(delimiter("\"x, y\";b\n\"1, 2\";2\n"), b';');
        assert_eq!(delimiter("a\n1\n"), b',');
        assert_eq!(sniffed("1,5;2\n", |o| o.decimal_point = ",".into()).unwrap().rules.dialect.delimiter, b';');
    }

    #[test]
    fn types_are_sniffed() {
        let content = "l,i,w,d,t,m,x\nTRUE,1,3000000000,1.5,a,NA,T\nF,-2,1,1e5,2,,1\n,NA,2,NaN,TRUE,NA,\n";
        let found = sniffed(content, |_| {}).unwrap();
        assert_eq!(found.names, ["l", "i", "w", "d", "t", "m", "x"]);
        assert_eq!(found.shapes, [Logical, Integer, LongInteger, Decimal, Text, Missing, Text]);
        assert_eq!(found.start, 14);
        // Only so many rows count.
        let found = sniffed("a,b\n1,1\n2,2\nx,2.5\n", |o| o.rows_to_sniff = 2).unwrap();
        assert_eq!(found.shapes, [Integer, Integer]);
    }

    #[test]
    fn a_header_is_text_above_a_number() {
        let names = |content: &str| sniffed(content, |_| {}).unwrap().names;
        assert_eq!(names("a,b\nx,1\n"), ["a", "b"]);
        assert_eq!(names("a,b\nx,y\n"), ["V1", "V2"]);
        assert_eq!(names("a,1\nx,1\n"), ["V1", "V2"]);
        assert_eq!(names("a,b\n"), ["a", "b"]);
        assert_eq!(names("\u{FEFF}\"a\",,a,a\r\n1,2,3,4\r\n"), ["a", "V2", "a.1", "a.2"]);
        let said = sniffed("a,b\nx,y\n", |o| o.columns.push(crate::source::ColumnOptions::of("b"))).unwrap();
        assert_eq!(said.names, ["a", "b"]);
        let all_text = sniffed("a,b\nx,y\n", |o| o.first_row_is_col_names = Some(true)).unwrap();
        assert_eq!(all_text.names, ["a", "b"]);
        let skipped = sniffed("about\nthis file\na,b\n1,2\n", |o| o.rows_to_skip = 2).unwrap();
        assert_eq!((skipped.names, skipped.start), (vec!["a".into(), "b".into()], 20));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let kind = |content: &str| sniffed(content, |_| {}).err().unwrap().kind;
        for content in ["", "\n\n", "a\0b\n", "\"a,b\n1,2\n"] {
            assert_eq!(kind(content), ErrorKind::CorruptFile, "{content:?}");
        }
        assert_eq!(sniffed("a\n", |o| o.rows_to_skip = 5).err().unwrap().kind, ErrorKind::CorruptFile);
    }
}

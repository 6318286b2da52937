//! What a file says of its columns and blocks.

use super::cursor::Cursor;
use super::element::{Class, Element, FACTOR, TABLES};
use super::footer::Footer;
use super::object::{self, Entry, Header, Object};
use super::{DATA, Fault, Parsed, decoded, most_inflated, read_all_at};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, Kind};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The version of the metadata that is known.
const VERSION: f32 = 3.1;
/// Bytes behind the list of columns: the type of compression.
const BEHIND_COLUMNS: usize = 4;
/// R knows no longer names of variables.
const MAX_NAME: usize = 10_000;
/// What parsed metadata take, compared with their bytes.
const PARSED: u64 = 8;
/// The name that the column of row names has, whatever a file calls it.
pub const ROW_NAMES: &str = ".rxRowNames";

/// All that a file says of itself.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The columns, with that of row names.
    pub columns: Vec<Column>,
    /// Rows of each block.
    pub block_rows: Vec<u64>,
    /// Where each column's part of each block is: block by block.
    pub places: Vec<Place>,
    /// Description of the data.
    pub description: String,
    /// How the blocks are compressed, by the file's own word.
    pub compression: String,
}

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    /// What the user sees.
    pub field: Field,
    /// How it is stored.
    pub content: Content,
    /// Whether its type was told by a pattern and not by a known class.
    pub inferred: bool,
}

impl Column {
    /// Whether its values are text, whose length is known only when it is read.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.content, Content::Text)
    }
}

/// How a column is stored.
#[derive(Debug)]
pub(crate) enum Content {
    /// Numbers as such.
    Numbers(Element),
    /// Codes of labels, from 0. Codes of the field's levels, from 1, where they differ: labels were there twice.
    Codes(Option<Vec<i32>>),
    /// Text.
    Text,
    /// The column cannot be read, for this reason.
    Unreadable(String),
}

/// Where a column's part of a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub size: u64,
}

impl Metadata {
    /// Reads a file's footer and metadata, in `memory` bytes at most.
    pub(crate) fn read(file: &File, path: &Path, memory: u64) -> Result<Metadata> {
        let footer = Footer::read(file, path)?;
        let length = footer.end - footer.metadata;
        if length > memory / PARSED {
            let message = format!("The metadata of '{}' take {} MB.", path.display(), length >> 20);
            let hint = "That is too much for the limit of memory; rxOptions(memoryLimitMB = ) raises it.";
            return Err(Error::new(ErrorKind::Memory, message).file(path).hint(hint));
        }
        let mut bytes = vec![0; length as usize];
        read_all_at(file, path, footer.metadata, &mut bytes)?;
        Metadata::parse(&bytes, &footer).map_err(|fault| fault.of(path))
    }

    fn parse(bytes: &[u8], footer: &Footer) -> Parsed<Metadata> {
        let mut cursor = Cursor::new(bytes);
        cursor.version("its metadata section", VERSION)?;
        let row_names = cursor.i64()?;
        cursor.i64()?;
        let mut table = |element| Entry::parse(&mut cursor).and_then(|entry| Table::of(entry.object, element));
        let (rows, offsets, sizes) = (table(Element::U64)?, table(Element::I64)?, table(Element::U64)?);
        // Gaps between blocks.
        table(Element::I64)?;
        table(Element::U64)?;
        let (description, mut columns) = parse_columns(&mut cursor)?;
        let compression = match cursor.u32()? {
            0 => "none".to_string(),
            1 => "zlib".to_string(),
            other => format!("unknown ({other})"),
        };
        if cursor.left() > 0 {
            return Err(Fault::new("something stands behind its metadata"));
        }
        let count = columns.len() as u64;
        if count != footer.columns {
            return Err(Fault::new(format!("its footer says {} columns and its list has {count}", footer.columns)));
        }
        let block_rows = check_rows(&rows, footer.rows, count)?;
        let shape = (count, block_rows.len() as u64);
        if (offsets.n, offsets.m) != shape || (sizes.n, sizes.m) != shape {
            return Err(Fault::new("its tables of blocks have different shapes"));
        }
        let place = |(offset, size): (u64, u64)| Place { offset, size };
        let places: Vec<Place> = offsets.values().zip(sizes.values()).map(place).collect();
        check_places(&places, footer.metadata)?;
        check_lengths(&columns, &block_rows, &places)?;
        name_rows(&mut columns, row_names)?;
        make_unique(&mut columns);
        Ok(Metadata { columns, block_rows, places, description, compression })
    }

    /// Where a column's part of a block is.
    pub(crate) fn place(&self, block: usize, column: usize) -> Option<Place> {
        self.places.get(block.checked_mul(self.columns.len())?.checked_add(column)?).copied()
    }
}

/// A matrix of 64-bit numbers.
struct Table<'a> {
    n: u64,
    m: u64,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    fn of(object: Object<'a>, wanted: Element) -> Parsed<Table<'a>> {
        match object.content {
            object::Content::Numbers { element, values, .. } if element == wanted => {
                Ok(Table { n: object.header.n, m: object.header.m, bytes: values })
            }
            _ => Err(Fault::new("a table of its metadata has another type than it should")),
        }
    }

    /// The numbers; a negative one is too large for anything.
    fn values(&self) -> impl Iterator<Item = u64> {
        self.bytes.as_chunks::<8>().0.iter().map(|&bytes| u64::from_le_bytes(bytes))
    }
}

/// The rows of all blocks, whose sum must be that of the footer.
fn check_rows(table: &Table<'_>, rows: u64, columns: u64) -> Parsed<Vec<u64>> {
    if table.n != 1 {
        return Err(Fault::new("its table of rows has another shape than it should"));
    }
    let block_rows: Vec<u64> = table.values().collect();
    let sum = block_rows.iter().try_fold(0u64, |sum, &n| sum.checked_add(n));
    if sum != Some(rows) || (columns == 0 && rows > 0) {
        return Err(Fault::new(format!("its blocks do not have the {rows} rows that its footer says")));
    }
    Ok(block_rows)
}

/// All blocks must be in the data area, and none in another: else a small file could name one large block many times.
fn check_places(places: &[Place], end: u64) -> Parsed<()> {
    let mut sorted: Vec<Place> = places.iter().filter(|place| place.size > 0).copied().collect();
    sorted.sort_unstable_by_key(|place| place.offset);
    let mut free = DATA;
    for place in sorted {
        let behind = place.offset.checked_add(place.size).filter(|&behind| place.offset >= DATA && behind <= end);
        let behind = behind.ok_or_else(|| Fault::new("a block is outside of its data"))?;
        if place.offset < free {
            return Err(Fault::new("two of its blocks overlap"));
        }
        free = behind;
    }
    Ok(())
}

/// No block may have more rows than its bytes can hold, however well they are compressed.
fn check_lengths(columns: &[Column], block_rows: &[u64], places: &[Place]) -> Parsed<()> {
    for (rows, places) in block_rows.iter().zip(places.chunks(columns.len().max(1))) {
        for (column, place) in columns.iter().zip(places) {
            let width = match &column.content {
                Content::Numbers(element) => element.width(),
                Content::Codes(_) => Element::U32.width(),
                Content::Text => object::STRING_BYTES,
                Content::Unreadable(_) => 1,
            };
            let fits = rows.checked_mul(width as u64).is_some_and(|length| length <= most_inflated(place.size));
            if *rows > 0 && !fits {
                let (name, size) = (&column.field.name, place.size);
                let what = format!("a block of column '{name}' has {size} bytes, too few for its {rows} rows");
                return Err(Fault::new(what));
            }
        }
    }
    Ok(())
}

/// The list of columns, and the description of the data.
fn parse_columns(cursor: &mut Cursor<'_>) -> Parsed<(String, Vec<Column>)> {
    let mut ahead = cursor.clone();
    if !ahead.flag("the list of columns")? {
        return Err(Fault::new("its list of columns is absent"));
    }
    ahead.version("an entry", 1.0)?;
    let (_, description) = (ahead.string()?, ahead.string()?);
    if !ahead.flag("the list of columns")? {
        return Err(Fault::new("its list of columns is absent"));
    }
    let header = Header::parse(&mut ahead)?;
    header.attributes(&mut ahead, 0)?;
    if Class::known(header.class, header.tag) != Some(Class::List) {
        return Err(Fault::new("its list of columns is no list"));
    }
    let count = object::list_head(&mut ahead, &header)?;
    let column = |i| column_of(Entry::column(&mut ahead, i + 1 < count, BEHIND_COLUMNS)?);
    let columns = (0..count).map(column).collect::<Parsed<_>>()?;
    *cursor = ahead;
    Ok((decoded(description).into_owned(), columns))
}

fn column_of(entry: Entry<'_>) -> Parsed<Column> {
    if entry.name.is_empty() || entry.name.len() > MAX_NAME || entry.name.contains(&0) {
        let length = entry.name.len();
        return Err(Fault::new(format!("a column's name of {length} bytes is empty, too long or has a zero byte")));
    }
    let Object { header, attributes, content } = entry.object;
    let mut field = Field::new(decoded(entry.name), Kind::Character);
    field.description = Some(decoded(entry.description).into_owned()).filter(|text| !text.is_empty());
    let known = Class::known(header.class, header.tag).is_some();
    let unreadable = |what: String| Content::Unreadable(what);
    let content = match content {
        object::Content::Numbers { values, .. } if !values.is_empty() => {
            return Err(Fault::new(format!("the description of column '{}' holds values", field.name)));
        }
        object::Content::Numbers { element: Element::U32, .. } if header.class == FACTOR || !attributes.is_empty() => {
            match levels_of(&attributes) {
                Ok((levels, codes)) => {
                    field.kind = Kind::Factor { ordered: !known };
                    field.levels = Some(Arc::new(levels));
                    Content::Codes(codes)
                }
                Err(what) => unreadable(what.to_string()),
            }
        }
        object::Content::Numbers { element, low, high, .. } => {
            let range = element.range(low, high);
            (field.low, field.high) = range.unzip();
            field.kind = element.kind(range);
            Content::Numbers(element)
        }
        object::Content::Text(_) => Content::Text,
        object::Content::List(_) => unreadable("it is a list".to_string()),
        object::Content::Unknown(what) => unreadable(what),
    };
    let inferred = !matches!(content, Content::Unreadable(_)) && (!known || TABLES.contains(&header.class));
    Ok(Column { field, content, inferred })
}

/// The levels of a factor, and what code of them each label has if that is not its place.
fn levels_of(attributes: &[Entry<'_>]) -> Parsed<(Vec<String>, Option<Vec<i32>>)> {
    let labels = attributes.iter().find(|entry| entry.name == b"Labels").map(|entry| &entry.object.content);
    let Some(object::Content::Text(labels)) = labels else { return Err(Fault::new("it is a factor without labels")) };
    if labels.iter().any(|label| label.contains(&0)) {
        return Err(Fault::new("a label of it has a zero byte"));
    }
    let mut known: HashMap<&[u8], i32> = HashMap::with_capacity(labels.len());
    let mut levels = Vec::with_capacity(labels.len());
    let mut codes = Vec::with_capacity(labels.len());
    for &label in labels {
        let next = i32::try_from(levels.len() + 1).map_err(|_| Fault::new("it has too many levels"))?;
        let code = *known.entry(label).or_insert(next);
        if code == next {
            levels.push(decoded(label).into_owned());
        }
        codes.push(code);
    }
    let twice = levels.len() < codes.len();
    Ok((levels, twice.then_some(codes)))
}

/// Gives the column of row names its name.
fn name_rows(columns: &mut [Column], index: i64) -> Parsed<()> {
    if index == -1 {
        return Ok(());
    }
    let column = usize::try_from(index).ok().and_then(|index| columns.get_mut(index));
    match column {
        Some(column) if matches!(column.content, Content::Text) => {
            column.field.name = ROW_NAMES.to_string();
            Ok(())
        }
        _ => Err(Fault::new("its row names are no column of text")),
    }
}

/// Adds a number to names that are there already, as R does.
fn make_unique(columns: &mut [Column]) {
    let mut names: HashSet<String> = columns.iter().map(|column| column.field.name.clone()).collect();
    if names.len() == columns.len() {
        return;
    }
    let mut first: HashMap<String, usize> = HashMap::new();
    for column in columns {
        let name = &mut column.field.name;
        let seen = first.entry(name.clone()).or_insert(0);
        if *seen > 0 {
            let mut numbered = format!("{name}.{seen}");
            while !names.insert(numbered.clone()) {
                *seen += 1;
                numbered = format!("{name}.{seen}");
            }
            *name = numbered;
        }
        *seen += 1;
    }
}

//! The objects that the metadata consist of.

use super::cursor::Cursor;
use super::element::{Class, Element, Pattern};
use super::{Fault, Parsed};

/// First bytes of an object.
const MARK: [u8; 4] = [0xF4, 0xF3, 0xF2, 0xF1];
/// Objects nest no deeper: the list of columns, a column, its attributes, their members.
const MAX_DEPTH: u32 = 8;
/// Bytes that a string takes at least.
pub(super) const STRING_BYTES: usize = 8;
/// Bytes that a member of a list takes at least.
const ENTRY_BYTES: usize = 84;

/// A named object.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub name: &'a [u8],
    pub description: &'a [u8],
    pub object: Object<'a>,
}

/// An object.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub header: Header,
    pub attributes: Vec<Entry<'a>>,
    pub content: Content<'a>,
}

/// What every object begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    /// Class code.
    pub class: u32,
    /// Storage tag.
    pub tag: u32,
    /// Type bits.
    pub bits: u64,
    /// Rows.
    pub n: u64,
    /// Columns.
    pub m: u64,
    has_attributes: bool,
}

/// What an object holds. Matrices are stored column by column.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Numbers {
        element: Element,
        low: &'a [u8],
        high: &'a [u8],
        values: &'a [u8],
    },
    Text(Vec<&'a [u8]>),
    List(Vec<Entry<'a>>),
    /// Of a class that no pattern explains; it may be a column only.
    Unknown(String),
}

impl<'a> Entry<'a> {
    /// An entry of a table or an attribute, whose class must be known.
    pub(super) fn parse(cursor: &mut Cursor<'a>) -> Parsed<Entry<'a>> {
        Entry::nested(cursor, 0)
    }

    fn nested(cursor: &mut Cursor<'a>, depth: u32) -> Parsed<Entry<'a>> {
        let (name, description) = Entry::head(cursor)?;
        let header = Header::parse(cursor)?;
        let attributes = header.attributes(cursor, depth)?;
        let class = Class::known(header.class, header.tag).ok_or_else(|| header.unknown())?;
        let content = Content::parse(cursor, class, &header, depth)?;
        Ok(Entry { name, description, object: Object { header, attributes, content } })
    }

    /// What precedes the object: name and description.
    fn head(cursor: &mut Cursor<'a>) -> Parsed<(&'a [u8], &'a [u8])> {
        if !cursor.flag("an entry")? {
            return Err(Fault::new("an entry of its metadata is absent"));
        }
        cursor.version("an entry", 1.0)?;
        let (name, description) = (cursor.string()?, cursor.string()?);
        if !cursor.flag("an object")? {
            return Err(Fault::new("an object of its metadata is absent"));
        }
        Ok((name, description))
    }

    /// A column: an entry without values, whose class may be unknown. `more` columns follow, and `behind` bytes.
    pub(super) fn column(cursor: &mut Cursor<'a>, more: bool, behind: usize) -> Parsed<Entry<'a>> {
        let (name, description) = Entry::head(cursor)?;
        let header = Header::parse(cursor)?;
        if let Some(class) = Class::known(header.class, header.tag) {
            let attributes = header.attributes(cursor, 1)?;
            let content = Content::parse(cursor, class, &header, 1)?;
            return Ok(Entry { name, description, object: Object { header, attributes, content } });
        }
        let start = cursor.clone();
        let known = header.attributes(cursor, 1).and_then(|attributes| {
            let content = match Pattern::of(header.bits) {
                Pattern::Text => Content::Text(Vec::new()),
                Pattern::Numbers => inferred_numbers(cursor, &header, more, behind)?,
                Pattern::Unknown => return Err(header.unknown()),
            };
            Ok((attributes, content))
        });
        let follows = |cursor: &Cursor<'_>| if more { is_entry(cursor) } else { cursor.left() == behind };
        let (attributes, content) = match known {
            Ok(known) if follows(cursor) => known,
            other => {
                *cursor = start;
                skip_to_next(cursor, more, behind)?;
                let fault = other.err().unwrap_or_else(|| header.unknown());
                (Vec::new(), Content::Unknown(fault.to_string()))
            }
        };
        Ok(Entry { name, description, object: Object { header, attributes, content } })
    }
}

impl Header {
    /// The header of an object.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Parsed<Header> {
        if cursor.array::<4>()? != MARK {
            return Err(Fault::new("an object of its metadata does not begin with its mark"));
        }
        cursor.version("an object", 2.0)?;
        let class = cursor.u32()?;
        cursor.take(8)?;
        let (n, m) = (cursor.u64()?, cursor.u64()?);
        let (tag, bits) = (cursor.u32()?, cursor.u64()?);
        cursor.version("a block of attributes", 1.0)?;
        let has_attributes = cursor.flag("a block of attributes")?;
        Ok(Header { class, tag, bits, n, m, has_attributes })
    }

    fn unknown(&self) -> Fault {
        let (class, tag, bits) = (self.class, self.tag, self.bits);
        Fault::new(format!("its class {class} (storage {tag}, bits {bits:#x}) is unknown"))
    }

    /// The attributes: the members of a list that follows the header.
    pub(super) fn attributes<'a>(&self, cursor: &mut Cursor<'a>, depth: u32) -> Parsed<Vec<Entry<'a>>> {
        if !self.has_attributes {
            return Ok(Vec::new());
        }
        let depth = deeper(depth)?;
        let header = Header::parse(cursor)?;
        header.attributes(cursor, depth)?;
        match Class::known(header.class, header.tag) {
            Some(Class::List) => match Content::parse(cursor, Class::List, &header, depth)? {
                Content::List(members) => Ok(members),
                _ => Ok(Vec::new()),
            },
            _ => Err(Fault::new("attributes in its metadata are no list")),
        }
    }

    /// How many elements there are, if that many could be in what is left.
    pub(super) fn count(&self, left: usize, bytes_each: usize) -> Parsed<usize> {
        let count = self.n.checked_mul(self.m).and_then(|count| usize::try_from(count).ok());
        let fits = count.filter(|count| count.checked_mul(bytes_each).is_some_and(|bytes| bytes <= left));
        fits.ok_or_else(|| Fault::new("an object of its metadata has more elements than there are bytes"))
    }
}

impl<'a> Content<'a> {
    fn parse(cursor: &mut Cursor<'a>, class: Class, header: &Header, depth: u32) -> Parsed<Content<'a>> {
        Ok(match class {
            Class::Numbers(element) => {
                let (low, high) = range(cursor, element.width())?;
                let count = header.count(cursor.left(), element.width())?;
                Content::Numbers { element, low, high, values: cursor.take(count * element.width())? }
            }
            Class::Text => {
                let count = header.count(cursor.left(), STRING_BYTES)?;
                Content::Text((0..count).map(|_| cursor.string()).collect::<Parsed<_>>()?)
            }
            Class::List => {
                let depth = deeper(depth)?;
                let count = list_head(cursor, header)?;
                Content::List((0..count).map(|_| Entry::nested(cursor, depth)).collect::<Parsed<_>>()?)
            }
        })
    }
}

/// What precedes the members of a list; their number.
pub(super) fn list_head(cursor: &mut Cursor<'_>, header: &Header) -> Parsed<usize> {
    cursor.version("a list", 1.1)?;
    cursor.take(12)?;
    header.count(cursor.left(), ENTRY_BYTES)
}

/// The range of numbers, which stands before them.
fn range<'a>(cursor: &mut Cursor<'a>, width: usize) -> Parsed<(&'a [u8], &'a [u8])> {
    cursor.version("a range", 1.0)?;
    let range = (cursor.take(width)?, cursor.take(width)?);
    // What this number is for is not known.
    cursor.i32()?;
    Ok(range)
}

fn deeper(depth: u32) -> Parsed<u32> {
    if depth < MAX_DEPTH { Ok(depth + 1) } else { Err(Fault::new("its metadata are nested too deeply")) }
}

/// The range of a column of an unknown class, whose width is the one with which something sensible follows.
fn inferred_numbers<'a>(cursor: &mut Cursor<'a>, header: &Header, more: bool, behind: usize) -> Parsed<Content<'a>> {
    let fits = |&width: &usize| {
        let mut ahead = cursor.clone();
        let fits = range(&mut ahead, width).is_ok()
            && cursor.ahead(4 + 2 * width).and_then(|mut c| c.i32()).is_ok_and(|reserved| matches!(reserved, 0 | -1));
        fits && if more { is_entry(&ahead) } else { ahead.left() == behind }
    };
    let widths: Vec<usize> = [1, 2, 4, 8].into_iter().filter(fits).collect();
    let width = match widths[..] {
        [one] => Some(one),
        _ => Element::width_of_tag(header.tag).filter(|width| widths.contains(width)),
    };
    let element = width.and_then(|width| Element::inferred(width, header.bits)).ok_or_else(|| header.unknown())?;
    let (low, high) = range(cursor, element.width())?;
    Ok(Content::Numbers { element, low, high, values: &[] })
}

/// Whether an entry with an object begins here.
fn is_entry(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    Entry::head(&mut ahead).is_ok() && ahead.array().is_ok_and(|mark: [u8; 4]| mark == MARK)
}

/// Goes on to where the next column begins, or to the end of the last one.
fn skip_to_next(cursor: &mut Cursor<'_>, more: bool, behind: usize) -> Parsed<()> {
    if !more {
        let rest = cursor.left().checked_sub(behind).ok_or_else(|| Fault::new("its metadata ends too early"))?;
        return cursor.take(rest).map(drop);
    }
    while !is_entry(cursor) {
        cursor.take(1)?;
    }
    Ok(())
}

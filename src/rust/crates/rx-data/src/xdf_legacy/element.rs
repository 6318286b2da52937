//! How values are stored, and how types that no known file has are told.

use crate::column::{NA_F32, NA_F64, NA_I32, NA_I64};
use crate::schema::Kind;

/// The class codes and storage tags that known files have.
const CLASSES: [(u32, u32, Class); 8] = [
    (0, 11, Class::Numbers(Element::I32)),
    (1, 12, Class::Numbers(Element::U32)),
    (2, 15, Class::Numbers(Element::I64)),
    (3, 17, Class::Numbers(Element::F32)),
    (4, 18, Class::Numbers(Element::F64)),
    (5, 8, Class::Text),
    (6, 3, Class::List),
    (21, 16, Class::Numbers(Element::U64)),
];
/// The class of factors.
pub(super) const FACTOR: u32 = 1;
/// The classes that known files have in their tables, but not as columns.
pub(super) const TABLES: [u32; 2] = [2, 21];

/// Type bits: categories and text; whole numbers; all numbers; without a sign.
const DISCRETE: u64 = 1 << 8;
const NUMERIC: u64 = 1 << 9;
const CONTINUOUS: u64 = 1 << 10;
const UNSIGNED: u64 = 1 << 17;

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Numbers(Element),
    Text,
    List,
}

impl Class {
    /// The class of a code and its storage tag, which must agree.
    pub(super) fn known(code: u32, tag: u32) -> Option<Class> {
        CLASSES.iter().find(|known| (known.0, known.1) == (code, tag)).map(|known| known.2)
    }
}

/// A number as it is stored, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// What the type bits say of an object of unknown class.
pub(super) enum Pattern {
    /// Strings, without a range.
    Text,
    /// Numbers of some width.
    Numbers,
    /// Nothing that is known.
    Unknown,
}

impl Pattern {
    /// Reads the type bits.
    pub(super) fn of(bits: u64) -> Pattern {
        match bits & (DISCRETE | NUMERIC | CONTINUOUS) {
            DISCRETE => Pattern::Text,
            all if all & NUMERIC != 0 => Pattern::Numbers,
            _ => Pattern::Unknown,
        }
    }
}

impl Element {
    /// The element of an unknown class, by its width and type bits.
    pub(super) fn inferred(width: usize, bits: u64) -> Option<Element> {
        let (floating, unsigned) = (bits & CONTINUOUS != 0, bits & UNSIGNED != 0);
        Some(match (width, floating, unsigned) {
            (1, false, false) => Element::I8,
            (1, false, true) => Element::U8,
            (2, false, false) => Element::I16,
            (2, false, true) => Element::U16,
            (4, false, false) => Element::I32,
            (4, false, true) => Element::U32,
            (8, false, false) => Element::I64,
            (8, false, true) => Element::U64,
            (4, true, _) => Element::F32,
            (8, true, _) => Element::F64,
            _ => return None,
        })
    }

    /// The width that goes with a storage tag, as far as the tags follow C's types in their order.
    pub(super) fn width_of_tag(tag: u32) -> Option<usize> {
        match tag {
            5..=7 => Some(1),
            9 | 10 => Some(2),
            11 | 12 | 17 => Some(4),
            15 | 16 | 18 => Some(8),
            _ => None,
        }
    }

    /// Bytes of a value.
    pub(crate) fn width(self) -> usize {
        match self {
            Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// Bytes of a value in a column.
    pub(crate) fn decoded_width(self) -> usize {
        match self {
            Element::I8 | Element::U8 | Element::I16 | Element::U16 | Element::I32 | Element::F32 => 4,
            Element::U32 | Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// What a user sees of such values, of a range of numbers.
    pub(super) fn kind(self, range: Option<(f64, f64)>) -> Kind {
        match self {
            // Logicals are bytes; only their range tells them from other bytes.
            Element::U8 if range.is_some_and(|(low, high)| low >= 0.0 && high <= 1.0) => Kind::Logical,
            Element::I8 | Element::U8 | Element::I16 => Kind::Int16,
            Element::U16 | Element::I32 => Kind::Integer,
            Element::U32 | Element::I64 | Element::U64 => Kind::Int64,
            Element::F32 => Kind::Float32,
            Element::F64 => Kind::Numeric,
        }
    }

    /// A range as a column's description has it: none if it was never computed.
    pub(super) fn range(self, low: &[u8], high: &[u8]) -> Option<(f64, f64)> {
        let (low, high) = (self.number(low)?, self.number(high)?);
        let unset = match self {
            Element::I8 => f64::from(i8::MAX),
            Element::I16 => f64::from(i16::MAX),
            Element::I32 => f64::from(i32::MAX),
            Element::I64 => i64::MAX as f64,
            Element::F32 => f64::from(f32::MAX),
            Element::F64 => f64::MAX,
            // The largest unsigned number is missing anyway.
            Element::U8 | Element::U16 | Element::U32 | Element::U64 => f64::INFINITY,
        };
        (low <= high && (low, high) != (unset, unset)).then_some((low, high))
    }

    /// One value; none if it is missing or NaN.
    fn number(self, bytes: &[u8]) -> Option<f64> {
        let number = match self {
            Element::I8 => i8(bytes.try_into().ok()?).map(f64::from),
            Element::U8 => u8(bytes.try_into().ok()?).map(f64::from),
            Element::I16 => i16(bytes.try_into().ok()?).map(f64::from),
            Element::U16 => u16(bytes.try_into().ok()?).map(f64::from),
            Element::I32 => Some(i32::from_le_bytes(bytes.try_into().ok()?)).filter(|&x| x != NA_I32).map(f64::from),
            Element::U32 => u32(bytes.try_into().ok()?).map(f64::from),
            Element::I64 => Some(i64::from_le_bytes(bytes.try_into().ok()?)).filter(|&x| x != NA_I64).map(|x| x as f64),
            Element::U64 => {
                Some(u64::from_le_bytes(bytes.try_into().ok()?)).filter(|&x| x != u64::MAX).map(|x| x as f64)
            }
            Element::F32 => Some(f64::from(f32::from_le_bytes(bytes.try_into().ok()?))),
            Element::F64 => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
        };
        number.filter(|x| !x.is_nan())
    }
}

/// A value of 8 bits; the smallest is missing.
pub(super) fn i8(bytes: [u8; 1]) -> Option<i8> {
    Some(i8::from_le_bytes(bytes)).filter(|&x| x != i8::MIN)
}

/// A value of 8 bits; the largest is missing, also of logicals.
pub(super) fn u8(bytes: [u8; 1]) -> Option<u8> {
    Some(bytes[0]).filter(|&x| x != u8::MAX)
}

/// A value of 16 bits; the smallest is missing.
pub(super) fn i16(bytes: [u8; 2]) -> Option<i16> {
    Some(i16::from_le_bytes(bytes)).filter(|&x| x != i16::MIN)
}

/// A value of 16 bits; the largest is missing.
pub(super) fn u16(bytes: [u8; 2]) -> Option<u16> {
    Some(u16::from_le_bytes(bytes)).filter(|&x| x != u16::MAX)
}

/// A value of 32 bits; the largest is missing.
pub(super) fn u32(bytes: [u8; 4]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes)).filter(|&x| x != u32::MAX)
}

// In 32-bit floats every NaN is missing, in doubles only R's own; 32- and 64-bit integers have the codes of columns.
const _: () = assert!(NA_I32 == i32::MIN && NA_I64 == i64::MIN && NA_F32.is_nan() && NA_F64.is_nan());

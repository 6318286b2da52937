//! The values of a column in a block.

use super::element::{self, Element};
use super::metadata::{Column as Described, Content};
use super::object::STRING_BYTES;
use super::{Fault, Parsed, decoded, most_inflated};
use crate::column::{Column, NA_F32, NA_I32, NA_I64};
use crate::schema::Labels;
use crate::xdf::{Pool, Pooled};
use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use flate2::{Decompress, FlushDecompress, Status};
use std::sync::Arc;

/// Most texts are not longer.
const SHORT: usize = 16;

/// Decodes blocks; one serves all threads.
pub(crate) struct Decoder {
    /// Memory that is used again.
    pub pool: Arc<Pool>,
    /// Bytes that the values of one column in one block may take.
    pub memory: u64,
    /// Whether an empty text is a missing one.
    pub empty_is_missing: bool,
}

/// A column's values, and whether they were stored uncompressed, which no known file does.
type Decoded = Parsed<(Column, bool)>;

impl Decoder {
    /// The values that the bytes of a block hold.
    pub(crate) fn decode(&self, described: &Described, stored: &[u8], rows: usize) -> Decoded {
        match &described.content {
            Content::Unreadable(what) => Err(Fault::new(what.clone())),
            Content::Text => self.text(stored, rows),
            Content::Codes(table) => {
                let (bytes, plain) = self.numbers(stored, rows, Element::U32)?;
                let labels = described.field.levels.clone().unwrap_or_default();
                Ok((factor(bytes, &labels, table.as_deref())?, plain))
            }
            Content::Numbers(element) => {
                let (bytes, plain) = self.numbers(stored, rows, *element)?;
                let logical = described.field.kind == crate::Kind::Logical;
                Ok((numbers(bytes, *element, logical)?, plain))
            }
        }
    }

    /// The bytes of numbers: inflated to exactly as many as there must be.
    fn numbers(&self, stored: &[u8], rows: usize, element: Element) -> Parsed<(Pooled, bool)> {
        let expected = rows.checked_mul(element.width()).ok_or_else(too_long)?;
        match self.inflate(stored, expected) {
            Ok(bytes) => Ok((bytes, false)),
            Err(_) if stored.len() == expected => {
                let mut bytes = self.pool.take(expected);
                bytes.bytes_mut().copy_from_slice(stored);
                Ok((bytes, true))
            }
            Err(fault) => Err(fault),
        }
    }

    fn inflate(&self, stored: &[u8], expected: usize) -> Parsed<Pooled> {
        let length = expected as u64;
        if length > most_inflated(stored.len() as u64) || length > self.memory {
            return Err(too_long());
        }
        let mut bytes = self.pool.take(expected);
        inflate(stored, bytes.bytes_mut())?;
        Ok(bytes)
    }

    /// Strings one after the other; behind the zlib stream stands how long all of them are.
    fn text(&self, stored: &[u8], rows: usize) -> Decoded {
        let compressed = stored.split_last_chunk::<8>().ok_or_else(|| Fault::new("a block of text is too short"));
        let compressed = compressed.and_then(|(stream, length)| {
            let expected = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| too_long())?;
            if rows.checked_mul(STRING_BYTES).is_none_or(|least| least > expected) {
                return Err(Fault::new("a block of text is too short"));
            }
            self.inflate(stream, expected)
        });
        match compressed {
            Ok(bytes) => Ok((self.strings(bytes.as_ref(), rows)?, false)),
            Err(fault) => {
                let behind = stored
                    .split_last_chunk::<8>()
                    .filter(|(rest, length)| u64::from_le_bytes(**length) == rest.len() as u64);
                let plain = behind.map_or(stored, |(rest, _)| rest);
                self.strings(plain, rows).map(|column| (column, true)).map_err(|_| fault)
            }
        }
    }

    /// Strings as they are stored, which must fill the bytes exactly.
    fn strings(&self, bytes: &[u8], rows: usize) -> Parsed<Column> {
        let prefixes = rows.checked_mul(STRING_BYTES).filter(|&prefixes| prefixes <= bytes.len());
        let length = bytes.len() - prefixes.ok_or_else(|| Fault::new("a block of text is too short"))?;
        if i32::try_from(length).is_err() {
            return Err(Fault::new("a block has more than 2 GB of text in one column"));
        }
        let (mut values, mut ends) = joined(bytes, rows, length)?;
        if !values.is_ascii() {
            (values, ends) = recoded(bytes, rows)?;
        }
        let nulls = self.empty_is_missing.then(|| NullBuffer::from_iter(ends.windows(2).map(|pair| pair[0] < pair[1])));
        let ends = OffsetBuffer::new(ends.into());
        let strings = StringArray::try_new(ends, Buffer::from_vec(values), nulls);
        strings.map(Column::Str).map_err(|e| Fault::new(e.to_string()))
    }
}

fn too_long() -> Fault {
    Fault::new("a block is longer than its bytes or the limit of memory allow")
}

/// All strings without what precedes each, as they are, and where each ends. They have `length` bytes together.
fn joined(mut bytes: &[u8], rows: usize, length: usize) -> Parsed<(Vec<u8>, Vec<i32>)> {
    let mut values = vec![0; length + SHORT];
    let mut ends = Vec::with_capacity(rows + 1);
    let mut end = 0;
    ends.push(0);
    for _ in 0..rows {
        let (text, rest) = next_string(bytes)?;
        if text.len() > length - end {
            // It takes the place of the strings behind it.
            return Err(Fault::new("a block of text is too short"));
        }
        match bytes[STRING_BYTES..].first_chunk::<SHORT>() {
            // A copy of fixed length is quicker; what is too much is written over by the next one.
            Some(start) if text.len() <= SHORT => values[end..end + SHORT].copy_from_slice(start),
            _ => values[end..end + text.len()].copy_from_slice(text),
        }
        end += text.len();
        ends.push(end as i32);
        bytes = rest;
    }
    values.truncate(end);
    all_read(bytes).map(|()| (values, ends))
}

/// The same in UTF-8.
fn recoded(mut bytes: &[u8], rows: usize) -> Parsed<(Vec<u8>, Vec<i32>)> {
    let mut values = Vec::with_capacity(bytes.len());
    let mut ends = vec![0];
    for _ in 0..rows {
        let (text, rest) = next_string(bytes)?;
        values.extend_from_slice(decoded(text).as_bytes());
        ends.push(i32::try_from(values.len()).map_err(|_| too_long())?);
        bytes = rest;
    }
    all_read(bytes).map(|()| (values, ends))
}

fn all_read(rest: &[u8]) -> Parsed<()> {
    if rest.is_empty() { Ok(()) } else { Err(Fault::new("bytes are left over behind the text of a block")) }
}

/// The first of some strings, and what stands behind it.
fn next_string(bytes: &[u8]) -> Parsed<(&[u8], &[u8])> {
    let damaged = || Fault::new("a text of a block is longer than the block, or of an unknown kind");
    let (prefix, rest) = bytes.split_first_chunk::<STRING_BYTES>().ok_or_else(damaged)?;
    let [a, b, c, d, length @ ..] = *prefix;
    let length = usize::try_from(i32::from_le_bytes(length)).map_err(|_| damaged())?;
    if u32::from_le_bytes([a, b, c, d]) != 1 {
        return Err(damaged());
    }
    rest.split_at_checked(length).ok_or_else(damaged)
}

/// Inflates a zlib stream, which must fill the output exactly and end with the input.
fn inflate(stream: &[u8], output: &mut [u8]) -> Parsed<()> {
    let mut state = Decompress::new(true);
    let length = output.len() as u64;
    let done = state.decompress(stream, output, FlushDecompress::Finish);
    let done = done.map_err(|_| Fault::new("a block is no valid zlib stream"))?;
    if done == Status::StreamEnd && state.total_out() == length && state.total_in() == stream.len() as u64 {
        return Ok(());
    }
    Err(Fault::new("a block is not as long as its number of rows says"))
}

/// The values of a column of numbers.
fn numbers(mut bytes: Pooled, element: Element, logical: bool) -> Parsed<Column> {
    let input = bytes.bytes_mut();
    Ok(match element {
        Element::I8 => narrow(input, element::i8)?,
        Element::U8 => {
            if logical && input.iter().any(|&byte| !matches!(byte, 0 | 1 | u8::MAX)) {
                return Err(Fault::new("a logical value is neither 0 nor 1"));
            }
            narrow(input, element::u8)?
        }
        Element::I16 => narrow(input, element::i16)?,
        Element::U16 => narrow(input, element::u16)?,
        Element::I32 => Column::I32(words::<4, _>(bytes)),
        Element::U32 => {
            let (values, _) = input.as_chunks();
            Column::I64(values.iter().map(|&value| element::u32(value).map_or(NA_I64, i64::from)).collect())
        }
        Element::I64 => Column::I64(words::<8, _>(bytes)),
        Element::U64 => {
            let (values, _) = input.as_chunks();
            let value = |&value| match u64::from_le_bytes(value) {
                u64::MAX => Ok(NA_I64),
                value => i64::try_from(value).map_err(|_| Fault::new("an integer is beyond 63 bits")),
            };
            Column::I64(values.iter().map(value).collect::<Parsed<Vec<i64>>>()?.into())
        }
        Element::F32 => {
            // There is no known code: every NaN is a missing value.
            for value in input.as_chunks_mut().0 {
                let number = f32::from_le_bytes(*value);
                *value = if number.is_nan() { NA_F32 } else { number }.to_le_bytes();
            }
            Column::F32(words::<4, _>(bytes))
        }
        Element::F64 => Column::F64(words::<8, _>(bytes)),
    })
}

/// Integers that are stored in fewer bits than a column's.
fn narrow<const N: usize, T: Into<i32>>(input: &[u8], value: impl Fn([u8; N]) -> Option<T>) -> Parsed<Column> {
    let (values, _) = input.as_chunks();
    Ok(Column::I32(values.iter().map(|&bytes| value(bytes).map_or(NA_I32, Into::into)).collect()))
}

/// The bytes as numbers of the machine.
fn words<const N: usize, T: arrow::datatypes::ArrowNativeType>(mut bytes: Pooled) -> ScalarBuffer<T> {
    if cfg!(target_endian = "big") {
        bytes.bytes_mut().as_chunks_mut::<N>().0.iter_mut().for_each(|word| word.reverse());
    }
    ScalarBuffer::from(Buffer::from(bytes))
}

/// Codes from 1 of codes from 0; the largest number is missing.
fn factor(mut bytes: Pooled, labels: &Labels, table: Option<&[i32]>) -> Parsed<Column> {
    let known = table.map_or(labels.len(), <[i32]>::len) as u32;
    let mut largest = 0;
    for value in bytes.bytes_mut().as_chunks_mut().0 {
        // The missing code becomes 0.
        let code = u32::from_le_bytes(*value).wrapping_add(1);
        largest = largest.max(code);
        *value = if code == 0 { NA_I32 as u32 } else { code }.to_le_bytes();
    }
    if largest > known {
        return Err(Fault::new(format!("a factor has the code {} and {known} labels", largest - 1)));
    }
    let codes = words::<4, i32>(bytes);
    let codes = match table {
        None => codes,
        Some(table) => codes.iter().map(|&code| if code == NA_I32 { code } else { table[code as usize - 1] }).collect(),
    };
    Ok(Column::Dict { codes, labels: labels.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_takes_the_place_of_others_is_a_fault() {
        let bytes = [&1u32.to_le_bytes()[..], &40u32.to_le_bytes(), &[b'a'; 40]].concat();
        assert!(joined(&bytes, 2, bytes.len() - 2 * STRING_BYTES).is_err());
        assert!(joined(&bytes, 1, bytes.len() - STRING_BYTES).is_ok());
    }
}

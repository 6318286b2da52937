//! Record batches and dictionaries as messages: metadata (a flatbuffer) and a body of buffers.

use super::codec::{Compression, Pool, compress, decompress, name_of};
use super::footer::Place;
use crate::checksum::checksum;
use crate::column::Column;
use crate::convert::{Dictionary, Nulls, Stored, cannot_hold, column_from_array};
use crate::error::{Error, Result};
use crate::source::read_at;
use arrow::array::{Array, ArrayData, ArrayRef, NullArray, StringArray, make_array, new_empty_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{self, DataType, UnionMode};
use arrow::ipc::convert::metadata_to_fb;
use arrow::ipc::{self, MessageHeader, MetadataVersion};
use flatbuffers::FlatBufferBuilder;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Buffers begin at multiples of this in a body, framed metadata ends at one.
const BODY_ALIGNMENT: usize = 64;
const METADATA_ALIGNMENT: usize = 8;
/// Wanted buffers that are no further apart than this are read at once.
const READ_GAP: u64 = 64 << 10;
/// An array of nulls takes no bytes in a file, but a column of them does in memory.
const MAX_NULL_ROWS: usize = 1 << 26;
/// The key, in a message's metadata, of the exact doubles of dates and times: `[[column, offset, length], ...]`. They
/// stand in the body behind the buffers that Arrow knows of, compressed like them.
const EXACT_KEY: &str = "rxscale.exact";
/// The key, in a message's metadata, of the checksums of its buffers as they are stored, 16 hexadecimal digits each; those
/// of the exact doubles come last.
const SUMS_KEY: &str = "rxscale.sums";
const SUM_DIGITS: usize = 16;

/// A message ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// Framed and padded.
    pub metadata: Vec<u8>,
    /// Padded.
    pub body: Vec<u8>,
    /// Rows of a record batch.
    pub rows: u64,
    /// The checksum of the metadata.
    pub checksum: u64,
}

impl Message {
    /// Writes the message at a position of a file, aligned, and tells where it is.
    pub(crate) fn write_to(&self, position: u64, mut append: impl FnMut(&[u8]) -> Result<()>) -> Result<Place> {
        let offset = position.next_multiple_of(METADATA_ALIGNMENT as u64);
        append(&[0; METADATA_ALIGNMENT][..(offset - position) as usize])?;
        append(&self.metadata)?;
        append(&self.body)?;
        let (metadata, body) = (self.metadata.len() as u64, self.body.len() as u64);
        Ok(Place { offset, metadata, body, checksum: Some(self.checksum) })
    }
}

/// Prefixes a flatbuffer with the mark and length that begin a message, and pads it.
pub(crate) fn frame(flatbuffer: &[u8]) -> Vec<u8> {
    let length = flatbuffer.len().next_multiple_of(METADATA_ALIGNMENT);
    let mut framed = Vec::with_capacity(length + 8);
    framed.extend_from_slice(&[0xFF; 4]);
    framed.extend_from_slice(&(length as i32).to_le_bytes());
    framed.extend_from_slice(flatbuffer);
    framed.resize(length + 8, 0);
    framed
}

/// The record batch of these columns.
pub(crate) fn encode_batch(rows: usize, columns: &[Stored], compression: Compression) -> Result<Message> {
    encode(rows, columns, compression, None)
}

/// The dictionary of these labels.
pub(crate) fn encode_dictionary(id: i64, labels: &[String], compression: Compression) -> Result<Message> {
    let labels: ArrayRef = Arc::new(StringArray::from_iter_values(labels));
    encode(labels.len(), &[labels.into()], compression, Some(id))
}

fn encode(rows: usize, columns: &[Stored], compression: Compression, dictionary: Option<i64>) -> Result<Message> {
    let arrays: Vec<ArrayData> = columns.iter().map(|column| column.array.to_data()).collect();
    let bytes =
        |data: &ArrayData| data.buffers().iter().map(|b| b.len() + BODY_ALIGNMENT).sum::<usize>() + data.len() / 8;
    let mut body = Vec::with_capacity(arrays.iter().map(bytes).sum());
    let (mut nodes, mut buffers) = (Vec::new(), Vec::new());
    let mut sums = String::new();
    let mut push = |bytes: &[u8]| -> Result<ipc::Buffer> {
        let start = body.len();
        compress(compression, bytes, &mut body).map_err(Error::internal)?;
        sums.push_str(&format!("{:0SUM_DIGITS$x}", checksum(&body[start..])));
        let buffer = ipc::Buffer::new(start as i64, (body.len() - start) as i64);
        body.resize(body.len().next_multiple_of(BODY_ALIGNMENT), 0);
        Ok(buffer)
    };
    for data in &arrays {
        nodes.push(ipc::FieldNode::new(data.len() as i64, data.null_count() as i64));
        let validity = data.nulls().map(|n| n.inner().sliced());
        buffers.push(push(validity.as_ref().map_or(&[], |b| b.as_slice()))?);
        for buffer in data.buffers() {
            buffers.push(push(buffer)?);
        }
    }
    let mut exact = Vec::new();
    for (j, column) in columns.iter().enumerate() {
        if let Some(values) = &column.exact {
            let buffer = push(values.inner())?;
            exact.push((j, buffer.offset(), buffer.length()));
        }
    }

    let mut fbb = FlatBufferBuilder::new();
    let nodes = fbb.create_vector(&nodes);
    let buffers = fbb.create_vector(&buffers);
    let codec = compression.codec().map(|codec| {
        let mut builder = ipc::BodyCompressionBuilder::new(&mut fbb);
        builder.add_method(ipc::BodyCompressionMethod::BUFFER);
        builder.add_codec(codec);
        builder.finish()
    });
    let mut builder = ipc::RecordBatchBuilder::new(&mut fbb);
    builder.add_length(rows as i64);
    builder.add_nodes(nodes);
    builder.add_buffers(buffers);
    if let Some(codec) = codec {
        builder.add_compression(codec);
    }
    let batch = builder.finish();
    let (kind, header) = match dictionary {
        None => (MessageHeader::RecordBatch, batch.as_union_value()),
        Some(id) => {
            let mut builder = ipc::DictionaryBatchBuilder::new(&mut fbb);
            builder.add_id(id);
            builder.add_data(batch);
            (MessageHeader::DictionaryBatch, builder.finish().as_union_value())
        }
    };
    let mut custom = datatypes::Metadata::from([(SUMS_KEY, sums)]);
    if !exact.is_empty() {
        custom.insert(EXACT_KEY, serde_json::to_string(&exact).map_err(|e| Error::internal(e.to_string()))?);
    }
    let custom = metadata_to_fb(&mut fbb, &custom);
    let mut message = ipc::MessageBuilder::new(&mut fbb);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(kind);
    message.add_bodyLength(body.len() as i64);
    message.add_header(header);
    message.add_custom_metadata(custom);
    let root = message.finish();
    fbb.finish(root, None);
    let metadata = frame(fbb.finished_data());
    Ok(Message { checksum: checksum(&metadata), metadata, body, rows: rows as u64 })
}

/// Where a column's parts are in every batch of a file.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// The type of the array: that of the keys for a dictionary.
    data_type: DataType,
    /// Whether rxscale leaves the missing code under its nulls.
    coded: bool,
    /// What the columns before it take.
    before: Counts,
}

impl Slot {
    /// The slots of a file's columns.
    pub(crate) fn all(schema: &datatypes::Schema) -> Vec<Slot> {
        let mut next = Counts::default();
        let slot = |field: &Arc<datatypes::Field>| {
            let before = next;
            next.add(storage(field.data_type()));
            Slot { data_type: storage(field.data_type()).clone(), coded: is_coded(field.data_type()), before }
        };
        schema.fields().iter().map(slot).collect()
    }
}

/// The type of the array that stands in a record batch.
fn storage(data_type: &DataType) -> &DataType {
    if let DataType::Dictionary(keys, _) = data_type { keys } else { data_type }
}

/// What a type takes of a batch.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    nodes: usize,
    buffers: usize,
    /// Arrays of views; each has buffers whose number only the batch knows.
    views: usize,
}

impl Counts {
    fn of(data_type: &DataType) -> Counts {
        let mut counts = Counts::default();
        counts.add(data_type);
        counts
    }

    fn add(&mut self, data_type: &DataType) {
        self.nodes += 1;
        self.buffers += match data_type {
            DataType::Null | DataType::RunEndEncoded(..) => 0,
            DataType::Union(_, UnionMode::Sparse) | DataType::Struct(_) | DataType::FixedSizeList(..) => 1,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 3,
            DataType::ListView(_) | DataType::LargeListView(_) => 3,
            _ => 2,
        };
        self.views += usize::from(matches!(data_type, DataType::Utf8View | DataType::BinaryView));
        let mut child = |field: &datatypes::Field| self.add(field.data_type());
        match data_type {
            DataType::List(f) | DataType::LargeList(f) | DataType::ListView(f) | DataType::LargeListView(f) => child(f),
            DataType::FixedSizeList(f, _) | DataType::Map(f, _) => child(f),
            DataType::Struct(fields) => fields.iter().for_each(|f| child(f)),
            DataType::Union(fields, _) => fields.iter().for_each(|(_, f)| child(f)),
            DataType::RunEndEncoded(ends, values) => [ends, values].into_iter().for_each(|f| child(f)),
            _ => {}
        }
    }
}

/// Reads messages of one file.
pub(crate) struct Reader<'a> {
    pub file: &'a File,
    pub path: &'a Path,
    pub pool: &'a Arc<Pool>,
    /// What stands under the nulls of the file's arrays.
    pub nulls: Nulls,
}

/// A part of a body.
#[derive(Debug, Clone, Default)]
struct Part {
    range: Range<u64>,
    /// Of the bytes as they are stored, where the file has checksums.
    checksum: Option<u64>,
}

/// The checksums of a message's buffers; none in files without them.
#[derive(Clone, Copy)]
struct Sums<'a>(Option<&'a str>);

impl Sums<'_> {
    /// The checksum of a buffer; None if the file should have one and has not.
    fn get(self, buffer: usize) -> Option<Option<u64>> {
        let Some(all) = self.0 else { return Some(None) };
        let start = buffer.checked_mul(SUM_DIGITS)?;
        let digits = all.get(start..start.checked_add(SUM_DIGITS)?)?;
        u64::from_str_radix(digits, 16).ok().map(Some)
    }
}

/// A column to be read from a batch.
pub(crate) struct Want<'a> {
    /// Its position in the file.
    pub index: usize,
    /// Its name, for messages.
    pub name: &'a str,
    /// Where it is.
    pub slot: &'a Slot,
    /// The labels behind its keys, if it has any.
    pub dictionary: Option<&'a Dictionary>,
}

impl Reader<'_> {
    /// The number of rows of a record batch, read from its metadata alone.
    pub(crate) fn rows(&self, place: Place) -> Result<u64> {
        let bytes = self.metadata(place)?;
        let batch = self.message(&bytes)?.header_as_record_batch();
        self.length(batch.ok_or_else(|| self.damaged())?).map(|n| n as u64)
    }

    /// How a record batch is compressed.
    pub(crate) fn compression(&self, place: Place) -> Result<&'static str> {
        let bytes = self.metadata(place)?;
        let batch = self.message(&bytes)?.header_as_record_batch().ok_or_else(|| self.damaged())?;
        Ok(batch.compression().map_or("none", |c| name_of(c.codec())))
    }

    /// Some columns of a record batch, and its number of rows.
    pub(crate) fn columns(&self, place: Place, wanted: &[Want<'_>]) -> Result<(usize, Vec<Column>)> {
        let bytes = self.metadata(place)?;
        let message = self.message(&bytes)?;
        let batch = message.header_as_record_batch().ok_or_else(|| self.damaged())?;
        let rows = self.length(batch)?;
        let (exact, sums) = (self.exact(message)?, self.sums(place, message)?);

        let known = batch.buffers().map_or(0, |buffers| buffers.len());
        let mut ranges = Vec::new();
        let mut parts = Vec::with_capacity(wanted.len());
        for want in wanted {
            if want.slot.data_type.is_nested() || matches!(want.slot.data_type, DataType::FixedSizeBinary(_)) {
                return Err(cannot_hold(&want.slot.data_type, want.name).file(self.path));
            }
            let first = ranges.len();
            let exact = exact.iter().enumerate().find(|(_, (j, ..))| *j == want.index);
            match exact {
                Some((i, &(_, offset, length))) => ranges.push(self.inside(place, offset, length, sums, known + i)?),
                None => ranges.extend(self.ranges(place, batch, sums, want.slot, rows)?),
            }
            parts.push((first..ranges.len(), exact.is_some()));
        }
        let buffers = self.buffers(place, batch, &ranges)?;
        let mut columns = Vec::with_capacity(wanted.len());
        for (want, (part, exact)) in wanted.iter().zip(parts) {
            columns.push(match (exact, want.dictionary) {
                (true, _) => Column::F64(self.doubles(&buffers[part], rows)?),
                (false, dictionary) => {
                    let array = self.array(&want.slot.data_type, rows, &buffers[part])?;
                    match dictionary {
                        Some(dictionary) => Column::Dict {
                            codes: dictionary.codes(&array, want.name).map_err(|e| e.file(self.path))?,
                            labels: dictionary.labels.clone(),
                        },
                        None => column_from_array(&array, self.nulls, want.name).map_err(|e| e.file(self.path))?,
                    }
                }
            });
        }
        Ok((rows, columns))
    }

    /// A dictionary's id, whether it continues an earlier one, and its values.
    pub(crate) fn dictionary(
        &self,
        place: Place,
        type_of: impl Fn(i64) -> Option<DataType>,
    ) -> Result<(i64, bool, Option<ArrayRef>)> {
        let bytes = self.metadata(place)?;
        let message = self.message(&bytes)?;
        let header = message.header_as_dictionary_batch().ok_or_else(|| self.damaged())?;
        let Some(data_type) = type_of(header.id()) else { return Ok((header.id(), header.isDelta(), None)) };
        let batch = header.data().ok_or_else(|| self.damaged())?;
        let slot = Slot { data_type, coded: false, before: Counts::default() };
        let rows = self.length(batch)?;
        let ranges = self.ranges(place, batch, self.sums(place, message)?, &slot, rows)?;
        let buffers = self.buffers(place, batch, &ranges)?;
        let values = self.array(&slot.data_type, rows, &buffers)?;
        Ok((header.id(), header.isDelta(), Some(values)))
    }

    fn damaged(&self) -> Error {
        Error::corrupt(self.path, "a block is damaged")
    }

    fn metadata(&self, place: Place) -> Result<Vec<u8>> {
        let mut bytes = vec![0; place.metadata as usize];
        read_at(self.file, place.offset, &mut bytes).map_err(|e| Error::io(self.path, "read", &e))?;
        if place.checksum.is_some_and(|sum| checksum(&bytes) != sum) {
            return Err(self.damaged());
        }
        Ok(bytes)
    }

    fn message<'b>(&self, bytes: &'b [u8]) -> Result<ipc::Message<'b>> {
        // Before version 0.15 of Arrow there was a length and no mark.
        let prefix = if bytes.starts_with(&[0xFF; 4]) { 8 } else { 4 };
        let flatbuffer = bytes.get(prefix..).ok_or_else(|| self.damaged())?;
        ipc::root_as_message(flatbuffer).map_err(|_| self.damaged())
    }

    fn length(&self, batch: ipc::RecordBatch<'_>) -> Result<usize> {
        usize::try_from(batch.length()).ok().filter(|&n| n < i32::MAX as usize).ok_or_else(|| self.damaged())
    }

    fn exact(&self, message: ipc::Message<'_>) -> Result<Vec<(usize, i64, i64)>> {
        match custom(message, EXACT_KEY).filter(|_| self.nulls == Nulls::Coded) {
            None => Ok(Vec::new()),
            Some(json) => serde_json::from_str(json).map_err(|_| self.damaged()),
        }
    }

    /// The checksums of a message's buffers, which it has if it has one itself.
    fn sums<'m>(&self, place: Place, message: ipc::Message<'m>) -> Result<Sums<'m>> {
        match place.checksum {
            None => Ok(Sums(None)),
            Some(_) => Ok(Sums(Some(custom(message, SUMS_KEY).ok_or_else(|| self.damaged())?))),
        }
    }

    /// A part of a body that is a buffer, if it is inside of it.
    fn inside(&self, place: Place, offset: i64, length: i64, sums: Sums<'_>, buffer: usize) -> Result<Part> {
        let part = || {
            let (start, length) = (u64::try_from(offset).ok()?, u64::try_from(length).ok()?);
            let range = start..start.checked_add(length).filter(|&end| end <= place.body)?;
            Some(Part { range, checksum: sums.get(buffer)? })
        };
        part().ok_or_else(|| self.damaged())
    }

    /// The parts of the body that an array needs: validity, if any is null, then its buffers.
    fn ranges(
        &self,
        place: Place,
        batch: ipc::RecordBatch<'_>,
        sums: Sums<'_>,
        slot: &Slot,
        rows: usize,
    ) -> Result<Vec<Part>> {
        let (nodes, buffers) = (batch.nodes().unwrap_or_default(), batch.buffers().unwrap_or_default());
        if slot.before.nodes >= nodes.len() || nodes.get(slot.before.nodes).length() != rows as i64 {
            return Err(self.damaged());
        }
        let variadic = batch.variadicBufferCounts().unwrap_or_default();
        let of_views = |arrays: Range<usize>| {
            let counts = variadic.iter().skip(arrays.start).take(arrays.len());
            counts.map(|c| usize::try_from(c).unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
        };
        let (before, takes) = (slot.before, Counts::of(&slot.data_type));
        let first = before.buffers.saturating_add(of_views(0..before.views));
        let views = of_views(before.views..before.views + takes.views);
        let last = first.saturating_add(takes.buffers).saturating_add(views);
        if last > buffers.len() {
            return Err(self.damaged());
        }
        let mut ranges = Vec::with_capacity(last - first);
        for i in first..last {
            let buffer = buffers.get(i);
            ranges.push(self.inside(place, buffer.offset(), buffer.length(), sums, i)?);
        }
        let without_nulls = nodes.get(slot.before.nodes).null_count() == 0;
        if let Some(validity) = ranges.first_mut()
            && (without_nulls || self.nulls == Nulls::Coded && slot.coded)
        {
            *validity = Part::default();
        } else if ranges.first().is_some_and(|part| part.range.is_empty()) && rows > 0 {
            return Err(self.damaged());
        }
        Ok(ranges)
    }

    /// Reads parts of a body, near ones at once, and decompresses them.
    fn buffers(&self, place: Place, batch: ipc::RecordBatch<'_>, parts: &[Part]) -> Result<Vec<Buffer>> {
        let codec = batch.compression().map(|c| c.codec());
        let mut order: Vec<usize> = (0..parts.len()).filter(|&i| !parts[i].range.is_empty()).collect();
        order.sort_unstable_by_key(|&i| parts[i].range.start);
        let mut buffers = vec![Buffer::default(); parts.len()];
        let mut rest = order.as_slice();
        while let Some(&first) = rest.first() {
            let start = parts[first].range.start / BODY_ALIGNMENT as u64 * BODY_ALIGNMENT as u64;
            let mut end = parts[first].range.end;
            let near = rest.iter().take_while(|&&i| {
                let near = parts[i].range.start <= end.saturating_add(READ_GAP);
                end = if near { end.max(parts[i].range.end) } else { end };
                near
            });
            let (group, others) = rest.split_at(near.count());
            let mut read = self.pool.take((end - start) as usize);
            let offset = place.offset + place.metadata + start;
            read_at(self.file, offset, read.bytes_mut()).map_err(|e| Error::io(self.path, "read", &e))?;
            let read = Buffer::from(read);
            for &i in group {
                let Part { range: Range { start: from, end: to }, checksum: sum } = parts[i];
                let buffer = read.slice_with_length((from - start) as usize, (to - from) as usize);
                if sum.is_some_and(|sum| checksum(&buffer) != sum) {
                    return Err(self.damaged());
                }
                buffers[i] = match codec {
                    None => buffer,
                    Some(codec) => decompress(codec, &buffer, self.pool)
                        .map_err(|what| Error::corrupt(self.path, format!("a block is damaged ({what})")))?,
                };
            }
            rest = others;
        }
        Ok(buffers)
    }

    fn doubles(&self, buffers: &[Buffer], rows: usize) -> Result<ScalarBuffer<f64>> {
        let array = self.array(&DataType::Float64, rows, &[Buffer::default(), buffers[0].clone()])?;
        match column_from_array(&array, Nulls::Coded, "")? {
            Column::F64(values) => Ok(values),
            _ => Err(self.damaged()),
        }
    }

    /// Makes an array of its buffers, every claim about them checked.
    fn array(&self, data_type: &DataType, rows: usize, buffers: &[Buffer]) -> Result<ArrayRef> {
        if rows == 0 {
            return Ok(new_empty_array(data_type));
        }
        let Some((validity, values)) = buffers.split_first() else {
            // Nothing in the file backs the claim that there are so many rows.
            return if rows <= MAX_NULL_ROWS { Ok(Arc::new(NullArray::new(rows))) } else { Err(self.damaged()) };
        };
        let nulls = match validity.len() {
            0 => None,
            bytes if bytes < rows.div_ceil(8) => return Err(self.damaged()),
            _ => Some(NullBuffer::new(BooleanBuffer::new(validity.clone(), 0, rows))),
        };
        // Arrow expects the first buffer to be no longer than its values.
        let mut values = values.to_vec();
        if let (Some(first), Some(bits)) = (values.first_mut(), first_buffer_bits(data_type)) {
            let items = rows + usize::from(has_offsets(data_type));
            let bytes = (items * bits).div_ceil(8);
            if first.len() < bytes {
                return Err(self.damaged());
            }
            *first = first.slice_with_length(0, bytes);
        }
        let data = ArrayData::builder(data_type.clone())
            .len(rows)
            .nulls(nulls)
            .buffers(values)
            .align_buffers(true)
            .build()
            .map_err(|e| Error::corrupt(self.path, format!("a block is damaged ({e})")))?;
        Ok(make_array(data))
    }
}

/// An entry of a message's own metadata.
fn custom<'m>(message: ipc::Message<'m>, key: &str) -> Option<&'m str> {
    message.custom_metadata().iter().flatten().find(|kv| kv.key() == Some(key))?.value()
}

/// Bits of one item in the first buffer of a type that a column can hold.
fn first_buffer_bits(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Boolean => Some(1),
        DataType::Utf8 | DataType::Binary => Some(32),
        DataType::LargeUtf8 | DataType::LargeBinary => Some(64),
        DataType::Utf8View | DataType::BinaryView => Some(128),
        other => other.primitive_width().map(|bytes| bytes * 8),
    }
}

/// Whether the first buffer holds offsets, which are one more than the values.
fn has_offsets(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary)
}

/// Whether rxscale leaves the missing code under the nulls of this type.
fn is_coded(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float32 | DataType::Float64)
}

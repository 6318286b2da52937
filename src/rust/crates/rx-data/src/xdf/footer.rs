//! The end of an Arrow IPC file: where everything is.

use super::foreign::not_xdf;
use super::set::SetFile;
use crate::checksum::{SEAL, Sealed, check_seal, checksum, seal};
use crate::convert::schema_from_arrow;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::source::read_at;
use crate::xdf_legacy;
use arrow::datatypes::Schema as ArrowSchema;
use arrow::ipc::convert::{IpcSchemaEncoder, metadata_to_fb, try_fb_to_schema};
use arrow::ipc::writer::DictionaryTracker;
use arrow::ipc::{self, FooterBuilder, MessageBuilder, MessageHeader, MetadataVersion};
use flatbuffers::FlatBufferBuilder;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::Path;

/// First bytes of a file, padded to 8.
pub(crate) const MAGIC: &[u8; 8] = b"ARROW1\0\0";
/// Last bytes of a file.
const END_MAGIC: &[u8; 6] = b"ARROW1";
/// After the footer: its length and the magic.
const TRAILER: u64 = 10;
/// The key of [`FileInfo`] in the footer's metadata.
const INFO_KEY: &str = "rxscale";
/// The newest version of [`FileInfo`] that can be read.
const FORMAT_VERSION: u32 = 1;

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// First byte of the message.
    pub offset: u64,
    /// Bytes of its metadata.
    pub metadata: u64,
    /// Bytes of its body, which follow.
    pub body: u64,
    /// The checksum of its metadata, which in turn has those of its buffers; none in files without checksums.
    pub checksum: Option<u64>,
}

/// What only files of rxscale say about themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileInfo {
    /// Version of this structure.
    pub version: u32,
    /// The user's description.
    #[serde(default)]
    pub description: String,
    /// The logical blocks, each with the rows of its record batches.
    pub blocks: Vec<Vec<u64>>,
    /// The checksums of all messages, as they are in [`Place`]: record batches, then dictionaries. Only the footer's bytes
    /// hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Option<u64>>,
    /// The data files of a composite set, in its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<SetFile>>,
}

impl FileInfo {
    /// Of a file without rows.
    pub(crate) fn new(description: String) -> Self {
        FileInfo { version: FORMAT_VERSION, description, blocks: Vec::new(), checksums: Vec::new(), files: None }
    }
}

/// A file's footer.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    /// The columns as they are stored.
    pub arrow: ArrowSchema,
    /// The columns as they are known, without levels.
    pub schema: Schema,
    /// The dictionary of each column that has one.
    pub dictionary_ids: Vec<Option<i64>>,
    /// The record batches.
    pub batches: Vec<Place>,
    /// The dictionaries.
    pub dictionaries: Vec<Place>,
    /// Present in files of rxscale.
    pub info: Option<FileInfo>,
    /// The footer's own checksum, by which the head of a set knows its files.
    pub seal: u64,
}

impl Footer {
    /// Reads the footer of a file that ends at `end`, and checks that whatever it points to is inside the file.
    pub(crate) fn read(file: &File, end: u64, path: &Path) -> Result<Footer> {
        let io = |e| Error::io(path, "read", &e);
        let corrupt = |what: &str| Error::corrupt(path, what);
        if end == 0 {
            return Err(corrupt("it is empty"));
        }
        let mut start = [0; MAGIC.len()];
        let known = start.len().min(end as usize);
        read_at(file, 0, &mut start[..known]).map_err(io)?;
        if start.starts_with(&xdf_legacy::MARK) {
            // Who only reads has looked for that.
            return Err(xdf_legacy::read_only(path));
        }
        if !start.starts_with(END_MAGIC) {
            return Err(not_xdf(file, end, path));
        }
        if end < start.len() as u64 + TRAILER {
            return Err(corrupt("it ends too early"));
        }
        let mut trailer = [0; TRAILER as usize];
        read_at(file, end - TRAILER, &mut trailer).map_err(io)?;
        let (length, magic) = trailer.split_at(4);
        if magic != END_MAGIC {
            return Err(corrupt("it was cut off, or was not written to its end"));
        }
        let length = length.try_into().map_or(-1, i32::from_le_bytes);
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let limit = end - TRAILER;
        if length > limit - start.len() as u64 {
            return Err(corrupt("its footer has an impossible length"));
        }
        // With what seals it before, where there is room for that, and its length behind.
        let before = (limit - length).min(SEAL as u64);
        let mut bytes = vec![0; (before + length) as usize + 4];
        read_at(file, limit - length - before, &mut bytes).map_err(io)?;
        let (before, sealed) = bytes.split_at(before as usize);
        let intact = match check_seal(before, sealed) {
            Sealed::Broken => return Err(corrupt("its footer is damaged")),
            Sealed::Intact => true,
            Sealed::No => false,
        };
        let mut footer = Footer::parse(&sealed[..length as usize], limit - length, path)?;
        footer.seal = checksum(sealed);
        if !intact && footer.batches.iter().chain(&footer.dictionaries).any(|place| place.checksum.is_some()) {
            return Err(corrupt("its footer is damaged"));
        }
        Ok(footer)
    }

    fn parse(bytes: &[u8], limit: u64, path: &Path) -> Result<Footer> {
        let corrupt = |what: &str| Error::corrupt(path, what);
        let footer = ipc::root_as_footer(bytes).map_err(|e| corrupt(&format!("its footer is damaged ({e})")))?;
        if footer.version() < MetadataVersion::V4 {
            return Err(corrupt("it is of a version of Arrow that is too old"));
        }
        let flat = footer.schema().ok_or_else(|| corrupt("its footer has no schema"))?;
        if !flat.endianness().equals_to_target_endianness() {
            return Err(corrupt("it was written on a machine of another byte order"));
        }
        let arrow = try_fb_to_schema(flat).map_err(|e| corrupt(&format!("its schema is damaged ({e})")))?;
        let ids = flat.fields().iter().flatten().map(|f| f.dictionary().map(|d| d.id())).collect();
        let places = |blocks: Option<flatbuffers::Vector<'_, ipc::Block>>| -> Result<Vec<Place>> {
            let place = |block: &ipc::Block| {
                let offset = u64::try_from(block.offset()).ok()?;
                let metadata = u64::try_from(block.metaDataLength()).ok().filter(|&m| m >= 8)?;
                let body = u64::try_from(block.bodyLength()).ok()?;
                let end = offset.checked_add(metadata)?.checked_add(body)?;
                (end <= limit).then_some(Place { offset, metadata, body, checksum: None })
            };
            let places = blocks.iter().flatten().map(place).collect::<Option<Vec<_>>>();
            places.ok_or_else(|| corrupt("its footer points outside of the file"))
        };
        let (mut batches, mut dictionaries) = (places(footer.recordBatches())?, places(footer.dictionaries())?);
        let info = footer.custom_metadata().iter().flatten().find(|kv| kv.key() == Some(INFO_KEY));
        let mut info = info.map(|kv| parse_info(kv.value().unwrap_or(""), batches.len(), path)).transpose()?;
        let checksums = info.as_mut().map(|info| std::mem::take(&mut info.checksums)).unwrap_or_default();
        if !checksums.is_empty() {
            if checksums.len() != batches.len() + dictionaries.len() {
                return Err(corrupt("its footer is damaged"));
            }
            let places = batches.iter_mut().chain(&mut dictionaries);
            places.zip(checksums).for_each(|(place, checksum)| place.checksum = checksum);
        }
        let schema = schema_from_arrow(&arrow);
        Ok(Footer { arrow, schema, dictionary_ids: ids, batches, dictionaries, info, seal: 0 })
    }

    /// The bytes that end a file (an end-of-stream mark, a seal, the footer, its length, the magic), and the footer's
    /// checksum.
    pub(crate) fn encode(
        arrow: &ArrowSchema,
        batches: &[Place],
        dictionaries: &[Place],
        info: &FileInfo,
    ) -> Result<(Vec<u8>, u64)> {
        let block = |p: &Place| ipc::Block::new(p.offset as i64, p.metadata as i32, p.body as i64);
        let checksums = batches.iter().chain(dictionaries).map(|place| place.checksum).collect();
        let info = FileInfo { checksums, ..info.clone() };
        let json = serde_json::to_string(&info).map_err(|e| Error::internal(e.to_string()))?;
        let mut fbb = FlatBufferBuilder::new();
        let dictionaries = fbb.create_vector(&dictionaries.iter().map(block).collect::<Vec<_>>());
        let batches = fbb.create_vector(&batches.iter().map(block).collect::<Vec<_>>());
        let schema = IpcSchemaEncoder::new()
            .with_dictionary_tracker(&mut DictionaryTracker::new(false))
            .schema_to_fb_offset(&mut fbb, arrow);
        let metadata = metadata_to_fb(&mut fbb, &[(INFO_KEY, json)].into());
        let mut builder = FooterBuilder::new(&mut fbb);
        builder.add_version(MetadataVersion::V5);
        builder.add_schema(schema);
        builder.add_dictionaries(dictionaries);
        builder.add_recordBatches(batches);
        builder.add_custom_metadata(metadata);
        let root = builder.finish();
        fbb.finish(root, None);
        let footer = fbb.finished_data();
        let length = i32::try_from(footer.len())
            .map_err(|_| Error::new(ErrorKind::Unsupported, "The file has more blocks than its footer can hold."))?;
        let footer = [footer, &length.to_le_bytes()].concat();
        let end = [&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], &seal(&footer)[..], &footer, END_MAGIC].concat();
        Ok((end, checksum(&footer)))
    }
}

/// The schema as the message that begins a file, framed.
pub(crate) fn encode_schema(arrow: &ArrowSchema) -> Vec<u8> {
    let mut fbb = FlatBufferBuilder::new();
    let schema = IpcSchemaEncoder::new()
        .with_dictionary_tracker(&mut DictionaryTracker::new(false))
        .schema_to_fb_offset(&mut fbb, arrow)
        .as_union_value();
    let mut message = MessageBuilder::new(&mut fbb);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema);
    let root = message.finish();
    fbb.finish(root, None);
    super::batch::frame(fbb.finished_data())
}

fn parse_info(json: &str, batches: usize, path: &Path) -> Result<FileInfo> {
    let damaged = || Error::corrupt(path, "its description of itself is damaged");
    let info: FileInfo = serde_json::from_str(json).map_err(|_| damaged())?;
    if info.version > FORMAT_VERSION {
        let message = format!("'{}' was written by a newer version of rxscale.", path.display());
        return Err(Error::new(ErrorKind::Unsupported, message).file(path).hint("Update rxscale."));
    }
    let rows = || info.blocks.iter().flatten();
    let total = rows().try_fold(0u64, |sum, &n| sum.checked_add(n));
    if rows().count() != batches || rows().any(|&n| n > super::MAX_BATCH_ROWS as u64) || total.is_none() {
        return Err(damaged());
    }
    Ok(info)
}

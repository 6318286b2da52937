//! One XDF file that grows.

use super::EncodedPiece;
use super::turns::TurnsFile;
use crate::convert::schema_to_arrow;
use crate::error::Result;
use crate::schema::{Kind, Schema};
use crate::sink::AtomicFile;
use crate::xdf::{self, Compression, FileInfo, Footer, InPlace, Message, Place};

/// A file to which record batches are written.
pub(super) struct FileWriter {
    target: Target,
    batches: Vec<Place>,
    /// What the file says of itself.
    pub(super) info: FileInfo,
}

pub(super) enum Target {
    /// A new file.
    New(AtomicFile),
    /// A file that there is.
    Old(InPlace),
    /// One of many new files.
    Turns(TurnsFile),
}

impl FileWriter {
    /// Starts a file of these columns.
    pub(super) fn new(file: AtomicFile, schema: &Schema, info: FileInfo) -> Result<Self> {
        FileWriter::start(Target::New(file), schema, info)
    }

    /// The same for any place to write to.
    pub(super) fn start(mut target: Target, schema: &Schema, info: FileInfo) -> Result<Self> {
        target.append(xdf::MAGIC)?;
        target.append(&xdf::encode_schema(&schema_to_arrow(schema)))?;
        Ok(FileWriter { target, batches: Vec::new(), info })
    }

    /// Goes on with a file that has these batches already.
    pub(super) fn append(file: InPlace, batches: Vec<Place>, info: FileInfo) -> Self {
        FileWriter { target: Target::Old(file), batches, info }
    }

    /// Writes a record batch.
    pub(super) fn write(&mut self, piece: &EncodedPiece) -> Result<()> {
        self.batches.push(self.target.message(&piece.message)?);
        match self.info.blocks.last_mut() {
            Some(block) if !piece.starts_block => block.push(piece.message.rows),
            _ => self.info.blocks.push(vec![piece.message.rows]),
        }
        Ok(())
    }

    /// Writes dictionaries and the footer, and makes the file last. Returns the footer's checksum.
    pub(super) fn finish(mut self, schema: &Schema, levels: Vec<Vec<String>>, compression: Compression) -> Result<u64> {
        let mut dictionaries = Vec::new();
        for (field, levels) in schema.fields.iter().zip(levels) {
            if let Kind::Factor { .. } = field.kind {
                let dictionary = xdf::encode_dictionary(dictionaries.len() as i64, &levels, compression)?;
                dictionaries.push(self.target.message(&dictionary)?);
            }
        }
        let (end, seal) = Footer::encode(&schema_to_arrow(schema), &self.batches, &dictionaries, &self.info)?;
        self.target.append(&end)?;
        match self.target {
            Target::New(file) => {
                let path = file.target().to_path_buf();
                file.commit()?;
                xdf::discard_journal(&path);
            }
            Target::Old(file) => file.commit()?,
            Target::Turns(file) => file.commit()?,
        }
        Ok(seal)
    }
}

impl Target {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Target::New(file) => file.append(bytes),
            Target::Old(file) => file.append(bytes),
            Target::Turns(file) => file.append(bytes),
        }
    }

    fn message(&mut self, message: &Message) -> Result<Place> {
        match self {
            Target::New(file) => message.write_to(file.position(), |bytes| file.append(bytes)),
            Target::Old(file) => file.message(message),
            Target::Turns(file) => {
                let place = message.write_to(file.position(), |bytes| file.append(bytes))?;
                file.flush()?;
                Ok(place)
            }
        }
    }
}

//! Compressed buffers, and memory that is used again.
//!
//! Arrow's compressed buffer is its length (8 bytes, little endian; -1: stored as it is) and an LZ4 or Zstandard frame.
//! Frames written here have no checksum of their own, since every stored buffer has one ([`crate::checksum`]).

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::ipc::CompressionType;
use lz4_flex::block::{compress_into, get_maximum_output_size};
use lz4_flex::frame::FrameDecoder;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::sync::{Arc, Mutex, Weak};

/// How the values of a file are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4: quick, and about half the size.
    #[default]
    Lz4,
    /// Zstandard: smaller, and slower to write.
    Zstd,
}

impl Compression {
    /// Arrow's name for it.
    pub(super) fn codec(self) -> Option<CompressionType> {
        match self {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        }
    }
}

/// The name of a codec in information on files.
pub(super) fn name_of(codec: CompressionType) -> &'static str {
    if codec == CompressionType::ZSTD { "zstd" } else { "lz4" }
}

/// Bytes before the frame: the length of the content.
const PREFIX: usize = 8;
/// The length that stands for content stored as it is.
const STORED: i64 = -1;
/// What LZ4 and Zstandard can compress to one byte at most. A damaged length beyond that is not believed.
const MAX_RATIO_LZ4: u64 = 255;
const MAX_RATIO_ZSTD: u64 = 1 << 16;

/// Longer content (in files of others only) is not believed before it is there.
const MAX_AT_ONCE: u64 = 1 << 26;

/// Appends a buffer to a message's body.
pub(crate) fn compress(compression: Compression, input: &[u8], output: &mut Vec<u8>) -> Result<(), String> {
    if compression == Compression::None || input.is_empty() {
        output.extend_from_slice(input);
        return Ok(());
    }
    let start = output.len();
    output.extend_from_slice(&(input.len() as i64).to_le_bytes());
    let is_worth_it = if compression == Compression::Lz4 {
        lz4_frame(input, output)?
    } else {
        let mut compressor = zstd::bulk::Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL).map_err(|e| e.to_string())?;
        output.extend_from_slice(&compressor.compress(input).map_err(|e| e.to_string())?);
        true
    };
    if !is_worth_it || output.len() - start >= PREFIX + input.len() {
        output.truncate(start);
        output.extend_from_slice(&STORED.to_le_bytes());
        output.extend_from_slice(input);
    }
    Ok(())
}

/// The head of a frame of independent blocks of up to 256 KiB without checksums: magic number, flags, size, hash of these
/// two.
const LZ4_HEAD: [u8; 7] = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x50, 0xFB];
const LZ4_BLOCK: usize = 256 << 10;
/// The bit, in a block's length, that says that it is stored as it is.
const LZ4_PLAIN: u32 = 1 << 31;
/// The block that tells whether the others are worth the time. lz4_flex finds far less in smaller ones.
const SAMPLE: usize = 64 << 10;

/// Appends an LZ4 frame. False: its first block shrinks by less than 30 %, and to read that takes as long as is saved.
fn lz4_frame(input: &[u8], output: &mut Vec<u8>) -> Result<bool, String> {
    output.extend_from_slice(&LZ4_HEAD);
    let first = if input.len() < 3 * SAMPLE { input.len() } else { SAMPLE };
    let (sample, rest) = input.split_at(first);
    if lz4_block(sample, output)? > sample.len() / 10 * 7 {
        return Ok(false);
    }
    // As even as can be: no block is small.
    let length = rest.len().div_ceil(rest.len().div_ceil(LZ4_BLOCK).max(1)).max(1);
    for content in rest.chunks(length) {
        let start = output.len();
        if lz4_block(content, output)? >= content.len() {
            output.truncate(start);
            output.extend_from_slice(&(content.len() as u32 | LZ4_PLAIN).to_le_bytes());
            output.extend_from_slice(content);
        }
    }
    output.extend_from_slice(&[0; 4]);
    Ok(true)
}

/// Appends a block and its length, which is the result.
fn lz4_block(content: &[u8], output: &mut Vec<u8>) -> Result<usize, String> {
    let at = output.len();
    output.resize(at + 4 + get_maximum_output_size(content.len()), 0);
    let length = compress_into(content, &mut output[at + 4..]).map_err(|e| e.to_string())?;
    output[at..at + 4].copy_from_slice(&(length as u32).to_le_bytes());
    output.truncate(at + 4 + length);
    Ok(length)
}

/// The content of a compressed buffer, in memory from the pool.
pub(crate) fn decompress(codec: CompressionType, input: &Buffer, pool: &Arc<Pool>) -> Result<Buffer, String> {
    let Some((prefix, frame)) = input.split_first_chunk::<PREFIX>() else {
        return Err("a compressed buffer is too short".to_string());
    };
    let length = match i64::from_le_bytes(*prefix) {
        STORED => return Ok(input.slice(PREFIX)),
        length => u64::try_from(length).map_err(|_| "a buffer has a negative length".to_string())?,
    };
    let max_ratio = if codec == CompressionType::LZ4_FRAME { MAX_RATIO_LZ4 } else { MAX_RATIO_ZSTD };
    if length > frame.len() as u64 * max_ratio {
        return Err("a buffer claims an impossible length".to_string());
    }
    if length > MAX_AT_ONCE {
        return grow(codec, frame, length);
    }
    let mut output = pool.take(length as usize);
    let complete = match codec {
        CompressionType::LZ4_FRAME => {
            let mut decoder = FrameDecoder::new(frame);
            decoder.read_exact(output.bytes_mut()).map_err(|e| e.to_string())?;
            // Reading on to the end is what verifies the checksum, where there is one.
            decoder.read(&mut [0]).map_err(|e| e.to_string())? == 0
        }
        CompressionType::ZSTD => {
            // A frame that says its length must say the same one: that is cheaper than to find out.
            let says = zstd::zstd_safe::get_frame_content_size(frame).map_err(|e| e.to_string())?;
            if says.is_some_and(|says| says != length) {
                return Err("a buffer's lengths contradict each other".to_string());
            }
            let n = zstd::bulk::decompress_to_buffer(frame, output.bytes_mut()).map_err(|e| e.to_string())?;
            n as u64 == length
        }
        other => return Err(format!("its compression {other:?} is unknown")),
    };
    if complete { Ok(output.into()) } else { Err("a buffer has another length than it claims".to_string()) }
}

/// The content of a frame that claims to be long: memory is taken as it comes, so that a damaged length takes none.
fn grow(codec: CompressionType, frame: &[u8], length: u64) -> Result<Buffer, String> {
    let mut content = Vec::new();
    let read = match codec {
        CompressionType::LZ4_FRAME => FrameDecoder::new(frame).take(length + 1).read_to_end(&mut content),
        CompressionType::ZSTD => zstd::stream::read::Decoder::new(frame)
            .and_then(|decoder| decoder.take(length + 1).read_to_end(&mut content)),
        other => return Err(format!("its compression {other:?} is unknown")),
    };
    match read.map_err(|e| e.to_string())? as u64 == length {
        true => Ok(content.into()),
        false => Err("a buffer has another length than it claims".to_string()),
    }
}

/// Buffers that were used and can be used again: fresh pages from the system cost more than decoding into them.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<MutableBuffer>>);

/// The pool keeps no more buffers than this, and none larger.
const POOLED_BUFFERS: usize = 256;
const POOLED_BYTES: usize = 1 << 22;

impl Pool {
    /// A buffer of `length` bytes whose content is arbitrary.
    pub(crate) fn take(self: &Arc<Self>, length: usize) -> Pooled {
        let reused = self.0.lock().ok().and_then(|mut free| {
            let fitting = free.iter().rposition(|b| b.len() >= length && b.len() / 4 <= length)?;
            Some(free.swap_remove(fitting))
        });
        let buffer = reused.unwrap_or_else(|| MutableBuffer::from_len_zeroed(length));
        Pooled { buffer, length, pool: Arc::downgrade(self) }
    }
}

/// A buffer that goes back to its pool when nobody holds it any more.
pub(crate) struct Pooled {
    buffer: MutableBuffer,
    length: usize,
    pool: Weak<Pool>,
}

impl Pooled {
    /// The bytes to fill.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer.as_slice_mut()[..self.length]
    }
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.as_slice()[..self.length]
    }
}

impl From<Pooled> for Buffer {
    fn from(pooled: Pooled) -> Buffer {
        Buffer::from(bytes::Bytes::from_owner(pooled))
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.buffer.len() <= POOLED_BYTES
            && let Some(pool) = self.pool.upgrade()
            && let Ok(mut free) = pool.0.lock()
            && free.len() < POOLED_BUFFERS
        {
            free.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn both_codecs_return_what_they_were_given() {
        let pool = Arc::new(Pool::default());
        let long: Vec<u8> = (0..300_000u32).map(|i| (i / 7) as u8).collect();
        let noise: Vec<u8> = (0..500u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for input in [&long, &noise] {
            for compression in [Compression::Lz4, Compression::Zstd] {
                let mut output = vec![1, 2, 3];
                compress(compression, input, &mut output).unwrap();
                let frame = Buffer::from(&output[3..]);
                assert_eq!(decompress(compression.codec().unwrap(), &frame, &pool).unwrap().as_slice(), &input[..]);
                if frame[..PREFIX] != STORED.to_le_bytes() {
                    assert!(decompress(compression.codec().unwrap(), &frame.slice_with_length(0, 20), &pool).is_err());
                }
            }
        }
    }

    #[test]
    fn long_content_is_read_and_a_damaged_length_takes_no_memory() {
        let pool = Arc::new(Pool::default());
        let long = vec![7; MAX_AT_ONCE as usize + 5];
        for compression in [Compression::Lz4, Compression::Zstd] {
            let codec = compression.codec().unwrap();
            let mut frame = Vec::new();
            compress(compression, &long, &mut frame).unwrap();
            assert!(decompress(codec, &Buffer::from(&frame[..]), &pool).unwrap().as_slice() == long);
            // As much as the ratio allows.
            let claimed = (frame.len() - PREFIX) as u64
                * if compression == Compression::Lz4 { MAX_RATIO_LZ4 } else { MAX_RATIO_ZSTD };
            frame[..PREFIX].copy_from_slice(&claimed.to_le_bytes());
            assert!(decompress(codec, &Buffer::from(frame), &pool).is_err());
        }
    }

    #[test]
    fn buffers_are_used_again() {
        let pool = Arc::new(Pool::default());
        let first = pool.take(1000).as_ref().as_ptr();
        assert_eq!(pool.take(900).as_ref().as_ptr(), first);
        let held = Buffer::from(pool.take(1000));
        assert_ne!(pool.take(1000).as_ref().as_ptr(), held.as_ptr());
    }
}

//! Bytes that R's `memCompress()` made, whose own inverse asks for ever more memory where some are missing.

use crate::{Error, ErrorKind, Result};
use flate2::{Decompress, FlushDecompress, Status};

/// Decompresses a zlib stream, whose checksum is verified.
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let damaged = || Error::new(ErrorKind::CorruptFile, "The bytes are damaged or cut off.");
    let mut inflater = Decompress::new(true);
    let mut plain = Vec::with_capacity(4 * bytes.len() + 64);
    loop {
        let rest = &bytes[(inflater.total_in() as usize).min(bytes.len())..];
        match inflater.decompress_vec(rest, &mut plain, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return Ok(plain),
            // With room left it waits for bytes that there are none of.
            Ok(_) if plain.len() == plain.capacity() => plain.reserve(plain.capacity()),
            _ => return Err(damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let plain: Vec<u8> = (0..100_000u64).map(|i| (i * i / 1000) as u8).collect();
        for part in [&plain[..0], &plain[..1], &plain, &[7; 100_000]] {
            assert_eq!(inflate(&deflated(part)).unwrap(), part);
        }
    }

    #[test]
    fn no_flipped_bit_or_missing_byte_gives_other_bytes() {
        let plain = b"some bytes, and some more of the same bytes";
        let bytes = deflated(plain);
        for at in 0..bytes.len() {
            assert!(inflate(&bytes[..at]).is_err(), "{at}");
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                // The last byte before the checksum may have bits that say nothing.
                if let Ok(found) = inflate(&flipped) {
                    assert_eq!(found, plain, "{at} {bit}");
                }
            }
        }
    }
}

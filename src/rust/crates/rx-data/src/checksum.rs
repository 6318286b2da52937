//! Checksums of what is stored, so that a flipped bit is an error and never a wrong number.
//!
//! A file's messages (XDF) or pages (Parquet) have checksums, and these stand in its footer or are themselves checked by
//! it. The footer has one in a **seal**: 16 bytes before the footer, where no reader of the format looks. So nothing that
//! rxscale reads of its own files is unchecked, and files without a seal (of others) are read as they are.

use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// Begins a seal.
const MARK: &[u8; 8] = b"rxsealed";
/// Bytes of a seal.
pub(crate) const SEAL: usize = 16;

/// The checksum of some bytes.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// The checksum of bytes that come in pieces.
#[derive(Default)]
pub(crate) struct Running(XxHash3_64);

impl Running {
    /// Takes in the next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all bytes so far; starts anew.
    pub(crate) fn take(&mut self) -> u64 {
        std::mem::take(self).0.finish()
    }
}

/// The seal of these bytes.
pub(crate) fn seal(bytes: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    let (mark, sum) = seal.split_at_mut(MARK.len());
    mark.copy_from_slice(MARK);
    sum.copy_from_slice(&checksum(bytes).to_le_bytes());
    seal
}

/// What a seal says of the bytes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// There is no seal.
    No,
    /// They are as they were written.
    Intact,
    /// They have changed.
    Broken,
}

/// Checks bytes against what stands before them.
pub(crate) fn check_seal(before: &[u8], bytes: &[u8]) -> Sealed {
    match before.strip_prefix(MARK) {
        None => Sealed::No,
        Some(sum) if sum == checksum(bytes).to_le_bytes() => Sealed::Intact,
        Some(_) => Sealed::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| ((i * i) >> 3) as u8).collect();
        for cut in [0, 1, 240, 241, 5000, 10_000] {
            let mut running = Running::default();
            running.write(&bytes[..cut]);
            running.write(&bytes[cut..]);
            assert_eq!((running.take(), running.take()), (checksum(&bytes), checksum(&[])));
        }
    }

    #[test]
    fn seals_tell_whether_bytes_changed() {
        let bytes = *b"a footer";
        let seal = seal(&bytes);
        assert_eq!(check_seal(&seal, &bytes), Sealed::Intact);
        assert_eq!(check_seal(&seal, b"a fooler"), Sealed::Broken);
        assert_eq!(check_seal(&bytes, &bytes), Sealed::No);
        for i in 0..SEAL {
            let mut bad = seal;
            bad[i] ^= 1;
            assert_ne!(check_seal(&bad, &bytes), Sealed::Intact);
        }
    }
}

//! Text in other encodings than UTF-8.

use crate::error::{Error, ErrorKind, Result};
use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8};
use std::io::{self, Read};

/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// Stands for bytes that mean nothing: no byte of UTF-8, so the value that has it is found in its row.
const WRONG: u8 = 0xFF;

/// The encoding of a name; None for UTF-8, which needs no decoding.
pub(super) fn encoding(name: &str) -> Result<Option<&'static Encoding>> {
    match Encoding::for_label_no_replacement(name.as_bytes()) {
        Some(encoding) if encoding == UTF_8 => Ok(None),
        Some(encoding) if encoding != REPLACEMENT => Ok(Some(encoding)),
        _ => {
            let message = format!("There is no encoding '{name}'.");
            let hint = "Pass inputEncoding = \"utf-8\", \"latin1\", \"gb18030\", \"utf-16\" or another standard name.";
            Err(Error::new(ErrorKind::Argument, message).hint(hint))
        }
    }
}

/// A reader of text in some encoding, in UTF-8.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    /// What was read, and how far it is decoded.
    raw: Vec<u8>,
    raw_at: usize,
    /// What was decoded, and how far it is handed out.
    text: Vec<u8>,
    text_at: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    /// Decodes what `inner` reads.
    pub fn new(inner: R, encoding: &'static Encoding) -> Self {
        Decoded {
            inner,
            decoder: encoding.new_decoder(),
            raw: Vec::new(),
            raw_at: 0,
            text: Vec::new(),
            text_at: 0,
            ended: false,
        }
    }

    /// Decodes some more into the empty `text`.
    fn decode(&mut self) -> io::Result<()> {
        if self.raw_at == self.raw.len() {
            self.raw.resize(CHUNK, 0);
            let n = self.inner.read(&mut self.raw)?;
            self.raw.truncate(n);
            self.raw_at = 0;
            self.ended = n == 0;
        }
        // Room for what the rest of the chunk may become.
        self.text.resize(3 * CHUNK + 16, 0);
        let raw = &self.raw[self.raw_at..];
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, self.ended);
        self.raw_at += read;
        self.text.truncate(written);
        self.text_at = 0;
        if matches!(result, DecoderResult::Malformed(..)) {
            self.text.push(WRONG);
            // The decoder may hold more.
            self.ended = false;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.decode()?;
        }
        let n = buffer.len().min(self.text.len() - self.text_at);
        buffer[..n].copy_from_slice(&self.text[self.text_at..self.text_at + n]);
        self.text_at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Hands out a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn decoded(bytes: &[u8], name: &str) -> Vec<u8> {
        let read = |step| {
            let mut text = Vec::new();
            Decoded::new(Slow(bytes, step), encoding(name).unwrap().unwrap()).read_to_end(&mut text).unwrap();
            text
        };
        let text = read(usize::MAX);
        assert!([1, 2, 3, 7].into_iter().all(|step| read(step) == text));
        text
    }

    #[test]
    fn names_are_known_or_refused() {
        assert!(encoding("UTF-8").unwrap().is_none() && encoding("utf8").unwrap().is_none());
        assert!(encoding("latin1").unwrap().is_some() && encoding("GB18030").unwrap().is_some());
        for name in ["", "klingon", "hz-gb-2312"] {
            assert_eq!(encoding(name).unwrap_err().kind, ErrorKind::Argument, "{name}");
        }
    }

    #[test]
    fn text_becomes_utf8_whatever_is_read_at_a_time() {
        assert_eq!(decoded(b"caf\xE9,1\n", "latin1"), "café,1\n".as_bytes());
        assert_eq!(decoded(b"\xD6\xD0\xCE\xC4,\x95\x32\x82\x36\n", "gb18030"), "中文,𠀀\n".as_bytes());
        assert_eq!(decoded(b"\xFF\xFEa\0,\0\xE9\0", "utf-16"), "a,é".as_bytes());
        assert_eq!(decoded(b"\xFE\xFF\0a\0\xE9", "utf-16"), "aé".as_bytes());
        let long = b"\xE9".repeat(1_000_000);
        assert_eq!(decoded(&long, "latin1"), "é".repeat(1_000_000).as_bytes());
    }

    #[test]
    fn what_means_nothing_is_marked_in_its_place() {
        assert_eq!(decoded(b"a\xFFb\n", "gb18030"), b"a\xFFb\n");
        assert_eq!(decoded(b"ab\n\x81", "gb18030"), b"ab\n\xFF");
    }
}

//! Memory for one range of a file, used again and again.

/// Room in front of a range for what its predecessor left.
const HEAD: usize = 64 << 10;

/// A range's bytes, and before them the beginning of its first record.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// Where the first record begins.
    from: usize,
    /// Where the range's own bytes begin and end.
    own: usize,
    end: usize,
}

impl Buffer {
    /// Room for ranges of so many bytes.
    pub fn new(range_bytes: usize) -> Self {
        let own = HEAD.min(range_bytes);
        // One more for the newline that the last line may lack.
        Buffer { bytes: vec![0; own + range_bytes + 1], from: own, own, end: own }
    }

    /// Reads a range: `read` fills what it is given from the front on and tells how much it was.
    pub fn fill<E>(&mut self, range_bytes: usize, read: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        self.from = self.own;
        self.end = self.own + read(&mut self.bytes[self.own..self.own + range_bytes])?;
        Ok(())
    }

    /// Ends the last line of a file, if nothing does.
    pub fn end_line(&mut self) {
        if self.end > self.own && self.bytes[self.end - 1] != b'\n' {
            self.bytes[self.end] = b'\n';
            self.end += 1;
        }
    }

    /// The range's own bytes.
    pub fn own(&self) -> &[u8] {
        &self.bytes[self.own..self.end]
    }

    /// Puts the beginning of the first record in front.
    pub fn prepend(&mut self, head: &[u8]) {
        if head.len() > self.own {
            let mut bytes = vec![0; head.len()];
            bytes.extend_from_slice(&self.bytes[self.own..]);
            self.end = head.len() + (self.end - self.own);
            self.own = head.len();
            self.bytes = bytes;
        }
        self.from = self.own - head.len();
        self.bytes[self.from..self.own].copy_from_slice(head);
    }

    /// Whether a very long record made it larger than it need be for others.
    pub fn has_grown(&self) -> bool {
        self.own > HEAD
    }

    /// From the beginning of the first record on.
    pub fn whole(&self) -> &[u8] {
        &self.bytes[self.from..self.end]
    }
}

//! What the outside may do with a running job: stop it, and ask how far it is.

use rx_data::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Shared by a job and whoever waits for it.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    rows: AtomicU64,
    /// Seed of the delays that shuffle the order in which blocks are done; for tests.
    shuffle: Option<u64>,
}

impl Control {
    /// A job that nobody has stopped.
    pub fn new() -> Self {
        Control::default()
    }

    /// The same, its blocks delayed at random: results must not depend on it.
    pub fn shuffled(seed: u64) -> Self {
        Control { shuffle: Some(seed), ..Control::default() }
    }

    /// Tells the job to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// An error if the job was told to stop.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::interrupted()) } else { Ok(()) }
    }

    /// Rows done so far, over all passes.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(crate) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Waits up to 2 ms, by seed and block.
    pub(crate) fn delay(&self, block: usize) {
        if let Some(seed) = self.shuffle {
            // SplitMix64's finalizer (Steele, Lea and Flood 2014).
            let mut z = seed.wrapping_add((block as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            std::thread::sleep(Duration::from_micros((z ^ (z >> 31)) % 2000));
        }
    }
}

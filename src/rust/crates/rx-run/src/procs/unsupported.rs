//! Where workers cannot be had: their pipes and signals are those of Unix.

use super::{Client, Plan};
use crate::Control;
use rx_data::{Error, ErrorKind, Result};

/// Refuses.
pub fn run(_: &Plan, _: &Control, _: &mut dyn Client) -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, "Worker processes are not supported on this system yet.")
        .hint("Use the compute context RxLocalSeq, or RxForeachDoPar with a backend of your own."))
}

/// There is nothing to end.
pub fn shutdown() {}

/// The worker's end of the pipes, of which there are none.
pub mod worker {
    use super::super::FrameKind;
    use std::io;

    /// There is none.
    pub enum Port {}

    /// There is none.
    pub enum Incoming {}

    impl Port {
        /// Refuses.
        pub fn open() -> io::Result<Port> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }
        /// Never called.
        pub fn receive(&mut self) -> io::Result<Option<Incoming>> {
            match *self {}
        }
        /// Never called.
        pub fn claim(&mut self) -> Option<usize> {
            match *self {}
        }
        /// Never called.
        pub fn results(&mut self, _: usize, _: usize, _: &[u8]) -> io::Result<bool> {
            match *self {}
        }
    }

    impl Incoming {
        /// Never called.
        pub fn header(&self) -> (FrameKind, usize, usize, usize) {
            match *self {}
        }
        /// Never called.
        pub fn read(self, _: &mut [u8]) -> io::Result<()> {
            match self {}
        }
    }
}

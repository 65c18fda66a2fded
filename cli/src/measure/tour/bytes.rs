//! A carrier of bytes without borders: a message is as many as its receiver expects.

use std::io::{Read, Write};

use crate::failure::Failure;
use crate::measure::carrier::Carrier;

/// Where bytes come from, and where they go.
pub struct Bytes<R, W> {
    /// What the other side writes.
    pub from: R,
    /// What the other side reads.
    pub into: W,
}

impl<R: Read, W: Write> Carrier for Bytes<R, W> {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.into.write_all(payload)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.from.read_exact(buffer)?;
        Ok(buffer.len())
    }
}

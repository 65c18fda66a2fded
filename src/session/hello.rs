//! The first message of each side: what it accepts.

use crate::ring::Corrupt;

/// What a side accepts, in its first message. Little-endian.
///
/// | bytes | meaning |
/// |---|---|
/// | 0 to 3 | version: 1 |
/// | 4 to 7 | how many calls may be in flight to this side |
/// | 8 to 11 | how many messages may be under way to this side in fragments at the same time |
/// | 12 to 15 | reserved, 0 |
/// | 16 to 23 | the largest message in bytes, at most 2^32 - 1 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Calls in flight.
    pub calls: u32,
    /// Messages in fragments.
    pub open: u32,
    /// Bytes in a message.
    pub largest: u64,
}

/// The length of the message, in bytes.
pub const LENGTH: usize = 24;

/// The version that is spoken here.
const VERSION: u32 = 1;

/// The most calls that may be in flight.
pub const MOST_CALLS: u32 = 1 << 12;

/// The most messages that may be under way in fragments.
pub const MOST_OPEN: u32 = 64;

/// The largest message that can be agreed on, in bytes.
pub const LARGEST: u64 = u32::MAX as u64;

impl Hello {
    /// The message.
    #[must_use]
    pub fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&VERSION.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.calls.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.open.to_le_bytes());
        bytes[16..].copy_from_slice(&self.largest.to_le_bytes());
        bytes
    }

    /// Reads what a peer wrote.
    ///
    /// # Errors
    ///
    /// If no honest peer of this version would have written it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Corrupt> {
        let length = Corrupt::check("the length of a hello", bytes.len() as u64, LENGTH as u64, LENGTH as u64);
        length?;
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let long = u64::from_le_bytes(std::array::from_fn(|byte| bytes[16 + byte]));
        let version = u64::from(VERSION);
        Corrupt::check("the version of a session", short(0).into(), version, version)?;
        let calls = Corrupt::check("the calls in flight of a hello", short(4).into(), 1, MOST_CALLS.into())?;
        let open = Corrupt::check("the open messages of a hello", short(8).into(), 1, MOST_OPEN.into())?;
        Corrupt::check("the reserved word of a hello", short(12).into(), 0, 0)?;
        let largest = Corrupt::check("the largest message of a hello", long, 1, LARGEST)?;
        Ok(Self { calls: calls as u32, open: open as u32, largest })
    }
}

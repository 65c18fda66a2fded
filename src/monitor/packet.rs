//! What is said over a monitor's socket: one packet with the ledger's descriptor, and then a byte each way.

use crate::ledger::layout::MAGIC;
use crate::ring::Corrupt;

/// The packet that comes with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handed {
    /// How large the ledger is.
    pub(super) bytes: u64,
}

/// The largest ledger that is mapped: of the most entries, and a header.
const LARGEST: u64 = crate::ledger::layout::entry(crate::ledger::layout::MOST_ENTRIES) as u64 * 8;

impl Handed {
    pub(super) const LENGTH: usize = 16;

    pub(super) fn encode(self) -> [u8; Self::LENGTH] {
        let mut packet = [0; Self::LENGTH];
        packet[..8].copy_from_slice(&MAGIC.to_le_bytes());
        packet[8..].copy_from_slice(&self.bytes.to_le_bytes());
        packet
    }

    /// Takes a packet apart.
    ///
    /// # Errors
    ///
    /// The first number that no monitor of this version sends.
    pub(super) fn parse(packet: &[u8]) -> Result<Self, Corrupt> {
        let length = Self::LENGTH as u64;
        Corrupt::check("the length of a monitor's packet", packet.len() as u64, length, length)?;
        let word = |at: usize| packet[at..at + 8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        Corrupt::check("the magic of a monitor's packet", word(0), MAGIC, MAGIC)?;
        let bytes = Corrupt::check("the size of a ledger", word(8), 2 * 4096, LARGEST)?;
        Ok(Self { bytes })
    }
}

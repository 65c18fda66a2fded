//! The header word of a frame: what it says and which values it may have.

use super::Corrupt;
use crate::memory::WORD;

/// What a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A payload of this many bytes follows.
    Data(usize),
    /// The frame that would stand here stands at offset 0.
    Skip,
    /// The producer has left in order: nothing follows.
    Fin,
}

/// The first word of a frame; 0 until it is committed.
///
/// | bits | meaning |
/// |---|---|
/// | 0 to 31 | length of the payload in bytes; 0 for SKIP and FIN |
/// | 32 to 39 | kind: 1 data, 2 SKIP, 3 FIN |
/// | 40 to 63 | reserved, 0 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(u64);

const DATA: u64 = 1;
const SKIP: u64 = 2;
const FIN: u64 = 3;
const KIND_SHIFT: u32 = 32;

impl Header {
    /// What stands where no frame has been committed.
    pub(crate) const NONE: u64 = 0;
    pub(crate) const SKIP: Self = Self(SKIP << KIND_SHIFT);
    pub(crate) const FIN: Self = Self(FIN << KIND_SHIFT);

    /// The largest length that the header can state.
    pub const LARGEST_LENGTH: usize = u32::MAX as usize;

    /// The header of a payload of `length` bytes, at most [`Header::LARGEST_LENGTH`].
    #[must_use]
    #[inline]
    pub fn data(length: usize) -> Self {
        debug_assert!(length <= Self::LARGEST_LENGTH);
        Self(DATA << KIND_SHIFT | length as u64)
    }

    /// The word as it stands in memory.
    #[must_use]
    #[inline]
    pub fn word(self) -> u64 {
        self.0
    }

    /// Reads a word that is not 0, and that a peer wrote.
    ///
    /// # Errors
    ///
    /// If no honest peer would have written it: a kind that does not exist, a bit that is reserved, a length over
    /// `largest` or where there must be none.
    #[inline]
    pub fn parse(word: u64, largest: usize) -> Result<Kind, Corrupt> {
        let length = word & u64::from(u32::MAX);
        // One comparison for the kind and the reserved bits, one for the length.
        if word >> KIND_SHIFT == DATA && length <= largest as u64 {
            return Ok(Kind::Data(length as usize));
        }
        Self::parse_rare(word, length, largest)
    }

    #[cold]
    fn parse_rare(word: u64, length: u64, largest: usize) -> Result<Kind, Corrupt> {
        let kind = Corrupt::check("the kind of a frame", word >> KIND_SHIFT, DATA, FIN)?;
        let allowed = if kind == DATA { largest as u64 } else { 0 };
        let length = Corrupt::check("the length of a frame", length, 0, allowed)?;
        Ok(match kind {
            SKIP => Kind::Skip,
            FIN => Kind::Fin,
            _ => Kind::Data(length as usize),
        })
    }
}

/// How many words a frame with a payload of `length` bytes takes, its header included.
#[inline(always)]
pub(super) fn words(length: usize) -> u64 {
    debug_assert!(length <= Header::LARGEST_LENGTH);
    ((length + 2 * WORD - 1) / WORD) as u64
}

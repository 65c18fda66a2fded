//! The ring: framed records from one producer to one consumer through memory that only the producer writes.
//!
//! Generic over [`Memory`](crate::memory::Memory), so that the models, the fuzzers and the library run the same source.
//!
//! # Layout
//!
//! A frame is a header word ([`Header`]), then the payload, padded to whole words. Frames are dense and contiguous: one
//! that does not fit before the end of the ring starts at offset 0, and a SKIP word stands where it would have stood.
//! The header is the commit: while it is 0, there is no frame. So a small message is one cache line, one miss, and the
//! producer's position is in nobody's memory but its own. The only position that is shared is the consumer's head,
//! which says what may be overwritten; it is published lazily.
//!
//! # Rules
//!
//! 1. The producer claims the skip (if any), the frame and *one word more*, all of them free. Without that word, rule 2
//!    would destroy the oldest frame that is not yet released.
//! 2. Before the commit, the word at the frame's end, where the next header will stand, is 0.
//! 3. After the commit, off the critical path, the first word of the line after that one is zeroed, if it is free, and
//!    remembered, so that rule 2 almost never has to touch a new line before a commit.
//! 4. At the end of the ring, the payload and the header at offset 0 are written first, then SKIP is committed: one
//!    commit for both.
//! 5. The consumer publishes its head when it finds the ring empty, or has withheld `lazy` words. The largest frame is
//!    `(capacity - (lazy - 1)) / 2` words: one that an empty ring takes at every offset, whatever is withheld.
//!
//! # Orderings
//!
//! | edge | from | to | why |
//! |---|---|---|---|
//! | commit | the release store of a header, by the producer | the acquire load of it, by the consumer | the payload, the zero at the frame's end and, behind a SKIP, the header at offset 0 are seen by who sees the commit |
//! | release | the release store of the head, by the consumer | the acquire load of it, by the producer | the consumer's reads of a frame are over before the producer overwrites it |
//!
//! Everything else is relaxed: words of payload, zeros, and positions that are private to one side. The doorbell's
//! edges are in [`crate::wait`].

mod consumer;
mod frame;
mod producer;

pub use consumer::{Consumer, Frame, PeekError, Span};
pub use frame::{Header, Kind};
pub use producer::{Claim, Producer, Reservation, ReserveError};

use core::fmt;

use crate::memory::WORD;

/// Words in a cache line.
const LINE: u64 = 8;

/// Where a ring lies and how it is used: the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    ring: usize,
    head: usize,
    capacity: u64,
    lazy: u64,
}

impl Geometry {
    /// A ring of `capacity` words, from word `ring` of the producer's memory, whose head is word `head` of the
    /// consumer's memory and lags behind by fewer than `lazy` words.
    ///
    /// # Panics
    ///
    /// Unless the capacity is a power of two of at least 8, and `lazy` between 1 and half of it.
    #[must_use]
    pub fn new(ring: usize, head: usize, capacity: u64, lazy: u64) -> Self {
        assert!(capacity.is_power_of_two() && capacity >= LINE, "a capacity of {capacity} words");
        assert!((1..=capacity / 2).contains(&lazy), "{lazy} lazy words in a ring of {capacity}");
        Self { ring, head, capacity, lazy }
    }

    /// The size of the ring, in words.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The largest payload of one frame, in bytes.
    #[must_use]
    pub fn largest_payload(&self) -> usize {
        let words = (self.capacity - (self.lazy - 1)) / 2 - 1;
        usize::try_from(words).unwrap_or(usize::MAX).saturating_mul(WORD).min(Header::LARGEST_LENGTH)
    }

    /// The offset within the ring of a position, in words.
    #[inline]
    fn offset(self, position: u64) -> u64 {
        position & (self.capacity - 1)
    }

    /// The word that stands for a position.
    #[inline]
    fn word(self, position: u64) -> usize {
        self.ring + self.offset(position) as usize
    }

    /// How many words are left before the end of the ring.
    #[inline]
    fn to_end(self, position: u64) -> u64 {
        self.capacity - self.offset(position)
    }
}

/// Something in shared memory that an honest peer could not have written.
///
/// The handle that finds it is poisoned: every later use returns the same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// What was read.
    pub what: &'static str,
    /// What it was.
    pub seen: u64,
    /// The least that it may be.
    pub least: u64,
    /// The most that it may be.
    pub most: u64,
}

impl Corrupt {
    /// `seen` if it lies between `least` and `most`.
    pub(crate) fn check(what: &'static str, seen: u64, least: u64, most: u64) -> Result<u64, Self> {
        if (least..=most).contains(&seen) { Ok(seen) } else { Err(Self { what, seen, least, most }) }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer wrote {:#x} as {}, allowed are {:#x} to {:#x}", self.seen, self.what, self.least, self.most)
    }
}

impl std::error::Error for Corrupt {}

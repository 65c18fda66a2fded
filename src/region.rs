//! The map of the shared bytes: what stands where in a half, and what a peer's half may say.
//!
//! A region is two halves, one memfd each. A half is written by its owner alone; the other side maps it read-only.
//! `docs/PROTOCOL.md` is this file in prose; the constants here are the law. A word has one size and one meaning for ever.

use core::ops::Range;

use crate::channel::Words;
use crate::memory::{Mapped, Memory, Ordering, Own, WORD};
use crate::ring::{Corrupt, Geometry};

/// The version of the layout and of the protocol that is spoken here.
pub const VERSION: u16 = 1;

/// The first word of every half and of every message of the handshake: `twinring` in ASCII.
pub const MAGIC: u64 = u64::from_le_bytes(*b"twinring");

/// A word that reads differently on a machine of the other byte order.
const ORDER_MARK: u64 = 0x0102_0304;

/// Where the ring starts, in bytes: on a page of its own, behind the words.
pub const RING_OFFSET: usize = 4096;

/// The smallest ring of a region, in bytes.
pub const SMALLEST_RING: u64 = 4096;

/// The largest ring of a region, in bytes.
pub const LARGEST_RING: u64 = 256 * 1024 * 1024;

/// A half may be longer than its ring ends, by less than a huge page.
const MOST_PADDING: u64 = crate::os::memfd::HUGE_PAGE as u64;

/// What part of the ring a consumer may withhold from the producer.
const LAZY_PART: u64 = 8;

/// Words that are written while the pair runs, each on a pair of cache lines of its own: processors prefetch lines by
/// pairs.
const LINE_PAIR: usize = 128 / WORD;

const HEADER: Range<usize> = 0..8;

/// The owner's head of the ring that it reads.
const HEAD: usize = LINE_PAIR;
const DATA_ANNOUNCED: usize = 2 * LINE_PAIR;
const ROOM_ANNOUNCED: usize = 3 * LINE_PAIR;
const DATA_RUNG: usize = 4 * LINE_PAIR;
const ROOM_RUNG: usize = 5 * LINE_PAIR;

/// Where the words of the doorbells stand in their writers' halves.
pub(crate) const WORDS: Words = Words {
    data_announced: DATA_ANNOUNCED,
    data_rung: DATA_RUNG,
    room_announced: ROOM_ANNOUNCED,
    room_rung: ROOM_RUNG,
};

const _: () = {
    assert!(cfg!(target_pointer_width = "64"), "twinring maps rings that need 64-bit addresses");
    assert!(MAGIC == 0x676e_6972_6e69_7774);
    assert!(HEAD * WORD == 128);
    assert!(DATA_ANNOUNCED * WORD == 256);
    assert!(ROOM_ANNOUNCED * WORD == 384);
    assert!(DATA_RUNG * WORD == 512);
    assert!(ROOM_RUNG * WORD == 640);
    assert!((ROOM_RUNG + LINE_PAIR) * WORD <= RING_OFFSET);
};

/// The shape of a half: what the handshake announces and the half's header repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    /// The size of the memfd, in bytes.
    pub bytes: u64,
    /// The size of its ring, in bytes.
    pub ring: u64,
}

impl Half {
    /// The shape of a half with a ring of at least `ring` bytes, in pages of `page` bytes. The ring is rounded up to a
    /// power of two and brought into the limits.
    #[must_use]
    pub fn with_ring(ring: u64, page: u64) -> Self {
        let ring = ring.clamp(SMALLEST_RING, LARGEST_RING).next_power_of_two();
        Self { bytes: (RING_OFFSET as u64 + ring).next_multiple_of(page), ring }
    }

    /// Checks what a peer announced. `largest` is the largest ring that this side accepts.
    ///
    /// # Errors
    ///
    /// If the numbers are none that an honest peer would announce, or the ring is larger than accepted.
    pub fn check(self, largest: u64) -> Result<Self, Corrupt> {
        Corrupt::check("the size of a ring", self.ring, SMALLEST_RING, largest)?;
        if !self.ring.is_power_of_two() {
            let what = "the size of a ring, a power of two";
            return Err(Corrupt { what, seen: self.ring, least: SMALLEST_RING, most: largest });
        }
        let least = RING_OFFSET as u64 + self.ring;
        Corrupt::check("the size of a half", self.bytes, least, least + MOST_PADDING - 1)?;
        Ok(self)
    }

    /// The shape as it is announced where no memory is shared: only the ring has a size.
    #[must_use]
    pub fn carried(self) -> Self {
        Self { bytes: 0, ..self }
    }

    /// Checks what a peer announced that shares no memory; the shape of a half that this side makes for itself, with such a
    /// ring. `largest` is the largest ring that this side accepts.
    ///
    /// # Errors
    ///
    /// As [`Half::check`].
    pub fn check_carried(self, largest: u64) -> Result<Self, Corrupt> {
        Corrupt::check("the size of a half that is not shared", self.bytes, 0, 0)?;
        Self { bytes: RING_OFFSET as u64 + self.ring.min(LARGEST_RING), ..self }.check(largest)
    }

    /// Where the ring of such a half lies, and the head for it in the other half.
    #[must_use]
    pub fn geometry(self) -> Geometry {
        let capacity = self.ring / WORD as u64;
        Geometry::new(RING_OFFSET / WORD, HEAD, capacity, capacity / LAZY_PART)
    }

    fn header(self) -> [u64; 8] {
        let version = ORDER_MARK << 32 | u64::from(VERSION);
        [MAGIC, version, self.bytes, RING_OFFSET as u64, self.ring, self.ring / LAZY_PART, 0, 0]
    }

    /// Writes the header of this side's half.
    pub(crate) fn write_header(self, own: &Own<Mapped>) {
        for (word, value) in HEADER.zip(self.header()) {
            // Relaxed: the descriptor that lets the peer read it is sent afterwards, through the kernel.
            own.store(word, value, Ordering::Relaxed);
        }
    }

    /// Checks the header of a peer's half, read word by word by `load`, against what the handshake announced.
    ///
    /// # Errors
    ///
    /// If a word is not what it must be.
    pub fn check_header(self, load: impl Fn(usize) -> u64) -> Result<(), Corrupt> {
        const NAMES: [&str; 8] = [
            "the magic of a half",
            "the byte order and version of a half",
            "the size of a half",
            "the offset of a ring",
            "the size of a ring",
            "the laziness of a ring",
            "a reserved word of a half",
            "a reserved word of a half",
        ];
        for ((word, expected), name) in HEADER.zip(self.header()).zip(NAMES) {
            Corrupt::check(name, load(word), expected, expected)?;
        }
        Ok(())
    }
}

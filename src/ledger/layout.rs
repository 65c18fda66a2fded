//! What stands where in a ledger. A word has one size and one meaning for ever.
//!
//! Words are of 8 bytes. A line is 16 of them, two cache lines, which processors fetch together: each is written by one thread
//! at a time.

use core::ops::Range;

use super::latency::BUCKETS;
use crate::memory::COUNTS;

/// The first word: `twinledg` in ASCII.
pub const MAGIC: u64 = u64::from_le_bytes(*b"twinledg");
/// The layout that is spoken here.
pub const VERSION: u64 = 1;
/// Words of a page: of the header, and of each entry.
pub const PAGE: usize = 512;
/// The most entries that a reader takes in.
pub const MOST_ENTRIES: usize = 16_384;

/// Header: the layout's version.
pub const HEADER_VERSION: usize = 1;
/// Header: how many entries follow.
pub const HEADER_ENTRIES: usize = 2;
/// Header: words of an entry.
pub const HEADER_PAGE: usize = 3;
/// Header: the process that owns it, by its own word.
pub const HEADER_PID: usize = 4;
/// Header: connections that found no entry free.
pub const HEADER_UNLISTED: usize = COUNTS;

/// Entry: the generation.
pub const GENERATION: usize = 0;
/// Entry: how this side came to be connected, see [`Side`](crate::Side).
pub const SIDE: usize = 1;
/// Entry: the peer's process, user and group; all ones if not known.
pub const PEER: Range<usize> = 2..5;
/// Entry: bytes of the ring that this side sends through, and of the peer's.
pub const RINGS: Range<usize> = 5..7;
/// Entry: 1 if a socket carries the messages.
pub const CARRIED: usize = 7;
/// Entry: bytes of the endpoint's name.
pub const NAME_LENGTH: usize = 8;
/// Entry: the endpoint's name.
pub const NAME: Range<usize> = COUNTS..2 * COUNTS;
/// Entry, written by who answers for the process when somebody asks: bytes in the ring that the peer had not released.
pub const OCCUPIED: usize = 2 * COUNTS;
/// Entry, the same: calls in flight, all ones if that is not known.
pub const IN_FLIGHT: usize = 2 * COUNTS + 1;
/// Entry: a line of the end that sends.
pub const SENDER: usize = 3 * COUNTS;
/// Entry: a line of the end that receives.
pub const RECEIVER: usize = 4 * COUNTS;
/// Entry: a line of what a session sends.
pub const SESSION_OUT: usize = 5 * COUNTS;
/// Entry: a line of what a session receives.
pub const SESSION_IN: usize = 6 * COUNTS;
/// Entry: what is built on the connection, a bit each.
pub const BUILT: usize = 7 * COUNTS;
/// [`BUILT`]: a session.
pub const BUILT_SESSION: u64 = 1;
/// [`BUILT`]: latencies of its calls.
pub const BUILT_LATENCY: u64 = 2;
/// Entry: how many calls took how long.
pub const LATENCY: Range<usize> = 8 * COUNTS..8 * COUNTS + BUCKETS;

/// The longest name of an endpoint that is shown whole, in bytes.
pub const LONGEST_NAME: usize = (NAME.end - NAME.start) * 8;

const _: () = assert!(LATENCY.end <= PAGE);

/// The first word of an entry.
#[must_use]
pub const fn entry(number: usize) -> usize {
    (number + 1) * PAGE
}

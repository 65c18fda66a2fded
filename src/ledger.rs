//! The ledger: what the connections of a process have counted, in a memory file of its own that others may read.
//!
//! A process that asked for it ([`Monitor::start`](crate::Monitor::start)) has one ledger. A connection that is made from then on
//! gets an *entry*, and keeps its counters there instead of on the heap: the same words, written as before, so nothing is
//! added to the way of a message. The file is sealed like a half of a region: only its owner writes it, it neither shrinks nor
//! grows. It holds counters and who the peers are; the rings, which hold messages, are other files.
//!
//! | at | holds |
//! |---|---|
//! | the first page | the [header](layout): magic, version, sizes, whose it is |
//! | a page for each entry | a [generation](guard), who the peer is, a line of counters for each writer, buckets of latencies |
//!
//! A reader takes all of it as a stranger's bytes: the header is checked, a number is a number whatever it is, and the
//! [generation](guard) tells whether the words that were read belong to one connection.

mod book;
pub mod guard;
pub mod latency;
pub mod layout;
mod reading;

pub(crate) use book::{Book, Entry, Identity, enter};
pub use reading::{Row, check_header, row};

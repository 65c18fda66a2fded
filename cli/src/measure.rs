//! Measuring, bottom-up: what is timed, who runs it, in which order, and what remains of it.
//!
//! A *round* measures the walking floor, one mechanism in one mode at every size, and the floor again. Rounds of
//! different mechanisms alternate, so a machine that changes meanwhile changes for all of them.
//!
//! | what | is timed | is not |
//! |---|---|---|
//! | round trip | a send, the other side's receive into a buffer of its own and its send of that buffer, and the receive into a buffer of this side's own | writing the pattern, comparing every byte of what came back, recording |
//! | call | one call that returns its reply in a buffer of this side's own: a request of that size, the other side's handler, which copies it to its reply, and that | the same |
//! | stream | from the first send to the receiver's confirmation of the last message: each payload copied in by the sender, copied out by the receiver, its number checked at both its ends | comparing every byte: a stretch of the same stream before the timed one does it |
//! | at a pace | from when a message was due until its answer was there; the answer says when the message came, which is one way | writing the pattern, and waiting for the time |
//! | load | from when a message was due until it was there; nobody answers | comparing every byte of the message before |
//!
//! The cost of reading the clock is measured and taken off each round trip, the floor's included.

pub mod calls;
pub mod carrier;
pub mod cells;
pub mod clock;
pub mod control;
pub mod copy;
pub mod counting;
pub mod floor;
pub mod keeper;
pub mod leader;
pub mod load;
pub mod ours;
pub mod pace;
pub mod paced;
pub mod passed;
pub mod pattern;
pub mod plan;
pub mod rivals;
pub mod rounds;
pub mod rtrb;
pub mod second;
pub mod semaphores;
pub mod streams;
pub mod summary;
pub mod threads;
pub mod tour;
pub mod trips;

//! Whose words these are: a generation that is odd while they are of one connection.
//!
//! | generation | the words behind it |
//! |---|---|
//! | even | are nobody's: being made, or left |
//! | odd | are of one connection, which counts in them |
//!
//! The owner makes it even, changes the words, and makes it odd again. A reader that finds the same odd number before and after
//! has read words of one connection: two edges, each an acquire and a release or a fence on both sides. Counters change all the
//! time under an odd generation, each a word with one writer: of them any value that was there will do.

use crate::memory::{Foreign, Memory, Ordering, Own};

/// Says that the words are nobody's: they may be changed after this.
pub fn withdraw<M: Memory>(own: &Own<M>, generation: usize) {
    let seen = own.load(generation, Ordering::Relaxed);
    own.store(generation, seen.wrapping_add(seen & 1), Ordering::Relaxed);
    // With the fence in `read`: whoever sees a change made after this sees the even generation, too.
    own.fence();
}

/// Says that the words are of a connection: what was changed before this is seen.
pub fn publish<M: Memory>(own: &Own<M>, generation: usize) {
    let seen = own.load(generation, Ordering::Relaxed);
    // Release, with the acquire in `read`: the words.
    own.store(generation, seen | 1, Ordering::Release);
}

/// Reads words of one connection, and which one it was; `None` if there is none, or they changed hands meanwhile.
pub fn read<M: Memory, T>(
    foreign: &Foreign<M>,
    generation: usize,
    take: impl FnOnce(&Foreign<M>) -> T,
) -> Option<(u64, T)> {
    // Acquire, with the release in `publish`: the words.
    let seen = foreign.load(generation, Ordering::Acquire);
    if seen % 2 == 0 {
        return None;
    }
    let taken = take(foreign);
    // With the fence in `withdraw`: if a word was taken that was changed after it, the next load sees that.
    foreign.raw().fence();
    (foreign.load(generation, Ordering::Relaxed) == seen).then_some((seen, taken))
}

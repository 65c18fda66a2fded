//! The words that two sides share, and everything that may be done to them.
//!
//! [`Memory`] is the one façade for atomics, fences, payload copies, sleeping and waking. Ring, doorbell and channel use
//! nothing else, so the source that the models explore and the fuzzers attack is the source that ships. Its kinds:
//!
//! | kind | is | for |
//! |---|---|---|
//! | [`Mapped`] | a mapping of a memfd, or a private page | the library |
//! | [`Heap`] | words of this process's heap | tests, and threads under a race detector |
//! | [`Hostile`] | a heap whose words may lie at every read | attacking the side that reads it |
//! | the loom kind | words that the model checker watches | the package `loom_tests` |
//!
//! A memory is reached through one of two views: [`Own`] (the half that this side writes) and [`Foreign`] (the half that
//! the other side writes), which cannot be written through. What the types say here, the page tables say too.

mod copy;
mod counts;
mod heap;
mod hostile;
mod mapped;
mod view;

pub use core::sync::atomic::Ordering;

pub use counts::{COUNTS, Count, Counts};
pub use heap::Heap;
pub use hostile::{Hostile, Read};
pub use mapped::{Bell, MapError, Mapped};
pub use view::{Foreign, Own};

use std::time::Duration;

use crate::os::clock::{Deadline, nap};

/// Bytes in a word.
pub const WORD: usize = 8;

/// Longer than any store stays unseen without a fence.
const BRIEF: Duration = Duration::from_millis(1);

/// Shared words, and everything that the lock-free code does with them.
///
/// An index names an 8-byte word, an offset a byte. Both are checked: a wrong one panics, it never reaches outside.
/// A clone is another handle to the same words.
pub trait Memory: Clone {
    /// How many words there are.
    fn words(&self) -> usize;

    /// Reads a word. `order` is `Relaxed` or `Acquire`.
    fn load(&self, word: usize, order: Ordering) -> u64;

    /// Writes a word. `order` is `Relaxed` or `Release`.
    fn store(&self, word: usize, value: u64, order: Ordering);

    /// Replaces `current` by `new`, with acquire and release; `false`, and nothing done, if the word holds something else.
    /// For private words, which threads of one process share: what two processes share has one writer.
    fn exchange(&self, word: usize, current: u64, new: u64) -> bool;

    /// Copies `from` to the bytes that start at `offset`, unordered. The rest of the last word may be zeroed.
    fn copy_in(&self, offset: usize, from: &[u8]);

    /// Copies the bytes that start at `offset` to `to`, unordered. What a peer writes meanwhile may be seen in part.
    fn copy_out(&self, offset: usize, to: &mut [u8]);

    /// A sequentially consistent fence.
    fn fence(&self);

    /// The cheap half of an asymmetric pair: a full fence once the other side has made its [`Memory::heavy_fence`].
    fn light_fence(&self);

    /// The dear half of an asymmetric pair. `false` if the system refused it: then it was a full fence of this side
    /// only.
    fn heavy_fence(&self) -> bool;

    /// Waits for `moment`, by which whatever other processors had in flight at the time of [`Memory::soon`] has landed: what is
    /// left where [`Memory::heavy_fence`] was refused.
    fn settle(&self, moment: Deadline) {
        while !moment.passed() {
            nap(moment.remaining().unwrap_or(BRIEF));
        }
        self.fence();
    }

    /// The earlier of `deadline` and a moment by which whatever other processors have in flight has landed: far longer from now
    /// than any store stays unseen.
    fn soon(&self, deadline: Deadline) -> Deadline {
        deadline.min(Deadline::after(BRIEF))
    }

    /// Sleeps while `word` here and `private.1` in `private.0` have the expected values in their low 32 bits, until one
    /// of them is woken or the deadline passes. May return early.
    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline);

    /// Wakes whoever sleeps on `word`.
    fn wake(&self, word: usize);

    /// Asks for the cache line at `offset` to write to it soon. Does nothing that can be observed.
    #[inline]
    fn prefetch_write(&self, offset: usize) {
        let _ = offset;
    }

    /// Asks for the cache line at `offset` to read it soon. Does nothing that can be observed.
    #[inline]
    fn prefetch_read(&self, offset: usize) {
        let _ = offset;
    }

    /// Lets this side's stores land before its next loads compete with them. Only for speed: it orders nothing.
    #[inline]
    fn drain(&self) {}

    /// Says that this thread is spinning.
    #[inline]
    fn pause(&self) {
        core::hint::spin_loop();
    }
}

//! The bare futex ping-pong: what a round trip costs when both sides sleep at every message, whoever implements it.
//!
//! A word each way, on a line of its own: store, wake, and sleep until the other word has changed. Nothing else.

use std::os::fd::BorrowedFd;

use hdrhistogram::Histogram;
use twinring::Deadline;
use twinring::memory::{Mapped, Memory, Ordering, Own};

use super::clock::{Budget, Clock, record};
use super::pattern::STOP;
use crate::failure::Failure;

/// What the two words need, each a page away from the other.
pub const BYTES: usize = 8_192;

/// The word that the asking side writes.
const ASKED: usize = 0;

/// The word that the answering side writes.
const ANSWERED: usize = 512;

/// The words, mapped for writing by both sides.
pub struct Words {
    shared: Own<Mapped>,
    /// The library sleeps on a word of this process beside the shared one; this one never changes.
    private: Own<Mapped>,
}

impl Words {
    /// Maps the words.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn new(shared: BorrowedFd<'_>) -> Result<Self, Failure> {
        Ok(Self { shared: Mapped::writable(shared, BYTES)?, private: Mapped::private(BYTES)? })
    }

    #[inline]
    fn put(&self, word: usize, value: u64) {
        self.shared.store(word, value, Ordering::Release);
        self.shared.wake(word);
    }

    /// Sleeps until the word is no longer `before`.
    #[inline]
    fn changed(&self, word: usize, before: u64) -> u64 {
        loop {
            let seen = self.shared.load(word, Ordering::Acquire);
            if seen != before {
                return seen;
            }
            self.shared.sleep(word, before, (&self.private, 0, 0), Deadline::NEVER);
        }
    }
}

/// Asks until the budget is used up.
pub fn ask(words: &Words, budget: Budget, clock: Clock) -> Histogram<u64> {
    let recorded = record(budget, |number| {
        let (timed, _) = clock.time(|| {
            words.put(ASKED, number);
            words.changed(ANSWERED, number - 1)
        });
        Ok::<_, std::convert::Infallible>(timed)
    });
    words.put(ASKED, STOP);
    recorded.unwrap_or_else(|never| match never {})
}

/// Answers until told to stop.
pub fn answer(words: &Words) {
    let mut before = 0;
    loop {
        let number = words.changed(ASKED, before);
        if number == STOP {
            return;
        }
        words.put(ANSWERED, number);
        before = number;
    }
}

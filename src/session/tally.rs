//! Numbers that the threads of a process share, in private words.

use crate::memory::{Memory, Ordering, Own};

/// A number that threads count up and down.
#[derive(Clone, Debug)]
pub(super) struct Tally<M: Memory> {
    private: Own<M>,
    word: usize,
}

impl<M: Memory> Tally<M> {
    /// The number in word `word` of private memory.
    pub(super) fn new(private: Own<M>, word: usize) -> Self {
        Self { private, word }
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.private.load(self.word, Ordering::Acquire)
    }

    /// Adds `change`, which may be negative; the sum.
    #[inline]
    pub(super) fn add(&self, change: i64) -> u64 {
        loop {
            let seen = self.private.load(self.word, Ordering::Relaxed);
            let sum = seen.wrapping_add_signed(change);
            if self.private.exchange(self.word, seen, sum) {
                return sum;
            }
        }
    }

    /// Adds 1 unless that would be more than `most`; whether it did.
    pub(super) fn enter(&self, most: u64) -> bool {
        loop {
            let seen = self.private.load(self.word, Ordering::Relaxed);
            if seen >= most {
                return false;
            }
            if self.private.exchange(self.word, seen, seen + 1) {
                return true;
            }
        }
    }
}

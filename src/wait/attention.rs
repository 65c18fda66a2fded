//! Calling a resting thread of this process.

use crate::memory::{Memory, Ordering, Own};

/// A private word by which threads of one process call another that rests on a shared one.
#[derive(Clone, Debug)]
pub struct Attention<M: Memory> {
    private: Own<M>,
    word: usize,
}

const QUIET: u64 = 0;
const CALLED: u64 = 1;

impl<M: Memory> Attention<M> {
    /// Attention by word `word` of a private memory: nobody has called.
    pub fn new(private: Own<M>, word: usize) -> Self {
        Self { private, word }
    }

    /// Forgets earlier calls. Whatever they were about is looked at after this, and before the rest.
    pub fn settle(&self) {
        self.private.store(self.word, QUIET, Ordering::Relaxed);
        // Closes the race with a caller that changes something and then calls: either the rest finds the call, or the
        // look that follows finds the change.
        self.private.fence();
    }

    /// Calls. What it is about was changed before this.
    pub fn call(&self) {
        // The partner of the fence in `settle`.
        self.private.fence();
        self.private.store(self.word, CALLED, Ordering::Relaxed);
        self.private.wake(self.word);
    }

    /// Sleeps until called or the deadline; may return early.
    pub fn nap(&self, deadline: crate::os::clock::Deadline) {
        let (memory, word, quiet) = self.quiet();
        memory.sleep(word, quiet, (memory, word, quiet), deadline);
    }

    /// The word and value to sleep on beside a shared one.
    pub(super) fn quiet(&self) -> (&M, usize, u64) {
        (&self.private, self.word, QUIET)
    }
}

//! The side that wakes.

use super::Announced;
use crate::memory::{Count, Counts, Foreign, Memory, Ordering, Own};

/// The waking half of a doorbell.
#[derive(Debug)]
pub struct Ringer<M: Memory> {
    own: Own<M>,
    rung: usize,
    peer: Foreign<M>,
    announced: usize,
    /// An announcement that needs nothing, the last that was seen: the fast path compares with it.
    quiet: u64,
    /// The number last answered.
    answered: u32,
    counts: Counts,
}

/// What a ring found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nobody sleeps, or the sleeper has been woken.
    Done,
    /// The sleeper waits in `poll(2)`: send it a byte.
    Poke,
    /// Nobody will look again.
    Gone,
}

impl<M: Memory> Ringer<M> {
    /// Answers word `announced` of `peer` by word `rung` of `own`.
    pub fn new(own: Own<M>, rung: usize, peer: Foreign<M>, announced: usize) -> Self {
        // What an honest sleeper says first, if it makes the heavy fence. Any word that needs something would let a lie pass.
        let quiet = Announced::new(0, Announced::LIGHT).word();
        Self { own, rung, peer, announced, quiet, answered: 0, counts: Counts::default() }
    }

    /// Counts there from now on.
    pub fn count_in(&mut self, counts: &Counts) {
        self.counts = counts.clone();
    }

    /// How often this side woke the other.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.counts.get(Count::Wakes)
    }

    /// Wakes the sleeper if it sleeps. Called after what it waits for was written.
    #[inline]
    pub fn ring(&mut self) -> Notice {
        // Closes the race of the module docs, with the fence in `Sleeper::announce`: enough if LIGHT is set, which says
        // that the sleeper's is the heavy one.
        self.own.light_fence();
        let word = self.peer.load(self.announced, Ordering::Relaxed);
        if word == self.quiet { Notice::Done } else { self.consider(word) }
    }

    /// Wakes the sleeper before what it waits for is written, so that it wakes up meanwhile. It may find nothing and sleep
    /// again: [`Ringer::ring`] comes all the same.
    #[cold]
    pub fn rouse(&mut self) {
        // Relaxed: a guess. Whether somebody sleeps is decided by the look in `ring`, behind its fence.
        let announced = Announced::from_word(self.peer.load(self.announced, Ordering::Relaxed));
        let waits = announced.asleep() && announced.number() != self.answered;
        if waits && !announced.has(Announced::POLLING) {
            self.answer(announced);
        }
    }

    #[cold]
    fn consider(&mut self, word: u64) -> Notice {
        let mut announced = Announced::from_word(word);
        if !announced.has(Announced::LIGHT) {
            // Closes the same race where each side makes its own fence.
            self.own.fence();
            announced = Announced::from_word(self.peer.load(self.announced, Ordering::Relaxed));
        }
        if announced.has(Announced::GONE) {
            return Notice::Gone;
        }
        if announced.asleep() && announced.number() != self.answered {
            return self.answer(announced);
        }
        if announced.has(Announced::LIGHT) && !announced.asleep() {
            self.quiet = announced.word();
        }
        Notice::Done
    }

    /// Answers an announcement, once.
    fn answer(&mut self, announced: Announced) -> Notice {
        self.answered = announced.number();
        self.counts.add(Count::Wakes, 1);
        // Release, with the sleeper's acquire in `Sleeper::sleep`: what was committed before the answer is seen.
        self.own.store(self.rung, u64::from(self.answered), Ordering::Release);
        if announced.has(Announced::POLLING) {
            return Notice::Poke;
        }
        self.own.wake(self.rung);
        Notice::Done
    }

    /// Whether the other side said that nobody will look again.
    #[must_use]
    pub fn gone(&self) -> bool {
        Announced::from_word(self.peer.load(self.announced, Ordering::Relaxed)).has(Announced::GONE)
    }
}

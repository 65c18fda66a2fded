//! What this process knows of the connection, in a word that no peer can reach.

use std::sync::{Arc, OnceLock};

use crate::memory::{Memory, Ordering, Own};
use crate::ring::Corrupt;

/// The state of a connection, kept in private memory so that sleepers can wait on it beside a shared word.
#[derive(Clone, Debug)]
pub struct Link<M: Memory> {
    private: Own<M>,
    word: usize,
    /// What the peer said that no honest one would, if that is how it ended.
    lie: Arc<OnceLock<Corrupt>>,
    #[cfg(feature = "tracing")]
    told: Told,
}

/// Whose link it is, and whether its end was told of.
#[cfg(feature = "tracing")]
#[derive(Clone, Debug, Default)]
struct Told {
    peer: Option<u32>,
    once: Arc<OnceLock<()>>,
}

/// What a [`Link`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// This process was forked off the one that owns the connection: its handles are inert.
    Forked,
    /// As far as is known, the peer lives.
    Alive,
    /// The peer has died or hung up.
    Dead,
}

const FORKED: u64 = 0;
const ALIVE: u64 = 1;
const DEAD: u64 = 2;

impl<M: Memory> Link<M> {
    /// A link in word `word` of a private memory (wiped to 0 in a forked child), alive.
    pub fn new(private: Own<M>, word: usize) -> Self {
        private.store(word, ALIVE, Ordering::Relaxed);
        Self {
            private,
            word,
            lie: Arc::default(),
            #[cfg(feature = "tracing")]
            told: Told::default(),
        }
    }

    /// The same link, which tells of that process when it ends.
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, unused_mut, reason = "nobody is told"))]
    pub(crate) fn known_as(mut self, peer: Option<u32>) -> Self {
        #[cfg(feature = "tracing")]
        {
            self.told.peer = peer;
        }
        self
    }

    /// The peer's process; `None` if it is not known, or its end was told of already.
    #[cfg(feature = "tracing")]
    pub(crate) fn untold(&self) -> Option<Option<u32>> {
        self.told.once.set(()).is_ok().then_some(self.told.peer)
    }

    /// What is known now.
    #[must_use]
    #[inline]
    pub fn state(&self) -> State {
        // Acquire, with the release in `declare_dead`: whoever sees the death sees all that was committed before it was
        // noticed.
        match self.private.load(self.word, Ordering::Acquire) {
            FORKED => State::Forked,
            ALIVE => State::Alive,
            _ => State::Dead,
        }
    }

    /// Whether the peer is not known to have died, and this is the process that connected.
    #[must_use]
    #[inline]
    pub fn is_alive(&self) -> bool {
        self.private.load(self.word, Ordering::Relaxed) == ALIVE
    }

    /// Notes that the peer is dead, and wakes whoever sleeps.
    pub fn declare_dead(&self) {
        // Release, with the acquire in `state`.
        self.private.store(self.word, DEAD, Ordering::Release);
        self.private.wake(self.word);
    }

    /// Notes that the peer lied, elsewhere than in shared memory, and wakes whoever sleeps.
    pub fn declare_corrupt(&self, corrupt: Corrupt) {
        // Only the first lie counts, and none that comes after a death.
        let _ = self.lie.set(corrupt);
        self.declare_dead();
    }

    /// The lie that ended it, if one did.
    #[must_use]
    pub fn lie(&self) -> Option<Corrupt> {
        self.lie.get().copied()
    }

    /// The word and value to sleep on beside a shared one.
    pub(crate) fn alive(&self) -> (&M, usize, u64) {
        (&self.private, self.word, ALIVE)
    }
}

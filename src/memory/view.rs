//! Who may write: the two views of a memory.

use core::ops::Deref;

use super::{Memory, Ordering};

/// Memory that this side writes and the other side reads.
#[derive(Clone, Debug)]
pub struct Own<M>(M);

/// Memory that the other side writes: it can be read, copied out of, slept on, and never trusted.
#[derive(Clone, Debug)]
pub struct Foreign<M>(M);

impl<M: Memory> Own<M> {
    /// Takes `memory` as this side's own.
    pub fn new(memory: M) -> Self {
        Self(memory)
    }
}

impl<M> Deref for Own<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        &self.0
    }
}

impl<M: Memory> Foreign<M> {
    /// Takes `memory` as the other side's.
    pub fn new(memory: M) -> Self {
        Self(memory)
    }

    // Who reads a peer's word says where, so that a test can lie at each of these places; inlined, it costs nothing.

    /// See [`Memory::load`].
    #[inline]
    #[track_caller]
    pub fn load(&self, word: usize, order: Ordering) -> u64 {
        self.0.load(word, order)
    }

    /// See [`Memory::copy_out`].
    #[inline]
    #[track_caller]
    pub fn copy_out(&self, offset: usize, to: &mut [u8]) {
        self.0.copy_out(offset, to);
    }

    /// See [`Memory::prefetch_read`].
    #[inline]
    pub fn prefetch(&self, offset: usize) {
        self.0.prefetch_read(offset);
    }

    /// See [`Memory::words`].
    #[inline]
    pub fn words(&self) -> usize {
        self.0.words()
    }

    /// The memory itself, for sleeping on its words and for its address.
    #[inline]
    pub(crate) fn raw(&self) -> &M {
        &self.0
    }
}

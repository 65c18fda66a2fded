//! A peer that lies: memory whose every read may be answered with anything, differently each time.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Heap, Memory, Ordering};
use crate::os::clock::Deadline;

/// A read that hostile memory is about to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    /// Which word is read.
    pub word: usize,
    /// What an honest peer left there.
    pub honest: u64,
}

type Liar = dyn FnMut(Read) -> u64 + Send;

/// A heap whose reads are answered by a function of the test's choice, which also serves to record them.
#[derive(Clone)]
pub struct Hostile {
    heap: Heap,
    liar: Arc<Mutex<Box<Liar>>>,
}

impl Hostile {
    /// Answers each read of `heap` with what `liar` returns.
    pub fn new(heap: Heap, liar: impl FnMut(Read) -> u64 + Send + 'static) -> Self {
        Self { heap, liar: Arc::new(Mutex::new(Box::new(liar))) }
    }

    /// Answers truthfully: for the half that the side under attack owns.
    #[must_use]
    pub fn honest(heap: Heap) -> Self {
        Self::new(heap, |read| read.honest)
    }
}

impl Memory for Hostile {
    fn words(&self) -> usize {
        self.heap.words()
    }

    fn load(&self, word: usize, order: Ordering) -> u64 {
        let honest = self.heap.load(word, order);
        (self.liar.lock().unwrap_or_else(PoisonError::into_inner))(Read { word, honest })
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.heap.store(word, value, order);
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.heap.exchange(word, current, new)
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        self.heap.copy_in(offset, from);
    }

    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        self.heap.copy_out(offset, to);
    }

    fn fence(&self) {
        self.heap.fence();
    }

    fn light_fence(&self) {
        self.heap.light_fence();
    }

    fn heavy_fence(&self) -> bool {
        self.heap.heavy_fence()
    }

    /// Takes no time: a lie has landed when it is read.
    fn settle(&self, _moment: Deadline) {
        self.fence();
    }

    /// Does not sleep: a hostile peer may wake its victim at any time.
    fn sleep(&self, _word: usize, _expected: u64, _private: (&Self, usize, u64), _deadline: Deadline) {}

    fn wake(&self, word: usize) {
        self.heap.wake(word);
    }
}

//! Memory whose payloads are plain bytes beside its words, so that a race detector sees what is not ordered.

use std::cell::UnsafeCell;
use std::sync::Arc;

use twinring::Deadline;
use twinring::memory::{Heap, Memory, Ordering};

/// A heap, and the payloads that are copied in and out, apart from it.
#[derive(Clone)]
pub struct Plain {
    heap: Heap,
    payloads: Arc<Payloads>,
}

struct Payloads(Box<[UnsafeCell<u8>]>);

// SAFETY: this is what is to be shown: that the ring orders each write of a payload and each read of it.
unsafe impl Sync for Payloads {}

impl Plain {
    /// Memories of these many words each that can be slept on together.
    pub fn family<const N: usize>(sizes: [usize; N]) -> [Self; N] {
        Heap::family(sizes).map(|heap| {
            let bytes = heap.words() * size_of::<u64>();
            Self { heap, payloads: Arc::new(Payloads((0..bytes).map(|_| UnsafeCell::new(0)).collect())) }
        })
    }
}

impl Memory for Plain {
    fn words(&self) -> usize {
        self.heap.words()
    }

    fn load(&self, word: usize, order: Ordering) -> u64 {
        self.heap.load(word, order)
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.heap.store(word, value, order);
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.heap.exchange(word, current, new)
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        for (cell, &byte) in self.payloads.0[offset..].iter().zip(from) {
            // SAFETY: as said at `Payloads`.
            unsafe { *cell.get() = byte };
        }
    }

    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        for (cell, byte) in self.payloads.0[offset..].iter().zip(to) {
            // SAFETY: as said at `Payloads`.
            *byte = unsafe { *cell.get() };
        }
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

    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline) {
        self.heap.sleep(word, expected, (&private.0.heap, private.1, private.2), deadline);
    }

    fn wake(&self, word: usize) {
        self.heap.wake(word);
    }
}

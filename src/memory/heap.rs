//! Words on this process's heap: no mapping, no unsafe code, and a mutex in place of the futex.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Memory, WORD};
use crate::os::clock::Deadline;

/// Words on the heap, shared by clones.
///
/// Sleeping and waking go through one bed per family of memories: those that are slept on together must come from the
/// same [`Heap::family`].
#[derive(Clone, Debug)]
pub struct Heap {
    words: Arc<[AtomicU64]>,
    bed: Arc<Bed>,
}

#[derive(Debug, Default)]
struct Bed {
    lock: Mutex<()>,
    woken: Condvar,
}

impl Heap {
    /// One memory of `words` zeroed words.
    #[must_use]
    pub fn new(words: usize) -> Self {
        let [memory] = Self::family([words]);
        memory
    }

    /// Memories of these many zeroed words each that can be slept on together.
    #[must_use]
    pub fn family<const N: usize>(sizes: [usize; N]) -> [Self; N] {
        let bed = Arc::new(Bed::default());
        sizes.map(|words| Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), bed: Arc::clone(&bed) })
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.bed.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory for Heap {
    fn words(&self) -> usize {
        self.words.len()
    }

    fn load(&self, word: usize, order: Ordering) -> u64 {
        self.words[word].load(order)
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.words[word].store(value, order);
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.words[word].compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        for (at, &byte) in (offset..).zip(from) {
            let word = &self.words[at / WORD];
            let mut bytes = word.load(Ordering::Relaxed).to_ne_bytes();
            bytes[at % WORD] = byte;
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        for (at, byte) in (offset..).zip(to) {
            *byte = self.words[at / WORD].load(Ordering::Relaxed).to_ne_bytes()[at % WORD];
        }
    }

    fn fence(&self) {
        fence(Ordering::SeqCst);
    }

    fn light_fence(&self) {
        fence(Ordering::SeqCst);
    }

    fn heavy_fence(&self) -> bool {
        fence(Ordering::SeqCst);
        true
    }

    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline) {
        let guard = self.lock();
        let unchanged = self.words[word].load(Ordering::Relaxed) == expected
            && private.0.words[private.1].load(Ordering::Relaxed) == private.2;
        if !unchanged {
            return;
        }
        // A poisoned lock guards no data, and an early return is allowed: neither result matters.
        match deadline.remaining() {
            None => drop(self.bed.woken.wait(guard)),
            Some(left) => drop(self.bed.woken.wait_timeout(guard, left)),
        }
    }

    fn wake(&self, _word: usize) {
        let _guard = self.lock();
        self.bed.woken.notify_all();
    }
}

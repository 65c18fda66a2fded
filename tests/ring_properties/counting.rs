//! A memory that says what was done with it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use twinring::Deadline;
use twinring::memory::{Heap, Memory, Ordering};

/// A heap that counts how often its thread says that it spins, and on which sleeps last as long as a test wants.
#[derive(Clone)]
pub struct Counting {
    heap: Heap,
    pub pauses: Rc<Cell<u32>>,
    pub sleeps: Rc<Cell<u32>>,
    pub sleep: Rc<Cell<Duration>>,
    /// Whether the system refuses the heavy fence.
    pub refuses: Rc<Cell<bool>>,
    /// The moments that were waited for so that something had landed.
    pub settled: Rc<RefCell<Vec<Deadline>>>,
}

impl Counting {
    pub fn new(words: usize) -> Self {
        let (pauses, sleeps, sleep) = (Rc::default(), Rc::default(), Rc::default());
        Self { heap: Heap::new(words), pauses, sleeps, sleep, refuses: Rc::default(), settled: Rc::default() }
    }
}

impl Memory for Counting {
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
        self.heap.heavy_fence() && !self.refuses.get()
    }

    fn settle(&self, moment: Deadline) {
        self.settled.borrow_mut().push(moment);
    }

    fn sleep(&self, _: usize, _: u64, _: (&Self, usize, u64), _: Deadline) {
        self.sleeps.set(self.sleeps.get() + 1);
        let started = Instant::now();
        while started.elapsed() < self.sleep.get() {}
    }

    fn wake(&self, _: usize) {}

    fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
    }
}

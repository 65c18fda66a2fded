//! `membarrier(2)` as a model: one side makes the other execute a fence, at a moment that it does not choose.
//!
//! The kernel interrupts the other processor between two instructions. Here the side that is to be interrupted looks
//! before each of its accesses whether it should, and the side that interrupts waits until it has, or sees that it does
//! not run: one that sleeps or has ended went through the kernel, which is a fence too.

use std::cell::Cell;

use loom::sync::atomic::{AtomicU64, Ordering, fence};
use loom::thread;

use crate::memory::Side;

/// The barriers between two sides.
#[derive(Debug)]
pub struct Membarrier {
    sender: Processor,
    receiver: Processor,
}

/// One side, as the other one's barriers see it.
#[derive(Debug)]
struct Processor {
    /// How many barriers were asked of it; written by the other side.
    asked: AtomicU64,
    /// How many it has made.
    made: AtomicU64,
    /// 1 while it does not run.
    away: AtomicU64,
    /// What stands in `made`, and in `asked` of the other.
    obeyed: Cell<u64>,
    struck: Cell<u64>,
}

impl Membarrier {
    /// Both sides run.
    #[must_use]
    pub fn new() -> Self {
        Self { sender: Processor::new(), receiver: Processor::new() }
    }

    fn processor(&self, side: Side) -> &Processor {
        match side {
            Side::Sender => &self.sender,
            Side::Receiver => &self.receiver,
        }
    }

    /// A moment at which `side` can be interrupted.
    pub fn obey(&self, side: Side) {
        let processor = self.processor(side);
        let asked = processor.asked.load(Ordering::Relaxed);
        if asked > processor.obeyed.get() {
            fence(Ordering::SeqCst);
            processor.obeyed.set(asked);
            processor.made.store(asked, Ordering::Release);
        }
    }

    /// The call by `side`: returns once the other side has executed a fence. The caller has made its own.
    pub fn strike(&self, side: Side) {
        let (own, other) = (self.processor(side), self.processor(side.other()));
        let number = own.struck.get() + 1;
        own.struck.set(number);
        other.asked.store(number, Ordering::Release);
        while other.away.load(Ordering::Acquire) == 0 && other.made.load(Ordering::Acquire) < number {
            // Who waits for the other's barrier still makes its own.
            self.obey(side);
            thread::yield_now();
        }
        fence(Ordering::SeqCst);
    }

    /// `side` runs no more, or for now.
    pub fn leave(&self, side: Side) {
        fence(Ordering::SeqCst);
        self.processor(side).away.store(1, Ordering::Release);
    }

    /// `side` runs again.
    pub fn enter(&self, side: Side) {
        self.processor(side).away.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

impl Default for Membarrier {
    fn default() -> Self {
        Self::new()
    }
}

impl Processor {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { asked: zero(), made: zero(), away: zero(), obeyed: Cell::new(0), struck: Cell::new(0) }
    }
}

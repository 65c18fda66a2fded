//! The walking floor: what no mechanism between two processes can beat.
//!
//! One side stores 8 bytes in a cache line of its own, the other sees them and does the same; each step takes the next of
//! 1,024 lines, because it matters which line one gets. The pause in the loop is the library's own.

use std::os::fd::{BorrowedFd, OwnedFd};

use hdrhistogram::Histogram;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use twinring::memory::{Foreign, Mapped, Memory, Ordering, Own, WORD};

use super::clock::{Budget, Clock, record};
use super::pattern::STOP;
use crate::failure::{Context, Failure};

/// Lines walked through each way.
const LINES: u64 = 1_024;

/// Words from one line to the next.
const LINE: u64 = 8;

/// What a side's lines need.
pub const BYTES: usize = (LINES * LINE) as usize * WORD;

/// A memfd of `bytes`, to be mapped by both sides.
///
/// # Errors
///
/// If the system gives none.
pub fn shared_memory(bytes: usize) -> Result<OwnedFd, Failure> {
    let make = || {
        let fd = memfd_create("twinring-measure", MemfdFlags::CLOEXEC)?;
        ftruncate(&fd, bytes as u64).map(|()| fd)
    };
    make().while_doing(|| format!("could not get {bytes} bytes of shared memory"))
}

/// One side's view of the lines.
pub struct Lines {
    own: Own<Mapped>,
    peer: Foreign<Mapped>,
}

impl Lines {
    /// Maps `own` for writing and `peer` for reading.
    ///
    /// # Errors
    ///
    /// If the memory cannot be had.
    pub fn new(own: BorrowedFd<'_>, peer: BorrowedFd<'_>) -> Result<Self, Failure> {
        Ok(Self { own: Mapped::writable(own, BYTES)?, peer: Mapped::read_only(peer, BYTES)? })
    }

    #[inline]
    fn put(&self, step: u64, value: u64) {
        self.own.store(word(step), value, Ordering::Release);
    }

    /// Waits for `step`, or for the end: what came.
    #[inline]
    fn get(&self, step: u64) -> u64 {
        loop {
            let seen = self.peer.load(word(step), Ordering::Acquire);
            if seen == step || seen == STOP {
                return seen;
            }
            self.own.pause();
        }
    }
}

/// Each line holds the number of the step that last came by: a step is never mistaken for the one a lap before.
#[inline]
fn word(step: u64) -> usize {
    (step % LINES * LINE) as usize
}

/// Walks until the budget is used up.
pub fn ask(lines: &Lines, budget: Budget, clock: Clock) -> Histogram<u64> {
    let mut last = 0;
    let recorded = record(budget, |step| {
        last = step;
        let (timed, _) = clock.time(|| {
            lines.put(step, step);
            lines.get(step)
        });
        Ok::<_, std::convert::Infallible>(timed)
    });
    lines.put(last + 1, STOP);
    recorded.unwrap_or_else(|never| match never {})
}

/// Follows until told to stop.
pub fn answer(lines: &Lines) {
    for step in 1.. {
        if lines.get(step) == STOP {
            return;
        }
        lines.put(step, step);
    }
}

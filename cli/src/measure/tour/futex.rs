//! The bare futex: what a round trip costs when both sides sleep at every message, whoever implements it.
//!
//! A word each way, on a line of its own: store, wake, and sleep until the other word has changed. Nothing else, so a message is
//! overwritten by the next: there is no stream.

use std::os::fd::{AsFd, OwnedFd};

use twinring::Deadline;
use twinring::memory::{Mapped, Memory, Ordering, Own};

use super::check_length;
use crate::failure::Failure;
use crate::measure::carrier::Carrier;
use crate::measure::floor::shared_memory;
use crate::measure::passed::Passed;

/// What the two words need, each a page away from the other.
const BYTES: usize = 8_192;

/// The words that the leader and the second process write.
const WORDS: [usize; 2] = [0, 512];

/// A side.
pub struct Ends {
    shared: Own<Mapped>,
    /// The library sleeps on a word of this process beside the shared one; this one never changes.
    private: Own<Mapped>,
    into: usize,
    from: usize,
    before: u64,
}

/// Makes the words.
///
/// # Errors
///
/// If the memory cannot be had, or a message is no word.
pub fn open(size: usize) -> Result<(Ends, Passed), Failure> {
    check_length(size, size_of::<u64>(), "a word")?;
    let memory = shared_memory(BYTES)?;
    Ok((ends(&memory, WORDS)?, Passed::these([memory])))
}

/// Maps what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(passed: Passed) -> Result<Ends, Failure> {
    let [memory] = passed.descriptors()?;
    let [leader, second] = WORDS;
    ends(&memory, [second, leader])
}

fn ends(memory: &OwnedFd, [into, from]: [usize; 2]) -> Result<Ends, Failure> {
    let (shared, private) = (Mapped::writable(memory.as_fd(), BYTES)?, Mapped::private(BYTES)?);
    Ok(Ends { shared, private, into, from, before: 0 })
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let mut value = [0; 8];
        value[..payload.len()].copy_from_slice(payload);
        self.shared.store(self.into, u64::from_le_bytes(value), Ordering::Release);
        self.shared.wake(self.into);
        Ok(())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            let seen = self.shared.load(self.from, Ordering::Acquire);
            if seen != self.before {
                self.before = seen;
                let length = buffer.len().min(8);
                buffer[..length].copy_from_slice(&seen.to_le_bytes()[..length]);
                return Ok(length);
            }
            self.shared.sleep(self.from, seen, (&self.private, 0, 0), Deadline::NEVER);
        }
    }
}

//! Slots in shared memory, and two eventfds each way that count: one the filled slots, one those that are free again.
//!
//! Reading an eventfd takes all that it has counted, so a receiver that is behind makes one call for many messages, and slots
//! are given back half a ring at a time.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{read, retry_on_intr, write};

use super::CAPACITY;
use crate::failure::{Context, Failure};
use crate::measure::carrier::Carrier;
use crate::measure::floor::shared_memory;
use crate::measure::passed::Passed;
use crate::os::segment::Segment;

/// A side.
pub struct Ends {
    memory: Segment,
    ring: Ring,
    out: Way,
    into: Way,
}

/// The shape of a ring.
#[derive(Clone, Copy)]
struct Ring {
    slot: usize,
    slots: u64,
}

/// One direction, seen from one of its ends.
struct Way {
    /// Where its slots begin.
    base: usize,
    filled: OwnedFd,
    freed: OwnedFd,
    /// The slot that is next.
    next: u64,
    /// Slots that this end may use before it has to ask.
    known: u64,
    /// Slots that it has emptied and not yet given back.
    emptied: u64,
}

/// Makes memory and counters.
///
/// # Errors
///
/// If the system gives none.
pub fn open(size: usize) -> Result<(Ends, Passed), Failure> {
    let counters = || Ok::<_, Failure>([counter()?, counter()?]);
    let (memory, out, into) = (shared_memory(Ring::of(size).bytes())?, counters()?, counters()?);
    let mut passed = vec![memory.try_clone()?];
    for counter in into.iter().chain(&out) {
        passed.push(counter.try_clone()?);
    }
    let second_half = Ring::of(size).way();
    let ends = ends(size, memory, (0, out), (second_half, into))?;
    Ok((ends, Passed { descriptors: passed, ..Passed::default() }))
}

/// Takes what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(size: usize, passed: Passed) -> Result<Ends, Failure> {
    let [memory, out_filled, out_freed, into_filled, into_freed] = passed.descriptors()?;
    ends(size, memory, (Ring::of(size).way(), [out_filled, out_freed]), (0, [into_filled, into_freed]))
}

fn counter() -> Result<OwnedFd, Failure> {
    eventfd(0, EventfdFlags::CLOEXEC).while_doing(|| "could not get an eventfd".to_owned())
}

type Counters = (usize, [OwnedFd; 2]);

fn ends(size: usize, memory: OwnedFd, out: Counters, into: Counters) -> Result<Ends, Failure> {
    let ring = Ring::of(size);
    let way = |(base, [filled, freed]): Counters, known| Way { base, filled, freed, next: 0, known, emptied: 0 };
    let memory = Segment::mapped(memory, ring.bytes()).while_doing(|| "could not map shared memory".to_owned())?;
    Ok(Ends { memory, ring, out: way(out, ring.slots), into: way(into, 0) })
}

impl Ring {
    /// As many slots as our rings have room for, and at least two.
    fn of(size: usize) -> Self {
        let slot = size.next_multiple_of(8);
        Self { slot, slots: (CAPACITY / slot).max(2) as u64 }
    }

    /// The bytes of one direction.
    fn way(self) -> usize {
        self.slot * self.slots as usize
    }

    /// The bytes of both.
    fn bytes(self) -> usize {
        self.way() * 2
    }
}

impl Way {
    /// Where the next slot lies; it is used up.
    #[inline]
    fn advance(&mut self, ring: Ring) -> usize {
        let at = self.base + self.next as usize * ring.slot;
        self.next = (self.next + 1) % ring.slots;
        self.known -= 1;
        at
    }
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let way = &mut self.out;
        if way.known == 0 {
            way.known = take(&way.freed)?;
        }
        self.memory.put(way.advance(self.ring), payload);
        count(&way.filled, 1)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let way = &mut self.into;
        if way.known == 0 {
            way.known = take(&way.filled)?;
        }
        self.memory.get(way.advance(self.ring), buffer);
        way.emptied += 1;
        if way.emptied * 2 >= self.ring.slots {
            count(&way.freed, std::mem::take(&mut way.emptied))?;
        }
        Ok(buffer.len())
    }
}

/// Takes all that is counted; waits until there is something.
#[inline]
fn take(counter: impl AsFd) -> Result<u64, Failure> {
    let mut counted = [0; 8];
    retry_on_intr(|| read(&counter, &mut counted))?;
    Ok(u64::from_ne_bytes(counted))
}

#[inline]
fn count(counter: impl AsFd, more: u64) -> Result<(), Failure> {
    retry_on_intr(|| write(&counter, &more.to_ne_bytes()))?;
    Ok(())
}

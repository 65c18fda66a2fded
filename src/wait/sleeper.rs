//! The side that sleeps.

use super::{Announced, Attention, Link};
use crate::memory::{Count, Counts, Foreign, Memory, Ordering, Own};
use crate::os::clock::Deadline;

/// Who makes the fence that a sleeper and its ringer need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// Each its own, always: the processes cannot fence each other.
    Plain,
    /// The sleeper for both while it sleeps seldom, each its own while it sleeps often.
    Adaptive,
    /// Nobody: this side promised never to sleep.
    Never,
}

/// With fewer messages than this since the last sleep, a fence each costs the pair less than one heavy fence.
const SELDOM: u64 = 64;

/// The sleeping half of a doorbell.
#[derive(Debug)]
pub struct Sleeper<M: Memory> {
    own: Own<M>,
    announced: usize,
    peer: Foreign<M>,
    rung: usize,
    fencing: Fencing,
    /// What stands in `announced`.
    said: Announced,
    /// The count of messages at the last announcement.
    counted: u64,
    /// Whether the last announcement relied on the heavy fence.
    heavily: bool,
    /// When the ringer will have seen that the bit was taken back, if that was not waited for yet.
    seen_by: Option<Deadline>,
    counts: Counts,
}

impl<M: Memory> Sleeper<M> {
    /// Sleeps by word `announced` of `own` until word `rung` of `peer` answers.
    pub fn new(own: Own<M>, announced: usize, peer: Foreign<M>, rung: usize, fencing: Fencing) -> Self {
        let bits = if fencing == Fencing::Never { Announced::LIGHT } else { 0 };
        let (said, counts) = (Announced::default(), Counts::default());
        let (counted, heavily, seen_by) = (0, false, None);
        let mut sleeper = Self { own, announced, peer, rung, fencing, said, counted, heavily, seen_by, counts };
        sleeper.say(Announced::new(0, bits));
        sleeper
    }

    /// The same for a side that expects to sleep seldom: the ringer goes without its fence from the start.
    #[must_use]
    pub fn lightened(mut self) -> Self {
        self.lighten(SELDOM);
        self
    }

    /// Says early that this side will wait in `poll(2)`, so that it need not wait there for the ringer to see that the bit is gone.
    pub fn expect_polling(&mut self) {
        if self.may_sleep() && self.said.has(Announced::LIGHT) {
            self.take_back();
        }
    }

    /// Counts there from now on.
    pub fn count_in(&mut self, counts: &Counts) {
        self.counts = counts.clone();
    }

    /// How often this side went to sleep.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.counts.get(Count::Sleeps)
    }

    /// Whether this side may sleep at all.
    #[must_use]
    pub fn may_sleep(&self) -> bool {
        self.fencing != Fencing::Never
    }

    /// Says that this side is about to sleep. What is waited for must be looked for after this, and before
    /// [`Sleeper::sleep`]. `count` is the number of messages so far, by which the fence is chosen.
    pub fn announce(&mut self, count: u64) {
        self.announce_with(count, 0);
    }

    /// The same for a sleep in `poll(2)`: the ringer is to send a byte on the control socket. Nobody looks again after a
    /// moment there, so a heavy fence is not relied on any more (see `until` in this file).
    pub fn announce_polling(&mut self, count: u64) {
        self.expect_polling();
        self.fencing = Fencing::Plain;
        self.announce_with(count, Announced::POLLING);
    }

    fn announce_with(&mut self, count: u64, bits: u64) {
        debug_assert!(self.may_sleep(), "a side that promised never to sleep");
        self.await_seen();
        let was_light = self.said.has(Announced::LIGHT);
        let often = count.wrapping_sub(self.counted) < SELDOM;
        self.counted = count;
        let light = if was_light && !often { Announced::LIGHT } else { 0 };
        self.say(Announced::new(self.next_number(), bits | light));
        // Closes the race of the module docs, with the fence in `Ringer::ring`. Heavy if the ringer may be relying on the
        // bit: it stays heavy on the announcement that takes the bit back.
        self.heavily = was_light && self.fence_for_both();
        if !was_light {
            self.own.fence();
        }
    }

    /// Whether the heavy fence was made; if not, the ringer has its own back.
    #[inline]
    fn fence_for_both(&mut self) -> bool {
        let made = self.own.heavy_fence();
        if !made {
            // The system took it away: a sandbox closed around this process.
            self.relinquish();
        }
        made
    }

    #[cold]
    fn relinquish(&mut self) {
        self.take_back();
        self.await_seen();
    }

    /// Takes the bit back without a heavy fence: only time tells when the ringer has seen that it is gone. It happens once,
    /// for the bit is not set again.
    #[cold]
    fn take_back(&mut self) {
        self.fencing = Fencing::Plain;
        self.say(Announced::new(self.said.number(), self.said.word() & Announced::POLLING));
        self.seen_by = Some(self.own.soon(Deadline::NEVER));
    }

    /// Before anything hangs on it.
    fn await_seen(&mut self) {
        if let Some(moment) = self.seen_by.take() {
            self.own.settle(moment);
        }
    }

    /// The next odd number, unless the ringer's last answer happens to have it: that would look answered.
    fn next_number(&self) -> u32 {
        let next = (self.said.number() | 1).wrapping_add(if self.said.asleep() { 2 } else { 0 });
        let rung = self.peer.load(self.rung, Ordering::Relaxed) as u32;
        if next == rung { next.wrapping_add(2) } else { next }
    }

    /// Sleeps until the announcement is answered, `link` changes, or the deadline passes; may return early.
    pub fn sleep(&mut self, link: &Link<M>, deadline: Deadline) {
        debug_assert!(self.said.asleep(), "not announced");
        // Acquire, with the ringer's release in `Ringer::answer`: what was committed before the answer is seen.
        let rung = self.peer.load(self.rung, Ordering::Acquire);
        if rung as u32 != self.said.number() {
            self.counts.add(Count::Sleeps, 1);
            let memory = self.peer.raw();
            memory.sleep(self.rung, rung, link.alive(), until(memory, self.heavily, deadline));
            // The same edge, for what woke us.
            self.peer.load(self.rung, Ordering::Acquire);
        }
    }

    /// A sleep until this announcement is answered, for another thread to sleep.
    pub fn rest(&self) -> Rest<M> {
        debug_assert!(self.said.asleep(), "not announced");
        let rung = self.peer.load(self.rung, Ordering::Acquire);
        Rest { peer: self.peer.clone(), rung: self.rung, seen: rung, number: self.said.number(), heavily: self.heavily }
    }

    /// Says that this side is awake. `count` as in [`Sleeper::announce`].
    #[inline]
    pub fn retract(&mut self) {
        let light = self.said.word() & Announced::LIGHT;
        self.say(Announced::new(self.said.number().wrapping_add(1), light));
    }

    /// While awake: lets the ringer go without its fence once sleeps have become rare. `count` as in
    /// [`Sleeper::announce`].
    #[inline]
    pub fn lighten(&mut self, count: u64) {
        let seldom = count.wrapping_sub(self.counted) >= SELDOM;
        if seldom && self.fencing == Fencing::Adaptive && !self.said.has(Announced::LIGHT) {
            self.say(Announced::new(self.said.number(), self.said.word() | Announced::LIGHT));
        }
    }

    /// Says that nobody will look again.
    pub fn leave(&mut self) {
        self.say(Announced::new(self.said.number() & !1, Announced::LIGHT | Announced::GONE));
    }

    #[inline]
    fn say(&mut self, announced: Announced) {
        self.said = announced;
        // Relaxed: ordered by the fences in `announce`; a late retraction costs one needless wake.
        self.own.store(self.announced, announced.word(), Ordering::Relaxed);
    }
}

/// A sleep that was announced by one thread and is slept by another.
#[derive(Debug)]
pub struct Rest<M: Memory> {
    peer: Foreign<M>,
    rung: usize,
    seen: u64,
    number: u32,
    /// As in the sleeper: then not for long.
    heavily: bool,
}

impl<M: Memory> Rest<M> {
    /// Sleeps until the announcement is answered, `attention` is called, or the deadline passes; may return early.
    pub fn sleep(&self, attention: &Attention<M>, deadline: Deadline) {
        if self.seen as u32 != self.number {
            let memory = self.peer.raw();
            memory.sleep(self.rung, self.seen, attention.quiet(), until(memory, self.heavily, deadline));
        }
    }
}

/// Until when to sleep. Behind a heavy fence not for long: the kernel leaves out a processor on which the ringer's process slept
/// when another of its threads registered it (`docs/TESTING.md`). After the next look but one each side makes its own fence.
fn until<M: Memory>(memory: &M, heavily: bool, deadline: Deadline) -> Deadline {
    if heavily { memory.soon(deadline) } else { deadline }
}

//! How long to spin before sleeping.

use std::time::{Duration, Instant};

use super::{Link, Sleeper};
use crate::memory::Memory;
use crate::os::clock::Deadline;
use crate::os::cpus;

/// How a side waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WaitStrategy {
    /// Never sleeps: the lowest latency, for a core of its own. Promised to the peer in the handshake, so the peer's
    /// sends cost no fence; there is nothing to poll then.
    Spin,
    /// Spins for about as long as a sleep and a wake would cost, then sleeps; skips the spinning when the last waits show
    /// that it does not pay.
    #[default]
    SpinThenPark,
    /// Sleeps at once: the least use of the processor.
    Park,
}

/// A sleep and a wake cost 5 to 50 µs a side, the more the deeper the core falls asleep: spinning for longer than that
/// cannot pay.
const BUDGET: Duration = Duration::from_micros(50);

/// A wait that ended within this time of falling asleep was a short one: most of it may have been the waking.
const SHORT: Duration = Duration::from_micros(200);

/// Looks before the clock is read for the first time.
const LOOKS: u32 = 64;

/// The most waits for which spinning is left out after it failed and the message came right after.
const MOST_SKIPPED: u32 = 256;

/// What a side has learned about its waits.
#[derive(Debug)]
pub struct Patience {
    strategy: WaitStrategy,
    spins: bool,
    /// Short waits still to be slept through before spinning is tried again.
    skip: u32,
    /// What `skip` was last set to.
    penalty: u32,
}

impl Patience {
    /// Nothing learned yet.
    #[must_use]
    pub fn new(strategy: WaitStrategy) -> Self {
        let spins = match strategy {
            WaitStrategy::Spin => true,
            WaitStrategy::SpinThenPark => !cpus::single(),
            WaitStrategy::Park => false,
        };
        Self { strategy, spins, skip: 0, penalty: 0 }
    }

    /// Waits until `look` says that there is something; `false` once the deadline has passed. `count` is the number of
    /// messages so far.
    pub fn wait<M: Memory>(
        &mut self,
        sleeper: &mut Sleeper<M>,
        link: &Link<M>,
        memory: &M,
        count: u64,
        deadline: Deadline,
        mut look: impl FnMut() -> bool,
    ) -> bool {
        match self.strategy {
            WaitStrategy::Spin => spin_until(memory, &mut look, |_| deadline.passed()),
            WaitStrategy::Park => park(sleeper, link, count, deadline, &mut look),
            WaitStrategy::SpinThenPark => self.adapt(sleeper, link, memory, count, deadline, look),
        }
    }

    fn adapt<M: Memory>(
        &mut self,
        sleeper: &mut Sleeper<M>,
        link: &Link<M>,
        memory: &M,
        count: u64,
        deadline: Deadline,
        mut look: impl FnMut() -> bool,
    ) -> bool {
        let spun = self.spins && self.skip == 0;
        if spun {
            let expired = |started: Instant| started.elapsed() >= BUDGET || deadline.passed();
            if spin_until(memory, &mut look, expired) {
                self.penalty = 0;
                return true;
            }
        }
        let parked = Instant::now();
        let found = park(sleeper, link, count, deadline, &mut look);
        self.learn(spun, parked.elapsed());
        found
    }

    /// Spinning is left out while waits are long. If it failed although the wait was short, the peer probably had no core
    /// to run on: it is left out for longer each time.
    fn learn(&mut self, spun: bool, parked: Duration) {
        let short = parked < SHORT;
        match (spun, short) {
            (true, true) => {
                self.penalty = (self.penalty * 2 + 1).min(MOST_SKIPPED);
                self.skip = self.penalty;
            }
            (true, false) => self.skip = 1,
            (false, true) => self.skip = self.skip.saturating_sub(1),
            (false, false) => self.skip = self.skip.max(1),
        }
    }
}

/// Looks until there is something, or `expired`, which is told when the spinning began and asked once in many looks.
#[inline]
fn spin_until<M: Memory>(memory: &M, look: &mut impl FnMut() -> bool, expired: impl Fn(Instant) -> bool) -> bool {
    let mut started = None;
    loop {
        for _ in 0..LOOKS {
            if look() {
                return true;
            }
            memory.pause();
        }
        if expired(*started.get_or_insert_with(Instant::now)) {
            return false;
        }
    }
}

fn park<M: Memory>(
    sleeper: &mut Sleeper<M>,
    link: &Link<M>,
    count: u64,
    deadline: Deadline,
    look: &mut impl FnMut() -> bool,
) -> bool {
    loop {
        sleeper.announce(count);
        let mut found = look();
        let expired = !found && deadline.passed();
        if !found && !expired {
            sleeper.sleep(link, deadline);
            found = look();
        }
        if found || expired {
            sleeper.retract();
            return found;
        }
    }
}

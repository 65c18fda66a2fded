//! What a side that spins and then sleeps learns from its waits: when it spins again, and for how long.

use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use twinring::Deadline;
use twinring::memory::{Foreign, Own};
use twinring::wait::{Fencing, Link, Patience, Sleeper, WaitStrategy};

use super::counting::Counting;

/// Looks before the clock is asked.
const LOOKS: u32 = 64;

struct Waiter {
    memory: Counting,
    sleeper: Sleeper<Counting>,
    link: Link<Counting>,
    patience: Patience,
    /// Whether a short wait was a long one, because this thread lost its processor.
    disturbed: bool,
}

/// What the last waits must have been shorter than to be short ones.
const SHORT: Duration = Duration::from_micros(200);

impl Waiter {
    fn new(strategy: WaitStrategy) -> Self {
        let memory = Counting::new(3);
        let (own, peer) = (Own::new(memory.clone()), Foreign::new(memory.clone()));
        let sleeper = Sleeper::new(own.clone(), 0, peer, 1, Fencing::Plain);
        let (link, patience) = (Link::new(own, 2), Patience::new(strategy));
        Self { memory, sleeper, link, patience, disturbed: false }
    }

    /// Waits until `look` finds something; how often the thread paused meanwhile.
    fn wait(&mut self, deadline: Deadline, found: bool, look: impl FnMut() -> bool) -> u32 {
        let Self { memory, sleeper, link, patience, .. } = self;
        memory.pauses.set(0);
        let started = Instant::now();
        assert_eq!(patience.wait(sleeper, link, memory, 0, deadline, look), found);
        self.disturbed |= memory.sleep.get() == Duration::ZERO && started.elapsed() >= SHORT;
        memory.pauses.get()
    }

    /// A wait that is over as soon as somebody looks at the clock.
    fn in_vain(&mut self) -> u32 {
        self.wait(Deadline::at(Instant::now()), false, || false)
    }

    /// A wait that ends with a sleep of that time.
    fn slept(&mut self, sleep: Duration) -> u32 {
        self.memory.sleep.set(sleep);
        let (sleeps, before) = (Rc::clone(&self.memory.sleeps), self.memory.sleeps.get());
        self.wait(Deadline::NEVER, true, move || sleeps.get() > before)
    }

    /// A wait that ends at the tenth look.
    fn paid(&mut self) -> u32 {
        let mut looks = 0;
        self.wait(Deadline::NEVER, true, || {
            looks += 1;
            looks == 10
        })
    }
}

/// How often each wait paused, in a run in which no short wait was a long one.
fn undisturbed(run: impl Fn(&mut Waiter) -> Vec<u32>) -> Vec<u32> {
    for _ in 0..1000 {
        let mut waiter = Waiter::new(WaitStrategy::SpinThenPark);
        let pauses = run(&mut waiter);
        if !waiter.disturbed {
            return pauses;
        }
    }
    panic!("disturbed each time");
}

/// Whether nobody spins here, because nobody else could run meanwhile.
fn one_processor() -> bool {
    fs::read_to_string("/sys/devices/system/cpu/online").is_ok_and(|online| online.trim() == "0")
}

#[test]
fn spinning_in_vain_before_short_waits_is_left_out_for_longer_each_time() {
    if one_processor() {
        return;
    }
    let left_out = [1, 3, 7, 15, 31, 63, 127, 255, 256, 256];
    let expected: Vec<_> = left_out.iter().flat_map(|&count| [vec![LOOKS], vec![0; count]].concat()).collect();
    let pauses = undisturbed(|waiter| (0..expected.len()).map(|_| waiter.in_vain()).collect());
    assert_eq!(pauses, expected);
}

#[test]
fn once_spinning_has_paid_what_was_in_vain_is_forgotten() {
    if one_processor() {
        return;
    }
    let pauses = undisturbed(|waiter| {
        let before: Vec<_> = (0..6).map(|_| waiter.in_vain()).collect();
        let paid = waiter.paid();
        [before, vec![paid], (0..3).map(|_| waiter.in_vain()).collect()].concat()
    });
    assert_eq!(pauses, [LOOKS, 0, LOOKS, 0, 0, 0, 9, LOOKS, 0, LOOKS]);
}

#[test]
fn spinning_before_long_waits_is_left_out_until_one_is_short() {
    if one_processor() {
        return;
    }
    let pauses = undisturbed(|waiter| {
        let mut pauses: Vec<_> = (0..4).map(|_| waiter.slept(SHORT * 5)).collect();
        pauses.extend((0..2).map(|_| waiter.slept(Duration::ZERO)));
        pauses
    });
    assert!(pauses[0] > LOOKS, "spun for less than a sleep and a wake would cost");
    assert_eq!(pauses[1..5], [0; 4], "spins before it knows that waits are short");
    assert!(pauses[5] > LOOKS, "does not spin again");
}

#[test]
fn who_parks_never_spins_and_who_spins_never_parks() {
    let mut parks = Waiter::new(WaitStrategy::Park);
    assert_eq!((parks.in_vain(), parks.memory.sleeps.get()), (0, 0), "slept with its time over");
    assert_eq!((parks.slept(Duration::ZERO), parks.memory.sleeps.get()), (0, 1));
    let mut spins = Waiter::new(WaitStrategy::Spin);
    let mut looks = 0;
    let found = spins.wait(Deadline::NEVER, true, || {
        looks += 1;
        looks > 100_000
    });
    assert_eq!((spins.in_vain(), found, spins.memory.sleeps.get()), (LOOKS, 100_000, 0));
}

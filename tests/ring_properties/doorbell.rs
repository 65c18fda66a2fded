//! The two halves of a doorbell, one call after the other: what each remembers, which no model sees.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use twinring::Deadline;
use twinring::memory::{Foreign, Heap, Memory, Ordering, Own};
use twinring::wait::{Announced, Fencing, Link, Notice, Ringer, Sleeper};

use super::counting::Counting;

const ANNOUNCED: usize = 0;
const RUNG: usize = 0;

struct Doorbell {
    sleeper: Sleeper<Heap>,
    ringer: Ringer<Heap>,
    /// The half that the sleeper writes, and the ringer's.
    halves: [Heap; 2],
}

impl Doorbell {
    fn new(fencing: Fencing) -> Self {
        let halves = Heap::family([1, 1]);
        let [sleepers, ringers] = halves.clone();
        let (own, peer) = (Own::new(sleepers.clone()), Foreign::new(ringers.clone()));
        let sleeper = Sleeper::new(own, ANNOUNCED, peer, RUNG, fencing);
        let ringer = Ringer::new(Own::new(ringers), RUNG, Foreign::new(sleepers), ANNOUNCED);
        Self { sleeper, ringer, halves }
    }

    fn lightened(fencing: Fencing) -> Self {
        let Self { sleeper, ringer, halves } = Self::new(fencing);
        Self { sleeper: sleeper.lightened(), ringer, halves }
    }

    fn announced(&self) -> Announced {
        Announced::from_word(self.halves[0].load(ANNOUNCED, Ordering::Relaxed))
    }

    fn rung(&self) -> u32 {
        self.halves[1].load(RUNG, Ordering::Relaxed) as u32
    }
}

#[test]
fn a_sleeper_is_roused_once_and_not_rung_again() {
    let mut doorbell = Doorbell::new(Fencing::Plain);
    doorbell.ringer.rouse();
    assert_eq!((doorbell.ringer.wakes(), doorbell.rung()), (0, 0), "roused who is awake");
    doorbell.sleeper.announce(0);
    doorbell.ringer.rouse();
    doorbell.ringer.rouse();
    assert_eq!(doorbell.ringer.ring(), Notice::Done);
    assert_eq!((doorbell.ringer.wakes(), doorbell.rung()), (1, doorbell.announced().number()));
    doorbell.sleeper.retract();
    doorbell.sleeper.announce(0);
    doorbell.ringer.rouse();
    assert_eq!((doorbell.ringer.wakes(), doorbell.rung()), (2, doorbell.announced().number()));
}

#[test]
fn who_waits_in_poll_is_not_roused_but_poked() {
    let mut doorbell = Doorbell::new(Fencing::Plain);
    doorbell.sleeper.announce_polling(0);
    doorbell.ringer.rouse();
    assert_eq!(doorbell.ringer.wakes(), 0);
    assert_eq!(doorbell.ringer.ring(), Notice::Poke);
    assert_eq!(doorbell.ringer.ring(), Notice::Done, "poked twice");
}

/// Whatever the ringer's word is, an announcement is not one that looks answered.
#[test]
fn an_announcement_has_an_odd_number_that_was_not_answered() {
    for rung in 0..12 {
        let mut doorbell = Doorbell::new(Fencing::Plain);
        doorbell.halves[1].store(RUNG, rung, Ordering::Relaxed);
        let mut last = 0;
        for _ in 0..6 {
            doorbell.sleeper.announce(0);
            let announced = doorbell.announced();
            assert!(announced.asleep() && u64::from(announced.number()) != rung, "{announced:?} looks answered");
            assert_ne!(announced.number(), last, "a number for the second time");
            last = announced.number();
            doorbell.sleeper.retract();
            assert!(!doorbell.announced().asleep());
        }
    }
}

/// A sleeper that announces twice without getting up has a new number, too: the first may have been answered.
#[test]
fn an_announcement_after_another_has_a_new_number() {
    let mut doorbell = Doorbell::new(Fencing::Plain);
    doorbell.sleeper.announce(0);
    let first = doorbell.announced().number();
    doorbell.ringer.ring();
    doorbell.sleeper.announce(0);
    assert_ne!(doorbell.announced().number(), first);
    doorbell.ringer.ring();
    assert_eq!((doorbell.ringer.wakes(), doorbell.rung()), (2, doorbell.announced().number()));
}

#[test]
fn only_who_promised_not_to_may_not_sleep() {
    let may =
        [Fencing::Plain, Fencing::Adaptive, Fencing::Never].map(|fencing| Doorbell::new(fencing).sleeper.may_sleep());
    assert_eq!(may, [true, true, false]);
}

/// Who fences: each its own where sleeps are frequent, the sleeper for both where they are rare.
#[test]
fn the_light_fence_is_allowed_while_sleeps_are_rare() {
    let light = |doorbell: &Doorbell| doorbell.announced().has(Announced::LIGHT);
    let mut doorbell = Doorbell::new(Fencing::Adaptive);
    assert!(!light(&doorbell), "nobody knows yet whether it will sleep often");
    doorbell.sleeper.lighten(63);
    assert!(!light(&doorbell), "after 63 messages");
    doorbell.sleeper.lighten(64);
    assert!(light(&doorbell), "after 64 without a sleep");
    for (count, rare) in [(64, true), (127, false), (200, false)] {
        doorbell.sleeper.announce(count);
        assert_eq!(light(&doorbell), rare, "asleep after {count} messages");
        doorbell.sleeper.retract();
        assert_eq!(light(&doorbell), rare, "awake after {count} messages");
    }
    doorbell.sleeper.lighten(263);
    assert!(!light(&doorbell), "after 63 messages without a sleep");
    doorbell.sleeper.lighten(264);
    assert!(light(&doorbell), "after 64");
    assert!(light(&Doorbell::lightened(Fencing::Adaptive)), "it expects to sleep seldom");
    let mut plain = Doorbell::new(Fencing::Plain);
    plain.sleeper.lighten(1000);
    assert!(!light(&plain), "the processes cannot fence each other");
}

/// A sleeper that expects to sleep seldom, and its half, which says what was done with it.
fn counted() -> (Sleeper<Counting>, Counting) {
    let [own, peer] = [Counting::new(1), Counting::new(1)];
    let sleeper = Sleeper::new(Own::new(own.clone()), ANNOUNCED, Foreign::new(peer), RUNG, Fencing::Adaptive);
    (sleeper.lightened(), own)
}

/// Once the system has refused the heavy fence, each side makes its own: that is said at once, and for ever.
#[test]
fn a_refused_heavy_fence_is_never_relied_on_again() {
    let (mut sleeper, own) = counted();
    let announced = || Announced::from_word(own.load(ANNOUNCED, Ordering::Relaxed));
    assert!(announced().has(Announced::LIGHT));
    own.refuses.set(true);
    sleeper.announce(1000);
    assert!(announced().asleep() && !announced().has(Announced::LIGHT));
    sleeper.retract();
    own.refuses.set(false);
    sleeper.lighten(5000);
    assert!(!announced().has(Announced::LIGHT), "the fence is relied on again");
}

/// Nobody looks again after a moment in `poll(2)`, so no fence may be missed there: the sleeper gives the ringer time to see that
/// each side makes its own from now on, once.
#[test]
fn who_waits_in_poll_relies_on_no_heavy_fence() {
    let mut doorbell = Doorbell::lightened(Fencing::Adaptive);
    assert!(doorbell.announced().has(Announced::LIGHT));
    let started = Instant::now();
    doorbell.sleeper.announce_polling(1000);
    assert!(started.elapsed() >= Duration::from_millis(1), "the ringer had no time to see it");
    for _ in 0..3 {
        let announced = doorbell.announced();
        assert!(announced.asleep() && announced.has(Announced::POLLING) && !announced.has(Announced::LIGHT));
        doorbell.sleeper.retract();
        doorbell.sleeper.lighten(5000);
        assert!(!doorbell.announced().has(Announced::LIGHT), "the fence is relied on again");
        doorbell.sleeper.announce_polling(5000);
    }
}

/// Who says early that it will poll takes the bit back at once, and gives the ringer the same time to see it: from then on, and
/// once.
#[test]
fn the_time_to_see_it_runs_from_when_it_is_said() {
    let (mut sleeper, own) = counted();
    let announced = || Announced::from_word(own.load(ANNOUNCED, Ordering::Relaxed));
    let earliest = Deadline::after(Duration::from_millis(1));
    sleeper.expect_polling();
    let latest = Deadline::after(Duration::from_millis(1));
    assert!(!announced().asleep() && !announced().has(Announced::LIGHT));
    assert_eq!(own.settled.borrow().len(), 0, "nothing hangs on it yet");
    for polls in [false, true, true] {
        sleeper.expect_polling();
        if polls {
            sleeper.announce_polling(0)
        } else {
            sleeper.announce(0)
        }
        let settled = own.settled.borrow();
        assert_eq!(settled.len(), 1);
        assert_eq!((earliest.min(settled[0]), latest.min(settled[0])), (earliest, settled[0]), "another time");
        sleeper.retract();
    }
}

/// A side that promised never to sleep does not poll either.
#[test]
fn who_never_sleeps_is_not_expected_to_poll() {
    let mut doorbell = Doorbell::new(Fencing::Never);
    doorbell.sleeper.expect_polling();
    assert!(doorbell.announced().has(Announced::LIGHT));
}

#[test]
fn a_sleep_behind_a_heavy_fence_is_short() {
    let (tell, told) = mpsc::channel();
    let mut doorbell = Doorbell::lightened(Fencing::Adaptive);
    let link = Link::new(Own::new(Heap::new(1)), 0);
    // Nobody answers; the thread is left behind if it is not woken.
    thread::spawn(move || {
        doorbell.sleeper.announce(1000);
        assert!(doorbell.announced().has(Announced::LIGHT));
        doorbell.sleeper.sleep(&link, Deadline::NEVER);
        doorbell.sleeper.announce(1000);
        assert!(!doorbell.announced().has(Announced::LIGHT), "it sleeps often");
        doorbell.sleeper.sleep(&link, Deadline::NEVER);
        tell.send(doorbell.sleeper.sleeps()).expect("a listener");
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(2), "it sleeps though a fence may have been missed");
}

//! The doorbell alone: one word that is waited for, and the wait that the channel uses.

use loom::thread;
use twinring::memory::{Foreign, Memory, Ordering};
use twinring::wait::{Fencing, Notice, Patience, Ringer};
use twinring::{Deadline, WaitStrategy};

use crate::direction::{Direction, Setup};
use crate::memory::{Fences, Side};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// The word that is waited for: any of the ring will do.
const WORD: usize = 3;

/// What stands there after the ringer's `step`, as a commit would.
fn raise(direction: &Direction, step: u64) {
    direction.sender().store(WORD, 1 << 32 | step, Ordering::Release);
}

fn raised(direction: &Direction, step: u64) -> bool {
    let half = Foreign::new(direction.sender().clone());
    half.load(WORD, Ordering::Acquire) >= 1 << 32 | step
}

/// The ringer raises the word step by step, ringing each time; the sleeper waits for each step, having counted so many
/// messages before it.
fn steps(direction: &Direction, fencing: Fencing, counts: &'static [u64]) {
    rung_steps(direction, fencing, counts, |_| {});
}

/// The same, and before each step the ringer wakes the sleeper, which may find nothing and sleep again.
fn roused_steps(direction: &Direction, fencing: Fencing, counts: &'static [u64]) {
    rung_steps(direction, fencing, counts, Ringer::rouse);
}

fn rung_steps(direction: &Direction, fencing: Fencing, counts: &'static [u64], before: fn(&mut Ringer<Mutant>)) {
    let mut sleeper = direction.sleeper(fencing);
    let ringing = thread::spawn({
        let (direction, mut ringer) = (direction.clone(), direction.ringer());
        move || {
            for step in 1..=counts.len() as u64 {
                before(&mut ringer);
                raise(&direction, step);
                assert_eq!(ringer.ring(), Notice::Done);
            }
            direction.finished(Side::Sender);
        }
    });
    let (link, mut patience) = (direction.receiver_link(), Patience::new(WaitStrategy::Park));
    for (step, &count) in (1..).zip(counts) {
        let look = || raised(direction, step);
        sleeper.lighten(count);
        patience.wait(&mut sleeper, &link, direction.sender(), count, Deadline::NEVER, look);
    }
    direction.finished(Side::Receiver);
    ringing.join().expect("the ringer has finished");
}

/// Each side its own fence, and the ringer rouses first.
pub fn roused(mutation: Mutation) {
    roused_steps(&Setup::new(mutation).build(), Fencing::Plain, &[0, 0]);
}

/// The same with the sleeper's heavy fence and nothing on the ringer's side.
pub fn roused_membarrier(mutation: Mutation) {
    roused_steps(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[64]);
}

/// Each side its own fence.
pub fn plain(mutation: Mutation) {
    steps(&Setup::new(mutation).build(), Fencing::Plain, &[0, 0]);
}

/// The same, and a signal ends the first sleep.
pub fn interrupted(mutation: Mutation) {
    steps(&Setup::new(mutation).signals(1).build(), Fencing::Plain, &[0, 0]);
}

/// The sleeper's heavy fence and the ringer's light one, both modelled as full fences.
pub fn both_fence(mutation: Mutation) {
    steps(&Setup::new(mutation).fences(Fences::Both).build(), Fencing::Adaptive, &[64, 128]);
}

/// The sleeper's heavy fence and nothing on the ringer's side.
pub fn membarrier(mutation: Mutation) {
    steps(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[64, 128]);
}

/// A sleeper that made heavy fences takes the bit back.
pub fn light_to_plain(mutation: Mutation) {
    steps(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[0, 1]);
}

/// A sleeper that made plain fences sets the bit again.
pub fn plain_to_light(mutation: Mutation) {
    steps(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[0, 64]);
}

/// The heavy fence is refused the first time that it is needed.
pub fn refused(mutation: Mutation) {
    steps(&Setup::new(mutation).fences(Fences::Revoked).build(), Fencing::Adaptive, &[64, 65]);
}

/// The same, and a signal ends the first sleep.
pub fn refused_interrupted(mutation: Mutation) {
    let direction = Setup::new(mutation).fences(Fences::Revoked).signals(1).build();
    steps(&direction, Fencing::Adaptive, &[64, 65]);
}

/// Who relied on its heavy fence and now waits in `poll(2)` is sent a byte; it makes no heavy fence for that.
pub fn armed(mutation: Mutation) {
    let direction = Setup::new(mutation).fences(Fences::Revoked).build();
    let mut sleeper = direction.sleeper(Fencing::Adaptive);
    let ringing = thread::spawn({
        let (direction, mut ringer) = (direction.clone(), direction.ringer());
        move || {
            raise(&direction, 1);
            let notice = ringer.ring();
            direction.finished(Side::Sender);
            notice
        }
    });
    sleeper.announce_polling(64);
    let armed = !raised(&direction, 1);
    direction.finished(Side::Receiver);
    let notice = ringing.join().expect("the ringer has finished");
    assert!(!armed || notice == Notice::Poke, "armed, but not poked");
}

/// Whoever finds its number answered sees what was written before the answer, whether it slept or not: the ringer's
/// light fence, which is nothing, has no part in it.
pub fn answer(mutation: Mutation) {
    let direction = Setup::new(mutation).fences(Fences::Membarrier).build();
    let mut sleeper = direction.sleeper(Fencing::Adaptive);
    let ringing = thread::spawn({
        let (direction, mut ringer) = (direction.clone(), direction.ringer());
        move || {
            direction.sender().store(WORD, 1 << 32 | 1, Ordering::Relaxed);
            while ringer.wakes() == 0 {
                assert_eq!(ringer.ring(), Notice::Done);
                thread::yield_now();
            }
            direction.finished(Side::Sender);
        }
    });
    sleeper.announce(64);
    sleeper.sleep(&direction.receiver_link(), Deadline::NEVER);
    let half = Foreign::new(direction.sender().clone());
    assert_ne!(half.load(WORD, Ordering::Relaxed), 0, "answered, but what was written before is not seen");
    direction.finished(Side::Receiver);
    ringing.join().expect("the ringer has finished");
}

/// An announcement that was taken back is not answered.
pub fn retracted(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut sleeper, mut ringer) = (direction.sleeper(Fencing::Plain), direction.ringer());
    sleeper.announce(0);
    sleeper.retract();
    let ringing = thread::spawn(move || {
        assert_eq!(ringer.ring(), Notice::Done);
        assert_eq!(ringer.wakes(), 0, "woke who was awake");
    });
    ringing.join().expect("the ringer has finished");
}

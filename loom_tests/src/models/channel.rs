//! Both ends with their waiting: whoever has nothing to do sleeps, and a wake that is missed is a deadlock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::thread;
use twinring::Deadline;
use twinring::channel::{ClaimError, End, Incoming, NextError, Outgoing, Poker};
use twinring::wait::{Fencing, Notice};

use crate::direction::{Direction, Setup};
use crate::memory::{Fences, Side};
use crate::messages::{receive, send, send_quietly};
use crate::mutant::Mutant;
use crate::mutation::Mutation;

/// Messages of these lengths, one after the other.
fn exchange(direction: &Direction, fencing: Fencing, lengths: &'static [usize]) {
    exchange_after(direction, fencing, 0, lengths);
}

/// The same, of which the first `before` were sent before the receiver starts.
fn exchange_after(direction: &Direction, fencing: Fencing, before: usize, lengths: &'static [usize]) {
    let (mut outgoing, mut incoming) = (direction.outgoing(fencing), direction.incoming(fencing));
    let numbered = || lengths.iter().copied().enumerate();
    for (number, length) in numbered().take(before) {
        send(&mut outgoing, number, length);
    }
    let receiving = thread::spawn({
        let direction = direction.clone();
        move || {
            for (number, length) in numbered() {
                receive(&mut incoming, number, length);
            }
            direction.finished(Side::Receiver);
        }
    });
    for (number, length) in numbered().skip(before) {
        send(&mut outgoing, number, length);
    }
    direction.finished(Side::Sender);
    receiving.join().expect("the receiver has finished");
}

/// The receiver waits for data, the sender never for room.
pub fn consumer_sleeps(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), Fencing::Plain, &[8, 8]);
}

/// The ring is full when the receiver starts; it never waits.
pub fn producer_sleeps(mutation: Mutation) {
    room_for_more(&Setup::new(mutation).build(), &[24], &[24]);
}

/// The same, with a head that is published because it is due: the receiver does not find the ring empty.
pub fn producer_sleeps_lazy(mutation: Mutation) {
    room_for_more(&Setup::new(mutation).lazy(4).build(), &[8, 8, 8], &[8]);
}

/// The ring is full but for the word that is part of every claim.
pub fn extra_word(mutation: Mutation) {
    room_for_more(&Setup::new(mutation).build(), &[8, 8, 8], &[8]);
}

/// The ring is full, and the sender wants the room of two frames.
pub fn producer_sleeps_twice(mutation: Mutation) {
    room_for_more(&Setup::new(mutation).build(), &[8, 8, 8], &[8, 8]);
}

/// Fills the ring, then sends more while the first ones are received.
fn room_for_more(direction: &Direction, full: &'static [usize], more: &'static [usize]) {
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    for (number, &length) in full.iter().enumerate() {
        send(&mut outgoing, number, length);
    }
    let receiving = thread::spawn(move || {
        for (number, &length) in full.iter().enumerate() {
            receive(&mut incoming, number, length);
        }
    });
    for (number, &length) in (full.len()..).zip(more) {
        send(&mut outgoing, number, length);
    }
    receiving.join().expect("the receiver has finished");
}

/// Each waits for the other.
pub fn both_sleep(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), Fencing::Plain, &[24, 24]);
}

/// The same, around the end of the ring.
pub fn both_sleep_longer(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), Fencing::Plain, &[24, 16, 8]);
}

/// Each waits for the other, with frames that do not fit before the end.
pub fn both_sleep_skip(mutation: Mutation) {
    exchange_after(&Setup::new(mutation).build(), Fencing::Plain, 2, &[16, 16, 16]);
}

/// The same, from an empty ring on.
pub fn both_sleep_skip_longer(mutation: Mutation) {
    exchange(&Setup::new(mutation).build(), Fencing::Plain, &[16, 16, 16]);
}

/// Each waits for the other, and the head lags behind; the ring was found empty twice before.
pub fn both_sleep_lazy(mutation: Mutation) {
    let direction = Setup::new(mutation).lazy(4).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    for number in 0..2 {
        send(&mut outgoing, number, 8);
        receive(&mut incoming, number, 8);
        assert_eq!(incoming.try_next(), Err(NextError::Empty));
    }
    let receiving = thread::spawn(move || {
        for number in 2..4 {
            receive(&mut incoming, number, 8);
        }
    });
    for number in 2..4 {
        send(&mut outgoing, number, 8);
    }
    receiving.join().expect("the receiver has finished");
}

/// A largest frame behind frames whose room the receiver withholds until it finds the ring empty.
pub fn largest_sleeps(mutation: Mutation) {
    exchange_after(&Setup::new(mutation).lazy(3).build(), Fencing::Plain, 2, &[8, 8, 16, 16]);
}

/// Several commits, one ring.
pub fn batch(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    let receiving = thread::spawn(move || {
        for number in 0..3 {
            receive(&mut incoming, number, 8);
        }
    });
    for number in 0..3 {
        send_quietly(&mut outgoing, number, 8);
    }
    assert_eq!(outgoing.ring(), Notice::Done);
    receiving.join().expect("the receiver has finished");
}

/// A receiver that asked for a byte on the control socket, because there was nothing, gets one.
pub fn armed(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    let sending = thread::spawn({
        let direction = direction.clone();
        move || {
            send_quietly(&mut outgoing, 0, 8);
            let notice = outgoing.ring();
            direction.finished(Side::Sender);
            notice
        }
    });
    let armed = incoming.arm();
    direction.finished(Side::Receiver);
    let notice = sending.join().expect("the sender has finished");
    assert!(!armed || notice == Notice::Poke, "armed, but not poked");
    receive(&mut incoming, 0, 8);
}

/// A sender that is called in place of being woken, because there was no room, is called when there is.
pub fn rested_for_room(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    send(&mut outgoing, 0, 24);
    let receiving = thread::spawn({
        let direction = direction.clone();
        move || {
            receive(&mut incoming, 0, 24);
            assert_eq!(incoming.try_next(), Err(NextError::Empty));
            direction.finished(Side::Receiver);
            incoming.wakes()
        }
    });
    let rests = outgoing.rest(24);
    direction.finished(Side::Sender);
    let calls = receiving.join().expect("the receiver has finished");
    assert!(!rests || calls > 0, "rests, but is not called");
    outgoing.rise();
    assert!(outgoing.try_claim(24).is_ok(), "there is room");
}

/// A sender that asked for a byte on the control socket, because there was no room, gets one when there is.
pub fn armed_for_room(mutation: Mutation) {
    poked_for_room(&Setup::new(mutation).build(), Fencing::Plain, |_| ());
}

/// The same, and the heavy fence is refused.
pub fn armed_for_room_refused(mutation: Mutation) {
    poked_for_room(&Setup::new(mutation).fences(Fences::Revoked).build(), Fencing::Adaptive, |_| ());
}

/// The same of a sender that says early that it will ask.
pub fn armed_for_room_expected(mutation: Mutation) {
    let direction = Setup::new(mutation).fences(Fences::Revoked).build();
    poked_for_room(&direction, Fencing::Adaptive, Outgoing::expect_arming);
}

fn poked_for_room(direction: &Direction, fencing: Fencing, before: impl FnOnce(&mut Outgoing<Mutant>)) {
    let mut outgoing = direction.outgoing(fencing);
    send(&mut outgoing, 0, 24);
    let receiving = poking(direction, fencing, |incoming| {
        receive(incoming, 0, 24);
        assert_eq!(incoming.try_next(), Err(NextError::Empty));
    });
    before(&mut outgoing);
    let armed = outgoing.arm(24);
    direction.finished(Side::Sender);
    let poked = receiving.join().expect("the receiver has finished");
    assert!(!armed || poked, "armed for room, but not poked");
    outgoing.rise();
    assert!(outgoing.try_claim(24).is_ok(), "there is room");
}

/// A sender that asked to be told when the receiver leaves, because it had not, is told.
pub fn armed_for_departure(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let mut outgoing = direction.outgoing(Fencing::Plain);
    let receiving = poking(&direction, Fencing::Plain, Incoming::leave);
    let armed = outgoing.arm_for_departure();
    direction.finished(Side::Sender);
    let poked = receiving.join().expect("the receiver has finished");
    assert!(!armed || poked, "armed for the departure, but not poked");
    assert!(outgoing.is_deserted(), "left without a word");
}

/// A receiver that does this, and whether it poked the sender meanwhile.
fn poking(
    direction: &Direction,
    fencing: Fencing,
    does: impl FnOnce(&mut Incoming<Mutant>) + 'static,
) -> thread::JoinHandle<bool> {
    let (mut incoming, direction) = (direction.incoming(fencing), direction.clone());
    thread::spawn(move || {
        // What the kernel carries is not modelled: it is looked at once both sides are done.
        let poked = Arc::new(AtomicBool::new(false));
        if !direction.has(Mutation::PokeDropped) {
            let poked = Arc::clone(&poked);
            incoming.poke_by(Poker::new(move || poked.store(true, Ordering::Relaxed)));
        }
        does(&mut incoming);
        direction.finished(Side::Receiver);
        poked.load(Ordering::Relaxed)
    })
}

/// The second sleep takes LIGHT back, under a heavy fence.
pub fn adaptive(mutation: Mutation) {
    exchange(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[8, 8]);
}

/// The same, with both sides asleep at times.
pub fn adaptive_both_sleep(mutation: Mutation) {
    exchange(&Setup::new(mutation).fences(Fences::Both).build(), Fencing::Adaptive, &[24, 24]);
}

/// The same with a true membarrier, both sides of which may be in the call.
pub fn adaptive_both_sleep_longer(mutation: Mutation) {
    exchange(&Setup::new(mutation).fences(Fences::Membarrier).build(), Fencing::Adaptive, &[24, 24]);
}

/// The sender leaves: the receiver gets all messages, then learns of it, asleep or not.
pub fn fin_wakes(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    let receiving = thread::spawn(move || {
        receive(&mut incoming, 0, 8);
        ended(&mut incoming, End::Closed);
    });
    send(&mut outgoing, 0, 8);
    assert_eq!(outgoing.finish(), Notice::Done);
    receiving.join().expect("the receiver has finished");
}

/// The receiver leaves: a sender that waits for room learns of it.
pub fn leaving_wakes(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    send(&mut outgoing, 0, 24);
    let receiving = thread::spawn(move || incoming.leave());
    refused(&mut outgoing, 24, End::Closed);
    receiving.join().expect("the receiver has finished");
}

/// A third thread learns that the peer is dead, while the receiver sleeps for data.
pub fn death_wakes_receiver(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let mut incoming = direction.incoming(Fencing::Plain);
    let link = direction.receiver_link();
    let watching = thread::spawn(move || link.declare_dead());
    ended(&mut incoming, End::Disconnected);
    watching.join().expect("the watcher has finished");
}

/// A third thread learns that the peer is dead, while the sender sleeps for room.
pub fn death_wakes_sender(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let mut outgoing = direction.outgoing(Fencing::Plain);
    send(&mut outgoing, 0, 24);
    let link = direction.sender_link();
    let watching = thread::spawn(move || link.declare_dead());
    refused(&mut outgoing, 24, End::Disconnected);
    watching.join().expect("the watcher has finished");
}

/// The peer commits, wakes nobody and dies; a third thread notices. What was committed is received first.
pub fn death_after_commit(mutation: Mutation) {
    let direction = Setup::new(mutation).build();
    let (mut outgoing, mut incoming) = (direction.outgoing(Fencing::Plain), direction.incoming(Fencing::Plain));
    let dying = thread::spawn(move || send_quietly(&mut outgoing, 0, 8));
    let link = direction.receiver_link();
    let watching = thread::spawn(move || {
        dying.join().expect("the peer has died in order");
        link.declare_dead();
    });
    receive(&mut incoming, 0, 8);
    ended(&mut incoming, End::Disconnected);
    watching.join().expect("the watcher has finished");
}

/// Nothing more comes, for this reason, now and later.
fn ended(incoming: &mut Incoming<Mutant>, end: End) {
    for _ in 0..2 {
        match incoming.next(Deadline::NEVER) {
            Err(NextError::End(seen)) => assert_eq!(seen, end, "another end"),
            found => panic!("instead of the end: {found:?}"),
        }
    }
}

/// Nothing more can be sent, for this reason, now and later.
fn refused(outgoing: &mut Outgoing<Mutant>, length: usize, end: End) {
    for _ in 0..2 {
        match outgoing.claim(length, Deadline::NEVER) {
            Err(ClaimError::End(seen)) => assert_eq!(seen, end, "another end"),
            found => panic!("instead of the end: {found:?}"),
        }
    }
}

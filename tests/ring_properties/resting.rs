//! A receiver that announces a sleep and does not sleep itself: roused, armed, at rest, and up again.

use twinring::channel::{Incoming, Outgoing, Words};
use twinring::memory::{Foreign, Heap, Own};
use twinring::ring::Geometry;
use twinring::wait::{Fencing, Link, Notice, WaitStrategy};

use super::inputs::GUARD;

const CAPACITY: u64 = 4096;
const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

/// The least payload for which a sleeper is woken before it is copied.
const LARGE: usize = 8192;

fn direction(lazy: u64) -> (Outgoing<Heap>, Incoming<Heap>) {
    let [ring, head, private] = Heap::family([GUARD + CAPACITY as usize, GUARD, 1]);
    let (geometry, link) = (Geometry::new(GUARD, 3, CAPACITY, lazy), Link::new(Own::new(private), 0));
    let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
    let outgoing = Outgoing::new(own, peer, geometry, WORDS, link.clone(), WaitStrategy::Park, Fencing::Plain);
    let (own, peer) = (Own::new(head), Foreign::new(ring));
    (outgoing, Incoming::new(own, peer, geometry, WORDS, link, WaitStrategy::Park, Fencing::Plain))
}

fn send_small(outgoing: &mut Outgoing<Heap>) {
    assert_eq!(send(outgoing, 8), Notice::Done);
}

fn send(outgoing: &mut Outgoing<Heap>, length: usize) -> Notice {
    let claim = outgoing.try_claim(length).expect("room");
    outgoing.commit_quietly(claim);
    outgoing.ring()
}

fn receive(incoming: &mut Incoming<Heap>) {
    let span = incoming.try_next().expect("a message");
    incoming.release(span);
}

#[test]
fn who_sleeps_is_woken_before_a_large_message_is_copied() {
    let (mut outgoing, mut incoming) = direction(1);
    let _rest = incoming.rest().expect("nothing there");
    let known = outgoing.claim_known(LARGE - 1);
    assert!(known.is_some() && outgoing.try_claim(LARGE - 1).is_ok());
    assert_eq!(outgoing.wakes(), 0, "woken for a small message");
    assert_eq!(outgoing.claim_known(LARGE), None, "the fast path wakes nobody");
    let claim = outgoing.try_claim(LARGE).expect("room");
    assert_eq!(outgoing.wakes(), 1);
    outgoing.commit_quietly(claim);
    assert_eq!((outgoing.ring(), outgoing.wakes()), (Notice::Done, 1), "woken twice");
}

#[test]
fn who_rests_is_woken_once_and_who_is_up_again_is_not() {
    let (mut outgoing, mut incoming) = direction(1);
    let _rest = incoming.rest().expect("nothing there");
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Done, 1));
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Done, 1));
    incoming.rise();
    (0..2).for_each(|_| receive(&mut incoming));
    let _rest = incoming.rest().expect("nothing there");
    incoming.rise();
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Done, 1), "woken although up");
}

#[test]
fn nobody_rests_or_is_armed_while_there_is_a_message() {
    let (mut outgoing, mut incoming) = direction(1);
    send_small(&mut outgoing);
    assert!(incoming.rest().is_none());
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Done, 0), "woken although up");
    assert!(!incoming.arm());
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Done, 0), "poked although up");
    (0..3).for_each(|_| receive(&mut incoming));
    assert!(incoming.arm());
    assert_eq!((send(&mut outgoing, 8), outgoing.wakes()), (Notice::Poke, 1));
}

/// What was received is not given back message by message: that would take the sender's line away each time.
#[test]
fn room_is_given_back_lazily() {
    let (mut outgoing, mut incoming) = direction(64);
    // As many frames of two words as the ring holds, with the word behind the last.
    let frames = CAPACITY as usize / 2 - 1;
    (0..frames).for_each(|_| send_small(&mut outgoing));
    assert!(outgoing.try_claim(8).is_err());
    for _ in 0..31 {
        receive(&mut incoming);
        assert!(outgoing.try_claim(8).is_err(), "told of 62 words or fewer");
    }
    receive(&mut incoming);
    assert!(outgoing.try_claim(8).is_ok(), "not told of 64 words");
}

/// A sender that waits for room, and does not sleep itself, is rung for once there is some.
#[test]
fn a_sender_rests_only_while_there_is_no_room() {
    let (mut outgoing, mut incoming) = direction(1);
    assert!(!outgoing.rest(8), "there is room");
    while outgoing.try_claim(8).is_ok() {
        send_small(&mut outgoing);
    }
    receive(&mut incoming);
    assert_eq!(incoming.wakes(), 0, "rung for although it does not rest");
    send_small(&mut outgoing);
    assert!(outgoing.rest(8));
    receive(&mut incoming);
    assert_eq!(incoming.wakes(), 1);
    outgoing.rise();
    send_small(&mut outgoing);
    assert!(outgoing.rest(8));
    outgoing.rise();
    receive(&mut incoming);
    assert_eq!(incoming.wakes(), 1, "rung for although up");
    send_small(&mut outgoing);
    incoming.leave();
    assert!(!outgoing.rest(8), "nobody will make room");
}

//! A direction between two threads, in memory whose payloads are plain bytes: what is not ordered is a data race, which Miri
//! and ThreadSanitizer see. Without them it is a test of the content alone.
#![allow(unsafe_code)]

#[path = "race/plain.rs"]
mod plain;

use std::thread;

use plain::Plain;
use twinring::channel::{Incoming, NextError, Outgoing, Words};
use twinring::memory::{Foreign, Own};
use twinring::ring::Geometry;
use twinring::wait::{Fencing, Link, Notice, WaitStrategy};
use twinring::{Deadline, End};

/// Words before the ring, for the doorbells and the head.
const GUARD: usize = 8;
const HEAD: usize = 3;
const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

/// Each with every way of waiting and fencing. Miri takes a thousand times as long.
const MESSAGES: usize = if cfg!(miri) { 40 } else { 5_000 };

fn direction(capacity: u64, wait: WaitStrategy, fencing: Fencing) -> (Outgoing<Plain>, Incoming<Plain>) {
    let [ring, head, private] = Plain::family([GUARD + capacity as usize, GUARD, 2]);
    let geometry = Geometry::new(GUARD, HEAD, capacity, capacity / 8);
    let [sender, receiver] = [0, 1].map(|word| Link::new(Own::new(private.clone()), word));
    let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
    let outgoing = Outgoing::new(own, peer, geometry, WORDS, sender, wait, fencing);
    let (own, peer) = (Own::new(head), Foreign::new(ring));
    (outgoing, Incoming::new(own, peer, geometry, WORDS, receiver, wait, fencing))
}

/// Lengths that wrap, skip, and now and then fill a small ring.
fn length(number: usize, largest: usize) -> usize {
    number * 7 % (largest + 1)
}

fn send(mut outgoing: Outgoing<Plain>) {
    let largest = outgoing.largest();
    for number in 0..MESSAGES {
        let message = vec![number as u8; length(number, largest)];
        let claim = outgoing.claim(message.len(), Deadline::NEVER).expect("room");
        outgoing.fill(&claim, 0, &message);
        outgoing.commit_quietly(claim);
        assert_eq!(outgoing.ring(), Notice::Done);
    }
    outgoing.finish();
}

fn receive(mut incoming: Incoming<Plain>, largest: usize) {
    let mut buffer = vec![0; largest];
    for number in 0..MESSAGES {
        let span = incoming.next(Deadline::NEVER).expect("a message");
        assert_eq!(span.length(), length(number, largest), "the length of message {number}");
        incoming.copy_out(span, 0, &mut buffer[..span.length()]);
        assert!(buffer[..span.length()].iter().all(|&byte| byte == number as u8), "message {number} is torn");
        incoming.release(span);
    }
    assert_eq!(incoming.next(Deadline::NEVER), Err(NextError::End(End::Closed)));
}

fn exchange(capacity: u64) {
    for wait in [WaitStrategy::Spin, WaitStrategy::SpinThenPark, WaitStrategy::Park] {
        for fencing in [Fencing::Plain, Fencing::Adaptive] {
            let (outgoing, incoming) = direction(capacity, wait, fencing);
            let largest = outgoing.largest();
            let sending = thread::spawn(move || send(outgoing));
            receive(incoming, largest);
            sending.join().expect("what is sent is sent");
        }
    }
}

/// One after the other: those that spin need both processors.
#[test]
fn payloads_are_ordered_in_small_rings_and_in_larger_ones() {
    exchange(16);
    exchange(256);
}

//! A sender that has finished, and waits until its receiver has left.

use std::time::Instant;

use twinring::channel::{ClaimError, Incoming, Outgoing, Words};
use twinring::memory::{Foreign, Heap, Own};
use twinring::ring::Geometry;
use twinring::wait::{Fencing, Link, WaitStrategy};
use twinring::{Corrupt, Deadline, End};

use super::inputs::GUARD;

const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

struct Pair {
    outgoing: Outgoing<Heap>,
    incoming: Incoming<Heap>,
    /// The sender's.
    link: Link<Heap>,
}

fn pair() -> Pair {
    let [ring, head, private] = Heap::family([GUARD + 16, GUARD, 2]);
    let geometry = Geometry::new(GUARD, 3, 16, 1);
    let [link, other] = [0, 1].map(|word| Link::new(Own::new(private.clone()), word));
    let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
    let mut outgoing = Outgoing::new(own, peer, geometry, WORDS, link.clone(), WaitStrategy::Park, Fencing::Plain);
    let (own, peer) = (Own::new(head), Foreign::new(ring));
    let incoming = Incoming::new(own, peer, geometry, WORDS, other, WaitStrategy::Park, Fencing::Plain);
    outgoing.finish();
    Pair { outgoing, incoming, link }
}

fn past() -> Deadline {
    Deadline::at(Instant::now())
}

#[test]
fn a_receiver_that_has_not_left_by_the_deadline_is_said_to_be_there() {
    let Pair { mut outgoing, .. } = pair();
    assert_eq!((outgoing.await_departure(past()), outgoing.is_deserted()), (Err(ClaimError::Full), false));
    assert_eq!(outgoing.sleeps(), 0, "slept with its time over");
}

#[test]
fn a_receiver_that_leaves_ends_the_wait() {
    let Pair { mut outgoing, mut incoming, link } = pair();
    incoming.leave();
    assert_eq!((outgoing.await_departure(Deadline::NEVER), outgoing.is_deserted()), (Ok(()), true));
    // One that left in order, and died then, has left in order.
    link.declare_dead();
    assert_eq!(outgoing.await_departure(Deadline::NEVER), Ok(()));
}

#[test]
fn a_receiver_that_dies_ends_the_wait_and_so_does_one_that_lies() {
    let Pair { mut outgoing, link, .. } = pair();
    link.declare_dead();
    assert_eq!(outgoing.await_departure(Deadline::NEVER), Err(ClaimError::End(End::Disconnected)));
    let Pair { mut outgoing, link, .. } = pair();
    let corrupt = Corrupt { what: "a word", seen: 2, least: 0, most: 1 };
    link.declare_corrupt(corrupt);
    assert_eq!(outgoing.await_departure(Deadline::NEVER), Err(ClaimError::End(End::Corrupt(corrupt))));
}

#[test]
fn a_sender_that_finished_sends_no_more() {
    let Pair { mut outgoing, .. } = pair();
    assert_eq!(outgoing.claim_known(1), None);
    assert_eq!(outgoing.try_claim(1), Err(ClaimError::End(End::Closed)));
    assert_eq!(outgoing.claim(1, Deadline::NEVER), Err(ClaimError::End(End::Closed)));
}

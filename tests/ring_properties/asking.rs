//! What each end says of itself, and what it asks the other for: room, to be told of it, to leave out fences; what it counts there.

use std::thread;
use std::time::{Duration, Instant};

use twinring::channel::{ClaimError, Incoming, NextError, Outgoing, Words};
use twinring::memory::{Count, Counts, Foreign, Heap, Memory, Ordering, Own};
use twinring::ring::{Consumer, Geometry, Producer};
use twinring::wait::{Announced, Fencing, Link, Notice, WaitStrategy};
use twinring::{Deadline, End};

use super::inputs::GUARD;

const CAPACITY: u64 = 16;
const HEAD: usize = 3;
const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

/// Both ends, and what they write.
struct Direction {
    outgoing: Outgoing<Heap>,
    incoming: Incoming<Heap>,
    /// The receiver's link; the sender has one of its own.
    link: Link<Heap>,
    own_link: Link<Heap>,
    /// Of the sender, and of the receiver.
    halves: [Heap; 2],
}

impl Direction {
    fn new(fencing: Fencing, capacity: u64, lazy: u64) -> Self {
        let [ring, head, private] = Heap::family([GUARD + capacity as usize, GUARD, 2]);
        let geometry = Geometry::new(GUARD, HEAD, capacity, lazy);
        let [own_link, link] = [0, 1].map(|word| Link::new(Own::new(private.clone()), word));
        let park = WaitStrategy::Park;
        let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
        let outgoing = Outgoing::new(own, peer, geometry, WORDS, own_link.clone(), park, fencing);
        let (own, peer) = (Own::new(head.clone()), Foreign::new(ring.clone()));
        let incoming = Incoming::new(own, peer, geometry, WORDS, link.clone(), park, fencing);
        Self { outgoing, incoming, link, own_link, halves: [ring, head] }
    }

    fn full(fencing: Fencing) -> Self {
        let mut direction = Self::new(fencing, CAPACITY, 1);
        while let Ok(claim) = direction.outgoing.try_claim(8) {
            direction.outgoing.commit_quietly(claim);
        }
        direction
    }

    fn send(&mut self) -> Notice {
        let claim = self.outgoing.try_claim(8).expect("room");
        self.outgoing.commit_quietly(claim);
        self.outgoing.ring()
    }

    fn receive(&mut self) {
        let span = self.incoming.try_next().expect("a message");
        self.incoming.release(span);
    }

    /// What the sender says of its waiting for room.
    fn said_of_room(&self) -> Announced {
        Announced::from_word(self.halves[0].load(WORDS.room_announced, Ordering::Relaxed))
    }

    /// What the receiver says of its waiting for messages.
    fn said_of_data(&self) -> Announced {
        Announced::from_word(self.halves[1].load(WORDS.data_announced, Ordering::Relaxed))
    }
}

fn long() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

#[test]
fn who_finds_no_room_is_told_of_it_once() {
    let mut direction = Direction::full(Fencing::Plain);
    assert!(direction.outgoing.arm(8), "there is no room");
    assert!(direction.said_of_room().asleep() && direction.said_of_room().has(Announced::POLLING));
    direction.outgoing.rise();
    assert!(!direction.said_of_room().asleep());
}

#[test]
fn who_finds_room_asks_for_none() {
    let mut direction = Direction::full(Fencing::Plain);
    direction.receive();
    assert!(!direction.outgoing.arm(8), "there is room");
    assert!(!direction.said_of_room().asleep(), "and a byte would be sent for nothing");
}

#[test]
fn no_room_is_asked_for_of_one_that_has_left_or_died() {
    let mut direction = Direction::full(Fencing::Plain);
    direction.incoming.leave();
    assert!(!direction.outgoing.arm(8), "it has left");
    assert!(!direction.said_of_room().asleep());
    let mut direction = Direction::full(Fencing::Plain);
    let before = direction.said_of_room().word();
    direction.own_link.declare_dead();
    assert!(!direction.outgoing.arm(8), "it has died");
    assert_eq!(direction.said_of_room().word(), before, "said something to the dead, or to a parent's peer");
}

#[test]
fn who_will_ask_to_be_told_says_so_early() {
    let mut direction = Direction::new(Fencing::Adaptive, CAPACITY, 1);
    assert!(direction.said_of_room().has(Announced::LIGHT));
    direction.outgoing.expect_arming();
    assert!(!direction.said_of_room().has(Announced::LIGHT) && !direction.said_of_room().asleep());
}

#[test]
fn who_waits_for_room_of_one_that_has_left_is_told_so() {
    let mut direction = Direction::full(Fencing::Plain);
    direction.incoming.leave();
    assert_eq!(direction.outgoing.claim(8, long()), Err(ClaimError::End(End::Closed)));
}

#[test]
fn who_waits_for_room_of_one_that_dies_is_told_so() {
    let Direction { mut outgoing, own_link, halves: [half, _], .. } = Direction::full(Fencing::Plain);
    let waiting = thread::spawn(move || outgoing.claim(8, long()));
    while !Announced::from_word(half.load(WORDS.room_announced, Ordering::Relaxed)).asleep() {
        thread::yield_now();
    }
    let since = Instant::now();
    own_link.declare_dead();
    assert_eq!(waiting.join().expect("no panic"), Err(ClaimError::End(End::Disconnected)));
    assert!(since.elapsed() < Duration::from_secs(10), "only its deadline told it, after {:?}", since.elapsed());
}

#[test]
fn after_the_end_no_room_is_found_that_was_there() {
    let mut direction = Direction::new(Fencing::Plain, CAPACITY, 1);
    direction.incoming.leave();
    assert_eq!(direction.send(), Notice::Gone);
    assert!(direction.outgoing.claim_known(8).is_none(), "room of a ring that nobody reads");
}

/// Sleeps and wakes are counted where both ends were told to count.
#[test]
fn sleeps_and_wakes_are_counted_where_others_look() {
    let Direction { outgoing, incoming, halves, .. } = Direction::new(Fencing::Plain, CAPACITY, 1);
    let [sent, received] = [Counts::default(), Counts::default()];
    let (mut outgoing, mut incoming) = (outgoing.counting_in(sent.clone()), incoming.counting_in(received.clone()));
    assert_eq!(incoming.next(Deadline::after(Duration::from_millis(1))).err(), Some(NextError::Empty));
    assert!(received.get(Count::Sleeps) > 0, "it slept");
    let _rest = incoming.rest().expect("nothing there");
    while let Ok(claim) = outgoing.try_claim(8) {
        outgoing.commit_quietly(claim);
    }
    let _ = outgoing.ring();
    assert_eq!((sent.get(Count::Wakes), outgoing.wakes()), (1, 1), "it rested");
    incoming.rise();
    let full = outgoing.claim(8, Deadline::after(Duration::from_millis(1)));
    assert_eq!(full, Err(ClaimError::Full));
    assert!(sent.get(Count::Sleeps) > 0 && sent.get(Count::TimesFull) == 1, "it slept");
    outgoing.rest(8);
    let span = incoming.try_next().expect("a message");
    incoming.release(span);
    assert_eq!((received.get(Count::Wakes), incoming.wakes()), (1, 1), "it rested");
    drop(halves);
}

/// A receiver that has not slept for 64 messages says that its sender may leave out the fence: at the latest when it gives back
/// room, or before it waits.
#[test]
fn who_sleeps_seldom_says_so_when_it_gives_back_room_and_before_it_waits() {
    let mut direction = Direction::new(Fencing::Adaptive, CAPACITY, 1);
    for _ in 0..64 {
        assert!(!direction.said_of_data().has(Announced::LIGHT), "it may sleep often");
        direction.send();
        direction.receive();
    }
    assert!(direction.said_of_data().has(Announced::LIGHT), "it has given back room");
    let mut direction = Direction::new(Fencing::Adaptive, 4096, 1024);
    for _ in 0..64 {
        direction.send();
        direction.receive();
    }
    assert!(!direction.said_of_data().has(Announced::LIGHT), "nothing was given back");
    assert_eq!(direction.incoming.next(Deadline::after(Duration::ZERO)).err(), Some(NextError::Empty));
    assert!(direction.said_of_data().has(Announced::LIGHT), "it has waited");
}

/// Frames that fill a ring look, to who follows them round, as if they never ended.
#[test]
fn of_a_dead_sender_one_ring_full_is_received_and_no_more() {
    let mut direction = Direction::new(Fencing::Plain, CAPACITY, 1);
    let claim = direction.outgoing.try_claim(8).expect("room");
    direction.outgoing.commit_quietly(claim);
    let frame = direction.halves[0].load(GUARD, Ordering::Relaxed);
    for word in (0..CAPACITY as usize).step_by(2) {
        direction.halves[0].store(GUARD + word, frame, Ordering::Relaxed);
    }
    direction.link.declare_dead();
    for _ in 0..CAPACITY / 2 {
        direction.receive();
    }
    assert_eq!(
        direction.incoming.try_next().err(),
        Some(NextError::End(End::Disconnected)),
        "it goes round in circles"
    );
}

/// What a frame took is given back when a part of the ring has come together, not frame by frame.
#[test]
fn a_frame_that_is_dropped_is_given_back_with_others() {
    let [ring, head] = Heap::family([GUARD + CAPACITY as usize, GUARD]);
    let geometry = Geometry::new(GUARD, HEAD, CAPACITY, 4);
    let mut producer = Producer::new(Own::new(ring.clone()), Foreign::new(head.clone()), geometry);
    let mut consumer = Consumer::new(Own::new(head.clone()), Foreign::new(ring), geometry);
    for _ in 0..2 {
        let claim = producer.claim(8).expect("room");
        producer.commit(claim);
    }
    drop(consumer.peek().expect("a frame"));
    assert_eq!(head.load(HEAD, Ordering::Relaxed), 0, "two words alone");
    drop(consumer.peek().expect("a frame"));
    assert_eq!(head.load(HEAD, Ordering::Relaxed), 4);
}

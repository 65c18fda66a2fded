//! Waits over a peer that lies: they end with a message, with the end, or at the deadline, and with nothing else.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use twinring::channel::{ClaimError, Incoming, NextError, Outgoing};
use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::ring::Header;
use twinring::wait::{Announced, Fencing, Link, WaitStrategy};
use twinring::{Deadline, End};

use super::inputs::{GUARD, HEAD, WORDS, cases, halves};
use super::lies::{Liar, Lie};
use super::oracle::Layout;

const LAYOUT: Layout = Layout { ring: GUARD, head: HEAD, capacity: 8, lazy: 1 };

fn strategy() -> impl Strategy<Value = WaitStrategy> {
    prop_oneof![Just(WaitStrategy::Spin), Just(WaitStrategy::SpinThenPark), Just(WaitStrategy::Park)]
}

/// A message that is there, and is not, and is.
fn flicker() -> impl Strategy<Value = Lie> {
    prop_oneof![2 => Just(Lie::Word(0)), 1 => Just(Lie::Word(Header::data(0).word()))]
}

/// A head that stays where it was, and a receiver that has left, and has not.
fn leaving() -> impl Strategy<Value = Lie> {
    prop_oneof![2 => Just(Lie::Word(0)), 1 => Just(Lie::Word(Announced::GONE))]
}

struct Pair {
    halves: [Heap; 2],
    liar: Liar,
    link: Link<Hostile>,
}

impl Pair {
    fn new() -> Self {
        let link = Link::new(Own::new(Hostile::honest(Heap::new(1))), 0);
        Self { halves: halves(LAYOUT), liar: Liar::default(), link }
    }

    fn incoming(&self, strategy: WaitStrategy) -> Incoming<Hostile> {
        let [sender, receiver] = &self.halves;
        let (own, peer) = (Own::new(Hostile::honest(receiver.clone())), Foreign::new(self.liar.shows(sender)));
        Incoming::new(own, peer, LAYOUT.geometry(), WORDS, self.link.clone(), strategy, Fencing::Plain)
    }

    fn outgoing(&self, strategy: WaitStrategy) -> Outgoing<Hostile> {
        let [sender, receiver] = &self.halves;
        let (own, peer) = (Own::new(Hostile::honest(sender.clone())), Foreign::new(self.liar.shows(receiver)));
        Outgoing::new(own, peer, LAYOUT.geometry(), WORDS, self.link.clone(), strategy, Fencing::Plain)
    }

    fn commit(&self, offset: usize) {
        self.halves[0].store(GUARD + offset, Header::data(0).word(), Ordering::Relaxed);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// A header that is taken back is no reason to give up.
    #[test]
    fn a_receiver_that_may_wait_for_ever_does(strategy in strategy(), lies in vec(flicker(), 0..90)) {
        let pair = Pair::new();
        let mut incoming = pair.incoming(strategy);
        pair.commit(0);
        pair.liar.prepare(lies);
        prop_assert!(incoming.next(Deadline::NEVER).is_ok());
    }

    /// Nor is a receiver that says that it has left, and then that it has not.
    #[test]
    fn a_sender_that_may_wait_for_ever_does(strategy in strategy(), lies in vec(leaving(), 0..200)) {
        let pair = Pair::new();
        let mut outgoing = pair.outgoing(strategy);
        for _ in 0..7 {
            let claim = outgoing.try_claim(0).unwrap();
            outgoing.commit_quietly(claim);
        }
        prop_assert_eq!(outgoing.try_claim(0), Err(ClaimError::Full));
        pair.halves[1].store(HEAD, 7, Ordering::Relaxed);
        pair.liar.prepare(lies);
        prop_assert_ne!(outgoing.claim(0, Deadline::NEVER), Err(ClaimError::Full));
    }

    /// A doorbell that says anything, at every read, holds nobody up, and wakes nobody too early for good.
    #[test]
    fn a_wait_ends_by_its_deadline(strategy in strategy(), lies in vec((0u32..8).prop_map(|n| Lie::Word(n.into())), 40)) {
        let pair = Pair::new();
        let mut incoming = pair.incoming(strategy);
        let mut outgoing = pair.outgoing(strategy);
        (0..7).for_each(|_| { let claim = outgoing.try_claim(0).unwrap(); outgoing.commit_quietly(claim) });
        pair.liar.prepare(lies.clone());
        let deadline = Deadline::after(Duration::from_micros(100));
        if outgoing.claim(0, deadline) == Err(ClaimError::Full) {
            prop_assert!(deadline.passed(), "gave up too early");
        }
        pair.liar.prepare(lies);
        let deadline = Deadline::after(Duration::from_micros(100));
        if incoming.next(deadline) == Err(NextError::Empty) {
            prop_assert!(deadline.passed(), "gave up too early");
        }
    }
}

/// A receiver that said once that it has left has left, whatever it says later. And one whose end was noticed before may have left
/// in order all the same: it is looked at once more.
#[test]
fn a_receiver_that_left_in_order_has_left() {
    // What is read is the answer to an earlier sleep, whether it has left, and whether it has left.
    let left = [Lie::Word(0), Lie::Word(Announced::GONE), Lie::Word(0)];
    let left_late = [Lie::Word(0), Lie::Word(0), Lie::Word(Announced::GONE)];
    for (lies, dies) in [(left, false), (left_late, true)] {
        let pair = Pair::new();
        let mut outgoing = pair.outgoing(WaitStrategy::Park);
        outgoing.finish();
        if dies {
            pair.link.declare_dead();
        }
        pair.liar.prepare(lies);
        assert_eq!(outgoing.await_departure(Deadline::NEVER), Ok(()));
    }
}

/// A peer that hung up, and goes on writing, is not listened to once its end was reported.
#[test]
fn the_end_of_a_dead_sender_is_final() {
    let pair = Pair::new();
    let mut incoming = pair.incoming(WaitStrategy::Park);
    pair.commit(0);
    pair.link.declare_dead();
    let span = incoming.try_next().expect("what was committed before");
    incoming.release(span);
    assert_eq!(incoming.try_next(), Err(NextError::End(End::Disconnected)));
    pair.commit(1);
    assert_eq!(incoming.try_next(), Err(NextError::End(End::Disconnected)));
    assert_eq!(incoming.next(Deadline::NEVER), Err(NextError::End(End::Disconnected)));
}

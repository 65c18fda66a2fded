//! The writing end over a head that lies.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::ring::{Corrupt, Producer, ReserveError};

use super::inputs::{assert_untouched, cases, halves, layout, lie};
use super::lies::{Liar, Lie};
use super::oracle::{Layout, Room, Writer, assert_explains};

/// Words read by one claim: the head, if the last one seen leaves no room. A commit reads none.
const MOST_READ: usize = 1;

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(Index),
    Abandon(Index),
    /// An honest consumer tells that it has read so much.
    Consume(Index),
    /// Of the next head.
    Lie(Lie),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<Index>().prop_map(Step::Push),
        2 => any::<Index>().prop_map(Step::Abandon),
        6 => any::<Index>().prop_map(Step::Consume),
        1 => head_lie().prop_map(Step::Lie),
    ]
}

/// Most often one that could be true.
fn head_lie() -> impl Strategy<Value = Lie> {
    prop_oneof![3 => (-8i8..=8).prop_map(Lie::Near), 1 => lie()]
}

struct Victim {
    layout: Layout,
    ring: Heap,
    head: Heap,
    producer: Producer<Hostile>,
    writer: Writer,
    liar: Liar,
    itself: Liar,
    corrupt: Option<Corrupt>,
}

impl Victim {
    fn new(layout: Layout) -> Self {
        let [ring, head] = halves(layout);
        let (liar, itself) = (Liar::default(), Liar::default());
        let (own, peer) = (Own::new(itself.shows(&ring)), Foreign::new(liar.shows(&head)));
        let producer = Producer::new(own, peer, layout.geometry());
        Self { layout, ring, head, producer, writer: Writer::new(layout), liar, itself, corrupt: None }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Push(size) => self.push(size.index(self.layout.largest() + 1), true),
            Step::Abandon(size) => self.push(size.index(self.layout.largest() + 1), false),
            Step::Consume(amount) => self.consume(amount),
            Step::Lie(lie) => self.liar.prepare([lie]),
        }
        assert_eq!(self.liar.heard(), [], "read for nothing");
        assert_eq!(self.itself.heard(), [], "read its own words back");
        assert_untouched([&self.ring, &self.head]);
    }

    fn push(&mut self, length: usize, commit: bool) {
        let payload = vec![0x5a; length];
        let room = self.producer.reserve(length).map(|mut reservation| {
            reservation.write_at(0, &payload);
            if commit {
                reservation.commit();
            }
        });
        let read = self.liar.heard();
        assert!(read.len() <= if self.corrupt.is_some() { 0 } else { MOST_READ }, "read {read:?}");
        match (self.writer.claim(length, &read), room) {
            (Room::At(start), Ok(())) if commit => self.writer.commit(start, length),
            (Room::At(_), Ok(())) | (Room::Full, Err(ReserveError::Full)) => {}
            (Room::Corrupt, Err(ReserveError::Corrupt(corrupt))) => {
                assert!(self.liar.lied(), "an honest head was refused");
                assert_explains(corrupt);
                assert_eq!(*self.corrupt.get_or_insert(corrupt), corrupt, "another error than before");
            }
            (expected, room) => panic!("{room:?}, not {expected:?}"),
        }
        assert!(self.producer.occupied() <= self.layout.capacity);
    }

    fn consume(&mut self, amount: Index) {
        let head = self.head.load(self.layout.head, Ordering::Relaxed);
        let unread = self.writer.tail.saturating_sub(head) as usize;
        self.head.store(self.layout.head, head + amount.index(unread + 1) as u64, Ordering::Relaxed);
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_producer_survives_a_lying_head(layout in layout(), steps in vec(step(), 0..200), rest: Index) {
        let mut victim = Victim::new(layout);
        for step in steps {
            victim.take(step);
        }
        victim.producer.finish();
        victim.writer.finish();
        victim.take(Step::Push(rest));
    }
}

//! The reading end over words that lie, and change from one read to the next.

use proptest::collection::vec;
use proptest::prelude::*;
use twinring::memory::{Foreign, Heap, Hostile, Memory, Own, WORD};
use twinring::ring::{Consumer, Corrupt, PeekError, Producer};

use super::inputs::{GUARD, assert_untouched, cases, halves, layout, lie};
use super::lies::{Liar, Lie};
use super::oracle::{Layout, Look, Reader, assert_explains};

/// Words read by one look: the header at the head, in passing and for good, and the one behind a skip. Once the ring is
/// known to be corrupt, only the first of them, and to no effect.
const MOST_READ: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Pop,
    Peek,
    Look,
    Release,
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Pop),
        2 => Just(Step::Peek),
        1 => Just(Step::Look),
        2 => Just(Step::Release),
        1 => Just(Step::Publish),
    ]
}

struct Victim {
    layout: Layout,
    ring: Heap,
    head: Heap,
    consumer: Consumer<Hostile>,
    reader: Reader,
    liar: Liar,
    itself: Liar,
    corrupt: Option<Corrupt>,
}

impl Victim {
    fn new(layout: Layout) -> Self {
        let [ring, head] = halves(layout);
        let (liar, itself) = (Liar::default(), Liar::default());
        let (own, peer) = (Own::new(itself.shows(&head)), Foreign::new(liar.shows(&ring)));
        let consumer = Consumer::new(own, peer, layout.geometry());
        Self { layout, ring, head, consumer, reader: Reader::new(layout), liar, itself, corrupt: None }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Pop => drop(self.pop()),
            Step::Peek => self.peek(),
            Step::Look => drop(self.look()),
            Step::Release => self.release(),
            Step::Publish => drop(self.consumer.publish()),
        }
        assert_eq!(self.liar.heard(), [], "read for nothing");
        assert_eq!(self.itself.heard(), [], "read its own words back");
    }

    /// The payload, if there was a frame.
    fn pop(&mut self) -> Option<Vec<u8>> {
        let mut got = Vec::new();
        let found = self.consumer.pop(&mut got);
        let position = self.agree(found.map(|()| got.len()))?;
        self.assert_came_from(position, &got);
        self.reader.release(got.len());
        Some(got)
    }

    fn peek(&mut self) {
        let mut length = 0;
        let found = self.consumer.peek().map(|frame| {
            length = frame.len();
            frame.copy_to(length, &mut []);
        });
        if self.agree(found.map(|()| length)).is_some() {
            self.reader.release(length);
        }
    }

    fn look(&mut self) -> Result<twinring::ring::Span, PeekError> {
        let found = self.consumer.look();
        let position = self.agree(found.map(|span| span.length()));
        let expected = position.map(|position| (self.layout.word(position) + 1) * WORD);
        assert_eq!(found.ok().map(|span| span.offset()), expected);
        found
    }

    fn release(&mut self) {
        if let Ok(span) = self.look() {
            self.consumer.release(span);
            self.reader.release(span.length());
        }
    }

    /// Whether the consumer's result follows from what it read last; where the frame is, if there is one.
    fn agree(&mut self, found: Result<usize, PeekError>) -> Option<u64> {
        let read = self.liar.heard();
        assert!(read.len() <= if self.corrupt.is_some() { 1 } else { MOST_READ }, "read {read:?}");
        match (self.reader.look(&read), found) {
            (Look::Frame { position, length }, Ok(found)) if found == length => Some(position),
            (Look::Empty, Err(PeekError::Empty)) | (Look::Finished, Err(PeekError::Finished)) => None,
            (Look::Corrupt, Err(PeekError::Corrupt(corrupt))) => {
                assert_explains(corrupt);
                assert_eq!(*self.corrupt.get_or_insert(corrupt), corrupt, "another error than before");
                None
            }
            (expected, found) => panic!("{found:?}, not {expected:?}"),
        }
    }

    fn assert_came_from(&self, position: u64, got: &[u8]) {
        let first = self.layout.word(position) + 1;
        let mut there = vec![0; got.len()];
        self.ring.copy_out(first * WORD, &mut there);
        assert_eq!(got, there);
        assert!(first >= GUARD && first * WORD + got.len() <= self.ring.words() * WORD, "outside of the ring");
    }

    fn assert_harmless(&self) {
        assert_untouched([&self.ring, &self.head]);
    }
}

fn message(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (number * 31 + at) as u8).collect()
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_consumer_survives_a_lying_ring(
        layout in layout(),
        lies in vec(lie(), 0..200),
        steps in vec(step(), 0..200),
    ) {
        let mut victim = Victim::new(layout);
        victim.liar.prepare(lies);
        for step in steps {
            victim.take(step);
        }
        victim.assert_harmless();
    }

    /// What was sent before the first lie arrives, and only then the error.
    #[test]
    fn what_came_before_the_lie_is_delivered(
        layout in layout(),
        lengths in vec(0usize..=24, 0..40),
        lies in vec(lie(), 1..8),
        steps in vec(step(), 0..20),
    ) {
        let mut victim = Victim::new(layout);
        let (own, peer) = (Own::new(victim.ring.clone()), Foreign::new(victim.head.clone()));
        let mut producer = Producer::new(own, peer, layout.geometry());
        for (number, length) in lengths.into_iter().enumerate() {
            let message = message(number, length.min(producer.largest()));
            producer.push(&message).unwrap();
            prop_assert_eq!(victim.pop(), Some(message));
            prop_assert_eq!(victim.pop(), None);
        }
        victim.liar.prepare([vec![Lie::Word(u64::MAX); 2], lies].concat());
        prop_assert_eq!(victim.pop(), None);
        prop_assert!(victim.corrupt.is_some());
        for step in steps {
            victim.take(step);
        }
        victim.assert_harmless();
    }
}

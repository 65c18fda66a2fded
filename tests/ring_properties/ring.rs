//! The ring.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use twinring::memory::{Foreign, Heap, Own, WORD};
use twinring::ring::{Consumer, Geometry, PeekError, Producer, ReserveError};

use super::inputs::{GUARD, Size, cases, dirt, geometry, message, size, soil};
use super::positions::{Positions, Room};

#[derive(Clone, Debug)]
enum Step {
    Push(Size),
    /// Written in two pieces, the second one first.
    Reserve(Size, Index),
    CommitFirst(Size, Index),
    Abandon(Size, u64),
    Pop,
    Peek(Index),
    Look,
    Release,
    Publish,
    /// Pops until the ring is empty; then the largest frame fits.
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        6 => size().prop_map(Step::Push),
        3 => (size(), index()).prop_map(|(size, at)| Step::Reserve(size, at)),
        2 => (size(), index()).prop_map(|(size, keep)| Step::CommitFirst(size, keep)),
        3 => (size(), dirt()).prop_map(|(size, dirt)| Step::Abandon(size, dirt)),
        5 => Just(Step::Pop),
        4 => index().prop_map(Step::Peek),
        2 => Just(Step::Look),
        2 => Just(Step::Release),
        1 => Just(Step::Publish),
        1 => Just(Step::Drain),
    ]
}

struct Ring {
    producer: Producer<Heap>,
    consumer: Consumer<Heap>,
    positions: Positions,
    queue: VecDeque<Vec<u8>>,
    largest: usize,
    sent: usize,
    popped: Vec<u8>,
}

impl Ring {
    fn new((capacity, lazy): (u64, u64), dirt: &[u64]) -> Self {
        let [ring, head] = Heap::family([GUARD + capacity as usize, GUARD + 1]);
        soil(&ring, GUARD, dirt);
        let geometry = Geometry::new(GUARD, GUARD, capacity, lazy);
        Self {
            producer: Producer::new(Own::new(ring.clone()), Foreign::new(head.clone()), geometry),
            consumer: Consumer::new(Own::new(head), Foreign::new(ring), geometry),
            positions: Positions::new((capacity, lazy)),
            queue: VecDeque::new(),
            largest: geometry.largest_payload(),
            sent: 0,
            popped: vec![0xee; 3],
        }
    }

    fn next_message(&mut self, size: Size) -> Vec<u8> {
        self.sent += 1;
        message(self.sent, size.bytes(self.largest).min(self.largest + 64))
    }

    /// Checks the result against the positions; whether there was room.
    fn had_room(&self, length: usize, result: Result<(), ReserveError>) -> bool {
        if length > self.largest {
            assert_eq!(result, Err(ReserveError::TooLarge { length, largest: self.largest }));
            return false;
        }
        assert!(matches!(result, Ok(()) | Err(ReserveError::Full)), "{result:?}");
        self.positions.assert_room(length, result.is_ok());
        result.is_ok()
    }

    fn queue(&mut self, claimed: usize, message: Vec<u8>) {
        self.positions.push(claimed, message.len());
        self.queue.push_back(message);
        assert!(self.producer.occupied() <= self.positions.capacity);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Push(size) => self.push(size),
            Step::Reserve(size, at) => self.reserve(size, at),
            Step::CommitFirst(size, keep) => self.commit_first(size, keep),
            Step::Abandon(size, dirt) => self.abandon(size, dirt),
            Step::Pop => drop(self.pop()),
            Step::Peek(at) => self.peek(at),
            Step::Look => self.look(),
            Step::Release => self.release(),
            Step::Publish => self.publish(),
            Step::Drain => self.drain(),
        }
    }

    fn push(&mut self, size: Size) {
        let message = self.next_message(size);
        let pushed = self.producer.push(&message);
        if self.had_room(message.len(), pushed) {
            self.queue(message.len(), message);
        }
    }

    fn reserve(&mut self, size: Size, at: Index) {
        let message = self.next_message(size);
        let at = at.index(message.len() + 1);
        let result = self.producer.reserve(message.len()).map(|mut reservation| {
            reservation.write_at(at, &message[at..]);
            reservation.write_at(0, &message[..at]);
            reservation.commit();
        });
        if self.had_room(message.len(), result) {
            self.queue(message.len(), message);
        }
    }

    fn commit_first(&mut self, size: Size, keep: Index) {
        let mut message = self.next_message(size);
        let keep = keep.index(message.len() + 1);
        let result = self.producer.reserve(message.len()).map(|mut reservation| {
            reservation.write_at(0, &message);
            reservation.commit_first(keep);
        });
        if self.had_room(message.len(), result) {
            let claimed = message.len();
            message.truncate(keep);
            self.queue(claimed, message);
        }
    }

    /// Payload that looks like headers, and is not committed.
    fn abandon(&mut self, size: Size, dirt: u64) {
        let length = size.bytes(self.largest);
        let result = self.producer.reserve(length).map(|mut reservation| {
            let dirt: Vec<u8> = dirt.to_ne_bytes().into_iter().cycle().take(length).collect();
            reservation.write_at(0, &dirt);
        });
        self.had_room(length, result);
    }

    fn pop(&mut self) -> bool {
        match self.consumer.pop(&mut self.popped) {
            Ok(()) => {
                assert_eq!(Some(&self.popped), self.queue.pop_front().as_ref());
                self.positions.pop();
                self.positions.tell_lazily();
                true
            }
            Err(error) => {
                self.is_empty(error);
                self.positions.tell();
                false
            }
        }
    }

    fn is_empty(&self, error: PeekError) {
        assert_eq!((error, self.queue.len()), (PeekError::Empty, 0));
    }

    fn peek(&mut self, at: Index) {
        let mut got = Vec::new();
        let result = self.consumer.peek().map(|frame| {
            assert_eq!(frame.is_empty(), self.queue.front().is_some_and(Vec::is_empty));
            got.resize(frame.len(), 0);
            let (first, second) = got.split_at_mut(at.index(frame.len() + 1));
            frame.copy_to(first.len(), second);
            frame.copy_to(0, first);
        });
        match result {
            Ok(()) => {
                assert_eq!(Some(got), self.queue.pop_front());
                self.positions.pop();
                self.positions.tell_lazily();
            }
            Err(error) => {
                self.is_empty(error);
                self.positions.tell();
            }
        }
    }

    /// Changes nothing, however often.
    fn look(&mut self) {
        let first = self.consumer.look();
        assert_eq!(first, self.consumer.look());
        match first {
            Ok(span) => {
                let mut got = vec![0; span.length()];
                self.consumer.copy_out(span, 0, &mut got);
                assert_eq!(Some(&got), self.queue.front());
            }
            Err(error) => self.is_empty(error),
        }
    }

    /// Released by hand, and not published.
    fn release(&mut self) {
        if let Ok(span) = self.consumer.look() {
            assert_eq!(Some(span.length()), self.queue.pop_front().map(|message| message.len()));
            self.consumer.release(span);
            self.positions.pop();
            if !self.consumer.publish_is_due() {
                self.positions.tell_lazily();
            }
        }
    }

    fn publish(&mut self) {
        self.consumer.publish();
        assert!(!self.consumer.publish() && !self.consumer.publish_is_due());
        self.positions.tell();
    }

    fn drain(&mut self) {
        while self.pop() {}
        assert_eq!(self.positions.room(self.largest), Room::Certain, "the model's rule for the largest frame");
        self.push(Size::Largest);
    }

    /// The end is found behind everything that was sent.
    fn finish(mut self) {
        self.producer.finish();
        for message in self.queue {
            self.consumer.pop(&mut self.popped).unwrap();
            assert_eq!(self.popped, message);
        }
        for _ in 0..2 {
            assert_eq!(self.consumer.pop(&mut self.popped), Err(PeekError::Finished));
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_ring_is_a_queue(geometry in geometry(), dirt in vec(dirt(), 0..64), steps in vec(step(), 0..250)) {
        let mut ring = Ring::new(geometry, &dirt);
        for step in steps {
            ring.take(step);
        }
        ring.finish();
    }
}

/// Brings a ring to where the producer stands at `offset` and `withheld` words are released but not published.
fn empty_at(ring: &mut Ring, offset: u64, withheld: u64) {
    let capacity = ring.positions.capacity;
    let pass = |ring: &mut Ring| {
        ring.push(Size::Empty);
        ring.take(Step::Pop);
    };
    while (ring.positions.tail + withheld) % capacity != offset {
        pass(ring);
    }
    ring.publish();
    (0..withheld).for_each(|_| pass(ring));
    assert_eq!(ring.positions.tail - ring.positions.told, withheld);
}

/// Rule 5: half of the capacity, less what may be withheld.
#[test]
fn an_empty_ring_takes_the_largest_frame_at_every_offset() {
    let mut pushes = 0;
    for capacity in [8, 16, 32] {
        for lazy in 1..=capacity / 2 {
            let mut ring = Ring::new((capacity, lazy), &[]);
            assert_eq!(ring.largest as u64, ((capacity - (lazy - 1)) / 2 - 1) * WORD as u64);
            for (offset, withheld) in (0..capacity).flat_map(|offset| (0..lazy).map(move |withheld| (offset, withheld)))
            {
                empty_at(&mut ring, offset, withheld);
                let message = ring.next_message(Size::Largest);
                ring.producer.push(&message).unwrap_or_else(|error| {
                    panic!("{error}: capacity {capacity}, lazy {lazy}, at {offset}, {withheld} withheld")
                });
                ring.queue(message.len(), message);
                assert!(ring.pop());
                pushes += 1;
            }
        }
    }
    assert!(pushes > 5_000, "only {pushes} pushes");
}

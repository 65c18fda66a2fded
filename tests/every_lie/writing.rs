//! The writing end of a ring.

use std::cell::RefCell;
use std::rc::Rc;

use twinring::memory::{Heap, WORD};
use twinring::ring::{Consumer, Corrupt, Producer, ReserveError};

use crate::campaign::{Scenario, Tally};
use crate::oracle::{Layout, Room, Writer, assert_explains};
use crate::stage::{Event, Stage, reads, told};
use crate::witness::{HEAD, Halves, Witness, layout};

/// A producer that is lied to, and its honest consumer.
struct Writing {
    layout: Layout,
    stage: Stage,
    halves: Halves,
    producer: Producer<Witness>,
    consumer: Rc<RefCell<Consumer<Heap>>>,
    writer: Writer,
    corrupt: Option<Corrupt>,
}

/// What comes of a claim.
type Claimed = Result<(), ReserveError>;

impl Writing {
    fn new(stage: &Stage, layout: Layout) -> Self {
        let halves = Halves::new(layout);
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_sender(stage), halves.for_receiver());
        Self {
            producer: Producer::new(own, peer, layout.geometry()),
            consumer: Rc::new(RefCell::new(Consumer::new(honest_own, honest_peer, layout.geometry()))),
            writer: Writer::new(layout),
            corrupt: None,
            stage: stage.clone(),
            layout,
            halves,
        }
    }

    /// An honest consumer takes so many, and says so.
    fn received(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            // It may find anything: the producer may have believed that it had read more than it had.
            let _ = self.consumer.borrow_mut().pop(&mut Vec::new());
        }
        self.consumer.borrow_mut().publish();
        self
    }

    /// Whether the claim's result is what the heads that were read allow; where the frame starts, if there is room.
    fn agree(&mut self, length: usize, claimed: Claimed, events: &[Event], expected: Claimed) -> Option<u64> {
        self.stage.expect(claimed == expected, || format!("{length} bytes: {claimed:?}, not {expected:?}"));
        let read: Vec<_> = reads(events).iter().map(|heard| (heard.word, heard.told)).collect();
        assert!(self.corrupt.is_none() || events.is_empty(), "{events:?} after a lie was found");
        match (self.writer.claim(length, &read), claimed) {
            (Room::At(start), Ok(())) => return Some(start),
            (Room::Full, Err(ReserveError::Full)) | (Room::TooLarge, Err(ReserveError::TooLarge { .. })) => {}
            (Room::Corrupt, Err(ReserveError::Corrupt(corrupt))) => {
                assert!(self.stage.lied(), "an honest head was refused");
                assert_explains(corrupt);
                assert_eq!(*self.corrupt.get_or_insert(corrupt), corrupt, "another lie than before");
                assert!(self.halves_say_so(corrupt), "{corrupt:?} was not said");
            }
            (room, claimed) => panic!("{claimed:?}, not {room:?}"),
        }
        None
    }

    fn halves_say_so(&self, corrupt: Corrupt) -> bool {
        self.stage.heard().iter().any(|heard| heard.told == corrupt.seen)
    }

    /// Whatever is written lies between the tail and what the consumer released; nothing that it may read is touched.
    fn assert_wrote_what_is_free(&self, events: &[Event], tail: u64) {
        let free = (self.writer.head + self.layout.capacity).saturating_sub(tail);
        let assert_free = |word: usize| {
            let distance = (word - self.layout.ring) as u64;
            let ahead = distance.wrapping_sub(tail) % self.layout.capacity;
            assert!(ahead < free, "wrote {ahead} words behind the tail, {free} are free");
        };
        for event in events {
            match *event {
                Event::Stored { word, .. } => assert_free(word),
                Event::Wrote { offset, length } => (offset..offset + length).for_each(|at| assert_free(at / WORD)),
                _ => {}
            }
        }
    }

    fn push(&mut self, length: usize, expected: Claimed) {
        let message = crate::reading::payload(length);
        let tail = self.writer.tail;
        let (pushed, events) = self.stage.clone().watch(|| self.producer.push(&message));
        if let Some(start) = self.agree(length, pushed, &events, expected) {
            self.assert_wrote_what_is_free(&events, tail);
            self.writer.commit(start, length);
        } else {
            assert!(events.iter().all(|event| matches!(event, Event::Read(_))), "{events:?}");
        }
    }

    /// Reserves, writes, and commits only so much, or nothing.
    fn reserve(&mut self, length: usize, keep: Option<usize>, expected: Claimed) {
        let message = crate::reading::payload(length);
        let tail = self.writer.tail;
        let (reserved, events) = self.stage.clone().watch(|| {
            let mut room = self.producer.reserve(length)?;
            room.write_at(0, &message);
            match keep {
                Some(keep) if keep == length => room.commit(),
                Some(keep) => room.commit_first(keep),
                None => drop(room),
            }
            Ok(())
        });
        if let Some(start) = self.agree(length, reserved, &events, expected) {
            self.assert_wrote_what_is_free(&events, tail);
            keep.into_iter().for_each(|keep| self.writer.commit(start, keep));
        }
    }

    fn would_claim(&mut self, length: usize, expected: bool) {
        let (would, events) = self.stage.clone().watch(|| self.producer.would_claim(length));
        self.stage.expect(would == expected, || format!("would claim: {would}"));
        let read: Vec<_> = told(&events, HEAD).into_iter().map(|head| (HEAD, head)).collect();
        assert_eq!(reads(&events).len(), read.len());
        assert_eq!(would, self.writer.claim(length, &read) != Room::Full);
    }

    /// How full another thread would find the ring: never fuller than it is large.
    fn gauge(&mut self, expected: u64) {
        let (look, tail, capacity) = (self.producer.gauge(), self.producer.position(), self.layout.capacity);
        let (occupied, events) = self.stage.clone().watch(|| look(tail));
        self.stage.expect(occupied == expected, || format!("occupied: {occupied}"));
        let [head] = told(&events, HEAD)[..] else { panic!("{events:?}: not one look at the head") };
        assert_eq!(occupied, tail.saturating_sub(head).min(capacity));
    }

    fn finish(&mut self) {
        let tail = self.writer.tail;
        let ((), events) = self.stage.clone().watch(|| self.producer.finish());
        self.assert_wrote_what_is_free(&events, tail);
        assert_eq!(events.len(), 1);
        self.writer.finish();
    }

    /// What comes after, whatever it was.
    fn go_on(&mut self) {
        for length in [self.layout.largest(), 0] {
            let message = crate::reading::payload(length);
            let tail = self.writer.tail;
            let (pushed, events) = self.stage.clone().watch(|| self.producer.push(&message));
            let read: Vec<_> = reads(&events).iter().map(|heard| (heard.word, heard.told)).collect();
            match (self.corrupt, pushed) {
                (Some(corrupt), pushed) => {
                    assert_eq!(pushed, Err(ReserveError::Corrupt(corrupt)), "the end is final");
                    assert_eq!(events, []);
                }
                (None, pushed) => match (self.writer.claim(length, &read), pushed) {
                    (Room::At(start), Ok(())) => {
                        self.assert_wrote_what_is_free(&events, tail);
                        self.writer.commit(start, length);
                    }
                    (Room::Full, Err(ReserveError::Full)) => {}
                    (Room::Corrupt, Err(ReserveError::Corrupt(corrupt))) => self.corrupt = Some(corrupt),
                    (room, pushed) => panic!("{pushed:?}, not {room:?}"),
                },
            }
        }
        if self.corrupt.is_some() {
            assert_eq!(self.producer.claim_known(0), None);
            assert!(self.producer.would_claim(0), "who waits for room must be told of the lie");
        }
        assert!(self.producer.occupied() <= self.layout.capacity);
        self.halves.assert_untouched();
    }
}

const FULL: Claimed = Err(ReserveError::Full);

fn scenario(name: &str, capacity: u64, lazy: u64, play: impl Fn(&mut Writing) + 'static) -> Scenario {
    let layout = layout(capacity, lazy);
    let play = Box::new(move |stage: &Stage| {
        let mut writing = Writing::new(stage, layout);
        play(&mut writing);
        writing.go_on();
    });
    Scenario { name: format!("writing, {name}"), capacity, largest: layout.largest(), variant: false, play }
}

/// Everything that a producer does and that reads the head.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("full", 8, 1, |it| {
            (0..7).for_each(|_| it.push(0, Ok(())));
            it.push(0, FULL);
            it.reserve(0, Some(0), FULL);
            it.would_claim(0, false);
        }),
        scenario("room again", 8, 1, |it| {
            (0..7).for_each(|_| it.push(0, Ok(())));
            it.push(0, FULL);
            it.received(3).push(8, Ok(()));
            it.push(8, FULL);
            it.received(2).push(0, Ok(()));
        }),
        scenario("wrapping", 8, 1, |it| {
            for length in [16, 24, 0, 24, 8, 16] {
                it.push(length, Ok(()));
                it.received(1);
            }
            it.would_claim(24, true);
        }),
        scenario("gauged", 16, 4, |it| {
            (0..3).for_each(|_| it.push(8, Ok(())));
            it.gauge(6);
            it.received(1);
            it.gauge(4);
        }),
        scenario("skipping", 8, 1, |it| {
            (0..6).for_each(|_| it.push(0, Ok(())));
            it.push(24, FULL);
            it.received(3).push(24, FULL);
            it.received(2).push(24, Ok(()));
            it.received(1).push(0, Ok(()));
        }),
        scenario("reserving", 16, 4, |it| {
            for length in [40, 20, 7, 40, 0] {
                it.reserve(length, None, Ok(()));
                it.reserve(length, Some(length / 2), Ok(()));
                it.received(1).reserve(length, Some(length), Ok(()));
                it.received(1);
            }
        }),
        scenario("lapping", 16, 1, |it| {
            for length in [8, 56, 0, 33, 8, 56, 24, 1] {
                it.push(length, Ok(()));
                it.received(1);
            }
        }),
        scenario("far behind", 16, 8, |it| {
            (0..7).for_each(|_| it.push(8, Ok(())));
            it.push(8, FULL);
            it.would_claim(0, true);
            it.received(1).push(8, Ok(()));
            it.push(8, FULL);
        }),
        scenario("finished", 8, 1, |it| {
            (0..7).for_each(|_| it.push(0, Ok(())));
            it.would_claim(0, false);
            it.finish();
            it.received(3).push(0, FULL);
        }),
    ]
}

#[test]
fn of_a_head_to_the_writer_of_a_ring() {
    Tally::of("writing end of a ring", &scenarios());
}

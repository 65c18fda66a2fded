//! The reading end of a ring.

use std::cell::RefCell;
use std::rc::Rc;

use twinring::memory::{Heap, WORD};
use twinring::ring::{Consumer, PeekError, Producer, Span};

use crate::campaign::{Scenario, Tally};
use crate::oracle::{Layout, Look, Reader, assert_explains};
use crate::stage::{Event, Heard, Stage, reads};
use crate::witness::{HEAD, Halves, Witness, layout};

/// A consumer that is lied to, and its honest producer.
struct Reading {
    layout: Layout,
    stage: Stage,
    halves: Halves,
    consumer: Consumer<Witness>,
    producer: Rc<RefCell<Producer<Heap>>>,
    reader: Reader,
    end: Option<PeekError>,
    buffer: Vec<u8>,
}

/// The payload of the message that has this length.
pub fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + length) as u8).collect()
}

impl Reading {
    fn new(stage: &Stage, layout: Layout) -> Self {
        let halves = Halves::new(layout);
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_receiver(stage), halves.for_sender());
        Self {
            consumer: Consumer::new(own, peer, layout.geometry()),
            producer: Rc::new(RefCell::new(Producer::new(honest_own, honest_peer, layout.geometry()))),
            reader: Reader::new(layout),
            end: None,
            buffer: Vec::with_capacity(layout.largest()),
            stage: stage.clone(),
            layout,
            halves,
        }
    }

    fn sent(&mut self, lengths: &[usize]) -> &mut Self {
        for &length in lengths {
            let sent = self.producer.borrow_mut().push(&payload(length));
            self.stage.expect(sent.is_ok(), || format!("{length} bytes were not sent: {sent:?}"));
        }
        self
    }

    fn finished(&mut self) -> &mut Self {
        self.producer.borrow_mut().finish();
        self
    }

    /// Whether what was found is what was read; the position of the frame, if there is one.
    fn agree(&mut self, found: Result<usize, PeekError>, read: &[Heard], events: &[Event]) -> Option<u64> {
        self.assert_tells_the_truth(events);
        let read: Vec<_> = read.iter().map(|heard| (heard.word, heard.told)).collect();
        match (self.reader.look(&read), found) {
            (Look::Frame { position, length }, Ok(found)) if found == length => return Some(position),
            (Look::Empty, Err(PeekError::Empty)) => return None,
            (Look::Finished, Err(PeekError::Finished)) => {}
            (Look::Corrupt, Err(PeekError::Corrupt(corrupt))) => {
                assert!(self.stage.lied(), "an honest word was refused");
                assert_explains(corrupt);
            }
            (expected, found) => panic!("{found:?}, not {expected:?}"),
        }
        assert_eq!(Err(*self.end.get_or_insert(found.unwrap_err())), found, "another end than before");
        None
    }

    /// It writes nothing but its head, and there only what it has released.
    fn assert_tells_the_truth(&self, events: &[Event]) {
        for event in events {
            match *event {
                Event::Stored { word: HEAD, value } => assert!(value <= self.reader.head + self.layout.capacity),
                Event::Stored { .. } | Event::Wrote { .. } | Event::Slept { .. } | Event::Woke { .. } => {
                    panic!("{event:?}")
                }
                Event::Read(_) | Event::Copied { .. } => {}
            }
        }
    }

    fn offset(&self, position: u64) -> usize {
        (self.layout.word(position) + 1) * WORD
    }

    /// As long as nobody lied, this is what there is.
    fn expect(&self, expected: Result<usize, PeekError>, found: Result<usize, PeekError>) {
        self.stage.expect(found == expected, || format!("{found:?}, not {expected:?}"));
    }

    fn look(&mut self, expected: Result<usize, PeekError>) -> Option<Span> {
        let (found, events) = self.stage.clone().watch(|| self.consumer.look());
        self.looked(found, expected, &events)
    }

    /// In two steps.
    fn find(&mut self, expected: Result<usize, PeekError>) -> Option<Span> {
        let (found, events) = self.stage.clone().watch(|| self.consumer.find().map(|()| self.consumer.found()));
        self.looked(found, expected, &events)
    }

    fn looked(
        &mut self,
        found: Result<Span, PeekError>,
        expected: Result<usize, PeekError>,
        events: &[Event],
    ) -> Option<Span> {
        let length = found.map(|span| span.length());
        self.expect(expected, length);
        let read = reads(events);
        if self.end.is_some() && read.is_empty() {
            assert_eq!(length.err(), self.end, "the end is final");
            return None;
        }
        let position = self.agree(length, &read, events)?;
        let span = found.ok()?;
        assert_eq!(span.offset(), self.offset(position));
        Some(span)
    }

    fn would_find(&mut self, expected: bool) {
        let (found, events) = self.stage.watch(|| self.consumer.would_find());
        let read = reads(&events);
        assert!(read.len() <= 1, "{read:?}");
        assert_eq!(found, self.end.is_some() || read.iter().any(|heard| heard.told != 0));
        self.stage.expect(found == expected, || format!("would find: {found}"));
    }

    fn release(&mut self, span: Span) {
        let ((), events) = self.stage.clone().watch(|| self.consumer.release(span));
        assert_eq!(events, []);
        self.reader.release(span.length());
    }

    /// Copies in two parts, reads the first word apart, and releases.
    fn take_in_parts(&mut self, expected: Result<usize, PeekError>) {
        let Some(span) = self.look(expected) else { return };
        let mut bytes = vec![0; span.length()];
        let (first, rest) = bytes.split_at_mut(span.length() / 2 / WORD * WORD);
        let ((), events) = self.stage.clone().watch(|| {
            self.consumer.copy_out(span, 0, first);
            self.consumer.copy_out(span, first.len(), rest);
        });
        self.assert_copied(span, &bytes, &events);
        if span.length() >= WORD {
            let (word, events) = self.stage.clone().watch(|| self.consumer.word(span, 0));
            let read = reads(&events);
            assert_eq!(
                read.iter().map(|heard| (heard.word, heard.told)).collect::<Vec<_>>(),
                [(span.offset() / WORD, word)]
            );
        }
        self.release(span);
        let published = self.stage.clone().watch(|| self.consumer.publish_is_due() && self.consumer.publish()).0;
        self.assert_withholds(published);
    }

    /// Each byte comes from where the frame lies, once.
    fn assert_copied(&self, span: Span, bytes: &[u8], events: &[Event]) {
        let mut at = span.offset();
        for event in events {
            match *event {
                Event::Copied { offset, length } => {
                    assert_eq!(offset, at, "copied from elsewhere");
                    at += length;
                }
                Event::Read(heard) => assert!(heard.copied, "{heard:?}"),
                _ => panic!("{event:?}"),
            }
        }
        assert_eq!(at, span.offset() + bytes.len(), "copied more or less");
        self.stage.expect(bytes == payload(bytes.len()), || "other bytes than were sent".to_owned());
    }

    fn pop(&mut self, expected: Result<usize, PeekError>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let (found, events) = self.stage.clone().watch(|| self.consumer.pop(&mut buffer));
        self.popped(found.map(|()| buffer.len()), expected, &events);
        self.stage.expect(found.is_err() || buffer == payload(buffer.len()), || "other bytes".to_owned());
        self.buffer = buffer;
    }

    fn peek(&mut self, expected: Result<usize, PeekError>) {
        let (found, events) = self.stage.clone().watch(|| self.consumer.peek().map(|frame| frame.len()));
        self.popped(found, expected, &events);
    }

    fn popped(&mut self, found: Result<usize, PeekError>, expected: Result<usize, PeekError>, events: &[Event]) {
        self.expect(expected, found);
        let ended = self.end.is_some();
        if let Some(position) = self.agree(found, &reads(events), events) {
            let length = found.unwrap_or(0);
            let from = self.offset(position);
            let inside = |event: &Event| match *event {
                Event::Copied { offset, length: copied } => offset == from && copied == length,
                _ => true,
            };
            assert!(events.iter().all(inside), "{events:?}");
            self.reader.release(length);
            self.assert_withholds(true);
        } else if !ended {
            self.assert_withholds(found == Err(PeekError::Empty));
        }
    }

    /// What the producer is told is what was read, and it is told in time.
    fn assert_withholds(&self, published: bool) {
        use twinring::memory::{Memory, Ordering};
        let told = self.halves.of_receiver().load(HEAD, Ordering::Relaxed);
        assert!(told <= self.reader.head, "published {told} of {}", self.reader.head);
        assert!(!published || self.reader.head - told < self.layout.lazy.max(1), "withholds too much");
    }

    /// What comes after, whatever it was: the end is final, and there is no end to the words only for a peer that goes on.
    fn go_on(&mut self) {
        for _ in 0..self.layout.capacity / 2 {
            let mut buffer = std::mem::take(&mut self.buffer);
            let (found, events) = self.stage.clone().watch(|| self.consumer.pop(&mut buffer));
            let found = found.map(|()| buffer.len());
            self.buffer = buffer;
            if self.agree(found, &reads(&events), &events).is_some() {
                self.reader.release(found.unwrap_or(0));
            }
        }
        if let Some(end) = self.end {
            self.would_find(true);
            assert_eq!(self.consumer.peek().map(|frame| frame.len()), Err(end));
            assert_eq!(self.consumer.find(), Err(end));
        }
        self.halves.assert_untouched();
    }
}

const EMPTY: Result<usize, PeekError> = Err(PeekError::Empty);
const FINISHED: Result<usize, PeekError> = Err(PeekError::Finished);

fn scenario(name: &str, capacity: u64, lazy: u64, play: impl Fn(&mut Reading) + 'static) -> Scenario {
    let layout = layout(capacity, lazy);
    let play = Box::new(move |stage: &Stage| {
        let mut reading = Reading::new(stage, layout);
        play(&mut reading);
        reading.go_on();
    });
    Scenario { name: format!("reading, {name}"), capacity, largest: layout.largest(), variant: false, play }
}

/// Everything that a consumer does, in each state of the ring.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("empty", 8, 1, |it| {
            it.would_find(false);
            it.look(EMPTY);
            it.find(EMPTY);
            it.peek(EMPTY);
            it.pop(EMPTY);
        }),
        scenario("one of nothing", 8, 1, |it| {
            it.sent(&[0]).would_find(true);
            it.pop(Ok(0));
            it.pop(EMPTY);
        }),
        scenario("of many lengths", 16, 1, |it| {
            for length in [0, 1, 7, 9, 56] {
                it.sent(&[length]).pop(Ok(length));
            }
        }),
        scenario("alike", 16, 4, |it| {
            it.sent(&[8, 8, 8, 16]);
            it.pop(Ok(8));
            it.take_in_parts(Ok(8));
            it.peek(Ok(8));
            it.take_in_parts(Ok(16));
            it.peek(EMPTY);
        }),
        scenario("looked at twice", 8, 2, |it| {
            it.sent(&[8]);
            it.look(Ok(8));
            let span = it.find(Ok(8));
            span.into_iter().for_each(|span| it.release(span));
            it.pop(EMPTY);
        }),
        scenario("full", 8, 1, |it| {
            it.sent(&[8, 8, 8]);
            (0..3).for_each(|_| it.pop(Ok(8)));
            it.pop(EMPTY);
        }),
        scenario("the largest", 8, 1, |it| {
            let largest = it.layout.largest();
            it.sent(&[largest]).take_in_parts(Ok(largest));
        }),
        scenario("skipping", 8, 1, |it| {
            it.sent(&[0, 16]).pop(Ok(0));
            it.pop(Ok(16));
            it.sent(&[0, 0]).pop(Ok(0));
            it.pop(Ok(0));
            it.sent(&[24]).would_find(true);
            it.take_in_parts(Ok(24));
            it.pop(EMPTY);
        }),
        scenario("skipping to one alike", 8, 1, |it| {
            for _ in 0..3 {
                it.sent(&[16]).pop(Ok(16));
            }
            it.sent(&[16]).peek(Ok(16));
        }),
        scenario("lapping", 8, 4, |it| {
            for length in [8, 0, 8, 3, 8, 8, 5, 0, 8, 1] {
                it.sent(&[length]).take_in_parts(Ok(length));
            }
        }),
        scenario("lapping by one alike", 8, 1, |it| {
            for _ in 0..9 {
                it.sent(&[8]).pop(Ok(8));
            }
        }),
        scenario("finished", 8, 1, |it| {
            it.sent(&[4]).finished().pop(Ok(4));
            it.pop(FINISHED);
            it.look(FINISHED);
            it.would_find(true);
        }),
        scenario("finished at once", 8, 1, |it| {
            it.finished().would_find(true);
            it.peek(FINISHED);
        }),
    ]
}

#[test]
fn of_a_ring_to_its_reader() {
    Tally::of("reading end of a ring", &scenarios());
}

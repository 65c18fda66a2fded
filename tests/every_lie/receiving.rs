//! The receiving end of a direction.

use std::cell::RefCell;
use std::rc::Rc;

use twinring::channel::{ClaimError, Incoming, NextError, Outgoing};
use twinring::memory::{Heap, Own, WORD};
use twinring::ring::Span;
use twinring::wait::{Fencing, Link, WaitStrategy};
use twinring::{Deadline, End};

use crate::campaign::{Scenario, Tally};
use crate::oracle::{Layout, Look, Reader, assert_explains};
use crate::reading::payload;
use crate::ringing::Answers;
use crate::sleeping::{SOON, assert_slept_on_what_it_read};
use crate::stage::{Event, Stage, reads, stored, told};
use crate::witness::{GUARD, HEAD, Halves, WORDS, Witness, layout};

/// How each side waits, and who fences.
pub const WAYS: [(WaitStrategy, Fencing); 5] = [
    (WaitStrategy::Park, Fencing::Plain),
    (WaitStrategy::Park, Fencing::Adaptive),
    (WaitStrategy::SpinThenPark, Fencing::Adaptive),
    (WaitStrategy::Spin, Fencing::Plain),
    (WaitStrategy::Spin, Fencing::Never),
];

/// Who spins looks for as long as it may, so that is no time; who parks gets some.
pub fn deadline(strategy: WaitStrategy) -> Deadline {
    if strategy == WaitStrategy::Park { Deadline::after(SOON) } else { Deadline::at(std::time::Instant::now()) }
}

/// A receiver that is lied to, and its honest sender.
struct Receiving {
    layout: Layout,
    strategy: WaitStrategy,
    fencing: Fencing,
    stage: Stage,
    halves: Halves,
    incoming: Incoming<Witness>,
    link: Link<Witness>,
    sender: Rc<RefCell<Outgoing<Heap>>>,
    reader: Reader,
    answers: Answers,
    /// How far the reader had come when its sender was first known to be dead.
    bereaved_at: Option<u64>,
    end: Option<End>,
}

/// What there is: the length of a message.
type Next = Result<usize, NextError>;

impl Receiving {
    fn new(stage: &Stage, layout: Layout, (strategy, fencing): (WaitStrategy, Fencing)) -> Self {
        let halves = Halves::new(layout);
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_receiver(stage), halves.for_sender());
        let link = Link::new(Witness::private(stage, 1), 0);
        let honest = Link::new(Own::new(Heap::new(1)), 0);
        let (geometry, park, plain) = (layout.geometry(), WaitStrategy::Park, Fencing::Plain);
        Self {
            incoming: Incoming::new(own, peer, geometry, WORDS, link.clone(), strategy, fencing),
            sender: Rc::new(RefCell::new(Outgoing::new(honest_own, honest_peer, geometry, WORDS, honest, park, plain))),
            reader: Reader::new(layout),
            answers: Answers::new(WORDS.room_rung),
            bereaved_at: None,
            end: None,
            stage: stage.clone(),
            layout,
            strategy,
            fencing,
            halves,
            link,
        }
    }

    fn sent(&mut self, lengths: &[usize]) -> &mut Self {
        for &length in lengths {
            let sent = send(&self.sender, length);
            self.stage.expect(sent.is_ok(), || format!("{length} bytes were not sent: {sent:?}"));
        }
        self
    }

    /// The sender sends this while the receiver sleeps, or looks for the third time.
    fn sends_meanwhile(&mut self, length: usize) -> &mut Self {
        let sender = Rc::clone(&self.sender);
        let act = move || {
            let _ = send(&sender, length);
        };
        if self.strategy == WaitStrategy::Park {
            self.stage.at_sleep(act)
        } else {
            self.stage.at_read(5, act)
        }
        self
    }

    fn finishes_meanwhile(&mut self) -> &mut Self {
        let sender = Rc::clone(&self.sender);
        let act = move || {
            let _ = sender.borrow_mut().finish();
        };
        if self.strategy == WaitStrategy::Park {
            self.stage.at_sleep(act)
        } else {
            self.stage.at_read(5, act)
        }
        self
    }

    fn dies_meanwhile(&mut self) -> &mut Self {
        let link = self.link.clone();
        let act = move || link.declare_dead();
        if self.strategy == WaitStrategy::Park {
            self.stage.at_sleep(act)
        } else {
            self.stage.at_read(5, act)
        }
        self
    }

    fn is_dead(&self) -> bool {
        !self.link.is_alive()
    }

    fn died(&mut self) -> &mut Self {
        self.link.declare_dead();
        self
    }

    /// The sender announces that it sleeps until there is room for so much.
    fn sender_sleeps(&mut self, length: usize) -> &mut Self {
        self.sender.borrow_mut().rest(length);
        self
    }

    fn try_next(&mut self, expected: Next) -> Option<Span> {
        let (found, events) = self.stage.clone().watch(|| self.incoming.try_next());
        self.came(found, expected, &events, None)
    }

    fn next(&mut self, expected: Next) -> Option<Span> {
        let deadline = deadline(self.strategy);
        let (found, events) = self.stage.clone().watch(|| self.incoming.next(deadline));
        self.came(found, expected, &events, Some(deadline))
    }

    fn came(
        &mut self,
        found: Result<Span, NextError>,
        expected: Next,
        events: &[Event],
        deadline: Option<Deadline>,
    ) -> Option<Span> {
        let length = found.map(|span| span.length());
        self.stage.expect(length == expected, || format!("{length:?}, not {expected:?}"));
        self.assert_honest_with_itself(events);
        if self.is_dead() {
            self.bereaved_at.get_or_insert(self.reader.head);
        }
        let looked = self.judge(events);
        if let Some(end) = self.end {
            assert_eq!(length, Err(NextError::End(end)), "the end is final");
            return None;
        }
        match (looked, found) {
            (Some(Look::Frame { position, length }), Ok(span)) if span.length() == length => {
                assert_eq!(span.offset(), (self.layout.word(position) + 1) * WORD);
                return Some(span);
            }
            (Some(Look::Empty), Err(NextError::Empty)) => {
                assert!(deadline.is_none_or(Deadline::passed), "gave up too early");
                return None;
            }
            (Some(Look::Empty), Err(NextError::End(End::Disconnected))) => assert!(self.is_dead(), "it lives"),
            // What a dead sender has left is one ring full at most: then nobody looks, nor takes what a SKIP at its end has led to.
            (None | Some(Look::Frame { .. }), Err(NextError::End(End::Disconnected))) => {
                let went = self.bereaved_at.map(|at| self.reader.head - at);
                assert!(went.is_some_and(|went| went >= self.layout.capacity), "gave up after {went:?} words");
            }
            (Some(Look::Finished), Err(NextError::End(End::Closed))) => {}
            (Some(Look::Corrupt), Err(NextError::End(End::Corrupt(corrupt)))) => {
                assert!(self.stage.lied(), "an honest word was refused");
                assert_explains(corrupt);
            }
            (expected, found) => panic!("{found:?}, not {expected:?}"),
        }
        self.end = found.err().and_then(|error| if let NextError::End(end) = error { Some(end) } else { None });
        None
    }

    /// What the last look at the ring has to find. Those before it were in passing, or found a SKIP, which moves the head.
    fn judge(&mut self, events: &[Event]) -> Option<Look> {
        let ring = GUARD..GUARD + self.layout.capacity as usize;
        let read = reads(events).into_iter().filter(|heard| ring.contains(&heard.word));
        let read: Vec<_> = read.map(|heard| (heard.word, heard.told)).collect();
        let (mut rest, mut found) = (read.as_slice(), None);
        while let [first, others @ ..] = rest {
            let behind = others.first().is_some_and(|(word, _)| *word != first.0);
            assert_eq!(first.0, self.layout.word(self.reader.head), "looked elsewhere: {read:?}");
            if others.is_empty() || behind {
                found = Some(self.reader.look(&rest[..1 + usize::from(behind)]));
            }
            rest = &others[usize::from(behind)..];
        }
        found
    }

    /// Each publication of the head is followed by one ring, and sleeps are on what was read.
    fn assert_honest_with_itself(&mut self, events: &[Event]) {
        self.assert_rang(events, stored(events, HEAD).len());
        assert_slept_on_what_it_read(events, WORDS.data_announced, WORDS.data_rung);
        assert!(stored(events, HEAD).iter().all(|&head| head == self.reader.head), "published {events:?}");
    }

    fn assert_rang(&mut self, events: &[Event], times: usize) {
        let before = self.answers;
        let mut read = told(events, WORDS.room_announced).into_iter();
        for _ in 0..times {
            self.answers.ring(&mut read);
        }
        assert_eq!(read.next(), None, "looked once more: {events:?}");
        self.answers.assert_did(&before, events);
        assert_eq!(self.incoming.wakes(), self.answers.wakes);
    }

    /// Copies the message, reads its first word apart, and releases it.
    fn take(&mut self, span: Option<Span>) {
        let Some(span) = span else { return };
        assert!(span.length() <= self.layout.largest());
        let mut bytes = vec![0; span.length()];
        let ((), events) = self.stage.clone().watch(|| self.incoming.copy_out(span, 0, &mut bytes));
        let copied = events.iter().filter(|event| matches!(event, Event::Copied { .. })).count();
        assert!(copied == 1 && events.contains(&Event::Copied { offset: span.offset(), length: span.length() }));
        self.stage.expect(bytes == payload(bytes.len()), || "other bytes than were sent".to_owned());
        if span.length() >= WORD {
            let (word, events) = self.stage.clone().watch(|| self.incoming.word(span, 0));
            assert_eq!(told(&events, span.offset() / WORD), [word]);
            assert_eq!(events.len(), 1);
        }
        self.reader.release(span.length());
        let ((), events) = self.stage.clone().watch(|| self.incoming.release(span));
        self.assert_honest_with_itself(&events);
        assert!(reads(&events).iter().all(|heard| heard.word == WORDS.room_announced), "{events:?}");
    }

    fn receive(&mut self, expected: Next) {
        let span = self.try_next(expected);
        self.take(span);
    }

    fn await_one(&mut self, expected: Next) {
        let span = self.next(expected);
        self.take(span);
    }

    fn arm(&mut self, expected: bool) {
        let (armed, events) = self.stage.clone().watch(|| self.incoming.arm());
        self.announced(armed, expected, &events);
    }

    fn rest(&mut self, expected: bool) {
        let (rests, events) = self.stage.clone().watch(|| self.incoming.rest().is_some());
        self.announced(rests, expected, &events);
    }

    /// It rests only if there is nothing, by the last look.
    fn announced(&mut self, rests: bool, expected: bool, events: &[Event]) {
        self.stage.expect(rests == expected, || format!("rests: {rests}"));
        let ended = self.end.is_some();
        let looked = self.judge(events);
        self.assert_honest_with_itself(events);
        assert!(!(rests && (ended || self.is_dead())), "rests after the end");
        assert!(!rests || looked == Some(Look::Empty), "rests although there is {looked:?}");
        assert!(rests || looked != Some(Look::Empty) || ended || self.is_dead(), "does not rest: {events:?}");
        let said = stored(events, WORDS.data_announced);
        assert!(said.last().is_none_or(|last| (last & 1 == 1) == rests), "{events:?}");
        self.learn_of_the_end(looked);
    }

    /// What such a look ends with is said by the next receive.
    fn learn_of_the_end(&mut self, looked: Option<Look>) {
        if self.end.is_none() && matches!(looked, Some(Look::Finished | Look::Corrupt)) {
            let (found, _) = self.stage.clone().watch(|| self.incoming.try_next());
            let Err(NextError::End(end)) = found else { panic!("{found:?} after {looked:?}") };
            assert_eq!(matches!(end, End::Corrupt(_)), looked == Some(Look::Corrupt));
            self.end = Some(end);
        }
    }

    fn rise(&mut self) {
        let ((), events) = self.stage.clone().watch(|| self.incoming.rise());
        assert_eq!(reads(&events), []);
    }

    fn leave(&mut self) {
        let ((), events) = self.stage.clone().watch(|| self.incoming.leave());
        self.assert_rang(&events, 1);
    }

    /// What comes after, whatever it was: the end is final, and nothing is done any more.
    fn go_on(&mut self) {
        for _ in 0..3 {
            let (found, events) = self.stage.clone().watch(|| self.incoming.try_next());
            let span = self.came(found, found.map(|span| span.length()), &events, None);
            assert!(self.end.is_none() || stored(&events, WORDS.data_announced).is_empty(), "{events:?}");
            self.take(span);
        }
        if let Some(end) = self.end {
            let ended = Err(NextError::End(end));
            assert_eq!(self.incoming.next(Deadline::NEVER), ended, "the end is final");
            if self.fencing != Fencing::Never {
                assert!(!self.incoming.arm() && self.incoming.rest().is_none(), "rests after the end");
            }
            assert_eq!(self.incoming.try_next(), ended, "the end is final");
        }
        self.halves.assert_untouched();
    }
}

/// An honest send, as far as there is room.
fn send(sender: &RefCell<Outgoing<Heap>>, length: usize) -> Result<(), ClaimError> {
    let mut sender = sender.borrow_mut();
    let claim = sender.try_claim(length)?;
    sender.fill(&claim, 0, &payload(length));
    sender.commit_quietly(claim);
    let _ = sender.ring();
    Ok(())
}

const EMPTY: Next = Err(NextError::Empty);
const CLOSED: Next = Err(NextError::End(End::Closed));
const DISCONNECTED: Next = Err(NextError::End(End::Disconnected));

type Play = fn(&mut Receiving);

/// In a ring of 8 words, of which none is withheld, and in one of 16, of which 3 are.
const PLAYS: [(&str, Play); 13] = [
    ("empty", |it| {
        it.receive(EMPTY);
        it.await_one(EMPTY);
        it.receive(EMPTY);
    }),
    ("some", |it| {
        it.sent(&[8, 8]).receive(Ok(8));
        it.await_one(Ok(8));
        it.receive(EMPTY);
    }),
    ("full, and the sender waits for room", |it| {
        it.sent(&[8, 8, 8]).sender_sleeps(24);
        (0..3).for_each(|_| it.receive(Ok(8)));
        it.receive(EMPTY);
        it.sent(&[16]).receive(Ok(16));
    }),
    ("wrapping and skipping", |it| {
        for length in [16, 24, 0, 24, 8, 16, 16, 20] {
            it.sent(&[length]).receive(Ok(length));
        }
    }),
    ("waited for", |it| {
        it.sends_meanwhile(8).await_one(Ok(8));
        it.sends_meanwhile(16).await_one(Ok(16));
        it.sends_meanwhile(24).await_one(Ok(24));
    }),
    ("waited for alike", |it| {
        for _ in 0..4 {
            it.sends_meanwhile(16).await_one(Ok(16));
        }
    }),
    ("finished", |it| {
        it.sent(&[3]);
        it.sender.borrow_mut().finish();
        it.receive(Ok(3));
        it.await_one(CLOSED);
    }),
    ("finished while waited for", |it| {
        it.finishes_meanwhile().await_one(CLOSED);
    }),
    ("died", |it| {
        it.sent(&[8, 16]).died().receive(Ok(8));
        it.await_one(Ok(16));
        it.receive(DISCONNECTED);
        it.sent(&[8]).await_one(DISCONNECTED);
    }),
    ("died while waited for", |it| {
        it.dies_meanwhile().await_one(DISCONNECTED);
    }),
    ("resting", |it| {
        if it.fencing != Fencing::Never {
            it.rest(true);
            it.rise();
            it.arm(true);
            it.rise();
            it.sent(&[8]).rest(false);
            it.arm(false);
            it.receive(Ok(8));
            it.rest(true);
            it.sent(&[8]).rise();
            it.receive(Ok(8));
        }
    }),
    ("resting at the end", |it| {
        it.sent(&[8]).receive(Ok(8));
        it.sender.borrow_mut().finish();
        if it.fencing != Fencing::Never {
            it.rest(false);
        }
        it.receive(CLOSED);
    }),
    ("leaving", |it| {
        it.sent(&[8, 8]).sender_sleeps(24);
        it.receive(Ok(8));
        it.leave();
    }),
];

/// Everything that a receiver does, in each way to wait.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for way in WAYS {
        for (name, play) in PLAYS {
            for (capacity, lazy) in [(8, 1), (16, 4)] {
                let layout = layout(capacity, lazy);
                let name = format!("receiving, {name}, {way:?}, {capacity} words");
                let play = Box::new(move |stage: &Stage| {
                    let mut receiving = Receiving::new(stage, layout, way);
                    play(&mut receiving);
                    receiving.go_on();
                });
                let variant = (way, capacity) != (WAYS[0], 8);
                all.push(Scenario { name, capacity, largest: layout.largest(), variant, play });
            }
        }
    }
    all
}

#[test]
fn of_a_sender_to_its_receiver() {
    Tally::of("receiving end of a direction", &scenarios());
}

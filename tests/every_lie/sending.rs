//! The sending end of a direction.

use std::cell::RefCell;
use std::rc::Rc;

use twinring::channel::{ClaimError, Incoming, Outgoing};
use twinring::memory::{Heap, Own};
use twinring::ring::Claim;
use twinring::wait::{Announced, Fencing, Link, Notice, WaitStrategy};
use twinring::{Deadline, End};

use crate::campaign::{Scenario, Tally};
use crate::oracle::{Layout, Room, Writer, assert_explains};
use crate::reading::payload;
use crate::receiving::{WAYS, deadline};
use crate::ringing::Answers;
use crate::sleeping::assert_slept_on_what_it_read;
use crate::stage::{Event, Stage, reads, stored, told};
use crate::witness::{HEAD, Halves, WORDS, Witness, layout};

/// A sender that is lied to, and its honest receiver.
struct Sending {
    layout: Layout,
    strategy: WaitStrategy,
    stage: Stage,
    halves: Halves,
    outgoing: Outgoing<Witness>,
    link: Link<Witness>,
    receiver: Rc<RefCell<Incoming<Heap>>>,
    writer: Writer,
    answers: Answers,
    finished: bool,
    end: Option<End>,
}

/// What comes of a claim.
type Claimed = Result<(), ClaimError>;

/// What was read of the receiver's words while room was looked for.
struct Looked {
    /// What the last head allows.
    room: Option<Room>,
    /// Whether the last announcement said that nobody will look again.
    gone: bool,
}

impl Sending {
    fn new(stage: &Stage, layout: Layout, (strategy, fencing): (WaitStrategy, Fencing)) -> Self {
        let halves = Halves::new(layout);
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_sender(stage), halves.for_receiver());
        let link = Link::new(Witness::private(stage, 1), 0);
        let honest = Link::new(Own::new(Heap::new(1)), 0);
        let (geometry, park) = (layout.geometry(), WaitStrategy::Park);
        let receiver = Incoming::new(honest_own, honest_peer, geometry, WORDS, honest, park, fencing);
        Self {
            outgoing: Outgoing::new(own, peer, geometry, WORDS, link.clone(), strategy, fencing),
            receiver: Rc::new(RefCell::new(receiver)),
            writer: Writer::new(layout),
            answers: Answers::new(WORDS.data_rung),
            finished: false,
            end: None,
            stage: stage.clone(),
            layout,
            strategy,
            halves,
            link,
        }
    }

    fn received(&mut self, count: usize) -> &mut Self {
        receive(&self.receiver, count);
        self
    }

    /// While the sender sleeps, or looks for the third time.
    fn meanwhile(&mut self, act: impl FnOnce(&RefCell<Incoming<Heap>>) + 'static) -> &mut Self {
        let receiver = Rc::clone(&self.receiver);
        let act = move || act(&receiver);
        if self.strategy == WaitStrategy::Park {
            self.stage.at_sleep(act)
        } else {
            self.stage.at_read(5, act)
        }
        self
    }

    fn receives_meanwhile(&mut self, count: usize) -> &mut Self {
        self.meanwhile(move |receiver| receive(receiver, count))
    }

    fn leaves_meanwhile(&mut self) -> &mut Self {
        self.meanwhile(|receiver| receiver.borrow_mut().leave())
    }

    fn dies_meanwhile(&mut self) -> &mut Self {
        let link = self.link.clone();
        self.meanwhile(move |_| link.declare_dead())
    }

    fn is_dead(&self) -> bool {
        !self.link.is_alive()
    }

    fn died(&mut self) -> &mut Self {
        self.link.declare_dead();
        self
    }

    fn receiver_sleeps(&mut self) -> &mut Self {
        self.receiver.borrow_mut().rest();
        self
    }

    fn receiver_polls(&mut self) -> &mut Self {
        self.receiver.borrow_mut().arm();
        self
    }

    fn receiver_leaves(&mut self) -> &mut Self {
        self.receiver.borrow_mut().leave();
        self
    }

    /// A message, if there is room.
    fn send(&mut self, length: usize, expected: Claimed) {
        let (claimed, events) = self.stage.clone().watch(|| self.outgoing.try_claim(length));
        self.claimed(length, claimed, expected, &events, None);
    }

    /// A message, if there is room in time.
    fn await_room(&mut self, length: usize, expected: Claimed) {
        let deadline = deadline(self.strategy);
        let (claimed, events) = self.stage.clone().watch(|| self.outgoing.claim(length, deadline));
        self.claimed(length, claimed, expected, &events, Some(deadline));
    }

    fn claimed(
        &mut self,
        length: usize,
        claimed: Result<Claim, ClaimError>,
        expected: Claimed,
        events: &[Event],
        deadline: Option<Deadline>,
    ) {
        let result = claimed.map(drop);
        self.stage.expect(result == expected, || format!("{length} bytes: {result:?}, not {expected:?}"));
        assert_slept_on_what_it_read(events, WORDS.room_announced, WORDS.room_rung);
        if let Some(end) = self.end {
            assert_eq!(result, Err(ClaimError::End(end)), "the end is final");
            assert_eq!(events, [], "there is nothing to look for");
            return;
        }
        let looked = self.judge(length, events);
        match claimed {
            Ok(claim) => {
                let Some(Room::At(start)) = looked.room else { panic!("claimed, not {:?}", looked.room) };
                self.commit(claim, start);
            }
            Err(ClaimError::Full) => {
                assert_eq!(looked.room, Some(Room::Full));
                assert!(deadline.is_none_or(Deadline::passed), "gave up too early");
            }
            Err(ClaimError::TooLarge { .. }) => assert_eq!(looked.room, Some(Room::TooLarge)),
            Err(ClaimError::End(end)) => self.ended(end, &looked),
        }
    }

    /// What the heads that were read allow, one after the other.
    fn judge(&mut self, length: usize, events: &[Event]) -> Looked {
        let (mut looked, before) = (Looked { room: None, gone: false }, self.answers);
        let mut rouses = length >= 8192;
        for heard in reads(events) {
            match heard.word {
                HEAD => looked.room = Some(self.writer.claim(length, &[(HEAD, heard.told)])),
                word if word == WORDS.data_announced && std::mem::take(&mut rouses) => self.answers.rouse(heard.told),
                word if word == WORDS.data_announced => {
                    looked.gone = Announced::from_word(heard.told).has(Announced::GONE);
                }
                word => assert_eq!(word, WORDS.room_rung, "read {heard:?}"),
            }
        }
        if looked.room.is_none() && !(self.is_dead() || looked.gone) {
            looked.room = Some(self.writer.claim(length, &[]));
        }
        self.answers.assert_did(&before, events);
        looked
    }

    /// A lie that was found is what is reported, whatever else is the matter.
    fn ended(&mut self, end: End, looked: &Looked) {
        match end {
            End::Corrupt(corrupt) => {
                assert!(self.stage.lied(), "an honest word was refused");
                assert_eq!(looked.room, Some(Room::Corrupt));
                assert_explains(corrupt);
            }
            End::Closed => assert!(looked.gone && looked.room != Some(Room::Corrupt), "{:?}", looked.room),
            End::Disconnected => assert!(self.is_dead() && !looked.gone && looked.room != Some(Room::Corrupt)),
            end => panic!("{end:?}"),
        }
        self.end = Some(end);
    }

    fn commit(&mut self, claim: Claim, start: u64) {
        // Of a large message a part will do.
        let (message, limit) = (payload(claim.length().min(64)), self.writer.head + self.layout.capacity);
        let tail = self.writer.tail;
        let ((), events) = self.stage.clone().watch(|| {
            self.outgoing.fill(&claim, 0, &message);
            self.outgoing.commit_quietly(claim);
        });
        self.writer.commit(start, claim.length());
        assert!(self.writer.tail < limit);
        for event in events {
            let word = match event {
                Event::Stored { word, .. } => word,
                Event::Wrote { offset, .. } => offset / 8,
                event => panic!("{event:?}"),
            };
            let ahead = ((word - self.layout.ring) as u64).wrapping_sub(tail) % self.layout.capacity;
            assert!(ahead < limit - tail, "wrote {ahead} words behind the tail, {} are free", limit - tail);
        }
    }

    fn ring(&mut self, expected: Notice) {
        let (notice, events) = self.stage.clone().watch(|| self.outgoing.ring());
        self.rang(notice, &events);
        self.stage.expect(notice == expected, || format!("{notice:?}, not {expected:?}"));
        if notice == Notice::Gone {
            let lie = self.writer_is_corrupt().then(|| self.outgoing.try_claim(0));
            let lie = lie.and_then(|claimed| if let Err(ClaimError::End(end)) = claimed { Some(end) } else { None });
            self.end.get_or_insert(lie.unwrap_or(End::Closed));
        }
    }

    fn rang(&mut self, notice: Notice, events: &[Event]) {
        let before = self.answers;
        let mut read = told(events, WORDS.data_announced).into_iter();
        assert_eq!(notice, self.answers.ring(&mut read));
        assert_eq!((read.next(), told(events, HEAD).as_slice()), (None, [].as_slice()), "{events:?}");
        self.answers.assert_did(&before, events);
    }

    fn writer_is_corrupt(&mut self) -> bool {
        // Of the oracle: a frame too large to be looked for, so that it needs no head.
        self.writer.claim(self.layout.largest() + 1, &[]) == Room::Corrupt
    }

    fn rest(&mut self, length: usize, expected: bool) {
        let (rests, events) = self.stage.clone().watch(|| self.outgoing.rest(length));
        self.stage.expect(rests == expected, || format!("rests: {rests}"));
        let looked = self.judge(length, &events);
        let waits = matches!(looked.room, Some(Room::Full)) && !looked.gone;
        assert_eq!(rests, waits, "{events:?}");
        let said = stored(&events, WORDS.room_announced);
        assert!(said.last().is_some_and(|last| (last & 1 == 1) == rests), "{events:?}");
    }

    fn rise(&mut self) {
        let ((), events) = self.stage.clone().watch(|| self.outgoing.rise());
        assert_eq!(reads(&events), []);
    }

    fn deserted(&mut self, expected: bool) {
        let (deserted, events) = self.stage.watch(|| self.outgoing.is_deserted());
        let &[word] = told(&events, WORDS.data_announced).as_slice() else { panic!("one look is enough: {events:?}") };
        assert_eq!(deserted, Announced::from_word(word).has(Announced::GONE));
        self.stage.expect(deserted == expected, || format!("deserted: {deserted}"));
    }

    fn finish(&mut self) {
        let (notice, events) = self.stage.clone().watch(|| self.outgoing.finish());
        self.rang(notice, &events);
        self.writer.finish();
        self.finished = true;
        self.end.get_or_insert(End::Closed);
    }

    fn await_departure(&mut self, expected: Result<(), ClaimError>) {
        let deadline = deadline(self.strategy);
        let (left, events) = self.stage.clone().watch(|| self.outgoing.await_departure(deadline));
        self.stage.expect(left == expected, || format!("{left:?}, not {expected:?}"));
        assert_slept_on_what_it_read(&events, WORDS.room_announced, WORDS.room_rung);
        let gone = |word: &u64| Announced::from_word(*word).has(Announced::GONE);
        let said = told(&events, WORDS.data_announced).iter().any(gone);
        match left {
            Ok(()) => assert!(said, "it has not left"),
            Err(ClaimError::Full) => assert!(!said && deadline.passed(), "gave up too early"),
            Err(ClaimError::End(End::Disconnected)) => assert!(!said && self.is_dead()),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// What comes after, whatever it was: the end is final, and nothing is looked for any more.
    fn go_on(&mut self) {
        for length in [self.layout.largest(), 0, 8] {
            let (claimed, events) = self.stage.clone().watch(|| self.outgoing.try_claim(length));
            self.claimed(length, claimed, claimed.map(drop), &events, None);
        }
        if let Some(end) = self.end {
            assert_eq!(self.outgoing.claim_known(0), None, "the end is final");
            assert_eq!(self.outgoing.claim(0, Deadline::NEVER), Err(ClaimError::End(end)), "the end is final");
        }
        self.halves.assert_untouched();
    }
}

/// An honest receiver takes so many, and says so.
fn receive(receiver: &RefCell<Incoming<Heap>>, count: usize) {
    let mut receiver = receiver.borrow_mut();
    for _ in 0..count {
        if let Ok(span) = receiver.try_next() {
            receiver.release(span);
        }
    }
    let _ = receiver.try_next();
}

const FULL: Claimed = Err(ClaimError::Full);
const CLOSED: Claimed = Err(ClaimError::End(End::Closed));
const DISCONNECTED: Claimed = Err(ClaimError::End(End::Disconnected));

type Play = fn(&mut Sending);

/// As many as there is room for.
fn fill(it: &mut Sending) {
    let room = it.layout.capacity as usize - 1;
    (0..room).for_each(|_| it.send(0, Ok(())));
}

/// In a ring of 8 words.
const PLAYS: [(&str, Play); 15] = [
    ("some", |it| {
        it.send(8, Ok(()));
        it.ring(Notice::Done);
        it.ring(Notice::Done);
        it.send(24, Ok(()));
        it.deserted(false);
    }),
    ("full", |it| {
        fill(it);
        it.send(0, FULL);
        it.await_room(0, FULL);
    }),
    ("room again", |it| {
        fill(it);
        it.received(7).send(24, Ok(()));
        it.ring(Notice::Done);
        it.send(24, FULL);
    }),
    ("room that was waited for", |it| {
        fill(it);
        it.receives_meanwhile(7).await_room(8, Ok(()));
        it.ring(Notice::Done);
        it.send(24, Ok(()));
        it.receives_meanwhile(2).await_room(16, Ok(()));
    }),
    ("too little room, and then enough", |it| {
        fill(it);
        if it.strategy == WaitStrategy::Park {
            it.receives_meanwhile(1).receives_meanwhile(6).await_room(24, Ok(()));
        }
    }),
    ("wrapping and skipping", |it| {
        for length in [16, 24, 0, 24, 8, 16, 16, 20] {
            it.send(length, Ok(()));
            it.received(1);
        }
    }),
    ("a receiver that sleeps", |it| {
        it.receiver_sleeps().send(8, Ok(()));
        it.ring(Notice::Done);
        it.send(8, Ok(()));
        it.ring(Notice::Done);
    }),
    ("a receiver that polls", |it| {
        it.receiver_polls().send(8, Ok(()));
        it.ring(Notice::Poke);
        it.ring(Notice::Done);
    }),
    ("a receiver that has left", |it| {
        it.send(8, Ok(()));
        it.receiver_leaves().deserted(true);
        it.send(8, Ok(()));
        it.ring(Notice::Gone);
        it.send(8, CLOSED);
        it.await_room(8, CLOSED);
    }),
    ("a receiver that leaves", |it| {
        fill(it);
        it.leaves_meanwhile().await_room(8, CLOSED);
        it.send(8, CLOSED);
    }),
    ("dead", |it| {
        it.send(8, Ok(()));
        it.died().send(8, DISCONNECTED);
        it.await_room(8, DISCONNECTED);
    }),
    ("dead while room is waited for", |it| {
        fill(it);
        it.dies_meanwhile().await_room(8, DISCONNECTED);
    }),
    ("left, and dead", |it| {
        it.receiver_leaves().died().send(8, CLOSED);
    }),
    ("resting", |it| {
        it.rest(0, false);
        fill(it);
        it.rest(24, true);
        it.rise();
        it.received(7).rest(24, false);
        it.send(24, Ok(()));
        it.rest(24, true);
        it.receiver_leaves().rise();
        it.rest(24, false);
    }),
    ("leaving", |it| {
        it.send(8, Ok(()));
        it.receiver_sleeps().finish();
        // Who has spun in vain sleeps the next time, and by then there would be no time.
        if it.strategy != WaitStrategy::SpinThenPark {
            it.await_departure(FULL);
        }
        it.leaves_meanwhile().await_departure(Ok(()));
        it.await_departure(Ok(()));
    }),
];

/// Those in which a side sleeps that may have promised not to.
const SLEEPS: [&str; 4] = ["a receiver that sleeps", "a receiver that polls", "resting", "leaving"];

/// In a ring that takes messages before which a receiver is roused.
const LARGE: [(&str, Play); 3] = [
    ("large", |it| {
        it.receiver_sleeps().send(8192, Ok(()));
        it.ring(Notice::Done);
        it.send(16_000, Ok(()));
        it.send(16_000, FULL);
        it.receiver_sleeps().received(2).receiver_sleeps().send(16_000, Ok(()));
    }),
    ("large, to one that polls", |it| {
        it.receiver_polls().send(8192, Ok(()));
        it.ring(Notice::Poke);
    }),
    ("large, to one that has left", |it| {
        it.receiver_leaves().send(8192, Ok(()));
        it.ring(Notice::Gone);
    }),
];

/// Everything that a sender does, in each way to wait.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for way in WAYS {
        for (name, play) in PLAYS.into_iter().filter(|(name, _)| way.1 != Fencing::Never || !SLEEPS.contains(name)) {
            all.push(scenario(name, play, layout(8, 1), way));
        }
    }
    for (name, play) in LARGE {
        all.push(scenario(name, play, layout(4096, 1), WAYS[0]));
    }
    all
}

fn scenario(name: &str, play: Play, layout: Layout, way: (WaitStrategy, Fencing)) -> Scenario {
    let name = format!("sending, {name}, {way:?}, {} words", layout.capacity);
    let play = Box::new(move |stage: &Stage| {
        let mut sending = Sending::new(stage, layout, way);
        play(&mut sending);
        sending.go_on();
    });
    Scenario { name, capacity: layout.capacity, largest: layout.largest(), variant: way != WAYS[0], play }
}

#[test]
fn of_a_receiver_to_its_sender() {
    Tally::of("sending end of a direction", &scenarios());
}

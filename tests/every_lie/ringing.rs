//! The side that wakes, and what it has to do about an announcement.

use twinring::memory::Heap;
use twinring::wait::{Announced, Fencing, Notice, Ringer, Sleeper};

use crate::campaign::{Scenario, Tally};
use crate::stage::{Event, Stage, reads, stored};
use crate::witness::{Halves, WORDS, Witness, layout};

/// A ringer as it ought to be, by the table of the announcement.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// The number last answered.
    pub answered: u32,
    pub wakes: u64,
    rung: usize,
}

impl Answers {
    /// Nothing answered yet; answers go to word `rung`.
    pub fn new(rung: usize) -> Self {
        Self { answered: 0, wakes: 0, rung }
    }

    /// What comes of a ring that reads these announcements: one, and if that is not LIGHT a second one, by which it goes.
    ///
    /// # Panics
    ///
    /// If it read more or less.
    pub fn ring(&mut self, read: &mut impl Iterator<Item = u64>) -> Notice {
        let first = read.next().expect("a look at the announcement");
        let light = Announced::from_word(first).has(Announced::LIGHT);
        let word = if light { first } else { read.next().expect("a second look, behind the fence") };
        let announced = Announced::from_word(word);
        if announced.has(Announced::GONE) {
            return Notice::Gone;
        }
        if self.answer(announced) && announced.has(Announced::POLLING) { Notice::Poke } else { Notice::Done }
    }

    /// One look; only who sleeps by the futex is answered.
    pub fn rouse(&mut self, word: u64) {
        let announced = Announced::from_word(word);
        if !announced.has(Announced::POLLING) {
            self.answer(announced);
        }
    }

    fn answer(&mut self, announced: Announced) -> bool {
        let waits = announced.asleep() && announced.number() != self.answered;
        if waits {
            self.answered = announced.number();
            self.wakes += 1;
        }
        waits
    }

    /// What was written and woken between these two states is what the later one says.
    pub fn assert_did(&self, before: &Self, events: &[Event]) {
        let answers = stored(events, self.rung);
        let wakes = self.wakes - before.wakes;
        assert_eq!(answers.len() as u64, wakes, "{events:?}");
        assert!(answers.last().is_none_or(|&last| last == u64::from(self.answered)), "{events:?}");
        let woken = events.iter().filter(|event| matches!(event, Event::Woke { word } if *word == self.rung)).count();
        assert!(woken as u64 <= wakes, "{events:?}");
        let others = events.iter().any(|event| matches!(event, Event::Woke { word } if *word != self.rung));
        assert!(!others, "woke elsewhere: {events:?}");
    }
}

/// A ringer that is lied to, and its honest sleeper.
struct Ringing {
    stage: Stage,
    halves: Halves,
    ringer: Ringer<Witness>,
    answers: Answers,
    sleeper: Sleeper<Heap>,
}

impl Ringing {
    fn new(stage: &Stage, fencing: Fencing) -> Self {
        let halves = Halves::new(layout(8, 1));
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_sender(stage), halves.for_receiver());
        let sleeper = Sleeper::new(honest_own, WORDS.data_announced, honest_peer, WORDS.data_rung, fencing);
        let sleeper = sleeper.lightened();
        let ringer = Ringer::new(own, WORDS.data_rung, peer, WORDS.data_announced);
        Self { ringer, answers: Answers::new(WORDS.data_rung), sleeper, stage: stage.clone(), halves }
    }

    fn ring(&mut self, expected: Notice, wakes: u64) {
        let before = self.answers;
        let (notice, events) = self.stage.clone().watch(|| self.ringer.ring());
        let mut read = said(&events).into_iter();
        assert_eq!(notice, self.answers.ring(&mut read), "{events:?}");
        assert_eq!(read.next(), None, "looked once more: {events:?}");
        self.did(&before, &events, wakes);
        self.stage.expect(notice == expected, || format!("{notice:?}, not {expected:?}"));
        if notice == Notice::Poke {
            assert!(!events.iter().any(|event| matches!(event, Event::Woke { .. })), "woke who polls");
        }
    }

    fn rouse(&mut self, wakes: u64) {
        let before = self.answers;
        let ((), events) = self.stage.clone().watch(|| self.ringer.rouse());
        let &[word] = said(&events).as_slice() else { panic!("one look is enough: {events:?}") };
        self.answers.rouse(word);
        self.did(&before, &events, wakes);
    }

    fn did(&mut self, before: &Answers, events: &[Event], wakes: u64) {
        self.answers.assert_did(before, events);
        assert_eq!(self.ringer.wakes(), self.answers.wakes);
        self.stage.expect(self.answers.wakes == wakes, || format!("{} wakes, not {wakes}", self.answers.wakes));
    }

    fn gone(&mut self, expected: bool) {
        let (gone, events) = self.stage.watch(|| self.ringer.gone());
        let &[word] = said(&events).as_slice() else { panic!("one look is enough: {events:?}") };
        assert_eq!(gone, Announced::from_word(word).has(Announced::GONE));
        self.stage.expect(gone == expected, || format!("gone: {gone}"));
    }
}

/// The announcements that were read; nothing else may have been.
fn said(events: &[Event]) -> Vec<u64> {
    let read = reads(events);
    assert!(read.iter().all(|heard| heard.word == WORDS.data_announced), "{read:?}");
    read.into_iter().map(|heard| heard.told).collect()
}

fn scenario(name: &str, fencing: Fencing, play: impl Fn(&mut Ringing) + 'static) -> Scenario {
    let play = Box::new(move |stage: &Stage| {
        let mut ringing = Ringing::new(stage, fencing);
        play(&mut ringing);
        ringing.halves.assert_untouched();
    });
    Scenario { name: format!("ringing, {name}, {fencing:?}"), capacity: 8, largest: 24, variant: false, play }
}

/// Everything that a ringer does, by what its sleeper does.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for fencing in [Fencing::Plain, Fencing::Adaptive] {
        all.push(scenario("awake", fencing, |it| {
            it.ring(Notice::Done, 0);
            it.ring(Notice::Done, 0);
            it.rouse(0);
            it.gone(false);
        }));
        all.push(scenario("asleep", fencing, |it| {
            it.sleeper.announce(1);
            it.ring(Notice::Done, 1);
            it.ring(Notice::Done, 1);
            it.sleeper.retract();
            it.ring(Notice::Done, 1);
            it.sleeper.announce(100);
            it.gone(false);
            it.ring(Notice::Done, 2);
        }));
        all.push(scenario("roused", fencing, |it| {
            it.sleeper.announce(100);
            it.rouse(1);
            it.rouse(1);
            it.ring(Notice::Done, 1);
            it.sleeper.announce(200);
            it.rouse(2);
            it.ring(Notice::Done, 2);
        }));
        all.push(scenario("polling", fencing, |it| {
            it.sleeper.announce_polling(100);
            it.rouse(0);
            it.ring(Notice::Poke, 1);
            it.ring(Notice::Done, 1);
        }));
        all.push(scenario("gone", fencing, |it| {
            it.ring(Notice::Done, 0);
            it.sleeper.leave();
            it.gone(true);
            it.rouse(0);
            it.ring(Notice::Gone, 0);
            it.ring(Notice::Gone, 0);
        }));
        all.push(scenario("lightened", fencing, |it| {
            it.sleeper.announce(1);
            it.ring(Notice::Done, 1);
            it.sleeper.retract();
            it.sleeper.lighten(100);
            it.ring(Notice::Done, 1);
            it.ring(Notice::Done, 1);
        }));
    }
    all.push(scenario("promised", Fencing::Never, |it| {
        it.ring(Notice::Done, 0);
        it.ring(Notice::Done, 0);
        it.sleeper.leave();
        it.ring(Notice::Gone, 0);
    }));
    all
}

#[test]
fn of_a_sleeper_to_who_wakes_it() {
    Tally::of("waking side of a doorbell", &scenarios());
}

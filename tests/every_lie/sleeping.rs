//! The side that sleeps: what it makes of the answer to its sleep.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use twinring::Deadline;
use twinring::memory::Heap;
use twinring::wait::{Announced, Attention, Fencing, Link, Patience, Ringer, Sleeper, WaitStrategy};

use crate::campaign::{Scenario, Tally};
use crate::stage::{Event, Stage, stored, told};
use crate::witness::{Halves, WORDS, Witness, layout};

/// Long enough for an honest run, short enough for as many sleeps that nobody ends.
pub const SOON: Duration = Duration::from_micros(100);

/// A sleeper that is lied to, and its honest ringer.
struct Sleeping {
    stage: Stage,
    halves: Halves,
    sleeper: Sleeper<Witness>,
    link: Link<Witness>,
    attention: Attention<Witness>,
    ringer: Rc<RefCell<Ringer<Heap>>>,
    /// What stands in its word.
    said: Announced,
}

impl Sleeping {
    fn new(stage: &Stage, fencing: Fencing) -> Self {
        let halves = Halves::new(layout(8, 1));
        let ((own, peer), (honest_own, honest_peer)) = (halves.witnessed_by_receiver(stage), halves.for_sender());
        let ringer = Ringer::new(honest_own, WORDS.data_rung, honest_peer, WORDS.data_announced);
        Self {
            sleeper: Sleeper::new(own, WORDS.data_announced, peer, WORDS.data_rung, fencing).lightened(),
            link: Link::new(Witness::private(stage, 1), 0),
            attention: Attention::new(Witness::private(stage, 1), 0),
            ringer: Rc::new(RefCell::new(ringer)),
            said: Announced::default(),
            stage: stage.clone(),
            halves,
        }
    }

    fn announce(&mut self, count: u64, polling: bool) {
        let ((), events) = self
            .stage
            .clone()
            .watch(|| if polling { self.sleeper.announce_polling(count) } else { self.sleeper.announce(count) });
        let &[rung] = told(&events, WORDS.data_rung).as_slice() else { panic!("one look is enough: {events:?}") };
        let before = self.said.number();
        self.follow(&events);
        assert!(self.said.asleep(), "{:?}", self.said);
        assert!(![rung as u32, before].contains(&self.said.number()), "{:?} looks answered", self.said);
        assert_eq!(self.said.has(Announced::POLLING), polling);
    }

    fn follow(&mut self, events: &[Event]) {
        if let Some(&last) = stored(events, WORDS.data_announced).last() {
            self.said = Announced::from_word(last);
        }
    }

    fn sleep(&mut self, answered: bool) {
        let deadline = Deadline::after(SOON);
        let ((), events) = self.stage.clone().watch(|| self.sleeper.sleep(&self.link, deadline));
        self.slept(&events, answered);
    }

    fn slept(&mut self, events: &[Event], answered: bool) {
        let rung = told(events, WORDS.data_rung);
        let is_answered = rung[0] as u32 == self.said.number();
        let slept: Vec<_> = events.iter().filter(|event| matches!(event, Event::Slept { .. })).collect();
        if is_answered {
            assert_eq!((rung.len(), slept.len()), (1, 0), "slept although answered: {events:?}");
        } else {
            // While the very word is there that was found to be no answer.
            let word = WORDS.data_rung;
            assert_eq!((rung.len(), slept.as_slice()), (2, [&Event::Slept { word, expected: rung[0] }].as_slice()));
        }
        self.stage.expect(is_answered == answered, || format!("answered: {is_answered}"));
    }

    /// The same by another thread's rest.
    fn rest(&mut self, answered: bool) {
        let (rest, events) = self.stage.clone().watch(|| self.sleeper.rest());
        let &[rung] = told(&events, WORDS.data_rung).as_slice() else { panic!("one look is enough: {events:?}") };
        let deadline = Deadline::after(SOON);
        let ((), events) = self.stage.clone().watch(|| rest.sleep(&self.attention, deadline));
        let expected = Event::Slept { word: WORDS.data_rung, expected: rung };
        let is_answered = rung as u32 == self.said.number();
        assert_eq!(events, if is_answered { vec![] } else { vec![expected] });
        self.stage.expect(is_answered == answered, || format!("answered: {is_answered}"));
    }

    fn retract(&mut self) {
        let ((), events) = self.stage.clone().watch(|| self.sleeper.retract());
        self.follow(&events);
        assert!(!self.said.asleep());
    }

    /// A wait ends with what is looked for, at the `looks`-th look, or with its deadline.
    fn wait(&mut self, strategy: WaitStrategy, looks: u32) {
        let deadline = Deadline::after(SOON);
        let looked = Cell::new(0);
        let look = || {
            looked.set(looked.get() + 1);
            looked.get() == looks
        };
        let (mut patience, memory) = (Patience::new(strategy), Witness::private(&self.stage, 1));
        let (found, events) =
            self.stage.clone().watch(|| patience.wait(&mut self.sleeper, &self.link, &memory, 100, deadline, look));
        assert_eq!(found, looked.get() == looks, "{} looks", looked.get());
        assert!(found || deadline.passed(), "gave up too early");
        self.follow(&events);
        assert!(!self.said.asleep(), "it is awake");
        self.assert_slept_on_what_it_read(&events);
        self.stage.expect(found, || "too late".to_owned());
    }

    fn assert_slept_on_what_it_read(&self, events: &[Event]) {
        assert_slept_on_what_it_read(events, WORDS.data_announced, WORDS.data_rung);
    }

    /// The ringer answers while the sleeper sleeps.
    fn answered_in_its_sleep(&self) {
        let ringer = Rc::clone(&self.ringer);
        self.stage.at_sleep(move || {
            let _ = ringer.borrow_mut().ring();
        });
    }

    fn answered(&self) {
        let _ = self.ringer.borrow_mut().ring();
    }
}

/// Each sleep is on the word that was just read, while it is the very value that was found to be no answer.
pub fn assert_slept_on_what_it_read(events: &[Event], announced: usize, rung: usize) {
    let (mut said, mut seen) = (Announced::default(), None);
    for event in events {
        match *event {
            Event::Stored { word, value } if word == announced => said = Announced::from_word(value),
            Event::Read(heard) if heard.word == rung => seen = Some(heard.told),
            Event::Slept { word, expected } => {
                assert_eq!((word, Some(expected)), (rung, seen), "slept on something else");
                assert!(said.asleep() && said.number() != expected as u32, "slept although answered: {events:?}");
            }
            _ => {}
        }
    }
}

fn scenario(name: &str, fencing: Fencing, play: impl Fn(&mut Sleeping) + 'static) -> Scenario {
    let play = Box::new(move |stage: &Stage| {
        let mut sleeping = Sleeping::new(stage, fencing);
        play(&mut sleeping);
        sleeping.halves.assert_untouched();
    });
    Scenario { name: format!("sleeping, {name}, {fencing:?}"), capacity: 8, largest: 24, variant: false, play }
}

/// Everything that a sleeper does, by what its ringer does.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for fencing in [Fencing::Plain, Fencing::Adaptive] {
        all.push(scenario("answered in its sleep", fencing, |it| {
            it.answered_in_its_sleep();
            it.announce(1, false);
            it.sleep(false);
            it.retract();
            it.announce(2, false);
            it.answered();
            it.sleep(true);
            it.retract();
            it.announce(200, false);
        }));
        all.push(scenario("answered before", fencing, |it| {
            it.announce(100, false);
            it.answered();
            it.sleep(true);
            it.announce(100, false);
            it.answered_in_its_sleep();
            it.sleep(false);
            it.retract();
        }));
        all.push(scenario("answered to a rest", fencing, |it| {
            it.announce(1, false);
            it.answered_in_its_sleep();
            it.rest(false);
            it.rest(true);
            it.retract();
        }));
        all.push(scenario("polling", fencing, |it| {
            it.announce(1, true);
            it.answered();
            it.retract();
            it.announce(2, true);
            it.retract();
        }));
        all.push(scenario("refused", fencing, |it| {
            it.announce(100, true);
            it.retract();
            it.stage.refuse_heavy_fences();
            it.announce(200, true);
            it.answered();
            it.sleep(true);
            it.retract();
            it.announce(300, false);
        }));
        all.push(scenario("waiting", fencing, |it| {
            it.answered_in_its_sleep();
            it.wait(WaitStrategy::Park, 2);
            it.wait(WaitStrategy::Park, 1);
            it.answered_in_its_sleep();
            it.answered_in_its_sleep();
            it.wait(WaitStrategy::Park, 4);
            it.wait(WaitStrategy::SpinThenPark, 3);
        }));
    }
    all
}

#[test]
fn of_a_ringer_to_who_sleeps() {
    Tally::of("sleeping side of a doorbell", &scenarios());
}

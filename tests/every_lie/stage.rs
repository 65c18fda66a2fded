//! What a scenario is played on: it remembers what the victim read and did, and lies where it was told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::rc::Rc;

use crate::counting::asked;
use crate::lies::Lie;

/// Where in the source a word of the peer's is read.
pub type Place = &'static Location<'static>;

/// A read of a word of the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub word: usize,
    /// What stands there.
    pub honest: u64,
    /// What was answered.
    pub told: u64,
    pub place: Place,
    /// Whether it is the beginning of a payload that was copied.
    pub copied: bool,
}

/// What the victim did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Read(Heard),
    /// So many bytes from here on were copied out of the peer's memory.
    Copied {
        offset: usize,
        length: usize,
    },
    /// Of its own.
    Stored {
        word: usize,
        value: u64,
    },
    /// So many bytes from here on were copied to its own memory.
    Wrote {
        offset: usize,
        length: usize,
    },
    Slept {
        word: usize,
        expected: u64,
    },
    Woke {
        word: usize,
    },
}

/// When to lie, by the number of the read.
#[derive(Clone, Debug, Default)]
pub enum Plan {
    #[default]
    Truth,
    /// At this read, and never again.
    Once { at: usize, value: u64 },
    /// At this read, and at every later one of that word.
    ForGood { at: usize, value: u64 },
    /// At this read, and something else at the next one of that word; the truth, or the same, after that.
    Changing { at: usize, first: u64, second: u64, then_stays: bool },
    /// At these reads.
    Many(BTreeMap<usize, Lie>),
}

/// What a lie goes on with, at later reads of its word.
#[derive(Clone, Copy, Debug)]
struct Sequel {
    word: usize,
    value: u64,
    stays: bool,
}

type Act = Box<dyn FnOnce()>;

#[derive(Default)]
struct State {
    plan: Plan,
    sequel: Option<Sequel>,
    heard: Vec<Heard>,
    events: Vec<Event>,
    lied: bool,
    /// What the peer does while the victim sleeps, a sleep after the other.
    at_sleeps: VecDeque<Act>,
    /// What the peer does before this read.
    at_reads: VecDeque<(usize, Act)>,
    surprise: Option<String>,
}

/// Shared by everything that takes part.
#[derive(Clone, Default)]
pub struct Stage {
    state: Rc<RefCell<State>>,
    /// Allocations that are the stage's own.
    forgiven: Rc<Cell<u64>>,
    refuses: Rc<Cell<bool>>,
}

/// More reads than any scenario needs, with any lies: who goes on has no bound.
const MOST_READS: usize = 1024;

impl Stage {
    /// On which this plan is followed.
    pub fn new(plan: Plan) -> Self {
        let stage = Self::default();
        let mut state = stage.state.borrow_mut();
        state.plan = plan;
        state.heard.reserve(MOST_READS);
        state.events.reserve(2 * MOST_READS);
        drop(state);
        stage
    }

    /// The peer does this while the victim sleeps the next time that nothing else is due.
    pub fn at_sleep(&self, act: impl FnOnce() + 'static) {
        self.state.borrow_mut().at_sleeps.push_back(Box::new(act));
    }

    /// The peer does this before the `ahead`-th read from now on.
    pub fn at_read(&self, ahead: usize, act: impl FnOnce() + 'static) {
        let mut state = self.state.borrow_mut();
        let at = state.heard.len() + ahead;
        state.at_reads.push_back((at, Box::new(act)));
    }

    /// From now on heavy fences are refused.
    pub fn refuse_heavy_fences(&self) {
        self.refuses.set(true);
    }

    pub fn refuses_heavy_fences(&self) -> bool {
        self.refuses.get()
    }

    /// What a read is answered with.
    pub fn answer(&self, word: usize, honest: impl Fn() -> u64, place: Place, copied: bool) -> u64 {
        self.forgive(|| self.act_before_a_read());
        let mut state = self.state.borrow_mut();
        let (number, honest) = (state.heard.len(), honest());
        assert!(number < MOST_READS, "reads without end: {:?}", &state.heard[number - 8..]);
        let told = state.answer(number, word, honest);
        let heard = Heard { word, honest, told, place, copied };
        state.lied |= told != honest;
        state.heard.push(heard);
        drop(state);
        self.note(Event::Read(heard));
        told
    }

    fn act_before_a_read(&self) {
        let mut state = self.state.borrow_mut();
        let number = state.heard.len();
        if state.at_reads.front().is_some_and(|(at, _)| *at <= number) {
            let due = state.at_reads.pop_front();
            drop(state);
            due.into_iter().for_each(|(_, act)| act());
        }
    }

    /// Lets the peer act while the victim sleeps; `false` if it has nothing to do.
    pub fn sleeps(&self) -> bool {
        let act = self.state.borrow_mut().at_sleeps.pop_front();
        self.forgive(|| act.map(|act| act()).is_some())
    }

    pub fn note(&self, event: Event) {
        self.state.borrow_mut().events.push(event);
    }

    /// Does what does not count as the victim's.
    fn forgive<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = asked();
        let done = act();
        self.forgiven.set(self.forgiven.get() + asked() - before);
        done
    }

    /// What the victim does, and what came of it; it may not allocate.
    pub fn watch<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Event>) {
        self.state.borrow_mut().events.clear();
        let before = asked() - self.forgiven.get();
        let done = act();
        assert_eq!(asked() - self.forgiven.get(), before, "it allocated");
        (done, self.state.borrow().events.clone())
    }

    /// Whether any answer so far was not the truth.
    pub fn lied(&self) -> bool {
        self.state.borrow().lied
    }

    /// All that was read.
    pub fn heard(&self) -> Vec<Heard> {
        self.state.borrow().heard.clone()
    }

    /// As long as nobody lied, this has to be so.
    pub fn expect(&self, is_so: bool, what: impl FnOnce() -> String) {
        let mut state = self.state.borrow_mut();
        if !is_so && !state.lied && state.surprise.is_none() {
            state.surprise = Some(what());
        }
    }

    /// What was not so although nobody lied. With a deadline in it, a scenario may have been too slow.
    pub fn surprise(&self) -> Option<String> {
        self.state.borrow().surprise.clone()
    }
}

impl State {
    fn answer(&mut self, number: usize, word: usize, honest: u64) -> u64 {
        match &self.plan {
            &Plan::Once { at, value } if at == number => value,
            &Plan::ForGood { at, value } if at == number => self.go_on(value, Sequel { word, value, stays: true }),
            &Plan::Changing { at, first, second, then_stays } if at == number => {
                self.go_on(first, Sequel { word, value: second, stays: then_stays })
            }
            Plan::Many(lies) => lies.get(&number).map_or(honest, |lie| lie.instead_of(honest)),
            _ => self.sequel(word, honest),
        }
    }

    fn go_on(&mut self, value: u64, sequel: Sequel) -> u64 {
        self.sequel = Some(sequel);
        value
    }

    fn sequel(&mut self, word: usize, honest: u64) -> u64 {
        match self.sequel {
            Some(sequel) if sequel.word == word => {
                self.sequel = Some(sequel).filter(|sequel| sequel.stays);
                sequel.value
            }
            _ => honest,
        }
    }
}

/// The reads among these events.
pub fn reads(events: &[Event]) -> Vec<Heard> {
    let read = |event: &Event| match event {
        Event::Read(heard) if !heard.copied => Some(*heard),
        _ => None,
    };
    events.iter().filter_map(read).collect()
}

/// What was read of this word.
pub fn told(events: &[Event], word: usize) -> Vec<u64> {
    reads(events).into_iter().filter(|heard| heard.word == word).map(|heard| heard.told).collect()
}

/// What was stored to this word.
pub fn stored(events: &[Event], word: usize) -> Vec<u64> {
    let value = |event: &Event| match event {
        Event::Stored { word: stored, value } if *stored == word => Some(*value),
        _ => None,
    };
    events.iter().filter_map(value).collect()
}

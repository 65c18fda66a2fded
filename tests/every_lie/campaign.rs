//! Plays a scenario once truthfully, and then again for every lie at every read.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::classes::{self, Wrong};
use crate::stage::{Heard, Place, Plan, Stage};

/// A situation, and what the victim does in it; it fails if something is done that must not be.
pub struct Scenario {
    pub name: String,
    /// Of the ring, in words.
    pub capacity: u64,
    /// The largest payload, in bytes.
    pub largest: usize,
    /// Of another scenario: it differs from that in how one waits, or in the size of the ring.
    pub variant: bool,
    pub play: Box<dyn Fn(&Stage)>,
}

/// What was covered.
#[derive(Default)]
pub struct Tally {
    words: BTreeSet<usize>,
    pub places: BTreeSet<Place>,
    points: u64,
    classes: BTreeSet<String>,
    /// Lies told, by how they go on.
    tried: BTreeMap<&'static str, u64>,
}

/// How often a scenario may be disturbed by the machine, where a deadline is in it.
const ATTEMPTS: usize = 50;

/// How much of it is tried: all of it takes minutes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// All classes once at each read, some for good and some changing.
    Some,
    /// The same for each place in which the situation is another only by how one waits: a part of the classes each.
    Few,
    /// All, and many changing: `TWINRING_LIES=all`.
    All,
}

impl Depth {
    fn of(scenario: &Scenario) -> Self {
        match std::env::var_os("TWINRING_LIES") {
            Some(all) if all == "all" => Self::All,
            _ if scenario.variant => Self::Few,
            _ => Self::Some,
        }
    }

    /// Of so many classes one is told once, and one for good; and so many change into each other.
    fn steps(self) -> (usize, usize, usize) {
        match self {
            Self::Some => (1, 3, 4),
            Self::Few => (16, 32, 2),
            Self::All => (1, 1, 12),
        }
    }
}

impl Scenario {
    /// What an honest run reads.
    pub fn record(&self) -> Vec<Heard> {
        let mut surprise = None;
        for _ in 0..ATTEMPTS {
            let stage = Stage::new(Plan::Truth);
            (self.play)(&stage);
            surprise = stage.surprise();
            if surprise.is_none() {
                return stage.heard();
            }
        }
        panic!("{}: nobody lied, but {}", self.name, surprise.unwrap_or_default());
    }

    /// All lies at all reads.
    pub fn attack(&self, tally: &mut Tally) {
        let heard = self.record();
        let (once, for_good, changing) = Depth::of(self).steps();
        for at in points(&heard) {
            tally.words.insert(heard[at].word);
            tally.places.insert(heard[at].place);
            tally.points += 1;
            let wrong = classes::all(&heard, at, self.capacity, self.largest);
            for (number, Wrong { class, value }) in wrong.iter().enumerate() {
                // Other classes at other reads: all of them have their turn.
                let due = |step: usize| (number + at) % step == 0;
                if due(once) {
                    tally.classes.insert(class.clone());
                    self.lie(heard[at], Plan::Once { at, value: *value }, class);
                    *tally.tried.entry("once").or_default() += 1;
                }
                if due(for_good) {
                    self.lie(heard[at], Plan::ForGood { at, value: *value }, class);
                    *tally.tried.entry("for good").or_default() += 1;
                }
            }
            let few = classes::few(&wrong, changing, at);
            *tally.tried.entry("changing").or_default() += self.change(heard[at], at, &few);
        }
    }

    /// Values that change from this read of the word to the next.
    fn change(&self, heard: Heard, at: usize, few: &[Wrong]) -> u64 {
        let mut tried = 0;
        for first in few {
            for second in few.iter().filter(|second| second.value != first.value) {
                for then_stays in [false, true] {
                    let plan = Plan::Changing { at, first: first.value, second: second.value, then_stays };
                    self.lie(heard, plan, &first.class);
                    tried += 1;
                }
            }
        }
        tried
    }

    fn lie(&self, heard: Heard, plan: Plan, class: &str) {
        for _ in 0..ATTEMPTS {
            let stage = Stage::new(plan.clone());
            let played = catch_unwind(AssertUnwindSafe(|| (self.play)(&stage)));
            let Heard { word, honest, place, .. } = heard;
            assert!(played.is_ok(), "{}: word {word}, {honest:#x}, read at {place}: {class}, {plan:x?}", self.name);
            if stage.lied() {
                return;
            }
        }
        panic!("{}: nobody heard the lie {plan:x?}", self.name);
    }
}

/// The reads that are lied to: of many alike in a row (a thread that spins), the first two and the last two.
fn points(heard: &[Heard]) -> Vec<usize> {
    let alike = |one: usize, other: usize| {
        let key = |at: usize| heard.get(at).map(|heard| (heard.word, heard.honest, heard.place));
        key(one) == key(other)
    };
    let inside =
        |at: usize| at >= 2 && alike(at - 2, at) && alike(at - 1, at) && alike(at, at + 1) && alike(at, at + 2);
    (0..heard.len()).filter(|&at| !inside(at)).collect()
}

impl Tally {
    /// Attacks all of these, and says what was covered.
    pub fn of(name: &str, scenarios: &[Scenario]) {
        let mut tally = Self::default();
        scenarios.iter().for_each(|scenario| scenario.attack(&mut tally));
        let (places, words, classes) = (tally.places.len(), tally.words.len(), tally.classes.len());
        let sum: u64 = tally.tried.values().sum();
        println!(
            "{name}: {} situations, {words} words, {places} places, {} reads, {classes} classes: {sum} lies ({:?})",
            scenarios.len(),
            tally.points,
            tally.tried,
        );
        assert!(sum > 1000, "{name}: only {sum} lies");
    }
}

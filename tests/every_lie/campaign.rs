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

/// As many classes of values that change are tried with each other at each read.
fn few() -> usize {
    std::env::var("TWINRING_LIES").ok().and_then(|number| number.parse().ok()).unwrap_or(7)
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
        for at in points(&heard) {
            tally.words.insert(heard[at].word);
            tally.places.insert(heard[at].place);
            tally.points += 1;
            let wrong = classes::all(&heard, at, self.capacity, self.largest);
            for Wrong { class, value } in &wrong {
                tally.classes.insert(class.clone());
                self.lie(heard[at], Plan::Once { at, value: *value }, class);
                self.lie(heard[at], Plan::ForGood { at, value: *value }, class);
            }
            *tally.tried.entry("once").or_default() += wrong.len() as u64;
            *tally.tried.entry("for good").or_default() += wrong.len() as u64;
            *tally.tried.entry("changing").or_default() += self.change(heard[at], at, &wrong);
        }
    }

    /// Values that change from this read of the word to the next.
    fn change(&self, heard: Heard, at: usize, wrong: &[Wrong]) -> u64 {
        let mut tried = 0;
        let few = classes::few(wrong, few());
        for first in &few {
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
    let inside = |at: usize| at >= 2 && alike(at - 2, at) && alike(at - 1, at) && alike(at, at + 1) && alike(at, at + 2);
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

//! Both ends of a doorbell, each against a peer that pokes words and answers reads with lies.

mod ringing;
mod sleeping;

use arbitrary::{Arbitrary, Unstructured};
use twinring::WaitStrategy;
use twinring::memory::{Heap, Hostile, Memory, Ordering, Own};
use twinring::wait::{Announced, Fencing, Link};

use super::lies::{Liar, Lie};
use ringing::Ringing;
use sleeping::Sleeping;

/// The words of the doorbell in the halves of their writers, between words that nobody may touch.
const RUNG: usize = 1;
const ANNOUNCED: usize = 2;
const WORDS: usize = 4;

/// What stands in words that nobody may touch.
const UNTOUCHED: u64 = 0xdead_beef_dead_beef;

/// Enough for every order of a few announcements and answers, few enough to be quick.
const MOST_STEPS: usize = 128;

#[derive(Debug, Arbitrary)]
struct Input {
    kind: Kind,
    steps: Vec<Step>,
}

/// How a sleeper waits and who makes the fences: what the library puts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Kind {
    Parks { plain: bool },
    Adapts { plain: bool },
    Spins,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    Ring,
    AskWhetherGone,
    /// After so many messages more, for the futex or for `poll(2)`.
    Announce {
        messages: u8,
        polling: bool,
    },
    Sleep,
    Retract,
    Lighten {
        messages: u8,
    },
    /// For something that the look of this number finds; 0 for what never comes.
    Wait {
        messages: u8,
        looks: u8,
    },
    Leave,
    PokeAnnounced(Lie),
    PokeRung(Lie),
    /// The ringer's next reads are answered with these.
    LieToRinger([Lie; 2]),
    /// The sleeper's next reads are answered with these.
    LieToSleeper([Lie; 2]),
    Rouse,
}

/// Each end does what the table of the doorbell says, by what it read last and no more reads than it needs; it writes its own
/// word alone; no wait outlives its deadline.
pub fn doorbell(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut world = World::new(input.kind);
    for step in input.steps.into_iter().take(MOST_STEPS) {
        world.take(step);
        world.assert_nothing_else_was_touched();
    }
}

impl Kind {
    fn strategy(self) -> WaitStrategy {
        match self {
            Self::Parks { .. } => WaitStrategy::Park,
            Self::Adapts { .. } => WaitStrategy::SpinThenPark,
            Self::Spins => WaitStrategy::Spin,
        }
    }

    fn fencing(self) -> Fencing {
        match self {
            Self::Parks { plain: true } | Self::Adapts { plain: true } => Fencing::Plain,
            Self::Parks { plain: false } | Self::Adapts { plain: false } => Fencing::Adaptive,
            Self::Spins => Fencing::Never,
        }
    }
}

struct World {
    of_ringer: Heap,
    of_sleeper: Heap,
    ringing: Ringing,
    sleeping: Sleeping,
    /// What either reads of its own memory.
    to_itself: Liar,
}

impl World {
    fn new(kind: Kind) -> Self {
        let [of_ringer, of_sleeper] = Heap::family([WORDS, WORDS]);
        for (half, used) in [(&of_ringer, RUNG), (&of_sleeper, ANNOUNCED)] {
            for word in (0..WORDS).filter(|&word| word != used) {
                half.store(word, UNTOUCHED, Ordering::Relaxed);
            }
        }
        let to_itself = Liar::default();
        let own = |half: &Heap| Own::new(to_itself.shows(half));
        let ringing = Ringing::new(own(&of_ringer), &of_ringer, &of_sleeper);
        let sleeping = Sleeping::new(kind, own(&of_sleeper), &of_sleeper, &of_ringer);
        Self { of_ringer, of_sleeper, ringing, sleeping, to_itself }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Ring => self.ringing.ring(),
            Step::Rouse => self.ringing.rouse(),
            Step::AskWhetherGone => self.ringing.ask_whether_gone(),
            Step::Announce { messages, polling } => self.sleeping.announce(messages, polling),
            Step::Sleep => self.sleeping.sleep(),
            Step::Retract => self.sleeping.retract(),
            Step::Lighten { messages } => self.sleeping.lighten(messages),
            Step::Wait { messages, looks } => self.sleeping.wait(messages, looks),
            Step::Leave => self.sleeping.leave(),
            Step::PokeAnnounced(lie) => self.sleeping.poke(lie),
            Step::PokeRung(lie) => self.ringing.poke(lie),
            Step::LieToRinger(lies) => self.ringing.to_ringer.prepare(lies),
            Step::LieToSleeper(lies) => self.sleeping.to_sleeper.prepare(lies),
        }
    }

    fn assert_nothing_else_was_touched(&self) {
        assert_eq!(self.ringing.to_ringer.heard(), [], "the ringer read more than it needs");
        assert_eq!(self.sleeping.to_sleeper.heard(), [], "the sleeper read more than it needs");
        assert_eq!(self.to_itself.heard(), [], "a side read its own words back");
        for (half, used) in [(&self.of_ringer, RUNG), (&self.of_sleeper, ANNOUNCED)] {
            for word in (0..WORDS).filter(|&word| word != used) {
                assert_eq!(half.load(word, Ordering::Relaxed), UNTOUCHED, "word {word} was written");
            }
        }
    }
}

/// Overwrites a word; what stands there now.
fn poke(memory: &Heap, word: usize, lie: Lie) -> u64 {
    let lie = lie.instead_of(memory.load(word, Ordering::Relaxed));
    memory.store(word, lie, Ordering::Relaxed);
    lie
}

/// The private word, which is no peer's.
fn link() -> Link<Hostile> {
    Link::new(Own::new(Hostile::honest(Heap::new(1))), 0)
}

/// An announcement, taken apart by the table of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    number: u32,
    light: bool,
    polling: bool,
    gone: bool,
}

impl Said {
    fn by(word: u64) -> Self {
        let bit = |bit: u32| word >> bit & 1 == 1;
        Self { number: (word & 0xffff_ffff) as u32, light: bit(32), polling: bit(33), gone: bit(34) }
    }

    fn asleep(self) -> bool {
        self.number % 2 == 1
    }

    /// The word that says this and nothing else.
    fn word(self) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        let bits = bit(self.light, Announced::LIGHT) | bit(self.polling, Announced::POLLING);
        Announced::new(self.number, bits | bit(self.gone, Announced::GONE)).word()
    }
}

//! What mutants do wrong with the words that threads of one process share.

use std::cell::Cell;

use twinring::memory::{Memory, Ordering};

use super::Mutant;
use crate::memory::Role;
use crate::mutation::Mutation;

/// The states of a slot, in its low bits; a generation above them.
const VACANT: u64 = 0;
const WAITING: u64 = 1;
const ASLEEP: u64 = 2;
const FILLING: u64 = 3;
const ANSWERED: u64 = 4;
const GENERATION: u64 = 1 << 8;

/// Neither free nor held.
const UNKNOWN: u64 = u64::MAX;

/// The word of attention when nobody has called.
const QUIET: u64 = 0;

fn state(slot: u64) -> u64 {
    slot % GENERATION
}

/// What a thread did last, as far as it tells who asks next.
#[derive(Debug, Default)]
pub(super) struct Steps {
    last: Cell<Step>,
    /// Whether it has slept since it last counted itself as a follower.
    has_slept: Cell<bool>,
    /// What it said too late: the word and both values.
    unsaid: Cell<Option<(usize, u64, u64)>>,
    /// Whether it has just failed to answer a call.
    has_failed: Cell<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Other,
    /// It gave the lead up, or forgot earlier calls.
    Stored,
    /// It fenced.
    Fenced,
    /// It looked at a slot that need not be its own.
    Scanned,
    /// It slept.
    Slept,
    /// It said that a reply is there.
    Answered,
}

impl Mutant {
    /// Whether threads of one process share these words.
    pub(super) fn is_private(&self) -> bool {
        matches!(self.words.role(0), Role::Lead | Role::Attention)
    }

    fn step(&self, step: Step) -> Step {
        self.steps.last.replace(step)
    }

    pub(super) fn load_private(&self, word: usize, order: Ordering) -> u64 {
        let scans = self.words.role(word) == Role::Slot && order == Ordering::Relaxed;
        let last = self.step(if scans { Step::Scanned } else { Step::Other });
        match (self.words.role(word), self.mutation) {
            (Role::Lead, Mutation::SecondTryDropped) if last == Step::Fenced => UNKNOWN,
            (Role::Lead, Mutation::ChosenGivesUp) if self.steps.has_slept.get() => UNKNOWN,
            (Role::Followers, Mutation::HandOnDropped) if last == Step::Fenced => 0,
            (Role::Slot, Mutation::AnsweredLoadRelaxed) => self.words.load(word, Ordering::Relaxed),
            (Role::Slot, Mutation::AnswerNotRepeated) if self.steps.has_failed.take() => VACANT,
            (Role::Slot, Mutation::GenerationKept) if scans => {
                let seen = self.words.load(word, order);
                if state(seen) == VACANT { seen.saturating_sub(GENERATION) } else { seen }
            }
            _ => self.words.load(word, order),
        }
    }

    pub(super) fn store_private(&self, word: usize, value: u64, order: Ordering) {
        let role = self.words.role(word);
        let answered = role == Role::Slot && state(value) == ANSWERED;
        self.step(match role {
            Role::Slot if answered => Step::Answered,
            Role::Slot => Step::Other,
            _ => Step::Stored,
        });
        match (role, self.mutation) {
            (Role::Lead, Mutation::LeadStoreRelaxed) => self.words.store(word, value, Ordering::Relaxed),
            (Role::Slot, Mutation::AnsweredStoreRelaxed) if answered => {
                self.words.store(word, value, Ordering::Relaxed);
            }
            (Role::Attention, Mutation::CallUnsaid | Mutation::CallForgotten) if value != QUIET => {}
            _ => self.words.store(word, value, order),
        }
    }

    pub(super) fn exchange_private(&self, word: usize, current: u64, new: u64) -> bool {
        let last = self.step(Step::Other);
        match self.words.role(word) {
            Role::Lead => self.exchange_lead(word, current, new),
            Role::Followers => self.count_follower(word, current, new),
            Role::Slot => self.exchange_slot(last, word, current, new),
            _ => self.words.exchange(word, current, new),
        }
    }

    fn exchange_lead(&self, word: usize, current: u64, new: u64) -> bool {
        match self.mutation {
            Mutation::LeadTakenRelaxed => self.words.exchange_relaxed(word, current, new),
            Mutation::LeadTakenBlind => {
                let free = self.words.load(word, Ordering::Acquire) == current;
                if free {
                    self.words.store(word, new, Ordering::Relaxed);
                }
                free
            }
            _ => self.words.exchange(word, current, new),
        }
    }

    fn count_follower(&self, word: usize, current: u64, new: u64) -> bool {
        if new == current.wrapping_add(1) {
            self.steps.has_slept.set(false);
        }
        match self.mutation {
            Mutation::FollowerUncounted => true,
            Mutation::FollowersBlind => self.store_blindly(word, new),
            _ => self.words.exchange(word, current, new),
        }
    }

    fn exchange_slot(&self, last: Step, word: usize, current: u64, new: u64) -> bool {
        match (state(current), state(new), self.mutation) {
            (WAITING, ASLEEP, Mutation::AsleepTooLate) => {
                self.steps.unsaid.set(Some((word, current, new)));
                true
            }
            (WAITING, ASLEEP, Mutation::AsleepBlind)
            | (WAITING, FILLING, Mutation::AnswerBlind)
            | (WAITING, VACANT, Mutation::ExitTooEarly) => self.store_blindly(word, new),
            (ASLEEP, WAITING, Mutation::HandOnBlind) if last == Step::Scanned => self.store_blindly(word, new),
            (ASLEEP, WAITING, Mutation::WokenBlind) if last == Step::Slept => self.store_blindly(word, new),
            (_, FILLING, _) => {
                let answers = self.words.exchange(word, current, new);
                self.steps.has_failed.set(!answers);
                answers
            }
            (ANSWERED, VACANT, Mutation::ExitRelaxed) => self.words.exchange_relaxed(word, current, new),
            _ => self.words.exchange(word, current, new),
        }
    }

    fn store_blindly(&self, word: usize, new: u64) -> bool {
        self.words.store(word, new, Ordering::Release);
        true
    }

    pub(super) fn fence_private(&self) {
        let stored = self.step(Step::Fenced) == Step::Stored;
        let dropped = match (self.words.role(0), stored) {
            (Role::Lead, true) => Mutation::LeaveFenceDropped,
            (Role::Lead, false) => Mutation::FollowFenceDropped,
            (_, true) => Mutation::QuietFenceDropped,
            (_, false) => Mutation::CallFenceDropped,
        };
        if !self.is(dropped) {
            self.words.fence();
        }
    }

    pub(super) fn before_sleep(&self, word: usize) {
        if self.words.role(word) == Role::Slot {
            self.step(Step::Slept);
            self.steps.has_slept.set(true);
        }
        if let Some((word, current, new)) = self.steps.unsaid.take()
            && !self.words.exchange(word, current, new)
        {
            // Its reply is coming: it does not sleep, and waits for that.
            self.words.pause();
        }
    }

    pub(super) fn wake_private(&self, word: usize) {
        let answered = self.step(Step::Other) == Step::Answered;
        match (self.words.role(word), self.mutation) {
            (Role::Slot, Mutation::AnswerUnrung) if answered => {}
            (Role::Slot, Mutation::HandOnUnrung) if !answered => {}
            (Role::Attention, Mutation::CallUnrung | Mutation::CallForgotten) => {}
            _ => self.words.wake(word),
        }
    }
}

//! Memory that does one thing wrong.

mod private;

use std::cell::Cell;
use std::rc::Rc;

use twinring::Deadline;
use twinring::memory::{Memory, Ordering, WORD};
use twinring::ring::{Header, Kind};
use twinring::wait::Announced;

use crate::memory::{Role, Side, Words};
use crate::mutation::Mutation;
use private::Steps;

/// Words in a cache line, as the ring counts them.
const LINE: usize = 8;

/// Loom's memory, with a mutation; [`Mutation::None`] changes nothing.
#[derive(Clone, Debug)]
pub struct Mutant {
    words: Words,
    mutation: Mutation,
    notes: Rc<Notes>,
    steps: Rc<Steps>,
}

/// What the mutations have to know about what happened so far. Not modelled: what each field says concerns one thread,
/// or is meant to be known too early.
#[derive(Debug, Default)]
pub struct Notes {
    /// Words in the ring, and words that must be withheld until the head is due.
    capacity: u64,
    lazy: u64,
    /// How many words were committed.
    tail: Cell<u64>,
    /// The header behind a skip that is not committed yet.
    behind_skip: Cell<Option<(usize, u64)>>,
    /// Whether the producer's last store was a commit.
    committed: Cell<bool>,
    /// What the consumer believes to have published.
    published: Cell<u64>,
    /// What the producer last saw of the head.
    head_seen: Cell<u64>,
    /// Whether the next look is the one after an announcement: for data, for room.
    look_is_second: [Cell<bool>; 2],
    /// Whether the last store of a side was an announcement.
    announced: [Cell<bool>; 2],
    /// What a side last saw of the other's announcement, and whether it has fenced since.
    glanced: [Cell<u64>; 2],
    fenced: [Cell<bool>; 2],
    /// How often a ringer that has answered is yet to see what it saw then.
    stale: Cell<u8>,
}

impl Notes {
    /// Nothing has happened in a ring of `capacity` words with a head that lags by fewer than `lazy`.
    #[must_use]
    pub fn new(capacity: u64, lazy: u64) -> Rc<Self> {
        Rc::new(Self { capacity, lazy, ..Self::default() })
    }

    fn count(&self, word: usize, header: u64) {
        let frame = |header| match Header::parse(header, usize::MAX) {
            Ok(Kind::Data(length)) => 1 + length.div_ceil(WORD) as u64,
            _ => 0,
        };
        let words = match self.behind_skip.take() {
            Some((_, behind)) => self.capacity - word as u64 + frame(behind),
            None => frame(header),
        };
        self.tail.set(self.tail.get() + words);
    }
}

impl Mutant {
    /// `words`, with this mutation; the notes are those of the whole model.
    #[must_use]
    pub fn new(words: Words, mutation: Mutation, notes: &Rc<Notes>) -> Self {
        Self { words, mutation, notes: Rc::clone(notes), steps: Rc::default() }
    }

    /// Words that threads of one process share, for one of these threads.
    #[must_use]
    pub fn private(words: Words, mutation: Mutation) -> Self {
        Self::new(words, mutation, &Rc::default())
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// Stores to the ring: zeros, headers behind a skip (relaxed) and commits (release).
    fn store_ring(&self, word: usize, value: u64, order: Ordering) {
        let commit = order == Ordering::Release;
        let after_commit = self.notes.committed.replace(commit);
        match (value, commit) {
            (0, _) if after_commit => self.store_ahead(word),
            (0, _) if self.is(Mutation::ZeroDropped) => {}
            (0, _) => self.words.store(word, 0, order),
            (_, true) => self.commit(word, value),
            (_, false) => {
                self.notes.behind_skip.set(Some((word, value)));
                if !self.is(Mutation::SkipFirst) {
                    self.words.store(word, value, order);
                }
            }
        }
    }

    /// The zero of rule 3.
    fn store_ahead(&self, word: usize) {
        match self.mutation {
            Mutation::AheadDropped => {}
            Mutation::AheadMisplaced => {
                self.words.store(word.saturating_sub(LINE), 0, Ordering::Relaxed);
            }
            _ => self.words.store(word, 0, Ordering::Relaxed),
        }
    }

    fn commit(&self, word: usize, value: u64) {
        let behind = self.notes.behind_skip.get();
        self.notes.count(word, value);
        if self.is(Mutation::FinDropped) && Header::parse(value, 0) == Ok(Kind::Fin) {
            return;
        }
        let order = if self.is(Mutation::CommitRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        self.words.store(word, value, order);
        if let (Mutation::SkipFirst, Some((word, value))) = (self.mutation, behind) {
            self.words.store(word, value, Ordering::Relaxed);
        }
    }

    fn store_head(&self, word: usize, value: u64, order: Ordering) {
        let withheld = value - self.notes.published.replace(value);
        let due = withheld >= self.notes.lazy;
        let order = if self.is(Mutation::HeadStoreRelaxed) { Ordering::Relaxed } else { order };
        match self.mutation {
            Mutation::HeadOnEmptyLost if !due => {}
            Mutation::HeadWhenDueLost if due => {}
            Mutation::HeadTooFar => self.words.store(word, self.notes.tail.get(), order),
            _ => self.words.store(word, value, order),
        }
    }

    fn load_head(&self, word: usize, order: Ordering) -> u64 {
        let notes = &self.notes;
        if self.is_second_look(Side::Sender) {
            return notes.head_seen.get();
        }
        let order = if self.is(Mutation::HeadLoadRelaxed) { Ordering::Relaxed } else { order };
        let value = self.words.load(word, order);
        notes.head_seen.set(value);
        // Never more than was committed: that would be found out as corrupt.
        if self.is(Mutation::ExtraWordUnclaimed) { notes.tail.get().min(value + 1) } else { value }
    }

    fn load_ring(&self, word: usize, order: Ordering) -> u64 {
        if self.is_second_look(Side::Receiver) {
            return 0;
        }
        self.words.load(word, if self.is(Mutation::LookRelaxed) { Ordering::Relaxed } else { order })
    }

    fn is_second_look(&self, sleeper: Side) -> bool {
        self.is(Mutation::SecondLookDropped) && self.notes.look_is_second[sleeper as usize].take()
    }

    fn store_announced(&self, word: usize, value: u64, order: Ordering) {
        let announced = Announced::from_word(value);
        let side = self.words.side() as usize;
        self.notes.announced[side].set(true);
        self.notes.look_is_second[side].set(announced.asleep());
        let retracts = !announced.asleep() && announced.number() > 0 && !announced.has(Announced::GONE);
        match self.mutation {
            Mutation::AnnounceDropped if announced.asleep() => {}
            Mutation::RetractDropped if retracts => {}
            Mutation::GoneDropped if announced.has(Announced::GONE) => {}
            Mutation::LightKept => self.words.store(word, value | Announced::LIGHT, order),
            _ => self.words.store(word, value, order),
        }
    }

    fn load_announced(&self, word: usize, order: Ordering) -> u64 {
        let ringer = self.words.side().other() as usize;
        let fenced = self.notes.fenced[ringer].take();
        if self.is(Mutation::SecondGlanceDropped) && fenced {
            return self.notes.glanced[ringer].get();
        }
        let stale = self.notes.stale.get();
        if self.is(Mutation::RousedUnrung) && stale > 0 {
            self.notes.stale.set(stale - 1);
            return self.notes.glanced[ringer].get();
        }
        let value = self.words.load(word, order);
        self.notes.glanced[ringer].set(value);
        value
    }

    fn store_generation(&self, word: usize, value: u64, order: Ordering) {
        // The owner's own notes: who reads never comes here.
        self.notes.committed.set(true);
        self.words.store(word, value, if self.is(Mutation::PublishRelaxed) { Ordering::Relaxed } else { order });
    }

    /// The owner of an entry fences once it has withdrawn it, who reads it before the second look.
    fn fence_entry(&self) {
        let owner = self.notes.committed.get();
        let dropped = if owner { Mutation::WithdrawFenceDropped } else { Mutation::EntryFenceDropped };
        if !self.is(dropped) {
            self.words.fence();
        }
    }

    fn store_rung(&self, word: usize, value: u64, order: Ordering) {
        // The two looks of the ring that follows.
        self.notes.stale.set(2);
        match self.mutation {
            Mutation::RungDropped => {}
            Mutation::RungStoreRelaxed => self.words.store(word, value, Ordering::Relaxed),
            _ => self.words.store(word, value, order),
        }
    }
}

impl Memory for Mutant {
    fn words(&self) -> usize {
        self.words.words()
    }

    fn load(&self, word: usize, order: Ordering) -> u64 {
        match (self.words.role(word), self.mutation) {
            (Role::Ring, _) => self.load_ring(word, order),
            (Role::Head, _) => self.load_head(word, order),
            (Role::Lead | Role::Followers | Role::Slot, _) => self.load_private(word, order),
            (Role::Generation, Mutation::EntryLoadRelaxed) => self.words.load(word, Ordering::Relaxed),
            (Role::DataAnnounced | Role::RoomAnnounced, _) => self.load_announced(word, order),
            (Role::DataRung | Role::RoomRung, Mutation::RungLoadRelaxed) | (Role::Link, Mutation::DeathLoadRelaxed) => {
                self.words.load(word, Ordering::Relaxed)
            }
            _ => self.words.load(word, order),
        }
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        match (self.words.role(word), self.mutation) {
            (Role::Ring, _) => self.store_ring(word, value, order),
            (Role::Head, _) => self.store_head(word, value, order),
            (Role::DataAnnounced | Role::RoomAnnounced, _) => self.store_announced(word, value, order),
            (Role::DataRung | Role::RoomRung, _) => self.store_rung(word, value, order),
            (Role::Link, Mutation::DeathStoreRelaxed) => self.words.store(word, value, Ordering::Relaxed),
            (Role::Lead | Role::Slot | Role::Attention, _) => self.store_private(word, value, order),
            (Role::Generation, _) => self.store_generation(word, value, order),
            (Role::Link | Role::Followers | Role::Plain, _) => self.words.store(word, value, order),
        }
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.exchange_private(word, current, new)
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        self.notes.committed.set(false);
        self.words.copy_in(offset, from);
    }

    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        self.words.copy_out(offset, to);
    }

    fn fence(&self) {
        if self.is_private() {
            return self.fence_private();
        }
        if self.words.role(0) == Role::Generation {
            return self.fence_entry();
        }
        let side = self.words.side() as usize;
        // A sleeper fences right after it announced itself, a ringer after its light fence.
        let dropped = if self.notes.announced[side].get() {
            Mutation::SleeperFenceDropped
        } else {
            self.notes.fenced[side].set(true);
            Mutation::RingerFenceDropped
        };
        if !self.is(dropped) {
            self.words.fence();
        }
    }

    fn light_fence(&self) {
        self.notes.announced[self.words.side() as usize].set(false);
        self.notes.fenced[self.words.side() as usize].set(false);
        if !self.is(Mutation::LightFenceDropped) {
            self.words.light_fence();
        }
    }

    fn heavy_fence(&self) -> bool {
        match self.mutation {
            Mutation::HeavyFenceDropped => true,
            Mutation::HeavyFenceNarrow => {
                self.words.fence();
                true
            }
            Mutation::RefusalHidden => {
                self.words.heavy_fence();
                true
            }
            _ => self.words.heavy_fence(),
        }
    }

    fn settle(&self, moment: Deadline) {
        if !self.is(Mutation::SettleDropped) {
            self.words.settle(moment);
        }
    }

    fn soon(&self, deadline: Deadline) -> Deadline {
        self.words.soon(deadline)
    }

    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline) {
        let private = match self.mutation {
            Mutation::LinkUnwatched => (&self.words, word, expected),
            _ => (&private.0.words, private.1, private.2),
        };
        self.before_sleep(word);
        self.words.sleep(word, expected, private, deadline);
    }

    fn wake(&self, word: usize) {
        match (self.words.role(word), self.mutation) {
            (Role::Link, Mutation::DeathUnrung) => {}
            (Role::DataRung | Role::RoomRung, Mutation::WakeDropped) => {}
            (Role::DataRung | Role::RoomRung, Mutation::WakesOne) => self.words.wake_one(word),
            (Role::Slot | Role::Attention, _) => self.wake_private(word),
            _ => self.words.wake(word),
        }
    }

    fn pause(&self) {
        self.words.pause();
    }
}

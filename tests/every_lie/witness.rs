//! Memory that tells the stage of everything, and lets each side touch only its own words.

use std::panic::Location;
use std::thread;

use twinring::Deadline;
use twinring::channel::Words;
use twinring::memory::{Foreign, Heap, Memory, Ordering, Own, WORD};

use crate::oracle::Layout;
use crate::stage::{Event, Stage};

/// Words before and behind a ring that nobody may touch, but for those below.
pub const GUARD: usize = 8;

/// The words of the doorbells.
pub const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

/// The word of the head.
pub const HEAD: usize = 3;

const UNTOUCHED: u64 = 0xdead_beef_dead_beef;

/// The words of the sender's half that are used beside its ring, and those of the receiver's.
const USED: [&[usize]; 2] = [&[WORDS.data_rung, WORDS.room_announced], &[HEAD, WORDS.data_announced, WORDS.room_rung]];

/// A ring of `capacity` words, of which fewer than `lazy` are withheld.
pub fn layout(capacity: u64, lazy: u64) -> Layout {
    Layout { ring: GUARD, head: HEAD, capacity, lazy }
}

/// The two halves of a direction, the sender's first.
#[derive(Clone)]
pub struct Halves([Heap; 2]);

impl Halves {
    pub fn new(layout: Layout) -> Self {
        let halves = Self(Heap::family([GUARD + layout.capacity as usize + GUARD, 2 * GUARD]));
        halves.guards(|half, word| half.store(word, UNTOUCHED, Ordering::Relaxed));
        halves
    }

    fn guards(&self, mut act: impl FnMut(&Heap, usize)) {
        for (half, used) in self.0.iter().zip(USED) {
            let end = half.words() - GUARD;
            let guards = (0..GUARD).chain(end..half.words()).filter(|word| !used.contains(word));
            guards.for_each(|word| act(half, word));
        }
    }

    /// # Panics
    ///
    /// If a guard was written.
    pub fn assert_untouched(&self) {
        self.guards(|half, word| {
            assert_eq!(half.load(word, Ordering::Relaxed), UNTOUCHED, "word {word} was written");
        });
    }

    pub fn of_receiver(&self) -> &Heap {
        &self.0[1]
    }

    /// How an honest sender sees them.
    pub fn for_sender(&self) -> (Own<Heap>, Foreign<Heap>) {
        (Own::new(self.0[0].clone()), Foreign::new(self.0[1].clone()))
    }

    /// How an honest receiver sees them.
    pub fn for_receiver(&self) -> (Own<Heap>, Foreign<Heap>) {
        (Own::new(self.0[1].clone()), Foreign::new(self.0[0].clone()))
    }

    /// How a victim sees them that sends.
    pub fn witnessed_by_sender(&self, stage: &Stage) -> (Own<Witness>, Foreign<Witness>) {
        self.witnessed(stage, 0)
    }

    /// How a victim sees them that receives.
    pub fn witnessed_by_receiver(&self, stage: &Stage) -> (Own<Witness>, Foreign<Witness>) {
        self.witnessed(stage, 1)
    }

    fn witnessed(&self, stage: &Stage, own: usize) -> (Own<Witness>, Foreign<Witness>) {
        let witness = |half: usize, side| {
            let (heap, used) = (self.0[half].clone(), USED[half]);
            Witness { heap, used, stage: stage.clone(), side }
        };
        (Own::new(witness(own, Side::Own)), Foreign::new(witness(1 - own, Side::Peer)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Own,
    Peer,
    Private,
}

/// One half, as one victim sees it; or memory of its own that no peer reaches.
#[derive(Clone)]
pub struct Witness {
    heap: Heap,
    /// The words outside of the ring.
    used: &'static [usize],
    stage: Stage,
    side: Side,
}

impl Witness {
    /// Words that no peer reaches.
    pub fn private(stage: &Stage, words: usize) -> Own<Self> {
        Own::new(Self { heap: Heap::new(words), used: &[], stage: stage.clone(), side: Side::Private })
    }

    fn assert_used(&self, word: usize) {
        let used = || self.used.contains(&word) || (GUARD..self.heap.words() - GUARD).contains(&word);
        assert!(self.side == Side::Private || used(), "reached for word {word}");
    }

    fn assert_is(&self, side: Side, what: &str) {
        assert!(self.side == side || self.side == Side::Private, "{what} in memory that is {:?}", self.side);
    }
}

impl Memory for Witness {
    fn words(&self) -> usize {
        self.heap.words()
    }

    #[track_caller]
    fn load(&self, word: usize, order: Ordering) -> u64 {
        self.assert_used(word);
        self.assert_is(Side::Peer, "read a word");
        if self.side == Side::Private {
            return self.heap.load(word, order);
        }
        self.stage.answer(word, || self.heap.load(word, order), Location::caller(), false)
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.assert_used(word);
        self.assert_is(Side::Own, "wrote a word");
        self.heap.store(word, value, order);
        if self.side == Side::Own {
            self.stage.note(Event::Stored { word, value });
        }
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        assert_eq!(self.side, Side::Private, "exchanged a shared word");
        self.heap.exchange(word, current, new)
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        self.assert_is(Side::Own, "wrote payload");
        (offset..offset + from.len()).step_by(WORD).for_each(|at| self.assert_used(at / WORD));
        self.heap.copy_in(offset, from);
        self.stage.note(Event::Wrote { offset, length: from.len() });
    }

    #[track_caller]
    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        self.assert_is(Side::Peer, "read payload");
        (offset..offset + to.len()).step_by(WORD).for_each(|at| self.assert_used(at / WORD));
        let place = Location::caller();
        self.heap.copy_out(offset, to);
        if let Some(first) = to.get(..WORD) {
            let honest = u64::from_le_bytes(std::array::from_fn(|byte| first[byte]));
            let told = self.stage.answer(offset / WORD, || honest, place, true);
            to[..WORD].copy_from_slice(&told.to_le_bytes());
        }
        self.stage.note(Event::Copied { offset, length: to.len() });
    }

    fn fence(&self) {
        self.heap.fence();
    }

    fn light_fence(&self) {
        self.heap.light_fence();
    }

    fn heavy_fence(&self) -> bool {
        self.heap.heavy_fence() && !self.stage.refuses_heavy_fences()
    }

    /// Nobody else runs: nothing is in flight.
    fn settle(&self, _moment: Deadline) {}

    /// The peer does what is due. If nothing is, nobody wakes the victim, and its deadline passes.
    fn sleep(&self, word: usize, expected: u64, _private: (&Self, usize, u64), deadline: Deadline) {
        self.assert_used(word);
        self.stage.note(Event::Slept { word, expected });
        if !self.stage.sleeps() {
            thread::sleep(deadline.remaining().expect("a sleep that nobody ends"));
        }
    }

    fn wake(&self, word: usize) {
        self.assert_is(Side::Own, "woke who sleeps");
        if self.side == Side::Own {
            self.stage.note(Event::Woke { word });
        }
    }
}

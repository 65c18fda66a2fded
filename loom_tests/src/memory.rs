//! The loom kind of memory: words that the model checker watches.
//!
//! A word is an atomic for its value and a cell for its accesses. Whoever writes a word of the ring, header or payload,
//! opens the cell to write; whoever reads payload opens it to read; whoever looks for a header uses the atomic alone. So
//! a frame that is overwritten while it is still being read is a causality violation, although loom never reads from
//! the future.

use std::cell::Cell;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;
use twinring::Deadline;
use twinring::memory::{Memory, Ordering, WORD};

use crate::bed::{Address, Bed};
use crate::membarrier::Membarrier;

/// What a word is for: which accesses are tracked, and where a mutant strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A word of the ring: the only kind that holds payload.
    Ring,
    /// The consumer's head.
    Head,
    /// What the sleeper for data says.
    DataAnnounced,
    /// What it is answered.
    DataRung,
    /// What the sleeper for room says.
    RoomAnnounced,
    /// What it is answered.
    RoomRung,
    /// The state of the connection, private to one process.
    Link,
    /// Who leads; private, as are all that follow.
    Lead,
    /// How many follow.
    Followers,
    /// A call in flight.
    Slot,
    /// Whether a resting thread was called.
    Attention,
    /// Whose the words of an entry are.
    Generation,
    /// What no mutant touches.
    Plain,
}

/// What the two fences of an asymmetric pair are in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fences {
    /// There is no membarrier: the light fence is nothing, the heavy one is refused.
    Refused,
    /// Each is a full fence of its own side: more than the light one is in truth.
    Both,
    /// The light fence is nothing, as compiled; the heavy one makes the other side execute a fence between any two of
    /// its accesses, as the kernel does.
    Membarrier,
    /// The light fence is nothing, the heavy one is refused, but the other side does not know yet. Time
    /// settles what the other side has in flight.
    Revoked,
}

impl Fences {
    /// Whether one side can make the other execute a fence: by a call, or by giving it time.
    fn strike(self) -> bool {
        matches!(self, Self::Membarrier | Self::Revoked)
    }
}

/// Which process a half of the family belongs to, and so which thread writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The half with the ring.
    Sender,
    /// The half with the head.
    Receiver,
}

impl Side {
    /// The process that this one talks to.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }
}

/// What the memories of one model share.
#[derive(Debug)]
pub struct Family {
    fences: Fences,
    membarrier: Membarrier,
    bed: Bed,
    /// How many sleeps a signal will still end at once.
    signals: Cell<u32>,
}

impl Family {
    /// A family whose fences are these, and whose first so many sleeps are ended by signals.
    #[must_use]
    pub fn new(fences: Fences, signals: u32) -> Rc<Self> {
        Rc::new(Self { fences, membarrier: Membarrier::new(), bed: Bed::new(), signals: Cell::new(signals) })
    }

    fn interrupted(&self) -> bool {
        let left = self.signals.get();
        self.signals.set(left.saturating_sub(1));
        left > 0
    }

    /// Says that this side's thread is over: it needs no more barriers.
    pub fn finished(&self, side: Side) {
        if self.fences.strike() {
            self.membarrier.leave(side);
        }
    }

    fn settle(&self, side: Side) {
        assert_eq!(self.fences, Fences::Revoked, "nothing to settle");
        self.membarrier.strike(side);
    }
}

/// Words that loom watches; a clone is another handle to them.
#[derive(Clone, Debug)]
pub struct Words {
    words: Rc<[Word]>,
    side: Side,
    /// Tells the memories of a family apart when sleeping on their words.
    number: usize,
    family: Rc<Family>,
}

#[derive(Debug)]
struct Word {
    role: Role,
    value: AtomicU64,
    access: UnsafeCell<()>,
}

impl Words {
    /// Memory number `number` of `family`, written by `side`, of words with these roles and first values.
    #[must_use]
    pub fn new(family: &Rc<Family>, number: usize, side: Side, words: impl Iterator<Item = (Role, u64)>) -> Self {
        let word = |(role, value)| Word { role, value: AtomicU64::new(value), access: UnsafeCell::new(()) };
        Self { words: words.map(word).collect(), side, number, family: Rc::clone(family) }
    }

    /// What a word is for.
    #[must_use]
    pub fn role(&self, word: usize) -> Role {
        self.words[word].role
    }

    /// Who writes these words.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// [`Memory::exchange`] that orders nothing.
    #[must_use]
    pub fn exchange_relaxed(&self, word: usize, current: u64, new: u64) -> bool {
        self.words[word].value.compare_exchange(current, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Wakes one of those who sleep on `word`.
    pub fn wake_one(&self, word: usize) {
        self.family.bed.wake_one(self.address(word));
    }

    fn address(&self, word: usize) -> Address {
        Address { memory: self.number, word }
    }

    /// A moment between two accesses of `side`, at which the other side's heavy fence may strike.
    fn moment(&self, side: Side, role: Role) {
        if self.family.fences.strike() && role != Role::Link {
            self.family.membarrier.obey(side);
        }
    }
}

impl Word {
    fn store(&self, value: u64, order: Ordering) {
        if self.role == Role::Ring {
            self.access.with_mut(|_| ());
        }
        self.value.store(value, order);
    }
}

impl Memory for Words {
    fn words(&self) -> usize {
        self.words.len()
    }

    fn load(&self, word: usize, order: Ordering) -> u64 {
        let Word { role, value, .. } = &self.words[word];
        // Nobody reads its own half: a load comes from the other side.
        self.moment(self.side.other(), *role);
        value.load(order)
    }

    fn store(&self, word: usize, value: u64, order: Ordering) {
        self.moment(self.side, self.role(word));
        self.words[word].store(value, order);
    }

    fn exchange(&self, word: usize, current: u64, new: u64) -> bool {
        self.words[word].value.compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn copy_in(&self, offset: usize, from: &[u8]) {
        assert_eq!(offset % WORD, 0, "the models write whole payloads");
        for (word, chunk) in self.words[offset / WORD..].iter().zip(from.chunks(WORD)) {
            let mut bytes = [0; WORD];
            bytes[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, to: &mut [u8]) {
        assert_eq!(offset % WORD, 0, "the models read whole payloads");
        for (word, chunk) in self.words[offset / WORD..].iter().zip(to.chunks_mut(WORD)) {
            word.access.with(|_| ());
            let bytes = word.value.load(Ordering::Relaxed).to_ne_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn fence(&self) {
        fence(Ordering::SeqCst);
    }

    fn light_fence(&self) {
        if self.family.fences == Fences::Both {
            fence(Ordering::SeqCst);
        }
    }

    fn heavy_fence(&self) -> bool {
        fence(Ordering::SeqCst);
        if self.family.fences == Fences::Membarrier {
            self.family.membarrier.strike(self.side);
        }
        matches!(self.family.fences, Fences::Both | Fences::Membarrier)
    }

    /// Time is not modelled: the moment has come.
    fn settle(&self, _moment: Deadline) {
        self.family.settle(self.side);
    }

    /// Time is not modelled: a heavy fence that holds must do without it.
    fn soon(&self, deadline: Deadline) -> Deadline {
        deadline
    }

    /// No model has a deadline.
    fn sleep(&self, word: usize, expected: u64, private: (&Self, usize, u64), deadline: Deadline) {
        assert_eq!(deadline, Deadline::NEVER, "a deadline in a model without time");
        if self.family.interrupted() {
            return thread::yield_now();
        }
        let sleeper = self.side.other();
        let (link, link_word, link_expected) = private;
        let unchanged = || {
            self.words[word].value.load(Ordering::Relaxed) == expected
                && link.words[link_word].value.load(Ordering::Relaxed) == link_expected
        };
        let on = [self.address(word), link.address(link_word)];
        self.family.finished(sleeper);
        self.family.bed.sleep(on, unchanged);
        if self.family.fences.strike() {
            self.family.membarrier.enter(sleeper);
        }
    }

    fn wake(&self, word: usize) {
        self.family.bed.wake(self.address(word));
    }

    fn pause(&self) {
        thread::yield_now();
    }
}

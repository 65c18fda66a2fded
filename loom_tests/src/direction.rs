//! One direction of a connection in loom's memory: what the models start from.

use std::iter;
use std::rc::Rc;

use twinring::WaitStrategy;
use twinring::channel::{Incoming, Outgoing, Words as Doorbells};
use twinring::memory::{Count, Counts, Foreign, Own};
use twinring::ring::{Consumer, Geometry, Header, Producer};
use twinring::wait::{Attention, Fencing, Link, Ringer, Sleeper};

use crate::memory::{Family, Fences, Role, Side, Words};
use crate::mutant::{Mutant, Notes};
use crate::mutation::Mutation;

/// After so many messages without a sleep, one has the ringer go without its fence.
const SELDOM: u64 = 64;

/// What a model starts from: a small clean ring whose processes cannot fence each other, unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    mutation: Mutation,
    capacity: u64,
    lazy: u64,
    dirty: bool,
    fences: Fences,
    signals: u32,
}

impl Setup {
    /// The least that there is.
    #[must_use]
    pub fn new(mutation: Mutation) -> Self {
        Self { mutation, capacity: 8, lazy: 1, dirty: false, fences: Fences::Refused, signals: 0 }
    }

    /// A ring of this many words.
    #[must_use]
    pub fn capacity(self, capacity: u64) -> Self {
        Self { capacity, ..self }
    }

    /// A head that lags behind by fewer than this many words.
    #[must_use]
    pub fn lazy(self, lazy: u64) -> Self {
        Self { lazy, ..self }
    }

    /// A ring in which every word but the first holds a plausible header, as if it had been in use for long.
    #[must_use]
    pub fn dirty(self) -> Self {
        Self { dirty: true, ..self }
    }

    /// Processes that can fence each other in this way.
    #[must_use]
    pub fn fences(self, fences: Fences) -> Self {
        Self { fences, ..self }
    }

    /// Sleepers that a signal wakes at once, so many times.
    #[must_use]
    pub fn signals(self, signals: u32) -> Self {
        Self { signals, ..self }
    }

    /// The memories.
    #[must_use]
    pub fn build(self) -> Direction {
        let family = Family::new(self.fences, self.signals);
        let notes = Notes::new(self.capacity, self.lazy);
        let memory = |number, side, words: Vec<(Role, u64)>| {
            Mutant::new(Words::new(&family, number, side, words.into_iter()), self.mutation, &notes)
        };
        let link = || vec![(Role::Link, 0)];
        let receiver = [Role::Head, Role::DataAnnounced, Role::RoomRung].map(|role| (role, 0));
        Direction {
            sender: memory(0, Side::Sender, self.sender_words()),
            receiver: memory(1, Side::Receiver, receiver.to_vec()),
            sender_link: Link::new(Own::new(memory(2, Side::Sender, link())), 0),
            receiver_link: Link::new(Own::new(memory(3, Side::Receiver, link())), 0),
            geometry: Geometry::new(0, 0, self.capacity, self.lazy),
            doorbells: self.doorbells(),
            attention: Words::new(&family, 4, Side::Receiver, [(Role::Attention, 0)].into_iter()),
            closing: Words::new(&family, 5, Side::Receiver, [(Role::Plain, 0)].into_iter()),
            family,
            mutation: self.mutation,
        }
    }

    fn sender_words(self) -> Vec<(Role, u64)> {
        let stale = if self.dirty { Header::data(8).word() } else { 0 };
        iter::once(0)
            .chain(iter::repeat(stale))
            .take(self.capacity as usize)
            .map(|value| (Role::Ring, value))
            .chain([(Role::DataRung, 0), (Role::RoomAnnounced, 0)])
            .collect()
    }

    fn doorbells(self) -> Doorbells {
        let capacity = self.capacity as usize;
        Doorbells { data_announced: 1, data_rung: capacity, room_announced: capacity + 1, room_rung: 2 }
    }
}

/// The memories of one direction; its handles are made from it.
#[derive(Clone, Debug)]
pub struct Direction {
    sender: Mutant,
    receiver: Mutant,
    sender_link: Link<Mutant>,
    receiver_link: Link<Mutant>,
    geometry: Geometry,
    doorbells: Doorbells,
    attention: Words,
    closing: Words,
    family: Rc<Family>,
    mutation: Mutation,
}

impl Direction {
    /// The writing end of the ring.
    #[must_use]
    pub fn producer(&self) -> Producer<Mutant> {
        Producer::new(Own::new(self.sender.clone()), Foreign::new(self.receiver.clone()), self.geometry)
    }

    /// The reading end of the ring.
    #[must_use]
    pub fn consumer(&self) -> Consumer<Mutant> {
        Consumer::new(Own::new(self.receiver.clone()), Foreign::new(self.sender.clone()), self.geometry)
    }

    /// The sending end, which parks.
    #[must_use]
    pub fn outgoing(&self, fencing: Fencing) -> Outgoing<Mutant> {
        let (own, peer) = (Own::new(self.sender.clone()), Foreign::new(self.receiver.clone()));
        Outgoing::new(own, peer, self.geometry, self.doorbells, self.sender_link(), WaitStrategy::Park, fencing)
    }

    /// The receiving end, which parks, and has had so many messages without a sleep that it relies on a heavy fence if it may.
    #[must_use]
    pub fn incoming(&self, fencing: Fencing) -> Incoming<Mutant> {
        let (own, peer) = (Own::new(self.receiver.clone()), Foreign::new(self.sender.clone()));
        let counts = Counts::default();
        counts.set(Count::Messages, SELDOM);
        Incoming::new(own, peer, self.geometry, self.doorbells, self.receiver_link(), WaitStrategy::Park, fencing)
            .counting_in(counts)
    }

    /// The doorbell for data alone: its sleeper.
    #[must_use]
    pub fn sleeper(&self, fencing: Fencing) -> Sleeper<Mutant> {
        let (own, peer) = (Own::new(self.receiver.clone()), Foreign::new(self.sender.clone()));
        Sleeper::new(own, self.doorbells.data_announced, peer, self.doorbells.data_rung, fencing).lightened()
    }

    /// The doorbell for data alone: its ringer.
    #[must_use]
    pub fn ringer(&self) -> Ringer<Mutant> {
        let (own, peer) = (Own::new(self.sender.clone()), Foreign::new(self.receiver.clone()));
        Ringer::new(own, self.doorbells.data_rung, peer, self.doorbells.data_announced)
    }

    /// The sender's half.
    #[must_use]
    pub fn sender(&self) -> &Mutant {
        &self.sender
    }

    /// What the sender's process knows of the connection.
    #[must_use]
    pub fn sender_link(&self) -> Link<Mutant> {
        self.sender_link.clone()
    }

    /// What the receiver's process knows of the connection.
    #[must_use]
    pub fn receiver_link(&self) -> Link<Mutant> {
        self.receiver_link.clone()
    }

    /// By what threads of the receiver's process call one that rests: for one of these threads.
    #[must_use]
    pub fn attention(&self) -> Attention<Mutant> {
        Attention::new(Own::new(Mutant::private(self.attention.clone(), self.mutation)), 0)
    }

    /// A flag of the receiver's process, 0 at first.
    #[must_use]
    pub fn closing(&self) -> Mutant {
        Mutant::private(self.closing.clone(), self.mutation)
    }

    /// Whether this mutation, which only the model itself can make, is asked for.
    #[must_use]
    pub fn has(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// To be called as the last thing that a side's thread does.
    pub fn finished(&self, side: Side) {
        self.family.finished(side);
    }
}

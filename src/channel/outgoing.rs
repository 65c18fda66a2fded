//! The sending end of a direction.

use super::{End, Words};
use crate::memory::{Count, Counts, Foreign, Memory, Own, WORD};
use crate::os::clock::Deadline;
use crate::ring::{Claim, Geometry, Producer, ReserveError};
use crate::wait::{Fencing, Link, Notice, Patience, Ringer, Sleeper, State, WaitStrategy};

/// The sending end: a producer, the ringer for data, and the sleeper for room.
#[derive(Debug)]
pub struct Outgoing<M: Memory> {
    producer: Producer<M>,
    data: Ringer<M>,
    room: Sleeper<M>,
    own: Own<M>,
    link: Link<M>,
    patience: Patience,
    end: Option<End>,
    counts: Counts,
}

/// Copying as many bytes takes so long that a receiver that sleeps is woken before.
const ROUSING: usize = 8192;

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// Not by the deadline.
    Full,
    /// Never.
    TooLarge {
        /// The payload asked for, in bytes.
        length: usize,
        /// The largest payload, in bytes.
        largest: usize,
    },
    /// Nothing more can be sent.
    End(End),
}

impl<M: Memory> Outgoing<M> {
    /// The sending end of the ring in `own`.
    pub fn new(
        own: Own<M>,
        peer: Foreign<M>,
        geometry: Geometry,
        words: Words,
        link: Link<M>,
        strategy: WaitStrategy,
        fencing: Fencing,
    ) -> Self {
        let counts = Counts::default();
        Self {
            producer: Producer::new(own.clone(), peer.clone(), geometry),
            data: Ringer::new(own.clone(), words.data_rung, peer.clone(), words.data_announced),
            room: Sleeper::new(own.clone(), words.room_announced, peer, words.room_rung, fencing).lightened(),
            own,
            link,
            patience: Patience::new(strategy),
            end: None,
            counts: counts.clone(),
        }
        .counting_in(counts)
    }

    /// How many bytes of the ring the receiver has not released, for another thread to look at.
    pub(crate) fn gauge(&self) -> impl Fn() -> u64 + use<M> {
        let (look, counts) = (self.producer.gauge(), self.counts.clone());
        move || look(counts.get(Count::Position)) * WORD as u64
    }

    /// The same end, which counts there from now on.
    #[must_use]
    pub fn counting_in(mut self, counts: Counts) -> Self {
        self.data.count_in(&counts);
        self.room.count_in(&counts);
        Self { counts, ..self }
    }

    /// Finds room for a payload of `length` bytes by what is known: the fast path, which reads nothing shared. `None` says
    /// that one of the other claims must be asked.
    #[inline(always)]
    pub fn claim_known(&mut self, length: usize) -> Option<Claim> {
        if self.link.is_alive() && length < ROUSING { self.producer.claim_known(length) } else { None }
    }

    /// Finds room for a payload of `length` bytes now.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    pub fn try_claim(&mut self, length: usize) -> Result<Claim, ClaimError> {
        if self.end.is_some() || !self.link.is_alive() {
            return Err(self.ended());
        }
        if length >= ROUSING {
            self.data.rouse();
        }
        self.producer.claim(length).map_err(|error| self.refused(error))
    }

    /// The same, and who finds no room learns whether the receiver has left, and so there will never be any: for those who do
    /// not wait here.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    pub fn claim_or_learn(&mut self, length: usize) -> Result<Claim, ClaimError> {
        match self.try_claim(length) {
            Err(ClaimError::Full) if self.data.gone() => Err(self.end_with(End::Closed)),
            result => result,
        }
    }

    /// Finds room, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    #[cold]
    pub fn claim(&mut self, length: usize, deadline: Deadline) -> Result<Claim, ClaimError> {
        match self.try_claim(length) {
            Err(ClaimError::Full) => self.wait_for_room(length, deadline),
            result => result,
        }
    }

    fn wait_for_room(&mut self, length: usize, deadline: Deadline) -> Result<Claim, ClaimError> {
        self.counts.add(Count::TimesFull, 1);
        loop {
            let Self { producer, data, room, own, link, patience, counts, .. } = self;
            let look = || producer.would_claim(length) || data.gone() || !link.is_alive();
            let woken = patience.wait(room, link, own, counts.get(Count::Messages), deadline, look);
            if woken && self.data.gone() {
                return Err(self.end_with(End::Closed));
            }
            match self.try_claim(length) {
                // A receiver that had left and now has not lies, and that is no reason to give up early.
                Err(ClaimError::Full) if woken && !deadline.passed() => {}
                result => return result,
            }
        }
    }

    fn refused(&mut self, error: ReserveError) -> ClaimError {
        match error {
            ReserveError::Full => ClaimError::Full,
            ReserveError::TooLarge { length, largest } => ClaimError::TooLarge { length, largest },
            ReserveError::Corrupt(corrupt) => self.end_with(corrupt.into()),
        }
    }

    fn ended(&mut self) -> ClaimError {
        let end = self.end.unwrap_or_else(|| match self.link.state() {
            State::Forked => End::Forked,
            _ if self.data.gone() => End::Closed,
            _ => End::of(&self.link),
        });
        self.end_with(end)
    }

    /// Ends this direction for good: from here on the fast path finds no room. Who has lied and left, or died, has lied.
    #[cold]
    fn end_with(&mut self, end: End) -> ClaimError {
        let end = self.producer.lie().map_or(end, End::Corrupt);
        self.producer.close();
        let end = *self.end.get_or_insert(end);
        end.tell(&self.link);
        ClaimError::End(end)
    }

    /// Writes to a claimed payload.
    ///
    /// # Panics
    ///
    /// If it does not fit.
    #[inline(always)]
    pub fn fill(&mut self, claim: &Claim, offset: usize, bytes: &[u8]) {
        self.producer.fill(claim, offset, bytes);
    }

    /// Makes a claimed frame readable, without waking anybody: for batches, which [`Outgoing::ring`] ends.
    #[inline(always)]
    pub fn commit_quietly(&mut self, claim: Claim) {
        self.producer.commit(claim);
        self.counts.set(Count::Position, self.producer.position());
        self.counts.add(Count::Messages, 1);
        self.counts.add(Count::Bytes, claim.length() as u64);
    }

    /// Wakes the receiver if it sleeps.
    ///
    /// If this returns [`Notice::Poke`], send a byte on the control socket.
    #[inline(always)]
    #[must_use = "a poke has to be sent"]
    pub fn ring(&mut self) -> Notice {
        let notice = self.data.ring();
        if notice == Notice::Gone {
            self.end_with(End::Closed);
        }
        notice
    }

    /// Leaves in order: says that nothing will follow. [`Notice`] as from [`Outgoing::ring`].
    pub fn finish(&mut self) -> Notice {
        if self.link.state() == State::Forked {
            return Notice::Done;
        }
        self.producer.finish();
        self.end.get_or_insert(End::Closed);
        self.data.ring()
    }

    /// After [`Outgoing::finish`]: waits until the receiver has taken everything and left, which it says by leaving in order.
    ///
    /// # Errors
    ///
    /// If it died, or has not left by the deadline.
    pub fn await_departure(&mut self, deadline: Deadline) -> Result<(), ClaimError> {
        // In a forked child nothing is mapped that could be looked at.
        if self.link.state() == State::Forked {
            return Err(ClaimError::End(End::Forked));
        }
        let Self { data, room, own, link, patience, counts, .. } = self;
        // Looked at once and kept: the peer may take it back.
        let mut left = false;
        let look = || {
            left = data.gone();
            left || !link.is_alive()
        };
        // The receiver rings for room when it leaves, whatever this side waits for.
        let over = patience.wait(room, link, own, counts.get(Count::Messages), deadline, look);
        // It may have left in order just before it was gone: one more look, made after its end was seen.
        if left || data.gone() {
            Ok(())
        } else if over {
            Err(ClaimError::End(End::of(link)))
        } else {
            Err(ClaimError::Full)
        }
    }

    /// Announces that this end waits for room for `length` bytes, and does not sleep; `false`, and nothing announced, if there
    /// is room or the receiver has left. Whoever uses this end next calls [`Outgoing::rise`] first.
    pub fn rest(&mut self, length: usize) -> bool {
        self.room.announce(self.sent());
        let rests = !self.producer.would_claim(length) && !self.data.gone();
        if !rests {
            self.room.retract();
        }
        rests
    }

    /// Says early that this end will be told of room by the control socket: the first wait need not begin with a pause then.
    pub fn expect_arming(&mut self) {
        self.room.expect_polling();
    }

    /// Asks to be told of room for `length` bytes by a byte on the control socket; `false`, and nobody need be asked, if there
    /// is room or the end already.
    pub fn arm(&mut self, length: usize) -> bool {
        self.arm_unless(|this| this.producer.would_claim(length) || this.data.gone())
    }

    /// The same for the receiver's leaving.
    pub fn arm_for_departure(&mut self) -> bool {
        self.arm_unless(|this| this.data.gone())
    }

    fn arm_unless(&mut self, mut look: impl FnMut(&mut Self) -> bool) -> bool {
        // Also so that a forked child, where the half is not mapped, announces nothing.
        if !self.link.is_alive() {
            return false;
        }
        self.room.announce_polling(self.sent());
        let armed = !look(self);
        if !armed {
            self.room.retract();
        }
        armed
    }

    /// Ends a rest: the receiver need not ring.
    pub fn rise(&mut self) {
        self.room.retract();
    }

    /// Whether the receiver said that it will not look again.
    #[must_use]
    pub fn is_deserted(&self) -> bool {
        self.data.gone()
    }

    /// The largest payload, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.producer.largest()
    }

    /// Messages sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.counts.get(Count::Messages)
    }

    /// Bytes of payload sent so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.counts.get(Count::Bytes)
    }

    /// How often there was no room and it had to be waited for.
    #[must_use]
    pub fn times_full(&self) -> u64 {
        self.counts.get(Count::TimesFull)
    }

    /// How often this end slept for want of room.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.room.sleeps()
    }

    /// How often this end woke the receiver.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.data.wakes()
    }
}

impl Outgoing<crate::memory::Mapped> {
    /// The claimed payload, to be written in place.
    pub(crate) fn lend(&mut self, claim: &Claim) -> &mut [u8] {
        self.producer.lend(claim)
    }
}

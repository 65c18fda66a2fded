//! The sending end of a direction.

use super::{End, Words};
use crate::memory::{Foreign, Memory, Own};
use crate::os::clock::Deadline;
use crate::ring::{Claim, Geometry, Producer, ReserveError};
use crate::wait::{Fencing, Link, Notice, Patience, Ringer, Sleeper, State, WaitStrategy};

/// The sending end: a producer, the ringer for data, and the sleeper for room.
#[derive(Debug)]
pub struct Outgoing<M: Memory> {
    /// `None` once it has finished.
    producer: Option<Producer<M>>,
    data: Ringer<M>,
    room: Sleeper<M>,
    own: Own<M>,
    link: Link<M>,
    patience: Patience,
    end: Option<End>,
    sent: u64,
    full: u64,
}

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
        Self {
            producer: Some(Producer::new(own.clone(), peer.clone(), geometry)),
            data: Ringer::new(own.clone(), words.data_rung, peer.clone(), words.data_announced),
            room: Sleeper::new(own.clone(), words.room_announced, peer, words.room_rung, fencing),
            own,
            link,
            patience: Patience::new(strategy),
            end: None,
            sent: 0,
            full: 0,
        }
    }

    /// Finds room for a payload of `length` bytes now.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    #[inline]
    pub fn try_claim(&mut self, length: usize) -> Result<Claim, ClaimError> {
        if self.end.is_some() || !self.link.is_alive() {
            return Err(self.ended());
        }
        let producer = self.producer.as_mut().ok_or(ClaimError::End(End::Closed))?;
        producer.claim(length).map_err(|error| self.refused(error))
    }

    /// Finds room, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// See [`ClaimError`].
    #[inline]
    pub fn claim(&mut self, length: usize, deadline: Deadline) -> Result<Claim, ClaimError> {
        match self.try_claim(length) {
            Err(ClaimError::Full) => self.wait_for_room(length, deadline),
            result => result,
        }
    }

    #[cold]
    fn wait_for_room(&mut self, length: usize, deadline: Deadline) -> Result<Claim, ClaimError> {
        self.full += 1;
        let Self { producer, data, room, own, link, patience, sent, .. } = self;
        let Some(producer) = producer else { return Err(ClaimError::End(End::Closed)) };
        let look = || match producer.claim(length) {
            Err(ReserveError::Full) if data.gone() => Some(Err(Stop::Gone)),
            Err(ReserveError::Full) if !link.is_alive() => Some(Err(Stop::Dead)),
            Err(ReserveError::Full) => None,
            other => Some(other.map_err(Stop::Refused)),
        };
        match patience.wait(room, link, own, *sent, deadline, look) {
            None => Err(ClaimError::Full),
            Some(Ok(claim)) => Ok(claim),
            Some(Err(Stop::Refused(error))) => Err(self.refused(error)),
            Some(Err(Stop::Gone)) => Err(self.finish_with(End::Closed)),
            Some(Err(Stop::Dead)) => Err(self.ended()),
        }
    }

    #[cold]
    fn refused(&mut self, error: ReserveError) -> ClaimError {
        match error {
            ReserveError::Full => ClaimError::Full,
            ReserveError::TooLarge { length, largest } => ClaimError::TooLarge { length, largest },
            ReserveError::Corrupt(corrupt) => self.finish_with(corrupt.into()),
        }
    }

    #[cold]
    fn ended(&mut self) -> ClaimError {
        let end = self.end.unwrap_or(match self.link.state() {
            State::Forked => End::Forked,
            _ if self.data.gone() => End::Closed,
            _ => End::Disconnected,
        });
        self.finish_with(end)
    }

    fn finish_with(&mut self, end: End) -> ClaimError {
        self.end = Some(end);
        ClaimError::End(end)
    }

    /// Writes to a claimed payload.
    ///
    /// # Panics
    ///
    /// If it does not fit.
    #[inline]
    pub fn fill(&mut self, claim: &Claim, offset: usize, bytes: &[u8]) {
        if let Some(producer) = &mut self.producer {
            producer.fill(claim, offset, bytes);
        }
    }

    /// Makes a claimed frame readable, without waking anybody: for batches, which [`Outgoing::ring`] ends.
    #[inline]
    pub fn commit_quietly(&mut self, claim: Claim) {
        if let Some(producer) = &mut self.producer {
            producer.commit(claim);
            self.sent += 1;
        }
    }

    /// Wakes the receiver if it sleeps.
    ///
    /// If this returns [`Notice::Poke`], send a byte on the control socket.
    #[inline]
    #[must_use = "a poke has to be sent"]
    pub fn ring(&mut self) -> Notice {
        let notice = self.data.ring();
        if notice == Notice::Gone {
            self.end.get_or_insert(End::Closed);
        }
        notice
    }

    /// Leaves in order: says that nothing will follow.
    pub fn finish(&mut self) -> Notice {
        if self.link.state() == State::Forked {
            return Notice::Done;
        }
        match self.producer.take() {
            Some(producer) => {
                producer.finish();
                self.data.ring()
            }
            None => Notice::Done,
        }
    }

    /// The largest payload, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.producer.as_ref().map_or(0, Producer::largest)
    }

    /// Messages sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How often there was no room and it had to be waited for.
    #[must_use]
    pub fn times_full(&self) -> u64 {
        self.full
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

enum Stop {
    Refused(ReserveError),
    Gone,
    Dead,
}

impl Outgoing<crate::memory::Mapped> {
    /// The claimed payload, to be written in place.
    pub(crate) fn lend(&mut self, claim: &Claim) -> &mut [u8] {
        self.producer.as_mut().map_or(&mut [], |producer| producer.lend(claim))
    }
}

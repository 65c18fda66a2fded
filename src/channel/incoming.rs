//! The receiving end of a direction.

use super::{End, Words};
use crate::memory::{Foreign, Memory, Own};
use crate::os::clock::Deadline;
use crate::ring::{Consumer, Geometry, PeekError, Span};
use crate::wait::{Fencing, Link, Notice, Patience, Ringer, Sleeper, State, WaitStrategy};

/// The receiving end: a consumer, the sleeper for data, and the ringer for room.
#[derive(Debug)]
pub struct Incoming<M: Memory> {
    consumer: Consumer<M>,
    data: Sleeper<M>,
    room: Ringer<M>,
    own: Own<M>,
    link: Link<M>,
    patience: Patience,
    end: Option<End>,
    received: u64,
    bytes: u64,
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextError {
    /// Not by the deadline.
    Empty,
    /// There will be none.
    End(End),
}

impl<M: Memory> Incoming<M> {
    /// The receiving end of the ring in `peer`.
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
            consumer: Consumer::new(own.clone(), peer.clone(), geometry),
            data: Sleeper::new(own.clone(), words.data_announced, peer.clone(), words.data_rung, fencing),
            room: Ringer::new(own.clone(), words.room_rung, peer, words.room_announced),
            own,
            link,
            patience: Patience::new(strategy),
            end: None,
            received: 0,
            bytes: 0,
        }
    }

    /// Looks for the next message now.
    ///
    /// # Errors
    ///
    /// See [`NextError`].
    #[inline]
    pub fn try_next(&mut self) -> Result<Span, NextError> {
        match look(&mut self.consumer, &mut self.room, &self.link, self.end) {
            Some(Ok(span)) => Ok(span),
            Some(Err(stop)) => Err(self.stopped(stop)),
            None => Err(NextError::Empty),
        }
    }

    /// Looks for the next message, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// See [`NextError`].
    #[inline]
    pub fn next(&mut self, deadline: Deadline) -> Result<Span, NextError> {
        let Self { consumer, data, room, own, link, patience, received, end, .. } = self;
        let end = *end;
        let found = match look(consumer, room, link, end) {
            None => patience.wait(data, link, own, *received, deadline, || look(consumer, room, link, end)),
            found => found,
        };
        match found {
            Some(Ok(span)) => Ok(span),
            Some(Err(stop)) => Err(self.stopped(stop)),
            None => Err(NextError::Empty),
        }
    }

    #[cold]
    fn stopped(&mut self, stop: End) -> NextError {
        self.end = Some(stop);
        NextError::End(stop)
    }

    /// Copies from a message.
    ///
    /// # Panics
    ///
    /// If `to` reaches beyond it.
    #[inline]
    pub fn copy_out(&self, span: Span, offset: usize, to: &mut [u8]) {
        self.consumer.copy_out(span, offset, to);
    }

    /// Gives a message's room back. The sender learns of it in time (rule 5 of the ring).
    #[inline]
    pub fn release(&mut self, span: Span) {
        self.consumer.release(span);
        self.received += 1;
        self.bytes += span.length() as u64;
        if self.consumer.publish_is_due() {
            self.publish();
        }
    }

    #[cold]
    fn publish(&mut self) {
        give_room(&mut self.consumer, &mut self.room);
        self.data.lighten(self.received);
    }

    /// Asks to be told of the next message by a byte on the control socket; `Ok` if it was asked for, the reason to look
    /// at once if there is one.
    ///
    /// # Errors
    ///
    /// What a look would return, [`NextError::Empty`] excepted.
    pub fn arm(&mut self) -> Result<Option<Span>, End> {
        self.data.announce_polling(self.received);
        match look(&mut self.consumer, &mut self.room, &self.link, self.end) {
            None => Ok(None),
            Some(found) => {
                self.data.retract();
                found.map(Some).inspect_err(|&end| self.end = Some(end))
            }
        }
    }

    /// Takes the request of [`Incoming::arm`] back.
    pub fn disarm(&mut self) {
        self.data.retract();
    }

    /// Leaves: says that nobody will look again, and wakes a sender that waits for room.
    pub fn leave(&mut self) {
        if self.link.state() != State::Forked {
            self.data.leave();
            // A sender that has left needs no waking.
            let (Notice::Done | Notice::Poke | Notice::Gone) = self.room.ring();
        }
    }

    /// Messages received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes of payload received so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How often this end slept for want of data.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.data.sleeps()
    }

    /// How often this end woke the sender.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.room.wakes()
    }

    /// The memory that the messages lie in.
    pub(crate) fn memory(&self) -> &Foreign<M> {
        self.consumer.memory()
    }
}

/// One look: a message, the end, or nothing yet.
#[inline]
fn look<M: Memory>(
    consumer: &mut Consumer<M>,
    room: &mut Ringer<M>,
    link: &Link<M>,
    end: Option<End>,
) -> Option<Result<Span, End>> {
    // In a forked child the ring is not mapped: ask the link first.
    if !link.is_alive() {
        return look_at_dead(consumer, link, end);
    }
    match consumer.look() {
        Ok(span) => Some(Ok(span)),
        Err(PeekError::Empty) => {
            give_room(consumer, room);
            None
        }
        Err(PeekError::Finished) => Some(Err(End::Closed)),
        Err(PeekError::Corrupt(corrupt)) => Some(Err(corrupt.into())),
    }
}

/// The peer is dead: what it had committed is still received. The look at the ring comes after the death was seen.
#[cold]
fn look_at_dead<M: Memory>(consumer: &mut Consumer<M>, link: &Link<M>, end: Option<End>) -> Option<Result<Span, End>> {
    if link.state() == State::Forked {
        return Some(Err(End::Forked));
    }
    Some(match (consumer.look(), end) {
        (Ok(span), _) => Ok(span),
        (Err(_), Some(end)) => Err(end),
        (Err(PeekError::Empty), None) => Err(End::Disconnected),
        (Err(PeekError::Finished), None) => Err(End::Closed),
        (Err(PeekError::Corrupt(corrupt)), None) => Err(corrupt.into()),
    })
}

/// Publishes what was released, if anything, and wakes a sender that waits for it.
#[inline]
fn give_room<M: Memory>(consumer: &mut Consumer<M>, room: &mut Ringer<M>) {
    if consumer.publish() {
        // A sender does not wait for room in `poll`, and one that has gone needs none.
        let (Notice::Done | Notice::Poke | Notice::Gone) = room.ring();
    }
}

//! The receiving end of a direction.

use super::{End, Poker, Words};
use crate::memory::{Count, Counts, Foreign, Mapped, Memory, Own};
use crate::os::clock::Deadline;
use crate::ring::{Consumer, Geometry, PeekError, Span};
use crate::wait::{Fencing, Link, Notice, Patience, Rest, Ringer, Sleeper, State, WaitStrategy};

/// The receiving end: a consumer, the sleeper for data, and the ringer for room.
#[derive(Debug)]
pub struct Incoming<M: Memory> {
    consumer: Consumer<M>,
    data: Sleeper<M>,
    room: Ringer<M>,
    own: Own<M>,
    link: Link<M>,
    patience: Patience,
    poker: Poker,
    disconnected: bool,
    /// Where a peer that was found dead has written last, at the latest.
    horizon: Option<u64>,
    counts: Counts,
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextError {
    /// Not by the deadline.
    Empty,
    /// There will be none.
    End(End),
}

impl Incoming<Mapped> {
    /// Copies a message from `offset`, a multiple of 8, on to the end of `to`.
    ///
    /// # Panics
    ///
    /// If the message ends before `offset`.
    #[inline]
    pub(crate) fn append(&self, span: Span, offset: usize, to: &mut Vec<u8>) {
        let Some(length) = span.length().checked_sub(offset) else {
            panic!("offset {offset} of a message of {}", span.length());
        };
        self.memory().append(span.offset() + offset, length, to);
    }
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
        let counts = Counts::default();
        Self {
            consumer: Consumer::new(own.clone(), peer.clone(), geometry),
            data: Sleeper::new(own.clone(), words.data_announced, peer.clone(), words.data_rung, fencing),
            room: Ringer::new(own.clone(), words.room_rung, peer, words.room_announced),
            own,
            link,
            patience: Patience::new(strategy),
            poker: Poker::default(),
            disconnected: false,
            horizon: None,
            counts: counts.clone(),
        }
        .counting_in(counts)
    }

    /// The same end, which counts there from now on.
    #[must_use]
    pub fn counting_in(mut self, counts: Counts) -> Self {
        self.data.count_in(&counts);
        self.room.count_in(&counts);
        Self { counts, ..self }
    }

    /// Tells a sender that waits for room in `poll(2)` by `poker`; without one, such a sender is told nothing.
    pub fn poke_by(&mut self, poker: Poker) {
        self.poker = poker;
    }

    /// Looks for the next message now.
    ///
    /// # Errors
    ///
    /// See [`NextError`].
    #[inline(always)]
    pub fn try_next(&mut self) -> Result<Span, NextError> {
        match self.next_alike() {
            Some(span) => Ok(span),
            None => self.find().map(|()| self.consumer.found()),
        }
    }

    /// Looks for the next message, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// See [`NextError`].
    #[inline(always)]
    pub fn next(&mut self, deadline: Deadline) -> Result<Span, NextError> {
        if let Some(span) = self.next_alike() {
            return Ok(span);
        }
        loop {
            self.wait(deadline)?;
            // Again by the fast path: one branch that the processor guessed wrong (the end of the wait) is enough.
            match self.try_next() {
                // Seen, and taken back before it was looked at: a lie, and no reason to give up early.
                Err(NextError::Empty) if !deadline.passed() => {}
                result => return result,
            }
        }
    }

    /// The fast path: a message as long as the last one.
    #[inline(always)]
    fn next_alike(&mut self) -> Option<Span> {
        // In a forked child the ring is not mapped, so the link comes first.
        if self.link.is_alive() { self.consumer.look_alike() } else { None }
    }

    fn find(&mut self) -> Result<(), NextError> {
        if !self.link.is_alive() {
            return self.find_of_dead();
        }
        self.consumer.find().map_err(|error| self.nothing(error))
    }

    /// Waits until there is a message or the end.
    #[inline(never)]
    fn wait(&mut self, deadline: Deadline) -> Result<(), NextError> {
        match self.find() {
            Err(NextError::Empty) => {}
            result => return result,
        }
        let Self { consumer, data, own, link, patience, counts, .. } = self;
        data.lighten(counts.get(Count::Messages));
        // What this side has just sent is often what it waits for the answer to.
        own.drain();
        let look = || {
            consumer.prefetch_alike();
            consumer.would_find() || !link.is_alive()
        };
        if patience.wait(data, link, own, counts.get(Count::Messages), deadline, look) {
            Ok(())
        } else {
            Err(NextError::Empty)
        }
    }

    /// There is no message: publishes what was released, or notes the end.
    #[inline]
    fn nothing(&mut self, error: PeekError) -> NextError {
        match error {
            PeekError::Empty => {
                self.give_room();
                NextError::Empty
            }
            PeekError::Finished => NextError::End(End::Closed),
            PeekError::Corrupt(corrupt) => {
                End::from(corrupt).tell(&self.link);
                NextError::End(corrupt.into())
            }
        }
    }

    /// The peer is dead: what it had committed is still received. The look at the ring comes after the death was seen.
    #[cold]
    fn find_of_dead(&mut self) -> Result<(), NextError> {
        if self.link.state() == State::Forked {
            return Err(NextError::End(End::Forked));
        }
        // Once reported, the end is final: a peer that only pretended to be dead may go on writing.
        if self.disconnected {
            return Err(NextError::End(End::of(&self.link)));
        }
        // What a dead peer has left is one ring full at most. A liar's can go round in circles, for ever.
        let horizon = *self.horizon.get_or_insert(self.consumer.horizon());
        if self.consumer.has_reached(horizon) {
            return Err(self.nothing_of_dead());
        }
        self.consumer.find().map_err(|error| match self.nothing(error) {
            NextError::Empty => self.nothing_of_dead(),
            end @ NextError::End(_) => end,
        })
    }

    /// The end, from now on.
    fn nothing_of_dead(&mut self) -> NextError {
        self.disconnected = true;
        let end = End::of(&self.link);
        end.tell(&self.link);
        NextError::End(end)
    }

    /// Publishes what was released, if anything, and wakes a sender that waits for it.
    #[inline]
    fn give_room(&mut self) {
        if self.consumer.publish() {
            self.ring();
        }
    }

    /// Wakes a sender that waits for room. One that has gone needs none.
    #[inline]
    fn ring(&mut self) {
        if self.room.ring() == Notice::Poke {
            self.poke();
        }
    }

    #[cold]
    fn poke(&self) {
        self.poker.poke();
    }

    /// Copies from a message.
    ///
    /// # Panics
    ///
    /// If `to` reaches beyond it.
    #[inline(always)]
    pub fn copy_out(&self, span: Span, offset: usize, to: &mut [u8]) {
        self.consumer.copy_out(span, offset, to);
    }

    /// Word `at` of a message.
    ///
    /// # Panics
    ///
    /// If the message ends before it.
    #[inline(always)]
    pub fn word(&self, span: Span, at: usize) -> u64 {
        self.consumer.word(span, at)
    }

    /// Gives a message's room back. The sender learns of it in time (rule 5 of the ring).
    #[inline(always)]
    pub fn release(&mut self, span: Span) {
        self.consumer.release(span);
        self.counts.add(Count::Messages, 1);
        self.counts.add(Count::Bytes, span.length() as u64);
        if self.consumer.publish_is_due() {
            self.publish();
        }
    }

    #[cold]
    fn publish(&mut self) {
        // A message that was alive across a fork is dropped in the child, too, where nothing is mapped.
        if self.link.state() == State::Forked {
            return;
        }
        self.give_room();
        self.data.lighten(self.received());
    }

    /// Asks to be told of the next message by a byte on the control socket; `false` if there is a message or the end
    /// already, and nobody need be asked.
    pub fn arm(&mut self) -> bool {
        // Also so that a forked child, where the half is not mapped, announces nothing.
        if !self.link.is_alive() {
            return false;
        }
        self.data.announce_polling(self.received());
        let armed = self.try_next() == Err(NextError::Empty);
        if !armed {
            self.data.retract();
        }
        armed
    }

    /// Announces a sleep for another thread to sleep, which need not hold this end meanwhile; `None` if there is a message or
    /// the end. Whoever uses this end next calls [`Incoming::rise`] first.
    pub fn rest(&mut self) -> Option<Rest<M>> {
        if !self.link.is_alive() {
            return None;
        }
        self.data.announce(self.received());
        if self.try_next() == Err(NextError::Empty) {
            Some(self.data.rest())
        } else {
            self.data.retract();
            None
        }
    }

    /// Ends a rest: the sender need not wake anybody.
    pub fn rise(&mut self) {
        if self.link.is_alive() {
            self.data.retract();
        }
    }

    /// Leaves: says that nobody will look again, and wakes a sender that waits for room.
    pub fn leave(&mut self) {
        if self.link.state() != State::Forked {
            self.data.leave();
            self.ring();
        }
    }

    /// Messages received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.counts.get(Count::Messages)
    }

    /// Bytes of payload received so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.counts.get(Count::Bytes)
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

//! A session for threads: sending, under one lock, frame by frame.

use std::io::IoSlice;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::{Engine, Leading, Outgoing, lock};
use super::error::{Halt, NotifyError, Unsent};
use super::header::{Kind, Status};
use super::hello::Hello;
use super::limit::{Limit, SLICE};
use super::outbox::Letter;
use crate::channel::ClaimError;
use crate::os::clock::Deadline;

/// How often a thread with a large message looks whether another could send meanwhile.
const COURTESY: u32 = 10_000;

/// How long a thread waits for its turn before it looks whether it should receive.
const PATIENCE: Duration = Duration::from_millis(1);

/// A frame, whether it was the last, and the lock under which it was sent.
type Sent<'a> = (MutexGuard<'a, Outgoing>, bool);

impl Engine {
    /// The sending lock. If it is taken, the lead is given up first: who has the lock may be waiting for room, and so has to
    /// receive meanwhile.
    #[inline]
    pub(super) fn outgoing(&self, leading: &mut Option<Leading<'_>>) -> MutexGuard<'_, Outgoing> {
        match self.outgoing.try_lock() {
            Ok(outgoing) => outgoing,
            Err(_) => self.press(leading),
        }
    }

    /// Waits for the lock; whoever sends a large message is told.
    #[cold]
    fn press(&self, leading: &mut Option<Leading<'_>>) -> MutexGuard<'_, Outgoing> {
        *leading = None;
        self.pressing.add(1);
        let outgoing = lock(&self.outgoing);
        self.pressing.add(-1);
        outgoing
    }

    /// What the other side accepts: waits until it has said so.
    #[inline]
    pub(super) fn peer(&self, limit: &mut Limit, leading: &mut Option<Leading<'_>>) -> Result<Hello, Halt> {
        match self.peer.get() {
            Some(&hello) => Ok(hello),
            None => self.await_hello(limit.deadline(), leading),
        }
    }

    #[cold]
    fn await_hello(&self, deadline: Deadline, leading: &mut Option<Leading<'_>>) -> Result<Hello, Halt> {
        loop {
            match leading {
                Some(leader) => self.hear_hello(leader, deadline)?,
                None => drop(self.put_aside(leading)?),
            }
            if let Some(&hello) = self.peer.get() {
                return Ok(hello);
            }
            drop(self.wait_for_turn(self.outgoing(leading), &mut Limit::At(deadline), leading)?);
        }
    }

    fn hear_hello(&self, leader: &mut Leading<'_>, deadline: Deadline) -> Result<(), Halt> {
        // The hello is the first message: there is no job yet.
        if leader.inbox().peer().is_none() {
            leader.inbox().next(deadline)?;
        }
        self.learn_peer(leader);
        Ok(())
    }

    #[cold]
    pub(super) fn learn_peer(&self, leader: &mut Leading<'_>) {
        if let Some(hello) = leader.inbox().peer() {
            // Who was told before is told the same.
            let _ = self.peer.set(hello);
        }
    }

    pub(super) fn notify(&self, selector: u32, parts: &[IoSlice<'_>], mut limit: Limit) -> Result<(), NotifyError> {
        self.owned().map_err(NotifyError::NotSent)?;
        let leading = &mut None;
        let peer = self.peer(&mut limit, leading).map_err(NotifyError::NotSent)?;
        let mut letter = Letter::new(Kind::Event, 0, selector, parts);
        let _open = self.open(&letter, peer, &mut limit, leading)?;
        let mut outgoing = self.outgoing(leading);
        letter.set_id(outgoing.outbox.next_id());
        Ok(self.send(outgoing, &mut letter, &mut limit, leading)?)
    }

    /// Sends a reply. If it cannot be sent in time, the other side would wait for ever: the session ends.
    pub(super) fn answer(&self, id: u64, status: Status, payload: &[u8]) {
        // Whoever sent a request has said hello. In a forked child the request is the parent's to answer.
        let (Some(&peer), Ok(())) = (self.peer.get(), self.owned()) else { return };
        let too_large = payload.len() as u64 > peer.largest;
        let (status, payload) = if too_large { (Status::TooLarge, &[][..]) } else { (status, payload) };
        if self.is_driven() {
            return self.post_reply(id, status, payload, peer);
        }
        let parts = [IoSlice::new(payload)];
        let mut limit = Limit::For(self.options.reply_timeout);
        let mut letter = Letter::new(Kind::Reply(status), id, 0, &parts);
        let leading = &mut None;
        let sent = self.open(&letter, peer, &mut limit, leading).and_then(|_open| {
            let outgoing = self.outgoing(leading);
            self.send(outgoing, &mut letter, &mut limit, leading)
        });
        if sent.is_err() {
            self.outgoing(leading).outbox.sender().leave();
            self.link.declare_dead();
            self.attention.call();
        }
    }

    /// Checks a message's length, and has a large one wait for its place among the open ones.
    #[inline]
    pub(super) fn open(
        &self,
        letter: &Letter<'_>,
        peer: Hello,
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<Option<OpenMessage<'_>>, Unsent> {
        let length = letter.length();
        if length as u64 > peer.largest {
            return Err(Unsent::TooLarge { length, largest: peer.largest as usize });
        }
        if length <= self.fragment { Ok(None) } else { self.open_large(peer, limit, leading).map_err(Unsent::Halted) }
    }

    #[cold]
    fn open_large(
        &self,
        peer: Hello,
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<Option<OpenMessage<'_>>, Halt> {
        while !self.open.enter(peer.open.into()) {
            drop(self.wait_for_turn(self.outgoing(leading), limit, leading)?);
        }
        Ok(Some(OpenMessage(self)))
    }

    /// Waits until somebody gave a turn back, or a moment, in which what has come is put aside.
    #[cold]
    pub(super) fn wait_for_turn<'a>(
        &'a self,
        outgoing: MutexGuard<'a, Outgoing>,
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<MutexGuard<'a, Outgoing>, Halt> {
        if limit.deadline().passed() {
            return Err(Halt::Timeout);
        }
        *leading = None;
        self.queueing.add(1);
        let waited = self.turn.wait_timeout(outgoing, PATIENCE);
        self.queueing.add(-1);
        let (outgoing, _) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(outgoing);
        self.put_aside(leading)?;
        Ok(self.outgoing(leading))
    }

    /// Tells those who wait for their turn that there is one.
    #[inline]
    pub(super) fn next_turn(&self) {
        // Missed, it is found a moment later.
        if self.queueing.get() > 0 {
            self.turn.notify_all();
        }
    }

    /// Sends a message, frame by frame, giving others their turn between two. While there is no room, what comes is put aside, so
    /// that two sides that both send cannot block each other.
    #[inline]
    pub(super) fn send<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        letter: &mut Letter<'_>,
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<(), Unsent> {
        match outgoing.outbox.step(letter, None) {
            Ok(true) => Ok(()),
            Ok(false) | Err(ClaimError::Full) => self.send_on(outgoing, letter, limit, leading),
            Err(error) => Err(error.into()),
        }
    }

    /// The same for a message that needs more than one frame, or has to wait for room.
    #[cold]
    fn send_on<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        letter: &mut Letter<'_>,
        limit: &mut Limit,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<(), Unsent> {
        let deadline = limit.deadline();
        loop {
            let (guard, done) = match outgoing.outbox.step(letter, None) {
                Ok(done) => (outgoing, done),
                Err(ClaimError::Full) => self.wait_for_room(outgoing, letter, deadline, leading)?,
                Err(error) => return Err(error.into()),
            };
            if done {
                return Ok(());
            }
            drop(guard);
            self.let_others_send();
            outgoing = self.outgoing(leading);
        }
    }

    /// Sends the next frame once there is room for it.
    #[cold]
    fn wait_for_room<'a>(
        &'a self,
        mut outgoing: MutexGuard<'a, Outgoing>,
        letter: &mut Letter<'_>,
        deadline: Deadline,
        leading: &mut Option<Leading<'_>>,
    ) -> Result<Sent<'a>, Unsent> {
        let congested = Deadline::after(self.options.reply_timeout);
        loop {
            let full = match self.put_aside(leading) {
                Ok(full) => full,
                Err(halt) => return Err(give_up(outgoing, letter, halt)),
            };
            match outgoing.outbox.step(letter, Some(Deadline::after(SLICE).min(deadline))) {
                Ok(done) => return Ok((outgoing, done)),
                Err(ClaimError::Full) if deadline.passed() => return Err(give_up(outgoing, letter, Halt::Timeout)),
                Err(ClaimError::Full) if full && congested.passed() => {
                    return Err(give_up(outgoing, letter, Halt::Congested));
                }
                Err(ClaimError::Full) => {
                    // Others that want to send have deadlines of their own.
                    drop(outgoing);
                    self.let_others_send();
                    outgoing = self.outgoing(leading);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Between two frames of a large message: lets threads that wait for the lock have it.
    fn let_others_send(&self) {
        for _ in 0..COURTESY {
            if self.pressing.get() == 0 {
                return;
            }
            std::thread::yield_now();
        }
    }
}

/// Gives up a message that could not be sent in time.
fn give_up(mut outgoing: MutexGuard<'_, Outgoing>, letter: &Letter<'_>, halt: Halt) -> Unsent {
    outgoing.outbox.abort(letter);
    Unsent::Halted(halt)
}

/// A place among the messages that are under way in fragments.
pub(super) struct OpenMessage<'a>(&'a Engine);

impl Drop for OpenMessage<'_> {
    fn drop(&mut self) {
        self.0.open.add(-1);
        self.0.next_turn();
    }
}

//! Messages that found no room, of a session that is driven with others: whoever drives them must not wait for one.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::{MutexGuard, TryLockError};
use std::time::Instant;

use super::engine::{Engine, Outgoing, lock};
use super::header::{Kind, Status};
use super::hello::Hello;
use super::outbox::Letter;
use crate::channel::{ClaimError, End};

/// What waits for room, in the order in which it is to be sent.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    queue: VecDeque<Parcel>,
    bytes: usize,
}

/// A message that waits, and how much of it has left.
#[derive(Debug)]
pub(super) struct Parcel {
    kind: Kind,
    /// An event has none before its first frame.
    id: Option<u64>,
    selector: u32,
    payload: Vec<u8>,
    sent: usize,
    /// Whether it has its place among the open messages.
    open: bool,
    since: Instant,
}

/// Why a message was not even put in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The peer accepts no such length.
    TooLarge {
        /// The length of the message, in bytes.
        length: usize,
        /// The largest that the peer accepts, in bytes.
        largest: usize,
    },
    /// As many bytes wait already as may.
    Full,
    /// The session has ended, or has not begun.
    Ended(End),
}

impl Unsent {
    /// Puts a message that has its place among the open ones before those that may be waiting for it: only the first goes on. What
    /// another thread has put aside since this one began is in no order with it.
    fn push(&mut self, parcel: Parcel) {
        self.bytes += parcel.payload.len();
        if parcel.open {
            self.queue.push_front(parcel);
        } else {
            self.queue.push_back(parcel);
        }
    }

    fn pop(&mut self) {
        if let Some(parcel) = self.queue.pop_front() {
            self.bytes -= parcel.payload.len();
        }
    }

    /// Bytes that count, an empty message being no reason to queue without end.
    fn weight(&self) -> usize {
        self.bytes + self.queue.len() * size_of::<Parcel>()
    }
}

impl Engine {
    /// Sends an event without waiting: now, or once there is room, if no more than `most` bytes wait already.
    pub(super) fn post_event(&self, selector: u32, payload: &[u8], most: usize) -> Result<(), Refused> {
        if self.owned().is_err() {
            return Err(Refused::Ended(End::Forked));
        }
        let Some(&peer) = self.peer.get() else { return Err(Refused::Ended(End::Disconnected)) };
        if payload.len() as u64 > peer.largest {
            return Err(Refused::TooLarge { length: payload.len(), largest: peer.largest as usize });
        }
        self.post(Parcel::new(Kind::Event, None, selector), payload, peer, most)
    }

    /// Sends a reply without waiting. It is never refused: no request is taken from a peer that has replies to read.
    pub(super) fn post_reply(&self, id: u64, status: Status, payload: &[u8], peer: Hello) {
        let parcel = Parcel::new(Kind::Reply(status), Some(id), 0);
        // The session may have ended: then there is nobody to be told.
        let _ = self.post(parcel, payload, peer, usize::MAX);
    }

    pub(super) fn post(&self, mut parcel: Parcel, payload: &[u8], peer: Hello, most: usize) -> Result<(), Refused> {
        // What another thread has put aside meanwhile is in no order with this.
        if self.waiting.get() == 0 && self.advance(&mut parcel, payload, peer).map_err(Refused::Ended)? {
            return Ok(());
        }
        let mut unsent = lock(&self.unsent);
        // What has begun must be finished.
        if unsent.weight() > most && parcel.sent == 0 {
            drop(unsent);
            self.close_parcel(&parcel);
            return Err(Refused::Full);
        }
        payload.clone_into(&mut parcel.payload);
        unsent.push(parcel);
        self.waiting.add(1);
        drop(unsent);
        // Whoever drives this comes back to it.
        if let Some(alarm) = &self.alarm {
            alarm.raise();
        }
        Ok(())
    }

    /// Sends what waits, as far as there is room: since when the oldest waits that is left.
    pub(super) fn flush(&self) -> Option<Instant> {
        if self.waiting.get() == 0 {
            return None;
        }
        let mut unsent = lock(&self.unsent);
        let peer = *self.peer.get()?;
        while let Some(parcel) = unsent.queue.front_mut() {
            let payload = std::mem::take(&mut parcel.payload);
            let advanced = self.advance(parcel, &payload, peer);
            parcel.payload = payload;
            if advanced == Ok(false) {
                return Some(parcel.since);
            }
            unsent.pop();
            self.waiting.add(-1);
        }
        None
    }

    /// Since when the oldest reply waits that is left.
    pub(super) fn oldest_reply(&self) -> Option<Instant> {
        let unsent = lock(&self.unsent);
        unsent.queue.iter().find(|parcel| matches!(parcel.kind, Kind::Reply(_))).map(|parcel| parcel.since)
    }

    /// Says early that the socket is to show when there is room.
    pub(super) fn expect_arming_for_room(&self) {
        lock(&self.outgoing).outbox.sender().expect_announcing();
    }

    /// Has the socket show when there may be room for what waits; `false` if there is room already.
    pub(super) fn arm_for_room(&self) -> bool {
        // Whoever has the lock sends, and gives it back soon.
        let Some(mut outgoing) = self.try_outgoing() else { return false };
        let frame = outgoing.outbox.longest_frame();
        outgoing.outbox.sender().announce(frame)
    }

    /// Bytes that wait for room.
    pub(super) fn waiting_bytes(&self) -> usize {
        lock(&self.unsent).bytes
    }

    /// Sends the next frames of a message; whether it is done.
    fn advance(&self, parcel: &mut Parcel, payload: &[u8], peer: Hello) -> Result<bool, End> {
        if payload.len() > self.fragment && !parcel.open {
            parcel.open = self.open.enter(peer.open.into());
            if !parcel.open {
                return Ok(false);
            }
        }
        // Whoever holds the lock may be waiting for room.
        let Some(mut outgoing) = self.try_outgoing() else { return Ok(false) };
        let advanced = parcel.step(&mut outgoing, payload);
        drop(outgoing);
        if advanced != Ok(false) {
            self.close_parcel(parcel);
        }
        advanced
    }

    /// Gives a message's place among the open ones back.
    fn close_parcel(&self, parcel: &Parcel) {
        if parcel.open {
            self.open.add(-1);
            self.next_turn();
        }
    }

    fn try_outgoing(&self) -> Option<MutexGuard<'_, Outgoing>> {
        match self.outgoing.try_lock() {
            Ok(outgoing) => Some(outgoing),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Parcel {
    pub(super) fn new(kind: Kind, id: Option<u64>, selector: u32) -> Self {
        Self { kind, id, selector, payload: Vec::new(), sent: 0, open: false, since: Instant::now() }
    }

    fn step(&mut self, outgoing: &mut Outgoing, payload: &[u8]) -> Result<bool, End> {
        let id = *self.id.get_or_insert_with(|| outgoing.outbox.next_id());
        let parts = [IoSlice::new(payload)];
        let mut letter = Letter::new(self.kind, id, self.selector, &parts);
        letter.go_on_from(self.sent);
        let stepped = loop {
            match outgoing.outbox.step(&mut letter, None) {
                Ok(false) => {}
                Ok(true) => break Ok(true),
                Err(ClaimError::Full) => break Ok(false),
                Err(ClaimError::End(end)) => break Err(end),
                Err(ClaimError::TooLarge { .. }) => unreachable!("a fragment is smaller than the largest frame"),
            }
        };
        self.sent = letter.sent();
        stepped
    }
}

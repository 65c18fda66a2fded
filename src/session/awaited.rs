//! Calls that no thread waits for: of a session that is driven, whose replies tasks wait for.
//!
//! A task leaves its waker beside the slot of its call. Whoever receives puts the reply down, says so, and only then takes the
//! waker; a task leaves its waker and only then looks whether there is a reply. So one of the two finds the other.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::engine::{Engine, lock};
use super::error::{CallError, Halt};
use super::header::Kind;
use super::lead::Ticket;
use super::unsent::{Parcel, Refused};
use crate::channel::End;
use crate::connection::Readiness;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotBegun {
    /// The other side has not said what it accepts.
    NotGreeted,
    /// As many calls are in flight as the other side accepts.
    Busy,
    /// It cannot be sent, or not now.
    Refused(Refused),
}

impl Engine {
    /// How many calls may be in flight; 0 before the other side has said so.
    pub(super) fn places(&self) -> usize {
        self.peer.get().map_or(0, |peer| self.replies.len().min(peer.calls as usize))
    }

    /// Sends a request without waiting: now, or once there is room, if nothing waits already.
    pub(super) fn try_begin(&self, selector: u32, request: &[u8]) -> Result<Ticket, NotBegun> {
        let ended = |end| NotBegun::Refused(Refused::Ended(end));
        if self.owned().is_err() {
            return Err(ended(End::Forked));
        }
        if let Some(end) = *lock(&self.ended.0) {
            return Err(ended(end));
        }
        let peer = *self.peer.get().ok_or(NotBegun::NotGreeted)?;
        let (length, largest) = (request.len(), peer.largest as usize);
        if length > largest {
            return Err(NotBegun::Refused(Refused::TooLarge { length, largest }));
        }
        let ticket = self.incoming.enter(&mut lock(&self.outgoing).hint, peer.calls.into()).ok_or(NotBegun::Busy)?;
        let parcel = Parcel::new(Kind::Call, Some(self.incoming.id(ticket)), selector);
        self.post(parcel, request, peer, 0).map(|()| ticket).map_err(|refused| {
            self.exit(ticket);
            NotBegun::Refused(refused)
        })
    }

    /// The reply, once it is there: then the call's slot is free.
    pub(super) fn poll_reply(&self, ticket: Ticket, context: &mut Context<'_>) -> Poll<Result<Vec<u8>, CallError>> {
        if !self.is_answered(ticket) {
            lock(&self.replies[self.incoming.index(ticket)]).waker = Some(context.waker().clone());
            // Looked at before the reply is, which may have come before the end.
            let end = *lock(&self.ended.0);
            match end {
                _ if self.is_answered(ticket) => {}
                None => return Poll::Pending,
                Some(end) => {
                    self.exit(ticket);
                    return Poll::Ready(Err(CallError::NoReply(Halt::Ended(end))));
                }
            }
        }
        let mut reply = Vec::new();
        Poll::Ready(self.collect(ticket, &mut reply).map(|()| reply))
    }

    /// Wakes the task that waits for a reply.
    pub(super) fn wake_task(&self, ticket: Ticket) {
        let waker = lock(&self.replies[self.incoming.index(ticket)]).waker.take();
        waker.into_iter().for_each(|waker| waker.wake());
    }

    /// Says how the session ended, to all tasks that wait.
    pub(super) fn end_for_tasks(&self, end: End) {
        self.end(end);
        for filed in &self.replies {
            let waker = lock(filed).waker.take();
            waker.into_iter().for_each(|waker| waker.wake());
        }
    }

    /// Takes replies off the ring, puts aside what else comes, and has the socket show the next message; none is shown while
    /// there is no room to put things aside.
    pub(super) fn receive_replies(self: &Arc<Self>) -> Result<(), End> {
        let Some(mut leader) = self.try_lead() else { return Ok(()) };
        leader.hush();
        let mut leading = Some(leader);
        loop {
            let full = self.put_aside(&mut leading).map_err(ended)?;
            let Some(leader) = &mut leading else { return Ok(()) };
            if full || leader.inbox().receiver().arm() == Ok(Readiness::Armed) {
                leader.leader().resting = !full;
                return Ok(());
            }
        }
    }

    /// Says to the other side that nothing will follow.
    pub(super) fn leave(&self) {
        if self.owned().is_ok() {
            lock(&self.outgoing).outbox.sender().leave();
        }
    }
}

fn ended(halt: Halt) -> End {
    match halt {
        Halt::Ended(end) => end,
        // Nothing is waited for.
        Halt::Timeout | Halt::Congested => End::Disconnected,
    }
}

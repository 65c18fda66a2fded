//! A call whose reply a task waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::OwnedSemaphorePermit;

use super::awaited::Awaited;
use super::session::Session;
use crate::session::{CallError, Ticket};

/// A call whose reply is still to be taken: a future of it. Dropping it cancels the call: its reply will be dropped when it comes.
#[must_use = "dropping it cancels the call"]
pub struct PendingCall {
    reply: Awaited,
    /// Given back after the call's slot.
    _place: OwnedSemaphorePermit,
    /// The session lasts as long as somebody waits.
    _session: Session,
}

impl PendingCall {
    pub(super) fn new(session: Session, call: Ticket, place: OwnedSemaphorePermit) -> Self {
        let reply = Awaited::new(session.line().session.clone(), call);
        Self { reply, _place: place, _session: session }
    }
}

impl Future for PendingCall {
    type Output = Result<Vec<u8>, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.reply).poll(context)
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("taken", &self.reply.is_taken()).finish_non_exhaustive()
    }
}

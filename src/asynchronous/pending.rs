//! A call whose reply a task waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::OwnedSemaphorePermit;

use super::session::Session;
use crate::session::{CallError, Ticket};

/// A call whose reply is still to be taken: a future of it. Dropping it cancels the call: its reply will be dropped when it comes.
#[must_use = "dropping it cancels the call"]
pub struct PendingCall {
    session: Session,
    /// `None` once it is ready.
    call: Option<Ticket>,
    /// Given back after the call's slot.
    _place: OwnedSemaphorePermit,
}

impl PendingCall {
    pub(super) fn new(session: Session, call: Ticket, place: OwnedSemaphorePermit) -> Self {
        Self { session, call: Some(call), _place: place }
    }
}

impl Future for PendingCall {
    type Output = Result<Vec<u8>, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Whoever polls again what was ready waits for ever, as with most futures.
        let Some(call) = self.call else { return Poll::Pending };
        let reply = self.session.line().session.poll_reply(call, context);
        if reply.is_ready() {
            self.call = None;
        }
        reply
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.session.line().session.forget(call);
        }
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("taken", &self.call.is_none()).finish_non_exhaustive()
    }
}

//! The reply to a request that was sent, as a future.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::session::{CallError, Session, Ticket};

/// A reply that is still to be taken. Dropping it forgets the call: its reply will be dropped when it comes.
pub(super) struct Awaited {
    session: Session,
    /// `None` once it is ready.
    call: Option<Ticket>,
}

impl Awaited {
    pub(super) fn new(session: Session, call: Ticket) -> Self {
        Self { session, call: Some(call) }
    }

    pub(super) fn is_taken(&self) -> bool {
        self.call.is_none()
    }
}

impl Future for Awaited {
    type Output = Result<Vec<u8>, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Whoever polls again what was ready waits for ever, as with most futures.
        let Some(call) = self.call else { return Poll::Pending };
        let reply = self.session.poll_reply(call, context);
        if reply.is_ready() {
            self.call = None;
        }
        reply
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.session.forget(call);
        }
    }
}

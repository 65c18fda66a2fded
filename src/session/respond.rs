//! Answering later.

use std::fmt;
use std::sync::{Arc, Weak};

use super::engine::Engine;
use super::handler::Failure;
use super::header::Status;

/// The means to answer one call, now or later, from any thread. Dropped unanswered, it tells the caller so
/// ([`CallError::NotAnswered`](crate::CallError::NotAnswered)).
#[must_use = "dropping a responder tells the caller that it is not answered"]
pub struct Responder {
    /// Weak, so that a handler may keep it: when the last handle of the session is gone, there is nobody to be answered.
    engine: Weak<Engine>,
    id: u64,
    answered: bool,
}

impl Responder {
    /// `None` if as many requests wait as this side accepts.
    pub(super) fn new(engine: &Arc<Engine>, id: u64) -> Option<Self> {
        let counted = engine.requests.enter(engine.options.accepted.calls.into());
        counted.then(|| Self { engine: Arc::downgrade(engine), id, answered: false })
    }

    /// Sends the reply. If the session has ended, there is nobody to be told.
    pub fn reply(mut self, reply: &[u8]) {
        self.answer(Status::Ok, reply);
    }

    /// Tells the caller why there is no reply.
    pub fn fail(mut self, failure: &Failure) {
        self.answer(failure.status, failure.message.as_bytes());
    }

    fn answer(&mut self, status: Status, payload: &[u8]) {
        self.answered = true;
        if let Some(engine) = self.engine.upgrade() {
            // First: whoever has the reply may send the next request at once.
            engine.requests.add(-1);
            engine.answer(self.id, status, payload);
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            self.answer(Status::NotAnswered, &[]);
        }
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("id", &self.id).finish_non_exhaustive()
    }
}

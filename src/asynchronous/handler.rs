//! What answers the other side, by futures.

use std::future::{Future, ready};

use super::session::{Session, WeakSession};
use crate::session::Failure;

/// What answers the other side's calls and takes its events.
///
/// Each call is a task of its own: one that waits holds up nobody, and they are answered in whatever order they finish. As many
/// as [`SessionOptions::calls_in_flight`](crate::SessionOptions::calls_in_flight) run at a time. A call that panics fails, and
/// the session lives on.
///
/// An async function or closure that takes a [`Request`] is a handler that ignores events, and `()` one that knows no selector.
pub trait Handler: Send + Sync + 'static {
    /// Answers a call.
    ///
    /// # Errors
    ///
    /// What the caller is told; any error will do.
    fn call(&self, request: Request) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;

    /// Takes an event. The next one is handed over when this is done, so they keep their order; until then the peer's calls are
    /// answered, and after 64 that wait nothing more is taken from its ring but replies, within the bounds of any session.
    fn event(&self, event: Event) -> impl Future<Output = ()> + Send {
        drop(event);
        ready(())
    }
}

impl Handler for () {
    async fn call(&self, _request: Request) -> Result<Vec<u8>, Failure> {
        Err(Failure::no_selector())
    }
}

impl<F, A> Handler for F
where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Vec<u8>, Failure>> + Send,
{
    fn call(&self, request: Request) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send {
        self(request)
    }
}

/// A handler of two async closures: one for calls, one for events.
pub fn handlers<C, A, E, B>(calls: C, events: E) -> impl Handler + use<C, A, E, B>
where
    C: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    E: Fn(Event) -> B + Send + Sync + 'static,
    B: Future<Output = ()> + Send + 'static,
{
    Both { calls, events }
}

struct Both<C, E> {
    calls: C,
    events: E,
}

impl<C, A, E, B> Handler for Both<C, E>
where
    C: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Vec<u8>, Failure>> + Send,
    E: Fn(Event) -> B + Send + Sync + 'static,
    B: Future<Output = ()> + Send,
{
    fn call(&self, request: Request) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send {
        (self.calls)(request)
    }

    fn event(&self, event: Event) -> impl Future<Output = ()> + Send {
        (self.events)(event)
    }
}

/// A request that is to be answered.
#[derive(Debug)]
pub struct Request {
    pub(super) selector: u32,
    pub(super) payload: Vec<u8>,
    pub(super) session: WeakSession,
}

impl Request {
    /// What is called.
    #[must_use]
    pub fn selector(&self) -> u32 {
        self.selector
    }

    /// The request: a copy, which the peer cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The request, to be kept.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// The session that it came by, for calls back; `None` once its last handle has been dropped.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.session.upgrade()
    }
}

/// An event that is to be taken.
#[derive(Debug)]
pub struct Event {
    pub(super) selector: u32,
    pub(super) payload: Vec<u8>,
    pub(super) session: WeakSession,
}

impl Event {
    /// What the event is about.
    #[must_use]
    pub fn selector(&self) -> u32 {
        self.selector
    }

    /// The event: a copy, which the peer cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The session that it came by; `None` once its last handle has been dropped.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.session.upgrade()
    }
}

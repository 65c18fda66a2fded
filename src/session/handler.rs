//! What answers the other side.

use std::any::Any;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::error::{CallError, NotifyError};
use super::header::Status;
use super::respond::Responder;
use crate::os::clock::Deadline;

/// What answers the other side's calls and takes its events.
///
/// A closure that takes a [`Call`] is a handler that ignores events, and `()` one that knows no selector. A handler that
/// panics fails that call, and the session lives on.
pub trait Handler {
    /// Answers a call: fills [`Call::reply`] and returns, or fails.
    ///
    /// # Errors
    ///
    /// What the caller is told; any error will do.
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure>;

    /// Takes an event.
    fn event(&self, event: &mut Event<'_>) {
        let _ = event;
    }
}

impl Handler for () {
    fn call(&self, _call: &mut Call<'_>) -> Result<(), Failure> {
        Err(Failure::no_selector())
    }
}

impl<F: Fn(&mut Call<'_>) -> Result<(), Failure>> Handler for F {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        self(call)
    }
}

/// A handler of two closures: one for calls, one for events.
pub fn handlers<C, E>(calls: C, events: E) -> impl Handler + use<C, E>
where
    C: Fn(&mut Call<'_>) -> Result<(), Failure>,
    E: Fn(&mut Event<'_>),
{
    Both { calls, events }
}

struct Both<C, E> {
    calls: C,
    events: E,
}

impl<C, E> Handler for Both<C, E>
where
    C: Fn(&mut Call<'_>) -> Result<(), Failure>,
    E: Fn(&mut Event<'_>),
{
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        (self.calls)(call)
    }

    fn event(&self, event: &mut Event<'_>) {
        (self.events)(event);
    }
}

/// Why a call was not answered as the caller hoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(super) status: Status,
    pub(super) message: String,
}

impl Failure {
    /// The handler failed, for this reason: the caller gets [`CallError::Failed`].
    pub fn new(reason: impl Display) -> Self {
        Self { status: Status::Failed, message: reason.to_string() }
    }

    /// The handler will not do it: the caller gets [`CallError::Refused`].
    pub fn refused(reason: impl Display) -> Self {
        Self { status: Status::Refused, message: reason.to_string() }
    }

    /// There is nothing by this selector: the caller gets [`CallError::NoSelector`].
    #[must_use]
    pub fn no_selector() -> Self {
        Self { status: Status::NoSelector, message: String::new() }
    }

    /// What the caller is told: the status and the reason.
    #[cfg(feature = "rpc")]
    pub(crate) fn told(&self) -> (Status, &str) {
        (self.status, &self.message)
    }

    /// Not now: the caller gets [`CallError::Overloaded`].
    #[must_use]
    pub fn overloaded() -> Self {
        Self { status: Status::Overloaded, message: String::new() }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// What a handler may do to the other side while it runs.
pub(super) trait Back {
    fn call(
        &mut self,
        selector: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        by: Option<Deadline>,
    ) -> Result<(), CallError>;
    fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError>;
    /// Answers call `id` now.
    fn answer(&mut self, id: u64, reply: &[u8]);
    /// The means to answer call `id` later; `None` where there is but one thread.
    fn responder(&mut self, id: u64) -> Option<Responder>;
}

/// A request that is being answered.
pub struct Call<'a> {
    pub(super) id: u64,
    pub(super) selector: u32,
    pub(super) payload: &'a [u8],
    pub(super) reply: &'a mut Vec<u8>,
    /// Or kept, by who will answer it.
    pub(super) answered: bool,
    pub(super) back: &'a mut dyn Back,
}

impl<'a> Call<'a> {
    /// What is called.
    #[must_use]
    pub fn selector(&self) -> u32 {
        self.selector
    }

    /// The request: a copy, which the peer cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Where the reply goes: empty at first, sent when the handler returns `Ok`.
    pub fn reply(&mut self) -> &mut Vec<u8> {
        self.reply
    }

    /// Sends the reply at once, from where it lies: for large ones, which [`Call::reply`] would copy once more. What the handler
    /// returns is ignored then.
    pub fn reply_from(&mut self, reply: &[u8]) {
        if !std::mem::replace(&mut self.answered, true) {
            self.back.answer(self.id, reply);
        }
    }

    /// Keeps the request to be answered later, perhaps by another thread: what the handler returns is ignored then. `None` in
    /// a [`LocalSession`](crate::LocalSession), whose one thread answers at once, if it was answered already, or if as many
    /// requests wait as this side accepts.
    pub fn defer(&mut self) -> Option<Responder> {
        let responder = if self.answered { None } else { self.back.responder(self.id) };
        self.answered |= responder.is_some();
        responder
    }

    /// Calls the other side, which waits for this very reply and answers meanwhile.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.back.call(selector, request, &mut reply, None).map(|()| reply)
    }

    /// The same, with the reply in place of what is in `reply`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_into(&mut self, selector: u32, request: &[u8], reply: &mut Vec<u8>) -> Result<(), CallError> {
        self.back.call(selector, request, reply, None)
    }

    /// The same, for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_timeout(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.back.call(selector, request, &mut reply, Some(Deadline::after(timeout))).map(|()| reply)
    }

    /// Sends an event to the other side.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.back.notify(selector, event)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("selector", &self.selector).field("len", &self.payload.len()).finish()
    }
}

/// An event that is being taken.
pub struct Event<'a> {
    pub(super) selector: u32,
    pub(super) payload: &'a [u8],
    pub(super) back: &'a mut dyn Back,
}

impl<'a> Event<'a> {
    /// What the event is about.
    #[must_use]
    pub fn selector(&self) -> u32 {
        self.selector
    }

    /// The event: a copy, which the peer cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Calls the other side.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.back.call(selector, request, &mut reply, None).map(|()| reply)
    }

    /// The same, for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_timeout(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.back.call(selector, request, &mut reply, Some(Deadline::after(timeout))).map(|()| reply)
    }

    /// Sends an event to the other side.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify(&mut self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.back.notify(selector, event)
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("selector", &self.selector).field("len", &self.payload.len()).finish()
    }
}

/// Runs a handler for a call. The status to answer with, the payload being in `call.reply`; `None` if it has been, or will be.
pub(super) fn run_call(handler: &(impl Handler + ?Sized), call: &mut Call<'_>) -> Option<Status> {
    // A handler that was left by a panic answers with its message; what state it is in is its own affair.
    let result = catch_unwind(AssertUnwindSafe(|| handler.call(call)));
    if call.answered {
        return None;
    }
    let failure = match result {
        Ok(Ok(())) => return Some(Status::Ok),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(format_args!("it panicked: {}", text_of(panic.as_ref()))),
    };
    call.reply.clear();
    call.reply.extend_from_slice(failure.message.as_bytes());
    Some(failure.status)
}

/// Runs a handler for an event. A panic has nobody to be told but the panic hook.
pub(super) fn run_event(handler: &(impl Handler + ?Sized), event: &mut Event<'_>) {
    let _ = catch_unwind(AssertUnwindSafe(|| handler.event(event)));
}

pub(crate) fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

//! A session of many threads.

use std::fmt;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::awaited::NotBegun;
use super::counters::SessionCounters;
use super::engine::Engine;
use super::error::{CallError, Halt, NotifyError};
use super::handler::Handler;
use super::lead::Ticket;
use super::limit::Limit;
use super::options::SessionOptions;
use super::unsent::Refused;
use super::{listen, listen::Served};
use crate::channel::End;
use crate::connection::{Connection, SetupError};
use crate::os::beacon::Beacon;
use crate::os::clock::Deadline;
use crate::os::credentials::Credentials;
use crate::wait::WaitStrategy;

/// A session that any number of threads use: clones are handles to the same one.
///
/// Calls run in parallel and may be answered in any order. A thread that waits for its reply receives for all; when nobody
/// waits, a listener thread does. Dropping the last handle leaves in order.
///
/// ```
/// use twinring::{Call, Failure, Session, SessionOptions};
///
/// let (here, there) = twinring::pair()?;
/// let options = SessionOptions::new();
/// let shout = |call: &mut Call<'_>| {
///     let text = std::str::from_utf8(call.payload())?.to_uppercase();
///     call.reply().extend_from_slice(text.as_bytes());
///     Ok(())
/// };
/// let _server = Session::new(there, &options, shout)?;
/// let client = Session::new(here, &options, ())?;
/// let other = client.clone();
/// let thread = std::thread::spawn(move || other.call(0, b"from a thread"));
/// assert_eq!(client.call(0, b"hello")?, b"HELLO");
/// assert_eq!(thread.join().unwrap()?, b"FROM A THREAD");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Session {
    engine: Arc<Engine>,
    _alive: Arc<Alive>,
}

/// Dropped with the last handle.
struct Alive {
    engine: Arc<Engine>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Session {
    /// A session on `connection`, whose calls and events `handler` takes. The other side must make it a session, too.
    ///
    /// # Errors
    ///
    /// If the memory or the listener thread cannot be had.
    pub fn new(
        connection: Connection,
        options: &SessionOptions,
        handler: impl Handler + Send + Sync + 'static,
    ) -> Result<Self, SetupError> {
        let alarm = own_alarm(&connection, options)?;
        let engine = Arc::new(Engine::new(connection, options, Box::new(handler), alarm)?);
        let listener = engine.listens().then(|| start_listener(&engine)).transpose()?;
        let alive = Alive { engine: Arc::clone(&engine), listener: Mutex::new(listener) };
        Ok(Self { engine, _alive: Arc::new(alive) })
    }

    /// A session among many that one loop drives, in which no reply and no event waits for room: the loop calls
    /// [`Session::turn`], [`Session::flush`] and [`Session::arm`], watches the socket, and is told by `alarm` of what the
    /// socket does not show.
    pub(crate) fn driven(
        connection: Connection,
        options: &SessionOptions,
        handler: impl Handler + Send + Sync + 'static,
        alarm: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, SetupError> {
        let options = options.clone().listener(false).workers(0);
        let alarm = Some(Alarm::Driver(Box::new(alarm)));
        let engine = Arc::new(Engine::new(connection, &options, Box::new(handler), alarm)?);
        let alive = Alive { engine: Arc::clone(&engine), listener: Mutex::new(None) };
        Ok(Self { engine, _alive: Arc::new(alive) })
    }

    /// Handles at most `most` messages without waiting, and arms nothing; how many.
    pub(crate) fn turn(&self, most: usize) -> Result<usize, End> {
        match listen::look_around(&self.engine, most) {
            Served::Messages(messages) => Ok(messages),
            Served::End(end) => Err(end),
        }
    }

    /// Has the socket show the next message, or raises the alarm if it has come.
    pub(crate) fn arm(&self) {
        listen::arm(&self.engine);
    }

    /// Sends what waits for room; since when the oldest waits that is left.
    pub(crate) fn flush(&self) -> Option<Instant> {
        self.engine.flush()
    }

    /// Sends an event without waiting, if no more than `most` bytes wait already.
    pub(crate) fn post(&self, selector: u32, event: &[u8], most: usize) -> Result<(), Refused> {
        self.engine.post_event(selector, event, most)
    }

    /// Bytes that wait for room.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.engine.waiting_bytes()
    }

    /// How many calls may be in flight; 0 before the other side has said so.
    pub(crate) fn places(&self) -> usize {
        self.engine.places()
    }

    /// Sends a request without waiting, if nothing waits for room already.
    pub(crate) fn try_begin(&self, selector: u32, request: &[u8]) -> Result<Ticket, NotBegun> {
        self.engine.try_begin(selector, request)
    }

    /// The reply to a call, once it is there; or how the session ended.
    pub(crate) fn poll_reply(&self, call: Ticket, context: &mut Context<'_>) -> Poll<Result<Vec<u8>, CallError>> {
        self.engine.poll_reply(call, context)
    }

    /// Nobody waits for the reply to a call any more.
    pub(crate) fn forget(&self, call: Ticket) {
        self.engine.exit(call);
    }

    /// Takes replies and puts aside what else comes, and arms.
    pub(crate) fn receive_replies(&self) -> Result<(), End> {
        self.engine.receive_replies()
    }

    /// Since when the oldest reply waits for room.
    pub(crate) fn oldest_reply(&self) -> Option<Instant> {
        self.engine.oldest_reply()
    }

    /// Says early that the socket is to show when there is room.
    pub(crate) fn expect_arming_for_room(&self) {
        self.engine.expect_arming_for_room();
    }

    /// Has the socket show room for what waits; `false` if there is some.
    pub(crate) fn arm_for_room(&self) -> bool {
        self.engine.arm_for_room()
    }

    /// Says to the other side that nothing will follow.
    pub(crate) fn leave(&self) {
        self.engine.leave();
    }

    /// Tells all tasks that wait how the session ended.
    pub(crate) fn end_for_tasks(&self, end: End) {
        self.engine.end_for_tasks(end);
    }

    /// Whether the other side has said what it accepts.
    pub(crate) fn is_greeted(&self) -> bool {
        self.engine.peer.get().is_some()
    }

    /// Whether requests are kept by responders.
    pub(crate) fn owes_replies(&self) -> bool {
        self.engine.requests.get() > 0
    }

    /// Calls the other side and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call(&self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.call_into(selector, request, &mut reply).map(|()| reply)
    }

    /// Calls the other side and waits for the reply, which replaces what is in `reply`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    #[inline]
    pub fn call_into(&self, selector: u32, request: &[u8], reply: &mut Vec<u8>) -> Result<(), CallError> {
        self.engine.call(selector, &[IoSlice::new(request)], reply, self.engine.options.limit())
    }

    /// Calls the other side and waits for the reply for at most `timeout`. A handler that this thread runs meanwhile is not
    /// interrupted.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_timeout(&self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.call_until(selector, &[IoSlice::new(request)], Limit::At(Deadline::after(timeout)))
    }

    /// Calls the other side and waits for the reply until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_deadline(&self, selector: u32, request: &[u8], deadline: Instant) -> Result<Vec<u8>, CallError> {
        self.call_until(selector, &[IoSlice::new(request)], Limit::At(Deadline::at(deadline)))
    }

    /// Calls the other side with the concatenation of `parts` and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_vectored(&self, selector: u32, parts: &[IoSlice<'_>]) -> Result<Vec<u8>, CallError> {
        self.call_until(selector, parts, self.engine.options.limit())
    }

    fn call_until(&self, selector: u32, parts: &[IoSlice<'_>], limit: Limit) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        self.engine.call(selector, parts, &mut reply, limit).map(|()| reply)
    }

    /// Sends a request and does not wait: the reply is taken from what is returned. Dropping that cancels the call: its reply
    /// will be dropped when it comes.
    ///
    /// ```
    /// # use twinring::{Call, Session, SessionOptions};
    /// # let (here, there) = twinring::pair()?;
    /// # let options = SessionOptions::new();
    /// # let echo = |call: &mut Call<'_>| { let p = call.payload(); call.reply().extend_from_slice(p); Ok(()) };
    /// # let _server = Session::new(there, &options, echo)?;
    /// # let client = Session::new(here, &options, ())?;
    /// let (first, second) = (client.begin(0, b"first")?, client.begin(0, b"second")?);
    /// assert_eq!(second.wait()?, b"second");
    /// assert_eq!(first.wait()?, b"first");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn begin(&self, selector: u32, request: &[u8]) -> Result<PendingCall, CallError> {
        self.begin_within(selector, request, self.engine.options.limit())
    }

    /// The same, but waits for its turn and for room for at most `timeout`. How long the reply takes is another matter.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn begin_timeout(&self, selector: u32, request: &[u8], timeout: Duration) -> Result<PendingCall, CallError> {
        self.begin_within(selector, request, Limit::For(timeout))
    }

    fn begin_within(&self, selector: u32, request: &[u8], mut limit: Limit) -> Result<PendingCall, CallError> {
        let begun = self.engine.seen.latency.start();
        let ticket = self.engine.begin(selector, &[IoSlice::new(request)], &mut limit, &mut None)?;
        Ok(PendingCall { session: self.clone(), ticket: Some(ticket), begun })
    }

    /// Sends an event, waiting for room as long as it takes.
    ///
    /// What one thread sends comes in its order. It is handled in its order by a [`LocalSession`](crate::LocalSession), a
    /// client of a service and a task; a `Session` at the other side runs handlers on its workers and on any thread that
    /// receives, so there a handler may begin before that of an earlier event has ended, or overtake it.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify(&self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.engine.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::NEVER))
    }

    /// Sends an event, waiting for room for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify_timeout(&self, selector: u32, event: &[u8], timeout: Duration) -> Result<(), NotifyError> {
        self.engine.notify(selector, &[IoSlice::new(event)], Limit::At(Deadline::after(timeout)))
    }

    /// Returns when the other side has left in order. Until then this thread handles what comes, if there is no listener (see
    /// [`SessionOptions::listener`]) or the connection promised to spin; else it only waits.
    ///
    /// # Errors
    ///
    /// If the session ends otherwise.
    pub fn serve(&self) -> Result<(), End> {
        listen::serve(&self.engine)
    }

    /// The same for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`Halt::Timeout`] if the time is over, and the session goes on; else as [`Session::serve`].
    pub fn serve_timeout(&self, timeout: Duration) -> Result<(), Halt> {
        listen::serve_until(&self.engine, Deadline::after(timeout))
    }

    /// Handles what has come, without waiting: at most a thousand messages; how many. 0 also if another thread receives at the
    /// moment.
    ///
    /// # Errors
    ///
    /// If the session has ended.
    pub fn dispatch(&self) -> Result<usize, End> {
        match listen::dispatch(&self.engine) {
            Served::Messages(messages) => Ok(messages),
            Served::End(end) => Err(end),
        }
    }

    /// The descriptor for a poll loop that drives a session without a listener: wait until it is readable, then
    /// [`Session::dispatch`]. It stays readable while there is something to dispatch, and once the session has ended. `None` if
    /// the session has a listener, or the connection promised to spin. It costs each call two system calls.
    #[must_use]
    pub fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.engine.alarm.as_ref().and_then(Alarm::descriptor)
    }

    /// Who is at the other end, by the kernel's word.
    #[must_use]
    pub fn peer(&self) -> Credentials {
        self.engine.credentials
    }

    /// What this side has counted: everything that the other side has received of it by now, and zeros in a forked child.
    ///
    /// It takes the sending lock, so it waits for a thread that is just sending. One that waits for room gives the lock up every half
    /// millisecond.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        self.engine.counters()
    }
}

/// The descriptor of a session that a poll loop drives alone.
fn own_alarm(connection: &Connection, options: &SessionOptions) -> Result<Option<Alarm>, SetupError> {
    let polled = !options.listener && connection.strategy() != WaitStrategy::Spin;
    let beacon =
        polled.then(|| Beacon::new(connection.descriptor().as_fd())).transpose().map_err(SetupError::Socket)?;
    if let Some(beacon) = &beacon {
        // The first dispatch arms the doorbell.
        beacon.raise();
    }
    Ok(beacon.map(Alarm::Descriptor))
}

fn start_listener(engine: &Arc<Engine>) -> Result<JoinHandle<()>, SetupError> {
    let engine = Arc::clone(engine);
    let listen = move || listen::listen(&engine);
    thread::Builder::new().name("twinring-listen".into()).spawn(listen).map_err(SetupError::Thread)
}

impl Drop for Alive {
    fn drop(&mut self) {
        let listener = self.listener.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.engine.owned().is_err() {
            // The threads are the parent's.
            std::mem::forget(listener);
            return;
        }
        self.engine.close();
        if let Some(listener) = listener.filter(|listener| listener.thread().id() != thread::current().id()) {
            // It does not panic: its handlers' panics are caught.
            let _ = listener.join();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("options", &self.engine.options).finish_non_exhaustive()
    }
}

/// A call whose reply is still to be taken; dropping it cancels the call.
#[must_use = "dropping it cancels the call"]
pub struct PendingCall {
    session: Session,
    /// `None` once the reply was waited for.
    ticket: Option<Ticket>,
    /// When, if that is recorded.
    begun: Option<Instant>,
}

impl PendingCall {
    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn wait(self) -> Result<Vec<u8>, CallError> {
        let limit = self.session.engine.options.limit();
        self.wait_until(limit)
    }

    /// Waits for the reply for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn wait_timeout(self, timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.wait_until(Limit::For(timeout))
    }

    fn wait_until(mut self, mut limit: Limit) -> Result<Vec<u8>, CallError> {
        let mut reply = Vec::new();
        let Some(ticket) = self.ticket.take() else { unreachable!("waiting consumes the call") };
        let engine = &self.session.engine;
        let _blocked = engine.pool.blocked(engine);
        engine.await_reply(ticket, &mut reply, None, limit.deadline())?;
        engine.seen.latency.stop(self.begun);
        Ok(reply)
    }

    /// Waits for the reply for at most `timeout`, and leaves it and the call as they are: whether waiting for it will not block
    /// any more, because it has come or the session has ended.
    #[must_use]
    pub fn wait_answered(&self, timeout: Duration) -> bool {
        let engine = &self.session.engine;
        let _blocked = engine.pool.blocked(engine);
        self.ticket.is_some_and(|ticket| engine.await_answer(ticket, Deadline::after(timeout)))
    }

    /// Whether the reply has come, so that waiting will not block.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.ticket.is_some_and(|ticket| self.session.engine.is_answered(ticket))
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.session.engine.exit(ticket);
        }
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCall").field("answered", &self.is_answered()).finish_non_exhaustive()
    }
}

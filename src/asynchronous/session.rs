//! A session for tasks, as its user holds it.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use super::desk::Desk;
use super::driver::{Driver, TURN};
use super::error::StartError;
use super::handler::Handler;
use super::limit::within;
use super::line::Line;
use super::pending::PendingCall;
use crate::channel::End;
use crate::connection::Connection;
use crate::os::clock::Deadline;
use crate::os::credentials::Credentials;
use crate::os::readiness::Readiness;
use crate::session::{self, CallError, Halt, NotifyError, SessionCounters, SessionOptions};
use crate::wait::WaitStrategy;

/// A session that any number of tasks use: clones are handles to the same one. The other side may be a
/// [`crate::Session`], a [`crate::LocalSession`], a service, or this.
///
/// One task drives it, on the runtime that it was made on; there is no thread for it. Dropping the last handle leaves in order,
/// once everything was sent. When the runtime ends, so does the session.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use twinring::SessionOptions;
/// use twinring::asynchronous::{Request, Session};
///
/// let (here, there) = twinring::pair()?;
/// let shout = |request: Request| async move {
///     Ok(std::str::from_utf8(request.payload())?.to_uppercase().into_bytes())
/// };
/// let _server = Session::new(there, &SessionOptions::new(), shout)?;
/// let client = Session::new(here, &SessionOptions::new(), ())?;
/// let (one, other) = tokio::join!(client.call(0, b"hello"), client.call(0, b"again"));
/// assert_eq!((one?, other?), (b"HELLO".to_vec(), b"AGAIN".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Session(Arc<Face>);

/// Dropped with the last handle.
struct Face {
    line: Arc<Line>,
}

/// A handle that does not keep the session.
#[derive(Clone, Default)]
pub(super) struct WeakSession(Weak<Face>);

impl Session {
    /// A session on `connection`, whose calls and events `handler` takes. The other side must make it a session, too. Of the
    /// options, workers, nesting and the listener are of no account here.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    ///
    /// # Panics
    ///
    /// If the runtime that this is called on was built without its reactor (`enable_io`). Its clock (`enable_time`) is needed
    /// as soon as something has a deadline: a call that has one, or a reply that finds no room.
    pub fn new(connection: Connection, options: &SessionOptions, handler: impl Handler) -> Result<Self, StartError> {
        Self::lingering(connection, options, handler, Duration::ZERO)
    }

    /// The same with a driver that, after each message, looks for the next one for so long before it asks to be woken: that saves
    /// both sides system calls, and uses the processor meanwhile. Other tasks run between two looks.
    ///
    /// # Errors
    ///
    /// As [`Session::new`].
    ///
    /// # Panics
    ///
    /// As [`Session::new`].
    pub fn lingering(
        connection: Connection,
        options: &SessionOptions,
        handler: impl Handler,
        linger: Duration,
    ) -> Result<Self, StartError> {
        if connection.strategy() == WaitStrategy::Spin {
            return Err(StartError::Spins);
        }
        let runtime = Handle::try_current().map_err(|error| StartError::Reactor(std::io::Error::other(error)))?;
        let shown = Readiness::new(Arc::clone(connection.descriptor())).map_err(StartError::Reactor)?;
        let (driver, face) = (Arc::new(Notify::new()), Arc::new(OnceLock::new()));
        let (events, taken) = mpsc::channel(TURN);
        let room = events.downgrade();
        let desk = Desk::new(handler, runtime.clone(), events, &face);
        desk.take_events(taken, Arc::clone(&driver));
        let alarm = Arc::clone(&driver);
        let session = session::Session::driven(connection, options, desk, move || alarm.notify_one())?;
        session.expect_arming_for_room();
        let line = Arc::new(Line::new(session, options.clone(), driver));
        let this = Self(Arc::new(Face { line: Arc::clone(&line) }));
        let set = face.set(WeakSession(Arc::downgrade(&this.0)));
        debug_assert!(set.is_ok(), "set by nobody else");
        runtime.spawn(Driver::new(line, shown, room, linger).drive());
        Ok(this)
    }

    pub(super) fn line(&self) -> &Line {
        &self.0.line
    }

    /// Calls the other side and waits for the reply, for at most the time of
    /// [`SessionOptions::call_timeout`](crate::SessionOptions::call_timeout).
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels the call: a request that was not sent is not sent, and the reply to one that was (or has
    /// begun to be) is dropped when it comes.
    pub async fn call(&self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        self.call_by(self.deadline(), selector, request).await
    }

    /// Calls the other side and waits for the reply for at most `timeout`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// As [`Session::call`].
    pub async fn call_timeout(&self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.call_by(Deadline::after(timeout), selector, request).await
    }

    async fn call_by(&self, deadline: Deadline, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        let pending = self.begin_by(deadline, selector, request).await?;
        in_time(deadline, pending, || CallError::NoReply(Halt::Timeout)).await
    }

    /// Sends a request: what is returned is a future of the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has sent nothing.
    pub async fn begin(&self, selector: u32, request: &[u8]) -> Result<PendingCall, CallError> {
        self.begin_by(self.deadline(), selector, request).await
    }

    async fn begin_by(&self, deadline: Deadline, selector: u32, request: &[u8]) -> Result<PendingCall, CallError> {
        let begun = async {
            let place = self.line().place().await?;
            let call = self.line().begin(selector, request).await?;
            Ok(PendingCall::new(self.clone(), call, place))
        };
        in_time(deadline, begun, || CallError::NotSent(Halt::Timeout)).await
    }

    fn deadline(&self) -> Deadline {
        self.line().options.limit().deadline()
    }

    /// Sends an event, waiting for room as long as it takes. Events and calls leave in the order in which they were
    /// begun: one that needs more room than there is goes before those that come after it.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has sent nothing.
    pub async fn notify(&self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.line().notify(selector, event).await
    }

    /// Waits until the session has ended; `Ok` if it ended in order, by either side.
    ///
    /// # Errors
    ///
    /// If it ended otherwise.
    ///
    /// # Cancel safety
    ///
    /// It only waits.
    pub async fn ended(&self) -> Result<(), End> {
        match self.line().ended().await {
            End::Closed => Ok(()),
            end => Err(end),
        }
    }

    /// Leaves in order: sends what waits for room, and then nothing any more. Calls that wait for their replies, here and in
    /// other handles, end with [`End::Closed`].
    ///
    /// # Errors
    ///
    /// As [`Session::ended`].
    ///
    /// # Cancel safety
    ///
    /// It leaves all the same.
    pub async fn close(&self) -> Result<(), End> {
        self.line().close();
        self.ended().await
    }

    /// Who is at the other end, by the kernel's word.
    #[must_use]
    pub fn peer(&self) -> Credentials {
        self.line().session.peer()
    }

    /// What this side has counted. It takes the sending lock for a moment; no task waits for room under it.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        self.line().session.counters()
    }
}

/// What comes of `what` by the deadline, or `late`.
async fn in_time<T>(
    deadline: Deadline,
    what: impl Future<Output = Result<T, CallError>>,
    late: impl FnOnce() -> CallError,
) -> Result<T, CallError> {
    within(deadline, what).await.unwrap_or_else(|| Err(late()))
}

impl Drop for Face {
    fn drop(&mut self) {
        self.line.close();
    }
}

impl WeakSession {
    pub(super) fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("options", &self.line().options).finish_non_exhaustive()
    }
}

impl fmt::Debug for WeakSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSession")
    }
}

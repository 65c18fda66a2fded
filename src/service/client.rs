//! One client: who it is, its user's data, and where it stands.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::bucket::Bucket;
use super::counters::Parting;
use super::error::PostError;
use super::hall::Hall;
use super::hooks::Hooks;
use super::selector::Selector;
use crate::channel::End;
use crate::os::credentials::Credentials;
use crate::session::{CallError, Halt, Session, SessionCounters};

/// A handle to a client of a service. Clones are handles to the same one; they may outlive the connection.
pub struct Client<T>(pub(super) Arc<Entry<T>>);

/// All of a client.
pub(super) struct Entry<T> {
    pub(super) id: u64,
    pub(super) credentials: Credentials,
    pub(super) hall: Weak<Hall<T>>,
    /// How many bytes may wait for it.
    pub(super) queue: usize,
    hooks: Arc<Hooks<T>>,
    /// Since it was connected; taken out again at the very end.
    data: OnceLock<T>,
    line: Mutex<Option<Line>>,
    stage: Mutex<Stage>,
    dismissed: Mutex<Option<Parting>>,
    pace: Mutex<Pace>,
    rate: Option<Mutex<Bucket>>,
    since: Instant,
}

/// What connects it.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) socket: Arc<OwnedFd>,
}

/// Where a client stands with the dispatchers.
///
/// | stage | next |
/// |---|---|
/// | idle | queued, when it is woken |
/// | queued | running, when its turn comes |
/// | running | idle or queued, when its turn is over; again, when it is woken meanwhile |
/// | again | queued, when its turn is over |
/// | gone | |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Queued,
    Running,
    Again,
    Gone,
}

/// When it was active last, for a dispatcher that lingers.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Instant>,
    fresh: bool,
    looks: u32,
}

/// The clock is read at every so many looks.
const LOOKS: u32 = 16;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No user's code runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Entry<T> {
    pub(super) fn new(
        id: u64,
        credentials: Credentials,
        hall: Weak<Hall<T>>,
        hooks: Arc<Hooks<T>>,
        queue: usize,
        messages: Option<u32>,
    ) -> Self {
        Self {
            id,
            credentials,
            hall,
            queue,
            hooks,
            data: OnceLock::new(),
            line: Mutex::new(None),
            stage: Mutex::new(Stage::Idle),
            dismissed: Mutex::new(None),
            pace: Mutex::default(),
            rate: messages.map(|rate| Mutex::new(Bucket::new(rate))),
            since: Instant::now(),
        }
    }

    pub(super) fn connect(&self, line: Line) {
        *lock(&self.line) = Some(line);
    }

    pub(super) fn session(&self) -> Option<Session> {
        lock(&self.line).as_ref().map(|line| line.session.clone())
    }

    pub(super) fn hang_up(&self) -> Option<Line> {
        lock(&self.line).take()
    }

    /// Whether `connected` has been called for it.
    pub(super) fn is_known(&self) -> bool {
        self.data.get().is_some()
    }

    /// Called once, before anybody has a handle to it.
    pub(super) fn introduce(&self, data: T) {
        let set = self.data.set(data);
        debug_assert!(set.is_ok(), "connected twice");
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether it is to be queued now.
    pub(super) fn wake(&self) -> bool {
        let mut stage = lock(&self.stage);
        let queue = *stage == Stage::Idle;
        *stage = match *stage {
            Stage::Idle => Stage::Queued,
            Stage::Running => Stage::Again,
            other => other,
        };
        queue
    }

    /// Its turn begins; `false` if it is gone.
    pub(super) fn begin(&self) -> bool {
        let mut stage = lock(&self.stage);
        let here = *stage == Stage::Queued;
        if here {
            *stage = Stage::Running;
        }
        here
    }

    /// Its turn is over; whether it is to be queued again, because it was woken meanwhile or there is `more`.
    pub(super) fn end(&self, more: bool) -> bool {
        let mut stage = lock(&self.stage);
        let queue = more && *stage == Stage::Running || *stage == Stage::Again;
        if *stage != Stage::Gone {
            *stage = if queue { Stage::Queued } else { Stage::Idle };
        }
        queue
    }

    /// By the thread whose turn it is: it goes; `true` once.
    pub(super) fn go(&self) -> bool {
        std::mem::replace(&mut *lock(&self.stage), Stage::Gone) != Stage::Gone
    }

    /// By any thread: it goes if nobody runs it.
    pub(super) fn go_unless_running(&self) -> bool {
        let mut stage = lock(&self.stage);
        let goes = matches!(*stage, Stage::Idle | Stage::Queued);
        if goes {
            *stage = Stage::Gone;
        }
        goes
    }

    /// Has it parted with at its next turn. The first reason counts.
    pub(super) fn dismiss(&self, parting: Parting) {
        lock(&self.dismissed).get_or_insert(parting);
    }

    pub(super) fn dismissal(&self) -> Option<Parting> {
        lock(&self.dismissed).clone()
    }

    /// How many messages may be taken from it now, or how long until the next.
    pub(super) fn allowance(&self, most: usize) -> Result<usize, Duration> {
        let Some(rate) = &self.rate else { return Ok(most) };
        let mut rate = lock(rate);
        match rate.left() {
            0 => Err(rate.pause()),
            left => Ok(left.min(most)),
        }
    }

    /// So many messages were taken.
    pub(super) fn spend(&self, messages: usize) {
        if let Some(rate) = &self.rate {
            lock(rate).spend(messages);
        }
    }

    /// Whether to look again soon, after a look that found messages or not.
    pub(super) fn lingers(&self, found: bool, linger: Duration) -> bool {
        let mut pace = lock(&self.pace);
        pace.looks = pace.looks.wrapping_add(1);
        if found {
            pace.fresh = true;
            return !linger.is_zero();
        }
        if std::mem::take(&mut pace.fresh) {
            pace.last = Some(Instant::now());
        }
        pace.last.is_some_and(|last| pace.looks % LOOKS != 0 || last.elapsed() < linger)
    }

    /// Nobody looks any more until it is woken.
    pub(super) fn rest(&self) {
        *lock(&self.pace) = Pace::default();
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        if let Some(data) = self.data.take() {
            self.hooks.destroyed(data);
        }
    }
}

impl<T> Client<T> {
    /// A number that no other client of this service has or had.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Who it is, by the kernel's word.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.0.credentials
    }

    /// What `connected` made for it.
    #[must_use]
    pub fn data(&self) -> &T {
        let Some(data) = self.0.data.get() else { unreachable!("a handle to a client that is not connected") };
        data
    }

    /// Sends an event and does not wait: what finds no room is sent once there is some, in order.
    ///
    /// # Errors
    ///
    /// See [`PostError`].
    pub fn notify(&self, selector: Selector, event: &[u8]) -> Result<(), PostError> {
        let session = self.0.session().ok_or(PostError::Gone)?;
        Ok(session.post(selector.packed(), event, self.0.queue)?)
    }

    /// Calls the client and waits for its reply for at most `timeout`. A handler that does so holds up a dispatcher until the
    /// client answers.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_timeout(&self, selector: Selector, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        let gone = CallError::NotSent(Halt::Ended(End::Disconnected));
        self.0.session().ok_or(gone)?.call_timeout(selector.packed(), request, timeout)
    }

    /// The session with it, while it is connected.
    pub(crate) fn session(&self) -> Option<Session> {
        self.0.session()
    }

    /// Whether it is still connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        lock(&self.0.line).is_some()
    }

    /// What its session has counted, see [`Session::counters`]; zeros once it has gone.
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        self.0.session().map_or_else(SessionCounters::default, |session| session.counters())
    }

    /// Bytes of replies and events that wait for it to read.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.0.session().map_or(0, |session| session.waiting_bytes())
    }
}

impl<T: Send + Sync + 'static> Client<T> {
    /// Sends it away: its next turn is its last. The reason is for this side's callback and counters.
    pub fn dismiss(&self, reason: impl Into<String>) {
        self.0.dismiss(Parting::Dismissed(reason.into()));
        if let Some(hall) = self.0.hall.upgrade() {
            hall.wake(&self.0);
        }
    }
}

impl<T> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.0.id).field("credentials", &self.0.credentials).finish()
    }
}

/// A client that has just said hello, before there is any user data for it.
pub struct Newcomer<'a> {
    pub(super) id: u64,
    pub(super) credentials: Credentials,
    pub(super) session: &'a Session,
    pub(super) queue: usize,
}

impl Newcomer<'_> {
    /// The number that it will have; see [`Client::id`].
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Who it is, by the kernel's word.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// Sends it an event, before anything else; see [`Client::notify`].
    ///
    /// # Errors
    ///
    /// See [`PostError`].
    pub fn notify(&self, selector: Selector, event: &[u8]) -> Result<(), PostError> {
        Ok(self.session.post(selector.packed(), event, self.queue)?)
    }
}

impl fmt::Debug for Newcomer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Newcomer").field("id", &self.id).field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

//! A service as its user holds it.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::Client;
use super::counters::{Broadcast, ServiceCounters};
use super::error::ServiceError;
use super::hall::{Hall, Phase, lock};
use super::options::ServiceOptions;
use super::request::Request;
use super::selector::Selector;
use crate::connection::Endpoint;
use crate::session::Failure;
use crate::trace::tell;

/// A listener with its many clients, and the handlers of what they call. Clones are handles to the same one; dropping the last
/// ends it at once, [`Service::shutdown`] in order.
///
/// ```
/// use std::time::Duration;
/// use twinring::{Selector, ServiceOptions, Session, SessionOptions, connect};
///
/// const ADD: Selector = Selector::new(1, 1);
///
/// let service = ServiceOptions::new().bind("doc-service")?;
/// service.handle(ADD, |request| {
///     let sum: u32 = request.payload().iter().copied().map(u32::from).sum();
///     request.reply().extend_from_slice(&sum.to_le_bytes());
///     Ok(())
/// });
/// service.start(1)?;
///
/// let client = Session::new(connect("doc-service", Duration::from_secs(5))?, &SessionOptions::new(), ())?;
/// assert_eq!(client.call(ADD.packed(), &[1, 2, 3])?, 6_u32.to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Without threads, a poll loop waits until the descriptor of `as_fd` is readable, and then calls [`Service::dispatch`].
pub struct Service<T: Send + Sync + 'static = ()> {
    hall: Arc<Hall<T>>,
    alive: Arc<Alive<T>>,
}

/// Dropped with the last handle.
struct Alive<T: Send + Sync + 'static> {
    hall: Arc<Hall<T>>,
    path: PathBuf,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<T: Send + Sync + 'static> Service<T> {
    pub(super) fn bind(options: ServiceOptions<T>, endpoint: &Endpoint) -> Result<Self, ServiceError> {
        let hall = Arc::new(Hall::new(options, endpoint)?);
        let path = lock(&hall.listener).as_ref().map(|listener| listener.path().to_owned()).unwrap_or_default();
        let alive = Alive { hall: Arc::clone(&hall), path, threads: Mutex::default() };
        Ok(Self { hall, alive: Arc::new(alive) })
    }

    /// The path of its socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.alive.path
    }

    /// Has calls of `selector` answered by `handler`, from now on, in place of what answered them before. It runs on a
    /// dispatcher: one that has to wait for something should [`Request::defer`]. Selectors of service 65,535 are the
    /// service's own, and never come here.
    pub fn handle<H>(&self, selector: Selector, handler: H)
    where
        H: Fn(&mut Request<'_, '_, T>) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.hall.table.set_call(selector, Arc::new(handler));
    }

    /// Has events of `selector` taken by `handler`; others are dropped.
    pub fn on_event(&self, selector: Selector, handler: impl Fn(&Client<T>, Selector, &[u8]) + Send + Sync + 'static) {
        self.hall.table.set_event(selector, Arc::new(handler));
    }

    /// Has calls answered that have no handler of their own; if not chosen, the caller gets
    /// [`CallError::NoSelector`](crate::CallError::NoSelector).
    pub fn handle_others<H>(&self, handler: H)
    where
        H: Fn(&mut Request<'_, '_, T>) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.hall.table.set_other_call(Arc::new(handler));
    }

    /// Has events taken that have no handler of their own.
    pub fn on_other_events(&self, handler: impl Fn(&Client<T>, Selector, &[u8]) + Send + Sync + 'static) {
        self.hall.table.set_other_event(Arc::new(handler));
    }

    /// Takes the handlers of `selector` away; whether there was one.
    pub fn unhandle(&self, selector: Selector) -> bool {
        self.hall.table.remove(selector)
    }

    /// Starts `threads` more dispatchers, which end with the service.
    ///
    /// # Errors
    ///
    /// If one cannot be started. Those before it run.
    pub fn start(&self, threads: usize) -> Result<(), ServiceError> {
        for _ in 0..threads {
            let hall = Arc::clone(&self.hall);
            let serve = move || hall.serve_until(None, || hall.phase() == Phase::Over);
            let named = thread::Builder::new().name("twinring-serve".into());
            lock(&self.alive.threads).push(named.spawn(serve).map_err(ServiceError::Thread)?);
        }
        Ok(())
    }

    /// Dispatches on this thread until the service is shut down by another.
    pub fn serve(&self) {
        if self.hall.is_owned() {
            self.hall.serve_until(None, || self.hall.phase() == Phase::Over);
        }
    }

    /// Does what there is to do, without waiting and within bounds: accepts a few clients, and gives at most 64 their turn; how
    /// many messages were handled. The descriptor stays readable while there is more. Any number of threads may do this.
    pub fn dispatch(&self) -> usize {
        if self.hall.is_owned() { self.hall.dispatch() } else { 0 }
    }

    /// Those who are connected now.
    #[must_use]
    pub fn clients(&self) -> Vec<Client<T>> {
        self.hall.everybody().into_iter().filter(|entry| entry.is_known()).map(Client).collect()
    }

    /// Sends an event to all clients, without waiting for any.
    pub fn broadcast(&self, selector: Selector, event: &[u8]) -> Broadcast {
        self.broadcast_to(selector, event, |_| true)
    }

    /// Sends an event to the clients that `to` chooses, without waiting for any.
    pub fn broadcast_to(&self, selector: Selector, event: &[u8], to: impl Fn(&Client<T>) -> bool) -> Broadcast {
        let mut result = Broadcast::default();
        for client in self.clients().into_iter().filter(to) {
            match client.notify(selector, event) {
                Ok(()) => result.sent += 1,
                Err(_) => result.missed += 1,
            }
        }
        result
    }

    /// What it has counted.
    #[must_use]
    pub fn counters(&self) -> ServiceCounters {
        self.hall.counters()
    }

    /// Ends in order: nobody is accepted any more, what has come is answered, deferred requests are waited for, and each
    /// client then sees that this side has left. Whoever is not done in that time is cut off; how many that were. This thread
    /// dispatches meanwhile. Not to be called by a handler, which would wait for itself.
    pub fn shutdown(&self, timeout: Duration) -> usize {
        if !self.hall.is_owned() {
            return 0;
        }
        let left = self.hall.drain(timeout);
        self.alive.end();
        left
    }

    /// Accepts nobody any more, and has everybody parted with once nothing is owed to them, by whoever dispatches.
    pub(crate) fn begin_shutdown(&self) {
        if self.hall.is_owned() {
            self.hall.begin_draining();
        }
    }

    /// Whether it has begun to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.hall.phase() > Phase::Open
    }

    /// Whether nobody is here.
    pub(crate) fn is_deserted(&self) -> bool {
        self.hall.is_empty()
    }

    /// Cuts off whoever is left; how many that were.
    pub(crate) fn end_shutdown(&self) -> usize {
        let left = self.hall.everybody().len();
        if self.hall.is_owned() {
            self.alive.end();
        }
        left
    }
}

impl<T: Send + Sync + 'static> Alive<T> {
    fn end(&self) {
        self.hall.stop();
        tell!(info, path = %self.path.display(), "service stopped");
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != thread::current().id()) {
            // It does not panic: the panics of handlers and callbacks are caught.
            let _ = thread.join();
        }
        self.hall.sweep();
    }
}

impl<T: Send + Sync + 'static> Drop for Alive<T> {
    fn drop(&mut self) {
        if self.hall.is_owned() {
            self.end();
        }
    }
}

impl<T: Send + Sync + 'static> AsFd for Service<T> {
    /// Readable while there is something to [`dispatch`](Service::dispatch): one descriptor for the listener, all clients and
    /// all deadlines.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hall.epoll.as_fd()
    }
}

impl<T: Send + Sync + 'static> Clone for Service<T> {
    fn clone(&self) -> Self {
        Self { hall: Arc::clone(&self.hall), alive: Arc::clone(&self.alive) }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Service<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("path", &self.path()).field("limits", &self.hall.limits).finish_non_exhaustive()
    }
}

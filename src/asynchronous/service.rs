//! A service that a task drives.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};

use super::answer::answer;
use super::calling;
use super::error::StartError;
use super::limit::within;
use crate::os::clock::Deadline;
use crate::os::readiness::Readiness;
use crate::service::{self, Client, Selector};
use crate::session::{CallError, Failure};

/// A service that one task drives, with its many clients, who may be anybody: as [`crate::Service`], which it lends for all that
/// does not wait (events, broadcasts, clients, counters). Clones are handles to the same one; dropping the last
/// ends it at once, [`Service::shutdown`] in order.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use std::time::Duration;
/// use twinring::asynchronous::{Service, ServiceRequest, Session, connect};
/// use twinring::{Selector, ServiceOptions, SessionOptions};
///
/// const ADD: Selector = Selector::new(1, 1);
///
/// let service = Service::start(ServiceOptions::new().bind("doc-async-service")?)?;
/// service.handle(ADD, |request: ServiceRequest<()>| async move {
///     let sum: u32 = request.payload().iter().copied().map(u32::from).sum();
///     Ok(sum.to_le_bytes().to_vec())
/// });
/// let connection = connect("doc-async-service", Duration::from_secs(5)).await?;
/// let client = Session::new(connection, &SessionOptions::new(), ())?;
/// assert_eq!(client.call(ADD.packed(), &[1, 2, 3]).await?, 6_u32.to_le_bytes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Service<T: Send + Sync + 'static = ()> {
    inner: service::Service<T>,
    runtime: Handle,
    /// Told by the driver when nobody is left.
    drained: Arc<Notify>,
    _driving: Arc<Driving>,
}

/// Ends the driver with the last handle.
struct Driving(AbortHandle);

/// A request of a client of a service that is to be answered.
#[derive(Debug)]
pub struct ServiceRequest<T: Send + Sync + 'static = ()> {
    client: Client<T>,
    selector: Selector,
    payload: Vec<u8>,
}

impl<T: Send + Sync + 'static> Service<T> {
    /// Has a task of the runtime that this is called on drive a service, which no thread should drive besides.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    ///
    /// # Panics
    ///
    /// If the runtime was built without its reactor (`enable_io`).
    pub fn start(service: service::Service<T>) -> Result<Self, StartError> {
        let shown = Readiness::of(service.as_fd()).map_err(StartError::Reactor)?;
        let (runtime, drained) = (Handle::current(), Arc::new(Notify::new()));
        let driver = runtime.spawn(drive(service.clone(), shown, Arc::clone(&drained)));
        let driving = Arc::new(Driving(driver.abort_handle()));
        Ok(Self { inner: service, runtime, drained, _driving: driving })
    }

    /// Has calls of `selector` answered by `handler`, from now on, in place of what answered them before. Each is a task of its
    /// own: one that waits holds up nobody.
    pub fn handle<H, A>(&self, selector: Selector, handler: H)
    where
        H: Fn(ServiceRequest<T>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    {
        self.inner.handle(selector, self.spawning(handler));
    }

    /// Has calls answered that have no handler of their own; if not chosen, the caller gets
    /// [`CallError::NoSelector`](crate::CallError::NoSelector).
    pub fn handle_others<H, A>(&self, handler: H)
    where
        H: Fn(ServiceRequest<T>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    {
        self.inner.handle_others(self.spawning(handler));
    }

    /// What has a task answer.
    fn spawning<H, A>(
        &self,
        handler: H,
    ) -> impl Fn(&mut service::Request<'_, '_, T>) -> Result<(), Failure> + use<H, A, T>
    where
        H: Fn(ServiceRequest<T>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Vec<u8>, Failure>> + Send + 'static,
    {
        let (runtime, handler) = (self.runtime.clone(), Arc::new(handler));
        move |request| {
            let Some(responder) = request.defer() else { return Err(Failure::overloaded()) };
            let asked = ServiceRequest::of(request);
            let handler = Arc::clone(&handler);
            runtime.spawn(answer(async move { handler(asked).await }, responder));
            Ok(())
        }
    }

    /// Calls a client and waits for its reply for at most `timeout`. While as many calls are in flight as the client accepts, or it does
    /// not read, the request waits for its turn.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Panics
    ///
    /// If the runtime was built without its clock (`enable_time`).
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels the call: a request that was not sent is not sent, and the reply to one that was is dropped when it comes.
    pub async fn call(
        &self,
        client: &Client<T>,
        selector: Selector,
        request: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, CallError> {
        calling::call(client, selector, request, timeout).await
    }

    /// Ends in order: nobody is accepted any more, what has come is answered, requests under way are waited for, and each client
    /// then sees that this side has left. Whoever is not done in that time is cut off; how many that were.
    ///
    /// # Panics
    ///
    /// If the runtime was built without its clock (`enable_time`).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the service goes on ending, and nobody is cut off until the last handle is dropped.
    pub async fn shutdown(&self, timeout: Duration) -> usize {
        let deadline = Deadline::after(timeout);
        self.inner.begin_shutdown();
        while !self.inner.is_deserted() {
            if within(deadline, self.drained.notified()).await.is_none() {
                break;
            }
        }
        // Whoever else waits for the same.
        self.drained.notify_one();
        self.inner.end_shutdown()
    }
}

async fn drive<T: Send + Sync + 'static>(service: service::Service<T>, shown: Readiness, drained: Arc<Notify>) {
    // Nothing but the end of the runtime makes this fail.
    while shown.wait().await.is_ok() {
        while shown.is_ready() {
            service.dispatch();
            if service.is_ending() && service.is_deserted() {
                return drained.notify_one();
            }
            yield_now().await;
        }
    }
}

impl<T: Send + Sync + 'static> ServiceRequest<T> {
    fn of(request: &service::Request<'_, '_, T>) -> Self {
        Self { client: request.client().clone(), selector: request.selector(), payload: request.payload().to_vec() }
    }

    /// Who asks.
    #[must_use]
    pub fn client(&self) -> &Client<T> {
        &self.client
    }

    /// The client's user data.
    #[must_use]
    pub fn data(&self) -> &T {
        self.client.data()
    }

    /// Calls back whoever asks, see [`Service::call`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Panics
    ///
    /// As [`Service::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Service::call`].
    pub async fn call(&self, selector: Selector, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        calling::call(&self.client, selector, request, timeout).await
    }

    /// What is called.
    #[must_use]
    pub fn selector(&self) -> Selector {
        self.selector
    }

    /// The request: a copy, which the client cannot change any more.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The request, to be kept.
    #[must_use]
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

impl<T: Send + Sync + 'static> Deref for Service<T> {
    type Target = service::Service<T>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: Send + Sync + 'static> Clone for Service<T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            runtime: self.runtime.clone(),
            drained: Arc::clone(&self.drained),
            _driving: Arc::clone(&self._driving),
        }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Service<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

//! What may be chosen about a service.

use std::fmt;
use std::time::Duration;

use super::admission::Verdict;
use super::client::{Client, Newcomer};
use super::counters::Parting;
use super::error::ServiceError;
use super::face::Service;
use super::hooks::Hooks;
use crate::connection::{Endpoint, Options};
use crate::os::credentials::Credentials;
use crate::session::SessionOptions;

/// Everything that can be chosen about a service, with defaults that suit most.
///
/// `T` is the data that the user keeps for each client; see [`ServiceOptions::with_data`].
///
/// The callbacks come in this order, each once for each client, on the thread that dispatches it:
///
/// | callback | when |
/// |---|---|
/// | [`authorise`](Self::authorise) | for every applicant, in the handshake |
/// | `connected`, of [`with_data`](Self::with_data) | it said hello; before any of its messages is handled |
/// | [`disconnected`](Self::disconnected) | it has gone, however; after all of its messages |
/// | [`destroyed`](Self::destroyed) | the last handle to it has been dropped, on whatever thread |
///
/// ```
/// use twinring::{ServiceOptions, Verdict};
///
/// let options = ServiceOptions::with_data(|newcomer| format!("client {}", newcomer.id()))
///     .authorise(|who| match who.gid {
///         Some(_) => Verdict::Accept,
///         None => Verdict::Refuse("of no group that is known here".into()),
///     })
///     .disconnected(|client, parting| println!("{}: {parting}", client.data()))
///     .most_clients(100);
/// # let _ = options;
/// ```
pub struct ServiceOptions<T = ()> {
    pub(super) connection: Options,
    pub(super) session: SessionOptions,
    pub(super) hooks: Hooks<T>,
    pub(super) limits: Limits,
    pub(super) monitored: bool,
}

/// The numbers among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) clients: usize,
    pub(super) of_user: usize,
    pub(super) rate: Option<u32>,
    pub(super) hello: Duration,
    pub(super) turn: usize,
    pub(super) messages: Option<u32>,
    pub(super) queue: usize,
    pub(super) linger: Duration,
}

impl ServiceOptions<()> {
    /// The defaults, with no data for a client.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Default for ServiceOptions<()> {
    fn default() -> Self {
        Self::with_data(|_| ())
    }
}

impl<T: 'static> ServiceOptions<T> {
    /// The defaults, with data for each client, which `connected` makes when the client has said hello. If it panics, the
    /// client is parted with.
    #[must_use]
    pub fn with_data(connected: impl Fn(&Newcomer<'_>) -> T + Send + Sync + 'static) -> Self {
        let limits = Limits {
            clients: 1024,
            of_user: usize::MAX,
            rate: None,
            hello: Duration::from_secs(2),
            turn: 32,
            messages: None,
            queue: 1 << 20,
            linger: Duration::from_micros(50),
        };
        let (connection, session) = (Options::default(), SessionOptions::default());
        Self { connection, session, hooks: Hooks::new(connected), limits, monitored: false }
    }

    /// How its connections are made: rings, permissions of the socket, time for the handshake. The way of waiting is the
    /// dispatchers' own ([`ServiceOptions::linger`]).
    #[must_use]
    pub fn connection(mut self, options: Options) -> Self {
        self.connection = options;
        self
    }

    /// What its sessions accept. They have no listener and no workers: dispatchers run the handlers.
    #[must_use]
    pub fn session(mut self, options: SessionOptions) -> Self {
        self.session = options;
        self
    }

    /// Whether other processes of this user may see what its connections count, see [`Monitor`](crate::Monitor): as many at a
    /// time as it may have clients. They may not if not chosen, because that takes a thread, and 4 KiB for each client.
    #[must_use]
    pub fn monitored(mut self, wanted: bool) -> Self {
        self.monitored = wanted;
        self
    }

    /// Who may come in, by the kernel's word. If not chosen, those whom [`Options::authorise`] accepts: the same user.
    #[must_use]
    pub fn authorise(mut self, decide: impl Fn(&Credentials) -> Verdict + Send + Sync + 'static) -> Self {
        self.hooks.authorise = Some(Box::new(decide));
        self
    }

    /// Called when a client that was connected has gone.
    #[must_use]
    pub fn disconnected(mut self, tell: impl Fn(&Client<T>, &Parting) + Send + Sync + 'static) -> Self {
        self.hooks.disconnected = Box::new(tell);
        self
    }

    /// Called with the data of a client that has gone, once nobody has a handle to it any more. If not chosen, they are
    /// dropped.
    #[must_use]
    pub fn destroyed(mut self, take: impl Fn(T) + Send + Sync + 'static) -> Self {
        self.hooks.destroyed = Box::new(take);
        self
    }

    /// The most clients at a time, those in the handshake included; more are refused with a reason. 1,024 if not chosen. Each
    /// takes two descriptors: see `RLIMIT_NOFILE`.
    #[must_use]
    pub fn most_clients(mut self, clients: usize) -> Self {
        self.limits.clients = clients;
        self
    }

    /// The most clients of one user at a time; unlimited if not chosen. Users that are unknown here count as one.
    #[must_use]
    pub fn most_clients_of_user(mut self, clients: usize) -> Self {
        self.limits.of_user = clients;
        self
    }

    /// The most applicants a second, refused ones included; unlimited if not chosen. More wait in the socket's backlog, and
    /// then in their own `connect`. A tenth of a second's may come at once.
    #[must_use]
    pub fn accept_rate(mut self, applicants_a_second: u32) -> Self {
        self.limits.rate = Some(applicants_a_second.max(1));
        self
    }

    /// How long a client may take to say hello after the handshake; 2 s if not chosen.
    #[must_use]
    pub fn hello_timeout(mut self, timeout: Duration) -> Self {
        self.limits.hello = timeout;
        self
    }

    /// How many messages of one client are handled before it is another's turn; 32 if not chosen.
    #[must_use]
    pub fn messages_a_turn(mut self, messages: usize) -> Self {
        self.limits.turn = messages.max(1);
        self
    }

    /// The most messages a second that are taken from one client; unlimited if not chosen. A tenth of a second's may come at
    /// once; more stay in its ring, and push back on it. Without a limit a client that floods keeps a dispatcher busy, and a
    /// thread that is always busy gets its processor later than one that sleeps.
    #[must_use]
    pub fn message_rate(mut self, messages_a_second: u32) -> Self {
        self.limits.messages = Some(messages_a_second.max(1));
        self
    }

    /// How many bytes of events may wait for a client that does not read; 1 MiB if not chosen. More are refused as
    /// [`PostError::Full`](crate::PostError::Full).
    #[must_use]
    pub fn most_waiting_bytes(mut self, bytes: usize) -> Self {
        self.limits.queue = bytes;
        self
    }

    /// How long a dispatcher thread goes on looking at a client's ring after its last message before it asks to be told of
    /// the next by descriptor. 50 µs if not chosen: about what being told costs. With zero it never spins, with seconds it
    /// takes a core for as long as any client talks, and answers fastest. [`Service::dispatch`] does not linger.
    #[must_use]
    pub fn linger(mut self, time: Duration) -> Self {
        self.limits.linger = time;
        self
    }
}

impl<T: Send + Sync + 'static> ServiceOptions<T> {
    /// Listens at an endpoint. Nobody is accepted until the service is driven: [`Service::start`], [`Service::serve`] or
    /// [`Service::dispatch`].
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    pub fn bind(self, endpoint: impl Into<Endpoint>) -> Result<Service<T>, ServiceError> {
        Service::bind(self, &endpoint.into())
    }

    /// Loads a service into the running program: at the endpoint `name.PID`, driven by one thread until the last handle is
    /// dropped. Others find it by [`Endpoint::of_pid`] or `twinring list`.
    ///
    /// ```
    /// use twinring::{Selector, ServiceOptions};
    ///
    /// let service = ServiceOptions::new().publish("doc-viewed")?;
    /// service.handle(Selector::new(0, 1), |request| {
    ///     request.reply().extend_from_slice(b"fine");
    ///     Ok(())
    /// });
    /// # Ok::<(), twinring::ServiceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    pub fn publish(self, name: &str) -> Result<Service<T>, ServiceError> {
        let service = self.bind(Endpoint::of_pid(name, std::process::id()))?;
        service.start(1)?;
        Ok(service)
    }
}

impl<T> fmt::Debug for ServiceOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connection, session, limits, monitored, .. } = self;
        f.debug_struct("ServiceOptions")
            .field("connection", connection)
            .field("session", session)
            .field("limits", limits)
            .field("monitored", monitored)
            .finish_non_exhaustive()
    }
}

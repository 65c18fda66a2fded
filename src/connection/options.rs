//! What either side may choose before it connects.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{
    BindError, ConnectError, Connection, Endpoint, HandshakeError, Listener, Terms, Transport, connect, stream,
};
use crate::os::clock::Deadline;
use crate::os::credentials::Credentials;
use crate::region::LARGEST_RING;
use crate::wait::WaitStrategy;

/// What a side answers to a peer that wants to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Connect.
    Accept,
    /// Connect, on terms of its own.
    AcceptWith(Terms),
    /// Do not, for a reason that the peer is told.
    Refuse(String),
}

type Authorise = dyn Fn(&Credentials) -> Decision + Send + Sync;

/// Everything that can be chosen about a connection, with defaults that suit most.
///
/// ```no_run
/// use std::time::Duration;
/// use twinring::{Options, WaitStrategy};
///
/// let options = Options::new().ring_capacity(4 << 20).wait(WaitStrategy::Spin);
/// let connection = options.connect("prices", Duration::from_secs(5))?;
/// # Ok::<(), twinring::ConnectError>(())
/// ```
#[derive(Clone)]
pub struct Options {
    pub(super) ring: u64,
    pub(super) largest_ring: u64,
    pub(super) wait: WaitStrategy,
    pub(super) huge_pages: bool,
    pub(super) handshake: Duration,
    pub(super) mode: u32,
    pub(super) transport: Transport,
    pub(super) authorise: Arc<Authorise>,
    /// The endpoint that they are used for.
    pub(super) endpoint: Option<Endpoint>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring: 1 << 20,
            largest_ring: LARGEST_RING,
            wait: WaitStrategy::default(),
            huge_pages: false,
            handshake: Duration::from_secs(2),
            mode: 0o600,
            transport: Transport::default(),
            authorise: Arc::new(same_user),
            endpoint: None,
        }
    }
}

/// The default: the same user as this process's, and root may not pass for it.
fn same_user(peer: &Credentials) -> Decision {
    let own = Credentials::own().uid;
    match peer.uid {
        Some(uid) if Some(uid) == own => Decision::Accept,
        Some(uid) => Decision::Refuse(format!("user {uid} is not user {}", own.unwrap_or_default())),
        None => Decision::Refuse("the user is unknown here (another user namespace)".to_owned()),
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The size in bytes of the ring that this side sends through: rounded up to a power of two between 4 KiB and 256 MiB;
    /// 1 MiB if not chosen. The largest message is about 7/16 of it. A ring no larger than a core's second-level cache is
    /// fastest.
    #[must_use]
    pub fn ring_capacity(mut self, bytes: usize) -> Self {
        self.ring = bytes as u64;
        self
    }

    /// The largest ring in bytes that the peer may send through: it costs this side address space and page tables. 256 MiB
    /// if not chosen.
    #[must_use]
    pub fn largest_peer_ring(mut self, bytes: usize) -> Self {
        self.largest_ring = (bytes as u64).min(LARGEST_RING);
        self
    }

    /// How this side waits.
    #[must_use]
    pub fn wait(mut self, strategy: WaitStrategy) -> Self {
        self.wait = strategy;
        self
    }

    /// What may carry the messages. Shared memory if not chosen, and nothing else: whoever did not ask for the socket learns that
    /// there is no shared memory by an error, not by a latency. The two sides have to agree;
    /// [`Connection::transport`] says on what.
    ///
    /// ```
    /// use twinring::{Options, Transport};
    ///
    /// let (here, _there) = Options::new().transport(Transport::Socket).pair()?;
    /// assert_eq!(here.transport(), Transport::Socket);
    /// # Ok::<(), twinring::HandshakeError>(())
    /// ```
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether this side's half should lie in huge pages. If there are none, ordinary ones are used and
    /// [`Connection::pages`] says why.
    #[must_use]
    pub fn huge_pages(mut self, wanted: bool) -> Self {
        self.huge_pages = wanted;
        self
    }

    /// How long a listener lets a client take for the whole handshake; 2 s if not chosen.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake = timeout;
        self
    }

    /// The permissions of a listener's socket, whose group and others may connect only if these say so (and
    /// [`Options::authorise`] does too); 0600 if not chosen. The process's umask applies.
    #[must_use]
    pub fn socket_mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Who may be at the other end, by the kernel's word. Both sides ask, so a client is as safe from a false listener as
    /// a listener from a false client. Only processes of the same effective user if not chosen.
    ///
    /// ```
    /// use twinring::{Decision, Options};
    ///
    /// let options = Options::new().authorise(|peer| match peer.gid {
    ///     Some(1005) => Decision::Accept,
    ///     _ => Decision::Refuse("only the group of the recorders".into()),
    /// });
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn authorise(mut self, decide: impl Fn(&Credentials) -> Decision + Send + Sync + 'static) -> Self {
        self.authorise = Arc::new(decide);
        self
    }

    /// What these options answer to that peer.
    pub(crate) fn decide(&self, peer: &Credentials) -> Decision {
        (self.authorise)(peer)
    }

    /// These options, for that endpoint.
    pub(crate) fn named(self, endpoint: &Endpoint) -> Self {
        Self { endpoint: Some(endpoint.clone()), ..self }
    }

    /// These options on other terms.
    pub(super) fn grant(&mut self, terms: &Terms) {
        self.ring = terms.ring.unwrap_or(self.ring);
        self.largest_ring = terms.largest_ring.map_or(self.largest_ring, |largest| largest.min(LARGEST_RING));
    }

    /// Listens at an endpoint; see [`Listener::bind`].
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(&self, endpoint: impl Into<Endpoint>) -> Result<Listener, BindError> {
        Listener::bind_with(&endpoint.into(), self.clone())
    }

    /// Connects to an endpoint; see [`connect()`](crate::connect).
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn connect(&self, endpoint: impl Into<Endpoint>, timeout: Duration) -> Result<Connection, ConnectError> {
        connect::to(&endpoint.into(), self, Deadline::after(timeout))
    }

    /// Connects two threads of this process; see [`pair()`](crate::pair).
    ///
    /// # Errors
    ///
    /// See [`HandshakeError`].
    pub fn pair(&self) -> Result<(Connection, Connection), HandshakeError> {
        connect::threads(self)
    }

    /// Connects over an inherited socket; see [`connect_over()`](crate::connect_over).
    ///
    /// # Errors
    ///
    /// See [`HandshakeError`].
    pub fn connect_over(&self, socket: OwnedFd, timeout: Duration) -> Result<Connection, HandshakeError> {
        connect::over(socket, self, Deadline::after(timeout))
    }

    /// Accepts over an inherited socket; see [`accept_over()`](crate::accept_over).
    ///
    /// # Errors
    ///
    /// See [`HandshakeError`].
    pub fn accept_over(&self, socket: OwnedFd, timeout: Duration) -> Result<Connection, HandshakeError> {
        connect::accepted_over(socket, self, Deadline::after(timeout))
    }

    /// Makes a connection of a connected stream socket of any kind, whose other end is given to this too: a socket pair, or TCP.
    /// There is no connector and no listener, nothing but bytes goes over the stream, and messages go over it whatever
    /// [`Options::transport`] says.
    ///
    /// Of a Unix socket the kernel tells who connected it (of a pair, who made it); of any other, it tells nothing, and
    /// [`Options::authorise`] is asked about nobody known, which the default refuses.
    ///
    /// ```
    /// use std::{os::unix::net::UnixStream, thread, time::Duration};
    /// use twinring::Options;
    ///
    /// let (here, there) = UnixStream::pair()?;
    /// let second = thread::spawn(|| Options::new().over_stream(there.into(), Duration::from_secs(5)));
    /// let mut here = Options::new().over_stream(here.into(), Duration::from_secs(5))?;
    /// let mut there = second.join().expect("no panic")?;
    /// here.ends().0.send(b"over a pipe")?;
    /// assert_eq!(there.ends().1.recv()?.to_vec(), b"over a pipe");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`HandshakeError`].
    pub fn over_stream(&self, socket: OwnedFd, timeout: Duration) -> Result<Connection, HandshakeError> {
        stream::connect(socket, self, Deadline::after(timeout))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("ring", &self.ring)
            .field("wait", &self.wait)
            .field("transport", &self.transport)
            .field("huge_pages", &self.huge_pages)
            .finish_non_exhaustive()
    }
}

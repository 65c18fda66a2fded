//! Listening: one socket, many handshakes side by side.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::endpoint::Endpoint;
use super::error::{AcceptError, BindError, HandshakeError, SetupError};
use super::established::Connection;
use super::handshake::{Exchanging, Handshake, Identity, Listening, State, Step};
use super::options::Options;
use crate::os::clock::Deadline;
use crate::os::lock::Lock;
use crate::os::{credentials, socket};

/// Handshakes under way at a time. More clients wait in the socket's backlog.
const MOST_PENDING: usize = 64;

/// Accepts connections at an endpoint.
///
/// Clients greet side by side: one that connects and says nothing holds up nobody, and is dropped after
/// [`Options::handshake_timeout`]. Handshakes go on only while somebody is in one of the accept methods.
///
/// ```
/// use std::time::Duration;
///
/// let mut listener = twinring::Listener::bind("doc-example-listener")?;
/// let client = std::thread::spawn(|| twinring::connect("doc-example-listener", Duration::from_secs(5)));
/// let connection = listener.accept()?;
/// assert_eq!(connection.peer().pid, Some(std::process::id()));
/// # drop(client.join());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    /// Readable when a client connects, if there is room for one, or when one that greets says something.
    gathering: OwnedFd,
    /// Whether clients are kept waiting in the backlog.
    deaf: bool,
    path: PathBuf,
    options: Options,
    pending: Vec<Pending>,
    counters: ListenerCounters,
    process: u32,
    /// Released last: while it is held, the path is ours.
    lock: Lock,
}

/// What a [`Listener`] has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerCounters {
    /// Clients that became connections.
    pub accepted: u64,
    /// Clients that were not authorised.
    pub refused: u64,
    /// Clients that refused this listener, by their own check of who it is or of its half.
    pub declined: u64,
    /// Clients that broke the protocol, hung up or took too long.
    pub failed: u64,
}

/// A client that has not finished its handshake.
struct Pending {
    state: Stage,
    deadline: Deadline,
}

enum Stage {
    Listening(Listening),
    Exchanging(Box<Exchanging>),
}

impl Listener {
    /// Listens at an endpoint with the default [`Options`]. A socket that a dead listener left behind is replaced, a live
    /// one is not.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(endpoint: impl Into<Endpoint>) -> Result<Self, BindError> {
        Self::bind_with(&endpoint.into(), Options::default())
    }

    pub(super) fn bind_with(endpoint: &Endpoint, options: Options) -> Result<Self, BindError> {
        let path = endpoint.socket_path().map_err(BindError::Endpoint)?;
        let failed = |source| BindError::Socket { path: path.clone(), source };
        let lock = Lock::take(lock_path(&path)).map_err(failed)?;
        let Some(lock) = lock else { return Err(BindError::InUse { path }) };
        lock.note(&format!("pid {}\n", std::process::id())).map_err(failed)?;
        remove_stale(&path).map_err(failed)?;
        let socket = socket::listen_at(&path, options.mode).map_err(failed)?;
        let gathering = gather(socket.as_fd()).map_err(|error| {
            // Whoever cannot listen leaves no socket there.
            let _ = rustix::fs::unlink(&path);
            failed(error)
        })?;
        let (pending, counters) = (Vec::new(), ListenerCounters::default());
        let process = std::process::id();
        let options = options.named(endpoint);
        Ok(Self { socket, gathering, deaf: false, path, options, pending, counters, process, lock })
    }

    /// The path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whoever lists the endpoints that this is a service, which can be asked what it is.
    pub(crate) fn note_service(&self) -> std::io::Result<()> {
        self.lock.note(&format!("pid {}\nservice\n", self.process))
    }

    /// What this listener has counted.
    #[must_use]
    pub fn counters(&self) -> ListenerCounters {
        self.counters
    }

    /// Waits for a client that can be accepted, as long as it takes.
    ///
    /// # Errors
    ///
    /// If the listening socket fails, for want of descriptors for instance. A client that is refused, hangs up or breaks
    /// the protocol is only counted.
    pub fn accept(&mut self) -> Result<Connection, AcceptError> {
        self.accept_until(Deadline::NEVER)
    }

    /// The same for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`], or if nobody came in time.
    pub fn accept_timeout(&mut self, timeout: Duration) -> Result<Connection, AcceptError> {
        self.accept_until(Deadline::after(timeout))
    }

    /// The same until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`], or if nobody came in time.
    pub fn accept_deadline(&mut self, deadline: Instant) -> Result<Connection, AcceptError> {
        self.accept_until(Deadline::at(deadline))
    }

    fn accept_until(&mut self, deadline: Deadline) -> Result<Connection, AcceptError> {
        loop {
            self.take_clients(&mut usize::MAX.clone())?;
            if let Some(connection) = self.advance() {
                return Ok(connection);
            }
            if deadline.passed() {
                return Err(AcceptError::Timeout);
            }
            self.wait(deadline)?;
        }
    }

    /// Begins a handshake with every client that waits, up to the limit.
    fn take_clients(&mut self, budget: &mut usize) -> Result<(), AcceptError> {
        while self.pending.len() < MOST_PENDING && *budget > 0 {
            let Some(client) = socket::accept(self.socket.as_fd()).map_err(AcceptError::Socket)? else { break };
            *budget -= 1;
            match self.greet(client) {
                Ok(pending) => self.pending.push(pending),
                Err(error) => self.count(&error),
            }
        }
        Ok(())
    }

    /// Lets clients wait in the backlog, or not any more: then the descriptor of `as_fd` shows them again.
    pub(crate) fn set_deaf(&mut self, deaf: bool) {
        if deaf != std::mem::replace(&mut self.deaf, deaf) {
            let flags = if deaf { EventFlags::empty() } else { EventFlags::IN };
            // Both descriptors are ours, and the one is in the other.
            let _ = epoll::modify(&self.gathering, &self.socket, EventData::new_u64(0), flags);
        }
    }

    /// Accepts one client if one is ready, without waiting. At most `budget` more begin their handshakes.
    pub(crate) fn accept_now(&mut self, budget: &mut usize) -> Result<Option<Connection>, AcceptError> {
        self.take_clients(budget)?;
        let accepted = self.advance();
        self.set_deaf(*budget == 0 || self.pending.len() >= MOST_PENDING);
        Ok(accepted)
    }

    /// When the first of the clients that greet has had its time.
    pub(crate) fn next_expiry(&self) -> Deadline {
        self.pending.iter().fold(Deadline::NEVER, |earliest, pending| earliest.min(pending.deadline))
    }

    fn greet(&self, client: OwnedFd) -> Result<Pending, HandshakeError> {
        let identity = credentials::of_peer(client.as_fd()).map_err(SetupError::Socket)?;
        epoll::add(&self.gathering, &client, EventData::new_u64(1), EventFlags::IN | EventFlags::RDHUP)
            .map_err(|errno| SetupError::Socket(errno.into()))?;
        let handshake = Handshake::new(client, self.options.clone(), Identity::OfSocket(identity))?;
        let deadline = Deadline::after(self.options.handshake);
        Ok(Pending { state: Stage::Listening(Listening::new(handshake)), deadline })
    }

    /// Moves every handshake on as far as it goes; returns the first that becomes a connection.
    fn advance(&mut self) -> Option<Connection> {
        let mut next = 0;
        while next < self.pending.len() {
            match self.pending.swap_remove(next).advance() {
                Ok(Step::Done(connection)) => {
                    self.counters.accepted += 1;
                    // It is watched elsewhere from now on.
                    let _ = epoll::delete(&self.gathering, connection.control());
                    return Some(connection);
                }
                Ok(Step::Waiting(pending)) => {
                    self.pending.push(pending);
                    let last = self.pending.len() - 1;
                    self.pending.swap(next, last);
                    next += 1;
                }
                Err(error) => self.count(&error),
            }
        }
        None
    }

    fn count(&mut self, error: &HandshakeError) {
        match error {
            HandshakeError::Unauthorised { .. } => self.counters.refused += 1,
            HandshakeError::Refused { .. } => self.counters.declined += 1,
            _ => self.counters.failed += 1,
        }
    }

    /// Waits until a client comes, says something, or has had its time.
    fn wait(&mut self, deadline: Deadline) -> Result<(), AcceptError> {
        self.set_deaf(self.pending.len() >= MOST_PENDING);
        let earliest = deadline.min(self.next_expiry());
        socket::wait_one(&self.gathering, earliest).map_err(AcceptError::Socket)
    }
}

impl AsFd for Listener {
    /// Readable when a client connects, or goes on with its handshake: then call [`Listener::accept_timeout`] with no time
    /// until nobody is accepted any more.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.gathering.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            // A failure leaves a stale socket, which the next listener replaces.
            let _ = rustix::fs::unlink(&self.path);
        }
    }
}

impl Stage {
    fn late(&self) -> HandshakeError {
        match self {
            Self::Listening(state) => state.late(),
            Self::Exchanging(state) => state.late(),
        }
    }
}

impl Pending {
    fn advance(self) -> Result<Step<Self, Connection>, HandshakeError> {
        let Self { state, deadline } = self;
        let state = match state {
            Stage::Listening(state) => match state.step()? {
                Step::Waiting(state) => Stage::Listening(state),
                Step::Done(next) => Stage::Exchanging(Box::new(next)),
            },
            exchanging => exchanging,
        };
        let state = match state {
            Stage::Exchanging(state) => match state.step()? {
                Step::Waiting(state) => Stage::Exchanging(Box::new(state)),
                Step::Done(connection) => return Ok(Step::Done(connection)),
            },
            listening => listening,
        };
        if deadline.passed() { Err(state.late()) } else { Ok(Step::Waiting(Self { state, deadline })) }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A descriptor that shows what comes to many sockets.
fn gather(listening: BorrowedFd<'_>) -> std::io::Result<OwnedFd> {
    let gathering = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&gathering, listening, EventData::new_u64(0), EventFlags::IN)?;
    Ok(gathering)
}

pub(crate) fn lock_path(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Removes the socket of a listener that is gone: we hold its lock. Anything else that lies there stays.
pub(crate) fn remove_stale(path: &Path) -> std::io::Result<()> {
    let found = match rustix::fs::lstat(path) {
        Ok(found) => FileType::from_raw_mode(found.st_mode),
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    if found != FileType::Socket {
        return Err(std::io::Error::new(
            std::io::ErrorKind::AlreadyExists,
            format!("expected a socket there, found {found:?}"),
        ));
    }
    Ok(rustix::fs::unlink(path)?)
}

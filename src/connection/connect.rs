//! Connecting: to a name, over an inherited socket, and to another thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::error::{ConnectError, HandshakeError, SetupError};
use super::established::Connection;
use super::handshake::{Confirming, Connecting, Exchanging, Greeting, Handshake, Identity, Listening, State, Step};
use super::options::Options;
use crate::os::clock::{Deadline, nap};
use crate::os::{credentials, socket};

/// How long to wait between attempts to reach a listener that is not up yet: at first, and at most.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(1);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Connects to an endpoint with the default [`Options`], trying until `timeout` is over if nobody listens there yet.
///
/// ```no_run
/// use std::time::Duration;
///
/// let (mut sender, mut receiver) = twinring::connect("prices", Duration::from_secs(5))?.split();
/// sender.send(b"subscribe")?;
/// println!("{} bytes", receiver.recv()?.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`ConnectError`]. A refusal is final at once; only absence is waited out.
pub fn connect(endpoint: impl Into<Endpoint>, timeout: Duration) -> Result<Connection, ConnectError> {
    Options::default().connect(endpoint, timeout)
}

/// Connects over one end of a `SOCK_SEQPACKET` socket pair, with the default [`Options`]; the other end, in whatever
/// process inherited it, calls [`accept_over`]. For brokers, `fork` and `exec`.
///
/// # Errors
///
/// See [`HandshakeError`].
pub fn connect_over(socket: OwnedFd, timeout: Duration) -> Result<Connection, HandshakeError> {
    Options::default().connect_over(socket, timeout)
}

/// The other side of [`connect_over`].
///
/// # Errors
///
/// See [`HandshakeError`].
pub fn accept_over(socket: OwnedFd, timeout: Duration) -> Result<Connection, HandshakeError> {
    Options::default().accept_over(socket, timeout)
}

/// Connects two threads of this process with the default [`Options`], over memory mapped as between two processes.
///
/// # Errors
///
/// If memory or descriptors cannot be had.
pub fn pair() -> Result<(Connection, Connection), HandshakeError> {
    Options::default().pair()
}

pub(super) fn to(endpoint: &Endpoint, options: &Options, deadline: Deadline) -> Result<Connection, ConnectError> {
    let path = endpoint.socket_path().map_err(ConnectError::Endpoint)?;
    let socket = reach(&path, deadline)?;
    Ok(drive(Joining::begin(socket, &options.clone().named(endpoint))?, Joining::step, deadline)?)
}

/// A connector's handshake, from HELLO on.
pub(crate) enum Joining {
    Greeting(Box<Greeting>),
    Confirming(Box<Confirming>),
}

impl Joining {
    /// Greets the listener that `socket` is connected to.
    pub(crate) fn begin(socket: OwnedFd, options: &Options) -> Result<Self, HandshakeError> {
        let identity = credentials::of_peer(socket.as_fd()).map_err(SetupError::Socket)?;
        Self::greet(Handshake::new(socket, options.clone(), Identity::OfSocket(identity))?)
    }

    fn greet(handshake: Handshake) -> Result<Self, HandshakeError> {
        Connecting::new(handshake).greet().map(Box::new).map(Self::Greeting)
    }

    /// Goes on as far as packets have come.
    pub(crate) fn step(self) -> Result<Step<Self, Connection>, HandshakeError> {
        let confirming = match self {
            Self::Confirming(state) => *state,
            Self::Greeting(state) => match state.step()? {
                Step::Waiting(state) => return Ok(Step::Waiting(Self::Greeting(Box::new(state)))),
                Step::Done(next) => next,
            },
        };
        Ok(match confirming.step()? {
            Step::Waiting(state) => Step::Waiting(Self::Confirming(Box::new(state))),
            Step::Done(connection) => Step::Done(connection),
        })
    }
}

impl State for Joining {
    fn socket(&self) -> BorrowedFd<'_> {
        match self {
            Self::Greeting(state) => state.socket(),
            Self::Confirming(state) => state.socket(),
        }
    }

    fn due(&self) -> &'static str {
        match self {
            Self::Greeting(state) => state.due(),
            Self::Confirming(state) => state.due(),
        }
    }
}

/// A socket that is connected to a listener, tried for until the deadline.
fn reach(path: &Path, deadline: Deadline) -> Result<OwnedFd, ConnectError> {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(socket) = try_reach(path, deadline)? {
            return Ok(socket);
        }
        nap(deadline.remaining().map_or(pause, |left| left.min(pause)));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A socket that is connected to a listener; `None` if there is none yet and the deadline has not passed.
pub(crate) fn try_reach(path: &Path, deadline: Deadline) -> Result<Option<OwnedFd>, ConnectError> {
    let source = match socket::connect_to(path) {
        Ok(socket) => return Ok(Some(socket)),
        Err(source) => source,
    };
    // Not made yet, left behind by a dead listener, or its backlog is full: each may change.
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused, io::ErrorKind::WouldBlock];
    if !absent.contains(&source.kind()) {
        return Err(ConnectError::Socket { path: path.into(), source });
    }
    if deadline.passed() { Err(ConnectError::Absent { path: path.into(), source }) } else { Ok(None) }
}

pub(super) fn over(socket: OwnedFd, options: &Options, deadline: Deadline) -> Result<Connection, HandshakeError> {
    drive(Joining::greet(inherited(socket, options)?)?, Joining::step, deadline)
}

pub(super) fn accepted_over(
    socket: OwnedFd,
    options: &Options,
    deadline: Deadline,
) -> Result<Connection, HandshakeError> {
    let listening = Listening::new(inherited(socket, options)?);
    let exchanging = drive(listening, Listening::step, deadline)?;
    drive(exchanging, Exchanging::step, deadline)
}

fn inherited(socket: OwnedFd, options: &Options) -> Result<Handshake, HandshakeError> {
    socket::adopt(socket.as_fd()).map_err(SetupError::Socket)?;
    Handshake::new(socket, options.clone(), Identity::OfPackets)
}

/// Moves a state on, waiting for its packet until the deadline.
fn drive<S: State, T>(
    mut state: S,
    step: impl Fn(S) -> Result<Step<S, T>, HandshakeError>,
    deadline: Deadline,
) -> Result<T, HandshakeError> {
    loop {
        state = match step(state)? {
            Step::Done(next) => return Ok(next),
            Step::Waiting(state) => state,
        };
        if deadline.passed() {
            return Err(state.late());
        }
        socket::wait_one(state.socket(), deadline).map_err(SetupError::Socket)?;
    }
}

/// Both sides of the handshake, in turns: no packet is ever awaited that has not been sent.
pub(super) fn threads(options: &Options) -> Result<(Connection, Connection), HandshakeError> {
    let (here, there) = socket::pair().map_err(SetupError::Socket)?;
    let listening = Listening::new(inherited(there, options)?);
    let greeting = Connecting::new(inherited(here, options)?).greet()?;
    let exchanging = drive(listening, Listening::step, Deadline::NEVER)?;
    let confirming = drive(greeting, Greeting::step, Deadline::NEVER)?;
    let there = drive(exchanging, Exchanging::step, Deadline::NEVER)?;
    Ok((drive(confirming, Confirming::step, Deadline::NEVER)?, there))
}

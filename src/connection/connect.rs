//! Connecting: to a name, over an inherited socket, and to another thread.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
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
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

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
    let identity =
        credentials::of_peer(socket.as_fd()).map_err(|error| HandshakeError::from(SetupError::Socket(error)))?;
    let handshake = Handshake::new(socket, options.clone().named(endpoint), Identity::OfSocket(identity))?;
    Ok(greet(handshake, deadline)?)
}

/// A socket that is connected to a listener, tried for until the deadline.
fn reach(path: &Path, deadline: Deadline) -> Result<OwnedFd, ConnectError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let source = match socket::connect_to(path) {
            Ok(socket) => return Ok(socket),
            Err(source) => source,
        };
        // Not made yet, left behind by a dead listener, or its backlog is full: each may change.
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused, io::ErrorKind::WouldBlock];
        if !absent.contains(&source.kind()) {
            return Err(ConnectError::Socket { path: path.into(), source });
        }
        if deadline.passed() {
            return Err(ConnectError::Absent { path: path.into(), source });
        }
        nap(deadline.remaining().map_or(pause, |left| left.min(pause)));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

pub(super) fn over(socket: OwnedFd, options: &Options, deadline: Deadline) -> Result<Connection, HandshakeError> {
    greet(inherited(socket, options)?, deadline)
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

/// The connector's side of the handshake.
fn greet(handshake: Handshake, deadline: Deadline) -> Result<Connection, HandshakeError> {
    let greeting = Connecting::new(handshake).greet()?;
    let confirming = drive(greeting, Greeting::step, deadline)?;
    drive(confirming, Confirming::step, deadline)
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
            return Err(HandshakeError::Timeout);
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

//! Connecting without holding up other tasks.
//!
//! Waiting for a listener, and for its packets, is waiting for a descriptor or the clock. The steps between are done on threads
//! that are there to be held up: they make, map and populate a half of the region, which takes milliseconds if it is large.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::blocking::blocking;
use super::limit::within;
use crate::connection::{
    ConnectError, Connection, Endpoint, FIRST_PAUSE, HandshakeError, Joining, LONGEST_PAUSE, Options, SetupError,
    State, Step, try_reach,
};
use crate::os::clock::Deadline;
use crate::os::readiness::Readiness;

/// Connects to an endpoint with the default [`Options`], trying until `timeout` is over if nobody listens there yet.
///
/// # Errors
///
/// See [`ConnectError`]. A refusal is final at once; only absence is waited out.
///
/// # Panics
///
/// If this is no runtime with reactor and clock (`enable_all`).
///
/// # Cancel safety
///
/// Dropped before it is ready, it hangs up, and the listener counts a client that failed.
pub async fn connect(endpoint: impl Into<Endpoint>, timeout: Duration) -> Result<Connection, ConnectError> {
    connect_with(&Options::default(), endpoint, timeout).await
}

/// The same with other options.
///
/// # Errors
///
/// As [`connect`].
///
/// # Panics
///
/// As [`connect`].
///
/// # Cancel safety
///
/// As [`connect`].
pub async fn connect_with(
    options: &Options,
    endpoint: impl Into<Endpoint>,
    timeout: Duration,
) -> Result<Connection, ConnectError> {
    let endpoint = endpoint.into();
    let path = endpoint.socket_path().map_err(ConnectError::Endpoint)?;
    let deadline = Deadline::after(timeout);
    let socket = reach(&path, deadline).await?;
    Ok(greet(socket, options.clone().named(&endpoint), deadline).await?)
}

async fn reach(path: &Path, deadline: Deadline) -> Result<OwnedFd, ConnectError> {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(socket) = try_reach(path, deadline)? {
            return Ok(socket);
        }
        tokio::time::sleep(deadline.remaining().map_or(pause, |left| left.min(pause))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn greet(socket: OwnedFd, options: Options, deadline: Deadline) -> Result<Connection, HandshakeError> {
    let mut joining = step(move || Joining::begin(socket, &options)).await?;
    let shown = Readiness::of(joining.socket()).map_err(SetupError::Socket)?;
    loop {
        joining = match step(move || joining.step()).await? {
            Step::Done(connection) => return Ok(connection),
            Step::Waiting(joining) => joining,
        };
        if deadline.passed() {
            return Err(joining.late());
        }
        // Whether it was shown or the time is over: there is another look.
        within(deadline, shown.wait()).await.transpose().map_err(SetupError::Socket)?;
    }
}

async fn step<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, HandshakeError> + Send + 'static,
) -> Result<T, HandshakeError> {
    blocking(step).await.unwrap_or_else(|error: io::Error| Err(SetupError::Thread(error).into()))
}

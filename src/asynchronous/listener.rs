//! Accepting without holding up other tasks.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use tokio::task::{JoinHandle, spawn_blocking};

use super::error::StartError;
use super::limit::within;
use crate::connection::{self, AcceptError, Connection};
use crate::os::readiness::Readiness;

/// A listener for a task: as [`crate::Listener`]. Clients greet side by side while somebody is in [`Listener::accept`].
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use std::time::Duration;
/// use twinring::asynchronous;
///
/// let mut listener = asynchronous::Listener::new(twinring::Listener::bind("doc-async-listener")?)?;
/// let client = tokio::spawn(asynchronous::connect("doc-async-listener", Duration::from_secs(5)));
/// let connection = listener.accept().await?;
/// assert_eq!(connection.peer().pid, Some(std::process::id()));
/// # drop(client.await??);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    desk: Desk,
    shown: Readiness,
    path: PathBuf,
}

/// Where the listener is: what it does for its clients makes and maps memory, so that is done on a thread that may be held up.
/// An accept that is dropped meanwhile leaves it there, for the next one to go on.
#[derive(Debug)]
enum Desk {
    Here(Box<connection::Listener>),
    Away(JoinHandle<Back>),
    Gone,
}

/// The listener, who was accepted, and whether the turn was used up.
type Back = (Box<connection::Listener>, Result<Option<Connection>, AcceptError>, bool);

/// Clients that begin their handshakes in one turn.
const AT_A_TIME: usize = 64;

impl Listener {
    /// Hands a listener to the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    ///
    /// # Panics
    ///
    /// If the runtime was built without its reactor (`enable_io`).
    pub fn new(listener: connection::Listener) -> Result<Self, StartError> {
        let shown = Readiness::of(listener.as_fd()).map_err(StartError::Reactor)?;
        let path = listener.path().to_owned();
        Ok(Self { desk: Desk::Here(Box::new(listener)), shown, path })
    }

    /// The path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a client that can be accepted, as long as it takes.
    ///
    /// # Errors
    ///
    /// If the listening socket fails, for want of descriptors for instance, or the runtime is gone. A client that is refused,
    /// hangs up or breaks the protocol is only counted.
    ///
    /// # Panics
    ///
    /// If the runtime was built without its clock (`enable_time`).
    ///
    /// # Cancel safety
    ///
    /// No client is lost: who was accepted meanwhile is what the next call returns.
    pub async fn accept(&mut self) -> Result<Connection, AcceptError> {
        loop {
            let (listener, accepted, more) = self.turn().await?;
            let expiry = listener.next_expiry();
            self.desk = Desk::Here(listener);
            if let Some(connection) = accepted? {
                return Ok(connection);
            }
            if !more {
                within(expiry, self.shown.wait()).await.transpose().map_err(AcceptError::Socket)?;
            }
        }
    }

    /// Moves the handshakes on. No await stands between the end of this and the listener's return.
    async fn turn(&mut self) -> Result<Back, AcceptError> {
        self.desk = match std::mem::replace(&mut self.desk, Desk::Gone) {
            Desk::Here(listener) => Desk::Away(spawn_blocking(|| advance(listener))),
            away => away,
        };
        let Desk::Away(work) = &mut self.desk else { return Err(AcceptError::Socket(gone())) };
        work.await.map_err(|error| {
            self.desk = Desk::Gone;
            AcceptError::Socket(io::Error::other(error))
        })
    }
}

fn advance(mut listener: Box<connection::Listener>) -> Back {
    let mut budget = AT_A_TIME;
    let accepted = listener.accept_now(&mut budget);
    (listener, accepted, budget == 0)
}

fn gone() -> io::Error {
    io::Error::other("the runtime ended while the listener was at work")
}

//! Asking: whose counters can be had, and having them.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use super::connection::MonitoredConnection;
use super::packet::Handed;
use super::place;
use crate::ledger::{check_header, layout, row};
use crate::memory::{Foreign, MapError, Mapped, Ordering};
use crate::os::clock::Deadline;
use crate::os::credentials::{self, Credentials};
use crate::os::passing::{self, Passed};
use crate::os::{memfd, socket};
use crate::ring::Corrupt;

/// The processes of this user that can be asked what their connections count, in the order of their numbers. What dead ones
/// left behind is not listed, and removed.
///
/// # Errors
///
/// If the user's directory cannot be trusted or read.
pub fn monitored() -> io::Result<Vec<Monitored>> {
    Ok(place::processes()?.into_iter().map(|pid| Monitored { pid, ledger: None }).collect())
}

/// A process whose counters can be had.
#[derive(Debug)]
pub struct Monitored {
    pid: u32,
    ledger: Option<Ledger>,
}

/// What a process has handed out.
#[derive(Debug)]
struct Ledger {
    socket: OwnedFd,
    memory: Foreign<Mapped>,
    entries: usize,
}

/// Why the counters of a process cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// It cannot be reached.
    Socket {
        /// At what path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is another user's.
    User {
        /// Whose, if that is known.
        uid: Option<u32>,
    },
    /// It said nothing in time: stopped, or too many ask.
    Silent,
    /// It turned this process away, or has gone.
    HungUp,
    /// It sent what no monitor sends.
    Corrupt(Corrupt),
    /// It handed out what is no ledger.
    Unfit(String),
    /// Its ledger could not be mapped.
    Map(MapError),
}

/// How long a process may take to hand its ledger out.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take to look at what it does not count. Its counters can be read in any case.
const MOMENT: Duration = Duration::from_millis(100);

impl Monitored {
    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Asks the process for its counters, if they are not at hand, and else has it look how full its rings are and how many
    /// calls are in flight; `false` if it did not do so in time. Its counters can be read in any case.
    ///
    /// # Errors
    ///
    /// See [`AskError`].
    pub fn open(&mut self) -> Result<bool, AskError> {
        match &self.ledger {
            Some(ledger) => ledger.look(),
            None => {
                self.ledger = Some(Ledger::ask(self.pid)?);
                Ok(true)
            }
        }
    }

    /// What its connections have counted by now; nothing before it was opened.
    #[must_use]
    pub fn connections(&self) -> Vec<MonitoredConnection> {
        let Some(ledger) = &self.ledger else { return Vec::new() };
        let rows = (0..ledger.entries).filter_map(|number| Some((number, row(&ledger.memory, number)?)));
        rows.map(|(number, row)| MonitoredConnection::new(number, &row)).collect()
    }

    /// How many of its connections, since it began, found no room to be shown.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.ledger.as_ref().map_or(0, |ledger| ledger.memory.load(layout::HEADER_UNLISTED, Ordering::Relaxed))
    }
}

impl Ledger {
    fn ask(pid: u32) -> Result<Self, AskError> {
        let path = place::socket_of(pid).map_err(|source| AskError::Socket { path: PathBuf::new(), source })?;
        let failed = |source| AskError::Socket { path: path.clone(), source };
        let socket = socket::connect_to(&path).map_err(failed)?;
        let peer = credentials::of_peer(socket.as_fd()).map_err(failed)?;
        if peer.uid.is_none() || peer.uid != Credentials::own().uid {
            return Err(AskError::User { uid: peer.uid });
        }
        let mut buffer = [0; Handed::LENGTH + 1];
        socket::wait_one(&socket, Deadline::after(PATIENCE)).map_err(failed)?;
        let packet = match socket::receive_packet(socket.as_fd(), &mut buffer) {
            Ok(None) => return Err(AskError::Silent),
            Ok(Some(packet)) if packet.length > 0 => packet,
            Ok(Some(_)) => return Err(AskError::HungUp),
            Err(source) if source.kind() == io::ErrorKind::ConnectionReset => return Err(AskError::HungUp),
            Err(source) => return Err(failed(source)),
        };
        let Handed { bytes } = Handed::parse(&buffer[..packet.length])?;
        // Nothing else is due, ever.
        passing::allow(socket.as_fd(), false);
        let [file] = <[Passed; 1]>::try_from(packet.descriptors)
            .map_err(|came| AskError::Unfit(format!("expected one descriptor, came {}", came.len())))?;
        Self::take(socket, file.get(), bytes)
    }

    fn take(socket: OwnedFd, file: &OwnedFd, bytes: u64) -> Result<Self, AskError> {
        memfd::check(file.as_fd(), bytes).map_err(|unfit| AskError::Unfit(unfit.to_string()))?;
        let memory = Mapped::read_only(file.as_fd(), bytes as usize).map_err(AskError::Map)?;
        let entries = check_header(&memory)?;
        Ok(Self { socket, memory, entries })
    }

    fn look(&self) -> Result<bool, AskError> {
        let mut byte = [0; 1];
        // An answer that came too late is not taken for the next one.
        while let Ok(Some(packet)) = socket::receive_packet(self.socket.as_fd(), &mut byte) {
            if packet.length == 0 {
                return Err(AskError::HungUp);
            }
        }
        if socket::send_packet(self.socket.as_fd(), &[0], None).is_err() {
            return Err(AskError::HungUp);
        }
        let waited = socket::wait_one(&self.socket, Deadline::after(MOMENT));
        match socket::receive_packet(self.socket.as_fd(), &mut byte) {
            Ok(None) => Ok(false),
            Ok(Some(packet)) if packet.length == 1 => Ok(waited.is_ok()),
            _ => Err(AskError::HungUp),
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { path, .. } => write!(f, "could not reach the monitor at {}", path.display()),
            Self::User { uid: Some(uid) } => write!(f, "the monitor is of user {uid}, expected this user"),
            Self::User { uid: None } => f.write_str("the monitor is of an unknown user, expected this user"),
            Self::Silent => f.write_str("the process did not answer in time"),
            Self::HungUp => f.write_str("the process has hung up"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::Unfit(text) => write!(f, "what the process handed out is no ledger: {text}"),
            Self::Map(_) => f.write_str("could not map the ledger"),
        }
    }
}

impl std::error::Error for AskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Socket { source, .. } => Some(source),
            Self::Map(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Corrupt> for AskError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

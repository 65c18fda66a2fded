//! What can go wrong: one type a verb, listing only what that verb can meet.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::transport::Transport;
use super::wire::WireError;
use crate::carrier::CarryError;
use crate::channel::{ClaimError, End, NextError};
use crate::memory::MapError;
use crate::os::socket;
use crate::ring::Corrupt;

/// The variants that end a direction for good, as every send and receive error has them.
macro_rules! ends {
    ($error:ident) => {
        impl From<End> for $error {
            fn from(end: End) -> Self {
                Self::Ended(end)
            }
        }
    };
}

/// Why a message could not be sent, whatever one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// It is larger than a message can be.
    TooLarge {
        /// The length of the message, in bytes.
        length: usize,
        /// The largest message of this connection, in bytes.
        largest: usize,
    },
    /// Nothing can be sent any more.
    Ended(End),
}

/// Why a message could not be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrySendError {
    /// There is no room until the peer has received more.
    Full,
    /// It is larger than a message can be.
    TooLarge {
        /// The length of the message, in bytes.
        length: usize,
        /// The largest message of this connection, in bytes.
        largest: usize,
    },
    /// Nothing can be sent any more.
    Ended(End),
}

/// Why a message could not be sent in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendTimeoutError {
    /// There was no room by the deadline.
    Timeout,
    /// It is larger than a message can be.
    TooLarge {
        /// The length of the message, in bytes.
        length: usize,
        /// The largest message of this connection, in bytes.
        largest: usize,
    },
    /// Nothing can be sent any more.
    Ended(End),
}

/// Why there is no message now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// None has come.
    Empty,
    /// Nothing will come any more.
    Ended(End),
}

/// Why there was no message in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvTimeoutError {
    /// None had come by the deadline.
    Timeout,
    /// Nothing will come any more.
    Ended(End),
}

/// Why a message was not received into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvIntoError {
    /// The buffer is too small. The message was not received: the next receive finds it again.
    TooSmall {
        /// The length of the message, in bytes.
        length: usize,
        /// The length of the buffer, in bytes.
        buffer: usize,
    },
    /// Nothing will come any more.
    Ended(End),
}

/// Why a receiver has no descriptor to poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadyError {
    /// This side promised never to sleep ([`WaitStrategy::Spin`](crate::WaitStrategy::Spin)), so nobody would wake it.
    Spins,
}

ends!(SendError);
ends!(TrySendError);
ends!(SendTimeoutError);
ends!(TryRecvError);
ends!(RecvTimeoutError);
ends!(RecvIntoError);

impl From<SendError> for TrySendError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            SendError::Ended(end) => Self::Ended(end),
        }
    }
}

impl From<SendError> for SendTimeoutError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            SendError::Ended(end) => Self::Ended(end),
        }
    }
}

impl From<ClaimError> for TrySendError {
    #[cold]
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Full => Self::Full,
            ClaimError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            ClaimError::End(end) => Self::Ended(end),
        }
    }
}

impl From<ClaimError> for SendTimeoutError {
    #[cold]
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Full => Self::Timeout,
            ClaimError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            ClaimError::End(end) => Self::Ended(end),
        }
    }
}

impl SendError {
    /// The error of a claim that waited without a deadline.
    #[cold]
    pub(super) fn from_endless(error: ClaimError) -> Self {
        match error {
            ClaimError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            ClaimError::End(end) => Self::Ended(end),
            ClaimError::Full => unreachable!("a wait without a deadline timed out"),
        }
    }
}

/// The end that a wait without a deadline met.
#[cold]
pub(super) fn endless(error: NextError) -> End {
    match error {
        NextError::End(end) => end,
        NextError::Empty => unreachable!("a wait without a deadline timed out"),
    }
}

impl From<NextError> for TryRecvError {
    fn from(error: NextError) -> Self {
        match error {
            NextError::Empty => Self::Empty,
            NextError::End(end) => Self::Ended(end),
        }
    }
}

impl From<NextError> for RecvTimeoutError {
    #[cold]
    fn from(error: NextError) -> Self {
        match error {
            NextError::Empty => Self::Timeout,
            NextError::End(end) => Self::Ended(end),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length, largest } => too_large(f, *length, *largest),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no room until the peer has received more"),
            Self::TooLarge { length, largest } => too_large(f, *length, *largest),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for SendTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no room by the deadline"),
            Self::TooLarge { length, largest } => too_large(f, *length, *largest),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

fn too_large(f: &mut fmt::Formatter<'_>, length: usize, largest: usize) -> fmt::Result {
    write!(f, "a message of {length} bytes, this connection takes at most {largest} (a larger ring takes more)")
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no message yet"),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no message by the deadline"),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for RecvIntoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { length, buffer } => write!(f, "a message of {length} bytes, the buffer holds {buffer}"),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

impl fmt::Display for ReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this side promised never to sleep, so there is nothing to poll: choose another wait strategy")
    }
}

impl std::error::Error for SendError {}
impl std::error::Error for TrySendError {}
impl std::error::Error for SendTimeoutError {}
impl std::error::Error for TryRecvError {}
impl std::error::Error for RecvTimeoutError {}
impl std::error::Error for RecvIntoError {}
impl std::error::Error for ReadyError {}

/// Why an endpoint could not be listened at.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Another listener lives there.
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The endpoint's name or directory cannot be used.
    Endpoint(io::Error),
    /// The socket or its lock could not be made.
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => write!(f, "another process listens at {}", path.display()),
            Self::Endpoint(source) => source.fmt(f),
            Self::Socket { path, source } => write!(f, "could not listen at {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InUse { .. } => None,
            Self::Endpoint(source) | Self::Socket { source, .. } => Some(source),
        }
    }
}

/// Why no connection was accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// Nobody had connected by the deadline.
    Timeout,
    /// The listening socket failed.
    Socket(io::Error),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("nobody had connected by the deadline"),
            Self::Socket(source) => write!(f, "could not accept: {source}"),
        }
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Timeout => None,
            Self::Socket(source) => Some(source),
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The endpoint's name or directory cannot be used.
    Endpoint(io::Error),
    /// Nobody listened there by the deadline.
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the last attempt met.
        source: io::Error,
    },
    /// The socket could not be reached for a reason that waiting does not change.
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody listens, but no connection came of it.
    Handshake(HandshakeError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(source) => source.fmt(f),
            Self::Absent { path, source } => {
                write!(f, "nobody listened at {} by the deadline: {source}", path.display())
            }
            Self::Socket { path, source } => write!(f, "could not connect to {}: {source}", path.display()),
            Self::Handshake(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Endpoint(source) | Self::Absent { source, .. } | Self::Socket { source, .. } => Some(source),
            Self::Handshake(error) => Some(error),
        }
    }
}

impl From<HandshakeError> for ConnectError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

/// Why two processes that reached each other did not connect.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer did not say its next message by the deadline: it is slow, or stopped, or silent.
    Timeout {
        /// What the protocol calls that message.
        due: &'static str,
    },
    /// The peer hung up.
    HungUp,
    /// The peer refused.
    Refused {
        /// Its reason.
        reason: String,
    },
    /// This side refused the peer.
    Unauthorised {
        /// Our reason.
        reason: String,
    },
    /// The peer speaks no version that this side speaks.
    Version {
        /// The peer's oldest version.
        oldest: u16,
        /// The peer's newest version.
        newest: u16,
    },
    /// The two sides want different things to carry their messages.
    Transport {
        /// What this side wants.
        ours: Transport,
        /// What the peer wants.
        theirs: Transport,
    },
    /// The peer sent what is no message of the handshake, or not the one that was due.
    Protocol(String),
    /// The peer's half is not what it must be.
    Half(String),
    /// The peer announced or wrote numbers that an honest one would not.
    Corrupt(Corrupt),
    /// This side's memory, sockets or threads could not be had.
    Setup(SetupError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { due } => {
                write!(f, "the peer did not answer the handshake by the deadline: expected {due}, nothing came")
            }
            Self::HungUp => f.write_str("the peer hung up during the handshake"),
            Self::Refused { reason } => write!(f, "the peer refused: {reason}"),
            Self::Unauthorised { reason } => write!(f, "the peer was refused: {reason}"),
            Self::Version { oldest, newest } => {
                let ours = crate::region::VERSION;
                write!(f, "the peer speaks versions {oldest} to {newest}, this side speaks {ours}")
            }
            Self::Transport { ours, theirs } => {
                write!(f, "the peer wants messages over {theirs}, this side over {ours}")
            }
            Self::Protocol(text) => write!(f, "the peer broke the protocol: {text}"),
            Self::Half(text) => write!(f, "the peer's half of the region is unfit: {text}"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::Setup(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Corrupt(corrupt) => Some(corrupt),
            Self::Setup(error) => Some(error),
            _ => None,
        }
    }
}

impl From<WireError> for HandshakeError {
    fn from(error: WireError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<Corrupt> for HandshakeError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl HandshakeError {
    /// The error of a packet that could not be sent: the peer has gone, or this side may not send.
    pub(super) fn of_sending(error: io::Error) -> Self {
        if socket::is_hang_up(&error) { Self::HungUp } else { SetupError::Socket(error).into() }
    }
}

impl From<SetupError> for HandshakeError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

/// What this side needed and could not have.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// Memory for a half of the region.
    Memory {
        /// How much, in bytes.
        bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A mapping.
    Map(MapError),
    /// A socket, or something on it.
    Socket(io::Error),
    /// The thread that watches for deaths.
    Watch(io::Error),
    /// What carries messages over the socket: descriptors, or the thread.
    Carrier(io::Error),
    /// The thread that receives for a session.
    Thread(io::Error),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { bytes, source } => write!(f, "could not get {bytes} bytes of memory to share: {source}"),
            Self::Map(source) => write!(f, "{source}: {}", source.reason()),
            Self::Socket(source) => write!(f, "the control socket failed: {source}"),
            Self::Watch(source) => write!(f, "could not watch the peer: {source}"),
            Self::Carrier(source) => write!(f, "could not carry messages over the socket: {source}"),
            Self::Thread(source) => write!(f, "could not start the listener thread: {source}"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(source) => Some(source),
            Self::Memory { source, .. } | Self::Socket(source) | Self::Watch(source) => Some(source),
            Self::Carrier(source) | Self::Thread(source) => Some(source),
        }
    }
}

impl From<CarryError> for SetupError {
    fn from(error: CarryError) -> Self {
        match error {
            CarryError::Map(error) => Self::Map(error),
            CarryError::System(error) => Self::Carrier(error),
        }
    }
}

impl From<MapError> for SetupError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

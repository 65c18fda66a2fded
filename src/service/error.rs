//! What can go wrong with a service.

use std::{fmt, io};

use crate::connection::BindError;
use crate::session::Refused;

/// Why there is no service.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceError {
    /// The endpoint cannot be listened at.
    Bind(BindError),
    /// The descriptors that drive it cannot be had.
    Driver(io::Error),
    /// A dispatcher thread cannot be started.
    Thread(io::Error),
    /// It cannot be monitored.
    Monitor(io::Error),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Driver(error) => write!(f, "could not get the descriptors that drive a service: {error}"),
            Self::Thread(error) => write!(f, "could not start a dispatcher thread: {error}"),
            Self::Monitor(error) => write!(f, "could not be monitored: {error}"),
        }
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // It is displayed as it is.
            Self::Bind(error) => error.source(),
            Self::Driver(error) | Self::Thread(error) | Self::Monitor(error) => Some(error),
        }
    }
}

impl From<BindError> for ServiceError {
    fn from(error: BindError) -> Self {
        Self::Bind(error)
    }
}

/// Why an event was not sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError {
    /// It is larger than the client accepts.
    TooLarge {
        /// The length of the event, in bytes.
        length: usize,
        /// The largest that the client accepts, in bytes.
        largest: usize,
    },
    /// As much waits for the client already as may: it does not read.
    Full,
    /// The client has gone.
    Gone,
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length, largest } => {
                write!(f, "not sent: an event of {length} bytes, the client accepts at most {largest}")
            }
            Self::Full => f.write_str("not sent: the client does not read, and as much waits for it as may"),
            Self::Gone => f.write_str("not sent: the client has gone"),
        }
    }
}

impl std::error::Error for PostError {}

impl From<Refused> for PostError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooLarge { length, largest } => Self::TooLarge { length, largest },
            Refused::Full => Self::Full,
            Refused::Ended(_) => Self::Gone,
        }
    }
}

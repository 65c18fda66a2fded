//! Why something could not be handed to a runtime.

use std::fmt;
use std::io;

use crate::connection::SetupError;

/// Why tasks cannot wait for a connection, a listener or a service.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// This side promised never to sleep ([`WaitStrategy::Spin`](crate::WaitStrategy::Spin)), so nobody would wake it.
    Spins,
    /// There is no runtime here, or its reactor would not take the descriptor.
    Reactor(io::Error),
    /// What a session needs could not be had.
    Setup(SetupError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spins => f.write_str("this side promised never to sleep: choose another wait strategy"),
            Self::Reactor(source) => write!(f, "the runtime could not take the descriptor: {source}"),
            Self::Setup(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spins => None,
            Self::Reactor(source) => Some(source),
            Self::Setup(source) => Some(source),
        }
    }
}

impl From<SetupError> for StartError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

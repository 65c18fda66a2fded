//! What carries the messages of a connection, and how two sides agree on it.

use std::fmt;

use super::error::HandshakeError;
use super::wire::Features;

/// What carries the messages of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Transport {
    /// Rings in shared memory: no system call on the way of a message.
    #[default]
    SharedMemory,
    /// The socket itself, and no shared memory: for sandboxes that forbid shared mappings, and for peers that should not map
    /// each other's memory. A message costs system calls on both sides. If the process is stopped while a thread of it waits, the
    /// deadline of that wait moves by up to as long.
    Socket,
    /// As a wish: shared memory, or the socket if either side cannot or will not share memory.
    Any,
}

impl Transport {
    /// What a side with this wish says of itself.
    pub(super) fn features(self) -> u32 {
        match self {
            Self::SharedMemory => 0,
            Self::Socket => Features::CARRIES | Features::UNSHARED,
            Self::Any => Features::CARRIES,
        }
    }

    /// The wish of a side that says so of itself.
    fn of(features: Features) -> Self {
        if features.has(Features::UNSHARED) {
            Self::Socket
        } else if features.has(Features::CARRIES) {
            Self::Any
        } else {
            Self::SharedMemory
        }
    }

    /// What a listener has chosen that says so of itself.
    pub(super) fn chosen(self, listener: Features) -> Result<Self, HandshakeError> {
        let chosen = if listener.has(Features::UNSHARED) { Self::Socket } else { Self::SharedMemory };
        match self {
            Self::Any => Ok(chosen),
            ours if ours == chosen => Ok(chosen),
            ours => Err(HandshakeError::Transport { ours, theirs: chosen }),
        }
    }

    /// What two wishes come to.
    pub(super) fn agree(self, theirs: Features) -> Result<Self, HandshakeError> {
        let theirs = Self::of(theirs);
        match (self, theirs) {
            (Self::Any, Self::Any) => Ok(Self::SharedMemory),
            (Self::Any, agreed) | (agreed, Self::Any) => Ok(agreed),
            (ours, theirs) if ours == theirs => Ok(ours),
            (ours, theirs) => Err(HandshakeError::Transport { ours, theirs }),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SharedMemory => "shared memory",
            Self::Socket => "the socket",
            Self::Any => "shared memory or the socket",
        })
    }
}

//! How the ends of a connection reach the peer beside their rings.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::transport::Transport;
use crate::carrier::Relay;
use crate::os::socket;

/// What lies between the two sides.
pub(super) enum Way {
    /// Shared memory, and the socket that set it up: it carries pokes, and its end is the peer's.
    Memory { socket: Arc<OwnedFd> },
    /// The socket, and what moves messages between it and the rings.
    Socket { socket: Arc<OwnedFd>, relay: Arc<Relay> },
}

impl Way {
    pub(super) fn transport(&self) -> Transport {
        match self {
            Self::Memory { .. } => Transport::SharedMemory,
            Self::Socket { .. } => Transport::Socket,
        }
    }

    /// The socket to the peer.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        let (Self::Memory { socket } | Self::Socket { socket, .. }) = self;
        socket.as_fd()
    }

    /// What becomes readable by a poke, or by the peer's end.
    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        match self {
            Self::Memory { socket } => socket,
            Self::Socket { relay, .. } => relay.descriptor(),
        }
    }

    /// Pokes a peer that polls.
    pub(super) fn poke(&self) {
        // A relay never polls for its own end: it is called.
        if let Self::Memory { socket } = self {
            socket::poke(socket.as_fd());
        }
    }

    /// Takes all pokes off the descriptor; `false` if the peer has hung up.
    pub(super) fn take_pokes(&self) -> bool {
        socket::take_pokes(self.descriptor().as_fd())
    }

    /// Takes what has come to this process and lies in no ring yet; `false` if there cannot be any.
    #[inline]
    pub(super) fn pull(&self) -> bool {
        match self {
            Self::Memory { .. } => false,
            Self::Socket { relay, .. } => {
                relay.receive();
                true
            }
        }
    }

    /// The sender has left.
    pub(super) fn sender_left(&self) {
        if let Self::Socket { relay, .. } = self {
            relay.sender_left();
        }
    }

    /// The receiver has left.
    pub(super) fn receiver_left(&self) {
        if let Self::Socket { relay, .. } = self {
            relay.receiver_left();
        }
    }
}

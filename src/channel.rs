//! One direction: a ring and the doorbells at its two ends, with waiting.
//!
//! [`Outgoing`] and [`Incoming`] put together what [`crate::ring`] and [`crate::wait`] provide: which look follows which
//! announcement, who is rung after what, and what an end without a word (death) means. Generic over memory like their
//! parts, so the models run these very loops.

mod incoming;
mod outgoing;
mod poker;

pub use incoming::{Incoming, NextError};
pub use outgoing::{ClaimError, Outgoing};
pub use poker::Poker;

use core::fmt;

use crate::memory::Memory;
use crate::ring::Corrupt;
#[cfg(feature = "tracing")]
use crate::trace::tell;
use crate::wait::Link;

/// Why nothing more can be sent or received: final, the same at every later use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The peer left in order. What it sent before has been received.
    Closed,
    /// The peer died, or the connection was cut. What it had committed before has been received.
    Disconnected,
    /// The peer wrote what an honest one would not.
    Corrupt(Corrupt),
    /// This process was forked off the one that connected: the handle is inert here.
    Forked,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer has closed its end"),
            Self::Disconnected => f.write_str("the peer has died or hung up"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::Forked => f.write_str("this connection belongs to the parent process"),
        }
    }
}

impl std::error::Error for End {}

impl From<Corrupt> for End {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt)
    }
}

impl End {
    /// Tells of a death or a lie, of each connection once.
    pub(crate) fn tell<M: Memory>(self, link: &Link<M>) {
        #[cfg(feature = "tracing")]
        match self {
            Self::Disconnected => {
                if let Some(peer) = link.untold() {
                    tell!(warn, peer, "the peer has died or hung up without leaving");
                }
            }
            Self::Corrupt(Corrupt { what, seen, least, most }) => {
                if let Some(peer) = link.untold() {
                    tell!(error, peer, what, seen, least, most, "the peer wrote what an honest one would not");
                }
            }
            Self::Closed | Self::Forked => {}
        }
        #[cfg(not(feature = "tracing"))]
        let _ = link;
    }

    /// How a link ended that is neither alive nor of a forked child.
    fn of<M: Memory>(link: &Link<M>) -> Self {
        link.lie().map_or(Self::Disconnected, Self::Corrupt)
    }
}

/// The words of the two doorbells of one direction, and of its ring's head: where each lies in its writer's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The receiver's: it sleeps until there is data.
    pub data_announced: usize,
    /// The sender's answer.
    pub data_rung: usize,
    /// The sender's: it sleeps until there is room.
    pub room_announced: usize,
    /// The receiver's answer.
    pub room_rung: usize,
}

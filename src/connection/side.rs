//! How a side came to be connected.

use std::fmt;

/// What this side of a connection did to become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// It listened, and accepted the peer.
    Accepted,
    /// It connected to a listener.
    Connected,
    /// It was given a stream whose other end the peer has.
    Given,
}

impl Side {
    /// The number that stands for it in a ledger.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Accepted => 1,
            Self::Connected => 2,
            Self::Given => 3,
        }
    }

    /// The side that a number stands for, if one does.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        [Self::Accepted, Self::Connected, Self::Given].into_iter().find(|side| side.number() == number)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Connected => "connected",
            Self::Given => "given",
        })
    }
}

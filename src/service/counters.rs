//! What a service has counted, and how its clients go.

use std::fmt;

use crate::channel::End;
use crate::ring::Corrupt;

/// How a client went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parting {
    /// It left in order.
    Left,
    /// It died or hung up.
    Died,
    /// It wrote what no honest client would.
    Corrupt(Corrupt),
    /// It did not read its replies or events for as long as a reply may wait.
    NeverRead,
    /// This side sent it away, for this reason.
    Dismissed(String),
    /// The service was shut down.
    Shutdown,
}

impl From<End> for Parting {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Left,
            End::Corrupt(corrupt) => Self::Corrupt(corrupt),
            End::Disconnected | End::Forked => Self::Died,
        }
    }
}

impl Parting {
    /// How the session ended, for whoever waits for a reply of this client.
    pub(super) fn end(&self) -> End {
        match self {
            Self::Corrupt(corrupt) => End::Corrupt(*corrupt),
            Self::Died | Self::NeverRead => End::Disconnected,
            Self::Left | Self::Dismissed(_) | Self::Shutdown => End::Closed,
        }
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("it left in order"),
            Self::Died => f.write_str("it died or hung up"),
            Self::Corrupt(corrupt) => corrupt.fmt(f),
            Self::NeverRead => f.write_str("it did not read what it was sent"),
            Self::Dismissed(reason) => write!(f, "it was sent away: {reason}"),
            Self::Shutdown => f.write_str("the service was shut down"),
        }
    }
}

/// What a [`Service`](crate::Service) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceCounters {
    /// Clients that are connected now.
    pub clients: u64,
    /// Clients that were connected at some time: as often was `connected` called.
    pub connected: u64,
    /// Applicants that were not authorised, or found no place.
    pub refused: u64,
    /// Applicants that broke the protocol of the handshake, hung up in it or took too long.
    pub failed: u64,
    /// Those that finished the handshake and never said hello.
    pub silent: u64,
    /// Clients that left in order.
    pub left: u64,
    /// Clients that died or hung up.
    pub died: u64,
    /// Clients that wrote what no honest one would.
    pub corrupt: u64,
    /// Clients that did not read what they were sent.
    pub never_read: u64,
    /// Clients that were sent away.
    pub dismissed: u64,
    /// Clients that were there until the service was shut down.
    pub shut_down: u64,
    /// How often clients could not be accepted, for want of descriptors for instance.
    pub accept_errors: u64,
    /// Requests answered.
    pub requests: u64,
    /// Events that came.
    pub events: u64,
    /// Events that were sent.
    pub events_sent: u64,
}

impl ServiceCounters {
    /// Each with its name.
    pub(super) fn entries(&self) -> [(&'static str, u64); 15] {
        [
            ("clients", self.clients),
            ("connected", self.connected),
            ("refused", self.refused),
            ("failed", self.failed),
            ("silent", self.silent),
            ("left", self.left),
            ("died", self.died),
            ("corrupt", self.corrupt),
            ("never_read", self.never_read),
            ("dismissed", self.dismissed),
            ("shut_down", self.shut_down),
            ("accept_errors", self.accept_errors),
            ("requests", self.requests),
            ("events", self.events),
            ("events_sent", self.events_sent),
        ]
    }

    pub(super) fn count(&mut self, parting: &Parting) {
        *match parting {
            Parting::Left => &mut self.left,
            Parting::Died => &mut self.died,
            Parting::Corrupt(_) => &mut self.corrupt,
            Parting::NeverRead => &mut self.never_read,
            Parting::Dismissed(_) => &mut self.dismissed,
            Parting::Shutdown => &mut self.shut_down,
        } += 1;
    }

    pub(super) fn add(&mut self, of_client: crate::session::SessionCounters) {
        self.requests += of_client.served;
        self.events += of_client.events_taken;
        self.events_sent += of_client.events;
    }
}

/// What came of sending an event to many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broadcast {
    /// Clients to which it was sent, or will be as soon as they make room.
    pub sent: usize,
    /// Clients for which as much waits already as may, or that take no such length.
    pub missed: usize,
}

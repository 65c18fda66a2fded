//! Telling a poll loop that a session wants to be dispatched.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};

use crate::os::beacon::Beacon;

/// What is told, where there is no listener.
pub(super) enum Alarm {
    /// A descriptor of the session's own, readable when its socket is, or while this is raised.
    Descriptor(Beacon),
    /// Who drives many sessions, and watches their sockets itself: a descriptor for each would be two more for each.
    Driver(Box<dyn Fn() + Send + Sync>),
}

impl Alarm {
    /// There is something to dispatch that the socket does not show.
    pub(super) fn raise(&self) {
        match self {
            Self::Descriptor(beacon) => beacon.raise(),
            Self::Driver(tell) => tell(),
        }
    }

    /// It is being dispatched.
    pub(super) fn lower(&self) {
        match self {
            Self::Descriptor(beacon) => beacon.lower(),
            Self::Driver(_) => {}
        }
    }

    /// Whether many sessions are driven by one loop, which none of them may hold up.
    pub(super) fn is_of_driver(&self) -> bool {
        matches!(self, Self::Driver(_))
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Descriptor(beacon) => Some(beacon.as_fd()),
            Self::Driver(_) => None,
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

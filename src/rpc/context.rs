//! What a procedure may know of its caller, and do to it.

use std::fmt;

use super::carrier::Carrier;
use crate::os::credentials::Credentials;

/// Who calls what.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The process at the other side, as far as the kernel told: over a network nothing is known.
    pub peer: Credentials,
    /// The interface's name.
    pub interface: &'static str,
    /// The procedure's name.
    pub procedure: &'static str,
}

/// A call that is being run. It carries calls back to the caller: bind a stub over it.
pub struct Context<'a> {
    pub(super) caller: Caller,
    pub(super) back: &'a mut dyn Carrier,
}

impl Context<'_> {
    /// Who calls what.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("caller", &self.caller).finish_non_exhaustive()
    }
}

/// Nothing is known of the peer.
pub(super) const NOBODY: Credentials = Credentials { pid: None, uid: None, gid: None };

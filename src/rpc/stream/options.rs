//! What a side of a stream may choose.

use std::time::Duration;

use crate::session::hello::{self, Hello};

/// Everything that can be chosen about a stream, with defaults that suit most.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    pub(super) accepted: Hello,
    pub(super) workers: usize,
    pub(super) nesting: usize,
    pub(super) timeout: Option<Duration>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { accepted: Hello { calls: 64, open: 1, largest: 64 << 20 }, workers: 4, nesting: 16, timeout: None }
    }
}

impl StreamOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest request or reply in bytes that is accepted here: at most 4 GiB - 64; 64 MiB if not chosen.
    #[must_use]
    pub fn largest_message(mut self, bytes: usize) -> Self {
        self.accepted.largest = (bytes as u64).clamp(1, hello::LARGEST - 63);
        self
    }

    /// How many calls the other side may have in flight; it waits with the next one. Between 1 and 4096; 64 if not chosen.
    #[must_use]
    pub fn calls_in_flight(mut self, calls: u32) -> Self {
        self.accepted.calls = calls.clamp(1, hello::MOST_CALLS);
        self
    }

    /// How many procedures run here at the same time, not counting those that wait for calls of their own. 4 if not chosen.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads.max(1);
        self
    }

    /// How many procedures here may wait at the same time for calls that they made to the other side; one more is told
    /// [`CallError::Busy`](crate::CallError::Busy). 16 if not chosen.
    #[must_use]
    pub fn nesting(mut self, depth: usize) -> Self {
        self.nesting = depth.max(1);
        self
    }

    /// How long a call takes at most if it does not say so itself; for ever if not chosen. Only a write that the other side does
    /// not take in can take longer.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

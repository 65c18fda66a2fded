//! What a side of a session may choose.

use std::time::Duration;

use super::hello::{self, Hello};

/// Everything that can be chosen about a session, with defaults that suit most.
///
/// ```
/// use std::time::Duration;
/// use twinring::SessionOptions;
///
/// let options = SessionOptions::new().workers(4).call_timeout(Duration::from_secs(1));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub(super) accepted: Hello,
    pub(super) nesting: usize,
    pub(super) timeout: Option<Duration>,
    pub(super) reply_timeout: Duration,
    pub(super) workers: usize,
    pub(super) listener: bool,
    pub(super) wait_for_turn: bool,
    pub(super) latency: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            accepted: Hello { calls: 64, open: 8, largest: 64 << 20 },
            nesting: 16,
            timeout: None,
            reply_timeout: Duration::from_secs(10),
            workers: 0,
            listener: true,
            wait_for_turn: true,
            latency: false,
        }
    }
}

impl SessionOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests of the peer may wait here for a worker, or be kept by their responders, at the same time, and how many it
    /// may have in flight; more are answered
    /// [`CallError::Overloaded`](crate::CallError::Overloaded). Between 1 and 4096; 64 if not chosen.
    #[must_use]
    pub fn calls_in_flight(mut self, calls: u32) -> Self {
        self.accepted.calls = calls.clamp(1, hello::MOST_CALLS);
        self
    }

    /// The largest request, reply or event in bytes that is accepted here: at most 4 GiB - 1; 64 MiB if not chosen. What is held
    /// for messages that are under way grows with the bytes that came, up to this times [`SessionOptions::open_messages`].
    #[must_use]
    pub fn largest_message(mut self, bytes: usize) -> Self {
        self.accepted.largest = (bytes as u64).clamp(1, hello::LARGEST);
        self
    }

    /// How many messages that are larger than a frame may be under way to this side at the same time: between 1 and 64; 8 if
    /// not chosen. The peer waits with the next one.
    #[must_use]
    pub fn open_messages(mut self, messages: u32) -> Self {
        self.accepted.open = messages.clamp(1, hello::MOST_OPEN);
        self
    }

    /// How deep calls may be nested: handlers that run here on one stack, or that wait here for calls of their own. A request
    /// beyond that is answered [`CallError::Overloaded`](crate::CallError::Overloaded). 16 if not chosen.
    #[must_use]
    pub fn nesting(mut self, depth: usize) -> Self {
        self.nesting = depth.max(1);
        self
    }

    /// How long a call takes at most if it does not say so itself; for ever if not chosen.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long a reply may wait for room, or for a peer that has stopped; then the session ends. Also how long anything waits for
    /// room while there is none to put aside what comes ([`Halt::Congested`](crate::Halt::Congested)). 10 s if not chosen.
    #[must_use]
    pub fn reply_timeout(mut self, timeout: Duration) -> Self {
        self.reply_timeout = timeout;
        self
    }

    /// Whether a call waits for its turn.
    pub(crate) fn waits_for_turn(&self) -> bool {
        self.wait_for_turn
    }

    /// How long a reply may wait.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.reply_timeout
    }

    /// How many threads run handlers. None if not chosen: then the thread that receives a request runs its handler, on top of
    /// whatever it waits for itself. Handlers that call back, on a session that several threads of both sides use, want workers:
    /// without them a reply can be stuck beneath a handler that waits for one that is stuck in the same way. For a
    /// [`Session`](crate::Session); a [`LocalSession`](crate::LocalSession) has one thread.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads;
        self
    }

    /// Whether a [`Session`](crate::Session) starts a thread that receives while nobody waits; it does if not chosen, unless
    /// the connection promised to spin. Without one somebody must call, wait, serve or dispatch.
    #[must_use]
    pub fn listener(mut self, wanted: bool) -> Self {
        self.listener = wanted;
        self
    }

    /// Whether it is recorded how long each call takes that is answered well: two looks at the clock for each. They are recorded
    /// where a [`Monitor`](crate::Monitor) shows them, and nowhere if the process has none. Not recorded if not chosen.
    #[must_use]
    pub fn record_latency(mut self, wanted: bool) -> Self {
        self.latency = wanted;
        self
    }

    /// What a call does when as many are in flight as the peer accepts: wait for its turn until its deadline (if not
    /// chosen), or fail with [`CallError::Busy`](crate::CallError::Busy).
    #[must_use]
    pub fn wait_for_turn(mut self, wait: bool) -> Self {
        self.wait_for_turn = wait;
        self
    }
}

//! What a session has counted.

/// What a side of a session has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounters {
    /// Calls of this side that were sent.
    pub calls: u64,
    /// Events of this side that were sent.
    pub events: u64,
    /// Calls of the other side that were answered, also by a refusal.
    pub served: u64,
    /// Events of the other side that were handled.
    pub events_taken: u64,
    /// Replies that came when their callers had given up.
    pub late_replies: u64,
}

//! What was counted.

use crate::failure::Failure;
use crate::from_c::given;
use crate::to_c::Out;

/// What a listener has counted since it was made.
#[repr(C)]
pub struct ListenerCounters {
    /// Clients that became connections.
    pub accepted: u64,
    /// Clients that were not authorised.
    pub refused: u64,
    /// Clients that refused this listener.
    pub declined: u64,
    /// Clients that broke the protocol, hung up or took too long.
    pub failed: u64,
}

/// What a sender has counted since it was made.
#[repr(C)]
pub struct SenderCounters {
    /// Messages sent.
    pub messages: u64,
    /// Bytes of payload sent.
    pub bytes: u64,
    /// How often there was no room, and it had to be waited for.
    pub times_full: u64,
    /// How often it slept for want of room.
    pub sleeps: u64,
    /// How often it woke the receiver.
    pub wakes: u64,
}

/// What a receiver has counted since it was made.
#[repr(C)]
pub struct ReceiverCounters {
    /// Messages received and released.
    pub messages: u64,
    /// Bytes of payload received and released.
    pub bytes: u64,
    /// How often it slept for want of a message.
    pub sleeps: u64,
    /// How often it woke the sender.
    pub wakes: u64,
}

/// What a side of a session has counted since it began.
#[repr(C)]
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

/// Writes counters out, if the caller's header has the same.
pub fn write_counters<T>(place: Out<'_, T>, size: usize, counters: T) -> Result<(), Failure> {
    let place = given(place, "counters")?;
    if size != size_of::<T>() {
        let expected = size_of::<T>();
        return Err(Failure::bad_argument(format!(
            "expected counters of {expected} bytes, got {size}: another version's header"
        )));
    }
    place.write(counters);
    Ok(())
}

impl From<twinring::ListenerCounters> for ListenerCounters {
    fn from(found: twinring::ListenerCounters) -> Self {
        let twinring::ListenerCounters { accepted, refused, declined, failed, .. } = found;
        Self { accepted, refused, declined, failed }
    }
}

impl From<twinring::SenderCounters> for SenderCounters {
    fn from(found: twinring::SenderCounters) -> Self {
        let twinring::SenderCounters { messages, bytes, times_full, sleeps, wakes, .. } = found;
        Self { messages, bytes, times_full, sleeps, wakes }
    }
}

impl From<twinring::ReceiverCounters> for ReceiverCounters {
    fn from(found: twinring::ReceiverCounters) -> Self {
        let twinring::ReceiverCounters { messages, bytes, sleeps, wakes, .. } = found;
        Self { messages, bytes, sleeps, wakes }
    }
}

impl From<twinring::SessionCounters> for SessionCounters {
    fn from(found: twinring::SessionCounters) -> Self {
        let twinring::SessionCounters { calls, events, served, events_taken, late_replies, .. } = found;
        Self { calls, events, served, events_taken, late_replies }
    }
}

//! What the two ends of a connection have counted.

/// What a [`Sender`](crate::Sender) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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

/// What a [`Receiver`](crate::Receiver) has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverCounters {
    /// Messages received and released.
    pub messages: u64,
    /// Bytes of payload received and released.
    pub bytes: u64,
    /// How often it slept for want of a message.
    pub sleeps: u64,
    /// How often it woke the sender, which waited for room.
    pub wakes: u64,
}

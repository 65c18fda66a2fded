//! What can go wrong with a call or an event, and what is known then of the request.

use std::fmt;

use super::header::Status;
use crate::channel::{ClaimError, End, NextError};

/// Why there is no reply. [`CallError::outcome`] says what is known of the request; nothing is ever sent twice.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Not sent: the request is larger than the peer accepts.
    TooLarge {
        /// The length of the request, in bytes.
        length: usize,
        /// The largest that the peer accepts, in bytes.
        largest: usize,
    },
    /// Not sent: as many calls are in flight as the peer accepts.
    Busy,
    /// Not sent, at least not as a whole.
    NotSent(Halt),
    /// Sent, and no reply came.
    NoReply(Halt),
    /// The peer has no handler for the selector.
    NoSelector,
    /// The peer's handler will not do it for this caller, and says why.
    Refused(String),
    /// The peer has too many requests at once, or they are nested too deeply.
    Overloaded,
    /// The peer's handler failed, and says why.
    Failed(String),
    /// The peer's handler ran, but its reply is larger than this side accepts.
    ReplyTooLarge,
    /// The peer's handler gave the request away, and nobody answered it.
    NotAnswered,
}

/// What stopped a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Halt {
    /// The deadline.
    Timeout,
    /// Both sides send more than the other takes in: there was no room to send, and none to put aside what came.
    Congested,
    /// Nothing more can be sent or received.
    Ended(End),
}

/// What is known of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The peer's handler has not seen it and will not: it can be sent again.
    NotRun,
    /// Nobody knows.
    MayHaveRun,
    /// The peer's handler ran.
    Ran,
}

impl CallError {
    /// What is known of the request.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::TooLarge { .. } | Self::Busy | Self::NotSent(_) => Outcome::NotRun,
            Self::NoSelector | Self::Refused(_) | Self::Overloaded => Outcome::NotRun,
            Self::NoReply(_) | Self::NotAnswered => Outcome::MayHaveRun,
            Self::Failed(_) | Self::ReplyTooLarge => Outcome::Ran,
        }
    }

    /// What a reply that is not OK says.
    #[cold]
    pub(crate) fn from_reply(status: Status, payload: &[u8]) -> Self {
        let text = || String::from_utf8_lossy(payload).into_owned();
        match status {
            Status::NoSelector => Self::NoSelector,
            Status::Refused => Self::Refused(text()),
            Status::Overloaded => Self::Overloaded,
            Status::TooLarge => Self::ReplyTooLarge,
            Status::NotAnswered => Self::NotAnswered,
            Status::Failed | Status::Ok => Self::Failed(text()),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length, largest } => too_large(f, *length, *largest),
            Self::Busy => f.write_str("not sent: as many calls are in flight as the peer accepts"),
            Self::NotSent(halt) => write!(f, "not sent: {halt}"),
            Self::NoReply(halt) => write!(f, "sent, and may have run, but no reply came: {halt}"),
            Self::NoSelector => f.write_str("not run: the peer has no handler for this selector"),
            Self::Refused(why) => write!(f, "not run: the peer refuses: {why}"),
            Self::Overloaded => f.write_str("not run: the peer has too many requests at once"),
            Self::Failed(why) => write!(f, "ran, and failed: {why}"),
            Self::ReplyTooLarge => f.write_str("ran, but its reply is larger than is accepted here"),
            Self::NotAnswered => {
                f.write_str("may have run: the peer's handler gave the request away, and nobody answered it")
            }
        }
    }
}

impl std::error::Error for CallError {}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("the deadline has passed"),
            Self::Congested => f.write_str("both sides send more than the other takes in"),
            Self::Ended(end) => end.fmt(f),
        }
    }
}

/// Why an event was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotifyError {
    /// It is larger than the peer accepts.
    TooLarge {
        /// The length of the event, in bytes.
        length: usize,
        /// The largest that the peer accepts, in bytes.
        largest: usize,
    },
    /// It could not be sent.
    NotSent(Halt),
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length, largest } => too_large(f, *length, *largest),
            Self::NotSent(halt) => write!(f, "not sent: {halt}"),
        }
    }
}

impl std::error::Error for NotifyError {}

fn too_large(f: &mut fmt::Formatter<'_>, length: usize, largest: usize) -> fmt::Result {
    write!(f, "not sent: a message of {length} bytes, the peer accepts at most {largest}")
}

/// Why a message did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    TooLarge { length: usize, largest: usize },
    Halted(Halt),
}

impl From<NextError> for Halt {
    fn from(error: NextError) -> Self {
        match error {
            NextError::Empty => Self::Timeout,
            NextError::End(end) => Self::Ended(end),
        }
    }
}

impl From<ClaimError> for Unsent {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Full => Self::Halted(Halt::Timeout),
            ClaimError::TooLarge { length, largest } => Self::TooLarge { length, largest },
            ClaimError::End(end) => Self::Halted(Halt::Ended(end)),
        }
    }
}

impl From<Unsent> for CallError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::TooLarge { length, largest } => Self::TooLarge { length, largest },
            Unsent::Halted(halt) => Self::NotSent(halt),
        }
    }
}

impl From<Unsent> for NotifyError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::TooLarge { length, largest } => Self::TooLarge { length, largest },
            Unsent::Halted(halt) => Self::NotSent(halt),
        }
    }
}

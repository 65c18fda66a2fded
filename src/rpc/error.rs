//! What can go wrong with a typed call, and what is known then of it.

use std::convert::Infallible;
use std::fmt;

use super::codec::{DecodeError, EncodeError, plain_text};
use crate::session::{self, Halt, NotifyError, Outcome};

/// Why a procedure returned no value. `E` is the procedure's own error, or [`Infallible`] if it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError<E = Infallible> {
    /// The procedure ran, and this is its own error.
    Procedure(E),
    /// Not run: nothing at the other side has this number. It was not bound there.
    NoSuchProcedure,
    /// Not run: the arguments don't decode at the other side, which says why.
    BadArguments(String),
    /// Not run: the other side will not do it for this caller, and says why.
    Refused(String),
    /// Not sent: the arguments cannot be encoded.
    Unencodable(EncodeError),
    /// The procedure panicked; this is its message.
    Panicked(String),
    /// The procedure ran, but what it returned cannot be encoded.
    BadResult(String),
    /// The procedure ran, but its reply does not decode here.
    BadReply(DecodeError),
    /// What carries the calls failed: too large, timed out, peer gone, and so on.
    Carrier(session::CallError),
}

impl<E> CallError<E> {
    /// What is known of the call.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoSuchProcedure | Self::BadArguments(_) | Self::Refused(_) | Self::Unencodable(_) => Outcome::NotRun,
            Self::Procedure(_) | Self::Panicked(_) | Self::BadResult(_) | Self::BadReply(_) => Outcome::Ran,
            Self::Carrier(error) => error.outcome(),
        }
    }

    /// Whether a deadline passed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.halt() == Some(Halt::Timeout)
    }

    /// Whether nothing more can come from the other side.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.halt(), Some(Halt::Ended(_)))
    }

    fn halt(&self) -> Option<Halt> {
        match self {
            Self::Carrier(session::CallError::NotSent(halt) | session::CallError::NoReply(halt)) => Some(*halt),
            _ => None,
        }
    }
}

impl<E> From<session::CallError> for CallError<E> {
    fn from(error: session::CallError) -> Self {
        match error {
            session::CallError::NoSelector => Self::NoSuchProcedure,
            session::CallError::Refused(why) => Self::Refused(plain_text(why.as_bytes())),
            other => Self::Carrier(made_plain(other)),
        }
    }
}

/// Without the control characters that a peer's texts may have.
pub(super) fn made_plain(error: session::CallError) -> session::CallError {
    match error {
        session::CallError::Failed(why) => session::CallError::Failed(plain_text(why.as_bytes())),
        session::CallError::Refused(why) => session::CallError::Refused(plain_text(why.as_bytes())),
        other => other,
    }
}

impl<E> From<NotifyError> for CallError<E> {
    fn from(error: NotifyError) -> Self {
        Self::Carrier(match error {
            NotifyError::TooLarge { length, largest } => session::CallError::TooLarge { length, largest },
            NotifyError::NotSent(halt) => session::CallError::NotSent(halt),
        })
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Procedure(error) => error.fmt(f),
            Self::NoSuchProcedure => {
                f.write_str("not run: the peer has no procedure of this number, it was not bound there")
            }
            Self::BadArguments(why) => write!(f, "not run: the arguments don't decode at the peer: {why}"),
            Self::Refused(why) => write!(f, "not run: the peer refuses: {why}"),
            Self::Unencodable(error) => write!(f, "not sent: the arguments cannot be encoded: {error}"),
            Self::Panicked(message) => write!(f, "ran, and panicked: {message}"),
            Self::BadResult(why) => write!(f, "ran, but what it returned cannot be encoded: {why}"),
            Self::BadReply(error) => write!(f, "ran, but its reply does not decode: {error}"),
            Self::Carrier(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Procedure(error) => Some(error),
            Self::Unencodable(error) => Some(error),
            Self::BadReply(error) => Some(error),
            Self::Carrier(error) => Some(error),
            _ => None,
        }
    }
}

/// Why an interface was not bound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// The other side serves no typed procedures at all.
    NotServed,
    /// The other side does not serve this interface.
    NoInterface {
        /// The interface.
        interface: String,
        /// Those that it serves.
        served: Vec<String>,
    },
    /// Procedures differ.
    Differs {
        /// The interface.
        interface: String,
        /// Each procedure that is not the same at both sides.
        differences: Vec<Difference>,
    },
    /// The answer does not decode, or is none to what was asked.
    BadReply(String),
    /// Asking failed.
    Call(session::CallError),
}

/// A procedure that is not the same at both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub procedure: String,
    /// Its types at this side.
    pub here: String,
    /// Its types at the other side, where there is one of this name.
    pub there: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { procedure, here, there } = self;
        match there {
            Some(there) => write!(f, "procedure `{procedure}`: this side has {here}, the server has {there}"),
            None => write!(f, "procedure `{procedure}`: this side has {here}, the server has none of this name"),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotServed => f.write_str("the peer serves no typed procedures"),
            Self::NoInterface { interface, served } => {
                write!(f, "the peer does not serve the interface `{interface}`, but: {}", served.join(", "))
            }
            Self::Differs { interface, differences } => {
                write!(f, "interface `{interface}` differs")?;
                differences.iter().try_for_each(|difference| write!(f, "; {difference}"))
            }
            Self::BadReply(why) => write!(f, "the answer to binding is none: {why}"),
            Self::Call(error) => write!(f, "binding failed: {error}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Call(error) = self { Some(error) } else { None }
    }
}
